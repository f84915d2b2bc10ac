//! `Signals`.

use std::ffi::c_int;

use mio_st::raw;
use mio_st::unix::Signal;

use crate::abi::*;
use crate::error::Error;
use crate::handles::try_box;
use crate::memory::{self, Out};
use crate::thread::{call, close, create};

/// Blocks signals in this thread, to receive them as events: register the handle, and when it is readable
/// call mio_st_signals_receive() until `-EAGAIN`.
///
/// `signals` receives the handle; close it with mio_st_signals_close(). `numbers` are `count` numbers of
/// signals, such as `SIGTERM`.
///
/// Create it in the main thread, before other threads, which inherit what it blocks: a signal to the process
/// goes to any thread that does not block it. Children inherit that too, across `exec`: in a forked child
/// close the handle before `exec`. Signals are not counted: one that arrives again before it is received is
/// one. On macOS what is sent to a thread, by `raise` or `pthread_kill`, is not received: use `kill`.
///
/// Returns 0; `-EINVAL` for no signals at all, for a number that no signal has, for `SIGKILL` and `SIGSTOP`,
/// which cannot be caught, and for `SIGSEGV`, `SIGBUS`, `SIGFPE` and `SIGILL`; `-EINVAL` if a pointer is
/// NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOMEM`; `-EAGAIN` as
/// mio_st_poller_new().
///
/// The handle belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_signals_new(
    signals: *mut mio_st_signals_t,
    numbers: *const c_int,
    count: usize,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `signals` can be written.
        let out = unsafe { Out::new(signals) }?;
        // SAFETY: C promises that `numbers` are `count` numbers.
        let numbers = unsafe { memory::input(numbers, count) }?;
        table.reserve()?;
        let new = raw::signals(numbers)?;
        out.put(table.open(try_box(new)?)?);
        Ok(0)
    })
}

/// Closes the handle, and unblocks each of its signals in this thread, except those that were blocked before,
/// and those that another handle of this thread has. A signal that waits then does what it otherwise would:
/// an unreceived `SIGTERM` ends the process.
///
/// Returns 0, also for `{0}`; the errors of a handle.
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_signals_close(signals: mio_st_signals_t) -> c_int {
    close(signals)
}

/// Receives a signal.
///
/// Returns its number; `-EAGAIN` if there is none; the errors of a handle.
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_signals_receive(signals: mio_st_signals_t) -> c_int {
    call(signals, |table| {
        let received = table.get(signals)?.receive()?;
        received.map(Signal::as_raw).ok_or(Error::of(libc::EAGAIN))
    })
}

/// Receives a signal, with who sent it and what with it. By kqueue nothing is known but its number.
///
/// `info` receives what is known.
///
/// Returns its number; `-EAGAIN` if there is none; `-EINVAL` if `info` is NULL; the errors of a handle.
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_signals_receive_info(
    signals: mio_st_signals_t,
    info: *mut mio_st_signal_info_t,
) -> c_int {
    call(signals, |table| {
        let signals = table.get(signals)?;
        // SAFETY: C promises that `info` can be written.
        let out = unsafe { Out::new(info) }?;
        let info = signals.receive_info()?.ok_or(Error::of(libc::EAGAIN))?;
        let flags = [
            (info.pid.is_some(), MIO_ST_SIGNAL_SENDER),
            (info.status.is_some(), MIO_ST_SIGNAL_STATUS),
            (info.value.is_some(), MIO_ST_SIGNAL_VALUE),
        ];
        out.put(mio_st_signal_info_t {
            number: info.signal.as_raw(),
            code: info.code,
            flags: flags.into_iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag),
            pid: info.pid.unwrap_or(0),
            uid: info.uid.unwrap_or(0),
            status: info.status.unwrap_or(0),
            value: info.value.unwrap_or(0),
        });
        Ok(info.signal.as_raw())
    })
}

/// Blocks another signal in this thread, and receives it too.
///
/// `number` is as in mio_st_signals_new().
///
/// Returns 1; 0 if it was received already; `-EINVAL` for a number that cannot be received; the errors of a handle.
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_signals_add(signals: mio_st_signals_t, number: c_int) -> c_int {
    call(signals, |table| Ok(raw::add_signal(table.get(signals)?, number)?.into()))
}

/// Receives a signal no more, and unblocks it in this thread as mio_st_signals_close() does. One that waits then does
/// what it otherwise would. The last may be removed, too.
///
/// `number` is that of a signal.
///
/// Returns 1; 0 if it was not received; the errors of a handle.
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_signals_remove(signals: mio_st_signals_t, number: c_int) -> c_int {
    call(signals, |table| Ok(table.get(signals)?.remove(Signal::from_raw(number))?.into()))
}

/// The descriptor of the handle, which stays the handle's: to look at it.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_signals_fd(signals: mio_st_signals_t) -> c_int {
    call(signals, |table| table.fd(signals))
}
