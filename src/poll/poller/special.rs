//! A poller that does more than to poll on the system's clock. One that does not pays nothing for it: what its
//! polls and registrations compare to find out that the process was not forked tells this as well.

use std::io;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use super::Poller;
use crate::deadlines::{DEFAULT_SLACK, PORTION};
use crate::poll::awakener::Awakeners;
use crate::poll::clock::Clock;
use crate::poll::registry::Registry;
use crate::sys::{self, Buffer, Generation, Selector, Sorting};

/// What such a poller has.
#[derive(Debug, Default)]
pub(super) struct Special {
    registry: Registry,
    sorting: Sorting,
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
    /// clock was set, and those that share an id, come in the order of the system.
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
        if self.clock == Clock::Monotonic {
            self.special = None;
        } else {
            self.special.get_or_insert_default();
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
        let clock = self.clock;
        if clock == Clock::Monotonic {
            self.now.set(None);
        }
        self.deadlines.begin(if clock == Clock::Monotonic { PORTION } else { u32::MAX });
        let expired = !self.deadlines.is_empty() && self.deadlines.is_due(self.turns_time()?);
        let notifications = self.notifications.len();
        let shares = self.turn.divide(buffer.room(), true, notifications, expired);
        if shares.system > 0 {
            if expired || notifications > 0 || timeout == Some(0) {
                self.select(buffer, shares.system, Some(0))?;
            } else {
                match clock {
                    Clock::Monotonic => self.wait(buffer, shares.system, timeout)?,
                    Clock::Paused => self.wait_for_the_system(buffer, shares.system, timeout)?,
                    Clock::Automatic => self.wait_or_jump(buffer, shares.system, timeout)?,
                }
            }
            self.note_events(buffer, clock);
        }
        self.fill_from_userspace(buffer, shares.deadlines);
        Ok(())
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
    fn note_events(&mut self, buffer: &mut Buffer<'_>, clock: Clock) {
        let Some(special) = &mut self.special else { return };
        if clock != Clock::Monotonic {
            buffer.sort(&mut special.sorting, |event| special.registry.order(event.raw_id()));
        }
    }

    /// Applies a change to the registration of a descriptor, or a new one; `None` in a forked child.
    #[cold]
    #[inline(never)]
    pub(super) fn register_specially(
        &mut self,
        fd: RawFd,
        id: u64,
        is_new: bool,
        apply: impl FnOnce(&mut Selector) -> io::Result<()>,
    ) -> io::Result<Option<()>> {
        if !self.generation.is_current() {
            return Ok(None);
        }
        apply(&mut self.selector)?;
        if let Some(special) = &mut self.special {
            special.registry.note(fd, id, is_new);
        }
        Ok(Some(()))
    }

    /// Ends a registration; `None` in a forked child.
    #[cold]
    #[inline(never)]
    pub(super) fn deregister_specially(&mut self, fd: RawFd) -> io::Result<Option<()>> {
        if !self.generation.is_current() {
            return Ok(None);
        }
        if let Some(special) = &mut self.special {
            special.registry.remove(fd);
        }
        self.selector.deregister(fd).map(Some)
    }
}
