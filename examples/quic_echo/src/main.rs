//! A QUIC echo server, and a client that asks it. To try it:
//!
//! ```text
//! $ cargo run -- serve 0.0.0.0:7000 certificate.der
//! $ echo hello | cargo run -- ask 127.0.0.1:7000 certificate.der
//! ```

use std::error::Error;
use std::io::Read;

use quic_echo::{Asked, Echo, Loss, Node};
use quinn_proto::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", address, file] => {
            let (config, certificate) = quic_echo::self_signed()?;
            std::fs::write(file, &certificate)?;
            let server: (_, fn() -> Echo) = (config, Echo::default);
            let mut node = Node::bind(address.parse()?, Some(server), Loss::none())?;
            println!("listening on {}", node.local_addr()?);
            loop {
                node.turn()?;
            }
        }
        ["ask", address, file] => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from(std::fs::read(file)?))?;
            let mut text = Vec::new();
            std::io::stdin().read_to_end(&mut text)?;
            let asked = Asked::new(text.into(), 1, Box::new(|count| println!("{count} came back")));
            let bind = if address.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
            let mut node = Node::bind(bind.parse()?, None, Loss::none())?;
            let config = ClientConfig::with_root_certificates(roots.into())?;
            node.connect(config, address.parse()?, "localhost", asked)?;
            while !node.is_idle() {
                node.turn()?;
            }
            Ok(())
        }
        _ => Err("usage: quic_echo serve|ask ADDRESS CERTIFICATE-FILE".into()),
    }
}
