//! `Detached`.

use std::ffi::c_int;

use mio_st::raw;

use crate::abi::*;
use crate::error::{Error, Result};
use crate::handles::{DETACHED, Detached, THREAD_BITS, Table, Travels, tag};
use crate::memory::Out;
use crate::pool::{Pool, Taken};
use crate::slots;
use crate::thread::{call, create, exclusive};

static DETACHEDS: Pool<Detached> = Pool::new();

/// The tag of what was detached, which has its kind where others have their thread.
const fn tag_of(kind: u32) -> u32 {
    tag(DETACHED, kind)
}

/// How many there are.
pub(crate) fn live() -> usize {
    DETACHEDS.live()
}

/// # Safety
///
/// `detached` is NULL, or can be written.
unsafe fn detach<H: Travels>(handle: H, detached: *mut mio_st_detached_t) -> c_int {
    call(handle, |table| {
        table.get(handle)?;
        // SAFETY: the caller's promise.
        unsafe { detach_object(table, handle.bits(), H::KIND, detached) }
    })
}

/// One for all kinds.
///
/// # Safety
///
/// As [`detach`].
#[inline(never)]
unsafe fn detach_object(
    table: &mut Table,
    bits: u64,
    kind: u32,
    detached: *mut mio_st_detached_t,
) -> Result<c_int> {
    table.check_travels(bits)?;
    // SAFETY: the caller's promise.
    let out = unsafe { Out::new(detached) }?;
    let claimed = DETACHEDS.claim()?;
    let detached = table.detach(bits, kind)?;
    out.put(mio_st_detached_t { bits: claimed.open(tag_of(kind), detached) });
    Ok(0)
}

/// # Safety
///
/// `handle` is NULL, or can be written.
unsafe fn attach<H: Travels>(handle: *mut H, detached: mio_st_detached_t) -> c_int {
    const { assert!(size_of::<H>() == size_of::<u64>()) };
    // SAFETY: the caller's promise; a handle is its bits.
    create(|table| unsafe { attach_object(table, H::KIND, handle.cast(), detached.bits) })
}

/// One for all kinds.
///
/// # Safety
///
/// As [`attach`].
#[inline(never)]
unsafe fn attach_object(
    table: &mut Table,
    kind: u32,
    handle: *mut u64,
    detached: u64,
) -> Result<c_int> {
    // SAFETY: the caller's promise.
    let out = unsafe { Out::new(handle) }?;
    table.reserve()?;
    let mut taken = take(tag_of(kind), detached)?;
    if taken.value().is_forked() {
        return Err(Error::FORKED);
    }
    out.put(table.attach(taken)?);
    Ok(0)
}

/// Takes what was detached, unless its kind is not what the tag says: then the bits are forged.
fn take(tag: u32, bits: u64) -> Result<Taken<Detached>> {
    let mut taken = DETACHEDS.take(tag, bits)?;
    let is_right = tag == tag_of(taken.value().kind());
    if is_right { Ok(taken) } else { Err(Error::of(libc::EBADF)) }
}

/// Closes what was detached and is to be attached by nobody: a poller, or a descriptor. It is registered nowhere any
/// more, but while there are copies of its descriptor (`dup(2)`, `fork(2)`): attach what may have some, and close that.
/// It preserves `errno`.
///
/// Returns 0, also for `{0}`; `-EBADF` if it is attached or closed; `-EBUSY` in a signal handler that has interrupted a
/// call of this library.
///
/// Any thread, also one that is ending, but not a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_detached_close(detached: mio_st_detached_t) -> c_int {
    if detached.bits == 0 {
        return 0;
    }
    let close = || {
        let tag = slots::tag(detached.bits);
        if tag >> THREAD_BITS != DETACHED {
            return Err(Error::of(libc::EBADF));
        }
        drop(take(tag, detached.bits)?.keep());
        Ok(0)
    };
    raw::keeping_errno(|| exclusive(close))
}

/// Detaches a poller from this thread, so that another attaches it: for threads that take turns with one loop under a
/// lock, or for a loop that moves. Its registrations, deadlines and notifications go along; their keys stay good, its
/// awakeners and registrars work all the time, and its clock, checks and statistics are as they were.
///
/// Handles that are registered with it stay where they are, and go by functions like this one. A handle and its poller
/// may be in different threads: events come to the poller, and closing the handle ends its registration only by closing
/// the descriptor, while no copy of that is left.
///
/// `detached` receives what another thread attaches, once; or close it with mio_st_detached_close(). It may outlive this
/// thread. The handle names nothing any more.
///
/// Returns 0; `-ENOMEM`; `-EINVAL` if `detached` is NULL; the errors of a handle. After an error the handle is as it was.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_detach(
    poller: mio_st_poller_t,
    detached: *mut mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `detached` can be written.
    unsafe { detach(poller, detached) }
}

/// Attaches a poller that was detached to this thread.
///
/// `poller` receives it, as mio_st_poller_new() would give it.
///
/// Returns 0; `-EBADF` if it was attached or closed, or is no poller; `MIO_ST_EFORKED` in a process that was forked since
/// the poller was created; `-ENOMEM`; `-EINVAL` if `poller` is NULL; `-EAGAIN` as mio_st_poller_new(). After an error
/// other than `-EBADF` it may be attached still.
///
/// The poller belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_attach(
    poller: *mut mio_st_poller_t,
    detached: mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `poller` can be written.
    unsafe { attach(poller, detached) }
}

/// Detaches a TCP listener from this thread, with its registrations, as mio_st_poller_detach() does a poller.
///
/// Returns as mio_st_poller_detach().
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_listener_detach(
    listener: mio_st_tcp_listener_t,
    detached: *mut mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `detached` can be written.
    unsafe { detach(listener, detached) }
}

/// Attaches a TCP listener that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
/// forked since, it is one of its own.
///
/// Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
///
/// The handle belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_listener_attach(
    listener: *mut mio_st_tcp_listener_t,
    detached: mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `listener` can be written.
    unsafe { attach(listener, detached) }
}

/// Detaches a TCP stream from this thread, with its registrations, as mio_st_poller_detach() does a poller.
///
/// Returns as mio_st_poller_detach().
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_detach(
    stream: mio_st_tcp_stream_t,
    detached: *mut mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `detached` can be written.
    unsafe { detach(stream, detached) }
}

/// Attaches a TCP stream that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
/// forked since, it is one of its own.
///
/// Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
///
/// The handle belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_attach(
    stream: *mut mio_st_tcp_stream_t,
    detached: mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `stream` can be written.
    unsafe { attach(stream, detached) }
}

/// Detaches a UDP socket from this thread, with its registrations, as mio_st_poller_detach() does a poller.
///
/// Returns as mio_st_poller_detach().
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_detach(
    socket: mio_st_udp_socket_t,
    detached: *mut mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `detached` can be written.
    unsafe { detach(socket, detached) }
}

/// Attaches a UDP socket that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
/// forked since, it is one of its own.
///
/// Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
///
/// The handle belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_attach(
    socket: *mut mio_st_udp_socket_t,
    detached: mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `socket` can be written.
    unsafe { attach(socket, detached) }
}

/// Detaches a connected UDP socket from this thread, with its registrations, as mio_st_poller_detach() does a poller.
///
/// Returns as mio_st_poller_detach().
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_detach(
    socket: mio_st_connected_udp_socket_t,
    detached: *mut mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `detached` can be written.
    unsafe { detach(socket, detached) }
}

/// Attaches a connected UDP socket that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
/// forked since, it is one of its own.
///
/// Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
///
/// The handle belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_attach(
    socket: *mut mio_st_connected_udp_socket_t,
    detached: mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `socket` can be written.
    unsafe { attach(socket, detached) }
}

/// Detaches a Unix stream from this thread, with its registrations, as mio_st_poller_detach() does a poller.
///
/// Returns as mio_st_poller_detach().
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_detach(
    stream: mio_st_unix_stream_t,
    detached: *mut mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `detached` can be written.
    unsafe { detach(stream, detached) }
}

/// Attaches a Unix stream that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
/// forked since, it is one of its own.
///
/// Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
///
/// The handle belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_attach(
    stream: *mut mio_st_unix_stream_t,
    detached: mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `stream` can be written.
    unsafe { attach(stream, detached) }
}

/// Detaches a Unix listener from this thread, with its registrations, as mio_st_poller_detach() does a poller.
///
/// Returns as mio_st_poller_detach().
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_listener_detach(
    listener: mio_st_unix_listener_t,
    detached: *mut mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `detached` can be written.
    unsafe { detach(listener, detached) }
}

/// Attaches a Unix listener that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
/// forked since, it is one of its own.
///
/// Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
///
/// The handle belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_listener_attach(
    listener: *mut mio_st_unix_listener_t,
    detached: mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `listener` can be written.
    unsafe { attach(listener, detached) }
}

/// Detaches a Unix datagram socket from this thread, with its registrations, as mio_st_poller_detach() does a poller.
///
/// Returns as mio_st_poller_detach().
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_detach(
    socket: mio_st_unix_datagram_t,
    detached: *mut mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `detached` can be written.
    unsafe { detach(socket, detached) }
}

/// Attaches a Unix datagram socket that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
/// forked since, it is one of its own.
///
/// Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
///
/// The handle belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_attach(
    socket: *mut mio_st_unix_datagram_t,
    detached: mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `socket` can be written.
    unsafe { attach(socket, detached) }
}

/// Detaches the sending end of a pipe from this thread, with its registrations, as mio_st_poller_detach() does a poller.
///
/// Returns as mio_st_poller_detach().
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_sender_detach(
    sender: mio_st_sender_t,
    detached: *mut mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `detached` can be written.
    unsafe { detach(sender, detached) }
}

/// Attaches the sending end of a pipe that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
/// forked since, it is one of its own.
///
/// Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
///
/// The handle belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_sender_attach(
    sender: *mut mio_st_sender_t,
    detached: mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `sender` can be written.
    unsafe { attach(sender, detached) }
}

/// Detaches the receiving end of a pipe from this thread, with its registrations, as mio_st_poller_detach() does a poller.
///
/// Returns as mio_st_poller_detach().
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_receiver_detach(
    receiver: mio_st_receiver_t,
    detached: *mut mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `detached` can be written.
    unsafe { detach(receiver, detached) }
}

/// Attaches the receiving end of a pipe that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
/// forked since, it is one of its own.
///
/// Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
///
/// The handle belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_receiver_attach(
    receiver: *mut mio_st_receiver_t,
    detached: mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `receiver` can be written.
    unsafe { attach(receiver, detached) }
}

/// Detaches the handle of a process from this thread, with its registrations, as mio_st_poller_detach() does a poller.
///
/// Returns as mio_st_poller_detach().
///
/// Thread: that of the handle.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_process_detach(
    process: mio_st_process_t,
    detached: *mut mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `detached` can be written.
    unsafe { detach(process, detached) }
}

/// Attaches the handle of a process that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
/// forked since, it is one of its own.
///
/// Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
///
/// The handle belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_process_attach(
    process: *mut mio_st_process_t,
    detached: mio_st_detached_t,
) -> c_int {
    // SAFETY: C promises that `process` can be written.
    unsafe { attach(process, detached) }
}
