//! An echo server over TLS: rustls does the cryptography, and reads and writes the non-blocking stream. The
//! certificate is made at the start, and signed by itself. To try it:
//!
//! ```text
//! $ cargo run --package mio-st-tls-echo -- 127.0.0.1:7000
//! $ openssl s_client -quiet -connect 127.0.0.1:7000
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};

use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{PollOption, Poller};
use mio_st::{EventedId, Events};

#[path = "../../testing/mod.rs"]
mod testing;

const LISTENER: EventedId = EventedId(0);

struct Connection {
    stream: TcpStream,
    tls: ServerConnection,
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:0".into());
    let config = Arc::new(config()?);

    let mut poller = Poller::new()?;
    testing::look_for_mistakes(&mut poller)?;
    let mut events = Events::new();
    let mut listener = TcpListener::bind(address.parse()?)?;
    poller.register(&mut listener, LISTENER, TcpListener::INTERESTS, PollOption::Level)?;
    println!("listening on {}", listener.local_addr()?);

    let mut connections = HashMap::new();
    let mut last_id = LISTENER;
    loop {
        poller.poll(&mut events, None)?;
        testing::print_complaints(&mut poller);
        for event in &mut events {
            if event.id() == LISTENER {
                let (mut stream, _) = match listener.accept() {
                    Ok(accepted) => accepted,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    Err(error) => return Err(error.into()),
                };
                last_id = EventedId(last_id.0 + 1);
                poller.register(&mut stream, last_id, TcpStream::INTERESTS, PollOption::Edge)?;
                let tls = ServerConnection::new(config.clone())?;
                connections.insert(last_id, Connection { stream, tls });
            } else if let Some(connection) = connections.get_mut(&event.id()) {
                if !connection.serve() {
                    connections.remove(&event.id());
                }
            }
        }
    }
}

fn config() -> Result<ServerConfig, Box<dyn Error>> {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".into()])?;
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der())?;
    Ok(ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.into()], key)?)
}

impl Connection {
    /// Goes on until the socket has nothing to read and no room; false at the end, and at an error.
    fn serve(&mut self) -> bool {
        loop {
            let wrote = would_block(self.write());
            // Nothing more is read while the client does not read: its echo would pile up here.
            let read = if self.tls.wants_write() { Ok(None) } else { would_block(self.read()) };
            match (wrote, read) {
                (Ok(_), Ok(Some(0))) => return false,
                (Ok(_), Ok(Some(_))) => {}
                (Ok(_), Ok(None)) => return true,
                _ => return false,
            }
        }
    }

    /// Reads once, and echoes what comes out of the cryptography. Zero at the end.
    fn read(&mut self) -> io::Result<usize> {
        let count = self.tls.read_tls(&mut self.stream)?;
        let state = self.tls.process_new_packets().map_err(io::Error::other);
        if state.is_err() {
            // The alert that says why.
            let _ = self.write();
        }
        let mut plain = vec![0; state?.plaintext_bytes_to_read()];
        self.tls.reader().read_exact(&mut plain)?;
        self.tls.writer().write_all(&plain)?;
        Ok(count)
    }

    fn write(&mut self) -> io::Result<usize> {
        let mut count = 0;
        while self.tls.wants_write() {
            count += self.tls.write_tls(&mut self.stream)?;
        }
        Ok(count)
    }
}

/// `None` when the socket is not ready.
fn would_block(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
