//! One thread accepts, several serve. A connection belongs to the thread of its poller; from one thread to
//! another it moves as an `OwnedFd`.
//!
//! ```text
//! $ cargo run --example acceptor -- 127.0.0.1:7000
//! $ nc 127.0.0.1 7000
//! served by worker 0
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use mio_st::event::Event;
use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{Awakener, Interests, PollOption, Poller};
use mio_st::{EventedId, Events};

mod testing;

const WORKERS: usize = 3;

const LISTENER: EventedId = EventedId(0);
/// In a worker: connections have arrived.
const ARRIVED: EventedId = EventedId(0);

/// How the acceptor reaches a worker.
struct Worker {
    connections: Sender<OwnedFd>,
    awakener: Awakener,
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:0".into());
    let workers = (0..WORKERS).map(start).collect::<io::Result<Vec<_>>>()?;

    let mut poller = Poller::new()?;
    testing::look_for_mistakes(&mut poller)?;
    let mut events = Events::new();
    let mut listener = TcpListener::bind(address.parse()?)?;
    // Level-triggered: one connection is taken at an event, and those that still wait are reported again.
    poller.register(&mut listener, LISTENER, TcpListener::INTERESTS, PollOption::Level)?;
    println!("listening on {}", listener.local_addr()?);

    let mut next = workers.iter().cycle();
    loop {
        poller.poll(&mut events, None)?;
        testing::print_complaints(&mut poller);
        for _ in &mut events {
            let (connection, _) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            };
            let worker = next.next().expect("there are workers");
            worker.connections.send(connection.into())?;
            worker.awakener.wake()?;
        }
    }
}

/// Starts a worker. Its poller is made in its thread, where it stays; the awakener is what comes out.
fn start(number: usize) -> io::Result<Worker> {
    let (connections, arriving) = mpsc::channel();
    let (started, awakener) = mpsc::channel();
    thread::spawn(move || {
        let poller = Poller::new().and_then(|mut poller| {
            let _ = started.send(Awakener::new(&mut poller, ARRIVED)?);
            Ok(poller)
        });
        if let Err(error) = poller.and_then(|poller| work(number, poller, &arriving)) {
            eprintln!("worker {number}: {error}");
        }
    });
    let awakener = awakener.recv().map_err(|_| io::Error::other("a worker did not start"))?;
    Ok(Worker { connections, awakener })
}

fn work(number: usize, mut poller: Poller, arriving: &Receiver<OwnedFd>) -> io::Result<()> {
    let mut events = Events::new();
    let mut connections = HashMap::new();
    let mut last_id = ARRIVED;
    testing::look_for_mistakes(&mut poller)?;
    loop {
        poller.poll(&mut events, None)?;
        testing::print_complaints(&mut poller);
        for event in &mut events {
            if event.id() != ARRIVED {
                serve(event, &mut connections);
                continue;
            }
            for connection in arriving.try_iter() {
                let mut connection = TcpStream::from(connection);
                last_id = EventedId(last_id.0 + 1);
                poller.register(
                    &mut connection,
                    last_id,
                    Interests::READABLE,
                    PollOption::Level,
                )?;
                // It fits into the empty buffer of a new connection; if not, the client is gone.
                let _ = writeln!(connection, "served by worker {number}");
                connections.insert(last_id, connection);
            }
        }
    }
}

/// Reads what the client sends, and hangs up when it does.
fn serve(event: Event, connections: &mut HashMap<EventedId, TcpStream>) {
    let Some(connection) = connections.get_mut(&event.id()) else { return };
    match connection.read(&mut [0; 4096]) {
        Ok(1..) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Ok(0) | Err(_) => drop(connections.remove(&event.id())),
    }
}
