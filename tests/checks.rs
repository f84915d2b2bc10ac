//! Checks and statistics: programs with the bugs that the guide's "special problems" are about, each of which gets its
//! complaint, once; and programs without, which get none.

mod unix_support;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Command;
use std::sync::RwLockReadGuard;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use mio_st::event::{Event, EventedId, Events, Ready};
use mio_st::net::{TcpListener, TcpStream, UdpSocket};
use mio_st::poll::{Awakener, Checks, Clock, Interests, PollOption, Poller, Problem, Registrar};
use mio_st::unix::{self, EventedFd, Process, UnixListener, UnixStream};
#[cfg(epoll)]
use mio_st::unix::{Signal, Signals, UnixDatagram};

use unix_support::{Folder, no_child_starts, start};

const ID: EventedId = EventedId(7);
const OTHER: EventedId = EventedId(8);
const TIMER: EventedId = EventedId(9);
const R: Interests = Interests::READABLE;
#[cfg(epoll)]
const W: Interests = Interests::WRITABLE;
const TICK: Duration = Duration::from_millis(5);

struct World {
    poller: Poller,
    events: Events,
    /// A child has a copy of what is closed, until it runs.
    _alone: RwLockReadGuard<'static, ()>,
}

impl World {
    fn new() -> World {
        let mut poller = Poller::new().unwrap();
        // A busy machine may keep any program from its poll.
        let checks = Checks::UNDRAINED | Checks::SPINNING | Checks::FORGOTTEN;
        poller.set_checks(checks).unwrap();
        World { poller, events: Events::new(), _alone: no_child_starts() }
    }

    fn poll(&mut self) -> Vec<Event> {
        self.poller.poll(&mut self.events, Some(TICK)).unwrap();
        self.events.iter().collect()
    }

    /// Polls until there is an event of a handle.
    fn wait(&mut self) -> Event {
        loop {
            if let Some(event) = self.poll().first() {
                return *event;
            }
        }
    }

    /// The program does its best to go on as before, and gets this complaint, once.
    fn expect(&mut self, problem: Problem, id: EventedId, fd: i32) {
        let mut found = None;
        for _ in 0..3000 {
            self.poll();
            found = self.poller.next_complaint();
            if found.is_some() {
                break;
            }
        }
        let found = found.expect("a complaint");
        assert_eq!((found.problem(), found.id(), found.fd()), (problem, id, fd), "{found}");
        assert!(found.count() >= 1 && found.time() <= self.poller.now());
        assert!(found.to_string().contains("guide: "), "{found}");
        for _ in 0..1100 {
            if self.poll().is_empty() {
                break;
            }
        }
        assert_eq!(self.poller.next_complaint(), None);
    }

    fn expect_none(&mut self) {
        for _ in 0..3 {
            self.poll();
        }
        let found = self.poller.next_complaint();
        assert!(found.is_none(), "{}", found.unwrap());
    }

    fn stream(&mut self, interests: Interests, option: PollOption) -> (UnixStream, UnixStream) {
        let (mut stream, peer) = UnixStream::pair().unwrap();
        self.poller.register(&mut stream, ID, interests, option).unwrap();
        (stream, peer)
    }
}

// The bugs.

// Behaviour 43
#[test]
fn a_stream_that_is_read_in_part() {
    let mut world = World::new();
    let (mut stream, mut peer) = world.stream(R, PollOption::Edge);
    peer.write_all(b"more than that").unwrap();
    world.wait();
    let _ = stream.read(&mut [0; 4]).unwrap();
    world.expect(Problem::Undrained, ID, stream.as_raw_fd());
    // Registered once more it is a new matter.
    world.poller.reregister(&mut stream, OTHER, R, PollOption::Edge).unwrap();
    world.wait();
    world.expect(Problem::Undrained, OTHER, stream.as_raw_fd());
}

// Behaviour 43
#[test]
fn what_was_sent_before_the_end_is_left() {
    let mut world = World::new();
    let (stream, mut peer) = world.stream(R, PollOption::Edge);
    peer.write_all(b"the last words").unwrap();
    drop(peer);
    world.wait();
    world.expect(Problem::Undrained, ID, stream.as_raw_fd());
}

// Behaviour 43
#[test]
fn a_stream_that_a_registrar_has_registered() {
    let mut world = World::new();
    let registrar = Registrar::new(&mut world.poller).unwrap();
    let (mut stream, mut peer) = UnixStream::pair().unwrap();
    registrar.register(&stream, ID, R, PollOption::Edge).unwrap();
    peer.write_all(b"more than that").unwrap();
    world.wait();
    let _ = stream.read(&mut [0; 4]).unwrap();
    world.expect(Problem::Undrained, ID, stream.as_raw_fd());
    // Ended by the one, and made by the other.
    registrar.deregister(&stream).unwrap();
    world.poller.register(&mut stream, OTHER, R, PollOption::Edge).unwrap();
    world.wait();
    world.expect(Problem::Undrained, OTHER, stream.as_raw_fd());
}

// Behaviour 43
#[test]
fn a_listener_that_accepts_one_of_two() {
    let mut world = World::new();
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    world.poller.register(&mut listener, ID, R, PollOption::Edge).unwrap();
    let address = listener.local_addr().unwrap();
    let _clients = [0; 2].map(|_| std::net::TcpStream::connect(address).unwrap());
    world.wait();
    let _accepted = listener.accept().unwrap();
    world.expect(Problem::Undrained, ID, listener.as_raw_fd());
}

// Behaviour 43
#[test]
fn a_udp_socket_that_receives_one_of_two() {
    let mut world = World::new();
    let mut socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    world.poller.register(&mut socket, ID, R, PollOption::Edge).unwrap();
    for _ in 0..2 {
        sender.send_to(b"datagram", socket.local_addr().unwrap()).unwrap();
    }
    world.wait();
    socket.recv_from(&mut [0; 16]).unwrap();
    world.expect(Problem::Undrained, ID, socket.as_raw_fd());
}

// Behaviour 43
#[test]
fn a_pipe_that_is_read_in_part() {
    let mut world = World::new();
    let (mut sender, mut receiver) = unix::new_pipe().unwrap();
    world.poller.register(&mut receiver, ID, R, PollOption::Edge).unwrap();
    sender.write_all(b"more than that").unwrap();
    world.wait();
    let _ = receiver.read(&mut [0; 4]).unwrap();
    world.expect(Problem::Undrained, ID, receiver.as_raw_fd());
}

// Behaviour 43
#[test]
#[cfg(epoll)]
fn a_descriptor_of_another_library_that_nobody_drains() {
    let mut world = World::new();
    // SAFETY: numbers are all that it takes, and the descriptor is new.
    let eventfd = unsafe {
        let raw = libc::eventfd(3, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC);
        std::os::fd::FromRawFd::from_raw_fd(raw)
    };
    let eventfd: OwnedFd = eventfd;
    let mut evented = EventedFd::new(&eventfd);
    world.poller.register(&mut evented, ID, R, PollOption::Edge).unwrap();
    world.wait();
    world.expect(Problem::Undrained, ID, eventfd.as_raw_fd());
}

// Behaviour 43
#[test]
fn a_level_triggered_stream_that_is_not_read() {
    let mut world = World::new();
    let (stream, mut peer) = world.stream(R, PollOption::Level);
    peer.write_all(b"x").unwrap();
    world.expect(Problem::Spinning, ID, stream.as_raw_fd());
}

// Behaviour 43
#[test]
#[cfg(any(target_os = "linux", target_os = "android"))]
fn an_interest_in_writing_that_is_kept() {
    let mut world = World::new();
    let (stream, _peer) = world.stream(UnixStream::INTERESTS, PollOption::Level);
    world.expect(Problem::Spinning, ID, stream.as_raw_fd());
}

// Behaviour 43
#[test]
fn a_hang_up_that_is_left_registered() {
    let mut world = World::new();
    let (mut stream, peer) = world.stream(R, PollOption::Level);
    drop(peer);
    world.wait();
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    world.expect(Problem::Spinning, ID, stream.as_raw_fd());
}

// Behaviour 43
#[test]
fn a_listener_that_does_not_accept() {
    let mut world = World::new();
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    world.poller.register(&mut listener, ID, R, PollOption::Level).unwrap();
    let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    world.expect(Problem::Spinning, ID, listener.as_raw_fd());
}

// Behaviour 43
#[test]
#[cfg(epoll)]
fn a_datagram_socket_whose_receiver_is_full() {
    let mut world = World::new();
    let (mut socket, _receiver) = UnixDatagram::pair().unwrap();
    while socket.send(b"datagram").is_ok() {}
    // The sender's own buffer has room; that the receiver has none is not told.
    world.poller.register(&mut socket, ID, W, PollOption::Level).unwrap();
    if world.poll().is_empty() {
        // This kernel tells it of a connected pair.
        return;
    }
    world.expect(Problem::Spinning, ID, socket.as_raw_fd());
}

// Behaviour 43
#[test]
fn a_oneshot_handle_that_is_not_armed_again() {
    for clock in [Clock::Automatic, Clock::Paused] {
        let mut world = World::new();
        world.poller.set_clock(clock).unwrap();
        let (mut stream, mut peer) = world.stream(R, PollOption::Oneshot);
        peer.write_all(b"x").unwrap();
        world.wait();
        let _ = stream.read(&mut [0; 8]).unwrap();
        let begin = world.poller.now();
        if clock == Clock::Paused {
            world.expect_none();
            world.poller.advance(Duration::from_secs(10)).unwrap();
            world.expect(Problem::Forgotten, ID, stream.as_raw_fd());
            continue;
        }
        // A poll that waits ends for it.
        world.poller.poll(&mut world.events, None).unwrap();
        assert!(world.events.is_empty());
        let found = world.poller.next_complaint().unwrap();
        assert_eq!((found.problem(), found.id()), (Problem::Forgotten, ID));
        assert_eq!(world.poller.now() - begin, Duration::from_secs(10));
    }
}

// Behaviour 43
#[test]
fn a_level_triggered_descriptor_that_was_closed_has_a_copy() {
    let mut world = World::new();
    let (stream, mut peer) = world.stream(R, PollOption::Level);
    let _copy = stream.as_fd().try_clone_to_owned().unwrap();
    let fd = stream.as_raw_fd();
    peer.write_all(b"x").unwrap();
    // A number that nobody else takes meanwhile.
    let high = high_number(&stream);
    let mut evented = EventedFd::new(&high);
    let raw = high.as_raw_fd();
    world.poller.deregister(&mut { stream }).unwrap();
    world.poller.register(&mut evented, OTHER, R, PollOption::Level).unwrap();
    assert_ne!(fd, raw);
    drop(high);
    if cfg!(kqueue) {
        return world.expect_none();
    }
    world.expect(Problem::Closed, OTHER, raw);
}

// Behaviour 43
#[test]
fn an_edge_triggered_descriptor_that_was_closed_has_a_copy() {
    let mut world = World::new();
    let (stream, mut peer) = UnixStream::pair().unwrap();
    let high = high_number(&stream);
    let raw = high.as_raw_fd();
    world.poller.register(&mut EventedFd::new(&high), ID, R, PollOption::Edge).unwrap();
    drop(high);
    for _ in 0..2 {
        peer.write_all(b"x").unwrap();
        world.poll();
        world.poll();
    }
    if cfg!(kqueue) {
        return world.expect_none();
    }
    world.expect(Problem::Closed, ID, raw);
}

// Behaviour 43
#[test]
#[cfg(epoll)]
fn a_closed_descriptor_has_a_copy_and_its_number_is_anothers() {
    let mut world = World::new();
    let (stream, mut peer) = UnixStream::pair().unwrap();
    let (another, _its_peer) = UnixStream::pair().unwrap();
    let high = high_number(&stream);
    let raw = high.as_raw_fd();
    world.poller.register(&mut EventedFd::new(&high), ID, R, PollOption::Edge).unwrap();
    // SAFETY: the number is that of `high`, whose file is closed by this.
    assert_eq!(unsafe { libc::dup2(another.as_raw_fd(), raw) }, raw);
    world.poller.register(&mut EventedFd::new(&high), OTHER, R, PollOption::Edge).unwrap();
    peer.write_all(b"x").unwrap();
    world.expect(Problem::Closed, ID, raw);
}

/// A copy with a number that no other test takes, also when it is free again.
fn high_number(stream: &UnixStream) -> OwnedFd {
    static NEXT: AtomicI32 = AtomicI32::new(700);

    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // SAFETY: numbers are all that it takes, and the descriptor is new.
    unsafe {
        let raw = libc::fcntl(stream.as_raw_fd(), libc::F_DUPFD_CLOEXEC, number);
        assert_eq!(raw, number);
        std::os::fd::FromRawFd::from_raw_fd(raw)
    }
}

// Behaviour 43
#[test]
fn a_program_that_stays_away() {
    let mut world = World::new();
    world.poller.set_checks(Checks::ALL).unwrap();
    world.poll();
    for millis in [1, 2, 10_000_000] {
        world.poller.add_timeout(TIMER, Duration::from_millis(millis));
    }
    thread::sleep(Duration::from_millis(1_010));
    world.poll();
    let found = world.poller.next_complaint().unwrap();
    assert_eq!((found.problem(), found.count(), found.fd()), (Problem::Stalled, 2, -1));
    world.expect_none();
}

// Behaviour 43
#[test]
#[cfg(epoll)]
fn a_hang_up_of_a_handle_that_is_paused_by_level() {
    let mut world = World::new();
    let (stream, peer) = UnixStream::pair().unwrap();
    drop(peer);
    world.poller.register_fd(&stream, ID, Interests::NONE, PollOption::Level).unwrap();
    world.expect(Problem::Spinning, ID, stream.as_raw_fd());
}

// Behaviour 43
#[test]
fn an_end_that_is_read_and_left_registered() {
    let mut world = World::new();
    let (mut stream, peer) = world.stream(R, PollOption::Level);
    peer.shutdown(Shutdown::Write).unwrap();
    world.wait();
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    world.expect(Problem::Spinning, ID, stream.as_raw_fd());
}

// Behaviour 43
#[test]
fn a_pipe_without_a_writer_that_is_left_registered() {
    let mut world = World::new();
    let (sender, mut receiver) = unix::new_pipe().unwrap();
    world.poller.register(&mut receiver, ID, R, PollOption::Level).unwrap();
    drop(sender);
    world.expect(Problem::Spinning, ID, receiver.as_raw_fd());
}

// Behaviour 43
#[test]
#[cfg(epoll)]
fn a_pipe_without_a_reader_that_is_left_registered() {
    let mut world = World::new();
    let (mut sender, receiver) = unix::new_pipe().unwrap();
    world.poller.register(&mut sender, ID, W, PollOption::Level).unwrap();
    drop(receiver);
    world.expect(Problem::Spinning, ID, sender.as_raw_fd());
}

// Behaviour 43
#[test]
#[cfg(epoll)]
fn a_refused_connection_that_is_left_registered() {
    let mut world = World::new();
    // It has the port, so that nobody else gets it, and does not listen.
    let nobody = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    nobody.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = nobody.local_addr().unwrap().as_socket().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    world.poller.register(&mut stream, ID, TcpStream::INTERESTS, PollOption::Level).unwrap();
    world.expect(Problem::Spinning, ID, stream.as_raw_fd());
}

// Behaviour 43
#[test]
#[cfg(epoll)]
fn of_two_signals_one_is_received() {
    let mut world = World::new();
    let mut signals = Signals::new([Signal::SIGUSR1, Signal::SIGUSR2]).unwrap();
    world.poller.register(&mut signals, ID, Signals::INTERESTS, PollOption::Edge).unwrap();
    for number in [libc::SIGUSR1, libc::SIGUSR2] {
        // SAFETY: this thread is there, and blocks them. (Others do not.)
        assert_eq!(unsafe { libc::pthread_kill(libc::pthread_self(), number) }, 0);
    }
    world.wait();
    assert!(signals.receive().unwrap().is_some());
    world.expect(Problem::Undrained, ID, signals.as_raw_fd());
    // It would end the process when it is unblocked.
    assert!(signals.receive().unwrap().is_some());
}

// Behaviour 43
#[test]
#[cfg(epoll)]
fn an_exit_that_is_left_registered() {
    let mut child = start(&mut Command::new("true"));
    let mut world = World::new();
    let mut process = Process::new(&child).unwrap();
    world.poller.register(&mut process, ID, Process::INTERESTS, PollOption::Level).unwrap();
    world.wait();
    child.wait().unwrap();
    world.expect(Problem::Spinning, ID, process.as_raw_fd());
}

// Behaviour 43
#[test]
#[cfg(all(epoll, target_os = "linux"))]
fn an_error_queue_that_is_not_read() {
    let mut world = World::new();
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    // It has the port, so that nobody else gets it, and hears nobody but itself.
    nobody.connect(nobody.local_addr().unwrap()).unwrap();
    socket.connect(nobody.local_addr().unwrap()).unwrap();
    let on: libc::c_int = 1;
    let length = size_of_val(&on) as libc::socklen_t;
    // SAFETY: the pointer and the length are those of an `int`.
    let result = unsafe {
        let (fd, value) = (socket.as_raw_fd(), (&raw const on).cast());
        libc::setsockopt(fd, libc::IPPROTO_IP, libc::IP_RECVERR, value, length)
    };
    assert_eq!(result, 0);
    socket.send(b"x").unwrap();
    world.poller.register_fd(&socket, ID, R, PollOption::Level).unwrap();
    world.expect(Problem::Spinning, ID, socket.as_raw_fd());
}

// Behaviour 43
#[test]
fn a_unix_listener_that_does_not_accept() {
    let mut world = World::new();
    let folder = Folder::new();
    let path = folder.join("socket");
    let mut listener = UnixListener::bind(&path).unwrap();
    world.poller.register(&mut listener, ID, R, PollOption::Level).unwrap();
    let _client = std::os::unix::net::UnixStream::connect(&path).unwrap();
    world.expect(Problem::Spinning, ID, listener.as_raw_fd());
}

// Behaviour 43
#[test]
#[cfg(epoll)]
fn a_poller_in_another_by_edge() {
    let mut world = World::new();
    let mut inner = Poller::new().unwrap();
    let pairs = [(); 2].map(|()| {
        let (mut stream, mut peer) = UnixStream::pair().unwrap();
        inner.register(&mut stream, OTHER, R, PollOption::Edge).unwrap();
        peer.write_all(b"x").unwrap();
        (stream, peer)
    });
    let fd = inner.as_raw_fd();
    world.poller.register_fd(&inner, ID, R, PollOption::Edge).unwrap();
    world.wait();
    let mut one = Events::with_capacity(1);
    inner.poll(&mut one, None).unwrap();
    assert_eq!(one.len(), 1);
    world.expect(Problem::Undrained, ID, fd);
    drop(pairs);
}

// No bugs.

// Behaviour 43
#[test]
fn nothing_is_said_of_what_was_drained_or_cannot_be() {
    let mut child = start(&mut Command::new("true"));
    let mut world = World::new();
    // Drained.
    let (mut stream, mut peer) = world.stream(UnixStream::INTERESTS, PollOption::Edge);
    for _ in 0..10 {
        peer.write_all(b"x").unwrap();
        world.wait();
        while stream.read(&mut [0; 8]).is_ok() {}
    }
    world.expect_none();
    // At its end, which stays.
    peer.shutdown(Shutdown::Write).unwrap();
    world.wait();
    world.expect_none();
    // A process that has ended.
    let mut process = Process::new(&child).unwrap();
    world.poller.register(&mut process, OTHER, R, PollOption::Edge).unwrap();
    while world.wait().id() != OTHER {}
    world.expect_none();
    child.wait().unwrap();
    world.expect_none();
    // An awakener.
    let awakener = Awakener::new(&mut world.poller, ID).unwrap();
    for _ in 0..10 {
        awakener.wake().unwrap();
        world.wait();
    }
    world.expect_none();
}

// Behaviour 43
#[test]
fn nothing_is_said_while_the_program_waits_for_room_to_write() {
    let mut world = World::new();
    let (mut stream, mut peer) = world.stream(UnixStream::INTERESTS, PollOption::Edge);
    while stream.write(&[0; 4096]).is_ok() {}
    peer.write_all(b"another request").unwrap();
    while !world.wait().readiness().is_readable() {}
    world.expect_none();
    while peer.read(&mut [0; 4096]).is_ok() {}
    while stream.read(&mut [0; 4096]).is_ok() {}
    world.expect_none();
}

// Behaviour 43
#[test]
fn nothing_is_said_while_the_program_waits_for_room_of_another_handle() {
    let mut world = World::new();
    // A relay: what comes from the one goes to the other, which does not take it.
    let (mut from, mut source) = world.stream(UnixStream::INTERESTS, PollOption::Edge);
    let (mut to, mut target) = UnixStream::pair().unwrap();
    let fd = to.as_raw_fd();
    world.poller.register(&mut to, OTHER, UnixStream::INTERESTS, PollOption::Edge).unwrap();
    while to.write(&[0; 4096]).is_ok() {}
    source.write_all(b"more").unwrap();
    while !world.wait().readiness().is_readable() {}
    for _ in 0..5 {
        world.expect_none();
    }
    // Now it has room, and nothing is done.
    while target.read(&mut [0; 4096]).is_ok() {}
    world.expect(Problem::Undrained, ID, from.as_raw_fd());
    let _ = from.read(&mut [0; 8]).unwrap();
    assert_eq!(to.as_raw_fd(), fd);
}

// Behaviour 43
#[test]
fn nothing_is_said_where_another_event_is_on_its_way_or_the_program_sees_to_it() {
    let mut world = World::new();
    let (stream, mut peer) = world.stream(R, PollOption::Edge);
    for _ in 0..10 {
        peer.write_all(b"x").unwrap();
        world.wait();
        peer.write_all(b"x").unwrap();
        assert!(world.wait().readiness().is_readable());
        // It goes on by itself.
        world.poller.notify(ID, Ready::READABLE);
        world.wait();
        world.poller.reregister(&mut EventedFd::new(&stream), ID, R, PollOption::Edge).unwrap();
    }
    assert_eq!(world.poller.next_complaint(), None);
}

// Behaviour 43
#[test]
fn nothing_is_said_of_a_level_triggered_handle_that_is_always_ready_and_served() {
    let mut world = World::new();
    let (mut stream, mut peer) = world.stream(UnixStream::INTERESTS, PollOption::Level);
    let mut buffer = [0; 5000];
    for n in 0..5000 {
        peer.write_all(&buffer[..1 + n % 7]).unwrap();
        assert_eq!(world.poll().len(), 1);
        let _ = stream.read(&mut buffer[..1 + n % 5]).unwrap();
        let _ = stream.write(&[1; 3]).unwrap();
        if n % 50 == 49 {
            while stream.read(&mut buffer).is_ok() {}
            while peer.read(&mut buffer).is_ok() {}
        }
    }
    assert_eq!(world.poller.next_complaint(), None);
}

// Behaviour 43
#[test]
fn nothing_is_said_of_questions_and_answers_of_one_size() {
    let mut world = World::new();
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    world.poller.register(&mut listener, OTHER, R, PollOption::Level).unwrap();
    let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_nodelay(true).unwrap();
    world.wait();
    let (mut tcp, _) = listener.accept().unwrap();
    world.poller.register(&mut tcp, ID, TcpStream::INTERESTS, PollOption::Level).unwrap();
    let mut buffer = [0; 64];
    for _ in 0..3000 {
        client.write_all(&buffer).unwrap();
        while !world.wait().readiness().is_readable() {}
        if tcp.read(&mut buffer).is_ok() {
            tcp.write_all(&buffer).unwrap();
            client.read_exact(&mut buffer).unwrap();
        }
    }
    assert_eq!(world.poller.next_complaint(), None);
}

// Behaviour 43
#[test]
fn nothing_is_said_of_a_listener_that_always_has_connections() {
    let mut world = World::new();
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    world.poller.register(&mut listener, ID, R, PollOption::Level).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = vec![TcpStream::connect(address).unwrap()];
    for _ in 0..1200 {
        waiting.push(TcpStream::connect(address).unwrap());
        assert_eq!(world.wait().id(), ID);
        let (mut accepted, _) = listener.accept().unwrap();
        world.poller.register(&mut accepted, OTHER, R, PollOption::Edge).unwrap();
        accepted.set_linger(Some(Duration::ZERO)).unwrap();
        world.poller.close(accepted).unwrap();
        waiting.remove(0);
    }
    assert_eq!(world.poller.next_complaint(), None);
}

// Behaviour 43
#[test]
fn nothing_is_said_of_oneshot_handles_that_are_armed_ended_or_closed() {
    let mut world = World::new();
    world.poller.set_clock(Clock::Automatic).unwrap();
    let (mut armed, mut peer) = world.stream(R, PollOption::Oneshot);
    let (mut ended, mut peer_of_ended) = world.stream(R, PollOption::Oneshot);
    let (closed, mut peer_of_closed) = world.stream(R, PollOption::Oneshot);
    for peer in [&mut peer, &mut peer_of_ended, &mut peer_of_closed] {
        peer.write_all(b"x").unwrap();
    }
    let registrar = Registrar::new(&mut world.poller).unwrap();
    let (mut elsewhere, mut peer_of_elsewhere) = world.stream(R, PollOption::Oneshot);
    peer_of_elsewhere.write_all(b"x").unwrap();
    assert_eq!(world.poll().len(), 4);
    let _ = armed.read(&mut [0; 8]).unwrap();
    world.poller.reregister(&mut armed, ID, R, PollOption::Oneshot).unwrap();
    let _ = elsewhere.read(&mut [0; 8]).unwrap();
    registrar.reregister(&elsewhere, ID, R, PollOption::Oneshot).unwrap();
    world.poller.deregister(&mut ended).unwrap();
    world.poller.close(closed).unwrap();
    let begin = world.poller.now();
    world.poller.add_timeout(TIMER, Duration::from_secs(60));
    assert_eq!(world.wait().id(), TIMER);
    assert_eq!(world.poller.now() - begin, Duration::from_secs(60));
    assert_eq!(world.poller.next_complaint(), None);
}

// Behaviour 43
#[test]
fn what_is_not_looked_for_is_not_found() {
    let mut world = World::new();
    world.poller.set_checks(Checks::SPINNING | Checks::STALLED).unwrap();
    let (_stream, mut peer) = world.stream(R, PollOption::Edge);
    peer.write_all(b"x").unwrap();
    world.wait();
    world.expect_none();
    world.poller.set_checks(Checks::UNDRAINED).unwrap();
    let (_stream, mut peer) = world.stream(R, PollOption::Level);
    peer.write_all(b"x").unwrap();
    for _ in 0..1100 {
        assert_eq!(world.poll().len(), 1);
    }
    assert_eq!(world.poller.next_complaint(), None);
    world.poller.set_checks(Checks::NONE).unwrap();
    assert_eq!(world.poll().len(), 1);
}

// Behaviour 43
#[test]
fn the_oldest_32_complaints_are_kept() {
    let mut world = World::new();
    let pairs: Vec<_> = (0..40)
        .map(|n| {
            let (mut stream, mut peer) = UnixStream::pair().unwrap();
            world.poller.register(&mut stream, EventedId(n), R, PollOption::Edge).unwrap();
            peer.write_all(b"x").unwrap();
            (stream, peer)
        })
        .collect();
    assert_eq!(world.poll().len(), pairs.len());
    world.poll();
    let found: Vec<_> = std::iter::from_fn(|| world.poller.next_complaint()).collect();
    assert_eq!(found.len(), 32);
    assert!(found.iter().all(|complaint| complaint.problem() == Problem::Undrained));
}

// Behaviour 43
#[test]
fn each_complaint_names_a_chapter_of_the_guide() {
    let guide = include_str!("../docs/c-guide.md");
    let problems = [
        Problem::Undrained,
        Problem::Spinning,
        Problem::Forgotten,
        Problem::Closed,
        Problem::Stalled,
    ];
    for problem in problems {
        let (_, chapter) = problem.text().split_once("(guide: ").unwrap();
        let heading = format!("\n## {}\n", chapter.strip_suffix(')').unwrap());
        assert!(guide.contains(&heading), "{heading}");
    }
}

// Behaviour 44
#[test]
fn statistics_count_what_a_poll_handed_out() {
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    assert_eq!(poller.stats(), Default::default());
    poller.set_clock(Clock::Automatic).unwrap();
    poller.set_stats(true).unwrap();
    let (mut stream, mut peer) = UnixStream::pair().unwrap();
    poller.register(&mut stream, ID, R, PollOption::Level).unwrap();
    peer.write_all(b"x").unwrap();
    poller.notify(ID, Ready::READABLE);
    poller.notify(ID, Ready::READABLE);
    poller.poll(&mut events, None).unwrap();
    assert_eq!(events.len(), 3);
    let _ = stream.read(&mut [0; 8]).unwrap();
    poller.add_timeout(TIMER, Duration::from_secs(1));
    poller.poll(&mut events, None).unwrap();
    for nanos in [1_000, 1_000_000] {
        poller.add_timeout(TIMER, Duration::ZERO);
        poller.advance(Duration::from_nanos(nanos)).unwrap();
        poller.poll(&mut events, None).unwrap();
    }
    let stats = poller.stats();
    assert_eq!((stats.polls, stats.waits, stats.fullest_batch), (4, 1, 3));
    assert_eq!((stats.system_events, stats.notifications, stats.deadlines), (1, 2, 3));
    let late: Vec<_> = (0..40).filter(|n| stats.lateness[*n] > 0).collect();
    assert_eq!(late, [0, 9, 19]);
    assert_eq!(stats.lateness.iter().sum::<u64>(), 3);
    poller.set_stats(false).unwrap();
    assert_eq!(poller.stats(), Default::default());
}

// Behaviour 44
#[test]
fn wakes_are_counted_and_those_that_another_stands_for() {
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    let before = Awakener::new(&mut poller, ID).unwrap();
    before.wake().unwrap();
    poller.poll(&mut events, None).unwrap();
    poller.set_stats(true).unwrap();
    let after = Awakener::new(&mut poller, OTHER).unwrap();
    for _ in 0..3 {
        before.wake().unwrap();
        after.wake().unwrap();
    }
    poller.poll(&mut events, None).unwrap();
    assert_eq!(events.len(), 2);
    let stats = poller.stats();
    assert_eq!((stats.wakes, stats.wakes_coalesced, stats.system_events), (6, 4, 2));
    // Of any thread, and of registrars; each of those is an event of its own.
    let registrar = Registrar::new(&mut poller).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    before.wake().unwrap();
                }
            });
        }
        scope.spawn(|| registrar.notify(TIMER, Ready::READABLE).unwrap());
    });
    drop((before, after, registrar));
    // The second gives up what there is for awakeners.
    for _ in 0..2 {
        poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    }
    let stats = poller.stats();
    assert_eq!(stats.wakes, 6 + 4001);
    assert_eq!(stats.wakes - stats.wakes_coalesced, stats.system_events);
    poller.set_stats(false).unwrap();
    let again = Awakener::new(&mut poller, ID).unwrap();
    again.wake().unwrap();
    poller.poll(&mut events, None).unwrap();
    assert_eq!(poller.stats(), Default::default());
    poller.set_stats(true).unwrap();
    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    assert_eq!(poller.stats().wakes, 0);
}

// Behaviour 44
#[test]
fn statistics_tell_waiting_from_what_is_outside() {
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.set_stats(true).unwrap();
    for _ in 0..3 {
        poller.poll(&mut events, Some(TICK)).unwrap();
        thread::sleep(2 * TICK);
    }
    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    let stats = poller.stats();
    assert_eq!((stats.polls, stats.waits), (4, 3));
    assert!(stats.waiting >= 3 * TICK, "{stats:?}");
    assert!(stats.outside >= 6 * TICK, "{stats:?}");
}
