//! TLS by OpenSSL, `c-examples/tls_echo.c`, with clients by rustls.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::{PATIENCE, Running, common, eventually, program, ways};

/// What a client does; each is tried by several at once.
#[derive(Copy, Clone, Debug)]
enum Manner {
    /// Sends records, many in one segment, and reads all of it before it goes on.
    Joined,
    /// Sends each record in many segments.
    Split,
    /// Reads nothing before all is sent, and then slowly.
    Slow,
    /// Asks for new keys in the middle.
    NewKeys,
    /// Goes without a word, with something to read before it.
    Abrupt,
    /// Sends half a record, and goes.
    HalfARecord,
    /// Goes in the middle of the handshake.
    HalfAHandshake,
    /// Speaks no TLS.
    Rude,
}

use Manner::*;

const MANNERS: [Manner; 8] =
    [Joined, Split, Slow, NewKeys, Abrupt, HalfARecord, HalfAHandshake, Rude];

/// A certificate of `localhost` and its key, in files, and what a client needs to accept it.
pub fn certificate(name: &str) -> ([PathBuf; 2], Arc<rustls::ClientConfig>) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = ["cert.pem", "key.pem"].map(|file| common::scratch(&format!("{name}-{file}")));
    fs::write(&files[0], certified.cert.pem()).unwrap();
    fs::write(&files[1], certified.signing_key.serialize_pem()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certified.cert.der().clone()).unwrap();
    let config =
        rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    (files, Arc::new(config))
}

fn shake_hands(tls: &mut rustls::ClientConnection, socket: &mut TcpStream) {
    while tls.is_handshaking() {
        tls.complete_io(socket).unwrap();
    }
}

/// Says something and that this is all, and is gone before the server, which does nothing meanwhile, can echo it: one
/// that writes then gets SIGPIPE.
fn go_before_the_echo(address: &str, config: Arc<rustls::ClientConfig>, server: &Running) {
    let mut socket = TcpStream::connect(address).unwrap();
    let mut tls = rustls::ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    shake_hands(&mut tls, &mut socket);
    server.stop();
    tls.writer().write_all(b"x").unwrap();
    tls.write_tls(&mut socket).unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
    server.signal("CONT");
}

fn talk(address: &str, config: Arc<rustls::ClientConfig>, manner: Manner) {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = "localhost".try_into().unwrap();
    let mut tls = rustls::ClientConnection::new(config, name).unwrap();
    tls.set_buffer_limit(None);
    match manner {
        Rude => {
            socket.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
            // It is closed, with an alert or without.
            let _ = socket.read_to_end(&mut Vec::new());
            return;
        }
        HalfAHandshake => {
            let mut hello = Vec::new();
            tls.write_tls(&mut hello).unwrap();
            return socket.write_all(&hello[..hello.len() / 2]).unwrap();
        }
        _ => {}
    }
    shake_hands(&mut tls, &mut socket);
    let mut stream = rustls::StreamOwned::new(tls, socket);
    let message: Vec<u8> = (0..100_000u32).map(|n| (n / 7) as u8).collect();
    let parts = if matches!(manner, Slow) { message.len() } else { 1000 };
    for (number, part) in message.chunks(parts).enumerate() {
        let mut sealed = Vec::new();
        if matches!(manner, NewKeys) && number % 10 == 5 {
            stream.conn.refresh_traffic_keys().unwrap();
        }
        for record in part.chunks(part.len() / 10) {
            stream.conn.writer().write_all(record).unwrap();
        }
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut sealed).unwrap();
        }
        let segments = if matches!(manner, Split) { 100 } else { sealed.len() };
        for segment in sealed.chunks(segments) {
            stream.sock.write_all(segment).unwrap();
        }
        if matches!(manner, Abrupt) && number == 5 {
            return stream.sock.read_exact(&mut [0]).unwrap();
        }
        let mut received = vec![0; part.len()];
        for piece in received.chunks_mut(if matches!(manner, Slow) { 999 } else { part.len() }) {
            stream.read_exact(piece).unwrap();
        }
        assert!(received == part, "{manner:?}");
    }
    if matches!(manner, HalfARecord) {
        return stream.sock.write_all(&[23, 3, 3, 1, 0, 1, 2]).unwrap();
    }
    stream.conn.send_close_notify();
    stream.conn.complete_io(&mut stream.sock).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "{manner:?}: it says that it ends, too");
}

/// Ten of each manner, and one under valgrind.
#[test]
fn eighty_clients_speak_tls_each_in_a_manner_of_its_own() {
    let (files, config) = certificate("tls_echo");
    for (mut command, each) in ways(&program("tls_echo")).into_iter().zip([10, 1]) {
        let mut server = Running::start(command.arg("127.0.0.1:0").args(&files));
        let line = server.line();
        let address = line.strip_prefix("listening on ").unwrap();
        let pid = server.child.0.id();
        let descriptors = || fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        let before = descriptors();
        thread::scope(|scope| {
            for manner in MANNERS.iter().cycle().take(each * MANNERS.len()) {
                let config = config.clone();
                scope.spawn(move || talk(address, config, *manner));
            }
        });
        // Those who went without a word are noticed, too.
        eventually("every connection is closed", || (descriptors() == before).then_some(()));
        go_before_the_echo(address, config.clone(), &server);
        eventually("that one is closed, too", || (descriptors() == before).then_some(()));
        // One that says nothing is there when it ends.
        let _silent = TcpStream::connect(address).unwrap();
        eventually("it is accepted", || (descriptors() == before + 1).then_some(()));
        server.signal("TERM");
        server.says(&format!("{} ended, {} reset, {each} failed", 4 * each, 3 * each + 1));
        server.ends();
    }
}

/// Not under Valgrind, which takes a connection for which there is no descriptor, and throws it away.
#[test]
fn who_finds_no_descriptor_waits_for_one() {
    let (files, config) = certificate("tls_echo-few");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 20; exec \"$0\" \"$@\""]).arg(program("tls_echo"));
    let mut server = Running::start(command.arg("127.0.0.1:0").args(&files));
    let line = server.line();
    let address = line.strip_prefix("listening on ").unwrap();
    let folder = format!("/proc/{}/fd", server.child.0.id());
    let silent: Vec<_> = (0..30).map(|_| TcpStream::connect(address).unwrap()).collect();
    // At least: some with larger numbers may be inherited.
    let is_full = || fs::read_dir(&folder).unwrap().count() >= 20;
    eventually("there is none left", || is_full().then_some(()));
    drop(silent);
    talk(address, config, Joined);
    server.signal("TERM");
    server.ends();
}
