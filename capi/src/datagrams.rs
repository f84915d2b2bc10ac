//! Batches and runs of datagrams, what goes along with them, and error queues: of `UdpSocket` and
//! `ConnectedUdpSocket`, and the queue of `TcpStream`.

use std::ffi::{c_int, c_void};
use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{IpAddr, SocketAddr};

use libc::{iovec, sockaddr_storage, socklen_t};
use mio_st::net::{MtuDiscovery, QueuedError, Transmit};
use mio_st::raw::{self, Received, Source};

use crate::abi::*;
use crate::addr;
use crate::error::{Error, Result};
use crate::handles::Handle;
use crate::memory::{self, Out};
use crate::thread::call;

const INVALID: Error = Error::of(libc::EINVAL);

/// How many datagrams or runs are looked at before they are handed over: they are on the stack.
const CHUNK: usize = 8;

/// A datagram as C passes it: what is received into, or is not looked at, need not be initialised.
type Datagram = MaybeUninit<mio_st_datagram_t>;

/// The bytes that a datagram holds.
///
/// # Safety
///
/// Its buffer and length are filled in, and can be read.
unsafe fn data<'a>(datagram: &Datagram) -> Result<&'a [u8]> {
    let datagram = datagram.as_ptr();
    // SAFETY: the caller's promise.
    unsafe { memory::bytes_in((*datagram).buffer, (*datagram).length) }
}

/// What is sent of a datagram, and where to.
///
/// # Safety
///
/// As [`data`]; the address is filled in.
unsafe fn outgoing<'a>(datagram: &Datagram) -> Result<(&'a [u8], SocketAddr)> {
    // SAFETY: the caller's promise.
    let data = unsafe { data(datagram) }?;
    let datagram = datagram.as_ptr();
    // SAFETY: as above; `read` takes no more than the address has.
    let target =
        unsafe { addr::read((&raw const (*datagram).address).cast(), (*datagram).address_length) }?;
    Ok((data, target))
}

/// Whether a datagram is to be sent from an address of its own.
///
/// # Safety
///
/// Its flags are filled in.
unsafe fn has_local(datagram: &Datagram) -> bool {
    // SAFETY: the caller's promise.
    unsafe { (*datagram.as_ptr()).flags & MIO_ST_DATAGRAM_LOCAL != 0 }
}

/// An address of this side.
///
/// # Safety
///
/// As many bytes of it are filled in as its length says.
unsafe fn local(address: *const sockaddr_storage, length: socklen_t) -> Result<IpAddr> {
    // SAFETY: the caller's promise.
    Ok(unsafe { addr::read(address.cast(), length) }?.ip())
}

/// Sets an option of a socket of either kind.
#[inline]
fn set<H: Handle>(socket: H, set: impl FnOnce(&mut H::Object) -> io::Result<()>) -> c_int {
    call(socket, |table| {
        set(table.get(socket)?)?;
        Ok(0)
    })
}

/// What is read of datagrams, up to the first that is `refused`.
#[inline]
fn good<T>(
    datagrams: &[Datagram],
    refused: &mut Option<Error>,
    read: impl Fn(&Datagram) -> Result<T>,
) -> impl Iterator<Item = T> {
    datagrams
        .iter()
        .map_while(move |datagram| read(datagram).map_err(|error| *refused = Some(error)).ok())
}

/// Sends datagrams, at most 64; returns how many were sent, from the first.
///
/// # Safety
///
/// `datagrams` is NULL, or `count` of them, which are filled in and whose buffers can be read.
unsafe fn send_batch(
    datagrams: *const mio_st_datagram_t,
    count: usize,
    connected: bool,
    mut send: impl FnMut(&mut [Transmit<'_>]) -> io::Result<usize>,
    send_plain: impl FnOnce(&[Datagram], &mut Option<Error>) -> io::Result<usize>,
) -> Result<c_int> {
    // SAFETY: the caller's promise.
    let datagrams = unsafe { memory::input::<Datagram>(datagrams.cast(), count) }?;
    let datagrams = datagrams.get(..64).unwrap_or(datagrams);
    // SAFETY: as above.
    if !datagrams.iter().any(|datagram| unsafe { has_local(datagram) }) {
        let mut refused = None;
        return match (send_plain(datagrams, &mut refused)?, refused) {
            (0, Some(error)) => Err(error),
            (sent, _) => Ok(sent as c_int),
        };
    }
    let mut sent = 0;
    for chunk in datagrams.chunks(CHUNK) {
        let mut transmits = [Transmit::new(&[]); CHUNK];
        let mut good = 0;
        let mut refused = None;
        for (transmit, datagram) in transmits.iter_mut().zip(chunk) {
            // SAFETY: the caller's promise.
            match unsafe { reply(datagram, connected) } {
                Ok(reply) => *transmit = reply,
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
            good += 1;
        }
        let count = match send(transmits.get_mut(..good).unwrap_or_default()) {
            Ok(count) => count,
            Err(error) if sent == 0 => return Err(error.into()),
            Err(error) => {
                mem::forget(error);
                return Ok(sent as c_int);
            }
        };
        sent += count;
        match refused {
            Some(error) if sent == 0 => return Err(error),
            None if count == chunk.len() => {}
            _ => break,
        }
    }
    Ok(sent as c_int)
}

/// A datagram that may be sent from an address of its own.
///
/// # Safety
///
/// As [`outgoing`]; if its flags say so, `local` is filled in.
unsafe fn reply<'a>(datagram: &Datagram, connected: bool) -> Result<Transmit<'a>> {
    let mut transmit = if connected {
        // SAFETY: the caller's promise.
        Transmit::new(unsafe { data(datagram) }?)
    } else {
        // SAFETY: the caller's promise.
        let (data, target) = unsafe { outgoing(datagram) }?;
        Transmit::new(data).target(target)
    };
    // SAFETY: the caller's promise.
    if unsafe { has_local(datagram) } {
        let datagram = datagram.as_ptr();
        // SAFETY: the caller's promise.
        let address = unsafe { local(&raw const (*datagram).local, (*datagram).local_length) }?;
        transmit = transmit.source(address);
    }
    Ok(transmit)
}

/// Receives a batch into memory of C's; returns how many were received.
///
/// # Safety
///
/// `datagrams` is NULL, or `count` of them, whose buffers are filled in and can be written.
unsafe fn recv_batch<H: Handle>(socket: H, datagrams: *mut mio_st_datagram_t, count: usize) -> c_int
where
    for<'a> &'a H::Object: Into<Source<'a>>,
{
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: the caller's promise.
        let datagrams = unsafe { memory::output::<Datagram>(datagrams.cast(), count) }?;
        let datagrams = match datagrams.len() {
            0..=64 => datagrams,
            _ => datagrams.get_mut(..64).unwrap_or_default(),
        };
        // SAFETY: the caller's promise; the buffers are memory, each its own.
        let count = unsafe {
            check_buffers(datagrams)?;
            raw::recv_batch_of(&*socket, datagrams.len(), datagrams, buffer, received)?
        };
        Ok(count as c_int)
    })
}

/// Whether all buffers are memory, and none overlaps another.
///
/// # Safety
///
/// Buffers and capacities are filled in.
unsafe fn check_buffers(datagrams: &[Datagram]) -> Result<()> {
    let range = |datagram: &Datagram| {
        let datagram = datagram.as_ptr();
        // SAFETY: the caller's promise.
        let (buffer, capacity) = unsafe { ((*datagram).buffer as usize, (*datagram).capacity) };
        (buffer, buffer.saturating_add(capacity))
    };
    // Mostly they lie one behind the other.
    let mut in_order = true;
    let mut last = 0;
    for datagram in datagrams {
        let (from, to) = range(datagram);
        if from == to {
            continue;
        }
        if from == 0 || to - from > isize::MAX as usize {
            return Err(INVALID);
        }
        in_order &= from >= last;
        last = to;
    }
    if in_order {
        return Ok(());
    }
    for (i, datagram) in datagrams.iter().enumerate() {
        let (from, to) = range(datagram);
        for other in datagrams.iter().take(i) {
            let (other_from, other_to) = range(other);
            if from < other_to && other_from < to {
                return Err(INVALID);
            }
        }
    }
    Ok(())
}

fn buffer(datagrams: &mut [Datagram], i: usize) -> iovec {
    datagrams.get(i).map_or(iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }, |datagram| {
        let datagram = datagram.as_ptr();
        // SAFETY: buffers and capacities are filled in, as C has promised to `recv_batch`.
        unsafe { iovec { iov_base: (*datagram).buffer, iov_len: (*datagram).capacity } }
    })
}

/// Writes down what was received.
fn received(datagrams: &mut [Datagram], i: usize, received: Received) {
    let Some(datagram) = datagrams.get_mut(i) else { return };
    let control = received.control;
    let datagram = datagram.as_mut_ptr();
    // SAFETY: it can be written; no reference is made to what is not filled in.
    unsafe {
        let length = received.len.min((*datagram).capacity);
        let mut flags = 0;
        let mut set = |is: bool, flag| flags |= if is { flag } else { 0 };
        set(received.flags & libc::MSG_TRUNC != 0, MIO_ST_DATAGRAM_TRUNCATED);
        set(received.flags & libc::MSG_CTRUNC != 0, MIO_ST_DATAGRAM_CONTROL_TRUNCATED);
        set(control.to_many, MIO_ST_DATAGRAM_MULTICAST);
        set(control.local.is_some(), MIO_ST_DATAGRAM_LOCAL);
        set(control.interface != 0, MIO_ST_DATAGRAM_INTERFACE);
        set(control.traffic_class.is_some(), MIO_ST_DATAGRAM_TRAFFIC_CLASS);
        set(control.hop_limit.is_some(), MIO_ST_DATAGRAM_HOP_LIMIT);
        set(control.time.is_some(), MIO_ST_DATAGRAM_TIMESTAMP);
        (*datagram).length = length;
        (*datagram).flags = flags;
        (*datagram).address_length = 0;
        if let Some(sender) = received.sender {
            ((*datagram).address, (*datagram).address_length) = raw::sockaddr(sender);
        }
        (*datagram).segment_size = match usize::from(control.segment_size) {
            0 => length,
            size => size.min(length),
        } as u32;
        (*datagram).interface = control.interface;
        (*datagram).timestamp = control.time.map_or(0, nanos);
        (*datagram).dropped = control.dropped.unwrap_or(0);
        (*datagram).traffic_class = control.traffic_class.unwrap_or(0);
        (*datagram).hop_limit = control.hop_limit.unwrap_or(0);
        (*datagram).reserved = 0;
        (*datagram).local_length = 0;
        if let Some(local) = control.local {
            // One of IPv4 to a socket of both families is answered from an address of IPv4.
            ((*datagram).local, (*datagram).local_length) = raw::sockaddr((local, 0).into());
        }
    }
    raw::written(datagram, 1);
}

fn nanos(time: std::time::Duration) -> u64 {
    let nanos = time.as_secs().saturating_mul(1_000_000_000);
    nanos.saturating_add(time.subsec_nanos().into())
}

/// Sends what is left of `transmits`; returns how many are sent whole, from the first.
///
/// # Safety
///
/// `transmits` is NULL, or `count` of them, which are filled in and whose buffers can be read.
unsafe fn send_transmits(
    transmits: *mut mio_st_transmit_t,
    count: usize,
    mut send: impl FnMut(&mut [Transmit<'_>]) -> io::Result<usize>,
) -> Result<c_int> {
    // SAFETY: the caller's promise: all of them are filled in.
    let transmits = unsafe { memory::output(transmits, count) }?;
    let mut done = 0;
    let mut progress = false;
    for chunk in transmits.chunks_mut(CHUNK) {
        let mut ours = [Transmit::new(&[]); CHUNK];
        // Those of the chunk that something is left of, from the first.
        let mut left = 0;
        let mut refused = None;
        for transmit in chunk.iter() {
            if transmit.flags & MIO_ST_DATAGRAM_SENT != 0 {
                continue;
            }
            // SAFETY: the caller's promise.
            match unsafe { rest(transmit) } {
                Ok(rest) => {
                    if let Some(place) = ours.get_mut(left) {
                        *place = rest;
                        left += 1;
                    }
                }
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let ours = ours.get_mut(..left).unwrap_or_default();
        let result = send(ours);
        let chunk_len = chunk.len();
        let unsent = chunk.iter_mut().filter(|t| t.flags & MIO_ST_DATAGRAM_SENT == 0);
        for (transmit, ours) in unsent.zip(ours.iter()) {
            let before = transmit.length.saturating_sub(transmit.sent);
            let now = before.saturating_sub(ours.remaining().len());
            transmit.sent += now;
            progress |= now > 0 || ours.is_sent();
            if ours.is_sent() {
                transmit.flags |= MIO_ST_DATAGRAM_SENT;
            }
        }
        let whole = chunk.iter().take_while(|t| t.flags & MIO_ST_DATAGRAM_SENT != 0).count();
        done += whole;
        match (result, refused) {
            (Err(error), _) if !progress => return Err(error.into()),
            (Err(error), _) => {
                mem::forget(error);
                break;
            }
            (Ok(_), Some(error)) if !progress => return Err(error),
            _ if whole < chunk_len => break,
            _ => {}
        }
    }
    Ok(done as c_int)
}

/// What is left of a run.
///
/// # Safety
///
/// As [`send_transmits`].
unsafe fn rest<'a>(transmit: &mio_st_transmit_t) -> Result<Transmit<'a>> {
    const KNOWN: u32 = MIO_ST_DATAGRAM_LOCAL
        | MIO_ST_DATAGRAM_INTERFACE
        | MIO_ST_DATAGRAM_TRAFFIC_CLASS
        | MIO_ST_DATAGRAM_HOP_LIMIT
        | MIO_ST_DATAGRAM_SENT;
    if transmit.flags & !KNOWN != 0 {
        return Err(INVALID);
    }
    // SAFETY: the caller's promise.
    let data = unsafe { memory::bytes_in(transmit.buffer, transmit.length) }?;
    let data = data.get(transmit.sent..).ok_or(INVALID)?;
    let mut rest = Transmit::new(data).segment_size(transmit.segment_size);
    if transmit.address_length > 0 {
        let address = (&raw const transmit.address).cast();
        // SAFETY: `read` takes no more than the address has.
        rest = rest.target(unsafe { addr::read(address, transmit.address_length) }?);
    }
    if transmit.flags & MIO_ST_DATAGRAM_LOCAL != 0 {
        // SAFETY: the caller's promise.
        rest = rest.source(unsafe { local(&raw const transmit.local, transmit.local_length) }?);
    }
    if transmit.flags & MIO_ST_DATAGRAM_INTERFACE != 0 {
        rest = rest.interface(transmit.interface);
    }
    if transmit.flags & MIO_ST_DATAGRAM_TRAFFIC_CLASS != 0 {
        rest = rest.traffic_class(transmit.traffic_class);
    }
    if transmit.flags & MIO_ST_DATAGRAM_HOP_LIMIT != 0 {
        rest = rest.hop_limit(transmit.hop_limit);
    }
    Ok(rest)
}

/// Takes the first entry of an error queue.
///
/// # Safety
///
/// `buffer` has room for `length` bytes, and `entry` can be written; or they are NULL.
unsafe fn recv_error(
    buffer: *mut c_void,
    length: usize,
    entry: *mut mio_st_queued_error_t,
    receive: impl FnOnce(&mut [u8]) -> io::Result<QueuedError>,
) -> Result<c_int> {
    // SAFETY: the caller's promise.
    let (buffer, out) = unsafe { (memory::bytes_out(buffer, length)?, Out::new(entry)?) };
    let queued = receive(buffer)?;
    let raw = raw::queued_error(&queued);
    // SAFETY: all-zero is a value of every member.
    let mut entry: mio_st_queued_error_t = unsafe { mem::zeroed() };
    entry.error = if raw.is_error { Error::of(raw.errno).code() } else { 0 };
    entry.origin = raw.origin.into();
    entry.kind = raw.kind;
    entry.code = raw.code;
    entry.info = raw.info;
    entry.data = raw.data;
    entry.mtu = queued.mtu().unwrap_or(0);
    entry.timestamp = raw.time.map_or(0, nanos);
    entry.length = queued.data_len();
    if let Some(offender) = queued.offender() {
        (entry.offender, entry.offender_length) = raw::sockaddr(offender);
    }
    if let Some(target) = queued.target() {
        (entry.target, entry.target_length) = raw::sockaddr(target);
    }
    out.put(entry);
    Ok(0)
}

fn mtu_discovery(mode: u32) -> Result<MtuDiscovery> {
    match mode {
        MIO_ST_MTU_DISCOVERY_DONT => Ok(MtuDiscovery::Dont),
        MIO_ST_MTU_DISCOVERY_WANT => Ok(MtuDiscovery::Want),
        MIO_ST_MTU_DISCOVERY_DO => Ok(MtuDiscovery::Do),
        MIO_ST_MTU_DISCOVERY_PROBE => Ok(MtuDiscovery::Probe),
        _ => Err(INVALID),
    }
}

/// Sends many datagrams at once, each to its own address.
///
/// `datagrams` are `count` of them: of each, `length` bytes of `buffer` are sent to `address` and
/// `address_length`, from `local` if `MIO_ST_DATAGRAM_LOCAL` is among its flags; so that what
/// mio_st_udp_socket_recv_batch() filled can be sent back as it is. A call takes at most 64, and stops at the
/// first that cannot be sent: send the rest with another call, which will say why.
///
/// Returns how many were sent, from the first; for the first, the errors of mio_st_udp_socket_send_to(), and
/// with a local address those of mio_st_udp_socket_send_transmits(); `-EINVAL` if `datagrams` is NULL; the
/// errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_send_batch(
    socket: mio_st_udp_socket_t,
    datagrams: *const mio_st_datagram_t,
    count: usize,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        let plain = |datagrams: &[Datagram], refused: &mut Option<Error>| {
            // SAFETY: C promises that they are filled in, and that their buffers can be read.
            socket.send_batch(good(datagrams, refused, |datagram| unsafe { outgoing(datagram) }))
        };
        // SAFETY: C promises that `datagrams` are `count` of them, with their buffers.
        unsafe {
            send_batch(datagrams, count, false, |transmits| socket.send_transmits(transmits), plain)
        }
    })
}

/// Receives many datagrams at once, each into its own buffer.
///
/// `datagrams` are `count` of them: of each, `buffer` and `capacity` are filled in by the caller, and all else by
/// the call. No two buffers may overlap. A call fills at most 64, and does not wait for more than are there. What
/// goes along is asked for with mio_st_udp_socket_set_recv_local() and the like.
///
/// Returns how many were received, into the first; `-EAGAIN` if there is none; `-EINVAL` if `datagrams` or one
/// of its buffers is NULL, or buffers overlap; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_recv_batch(
    socket: mio_st_udp_socket_t,
    datagrams: *mut mio_st_datagram_t,
    count: usize,
) -> c_int {
    // SAFETY: C promises that `datagrams` are `count` of them, with their buffers.
    unsafe { recv_batch(socket, datagrams, count) }
}

/// Sends datagrams and runs of equal ones, with what goes along.
///
/// `transmits` are `count` of them. A run is cut into datagrams by the system (`UDP_SEGMENT`), at a tenth of the
/// price of as many datagrams; where it cannot be, because of the system, the interface or the path, they are
/// sent as a batch, and from then on at once so.
///
/// It stops at the first that cannot be sent. Of that, if it is a run, a part may have been sent, which `sent`
/// tells: send the rest with another call with the same array, which will say why. Nothing is lost, and nothing
/// is sent twice.
///
/// Returns how many are sent, from the first: 0 if only a part of that was. For the first, if nothing of it was
/// sent: the errors of mio_st_udp_socket_send_to(); `-EAFNOSUPPORT` if the source is not of the family of the
/// target; `-EINVAL` or `-ENETUNREACH` if it is not an address of this host; `-EOPNOTSUPP` for what the system
/// cannot send along; `-EINVAL` for an unknown flag and if `sent` is more than `length`. `-EINVAL` if `transmits`
/// is NULL; the errors of a handle.
///
/// Runs are cut by Linux, 4.18 or later. An interface without a source can be given to IPv4 on Linux and Darwin,
/// a hop limit to IPv4 on Linux, a traffic class to IPv4 on these and FreeBSD, a source to IPv4 on all but
/// DragonFly BSD.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_send_transmits(
    socket: mio_st_udp_socket_t,
    transmits: *mut mio_st_transmit_t,
    count: usize,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `transmits` are `count` of them, with their buffers.
        unsafe { send_transmits(transmits, count, |transmits| socket.send_transmits(transmits)) }
    })
}

/// How many datagrams of a run the system takes in one call: 64 where it can cut runs, otherwise 1. It becomes 1
/// when an interface or a path has refused that.
///
/// Returns the number; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_udp_socket_max_segments(socket: mio_st_udp_socket_t) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.max_segments() as c_int))
}

/// Sets `UDP_GRO`: whether several datagrams of one sender may be received as a run, see mio_st_datagram_t.
///
/// Receive by mio_st_udp_socket_recv_batch() then: the other functions do not tell where one datagram ends. A run has
/// up to 65,507 bytes; what does not fit the memory is lost, and told of by `MIO_ST_DATAGRAM_TRUNCATED`.
/// Memory for runs begins best at a page: see the guide.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; `-EOPNOTSUPP` elsewhere than on Linux; `-ENOPROTOOPT` before Linux 5.0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_gro(socket: mio_st_udp_socket_t, on: c_int) -> c_int {
    set(socket, |socket| socket.set_gro(on != 0))
}

/// Whether each datagram tells the address and the interface that it came to: `local` and `interface` of
/// mio_st_datagram_t. A socket that is bound to no address needs it to answer from the one that was asked.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; the errors of a handle.
///
/// On the BSDs IPv4 tells no interface.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_recv_local(
    socket: mio_st_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_recv_local(on != 0))
}

/// Whether each datagram tells its traffic class, with the congestion that routers told of: `traffic_class` of
/// mio_st_datagram_t.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; `-EOPNOTSUPP` for IPv4 on NetBSD, OpenBSD and DragonFly BSD; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_recv_traffic_class(
    socket: mio_st_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_recv_traffic_class(on != 0))
}

/// Whether each datagram tells how many hops were left to it: `hop_limit` of mio_st_datagram_t.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; `-EOPNOTSUPP` for IPv4 on NetBSD and OpenBSD; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_recv_hop_limit(
    socket: mio_st_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_recv_hop_limit(on != 0))
}

/// Whether each datagram tells when it arrived: `timestamp` of mio_st_datagram_t.
///
/// Linux takes a moment to begin noting times, from the first socket on that asks for them: what arrives before
/// has the time of its receipt.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; the errors of a handle.
///
/// In nanoseconds on Linux, elsewhere in microseconds.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_recv_timestamp(
    socket: mio_st_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_recv_timestamp(on != 0))
}

/// Whether each datagram tells how many were lost because the socket had no room: `dropped` of
/// mio_st_datagram_t.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; `-EOPNOTSUPP` elsewhere than on Linux; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_recv_dropped(
    socket: mio_st_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_recv_dropped(on != 0))
}

/// Sets `IP_RECVERR`: whether errors wait in a queue, with their origins, for
/// mio_st_udp_socket_recv_error().
///
/// Then a socket without a peer, too, is told that nobody listened to what it sent. Sending and receiving fail
/// once for each such error; `MIO_ST_ERROR` goes when the queue is empty.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; `-EOPNOTSUPP` elsewhere than on Linux; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_recv_errors(
    socket: mio_st_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_recv_errors(on != 0))
}

/// Sets what is done with datagrams that are larger than the path takes (`IP_MTU_DISCOVER`).
///
/// `mode` is one of `MIO_ST_MTU_DISCOVERY_...`.
///
/// Returns 0; `-EINVAL` for another mode; `-EOPNOTSUPP` for IPv4 on NetBSD, OpenBSD and DragonFly BSD; the errors of
/// a handle.
///
/// Linux has the four modes; elsewhere `DO` and `PROBE` set `IP_DONTFRAG`, and the others clear it.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_udp_socket_set_mtu_discovery(
    socket: mio_st_udp_socket_t,
    mode: u32,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        socket.set_mtu_discovery(mtu_discovery(mode)?)?;
        Ok(0)
    })
}

/// Takes the next entry from the error queue.
///
/// `buffer` has room for `length` bytes: the beginning of the datagram that it is about. `entry` receives it.
///
/// Returns 0; `-EAGAIN` if the queue is empty; `-EOPNOTSUPP` elsewhere than on Linux; `-EINVAL` if `entry` is NULL,
/// or `buffer` is and `length` is not 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_udp_socket_recv_error(
    socket: mio_st_udp_socket_t,
    buffer: *mut c_void,
    length: usize,
    entry: *mut mio_st_queued_error_t,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `buffer` has room for `length` bytes, and that `entry` can be written.
        unsafe { recv_error(buffer, length, entry, |buffer| socket.recv_error(buffer)) }
    })
}

/// Sends many datagrams at once to the peer.
///
/// As mio_st_udp_socket_send_batch(), without looking at the addresses.
///
/// Returns as that; for the first, the errors of mio_st_connected_udp_socket_send().
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_send_batch(
    socket: mio_st_connected_udp_socket_t,
    datagrams: *const mio_st_datagram_t,
    count: usize,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        let plain = |datagrams: &[Datagram], refused: &mut Option<Error>| {
            // SAFETY: C promises that they are filled in, and that their buffers can be read.
            socket.send_batch(good(datagrams, refused, |datagram| unsafe { data(datagram) }))
        };
        // SAFETY: C promises that `datagrams` are `count` of them, with their buffers.
        unsafe {
            send_batch(datagrams, count, true, |transmits| socket.send_transmits(transmits), plain)
        }
    })
}

/// Receives many datagrams of the peer at once.
///
/// As mio_st_udp_socket_recv_batch().
///
/// Returns as that; also the errors of mio_st_connected_udp_socket_recv().
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_recv_batch(
    socket: mio_st_connected_udp_socket_t,
    datagrams: *mut mio_st_datagram_t,
    count: usize,
) -> c_int {
    // SAFETY: C promises that `datagrams` are `count` of them, with their buffers.
    unsafe { recv_batch(socket, datagrams, count) }
}

/// Sends datagrams and runs of equal ones to the peer, with what goes along.
///
/// As mio_st_udp_socket_send_transmits(), with an `address_length` of 0.
///
/// Returns as that; also the errors of mio_st_connected_udp_socket_send().
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_send_transmits(
    socket: mio_st_connected_udp_socket_t,
    transmits: *mut mio_st_transmit_t,
    count: usize,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `transmits` are `count` of them, with their buffers.
        unsafe { send_transmits(transmits, count, |transmits| socket.send_transmits(transmits)) }
    })
}

/// How many datagrams of a run the system takes in one call: 64 where it can cut runs, otherwise 1. It becomes 1
/// when an interface or a path has refused that.
///
/// Returns the number; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_connected_udp_socket_max_segments(
    socket: mio_st_connected_udp_socket_t,
) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.max_segments() as c_int))
}

/// Sets `UDP_GRO`: whether several datagrams of one sender may be received as a run, see mio_st_datagram_t.
///
/// Receive by mio_st_connected_udp_socket_recv_batch() then: the other functions do not tell where one datagram ends. A run has
/// up to 65,507 bytes; what does not fit the memory is lost, and told of by `MIO_ST_DATAGRAM_TRUNCATED`.
/// Memory for runs begins best at a page: see the guide.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; `-EOPNOTSUPP` elsewhere than on Linux; `-ENOPROTOOPT` before Linux 5.0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_gro(
    socket: mio_st_connected_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_gro(on != 0))
}

/// Whether each datagram tells the address and the interface that it came to: `local` and `interface` of
/// mio_st_datagram_t. A socket that is bound to no address needs it to answer from the one that was asked.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; the errors of a handle.
///
/// On the BSDs IPv4 tells no interface.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_recv_local(
    socket: mio_st_connected_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_recv_local(on != 0))
}

/// Whether each datagram tells its traffic class, with the congestion that routers told of: `traffic_class` of
/// mio_st_datagram_t.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; `-EOPNOTSUPP` for IPv4 on NetBSD, OpenBSD and DragonFly BSD; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_recv_traffic_class(
    socket: mio_st_connected_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_recv_traffic_class(on != 0))
}

/// Whether each datagram tells how many hops were left to it: `hop_limit` of mio_st_datagram_t.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; `-EOPNOTSUPP` for IPv4 on NetBSD and OpenBSD; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_recv_hop_limit(
    socket: mio_st_connected_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_recv_hop_limit(on != 0))
}

/// Whether each datagram tells when it arrived: `timestamp` of mio_st_datagram_t.
///
/// Linux takes a moment to begin noting times, from the first socket on that asks for them: what arrives before
/// has the time of its receipt.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; the errors of a handle.
///
/// In nanoseconds on Linux, elsewhere in microseconds.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_recv_timestamp(
    socket: mio_st_connected_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_recv_timestamp(on != 0))
}

/// Whether each datagram tells how many were lost because the socket had no room: `dropped` of
/// mio_st_datagram_t.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; `-EOPNOTSUPP` elsewhere than on Linux; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_recv_dropped(
    socket: mio_st_connected_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_recv_dropped(on != 0))
}

/// Sets `IP_RECVERR`: whether errors wait in a queue, with their origins, for
/// mio_st_connected_udp_socket_recv_error().
///
/// Then a socket without a peer, too, is told that nobody listened to what it sent. Sending and receiving fail
/// once for each such error; `MIO_ST_ERROR` goes when the queue is empty.
///
/// `on` is 0 for no, anything else for yes.
///
/// Returns 0; `-EOPNOTSUPP` elsewhere than on Linux; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_recv_errors(
    socket: mio_st_connected_udp_socket_t,
    on: c_int,
) -> c_int {
    set(socket, |socket| socket.set_recv_errors(on != 0))
}

/// Sets what is done with datagrams that are larger than the path takes (`IP_MTU_DISCOVER`).
///
/// `mode` is one of `MIO_ST_MTU_DISCOVERY_...`.
///
/// Returns 0; `-EINVAL` for another mode; `-EOPNOTSUPP` for IPv4 on NetBSD, OpenBSD and DragonFly BSD; the errors of
/// a handle.
///
/// Linux has the four modes; elsewhere `DO` and `PROBE` set `IP_DONTFRAG`, and the others clear it.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_connected_udp_socket_set_mtu_discovery(
    socket: mio_st_connected_udp_socket_t,
    mode: u32,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        socket.set_mtu_discovery(mtu_discovery(mode)?)?;
        Ok(0)
    })
}

/// The MTU of the path to the peer, as far as it is known (`IP_MTU`).
///
/// Returns it; `-EOPNOTSUPP` elsewhere than on Linux; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_connected_udp_socket_mtu(socket: mio_st_connected_udp_socket_t) -> c_int {
    call(socket, |table| Ok(table.get(socket)?.mtu()? as c_int))
}

/// Takes the next entry from the error queue.
///
/// `buffer` has room for `length` bytes: the beginning of the datagram that it is about. `entry` receives it.
///
/// Returns 0; `-EAGAIN` if the queue is empty; `-EOPNOTSUPP` elsewhere than on Linux; `-EINVAL` if `entry` is NULL,
/// or `buffer` is and `length` is not 0; the errors of a handle.
///
/// Thread: that of the socket.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_connected_udp_socket_recv_error(
    socket: mio_st_connected_udp_socket_t,
    buffer: *mut c_void,
    length: usize,
    entry: *mut mio_st_queued_error_t,
) -> c_int {
    call(socket, |table| {
        let socket = table.get(socket)?;
        // SAFETY: C promises that `buffer` has room for `length` bytes, and that `entry` can be written.
        unsafe { recv_error(buffer, length, entry, |buffer| socket.recv_error(buffer)) }
    })
}

/// Takes the next entry from the error queue of a connection, where the system tells of what was sent with
/// `MSG_ZEROCOPY`, and, with `SO_TIMESTAMPING`, when; both are asked for on the descriptor.
///
/// As long as there is an entry the connection reports `MIO_ST_ERROR`, which no other call ends.
///
/// `buffer` has room for `length` bytes of what it is about, and may be NULL if that is 0. `entry` receives it.
///
/// Returns 0; `-EAGAIN` if the queue is empty; `-EOPNOTSUPP` elsewhere than on Linux; `-EINVAL` if `entry` is NULL,
/// or `buffer` is and `length` is not 0; the errors of a handle.
///
/// Thread: that of the stream.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_tcp_stream_recv_error(
    stream: mio_st_tcp_stream_t,
    buffer: *mut c_void,
    length: usize,
    entry: *mut mio_st_queued_error_t,
) -> c_int {
    call(stream, |table| {
        let stream = table.get(stream)?;
        // SAFETY: C promises that `buffer` has room for `length` bytes, and that `entry` can be written.
        unsafe { recv_error(buffer, length, entry, |buffer| stream.recv_error(buffer)) }
    })
}
