//! A poller on a clock that the program drives: what each call does on each clock, the table of `Poller::set_clock`.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use mio_st::event::{Event, EventedId, Events, Ready};
use mio_st::poll::{Awakener, Clock, PollOption, Poller, Registrar};
use mio_st::unix::UnixStream;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
/// Short, since it is waited for.
const MOMENT: Duration = Duration::from_millis(5);
const DRIVEN: [Clock; 2] = [Clock::Paused, Clock::Automatic];
const DEADLINE: EventedId = EventedId(1);
const HANDLE: EventedId = EventedId(2);
const WAKE: EventedId = EventedId(3);

fn timer(id: EventedId) -> Event {
    Event::new(id, Ready::TIMER)
}

struct World {
    poller: Poller,
    events: Events,
    begin: Instant,
}

impl World {
    fn new(clock: Clock) -> World {
        let mut poller = Poller::new().unwrap();
        poller.set_clock(clock).unwrap();
        World { begin: poller.now(), poller, events: Events::new() }
    }

    fn poll(&mut self, timeout: Option<Duration>) -> Vec<Event> {
        self.poller.poll(&mut self.events, timeout).unwrap();
        self.events.iter().collect()
    }

    /// How much time has passed for the poller.
    fn passed(&self) -> Duration {
        self.poller.now() - self.begin
    }

    /// A handle that is ready, and the one that makes it so.
    fn readable(&mut self) -> (UnixStream, UnixStream) {
        let (mut stream, mut peer) = UnixStream::pair().unwrap();
        peer.write_all(b"x").unwrap();
        let interests = mio_st::poll::Interests::READABLE;
        self.poller.register(&mut stream, HANDLE, interests, PollOption::Level).unwrap();
        (stream, peer)
    }
}

// Behaviour 37
#[test]
fn a_poll_without_a_timeout_hands_out_what_there_is_on_each_clock() {
    for clock in [Clock::Monotonic, Clock::Paused, Clock::Automatic] {
        let mut world = World::new(clock);
        world.poller.add_timeout(DEADLINE, HOUR);
        assert_eq!(world.poll(Some(Duration::ZERO)), [], "{clock:?}");
        world.poller.add_timeout(DEADLINE, Duration::ZERO);
        let (_stream, _peer) = world.readable();
        world.poller.notify(WAKE, Ready::WRITABLE);
        let events = world.poll(Some(Duration::ZERO));
        let ids: Vec<_> = events.iter().map(Event::id).collect();
        assert_eq!(ids, [HANDLE, WAKE, DEADLINE], "{clock:?}");
        if clock != Clock::Monotonic {
            assert_eq!(world.passed(), Duration::ZERO);
        }
    }
}

// Behaviour 37
#[test]
fn on_a_paused_clock_a_timeout_is_real_and_no_time_passes() {
    let mut world = World::new(Clock::Paused);
    world.poller.add_timeout(DEADLINE, Duration::from_nanos(1));
    let really = Instant::now();
    assert_eq!(world.poll(Some(MOMENT)), []);
    assert!(really.elapsed() >= MOMENT);
    assert_eq!(world.passed(), Duration::ZERO);
    // Events of the system end the wait as ever.
    let (_stream, _peer) = world.readable();
    assert_eq!(world.poll(Some(HOUR))[0].id(), HANDLE);
    assert_eq!(world.poll(None)[0].id(), HANDLE);
    assert_eq!(world.passed(), Duration::ZERO);
}

// Behaviour 37
#[test]
fn on_an_automatic_clock_a_poll_jumps_to_the_deadline_or_the_end_of_its_timeout() {
    let mut world = World::new(Clock::Automatic);
    world.poller.add_timeout(DEADLINE, HOUR);
    assert_eq!(world.poll(Some(SECOND)), []);
    assert_eq!(world.passed(), SECOND);
    assert_eq!(world.poll(Some(2 * HOUR)), [timer(DEADLINE)]);
    assert_eq!(world.passed(), HOUR);
    assert_eq!(world.poll(Some(HOUR)), []);
    assert_eq!(world.passed(), 2 * HOUR);
    world.poller.add_timeout(DEADLINE, HOUR);
    assert_eq!(world.poll(None), [timer(DEADLINE)]);
    assert_eq!(world.passed(), 3 * HOUR);
    // What the system has comes first, and no time passes for it.
    world.poller.add_timeout(DEADLINE, HOUR);
    let (mut stream, _peer) = world.readable();
    for timeout in [Some(SECOND), Some(HOUR), None] {
        assert_eq!(world.poll(timeout)[0].id(), HANDLE);
    }
    assert_eq!(world.passed(), 3 * HOUR);
    let _ = stream.read(&mut [0; 8]).unwrap();
    assert_eq!(world.poll(None), [timer(DEADLINE)]);
    assert_eq!(world.passed(), 4 * HOUR);
}

// Behaviour 37
#[test]
fn with_nothing_to_jump_to_an_automatic_clock_waits_for_the_system() {
    let mut world = World::new(Clock::Automatic);
    let (mut stream, peer) = world.readable();
    let _ = stream.read(&mut [0; 8]).unwrap();
    for timeout in [None, Some(Duration::MAX)] {
        let events = thread::scope(|scope| {
            // A descriptor, since a stream does not leave its thread.
            let writer = peer.as_fd().try_clone_to_owned().unwrap();
            scope.spawn(move || {
                thread::sleep(MOMENT);
                std::fs::File::from(writer).write_all(b"y").unwrap();
            });
            world.poll(timeout)
        });
        assert_eq!(events[0].id(), HANDLE);
        let _ = stream.read(&mut [0; 8]).unwrap();
    }
    assert_eq!(world.passed(), Duration::ZERO);
}

// Behaviour 37
#[test]
fn a_poll_of_userspace_does_not_move_the_time() {
    for clock in DRIVEN {
        let mut world = World::new(clock);
        world.poller.add_timeout(DEADLINE, HOUR);
        world.poller.poll_userspace(&mut world.events);
        assert_eq!((world.events.len(), world.passed()), (0, Duration::ZERO), "{clock:?}");
        world.poller.advance(HOUR).unwrap();
        world.poller.poll_userspace(&mut world.events);
        assert_eq!((&mut world.events).next(), Some(timer(DEADLINE)));
        assert_eq!(world.passed(), HOUR);
    }
}

// Behaviour 37
#[test]
fn time_that_is_advanced_or_set_brings_deadlines_in_their_order() {
    for clock in DRIVEN {
        let mut world = World::new(clock);
        for hours in [3, 1, 2] {
            world.poller.add_timeout(EventedId(hours), hours as u32 * HOUR);
        }
        world.poller.advance(HOUR - Duration::from_nanos(1)).unwrap();
        assert_eq!(world.poll(Some(Duration::ZERO)), []);
        world.poller.advance(Duration::from_nanos(1)).unwrap();
        assert_eq!(world.poll(None), [timer(EventedId(1))]);
        // A timeout counts from now, a deadline is a time.
        world.poller.add_timeout(EventedId(4), HOUR);
        let end = world.poller.now() + 2 * HOUR;
        world.poller.add_deadline(EventedId(5), end);
        world.poller.set_time(end).unwrap();
        assert_eq!(world.poll(None), [2, 4, 3, 5].map(|id| timer(EventedId(id))), "{clock:?}");
        assert_eq!(world.passed(), 3 * HOUR);
    }
}

// Behaviour 37
#[test]
fn an_interval_keeps_its_phase_on_a_driven_clock() {
    for clock in DRIVEN {
        let mut world = World::new(clock);
        let key = world.poller.add_interval(DEADLINE, SECOND, SECOND);
        world.poller.advance(5 * SECOND / 2).unwrap();
        assert_eq!(world.poll(None), [timer(DEADLINE)]);
        assert_eq!(world.poller.next_wakeup(), Some(SECOND / 2), "{clock:?}");
        world.poller.advance(SECOND / 2).unwrap();
        assert_eq!(world.poll(None), [timer(DEADLINE)]);
        assert!(world.poller.cancel_deadline(key));
    }
    let mut world = World::new(Clock::Automatic);
    world.poller.add_interval(DEADLINE, SECOND, SECOND);
    for n in 1..100 {
        assert_eq!(world.poll(None), [timer(DEADLINE)]);
        assert_eq!(world.passed(), n * SECOND);
    }
}

// Behaviour 37
#[test]
fn a_deadline_is_moved_by_a_timeout_from_the_time_of_the_poller() {
    for clock in DRIVEN {
        let mut world = World::new(clock);
        let key = world.poller.add_timeout(DEADLINE, HOUR);
        world.poller.advance(SECOND).unwrap();
        assert!(world.poller.move_timeout(key, 2 * SECOND));
        assert_eq!(world.poller.next_wakeup(), Some(2 * SECOND), "{clock:?}");
        assert_eq!(world.poller.move_or_add_timeout(key, HANDLE, SECOND), key);
        assert_eq!(world.poller.next_wakeup(), Some(SECOND), "{clock:?}");
    }
}

// Behaviour 37
#[test]
fn the_next_wakeup_is_told_in_the_time_of_the_poller() {
    for clock in DRIVEN {
        let mut world = World::new(clock);
        assert_eq!(world.poller.next_wakeup(), None);
        world.poller.add_timeout(DEADLINE, HOUR);
        assert_eq!(world.poller.next_wakeup(), Some(HOUR));
        thread::sleep(MOMENT);
        assert_eq!(world.poller.next_wakeup(), Some(HOUR));
        world.poller.advance(2 * HOUR).unwrap();
        assert_eq!(world.poller.next_wakeup(), Some(Duration::ZERO));
    }
}

// Behaviour 37
#[test]
fn a_driven_clock_has_no_slack_unless_it_is_asked_for() {
    for clock in DRIVEN {
        let mut world = World::new(clock);
        let timeout = Duration::from_nanos(3_600_000_000_001);
        world.poller.add_timeout(DEADLINE, timeout);
        assert_eq!(world.poller.next_wakeup(), Some(timeout), "{clock:?}");
        world.poller.remove_deadline(DEADLINE);
        world.poller.set_deadline_slack(SECOND);
        world.poller.set_clock(clock).unwrap();
        world.poller.add_timeout(DEADLINE, timeout);
        let wakeup = world.poller.next_wakeup().unwrap();
        assert!(wakeup >= timeout && wakeup < timeout + SECOND, "{wakeup:?}");
    }
    // And the clock of the system has that of the beginning.
    let mut world = World::new(Clock::Paused);
    world.poller.set_clock(Clock::Monotonic).unwrap();
    let mut later = 0;
    for n in 1..100 {
        let now = Instant::now();
        let deadline = now + HOUR + n * Duration::from_micros(10);
        world.poller.add_deadline(DEADLINE, deadline);
        later += usize::from(now + world.poller.next_wakeup().unwrap() > deadline);
        world.poller.remove_deadline(DEADLINE);
    }
    assert!(later > 0);
}

// Behaviour 37
#[test]
fn time_goes_neither_backwards_nor_beyond_its_end_nor_where_it_is_the_systems() {
    let invalid = |result: io::Result<()>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
    };
    for clock in DRIVEN {
        let mut world = World::new(clock);
        invalid(world.poller.set_time(world.begin - Duration::from_nanos(1)));
        invalid(world.poller.advance(Duration::MAX));
        assert_eq!(world.passed(), Duration::ZERO);
        world.poller.set_time(world.begin).unwrap();
        world.poller.advance(Duration::ZERO).unwrap();
        assert_eq!(world.passed(), Duration::ZERO);
    }
    let mut world = World::new(Clock::Monotonic);
    invalid(world.poller.set_time(world.begin + HOUR));
    invalid(world.poller.advance(Duration::ZERO));
}

// Behaviour 37
#[test]
fn the_clock_is_changed_back_and_forth_with_deadlines_pending() {
    let mut world = World::new(Clock::Monotonic);
    world.poller.add_timeout(EventedId(7), HOUR);
    let (key, soon, begin) = loop {
        let soon = world.poller.now() + MOMENT;
        let key = world.poller.add_deadline(DEADLINE, soon);
        world.poller.set_clock(Clock::Paused).unwrap();
        let begin = world.poller.now();
        // A slow machine may let it pass before the clock stands still.
        if begin < soon {
            break (key, soon, begin);
        }
        assert!(world.poller.cancel_deadline(key));
        world.poller.set_clock(Clock::Monotonic).unwrap();
    };
    while Instant::now() <= soon {
        thread::sleep(MOMENT);
    }
    assert_eq!(world.poll(Some(Duration::ZERO)), []);
    assert_eq!(world.poller.now(), begin);
    // A driven clock goes on where the other one was.
    world.poller.advance(SECOND).unwrap();
    world.poller.set_clock(Clock::Automatic).unwrap();
    assert_eq!(world.poller.now(), begin + SECOND);
    assert_eq!(world.poll(None), [timer(DEADLINE)]);
    assert!(!world.poller.cancel_deadline(key));
    // Deadlines keep their times, whatever the time is.
    let late = world.poller.now() + HOUR / 2;
    world.poller.add_deadline(EventedId(8), late);
    world.poller.advance(HOUR / 4).unwrap();
    world.poller.set_clock(Clock::Monotonic).unwrap();
    assert!(world.poller.now() < begin + HOUR / 4);
    assert_eq!(world.poll(Some(Duration::ZERO)), []);
    let soon = world.poller.now() + MOMENT;
    world.poller.add_deadline(EventedId(9), soon);
    assert_eq!(world.poll(None), [timer(EventedId(9))]);
    assert!(Instant::now() >= soon);
    world.poller.set_clock(Clock::Automatic).unwrap();
    assert_eq!(world.poll(None), [timer(EventedId(8))]);
    assert_eq!(world.poller.now(), late);
    assert_eq!(world.poll(None), [timer(EventedId(7))]);
}

// Behaviour 37
#[test]
fn an_awakener_wakes_a_poll_on_each_clock() {
    for clock in [Clock::Monotonic, Clock::Paused, Clock::Automatic] {
        let mut world = World::new(clock);
        let awakener = Awakener::new(&mut world.poller, WAKE).unwrap();
        let thread = thread::spawn(move || {
            thread::sleep(MOMENT);
            awakener.wake().unwrap();
        });
        assert_eq!(world.poll(None), [Event::new(WAKE, Ready::READABLE)], "{clock:?}");
        thread.join().unwrap();
    }
}

// Behaviour 37
#[test]
fn time_does_not_jump_while_a_wake_is_pending() {
    let mut world = World::new(Clock::Automatic);
    let awakener = Awakener::new(&mut world.poller, WAKE).unwrap();
    let (ask, asked) = mpsc::channel::<()>();
    let (answer, answered) = mpsc::channel();
    let thread = thread::spawn(move || {
        for () in asked {
            awakener.wake().unwrap();
            answer.send(()).unwrap();
        }
    });
    for n in 1..=1000 {
        world.poller.add_timeout(DEADLINE, SECOND);
        ask.send(()).unwrap();
        answered.recv().unwrap();
        assert_eq!(world.poll(None), [Event::new(WAKE, Ready::READABLE)]);
        assert_eq!(world.poll(None), [timer(DEADLINE)]);
        assert_eq!(world.passed(), n * SECOND);
    }
    drop(ask);
    thread.join().unwrap();
}

// Behaviour 37
#[test]
fn a_driven_clock_does_not_spin() {
    let mut world = World::new(Clock::Automatic);
    world.poller.set_spin(HOUR);
    world.poller.add_timeout(DEADLINE, HOUR);
    let really = Instant::now();
    assert_eq!(world.poll(None), [timer(DEADLINE)]);
    assert!(really.elapsed() < HOUR / 2);
}

// Behaviour 37
#[test]
fn any_number_of_deadlines_comes_in_order_one_jump_each() {
    let mut world = World::new(Clock::Automatic);
    const COUNT: u64 = 10_000;
    for n in 0..COUNT {
        let millis = n * 7919 % COUNT;
        world.poller.add_timeout(EventedId(millis as usize), Duration::from_millis(millis));
    }
    for n in 0..COUNT {
        assert_eq!(world.poll(None), [timer(EventedId(n as usize))]);
        assert_eq!(world.passed(), Duration::from_millis(n));
    }
}

// Behaviour 38
#[test]
fn handles_that_are_ready_at_once_come_in_the_order_of_their_registration() {
    for clock in DRIVEN {
        let mut world = World::new(clock);
        let mut pairs: Vec<_> = (0..100).map(|_| UnixStream::pair().unwrap()).collect();
        let interests = mio_st::poll::Interests::READABLE;
        let id = |n: usize| EventedId(n * 7919 % 100);
        let registrar = Registrar::new(&mut world.poller).unwrap();
        for (n, (stream, _)) in pairs.iter_mut().enumerate() {
            if n % 2 == 0 {
                world.poller.register(stream, id(n), interests, PollOption::Edge).unwrap();
            } else {
                registrar.register(&*stream, id(n), interests, PollOption::Edge).unwrap();
            }
        }
        // One that is reregistered keeps its place, one that is registered anew goes to the end.
        let (stream, _) = &mut pairs[10];
        world.poller.reregister(stream, id(10), interests, PollOption::Edge).unwrap();
        let (stream, _) = &mut pairs[20];
        world.poller.deregister(stream).unwrap();
        world.poller.register(stream, id(20), interests, PollOption::Edge).unwrap();
        for n in 0..100 {
            pairs[n * 31 % 100].1.write_all(b"x").unwrap();
        }
        let ids: Vec<_> = world.poll(None).iter().map(Event::id).collect();
        let expected = (0..100).filter(|n| *n != 20).chain([20]).map(id);
        assert_eq!(ids, expected.collect::<Vec<_>>(), "{clock:?}");
    }
}

/// A day of a server and its clients, in one process.
mod day {
    use super::*;
    use std::collections::VecDeque;
    use std::hash::{DefaultHasher, Hash, Hasher};

    use mio_st::poll::DeadlineKey;

    /// The simulator of kqueue asks the system of each of them, at each poll.
    pub const CLIENTS: usize = if cfg!(kqueue_simulated) { 50 } else { 1_000 };
    const DAY: Duration = Duration::from_secs(86_400);
    const IDLE: Duration = Duration::from_secs(30 * 60);
    const WORK: Duration = Duration::from_millis(20);

    /// A client has the id of its number, its connection at the server this more, the deadlines so much more again.
    const SERVER: usize = CLIENTS;
    const CLIENT_TIMER: usize = 2 * CLIENTS;
    const IDLE_TIMER: usize = 3 * CLIENTS;
    const WORK_TIMER: usize = 4 * CLIENTS;
    const END: usize = 5 * CLIENTS;

    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % limit
        }
    }

    struct Connection {
        client: UnixStream,
        server: UnixStream,
        idle: DeadlineKey,
        requests: VecDeque<u8>,
    }

    #[derive(Debug, Default, Eq, PartialEq)]
    pub struct Diary {
        hash: u64,
        pub events: u64,
        pub answers: u64,
        pub closed: u64,
        pub passed: Duration,
    }

    fn connect(poller: &mut Poller, n: usize) -> Connection {
        let (mut client, mut server) = UnixStream::pair().unwrap();
        let interests = mio_st::poll::Interests::READABLE;
        poller.register(&mut server, EventedId(SERVER + n), interests, PollOption::Edge).unwrap();
        poller.register(&mut client, EventedId(n), interests, PollOption::Edge).unwrap();
        let idle = poller.add_timeout(EventedId(IDLE_TIMER + n), IDLE);
        Connection { client, server, idle, requests: VecDeque::new() }
    }

    pub fn live(seed: u64) -> Diary {
        let mut random = Random(seed);
        let mut poller = Poller::new().unwrap();
        poller.set_clock(Clock::Automatic).unwrap();
        let begin = poller.now();
        let mut events = Events::new();
        let mut hash = DefaultHasher::new();
        let mut diary = Diary::default();
        let mut connections: Vec<_> = (0..CLIENTS).map(|_| None).collect();
        let pause = |random: &mut Random| Duration::from_millis(random.below(4 * 3_600_000));
        for n in 0..CLIENTS {
            poller.add_timeout(EventedId(CLIENT_TIMER + n), pause(&mut random));
        }
        poller.add_timeout(EventedId(END), DAY);
        loop {
            poller.poll(&mut events, None).unwrap();
            let now = poller.now();
            for event in &mut events {
                diary.events += 1;
                ((now - begin).as_nanos(), event).hash(&mut hash);
                let (what, n) = (event.id().0 / CLIENTS * CLIENTS, event.id().0 % CLIENTS);
                if what == END {
                    diary.hash = hash.finish();
                    diary.passed = now - begin;
                    return diary;
                }
                if what == CLIENT_TIMER {
                    let connection = connections[n].get_or_insert_with(|| connect(&mut poller, n));
                    // Some at the same time as others, so that handles are ready at once.
                    let request = random.below(256) as u8;
                    connection.client.write_all(&[request]).unwrap();
                    let next = pause(&mut random).as_secs().next_multiple_of(60);
                    let until = begin + (now - begin + Duration::from_secs(next));
                    poller.add_deadline(event.id(), until);
                    continue;
                }
                let Some(connection) = &mut connections[n] else { continue };
                let mut buffer = [0; 64];
                match what {
                    SERVER => {
                        while let Ok(count @ 1..) = connection.server.read(&mut buffer) {
                            connection.requests.extend(&buffer[..count]);
                            poller.add_timeout(EventedId(WORK_TIMER + n), WORK);
                            assert!(poller.move_deadline(connection.idle, now + IDLE));
                        }
                    }
                    WORK_TIMER => {
                        while let Some(request) = connection.requests.pop_front() {
                            connection.server.write_all(&[!request]).unwrap();
                        }
                    }
                    IDLE_TIMER => {
                        diary.closed += 1;
                        connections[n] = None;
                    }
                    _ => {
                        while let Ok(count @ 1..) = connection.client.read(&mut buffer) {
                            buffer[..count].hash(&mut hash);
                            diary.answers += count as u64;
                        }
                    }
                }
            }
        }
    }
}

// Behaviour 38
#[test]
fn a_day_of_a_servers_life_takes_seconds_and_is_twice_the_same() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limits are those of this process, and valid memory.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        limit.rlim_cur = limit.rlim_cur.max(4096.min(limit.rlim_max));
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
    }
    let first = day::live(1);
    println!("{first:?}");
    assert!(first.answers > 10 * day::CLIENTS as u64, "{first:?}");
    assert!(first.closed > day::CLIENTS as u64, "{first:?}");
    assert_eq!(first.passed, Duration::from_secs(86_400));
    assert_eq!(day::live(1), first);
}
