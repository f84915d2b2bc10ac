//! mio-st 0.2.2, with raw sockets: its TCP fails on any Rust since 1.64, see `rust-api.md`.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use mio_st_022::event::{EventedId, Events, Ready};
use mio_st_022::poll::{Awakener, Interests, PollOption, Poller};
use mio_st_022::unix::EventedFd;

use crate::{Contender, Notify, Raw, Trigger, Wake};

pub struct MioSt022;

#[inline]
fn option(trigger: Trigger) -> PollOption {
    if trigger == Trigger::Edge { PollOption::Edge } else { PollOption::Level }
}

impl Contender for MioSt022 {
    type Poller = Poller;
    type Events = Events;
    type Listener = TcpListener;
    type Stream = OwnedFd;

    fn new() -> (Poller, Events) {
        (Poller::new().unwrap(), Events::new())
    }

    #[inline]
    fn add(poller: &mut Poller, fd: RawFd, id: usize, trigger: Trigger) -> bool {
        let (id, option) = (EventedId(id), option(trigger));
        poller.register(&mut EventedFd(&fd), id, Interests::READABLE, option).unwrap();
        true
    }

    #[inline]
    fn modify(poller: &mut Poller, fd: RawFd, id: usize, trigger: Trigger) {
        let (id, option) = (EventedId(id), option(trigger));
        poller.reregister(&mut EventedFd(&fd), id, Interests::READABLE, option).unwrap();
    }

    #[inline]
    fn remove(poller: &mut Poller, fd: RawFd) {
        poller.deregister(&mut EventedFd(&fd)).unwrap();
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
            // It reports a half-closed peer as HUP.
            handler(poller, event.id().0, event.readiness().is_hup());
        }
    }

    fn listen(address: SocketAddr) -> TcpListener {
        Raw::listen(address)
    }

    fn address(listener: &TcpListener) -> SocketAddr {
        Raw::address(listener)
    }

    fn add_listener(poller: &mut Poller, listener: &mut TcpListener, id: usize) {
        Self::add(poller, listener.as_raw_fd(), id, Trigger::Edge);
    }

    #[inline]
    fn add_stream(poller: &mut Poller, stream: &mut OwnedFd, id: usize) {
        Self::add(poller, stream.as_raw_fd(), id, Trigger::Edge);
    }

    #[inline]
    fn accept(listener: &mut TcpListener) -> io::Result<OwnedFd> {
        Raw::accept(listener)
    }

    #[inline]
    fn read(stream: &mut OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
        Raw::read(stream, buffer)
    }

    #[inline]
    fn write(stream: &mut OwnedFd, buffer: &[u8]) -> io::Result<usize> {
        Raw::write(stream, buffer)
    }

    #[inline]
    fn close(_: &mut Poller, stream: OwnedFd) {
        drop(stream);
    }
}

impl Notify for MioSt022 {
    type Poller = Poller;
    type Events = Events;

    fn new() -> (Poller, Events) {
        <MioSt022 as Contender>::new()
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

/// Its awakener is level-triggered, and must be drained.
impl Wake for MioSt022 {
    type Poller = (Poller, Awakener);
    type Events = Events;
    type Waker = Awakener;

    fn new() -> ((Poller, Awakener), Awakener) {
        let mut poller = Poller::new().unwrap();
        let awakener = Awakener::new(&mut poller, EventedId(0)).unwrap();
        let waker = awakener.try_clone().unwrap();
        ((poller, awakener), waker)
    }

    fn events() -> Events {
        Events::new()
    }

    #[inline]
    fn wake(awakener: &Awakener) {
        awakener.wake().unwrap();
    }

    #[inline]
    fn poll((poller, awakener): &mut (Poller, Awakener), events: &mut Events) -> usize {
        poller.poll(events, None).unwrap();
        awakener.drain().unwrap();
        events.count()
    }
}
