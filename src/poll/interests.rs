use std::fmt;
use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign};

use crate::event::Ready;

/// What a handle is registered for.
///
/// Errors and hang-ups are reported whatever the interests.
///
/// # Pausing
///
/// A handle that is reregistered with [`NONE`](Interests::NONE) stays registered, and gives no event for what it
/// could read or write, until it is reregistered with others: then what is ready gives an event, also what became
/// so before. What a hang-up or an error does meanwhile is up to the system:
///
/// | system | while there are no interests |
/// |---|---|
/// | Linux, Android | It is reported, since epoll cannot be asked not to: by [`Edge`](crate::PollOption::Edge) and [`Oneshot`](crate::PollOption::Oneshot) once, by [`Level`](crate::PollOption::Level) by every poll, so that a loop which does not deregister spins. A peer that closes or shuts down a TCP connection is no hang-up. |
/// | macOS, iOS, the BSDs | Nothing is reported. |
///
/// # Examples
///
/// ```
/// use mio_st::poll::Interests;
///
/// let mut interests = Interests::READABLE | Interests::WRITABLE;
/// assert!(interests.is_readable() && interests.is_writable());
/// assert_eq!(interests, Interests::BOTH);
///
/// interests = interests.remove(Interests::WRITABLE);
/// assert_eq!(interests, Interests::READABLE);
/// interests |= Interests::PRIORITY;
/// assert_eq!(interests & Interests::BOTH, Interests::READABLE);
/// assert!(interests.remove(interests).is_empty());
/// ```
//
// The bits are those of `Ready`, which are epoll's.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[repr(transparent)]
pub struct Interests(u8);

impl Interests {
    /// No interest: the handle is paused.
    pub const NONE: Interests = Interests(0);

    /// Interest in reading, and in accepting.
    pub const READABLE: Interests = Interests::of(Ready::READABLE);

    /// Interest in writing, and in the end of connecting.
    pub const WRITABLE: Interests = Interests::of(Ready::WRITABLE);

    /// Interest in out-of-band data, which is reported as [`Ready::PRIORITY`], and on TCP never as
    /// `READABLE` alone. (A Unix stream is `READABLE` with it, whatever the interests.)
    ///
    /// # Platform differences
    ///
    /// Registering fails with `Unsupported` on FreeBSD and NetBSD, which have no `EVFILT_EXCEPT`.
    pub const PRIORITY: Interests = Interests::of(Ready::PRIORITY);

    /// Interest in reading and in writing.
    pub const BOTH: Interests = Interests(Interests::READABLE.0 | Interests::WRITABLE.0);

    const fn of(ready: Ready) -> Interests {
        Interests(ready.bits() as u8)
    }

    /// The interests with these bits, if they are known.
    #[inline]
    pub(crate) fn from_bits(bits: u32) -> Option<Interests> {
        let known = Interests::BOTH.bits() | Interests::PRIORITY.bits();
        (bits & !known == 0).then_some(Interests(bits as u8))
    }

    #[inline]
    pub(crate) const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are not in `other`.
    #[inline]
    #[must_use]
    pub const fn remove(self, other: Interests) -> Interests {
        Interests(self.0 & !other.0)
    }

    /// Whether [`READABLE`](Interests::READABLE) is in the set.
    #[inline]
    pub const fn is_readable(self) -> bool {
        self.bits() & Interests::READABLE.bits() != 0
    }

    /// Whether [`WRITABLE`](Interests::WRITABLE) is in the set.
    #[inline]
    pub const fn is_writable(self) -> bool {
        self.bits() & Interests::WRITABLE.bits() != 0
    }

    /// Whether [`PRIORITY`](Interests::PRIORITY) is in the set.
    #[inline]
    pub const fn is_priority(self) -> bool {
        self.bits() & Interests::PRIORITY.bits() != 0
    }
}

impl BitOr for Interests {
    type Output = Interests;

    #[inline]
    fn bitor(self, other: Interests) -> Interests {
        Interests(self.0 | other.0)
    }
}

impl BitOrAssign for Interests {
    #[inline]
    fn bitor_assign(&mut self, other: Interests) {
        self.0 |= other.0;
    }
}

impl BitAnd for Interests {
    type Output = Interests;

    #[inline]
    fn bitand(self, other: Interests) -> Interests {
        Interests(self.0 & other.0)
    }
}

impl BitAndAssign for Interests {
    #[inline]
    fn bitand_assign(&mut self, other: Interests) {
        self.0 &= other.0;
    }
}

impl fmt::Debug for Interests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ready::from_bits(self.bits()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_interests() {
        assert_eq!(Interests::BOTH, Interests::READABLE | Interests::WRITABLE);
        for (i, interests) in
            [Interests::READABLE, Interests::WRITABLE, Interests::PRIORITY].into_iter().enumerate()
        {
            assert_eq!(
                [interests.is_readable(), interests.is_writable(), interests.is_priority()],
                [i == 0, i == 1, i == 2]
            );
            assert_eq!(Interests::from_bits(interests.bits()), Some(interests));
        }
        assert_eq!(format!("{:?}", Interests::BOTH), "READABLE | WRITABLE");
        assert_eq!(format!("{:?}", Interests::NONE), "(empty)");
        assert_eq!(Interests::from_bits(0), Some(Interests::NONE));
    }

    #[test]
    fn interests_are_added_and_removed() {
        let mut interests = Interests::NONE;
        assert!(interests.is_empty());
        interests |= Interests::PRIORITY;
        interests |= Interests::BOTH;
        assert!(!interests.is_empty());
        assert_eq!(
            interests.remove(Interests::READABLE),
            Interests::WRITABLE | Interests::PRIORITY
        );
        assert_eq!(Interests::READABLE.remove(Interests::WRITABLE), Interests::READABLE);
        assert_eq!(Interests::READABLE & Interests::WRITABLE, Interests::NONE);
        interests &= Interests::BOTH;
        assert_eq!(interests, Interests::BOTH);
        assert_eq!(interests.remove(Interests::BOTH), Interests::NONE);
    }

    #[test]
    fn none_is_unknown() {
        for bits in [1 << 3, 1 << 8, 1 << 31, u32::MAX] {
            assert_eq!(Interests::from_bits(bits), None);
        }
    }
}
