/// When a registered handle gives events.
///
/// | | event | what the user does |
/// |---|---|---|
/// | `Edge` | when the readiness *changes*: new data arrived, there is room again | reads, writes or accepts until `WouldBlock`, or misses the rest |
/// | `Level` | at every poll for as long as the handle is ready | whatever it likes, or deregisters what it does not handle |
/// | `Oneshot` | one, for both directions; then none | calls [`Poller::reregister`](crate::Poller::reregister) to get the next |
///
/// On FreeBSD, NetBSD, OpenBSD and macOS an edge of a pipe comes also to a reader that has read a part of the
/// data, and to a writer after each of its own writes. On every kqueue a stream may be `WRITABLE` again when
/// the peer has taken some data. An edge too many is a `WouldBlock`.
///
/// `Edge` makes the fewest system calls for a stream, and is what the examples use there. A listener is best
/// `Level`, with one accept an event: with `Edge` each turn ends by an accept that says `WouldBlock`.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum PollOption {
    /// Edge-triggered: an event when the readiness changes.
    Edge,
    /// Level-triggered: an event at every poll while the handle is ready.
    Level,
    /// One event disarms the whole handle, both directions, until it is reregistered.
    Oneshot,
}
