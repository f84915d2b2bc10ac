//! `TcpListener` and `TcpStream`.

use std::ffi::{c_char, c_int, c_void};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::fd::FromRawFd;
use std::time::Duration;

use libc::{iovec, sockaddr, sockaddr_storage, socklen_t};
use mio_st::net::{TcpListener, TcpStream};
use mio_st::raw::{self, SocketKind};

use crate::abi::*;
use crate::addr;
use crate::error::{Error, Result};
use crate::memory::{self, Out};
use crate::options::{self, Options};
use crate::thread::{call, close, create, using};

/// Binds a socket to an address and listens. `SO_REUSEADDR` is set.
///
/// `listener` receives the socket; close it with mio_st_tcp_listener_close(). `address` and `length` are
/// an address of the family `AF_INET` or `AF_INET6`.
///
/// Returns 0; `-EADDRINUSE`, `-EADDRNOTAVAIL`, `-EACCES` (a port below 1024); `-EAFNOSUPPORT` for another
/// family; `-EINVAL` if the length does not fit the family, or a pointer is NULL; `-EMFILE` or `-ENFILE` if
/// there are too many descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The listener belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_listener_bind(
    listener: *mut mio_st_tcp_listener_t,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    // SAFETY: C promises that the pointers are what the comment says.
    unsafe { bind(listener, || addr::read(address, length)) }
}

/// As mio_st_tcp_listener_bind(), with the address as text such as `"127.0.0.1:8080"` or `"[::]:8080"`, see
/// mio_st_addr_parse(). With port 0 the system chooses one: see mio_st_tcp_listener_local_addr().
///
/// Returns as mio_st_tcp_listener_bind(); `-EINVAL` if the text is not an address and a port.
///
/// The listener belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_listener_bind_str(
    listener: *mut mio_st_tcp_listener_t,
    address: *const c_char,
) -> c_int {
    // SAFETY: C promises that the pointers are what the comment says.
    unsafe { bind(listener, || addr::parse(address)) }
}

/// # Safety
///
/// `listener` is NULL, or can be written.
unsafe fn bind(
    listener: *mut mio_st_tcp_listener_t,
    address: impl FnOnce() -> Result<SocketAddr>,
) -> c_int {
    create(|table| {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::new(listener) }?;
        let address = address()?;
        table.reserve()?;
        out.put(table.open(TcpListener::bind(address)?)?);
        Ok(0)
    })
}

/// As mio_st_tcp_listener_bind(), with options.
///
/// `options` are read before the call returns. All members but `local` have a meaning for a listener.
///
/// Returns as mio_st_tcp_listener_bind(); `-EINVAL` for a `size` that is not that of the struct, for an
/// unknown flag, for flags that contradict each other, for a member that has no meaning here, and for what
/// does not fit an `int`; the errors of `setsockopt(2)`, such as `-EOPNOTSUPP` or `-ENOPROTOOPT` for
/// `MIO_ST_SOCKET_ONLY_V6` of an IPv4 socket.
///
/// The listener belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_listener_bind_with(
    listener: *mut mio_st_tcp_listener_t,
    address: *const sockaddr,
    length: socklen_t,
    options: *const mio_st_socket_options_t,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `listener` can be written.
        let out = unsafe { Out::new(listener) }?;
        // SAFETY: C promises that the pointer and the length are those of an address.
        let address = unsafe { addr::read(address, length) }?;
        // SAFETY: C promises that the struct has the size that it says, and that its address is one.
        let builder = unsafe { Options::listener(options) }?;
        table.reserve()?;
        out.put(table.open(builder.bind(address)?)?);
        Ok(0)
    })
}

/// Makes a listener of a descriptor, and makes that non-blocking and close-on-exec.
///
/// `listener` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
///
/// Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
/// is not a listening stream socket of the family `AF_INET` or `AF_INET6`; `-EINVAL` if `listener` is NULL;
/// `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The listener belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_listener_from_fd(
    listener: *mut mio_st_tcp_listener_t,
    fd: c_int,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `listener` can be written.
        let out = unsafe { Out::new(listener) }?;
        table.reserve()?;
        memory::check_socket(fd, kind(true))?;
        // SAFETY: it is open, as was just checked, and C gives it away.
        out.put(table.open(unsafe { TcpListener::from_raw_fd(fd) })?);
        Ok(0)
    })
}

/// A TCP socket.
const fn kind(listening: bool) -> SocketKind {
    SocketKind { unix: false, datagram: false, listening }
}

/// Makes another listener of the same socket.
///
/// `clone` receives it; close it with mio_st_tcp_listener_close(), too. Each is registered by itself.
///
/// Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
/// errors of a handle.
///
/// Thread: that of the listener, to which the new one belongs, too.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_listener_try_clone(
    clone: *mut mio_st_tcp_listener_t,
    listener: mio_st_tcp_listener_t,
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
pub extern "C" fn mio_st_tcp_listener_close(listener: mio_st_tcp_listener_t) -> c_int {
    close(listener)
}

/// Takes a connection that waits.
///
/// `stream` receives it; close it with mio_st_tcp_stream_close(). `peer` receives its address; it may be NULL.
/// A connection of which the system says that it was gone before it could be accepted (`ECONNABORTED`) is skipped;
/// more than 1024 in a row are that error. Linux hands one that was reset out, whose first read is `-ECONNRESET`.
///
/// Returns 0; `-EAGAIN` if no connection waits; `-EMFILE` or `-ENFILE` if one does and there are too many
/// descriptors: it goes on waiting, and a listener with `MIO_ST_EDGE` gets no event for it (accept again when a
/// descriptor was closed); `-EINVAL` if `stream` is NULL; `-ENOMEM`; the errors of a handle.
///
/// Thread: that of the listener, to which the stream belongs, too.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_listener_accept(
    listener: mio_st_tcp_listener_t,
    stream: *mut mio_st_tcp_stream_t,
    peer: *mut sockaddr_storage,
) -> c_int {
    call(listener, |table| {
        let listener = table.fd(listener)?;
        // SAFETY: C promises that `stream` can be written.
        let out = unsafe { Out::new(stream) }?;
        // Before the connection is taken, so that it is not lost for want of memory.
        table.reserve()?;
        // SAFETY: C promises that `peer` can be written, or is NULL.
        let connection = unsafe { raw::accept(listener, peer) }?;
        out.put(table.open(connection)?);
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
pub unsafe extern "C" fn mio_st_tcp_listener_local_addr(
    listener: mio_st_tcp_listener_t,
    address: *mut sockaddr_storage,
) -> c_int {
    call(listener, |table| {
        let listener = table.get(listener)?;
        // SAFETY: C promises that `address` can be written.
        let out = unsafe { Out::new(address) }?;
        Ok(addr::put(raw::sockaddr(listener.local_addr()?), out))
    })
}

/// Sets the number of hops that a packet may make, which accepted connections inherit: `IP_TTL`, and of an IPv6
/// socket `IPV6_UNICAST_HOPS`. On Linux it holds for the traffic of an IPv6 socket with IPv4 addresses too.
///
/// Returns 0; `-EINVAL` if `ttl` is not within 1 and 255; the errors of a handle.
///
/// Thread: that of the listener.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_tcp_listener_set_ttl(listener: mio_st_tcp_listener_t, ttl: u32) -> c_int {
    call(listener, |table| {
        table.get(listener)?.set_ttl(ttl)?;
        Ok(0)
    })
}

/// Gets the number of hops that a packet may make.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the listener.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_tcp_listener_ttl(listener: mio_st_tcp_listener_t) -> c_int {
    call(listener, |table| Ok(table.get(listener)?.ttl()? as c_int))
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
pub unsafe extern "C" fn mio_st_tcp_listener_take_error(
    listener: mio_st_tcp_listener_t,
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

/// The descriptor of the listener, which stays the listener's: for `setsockopt(2)` and the like.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the listener.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_tcp_listener_fd(listener: mio_st_tcp_listener_t) -> c_int {
    call(listener, |table| table.fd(listener))
}

/// Takes the descriptor out of the listener, whose handle is closed by that. The caller closes the
/// descriptor, or hands it to another thread for mio_st_tcp_listener_from_fd().
///
/// Returns the descriptor; `-EBUSY` if the listener is registered with a poller: deregister it first; the
/// errors of a handle.
///
/// Thread: that of the listener.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_tcp_listener_into_fd(listener: mio_st_tcp_listener_t) -> c_int {
    call(listener, |table| table.release_fd(listener))
}

/// Begins to connect to an address.
///
/// `stream` receives the connection; close it with mio_st_tcp_stream_close(). `address` and `length` are an
/// address of the family `AF_INET` or `AF_INET6`. Register the stream, and when it is writable ask
/// mio_st_tcp_stream_connected() how it ended.
///
/// Returns 0; `-EAFNOSUPPORT` for another family; what the system notices at once, such as `-ENETUNREACH`;
/// `-EINVAL` if the length does not fit the family, or a pointer is NULL; `-EMFILE` or `-ENFILE` if there are
/// too many descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The stream belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_connect(
    stream: *mut mio_st_tcp_stream_t,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    // SAFETY: C promises that the pointers are what the comment says.
    unsafe { connect(stream, || addr::read(address, length)) }
}

/// As mio_st_tcp_stream_connect(), with the address as text, see mio_st_addr_parse().
///
/// Returns as mio_st_tcp_stream_connect(); `-EINVAL` if the text is not an address and a port.
///
/// The stream belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_connect_str(
    stream: *mut mio_st_tcp_stream_t,
    address: *const c_char,
) -> c_int {
    // SAFETY: C promises that the pointers are what the comment says.
    unsafe { connect(stream, || addr::parse(address)) }
}

/// # Safety
///
/// `stream` is NULL, or can be written.
unsafe fn connect(
    stream: *mut mio_st_tcp_stream_t,
    address: impl FnOnce() -> Result<SocketAddr>,
) -> c_int {
    create(|table| {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::new(stream) }?;
        let address = address()?;
        table.reserve()?;
        out.put(table.open(TcpStream::connect(address)?)?);
        Ok(0)
    })
}

/// As mio_st_tcp_stream_connect(), with options, and from a given address of this side.
///
/// `options` are read before the call returns. All members but `backlog` have a meaning for a stream. With
/// `local` and port 0 the system chooses the port, on Linux while connecting, so that connections to
/// different peers can share one.
///
/// Returns as mio_st_tcp_stream_connect() and mio_st_tcp_listener_bind_with(); for `local` also
/// `-EADDRINUSE`, `-EADDRNOTAVAIL`, `-EACCES`, and `-EAFNOSUPPORT` if the addresses are not of one family.
///
/// The stream belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_connect_with(
    stream: *mut mio_st_tcp_stream_t,
    address: *const sockaddr,
    length: socklen_t,
    options: *const mio_st_socket_options_t,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `stream` can be written.
        let out = unsafe { Out::new(stream) }?;
        // SAFETY: C promises that the pointer and the length are those of an address.
        let address = unsafe { addr::read(address, length) }?;
        // SAFETY: C promises that the struct has the size that it says, and that its address is one.
        let builder = unsafe { Options::stream(options) }?;
        table.reserve()?;
        out.put(table.open(builder.connect(address)?)?);
        Ok(0)
    })
}

/// Makes a stream of a descriptor, and makes that non-blocking and close-on-exec.
///
/// `stream` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
///
/// Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
/// is not a stream socket of the family `AF_INET` or `AF_INET6`, or if it listens; `-EINVAL` if `stream` is
/// NULL; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The stream belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_from_fd(
    stream: *mut mio_st_tcp_stream_t,
    fd: c_int,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `stream` can be written.
        let out = unsafe { Out::new(stream) }?;
        table.reserve()?;
        memory::check_socket(fd, kind(false))?;
        // SAFETY: it is open, as was just checked, and C gives it away.
        out.put(table.open(unsafe { TcpStream::from_raw_fd(fd) })?);
        Ok(0)
    })
}

/// Makes another stream of the same socket.
///
/// `clone` receives it; close it with mio_st_tcp_stream_close(), too. Each is registered by itself.
///
/// Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
/// errors of a handle.
///
/// Thread: that of the stream, to which the new one belongs, too.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_try_clone(
    clone: *mut mio_st_tcp_stream_t,
    stream: mio_st_tcp_stream_t,
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
pub extern "C" fn mio_st_tcp_stream_close(stream: mio_st_tcp_stream_t) -> c_int {
    close(stream)
}

/// Whether the connection stands.
///
/// Returns 1 if it does, and before the first write with `TCP_FASTOPEN_CONNECT`, which makes it; 0 while it is
/// being made; why connecting failed or why the connection is over, such as `-ECONNREFUSED`, which is taken from
/// the socket: if it was before, by whatever call, `-ENOTCONN`; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_tcp_stream_connected(stream: mio_st_tcp_stream_t) -> c_int {
    call(stream, |table| Ok(table.get(stream)?.connected()?.into()))
}

/// Reads at most `length` bytes into `buffer`.
///
/// Returns how many were read, 0 at the end of the stream (and if `length` is 0); `-EAGAIN` if there is nothing
/// to read yet; errors of the connection, such as `-ECONNRESET`; `-EINVAL` if `buffer` is NULL and `length` is
/// not 0; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_read(
    stream: mio_st_tcp_stream_t,
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
/// Returns as mio_st_tcp_stream_read(); `-EINVAL` if `buffers`, or a buffer with a length, is NULL.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_readv(
    stream: mio_st_tcp_stream_t,
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
/// Returns as mio_st_tcp_stream_read().
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_peek(
    stream: mio_st_tcp_stream_t,
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
/// Returns how many were written, which may be fewer; `-EAGAIN` if there is no room yet; errors of the connection,
/// such as `-EPIPE`; `-EINVAL` if `buffer` is NULL and `length` is not 0; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_write(
    stream: mio_st_tcp_stream_t,
    buffer: *const c_void,
    length: usize,
) -> i64 {
    using(stream, move |stream| {
        // SAFETY: C promises that `buffer` is `length` bytes.
        let buffer = unsafe { memory::bytes_in(buffer, length) }?;
        Ok(stream.write(buffer)? as i64)
    })
}

/// Writes several buffers in turn, as `writev(2)`, but never raises `SIGPIPE`; those beyond the 1024th are left
/// for the next call.
///
/// `buffers` are `count` buffers.
///
/// Returns as mio_st_tcp_stream_write(); `-EINVAL` if `buffers`, or a buffer with a length, is NULL.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_writev(
    stream: mio_st_tcp_stream_t,
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
/// Returns 0; `-ENOTCONN` if the connection does not stand; `-EINVAL` for another `how`; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_tcp_stream_shutdown(stream: mio_st_tcp_stream_t, how: c_int) -> c_int {
    call(stream, |table| {
        let stream = table.get(stream)?;
        stream.shutdown(memory::shutdown(how)?)?;
        Ok(0)
    })
}

/// Sets `TCP_NODELAY`: whether small writes are sent at once, instead of being gathered.
///
/// `nodelay` is 0 for no, anything else for yes.
///
/// Returns 0; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_tcp_stream_set_nodelay(
    stream: mio_st_tcp_stream_t,
    nodelay: c_int,
) -> c_int {
    call(stream, |table| {
        table.get(stream)?.set_nodelay(nodelay != 0)?;
        Ok(0)
    })
}

/// Gets `TCP_NODELAY`.
///
/// Returns 1 or 0; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_tcp_stream_nodelay(stream: mio_st_tcp_stream_t) -> c_int {
    call(stream, |table| Ok(table.get(stream)?.nodelay()?.into()))
}

/// Turns keepalive on or off: whether the peer is asked if it is still there when nothing has moved for a
/// while. A peer that does not answer ends the connection with `-ETIMEDOUT`.
///
/// `keepalive` has the values; NULL turns it off, which keeps them for the next time.
///
/// Returns 0; `-EINVAL` for a value out of the system's range: on Linux the seconds are 1 to 32,767, the
/// count 1 to 127; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mio_st_tcp_stream_set_keepalive(
    stream: mio_st_tcp_stream_t,
    keepalive: *const mio_st_keepalive_t,
) -> c_int {
    call(stream, |table| {
        let stream = table.get(stream)?;
        // SAFETY: C promises that `keepalive` can be read, or is NULL.
        let keepalive = match unsafe { memory::input(keepalive, 1) } {
            Ok(values) => Some(options::keepalive(values[0])?),
            Err(_) if keepalive.is_null() => None,
            Err(error) => return Err(error),
        };
        stream.set_keepalive(keepalive)?;
        Ok(0)
    })
}

/// Whether keepalive is on, and with what values, which `keepalive` receives if it is.
///
/// Returns 1 or 0; `-EINVAL` if `keepalive` is NULL; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_keepalive(
    stream: mio_st_tcp_stream_t,
    keepalive: *mut mio_st_keepalive_t,
) -> c_int {
    call(stream, |table| {
        let stream = table.get(stream)?;
        // SAFETY: C promises that `keepalive` can be written.
        let out = unsafe { Out::new(keepalive) }?;
        let Some(on) = stream.keepalive()? else { return Ok(0) };
        let seconds = |time: Option<Duration>| time.map_or(0, |time| time.as_secs() as u32);
        out.put(mio_st_keepalive_t {
            idle_seconds: seconds(on.idle),
            interval_seconds: seconds(on.interval),
            count: on.count.unwrap_or(0),
        });
        Ok(1)
    })
}

/// Sets `SO_LINGER`: what happens to what has been written and not sent when the socket is closed.
///
/// `seconds` negative, the default: the system goes on sending it. 0: it is thrown away, and the peer sees
/// the connection reset. Otherwise closing *waits* for it to be sent and acknowledged, at most for so long,
/// on Linux of a non-blocking socket too.
///
/// Returns 0; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_tcp_stream_set_linger(
    stream: mio_st_tcp_stream_t,
    seconds: c_int,
) -> c_int {
    call(stream, |table| {
        let seconds = u64::try_from(seconds).ok();
        table.get(stream)?.set_linger(seconds.map(Duration::from_secs))?;
        Ok(0)
    })
}

/// Gets `SO_LINGER`: `seconds` receives it, or -1.
///
/// Returns 0; `-EINVAL` if `seconds` is NULL; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_linger(
    stream: mio_st_tcp_stream_t,
    seconds: *mut c_int,
) -> c_int {
    call(stream, |table| {
        let stream = table.get(stream)?;
        // SAFETY: C promises that `seconds` can be written.
        let out = unsafe { Out::new(seconds) }?;
        let linger = stream.linger()?;
        out.put(linger.map_or(-1, |linger| linger.as_secs() as c_int));
        Ok(0)
    })
}

/// Sets the number of hops that a packet may make: `IP_TTL`, and of an IPv6 socket `IPV6_UNICAST_HOPS`. On
/// Linux it holds for the traffic of an IPv6 socket with IPv4 addresses too.
///
/// Returns 0; `-EINVAL` if `ttl` is not within 1 and 255; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_tcp_stream_set_ttl(stream: mio_st_tcp_stream_t, ttl: u32) -> c_int {
    call(stream, |table| {
        table.get(stream)?.set_ttl(ttl)?;
        Ok(0)
    })
}

/// Gets the number of hops that a packet may make.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_tcp_stream_ttl(stream: mio_st_tcp_stream_t) -> c_int {
    call(stream, |table| Ok(table.get(stream)?.ttl()? as c_int))
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
pub unsafe extern "C" fn mio_st_tcp_stream_take_error(
    stream: mio_st_tcp_stream_t,
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

/// The address of this side, written to `address`.
///
/// Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_local_addr(
    stream: mio_st_tcp_stream_t,
    address: *mut sockaddr_storage,
) -> c_int {
    call(stream, |table| {
        let stream = table.get(stream)?;
        // SAFETY: C promises that `address` can be written.
        let out = unsafe { Out::new(address) }?;
        Ok(addr::put(raw::sockaddr(stream.local_addr()?), out))
    })
}

/// The address of the peer, written to `address`.
///
/// Returns the length of the address; `-ENOTCONN` if the connection does not stand; `-EINVAL` if `address` is
/// NULL; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_peer_addr(
    stream: mio_st_tcp_stream_t,
    address: *mut sockaddr_storage,
) -> c_int {
    call(stream, |table| {
        let stream = table.get(stream)?;
        // SAFETY: C promises that `address` can be written.
        let out = unsafe { Out::new(address) }?;
        Ok(addr::put(raw::sockaddr(stream.peer_addr()?), out))
    })
}

/// The descriptor of the stream, which stays the stream's: for `setsockopt(2)` and the like.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_tcp_stream_fd(stream: mio_st_tcp_stream_t) -> c_int {
    call(stream, |table| table.fd(stream))
}

/// Takes the descriptor out of the stream, whose handle is closed by that. The caller closes the descriptor,
/// or hands it to another thread for mio_st_tcp_stream_from_fd().
///
/// Returns the descriptor; `-EBUSY` if the stream is registered with a poller: deregister it first; the errors of
/// a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_tcp_stream_into_fd(stream: mio_st_tcp_stream_t) -> c_int {
    call(stream, |table| table.release_fd(stream))
}
