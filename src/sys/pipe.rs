//! Pipes: `pipe(2)`.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;

use crate::sys::Fd;

/// Makes a pipe that is non-blocking and close-on-exec from the start: the reading end, the writing end.
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn new() -> io::Result<(Fd, Fd)> {
    let mut fds = [-1; 2];
    // SAFETY: there is room for two descriptors, which are new and ours.
    unsafe {
        syscall!(pipe2(fds.as_mut_ptr(), libc::O_NONBLOCK | libc::O_CLOEXEC))?;
        Ok((Fd::new(fds[0]), Fd::new(fds[1])))
    }
}

/// As above; Darwin has no `pipe2`, so that the flags are set at once after.
#[cfg(target_vendor = "apple")]
pub(crate) fn new() -> io::Result<(Fd, Fd)> {
    let mut fds = [-1; 2];
    // SAFETY: there is room for two descriptors, which are new and ours.
    let (reader, writer) = unsafe {
        syscall!(pipe(fds.as_mut_ptr()))?;
        (Fd::new(fds[0]), Fd::new(fds[1]))
    };
    for fd in [&reader, &writer] {
        crate::sys::socket::set_nonblocking_cloexec(fd.raw())?;
    }
    Ok((reader, writer))
}

/// Whether a descriptor, which need not be open, is an end of a pipe or FIFO that can be written, or read.
pub(crate) fn is_end(fd: RawFd, writable: bool) -> io::Result<bool> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: there is room for a `stat`, which is initialised by a call that succeeds.
    let (mode, flags) = unsafe {
        syscall!(fstat(fd, stat.as_mut_ptr()))?;
        (stat.assume_init().st_mode, syscall!(fcntl(fd, libc::F_GETFL))?)
    };
    let one_way = if writable { libc::O_WRONLY } else { libc::O_RDONLY };
    let access = flags & libc::O_ACCMODE;
    Ok(mode & libc::S_IFMT == libc::S_IFIFO && (access == one_way || access == libc::O_RDWR))
}
