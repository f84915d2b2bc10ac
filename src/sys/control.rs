//! Control messages, which go with a datagram or come with it: `cmsg(3)`. They are built and read here and
//! nowhere else.
//!
//! Both work on slices of bytes, so that nothing beyond them is touched: a message is cut off the front, and
//! one whose length cannot be right ends the reading.

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::IpAddr;
use std::os::fd::RawFd;
use std::time::Duration;

use libc::{c_int, cmsghdr};

use self::names::*;
use crate::net::{MtuDiscovery, QueuedError};
use crate::sys::socket::Addr;
#[cfg(not(bsd))]
use crate::sys::socket::InternetAddr;
use crate::sys::{Fd, ignore, sanitizers, socket};

/// Where the data of a message begins.
// SAFETY: it is arithmetic.
const HEADER: usize = unsafe { libc::CMSG_LEN(0) } as usize;

/// What the messages are aligned to.
// SAFETY: it is arithmetic.
const ALIGN: usize = unsafe { libc::CMSG_SPACE(1) } as usize - HEADER;

/// The bytes that a message takes with so much data.
const fn space(data: usize) -> usize {
    HEADER + data.next_multiple_of(ALIGN)
}

/// Room for a segment size, which may come unasked.
pub(crate) const SEGMENT_ROOM: usize = space(4);

/// Room for all that can be asked for: a segment size, a class, a hop limit and an address in the form of both
/// families, a time and a count.
pub(crate) const FULL_ROOM: usize = 6 * space(4) + space(20) + space(12) + space(16);

/// Room for all that can be sent along: a segment size, a class, a hop limit and a source.
pub(crate) const SEND_ROOM: usize = 3 * space(4) + space(20);

/// What goes with a datagram, or came with it.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub struct Control {
    /// The bytes of each datagram of a run but the last; 0: it is not a run.
    pub segment_size: u16,
    /// The field of an IPv4 header that was the type of service, that of IPv6 which is the traffic class:
    /// two bits of ECN below six of DSCP.
    pub traffic_class: Option<u8>,
    /// The address of this side that it was sent to, or is sent from.
    pub local: Option<IpAddr>,
    /// It was sent to a group, or to all; then `local` is one that can answer, if that is known.
    pub to_many: bool,
    /// The interface of this side, by its index; 0: not known.
    pub interface: u32,
    /// How many hops are left to it.
    pub hop_limit: Option<u8>,
    /// When it arrived, from the beginning of 1970.
    pub time: Option<Duration>,
    /// How many datagrams the socket had no room for, so far.
    pub dropped: Option<u32>,
}

/// The header of the message at the front and its data; and what follows.
fn split(bytes: &[u8]) -> Option<(cmsghdr, &[u8], &[u8])> {
    let header = header(bytes)?;
    let len = length(header.cmsg_len);
    let data = bytes.get(HEADER..len)?;
    let next = len.next_multiple_of(ALIGN).min(bytes.len());
    Some((header, data, bytes.get(next..).unwrap_or_default()))
}

/// The header of the message at the front.
fn header(bytes: &[u8]) -> Option<cmsghdr> {
    const { assert!(size_of::<cmsghdr>() <= HEADER) };
    // SAFETY: there are so many bytes, and a cmsghdr is made of integers.
    (bytes.len() >= HEADER).then(|| unsafe { bytes.as_ptr().cast::<cmsghdr>().read_unaligned() })
}

/// A length, whose type depends on the system.
pub(super) fn length(len: impl TryInto<usize>) -> usize {
    len.try_into().unwrap_or(0)
}

/// The first bytes of the data, if there are so many.
fn front<const N: usize>(data: &[u8]) -> Option<[u8; N]> {
    data.first_chunk().copied()
}

/// An integer, which some systems give as a byte.
fn integer(data: &[u8]) -> Option<c_int> {
    front(data).map(c_int::from_ne_bytes).or_else(|| data.first().map(|&byte| byte.into()))
}

fn v4(data: &[u8]) -> Option<IpAddr> {
    front(data).map(|octets: [u8; 4]| octets.into())
}

impl Control {
    /// Reads what the system has written.
    pub fn read(bytes: &[u8]) -> Control {
        let mut control = Control::default();
        let mut rest = bytes;
        while let Some((header, data, next)) = split(rest) {
            rest = next;
            control.take(header.cmsg_level, header.cmsg_type, data);
        }
        control
    }

    fn take(&mut self, level: c_int, kind: c_int, data: &[u8]) {
        let message = Some((level, kind));
        if message == UDP_GRO {
            self.segment_size = integer(data).and_then(|n| n.try_into().ok()).unwrap_or(0);
        } else if message == IPV4_CLASS || message == IPV6_CLASS {
            self.traffic_class = integer(data).map(|class| class as u8);
        } else if message == IPV4_HOPS || message == IPV6_HOPS {
            self.hop_limit = integer(data).map(|hops| hops as u8);
        } else if message == IPV6_LOCAL {
            self.set_local(
                front(data).map(|address: [u8; 16]| IpAddr::from(address).to_canonical()),
            );
            self.interface = data.get(16..).and_then(front).map_or(0, u32::from_ne_bytes);
        } else if message == IPV4_LOCAL {
            if PKTINFO {
                // The index, an address to answer from, and that of the header, which may be a group's.
                self.interface = front(data).map_or(0, u32::from_ne_bytes);
                self.set_local(data.get(4..).and_then(v4));
                let to = data.get(8..).and_then(v4).filter(|to| !to.is_unspecified());
                self.to_many |= to.is_some() && to != self.local;
            } else {
                self.set_local(v4(data));
            }
        } else if message == TIME {
            self.time = time(data);
        } else if message == DROPPED {
            self.dropped = front(data).map(u32::from_ne_bytes);
        }
    }

    fn set_local(&mut self, address: Option<IpAddr>) {
        self.to_many = address.is_some_and(|address| address.is_multicast());
        self.local = address.filter(|address| !self.to_many && !address.is_unspecified());
    }

    /// Whether there is nothing to send along.
    pub(crate) fn is_empty(&self) -> bool {
        self.segment_size == 0
            && self.traffic_class.is_none()
            && self.local.is_none()
            && self.interface == 0
            && self.hop_limit.is_none()
    }

    /// Writes what is to go along with a datagram of IPv4 or IPv6. `None` if the system cannot do that, or the
    /// source is of the other family.
    pub(crate) fn write<'a>(
        &self,
        room: &'a mut [MaybeUninit<u8>; SEND_ROOM],
        is_v4: bool,
    ) -> Option<&'a [u8]> {
        let mut writer = Writer { room, len: 0 };
        if self.segment_size > 0 {
            writer.push(UDP_SEGMENT?, &self.segment_size.to_ne_bytes());
        }
        if let Some(class) = self.traffic_class {
            let name = if is_v4 { IPV4_CLASS_SENT } else { IPV6_CLASS };
            writer.push(name?, &c_int::from(class).to_ne_bytes());
        }
        if let Some(hops) = self.hop_limit {
            let name = if is_v4 { IPV4_HOPS_SENT } else { IPV6_HOPS };
            writer.push(name?, &c_int::from(hops).to_ne_bytes());
        }
        match (self.local, is_v4) {
            (None, _) if self.interface == 0 => {}
            (None | Some(IpAddr::V4(_)), true) => {
                let address = match self.local {
                    Some(IpAddr::V4(address)) => address.octets(),
                    _ => [0; 4],
                };
                if PKTINFO {
                    let mut info = [0; 12];
                    info[..4].copy_from_slice(&self.interface.to_ne_bytes());
                    info[4..8].copy_from_slice(&address);
                    writer.push(IPV4_LOCAL?, &info);
                } else if self.local.is_some() {
                    writer.push(IPV4_LOCAL_SENT?, &address);
                } else {
                    return None;
                }
            }
            (None | Some(IpAddr::V6(_)), false) => {
                let mut info = [0; 20];
                if let Some(IpAddr::V6(address)) = self.local {
                    info[..16].copy_from_slice(&address.octets());
                }
                info[16..].copy_from_slice(&self.interface.to_ne_bytes());
                writer.push(IPV6_LOCAL?, &info);
            }
            _ => return None,
        }
        Some(writer.finish())
    }
}

/// Takes the first entry of a socket's error queue; what it is about is written to `buffer`.
#[cfg(not(bsd))]
pub(crate) fn recv_error(fd: &Fd, buffer: &mut [u8]) -> io::Result<QueuedError> {
    /// All that may come along with a datagram, and a struct sock_extended_err with an address, and three times.
    const ROOM: usize = FULL_ROOM + space(16 + 28) + space(48);
    let mut control = [0_u64; ROOM.div_ceil(8)];
    let mut target = InternetAddr::unset();
    let mut iovec = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all-zero is a valid msghdr: it is made of integers and pointers.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_name = (&raw mut target).cast();
    message.msg_namelen = InternetAddr::ROOM;
    message.msg_iov = &mut iovec;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: the message points to an address, to the buffer and to room for control messages, all of which are
    // ours to write.
    let len = unsafe { syscall!(recvmsg(fd.raw(), &mut message, libc::MSG_ERRQUEUE)) }?;
    let control_len = length(message.msg_controllen).min(size_of_val(&control));
    // SAFETY: there are so many bytes.
    let bytes = unsafe { std::slice::from_raw_parts(control.as_ptr().cast::<u8>(), control_len) };
    let mut entry = read_error(bytes);
    entry.target = target.get(message.msg_namelen);
    entry.len = (len as usize).min(buffer.len());
    Ok(entry)
}

#[cfg(bsd)]
pub(crate) fn recv_error(_: &Fd, _: &mut [u8]) -> io::Result<QueuedError> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Reads what came along with an entry of an error queue.
#[cfg(not(bsd))]
fn read_error(bytes: &[u8]) -> QueuedError {
    let mut entry = QueuedError {
        errno: 0,
        origin: 0,
        kind: 0,
        code: 0,
        info: 0,
        data: 0,
        offender: None,
        target: None,
        time: None,
        len: 0,
    };
    let mut rest = bytes;
    while let Some((header, data, next)) = split(rest) {
        rest = next;
        match (header.cmsg_level, header.cmsg_type) {
            (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) => {
                // A struct sock_extended_err, and the address behind it.
                let Some(error) = front::<16>(data) else { continue };
                let word = |at: usize| front(&error[at..]).map_or(0, u32::from_ne_bytes);
                entry.errno = word(0) as i32;
                [entry.origin, entry.kind, entry.code, _] = word(4).to_ne_bytes();
                (entry.info, entry.data) = (word(8), word(12));
                entry.offender = InternetAddr::from_bytes(&data[16..]);
            }
            // `SCM_TIMESTAMPING`: a time by software comes first.
            (libc::SOL_SOCKET, 37) => {
                let size = data.len() / 3;
                entry.time = data
                    .chunks_exact(size.max(1))
                    .filter_map(time)
                    .find(|time| *time > Duration::ZERO);
            }
            _ => {}
        }
    }
    entry
}

/// Sets `IP_RECVERR`: whether errors are queued, with their origins.
pub(crate) fn ask_for_errors(fd: &Fd, on: bool) -> io::Result<()> {
    set_both(fd, ASK_IPV4_ERRORS, ASK_IPV6_ERRORS, on.into())
}

/// Sets what is done with datagrams that are larger than the path takes.
pub(crate) fn set_mtu_discovery(fd: &Fd, mode: MtuDiscovery) -> io::Result<()> {
    let value = match mode {
        _ if !MTU_MODES => matches!(mode, MtuDiscovery::Do | MtuDiscovery::Probe).into(),
        MtuDiscovery::Dont => 0,
        MtuDiscovery::Want => 1,
        MtuDiscovery::Do => 2,
        MtuDiscovery::Probe => 3,
    };
    set_both(fd, IPV4_MTU_MODE, IPV6_MTU_MODE, value)
}

/// What is known of the path's MTU, of a socket that has a peer.
pub(crate) fn mtu(fd: &Fd) -> io::Result<u32> {
    let name = if is_v6(fd)? { IPV6_MTU } else { IPV4_MTU };
    let (level, name) = name.ok_or(io::ErrorKind::Unsupported)?;
    socket::int_option(fd, level, name).map(|mtu| mtu as u32)
}

/// Sets the size of a buffer beyond the system's limit.
pub(crate) fn force_buffer_size(fd: &Fd, sending: bool, size: c_int) -> io::Result<()> {
    let name = if sending { FORCE_SEND_BUFFER } else { FORCE_RECV_BUFFER };
    socket::set_int_option(fd, libc::SOL_SOCKET, name.ok_or(io::ErrorKind::Unsupported)?, size)
}

/// Sets an option of IPv4 or IPv6. On a socket of IPv6, that of IPv4 too, for its traffic with IPv4; only Linux
/// has that, and it does not count.
fn set_both(
    fd: &Fd,
    v4: Option<(c_int, c_int)>,
    v6: Option<(c_int, c_int)>,
    value: c_int,
) -> io::Result<()> {
    let set = |option: Option<(c_int, c_int)>| {
        let (level, name) = option.ok_or(io::ErrorKind::Unsupported)?;
        socket::set_int_option(fd, level, name, value)
    };
    if !is_v6(fd)? {
        return set(v4);
    }
    set(v6)?;
    set(v4).unwrap_or_else(ignore);
    Ok(())
}

fn is_v6(fd: &Fd) -> io::Result<bool> {
    Ok(socket::local_addr(fd)?.family() == libc::AF_INET6)
}

/// What a socket can be asked to tell of each datagram.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Ancillary {
    Local,
    TrafficClass,
    HopLimit,
    Time,
    Dropped,
}

/// Asks a socket to tell something of each datagram, or not to.
pub(crate) fn ask(fd: &Fd, what: Ancillary, on: bool) -> io::Result<()> {
    let (v4, v6) = match what {
        Ancillary::Local => (ASK_IPV4_LOCAL, ASK_IPV6_LOCAL),
        Ancillary::TrafficClass => (ASK_IPV4_CLASS, ASK_IPV6_CLASS),
        Ancillary::HopLimit => (ASK_IPV4_HOPS, ASK_IPV6_HOPS),
        Ancillary::Time => return set(fd, ASK_TIME, on),
        Ancillary::Dropped => return set(fd, ASK_DROPPED, on),
    };
    // An address comes in the form of IPv6, also with a datagram of IPv4 to a socket of both families; the rest in
    // their own. On Linux that of IPv4 comes too, behind it, and tells a broadcast.
    let v4 = if cfg!(bsd) && what == Ancillary::Local && is_v6(fd)? { None } else { v4 };
    set_both(fd, v4, v6, on.into())
}

fn set(fd: &Fd, option: Option<(c_int, c_int)>, on: bool) -> io::Result<()> {
    let (level, name) = option.ok_or(io::ErrorKind::Unsupported)?;
    socket::set_int_option(fd, level, name, on.into())
}

/// Sets `UDP_GRO`: whether several datagrams may be received as one.
pub(crate) fn set_gro(fd: &Fd, on: bool) -> io::Result<()> {
    set(fd, UDP_GRO, on)
}

/// Whether the system cuts what is sent into segments.
pub(crate) fn has_segments(fd: &Fd) -> bool {
    UDP_SEGMENT.is_some_and(|(level, name)| match socket::int_option(fd, level, name) {
        Ok(_) => true,
        Err(error) => {
            ignore(error);
            false
        }
    })
}

/// The most descriptors that one message passes, `SCM_MAX_FD` of Linux.
pub(crate) const MAX_PASSED: usize = 253;

/// The bytes of user, group and process.
const CRED: usize = 12;

/// What goes along between Unix sockets: descriptors, and credentials.
const PASSED_ROOM: usize = space(4 * MAX_PASSED) + space(CRED);

/// User, group and process.
pub(crate) type Cred = (u32, u32, Option<i32>);

/// What came from a Unix socket.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// How many bytes.
    pub(crate) len: usize,
    /// How many descriptors.
    pub(crate) fds: usize,
    pub(crate) truncated: bool,
    pub(crate) control_truncated: bool,
    pub(crate) cred: Option<Cred>,
}

/// Sends a message over a Unix socket, and passes descriptors and credentials along. It goes to the peer that the
/// socket is connected to, or to an address.
pub(crate) fn send_passing(
    socket: RawFd,
    target: Option<&Addr>,
    buffer: &[u8],
    fds: impl ExactSizeIterator<Item = RawFd>,
    cred: Option<Cred>,
) -> io::Result<usize> {
    if fds.len() > MAX_PASSED {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let mut room = [MaybeUninit::uninit(); PASSED_ROOM];
    let mut writer = Writer { room: &mut room, len: 0 };
    if fds.len() > 0 {
        let mut bytes = [0; 4 * MAX_PASSED];
        let len = 4 * fds.len();
        for (place, fd) in bytes.chunks_exact_mut(4).zip(fds) {
            place.copy_from_slice(&fd.to_ne_bytes());
        }
        writer.push((libc::SOL_SOCKET, libc::SCM_RIGHTS), bytes.get(..len).unwrap_or_default());
    }
    if let Some((uid, gid, pid)) = cred {
        let bytes = [pid.unwrap_or(0) as u32, uid, gid].map(u32::to_ne_bytes);
        writer.push(CREDENTIALS.ok_or(io::ErrorKind::Unsupported)?, bytes.as_flattened());
    }
    let control = writer.finish();
    let mut iovec =
        libc::iovec { iov_base: buffer.as_ptr().cast_mut().cast(), iov_len: buffer.len() };
    // SAFETY: all-zero is a valid msghdr: it is made of integers and pointers.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &mut iovec;
    message.msg_iovlen = 1;
    if let Some(target) = target {
        message.msg_name = target.as_ptr().cast_mut().cast();
        message.msg_namelen = target.len;
    }
    if !control.is_empty() {
        message.msg_control = control.as_ptr().cast_mut().cast();
        message.msg_controllen = control.len() as _;
    }
    // What MemorySanitizer looks at; the bytes are the program's.
    sanitizers::written(&message, 1);
    sanitizers::written(&iovec, 1);
    sanitizers::written(control.as_ptr(), control.len());
    if let Some(target) = target {
        sanitizers::written(target, 1);
    }
    // SAFETY: the message points to bytes that can be read, and is not written to.
    unsafe { syscall!(sendmsg(socket, &message, socket::NO_SIGNAL)) }.map(|n| n as usize)
}

/// Receives a message from a Unix socket, and who sent it, if that is wanted. `take` gets the descriptors that came,
/// close-on-exec, by their numbers below `room`; those beyond are closed.
pub(crate) fn recv_passed(
    socket: RawFd,
    mut sender: Option<&mut Addr>,
    buffer: &mut [u8],
    room: usize,
    mut take: impl FnMut(usize, Fd),
) -> io::Result<Passed> {
    let mut control = [0_u64; PASSED_ROOM.div_ceil(8)];
    let control_room = space(4 * room.min(MAX_PASSED)) + space(CRED);
    let mut iovec = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all-zero is a valid msghdr: it is made of integers and pointers.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &mut iovec;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = control_room as _;
    if let Some(sender) = &mut sender {
        message.msg_name = sender.as_mut_ptr().cast();
        message.msg_namelen = sender.len;
    }
    sanitizers::written(&message, 1);
    sanitizers::written(&iovec, 1);
    // SAFETY: the message points to the buffer, and to room for control messages and an address, which are ours to
    // write.
    let len = unsafe { syscall!(recvmsg(socket, &mut message, CLOSE_ON_EXEC)) }?;
    if let Some(sender) = sender {
        sender.len = message.msg_namelen;
    }
    let control_len = length(message.msg_controllen).min(control_room);
    // SAFETY: there are so many bytes.
    let bytes = unsafe { std::slice::from_raw_parts(control.as_ptr().cast::<u8>(), control_len) };
    let mut passed = Passed {
        len: len as usize,
        truncated: message.msg_flags & libc::MSG_TRUNC != 0,
        control_truncated: message.msg_flags & libc::MSG_CTRUNC != 0,
        ..Default::default()
    };
    let mut rest = bytes;
    while let Some((header, data, next)) = split_cut(rest) {
        rest = next;
        let name = (header.cmsg_level, header.cmsg_type);
        if name == (libc::SOL_SOCKET, libc::SCM_RIGHTS) || Some(name) == PROCESS_FD {
            for fd in data.chunks_exact(4).filter_map(front) {
                // SAFETY: the system has just made it, for this process, and nobody else knows it.
                let fd = unsafe { Fd::new(c_int::from_ne_bytes(fd)) };
                // Of a process that nobody asked for: it is closed.
                if Some(name) == PROCESS_FD {
                    continue;
                }
                // Not atomically there, see the manual of the flag that it has not.
                #[cfg(target_vendor = "apple")]
                // SAFETY: no pointer is passed.
                unsafe {
                    syscall!(fcntl(fd.raw(), libc::F_SETFD, libc::FD_CLOEXEC))
                        .map_or_else(ignore, drop);
                }
                if passed.fds < room {
                    take(passed.fds, fd);
                    passed.fds += 1;
                } else {
                    passed.control_truncated = true;
                }
            }
        } else if Some(name) == CREDENTIALS {
            let word = |at: usize| data.get(at..).and_then(front).map(u32::from_ne_bytes);
            if let (Some(pid), Some(uid), Some(gid)) = (word(0), word(4), word(8)) {
                passed.cred = Some((uid, gid, Some(pid as i32).filter(|pid| *pid != 0)));
            }
        }
    }
    Ok(passed)
}

/// As [`split`], of a message whose end may be cut off: what there is of its data.
fn split_cut(bytes: &[u8]) -> Option<(cmsghdr, &[u8], &[u8])> {
    split(bytes).or_else(|| {
        let header = header(bytes)?;
        let cut = length(header.cmsg_len) > bytes.len();
        cut.then(|| (header, bytes.get(HEADER..).unwrap_or_default(), Default::default()))
    })
}

/// Sets whether each message of a Unix socket comes with the credentials of its sender.
pub(crate) fn set_recv_cred(socket: &Fd, on: bool) -> io::Result<()> {
    set(socket, ASK_CREDENTIALS, on)
}

/// A time as the system writes it: seconds, and nanoseconds or microseconds.
fn time(data: &[u8]) -> Option<Duration> {
    let (seconds, fraction) = match data.len() {
        8 => (
            i64::from(i32::from_ne_bytes(front(data)?)),
            i64::from(i32::from_ne_bytes(front(&data[4..])?)),
        ),
        16.. => {
            // The microseconds of Darwin have 32 bits, and no meaning in the rest.
            let fraction = &data[8..];
            let fraction = if size_of::<Fraction>() == 8 {
                i64::from_ne_bytes(front(fraction)?)
            } else {
                i32::from_ne_bytes(front(fraction)?).into()
            };
            (i64::from_ne_bytes(front(data)?), fraction)
        }
        _ => return None,
    };
    let nanos = u64::try_from(fraction).ok()?.checked_mul(TIME_UNIT)?;
    Duration::from_secs(seconds.try_into().ok()?).checked_add(Duration::from_nanos(nanos))
}

/// Messages that are being written.
struct Writer<'a> {
    room: &'a mut [MaybeUninit<u8>],
    len: usize,
}

impl<'a> Writer<'a> {
    /// Adds a message, for which there is room.
    fn push(&mut self, (level, kind): (c_int, c_int), data: &[u8]) {
        let end = self.len + space(data.len());
        let Some(room) = self.room.get_mut(self.len..end) else { return };
        room.fill(MaybeUninit::new(0));
        // SAFETY: all-zero is a valid cmsghdr: it is made of integers.
        let mut header: cmsghdr = unsafe { mem::zeroed() };
        header.cmsg_len = (HEADER + data.len()) as _;
        header.cmsg_level = level;
        header.cmsg_type = kind;
        // SAFETY: the room begins with as many bytes as a header takes.
        unsafe { room.as_mut_ptr().cast::<cmsghdr>().write_unaligned(header) };
        for (place, &byte) in room[HEADER..].iter_mut().zip(data) {
            place.write(byte);
        }
        self.len = end;
    }

    fn finish(self) -> &'a [u8] {
        let written: *const [MaybeUninit<u8>] = self.room.get(..self.len).unwrap_or_default();
        // SAFETY: the first `len` bytes have been written.
        unsafe { &*(written as *const [u8]) }
    }
}

/// The names of messages by level and type; `None` where a system has no such message. Each comes and goes
/// under one name, except where there is another for sending.
mod names {
    use super::*;

    type Name = Option<(c_int, c_int)>;

    pub(super) const IPV6_CLASS: Name = Some((libc::IPPROTO_IPV6, libc::IPV6_TCLASS));

    #[cfg(not(any(target_os = "netbsd", target_os = "openbsd")))]
    pub(super) const IPV6_HOPS: Name = Some((libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT));
    #[cfg(any(target_os = "netbsd", target_os = "openbsd"))]
    pub(super) const IPV6_HOPS: Name = Some((libc::IPPROTO_IPV6, 47));

    pub(super) const IPV6_LOCAL: Name = Some((libc::IPPROTO_IPV6, libc::IPV6_PKTINFO));

    // The options that ask for them.
    pub(super) const ASK_IPV6_CLASS: Name = Some((libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS));
    #[cfg(not(any(target_os = "netbsd", target_os = "openbsd")))]
    pub(super) const ASK_IPV6_HOPS: Name = Some((libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT));
    #[cfg(any(target_os = "netbsd", target_os = "openbsd"))]
    pub(super) const ASK_IPV6_HOPS: Name = Some((libc::IPPROTO_IPV6, 37));
    pub(super) const ASK_IPV6_LOCAL: Name = Some((libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO));

    #[cfg(not(bsd))]
    mod system {
        use super::*;

        /// Whether `IPV4_LOCAL` is a struct in_pktinfo.
        pub(crate) const PKTINFO: bool = true;
        pub(crate) const IPV4_LOCAL: Name = Some((libc::IPPROTO_IP, libc::IP_PKTINFO));
        pub(crate) const IPV4_LOCAL_SENT: Name = IPV4_LOCAL;
        pub(crate) const IPV4_CLASS: Name = Some((libc::IPPROTO_IP, libc::IP_TOS));
        pub(crate) const IPV4_CLASS_SENT: Name = IPV4_CLASS;
        pub(crate) const IPV4_HOPS: Name = Some((libc::IPPROTO_IP, libc::IP_TTL));
        pub(crate) const IPV4_HOPS_SENT: Name = IPV4_HOPS;
        pub(crate) const UDP_GRO: Name = Some((libc::IPPROTO_UDP, 104));
        pub(crate) const UDP_SEGMENT: Name = Some((libc::IPPROTO_UDP, 103));
        /// `SO_TIMESTAMPNS` with the times that the system has had from the beginning, see `socket(7)`.
        pub(crate) const TIME: Name = Some((libc::SOL_SOCKET, 35));
        pub(crate) const TIME_UNIT: u64 = 1;
        /// `SO_RXQ_OVFL`.
        pub(crate) const DROPPED: Name = Some((libc::SOL_SOCKET, 40));
        pub(crate) type Fraction = i64;

        pub(crate) const ASK_IPV4_LOCAL: Name = IPV4_LOCAL;
        pub(crate) const ASK_IPV4_CLASS: Name = Some((libc::IPPROTO_IP, libc::IP_RECVTOS));
        pub(crate) const ASK_IPV4_HOPS: Name = Some((libc::IPPROTO_IP, libc::IP_RECVTTL));
        pub(crate) const ASK_TIME: Name = TIME;
        pub(crate) const ASK_DROPPED: Name = DROPPED;
        pub(crate) const ASK_IPV4_ERRORS: Name = Some((libc::IPPROTO_IP, libc::IP_RECVERR));
        pub(crate) const ASK_IPV6_ERRORS: Name = Some((libc::IPPROTO_IPV6, libc::IPV6_RECVERR));

        pub(crate) const CREDENTIALS: Name = Some((libc::SOL_SOCKET, libc::SCM_CREDENTIALS));
        pub(crate) const ASK_CREDENTIALS: Name = Some((libc::SOL_SOCKET, libc::SO_PASSCRED));
        /// `SCM_PIDFD`, for who has set `SO_PASSPIDFD` himself.
        pub(crate) const PROCESS_FD: Name = Some((libc::SOL_SOCKET, 4));
        pub(crate) const CLOSE_ON_EXEC: c_int = libc::MSG_CMSG_CLOEXEC;

        pub(crate) const FORCE_SEND_BUFFER: Option<c_int> = Some(libc::SO_SNDBUFFORCE);
        pub(crate) const FORCE_RECV_BUFFER: Option<c_int> = Some(libc::SO_RCVBUFFORCE);

        /// Whether there are the four modes, or only on and off.
        pub(crate) const MTU_MODES: bool = true;
        pub(crate) const IPV4_MTU_MODE: Name = Some((libc::IPPROTO_IP, libc::IP_MTU_DISCOVER));
        pub(crate) const IPV6_MTU_MODE: Name = Some((libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER));
        pub(crate) const IPV4_MTU: Name = Some((libc::IPPROTO_IP, libc::IP_MTU));
        pub(crate) const IPV6_MTU: Name = Some((libc::IPPROTO_IPV6, libc::IPV6_MTU));
    }

    #[cfg(bsd)]
    mod system {
        use super::*;

        const APPLE: bool = cfg!(target_vendor = "apple");
        pub(crate) const PKTINFO: bool = APPLE;
        #[cfg(target_vendor = "apple")]
        pub(crate) const IPV4_LOCAL: Name = Some((libc::IPPROTO_IP, libc::IP_PKTINFO));
        #[cfg(not(target_vendor = "apple"))]
        pub(crate) const IPV4_LOCAL: Name = Some((libc::IPPROTO_IP, libc::IP_RECVDSTADDR));
        #[cfg(target_vendor = "apple")]
        pub(crate) const IPV4_LOCAL_SENT: Name = IPV4_LOCAL;
        #[cfg(any(target_os = "freebsd", target_os = "openbsd", target_os = "netbsd"))]
        pub(crate) const IPV4_LOCAL_SENT: Name = Some((libc::IPPROTO_IP, libc::IP_SENDSRCADDR));
        #[cfg(target_os = "dragonfly")]
        pub(crate) const IPV4_LOCAL_SENT: Name = None;
        /// These come under the name of the option that asks for them.
        #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
        pub(crate) const IPV4_CLASS: Name = Some((libc::IPPROTO_IP, libc::IP_RECVTOS));
        #[cfg(not(any(target_vendor = "apple", target_os = "freebsd")))]
        pub(crate) const IPV4_CLASS: Name = None;
        #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
        pub(crate) const IPV4_CLASS_SENT: Name = Some((libc::IPPROTO_IP, libc::IP_TOS));
        #[cfg(not(any(target_vendor = "apple", target_os = "freebsd")))]
        pub(crate) const IPV4_CLASS_SENT: Name = None;
        #[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "dragonfly"))]
        pub(crate) const IPV4_HOPS: Name = Some((libc::IPPROTO_IP, libc::IP_RECVTTL));
        #[cfg(not(any(target_vendor = "apple", target_os = "freebsd", target_os = "dragonfly")))]
        pub(crate) const IPV4_HOPS: Name = None;
        pub(crate) const IPV4_HOPS_SENT: Name = None;
        pub(crate) const UDP_GRO: Name = None;
        pub(crate) const UDP_SEGMENT: Name = None;
        pub(crate) const TIME: Name = Some((libc::SOL_SOCKET, libc::SCM_TIMESTAMP));
        /// Microseconds.
        pub(crate) const TIME_UNIT: u64 = 1_000;
        pub(crate) const DROPPED: Name = None;
        pub(crate) type Fraction = libc::suseconds_t;

        pub(crate) const ASK_IPV4_LOCAL: Name = IPV4_LOCAL;
        pub(crate) const ASK_IPV4_CLASS: Name = IPV4_CLASS;
        pub(crate) const ASK_IPV4_HOPS: Name = IPV4_HOPS;
        pub(crate) const ASK_TIME: Name = Some((libc::SOL_SOCKET, libc::SO_TIMESTAMP));
        pub(crate) const ASK_DROPPED: Name = None;
        pub(crate) const ASK_IPV4_ERRORS: Name = None;
        pub(crate) const ASK_IPV6_ERRORS: Name = None;

        pub(crate) const CREDENTIALS: Name = None;
        pub(crate) const ASK_CREDENTIALS: Name = None;
        pub(crate) const PROCESS_FD: Name = None;
        #[cfg(not(target_vendor = "apple"))]
        pub(crate) const CLOSE_ON_EXEC: c_int = libc::MSG_CMSG_CLOEXEC;
        #[cfg(target_vendor = "apple")]
        pub(crate) const CLOSE_ON_EXEC: c_int = 0;

        pub(crate) const FORCE_SEND_BUFFER: Option<c_int> = None;
        pub(crate) const FORCE_RECV_BUFFER: Option<c_int> = None;

        pub(crate) const MTU_MODES: bool = false;
        #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
        pub(crate) const IPV4_MTU_MODE: Name = Some((libc::IPPROTO_IP, libc::IP_DONTFRAG));
        #[cfg(not(any(target_vendor = "apple", target_os = "freebsd")))]
        pub(crate) const IPV4_MTU_MODE: Name = None;
        pub(crate) const IPV6_MTU_MODE: Name = Some((libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG));
        pub(crate) const IPV4_MTU: Name = None;
        pub(crate) const IPV6_MTU: Name = None;
    }

    pub(super) use self::system::*;
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: [MaybeUninit<u8>; SEND_ROOM] = [MaybeUninit::uninit(); SEND_ROOM];

    /// All that can be sent, and comes back under the same names on Linux.
    #[cfg(not(bsd))]
    #[test]
    fn what_was_written_is_read() {
        for (local, is_v4) in [
            (None, true),
            (None, false),
            (Some(IpAddr::from([203, 0, 113, 7])), true),
            (Some("2001:db8::7".parse().unwrap()), false),
        ] {
            for interface in [0, 1, u32::MAX] {
                for (segment_size, traffic_class, hop_limit) in
                    [(0, None, None), (1200, Some(0xff), Some(255)), (u16::MAX, Some(0), Some(0))]
                {
                    let mut sent = Control {
                        segment_size,
                        traffic_class,
                        local,
                        interface,
                        hop_limit,
                        ..Default::default()
                    };
                    let mut room = ROOM;
                    let bytes = sent.write(&mut room, is_v4).unwrap();
                    assert_eq!(bytes.is_empty(), sent.is_empty());
                    // The segment size of a run that is received has another name than that of one that is sent.
                    sent.segment_size = 0;
                    let read = Control::read(bytes);
                    assert_eq!(read, sent);
                }
            }
        }
    }

    #[test]
    fn a_source_of_the_other_family_is_refused() {
        let mut room = ROOM;
        for (local, is_v4) in
            [(IpAddr::from([127, 0, 0, 1]), false), ("::1".parse().unwrap(), true)]
        {
            let control = Control { local: Some(local), ..Default::default() };
            assert_eq!(control.write(&mut room, is_v4), None);
        }
    }

    /// Whatever the bytes are: no panic, and an end.
    #[test]
    fn any_bytes_can_be_read() {
        let mut state = 1_u64;
        for len in 0..200 {
            for _ in 0..50 {
                let mut bytes: Vec<u8> = (0..len)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        (state >> 56) as u8
                    })
                    .collect();
                // Mostly with a length that could be right.
                for at in (0..len).step_by(space(4)) {
                    if let Some(place) = bytes.get_mut(at..at + size_of::<usize>()) {
                        place.copy_from_slice(&((state >> 40) as usize % 64).to_ne_bytes());
                    }
                }
                Control::read(&bytes);
                #[cfg(not(bsd))]
                read_error(&bytes);
            }
        }
    }

    #[test]
    fn a_time_has_a_length_of_either_width() {
        let wide: Vec<u8> = [7_i64, 9].iter().flat_map(|n| n.to_ne_bytes()).collect();
        let narrow: Vec<u8> = [7_i32, 9].iter().flat_map(|n| n.to_ne_bytes()).collect();
        for bytes in [&wide, &narrow] {
            assert_eq!(time(bytes), Some(Duration::new(7, 9 * TIME_UNIT as u32)));
        }
        for bytes in [&wide[..15], &narrow[..7], &[]] {
            assert_eq!(time(bytes), None);
        }
        let negative: Vec<u8> = [-1_i64, 0].iter().flat_map(|n| n.to_ne_bytes()).collect();
        assert_eq!(time(&negative), None);
    }
}
