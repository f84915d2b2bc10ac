//! What the C layer (`mio-st-capi`) needs beyond the public API: ids of 64 bits on every target,
//! nanoseconds, bits, any descriptor. Hidden, and not covered by the version number.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;

use crate::event::{Event, Ready};
use crate::poll::{Awakener, Interests, PollOption, Poller};
use crate::sys::{self, Buffer};

/// The readiness with these bits, which are `MIO_ST_…` in C; `None` if one is unknown or none is set.
pub fn ready(bits: u32) -> Option<Ready> {
    let known = Ready::all().bits();
    (bits != 0 && bits & !known == 0).then(|| Ready::from_bits(bits))
}

/// The interests with these bits; `None` if one is unknown or none is set.
pub fn interests(bits: u32) -> Option<Interests> {
    Interests::from_bits(bits)
}

/// The bits of a readiness.
pub const fn bits(ready: Ready) -> u32 {
    ready.bits()
}

/// Reads the clock of the deadlines.
pub fn monotonic() -> u64 {
    sys::monotonic()
}

/// Makes a descriptor non-blocking and close-on-exec.
pub fn set_nonblocking_cloexec(fd: RawFd) -> io::Result<()> {
    sys::socket::set_nonblocking_cloexec(fd)
}

/// The poller with numbers instead of types.
impl Poller {
    /// As `poll`, into memory that need not be initialised; returns how many events were written.
    #[inline]
    pub fn raw_poll(
        &mut self,
        events: &mut [MaybeUninit<Event>],
        timeout: Option<u64>,
    ) -> io::Result<usize> {
        Buffer::translated(events, |buffer| self.poll_into(buffer, timeout))
    }

    /// Whether the process was forked since the poller was created.
    pub fn raw_is_forked(&self) -> bool {
        !self.generation().is_current()
    }

    pub fn raw_register(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        self.register_fd(fd, id, interests, option)
    }

    pub fn raw_reregister(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        self.reregister_fd(fd, id, interests, option)
    }

    pub fn raw_deregister(&mut self, fd: RawFd) -> io::Result<()> {
        self.deregister_fd(fd)
    }

    /// As `notify`; growth that fails is `OutOfMemory`.
    pub fn raw_notify(&mut self, id: u64, ready: Ready) -> io::Result<()> {
        self.notify_checked(Event::from_raw(id, ready))
    }

    pub fn raw_add_awakener(&mut self, id: u64) -> io::Result<Awakener> {
        self.add_awakener(id)
    }

    pub fn raw_now(&self) -> u64 {
        self.now_nanos()
    }
}
