use std::io;
use std::net::SocketAddr;

use libc::c_int;

use crate::net::options::int;
use crate::net::{Keepalive, TcpListener, TcpStream, UdpSocket};
use crate::sys::Fd;
use crate::sys::socket::{self, Addr};

/// What is set between making a socket and binding it.
#[derive(Copy, Clone, Debug)]
struct Options {
    reuse_address: bool,
    reuse_port: bool,
    only_v6: Option<bool>,
    send_buffer_size: Option<usize>,
    recv_buffer_size: Option<usize>,
}

impl Options {
    const fn new(reuse_address: bool) -> Options {
        Options {
            reuse_address,
            reuse_port: false,
            only_v6: None,
            send_buffer_size: None,
            recv_buffer_size: None,
        }
    }

    /// Makes a socket for addresses of the family of `address`.
    fn socket(self, address: &Addr, kind: c_int) -> io::Result<Fd> {
        let fd = socket::new(address.family(), kind)?;
        let set = |name, value| socket::set_int_option(&fd, libc::SOL_SOCKET, name, value);
        if self.reuse_address {
            set(libc::SO_REUSEADDR, 1)?;
        }
        if self.reuse_port {
            set(libc::SO_REUSEPORT, 1)?;
        }
        if let Some(only) = self.only_v6 {
            socket::set_int_option(&fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, only.into())?;
        }
        if let Some(size) = self.send_buffer_size {
            set(libc::SO_SNDBUF, int(size)?)?;
        }
        if let Some(size) = self.recv_buffer_size {
            set(libc::SO_RCVBUF, int(size)?)?;
        }
        Ok(fd)
    }
}

/// What is set on TCP sockets besides; the connections of a listener inherit it.
#[derive(Copy, Clone, Debug)]
struct TcpOptions {
    nodelay: bool,
    keepalive: Option<Keepalive>,
}

impl TcpOptions {
    const fn new() -> TcpOptions {
        TcpOptions { nodelay: false, keepalive: None }
    }

    fn set(self, fd: &Fd) -> io::Result<()> {
        if self.nodelay {
            socket::set_int_option(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
        }
        if self.keepalive.is_some() {
            Keepalive::set(self.keepalive, fd)?;
        }
        Ok(())
    }
}

/// The methods that all builders have, for a type with a field `options: Options`.
macro_rules! builder {
    ($type:ident, $default:literal) => {
        impl $type {
            #[doc = concat!("Sets `SO_REUSEADDR`, which is ", $default, " by default, see `socket(7)`.")]
            ///
            /// A TCP socket that has it may bind to an address on which only connections that were closed
            /// before are left, in TIME_WAIT. With UDP, sockets that all have it may share an address, and
            /// each gets a copy of what is sent to a multicast group that it joined.
            pub const fn reuse_address(mut self, reuse: bool) -> $type {
                self.options.reuse_address = reuse;
                self
            }

            /// Sets `SO_REUSEPORT`, which is off by default: sockets that all have it may be bound to the
            /// same address.
            ///
            /// # Platform differences
            ///
            /// Linux (and DragonFly BSD) spreads connections and datagrams over the sockets, which must
            /// belong to one user: a thread-per-core server has a listener for each thread. On macOS and
            /// the other BSDs the socket that was bound last gets everything.
            pub const fn reuse_port(mut self, reuse: bool) -> $type {
                self.options.reuse_port = reuse;
                self
            }

            /// Sets `IPV6_V6ONLY`: whether an IPv6 socket has nothing to do with IPv4.
            ///
            /// By default it is as the system has it (`/proc/sys/net/ipv6/bindv6only`): on Linux a socket
            /// that is bound to `[::]` usually serves IPv4 too. An IPv4 socket has no such option, and
            /// then binding or connecting fails.
            pub const fn only_v6(mut self, only: bool) -> $type {
                self.options.only_v6 = Some(only);
                self
            }

            /// Sets `SO_SNDBUF`, see [`TcpStream::set_send_buffer_size`]; by default it is up to the
            /// system.
            pub const fn send_buffer_size(mut self, size: usize) -> $type {
                self.options.send_buffer_size = Some(size);
                self
            }

            /// Sets `SO_RCVBUF`, see [`TcpStream::set_recv_buffer_size`]; by default it is up to the
            /// system, which on Linux lets the buffer of a connection grow while it is needed.
            pub const fn recv_buffer_size(mut self, size: usize) -> $type {
                self.options.recv_buffer_size = Some(size);
                self
            }
        }

        impl Default for $type {
            fn default() -> $type {
                $type::new()
            }
        }
    };
}

/// The methods of the builders of TCP sockets, with a field `tcp: TcpOptions`.
macro_rules! tcp_builder {
    ($type:ident, $of:literal) => {
        impl $type {
            #[doc = concat!("Sets `TCP_NODELAY` ", $of, ", see [`TcpStream::set_nodelay`].")]
            pub const fn nodelay(mut self, nodelay: bool) -> $type {
                self.tcp.nodelay = nodelay;
                self
            }

            #[doc = concat!("Turns keepalive on ", $of, ", see [`TcpStream::set_keepalive`].")]
            pub const fn keepalive(mut self, keepalive: Keepalive) -> $type {
                self.tcp.keepalive = Some(keepalive);
                self
            }
        }
    };
}

/// Makes a [`TcpListener`] with other than the usual options.
///
/// # Examples
///
/// Two threads that share a port, each with a listener and a queue of its own:
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use mio_st::net::TcpListenerBuilder;
///
/// const BUILDER: TcpListenerBuilder =
///     TcpListenerBuilder::new().backlog(1024).reuse_port(true).nodelay(true);
///
/// let first = BUILDER.bind("127.0.0.1:0".parse().unwrap())?;
/// let second = BUILDER.bind(first.local_addr()?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Copy, Clone, Debug)]
#[must_use = "it does nothing until `bind` is called"]
pub struct TcpListenerBuilder {
    options: Options,
    tcp: TcpOptions,
    backlog: c_int,
}

impl TcpListenerBuilder {
    /// The options of [`TcpListener::bind`].
    pub const fn new() -> TcpListenerBuilder {
        TcpListenerBuilder {
            options: Options::new(true),
            tcp: TcpOptions::new(),
            backlog: libc::SOMAXCONN,
        }
    }

    /// Sets how many connections may wait to be accepted; by default `SOMAXCONN` of the C library, which is
    /// 4096 with glibc and 128 with musl.
    ///
    /// It is a hint, see `listen(2)`. Linux takes at most `/proc/sys/net/core/somaxconn`, has room for
    /// one more than was asked for, and lets a client that finds no room try again.
    pub const fn backlog(mut self, backlog: u32) -> TcpListenerBuilder {
        self.backlog = if backlog > c_int::MAX as u32 { c_int::MAX } else { backlog as c_int };
        self
    }

    /// Makes the socket, binds it to an address and listens.
    ///
    /// # Errors
    ///
    /// Those of [`TcpListener::bind`], and those of the options.
    pub fn bind(self, address: SocketAddr) -> io::Result<TcpListener> {
        let address = Addr::from(address);
        let fd = self.options.socket(&address, libc::SOCK_STREAM)?;
        self.tcp.set(&fd)?;
        socket::bind(&fd, &address)?;
        socket::listen(&fd, self.backlog)?;
        Ok(TcpListener { fd })
    }
}

builder!(TcpListenerBuilder, "on");
tcp_builder!(TcpListenerBuilder, "for every connection that is accepted");

/// Makes a [`TcpStream`] with other than the usual options, or from a given address of this side.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use mio_st::net::{TcpListener, TcpStreamBuilder};
///
/// let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
/// let stream = TcpStreamBuilder::new()
///     .bind("127.0.0.1:0".parse().unwrap())
///     .recv_buffer_size(1 << 17)
///     .connect(listener.local_addr()?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Copy, Clone, Debug)]
#[must_use = "it does nothing until `connect` is called"]
pub struct TcpStreamBuilder {
    options: Options,
    tcp: TcpOptions,
    local: Option<SocketAddr>,
}

impl TcpStreamBuilder {
    /// The options of [`TcpStream::connect`].
    pub const fn new() -> TcpStreamBuilder {
        TcpStreamBuilder { options: Options::new(false), tcp: TcpOptions::new(), local: None }
    }

    /// Sets the address of this side, which is otherwise chosen by the system.
    ///
    /// Port 0 leaves the port to the system. On Linux that is then chosen while connecting
    /// (`IP_BIND_ADDRESS_NO_PORT`), so that connections to different peers can share one.
    pub const fn bind(mut self, local: SocketAddr) -> TcpStreamBuilder {
        self.local = Some(local);
        self
    }

    /// Makes the socket, binds it if that was asked for, and begins to connect.
    ///
    /// # Errors
    ///
    /// Those of [`TcpStream::connect`] and those of the options. If the address of this side was given:
    /// `AddrInUse`, `AddrNotAvailable`, `PermissionDenied`, and `EAFNOSUPPORT` when the two addresses are
    /// not of one family.
    pub fn connect(self, peer: SocketAddr) -> io::Result<TcpStream> {
        let address = Addr::from(peer);
        let fd = self.options.socket(&address, libc::SOCK_STREAM)?;
        self.tcp.set(&fd)?;
        if let Some(local) = self.local {
            if local.is_ipv4() != peer.is_ipv4() {
                // Linux says so of one order only, and EINVAL of the other.
                return Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT));
            }
            #[cfg(target_os = "linux")]
            if local.port() == 0 {
                let (level, name) = (libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT);
                // A kernel that does not know it, before 4.2, chooses the port when binding.
                socket::set_int_option(&fd, level, name, 1).unwrap_or_else(crate::sys::ignore);
            }
            socket::bind(&fd, &Addr::from(local))?;
        }
        socket::begin_to_connect(&fd, &address)?;
        Ok(TcpStream { fd })
    }
}

builder!(TcpStreamBuilder, "off");
tcp_builder!(TcpStreamBuilder, "for the connection");

/// Makes a [`UdpSocket`] with other than the usual options.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use mio_st::net::UdpSocketBuilder;
///
/// let builder = UdpSocketBuilder::new().reuse_port(true).recv_buffer_size(1 << 20);
/// let first = builder.bind("127.0.0.1:0".parse().unwrap())?;
/// let second = builder.bind(first.local_addr()?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Copy, Clone, Debug)]
#[must_use = "it does nothing until `bind` is called"]
pub struct UdpSocketBuilder {
    options: Options,
}

impl UdpSocketBuilder {
    /// The options of [`UdpSocket::bind`].
    pub const fn new() -> UdpSocketBuilder {
        UdpSocketBuilder { options: Options::new(false) }
    }

    /// Makes the socket and binds it to an address.
    ///
    /// # Errors
    ///
    /// Those of [`UdpSocket::bind`], and those of the options.
    pub fn bind(self, address: SocketAddr) -> io::Result<UdpSocket> {
        let address = Addr::from(address);
        let fd = self.options.socket(&address, libc::SOCK_DGRAM)?;
        socket::bind(&fd, &address)?;
        Ok(UdpSocket::new(fd))
    }
}

builder!(UdpSocketBuilder, "off");
