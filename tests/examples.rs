//! The examples that are not servers of HTTP or of the plain echo, each as a process with real clients.
//! (Those two have tests of their own.)

#![cfg(target_os = "linux")] // Signals and processes; the examples are the same everywhere.

mod servers;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::process::{Child, ChildStdout, Command, Stdio};

use servers::{Language, PATIENCE, Server, example, uninterrupted};

fn command(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(example(Language::Rust, name).unwrap());
    command.args(arguments);
    command
}

fn start(name: &str, arguments: &[&str]) -> Server {
    Server::start(&mut command(name, arguments))
}

/// What a program has written to its standard error: no complaint of its poller but one that it was not there, which a
/// busy machine makes.
fn assert_no_complaint(errors: &[u8]) {
    let errors = String::from_utf8_lossy(errors);
    let complains = |line: &str| line.starts_with("complaint: ") && !line.contains("did not poll");
    assert!(!errors.lines().any(complains), "{errors}");
}

fn line(stream: &TcpStream) -> String {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

#[test]
fn udp_echo_sends_every_datagram_back() {
    let server = start("udp_echo", &["0.0.0.0:0"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    // Who is connected hears only the address that was asked.
    socket.connect(("127.0.0.2", server.address.port())).unwrap();
    let mut buffer = vec![0; 65_535];
    for length in [1, 0, 1000, 60_000] {
        let datagram = vec![length as u8; length];
        socket.send(&datagram).unwrap();
        let received = uninterrupted(|| socket.recv(&mut buffer)).unwrap();
        assert_eq!(&buffer[..received], datagram);
    }
}

#[test]
fn what_one_client_of_the_chat_writes_all_others_get() {
    for trigger in ["edge", "level"] {
        let server = start("chat_server", &["127.0.0.1:0", trigger]);
        // Each is known to the server when its own greeting has come to the one before it.
        let mut clients = vec![server.connect()];
        for number in 1..20 {
            let mut client = server.connect();
            writeln!(client, "here is {number}").unwrap();
            for other in &clients {
                assert_eq!(line(other), format!("here is {number}\n"), "{trigger}");
            }
            clients.push(client);
        }
        // More than a socket holds, while nobody reads; all of it arrives.
        let long = vec![b'x'; 900_000];
        let mut writer = clients.pop().unwrap();
        writer.write_all(&long).unwrap();
        for client in &mut clients {
            let mut received = vec![0; long.len()];
            client.read_exact(&mut received).unwrap();
            assert!(received == long);
        }
        // Somebody leaves, and the others talk on.
        drop(clients.remove(0));
        clients[0].write_all(b"bye\n").unwrap();
        assert_eq!(line(&writer), "bye\n");
        assert_eq!(line(&clients[1]), "bye\n");
    }
}

#[test]
fn the_work_queue_goes_on_polling_while_a_thread_works() {
    let output = command("work_queue", &[]).env("MIO_ST_CHECKS", "1").output().unwrap();
    assert!(output.status.success());
    assert_no_complaint(&output.stderr);
    let output = String::from_utf8(output.stdout).unwrap();
    for result in ["9592 primes below 100000", "33860 primes below 400000"] {
        assert!(output.contains(result), "{output}");
    }
    assert!(output.contains('.'), "{output}");
}

#[test]
fn the_acceptor_hands_connections_to_all_workers() {
    let server = start("acceptor", &["127.0.0.1:0"]);
    let clients: Vec<TcpStream> = (0..9).map(|_| server.connect()).collect();
    let served: Vec<String> = clients.iter().map(line).collect();
    for worker in 0..3 {
        let line = format!("served by worker {worker}\n");
        assert_eq!(served.iter().filter(|served| **served == line).count(), 3, "{served:?}");
    }
    // Whoever hangs up is hung up on.
    for mut client in clients {
        client.write_all(b"thanks").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(uninterrupted(|| client.read(&mut [0; 1])).unwrap(), 0);
    }
}

#[test]
fn more_than_one_thread_gets_connections_with_reuse_port() {
    let server = start("thread_per_core", &["127.0.0.1:0"]);
    // The kernel chooses by the client's port: one of two threads is never chosen with odds of 2^-999.
    let served: HashSet<String> = (0..1000).map(|_| line(&server.connect())).collect();
    assert!(served.len() > 1, "{served:?}");
}

struct Supervisor {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Supervisor {
    fn start(arguments: &[&str]) -> Supervisor {
        let mut command = command("supervisor", arguments);
        command.envs([("MIO_ST_CHECKS", "1"), ("MIO_ST_CLOCK", "paused")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Supervisor { child, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Moves its time.
    fn advance(&mut self, millis: u64) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{millis}").unwrap();
    }

    /// It has ended.
    fn ends(mut self) {
        assert_eq!(self.line(), "", "the end");
        let mut errors = Vec::new();
        self.child.stderr.take().unwrap().read_to_end(&mut errors).unwrap();
        assert_no_complaint(&errors);
    }

    fn interrupt(&self) {
        let status = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // If a test has failed; it ends its own child.
        self.interrupt();
        let _ = self.child.wait();
    }
}

#[test]
fn the_supervisor_starts_a_program_again_until_it_succeeds() {
    let folder = std::env::temp_dir().join(format!("mio-st-supervisor-{}", std::process::id()));
    // The first time the folder is made, and it fails; the second time it is there.
    let script =
        format!("if mkdir {0}; then exit 3; else rmdir {0}; fi 2>/dev/null", folder.display());
    let mut supervisor = Supervisor::start(&["sh", "-c", &script]);
    assert!(supervisor.line().starts_with("started process "));
    assert_eq!(supervisor.line(), "exit status: 3");
    supervisor.advance(100);
    assert!(supervisor.line().starts_with("started process "));
    assert_eq!(supervisor.line(), "exit status: 0");
    supervisor.ends();
}

#[test]
fn the_supervisor_ends_its_child_and_itself_on_ctrl_c() {
    let mut supervisor = Supervisor::start(&["sh", "-c", "echo ready; exec sleep 1000"]);
    // Which of the two is first to write is up to the kernel.
    let mut lines = [supervisor.line(), supervisor.line()];
    lines.sort();
    assert_eq!(lines[0], "ready");
    assert!(lines[1].starts_with("started process "), "{lines:?}");
    supervisor.interrupt();
    assert!(supervisor.line().ends_with("stopping"));
    assert!(supervisor.line().starts_with("signal: 9"));
    supervisor.ends();
}

/// And nothing is started before the pause is over.
#[test]
fn the_supervisor_ends_itself_while_it_waits_to_start_its_child_again() {
    let mut supervisor = Supervisor::start(&["false"]);
    assert!(supervisor.line().starts_with("started process "));
    assert_eq!(supervisor.line(), "exit status: 1");
    supervisor.advance(99);
    supervisor.interrupt();
    assert!(supervisor.line().ends_with("stopping"));
    supervisor.ends();
}
