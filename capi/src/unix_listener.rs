//! `UnixListener`.

use std::ffi::{c_char, c_int};
use std::os::fd::FromRawFd;

use libc::{sockaddr, sockaddr_storage, socklen_t};
use mio_st::raw::{SocketKind, UnixAddr};
use mio_st::unix::UnixListener;

use crate::abi::*;
use crate::addr;
use crate::error::Error;
use crate::memory::{self, Out};
use crate::options::Options;
use crate::thread::{call, close, create};

/// Makes a socket at a path and listens. The file stays when the listener is closed: `unlink(2)` it.
///
/// `listener` receives it; close it with mio_st_unix_listener_close(). `path` ends with a NUL.
///
/// Returns 0; `-EADDRINUSE` if something is at the path, be it the socket of a process that is gone;
/// `-ENOENT`, `-EACCES` if its folder does not exist or may not be written to; `-ENAMETOOLONG` if the path is
/// longer than an address has room for (107 bytes on Linux, 103 elsewhere); `-EINVAL` if the path is empty,
/// or a pointer is NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOMEM`; `-EAGAIN` as
/// mio_st_poller_new().
///
/// The listener belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_listener_bind(
    listener: *mut mio_st_unix_listener_t,
    path: *const c_char,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `listener` can be written.
        let out = unsafe { Out::new(listener) }?;
        // SAFETY: C promises that the path ends with a NUL.
        let address = unsafe { addr::path(path) }?;
        table.reserve()?;
        out.put(table.open(address.bind_listener()?)?);
        Ok(0)
    })
}

/// As mio_st_unix_listener_bind(), with an address.
///
/// `listener` receives the socket. `address` and `length` are an address of the family `AF_UNIX`: a path,
/// with or without its NUL, or on Linux an abstract name, which begins with a NUL and has all bytes up to
/// `length`; given nothing but the family, Linux chooses an abstract name.
///
/// Returns 0; `-EADDRINUSE` if something is at the path, be it the socket of a process that is gone;
/// `-ENOENT`, `-EACCES` if its folder does not exist or may not be written to; `-EAFNOSUPPORT` if the family
/// is not `AF_UNIX`; `-ENAMETOOLONG` if the path has no NUL and fills the address; `-EINVAL` if the length
/// does not fit a `struct sockaddr_un`, or a pointer is NULL; `-EMFILE` or `-ENFILE` if there are too many
/// descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The listener belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_listener_bind_addr(
    listener: *mut mio_st_unix_listener_t,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `listener` can be written.
        let out = unsafe { Out::new(listener) }?;
        // SAFETY: C promises that the pointer and the length are those of an address.
        let address = unsafe { addr::read_unix(address, length) }?;
        table.reserve()?;
        out.put(table.open(address.bind_listener()?)?);
        Ok(0)
    })
}

/// As mio_st_unix_listener_bind_addr(), with options.
///
/// `options` are read before the call returns. `backlog` and the sizes of buffers have a meaning here. (On Linux
/// connections do not inherit the latter.)
///
/// Returns as mio_st_unix_listener_bind_addr(); `-EINVAL` for a `size` that is not that of the struct, for any
/// flag, for a member that has no meaning here, and for what does not fit an `int`; the errors of `setsockopt(2)`.
///
/// The listener belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_listener_bind_with(
    listener: *mut mio_st_unix_listener_t,
    address: *const sockaddr,
    length: socklen_t,
    options: *const mio_st_socket_options_t,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `listener` can be written.
        let out = unsafe { Out::new(listener) }?;
        // SAFETY: C promises that the pointer and the length are those of an address.
        let address = unsafe { addr::read_unix(address, length) }?;
        // SAFETY: C promises that the struct has the size that it says, and that its address is one.
        let builder = unsafe { Options::unix_listener(options) }?;
        table.reserve()?;
        out.put(table.open(address.bind_listener_with(builder)?)?);
        Ok(0)
    })
}

/// Makes a listener of a descriptor, and makes that non-blocking and close-on-exec.
///
/// `listener` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
///
/// Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
/// is not a listening stream socket of the family `AF_UNIX`; `-EINVAL` if `listener` is NULL; `-ENOMEM`;
/// `-EAGAIN` as mio_st_poller_new().
///
/// The listener belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_listener_from_fd(
    listener: *mut mio_st_unix_listener_t,
    fd: c_int,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `listener` can be written.
        let out = unsafe { Out::new(listener) }?;
        table.reserve()?;
        memory::check_socket(fd, SocketKind { unix: true, datagram: false, listening: true })?;
        // SAFETY: it is open, as was just checked, and C gives it away.
        out.put(table.open(unsafe { UnixListener::from_raw_fd(fd) })?);
        Ok(0)
    })
}

/// Makes another listener of the same socket.
///
/// `clone` receives it; close it with mio_st_unix_listener_close(), too. Each is registered by itself.
///
/// Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
/// errors of a handle.
///
/// Thread: that of the listener, to which the new one belongs, too.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_listener_try_clone(
    clone: *mut mio_st_unix_listener_t,
    listener: mio_st_unix_listener_t,
) -> c_int {
    call(listener, |table| {
        table.get(listener)?;
        // SAFETY: C promises that `clone` can be written.
        let out = unsafe { Out::new(clone) }?;
        table.reserve()?;
        let another = table.get(listener)?.try_clone()?;
        out.put(table.open(another)?);
        Ok(0)
    })
}

/// Closes a listener. That ends its registrations, in every poller.
///
/// Returns 0, also for `{0}`; the errors of a handle.
///
/// Thread: that of the listener.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_unix_listener_close(listener: mio_st_unix_listener_t) -> c_int {
    close(listener)
}

/// Takes a connection that waits.
///
/// `stream` receives it; close it with mio_st_unix_stream_close(). `peer` receives the address of the peer,
/// which for most is nothing but the family; it may be NULL.
///
/// Returns the length of that address; `-EAGAIN` if no connection waits; `-EMFILE` or `-ENFILE` if one does and
/// there are too many descriptors: it goes on waiting, and a listener with `MIO_ST_EDGE` gets no event for it
/// (accept again when a descriptor was closed); `-EINVAL` if `stream` is NULL; `-ENOMEM`; the errors of a handle.
///
/// Thread: that of the listener, to which the stream belongs, too.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_listener_accept(
    listener: mio_st_unix_listener_t,
    stream: *mut mio_st_unix_stream_t,
    peer: *mut sockaddr_storage,
) -> c_int {
    call(listener, |table| {
        table.get(listener)?;
        // SAFETY: C promises that `stream` can be written.
        let out = unsafe { Out::new(stream) }?;
        // Before the connection is taken, so that it is not lost for want of memory.
        table.reserve()?;
        let (connection, address) = UnixAddr::accept(table.get(listener)?)?;
        // SAFETY: C promises that `peer` can be written, or is NULL.
        let length =
            unsafe { addr::put_optional(address.into_parts(), peer, std::ptr::null_mut()) };
        out.put(table.open(connection)?);
        Ok(length)
    })
}

/// Takes the error that waits at the socket (`SO_ERROR`).
///
/// `error` receives it as a negated errno, or 0 if there is none.
///
/// Returns 0; `-EINVAL` if `error` is NULL; the errors of a handle.
///
/// Thread: that of the listener.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_listener_take_error(
    listener: mio_st_unix_listener_t,
    error: *mut c_int,
) -> c_int {
    call(listener, |table| {
        let listener = table.get(listener)?;
        // SAFETY: C promises that `error` can be written.
        let out = unsafe { Out::new(error) }?;
        out.put(listener.take_error()?.map_or(0, |error| Error::from(error).code()));
        Ok(0)
    })
}

/// The address that the socket is bound to, written to `address`.
///
/// Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
///
/// Thread: that of the listener.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_listener_local_addr(
    listener: mio_st_unix_listener_t,
    address: *mut sockaddr_storage,
) -> c_int {
    call(listener, |table| {
        let listener = table.get(listener)?;
        // SAFETY: C promises that `address` can be written.
        let out = unsafe { Out::new(address) }?;
        Ok(addr::put(UnixAddr::local(listener)?.into_parts(), out))
    })
}

/// The descriptor of the listener, which stays the listener's: for `setsockopt(2)` and the like.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the listener.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_unix_listener_fd(listener: mio_st_unix_listener_t) -> c_int {
    call(listener, |table| table.fd(listener))
}

/// Takes the descriptor out of the listener, whose handle is closed by that. The caller closes the
/// descriptor, or hands it to another thread for mio_st_unix_listener_from_fd().
///
/// Returns the descriptor; `-EBUSY` if the listener is registered with a poller: deregister it first; the
/// errors of a handle.
///
/// Thread: that of the listener.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_unix_listener_into_fd(listener: mio_st_unix_listener_t) -> c_int {
    call(listener, |table| table.release_fd(listener))
}
