//! A poll that looks again before it sleeps.

mod unix_support;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use mio_st::event::Event;
use mio_st::poll::Interests;
use mio_st::unix::EventedFd;
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

use unix_support::LONG;

const FOR_HOURS: Duration = Duration::from_secs(36_000);

fn spinning() -> Poller {
    let mut poller = Poller::new().unwrap();
    poller.set_spin(FOR_HOURS);
    poller
}

fn poll(poller: &mut Poller, timeout: Option<Duration>) -> Vec<Event> {
    let mut events = Events::new();
    poller.poll(&mut events, timeout).unwrap();
    events.collect()
}

// Behaviour 12
#[test]
fn spinning_ends_with_the_timeout_and_with_the_next_deadline() {
    let mut poller = spinning();
    let timeout = Duration::from_millis(5);
    let start = Instant::now();
    assert_eq!(poll(&mut poller, Some(timeout)), []);
    assert!(start.elapsed() >= timeout);
    let start = Instant::now();
    poller.add_timeout(EventedId(1), timeout);
    assert_eq!(poll(&mut poller, Some(LONG)), [Event::new(EventedId(1), Ready::TIMER)]);
    assert!(start.elapsed() >= timeout);
    assert_eq!(poll(&mut poller, Some(Duration::ZERO)), []);
    poller.notify(EventedId(2), Ready::READABLE);
    assert_eq!(poll(&mut poller, None), [Event::new(EventedId(2), Ready::READABLE)]);
}

// Behaviour 12
#[test]
fn spinning_ends_with_an_event_and_goes_over_to_sleep() {
    for spin in [FOR_HOURS, Duration::from_micros(50), Duration::ZERO] {
        let mut poller = Poller::new().unwrap();
        poller.set_spin(spin);
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut handle = EventedFd::new(&theirs);
        poller.register(&mut handle, EventedId(3), Interests::READABLE, PollOption::Level).unwrap();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(10));
            ours.write_all(b"x").unwrap();
            ours
        });
        let events = poll(&mut poller, Some(LONG));
        assert_eq!(events, [Event::new(EventedId(3), Ready::READABLE)], "{spin:?}");
        writer.join().unwrap();
    }
}
