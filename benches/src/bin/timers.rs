//! Deadlines through the interface, a thousand of them far ahead, on the system's clock, for the budgets: how long it
//! takes beside peers is measured by `deadlines`.
//!
//! `timers CONTENDER rearm|add-cancel|expire COUNT`

use std::hint::black_box;
use std::time::Duration;

use mio_st::event::{EventedId, Events};
use mio_st::poll::Poller;
use mio_st_benches::{Args, Outcome};

const LIVE: usize = 1_000;
const BATCH: usize = 64;
const AHEAD: Duration = Duration::from_secs(30);

fn main() {
    let (contender, mut args) = Args::new();
    let (what, count) = (args.word("what"), args.number("count"));
    Outcome::print(match contender.as_str() {
        "mio-st" => Some(timers(&what, count)),
        _ => None,
    })
}

/// An operation is a deadline that is moved; or one that is added and cancelled; or one that is added when its time
/// has come, and handed out by a poll with others.
fn timers(what: &str, count: usize) -> Outcome {
    let mut poller = Poller::with_capacity(LIVE + BATCH, 0).unwrap();
    let mut events = Events::with_capacity(BATCH);
    let now = poller.now();
    let keys: Vec<_> = (0..LIVE).map(|i| poller.add_deadline(EventedId(i), now + AHEAD)).collect();
    let mut done = 0;
    let outcome = Outcome::of(|| {
        for _ in 0..count / BATCH {
            match what {
                "rearm" => {
                    poller.poll_userspace(&mut events);
                    let now = poller.now();
                    for i in 0..BATCH {
                        assert!(poller.move_deadline(keys[(done + i) % LIVE], now + AHEAD));
                    }
                    done += BATCH;
                }
                "add-cancel" => {
                    poller.poll_userspace(&mut events);
                    let now = poller.now();
                    let added: [_; BATCH] = std::array::from_fn(|i| {
                        poller.add_deadline(EventedId(LIVE + i), now + AHEAD)
                    });
                    for key in added {
                        assert!(poller.cancel_deadline(key));
                    }
                    done += BATCH;
                }
                "expire" => {
                    let now = poller.now();
                    for i in 0..BATCH {
                        black_box(poller.add_deadline(EventedId(LIVE + i), now));
                    }
                    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
                    done += events.iter().filter(|event| event.id().0 >= LIVE).count();
                }
                other => panic!("no such thing: {other}"),
            }
        }
        done as u64
    });
    assert_eq!(done, count / BATCH * BATCH);
    outcome
}
