//! UDP: sockets with and without a peer, batches, multicast, the builder.

mod unix_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::ErrorKind;
use std::net::{self, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::slice;
use std::time::Duration;

use socket2::SockRef;

use mio_st::event::Evented;
use mio_st::net::{ConnectedUdpSocket, Datagram, UdpSocket, UdpSocketBuilder};
use mio_st::poll::Interests;
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

use unix_support::*;

/// The most that an IPv4 datagram holds.
const MAX_DATAGRAM: usize = 65_507;
/// The most that one call of a batch takes.
const MAX_BATCH: usize = 64;

fn v4() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Loopback, of each family that the machine has.
fn loopback() -> Vec<SocketAddr> {
    let v6 = "[::1]:0".parse().unwrap();
    if net::UdpSocket::bind(v6).is_ok() {
        return vec![v4(), v6];
    }
    println!("no IPv6 here: its part of the test is skipped");
    vec![v4()]
}

fn wait(handle: &mut impl Evented) -> Ready {
    readiness(handle, Interests::READABLE, LONG).expect("an event")
}

/// Sends to nobody until that is refused: the system tells so only so often a second, whoever asks
/// (`icmp_msgs_per_sec` in icmp(7)).
fn be_refused(socket: &mut ConnectedUdpSocket) -> Ready {
    for _ in 0..20 {
        socket.send(b"anybody?").unwrap();
        if let Some(ready) = readiness(socket, Interests::READABLE, Duration::from_secs(1)) {
            return ready;
        }
    }
    panic!("no refusal");
}

/// What waits at a socket: one datagram, and who sent it.
fn receive(socket: &mut UdpSocket) -> (Vec<u8>, SocketAddr) {
    wait(socket);
    let mut buffer = vec![0; MAX_DATAGRAM];
    let (n, sender) = socket.recv_from(&mut buffer).unwrap();
    buffer.truncate(n);
    (buffer, sender)
}

fn receive_connected(socket: &mut ConnectedUdpSocket) -> Vec<u8> {
    wait(socket);
    let mut buffer = vec![0; MAX_DATAGRAM];
    let n = socket.recv(&mut buffer).unwrap();
    buffer.truncate(n);
    buffer
}

/// Two sockets that are connected to each other.
fn connected_pair(address: SocketAddr) -> (ConnectedUdpSocket, ConnectedUdpSocket) {
    let (a, b) = (UdpSocket::bind(address).unwrap(), UdpSocket::bind(address).unwrap());
    let (address_a, address_b) = (a.local_addr().unwrap(), b.local_addr().unwrap());
    (a.connect(address_b).unwrap(), b.connect(address_a).unwrap())
}

/// An address where nobody listens, and which nobody else gets: it belongs to a socket whose peer is itself, and the
/// system answers as if it were not there.
fn deaf(address: SocketAddr) -> (ConnectedUdpSocket, SocketAddr) {
    let socket = UdpSocket::bind(address).unwrap();
    let address = socket.local_addr().unwrap();
    (socket.connect(address).unwrap(), address)
}

#[test]
fn datagrams_pass_between_sockets_of_either_family() {
    for address in loopback() {
        let mut a = UdpSocket::bind(address).unwrap();
        let b = UdpSocket::bind(address).unwrap();
        let (address_a, address_b) = (a.local_addr().unwrap(), b.local_addr().unwrap());
        assert_eq!(kind(a.recv_from(&mut [0])), ErrorKind::WouldBlock);
        assert_eq!(kind(a.peek_from(&mut [0])), ErrorKind::WouldBlock);
        assert_eq!(b.send_to(b"hello", address_a).unwrap(), 5);
        wait(&mut a);
        let mut buffer = [0; 8];
        assert_eq!(a.peek_from(&mut buffer).unwrap(), (5, address_b));
        assert_eq!(a.recv_from(&mut buffer).unwrap(), (5, address_b));
        assert_eq!(&buffer[..5], b"hello");
        assert_eq!(kind(a.recv_from(&mut buffer)), ErrorKind::WouldBlock);
        assert!(a.take_error().unwrap().is_none());
    }
}

#[test]
fn a_connected_socket_receives_from_its_peer_alone() {
    for address in loopback() {
        let (mut a, mut b) = connected_pair(address);
        assert_eq!(a.peer_addr().unwrap(), b.local_addr().unwrap());
        let stranger = UdpSocket::bind(address).unwrap();
        // The system may say so at once, or later.
        let _ = stranger.send_to(b"stranger", a.local_addr().unwrap());
        assert_eq!(b.send(b"peer").unwrap(), 4);
        wait(&mut a);
        let mut buffer = [0; 16];
        assert_eq!(a.peek(&mut buffer).unwrap(), 4);
        assert_eq!(a.recv(&mut buffer).unwrap(), 4);
        assert_eq!(&buffer[..4], b"peer");
        assert_eq!(kind(a.recv(&mut buffer)), ErrorKind::WouldBlock);
        assert_eq!(kind(a.peek(&mut buffer)), ErrorKind::WouldBlock);
        a.send(b"back").unwrap();
        assert_eq!(receive_connected(&mut b), b"back");

        let c = ConnectedUdpSocket::connect(address, stranger.local_addr().unwrap()).unwrap();
        assert_eq!(c.peer_addr().unwrap(), stranger.local_addr().unwrap());
    }
}

#[test]
fn a_disconnected_socket_keeps_its_port_and_its_registration() {
    for address in loopback() {
        let peer = UdpSocket::bind(address).unwrap();
        let stranger = UdpSocket::bind(address).unwrap();
        let mut socket = ConnectedUdpSocket::connect(address, peer.local_addr().unwrap()).unwrap();
        let local = socket.local_addr().unwrap();
        let mut poller = Poller::new().unwrap();
        let mut events = Events::new();
        poller.register(&mut socket, EventedId(0), Interests::READABLE, PollOption::Edge).unwrap();

        let mut socket = socket.disconnect().unwrap();
        assert_eq!(socket.local_addr().unwrap(), local);
        for sender in [&stranger, &peer] {
            sender.send_to(b"hello", local).unwrap();
            poller.poll(&mut events, Some(LONG)).unwrap();
            assert_eq!((&mut events).next().map(|event| event.id()), Some(EventedId(0)));
            let (data, from) = receive_registered(&socket);
            assert_eq!((&data[..], from), (&b"hello"[..], sender.local_addr().unwrap()));
        }
        socket.send_to(b"to anyone", stranger.local_addr().unwrap()).unwrap();
        poller.deregister(&mut socket).unwrap();

        // And once more, with a port that was asked for by number; somebody else may have taken it.
        drop(socket);
        let Ok(socket) = ConnectedUdpSocket::connect(local, peer.local_addr().unwrap()) else {
            continue;
        };
        let socket = socket.disconnect().unwrap();
        assert_eq!(socket.local_addr().unwrap(), local);
        socket.connect(stranger.local_addr().unwrap()).unwrap();
    }
}

fn receive_registered(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 16];
    let (n, sender) = socket.recv_from(&mut buffer).unwrap();
    (buffer[..n].to_vec(), sender)
}

// Behaviour 32
#[test]
fn an_empty_datagram_is_received_and_is_not_the_end() {
    let mut a = UdpSocket::bind(v4()).unwrap();
    let b = UdpSocket::bind(v4()).unwrap();
    let address = a.local_addr().unwrap();
    assert_eq!(b.send_to(b"", address).unwrap(), 0);
    b.send_to(b"next", address).unwrap();
    assert_eq!(receive(&mut a).0, b"");
    assert_eq!(receive(&mut a).0, b"next");

    let (mut a, b) = connected_pair(v4());
    assert_eq!(b.send(b"").unwrap(), 0);
    assert_eq!(b.send_batch([&b""[..], b"next"]).unwrap(), 2);
    for expected in [&b""[..], b"", b"next"] {
        assert_eq!(receive_connected(&mut a), expected);
    }
}

// Behaviour 32
#[test]
fn too_big_a_datagram_is_emsgsize() {
    let mut a = UdpSocket::bind(v4()).unwrap();
    let b = UdpSocket::bind(v4()).unwrap();
    let address = a.local_addr().unwrap();
    let data = vec![7; MAX_DATAGRAM + 1];
    assert_eq!(errno(b.send_to(&data, address)), Some(libc::EMSGSIZE));
    assert_eq!(errno(b.send_batch([(&data[..], address)])), Some(libc::EMSGSIZE));
    assert_eq!(b.send_to(&data[1..], address).unwrap(), MAX_DATAGRAM);
    assert_eq!(receive(&mut a).0, &data[1..]);
    let b = b.connect(address).unwrap();
    assert_eq!(errno(b.send(&data)), Some(libc::EMSGSIZE));
    assert_eq!(errno(b.send_batch([&data[..]])), Some(libc::EMSGSIZE));
}

// Behaviour 32
#[test]
fn a_truncated_datagram_says_so() {
    let mut socket = UdpSocket::bind(v4()).unwrap();
    let address = socket.local_addr().unwrap();
    for (room, data, truncated) in
        [(4, &b"hell"[..], true), (5, b"hello", false), (6, b"hello", false), (0, b"", true)]
    {
        socket.send_to(b"hello", address).unwrap();
        wait(&mut socket);
        let mut buffer = vec![0; room];
        let mut datagram = Datagram::new(&mut buffer);
        assert_eq!((datagram.data(), datagram.sender()), (&b""[..], None));
        assert_eq!(socket.recv_batch(slice::from_mut(&mut datagram)).unwrap(), 1);
        assert_eq!(datagram.data(), data);
        assert_eq!(datagram.is_truncated(), truncated, "{room}");
        assert_eq!(datagram.sender(), Some(address));
        datagram.data_mut().fill(b'x');
        assert_eq!(datagram.data(), vec![b'x'; data.len()]);
    }
    // What is received into the same memory after a truncated one is whole again.
    let mut buffer = [0; 4];
    let mut datagram = Datagram::new(&mut buffer);
    for (sent, truncated) in [(&b"hello"[..], true), (b"hi", false)] {
        socket.send_to(sent, address).unwrap();
        wait(&mut socket);
        socket.recv_batch(slice::from_mut(&mut datagram)).unwrap();
        assert_eq!(datagram.is_truncated(), truncated);
    }
    // The plain calls throw the rest away.
    socket.send_to(b"hello", address).unwrap();
    wait(&mut socket);
    assert_eq!(socket.recv_from(&mut [0; 4]).unwrap(), (4, address));
    assert_eq!(kind(socket.recv_from(&mut [0; 4])), ErrorKind::WouldBlock);
}

// Behaviour 32
#[test]
fn a_refusal_surfaces_on_a_connected_socket_which_works_on() {
    let ways: [fn(&ConnectedUdpSocket) -> std::io::Result<usize>; 5] = [
        |socket| socket.send(b"x"),
        |socket| socket.recv(&mut [0]),
        |socket| socket.peek(&mut [0]),
        |socket| socket.send_batch([&b"x"[..]]),
        |socket| socket.recv_batch(&mut [Datagram::new(&mut [0])]),
    ];
    for address in loopback() {
        for way in ways {
            let (nobody, peer) = deaf(address);
            let mut socket = ConnectedUdpSocket::connect(address, peer).unwrap();
            let ready = be_refused(&mut socket);
            // On kqueue an error that is no end is an event like any other.
            assert!(ready.is_error() || cfg!(kqueue) && ready.is_readable(), "{ready:?}");
            assert_eq!(kind(way(&socket)), ErrorKind::ConnectionRefused);

            let mut somebody = nobody.disconnect().unwrap();
            assert_eq!(somebody.local_addr().unwrap(), peer);
            socket.send(b"now?").unwrap();
            assert_eq!(receive(&mut somebody).0, b"now?");
            somebody.send_to(b"yes", socket.local_addr().unwrap()).unwrap();
            assert_eq!(receive_connected(&mut socket), b"yes");
        }
        let (_nobody, peer) = deaf(address);
        let mut socket = ConnectedUdpSocket::connect(address, peer).unwrap();
        be_refused(&mut socket);
        let error = socket.take_error().unwrap().unwrap();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(socket.take_error().unwrap().is_none());
        socket.send(b"anybody?").unwrap();
    }
}

// Behaviour 28. No system raises SIGPIPE of a datagram to an internet address, whatever the flags.
#[test]
fn no_way_of_sending_a_datagram_raises_sigpipe() {
    passes_alone("sends_where_sigpipe_kills", &[]);
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn sends_where_sigpipe_kills() {
    let_sigpipe_kill();
    let (a, _b) = connected_pair(v4());
    SockRef::from(&a).shutdown(Shutdown::Both).unwrap();
    assert_eq!(kind(a.send(b"x")), ErrorKind::BrokenPipe);
    assert_eq!(kind(a.send_batch([&b"x"[..]])), ErrorKind::BrokenPipe);
    let peer = a.peer_addr().unwrap();
    let a = a.disconnect().unwrap();
    let results = [a.send_to(b"x", peer), a.send_batch([(&b"x"[..], peer)])];
    for result in results {
        // Shut down or not: what a system makes of it is not the matter here.
        result.map_or_else(|error| assert_eq!(error.kind(), ErrorKind::BrokenPipe), drop);
    }
}

/// A group that no other test joins, nor another run of this one: a socket hears what comes to it while anybody on the
/// machine is a member (`IP_MULTICAST_ALL` in ip(7)).
fn group_v4(number: u8) -> Ipv4Addr {
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(239, 192 + number, high, low)
}

fn loopback_index() -> u32 {
    // SAFETY: it is a string of C's.
    unsafe { libc::if_nametoindex(c"lo".as_ptr()) }
}

// Behaviour 32
#[test]
fn a_socket_receives_of_a_multicast_group_from_joining_until_leaving() {
    let lo = Ipv4Addr::LOCALHOST;
    let group = group_v4(1);
    // Bound to the group, on loopback: nothing else arrives, and nothing leaves this machine.
    let mut socket = UdpSocket::bind((group, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    let sender = UdpSocket::bind(v4()).unwrap();
    sender.set_multicast_if_v4(&lo).unwrap();

    socket.join_multicast_v4(&group, &lo).unwrap();
    assert_eq!(kind(socket.join_multicast_v4(&group, &lo)), ErrorKind::AddrInUse);
    sender.send_to(b"one", address).unwrap();
    assert_eq!(receive(&mut socket), (b"one".to_vec(), sender.local_addr().unwrap()));

    socket.leave_multicast_v4(&group, &lo).unwrap();
    assert_eq!(kind(socket.leave_multicast_v4(&group, &lo)), ErrorKind::AddrNotAvailable);
    sender.send_to(b"two", address).unwrap();
    socket.join_multicast_v4(&group, &lo).unwrap();
    sender.send_to(b"three", address).unwrap();
    assert_eq!(receive(&mut socket).0, b"three");

    // Connected to a group, one can send to it.
    let connected = sender.connect(address).unwrap();
    connected.send(b"four").unwrap();
    assert_eq!(receive(&mut socket).0, b"four");
    connected.join_multicast_v4(&group, &lo).unwrap();
    connected.leave_multicast_v4(&group, &lo).unwrap();
}

// Behaviour 32
#[test]
fn joining_what_is_no_group_or_at_no_interface_is_an_error() {
    let socket = UdpSocket::bind(v4()).unwrap();
    let result = socket.join_multicast_v4(&Ipv4Addr::LOCALHOST, &Ipv4Addr::LOCALHOST);
    assert_eq!(kind(result), ErrorKind::InvalidInput);
    // Of the block for documentation, RFC 5737.
    let foreign = Ipv4Addr::new(203, 0, 113, 1);
    assert_eq!(errno(socket.join_multicast_v4(&group_v4(2), &foreign)), Some(libc::ENODEV));
    assert_eq!(kind(socket.set_multicast_if_v4(&foreign)), ErrorKind::AddrNotAvailable);
}

// Behaviour 32. Loopback has no route for IPv6 multicast: nothing can be sent to such a group here.
#[test]
fn an_ipv6_group_is_joined_and_left_once() {
    let Some(&address) = loopback().get(1) else { return };
    let socket = UdpSocket::bind(address).unwrap();
    let lo = loopback_index();
    let group: Ipv6Addr = "ff01::7101".parse().unwrap();
    socket.join_multicast_v6(&group, lo).unwrap();
    assert_eq!(kind(socket.join_multicast_v6(&group, lo)), ErrorKind::AddrInUse);
    let members = std::fs::read_to_string("/proc/net/igmp6").unwrap();
    let interface = members
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|columns| columns[2] == "ff010000000000000000000000007101")
        .map(|columns| columns[1].to_owned());
    assert_eq!(interface.as_deref(), Some("lo"));
    socket.leave_multicast_v6(&group, lo).unwrap();
    assert_eq!(kind(socket.leave_multicast_v6(&group, lo)), ErrorKind::AddrNotAvailable);
    let result = socket.join_multicast_v6(&Ipv6Addr::LOCALHOST, lo);
    assert_eq!(kind(result), ErrorKind::InvalidInput);
}

/// What a type has in common with the other, set and then looked at with socket2 as well.
macro_rules! options_are_set_as_socket2_sees_them {
    ($socket:expr, $v6:expr) => {
        let socket = $socket;
        let reference = SockRef::from(&socket);
        for on in [true, false] {
            socket.set_broadcast(on).unwrap();
            assert_eq!((socket.broadcast().unwrap(), reference.broadcast().unwrap()), (on, on));
        }
        for ttl in [1, 77, 255] {
            socket.set_ttl(ttl).unwrap();
            assert_eq!((socket.ttl().unwrap(), reference.ttl_v4().unwrap()), (ttl, ttl));
        }
        for ttl in [0, 256, u32::MAX] {
            assert_eq!(kind(socket.set_ttl(ttl)), ErrorKind::InvalidInput);
        }
        for on in [false, true] {
            socket.set_multicast_loop_v4(on).unwrap();
            assert_eq!(socket.multicast_loop_v4().unwrap(), on);
            assert_eq!(reference.multicast_loop_v4().unwrap(), on);
        }
        for ttl in [0, 1, 77, 255] {
            socket.set_multicast_ttl_v4(ttl).unwrap();
            assert_eq!(socket.multicast_ttl_v4().unwrap(), ttl);
            assert_eq!(reference.multicast_ttl_v4().unwrap(), ttl);
        }
        for ttl in [256, u32::MAX] {
            assert_eq!(kind(socket.set_multicast_ttl_v4(ttl)), ErrorKind::InvalidInput);
        }
        assert_eq!(socket.multicast_if_v4().unwrap(), Ipv4Addr::UNSPECIFIED);
        socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        assert_eq!(socket.multicast_if_v4().unwrap(), Ipv4Addr::LOCALHOST);
        assert_eq!(reference.multicast_if_v4().unwrap(), Ipv4Addr::LOCALHOST);

        socket.set_send_buffer_size(30_000).unwrap();
        assert_eq!(socket.send_buffer_size().unwrap(), 60_000);
        assert_eq!(reference.send_buffer_size().unwrap(), 60_000);
        socket.set_recv_buffer_size(40_000).unwrap();
        assert_eq!(socket.recv_buffer_size().unwrap(), 80_000);
        assert_eq!(reference.recv_buffer_size().unwrap(), 80_000);

        if $v6 {
            assert_eq!(socket.only_v6().unwrap(), reference.only_v6().unwrap());
            for on in [false, true] {
                socket.set_multicast_loop_v6(on).unwrap();
                assert_eq!(socket.multicast_loop_v6().unwrap(), on);
                assert_eq!(reference.multicast_loop_v6().unwrap(), on);
            }
            for hops in [0, 1, 77, 255] {
                socket.set_multicast_hops_v6(hops).unwrap();
                assert_eq!(socket.multicast_hops_v6().unwrap(), hops);
                assert_eq!(reference.multicast_hops_v6().unwrap(), hops);
            }
            for hops in [256, u32::MAX] {
                assert_eq!(kind(socket.set_multicast_hops_v6(hops)), ErrorKind::InvalidInput);
            }
            let lo = loopback_index();
            assert_eq!(socket.multicast_if_v6().unwrap(), 0);
            socket.set_multicast_if_v6(lo).unwrap();
            assert_eq!(socket.multicast_if_v6().unwrap(), lo);
            assert_eq!(reference.multicast_if_v6().unwrap(), lo);
            assert_eq!(errno(socket.set_multicast_if_v6(1 << 30)), Some(libc::ENODEV));
        } else {
            assert_eq!(kind(socket.only_v6()), ErrorKind::Unsupported);
        }
        assert!(socket.take_error().unwrap().is_none());
    };
}

#[test]
fn options_are_set_as_socket2_sees_them() {
    for address in loopback() {
        let v6 = address.is_ipv6();
        options_are_set_as_socket2_sees_them!(UdpSocket::bind(address).unwrap(), v6);
        options_are_set_as_socket2_sees_them!(connected_pair(address).0, v6);
    }
}

#[test]
fn broadcast_is_allowed_when_it_is_asked_for() {
    // The broadcast address of loopback's network.
    let broadcast = Ipv4Addr::new(127, 255, 255, 255);
    let mut receiver = UdpSocket::bind((broadcast, 0).into()).unwrap();
    let address = receiver.local_addr().unwrap();
    let sender = UdpSocket::bind(v4()).unwrap();
    assert_eq!(kind(sender.send_to(b"all", address)), ErrorKind::PermissionDenied);
    sender.set_broadcast(true).unwrap();
    sender.send_to(b"all", address).unwrap();
    assert_eq!(receive(&mut receiver), (b"all".to_vec(), sender.local_addr().unwrap()));
}

// Behaviour 31
#[test]
fn addresses_in_use_elsewhere_or_of_the_wrong_family_are_errors() {
    let socket = UdpSocket::bind(v4()).unwrap();
    let address = socket.local_addr().unwrap();
    assert_eq!(kind(UdpSocket::bind(address)), ErrorKind::AddrInUse);
    let foreign = "203.0.113.1:0".parse().unwrap();
    assert_eq!(kind(UdpSocket::bind(foreign)), ErrorKind::AddrNotAvailable);
    let v6 = "[::1]:9".parse().unwrap();
    assert_eq!(errno(socket.send_to(b"x", v6)), Some(libc::EAFNOSUPPORT));
    assert_eq!(errno(socket.send_batch([(&b"x"[..], v6)])), Some(libc::EAFNOSUPPORT));
    assert_eq!(errno(socket.connect(v6)), Some(libc::EAFNOSUPPORT));
    if let Some(&v6) = loopback().get(1) {
        let socket = UdpSocketBuilder::new().only_v6(true).bind(v6).unwrap();
        assert_eq!(errno(socket.connect(address)), Some(libc::EAFNOSUPPORT));
    }
}

// Behaviour 31
#[test]
fn reuse_port_spreads_datagrams_over_the_sockets_that_all_have_it() {
    let builder = UdpSocketBuilder::new().reuse_port(true);
    let mut sockets = vec![builder.bind(v4()).unwrap()];
    let address = sockets[0].local_addr().unwrap();
    sockets.push(builder.bind(address).unwrap());
    assert_eq!(kind(UdpSocket::bind(address)), ErrorKind::AddrInUse);
    assert_eq!(kind(builder.reuse_port(false).bind(address)), ErrorKind::AddrInUse);

    // By the sender's address: with 64 of them each socket gets some.
    let senders: Vec<_> = (0..64).map(|_| UdpSocket::bind(v4()).unwrap()).collect();
    for sender in &senders {
        sender.send_to(b"x", address).unwrap();
    }
    let counts: Vec<_> = sockets
        .iter_mut()
        .map(|socket| {
            wait(socket);
            std::iter::from_fn(|| socket.recv_from(&mut [0; 8]).ok()).count()
        })
        .collect();
    assert!(counts[0] > 0 && counts[1] > 0 && counts[0] + counts[1] == 64, "{counts:?}");
}

// Behaviour 31
#[test]
fn reuse_address_lets_sockets_share_a_multicast_group() {
    let (lo, group) = (Ipv4Addr::LOCALHOST, group_v4(3));
    let builder = UdpSocketBuilder::new().reuse_address(true);
    let first = builder.bind((group, 0).into()).unwrap();
    let address = first.local_addr().unwrap();
    let second = builder.bind(address).unwrap();
    assert_eq!(kind(builder.reuse_address(false).bind(address)), ErrorKind::AddrInUse);
    let sender = UdpSocket::bind(v4()).unwrap();
    sender.set_multicast_if_v4(&lo).unwrap();
    let mut receivers = [first, second];
    for receiver in &receivers {
        receiver.join_multicast_v4(&group, &lo).unwrap();
    }
    sender.send_to(b"both", address).unwrap();
    for receiver in &mut receivers {
        assert_eq!(receive(receiver).0, b"both");
    }
}

// Behaviour 31
#[test]
fn only_v6_keeps_a_socket_from_ipv4() {
    if loopback().len() < 2 {
        return;
    }
    // IPv4's loopback, as IPv6 writes it.
    let mapped = "[::ffff:127.0.0.1]:0".parse().unwrap();
    let builder = UdpSocketBuilder::new();
    assert_eq!(kind(builder.only_v6(true).bind(mapped)), ErrorKind::InvalidInput);
    let mut socket = builder.only_v6(false).bind(mapped).unwrap();
    assert!(!socket.only_v6().unwrap());
    let sender = UdpSocket::bind(v4()).unwrap();
    let port = socket.local_addr().unwrap().port();
    sender.send_to(b"4 to 6", ([127, 0, 0, 1], port).into()).unwrap();
    let (data, from) = receive(&mut socket);
    assert_eq!((&data[..], from.port()), (&b"4 to 6"[..], sender.local_addr().unwrap().port()));
    assert!(builder.only_v6(true).bind("[::1]:0".parse().unwrap()).unwrap().only_v6().unwrap());
    assert_eq!(errno(builder.only_v6(true).bind(v4())), Some(libc::ENOPROTOOPT));
}

// Behaviour 31
#[test]
fn buffer_sizes_of_a_builder_are_those_of_its_socket() {
    let builder = UdpSocketBuilder::default().send_buffer_size(30_000).recv_buffer_size(40_000);
    let socket = builder.bind(v4()).unwrap();
    let reference = SockRef::from(&socket);
    assert_eq!(reference.send_buffer_size().unwrap(), 60_000);
    assert_eq!(reference.recv_buffer_size().unwrap(), 80_000);
    assert_eq!(kind(builder.recv_buffer_size(1 << 31).bind(v4())), ErrorKind::InvalidInput);
    let socket = UdpSocket::bind(v4()).unwrap();
    let reference = SockRef::from(&socket);
    assert!(!reference.reuse_address().unwrap() && !reference.reuse_port().unwrap());
}

#[test]
fn a_batch_arrives_in_order_with_contents_and_senders() {
    for address in loopback() {
        let mut a = UdpSocket::bind(address).unwrap();
        let b = UdpSocket::bind(address).unwrap();
        let (address_a, address_b) = (a.local_addr().unwrap(), b.local_addr().unwrap());
        // Each of another length, the first empty.
        let sent: Vec<Vec<u8>> = (0..100).map(|i| vec![i; i.into()]).collect();
        let messages = || sent.iter().map(|data| (&data[..], address_a));
        assert_eq!(b.send_batch(messages()).unwrap(), MAX_BATCH);
        assert_eq!(b.send_batch(messages().skip(MAX_BATCH)).unwrap(), 100 - MAX_BATCH);

        wait(&mut a);
        let mut memory = vec![0; 100 * 128];
        let mut datagrams: Vec<_> = memory.chunks_mut(128).map(Datagram::new).collect();
        assert_eq!(a.recv_batch(&mut datagrams).unwrap(), MAX_BATCH);
        assert_eq!(a.recv_batch(&mut datagrams[MAX_BATCH..]).unwrap(), 100 - MAX_BATCH);
        for (datagram, sent) in datagrams.iter().zip(&sent) {
            assert_eq!(datagram.data(), sent);
            assert_eq!(datagram.sender(), Some(address_b));
            assert!(!datagram.is_truncated());
        }
        assert_eq!(kind(a.recv_batch(&mut datagrams)), ErrorKind::WouldBlock);

        // Fewer than there is room for; the rest is left as it was.
        b.send_to(b"last", address_a).unwrap();
        wait(&mut a);
        assert_eq!(a.recv_batch(&mut datagrams).unwrap(), 1);
        assert_eq!(datagrams[0].data(), b"last");
        assert_eq!(datagrams[1].data(), sent[1]);
    }
}

#[test]
fn a_batch_goes_to_several_peers_and_knows_several_senders() {
    let mut center = UdpSocket::bind(v4()).unwrap();
    let mut peers: Vec<_> = (0..5).map(|_| UdpSocket::bind(v4()).unwrap()).collect();
    for (i, peer) in peers.iter().enumerate() {
        peer.send_to(&[i as u8], center.local_addr().unwrap()).unwrap();
    }
    wait(&mut center);
    let mut memory = [[0; 8]; 8];
    let mut datagrams: Vec<_> = memory.iter_mut().map(|buffer| Datagram::new(buffer)).collect();
    assert_eq!(center.recv_batch(&mut datagrams).unwrap(), 5);
    let answers = datagrams[..5].iter().map(|d| (d.data(), d.sender().unwrap()));
    assert_eq!(center.send_batch(answers).unwrap(), 5);
    for (i, peer) in peers.iter_mut().enumerate() {
        assert_eq!(receive(peer), (vec![i as u8], center.local_addr().unwrap()));
    }
}

#[test]
fn a_batch_between_connected_sockets_needs_no_address() {
    let (mut a, b) = connected_pair(v4());
    assert_eq!(b.send_batch([&b"one"[..], b"two"]).unwrap(), 2);
    wait(&mut a);
    let mut memory = [[0; 8]; 3];
    let mut datagrams: Vec<_> = memory.iter_mut().map(|buffer| Datagram::new(buffer)).collect();
    assert_eq!(a.recv_batch(&mut datagrams).unwrap(), 2);
    assert_eq!((datagrams[0].data(), datagrams[1].data()), (&b"one"[..], &b"two"[..]));
    assert_eq!(datagrams[0].sender(), Some(b.local_addr().unwrap()));
}

#[test]
fn a_batch_stops_at_what_cannot_be_sent_and_the_next_says_why() {
    let mut a = UdpSocket::bind(v4()).unwrap();
    let b = UdpSocket::bind(v4()).unwrap();
    let address = a.local_addr().unwrap();
    let big = vec![0; MAX_DATAGRAM + 1];
    let messages = [(&b"one"[..], address), (&big, address), (b"two", address)];
    assert_eq!(b.send_batch(messages).unwrap(), 1);
    assert_eq!(errno(b.send_batch(messages[1..].iter().copied())), Some(libc::EMSGSIZE));
    assert_eq!(b.send_batch(messages[2..].iter().copied()).unwrap(), 1);
    assert_eq!(receive(&mut a).0, b"one");
    assert_eq!(receive(&mut a).0, b"two");
}

#[test]
fn an_empty_batch_is_no_datagrams() {
    let socket = UdpSocket::bind(v4()).unwrap();
    assert_eq!(socket.send_batch([]).unwrap(), 0);
    assert_eq!(socket.recv_batch(&mut []).unwrap(), 0);
    let (socket, _peer) = connected_pair(v4());
    assert_eq!(socket.send_batch([]).unwrap(), 0);
    assert_eq!(socket.recv_batch(&mut []).unwrap(), 0);
}

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Counts the allocations of each thread.
struct Counting;

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // There is nothing to count in a thread that ends.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// Behaviour 17
#[test]
fn nothing_is_allocated_to_send_and_to_receive() {
    let a = UdpSocket::bind(v4()).unwrap();
    let address = a.local_addr().unwrap();
    let (c, d) = connected_pair(v4());
    let mut memory = vec![0; 64 * 16];
    let mut datagrams: Vec<_> = memory.chunks_mut(16).map(Datagram::new).collect();
    let mut buffer = [0; 16];
    let before = ALLOCATIONS.get();
    for _ in 0..10 {
        assert_eq!(a.send_batch((0..64).map(|_| (&b"hello"[..], address))).unwrap(), 64);
        assert_eq!(a.recv_batch(&mut datagrams).unwrap(), 64);
        assert_eq!(c.send_batch((0..64).map(|_| &b"hello"[..])).unwrap(), 64);
        assert_eq!(d.recv_batch(&mut datagrams).unwrap(), 64);
        a.send_to(b"hello", address).unwrap();
        assert_eq!(a.recv_from(&mut buffer).unwrap(), (5, address));
        assert_eq!(kind(a.recv_batch(&mut datagrams)), ErrorKind::WouldBlock);
    }
    assert_eq!(ALLOCATIONS.get(), before);
}

#[test]
fn sockets_are_non_blocking_and_close_on_exec() {
    let socket = UdpSocket::bind(v4()).unwrap();
    let (connected, _peer) = connected_pair(v4());
    let (a, b) = (socket.try_clone().unwrap(), connected.try_clone().unwrap());
    assert!(is_nonblocking(&socket) && is_nonblocking(&connected) && is_nonblocking(&a));
    // Behaviour 35
    assert_not_inherited(&[&socket, &connected, &a, &b]);
}

#[test]
fn handles_become_std_sockets_and_descriptors_and_come_back() {
    let mut socket = UdpSocket::bind(v4()).unwrap();
    let address = socket.local_addr().unwrap();
    socket = UdpSocket::from(net::UdpSocket::from(socket));
    assert!(is_nonblocking(&UdpSocket::from(net::UdpSocket::bind(v4()).unwrap())));
    socket = UdpSocket::from(OwnedFd::from(socket));
    assert_eq!(socket.local_addr().unwrap(), address);

    let connected = ConnectedUdpSocket::connect(v4(), address).unwrap();
    let (local, fd) = (connected.local_addr().unwrap(), connected.as_raw_fd());
    let connected = net::UdpSocket::from(connected);
    assert_eq!((connected.peer_addr().unwrap(), connected.as_raw_fd()), (address, fd));
    let connected = ConnectedUdpSocket::from(OwnedFd::from(ConnectedUdpSocket::from(connected)));
    let fd = connected.into_raw_fd();
    // SAFETY: the descriptor was given up in the line above.
    let connected = unsafe { ConnectedUdpSocket::from_raw_fd(fd) };
    connected.send(b"hello").unwrap();
    assert_eq!(receive(&mut socket), (b"hello".to_vec(), local));
}

// Behaviour 36
#[test]
fn a_socket_that_cannot_be_connected_is_given_back() {
    let mut socket = UdpSocket::bind(v4()).unwrap();
    let address = socket.local_addr().unwrap();
    let mut poller = Poller::new().unwrap();
    poller.register(&mut socket, EventedId(1), UdpSocket::INTERESTS, PollOption::Edge).unwrap();
    let (mut socket, error) = socket.try_connect("[::1]:1".parse().unwrap()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EAFNOSUPPORT));
    assert_eq!(socket.local_addr().unwrap(), address);
    poller.reregister(&mut socket, EventedId(2), Interests::READABLE, PollOption::Edge).unwrap();

    let connected = socket.try_connect(address).unwrap();
    connected.send(b"x").unwrap();
    let mut events = Events::new();
    poller.poll(&mut events, Some(LONG)).unwrap();
    assert_eq!((&mut events).next().map(|event| event.id()), Some(EventedId(2)));
    let socket = connected.try_disconnect().unwrap();
    assert_eq!(socket.local_addr().unwrap(), address);
}

/// Sends a datagram to a receiver, which tells of its hops.
#[cfg(target_os = "linux")]
fn hops_of(send: impl FnOnce(SocketAddr), at: SocketAddr, v4_mapped: bool) -> u8 {
    let receiver = net::UdpSocket::bind(at).unwrap();
    receiver.set_read_timeout(Some(LONG)).unwrap();
    let v4 = at.is_ipv4();
    let (level, name) = if v4 {
        (libc::IPPROTO_IP, libc::IP_RECVTTL)
    } else {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT)
    };
    let on: libc::c_int = 1;
    let mut address = receiver.local_addr().unwrap();
    if v4_mapped {
        address.set_ip(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into());
    }
    let mut control = [0_u64; 16];
    // SAFETY: every pointer is to memory of the length beside it, which outlives the call.
    unsafe {
        let fd = receiver.as_raw_fd();
        assert_eq!(libc::setsockopt(fd, level, name, (&raw const on).cast(), 4), 0);
        send(address);
        let mut byte = 0_u8;
        let mut iov = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &mut iov;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control) as _;
        while libc::recvmsg(fd, &mut message, 0) != 1 {
            // With a timeout it is, by the end of a child of another test.
            assert_eq!(std::io::Error::last_os_error().kind(), ErrorKind::Interrupted);
        }
        let header = libc::CMSG_FIRSTHDR(&message);
        assert!(!header.is_null());
        *libc::CMSG_DATA(header).cast::<libc::c_int>() as u8
    }
}

// Behaviour 31
#[test]
#[cfg(target_os = "linux")]
fn the_hops_that_are_set_are_those_of_the_datagrams_of_either_family() {
    for address in loopback() {
        let socket = UdpSocket::bind(address).unwrap();
        for hops in [1, 77, 255] {
            socket.set_ttl(hops).unwrap();
            assert_eq!(socket.ttl().unwrap(), hops);
            let send = |to| assert_eq!(socket.send_to(b"x", to).unwrap(), 1);
            assert_eq!(u32::from(hops_of(send, address, false)), hops, "{address}");
            let connected = |to| {
                let socket = ConnectedUdpSocket::connect(address, to).unwrap();
                socket.set_ttl(hops).unwrap();
                assert_eq!(socket.send(b"x").unwrap(), 1);
            };
            assert_eq!(u32::from(hops_of(connected, address, false)), hops, "{address}");
        }
        for hops in [0, 256, u32::MAX] {
            assert_eq!(kind(socket.set_ttl(hops)), ErrorKind::InvalidInput);
        }
    }
    if loopback().len() > 1 {
        // A socket of IPv6 that sends to IPv4.
        let dual = UdpSocketBuilder::new().only_v6(false).bind("[::]:0".parse().unwrap()).unwrap();
        dual.set_ttl(77).unwrap();
        let send = |to| assert_eq!(dual.send_to(b"x", to).unwrap(), 1);
        assert_eq!(hops_of(send, v4(), true), 77);
    }
}

#[test]
fn sockets_are_registered_with_the_events_that_they_have() {
    let (mut a, b) = connected_pair(v4());
    assert_eq!(readiness(&mut a, Interests::READABLE, Duration::ZERO), None);
    let ready = readiness(&mut a, ConnectedUdpSocket::INTERESTS, LONG);
    assert_eq!(ready, Some(Ready::WRITABLE));
    b.send(b"x").unwrap();
    assert_eq!(readiness(&mut a, Interests::READABLE, LONG), Some(Ready::READABLE));
    let mut socket = UdpSocket::bind(v4()).unwrap();
    assert_eq!(readiness(&mut socket, UdpSocket::INTERESTS, LONG), Some(Ready::WRITABLE));
}

#[test]
fn sockets_stay_in_their_thread_and_builders_do_not() {
    const { assert!(!Sends::<UdpSocket>::YES && !Syncs::<UdpSocket>::YES) };
    const { assert!(!Sends::<ConnectedUdpSocket>::YES && !Syncs::<ConnectedUdpSocket>::YES) };
    const { assert!(Sends::<UdpSocketBuilder>::YES && Sends::<Datagram<'_>>::YES) };
}

#[test]
fn everything_can_be_printed() {
    let socket = UdpSocket::bind(v4()).unwrap();
    let (connected, _peer) = connected_pair(v4());
    assert_eq!(format!("{socket:?}"), format!("UdpSocket {{ fd: {} }}", socket.as_raw_fd()));
    assert!(format!("{connected:?}").starts_with("ConnectedUdpSocket"));
    assert!(format!("{:?}", UdpSocketBuilder::new()).starts_with("UdpSocketBuilder"));
    assert!(format!("{:?}", Datagram::new(&mut [0])).starts_with("Datagram"));
}
