//! `UnixDatagram`.

use std::ffi::{c_char, c_int, c_void};
use std::os::fd::FromRawFd;

use libc::{sockaddr, sockaddr_storage, socklen_t};
use mio_st::raw::{SocketKind, UnixAddr};
use mio_st::unix::UnixDatagram;

use crate::abi::*;
use crate::addr;
use crate::error::Error;
use crate::memory::{self, Out};
use crate::thread::{call, close, create, using};

/// Makes a datagram socket at a path. The file stays when the socket is closed: `unlink(2)` it.
///
/// `socket` receives it; close it with mio_st_unix_datagram_close(). `path` ends with a NUL.
///
/// Returns 0; `-EADDRINUSE` if something is at the path, be it the socket of a process that is gone;
/// `-ENOENT`, `-EACCES` if its folder does not exist or may not be written to; `-ENAMETOOLONG` if the path is
/// longer than an address has room for (107 bytes on Linux, 103 elsewhere); `-EINVAL` if the path is empty,
/// or a pointer is NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOMEM`; `-EAGAIN` as
/// mio_st_poller_new().
///
/// The socket belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_bind(
    socket: *mut mio_st_unix_datagram_t,
    path: *const c_char,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `socket` can be written.
        let out = unsafe { Out::new(socket) }?;
        // SAFETY: C promises that the path ends with a NUL.
        let address = unsafe { addr::path(path) }?;
        table.reserve()?;
        out.put(table.open(address.bind_datagram()?)?);
        Ok(0)
    })
}

/// As mio_st_unix_datagram_bind(), with an address.
///
/// `socket` receives it. `address` and `length` are an address of the family `AF_UNIX`: a path, with or
/// without its NUL, or on Linux an abstract name, which begins with a NUL and has all bytes up to `length`;
/// given nothing but the family, Linux chooses an abstract name.
///
/// Returns 0; `-EADDRINUSE` if something is at the path, be it the socket of a process that is gone;
/// `-ENOENT`, `-EACCES` if its folder does not exist or may not be written to; `-EAFNOSUPPORT` if the family
/// is not `AF_UNIX`; `-ENAMETOOLONG` if the path has no NUL and fills the address; `-EINVAL` if the length
/// does not fit a `struct sockaddr_un`, or a pointer is NULL; `-EMFILE` or `-ENFILE` if there are too many
/// descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The socket belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_bind_addr(
    socket: *mut mio_st_unix_datagram_t,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `socket` can be written.
        let out = unsafe { Out::new(socket) }?;
        // SAFETY: C promises that the pointer and the length are those of an address.
        let address = unsafe { addr::read_unix(address, length) }?;
        table.reserve()?;
        out.put(table.open(address.bind_datagram()?)?);
        Ok(0)
    })
}

/// Makes a datagram socket without an address: it can send, but nobody can answer.
///
/// `socket` receives it; close it with mio_st_unix_datagram_close().
///
/// Returns 0; `-EINVAL` if `socket` is NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors;
/// `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The socket belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_unbound(
    socket: *mut mio_st_unix_datagram_t,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `socket` can be written.
        let out = unsafe { Out::new(socket) }?;
        table.reserve()?;
        out.put(table.open(UnixDatagram::unbound()?)?);
        Ok(0)
    })
}

/// Makes two sockets that are connected to each other.
///
/// `a` and `b` receive them; close each with mio_st_unix_datagram_close().
///
/// Returns 0; `-EINVAL` if a pointer is NULL, or both are the same; `-EMFILE` or `-ENFILE` if there are too many
/// descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// Both belong to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_pair(
    a: *mut mio_st_unix_datagram_t,
    b: *mut mio_st_unix_datagram_t,
) -> c_int {
    create(|table| {
        if a == b {
            return Err(Error::of(libc::EINVAL));
        }
        // SAFETY: C promises that both can be written.
        let (first, second) = unsafe { (Out::new(a)?, Out::new(b)?) };
        table.reserve_two()?;
        let (a, b) = UnixDatagram::pair()?;
        first.put(table.open(a)?);
        second.put(table.open(b)?);
        Ok(0)
    })
}

/// Makes a socket of a descriptor, and makes that non-blocking and close-on-exec.
///
/// `socket` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
///
/// Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
/// is not a datagram socket of the family `AF_UNIX`; `-EINVAL` if `socket` is NULL; `-ENOMEM`; `-EAGAIN` as
/// mio_st_poller_new().
///
/// The socket belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_from_fd(
    socket: *mut mio_st_unix_datagram_t,
    fd: c_int,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `socket` can be written.
        let out = unsafe { Out::new(socket) }?;
        table.reserve()?;
        memory::check_socket(fd, SocketKind { unix: true, datagram: true, listening: false })?;
        // SAFETY: it is open, as was just checked, and C gives it away.
        out.put(table.open(unsafe { UnixDatagram::from_raw_fd(fd) })?);
        Ok(0)
    })
}

/// Makes another socket of the same socket.
///
/// `clone` receives it; close it with mio_st_unix_datagram_close(), too. Each is registered by itself.
///
/// Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
/// errors of a handle.
///
/// Thread: that of the socket, to which the new one belongs, too.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_try_clone(
    clone: *mut mio_st_unix_datagram_t,
    socket: mio_st_unix_datagram_t,
) -> c_int {
    call(socket, |table| {
        table.get(socket)?;
        // SAFETY: C promises that `clone` can be written.
        let out = unsafe { Out::new(clone) }?;
        table.reserve()?;
        let another = table.get(socket)?.try_clone()?;
        out.put(table.open(another)?);
        Ok(0)
    })
}

/// Closes a socket. That ends its registrations, in every poller.
///
/// Returns 0, also for `{0}`; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_unix_datagram_close(socket: mio_st_unix_datagram_t) -> c_int {
    close(socket)
}

/// Connects to the socket at a path: mio_st_unix_datagram_send() sends to it, and datagrams of others are not
/// received. It may be called again, for another peer.
///
/// `path` ends with a NUL.
///
/// Returns 0; `-ENOENT` if nothing is at the path; `-ECONNREFUSED` if nobody receives there; `-EACCES`;
/// `-EPROTOTYPE` if the socket there is not one of datagrams; `-ENAMETOOLONG` if the path is longer than an
/// address has room for (107 bytes on Linux, 103 elsewhere); `-EINVAL` if the path is empty, or a pointer is
/// NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_connect(
    socket: mio_st_unix_datagram_t,
    path: *const c_char,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that the path ends with a NUL.
        let address = unsafe { addr::path(path) }?;
        address.connect_datagram(socket)?;
        Ok(0)
    })
}

/// Connects to the socket at an address: mio_st_unix_datagram_send() sends to it, and datagrams of others are
/// not received. It may be called again, for another peer.
///
/// `address` and `length` are an address of the family `AF_UNIX`: a path, with or without its NUL, or on
/// Linux an abstract name, which begins with a NUL and has all bytes up to `length`.
///
/// Returns 0; `-ENOENT` if nothing is at the path; `-ECONNREFUSED` if nobody receives there; `-EACCES`;
/// `-EPROTOTYPE` if the socket there is not one of datagrams; `-EAFNOSUPPORT` if the family is not `AF_UNIX`;
/// `-ENAMETOOLONG` if the path has no NUL and fills the address; `-EINVAL` if the length does not fit a
/// `struct sockaddr_un`, or a pointer is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_connect_addr(
    socket: mio_st_unix_datagram_t,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that the pointer and the length are those of an address.
        let address = unsafe { addr::read_unix(address, length) }?;
        address.connect_datagram(socket)?;
        Ok(0)
    })
}

/// Sends a datagram to the socket at a path. It is sent whole or not at all. Never raises `SIGPIPE`.
///
/// `buffer` are `length` bytes. `path` ends with a NUL.
///
/// Returns `length`; `-EAGAIN` if the queue of the receiver is full, of which no event tells unless the
/// socket is connected to it; `-ENOENT` or `-ECONNREFUSED` if nobody receives there; `-EMSGSIZE` if the
/// datagram is too big; `-EACCES`; `-EISCONN` or `-EPERM` if the socket is connected to another;
/// `-ENAMETOOLONG` if the path is longer than an address has room for (107 bytes on Linux, 103 elsewhere);
/// `-EINVAL` if the path is empty, or a pointer is NULL; `-EINVAL` if `buffer` is NULL and `length` is not 0;
/// the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_send_to(
    socket: mio_st_unix_datagram_t,
    buffer: *const c_void,
    length: usize,
    path: *const c_char,
) -> i64 {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `buffer` is `length` bytes.
        let buffer = unsafe { memory::bytes_in(buffer, length) }?;
        // SAFETY: C promises that the path ends with a NUL.
        let address = unsafe { addr::path(path) }?;
        Ok(address.send_to(socket, buffer)? as i64)
    })
}

/// As mio_st_unix_datagram_send_to(), to an address, such as mio_st_unix_datagram_recv_from() gave.
///
/// `target` and `target_length` are an address of the family `AF_UNIX`: a path, with or without its NUL, or
/// on Linux an abstract name, which begins with a NUL and has all bytes up to `target_length`.
///
/// Returns `length`; `-EAGAIN` if the queue of the receiver is full, of which no event tells unless the
/// socket is connected to it; `-ENOENT` or `-ECONNREFUSED` if nobody receives there; `-EMSGSIZE` if the
/// datagram is too big; `-EACCES`; `-EISCONN` or `-EPERM` if the socket is connected to another;
/// `-EAFNOSUPPORT` if the family is not `AF_UNIX`; `-ENAMETOOLONG` if the path has no NUL and fills the
/// address; `-EINVAL` if the length does not fit a `struct sockaddr_un`, or a pointer is NULL; `-EINVAL` if
/// `buffer` is NULL and `length` is not 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_send_to_addr(
    socket: mio_st_unix_datagram_t,
    buffer: *const c_void,
    length: usize,
    target: *const sockaddr,
    target_length: socklen_t,
) -> i64 {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `buffer` is `length` bytes.
        let buffer = unsafe { memory::bytes_in(buffer, length) }?;
        // SAFETY: C promises that the pointer and the length are those of an address.
        let target = unsafe { addr::read_unix(target, target_length) }?;
        Ok(target.send_to(socket, buffer)? as i64)
    })
}

/// Receives a datagram, of which what does not fit into `buffer` is lost.
///
/// `sender` receives the address of its sender, and `sender_length` the length of that; each may be NULL. A
/// sender that is not bound has nothing but the family. (Where a path fills the address, Linux counts the NUL
/// behind it: one byte more than a `struct sockaddr_un` has.)
///
/// Returns the length of what was received, which may be 0; `-EAGAIN` if there is no datagram; `-EINVAL` if
/// `buffer` is NULL and `length` is not 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_recv_from(
    socket: mio_st_unix_datagram_t,
    buffer: *mut c_void,
    length: usize,
    sender: *mut sockaddr_storage,
    sender_length: *mut socklen_t,
) -> i64 {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `buffer` has room for `length` bytes.
        let buffer = unsafe { memory::bytes_out(buffer, length) }?;
        let (count, address) = UnixAddr::recv_from(socket, buffer)?;
        let address = address.into_parts();
        // SAFETY: C promises that both can be written, or are NULL.
        unsafe { addr::put_optional(address, sender, sender_length) };
        Ok(count as i64)
    })
}

/// Sends a datagram to the peer that the socket is connected to. Never raises `SIGPIPE`.
///
/// `buffer` are `length` bytes.
///
/// Returns `length`; `-EAGAIN` if the queue of the peer is full; `-ENOTCONN` if there is no peer;
/// `-ECONNREFUSED` once the peer is gone; `-EPIPE` once it was shut down; `-EMSGSIZE` if the datagram is too
/// big; `-EINVAL` if `buffer` is NULL and `length` is not 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_send(
    socket: mio_st_unix_datagram_t,
    buffer: *const c_void,
    length: usize,
) -> i64 {
    using(socket, move |socket| {
        // SAFETY: C promises that `buffer` is `length` bytes.
        let buffer = unsafe { memory::bytes_in(buffer, length) }?;
        Ok(socket.send(buffer)? as i64)
    })
}

/// Receives a datagram, of which what does not fit into `buffer` is lost.
///
/// Returns the length of what was received, which may be 0; `-EAGAIN` if there is no datagram; `-EINVAL` if
/// `buffer` is NULL and `length` is not 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_recv(
    socket: mio_st_unix_datagram_t,
    buffer: *mut c_void,
    length: usize,
) -> i64 {
    using(socket, move |socket| {
        // SAFETY: C promises that `buffer` has room for `length` bytes.
        let buffer = unsafe { memory::bytes_out(buffer, length) }?;
        Ok(socket.recv(buffer)? as i64)
    })
}

/// Receives without taking: the next call receives the same datagram.
///
/// Returns as mio_st_unix_datagram_recv().
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_peek(
    socket: mio_st_unix_datagram_t,
    buffer: *mut c_void,
    length: usize,
) -> i64 {
    using(socket, move |socket| {
        // SAFETY: C promises that `buffer` has room for `length` bytes.
        let buffer = unsafe { memory::bytes_out(buffer, length) }?;
        Ok(socket.peek(buffer)? as i64)
    })
}

/// Shuts down reading, writing or both.
///
/// `how` is `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`.
///
/// Returns 0; `-ENOTCONN` if the socket has no peer; `-EINVAL` for another `how`; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_unix_datagram_shutdown(
    socket: mio_st_unix_datagram_t,
    how: c_int,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        socket.shutdown(memory::shutdown(how)?)?;
        Ok(0)
    })
}

/// Takes the error that waits at the socket (`SO_ERROR`).
///
/// `error` receives it as a negated errno, or 0 if there is none.
///
/// Returns 0; `-EINVAL` if `error` is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_take_error(
    socket: mio_st_unix_datagram_t,
    error: *mut c_int,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `error` can be written.
        let out = unsafe { Out::new(error) }?;
        out.put(socket.take_error()?.map_or(0, |error| Error::from(error).code()));
        Ok(0)
    })
}

/// The address that the socket is bound to, written to `address`: nothing but the family if it is not.
///
/// Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_local_addr(
    socket: mio_st_unix_datagram_t,
    address: *mut sockaddr_storage,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `address` can be written.
        let out = unsafe { Out::new(address) }?;
        Ok(addr::put(UnixAddr::local(socket)?.into_parts(), out))
    })
}

/// The address that the socket is connected to, written to `address`.
///
/// Returns the length of the address; `-ENOTCONN` if there is no peer; `-EINVAL` if `address` is NULL; the
/// errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_peer_addr(
    socket: mio_st_unix_datagram_t,
    address: *mut sockaddr_storage,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `address` can be written.
        let out = unsafe { Out::new(address) }?;
        Ok(addr::put(UnixAddr::peer(socket)?.into_parts(), out))
    })
}

/// The descriptor of the socket, which stays the socket's: for `setsockopt(2)` and the like.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_unix_datagram_fd(socket: mio_st_unix_datagram_t) -> c_int {
    call(socket, |table| table.fd(socket))
}

/// Takes the descriptor out of the socket, whose handle is closed by that. The caller closes the descriptor,
/// or hands it to another thread for mio_st_unix_datagram_from_fd().
///
/// Returns the descriptor; `-EBUSY` if the socket is registered with a poller: deregister it first; the
/// errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_unix_datagram_into_fd(socket: mio_st_unix_datagram_t) -> c_int {
    call(socket, |table| table.release_fd(socket))
}
