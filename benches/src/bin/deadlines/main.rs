//! The deadlines and their peers, side by side: same work, same machine, one run.
//!
//! ```text
//! deadlines targets                           the targets, each with what was measured; not zero if one is missed
//! deadlines                                   times everything, and writes docs/deadlines.md and .svg
//! deadlines quick                             a little of it, once; writes nothing
//! deadlines counts                            instructions and misses of the cache, into the same file
//! deadlines WORK PEER N [SCALE]               one cell, e.g. for callgrind
//! deadlines --slack NS … , --timer-slack NS … ours with this slack; the process's timer slack
//! ```
//!
//! Works: `add-cancel`, `rearm` (in model time; every 64 re-arms the time advances and what has
//! come is taken), `stall` (the worst of n additions, and the worst of 1,000 polls after them), `rearm-block` (the same, but then also the next wake-up is computed, as before
//! a poll that blocks) and `expire` (in real time; ours by `Poller::poll`). `SCALE` multiplies
//! how often the measured part is repeated, so that the difference between a run at 2 and a run
//! at 1 is what the operations cost without what surrounds them.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::hint::black_box;
use std::process::exit;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use std::{env, io, ptr};

use mio_st::{EventedId, Events, Poller};
use tokio_util::time::{DelayQueue, delay_queue};

// Its lints are those of the library, whose oldest Rust has no `is_multiple_of`.
#[allow(dead_code, unexpected_cfgs, clippy::manual_is_multiple_of)]
#[path = "../../../../src/deadlines/mod.rs"]
mod deadlines;
mod report;

use deadlines::{DeadlineKey, Deadlines};

const SECOND: u64 = 1_000_000_000;
const REARM: u64 = 30 * SECOND;
const BATCH: usize = 64;

/// `ours` is the poller of the crate, `c` that of the installed archive, `so` that of the installed shared library, all
/// with the clock that they read;
/// `structure` is what is inside, which asks no clock and is no interface.
const PEERS: [&str; 10] = [
    "ours",
    "c",
    "so",
    "structure",
    "libev",
    "heap",
    "libevent",
    "libevent-precise",
    "libuv",
    "tokio-util",
];

/// As in `c/deadlines.h`.
#[repr(C)]
struct Work {
    n: usize,
    rounds: usize,
    ops: usize,
    step: u64,
    delays: *const u64,
    order: *const u32,
}

#[rustfmt::skip]
unsafe extern "C" {
    static mut model_now: u64;
    fn libev_add_cancel(work: &Work);
    fn libev_rearm(work: &Work);
    fn libev_expire(work: &Work) -> usize;
    fn libev_stall(work: &Work, worst_add: &mut u64, worst_poll: &mut u64);
    fn libevent_add_cancel(work: &Work);
    fn libevent_rearm(work: &Work);
    fn libevent_expire(work: &Work) -> usize;
    fn libevent_precise_expire(work: &Work) -> usize;
    fn libuv_add_cancel(work: &Work);
    fn libuv_rearm(work: &Work);
    fn libuv_expire(work: &Work) -> usize;
}

// ---------------------------------------------------------------------------------------- clocks

fn clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is there to be written.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}

fn now() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

fn set_model_now(now: u64) {
    // SAFETY: this process has one thread.
    unsafe { model_now = now };
}

#[derive(Default)]
struct Measured {
    begin: u64,
    cpu: u64,
    start: u64,
    deadlines: Vec<u64>,
    late: Vec<i64>,
}

thread_local! {
    static MEASURED: RefCell<Measured> = RefCell::default();
}

#[unsafe(no_mangle)]
extern "C" fn measure_begin() {
    MEASURED.with_borrow_mut(|measured| {
        measured.start = now();
        let start = measured.start;
        measured.deadlines.iter_mut().for_each(|deadline| *deadline += start);
        measured.begin = clock(libc::CLOCK_PROCESS_CPUTIME_ID);
    });
}

#[unsafe(no_mangle)]
extern "C" fn measure_end() {
    let end = clock(libc::CLOCK_PROCESS_CPUTIME_ID);
    MEASURED.with_borrow_mut(|measured| measured.cpu = end - measured.begin);
}

#[unsafe(no_mangle)]
extern "C" fn fired(i: usize) {
    let now = now() as i64;
    MEASURED.with_borrow_mut(|measured| {
        let late = now - measured.deadlines[i] as i64;
        measured.late.push(late);
    });
}

// ----------------------------------------------------------------------------------------- peers

/// A peer in Rust. Timers are numbered from zero, times absolute.
trait Peer {
    fn add(&mut self, now: u64, i: usize, deadline: u64);
    fn cancel(&mut self, i: usize);
    fn rearm(&mut self, now: u64, i: usize, deadline: u64);
    /// Takes what has come.
    fn expire(&mut self, now: u64, fired: impl FnMut(usize));
    fn next_wakeup(&mut self) -> Option<u64>;
}

/// By the interface, as a program would.
struct Ours {
    poller: Poller,
    events: Events,
    keys: Vec<Option<mio_st::poll::DeadlineKey>>,
    /// The time of this turn, and that of those re-armed in it.
    now: Instant,
    rearmed: Instant,
}

impl Ours {
    fn new(n: usize) -> Ours {
        let poller = Poller::with_capacity(n, 0).unwrap();
        let now = poller.now();
        Ours { poller, events: Events::new(), keys: vec![None; n], now, rearmed: now }
    }
}

impl Peer for Ours {
    fn add(&mut self, now: u64, i: usize, deadline: u64) {
        let deadline = self.now + Duration::from_nanos(deadline - now);
        self.keys[i] = Some(self.poller.add_deadline(EventedId(i), deadline));
    }

    fn cancel(&mut self, i: usize) {
        assert!(self.poller.cancel_deadline(self.keys[i].unwrap()));
    }

    fn rearm(&mut self, _: u64, i: usize, _: u64) {
        assert!(self.poller.move_deadline(self.keys[i].unwrap(), self.rearmed));
    }

    fn expire(&mut self, _: u64, mut fired: impl FnMut(usize)) {
        self.poller.poll_userspace(&mut self.events);
        self.now = self.poller.now();
        self.rearmed = self.now + Duration::from_nanos(REARM);
        self.events.iter().for_each(|event| fired(event.id().0));
    }

    fn next_wakeup(&mut self) -> Option<u64> {
        self.poller.next_wakeup().map(|wait| wait.as_nanos() as u64)
    }
}

struct Structure {
    deadlines: Deadlines,
    keys: Vec<DeadlineKey>,
}

impl Structure {
    fn new(n: usize) -> Structure {
        let mut deadlines = Deadlines::with_capacity(n);
        if let Some(slack) = option("--slack") {
            deadlines.set_slack(slack);
        }
        Structure { deadlines, keys: vec![DeadlineKey::from_parts(0, 0); n] }
    }
}

impl Peer for Structure {
    fn add(&mut self, now: u64, i: usize, deadline: u64) {
        self.keys[i] = self.deadlines.add(now, deadline, i as u64);
    }

    fn cancel(&mut self, i: usize) {
        assert!(self.deadlines.cancel(self.keys[i]));
    }

    fn rearm(&mut self, now: u64, i: usize, deadline: u64) {
        assert!(self.deadlines.move_to(now, self.keys[i], deadline));
    }

    fn expire(&mut self, now: u64, mut fired: impl FnMut(usize)) {
        self.deadlines.begin(deadlines::PORTION);
        while let Some(id) = self.deadlines.expire(now) {
            fired(id as usize);
        }
    }

    fn next_wakeup(&mut self) -> Option<u64> {
        self.deadlines.next_wakeup()
    }
}

/// No queue at all, but what a key and a node in memory cost: both are read and compared, and a new time is
/// written, as by ours. It can only re-arm, and shows how much of that is waiting for memory.
struct Floor {
    keys: Vec<(u32, u64)>,
    nodes: Vec<FloorNode>,
}

#[derive(Clone)]
#[repr(align(32))]
struct FloorNode {
    serial: u64,
    when: u64,
    order: u64,
}

impl Floor {
    fn new(n: usize) -> Floor {
        let nodes = vec![FloorNode { serial: 0, when: 0, order: 0 }; n];
        Floor { keys: vec![(0, 0); n], nodes }
    }
}

impl Peer for Floor {
    fn add(&mut self, _: u64, i: usize, deadline: u64) {
        let serial = i as u64 + 1;
        self.keys[i] = (i as u32, serial);
        self.nodes[i] = FloorNode { serial, when: deadline, order: serial };
    }

    fn cancel(&mut self, _: usize) {}

    fn rearm(&mut self, now: u64, i: usize, deadline: u64) {
        let (slot, serial) = self.keys[i];
        let node = &mut self.nodes[slot as usize];
        assert_eq!(node.serial, serial);
        (node.when, node.order) = (deadline, now);
    }

    fn expire(&mut self, _: u64, _: impl FnMut(usize)) {}

    fn next_wakeup(&mut self) -> Option<u64> {
        None
    }
}

/// A binary heap with lazy deletion, rebuilt when the dead outnumber the living.
struct Heap {
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    /// The time of each timer, zero if there is none.
    live: Vec<u64>,
    len: usize,
}

impl Heap {
    fn new(n: usize) -> Heap {
        Heap { heap: BinaryHeap::with_capacity(2 * n + 2), live: vec![0; n], len: 0 }
    }

    fn push(&mut self, i: usize, deadline: u64) {
        self.live[i] = deadline;
        self.heap.push(Reverse((deadline, i as u32)));
        self.sweep();
    }

    fn sweep(&mut self) {
        if self.heap.len() > 2 * self.len + 1 {
            let live = &self.live;
            self.heap.retain(|&Reverse((deadline, i))| live[i as usize] == deadline);
        }
    }
}

impl Peer for Heap {
    fn add(&mut self, _: u64, i: usize, deadline: u64) {
        self.len += 1;
        self.push(i, deadline);
    }

    fn cancel(&mut self, i: usize) {
        self.live[i] = 0;
        self.len -= 1;
        self.sweep();
    }

    fn rearm(&mut self, _: u64, i: usize, deadline: u64) {
        self.push(i, deadline);
    }

    fn expire(&mut self, now: u64, mut fired: impl FnMut(usize)) {
        while let Some(&Reverse((deadline, i))) = self.heap.peek() {
            if deadline > now {
                return;
            }
            self.heap.pop();
            if self.live[i as usize] == deadline {
                self.live[i as usize] = 0;
                self.len -= 1;
                fired(i as usize);
            }
        }
    }

    fn next_wakeup(&mut self) -> Option<u64> {
        while let Some(&Reverse((deadline, i))) = self.heap.peek() {
            if self.live[i as usize] == deadline {
                return Some(deadline);
            }
            self.heap.pop();
        }
        None
    }
}

struct Tokio {
    queue: DelayQueue<u32>,
    keys: Vec<Option<delay_queue::Key>>,
}

impl Tokio {
    fn new(n: usize) -> Tokio {
        let keys = (0..n).map(|_| None).collect();
        Tokio { queue: DelayQueue::with_capacity(n), keys }
    }
}

impl Peer for Tokio {
    fn add(&mut self, now: u64, i: usize, deadline: u64) {
        let delay = Duration::from_nanos(deadline - now);
        self.keys[i] = Some(self.queue.insert(i as u32, delay));
    }

    fn cancel(&mut self, i: usize) {
        self.queue.remove(&self.keys[i].take().unwrap());
    }

    fn rearm(&mut self, now: u64, i: usize, deadline: u64) {
        let delay = Duration::from_nanos(deadline - now);
        self.queue.reset(self.keys[i].as_ref().unwrap(), delay);
    }

    fn expire(&mut self, _: u64, mut fired: impl FnMut(usize)) {
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(expired)) = self.queue.poll_expired(&mut context) {
            fired(expired.into_inner() as usize);
        }
    }

    fn next_wakeup(&mut self) -> Option<u64> {
        None // It arms a timer of the runtime instead.
    }
}

// ----------------------------------------------------------------------------------------- works

#[inline(never)]
fn add_cancel(mut peer: impl Peer, work: &Work, delays: &[u64], order: &[u32]) {
    let now = now();
    measure_begin();
    for _ in 0..work.rounds {
        for (i, delay) in delays.iter().enumerate() {
            peer.add(now, i, now + delay);
        }
        for &i in order {
            peer.cancel(i as usize);
        }
    }
    measure_end();
}

// Not inlined, to have the registers for itself, as the functions in C have.
#[inline(never)]
fn rearm(mut peer: impl Peer, work: &Work, blocking: bool) {
    let mut random = 1;
    let mut now = now();
    for i in 0..work.n {
        peer.add(now, i, now + REARM);
    }
    let mut expired = Vec::new();
    measure_begin();
    for _ in 0..work.ops / BATCH {
        now += work.step;
        set_model_now(now);
        peer.expire(now, |i| expired.push(i));
        if blocking {
            black_box(peer.next_wakeup());
        }
        for i in expired.drain(..) {
            peer.add(now, i, now + REARM);
        }
        for _ in 0..BATCH {
            peer.rearm(now, pick(&mut random, work.n), now + REARM);
        }
    }
    measure_end();
}

/// As in `c/deadlines.h`.
fn pick(random: &mut u64, n: usize) -> usize {
    *random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (((*random >> 32) * n as u64) >> 32) as usize
}

/// The worst addition, and the worst poll after all of them, which is without a delay, in microseconds of the
/// thread's CPU time.
fn stall<P>(
    delays: &[u64],
    peer: &mut P,
    mut call: impl FnMut(&mut P, usize, Option<u64>),
) -> String {
    let mut worst = |calls: &mut dyn Iterator<Item = Option<u64>>| {
        let thread_time = || clock(libc::CLOCK_THREAD_CPUTIME_ID);
        let mut worst = 0;
        for (i, delay) in calls.enumerate() {
            let begin = thread_time();
            call(peer, i, delay);
            worst = worst.max(thread_time() - begin);
        }
        worst as f64 / 1e3
    };
    let add = worst(&mut delays.iter().copied().map(Some));
    let poll = worst(&mut (0..1_000).map(|_| None));
    format!("{add:.1} {poll:.1}")
}

fn expire(work: &Work, delays: &[u64]) -> usize {
    let mut poller = Poller::with_capacity(work.n, 0).unwrap();
    if let Some(slack) = option("--slack") {
        poller.set_deadline_slack(Duration::from_nanos(slack));
    }
    let mut events = Events::with_capacity(1_024);
    let mut left = work.n;
    let mut wakeups = 0;
    measure_begin();
    let start = Instant::now();
    for (i, delay) in delays.iter().enumerate() {
        poller.add_deadline(EventedId(i), start + Duration::from_nanos(*delay));
    }
    while left > 0 {
        poller.poll(&mut events, None).unwrap();
        wakeups += 1;
        for event in &mut events {
            let i = event.id().0;
            let late = start.elapsed().as_nanos() as i64 - delays[i] as i64;
            MEASURED.with_borrow_mut(|measured| measured.late.push(late));
            left -= 1;
        }
    }
    measure_end();
    wakeups
}

/// Waits without a poller.
fn expire_heap(mut peer: Heap, work: &Work, delays: &[u64]) -> usize {
    // SAFETY: nothing but a system call.
    let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    let mut left = work.n;
    let mut wakeups = 0;
    measure_begin();
    let start = MEASURED.with_borrow(|measured| measured.start);
    for (i, delay) in delays.iter().enumerate() {
        peer.add(start, i, start + delay);
    }
    while left > 0 {
        let time = now();
        peer.expire(time, |i| {
            fired(i);
            left -= 1;
        });
        let Some(next) = peer.next_wakeup() else { break };
        epoll_pwait2(epoll, next.saturating_sub(now())).unwrap();
        wakeups += 1;
    }
    measure_end();
    // SAFETY: opened above.
    unsafe { libc::close(epoll) };
    wakeups
}

fn epoll_pwait2(epoll: i32, wait: u64) -> io::Result<()> {
    let time = [(wait / SECOND) as i64, (wait % SECOND) as i64];
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    let no_mask = ptr::null::<libc::sigset_t>();
    // SAFETY: room for one event, a 64-bit timespec, and no signal mask.
    let result = unsafe {
        libc::syscall(libc::SYS_epoll_pwait2, epoll, &mut event, 1, time.as_ptr(), no_mask, 8)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

async fn expire_tokio(mut peer: Tokio, work: &Work, delays: &[u64]) -> usize {
    let mut wakeups = 0;
    measure_begin();
    let start = MEASURED.with_borrow(|measured| measured.start);
    for (i, delay) in delays.iter().enumerate() {
        peer.add(start, i, start + delay);
    }
    let mut left = work.n;
    poll_fn(|context| {
        wakeups += 1;
        while left > 0 {
            match peer.queue.poll_expired(context) {
                Poll::Ready(expired) => fired(expired.unwrap().into_inner() as usize),
                Poll::Pending => return Poll::Pending,
            }
            left -= 1;
        }
        Poll::Ready(())
    })
    .await;
    measure_end();
    wakeups
}

// ----------------------------------------------------------------------------------------- cells

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((u128::from(self.0) * u128::from(n)) >> 64) as u64
    }
}

fn rounds(n: usize) -> usize {
    (2_000_000 / n).max(2)
}

/// Often enough that (next to) nothing expires within the 62 s that pass.
fn rearms(n: usize) -> usize {
    (30 * n).max(4_000_000)
}

/// How many operations are measured. An addition is one, and a cancellation another.
fn operations(kind: &str, n: usize, scale: usize) -> usize {
    match kind {
        "add-cancel" => 2 * n * rounds(n) * scale,
        "rearm" | "rearm-block" => rearms(n) * scale,
        _ => n,
    }
}

/// CPU nanoseconds an operation; for `expire` also the wake-ups, and how late in microseconds.
fn run(kind: &str, peer: &str, n: usize, scale: usize) -> Option<String> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (least, most) = if kind == "expire" { (0, SECOND / 5) } else { (SECOND, 3600 * SECOND) };
    let delays: Vec<_> = (0..n).map(|_| least + random.below(most - least)).collect();
    let mut order: Vec<_> = (0..n as u32).collect();
    (1..n).rev().for_each(|i| order.swap(i, random.below(i as u64 + 1) as usize));

    let rounds = rounds(n) * scale;
    let ops = rearms(n) * scale;
    let step = 62 * SECOND * scale as u64 / (ops / BATCH) as u64;
    let work = Work { n, rounds, ops, step, delays: delays.as_ptr(), order: order.as_ptr() };
    if ["c", "so"].contains(&peer) {
        let numbers = if kind == "stall" {
            vec![n as u64]
        } else {
            vec![n as u64, rounds as u64, ops as u64, step]
        };
        let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
        let output = report::program_in_c(peer).arg(kind).args(numbers).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        return Some(match text.trim().parse::<f64>() {
            Ok(cpu) => format!("{:.2}", cpu / operations(kind, n, scale) as f64),
            Err(_) => text.trim().to_owned(),
        });
    }
    if kind == "stall" {
        // In real time.
    } else if kind == "expire" {
        let mut measured = Measured { deadlines: delays.clone(), ..Measured::default() };
        measured.late.reserve(n);
        MEASURED.set(measured);
    } else {
        set_model_now(1_000_000 * SECOND + 123_456_789);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = (peer == "tokio-util").then(|| runtime.enter());

    let mut wakeups = 0;
    // SAFETY: `work` outlives the calls, and its arrays are as long as the header says.
    match (kind, peer) {
        ("add-cancel", "structure") => add_cancel(Structure::new(n), &work, &delays, &order),
        ("rearm" | "rearm-block", "structure") => rearm(Structure::new(n), &work, kind != "rearm"),
        ("stall", "ours") => {
            let (mut poller, mut events) = (Poller::new().unwrap(), Events::new());
            return Some(stall(&delays, &mut poller, |poller, i, delay| {
                if let Some(delay) = delay {
                    black_box(poller.add_timeout(EventedId(i), Duration::from_nanos(delay)));
                } else {
                    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
                }
            }));
        }
        ("stall", "nothing") => {
            return Some(stall(&delays, &mut (), |_, _, delay| {
                black_box(delay);
            }));
        }
        ("stall", "libev") => {
            let (mut add, mut poll) = (0, 0);
            // SAFETY: as above.
            unsafe { libev_stall(&work, &mut add, &mut poll) };
            return Some(format!("{:.1} {:.1}", add as f64 / 1e3, poll as f64 / 1e3));
        }
        ("add-cancel", "ours") => add_cancel(Ours::new(n), &work, &delays, &order),
        ("add-cancel", "heap") => add_cancel(Heap::new(n), &work, &delays, &order),
        ("add-cancel", "tokio-util") => add_cancel(Tokio::new(n), &work, &delays, &order),
        ("add-cancel", "libev") => unsafe { libev_add_cancel(&work) },
        ("add-cancel", "libevent") => unsafe { libevent_add_cancel(&work) },
        ("add-cancel", "libuv") => unsafe { libuv_add_cancel(&work) },
        ("rearm" | "rearm-block", "ours") => rearm(Ours::new(n), &work, kind != "rearm"),
        ("rearm" | "rearm-block", "heap") => rearm(Heap::new(n), &work, kind != "rearm"),
        ("rearm", "floor") => rearm(Floor::new(n), &work, false),
        ("rearm" | "rearm-block", "tokio-util") => rearm(Tokio::new(n), &work, kind != "rearm"),
        ("rearm", "libev") => unsafe { libev_rearm(&work) },
        ("rearm", "libevent") => unsafe { libevent_rearm(&work) },
        ("rearm", "libuv") => unsafe { libuv_rearm(&work) },
        ("expire", "ours") => wakeups = expire(&work, &delays),
        ("expire", "heap") => wakeups = expire_heap(Heap::new(n), &work, &delays),
        ("expire", "tokio-util") => {
            wakeups = runtime.block_on(expire_tokio(Tokio::new(n), &work, &delays));
        }
        ("expire", "libev") => wakeups = unsafe { libev_expire(&work) },
        ("expire", "libevent") => wakeups = unsafe { libevent_expire(&work) },
        ("expire", "libevent-precise") => wakeups = unsafe { libevent_precise_expire(&work) },
        ("expire", "libuv") => wakeups = unsafe { libuv_expire(&work) },
        _ => return None,
    }
    let measured = MEASURED.take();
    let cpu = measured.cpu as f64 / operations(kind, n, scale) as f64;
    if kind != "expire" {
        return Some(format!("{cpu:.2}"));
    }
    let mut late = measured.late;
    assert_eq!(late.len(), n);
    late.sort_unstable();
    let early = late.iter().filter(|&&late| late < 0).count();
    let at = |part: usize| late[(n - 1) * part / 100] / 1_000;
    Some(format!("{cpu:.1} {wakeups} {} {} {} {early}", at(50), at(99), at(100)))
}

fn option(name: &str) -> Option<u64> {
    let mut arguments = env::args().skip_while(|argument| argument != name);
    arguments.nth(1)?.parse().ok()
}

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let (work, peer, n) = match &arguments[..] {
        [] => return report::timings(false),
        [what] if what == "targets" => exit(i32::from(!report::only_targets())),
        [what] if what == "quick" => return report::timings(true),
        [what] if what == "counts" => return report::counts(),
        [work, peer, n, ..] => (work, peer, n),
        _ => exit(2),
    };
    if let Some(slack) = option("--timer-slack") {
        // SAFETY: a number is all that this takes.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, slack) };
    }
    let scale = arguments.get(3).and_then(|scale| scale.parse().ok()).unwrap_or(1);
    match run(work, peer, n.parse().expect("a number of timers"), scale) {
        Some(result) => println!("{result}"),
        None => exit(1),
    }
}
