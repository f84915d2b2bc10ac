//! TCP: streams, listeners and their builders.

mod unix_support;

use std::cell::Cell;
use std::fs::File;
use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::{self, Shutdown, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use mio_st::net::{Keepalive, TcpListener, TcpListenerBuilder, TcpStream, TcpStreamBuilder};
use mio_st::poll::Interests;
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

use unix_support::*;

fn v4() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Loopback, of each family that the machine has.
fn loopback() -> Vec<SocketAddr> {
    let v6 = "[::1]:0".parse().unwrap();
    if net::TcpListener::bind(v6).is_ok() {
        return vec![v4(), v6];
    }
    println!("no IPv6 here: its part of the test is skipped");
    vec![v4()]
}

fn wait(handle: &mut impl mio_st::event::Evented, interests: Interests) -> Ready {
    readiness(handle, interests, LONG).expect("an event")
}

fn wait_for_reset(stream: &mut TcpStream) {
    while !wait(stream, TcpStream::INTERESTS).contains(Ready::ERROR | Ready::HUP) {}
}

fn accept(listener: &mut TcpListener) -> TcpStream {
    wait(listener, TcpListener::INTERESTS);
    let stream = listener.accept().unwrap().0;
    // Otherwise the tests would hang, instead of failing.
    assert!(is_nonblocking(&stream));
    stream
}

/// A connection: the side that connected, and the one that was accepted.
fn connection(listener: &mut TcpListener) -> (TcpStream, TcpStream) {
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    wait(&mut client, Interests::WRITABLE);
    assert!(client.connected().unwrap());
    let server = accept(listener);
    assert_eq!(server.peer_addr().unwrap(), client.local_addr().unwrap());
    (client, server)
}

fn pair() -> (TcpStream, TcpStream) {
    connection(&mut TcpListener::bind(v4()).unwrap())
}

/// A socket to which nobody can connect, since it does not listen, and whose port nobody else gets.
fn deaf(address: SocketAddr) -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.bind(&address.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// A listener whose queue is full, with the connection that fills it: who connects now has to wait.
fn full_listener() -> (TcpListener, TcpStream) {
    let listener = TcpListenerBuilder::new().backlog(0).bind(v4()).unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    wait(&mut client, Interests::WRITABLE);
    (listener, client)
}

// Behaviour 26
#[test]
fn a_refused_connection_is_told_once_by_connected() {
    for address in loopback() {
        let (_deaf, address) = deaf(address);
        let mut stream = TcpStream::connect(address).unwrap();
        assert!(wait(&mut stream, TcpStream::INTERESTS).is_error());
        assert_eq!(errno(stream.connected()), Some(libc::ECONNREFUSED));
        assert_eq!(errno(stream.connected()), Some(libc::ENOTCONN));
        assert_eq!(kind(stream.peer_addr()), ErrorKind::NotConnected);
        assert_eq!(kind(stream.write(b"x")), ErrorKind::BrokenPipe);
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
}

// Behaviour 26
#[test]
fn a_refused_connection_is_told_once_by_take_error() {
    let (_deaf, address) = deaf(v4());
    let mut stream = TcpStream::connect(address).unwrap();
    wait(&mut stream, TcpStream::INTERESTS);
    assert_eq!(stream.take_error().unwrap().unwrap().raw_os_error(), Some(libc::ECONNREFUSED));
    assert!(stream.take_error().unwrap().is_none());
}

// Behaviour 26
#[test]
fn a_connection_whose_error_was_taken_is_not_being_made() {
    type Take = fn(&mut TcpStream) -> i32;
    let takes: [(&str, Take); 4] = [
        ("take_error", |stream| stream.take_error().unwrap().unwrap().raw_os_error().unwrap()),
        ("read", |stream| errno(stream.read(&mut [0])).unwrap()),
        ("write", |stream| errno(stream.write(b"x")).unwrap()),
        ("connected", |stream| errno(stream.connected()).unwrap()),
    ];
    for address in loopback() {
        for (name, take) in takes {
            let (_deaf, address) = deaf(address);
            let mut refused = TcpStream::connect(address).unwrap();
            wait(&mut refused, TcpStream::INTERESTS);
            assert_eq!(take(&mut refused), libc::ECONNREFUSED, "{name}");
            assert_eq!(errno(refused.connected()), Some(libc::ENOTCONN), "{name}");
        }
    }
    for (name, take) in takes {
        let (mut reset, peer) = pair();
        peer.set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        wait(&mut reset, Interests::READABLE);
        let error = take(&mut reset);
        assert!([libc::ECONNRESET, libc::EPIPE].contains(&error), "{name}: {error}");
        assert_eq!(errno(reset.connected()), Some(libc::ENOTCONN), "{name}");
    }
}

// Behaviour 26
#[test]
fn a_socket_that_was_never_connected_is_not_being_connected() {
    for address in loopback() {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        let stream = TcpStream::from(OwnedFd::from(socket));
        assert_eq!(errno(stream.connected()), Some(libc::ENOTCONN));
    }
}

// Behaviour 26
#[test]
#[cfg(target_os = "linux")]
fn with_fast_open_the_first_write_makes_the_connection() {
    const TCP_FASTOPEN_CONNECT: libc::c_int = 30;
    // Otherwise it is so only of a peer that was connected to before.
    const TCP_FASTOPEN_NO_COOKIE: libc::c_int = 34;
    let mut listener = TcpListener::bind(v4()).unwrap();
    let address = listener.local_addr().unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    for name in [TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE] {
        let value: libc::c_int = 1;
        // SAFETY: the pointer and the length are those of an integer.
        let set = unsafe {
            let value = (&raw const value).cast();
            libc::setsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, name, value, 4)
        };
        assert_eq!(set, 0);
    }
    socket.connect(&address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut stream = TcpStream::from(OwnedFd::from(socket));
    // The SYN waits.
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
    assert!(stream.connected().unwrap());
    while let Err(error) = stream.write(b"hello") {
        // Without the peer's cookie the connection is made, and nothing is sent yet.
        assert!([libc::EINPROGRESS, libc::EAGAIN].contains(&error.raw_os_error().unwrap()));
        wait(&mut stream, Interests::WRITABLE);
    }
    let mut server = accept(&mut listener);
    wait(&mut server, Interests::READABLE);
    assert_eq!(server.read(&mut [0; 8]).unwrap(), 5);
    assert!(stream.connected().unwrap());
}

// Behaviour 26
#[test]
fn before_it_is_connected_a_stream_is_not_connected_and_cannot_write() {
    let (mut listener, _first) = full_listener();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert!(!stream.connected().unwrap());
    assert_eq!(kind(stream.peer_addr()), ErrorKind::NotConnected);
    assert_eq!(kind(stream.write(b"early")), ErrorKind::WouldBlock);
    assert_eq!(kind(stream.write_vectored(&[IoSlice::new(b"early")])), ErrorKind::WouldBlock);
    assert_eq!(kind(stream.read(&mut [0])), ErrorKind::WouldBlock);
    assert_eq!(kind(stream.peek(&mut [0])), ErrorKind::WouldBlock);
    assert!(stream.take_error().unwrap().is_none());

    // Room is made, and the system tries again.
    accept(&mut listener);
    wait(&mut stream, Interests::WRITABLE);
    assert!(stream.connected().unwrap());
    assert_eq!(stream.write(b"hello").unwrap(), 5);
    let mut server = accept(&mut listener);
    wait(&mut server, Interests::READABLE);
    let mut buffer = [0; 16];
    assert_eq!(server.read(&mut buffer).unwrap(), 5);
    assert_eq!(&buffer[..5], b"hello");
}

// Behaviour 26
#[test]
fn a_listener_that_closes_while_one_connects_is_an_error_of_connected() {
    let _quiet = no_child_starts();
    let listener = TcpListener::bind(v4()).unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    drop(listener);
    let ready = wait(&mut stream, TcpStream::INTERESTS);
    assert!(ready.is_error() && ready.is_hup(), "{ready:?}");
    assert_eq!(errno(stream.connected()), Some(libc::ECONNRESET));
    assert_eq!(errno(stream.connected()), Some(libc::ENOTCONN));
}

// Behaviour 26
#[test]
fn a_stream_can_be_closed_or_shut_down_while_it_connects() {
    let _quiet = no_child_starts();
    let (listener, _first) = full_listener();
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    poller.register(&mut stream, EventedId(0), TcpStream::INTERESTS, PollOption::Edge).unwrap();
    drop(stream);
    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    assert!(events.is_empty());

    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let _ = stream.shutdown(Shutdown::Both);
    assert!(!stream.connected().unwrap_or(false));
}

// Behaviour 26. Nothing leaves this machine: the thread moves to an empty network of its own.
#[test]
fn an_unreachable_network_is_an_error_of_connect() {
    let unreachable = thread::spawn(|| {
        // SAFETY: it concerns this thread alone, which does nothing but connect.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            println!("not allowed to make a network: the test is skipped");
            return;
        }
        assert_eq!(kind(TcpStream::connect(v4())), ErrorKind::NetworkUnreachable);
    });
    unreachable.join().unwrap();
}

// Behaviours 26 and 31
#[test]
fn addresses_of_two_families_are_an_error_in_either_order() {
    let v6 = "[::1]:9".parse().unwrap();
    let v4 = "127.0.0.1:9".parse().unwrap();
    for (local, peer) in [(v4, v6), (v6, v4)] {
        let result = TcpStreamBuilder::new().bind(local).connect(peer);
        assert_eq!(errno(result), Some(libc::EAFNOSUPPORT));
    }
}

thread_local! {
    /// How many calls of `accept4` in this thread fail with ECONNABORTED.
    static ABORTED: Cell<u32> = const { Cell::new(0) };
    /// How often it was called.
    static ACCEPTS: Cell<u32> = const { Cell::new(0) };
}

/// Takes the place of libc's, in this program.
///
/// # Safety
///
/// As `accept4(2)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn accept4(
    fd: libc::c_int,
    address: *mut libc::sockaddr,
    len: *mut libc::socklen_t,
    flags: libc::c_int,
) -> libc::c_int {
    ACCEPTS.set(ACCEPTS.get() + 1);
    if ABORTED.get() > 0 {
        ABORTED.set(ABORTED.get() - 1);
        // SAFETY: it is this thread's own.
        unsafe { *libc::__errno_location() = libc::ECONNABORTED };
        return -1;
    }
    // SAFETY: the caller's promise.
    unsafe { libc::syscall(libc::SYS_accept4, fd, address, len, flags) as libc::c_int }
}

// Behaviour 27
#[test]
fn an_aborted_connection_is_skipped_by_accept() {
    let mut listener = TcpListener::bind(v4()).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    wait(&mut listener, TcpListener::INTERESTS);
    ABORTED.set(3);
    assert_eq!(listener.accept().unwrap().1, client.local_addr().unwrap());
    assert_eq!((ABORTED.get(), ACCEPTS.get()), (0, 4));
    ABORTED.set(1);
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
}

// Behaviour 27
#[test]
fn too_many_descriptors_are_an_error_of_accept_and_the_listener_stays() {
    passes_alone("accepts_with_too_many_descriptors", &[]);
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn accepts_with_too_many_descriptors() {
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    let mut listener = TcpListener::bind(v4()).unwrap();
    poller.register(&mut listener, EventedId(0), TcpListener::INTERESTS, PollOption::Edge).unwrap();
    let clients: Vec<_> =
        (0..2).map(|_| TcpStream::connect(listener.local_addr().unwrap()).unwrap()).collect();
    poller.poll(&mut events, Some(LONG)).unwrap();

    let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
    // SAFETY: the pointer is that of a limit.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
    let mut spare: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    for _ in 0..3 {
        assert_eq!(errno(listener.accept()), Some(libc::EMFILE));
    }
    // With nobody in its queue, or it would have no end to accept.
    drop(spare.pop());
    let idle = TcpListener::bind(v4()).unwrap();
    assert_eq!(kind(idle.accept()), ErrorKind::WouldBlock);
    drop(idle);
    spare.push(File::open("/dev/null").unwrap());

    // The pattern of the spare descriptor: the connections were kept.
    let mut turned_away = Vec::new();
    for _ in 0..100 {
        match listener.accept() {
            Err(error) if error.raw_os_error() == Some(libc::EMFILE) => drop(spare.pop()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            accepted => {
                let (stream, peer) = accepted.unwrap();
                assert_eq!(stream.peer_addr().unwrap(), peer);
                turned_away.push(peer);
                drop(stream);
                spare.push(File::open("/dev/null").unwrap());
            }
        }
    }
    assert_eq!(turned_away, clients.iter().map(|it| it.local_addr().unwrap()).collect::<Vec<_>>());
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);

    // And the listener goes on.
    spare.truncate(1);
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    poller.poll(&mut events, Some(LONG)).unwrap();
    assert_eq!((&mut events).next().map(|event| event.id()), Some(EventedId(0)));
    assert_eq!(listener.accept().unwrap().1, client.local_addr().unwrap());
}

// Behaviour 28
#[test]
fn no_way_of_writing_to_a_closed_stream_raises_sigpipe() {
    passes_alone("writes_where_sigpipe_kills", &[]);
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn writes_where_sigpipe_kills() {
    let_sigpipe_kill();
    let ways: [fn(&mut TcpStream) -> std::io::Result<usize>; 4] = [
        |stream| stream.write(b"x"),
        |stream| stream.write_vectored(&[IoSlice::new(b"x"), IoSlice::new(b"y")]),
        |mut stream| Write::write(&mut stream, b"x"),
        |mut stream| Write::write_vectored(&mut stream, &[IoSlice::new(b"x")]),
    ];
    for way in ways {
        let (mut stream, _peer) = pair();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(kind(way(&mut stream)), ErrorKind::BrokenPipe);

        let (mut stream, peer) = pair();
        peer.set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        wait_for_reset(&mut stream);
        assert_eq!(errno(stream.connected()), Some(libc::ECONNRESET));
        assert_eq!(kind(way(&mut stream)), ErrorKind::BrokenPipe);
    }
}

// Behaviour 29. MIO_ST_TEST_MB sets another size.
#[test]
fn a_hundred_megabytes_arrive_byte_for_byte() {
    let megabytes = std::env::var("MIO_ST_TEST_MB").map_or(scaled(100), |mb| mb.parse().unwrap());
    let total: usize = megabytes * 1_000_000;
    // A prime length, so that it is in step with no buffer.
    let mut state = 1_u64;
    let pattern: Vec<u8> = (0..1_000_003)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    let next = |done: usize| {
        let start = done % pattern.len();
        &pattern[start..pattern.len().min(start + total - done)]
    };

    let (mut writer, mut reader) = pair();
    // Too little for what is written at once.
    writer.set_send_buffer_size(100_000).unwrap();
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(&mut writer, EventedId(0), Interests::WRITABLE, PollOption::Edge).unwrap();
    poller.register(&mut reader, EventedId(1), Interests::READABLE, PollOption::Edge).unwrap();
    let (mut written, mut read, mut partial, mut calls) = (0, 0, 0, 0_usize);
    let mut buffer = vec![0; 300_000];
    while read < total {
        poller.poll(&mut events, Some(LONG)).unwrap();
        assert!(!events.is_empty(), "stuck at {written} written, {read} read");
        for event in &mut events {
            if event.id() == EventedId(0) {
                while written < total {
                    let bytes = next(written);
                    calls += 1;
                    let result = if calls % 2 == 0 {
                        let (a, b) = bytes.split_at(bytes.len() / 3);
                        writer.write_vectored(&[IoSlice::new(a), IoSlice::new(b)])
                    } else {
                        writer.write(bytes)
                    };
                    match result {
                        Ok(n) => {
                            written += n;
                            partial += usize::from(n < bytes.len());
                        }
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(error) => panic!("{error}"),
                    }
                }
                continue;
            }
            loop {
                match reader.read(&mut buffer) {
                    Ok(n) => {
                        let mut bytes = &buffer[..n];
                        while !bytes.is_empty() {
                            let expected = next(read);
                            let len = bytes.len().min(expected.len());
                            assert!(
                                bytes[..len] == expected[..len],
                                "wrong within {len} of {read}"
                            );
                            read += len;
                            bytes = &bytes[len..];
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
    assert_eq!((written, read), (total, total));
    assert!(partial > 0);
}

// Behaviour 30
#[test]
fn closing_with_linger_zero_resets_the_connection() {
    let _quiet = no_child_starts();
    let (stream, mut peer) = pair();
    stream.set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    wait_for_reset(&mut peer);
    assert_eq!(kind(peer.read(&mut [0])), ErrorKind::ConnectionReset);
}

// Behaviour 30
#[test]
fn closing_without_linger_ends_the_stream_after_its_data() {
    let _quiet = no_child_starts();
    let (mut stream, mut peer) = pair();
    stream.write_all(b"bye").unwrap();
    drop(stream);
    let mut buffer = Vec::new();
    while !wait(&mut peer, Interests::READABLE).contains(Ready::READ_CLOSED) {}
    peer.read_to_end(&mut buffer).unwrap();
    assert_eq!(buffer, b"bye");
}

// Behaviour 31
#[test]
fn an_address_in_use_is_an_error_of_bind() {
    for address in loopback() {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(kind(TcpListener::bind(address)), ErrorKind::AddrInUse);
        let stream = TcpStreamBuilder::new().bind(address).connect(address);
        assert_eq!(kind(stream), ErrorKind::AddrInUse);
    }
}

// Behaviour 31
#[test]
fn an_address_of_another_machine_is_an_error_of_bind() {
    // Of the block for documentation, RFC 5737.
    let foreign = "203.0.113.1:0".parse().unwrap();
    assert_eq!(kind(TcpListener::bind(foreign)), ErrorKind::AddrNotAvailable);
    let (_deaf, peer) = deaf(v4());
    let stream = TcpStreamBuilder::new().bind(foreign).connect(peer);
    assert_eq!(kind(stream), ErrorKind::AddrNotAvailable);
}

// Behaviour 31
#[test]
fn a_low_port_without_permission_is_an_error_of_bind() {
    let first = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    if first.is_ok_and(|first| first.trim() == "0") {
        println!("everybody may use low ports here: the test is skipped");
        return;
    }
    let bind = thread::spawn(|| {
        const NOBODY: libc::c_long = 65_534;
        // SAFETY: without libc's help it concerns this thread alone, which does nothing but bind. It fails
        // when the user is not root, who needs it only.
        unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
        TcpListener::bind("127.0.0.1:1".parse().unwrap()).map(drop)
    });
    assert_eq!(kind(bind.join().unwrap()), ErrorKind::PermissionDenied);
}

// Behaviour 31
#[test]
fn a_backlog_bounds_the_connections_that_wait() {
    for backlog in [0, 5] {
        let listener = TcpListenerBuilder::new().backlog(backlog).bind(v4()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut clients: Vec<_> =
            (0..backlog + 4).map(|_| TcpStream::connect(address).unwrap()).collect();
        for client in &mut clients[..=backlog as usize] {
            wait(client, Interests::WRITABLE);
        }
        let connected = clients.iter().filter(|client| client.connected().unwrap()).count();
        // Linux has room for one more.
        assert_eq!(connected, backlog as usize + 1);
    }
    // More than an int holds is as much as the system allows.
    TcpListenerBuilder::new().backlog(u32::MAX).bind(v4()).unwrap();
}

// Behaviour 31
#[test]
fn only_v6_keeps_a_listener_from_ipv4() {
    if loopback().len() < 2 {
        return;
    }
    // IPv4's loopback, as IPv6 writes it.
    let mapped = "[::ffff:127.0.0.1]:0".parse().unwrap();
    let builder = TcpListenerBuilder::new();
    assert_eq!(kind(builder.only_v6(true).bind(mapped)), ErrorKind::InvalidInput);
    let mut listener = builder.only_v6(false).bind(mapped).unwrap();
    assert!(!listener.only_v6().unwrap());
    let port = listener.local_addr().unwrap().port();
    let client = TcpStream::connect(([127, 0, 0, 1], port).into()).unwrap();
    accept(&mut listener);
    assert!(client.connected().unwrap());

    let listener = builder.only_v6(true).bind("[::1]:0".parse().unwrap()).unwrap();
    assert!(listener.only_v6().unwrap());
    let stream = TcpStreamBuilder::new().only_v6(true).connect(listener.local_addr().unwrap());
    assert!(stream.unwrap().only_v6().unwrap());
}

#[test]
fn only_v6_is_an_error_with_ipv4() {
    let result = TcpListenerBuilder::new().only_v6(true).bind(v4());
    assert_eq!(errno(result), Some(libc::ENOPROTOOPT));
    assert_eq!(kind(TcpListener::bind(v4()).unwrap().only_v6()), ErrorKind::Unsupported);
}

// Behaviour 31
#[test]
fn reuse_port_lets_listeners_share_a_port_that_all_have_it() {
    let builder = TcpListenerBuilder::new().reuse_port(true);
    let first = builder.bind(v4()).unwrap();
    let address = first.local_addr().unwrap();
    let _second = builder.bind(address).unwrap();
    assert_eq!(kind(TcpListener::bind(address)), ErrorKind::AddrInUse);
    assert_eq!(kind(builder.reuse_port(false).bind(address)), ErrorKind::AddrInUse);

    // A stream may leave by that port too.
    let peer = TcpListener::bind(v4()).unwrap();
    let stream = TcpStreamBuilder::new().bind(address).reuse_address(true);
    let peer = peer.local_addr().unwrap();
    assert_eq!(kind(stream.connect(peer)), ErrorKind::AddrInUse);
    let stream = stream.reuse_port(true).connect(peer).unwrap();
    assert_eq!(stream.local_addr().unwrap(), address);
}

// Behaviour 31
#[test]
fn reuse_address_lets_a_listener_bind_while_old_connections_are_in_time_wait() {
    let _quiet = no_child_starts();
    let mut listener = TcpListener::bind(v4()).unwrap();
    let address = listener.local_addr().unwrap();
    let (mut client, server) = connection(&mut listener);
    // Who closes first waits.
    drop((server, listener));
    while !wait(&mut client, Interests::READABLE).contains(Ready::READ_CLOSED) {}
    drop(client);
    let builder = TcpListenerBuilder::new();
    assert_eq!(kind(builder.reuse_address(false).bind(address)), ErrorKind::AddrInUse);
    builder.bind(address).unwrap();

    // Streams have it when they are told.
    let deaf = deaf(v4()).1;
    for reuse in [false, true] {
        let stream = TcpStreamBuilder::new().reuse_address(reuse).connect(deaf).unwrap();
        assert_eq!(SockRef::from(&stream).reuse_address().unwrap(), reuse);
    }
}

// Behaviour 31
#[test]
fn a_stream_connects_from_the_address_it_was_bound_to() {
    let _quiet = no_child_starts();
    let mut listener = TcpListener::bind(v4()).unwrap();
    let peer = listener.local_addr().unwrap();
    let local: SocketAddr = "127.0.0.2:0".parse().unwrap();
    let stream = TcpStreamBuilder::new().bind(local).connect(peer).unwrap();
    assert_eq!(stream.local_addr().unwrap().ip(), local.ip());
    assert_ne!(stream.local_addr().unwrap().port(), 0);
    assert_eq!(accept(&mut listener).peer_addr().unwrap(), stream.local_addr().unwrap());
    // The port was chosen while connecting.
    assert!(bind_address_no_port(&stream));

    let (stream, local) = loop {
        let (port, local) = deaf("127.0.0.2:0".parse().unwrap());
        drop(port);
        match TcpStreamBuilder::new().bind(local).connect(peer) {
            // Somebody else was given the port meanwhile.
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            result => break (result.unwrap(), local),
        }
    };
    assert_eq!(stream.local_addr().unwrap(), local);
    assert_eq!(accept(&mut listener).peer_addr().unwrap(), local);
}

fn bind_address_no_port(stream: &TcpStream) -> bool {
    let mut value: libc::c_int = 0;
    let mut len = size_of::<libc::c_int>() as libc::socklen_t;
    let (fd, pointer) = (stream.as_raw_fd(), (&raw mut value).cast());
    // SAFETY: the pointer and the length are those of an integer.
    let result = unsafe {
        libc::getsockopt(fd, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, pointer, &mut len)
    };
    assert_eq!(result, 0);
    value != 0
}

// Behaviour 31
#[test]
fn nodelay_of_a_builder_is_that_of_its_streams() {
    for nodelay in [false, true] {
        let builder = TcpListenerBuilder::new().nodelay(nodelay);
        let mut listener = builder.bind(v4()).unwrap();
        let address = listener.local_addr().unwrap();
        let stream = TcpStreamBuilder::new().nodelay(nodelay).connect(address).unwrap();
        for stream in [stream, accept(&mut listener)] {
            assert_eq!(stream.nodelay().unwrap(), nodelay);
            assert_eq!(SockRef::from(&stream).tcp_nodelay().unwrap(), nodelay);
        }
    }
}

// Behaviour 31
#[test]
fn keepalive_of_a_builder_is_that_of_its_streams() {
    let keepalive = Keepalive {
        idle: Some(Duration::from_secs(77)),
        interval: Some(Duration::from_secs(7)),
        count: Some(3),
    };
    let mut listener = TcpListenerBuilder::new().keepalive(keepalive).bind(v4()).unwrap();
    let address = listener.local_addr().unwrap();
    let stream = TcpStreamBuilder::new().keepalive(keepalive).connect(address).unwrap();
    for stream in [stream, accept(&mut listener)] {
        assert_eq!(stream.keepalive().unwrap(), Some(keepalive));
        let reference = SockRef::from(&stream);
        assert!(reference.keepalive().unwrap());
        assert_eq!(reference.tcp_keepalive_time().unwrap(), Duration::from_secs(77));
        assert_eq!(reference.tcp_keepalive_interval().unwrap(), Duration::from_secs(7));
        assert_eq!(reference.tcp_keepalive_retries().unwrap(), 3);
    }
    let (stream, _peer) = pair();
    assert_eq!(stream.keepalive().unwrap(), None);
}

// Behaviour 31
#[test]
fn buffer_sizes_of_a_builder_are_those_of_its_streams() {
    const SIZE: usize = 50_000;
    let builder = TcpListenerBuilder::new().send_buffer_size(SIZE).recv_buffer_size(2 * SIZE);
    let mut listener = builder.bind(v4()).unwrap();
    let address = listener.local_addr().unwrap();
    let builder = TcpStreamBuilder::new().send_buffer_size(SIZE).recv_buffer_size(2 * SIZE);
    let stream = builder.connect(address).unwrap();
    for stream in [stream, accept(&mut listener)] {
        // Linux doubles them.
        assert_eq!(stream.send_buffer_size().unwrap(), 2 * SIZE);
        assert_eq!(stream.recv_buffer_size().unwrap(), 4 * SIZE);
        let reference = SockRef::from(&stream);
        assert_eq!(reference.send_buffer_size().unwrap(), 2 * SIZE);
        assert_eq!(reference.recv_buffer_size().unwrap(), 4 * SIZE);
    }
    let builder = TcpStreamBuilder::new();
    for builder in [builder.send_buffer_size(1 << 31), builder.recv_buffer_size(1 << 31)] {
        assert_eq!(kind(builder.connect(address)), ErrorKind::InvalidInput);
    }
}

#[test]
fn a_builder_has_the_defaults_of_the_plain_functions() {
    let listener = TcpListener::bind(v4()).unwrap();
    let reference = SockRef::from(&listener);
    assert!(reference.reuse_address().unwrap());
    assert!(!reference.reuse_port().unwrap());
    assert!(!reference.tcp_nodelay().unwrap());
    assert!(reference.is_listener().unwrap());
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let reference = SockRef::from(&stream);
    assert!(!reference.reuse_address().unwrap());
    assert!(!reference.reuse_port().unwrap());
    assert!(!reference.tcp_nodelay().unwrap());
    TcpListenerBuilder::default().bind(v4()).unwrap();
    TcpStreamBuilder::default().connect(listener.local_addr().unwrap()).unwrap();
}

#[test]
fn options_of_a_stream_are_set_as_socket2_sees_them() {
    let (stream, _peer) = pair();
    let reference = SockRef::from(&stream);

    for nodelay in [true, false] {
        stream.set_nodelay(nodelay).unwrap();
        assert_eq!(
            (stream.nodelay().unwrap(), reference.tcp_nodelay().unwrap()),
            (nodelay, nodelay)
        );
    }
    for ttl in [1, 77, 255] {
        stream.set_ttl(ttl).unwrap();
        assert_eq!((stream.ttl().unwrap(), reference.ttl_v4().unwrap()), (ttl, ttl));
    }
    let seconds = Duration::from_secs;
    for (set, get) in [
        (Some(seconds(7)), Some(seconds(7))),
        (Some(Duration::ZERO), Some(Duration::ZERO)),
        (Some(Duration::from_millis(1)), Some(seconds(1))),
        (None, None),
    ] {
        stream.set_linger(set).unwrap();
        assert_eq!((stream.linger().unwrap(), reference.linger().unwrap()), (get, get));
    }
    stream.set_send_buffer_size(30_000).unwrap();
    assert_eq!(stream.send_buffer_size().unwrap(), 60_000);
    assert_eq!(reference.send_buffer_size().unwrap(), 60_000);
    stream.set_recv_buffer_size(40_000).unwrap();
    assert_eq!(stream.recv_buffer_size().unwrap(), 80_000);
    assert_eq!(reference.recv_buffer_size().unwrap(), 80_000);

    let keepalive = Keepalive { idle: Some(Duration::from_millis(1_500)), ..Keepalive::default() };
    stream.set_keepalive(Some(keepalive)).unwrap();
    assert_eq!(stream.keepalive().unwrap().unwrap().idle, Some(seconds(2)));
    assert_eq!(reference.tcp_keepalive_time().unwrap(), seconds(2));
    assert!(reference.keepalive().unwrap());
    stream.set_keepalive(None).unwrap();
    assert_eq!(stream.keepalive().unwrap(), None);
    assert!(!reference.keepalive().unwrap());
    // The values were kept.
    stream.set_keepalive(Some(Keepalive::default())).unwrap();
    assert_eq!(stream.keepalive().unwrap().unwrap().idle, Some(seconds(2)));
}

#[cfg(target_os = "linux")]
#[test]
fn a_user_timeout_is_set_as_socket2_sees_it() {
    let (stream, _peer) = pair();
    let reference = SockRef::from(&stream);
    assert_eq!(stream.user_timeout().unwrap(), None);
    let set = Duration::from_micros(12_345_001);
    let get = Some(Duration::from_millis(12_346));
    stream.set_user_timeout(Some(set)).unwrap();
    assert_eq!((stream.user_timeout().unwrap(), reference.tcp_user_timeout().unwrap()), (get, get));
    stream.set_user_timeout(None).unwrap();
    assert_eq!(
        (stream.user_timeout().unwrap(), reference.tcp_user_timeout().unwrap()),
        (None, None)
    );
    for bad in [Duration::ZERO, Duration::from_secs(1 << 31), Duration::MAX] {
        assert_eq!(kind(stream.set_user_timeout(Some(bad))), ErrorKind::InvalidInput);
    }
}

#[test]
fn values_that_no_option_has_are_errors() {
    let (stream, _peer) = pair();
    for ttl in [0, 256, u32::MAX] {
        assert_eq!(kind(stream.set_ttl(ttl)), ErrorKind::InvalidInput, "{ttl}");
    }
    for linger in [Duration::from_secs(1 << 31), Duration::MAX] {
        assert_eq!(kind(stream.set_linger(Some(linger))), ErrorKind::InvalidInput);
    }
    for size in [1 << 31, usize::MAX] {
        assert_eq!(kind(stream.set_send_buffer_size(size)), ErrorKind::InvalidInput);
        assert_eq!(kind(stream.set_recv_buffer_size(size)), ErrorKind::InvalidInput);
    }
    let none = Keepalive::default();
    for bad in [
        Keepalive { idle: Some(Duration::ZERO), ..none },
        Keepalive { idle: Some(Duration::MAX), ..none },
        Keepalive { interval: Some(Duration::from_secs(32_768)), ..none },
        Keepalive { count: Some(0), ..none },
        Keepalive { count: Some(128), ..none },
        Keepalive { count: Some(u32::MAX), ..none },
    ] {
        assert_eq!(kind(stream.set_keepalive(Some(bad))), ErrorKind::InvalidInput, "{bad:?}");
        // Not half of it.
        assert_eq!(stream.keepalive().unwrap(), None);
    }
}

#[test]
fn options_of_a_listener_pass_to_its_streams() {
    for address in loopback() {
        let mut listener = TcpListener::bind(address).unwrap();
        listener.set_ttl(77).unwrap();
        assert_eq!(listener.ttl().unwrap(), 77);
        listener.set_recv_buffer_size(50_000).unwrap();
        assert!(listener.take_error().unwrap().is_none());
        let (client, server) = connection(&mut listener);
        assert_eq!(server.ttl().unwrap(), 77);
        assert_eq!(server.recv_buffer_size().unwrap(), 100_000);
        assert_ne!(client.ttl().unwrap(), 77);
    }
}

#[test]
fn data_addresses_and_the_end_pass_over_either_family() {
    for address in loopback() {
        let mut listener = TcpListener::bind(address).unwrap();
        let (mut client, mut server) = connection(&mut listener);
        assert_eq!(client.peer_addr().unwrap(), listener.local_addr().unwrap());
        assert_eq!(server.local_addr().unwrap(), listener.local_addr().unwrap());
        client.write_all(b"hello").unwrap();
        wait(&mut server, Interests::READABLE);
        let mut buffer = [0; 8];
        assert_eq!(server.peek(&mut buffer).unwrap(), 5);
        assert_eq!(server.peek(&mut buffer[..2]).unwrap(), 2);
        assert_eq!(server.read(&mut buffer).unwrap(), 5);
        assert_eq!(&buffer[..5], b"hello");
        assert_eq!(kind(server.read(&mut buffer)), ErrorKind::WouldBlock);

        client.shutdown(Shutdown::Write).unwrap();
        assert!(wait(&mut server, Interests::READABLE).contains(Ready::READ_CLOSED));
        assert_eq!(server.read(&mut buffer).unwrap(), 0);
        server.write_all(b"still").unwrap();
        wait(&mut client, Interests::READABLE);
        assert_eq!(client.read(&mut buffer).unwrap(), 5);
        client.flush().unwrap();
        assert!(client.take_error().unwrap().is_none());
    }
}

#[test]
fn more_buffers_than_the_system_takes_are_a_partial_transfer() {
    let (mut client, mut server) = pair();
    let bytes = [7; 1_500];
    let slices: Vec<_> = bytes.chunks(1).map(IoSlice::new).collect();
    assert_eq!(client.write_vectored(&slices).unwrap(), 1_024);
    assert_eq!((&client).write_vectored(&slices[1_024..]).unwrap(), 476);
    wait(&mut server, Interests::READABLE);
    let mut buffer = [0; 1_500];
    let mut slices: Vec<_> = buffer.chunks_mut(1).map(IoSliceMut::new).collect();
    assert_eq!((&server).read_vectored(&mut slices).unwrap(), 1_024);
    assert_eq!(server.read_vectored(&mut slices[1_024..]).unwrap(), 476);
    assert_eq!(buffer, bytes);
}

#[test]
fn one_system_call_makes_an_accepted_stream_non_blocking_and_close_on_exec() {
    let mut listener = TcpListener::bind(v4()).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    wait(&mut listener, TcpListener::INTERESTS);
    let before = ACCEPTS.get();
    let (server, _) = listener.accept().unwrap();
    assert_eq!(ACCEPTS.get() - before, 1);
    assert!(is_nonblocking(&server) && is_nonblocking(&listener) && is_nonblocking(&client));
    let (a, b) = (listener.try_clone().unwrap(), client.try_clone().unwrap());
    // Behaviour 35
    assert_not_inherited(&[&listener, &client, &server, &a, &b]);
}

#[test]
fn handles_become_std_types_and_descriptors_and_come_back() {
    let mut listener = TcpListener::bind(v4()).unwrap();
    let address = listener.local_addr().unwrap();
    let (client, mut server) = connection(&mut listener);
    let (local, fd) = (client.local_addr().unwrap(), client.as_raw_fd());

    let client = net::TcpStream::from(client);
    assert_eq!((client.local_addr().unwrap(), client.as_raw_fd()), (local, fd));
    let client = OwnedFd::from(TcpStream::from(client));
    // As an `OwnedFd` it can move to another thread.
    let client = thread::spawn(move || client).join().unwrap();
    let fd = TcpStream::from(client).into_raw_fd();
    // SAFETY: the descriptor was given up in the line above.
    let mut client = unsafe { TcpStream::from_raw_fd(fd) };
    client.write_all(b"hello").unwrap();
    wait(&mut server, Interests::READABLE);
    assert_eq!(server.read(&mut [0; 8]).unwrap(), 5);

    let listener = net::TcpListener::from(listener);
    assert_eq!(listener.local_addr().unwrap(), address);
    let listener = TcpListener::from(OwnedFd::from(TcpListener::from(listener)));
    assert_eq!(listener.local_addr().unwrap(), address);
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
}

// Behaviour 35
#[test]
fn what_is_converted_becomes_non_blocking_and_close_on_exec() {
    let listener = net::TcpListener::bind(v4()).unwrap();
    let client = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    for socket in [client.as_raw_fd(), server.as_raw_fd(), listener.as_raw_fd()] {
        // SAFETY: no pointer is passed.
        assert_eq!(unsafe { libc::fcntl(socket, libc::F_SETFD, 0) }, 0);
    }
    let (client, server) = (TcpStream::from(client), TcpStream::from(OwnedFd::from(server)));
    let listener = TcpListener::from(listener);
    assert!(is_nonblocking(&client) && is_nonblocking(&server) && is_nonblocking(&listener));
    assert_not_inherited(&[&client, &server, &listener]);
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);

    // But a number is taken as it is.
    let blocking = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    // SAFETY: `into_raw_fd` has just given it away.
    let blocking = unsafe { TcpStream::from_raw_fd(blocking.into_raw_fd()) };
    assert!(!is_nonblocking(&blocking));
}

/// The hops that a peer wants of each packet, or it is thrown away.
#[cfg(target_os = "linux")]
fn want_hops(socket: &impl AsRawFd, v6: bool, hops: libc::c_int) {
    let (level, name) =
        if v6 { (libc::IPPROTO_IPV6, 73) } else { (libc::IPPROTO_IP, libc::IP_MINTTL) };
    // SAFETY: the pointer and the length are those of an integer.
    let set = unsafe {
        let value = (&raw const hops).cast();
        libc::setsockopt(socket.as_raw_fd(), level, name, value, 4)
    };
    assert_eq!(set, 0);
}

// Behaviour 31. By what arrives: IPV6_MINHOPCOUNT and IP_MINTTL throw away what has made too many hops.
#[test]
#[cfg(target_os = "linux")]
fn the_hops_that_are_set_are_those_of_the_packets_of_either_family() {
    for address in loopback() {
        let mut listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        for (who, set) in [("stream", false), ("listener", true)] {
            if set {
                listener.set_ttl(255).unwrap();
                assert_eq!(listener.ttl().unwrap(), 255);
            }
            let (mut client, mut server) = connection(&mut listener);
            if !set {
                client.set_ttl(255).unwrap();
                assert_eq!(client.ttl().unwrap(), 255);
                (client, server) = (server, client);
            }
            want_hops(&client, address.is_ipv6(), 255);
            server.write_all(b"x").unwrap();
            assert!(wait(&mut client, Interests::READABLE).is_readable(), "{who} {address}");
        }
    }
}

#[test]
fn a_clone_is_another_handle_of_the_same_socket() {
    let mut listener = TcpListener::bind(v4()).unwrap();
    let (client, mut server) = connection(&mut listener);
    let mut clone = client.try_clone().unwrap();
    drop(client);
    clone.write_all(b"x").unwrap();
    wait(&mut server, Interests::READABLE);
    let clone = listener.try_clone().unwrap();
    clone.set_ttl(77).unwrap();
    assert_eq!(listener.ttl().unwrap(), 77);
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(kind(TcpListener::bind(address)), ErrorKind::AddrInUse);
}

#[test]
fn a_listener_is_never_registered_for_writing() {
    assert_refused(
        &mut TcpListener::bind(v4()).unwrap(),
        Interests::READABLE,
        &[Interests::WRITABLE, Interests::READABLE | Interests::WRITABLE],
        "TcpListener only needs readable interests",
    );
}

#[test]
fn sockets_stay_in_their_thread_and_builders_do_not() {
    const { assert!(!Sends::<TcpStream>::YES && !Syncs::<TcpStream>::YES) };
    const { assert!(!Sends::<TcpListener>::YES && !Syncs::<TcpListener>::YES) };
    const { assert!(Sends::<TcpListenerBuilder>::YES && Sends::<TcpStreamBuilder>::YES) };
    const { assert!(Sends::<Keepalive>::YES) };
}

#[test]
fn everything_can_be_printed() {
    let (stream, _peer) = pair();
    let listener = TcpListener::bind(v4()).unwrap();
    assert_eq!(format!("{stream:?}"), format!("TcpStream {{ fd: {} }}", stream.as_raw_fd()));
    assert_eq!(format!("{listener:?}"), format!("TcpListener {{ fd: {} }}", listener.as_raw_fd()));
    assert!(format!("{:?}", TcpListenerBuilder::new()).starts_with("TcpListenerBuilder"));
    assert!(format!("{:?}", TcpStreamBuilder::new()).starts_with("TcpStreamBuilder"));
    assert!(format!("{:?}", Keepalive::default()).starts_with("Keepalive"));
}
