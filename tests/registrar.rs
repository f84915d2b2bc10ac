//! What other threads register with a poller, and a poller that goes from thread to thread.

mod unix_support;

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
#[cfg(epoll)]
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mio_st::event::Event;
use mio_st::poll::{Awakener, Detached, Interests, Registrar};
use mio_st::unix;
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

use unix_support::{
    LONG, Sends, Syncs, kind, no_child_starts, passes_alone, passes_forked, scaled,
};

const R: Interests = Interests::READABLE;
const W: Interests = Interests::WRITABLE;
const LEVEL: PollOption = PollOption::Level;

fn poll(poller: &mut Poller, timeout: Duration) -> Vec<Event> {
    let mut events = Events::new();
    poller.poll(&mut events, Some(timeout)).unwrap();
    events.collect()
}

fn ids(poller: &mut Poller) -> Vec<usize> {
    poll(poller, Duration::ZERO).iter().map(|event| event.id().0).collect()
}

#[test]
fn a_registrar_is_anybodys_and_what_is_detached_somebodys() {
    use unix_support::No as _;
    const { assert!(Sends::<Registrar>::YES && Syncs::<Registrar>::YES) };
    const { assert!(Sends::<Detached<Poller>>::YES && !Syncs::<Detached<Poller>>::YES) };
    const { assert!(Sends::<Detached<unix::UnixStream>>::YES) };
}

// Behaviour 41
#[test]
fn another_thread_registers_while_the_poll_sleeps() {
    let mut poller = Poller::new().unwrap();
    let registrar = Registrar::new(&mut poller).unwrap();
    let (ours, mut peer) = UnixStream::pair().unwrap();
    thread::scope(|scope| {
        let (registrar, ours) = (&registrar, &ours);
        scope.spawn(move || registrar.register(ours, EventedId(1), R | W, LEVEL).unwrap());
        assert_eq!(poll(&mut poller, LONG), [Event::new(EventedId(1), Ready::WRITABLE)]);
        let other = registrar.clone();
        scope.spawn(move || {
            other.reregister(ours, EventedId(2), R, LEVEL).unwrap();
            peer.write_all(b"x").unwrap();
            peer
        });
        let mut last = poll(&mut poller, LONG);
        while last == [Event::new(EventedId(1), Ready::WRITABLE)] {
            last = poll(&mut poller, LONG);
        }
        assert_eq!(last[0].id(), EventedId(2));
        scope.spawn(move || registrar.deregister(ours).unwrap()).join().unwrap();
        assert_eq!(ids(&mut poller), []);
    });
}

// Behaviour 41
#[test]
fn a_registrar_has_the_errors_of_the_poller() {
    let mut poller = Poller::new().unwrap();
    let registrar = Registrar::new(&mut poller).unwrap();
    let (ours, _peer) = UnixStream::pair().unwrap();
    let id = EventedId(1);
    assert_eq!(kind(registrar.reregister(&ours, id, R, LEVEL)), ErrorKind::NotFound);
    assert_eq!(kind(registrar.deregister(&ours)), ErrorKind::NotFound);
    registrar.register(&ours, id, W, LEVEL).unwrap();
    assert_eq!(kind(registrar.register(&ours, id, W, LEVEL)), ErrorKind::AlreadyExists);
    // It is the same registration, whoever asks.
    assert_eq!(kind(poller.register_fd(&ours, id, W, LEVEL)), ErrorKind::AlreadyExists);
    poller.reregister_fd(&ours, EventedId(2), W, LEVEL).unwrap();
    assert_eq!(ids(&mut poller), [2]);
    registrar.deregister(&ours).unwrap();
    assert_eq!(kind(poller.deregister_fd(&ours)), ErrorKind::NotFound);
    poller.watch_fd(&ours, id, Some(W), LEVEL).unwrap();
    registrar.deregister(&ours).unwrap();
    poller.watch_fd(&ours, EventedId(3), Some(W), LEVEL).unwrap();
    assert_eq!(ids(&mut poller), [3]);
}

// Behaviour 41
#[test]
fn events_that_other_threads_post_come_as_they_are_and_in_their_order() {
    let mut poller = Poller::new().unwrap();
    let registrar = Registrar::new(&mut poller).unwrap();
    let flags = [Ready::READABLE, Ready::TIMER | Ready::HUP, Ready::WRITABLE];
    const THREADS: usize = 4;
    let each = scaled(1000);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let registrar = registrar.clone();
            scope.spawn(move || {
                for n in 0..each {
                    let id = EventedId(n * THREADS + thread);
                    registrar.notify(id, flags[n % flags.len()]).unwrap();
                }
            });
        }
        let mut next = [0; THREADS];
        while next.iter().sum::<usize>() < THREADS * each {
            for event in poll(&mut poller, LONG) {
                let (n, thread) = (event.id().0 / THREADS, event.id().0 % THREADS);
                assert_eq!((n, event.readiness()), (next[thread], flags[n % flags.len()]));
                next[thread] += 1;
            }
        }
    });
    assert_eq!(ids(&mut poller), []);
}

// Behaviour 41
#[test]
fn a_registrar_keeps_no_poller_alive_and_fails_without_it() {
    passes_alone("alone_use_a_registrar_without_its_poller", &[]);
}

#[test]
#[ignore = "run by a_registrar_keeps_no_poller_alive_and_fails_without_it"]
fn alone_use_a_registrar_without_its_poller() {
    let mut poller = Poller::new().unwrap();
    let registrar = Registrar::new(&mut poller).unwrap();
    let (ours, _peer) = UnixStream::pair().unwrap();
    registrar.register(&ours, EventedId(1), R, LEVEL).unwrap();
    registrar.notify(EventedId(1), Ready::READABLE).unwrap();
    #[cfg(epoll)]
    let number = poller.as_raw_fd();
    drop(poller);
    // SAFETY: no pointer is passed.
    #[cfg(epoll)]
    assert_eq!(unsafe { libc::fcntl(number, libc::F_GETFD) }, -1);
    let gone = |result| assert_eq!(kind::<()>(result), ErrorKind::BrokenPipe);
    gone(registrar.register(&ours, EventedId(1), R, LEVEL));
    gone(registrar.reregister(&ours, EventedId(1), R, LEVEL));
    gone(registrar.deregister(&ours));
    gone(registrar.notify(EventedId(1), Ready::READABLE));

    let mut poller = Poller::new().unwrap();
    let registrar = Registrar::new(&mut poller).unwrap();
    registrar.register(&ours, EventedId(1), W, LEVEL).unwrap();
    passes_forked(AssertUnwindSafe(|| {
        gone(registrar.deregister(&ours));
        gone(registrar.notify(EventedId(1), Ready::READABLE));
        assert!(Registrar::new(&mut poller).is_err());
    }));
    assert_eq!(ids(&mut poller), [1]);
}

/// A poller is dropped while others register: each call is before that, or fails.
// Behaviour 41
#[test]
fn a_poller_may_be_dropped_while_others_register() {
    let _alone = no_child_starts();
    for _ in 0..scaled(200) {
        let mut poller = Poller::new().unwrap();
        let registrar = Registrar::new(&mut poller).unwrap();
        let barrier = Barrier::new(3);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let (ours, _peer) = UnixStream::pair().unwrap();
                    barrier.wait();
                    loop {
                        let result = registrar
                            .register(&ours, EventedId(1), R, LEVEL)
                            .and_then(|()| registrar.notify(EventedId(1), Ready::READABLE))
                            .and_then(|()| registrar.deregister(&ours));
                        if let Err(error) = result {
                            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
                            return;
                        }
                    }
                });
            }
            barrier.wait();
            thread::yield_now();
            drop(poller);
        });
    }
}

// Behaviour 42
#[test]
fn a_poller_goes_to_another_thread_with_all_that_it_has() {
    let mut poller = Poller::new().unwrap();
    let awakener = Awakener::new(&mut poller, EventedId(1)).unwrap();
    let (mut stream, peer) = unix::UnixStream::pair().unwrap();
    let mut peer = UnixStream::from(peer);
    poller.register(&mut stream, EventedId(2), R, PollOption::Edge).unwrap();
    poller.notify(EventedId(3), Ready::HUP);
    let key = poller.add_timeout(EventedId(4), Duration::from_millis(1));
    let far = poller.add_timeout(EventedId(5), LONG);
    let carried = (Detached::new(poller), Detached::new(stream));
    let (poller, mut stream) = thread::spawn(move || {
        let (mut poller, stream) = (carried.0.attach(), carried.1.attach());
        awakener.wake().unwrap();
        peer.write_all(b"x").unwrap();
        let mut came = Vec::new();
        while came.len() < 4 {
            came.extend(poll(&mut poller, LONG).iter().map(|event| event.id().0));
        }
        came.sort();
        assert_eq!(came, [1, 2, 3, 4]);
        assert!(!poller.cancel_deadline(key));
        assert!(poller.cancel_deadline(far));
        (Detached::new(poller), Detached::new(stream))
    })
    .join()
    .map(|(poller, stream)| (poller.attach(), stream.attach()))
    .unwrap();
    assert_eq!(stream.read(&mut [0; 4]).unwrap(), 1);
    let mut poller = poller;
    poller.close(stream).unwrap();
    assert_eq!(ids(&mut poller), []);
}

/// Threads that take turns with one poller under one lock, and register beside it: each waits for events of its own,
/// whoever polls.
fn take_turns(threads: usize, rounds: usize) {
    let mut poller = Poller::new().unwrap();
    let registrar = Registrar::new(&mut poller).unwrap();
    let lock = Mutex::new(Some(Detached::new(poller)));
    let came: Vec<AtomicUsize> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
    let failed = AtomicBool::new(false);
    let end = Instant::now() + 4 * LONG;
    let turn = |work: &mut dyn FnMut(&mut Poller)| {
        let mut place = lock.lock().unwrap();
        let mut poller = place.take().unwrap().attach();
        work(&mut poller);
        *place = Some(Detached::new(poller));
    };
    let (lock_turn, came, failed) = (&turn, &came, &failed);
    thread::scope(|scope| {
        for thread in 0..threads {
            let registrar = registrar.clone();
            scope.spawn(move || {
                for round in 0..rounds {
                    let (ours, mut peer) = UnixStream::pair().unwrap();
                    let id = EventedId(thread);
                    let option =
                        [PollOption::Edge, PollOption::Oneshot, LEVEL][(round + thread) % 3];
                    let registered = if round % 2 == 0 {
                        registrar.register(&ours, id, R, option)
                    } else {
                        let mut result = Ok(());
                        lock_turn(&mut |poller| result = poller.register_fd(&ours, id, R, option));
                        result
                    };
                    registered.unwrap();
                    let before = came[thread].load(Ordering::SeqCst);
                    match round % 3 {
                        0 => peer.write_all(b"x").unwrap(),
                        1 => drop(peer.shutdown(std::net::Shutdown::Write)),
                        _ => registrar.notify(id, Ready::READABLE).unwrap(),
                    }
                    while came[thread].load(Ordering::SeqCst) == before {
                        if Instant::now() > end || failed.load(Ordering::Relaxed) {
                            failed.store(true, Ordering::Relaxed);
                            panic!("thread {thread} has lost an event in round {round}");
                        }
                        lock_turn(&mut |poller| {
                            for event in poll(poller, Duration::ZERO) {
                                came[event.id().0].fetch_add(1, Ordering::SeqCst);
                            }
                        });
                        thread::yield_now();
                    }
                    // Closed with its registration, or without it.
                    if round % 5 != 0 {
                        registrar.deregister(&ours).unwrap();
                    }
                }
            });
        }
    });
}

// Behaviour 42
#[test]
fn eight_threads_under_one_lock_lose_no_event() {
    let _alone = no_child_starts();
    take_turns(8, scaled(300));
}

/// By hand, also under ThreadSanitizer.
#[test]
#[ignore = "takes a minute"]
fn eight_threads_under_one_lock_lose_no_event_for_a_minute() {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        take_turns(8, 300);
    }
}

/// A loop that sleeps, and threads that give it work and close it behind its back.
// Behaviour 41
#[test]
fn a_sleeping_poll_hears_of_all_that_many_threads_register() {
    let _alone = no_child_starts();
    let mut poller = Poller::new().unwrap();
    let registrar = Registrar::new(&mut poller).unwrap();
    let (threads, rounds) = (4, scaled(500));
    let (sender, receiver) = mpsc::channel::<usize>();
    thread::scope(|scope| {
        let mut acknowledge = Vec::new();
        for thread in 0..threads {
            let (registrar, _sender) = (registrar.clone(), sender.clone());
            let (done, heard) = mpsc::channel::<()>();
            acknowledge.push(done);
            scope.spawn(move || {
                for _ in 0..rounds {
                    let (ours, peer) = UnixStream::pair().unwrap();
                    registrar.register(&ours, EventedId(thread), W, PollOption::Oneshot).unwrap();
                    heard.recv_timeout(4 * LONG).unwrap();
                    registrar.deregister(&ours).unwrap();
                    drop((ours, peer));
                }
            });
        }
        let mut left = threads * rounds;
        while left > 0 {
            for event in poll(&mut poller, 4 * LONG) {
                assert!(event.readiness().is_writable());
                acknowledge[event.id().0].send(()).unwrap();
                left -= 1;
            }
        }
    });
    drop(receiver);
    assert_eq!(ids(&mut poller), []);
}

#[test]
fn a_registrar_takes_whatever_has_a_descriptor() {
    let mut poller = Poller::new().unwrap();
    let registrar = Registrar::new(&mut poller).unwrap();
    let (reader, mut writer) = io::pipe().unwrap();
    registrar.register(reader.as_fd(), EventedId(1), R, LEVEL).unwrap();
    writer.write_all(b"x").unwrap();
    assert_eq!(ids(&mut poller), [1]);
    registrar.deregister(reader).unwrap();
    assert!(format!("{registrar:?}").starts_with("Registrar"));
}
