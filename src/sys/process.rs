//! Processes: `pidfd_open(2)`, `kqueue(2)`.

use std::io;

use crate::sys::Source;

/// A descriptor that becomes readable when the process exits. It is close-on-exec.
///
/// The call is made by number: musl and older versions of glibc have no function for it.
#[cfg(epoll)]
pub(crate) fn open(pid: u32) -> io::Result<Source> {
    // What is beyond a `pid_t` becomes negative, which is EINVAL as zero is.
    let pid = pid as libc::pid_t;
    // SAFETY: no pointer is passed.
    match unsafe { syscall!(syscall(libc::SYS_pidfd_open, pid, 0)) } {
        // The number of a thread, and of no process: EINVAL by the manual, ENOENT of Linux 6.18.
        Err(error)
            if pid > 0 && matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOENT)) =>
        {
            crate::sys::ignore(error);
            Err(io::Error::from_raw_os_error(libc::ESRCH))
        }
        // SAFETY: the new descriptor is ours.
        result => result.map(|raw| unsafe { Source::new(raw as _) }),
    }
}

/// A queue that becomes readable when the process exits: the event stays in it.
#[cfg(kqueue)]
pub(crate) fn open(pid: u32) -> io::Result<Source> {
    use crate::sys::selector::{EV_ADD, EVFILT_PROC, NOTE_EXIT, change, timer};

    if pid == 0 || libc::pid_t::try_from(pid).is_err() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let queue = Source::new()?;
    match queue.change(change(pid as usize, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0)) {
        // Darwin, NetBSD and OpenBSD say so of a process that has exited and was not reaped. A timer makes the
        // queue readable in a moment, and every kqueue has one.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) && exists(pid) => {
            queue.change(timer())?;
        }
        result => result?,
    }
    Ok(queue)
}

/// Whether there is such a process; it may be one that must not be sent a signal.
#[cfg(kqueue)]
fn exists(pid: u32) -> bool {
    // SAFETY: no pointer is passed, and no signal is sent.
    let sent = unsafe { syscall!(kill(pid as libc::pid_t, 0)) };
    sent.is_ok() || sent.is_err_and(|error| error.raw_os_error() == Some(libc::EPERM))
}
