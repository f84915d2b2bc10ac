//! What a call takes in Rust: medians, one line each, as `c/calls.c` prints those from C.
//!
//! A call in Rust may be inlined into its loop. After a system call the processor has forgotten where
//! functions return to, so that each return is predicted wrongly: one more function costs some 10 ns there,
//! whatever it does. The lines "in-a-function" have the call in a function of its own, as a program with more
//! than one loop has it.
//!
//! `calls`

use std::hint::black_box;
use std::io::{self, Read};
use std::os::fd::{BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use mio_st::event::{EventedId, Events, Ready};
use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{Interests, PollOption, Poller};
use mio_st::unix::EventedFd;
use mio_st_benches::{CAPACITY, check};

const ROUNDS: usize = 2001;

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut busy, mut idle) = (Poller::new().unwrap(), Poller::new().unwrap());
    let mut events = Events::with_capacity(CAPACITY);
    let id = EventedId;
    idle.register(&mut stream, id(0), Interests::READABLE, PollOption::Edge).unwrap();
    for i in 0..CAPACITY {
        let ready = check(unsafe { libc::eventfd(1, libc::EFD_NONBLOCK) } as isize) as RawFd;
        let mut fd = EventedFd::from(unsafe { BorrowedFd::borrow_raw(ready) });
        busy.register(&mut fd, id(i), Interests::READABLE, PollOption::Level).unwrap();
    }
    let far = idle.now() + Duration::from_secs(3600);
    let deadline = idle.add_deadline(id(1), far);

    measure("read", 200, 1, |times| {
        for _ in 0..times {
            stream.read(&mut [0; 64]).unwrap_err();
        }
    });
    measure("read-in-a-function", 200, 1, |times| {
        for _ in 0..times {
            read(&mut stream, &mut [0; 64]).unwrap_err();
        }
    });
    measure("reregister", 200, 1, |times| {
        for i in 0..times {
            let (id, interests) = (id(i as usize), Interests::READABLE);
            idle.reregister(&mut stream, id, interests, PollOption::Edge).unwrap();
        }
    });
    measure("reregister-in-a-function", 200, 1, |times| {
        for i in 0..times {
            reregister(&mut idle, &mut stream, id(i as usize)).unwrap();
        }
    });
    measure("notify", 200, 1, |times| {
        for i in 0..times {
            idle.notify(id(i as usize), Ready::READABLE);
        }
        idle.poll_userspace(&mut events);
        assert_eq!((&mut events).count() as u64, times);
    });
    measure("move-deadline", 200, 1, |times| {
        for i in 0..times {
            assert!(idle.move_deadline(deadline, far + Duration::from_nanos(i)));
        }
    });
    let mut sum = 0;
    measure("event", 4, CAPACITY, |times| {
        for _ in 0..times {
            busy.poll(&mut events, Some(Duration::ZERO)).unwrap();
            for event in &mut events {
                sum += event.id().0 + usize::from(event.readiness().contains(Ready::READABLE));
            }
        }
    });
    black_box(sum);
}

#[inline(never)]
fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    // The black box keeps it from becoming a jump.
    black_box(stream.read(buffer))
}

#[inline(never)]
fn reregister(poller: &mut Poller, stream: &mut TcpStream, id: EventedId) -> io::Result<()> {
    black_box(poller.reregister(stream, id, Interests::READABLE, PollOption::Edge))
}

/// Prints the median time of a unit, of which a call has so many.
fn measure(name: &str, times: u64, units: usize, mut calls: impl FnMut(u64)) {
    let units = times as f64 * units as f64;
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            calls(times);
            start.elapsed().as_nanos() as f64 / units
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{name} {}", rounds[ROUNDS / 2]);
}
