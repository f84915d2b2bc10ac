//! What waits in the error queue of a socket, and that `ERROR` ends when it is taken.
// No system with kqueue has such a queue.
#![cfg(all(any(target_os = "linux", target_os = "android"), not(kqueue_simulated)))]

use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::slice;
use std::time::Duration;

use mio_st::event::Event;
use mio_st::net::{
    ConnectedUdpSocket, ErrorOrigin, MtuDiscovery, TcpListener, TcpStream, Transmit, UdpSocket,
};
use mio_st::poll::Interests;
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

fn set(fd: RawFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) {
    let length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the pointer and the length are those of the value.
    let result = unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), length) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
}

/// Whether the registered handle is told to have an error, level-triggered.
fn has_error(poller: &mut Poller) -> bool {
    let mut events = Events::new();
    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    events.iter().map(|event: Event| event.readiness()).any(|ready| ready.contains(Ready::ERROR))
}

/// An address where nobody listens, and which nobody else gets: it belongs to a socket whose peer is itself.
fn nobody(address: &str) -> (ConnectedUdpSocket, SocketAddr) {
    let socket = UdpSocket::bind(address.parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket.connect(address).unwrap(), address)
}

// Behaviour 32
#[test]
fn a_refusal_names_its_origin() {
    for (address, origin) in [
        ("127.0.0.1:0", ErrorOrigin::Icmp { kind: 3, code: 3 }),
        ("[::1]:0", ErrorOrigin::Icmpv6 { kind: 1, code: 4 }),
    ] {
        let (_deaf, target) = nobody(address);
        let mut socket = UdpSocket::bind(address.parse().unwrap()).unwrap();
        socket.set_recv_errors(true).unwrap();
        let mut poller = Poller::new().unwrap();
        let mut events = Events::new();
        poller.register(&mut socket, EventedId(0), Interests::READABLE, PollOption::Level).unwrap();
        let mut buffer = [0; 8];
        for _ in 0..2 {
            assert_eq!(socket.recv_error(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
            assert!(!has_error(&mut poller));
            socket.send_to(b"is anybody there?", target).unwrap();
            poller.poll(&mut events, None).unwrap();
            // What the error did to the socket is taken; the queue is not empty for that.
            assert!(socket.take_error().unwrap().is_some());
            assert!(has_error(&mut poller) && has_error(&mut poller));

            let error = socket.recv_error(&mut buffer).unwrap();
            assert_eq!(error.error().unwrap().kind(), ErrorKind::ConnectionRefused);
            assert_eq!(error.origin(), origin);
            assert_eq!(error.offender().unwrap().ip(), target.ip());
            assert_eq!(error.target(), Some(target));
            assert_eq!((error.mtu(), error.timestamp()), (None, None));
            assert_eq!(buffer[..error.data_len()], b"is anybody there?"[..8]);
            let text = format!("{error:?}");
            assert!(
                text.starts_with("QueuedError") && text.contains("ConnectionRefused"),
                "{text}"
            );
        }
        assert!(!has_error(&mut poller));
        // Without asking nothing is told.
        socket.set_recv_errors(false).unwrap();
        socket.send_to(b"hello?", target).unwrap();
        assert!(!has_error(&mut poller));
    }
}

#[test]
fn a_datagram_that_is_too_big_tells_the_mtu() {
    let receiver = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let target = receiver.local_addr().unwrap();
    let socket = ConnectedUdpSocket::connect("127.0.0.1:0".parse().unwrap(), target).unwrap();
    let mtu = socket.mtu().unwrap();
    // Loopback has 65,536: only what no datagram can be is more.
    assert!(mtu > 1_000);
    socket.set_recv_errors(true).unwrap();
    for mode in [MtuDiscovery::Dont, MtuDiscovery::Want, MtuDiscovery::Do, MtuDiscovery::Probe] {
        socket.set_mtu_discovery(mode).unwrap();
        assert_eq!(get(socket.as_raw_fd(), libc::IPPROTO_IP, libc::IP_MTU_DISCOVER), mode as i32);
    }
    let large = vec![0; 65_536];
    let error = socket.send(&large).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
    // A run is cut before it is too big.
    let mut run = Transmit::new(&large).segment_size(1_000);
    assert_eq!(socket.send_transmits(slice::from_mut(&mut run)).unwrap(), 1);
}

fn get(fd: RawFd, level: libc::c_int, name: libc::c_int) -> libc::c_int {
    let mut value = 0;
    let mut length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the pointer and the length are those of the value.
    unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &mut length) };
    value
}

#[test]
fn ipv6_sockets_have_the_modes_of_both() {
    let socket = UdpSocket::bind("[::1]:0".parse().unwrap()).unwrap();
    socket.set_mtu_discovery(MtuDiscovery::Probe).unwrap();
    assert_eq!(get(socket.as_raw_fd(), libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER), 3);
    assert_eq!(get(socket.as_raw_fd(), libc::IPPROTO_IP, libc::IP_MTU_DISCOVER), 3);
    socket.set_recv_errors(true).unwrap();
    assert_eq!(get(socket.as_raw_fd(), libc::IPPROTO_IPV6, libc::IPV6_RECVERR), 1);
    assert_eq!(get(socket.as_raw_fd(), libc::IPPROTO_IP, libc::IP_RECVERR), 1);
}

/// The time at which a datagram left, `SOF_TIMESTAMPING_TX_SOFTWARE | OPT_ID | OPT_TSONLY | SOFTWARE`.
#[test]
fn a_datagram_that_left_has_a_time() {
    let receiver = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    set(socket.as_raw_fd(), libc::SOL_SOCKET, 37, 0x2 | 0x10 | 0x80 | 0x800);
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(&mut socket, EventedId(0), Interests::READABLE, PollOption::Level).unwrap();
    for number in 0..3 {
        socket.send_to(b"x", receiver.local_addr().unwrap()).unwrap();
        poller.poll(&mut events, None).unwrap();
        assert!(has_error(&mut poller));
        let entry = socket.recv_error(&mut []).unwrap();
        assert!(entry.error().is_none());
        assert_eq!(entry.origin(), ErrorOrigin::Timestamp { kind: 0, id: number });
        assert!(entry.timestamp().is_some_and(|time| time.elapsed().unwrap().as_secs() < 3_600));
        assert!(!has_error(&mut poller));
    }
}

/// The completions of `MSG_ZEROCOPY` on TCP. Behaviour 32.
#[test]
fn completions_of_zero_copy_come_to_an_end() {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(&mut stream, EventedId(0), Interests::WRITABLE, PollOption::Level).unwrap();
    poller.poll(&mut events, None).unwrap();
    assert!(stream.connected().unwrap());
    let (mut peer, _) = listener.accept().unwrap();
    set(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ZEROCOPY, 1);
    poller.reregister(&mut stream, EventedId(0), Interests::READABLE, PollOption::Level).unwrap();
    let data = vec![5_u8; 20_000];
    for _ in 0..2 {
        // SAFETY: the pointer and the length are those of a slice, which lives until its completion is here.
        let sent = unsafe {
            libc::send(stream.as_raw_fd(), data.as_ptr().cast(), data.len(), libc::MSG_ZEROCOPY)
        };
        assert_eq!(sent, 20_000);
    }
    let mut received = vec![0; 40_000];
    let mut at = 0;
    while at < received.len() {
        match peer.read(&mut received[at..]) {
            Ok(n) => at += n,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    let mut next = 0;
    while next < 2 {
        poller.poll(&mut events, None).unwrap();
        match stream.recv_error(&mut []) {
            Ok(entry) => {
                assert!(entry.error().is_none());
                let ErrorOrigin::ZeroCopy { first, last, copied } = entry.origin() else {
                    panic!("{entry:?}");
                };
                // Loopback copies.
                assert!(first == next && copied);
                next = last + 1;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    assert!(!has_error(&mut poller));
}

#[test]
fn a_buffer_may_be_forced_where_that_is_allowed() {
    let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    for result in [socket.force_recv_buffer_size(1 << 25), socket.force_send_buffer_size(1 << 25)] {
        match result {
            Ok(()) => {
                assert!(socket.recv_buffer_size().unwrap() >= 1 << 25);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
        }
    }
    let error = socket.force_recv_buffer_size(usize::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
