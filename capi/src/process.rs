//! `Process`.

use std::ffi::c_int;

use mio_st::unix::Process;

use crate::abi::*;
use crate::memory::Out;
use crate::thread::{call, close, create};

/// Waits for a process to exit, a child or another: register the handle, which becomes readable then, and
/// stays so. (Since Linux 6.9 there is a second edge, with `MIO_ST_HUP`, when it is reaped.) An exited child stays a
/// zombie until its parent calls `waitpid(2)`; nobody does so here. Call it without `WNOHANG`: on macOS and the BSDs the
/// event may come a moment before the status is there.
///
/// `process` receives the handle; close it with mio_st_process_close(). `pid` is its number, that of a child
/// which was not reaped; the number of a reaped process may be that of another.
///
/// Returns 0; `-ESRCH` if there is no such process, as of the number of a thread; `-ENOSYS` before Linux 5.3; `-EINVAL`
/// if `pid` is not positive, or `process` is NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors;
/// `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The handle belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_process_from_pid(
    process: *mut mio_st_process_t,
    pid: c_int,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `process` can be written.
        let out = unsafe { Out::new(process) }?;
        table.reserve()?;
        // A negative number stays one, and is refused.
        out.put(table.open(Process::from_pid(pid as u32)?)?);
        Ok(0)
    })
}

/// Closes the handle of a process. That ends its registrations, in every poller. Nothing
/// happens to the process.
///
/// Returns 0, also for `{0}`; the errors of a handle.
///
/// Thread: that of the process.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_process_close(process: mio_st_process_t) -> c_int {
    close(process)
}

/// The descriptor of the process, which stays the handle's: a `pidfd_open(2)` on Linux.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the process.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_process_fd(process: mio_st_process_t) -> c_int {
    call(process, |table| table.fd(process))
}
