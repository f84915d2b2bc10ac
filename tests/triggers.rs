//! When a registered handle gives events, and which: tables over triggers, interests, kinds of handles
//! and what the peer did. Probed on Linux 6.18; where a system cannot follow a line, the table says so.

mod differences;
mod unix_support;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use mio_st::event::{Event, Evented};
use mio_st::poll::Interests;
use mio_st::unix::{EventedFd, EventedIo, new_pipe};
use mio_st::{EventedId, Events, PollOption, Poller, Ready};
use socket2::{Domain, Socket, Type};

use differences::differs;
use unix_support::LONG;

const OPTIONS: [PollOption; 3] = [PollOption::Edge, PollOption::Level, PollOption::Oneshot];
const R: Interests = Interests::READABLE;
const W: Interests = Interests::WRITABLE;

fn both() -> Interests {
    R | W
}

/// What is there without waiting.
fn poll(poller: &mut Poller) -> Vec<Event> {
    let mut events = Events::new();
    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    events.collect()
}

fn registered(handle: &mut dyn Evented, interests: Interests, option: PollOption) -> Poller {
    let mut poller = Poller::new().unwrap();
    poller.register(handle, EventedId(1), interests, option).unwrap();
    poller
}

// --- What the peer did -----------------------------------------------------------------------------

/// R READABLE, W WRITABLE, E ERROR, H HUP, r READ_CLOSED, w WRITE_CLOSED; `-`: no event.
///
/// A column for each interest: reading, writing, both.
const PEER: &str = "
    tcp    nothing                                    -       W       W
    tcp    sent                                       R       W       RW
    tcp    shut down writing                          Rr      W       RWr
    tcp    shut down writing while we are full        Rr      -       Rr
    tcp    shut down reading                          -       W       W
    tcp    shut down both                             Rr      W       RWr
    tcp    closed                                     Rr      W       RWr
    tcp    sent and closed                            Rr      W       RWr
    tcp    closed with unread data                    REHrw   RWEHrw  RWEHrw
    tcp    reset                                      REHrw   RWEHrw  RWEHrw
    tcp    reset and the error was taken              RHrw    RWHrw   RWHrw
    tcp    we shut down writing                       -       W       W
    tcp    we shut down reading                       Rr      W       RWr
    tcp    we shut down both                          RHrw    RWHrw   RWHrw
    tcp    both shut down writing                     RHrw    RWHrw   RWHrw
    tcp    does not read and we are full              -       -       -
    tcp    unconnected                                RHrw    RWHrw   RWHrw
    tcp    refused the connection                     REHrw   RWEHrw  RWEHrw

    unix   nothing                                    -       W       W
    unix   sent                                       R       W       RW
    unix   shut down writing                          Rr      W       RWr
    unix   shut down writing while we are full        Rr      -       Rr
    unix   shut down reading                          -       W       W
    unix   shut down both                             RHrw    RWHrw   RWHrw
    unix   closed                                     RHrw    RWHrw   RWHrw
    unix   sent and closed                            RHrw    RWHrw   RWHrw
    unix   closed with unread data                    REHrw   RWEHrw  RWEHrw
    unix   we shut down writing                       -       W       W
    unix   we shut down reading                       Rr      W       RWr
    unix   we shut down both                          RHrw    RWHrw   RWHrw
    unix   both shut down writing                     RHrw    RWHrw   RWHrw
    unix   does not read and we are full              -       -       -
    unix   unconnected                                RHrw    RWHrw   RWHrw

    reader nothing                                    -       -       -
    reader sent                                       R       -       R
    reader sent and closed                            RHrw    RHrw    RHrw
    reader closed                                     RHrw    RHrw    RHrw

    writer nothing                                    -       W       W
    writer does not read and we are full              -       -       -
    writer closed                                     E       WE      WE
    writer closed while we are full                   E       E       E

    udp    nothing                                    -       W       W
    udp    sent                                       R       W       RW
    udp    refused the datagram                       E       WE      WE
    udp    refused and the error was taken            -       W       W
";

/// The rows that are otherwise where a kernel differs so. The first that is found counts.
const OTHERWISE: &[(&str, &str)] = &[
    (
        "closed with unread data",
        "
    tcp    closed with unread data                    Rr      W       RWr
    unix   closed with unread data                    RHrw    RWHrw   RWHrw
",
    ),
    (
        "a Unix peer shut down both",
        "
    unix   shut down both                             Rr      W       RWr
",
    ),
    (
        "pipes in both directions",
        "
    reader nothing                                    -       W       W
    reader sent                                       R       W       RW
    reader sent and closed                            RHrw    WE      RWHrw
    reader closed                                     RHrw    WE      RWHrw
    writer closed                                     RHrw    WE      RWHrw
    writer closed while we are full                   RHrw    WE      RWHrw
",
    ),
    (
        "a full pipe without a reader",
        "
    writer closed while we are full                   E       WE      WE
",
    ),
    (
        "errors of datagrams",
        "
    udp    refused the datagram                       R       W       RW
",
    ),
    (
        "unconnected sockets",
        "
    tcp    unconnected                                -       -       -
    unix   unconnected                                -       -       -
",
    ),
];

/// The rows of a table: of what kind, what happened, the columns.
fn rows(table: &str) -> impl Iterator<Item = (&str, String, Vec<&str>)> {
    table.lines().filter(|row| !row.trim().is_empty()).map(|row| {
        let mut words: Vec<&str> = row.split_whitespace().collect();
        let columns = words.split_off(words.len() - 3);
        (words[0], words[1..].join(" "), columns)
    })
}

fn columns_here(kind: &str, what: &str) -> Option<Vec<&'static str>> {
    let here = OTHERWISE.iter().filter(|(name, _)| differs(name));
    let mut rows = here.flat_map(|(_, table)| rows(table));
    rows.find(|row| (row.0, &*row.1) == (kind, what)).map(|(.., columns)| columns)
}

fn flags(letters: &str) -> Option<Ready> {
    letters
        .chars()
        .filter(|letter| *letter != '-')
        .map(|letter| match letter {
            'R' => Ready::READABLE,
            'W' => Ready::WRITABLE,
            'E' => Ready::ERROR,
            'H' => Ready::HUP,
            'r' => Ready::READ_CLOSED,
            'w' => Ready::WRITE_CLOSED,
            'P' => Ready::PRIORITY,
            _ => panic!("{letter}"),
        })
        .reduce(|flags, flag| flags | flag)
}

/// Our end of a connection, and the peer's while it is open.
struct Scene {
    ours: OwnedFd,
    peer: Option<OwnedFd>,
}

impl Scene {
    fn new(ours: impl Into<OwnedFd>, peer: impl Into<OwnedFd>) -> Scene {
        Scene { ours: ours.into(), peer: Some(peer.into()) }
    }

    fn of(kind: &str) -> Scene {
        match kind {
            "tcp" => {
                let (ours, peer) = tcp();
                Scene::new(ours, peer)
            }
            "unix" => {
                let (ours, peer) = UnixStream::pair().unwrap();
                Scene::new(ours, peer)
            }
            "reader" => {
                let (writer, reader) = new_pipe().unwrap();
                Scene::new(reader, writer)
            }
            "writer" => {
                let (writer, reader) = new_pipe().unwrap();
                Scene::new(writer, reader)
            }
            "udp" => {
                let (ours, peer) = (udp(), udp());
                ours.connect(peer.local_addr().unwrap()).unwrap();
                peer.connect(ours.local_addr().unwrap()).unwrap();
                Scene::new(ours, peer)
            }
            _ => panic!("{kind}"),
        }
    }

    fn play(kind: &str, what: &str) -> Scene {
        let mut scene = Scene::of(kind);
        if what.ends_with("full") {
            fill(&scene.ours);
        }
        match what {
            "nothing" | "does not read and we are full" => {}
            "sent" => scene.send(),
            "sent urgently" => scene.send_urgently(),
            "sent urgently and shut down writing" => {
                scene.send_urgently();
                shutdown(scene.peer.as_ref().unwrap(), Shutdown::Write);
            }
            "sent and closed" => {
                scene.send();
                scene.peer = None;
            }
            "closed" | "closed while we are full" => scene.peer = None,
            "closed with unread data" => {
                write(&scene.ours, b"unread").unwrap();
                // It has arrived.
                wait_for(scene.peer.as_ref().unwrap(), R, Ready::READABLE);
                scene.peer = None;
            }
            "reset" => scene.reset(),
            "reset and the error was taken" => {
                scene.reset();
                wait_for(&scene.ours, R, Ready::ERROR);
                assert_eq!(take_error(&scene.ours), libc::ECONNRESET);
            }
            "shut down writing" | "shut down writing while we are full" => {
                shutdown(scene.peer.as_ref().unwrap(), Shutdown::Write);
            }
            "shut down reading" => shutdown(scene.peer.as_ref().unwrap(), Shutdown::Read),
            "shut down both" => shutdown(scene.peer.as_ref().unwrap(), Shutdown::Both),
            "we shut down writing" => shutdown(&scene.ours, Shutdown::Write),
            "we shut down reading" => shutdown(&scene.ours, Shutdown::Read),
            "we shut down both" => shutdown(&scene.ours, Shutdown::Both),
            "both shut down writing" => {
                shutdown(scene.peer.as_ref().unwrap(), Shutdown::Write);
                shutdown(&scene.ours, Shutdown::Write);
            }
            "unconnected" => scene.ours = unconnected(kind),
            "refused the connection" => {
                // It has a port, which nobody else gets, and does not listen.
                let deaf = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                deaf.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
                let address = deaf.local_addr().unwrap().as_socket().unwrap();
                scene.ours = mio_st::net::TcpStream::connect(address).unwrap().into();
                scene.peer = Some(deaf.into());
            }
            "refused the datagram" => scene.datagram_to_nobody(),
            "refused and the error was taken" => {
                scene.datagram_to_nobody();
                wait_for(&scene.ours, R, if cfg!(kqueue) { Ready::READABLE } else { Ready::ERROR });
                assert_eq!(take_error(&scene.ours), libc::ECONNREFUSED);
            }
            _ => panic!("{what}"),
        }
        if kind == "tcp" {
            wait_until_acknowledged(&scene.ours);
        }
        scene
    }

    fn send(&self) {
        write(self.peer.as_ref().unwrap(), b"hello").unwrap();
    }

    fn send_urgently(&self) {
        send_out_of_band(self.peer.as_ref().unwrap());
        wait_for(&self.ours, Interests::PRIORITY, Ready::PRIORITY);
    }

    fn reset(&mut self) {
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        let peer = self.peer.take().unwrap();
        // SAFETY: the pointer and the length are those of the value.
        let result = unsafe {
            libc::setsockopt(
                peer.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_LINGER,
                (&raw const linger).cast(),
                size_of_val(&linger) as libc::socklen_t,
            )
        };
        assert_eq!(result, 0);
    }

    fn datagram_to_nobody(&mut self) {
        // With itself as its peer it keeps its port, which nobody else gets, and hears nobody.
        let peer = UdpSocket::from(self.peer.take().unwrap());
        peer.connect(peer.local_addr().unwrap()).unwrap();
        self.peer = Some(peer.into());
        write(&self.ours, b"hello").unwrap();
    }
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (ours, listener.accept().unwrap().0)
}

fn udp() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

fn unconnected(kind: &str) -> OwnedFd {
    let family = if kind == "tcp" { libc::AF_INET } else { libc::AF_UNIX };
    // SAFETY: no pointer is passed, and the new descriptor is ours.
    unsafe {
        let fd = libc::socket(family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        assert!(fd >= 0);
        std::os::fd::FromRawFd::from_raw_fd(fd)
    }
}

fn nonblocking(fd: &OwnedFd) -> EventedIo {
    let copy = fd.try_clone().unwrap();
    // SAFETY: no pointer is passed.
    assert_eq!(unsafe { libc::fcntl(copy.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) }, 0);
    EventedIo::from(copy)
}

fn write(fd: &OwnedFd, data: &[u8]) -> io::Result<usize> {
    nonblocking(fd).write(data)
}

/// Writes until nothing more goes in. TCP takes more when the peer's kernel has acknowledged some.
fn fill(fd: &OwnedFd) {
    let mut full = nonblocking(fd);
    let block = [0; 1 << 16];
    let mut poller = registered(&mut full, W, PollOption::Level);
    let mut events = Events::new();
    loop {
        while full.write(&block).is_ok() || full.write(&block[..1]).is_ok() {}
        poller.poll(&mut events, Some(Duration::from_millis(50))).unwrap();
        if events.is_empty() {
            return;
        }
    }
}

fn shutdown(fd: &OwnedFd, how: Shutdown) {
    let how = match how {
        Shutdown::Read => libc::SHUT_RD,
        Shutdown::Write => libc::SHUT_WR,
        Shutdown::Both => libc::SHUT_RDWR,
    };
    // SAFETY: no pointer is passed.
    assert_eq!(unsafe { libc::shutdown(fd.as_raw_fd(), how) }, 0);
}

fn take_error(fd: &OwnedFd) -> i32 {
    let socket = UdpSocket::from(fd.try_clone().unwrap());
    socket.take_error().unwrap().expect("an error").raw_os_error().unwrap()
}

/// Waits until the end that was sent is acknowledged, if it was sent: for Linux that is an edge, too.
fn wait_until_acknowledged(fd: &OwnedFd) {
    /// TCP_FIN_WAIT1, TCP_LAST_ACK and TCP_CLOSING, see include/net/tcp_states.h.
    const ON_ITS_WAY: [u8; 3] = [4, 9, 11];
    let end = Instant::now() + Duration::from_secs(5);
    while cfg!(target_os = "linux") && Instant::now() < end {
        let (mut state, mut len) = (0_u8, 1);
        // TCP_INFO, whose first byte is the state.
        // SAFETY: the pointers are those of a byte and of its length.
        let result = unsafe {
            libc::getsockopt(
                fd.as_raw_fd(),
                libc::IPPROTO_TCP,
                11,
                (&raw mut state).cast(),
                &mut len,
            )
        };
        if result != 0 || !ON_ITS_WAY.contains(&state) {
            return;
        }
        std::thread::yield_now();
    }
}

/// Waits until the readiness contains these flags.
fn wait_for(fd: &OwnedFd, interests: Interests, ready: Ready) {
    settle(fd, interests, |seen| seen.is_some_and(|seen| seen.contains(ready)));
}

/// Waits until the readiness is as it should be, for a while; the answer is what it is then.
fn settle(
    fd: &OwnedFd,
    interests: Interests,
    done: impl Fn(Option<Ready>) -> bool,
) -> Option<Ready> {
    let mut poller = registered(&mut EventedFd::new(fd), interests, PollOption::Level);
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let ready = poll(&mut poller).first().map(Event::readiness);
        if done(ready) || Instant::now() >= end {
            return ready;
        }
        std::thread::yield_now();
    }
}

// Behaviour 8, Behaviour 10
#[test]
fn what_the_peer_did_gives_exactly_these_flags_with_every_trigger_and_interest() {
    let _alone = unix_support::no_child_starts();
    is_as_in(PEER, [R, W, both()]);
}

fn is_as_in(table: &str, interests: [Interests; 3]) {
    let mut wrong = Vec::new();
    for (kind, what, columns) in rows(table) {
        let columns = columns_here(kind, &what).unwrap_or(columns);
        let scene = Scene::play(kind, &what);

        let expected = flags(columns[2]);
        settle(&scene.ours, interests[2], |ready| ready == expected);
        for (interests, column) in interests.into_iter().zip(columns) {
            for option in OPTIONS {
                let mut poller = registered(&mut EventedFd::new(&scene.ours), interests, option);
                let ready = poll(&mut poller).first().map(Event::readiness);
                let again = poll(&mut poller).first().map(Event::readiness);
                let expected = flags(column);
                let expected_again = if option == PollOption::Level { expected } else { None };
                if (ready, again) != (expected, expected_again) {
                    let got = format!("{ready:?}, then {again:?}; not {expected:?}");
                    wrong.push(format!("{kind} {what}, {option:?} {interests:?}: {got}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// Behaviour 10
#[test]
fn what_an_end_of_a_pipe_reports_is_decided_anew_when_it_is_reregistered() {
    let _alone = unix_support::no_child_starts();
    for option in OPTIONS {
        let Scene { ours, peer } = Scene::of("writer");
        let mut handle = EventedFd::new(&ours);
        let mut poller = registered(&mut handle, both(), option);
        poller.reregister(&mut handle, EventedId(2), W, option).unwrap();
        drop(peer);
        let expected = Event::new(EventedId(2), Ready::WRITABLE | Ready::ERROR);
        assert_eq!(poll(&mut poller), [expected], "{option:?}");
    }
}

// Behaviour 10
#[test]
fn unread_data_is_still_delivered_after_whatever_the_peer_did() {
    let _alone = unix_support::no_child_starts();
    for kind in ["tcp", "unix", "reader"] {
        for what in ["closed", "shut down writing", "shut down both", "reset"] {
            if kind == "reader" && what != "closed" || kind == "unix" && what == "reset" {
                continue; // A pipe cannot be shut down, and neither can be reset.
            }
            let mut scene = Scene::of(kind);
            scene.send();
            // A reset overtakes nothing, but let the data arrive first.
            wait_for(&scene.ours, R, Ready::READABLE);
            match what {
                "closed" => scene.peer = None,
                "shut down writing" => shutdown(scene.peer.as_ref().unwrap(), Shutdown::Write),
                "shut down both" => shutdown(scene.peer.as_ref().unwrap(), Shutdown::Both),
                _ => scene.reset(),
            }
            wait_for(&scene.ours, R, Ready::READABLE | Ready::READ_CLOSED);
            let mut ours = nonblocking(&scene.ours);
            let mut data = [0; 16];
            assert_eq!(ours.read(&mut data).unwrap(), 5, "{kind} {what}");
            assert_eq!(&data[..5], b"hello");
            match ours.read(&mut data) {
                Ok(read) => assert!(read == 0 && what != "reset", "{kind} {what}"),
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
                    assert_eq!(what, "reset");
                }
            }
        }
    }
}

// Behaviour 11
#[test]
fn out_of_band_data_is_priority_where_asked_for_and_never_readable_alone() {
    let (ours, peer) = tcp();
    send_out_of_band(&peer);
    let ours = OwnedFd::from(ours);
    let priority = Interests::PRIORITY;
    if differs("no out-of-band data") {
        let mut poller = Poller::new().unwrap();
        let refused =
            poller.register(&mut EventedFd::new(&ours), EventedId(1), priority, OPTIONS[0]);
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::Unsupported);
        return;
    }
    wait_for(&ours, priority, Ready::PRIORITY);
    for (interests, expected) in [
        (R, None),
        (both(), Some(Ready::WRITABLE)),
        (priority, Some(Ready::PRIORITY)),
        (R | priority, Some(Ready::PRIORITY)),
        (both() | priority, Some(Ready::WRITABLE | Ready::PRIORITY)),
    ] {
        for option in OPTIONS {
            let mut poller = registered(&mut EventedFd::new(&ours), interests, option);
            let ready = poll(&mut poller).first().map(Event::readiness);
            assert_eq!(ready, expected, "{interests:?} {option:?}");
        }
    }
    // With data behind it, the data is readable, and the urgent byte is still told apart.
    (&peer).write_all(b"more").unwrap();
    wait_for(&ours, R | priority, Ready::READABLE | Ready::PRIORITY);
}

/// As `PEER`, P PRIORITY, for PRIORITY alone, with reading, and with both.
const URGENT: &str = "
    tcp    nothing                                    -       -       W
    tcp    sent                                       -       R       RW
    tcp    sent urgently                              P       P       WP
    tcp    shut down writing                          -       Rr      RWr
    tcp    sent urgently and shut down writing        P       RrP     RWrP
    tcp    reset                                      REHrw   REHrw   RWEHrw
    tcp    both shut down writing                     RHrw    RHrw    RWHrw
";

// Behaviour 10, Behaviour 11
#[test]
fn what_the_peer_did_is_told_with_priority_too() {
    if !differs("no out-of-band data") {
        let _alone = unix_support::no_child_starts();
        let priority = Interests::PRIORITY;
        is_as_in(URGENT, [priority, R | priority, both() | priority]);
    }
}

fn send_out_of_band(peer: &impl AsRawFd) {
    // SAFETY: the pointer and the length are those of the data.
    let sent = unsafe { libc::send(peer.as_raw_fd(), c"!".as_ptr().cast(), 1, libc::MSG_OOB) };
    assert_eq!(sent, 1);
}

fn receive_out_of_band(fd: &OwnedFd) -> isize {
    // SAFETY: the pointer is that of one byte.
    unsafe { libc::recv(fd.as_raw_fd(), [0_u8; 1].as_mut_ptr().cast(), 1, libc::MSG_OOB) }
}

// Behaviour 11
#[test]
fn out_of_band_data_is_told_after_ordinary_data_and_repeats_while_it_is_there() {
    if differs("no out-of-band data") {
        return; // Asserted above.
    }
    for option in OPTIONS {
        let (ours, mut peer) = tcp();
        let ours = OwnedFd::from(ours);
        let mut poller = registered(&mut EventedFd::new(&ours), Interests::PRIORITY, option);
        peer.write_all(b"ordinary").unwrap();
        wait_for(&ours, R, Ready::READABLE);
        is_asleep(&mut poller);
        assert_eq!(poll(&mut poller), [], "{option:?}");
        // Another registration of the same descriptor fails, and takes nothing away.
        let twice =
            poller.register(&mut EventedFd::new(&ours), EventedId(1), Interests::PRIORITY, option);
        assert_eq!(twice.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        is_asleep(&mut poller);
        // Also when it is so much that the kernel tells of it.
        fill(&peer.try_clone().unwrap().into());
        assert_eq!(poll(&mut poller), [], "{option:?}");
        let mut all = nonblocking(&ours);
        while all.read(&mut [0; 1 << 16]).is_ok_and(|read| read > 0) {}
        send_out_of_band(&peer);
        let mut events = Events::new();
        poller.poll(&mut events, Some(LONG)).unwrap();
        let expected = Event::new(EventedId(1), Ready::PRIORITY);
        assert_eq!((&mut events).collect::<Vec<_>>(), [expected], "{option:?}");
        let again = if option == PollOption::Level { vec![expected] } else { vec![] };
        for _ in 0..3 {
            assert_eq!(poll(&mut poller), again, "{option:?}");
        }
        // Until it is received, or where the mark stays, until what is behind it is.
        assert_eq!(receive_out_of_band(&ours), 1);
        let stays = option == PollOption::Level && differs("urgent data stays");
        let expected = if stays { again } else { vec![] };
        assert_eq!(poll(&mut poller), expected, "{option:?}");
        peer.write_all(b"behind").unwrap();
        wait_for(&ours, R, Ready::READABLE);
        assert_eq!(all.read(&mut [0; 16]).unwrap(), 6);
        assert_eq!(poll(&mut poller), [], "{option:?}");
        // The next.
        send_out_of_band(&peer);
        let next = if option == PollOption::Oneshot { 0 } else { 1 };
        poller.poll(&mut events, Some(Duration::from_millis(100 + next * 10_000))).unwrap();
        assert_eq!(events.len() as u64, next, "{option:?}");
    }
}

/// The kernel has no event for a poller that the poller would only throw away: it would wake the thread.
fn is_asleep(poller: &mut Poller) {
    #[cfg(all(kqueue, target_pointer_width = "64"))]
    {
        unsafe extern "C" {
            fn kevent(
                queue: libc::c_int,
                changes: *const [u64; 8],
                how_many: libc::c_int,
                events: *mut [u64; 8],
                room: libc::c_int,
                timeout: *const libc::timespec,
            ) -> libc::c_int;
        }
        // More than an event takes anywhere.
        let (mut event, now) = ([0; 8], libc::timespec { tv_sec: 0, tv_nsec: 0 });
        let queue = poller.as_raw_fd();
        // SAFETY: there are no changes, and room for one event.
        let told = unsafe { kevent(queue, std::ptr::null(), 0, &mut event, 1, &now) };
        assert_eq!(told, 0, "{event:?}");
    }
    let _ = poller;
}

// --- Edge, level, oneshot --------------------------------------------------------------------------

/// How many events come: in three polls with data waiting and nothing done; after a part of the data was
/// read; after more data arrived; after all was read; after reregistering with data waiting.
const TRIGGERS: [(PollOption, Interests, [usize; 5]); 6] = [
    (PollOption::Edge, R, [1, 0, 1, 0, 1]),
    (PollOption::Edge, W, [1, 0, 0, 0, 1]),
    (PollOption::Level, R, [3, 1, 1, 0, 1]),
    (PollOption::Level, W, [3, 1, 1, 1, 1]),
    (PollOption::Oneshot, R, [1, 0, 0, 0, 1]),
    (PollOption::Oneshot, W, [1, 0, 0, 0, 1]),
];

/// As `TRIGGERS`, for both interests.
const TRIGGERS_OF_BOTH: [(PollOption, [usize; 5]); 3] = [
    (PollOption::Edge, [1, 0, 1, 0, 1]),
    (PollOption::Level, [3, 1, 1, 1, 1]),
    (PollOption::Oneshot, [1, 0, 0, 0, 1]),
];

/// A handle, and what writes to it.
type Fed = (Box<dyn Handle>, Box<dyn Write>);

trait Handle: Evented + Read {}
impl<T: Evented + Read> Handle for T {}

/// Every kind of handle that can be read, with those interests that it takes.
fn handles() -> Vec<(&'static str, bool, Fed)> {
    let (ours, peer) = tcp();
    ours.set_nonblocking(true).unwrap();
    let tcp: Fed = (Box::new(mio_st::net::TcpStream::from(OwnedFd::from(ours))), Box::new(peer));
    let (ours, peer) = mio_st::unix::UnixStream::pair().unwrap();
    let unix: Fed = (Box::new(ours), Box::new(peer));
    let (ours, peer) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let any: Fed = (Box::new(EventedIo::from(OwnedFd::from(ours))), Box::new(peer));
    let (sender, receiver) = new_pipe().unwrap();
    let pipe: Fed = (Box::new(receiver), Box::new(sender));
    vec![("tcp", true, tcp), ("unix", true, unix), ("any", true, any), ("pipe", false, pipe)]
}

/// Waits until so many bytes can be read, which takes a moment for TCP.
fn arrived(handle: &mut dyn Handle, interests: Interests) {
    let mut poller = registered(handle, interests, PollOption::Level);
    let mut events = Events::new();
    poller.poll(&mut events, Some(LONG)).unwrap();
    assert_eq!(events.len(), 1);
}

// Behaviour 8
#[test]
fn edge_level_and_oneshot_over_every_interest_and_kind_of_handle() {
    let both = TRIGGERS_OF_BOTH.map(|(option, counts)| (option, both(), counts));
    for (option, interests, expected) in TRIGGERS.into_iter().chain(both) {
        for (name, writes, (mut handle, mut peer)) in handles() {
            if interests.is_writable() && !writes {
                continue;
            }
            peer.write_all(b"some data").unwrap();
            arrived(&mut *handle, R);

            let mut poller = registered(&mut *handle, interests, option);
            let mut counts = [0; 5];
            counts[0] = (0..3).map(|_| poll(&mut poller).len()).sum();

            handle.read_exact(&mut [0; 4]).unwrap();
            counts[1] = poll(&mut poller).len();

            peer.write_all(b"more data").unwrap();
            counts[2] = poll(&mut poller).len();
            // The data of TCP is on its way, if only for a moment.
            let end = Instant::now() + Duration::from_secs(5);
            while counts[2] < expected[2] && Instant::now() < end {
                counts[2] = poll(&mut poller).len();
            }

            arrived(&mut *handle, R);
            drain(&mut *handle, 14);
            counts[3] = poll(&mut poller).len();

            peer.write_all(b"the last").unwrap();
            arrived(&mut *handle, R);
            poller.reregister(&mut *handle, EventedId(1), interests, option).unwrap();
            counts[4] = poll(&mut poller).len();
            let mut expected = expected;
            if name == "pipe" && option == PollOption::Edge && differs("pipe edges") {
                expected[1] = 1;
            }
            assert_eq!(counts, expected, "{name} {option:?} {interests:?}");
        }
    }
}

fn drain(handle: &mut dyn Handle, count: usize) {
    let end = Instant::now() + Duration::from_secs(5);
    let (mut read, mut data) = (0, [0; 64]);
    while read < count && Instant::now() < end {
        match handle.read(&mut data) {
            Ok(bytes) => read += bytes,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    assert_eq!(read, count);
}

// Behaviour 8
#[test]
fn a_writer_that_was_full_gets_an_edge_when_there_is_room_again() {
    let (mut sender, mut receiver) = new_pipe().unwrap();
    let mut poller = registered(&mut sender, W, PollOption::Edge);
    assert_eq!(poll(&mut poller).len(), 1);
    while sender.write(&[0; 4096]).is_ok() {}
    assert_eq!(poll(&mut poller).len(), 0);
    receiver.read_exact(&mut [0; 65536]).unwrap();
    assert_eq!(poll(&mut poller)[0].readiness(), Ready::WRITABLE);
    assert_eq!(poll(&mut poller).len(), 0);
}

// Behaviour 8
#[test]
fn what_the_peer_takes_is_an_edge_to_a_unix_writer_also_if_it_was_not_full() {
    let (ours, peer) = tcp();
    let (our_unix, unix_peer) = UnixStream::pair().unwrap();
    let tcp_too = differs("edges of acknowledgements");
    let pairs: [([OwnedFd; 2], bool); 2] =
        [([ours.into(), peer.into()], tcp_too), ([our_unix.into(), unix_peer.into()], true)];
    for ([ours, peer], is_edge) in pairs {
        let mut poller = registered(&mut EventedFd::new(&ours), W, PollOption::Edge);
        assert_eq!(poll(&mut poller).len(), 1);
        assert_eq!(poll(&mut poller).len(), 0);
        write(&ours, b"some").unwrap();
        wait_for(&peer, R, Ready::READABLE);
        assert_eq!(nonblocking(&peer).read(&mut [0; 16]).unwrap(), 4);
        assert_eq!(poll(&mut poller).len(), is_edge.into());
        assert_eq!(poll(&mut poller).len(), 0);
    }
}

// Behaviour 8
#[test]
fn a_socket_may_be_registered_before_it_listens() {
    let ours = unconnected("tcp");
    let fd = ours.as_raw_fd();
    let mut poller = registered(&mut EventedFd::new(&ours), R, PollOption::Edge);
    // That it was not connected.
    poll(&mut poller);
    // Where no address is bound, the system chooses one.
    // SAFETY: no pointer is passed.
    assert_eq!(unsafe { libc::listen(fd, 1) }, 0);
    let listener = TcpListener::from(ours.try_clone().unwrap());
    let port = listener.local_addr().unwrap().port();
    poll(&mut poller);
    let _peer = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut events = Events::new();
    if differs("listening later") {
        poller.poll(&mut events, Some(Duration::from_millis(10))).unwrap();
        assert_eq!((&mut events).collect::<Vec<_>>(), []);
    } else {
        poller.poll(&mut events, Some(LONG)).unwrap();
        let expected = Event::new(EventedId(1), Ready::READABLE);
        assert_eq!((&mut events).collect::<Vec<_>>(), [expected]);
    }
}

// Behaviour 8
#[test]
fn one_event_of_a_oneshot_handle_disarms_both_directions() {
    let (mut ours, peer) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    while ours.write(&[0; 4096]).is_ok() {}
    let mut poller = registered(&mut EventedFd::new(&ours), both(), PollOption::Oneshot);
    assert_eq!(poll(&mut poller).len(), 0);
    (&peer).write_all(b"x").unwrap();
    assert_eq!(poll(&mut poller)[0].readiness(), Ready::READABLE);
    // There is room to write now, and more to read.
    peer.set_nonblocking(true).unwrap();
    while (&peer).read(&mut [0; 4096]).is_ok() {}
    (&peer).write_all(b"y").unwrap();
    assert_eq!(poll(&mut poller).len(), 0);
    // Not even the end is told.
    drop(peer);
    assert_eq!(poll(&mut poller).len(), 0);
    poller.reregister(&mut EventedFd::new(&ours), EventedId(1), W, PollOption::Oneshot).unwrap();
    assert!(poll(&mut poller)[0].readiness().contains(Ready::WRITABLE | Ready::HUP));
}

// Behaviour 8
#[test]
fn the_directions_of_a_handle_are_one_event_whatever_lies_between_them() {
    for option in OPTIONS {
        let (ours, peer) = UnixStream::pair().unwrap();
        let (other, _other_peer) = UnixStream::pair().unwrap();
        let mut poller = registered(&mut EventedFd::new(&ours), both(), option);
        poller.register(&mut EventedFd::new(&other), EventedId(2), W, option).unwrap();
        // The system may have seen first that the one can be written, then the other, and now this.
        (&peer).write_all(b"x").unwrap();
        let mut events = poll(&mut poller);
        events.sort_by_key(|event| event.id().0);
        let expected = [
            Event::new(EventedId(1), Ready::READABLE | Ready::WRITABLE),
            Event::new(EventedId(2), Ready::WRITABLE),
        ];
        assert_eq!(events, expected, "{option:?}");
    }
}

// Behaviour 9
#[test]
fn the_trigger_of_a_registered_handle_can_be_changed_in_each_direction() {
    /// Events in three polls with data waiting, and after more has arrived.
    fn events(option: PollOption) -> [usize; 2] {
        match option {
            PollOption::Edge => [1, 1],
            PollOption::Level => [3, 1],
            PollOption::Oneshot => [1, 0],
        }
    }
    for (name, _, (mut handle, mut peer)) in handles() {
        peer.write_all(b"data").unwrap();
        arrived(&mut *handle, R);
        for from in OPTIONS {
            for to in OPTIONS {
                for polled in [false, true] {
                    let mut poller = registered(&mut *handle, R, from);
                    if polled {
                        assert_eq!(poll(&mut poller).len(), 1);
                    }
                    poller.reregister(&mut *handle, EventedId(2), R, to).unwrap();
                    let waiting = (0..3).map(|_| poll(&mut poller).len()).sum();
                    peer.write_all(b"x").unwrap();
                    let mut events_of_more = poll(&mut poller).len();
                    let end = Instant::now() + Duration::from_secs(5);
                    while events_of_more < events(to)[1] && Instant::now() < end {
                        events_of_more = poll(&mut poller).len();
                    }
                    assert_eq!(
                        [waiting, events_of_more],
                        events(to),
                        "{name} {from:?} to {to:?}, polled before: {polled}"
                    );
                }
            }
        }
    }
}
