//! Any descriptor, borrowed or owned; and what holds for every handle of `mio_st::unix`.

mod unix_support;

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use mio_st::event::Ready;
use mio_st::poll::Interests;
use mio_st::unix::{self, EventedFd, EventedIo};
use mio_st::{EventedId, Events, PollOption, Poller};

use unix_support::*;

fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let a = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (b, _) = listener.accept().unwrap();
    a.set_nonblocking(true).unwrap();
    (a, b)
}

#[test]
fn a_borrowed_descriptor_is_registered_reregistered_and_deregistered() {
    let (a, mut b) = connected();
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    // Each call has a handle of its own: the registration belongs to the descriptor.
    let (edge, level) = (PollOption::Edge, PollOption::Level);
    poller.register(&mut EventedFd::new(&a), EventedId(1), Interests::READABLE, edge).unwrap();
    let again = poller.register(&mut EventedFd::new(&a), EventedId(1), Interests::READABLE, edge);
    assert_eq!(kind(again), io::ErrorKind::AlreadyExists);
    poller.reregister(&mut EventedFd::new(&a), EventedId(2), Interests::READABLE, level).unwrap();

    b.write_all(b"x").unwrap();
    poller.poll(&mut events, Some(LONG)).unwrap();
    let event = (&mut events).next().unwrap();
    assert_eq!((event.id(), event.readiness()), (EventedId(2), Ready::READABLE));

    poller.deregister(&mut EventedFd::new(&a)).unwrap();
    assert_eq!(kind(poller.deregister(&mut EventedFd::new(&a))), io::ErrorKind::NotFound);
    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    assert!(events.is_empty());
}

// Behaviour 35
#[test]
fn any_descriptor_is_made_non_blocking_for_all_who_have_it() {
    let (reader, _writer) = io::pipe().unwrap();
    let other = reader.try_clone().unwrap();
    let mut byte = [0];
    for nonblocking in [true, false, true] {
        EventedFd::new(&reader).set_nonblocking(nonblocking).unwrap();
        assert_eq!(is_nonblocking(&other), nonblocking);
    }
    assert_eq!(kind((&other).read(&mut byte)), io::ErrorKind::WouldBlock);
    let owned = EventedIo::from(OwnedFd::from(reader));
    owned.set_nonblocking(false).unwrap();
    assert!(!is_nonblocking(&other));
    owned.set_nonblocking(true).unwrap();
    assert_eq!(kind((&owned).read(&mut byte)), io::ErrorKind::WouldBlock);
}

#[test]
fn whatever_can_be_borrowed_makes_a_handle_and_stays_open() {
    let (a, _b) = connected();
    let raw = a.as_raw_fd();
    let borrowed = a.as_fd();
    let dynamic: &dyn AsFd = &a;
    // SAFETY: `a` is open until the end of the test.
    let of_a_number = unsafe { BorrowedFd::borrow_raw(raw) };
    for evented in [
        EventedFd::new(&a),
        EventedFd::new(&borrowed),
        EventedFd::new(dynamic),
        EventedFd::from(of_a_number),
    ] {
        assert_eq!((evented.as_raw_fd(), evented.as_fd().as_raw_fd()), (raw, raw));
    }
    assert!(a.peer_addr().is_ok());
}

/// Behaviour 2.
#[test]
fn a_regular_file_is_eperm() {
    let folder = Folder::new();
    let file = File::create(folder.join("file")).unwrap();
    let mut poller = Poller::new().unwrap();
    let result = poller.register(
        &mut EventedFd::new(&file),
        EventedId(0),
        Interests::READABLE,
        PollOption::Level,
    );
    assert_eq!(errno(result), Some(libc::EPERM));
    let mut io = EventedIo::from(OwnedFd::from(file));
    let result = poller.register(&mut io, EventedId(0), Interests::WRITABLE, PollOption::Edge);
    assert_eq!(errno(result), Some(libc::EPERM));
}

#[test]
fn an_owned_descriptor_is_read_and_written_and_closed() {
    let _alone = no_child_starts();
    let (a, mut b) = connected();
    let mut io = EventedIo::from(OwnedFd::from(a));
    assert_eq!(kind(io.read(&mut [0; 4])), io::ErrorKind::WouldBlock);
    assert_eq!(io.write(b"he").unwrap(), 2);
    let sent = (&io).write_vectored(&[IoSlice::new(b"l"), IoSlice::new(b"lo")]).unwrap();
    assert_eq!(sent, 3);
    io.flush().unwrap();
    let mut buf = [0; 5];
    b.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"hello");

    b.write_all(b"world").unwrap();
    assert_eq!(readiness(&mut io, Interests::READABLE, LONG), Some(Ready::READABLE));
    let (mut first, mut rest) = ([0; 1], [0; 8]);
    let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut rest)];
    assert_eq!((&io).read_vectored(&mut bufs).unwrap(), 5);
    assert_eq!((&first, &rest[..4]), (b"w", &b"orld"[..]));

    let raw = io.into_raw_fd();
    // SAFETY: `into_raw_fd` has just given it away.
    drop(unsafe { EventedIo::from_raw_fd(raw) });
    assert_eq!(b.read(&mut buf).unwrap(), 0, "it is closed");
}

#[test]
fn what_is_no_socket_is_written_too() {
    // A pipe: the first write finds out, the later ones know.
    let (sender, mut receiver) = unix::new_pipe().unwrap();
    let mut io = EventedIo::from(OwnedFd::from(sender));
    assert_eq!(io.write(b"one ").unwrap(), 4);
    assert_eq!(io.write(b"two ").unwrap(), 4);
    assert_eq!(io.write_vectored(&[IoSlice::new(b"th"), IoSlice::new(b"ree")]).unwrap(), 5);
    let mut buf = [0; 32];
    assert_eq!(receiver.read(&mut buf).unwrap(), 13);
    assert_eq!(&buf[..13], b"one two three");
    assert_eq!(kind(io.read(&mut buf)), kind_of(libc::EBADF), "an end for writing only");

    // The first write may be a vectored one.
    let (sender, mut receiver) = unix::new_pipe().unwrap();
    let io = EventedIo::from(OwnedFd::from(sender));
    assert_eq!((&io).write_vectored(&[IoSlice::new(b"on"), IoSlice::new(b"ly")]).unwrap(), 4);
    assert_eq!(receiver.read(&mut buf).unwrap(), 4);
}

fn kind_of(errno: i32) -> io::ErrorKind {
    io::Error::from_raw_os_error(errno).kind()
}

/// Behaviour 28.
#[test]
fn a_socket_in_evented_io_never_raises_sigpipe() {
    passes_alone("alone_write_to_sockets_without_a_peer", &[]);
}

#[test]
#[ignore = "run by a_socket_in_evented_io_never_raises_sigpipe"]
fn alone_write_to_sockets_without_a_peer() {
    let_sigpipe_kill();
    let broken = |fd: OwnedFd| {
        for _ in 0..3 {
            // The first TCP write is answered by a reset, after which the next is EPIPE.
            let _ = EventedIo::from(fd.try_clone().unwrap()).write(b"lost");
            let _ =
                EventedIo::from(fd.try_clone().unwrap()).write_vectored(&[IoSlice::new(b"lost")]);
        }
        let mut io = EventedIo::from(fd);
        assert_eq!(kind(io.write(b"lost")), io::ErrorKind::BrokenPipe);
        assert_eq!(kind(io.write(b"lost")), io::ErrorKind::BrokenPipe);
        let bufs = [IoSlice::new(b"lo"), IoSlice::new(b"st")];
        assert_eq!(kind(io.write_vectored(&bufs)), io::ErrorKind::BrokenPipe);
    };
    let (a, b) = UnixStream::pair().unwrap();
    drop(b);
    broken(a.into());

    let (a, _b) = connected();
    a.shutdown(std::net::Shutdown::Write).unwrap();
    broken(a.into());

    let (a, _b) = UnixDatagram::pair().unwrap();
    a.shutdown(std::net::Shutdown::Write).unwrap();
    broken(a.into());
}

/// Behaviour 34.
#[test]
fn no_handle_leaves_its_thread() {
    macro_rules! stay {
        ($($type:ty),*) => {
            $(
                assert!(!Sends::<$type>::YES, "{} is Send", stringify!($type));
                assert!(!Syncs::<$type>::YES, "{} is Sync", stringify!($type));
            )*
        };
    }
    stay!(EventedFd<'static>, EventedIo, unix::Sender, unix::Receiver);
    stay!(unix::UnixStream, unix::UnixListener, unix::UnixDatagram, unix::Signals, unix::Process);
    // The question is a good one: plain values may leave.
    assert_eq!([Sends::<unix::Signal>::YES, Syncs::<unix::Signal>::YES], [true; 2]);
    assert_eq!([Sends::<unix::UCred>::YES, Syncs::<unix::UCred>::YES], [true; 2]);
}

#[test]
fn handles_have_a_short_debug_form() {
    let (a, _b) = unix::UnixStream::pair().unwrap();
    let raw = a.as_raw_fd();
    assert_eq!(format!("{a:?}"), format!("UnixStream {{ fd: {raw} }}"));
}
