//! mio 1.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::{CAPACITY, Contender, Trigger, Wake};

pub struct Mio;

impl Contender for Mio {
    type Poller = Poll;
    type Events = Events;
    type Listener = TcpListener;
    type Stream = TcpStream;

    fn new() -> (Poll, Events) {
        (Poll::new().unwrap(), Events::with_capacity(CAPACITY))
    }

    #[inline]
    fn add(poll: &mut Poll, fd: RawFd, id: usize, trigger: Trigger) -> bool {
        if trigger != Trigger::Edge {
            return false;
        }
        poll.registry().register(&mut SourceFd(&fd), Token(id), Interest::READABLE).unwrap();
        true
    }

    #[inline]
    fn modify(poll: &mut Poll, fd: RawFd, id: usize, _: Trigger) {
        poll.registry().reregister(&mut SourceFd(&fd), Token(id), Interest::READABLE).unwrap();
    }

    #[inline]
    fn remove(poll: &mut Poll, fd: RawFd) {
        poll.registry().deregister(&mut SourceFd(&fd)).unwrap();
    }

    #[inline]
    fn poll(
        poll: &mut Poll,
        events: &mut Events,
        wait: bool,
        mut handler: impl FnMut(&mut Poll, usize, bool),
    ) {
        let timeout = if wait { None } else { Some(Duration::ZERO) };
        while let Err(error) = poll.poll(events, timeout) {
            assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        }
        for event in events.iter() {
            handler(poll, event.token().0, event.is_read_closed());
        }
    }

    fn listen(address: SocketAddr) -> TcpListener {
        TcpListener::bind(address).unwrap()
    }

    fn address(listener: &TcpListener) -> SocketAddr {
        listener.local_addr().unwrap()
    }

    fn add_listener(poll: &mut Poll, listener: &mut TcpListener, id: usize) {
        poll.registry().register(listener, Token(id), Interest::READABLE).unwrap();
    }

    #[inline]
    fn add_stream(poll: &mut Poll, stream: &mut TcpStream, id: usize) {
        poll.registry().register(stream, Token(id), Interest::READABLE).unwrap();
    }

    #[inline]
    fn accept(listener: &mut TcpListener) -> io::Result<TcpStream> {
        Ok(listener.accept()?.0)
    }

    #[inline]
    fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer)
    }

    #[inline]
    fn write(stream: &mut TcpStream, buffer: &[u8]) -> io::Result<usize> {
        stream.write(buffer)
    }

    #[inline]
    fn close(_: &mut Poll, stream: TcpStream) {
        // With epoll, closing deregisters.
        drop(stream);
    }
}

impl Wake for Mio {
    type Poller = Poll;
    type Events = Events;
    type Waker = Waker;

    fn new() -> (Poll, Waker) {
        let poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), Token(0)).unwrap();
        (poll, waker)
    }

    fn events() -> Events {
        Events::with_capacity(CAPACITY)
    }

    #[inline]
    fn wake(waker: &Waker) {
        waker.wake().unwrap();
    }

    #[inline]
    fn poll(poll: &mut Poll, events: &mut Events) -> usize {
        poll.poll(events, None).unwrap();
        events.iter().count()
    }
}
