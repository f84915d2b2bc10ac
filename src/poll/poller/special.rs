//! A poller that does more than to poll on the system's clock. One that does not pays nothing for it: what its
//! polls and registrations compare to find out that the process was not forked tells this as well.

use std::io;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use super::Poller;
use super::watch::Watch;
use crate::deadlines::{DEFAULT_SLACK, PORTION};
use crate::event::{Event, Ready};
use crate::poll::awakener::Awakeners;
use crate::poll::changes::{Change, Registration};
use crate::poll::checks::Found;
use crate::poll::registry::Registry;
use crate::poll::{Checks, Clock, Complaint, Interests, PollOption, Stats};
use crate::sys::{self, Buffer, Generation, Selector, Sorting};

/// For so many nanoseconds an event may be on its way of what can be read already: another processor is about to put it
/// there, and may be kept from it.
const MOMENT: u64 = 10_000_000;

/// What such a poller has.
#[derive(Debug, Default)]
pub(super) struct Special {
    registry: Registry,
    sorting: Sorting,
    stats: Option<Stats>,
    watch: Watch,
    /// When the last poll returned, in the system's time.
    left: Option<u64>,
}

impl Special {
    /// Whether there are statistics.
    pub(super) fn counts(&self) -> bool {
        self.stats.is_some()
    }

    /// Whether the time between polls and in them is of interest.
    fn measures(&self) -> bool {
        self.stats.is_some() || self.watch.is_on()
    }

    /// A poll begins.
    fn enter(&mut self, now: u64) {
        let away = self.left.map_or(0, |left| now.saturating_sub(left));
        if let Some(stats) = &mut self.stats {
            stats.outside = stats.outside.saturating_add(Duration::from_nanos(away));
        }
        self.watch.enter(&mut self.registry, away);
    }

    /// A poll ends.
    fn leave(&mut self, now: u64, time: Option<u64>) {
        self.left = Some(now);
        self.watch.leave(time.unwrap_or(now));
    }

    fn note_wait(&mut self, nanos: u64) {
        if let Some(stats) = &mut self.stats {
            stats.waits += 1;
            stats.waiting = stats.waiting.saturating_add(Duration::from_nanos(nanos));
        }
    }

    fn note_lateness(&mut self, nanos: u64) {
        if let Some(stats) = &mut self.stats {
            stats.count_lateness(nanos);
        }
        self.watch.note_lateness(nanos);
    }
}

/// Time in the program's hands.
impl Poller {
    /// Sets the clock that the poller runs on: that of the system, as from the beginning, or one that the
    /// program drives. So timeouts of hours are tested in no time, and a simulation has its own time.
    ///
    /// A clock that is driven begins with the time that there is: the poller's own, or the system's. It is on the
    /// scale of [`Instant`], as any: a time that is a second ahead is `poller.now() + Duration::from_secs(1)`, and
    /// not one of [`Instant::now`], which does not stand still. Back on the system's clock the time is the system's
    /// again, which may be an earlier one. Deadlines keep their times in any case, and their slack; without
    /// [`set_deadline_slack`](Poller::set_deadline_slack) those that are added or moved on a driven clock have none.
    ///
    /// | | [`Monotonic`](Clock::Monotonic) | [`Paused`](Clock::Paused) | [`Automatic`](Clock::Automatic) |
    /// |---|---|---|---|
    /// | `poll`, a timeout of zero | what there is | what there is | what there is |
    /// | `poll`, a timeout | waits until there is an event, or it has passed | as on the left, in real time: the time of the poller stays as it is, and no deadline comes up | hands out what the system has; if that is nothing, jumps to the next deadline or to the end of the timeout, whichever is first |
    /// | `poll`, no timeout | waits until there is an event | waits for handles and awakeners; no deadline comes up | as above; without a deadline waits for handles and awakeners |
    /// | `poll_userspace` | what there is | what there is | what there is, and does not jump |
    /// | `now` | that of the last poll | the time of the poller | the time of the poller |
    /// | `add_timeout`, `add_interval` | count from the system's time | count from `now` | count from `now` |
    /// | `next_wakeup` | until the next deadline, from the system's time | from `now` | from `now` |
    /// | `set_spin` | looks again before it sleeps | is not asked | is not asked |
    /// | `advance`, `set_time` | `InvalidInput` | the time is that; deadlines that have passed come with the next poll, in the order of their times | as on the left |
    ///
    /// An [`Awakener`](crate::poll::Awakener) wakes a poll on any clock, and while a wake is pending time does not
    /// jump.
    ///
    /// *A driven clock makes the same program do the same each time*, as far as what it talks with does: handles that
    /// are ready at once are handed out in the order of their registration. Those that were registered before the
    /// clock was set, or by a [`Registrar`](crate::poll::Registrar), and those that share an id, come in the order of
    /// the system.
    ///
    /// # Errors
    ///
    /// That of the system's clock, if it fails; and in a forked child. Then the clock is what it was.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use std::time::Duration;
    ///
    /// use mio_st::poll::{Clock, Poller};
    /// use mio_st::{EventedId, Events};
    ///
    /// const HOUR: Duration = Duration::from_secs(3600);
    ///
    /// let mut poller = Poller::new()?;
    /// let mut events = Events::new();
    /// poller.set_clock(Clock::Automatic)?;
    ///
    /// let begin = poller.now();
    /// poller.add_timeout(EventedId(0), HOUR);
    /// poller.poll(&mut events, None)?;
    /// assert_eq!((&mut events).next().unwrap().id(), EventedId(0));
    /// assert_eq!(poller.now() - begin, HOUR);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_clock(&mut self, clock: Clock) -> io::Result<()> {
        self.generation.check()?;
        self.change_clock(clock)
    }

    pub(crate) fn change_clock(&mut self, clock: Clock) -> io::Result<()> {
        let now = match self.driven_time() {
            Some(now) => now,
            None => self.read()?,
        };
        self.clock = clock;
        self.now.set((clock != Clock::Monotonic).then_some(now));
        self.become_special();
        Ok(())
    }

    /// Moves the time of a clock that the program drives ahead.
    ///
    /// # Errors
    ///
    /// `InvalidInput` on the system's clock, and beyond the end of time, which is 584 years after the origin of the
    /// clock. In a forked child it fails. Then the time is what it was.
    pub fn advance(&mut self, by: Duration) -> io::Result<()> {
        self.generation.check()?;
        self.advance_nanos(sys::duration(by))
    }

    pub(crate) fn advance_nanos(&mut self, by: u64) -> io::Result<()> {
        let time = self.driven_time().and_then(|now| now.checked_add(by));
        self.set_time_nanos(time.ok_or(io::ErrorKind::InvalidInput)?)
    }

    /// Sets the time of a clock that the program drives, which may not go backwards.
    ///
    /// # Errors
    ///
    /// `InvalidInput` on the system's clock, and for a time before [`now`](Poller::now). In a forked child it fails.
    /// Then the time is what it was.
    pub fn set_time(&mut self, time: Instant) -> io::Result<()> {
        self.generation.check()?;
        self.set_time_nanos(sys::nanos(time))
    }

    pub(crate) fn set_time_nanos(&mut self, time: u64) -> io::Result<()> {
        match self.driven_time() {
            Some(now) if now <= time => {
                self.now.set(Some(time));
                Ok(())
            }
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// The time, if the program drives it.
    pub(super) fn driven_time(&self) -> Option<u64> {
        match self.clock {
            Clock::Monotonic => None,
            Clock::Paused | Clock::Automatic => self.now.get(),
        }
    }

    /// Something special was switched on or off.
    fn become_special(&mut self) {
        let measures = self.special.as_ref().is_some_and(Special::measures);
        if self.clock == Clock::Monotonic && !measures {
            self.special = None;
        } else {
            self.special.get_or_insert_default();
        }
        if let Some(awakeners) = &self.awakeners {
            awakeners.changes().want(self.special.is_some());
        }
        self.plain = if self.special.is_none() { self.generation } else { Generation::NONE };
        self.has_asked.set(false);
        self.apply_slack();
        self.calm_down();
    }

    /// The slack that was asked for, or that of the clock.
    pub(super) fn apply_slack(&mut self) {
        let of_clock = if self.driven_time().is_some() { 0 } else { DEFAULT_SLACK };
        self.deadlines.set_slack(self.slack.unwrap_or(of_clock));
    }
}

/// Statistics and checks.
impl Poller {
    /// Begins to count, from zero, or ends it. Counting takes two reads of the clock a poll, and two more if it waits;
    /// and an atomic addition or two a wake, in the thread that wakes.
    ///
    /// # Errors
    ///
    /// In a forked child.
    pub fn set_stats(&mut self, on: bool) -> io::Result<()> {
        self.generation.check()?;
        self.change_stats(on);
        Ok(())
    }

    pub(crate) fn change_stats(&mut self, on: bool) {
        let special = self.special.get_or_insert_default();
        special.stats = on.then(Stats::default);
        special.left = None;
        if let Some(awakeners) = &self.awakeners {
            awakeners.count(on);
        }
        self.become_special();
    }

    /// Adds the wakes that were counted meanwhile.
    #[cold]
    #[inline(never)]
    pub(super) fn note_wakes(&mut self) {
        let stats = self.special.as_mut().and_then(|special| special.stats.as_mut());
        if let (Some(stats), Some(awakeners)) = (stats, &self.awakeners) {
            let (wakes, coalesced) = awakeners.take_counts();
            stats.wakes = stats.wakes.saturating_add(wakes as u64);
            stats.wakes_coalesced = stats.wakes_coalesced.saturating_add(coalesced as u64);
        }
    }

    /// What was counted since [`set_stats`](Poller::set_stats); nothing, if it is off.
    pub fn stats(&self) -> Stats {
        self.special.as_ref().and_then(|special| special.stats).unwrap_or_default()
    }

    /// Looks from now on for what programs do wrong, and forgets what was found before. Nothing is printed: whoever
    /// wants to know takes the complaints by [`next_complaint`](Poller::next_complaint).
    ///
    /// What is registered from now on, or registered once more, is looked at. Of each registration there is one
    /// complaint. A poll that finds something just before it would wait returns 10 milliseconds later, perhaps without
    /// events; and so does one that waits while a oneshot handle is being forgotten, at once.
    ///
    /// What a [`Registrar`](crate::poll::Registrar) registers is not looked at: the poller knows nothing of it. A
    /// descriptor should be registered by one of the two, and not in turn, or what the poller knows of it is out of
    /// date.
    ///
    /// It takes one system call more a wait while edge-triggered handles have had an event and were not seen empty
    /// since, and some more once before a complaint, or where a handle is at its end; two reads of the clock a poll;
    /// and up to 40 bytes for each number of a descriptor up to the largest, beside 2 KB. What is switched off costs
    /// nothing.
    ///
    /// # Errors
    ///
    /// `OutOfMemory`; and in a forked child. Then nothing is looked for.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use std::io::{Read, Write};
    ///
    /// use mio_st::poll::{Checks, Poller, PollOption, Problem};
    /// use mio_st::unix::UnixStream;
    /// use mio_st::{EventedId, Events};
    ///
    /// let mut poller = Poller::new()?;
    /// let mut events = Events::new();
    /// poller.set_checks(Checks::ALL)?;
    ///
    /// let (mut stream, mut peer) = UnixStream::pair()?;
    /// poller.register(&mut stream, EventedId(1), UnixStream::INTERESTS, PollOption::Edge)?;
    /// peer.write_all(b"more than was expected")?;
    /// poller.poll(&mut events, None)?;
    /// stream.read(&mut [0; 4])?;
    ///
    /// poller.poll(&mut events, None)?; // would hang
    /// let complaint = poller.next_complaint().unwrap();
    /// assert_eq!(complaint.problem(), Problem::Undrained);
    /// assert_eq!(complaint.id(), EventedId(1));
    /// println!("{complaint}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_checks(&mut self, checks: Checks) -> io::Result<()> {
        self.generation.check()?;
        self.change_checks(checks)
    }

    pub(crate) fn change_checks(&mut self, checks: Checks) -> io::Result<()> {
        let set = self.special.get_or_insert_default().watch.set(checks);
        self.become_special();
        set
    }

    /// Takes the oldest complaint. Up to 32 are kept; what is found while so many wait is not told.
    pub fn next_complaint(&mut self) -> Option<Complaint> {
        let found = self.next_problem()?;
        let time = sys::instant(found.time);
        Some(Complaint { found, time })
    }

    pub(crate) fn next_problem(&mut self) -> Option<Found> {
        self.special.as_mut()?.watch.next()
    }
}

/// The poll, and the registrations.
impl Poller {
    /// The poll cycle. There is room, and this is the process that created the poller.
    #[cold]
    #[inline(never)]
    pub(super) fn fill_specially(
        &mut self,
        buffer: &mut Buffer<'_>,
        timeout: Option<u64>,
    ) -> io::Result<()> {
        self.note_changes();
        let measures = self.special.as_ref().is_some_and(Special::measures);
        let began = if measures { sys::monotonic()? } else { 0 };
        if let (true, Some(special)) = (measures, &mut self.special) {
            special.enter(began);
        }
        if self.clock == Clock::Monotonic {
            self.now.set(None);
        }
        let of_deadlines = self.fill_from_system(buffer, timeout, measures)?;
        let of_system = buffer.len();
        self.note_events(buffer);
        self.notifications.move_to(buffer, buffer.room().saturating_sub(of_deadlines));
        let notifications = buffer.len() - of_system;
        let before = buffer.len();
        self.fill_from_deadlines_specially(buffer);
        let deadlines = buffer.len() - before;
        // What the deadlines left over.
        let before = buffer.len();
        self.notifications.move_to(buffer, buffer.room());
        let notifications = notifications + buffer.len() - before;
        let ended = if measures { sys::monotonic()? } else { 0 };
        self.note_wakes();
        let Some(special) = &mut self.special else { return Ok(()) };
        if let Some(stats) = &mut special.stats {
            stats.polls += 1;
            stats.system_events += of_system as u64;
            stats.notifications += notifications as u64;
            stats.deadlines += deadlines as u64;
            stats.fullest_batch = stats.fullest_batch.max(buffer.len() as u64);
        }
        if measures {
            special.leave(ended, self.now.get());
        }
        Ok(())
    }

    fn fill_from_deadlines_specially(&mut self, buffer: &mut Buffer<'_>) {
        if self.deadlines.is_empty() {
            return;
        }
        let now = self.now_or_last();
        while buffer.room() > 0 {
            let time = self.deadlines.first_time();
            let Some(id) = self.deadlines.expire(now) else { break };
            buffer.push(Event::from_raw(id, Ready::TIMER));
            if let Some(special) = &mut self.special {
                special.note_lateness(now.saturating_sub(time.unwrap_or(now)));
            }
        }
    }

    /// Fills the buffer with events of the system, after waiting for them if there is nothing else. Returns how much
    /// of the rest of the room is for deadlines.
    fn fill_from_system(
        &mut self,
        buffer: &mut Buffer<'_>,
        mut timeout: Option<u64>,
        measures: bool,
    ) -> io::Result<usize> {
        loop {
            self.deadlines.begin(if self.clock == Clock::Monotonic { PORTION } else { u32::MAX });
            let expired = !self.deadlines.is_empty() && self.deadlines.is_due(self.turns_time()?);
            let notifications = self.notifications.len();
            let shares = self.turn.divide(buffer.room(), true, notifications, expired);
            if shares.system == 0 {
                return Ok(shares.deadlines);
            }
            if expired || notifications > 0 || timeout == Some(0) {
                self.select(buffer, shares.system, Some(0))?;
                return Ok(shares.deadlines);
            }
            if self.finds_problem(buffer, shares.system)? {
                return Ok(shares.deadlines);
            }
            let limit = match self.special.as_ref().and_then(|special| special.watch.next_look()) {
                // No time passes while a poll waits.
                Some(at) if self.clock != Clock::Paused => {
                    Some(at.saturating_sub(self.turns_time()?).max(1))
                }
                _ => None,
            };
            let wait = timeout.into_iter().chain(limit).min();
            let before = if measures { sys::monotonic()? } else { 0 };
            match self.clock {
                Clock::Monotonic => self.wait(buffer, shares.system, wait)?,
                Clock::Paused => self.wait_for_the_system(buffer, shares.system, wait)?,
                Clock::Automatic => self.wait_or_jump(buffer, shares.system, wait)?,
            }
            let after = if measures { sys::monotonic()? } else { 0 };
            if let (true, Some(special)) = (measures, &mut self.special) {
                special.note_wait(after.saturating_sub(before));
            }
            if buffer.len() > 0 || wait == timeout {
                return Ok(shares.deadlines);
            }
            // Either a deadline has come, or it is time to look for problems and to wait on.
            timeout = timeout.zip(limit).map(|(timeout, limit)| timeout.saturating_sub(limit));
            if self.deadlines.is_due(self.turns_time()?) {
                return Ok(shares.deadlines);
            }
        }
    }

    /// Takes note of what registrars have changed.
    fn note_changes(&mut self) {
        let (Some(special), Some(awakeners)) = (&mut self.special, &self.awakeners) else { return };
        let Special { registry, watch, .. } = special;
        let mut changes = awakeners.changes().take();
        while let Some(change) = changes.pop() {
            let Change { fd, now } = *change;
            match now {
                Some(Registration { id, interests, option, is_new }) => {
                    let before = registry.note(fd, id, interests, option, is_new);
                    watch.note_registration(fd, id, is_new, before);
                }
                None => {
                    registry.remove(fd);
                    watch.note_deregistration();
                }
            }
        }
    }

    /// Looks for problems before a wait; whether there are some, or events meanwhile.
    fn finds_problem(&mut self, buffer: &mut Buffer<'_>, room: usize) -> io::Result<bool> {
        if !self.special.as_ref().is_some_and(|special| special.watch.is_on()) {
            return Ok(false);
        }
        self.note_changes();
        let time = self.turns_time()?;
        let Some(Special { watch, registry, .. }) = &mut self.special else { return Ok(false) };
        let forgotten = watch.look_for_forgotten(registry, time);
        if !watch.look_for_undrained(registry) {
            return Ok(forgotten);
        }
        // An event that is on its way is there by now, and then this was the wait.
        if self.asks(buffer, room, 0)? {
            return Ok(true);
        }
        let Some(Special { watch, registry, .. }) = &mut self.special else { return Ok(false) };
        if !watch.suspects(registry) {
            return Ok(forgotten);
        }
        // Mostly. What arrives can be read a moment before its event is there.
        if self.asks(buffer, room, MOMENT)? {
            return Ok(true);
        }
        let Some(Special { watch, registry, .. }) = &mut self.special else { return Ok(false) };
        Ok(watch.accuse(registry, time) || forgotten)
    }

    /// Asks the system for events, and waits so long; whether there are some.
    fn asks(&mut self, buffer: &mut Buffer<'_>, room: usize, timeout: u64) -> io::Result<bool> {
        loop {
            if let Some(count) = self.select(buffer, room, Some(timeout))? {
                return Ok(count > 0);
            }
        }
    }

    /// Asks the system for events until there are some, or the timeout has passed in its own time.
    fn wait_for_the_system(
        &mut self,
        buffer: &mut Buffer<'_>,
        room: usize,
        timeout: Option<u64>,
    ) -> io::Result<()> {
        let end = match timeout {
            Some(timeout) => Some(sys::monotonic()?.saturating_add(timeout)),
            None => None,
        };
        loop {
            let remaining = match end {
                Some(end) => Some(end.saturating_sub(sys::monotonic()?)),
                None => None,
            };
            let piece = remaining.map(|remaining| remaining.min(sys::MAX_WAIT));
            match self.select(buffer, room, piece)? {
                None => {}
                Some(0) if piece < remaining => {}
                Some(_) => return Ok(()),
            }
        }
    }

    /// Asks the system for what it has. If that is nothing, goes to the next deadline or to the end of the timeout;
    /// without either waits.
    fn wait_or_jump(
        &mut self,
        buffer: &mut Buffer<'_>,
        room: usize,
        timeout: Option<u64>,
    ) -> io::Result<()> {
        loop {
            let count = self.select(buffer, room, Some(0))?;
            if count.is_some_and(|count| count > 0) {
                return Ok(());
            }
            // What was sent since comes before any time that passes.
            if count.is_none() || self.awakeners.as_ref().is_some_and(Awakeners::is_woken) {
                continue;
            }
            let now = self.turns_time()?;
            let end = timeout.map(|timeout| now.saturating_add(timeout));
            let end = self.deadlines.next_wakeup().into_iter().chain(end).min();
            return match end.filter(|end| *end != u64::MAX) {
                Some(end) => {
                    self.now.set(Some(end.max(now)));
                    Ok(())
                }
                None => self.wait_for_the_system(buffer, room, None),
            };
        }
    }

    /// Looks at the events of the system.
    fn note_events(&mut self, buffer: &mut Buffer<'_>) {
        let is_driven = self.clock != Clock::Monotonic;
        let watches = self.special.as_ref().is_some_and(|special| special.watch.is_on());
        if buffer.len() == 0 || !(is_driven || watches) {
            return;
        }
        self.note_changes();
        let time = self.now_or_last();
        let Some(Special { watch, registry, sorting, .. }) = &mut self.special else { return };
        if is_driven {
            buffer.sort(sorting, |event| registry.order(event.raw_id()));
        }
        if watches {
            for event in (0..buffer.len()).filter_map(|n| buffer.get(n)) {
                watch.note_event(registry, event, time);
            }
        }
    }

    /// Applies a change to the registration of a descriptor, or a new one; `None` in a forked child.
    #[cold]
    #[inline(never)]
    pub(super) fn register_specially(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
        is_new: bool,
        apply: impl FnOnce(&mut Selector) -> io::Result<()>,
    ) -> io::Result<Option<()>> {
        if !self.generation.is_current() {
            return Ok(None);
        }
        self.note_changes();
        apply(&mut self.selector)?;
        if let Some(Special { registry, watch, .. }) = &mut self.special {
            let before = registry.note(fd, id, interests, option, is_new);
            watch.note_registration(fd, id, is_new, before);
        }
        Ok(Some(()))
    }

    /// As above, with an error in a forked child.
    #[cold]
    #[inline(never)]
    pub(super) fn register_or_fail(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
        is_new: bool,
        apply: impl FnOnce(&mut Selector) -> io::Result<()>,
    ) -> io::Result<()> {
        let applied = self.register_specially(fd, id, interests, option, is_new, apply)?;
        applied.map_or_else(|| self.generation.check(), Ok)
    }

    /// As [`deregister_specially`](Poller::deregister_specially), with an error in a forked child.
    #[cold]
    #[inline(never)]
    pub(super) fn deregister_or_fail(&mut self, fd: RawFd) -> io::Result<()> {
        self.deregister_specially(fd)?.map_or_else(|| self.generation.check(), Ok)
    }

    /// Ends a registration; `None` in a forked child.
    #[cold]
    #[inline(never)]
    pub(super) fn deregister_specially(&mut self, fd: RawFd) -> io::Result<Option<()>> {
        if !self.generation.is_current() {
            return Ok(None);
        }
        self.note_changes();
        if let Some(Special { registry, watch, .. }) = &mut self.special {
            registry.remove(fd);
            watch.note_deregistration();
        }
        self.selector.deregister(fd).map(Some)
    }
}
