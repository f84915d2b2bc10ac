//! A TCP relay: whoever connects is connected on to a server, and bytes go both ways.
//!
//! ```text
//! $ cargo run --example relay -- 127.0.0.1:7000 127.0.0.1:9000
//! $ nc 127.0.0.1 7000
//! ```
//!
//! A third argument is after how many milliseconds without a byte both ends are closed; 30,000 otherwise.
//!
//! Nothing is read from one end before the last was written to the other, so that a reader that is slow slows
//! down its writer, and no memory grows. An end of one direction is passed on, and the other one goes on.
//! Everything else that ends a connection ends both of its halves with a reset, so that nobody takes it for the
//! end.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::ops::Range;
use std::time::{Duration, Instant};

use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{DeadlineKey, PollOption, Poller};
use mio_st::unix::{Signal, Signals};
use mio_st::{EventedId, Events, Ready};

mod testing;

const LISTENER: EventedId = EventedId(0);
const SIGNALS: EventedId = EventedId(1);
const CLOCK: EventedId = EventedId(2);

/// A connection has two ids, which are never used again: its key, and that of its deadline.
const IDS: usize = 2;
const IDLE: usize = 1;
const FIRST: usize = 3;

const BUFFER_SIZE: usize = 16 * 1024;
/// How often one is read from before the others have their turn.
const TURN: usize = 16;

/// One end of a connection, and what was read from it and is not written to the other one yet.
struct End {
    stream: TcpStream,
    waiting: Range<usize>,
    /// The end of the stream was read.
    read_all: bool,
    /// And passed on.
    done: bool,
    buffer: Box<[u8; BUFFER_SIZE]>,
}

struct Relayed {
    client: End,
    server: End,
    connected: bool,
    idle: DeadlineKey,
    until: Instant,
}

enum Next {
    Wait,
    /// There is more to do, after the others.
    GoOn,
    End,
}

struct Relay {
    poller: Poller,
    listener: TcpListener,
    server: SocketAddr,
    idle_time: Duration,
    all: HashMap<usize, Relayed>,
    next: usize,
    /// To be accepted.
    some_wait: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, address, server, rest @ ..] = &arguments[..] else {
        return Err("usage: relay ADDRESS SERVER [MILLISECONDS]".into());
    };
    let idle_time = rest.first().map_or(Ok(30_000), |time| time.parse())?;

    let mut poller = Poller::new()?;
    testing::look_for_mistakes(&mut poller)?;
    testing::drive_clock(&mut poller, CLOCK)?;
    let mut events = Events::new();
    let mut signals = Signals::new([Signal::SIGINT, Signal::SIGTERM])?;
    poller.register(&mut signals, SIGNALS, Signals::INTERESTS, PollOption::Edge)?;
    let mut relay = Relay {
        poller,
        listener: TcpListener::bind(address.parse()?)?,
        server: server.parse()?,
        idle_time: Duration::from_millis(idle_time),
        all: HashMap::new(),
        next: FIRST,
        some_wait: false,
    };
    relay.register_listener()?;
    println!("listening on {}", relay.listener.local_addr()?);

    loop {
        relay.poller.poll(&mut events, None)?;
        testing::print_complaints(&mut relay.poller);
        for event in &mut events {
            match event.id() {
                LISTENER => relay.accept()?,
                SIGNALS if signals.receive()?.is_some() => return Ok(()),
                SIGNALS => {}
                CLOCK => testing::move_time(&mut relay.poller)?,
                EventedId(id) => relay.on_event(id, event.readiness())?,
            }
        }
    }
}

impl Relay {
    /// By level: whoever could not be accepted is reported again.
    fn register_listener(&mut self) -> io::Result<()> {
        self.poller.register(
            &mut self.listener,
            LISTENER,
            TcpListener::INTERESTS,
            PollOption::Level,
        )
    }

    fn accept(&mut self) -> io::Result<()> {
        match self.listener.accept() {
            // What cannot be relayed, such as for want of descriptors, is reset.
            Ok((client, _)) => self.start(client).or(Ok(())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(_) if !self.all.is_empty() => {
                // Most likely too many descriptors are open, and each poll would return at once.
                self.some_wait = true;
                self.poller.deregister(&mut self.listener)
            }
            Err(_) => Ok(()),
        }
    }

    /// A reset is what closing does, unless both directions have ended.
    fn start(&mut self, mut client: TcpStream) -> io::Result<()> {
        client.set_linger(Some(Duration::ZERO))?;
        let mut server = TcpStream::connect(self.server)?;
        server.set_linger(Some(Duration::ZERO))?;
        let id = self.next;
        let poller = &mut self.poller;
        poller.register(&mut client, EventedId(id), TcpStream::INTERESTS, PollOption::Edge)?;
        poller.register(&mut server, EventedId(id), TcpStream::INTERESTS, PollOption::Edge)?;
        let until = poller.now() + self.idle_time;
        let idle = poller.add_deadline(EventedId(id + IDLE), until);
        let [client, server] = [client, server].map(End::new);
        self.all.insert(id, Relayed { client, server, connected: false, idle, until });
        self.next += IDS;
        Ok(())
    }

    fn on_event(&mut self, id: usize, ready: Ready) -> io::Result<()> {
        let key = id - (id - FIRST) % IDS;
        // An event may come late, after its connection was closed.
        let Some(relayed) = self.all.get_mut(&key) else { return Ok(()) };
        let mut moved = false;
        let next = match id - key {
            IDLE if relayed.until > self.poller.now() => Next::Wait, // a byte came in the same batch
            IDLE => Next::End,
            // An error is found by reading; but nothing is read while the other end has no room.
            _ if ready.is_error() => Next::End,
            _ => relayed.go_on(&mut moved).unwrap_or(Next::End),
        };
        if moved {
            relayed.until = self.poller.now() + self.idle_time;
            if !self.poller.move_deadline(relayed.idle, relayed.until) {
                relayed.idle = self.poller.add_deadline(EventedId(key + IDLE), relayed.until);
            }
        }
        match next {
            Next::Wait => {}
            Next::GoOn => self.poller.notify(EventedId(key), Ready::WRITABLE),
            Next::End => return self.end(key),
        }
        Ok(())
    }

    fn end(&mut self, key: usize) -> io::Result<()> {
        let Some(relayed) = self.all.remove(&key) else { return Ok(()) };
        self.poller.cancel_deadline(relayed.idle);
        for end in [relayed.client, relayed.server] {
            self.poller.close(end.stream)?;
        }
        if std::mem::take(&mut self.some_wait) { self.register_listener() } else { Ok(()) }
    }
}

impl Relayed {
    /// Goes on with both directions: by edge, whatever was told.
    fn go_on(&mut self, moved: &mut bool) -> io::Result<Next> {
        self.connected = self.connected || self.server.stream.connected()?;
        if !self.connected {
            return Ok(Next::Wait);
        }
        let up = self.client.go_on(&mut self.server, moved)?;
        let down = self.server.go_on(&mut self.client, moved)?;
        if self.client.done && self.server.done {
            for end in [&self.client, &self.server] {
                end.stream.set_linger(None)?;
            }
            return Ok(Next::End);
        }
        Ok(if up || down { Next::GoOn } else { Next::Wait })
    }
}

impl End {
    fn new(stream: TcpStream) -> End {
        End {
            stream,
            waiting: 0..0,
            read_all: false,
            done: false,
            buffer: Box::new([0; BUFFER_SIZE]),
        }
    }

    /// Goes on in one direction until it cannot, or others have their turn: then it is true.
    fn go_on(&mut self, to: &mut End, moved: &mut bool) -> io::Result<bool> {
        for _ in 0..TURN {
            match self.step(to) {
                Ok(true) => *moved = true,
                Ok(false) => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Writes what was read, or passes on the end, or reads. False when it is done.
    fn step(&mut self, to: &mut End) -> io::Result<bool> {
        if !self.waiting.is_empty() {
            self.waiting.start += to.stream.write(&self.buffer[self.waiting.clone()])?;
        } else if self.read_all {
            if !self.done {
                to.stream.shutdown(Shutdown::Write)?;
            }
            self.done = true;
            return Ok(false);
        } else {
            self.waiting = 0..self.stream.read(&mut self.buffer[..])?;
            self.read_all = self.waiting.is_empty();
        }
        Ok(true)
    }
}
