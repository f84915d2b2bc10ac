//! Sockets: `socket(2)`, `bind(2)`, `connect(2)`, `accept(2)`, `send(2)`, `recv(2)`, `getsockopt(2)`.
//!
//! Every socket made here is non-blocking and close-on-exec from the start, except on Darwin, which has
//! no system call for that: there it is set at once after.

use std::io::{self, IoSlice};
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, RawFd};

use libc::{
    c_int, c_void, iovec, sockaddr, sockaddr_in, sockaddr_in6, sockaddr_storage, socklen_t,
};

use crate::sys::fd::clamp;
use crate::sys::{Fd, ignore, sanitizers};

/// Writing to a connection that is gone is an error, and never the signal SIGPIPE.
#[cfg(not(target_vendor = "apple"))]
pub(super) const NO_SIGNAL: c_int = libc::MSG_NOSIGNAL;
/// Darwin has an option of the socket instead, see [`prepare`].
#[cfg(target_vendor = "apple")]
pub(super) const NO_SIGNAL: c_int = 0;

/// A socket address of any family, as the system has it.
//
// The order of the fields counts where a batch points to many of them.
#[derive(Copy, Clone)]
#[repr(C)]
pub(crate) struct Addr {
    storage: sockaddr_storage,
    pub(super) len: socklen_t,
}

impl Addr {
    /// An address for the system to write to.
    #[inline]
    pub(crate) fn unset() -> Addr {
        // SAFETY: all-zero is a valid sockaddr_storage: it is made of integers.
        Addr { storage: unsafe { mem::zeroed() }, len: size_of::<sockaddr_storage>() as socklen_t }
    }

    pub(super) fn of<T>(address: T) -> Addr {
        const { assert!(size_of::<T>() <= size_of::<sockaddr_storage>()) };
        let mut addr = Addr::unset();
        addr.len = size_of::<T>() as socklen_t;
        // SAFETY: the address fits, as asserted, and sockaddr_storage is aligned for any of them.
        unsafe { (&raw mut addr.storage).cast::<T>().write(address) };
        addr
    }

    pub(super) fn as_ptr(&self) -> *const sockaddr {
        (&raw const self.storage).cast()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut sockaddr {
        (&raw mut self.storage).cast()
    }

    /// The address with these bytes; `None` if they are too many, or too few to name a family.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Addr> {
        let mut addr = Addr::unset();
        let family = mem::offset_of!(sockaddr, sa_family) + size_of::<libc::sa_family_t>();
        if !(family..=size_of::<sockaddr_storage>()).contains(&bytes.len()) {
            return None;
        }
        addr.len = bytes.len() as socklen_t;
        // SAFETY: the bytes fit, as was checked, and a sockaddr_storage is made of integers.
        unsafe { addr.as_mut_ptr().cast::<u8>().copy_from(bytes.as_ptr(), bytes.len()) };
        Some(addr)
    }

    /// The bytes that the system has written.
    pub(crate) fn bytes(&self) -> &[u8] {
        let len = (self.len as usize).min(size_of::<sockaddr_storage>());
        // SAFETY: there are so many bytes, all of which have been written, by `unset` or the system.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), len) }
    }

    /// The address as the system has it, and its length.
    pub(crate) fn into_parts(self) -> (sockaddr_storage, socklen_t) {
        (self.storage, self.len)
    }

    pub(crate) fn len(&self) -> socklen_t {
        self.len
    }

    /// The address family, `AF_INET` and the like.
    pub(crate) fn family(&self) -> c_int {
        self.storage.ss_family.into()
    }
}

impl From<SocketAddr> for Addr {
    fn from(address: SocketAddr) -> Addr {
        match address {
            SocketAddr::V4(v4) => Addr::of(sockaddr_v4(v4)),
            SocketAddr::V6(v6) => Addr::of(sockaddr_v6(v6)),
        }
    }
}

fn sockaddr_v4(v4: SocketAddrV4) -> sockaddr_in {
    sockaddr_in {
        #[cfg(bsd)]
        sin_len: size_of::<sockaddr_in>() as u8,
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: v4.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
        sin_zero: [0; 8],
    }
}

fn sockaddr_v6(v6: SocketAddrV6) -> sockaddr_in6 {
    sockaddr_in6 {
        #[cfg(bsd)]
        sin6_len: size_of::<sockaddr_in6>() as u8,
        sin6_family: libc::AF_INET6 as libc::sa_family_t,
        sin6_port: v6.port().to_be(),
        sin6_flowinfo: v6.flowinfo(),
        sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
        sin6_scope_id: v6.scope_id(),
    }
}

impl TryFrom<&Addr> for SocketAddr {
    type Error = io::Error;

    #[inline]
    fn try_from(addr: &Addr) -> io::Result<SocketAddr> {
        // SAFETY: it is a sockaddr_storage, in which all bytes have been written.
        unsafe { internet_addr(addr.as_ptr(), addr.len) }
            .ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))
    }
}

/// The internet address that a `sockaddr` is, if it is one.
///
/// # Safety
///
/// `len` bytes have been written, of no more than there are; and as many as a family takes.
#[inline]
unsafe fn internet_addr(address: *const sockaddr, len: socklen_t) -> Option<SocketAddr> {
    // SAFETY: the caller's promise.
    match unsafe { (*address).sa_family }.into() {
        libc::AF_INET if len as usize >= size_of::<sockaddr_in>() => {
            // SAFETY: the family and the length say that this is what it is.
            let v4 = unsafe { &*address.cast::<sockaddr_in>() };
            let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 if len as usize >= size_of::<sockaddr_in6>() => {
            // SAFETY: the family and the length say that this is what it is.
            let v6 = unsafe { &*address.cast::<sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            let port = u16::from_be(v6.sin6_port);
            Some(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// An internet address as the system has it, in no more memory than it takes: there are many of them in a batch.
#[derive(Copy, Clone)]
#[repr(C)]
pub(super) struct InternetAddr {
    storage: sockaddr_in6,
}

impl InternetAddr {
    pub(super) const ROOM: socklen_t = size_of::<sockaddr_in6>() as socklen_t;

    /// An address for the system to write to.
    pub(super) fn unset() -> InternetAddr {
        // SAFETY: all-zero is a valid sockaddr_in6: it is made of integers.
        InternetAddr { storage: unsafe { mem::zeroed() } }
    }

    /// The address, and its length.
    pub(super) fn of(address: SocketAddr) -> (InternetAddr, socklen_t) {
        let mut addr = InternetAddr::unset();
        match address {
            SocketAddr::V4(v4) => {
                // SAFETY: it is smaller, and needs no more alignment.
                unsafe { (&raw mut addr.storage).cast::<sockaddr_in>().write(sockaddr_v4(v4)) };
                (addr, size_of::<sockaddr_in>() as socklen_t)
            }
            SocketAddr::V6(v6) => {
                addr.storage = sockaddr_v6(v6);
                (addr, InternetAddr::ROOM)
            }
        }
    }

    /// The internet address that these bytes begin with, if they do.
    #[cfg(not(bsd))]
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<SocketAddr> {
        let mut addr = InternetAddr::unset();
        let len = bytes.len().min(size_of::<sockaddr_in6>());
        // SAFETY: there is room for so many bytes, and a sockaddr_in6 is made of integers.
        unsafe { (&raw mut addr.storage).cast::<u8>().copy_from(bytes.as_ptr(), len) };
        addr.get(len as socklen_t)
    }

    /// What the system has written, if that is an internet address.
    pub(super) fn get(&self, len: socklen_t) -> Option<SocketAddr> {
        // SAFETY: all bytes have been written, and `len` is not used to read more.
        unsafe { internet_addr((&raw const self.storage).cast(), len) }
    }
}

/// Makes a socket of a family (`AF_INET`) and a kind (`SOCK_STREAM`).
pub(crate) fn new(family: c_int, kind: c_int) -> io::Result<Fd> {
    #[cfg(not(target_vendor = "apple"))]
    let kind = kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: no pointer is passed, and the new descriptor is ours.
    let fd = unsafe { syscall!(socket(family, kind, 0)).map(|raw| Fd::new(raw))? };
    prepare(&fd)?;
    Ok(fd)
}

/// What the system could not do when it made the socket.
#[cfg(not(target_vendor = "apple"))]
#[inline]
pub(super) fn prepare(_: &Fd) -> io::Result<()> {
    Ok(())
}

#[cfg(target_vendor = "apple")]
pub(super) fn prepare(fd: &Fd) -> io::Result<()> {
    set_nonblocking_cloexec(fd.raw())?;
    set_option(fd, libc::SOL_SOCKET, libc::SO_NOSIGPIPE, &1 as &c_int)
}

/// Makes any descriptor non-blocking and close-on-exec, or leaves it as it was.
pub(crate) fn set_nonblocking_cloexec(fd: RawFd) -> io::Result<()> {
    // SAFETY: no pointer is passed, and a descriptor may be any number.
    unsafe {
        let flags = syscall!(fcntl(fd, libc::F_GETFL))?;
        let of_descriptor = syscall!(fcntl(fd, libc::F_GETFD))?;
        if of_descriptor & libc::FD_CLOEXEC == 0 {
            syscall!(fcntl(fd, libc::F_SETFD, of_descriptor | libc::FD_CLOEXEC))?;
        }
        if flags & libc::O_NONBLOCK == 0 {
            let result = syscall!(fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK));
            if let Err(error) = result {
                libc::fcntl(fd, libc::F_SETFD, of_descriptor);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// What a descriptor is ready for now, of `events` (`POLLIN` and the like), and `POLLHUP` and `POLLERR`.
fn ready(fd: RawFd, events: libc::c_short) -> io::Result<libc::c_short> {
    let mut polled = libc::pollfd { fd, events, revents: 0 };
    sanitizers::written(&polled, 1);
    // SAFETY: the pointer and the number are those of one `pollfd`.
    unsafe { syscall!(poll(&mut polled, 1, 0)) }?;
    Ok(polled.revents)
}

/// Whether a descriptor is readable, as far as is known.
#[cold]
fn is_readable(fd: RawFd) -> bool {
    match ready(fd, libc::POLLIN) {
        Ok(ready) => ready != 0,
        Err(error) => {
            ignore(error);
            true
        }
    }
}

pub(crate) fn bind(fd: &Fd, address: &Addr) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of an address.
    unsafe { syscall!(bind(fd.raw(), address.as_ptr(), address.len)) }.map(drop)
}

pub(crate) fn listen(fd: &Fd, backlog: c_int) -> io::Result<()> {
    // SAFETY: no pointer is passed.
    unsafe { syscall!(listen(fd.raw(), backlog)) }.map(drop)
}

/// Connects.
pub(crate) fn connect(fd: &Fd, address: &Addr) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of an address.
    unsafe { syscall!(connect(fd.raw(), address.as_ptr(), address.len)) }.map(drop)
}

/// Connects a TCP socket, or begins to.
pub(crate) fn begin_to_connect(fd: &Fd, address: &Addr) -> io::Result<()> {
    match connect(fd, address) {
        Ok(()) => Ok(()),
        Err(error) => match error.raw_os_error() {
            // EINTR: it goes on in the background all the same, see connect(2).
            Some(libc::EINPROGRESS | libc::EINTR) => {
                ignore(error);
                Ok(())
            }
            _ => Err(error),
        },
    }
}

/// How many connections in a row that were gone before they could be accepted are skipped.
const MOST_ABORTED: usize = 1024;

/// Takes a connection from the queue of a listener, and writes the address of the peer to `peer`, which
/// is unset.
#[inline]
pub(crate) fn accept(fd: RawFd, peer: &mut Addr) -> io::Result<Fd> {
    // SAFETY: the pointer and the length are those of an address.
    unsafe { accept_to(fd, peer.as_mut_ptr(), &mut peer.len) }
}

/// As [`accept`].
///
/// # Safety
///
/// `peer` and `length` can be written, and the length is that of the memory; or both are null.
#[inline]
pub(crate) unsafe fn accept_to(
    fd: RawFd,
    peer: *mut sockaddr,
    length: *mut socklen_t,
) -> io::Result<Fd> {
    // SAFETY: the caller's promise.
    let room = unsafe { length.as_ref() }.copied();
    if room.is_some() {
        sanitizers::written(length, 1);
    }
    // SAFETY: the caller's promise, and the new descriptor is ours.
    match unsafe { accept_once(fd, peer, length).map(|raw| Fd::new(raw)) } {
        Ok(connection) if cfg!(not(target_vendor = "apple")) => Ok(connection),
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Err(error),
        // SAFETY: the caller's promise.
        result => unsafe { accept_again(fd, peer, length, room, result) },
    }
}

/// Accepts, where the first result needs another look.
///
/// # Safety
///
/// As [`accept_to`]; `room` is what `length` was.
#[cfg_attr(not(target_vendor = "apple"), cold)]
#[inline(never)]
unsafe fn accept_again(
    fd: RawFd,
    peer: *mut sockaddr,
    length: *mut socklen_t,
    room: Option<socklen_t>,
    mut result: io::Result<Fd>,
) -> io::Result<Fd> {
    let mut skipped = 0;
    loop {
        match result {
            Ok(connection) => match prepare(&connection) {
                Ok(()) => return Ok(connection),
                // What Darwin says of a connection that was reset before it was accepted.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
                Err(error) => return Err(error),
            },
            Err(error) => match error.raw_os_error() {
                // The peer was gone before its connection could be accepted: nobody wants to know.
                Some(libc::ECONNABORTED | libc::EINTR) if skipped < MOST_ABORTED => {
                    ignore(error);
                    skipped += 1;
                }
                // Linux looks for a descriptor first, and says so also when nobody waits: a loop that accepts
                // until there is nobody would not end.
                Some(libc::EMFILE | libc::ENFILE) => {
                    if !is_readable(fd) {
                        ignore(error);
                        return Err(io::Error::from_raw_os_error(libc::EAGAIN));
                    }
                    return Err(error);
                }
                _ => return Err(error),
            },
        }
        // BSD says with such an error that the address is empty, and it is the room for the next one.
        if let Some(room) = room {
            // SAFETY: it is not null, and the caller's promise.
            unsafe { length.write(room) };
        }
        // SAFETY: the caller's promise, and the new descriptor is ours.
        result = unsafe { accept_once(fd, peer, length).map(|raw| Fd::new(raw)) };
    }
}

/// Whether an internet connection was reset before it was accepted, by the length of its peer's address.
/// Darwin hands such a one out, and has no address for it (`accept_nocancel` in bsd/kern/uipc_syscalls.c).
#[inline]
pub(crate) fn is_aborted(length: socklen_t) -> bool {
    cfg!(bsd) && length == 0
}

/// # Safety
///
/// As [`accept_to`].
#[cfg(not(target_vendor = "apple"))]
#[inline]
unsafe fn accept_once(fd: RawFd, peer: *mut sockaddr, length: *mut socklen_t) -> io::Result<RawFd> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: the caller's promise.
    unsafe { syscall!(accept4(fd, peer, length, flags)) }
}

/// # Safety
///
/// As [`accept_to`].
#[cfg(target_vendor = "apple")]
unsafe fn accept_once(fd: RawFd, peer: *mut sockaddr, length: *mut socklen_t) -> io::Result<RawFd> {
    // SAFETY: the caller's promise.
    unsafe { syscall!(accept(fd, peer, length)) }
}

pub(crate) fn local_addr(fd: &impl AsRawFd) -> io::Result<Addr> {
    let mut address = Addr::unset();
    sanitizers::written(&address.len, 1);
    // SAFETY: the pointer and the length are those of an address.
    unsafe { syscall!(getsockname(fd.as_raw_fd(), address.as_mut_ptr(), &mut address.len)) }?;
    Ok(address)
}

pub(crate) fn peer_addr(fd: &impl AsRawFd) -> io::Result<Addr> {
    let mut address = Addr::unset();
    sanitizers::written(&address.len, 1);
    // SAFETY: the pointer and the length are those of an address.
    unsafe { syscall!(getpeername(fd.as_raw_fd(), address.as_mut_ptr(), &mut address.len)) }?;
    Ok(address)
}

pub(crate) fn shutdown(fd: &Fd, how: Shutdown) -> io::Result<()> {
    let how = match how {
        Shutdown::Read => libc::SHUT_RD,
        Shutdown::Write => libc::SHUT_WR,
        Shutdown::Both => libc::SHUT_RDWR,
    };
    // SAFETY: no pointer is passed.
    unsafe { syscall!(shutdown(fd.raw(), how)) }.map(drop)
}

#[inline]
pub(crate) fn send(fd: &Fd, buffer: &[u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length are those of a slice.
    unsafe { syscall!(send(fd.raw(), buffer.as_ptr().cast(), buffer.len(), NO_SIGNAL)) }
        .map(|n| n as usize)
}

/// As `writev(2)`, which has no flag to hold SIGPIPE back.
pub(crate) fn send_vectored(fd: &Fd, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
    let buffers: *const [IoSlice<'_>] = buffers;
    // SAFETY: an `IoSlice` has the layout of an iovec, and borrows memory that can be read.
    unsafe { send_iovecs(fd.raw(), &*(buffers as *const [iovec])) }
}

/// As [`send_vectored`].
///
/// # Safety
///
/// Each buffer can be read.
pub(crate) unsafe fn send_iovecs(fd: RawFd, buffers: &[iovec]) -> io::Result<usize> {
    let buffers = clamp(buffers);
    // SAFETY: all-zero is a valid msghdr: it is made of integers and pointers.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    // sendmsg does not write to the array.
    message.msg_iov = buffers.as_ptr().cast_mut();
    message.msg_iovlen = buffers.len() as _;
    sanitizers::written(&message, 1);
    // SAFETY: the caller's promise; the message lives through the call.
    unsafe { syscall!(sendmsg(fd, &message, NO_SIGNAL)) }.map(|n| n as usize)
}

/// As `readv(2)`.
///
/// # Safety
///
/// Each buffer can be written.
pub(crate) unsafe fn recv_iovecs(fd: RawFd, buffers: &[iovec]) -> io::Result<usize> {
    let buffers = clamp(buffers);
    // SAFETY: the caller's promise.
    unsafe { syscall!(readv(fd, buffers.as_ptr(), buffers.len() as c_int)) }.map(|n| n as usize)
}

pub(crate) fn send_to(fd: &Fd, buffer: &[u8], address: &Addr) -> io::Result<usize> {
    let (pointer, len) = (buffer.as_ptr().cast(), buffer.len());
    // SAFETY: the pointers and the lengths are those of a slice and of an address.
    unsafe { syscall!(sendto(fd.raw(), pointer, len, NO_SIGNAL, address.as_ptr(), address.len)) }
        .map(|n| n as usize)
}

/// Receives with flags such as `MSG_PEEK`.
#[inline]
pub(crate) fn recv(fd: &Fd, buffer: &mut [u8], flags: c_int) -> io::Result<usize> {
    // SAFETY: the pointer and the length are those of a slice that is ours to write.
    unsafe { syscall!(recv(fd.raw(), buffer.as_mut_ptr().cast(), buffer.len(), flags)) }
        .map(|n| n as usize)
}

/// As [`recv`], and who sent it.
pub(crate) fn recv_from(fd: &Fd, buffer: &mut [u8], flags: c_int) -> io::Result<(usize, Addr)> {
    let mut sender = Addr::unset();
    let (pointer, len) = (buffer.as_mut_ptr().cast(), buffer.len());
    let (name, name_len) = (sender.as_mut_ptr(), &raw mut sender.len);
    // SAFETY: the pointers and the lengths are those of a slice that is ours to write and of an address.
    let n = unsafe { syscall!(recvfrom(fd.raw(), pointer, len, flags, name, name_len)) }?;
    Ok((n as usize, sender))
}

/// As [`recv_from`], into several buffers, and with the flags of the message, such as `MSG_TRUNC`.
#[cfg(bsd)]
#[cfg_attr(bsd, allow(dead_code))] // For what Linux alone has.
pub(crate) fn recv_message(
    fd: &Fd,
    buffers: &mut [std::io::IoSliceMut<'_>],
) -> io::Result<(usize, Addr, c_int)> {
    let mut sender = Addr::unset();
    // SAFETY: all-zero is a valid msghdr: it is made of integers and pointers.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_name = sender.as_mut_ptr().cast();
    message.msg_namelen = sender.len;
    message.msg_iov = buffers.as_mut_ptr().cast();
    message.msg_iovlen = buffers.len() as _;
    // SAFETY: the message points to an address and to slices, which are ours to write; an `IoSliceMut`
    // has the layout of an iovec.
    let n = unsafe { syscall!(recvmsg(fd.raw(), &mut message, 0)) }?;
    sender.len = message.msg_namelen;
    Ok((n as usize, sender, message.msg_flags))
}

/// Ends the association of a datagram socket with its peer.
pub(crate) fn disconnect(fd: &Fd) -> io::Result<()> {
    // All-zero is AF_UNSPEC, which means nobody.
    match connect(fd, &Addr::unset()) {
        // BSD and Darwin disconnect, and then say that they do not know the family.
        #[cfg(bsd)]
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EINVAL)) => {
            Ok(())
        }
        result => result,
    }
}

/// The value of a socket option: C's integers, and structs made of them.
///
/// # Safety
///
/// There is no padding, and any bits are a value.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: they are integers, or consist of integers of one size.
unsafe impl Plain for c_int {}
// SAFETY: as above.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for libc::linger {}
// SAFETY: as above.
unsafe impl Plain for libc::in_addr {}
// SAFETY: as above.
unsafe impl Plain for libc::ip_mreq {}
// SAFETY: 16 bytes and an integer, which is aligned behind them.
unsafe impl Plain for libc::ipv6_mreq {}

/// Sets a socket option, see `socket(7)`, `ip(7)`, `ipv6(7)`, `tcp(7)`.
pub(crate) fn set_option<T: Plain>(
    fd: &Fd,
    level: c_int,
    name: c_int,
    value: &T,
) -> io::Result<()> {
    let len = size_of::<T>() as socklen_t;
    let value = (&raw const *value).cast::<c_void>();
    // SAFETY: the pointer and the length are those of the value.
    unsafe { syscall!(setsockopt(fd.raw(), level, name, value, len)) }.map(drop)
}

/// Gets a socket option.
pub(crate) fn option<T: Plain>(fd: &Fd, level: c_int, name: c_int) -> io::Result<T> {
    // SAFETY: any bits are a value, all-zero ones too.
    let mut value: T = unsafe { mem::zeroed() };
    let mut len = size_of::<T>() as socklen_t;
    let pointer = (&raw mut value).cast::<c_void>();
    sanitizers::written(&len, 1);
    // SAFETY: the pointer and the length are those of the value, and what is written is one.
    unsafe { syscall!(getsockopt(fd.raw(), level, name, pointer, &mut len)) }?;
    Ok(value)
}

/// Gets a socket option, which is an integer.
pub(crate) fn int_option(fd: &Fd, level: c_int, name: c_int) -> io::Result<c_int> {
    option(fd, level, name)
}

/// Sets a socket option, which is an integer.
pub(crate) fn set_int_option(fd: &Fd, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    set_option(fd, level, name, &value)
}

/// The error that waits at the socket, which is taken from it.
pub(crate) fn take_error(fd: &Fd) -> io::Result<Option<io::Error>> {
    match int_option(fd, libc::SOL_SOCKET, libc::SO_ERROR)? {
        0 => Ok(None),
        errno => Ok(Some(io::Error::from_raw_os_error(errno))),
    }
}

/// Whether the connection stands; the error, if connecting failed, or if it is over.
pub(crate) fn connected(fd: &Fd) -> io::Result<bool> {
    if let Some(error) = take_error(fd)? {
        return Err(error);
    }
    match peer_addr(fd) {
        Ok(_) => Ok(true),
        Err(error) => match error.raw_os_error() {
            // EINVAL: some BSDs say so of a socket that was shut down.
            Some(libc::ENOTCONN | libc::EINVAL) => {
                ignore(error);
                connecting(fd)
            }
            _ => Err(error),
        },
    }
}

/// What becomes of a connection that has no peer and no error.
#[cold]
fn connecting(fd: &Fd) -> io::Result<bool> {
    let ready = ready(fd.raw(), libc::POLLOUT)?;
    if ready & libc::POLLHUP == 0 {
        // Writable, with TCP_FASTOPEN_CONNECT: the first write begins to connect.
        return Ok(ready & libc::POLLOUT != 0);
    }
    // Nobody is there, and nobody will be. The error may have come in between, or was taken before.
    match take_error(fd)? {
        Some(error) => Err(error),
        None => Err(io::Error::from_raw_os_error(libc::ENOTCONN)),
    }
}

/// Sets the number of hops that a packet may make, whatever the family is.
pub(crate) fn set_ttl(fd: &Fd, ttl: u32) -> io::Result<()> {
    if !(1..=255).contains(&ttl) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let ttl = ttl as c_int;
    if is_v6(fd)? {
        set_int_option(fd, libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS, ttl)?;
        if cfg!(bsd) {
            // There an IPv6 socket has no such option, whatever it has to do with IPv4.
            return Ok(());
        }
    }
    set_int_option(fd, libc::IPPROTO_IP, libc::IP_TTL, ttl)
}

/// Gets what [`set_ttl`] has set.
pub(crate) fn ttl(fd: &Fd) -> io::Result<u32> {
    let (level, name) = if is_v6(fd)? {
        (libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS)
    } else {
        (libc::IPPROTO_IP, libc::IP_TTL)
    };
    Ok(int_option(fd, level, name)? as u32)
}

fn is_v6(fd: &Fd) -> io::Result<bool> {
    Ok(local_addr(fd)?.family() == libc::AF_INET6)
}

/// What kind of socket a descriptor is.
pub(crate) struct Description {
    /// `AF_INET` and the like.
    pub(crate) family: c_int,
    /// `SOCK_STREAM` and the like.
    pub(crate) kind: c_int,
    pub(crate) listening: bool,
}

/// Looks what kind of socket a descriptor is, that need not be open, nor be a socket.
pub(crate) fn describe(fd: RawFd) -> io::Result<Description> {
    with_fd(fd, |fd| {
        Ok(Description {
            kind: int_option(fd, libc::SOL_SOCKET, libc::SO_TYPE)?,
            listening: int_option(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN)? != 0,
            family: local_addr(fd)?.family(),
        })
    })
}

/// Makes calls with a descriptor that another owns, and that need not be open: then they fail.
pub(crate) fn with_fd<T>(fd: RawFd, calls: impl FnOnce(&Fd) -> T) -> T {
    // SAFETY: it is not closed here; what the calls do to a descriptor that is not open, or not a socket,
    // is fail.
    let fd = unsafe { mem::ManuallyDrop::new(Fd::new(fd)) };
    calls(&fd)
}

/// Sets `SO_SNDBUF` or `SO_RCVBUF`.
pub(crate) fn set_buffer_size(fd: &Fd, name: c_int, size: usize) -> io::Result<()> {
    let size = c_int::try_from(size).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    set_int_option(fd, libc::SOL_SOCKET, name, size)
}

/// Gets `SO_SNDBUF` or `SO_RCVBUF`.
pub(crate) fn buffer_size(fd: &Fd, name: c_int) -> io::Result<usize> {
    int_option(fd, libc::SOL_SOCKET, name).map(|size| size as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internet_address_stays_what_it_is() {
        let ip = "fe80::1:2:3:4".parse().unwrap();
        for address in [
            "127.0.0.1:80".parse().unwrap(),
            "203.0.113.255:65535".parse().unwrap(),
            "[::1]:1".parse().unwrap(),
            SocketAddr::from(SocketAddrV6::new(ip, 4_660, 0x1_2345, 7)),
        ] {
            assert_eq!(SocketAddr::try_from(&Addr::from(address)).unwrap(), address);
        }
    }

    #[test]
    fn what_is_no_internet_address_is_an_error() {
        let mut short = Addr::from(SocketAddr::from(([127, 0, 0, 1], 80)));
        short.len -= 1;
        for addr in [Addr::unset(), short] {
            let error = SocketAddr::try_from(&addr).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
