//! What the benchmarks share: the contenders in Rust behind one trait, clocks, and the pipes and processes
//! that a workload needs. Those in C are programs of their own: `c/`, which [`shipped`] builds.
//!
//! A workload is one binary, which runs one contender once and prints one line (see [`Outcome`]); the
//! driver, `src/main.rs`, runs them in turn, bare, under callgrind and under strace.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

mod contenders {
    pub mod mio;
    pub mod mio_st;
    pub mod mio_st_022;
    pub mod polling;
    pub mod raw;
}
pub mod measure;
pub mod namespaces;
pub mod plan;
pub mod shipped;

pub use contenders::mio::Mio;
pub use contenders::mio_st::{CHECKS, MioSt, STATS};
pub use contenders::mio_st_022::MioSt022;
pub use contenders::polling::Polling;
pub use contenders::raw::{Raw, RawQueue};

/// How many events one poll of any contender takes at most: that of mio-st 0.2.2, which cannot be set.
pub const CAPACITY: usize = 256;

/// The bytes of a request, and of the buffer that it is read into.
pub const MESSAGE: usize = 64;
pub const BUFFER: usize = 4096;

#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Trigger {
    Edge,
    Level,
}

/// A poller as a workload uses it. Each contender does here what its documentation says, in the
/// cheapest way it offers, and everything is inlined into the workload.
pub trait Contender {
    type Poller;
    type Events;
    type Listener;
    type Stream;

    fn new() -> (Self::Poller, Self::Events);

    /// Lets it spin for so long before it sleeps; false if the contender cannot.
    fn spin(_: &mut Self::Poller, spin: Duration) -> bool {
        spin.is_zero()
    }

    /// Registers a descriptor for reading; false if the contender does not have this trigger.
    fn add(poller: &mut Self::Poller, fd: RawFd, id: usize, trigger: Trigger) -> bool;
    /// Registers it anew.
    fn modify(poller: &mut Self::Poller, fd: RawFd, id: usize, trigger: Trigger);
    fn remove(poller: &mut Self::Poller, fd: RawFd);

    /// Polls once, without waiting unless `wait`, and calls the handler for each event with its id and
    /// whether it says that there may be an end of file to read.
    fn poll(
        poller: &mut Self::Poller,
        events: &mut Self::Events,
        wait: bool,
        handler: impl FnMut(&mut Self::Poller, usize, bool),
    );

    fn listen(address: SocketAddr) -> Self::Listener;
    fn address(listener: &Self::Listener) -> SocketAddr;
    fn add_listener(poller: &mut Self::Poller, listener: &mut Self::Listener, id: usize);
    fn add_stream(poller: &mut Self::Poller, stream: &mut Self::Stream, id: usize);
    fn accept(listener: &mut Self::Listener) -> io::Result<Self::Stream>;
    fn read(stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize>;
    fn write(stream: &mut Self::Stream, buffer: &[u8]) -> io::Result<usize>;
    /// Ends the registration, if that must be said, and closes.
    fn close(poller: &mut Self::Poller, stream: Self::Stream);
}

/// A contender with events from the program to itself.
pub trait Notify {
    type Poller;
    type Events;

    fn new() -> (Self::Poller, Self::Events);
    fn notify(poller: &mut Self::Poller, id: usize);
    /// Polls without waiting, and asks the system too if `system`.
    fn poll(
        poller: &mut Self::Poller,
        events: &mut Self::Events,
        system: bool,
        handler: impl FnMut(usize),
    );
}

/// A contender that other threads can wake.
pub trait Wake {
    type Poller;
    type Events;
    type Waker: Send + Sync;

    fn new() -> (Self::Poller, Self::Waker);
    fn events() -> Self::Events;
    /// Lets it spin for so long before it sleeps; false if the contender cannot.
    fn spin(_: &mut Self::Poller, spin: Duration) -> bool {
        spin.is_zero()
    }
    fn wake(waker: &Self::Waker);
    /// Waits; returns how many events there were, all of them of the waker.
    fn poll(poller: &mut Self::Poller, events: &mut Self::Events) -> usize;
}

/// What one run did and what it took. It is printed as one line, which the driver reads.
#[derive(Copy, Clone, Debug, Default)]
pub struct Outcome {
    /// How often the unit of work was done; counted by the work itself.
    pub operations: u64,
    /// Nanoseconds of the clock, of the work without what prepares it.
    pub wall: u64,
    /// Nanoseconds of the processor, user and system, of this process alone.
    pub cpu: u64,
}

impl Outcome {
    /// Runs the work, which returns how many operations it did.
    pub fn of(work: impl FnOnce() -> u64) -> Outcome {
        let (wall, cpu) = (clock(libc::CLOCK_MONOTONIC), clock(libc::CLOCK_PROCESS_CPUTIME_ID));
        let operations = work();
        Outcome {
            operations,
            wall: clock(libc::CLOCK_MONOTONIC) - wall,
            cpu: clock(libc::CLOCK_PROCESS_CPUTIME_ID) - cpu,
        }
    }

    /// Ends the program: with the line, or, if the contender cannot do this work, with status 3.
    pub fn print(outcome: Option<Outcome>) -> ! {
        let Some(Outcome { operations, wall, cpu }) = outcome else { std::process::exit(3) };
        assert!(operations > 0);
        println!("operations {operations} wall {wall} cpu {cpu}");
        std::process::exit(0)
    }
}

fn clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    assert_eq!(unsafe { libc::clock_gettime(clock, &mut time) }, 0);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The arguments of a workload: the contender, then numbers and words.
pub struct Args(std::vec::IntoIter<String>);

impl Args {
    pub fn new() -> (String, Args) {
        let mut args = std::env::args().skip(1).collect::<Vec<_>>().into_iter();
        let contender = args.next().expect("the first argument names the contender");
        (contender, Args(args))
    }

    pub fn number(&mut self, what: &str) -> usize {
        let word = self.word(what);
        word.parse().unwrap_or_else(|_| panic!("{what}: not a number: {word}"))
    }

    pub fn word(&mut self, what: &str) -> String {
        self.0.next().unwrap_or_else(|| panic!("an argument is missing: {what}"))
    }

    pub fn trigger(&mut self) -> Trigger {
        match self.word("trigger").as_str() {
            "edge" => Trigger::Edge,
            "level" => Trigger::Level,
            other => panic!("no such trigger: {other}"),
        }
    }
}

/// A pair of connected, non-blocking sockets.
pub fn socket_pair() -> (RawFd, RawFd) {
    let mut pair = [0; 2];
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, pair.as_mut_ptr()) } as isize);
    (pair[0], pair[1])
}

/// The result of a system call, negative on failure, as std's calls give it.
#[inline]
pub fn result(result: isize) -> io::Result<usize> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as usize) }
}

/// Whether the error is EAGAIN, asked for in the way that costs least.
#[inline]
pub fn would_block(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EAGAIN)
}

/// The result of a system call that must not fail.
#[inline]
#[track_caller]
pub fn check(value: isize) -> usize {
    if value < 0 {
        panic!("{}", io::Error::last_os_error());
    }
    value as usize
}

/// Lets the process have as many descriptors as it may.
pub fn raise_descriptor_limit() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe {
        check(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) as isize);
        limit.rlim_cur = limit.rlim_max;
        check(libc::setrlimit(libc::RLIMIT_NOFILE, &limit) as isize);
    }
    limit.rlim_max as usize
}

/// Starts the load generator, a process of its own so that its time and its system calls are not the
/// server's. `words` are what `src/bin/load.rs` takes after the port; what it prints goes where this
/// program prints.
pub fn start_load(port: u16, words: &[&str]) -> Child {
    load().arg(port.to_string()).args(words).spawn().unwrap()
}

/// The same over one connection that is already there.
pub fn start_load_on(connection: OwnedFd, words: &[&str]) -> Child {
    load().arg("stdin").args(words).stdin(Stdio::from(connection)).spawn().unwrap()
}

fn load() -> Command {
    Command::new(std::env::current_exe().unwrap().with_file_name("load"))
}

/// Waits for the load generator, and fails if it was not content.
pub fn finish_load(mut load: Child) {
    assert!(load.wait().unwrap().success(), "the load generator failed");
}
