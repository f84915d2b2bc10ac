//! `c-examples/udp_proxy.c`, run as a process between clients and servers of the test's.

#![cfg(target_os = "linux")] // What is looked up in /proc, and addresses that only Linux has on loopback.

mod servers;

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::slice;
use std::time::Duration;

use mio_st::net::{Datagram, Transmit};
use servers::{Language, PATIENCE, Server, example, uninterrupted, until};

const IDLE: Duration = Duration::from_secs(30);

/// With its time in the test's hands: nobody is forgotten because the machine is slow.
fn start(listen: &str, server: SocketAddr) -> Option<Server> {
    let mut command = Command::new(example(Language::C, "udp_proxy")?);
    command.args([listen, &server.to_string(), &IDLE.as_millis().to_string()]);
    Some(Server::start_paused(&mut command))
}

fn bound(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 1 << 16];
    let (n, from) = uninterrupted(|| socket.recv_from(&mut buffer)).unwrap();
    buffer.truncate(n);
    (buffer, from)
}

#[test]
fn each_client_is_answered_from_the_address_that_it_asked() {
    let server = bound("127.0.0.1:0");
    let Some(proxy) = start("0.0.0.0:0", server.local_addr().unwrap()) else { return };
    let clients: Vec<_> = (1..=20)
        .map(|i| (bound("127.0.0.1:0"), SocketAddr::from(([127, 0, 0, i], proxy.address.port()))))
        .collect();
    for round in 0..3 {
        for (i, (client, asked)) in clients.iter().enumerate() {
            client.send_to(format!("{i} in {round}").as_bytes(), asked).unwrap();
        }
        // In any order; each client has a port of its own, in every round the same.
        let mut questions: Vec<_> = clients.iter().map(|_| receive(&server)).collect();
        questions.sort();
        for (question, from) in questions.into_iter().rev() {
            server.send_to(&[&question[..], b"!"].concat(), from).unwrap();
        }
        for (i, (client, asked)) in clients.iter().enumerate() {
            assert_eq!(receive(client), (format!("{i} in {round}!").into_bytes(), *asked));
        }
    }
}

/// Runs keep the size of their datagrams, and empty ones are ones.
#[test]
fn runs_go_through_in_both_directions() {
    let server = bound("127.0.0.1:0");
    let Some(proxy) = start("127.0.0.1:0", server.local_addr().unwrap()) else { return };
    let client = mio_st::net::UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let data: Vec<u8> = (0..20_500).map(|i| (i / 7) as u8).collect();
    let mut runs = [
        Transmit::new(&data).target(proxy.address).segment_size(1_000),
        Transmit::new(&[]).target(proxy.address),
    ];
    assert_eq!(client.send_transmits(&mut runs).unwrap(), 2);
    let mut from = proxy.address;
    for expected in data.chunks(1_000).chain([&[][..]]) {
        let (received, sender) = receive(&server);
        assert_eq!(received, expected);
        from = sender;
    }
    let server = mio_st::net::UdpSocket::from({
        server.set_nonblocking(true).unwrap();
        server
    });
    let mut run = Transmit::new(&data).target(from).segment_size(999);
    assert_eq!(server.send_transmits(slice::from_mut(&mut run)).unwrap(), 1);
    let mut buffer = [0; 2_000];
    for expected in data.chunks(999) {
        let mut datagram = Datagram::new(&mut buffer);
        until("a datagram is here", || client.recv_batch(slice::from_mut(&mut datagram)).ok());
        assert_eq!((datagram.data(), datagram.sender()), (expected, Some(proxy.address)));
    }
}

/// No time passes but as the test says.
#[test]
fn a_client_that_is_silent_is_forgotten_and_may_come_again() {
    const MILLISECOND: Duration = Duration::from_millis(1);

    let server = bound("127.0.0.1:0");
    let Some(mut proxy) = start("127.0.0.1:0", server.local_addr().unwrap()) else { return };
    let address = proxy.address;
    let greet = |client: &UdpSocket| {
        client.send_to(b"hello", address).unwrap();
        let (question, from) = receive(&server);
        server.send_to(&question, from).unwrap();
        assert_eq!(receive(client).0, b"hello");
    };
    let [client, other] = [(); 2].map(|()| bound("127.0.0.1:0"));
    let none = proxy.descriptors();
    for _ in 0..2 {
        greet(&client);
        proxy.advance(IDLE - MILLISECOND);
        greet(&other);
        assert_eq!(proxy.descriptors(), none + 2);
        proxy.advance(MILLISECOND);
        until("its socket is closed", || (proxy.descriptors() == none + 1).then_some(()));
    }
    // What either of the two says counts.
    client.send_to(b"hello", address).unwrap();
    let (_, from) = receive(&server);
    for by_server in [true, false, true, false] {
        proxy.advance(IDLE - MILLISECOND);
        greet(&other);
        if by_server {
            server.send_to(b"from the server", from).unwrap();
            assert_eq!(receive(&client).0, b"from the server");
        } else {
            client.send_to(b"from the client", address).unwrap();
            assert_eq!(receive(&server), (b"from the client".to_vec(), from));
        }
    }
}

/// Its deadline has fired, and before its event there is one of another datagram: it is there for another while.
#[test]
fn who_speaks_at_the_last_moment_is_forgotten_later() {
    let server = bound("127.0.0.1:0");
    let Some(mut proxy) = start("127.0.0.1:0", server.local_addr().unwrap()) else { return };
    let none = proxy.descriptors();
    let [client, other] = [(); 2].map(|()| bound("127.0.0.1:0"));
    for socket in [&client, &other] {
        socket.send_to(b"hello", proxy.address).unwrap();
        receive(&server);
    }
    // The time, and a batch of the other's datagrams, are of one poll; the last datagram and the deadline of the next.
    proxy.stop();
    proxy.advance(IDLE);
    for socket in std::iter::repeat_n(&other, 16).chain([&client]) {
        socket.send_to(b"hello", proxy.address).unwrap();
    }
    proxy.signal("CONT");
    for _ in 0..17 {
        receive(&server);
    }
    proxy.advance(IDLE);
    until("both are forgotten", || (proxy.descriptors() == none).then_some(()));
}

#[test]
fn more_clients_than_there_are_places_wait_for_one() {
    let server = bound("127.0.0.1:0");
    let Some(mut proxy) = start("127.0.0.1:0", server.local_addr().unwrap()) else { return };
    let none = proxy.descriptors();
    let clients: Vec<_> = (0..257).map(|_| bound("127.0.0.1:0")).collect();
    let (late, clients) = clients.split_last().unwrap();
    for client in clients {
        client.send_to(b"hello", proxy.address).unwrap();
        receive(&server);
    }
    late.send_to(b"unheard", proxy.address).unwrap();
    clients[0].send_to(b"hello again", proxy.address).unwrap();
    assert_eq!(receive(&server).0, b"hello again");
    proxy.advance(IDLE);
    until("all are forgotten", || (proxy.descriptors() == none).then_some(()));
    late.send_to(b"heard", proxy.address).unwrap();
    assert_eq!(receive(&server).0, b"heard");
}

/// A server to whom one may not even connect costs datagrams, and no descriptors.
#[test]
fn a_server_that_cannot_be_connected_to_leaves_nothing_behind() {
    let nowhere = SocketAddr::from(([255, 255, 255, 255], 9));
    let Some(proxy) = start("127.0.0.1:0", nowhere) else { return };
    let none = proxy.descriptors();
    let client = bound("127.0.0.1:0");
    for _ in 0..100 {
        client.send_to(b"lost", proxy.address).unwrap();
    }
    let line = format!("0100007F:{:04X} 00000000:0000", proxy.address.port());
    until("all are received", || {
        let sockets = fs::read_to_string("/proc/net/udp").unwrap();
        let socket = sockets.lines().find(|socket| socket.contains(&line))?;
        (socket.split_whitespace().nth(4) == Some("00000000:00000000")).then_some(())
    });
    // It may still be at work at the last ones.
    until("all are closed", || (proxy.descriptors() <= none).then_some(()));
}

/// A server that is not there costs datagrams only.
#[test]
fn a_server_may_come_later() {
    // Connected to itself, it has the port, so that nobody else gets it, and hears nobody.
    let deaf = mio_st::net::UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = deaf.local_addr().unwrap();
    let deaf = deaf.connect(address).unwrap();
    let Some(proxy) = start("127.0.0.1:0", address) else { return };
    let client = bound("127.0.0.1:0");
    for _ in 0..10 {
        client.send_to(b"lost", proxy.address).unwrap();
    }
    let server = deaf.disconnect().unwrap();
    assert_eq!(server.local_addr().unwrap(), address);
    until("a datagram arrives", || {
        client.send_to(b"hello", proxy.address).unwrap();
        server.recv_from(&mut [0; 16]).ok()
    });
}
