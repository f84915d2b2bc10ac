use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};

use crate::poll::Interests;
use crate::sys::socket::{self, Addr};
use crate::sys::{Fd, fd_traits};

/// A non-blocking TCP connection.
///
/// It works as std's `TcpStream` does, but an operation that would block fails with
/// [`WouldBlock`](io::ErrorKind::WouldBlock): then wait for the next event.
///
/// Writing to a connection that is gone is the error `BrokenPipe`, and never the signal SIGPIPE.
///
/// # Connecting
///
/// [`connect`](TcpStream::connect) begins to connect and returns. When the socket becomes writable,
/// [`connected`](TcpStream::connected) tells how it ended.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::io::Write;
///
/// use mio_st::net::{TcpListener, TcpStream};
/// use mio_st::{EventedId, Events, PollOption, Poller};
///
/// let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
/// let mut poller = Poller::new()?;
/// let mut events = Events::new();
///
/// let mut stream = TcpStream::connect(listener.local_addr()?)?;
/// poller.register(&mut stream, EventedId(0), TcpStream::INTERESTS, PollOption::Edge)?;
///
/// poller.poll(&mut events, None)?;
/// if stream.connected()? {
///     stream.write(b"hello")?;
/// }
/// # assert!(stream.connected()?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TcpStream {
    fd: Fd,
}

impl TcpStream {
    /// Interest in reading and in writing.
    pub const INTERESTS: Interests = Interests::BOTH;

    /// Begins to connect to an address.
    ///
    /// # Errors
    ///
    /// What the system notices at once, such as `ENETUNREACH` or `EMFILE`. What it notices later,
    /// [`connected`](TcpStream::connected) tells.
    pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        let address = Addr::from(address);
        let fd = socket::new(address.family(), libc::SOCK_STREAM)?;
        socket::connect(&fd, &address)?;
        Ok(TcpStream { fd })
    }

    /// Whether the connection stands: true if it does, false while it is being made, and the error if
    /// connecting failed (which is taken: the next call does not give it again).
    pub fn connected(&self) -> io::Result<bool> {
        socket::connected(&self.fd)
    }

    /// The address of the peer.
    ///
    /// # Errors
    ///
    /// `NotConnected` while connecting, and after it failed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        SocketAddr::try_from(&socket::peer_addr(&self.fd)?)
    }

    /// The address of this side.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        SocketAddr::try_from(&socket::local_addr(&self.fd)?)
    }

    /// Sets `IP_TTL`, the number of hops that a packet may make.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        set_ttl(&self.fd, ttl)
    }

    /// Gets `IP_TTL`.
    pub fn ttl(&self) -> io::Result<u32> {
        ttl(&self.fd)
    }

    /// Sets `TCP_NODELAY`: whether small writes are sent at once, instead of being gathered (`tcp(7)`).
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        socket::set_int_option(&self.fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, nodelay.into())
    }

    /// Gets `TCP_NODELAY`.
    pub fn nodelay(&self) -> io::Result<bool> {
        Ok(socket::int_option(&self.fd, libc::IPPROTO_TCP, libc::TCP_NODELAY)? != 0)
    }

    /// Reads without taking: the next read returns the same bytes.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        socket::recv(&self.fd, buf, libc::MSG_PEEK)
    }

    /// Shuts down reading, writing or both.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        socket::shutdown(&self.fd, how)
    }

    /// Takes the error that waits at the socket (`SO_ERROR`).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        socket::take_error(&self.fd)
    }
}

impl Read for &TcpStream {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        socket::recv(&self.fd, buf, 0)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.fd.read_vectored(bufs)
    }
}

impl Write for &TcpStream {
    #[inline]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        socket::send(&self.fd, buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        socket::send_vectored(&self.fd, bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(bufs)
    }
}

impl Write for TcpStream {
    #[inline]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

fd_traits!(TcpStream);

/// A non-blocking TCP socket that listens for connections.
///
/// It works as std's `TcpListener` does, but [`accept`](TcpListener::accept) fails with
/// [`WouldBlock`](io::ErrorKind::WouldBlock) when no connection waits.
///
/// # Examples
///
/// See [`Poller`](crate::Poller).
#[derive(Debug)]
pub struct TcpListener {
    fd: Fd,
}

impl TcpListener {
    /// Interest in connections to accept.
    pub const INTERESTS: Interests = Interests::READABLE;

    /// Binds to an address and listens.
    ///
    /// `SO_REUSEADDR` is set, so that a server can be restarted while connections of the last one are
    /// still in TIME_WAIT. The queue of connections is as long as the system allows (`SOMAXCONN`).
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable`, `PermissionDenied` (a port below 1024), `EMFILE`.
    pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
        let address = Addr::from(address);
        let fd = socket::new(address.family(), libc::SOCK_STREAM)?;
        socket::set_int_option(&fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        socket::bind(&fd, &address)?;
        socket::listen(&fd, libc::SOMAXCONN)?;
        Ok(TcpListener { fd })
    }

    /// Another handle of the same socket.
    ///
    /// # Notes
    ///
    /// epoll goes on reporting events until every handle is closed or the registered one deregistered.
    ///
    /// # Errors
    ///
    /// `EMFILE` when there are too many descriptors.
    pub fn try_clone(&self) -> io::Result<TcpListener> {
        Ok(TcpListener { fd: self.fd.duplicate()? })
    }

    /// Takes a connection that waits. It is non-blocking and close-on-exec.
    ///
    /// A connection that was gone before it could be accepted (`ECONNABORTED`) is skipped.
    ///
    /// # Errors
    ///
    /// - `WouldBlock`: no connection waits; wait for the next event.
    /// - `EMFILE`, `ENFILE`: too many descriptors. The connection still waits, and an edge-triggered
    ///   listener gets no event for it: either accept again when a descriptor was freed, or keep a spare
    ///   descriptor to close, accept and close the connection (as `examples/http_server.rs` does).
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (fd, peer) = socket::accept(&self.fd)?;
        Ok((TcpStream { fd }, SocketAddr::try_from(&peer)?))
    }

    /// The address that the socket is bound to.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        SocketAddr::try_from(&socket::local_addr(&self.fd)?)
    }

    /// Sets `IP_TTL`, which accepted connections inherit.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        set_ttl(&self.fd, ttl)
    }

    /// Gets `IP_TTL`.
    pub fn ttl(&self) -> io::Result<u32> {
        ttl(&self.fd)
    }

    /// Takes the error that waits at the socket (`SO_ERROR`).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        socket::take_error(&self.fd)
    }
}

/// A listener is never writable.
fn check_interests(interests: Interests) -> io::Result<()> {
    if interests.is_writable() {
        let message = "TcpListener only needs readable interests";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(())
}

fd_traits!(TcpListener, check_interests);

fn set_ttl(fd: &Fd, ttl: u32) -> io::Result<()> {
    let ttl = ttl.try_into().map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    socket::set_int_option(fd, libc::IPPROTO_IP, libc::IP_TTL, ttl)
}

fn ttl(fd: &Fd) -> io::Result<u32> {
    Ok(socket::int_option(fd, libc::IPPROTO_IP, libc::IP_TTL)? as u32)
}
