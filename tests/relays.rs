//! The two relays, `examples/relay.rs` and `c-examples/relay.c`, run as processes between clients and servers of the
//! test's.

#![cfg(target_os = "linux")] // What is looked up in /proc; the relays are the same everywhere.

mod servers;

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use servers::{
    Language, PATIENCE, Server, example, for_both_languages, have, is_open, uninterrupted, until,
};
use socket2::SockRef;

for_both_languages! {
    bytes_go_both_ways_at_once
    a_slow_reader_slows_down_its_writer
    an_end_is_passed_on_and_the_other_direction_goes_on
    who_says_nothing_is_closed
    a_server_that_refuses_is_a_reset
    a_reset_is_passed_on
    those_who_find_no_descriptor_wait_for_one
    nothing_is_left_behind
}

const IDLE: Duration = Duration::from_secs(30);
const MILLISECOND: Duration = Duration::from_millis(1);

struct Relay {
    server: Server,
    upstream: TcpListener,
}

impl Relay {
    /// With its time in the test's hands: nobody is closed because the machine is slow.
    fn start(language: Language) -> Option<Relay> {
        Some(Relay::start_by(&mut Command::new(program(language)?)))
    }

    fn start_by(command: &mut Command) -> Relay {
        let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
        command.args(["127.0.0.1:0", &upstream.local_addr().unwrap().to_string()]);
        command.arg(IDLE.as_millis().to_string());
        Relay { server: Server::start_paused(command), upstream }
    }

    /// From now on its server listens no more, and keeps its port, so that nobody else is there.
    fn refuse(&self) {
        SockRef::from(&self.upstream).shutdown(Shutdown::Both).unwrap();
    }

    /// Both ends of a connection.
    fn connect(&self) -> (TcpStream, TcpStream) {
        let client = self.server.connect();
        let (server, _) = self.upstream.accept().unwrap();
        server.set_read_timeout(Some(PATIENCE)).unwrap();
        server.set_write_timeout(Some(PATIENCE)).unwrap();
        (client, server)
    }
}

fn program(language: Language) -> Option<PathBuf> {
    example(language, "relay")
}

fn is_emulated() -> bool {
    std::env::var("MIO_ST_TEST_RUNNER").is_ok_and(|runner| !runner.is_empty())
}

/// Bytes in which nothing can be lost or swapped unseen: what repeats has a length that no buffer has.
fn bytes(length: usize, mut state: u32) -> Vec<u8> {
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let block: Vec<u8> = std::iter::repeat_with(next).take(65_521).collect();
    let mut bytes = block.repeat(length / block.len() + 1);
    bytes.truncate(length);
    bytes
}

/// The error of a read.
fn kind_of_read(mut stream: &TcpStream) -> io::ErrorKind {
    uninterrupted(|| stream.read(&mut [0])).expect_err("an error").kind()
}

fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

fn bytes_go_both_ways_at_once(language: Language) {
    let Some(relay) = Relay::start(language) else { return };
    let (client, server) = relay.connect();
    let sent = [1, 2].map(|seed| bytes(4 << 20, seed));
    thread::scope(|scope| {
        for (stream, sent) in [&client, &server].into_iter().zip(&sent) {
            scope.spawn(move || {
                (&mut &*stream).write_all(sent).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
            });
        }
        for (stream, sent) in [&server, &client].into_iter().zip(&sent) {
            // In pieces that fit no buffer.
            let mut received = Vec::new();
            let mut piece = [0; 7777];
            while let count @ 1.. = uninterrupted(|| (&mut &*stream).read(&mut piece)).unwrap() {
                received.extend_from_slice(&piece[..count]);
            }
            assert!(received == *sent);
        }
    });
}

/// Writes as much as there is room for while nobody reads, and returns how much that is. `others` are relayed meanwhile.
fn fill(
    writer: &mut TcpStream,
    bytes: &[u8],
    (client, server): &mut (TcpStream, TcpStream),
) -> usize {
    writer.set_nonblocking(true).unwrap();
    let (mut filled, mut quiet) = (0, 0);
    while quiet < 100 {
        match writer.write(&bytes[filled..]) {
            Ok(count) => (filled, quiet) = (filled + count, 0),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        // Meanwhile it serves others; and when it has done so often, it has done what it could here.
        client.write_all(b"hello").unwrap();
        server.read_exact(&mut [0; 5]).unwrap();
        quiet += 1;
    }
    filled
}

fn a_slow_reader_slows_down_its_writer(language: Language) {
    let Some(relay) = Relay::start(language) else { return };
    // Without the program's own pages, which come when they are first used.
    let memory = || {
        let status = fs::read_to_string(format!("/proc/{}/status", relay.server.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    let mut others = relay.connect();
    let before = memory();
    for from_client in [true, false] {
        let (client, server) = relay.connect();
        let (mut writer, mut reader) =
            if from_client { (client, server) } else { (server, client) };
        let sent = bytes(64 << 20, 1);
        let filled = fill(&mut writer, &sent, &mut others);
        assert!(filled < sent.len(), "the relay keeps {filled} bytes");
        // An emulator's memory is its own.
        assert!(is_emulated() || memory() < before + 1024, "{} KB became {}", before, memory());

        writer.set_nonblocking(false).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                writer.write_all(&sent[filled..]).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
            let mut received = Vec::new();
            reader.read_to_end(&mut received).unwrap();
            assert!(received == sent);
        });
    }
}

fn an_end_is_passed_on_and_the_other_direction_goes_on(language: Language) {
    let Some(relay) = Relay::start(language) else { return };
    for client_ends_first in [true, false] {
        let (client, server) = relay.connect();
        let (mut first, mut second) =
            if client_ends_first { (client, server) } else { (server, client) };
        first.write_all(b"question").unwrap();
        first.shutdown(Shutdown::Write).unwrap();
        let mut received = String::new();
        second.read_to_string(&mut received).unwrap();
        assert_eq!(received, "question");
        for part in ["an ", "answer"] {
            second.write_all(part.as_bytes()).unwrap();
            let mut received = vec![0; part.len()];
            first.read_exact(&mut received).unwrap();
            assert_eq!(received, part.as_bytes());
        }
        drop(second);
        assert_eq!(uninterrupted(|| first.read(&mut [0])).unwrap(), 0);
    }
}

/// No time passes but as the test says.
fn who_says_nothing_is_closed(language: Language) {
    let Some(mut relay) = Relay::start(language) else { return };
    let silent = relay.connect();
    let (mut client, mut server) = relay.connect();
    // As long as there is something to relay, from whichever side, it stands: for longer than the time.
    for from_client in [false, true, false, true] {
        relay.server.advance(IDLE - MILLISECOND);
        // Who is relayed reads on without a poll: only after another one has come it has heard of the time.
        drop(relay.connect());
        let (writer, reader) =
            if from_client { (&mut client, &mut server) } else { (&mut server, &mut client) };
        writer.write_all(b"x").unwrap();
        reader.read_exact(&mut [0]).unwrap();
    }
    relay.server.advance(IDLE - MILLISECOND);
    let _others = relay.connect();
    assert!(is_open(&client) && is_open(&server));
    relay.server.advance(MILLISECOND);
    // Also those who have never said anything.
    for end in [client, server, silent.0, silent.1] {
        assert_eq!(kind_of_read(&end), io::ErrorKind::ConnectionReset);
    }
}

fn a_server_that_refuses_is_a_reset(language: Language) {
    let Some(relay) = Relay::start(language) else { return };
    relay.refuse();
    let client = relay.server.connect();
    assert_eq!(kind_of_read(&client), io::ErrorKind::ConnectionReset);
}

fn a_reset_is_passed_on(language: Language) {
    let Some(relay) = Relay::start(language) else { return };
    let mut others = relay.connect();
    let much = vec![0; 64 << 20];
    for client_resets in [true, false] {
        let (client, server) = relay.connect();
        let (first, second) = if client_resets { (client, server) } else { (server, client) };
        reset(first);
        assert_eq!(kind_of_read(&second), io::ErrorKind::ConnectionReset);

        // Also when the other one does not read, and the relay therefore not either.
        let (client, server) = relay.connect();
        let (mut first, second) = if client_resets { (client, server) } else { (server, client) };
        fill(&mut first, &much, &mut others);
        reset(first);
        let error = until("the other one is told", || second.take_error().unwrap());
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);

        // And in the middle of much that is relayed.
        let (client, server) = relay.connect();
        let (mut first, mut second) =
            if client_resets { (client, server) } else { (server, client) };
        relay.server.stop();
        first.set_nonblocking(true).unwrap();
        until("there is no more room", || first.write(&much).err().map(drop));
        relay.server.signal("CONT");
        second.read_exact(&mut [0]).unwrap();
        reset(first);
        let error = until("the other one is told", || second.take_error().unwrap());
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}

fn those_who_find_no_descriptor_wait_for_one(language: Language) {
    if !have("prlimit", &["--version"]) {
        return;
    }
    let Some(relay) = Relay::start(language) else { return };
    let held: Vec<_> = (0..3).map(|_| relay.connect()).collect();
    // One more client, but not its server; and then not even that.
    for more in [1, 0] {
        // The number of the first that it shall not have.
        let fds = format!("/proc/{}/fd", relay.server.pid());
        let is_free = |number: &usize| !Path::new(&fds).join(number.to_string()).exists();
        let limit = (0..).filter(is_free).nth(more).unwrap();
        let mut prlimit = Command::new("prlimit");
        prlimit.args(["--pid", &relay.server.pid().to_string(), &format!("--nofile={limit}:")]);
        assert!(prlimit.status().unwrap().success());
        let mut client = relay.server.connect();
        if more == 1 {
            assert_eq!(kind_of_read(&client), io::ErrorKind::ConnectionReset);
            continue;
        }
        // It sleeps, and does not ask again and again.
        let status = format!("/proc/{}/status", relay.server.pid());
        let sleeps = || {
            let status = fs::read_to_string(&status).unwrap();
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"));
            (status.contains("State:\tS"), line.map(str::to_owned))
        };
        until("it sleeps for a while", || {
            let before = sleeps();
            thread::sleep(Duration::from_millis(50));
            (before.0 && sleeps() == before).then_some(())
        });
        drop(held);
        let (mut server, _) = relay.upstream.accept().unwrap();
        client.write_all(b"x").unwrap();
        return server.read_exact(&mut [0]).unwrap();
    }
}

fn nothing_is_left_behind(language: Language) {
    let Some(relay) = Relay::start(language) else { return };
    leaves_nothing_behind(relay);
    // It knows the host's C library, and no other.
    let is_native = cfg!(all(target_pointer_width = "64", target_env = "gnu")) && !is_emulated();
    if language == Language::C && is_native && have("valgrind", &["--version"]) {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]);
        valgrind.arg(program(language).unwrap());
        leaves_nothing_behind(Relay::start_by(&mut valgrind));
    }
}

fn leaves_nothing_behind(relay: Relay) {
    let before = relay.server.descriptors();
    for _ in 0..20 {
        drop(relay.connect());
        reset(relay.connect().0);
    }
    until("all are closed", || (relay.server.descriptors() == before).then_some(()));
    let (client, _server) = relay.connect();
    relay.refuse();
    assert_eq!(kind_of_read(&relay.server.connect()), io::ErrorKind::ConnectionReset);
    relay.server.signal("TERM");
    assert_eq!(kind_of_read(&client), io::ErrorKind::ConnectionReset);
    // The one in C says so if a handle is left.
    assert!(relay.server.wait().success());
}
