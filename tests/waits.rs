//! What is asked of the system while a poll waits: the functions of libc that the library calls are this file's,
//! which keep a clock of their own, write down each wait, and make it as much longer as a kernel may.
#![cfg(all(epoll, any(target_arch = "x86_64", target_arch = "aarch64")))]
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_long, c_void};
use std::time::Duration;

use mio_st::{EventedId, Events, Poller};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
/// What the kernel allows itself in any case.
const KERNEL_SLACK: u64 = 50_000;
const DEFAULT_SLACK: u64 = 1 << 20;

thread_local! {
    /// The time, if this thread has one of its own.
    static NOW: Cell<Option<u64>> = const { Cell::new(None) };
    static NICE: Cell<c_int> = const { Cell::new(0) };
    static CLOCK_READS: Cell<usize> = const { Cell::new(0) };
    static CLOCK_FAILS: Cell<bool> = const { Cell::new(false) };
    /// The timeouts that reached the system, in nanoseconds.
    static WAITS: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    static OTHER_CALLS: Cell<usize> = const { Cell::new(0) };
}

/// The next function of that name, which is libc's.
macro_rules! libcs {
    ($name:literal as $kind:ty) => {
        std::mem::transmute::<*mut c_void, $kind>(libc::dlsym(libc::RTLD_NEXT, $name.as_ptr()))
    };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    type Function = unsafe extern "C" fn(libc::clockid_t, *mut libc::timespec) -> c_int;
    let Some(now) = NOW.get() else {
        // SAFETY: the type is that of the function, and the caller's promise.
        return unsafe { libcs!(c"clock_gettime" as Function)(clock, time) };
    };
    CLOCK_READS.set(CLOCK_READS.get() + 1);
    if CLOCK_FAILS.get() {
        // SAFETY: errno is this thread's.
        unsafe { *libc::__errno_location() = libc::EPERM };
        return -1;
    }
    // SAFETY: the caller's promise.
    unsafe { *time = libc::timespec { tv_sec: (now / SECOND) as _, tv_nsec: (now % SECOND) as _ } };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getpriority(which: libc::__priority_which_t, who: libc::id_t) -> c_int {
    type Function = unsafe extern "C" fn(libc::__priority_which_t, libc::id_t) -> c_int;
    if NOW.get().is_some() {
        OTHER_CALLS.set(OTHER_CALLS.get() + 1);
        return NICE.get();
    }
    // SAFETY: the type is that of the function; numbers are all that it takes.
    unsafe { libcs!(c"getpriority" as Function)(which, who) }
}

/// Waits in this thread's own time.
fn wait(now: u64, timeout: u64) -> c_int {
    WAITS.with_borrow_mut(|waits| waits.push(timeout));
    let part = if NICE.get() > 0 { 200 } else { 1_000 };
    let stretch = (timeout / part).clamp(KERNEL_SLACK, 100 * MS);
    NOW.set(Some(now + if timeout == 0 { 0 } else { timeout + stretch }));
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_wait(
    epoll: c_int,
    events: *mut libc::epoll_event,
    max: c_int,
    timeout: c_int,
) -> c_int {
    type Function = unsafe extern "C" fn(c_int, *mut libc::epoll_event, c_int, c_int) -> c_int;
    match NOW.get() {
        Some(now) => wait(now, timeout as u64 * MS),
        // SAFETY: the type is that of the function, and the caller's promise.
        None => unsafe { libcs!(c"epoll_wait" as Function)(epoll, events, max, timeout) },
    }
}

/// Variadic in C, which is the same for six numbers on these architectures.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    timeout: *const [i64; 2],
    e: c_long,
    f: c_long,
) -> c_long {
    type Function = unsafe extern "C" fn(
        c_long,
        c_long,
        c_long,
        c_long,
        *const [i64; 2],
        c_long,
        c_long,
    ) -> c_long;
    match NOW.get() {
        Some(now) if number == libc::SYS_epoll_pwait2 => {
            // SAFETY: the fourth argument of this call is a timespec.
            let [seconds, nanos] = unsafe { *timeout };
            wait(now, seconds as u64 * SECOND + nanos as u64).into()
        }
        // SAFETY: the type is that of the function, and the caller's promise.
        _ => unsafe { libcs!(c"syscall" as Function)(number, a, b, c, timeout, e, f) },
    }
}

/// A poller in a time of its own.
struct World {
    poller: Poller,
    events: Events,
}

impl World {
    fn new(nice: c_int) -> World {
        // The time of `Instant` has its origin before.
        let poller = Poller::new().unwrap();
        poller.now();
        NICE.set(nice);
        NOW.set(Some(1_000_000 * SECOND + 123_456_789));
        WAITS.take();
        World { poller, events: Events::new() }
    }

    fn now(&self) -> u64 {
        NOW.get().unwrap()
    }

    fn poll(&mut self, timeout: Option<u64>) -> usize {
        self.poller.poll(&mut self.events, timeout.map(Duration::from_nanos)).unwrap();
        self.events.len()
    }

    fn add_timeout(&mut self, timeout: u64) -> u64 {
        self.poller.add_timeout(EventedId(7), Duration::from_nanos(timeout));
        self.now() + timeout
    }
}

impl Drop for World {
    fn drop(&mut self) {
        NOW.set(None);
        CLOCK_FAILS.set(false);
    }
}

/// Timeouts of a microsecond to a day, none of them round.
fn timeouts() -> impl Iterator<Item = u64> {
    let to_a_day = |timeout: &u64| *timeout < 86_400 * SECOND;
    let magnitudes = std::iter::successors(Some(1_009_u64), |timeout| Some(timeout * 5 / 4 + 1));
    magnitudes.take_while(to_a_day).chain([1_040 * MS, 8 * SECOND, 30 * SECOND])
}

// Behaviour 18
#[test]
fn no_kernel_makes_a_deadline_later_than_its_slack_and_50_microseconds() {
    for nice in [0, 10] {
        for cap in [DEFAULT_SLACK, 0, 100_000, 100 * MS] {
            let mut world = World::new(nice);
            world.poller.set_deadline_slack(Duration::from_nanos(cap));
            for timeout in timeouts() {
                // Alone; and with a poll that ends just before, then, and after.
                for poll in [None, Some(timeout - 1_000), Some(timeout), Some(timeout + 50_000)] {
                    let due = world.add_timeout(timeout);
                    let slack = cap.min(timeout / 128);
                    if world.poll(poll) == 0 {
                        let overdue = world.now() > due + slack + KERNEL_SLACK;
                        assert!(!overdue, "nice {nice}, {timeout}, {poll:?}: nothing");
                        assert_eq!(world.poll(None), 1);
                    }
                    let late = world.now().checked_sub(due).expect("it is never early");
                    let most = slack.max(1) + KERNEL_SLACK;
                    assert!(late <= most, "nice {nice}, {timeout}, {poll:?}: {late} of {most}");
                }
            }
        }
    }
}

// Behaviour 18
#[test]
fn a_wait_below_50_milliseconds_asks_for_nothing_more() {
    for cap in [DEFAULT_SLACK, 0] {
        let mut world = World::new(0);
        world.poller.set_deadline_slack(Duration::from_nanos(cap));
        world.add_timeout(1);
        assert_eq!(world.poll(None), 1);
        for timeout in timeouts().take_while(|&timeout| timeout < 50 * MS) {
            for poll in [None, Some(timeout - 1), Some(timeout + 100_000)] {
                world.add_timeout(timeout);
                WAITS.take();
                let (reads, others) = (CLOCK_READS.get(), OTHER_CALLS.get());
                let count = world.poll(poll);
                assert_eq!(WAITS.take().len(), 1, "{timeout}, {poll:?}");
                // Before the wait, and after.
                assert_eq!(CLOCK_READS.get() - reads, 2, "{timeout}, {poll:?}");
                assert_eq!(OTHER_CALLS.get(), others);
                if count == 0 {
                    assert_eq!(world.poll(None), 1);
                }
            }
        }
    }
}

// Behaviour 18
#[test]
fn a_long_wait_is_split_where_it_must_be_only() {
    let mut world = World::new(0);
    world.poller.set_deadline_slack(Duration::ZERO);
    for (timeout, poll, waits) in [
        (SECOND, None, 2),
        (30 * SECOND, None, 2),
        (8 * SECOND, Some(8 * SECOND), 2),
        // Far behind the end of the poll.
        (9 * SECOND, Some(8 * SECOND), 1),
    ] {
        world.add_timeout(timeout);
        WAITS.take();
        let count = world.poll(poll);
        let seen = WAITS.take();
        assert_eq!(seen.len(), waits, "{timeout}, {poll:?}: {seen:?}");
        if count == 0 {
            assert_eq!(world.poll(None), 1);
        }
    }
    // Without a deadline there is nothing to be precise for.
    WAITS.take();
    assert_eq!(world.poll(Some(60 * SECOND)), 0);
    assert_eq!(WAITS.take(), [60 * SECOND]);
}

// Behaviour 23
#[test]
fn only_a_timeout_reads_the_clock() {
    let mut world = World::new(0);
    world.add_timeout(SECOND);
    assert_eq!(world.poll(Some(0)), 0);
    let at = world.poller.now() + Duration::from_secs(3);
    let reads = |world: &mut World, action: &mut dyn FnMut(&mut Poller)| {
        let before = CLOCK_READS.get();
        action(&mut world.poller);
        CLOCK_READS.get() - before
    };
    let mut key = world.poller.add_deadline(EventedId(1), at);
    assert_eq!(reads(&mut world, &mut |poller| key = poller.add_deadline(EventedId(1), at)), 0);
    assert_eq!(reads(&mut world, &mut |poller| assert!(poller.move_deadline(key, at))), 0);
    assert_eq!(reads(&mut world, &mut |poller| assert!(poller.cancel_deadline(key))), 0);
    let timeout = Duration::from_secs(1);
    assert_eq!(reads(&mut world, &mut |poller| _ = poller.add_timeout(EventedId(1), timeout)), 1);
    assert_eq!(
        reads(&mut world, &mut |poller| _ = poller.add_interval(EventedId(1), timeout, timeout)),
        1
    );
}

// Behaviour 18
#[test]
fn a_poll_after_the_time_of_a_deadline_has_its_event_whatever_the_slack() {
    for timeout in timeouts() {
        let mut world = World::new(0);
        let due = world.add_timeout(timeout);
        NOW.set(Some(due - 1));
        world.poller.poll_userspace(&mut world.events);
        assert_eq!(world.events.len(), 0);
        assert_eq!(world.poll(Some(0)), 0);
        NOW.set(Some(due));
        if timeout % 2 == 0 {
            world.poller.poll_userspace(&mut world.events);
        } else {
            world.poll(Some(0));
        }
        assert_eq!(world.events.len(), 1, "{timeout}");
    }
}

// Behaviour 18
#[test]
fn a_clock_that_fails_is_an_error_of_the_poll_and_no_deadline_is_lost() {
    let mut world = World::new(0);
    world.add_timeout(SECOND);
    CLOCK_FAILS.set(true);
    for timeout in [None, Some(Duration::ZERO), Some(Duration::from_secs(1))] {
        let error = world.poller.poll(&mut world.events, timeout).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    }
    // What cannot fail has no time but the last one.
    world.poller.add_timeout(EventedId(7), Duration::from_secs(2));
    world.poller.poll_userspace(&mut world.events);
    assert_eq!(world.events.len(), 0);
    CLOCK_FAILS.set(false);
    assert_eq!(world.poll(None), 1);
    assert_eq!(world.poll(None), 1);
}
