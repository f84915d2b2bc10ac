//! Processes: `pidfd_open(2)`.

use std::io;

use crate::sys::Fd;

/// A descriptor that becomes readable when the process exits. It is close-on-exec.
///
/// The call is made by number: musl and older versions of glibc have no function for it.
#[cfg(epoll)]
pub(crate) fn open(pid: u32) -> io::Result<Fd> {
    // What is beyond a `pid_t` becomes negative, which is EINVAL as zero is.
    let pid = pid as libc::pid_t;
    // SAFETY: no pointer is passed, and the new descriptor is ours.
    unsafe { syscall!(syscall(libc::SYS_pidfd_open, pid, 0)).map(|raw| Fd::new(raw as _)) }
}
