//! A chat server: what one client writes all others get. It shows both triggers, chosen by an argument.
//!
//! ```text
//! $ cargo run --example chat_server -- 127.0.0.1:7000 edge
//! $ nc 127.0.0.1 7000
//! ```
//!
//! - `level` reads once an event, since the rest is reported again; and it asks to write only while
//!   something waits to be written, since a socket is nearly always writable.
//! - `edge` registers once, for both, and in turn reads and writes until `WouldBlock`.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Read, Write};

use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{Interests, PollOption, Poller};
use mio_st::{EventedId, Events};

mod testing;

const LISTENER: EventedId = EventedId(0);

/// Who does not read so much is sent away: somebody must pay for what waits, and it is not the server.
const MAX_WAITING: usize = 1 << 20;

struct Client {
    stream: TcpStream,
    /// What waits to be written.
    output: Vec<u8>,
    /// Whether the registration asks for writability.
    asks_to_write: bool,
}

struct Chat {
    poller: Poller,
    option: PollOption,
    clients: HashMap<EventedId, Client>,
    last_id: EventedId,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:0".into());
    let option = match arguments.next().as_deref() {
        None | Some("edge") => PollOption::Edge,
        Some("level") => PollOption::Level,
        Some(other) => return Err(format!("{other} is neither edge nor level").into()),
    };

    let mut listener = TcpListener::bind(address.parse()?)?;
    let mut poller = Poller::new()?;
    testing::look_for_mistakes(&mut poller)?;
    poller.register(&mut listener, LISTENER, TcpListener::INTERESTS, PollOption::Level)?;
    println!("listening on {}", listener.local_addr()?);

    let mut chat = Chat { poller, option, clients: HashMap::new(), last_id: LISTENER };
    let mut events = Events::new();
    loop {
        chat.poller.poll(&mut events, None)?;
        testing::print_complaints(&mut chat.poller);
        for event in &mut events {
            if event.id() == LISTENER {
                chat.accept(&listener)?;
            } else {
                chat.serve(event.id())?;
            }
        }
    }
}

impl Chat {
    /// Takes one client; if there are more, the level-triggered listener says so again.
    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        self.last_id = EventedId(self.last_id.0 + 1);
        let asks_to_write = self.option == PollOption::Edge;
        self.poller.register(&mut stream, self.last_id, interests(asks_to_write), self.option)?;
        self.clients.insert(self.last_id, Client { stream, output: Vec::new(), asks_to_write });
        Ok(())
    }

    /// A client may be read from, or written to; which, is found out by trying.
    fn serve(&mut self, id: EventedId) -> io::Result<()> {
        // It may be gone, by an earlier event of the same poll.
        let Some(client) = self.clients.get_mut(&id) else { return Ok(()) };
        let mut said = Vec::new();
        let stays = client.read(&mut said, self.option).is_ok();
        if !stays {
            self.clients.remove(&id);
        }
        for (other, client) in &mut self.clients {
            if *other != id {
                client.output.extend_from_slice(&said);
            }
        }
        self.write_all()
    }

    /// Writes to everybody what can be written, and forgets those who are gone.
    fn write_all(&mut self) -> io::Result<()> {
        let (poller, option) = (&mut self.poller, self.option);
        let mut result = Ok(());
        self.clients.retain(|id, client| {
            if client.write().is_err() || client.output.len() > MAX_WAITING {
                return false;
            }
            let waits = !client.output.is_empty();
            if option == PollOption::Level && waits != client.asks_to_write {
                client.asks_to_write = waits;
                let again = poller.reregister(&mut client.stream, *id, interests(waits), option);
                if again.is_err() {
                    result = again;
                }
            }
            true
        });
        result
    }
}

impl Client {
    /// Reads what there is; the end is an error too.
    fn read(&mut self, said: &mut Vec<u8>, option: PollOption) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => said.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            if option == PollOption::Level {
                return Ok(());
            }
        }
    }

    fn write(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(length) => drop(self.output.drain(..length)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn interests(write: bool) -> Interests {
    if write { TcpStream::INTERESTS } else { Interests::READABLE }
}
