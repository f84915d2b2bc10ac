//! Deadlines at the poller. The structure behind them has its own tests, against a model, in
//! `src/deadlines`.

mod differences;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use mio_st::event::Event;
use mio_st::poll::{DeadlineKey, Interests};
use mio_st::unix::EventedFd;
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

use differences::differs;

/// Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);
const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

fn poll(poller: &mut Poller, timeout: Option<Duration>) -> Vec<Event> {
    let mut events = Events::new();
    poller.poll(&mut events, timeout).unwrap();
    events.iter().collect()
}

fn timer(id: usize) -> Event {
    Event::new(EventedId(id), Ready::TIMER)
}

/// What comes without waiting.
fn expired(poller: &mut Poller) -> Vec<Event> {
    poll(poller, Some(Duration::ZERO))
}

// Behaviour 18
#[test]
fn what_is_due_behind_many_that_were_not_filed_comes_with_one_of_the_next_polls() {
    const N: usize = 20_000;
    let start = Instant::now() - Duration::from_secs(1);
    let add_all = |poller: &mut Poller| {
        for id in 0..N {
            poller.add_deadline(EventedId(id), start - Duration::from_nanos(id as u64));
        }
    };
    let mut poller = Poller::new().unwrap();
    let mut events = Events::with_capacity(N);
    add_all(&mut poller);
    let mut polls = 0;
    let mut seen = Vec::new();
    while seen.len() < N {
        poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
        seen.extend(events.iter().map(|event| event.id().0));
        polls += 1;
    }
    assert!(polls <= 4 * N.div_ceil(4_096), "{polls} polls");
    assert!(seen.into_iter().eq((0..N).rev()));
    // One that waits goes on until it has something.
    add_all(&mut poller);
    poller.poll(&mut events, None).unwrap();
    assert_eq!(events.iter().next(), Some(timer(N - 1)));
}

// Behaviour 18
#[test]
fn a_deadline_is_never_early() {
    for slack in [Duration::ZERO, Duration::from_micros(100), Duration::from_secs(1)] {
        let mut poller = Poller::new().unwrap();
        poller.set_deadline_slack(slack);
        // Odd numbers of nanoseconds, across the range where a wait in milliseconds would be early.
        for i in 0..60 {
            let deadline = Instant::now() + Duration::from_nanos(1 + i * i * 1_501);
            poller.add_deadline(EventedId(7), deadline);
            assert_eq!(poll(&mut poller, None), [timer(7)]);
            assert!(Instant::now() >= deadline);
        }
    }
}

// Behaviour 18
#[test]
fn a_timeout_of_200_microseconds_takes_neither_none_nor_a_millisecond() {
    let mut poller = Poller::new().unwrap();
    let timeout = Duration::from_micros(200);
    let mut wait = || {
        let start = Instant::now();
        poller.add_timeout(EventedId(0), timeout);
        assert_eq!(poll(&mut poller, None).len(), 1);
        let took = start.elapsed();
        assert!(took >= timeout, "{took:?}");
        took
    };
    let mut took: Vec<Duration> = (0..50).map(|_| wait()).collect();
    took.sort_unstable();
    if differs("ticks") {
        // Half of them: a loaded machine lets some pass before the poll, which then does not wait.
        assert!(cfg!(not(kqueue_simulated)) || took[25] >= Duration::from_millis(20));
        return;
    }
    // The shortest of many: a loaded machine makes some of them late, not all.
    let mut shortest = took[0];
    let end = Instant::now() + PATIENCE;
    while shortest >= Duration::from_micros(900) {
        assert!(Instant::now() < end, "{shortest:?}");
        shortest = wait();
    }
}

// Behaviour 18
#[test]
fn a_long_wait_is_not_late_by_a_part_of_it() {
    let mut poller = Poller::new().unwrap();
    let timeout = Duration::from_millis(800);
    // The least of many: a loaded machine makes some of them late, not all.
    let late = (0..25).map(|_| {
        let deadline = Instant::now() + timeout;
        poller.add_deadline(EventedId(0), deadline);
        assert_eq!(poll(&mut poller, None).len(), 1);
        deadline.elapsed()
    });
    // FreeBSD's kernel takes a sixteenth. Where time goes by ticks, there is one of 10 ms and one more.
    assert!({ late }.any(|late| late < timeout / 20), "later than a part of the wait");
}

/// How often this thread has slept.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn sleeps() -> libc::c_long {
    // SAFETY: all-zero is a valid rusage, and the pointer is to one.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, &mut usage), 0);
        usage.ru_nvcsw
    }
}

// Behaviour 18
#[test]
#[cfg(any(target_os = "linux", target_os = "android"))] // Where a thread can be asked how often it slept.
fn neighbours_within_the_slack_share_a_wake_up() {
    let mut poller = Poller::new().unwrap();
    let mut events = Events::with_capacity(1000);
    // At 250 ms the slack is the cap of 2^20 ns: 1,000 deadlines over one of them need two wake-ups at most. A
    // poll that comes after the time of some more hands these out, and does not sleep.
    let mut wakeups = || {
        let start = Instant::now() + Duration::from_millis(250);
        for i in 0..1000 {
            poller.add_deadline(EventedId(i), start + Duration::from_nanos(1048 * i as u64));
        }
        let before = sleeps();
        let mut fired = 0;
        while fired < 1000 {
            poller.poll(&mut events, None).unwrap();
            fired += events.len();
        }
        let wakeups = sleeps() - before;
        assert!(Instant::now() >= start + Duration::from_nanos(1048 * 999));
        wakeups
    };
    // The least of many: a thread also sleeps where the system waits for something else, such as memory.
    assert!((0..25).any(|_| wakeups() <= 2), "more than two wake-ups");
}

// Behaviour 18
#[test]
fn a_cancelled_deadline_wakes_nobody() {
    let mut poller = Poller::new().unwrap();
    let key = poller.add_timeout(EventedId(0), Duration::from_millis(1));
    assert!(poller.cancel_deadline(key));
    assert_eq!(poller.next_wakeup(), None);
    let start = Instant::now();
    let timeout = Duration::from_millis(20);
    assert_eq!(poll(&mut poller, Some(timeout)), []);
    assert!(start.elapsed() >= timeout);
}

// Behaviour 19
#[test]
fn deadlines_come_in_order_of_time_then_in_the_order_in_which_they_were_added_or_moved() {
    let mut poller = Poller::new().unwrap();
    poller.set_deadline_slack(Duration::ZERO);
    let past = Instant::now() - Duration::from_millis(10);
    let later = past + Duration::from_millis(1);
    poller.add_deadline(EventedId(0), later);
    let moved = poller.add_deadline(EventedId(1), past);
    poller.add_deadline(EventedId(2), past);
    poller.add_deadline(EventedId(3), past);
    assert!(poller.move_deadline(moved, later));
    assert!(poller.move_deadline(moved, past));
    assert_eq!(expired(&mut poller), [timer(2), timer(3), timer(1), timer(0)]);
}

// Behaviour 19
#[test]
fn deadlines_of_different_slack_come_in_the_order_of_their_own_times() {
    let mut poller = Poller::new().unwrap();
    let now = poller.now();
    // The earlier its time, the later it would be rounded to.
    for id in 0..20_u64 {
        poller.set_deadline_slack(Duration::from_nanos(1 << (20 - id)));
        poller.add_deadline(EventedId(id as usize), now + Duration::from_nanos(20_000_000 + id));
    }
    thread::sleep(Duration::from_millis(20) + Duration::from_nanos(20));
    let all: Vec<_> = (0..20).map(timer).collect();
    assert_eq!(expired(&mut poller), all);
}

// Behaviour 19
#[test]
fn changing_the_slack_affects_what_is_added_or_moved_later() {
    let mut poller = Poller::new().unwrap();
    poller.set_deadline_slack(Duration::from_secs(1));
    let deadline = Instant::now() + Duration::from_secs(3600);
    let key = poller.add_deadline(EventedId(0), deadline);
    poller.set_deadline_slack(Duration::ZERO);
    // Still filed with the old slack, up to 2^29 ns late; moving it files it exactly.
    assert!(Instant::now() + poller.next_wakeup().unwrap() >= deadline);
    assert!(poller.move_deadline(key, deadline));
    let before = Instant::now();
    let wakeup = poller.next_wakeup().unwrap();
    assert!(Instant::now() + wakeup >= deadline);
    assert!(before + wakeup < deadline + Duration::from_millis(1));
}

// Behaviour 20
#[test]
fn deadlines_in_the_past_now_and_in_centuries() {
    let mut poller = Poller::new().unwrap();
    let now = Instant::now();
    let far = poller.add_deadline(EventedId(0), now + 5 * CENTURY);
    assert_eq!(expired(&mut poller), []);
    let wakeup = poller.next_wakeup().unwrap();
    assert!(wakeup > 4 * CENTURY && wakeup <= 5 * CENTURY + Duration::from_millis(2), "{wakeup:?}");
    poller.add_timeout(EventedId(1), Duration::MAX);
    poller.add_interval(EventedId(2), Duration::MAX, Duration::MAX);
    poller.add_deadline(EventedId(3), now);
    poller.add_timeout(EventedId(4), Duration::ZERO);
    if let Some(past) = now.checked_sub(Duration::from_secs(1)) {
        poller.add_deadline(EventedId(5), past);
        assert_eq!(expired(&mut poller), [timer(5), timer(3), timer(4)]);
    }
    assert_eq!(expired(&mut poller), []);
    assert!(poller.cancel_deadline(far));
}

// Behaviour 20
#[test]
fn an_interval_that_falls_behind_fires_once_and_keeps_its_phase() {
    let mut poller = Poller::new().unwrap();
    poller.set_deadline_slack(Duration::ZERO);
    let period = Duration::from_millis(4);
    let start = Instant::now();
    let key = poller.add_interval(EventedId(0), period, period);
    let added = Instant::now();
    for _ in 0..3 {
        assert_eq!(poll(&mut poller, None), [timer(0)]);
    }
    assert!(start.elapsed() >= 3 * period);
    // The loop stalls; there is nothing to wait for.
    thread::sleep(10 * period);
    assert_eq!(expired(&mut poller), [timer(0)]);
    let (before, wakeup) = loop {
        let before = Instant::now();
        let wakeup = poller.next_wakeup().unwrap();
        if !wakeup.is_zero() {
            break (before, wakeup);
        }
        // The next one was due by then.
        assert_eq!(expired(&mut poller), [timer(0)]);
    };
    assert!(wakeup <= period);
    // In phase: a whole number of periods after it was added, which was between `start` and `added`.
    let earliest = (before + wakeup - added).as_nanos();
    let latest = (Instant::now() + wakeup - start).as_nanos();
    let period = period.as_nanos();
    assert!(latest / period * period >= earliest, "{earliest} to {latest} ns");
    assert!(poller.cancel_deadline(key));
    assert!(!poller.cancel_deadline(key));
    assert_eq!(poller.next_wakeup(), None);
}

// Behaviour 20
#[test]
fn a_period_of_zero_does_not_hang() {
    let mut poller = Poller::new().unwrap();
    let key = poller.add_interval(EventedId(0), Duration::ZERO, Duration::ZERO);
    for _ in 0..3 {
        assert_eq!(poll(&mut poller, None), [timer(0)]);
    }
    assert!(poller.cancel_deadline(key));
}

// Behaviour 21
#[test]
fn a_moved_deadline_fires_at_its_new_time_only() {
    let mut poller = Poller::new().unwrap();
    let soon = Instant::now() + Duration::from_millis(2);
    let later = soon + Duration::from_millis(20);
    let key = poller.add_deadline(EventedId(0), soon);
    assert!(poller.move_deadline(key, later));
    assert_eq!(poll(&mut poller, None), [timer(0)]);
    assert!(Instant::now() >= later);

    let key = poller.add_timeout(EventedId(1), CENTURY);
    let sooner = Instant::now() + Duration::from_millis(2);
    assert!(poller.move_deadline(key, sooner));
    assert_eq!(poll(&mut poller, None), [timer(1)]);
    assert!(Instant::now() >= sooner);
    assert_eq!(poller.next_wakeup(), None);
}

// Behaviour 21
#[test]
fn a_deadline_is_moved_or_if_there_is_none_added() {
    let mut poller = Poller::new().unwrap();
    let soon = Duration::from_millis(2);
    let key = poller.add_timeout(EventedId(1), CENTURY);
    assert_eq!(poller.move_or_add_timeout(key, EventedId(2), soon), key);
    // It keeps its id.
    assert_eq!(poll(&mut poller, Some(CENTURY)), [timer(1)]);
    // It has fired.
    let added = poller.move_or_add_timeout(key, EventedId(2), CENTURY);
    assert_ne!(added, key);
    assert_eq!(poller.move_or_add_deadline(added, EventedId(3), Instant::now()), added);
    assert_eq!(expired(&mut poller), [timer(2)]);
    let again = poller.move_or_add_deadline(added, EventedId(3), Instant::now() + CENTURY);
    assert!(poller.cancel_deadline(again));
    assert_ne!(poller.move_or_add_deadline(again, EventedId(4), Instant::now()), again);
    assert_eq!(expired(&mut poller), [timer(4)]);
    assert_eq!(poller.next_wakeup(), None);
}

// Behaviours 21 and 23
#[test]
fn a_deadline_is_moved_by_a_timeout_that_counts_from_now() {
    let mut poller = Poller::new().unwrap();
    poller.set_deadline_slack(Duration::ZERO);
    let key = poller.add_timeout(EventedId(1), CENTURY);
    assert!(expired(&mut poller).is_empty());
    let timeout = Duration::from_millis(5);
    thread::sleep(2 * timeout);
    let start = Instant::now();
    assert!(poller.move_timeout(key, timeout));
    assert_eq!(poll(&mut poller, Some(CENTURY)), [timer(1)]);
    assert!(start.elapsed() >= timeout);
    assert!(!poller.move_timeout(key, timeout));

    let interval = poller.add_interval(EventedId(2), CENTURY, CENTURY);
    assert!(poller.move_timeout(interval, Duration::ZERO));
    assert_eq!(expired(&mut poller), [timer(2)]);
    assert!(poller.move_timeout(interval, Duration::MAX));
    assert!(expired(&mut poller).is_empty());
}

// Behaviour 21
#[test]
fn a_deadline_cancelled_while_it_waits_for_room_never_fires() {
    let mut poller = Poller::new().unwrap();
    let past = Instant::now() - Duration::from_millis(1);
    let keys: Vec<DeadlineKey> =
        (0..3).map(|id| poller.add_deadline(EventedId(id), past)).collect();
    let mut events = Events::with_capacity(1);
    poller.poll(&mut events, None).unwrap();
    assert_eq!((&mut events).next(), Some(timer(0)));
    assert!(!poller.cancel_deadline(keys[0]), "it has fired");
    assert!(poller.cancel_deadline(keys[1]));
    poller.poll(&mut events, None).unwrap();
    assert_eq!((&mut events).next(), Some(timer(2)));
    assert_eq!(expired(&mut poller), []);
}

// Behaviour 21
#[test]
fn a_key_that_fired_was_cancelled_or_is_another_pollers_is_answered_false() {
    let mut poller = Poller::new().unwrap();
    let mut other = Poller::new().unwrap();
    let theirs = other.add_timeout(EventedId(0), CENTURY);
    let fired = poller.add_timeout(EventedId(0), Duration::ZERO);
    let cancelled = poller.add_timeout(EventedId(0), CENTURY);
    assert!(poller.cancel_deadline(cancelled));
    assert_eq!(expired(&mut poller), [timer(0)]);
    // The slots are taken again and again: the old keys stay void.
    for _ in 0..100 {
        let key = poller.add_timeout(EventedId(1), CENTURY);
        for void in [theirs, fired, cancelled] {
            assert_ne!(void, key);
            assert!(!poller.cancel_deadline(void));
            assert!(!poller.move_deadline(void, Instant::now()));
        }
        assert!(poller.cancel_deadline(key));
    }
    assert!(other.cancel_deadline(theirs));
}

#[test]
fn remove_deadline_removes_the_earliest_of_the_id() {
    let mut poller = Poller::new().unwrap();
    let now = Instant::now();
    let later = poller.add_deadline(EventedId(0), now + CENTURY);
    let sooner = poller.add_deadline(EventedId(0), now);
    let other = poller.add_deadline(EventedId(1), now - Duration::from_millis(1));
    poller.remove_deadline(EventedId(0));
    assert!(!poller.cancel_deadline(sooner));
    assert!(poller.cancel_deadline(later));
    poller.remove_deadline(EventedId(2));
    assert!(poller.cancel_deadline(other));
}

// Behaviour 23
#[test]
fn readiness_and_a_deadline_at_once_both_arrive() {
    let (mut a, b) = UnixStream::pair().unwrap();
    let mut poller = Poller::new().unwrap();
    poller
        .register(&mut EventedFd::new(&b), EventedId(0), Interests::READABLE, PollOption::Edge)
        .unwrap();
    a.write_all(b"x").unwrap();
    poller.add_timeout(EventedId(1), Duration::ZERO);
    let mut ids: Vec<usize> = Vec::new();
    while ids.len() < 2 {
        ids.extend(poll(&mut poller, Some(Duration::from_secs(10))).iter().map(|e| e.id().0));
    }
    ids.sort_unstable();
    assert_eq!(ids, [0, 1]);
    assert_eq!(expired(&mut poller), []);
}

// Behaviour 23
#[test]
fn a_timeout_counts_from_now_and_not_from_the_last_poll() {
    let mut poller = Poller::new().unwrap();
    poller.add_timeout(EventedId(0), Duration::ZERO);
    assert_eq!(expired(&mut poller), [timer(0)]);
    thread::sleep(Duration::from_millis(20));
    let timeout = Duration::from_millis(10);
    let start = Instant::now();
    poller.add_timeout(EventedId(1), timeout);
    assert_eq!(poll(&mut poller, None), [timer(1)]);
    assert!(start.elapsed() >= timeout);
}

#[test]
fn next_wakeup_is_the_time_to_the_next_event_that_is_known() {
    let mut poller = Poller::new().unwrap();
    assert_eq!(poller.next_wakeup(), None);
    let hour = Duration::from_secs(3600);
    let key = poller.add_timeout(EventedId(0), hour);
    let wakeup = poller.next_wakeup().unwrap();
    assert!(wakeup > hour - Duration::from_secs(60) && wakeup <= hour + Duration::from_millis(2));
    // Not the old time of one that was moved.
    assert!(poller.move_deadline(key, Instant::now() + 2 * hour));
    assert!(poller.next_wakeup().unwrap() > hour + hour / 2);
    poller.notify(EventedId(1), Ready::READABLE);
    assert_eq!(poller.next_wakeup(), Some(Duration::ZERO));
    assert_eq!(expired(&mut poller).len(), 1);
    assert!(poller.next_wakeup().unwrap() > hour + hour / 2);
}

#[test]
fn now_is_the_time_of_the_last_poll() {
    let mut poller = Poller::new().unwrap();
    let before = Instant::now();
    poller.add_timeout(EventedId(0), Duration::from_millis(1));
    assert_eq!(poll(&mut poller, None).len(), 1);
    let now = poller.now();
    assert!(now >= before + Duration::from_millis(1) && now <= Instant::now());
    assert_eq!(poller.now(), now);
    // This poll needs no time: it is read when asked for, once.
    assert_eq!(expired(&mut poller), []);
    let asked = Instant::now();
    let now = poller.now();
    assert!(now + Duration::from_millis(1) >= asked);
    assert_eq!(poller.now(), now);
}

// Behaviours 17 and 20. With room for just one interval, and before a poll has filed it.
#[test]
fn a_cancelled_interval_leaves_its_room_to_others() {
    let mut poller = Poller::with_capacity(2, 0).unwrap();
    for _ in 0..100 {
        let key =
            poller.add_interval(EventedId(0), Duration::from_secs(60), Duration::from_secs(1));
        assert!(poller.cancel_deadline(key));
    }
    let interval =
        poller.add_interval(EventedId(1), Duration::from_secs(60), Duration::from_secs(1));
    poller.add_timeout(EventedId(2), Duration::from_millis(1));
    assert_eq!(poll(&mut poller, Some(Duration::from_secs(60))).len(), 1);
    assert!(poller.cancel_deadline(interval));
    assert_eq!(poller.next_wakeup(), None);
}
