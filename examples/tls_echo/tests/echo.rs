//! The server as a process, with clients of rustls.

#[path = "../../../tests/servers/mod.rs"]
mod servers;

use std::io::{Read, Write};
use std::process::Command;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use servers::{Server, until};

#[test]
fn tls_echo_sends_everything_back() {
    let server = Server::start(Command::new(env!("CARGO_BIN_EXE_tls_echo")).arg("127.0.0.1:0"));
    let none = server.descriptors();
    let config = ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate))
        .with_no_client_auth();
    let config = Arc::new(config);
    for length in [1, 100, 300_000] {
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(config.clone(), name).unwrap();
        let mut stream = StreamOwned::new(tls, server.connect());
        let message: Vec<u8> = (0..length).map(|n| n as u8).collect();
        // In parts, so that neither side waits for the other.
        for part in message.chunks(10_000) {
            stream.write_all(part).unwrap();
            let mut received = vec![0; part.len()];
            stream.read_exact(&mut received).unwrap();
            assert!(received == part);
        }
    }
    // Somebody who does not speak TLS is told so, and the server goes on.
    let mut rude = server.connect();
    rude.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = rude.read_to_end(&mut answer);
    assert_eq!(answer.first(), Some(&21), "an alert");
    drop(server.connect());
    drop(rude);
    until("every connection is closed", || (server.descriptors() == none).then_some(()));
}

#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
    }
}
