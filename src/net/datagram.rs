//! Datagrams of a batch: what is received, what is sent, and what goes along.

use std::fmt;
use std::iter::FusedIterator;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use crate::sys::control::Control;
use crate::sys::mmsg::Received;

/// Explicit congestion notification: the two bits of an IP header by which a router says that it is about to
/// drop packets (RFC 3168).
#[derive(Copy, Clone, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Ecn {
    /// The sender does not take part.
    NotEct = 0b00,
    /// The sender takes part; for low latency by L4S (RFC 9331).
    Ect1 = 0b01,
    /// The sender takes part.
    Ect0 = 0b10,
    /// A router is congested.
    Ce = 0b11,
}

impl Ecn {
    const MASK: u8 = 0b11;

    fn of(traffic_class: u8) -> Ecn {
        match traffic_class & Ecn::MASK {
            0b00 => Ecn::NotEct,
            0b01 => Ecn::Ect1,
            0b10 => Ecn::Ect0,
            _ => Ecn::Ce,
        }
    }
}

/// Memory for a datagram to be received into by [`UdpSocket::recv_batch`](crate::net::UdpSocket::recv_batch), and
/// what is known about the one that it holds.
///
/// With [`set_gro`](crate::net::UdpSocket::set_gro) it may hold a run of datagrams of one sender, all of one size
/// but the last: [`segments`](Datagram::segments) hands out each.
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
    flags: libc::c_int,
    control: Control,
}

impl<'a> Datagram<'a> {
    /// An empty datagram, with memory to receive into.
    pub fn new(buffer: &'a mut [u8]) -> Datagram<'a> {
        Datagram { buffer, len: 0, sender: None, flags: 0, control: Control::default() }
    }

    /// What was received: a datagram, or a run of them.
    pub fn data(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// What was received, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [u8] {
        self.buffer.get_mut(..self.len).unwrap_or_default()
    }

    /// The bytes of each datagram of a run but the last, which may have fewer; those of the datagram, if it is
    /// only one.
    pub fn segment_size(&self) -> usize {
        let size = usize::from(self.control.segment_size);
        if size == 0 { self.len } else { size.min(self.len) }
    }

    /// Each datagram that was received into this one: several if it is a run, otherwise itself.
    pub fn segments(&self) -> Segments<'_> {
        Segments { rest: Some(self.data()), size: self.segment_size() }
    }

    /// Who sent it; `None` if nothing was received yet.
    pub fn sender(&self) -> Option<SocketAddr> {
        self.sender
    }

    /// Whether the datagram was longer than the memory, and its end is lost.
    pub fn is_truncated(&self) -> bool {
        self.flags & libc::MSG_TRUNC != 0
    }

    /// Whether more came along than there was room for, some of which is lost. It happens only to a socket whose
    /// options were set on its descriptor, and not by its methods.
    pub fn is_control_truncated(&self) -> bool {
        self.flags & libc::MSG_CTRUNC != 0
    }

    /// The address of this side to answer from: the one that the datagram was sent to, if that was sent to one
    /// host. Asked for by [`set_recv_local`](crate::net::UdpSocket::set_recv_local).
    pub fn local(&self) -> Option<IpAddr> {
        self.control.local
    }

    /// Whether it was sent to a multicast group, or broadcast. Known where [`local`](Datagram::local) is asked
    /// for.
    pub fn is_multicast(&self) -> bool {
        self.control.to_many
    }

    /// The index of the interface that it came by. Asked for by
    /// [`set_recv_local`](crate::net::UdpSocket::set_recv_local).
    pub fn interface(&self) -> Option<u32> {
        Some(self.control.interface).filter(|&index| index != 0)
    }

    /// The congestion that routers told of. Asked for by
    /// [`set_recv_traffic_class`](crate::net::UdpSocket::set_recv_traffic_class).
    pub fn ecn(&self) -> Option<Ecn> {
        self.traffic_class().map(Ecn::of)
    }

    /// The traffic class, formerly the type of service: two bits of ECN below six of DSCP.
    pub fn traffic_class(&self) -> Option<u8> {
        self.control.traffic_class
    }

    /// How many hops were left to it. Asked for by
    /// [`set_recv_hop_limit`](crate::net::UdpSocket::set_recv_hop_limit).
    pub fn hop_limit(&self) -> Option<u8> {
        self.control.hop_limit
    }

    /// When it arrived, by the clock of the time of day. Asked for by
    /// [`set_recv_timestamp`](crate::net::UdpSocket::set_recv_timestamp).
    ///
    /// Linux takes a moment to begin noting times, from the first socket on that asks for them: what arrives
    /// before has the time of its receipt.
    pub fn timestamp(&self) -> Option<SystemTime> {
        self.since_1970().and_then(|time| SystemTime::UNIX_EPOCH.checked_add(time))
    }

    pub(crate) fn since_1970(&self) -> Option<Duration> {
        self.control.time
    }

    /// How many datagrams the socket had no room for, since it was made; `None` if there were none. Asked for by
    /// [`set_recv_dropped`](crate::net::UdpSocket::set_recv_dropped).
    pub fn dropped(&self) -> Option<u32> {
        self.control.dropped
    }

    pub(crate) fn buffer_mut(&mut self) -> &mut [u8] {
        self.buffer
    }

    /// A datagram is in the buffer.
    pub(crate) fn received(&mut self, received: Received) {
        self.len = received.len.min(self.buffer.len());
        self.sender = received.sender;
        self.flags = received.flags;
        self.control = received.control;
    }
}

/// The datagrams of a run, see [`Datagram::segments`].
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    rest: Option<&'a [u8]>,
    size: usize,
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let (segment, rest) = rest.split_at_checked(self.size).unwrap_or((rest, &[]));
        // An empty datagram is one, too.
        self.rest = Some(rest).filter(|rest| !rest.is_empty());
        Some(segment)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.rest.map_or(0, |rest| rest.len().div_ceil(self.size.max(1)).max(1));
        (len, Some(len))
    }
}

impl ExactSizeIterator for Segments<'_> {}
impl FusedIterator for Segments<'_> {}

/// A datagram to be sent by [`UdpSocket::send_transmits`](crate::net::UdpSocket::send_transmits), or a run of
/// them, with what goes along.
///
/// # Examples
///
/// A run of three datagrams, of which the system makes 1,200, 1,200 and 600 bytes:
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::slice;
///
/// use mio_st::net::{Ecn, Transmit, UdpSocket};
///
/// let receiver = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
/// let sender = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
///
/// let data = [7; 3_000];
/// let mut run =
///     Transmit::new(&data).target(receiver.local_addr()?).segment_size(1_200).ecn(Ecn::Ect0);
/// assert_eq!(sender.send_transmits(slice::from_mut(&mut run))?, 1);
///
/// let mut buffer = [0; 2_000];
/// for size in [1_200, 1_200, 600] {
///     assert_eq!(receiver.recv_from(&mut buffer)?.0, size);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Copy, Clone)]
#[must_use = "it is sent by `send_transmits`"]
pub struct Transmit<'a> {
    data: &'a [u8],
    sent: usize,
    /// An empty datagram is sent, too.
    done: bool,
    /// 0: not a run.
    segment_size: usize,
    pub(crate) target: Option<SocketAddr>,
    /// The segment size is not in here.
    pub(crate) control: Control,
}

impl<'a> Transmit<'a> {
    /// A datagram, for the peer of a connected socket.
    pub fn new(data: &'a [u8]) -> Transmit<'a> {
        Transmit {
            data,
            sent: 0,
            done: false,
            segment_size: 0,
            target: None,
            control: Control::default(),
        }
    }

    /// A datagram, for the sender of another and from the address that was asked, where that is known
    /// ([`set_recv_local`](crate::net::UdpSocket::set_recv_local)).
    pub fn reply(data: &'a [u8], to: &Datagram<'_>) -> Transmit<'a> {
        let mut transmit = Transmit::new(data);
        transmit.target = to.sender();
        transmit.control.local = to.local();
        transmit
    }

    /// Sets where to send it.
    pub fn target(mut self, target: SocketAddr) -> Transmit<'a> {
        self.target = Some(target);
        self
    }

    /// Makes it a run: the data are sent as datagrams of so many bytes, the last of which may have fewer. What is
    /// not less than the data makes one datagram, as does 0.
    pub fn segment_size(mut self, bytes: usize) -> Transmit<'a> {
        self.segment_size = bytes;
        self
    }

    /// Sets the address of this side that it is sent from, which is otherwise the socket's, or chosen by the
    /// system.
    pub fn source(mut self, address: IpAddr) -> Transmit<'a> {
        self.control.local = Some(address.to_canonical());
        self
    }

    /// Sets the interface that it leaves by, named by its index.
    pub fn interface(mut self, index: u32) -> Transmit<'a> {
        self.control.interface = index;
        self
    }

    /// Sets the two bits of congestion notification.
    pub fn ecn(mut self, ecn: Ecn) -> Transmit<'a> {
        let class = self.control.traffic_class.unwrap_or(0);
        self.control.traffic_class = Some(class & !Ecn::MASK | ecn as u8);
        self
    }

    /// Sets the whole traffic class, formerly the type of service: two bits of ECN below six of DSCP.
    pub fn traffic_class(mut self, class: u8) -> Transmit<'a> {
        self.control.traffic_class = Some(class);
        self
    }

    /// Sets how many hops it may make.
    pub fn hop_limit(mut self, hops: u8) -> Transmit<'a> {
        self.control.hop_limit = Some(hops);
        self
    }

    /// What was not sent yet.
    pub fn remaining(&self) -> &'a [u8] {
        self.data.get(self.sent..).unwrap_or_default()
    }

    /// Whether all of it was sent.
    pub fn is_sent(&self) -> bool {
        self.done
    }

    /// Whether what remains is more than one datagram.
    pub(crate) fn is_run(&self) -> bool {
        self.segment_size > 0 && self.data.len() - self.sent > self.segment_size
    }

    /// How many bytes of the `remaining` the next message takes, and the size of its segments; 0 if it has one.
    /// A run that the system cuts has at most `segments` of them and `bytes` in all; otherwise each is a message.
    pub(crate) fn next_len(
        &self,
        remaining: usize,
        segmented: bool,
        segments: usize,
        bytes: usize,
    ) -> (usize, u16) {
        let size = self.segment_size;
        if size == 0 || remaining <= size {
            return (remaining, 0);
        }
        let run = if segmented { segments.min(bytes.checked_div(size).unwrap_or(1)) } else { 1 };
        match u16::try_from(size) {
            Ok(segment_size) if run > 1 => ((size * run).min(remaining), segment_size),
            _ => (size, 0),
        }
    }

    /// So many bytes were sent.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.sent += bytes;
        self.done = self.sent >= self.data.len();
    }
}

impl fmt::Debug for Transmit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transmit")
            .field("len", &self.data.len())
            .field("sent", &self.sent)
            .field("segment_size", &self.segment_size)
            .field("target", &self.target)
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}
