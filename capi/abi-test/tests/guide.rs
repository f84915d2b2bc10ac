//! What docs/c-guide.md has in C: everything is compiled, and the programs are run.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{compile_with, has, header, scratch, source, succeeds};

/// The blocks of C in the guide, each with the line that it begins at.
fn blocks() -> Vec<(usize, String)> {
    let guide = fs::read_to_string(header::root().join("docs/c-guide.md")).expect("the guide");
    let mut blocks = Vec::new();
    let mut lines = guide.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if line.trim() == "```c" {
            let block =
                lines.by_ref().map(|(line, _)| line).take_while(|line| line.trim() != "```");
            blocks.push((number + 1, block.collect::<Vec<_>>().join("\n")));
        }
    }
    blocks
}

fn is_program(block: &str) -> bool {
    block.contains("int main(")
}

/// The program whose first line has its name.
fn named(name: &str) -> (usize, String) {
    let program = |block: &str| is_program(block) && block.starts_with(&format!("/* {name}.c"));
    let found = blocks().into_iter().find(|(_, block)| program(block));
    found.unwrap_or_else(|| panic!("the guide has no {name}.c"))
}

/// Compiles it.
fn program(name: &str) -> PathBuf {
    let (_, text) = named(name);
    let path = scratch(&format!("guide_{name}.c"));
    fs::write(&path, text).expect("a file");
    compile_with(&path, &format!("guide_{name}"), &[])
}

#[test]
fn every_fragment_compiles() {
    if !has("curl-config", "the fragments of the guide, since one is for libcurl") {
        return;
    }
    let fragments: Vec<_> = blocks().into_iter().filter(|(_, text)| !is_program(text)).collect();
    assert!(fragments.len() >= 20, "only {} fragments were found", fragments.len());
    for (line, text) in fragments {
        // Definitions of functions, or statements.
        let begins = |line: &str| line.starts_with("static ") || line.starts_with("int ");
        let definitions = text.lines().any(|line| begins(line) && line.ends_with(") {"));
        let (before, after) =
            if definitions { ("", "") } else { ("void fragment(void) {\n", "\n}") };
        let path = scratch(&format!("guide_line_{line}.c"));
        let place = format!("#line {line} \"docs/c-guide.md\"");
        let whole =
            format!("#include \"guide.h\"\nvoid fragment(void);\n{before}{place}\n{text}{after}\n");
        fs::write(&path, whole).expect("a file");
        let mut cc = Command::new("cc");
        cc.args([
            "-std=gnu11",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Wconversion",
            "-Werror",
            "-Wno-unused",
        ]);
        cc.arg("-I").arg(header::root().join("include")).arg("-I").arg(source(""));
        succeeds(cc.arg("-c").arg(&path).arg("-o").arg(path.with_extension("o")));
    }
}

#[test]
fn no_program_is_left_out() {
    let programs: Vec<_> = blocks().into_iter().filter(|(_, text)| is_program(text)).collect();
    assert_eq!(programs.len(), 2, "run the new program here");
}

#[test]
fn the_first_program_waits_for_an_answer_or_five_seconds() {
    let question = program("question");
    let output = |mut child: Ended| {
        let mut output = String::new();
        child.0.stdout.take().expect("a pipe").read_to_string(&mut output).expect("an output");
        assert!(child.0.wait().expect("its end").success());
        output
    };
    let ask = |answer: &str| {
        let mut child = start(&question, "");
        child.0.stdin.take().expect("a pipe").write_all(answer.as_bytes()).expect("an answer");
        output(child)
    };
    assert_eq!(ask("42\n"), "What is the answer?\nYou said 42\n");
    assert_eq!(ask(""), "What is the answer?\nNo answer.\n");

    let begin = Instant::now();
    let mut child = start(&question, "");
    let _open = child.0.stdin.take();
    assert_eq!(output(child), "What is the answer?\nNo answer.\n");
    assert!(begin.elapsed() >= Duration::from_secs(5));
}

#[test]
fn the_server_echoes_and_ends_by_a_signal() {
    let mut server = start(&program("server"), "127.0.0.1:0");
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("listening on ").expect("an address");
    let connect = || {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream
    };

    // More than one turn, and more than the sockets hold.
    let sent: Vec<u8> = (0..3_000_000u32).map(|number| (number % 251) as u8).collect();
    let mut client = connect();
    let mut writer = client.try_clone().expect("a clone");
    let written = sent.clone();
    let writing = std::thread::spawn(move || {
        writer.write_all(&written).expect("written");
        writer.shutdown(Shutdown::Write).expect("shut down");
    });
    let mut received = Vec::new();
    client.read_to_end(&mut received).expect("the echo");
    writing.join().expect("the writer");
    assert!(received == sent, "{} of {} bytes, or not the same", received.len(), sent.len());

    // One more than there are places: it is served as soon as another has gone.
    let mut clients: Vec<_> = (0..513).map(|_| connect()).collect();
    for client in &mut clients[..512] {
        client.write_all(b"x").expect("written");
        client.read_exact(&mut [0]).expect("an echo");
    }
    clients[512].write_all(b"y").expect("written");
    drop(clients.remove(0));
    clients[511].read_exact(&mut [0]).expect("an echo");

    server.terminate();
    assert!(server.0.wait().expect("its end").success(), "the server left handles open");
}

/// `-ENOSPC` of `max_user_watches`, by a call that is interposed.
#[test]
fn a_client_that_cannot_be_registered_is_turned_away_alone() {
    let refusing = scratch("refuse_registration.c");
    fs::write(&refusing, REFUSING).expect("a file");
    let wraps = [refusing.to_str().expect("a path"), "-Wl,--wrap=epoll_ctl"];
    let (_, text) = named("server");
    let of_the_guide = scratch("guide_refusing_server.c");
    fs::write(&of_the_guide, text).expect("a file");
    let example = header::root().join("c-examples/echo_server.c");
    for (source, name) in [(of_the_guide, "guide_refusing"), (example, "echo_refusing")] {
        let mut server = start(&compile_with(&source, name, &wraps), "127.0.0.1:0");
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().expect("a pipe")).read_line(&mut line).expect("one");
        let address = line.trim().strip_prefix("listening on ").expect("an address");
        for turned_away in [false, true, false] {
            let mut client = TcpStream::connect(address).expect("a connection");
            client.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
            let _ = client.write_all(b"x");
            let echo = client.read(&mut [0]);
            assert_eq!(!matches!(echo, Ok(1)), turned_away, "{name}: {echo:?}");
        }
        server.terminate();
        server.0.wait().expect("its end");
    }
}

/// Refuses to register the second connection.
const REFUSING: &str = "
#include <errno.h>
#include <sys/epoll.h>

int __real_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    static int connections;

    if (what == EPOLL_CTL_ADD && (event->events & EPOLLOUT) != 0 && ++connections == 2) {
        errno = ENOSPC;
        return -1;
    }
    return __real_epoll_ctl(epoll, what, fd, event);
}
";

/// A program that does not outlive a test that fails, and ends after a minute in any case.
struct Ended(Child);

impl Ended {
    fn terminate(&self) {
        succeeds(Command::new("kill").args(["-TERM", &self.0.id().to_string()]));
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|status| status.is_none()) {
            self.terminate();
            let _ = self.0.wait();
        }
    }
}

fn start(program: &Path, argument: &str) -> Ended {
    let mut command = Command::new("timeout");
    command.args(["--foreground", "--kill-after=5", "60"]).arg(program).arg(argument);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    Ended(command.spawn().expect("a program of the guide"))
}
