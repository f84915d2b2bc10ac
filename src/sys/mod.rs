//! The operating system. The only folder that calls it, and the only one with `unsafe` blocks.
//!
//! A backend is one file, chosen by build.rs at compile time, that supplies
//!
//! - `Selector`: `new`, `register`, `reregister`, `deregister` (a descriptor), `select` (wait and write
//!   events to some memory) and `AsFd`, with its limits `MAX_WAIT` and `MAX_EVENTS`, with
//!   `CLOSING_DEREGISTERS`, and `stretch`, by how much a wait may be longer than asked for, which may
//!   depend on `is_nice`;
//! - `KernelEvent`, the form in which `select` writes an event, `translate`, which turns one into an
//!   `Event`, and `untranslated`, which lays an `Event` among them;
//! - `Waker`: `new` (for a selector and an id) and `wake`, which any thread and any signal handler
//!   may call.
//!
//! Both follow `docs/behaviours.md`; where systems differ, the rule there wins.

/// Calls a function of libc and turns a negative result into the error that errno names, so that
/// each use reads like the manual page.
macro_rules! syscall {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        let result = libc::$function($($argument),*);
        if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(result) }
    }};
}

/// Forgets an error of the system's, in which there is nothing to drop. The compiler does not know that, and
/// would provide for a drop that panics, in every function up to those of the C library.
pub(crate) fn ignore(error: std::io::Error) {
    std::mem::forget(error);
}

#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
use libc::__errno as errno_location;
#[cfg(any(target_os = "linux", target_os = "dragonfly"))]
use libc::__errno_location as errno_location;
#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
use libc::__error as errno_location;

/// Where errno is, of this thread.
#[inline]
pub fn errno_address() -> *mut libc::c_int {
    // SAFETY: it takes nothing.
    unsafe { errno_location() }
}

#[inline]
pub(crate) fn errno() -> libc::c_int {
    // SAFETY: errno is always there, for this thread alone.
    unsafe { *errno_location() }
}

#[inline]
pub(crate) fn set_errno(errno: libc::c_int) {
    // SAFETY: as above.
    unsafe { *errno_location() = errno };
}

/// Runs something and leaves errno as it was.
#[inline]
pub fn keeping_errno<T>(body: impl FnOnce() -> T) -> T {
    let before = errno();
    let result = body();
    set_errno(before);
    result
}

/// Lets other threads run. Not std's function, which the compiler takes for one that may panic.
#[inline]
pub(crate) fn yield_now() {
    // SAFETY: it takes nothing.
    unsafe { libc::sched_yield() };
}

#[cfg_attr(epoll, path = "epoll.rs")]
#[cfg_attr(kqueue, path = "kqueue.rs")]
mod selector;

mod buffer;
mod carried;
mod clock;
pub(crate) mod control;
mod fd;
mod fork;
mod inspect;
pub(crate) mod mmsg;
pub(crate) mod pipe;
pub(crate) mod process;
pub(crate) mod sanitizers;
mod shared;
pub(crate) mod signal;
pub(crate) mod socket;
pub(crate) mod unix_socket;

pub(crate) use self::buffer::{Batch, Buffer, Sorting, translate_all};
pub(crate) use self::carried::{Carried, Carry};
pub(crate) use self::clock::{duration, instant, monotonic, nanos};
/// A descriptor that tells of a process.
#[cfg(epoll)]
pub(crate) use self::fd::Fd as Source;
pub(crate) use self::fd::{
    Fd, evented_traits, fd_traits, read_traits, set_nonblocking, std_traits, write_iovecs,
    write_traits,
};
pub(crate) use self::fork::{Generation, SharedGeneration};
pub(crate) use self::inspect::{
    Look, TELLS_WRITES, is_open, look, stays_readable, traffic, unread,
};
#[cfg(kqueue)]
pub(crate) use self::selector::Queue as Source;
pub(crate) use self::selector::{
    CLOSING_DEREGISTERS, KernelEvent, MAX_EVENTS, MAX_WAIT, Remote, Selector, Waker, is_nice,
    stretch, untranslated,
};
pub(crate) use self::shared::{Pushed, Queue, Shared, Stack};
