//! A UDP echo server: it sends every datagram back. To try it:
//!
//! ```text
//! $ cargo run --example udp_echo -- 127.0.0.1:7000
//! $ nc -u 127.0.0.1 7000
//! ```

use std::error::Error;
use std::io;
use std::slice;

use mio_st::net::{Datagram, Transmit, UdpSocket};
use mio_st::poll::{Interests, PollOption, Poller};
use mio_st::{EventedId, Events};

mod testing;

const SOCKET: EventedId = EventedId(0);

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:0".into());

    let mut poller = Poller::new()?;
    testing::look_for_mistakes(&mut poller)?;
    let mut events = Events::new();

    let mut socket = UdpSocket::bind(address.parse()?)?;
    // Bound to every address, it is to answer from the one that was asked.
    socket.set_recv_local(true)?;
    poller.register(&mut socket, SOCKET, Interests::READABLE, PollOption::Edge)?;
    println!("listening on {}", socket.local_addr()?);

    loop {
        poller.poll(&mut events, None)?;
        testing::print_complaints(&mut poller);
        for _ in &mut events {
            echo(&socket)?;
        }
    }
}

/// Sends back all that has arrived: edge-triggered, so until there is no more.
fn echo(socket: &UdpSocket) -> io::Result<()> {
    // The largest datagram there is; a smaller buffer would cut some.
    let mut buffer = [0; 65_535];
    let mut datagram = Datagram::new(&mut buffer);
    loop {
        match socket.recv_batch(slice::from_mut(&mut datagram)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
        // What cannot be sent is lost, which a datagram may be anywhere on its way. An empty one is sent
        // back too: it is not an end.
        let mut answer = Transmit::reply(datagram.data(), &datagram);
        let _ = socket.send_transmits(slice::from_mut(&mut answer));
    }
}
