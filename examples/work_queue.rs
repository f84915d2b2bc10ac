//! Work that takes long is done by another thread, and the event loop goes on meanwhile. The thread puts
//! what it has done into a queue and wakes the poller.
//!
//! It counts primes, and prints a dot at every tick of an interval to show that the loop is not held up.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use mio_st::poll::{Awakener, Poller};
use mio_st::{EventedId, Events};

mod testing;

const DONE: EventedId = EventedId(0);
const TICK: EventedId = EventedId(1);

const JOBS: [u32; 4] = [100_000, 200_000, 300_000, 400_000];

fn main() -> io::Result<()> {
    let mut poller = Poller::new()?;
    testing::look_for_mistakes(&mut poller)?;
    let mut events = Events::new();
    let awakener = Awakener::new(&mut poller, DONE)?;

    let (jobs, jobs_to_do) = mpsc::channel();
    let (results, results_done) = mpsc::channel();
    let worker = thread::spawn(move || work(jobs_to_do, results, awakener));
    for job in JOBS {
        jobs.send(job).expect("the worker is there");
    }

    let tick = Duration::from_millis(10);
    poller.add_interval(TICK, tick, tick);
    let mut left = JOBS.len();
    while left > 0 {
        poller.poll(&mut events, None)?;
        testing::print_complaints(&mut poller);
        for event in &mut events {
            match event.id() {
                // Wakes are coalesced: after one event there may be many results, so the whole queue is
                // emptied. There may also be none.
                DONE => {
                    for (limit, primes) in results_done.try_iter() {
                        println!("\n{primes} primes below {limit}");
                        left -= 1;
                    }
                }
                _ => {
                    print!(".");
                    io::stdout().flush()?;
                }
            }
        }
    }

    // The worker ends when nobody can send it jobs.
    drop(jobs);
    worker.join().expect("the worker does not panic");
    Ok(())
}

fn work(jobs: Receiver<u32>, results: Sender<(u32, usize)>, awakener: Awakener) {
    for limit in jobs {
        let result = (limit, primes_below(limit));
        // First the queue, then the wake: who is woken finds it there. If the loop is gone, nobody wants
        // the result.
        if results.send(result).is_err() || awakener.wake().is_err() {
            return;
        }
    }
}

fn primes_below(limit: u32) -> usize {
    let is_prime = |n: &u32| (2..).take_while(|d| d * d <= *n).all(|d| n % d != 0);
    (2..limit).filter(is_prime).count()
}
