use std::fmt;
use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign};

/// What a handle is ready for: a set of flags.
///
/// # What the peer did
///
/// The flags beyond `READABLE` and `WRITABLE` say what happened to the connection. They come whether
/// they were asked for or not, except `PRIORITY`, and `READ_CLOSED` without an interest in reading, if
/// there is no `HUP`. `WRITABLE` comes with them where it was asked for and there is room. Data that
/// arrived before is still there to read after any of them, but for a terminal that hung up, which loses
/// it. Read it before the error is taken: afterwards an answer that was cut off ends like a whole one.
///
/// | what happened | flags |
/// |---|---|
/// | TCP: the peer closed or shut down its writing half | `READABLE`, `READ_CLOSED` |
/// | Unix stream: the peer closed | `READABLE`, `READ_CLOSED`, `WRITE_CLOSED`, `HUP` |
/// | TCP: the peer reset the connection | `READABLE`, `WRITABLE`, `READ_CLOSED`, `WRITE_CLOSED`, `HUP`, `ERROR` |
/// | pipe: the writing end is gone | `READABLE`, `READ_CLOSED`, `WRITE_CLOSED`, `HUP` |
/// | pipe: the reading end is gone | `ERROR` |
///
/// # Platform differences
///
/// One rule on every system, but for what the kernels of kqueue make impossible (`docs/behaviours.md` has
/// the whole table):
///
/// - reading and writing readiness of one handle may come as two events;
/// - a pipe whose reading end is gone is `WRITABLE`, too, where that was asked for, with room or without;
/// - a peer that closes with unread data does not reset the connection;
/// - a Unix stream whose peer has shut down both directions, and is not closed, reports no `HUP`;
/// - an error of a UDP socket is told by `READABLE` and `WRITABLE`, where they were asked for;
/// - both ends of a pipe can be written on FreeBSD, OpenBSD and DragonFly BSD: the interests tell which it is;
/// - an unconnected stream socket has no event on NetBSD and OpenBSD.
///
/// # Examples
///
/// ```
/// use mio_st::event::Ready;
///
/// let ready = Ready::READABLE | Ready::WRITABLE;
/// assert!(ready.is_readable());
/// assert!(ready.is_writable());
/// assert!(!ready.is_error());
/// ```
//
// Flags that epoll has too carry epoll's bits, so that an event of the kernel's is translated by a
// mask and one branch that is rarely taken.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[repr(transparent)]
pub struct Ready(u32);

impl Ready {
    /// Reading will not block: there is data, the end of the stream, an error, or a connection to accept.
    pub const READABLE: Ready = Ready(1 << 0);

    /// Out-of-band data is there to read (`MSG_OOB`), or the descriptor has another exceptional
    /// condition; only with [`Interests::PRIORITY`](crate::poll::Interests::PRIORITY). Take it by
    /// `recv(MSG_OOB)` before reading: a read that finds nothing else throws it away.
    pub const PRIORITY: Ready = Ready(1 << 1);

    /// Writing will not block, or will fail at once.
    pub const WRITABLE: Ready = Ready(1 << 2);

    /// The handle has an error waiting: take it with `take_error`, or read or write to get it.
    ///
    /// Not so on Linux for what is in a socket's error queue (completions of `MSG_ZEROCOPY`, timestamps of
    /// sending, errors under `IP_RECVERR`), which only `recvmsg(2)` with `MSG_ERRQUEUE` takes out; and for
    /// files of `/proc` and `/sys`, where it tells, with [`PRIORITY`](Ready::PRIORITY), that something has
    /// changed.
    pub const ERROR: Ready = Ready(1 << 3);

    /// Both directions of the connection are closed. It stays so for sockets; a FIFO and the master of a
    /// terminal come back with the next writer or program, without an event.
    pub const HUP: Ready = Ready(1 << 4);

    /// Writing will fail: for ever on a socket. (The master of a terminal that was hung up still takes it.)
    pub const WRITE_CLOSED: Ready = Ready(1 << 5);

    /// A deadline has passed, see [`Poller::add_deadline`](crate::Poller::add_deadline).
    pub const TIMER: Ready = Ready(1 << 6);

    /// Reading will come to the end of the stream: the peer sends no more.
    pub const READ_CLOSED: Ready = Ready(1 << 13);

    const ALL: [(Ready, &'static str); 8] = [
        (Ready::READABLE, "READABLE"),
        (Ready::WRITABLE, "WRITABLE"),
        (Ready::ERROR, "ERROR"),
        (Ready::TIMER, "TIMER"),
        (Ready::HUP, "HUP"),
        (Ready::READ_CLOSED, "READ_CLOSED"),
        (Ready::WRITE_CLOSED, "WRITE_CLOSED"),
        (Ready::PRIORITY, "PRIORITY"),
    ];

    pub(crate) const fn all() -> Ready {
        let (mut all, mut n) = (0, 0);
        while n < Ready::ALL.len() {
            all |= Ready::ALL[n].0.0;
            n += 1;
        }
        Ready(all)
    }

    #[inline]
    pub(crate) const fn from_bits(bits: u32) -> Ready {
        Ready(bits)
    }

    #[inline]
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// Whether no flag is set: of what is left by `&`, and never of an event.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flags that are set, one by one.
    ///
    /// ```
    /// use mio_st::Ready;
    ///
    /// let ready = Ready::WRITABLE | Ready::READABLE;
    /// assert!(ready.iter().eq([Ready::READABLE, Ready::WRITABLE]));
    /// ```
    pub fn iter(self) -> impl Iterator<Item = Ready> {
        Ready::ALL.into_iter().map(|(flag, _)| flag).filter(move |flag| self.contains(*flag))
    }

    /// Whether all flags of `other` are in `self`.
    #[inline]
    pub const fn contains(self, other: Ready) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether [`READABLE`](Ready::READABLE) is in the set.
    #[inline]
    pub const fn is_readable(self) -> bool {
        self.contains(Ready::READABLE)
    }

    /// Whether [`WRITABLE`](Ready::WRITABLE) is in the set.
    #[inline]
    pub const fn is_writable(self) -> bool {
        self.contains(Ready::WRITABLE)
    }

    /// Whether [`ERROR`](Ready::ERROR) is in the set.
    #[inline]
    pub const fn is_error(self) -> bool {
        self.contains(Ready::ERROR)
    }

    /// Whether [`TIMER`](Ready::TIMER) is in the set.
    #[inline]
    pub const fn is_timer(self) -> bool {
        self.contains(Ready::TIMER)
    }

    /// Whether [`HUP`](Ready::HUP) is in the set.
    #[inline]
    pub const fn is_hup(self) -> bool {
        self.contains(Ready::HUP)
    }

    /// Whether [`READ_CLOSED`](Ready::READ_CLOSED) is in the set.
    #[inline]
    pub const fn is_read_closed(self) -> bool {
        self.contains(Ready::READ_CLOSED)
    }

    /// Whether [`WRITE_CLOSED`](Ready::WRITE_CLOSED) is in the set.
    #[inline]
    pub const fn is_write_closed(self) -> bool {
        self.contains(Ready::WRITE_CLOSED)
    }

    /// Whether [`PRIORITY`](Ready::PRIORITY) is in the set.
    #[inline]
    pub const fn is_priority(self) -> bool {
        self.contains(Ready::PRIORITY)
    }
}

impl BitOr for Ready {
    type Output = Ready;

    #[inline]
    fn bitor(self, other: Ready) -> Ready {
        Ready(self.0 | other.0)
    }
}

impl BitOrAssign for Ready {
    #[inline]
    fn bitor_assign(&mut self, other: Ready) {
        self.0 |= other.0;
    }
}

impl BitAnd for Ready {
    type Output = Ready;

    #[inline]
    fn bitand(self, other: Ready) -> Ready {
        Ready(self.0 & other.0)
    }
}

impl BitAndAssign for Ready {
    #[inline]
    fn bitand_assign(&mut self, other: Ready) {
        self.0 &= other.0;
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (flag, name) in Ready::ALL {
            if self.contains(flag) {
                write!(f, "{separator}{name}")?;
                separator = " | ";
            }
        }
        if separator.is_empty() { f.write_str("(empty)") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_itself_and_no_other() {
        for (i, (flag, name)) in Ready::ALL.into_iter().enumerate() {
            assert_eq!(format!("{flag:?}"), name);
            for (j, (other, _)) in Ready::ALL.into_iter().enumerate() {
                assert_eq!(flag.contains(other), i == j);
            }
        }
    }

    #[test]
    fn sets_of_flags() {
        let mut ready = Ready::READABLE | Ready::WRITABLE;
        assert!(ready.contains(Ready::READABLE));
        assert!(!Ready::READABLE.contains(ready));
        ready |= Ready::HUP;
        assert_eq!(ready & Ready::HUP, Ready::HUP);
        assert!(!ready.is_empty() && (ready & Ready::ERROR).is_empty());
        assert!(ready.iter().eq([Ready::READABLE, Ready::WRITABLE, Ready::HUP]));
        let mut few = ready;
        few &= Ready::WRITABLE | Ready::ERROR;
        assert_eq!(few, Ready::WRITABLE);
        assert_eq!(format!("{ready:?}"), "READABLE | WRITABLE | HUP");
        assert_eq!(format!("{:?}", Ready::from_bits(0)), "(empty)");
    }
}
