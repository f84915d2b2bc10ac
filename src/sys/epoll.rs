//! The backend for Linux and Android. The manual pages: `epoll(7)`, `epoll_ctl(2)`, `epoll_wait(2)`,
//! `eventfd(2)`.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::event::{Event, Ready};
use crate::poll::{Interests, PollOption};
use crate::sys::{self, Fd};

const NANOS_PER_MILLI: u64 = 1_000_000;

/// The longest wait in nanoseconds: 2^50, about 13 days. `epoll_wait(2)` takes 24.8 days.
pub(crate) const MAX_WAIT: u64 = 1 << 50;

/// The kernel's limit on the events of one call, `EP_MAX_EVENTS`; beyond it the answer is EINVAL.
pub(crate) const MAX_EVENTS: usize = libc::c_int::MAX as usize / size_of::<libc::epoll_event>();

/// A registration belongs to the open file and ends with the last copy of the descriptor.
pub(crate) const CLOSING_DEREGISTERS: bool = false;

const HUP: u32 = libc::EPOLLHUP as u32;

// The kernel's flags have the same bits in `Ready`; see `translate`.
const _: () = {
    assert!(Ready::READABLE.bits() == libc::EPOLLIN as u32);
    assert!(Ready::PRIORITY.bits() == libc::EPOLLPRI as u32);
    assert!(Ready::WRITABLE.bits() == libc::EPOLLOUT as u32);
    assert!(Ready::ERROR.bits() == libc::EPOLLERR as u32);
    assert!(Ready::HUP.bits() == HUP);
    assert!(Ready::READ_CLOSED.bits() == libc::EPOLLRDHUP as u32);
};

/// How many nanoseconds later than asked for a wait may end, beyond the process's timer slack
/// (`select_estimate_accuracy` in fs/select.c). For real-time tasks it is none at all.
pub(crate) fn stretch(wait: u64, nice: bool) -> u64 {
    let part = if nice { 200 } else { 1000 };
    (wait / part).min(100 * NANOS_PER_MILLI)
}

/// Whether the kernel thinks that this thread may wait longer.
pub(crate) fn is_nice() -> bool {
    // SAFETY: numbers are all that it takes. Zero is the calling thread. It cannot fail for that; what it
    // says then would be -1.
    unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) > 0 }
}

#[derive(Debug)]
pub(crate) struct Selector {
    epoll: Fd,
    watched: Watched,
}

impl Selector {
    pub(crate) fn new() -> io::Result<Selector> {
        // SAFETY: no pointer is passed, and the new descriptor is ours.
        let epoll =
            unsafe { syscall!(epoll_create1(libc::EPOLL_CLOEXEC)).map(|raw| Fd::new(raw))? };
        Ok(Selector { epoll, watched: Watched::default() })
    }

    #[inline]
    pub(crate) fn register(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        let mut event = KernelEvent { events: flags(interests, option), u64: id };
        self.control(libc::EPOLL_CTL_ADD, fd, &mut event)
    }

    /// As [`register`](Selector::register), so that an event wakes one of those that wait for the descriptor.
    ///
    /// The kernel takes no other flags with it, and RDHUP is one (`EPOLLEXCLUSIVE_OK_BITS` in fs/eventpoll.c).
    pub(crate) fn register_exclusive(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        let flags = flags(interests, option) & !(libc::EPOLLRDHUP as u32);
        let mut event = KernelEvent { events: flags | libc::EPOLLEXCLUSIVE as u32, u64: id };
        self.control(libc::EPOLL_CTL_ADD, fd, &mut event)
    }

    #[inline]
    pub(crate) fn reregister(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        let mut event = KernelEvent { events: flags(interests, option), u64: id };
        self.control(libc::EPOLL_CTL_MOD, fd, &mut event)
    }

    #[inline]
    pub(crate) fn deregister(&mut self, fd: RawFd) -> io::Result<()> {
        self.watched.remove(fd);
        self.control(libc::EPOLL_CTL_DEL, fd, ptr::null_mut())
    }

    /// Registers a descriptor or reregisters it, whichever it takes.
    pub(crate) fn watch(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        if self.watched.contains(fd) {
            match self.reregister(fd, id, interests, option) {
                // Closed behind our back, and the number is another's.
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => sys::ignore(error),
                result => return result,
            }
        }
        match self.register(fd, id, interests, option) {
            // By `register`.
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {
                sys::ignore(error);
                self.reregister(fd, id, interests, option)?;
            }
            result => result?,
        }
        self.watched.insert(fd);
        Ok(())
    }

    #[inline]
    fn control(
        &self,
        operation: libc::c_int,
        fd: RawFd,
        event: *mut KernelEvent,
    ) -> io::Result<()> {
        control(self.epoll.raw(), operation, fd, event)
    }

    /// What other threads register with.
    pub(crate) fn remote(&self) -> io::Result<Remote> {
        Ok(Remote { epoll: self.epoll.raw() })
    }

    /// As [`select`](Selector::select), with a timeout in milliseconds, which is 0 or -1 (for ever); `None` if it fails.
    ///
    /// A capacity that is none, or too large, is refused by the kernel: one that is too large for a `c_int` may be cut.
    ///
    /// # Safety
    ///
    /// There is room for `capacity` events at `events`.
    #[inline(always)]
    pub(crate) unsafe fn select_plainly(
        &self,
        events: *mut KernelEvent,
        capacity: usize,
        milliseconds: libc::c_int,
    ) -> Option<usize> {
        let max = capacity as libc::c_int;
        // SAFETY: the caller's promise; `max` is not more.
        let count = unsafe { libc::epoll_wait(self.epoll.raw(), events, max, milliseconds) };
        usize::try_from(count).ok()
    }

    /// Waits for at most `timeout` nanoseconds, up to [`MAX_WAIT`] (`None`: for ever), writes events to the
    /// beginning of `memory`, which has room for up to [`MAX_EVENTS`], and returns how many. Never returns
    /// early, except by EINTR.
    #[inline]
    pub(crate) fn select(
        &self,
        memory: &mut [MaybeUninit<KernelEvent>],
        timeout: Option<u64>,
    ) -> io::Result<usize> {
        debug_assert!(memory.len() <= MAX_EVENTS);
        let max = memory.len() as libc::c_int;
        let events = memory.as_mut_ptr().cast::<KernelEvent>();
        let milliseconds = match timeout {
            None => -1,
            // The most frequent one needs no division.
            Some(0) => 0,
            Some(nanos) if nanos % NANOS_PER_MILLI == 0 => (nanos / NANOS_PER_MILLI) as libc::c_int,
            Some(nanos) => {
                let epoll = self.epoll.raw();
                // SAFETY: there is room for `max` events of the kernel's.
                let wait = || unsafe { wait_precisely(epoll, events, max, nanos) };
                return sys::keeping_errno(wait);
            }
        };
        // SAFETY: there is room for `max` events of the kernel's.
        unsafe { wait(self.epoll.raw(), events, max, milliseconds) }
    }
}

/// The errors are all the caller's (EEXIST, ENOENT, EBADF, EPERM, ELOOP), or of the system's limits (ENOMEM, and
/// ENOSPC for `max_user_watches`), and say what they mean.
#[inline]
fn control(
    epoll: RawFd,
    operation: libc::c_int,
    fd: RawFd,
    event: *mut KernelEvent,
) -> io::Result<()> {
    // SAFETY: `event` is valid for the call, or null where it is not looked at. A descriptor may be any number.
    unsafe { syscall!(epoll_ctl(epoll, operation, fd, event)) }.map(drop)
}

/// A selector as other threads see it, which the kernel allows. They use it only while it is not closed: who has it
/// sees to that.
#[derive(Debug)]
pub(crate) struct Remote {
    epoll: RawFd,
}

impl Remote {
    pub(crate) fn register(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        let mut event = KernelEvent { events: flags(interests, option), u64: id };
        control(self.epoll, libc::EPOLL_CTL_ADD, fd, &mut event)
    }

    pub(crate) fn reregister(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        let mut event = KernelEvent { events: flags(interests, option), u64: id };
        control(self.epoll, libc::EPOLL_CTL_MOD, fd, &mut event)
    }

    pub(crate) fn deregister(&self, fd: RawFd) -> io::Result<()> {
        control(self.epoll, libc::EPOLL_CTL_DEL, fd, ptr::null_mut())
    }
}

impl AsFd for Selector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.borrow()
    }
}

impl AsRawFd for Selector {
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.raw()
    }
}

/// Which descriptors `watch` has registered, a bit for each. It says what to try first, and no more: the kernel
/// knows.
#[derive(Debug, Default)]
struct Watched(Vec<u64>);

impl Watched {
    fn contains(&self, fd: RawFd) -> bool {
        self.0.get(fd as usize / 64).is_some_and(|word| word & Watched::bit(fd) != 0)
    }

    /// The descriptor is open, so that its number is a small one. Where there is no memory it is forgotten.
    fn insert(&mut self, fd: RawFd) {
        let place = fd as usize / 64;
        let words = &mut self.0;
        let _ = words.try_reserve((place + 1).saturating_sub(words.len()));
        while words.len() <= place && words.len() < words.capacity() {
            words.push(0);
        }
        if let Some(word) = words.get_mut(place) {
            *word |= Watched::bit(fd);
        }
    }

    #[inline]
    fn remove(&mut self, fd: RawFd) {
        if let Some(word) = self.0.get_mut(fd as usize / 64) {
            *word &= !Watched::bit(fd);
        }
    }

    fn bit(fd: RawFd) -> u64 {
        1 << (fd as usize % 64)
    }
}

/// What to ask the kernel for. The interests have the bits of the flags (see `Interests`). RDHUP goes
/// with READABLE only: a level-triggered handle that only writes could not make it go away.
#[inline]
fn flags(interests: Interests, option: PollOption) -> u32 {
    let rdhup = if interests.is_readable() { libc::EPOLLRDHUP as u32 } else { 0 };
    let trigger = match option {
        PollOption::Edge => libc::EPOLLET as u32,
        PollOption::Level => 0,
        PollOption::Oneshot => libc::EPOLLONESHOT as u32,
    };
    interests.bits() | rdhup | trigger
}

/// The form in which the kernel writes an event.
pub(crate) type KernelEvent = libc::epoll_event;

/// Marks an event that is not the kernel's; the kernel never reports this bit.
const OURS: u32 = libc::EPOLLET as u32;

/// Turns an event of the kernel's, or one of [`untranslated`], into ours.
#[inline]
pub(crate) fn translate(event: KernelEvent) -> Event {
    let mut events = event.events;
    // The kernel reports nothing but what was asked for, ERR and HUP.
    if events & (OURS | HUP) != 0 {
        events = translate_bits(events);
    }
    Event::from_raw(event.u64, Ready::from_bits(events))
}

#[cold]
fn translate_bits(events: u32) -> u32 {
    if events & OURS != 0 {
        return events & !OURS;
    }
    // Both directions are closed. A pipe whose writer is gone reports HUP without IN: with READABLE
    // whoever waits for it reads the end of file.
    events | (Ready::READABLE | Ready::READ_CLOSED | Ready::WRITE_CLOSED).bits()
}

/// Lays an event of ours among the kernel's: it is translated to what it was, bit for bit.
#[inline]
pub(crate) fn untranslated(event: Event) -> KernelEvent {
    KernelEvent { events: event.readiness().bits() | OURS, u64: event.raw_id() }
}

/// `epoll_wait(2)`.
///
/// # Safety
///
/// There is room for `max` events at `events`.
#[inline]
unsafe fn wait(
    epoll: RawFd,
    events: *mut KernelEvent,
    max: libc::c_int,
    milliseconds: libc::c_int,
) -> io::Result<usize> {
    // SAFETY: the caller's promise.
    unsafe { syscall!(epoll_wait(epoll, events, max, milliseconds)) }.map(|count| count as usize)
}

/// `epoll_pwait2(2)`, whose timeout is in nanoseconds; where it is missing, `epoll_wait(2)` with the
/// timeout rounded up.
///
/// It is called by number, as musl and older versions of glibc have no function for it, with the
/// kernel's timespec, whose fields have 64 bits on every architecture.
///
/// # Safety
///
/// There is room for `max` events at `events`.
#[inline(never)]
unsafe fn wait_precisely(
    epoll: RawFd,
    events: *mut KernelEvent,
    max: libc::c_int,
    timeout: u64,
) -> io::Result<usize> {
    /// The system call is not there (ENOSYS), or a seccomp filter from before Linux 5.11 does not know
    /// it, and answers what its author liked: EPERM, as Docker's did, EACCES, EOPNOTSUPP and others.
    static MISSING: AtomicBool = AtomicBool::new(false);

    #[repr(C)]
    struct Timespec {
        seconds: i64,
        nanos: i64,
    }

    if !MISSING.load(Ordering::Relaxed) {
        const NANOS_PER_SEC: u64 = 1_000_000_000;
        let timeout = Timespec {
            seconds: (timeout / NANOS_PER_SEC) as i64,
            nanos: (timeout % NANOS_PER_SEC) as i64,
        };
        let no_mask = ptr::null::<libc::sigset_t>();
        // SAFETY: the caller's promise for `events`; `timeout` lives through the call.
        let result = unsafe {
            syscall!(syscall(
                libc::SYS_epoll_pwait2,
                epoll,
                events,
                max,
                &raw const timeout,
                no_mask,
                0usize,
            ))
        };
        match result {
            Ok(count) => return Ok(count as usize),
            Err(error) => match error.raw_os_error() {
                Some(libc::EINTR) => return Err(error),
                // The caller's fault, of which `epoll_wait` says the same. If it does not, a filter spoke.
                Some(libc::EBADF | libc::EFAULT | libc::EINVAL) => sys::ignore(error),
                _ => {
                    sys::ignore(error);
                    MISSING.store(true, Ordering::Relaxed);
                }
            },
        }
    }
    let milliseconds = timeout.div_ceil(NANOS_PER_MILLI) as libc::c_int;
    // SAFETY: the caller's promise.
    unsafe { wait(epoll, events, max, milliseconds) }
}

/// An eventfd, registered edge-triggered: each write is an edge, so that it is never read.
#[derive(Debug)]
pub(crate) struct Waker {
    eventfd: Fd,
}

// SAFETY: other threads only write to the descriptor, which the kernel allows; it is closed when the
// last of them has dropped its share.
unsafe impl Send for Waker {}
// SAFETY: as above.
unsafe impl Sync for Waker {}

impl Waker {
    pub(crate) fn new(selector: &Selector, id: u64) -> io::Result<Waker> {
        // SAFETY: no pointer is passed, and the new descriptor is ours.
        let eventfd = unsafe {
            syscall!(eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK)).map(|raw| Fd::new(raw))?
        };
        selector.register(eventfd.raw(), id, Interests::READABLE, PollOption::Edge)?;
        Ok(Waker { eventfd })
    }

    /// Ends the registration, which closing the descriptor does not as long as a forked child has a copy.
    pub(crate) fn retire(&self, selector: &mut Selector) {
        selector.deregister(self.eventfd.raw()).unwrap_or_else(sys::ignore);
    }

    /// Fails only when the descriptor was closed behind our back: the counter would be full after 2^64 - 2
    /// wakes, which is thousands of years.
    pub(crate) fn wake(&self) -> io::Result<()> {
        static ONE: [u8; 8] = 1u64.to_ne_bytes();
        // SAFETY: the pointer and the length are those of an array.
        unsafe { syscall!(write(self.eventfd.raw(), ONE.as_ptr().cast(), ONE.len())) }.map(drop)
    }
}
