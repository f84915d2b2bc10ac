//! Registering handles, and what becomes of them when they are closed.

mod differences;
mod unix_support;

use std::fs::{self, File};
use std::io::{self, Read, Write};
#[cfg(epoll)]
use std::os::fd::AsFd;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use mio_st::event::{Event, Evented};
use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::Interests;
use mio_st::unix::{EventedFd, EventedIo, UnixDatagram, UnixListener, new_pipe};
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

use differences::differs;
use unix_support::{LONG, errno, kind, no_child_starts, passes_alone};

const R: Interests = Interests::READABLE;
const W: Interests = Interests::WRITABLE;

/// What is there without waiting.
fn poll(poller: &mut Poller) -> Vec<Event> {
    let mut events = Events::new();
    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    events.collect()
}

fn ids(poller: &mut Poller) -> Vec<usize> {
    let mut ids: Vec<usize> = poll(poller).iter().map(|event| event.id().0).collect();
    ids.sort();
    ids
}

fn readable_pair() -> (UnixStream, UnixStream) {
    let (ours, peer) = UnixStream::pair().unwrap();
    (&peer).write_all(b"x").unwrap();
    (ours, peer)
}

/// One handle of every kind, with interests that it takes.
fn handles() -> Vec<(&'static str, Box<dyn Evented>, Interests)> {
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = TcpListener::bind(address).unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (sender, receiver) = new_pipe().unwrap();
    let (unix, _) = mio_st::unix::UnixStream::pair().unwrap();
    let (datagram, _) = UnixDatagram::pair().unwrap();
    let folder = unix_support::Folder::new();
    let unix_listener = UnixListener::bind(folder.join("listener")).unwrap();
    let any = EventedIo::from(OwnedFd::from(UnixStream::pair().unwrap().0));
    vec![
        ("TcpListener", Box::new(listener), R),
        ("TcpStream", Box::new(stream), R | W),
        ("Sender", Box::new(sender), W),
        ("Receiver", Box::new(receiver), R),
        ("UnixStream", Box::new(unix), R | W),
        ("UnixDatagram", Box::new(datagram), R | W),
        ("UnixListener", Box::new(unix_listener), R),
        ("EventedIo", Box::new(any), R),
    ]
}

// Behaviour 1
#[test]
fn registering_twice_already_exists_and_what_is_not_registered_is_not_found() {
    for (name, mut handle, interests) in handles() {
        let handle = &mut *handle;
        let mut poller = Poller::new().unwrap();
        let id = EventedId(0);
        for option in [PollOption::Edge, PollOption::Level, PollOption::Oneshot] {
            let not_found = |result| assert_eq!(kind(result), io::ErrorKind::NotFound, "{name}");
            not_found(poller.reregister(handle, id, interests, option));
            not_found(poller.deregister(handle));
            poller.register(handle, id, interests, option).unwrap();
            let twice = poller.register(handle, id, interests, option);
            assert_eq!(kind(twice), io::ErrorKind::AlreadyExists, "{name}");
            poller.reregister(handle, id, interests, option).unwrap();
            poller.deregister(handle).unwrap();
            not_found(poller.deregister(handle));
        }
    }
}

// Behaviour 1
#[test]
fn a_failed_registration_leaves_the_old_one_as_it_was() {
    let (ours, _peer) = readable_pair();
    let mut handle = EventedFd::new(&ours);
    let mut poller = Poller::new().unwrap();
    poller.register(&mut handle, EventedId(1), R, PollOption::Level).unwrap();
    poller.register(&mut handle, EventedId(2), R | W, PollOption::Oneshot).unwrap_err();
    for _ in 0..2 {
        assert_eq!(poll(&mut poller), [Event::new(EventedId(1), Ready::READABLE)]);
    }
}

// Behaviour 1
#[test]
fn watching_registers_reregisters_and_ends_whatever_was_before() {
    let _alone = no_child_starts();
    let level = PollOption::Level;
    let (ours, _peer) = readable_pair();
    let mut poller = Poller::new().unwrap();
    for round in 0..3 {
        poller.watch_fd(&ours, EventedId(1), Some(R), level).unwrap();
        assert_eq!(poll(&mut poller), [Event::new(EventedId(1), Ready::READABLE)]);
        poller.watch_fd(&ours, EventedId(2), Some(R | W), level).unwrap();
        let both = Ready::READABLE | Ready::WRITABLE;
        assert_eq!(poll(&mut poller), [Event::new(EventedId(2), both)]);
        match round {
            // However it ends.
            0 => poller.watch_fd(&ours, EventedId(3), None, level).unwrap(),
            _ => poller.deregister(&mut EventedFd::new(&ours)).unwrap(),
        }
        assert_eq!(ids(&mut poller), []);
        poller.watch_fd(&ours, EventedId(3), None, level).unwrap();
        if round == 1 {
            // However it began.
            poller.register(&mut EventedFd::new(&ours), EventedId(4), R, PollOption::Edge).unwrap();
        }
    }
    poller.watch_fd(&ours, EventedId(5), Some(R), PollOption::Oneshot).unwrap();
    assert_eq!([ids(&mut poller), ids(&mut poller)], [vec![5], vec![]]);

    let twice = poller.register(&mut EventedFd::new(&ours), EventedId(6), R, level);
    assert_eq!(kind(twice), io::ErrorKind::AlreadyExists);
}

// Behaviour 1
#[test]
fn watching_is_right_also_when_the_number_is_anothers() {
    let _alone = no_child_starts();
    let mut poller = Poller::new().unwrap();
    let mut previous = None;
    for id in 0..10 {
        // A high number, which nobody else gets. Every other one is a pipe: of another kind.
        let descriptor = if id % 2 == 0 {
            let (ours, peer) = readable_pair();
            (duplicate(&ours, 700), Box::new(peer) as Box<dyn std::any::Any>)
        } else {
            let (mut sender, receiver) = new_pipe().unwrap();
            sender.write_all(b"x").unwrap();
            (duplicate(&receiver, 700), Box::new(sender) as _)
        };
        let number = descriptor.0.as_raw_fd();
        assert_eq!(*previous.get_or_insert(number), number);
        poller.watch_fd(&descriptor.0, EventedId(id), Some(R), PollOption::Level).unwrap();
        assert_eq!(poll(&mut poller), [Event::new(EventedId(id), Ready::READABLE)]);
        // Closed behind its back; that it is watched no more comes too late, or for the next one.
        drop(descriptor);
        assert_eq!(ids(&mut poller), []);
        if id % 3 == 0 {
            let ended = poller.raw_watch(number, 0, None, PollOption::Level);
            assert_eq!(errno(ended), Some(libc::EBADF));
        }
    }
}

// Behaviour 2
#[test]
fn a_bad_descriptor_is_an_error() {
    let mut poller = Poller::new().unwrap();
    let closed = {
        // Far above those that other tests open meanwhile.
        let file = File::open("/dev/null").unwrap();
        // SAFETY: no pointer is passed.
        let high = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 900) };
        assert!(high >= 900);
        // SAFETY: nobody else knows the descriptor.
        assert_eq!(unsafe { libc::close(high) }, 0);
        high
    };
    for fd in [-1, closed, i32::MAX, i32::MIN] {
        let registered = poller.raw_register(fd, 0, R, PollOption::Edge);
        assert_eq!(errno(registered), Some(libc::EBADF), "{fd}");
        let reregistered = poller.raw_reregister(fd, 0, R, PollOption::Edge);
        assert_eq!(errno(reregistered), Some(libc::EBADF), "{fd}");
        assert_eq!(errno(poller.raw_deregister(fd)), Some(libc::EBADF), "{fd}");
        for interests in [Some(R), None] {
            let watched = poller.raw_watch(fd, 0, interests, PollOption::Edge);
            assert_eq!(errno(watched), Some(libc::EBADF), "{fd}");
        }
    }
    assert_eq!(poll(&mut poller), []);
}

// Behaviour 2
#[test]
fn a_device_that_is_no_terminal_is_as_the_system_has_it() {
    for path in ["/dev/null", "/dev/zero"] {
        let file = File::open(path).unwrap();
        let mut poller = Poller::new().unwrap();
        let result =
            poller.register(&mut EventedFd::new(&file), EventedId(0), R, PollOption::Level);
        if differs("devices") {
            assert_eq!(errno(result), Some(libc::EINVAL), "{path}");
        } else if cfg!(epoll) {
            assert_eq!(errno(result), Some(libc::EPERM), "{path}");
        } else {
            result.unwrap();
        }
    }
}

// Behaviour 2
#[test]
fn a_regular_file_and_a_folder_are_refused_with_eperm() {
    type Call = fn(&mut Poller, &mut EventedFd) -> io::Result<()>;
    let calls: [(&str, Call); 4] = [
        ("watch", |poller, handle| {
            poller.watch_fd(*handle, EventedId(0), Some(R), PollOption::Level)
        }),
        ("register", |poller, handle| poller.register(handle, EventedId(0), R, PollOption::Level)),
        ("reregister", |poller, handle| {
            poller.reregister(handle, EventedId(0), R, PollOption::Level)
        }),
        ("deregister", |poller, handle| poller.deregister(handle)),
    ];
    let mut poller = Poller::new().unwrap();
    for path in ["/proc/self/exe", "/"] {
        let file = File::open(path).unwrap();
        for (name, call) in calls {
            let result = call(&mut poller, &mut EventedFd::new(&file));
            assert_eq!(errno(result), Some(libc::EPERM), "{name} {path}");
            // It has the number that a registered descriptor had: a high one, which nobody else gets.
            let (socket, _peer) = UnixStream::pair().unwrap();
            let registered = duplicate(&socket, 500);
            let mut handle = EventedFd::new(&registered);
            poller.register(&mut handle, EventedId(1), R, PollOption::Level).unwrap();
            let number = registered.as_raw_fd();
            drop(registered);
            let file = duplicate(&file, number);
            assert_eq!(file.as_raw_fd(), number);
            let result = call(&mut poller, &mut EventedFd::new(&file));
            assert_eq!(errno(result), Some(libc::EPERM), "{name} {path}, registered before");
        }
    }
}

/// Another descriptor of the same file, of this number or above.
fn duplicate(descriptor: &impl AsRawFd, number: RawFd) -> OwnedFd {
    // SAFETY: no pointer is passed, and the new descriptor is ours.
    unsafe {
        let new = libc::fcntl(descriptor.as_raw_fd(), libc::F_DUPFD_CLOEXEC, number);
        assert!(new >= 0, "{}", io::Error::last_os_error());
        OwnedFd::from_raw_fd(new)
    }
}

// Behaviour 3
#[test]
fn reregister_replaces_id_interests_and_trigger_also_when_nothing_was_polled_in_between() {
    for polled in [false, true] {
        let (ours, peer) = readable_pair();
        let mut handle = EventedFd::new(&ours);
        let mut poller = Poller::new().unwrap();
        let event = |id, ready| [Event::new(EventedId(id), ready)];

        poller.register(&mut handle, EventedId(1), R, PollOption::Edge).unwrap();
        if polled {
            assert_eq!(poll(&mut poller), event(1, Ready::READABLE));
        }
        // Another id, and armed again.
        poller.reregister(&mut handle, EventedId(2), R, PollOption::Oneshot).unwrap();
        if polled {
            assert_eq!(poll(&mut poller), event(2, Ready::READABLE));
            assert_eq!(poll(&mut poller), []);
        }
        // Other interests: what can be read is of no interest any more, nor is that it ends.
        poller.reregister(&mut handle, EventedId(3), W, PollOption::Level).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        for _ in 0..3 {
            assert_eq!(poll(&mut poller), event(3, Ready::WRITABLE));
        }
        // And back.
        poller.reregister(&mut handle, EventedId(4), R, PollOption::Edge).unwrap();
        assert_eq!(poll(&mut poller), event(4, Ready::READABLE | Ready::READ_CLOSED));
        assert_eq!(poll(&mut poller), []);
    }
}

// Behaviour 3
#[test]
fn after_reregister_no_event_of_the_old_interests_arrives() {
    // Readable only: once the interest is writing, nothing is left of the event that waited.
    let (mut sender, receiver) = new_pipe().unwrap();
    sender.write_all(b"x").unwrap();
    let mut handle = EventedFd::new(&receiver);
    let mut poller = Poller::new().unwrap();
    for option in [PollOption::Edge, PollOption::Level, PollOption::Oneshot] {
        poller.register(&mut handle, EventedId(1), R, option).unwrap();
        poller.reregister(&mut handle, EventedId(1), W, option).unwrap();
        let left: Vec<Ready> = poll(&mut poller).iter().map(Event::readiness).collect();
        let written = differs("pipes in both directions").then_some(Ready::WRITABLE);
        assert_eq!(left, Vec::from_iter(written), "{option:?}");
        poller.deregister(&mut handle).unwrap();
    }
}

// Behaviour 4
#[test]
fn deregister_then_register_again_works() {
    let (ours, _peer) = readable_pair();
    let mut handle = EventedFd::new(&ours);
    let mut poller = Poller::new().unwrap();
    for id in 0..100 {
        poller.register(&mut handle, EventedId(id), R, PollOption::Edge).unwrap();
        assert_eq!(ids(&mut poller), [id]);
        poller.deregister(&mut handle).unwrap();
        assert_eq!(ids(&mut poller), []);
    }
}

// Behaviour 4
#[test]
fn two_thousand_pollers_leak_no_descriptor() {
    passes_alone("alone_two_thousand_pollers_leak_no_descriptor", &[]);
}

#[test]
#[ignore = "in a process of its own"]
fn alone_two_thousand_pollers_leak_no_descriptor() {
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = open();
    for round in 0..2000 {
        let mut poller = Poller::new().unwrap();
        let (sender, receiver) = new_pipe().unwrap();
        let mut handle = EventedFd::new(&receiver);
        poller.register(&mut handle, EventedId(0), R, PollOption::Edge).unwrap();
        let awakener = mio_st::poll::Awakener::new(&mut poller, EventedId(1)).unwrap();
        awakener.wake().unwrap();
        assert_eq!(ids(&mut poller), [1]);
        // In either order.
        if round % 2 == 0 {
            drop((poller, sender, receiver, awakener));
        } else {
            drop((awakener, sender, receiver, poller));
        }
    }
    assert_eq!(open(), before);
}

// Behaviour 5
#[test]
fn closing_a_handle_without_deregistering_it_brings_no_event_for_it() {
    let _alone = no_child_starts();
    for option in [PollOption::Edge, PollOption::Level, PollOption::Oneshot] {
        for polled in [false, true] {
            let (ours, peer) = readable_pair();
            let mut poller = Poller::new().unwrap();
            poller.register(&mut EventedFd::new(&ours), EventedId(1), R, option).unwrap();
            if polled {
                assert_eq!(ids(&mut poller), [1]);
            }
            drop(ours);
            assert_eq!(ids(&mut poller), [], "{option:?}");
            let _ = (&peer).write(b"y");
            drop(peer);
            assert_eq!(ids(&mut poller), [], "{option:?}");
        }
    }
}

// Behaviour 5
#[test]
fn what_the_poller_closes_gives_no_event_though_its_descriptor_was_copied() {
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let _copy = ours.try_clone().unwrap();
    let mut poller = Poller::new().unwrap();
    let mut stream = mio_st::unix::UnixStream::from(ours);
    poller.register(&mut stream, EventedId(1), R, PollOption::Level).unwrap();
    peer.write_all(b"x").unwrap();
    assert_eq!(ids(&mut poller), [1]);
    poller.close(stream).unwrap();
    assert_eq!(ids(&mut poller), []);

    // What is not registered is closed all the same.
    let (listener, mut peer) = mio_st::unix::UnixStream::pair().unwrap();
    poller.close(listener).unwrap();
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
}

// Behaviour 5
#[test]
#[cfg(epoll)]
fn while_a_duplicate_is_open_epoll_goes_on_unless_the_handle_was_deregistered_first() {
    let _alone = no_child_starts();
    let (ours, _peer) = readable_pair();
    let duplicate = ours.try_clone().unwrap();
    let mut poller = Poller::new().unwrap();
    poller.register(&mut EventedFd::new(&ours), EventedId(1), R, PollOption::Level).unwrap();
    drop(ours);
    assert_eq!(ids(&mut poller), [1]);
    // And nobody can deregister it: the number that was registered is gone.
    let error = poller.deregister(&mut EventedFd::new(&duplicate)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert_eq!(ids(&mut poller), [1]);
    drop(duplicate);
    assert_eq!(ids(&mut poller), []);

    // The remedy.
    let (ours, _peer) = readable_pair();
    let _duplicate = ours.try_clone().unwrap();
    poller.register(&mut EventedFd::new(&ours), EventedId(2), R, PollOption::Level).unwrap();
    poller.deregister(&mut EventedFd::new(&ours)).unwrap();
    drop(ours);
    assert_eq!(ids(&mut poller), []);
}

// Behaviour 6
#[test]
fn a_handler_may_close_or_deregister_handles_whose_events_are_in_the_same_batch() {
    let _alone = no_child_starts();
    let mut pairs: Vec<_> = (0..20).map(|_| Some(readable_pair())).collect();
    let mut poller = Poller::new().unwrap();
    for (id, pair) in pairs.iter().enumerate() {
        let mut handle = EventedFd::new(&pair.as_ref().unwrap().0);
        poller.register(&mut handle, EventedId(id), R, PollOption::Level).unwrap();
    }
    let mut events = Events::new();
    poller.poll(&mut events, Some(LONG)).unwrap();
    assert_eq!(events.len(), 20);
    let mut seen = 0;
    for event in &mut events {
        seen += 1;
        let id = event.id().0;
        if id % 3 == 0 {
            // The neighbour's event may have been handled, or may be still to come.
            pairs[id + 1] = None;
            if let Some(Some((neighbour, _))) = pairs.get(id + 2) {
                poller.deregister(&mut EventedFd::new(neighbour)).unwrap();
            }
        }
    }
    assert_eq!(seen, 20);
    let left: Vec<usize> = (0..20).filter(|id| id % 3 == 0).collect();
    assert_eq!(ids(&mut poller), left);
}

// Behaviour 6
#[test]
fn a_handle_that_gets_a_closed_ones_number_within_a_batch_gets_its_own_events_only() {
    passes_alone("alone_a_handle_that_gets_a_closed_ones_number", &[]);
}

#[test]
#[ignore = "in a process of its own, for the numbers of descriptors"]
fn alone_a_handle_that_gets_a_closed_ones_number() {
    let (a, _a_peer) = readable_pair();
    let (b, _b_peer) = readable_pair();
    let mut poller = Poller::new().unwrap();
    poller.register(&mut EventedFd::new(&a), EventedId(0), R, PollOption::Level).unwrap();
    poller.register(&mut EventedFd::new(&b), EventedId(1), R, PollOption::Level).unwrap();
    let mut events = Events::new();
    poller.poll(&mut events, Some(LONG)).unwrap();
    assert_eq!(events.len(), 2);

    // The handler of the first event closes the other handle, and adds a new one.
    let first = (&mut events).next().unwrap().id().0;
    let (keep, close) = if first == 0 { (a, b) } else { (b, a) };
    let number = close.as_raw_fd();
    drop(close);
    let (new, _new_peer) = UnixStream::pair().unwrap();
    assert_eq!(new.as_raw_fd(), number);
    poller.register(&mut EventedFd::new(&new), EventedId(7), R, PollOption::Level).unwrap();

    // The event in the batch is the closed one's, by its id; the new one has none, as it is not readable.
    assert_eq!((&mut events).next().unwrap().id().0, 1 - first);
    assert_eq!(ids(&mut poller), [first]);
    poller.deregister(&mut EventedFd::new(&keep)).unwrap();
    assert_eq!(ids(&mut poller), []);
}

// Behaviour 6
#[test]
fn a_handler_may_reregister_and_add_again_what_is_in_the_same_batch() {
    let pairs: Vec<_> = (0..10).map(|_| readable_pair()).collect();
    let mut poller = Poller::new().unwrap();
    for (id, (ours, _)) in pairs.iter().enumerate() {
        let mut handle = EventedFd::new(ours);
        poller.register(&mut handle, EventedId(id), R, PollOption::Oneshot).unwrap();
    }
    let mut events = Events::with_capacity(5);
    poller.poll(&mut events, Some(LONG)).unwrap();
    let batch: Vec<usize> = (&mut events).map(|event| event.id().0).collect();
    assert_eq!(batch.len(), 5);
    for (id, (ours, _)) in pairs.iter().enumerate() {
        let mut handle = EventedFd::new(ours);
        poller.deregister(&mut handle).unwrap();
        poller.register(&mut handle, EventedId(100 + id), R, PollOption::Oneshot).unwrap();
    }
    // Whether their event was handed out or waited in the kernel: each has one, under the new id.
    assert_eq!(ids(&mut poller), (100..110).collect::<Vec<_>>());
}

// Behaviour 7
#[test]
fn a_poller_can_be_registered_in_another_poller() {
    for option in [PollOption::Edge, PollOption::Level, PollOption::Oneshot] {
        let (ours, peer) = UnixStream::pair().unwrap();
        let mut inner = Poller::new().unwrap();
        inner.register(&mut EventedFd::new(&ours), EventedId(1), R, PollOption::Level).unwrap();
        let mut outer = Poller::new().unwrap();
        outer.register(&mut EventedFd::new(&inner), EventedId(2), R, option).unwrap();
        assert_eq!(poll(&mut outer), []);

        (&peer).write_all(b"x").unwrap();
        let mut events = Events::new();
        if differs("a nested queue is told late") && cfg!(kqueue_simulated) {
            assert_eq!(poll(&mut outer), []);
        }
        outer.poll(&mut events, Some(LONG)).unwrap();
        assert_eq!((&mut events).next(), Some(Event::new(EventedId(2), Ready::READABLE)));
        assert_eq!(poll(&mut inner), [Event::new(EventedId(1), Ready::READABLE)]);

        (&ours).read_exact(&mut [0]).unwrap();
        assert_eq!(poll(&mut inner), []);
        assert_eq!(poll(&mut outer), []);
        outer.deregister(&mut EventedFd::new(&inner)).unwrap();
    }
}

// Behaviour 7
#[test]
fn a_poller_in_itself_is_an_error() {
    let mut poller = Poller::new().unwrap();
    let fd = poller.as_raw_fd();
    let itself = poller.raw_register(fd, 0, R, PollOption::Level);
    assert_eq!(errno(itself), Some(libc::EINVAL));
}

// Behaviour 7
#[test]
#[cfg(epoll)] // Which error it is on the others, and whether it is one, is theirs to say.
fn a_poller_in_itself_or_in_a_circle_is_an_error() {
    let (mut a, mut b) = (Poller::new().unwrap(), Poller::new().unwrap());
    let fd = a.as_fd().try_clone_to_owned().unwrap();
    a.register(&mut EventedFd::new(&b), EventedId(0), R, PollOption::Level).unwrap();
    let circle = b.register(&mut EventedFd::new(&fd), EventedId(0), R, PollOption::Level);
    assert_eq!(errno(circle), Some(libc::ELOOP));
    // A duplicate of itself is the same poller.
    let itself = a.register(&mut EventedFd::new(&fd), EventedId(0), R, PollOption::Level);
    assert_eq!(errno(itself), Some(libc::EINVAL));
}

/// As a user has it: interests that the handle gets when it is not paused, and a peer that makes it readable.
fn paused(option: PollOption) -> (Poller, EventedIo, UnixStream) {
    let (ours, peer) = UnixStream::pair().unwrap();
    let mut ours = EventedIo::from(OwnedFd::from(ours));
    let mut poller = Poller::new().unwrap();
    poller.register(&mut ours, EventedId(1), R | W, option).unwrap();
    poller.reregister(&mut ours, EventedId(1), Interests::NONE, option).unwrap();
    (poller, ours, peer)
}

// Behaviour 9
#[test]
fn without_interests_a_handle_gives_no_event_until_it_has_some_again() {
    for option in [PollOption::Edge, PollOption::Level, PollOption::Oneshot] {
        let (mut poller, mut ours, mut peer) = paused(option);
        peer.write_all(b"x").unwrap();
        assert_eq!(ids(&mut poller), []);
        poller.reregister(&mut ours, EventedId(2), R, option).unwrap();
        assert_eq!(poll(&mut poller), [Event::new(EventedId(2), Ready::READABLE)]);

        // From the beginning, of every kind of handle.
        for (name, mut handle, interests) in handles() {
            let handle = &mut *handle;
            poller.register(handle, EventedId(3), Interests::NONE, option).unwrap();
            let again = poller.register(handle, EventedId(3), interests, option);
            assert_eq!(kind(again), io::ErrorKind::AlreadyExists, "{name}");
            poller.reregister(handle, EventedId(3), interests, option).unwrap();
            poller.reregister(handle, EventedId(3), Interests::NONE, option).unwrap();
            poller.deregister(handle).unwrap();
            assert_eq!(kind(poller.deregister(handle)), io::ErrorKind::NotFound, "{name}");
        }
    }
}

// Behaviour 9
#[test]
fn a_hang_up_is_told_without_interests_where_the_system_cannot_be_silent() {
    for option in [PollOption::Edge, PollOption::Level, PollOption::Oneshot] {
        let (mut poller, mut ours, peer) = paused(option);
        drop(peer);
        for turn in 0..3 {
            let told = !differs("a hang-up without interests")
                && (turn == 0 || option == PollOption::Level);
            let hang_up = Ready::READABLE | Ready::READ_CLOSED | Ready::WRITE_CLOSED | Ready::HUP;
            let expected = told.then_some(Event::new(EventedId(1), hang_up));
            assert_eq!(poll(&mut poller), Vec::from_iter(expected), "{option:?}, {turn}");
        }
        // Nothing is lost.
        poller.reregister(&mut ours, EventedId(1), R, option).unwrap();
        assert!(poll(&mut poller)[0].readiness().is_hup());
    }
}

// Behaviour 9. Closing ends the registration of a paused handle, too.
#[test]
fn the_number_of_a_paused_handle_that_was_closed_can_be_registered() {
    let _alone = no_child_starts();
    let mut poller = Poller::new().unwrap();
    // A high number, which nobody else gets.
    let first = duplicate(&UnixStream::pair().unwrap().0, 800);
    let number = first.as_raw_fd();
    poller.register_fd(&first, EventedId(1), Interests::NONE, PollOption::Edge).unwrap();
    drop(first);
    let (other, mut peer) = UnixStream::pair().unwrap();
    let other = duplicate(&other, 800);
    assert_eq!(other.as_raw_fd(), number);
    poller.register_fd(&other, EventedId(7), R, PollOption::Edge).unwrap();
    peer.write_all(b"x").unwrap();
    assert_eq!(ids(&mut poller), [7]);
}

#[test]
fn what_owns_a_handle_or_borrows_it_is_registered_as_the_handle() {
    let mut poller = Poller::new().unwrap();
    let (ours, _peer) = mio_st::unix::UnixStream::pair().unwrap();
    let id = EventedId(1);
    let mut shared = Rc::new(ours);
    let other = Rc::clone(&shared);
    poller.register(&mut shared, id, W, PollOption::Level).unwrap();
    assert_eq!(ids(&mut poller), [1]);
    poller.reregister(&mut &*other, EventedId(2), W, PollOption::Level).unwrap();
    assert_eq!(ids(&mut poller), [2]);
    poller.deregister(&mut shared).unwrap();
    assert_eq!(ids(&mut poller), []);

    let mut boxed: Box<dyn Evented> = Box::new(shared);
    poller.register(&mut boxed, id, W, PollOption::Level).unwrap();
    poller.reregister(&mut &mut boxed, EventedId(3), W, PollOption::Level).unwrap();
    assert_eq!(ids(&mut poller), [3]);
    poller.close(boxed).unwrap();
    assert_eq!(ids(&mut poller), []);
    poller.register(&mut &*other, id, W, PollOption::Level).unwrap();

    // What makes no sense for the handle is refused as ever.
    let (sender, receiver) = new_pipe().unwrap();
    assert_eq!(errno(poller.register(&mut Rc::new(receiver), id, W, PollOption::Edge)), None);
    assert_eq!(errno(poller.register(&mut Box::new(sender), id, R, PollOption::Edge)), None);
}

#[test]
fn a_descriptor_is_registered_without_a_handle() {
    let mut poller = Poller::new().unwrap();
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let not_found = |result| assert_eq!(kind(result), io::ErrorKind::NotFound);
    not_found(poller.reregister_fd(&ours, EventedId(1), R, PollOption::Level));
    poller.register_fd(&ours, EventedId(1), R, PollOption::Level).unwrap();
    peer.write_all(b"x").unwrap();
    assert_eq!(ids(&mut poller), [1]);
    poller.reregister_fd(&ours, EventedId(2), R, PollOption::Level).unwrap();
    assert_eq!(ids(&mut poller), [2]);
    poller.deregister_fd(&ours).unwrap();
    assert_eq!(ids(&mut poller), []);
    not_found(poller.deregister_fd(ours));
}

#[test]
fn a_file_that_is_no_regular_one_is_registered_as_its_owners_handle() {
    let folder = unix_support::Folder::new();
    let path = folder.join("fifo");
    let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
    // SAFETY: the name ends with a NUL.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let file = File::options().read(true).write(true).open(&path).unwrap();
    let mut fifo = EventedIo::from(file);
    let mut poller = Poller::new().unwrap();
    poller.register(&mut fifo, EventedId(1), R, PollOption::Edge).unwrap();
    fifo.write_all(b"x").unwrap();
    assert_eq!(ids(&mut poller), [1]);
    let mut file = File::from(fifo);
    let mut buffer = [0; 2];
    assert_eq!(file.read(&mut buffer).unwrap(), 1);
    assert_eq!(kind(file.read(&mut buffer).map(drop)), io::ErrorKind::WouldBlock);
}

// Behaviour 40
#[test]
fn an_exclusive_registration_has_its_rules() {
    let mut poller = Poller::new().unwrap();
    let (mut ours, mut peer) = UnixStream::pair().unwrap();
    let level = PollOption::Level;
    if cfg!(kqueue) {
        let unsupported = poller.register_exclusive(&ours, EventedId(1), R, level);
        assert_eq!(kind(unsupported), io::ErrorKind::Unsupported);
        return;
    }
    let invalid = |result| assert_eq!(kind(result), io::ErrorKind::InvalidInput);
    let inner = Poller::new().unwrap();
    invalid(poller.register_exclusive(&ours, EventedId(1), R, PollOption::Oneshot));
    invalid(poller.register_exclusive(&ours, EventedId(1), R | Interests::PRIORITY, level));
    invalid(poller.register_exclusive(&inner, EventedId(1), R, level));
    for option in [PollOption::Edge, level] {
        poller.register_exclusive(&ours, EventedId(1), R, option).unwrap();
        let again = poller.register_exclusive(&ours, EventedId(1), R, option);
        assert_eq!(kind(again), io::ErrorKind::AlreadyExists);
        invalid(poller.reregister_fd(&ours, EventedId(2), R, option));
        peer.write_all(b"x").unwrap();
        assert_eq!(poll(&mut poller), [Event::new(EventedId(1), Ready::READABLE)]);
        assert_eq!(ids(&mut poller).len(), usize::from(option == level));
        poller.deregister_fd(&ours).unwrap();
        assert_eq!(ours.read(&mut [0; 4]).unwrap(), 1);
    }
    drop(peer);
    poller.register_exclusive(&ours, EventedId(1), R, level).unwrap();
    assert!(poll(&mut poller)[0].readiness().contains(Ready::HUP | Ready::READ_CLOSED));
}

/// How often the threads that share a listener are woken by connections that come one by one.
#[cfg(all(epoll, target_os = "linux"))]
fn wakes_of_eight_pollers(exclusive: bool, connections: usize) -> usize {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use mio_st::poll::Awakener;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (accepted, ends) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel();
    let sleeps = |thread: i32| {
        let state = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
        state.rsplit_once(") ").unwrap().1.starts_with('S')
    };
    let switches = |thread: i32| -> usize {
        let status = fs::read_to_string(format!("/proc/self/task/{thread}/status")).unwrap();
        let (_, switches) = status.split_once("\nvoluntary_ctxt_switches:").unwrap();
        switches.lines().next().unwrap().trim().parse().unwrap()
    };
    thread::scope(|scope| {
        for _ in 0..8 {
            let (listener, sender) = (listener.try_clone().unwrap(), sender.clone());
            let (accepted, ends) = (&accepted, &ends);
            scope.spawn(move || {
                let listener = TcpListener::from(listener);
                let mut poller = Poller::new().unwrap();
                let awakener = Awakener::new(&mut poller, EventedId(1)).unwrap();
                let register = |poller: &mut Poller| {
                    if exclusive {
                        poller.register_exclusive(&listener, EventedId(0), R, PollOption::Level)
                    } else {
                        poller.register_fd(&listener, EventedId(0), R, PollOption::Level)
                    }
                };
                register(&mut poller).unwrap();
                // SAFETY: it takes nothing.
                sender.send((unsafe { libc::gettid() }, awakener)).unwrap();
                let mut events = Events::new();
                while !ends.load(Ordering::Relaxed) {
                    poller.poll(&mut events, None).unwrap();
                    if listener.accept().is_ok() {
                        accepted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let threads: Vec<_> = receiver.iter().take(8).collect();
        let all_sleep = || threads.iter().all(|(thread, _)| sleeps(*thread));
        let all = || threads.iter().map(|(thread, _)| switches(*thread)).sum::<usize>();
        while !all_sleep() {
            thread::yield_now();
        }
        let before = all();
        for n in 1..=connections {
            let _client = std::net::TcpStream::connect(address).unwrap();
            while accepted.load(Ordering::Relaxed) < n || !all_sleep() {
                thread::yield_now();
            }
        }
        let woken = all() - before;
        ends.store(true, Ordering::Relaxed);
        for (_, awakener) in &threads {
            awakener.wake().unwrap();
        }
        woken
    })
}

// Behaviour 40
#[cfg(all(epoll, target_os = "linux"))]
#[test]
fn a_connection_wakes_one_of_eight_pollers_that_wait_exclusively() {
    let _alone = no_child_starts();
    let connections = 20;
    let (shared, exclusive) =
        (wakes_of_eight_pollers(false, connections), wakes_of_eight_pollers(true, connections));
    assert!(exclusive >= connections, "{exclusive}");
    assert!(3 * exclusive < shared, "{exclusive}, and {shared} otherwise");
}
