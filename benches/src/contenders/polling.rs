//! polling 3.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use polling::{Event, Events, PollMode, Poller};

use crate::{CAPACITY, Contender, Raw, Trigger, Wake};

pub struct Polling;

#[inline]
fn mode(trigger: Trigger) -> PollMode {
    if trigger == Trigger::Edge { PollMode::Edge } else { PollMode::Level }
}

impl Contender for Polling {
    type Poller = Poller;
    type Events = Events;
    type Listener = TcpListener;
    type Stream = TcpStream;

    fn new() -> (Poller, Events) {
        let capacity = NonZeroUsize::new(CAPACITY).unwrap();
        (Poller::new().unwrap(), Events::with_capacity(capacity))
    }

    #[inline]
    fn add(poller: &mut Poller, fd: RawFd, id: usize, trigger: Trigger) -> bool {
        unsafe { poller.add_with_mode(fd, Event::readable(id), mode(trigger)) }.unwrap();
        true
    }

    #[inline]
    fn modify(poller: &mut Poller, fd: RawFd, id: usize, trigger: Trigger) {
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        poller.modify_with_mode(fd, Event::readable(id), mode(trigger)).unwrap();
    }

    #[inline]
    fn remove(poller: &mut Poller, fd: RawFd) {
        poller.delete(unsafe { BorrowedFd::borrow_raw(fd) }).unwrap();
    }

    #[inline]
    fn poll(
        poller: &mut Poller,
        events: &mut Events,
        wait: bool,
        mut handler: impl FnMut(&mut Poller, usize, bool),
    ) {
        events.clear();
        poller.wait(events, if wait { None } else { Some(Duration::ZERO) }).unwrap();
        for event in events.iter() {
            // It does not tell of a half-closed peer.
            handler(poller, event.key, event.is_interrupt());
        }
    }

    fn listen(address: SocketAddr) -> TcpListener {
        Raw::listen(address)
    }

    fn address(listener: &TcpListener) -> SocketAddr {
        listener.local_addr().unwrap()
    }

    fn add_listener(poller: &mut Poller, listener: &mut TcpListener, id: usize) {
        unsafe { poller.add_with_mode(&*listener, Event::readable(id), PollMode::Edge) }.unwrap();
    }

    #[inline]
    fn add_stream(poller: &mut Poller, stream: &mut TcpStream, id: usize) {
        unsafe { poller.add_with_mode(&*stream, Event::readable(id), PollMode::Edge) }.unwrap();
    }

    #[inline]
    fn accept(listener: &mut TcpListener) -> io::Result<TcpStream> {
        // std has no `accept4` with SOCK_NONBLOCK, which the others use.
        Ok(Raw::accept(listener)?.into())
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
    fn close(poller: &mut Poller, stream: TcpStream) {
        // Closing without deleting is against the contract of `add`.
        poller.delete(&stream).unwrap();
    }
}

/// A notification ends the wait and gives no event.
impl Wake for Polling {
    type Poller = Arc<Poller>;
    type Events = Events;
    type Waker = Arc<Poller>;

    fn new() -> (Arc<Poller>, Arc<Poller>) {
        let poller = Arc::new(Poller::new().unwrap());
        (poller.clone(), poller)
    }

    fn events() -> Events {
        Events::with_capacity(NonZeroUsize::new(CAPACITY).unwrap())
    }

    #[inline]
    fn wake(waker: &Arc<Poller>) {
        waker.notify().unwrap();
    }

    #[inline]
    fn poll(poller: &mut Arc<Poller>, events: &mut Events) -> usize {
        events.clear();
        poller.wait(events, None).unwrap();
        1
    }
}
