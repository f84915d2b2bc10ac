//! `UdpSocket` and `ConnectedUdpSocket`.

use std::ffi::{c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::FromRawFd;

use libc::{in_addr, in6_addr, sockaddr, sockaddr_storage, socklen_t};
use mio_st::net::{ConnectedUdpSocket, UdpSocket};
use mio_st::raw::{self, SocketKind};

use crate::abi::*;
use crate::addr;
use crate::error::{Error, Result};
use crate::memory::{self, Out};
use crate::options::Options;
use crate::thread::{call, close, create, using};

const INVALID: Error = Error::of(libc::EINVAL);

/// Makes a UDP socket that is bound to an address.
///
/// `socket` receives it; close it with mio_st_udp_socket_close(). `address` and `length` are an address of
/// the family `AF_INET` or `AF_INET6`.
///
/// Returns 0; `-EADDRINUSE`, `-EADDRNOTAVAIL`, `-EACCES` (a port below 1024); `-EAFNOSUPPORT` for another
/// family; `-EINVAL` if the length does not fit the family, or a pointer is NULL; `-EMFILE` or `-ENFILE` if
/// there are too many descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The socket belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_bind(
    socket: *mut mio_st_udp_socket_t,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `socket` can be written.
        let out = unsafe { Out::new(socket) }?;
        // SAFETY: C promises that the pointer and the length are those of an address.
        let address = unsafe { addr::read(address, length) }?;
        table.reserve()?;
        out.put(table.open(UdpSocket::bind(address)?)?);
        Ok(0)
    })
}

/// As mio_st_udp_socket_bind(), with the address as text, see mio_st_addr_parse().
///
/// Returns 0; `-EADDRINUSE`, `-EADDRNOTAVAIL`, `-EACCES` (a port below 1024); `-EAFNOSUPPORT` for another
/// family; `-EINVAL` if the text is not an address and a port, or a pointer is NULL; `-EMFILE` or `-ENFILE`
/// if there are too many descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The socket belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_bind_str(
    socket: *mut mio_st_udp_socket_t,
    address: *const c_char,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `socket` can be written.
        let out = unsafe { Out::new(socket) }?;
        // SAFETY: C promises that the text ends with a NUL.
        let address = unsafe { addr::parse(address) }?;
        table.reserve()?;
        out.put(table.open(UdpSocket::bind(address)?)?);
        Ok(0)
    })
}

/// As mio_st_udp_socket_bind(), with options.
///
/// `options` are read before the call returns. `backlog`, `local`, `MIO_ST_SOCKET_NODELAY` and
/// `MIO_ST_SOCKET_KEEPALIVE` have no meaning for UDP.
///
/// Returns as mio_st_udp_socket_bind() and mio_st_tcp_listener_bind_with().
///
/// The socket belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_bind_with(
    socket: *mut mio_st_udp_socket_t,
    address: *const sockaddr,
    length: socklen_t,
    options: *const mio_st_socket_options_t,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `socket` can be written.
        let out = unsafe { Out::new(socket) }?;
        // SAFETY: C promises that the pointer and the length are those of an address.
        let address = unsafe { addr::read(address, length) }?;
        // SAFETY: C promises that the struct has the size that it says, and that its address is one.
        let builder = unsafe { Options::udp(options) }?;
        table.reserve()?;
        out.put(table.open(builder.bind(address)?)?);
        Ok(0)
    })
}

/// Makes sure that a descriptor is a UDP socket as we make them, with a peer or without.
fn check(fd: c_int, connected: bool) -> Result<()> {
    memory::check_kind(fd, SocketKind { unix: false, datagram: true, listening: false })?;
    let mut length = size_of::<sockaddr_storage>() as socklen_t;
    let mut peer = MaybeUninit::<sockaddr_storage>::uninit();
    raw::written(&length, 1);
    // SAFETY: there is room for an address of that length.
    let has_peer = match unsafe { libc::getpeername(fd, peer.as_mut_ptr().cast(), &mut length) } {
        0 => true,
        _ => match Error::from(io::Error::last_os_error()) {
            Error::NOT_CONNECTED => false,
            error => return Err(error),
        },
    };
    match (has_peer, connected) {
        (true, false) => Err(Error::of(libc::EISCONN)),
        (false, true) => Err(Error::NOT_CONNECTED),
        _ => Ok(raw::set_nonblocking_cloexec(fd)?),
    }
}

/// Makes a socket of a descriptor, and makes that non-blocking and close-on-exec.
///
/// `socket` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
///
/// Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
/// is not a datagram socket of the family `AF_INET` or `AF_INET6`; `-EISCONN` if it is connected: see
/// mio_st_connected_udp_socket_from_fd(); `-EINVAL` if `socket` is NULL; `-ENOMEM`; `-EAGAIN` as
/// mio_st_poller_new().
///
/// The socket belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_from_fd(
    socket: *mut mio_st_udp_socket_t,
    fd: c_int,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `socket` can be written.
        let out = unsafe { Out::new(socket) }?;
        table.reserve()?;
        check(fd, false)?;
        // SAFETY: it is open, as was just checked, and C gives it away.
        out.put(table.open(unsafe { UdpSocket::from_raw_fd(fd) })?);
        Ok(0)
    })
}

/// Makes another socket of the same socket.
///
/// `clone` receives it; close it with mio_st_udp_socket_close(), too. Each is registered by itself.
///
/// Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
/// errors of a handle.
///
/// Thread: that of the socket, to which the new one belongs, too.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_try_clone(
    clone: *mut mio_st_udp_socket_t,
    socket: mio_st_udp_socket_t,
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
pub extern "C" fn mio_st_udp_socket_close(socket: mio_st_udp_socket_t) -> c_int {
    close(socket)
}

/// Connects: from now on the socket sends to one peer, and receives from no other. What others sent before is
/// still there to be received.
///
/// `address` and `length` are the peer's, of the family of the socket. `connected` receives the socket, and
/// the old handle names nothing any more; registrations go on. If the call fails the old handle stays good.
///
/// Returns 0; `-EAFNOSUPPORT` for another family; `-ENETUNREACH`; `-EINVAL` if the length does not fit the
/// family, or a pointer is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_connect(
    socket: mio_st_udp_socket_t,
    address: *const sockaddr,
    length: socklen_t,
    connected: *mut mio_st_connected_udp_socket_t,
) -> c_int {
    call(socket, |table| {
        table.get(socket)?;
        // SAFETY: C promises that the pointer and the length are those of an address.
        let address = unsafe { addr::read(address, length) }?;
        // SAFETY: C promises that `connected` can be written.
        let out = unsafe { Out::new(connected) }?;
        table.reserve()?;
        raw::connect_udp(table.get(socket)?, address)?;
        out.put(table.convert(socket, raw::into_connected)?);
        Ok(0)
    })
}

/// Sends a datagram to an address. It is sent whole or not at all.
///
/// `buffer` are `length` bytes. `target` and `target_length` are an address of the family of the socket; a
/// length that is too big is fine, up to that of a `struct sockaddr_storage`.
///
/// Returns `length`; `-EAGAIN` if there is no room yet; `-EMSGSIZE` if the datagram is too big;
/// `-EAFNOSUPPORT` for another family; `-EACCES` for a broadcast address without
/// mio_st_udp_socket_set_broadcast(); `-ENETUNREACH`; `-EINVAL` if the length does not fit the family,
/// `target` is NULL, or `buffer` is NULL and `length` is not 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_send_to(
    socket: mio_st_udp_socket_t,
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
        let target = unsafe { addr::read(target, target_length) }?;
        Ok(socket.send_to(buffer, target)? as i64)
    })
}

/// Receives a datagram, of which what does not fit into `buffer` is lost.
///
/// `sender` receives the address of its sender, and `sender_length` the length of that; each may be NULL.
///
/// Returns the length of what was received, which may be 0; `-EAGAIN` if there is no datagram; `-EINVAL` if
/// `buffer` is NULL and `length` is not 0; the errors of a handle.
///
/// mio_st_udp_socket_recv_batch() tells whether something was lost, of one datagram too.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_recv_from(
    socket: mio_st_udp_socket_t,
    buffer: *mut c_void,
    length: usize,
    sender: *mut sockaddr_storage,
    sender_length: *mut socklen_t,
) -> i64 {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `buffer` has room for `length` bytes.
        let buffer = unsafe { memory::bytes_out(buffer, length) }?;
        let (count, address) = socket.recv_from(buffer)?;
        let address = raw::sockaddr(address);
        // SAFETY: C promises that both can be written, or are NULL.
        unsafe { addr::put_optional(address, sender, sender_length) };
        Ok(count as i64)
    })
}

/// Receives without taking: the next call receives the same datagram.
///
/// `sender` and `sender_length` are as for mio_st_udp_socket_recv_from().
///
/// Returns as mio_st_udp_socket_recv_from().
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_peek_from(
    socket: mio_st_udp_socket_t,
    buffer: *mut c_void,
    length: usize,
    sender: *mut sockaddr_storage,
    sender_length: *mut socklen_t,
) -> i64 {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `buffer` has room for `length` bytes.
        let buffer = unsafe { memory::bytes_out(buffer, length) }?;
        let (count, address) = socket.peek_from(buffer)?;
        let address = raw::sockaddr(address);
        // SAFETY: C promises that both can be written, or are NULL.
        unsafe { addr::put_optional(address, sender, sender_length) };
        Ok(count as i64)
    })
}

/// Sets `SO_BROADCAST`: whether sending to a broadcast address is allowed.
///
/// `broadcast` is 0 for no, anything else for yes.
///
/// Returns 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_broadcast(
    socket: mio_st_udp_socket_t,
    broadcast: c_int,
) -> c_int {
    call(socket, |table| {
        table.get(socket)?.set_broadcast(broadcast != 0)?;
        Ok(0)
    })
}

/// Gets `SO_BROADCAST`.
///
/// Returns 1 or 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_udp_socket_broadcast(socket: mio_st_udp_socket_t) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.broadcast()?.into()))
}

/// Sets the number of hops that a packet may make: `IP_TTL`, and of an IPv6 socket `IPV6_UNICAST_HOPS`. On Linux it
/// holds for the traffic of an IPv6 socket with IPv4 addresses too.
///
/// Returns 0; `-EINVAL` if `ttl` is not within 1 and 255; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_ttl(socket: mio_st_udp_socket_t, ttl: u32) -> c_int {
    call(socket, |table| {
        table.get(socket)?.set_ttl(ttl)?;
        Ok(0)
    })
}

/// Gets the number of hops that a packet may make.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_udp_socket_ttl(socket: mio_st_udp_socket_t) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.ttl()? as c_int))
}

/// Joins an IPv4 multicast group at the interface with the address `interface`, or at one that the system
/// chooses if that is `0.0.0.0`. Both are in network byte order.
///
/// Returns 0; `-EADDRINUSE` if it is a member already; `-EINVAL` if the group is not a multicast address, or
/// a pointer is NULL; `-ENODEV` if there is no such interface; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_join_multicast_v4(
    socket: mio_st_udp_socket_t,
    group: *const in_addr,
    interface: *const in_addr,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that both are addresses, or NULL.
        let (group, interface) = unsafe { (addr::v4(group)?, addr::v4(interface)?) };
        socket.join_multicast_v4(&group, &interface)?;
        Ok(0)
    })
}

/// Joins an IPv6 multicast group at the interface with the index `interface` (`if_nametoindex(3)`), or at one
/// that the system chooses if that is 0.
///
/// Returns 0; `-EADDRINUSE` if it is a member already; `-EINVAL` if the group is not a multicast address, or
/// `group` is NULL; `-ENODEV` if there is no such interface; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_join_multicast_v6(
    socket: mio_st_udp_socket_t,
    group: *const in6_addr,
    interface: u32,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that it is an address, or NULL.
        let group = unsafe { addr::v6(group) }?;
        socket.join_multicast_v6(&group, interface)?;
        Ok(0)
    })
}

/// Leaves an IPv4 multicast group at the interface with the address `interface`, or at one that the system
/// chooses if that is `0.0.0.0`. Both are in network byte order.
///
/// Returns 0; `-EADDRNOTAVAIL` if it is not a member; `-EINVAL` if a pointer is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_leave_multicast_v4(
    socket: mio_st_udp_socket_t,
    group: *const in_addr,
    interface: *const in_addr,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that both are addresses, or NULL.
        let (group, interface) = unsafe { (addr::v4(group)?, addr::v4(interface)?) };
        socket.leave_multicast_v4(&group, &interface)?;
        Ok(0)
    })
}

/// Leaves an IPv6 multicast group at the interface with the index `interface` (`if_nametoindex(3)`), or at
/// one that the system chooses if that is 0.
///
/// Returns 0; `-EADDRNOTAVAIL` if it is not a member; `-EINVAL` if `group` is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_leave_multicast_v6(
    socket: mio_st_udp_socket_t,
    group: *const in6_addr,
    interface: u32,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that it is an address, or NULL.
        let group = unsafe { addr::v6(group) }?;
        socket.leave_multicast_v6(&group, interface)?;
        Ok(0)
    })
}

/// Sets `IP_MULTICAST_TTL`, the number of hops that an IPv4 multicast packet may make; 1 by default.
///
/// Returns 0; `-EINVAL` if `hops` is more than 255; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_multicast_ttl_v4(
    socket: mio_st_udp_socket_t,
    hops: u32,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        if hops > 255 {
            return Err(INVALID);
        }
        socket.set_multicast_ttl_v4(hops)?;
        Ok(0)
    })
}

/// Gets `IP_MULTICAST_TTL`.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_udp_socket_multicast_ttl_v4(socket: mio_st_udp_socket_t) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.multicast_ttl_v4()? as c_int))
}

/// Sets `IPV6_MULTICAST_HOPS`, the number of hops that an IPv6 multicast packet may make; 1 by default.
///
/// Returns 0; `-EINVAL` if `hops` is more than 255; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_multicast_hops_v6(
    socket: mio_st_udp_socket_t,
    hops: u32,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        if hops > 255 {
            return Err(INVALID);
        }
        socket.set_multicast_hops_v6(hops)?;
        Ok(0)
    })
}

/// Gets `IPV6_MULTICAST_HOPS`.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_udp_socket_multicast_hops_v6(socket: mio_st_udp_socket_t) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.multicast_hops_v6()? as c_int))
}

/// Sets `IP_MULTICAST_LOOP`: whether this host receives the IPv4 multicast packets that the socket sends; it
/// does by default.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_multicast_loop_v4(
    socket: mio_st_udp_socket_t,
    on: c_int,
) -> c_int {
    call(socket, |table| {
        table.get(socket)?.set_multicast_loop_v4(on != 0)?;
        Ok(0)
    })
}

/// Gets `IP_MULTICAST_LOOP`.
///
/// Returns 1 or 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_udp_socket_multicast_loop_v4(socket: mio_st_udp_socket_t) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.multicast_loop_v4()?.into()))
}

/// Sets `IPV6_MULTICAST_LOOP`: whether this host receives the IPv6 multicast packets that the socket sends;
/// it does by default.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_multicast_loop_v6(
    socket: mio_st_udp_socket_t,
    on: c_int,
) -> c_int {
    call(socket, |table| {
        table.get(socket)?.set_multicast_loop_v6(on != 0)?;
        Ok(0)
    })
}

/// Gets `IPV6_MULTICAST_LOOP`.
///
/// Returns 1 or 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_udp_socket_multicast_loop_v6(socket: mio_st_udp_socket_t) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.multicast_loop_v6()?.into()))
}

/// Sets `IP_MULTICAST_IF`: the interface, named by its address in network byte order, that IPv4 multicast
/// packets leave by; `0.0.0.0`, the default, leaves it to the system.
///
/// Returns 0; `-EADDRNOTAVAIL` if no interface has this address; `-EINVAL` if `interface` is NULL; the errors
/// of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_set_multicast_if_v4(
    socket: mio_st_udp_socket_t,
    interface: *const in_addr,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that it is an address, or NULL.
        let interface = unsafe { addr::v4(interface) }?;
        socket.set_multicast_if_v4(&interface)?;
        Ok(0)
    })
}

/// Gets `IP_MULTICAST_IF`: `interface` receives it.
///
/// Returns 0; `-EINVAL` if `interface` is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_multicast_if_v4(
    socket: mio_st_udp_socket_t,
    interface: *mut in_addr,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `interface` can be written.
        let out = unsafe { Out::new(interface) }?;
        let address = socket.multicast_if_v4()?;
        out.put(in_addr { s_addr: u32::from_ne_bytes(address.octets()) });
        Ok(0)
    })
}

/// Sets `IPV6_MULTICAST_IF`, the index of the interface that IPv6 multicast packets leave by; 0, the default,
/// leaves it to the system.
///
/// Returns 0; `-EINVAL` if `interface` is beyond 2^31 - 1; `-ENODEV` if there is no such interface; the
/// errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_multicast_if_v6(
    socket: mio_st_udp_socket_t,
    interface: u32,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        if interface > c_int::MAX as u32 {
            return Err(INVALID);
        }
        socket.set_multicast_if_v6(interface)?;
        Ok(0)
    })
}

/// Gets `IPV6_MULTICAST_IF`.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_udp_socket_multicast_if_v6(socket: mio_st_udp_socket_t) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.multicast_if_v6()? as c_int))
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
pub unsafe extern "C" fn mio_st_udp_socket_take_error(
    socket: mio_st_udp_socket_t,
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

/// The address that the socket is bound to, written to `address`.
///
/// Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_local_addr(
    socket: mio_st_udp_socket_t,
    address: *mut sockaddr_storage,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `address` can be written.
        let out = unsafe { Out::new(address) }?;
        Ok(addr::put(raw::sockaddr(socket.local_addr()?), out))
    })
}

/// The descriptor of the socket, which stays the socket's: for `setsockopt(2)` and the like.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_udp_socket_fd(socket: mio_st_udp_socket_t) -> c_int {
    call(socket, |table| table.fd(socket))
}

/// Takes the descriptor out of the socket, whose handle is closed by that. The caller closes the descriptor,
/// or hands it to another thread for mio_st_udp_socket_from_fd().
///
/// Returns the descriptor; `-EBUSY` if the socket is registered with a poller: deregister it first; the
/// errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_udp_socket_into_fd(socket: mio_st_udp_socket_t) -> c_int {
    call(socket, |table| table.release_fd(socket))
}

/// Makes a UDP socket that is bound to one address, and connects it to another: it sends to this peer, and
/// receives from no other.
///
/// `socket` receives it; close it with mio_st_connected_udp_socket_close(). `local` and `local_length` are
/// the address of this side, with port 0 to let the system choose one, `address` and `length` that of the
/// peer; both are of the family `AF_INET`, or `AF_INET6`.
///
/// Returns as mio_st_udp_socket_bind() and mio_st_udp_socket_connect().
///
/// The socket belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_connect(
    socket: *mut mio_st_connected_udp_socket_t,
    local: *const sockaddr,
    local_length: socklen_t,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `socket` can be written.
        let out = unsafe { Out::new(socket) }?;
        // SAFETY: C promises that the pointers and the lengths are those of addresses.
        let (local, address) =
            unsafe { (addr::read(local, local_length)?, addr::read(address, length)?) };
        table.reserve()?;
        out.put(table.open(ConnectedUdpSocket::connect(local, address)?)?);
        Ok(0)
    })
}

/// Makes a socket of a descriptor, and makes that non-blocking and close-on-exec.
///
/// `socket` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
///
/// Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
/// is not a datagram socket of the family `AF_INET` or `AF_INET6`; `-ENOTCONN` if it is not connected;
/// `-EINVAL` if `socket` is NULL; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The socket belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_from_fd(
    socket: *mut mio_st_connected_udp_socket_t,
    fd: c_int,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `socket` can be written.
        let out = unsafe { Out::new(socket) }?;
        table.reserve()?;
        check(fd, true)?;
        // SAFETY: it is open, as was just checked, and C gives it away.
        out.put(table.open(unsafe { ConnectedUdpSocket::from_raw_fd(fd) })?);
        Ok(0)
    })
}

/// Makes another socket of the same socket.
///
/// `clone` receives it; close it with mio_st_connected_udp_socket_close(), too. Each is registered by itself.
///
/// Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
/// errors of a handle.
///
/// Thread: that of the socket, to which the new one belongs, too.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_try_clone(
    clone: *mut mio_st_connected_udp_socket_t,
    socket: mio_st_connected_udp_socket_t,
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
pub extern "C" fn mio_st_connected_udp_socket_close(
    socket: mio_st_connected_udp_socket_t,
) -> c_int {
    close(socket)
}

/// Ends the association with the peer: the socket sends to any address again, and receives from any. It keeps
/// the port.
///
/// `disconnected` receives the socket, and the old handle names nothing any more; registrations go on. If the
/// call fails the old handle stays, but what the socket still has of its peer and its port is undefined:
/// close it.
///
/// Returns 0; `-EADDRINUSE`, on Linux: there a port that the system chose is given back for a moment, and
/// another program took it; `-EINVAL` if `disconnected` is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_disconnect(
    socket: mio_st_connected_udp_socket_t,
    disconnected: *mut mio_st_udp_socket_t,
) -> c_int {
    call(socket, |table| {
        table.get(socket)?;
        // SAFETY: C promises that `disconnected` can be written.
        let out = unsafe { Out::new(disconnected) }?;
        table.reserve()?;
        raw::disconnect_udp(table.get(socket)?)?;
        out.put(table.convert(socket, raw::into_disconnected)?);
        Ok(0)
    })
}

/// Sends a datagram to the peer. It is sent whole or not at all.
///
/// `buffer` are `length` bytes.
///
/// Returns `length`; `-EAGAIN` if there is no room yet; `-EMSGSIZE` if the datagram is too big;
/// `-ECONNREFUSED` for an earlier one that nobody listened to, after which the socket goes on working;
/// `-EINVAL` if `buffer` is NULL and `length` is not 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_send(
    socket: mio_st_connected_udp_socket_t,
    buffer: *const c_void,
    length: usize,
) -> i64 {
    using(socket, move |socket| {
        // SAFETY: C promises that `buffer` is `length` bytes.
        let buffer = unsafe { memory::bytes_in(buffer, length) }?;
        Ok(socket.send(buffer)? as i64)
    })
}

/// Receives a datagram, of which what does not fit into `buffer` is lost;
/// mio_st_connected_udp_socket_recv_batch() tells whether something was.
///
/// Returns the length of what was received, which may be 0; `-EAGAIN` if there is no datagram;
/// `-ECONNREFUSED` when nobody listened to what was sent; `-EINVAL` if `buffer` is NULL and `length` is not
/// 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_recv(
    socket: mio_st_connected_udp_socket_t,
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
/// Returns as mio_st_connected_udp_socket_recv().
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_peek(
    socket: mio_st_connected_udp_socket_t,
    buffer: *mut c_void,
    length: usize,
) -> i64 {
    using(socket, move |socket| {
        // SAFETY: C promises that `buffer` has room for `length` bytes.
        let buffer = unsafe { memory::bytes_out(buffer, length) }?;
        Ok(socket.peek(buffer)? as i64)
    })
}

/// Sets `SO_BROADCAST`: whether sending to a broadcast address is allowed.
///
/// `broadcast` is 0 for no, anything else for yes.
///
/// Returns 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_broadcast(
    socket: mio_st_connected_udp_socket_t,
    broadcast: c_int,
) -> c_int {
    call(socket, |table| {
        table.get(socket)?.set_broadcast(broadcast != 0)?;
        Ok(0)
    })
}

/// Gets `SO_BROADCAST`.
///
/// Returns 1 or 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_connected_udp_socket_broadcast(
    socket: mio_st_connected_udp_socket_t,
) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.broadcast()?.into()))
}

/// Sets the number of hops that a packet may make: `IP_TTL`, and of an IPv6 socket `IPV6_UNICAST_HOPS`. On Linux it
/// holds for the traffic of an IPv6 socket with IPv4 addresses too.
///
/// Returns 0; `-EINVAL` if `ttl` is not within 1 and 255; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_ttl(
    socket: mio_st_connected_udp_socket_t,
    ttl: u32,
) -> c_int {
    call(socket, |table| {
        table.get(socket)?.set_ttl(ttl)?;
        Ok(0)
    })
}

/// Gets the number of hops that a packet may make.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_connected_udp_socket_ttl(socket: mio_st_connected_udp_socket_t) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.ttl()? as c_int))
}

/// Joins an IPv4 multicast group at the interface with the address `interface`, or at one that the system
/// chooses if that is `0.0.0.0`. Both are in network byte order.
///
/// Returns 0; `-EADDRINUSE` if it is a member already; `-EINVAL` if the group is not a multicast address, or
/// a pointer is NULL; `-ENODEV` if there is no such interface; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_join_multicast_v4(
    socket: mio_st_connected_udp_socket_t,
    group: *const in_addr,
    interface: *const in_addr,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that both are addresses, or NULL.
        let (group, interface) = unsafe { (addr::v4(group)?, addr::v4(interface)?) };
        socket.join_multicast_v4(&group, &interface)?;
        Ok(0)
    })
}

/// Joins an IPv6 multicast group at the interface with the index `interface` (`if_nametoindex(3)`), or at one
/// that the system chooses if that is 0.
///
/// Returns 0; `-EADDRINUSE` if it is a member already; `-EINVAL` if the group is not a multicast address, or
/// `group` is NULL; `-ENODEV` if there is no such interface; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_join_multicast_v6(
    socket: mio_st_connected_udp_socket_t,
    group: *const in6_addr,
    interface: u32,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that it is an address, or NULL.
        let group = unsafe { addr::v6(group) }?;
        socket.join_multicast_v6(&group, interface)?;
        Ok(0)
    })
}

/// Leaves an IPv4 multicast group at the interface with the address `interface`, or at one that the system
/// chooses if that is `0.0.0.0`. Both are in network byte order.
///
/// Returns 0; `-EADDRNOTAVAIL` if it is not a member; `-EINVAL` if a pointer is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_leave_multicast_v4(
    socket: mio_st_connected_udp_socket_t,
    group: *const in_addr,
    interface: *const in_addr,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that both are addresses, or NULL.
        let (group, interface) = unsafe { (addr::v4(group)?, addr::v4(interface)?) };
        socket.leave_multicast_v4(&group, &interface)?;
        Ok(0)
    })
}

/// Leaves an IPv6 multicast group at the interface with the index `interface` (`if_nametoindex(3)`), or at
/// one that the system chooses if that is 0.
///
/// Returns 0; `-EADDRNOTAVAIL` if it is not a member; `-EINVAL` if `group` is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_leave_multicast_v6(
    socket: mio_st_connected_udp_socket_t,
    group: *const in6_addr,
    interface: u32,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that it is an address, or NULL.
        let group = unsafe { addr::v6(group) }?;
        socket.leave_multicast_v6(&group, interface)?;
        Ok(0)
    })
}

/// Sets `IP_MULTICAST_TTL`, the number of hops that an IPv4 multicast packet may make; 1 by default.
///
/// Returns 0; `-EINVAL` if `hops` is more than 255; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_multicast_ttl_v4(
    socket: mio_st_connected_udp_socket_t,
    hops: u32,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        if hops > 255 {
            return Err(INVALID);
        }
        socket.set_multicast_ttl_v4(hops)?;
        Ok(0)
    })
}

/// Gets `IP_MULTICAST_TTL`.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_connected_udp_socket_multicast_ttl_v4(
    socket: mio_st_connected_udp_socket_t,
) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.multicast_ttl_v4()? as c_int))
}

/// Sets `IPV6_MULTICAST_HOPS`, the number of hops that an IPv6 multicast packet may make; 1 by default.
///
/// Returns 0; `-EINVAL` if `hops` is more than 255; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_multicast_hops_v6(
    socket: mio_st_connected_udp_socket_t,
    hops: u32,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        if hops > 255 {
            return Err(INVALID);
        }
        socket.set_multicast_hops_v6(hops)?;
        Ok(0)
    })
}

/// Gets `IPV6_MULTICAST_HOPS`.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_connected_udp_socket_multicast_hops_v6(
    socket: mio_st_connected_udp_socket_t,
) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.multicast_hops_v6()? as c_int))
}

/// Sets `IP_MULTICAST_LOOP`: whether this host receives the IPv4 multicast packets that the socket sends; it
/// does by default.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_multicast_loop_v4(
    socket: mio_st_connected_udp_socket_t,
    on: c_int,
) -> c_int {
    call(socket, |table| {
        table.get(socket)?.set_multicast_loop_v4(on != 0)?;
        Ok(0)
    })
}

/// Gets `IP_MULTICAST_LOOP`.
///
/// Returns 1 or 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_connected_udp_socket_multicast_loop_v4(
    socket: mio_st_connected_udp_socket_t,
) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.multicast_loop_v4()?.into()))
}

/// Sets `IPV6_MULTICAST_LOOP`: whether this host receives the IPv6 multicast packets that the socket sends;
/// it does by default.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_multicast_loop_v6(
    socket: mio_st_connected_udp_socket_t,
    on: c_int,
) -> c_int {
    call(socket, |table| {
        table.get(socket)?.set_multicast_loop_v6(on != 0)?;
        Ok(0)
    })
}

/// Gets `IPV6_MULTICAST_LOOP`.
///
/// Returns 1 or 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_connected_udp_socket_multicast_loop_v6(
    socket: mio_st_connected_udp_socket_t,
) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.multicast_loop_v6()?.into()))
}

/// Sets `IP_MULTICAST_IF`: the interface, named by its address in network byte order, that IPv4 multicast
/// packets leave by; `0.0.0.0`, the default, leaves it to the system.
///
/// Returns 0; `-EADDRNOTAVAIL` if no interface has this address; `-EINVAL` if `interface` is NULL; the errors
/// of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_set_multicast_if_v4(
    socket: mio_st_connected_udp_socket_t,
    interface: *const in_addr,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that it is an address, or NULL.
        let interface = unsafe { addr::v4(interface) }?;
        socket.set_multicast_if_v4(&interface)?;
        Ok(0)
    })
}

/// Gets `IP_MULTICAST_IF`: `interface` receives it.
///
/// Returns 0; `-EINVAL` if `interface` is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_multicast_if_v4(
    socket: mio_st_connected_udp_socket_t,
    interface: *mut in_addr,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `interface` can be written.
        let out = unsafe { Out::new(interface) }?;
        let address = socket.multicast_if_v4()?;
        out.put(in_addr { s_addr: u32::from_ne_bytes(address.octets()) });
        Ok(0)
    })
}

/// Sets `IPV6_MULTICAST_IF`, the index of the interface that IPv6 multicast packets leave by; 0, the default,
/// leaves it to the system.
///
/// Returns 0; `-EINVAL` if `interface` is beyond 2^31 - 1; `-ENODEV` if there is no such interface; the
/// errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_multicast_if_v6(
    socket: mio_st_connected_udp_socket_t,
    interface: u32,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        if interface > c_int::MAX as u32 {
            return Err(INVALID);
        }
        socket.set_multicast_if_v6(interface)?;
        Ok(0)
    })
}

/// Gets `IPV6_MULTICAST_IF`.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_connected_udp_socket_multicast_if_v6(
    socket: mio_st_connected_udp_socket_t,
) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.multicast_if_v6()? as c_int))
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
pub unsafe extern "C" fn mio_st_connected_udp_socket_take_error(
    socket: mio_st_connected_udp_socket_t,
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

/// The address of this side, written to `address`.
///
/// Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_local_addr(
    socket: mio_st_connected_udp_socket_t,
    address: *mut sockaddr_storage,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `address` can be written.
        let out = unsafe { Out::new(address) }?;
        Ok(addr::put(raw::sockaddr(socket.local_addr()?), out))
    })
}

/// The address of the peer, written to `address`.
///
/// Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_peer_addr(
    socket: mio_st_connected_udp_socket_t,
    address: *mut sockaddr_storage,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `address` can be written.
        let out = unsafe { Out::new(address) }?;
        Ok(addr::put(raw::sockaddr(socket.peer_addr()?), out))
    })
}

/// The descriptor of the socket, which stays the socket's: for `setsockopt(2)` and the like.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_connected_udp_socket_fd(socket: mio_st_connected_udp_socket_t) -> c_int {
    call(socket, |table| table.fd(socket))
}

/// Takes the descriptor out of the socket, whose handle is closed by that. The caller closes the descriptor,
/// or hands it to another thread for mio_st_connected_udp_socket_from_fd().
///
/// Returns the descriptor; `-EBUSY` if the socket is registered with a poller: deregister it first; the
/// errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_connected_udp_socket_into_fd(
    socket: mio_st_connected_udp_socket_t,
) -> c_int {
    call(socket, |table| table.release_fd(socket))
}
