//! Datagrams with what goes along with them, several in one system call: `sendmmsg(2)`, `recvmmsg(2)`. Where
//! there is none, one by one.

use std::cell::Cell;
use std::io;
use std::mem::{self, MaybeUninit};
use std::net::SocketAddr;

use libc::{c_int, iovec, socklen_t};

use crate::net::{Datagram, Transmit};
use crate::sys::control::{self, Control, FULL_ROOM, SEGMENT_ROOM, SEND_ROOM};
use crate::sys::socket::{self, Addr, InternetAddr, NO_SIGNAL};
use crate::sys::{Fd, sanitizers};

/// The most datagrams that one call of ours takes.
pub(crate) const MAX: usize = 64;

/// How many messages one system call takes, so that all of them have less than 4 KB, which are on the stack. The
/// cost of entering the kernel is shared well enough.
pub(crate) const PER_CALL: usize = 28;
const PER_CALL_SENT: usize = 15;
const PER_CALL_FULL: usize = 9;

const _: () = assert!(
    size_of::<Messages<PER_CALL, SEGMENT_ROOM>>() <= 4096
        && size_of::<Messages<PER_CALL_SENT, SEND_ROOM>>() <= 4096
        && size_of::<Messages<PER_CALL_FULL, FULL_ROOM>>() <= 4096
);

/// The most segments of a run, and the most bytes, that one call takes.
const MAX_SEGMENTS: usize = 64;
const MAX_RUN: usize = 65_507;

#[cfg(not(bsd))]
use libc::mmsghdr;

#[cfg(bsd)]
#[allow(non_camel_case_types)] // As in libc.
struct mmsghdr {
    msg_hdr: libc::msghdr,
    msg_len: libc::c_uint,
}

/// Headers of messages, and what they point to, with so much room for the control messages of each.
struct Messages<const N: usize, const ROOM: usize> {
    headers: [MaybeUninit<mmsghdr>; N],
    buffers: [MaybeUninit<iovec>; N],
    addresses: [MaybeUninit<InternetAddr>; N],
    control: [ControlRoom<ROOM>; N],
    len: usize,
}

/// Aligned for the headers of control messages.
#[derive(Copy, Clone)]
#[repr(C, align(8))]
struct ControlRoom<const ROOM: usize>([MaybeUninit<u8>; ROOM]);

impl<const N: usize, const ROOM: usize> Messages<N, ROOM> {
    #[inline]
    fn new() -> Messages<N, ROOM> {
        Messages {
            headers: [const { MaybeUninit::uninit() }; N],
            buffers: [const { MaybeUninit::uninit() }; N],
            addresses: [const { MaybeUninit::uninit() }; N],
            control: [const { ControlRoom([MaybeUninit::uninit(); ROOM]) }; N],
            len: 0,
        }
    }

    fn is_full(&self) -> bool {
        self.len == N
    }

    /// Adds a message, if there is room; returns the room for its control messages, of which `control_len`
    /// are.
    #[inline]
    fn push(
        &mut self,
        buffer: iovec,
        address: Option<(InternetAddr, socklen_t)>,
        control: impl FnOnce(&mut [MaybeUninit<u8>; ROOM]) -> usize,
    ) {
        // Not looked up again: the compiler knows that it is in bounds.
        let n = self.len;
        if n >= N {
            return;
        }
        // SAFETY: all-zero is a valid mmsghdr: it is made of integers and pointers.
        let mut header: mmsghdr = unsafe { mem::zeroed() };
        header.msg_hdr.msg_iovlen = 1;
        if let Some((address, len)) = address {
            header.msg_hdr.msg_namelen = len;
            self.addresses[n].write(address);
        }
        header.msg_hdr.msg_controllen = control(&mut self.control[n].0) as _;
        self.buffers[n].write(buffer);
        self.headers[n].write(header);
        self.len = n + 1;
    }

    /// Lets the headers point to the rest. The result is good for one call, while nothing is moved or pushed.
    #[inline]
    fn link(&mut self) -> *mut mmsghdr {
        let buffers = self.buffers.as_mut_ptr();
        let addresses = self.addresses.as_mut_ptr();
        let control = self.control.as_mut_ptr();
        for (i, header) in self.headers.iter_mut().take(self.len).enumerate() {
            // SAFETY: the first `len` headers have been written.
            let header = unsafe { &mut header.assume_init_mut().msg_hdr };
            header.msg_iov = buffers.wrapping_add(i).cast();
            if header.msg_namelen > 0 {
                header.msg_name = addresses.wrapping_add(i).cast();
            }
            if header.msg_controllen > 0 {
                header.msg_control = control.wrapping_add(i).cast();
            }
        }
        sanitizers::written(self, 1);
        self.headers.as_mut_ptr().cast()
    }

    /// Sends them; returns how many were.
    ///
    /// # Safety
    ///
    /// The buffers can be read.
    #[inline]
    unsafe fn send(&mut self, fd: &Fd) -> io::Result<usize> {
        let (headers, len) = (self.link(), self.len);
        // SAFETY: the headers are `len`, and point to the caller's buffers, to addresses and to control
        // messages.
        unsafe { sendmmsg(fd, headers, len) }
    }
}

#[cfg(not(bsd))]
#[inline]
unsafe fn sendmmsg(fd: &Fd, headers: *mut mmsghdr, len: usize) -> io::Result<usize> {
    if len == 1 {
        // SAFETY: the caller's promise.
        return unsafe { syscall!(sendmsg(fd.raw(), &(*headers).msg_hdr, NO_SIGNAL)) }.map(|_| 1);
    }
    // SAFETY: the caller's promise.
    unsafe { syscall!(sendmmsg(fd.raw(), headers, len as _, NO_SIGNAL as _)) }.map(|n| n as usize)
}

#[cfg(not(bsd))]
#[inline]
unsafe fn recvmmsg(fd: &Fd, headers: *mut mmsghdr, len: usize) -> io::Result<usize> {
    if len == 1 {
        // SAFETY: the caller's promise.
        let header = unsafe { &mut *headers };
        // SAFETY: as above.
        header.msg_len = unsafe { syscall!(recvmsg(fd.raw(), &mut header.msg_hdr, 0)) }? as _;
        return Ok(1);
    }
    // SAFETY: the caller's promise.
    unsafe { syscall!(recvmmsg(fd.raw(), headers, len as _, 0, std::ptr::null_mut())) }
        .map(|n| n as usize)
}

#[cfg(bsd)]
unsafe fn sendmmsg(fd: &Fd, headers: *mut mmsghdr, len: usize) -> io::Result<usize> {
    // SAFETY: the caller's promise.
    each(len, |i| unsafe {
        syscall!(sendmsg(fd.raw(), &raw const (*headers.add(i)).msg_hdr, NO_SIGNAL)).map(drop)
    })
}

#[cfg(bsd)]
unsafe fn recvmmsg(fd: &Fd, headers: *mut mmsghdr, len: usize) -> io::Result<usize> {
    // SAFETY: the caller's promise.
    each(len, |i| unsafe {
        let header = headers.add(i);
        (*header).msg_len = syscall!(recvmsg(fd.raw(), &raw mut (*header).msg_hdr, 0))? as _;
        Ok(())
    })
}

/// How many went well before the first that did not; its error, if it was the first of all.
#[cfg(bsd)]
fn each(len: usize, mut transfer: impl FnMut(usize) -> io::Result<()>) -> io::Result<usize> {
    for i in 0..len {
        match transfer(i) {
            Ok(()) => {}
            Err(error) if i == 0 => return Err(error),
            Err(error) => {
                crate::sys::ignore(error);
                return Ok(i);
            }
        }
    }
    Ok(len)
}

/// A datagram that was received.
#[derive(Debug)]
pub struct Received {
    /// How many bytes were written; on some systems, how many there were.
    pub len: usize,
    /// Who sent it.
    pub sender: Option<SocketAddr>,
    /// As `recvmsg(2)` has them: `MSG_TRUNC`, `MSG_CTRUNC`.
    pub flags: c_int,
    /// What came along.
    pub control: Control,
}

/// What is known about the receiving of a socket.
#[derive(Default)]
pub(crate) struct Receiving {
    /// Whether more may come along with a datagram than a segment size.
    full: Cell<bool>,
    /// What a later system call of a batch has failed with, for the next batch to say.
    error: Cell<c_int>,
    /// How many messages the last batch had; 0: there was none yet.
    last: Cell<usize>,
}

impl Receiving {
    /// From now on everything may come along.
    pub(crate) fn expect_all(&self) {
        self.full.set(true);
    }

    /// For how many messages the first system call of a batch is made ready. That is a good part of its cost where
    /// few come, such as runs, each of which is many datagrams: so it is twice as many as came before.
    fn expected(&self) -> usize {
        match self.last.get() {
            0 => MAX,
            last => (2 * last).max(4),
        }
    }

    /// Receives into as many of `datagrams` as there are datagrams for, at most `MAX`; returns how many.
    pub(crate) fn recv(&self, fd: &Fd, datagrams: &mut [Datagram<'_>]) -> io::Result<usize> {
        let count = datagrams.len();
        let buffer = |datagrams: &mut [Datagram<'_>], i: usize| {
            let buffer = datagrams[i].buffer_mut();
            iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() }
        };
        let received = |datagrams: &mut [Datagram<'_>], i: usize, received| {
            datagrams[i].received(received);
        };
        // SAFETY: the datagrams have borrowed the memory, and it is ours to write.
        unsafe { self.recv_into(fd, count, datagrams, buffer, received) }
    }

    /// As [`recv`](Receiving::recv), to `count` of any kind of datagrams: `buffer` gives the memory for one,
    /// and `received` is told of it.
    ///
    /// # Safety
    ///
    /// What `buffer` gives can be written.
    pub(crate) unsafe fn recv_into<D: ?Sized>(
        &self,
        fd: &Fd,
        count: usize,
        datagrams: &mut D,
        buffer: impl Fn(&mut D, usize) -> iovec,
        received: impl Fn(&mut D, usize, Received),
    ) -> io::Result<usize> {
        let error = self.error.take();
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error));
        }
        let count = count.min(MAX);
        let mut from = 0;
        let mut expected = self.expected();
        loop {
            let full = self.full.get();
            let most = if full { PER_CALL_FULL } else { PER_CALL }.min(count - from).min(expected);
            expected = MAX;
            let buffer = |datagrams: &mut D, i| buffer(datagrams, from + i);
            let received = |datagrams: &mut D, i, one: Received| {
                if one.flags & libc::MSG_CTRUNC != 0 {
                    self.expect_all();
                }
                received(datagrams, from + i, one);
            };
            // SAFETY: the caller's promise.
            let result = unsafe {
                match (full, most) {
                    (false, 1) => {
                        recv_once::<1, SEGMENT_ROOM, D>(fd, most, datagrams, buffer, received)
                    }
                    (false, _) => recv_once::<PER_CALL, SEGMENT_ROOM, D>(
                        fd, most, datagrams, buffer, received,
                    ),
                    (true, _) => recv_once::<PER_CALL_FULL, FULL_ROOM, D>(
                        fd, most, datagrams, buffer, received,
                    ),
                }
            };
            match result {
                Ok(n) => {
                    from += n;
                    if n == most && from < count {
                        continue;
                    }
                }
                Err(error) if from == 0 => return Err(error),
                Err(error) => {
                    if error.kind() != io::ErrorKind::WouldBlock {
                        self.error.set(error.raw_os_error().unwrap_or(0));
                    }
                    crate::sys::ignore(error);
                }
            }
            self.last.set(from);
            return Ok(from);
        }
    }
}

/// One system call of [`Receiving::recv_into`].
#[inline(never)]
unsafe fn recv_once<const N: usize, const ROOM: usize, D: ?Sized>(
    fd: &Fd,
    count: usize,
    datagrams: &mut D,
    buffer: impl Fn(&mut D, usize) -> iovec,
    received: impl Fn(&mut D, usize, Received),
) -> io::Result<usize> {
    let mut messages = Messages::<N, ROOM>::new();
    for i in 0..count.min(N) {
        let address = Some((InternetAddr::unset(), InternetAddr::ROOM));
        messages.push(buffer(datagrams, i), address, |room| {
            // Between two messages the system writes nothing.
            room.fill(MaybeUninit::new(0));
            ROOM
        });
    }
    let (headers, len) = (messages.link(), messages.len);
    // SAFETY: the headers are `len`, and point to what the caller lets us write, to addresses, and to room for
    // control messages.
    let count = unsafe { recvmmsg(fd, headers, len) }?;
    let Messages { headers, addresses, control, .. } = &messages;
    for (i, ((header, address), control)) in
        headers.iter().zip(addresses).zip(control).take(count).enumerate()
    {
        // SAFETY: as many as the call filled had been written before.
        let (header, address) = unsafe { (header.assume_init_ref(), address.assume_init_ref()) };
        let mmsghdr { msg_hdr: header, msg_len } = header;
        let control_len = control::length(header.msg_controllen).min(ROOM);
        let control = if control_len == 0 {
            Control::default()
        } else {
            let bytes: *const [MaybeUninit<u8>] = &control.0[..control_len];
            // SAFETY: all bytes were written before the call.
            Control::read(unsafe { &*(bytes as *const [u8]) })
        };
        let received_one = Received {
            len: *msg_len as usize,
            sender: address.get(header.msg_namelen),
            flags: header.msg_flags,
            control,
        };
        received(datagrams, i, received_one);
    }
    Ok(count)
}

/// Sends as many of the first `MAX` messages as the system has room for; returns how many.
pub(crate) fn send<'a>(
    fd: &Fd,
    messages: impl Iterator<Item = (&'a [u8], Option<SocketAddr>)>,
) -> io::Result<usize> {
    let mut messages = messages.take(MAX);
    let Some(first) = messages.next() else { return Ok(0) };
    let Some(second) = messages.next() else {
        let (buffer, address) = first;
        match address {
            Some(address) => socket::send_to(fd, buffer, &Addr::from(address))?,
            None => socket::send(fd, buffer)?,
        };
        return Ok(1);
    };
    let mut messages = [first, second].into_iter().chain(messages);
    let mut sent = 0;
    loop {
        let (count, n) = send_chunk(fd, &mut messages);
        match n {
            Ok(n) if n == count && count == PER_CALL => sent += n,
            Ok(n) => return Ok(sent + n),
            Err(error) if sent == 0 => return Err(error),
            // The next call meets it again.
            Err(error) => {
                crate::sys::ignore(error);
                return Ok(sent);
            }
        }
    }
}

/// Sends as many messages as one call takes; returns how many there were, and how many were sent.
#[inline(never)]
fn send_chunk<'a>(
    fd: &Fd,
    messages: &mut impl Iterator<Item = (&'a [u8], Option<SocketAddr>)>,
) -> (usize, io::Result<usize>) {
    let mut chunk = Messages::<PER_CALL, 0>::new();
    while !chunk.is_full() {
        let Some((buffer, address)) = messages.next() else { break };
        chunk.push(buffer_of(buffer), address.map(InternetAddr::of), |_| 0);
    }
    if chunk.len == 0 {
        return (0, Ok(0));
    }
    // SAFETY: the buffers are slices.
    (chunk.len, unsafe { chunk.send(fd) })
}

fn buffer_of(buffer: &[u8]) -> iovec {
    // It is not written to.
    iovec { iov_base: buffer.as_ptr().cast_mut().cast(), iov_len: buffer.len() }
}

/// What is known about the sending of a socket, once it was tried.
#[derive(Default)]
pub(crate) struct Sending {
    /// Whether the system cuts runs into segments.
    segments: Cell<Option<bool>>,
    /// Whether the peer of a connected socket has an address of IPv4.
    peer_is_v4: Cell<Option<bool>>,
}

impl Sending {
    /// How many segments one call takes.
    pub(crate) fn max_segments(&self, fd: &Fd) -> usize {
        if self.has_segments(fd) { MAX_SEGMENTS } else { 1 }
    }

    /// The socket has another peer.
    pub(crate) fn forget_peer(&self) {
        self.peer_is_v4.set(None);
    }

    fn has_segments(&self, fd: &Fd) -> bool {
        let known = self.segments.get();
        // Older kernels do not refuse the control message: they ignore it, and would send one large datagram.
        known.unwrap_or_else(|| {
            let supported = control::has_segments(fd);
            self.segments.set(Some(supported));
            supported
        })
    }

    fn is_v4(&self, fd: &Fd, target: Option<SocketAddr>) -> io::Result<bool> {
        let address = match target {
            Some(target) => target,
            None => {
                if let Some(is_v4) = self.peer_is_v4.get() {
                    return Ok(is_v4);
                }
                (&socket::peer_addr(fd)?).try_into()?
            }
        };
        let is_v4 = address.ip().to_canonical().is_ipv4();
        if target.is_none() {
            self.peer_is_v4.set(Some(is_v4));
        }
        Ok(is_v4)
    }

    /// Sends what is left of `transmits`; returns how many from the first are sent whole. An error is told only
    /// if nothing was sent.
    pub(crate) fn send(&self, fd: &Fd, transmits: &mut [Transmit<'_>]) -> io::Result<usize> {
        let mut done = 0;
        let mut progress = false;
        loop {
            let rest = transmits.get_mut(done..).unwrap_or_default();
            let sent = rest.iter().take_while(|transmit| transmit.is_sent()).count();
            done += sent;
            let rest = rest.get_mut(sent..).unwrap_or_default();
            let Some(first) = rest.first() else { return Ok(done) };
            let first_is_run = first.is_run();
            let segmented = rest.iter().any(Transmit::is_run) && self.has_segments(fd);
            let result = match self.send_some(fd, rest, segmented) {
                Err(error) if segmented && first_is_run && is_refusal(&error) => {
                    crate::sys::ignore(error);
                    let result = self.send_some(fd, rest, false);
                    if result.is_ok() {
                        self.segments.set(Some(false));
                    }
                    result
                }
                result => result,
            };
            match result {
                Ok(()) => progress = true,
                Err(error) if !progress => return Err(error),
                // The next call meets it again.
                Err(error) => {
                    crate::sys::ignore(error);
                    return Ok(done);
                }
            }
        }
    }

    /// Sends by one system call, from the first of `transmits`, each run as it is or cut by us. What the system
    /// has no room for, or refuses, is the first of the next call.
    #[inline(never)]
    fn send_some(
        &self,
        fd: &Fd,
        transmits: &mut [Transmit<'_>],
        segmented: bool,
    ) -> io::Result<()> {
        let mut messages = Messages::<PER_CALL_SENT, SEND_ROOM>::new();
        let mut lengths = [0; PER_CALL_SENT];
        let mut refused = None;
        'all: for transmit in transmits.iter() {
            let mut rest = transmit.remaining();
            let mut more = !transmit.is_sent();
            while more {
                if messages.is_full() {
                    break 'all;
                }
                let (len, segment_size) =
                    transmit.next_len(rest.len(), segmented, MAX_SEGMENTS, MAX_RUN);
                let (now, later) = rest.split_at_checked(len).unwrap_or((rest, &[]));
                let control = Control { segment_size, ..transmit.control };
                let mut room = [MaybeUninit::uninit(); SEND_ROOM];
                let bytes = match self.control(fd, transmit, &control, &mut room) {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        refused = Some(error);
                        break 'all;
                    }
                };
                if let Some(place) = lengths.get_mut(messages.len) {
                    *place = now.len();
                }
                let address = transmit.target.map(InternetAddr::of);
                messages.push(buffer_of(now), address, |room| {
                    for (place, &byte) in room.iter_mut().zip(bytes) {
                        place.write(byte);
                    }
                    bytes.len()
                });
                rest = later;
                more = !rest.is_empty();
            }
        }
        if let Some(error) = refused {
            if messages.len == 0 {
                return Err(error);
            }
            // The next call meets it again.
            crate::sys::ignore(error);
        }
        // SAFETY: the buffers are slices.
        let sent = unsafe { messages.send(fd) }?;
        let mut transmits = transmits.iter_mut().filter(|transmit| !transmit.is_sent());
        let mut current = transmits.next();
        for &len in lengths.iter().take(sent) {
            let Some(transmit) = current.as_mut() else { break };
            transmit.advance(len);
            if transmit.is_sent() {
                current = transmits.next();
            }
        }
        Ok(())
    }

    fn control<'a>(
        &self,
        fd: &Fd,
        transmit: &Transmit<'_>,
        control: &Control,
        room: &'a mut [MaybeUninit<u8>; SEND_ROOM],
    ) -> io::Result<&'a [u8]> {
        if control.is_empty() {
            return Ok(&[]);
        }
        // The segment size alone is the same in both families.
        let is_v4 = transmit.control.is_empty() || self.is_v4(fd, transmit.target)?;
        if control.local.is_some_and(|local| local.is_ipv4() != is_v4) {
            return Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT));
        }
        control.write(room, is_v4).ok_or_else(|| io::ErrorKind::Unsupported.into())
    }
}

/// Whether the system says so of a run that it would have taken cut: an interface that cannot do it, or a path
/// whose MTU is less than a segment.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EIO | libc::EINVAL | libc::EMSGSIZE | libc::EOPNOTSUPP)
    )
}
