//! epoll by hand: the floor.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use crate::{CAPACITY, Contender, Notify, Trigger, Wake, check, result};

pub struct Raw;

type Events = [libc::epoll_event; CAPACITY];

const CLOSED: u32 = (libc::EPOLLRDHUP | libc::EPOLLHUP) as u32;

fn create() -> OwnedFd {
    let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) } as isize);
    unsafe { OwnedFd::from_raw_fd(fd as RawFd) }
}

#[inline]
fn control(epoll: &OwnedFd, operation: i32, fd: RawFd, events: u32, id: usize) {
    let mut event = libc::epoll_event { events, u64: id as u64 };
    let epoll = epoll.as_raw_fd();
    check(unsafe { libc::epoll_ctl(epoll, operation, fd, &mut event) } as isize);
}

#[inline]
fn flags(trigger: Trigger) -> u32 {
    let trigger = if trigger == Trigger::Edge { libc::EPOLLET } else { 0 };
    (libc::EPOLLIN | libc::EPOLLRDHUP | trigger) as u32
}

#[inline]
fn wait(epoll: &OwnedFd, events: &mut [libc::epoll_event], timeout: i32) -> usize {
    let room = events.len() as i32;
    loop {
        let epoll = epoll.as_raw_fd();
        let n = unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), room, timeout) };
        if n >= 0 {
            return n as usize;
        }
        assert_eq!(io::Error::last_os_error().kind(), io::ErrorKind::Interrupted);
    }
}

impl Contender for Raw {
    type Poller = OwnedFd;
    type Events = Events;
    type Listener = TcpListener;
    type Stream = OwnedFd;

    fn new() -> (OwnedFd, Events) {
        (create(), [libc::epoll_event { events: 0, u64: 0 }; CAPACITY])
    }

    #[inline]
    fn add(epoll: &mut OwnedFd, fd: RawFd, id: usize, trigger: Trigger) -> bool {
        control(epoll, libc::EPOLL_CTL_ADD, fd, flags(trigger), id);
        true
    }

    #[inline]
    fn modify(epoll: &mut OwnedFd, fd: RawFd, id: usize, trigger: Trigger) {
        control(epoll, libc::EPOLL_CTL_MOD, fd, flags(trigger), id);
    }

    #[inline]
    fn remove(epoll: &mut OwnedFd, fd: RawFd) {
        control(epoll, libc::EPOLL_CTL_DEL, fd, 0, 0);
    }

    #[inline]
    fn poll(
        epoll: &mut OwnedFd,
        events: &mut Events,
        wait_for_ever: bool,
        mut handler: impl FnMut(&mut OwnedFd, usize, bool),
    ) {
        let n = wait(epoll, events, if wait_for_ever { -1 } else { 0 });
        for event in &events[..n] {
            handler(epoll, event.u64 as usize, event.events & CLOSED != 0);
        }
    }

    fn listen(address: SocketAddr) -> TcpListener {
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        check(unsafe { libc::listen(listener.as_raw_fd(), libc::SOMAXCONN) } as isize);
        listener
    }

    fn address(listener: &TcpListener) -> SocketAddr {
        listener.local_addr().unwrap()
    }

    fn add_listener(epoll: &mut OwnedFd, listener: &mut TcpListener, id: usize) {
        Raw::add(epoll, listener.as_raw_fd(), id, Trigger::Edge);
    }

    #[inline]
    fn add_stream(epoll: &mut OwnedFd, stream: &mut OwnedFd, id: usize) {
        Raw::add(epoll, stream.as_raw_fd(), id, Trigger::Edge);
    }

    #[inline]
    fn accept(listener: &mut TcpListener) -> io::Result<OwnedFd> {
        let mut address: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
        let mut len = size_of_val(&address) as libc::socklen_t;
        let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        let pointer = (&raw mut address).cast();
        let fd = unsafe { libc::accept4(listener.as_raw_fd(), pointer, &mut len, flags) };
        result(fd as isize).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
    }

    #[inline]
    fn read(stream: &mut OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
        let fd = stream.as_raw_fd();
        result(unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), buffer.len(), 0) })
    }

    #[inline]
    fn write(stream: &mut OwnedFd, buffer: &[u8]) -> io::Result<usize> {
        let (pointer, len) = (buffer.as_ptr().cast(), buffer.len());
        result(unsafe { libc::send(stream.as_raw_fd(), pointer, len, libc::MSG_NOSIGNAL) })
    }

    #[inline]
    fn close(_: &mut OwnedFd, stream: OwnedFd) {
        drop(stream);
    }
}

/// The same with a queue of the program's own, whose events come behind the system's. It is emptied by
/// every poll, as long as there is room for all of it.
pub struct RawQueue;

#[derive(Copy, Clone)]
pub struct Event {
    id: usize,
    #[allow(dead_code)]
    readiness: u32,
}

pub struct QueuePoller {
    epoll: OwnedFd,
    from_system: Events,
    queue: Vec<Event>,
}

impl Notify for RawQueue {
    type Poller = QueuePoller;
    type Events = Vec<Event>;

    fn new() -> (QueuePoller, Vec<Event>) {
        let (epoll, from_system) = <Raw as Contender>::new();
        let events = Vec::with_capacity(CAPACITY);
        (QueuePoller { epoll, from_system, queue: Vec::new() }, events)
    }

    #[inline]
    fn notify(poller: &mut QueuePoller, id: usize) {
        poller.queue.push(Event { id, readiness: libc::EPOLLIN as u32 });
    }

    #[inline]
    fn poll(
        poller: &mut QueuePoller,
        events: &mut Vec<Event>,
        system: bool,
        mut handler: impl FnMut(usize),
    ) {
        events.clear();
        if system {
            let n = wait(&poller.epoll, &mut poller.from_system, 0);
            events.extend(
                poller.from_system[..n]
                    .iter()
                    .map(|event| Event { id: event.u64 as usize, readiness: event.events }),
            );
        }
        let taken = poller.queue.len().min(CAPACITY - events.len());
        events.extend_from_slice(&poller.queue[..taken]);
        if taken == poller.queue.len() {
            poller.queue.clear();
        } else {
            poller.queue.drain(..taken);
        }
        for event in &*events {
            handler(event.id);
        }
    }
}

/// An eventfd, edge-triggered, so that it need not be read: each write is an edge.
impl Wake for Raw {
    type Poller = OwnedFd;
    type Events = Events;
    type Waker = OwnedFd;

    fn new() -> (OwnedFd, OwnedFd) {
        let epoll = create();
        let flags = libc::EFD_CLOEXEC | libc::EFD_NONBLOCK;
        let fd = check(unsafe { libc::eventfd(0, flags) } as isize) as RawFd;
        let waker = unsafe { OwnedFd::from_raw_fd(fd) };
        control(&epoll, libc::EPOLL_CTL_ADD, fd, (libc::EPOLLIN | libc::EPOLLET) as u32, 0);
        (epoll, waker)
    }

    fn events() -> Events {
        [libc::epoll_event { events: 0, u64: 0 }; CAPACITY]
    }

    #[inline]
    fn wake(waker: &OwnedFd) {
        let one = 1u64;
        check(unsafe { libc::write(waker.as_raw_fd(), (&raw const one).cast(), 8) });
    }

    #[inline]
    fn poll(epoll: &mut OwnedFd, events: &mut Events) -> usize {
        wait(epoll, events, -1)
    }
}
