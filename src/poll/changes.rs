//! What registrars have changed, for a poller that keeps a registry.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::poll::{Interests, PollOption};
use crate::sys::{self, Queue, Shared, Stack};

/// A registration was made, replaced or ended.
#[derive(Copy, Clone, Debug)]
pub(super) struct Change {
    pub(super) fd: RawFd,
    /// None if it was ended.
    pub(super) now: Option<Registration>,
}

#[derive(Copy, Clone, Debug)]
pub(super) struct Registration {
    pub(super) id: u64,
    pub(super) interests: Interests,
    pub(super) option: PollOption,
    pub(super) is_new: bool,
}

pub(super) struct Changes {
    /// The poller keeps a registry.
    wanted: AtomicBool,
    made: Stack<Change>,
}

impl Changes {
    pub(super) fn new() -> Changes {
        Changes { wanted: AtomicBool::new(false), made: Stack::new() }
    }

    pub(super) fn want(&self, wanted: bool) {
        self.wanted.store(wanted, Ordering::Relaxed);
    }

    /// Takes note of a change. Where there is no memory it is forgotten.
    pub(super) fn note(&self, change: Change) {
        if !self.wanted.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = Shared::new(change).and_then(|change| self.made.push(&change)) {
            sys::ignore(error);
        }
    }

    /// Takes all, in their order.
    pub(super) fn take(&self) -> Queue<Change> {
        self.made.take()
    }

    /// Nobody takes any more.
    #[inline] // As all that a drop calls.
    pub(super) fn close(&self) {
        self.made.close();
    }
}
