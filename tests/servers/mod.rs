//! Starts the example servers as processes, each in Rust and in C.

#![allow(dead_code, unused_imports, unused_macros)] // Each test uses a part of it.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use mio_st::poll::Problem;

/// For what takes milliseconds on an idle machine. Only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Language {
    Rust,
    C,
}

/// Defines each test twice: `rust::name` and `c::name` call `name(Language)`.
macro_rules! for_both_languages {
    ($($name:ident)*) => {
        mod rust {
            $(#[test] fn $name() { super::$name(super::servers::Language::Rust) })*
        }
        mod c {
            $(#[test] fn $name() { super::$name(super::servers::Language::C) })*
        }
    };
}
pub(crate) use for_both_languages;

/// Whether a tool can be used. Without it a test is skipped, which is said; with REQUIRE_TOOLS=1 it fails.
pub fn have(tool: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(tool);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    if command.status().is_ok_and(|status| status.success()) {
        return true;
    }
    let required = std::env::var("REQUIRE_TOOLS").is_ok_and(|value| value == "1");
    assert!(!required, "{tool} is required, and cannot be used");
    eprintln!("skipped: {tool} cannot be used");
    false
}

/// The program of an example, built if it is not: `None` if there is nothing to build it with.
pub fn example(language: Language, name: &str) -> Option<PathBuf> {
    let program = match language {
        Language::Rust => cargo_build(&["--example", name], name),
        Language::C => c_example(name)?,
    };
    match std::env::var("MIO_ST_TEST_RUNNER") {
        Ok(runner) if !runner.is_empty() => Some(launcher(&runner, &program, language)),
        _ => Some(program),
    }
}

/// A script that becomes the program, by MIO_ST_TEST_RUNNER, where the system cannot run it by itself.
fn launcher(runner: &str, program: &Path, language: Language) -> PathBuf {
    static WRITTEN: Mutex<()> = Mutex::new(());

    let script = program.with_extension(format!("{language:?}.sh"));
    let text = format!("#!/bin/sh\nexec {runner} {} \"$@\"\n", program.display());
    let _alone = WRITTEN.lock().unwrap();
    if !fs::read_to_string(&script).is_ok_and(|before| before == text) {
        // Not by this process: a child that another thread starts meanwhile has all that is open here until it calls `exec`,
        // and a file that is open for writing cannot be run (ETXTBSY).
        let write = "printf %s \"$1\" >\"$0\" && chmod 755 \"$0\"";
        let status = Command::new("sh").args(["-c", write]).arg(&script).arg(&text).status();
        assert!(status.unwrap().success());
    }
    script
}

/// Builds by cargo, and returns the file of this name that it made. (Cargo itself builds examples only
/// together with all tests, and has no variable that tells where they are.)
fn cargo_build(arguments: &[&str], file: &str) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--message-format=json"])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo build {arguments:?}");
    let messages = String::from_utf8(output.stdout).unwrap();
    let mut paths = messages.split('"').map(Path::new);
    let made = |path: &&Path| path.is_absolute() && path.file_name().is_some_and(|it| it == file);
    paths.rfind(made).unwrap_or_else(|| panic!("{file} in {messages}")).to_owned()
}

fn c_example(name: &str) -> Option<PathBuf> {
    static BUILT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();

    let compiler = std::env::var("CC").unwrap_or("cc".into());
    if !have(&compiler, &["--version"]) {
        return None;
    }
    let library = LIBRARY.get_or_init(|| match std::env::var_os("MIO_ST_LIB_DIR") {
        Some(directory) => Path::new(&directory).join("libmio_st.a"),
        None => cargo_build(&["--release", "--package", "mio-st-lib"], "libmio_st.a"),
    });
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut built = BUILT.lock().unwrap();
    if !built.contains(&program) {
        // Renamed at the end, since an old one may still run.
        let new = program.with_extension(format!("new-{}", std::process::id()));
        let status = Command::new(compiler)
            .args([
                "-std=c11",
                "-O2",
                "-g",
                "-Wall",
                "-Wextra",
                "-Wpedantic",
                "-Wconversion",
                "-Werror",
            ])
            .arg("-I")
            .arg(root.join("include"))
            .arg(root.join("c-examples").join(name).with_extension("c"))
            .arg(library)
            .arg("-o")
            .arg(&new)
            .status()
            .unwrap();
        assert!(status.success(), "cc {name}.c");
        fs::rename(&new, &program).unwrap();
        built.push(program.clone());
    }
    Some(program)
}

/// A server that runs. It is killed when it is dropped; then its poller must have had no complaint.
pub struct Server {
    child: Child,
    /// What it has written to standard error.
    errors: Option<PathBuf>,
    pub address: SocketAddr,
}

impl Server {
    /// Starts it, and waits until it listens.
    pub fn start(command: &mut Command) -> Server {
        static STARTED: AtomicUsize = AtomicUsize::new(0);

        // A trace shows what a server does without.
        let mut errors = None;
        if command.get_program() != "strace" {
            let number = STARTED.fetch_add(1, Ordering::Relaxed);
            let file = format!("errors-{}-{number}", std::process::id());
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
            command.env("MIO_ST_CHECKS", "1").stderr(fs::File::create(&path).unwrap());
            errors = Some(path);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on ").map(|rest| rest.trim().parse());
        let Some(Ok(address)) = address else { panic!("{command:?} says {line:?}") };
        Server { child, errors, address }
    }

    /// Starts it with its time in the test's hands.
    pub fn start_paused(command: &mut Command) -> Server {
        Server::start(command.env("MIO_ST_CLOCK", "paused").stdin(Stdio::piped()))
    }

    /// Moves its time. What makes an event after this comes after it; what it reads without another poll may come
    /// before. It must have heard of the last time, as one knows who was answered since.
    pub fn advance(&mut self, by: Duration) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{}", by.as_millis()).unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Blocking, and no call waits for ever.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    pub fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.pid());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Stops it, until SIGCONT: what happens meanwhile has happened at once.
    pub fn stop(&self) {
        self.signal("STOP");
        let status = format!("/proc/{}/status", self.pid());
        let stopped = || fs::read_to_string(&status).unwrap().contains("State:\tT").then_some(());
        until("it has stopped", stopped);
    }

    pub fn wait(mut self) -> ExitStatus {
        until("the server exits", || self.child.try_wait().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let Some(path) = &self.errors else { return };
        let errors = fs::read_to_string(path).unwrap_or_default();
        let _ = fs::remove_file(path);
        // A machine may be so busy that a server does not come to its poll for a second.
        let stalled = Problem::Stalled.text();
        let complaint =
            errors.lines().find(|line| line.starts_with("complaint: ") && !line.contains(stalled));
        eprint!("{errors}");
        if let (Some(complaint), false) = (complaint, std::thread::panicking()) {
            panic!("{complaint}");
        }
    }
}

/// Asks again and again, where there is nothing to wait for.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What a call says that was not interrupted. One that waits with a timeout is interrupted by the end of a child, too,
/// which is no signal to be handled: by one that ends while the thread that has started it blocks signals still, as
/// `posix_spawn` does.
pub fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Whether the peer has closed, in whatever way. Throws away what it has sent before.
pub fn is_closed(stream: &mut TcpStream) -> bool {
    loop {
        match uninterrupted(|| stream.read(&mut [0; 4096])) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

/// Whether the connection stands, and nothing has come.
pub fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let result = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    result.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Waits until all that was written is with the system of the other side, which has told its poller.
pub fn deliver(stream: &TcpStream) {
    until("what was written is delivered", || {
        let mut left: libc::c_int = 0;
        // SAFETY: there is room for an `int`.
        let result = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut left) };
        assert_eq!(result, 0);
        (left == 0).then_some(())
    });
}

/// The names of the system calls in a trace by strace, from the line that contains the one text to the
/// line that contains the other.
pub fn system_calls(trace: &Path, first: &str, last: &str) -> Vec<String> {
    let text = until("the trace ends", || {
        fs::read_to_string(trace).ok().filter(|text| text.contains("+++"))
    });
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| line.contains(first)).unwrap();
    let last = lines.iter().rposition(|line| line.contains(last)).unwrap();
    let name = |line: &&str| line.split('(').next().unwrap().to_owned();
    lines[first..=last].iter().map(name).collect()
}

/// The most reads between two polls.
pub fn longest_turn(calls: &[String]) -> usize {
    let turns = calls.split(|call| call.starts_with("epoll_"));
    turns.map(|turn| turn.iter().filter(|call| call.starts_with("recv")).count()).max().unwrap()
}

/// Writes all of it while reading as much back.
pub fn flood(stream: &TcpStream, sent: Vec<u8>, back: usize) {
    let (reader, mut writer) = (stream, stream.try_clone().unwrap());
    let writing = std::thread::spawn(move || writer.write_all(&sent).unwrap());
    io::copy(&mut reader.take(back as u64), &mut io::sink()).unwrap();
    writing.join().unwrap();
}
