//! No heap allocation in steady state, by a counting allocator.

mod unix_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
#[cfg(epoll)]
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
#[cfg(epoll)]
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{Awakener, DeadlineKey};
#[cfg(epoll)]
use mio_st::poll::{Checks, Interests};
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

use unix_support::LONG;

/// Counts what this thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    /// What it has allocated and not freed; what another thread frees is not taken off.
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

fn count(freed: usize, allocated: usize) {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
    count_bytes(freed, allocated);
}

fn count_bytes(freed: usize, allocated: usize) {
    let _ =
        BYTES.try_with(|bytes| bytes.set(bytes.get().wrapping_add(allocated).wrapping_sub(freed)));
}

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), size);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count_bytes(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(body: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    body();
    ALLOCATIONS.get() - before
}

const LISTENER: EventedId = EventedId(0);
const AWAKENER: EventedId = EventedId(1);
const CLIENT: EventedId = EventedId(2);
const SERVER: EventedId = EventedId(3);

/// A server and its client, which do everything that a program does for each connection.
struct World {
    poller: Poller,
    events: Events,
    awakener: Awakener,
    listener: TcpListener,
}

impl World {
    fn new() -> World {
        let mut poller = Poller::new().unwrap();
        let awakener = Awakener::new(&mut poller, AWAKENER).unwrap();
        let mut listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let interests = TcpListener::INTERESTS;
        poller.register(&mut listener, LISTENER, interests, PollOption::Edge).unwrap();
        World { poller, events: Events::with_capacity(4), awakener, listener }
    }

    /// Polls until there is an event with this id.
    fn wait_for(&mut self, id: EventedId) {
        let end = Instant::now() + LONG;
        while Instant::now() < end {
            self.poller.poll(&mut self.events, Some(LONG)).unwrap();
            if (&mut self.events).any(|event| event.id() == id) {
                return;
            }
        }
        panic!("no event of {id}");
    }

    fn connection(&mut self) {
        let address = self.listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        let interests = TcpStream::INTERESTS;
        self.poller.register(&mut client, CLIENT, interests, PollOption::Edge).unwrap();
        self.wait_for(LISTENER);
        let (mut server, peer) = self.listener.accept().unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert_eq!(self.listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        let readable = mio_st::poll::Interests::READABLE;
        self.poller.register(&mut server, SERVER, readable, PollOption::Oneshot).unwrap();
        assert_eq!(client.write(b"hello").unwrap(), 5);
        self.wait_for(SERVER);
        let mut data = [0; 16];
        assert_eq!(server.read(&mut data).unwrap(), 5);
        assert_eq!(server.read(&mut data).unwrap_err().kind(), ErrorKind::WouldBlock);
        self.poller.reregister(&mut server, SERVER, readable, PollOption::Level).unwrap();
        self.poller.deregister(&mut server).unwrap();
    }

    fn notifications(&mut self) {
        for id in 0..50 {
            self.poller.notify(EventedId(id), Ready::READABLE);
        }
        let mut seen = 0;
        while seen < 50 {
            self.poller.poll(&mut self.events, Some(Duration::ZERO)).unwrap();
            seen += self.events.len();
            // The queue is never empty in between: what was handed out is to be reused.
            if seen == 20 {
                self.poller.notify(EventedId(50), Ready::READABLE);
            }
        }
        self.poller.poll_userspace(&mut self.events);
    }

    fn wakes(&mut self) {
        self.awakener.wake().unwrap();
        self.awakener.wake().unwrap();
        self.wait_for(AWAKENER);
    }

    fn deadlines(&mut self) {
        let now = Instant::now();
        for id in 0..50 {
            self.poller.add_deadline(EventedId(id), now - Duration::from_millis(1));
            let key = self.poller.add_timeout(EventedId(id), Duration::from_secs(id as u64));
            assert!(self.poller.move_deadline(key, now + Duration::from_secs(600)));
            assert!(self.poller.cancel_deadline(key));
        }
        let mut seen = 0;
        while seen < 50 {
            self.poller.poll(&mut self.events, Some(Duration::ZERO)).unwrap();
            seen += self.events.len();
        }
        self.poller.add_timeout(EventedId(7), Duration::from_micros(50));
        self.wait_for(EventedId(7));
        let key = self.poller.add_interval(EventedId(8), Duration::ZERO, Duration::from_micros(50));
        self.wait_for(EventedId(8));
        self.wait_for(EventedId(8));
        assert!(self.poller.cancel_deadline(key));
    }
}

/// One test at a time: a descriptor with a higher number than all before makes the table of the kqueue
/// backend longer, and the other tests have descriptors, too.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

// Behaviour 17
#[test]
fn nothing_is_allocated_in_steady_state() {
    let _alone = alone();
    let mut world = World::new();
    type Step = fn(&mut World);
    let steps: [(&str, Step); 4] = [
        ("poll, accept, read, write, register", World::connection),
        ("notify, poll_userspace", World::notifications),
        ("wake", World::wakes),
        ("deadlines", World::deadlines),
    ];
    for (name, step) in steps {
        // Warm up.
        step(&mut world);
        step(&mut world);
        let count = allocations(|| (0..20).for_each(|_| step(&mut world)));
        assert_eq!(count, 0, "{name}");
    }
    // The count is true.
    assert_eq!(allocations(|| drop(Box::new(1))), 1);
}

// Behaviour 17
#[test]
fn with_capacity_not_even_the_first_time() {
    let _alone = alone();
    let mut poller = Poller::with_capacity(100, 100).unwrap();
    let mut events = Events::with_capacity(7);
    let count = allocations(|| {
        for id in 0..100 {
            poller.notify(EventedId(id), Ready::READABLE);
            poller.add_timeout(EventedId(id), Duration::ZERO);
        }
        let mut seen = 0;
        while seen < 200 {
            poller.poll(&mut events, None).unwrap();
            seen += events.len();
        }
        // Again and again, with as many waiting as there is room for.
        for id in 0..1000 {
            while poller.try_notify(EventedId(id), Ready::READABLE).is_ok() {}
            poller.poll(&mut events, None).unwrap();
        }
    });
    assert_eq!(count, 0);
}

/// Longer than these tests take on any machine.
const FAR: Duration = Duration::from_secs(3600);

type Churn = fn(&mut Poller, &mut Events, &mut Vec<DeadlineKey>, usize);

/// Churns any number of deadlines in a poller that has room for `each` times as many.
fn assert_allocates_nothing(churn: Churn, each: usize) {
    let _alone = alone();
    for n in [1, 2, 33, 1_000] {
        let mut poller = Poller::with_capacity(each * n, 0).unwrap();
        let mut events = Events::with_capacity(7);
        let mut keys = Vec::with_capacity(n);
        let count = allocations(|| churn(&mut poller, &mut events, &mut keys, n));
        assert_eq!(count, 0, "{n} of them");
    }
}

/// Numbers below a limit, the same ones every time.
fn random() -> impl FnMut(u64) -> u64 {
    let mut state = 1_u64;
    move |limit| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % limit
    }
}

/// With `n` deadlines at once, all the time: moves both ways, cancels and adds, so often that the slots of
/// the cancelled are swept many times, and lets some expire.
fn churn(poller: &mut Poller, events: &mut Events, keys: &mut Vec<DeadlineKey>, n: usize) {
    let start = Instant::now();
    let mut below = random();
    for id in 0..n {
        keys.push(poller.add_timeout(EventedId(id), FAR + Duration::from_millis(below(1 << 20))));
    }
    let mut expired = 0;
    for step in 0..100 * n {
        let i = below(n as u64) as usize;
        let later = start + FAR + Duration::from_millis(below(1 << 20));
        match below(4) {
            0 => assert!(poller.move_deadline(keys[i], later)),
            // It has passed by the next poll.
            1 if step % 8 == 0 => assert!(poller.move_deadline(keys[i], start)),
            _ => {
                assert!(poller.cancel_deadline(keys[i]));
                keys[i] = poller.add_deadline(EventedId(i), later);
            }
        }
        poller.poll_userspace(events);
        for event in &mut *events {
            let i = event.id().0;
            keys[i] = poller.add_deadline(EventedId(i), later);
            expired += 1;
        }
    }
    assert!(expired > n, "{expired} expired");
    keys.drain(..).for_each(|key| assert!(poller.cancel_deadline(key)));
}

// Behaviour 17
#[test]
fn with_capacity_deadlines_are_moved_cancelled_swept_and_expire_without_allocating() {
    assert_allocates_nothing(churn, 1);
}

/// As [`churn`], with intervals among them: each of `n` is one or a plain deadline, whichever comes.
fn churn_intervals(
    poller: &mut Poller,
    events: &mut Events,
    keys: &mut Vec<DeadlineKey>,
    n: usize,
) {
    let start = Instant::now();
    let never = FAR;
    let mut below = random();
    for id in 0..n {
        keys.push(poller.add_interval(EventedId(id), never, never));
    }
    let mut expired = 0;
    for step in 0..100 * n {
        let i = below(n as u64) as usize;
        match below(8) {
            0 | 1 => assert!(poller.move_deadline(keys[i], start + never)),
            // It has passed by the next poll; the next expiry has not.
            2 if step % 4 == 0 => {
                assert!(poller.cancel_deadline(keys[i]));
                keys[i] = poller.add_interval(EventedId(i), Duration::ZERO, never);
            }
            3 => {
                assert!(poller.cancel_deadline(keys[i]));
                keys[i] = poller.add_timeout(EventedId(i), never);
            }
            _ => {
                assert!(poller.cancel_deadline(keys[i]));
                keys[i] = poller.add_interval(EventedId(i), never, never);
            }
        }
        poller.poll_userspace(events);
        expired += events.count();
    }
    assert!(expired > n, "{expired} expired");
    keys.drain(..).for_each(|key| assert!(poller.cancel_deadline(key)));
}

// Behaviour 17
#[test]
fn with_capacity_for_two_each_intervals_are_moved_cancelled_swept_and_expire_without_allocating() {
    assert_allocates_nothing(churn_intervals, 2);
}

// Behaviour 43
#[test]
#[cfg(epoll)]
fn checks_take_at_most_40_bytes_a_registration() {
    let _alone = alone();
    let mut poller = Poller::new().unwrap();
    let mut events = Events::with_capacity(1000);
    let before = BYTES.get();
    poller.set_checks(Checks::ALL).unwrap();
    // Ready all the time, so that each copy has an event, and is looked at before a wait.
    let (mut first, second) = UnixStream::pair().unwrap();
    first.write_all(b"x").unwrap();
    let mut copies = Vec::with_capacity(800);
    let fixed = BYTES.get();
    for n in 0..copies.capacity() {
        let copy = second.as_fd().try_clone_to_owned().unwrap();
        poller.register_fd(&copy, EventedId(n), Interests::READABLE, PollOption::Edge).unwrap();
        let numbers = copy.as_raw_fd() as usize + 1;
        copies.push(copy);
        poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
        let bytes = BYTES.get() - fixed;
        assert!(bytes <= 40 * numbers + 1024, "{bytes} bytes for {numbers} descriptors");
    }
    let bytes = fixed - before - 800 * size_of::<OwnedFd>();
    assert!(bytes <= 1024, "{bytes} bytes before the first");
}
