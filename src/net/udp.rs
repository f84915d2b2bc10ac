use std::fmt;
use std::io;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr};

use libc::c_int;

use crate::net::options::{int, internet_socket};
use crate::net::{Datagram, MtuDiscovery, QueuedError, Transmit, UdpSocketBuilder};
use crate::poll::Interests;
use crate::sys::control::{self, Ancillary};
use crate::sys::mmsg::{self, Receiving, Sending};
use crate::sys::socket::{self, Addr};
use crate::sys::{Fd, fd_traits};

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
/// # Dropping
///
/// It is closed when it is dropped. If it is registered, and the program starts children, close it with
/// [`Poller::close`](crate::Poller::close), lest it go on giving events.
///
/// # Examples
///
/// An echo. It is bound to no address of its own, and so it must be told which one was asked, and answer from
/// that:
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::slice;
///
/// use mio_st::net::{Datagram, Transmit, UdpSocket};
/// use mio_st::poll::Interests;
/// use mio_st::{EventedId, Events, PollOption, Poller};
///
/// const ECHO: EventedId = EventedId(0);
/// const CLIENT: EventedId = EventedId(1);
///
/// let mut echo = UdpSocket::bind("0.0.0.0:0".parse().unwrap())?;
/// echo.set_recv_local(true)?;
/// let asked = ([127, 0, 0, 1], echo.local_addr()?.port()).into();
/// let client = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
/// let mut client = client.connect(asked)?;
///
/// let mut poller = Poller::new()?;
/// let mut events = Events::new();
/// poller.register(&mut echo, ECHO, Interests::READABLE, PollOption::Edge)?;
/// poller.register(&mut client, CLIENT, Interests::READABLE, PollOption::Edge)?;
///
/// client.send(b"hello")?;
/// let mut buffer = [0; 1500];
/// loop {
///     poller.poll(&mut events, None)?;
///     for event in &mut events {
///         match event.id() {
///             ECHO => {
///                 let mut datagram = Datagram::new(&mut buffer);
///                 while let Ok(1..) = echo.recv_batch(slice::from_mut(&mut datagram)) {
///                     let mut answer = Transmit::reply(datagram.data(), &datagram);
///                     echo.send_transmits(slice::from_mut(&mut answer))?;
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
pub struct UdpSocket {
    pub(super) fd: Fd,
    known: Known,
}

/// What is known about a socket, so that nothing is asked or made room for in vain.
#[derive(Default)]
struct Known {
    receiving: Receiving,
    sending: Sending,
}

impl UdpSocket {
    /// A new socket: nothing was asked for yet.
    pub(super) fn new(fd: Fd) -> UdpSocket {
        UdpSocket { fd, known: Known::default() }
    }

    /// A socket that somebody else may have set options of.
    fn unknown(fd: Fd) -> UdpSocket {
        let socket = UdpSocket::new(fd);
        socket.known.receiving.expect_all();
        socket
    }
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
    /// then; [`try_connect`](UdpSocket::try_connect) gives it back.
    pub fn connect(self, peer: SocketAddr) -> io::Result<ConnectedUdpSocket> {
        self.try_connect(peer).map_err(|(_, error)| error)
    }

    /// As [`connect`](UdpSocket::connect), and gives the socket back when that fails, as it was: bound, and
    /// registered if it is.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use mio_st::net::UdpSocket;
    ///
    /// let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
    /// let address = socket.local_addr()?;
    /// let (socket, error) = socket.try_connect("[::1]:1".parse().unwrap()).unwrap_err();
    /// assert_eq!(error.raw_os_error(), Some(libc::EAFNOSUPPORT));
    /// assert_eq!(socket.local_addr()?, address);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_connect(
        self,
        peer: SocketAddr,
    ) -> Result<ConnectedUdpSocket, (UdpSocket, io::Error)> {
        match self.set_peer(peer) {
            Ok(()) => Ok(self.into_connected()),
            Err(error) => Err((self, error)),
        }
    }

    /// A socket that was given a peer.
    pub(crate) fn into_connected(self) -> ConnectedUdpSocket {
        ConnectedUdpSocket { fd: self.fd, known: self.known }
    }

    pub(crate) fn set_peer(&self, peer: SocketAddr) -> io::Result<()> {
        self.known.sending.forget_peer();
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
    /// On Linux and Android a `sendmmsg(2)` for each 28 of them; elsewhere a call for each datagram.
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
        mmsg::send(&self.fd, datagrams.map(|(data, target)| (data, Some(target))))
    }
}

fd_traits!(UdpSocket, |_| Ok(()), UdpSocket::unknown);
internet_socket!(UdpSocket, net::UdpSocket, UdpSocket::unknown);

/// A non-blocking UDP socket that sends to one peer, and receives from no other.
///
/// # Notes
///
/// When the peer's host answers that nobody listens there, the next call on the socket fails with
/// `ConnectionRefused`. The socket goes on working after that.
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
pub struct ConnectedUdpSocket {
    fd: Fd,
    known: Known,
}

impl ConnectedUdpSocket {
    /// As that of [`UdpSocket`].
    fn unknown(fd: Fd) -> ConnectedUdpSocket {
        let UdpSocket { fd, known } = UdpSocket::unknown(fd);
        ConnectedUdpSocket { fd, known }
    }
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
    /// program took it. The socket is closed then; [`try_disconnect`](ConnectedUdpSocket::try_disconnect) gives it
    /// back.
    pub fn disconnect(self) -> io::Result<UdpSocket> {
        self.try_disconnect().map_err(|(_, error)| error)
    }

    /// As [`disconnect`](ConnectedUdpSocket::disconnect), and gives the socket back when that fails. After
    /// `AddrInUse` it has neither a peer nor a port.
    pub fn try_disconnect(self) -> Result<UdpSocket, (ConnectedUdpSocket, io::Error)> {
        match self.clear_peer() {
            Ok(()) => Ok(self.into_disconnected()),
            Err(error) => Err((self, error)),
        }
    }

    /// A socket whose peer was taken.
    pub(crate) fn into_disconnected(self) -> UdpSocket {
        UdpSocket { fd: self.fd, known: self.known }
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

    /// The MTU of the path to the peer, as far as it is known (`IP_MTU`).
    ///
    /// # Errors
    ///
    /// `Unsupported` elsewhere than on Linux and Android.
    pub fn mtu(&self) -> io::Result<u32> {
        control::mtu(&self.fd)
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

fd_traits!(ConnectedUdpSocket, |_| Ok(()), ConnectedUdpSocket::unknown);
internet_socket!(ConnectedUdpSocket, net::UdpSocket, ConnectedUdpSocket::unknown);

/// What these options take: BSD wants a byte, Linux and Darwin take an integer too.
#[cfg(any(not(bsd), target_vendor = "apple"))]
type MulticastByte = c_int;
#[cfg(all(bsd, not(target_vendor = "apple")))]
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
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).field("fd", &self.fd).finish()
            }
        }

        impl $type {
            /// Receives many datagrams at once; returns how many, which are in the first of `datagrams`.
            ///
            /// It fills at most 64, and does not wait for more than are there. Nothing is allocated. An edge was
            /// drained when it says `WouldBlock`, as with a single one.
            ///
            /// # Errors
            ///
            /// Those of receiving a single datagram, `WouldBlock` when there is none.
            ///
            /// # Platform differences
            ///
            /// On Linux and Android a `recvmmsg(2)` for each 28 of them, or each 9 of a socket that was asked for what
            /// comes along with them, and one more when many come after few; elsewhere a call for each datagram.
            ///
            /// # Examples
            ///
            /// See [`UdpSocket::send_batch`].
            pub fn recv_batch(&self, datagrams: &mut [Datagram<'_>]) -> io::Result<usize> {
                self.known.receiving.recv(&self.fd, datagrams)
            }

            /// Sends many datagrams at once, and runs of equal ones, with what goes along; returns how many
            /// of `transmits` were sent, from the first.
            ///
            /// A run is cut into datagrams by the system (`UDP_SEGMENT`), at a tenth of the price of as many
            /// datagrams; where it cannot be, because of the system, the interface or the path, they are sent
            /// as a batch, and from then on at once so.
            ///
            /// It stops at the first that cannot be sent. Of that, if it is a run, a part may have been sent,
            /// which [`Transmit::remaining`] tells: send the rest with another call, which will say why. Nothing
            /// is lost, and nothing is sent twice. Nothing is allocated.
            ///
            /// # Errors
            ///
            /// For the first, if nothing of it was sent: those of sending a single datagram, such as
            /// `WouldBlock`; `EAFNOSUPPORT` when the source is not of the family of the target; `InvalidInput` or
            /// `NetworkUnreachable` when the source is not an address of this host; `Unsupported` for what the
            /// system cannot send along.
            ///
            /// # Platform differences
            ///
            /// Runs are cut by Linux, 4.18 or later, and Android; elsewhere they are sent as a batch. A batch
            /// is a `sendmmsg(2)` for some 15 of them, elsewhere a call for each. An interface without a source
            /// can be given to IPv4 on Linux, Android and Darwin; a hop limit to IPv4 on Linux and Android; a
            /// traffic class to IPv4 on these, Darwin and FreeBSD; a source to IPv4 on all but DragonFly BSD.
            ///
            /// # Examples
            ///
            /// See [`Transmit`].
            pub fn send_transmits(&self, transmits: &mut [Transmit<'_>]) -> io::Result<usize> {
                self.known.sending.send(&self.fd, transmits)
            }

            /// How many datagrams of a run the system takes in one call: 64 where it can cut runs, otherwise 1.
            /// It becomes 1 when an interface or a path has refused that.
            pub fn max_segments(&self) -> usize {
                self.known.sending.max_segments(&self.fd)
            }

            /// Sets `UDP_GRO`: whether several datagrams of one sender may be received as a run, see
            /// [`Datagram::segments`].
            ///
            /// # Notes
            ///
            /// Receive by [`recv_batch`](Self::recv_batch): the other calls do not tell where one datagram ends.
            /// A run has up to 65,507 bytes: what does not fit the memory is lost, and told of
            /// ([`Datagram::is_truncated`]).
            ///
            /// Let the memory for runs begin at a page, by `align_offset(4096)`: a large `Vec` begins 16 bytes behind
            /// one, and to there some processors copy several times more slowly.
            ///
            /// # Errors
            ///
            /// `Unsupported` where there is no such thing.
            ///
            /// # Platform differences
            ///
            /// Linux, 5.0 or later, and Android.
            pub fn set_gro(&self, on: bool) -> io::Result<()> {
                control::set_gro(&self.fd, on)
            }

            /// Whether each datagram tells the address and the interface that it came to:
            /// [`Datagram::local`], [`Datagram::interface`]. A socket that is bound to no address needs it
            /// to answer from the one that was asked, see [`Transmit::reply`].
            ///
            /// # Platform differences
            ///
            /// `IP_PKTINFO` on Linux, Android and Darwin; `IP_RECVDSTADDR`, without the interface, on the BSDs;
            /// `IPV6_RECVPKTINFO` on all.
            ///
            /// # Examples
            ///
            /// ```
            /// # fn main() -> std::io::Result<()> {
            /// use std::slice;
            ///
            /// use mio_st::net::{Datagram, Transmit, UdpSocket};
            ///
            /// let echo = UdpSocket::bind("0.0.0.0:0".parse().unwrap())?;
            /// echo.set_recv_local(true)?;
            ///
            /// // A host has many addresses; the one that is asked is not the one that is chosen.
            /// let client = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
            /// let asked = ([127, 0, 0, 1], echo.local_addr()?.port()).into();
            /// client.send_to(b"hello", asked)?;
            ///
            /// let mut buffer = [0; 1_500];
            /// let mut datagram = Datagram::new(&mut buffer);
            /// echo.recv_batch(slice::from_mut(&mut datagram))?;
            /// assert_eq!(datagram.local(), Some(asked.ip()));
            /// let mut answer = Transmit::reply(datagram.data(), &datagram);
            /// echo.send_transmits(slice::from_mut(&mut answer))?;
            ///
            /// let mut buffer = [0; 16];
            /// assert_eq!(client.recv_from(&mut buffer)?, (5, asked));
            /// # Ok(())
            /// # }
            /// ```
            pub fn set_recv_local(&self, on: bool) -> io::Result<()> {
                self.ask_for(Ancillary::Local, on)
            }

            /// Whether each datagram tells its traffic class: [`Datagram::ecn`], [`Datagram::traffic_class`].
            ///
            /// # Errors
            ///
            /// `Unsupported` for IPv4 on NetBSD, OpenBSD and DragonFly BSD.
            pub fn set_recv_traffic_class(&self, on: bool) -> io::Result<()> {
                self.ask_for(Ancillary::TrafficClass, on)
            }

            /// Whether each datagram tells how many hops were left to it: [`Datagram::hop_limit`].
            ///
            /// # Errors
            ///
            /// `Unsupported` for IPv4 on NetBSD and OpenBSD.
            pub fn set_recv_hop_limit(&self, on: bool) -> io::Result<()> {
                self.ask_for(Ancillary::HopLimit, on)
            }

            /// Whether each datagram tells when it arrived: [`Datagram::timestamp`].
            ///
            /// # Platform differences
            ///
            /// In nanoseconds on Linux and Android (`SO_TIMESTAMPNS`), elsewhere in microseconds.
            pub fn set_recv_timestamp(&self, on: bool) -> io::Result<()> {
                self.ask_for(Ancillary::Time, on)
            }

            /// Whether each datagram tells how many were lost because the socket had no room:
            /// [`Datagram::dropped`] (`SO_RXQ_OVFL`).
            ///
            /// # Errors
            ///
            /// `Unsupported` elsewhere than on Linux and Android.
            pub fn set_recv_dropped(&self, on: bool) -> io::Result<()> {
                self.ask_for(Ancillary::Dropped, on)
            }

            /// Sets `IP_RECVERR`: whether errors wait in a queue, with their origins, for
            /// [`recv_error`](Self::recv_error).
            ///
            /// # Notes
            ///
            /// Then a socket without a peer, too, is told that nobody listened to what it sent. Sending and
            /// receiving fail once for each such error; [`Ready::ERROR`](crate::Ready::ERROR) goes when the
            /// queue is empty.
            ///
            /// # Errors
            ///
            /// `Unsupported` elsewhere than on Linux and Android.
            pub fn set_recv_errors(&self, on: bool) -> io::Result<()> {
                control::ask_for_errors(&self.fd, on)
            }

            /// Takes the next entry from the error queue. What it is about is written to `buf`: the beginning
            /// of the datagram that failed, as far as it is known.
            ///
            /// # Errors
            ///
            /// `WouldBlock` when the queue is empty, `Unsupported` elsewhere than on Linux and Android.
            ///
            /// # Examples
            ///
            /// ```
            /// # fn main() -> std::io::Result<()> {
            /// use std::io::ErrorKind;
            ///
            /// use mio_st::net::{ErrorOrigin, UdpSocket};
            /// use mio_st::poll::Interests;
            /// use mio_st::{EventedId, Events, PollOption, Poller, Ready};
            ///
            /// let mut socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
            /// # if cfg!(not(epoll)) { return Ok(()) }
            /// socket.set_recv_errors(true)?;
            /// let mut poller = Poller::new()?;
            /// let mut events = Events::new();
            /// poller.register(&mut socket, EventedId(0), Interests::READABLE, PollOption::Level)?;
            ///
            /// let nobody = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?.local_addr()?;
            /// socket.send_to(b"hello?", nobody)?;
            /// poller.poll(&mut events, None)?;
            /// assert!((&mut events).next().unwrap().readiness().contains(Ready::ERROR));
            ///
            /// let mut buffer = [0; 64];
            /// let error = socket.recv_error(&mut buffer)?;
            /// assert_eq!(error.error().unwrap().kind(), ErrorKind::ConnectionRefused);
            /// assert_eq!(error.origin(), ErrorOrigin::Icmp { kind: 3, code: 3 });
            /// assert_eq!(error.target(), Some(nobody));
            /// assert_eq!(&buffer[..error.data_len()], b"hello?");
            /// assert_eq!(socket.recv_error(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
            /// # Ok(())
            /// # }
            /// ```
            pub fn recv_error(&self, buf: &mut [u8]) -> io::Result<QueuedError> {
                control::recv_error(&self.fd, buf)
            }

            /// Sets what is done with datagrams that are larger than the path takes (`IP_MTU_DISCOVER`).
            ///
            /// # Errors
            ///
            /// `Unsupported` for IPv4 on NetBSD, OpenBSD and DragonFly BSD.
            ///
            /// # Platform differences
            ///
            /// Linux and Android have the four modes; elsewhere `Do` and `Probe` set `IP_DONTFRAG`, and the
            /// others clear it.
            pub fn set_mtu_discovery(&self, mode: MtuDiscovery) -> io::Result<()> {
                control::set_mtu_discovery(&self.fd, mode)
            }

            /// Sets `SO_SNDBUFFORCE`: as [`set_send_buffer_size`](Self::set_send_buffer_size), beyond what the
            /// system's limit allows.
            ///
            /// # Errors
            ///
            /// `PermissionDenied` without the capability `CAP_NET_ADMIN`; `Unsupported` elsewhere than on Linux
            /// and Android.
            pub fn force_send_buffer_size(&self, size: usize) -> io::Result<()> {
                control::force_buffer_size(&self.fd, true, int(size)?)
            }

            /// Sets `SO_RCVBUFFORCE`, see [`force_send_buffer_size`](Self::force_send_buffer_size).
            ///
            /// # Errors
            ///
            /// As there.
            pub fn force_recv_buffer_size(&self, size: usize) -> io::Result<()> {
                control::force_buffer_size(&self.fd, false, int(size)?)
            }

            pub(crate) fn receiving(&self) -> (&Fd, &Receiving) {
                (&self.fd, &self.known.receiving)
            }

            fn ask_for(&self, what: Ancillary, on: bool) -> io::Result<()> {
                if on {
                    self.known.receiving.expect_all();
                }
                control::ask(&self.fd, what, on)
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
