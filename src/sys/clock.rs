//! The monotonic clock in nanoseconds: the clock of `Instant`, as a number.
//!
//! Deadlines are kept as `u64` nanoseconds, which lasts for 584 years after the clock's origin.

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

/// The same moment as an `Instant` and in nanoseconds.
///
/// std does not tell the number inside an `Instant`, so both are read, the `Instant` first: what is
/// converted comes out late by the time between the two reads, never early.
fn anchor() -> (Instant, u64) {
    static ANCHOR: OnceLock<(Instant, u64)> = OnceLock::new();
    *ANCHOR.get_or_init(|| {
        // The thread may be interrupted between the reads; the closest of a few pairs is taken.
        (0..8)
            .map(|_| {
                let instant = Instant::now();
                // As the line above, which panics.
                let nanos = monotonic().expect("a clock");
                (instant.elapsed(), (instant, nanos))
            })
            .min_by_key(|(apart, _)| *apart)
            .map(|(_, pair)| pair)
            .expect("the range is not empty")
    })
}

/// An `Instant` in nanoseconds, never early; one beyond what fits is the largest number.
pub(crate) fn nanos(instant: Instant) -> u64 {
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

/// A `Duration` in nanoseconds; one beyond 584 years is the largest number.
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
            let instant = Instant::now();
            assert!(nanos(instant) >= before);
            assert_eq!(super::instant(nanos(instant)), instant);
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
