//! Wakes from other threads and from signal handlers.

mod unix_support;

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use mio_st::event::Event;
use mio_st::poll::{Awakener, Interests};
use mio_st::unix::EventedFd;
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

use unix_support::{LONG, kind, passes_alone, scaled};

const WAKE: EventedId = EventedId(10);

fn poll(poller: &mut Poller) -> Vec<Event> {
    let mut events = Events::new();
    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    events.collect()
}

fn woken(id: EventedId) -> [Event; 1] {
    [Event::new(id, Ready::READABLE)]
}

/// How often the costly tests repeat, by an environment variable.
fn repeats(default: usize) -> usize {
    std::env::var("REPEATS").map_or(scaled(default), |repeats| repeats.parse().unwrap())
}

// Behaviour 24
#[test]
fn none_of_100_000_wakes_of_each_of_8_threads_is_lost() {
    const THREADS: usize = 8;
    let wakes = repeats(100_000);
    let mut poller = Poller::new().unwrap();
    // Two awakeners, each used by half of the threads.
    let awakeners = [0, 1].map(|id| Awakener::new(&mut poller, EventedId(id)).unwrap());
    let queues: [Arc<AtomicUsize>; 2] = Default::default();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let awakener = awakeners[thread % 2].try_clone().unwrap();
            let queue = queues[thread % 2].clone();
            thread::spawn(move || {
                for _ in 0..wakes {
                    // Relaxed: it is the wake that makes it visible.
                    queue.fetch_add(1, Ordering::Relaxed);
                    awakener.wake().unwrap();
                }
            })
        })
        .collect();
    let mut events = Events::with_capacity(1);
    let (mut seen, mut received) = ([0; 2], 0);
    while seen.iter().sum::<usize>() < THREADS * wakes {
        poller.poll(&mut events, Some(LONG)).unwrap();
        // A lost wake is a wait for nothing, with something in the queue.
        assert!(!events.is_empty(), "a wake was lost at {seen:?}");
        for event in &mut events {
            assert_eq!(event.readiness(), Ready::READABLE);
            seen[event.id().0] = queues[event.id().0].load(Ordering::Relaxed);
            received += 1;
        }
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(received <= THREADS * wakes);
}

// Behaviour 24
#[test]
fn after_the_last_wake_there_is_at_least_one_event_and_then_no_more() {
    // The thread's wake and the poll are let go at the same moment, over and over.
    let mut poller = Poller::new().unwrap();
    let awakener = Awakener::new(&mut poller, WAKE).unwrap();
    let rounds = repeats(100_000) / 20;
    let start = Arc::new(Barrier::new(2));
    let done = Arc::new(AtomicUsize::new(0));
    let thread = thread::spawn({
        let (start, done) = (start.clone(), done.clone());
        move || {
            for round in 1..=rounds {
                start.wait();
                awakener.wake().unwrap();
                awakener.wake().unwrap();
                done.store(round, Ordering::Relaxed);
                awakener.wake().unwrap();
            }
        }
    });
    let mut events = Events::new();
    for round in 1..=rounds {
        start.wait();
        while done.load(Ordering::Relaxed) < round {
            poller.poll(&mut events, Some(LONG)).unwrap();
            assert_eq!(events.iter().collect::<Vec<_>>(), woken(WAKE), "lost in round {round}");
        }
    }
    thread.join().unwrap();
    // At most one is spurious.
    poll(&mut poller);
    assert_eq!(poll(&mut poller), []);
}

// Behaviour 24
#[test]
fn wakes_are_coalesced_and_need_no_draining() {
    let mut poller = Poller::new().unwrap();
    let awakener = Awakener::new(&mut poller, WAKE).unwrap();
    assert_eq!(poll(&mut poller), []);
    for _ in 0..3 {
        for _ in 0..100 {
            awakener.wake().unwrap();
        }
        assert_eq!(poll(&mut poller), woken(WAKE));
        assert_eq!(poll(&mut poller), []);
    }
}

// Behaviour 24
#[test]
fn a_wake_that_does_not_fit_in_a_poll_is_kept() {
    let mut poller = Poller::new().unwrap();
    let awakeners: Vec<_> =
        (0..20).map(|id| Awakener::new(&mut poller, EventedId(id)).unwrap()).collect();
    for round in 0..5 {
        awakeners.iter().for_each(|awakener| awakener.wake().unwrap());
        let mut events = Events::with_capacity(3);
        let mut seen = Vec::new();
        for _ in 0..7 {
            poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
            seen.extend((&mut events).map(|event| event.id().0));
        }
        seen.sort();
        assert_eq!(seen, (0..20).collect::<Vec<_>>(), "round {round}");
    }
}

// Behaviour 24
#[test]
fn awakeners_and_handles_with_one_id_do_not_disturb_each_other() {
    let (ours, peer) = UnixStream::pair().unwrap();
    let mut poller = Poller::new().unwrap();
    let [a, b] = [0, 1].map(|_| Awakener::new(&mut poller, WAKE).unwrap());
    let mut handle = EventedFd::new(&ours);
    poller.register(&mut handle, WAKE, Interests::READABLE, PollOption::Level).unwrap();
    (&peer).write_all(b"x").unwrap();
    let mut events = Events::with_capacity(1);
    for _ in 0..10 {
        a.wake().unwrap();
        // An event of another with the same id may be handed out first.
        poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
        b.wake().unwrap();
        a.wake().unwrap();
        assert_eq!(poll(&mut poller).len(), 3);
    }
}

/// Whether the descriptor of a poller is readable, as another loop sees it.
fn is_readable(poller: &Poller) -> bool {
    let mut pollfd = libc::pollfd { fd: poller.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: the pointer is that of one `pollfd`.
    unsafe { libc::poll(&mut pollfd, 1, 0) == 1 }
}

// Behaviour 24
#[test]
fn a_wake_is_seen_by_who_waits_for_the_descriptor_of_the_poller() {
    for asked_before in [true, false] {
        let mut poller = Poller::new().unwrap();
        if asked_before {
            assert!(!is_readable(&poller));
        }
        let awakeners = [0, 1, 2].map(|id| Awakener::new(&mut poller, EventedId(id)).unwrap());
        // This one before the descriptor was asked for, at least once.
        awakeners[0].wake().unwrap();
        assert!(is_readable(&poller), "{asked_before}");
        assert_eq!(poll(&mut poller), woken(EventedId(0)));
        assert!(!is_readable(&poller));
        for _ in 0..3 {
            awakeners.iter().for_each(|awakener| awakener.wake().unwrap());
            // What there is no room for stays to be seen.
            let mut events = Events::with_capacity(1);
            let mut seen = Vec::new();
            while is_readable(&poller) {
                poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
                seen.extend((&mut events).map(|event| event.id().0));
            }
            seen.sort_unstable();
            assert_eq!(seen, [0, 1, 2]);
        }
        let waker = thread::spawn(move || {
            thread::sleep(Duration::from_millis(10));
            awakeners[1].wake().unwrap();
        });
        let mut outer = Poller::new().unwrap();
        outer
            .register(&mut EventedFd::new(&poller), WAKE, Interests::READABLE, PollOption::Level)
            .unwrap();
        let mut events = Events::new();
        outer.poll(&mut events, Some(LONG)).unwrap();
        assert_eq!(events.collect::<Vec<_>>(), woken(WAKE));
        assert_eq!(poll(&mut poller), woken(EventedId(1)));
        waker.join().unwrap();
    }
}

// Behaviour 24
#[test]
fn handles_and_awakeners_share_a_poll_however_little_room_there_is() {
    let (ours, peer) = UnixStream::pair().unwrap();
    let mut poller = Poller::new().unwrap();
    let awakener = Awakener::new(&mut poller, WAKE).unwrap();
    let mut handle = EventedFd::new(&ours);
    poller.register(&mut handle, EventedId(1), Interests::READABLE, PollOption::Level).unwrap();
    (&peer).write_all(b"x").unwrap();
    for room in 1..4 {
        let mut events = Events::with_capacity(room);
        let mut seen = [0; 2];
        for _ in 0..8 {
            awakener.wake().unwrap();
            poller.poll(&mut events, None).unwrap();
            for event in &mut events {
                seen[usize::from(event.id() == WAKE)] += 1;
            }
        }
        assert_eq!(seen, if room == 1 { [4, 4] } else { [8, 8] }, "room for {room}");
    }
}

/// Leaves an edge on the descriptor of two awakeners, without a wake: one of both is handed out in a poll without
/// the system.
fn leave_an_edge(poller: &mut Poller, awakeners: &[Awakener; 2]) {
    awakeners.iter().for_each(|awakener| awakener.wake().unwrap());
    let mut events = Events::with_capacity(1);
    for _ in awakeners {
        poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert_eq!(events.len(), 1);
    }
}

// Behaviour 24. With room for one, an event of the library's own is not in the way of a handle's.
#[test]
fn the_only_room_is_not_taken_by_what_is_not_handed_out() {
    let (ours, peer) = UnixStream::pair().unwrap();
    let mut poller = Poller::new().unwrap();
    // From here on each wake uses the descriptor.
    assert!(!is_readable(&poller));
    let awakeners = [0, 1].map(|id| Awakener::new(&mut poller, EventedId(id)).unwrap());
    let mut handle = EventedFd::new(&ours);
    poller.register(&mut handle, WAKE, Interests::READABLE, PollOption::Edge).unwrap();
    for _ in 0..4 {
        leave_an_edge(&mut poller, &awakeners);
        (&peer).write_all(b"x").unwrap();
        let mut events = Events::with_capacity(1);
        poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert_eq!(events.collect::<Vec<_>>(), woken(WAKE));
    }
}

// Behaviour 25
#[test]
#[cfg(epoll)] // A kqueue is not inherited, and has no more registrations than descriptors.
fn what_awakeners_leave_is_nobodys_event_though_a_child_has_a_copy() {
    passes_alone("alone_what_awakeners_leave_is_nobodys_event", &[]);
}

#[test]
#[cfg(epoll)]
#[ignore = "in a process of its own, which it forks"]
fn alone_what_awakeners_leave_is_nobodys_event() {
    let (ours, peer) = UnixStream::pair().unwrap();
    let mut poller = Poller::new().unwrap();
    assert!(!is_readable(&poller));
    let awakeners = [0, 1].map(|id| Awakener::new(&mut poller, EventedId(id)).unwrap());
    leave_an_edge(&mut poller, &awakeners);
    // SAFETY: the child calls nothing but `read` and `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let mut byte = 0u8;
        // SAFETY: as above; the pointer is that of a byte. The parent closes its end when it is done.
        unsafe {
            libc::close(peer.as_raw_fd());
            libc::read(ours.as_raw_fd(), (&raw mut byte).cast(), 1);
            libc::_exit(0);
        }
    }
    drop(awakeners);
    for _ in 0..3 {
        assert_eq!(poll(&mut poller), []);
    }
    drop(peer);
    let mut status = 1;
    // SAFETY: the pointer is that of an integer.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
}

// Behaviour 24
#[test]
fn a_poll_that_spins_sees_wakes() {
    let mut poller = Poller::new().unwrap();
    poller.set_spin(LONG);
    let here = Awakener::new(&mut poller, WAKE).unwrap();
    let rounds = repeats(100_000) / 20;
    let (to_other, from_other) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    thread::scope(|scope| {
        let there_is = to_other.clone();
        let answers = from_other.clone();
        // Its poller is made by the other thread, since it does not leave it.
        let (send, receive) = std::sync::mpsc::channel();
        scope.spawn(move || {
            let mut mine = Poller::new().unwrap();
            mine.set_spin(Duration::from_micros(20));
            send.send(Awakener::new(&mut mine, WAKE).unwrap()).unwrap();
            let mut events = Events::new();
            let mut seen = 0;
            while seen < rounds {
                mine.poll(&mut events, Some(LONG)).unwrap();
                assert!(!events.is_empty(), "a wake was lost at {seen}");
                let there_are = there_is.load(Ordering::Relaxed);
                if there_are > seen {
                    seen = there_are;
                    answers.store(seen, Ordering::Relaxed);
                    here.wake().unwrap();
                }
            }
        });
        let there = receive.recv().unwrap();
        let mut events = Events::new();
        for round in 1..=rounds {
            to_other.store(round, Ordering::Relaxed);
            there.wake().unwrap();
            while from_other.load(Ordering::Relaxed) < round {
                poller.poll(&mut events, Some(LONG)).unwrap();
                assert_eq!(events.iter().collect::<Vec<_>>(), woken(WAKE), "round {round}");
            }
        }
    });
}

#[cfg(target_os = "linux")]
mod in_a_signal_handler {
    use std::sync::atomic::{AtomicBool, AtomicPtr};

    use super::*;

    static IN_HANDLER: AtomicPtr<Awakener> = AtomicPtr::new(std::ptr::null_mut());
    static ERRNO_KEPT: AtomicBool = AtomicBool::new(false);

    extern "C" fn wake_in_handler(_: libc::c_int) {
        // SAFETY: the pointer is that of an awakener which lives until the process ends.
        let awakener = unsafe { &*IN_HANDLER.load(Ordering::Acquire) };
        // SAFETY: the location of errno is valid in every thread.
        let errno = unsafe { &mut *libc::__errno_location() };
        let before = std::mem::replace(errno, 12345);
        // The first costs a system call, the second none.
        let woken = awakener.wake().is_ok() && awakener.wake().is_ok();
        ERRNO_KEPT.store(woken && *errno == 12345, Ordering::Release);
        *errno = before;
    }

    // Behaviour 24
    #[test]
    fn a_signal_handler_may_wake_which_preserves_errno() {
        let mut poller = Poller::new().unwrap();
        let awakener = Box::new(Awakener::new(&mut poller, WAKE).unwrap());
        IN_HANDLER.store(Box::into_raw(awakener), Ordering::Release);
        // SAFETY: all-zero is a valid sigaction: no flags, an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = wake_in_handler as *const () as usize;
        // SAFETY: the handler does only what is allowed in one, which is what is tested.
        let result = unsafe { libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()) };
        assert_eq!(result, 0);
        for _ in 0..3 {
            // SAFETY: there is a handler.
            assert_eq!(unsafe { libc::raise(libc::SIGUSR1) }, 0);
            assert!(ERRNO_KEPT.swap(false, Ordering::Acquire));
            assert_eq!(poll(&mut poller), woken(WAKE));
        }
        // Also while the poll waits: the handler runs in this thread, and the wait ends by it.
        // SAFETY: the thread lives as long as the other, which is joined.
        let this = unsafe { libc::pthread_self() } as usize;
        let signaller = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            // SAFETY: as above.
            unsafe { libc::pthread_kill(this as libc::pthread_t, libc::SIGUSR1) };
        });
        let mut events = Events::new();
        poller.poll(&mut events, Some(LONG)).unwrap();
        assert_eq!(events.collect::<Vec<_>>(), woken(WAKE));
        signaller.join().unwrap();
    }
}

// Behaviour 25
#[test]
fn waking_after_the_poller_is_gone_is_an_error() {
    let mut poller = Poller::new().unwrap();
    let awakener = Awakener::new(&mut poller, WAKE).unwrap();
    let pending = awakener.try_clone().unwrap();
    pending.wake().unwrap();
    drop(poller);
    for awakener in [awakener, pending] {
        for _ in 0..3 {
            assert_eq!(kind(awakener.wake()), ErrorKind::BrokenPipe);
        }
    }
}

// Behaviour 25
#[test]
fn a_wake_sent_before_its_awakener_was_dropped_still_arrives() {
    let mut poller = Poller::new().unwrap();
    let awaken = |poller: &mut Poller, id| {
        let awakener = Awakener::new(poller, EventedId(id)).unwrap();
        thread::spawn(move || awakener.wake().unwrap()).join().unwrap();
    };
    awaken(&mut poller, 1);
    assert_eq!(poll(&mut poller), woken(EventedId(1)));
    assert_eq!(poll(&mut poller), []);
    // Creating others is when the dropped ones are closed.
    (2..5).for_each(|id| awaken(&mut poller, id));
    drop(Awakener::new(&mut poller, EventedId(5)).unwrap());
    drop(Awakener::new(&mut poller, EventedId(6)).unwrap());
    let mut ids: Vec<usize> = poll(&mut poller).iter().map(|event| event.id().0).collect();
    ids.sort();
    assert_eq!(ids, [2, 3, 4]);
    assert_eq!(poll(&mut poller), []);
}

// Behaviour 25
#[test]
fn a_wake_never_writes_to_somebody_elses_descriptor() {
    passes_alone("alone_a_wake_never_writes_to_somebody_elses_descriptor", &[]);
}

/// Threads wake while the poller is dropped, and its descriptors' numbers are used again at once, by pipes
/// that would notice eight bytes.
#[test]
#[ignore = "in a process of its own, for the numbers of descriptors"]
fn alone_a_wake_never_writes_to_somebody_elses_descriptor() {
    for _ in 0..repeats(100_000) / 200 {
        let mut poller = Poller::new().unwrap();
        let awakener = Awakener::new(&mut poller, WAKE).unwrap();
        let start = Arc::new(Barrier::new(3));
        let threads = [0, 1].map(|_| {
            let (awakener, start) = (awakener.try_clone().unwrap(), start.clone());
            thread::spawn(move || {
                start.wait();
                while awakener.wake().is_ok() {}
            })
        });
        drop(awakener);
        start.wait();
        poll(&mut poller);
        drop(poller);
        let pairs: Vec<_> = (0..4).map(|_| UnixStream::pair().unwrap()).collect();
        for thread in threads {
            thread.join().unwrap();
        }
        for (a, b) in &pairs {
            for end in [a, b] {
                end.set_nonblocking(true).unwrap();
                let read = std::io::Read::read(&mut &*end, &mut [0; 8]);
                assert_eq!(kind(read), ErrorKind::WouldBlock);
            }
        }
    }
}

// Behaviour 25
#[test]
fn creating_and_dropping_awakeners_leaks_neither_descriptors_nor_memory() {
    passes_alone("alone_creating_and_dropping_awakeners", &[]);
}

#[test]
#[ignore = "in a process of its own"]
fn alone_creating_and_dropping_awakeners() {
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    let resident = || -> usize {
        let status = fs::read_to_string("/proc/self/statm").unwrap();
        status.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let without = open();
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    let before = (open(), resident());
    // A million with REPEATS=1000000.
    for round in 0..repeats(100_000) {
        let awakener = Awakener::new(&mut poller, EventedId(round)).unwrap();
        if round % 3 == 0 {
            awakener.wake().unwrap();
        }
        drop(awakener);
        if round % 100 == 0 {
            poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
        }
        assert!(round % 1000 != 0 || open() <= before.0 + 2, "{} descriptors", open());
    }
    drop(poller);
    assert_eq!(open(), without);
    // Pages of 4 KiB.
    assert!(resident() < before.1 + 1024, "{} pages, then {}", before.1, resident());
}

/// A kqueue without EVFILT_USER has a pipe, which is full at some time. Behaviour 24.
#[test]
fn no_wake_of_many_changes_errno() {
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    let awakener = Awakener::new(&mut poller, EventedId(1)).unwrap();
    for _ in 0..70_000 {
        // SAFETY: the location of errno is valid in every thread.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: as above.
        unsafe { *errno = 12345 };
        awakener.wake().unwrap();
        // SAFETY: as above.
        assert_eq!(unsafe { *errno }, 12345);
        poller.poll(&mut events, None).unwrap();
        assert_eq!(events.len(), 1);
    }
}
