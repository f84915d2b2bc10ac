//! `Awakener`.

use std::ffi::c_int;

use mio_st::poll::Awakener;
use mio_st::raw;

use crate::abi::*;
use crate::error::{Error, Result};
use crate::handles::{AWAKENER, tag};
use crate::memory::Out;
use crate::pool::Pool;
use crate::thread::{call, exclusive, plain};

static AWAKENERS: Pool<Awakener> = Pool::new();

const TAG: u32 = tag(AWAKENER, 0);

/// It takes no lock and frees nothing, as it may run in a signal handler.
fn wake(bits: u64) -> Result<()> {
    let result = AWAKENERS.with(TAG, bits, |awakener| {
        if raw::is_forked(awakener) { Err(Error::FORKED) } else { Ok(awakener.wake()) }
    });
    Ok(result???)
}

/// How many awakeners are open.
pub(crate) fn live() -> usize {
    AWAKENERS.live()
}

/// Creates an awakener: waking gives the poller an event with `id` and `MIO_ST_READABLE`.
///
/// `awakener` receives it; close it with mio_st_awakener_close(). A poller may have any number of them.
///
/// Returns 0; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOSPC` if there are too many
/// registrations (`/proc/sys/fs/epoll/max_user_watches`); `-ENOMEM`; `-EINVAL` if `awakener` is NULL; the errors
/// of a handle.
///
/// Thread: that of the poller. The awakener itself belongs to no thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_awakener_new(
    awakener: *mut mio_st_awakener_t,
    poller: mio_st_poller_t,
    id: u64,
) -> c_int {
    call(poller, |table| {
        let poller = table.poller(poller)?;
        // SAFETY: C promises that `awakener` can be written.
        let out = unsafe { Out::new(awakener) }?;
        let claimed = AWAKENERS.claim()?;
        out.put(mio_st_awakener_t { bits: claimed.open(TAG, poller.raw_add_awakener(id)?) });
        Ok(0)
    })
}

/// Wakes the poller. Wakes are coalesced: after the last one there is at least one event, and there may be
/// one too many. There is nothing to drain. It costs no system call while the poller is awake (unless
/// mio_st_poller_fd() was called, since somebody may wait for its descriptor), nor while an earlier wake is
/// still to be seen.
///
/// Returns 0; `-EPIPE` if the poller is closed; `MIO_ST_EFORKED` in a process that was forked since; `-EBADF`
/// if the awakener is closed. It preserves `errno`.
///
/// Any thread, and any signal handler: it takes no lock and allocates nothing. What was written before the
/// call is visible to the thread of the poller when it sees the event.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_awakener_wake(awakener: mio_st_awakener_t) -> c_int {
    raw::keeping_errno(|| plain(|| wake(awakener.bits).map(|()| 0)))
}

/// Closes an awakener. A wake that was sent before still arrives. It preserves `errno`.
///
/// Returns 0, also for `{0}`; `-EBADF` if it is closed; `-EBUSY` in a signal handler that has interrupted a
/// call of this library.
///
/// Any thread, also one that is ending (in a destructor of thread-specific data), but not a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_awakener_close(awakener: mio_st_awakener_t) -> c_int {
    if awakener.bits == 0 {
        return 0;
    }
    raw::keeping_errno(|| exclusive(|| AWAKENERS.close(TAG, awakener.bits).map(|()| 0)))
}
