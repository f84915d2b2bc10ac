//! The monotonic clock in nanoseconds: the clock of `Instant`, as a number.
//!
//! Deadlines are kept as `u64` nanoseconds, which lasts for 584 years after the clock's origin.

use std::hash::{Hash, Hasher};
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

// What std's `Instant` reads (library/std/src/sys/pal/unix/time.rs).
#[cfg(target_vendor = "apple")]
const CLOCK: libc::clockid_t = libc::CLOCK_UPTIME_RAW;
#[cfg(not(target_vendor = "apple"))]
const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;

/// Reads the clock. That fails where a program forbids it to itself.
#[inline]
pub(crate) fn monotonic() -> io::Result<u64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec.
    unsafe { syscall!(clock_gettime(CLOCK, &mut time))? };
    // The casts are for 32-bit targets; the monotonic clock is never negative.
    Ok((time.tv_sec as u64) * 1_000_000_000 + time.tv_nsec as u64)
}

/// Whether [`Reading`] tells an `Instant`'s nanoseconds. False until [`anchor`] has found out.
static IS_READ: AtomicBool = AtomicBool::new(false);

/// From so many seconds on the nanoseconds would overflow.
const LIMIT: u64 = u64::MAX / 1_000_000_000;

/// An `Instant` in nanoseconds, never early; one beyond what fits is the largest number.
#[inline]
pub(crate) fn nanos(instant: Instant) -> u64 {
    let reading = Reading::of(instant);
    if IS_READ.load(Ordering::Relaxed) && reading.seconds < LIMIT {
        reading.nanos()
    } else {
        measure(instant)
    }
}

/// As [`nanos`], by std's arithmetic, which is slow.
#[cold]
#[inline(never)]
fn measure(instant: Instant) -> u64 {
    let (anchor, origin) = anchor();
    match instant.checked_duration_since(anchor) {
        Some(later) => origin.saturating_add(duration(later)),
        None => origin.saturating_sub(duration(anchor - instant)),
    }
}

/// The inverse of [`nanos`].
pub(crate) fn instant(nanos: u64) -> Instant {
    let (anchor, origin) = anchor();
    match nanos.checked_sub(origin) {
        Some(later) => anchor + Duration::from_nanos(later),
        None => anchor - Duration::from_nanos(origin - nanos),
    }
}

/// The same moment as an `Instant` and in nanoseconds.
///
/// std does not tell the number inside an `Instant`. If [`Reading`] does not either, both are read, the
/// `Instant` first: what is converted comes out late by the time between the two reads, never early.
fn anchor() -> (Instant, u64) {
    static ANCHOR: OnceLock<(Instant, u64)> = OnceLock::new();
    *ANCHOR.get_or_init(|| {
        // The thread may be interrupted between the reads; the closest of a few pairs is taken.
        let (instant, nanos, is_between) = (0..8)
            .map(|_| {
                // As `Instant::now`, which panics.
                let before = monotonic().expect("a clock");
                let instant = Instant::now();
                let nanos = monotonic().expect("a clock");
                let read = Reading::of(instant).nanos();
                (instant.elapsed(), (instant, nanos, (before..=nanos).contains(&read)))
            })
            .min_by_key(|(apart, _)| *apart)
            .map(|(_, anchor)| anchor)
            .expect("the range is not empty");
        // The two units are told apart by a second and a nanosecond more.
        let read = Reading::of(instant).nanos();
        let more = |more| Reading::of(instant + more).nanos().wrapping_sub(read);
        let units = [Duration::from_secs(1), Duration::from_nanos(1)].map(more);
        if !is_between || units != [1_000_000_000, 1] {
            return (instant, nanos);
        }
        IS_READ.store(true, Ordering::Relaxed);
        (instant, read)
    })
}

/// What an `Instant` feeds to a hash: the seconds and the nanoseconds, if std's is as it is today, which
/// [`anchor`] finds out. This takes a few instructions, where to subtract two instants takes 60.
#[derive(Default)]
struct Reading {
    seconds: u64,
    nanos: u32,
}

impl Reading {
    #[inline]
    fn of(instant: Instant) -> Reading {
        let mut reading = Reading::default();
        instant.hash(&mut reading);
        reading
    }

    #[inline]
    fn nanos(&self) -> u64 {
        self.seconds.wrapping_mul(1_000_000_000).wrapping_add(self.nanos.into())
    }
}

impl Hasher for Reading {
    #[inline]
    fn write_i64(&mut self, seconds: i64) {
        self.seconds = seconds as u64;
    }

    #[inline]
    fn write_u32(&mut self, nanos: u32) {
        self.nanos = nanos;
    }

    /// Anything else: it is not known what.
    fn write(&mut self, _: &[u8]) {
        self.seconds = u64::MAX;
    }

    fn finish(&self) -> u64 {
        self.nanos()
    }
}

/// A `Duration` in nanoseconds; one beyond 584 years is the largest number.
#[inline]
pub(crate) fn duration(duration: Duration) -> u64 {
    // `as_nanos` has 128 bits: a multiplication and a comparison are quicker.
    duration
        .as_secs()
        .checked_mul(1_000_000_000)
        .and_then(|nanos| nanos.checked_add(duration.subsec_nanos().into()))
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_never_converted_to_something_earlier() {
        for _ in 0..1000 {
            let before = monotonic().unwrap();
            let now = Instant::now();
            assert!(nanos(now) >= before);
            assert_eq!(instant(nanos(now)), now);
        }
    }

    /// Otherwise the conversion is right, but slow.
    #[test]
    fn std_is_read_as_it_is_today() {
        anchor();
        assert!(IS_READ.load(Ordering::Relaxed));
    }

    #[test]
    fn the_two_conversions_agree() {
        let now = Instant::now();
        for more in [0, 1, 999_999_999, 1_000_000_000, 123_456_789_012, 1 << 60] {
            let later = now + Duration::from_nanos(more);
            assert_eq!(nanos(later), measure(later));
            assert_eq!(nanos(later), nanos(now) + more);
            if let Some(earlier) = now.checked_sub(Duration::from_nanos(more)) {
                assert_eq!(nanos(earlier), measure(earlier));
            }
        }
    }

    #[test]
    fn conversions_saturate() {
        let now = Instant::now();
        let centuries = Duration::from_secs(500 * 365 * 86_400);
        assert_eq!(nanos(now + centuries) - nanos(now), duration(centuries));
        assert_eq!(nanos(now + 2 * centuries), u64::MAX);
        assert_eq!(duration(Duration::MAX), u64::MAX);
        if let Some(past) = now.checked_sub(centuries) {
            assert_eq!(nanos(past), 0);
        }
    }
}
