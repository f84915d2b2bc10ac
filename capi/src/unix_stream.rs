//! `UnixStream`.

use std::ffi::{c_char, c_int, c_void};
use std::io::{Read, Write};
use std::os::fd::FromRawFd;

use libc::{iovec, sockaddr, sockaddr_storage, socklen_t};
use mio_st::raw::{self, SocketKind, UnixAddr};
use mio_st::unix::{UCred, UnixStream};

use crate::abi::*;
use crate::addr;
use crate::error::Error;
use crate::memory::{self, Out};
use crate::thread::{call, close, create, using};

/// Connects to the socket at a path. Unlike TCP it is done when this returns.
///
/// `stream` receives the connection; close it with mio_st_unix_stream_close(). `path` ends with a NUL.
///
/// Returns 0; `-ENOENT` if nothing is at the path; `-ECONNREFUSED` if nobody listens there; `-EAGAIN` if the
/// queue of the listener is full, and no event tells when it is not; `-EACCES`; `-EPROTOTYPE` if the socket
/// there is not a stream; `-ENAMETOOLONG` if the path is longer than an address has room for (107 bytes on
/// Linux, 103 elsewhere); `-EINVAL` if the path is empty, or a pointer is NULL; `-EMFILE` or `-ENFILE` if
/// there are too many descriptors; `-ENOMEM`; `-EAGAIN` also as mio_st_poller_new().
///
/// The stream belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_connect(
    stream: *mut mio_st_unix_stream_t,
    path: *const c_char,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `stream` can be written.
        let out = unsafe { Out::new(stream) }?;
        // SAFETY: C promises that the path ends with a NUL.
        let address = unsafe { addr::path(path) }?;
        table.reserve()?;
        out.put(table.open(address.connect_stream()?)?);
        Ok(0)
    })
}

/// As mio_st_unix_stream_connect(), with an address.
///
/// `stream` receives the connection. `address` and `length` are an address of the family `AF_UNIX`: a path,
/// with or without its NUL, or on Linux an abstract name, which begins with a NUL and has all bytes up to
/// `length`.
///
/// Returns 0; `-ENOENT` if nothing is at the path; `-ECONNREFUSED` if nobody listens there; `-EAGAIN` if the
/// queue of the listener is full, and no event tells when it is not; `-EACCES`; `-EPROTOTYPE` if the socket
/// there is not a stream; `-EAFNOSUPPORT` if the family is not `AF_UNIX`; `-ENAMETOOLONG` if the path has no
/// NUL and fills the address; `-EINVAL` if the length does not fit a `struct sockaddr_un`, or a pointer is
/// NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOMEM`; `-EAGAIN` also as
/// mio_st_poller_new().
///
/// The stream belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_connect_addr(
    stream: *mut mio_st_unix_stream_t,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `stream` can be written.
        let out = unsafe { Out::new(stream) }?;
        // SAFETY: C promises that the pointer and the length are those of an address.
        let address = unsafe { addr::read_unix(address, length) }?;
        table.reserve()?;
        out.put(table.open(address.connect_stream()?)?);
        Ok(0)
    })
}

/// Makes two streams that are connected to each other.
///
/// `a` and `b` receive them; close each with mio_st_unix_stream_close().
///
/// Returns 0; `-EINVAL` if a pointer is NULL, or both are the same; `-EMFILE` or `-ENFILE` if there are too many
/// descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// Both belong to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_pair(
    a: *mut mio_st_unix_stream_t,
    b: *mut mio_st_unix_stream_t,
) -> c_int {
    create(|table| {
        if a == b {
            return Err(Error::of(libc::EINVAL));
        }
        // SAFETY: C promises that both can be written.
        let (first, second) = unsafe { (Out::new(a)?, Out::new(b)?) };
        table.reserve_two()?;
        let (a, b) = UnixStream::pair()?;
        first.put(table.open(a)?);
        second.put(table.open(b)?);
        Ok(0)
    })
}

/// Makes a stream of a descriptor, and makes that non-blocking and close-on-exec.
///
/// `stream` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
///
/// Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
/// is not a stream socket of the family `AF_UNIX`, or if it listens; `-EINVAL` if `stream` is NULL;
/// `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The stream belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_from_fd(
    stream: *mut mio_st_unix_stream_t,
    fd: c_int,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `stream` can be written.
        let out = unsafe { Out::new(stream) }?;
        table.reserve()?;
        memory::check_socket(fd, SocketKind { unix: true, datagram: false, listening: false })?;
        // SAFETY: it is open, as was just checked, and C gives it away.
        out.put(table.open(unsafe { UnixStream::from_raw_fd(fd) })?);
        Ok(0)
    })
}

/// Makes another stream of the same socket.
///
/// `clone` receives it; close it with mio_st_unix_stream_close(), too. Each is registered by itself.
///
/// Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
/// errors of a handle.
///
/// Thread: that of the stream, to which the new one belongs, too.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_try_clone(
    clone: *mut mio_st_unix_stream_t,
    stream: mio_st_unix_stream_t,
) -> c_int {
    call(stream, |table| {
        table.get(stream)?;
        // SAFETY: C promises that `clone` can be written.
        let out = unsafe { Out::new(clone) }?;
        table.reserve()?;
        let another = table.get(stream)?.try_clone()?;
        out.put(table.open(another)?);
        Ok(0)
    })
}

/// Closes a stream. That ends its registrations, in every poller.
///
/// Returns 0, also for `{0}`; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_unix_stream_close(stream: mio_st_unix_stream_t) -> c_int {
    close(stream)
}

/// Whether the connection stands; of a stream that mio_st_unix_stream_connect() made it does.
///
/// Returns 1 if it does; 0 while it is being made; why connecting failed; `-ENOTCONN` of a socket that was taken by
/// mio_st_unix_stream_from_fd() and never was connected; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_unix_stream_connected(stream: mio_st_unix_stream_t) -> c_int {
    call(stream, |table| Ok(table.get(stream)?.connected()?.into()))
}

/// Reads at most `length` bytes into `buffer`.
///
/// Returns how many were read, 0 at the end of the stream (and if `length` is 0); `-EAGAIN` if there is
/// nothing to read yet; errors of the connection, such as `-ECONNRESET`; `-EINVAL` if `buffer` is NULL and
/// `length` is not 0; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_read(
    stream: mio_st_unix_stream_t,
    buffer: *mut c_void,
    length: usize,
) -> i64 {
    using(stream, move |stream| {
        // SAFETY: C promises that `buffer` has room for `length` bytes.
        let buffer = unsafe { memory::bytes_out(buffer, length) }?;
        Ok(stream.read(buffer)? as i64)
    })
}

/// Reads into several buffers in turn, as `readv(2)`; those beyond the 1024th are left for the next call.
///
/// `buffers` are `count` buffers.
///
/// Returns as mio_st_unix_stream_read(); `-EINVAL` if `buffers`, or a buffer with a length, is NULL.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_readv(
    stream: mio_st_unix_stream_t,
    buffers: *const iovec,
    count: usize,
) -> i64 {
    using(stream, move |stream| {
        // SAFETY: C promises that `buffers` are `count` buffers.
        let buffers = unsafe { memory::vectors(buffers, count) }?;
        // SAFETY: C promises that each can be written.
        Ok(unsafe { raw::read_vectored(stream, buffers) }? as i64)
    })
}

/// Reads without taking: the next read returns the same bytes.
///
/// Returns as mio_st_unix_stream_read().
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_peek(
    stream: mio_st_unix_stream_t,
    buffer: *mut c_void,
    length: usize,
) -> i64 {
    using(stream, move |stream| {
        // SAFETY: C promises that `buffer` has room for `length` bytes.
        let buffer = unsafe { memory::bytes_out(buffer, length) }?;
        Ok(stream.peek(buffer)? as i64)
    })
}

/// Writes at most `length` bytes from `buffer`. Never raises `SIGPIPE`.
///
/// Returns how many were written, which may be fewer; `-EAGAIN` if there is no room yet; errors of the
/// connection, such as `-EPIPE`; `-EINVAL` if `buffer` is NULL and `length` is not 0; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_write(
    stream: mio_st_unix_stream_t,
    buffer: *const c_void,
    length: usize,
) -> i64 {
    using(stream, move |stream| {
        // SAFETY: C promises that `buffer` is `length` bytes.
        let buffer = unsafe { memory::bytes_in(buffer, length) }?;
        Ok(stream.write(buffer)? as i64)
    })
}

/// Writes several buffers in turn, as `writev(2)`, but never raises `SIGPIPE`; those beyond the 1024th are
/// left for the next call.
///
/// `buffers` are `count` buffers.
///
/// Returns as mio_st_unix_stream_write(); `-EINVAL` if `buffers`, or a buffer with a length, is NULL.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_writev(
    stream: mio_st_unix_stream_t,
    buffers: *const iovec,
    count: usize,
) -> i64 {
    using(stream, move |stream| {
        // SAFETY: C promises that `buffers` are `count` buffers.
        let buffers = unsafe { memory::vectors(buffers, count) }?;
        // SAFETY: C promises that each can be read.
        Ok(unsafe { raw::write_vectored(stream, buffers) }? as i64)
    })
}

/// Shuts down reading, writing or both.
///
/// `how` is `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`.
///
/// Returns 0; `-ENOTCONN` if the connection does not stand; `-EINVAL` for another `how`; the errors of a
/// handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_unix_stream_shutdown(stream: mio_st_unix_stream_t, how: c_int) -> c_int {
    call(stream, |table| {
        let stream = table.get(stream)?;
        stream.shutdown(memory::shutdown(how)?)?;
        Ok(0)
    })
}

/// Who the peer was when it connected, or for a listening peer when it began to listen; of a pair, who made
/// it.
///
/// `cred` receives it.
///
/// Returns 0; `-ENOTCONN` if there is no peer; `-EINVAL` if `cred` is NULL; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_peer_cred(
    stream: mio_st_unix_stream_t,
    cred: *mut mio_st_ucred_t,
) -> c_int {
    call(stream, |table| {
        let stream = table.get(stream)?;
        // SAFETY: C promises that `cred` can be written.
        let out = unsafe { Out::new(cred) }?;
        let UCred { uid, gid, pid, .. } = stream.peer_cred()?;
        out.put(mio_st_ucred_t { uid, gid, pid: pid.unwrap_or(0) });
        Ok(0)
    })
}

/// Takes the error that waits at the socket (`SO_ERROR`).
///
/// `error` receives it as a negated errno, or 0 if there is none.
///
/// Returns 0; `-EINVAL` if `error` is NULL; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_take_error(
    stream: mio_st_unix_stream_t,
    error: *mut c_int,
) -> c_int {
    call(stream, |table| {
        let stream = table.get(stream)?;
        // SAFETY: C promises that `error` can be written.
        let out = unsafe { Out::new(error) }?;
        out.put(stream.take_error()?.map_or(0, |error| Error::from(error).code()));
        Ok(0)
    })
}

/// The address of this side, written to `address`. It has no name, that is, nothing but the family, unless
/// the stream was accepted or bound.
///
/// Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_local_addr(
    stream: mio_st_unix_stream_t,
    address: *mut sockaddr_storage,
) -> c_int {
    call(stream, |table| {
        let stream = table.get(stream)?;
        // SAFETY: C promises that `address` can be written.
        let out = unsafe { Out::new(address) }?;
        Ok(addr::put(UnixAddr::local(stream)?.into_parts(), out))
    })
}

/// The address of the peer, written to `address`: nothing but the family if the peer did not bind its socket.
///
/// Returns the length of the address; `-ENOTCONN` if there is no peer; `-EINVAL` if `address` is NULL; the
/// errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_peer_addr(
    stream: mio_st_unix_stream_t,
    address: *mut sockaddr_storage,
) -> c_int {
    call(stream, |table| {
        let stream = table.get(stream)?;
        // SAFETY: C promises that `address` can be written.
        let out = unsafe { Out::new(address) }?;
        Ok(addr::put(UnixAddr::peer(stream)?.into_parts(), out))
    })
}

/// The descriptor of the stream, which stays the stream's: for `setsockopt(2)` and the like.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_unix_stream_fd(stream: mio_st_unix_stream_t) -> c_int {
    call(stream, |table| table.fd(stream))
}

/// Takes the descriptor out of the stream, whose handle is closed by that. The caller closes the descriptor,
/// or hands it to another thread for mio_st_unix_stream_from_fd().
///
/// Returns the descriptor; `-EBUSY` if the stream is registered with a poller: deregister it first; the
/// errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_unix_stream_into_fd(stream: mio_st_unix_stream_t) -> c_int {
    call(stream, |table| table.release_fd(stream))
}
