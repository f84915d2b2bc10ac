//! The monotonic clock in nanoseconds: the clock of `Instant`, as a number.
//!
//! Deadlines are kept as `u64` nanoseconds, which lasts for 584 years after the clock's origin.

use std::hash::{Hash, Hasher};
use std::io;
use std::sync::OnceLock;
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

/// Converts between `Instant`s and nanoseconds.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Instants {
    /// The same moment as an `Instant` and in nanoseconds.
    ///
    /// std does not tell the number inside an `Instant`, so both are read, the `Instant` first: what is
    /// converted comes out late by the time between the two reads, never early.
    anchor: (Instant, u64),
    /// Of how many seconds on [`Reading`] tells nothing, or would overflow. Zero if it never does.
    seconds: u64,
}

impl Instants {
    pub(crate) fn new() -> Instants {
        static INSTANTS: OnceLock<Instants> = OnceLock::new();
        *INSTANTS.get_or_init(|| {
            // The thread may be interrupted between the reads; the closest of a few pairs is taken.
            let (anchor, is_read) = (0..8)
                .map(|_| {
                    // As `Instant::now`, which panics.
                    let before = monotonic().expect("a clock");
                    let instant = Instant::now();
                    let nanos = monotonic().expect("a clock");
                    let read = Reading::of(instant).nanos();
                    (instant.elapsed(), (instant, nanos), (before..=nanos).contains(&read))
                })
                .min_by_key(|(apart, ..)| *apart)
                .map(|(_, anchor, is_read)| (anchor, is_read))
                .expect("the range is not empty");
            // The two units are told apart by a second and a nanosecond more.
            let more = |more| Reading::of(anchor.0 + more).nanos();
            let [one, second, nano] =
                [Duration::ZERO, Duration::from_secs(1), Duration::from_nanos(1)].map(more);
            let adds = second.wrapping_sub(one) == 1_000_000_000 && nano.wrapping_sub(one) == 1;
            if is_read && adds {
                Instants { anchor: (anchor.0, one), seconds: u64::MAX / 1_000_000_000 }
            } else {
                Instants { anchor, seconds: 0 }
            }
        })
    }

    /// An `Instant` in nanoseconds, never early; one beyond what fits is the largest number.
    #[inline]
    pub(crate) fn nanos(&self, instant: Instant) -> u64 {
        let reading = Reading::of(instant);
        if reading.seconds < self.seconds { reading.nanos() } else { self.measure(instant) }
    }

    /// As [`nanos`](Instants::nanos), by std's arithmetic, which is slow.
    #[cold]
    #[inline(never)]
    fn measure(&self, instant: Instant) -> u64 {
        let (anchor, origin) = self.anchor;
        match instant.checked_duration_since(anchor) {
            Some(later) => origin.saturating_add(duration(later)),
            None => origin.saturating_sub(duration(anchor - instant)),
        }
    }

    /// The inverse of [`nanos`](Instants::nanos).
    pub(crate) fn instant(&self, nanos: u64) -> Instant {
        let (anchor, origin) = self.anchor;
        match nanos.checked_sub(origin) {
            Some(later) => anchor + Duration::from_nanos(later),
            None => anchor - Duration::from_nanos(origin - nanos),
        }
    }
}

/// What an `Instant` feeds to a hash: the seconds and the nanoseconds, if std's is as it is today, which
/// [`Instants::new`] finds out. This takes a few instructions, where to subtract two instants takes 60.
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
        let instants = Instants::new();
        for instants in [instants, Instants { seconds: 0, ..instants }] {
            for _ in 0..1000 {
                let before = monotonic().unwrap();
                let instant = Instant::now();
                assert!(instants.nanos(instant) >= before);
                assert_eq!(instants.instant(instants.nanos(instant)), instant);
            }
        }
    }

    /// Otherwise the conversion is right, but slow.
    #[test]
    fn std_is_read_as_it_is_today() {
        assert_ne!(Instants::new().seconds, 0);
    }

    #[test]
    fn the_two_conversions_agree() {
        let instants = Instants::new();
        let now = Instant::now();
        for nanos in [0, 1, 999_999_999, 1_000_000_000, 123_456_789_012, 1 << 60] {
            let later = now + Duration::from_nanos(nanos);
            assert_eq!(instants.nanos(later), instants.measure(later));
            assert_eq!(instants.nanos(later), instants.nanos(now) + nanos);
            if let Some(earlier) = now.checked_sub(Duration::from_nanos(nanos)) {
                assert_eq!(instants.nanos(earlier), instants.measure(earlier));
            }
        }
    }

    #[test]
    fn conversions_saturate() {
        let (instants, now) = (Instants::new(), Instant::now());
        let centuries = Duration::from_secs(500 * 365 * 86_400);
        assert_eq!(instants.nanos(now + centuries) - instants.nanos(now), duration(centuries));
        assert_eq!(instants.nanos(now + 2 * centuries), u64::MAX);
        assert_eq!(duration(Duration::MAX), u64::MAX);
        if let Some(past) = now.checked_sub(centuries) {
            assert_eq!(instants.nanos(past), 0);
        }
    }
}
