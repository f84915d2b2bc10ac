use std::io;
use std::net::Shutdown;
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;

use crate::poll::Interests;
use crate::sys::socket::{self, Addr};
use crate::sys::{Fd, fd_traits, read_traits, std_traits, unix_socket, write_traits};

/// A non-blocking connection between processes of one machine.
///
/// It works as std's `UnixStream` does, but an operation that would block fails with
/// [`WouldBlock`](io::ErrorKind::WouldBlock): then wait for the next event.
///
/// Writing to a connection that is gone is the error `BrokenPipe`, and never the signal SIGPIPE.
///
/// When the peer closes, the event has [`HUP`](crate::Ready::HUP) also where TCP would only say
/// `READ_CLOSED`, since no half of the connection is left.
///
/// # Addresses
///
/// A path, a [`SocketAddr`], which may also be an abstract name (Linux, see
/// [`from_abstract_name`](std::os::linux::net::SocketAddrExt::from_abstract_name)), or none, as most
/// clients have.
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
/// use std::io::{Read, Write};
///
/// use mio_st::unix::UnixStream;
/// use mio_st::{EventedId, Events, PollOption, Poller};
///
/// let (mut a, mut b) = UnixStream::pair()?;
/// let mut poller = Poller::new()?;
/// poller.register(&mut b, EventedId(0), UnixStream::INTERESTS, PollOption::Edge)?;
///
/// a.write_all(b"hello")?;
/// let mut events = Events::new();
/// poller.poll(&mut events, None)?;
/// let mut buf = [0; 16];
/// assert_eq!(b.read(&mut buf)?, 5);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct UnixStream {
    fd: Fd,
}

impl UnixStream {
    /// Interest in reading and in writing.
    ///
    /// Each read of the peer makes an edge of `WRITABLE`, though nothing was refused: a server that answers is
    /// woken half as often by [`Interests::READABLE`], with `WRITABLE` added after `WouldBlock`.
    pub const INTERESTS: Interests = Interests::BOTH;

    pub(super) fn from_fd(fd: Fd) -> UnixStream {
        UnixStream { fd }
    }

    /// Connects to the socket at a path.
    ///
    /// Unlike TCP it is done when this returns.
    ///
    /// # Errors
    ///
    /// - `NotFound`: nothing is at the path.
    /// - `ConnectionRefused`: nobody listens there (any more).
    /// - `WouldBlock`: the listener's queue is full. No event will tell when it is not: try again later.
    ///   (BSD and macOS say `ConnectionRefused`.)
    /// - `PermissionDenied`: no permission to write to the socket, or to search a folder of the path.
    /// - `EPROTOTYPE`: the socket there is not a stream.
    /// - `ENAMETOOLONG`: the path is too long (107 bytes are allowed on Linux, 103 on others).
    /// - `InvalidInput`: the path is empty or has a NUL byte.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use mio_st::unix::{UnixListener, UnixStream};
    ///
    /// # let folder = std::env::temp_dir().join(format!("mio-st-connect-{}", std::process::id()));
    /// # std::fs::create_dir(&folder)?;
    /// let path = folder.join("socket");
    /// let listener = UnixListener::bind(&path)?;
    /// let stream = UnixStream::connect(&path)?;
    /// assert_eq!(stream.peer_addr()?.as_pathname(), Some(path.as_path()));
    /// let (connection, _) = listener.accept()?;
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect<P: AsRef<Path>>(path: P) -> io::Result<UnixStream> {
        UnixStream::connect_to(&Addr::try_from(path.as_ref())?)
    }

    /// Connects to an address.
    ///
    /// # Errors
    ///
    /// As [`connect`](UnixStream::connect), but nobody at an abstract name is `ConnectionRefused`; and
    /// `InvalidInput` for an unnamed address.
    pub fn connect_addr(address: &SocketAddr) -> io::Result<UnixStream> {
        UnixStream::connect_to(&Addr::from(address))
    }

    pub(crate) fn connect_to(address: &Addr) -> io::Result<UnixStream> {
        let fd = socket::new(libc::AF_UNIX, libc::SOCK_STREAM)?;
        socket::connect(&fd, address)?;
        Ok(UnixStream { fd })
    }

    /// Makes two streams that are connected to each other.
    ///
    /// # Errors
    ///
    /// `EMFILE` and `ENFILE` when there are too many descriptors.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (a, b) = unix_socket::pair(libc::SOCK_STREAM)?;
        Ok((UnixStream { fd: a }, UnixStream { fd: b }))
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
    pub fn try_clone(&self) -> io::Result<UnixStream> {
        Ok(UnixStream { fd: self.fd.duplicate()? })
    }

    /// Whether the connection stands, as [`TcpStream::connected`](crate::net::TcpStream::connected)
    /// tells; of a stream that [`connect`](UnixStream::connect) returned it does.
    ///
    /// # Errors
    ///
    /// `NotConnected` of a socket that was converted and never was connected.
    pub fn connected(&self) -> io::Result<bool> {
        socket::connected(&self.fd)
    }

    /// Who the peer was when it connected, or for a listening peer when it began to listen; of a pair,
    /// who made it.
    ///
    /// # Errors
    ///
    /// `NotConnected` when there is no peer.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use mio_st::unix::UnixStream;
    ///
    /// let (a, b) = UnixStream::pair()?;
    /// let peer = a.peer_cred()?;
    /// # #[cfg(target_os = "linux")]
    /// assert_eq!(peer.pid, Some(std::process::id() as i32));
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer_cred(&self) -> io::Result<UCred> {
        let (uid, gid, pid) = unix_socket::peer_cred(&self.fd)?;
        Ok(UCred { uid, gid, pid })
    }

    /// The address of the peer, which is unnamed if it did not bind its socket.
    ///
    /// # Errors
    ///
    /// `NotConnected` when there is no peer.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        unix_socket::by_std(&self.fd, net::UnixDatagram::peer_addr)
    }

    /// The address of this side, which is unnamed unless the socket was accepted.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        unix_socket::by_std(&self.fd, net::UnixDatagram::local_addr)
    }

    /// Reads without taking: the next read returns the same bytes.
    ///
    /// # Errors
    ///
    /// Those of reading: `WouldBlock` when there is nothing to read yet.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        socket::recv(&self.fd, buf, libc::MSG_PEEK)
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

fd_traits!(UnixStream);
std_traits!(UnixStream, net::UnixStream);
socket_options!(UnixStream);
messages!(UnixStream, true);
read_traits!(UnixStream);
write_traits!(UnixStream, |stream, buf| socket::send(&stream.fd, buf), |stream, bufs| {
    socket::send_vectored(&stream.fd, bufs)
});

/// The credentials of a process, see [`UnixStream::peer_cred`] and [`UnixStream::recv_message`].
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
#[non_exhaustive]
pub struct UCred {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// The process: `None` on BSD and macOS, and where it is in a namespace that is not visible from
    /// here.
    pub pid: Option<i32>,
}

impl UCred {
    /// Those of this process: what it may send along with a message.
    pub fn current() -> UCred {
        let (uid, gid, pid) = unix_socket::own_cred();
        UCred { uid, gid, pid: Some(pid) }
    }
}
