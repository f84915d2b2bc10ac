//! `Awakener`.

use std::ffi::c_int;
use crate::abi::*;

/// Creates an awakener: waking gives the poller an event with `id` and `MIO_ST_READABLE`.
///
/// `awakener` receives it; close it with mio_st_awakener_close(). A poller may have any number of them.
///
/// Returns 0; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOMEM`; `-EINVAL` if `awakener` is
/// NULL; the errors of a handle.
///
/// Thread: that of the poller. The awakener itself belongs to no thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_awakener_new(
    awakener: *mut mio_st_awakener_t,
    poller: mio_st_poller_t,
    id: u64,
) -> c_int {
    0
}

/// Wakes the poller. Wakes are coalesced: after the last one there is at least one event, and there may be
/// one too many. There is nothing to drain, and while an earlier wake is still to be seen it costs no system
/// call.
///
/// Returns 0; `-EPIPE` if the poller is closed; `MIO_ST_EFORKED` in a process that was forked since; `-EBADF`
/// if the awakener is closed. It preserves `errno`.
///
/// Any thread, and any signal handler: it takes no lock and allocates nothing. What was written before the
/// call is visible to the thread of the poller when it sees the event.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_awakener_wake(awakener: mio_st_awakener_t) -> c_int {
    0
}

/// Closes an awakener. A wake that was sent before still arrives.
///
/// Returns 0, also for `{0}`; `-EBADF` if it is closed; `-EBUSY` in a signal handler that has interrupted a
/// call of this library.
///
/// Any thread, but not a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_awakener_close(awakener: mio_st_awakener_t) -> c_int {
    0
}
