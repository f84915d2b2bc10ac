//! The adapters of other libraries, `include/mio_st/`: each with its program of `c-examples/`, natively and under
//! valgrind, against a real server.

#[path = "../common/mod.rs"]
mod common;
mod supervisor;
mod tls;
mod together;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// For what takes moments, also under valgrind on a busy machine. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program of `c-examples/`, with the libraries that it needs.
fn program(name: &str) -> PathBuf {
    static BUILT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    let source = common::header::root().join("c-examples").join(format!("{name}.c"));
    let mut built = BUILT.lock().unwrap();
    let program = common::scratch(&format!("adapters-{name}"));
    // Two tests may want it, and one may run it already.
    if !built.contains(&program) {
        let libraries = common::libraries(&source);
        common::compile_with(&source, &format!("adapters-{name}"), &libraries);
        built.push(program.clone());
    }
    program
}

/// The program with a poller that looks for its mistakes, and finds none; and as it is under valgrind, which finds no
/// error and nothing that is lost.
fn ways(program: &Path) -> Vec<Checked> {
    let mut ways = vec![Checked::new(Command::new(program))];
    ways[0].env("MIO_ST_CHECKS", "1");
    if common::has("valgrind", "the same under valgrind") {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]).arg(program);
        ways.push(Checked::new(valgrind));
    }
    ways
}

/// A command of which there must be no complaint when it is dropped, which is after its end.
struct Checked {
    command: Command,
    errors: PathBuf,
}

impl Checked {
    fn new(mut command: Command) -> Checked {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let errors = common::scratch(&format!("adapters-errors-{}-{number}", std::process::id()));
        command.stderr(fs::File::create(&errors).unwrap());
        Checked { command, errors }
    }
}

impl Deref for Checked {
    type Target = Command;

    fn deref(&self) -> &Command {
        &self.command
    }
}

impl DerefMut for Checked {
    fn deref_mut(&mut self) -> &mut Command {
        &mut self.command
    }
}

impl Drop for Checked {
    fn drop(&mut self) {
        let errors = fs::read_to_string(&self.errors).unwrap();
        let _ = fs::remove_file(&self.errors);
        eprint!("{errors}");
        // A busy machine may keep it from its poll.
        let complains =
            |line: &str| line.starts_with("complaint: ") && !line.contains("did not poll");
        assert!(thread::panicking() || !errors.lines().any(complains), "{errors}");
    }
}

fn lines(command: &mut Command) -> Vec<String> {
    let output = String::from_utf8(common::succeeds(command).stdout).unwrap();
    output.lines().map(str::to_owned).collect()
}

/// A process that a test has started, and ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port of loopback that nobody listens on, neither by TCP nor by UDP, and that nobody gets while this lives, but
/// for a server of the test's, which asks with `SO_REUSEADDR`, as servers do.
struct FreePort {
    number: u16,
    _tcp: Socket,
    _udp: UdpSocket,
}

fn free_port() -> FreePort {
    eventually("one port for both", || {
        let tcp = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        tcp.set_reuse_address(true).unwrap();
        tcp.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = tcp.local_addr().unwrap().as_socket().unwrap();
        // With itself as its peer, it answers everybody else as if nobody were there.
        let udp = UdpSocket::bind(address).ok()?;
        udp.connect(address).unwrap();
        Some(FreePort { number: address.port(), _tcp: tcp, _udp: udp })
    })
}

/// Waits for something that takes a moment, such as a server that starts.
fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..3000 {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("{what}");
}

/// Serves files as long as their names say, and some that end too early.
fn serve_http(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut request = String::new();
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            request += &std::mem::take(&mut line);
        }
        let Some(path) = request.split(' ').nth(1) else { return };
        let head = |length: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        let body = vec![b'x'; path[1..].parse().unwrap_or(5000)];
        let answer = match path {
            "/cut" => head(body.len() + 1),
            "/nothing" => return,
            _ => head(body.len()),
        };
        // Whoever fetches may have gone.
        if stream.write_all(&[answer.as_bytes(), &body].concat()).is_err() || path == "/cut" {
            return;
        }
    }
}

fn start_http() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(|| serve_http(stream.unwrap()));
        }
    });
    server
}

#[test]
fn curl_fetches_two_hundred_things_at_once_and_says_which_were_cut_off() {
    let server = start_http();
    let good: Vec<_> = (0..200).map(|n| format!("{server}/{}", n * 999)).collect();
    let nobody = free_port();
    let refused = format!("http://127.0.0.1:{}/", nobody.number);
    let bad = ["cut", "nothing"].map(|path| format!("{server}/{path}"));
    for mut command in ways(&program("fetch")) {
        command.args(&good).args(&bad).arg(&refused).arg("http://127.0.0.1:0/");
        let lines = lines(&mut command);
        for (n, url) in good.iter().enumerate() {
            let line = format!("200 {} {url}", n * 999);
            assert!(lines.contains(&line), "{line}: {lines:#?}");
        }
        for (url, why) in [(&bad[0], "partial"), (&bad[1], "no data"), (&refused, "connect")] {
            let start = format!("failed {url}: ");
            let line = lines.iter().find(|line| line.starts_with(&start));
            assert!(line.is_some_and(|line| line.contains(why)), "{url}: {lines:#?}");
        }
        assert_eq!(lines.last().unwrap(), "200 done, 4 failed");
    }
}

fn start_redis(port: u16) -> Server {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"]);
    command.arg(port.to_string()).current_dir(std::env::temp_dir()).stdout(Stdio::null());
    let server = Server(command.spawn().expect("redis-server"));
    eventually("redis-server starts", || TcpStream::connect(("127.0.0.1", port)).ok());
    server
}

/// A running program, whose lines are awaited.
struct Running {
    child: Server,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn start(command: &mut Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Running { child: Server(child), output }
    }

    #[track_caller]
    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).unwrap() > 0, "it says no more");
        line.trim_end().to_owned()
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.0.id().to_string();
        common::succeeds(Command::new("kill").arg(format!("-{signal}")).arg(pid));
    }

    /// Stops it, until SIGCONT: what happens meanwhile has happened at once.
    fn stop(&self) {
        self.signal("STOP");
        let status = format!("/proc/{}/status", self.child.0.id());
        let stopped = || fs::read_to_string(&status).unwrap().contains("State:\tT").then_some(());
        eventually("it has stopped", stopped);
    }

    /// Moves the time of one that was started so.
    fn advance(&mut self, millis: u64) {
        writeln!(self.child.0.stdin.as_mut().unwrap(), "{millis}").unwrap();
    }

    #[track_caller]
    fn says(&mut self, expected: &str) {
        let line = self.line();
        assert!(line.starts_with(expected), "{line:?}, not {expected:?}");
    }

    fn ends(mut self) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        let status = self.child.0.wait().unwrap();
        assert!(status.success(), "{status}: {rest}");
    }
}

#[test]
fn a_redis_client_survives_its_server() {
    if !common::has("redis-server", "the client of Redis") {
        return;
    }
    for mut command in ways(&program("redis_client")) {
        let free = free_port();
        let port = free.number;
        let server = start_redis(port);
        let mut client = Running::start(command.arg("127.0.0.1").arg(port.to_string()));
        for line in ["connected", "counted to 10000", "nothing was pushed", "waiting"] {
            client.says(line);
        }
        drop(server);
        client.says("lost: ");
        client.says("not connected: Connection refused");
        let _server = start_redis(port);
        client.says("connected");
        client.says("waiting");
        let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        server.write_all(b"RPUSH commands what stop\r\n").unwrap();
        client.says("an unknown command");
        client.says("stop");
        client.ends();
    }
}

/// The answers to a question: none, or several, of which one may be right.
fn answers(question: &[u8], seen: &Mutex<Vec<String>>, by_tcp: bool) -> Vec<Vec<u8>> {
    let length = usize::from(question[12]);
    let name = String::from_utf8(question[13..13 + length].to_vec()).unwrap();
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let number: u16 = name[1..].parse().unwrap_or(u16::MAX);
    let answer = |flags: u16, records: u16| {
        let mut answer = question[..2].to_vec();
        answer.extend(flags.to_be_bytes());
        answer.extend([0, 1, 0, records as u8, 0, 0, 0, 0]);
        answer.extend(&question[12..end]);
        if records > 0 {
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0]);
            answer.extend(number.to_be_bytes());
        }
        answer
    };
    let first = {
        let mut seen = seen.lock().unwrap();
        let first = !seen.contains(&name);
        seen.push(name.clone());
        first
    };
    let right = answer(0x8180, 1);
    let mut of_another = right.clone();
    of_another[0] ^= 0xff;
    match number {
        u16::MAX if name == "silent" => vec![],
        u16::MAX => vec![answer(0x8183, 0)],
        _ if by_tcp => vec![right],
        // The first datagram is lost.
        n if n % 4 == 1 && first => vec![],
        // Too long for a datagram: by TCP.
        n if n % 10 == 2 => vec![answer(0x8380, 0)],
        // A forged answer comes first.
        n if n % 10 == 3 => vec![of_another, right],
        n if n % 10 == 4 => vec![vec![0; 5], right.clone(), right],
        _ => vec![right],
    }
}

fn serve_dns() -> String {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (udp, tcp) = eventually("one port for both", || {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let tcp = TcpListener::bind(udp.local_addr().unwrap()).ok()?;
        Some((udp, tcp))
    });
    let address = udp.local_addr().unwrap().to_string();
    let seen_by_udp = seen.clone();
    thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = udp.recv_from(&mut question) {
            for answer in answers(&question[..length], &seen_by_udp, false) {
                let _ = udp.send_to(&answer, from);
            }
        }
    });
    thread::spawn(move || {
        for stream in tcp.incoming() {
            let seen = seen.clone();
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut length = [0; 2];
                while stream.read_exact(&mut length).is_ok() {
                    let mut question = vec![0; u16::from_be_bytes(length).into()];
                    stream.read_exact(&mut question).unwrap();
                    for answer in answers(&question, &seen, true) {
                        // In two pieces.
                        let length = (answer.len() as u16).to_be_bytes();
                        let _ = stream.write_all(&[&length[..], &answer[..7]].concat());
                        let _ = stream.write_all(&answer[7..]);
                    }
                }
            });
        }
    });
    address
}

#[test]
fn two_hundred_names_are_found_also_where_answers_are_lost_and_forged() {
    let program = program("resolve");
    for mut command in ways(&program) {
        let server = serve_dns();
        command.arg(server).args((0..200).map(|n| format!("n{n}.test")));
        let lines = lines(command.args(["unknown.test", "silent.test"]));
        for n in 0..200 {
            let line = format!("n{n}.test 10.0.{}.{}:0", n / 256, n % 256);
            assert!(lines.contains(&line), "{line}: {lines:#?}");
        }
        assert!(lines.contains(&"unknown.test: Domain name not found".into()), "{lines:#?}");
        let silent = "silent.test: Timeout while contacting DNS servers";
        assert!(lines.contains(&silent.into()), "{lines:#?}");
        assert_eq!(lines.len(), 202);
    }
    // Nobody listens at all.
    for mut command in ways(&program) {
        let nobody = free_port();
        let server = format!("127.0.0.1:{}", nobody.number);
        let lines = lines(command.args([&server, "n1.test"]));
        assert_eq!(lines, ["n1.test: Could not contact DNS servers"]);
    }
}

/// A server of PostgreSQL of the test's own, which listens on a socket in a folder.
fn start_postgres(programs: &Path, folder: &Path) -> Server {
    // It refuses to be root.
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let as_user = |program: &str| {
        let program = programs.join(program);
        if !is_root {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
        command
    };
    let data = folder.join("data");
    fs::create_dir(&data).unwrap();
    if is_root {
        common::succeeds(Command::new("chown").arg("-R").arg("postgres:").arg(folder));
    }
    let mut init = as_user("initdb");
    init.args(["--auth=trust", "--no-sync", "--username=postgres", "--pgdata"]).arg(&data);
    common::succeeds(init.current_dir(folder));
    let mut command = as_user("postgres");
    command.arg("-D").arg(&data).arg("-k").arg(folder).args(["-c", "listen_addresses="]);
    command.args(["-c", "fsync=off"]).current_dir(folder);
    command.stdout(Stdio::null()).stderr(fs::File::create(folder.join("log")).unwrap());
    let server = Server(command.spawn().unwrap());
    let socket = folder.join(".s.PGSQL.5432");
    eventually("postgres starts", || std::os::unix::net::UnixStream::connect(&socket).ok());
    server
}

/// A database in a folder of its own, or nothing where there is no PostgreSQL.
fn postgres(what: &str) -> Option<(PathBuf, Server)> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let Some(version) = versions.map(|version| version.unwrap().path().join("bin")).max() else {
        assert!(std::env::var("REQUIRE_TOOLS").is_err(), "PostgreSQL is required");
        eprintln!("PostgreSQL is missing, skipped: {what}");
        return None;
    };
    // Not below the target folder: the path of a socket is short, and the server's user must reach it.
    let folder = std::env::temp_dir().join(format!("mio-st-{what}-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let server = start_postgres(&version, &folder);
    Some((folder, server))
}

#[test]
fn twenty_connections_to_postgres_each_do_something_else() {
    let Some((folder, server)) = postgres("postgres") else { return };
    let here = format!("host={} user=postgres dbname=postgres", folder.display());
    let nobody = free_port();
    let refused = format!("hostaddr=127.0.0.1 port={} user=nobody", nobody.number);
    for mut command in ways(&program("postgres_client")) {
        // The first connections may come before it is ready.
        let lines = eventually("postgres is ready", || {
            let lines = lines(command.args([&here, &refused]));
            (!lines.iter().any(|line| line.contains("starting up"))).then_some(lines)
        });
        for line in [
            "0 had 20000 rows",
            "1 copied 5242900 bytes",
            "2 heard: it rains",
            "3 told",
            "4 57014 canceling statement due to user request",
            "5 57P01 terminating connection due to administrator command",
            "5 connected again",
            "6 had 1 rows",
            "19 had 1 rows",
        ] {
            assert!(lines.contains(&line.to_owned()), "{line}: {lines:#?}");
        }
        let refused = lines.iter().find(|line| line.starts_with("20 "));
        assert!(refused.is_some_and(|line| line.contains("Connection refused")), "{lines:#?}");
    }
    drop(server);
    // Nobody is there at all.
    let lines = lines(Command::new(program("postgres_client")).arg(&here));
    let failed = lines.iter().filter(|line| line.contains("failed: Connection refused"));
    assert!(failed.count() == 20, "{lines:#?}");
    let _ = fs::remove_dir_all(&folder);
}

#[test]
fn an_adapter_in_trouble_says_so_and_loses_nothing() {
    let source = common::source("adapters.c");
    let mut arguments = common::libraries(&source);
    arguments.push("-Wl,--wrap=mio_st_poller_watch_fd");
    common::run(&common::compile_with(&source, "adapters-trouble", &arguments));
}

/// Lines that are neither empty, nor comments, nor a brace, nor the preprocessor's.
fn lines_of_code(header: &str) -> usize {
    let mut code = String::new();
    let mut rest = header;
    while let Some((before, comment)) = rest.split_once("/*") {
        code += before;
        rest = comment.split_once("*/").unwrap().1;
    }
    code += rest;
    let lines = code.lines().map(str::trim);
    lines.filter(|line| !["", "{", "}"].contains(line) && !line.starts_with('#')).count()
}

#[test]
fn an_adapter_is_read_in_one_go() {
    let headers = fs::read_dir(common::header::root().join("include/mio_st")).unwrap();
    let headers: Vec<_> = headers.map(|header| header.unwrap().path()).collect();
    assert!(headers.len() >= 6);
    for header in headers {
        let lines = lines_of_code(&fs::read_to_string(&header).unwrap());
        assert!(lines <= 120, "{}: {lines} lines of code", header.display());
    }
}
