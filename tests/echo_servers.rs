//! The two echo servers, `examples/tcp_server.rs` and `c-examples/echo_server.c`, run as processes.

#![cfg(target_os = "linux")] // What is looked up in /proc; the servers are the same everywhere.

mod servers;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use servers::{Language, Server, example, for_both_languages, have, uninterrupted, until};

for_both_languages! {
    a_megabyte_comes_back
    a_client_that_reads_late_misses_nothing
    two_hundred_connections_at_once
    a_client_that_half_closes_gets_everything
    one_that_never_stops_does_not_starve_another
    those_who_find_no_descriptor_wait_for_one
    a_closed_connection_leaves_nothing_behind
    a_request_makes_three_system_calls
    a_turn_is_bounded
}

fn program(language: Language) -> Option<Command> {
    let name = if language == Language::Rust { "tcp_server" } else { "echo_server" };
    example(language, name).map(Command::new)
}

fn start(language: Language) -> Option<Server> {
    Some(Server::start(program(language)?.arg("127.0.0.1:0")))
}

/// Bytes that do not repeat early, so that none can be lost or swapped unseen.
fn bytes(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn assert_echoes(stream: &mut TcpStream, sent: &[u8]) {
    stream.write_all(sent).unwrap();
    let mut received = vec![0; sent.len()];
    stream.read_exact(&mut received).unwrap();
    assert!(received == sent);
}

fn a_megabyte_comes_back(language: Language) {
    let Some(server) = start(language) else { return };
    let sent = bytes(1 << 20);
    let mut stream = server.connect();
    let mut writer = stream.try_clone().unwrap();
    let copy = sent.clone();
    let writing = std::thread::spawn(move || writer.write_all(&copy).unwrap());
    // In pieces that fit no buffer.
    let mut received = Vec::new();
    let mut piece = [0; 777];
    while received.len() < sent.len() {
        let count = uninterrupted(|| stream.read(&mut piece)).unwrap();
        assert!(count > 0);
        received.extend_from_slice(&piece[..count]);
    }
    writing.join().unwrap();
    assert!(received == sent);
}

fn a_client_that_reads_late_misses_nothing(language: Language) {
    let Some(server) = start(language) else { return };
    let sent = bytes(64 << 20);
    let mut stream = server.connect();
    // Until nothing moves: the server cannot write any more, and does not read before it has.
    stream.set_nonblocking(true).unwrap();
    let (mut filled, mut quiet) = (0, 0);
    let mut other = server.connect();
    while quiet < 100 {
        match stream.write(&sent[filled..]) {
            Ok(count) => (filled, quiet) = (filled + count, 0),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        // Meanwhile it serves others; and when it has done so often, it has done what it could here.
        assert_echoes(&mut other, b"hello");
        quiet += 1;
    }
    assert!(filled < sent.len(), "the server keeps {filled} bytes");

    stream.set_nonblocking(false).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let rest = sent[filled..].to_vec();
    let writing = std::thread::spawn(move || {
        writer.write_all(&rest).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    writing.join().unwrap();
    assert!(received == sent);
}

fn two_hundred_connections_at_once(language: Language) {
    let Some(server) = start(language) else { return };
    let mut clients: Vec<TcpStream> = (0..200).map(|_| server.connect()).collect();
    for round in 0..10 {
        let message = |i: usize| format!("round {round} of client {i}");
        for (i, client) in clients.iter_mut().enumerate() {
            client.write_all(message(i).as_bytes()).unwrap();
        }
        for (i, client) in clients.iter_mut().enumerate() {
            let mut received = vec![0; message(i).len()];
            client.read_exact(&mut received).unwrap();
            assert_eq!(String::from_utf8(received).unwrap(), message(i));
        }
    }
}

fn a_client_that_half_closes_gets_everything(language: Language) {
    let Some(server) = start(language) else { return };
    // 4096 fills the buffer of the servers exactly, and 65536 all the reads of a turn.
    for length in [0, 1, 4095, 4096, 4097, 65_536, 100_000] {
        let sent = bytes(length);
        let mut stream = server.connect();
        stream.write_all(&sent).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        assert!(received == sent, "{} of {length}", received.len());
    }
}

fn one_that_never_stops_does_not_starve_another(language: Language) {
    let Some(server) = start(language) else { return };
    let flood = server.connect();
    let (mut reader, mut writer) = (flood.try_clone().unwrap(), flood.try_clone().unwrap());
    let writing = std::thread::spawn(move || while writer.write_all(&[b'x'; 65_536]).is_ok() {});
    let reading = std::thread::spawn(move || {
        while uninterrupted(|| reader.read(&mut [0; 65_536])).is_ok_and(|n| n > 0) {}
    });
    let mut other = server.connect();
    for _ in 0..100 {
        assert_echoes(&mut other, b"and me?");
    }
    flood.shutdown(Shutdown::Both).unwrap();
    writing.join().unwrap();
    reading.join().unwrap();
    assert_echoes(&mut other, b"thanks");
}

/// Behaviour 27
fn those_who_find_no_descriptor_wait_for_one(language: Language) {
    let Some(program) = program(language) else { return };
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 30; exec \"$0\" 127.0.0.1:0"]).arg(program.get_program());
    let server = Server::start(&mut command);
    let mut clients: Vec<TcpStream> = (0..100).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.write_all(b"x").unwrap();
    }
    // Each that closes makes room for one that waits, and so all have their turn.
    for mut client in clients {
        client.read_exact(&mut [0]).unwrap();
    }
    assert_echoes(&mut server.connect(), b"hello");
}

fn a_closed_connection_leaves_nothing_behind(language: Language) {
    let Some(server) = start(language) else { return };
    let mut control = server.connect();
    assert_echoes(&mut control, b"hello");
    let before = server.descriptors();
    for round in 0..100 {
        let mut client = server.connect();
        match round % 3 {
            0 => {}
            1 => assert_echoes(&mut client, b"hello"),
            // The echo is left unread, which makes the kernel reset the connection.
            _ => {
                client.write_all(b"hello").unwrap();
                uninterrupted(|| client.peek(&mut [0])).unwrap();
            }
        }
    }
    until("all are closed", || (server.descriptors() == before).then_some(()));
    assert_echoes(&mut control, b"hello");
}

/// A server under strace, which writes its system calls to the file.
fn traced(language: Language, name: &str) -> Option<(Server, PathBuf)> {
    // Simulated, a kqueue is no system call.
    if cfg!(kqueue) || !have("strace", &["-o", "/dev/null", "true"]) {
        return None;
    }
    let program = program(language)?;
    let trace = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("echo-{name}-{language:?}"));
    let mut strace = Command::new("strace");
    strace.args(["-D", "-o"]).arg(&trace).arg(program.get_program()).arg("127.0.0.1:0");
    Some((Server::start(&mut strace), trace))
}

fn a_request_makes_three_system_calls(language: Language) {
    let Some((server, trace)) = traced(language, "request") else { return };
    let mut client = server.connect();
    for number in 0..=100 {
        assert_echoes(&mut client, format!("request {number}.").as_bytes());
    }
    drop(server);
    let calls = servers::system_calls(&trace, "request 0.", "request 100.");
    for (i, call) in calls.iter().enumerate() {
        let expected = ["recv", "send", "epoll_wait"][i % 3];
        // `recvfrom` and `sendto`, but on the oldest processors; musl calls `epoll_pwait` instead.
        let call = call.replace("epoll_pwait", "epoll_wait");
        assert!(call.starts_with(expected), "{expected} is {call}, the {i}th of {calls:?}");
    }
    // From the first read to the last write.
    assert_eq!(calls.len(), 101 + 101 + 100);
}

/// The tracing makes the server so slow that it always finds more to read.
fn a_turn_is_bounded(language: Language) {
    let Some((server, trace)) = traced(language, "turn") else { return };
    let mut client = server.connect();
    assert_echoes(&mut client, b"first");
    servers::flood(&client, bytes(4 << 20), 4 << 20);
    assert_echoes(&mut client, b"last");
    drop(server);
    let calls = servers::system_calls(&trace, "first", "last");
    assert!(servers::longest_turn(&calls) <= 16, "{calls:?}");
}
