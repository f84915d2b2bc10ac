//! What registrars have changed, for a poller that keeps a registry.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::poll::{Interests, PollOption};

/// A registration was made, replaced or ended.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) fd: RawFd,
    /// None if it was ended.
    pub(super) now: Option<Registration>,
}

#[derive(Debug)]
pub(super) struct Registration {
    pub(super) id: u64,
    pub(super) interests: Interests,
    pub(super) option: PollOption,
    pub(super) is_new: bool,
}

#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The poller keeps a registry.
    wanted: AtomicBool,
    made: Mutex<Vec<Change>>,
}

impl Changes {
    pub(super) fn want(&self, wanted: bool) {
        self.wanted.store(wanted, Ordering::Relaxed);
    }

    /// Takes note of a change. Where there is no memory it is forgotten.
    pub(super) fn note(&self, change: Change) {
        if !self.wanted.load(Ordering::Relaxed) {
            return;
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.try_reserve(1).is_ok() {
            made.push(change);
        }
    }

    /// Takes all, in their order.
    pub(super) fn take(&self) -> Vec<Change> {
        std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
