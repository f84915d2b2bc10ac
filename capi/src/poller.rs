//! `Poller`.

use std::ffi::{c_char, c_int};
use std::io;
use std::iter;
use std::mem::MaybeUninit;
use std::num::NonZeroU64;
use std::os::fd::AsRawFd;
use std::time::Duration;
use std::{ptr, slice};

use mio_st::event::{Event, Ready};
use mio_st::poll::{Clock, DeadlineKey, Interests, PollOption, Poller};
use mio_st::raw;

use crate::abi::*;
use crate::error::{Error, Result};
use crate::handles::{Handle, try_box};
use crate::memory::{self, Out};
use crate::thread::{call, close, create, poll, polling, quickly};

pub(crate) const INVALID: Error = Error::of(libc::EINVAL);

// What a poll writes is what C reads.
const _: () = {
    assert!(size_of::<Event>() == size_of::<mio_st_event_t>());
    assert!(align_of::<Event>() == align_of::<mio_st_event_t>());
    assert!(raw::bits(Ready::READABLE) == MIO_ST_READABLE);
    assert!(raw::bits(Ready::PRIORITY) == MIO_ST_PRIORITY);
    assert!(raw::bits(Ready::WRITABLE) == MIO_ST_WRITABLE);
    assert!(raw::bits(Ready::ERROR) == MIO_ST_ERROR);
    assert!(raw::bits(Ready::HUP) == MIO_ST_HUP);
    assert!(raw::bits(Ready::WRITE_CLOSED) == MIO_ST_WRITE_CLOSED);
    assert!(raw::bits(Ready::TIMER) == MIO_ST_TIMER);
    assert!(raw::bits(Ready::READ_CLOSED) == MIO_ST_READ_CLOSED);
};

/// Creates a poller.
///
/// `poller` receives it; close it with mio_st_poller_close().
///
/// Returns 0; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOMEM`; `-EAGAIN` if more
/// threads use the library than it has numbers for (4095); `-EINVAL` if `poller` is NULL.
///
/// The poller belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_new(poller: *mut mio_st_poller_t) -> c_int {
    // SAFETY: C promises that `poller` can be written.
    unsafe { mio_st_poller_with_capacity(poller, 0, 0) }
}

/// Creates a poller with room for so many deadlines and so many notifications, for programs that must
/// not allocate later. An interval counts for two deadlines. More than that still fits: then memory is
/// allocated.
///
/// Each deadline takes 40 bytes, and room is made for as many cancelled ones again. The half for the
/// live ones is written to at once, so that not even the system has to find pages for it later.
///
/// `poller` receives it; close it with mio_st_poller_close().
///
/// Returns as mio_st_poller_new().
///
/// The poller belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_with_capacity(
    poller: *mut mio_st_poller_t,
    deadlines: usize,
    notifications: usize,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `poller` can be written.
        let out = unsafe { Out::new(poller) }?;
        table.reserve()?;
        let mut poller = Poller::new()?;
        poller.raw_try_reserve(deadlines, notifications)?;
        out.put(table.open(try_box(poller)?)?);
        Ok(0)
    })
}

/// Closes a poller. Handles that are registered with it stay open; its awakeners wake nothing any more.
///
/// In a process that was forked since, it closes the copy of the child only.
///
/// Returns 0, also for `{0}`; the errors of a handle, but not `MIO_ST_EFORKED`.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_close(poller: mio_st_poller_t) -> c_int {
    close(poller)
}

/// The descriptor of the poller, which stays the poller's. It becomes readable when a handle has an
/// event, so that a poller can be registered in another poller, or in another event loop together with
/// mio_st_poller_next_wakeup(). Deadlines and notifications do not make it readable.
///
/// From the first call on, each wake of an awakener that is not pending costs a system call, since somebody may
/// wait for the descriptor.
///
/// Returns the descriptor; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_fd(poller: mio_st_poller_t) -> c_int {
    call(poller, |table| Ok(table.poller(poller)?.as_raw_fd()))
}

/// Waits until there is an event, or the timeout has passed, and fills an array with events.
///
/// `events` has room for `capacity` of them; what does not fit is kept for the next poll, and what is beyond
/// `INT_MAX` / 12 on Linux is not used. `timeout_ns` is in nanoseconds: 0 does not wait, a negative one waits for ever, and any other never returns without
/// an event before it has passed. A signal does not end the wait, nor changes `errno`.
///
/// Returns the number of events, 0 if the timeout has passed; `-EINVAL` if the capacity is 0 or `events`
/// is NULL; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_poll(
    poller: mio_st_poller_t,
    events: *mut mio_st_event_t,
    capacity: usize,
    timeout_ns: i64,
) -> c_int {
    let asked = Asked { events, capacity, timeout_ns };
    let quick = |poller: &mut Poller, asked: &Asked| {
        // Any capacity: the system looks at it.
        if events.is_null() || !events.is_aligned() || !(-1..=0).contains(&timeout_ns) {
            return None;
        }
        // SAFETY: C promises that `events` has room for `capacity` events; the layout is asserted above.
        let count =
            unsafe { poller.raw_poll_plainly(events.cast(), capacity, timeout_ns as c_int) }?;
        // Read from memory, so that no register has to outlast the call. SAFETY: it is there, and so many events were
        // written just now.
        unsafe { raw::translate((&raw const asked.events).read_volatile().cast(), count) };
        Some(count as c_int)
    };
    poll(poller, asked, quick, poll_slowly)
}

/// What mio_st_poller_poll() was asked for.
struct Asked {
    events: *mut mio_st_event_t,
    capacity: usize,
    timeout_ns: i64,
}

#[inline(never)]
fn poll_slowly(poller: &mut Poller, asked: &Asked) -> Result<c_int> {
    let &Asked { events, capacity, timeout_ns } = asked;
    // SAFETY: C promises that `events` has room for `capacity` events.
    let array = unsafe { event_array(events, capacity) }?;
    // It finds out by itself that the process was forked, when it looks at anything beside the system.
    let count = poller.raw_poll(array, u64::try_from(timeout_ns).ok())?.ok_or(Error::FORKED)?;
    raw::written(events, count);
    Ok(count as c_int)
}

/// As mio_st_poller_poll(), without asking the system: it hands out notifications and deadlines that have
/// passed, and never waits.
///
/// Returns the number of events, which may be 0; the errors of mio_st_poller_poll().
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_poll_userspace(
    poller: mio_st_poller_t,
    events: *mut mio_st_event_t,
    capacity: usize,
) -> c_int {
    polling(poller, move |poller| {
        // SAFETY: C promises that `events` has room for `capacity` events.
        let count = poller.raw_poll_userspace(unsafe { event_array(events, capacity) }?);
        raw::written(events, count);
        Ok(count as c_int)
    })
}

/// Posts an event, which the next poll with room for it returns as it is.
///
/// `id` is any number. `readiness` is at least one of the flags of readiness. Each call is an event of its own:
/// two with the same id are not made one.
///
/// Returns 0; `-EINVAL` for an unknown flag or none; `-ENOMEM`; the errors of a handle.
///
/// Thread: that of the poller. Another thread wakes it by a mio_st_awakener_t.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_notify(poller: mio_st_poller_t, id: u64, readiness: u32) -> c_int {
    polling(poller, move |poller| {
        poller.raw_notify(id, raw::ready(readiness).ok_or(INVALID)?)?;
        Ok(0)
    })
}

/// As mio_st_poller_notify(), without ever allocating.
///
/// Returns 0; `-EAGAIN` if as many notifications wait as there is room for, see
/// mio_st_poller_with_capacity(); `-EINVAL` for an unknown flag or none; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_try_notify(
    poller: mio_st_poller_t,
    id: u64,
    readiness: u32,
) -> c_int {
    polling(poller, move |poller| {
        poller.raw_try_notify(id, raw::ready(readiness).ok_or(INVALID)?)?;
        Ok(0)
    })
}

/// Registers any descriptor, such as one that another library owns. It stays its owner's, and should be
/// non-blocking.
///
/// From now on its readiness gives events with `id`, which is any number. `interests` are some of
/// `MIO_ST_READABLE`, `MIO_ST_WRITABLE` and `MIO_ST_PRIORITY`, or 0 for none: then it stays registered, and is
/// paused. On Linux errors and hang-ups are reported nevertheless, with `MIO_ST_LEVEL` by every poll (so pause with
/// `MIO_ST_EDGE`, which tells of each once); elsewhere nothing is, and what happened meanwhile is told when it is
/// reregistered with interests. `option` is one of `MIO_ST_EDGE`,
/// `MIO_ST_LEVEL` and `MIO_ST_ONESHOT`. What is ready already gives an event at the next poll. What each
/// kind of descriptor reports on Linux, and whether a short read has emptied it, is in `descriptors.md`.
///
/// Returns 0; `-EEXIST` if it is registered here; `-EBADF` if it is not open; `-EPERM` for a regular file
/// or a directory, which is always ready, and on Linux for a device that knows no readiness, such as
/// `/dev/null`; `-EINVAL` for an unknown flag; `-EINVAL` or `-ELOOP` for a poller in itself or in a
/// circle, and `-ELOOP` for a chain of more than five pollers on Linux; `-ENOMEM` and `-ENOSPC`
/// (`/proc/sys/fs/epoll/max_user_watches`); the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_register_fd(
    poller: mio_st_poller_t,
    fd: c_int,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    call(poller, |table| {
        let poller = table.get(poller)?;
        register_in(poller, fd, id, some_interests(interests)?, option)
    })
}

/// Replaces the id, the interests and the trigger of a descriptor that is registered, and arms it again; without
/// interests, 0, pauses it. No event of the old registration arrives any more.
///
/// Returns 0; `-ENOENT` if it is not registered here; the errors of mio_st_poller_register_fd().
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_reregister_fd(
    poller: mio_st_poller_t,
    fd: c_int,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    call(poller, |table| {
        let poller = table.get(poller)?;
        done(poller.raw_reregister(fd, id, some_interests(interests)?, trigger(option)?))
    })
}

/// Ends the registration of a descriptor. It can be registered again. Do so before its owner closes it, if
/// there may be duplicates of it (`dup(2)`, `fork(2)`): without them closing ends the registration as well. In both
/// cases the number can be registered at once when it is another's.
///
/// Returns 0; `-ENOENT` if it is not registered here; `-EBADF` if it is not open; `-EPERM` for a file or a folder, which
/// cannot be registered; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_deregister_fd(poller: mio_st_poller_t, fd: c_int) -> c_int {
    call(poller, |table| done(table.get(poller)?.raw_deregister(fd)))
}

/// Makes the registration of a descriptor be as asked for, whether it is registered or not; with no
/// `interests`, 0, ends it. It is one call for an adapter of another library that says of its descriptors what
/// it wants to hear from now on.
///
/// The arguments are those of mio_st_poller_register_fd(), without `MIO_ST_EXCLUSIVE`; without interests `id` and
/// `option` are not looked at. The poller remembers which descriptors it was called for, so that it is one
/// system call that does not fail. What it remembers is a guess: a descriptor that was closed meanwhile, and
/// whose number is another's, is registered.
///
/// Returns 0; the errors of mio_st_poller_register_fd(), but for `-EEXIST`. Without interests, `-EBADF` if the
/// descriptor is not open: then it is not registered either.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_watch_fd(
    poller: mio_st_poller_t,
    fd: c_int,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    call(poller, |table| {
        let poller = table.poller(poller)?;
        let (interests, option) = match interests {
            0 => (None, PollOption::Level),
            _ => (Some(some_interests(interests)?), trigger(option)?),
        };
        // What it tries first may fail.
        raw::keeping_errno(|| poller.raw_watch(fd, id, interests, option))?;
        Ok(0)
    })
}

/// Registers a TCP listener, as mio_st_poller_register_fd() does a descriptor. Its only interests are
/// `MIO_ST_READABLE`, that is, connections to accept, and `MIO_ST_PRIORITY`; `MIO_ST_WRITABLE` is
/// `-EINVAL`.
///
/// Returns as mio_st_poller_register_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_register_tcp_listener(
    poller: mio_st_poller_t,
    listener: mio_st_tcp_listener_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    register(poller, listener, id, interests, option)
}

/// Replaces the registration of a TCP listener, as mio_st_poller_reregister_fd() does.
///
/// Returns as mio_st_poller_reregister_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_reregister_tcp_listener(
    poller: mio_st_poller_t,
    listener: mio_st_tcp_listener_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    reregister(poller, listener, id, interests, option)
}

/// Ends the registration of a TCP listener. Closing it does the same by itself.
///
/// Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_deregister_tcp_listener(
    poller: mio_st_poller_t,
    listener: mio_st_tcp_listener_t,
) -> c_int {
    deregister(poller, listener)
}

/// Registers a TCP stream, as mio_st_poller_register_fd() does a descriptor.
///
/// Returns as mio_st_poller_register_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_register_tcp_stream(
    poller: mio_st_poller_t,
    stream: mio_st_tcp_stream_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    register(poller, stream, id, interests, option)
}

/// Replaces the registration of a TCP stream, as mio_st_poller_reregister_fd() does.
///
/// Returns as mio_st_poller_reregister_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_reregister_tcp_stream(
    poller: mio_st_poller_t,
    stream: mio_st_tcp_stream_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    reregister(poller, stream, id, interests, option)
}

/// Ends the registration of a TCP stream. Closing it does the same by itself.
///
/// Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_deregister_tcp_stream(
    poller: mio_st_poller_t,
    stream: mio_st_tcp_stream_t,
) -> c_int {
    deregister(poller, stream)
}

/// Registers a Unix stream, as mio_st_poller_register_fd() does a descriptor.
///
/// Returns as mio_st_poller_register_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_register_unix_stream(
    poller: mio_st_poller_t,
    stream: mio_st_unix_stream_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    register(poller, stream, id, interests, option)
}

/// Replaces the registration of a Unix stream, as mio_st_poller_reregister_fd() does.
///
/// Returns as mio_st_poller_reregister_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_reregister_unix_stream(
    poller: mio_st_poller_t,
    stream: mio_st_unix_stream_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    reregister(poller, stream, id, interests, option)
}

/// Ends the registration of a Unix stream. Closing the handle does the same by itself.
///
/// Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_deregister_unix_stream(
    poller: mio_st_poller_t,
    stream: mio_st_unix_stream_t,
) -> c_int {
    deregister(poller, stream)
}

/// Registers a Unix listener, as mio_st_poller_register_fd() does a descriptor. Its interests are
/// `MIO_ST_READABLE`, that is, connections to accept, and `MIO_ST_PRIORITY`; `MIO_ST_WRITABLE` is `-EINVAL`.
///
/// Returns as mio_st_poller_register_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_register_unix_listener(
    poller: mio_st_poller_t,
    listener: mio_st_unix_listener_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    register(poller, listener, id, interests, option)
}

/// Replaces the registration of a Unix listener, as mio_st_poller_reregister_fd() does.
///
/// Returns as mio_st_poller_reregister_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_reregister_unix_listener(
    poller: mio_st_poller_t,
    listener: mio_st_unix_listener_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    reregister(poller, listener, id, interests, option)
}

/// Ends the registration of a Unix listener. Closing the handle does the same by itself.
///
/// Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_deregister_unix_listener(
    poller: mio_st_poller_t,
    listener: mio_st_unix_listener_t,
) -> c_int {
    deregister(poller, listener)
}

/// Registers a Unix datagram socket, as mio_st_poller_register_fd() does a descriptor.
///
/// Returns as mio_st_poller_register_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_register_unix_datagram(
    poller: mio_st_poller_t,
    socket: mio_st_unix_datagram_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    register(poller, socket, id, interests, option)
}

/// Replaces the registration of a Unix datagram socket, as mio_st_poller_reregister_fd() does.
///
/// Returns as mio_st_poller_reregister_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_reregister_unix_datagram(
    poller: mio_st_poller_t,
    socket: mio_st_unix_datagram_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    reregister(poller, socket, id, interests, option)
}

/// Ends the registration of a Unix datagram socket. Closing the handle does the same by itself.
///
/// Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_deregister_unix_datagram(
    poller: mio_st_poller_t,
    socket: mio_st_unix_datagram_t,
) -> c_int {
    deregister(poller, socket)
}

/// Registers the sending end of a pipe, as mio_st_poller_register_fd() does a descriptor. `MIO_ST_READABLE`
/// is `-EINVAL`. When the receiving end is closed, the event has `MIO_ST_ERROR`.
///
/// Returns as mio_st_poller_register_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_register_sender(
    poller: mio_st_poller_t,
    sender: mio_st_sender_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    register(poller, sender, id, interests, option)
}

/// Replaces the registration of the sending end of a pipe, as mio_st_poller_reregister_fd() does.
///
/// Returns as mio_st_poller_reregister_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_reregister_sender(
    poller: mio_st_poller_t,
    sender: mio_st_sender_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    reregister(poller, sender, id, interests, option)
}

/// Ends the registration of the sending end of a pipe. Closing the handle does the same by itself.
///
/// Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_deregister_sender(
    poller: mio_st_poller_t,
    sender: mio_st_sender_t,
) -> c_int {
    deregister(poller, sender)
}

/// Registers the receiving end of a pipe, as mio_st_poller_register_fd() does a descriptor. `MIO_ST_WRITABLE`
/// is `-EINVAL`. When every sending end is closed, the event has `MIO_ST_HUP`.
///
/// Returns as mio_st_poller_register_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_register_receiver(
    poller: mio_st_poller_t,
    receiver: mio_st_receiver_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    register(poller, receiver, id, interests, option)
}

/// Replaces the registration of the receiving end of a pipe, as mio_st_poller_reregister_fd() does.
///
/// Returns as mio_st_poller_reregister_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_reregister_receiver(
    poller: mio_st_poller_t,
    receiver: mio_st_receiver_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    reregister(poller, receiver, id, interests, option)
}

/// Ends the registration of the receiving end of a pipe. Closing the handle does the same by itself.
///
/// Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_deregister_receiver(
    poller: mio_st_poller_t,
    receiver: mio_st_receiver_t,
) -> c_int {
    deregister(poller, receiver)
}

/// Registers a UDP socket, as mio_st_poller_register_fd() does a descriptor.
///
/// Returns as mio_st_poller_register_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_register_udp_socket(
    poller: mio_st_poller_t,
    socket: mio_st_udp_socket_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    register(poller, socket, id, interests, option)
}

/// Replaces the registration of a UDP socket, as mio_st_poller_reregister_fd() does.
///
/// Returns as mio_st_poller_reregister_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_reregister_udp_socket(
    poller: mio_st_poller_t,
    socket: mio_st_udp_socket_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    reregister(poller, socket, id, interests, option)
}

/// Ends the registration of a UDP socket. Closing the handle does the same by itself.
///
/// Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_deregister_udp_socket(
    poller: mio_st_poller_t,
    socket: mio_st_udp_socket_t,
) -> c_int {
    deregister(poller, socket)
}

/// Registers a connected UDP socket, as mio_st_poller_register_fd() does a descriptor.
///
/// Returns as mio_st_poller_register_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_register_connected_udp_socket(
    poller: mio_st_poller_t,
    socket: mio_st_connected_udp_socket_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    register(poller, socket, id, interests, option)
}

/// Replaces the registration of a connected UDP socket, as mio_st_poller_reregister_fd() does.
///
/// Returns as mio_st_poller_reregister_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_reregister_connected_udp_socket(
    poller: mio_st_poller_t,
    socket: mio_st_connected_udp_socket_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    reregister(poller, socket, id, interests, option)
}

/// Ends the registration of a connected UDP socket. Closing the handle does the same by itself.
///
/// Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_deregister_connected_udp_socket(
    poller: mio_st_poller_t,
    socket: mio_st_connected_udp_socket_t,
) -> c_int {
    deregister(poller, socket)
}

/// Registers signals, as mio_st_poller_register_fd() does a descriptor. `MIO_ST_WRITABLE` is `-EINVAL`.
///
/// Returns as mio_st_poller_register_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_register_signals(
    poller: mio_st_poller_t,
    signals: mio_st_signals_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    register(poller, signals, id, interests, option)
}

/// Replaces the registration of signals, as mio_st_poller_reregister_fd() does.
///
/// Returns as mio_st_poller_reregister_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_reregister_signals(
    poller: mio_st_poller_t,
    signals: mio_st_signals_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    reregister(poller, signals, id, interests, option)
}

/// Ends the registration of signals. Closing the handle does the same by itself.
///
/// Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_deregister_signals(
    poller: mio_st_poller_t,
    signals: mio_st_signals_t,
) -> c_int {
    deregister(poller, signals)
}

/// Registers a process, as mio_st_poller_register_fd() does a descriptor. `MIO_ST_WRITABLE` is `-EINVAL`.
///
/// Returns as mio_st_poller_register_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_register_process(
    poller: mio_st_poller_t,
    process: mio_st_process_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    register(poller, process, id, interests, option)
}

/// Replaces the registration of a process, as mio_st_poller_reregister_fd() does.
///
/// Returns as mio_st_poller_reregister_fd().
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_reregister_process(
    poller: mio_st_poller_t,
    process: mio_st_process_t,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    reregister(poller, process, id, interests, option)
}

/// Ends the registration of a process. Closing the handle does the same by itself.
///
/// Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
///
/// Thread: that of both handles.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_deregister_process(
    poller: mio_st_poller_t,
    process: mio_st_process_t,
) -> c_int {
    deregister(poller, process)
}

/// Asks for an event with `id` and `MIO_ST_TIMER` at a time, or right away if it has passed.
///
/// `deadline_ns` is in nanoseconds of the clock of mio_st_poller_now(). The event is never early, and a
/// poll that waits is late by at most the slack, see mio_st_poller_set_deadline_slack(). A poll that comes after
/// the time for any other reason has the event; but where more than some thousand were added or moved meanwhile,
/// it may be one of the next polls. An id may have any number of deadlines.
/// `key` receives the name of the deadline; it may be NULL.
///
/// Returns 0; `-ENOMEM`; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_add_deadline(
    poller: mio_st_poller_t,
    id: u64,
    deadline_ns: u64,
    key: *mut mio_st_deadline_key_t,
) -> c_int {
    match quickly(poller, |poller| poller.raw_add_quickly(id, deadline_ns)) {
        Some(added) => {
            // SAFETY: C promises that `key` can be written, or is NULL.
            unsafe { put_key(key, added) };
            0
        }
        // SAFETY: as above.
        None => unsafe { add_slowly(poller, id, deadline_ns, key) },
    }
}

/// # Safety
///
/// `key` can be written, or is NULL.
#[inline(never)]
unsafe fn add_slowly(
    poller: mio_st_poller_t,
    id: u64,
    deadline_ns: u64,
    key: *mut mio_st_deadline_key_t,
) -> c_int {
    polling(poller, move |poller| {
        let added = poller.raw_add_deadline(id, deadline_ns)?;
        // SAFETY: the caller's promise.
        unsafe { put_key(key, added) };
        Ok(0)
    })
}

/// Asks for an event with `id` and `MIO_ST_TIMER` after `timeout_ns` nanoseconds, counted from now (not
/// from the last poll). `key` receives the name of the deadline; it may be NULL.
///
/// Returns 0; `-ENOMEM`; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_add_timeout(
    poller: mio_st_poller_t,
    id: u64,
    timeout_ns: u64,
    key: *mut mio_st_deadline_key_t,
) -> c_int {
    polling(poller, move |poller| {
        let added = poller.raw_add_timeout(id, timeout_ns)?;
        // SAFETY: C promises that `key` can be written, or is NULL.
        unsafe { put_key(key, added) };
        Ok(0)
    })
}

/// Asks for an event with `id` and `MIO_ST_TIMER` after `first_ns` nanoseconds, counted from now, and from
/// then on every `period_ns`. A loop that stalls over several periods gets one event, not several, and then
/// goes on in phase. `key` receives the name of the deadline, which stays valid until it is cancelled, or
/// until its next event would be after the last nanosecond of the clock, `UINT64_MAX`; it may be NULL.
///
/// Returns 0; `-EINVAL` if the period is 0; `-ENOMEM`; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_add_interval(
    poller: mio_st_poller_t,
    id: u64,
    first_ns: u64,
    period_ns: u64,
    key: *mut mio_st_deadline_key_t,
) -> c_int {
    polling(poller, move |poller| {
        let period = NonZeroU64::new(period_ns).ok_or(INVALID)?;
        let added = poller.raw_add_interval(id, first_ns, period)?;
        // SAFETY: C promises that `key` can be written, or is NULL.
        unsafe { put_key(key, added) };
        Ok(0)
    })
}

/// Cancels a deadline: no event of it comes any more, unless the last poll has handed it out already.
///
/// Returns 1; 0 if there was nothing to cancel, since it was cancelled, belongs to another poller, or fired:
/// the last poll has handed its event out; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_cancel_deadline(
    poller: mio_st_poller_t,
    key: mio_st_deadline_key_t,
) -> c_int {
    let quick = |poller: &mut Poller| {
        let key = DeadlineKey::plain_from_parts(key.slot, key.serial)?;
        poller.raw_cancel_quickly(key).then_some(())
    };
    match quickly(poller, quick) {
        Some(()) => 1,
        None => cancel_slowly(poller, key),
    }
}

#[inline(never)]
fn cancel_slowly(poller: mio_st_poller_t, key: mio_st_deadline_key_t) -> c_int {
    polling(poller, move |poller| {
        Ok(parts(key).is_some_and(|key| poller.cancel_deadline(key)).into())
    })
}

/// Moves a deadline to another time, earlier or later. Its key stays valid. One that fired cannot be moved:
/// add another.
///
/// `deadline_ns` is as in mio_st_poller_add_deadline().
///
/// Returns 1; 0 if there was nothing to move, see mio_st_poller_cancel_deadline(); the errors of a
/// handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_move_deadline(
    poller: mio_st_poller_t,
    key: mio_st_deadline_key_t,
    deadline_ns: u64,
) -> c_int {
    let quick = |poller: &mut Poller| {
        let key = DeadlineKey::plain_from_parts(key.slot, key.serial)?;
        poller.raw_move_quickly(key, deadline_ns).then_some(())
    };
    match quickly(poller, quick) {
        Some(()) => 1,
        None => move_slowly(poller, key, deadline_ns),
    }
}

#[inline(never)]
fn move_slowly(poller: mio_st_poller_t, key: mio_st_deadline_key_t, deadline_ns: u64) -> c_int {
    polling(poller, move |poller| {
        let Some(key) = parts(key) else { return Ok(0) };
        Ok(poller.raw_move_deadline(key, deadline_ns).into())
    })
}

/// Moves a deadline to `timeout_ns` nanoseconds from now (not from the last poll), as
/// mio_st_poller_move_deadline() does. Of an interval it is the next event that is moved, and the others with it.
///
/// Returns 1; 0 if there was nothing to move, see mio_st_poller_cancel_deadline(); the errors of a
/// handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_move_timeout(
    poller: mio_st_poller_t,
    key: mio_st_deadline_key_t,
    timeout_ns: u64,
) -> c_int {
    polling(poller, move |poller| {
        let Some(key) = parts(key) else { return Ok(0) };
        Ok(poller.raw_move_timeout(key, timeout_ns).into())
    })
}

/// Moves a deadline, or if it has fired or was cancelled adds one, so that a key can be kept as long as its
/// connection. A deadline that is moved keeps the id that it was added with.
///
/// `id` and `deadline_ns` are as in mio_st_poller_add_deadline(). `key` is that of the deadline to move, such as
/// `{0, 0}` for none, and receives that of the one that was added.
///
/// Returns 1 if one was moved, 0 if one was added; `-EINVAL` if `key` is NULL; `-ENOMEM`; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_move_or_add_deadline(
    poller: mio_st_poller_t,
    id: u64,
    deadline_ns: u64,
    key: *mut mio_st_deadline_key_t,
) -> c_int {
    call(poller, |table| {
        let poller = table.poller(poller)?;
        // SAFETY: C promises that `key` is a key, which can be written.
        let (known, out) = unsafe { kept_key(key) }?;
        if known.is_some_and(|key| poller.raw_move_deadline(key, deadline_ns)) {
            return Ok(1);
        }
        out.put(key_of(poller.raw_add_deadline(id, deadline_ns)?));
        Ok(0)
    })
}

/// As mio_st_poller_move_or_add_deadline(), to `timeout_ns` nanoseconds from now.
///
/// Returns 1 if one was moved, 0 if one was added; `-EINVAL` if `key` is NULL; `-ENOMEM`; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_move_or_add_timeout(
    poller: mio_st_poller_t,
    id: u64,
    timeout_ns: u64,
    key: *mut mio_st_deadline_key_t,
) -> c_int {
    polling(poller, move |poller| {
        // SAFETY: C promises that `key` is a key, which can be written.
        let (known, out) = unsafe { kept_key(key) }?;
        if known.is_some_and(|key| poller.raw_move_timeout(key, timeout_ns)) {
            return Ok(1);
        }
        out.put(key_of(poller.raw_add_timeout(id, timeout_ns)?));
        Ok(0)
    })
}

/// Removes the earliest deadline with this id. It looks at all deadlines; mio_st_poller_cancel_deadline()
/// is the quick form.
///
/// Returns 1; 0 if there is none; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_remove_deadline(poller: mio_st_poller_t, id: u64) -> c_int {
    call(poller, |table| Ok(table.poller(poller)?.raw_remove_deadline(id).into()))
}

/// How long a poll would wait at most, for embedding the poller in another loop.
///
/// `timeout_ns` receives nanoseconds: 0 while a notification waits, otherwise those until the next deadline,
/// and -1 without either.
///
/// Returns 0; `-EINVAL` if `timeout_ns` is NULL; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_next_wakeup(
    poller: mio_st_poller_t,
    timeout_ns: *mut i64,
) -> c_int {
    polling(poller, move |poller| {
        // SAFETY: C promises that `timeout_ns` can be written.
        let out = unsafe { Out::new(timeout_ns) }?;
        let never = -1;
        let wakeup = poller.raw_next_wakeup();
        out.put(wakeup.map_or(never, |nanos| i64::try_from(nanos).unwrap_or(i64::MAX)));
        Ok(0)
    })
}

/// Sets how late a poll may wake up for deadlines that are added or moved from now on, so that neighbours share
/// a wake-up: 1/128 of the distance to the deadline, and at most `slack_ns` nanoseconds. The distance is that
/// from mio_st_poller_now(), and of a timeout all of it. The default is 2^20, about a
/// millisecond. Zero is exact, up to the slack of the kernel itself.
///
/// Returns 0; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_set_deadline_slack(
    poller: mio_st_poller_t,
    slack_ns: u64,
) -> c_int {
    call(poller, |table| {
        table.poller(poller)?.raw_set_deadline_slack(slack_ns);
        Ok(0)
    })
}

/// Sets for how long a poll that has to wait looks again and again before it sleeps: `spin_ns` nanoseconds, but
/// never longer than until its timeout or the next deadline.
///
/// The default is 0. It buys latency and pays with a processor that is busy meanwhile; the guide says who
/// should. A poll with a timeout of 0 does not spin.
///
/// Returns 0; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_poller_set_spin(poller: mio_st_poller_t, spin_ns: u64) -> c_int {
    call(poller, |table| {
        table.poller(poller)?.raw_set_spin(spin_ns);
        Ok(0)
    })
}

/// The time of the last poll; if that did not need to read the clock, it is read now.
///
/// `now_ns` receives nanoseconds of the monotonic clock (`CLOCK_MONOTONIC`; on macOS `CLOCK_UPTIME_RAW`), or of the
/// one that the program drives, see mio_st_poller_set_clock().
///
/// Returns 0; `-EINVAL` if `now_ns` is NULL; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_now(poller: mio_st_poller_t, now_ns: *mut u64) -> c_int {
    polling(poller, move |poller| {
        // SAFETY: C promises that `now_ns` can be written.
        unsafe { Out::new(now_ns) }?.put(poller.raw_now());
        Ok(0)
    })
}

/// Sets the clock that the poller runs on: `MIO_ST_CLOCK_MONOTONIC`, as from the beginning, or one that the program
/// drives, `MIO_ST_CLOCK_PAUSED` or `MIO_ST_CLOCK_AUTOMATIC`. What every call does on each is a table in
/// `behaviours.md`, beside the guide: "A clock that the program drives".
///
/// A clock that is driven begins with the time that there is, on which mio_st_poller_advance() and
/// mio_st_poller_set_time() go on. Deadlines keep their times and their slack; those that are added or moved on a
/// driven clock have none, unless mio_st_poller_set_deadline_slack() asked for some. Handles that are ready at once
/// are handed out in the order in which they were registered since the clock was set.
///
/// Returns 0; `-EINVAL` for an unknown clock; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_set_clock(poller: mio_st_poller_t, clock: u32) -> c_int {
    call(poller, |table| {
        let poller = table.poller(poller)?;
        let clock = match clock {
            MIO_ST_CLOCK_MONOTONIC => Clock::Monotonic,
            MIO_ST_CLOCK_PAUSED => Clock::Paused,
            MIO_ST_CLOCK_AUTOMATIC => Clock::Automatic,
            _ => return Err(INVALID),
        };
        poller.raw_set_clock(clock)?;
        Ok(0)
    })
}

/// Moves the time of a clock that the program drives ahead by `by_ns` nanoseconds. Deadlines that have passed come
/// with the next poll, in the order of their times.
///
/// Returns 0; `-EINVAL` on the clock of the system, or beyond `UINT64_MAX`: then the time is what it was; the errors
/// of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_advance(poller: mio_st_poller_t, by_ns: u64) -> c_int {
    call(poller, |table| {
        table.poller(poller)?.raw_advance(by_ns)?;
        Ok(0)
    })
}

/// Sets the time of a clock that the program drives to `now_ns`, which is in nanoseconds and not before that of
/// mio_st_poller_now().
///
/// Returns 0; `-EINVAL` on the clock of the system, and for a time that has passed: then the time is what it was; the
/// errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_set_time(poller: mio_st_poller_t, now_ns: u64) -> c_int {
    call(poller, |table| {
        table.poller(poller)?.raw_set_time(now_ns)?;
        Ok(0)
    })
}

/// Begins to count, from zero, if `on` is not 0, or ends it. Counting takes two reads of the clock a poll, and two more
/// if it waits, and an atomic addition or two a wake, in the thread that wakes; what does not count costs nothing.
///
/// Returns 0; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_set_stats(poller: mio_st_poller_t, on: c_int) -> c_int {
    call(poller, |table| {
        table.poller(poller)?.raw_set_stats(on != 0);
        Ok(0)
    })
}

/// What was counted since mio_st_poller_set_stats(); zeros if that is off.
///
/// `stats` receives it; `size` is `sizeof *stats`. What a program of an older header has no room for is left out, and
/// what this library does not know is 0.
///
/// Returns 0; `-EINVAL` if `stats` is NULL or `size` is 0; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_stats(
    poller: mio_st_poller_t,
    stats: *mut mio_st_stats_t,
    size: usize,
) -> c_int {
    call(poller, |table| {
        let counted = table.poller(poller)?.stats();
        // SAFETY: C promises that `stats` has room for `size` bytes.
        let out = unsafe { growing(stats, size) }?;
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let stats = mio_st_stats_t {
            polls: counted.polls,
            waits: counted.waits,
            system_events: counted.system_events,
            notifications: counted.notifications,
            deadlines: counted.deadlines,
            fullest_batch: counted.fullest_batch,
            waiting_ns: nanos(counted.waiting),
            outside_ns: nanos(counted.outside),
            lateness: counted.lateness,
            wakes: counted.wakes,
            wakes_coalesced: counted.wakes_coalesced,
        };
        const { assert!(size_of::<mio_st_stats_t>() == (10 + MIO_ST_STATS_LATENESS as usize) * 8) };
        // SAFETY: it has no padding.
        unsafe { put_growing(out, &stats) };
        Ok(0)
    })
}

/// Looks from now on for what programs do wrong, and forgets what was found before. `checks` are any of
/// `MIO_ST_CHECK_UNDRAINED`, `MIO_ST_CHECK_SPINNING`, `MIO_ST_CHECK_FORGOTTEN` and `MIO_ST_CHECK_STALLED`, or
/// `MIO_ST_CHECK_ALL`, or 0, as in the beginning. Nothing is printed: whoever wants to know takes the complaints by
/// mio_st_poller_next_complaint().
///
/// What is registered from now on, or registered once more, is looked at. Of each registration there is one
/// complaint. A poll that finds something just before it would wait returns 10 ms later, perhaps with 0 events; and so
/// does one that waits while a oneshot handle is being forgotten, at once. What it costs is in the guide; what is switched
/// off costs nothing.
///
/// Returns 0; `-EINVAL` for an unknown check; `-ENOMEM`, and then nothing is looked for; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_poller_set_checks(poller: mio_st_poller_t, checks: u32) -> c_int {
    call(poller, |table| {
        let poller = table.poller(poller)?;
        poller.raw_set_checks(raw::checks(checks).ok_or(INVALID)?)?;
        Ok(0)
    })
}

/// Takes the oldest complaint. Up to 32 are kept; what is found while so many wait is not told.
///
/// `complaint` receives it; `size` is `sizeof *complaint`, and it is as with mio_st_poller_stats().
///
/// Returns 1; 0 if there is none; `-EINVAL` if `complaint` is NULL or `size` is 0; the errors of a handle.
///
/// Thread: that of the poller.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_poller_next_complaint(
    poller: mio_st_poller_t,
    complaint: *mut mio_st_complaint_t,
    size: usize,
) -> c_int {
    call(poller, |table| {
        let poller = table.poller(poller)?;
        // SAFETY: C promises that `complaint` has room for `size` bytes.
        let out = unsafe { growing(complaint, size) }?;
        let Some(taken) = poller.raw_next_complaint() else { return Ok(0) };
        let (problem, fd, id, count, time_ns) = taken;
        const { assert!(size_of::<mio_st_complaint_t>() == 32) };
        // SAFETY: it has no padding.
        unsafe { put_growing(out, &mio_st_complaint_t { problem, fd, id, count, time_ns }) };
        Ok(1)
    })
}

/// A sentence about a problem, `MIO_ST_PROBLEM_UNDRAINED` and the like, that names the chapter of the guide.
///
/// An unknown one is `"unknown problem"`: the result is never NULL. The string is static.
///
/// Never fails. Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_complaint_text(problem: u32) -> *const c_char {
    raw::problem_text(problem).unwrap_or(c"unknown problem").as_ptr()
}

/// The memory of a struct that grows with the versions.
///
/// # Safety
///
/// It is NULL, or has room for `size` bytes.
unsafe fn growing<'a, T>(target: *mut T, size: usize) -> Result<&'a mut [MaybeUninit<u8>]> {
    if size == 0 {
        return Err(INVALID);
    }
    // SAFETY: the caller's promise.
    unsafe { memory::output(target.cast(), size) }
}

/// Writes as much of the value as there is room for, and zeros after it.
///
/// # Safety
///
/// It has no padding.
unsafe fn put_growing<T>(out: &mut [MaybeUninit<u8>], value: &T) {
    // SAFETY: a value is its bytes, all of which are initialised.
    let bytes = unsafe { slice::from_raw_parts(ptr::from_ref(value).cast::<u8>(), size_of::<T>()) };
    for (place, byte) in out.iter_mut().zip(bytes.iter().copied().chain(iter::repeat(0))) {
        place.write(byte);
    }
}

/// # Safety
///
/// `events` is NULL, or has room for `capacity` events.
#[inline]
unsafe fn event_array<'a>(
    events: *mut mio_st_event_t,
    capacity: usize,
) -> Result<&'a mut [MaybeUninit<Event>]> {
    if capacity == 0 {
        return Err(INVALID);
    }
    // The count is an `int`: what is beyond is not used.
    let capacity = capacity.min(raw::MAX_EVENTS);
    // SAFETY: the caller's promise; the layout is asserted above.
    unsafe { memory::output(events.cast(), capacity) }
}

/// A handle that can be registered: the interests it understands.
pub(crate) trait Registered: Handle<Object: AsRawFd> {
    /// Those that make no sense for it.
    const REFUSED: u32;
}

impl Registered for mio_st_tcp_listener_t {
    const REFUSED: u32 = MIO_ST_WRITABLE;
}

impl Registered for mio_st_tcp_stream_t {
    const REFUSED: u32 = 0;
}

impl Registered for mio_st_unix_stream_t {
    const REFUSED: u32 = 0;
}

impl Registered for mio_st_unix_listener_t {
    const REFUSED: u32 = MIO_ST_WRITABLE;
}

impl Registered for mio_st_unix_datagram_t {
    const REFUSED: u32 = 0;
}

impl Registered for mio_st_sender_t {
    const REFUSED: u32 = MIO_ST_READABLE;
}

impl Registered for mio_st_receiver_t {
    const REFUSED: u32 = MIO_ST_WRITABLE;
}

impl Registered for mio_st_udp_socket_t {
    const REFUSED: u32 = 0;
}

impl Registered for mio_st_connected_udp_socket_t {
    const REFUSED: u32 = 0;
}

impl Registered for mio_st_signals_t {
    const REFUSED: u32 = MIO_ST_WRITABLE;
}

impl Registered for mio_st_process_t {
    const REFUSED: u32 = MIO_ST_WRITABLE;
}

#[inline(always)]
fn register_in(
    poller: &mut Poller,
    fd: c_int,
    id: u64,
    interests: Interests,
    option: u32,
) -> Result<c_int> {
    match trigger(option) {
        Ok(option) => done(poller.raw_register(fd, id, interests, option)),
        Err(_) => register_exclusive(poller, fd, id, interests, option),
    }
}

#[cold]
#[inline(never)]
fn register_exclusive(
    poller: &mut Poller,
    fd: c_int,
    id: u64,
    interests: Interests,
    option: u32,
) -> Result<c_int> {
    if option & MIO_ST_EXCLUSIVE == 0 {
        return Err(INVALID);
    }
    let option = trigger(option & !MIO_ST_EXCLUSIVE)?;
    done(poller.raw_register_exclusive(fd, id, interests, option))
}

fn register<H: Registered>(
    poller: mio_st_poller_t,
    handle: H,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    call(handle, |table| {
        let fd = table.fd_to_register(handle)?;
        let into = table.get(poller)?;
        register_in(into, fd, id, interests_of::<H>(interests)?, option)?;
        table.note_registered(handle, poller);
        Ok(0)
    })
}

/// The functions `mio_st_poller_reregister_…` of the types.
fn reregister<H: Registered>(
    poller: mio_st_poller_t,
    handle: H,
    id: u64,
    interests: u32,
    option: u32,
) -> c_int {
    call(handle, |table| {
        let fd = table.fd(handle)?;
        let poller = table.get(poller)?;
        done(poller.raw_reregister(fd, id, interests_of::<H>(interests)?, trigger(option)?))
    })
}

/// The functions `mio_st_poller_deregister_…` of the types.
fn deregister<H: Registered>(poller: mio_st_poller_t, handle: H) -> c_int {
    call(handle, |table| {
        let fd = table.fd(handle)?;
        let result = done(table.get(poller)?.raw_deregister(fd));
        // Also when the registration was ended through the descriptor.
        if matches!(result, Ok(_) | Err(Error::NOT_FOUND)) {
            table.note_deregistered(handle, poller);
        }
        result
    })
}

/// What a change of a registration answers.
#[inline]
fn done(result: io::Result<Option<()>>) -> Result<c_int> {
    result?.map_or(Err(Error::FORKED), |()| Ok(0))
}

fn interests_of<H: Registered>(bits: u32) -> Result<Interests> {
    if bits & H::REFUSED != 0 { Err(INVALID) } else { some_interests(bits) }
}

pub(crate) fn some_interests(bits: u32) -> Result<Interests> {
    raw::interests(bits).ok_or(INVALID)
}

pub(crate) fn trigger(option: u32) -> Result<PollOption> {
    match option {
        MIO_ST_EDGE => Ok(PollOption::Edge),
        MIO_ST_LEVEL => Ok(PollOption::Level),
        MIO_ST_ONESHOT => Ok(PollOption::Oneshot),
        _ => Err(INVALID),
    }
}

/// # Safety
///
/// `target` is NULL, or can be written.
unsafe fn put_key(target: *mut mio_st_deadline_key_t, key: DeadlineKey) {
    // SAFETY: the caller's promise.
    if let Ok(out) = unsafe { Out::new(target) } {
        out.put(key_of(key));
    }
}

fn key_of(key: DeadlineKey) -> mio_st_deadline_key_t {
    let (slot, serial) = key.to_parts();
    mio_st_deadline_key_t { slot: slot.into(), serial }
}

/// The key that C keeps, and where it does.
///
/// # Safety
///
/// `kept` is NULL, or is a key and can be written.
unsafe fn kept_key(
    kept: *mut mio_st_deadline_key_t,
) -> Result<(Option<DeadlineKey>, Out<mio_st_deadline_key_t>)> {
    // SAFETY: the caller's promise.
    let out = unsafe { Out::new(kept) }?;
    // SAFETY: as above. C may have lost the alignment in a cast.
    Ok((parts(unsafe { kept.read_unaligned() }), out))
}

/// The key; `None` if it cannot be one.
fn parts(key: mio_st_deadline_key_t) -> Option<DeadlineKey> {
    u32::try_from(key.slot).ok().map(|slot| DeadlineKey::from_parts(slot, key.serial))
}
