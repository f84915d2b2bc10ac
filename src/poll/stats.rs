use std::time::Duration;

/// How many powers of two the lateness of deadlines is counted by.
pub(crate) const LATENESS: usize = 40;

/// What a poller has counted since [`Poller::set_stats`](crate::Poller::set_stats).
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Polls that asked the system.
    pub polls: u64,
    /// Those of them that were ready to wait: nothing was there before they asked, and the timeout was not zero.
    pub waits: u64,
    /// Events of handles and awakeners.
    pub system_events: u64,
    /// Notifications.
    pub notifications: u64,
    /// Deadlines.
    pub deadlines: u64,
    /// The most events of one poll.
    pub fullest_batch: u64,
    /// The time inside of polls that were ready to wait.
    pub waiting: Duration,
    /// The time between polls: what the program used, or others while it could have run.
    pub outside: Duration,
    /// By how many nanoseconds deadlines were late: in place `n` those with at least 2^n and less than 2^(n + 1), in
    /// the first also those with none, in the last all that were later.
    pub lateness: [u64; LATENESS],
    /// Wakes by awakeners, and events posted by registrars, of any thread. The poll counts them that comes after them.
    pub wakes: u64,
    /// Those of them that an earlier wake of the same awakener stood for, whose event had not been handed out: they made
    /// no event of their own, and no system call.
    pub wakes_coalesced: u64,
}

impl Default for Stats {
    fn default() -> Stats {
        Stats {
            polls: 0,
            waits: 0,
            system_events: 0,
            notifications: 0,
            deadlines: 0,
            fullest_batch: 0,
            waiting: Duration::ZERO,
            outside: Duration::ZERO,
            lateness: [0; LATENESS],
            wakes: 0,
            wakes_coalesced: 0,
        }
    }
}

impl Stats {
    pub(crate) fn count_lateness(&mut self, nanos: u64) {
        let place = ((nanos | 1).ilog2() as usize).min(LATENESS - 1);
        if let Some(count) = self.lateness.get_mut(place) {
            *count += 1;
        }
    }
}
