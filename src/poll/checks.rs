use std::ffi::CStr;
use std::fmt;
use std::ops::BitOr;
use std::os::fd::RawFd;
use std::time::Instant;

use crate::event::EventedId;

/// What a poller looks for in the program that uses it, see [`Poller::set_checks`](crate::Poller::set_checks).
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq, Hash)]
pub struct Checks(u32);

impl Checks {
    /// Nothing, as from the beginning.
    pub const NONE: Checks = Checks(0);
    /// See [`Problem::Undrained`].
    pub const UNDRAINED: Checks = Checks(1 << 0);
    /// See [`Problem::Spinning`].
    pub const SPINNING: Checks = Checks(1 << 1);
    /// See [`Problem::Forgotten`] and [`Problem::Closed`].
    pub const FORGOTTEN: Checks = Checks(1 << 2);
    /// See [`Problem::Stalled`].
    pub const STALLED: Checks = Checks(1 << 3);
    /// All of them.
    pub const ALL: Checks = Checks(0b1111);

    /// Whether all of these are among them.
    pub const fn contains(self, other: Checks) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) fn from_bits(bits: u32) -> Option<Checks> {
        (bits & !Checks::ALL.0 == 0).then_some(Checks(bits))
    }
}

impl BitOr for Checks {
    type Output = Checks;

    fn bitor(self, other: Checks) -> Checks {
        Checks(self.0 | other.0)
    }
}

/// What a [`Complaint`] is about.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Problem {
    /// An edge-triggered handle had an event and is still readable; it was not registered again, no other event of
    /// it is on its way, and the poll was about to wait. What it has may never be reported. (Nothing is said while a
    /// handle that has an interest in writing, this one or another, cannot be written: the program may wait for that
    /// before it reads on, as a relay does.)
    Undrained = 1,
    /// A level-triggered handle was handed out 1,000 times in a row, without a wait in between and without a change
    /// to any registration, and nothing was read of it or written to it meanwhile.
    Spinning = 2,
    /// A oneshot handle had its event 10 seconds ago, and was neither armed again nor closed.
    Forgotten = 3,
    /// A descriptor was closed while it was registered, and goes on having events, since there is a copy of it.
    /// Nobody can deregister it.
    Closed = 4,
    /// The program did not poll for a second. The count is that of the deadlines that came more than their slack
    /// late for that. The complaint has neither an id nor a descriptor.
    Stalled = 5,
}

impl Problem {
    /// A sentence that names the chapter of the guide (`docs/c-guide.md`).
    pub fn text(self) -> &'static str {
        // It is ASCII.
        self.c_text().to_str().unwrap_or_default()
    }

    pub(crate) fn c_text(self) -> &'static CStr {
        match self {
            Problem::Undrained => {
                c"an edge-triggered handle was not drained, what is left may never be reported \
                  (guide: Special problems of draining an edge)"
            }
            Problem::Spinning => {
                c"a level-triggered handle is handed out again and again, and nothing is done about it \
                  (guide: Special problems of level triggers)"
            }
            Problem::Forgotten => {
                c"a oneshot handle had its event and was not armed again \
                  (guide: Special problems of oneshot: re-arming)"
            }
            Problem::Closed => {
                c"a descriptor was closed while registered, and its events go on, since there is a copy of it \
                  (guide: Special problems of fork)"
            }
            Problem::Stalled => {
                c"the program did not poll for a second or longer \
                  (guide: Special problems of stalling)"
            }
        }
    }

    pub(crate) fn from_number(number: u32) -> Option<Problem> {
        use Problem::*;
        let mut all = [Undrained, Spinning, Forgotten, Closed, Stalled].into_iter();
        all.find(|problem| *problem as u32 == number)
    }
}

/// A problem that was found.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct Found {
    pub(crate) problem: Problem,
    pub(crate) fd: RawFd,
    pub(crate) id: u64,
    pub(crate) count: u64,
    /// In nanoseconds.
    pub(crate) time: u64,
}

/// What a poller has to say about the program that uses it. It is displayed as a sentence.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Complaint {
    pub(super) found: Found,
    pub(super) time: Instant,
}

impl Complaint {
    /// What it is about.
    pub fn problem(&self) -> Problem {
        self.found.problem
    }

    /// The id of the handle.
    pub fn id(&self) -> EventedId {
        EventedId(self.found.id as usize)
    }

    /// The descriptor that was registered with that id; -1 if there is none.
    pub fn fd(&self) -> RawFd {
        self.found.fd
    }

    /// How often, or how many: see [`Problem`]. 1 where there is nothing to count.
    pub fn count(&self) -> u64 {
        self.found.count
    }

    /// When it was found, on the poller's clock.
    pub fn time(&self) -> Instant {
        self.time
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found { problem, fd, id, count, .. } = self.found;
        write!(f, "id {id}, descriptor {fd}, count {count}: {}", problem.text())
    }
}
