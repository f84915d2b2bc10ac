//! `Registrar`.

use std::ffi::c_int;
use std::io;

use mio_st::poll::Registrar;
use mio_st::raw;

use crate::abi::*;
use crate::error::{Error, Result};
use crate::handles::{REGISTRAR, tag};
use crate::memory::Out;
use crate::poller::{INVALID, some_interests, trigger};
use crate::pool::Pool;
use crate::thread::{call, exclusive};

static REGISTRARS: Pool<Registrar> = Pool::new();

const TAG: u32 = tag(REGISTRAR, 0);

/// Runs a call that uses a registrar, which nobody drops meanwhile.
fn with(
    registrar: mio_st_registrar_t,
    body: impl FnOnce(&Registrar) -> Result<io::Result<()>>,
) -> c_int {
    exclusive(|| {
        let result = REGISTRARS.with(TAG, registrar.bits, |registrar| {
            if registrar.raw_is_forked() { Err(Error::FORKED) } else { body(registrar) }
        });
        result???;
        Ok(0)
    })
}

/// How many registrars are open.
pub(crate) fn live() -> usize {
    REGISTRARS.live()
}

/// Creates a registrar, by which any thread registers descriptors with a poller and posts events to it, also while a
/// poll sleeps.
///
/// `registrar` receives it; close it with mio_st_registrar_close(). A poller may have any number of them, and any
/// number of threads may use one at once. It does not keep its poller open. While there is one, polls cost what they
/// cost with an awakener.
///
/// Returns 0; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOSPC` if there are too many
/// registrations (`/proc/sys/fs/epoll/max_user_watches`); `-ENOMEM`; `-EINVAL` if `registrar` is NULL; the errors
/// of a handle.
///
/// Thread: that of the poller. The registrar itself belongs to no thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_registrar_new(
    registrar: *mut mio_st_registrar_t,
    poller: mio_st_poller_t,
) -> c_int {
    call(poller, |table| {
        let poller = table.poller(poller)?;
        // SAFETY: C promises that `registrar` can be written.
        let out = unsafe { Out::new(registrar) }?;
        let claimed = REGISTRARS.claim()?;
        out.put(mio_st_registrar_t { bits: claimed.open(TAG, poller.raw_add_registrar()?) });
        Ok(0)
    })
}

/// Registers any descriptor, as mio_st_poller_register_fd() does; `MIO_ST_EXCLUSIVE` is `-EINVAL`. It is the same
/// registration, whoever asks: the poller may change or end it, and so may any of its registrars.
///
/// An event that a poll has taken already is handed out, also if another thread deregisters the descriptor meanwhile,
/// or registers it anew: who closes descriptors behind the back of the poller looks at the id of each event.
///
/// Returns as mio_st_poller_register_fd(); `-EPIPE` if the poller is closed; `MIO_ST_EFORKED` in a process that was
/// forked since the poller was created; `-EBADF` also if the registrar is closed; `-EBUSY` in a signal handler that has
/// interrupted a call of this library.
///
/// Any thread, also one that is ending, but not a signal handler.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_registrar_register(
    registrar: mio_st_registrar_t,
    fd: c_int,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    with(registrar, |registrar| {
        Ok(registrar.raw_register(fd, id, some_interests(interests)?, trigger(option)?))
    })
}

/// Replaces the registration of a descriptor, as mio_st_poller_reregister_fd() does.
///
/// Returns 0; `-ENOENT` if it is not registered with the poller; the errors of mio_st_registrar_register().
///
/// Any thread, also one that is ending, but not a signal handler.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_registrar_reregister(
    registrar: mio_st_registrar_t,
    fd: c_int,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    with(registrar, |registrar| {
        Ok(registrar.raw_reregister(fd, id, some_interests(interests)?, trigger(option)?))
    })
}

/// Ends the registration of a descriptor, as mio_st_poller_deregister_fd() does. Do so before you close it.
///
/// Returns 0; `-ENOENT` if it is not registered with the poller; the errors of mio_st_registrar_register().
///
/// Any thread, also one that is ending, but not a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_registrar_deregister(registrar: mio_st_registrar_t, fd: c_int) -> c_int {
    with(registrar, |registrar| Ok(registrar.raw_deregister(fd)))
}

/// Posts an event, which a poll returns as it is, and wakes the poller if it sleeps. Those of one thread come in their
/// order, and none is made one with another. Each takes memory.
///
/// `id` is any number. `readiness` is at least one of the flags of readiness.
///
/// Returns 0; `-EINVAL` for an unknown flag or none; `-ENOMEM`; `-EPIPE` if the poller is closed; `MIO_ST_EFORKED` in a
/// process that was forked since the poller was created; `-EBADF` if the registrar is closed; `-EBUSY` in a signal
/// handler that has interrupted a call of this library.
///
/// Any thread, also one that is ending, but not a signal handler. What was written before the call is visible to the
/// thread of the poller when it sees the event.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_registrar_notify(
    registrar: mio_st_registrar_t,
    id: u64,
    readiness: u32,
) -> c_int {
    with(registrar, |registrar| Ok(registrar.raw_notify(id, raw::ready(readiness).ok_or(INVALID)?)))
}

/// Closes a registrar. What it has registered stays registered, and what it has posted still arrives. It
/// preserves `errno`.
///
/// Returns 0, also for `{0}`; `-EBADF` if it is closed; `-EBUSY` in a signal handler that has interrupted a call of this
/// library.
///
/// Any thread, also one that is ending, but not a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_registrar_close(registrar: mio_st_registrar_t) -> c_int {
    if registrar.bits == 0 {
        return 0;
    }
    raw::keeping_errno(|| exclusive(|| REGISTRARS.close(TAG, registrar.bits).map(|()| 0)))
}
