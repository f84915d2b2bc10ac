//! Which types may leave their thread. A wrong one is an error when this file is compiled.

mod unix_support;

use mio_st::event::{Event, EventedId, Events, Ready};
use mio_st::net::{
    ConnectedUdpSocket, Keepalive, TcpListener, TcpListenerBuilder, TcpStream, TcpStreamBuilder,
    UdpSocket, UdpSocketBuilder,
};
use mio_st::poll::{Awakener, DeadlineKey, Interests, PollOption, Poller};
use mio_st::unix::{
    EventedFd, EventedIo, Process, Receiver, Sender, Signals, UnixDatagram, UnixListener,
    UnixStream,
};

#[allow(unused_imports)] // The trait answers for those types only that are not.
use unix_support::{No, Sends, Syncs};

macro_rules! assert_stays {
    ($($type:ty),* $(,)?) => {
        $(const { assert!(!Sends::<$type>::YES && !Syncs::<$type>::YES, stringify!($type)) };)*
    };
}

macro_rules! assert_may_leave {
    ($($type:ty),* $(,)?) => {
        $(const { assert!(Sends::<$type>::YES && Syncs::<$type>::YES, stringify!($type)) };)*
    };
}

// Behaviour 34
#[test]
fn what_owns_or_borrows_a_poller_or_a_descriptor_is_neither_send_nor_sync() {
    assert_stays!(Poller, TcpStream, TcpListener, UdpSocket, ConnectedUdpSocket);
    assert_stays!(EventedFd<'static>, EventedIo, Sender, Receiver, Signals, Process);
    assert_stays!(UnixStream, UnixListener, UnixDatagram);
    // Not behind a reference either.
    assert_stays!(&'static Poller, &'static mut Poller, &'static TcpStream, Vec<TcpListener>);
}

// Behaviour 34
#[test]
fn an_awakener_and_plain_values_are_send_and_sync() {
    assert_may_leave!(
        Awakener,
        EventedId,
        Event,
        Events,
        Ready,
        Interests,
        PollOption,
        DeadlineKey
    );
    assert_may_leave!(TcpListenerBuilder, TcpStreamBuilder, UdpSocketBuilder, Keepalive);
}

// Behaviour 34
#[test]
fn a_connection_moves_to_another_thread_as_a_descriptor() {
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;

    let (mut ours, peer) = UnixStream::pair().unwrap();
    let peer = OwnedFd::from(peer);
    std::thread::spawn(move || UnixStream::from(peer).write_all(b"hello").unwrap()).join().unwrap();
    let mut data = [0; 5];
    ours.read_exact(&mut data).unwrap();
    assert_eq!(&data, b"hello");
}
