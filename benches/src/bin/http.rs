//! HTTP: the servers of `c-examples/` and `examples/`, driven by wrk over 50 connections for so many
//! seconds. The floor is the one in C with its library replaced by epoll by hand (`c/http/mio_st.h`). An
//! operation is a request.
//!
//! `http CONTENDER SECONDS`, or `http serve raw-c|mio-st-c`: the server itself, on a free port

use std::ffi::{CString, c_char, c_int};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use mio_st_benches::{Args, Outcome, check};

// The contenders in C are among the objects of this crate.
unsafe extern "C" {
    fn http_raw_main(argc: c_int, argv: *const *const c_char) -> c_int;
    fn http_mio_st_main(argc: c_int, argv: *const *const c_char) -> c_int;
}

fn main() {
    let (contender, mut args) = Args::new();
    if contender == "serve" {
        std::process::exit(serve(&args.word("contender")));
    }
    let folder = mio_st_benches::measure::programs();
    let server = match contender.as_str() {
        "mio-st" => {
            let mut server = Command::new(folder.join("http_server"));
            server.arg("0");
            server
        }
        "raw-c" | "mio-st-c" => {
            let mut server = Command::new(folder.join("http"));
            server.args(["serve", &contender]);
            server
        }
        _ => Outcome::print(None),
    };
    Outcome::print(Some(drive(server, &args.word("seconds"))))
}

fn serve(contender: &str) -> c_int {
    let words = ["http_server", "0"].map(|word| CString::new(word).unwrap());
    let argv = [words[0].as_ptr(), words[1].as_ptr(), std::ptr::null()];
    match contender {
        "raw-c" => unsafe { http_raw_main(2, argv.as_ptr()) },
        "mio-st-c" => unsafe { http_mio_st_main(2, argv.as_ptr()) },
        other => panic!("no such server: {other}"),
    }
}

#[allow(clippy::zombie_processes)] // It is waited for by wait4, which tells what it used.
fn drive(mut server: Command, seconds: &str) -> Outcome {
    let mut server = server.stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    let address = first.trim().rsplit(' ').next().unwrap();

    let start = Instant::now();
    let wrk = Command::new("wrk")
        .args(["-t1", "-c50", &format!("-d{seconds}s"), &format!("http://{address}/")])
        .output()
        .expect("wrk is installed");
    let wall = start.elapsed().as_nanos() as u64;
    let said = String::from_utf8(wrk.stdout).unwrap();
    assert!(wrk.status.success(), "{said}");
    assert!(!said.contains("Socket errors") && !said.contains("Non-2xx"), "{said}");
    let line = said.lines().find(|line| line.contains(" requests in ")).expect("wrk counts");
    let operations = line.split_whitespace().next().unwrap().parse().unwrap();

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
