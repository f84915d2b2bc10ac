//! The backend for Linux and Android. The manual pages: `epoll(7)`, `epoll_ctl(2)`, `epoll_wait(2)`,
//! `eventfd(2)`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::event::{Event, Ready};
use crate::poll::{Interests, PollOption};
use crate::sys::{Buffer, Fd};

const NANOS_PER_MILLI: u64 = 1_000_000;

/// The kernel's limit on the events of one call, `EP_MAX_EVENTS`; beyond it the answer is EINVAL.
pub(crate) const MAX_EVENTS: usize = libc::c_int::MAX as usize / size_of::<libc::epoll_event>();

/// The kernel's flags that are flags of `Ready` with the same bits; see [`translate`].
const SAME: u32 = (libc::EPOLLIN
    | libc::EPOLLPRI
    | libc::EPOLLOUT
    | libc::EPOLLERR
    | libc::EPOLLHUP
    | libc::EPOLLRDHUP) as u32;

const _: () = {
    assert!(Ready::READABLE.bits() == libc::EPOLLIN as u32);
    assert!(Ready::PRIORITY.bits() == libc::EPOLLPRI as u32);
    assert!(Ready::WRITABLE.bits() == libc::EPOLLOUT as u32);
    assert!(Ready::ERROR.bits() == libc::EPOLLERR as u32);
    assert!(Ready::HUP.bits() == libc::EPOLLHUP as u32);
    assert!(Ready::READ_CLOSED.bits() == libc::EPOLLRDHUP as u32);
};

#[derive(Debug)]
pub(crate) struct Selector {
    epoll: Fd,
}

impl Selector {
    pub(crate) fn new() -> io::Result<Selector> {
        // SAFETY: no pointer is passed, and the new descriptor is ours.
        let epoll =
            unsafe { syscall!(epoll_create1(libc::EPOLL_CLOEXEC)).map(|raw| Fd::new(raw))? };
        Ok(Selector { epoll })
    }

    pub(crate) fn register(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, flags(interests, option), id)
    }

    pub(crate) fn reregister(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, flags(interests, option), id)
    }

    pub(crate) fn deregister(&self, fd: RawFd) -> io::Result<()> {
        // The event is ignored, but a kernel before 2.6.9 wants it all the same.
        self.control(libc::EPOLL_CTL_DEL, fd, 0, 0)
    }

    /// The errors are all the caller's (EEXIST, ENOENT, EBADF, EPERM, ELOOP), or of the system's
    /// limits (ENOMEM, and ENOSPC for `max_user_watches`), and say what they mean.
    #[inline]
    fn control(&self, operation: libc::c_int, fd: RawFd, events: u32, id: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events, u64: id };
        // SAFETY: `event` is valid for the call, and a descriptor may be any number.
        unsafe { syscall!(epoll_ctl(self.epoll.raw(), operation, fd, &mut event)) }.map(drop)
    }

    /// Waits for at most `timeout` nanoseconds (`None`: for ever) and fills the empty buffer with at most
    /// `room` events. Never returns early, except by EINTR.
    #[inline]
    pub(crate) fn select(
        &self,
        buffer: &mut Buffer<'_>,
        room: usize,
        timeout: Option<u64>,
    ) -> io::Result<usize> {
        let epoll = self.epoll.raw();
        let max = room.min(buffer.room()).min(MAX_EVENTS) as libc::c_int;
        let events = buffer.kernel_memory();
        // SAFETY: there is room for `max` events of the kernel's at `events`.
        let count = unsafe {
            match timeout.map(milliseconds) {
                None => syscall!(epoll_wait(epoll, events, max, -1)),
                Some(Some(milliseconds)) => {
                    syscall!(epoll_wait(epoll, events, max, milliseconds))
                }
                Some(None) => wait_precisely(epoll, events, max, timeout.unwrap_or(0)),
            }?
        } as usize;
        // SAFETY: the kernel has written so many.
        unsafe { buffer.set_system(count) };
        Ok(count)
    }
}

/// A timeout for `epoll_wait(2)`, if it is one of whole milliseconds that fits.
#[inline]
fn milliseconds(nanos: u64) -> Option<libc::c_int> {
    // The most frequent one needs no division.
    if nanos == 0 {
        return Some(0);
    }
    if nanos % NANOS_PER_MILLI == 0 { (nanos / NANOS_PER_MILLI).try_into().ok() } else { None }
}

impl AsFd for Selector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.borrow()
    }
}

/// What to ask the kernel for. The interests have the bits of the flags (see `Interests`). RDHUP goes
/// with READABLE only: a level-triggered handle that only writes could not make it go away.
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

/// Turns an event of the kernel's into ours.
#[inline]
pub(crate) fn translate(event: KernelEvent) -> Event {
    let mut ready = Ready::from_bits(event.events & SAME);
    if ready.is_hup() {
        // Both directions are closed. A pipe whose writer is gone reports HUP without IN: with READABLE
        // whoever waits for it reads the end of file.
        ready |= Ready::READABLE | Ready::READ_CLOSED | Ready::WRITE_CLOSED;
    }
    Event::from_raw(event.u64, ready)
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
unsafe fn wait_precisely(
    epoll: RawFd,
    events: *mut libc::epoll_event,
    max: libc::c_int,
    timeout: u64,
) -> io::Result<libc::c_int> {
    /// The system call is not there (ENOSYS), or a seccomp filter from before Linux 5.11 does not know
    /// it (EPERM, as Docker's did).
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
                &timeout as *const Timespec,
                no_mask,
                0usize,
            ))
        };
        match result {
            Ok(count) => return Ok(count as libc::c_int),
            Err(error) => match error.raw_os_error() {
                Some(libc::ENOSYS | libc::EPERM) => MISSING.store(true, Ordering::Relaxed),
                _ => return Err(error),
            },
        }
    }
    let milliseconds =
        timeout.div_ceil(NANOS_PER_MILLI).min(libc::c_int::MAX as u64) as libc::c_int;
    // SAFETY: the caller's promise.
    unsafe { syscall!(epoll_wait(epoll, events, max, milliseconds)) }
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

    /// Fails only when the descriptor was closed behind our back: the counter would be full after 2^64 - 2
    /// wakes, which is thousands of years.
    pub(crate) fn wake(&self) -> io::Result<()> {
        let one = 1u64.to_ne_bytes();
        // SAFETY: the pointer and the length are those of an array.
        unsafe { syscall!(write(self.eventfd.raw(), one.as_ptr().cast(), one.len())) }.map(drop)
    }
}
