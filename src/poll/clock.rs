/// The clock that a poller runs on, see [`Poller::set_clock`](crate::Poller::set_clock).
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq, Hash)]
pub enum Clock {
    /// The monotonic clock of the system, that of [`Instant::now`](std::time::Instant::now).
    #[default]
    Monotonic,
    /// Time stands still until [`Poller::advance`](crate::Poller::advance) or
    /// [`Poller::set_time`](crate::Poller::set_time). A poll waits for the system as ever.
    Paused,
    /// As paused; but a poll that would wait, and finds nothing at the system, jumps to the next deadline or to
    /// the end of its timeout, and returns.
    Automatic,
}
