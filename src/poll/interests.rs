use std::fmt;
use std::num::NonZeroU8;
use std::ops::BitOr;

use crate::event::Ready;

/// What a handle is registered for; never empty.
///
/// Errors and hang-ups are reported whatever the interests.
///
/// # Examples
///
/// ```
/// use mio_st::poll::Interests;
///
/// let both = Interests::READABLE | Interests::WRITABLE;
/// assert!(both.is_readable() && both.is_writable());
/// ```
//
// The bits are those of `Ready`, which are epoll's.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[repr(transparent)]
pub struct Interests(NonZeroU8);

impl Interests {
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

    pub(crate) const BOTH: Interests =
        Interests(NonZeroU8::new((Ready::READABLE.bits() | Ready::WRITABLE.bits()) as u8).unwrap());

    const fn of(ready: Ready) -> Interests {
        Interests(NonZeroU8::new(ready.bits() as u8).unwrap())
    }

    /// The interests with these bits, if they are some of the known ones and at least one.
    #[inline]
    pub(crate) fn from_bits(bits: u32) -> Option<Interests> {
        let known = Interests::BOTH.bits() | Interests::PRIORITY.bits();
        if bits & !known != 0 { None } else { NonZeroU8::new(bits as u8).map(Interests) }
    }

    #[inline]
    pub(crate) const fn bits(self) -> u32 {
        self.0.get() as u32
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
    }

    #[test]
    fn neither_empty_nor_unknown() {
        for bits in [0, 1 << 3, 1 << 8, 1 << 31, u32::MAX] {
            assert_eq!(Interests::from_bits(bits), None);
        }
    }
}
