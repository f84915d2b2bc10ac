//! What the C layer (`mio-st-capi`) needs beyond the public API: ids of 64 bits on every target,
//! nanoseconds, bits, any descriptor. Hidden, and not covered by the version number.

#![allow(missing_docs)]

use std::ffi::CStr;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::ptr;
use std::time::Duration;

use libc::{iovec, sockaddr_storage, socklen_t};

use crate::event::{Event, Ready};
use crate::net::{ConnectedUdpSocket, QueuedError, TcpStream, UdpSocket};
use crate::poll::{
    Awakener, Checks, Clock, DeadlineKey, Interests, PollOption, Poller, Problem, Registrar,
};
use crate::sys::mmsg::Receiving;
use crate::sys::signal::Set;
use crate::sys::socket::{self, Addr};
use crate::sys::{self, Buffer, Fd, KernelEvent, unix_socket};
use crate::unix::{
    self, Sender, Signal, Signals, UnixDatagram, UnixListener, UnixListenerBuilder, UnixMessage,
    UnixStream,
};

pub use crate::sys::sanitizers::{acquire, release, written};
pub use crate::sys::{errno_address, keeping_errno};

/// Whether a descriptor that is closed is registered no more, whatever copies there are.
pub const CLOSING_DEREGISTERS: bool = sys::CLOSING_DEREGISTERS;

/// How many events one poll returns at most.
pub const MAX_EVENTS: usize = sys::MAX_EVENTS;

/// The readiness with these bits, which are `MIO_ST_…` in C; `None` if one is unknown or none is set.
#[inline]
pub fn ready(bits: u32) -> Option<Ready> {
    let known = const { Ready::all().bits() };
    (bits != 0 && bits & !known == 0).then(|| Ready::from_bits(bits))
}

/// The interests with these bits; `None` if one is unknown.
#[inline]
pub fn interests(bits: u32) -> Option<Interests> {
    Interests::from_bits(bits)
}

/// The bits of a readiness.
pub const fn bits(ready: Ready) -> u32 {
    ready.bits()
}

/// Makes a descriptor non-blocking and close-on-exec.
pub fn set_nonblocking_cloexec(fd: RawFd) -> io::Result<()> {
    sys::socket::set_nonblocking_cloexec(fd)
}

/// An internet address from the bytes of a `sockaddr`; otherwise the errno.
pub fn socket_addr(bytes: &[u8]) -> Result<SocketAddr, i32> {
    let addr = Addr::from_bytes(bytes).ok_or(libc::EINVAL)?;
    let least = match addr.family() {
        libc::AF_INET => size_of::<libc::sockaddr_in>(),
        libc::AF_INET6 => size_of::<libc::sockaddr_in6>(),
        _ => return Err(libc::EAFNOSUPPORT),
    };
    // Looked at here, since the error of `try_from` takes memory.
    if bytes.len() < least {
        return Err(libc::EINVAL);
    }
    SocketAddr::try_from(&addr).map_err(|_| libc::EINVAL)
}

/// The `sockaddr` of an internet address, and its length.
pub fn sockaddr(address: SocketAddr) -> (sockaddr_storage, socklen_t) {
    Addr::from(address).into_parts()
}

/// What kind of socket a descriptor must be.
#[derive(Copy, Clone, Debug)]
pub struct SocketKind {
    /// Of the family `AF_UNIX`; otherwise of `AF_INET` or `AF_INET6`.
    pub unix: bool,
    /// Of the type `SOCK_DGRAM`; otherwise of `SOCK_STREAM`.
    pub datagram: bool,
    pub listening: bool,
}

/// Whether a descriptor is a socket of a kind. The error of a descriptor that is not open or not a socket
/// is the system's.
pub fn is_socket(fd: RawFd, kind: SocketKind) -> io::Result<bool> {
    let socket = socket::describe(fd)?;
    let of_family = match socket.family {
        libc::AF_UNIX => kind.unix,
        libc::AF_INET | libc::AF_INET6 => !kind.unix,
        _ => false,
    };
    let wanted = if kind.datagram { libc::SOCK_DGRAM } else { libc::SOCK_STREAM };
    Ok(of_family && socket.kind == wanted && socket.listening == kind.listening)
}

/// Whether a descriptor is an end of a pipe or FIFO that can be written, or read.
pub fn is_pipe_end(fd: RawFd, writable: bool) -> io::Result<bool> {
    sys::pipe::is_end(fd, writable)
}

/// As `Signals::add`, whose errors take memory: this one is an errno.
pub fn add_signal(signals: &mut Signals, number: i32) -> io::Result<bool> {
    if !unix::is_receivable(Signal::from_raw(number)) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    signals.add_checked(number)
}

/// As `Signals::new`, whose errors take memory: these are all an errno.
pub fn signals(numbers: &[i32]) -> io::Result<Signals> {
    let invalid = || io::Error::from_raw_os_error(libc::EINVAL);
    let mut set = Set::empty();
    for &number in numbers {
        if !unix::is_receivable(Signal::from_raw(number)) || !set.add(number) {
            return Err(invalid());
        }
    }
    if set.is_empty() { Err(invalid()) } else { Signals::of(set) }
}

/// As `TcpListener::accept`, with the address as the system has it, and only if it is wanted.
///
/// # Safety
///
/// `peer` can be written, or is null.
#[allow(unsafe_code)] // The work is done in `sys`.
#[inline]
pub unsafe fn accept(listener: RawFd, peer: *mut sockaddr_storage) -> io::Result<TcpStream> {
    loop {
        let mut room = size_of::<sockaddr_storage>() as socklen_t;
        let length: *mut socklen_t = if peer.is_null() { ptr::null_mut() } else { &mut room };
        // SAFETY: the caller's promise; the length is that of the memory.
        let connection = unsafe { socket::accept_to(listener, peer.cast(), length) }?;
        if !socket::is_aborted(room) {
            // SAFETY: it is open, and given up here. It is as it must be: no call is needed for that.
            return Ok(unsafe { TcpStream::from_raw_fd(connection.into_raw()) });
        }
    }
}

/// Reads into buffers of C's.
///
/// # Safety
///
/// Each can be written.
#[allow(unsafe_code)] // The work is done in `sys`.
pub unsafe fn read_vectored(source: &impl AsRawFd, buffers: &[iovec]) -> io::Result<usize> {
    // SAFETY: the caller's promise.
    unsafe { socket::recv_iovecs(source.as_raw_fd(), buffers) }
}

/// Writes buffers of C's to a socket.
///
/// # Safety
///
/// Each can be read.
#[allow(unsafe_code)] // The work is done in `sys`.
pub unsafe fn write_vectored(stream: &impl AsRawFd, buffers: &[iovec]) -> io::Result<usize> {
    // SAFETY: the caller's promise.
    unsafe { socket::send_iovecs(stream.as_raw_fd(), buffers) }
}

/// Writes buffers of C's to a pipe.
///
/// # Safety
///
/// Each can be read.
#[allow(unsafe_code)] // The work is done in `sys`.
pub unsafe fn write_vectored_to_pipe(sender: &Sender, buffers: &[iovec]) -> io::Result<usize> {
    // SAFETY: the caller's promise.
    unsafe { sys::write_iovecs(sender.as_raw_fd(), buffers) }
}

/// The address of a Unix socket, as the system has it.
#[derive(Copy, Clone)]
pub struct UnixAddr(Addr);

impl fmt::Debug for UnixAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnixAddr").finish_non_exhaustive()
    }
}

impl UnixAddr {
    /// The address of a path; otherwise the errno.
    pub fn from_path(path: &[u8]) -> Result<UnixAddr, i32> {
        unix_socket::path_address(path).map(UnixAddr)
    }

    /// An address from the bytes of a `sockaddr_un`; otherwise the errno.
    pub fn from_bytes(bytes: &[u8]) -> Result<UnixAddr, i32> {
        unix_socket::parse(bytes).map(UnixAddr)
    }

    /// The address as C sees it, and its length, which is at least that of the family.
    pub fn into_parts(self) -> (sockaddr_storage, socklen_t) {
        unix_socket::with_family(self.0).into_parts()
    }

    /// The address that a socket is bound to.
    pub fn local(socket: &impl AsRawFd) -> io::Result<UnixAddr> {
        socket::local_addr(socket).map(UnixAddr)
    }

    /// The address that a socket is connected to.
    pub fn peer(socket: &impl AsRawFd) -> io::Result<UnixAddr> {
        socket::peer_addr(socket).map(UnixAddr)
    }

    pub fn bind_listener(&self) -> io::Result<UnixListener> {
        UnixListener::bind_to(&self.0)
    }

    pub fn bind_listener_with(&self, builder: UnixListenerBuilder) -> io::Result<UnixListener> {
        builder.bind_to(&self.0)
    }

    pub fn accept(listener: &UnixListener) -> io::Result<(UnixStream, UnixAddr)> {
        let (stream, peer) = listener.accept_raw()?;
        Ok((stream, UnixAddr(peer)))
    }

    pub fn connect_stream(&self) -> io::Result<UnixStream> {
        UnixStream::connect_to(&self.0)
    }

    pub fn bind_datagram(&self) -> io::Result<UnixDatagram> {
        UnixDatagram::bind_to(&self.0)
    }

    pub fn connect_datagram(&self, datagram: &UnixDatagram) -> io::Result<()> {
        datagram.connect_to(&self.0)
    }

    pub fn send_to(&self, datagram: &UnixDatagram, buf: &[u8]) -> io::Result<usize> {
        datagram.send_to_raw(buf, &self.0)
    }

    pub fn recv_from(datagram: &UnixDatagram, buf: &mut [u8]) -> io::Result<(usize, UnixAddr)> {
        let (n, sender) = datagram.recv_from_raw(buf)?;
        Ok((n, UnixAddr(sender)))
    }
}

/// Connects a socket without taking it, so that it is not lost when that fails; see [`into_connected`].
pub fn connect_udp(socket: &UdpSocket, peer: SocketAddr) -> io::Result<()> {
    socket.set_peer(peer)
}

/// A socket that was given a peer, with what is known about it.
pub fn into_connected(socket: UdpSocket) -> ConnectedUdpSocket {
    socket.into_connected()
}

/// As `ConnectedUdpSocket::disconnect`, without taking the socket; see [`into_disconnected`].
pub fn disconnect_udp(socket: &ConnectedUdpSocket) -> io::Result<()> {
    socket.clear_peer()
}

/// As `UnixStream::send_message` or that of a datagram socket. Whatever numbers the descriptors are.
pub fn send_message(
    socket: &impl AsRawFd,
    is_stream: bool,
    target: Option<&UnixAddr>,
    buffer: &[u8],
    fds: &[RawFd],
    cred: Option<(u32, u32, i32)>,
) -> io::Result<usize> {
    if is_stream && buffer.is_empty() && (!fds.is_empty() || cred.is_some()) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let cred = cred.map(|(uid, gid, pid)| (uid, gid, Some(pid)));
    let target = target.map(|target| &target.0);
    sys::control::send_passing(socket.as_raw_fd(), target, buffer, fds.iter().copied(), cred)
}

/// As `UnixStream::recv_message`: `take` gets the descriptors by their numbers below `room`.
pub fn recv_message(
    socket: &impl AsRawFd,
    buffer: &mut [u8],
    room: usize,
    mut take: impl FnMut(usize, RawFd),
) -> io::Result<(UnixMessage, UnixAddr)> {
    let take = |n, fd: sys::Fd| take(n, fd.into_raw());
    let (fd, mut sender) = (socket.as_raw_fd(), Addr::unset());
    let passed = sys::control::recv_passed(fd, Some(&mut sender), buffer, room, take);
    Ok((UnixMessage::received(passed)?, UnixAddr(sender)))
}

/// A socket whose peer was taken, with what is known about it.
pub fn into_disconnected(socket: ConnectedUdpSocket) -> UdpSocket {
    socket.into_disconnected()
}

pub use crate::sys::control::Control;
pub use crate::sys::mmsg::Received;

/// A UDP socket, connected or not, with what is known about receiving from it.
pub struct Source<'a>(&'a Fd, &'a Receiving);

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

impl<'a> From<&'a UdpSocket> for Source<'a> {
    fn from(socket: &'a UdpSocket) -> Source<'a> {
        let (fd, receiving) = socket.receiving();
        Source(fd, receiving)
    }
}

impl<'a> From<&'a ConnectedUdpSocket> for Source<'a> {
    fn from(socket: &'a ConnectedUdpSocket) -> Source<'a> {
        let (fd, receiving) = socket.receiving();
        Source(fd, receiving)
    }
}

/// As `recv_batch` of the socket, to `count` of any kind of datagrams: `buffer` gives the memory for one, and
/// `received` is told of it.
///
/// # Safety
///
/// What `buffer` gives can be written.
#[allow(unsafe_code)] // The work is done in `sys`.
pub unsafe fn recv_batch_of<'a, D: ?Sized>(
    socket: impl Into<Source<'a>>,
    count: usize,
    datagrams: &mut D,
    buffer: impl Fn(&mut D, usize) -> iovec,
    received: impl Fn(&mut D, usize, Received),
) -> io::Result<usize> {
    let Source(fd, receiving) = socket.into();
    // SAFETY: the caller's promise.
    unsafe { receiving.recv_into(fd, count, datagrams, buffer, received) }
}

/// What a `QueuedError` is made of.
#[derive(Copy, Clone, Debug)]
pub struct RawQueuedError {
    pub is_error: bool,
    pub errno: i32,
    pub origin: u8,
    pub kind: u8,
    pub code: u8,
    pub info: u32,
    pub data: u32,
    pub time: Option<Duration>,
}

/// What a `QueuedError` is made of.
pub fn queued_error(error: &QueuedError) -> RawQueuedError {
    let &QueuedError { errno, origin, kind, code, info, data, time, .. } = error;
    RawQueuedError { is_error: error.is_error(), errno, origin, kind, code, info, data, time }
}

/// The checks with these bits, which are `MIO_ST_CHECK_…` in C; `None` if one is unknown.
pub fn checks(bits: u32) -> Option<Checks> {
    Checks::from_bits(bits)
}

/// The sentence about a problem with this number.
pub fn problem_text(number: u32) -> Option<&'static CStr> {
    Problem::from_number(number).map(Problem::c_text)
}

/// Makes events of what [`raw_poll_plainly`](Poller::raw_poll_plainly) has written.
///
/// # Safety
///
/// It was so many, and the pointer is aligned.
#[allow(unsafe_code)] // The work is done in `sys`.
#[inline(always)]
pub unsafe fn translate(events: *mut Event, count: usize) {
    // SAFETY: the caller's promise.
    unsafe { sys::translate_all(events, count) }
}

/// Whether the process was forked since the poller of an awakener was created.
pub fn is_forked(awakener: &Awakener) -> bool {
    awakener.is_forked()
}

/// The registrar with numbers instead of types.
impl Registrar {
    /// Whether the process was forked since the poller was created.
    pub fn raw_is_forked(&self) -> bool {
        self.is_forked()
    }

    pub fn raw_register(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        self.register_raw(fd, id, interests, option)
    }

    pub fn raw_reregister(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        self.reregister_raw(fd, id, interests, option)
    }

    pub fn raw_deregister(&self, fd: RawFd) -> io::Result<()> {
        self.deregister_raw(fd)
    }

    pub fn raw_notify(&self, id: u64, ready: Ready) -> io::Result<()> {
        self.post(id, ready)
    }
}

/// The poller with numbers instead of types. Those that register and that poll answer `None` if the process was
/// forked since the poller was created; others do not look, see [`raw_is_forked`](Poller::raw_is_forked).
#[doc(hidden)] // That the module is hidden does not hide them.
impl Poller {
    /// As `poll`, into memory that need not be initialised; returns how many events were written, and `None`
    /// if the process was forked since the poller was created.
    #[inline]
    pub fn raw_poll(
        &mut self,
        events: &mut [MaybeUninit<Event>],
        timeout: Option<u64>,
    ) -> io::Result<Option<usize>> {
        self.fill_array(events, timeout)
    }

    /// Whether a poll need be nothing but [`raw_poll_plainly`](Poller::raw_poll_plainly): nobody but the system has
    /// events for it, and there is no MemorySanitizer.
    #[inline(always)]
    pub fn raw_is_plain(&self) -> bool {
        self.is_quiet()
    }

    /// As `raw_poll`, of such a poller, with a timeout in milliseconds, which is 0 or -1 (for ever). `None` if there is
    /// no such capacity, or the system says an error: then `raw_poll` tells. The events are as the system has written
    /// them: see [`translate`].
    ///
    /// # Safety
    ///
    /// There is room for `capacity` events at `events`.
    #[allow(unsafe_code)] // The work is done in `sys`.
    #[inline(always)]
    pub unsafe fn raw_poll_plainly(
        &self,
        events: *mut Event,
        capacity: usize,
        milliseconds: i32,
    ) -> Option<usize> {
        const { assert!(size_of::<KernelEvent>() <= size_of::<Event>()) };
        // SAFETY: the caller's promise; the system's events take no more room than ours.
        unsafe { self.selector().select_plainly(events.cast(), capacity, milliseconds) }
    }

    /// Whether the process was forked since the poller was created.
    #[inline]
    pub fn raw_is_forked(&self) -> bool {
        !self.generation().is_current()
    }

    #[inline]
    pub fn raw_register(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<Option<()>> {
        self.try_register(fd, id, interests, option)
    }

    pub fn raw_register_exclusive(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<Option<()>> {
        self.try_register_exclusive(fd, id, interests, option)
    }

    #[inline]
    pub fn raw_reregister(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<Option<()>> {
        self.try_reregister(fd, id, interests, option)
    }

    #[inline]
    pub fn raw_deregister(&mut self, fd: RawFd) -> io::Result<Option<()>> {
        self.try_deregister(fd)
    }

    /// As `watch_fd`; the process was not forked.
    #[inline]
    pub fn raw_watch(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Option<Interests>,
        option: PollOption,
    ) -> io::Result<()> {
        self.watch(fd, id, interests, option)
    }

    /// As `raw_deregister`, of what need not be registered.
    #[inline]
    pub fn raw_forget(&mut self, fd: RawFd) {
        if let Err(error) = self.try_deregister(fd) {
            sys::ignore(error);
        }
    }

    /// As `notify`; growth that fails is `OutOfMemory`.
    #[inline]
    pub fn raw_notify(&mut self, id: u64, ready: Ready) -> io::Result<()> {
        self.notify_checked(Event::from_raw(id, ready))
    }

    pub fn raw_try_notify(&mut self, id: u64, ready: Ready) -> io::Result<()> {
        self.post(Event::from_raw(id, ready))
    }

    /// As `poll_userspace`, into memory that need not be initialised; returns how many events were
    /// written.
    pub fn raw_poll_userspace(&mut self, events: &mut [MaybeUninit<Event>]) -> usize {
        let filled = Buffer::translated(events, |buffer| {
            self.fill_userspace(buffer);
            Ok(())
        });
        filled.unwrap_or(0)
    }

    /// As `with_capacity`; what cannot be had is `OutOfMemory`.
    pub fn raw_try_reserve(&mut self, deadlines: usize, notifications: usize) -> io::Result<()> {
        self.try_reserve(deadlines, notifications)
    }

    pub fn raw_add_deadline(&mut self, id: u64, deadline: u64) -> io::Result<DeadlineKey> {
        self.try_add_deadline(deadline, id)
    }

    /// As `raw_add_deadline`, if that is nothing but writing it down; otherwise it does nothing, as the two below.
    #[inline(always)]
    pub fn raw_add_quickly(&mut self, id: u64, deadline: u64) -> Option<DeadlineKey> {
        self.add_quickly(deadline, id)
    }

    #[inline(always)]
    pub fn raw_move_quickly(&mut self, key: DeadlineKey, deadline: u64) -> bool {
        self.move_quickly(key, deadline)
    }

    #[inline(always)]
    pub fn raw_cancel_quickly(&mut self, key: DeadlineKey) -> bool {
        self.deadlines().cancel_quickly(key)
    }

    pub fn raw_add_timeout(&mut self, id: u64, timeout: u64) -> io::Result<DeadlineKey> {
        self.try_add_timeout(timeout, id)
    }

    pub fn raw_add_interval(
        &mut self,
        id: u64,
        first: u64,
        period: NonZeroU64,
    ) -> io::Result<DeadlineKey> {
        self.try_add_interval(first, period, id)
    }

    pub fn raw_move_deadline(&mut self, key: DeadlineKey, deadline: u64) -> bool {
        self.move_deadline_nanos(key, deadline)
    }

    pub fn raw_move_timeout(&mut self, key: DeadlineKey, timeout: u64) -> bool {
        self.move_timeout_nanos(key, timeout)
    }

    pub fn raw_remove_deadline(&mut self, id: u64) -> bool {
        self.deadlines().remove(id)
    }

    pub fn raw_next_wakeup(&mut self) -> Option<u64> {
        self.next_wakeup_nanos()
    }

    pub fn raw_set_deadline_slack(&mut self, slack: u64) {
        self.set_deadline_slack_nanos(slack);
    }

    pub fn raw_set_spin(&mut self, spin: u64) {
        self.set_spin_nanos(spin);
    }

    pub fn raw_add_awakener(&mut self, id: u64) -> io::Result<Awakener> {
        self.add_awakener(id)
    }

    pub fn raw_add_registrar(&mut self) -> io::Result<Registrar> {
        self.add_registrar()
    }

    /// It has arrived in another thread, see `Detached`.
    pub fn raw_arrive(&mut self) {
        self.change_thread();
    }

    pub fn raw_now(&self) -> u64 {
        self.now_nanos()
    }

    pub fn raw_set_clock(&mut self, clock: Clock) -> io::Result<()> {
        self.change_clock(clock)
    }

    pub fn raw_advance(&mut self, by: u64) -> io::Result<()> {
        self.advance_nanos(by)
    }

    pub fn raw_set_time(&mut self, time: u64) -> io::Result<()> {
        self.set_time_nanos(time)
    }

    pub fn raw_set_stats(&mut self, on: bool) {
        self.change_stats(on);
    }

    /// Of a complaint: the number of the problem, the descriptor, the id, the count, the time.
    pub fn raw_next_complaint(&mut self) -> Option<(u32, RawFd, u64, u64, u64)> {
        let found = self.next_problem()?;
        Some((found.problem as u32, found.fd, found.id, found.count, found.time))
    }

    pub fn raw_set_checks(&mut self, checks: Checks) -> io::Result<()> {
        self.change_checks(checks)
    }
}
