//! What a forked child can do with the pollers of its parent: nothing.

mod unix_support;

#[cfg(kqueue)]
use std::fs::File;
use std::io::{Read, Write};
#[cfg(kqueue)]
use std::os::fd::{AsFd, AsRawFd, FromRawFd};
use std::os::unix::net::UnixStream;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use mio_st::event::Event;
use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{Awakener, Interests};
use mio_st::unix::EventedFd;
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

use unix_support::{LONG, passes_alone, passes_forked};

const R: Interests = Interests::READABLE;
const OPTIONS: [PollOption; 3] = [PollOption::Edge, PollOption::Level, PollOption::Oneshot];

/// A poller with a registration of every kind, and whatever else can wait there.
struct Full {
    poller: Poller,
    listener: TcpListener,
    client: TcpStream,
    pairs: Vec<(UnixStream, UnixStream)>,
    awakener: Awakener,
    key: mio_st::poll::DeadlineKey,
}

impl Full {
    fn new() -> Full {
        let mut poller = Poller::new().unwrap();
        let mut listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        poller.register(&mut listener, EventedId(0), R, PollOption::Level).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let pairs: Vec<_> = (0..6).map(|_| UnixStream::pair().unwrap()).collect();
        for (id, (ours, peer)) in pairs.iter().enumerate() {
            let mut handle = EventedFd::new(ours);
            let option = OPTIONS[id % 3];
            poller.register(&mut handle, EventedId(1 + id), R, option).unwrap();
            // Half of them are ready.
            if id < 3 {
                (&*peer).write_all(b"x").unwrap();
            }
        }
        let awakener = Awakener::new(&mut poller, EventedId(10)).unwrap();
        awakener.wake().unwrap();
        let forgotten = Awakener::new(&mut poller, EventedId(11)).unwrap();
        forgotten.wake().unwrap();
        poller.notify(EventedId(12), Ready::WRITABLE);
        poller.add_deadline(EventedId(13), Instant::now());
        let key = poller.add_timeout(EventedId(14), LONG);
        Full { poller, listener, client, pairs, awakener, key }
    }

    /// The parent's poller has all of its events, once, and goes on.
    fn assert_undisturbed(mut self) {
        // The connection has arrived.
        let mut listening = Poller::new().unwrap();
        listening.register(&mut self.listener, EventedId(0), R, PollOption::Level).unwrap();
        listening.poll(&mut Events::new(), Some(LONG)).unwrap();

        assert_eq!(ids(&mut self.poller), [0, 1, 2, 3, 10, 11, 12, 13]);
        assert_eq!(ids(&mut self.poller), [0, 2]);
        for (_, peer) in &self.pairs[3..] {
            (&*peer).write_all(b"x").unwrap();
        }
        self.awakener.wake().unwrap();
        assert_eq!(ids(&mut self.poller), [0, 2, 4, 5, 6, 10]);
        for (ours, _) in &self.pairs {
            (&*ours).read_exact(&mut [0]).unwrap();
            self.poller.deregister(&mut EventedFd::new(ours)).unwrap();
        }
        assert_eq!(ids(&mut self.poller), [0]);
        assert!(self.poller.cancel_deadline(self.key));
    }
}

fn ids(poller: &mut Poller) -> Vec<usize> {
    let mut events = Events::new();
    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    let mut ids: Vec<usize> = events.map(|event: Event| event.id().0).collect();
    ids.sort();
    ids
}

// Behaviour 33
#[test]
fn in_a_forked_child_every_method_that_returns_a_result_fails() {
    passes_alone("alone_every_method_that_returns_a_result_fails", &[]);
}

#[test]
#[ignore = "in a process of its own"]
fn alone_every_method_that_returns_a_result_fails() {
    let mut full = Full::new();
    passes_forked(AssertUnwindSafe(|| {
        let Full { poller, listener, client, pairs, awakener, .. } = &mut full;
        let message = "the poller was created before the process was forked";
        let fails = |result: std::io::Result<()>| {
            assert_eq!(result.unwrap_err().to_string(), message);
        };
        let mut events = Events::new();
        for timeout in [None, Some(Duration::ZERO), Some(Duration::from_nanos(1)), Some(LONG)] {
            fails(poller.poll(&mut events, timeout));
            assert!(events.is_empty());
        }
        for option in OPTIONS {
            fails(poller.register(client, EventedId(20), R, option));
            fails(poller.reregister(listener, EventedId(20), R, option));
        }
        for (ours, _) in &*pairs {
            fails(poller.deregister(&mut EventedFd::new(ours)));
        }
        fails(poller.try_notify(EventedId(20), Ready::READABLE));
        fails(Awakener::new(poller, EventedId(20)).map(drop));
        for _ in 0..3 {
            awakener.wake().unwrap_err();
        }
    }));
    full.assert_undisturbed();
}

// Behaviour 33
#[test]
fn a_quiet_poller_fails_in_the_child_too() {
    passes_alone("alone_a_quiet_poller_fails_in_the_child_too", &[]);
}

/// One on the shortest way through a poll: nothing waits, and it was polled before.
#[test]
#[ignore = "in a process of its own"]
fn alone_a_quiet_poller_fails_in_the_child_too() {
    let (ours, peer) = UnixStream::pair().unwrap();
    let mut poller = Poller::new().unwrap();
    poller.register(&mut EventedFd::new(&ours), EventedId(1), R, PollOption::Edge).unwrap();
    for _ in 0..3 {
        assert!(ids(&mut poller).is_empty());
    }
    (&peer).write_all(b"x").unwrap();
    passes_forked(AssertUnwindSafe(|| {
        let mut events = Events::new();
        poller.poll(&mut events, Some(Duration::ZERO)).unwrap_err();
        poller.poll(&mut events, None).unwrap_err();
        assert!(events.is_empty());
    }));
    assert_eq!(ids(&mut poller), [1]);
}

// Behaviour 33
#[test]
fn in_a_forked_child_the_other_methods_act_on_the_copy_only() {
    passes_alone("alone_the_other_methods_act_on_the_copy_only", &[]);
}

#[test]
#[ignore = "in a process of its own"]
fn alone_the_other_methods_act_on_the_copy_only() {
    let mut full = Full::new();
    passes_forked(AssertUnwindSafe(|| {
        let poller = &mut full.poller;
        let mut events = Events::new();
        assert_eq!(poller.next_wakeup(), Some(Duration::ZERO));
        poller.notify(EventedId(20), Ready::READABLE);
        poller.add_deadline(EventedId(21), Instant::now());
        poller.remove_deadline(EventedId(13));
        assert!(poller.move_deadline(full.key, Instant::now()));
        poller.poll_userspace(&mut events);
        let ids: Vec<usize> = events.iter().map(|event| event.id().0).collect();
        assert_eq!(ids, [12, 20, 21, 14]);
        assert!(!poller.cancel_deadline(full.key));
        poller.now();
        assert_eq!(poller.next_wakeup(), None);
    }));
    full.assert_undisturbed();
}

// Behaviour 33
#[test]
fn a_child_that_drops_everything_does_not_disturb_the_parent() {
    passes_alone("alone_a_child_that_drops_everything", &[]);
}

#[test]
#[ignore = "in a process of its own"]
fn alone_a_child_that_drops_everything() {
    let mut full = Some(Full::new());
    passes_forked(AssertUnwindSafe(|| drop(full.take())));
    full.unwrap().assert_undisturbed();

    // In the order in which each handle comes before its poller.
    let mut full = Some(Full::new());
    passes_forked(AssertUnwindSafe(|| {
        let Full { poller, listener, client, pairs, awakener, .. } = full.take().unwrap();
        drop((awakener, pairs, client, listener, poller));
    }));
    full.unwrap().assert_undisturbed();
}

// Behaviour 33
#[test]
#[cfg(kqueue)] // An epoll is inherited, and so its number is nobody else's.
fn a_child_that_drops_a_poller_closes_nothing_of_its_own() {
    passes_alone("alone_a_child_that_drops_a_poller_closes_nothing", &[]);
}

#[test]
#[cfg(kqueue)]
#[ignore = "in a process of its own"]
fn alone_a_child_that_drops_a_poller_closes_nothing() {
    let mut poller = Some(Poller::new().unwrap());
    passes_forked(AssertUnwindSafe(|| {
        let number = poller.as_ref().unwrap().as_fd().as_raw_fd();
        let file = File::open("/dev/null").unwrap();
        let file = match file.as_raw_fd() {
            raw if raw == number => file,
            // SAFETY: the number is that of the kqueue, which the child has not.
            raw => unsafe { File::from_raw_fd(libc::dup2(raw, number)) },
        };
        drop(poller.take());
        file.metadata().unwrap();
    }));
}

// Behaviour 33
#[test]
fn a_child_can_use_pollers_of_its_own_and_the_sockets_it_inherited() {
    passes_alone("alone_a_child_can_use_pollers_of_its_own", &[]);
}

#[test]
#[ignore = "in a process of its own"]
fn alone_a_child_can_use_pollers_of_its_own() {
    let mut full = Full::new();
    passes_forked(AssertUnwindSafe(|| {
        let mut poller = Poller::new().unwrap();
        let mut events = Events::new();
        // As a server that forks its workers does.
        poller.register(&mut full.listener, EventedId(0), R, PollOption::Level).unwrap();
        poller.poll(&mut events, Some(LONG)).unwrap();
        assert_eq!(events.len(), 1);
        let awakener = Awakener::new(&mut poller, EventedId(1)).unwrap();
        awakener.wake().unwrap();
        assert_eq!(ids(&mut poller), [0, 1]);
        // A grandchild is a child in turn.
        passes_forked(AssertUnwindSafe(|| {
            poller.poll(&mut events, None).unwrap_err();
            awakener.wake().unwrap_err();
            full.poller.poll(&mut events, None).unwrap_err();
            Poller::new().unwrap().poll(&mut events, Some(Duration::ZERO)).unwrap();
        }));
        assert_eq!(ids(&mut poller), [0]);
    }));
    full.assert_undisturbed();
}
