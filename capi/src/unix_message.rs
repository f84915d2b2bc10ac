//! Passing descriptors and credentials over Unix sockets.

use std::ffi::{c_char, c_int, c_void};
use std::os::fd::AsRawFd;
use std::ptr;

use libc::{sockaddr, sockaddr_storage, socklen_t};
use mio_st::raw::{self, UnixAddr};
use mio_st::unix::UnixMessage;

use crate::abi::*;
use crate::addr;
use crate::error::Result;
use crate::handles::Handle;
use crate::memory::{self, Out};
use crate::thread::call;

/// Sends bytes over a stream, and passes descriptors and the credentials of this process along (`SCM_RIGHTS` and
/// `SCM_CREDENTIALS`, see `unix(7)`).
///
/// The descriptors `fds` are duplicated for the receiver, and stay the caller's. They go with the first of the bytes:
/// who sent fewer than wanted sends the rest without them. `cred` may be NULL: a receiver that asks for credentials is
/// told those of this process all the same, and only a privileged one may send others than its own.
///
/// Returns the number of bytes that were sent; `-EAGAIN` if there is no room; `-EPIPE` if the peer is gone, and never
/// SIGPIPE; `-EINVAL` for more than 253 descriptors, for some, or for `cred`, without a byte to go with, or if a
/// pointer is NULL and its length is not 0; `-EBADF` for a descriptor that is not open; `-EPERM` for the credentials
/// of others; `-EOPNOTSUPP` for `cred` on BSD and macOS; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_send_message(
    stream: mio_st_unix_stream_t,
    buffer: *const c_void,
    length: usize,
    fds: *const c_int,
    count: usize,
    cred: *const mio_st_ucred_t,
) -> i64 {
    // SAFETY: C promises that the pointers are what the comment says.
    unsafe { send(stream, true, || Ok(None), (buffer, length), (fds, count), cred) }
}

/// Receives bytes from a stream, with the descriptors and credentials that were passed along.
///
/// `fds` has room for `count` descriptors, and receives new ones of this process, close-on-exec, which the caller closes
/// or makes handles of. No descriptor is lost silently: where there is no room for one it is closed, and `message` says
/// so. A call ends with the bytes that descriptors came with; bytes that were sent before, without any, may be in front of
/// them. A plain read of bytes that came with descriptors closes these. `message` receives what came along.
///
/// Returns the number of bytes, 0 at the end of the stream; `-EAGAIN` if there is nothing; `-EINVAL` if `message` is
/// NULL, or another pointer is and its length is not 0; the errors of `recvmsg(2)`; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_stream_recv_message(
    stream: mio_st_unix_stream_t,
    buffer: *mut c_void,
    length: usize,
    fds: *mut c_int,
    count: usize,
    message: *mut mio_st_unix_message_t,
) -> i64 {
    // SAFETY: C promises that the pointers are what the comment says.
    unsafe { recv(stream, (buffer, length), (fds, count), message, NOBODY) }
}

/// Sets whether messages come with the credentials of their senders (`SO_PASSCRED`), which is off at first. Set it
/// before the first message: of those that were sent before, the process is not known.
///
/// `on` is 0 or not.
///
/// Returns 0; `-EOPNOTSUPP` on BSD and macOS; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_unix_stream_set_recv_cred(
    stream: mio_st_unix_stream_t,
    on: c_int,
) -> c_int {
    call(stream, |table| {
        table.get(stream)?.set_recv_cred(on != 0)?;
        Ok(0)
    })
}

/// Sends a datagram to the peer that the socket is connected to, and passes descriptors and credentials along, as
/// mio_st_unix_stream_send_message() does. A datagram may be empty.
///
/// Returns as mio_st_unix_datagram_send(), and as mio_st_unix_stream_send_message().
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_send_message(
    socket: mio_st_unix_datagram_t,
    buffer: *const c_void,
    length: usize,
    fds: *const c_int,
    count: usize,
    cred: *const mio_st_ucred_t,
) -> i64 {
    // SAFETY: C promises that the pointers are what the comment says.
    unsafe { send(socket, false, || Ok(None), (buffer, length), (fds, count), cred) }
}

/// Receives a datagram, with the descriptors and credentials that were passed along, as
/// mio_st_unix_stream_recv_message() does.
///
/// Returns the number of bytes; as mio_st_unix_stream_recv_message() otherwise.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_recv_message(
    socket: mio_st_unix_datagram_t,
    buffer: *mut c_void,
    length: usize,
    fds: *mut c_int,
    count: usize,
    message: *mut mio_st_unix_message_t,
) -> i64 {
    // SAFETY: C promises that the pointers are what the comment says.
    unsafe { recv(socket, (buffer, length), (fds, count), message, NOBODY) }
}

/// Sets whether messages come with the credentials of their senders (`SO_PASSCRED`), which is off at first. Set it
/// before the first message: of those that were sent before, the process is not known.
///
/// `on` is 0 or not.
///
/// Returns 0; `-EOPNOTSUPP` on BSD and macOS; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_unix_datagram_set_recv_cred(
    socket: mio_st_unix_datagram_t,
    on: c_int,
) -> c_int {
    call(socket, |table| {
        table.get(socket)?.set_recv_cred(on != 0)?;
        Ok(0)
    })
}

/// As mio_st_unix_datagram_send_message(), to the socket at a path, which ends with a NUL.
///
/// Returns as mio_st_unix_datagram_send_to(), and as mio_st_unix_stream_send_message().
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_send_message_to(
    socket: mio_st_unix_datagram_t,
    buffer: *const c_void,
    length: usize,
    fds: *const c_int,
    count: usize,
    cred: *const mio_st_ucred_t,
    path: *const c_char,
) -> i64 {
    // SAFETY: C promises that the path ends with a NUL.
    let target = || unsafe { addr::path(path) }.map(Some);
    // SAFETY: C promises that the pointers are what the comment says.
    unsafe { send(socket, false, target, (buffer, length), (fds, count), cred) }
}

/// As mio_st_unix_datagram_send_message(), to an address, such as mio_st_unix_datagram_recv_message_from() gave.
///
/// `target` and `target_length` are an address as for mio_st_unix_datagram_send_to_addr().
///
/// Returns as mio_st_unix_datagram_send_to_addr(), and as mio_st_unix_stream_send_message().
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_send_message_to_addr(
    socket: mio_st_unix_datagram_t,
    buffer: *const c_void,
    length: usize,
    fds: *const c_int,
    count: usize,
    cred: *const mio_st_ucred_t,
    target: *const sockaddr,
    target_length: socklen_t,
) -> i64 {
    // SAFETY: C promises that the pointer and the length are those of an address.
    let target = || unsafe { addr::read_unix(target, target_length) }.map(Some);
    // SAFETY: C promises that the pointers are what the comment says.
    unsafe { send(socket, false, target, (buffer, length), (fds, count), cred) }
}

/// As mio_st_unix_datagram_recv_message(), with the address of the sender.
///
/// `sender` receives it, and `sender_length` the length of that, as those of mio_st_unix_datagram_recv_from() do;
/// each may be NULL.
///
/// Returns as mio_st_unix_datagram_recv_message().
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_unix_datagram_recv_message_from(
    socket: mio_st_unix_datagram_t,
    buffer: *mut c_void,
    length: usize,
    fds: *mut c_int,
    count: usize,
    message: *mut mio_st_unix_message_t,
    sender: *mut sockaddr_storage,
    sender_length: *mut socklen_t,
) -> i64 {
    // SAFETY: C promises that the pointers are what the comment says.
    unsafe { recv(socket, (buffer, length), (fds, count), message, (sender, sender_length)) }
}

/// Where no sender is told.
const NOBODY: (*mut sockaddr_storage, *mut socklen_t) = (ptr::null_mut(), ptr::null_mut());

/// # Safety
///
/// The pointers are NULL, or those of so many values that can be read.
unsafe fn send<H>(
    handle: H,
    is_stream: bool,
    target: impl FnOnce() -> Result<Option<UnixAddr>>,
    (buffer, length): (*const c_void, usize),
    (fds, count): (*const c_int, usize),
    cred: *const mio_st_ucred_t,
) -> i64
where
    H: Handle<Object: AsRawFd>,
{
    call(handle, |table| {
        let socket = table.get(handle)?;
        // SAFETY: the caller's promise.
        let (buffer, fds) =
            unsafe { (memory::bytes_in(buffer, length)?, memory::input(fds, count)?) };
        let target = target()?;
        let cred = if cred.is_null() {
            None
        } else {
            // SAFETY: as above. C may have lost the alignment in a cast.
            let mio_st_ucred_t { uid, gid, pid } = unsafe { cred.read_unaligned() };
            Some((uid, gid, pid))
        };
        Ok(raw::send_message(socket, is_stream, target.as_ref(), buffer, fds, cred)? as i64)
    })
}

/// # Safety
///
/// The pointers are NULL, or those of so many values that can be written.
unsafe fn recv<H>(
    handle: H,
    (buffer, length): (*mut c_void, usize),
    (fds, count): (*mut c_int, usize),
    message: *mut mio_st_unix_message_t,
    (sender, sender_length): (*mut sockaddr_storage, *mut socklen_t),
) -> i64
where
    H: Handle<Object: AsRawFd>,
{
    call(handle, |table| {
        let socket = table.get(handle)?;
        // SAFETY: the caller's promise.
        let (out, buffer, fds) = unsafe {
            (Out::new(message)?, memory::bytes_out(buffer, length)?, memory::output(fds, count)?)
        };
        let take = |n: usize, fd| {
            if let Some(place) = fds.get_mut(n) {
                *place = fd;
            }
        };
        let (message, from) = raw::recv_message(socket, buffer, count, take)?;
        let UnixMessage { len, fds: came, truncated, control_truncated, cred, .. } = message;
        raw::written(fds.as_ptr(), came);
        let flags = [
            (truncated, MIO_ST_MESSAGE_TRUNCATED),
            (control_truncated, MIO_ST_MESSAGE_CONTROL_TRUNCATED),
            (cred.is_some(), MIO_ST_MESSAGE_CRED),
        ];
        let flags = flags.into_iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag);
        let cred = cred.map_or(mio_st_ucred_t { uid: 0, gid: 0, pid: 0 }, |cred| mio_st_ucred_t {
            uid: cred.uid,
            gid: cred.gid,
            pid: cred.pid.unwrap_or(0),
        });
        out.put(mio_st_unix_message_t { fds: came, flags, cred });
        // SAFETY: as above.
        unsafe { addr::put_optional(from.into_parts(), sender, sender_length) };
        Ok(len as i64)
    })
}
