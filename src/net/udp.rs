use std::io;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr};

use libc::c_int;

use crate::net::UdpSocketBuilder;
use crate::net::options::{int, internet_socket};
use crate::poll::Interests;
use crate::sys::socket::{self, Addr};
use crate::sys::{Fd, fd_traits, mmsg};

/// A non-blocking UDP socket, which sends to any address and receives from any.
///
/// It works as std's `UdpSocket` does, but an operation that would block fails with
/// [`WouldBlock`](io::ErrorKind::WouldBlock): then wait for the next event. To send to and receive from one
/// peer only, [`connect`](UdpSocket::connect) it.
///
/// # Notes
///
/// An empty datagram is received as 0 bytes, and is not the end of anything.
///
/// What does not fit the buffer of a receiving call is thrown away. [`recv_batch`](UdpSocket::recv_batch)
/// tells so, of one datagram too.
///
/// # Examples
///
/// An echo:
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use mio_st::net::UdpSocket;
/// use mio_st::{EventedId, Events, PollOption, Poller};
///
/// const ECHO: EventedId = EventedId(0);
/// const CLIENT: EventedId = EventedId(1);
///
/// let mut echo = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
/// let client = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
/// let mut client = client.connect(echo.local_addr()?)?;
///
/// let mut poller = Poller::new()?;
/// let mut events = Events::new();
/// poller.register(&mut echo, ECHO, UdpSocket::INTERESTS, PollOption::Edge)?;
/// poller.register(&mut client, CLIENT, UdpSocket::INTERESTS, PollOption::Edge)?;
///
/// client.send(b"hello")?;
/// let mut buffer = [0; 1500];
/// loop {
///     poller.poll(&mut events, None)?;
///     for event in &mut events {
///         match event.id() {
///             ECHO => {
///                 while let Ok((n, peer)) = echo.recv_from(&mut buffer) {
///                     echo.send_to(&buffer[..n], peer)?;
///                 }
///             }
///             _ => {
///                 if let Ok(n) = client.recv(&mut buffer) {
///                     assert_eq!(&buffer[..n], b"hello");
///                     return Ok(());
///                 }
///             }
///         }
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct UdpSocket {
    pub(super) fd: Fd,
}

impl UdpSocket {
    /// Interest in receiving and in sending.
    ///
    /// Each send may make an edge of `WRITABLE` (it does on loopback), though nothing was refused: a server that
    /// answers is woken half as often by [`Interests::READABLE`], and needs more only after `WouldBlock`.
    pub const INTERESTS: Interests = Interests::BOTH;

    /// Makes a socket that is bound to an address. For other options see [`UdpSocketBuilder`].
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable`, `PermissionDenied` (a port below 1024), `EMFILE`.
    pub fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
        UdpSocketBuilder::new().bind(address)
    }

    /// Connects: from now on the socket sends to one peer, and receives from no other.
    ///
    /// # Notes
    ///
    /// What others sent before is still there to be received.
    ///
    /// The registration with a poller, if there is one, goes on.
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT` for an address of the wrong family, `NetworkUnreachable`. The socket is closed
    /// then.
    pub fn connect(self, peer: SocketAddr) -> io::Result<ConnectedUdpSocket> {
        self.set_peer(peer)?;
        Ok(ConnectedUdpSocket { fd: self.fd })
    }

    pub(crate) fn set_peer(&self, peer: SocketAddr) -> io::Result<()> {
        socket::connect(&self.fd, &Addr::from(peer))
    }

    /// Sends a datagram to an address. It is sent whole or not at all.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, `EMSGSIZE` for a datagram that is too big, `EAFNOSUPPORT` for an address of the
    /// wrong family, `PermissionDenied` for a broadcast address without
    /// [`set_broadcast`](UdpSocket::set_broadcast), `NetworkUnreachable`.
    pub fn send_to(&self, buf: &[u8], target: SocketAddr) -> io::Result<usize> {
        socket::send_to(&self.fd, buf, &Addr::from(target))
    }

    /// Receives a datagram; returns its length, and who sent it.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is none.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (n, sender) = socket::recv_from(&self.fd, buf, 0)?;
        Ok((n, (&sender).try_into()?))
    }

    /// Receives without taking: the next call receives the same datagram.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is none.
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (n, sender) = socket::recv_from(&self.fd, buf, libc::MSG_PEEK)?;
        Ok((n, (&sender).try_into()?))
    }

    /// Sends many datagrams at once; returns how many were sent, from the first.
    ///
    /// It takes at most 64 items, and stops at the first that cannot be sent: send the rest with another
    /// call, which will say why. Nothing is allocated.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](UdpSocket::send_to), for the first datagram.
    ///
    /// # Platform differences
    ///
    /// One `sendmmsg(2)` on Linux and Android; elsewhere a call for each datagram.
    ///
    /// # Examples
    ///
    /// Sending back all that was received:
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use mio_st::net::{Datagram, UdpSocket};
    ///
    /// let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
    /// let client = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
    /// let address = socket.local_addr()?;
    /// assert_eq!(client.send_batch([(&b"one"[..], address), (b"two", address)])?, 2);
    ///
    /// // Made once: the memory is used again and again.
    /// let mut memory = vec![0; 64 * 1500];
    /// let mut datagrams: Vec<_> = memory.chunks_mut(1500).map(Datagram::new).collect();
    ///
    /// let received = socket.recv_batch(&mut datagrams)?;
    /// let mut answers = datagrams[..received].iter().filter_map(|d| Some((d.data(), d.sender()?)));
    /// assert_eq!(socket.send_batch(&mut answers)?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_batch<'a, I>(&self, datagrams: I) -> io::Result<usize>
    where
        I: IntoIterator<Item = (&'a [u8], SocketAddr)>,
    {
        let datagrams = datagrams.into_iter();
        mmsg::send(&self.fd, datagrams.map(|(data, target)| (data, Some(Addr::from(target)))))
    }
}

fd_traits!(UdpSocket);
internet_socket!(UdpSocket, net::UdpSocket);

/// A non-blocking UDP socket that sends to one peer, and receives from no other.
///
/// # Notes
///
/// When the peer's host answers that nobody listens there, the next call on the socket fails with
/// `ConnectionRefused`. The socket goes on working after that.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use mio_st::net::{ConnectedUdpSocket, UdpSocket};
///
/// let server = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
/// let client =
///     ConnectedUdpSocket::connect("127.0.0.1:0".parse().unwrap(), server.local_addr()?)?;
///
/// client.send(b"hello")?;
/// let mut buffer = [0; 16];
/// assert_eq!(server.recv_from(&mut buffer)?, (5, client.local_addr()?));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ConnectedUdpSocket {
    fd: Fd,
}

impl ConnectedUdpSocket {
    /// Interest in receiving and in sending. What is said at [`UdpSocket::INTERESTS`] holds here too.
    pub const INTERESTS: Interests = Interests::BOTH;

    /// Makes a socket that is bound to one address, and connects it to another.
    ///
    /// # Errors
    ///
    /// Those of [`UdpSocket::bind`] and [`UdpSocket::connect`].
    pub fn connect(bind: SocketAddr, peer: SocketAddr) -> io::Result<ConnectedUdpSocket> {
        UdpSocket::bind(bind)?.connect(peer)
    }

    /// Ends the association with the peer: the socket sends to any address again, and receives from any.
    /// It keeps the port, and the registration with a poller.
    ///
    /// # Errors
    ///
    /// `AddrInUse`, on Linux: there a port that the system chose is given back for a moment, and another
    /// program took it. The socket is closed then.
    pub fn disconnect(self) -> io::Result<UdpSocket> {
        self.clear_peer()?;
        Ok(UdpSocket { fd: self.fd })
    }

    pub(crate) fn clear_peer(&self) -> io::Result<()> {
        let port = self.local_addr()?.port();
        socket::disconnect(&self.fd)?;
        // Linux gives back the port unless it was asked for by number.
        let mut address = self.local_addr()?;
        if address.port() != port {
            address.set_port(port);
            socket::bind(&self.fd, &Addr::from(address))?;
        }
        Ok(())
    }

    /// The address of the peer.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        (&socket::peer_addr(&self.fd)?).try_into()
    }

    /// Sends a datagram to the peer. It is sent whole or not at all.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, `EMSGSIZE` for a datagram that is too big, `ConnectionRefused` for an earlier one
    /// that nobody listened to.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        socket::send(&self.fd, buf)
    }

    /// Receives a datagram; returns its length.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is none, `ConnectionRefused` when nobody listened to what was sent.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        socket::recv(&self.fd, buf, 0)
    }

    /// Receives without taking: the next call receives the same datagram.
    ///
    /// # Errors
    ///
    /// As [`recv`](ConnectedUdpSocket::recv).
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        socket::recv(&self.fd, buf, libc::MSG_PEEK)
    }

    /// Sends many datagrams at once; returns how many were sent, from the first. See
    /// [`UdpSocket::send_batch`].
    ///
    /// # Errors
    ///
    /// Those of [`send`](ConnectedUdpSocket::send), for the first datagram.
    pub fn send_batch<'a, I>(&self, datagrams: I) -> io::Result<usize>
    where
        I: IntoIterator<Item = &'a [u8]>,
    {
        mmsg::send(&self.fd, datagrams.into_iter().map(|data| (data, None)))
    }
}

fd_traits!(ConnectedUdpSocket);
internet_socket!(ConnectedUdpSocket, net::UdpSocket);

/// Memory for a datagram to be received into by [`UdpSocket::recv_batch`], and what is known about the one
/// that it holds.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::slice;
///
/// use mio_st::net::{Datagram, UdpSocket};
///
/// let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
/// socket.send_to(b"hello", socket.local_addr()?)?;
///
/// // A single one, to see whether it fits.
/// let mut buffer = [0; 4];
/// let mut datagram = Datagram::new(&mut buffer);
/// assert_eq!(socket.recv_batch(slice::from_mut(&mut datagram))?, 1);
/// assert_eq!(datagram.data(), b"hell");
/// assert!(datagram.is_truncated());
/// assert_eq!(datagram.sender(), Some(socket.local_addr()?));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Datagram<'a> {
    buffer: &'a mut [u8],
    len: usize,
    sender: Option<SocketAddr>,
    truncated: bool,
}

impl<'a> Datagram<'a> {
    /// An empty datagram, with memory to receive into.
    pub fn new(buffer: &'a mut [u8]) -> Datagram<'a> {
        Datagram { buffer, len: 0, sender: None, truncated: false }
    }

    /// What was received.
    pub fn data(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// What was received, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [u8] {
        self.buffer.get_mut(..self.len).unwrap_or_default()
    }

    /// Who sent it; `None` if nothing was received yet.
    pub fn sender(&self) -> Option<SocketAddr> {
        self.sender
    }

    /// Whether the datagram was longer than the memory, and its end is lost.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    pub(crate) fn buffer_mut(&mut self) -> &mut [u8] {
        self.buffer
    }

    /// A datagram of `len` bytes is in the buffer; `flags` are those of `recvmsg(2)`.
    pub(crate) fn received(&mut self, len: usize, sender: &Addr, flags: c_int) {
        self.len = len.min(self.buffer.len());
        self.sender = sender.try_into().ok();
        self.truncated = flags & libc::MSG_TRUNC != 0;
    }
}

/// What these options take: BSD wants a byte, Linux and Darwin take an integer too.
#[cfg(any(not(bsd), target_os = "macos", target_os = "ios"))]
type MulticastByte = c_int;
#[cfg(all(bsd, not(any(target_os = "macos", target_os = "ios"))))]
type MulticastByte = u8;

#[cfg(not(bsd))]
use libc::{IPV6_ADD_MEMBERSHIP as IPV6_JOIN, IPV6_DROP_MEMBERSHIP as IPV6_LEAVE};
#[cfg(bsd)]
use libc::{IPV6_JOIN_GROUP as IPV6_JOIN, IPV6_LEAVE_GROUP as IPV6_LEAVE};

fn set_multicast_byte(fd: &Fd, name: c_int, value: u32) -> io::Result<()> {
    let out_of_range = |_| io::Error::from_raw_os_error(libc::EINVAL);
    let value = MulticastByte::from(u8::try_from(value).map_err(out_of_range)?);
    socket::set_option(fd, libc::IPPROTO_IP, name, &value)
}

fn multicast_byte(fd: &Fd, name: c_int) -> io::Result<u32> {
    let value: MulticastByte = socket::option(fd, libc::IPPROTO_IP, name)?;
    Ok(value as u32)
}

fn in_addr(address: &Ipv4Addr) -> libc::in_addr {
    libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) }
}

fn set_membership_v4(
    fd: &Fd,
    name: c_int,
    group: &Ipv4Addr,
    interface: &Ipv4Addr,
) -> io::Result<()> {
    let value = libc::ip_mreq { imr_multiaddr: in_addr(group), imr_interface: in_addr(interface) };
    socket::set_option(fd, libc::IPPROTO_IP, name, &value)
}

fn set_membership_v6(fd: &Fd, name: c_int, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
    let value = libc::ipv6_mreq {
        ipv6mr_multiaddr: libc::in6_addr { s6_addr: group.octets() },
        ipv6mr_interface: interface as _,
    };
    socket::set_option(fd, libc::IPPROTO_IPV6, name, &value)
}

/// What UDP sockets have, connected or not.
macro_rules! udp_socket {
    ($type:ident) => {
        impl $type {
            /// Receives many datagrams at once; returns how many, which are in the first of `datagrams`.
            ///
            /// It fills at most 64, and does not wait for more than are there. Nothing is allocated. An edge
            /// was drained when it says `WouldBlock`, as with a single one.
            ///
            /// # Errors
            ///
            /// Those of receiving a single datagram, `WouldBlock` when there is none.
            ///
            /// # Platform differences
            ///
            /// One `recvmmsg(2)` on Linux and Android; elsewhere a call for each datagram.
            ///
            /// # Examples
            ///
            /// See [`UdpSocket::send_batch`].
            pub fn recv_batch(&self, datagrams: &mut [Datagram<'_>]) -> io::Result<usize> {
                mmsg::recv(&self.fd, datagrams)
            }

            /// Sets `SO_BROADCAST`: whether sending to a broadcast address is allowed.
            pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
                let (level, name) = (libc::SOL_SOCKET, libc::SO_BROADCAST);
                socket::set_int_option(&self.fd, level, name, broadcast.into())
            }

            /// Gets `SO_BROADCAST`.
            pub fn broadcast(&self) -> io::Result<bool> {
                let value = socket::int_option(&self.fd, libc::SOL_SOCKET, libc::SO_BROADCAST)?;
                Ok(value != 0)
            }

            /// Joins an IPv4 multicast group at the interface with the address `interface`, or at one that
            /// the system chooses if that is `0.0.0.0`.
            ///
            /// # Errors
            ///
            /// `AddrInUse` when it is a member already, `InvalidInput` when the group is not a multicast
            /// address, `ENODEV` when there is no such interface.
            ///
            /// # Examples
            ///
            /// ```
            /// # fn main() -> std::io::Result<()> {
            /// use std::net::Ipv4Addr;
            ///
            /// use mio_st::net::UdpSocket;
            ///
            /// let socket = UdpSocket::bind("0.0.0.0:0".parse().unwrap())?;
            /// let group = Ipv4Addr::new(239, 255, 70, 70);
            /// socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
            /// socket.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
            /// # Ok(())
            /// # }
            /// ```
            pub fn join_multicast_v4(
                &self,
                group: &Ipv4Addr,
                interface: &Ipv4Addr,
            ) -> io::Result<()> {
                set_membership_v4(&self.fd, libc::IP_ADD_MEMBERSHIP, group, interface)
            }

            /// Leaves an IPv4 multicast group.
            ///
            /// # Errors
            ///
            /// `AddrNotAvailable` when it is not a member.
            pub fn leave_multicast_v4(
                &self,
                group: &Ipv4Addr,
                interface: &Ipv4Addr,
            ) -> io::Result<()> {
                set_membership_v4(&self.fd, libc::IP_DROP_MEMBERSHIP, group, interface)
            }

            /// Joins an IPv6 multicast group at the interface with this index (`if_nametoindex(3)`), or at
            /// one that the system chooses if that is 0.
            ///
            /// # Errors
            ///
            /// As [`join_multicast_v4`](Self::join_multicast_v4).
            pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
                set_membership_v6(&self.fd, IPV6_JOIN, group, interface)
            }

            /// Leaves an IPv6 multicast group.
            ///
            /// # Errors
            ///
            /// `AddrNotAvailable` when it is not a member.
            pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
                set_membership_v6(&self.fd, IPV6_LEAVE, group, interface)
            }

            /// Sets `IP_MULTICAST_TTL`, the number of hops that an IPv4 multicast packet may make; 1 by
            /// default.
            ///
            /// # Errors
            ///
            /// `InvalidInput` for more than 255.
            pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
                set_multicast_byte(&self.fd, libc::IP_MULTICAST_TTL, ttl)
            }

            /// Gets `IP_MULTICAST_TTL`.
            pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
                multicast_byte(&self.fd, libc::IP_MULTICAST_TTL)
            }

            /// Sets `IPV6_MULTICAST_HOPS`, the number of hops that an IPv6 multicast packet may make; 1 by
            /// default.
            ///
            /// # Errors
            ///
            /// `InvalidInput` for more than 255.
            pub fn set_multicast_hops_v6(&self, hops: u32) -> io::Result<()> {
                let (level, name) = (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_HOPS);
                socket::set_int_option(&self.fd, level, name, int(hops)?)
            }

            /// Gets `IPV6_MULTICAST_HOPS`.
            pub fn multicast_hops_v6(&self) -> io::Result<u32> {
                let (level, name) = (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_HOPS);
                Ok(socket::int_option(&self.fd, level, name)? as u32)
            }

            /// Sets `IP_MULTICAST_LOOP`: whether this host receives the IPv4 multicast packets that the
            /// socket sends; it does by default.
            pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
                set_multicast_byte(&self.fd, libc::IP_MULTICAST_LOOP, on.into())
            }

            /// Gets `IP_MULTICAST_LOOP`.
            pub fn multicast_loop_v4(&self) -> io::Result<bool> {
                Ok(multicast_byte(&self.fd, libc::IP_MULTICAST_LOOP)? != 0)
            }

            /// Sets `IPV6_MULTICAST_LOOP`: whether this host receives the IPv6 multicast packets that the
            /// socket sends; it does by default.
            pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
                let (level, name) = (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_LOOP);
                socket::set_int_option(&self.fd, level, name, on.into())
            }

            /// Gets `IPV6_MULTICAST_LOOP`.
            pub fn multicast_loop_v6(&self) -> io::Result<bool> {
                let (level, name) = (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_LOOP);
                Ok(socket::int_option(&self.fd, level, name)? != 0)
            }

            /// Sets `IP_MULTICAST_IF`: the interface, named by its address, that IPv4 multicast packets
            /// leave by; `0.0.0.0`, the default, leaves it to the system.
            ///
            /// # Errors
            ///
            /// `AddrNotAvailable` when no interface has this address.
            pub fn set_multicast_if_v4(&self, interface: &Ipv4Addr) -> io::Result<()> {
                let (level, name) = (libc::IPPROTO_IP, libc::IP_MULTICAST_IF);
                socket::set_option(&self.fd, level, name, &in_addr(interface))
            }

            /// Gets `IP_MULTICAST_IF`.
            pub fn multicast_if_v4(&self) -> io::Result<Ipv4Addr> {
                let (level, name) = (libc::IPPROTO_IP, libc::IP_MULTICAST_IF);
                let interface: libc::in_addr = socket::option(&self.fd, level, name)?;
                Ok(Ipv4Addr::from(interface.s_addr.to_ne_bytes()))
            }

            /// Sets `IPV6_MULTICAST_IF`: the index of the interface that IPv6 multicast packets leave by;
            /// 0, the default, leaves it to the system.
            ///
            /// # Errors
            ///
            /// `ENODEV` when there is no such interface.
            pub fn set_multicast_if_v6(&self, interface: u32) -> io::Result<()> {
                let (level, name) = (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF);
                socket::set_int_option(&self.fd, level, name, int(interface)?)
            }

            /// Gets `IPV6_MULTICAST_IF`.
            pub fn multicast_if_v6(&self) -> io::Result<u32> {
                let (level, name) = (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF);
                Ok(socket::int_option(&self.fd, level, name)? as u32)
            }
        }
    };
}

udp_socket!(UdpSocket);
udp_socket!(ConnectedUdpSocket);
