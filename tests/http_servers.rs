//! The two HTTP servers, `examples/http_server.rs` and `c-examples/http_server.c`, run as processes and
//! driven by real clients: curl, wrk, and sockets that do what no well-behaved client does.

#![cfg(target_os = "linux")] // What is looked up in /proc; the servers are the same everywhere.

mod servers;
mod unix_support;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use servers::{
    Language, Server, deliver, example, for_both_languages, have, is_closed, is_open,
    uninterrupted, until,
};
use unix_support::scaled;

for_both_languages! {
    curl_is_answered
    pipelined_requests_are_answered_in_order
    a_request_may_come_byte_by_byte
    bodies_are_read_to_their_end
    requests_that_make_no_sense_are_refused
    a_refused_client_that_goes_on_sending_reads_the_answer
    a_refused_client_that_never_stops_sending_is_closed
    a_client_that_half_closes_gets_its_answer
    a_connection_closes_when_it_was_asked_to
    a_client_that_waits_to_continue_is_told_to
    a_client_that_does_not_read_stops_itself_only
    a_client_that_goes_away_is_forgotten
    an_idle_connection_is_closed_and_a_busy_one_is_not
    a_port_that_is_taken_is_an_error
    a_signal_ends_it
    it_survives_having_no_descriptors
    who_cannot_accept_tries_again_later
    a_hundred_thousand_requests_by_wrk
    a_request_makes_three_system_calls
    a_turn_is_bounded
}

fn program(language: Language) -> Option<Command> {
    example(language, "http_server").map(Command::new)
}

/// Listens on a port that the system chose, with its time in the test's hands: nobody is closed because the machine is
/// slow. `None` if it cannot be built.
fn start(language: Language) -> Option<Server> {
    Some(Server::start_paused(program(language)?.arg("0")))
}

/// What both servers have.
const IDLE: Duration = Duration::from_secs(30);
const LINGER: Duration = Duration::from_secs(2);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const MILLISECOND: Duration = Duration::from_millis(1);

/// What a request for / is answered with.
const HELLO: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, world!\n";
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Reads one answer, with the body that its Content-Length tells.
fn read_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap_or_else(|error| {
            panic!("{error} after {:?}", String::from_utf8_lossy(&answer));
        });
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn ask(stream: &mut TcpStream, request: impl AsRef<[u8]>) -> String {
    stream.write_all(request.as_ref()).unwrap();
    read_answer(stream)
}

fn assert_works(server: &Server) {
    assert_eq!(ask(&mut server.connect(), GET), HELLO);
}

fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl").args(["-sS", "--max-time", "60"]).args(arguments).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn curl_is_answered(language: Language) {
    let Some(server) = start(language) else { return };
    if !have("curl", &["--version"]) {
        return;
    }
    let url = &format!("http://{}/", server.address);
    let missing = &format!("{url}missing");
    assert_eq!(curl(&[url]), "Hello, world!\n");
    assert_eq!(curl(&["-i", url]), HELLO);
    assert_eq!(curl(&["-I", url]), HELLO.replace("Hello, world!\n", ""));
    assert_eq!(curl(&["-d", "five!", url]), "5 bytes received\n");
    assert_eq!(curl(&[&format!("{url}?and=more")]), "Hello, world!\n");

    let status = |arguments: &[&str]| {
        curl(&[&["-o", "/dev/null", "-w", "%{http_code}"], arguments].concat())
    };
    assert_eq!(status(&[missing]), "404");
    assert_eq!(status(&["-X", "DELETE", url]), "405");
    assert_eq!(status(&["--http1.0", url]), "200");
    assert_eq!(status(&["-H", &format!("X: {}", "x".repeat(10_000)), url]), "431");
    assert_eq!(status(&[&format!("{url}{}", "x".repeat(10_000))]), "414");

    // One connection for all, whatever the answer: the number of new connections is 1, 0, 0.
    let connects = ["-w", " %{num_connects}", url, missing, url];
    assert_eq!(curl(&connects), "Hello, world!\n 1404 Not Found\n 0Hello, world!\n 0");
    assert_eq!(
        curl(&["-I", "-w", "%{num_connects}", "-o", "/dev/null", url, "-o", "/dev/null", url]),
        "10"
    );

    // Chunked, and more than fits into any buffer.
    let name = format!("body-{language:?}-{}", std::process::id());
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, vec![b'x'; 3_000_000]).unwrap();
    let at_file = format!("@{}", file.display());
    assert_eq!(curl(&["--data-binary", &at_file, url]), "3000000 bytes received\n");
    let chunked = ["-H", "Transfer-Encoding: chunked", "--data-binary", &at_file, url];
    assert_eq!(curl(&chunked), "3000000 bytes received\n");
    std::fs::remove_file(file).unwrap();
}

fn pipelined_requests_are_answered_in_order(language: Language) {
    let Some(server) = start(language) else { return };
    let mut requests = Vec::new();
    for length in 0..1000 {
        requests.extend_from_slice(GET);
        let head = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n");
        requests.extend_from_slice(head.as_bytes());
        requests.resize(requests.len() + length, b'x');
    }
    let mut stream = server.connect();
    let mut writer = stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || writer.write_all(&requests).unwrap());
    for length in 0..1000 {
        assert_eq!(read_answer(&mut stream), HELLO);
        let answer = read_answer(&mut stream);
        assert!(answer.ends_with(&format!("\r\n\r\n{length} bytes received\n")), "{answer}");
    }
    writing.join().unwrap();
    assert_eq!(ask(&mut stream, GET), HELLO);
}

fn a_request_may_come_byte_by_byte(language: Language) {
    let Some(server) = start(language) else { return };
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    let chunked = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
                    A;of=ten\r\n0123456789\r\n1\r\nx\r\n0\r\nTrailer: yes\r\n\r\n";
    for _ in 0..3 {
        for byte in GET {
            stream.write_all(&[*byte]).unwrap();
        }
        assert_eq!(read_answer(&mut stream), HELLO);
        for byte in chunked {
            stream.write_all(&[*byte]).unwrap();
        }
        assert!(read_answer(&mut stream).ends_with("\r\n\r\n11 bytes received\n"));
    }
}

fn bodies_are_read_to_their_end(language: Language) {
    let Some(server) = start(language) else { return };
    let mut stream = server.connect();
    for (fields, body, received) in [
        ("Content-Length: 0", "", 0),
        ("Content-Length: 3", "abc", 3),
        ("content-length:  3  ", "\r\n\r", 3),
        ("Transfer-Encoding: chunked", "0\r\n\r\n", 0),
        ("transfer-encoding: CHUNKED", "3\r\nabc\r\n0\r\n\r\n", 3),
        (
            "Transfer-Encoding: chunked",
            "3;name=\"value\"\r\nabc\r\n0a\r\n0123456789\r\n000\r\n\r\n",
            13,
        ),
        ("Transfer-Encoding: chunked", "1\r\na\r\n0\r\nA: b\r\nC: d\r\n\r\n", 1),
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n{body}");
        let answer = ask(&mut stream, &request);
        assert!(
            answer.ends_with(&format!("\n{received} bytes received\n")),
            "{request:?}: {answer}"
        );
    }
    // Also the body of a request that is not served, or that should have none; and empty lines between.
    for (request, status) in [
        ("\r\nPOST /missing HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345\r\n\r\n", "404"),
        ("DELETE / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345", "405"),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345", "200"),
        ("GET http://h/?x HTTP/1.1\nHost: h\n\n", "200"),
        ("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", "200"),
        ("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "404"),
    ] {
        let answer = ask(&mut stream, request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer}");
        assert!(!answer.contains("Connection: close"), "{request:?}: {answer}");
    }
    assert!(
        ask(&mut stream, "PUT / HTTP/1.1\r\nHost: h\r\n\r\n")
            .contains("\r\nAllow: GET, HEAD, POST\r\n")
    );
    assert_eq!(ask(&mut stream, GET), HELLO);
}

/// Requests, and the status that they are refused with. After each the connection closes.
fn nonsense() -> Vec<(String, u16)> {
    let head = |fields: &str| format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n");
    let chunks = |chunks: &str| head("Transfer-Encoding: chunked") + chunks;
    let many_fields = "X: y\r\n".repeat(200) + "X: y";
    vec![
        ("garbage\r\n\r\n".into(), 400),
        ("\x16\x03\x01\x02\r\n\r\n".into(), 400),
        ("GET\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n".into(), 400),
        ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n".into(), 400),
        ("GET / FTP/1.1\r\nHost: h\r\n\r\n".into(), 400),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n".into(), 505),
        ("G\0T / HTTP/1.1\r\nHost: h\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1\r\n\r\n".into(), 400), // without a host
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".into(), 400),
        (head("no colon"), 400),
        (head(": no name"), 400),
        (head("Space : before"), 400),
        (head("Folded: a\r\n b"), 400),
        (head("Nul: \0"), 400),
        (head("Cr: a\rb"), 400),
        (head("Content-Length: x"), 400),
        (head("Content-Length: +1"), 400),
        (head("Content-Length: -1"), 400),
        (head("Content-Length: 1, 1"), 400),
        (head("Content-Length:"), 400),
        (head("Content-Length: 99999999999999999999"), 400),
        (head("Content-Length: 1\r\nContent-Length: 1"), 400),
        (head("Content-Length: 99999999999"), 413),
        (head("Content-Length: 1\r\nTransfer-Encoding: chunked"), 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".into(), 400),
        (head("Transfer-Encoding: gzip, chunked"), 501),
        (head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 501),
        (head("Expect: the unexpected"), 417),
        (head(&many_fields), 431),
        (chunks("x\r\n"), 400),
        (chunks("\r\n"), 400),
        (chunks("-1\r\n"), 400),
        (chunks("1\r\nab\r\n"), 400),
        (chunks("11111111111111111\r\n"), 400),
        (chunks("fffffffffffffff\r\n"), 413),
        (chunks(&"1".repeat(1000)), 400),
        (chunks(&format!("1;{}", "x".repeat(1000))), 400),
    ]
}

fn requests_that_make_no_sense_are_refused(language: Language) {
    let Some(server) = start(language) else { return };
    for (request, status) in nonsense() {
        // Behind a request that is fine: that one is answered all the same.
        let mut stream = server.connect();
        stream.write_all(&[GET, request.as_bytes()].concat()).unwrap();
        assert_eq!(read_answer(&mut stream), HELLO);
        let answer = read_to_end(&mut stream);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer:?}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{request:?}: {answer:?}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{request:?}: {answer:?}");
    }
    assert_works(&server);
}

/// The kernel would reset the connection if the server closed it with bytes of the client's unread, and
/// with it the answer.
fn a_refused_client_that_goes_on_sending_reads_the_answer(language: Language) {
    let Some(server) = start(language) else { return };
    for beginning in
        ["POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n", "garbage\r\n\r\n"]
    {
        let mut stream = server.connect();
        stream.write_all(beginning.as_bytes()).unwrap();
        stream.write_all(&vec![b'x'; 8_000_000]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = read_to_end(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer:?}");
    }
    assert_works(&server);
}

/// Being in the middle of its turn does not put its deadline off. Several, as each has but one.
fn a_refused_client_that_never_stops_sending_is_closed(language: Language) {
    let Some(mut server) = start(language) else { return };
    let floods = [(); 4].map(|()| {
        let mut stream = server.connect();
        stream.write_all(b"garbage\r\n\r\n").unwrap();
        // After this there comes nothing more: the server lingers.
        assert!(read_to_end(&mut stream).starts_with("HTTP/1.1 400 "));
        let sent = Arc::new(AtomicUsize::new(0));
        let count = sent.clone();
        let thread = thread::spawn(move || {
            let more = [b'x'; 1 << 18];
            while stream.write_all(&more).is_ok() {
                count.fetch_add(more.len(), Ordering::Relaxed);
            }
        });
        (thread, sent)
    });
    server.advance(LINGER - MILLISECOND);
    assert_works(&server);
    for (_, sent) in &floods {
        // More than the buffers of both sides hold.
        let enough = sent.load(Ordering::Relaxed) + (12 << 20);
        until("it still listens", || (sent.load(Ordering::Relaxed) > enough).then_some(()));
    }
    server.advance(MILLISECOND);
    for (thread, _) in floods {
        until("it listens no more", || thread.is_finished().then_some(()));
        thread.join().unwrap();
    }
    assert_works(&server);
}

fn a_client_that_half_closes_gets_its_answer(language: Language) {
    let Some(server) = start(language) else { return };
    for requests in [1, 100] {
        let mut stream = server.connect();
        stream.write_all(&GET.repeat(requests)).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_to_end(&mut stream), HELLO.repeat(requests));
    }
    // In the middle of a request.
    let mut stream = server.connect();
    stream.write_all(&[GET, b"GET / HT"].concat()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_to_end(&mut stream), HELLO);
}

fn a_connection_closes_when_it_was_asked_to(language: Language) {
    let Some(server) = start(language) else { return };
    let closing = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\
                   Connection: close\r\n\r\nHello, world!\n";
    for request in [
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
    ] {
        // What comes after it is not answered, and does not harm the answer.
        for rest in ["", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"] {
            let mut stream = server.connect();
            stream.write_all([request, rest].concat().as_bytes()).unwrap();
            assert_eq!(read_to_end(&mut stream), closing, "{request:?}");
        }
    }
    let mut stream = server.connect();
    let keep = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
    for _ in 0..2 {
        assert!(ask(&mut stream, keep).contains("\r\nConnection: keep-alive\r\n"));
    }
}

fn a_client_that_waits_to_continue_is_told_to(language: Language) {
    let Some(server) = start(language) else { return };
    let mut stream = server.connect();
    let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(ask(&mut stream, head), "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(ask(&mut stream, "abc").ends_with("\n3 bytes received\n"));
    // Whoever has not waited is not told.
    assert!(ask(&mut stream, format!("{head}abc")).ends_with("\n3 bytes received\n"));
    // And whoever asks for too much is refused before it sends.
    let answer = ask(&mut stream, head.replace(": 3", ": 99999999999"));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

fn a_client_that_does_not_read_stops_itself_only(language: Language) {
    let Some(server) = start(language) else { return };
    let mut stream = server.connect();
    stream.set_nonblocking(true).unwrap();
    // Until the server has stopped reading, since its answers are not read.
    let requests = GET.repeat(1000);
    let (mut sent, mut quiet) = (0, 0);
    let mut other = server.connect();
    while quiet < 100 {
        match stream.write(&requests[sent % requests.len()..]) {
            Ok(count) => (sent, quiet) = (sent + count, 0),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        // Meanwhile it serves others; and when it has done so often, it has done what it could here.
        assert_eq!(ask(&mut other, GET), HELLO);
        quiet += 1;
    }
    // Now it reads, and misses nothing.
    stream.set_nonblocking(false).unwrap();
    let rest = sent.next_multiple_of(GET.len()) - sent;
    let mut writer = stream.try_clone().unwrap();
    let end = GET[GET.len() - rest..].to_vec();
    let writing = std::thread::spawn(move || {
        writer.write_all(&end).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut left = sent.div_ceil(GET.len());
    let mut answer = vec![0; HELLO.len()];
    while left > 0 {
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, HELLO.as_bytes());
        left -= 1;
    }
    writing.join().unwrap();
    assert!(is_closed(&mut stream));
}

fn a_client_that_goes_away_is_forgotten(language: Language) {
    let Some(server) = start(language) else { return };
    let descriptors = || server.descriptors();
    let none = descriptors();
    assert_works(&server);
    // A client that is answered at once may be counted beside one that is not closed yet.
    until("the connection closes", || (descriptors() == none).then_some(()));
    let mut control = server.connect();
    assert_eq!(ask(&mut control, GET), HELLO);
    let before = descriptors();
    for round in 0..100 {
        let mut stream = server.connect();
        match round % 4 {
            // At once; in the middle of a head; of a body; and with the answer unread, which resets.
            0 => {}
            1 => stream.write_all(&GET[..10]).unwrap(),
            2 => stream
                .write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx")
                .unwrap(),
            _ => {
                stream.write_all(GET).unwrap();
                uninterrupted(|| stream.peek(&mut [0])).unwrap();
            }
        }
    }
    until("the connections are closed", || (descriptors() == before).then_some(()));
    assert_eq!(ask(&mut control, GET), HELLO);
}

/// No time passes but as the test says.
fn an_idle_connection_is_closed_and_a_busy_one_is_not(language: Language) {
    let Some(mut server) = start(language) else { return };
    let none = server.descriptors();
    let [mut idle, mut used, mut busy, mut slow, mut body] = [(); 5].map(|()| server.connect());
    until("all are accepted", || (server.descriptors() == none + 5).then_some(()));
    body.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n").unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
    deliver(&body);
    deliver(&slow);
    // The second answer is of another poll than both beginnings. Told of them but not come to them yet, it would read
    // what follows with them, before it has heard of the time.
    for _ in 0..2 {
        assert_eq!(ask(&mut used, GET), HELLO);
    }

    server.advance(IDLE - MILLISECOND);
    // The bytes of a head that comes slowly do not count, those of a body do.
    for stream in [&mut slow, &mut body] {
        stream.write_all(b"x").unwrap();
        deliver(stream);
    }
    assert_eq!(ask(&mut busy, GET), HELLO);
    assert!([&idle, &used, &slow].into_iter().all(is_open));

    server.advance(MILLISECOND);
    assert!(is_closed(&mut idle) && is_closed(&mut used));
    assert!(read_to_end(&mut slow).starts_with("HTTP/1.1 408 "));
    body.write_all(b"x").unwrap();
    deliver(&body);
    // After this the server has read that, too.
    assert_eq!(ask(&mut busy, GET), HELLO);

    // Both are idle from now on.
    server.advance(IDLE - MILLISECOND);
    assert_works(&server);
    assert!(is_open(&busy) && is_open(&body));
    server.advance(MILLISECOND);
    assert!(is_closed(&mut busy));
    assert!(read_to_end(&mut body).starts_with("HTTP/1.1 408 "));
}

fn a_port_that_is_taken_is_an_error(language: Language) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for by_variable in [false, true] {
        let Some(mut command) = program(language) else { return };
        if by_variable {
            command.env("PORT", address.port().to_string());
        } else {
            command.arg(address.port().to_string());
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8(output.stderr).unwrap().to_lowercase();
        let expected = format!("http_server: cannot listen on {address}: address ");
        assert!(message.starts_with(&expected) && message.contains("in use"), "{message}");
        assert!(output.stdout.is_empty());
    }
}

fn a_signal_ends_it(language: Language) {
    for signal in ["TERM", "INT"] {
        let Some(server) = start(language) else { return };
        let mut used = server.connect();
        let mut half = server.connect();
        assert_eq!(ask(&mut used, GET), HELLO);
        half.write_all(&GET[..9]).unwrap();
        server.signal(signal);
        assert!(is_closed(&mut used) && is_closed(&mut half));
        let address = server.address;
        assert_eq!(server.wait().code(), Some(0));
        assert_eq!(
            TcpStream::connect(address).unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
    }
}

/// Behaviour 27
fn it_survives_having_no_descriptors(language: Language) {
    let Some(program) = example(language, "http_server") else { return };
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$0\" 0"]).arg(program);
    let server = Server::start_paused(&mut command);
    assert_works(&server);
    for _ in 0..3 {
        let mut clients: Vec<TcpStream> = (0..100).map(|_| server.connect()).collect();
        // Each of them is either served, or told at once that it is not.
        let mut served = 0;
        for client in &mut clients {
            let sent = client.write_all(GET);
            served += match sent.and_then(|()| uninterrupted(|| client.read(&mut [0]))) {
                Ok(count) => count,
                Err(error) => {
                    assert!(error.kind() != io::ErrorKind::WouldBlock, "neither served nor told");
                    0
                }
            };
        }
        assert!((20..40).contains(&served), "{served} of 100 were served");
        drop(clients);
        // All have gone, and there is room again.
        until("there is room", || (server.descriptors() < 20).then_some(()));
        assert_works(&server);
    }
}

/// Behaviour 27
///
/// There is no descriptor, and the one in reserve is out of reach, too.
fn who_cannot_accept_tries_again_later(language: Language) {
    if !have("prlimit", &["--version"]) {
        return;
    }
    let Some(mut server) = start(language) else { return };
    let mut control = server.connect();
    assert_eq!(ask(&mut control, GET), HELLO);
    let before = server.descriptors();
    let limit = |number: &str| {
        let mut prlimit = Command::new("prlimit");
        prlimit.args(["--pid", &server.pid().to_string(), &format!("--nofile={number}:")]);
        assert!(prlimit.status().unwrap().success());
    };
    // Its standard input, output and errors are none.
    let fds = format!("/proc/{}/fd", server.pid());
    let is_spare = |number: &usize| {
        std::fs::read_link(format!("{fds}/{number}")).is_ok_and(|to| to == Path::new("/dev/null"))
    };
    limit(&(0..100).find(is_spare).unwrap().to_string());
    let mut client = server.connect();
    until("it has given up the spare one", || (server.descriptors() < before).then_some(()));
    // After this it has tried, too.
    assert_eq!(ask(&mut control, GET), HELLO);
    limit("100");
    server.advance(ACCEPT_PAUSE - MILLISECOND);
    assert_eq!(ask(&mut control, GET), HELLO);
    assert_eq!(server.descriptors(), before - 1, "it has waited in vain");
    server.advance(MILLISECOND);
    assert_eq!(ask(&mut client, GET), HELLO);
}

fn a_hundred_thousand_requests_by_wrk(language: Language) {
    let Some(server) = start(language) else { return };
    let mut control = server.connect();
    assert_eq!(ask(&mut control, GET), HELLO);
    // Before the first connection of wrk: one that is still to be closed must not be counted in.
    let before = server.descriptors();
    let url = format!("http://{}/", server.address);
    // It has no option that does nothing else and succeeds.
    if !have("sh", &["-c", "command -v wrk"]) {
        return;
    }
    let enough = scaled(100_000) as u64;
    let mut requests = 0;
    for _ in 0..180 {
        if requests >= enough {
            break;
        }
        let output =
            Command::new("wrk").args(["-t1", "-c100", "-d1", "--timeout", "60", &url]).output();
        let report = String::from_utf8(output.unwrap().stdout).unwrap();
        assert!(!report.contains("Socket errors") && !report.contains("Non-2xx"), "{report}");
        let line = report.lines().find(|line| line.contains(" requests in ")).expect(&report);
        requests += line.trim().split(' ').next().unwrap().parse::<u64>().expect(&report);
    }
    assert!(requests >= enough, "{requests} requests");
    until("all is closed", || (server.descriptors() == before).then_some(()));
    assert_eq!(ask(&mut control, GET), HELLO);
}

/// A server under strace, which writes its system calls to the file.
fn traced(language: Language, name: &str) -> Option<(Server, PathBuf)> {
    // Simulated, a kqueue is no system call.
    if cfg!(kqueue) || !have("strace", &["-o", "/dev/null", "true"]) {
        return None;
    }
    let program = example(language, "http_server")?;
    let trace = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("http-{name}-{language:?}"));
    let mut strace = Command::new("strace");
    strace.args(["-D", "-s", "200", "-o"]).arg(&trace).arg(program).arg("0");
    Some((Server::start(&mut strace), trace))
}

fn a_request_makes_three_system_calls(language: Language) {
    let Some((server, trace)) = traced(language, "request") else { return };
    let mut client = server.connect();
    for number in 0..=100 {
        let request = format!("GET /?{number}. HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(ask(&mut client, request), HELLO);
    }
    drop(server);
    // The first one is read before the connection is registered.
    let calls = servers::system_calls(&trace, "GET /?1.", "GET /?100.");
    for (i, call) in calls.iter().enumerate() {
        // epoll_pwait2, since there is a deadline; `recvfrom` and `sendto`, but on the oldest processors.
        let expected = ["recv", "send", "epoll_"][i % 3];
        assert!(call.starts_with(expected), "{expected} is {call}, the {i}th of {calls:?}");
    }
    // From the first read to the last.
    assert_eq!(calls.len(), 3 * 99 + 1);
}

/// The tracing makes the server so slow that it always finds more to read.
fn a_turn_is_bounded(language: Language) {
    let Some((server, trace)) = traced(language, "turn") else { return };
    let length = 8 << 20;
    let head = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n");
    let mut client = server.connect();
    client.write_all(head.as_bytes()).unwrap();
    servers::flood(&client, vec![b'x'; length], 1);
    drop(server);
    let calls = servers::system_calls(&trace, "POST /", "HTTP/1.1 200");
    assert!(servers::longest_turn(&calls) <= 16, "{calls:?}");
}

#[test]
#[cfg(target_pointer_width = "64")] // Valgrind knows the host's C library, and no other.
fn the_c_server_has_no_memory_error_and_leaks_nothing() {
    let Some(program) = example(Language::C, "http_server") else { return };
    if !have("valgrind", &["--version"]) {
        return;
    }
    let mut valgrind = Command::new("valgrind");
    // Not what is still reachable: the library keeps its table of handles for the next thread.
    valgrind.args(["-q", "--error-exitcode=99", "--leak-check=full"]);
    let mut server = Server::start_paused(valgrind.arg(program).arg("0"));
    let mut idle = server.connect();
    let mut stream = server.connect();
    stream.write_all(&GET.repeat(2000)).unwrap();
    for _ in 0..2000 {
        assert_eq!(read_answer(&mut stream), HELLO);
    }
    for (request, _) in nonsense() {
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).unwrap();
        assert!(read_to_end(&mut stream).starts_with("HTTP/1.1 "));
    }
    server.advance(IDLE);
    assert!(is_closed(&mut idle));
    let _open = server.connect();
    assert_works(&server);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}
