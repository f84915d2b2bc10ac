//! The arguments of the functions: each is made of the bytes of the step. Mostly they are good.

use std::mem::zeroed;
use std::net::SocketAddr;
use std::ptr;

use libc::{c_char, c_int, in_addr, in6_addr, iovec, sockaddr, sockaddr_storage, socklen_t};
use mio_st_capi::abi::*;

use super::kinds::*;
use super::memory::{CANARY, Memory};
use super::world::{
    CLOSED_FD, IGNORED, World, abstract_name, child, loopback, scratch, socket_name,
};

const OPTIONS: usize = size_of::<mio_st_socket_options_t>();

/// A length, as a `size_t` or a `socklen_t`.
pub trait Length {
    fn of(length: usize) -> Self;
}

impl Length for usize {
    fn of(length: usize) -> usize {
        length
    }
}

impl Length for socklen_t {
    fn of(length: usize) -> socklen_t {
        socklen_t::try_from(length).unwrap_or(socklen_t::MAX)
    }
}

/// The bytes of a value, padding and all.
fn bytes_of<T: Copy>(values: &[T]) -> Box<[u8]> {
    let mut bytes = vec![0; size_of_val(values)].into_boxed_slice();
    // SAFETY: both are so long, and nobody asks what padding holds.
    unsafe { ptr::copy_nonoverlapping(values.as_ptr().cast(), bytes.as_mut_ptr(), bytes.len()) };
    bytes
}

impl World {
    fn memory(&mut self, content: impl Into<Box<[u8]>>, writable: bool) -> *mut u8 {
        self.skewed(content, writable, 0)
    }

    fn skewed(&mut self, content: impl Into<Box<[u8]>>, writable: bool, skew: usize) -> *mut u8 {
        let memory = Memory::new(content.into(), writable, skew);
        let pointer = memory.pointer();
        self.call.memories.push(memory);
        pointer
    }

    /// A handle for this kind of argument: the bits.
    fn bits(&mut self, kind: usize) -> u64 {
        let (how, which) = (self.byte(), usize::from(self.byte()));
        let handles = self.handles.iter().rev();
        let thread = self.thread;
        let mine = |thread_of| thread_of == thread || is_anybodys(kind);
        let found: Vec<u64> = match how {
            0..176 => {
                let mine = handles.filter(|k| k.kind == kind && k.open && mine(k.thread));
                let found: Vec<u64> = mine.map(|known| known.bits).collect();
                if found.is_empty() || (which >= 224 && found.len() < 4) {
                    self.make(kind)
                        .map(|known| known.bits)
                        .or(found.first().copied())
                        .into_iter()
                        .collect()
                } else {
                    found
                }
            }
            176..196 => {
                handles.filter(|k| k.kind == kind && !k.open).map(|known| known.bits).collect()
            }
            196..212 => handles.map(|known| known.bits).collect(),
            212..228 => {
                let others = handles.filter(|k| k.kind == kind && !mine(k.thread));
                others.map(|known| known.bits).collect()
            }
            228..240 => {
                let flip = 1u64 << (self.byte() & 63);
                self.handles.iter().map(|known| known.bits ^ flip).collect()
            }
            240..244 => vec![self.long()],
            244..=255 => Vec::new(),
        };
        // The newest is likely, so that one call has to do with the one before.
        let index = if which < 128 { 0 } else { which };
        index.checked_rem(found.len()).map_or(0, |index| found[index])
    }

    /// Notes what a handle must be answered.
    fn expect<H: Handle>(&mut self, bits: u64) -> H {
        match self.refusals(H::KIND, bits) {
            Ok(known) => self.call.good.push(known),
            Err(refusals) => self.call.refusals.extend(refusals),
        }
        H::from_bits(bits)
    }

    pub fn handle<H: Handle>(&mut self) -> H {
        let bits = self.bits(H::KIND);
        self.expect(bits)
    }

    /// One that names nothing any more after success.
    pub fn consumed<H: Handle>(&mut self) -> H {
        let bits = self.bits(H::KIND);
        self.call.consumed = Some(bits);
        self.expect(bits)
    }

    /// What is attached: mostly of the kind that the function is for.
    pub fn detached(&mut self) -> mio_st_detached_t {
        let wanted = self.call.opened.last().map(|(_, kind)| *kind);
        let found = if self.byte() < 160 { wanted } else { None };
        let found = found.and_then(|kind| self.one_detached(kind)).map(|known| known.bits);
        let bits = found.unwrap_or_else(|| self.bits(DETACHED));
        let was = self.detached.iter().find(|(detached, _)| *detached == bits);
        self.call.loose_fd |= was.map(|(_, was)| was.kind) != wanted;
        self.call.consumed = Some(bits);
        self.expect(bits)
    }

    /// One that is closed. Zero is fine.
    pub fn closed<H: Handle>(&mut self) -> H {
        let bits = self.bits(H::KIND);
        if bits == 0 {
            return H::from_bits(0);
        }
        self.call.consumed = Some(bits);
        self.expect(bits)
    }

    pub fn opened<H: Handle>(&mut self) -> *mut H {
        let pointer = self.result(8);
        if !pointer.is_null() {
            self.call.opened.push((self.call.memories.len() - 1, H::KIND));
        }
        pointer.cast()
    }

    /// Memory for a result; sometimes NULL, or not aligned.
    fn result(&mut self, size: usize) -> *mut u8 {
        match self.byte() {
            0..8 => {
                self.call.loose = true;
                ptr::null_mut()
            }
            8..16 => self.skewed(vec![CANARY; size], true, 1),
            _ => self.memory(vec![CANARY; size], true),
        }
    }

    pub fn out<T>(&mut self) -> *mut T {
        self.result(size_of::<T>()).cast()
    }

    pub fn out_optional<T>(&mut self) -> *mut T {
        if self.byte() < 64 { ptr::null_mut() } else { self.out() }
    }

    pub fn key_out(&mut self) -> *mut mio_st_deadline_key_t {
        if self.byte() < 64 {
            return ptr::null_mut();
        }
        self.call.key = Some(self.call.memories.len());
        self.memory(vec![CANARY; 16], true).cast()
    }

    /// The length of what was made last.
    pub fn length<L: Length>(&mut self) -> L {
        L::of(self.length)
    }

    /// Whether a buffer is one of the bad: NULL, or of impossible length.
    fn bad_buffer<T>(&mut self) -> Option<*mut T> {
        let how = self.byte();
        match how {
            0..8 => {
                self.length = 0;
                Some(ptr::null_mut())
            }
            8..16 => {
                self.length = usize::from(how - 7);
                self.call.loose = true;
                Some(ptr::null_mut())
            }
            16..20 => {
                self.length = usize::MAX;
                self.call.loose = true;
                Some(self.memory([CANARY; 16], false).cast())
            }
            _ => None,
        }
    }

    fn buffer_length(&mut self) -> usize {
        match self.byte() {
            small @ 0..128 => usize::from(small) / 4,
            middle @ 128..240 => usize::from(middle),
            large => usize::from(large - 239) * 512,
        }
    }

    pub fn output<T>(&mut self) -> *mut T {
        if let Some(bad) = self.bad_buffer() {
            return bad;
        }
        self.length = self.buffer_length();
        // A text that does not fit.
        self.call.loose |= self.length < MIO_ST_ADDR_TEXT_SIZE as usize;
        self.memory(vec![CANARY; self.length], true).cast()
    }

    pub fn input<T>(&mut self) -> *const T {
        if let Some(bad) = self.bad_buffer() {
            return bad;
        }
        self.length = self.buffer_length();
        self.memory(vec![0x5a; self.length], false).cast()
    }

    fn vectors(&mut self, writable: bool) -> *const iovec {
        if let Some(bad) = self.bad_buffer() {
            return bad;
        }
        let mut vectors = Vec::new();
        let count = match self.byte() {
            few @ 0..250 => few & 3,
            many => many,
        };
        for _ in 0..count {
            let (base, length) = match self.byte() {
                0..8 => (ptr::null_mut(), 0),
                8..12 => {
                    self.call.loose = true;
                    (ptr::null_mut(), 1)
                }
                length => {
                    let length = usize::from(length) / 4;
                    (self.memory(vec![CANARY; length], writable), length)
                }
            };
            vectors.push(iovec { iov_base: base.cast(), iov_len: length });
        }
        self.length = vectors.len();
        self.memory(bytes_of(&vectors), false).cast()
    }

    pub fn vectors_out(&mut self) -> *const iovec {
        self.vectors(true)
    }

    pub fn vectors_in(&mut self) -> *const iovec {
        self.vectors(false)
    }

    fn datagrams(&mut self, receive: bool) -> *mut mio_st_datagram_t {
        if let Some(bad) = self.bad_buffer() {
            return bad;
        }
        let count = match self.byte() {
            few @ 0..250 => few & 3,
            _ => 70,
        };
        let mut datagrams = Vec::new();
        for _ in 0..count {
            // SAFETY: zero is a value of every member.
            let mut datagram: mio_st_datagram_t = unsafe { zeroed() };
            let length = match self.byte() {
                0..8 => {
                    self.call.loose = true;
                    datagram.capacity = 1;
                    datagram.length = 1;
                    datagrams.push(datagram);
                    continue;
                }
                length => usize::from(length) / 4,
            };
            datagram.buffer = self.memory(vec![CANARY; length], receive).cast();
            if receive {
                datagram.capacity = length;
                datagram.length = usize::MAX;
                datagram.flags = u32::MAX;
                datagram.address_length = socklen_t::MAX;
            } else {
                datagram.length = length;
                let address = self.address_bytes();
                let length = address.len().min(size_of::<sockaddr_storage>());
                // SAFETY: there is room for so many bytes.
                unsafe {
                    let target = (&raw mut datagram.address).cast::<u8>();
                    target.copy_from_nonoverlapping(address.as_ptr(), length);
                }
                datagram.address_length = length as socklen_t;
                self.call.loose = true;
            }
            datagrams.push(datagram);
        }
        self.length = datagrams.len();
        if receive {
            self.call.datagrams = Some(self.call.memories.len());
        }
        self.memory(bytes_of(&datagrams), receive).cast()
    }

    /// Runs, in which the call counts what was sent.
    pub fn transmits(&mut self) -> *mut mio_st_transmit_t {
        if let Some(bad) = self.bad_buffer() {
            return bad;
        }
        let mut transmits = Vec::new();
        for _ in 0..self.byte() & 15 {
            // SAFETY: zero is a value of every member.
            let mut transmit: mio_st_transmit_t = unsafe { zeroed() };
            let length = usize::from(self.byte());
            transmit.buffer = self.memory(vec![CANARY; length], false).cast();
            transmit.length = length;
            transmit.sent = [0, 0, 0, length / 2, length, length + 1][usize::from(self.byte()) % 6];
            transmit.segment_size =
                [0, 1, 10, 100, 65_535, 70_000, usize::MAX][usize::from(self.byte()) % 7];
            transmit.flags = match self.byte() {
                few @ 0..128 => u32::from(few & 15) << 3,
                any => u32::from(any) << 2,
            };
            transmit.interface = u32::from(self.byte() & 3);
            transmit.traffic_class = self.byte();
            transmit.hop_limit = self.byte();
            for local in [false, true] {
                let address = self.address_bytes();
                let length = address.len().min(size_of::<sockaddr_storage>());
                let (place, place_length) = if local {
                    (&raw mut transmit.local, &mut transmit.local_length)
                } else {
                    (&raw mut transmit.address, &mut transmit.address_length)
                };
                // SAFETY: there is room for so many bytes.
                unsafe { place.cast::<u8>().copy_from_nonoverlapping(address.as_ptr(), length) };
                *place_length = length as socklen_t;
            }
            transmits.push(transmit);
        }
        self.call.loose = true;
        self.length = transmits.len();
        self.memory(bytes_of(&transmits), true).cast()
    }

    pub fn datagrams_in(&mut self) -> *const mio_st_datagram_t {
        self.datagrams(false)
    }

    pub fn datagrams_out(&mut self) -> *mut mio_st_datagram_t {
        self.datagrams(true)
    }

    pub fn events(&mut self) -> *mut mio_st_event_t {
        self.length = match self.byte() {
            few @ 0..192 => usize::from(few & 3),
            some @ 192..252 => usize::from(some),
            252..255 => 2048,
            255 => 1 << 16,
        };
        self.call.loose |= self.length == 0;
        if self.byte() < 8 {
            self.call.loose = true;
            return ptr::null_mut();
        }
        self.call.events = Some(self.call.memories.len());
        self.memory(vec![CANARY; 16 * self.length], true).cast()
    }

    pub fn signal_number(&mut self) -> c_int {
        match self.byte() {
            0..16 => {
                self.call.loose = true;
                let bad = [0, -1, libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, 65, c_int::MAX];
                self.choose(&bad)
            }
            good => IGNORED[usize::from(good) % IGNORED.len()],
        }
    }

    pub fn signal_numbers(&mut self) -> *const c_int {
        if let Some(bad) = self.bad_buffer() {
            self.call.loose = true;
            return bad;
        }
        let count = usize::from(self.byte() & 3);
        let numbers: Vec<c_int> = (0..count)
            .map(|_| match self.byte() {
                0..16 => {
                    let bad = [0, -1, libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, 65, c_int::MAX];
                    self.choose(&bad)
                }
                good => IGNORED[usize::from(good) % IGNORED.len()],
            })
            .collect();
        self.length = count;
        self.memory(bytes_of(&numbers), false).cast()
    }

    /// Descriptors that are passed on, and are duplicated for that. Those of handles are not among them, since a
    /// copy would keep their files open.
    pub fn fds_in(&mut self) -> *const c_int {
        self.call.loose = true;
        self.call.loose_fd = true;
        if let Some(bad) = self.bad_buffer() {
            return bad;
        }
        let count = match self.byte() {
            few @ 0..250 => usize::from(few & 3),
            _ => 254,
        };
        let fds: Vec<c_int> = (0..count)
            .map(|_| match self.byte() {
                0..16 => self.choose(&[-1, c_int::MIN, c_int::MAX, CLOSED_FD]),
                good => c_int::from(good % 3),
            })
            .collect();
        self.length = count;
        self.memory(bytes_of(&fds), false).cast()
    }

    pub fn fds_out(&mut self) -> *mut c_int {
        if let Some(bad) = self.bad_buffer() {
            return bad;
        }
        self.length = usize::from(self.byte() & 3);
        self.call.passed = Some(self.call.memories.len());
        self.memory(vec![CANARY; 4 * self.length], true).cast()
    }

    pub fn message_out(&mut self) -> *mut mio_st_unix_message_t {
        let memory = self.call.memories.len();
        let message: *mut mio_st_unix_message_t = self.out();
        self.call.message = (!message.is_null()).then_some(memory);
        message
    }

    pub fn cred_in(&mut self) -> *const mio_st_ucred_t {
        match self.byte() {
            0..224 => ptr::null(),
            _ => {
                self.call.loose = true;
                let pid = self.choose(&[std::process::id() as i32, 0, -1, i32::MAX]);
                let cred = mio_st_ucred_t { uid: self.choose(&[0, u32::MAX]), gid: 0, pid };
                self.memory(bytes_of(&[cred]), false).cast()
            }
        }
    }

    pub fn id(&mut self) -> u64 {
        let id = match self.byte() {
            small @ 0..224 => u64::from(small & 15),
            _ => self.long(),
        };
        self.ids.push(id);
        id
    }

    pub fn key(&mut self) -> mio_st_deadline_key_t {
        let keys = self.keys.clone();
        let how = self.byte();
        let key = self.pick(&keys).unwrap_or(mio_st_deadline_key_t { slot: 0, serial: 0 });
        match how {
            0..200 => key,
            200..216 => mio_st_deadline_key_t { slot: key.slot ^ 1 << (how & 15), ..key },
            216..232 => mio_st_deadline_key_t { serial: key.serial ^ 1 << (how & 15), ..key },
            _ => mio_st_deadline_key_t { slot: self.long(), serial: self.long() },
        }
    }

    /// A key that the call may replace.
    pub fn kept_key(&mut self) -> *mut mio_st_deadline_key_t {
        let key = self.key();
        if self.byte() < 8 {
            self.call.loose = true;
            return ptr::null_mut();
        }
        self.call.key = Some(self.call.memories.len());
        self.memory(bytes_of(&[key]), true).cast()
    }

    /// A time, a period or a slack.
    pub fn time(&mut self) -> u64 {
        match self.byte() {
            0..32 => 0,
            32..96 => u64::from(self.byte()),
            96..160 => now() + u64::from(self.word()),
            160..176 => now().saturating_sub(self.word().into()),
            176..192 => u64::MAX - u64::from(self.byte()),
            192..208 => i64::MAX as u64 + u64::from(self.byte() & 3),
            _ => self.long(),
        }
    }

    pub fn clock(&mut self) -> u32 {
        let good = [MIO_ST_CLOCK_MONOTONIC, MIO_ST_CLOCK_PAUSED, MIO_ST_CLOCK_AUTOMATIC];
        self.flags(&good)
    }

    pub fn checks(&mut self) -> u32 {
        self.flags(&[MIO_ST_CHECK_ALL, MIO_ST_CHECK_ALL, MIO_ST_CHECK_SPINNING])
    }

    /// A time to go to, which depends on the clock.
    pub fn driven_time(&mut self) -> u64 {
        self.call.loose = true;
        self.time()
    }

    /// Hardly any: a fuzzer has no time.
    pub fn timeout(&mut self) -> i64 {
        self.choose(&[0, 0, 0, 0, 0, 0, 1, 1000])
    }

    pub fn room(&mut self) -> usize {
        match self.byte() {
            small @ 0..240 => usize::from(small / 4),
            _ => {
                self.call.loose = true;
                self.choose(&[usize::MAX, usize::MAX / 8])
            }
        }
    }

    fn flags(&mut self, good: &[u32]) -> u32 {
        match self.byte() {
            bits @ 0..240 => good[usize::from(bits) % good.len()],
            _ => {
                self.call.loose = true;
                let bad = [0, u32::MAX, 1 << 31, 1 << 7, 1 << 11, 1 << 14];
                self.choose(&bad)
            }
        }
    }

    pub fn interests(&mut self) -> u32 {
        // Not every handle has every interest.
        self.call.loose = true;
        let (read, write) = (MIO_ST_READABLE, MIO_ST_WRITABLE);
        self.flags(&[read, write, read | write, MIO_ST_PRIORITY, read | MIO_ST_PRIORITY])
    }

    pub fn option(&mut self) -> u32 {
        // An exclusive registration refuses what others take.
        let option = self.flags(&[MIO_ST_EDGE, MIO_ST_LEVEL, MIO_ST_ONESHOT]);
        let exclusive = self.byte() < 8;
        self.call.loose |= exclusive;
        if exclusive { option | MIO_ST_EXCLUSIVE } else { option }
    }

    pub fn readiness(&mut self) -> u32 {
        let both = MIO_ST_READABLE | MIO_ST_WRITABLE;
        self.flags(&[MIO_ST_READABLE, both, MIO_ST_TIMER, MIO_ST_HUP | MIO_ST_ERROR, 1 << 13])
    }

    pub fn number(&mut self) -> c_int {
        match self.byte() {
            small @ 0..128 => c_int::from(small) - 64,
            128..192 => -4090 - c_int::from(self.byte() & 15),
            _ => self.choose(&[c_int::MIN, c_int::MIN + 1, c_int::MAX, -1]),
        }
    }

    /// Not positive: closing would wait.
    pub fn linger(&mut self) -> c_int {
        self.choose(&[0, -1, c_int::MIN])
    }

    pub fn small(&mut self) -> u32 {
        self.call.loose = true;
        self.choose(&[0, 1, 2, 64, 255, 256, u32::MAX, 1 << 31, i32::MAX as u32])
    }

    pub fn how(&mut self) -> c_int {
        self.call.loose = true;
        self.choose(&[libc::SHUT_RD, libc::SHUT_WR, libc::SHUT_RDWR, -1, 3, c_int::MAX])
    }

    pub fn pid(&mut self) -> c_int {
        match self.byte() & 7 {
            0 => child(),
            1 => std::process::id() as c_int,
            2 => 1,
            3 => c_int::MAX,
            4 => 0,
            5 => -1,
            _ => c_int::MIN,
        }
    }

    pub fn fd(&mut self) -> c_int {
        let how = self.byte();
        let fds = self.fds.clone();
        let handles = self.handles.clone();
        let fd = match how {
            0..160 => self.pick(&fds),
            160..224 => self.pick(&handles).map(|known| known.fd),
            _ => Some(self.choose(&[-1, c_int::MIN, c_int::MAX, CLOSED_FD])),
        };
        let fd = fd.unwrap_or(-1);
        let open = self.fds.contains(&fd) || handles.iter().any(|k| k.open && k.fd == fd);
        // What belongs to no thread has -1.
        self.call.loose_fd |= fd < 0 || !open || self.tainted.contains(&fd);
        fd
    }

    /// A descriptor that the call takes. Now and then it is that of a handle.
    pub fn given_fd(&mut self) -> c_int {
        let mut fd = self.fd();
        let owned = self.handles.iter().any(|known| known.open && known.fd == fd);
        if owned && !self.fds.contains(&fd) && self.byte() < 128 {
            self.call.loose_fd = true;
            fd = CLOSED_FD;
        }
        self.call.given_fd = Some(fd);
        fd
    }

    /// Of the family that the function is for, more or less.
    fn address_bytes(&mut self) -> Vec<u8> {
        let unix = self.call.name.contains("_unix_");
        let mut bytes = match self.byte() {
            0..128 => self.live_address(unix),
            128..144 => self.live_address(!unix),
            144..176 if unix => abstract_name(self.byte()),
            144..176 => loopback(),
            176..192 if unix => self.path_address(),
            192..216 => {
                let mut bytes = self.live_address(unix);
                let keep = usize::from(self.byte()) % (bytes.len() + 1);
                bytes.truncate(keep);
                bytes
            }
            216..232 => {
                let mut bytes = self.live_address(unix);
                let longer = bytes.len() + usize::from(self.byte());
                bytes.resize(longer, 0);
                bytes
            }
            _ => {
                let length = usize::from(self.byte()) % 32;
                (0..length).map(|_| self.byte()).collect()
            }
        };
        self.make_harmless(&mut bytes);
        bytes
    }

    /// The address of an open socket.
    fn live_address(&mut self, unix: bool) -> Vec<u8> {
        let datagrams = self.call.name.contains("_udp_") || self.call.name.contains("_datagram_");
        let kinds = match (unix, datagrams) {
            (true, true) => [UNIX_DATAGRAM, UNIX_LISTENER],
            (true, false) => [UNIX_LISTENER, UNIX_STREAM],
            (false, true) => [UDP_SOCKET, CONNECTED_UDP_SOCKET],
            (false, false) => [TCP_LISTENER, TCP_STREAM],
        };
        let sockets = self.handles.iter().filter(|k| k.open && kinds.contains(&k.kind));
        let fds: Vec<c_int> = sockets.map(|known| known.fd).collect();
        if self.call.name.contains("_bind") {
            return if unix { abstract_name(self.byte()) } else { loopback() };
        }
        self.pick(&fds)
            .and_then(socket_name)
            .unwrap_or_else(|| if unix { abstract_name(0) } else { loopback() })
    }

    fn path_address(&mut self) -> Vec<u8> {
        let family = (libc::AF_UNIX as libc::sa_family_t).to_ne_bytes();
        let path = self.good_path();
        [&family, path.as_bytes(), &[0]].concat()
    }

    /// No address of another machine, and no port or name of another program.
    fn make_harmless(&mut self, bytes: &mut [u8]) {
        let Some((family, rest)) = bytes.split_first_chunk_mut::<2>() else { return };
        match c_int::from(libc::sa_family_t::from_ne_bytes(*family)) {
            libc::AF_INET => {
                let port = rest.get(..2).map(<[u8]>::to_vec);
                for (byte, good) in rest.iter_mut().skip(2).zip([127, 0, 0, 1]) {
                    *byte = good;
                }
                self.own_port(port, rest);
            }
            libc::AF_INET6 => {
                let port = rest.get(..2).map(<[u8]>::to_vec);
                let loopback = std::net::Ipv6Addr::LOCALHOST.octets();
                for (byte, good) in rest.iter_mut().skip(6).zip(loopback) {
                    *byte = good;
                }
                self.own_port(port, rest);
            }
            libc::AF_UNIX => {
                let here = scratch();
                let name = abstract_name(0);
                let own =
                    rest.starts_with(here.as_bytes()) || rest.starts_with(&name[2..name.len() - 1]);
                // A name that the system chose for a socket of ours has five digits.
                let chosen = rest.len() == 6 && rest[0] == 0;
                if !own && !chosen {
                    rest.fill(b'/');
                }
            }
            _ => {}
        }
    }

    /// Leaves a port that an open socket of ours has; any other becomes 0.
    fn own_port(&mut self, port: Option<Vec<u8>>, rest: &mut [u8]) {
        let Some(port) = port else { return };
        let open = self.handles.iter().filter(|known| known.open && known.fd > 2);
        let ours = open.filter_map(|known| socket_name(known.fd)).any(|name| {
            let family = name.first_chunk::<2>().map(|f| libc::sa_family_t::from_ne_bytes(*f));
            let inet = family
                .map(c_int::from)
                .is_some_and(|family| family == libc::AF_INET || family == libc::AF_INET6);
            inet && name.get(2..4) == Some(&port)
        });
        if !ours {
            rest[..2].fill(0);
        }
    }

    pub fn address(&mut self) -> *const sockaddr {
        match self.byte() {
            0..4 => {
                self.length = usize::from(self.byte() & 31);
                self.call.loose = true;
                return ptr::null();
            }
            4..8 => {
                self.length = self.choose(&[129, usize::MAX]);
                self.call.loose = true;
                return self.memory(loopback(), false).cast();
            }
            _ => {}
        }
        let bytes = self.address_bytes();
        self.call.loose = true;
        self.length = bytes.len();
        let skew = usize::from(self.byte() == 1);
        self.skewed(bytes, false, skew).cast()
    }

    pub fn text(&mut self) -> *const c_char {
        self.call.loose = true;
        let bind = self.call.name.contains("_bind");
        let mut text = match self.byte() {
            0..8 => return ptr::null(),
            8..96 => b"127.0.0.1:0".to_vec(),
            96..128 if !bind => {
                let address = self.live_address(false);
                let port =
                    address.get(2..4).map_or(0, |port| u16::from_be_bytes([port[0], port[1]]));
                format!("127.0.0.1:{port}").into_bytes()
            }
            128..160 => {
                let bad: &[&[u8]] = &[
                    b"",
                    b"::1",
                    b"1.2.3.4",
                    b"[::1]:99999",
                    b"[::1]",
                    b"localhost:80",
                    b"[::1]:0",
                    b"\xff\xfe:80",
                    b"127.0.0.1:0 ",
                    b"[::1%1]:0",
                    b"[::ffff:127.0.0.1]:0",
                ];
                self.choose(bad).to_vec()
            }
            160..168 => vec![b'1'; 10_000],
            168..208 => {
                let mut text = b"[::1%12]:0".to_vec();
                let place = usize::from(self.byte()) % text.len();
                text[place] = self.byte();
                text
            }
            _ => (0..usize::from(self.byte() & 31)).map(|_| self.byte()).collect(),
        };
        if let Ok(parsed) = String::from_utf8_lossy(&text).trim_end_matches('\0').parse() {
            let parsed: SocketAddr = parsed;
            let ours = self.is_our_port(parsed.port());
            if self.call.name != "mio_st_addr_parse" && !(parsed.ip().is_loopback() && ours) {
                text = b"127.0.0.1:0".to_vec();
            }
        }
        // Only up to the first zero, as the function will see it.
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        text.truncate(end);
        text.push(0);
        self.memory(text, false).cast()
    }

    fn is_our_port(&self, port: u16) -> bool {
        let open = self.handles.iter().filter(|known| known.open && known.fd > 2);
        port == 0
            || open
                .filter_map(|known| socket_name(known.fd))
                .any(|name| name.get(2..4) == Some(&port.to_be_bytes()[..]))
    }

    fn good_path(&mut self) -> String {
        let folder = scratch();
        self.paths = true;
        let _ = std::fs::create_dir(&folder);
        format!("{folder}/{}", self.byte() & 3)
    }

    pub fn path(&mut self) -> *const c_char {
        self.call.loose = true;
        let mut path = match self.byte() {
            0..8 => return ptr::null(),
            8..160 => self.good_path().into_bytes(),
            160..168 => Vec::new(),
            168..208 => {
                let length = self.choose(&[106, 107, 108, 109, 200, 4096]);
                [b"/nonexistent/".as_slice(), &vec![b'x'; length - 13]].concat()
            }
            _ => {
                let length = usize::from(self.byte() & 15);
                let mut path = b"/nonexistent/".to_vec();
                path.extend((0..length).map(|_| self.byte()).filter(|byte| *byte != 0));
                path
            }
        };
        path.push(0);
        self.memory(path, false).cast()
    }

    pub fn keepalive(&mut self) -> *const mio_st_keepalive_t {
        self.call.loose = true;
        if self.byte() < 32 {
            return ptr::null();
        }
        let values = self.keepalive_value();
        let skew = usize::from(self.byte() == 1);
        self.skewed(bytes_of(&[values]), false, skew).cast()
    }

    fn keepalive_value(&mut self) -> mio_st_keepalive_t {
        const VALUES: [u32; 8] = [0, 1, 2, 60, 32767, 32768, i32::MAX as u32, u32::MAX];
        mio_st_keepalive_t {
            idle_seconds: self.choose(&VALUES),
            interval_seconds: self.choose(&VALUES),
            count: self.choose(&VALUES),
        }
    }

    pub fn options(&mut self) -> *const mio_st_socket_options_t {
        const SIZES: [usize; 8] = [0, 1, 4096, 65536, i32::MAX as usize, 1 << 31, usize::MAX, 0];
        self.call.loose = true;
        let how = self.byte();
        let size = match how {
            0..8 => return ptr::null(),
            8..48 => self.choose(&[0, 7, 8, OPTIONS - 1, 4097, usize::MAX]),
            48..64 => self.choose(&[OPTIONS + 1, OPTIONS + 8, 4096]),
            _ => OPTIONS,
        };
        let flags = match self.byte() {
            good @ 0..240 => u32::from(good & 127),
            _ => self.choose(&[1 << 7, 1 << 31, u32::MAX]),
        };
        let keepalive = self.keepalive_value();
        let (local, local_length) = match self.byte() {
            0..192 => (ptr::null(), usize::from(self.byte() == 1)),
            _ => {
                let bytes = self.address_bytes();
                let length = bytes.len();
                (self.memory(bytes, false).cast_const().cast(), length)
            }
        };
        let options = mio_st_socket_options_t {
            size,
            flags,
            backlog: self.choose(&[0, 0, 1, 128, u32::MAX]),
            send_buffer_size: self.choose(&SIZES),
            recv_buffer_size: self.choose(&SIZES),
            keepalive,
            local_length: local_length as socklen_t,
            local,
        };
        let mut bytes = bytes_of(&[options]).into_vec();
        // As much memory as it says; what is too short or too long must be refused at first sight.
        bytes.resize(
            size.clamp(size_of::<usize>(), OPTIONS.max(if size > 4096 { 0 } else { size })),
            how & 1,
        );
        let skew = usize::from(self.byte() == 1);
        self.skewed(bytes, false, skew).cast()
    }

    /// A multicast group only together with the loopback interface.
    pub fn group_v4(&mut self) -> *const in_addr {
        self.call.loose = true;
        let group =
            self.choose(&[[239, 1, 2, 3], [224, 0, 0, 1], [127, 0, 0, 1], [255; 4], [0; 4]]);
        if self.byte() < 16 { ptr::null() } else { self.memory(group, false).cast() }
    }

    pub fn interface_v4(&mut self) -> *const in_addr {
        self.call.loose = true;
        let address = self.choose(&[[127, 0, 0, 1], [127, 0, 0, 1], [127, 9, 9, 9], [240; 4]]);
        if self.byte() < 16 { ptr::null() } else { self.memory(address, false).cast() }
    }

    pub fn group_v6(&mut self) -> *const in6_addr {
        self.call.loose = true;
        let multicast = [0xff, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2];
        let group = self.choose(&[multicast, multicast, [0; 16], [0xff; 16]]);
        if self.byte() < 16 { ptr::null() } else { self.memory(group, false).cast() }
    }

    pub fn interface_v6(&mut self) -> u32 {
        self.call.loose = true;
        self.choose(&[1, 1, 1, 1 << 20, i32::MAX as u32, 1 << 31, u32::MAX])
    }
}

/// Nanoseconds of the monotonic clock.
fn now() -> u64 {
    // SAFETY: there is room for a time.
    unsafe {
        let mut now: libc::timespec = zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }
}
