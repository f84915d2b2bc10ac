//! How a server outgrows one core: a thread for each, with a poller and a listener of its own on the same
//! port (`SO_REUSEPORT`). The kernel spreads the connections; the threads share nothing.
//!
//! ```text
//! $ cargo run --example thread_per_core -- 127.0.0.1:7000
//! $ nc 127.0.0.1 7000
//! thread 1
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::thread;

use mio_st::net::{TcpListener, TcpListenerBuilder};
use mio_st::poll::{PollOption, Poller};
use mio_st::{EventedId, Events};

mod testing;

const LISTENER: EventedId = EventedId(0);

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:0".into());
    // At least two, to have something to show.
    let threads = thread::available_parallelism()?.get().max(2);

    // The first bind chooses the port, if it was 0; the others take the same.
    let first = listen(address.parse()?)?;
    let address = first.local_addr()?;
    let others: Vec<_> =
        (1..threads).map(|number| thread::spawn(move || serve(number, listen(address)?))).collect();
    println!("listening on {address}");
    serve(0, first)?;
    drop(others);
    Ok(())
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListenerBuilder::new().reuse_port(true).bind(address)
}

/// Greets each client, and hangs up.
fn serve(number: usize, mut listener: TcpListener) -> io::Result<()> {
    let mut poller = Poller::new()?;
    testing::look_for_mistakes(&mut poller)?;
    let mut events = Events::new();
    poller.register(&mut listener, LISTENER, TcpListener::INTERESTS, PollOption::Level)?;
    loop {
        poller.poll(&mut events, None)?;
        testing::print_complaints(&mut poller);
        for _ in &mut events {
            match listener.accept() {
                // The line fits into the empty buffer of a new connection; if not, the client is gone.
                Ok((mut connection, _)) => drop(writeln!(connection, "thread {number}")),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}
