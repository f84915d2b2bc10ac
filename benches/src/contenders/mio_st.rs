//! This library.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, RawFd};
use std::time::Duration;

use mio_st::event::{EventedId, Events, Ready};
use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{Awakener, Checks, Interests, PollOption, Poller};
use mio_st::unix::EventedFd;

use crate::{CAPACITY, Contender, Notify, Trigger, Wake};

/// As it is, or with one of these.
pub struct MioSt<const WITH: u8 = 0>;

pub const CHECKS: u8 = 1;
pub const STATS: u8 = 2;

#[inline]
fn borrow<'a>(fd: RawFd) -> EventedFd<'a> {
    EventedFd::from(unsafe { BorrowedFd::borrow_raw(fd) })
}

#[inline]
fn option(trigger: Trigger) -> PollOption {
    if trigger == Trigger::Edge { PollOption::Edge } else { PollOption::Level }
}

impl<const WITH: u8> Contender for MioSt<WITH> {
    type Poller = Poller;
    type Events = Events;
    type Listener = TcpListener;
    type Stream = TcpStream;

    fn new() -> (Poller, Events) {
        let mut poller = Poller::new().unwrap();
        match WITH {
            CHECKS => poller.set_checks(Checks::ALL).unwrap(),
            STATS => poller.set_stats(true).unwrap(),
            _ => {}
        }
        (poller, Events::with_capacity(CAPACITY))
    }

    fn spin(poller: &mut Poller, spin: Duration) -> bool {
        poller.set_spin(spin);
        true
    }

    #[inline]
    fn add(poller: &mut Poller, fd: RawFd, id: usize, trigger: Trigger) -> bool {
        let (id, option) = (EventedId(id), option(trigger));
        poller.register(&mut borrow(fd), id, Interests::READABLE, option).unwrap();
        true
    }

    #[inline]
    fn modify(poller: &mut Poller, fd: RawFd, id: usize, trigger: Trigger) {
        let (id, option) = (EventedId(id), option(trigger));
        poller.reregister(&mut borrow(fd), id, Interests::READABLE, option).unwrap();
    }

    #[inline]
    fn remove(poller: &mut Poller, fd: RawFd) {
        poller.deregister(&mut borrow(fd)).unwrap();
    }

    #[inline]
    fn poll(
        poller: &mut Poller,
        events: &mut Events,
        wait: bool,
        mut handler: impl FnMut(&mut Poller, usize, bool),
    ) {
        poller.poll(events, if wait { None } else { Some(Duration::ZERO) }).unwrap();
        for event in events {
            let closed = event.readiness().contains(Ready::READ_CLOSED);
            handler(poller, event.id().0, closed);
        }
    }

    fn listen(address: SocketAddr) -> TcpListener {
        TcpListener::bind(address).unwrap()
    }

    fn address(listener: &TcpListener) -> SocketAddr {
        listener.local_addr().unwrap()
    }

    fn add_listener(poller: &mut Poller, listener: &mut TcpListener, id: usize) {
        poller.register(listener, EventedId(id), TcpListener::INTERESTS, PollOption::Edge).unwrap();
    }

    #[inline]
    fn add_stream(poller: &mut Poller, stream: &mut TcpStream, id: usize) {
        poller.register(stream, EventedId(id), Interests::READABLE, PollOption::Edge).unwrap();
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
    fn close(_: &mut Poller, stream: TcpStream) {
        drop(stream);
    }
}

impl Notify for MioSt {
    type Poller = Poller;
    type Events = Events;

    fn new() -> (Poller, Events) {
        <MioSt<0> as Contender>::new()
    }

    #[inline]
    fn notify(poller: &mut Poller, id: usize) {
        poller.notify(EventedId(id), Ready::READABLE);
    }

    #[inline]
    fn poll(
        poller: &mut Poller,
        events: &mut Events,
        system: bool,
        mut handler: impl FnMut(usize),
    ) {
        if system {
            poller.poll(events, Some(Duration::ZERO)).unwrap();
        } else {
            poller.poll_userspace(events);
        }
        for event in events {
            handler(event.id().0);
        }
    }
}

impl Wake for MioSt {
    type Poller = Poller;
    type Events = Events;
    type Waker = Awakener;

    fn new() -> (Poller, Awakener) {
        let mut poller = Poller::new().unwrap();
        let awakener = Awakener::new(&mut poller, EventedId(0)).unwrap();
        (poller, awakener)
    }

    fn events() -> Events {
        Events::with_capacity(CAPACITY)
    }

    fn spin(poller: &mut Poller, spin: Duration) -> bool {
        poller.set_spin(spin);
        true
    }

    #[inline]
    fn wake(awakener: &Awakener) {
        awakener.wake().unwrap();
    }

    #[inline]
    fn poll(poller: &mut Poller, events: &mut Events) -> usize {
        poller.poll(events, None).unwrap();
        events.count()
    }
}
