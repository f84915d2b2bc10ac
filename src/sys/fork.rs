//! Notices that the process was forked, without a system call per poll.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::sys::signal;

/// How often this process, or those it was forked from, came out of `fork` as the child.
static FORKS: AtomicU32 = AtomicU32::new(0);

extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    signal::forked();
}

/// The process in which something was created. `vfork`, `_Fork` and a raw `clone` are not seen.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct Generation(u32);

impl Generation {
    /// No process.
    pub(crate) const NONE: Generation = Generation(u32::MAX);

    /// This process. The error is `ENOMEM`, where a fork would go unnoticed; the next call tries again.
    pub(crate) fn current() -> io::Result<Generation> {
        static REGISTERED: AtomicBool = AtomicBool::new(false);
        if !REGISTERED.load(Ordering::Acquire) {
            // Two threads may both register it: then each fork counts for two, which is as good.
            // SAFETY: the handler only changes atomics, which is allowed after fork.
            let errno = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
            if errno != 0 {
                return Err(io::Error::from_raw_os_error(errno));
            }
            REGISTERED.store(true, Ordering::Release);
        }
        Ok(Generation(FORKS.load(Ordering::Relaxed)))
    }

    /// Whether this is still the process of [`current`](Generation::current).
    #[inline]
    pub(crate) fn is_current(self) -> bool {
        self.0 == FORKS.load(Ordering::Relaxed)
    }

    /// An error in a child forked since.
    #[inline]
    pub(crate) fn check(self) -> io::Result<()> {
        if self.is_current() { Ok(()) } else { Err(forked()) }
    }
}

/// A [`Generation`] that is looked at by other threads than the one that sets it.
#[derive(Debug)]
pub(crate) struct SharedGeneration(AtomicU32);

impl SharedGeneration {
    pub(crate) fn new(generation: Generation) -> SharedGeneration {
        SharedGeneration(AtomicU32::new(generation.0))
    }

    #[inline]
    pub(crate) fn get(&self) -> Generation {
        Generation(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, generation: Generation) {
        self.0.store(generation.0, Ordering::Relaxed);
    }
}

#[cold]
fn forked() -> io::Error {
    io::Error::other("the poller was created before the process was forked")
}
