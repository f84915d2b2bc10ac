use std::io;
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;

use libc::c_int;

use crate::poll::Interests;
use crate::sys::socket::{self, Addr};
use crate::sys::{Fd, fd_traits, std_traits, unix_socket};
use crate::unix::{UnixStream, refuse_if};

/// A non-blocking Unix socket that listens for connections.
///
/// It works as std's `UnixListener` does, but [`accept`](UnixListener::accept) fails with
/// [`WouldBlock`](io::ErrorKind::WouldBlock) when no connection waits.
///
/// # Notes
///
/// The socket's file stays when the listener is dropped, and is in the way of the next
/// [`bind`](UnixListener::bind): remove it. An abstract name (Linux) is gone with its socket.
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
/// # #[cfg(target_os = "linux")] {
/// use std::os::linux::net::SocketAddrExt;
/// use std::os::unix::net::SocketAddr;
///
/// use mio_st::unix::{UnixListener, UnixStream};
/// use mio_st::{EventedId, Events, PollOption, Poller};
///
/// let name = format!("mio-st example {}", std::process::id());
/// let address = SocketAddr::from_abstract_name(name)?;
/// let mut listener = UnixListener::bind_addr(&address)?;
///
/// let mut poller = Poller::new()?;
/// poller.register(&mut listener, EventedId(0), UnixListener::INTERESTS, PollOption::Edge)?;
///
/// let client = UnixStream::connect_addr(&address)?;
/// let mut events = Events::new();
/// poller.poll(&mut events, None)?;
/// let (connection, peer) = listener.accept()?;
/// assert!(peer.is_unnamed());
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct UnixListener {
    fd: Fd,
}

impl UnixListener {
    /// Interest in connections to accept.
    pub const INTERESTS: Interests = Interests::READABLE;

    /// Makes a socket at a path and listens. The queue of connections has room for `SOMAXCONN`, see
    /// [`UnixListenerBuilder::backlog`].
    ///
    /// # Errors
    ///
    /// - `AddrInUse`: something is at the path, be it the socket of a process that is gone.
    /// - `NotFound`, `PermissionDenied`: the folder does not exist, or may not be written to.
    /// - `ENAMETOOLONG`: the path is too long (107 bytes are allowed on Linux, 103 on others).
    /// - `InvalidInput`: the path is empty or has a NUL byte.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        UnixListener::bind_to(&Addr::try_from(path.as_ref())?)
    }

    /// Binds to an address and listens. Given an unnamed one, Linux chooses an abstract name.
    ///
    /// # Errors
    ///
    /// As [`bind`](UnixListener::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixListener> {
        UnixListener::bind_to(&Addr::from(address))
    }

    pub(crate) fn bind_to(address: &Addr) -> io::Result<UnixListener> {
        UnixListenerBuilder::new().bind_to(address)
    }

    /// Another handle of the same socket.
    ///
    /// # Notes
    ///
    /// A duplicate is registered by itself. epoll goes on reporting events of a registered one that was
    /// dropped until every other is closed too: close it with [`Poller::close`](crate::Poller::close).
    ///
    /// # Errors
    ///
    /// `EMFILE` when there are too many descriptors.
    pub fn try_clone(&self) -> io::Result<UnixListener> {
        Ok(UnixListener { fd: self.fd.duplicate()? })
    }

    /// Takes a connection that waits, and the address of the peer, which most do not have. The
    /// connection is non-blocking and close-on-exec.
    ///
    /// # Errors
    ///
    /// As [`TcpListener::accept`](crate::net::TcpListener::accept): `WouldBlock` when no connection
    /// waits; `EMFILE` and `ENFILE` when there are too many descriptors, and then a connection waits, and goes
    /// on waiting.
    pub fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (fd, peer) = unix_socket::accept(&self.fd)?;
        Ok((UnixStream::from_fd(fd), peer))
    }

    /// As [`accept`](UnixListener::accept), with the address as the system has it.
    pub(crate) fn accept_raw(&self) -> io::Result<(UnixStream, Addr)> {
        let (fd, peer) = unix_socket::accept_raw(&self.fd)?;
        Ok((UnixStream::from_fd(fd), peer))
    }

    /// The address that the socket is bound to.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        unix_socket::by_std(&self.fd, net::UnixDatagram::local_addr)
    }

    /// Takes the error that waits at the socket (`SO_ERROR`).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        socket::take_error(&self.fd)
    }
}

fd_traits!(UnixListener, |interests| refuse_if(
    interests.is_writable(),
    "UnixListener only needs readable interests"
));
std_traits!(UnixListener, net::UnixListener);
socket_options!(UnixListener);

/// Makes a [`UnixListener`] with other than the usual options.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use mio_st::unix::UnixListenerBuilder;
///
/// # let folder = std::env::temp_dir().join(format!("mio-st-builder-{}", std::process::id()));
/// # std::fs::create_dir(&folder)?;
/// let listener = UnixListenerBuilder::new().backlog(1024).bind(folder.join("socket"))?;
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Copy, Clone, Debug)]
#[must_use = "it does nothing until `bind` is called"]
pub struct UnixListenerBuilder {
    backlog: c_int,
    send_buffer_size: Option<usize>,
    recv_buffer_size: Option<usize>,
}

impl UnixListenerBuilder {
    /// The options of [`UnixListener::bind`].
    pub const fn new() -> UnixListenerBuilder {
        UnixListenerBuilder {
            backlog: libc::SOMAXCONN,
            send_buffer_size: None,
            recv_buffer_size: None,
        }
    }

    /// Sets how many connections may wait to be accepted; by default `SOMAXCONN` of the C library, which is
    /// 4096 with glibc and 128 with musl and on Android.
    ///
    /// Linux takes at most `/proc/sys/net/core/somaxconn`, and has room for one more than was asked for. A
    /// client that finds no room gets an error: see [`UnixStream::connect`].
    pub const fn backlog(mut self, backlog: u32) -> UnixListenerBuilder {
        self.backlog = if backlog > c_int::MAX as u32 { c_int::MAX } else { backlog as c_int };
        self
    }

    /// Sets `SO_SNDBUF`, see [`UnixStream::set_send_buffer_size`]; by default it is up to the system.
    ///
    /// # Platform differences
    ///
    /// On Linux connections do not inherit it: set it on each.
    pub const fn send_buffer_size(mut self, size: usize) -> UnixListenerBuilder {
        self.send_buffer_size = Some(size);
        self
    }

    /// Sets `SO_RCVBUF`, see [`UnixStream::set_recv_buffer_size`]; by default it is up to the system.
    ///
    /// # Platform differences
    ///
    /// As [`send_buffer_size`](UnixListenerBuilder::send_buffer_size).
    pub const fn recv_buffer_size(mut self, size: usize) -> UnixListenerBuilder {
        self.recv_buffer_size = Some(size);
        self
    }

    /// Makes a socket at a path and listens.
    ///
    /// # Errors
    ///
    /// Those of [`UnixListener::bind`]; `InvalidInput` for a size of more than 2^31 - 1.
    pub fn bind<P: AsRef<Path>>(self, path: P) -> io::Result<UnixListener> {
        self.bind_to(&Addr::try_from(path.as_ref())?)
    }

    /// Binds to an address and listens. Given an unnamed one, Linux chooses an abstract name.
    ///
    /// # Errors
    ///
    /// As [`bind`](UnixListenerBuilder::bind).
    pub fn bind_addr(self, address: &SocketAddr) -> io::Result<UnixListener> {
        self.bind_to(&Addr::from(address))
    }

    pub(crate) fn bind_to(self, address: &Addr) -> io::Result<UnixListener> {
        let fd = socket::new(libc::AF_UNIX, libc::SOCK_STREAM)?;
        for (name, size) in
            [(libc::SO_SNDBUF, self.send_buffer_size), (libc::SO_RCVBUF, self.recv_buffer_size)]
        {
            if let Some(size) = size {
                socket::set_buffer_size(&fd, name, size)?;
            }
        }
        socket::bind(&fd, address)?;
        socket::listen(&fd, self.backlog)?;
        Ok(UnixListener { fd })
    }
}

impl Default for UnixListenerBuilder {
    fn default() -> UnixListenerBuilder {
        UnixListenerBuilder::new()
    }
}
