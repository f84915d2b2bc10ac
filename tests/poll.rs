//! Polling: timeouts, signals, and events that do not fit.

mod differences;
mod unix_support;

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use mio_st::event::Event;
use mio_st::poll::{Awakener, Interests};
use mio_st::unix::EventedFd;
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

use differences::differs;
use unix_support::{LONG, kind};

const R: Interests = Interests::READABLE;
const ZERO: Option<Duration> = Some(Duration::ZERO);
const DAY: Duration = Duration::from_secs(86_400);

thread_local! {
    static CLOCK_READS: Cell<usize> = const { Cell::new(0) };
}

/// Takes the place of libc's, to count.
// SAFETY: it has the signature of libc's, and does the same.
#[unsafe(no_mangle)]
#[cfg(target_os = "linux")]
extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
    let _ = CLOCK_READS.try_with(|reads| reads.set(reads.get() + 1));
    // SAFETY: the caller's pointer is passed on.
    unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) as libc::c_int }
}

fn clock_reads(body: impl FnOnce()) -> usize {
    let before = CLOCK_READS.get();
    body();
    CLOCK_READS.get() - before
}

fn readable_pair() -> (UnixStream, UnixStream) {
    let (ours, peer) = UnixStream::pair().unwrap();
    (&peer).write_all(b"x").unwrap();
    (ours, peer)
}

// Behaviour 12
#[test]
#[cfg(target_os = "linux")]
fn no_clock_is_read_without_deadlines_and_timeouts() {
    let (ours, _peer) = readable_pair();
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(&mut EventedFd::new(&ours), EventedId(1), R, PollOption::Level).unwrap();
    let awakener = Awakener::new(&mut poller, EventedId(2)).unwrap();
    for round in 0..3 {
        let reads = clock_reads(|| {
            for timeout in [None, ZERO] {
                awakener.wake().unwrap();
                poller.poll(&mut events, timeout).unwrap();
                assert_eq!(events.len(), 2);
                poller.notify(EventedId(3), Ready::READABLE);
                poller.poll(&mut events, timeout).unwrap();
                assert_eq!(events.len(), 2);
                poller.notify(EventedId(3), Ready::READABLE);
                poller.poll_userspace(&mut events);
                assert_eq!(events.len(), 1);
            }
        });
        assert_eq!(reads, 0, "round {round}");
        // Asking for the time makes one read, and polls after it none.
        assert_eq!(clock_reads(|| assert_eq!(poller.now(), poller.now())), 1);
    }
    // The count is true.
    assert_ne!(clock_reads(|| poller.poll(&mut events, Some(LONG)).unwrap()), 0);
    poller.add_timeout(EventedId(4), LONG);
    assert_ne!(clock_reads(|| poller.poll(&mut events, None).unwrap()), 0);
}

// Behaviour 13
#[test]
fn a_zero_timeout_returns_at_once_with_what_there_is() {
    let (ours, peer) = UnixStream::pair().unwrap();
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(&mut EventedFd::new(&ours), EventedId(1), R, PollOption::Level).unwrap();
    // At some time the machine is not so busy: a sleep of the least amount is 50 µs.
    let end = Instant::now() + LONG;
    loop {
        let start = Instant::now();
        poller.poll(&mut events, ZERO).unwrap();
        assert!(events.is_empty());
        if start.elapsed() < Duration::from_micros(40) {
            break;
        }
        assert!(Instant::now() < end, "each of many takes more than 40 µs");
    }
    (&peer).write_all(b"x").unwrap();
    poller.poll(&mut events, ZERO).unwrap();
    assert_eq!(events.len(), 1);
}

// Behaviour 13
#[test]
fn timeouts_are_never_early_and_200_microseconds_are_not_a_millisecond() {
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    for nanos in [1, 999, 50_000, 200_000, 999_999, 1_000_000, 1_000_001, 3_141_592, 20_000_000] {
        let timeout = Duration::from_nanos(nanos);
        let mut wait = || {
            let start = Instant::now();
            poller.poll(&mut events, Some(timeout)).unwrap();
            let waited = start.elapsed();
            assert!(waited >= timeout, "{waited:?} instead of {timeout:?}");
            waited
        };
        let mut shortest = (0..20).map(|_| wait()).min().unwrap();
        if timeout <= Duration::from_micros(200) && differs("ticks") {
            assert!(cfg!(not(kqueue_simulated)) || shortest >= Duration::from_millis(20));
        } else if timeout <= Duration::from_micros(200) {
            // The shortest of many: a loaded machine makes some of them late, not all.
            let end = Instant::now() + LONG;
            while shortest >= Duration::from_micros(900) {
                assert!(Instant::now() < end, "{shortest:?} instead of {timeout:?}");
                shortest = wait();
            }
        }
    }
}

// Behaviour 13
#[test]
fn long_timeouts_do_not_overflow() {
    let wait = |poller: &mut Poller, timeout| {
        let awakener = Awakener::new(poller, EventedId(9)).unwrap();
        let waker = thread::spawn(move || {
            // Long enough for a poll that does not wait to return without the event.
            thread::sleep(Duration::from_millis(20));
            awakener.wake().unwrap();
        });
        let mut events = Events::new();
        poller.poll(&mut events, timeout).unwrap();
        assert_eq!(next_id(&mut events), Some(9), "{timeout:?}");
        waker.join().unwrap();
    };
    for timeout in [
        Duration::MAX,
        Duration::from_nanos(u64::MAX),
        Duration::from_nanos(1 << 50),
        Duration::from_nanos((1 << 50) + 1),
        // Around the limit of `epoll_wait(2)`.
        Duration::from_millis(i32::MAX as u64),
        Duration::from_millis(i32::MAX as u64 + 1),
        Duration::from_millis(u32::MAX as u64 + 1),
        25 * DAY,
        25 * DAY + Duration::from_nanos(1),
        50 * 365 * DAY,
    ] {
        let mut poller = Poller::new().unwrap();
        wait(&mut poller, Some(timeout));
        // With a deadline in as long, and no timeout.
        if let Some(deadline) = Instant::now().checked_add(timeout) {
            poller.add_deadline(EventedId(1), deadline);
        }
        poller.add_timeout(EventedId(1), timeout);
        wait(&mut poller, None);
    }
}

fn next_id(mut events: &mut Events) -> Option<usize> {
    events.next().map(|event| event.id().0)
}

static HANDLED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count_signal(_: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// A handler without SA_RESTART.
fn handle_sigurg() {
    // SAFETY: all-zero is a valid sigaction: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = count_signal as *const () as usize;
    // SAFETY: the handler only adds to an atomic.
    let result = unsafe { libc::sigaction(libc::SIGURG, &action, std::ptr::null_mut()) };
    assert_eq!(result, 0);
}

/// Runs `wait` in a thread while that is sent a signal every millisecond.
fn interrupted<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static) -> T {
    handle_sigurg();
    let before = HANDLED.load(Ordering::Relaxed);
    let (go, may_go) = mpsc::channel();
    let waiting = thread::spawn(move || {
        may_go.recv().unwrap();
        wait()
    });
    // It does not end before there was one.
    let mut go = Some(go);
    while !waiting.is_finished() {
        // SAFETY: the thread was not joined yet.
        unsafe { libc::pthread_kill(waiting.as_pthread_t() as libc::pthread_t, libc::SIGURG) };
        if let Some(go) = go.take() {
            go.send(()).unwrap();
        }
        thread::sleep(Duration::from_millis(1));
    }
    let result = waiting.join().unwrap();
    assert!(HANDLED.load(Ordering::Relaxed) > before, "no signal was handled");
    result
}

// Behaviour 14
#[test]
fn a_signal_does_not_end_the_wait_which_goes_on_to_the_same_deadline() {
    let timeout = Duration::from_millis(60);
    let waited = interrupted(move || {
        let mut poller = Poller::new().unwrap();
        let mut events = Events::new();
        let start = Instant::now();
        poller.poll(&mut events, Some(timeout)).unwrap();
        assert!(events.is_empty());
        start.elapsed()
    });
    // Not early, and not begun anew at each signal: that would never end.
    assert!(waited >= timeout, "{waited:?}");

    let waited = interrupted(move || {
        let mut poller = Poller::new().unwrap();
        let mut events = Events::new();
        let start = Instant::now();
        poller.add_timeout(EventedId(1), timeout);
        poller.poll(&mut events, None).unwrap();
        assert_eq!(next_id(&mut events), Some(1));
        start.elapsed()
    });
    assert!(waited >= timeout, "{waited:?}");

    let (ours, peer) = UnixStream::pair().unwrap();
    let writer = thread::spawn(move || {
        thread::sleep(timeout);
        (&peer).write_all(b"x").unwrap();
        peer
    });
    interrupted(move || {
        let mut poller = Poller::new().unwrap();
        let mut events = Events::new();
        poller.register(&mut EventedFd::new(&ours), EventedId(2), R, PollOption::Level).unwrap();
        poller.poll(&mut events, None).unwrap();
        assert_eq!(next_id(&mut events), Some(2));
    });
    writer.join().unwrap();
}

// Behaviour 16
#[test]
fn no_capacity_is_an_error_that_loses_nothing() {
    let (ours, _peer) = readable_pair();
    let mut poller = Poller::new().unwrap();
    let mut none = Events::with_capacity(0);
    for timeout in [None, ZERO, Some(Duration::from_nanos(1)), Some(LONG)] {
        assert_eq!(kind(poller.poll(&mut none, timeout)), ErrorKind::InvalidInput);
    }
    poller.register(&mut EventedFd::new(&ours), EventedId(0), R, PollOption::Edge).unwrap();
    poller.notify(EventedId(1), Ready::WRITABLE);
    poller.add_deadline(EventedId(2), Instant::now());
    for timeout in [None, ZERO, Some(Duration::from_nanos(1)), Some(LONG)] {
        assert_eq!(kind(poller.poll(&mut none, timeout)), ErrorKind::InvalidInput);
    }
    poller.poll_userspace(&mut none);
    assert!(none.is_empty());
    let mut events = Events::new();
    poller.poll(&mut events, ZERO).unwrap();
    let mut ids: Vec<usize> = events.iter().map(|event| event.id().0).collect();
    ids.sort();
    assert_eq!(ids, [0, 1, 2]);
}

// Behaviour 16
#[test]
fn a_capacity_beyond_the_kernels_limit_is_clamped() {
    let (ours, _peer) = readable_pair();
    let mut poller = Poller::new().unwrap();
    poller.register(&mut EventedFd::new(&ours), EventedId(7), R, PollOption::Level).unwrap();
    // Memory that nobody touches costs nothing.
    for capacity in
        [i32::MAX as usize / 12, i32::MAX as usize / 12 + 1, i32::MAX as usize, usize::MAX]
    {
        let mut events = Events::with_capacity(capacity);
        poller.poll(&mut events, ZERO).unwrap();
        assert_eq!(next_id(&mut events), Some(7));
        poller.notify(EventedId(8), Ready::READABLE);
        poller.poll(&mut events, Some(LONG)).unwrap();
        assert_eq!(events.len(), 2);
    }
    let mut events: Vec<Event> = Vec::new();
    if events.try_reserve_exact(i32::MAX as usize / 12 + 1).is_ok() {
        assert_eq!(poller.raw_poll(events.spare_capacity_mut(), Some(0)).unwrap(), Some(1));
    }
}

// Behaviour 16
#[test]
fn events_that_do_not_fit_are_kept_and_none_is_lost_or_comes_twice() {
    const KIND: usize = 7;
    let pairs: Vec<_> = (0..KIND).map(|_| readable_pair()).collect();
    for capacity in [1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22] {
        for userspace in [false, true] {
            let mut poller = Poller::new().unwrap();
            let mut events = Events::with_capacity(capacity);
            for (id, (ours, _)) in pairs.iter().enumerate() {
                let mut handle = EventedFd::new(ours);
                poller.register(&mut handle, EventedId(id), R, PollOption::Edge).unwrap();
                poller.notify(EventedId(10 + id), Ready::WRITABLE);
                poller.add_deadline(EventedId(20 + id), Instant::now());
            }
            let mut counts = HashMap::new();
            let mut polls = 0;
            loop {
                // Polls of user space in between change nothing.
                if userspace && polls % 2 == 1 {
                    poller.poll_userspace(&mut events);
                } else {
                    poller.poll(&mut events, ZERO).unwrap();
                    if events.is_empty() {
                        break;
                    }
                }
                polls += 1;
                assert!(events.len() <= capacity && polls < 100);
                for event in &mut events {
                    let expected = match event.id().0 / 10 {
                        0 => Ready::READABLE,
                        1 => Ready::WRITABLE,
                        _ => Ready::TIMER,
                    };
                    assert_eq!(event.readiness(), expected);
                    *counts.entry(event.id()).or_insert(0) += 1;
                }
            }
            assert_eq!(counts.len(), 3 * KIND, "capacity {capacity}: something was lost");
            assert!(counts.values().all(|count| *count == 1), "capacity {capacity}: {counts:?}");
            if !userspace {
                // And no room was left unused while events waited.
                assert_eq!(polls, (3 * KIND).div_ceil(capacity), "capacity {capacity}");
            }
        }
    }
}

// Behaviour 16
#[test]
fn a_kind_of_source_that_is_alone_gets_all_the_room() {
    let pairs: Vec<_> = (0..10).map(|_| readable_pair()).collect();
    for capacity in 1..=10 {
        let mut events = Events::with_capacity(capacity);
        for timeout in [None, ZERO, Some(LONG)] {
            let mut poller = Poller::new().unwrap();
            for (ours, _) in &pairs {
                let mut handle = EventedFd::new(ours);
                poller.register(&mut handle, EventedId(0), R, PollOption::Level).unwrap();
            }
            for _ in 0..3 {
                poller.poll(&mut events, timeout).unwrap();
                assert_eq!(events.len(), capacity, "handles, {timeout:?}");
            }
            let mut poller = Poller::new().unwrap();
            (0..10).for_each(|id| poller.notify(EventedId(id), Ready::READABLE));
            poller.poll(&mut events, timeout).unwrap();
            assert_eq!(events.len(), capacity, "notifications, {timeout:?}");
            let mut poller = Poller::new().unwrap();
            for id in 0..10 {
                poller.add_deadline(EventedId(id), Instant::now());
            }
            poller.poll(&mut events, timeout).unwrap();
            assert_eq!(events.len(), capacity, "deadlines, {timeout:?}");
        }
    }
}

// Behaviour 16
#[test]
fn events_that_were_not_consumed_are_forgotten_by_the_next_poll() {
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.notify(EventedId(1), Ready::READABLE);
    poller.notify(EventedId(2), Ready::READABLE);
    poller.poll(&mut events, ZERO).unwrap();
    assert_eq!(next_id(&mut events), Some(1));
    poller.poll(&mut events, ZERO).unwrap();
    assert!(events.is_empty());
    poller.notify(EventedId(3), Ready::READABLE);
    poller.poll_userspace(&mut events);
    assert_eq!((events.len(), next_id(&mut events)), (1, Some(3)));
}

// Behaviour 16
#[test]
fn what_notify_was_given_comes_back_bit_for_bit() {
    let flags = [
        Ready::READABLE,
        Ready::WRITABLE,
        Ready::ERROR,
        Ready::TIMER,
        Ready::HUP,
        Ready::READ_CLOSED,
        Ready::WRITE_CLOSED,
        Ready::PRIORITY,
    ];
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    for set in 1..1 << flags.len() {
        let chosen = (0..flags.len()).filter(|bit| set & 1 << bit != 0).map(|bit| flags[bit]);
        let ready = chosen.reduce(|set, flag| set | flag).unwrap();
        let id = EventedId(usize::MAX - set);
        poller.notify(id, ready);
        poller.poll(&mut events, ZERO).unwrap();
        assert_eq!(events.iter().collect::<Vec<_>>(), [Event::new(id, ready)]);
    }
}

// Behaviour 16
#[test]
fn try_notify_is_refused_when_full_and_loses_nothing() {
    let mut poller = Poller::new().unwrap();
    assert_eq!(kind(poller.try_notify(EventedId(0), Ready::READABLE)), ErrorKind::WouldBlock);
    let mut poller = Poller::with_capacity(0, 100).unwrap();
    let mut events = Events::with_capacity(3);
    let (mut sent, mut seen) = (0, 0);
    for _ in 0..200 {
        while poller.try_notify(EventedId(sent), Ready::READABLE).is_ok() {
            sent += 1;
        }
        assert!(sent - seen >= 100);
        poller.poll(&mut events, ZERO).unwrap();
        for event in &mut events {
            assert_eq!(event.id().0, seen);
            seen += 1;
        }
    }
}

// Behaviour 16
#[test]
fn room_for_too_many_deadlines_or_notifications_is_an_error() {
    for (deadlines, notifications) in
        [(usize::MAX, 0), (0, usize::MAX), (0, usize::MAX / 2), (u32::MAX as usize, 0)]
    {
        let poller = Poller::with_capacity(deadlines, notifications);
        assert_eq!(kind(poller), ErrorKind::OutOfMemory);
    }
}
