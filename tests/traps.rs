//! What the guide's chapters warn of, on the running kernel. Where it is otherwise, the guide is to be changed.
#![cfg(all(target_os = "linux", epoll))]

mod unix_support;

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mio_st::net::{TcpListener, TcpStream, UdpSocket};
use mio_st::poll::Interests;
use mio_st::unix::{EventedFd, Process};
use mio_st::{EventedId, Events, PollOption, Poller, Ready};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use unix_support::{LONG, kind, readiness, start};

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A std client, which a close resets.
fn resetting_client(address: SocketAddr) -> std::net::TcpStream {
    let client = std::net::TcpStream::connect(address).unwrap();
    SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    client
}

#[test]
fn a_connection_that_was_reset_before_it_was_accepted_is_handed_out() {
    let _alone = unix_support::no_child_starts();
    let mut listener = TcpListener::bind(any()).unwrap();
    drop(resetting_client(listener.local_addr().unwrap()));
    readiness(&mut listener, TcpListener::INTERESTS, LONG).expect("a connection");
    let (mut stream, _) = listener.accept().unwrap();
    let is_reset = |ready: Ready| ready.contains(Ready::ERROR | Ready::HUP);
    while !readiness(&mut stream, TcpStream::INTERESTS, LONG).is_some_and(is_reset) {}
    assert_eq!(kind(stream.read(&mut [0; 8])), io::ErrorKind::ConnectionReset);
}

#[test]
fn closing_one_of_several_listeners_of_a_port_resets_those_in_its_queue() {
    let _alone = unix_support::no_child_starts();
    let listener = |address: SocketAddr| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
        socket.set_reuse_port(true).unwrap();
        socket.bind(&address.into()).unwrap();
        socket.listen(64).unwrap();
        std::net::TcpListener::from(socket)
    };
    let first = listener(any());
    let second = listener(first.local_addr().unwrap());
    let address = first.local_addr().unwrap();
    let clients: Vec<_> = (0..40).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    drop(first);
    second.set_nonblocking(true).unwrap();
    clients.iter().for_each(|client| client.set_nonblocking(true).unwrap());
    // What is sent arrives when the system comes to it.
    let (mut reset, mut accepted) = (0, 0);
    let end = Instant::now() + LONG;
    while reset + accepted < clients.len() && Instant::now() < end {
        let is_reset = |mut client: &std::net::TcpStream| {
            let result = client.read(&mut [0; 1]);
            result.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
        };
        reset += clients.iter().filter(|client| is_reset(client)).count();
        accepted += std::iter::from_fn(|| second.accept().ok()).count();
    }
    let migrates = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_migrate_req");
    if migrates.is_ok_and(|setting| setting.trim() == "1") {
        assert_eq!((reset, accepted), (0, 40));
    } else {
        assert!(reset > 0 && reset + accepted == 40, "{reset} reset, {accepted} accepted");
    }
}

#[test]
fn a_wildcard_socket_answers_from_another_address_than_it_was_asked_at() {
    let mut server = UdpSocket::bind("0.0.0.0:0".parse().unwrap()).unwrap();
    let mut client = UdpSocket::bind(any()).unwrap();
    let asked = SocketAddr::from(([127, 0, 0, 2], server.local_addr().unwrap().port()));
    client.send_to(b"question", asked).unwrap();
    readiness(&mut server, Interests::READABLE, LONG).unwrap();
    let (_, from) = server.recv_from(&mut [0; 16]).unwrap();
    server.send_to(b"answer", from).unwrap();
    readiness(&mut client, Interests::READABLE, LONG).unwrap();
    let (_, answered) = client.recv_from(&mut [0; 16]).unwrap();
    assert_eq!(answered.ip(), Ipv4Addr::new(127, 0, 0, 1));
    // One connected to the address that it asks does not get it.
    let client = client.connect(asked).unwrap();
    server.send_to(b"again", from).unwrap();
    assert_eq!(kind(client.recv(&mut [0; 16])), io::ErrorKind::WouldBlock);
}

#[test]
fn a_wildcard_socket_gets_multicast_of_groups_that_others_joined() {
    let group = Ipv4Addr::new(239, 255, 77, 77);
    let udp = |port: u16| {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddr::from(([0, 0, 0, 0], port)).into()).unwrap();
        UdpSocket::from(std::net::UdpSocket::from(socket))
    };
    let mut other = udp(0);
    let port = other.local_addr().unwrap().port();
    let [mut bystander, strict] = [udp(port), udp(port)];
    SockRef::from(&strict).set_multicast_all_v4(false).unwrap();
    other.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
    let sender = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    sender.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    sender.send_to(b"to the group", &SocketAddrV4::new(group, port).into()).unwrap();
    for receiver in [&mut other, &mut bystander] {
        readiness(receiver, Interests::READABLE, LONG).unwrap();
        assert_eq!(receiver.recv_from(&mut [0; 32]).unwrap().0, 12);
    }
    assert_eq!(kind(strict.recv_from(&mut [0; 32])), io::ErrorKind::WouldBlock);
}

#[test]
fn a_poller_in_a_poller_must_be_level_triggered() {
    let pairs: Vec<_> = (0..2).map(|_| std::os::unix::net::UnixDatagram::pair().unwrap()).collect();
    for (option, seen) in [(PollOption::Edge, 1), (PollOption::Level, 2)] {
        let mut inner = Poller::new().unwrap();
        let mut outer = Poller::new().unwrap();
        for (receiver, sender) in &pairs {
            let mut receiver = EventedFd::new(receiver);
            inner
                .register(&mut receiver, EventedId(1), Interests::READABLE, PollOption::Edge)
                .unwrap();
            sender.send(b"x").unwrap();
        }
        outer
            .register(&mut EventedFd::new(&inner), EventedId(2), Interests::READABLE, option)
            .unwrap();
        let mut events = Events::new();
        let mut one = Events::with_capacity(1);
        let mut turns = 0;
        for _ in 0..2 {
            outer.poll(&mut events, Some(Duration::ZERO)).unwrap();
            if !events.is_empty() {
                turns += 1;
                inner.poll(&mut one, Some(Duration::ZERO)).unwrap();
            }
        }
        assert_eq!(turns, seen, "{option:?}");
    }
}

#[test]
fn a_listener_may_be_in_two_pollers() {
    let mut listener = TcpListener::bind(any()).unwrap();
    let mut pollers = [Poller::new().unwrap(), Poller::new().unwrap()];
    for poller in &mut pollers {
        let interests = TcpListener::INTERESTS;
        poller.register(&mut listener, EventedId(1), interests, PollOption::Edge).unwrap();
    }
    let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut events = Events::new();
    for poller in &mut pollers {
        poller.poll(&mut events, Some(LONG)).unwrap();
        assert_eq!(events.len(), 1);
    }
}

#[test]
fn a_socket_may_be_connected_to_itself() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // The system may choose this very port for a client, where it is one of its ephemeral ones.
    socket.bind(&any().into()).unwrap();
    let own = socket.local_addr().unwrap();
    socket.connect(&own).unwrap();
    assert_eq!(socket.peer_addr().unwrap().as_socket(), own.as_socket());
}

#[test]
fn whoever_takes_the_error_first_turns_a_truncated_answer_into_a_clean_end() {
    let _alone = unix_support::no_child_starts();
    for take_first in [false, true] {
        let listener = std::net::TcpListener::bind(any()).unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (peer, _) = listener.accept().unwrap();
        SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
        SockRef::from(&peer).send(b"half of an ans").unwrap();
        drop(peer);
        while !readiness(&mut stream, TcpStream::INTERESTS, LONG).is_some_and(Ready::is_error) {}
        if take_first {
            assert!(stream.take_error().unwrap().is_some());
        }
        assert_eq!(stream.read(&mut [0; 64]).unwrap(), 14);
        let end = stream.read(&mut [0; 64]);
        match take_first {
            true => assert_eq!(end.unwrap(), 0),
            false => assert_eq!(kind(end), io::ErrorKind::ConnectionReset),
        }
    }
}

#[test]
fn a_chain_of_more_than_five_pollers_is_eloop() {
    let mut chain: Vec<_> = (0..6).map(|_| Poller::new().unwrap()).collect();
    for n in 1..chain.len() {
        let (before, from) = chain.split_at_mut(n);
        let mut inner = EventedFd::new(&before[n - 1]);
        let result =
            from[0].register(&mut inner, EventedId(0), Interests::READABLE, PollOption::Level);
        match n {
            5 => assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ELOOP)),
            _ => result.unwrap(),
        }
    }
}

/// Since Linux 6.9.
#[test]
fn a_process_that_is_reaped_gives_a_second_edge() {
    let mut child = start(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()));
    let mut process = Process::from_pid(child.id()).unwrap();
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(&mut process, EventedId(1), Process::INTERESTS, PollOption::Edge).unwrap();
    drop(child.stdin.take());
    poller.poll(&mut events, Some(LONG)).unwrap();
    let seen: Vec<_> = events.iter().map(|event| event.readiness()).collect();
    assert_eq!(seen, [Ready::READABLE]);
    child.wait().unwrap();
    poller.poll(&mut events, Some(Duration::from_millis(10))).unwrap();
    let seen: Vec<_> = events.iter().map(|event| event.readiness()).collect();
    assert!(seen.is_empty() || seen[0].contains(Ready::READABLE | Ready::HUP), "{seen:?}");
}

/// The events of a server for a hundred requests, each of which is answered as it is read; and whether a poll after
/// the client has its answer says anything more.
fn events_of_requests(
    handle: &mut impl mio_st::event::Evented,
    interests: Interests,
    mut request: impl FnMut(),
    mut answer: impl FnMut(),
    mut receive: impl FnMut(),
) -> usize {
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(handle, EventedId(1), interests, PollOption::Edge).unwrap();
    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    let mut count = 0;
    for _ in 0..100 {
        request();
        poller.poll(&mut events, Some(LONG)).unwrap();
        count += events.len();
        answer();
        receive();
        poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
        count += events.len();
    }
    count
}

#[test]
fn registered_for_both_directions_a_unix_stream_and_udp_give_two_events_a_request() {
    use std::io::Write;
    for (interests, expected) in
        [(mio_st::unix::UnixStream::INTERESTS, 200), (Interests::READABLE, 100)]
    {
        let (ours, client) = std::os::unix::net::UnixStream::pair().unwrap();
        let (ours, client) = (&ours, &client);
        let mut buffer = [0; 8];
        let count = events_of_requests(
            &mut EventedFd::new(ours),
            interests,
            || assert_eq!((&*client).write(b"x").unwrap(), 1),
            || {
                assert_eq!((&*ours).read(&mut buffer).unwrap(), 1);
                assert_eq!((&*ours).write(b"x").unwrap(), 1);
            },
            || assert_eq!((&*client).read(&mut [0; 8]).unwrap(), 1),
        );
        assert_eq!(count, expected, "Unix stream, {interests:?}");

        let ours = UdpSocket::bind(any()).unwrap();
        let client = std::net::UdpSocket::bind(any()).unwrap();
        client.connect(ours.local_addr().unwrap()).unwrap();
        let count = events_of_requests(
            &mut EventedFd::new(&ours),
            interests,
            || assert_eq!(client.send(b"x").unwrap(), 1),
            || {
                let (_, from) = ours.recv_from(&mut [0; 8]).unwrap();
                ours.send_to(b"x", from).unwrap();
            },
            || assert_eq!(client.recv(&mut [0; 8]).unwrap(), 1),
        );
        assert_eq!(count, expected, "UDP, {interests:?}");
    }
}
