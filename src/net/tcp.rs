use std::io::{self, IoSliceMut, Read};
use std::net::{self, Shutdown, SocketAddr};
use std::time::Duration;

#[cfg(not(bsd))]
use crate::net::options::int;
use crate::net::options::{internet_socket, whole_seconds};
use crate::net::{Keepalive, QueuedError, TcpListenerBuilder, TcpStreamBuilder};
use crate::poll::Interests;
use crate::sys::{Fd, control, fd_traits, socket, write_traits};

/// On Darwin `SO_LINGER` counts in ticks.
#[cfg(target_vendor = "apple")]
const SO_LINGER: libc::c_int = libc::SO_LINGER_SEC;
#[cfg(not(target_vendor = "apple"))]
const SO_LINGER: libc::c_int = libc::SO_LINGER;

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
/// # Dropping
///
/// It is closed when it is dropped. If it is registered, and the program starts children, close it with
/// [`Poller::close`](crate::Poller::close), lest it go on giving events.
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
    pub(super) fd: Fd,
}

impl TcpStream {
    /// Interest in reading and in writing.
    pub const INTERESTS: Interests = Interests::BOTH;

    /// Begins to connect to an address. For other options see [`TcpStreamBuilder`].
    ///
    /// # Errors
    ///
    /// What the system notices at once, such as `NetworkUnreachable` or `EMFILE`; on BSD also
    /// `ConnectionRefused` by this host. What it notices later, [`connected`](TcpStream::connected) tells.
    pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        TcpStreamBuilder::new().connect(address)
    }

    /// Whether the connection stands: true if it does, false while it is being made.
    ///
    /// With `TCP_FASTOPEN_CONNECT` it is true before it stands: the first write makes it.
    ///
    /// # Errors
    ///
    /// Why connecting failed, such as `ConnectionRefused`, or why the connection is over, such as
    /// `ConnectionReset`. That is taken from the socket: if it was before, by this, by `take_error`, by reading or
    /// by writing, it is `NotConnected`.
    pub fn connected(&self) -> io::Result<bool> {
        socket::connected(&self.fd)
    }

    /// The address of the peer.
    ///
    /// # Errors
    ///
    /// `NotConnected` while connecting, and after it failed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        (&socket::peer_addr(&self.fd)?).try_into()
    }

    /// Sets `TCP_NODELAY`: whether small writes are sent at once, instead of being gathered (`tcp(7)`).
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        socket::set_int_option(&self.fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, nodelay.into())
    }

    /// Gets `TCP_NODELAY`.
    pub fn nodelay(&self) -> io::Result<bool> {
        Ok(socket::int_option(&self.fd, libc::IPPROTO_TCP, libc::TCP_NODELAY)? != 0)
    }

    /// Sets `SO_LINGER`: what happens to what has been written and not sent when the socket is closed.
    ///
    /// `None`, the default: the system goes on sending it. A duration of zero: it is thrown away, and
    /// the peer sees the connection reset. Any other, in whole seconds, rounded up: closing *waits* for
    /// it to be sent and acknowledged, at most for so long (on Linux, of a non-blocking socket too).
    ///
    /// # Errors
    ///
    /// `InvalidInput` for more than 2^31 - 1 seconds.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        let value = libc::linger {
            l_onoff: linger.is_some().into(),
            l_linger: whole_seconds(linger.unwrap_or_default())?,
        };
        socket::set_option(&self.fd, libc::SOL_SOCKET, SO_LINGER, &value)
    }

    /// Gets `SO_LINGER`.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        let value: libc::linger = socket::option(&self.fd, libc::SOL_SOCKET, SO_LINGER)?;
        Ok((value.l_onoff != 0).then(|| Duration::from_secs(value.l_linger as u64)))
    }

    /// Turns keepalive on or off: whether the peer is asked if it is still there when nothing has moved
    /// for a while. A peer that does not answer ends the connection with the error `TimedOut`.
    ///
    /// Turning it off keeps the values for the next time that it is turned on.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a value out of the system's range: on Linux idle and interval are from 1 s to
    /// 32,767 s, the count from 1 to 127.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use std::time::Duration;
    ///
    /// use mio_st::net::{Keepalive, TcpListener, TcpStream};
    ///
    /// # let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
    /// # let stream = TcpStream::connect(listener.local_addr()?)?;
    /// let idle = Some(Duration::from_secs(60));
    /// stream.set_keepalive(Some(Keepalive { idle, ..Keepalive::default() }))?;
    /// assert_eq!(stream.keepalive()?.unwrap().idle, idle);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_keepalive(&self, keepalive: Option<Keepalive>) -> io::Result<()> {
        Keepalive::set(keepalive, &self.fd)
    }

    /// Whether keepalive is on, and with what values.
    pub fn keepalive(&self) -> io::Result<Option<Keepalive>> {
        Keepalive::get(&self.fd)
    }

    /// Sets `TCP_USER_TIMEOUT`: how long what was written may stay unacknowledged, or keepalive
    /// unanswered, before the connection ends with the error `TimedOut`. In whole milliseconds, rounded
    /// up; `None` is the system's default. It should be set before there is something to send.
    ///
    /// # Platform differences
    ///
    /// Linux and Android only.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero, and for more than 2^31 - 1 milliseconds.
    #[cfg(not(bsd))]
    pub fn set_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        let milliseconds = match timeout {
            // To the kernel zero means the default.
            Some(Duration::ZERO) => return Err(io::ErrorKind::InvalidInput.into()),
            Some(timeout) => int(timeout.as_nanos().div_ceil(1_000_000))?,
            None => 0,
        };
        let (level, name) = (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT);
        socket::set_int_option(&self.fd, level, name, milliseconds)
    }

    /// Gets `TCP_USER_TIMEOUT`; Linux and Android only.
    #[cfg(not(bsd))]
    pub fn user_timeout(&self) -> io::Result<Option<Duration>> {
        let (level, name) = (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT);
        Ok(match socket::int_option(&self.fd, level, name)? {
            0 => None,
            milliseconds => Some(Duration::from_millis(milliseconds as u64)),
        })
    }

    /// Reads without taking: the next read returns the same bytes.
    ///
    /// # Errors
    ///
    /// Those of reading: `WouldBlock` when there is nothing to read yet.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        socket::recv(&self.fd, buf, libc::MSG_PEEK)
    }

    /// Takes the next entry from the error queue, where the system tells of what was sent with `MSG_ZEROCOPY`,
    /// and, with `SO_TIMESTAMPING`, when; both are asked for on the descriptor.
    ///
    /// As long as there is an entry the connection reports [`Ready::ERROR`](crate::Ready::ERROR), which no other
    /// call ends.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the queue is empty, `Unsupported` elsewhere than on Linux and Android.
    pub fn recv_error(&self, buf: &mut [u8]) -> io::Result<QueuedError> {
        control::recv_error(&self.fd, buf)
    }

    /// Shuts down reading, writing or both.
    ///
    /// # Errors
    ///
    /// `NotConnected` when the connection does not stand.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        socket::shutdown(&self.fd, how)
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

impl Read for TcpStream {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(bufs)
    }
}

write_traits!(TcpStream, |stream, buf| socket::send(&stream.fd, buf), |stream, bufs| {
    socket::send_vectored(&stream.fd, bufs)
});
fd_traits!(TcpStream);
internet_socket!(TcpStream, net::TcpStream);

/// A non-blocking TCP socket that listens for connections.
///
/// It works as std's `TcpListener` does, but [`accept`](TcpListener::accept) fails with
/// [`WouldBlock`](io::ErrorKind::WouldBlock) when no connection waits.
///
/// # Dropping
///
/// It is closed when it is dropped. If it is registered, and the program starts children, close it with
/// [`Poller::close`](crate::Poller::close), lest it go on giving events.
///
/// # Examples
///
/// See [`Poller`](crate::Poller).
#[derive(Debug)]
pub struct TcpListener {
    pub(super) fd: Fd,
}

impl TcpListener {
    /// Interest in connections to accept.
    pub const INTERESTS: Interests = Interests::READABLE;

    /// Binds to an address and listens. For other options see [`TcpListenerBuilder`].
    ///
    /// `SO_REUSEADDR` is set, so that a server can be restarted while connections of the last one are
    /// still in TIME_WAIT. The queue of connections has room for `SOMAXCONN`, see
    /// [`backlog`](TcpListenerBuilder::backlog).
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable`, `PermissionDenied` (a port below 1024), `EMFILE`.
    pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
        TcpListenerBuilder::new().bind(address)
    }

    /// Takes a connection that waits. It is non-blocking and close-on-exec.
    ///
    /// A connection of which the system says that it was gone before it could be accepted (`ECONNABORTED`) is
    /// skipped; more than 1024 in a row are the error `ConnectionAborted`. Linux hands one that was reset out,
    /// whose first read is `ConnectionReset`.
    ///
    /// # Errors
    ///
    /// - `WouldBlock`: no connection waits; wait for the next event.
    /// - `EMFILE`, `ENFILE`: too many descriptors. A connection waits and goes on waiting, and an
    ///   edge-triggered listener gets no event for it: either accept again when a descriptor was freed, or
    ///   keep a spare descriptor to close, accept and close the connection (as `examples/http_server.rs`
    ///   does). When none waits it is `WouldBlock`, for which a system call more is made in this case.
    #[inline]
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            let mut peer = socket::Addr::unset();
            let fd = socket::accept(self.fd.raw(), &mut peer)?;
            if !socket::is_aborted(peer.len()) {
                return Ok((TcpStream { fd }, (&peer).try_into()?));
            }
        }
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
internet_socket!(TcpListener, net::TcpListener);
