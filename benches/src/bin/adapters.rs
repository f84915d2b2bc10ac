//! What other libraries cost in the loop: Redis by hiredis and downloads by libcurl, over the adapters of
//! `include/mio_st/`, beside those that hiredis ships for libuv, libev and libevent, and loops in the manner of curl's
//! examples for them.
//!
//! ```text
//! adapters              a table
//! adapters targets      and whether each target is met; it fails if one is not
//! ```
//!
//! All is for one command or download: the difference of two runs of which one does more of them, so that starting and
//! connecting are not in it. Instructions are those of user space, all libraries included; calls that failed are beside
//! the calls. It needs what the other benchmarks need, libhiredis-dev, libcurl4-openssl-dev and redis-server.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

const LOOPS: [(&str, &str, &[&str]); 4] = [
    ("mio_st", "-DMIO_ST", &[]),
    ("libuv", "-DLIBUV", &["-luv"]),
    ("libev", "-DLIBEV", &["-lev"]),
    ("libevent", "-DLIBEVENT", &["-levent_core"]),
];
const CONNECTIONS: [u64; 3] = [1, 50, 200];

const INTRODUCTION: &str = "\
# What other libraries cost in the loop

The tables are what `make bench-adapters` prints: Redis by hiredis and downloads of 1,000 bytes by libcurl, over the
adapters of `include/mio_st/`, beside those that hiredis ships for libuv, libev and libevent, and loops in the manner of
curl's examples for them. Each connection has one command or download on its way, and keeps standing. A download is
answered after a millisecond, as over a network: so each has to wait.

All is for one command or download: the difference of two runs of which one does more of them. Instructions are those of
user space, all libraries included. CPU is of one run each, and wobbles.
";

/// What one command or download takes.
struct Cost {
    instructions: f64,
    calls: f64,
    failed: f64,
    microseconds: f64,
}

struct Redis(Child, u16);

impl Redis {
    fn start() -> Redis {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"]);
        command.arg(port.to_string()).current_dir(env::temp_dir()).stdout(Stdio::null());
        let redis = Redis(command.spawn().expect("redis-server"), port);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            thread::sleep(Duration::from_millis(20));
        }
        redis
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Answers each request with 1,000 bytes, after a millisecond: an answer that is there at once is found before it is
/// waited for, in some runs more often than in others.
fn serve_http() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}", "x".repeat(1000));
    let answer: &'static [u8] = Box::leak(answer.into_bytes().into());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let reader = BufReader::new(stream.try_clone().unwrap());
                for line in reader.lines().map_while(Result::ok) {
                    if !line.is_empty() {
                        continue;
                    }
                    thread::sleep(Duration::from_millis(1));
                    if stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

/// The program of a library over a loop, compiled.
fn program(library: &str, name: &str, define: &str, libraries: &[&str], folder: &Path) -> PathBuf {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = benches.parent().unwrap();
    let program = folder.join(format!("adapters-{library}-{name}"));
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-fno-strict-aliasing", define]);
    // The adapters that hiredis ships have parameters that they do not use.
    cc.args(["-Wno-unused-parameter", "-Wno-strict-aliasing"]);
    cc.arg("-I").arg(root.join("include")).arg(benches.join(format!("c/adapters_{library}.c")));
    cc.arg("-o").arg(&program).args(libraries);
    if define == "-DMIO_ST" {
        cc.arg(root.join("target/lib/libmio_st.a"));
    }
    cc.arg(if library == "curl" { "-lcurl" } else { "-lhiredis" });
    assert!(cc.status().unwrap().success(), "{cc:?}");
    program
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}, {:?}", status.signal());
}

/// Instructions, calls and calls that failed, and microseconds of the processor, of a whole run.
fn whole(program: &Path, arguments: [&str; 3], folder: &Path) -> [f64; 4] {
    let out = folder.join("adapters.out");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--quiet"]);
    valgrind.arg(format!("--callgrind-out-file={}", out.display()));
    run(valgrind.arg(program).args(arguments).stderr(Stdio::null()));
    let text = fs::read_to_string(&out).unwrap();
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
    let instructions = total.trim().parse().unwrap();

    let mut strace = Command::new("strace");
    strace.args(["-qq", "-f", "-c", "-U", "name,calls,errors", "-o"]).arg(&out);
    run(strace.arg(program).args(arguments));
    let text = fs::read_to_string(&out).unwrap();
    let (mut calls, mut failed) = (0.0, 0.0);
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), count) = (words.next(), words.next()) else { continue };
        let Some(Ok(count)) = count.map(str::parse::<f64>) else { continue };
        if name != "total" {
            calls += count;
            failed += words.next().map_or(0.0, |errors| errors.parse().unwrap());
        }
    }

    let before = children();
    run(Command::new(program).args(arguments));
    [instructions, calls, failed, children() - before]
}

/// The microseconds of the processor of the children that have ended.
fn children() -> f64 {
    // SAFETY: Zeros are a `rusage`, which the call fills.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        assert_eq!(libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage), 0);
        usage
    };
    let time = |time: libc::timeval| time.tv_sec as f64 * 1e6 + time.tv_usec as f64;
    time(usage.ru_utime) + time(usage.ru_stime)
}

fn cost(program: &Path, server: &str, connections: u64, folder: &Path) -> Cost {
    let counts = [connections * 5 + 500, connections * 15 + 2500];
    let [few, many] = counts.map(|count| {
        whole(program, [server, &connections.to_string(), &count.to_string()], folder)
    });
    let one = |which: usize| (many[which] - few[which]) / (counts[1] - counts[0]) as f64;
    Cost { instructions: one(0), calls: one(1), failed: one(2), microseconds: one(3) }
}

fn main() {
    let with_targets = env::args().nth(1).is_some_and(|argument| argument == "targets");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    run(Command::new("make").args(["--silent", "lib"]).current_dir(root).env_remove("MAKEFLAGS"));
    let folder = env::temp_dir().join(format!("mio-st-adapters-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let redis = Redis::start();
    let servers = [("redis", redis.1.to_string(), "command"), ("curl", serve_http(), "download")];
    let mut missed = Vec::new();
    println!("{INTRODUCTION}");
    for (library, server, what) in servers {
        println!(
            "| {library}, connections | loop | instructions a {what} | system calls | that failed | CPU, µs |"
        );
        println!("|---|---|---|---|---|---|");
        for connections in CONNECTIONS {
            let costs = LOOPS.map(|(name, define, libraries)| {
                let program = program(library, name, define, libraries, &folder);
                let cost = cost(&program, &server, connections, &folder);
                let Cost { instructions, calls, failed, microseconds } = cost;
                println!("| {connections} | {name} | {instructions:.0} | {calls:.2} | {failed:.2} | {microseconds:.1} |");
                (name, cost)
            });
            let [(_, ours), peers @ ..] = &costs;
            for (name, peer) in peers {
                let kinds = [
                    ("instructions", ours.instructions, peer.instructions),
                    ("system calls", ours.calls, peer.calls),
                ];
                for (kind, ours, peer) in kinds {
                    if ours > peer {
                        let ratio = ours / peer;
                        missed.push(format!(
                            "{library} at {connections}: {kind} to {name}'s {ratio:.3}"
                        ));
                    }
                }
            }
        }
        println!();
    }
    drop(redis);
    fs::remove_dir_all(&folder).unwrap();
    if with_targets {
        println!(
            "Fewer instructions and system calls than each of the three: {}",
            if missed.is_empty() { "met" } else { "missed" }
        );
        for line in &missed {
            println!("- {line}");
        }
        std::process::exit(i32::from(!missed.is_empty()));
    }
}
