//! Wakes: so many round trips between two threads, of which each waits in its poller until the other
//! wakes it; or a storm of wakes from many threads on one poller. An operation is a round trip, or a wake.
//!
//! `wake CONTENDER trips ROUNDS`, `wake CONTENDER storm THREADS WAKES`, with WAKES those of each thread

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use mio_st_benches::{Args, Mio, MioSt, MioSt022, Outcome, Polling, Raw, Wake, c};

fn main() {
    let (contender, mut args) = Args::new();
    let what = args.word("what");
    Outcome::print(match what.as_str() {
        "trips" => {
            let rounds = args.number("rounds");
            match contender.as_str() {
                "raw-rust" => trips::<Raw>(rounds),
                "mio" => trips::<Mio>(rounds),
                "polling" => trips::<Polling>(rounds),
                "mio-st-0.2.2" => trips::<MioSt022>(rounds),
                "mio-st" => trips::<MioSt>(rounds),
                name => c::contender(name).wake(rounds),
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
                name => c::contender(name).storm(threads, wakes),
            }
        }
        other => panic!("neither trips nor storm: {other}"),
    })
}

/// Where one side of the round trips waits: how often it was asked for, and whom to wake.
struct Side<W: Wake> {
    poller: W::Poller,
    events: W::Events,
}

impl<W: Wake> Side<W> {
    fn new() -> (Side<W>, W::Waker) {
        let (poller, waker) = W::new();
        (Side { poller, events: W::events() }, waker)
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

fn trips<W: Wake>(rounds: usize) -> Option<Outcome> {
    let (here_asked, there_asked) = (&AtomicUsize::new(0), &AtomicUsize::new(0));
    let (mut here, here_waker) = Side::<W>::new();
    // It must outlive the last wait: with an eventfd, closing takes back what was not yet seen.
    let here_waker = &here_waker;
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            // Some pollers must stay in the thread that made them.
            let (mut there, there_waker) = Side::<W>::new();
            sender.send(there_waker).unwrap();
            for round in 1..=rounds {
                there.wait(there_asked, round);
                ask::<W>(here_waker, here_asked, round);
            }
        });
        let there_waker = receiver.recv().unwrap();
        Some(Outcome::of(|| {
            for round in 1..=rounds {
                ask::<W>(&there_waker, there_asked, round);
                here.wait(here_asked, round);
            }
            rounds as u64
        }))
    })
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
