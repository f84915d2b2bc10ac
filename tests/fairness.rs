//! No source starves another, whatever the capacity, and each source is in order.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use mio_st::event::Event;
use mio_st::poll::Interests;
use mio_st::unix::EventedFd;
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

/// Ids tell the kind: from these on, numbered.
const SYSTEM: usize = 0;
const NOTIFICATION: usize = 1_000_000;
const DEADLINE: usize = 2_000_000;
const KINDS: [usize; 3] = [SYSTEM, NOTIFICATION, DEADLINE];

fn kind_of(event: &Event) -> usize {
    event.id().0 / NOTIFICATION
}

/// What happens before a poll.
#[derive(Clone, Debug)]
struct Step {
    notifications: usize,
    deadlines: usize,
    /// A poll of user space, which must not take away the turn of anybody in a poll of everything.
    userspace: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        (0..5usize, 0..5usize, any::<bool>()).prop_map(|(notifications, deadlines, userspace)| {
            Step { notifications, deadlines, userspace }
        });
    prop::collection::vec(step, 3..40)
}

/// A poller with ready handles, and what waits there.
struct Flood {
    poller: Poller,
    _pairs: Vec<(UnixStream, UnixStream)>,
    handles: usize,
    /// Sent and seen of each kind; the events of handles never end.
    sent: [usize; 3],
    seen: [usize; 3],
    past: Instant,
}

impl Flood {
    fn new(handles: usize) -> Flood {
        let mut poller = Poller::new().unwrap();
        let pairs: Vec<_> = (0..handles).map(|_| UnixStream::pair().unwrap()).collect();
        for (id, (ours, peer)) in pairs.iter().enumerate() {
            (&*peer).write_all(b"x").unwrap();
            let mut handle = EventedFd::new(ours);
            let id = EventedId(SYSTEM + id);
            poller.register(&mut handle, id, Interests::READABLE, PollOption::Level).unwrap();
        }
        let past = Instant::now() - Duration::from_millis(1);
        Flood { poller, _pairs: pairs, handles, sent: [0; 3], seen: [0; 3], past }
    }

    fn send(&mut self, step: &Step) {
        for _ in 0..step.notifications {
            self.poller.notify(EventedId(NOTIFICATION + self.sent[1]), Ready::WRITABLE);
            self.sent[1] += 1;
        }
        for _ in 0..step.deadlines {
            self.poller.add_deadline(EventedId(DEADLINE + self.sent[2]), self.past);
            self.sent[2] += 1;
        }
    }

    fn waits(&self, kind: usize) -> bool {
        if kind == 0 { self.handles > 0 } else { self.sent[kind] > self.seen[kind] }
    }

    /// Takes note of the events of a poll; returns which kinds were served.
    fn take(&mut self, events: &mut Events) -> [bool; 3] {
        let mut served = [false; 3];
        for event in events {
            let kind = kind_of(&event);
            served[kind] = true;
            if kind > 0 {
                // First come, first served.
                assert_eq!(event.id().0, KINDS[kind] + self.seen[kind]);
                self.seen[kind] += 1;
            }
        }
        served
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    // Behaviour 15
    #[test]
    fn each_kind_that_waits_is_served_in_any_three_polls(
        capacity in 1..8usize,
        handles in 0..4usize,
        steps in steps(),
        userspace in any::<bool>(),
    ) {
        let mut flood = Flood::new(handles);
        let mut events = Events::with_capacity(capacity);
        // For how many polls each kind has waited, polls of everything and of user space apart.
        let mut unserved = [0; 3];
        let mut unserved_in_userspace = [0; 3];
        for step in &steps {
            flood.send(step);
            let waiting = [0, 1, 2].map(|kind| flood.waits(kind));
            let in_userspace = userspace && step.userspace;
            if in_userspace {
                flood.poller.poll_userspace(&mut events);
            } else {
                flood.poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
            }
            let served = flood.take(&mut events);
            let count = if in_userspace { &mut unserved_in_userspace } else { &mut unserved };
            for kind in [0, 1, 2] {
                if served[kind] || !waiting[kind] || (in_userspace && kind == 0) {
                    count[kind] = 0;
                } else {
                    count[kind] += 1;
                }
                prop_assert!(count[kind] < 3, "kind {kind} was not served in three polls");
            }
        }
        // What is left comes, and nothing else.
        for _ in 0..1000 {
            flood.poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
            flood.take(&mut events);
        }
        prop_assert_eq!(flood.seen, flood.sent);
    }
}

// Behaviour 15
#[test]
fn at_a_capacity_of_one_a_flood_of_everything_is_served_in_turn() {
    for userspace in [false, true] {
        let mut flood = Flood::new(3);
        let mut events = Events::with_capacity(1);
        let mut counts = [0; 3];
        for poll in 0..99 {
            flood.send(&Step { notifications: 3, deadlines: 3, userspace });
            flood.poller.poll(&mut events, None).unwrap();
            assert_eq!(events.len(), 1, "poll {poll}");
            let served = flood.take(&mut events);
            (0..3).for_each(|kind| counts[kind] += usize::from(served[kind]));
            if userspace {
                flood.poller.poll_userspace(&mut events);
                assert_eq!(events.len(), 1);
                flood.take(&mut events);
            }
        }
        assert_eq!(counts, [33; 3]);
    }
}

// Behaviour 15
#[test]
fn ready_handles_are_served_in_turn() {
    let mut flood = Flood::new(10);
    let mut events = Events::with_capacity(3);
    let mut counts = [0; 10];
    for _ in 0..10 {
        flood.poller.poll(&mut events, None).unwrap();
        for event in &mut events {
            counts[event.id().0] += 1;
        }
    }
    assert_eq!(counts, [3; 10]);
}
