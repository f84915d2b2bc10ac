//! Unix sockets: streams, listeners and datagrams.

mod unix_support;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{self as std_net, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mio_st::event::{Evented, Ready};
use mio_st::poll::Interests;
use mio_st::unix::{
    EventedIo, UCred, UnixDatagram, UnixListener, UnixListenerBuilder, UnixMessage, UnixStream,
};
use mio_st::{EventedId, Events, PollOption, Poller};

use unix_support::*;

/// The longest path that an address has room for, with no NUL behind it.
const SUN_PATH: usize = 108;

/// A name that another run of this test has not.
fn abstract_name(name: &[u8]) -> SocketAddr {
    let mut full = std::process::id().to_ne_bytes().to_vec();
    full.extend(name);
    SocketAddr::from_abstract_name(full).unwrap()
}

/// A path of so many bytes in a folder.
fn path_of(folder: &Path, len: usize) -> PathBuf {
    let fill = len - folder.as_os_str().len() - 1;
    folder.join("p".repeat(fill))
}

#[test]
fn a_stream_by_path_from_connect_to_close() {
    let _alone = no_child_starts();
    let folder = Folder::new();
    let path = folder.join("socket");
    let mut listener = UnixListener::bind(&path).unwrap();
    assert!(is_nonblocking(&listener));
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
    assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(path.as_path()));

    let mut client = UnixStream::connect(&path).unwrap();
    assert!(client.connected().unwrap());
    assert_eq!(client.peer_addr().unwrap().as_pathname(), Some(path.as_path()));
    assert!(client.local_addr().unwrap().is_unnamed());

    let ready = readiness(&mut listener, UnixListener::INTERESTS, LONG);
    assert_eq!(ready, Some(Ready::READABLE));
    let (mut connection, peer) = listener.accept().unwrap();
    assert!(peer.is_unnamed());
    assert_eq!(connection.local_addr().unwrap().as_pathname(), Some(path.as_path()));
    assert!(connection.peer_addr().unwrap().is_unnamed());
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);

    let ready = readiness(&mut connection, UnixStream::INTERESTS, LONG);
    assert_eq!(ready, Some(Ready::WRITABLE));
    client.write_all(b"hello").unwrap();
    let ready = readiness(&mut connection, UnixStream::INTERESTS, LONG);
    assert_eq!(ready, Some(Ready::READABLE | Ready::WRITABLE));
    let mut buf = [0; 16];
    assert_eq!(connection.peek(&mut buf).unwrap(), 5);
    assert_eq!(connection.read(&mut buf).unwrap(), 5);
    assert_eq!(&buf[..5], b"hello");
    assert_eq!(kind(connection.read(&mut buf)), ErrorKind::WouldBlock);
    assert_eq!(kind(connection.peek(&mut buf)), ErrorKind::WouldBlock);

    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(connection.read(&mut buf).unwrap(), 0);
    let half = Ready::READABLE | Ready::READ_CLOSED | Ready::WRITABLE;
    assert_eq!(readiness(&mut connection, UnixStream::INTERESTS, LONG), Some(half));
    connection.write_all(b"still").unwrap();
    assert_eq!(client.read(&mut buf).unwrap(), 5);

    drop(client);
    let closed = half | Ready::WRITE_CLOSED | Ready::HUP;
    assert_eq!(readiness(&mut connection, UnixStream::INTERESTS, LONG), Some(closed));
    assert_eq!(kind(connection.write(b"lost")), ErrorKind::BrokenPipe);
    assert!(connection.take_error().unwrap().is_none());
    assert!(listener.take_error().unwrap().is_none());
}

#[test]
fn vectored_and_shared() {
    let (a, b) = UnixStream::pair().unwrap();
    assert_eq!((&a).write_vectored(&[IoSlice::new(b"hel"), IoSlice::new(b"lo")]).unwrap(), 5);
    let (mut first, mut rest) = ([0; 2], [0; 8]);
    let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut rest)];
    assert_eq!((&b).read_vectored(&mut bufs).unwrap(), 5);
    assert_eq!((&first, &rest[..3]), (b"he", &b"llo"[..]));
    assert_eq!((&a).write(b"!").unwrap(), 1);
    assert_eq!((&b).read(&mut rest).unwrap(), 1);
}

/// Behaviour 29, for a Unix stream and a twelfth of the size.
#[test]
fn eight_megabytes_arrive_byte_for_byte() {
    const SIZE: usize = 8 << 20;
    // Not periodic in any power of two.
    let byte = |i: usize| (i % 251) as u8;
    let data: Vec<u8> = (0..SIZE).map(byte).collect();
    let (mut a, mut b) = UnixStream::pair().unwrap();
    assert!(is_nonblocking(&a) && is_nonblocking(&b));
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(&mut a, EventedId(0), Interests::WRITABLE, PollOption::Edge).unwrap();
    poller.register(&mut b, EventedId(1), Interests::READABLE, PollOption::Edge).unwrap();

    let (mut sent, mut received, mut blocked) = (0, 0, 0);
    let mut buf = [0; 50_001];
    'transfer: for _ in 0..1_000_000 {
        poller.poll(&mut events, Some(LONG)).unwrap();
        assert!(!events.is_empty(), "stalled at {sent}, {received}");
        for event in &mut events {
            loop {
                let result = match event.id() {
                    EventedId(0) if sent == SIZE => break,
                    EventedId(0) => a.write(&data[sent..]).map(|n| sent += n),
                    _ => b.read(&mut buf).map(|n| {
                        assert!(n > 0 && buf[..n] == data[received..received + n]);
                        received += n;
                    }),
                };
                match result {
                    Ok(()) if received == SIZE => break 'transfer,
                    Ok(()) => {}
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::WouldBlock);
                        blocked += 1;
                        break;
                    }
                }
            }
        }
    }
    assert_eq!((sent, received), (SIZE, SIZE));
    assert!(blocked > 10, "the writes were partial");
}

#[test]
fn a_pair_is_connected_and_unnamed() {
    let (a, b) = UnixStream::pair().unwrap();
    assert!(a.connected().unwrap() && b.connected().unwrap());
    for address in [a.local_addr(), a.peer_addr(), b.local_addr(), b.peer_addr()] {
        assert!(address.unwrap().is_unnamed());
    }
    let (a, b) = UnixDatagram::pair().unwrap();
    assert_eq!(a.send(b"x").unwrap(), 1);
    let (n, from) = b.recv_from(&mut [0; 4]).unwrap();
    assert!(n == 1 && from.is_unnamed());
}

#[test]
fn an_abstract_name_may_hold_any_bytes() {
    let _alone = no_child_starts();
    for name in [&b""[..], b"a", b"a\0", b"a\0b", b"\0\0", b"\xff/name"] {
        let address = abstract_name(name);
        let listener = UnixListener::bind_addr(&address).unwrap();
        let bound = listener.local_addr().unwrap();
        assert_eq!(bound.as_abstract_name(), address.as_abstract_name());
        assert_eq!(kind(UnixListener::bind_addr(&address)), ErrorKind::AddrInUse);
        let client = UnixStream::connect_addr(&address).unwrap();
        let peer = client.peer_addr().unwrap();
        assert_eq!(peer.as_abstract_name(), address.as_abstract_name());
        listener.accept().unwrap();
    }
    // Each of them is another name, and gone with its socket.
    let listener = UnixListener::bind_addr(&abstract_name(b"a\0")).unwrap();
    for name in [&b"a"[..], b"a\0\0", b"a\0b"] {
        let result = UnixStream::connect_addr(&abstract_name(name));
        assert_eq!(kind(result), ErrorKind::ConnectionRefused);
    }
    drop(listener);

    // The longest.
    let longest = abstract_name(&[b'n'; SUN_PATH - 2 - size_of::<u32>()]);
    let socket = UnixDatagram::bind_addr(&longest).unwrap();
    let bound = socket.local_addr().unwrap();
    assert_eq!(bound.as_abstract_name(), longest.as_abstract_name());
}

#[test]
fn binding_to_no_name_lets_the_system_choose_one() {
    let unnamed = UnixDatagram::unbound().unwrap().local_addr().unwrap();
    assert!(unnamed.is_unnamed());
    let listener = UnixListener::bind_addr(&unnamed).unwrap();
    let chosen = listener.local_addr().unwrap();
    assert!(chosen.as_abstract_name().is_some_and(|name| !name.is_empty()));
    UnixStream::connect_addr(&chosen).unwrap();
}

/// A name may fill the address to the last byte: std has no constructor for it.
#[test]
fn a_peer_with_the_longest_of_paths_is_accepted_and_answered() {
    let folder = Folder::new();
    let path = path_of(&folder, SUN_PATH);
    let server_path = folder.join("server");
    let server = UnixDatagram::bind(&server_path).unwrap();
    let client = RawSocket::new(libc::SOCK_DGRAM | libc::SOCK_NONBLOCK);
    client.bind(&path);
    let client = UnixDatagram::from(client.0);
    assert_eq!(client.local_addr().unwrap().as_pathname(), Some(path.as_path()));
    client.send_to(b"ping", &server_path).unwrap();
    let mut buf = [0; 16];
    let (_, peer) = server.recv_from(&mut buf).unwrap();
    assert_eq!(peer.as_pathname(), Some(path.as_path()));
    assert_eq!(server.send_to_addr(b"pong!", &peer).unwrap(), 5);
    assert_eq!(client.recv(&mut buf).unwrap(), 5);
    fs::remove_file(&path).unwrap();

    let listener_path = folder.join("listener");
    let listener = UnixListener::bind(&listener_path).unwrap();
    let client = RawSocket::new(libc::SOCK_STREAM);
    client.bind(&path);
    client.connect(&listener_path);
    let (_, peer) = listener.accept().unwrap();
    assert_eq!(peer.as_pathname(), Some(path.as_path()));
}

#[test]
fn a_named_client_is_told_by_accept_also_when_it_is_gone() {
    let folder = Folder::new();
    let (path, client_path) = (folder.join("server"), folder.join("client"));
    let listener = UnixListener::bind(&path).unwrap();
    let client = RawSocket::new(libc::SOCK_STREAM);
    client.bind(&client_path);
    client.connect(&path);
    drop(client);
    let (_, peer) = listener.accept().unwrap();
    assert_eq!(peer.as_pathname(), Some(client_path.as_path()));
}

/// What our types do not offer: a stream that is bound before it connects, and a path without NUL.
struct RawSocket(OwnedFd);

impl RawSocket {
    fn new(kind: i32) -> RawSocket {
        // SAFETY: no pointer is passed, and the new descriptor is ours.
        unsafe {
            let raw = libc::socket(libc::AF_UNIX, kind | libc::SOCK_CLOEXEC, 0);
            assert!(raw >= 0);
            RawSocket(OwnedFd::from_raw_fd(raw))
        }
    }

    fn bind(&self, path: &Path) {
        self.call(libc::bind, path);
    }

    fn connect(&self, path: &Path) {
        self.call(libc::connect, path);
    }

    fn call(
        &self,
        function: unsafe extern "C" fn(i32, *const libc::sockaddr, libc::socklen_t) -> i32,
        path: &Path,
    ) {
        let mut bytes = (libc::AF_UNIX as u16).to_ne_bytes().to_vec();
        bytes.extend(path.as_os_str().as_bytes());
        let len = bytes.len() as u32;
        bytes.push(0); // Not part of it; valgrind looks for it.
        // SAFETY: the pointer and the length are those of an address.
        let result = unsafe { function(self.0.as_raw_fd(), bytes.as_ptr().cast(), len) };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
    }
}

#[test]
fn credentials_are_those_of_the_peer() {
    let (a, _b) = UnixStream::pair().unwrap();
    let own = a.peer_cred().unwrap();
    // SAFETY: the calls have no arguments and cannot fail.
    assert_eq!((own.uid, own.gid), unsafe { (libc::geteuid(), libc::getegid()) });
    assert_eq!(own.pid, Some(std::process::id() as i32));

    let folder = Folder::new();
    let path = folder.join("socket");
    let mut listener = UnixListener::bind(&path).unwrap();
    // Another process: it sends its number.
    passes_alone("alone_connect_and_send_the_pid", &[("MIO_ST_TEST_PATH", &path)]);
    assert!(readiness(&mut listener, UnixListener::INTERESTS, LONG).is_some());
    let (mut connection, _) = listener.accept().unwrap();
    let mut pid = [0; 4];
    connection.read_exact(&mut pid).unwrap();
    assert_eq!(connection.peer_cred().unwrap().pid, Some(i32::from_ne_bytes(pid)));

    // Connected to nobody.
    let socket = UnixStream::from(OwnedFd::from(UnixListener::bind(folder.join("other")).unwrap()));
    let _ = socket.peer_cred(); // Linux: who listened.
    let unconnected = UnixStream::from(OwnedFd::from(UnixDatagram::unbound().unwrap()));
    assert_eq!(kind(unconnected.peer_cred()), ErrorKind::NotConnected);
    assert_eq!(kind(unconnected.peer_addr()), ErrorKind::NotConnected);
}

#[test]
#[ignore = "run by credentials_are_those_of_the_peer"]
fn alone_connect_and_send_the_pid() {
    let Some(path) = std::env::var_os("MIO_ST_TEST_PATH") else { return };
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(&std::process::id().to_ne_bytes()).unwrap();
}

/// Behaviour 31.
#[test]
fn a_path_that_is_none_is_refused_by_every_call() {
    let folder = Folder::new();
    let datagram = UnixDatagram::unbound().unwrap();
    let every_call = |path: &Path| {
        [
            UnixStream::connect(path).err(),
            UnixListener::bind(path).err(),
            UnixDatagram::bind(path).err(),
            datagram.connect(path).err(),
            datagram.send_to(b"x", path).err(),
        ]
        .map(|error| error.expect("an error"))
    };
    let long = path_of(&folder, SUN_PATH);
    for error in every_call(&long) {
        assert_eq!(error.raw_os_error(), Some(libc::ENAMETOOLONG));
    }
    for error in every_call(&path_of(&folder, 5000)) {
        assert_eq!(error.raw_os_error(), Some(libc::ENAMETOOLONG));
    }
    for error in every_call(&folder.join(OsStr::from_bytes(b"a\0b"))) {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), "the path of a Unix socket contains a NUL byte");
    }
    for error in every_call(Path::new("\0abstract?")) {
        assert_eq!(error.to_string(), "the path of a Unix socket contains a NUL byte");
    }
    for error in every_call(Path::new("")) {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), "the path of a Unix socket is empty");
    }
    assert_eq!(fs::read_dir(&*folder).unwrap().count(), 0);

    // One byte less is fine.
    let path = path_of(&folder, SUN_PATH - 1);
    let listener = UnixListener::bind(&path).unwrap();
    assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(path.as_path()));
    UnixStream::connect(&path).unwrap();
}

/// Behaviour 31.
#[test]
fn the_errors_of_binding_and_connecting_are_exact() {
    let _alone = no_child_starts();
    let folder = Folder::new();
    let path = folder.join("socket");
    let missing = folder.join("no").join("socket");
    assert_eq!(kind(UnixStream::connect(&path)), ErrorKind::NotFound);
    assert_eq!(kind(UnixListener::bind(&missing)), ErrorKind::NotFound);
    assert_eq!(kind(UnixDatagram::bind(&missing)), ErrorKind::NotFound);

    let listener = UnixListener::bind(&path).unwrap();
    assert_eq!(kind(UnixListener::bind(&path)), ErrorKind::AddrInUse);
    assert_eq!(kind(UnixDatagram::bind(&path)), ErrorKind::AddrInUse);
    assert_eq!(errno(UnixDatagram::unbound().unwrap().connect(&path)), Some(libc::EPROTOTYPE));
    drop(listener);
    // The file stays.
    assert_eq!(kind(UnixStream::connect(&path)), ErrorKind::ConnectionRefused);
    assert_eq!(kind(UnixListener::bind(&path)), ErrorKind::AddrInUse);
    fs::remove_file(&path).unwrap();
    UnixListener::bind(&path).unwrap();

    let file = folder.join("file");
    fs::write(&file, b"").unwrap();
    assert_eq!(kind(UnixStream::connect(&file)), ErrorKind::ConnectionRefused);

    let unnamed = UnixDatagram::unbound().unwrap().local_addr().unwrap();
    assert_eq!(kind(UnixStream::connect_addr(&unnamed)), ErrorKind::InvalidInput);
    let datagram = UnixDatagram::unbound().unwrap();
    assert_eq!(kind(datagram.connect_addr(&unnamed)), ErrorKind::InvalidInput);
    assert_eq!(kind(datagram.send_to_addr(b"x", &unnamed)), ErrorKind::InvalidInput);
    let nobody = abstract_name(b"nobody");
    assert_eq!(kind(UnixStream::connect_addr(&nobody)), ErrorKind::ConnectionRefused);
}

/// Behaviour 31.
#[test]
fn no_permission_is_permission_denied() {
    let folder = Folder::new();
    let path = folder.join("socket");
    let _listener = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&*folder, fs::Permissions::from_mode(0o755)).unwrap();
    passes_alone("alone_try_without_permission", &[("MIO_ST_TEST_PATH", &path)]);
}

#[test]
#[ignore = "run by no_permission_is_permission_denied"]
fn alone_try_without_permission() {
    let Some(path) = std::env::var_os("MIO_ST_TEST_PATH").map(PathBuf::from) else { return };
    // SAFETY: no pointer is passed.
    if unsafe { libc::geteuid() } == 0 {
        // Root may do everything: be nobody.
        // SAFETY: no pointer is passed.
        unsafe { assert_eq!((libc::setgid(65534), libc::setuid(65534)), (0, 0)) };
    } else {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o500)).unwrap();
    }
    assert_eq!(kind(UnixStream::connect(&path)), ErrorKind::PermissionDenied);
    let other = path.with_file_name("other");
    assert_eq!(kind(UnixListener::bind(&other)), ErrorKind::PermissionDenied);
    assert_eq!(kind(UnixDatagram::bind(&other)), ErrorKind::PermissionDenied);
}

#[test]
fn a_full_queue_of_connections_would_block() {
    let folder = Folder::new();
    let path = folder.join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    // A second call changes the length of the queue.
    // SAFETY: no pointer is passed.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 2) }, 0);
    let mut clients = Vec::new();
    let error = loop {
        match UnixStream::connect(&path) {
            Ok(client) => clients.push(client),
            Err(error) => break error,
        }
        assert!(clients.len() < 100);
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    listener.accept().unwrap();
    UnixStream::connect(&path).unwrap();
}

// Behaviour 26
#[test]
fn a_socket_that_was_never_connected_is_not_being_connected() {
    // SAFETY: no pointer is passed, and the new descriptor is given away.
    let fd = unsafe { OwnedFd::from_raw_fd(libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)) };
    assert_eq!(errno(UnixStream::from(fd).connected()), Some(libc::ENOTCONN));
    let (stream, peer) = UnixStream::pair().unwrap();
    assert!(stream.connected().unwrap());
    drop(peer);
    assert!(stream.connected().unwrap());
}

// Behaviour 27
#[test]
fn without_descriptors_accepting_ends_when_nobody_waits() {
    passes_alone("alone_accept_without_descriptors", &[]);
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn alone_accept_without_descriptors() {
    let name = abstract_name(b"full");
    let listener = UnixListener::bind_addr(&name).unwrap();
    let _client = UnixStream::connect_addr(&name).unwrap();
    let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
    // SAFETY: the pointer is that of a limit.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
    let mut spare: Vec<_> = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
    assert_eq!(errno(listener.accept()), Some(libc::EMFILE));
    spare.pop();
    let accepted = listener.accept().unwrap();
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
    drop(accepted);
}

#[test]
fn a_listener_is_never_writable_and_can_be_cloned() {
    let mut listener = UnixListener::bind_addr(&abstract_name(b"interests")).unwrap();
    assert_refused(
        &mut listener,
        UnixListener::INTERESTS,
        &[Interests::WRITABLE, Interests::READABLE | Interests::WRITABLE],
        "UnixListener only needs readable interests",
    );
    let address = listener.local_addr().unwrap();
    let clone = listener.try_clone().unwrap();
    drop(listener);
    let _client = UnixStream::connect_addr(&address).unwrap();
    clone.accept().unwrap();
}

#[test]
fn a_clone_is_the_same_socket() {
    let (a, mut b) = UnixStream::pair().unwrap();
    let mut clone = a.try_clone().unwrap();
    clone.write_all(b"hello").unwrap();
    let mut buf = [0; 16];
    assert_eq!(b.read(&mut buf).unwrap(), 5);
    drop(a);
    b.write_all(b"back").unwrap();
    assert_eq!(clone.read(&mut buf).unwrap(), 4);

    let (a, b) = UnixDatagram::pair().unwrap();
    a.try_clone().unwrap().send(b"one").unwrap();
    assert_eq!(b.try_clone().unwrap().recv(&mut buf).unwrap(), 3);
    assert!(is_nonblocking(&a.try_clone().unwrap()));
}

/// How much a stream takes that nobody reads.
fn room(stream: &mut UnixStream) -> usize {
    let mut room = 0;
    while let Ok(written) = stream.write(&[0; 1024]) {
        room += written;
    }
    room
}

#[test]
fn the_sizes_of_buffers_are_those_that_were_set() {
    let folder = Folder::new();
    let listener =
        UnixListenerBuilder::new().send_buffer_size(8192).bind(folder.join("listener")).unwrap();
    let (mut a, _b) = UnixStream::pair().unwrap();
    let (c, _d) = UnixDatagram::pair().unwrap();
    let counted = if cfg!(any(target_os = "linux", target_os = "android")) { 2 } else { 1 };
    assert_eq!(listener.send_buffer_size().unwrap(), counted * 8192);
    let before = a.send_buffer_size().unwrap();
    a.set_send_buffer_size(8192).unwrap();
    a.set_recv_buffer_size(16_384).unwrap();
    assert!(before > 2 * 8192);
    assert_eq!(a.send_buffer_size().unwrap(), counted * 8192);
    assert_eq!(a.recv_buffer_size().unwrap(), counted * 16_384);
    assert!(room(&mut a) <= 2 * 8192);
    c.set_recv_buffer_size(8192).unwrap();
    assert_eq!(c.recv_buffer_size().unwrap(), counted * 8192);
    assert_eq!(kind(c.set_send_buffer_size(1 << 31)), ErrorKind::InvalidInput);
    let too_much = UnixListenerBuilder::new().recv_buffer_size(1 << 31).bind(folder.join("other"));
    assert_eq!(kind(too_much), ErrorKind::InvalidInput);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let _client = UnixStream::connect(folder.join("listener")).unwrap();
        assert_eq!(listener.accept().unwrap().0.send_buffer_size().unwrap(), before);
    }
}

/// Behaviour 31.
#[test]
fn the_backlog_is_that_of_the_builder() {
    let folder = Folder::new();
    let path = folder.join("listener");
    let listener = UnixListenerBuilder::new().backlog(2).bind(&path).unwrap();
    let mut clients = Vec::new();
    let full = loop {
        match UnixStream::connect(&path) {
            Ok(client) => clients.push(client),
            Err(error) => break error.kind(),
        }
    };
    if cfg!(any(target_os = "linux", target_os = "android")) {
        assert_eq!((clients.len(), full), (3, ErrorKind::WouldBlock));
    }
    for _ in &clients {
        listener.accept().unwrap();
    }
}

#[test]
fn datagrams_keep_their_bounds_and_their_order() {
    let _alone = no_child_starts();
    let folder = Folder::new();
    let (path, client_path) = (folder.join("server"), folder.join("client"));
    let mut server = UnixDatagram::bind(&path).unwrap();
    let client = UnixDatagram::bind(&client_path).unwrap();
    assert_eq!(client.local_addr().unwrap().as_pathname(), Some(client_path.as_path()));
    assert!(is_nonblocking(&server) && is_nonblocking(&client));
    let mut buf = [0; 16];
    assert_eq!(kind(server.recv(&mut buf)), ErrorKind::WouldBlock);
    assert_eq!(kind(server.recv_from(&mut buf)), ErrorKind::WouldBlock);
    assert_eq!(kind(server.peek(&mut buf)), ErrorKind::WouldBlock);
    assert_eq!(kind(client.send(b"x")), ErrorKind::NotConnected);

    for datagram in [&b"one"[..], b"", b"three"] {
        assert_eq!(client.send_to(datagram, &path).unwrap(), datagram.len());
    }
    let ready = readiness(&mut server, UnixDatagram::INTERESTS, LONG).unwrap();
    assert_eq!(ready, Ready::READABLE | Ready::WRITABLE);
    assert_eq!(server.peek(&mut buf).unwrap(), 3);
    let (n, from) = server.recv_from(&mut buf).unwrap();
    assert_eq!((&buf[..n], from.as_pathname()), (&b"one"[..], Some(client_path.as_path())));
    // An empty one is not the end.
    assert_eq!(server.recv(&mut buf).unwrap(), 0);
    // What does not fit is discarded.
    assert_eq!(server.recv(&mut buf[..2]).unwrap(), 2);
    assert_eq!(&buf[..2], b"th");
    assert_eq!(kind(server.recv(&mut buf)), ErrorKind::WouldBlock);

    // Connected: the datagrams of others are refused.
    client.connect(&path).unwrap();
    assert_eq!(client.peer_addr().unwrap().as_pathname(), Some(path.as_path()));
    server.connect_addr(&client.local_addr().unwrap()).unwrap();
    assert_eq!(client.send(b"mine").unwrap(), 4);
    let stranger = UnixDatagram::unbound().unwrap();
    assert_eq!(kind(stranger.send_to(b"his", &path)), ErrorKind::PermissionDenied);
    assert_eq!(server.recv(&mut buf).unwrap(), 4);

    assert_eq!(errno(client.send(&vec![0; 16 << 20])), Some(libc::EMSGSIZE));
    server.shutdown(Shutdown::Read).unwrap();
    assert_eq!(kind(client.send(b"lost")), ErrorKind::BrokenPipe);
    drop(server);
    assert_eq!(kind(client.send(b"lost")), ErrorKind::ConnectionRefused);
    assert!(client.take_error().unwrap().is_none());
}

#[test]
fn a_datagram_socket_whose_peer_is_slow_would_block_until_it_is_writable() {
    let (mut a, b) = UnixDatagram::pair().unwrap();
    assert!(is_nonblocking(&a));
    let mut sent = 0;
    let error = loop {
        match a.send(b"datagram") {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 1_000_000);
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert_eq!(readiness(&mut a, Interests::WRITABLE, Duration::ZERO), None);
    for _ in 0..sent {
        assert_eq!(b.recv(&mut [0; 16]).unwrap(), 8);
    }
    assert_eq!(readiness(&mut a, Interests::WRITABLE, LONG), Some(Ready::WRITABLE));
}

#[test]
fn sockets_go_to_std_and_come_from_there() {
    let (a, b) = std_net::UnixStream::pair().unwrap();
    let mut ours = UnixStream::from(a);
    assert_eq!(kind(ours.read(&mut [0; 4])), ErrorKind::WouldBlock);
    ours.write_all(b"x").unwrap();
    let mut theirs = b;
    theirs.read_exact(&mut [0]).unwrap();
    let back = std_net::UnixStream::from(ours);
    // It is still non-blocking.
    assert_eq!(kind((&back).read(&mut [0; 4])), ErrorKind::WouldBlock);

    let listener = UnixListener::bind_addr(&abstract_name(b"std")).unwrap();
    let listener = std_net::UnixListener::from(listener);
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
    let listener = UnixListener::from(listener);
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);

    let (a, _b) = UnixDatagram::pair().unwrap();
    let a = UnixDatagram::from(std_net::UnixDatagram::from(a));
    assert_eq!(kind(a.recv(&mut [0; 4])), ErrorKind::WouldBlock);

    // What was blocking is so no more.
    let name = abstract_name(b"blocking");
    let listener = UnixListener::from(std_net::UnixListener::bind_addr(&name).unwrap());
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
    let (a, b) = std_net::UnixDatagram::pair().unwrap();
    let (a, b) = (UnixDatagram::from(a), EventedIo::from(OwnedFd::from(b)));
    assert_eq!(kind(a.recv(&mut [0; 4])), ErrorKind::WouldBlock);
    assert_eq!(kind((&b).read(&mut [0; 4])), ErrorKind::WouldBlock);

    let (a, mut b) = UnixStream::pair().unwrap();
    // SAFETY: `into_raw_fd` has just given it away.
    let mut a = unsafe { UnixStream::from_raw_fd(a.into_raw_fd()) };
    a.write_all(b"x").unwrap();
    assert_eq!(b.read(&mut [0; 4]).unwrap(), 1);
}

/// Behaviour 35.
#[test]
fn every_socket_is_non_blocking_and_not_inherited() {
    let folder = Folder::new();
    let path = folder.join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let client = UnixStream::connect(&path).unwrap();
    let (connection, _) = listener.accept().unwrap();
    let clone = listener.try_clone().unwrap();
    let (a, b) = UnixStream::pair().unwrap();
    let bound = UnixDatagram::bind(folder.join("datagram")).unwrap();
    let unbound = UnixDatagram::unbound().unwrap();
    let (c, d) = UnixDatagram::pair().unwrap();
    let all: [&dyn AsFd; 10] =
        [&listener, &client, &connection, &clone, &a, &b, &bound, &unbound, &c, &d];
    assert!(all.into_iter().all(is_nonblocking));
    assert_not_inherited(&all);
}

/// Behaviour 28.
#[test]
fn no_socket_raises_sigpipe() {
    passes_alone("alone_send_to_peers_that_are_gone", &[]);
}

#[test]
#[ignore = "run by no_socket_raises_sigpipe"]
fn alone_send_to_peers_that_are_gone() {
    let_sigpipe_kill();
    let bufs = [IoSlice::new(b"lo"), IoSlice::new(b"st")];

    let (mut a, b) = UnixStream::pair().unwrap();
    drop(b);
    assert_eq!(kind(a.write(b"lost")), ErrorKind::BrokenPipe);
    assert_eq!(kind(a.write_vectored(&bufs)), ErrorKind::BrokenPipe);

    let (a, _b) = UnixStream::pair().unwrap();
    a.shutdown(Shutdown::Write).unwrap();
    assert_eq!(kind((&a).write(b"lost")), ErrorKind::BrokenPipe);
    assert_eq!(kind((&a).write_vectored(&bufs)), ErrorKind::BrokenPipe);
    let mut io = EventedIo::from(OwnedFd::from(a));
    assert_eq!(kind(io.write_vectored(&bufs)), ErrorKind::BrokenPipe);

    // Linux raises no signal for datagrams; others might.
    let folder = Folder::new();
    let path = folder.join("socket");
    let receiver = UnixDatagram::bind(&path).unwrap();
    receiver.shutdown(Shutdown::Read).unwrap();
    let a = UnixDatagram::unbound().unwrap();
    assert_eq!(kind(a.send_to(b"lost", &path)), ErrorKind::BrokenPipe);
    let address = receiver.local_addr().unwrap();
    assert_eq!(kind(a.send_to_addr(b"lost", &address)), ErrorKind::BrokenPipe);
    a.connect(&path).unwrap();
    assert_eq!(kind(a.send(b"lost")), ErrorKind::BrokenPipe);
}

/// Behaviour 33: sockets stay valid in a forked child, as pre-forking servers need it.
#[test]
fn a_listener_works_on_in_a_forked_child() {
    passes_alone("alone_accept_in_a_forked_child", &[]);
}

#[test]
#[ignore = "run by a_listener_works_on_in_a_forked_child"]
fn alone_accept_in_a_forked_child() {
    let listener = UnixListener::bind_addr(&abstract_name(b"fork")).unwrap();
    let mut client = UnixStream::connect_addr(&listener.local_addr().unwrap()).unwrap();
    let inherited = AssertUnwindSafe(&listener);
    passes_forked(move || {
        let (mut stream, _) = inherited.accept().unwrap();
        stream.write_all(b"child").unwrap();
    });
    client.read_exact(&mut [0; 5]).unwrap();
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
}

#[test]
fn a_registered_socket_is_a_handle_like_any() {
    // Each type by the trait: register, reregister, deregister, and again.
    let mut poller = Poller::new().unwrap();
    let (mut stream, _peer) = UnixStream::pair().unwrap();
    let mut datagram = UnixDatagram::unbound().unwrap();
    let mut listener = UnixListener::bind_addr(&abstract_name(b"life")).unwrap();
    let handles: [&mut dyn Evented; 3] = [&mut stream, &mut datagram, &mut listener];
    for handle in handles {
        let (id, read, edge) = (EventedId(0), Interests::READABLE, PollOption::Edge);
        handle.register(&mut poller, id, read, edge).unwrap();
        let twice = handle.register(&mut poller, id, read, edge);
        assert_eq!(kind(twice), ErrorKind::AlreadyExists);
        handle.reregister(&mut poller, id, read, PollOption::Oneshot).unwrap();
        handle.deregister(&mut poller).unwrap();
        assert_eq!(kind(handle.deregister(&mut poller)), ErrorKind::NotFound);
        let again = handle.reregister(&mut poller, id, read, edge);
        assert_eq!(kind(again), ErrorKind::NotFound);
    }
}

/// Two ends: whether any copy of the second is left, the first tells.
fn ends() -> (std_net::UnixStream, std_net::UnixStream) {
    std_net::UnixStream::pair().unwrap()
}

fn no_fds<const N: usize>() -> [Option<OwnedFd>; N] {
    [const { None }; N]
}

/// Behaviour 39.
#[test]
fn descriptors_are_passed_with_bytes_and_with_datagrams() {
    let _alone = no_child_starts();
    let (a, b) = UnixStream::pair().unwrap();
    let (c, d) = UnixDatagram::pair().unwrap();
    type Send<'a> = Box<dyn Fn(&[u8], &[BorrowedFd<'_>]) -> io::Result<usize> + 'a>;
    type Recv<'a> = Box<dyn Fn(&mut [u8], &mut [Option<OwnedFd>]) -> io::Result<UnixMessage> + 'a>;
    let both: [(Send, Recv); 2] = [
        (
            Box::new(|buf, fds| a.send_message(buf, fds, None)),
            Box::new(|buf, fds| b.recv_message(buf, fds)),
        ),
        (
            Box::new(|buf, fds| c.send_message(buf, fds, None)),
            Box::new(|buf, fds| d.recv_message(buf, fds)),
        ),
    ];
    for (send, recv) in both {
        let mut buf = [0; 16];
        let mut fds = no_fds::<4>();
        assert_eq!(kind(recv(&mut buf, &mut fds)), ErrorKind::WouldBlock);
        let (mut reader, writer) = ends();
        let (mut other_reader, other_writer) = ends();
        assert_eq!(send(b"two", &[writer.as_fd(), other_writer.as_fd()]).unwrap(), 3);
        drop((writer, other_writer));
        let message = recv(&mut buf, &mut fds).unwrap();
        assert_eq!((message.len, message.fds), (3, 2));
        assert_eq!(
            (message.truncated, message.control_truncated, message.cred),
            Default::default()
        );
        assert!(fds[..2].iter().all(Option::is_some) && fds[2..].iter().all(Option::is_none));
        for (n, fd) in fds.iter_mut().flatten().enumerate() {
            // SAFETY: no pointer is passed.
            assert_eq!(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFD) }, libc::FD_CLOEXEC);
            fs::File::from(fd.try_clone().unwrap()).write_all(&[n as u8]).unwrap();
        }
        fds = no_fds();
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        other_reader.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, [0, 1]);

        // With as many as there may be, and one more.
        let many = [reader.as_fd(); 254];
        assert_eq!(kind(send(b"x", &many)), ErrorKind::InvalidInput);
        // musl's sendmsg takes 1,024 bytes of control messages.
        let most = if cfg!(target_env = "musl") { 252 } else { 253 };
        send(b"x", &many[..most]).unwrap();
        let mut received = [const { None }; 253];
        assert_eq!(recv(&mut buf, &mut received).unwrap().fds, most);
        // And without any.
        send(b"y", &[]).unwrap();
        assert_eq!(recv(&mut buf, &mut fds).unwrap().fds, 0);
    }
}

/// Behaviour 39.
#[test]
fn a_descriptor_for_which_there_is_no_room_is_closed_and_told() {
    let _alone = no_child_starts();
    let (a, b) = UnixStream::pair().unwrap();
    let (c, d) = UnixDatagram::pair().unwrap();
    for passed in 1..6 {
        for room in 0..passed {
            for datagram in [false, true] {
                let (mut reader, writer) = ends();
                let fds = [writer.as_fd(); 5];
                let fds = &fds[..passed];
                let mut received = no_fds::<5>();
                let mut buf = [0; 4];
                let message = if datagram {
                    c.send_message(b"12345", fds, None).unwrap();
                    d.recv_message(&mut buf, &mut received[..room]).unwrap()
                } else {
                    a.send_message(b"1234", fds, None).unwrap();
                    b.recv_message(&mut buf, &mut received[..room]).unwrap()
                };
                assert_eq!((message.len, message.fds), (4, room));
                assert_eq!((message.truncated, message.control_truncated), (datagram, true));
                assert!(received[..room].iter().all(Option::is_some));
                drop((received, writer));
                // No copy is left.
                assert_eq!(reader.read(&mut buf).unwrap(), 0, "{room} of {passed}");
            }
        }
    }
}

/// Behaviour 39.
#[test]
fn descriptors_go_with_a_byte_and_a_plain_read_closes_them() {
    let _alone = no_child_starts();
    let (a, mut b) = UnixStream::pair().unwrap();
    let (mut reader, writer) = ends();
    let mut buf = [0; 4];
    let mut fds = no_fds::<1>();
    assert_eq!(kind(a.send_message(b"", &[writer.as_fd()], None)), ErrorKind::InvalidInput);
    assert_eq!(kind(a.send_message(b"", &[], Some(UCred::current()))), ErrorKind::InvalidInput);
    a.send_message(b"x", &[writer.as_fd()], None).unwrap();
    drop(writer);
    assert_eq!(b.read(&mut buf).unwrap(), 1);
    assert_eq!(reader.read(&mut buf).unwrap(), 0);

    // What is sent before goes with them, and what is sent after does not.
    let (mut e, f) = UnixStream::pair().unwrap();
    e.write_all(b"be").unwrap();
    e.send_message(b"f", &[reader.as_fd()], None).unwrap();
    e.send_message(b"g", &[reader.as_fd()], None).unwrap();
    e.write_all(b"h").unwrap();
    let mut two = no_fds::<2>();
    for expected in [(3, 1), (1, 1), (1, 0)] {
        let message = f.recv_message(&mut buf, &mut two).unwrap();
        assert_eq!((message.len, message.fds), expected);
    }

    // A datagram may be empty.
    let (c, d) = UnixDatagram::pair().unwrap();
    c.send_message(b"", &[reader.as_fd()], None).unwrap();
    let message = d.recv_message(&mut buf, &mut fds).unwrap();
    assert_eq!((message.len, message.fds), (0, 1));
    // One is overwritten, and the end of a stream has none.
    drop(a);
    let end = b.recv_message(&mut buf, &mut fds).unwrap();
    assert_eq!((end, fds[0].is_some()), (UnixMessage::default(), true));
}

/// Behaviour 39.
#[test]
fn credentials_come_with_a_message_where_they_are_asked_for() {
    let own = UCred::current();
    assert_eq!(own.pid, Some(std::process::id() as i32));
    let (mut a, b) = UnixStream::pair().unwrap();
    let (c, d) = UnixDatagram::pair().unwrap();
    let mut buf = [0; 4];
    a.write_all(b"x").unwrap();
    assert_eq!(b.recv_message(&mut buf, &mut []).unwrap().cred, None);
    // What was sent before.
    a.write_all(b"x").unwrap();
    b.set_recv_cred(true).unwrap();
    d.set_recv_cred(true).unwrap();
    let unknown = b.recv_message(&mut buf, &mut []).unwrap().cred.unwrap();
    assert_eq!((unknown.pid, unknown.uid), (None, 65_534));

    a.write_all(b"x").unwrap();
    assert_eq!(b.recv_message(&mut buf, &mut []).unwrap().cred, Some(own));
    let mut fds = no_fds::<3>();
    for cred in [None, Some(own)] {
        c.send_message(b"x", &[a.as_fd(); 2], cred).unwrap();
        let message = d.recv_message(&mut buf, &mut fds).unwrap();
        assert_eq!((message.cred, message.fds, message.control_truncated), (Some(own), 2, false));
        // Also where nobody has room for descriptors.
        a.send_message(b"x", &[d.as_fd(); 3], cred).unwrap();
        let message = b.recv_message(&mut buf, &mut []).unwrap();
        assert_eq!((message.cred, message.fds, message.control_truncated), (Some(own), 0, true));
    }
    assert!(c.local_addr().unwrap().is_unnamed());
    d.send_message(b"x", &[], None).unwrap();
    assert!(d.local_addr().unwrap().as_abstract_name().is_some());
    b.set_recv_cred(false).unwrap();
    a.write_all(b"x").unwrap();
    assert_eq!(b.recv_message(&mut buf, &mut []).unwrap().cred, None);
}

/// Behaviour 39.
#[test]
fn a_message_to_a_socket_that_is_not_connected_says_who_sent_it() {
    let _alone = no_child_starts();
    let folder = Folder::new();
    let (path, client_path) = (folder.join("server"), folder.join("client"));
    let server = UnixDatagram::bind(&path).unwrap();
    let (mut buf, mut fds) = ([0; 8], no_fds::<2>());
    assert_eq!(kind(server.recv_message_from(&mut buf, &mut fds)), ErrorKind::WouldBlock);
    let own = UCred::current();
    server.set_recv_cred(true).unwrap();

    // By a path, by an abstract name, by none.
    let clients = [
        UnixDatagram::bind(&client_path).unwrap(),
        UnixDatagram::bind_addr(&abstract_name(b"\0 \xff")).unwrap(),
    ];
    for client in &clients {
        let (mut reader, writer) = ends();
        let cred = Some(own);
        client.send_message_to(b"take", &[writer.as_fd()], cred, &path).unwrap();
        drop(writer);
        let (message, from) = server.recv_message_from(&mut buf, &mut fds).unwrap();
        assert_eq!((message.len, message.fds, message.cred), (4, 1, Some(own)));
        let local = client.local_addr().unwrap();
        let expected = (local.as_pathname(), local.as_abstract_name());
        assert_eq!((from.as_pathname(), from.as_abstract_name()), expected);
        // It goes back to whom it came from.
        let fd = fds[0].take().unwrap();
        assert_eq!(server.send_message_to_addr(b"back", &[fd.as_fd()], None, &from).unwrap(), 4);
        drop(fd);
        assert_eq!(client.recv_message(&mut buf, &mut fds).unwrap().fds, 1);
        fs::File::from(fds[0].take().unwrap()).write_all(b"x").unwrap();
        assert_eq!(reader.read(&mut buf).unwrap(), 1);
        assert_eq!(reader.read(&mut buf).unwrap(), 0);
    }
    server.set_recv_cred(false).unwrap();
    let nobody = UnixDatagram::unbound().unwrap();
    nobody.send_message_to(b"", &[], None, &path).unwrap();
    let (message, from) = server.recv_message_from(&mut buf, &mut fds).unwrap();
    assert_eq!((message, from.is_unnamed()), (UnixMessage::default(), true));

    // The errors are those of sending, and of a message.
    let missing = folder.join("missing");
    assert_eq!(kind(nobody.send_message_to(b"x", &[], None, &missing)), ErrorKind::NotFound);
    assert_eq!(kind(nobody.send_message_to(b"x", &[], None, "")), ErrorKind::InvalidInput);
    let unnamed = SocketAddr::from_pathname("").unwrap();
    assert_eq!(
        kind(nobody.send_message_to_addr(b"x", &[], None, &unnamed)),
        ErrorKind::InvalidInput
    );
    let many = [server.as_fd(); 254];
    assert_eq!(kind(nobody.send_message_to(b"x", &many, None, &path)), ErrorKind::InvalidInput);
    assert_eq!(kind(server.recv_message_from(&mut buf, &mut fds)), ErrorKind::WouldBlock);
}

/// Behaviour 39: std has no name for it.
#[test]
fn a_message_from_the_longest_of_paths_has_no_sender() {
    let folder = Folder::new();
    let path = folder.join("server");
    let server = UnixDatagram::bind(&path).unwrap();
    let longest = path_of(&folder, SUN_PATH);
    let client = RawSocket::new(libc::SOCK_DGRAM);
    client.bind(&longest);
    client.connect(&path);
    let mut buf = [0; 4];
    for _ in 0..2 {
        // SAFETY: the pointer and the length are those of an array.
        assert_eq!(unsafe { libc::send(client.0.as_raw_fd(), b"x".as_ptr().cast(), 1, 0) }, 1);
    }
    assert!(server.recv_message_from(&mut buf, &mut []).unwrap().1.is_unnamed());
    let (_, from) = server.recv_from(&mut buf).unwrap();
    assert_eq!(from.as_pathname(), Some(&*longest));
}

/// Behaviour 39.
#[test]
fn the_credentials_of_others_are_for_the_privileged() {
    passes_alone("alone_send_the_credentials_of_others", &[]);
}

#[test]
#[ignore = "run by the_credentials_of_others_are_for_the_privileged"]
fn alone_send_the_credentials_of_others() {
    passes_forked(|| {
        // SAFETY: numbers are all that it takes. Where it fails there was no privilege before.
        let _ = unsafe { libc::setuid(65_534) };
        let (a, _b) = UnixStream::pair().unwrap();
        let mut cred = UCred::current();
        a.send_message(b"x", &[], Some(cred)).unwrap();
        cred.uid += 1;
        assert_eq!(kind(a.send_message(b"x", &[], Some(cred))), ErrorKind::PermissionDenied);
    });
}

/// A process that a descriptor stands for, which nobody asked the library for.
#[cfg(target_os = "linux")]
#[test]
fn a_descriptor_of_the_sender_that_comes_unasked_is_closed() {
    let _alone = no_child_starts();
    let (mut a, b) = UnixStream::pair().unwrap();
    let on = 1_i32;
    // SAFETY: the pointer and the length are those of an integer. It is `SO_PASSPIDFD`.
    let set =
        unsafe { libc::setsockopt(b.as_raw_fd(), libc::SOL_SOCKET, 76, (&raw const on).cast(), 4) };
    if set < 0 {
        assert_eq!(errno(Err::<(), _>(io::Error::last_os_error())), Some(libc::ENOPROTOOPT));
        return;
    }
    let pidfds = || {
        let fds = fs::read_dir("/proc/self/fd").unwrap();
        let links = fds.filter_map(|fd| fs::read_link(fd.unwrap().path()).ok());
        links.filter(|link| link.to_string_lossy().contains("pidfd")).count()
    };
    let before = pidfds();
    a.write_all(b"x").unwrap();
    let message = b.recv_message(&mut [0; 4], &mut no_fds::<3>()).unwrap();
    assert_eq!((message.fds, pidfds()), (0, before));
}
