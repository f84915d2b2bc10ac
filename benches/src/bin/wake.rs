//! Wakes: so many round trips between two threads, of which each waits in its poller until the other
//! wakes it; or a storm of wakes from many threads on one poller. An operation is a round trip, or a wake.
//!
//! Or a thread that wakes its own poller, which is awake, and then polls.
//!
//! `wake CONTENDER trips SPIN ROUNDS`, with SPIN for how many nanoseconds a poller looks again before it
//! sleeps; `wake CONTENDER storm THREADS WAKES`, with WAKES those of each thread; `wake CONTENDER awake WAKES`

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mio_st_benches::{Args, Mio, MioSt, MioSt022, Outcome, Polling, Raw, Wake};

fn main() {
    let (contender, mut args) = Args::new();
    let what = args.word("what");
    Outcome::print(match what.as_str() {
        "trips" => {
            let spin = Duration::from_nanos(args.number("spin") as u64);
            let rounds = args.number("rounds");
            match contender.as_str() {
                "raw-rust" => trips::<Raw>(rounds, spin),
                "mio" => trips::<Mio>(rounds, spin),
                "polling" => trips::<Polling>(rounds, spin),
                "mio-st-0.2.2" => trips::<MioSt022>(rounds, spin),
                "mio-st" => trips::<MioSt>(rounds, spin),
                name => panic!("no such contender in Rust: {name}"),
            }
        }
        "storm" => {
            let (threads, wakes) = (args.number("threads"), args.number("wakes"));
            match contender.as_str() {
                "raw-rust" => storm::<Raw>(threads, wakes),
                "mio" => storm::<Mio>(threads, wakes),
                "polling" => storm::<Polling>(threads, wakes),
                "mio-st-0.2.2" => storm::<MioSt022>(threads, wakes),
                "mio-st" => storm::<MioSt>(threads, wakes),
                name => panic!("no such contender in Rust: {name}"),
            }
        }
        "awake" => {
            let wakes = args.number("wakes");
            match contender.as_str() {
                "raw-rust" => awake::<Raw>(wakes),
                "mio" => awake::<Mio>(wakes),
                "polling" => awake::<Polling>(wakes),
                "mio-st-0.2.2" => awake::<MioSt022>(wakes),
                "mio-st" => awake::<MioSt>(wakes),
                name => panic!("no such contender in Rust: {name}"),
            }
        }
        other => panic!("none of trips, awake, storm: {other}"),
    })
}

/// Where one side of the round trips waits: how often it was asked for, and whom to wake.
struct Side<W: Wake> {
    poller: W::Poller,
    events: W::Events,
}

impl<W: Wake> Side<W> {
    /// `None` if it cannot spin.
    fn new(spin: Duration) -> Option<(Side<W>, W::Waker)> {
        let (mut poller, waker) = W::new();
        W::spin(&mut poller, spin).then(|| (Side { poller, events: W::events() }, waker))
    }

    /// Waits until it was asked so often, and an event said so.
    #[inline]
    fn wait(&mut self, asked: &AtomicUsize, round: usize) {
        let mut woken = false;
        while !woken || asked.load(Ordering::Acquire) < round {
            woken |= W::poll(&mut self.poller, &mut self.events) > 0;
        }
    }
}

#[inline]
fn ask<W: Wake>(waker: &W::Waker, asked: &AtomicUsize, round: usize) {
    asked.store(round, Ordering::Release);
    W::wake(waker);
}

/// Round trips before those that are measured: the threads are there, and so is their memory.
const WARM_UP: usize = 100;

fn trips<W: Wake>(rounds: usize, spin: Duration) -> Option<Outcome> {
    let (here_asked, there_asked) = (&AtomicUsize::new(0), &AtomicUsize::new(0));
    let (mut here, here_waker) = Side::<W>::new(spin)?;
    // It must outlive the last wait: with an eventfd, closing takes back what was not yet seen.
    let here_waker = &here_waker;
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            // Some pollers must stay in the thread that made them.
            let (mut there, there_waker) = Side::<W>::new(spin).unwrap();
            sender.send(there_waker).unwrap();
            for round in 1..=WARM_UP + rounds {
                there.wait(there_asked, round);
                ask::<W>(here_waker, here_asked, round);
            }
        });
        let there_waker = receiver.recv().unwrap();
        let mut trip = |round| {
            ask::<W>(&there_waker, there_asked, round);
            here.wait(here_asked, round);
        };
        (1..=WARM_UP).for_each(&mut trip);
        Some(Outcome::of(|| {
            (WARM_UP + 1..=WARM_UP + rounds).for_each(&mut trip);
            rounds as u64
        }))
    })
}

fn awake<W: Wake>(wakes: usize) -> Option<Outcome> {
    let (mut poller, waker) = W::new();
    let mut events = W::events();
    Some(Outcome::of(|| {
        for _ in 0..wakes {
            W::wake(&waker);
            let mut woken = 0;
            while woken == 0 {
                woken = W::poll(&mut poller, &mut events);
            }
            assert_eq!(woken, 1);
        }
        wakes as u64
    }))
}

fn storm<W: Wake>(threads: usize, wakes: usize) -> Option<Outcome> {
    let (mut poller, waker) = W::new();
    let mut events = W::events();
    let sent = &AtomicUsize::new(0);
    let waker = &waker;
    let mut woken = 0;
    Some(Outcome::of(|| {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(move || {
                    for _ in 0..wakes {
                        sent.fetch_add(1, Ordering::Relaxed);
                        W::wake(waker);
                    }
                });
            }
            // After the last wake there is at least one event: who waits for it does not wait for ever.
            while woken == 0 || sent.load(Ordering::Relaxed) < threads * wakes {
                woken += W::poll(&mut poller, &mut events);
            }
        });
        (threads * wakes) as u64
    }))
}
