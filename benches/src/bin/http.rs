//! HTTP: the servers of `c-examples/` and `examples/`, driven by wrk over 50 connections for so many
//! seconds, or by so many short connections, one at a time. The floor is the one in C with its library
//! replaced by epoll by hand (`c/http_by_hand/mio_st.h`). An operation is a request.
//!
//! `http CONTENDER wrk SECONDS`, `http CONTENDER short CONNECTIONS`, with the folder of the contenders in C
//! in CONTENDERS

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use mio_st_benches::{Args, Outcome, check};

fn main() {
    let (contender, mut args) = Args::new();
    let server = if contender == "mio-st" {
        mio_st_benches::measure::programs().join("http_server")
    } else {
        PathBuf::from(std::env::var_os("CONTENDERS").expect("CONTENDERS is a folder"))
            .join(format!("http-{contender}"))
    };
    if !server.exists() {
        Outcome::print(None);
    }
    let drive = match args.word("how").as_str() {
        "wrk" => wrk,
        "short" => short,
        other => panic!("neither wrk nor short: {other}"),
    };
    Outcome::print(Some(measure(Command::new(server).arg("0"), drive, args.number("size"))))
}

#[allow(clippy::zombie_processes)] // It is waited for by wait4, which tells what it used.
fn measure(server: &mut Command, drive: fn(&str, usize) -> u64, size: usize) -> Outcome {
    let mut server = server.stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    let address = first.trim().rsplit(' ').next().unwrap();

    let start = Instant::now();
    let operations = drive(address, size);
    let wall = start.elapsed().as_nanos() as u64;

    let pid = server.id() as libc::pid_t;
    let mut status = 0;
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    check(unsafe { libc::kill(pid, libc::SIGTERM) } as isize);
    check(unsafe { libc::wait4(pid, &mut status, 0, &mut usage) } as isize);
    let status: ExitStatus = std::os::unix::process::ExitStatusExt::from_raw(status);
    assert!(status.success(), "the server: {status}");
    let nanos =
        |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1_000;
    Outcome { operations, wall, cpu: nanos(usage.ru_utime) + nanos(usage.ru_stime) }
}

/// Returns how many requests were answered.
fn wrk(address: &str, seconds: usize) -> u64 {
    let wrk = Command::new("wrk")
        .args(["-t1", "-c50", &format!("-d{seconds}s"), &format!("http://{address}/")])
        .output()
        .expect("wrk is installed");
    let said = String::from_utf8(wrk.stdout).unwrap();
    assert!(wrk.status.success(), "{said}");
    assert!(!said.contains("Socket errors") && !said.contains("Non-2xx"), "{said}");
    let line = said.lines().find(|line| line.contains(" requests in ")).expect("wrk counts");
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// A connection, a request, its answer, the end: as often as asked, one after the other.
fn short(address: &str, connections: usize) -> u64 {
    let mut answer = Vec::new();
    for _ in 0..connections {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        answer.clear();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    }
    connections as u64
}
