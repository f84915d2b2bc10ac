use std::io;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;

use crate::poll::Interests;
use crate::sys::socket::{self, Addr};
use crate::sys::{Fd, control, fd_traits, std_traits, unix_socket};
use crate::unix::{UCred, UnixMessage};

/// A non-blocking Unix datagram socket.
///
/// It works as std's `UnixDatagram` does, but an operation that would block fails with
/// [`WouldBlock`](io::ErrorKind::WouldBlock). Unlike UDP nothing is lost and the order is kept: a sender
/// waits for a receiver that is slow.
///
/// A datagram is received as a whole; what does not fit into the buffer is discarded. An empty datagram
/// is not the end of anything.
///
/// # Dropping
///
/// It is closed when it is dropped. If it is registered, and the program starts children, close it with
/// [`Poller::close`](crate::Poller::close), lest it go on giving events.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use mio_st::unix::UnixDatagram;
/// use mio_st::{EventedId, Events, PollOption, Poller};
///
/// # let folder = std::env::temp_dir().join(format!("mio-st-datagram-{}", std::process::id()));
/// # std::fs::create_dir(&folder)?;
/// let path = folder.join("server");
/// let mut server = UnixDatagram::bind(&path)?;
/// let mut poller = Poller::new()?;
/// poller.register(&mut server, EventedId(0), UnixDatagram::INTERESTS, PollOption::Edge)?;
///
/// let client = UnixDatagram::bind(folder.join("client"))?;
/// client.send_to(b"hello", &path)?;
///
/// let mut events = Events::new();
/// poller.poll(&mut events, None)?;
/// let mut buf = [0; 16];
/// let (n, sender) = server.recv_from(&mut buf)?;
/// server.send_to_addr(&buf[..n], &sender)?;
/// assert_eq!(client.recv(&mut buf)?, 5);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct UnixDatagram {
    fd: Fd,
}

impl UnixDatagram {
    /// Interest in reading and in writing.
    ///
    /// On a socket that is not connected never wait for `WRITABLE`: each send that a full receiver refuses is
    /// itself an edge of it, so that the loop runs at full speed. Register for [`Interests::READABLE`] and try
    /// again after a timeout, or connect.
    pub const INTERESTS: Interests = Interests::BOTH;

    /// Makes a socket at a path.
    ///
    /// # Errors
    ///
    /// As [`UnixListener::bind`](crate::unix::UnixListener::bind).
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        UnixDatagram::bind_to(&Addr::try_from(path.as_ref())?)
    }

    /// Makes a socket with an address. Given an unnamed one, Linux chooses an abstract name.
    ///
    /// # Errors
    ///
    /// As [`UnixListener::bind`](crate::unix::UnixListener::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixDatagram> {
        UnixDatagram::bind_to(&Addr::from(address))
    }

    pub(crate) fn bind_to(address: &Addr) -> io::Result<UnixDatagram> {
        let datagram = UnixDatagram::unbound()?;
        socket::bind(&datagram.fd, address)?;
        Ok(datagram)
    }

    /// Makes a socket without an address: it can send, but nobody can answer.
    ///
    /// # Errors
    ///
    /// `EMFILE` and `ENFILE` when there are too many descriptors.
    pub fn unbound() -> io::Result<UnixDatagram> {
        Ok(UnixDatagram { fd: socket::new(libc::AF_UNIX, libc::SOCK_DGRAM)? })
    }

    /// Makes two sockets that are connected to each other.
    ///
    /// # Errors
    ///
    /// `EMFILE` and `ENFILE` when there are too many descriptors.
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (a, b) = unix_socket::pair(libc::SOCK_DGRAM)?;
        Ok((UnixDatagram { fd: a }, UnixDatagram { fd: b }))
    }

    /// Another handle of the same socket: what is done to one concerns both.
    ///
    /// # Notes
    ///
    /// A duplicate is registered by itself. epoll goes on reporting events of a registered one that was
    /// dropped until every other is closed too: close it with [`Poller::close`](crate::Poller::close).
    ///
    /// # Errors
    ///
    /// `EMFILE` when there are too many descriptors.
    pub fn try_clone(&self) -> io::Result<UnixDatagram> {
        Ok(UnixDatagram { fd: self.fd.duplicate()? })
    }

    /// Connects to the socket at a path: [`send`](UnixDatagram::send) sends to it, and datagrams of
    /// others are not received. It may be called again, for another peer.
    ///
    /// # Errors
    ///
    /// As [`UnixStream::connect`](crate::unix::UnixStream::connect), but for `WouldBlock`.
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.connect_to(&Addr::try_from(path.as_ref())?)
    }

    /// Connects to an address, as [`connect`](UnixDatagram::connect).
    ///
    /// # Errors
    ///
    /// As [`connect`](UnixDatagram::connect); `InvalidInput` for an unnamed address.
    pub fn connect_addr(&self, address: &SocketAddr) -> io::Result<()> {
        self.connect_to(&Addr::from(address))
    }

    pub(crate) fn connect_to(&self, address: &Addr) -> io::Result<()> {
        socket::connect(&self.fd, address)
    }

    /// The address of the peer that the socket is connected to.
    ///
    /// # Errors
    ///
    /// `NotConnected`.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        unix_socket::by_std(&self.fd, net::UnixDatagram::peer_addr)
    }

    /// The address that the socket is bound to.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        unix_socket::by_std(&self.fd, net::UnixDatagram::local_addr)
    }

    /// Sends a datagram to the socket at a path.
    ///
    /// # Errors
    ///
    /// - `WouldBlock`: the receiver's queue is full, or the sender's buffer. Of the queue of a receiver
    ///   that this socket is not connected to, no event will tell. (BSD and macOS say `ENOBUFS`.)
    /// - `NotFound`, `ConnectionRefused`: nothing is at the path, or nobody receives there any more.
    /// - `PermissionDenied`: no permission to write to the socket, or it is connected to another.
    /// - `EMSGSIZE`: the datagram is too big.
    /// - those of a path, see [`UnixStream::connect`](crate::unix::UnixStream::connect).
    pub fn send_to<P: AsRef<Path>>(&self, buf: &[u8], path: P) -> io::Result<usize> {
        self.send_to_raw(buf, &Addr::try_from(path.as_ref())?)
    }

    /// Sends a datagram to an address, such as [`recv_from`](UnixDatagram::recv_from) gave.
    ///
    /// # Errors
    ///
    /// As [`send_to`](UnixDatagram::send_to); `InvalidInput` for an unnamed address.
    pub fn send_to_addr(&self, buf: &[u8], address: &SocketAddr) -> io::Result<usize> {
        self.send_to_raw(buf, &Addr::from(address))
    }

    pub(crate) fn send_to_raw(&self, buf: &[u8], address: &Addr) -> io::Result<usize> {
        socket::send_to(&self.fd, buf, address)
    }

    /// As [`recv_from`](UnixDatagram::recv_from), with the address as the system has it.
    pub(crate) fn recv_from_raw(&self, buf: &mut [u8]) -> io::Result<(usize, Addr)> {
        socket::recv_from(&self.fd, buf, 0)
    }

    /// Receives a datagram and the address of its sender, which is unnamed if the sender is not bound.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is none.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        unix_socket::by_std(&self.fd, |socket| socket.recv_from(buf))
    }

    /// Sends a datagram to the peer that the socket is connected to.
    ///
    /// # Errors
    ///
    /// As [`send_to`](UnixDatagram::send_to), and `NotConnected`. Once the peer is gone it is
    /// `ConnectionRefused`, once it was shut down `BrokenPipe`, and never the signal SIGPIPE.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        socket::send(&self.fd, buf)
    }

    /// Receives a datagram.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is none.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        socket::recv(&self.fd, buf, 0)
    }

    /// Receives without taking: the next call receives the same datagram.
    ///
    /// # Errors
    ///
    /// As [`recv`](UnixDatagram::recv).
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        socket::recv(&self.fd, buf, libc::MSG_PEEK)
    }

    /// As [`send_message`](UnixDatagram::send_message), to the socket at a path.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](UnixDatagram::send_to), and of [`send_message`](UnixDatagram::send_message).
    ///
    /// # Examples
    ///
    /// A descriptor is passed to a server, and another comes back:
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use std::os::fd::AsFd;
    ///
    /// use mio_st::unix::{UnixDatagram, new_pipe};
    ///
    /// # let folder = std::env::temp_dir().join(format!("mio-st-message-{}", std::process::id()));
    /// # std::fs::create_dir(&folder)?;
    /// let path = folder.join("server");
    /// let server = UnixDatagram::bind(&path)?;
    /// let client = UnixDatagram::bind(folder.join("client"))?;
    /// let (sender, receiver) = new_pipe()?;
    /// client.send_message_to(b"take", &[receiver.as_fd()], None, &path)?;
    ///
    /// let (mut buf, mut fds) = ([0; 16], [None]);
    /// let (message, from) = server.recv_message_from(&mut buf, &mut fds)?;
    /// assert_eq!((message.len, message.fds), (4, 1));
    /// server.send_message_to_addr(b"given", &[sender.as_fd()], None, &from)?;
    ///
    /// assert_eq!(client.recv_message(&mut buf, &mut fds)?.fds, 1);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_message_to<P: AsRef<Path>>(
        &self,
        buf: &[u8],
        fds: &[BorrowedFd<'_>],
        cred: Option<UCred>,
        path: P,
    ) -> io::Result<usize> {
        self.send_message_to_raw(buf, fds, cred, &Addr::try_from(path.as_ref())?)
    }

    /// As [`send_message`](UnixDatagram::send_message), to an address, such as
    /// [`recv_message_from`](UnixDatagram::recv_message_from) gave.
    ///
    /// # Errors
    ///
    /// Those of [`send_to_addr`](UnixDatagram::send_to_addr), and of [`send_message`](UnixDatagram::send_message).
    pub fn send_message_to_addr(
        &self,
        buf: &[u8],
        fds: &[BorrowedFd<'_>],
        cred: Option<UCred>,
        address: &SocketAddr,
    ) -> io::Result<usize> {
        self.send_message_to_raw(buf, fds, cred, &Addr::from(address))
    }

    fn send_message_to_raw(
        &self,
        buf: &[u8],
        fds: &[BorrowedFd<'_>],
        cred: Option<UCred>,
        address: &Addr,
    ) -> io::Result<usize> {
        let cred = cred.map(|cred| (cred.uid, cred.gid, cred.pid));
        let fds = fds.iter().map(AsRawFd::as_raw_fd);
        control::send_passing(self.fd.raw(), Some(address), buf, fds, cred)
    }

    /// As [`recv_message`](UnixDatagram::recv_message), with the address of the sender, which is unnamed if the
    /// sender is not bound.
    ///
    /// A path that fills an address to its last byte (108 on Linux), for which std has no constructor, is told as
    /// unnamed. [`recv_from`](UnixDatagram::recv_from) tells it.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is none.
    pub fn recv_message_from(
        &self,
        buf: &mut [u8],
        fds: &mut [Option<OwnedFd>],
    ) -> io::Result<(UnixMessage, SocketAddr)> {
        let unnamed = SocketAddr::from_pathname("")?;
        let mut sender = Addr::unset();
        let (room, take) = (fds.len(), UnixMessage::into_places(fds));
        let passed = control::recv_passed(self.fd.raw(), Some(&mut sender), buf, room, take);
        let message = UnixMessage::received(passed)?;
        Ok((message, unix_socket::std_address(&sender).unwrap_or(unnamed)))
    }

    /// Shuts down reading, writing or both.
    ///
    /// # Errors
    ///
    /// `NotConnected` when there is no peer.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        socket::shutdown(&self.fd, how)
    }

    /// Takes the error that waits at the socket (`SO_ERROR`).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        socket::take_error(&self.fd)
    }
}

fd_traits!(UnixDatagram);
std_traits!(UnixDatagram, net::UnixDatagram);
socket_options!(UnixDatagram);
messages!(UnixDatagram, false);
