//! `Signals`.

use std::ffi::c_int;

use mio_st::raw;
use mio_st::unix::Signal;

use crate::abi::*;
use crate::error::Error;
use crate::handles::try_box;
use crate::memory::{self, Out};
use crate::thread::{call, close, create};

/// Receives signals as events: register the handle, and when it is readable call mio_st_signals_receive() until
/// `-EAGAIN`.
///
/// `signals` receives the handle; close it with mio_st_signals_close(). `numbers` are `count` numbers of
/// signals, such as `SIGTERM`.
///
/// A handler writes each down, whatever was done about the signal before. Nothing is blocked, and what was blocked in
/// this thread is not until the handle is closed; so children find nothing blocked, and `exec` takes the handler away. In
/// a forked child a signal does what it would do without the handle, until the child uses that. Any thread may be interrupted (`SA_RESTART`, and
/// `EINTR` where that does not help). Several handles, in whatever threads, receive each signal each. Signals are not
/// counted: one that arrives again before it is received is one. Real-time signals are, and when 64 wait the next are
/// blocked in the thread that is interrupted, until this one has received them.
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

/// Closes the handle, and restores what was done about its signals before, unless another handle has them, or the
/// program has installed another action. A signal that waits then does what it otherwise would: an unreceived
/// `SIGTERM` ends the process. Close it before the code of a plugin that has this library in it is unloaded.
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

/// Receives another signal, too.
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

/// Receives a signal no more, as mio_st_signals_close() does. One that waits then does what it otherwise would. The last
/// may be removed, too.
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
