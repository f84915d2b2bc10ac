//! The checks: what a poller finds out about the program that uses it.

use std::os::fd::RawFd;
use std::time::Duration;

use crate::event::{Event, Ready};
use crate::poll::PollOption;
use crate::poll::checks::{Checks, Found, Problem};
use crate::poll::registry::{self, Entry, Registry};
use crate::sys::{self, Look};

/// After so many events in a row a handle spins, if it was ready each time before the poll asked.
const SPINS: u16 = 1000;
/// The last so many of them are looked at: whether something was read or written.
const STILL: u16 = 64;
/// How many handles are looked at in one poll.
const LOOKS: usize = 8;
/// After so many milliseconds a oneshot handle that is not armed is forgotten.
const FORGOTTEN: u32 = 10_000;
/// A program that stays away from the poll for longer stalls, in nanoseconds.
const STALL: u64 = 1_000_000_000;
/// How many complaints are kept until they are taken; what is found beyond is not told.
const COMPLAINTS: usize = 32;
/// How many registrations are remembered whose descriptors were closed.
const GHOSTS: usize = 32;

const NANOS_PER_MILLI: u64 = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Watch {
    checks: Checks,
    complaints: Vec<Found>,
    /// The edge-triggered descriptors that had an event and were not seen empty since.
    outstanding: Vec<Look>,
    /// One that could not be written when it was looked at last, though there is an interest in that: the program may
    /// read no more before it can.
    full: Option<RawFd>,
    /// Counts the polls that asked the system, and the changes between them: what had an event with one
    /// number and the next had them in a row.
    turn: u32,
    /// The level-triggered handles to look at when the next poll begins, and whether they were readable.
    spinning: [Option<(RawFd, bool)>; LOOKS],
    /// When a oneshot handle has been forgotten at the earliest.
    forgotten_at: Option<u64>,
    /// The program has stalled: how many deadlines are late for that.
    stalled: Option<u64>,
    ghosts: [Option<(u64, RawFd)>; GHOSTS],
    newest_ghost: usize,
}

impl Watch {
    pub(super) fn is_on(&self) -> bool {
        self.checks != Checks::NONE
    }

    pub(super) fn set(&mut self, checks: Checks) -> std::io::Result<()> {
        *self = Watch::default();
        if checks != Checks::NONE {
            self.complaints.try_reserve_exact(COMPLAINTS)?;
        }
        self.checks = checks;
        Ok(())
    }

    /// Takes the first complaint.
    pub(super) fn next(&mut self) -> Option<Found> {
        let first = self.complaints.first().copied()?;
        for n in 1..self.complaints.len() {
            let moved = self.complaints.get(n).copied();
            if let (Some(place), Some(moved)) = (self.complaints.get_mut(n - 1), moved) {
                *place = moved;
            }
        }
        self.complaints.pop();
        Some(first)
    }

    fn complain(&mut self, problem: Problem, fd: RawFd, id: u64, count: u64, time: u64) {
        if self.complaints.len() < self.complaints.capacity().min(COMPLAINTS) {
            self.complaints.push(Found { problem, fd, id, count, time });
        }
    }

    /// A poll begins, so long after the last one.
    pub(super) fn enter(&mut self, registry: &mut Registry, away: u64) {
        for (fd, was_readable) in self.spinning.iter_mut().filter_map(Option::take) {
            let Some(entry) = registry.entry_mut(fd) else { continue };
            let mut look = [Look::new(fd, !was_readable)];
            if let Err(error) = sys::look(&mut look) {
                sys::ignore(error);
            }
            // Then the next event is waited for.
            let waits =
                look.iter().any(|look| if was_readable { look.is_quiet() } else { look.is_full() });
            if waits || sys::traffic(fd) != entry.sample {
                entry.count = 0;
            }
        }
        self.stalled = (self.checks.contains(Checks::STALLED) && away > STALL).then_some(0);
        self.turn = self.turn.wrapping_add(1);
    }

    /// A poll ends.
    pub(super) fn leave(&mut self, time: u64) {
        if let Some(late) = self.stalled.take() {
            self.complain(Problem::Stalled, -1, 0, late, time);
        }
    }

    /// A deadline was handed out so late.
    pub(super) fn note_lateness(&mut self, nanos: u64) {
        if let (Some(late), true) = (&mut self.stalled, nanos > crate::deadlines::DEFAULT_SLACK) {
            *late += 1;
        }
    }

    /// No event comes in a row with one from before.
    fn break_rows(&mut self) {
        self.turn = self.turn.wrapping_add(1);
    }

    /// A descriptor was registered, anew or once more; `before` is its registration until then.
    pub(super) fn note_registration(
        &mut self,
        fd: RawFd,
        id: u64,
        is_new: bool,
        before: Option<Entry>,
    ) {
        self.break_rows();
        for ghost in self.ghosts.iter_mut().filter(|ghost| ghost.is_some_and(|(of, _)| of == id)) {
            *ghost = None;
        }
        match before {
            // The system had forgotten it, or has kept it since there is a copy.
            Some(before) if is_new && before.id != id => self.add_ghost(before.id, fd),
            _ => {}
        }
    }

    pub(super) fn note_deregistration(&mut self) {
        self.break_rows();
    }

    fn add_ghost(&mut self, id: u64, fd: RawFd) {
        if !self.checks.contains(Checks::FORGOTTEN) {
            return;
        }
        self.newest_ghost = (self.newest_ghost + 1) % GHOSTS;
        if let Some(place) = self.ghosts.get_mut(self.newest_ghost) {
            *place = Some((id, fd));
        }
    }

    /// An event is handed out.
    pub(super) fn note_event(&mut self, registry: &mut Registry, event: Event, time: u64) {
        let (id, ready) = (event.raw_id(), event.readiness());
        let mut next = registry.first(id);
        if next.is_none() {
            self.note_unknown(id, time);
        }
        if self.outstanding.len() == self.outstanding.capacity() {
            // Those that were registered again meanwhile are there twice.
            self.retain(registry, |_, _, _| true);
        }
        while let Some(fd) = next {
            next = registry.after(fd, id);
            let Some(entry) = registry.entry_mut(fd) else { return };
            match entry.option {
                Some(PollOption::Edge) if ready.is_readable() => self.await_draining(fd, entry),
                Some(PollOption::Oneshot) => {
                    entry.flags |= Entry::FIRED;
                    entry.last = millis(time);
                    let end = time.saturating_add(u64::from(FORGOTTEN) * NANOS_PER_MILLI);
                    if self.checks.contains(Checks::FORGOTTEN) {
                        self.forgotten_at = Some(self.forgotten_at.map_or(end, |at| at.min(end)));
                    }
                }
                Some(PollOption::Level) => {
                    if let Some(problem) = self.count(fd, entry, ready) {
                        let count = entry.count.into();
                        self.complain(problem, fd, id, count, time);
                    }
                    // Which of several it is of is not known.
                    return;
                }
                _ => {}
            }
        }
    }

    /// An event of no registration that is known: that of one whose descriptor was closed, if it had this id.
    fn note_unknown(&mut self, id: u64, time: u64) {
        let mut ghosts = self.ghosts.iter_mut();
        let found = ghosts.find(|ghost| ghost.is_some_and(|(of, _)| of == id));
        if let Some((_, fd)) = found.and_then(Option::take) {
            self.complain(Problem::Closed, fd, id, 1, time);
        }
    }

    fn await_draining(&mut self, fd: RawFd, entry: &mut Entry) {
        let known = entry.flags & (Entry::OUTSTANDING | Entry::TOLD) != 0;
        if known || !self.checks.contains(Checks::UNDRAINED) {
            return;
        }
        if self.look_too(Look::new(fd, entry.flags & Entry::WRITES != 0)) {
            entry.flags |= Entry::OUTSTANDING;
        }
    }

    /// Looks at one more; false if there is no memory.
    fn look_too(&mut self, look: Look) -> bool {
        let len = self.outstanding.len();
        if len == self.outstanding.capacity()
            && self.outstanding.try_reserve_exact(registry::more_than(len)).is_err()
        {
            return false;
        }
        // There is room: this does not grow, which could panic.
        let fits = len < self.outstanding.capacity();
        if fits {
            self.outstanding.push(look);
        }
        fits
    }

    /// Keeps of those to be looked at, each once, those of which it is so.
    fn retain(
        &mut self,
        registry: &mut Registry,
        mut is_so: impl FnMut(&mut Watch, &mut Registry, &Look) -> bool,
    ) {
        const OPEN: u8 = Entry::OUTSTANDING;

        let mut kept = 0;
        for n in 0..self.outstanding.len() {
            let Some(look) = self.outstanding.get(n).copied() else { break };
            // Otherwise it was registered again, or another, or comes a second time.
            let is_open = |entry: Entry| entry.flags & (OPEN | Entry::STAYS) == OPEN;
            if !registry.entry(look.fd()).is_some_and(is_open) || !is_so(self, registry, &look) {
                continue;
            }
            if let Some(entry) = registry.entry_mut(look.fd()) {
                entry.flags |= Entry::STAYS;
            }
            if let Some(place) = self.outstanding.get_mut(kept) {
                *place = look;
                kept += 1;
            }
        }
        self.outstanding.truncate(kept);
        for look in &self.outstanding {
            if let Some(entry) = registry.entry_mut(look.fd()) {
                entry.flags &= !Entry::STAYS;
            }
        }
    }

    /// Counts an event of a level-triggered handle.
    fn count(&mut self, fd: RawFd, entry: &mut Entry, ready: Ready) -> Option<Problem> {
        if entry.last.wrapping_add(1) != self.turn {
            entry.count = 0;
        }
        entry.last = self.turn;
        entry.count = entry.count.saturating_add(1);
        let wanted = self.checks.contains(Checks::SPINNING);
        if !wanted || entry.flags & Entry::TOLD != 0 || entry.count < SPINS - STILL {
            return None;
        }
        if !sys::TELLS_WRITES && !ready.is_readable() {
            return None;
        }
        let traffic = sys::traffic(fd);
        if entry.count > SPINS - STILL && traffic != entry.sample {
            entry.count = 0;
        }
        entry.sample = traffic;
        if let Some(place) = self.spinning.iter_mut().find(|place| place.is_none()) {
            *place = Some((fd, ready.is_readable()));
        } else {
            // It is not known what becomes of it.
            entry.count = entry.count.min(SPINS - 1);
        }
        if entry.count < SPINS {
            return None;
        }
        entry.flags |= Entry::TOLD;
        Some(if sys::is_open(fd) { Problem::Spinning } else { Problem::Closed })
    }

    /// When a poll that waits is to look again.
    pub(super) fn next_look(&self) -> Option<u64> {
        self.forgotten_at
    }

    /// Looks for oneshot handles that were forgotten; whether there are some.
    pub(super) fn look_for_forgotten(&mut self, registry: &mut Registry, time: u64) -> bool {
        if self.forgotten_at.is_none_or(|at| time < at) {
            return false;
        }
        self.forgotten_at = None;
        let mut found = false;
        for fd in 0..registry.len() as RawFd {
            let Some(entry) = registry.entry_mut(fd) else { continue };
            if entry.flags & (Entry::FIRED | Entry::TOLD) != Entry::FIRED {
                continue;
            }
            let age = millis(time).wrapping_sub(entry.last);
            if age < FORGOTTEN {
                let left = Duration::from_millis((FORGOTTEN - age).into());
                let end = time.saturating_add(sys::duration(left));
                self.forgotten_at = Some(self.forgotten_at.map_or(end, |at| at.min(end)));
            } else if sys::is_open(fd) {
                entry.flags |= Entry::TOLD;
                let id = entry.id;
                self.complain(Problem::Forgotten, fd, id, 1, time);
                found = true;
            } else {
                registry.remove(fd);
            }
        }
        found
    }

    /// Asks which of the edge-triggered handles that had an event are still readable: by one system call, or none.
    /// Whether there is one that may be left so, unless there is an event on its way, or it is at its end.
    pub(super) fn look_for_undrained(&mut self, registry: &mut Registry) -> bool {
        if self.outstanding.is_empty() {
            return false;
        }
        let full = self.full.take().filter(|fd| registry.waits_for_room(*fd));
        let looks_at_full = full.is_some_and(|fd| self.look_too(Look::new(fd, true)));
        let looked = sys::look(&mut self.outstanding);
        let full_one = if looks_at_full { self.outstanding.pop() } else { None };
        if let Err(error) = looked {
            sys::ignore(error);
            return false;
        }
        if full_one.is_some_and(|look| look.is_full()) {
            self.full = full;
        }
        let mut found = false;
        self.retain(registry, |watch, registry, looked| {
            let stays = watch.is_outstanding(registry, looked);
            found |= registry.entry_mut(looked.fd()).is_some_and(|entry| entry.is_suspect());
            stays
        });
        found && self.full.is_none()
    }

    /// What was seen of a descriptor: whether it goes on to be looked at. It may be suspect.
    fn is_outstanding(&mut self, registry: &mut Registry, looked: &Look) -> bool {
        let fd = looked.fd();
        let Some(entry) = registry.entry_mut(fd) else { return false };
        entry.flags &= !Entry::SUSPECT;
        if looked.is_closed() {
            let id = entry.id;
            registry.remove(fd);
            self.add_ghost(id, fd);
            return false;
        }
        if !looked.is_readable() {
            entry.flags &= !Entry::OUTSTANDING;
            return false;
        }
        // Otherwise the program may wait for room to write.
        if !looked.is_full() {
            entry.flags |= Entry::SUSPECT;
        }
        true
    }

    /// The system had no event for the suspects. Whether one remains that is not at its end, while the program does not
    /// seem to wait for something else.
    pub(super) fn suspects(&mut self, registry: &mut Registry) -> bool {
        let mut guilty = false;
        self.retain(registry, |_, registry, look| {
            let Some(entry) = registry.entry_mut(look.fd()) else { return false };
            if entry.is_suspect() && is_at_its_end(look.fd()) {
                entry.flags &= !(Entry::OUTSTANDING | Entry::SUSPECT);
                return false;
            }
            guilty |= entry.is_suspect();
            true
        });
        if guilty {
            self.full = find_full(registry);
        }
        guilty && self.full.is_none()
    }

    /// Complains of those who are still suspect; whether there was one.
    pub(super) fn accuse(&mut self, registry: &mut Registry, time: u64) -> bool {
        if !self.look_for_undrained(registry) {
            return false;
        }
        for n in 0..self.outstanding.len() {
            let Some(fd) = self.outstanding.get(n).map(Look::fd) else { break };
            let Some(entry) = registry.entry_mut(fd) else { continue };
            if entry.is_suspect() {
                entry.flags = entry.flags & !(Entry::OUTSTANDING | Entry::SUSPECT) | Entry::TOLD;
                let id = entry.id;
                self.complain(Problem::Undrained, fd, id, 1, time);
            }
        }
        self.retain(registry, |_, _, _| true);
        true
    }
}

/// Whether what is readable has nothing to read, now and later.
fn is_at_its_end(fd: RawFd) -> bool {
    match sys::unread(fd) {
        Ok(count) => count == 0,
        Err(error) => {
            sys::ignore(error);
            sys::stays_readable(fd)
        }
    }
}

/// A descriptor that cannot be written, though there is an interest in that.
fn find_full(registry: &Registry) -> Option<RawFd> {
    /// Looked at by one system call.
    const AT_ONCE: usize = 64;

    let mut all = (0..registry.len() as RawFd).filter(|fd| registry.waits_for_room(*fd));
    loop {
        let mut looks = [Look::new(-1, true); AT_ONCE];
        let mut count = 0;
        for (look, fd) in looks.iter_mut().zip(&mut all) {
            *look = Look::new(fd, true);
            count += 1;
        }
        let looks = looks.get_mut(..count)?;
        if count == 0 {
            return None;
        }
        if let Err(error) = sys::look(looks) {
            sys::ignore(error);
            return None;
        }
        if let Some(full) = looks.iter().find(|look| look.is_full()) {
            return Some(full.fd());
        }
    }
}

fn millis(time: u64) -> u32 {
    (time / NANOS_PER_MILLI) as u32
}
