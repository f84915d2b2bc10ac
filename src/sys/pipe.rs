//! Pipes: `pipe(2)`.

use std::io;

use crate::sys::Fd;

/// Makes a pipe that is non-blocking and close-on-exec from the start: the reading end, the writing end.
#[cfg(not(any(target_os = "macos", target_os = "ios")))]
pub(crate) fn new() -> io::Result<(Fd, Fd)> {
    let mut fds = [-1; 2];
    // SAFETY: there is room for two descriptors, which are new and ours.
    unsafe {
        syscall!(pipe2(fds.as_mut_ptr(), libc::O_NONBLOCK | libc::O_CLOEXEC))?;
        Ok((Fd::new(fds[0]), Fd::new(fds[1])))
    }
}

/// As above; Darwin has no `pipe2`, so that the flags are set at once after.
#[cfg(any(target_os = "macos", target_os = "ios"))]
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
