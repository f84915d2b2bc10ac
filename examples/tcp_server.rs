//! An echo server: it writes back what it reads. To try it:
//!
//! ```text
//! $ cargo run --example tcp_server -- 127.0.0.1:7000
//! $ nc 127.0.0.1 7000
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Read, Write};

use mio_st::event::{EventedId, Events, Ready};
use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{PollOption, Poller};

mod testing;

/// The id of the listener. Connections count from 1 and never use an id twice, so that an event which
/// comes late, after its connection was closed, finds nobody instead of somebody else.
const SERVER: EventedId = EventedId(0);

/// How often a connection is read from before the others have their turn.
const TURN: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:0".into());

    let mut poller = Poller::new()?;
    testing::look_for_mistakes(&mut poller)?;
    let mut events = Events::new();

    let mut server = TcpListener::bind(address.parse()?)?;
    poller.register(&mut server, SERVER, TcpListener::INTERESTS, PollOption::Level)?;
    println!("listening on {}", server.local_addr()?);

    let mut connections = HashMap::new();
    let mut last_id = SERVER;
    let mut some_wait = false;

    loop {
        poller.poll(&mut events, None)?;
        testing::print_complaints(&mut poller);
        for event in &mut events {
            match event.id() {
                SERVER => {
                    let id = EventedId(last_id.0 + 1);
                    match accept(&server, &mut poller, id) {
                        Ok(connection) => {
                            connections.insert(id, connection);
                            last_id = id;
                        }
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        // Most likely too many open descriptors: they wait until a connection closes. Each poll
                        // would tell of them at once.
                        Err(_) => {
                            poller.deregister(&mut server)?;
                            some_wait = true;
                        }
                    }
                }
                id => {
                    let Some(connection) = connections.get_mut(&id) else { continue };
                    match connection.echo(event.readiness()) {
                        Next::Wait => {}
                        // The rest of an edge is not reported again, unless it is asked for.
                        Next::GoOn => {
                            let stream = &mut connection.stream;
                            poller.reregister(
                                stream,
                                id,
                                TcpStream::INTERESTS,
                                PollOption::Edge,
                            )?;
                        }
                        Next::Close => {
                            connections.remove(&id);
                            // Now there is the free descriptor that `accept` lacked.
                            if std::mem::take(&mut some_wait) {
                                let interests = TcpListener::INTERESTS;
                                poller.register(
                                    &mut server,
                                    SERVER,
                                    interests,
                                    PollOption::Level,
                                )?;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Accepts one client. The listener is level-triggered, so that whoever else waits is reported again: there is no
/// `accept` that only says `WouldBlock`, which costs more than one that succeeds.
fn accept(server: &TcpListener, poller: &mut Poller, id: EventedId) -> io::Result<Connection> {
    let (mut stream, _) = server.accept()?;
    poller.register(&mut stream, id, TcpStream::INTERESTS, PollOption::Edge)?;
    Ok(Connection::new(stream))
}

struct Connection {
    stream: TcpStream,
    /// There may be something to read.
    readable: bool,
    /// The client sends no more: after what is there comes the end.
    read_closed: bool,
    /// What was read and not yet written is `buffer[start..end]`.
    buffer: [u8; 4096],
    start: usize,
    end: usize,
}

enum Next {
    GoOn,
    Wait,
    Close,
}

impl Connection {
    fn new(stream: TcpStream) -> Connection {
        let buffer = [0; 4096];
        Connection { stream, readable: false, read_closed: false, buffer, start: 0, end: 0 }
    }

    /// Echoes until there is nothing to read, or no room to write: nothing is read before the last was
    /// written, so a client that does not read holds up itself only.
    fn echo(&mut self, ready: Ready) -> Next {
        self.readable |= ready.is_readable();
        self.read_closed |= ready.is_read_closed();
        match self.try_echo() {
            Ok(next) => next,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Next::Wait,
            Err(_) => Next::Close,
        }
    }

    fn try_echo(&mut self) -> io::Result<Next> {
        for _ in 0..TURN {
            while self.start < self.end {
                self.start += self.stream.write(&self.buffer[self.start..self.end])?;
            }
            if !self.readable {
                return Ok(Next::Wait);
            }
            self.end = self.stream.read(&mut self.buffer)?;
            self.start = 0;
            if self.end == 0 {
                return Ok(Next::Close);
            }
            // Less than asked for: the socket is empty, and what comes now makes a new edge, so there is
            // no need to read until `WouldBlock` (epoll(7), question 9). Only an end that was reported
            // already makes none: it must be read.
            self.readable = self.end == self.buffer.len() || self.read_closed;
        }
        Ok(Next::GoOn)
    }
}
