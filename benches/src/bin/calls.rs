//! What a call of the C interface costs beyond the same call in Rust: both in one process, by turns, the
//! median of many rounds. It prints a table.
//!
//! A call in Rust is inlined into its loop. After a system call the processor has forgotten where functions
//! return to, so that each return is predicted wrongly: one more function costs some 10 ns there, whatever it
//! does. The rows "in a function" have the Rust call in a function of its own too, as a program with more
//! than one loop has it.
//!
//! `calls`

use std::hint::black_box;
use std::io::{self, Read};
use std::os::fd::{BorrowedFd, IntoRawFd, RawFd};
use std::time::{Duration, Instant};

use mio_st::event::{EventedId, Events, Ready};
use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{Interests, PollOption, Poller};
use mio_st::unix::EventedFd;
use mio_st_benches::{CAPACITY, check};
// The functions that `c/calls.c` calls are in this crate, see `mio_st_benches::c`.
use mio_st_capi as _;

const ROUNDS: usize = 2001;

unsafe extern "C" {
    fn calls_prepare(socket: RawFd, ready: *const RawFd, count: u64);
    fn calls_read(times: u64);
    fn calls_reregister(times: u64);
    fn calls_notify(times: u64);
    fn calls_move_deadline(times: u64);
    fn calls_poll(times: u64);
}

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let connect = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut stream, for_c) = (connect(), connect());
    let ready: Vec<RawFd> = (0..CAPACITY)
        .map(|_| check(unsafe { libc::eventfd(1, libc::EFD_NONBLOCK) } as isize) as RawFd)
        .collect();
    unsafe { calls_prepare(for_c.into_raw_fd(), ready.as_ptr(), CAPACITY as u64) };

    let (mut busy, mut idle) = (Poller::new().unwrap(), Poller::new().unwrap());
    let mut events = Events::with_capacity(CAPACITY);
    let id = EventedId;
    idle.register(&mut stream, id(0), Interests::READABLE, PollOption::Edge).unwrap();
    for (i, fd) in ready.iter().enumerate() {
        let mut fd = EventedFd::from(unsafe { BorrowedFd::borrow_raw(*fd) });
        busy.register(&mut fd, id(i), Interests::READABLE, PollOption::Level).unwrap();
    }
    let far = idle.now() + Duration::from_secs(3600);
    let deadline = idle.add_deadline(id(1), far);

    println!("| call | in Rust, ns | from C, ns | C adds, ns |\n|---|---:|---:|---:|");
    compare("read, nothing there", 200, 1, calls_read, |times| {
        for _ in 0..times {
            stream.read(&mut [0; 64]).unwrap_err();
        }
    });
    compare("read, nothing there, in a function", 200, 1, calls_read, |times| {
        for _ in 0..times {
            read(&mut stream, &mut [0; 64]).unwrap_err();
        }
    });
    compare("reregister", 200, 1, calls_reregister, |times| {
        for i in 0..times {
            let (id, interests) = (id(i as usize), Interests::READABLE);
            idle.reregister(&mut stream, id, interests, PollOption::Edge).unwrap();
        }
    });
    compare("reregister, in a function", 200, 1, calls_reregister, |times| {
        for i in 0..times {
            reregister(&mut idle, &mut stream, id(i as usize)).unwrap();
        }
    });
    compare("notify, with its share of a poll in user space", 200, 1, calls_notify, |times| {
        for i in 0..times {
            idle.notify(id(i as usize), Ready::READABLE);
        }
        idle.poll_userspace(&mut events);
        assert_eq!((&mut events).count() as u64, times);
    });
    compare("move a deadline", 200, 1, calls_move_deadline, |times| {
        for i in 0..times {
            assert!(idle.move_deadline(deadline, far + Duration::from_nanos(i)));
        }
    });
    let mut sum = 0;
    compare("an event of a poll that has 256", 4, CAPACITY, calls_poll, |times| {
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

/// Prints a row: medians of a unit, of which a call has so many.
fn compare(
    name: &str,
    times: u64,
    units: usize,
    c: unsafe extern "C" fn(u64),
    mut rust: impl FnMut(u64),
) {
    let units = times as f64 * units as f64;
    let (mut ours, mut theirs, mut more) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        rust(times);
        let between = Instant::now();
        unsafe { c(times) };
        let (in_rust, in_c) = (between - start, between.elapsed());
        ours.push(in_rust.as_nanos() as f64 / units);
        theirs.push(in_c.as_nanos() as f64 / units);
        more.push((in_c.as_nanos() as f64 - in_rust.as_nanos() as f64) / units);
    }
    println!("| {name} | {:.1} | {:.1} | {:.1} |", median(ours), median(theirs), median(more));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
