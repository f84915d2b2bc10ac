//! An HTTP/1.1 server; httparse reads the heads of the requests.
//!
//! ```text
//! usage: http_server [port [idle timeout in seconds]]
//! ```
//!
//! The port is 8080 unless an argument or the variable PORT says otherwise; 0 lets the system choose.
//! GET and HEAD of / are greeted, POST to / is told how many bytes it sent. What is to be seen here is
//! not what is served, but how a server lives through what clients do: pipelining, keeping connections
//! open, sending slowly, not reading, sending garbage, going away, coming in numbers.
//!
//! `testing/mod.rs` says what variables of the environment its tests set.
//!
//! From top to bottom: what a request says, the connection (a state machine over two buffers), the server
//! (accepting, deadlines, the event loop). `c-examples/http_server.c` is the same in C.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Shutdown};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mio_st::event::{EventedId, Events, Ready};
use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{DeadlineKey, PollOption, Poller};
use mio_st::unix::{Signal, Signals};

mod testing;

/// The longest head of a request.
const INPUT_SIZE: usize = 8192;
/// Answers to pipelined requests are sent together.
const OUTPUT_SIZE: usize = 4096;
/// No answer is longer.
const MAX_ANSWER: usize = 512;
const MAX_FIELDS: usize = 100;
const MAX_CHUNK_LINE: usize = 256;
/// The framing of chunks included.
const MAX_BODY: u64 = 64 << 20;
const MAX_CONNECTIONS: usize = 16_384;
/// Steps of a connection before the others have their turn.
const TURN: usize = 16;

const LINGER_TIME: Duration = Duration::from_secs(2);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The readiness of an event that the server posts to itself: no handle is registered for it.
const MY_TURN: Ready = Ready::PRIORITY;

// The request.

/// The status to refuse a request with.
type Refusal = u16;

/// What of a request decides about its answer.
#[derive(Copy, Clone)]
struct Request {
    status: u16,
    /// Of the version, HTTP/1.minor.
    minor: u8,
    /// HEAD: the answer is without its body.
    head: bool,
    post: bool,
    keep_alive: bool,
    expects_continue: bool,
    body: Body,
}

#[derive(Copy, Clone)]
enum Body {
    Length(u64),
    Chunked,
}

impl Request {
    /// The one to answer when nothing of it was understood.
    const UNKNOWN: Request = Request {
        status: 400,
        minor: 1,
        head: false,
        post: false,
        keep_alive: false,
        expects_continue: false,
        body: Body::Length(0),
    };

    /// Reads a head from the beginning of `input`, and returns how long it is; `None` while it is not
    /// whole.
    fn parse(input: &[u8]) -> Result<Option<(usize, Request)>, Refusal> {
        // Room for them all is not cleared for each request, of which most have a few.
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut head = httparse::Request::new(&mut []);
        match head.parse_with_uninit_headers(input, &mut fields) {
            Ok(httparse::Status::Complete(length)) => Ok(Some((length, Request::read(&head)?))),
            Ok(httparse::Status::Partial) if input.len() < INPUT_SIZE => Ok(None),
            Ok(httparse::Status::Partial) if !input.contains(&b'\n') => Err(414),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => Err(431),
            Err(httparse::Error::Version) if input.windows(6).any(|w| w == b" HTTP/") => Err(505),
            Err(_) => Err(400),
        }
    }

    fn read(head: &httparse::Request<'_, '_>) -> Result<Request, Refusal> {
        let method = head.method.unwrap_or_default();
        let minor = head.version.unwrap_or_default();
        let (mut length, mut chunked, mut hosts) = (None, false, 0);
        let (mut close, mut keep_alive, mut expects_continue) = (false, false, false);
        for field in head.headers.iter() {
            let is = |name| field.name.eq_ignore_ascii_case(name);
            let value = field.value.trim_ascii();
            if is("Host") {
                hosts += 1;
            } else if is("Content-Length") {
                // Of two lengths somebody else may have believed the other.
                if length.replace(parse_length(value).ok_or(400u16)?).is_some() {
                    return Err(400);
                }
            } else if is("Transfer-Encoding") {
                if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(501);
                }
                chunked = true;
            } else if is("Expect") {
                if !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(417);
                }
                expects_continue = true;
            } else if is("Connection") {
                for option in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                    close |= option.eq_ignore_ascii_case(b"close");
                    keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
        }
        if hosts > 1 || (hosts == 0 && minor == 1) {
            return Err(400);
        }
        let body = match (chunked, length) {
            (false, length) if length > Some(MAX_BODY) => return Err(413),
            (false, length) => Body::Length(length.unwrap_or(0)),
            (true, None) if minor == 1 => Body::Chunked,
            // Where a body ends must be beyond doubt.
            (true, _) => return Err(400),
        };
        Ok(Request {
            status: route(method, head.path.unwrap_or_default()),
            minor,
            head: method == "HEAD",
            post: method == "POST",
            keep_alive: !close && (minor == 1 || keep_alive),
            expects_continue: expects_continue && minor == 1,
            body,
        })
    }
}

/// What is served, and to whom.
fn route(method: &str, target: &str) -> u16 {
    match (path_of(target), method) {
        ("/", "GET" | "HEAD" | "POST") => 200,
        ("/", _) => 405,
        _ => 404,
    }
}

/// The part of a target that names a resource: `/a` of `/a?b` and of `http://host/a?b`.
fn path_of(target: &str) -> &str {
    let path = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => target,
    };
    path.split('?').next().unwrap_or(path)
}

/// Digits only: `parse` would take a sign, too.
fn parse_length(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok()?;
    if digits.starts_with('+') { None } else { digits.parse().ok() }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        _ => "HTTP Version Not Supported",
    }
}

// The connection.

#[derive(Copy, Clone, PartialEq)]
enum Phase {
    /// Waits for the whole head of a request.
    Head,
    /// Skips a body of known length.
    Body,
    /// Skips one of chunks: a line with the size of the next,
    ChunkSize,
    /// as many bytes,
    ChunkData,
    /// the end of its line,
    ChunkEnd,
    /// and after the last, fields up to an empty line.
    Trailer,
    /// Has answered for the last time, and sends what is left of it.
    Last,
    /// Has sent it, and waits for the client to close: see `half_close`.
    Linger,
}

enum Next {
    /// There may be more to do.
    GoOn,
    /// For an event.
    Wait,
    Close,
}

struct Connection {
    id: EventedId,
    stream: TcpStream,
    deadline: DeadlineKey,
    /// When the deadline is.
    expires: Instant,
    phase: Phase,
    /// The socket may have something to read.
    readable: bool,
    /// The client sends no more, as far as the socket knows.
    read_closed: bool,
    /// Something of the client's was not understood or not wanted.
    refused: bool,
    /// Since the deadline was moved the last time.
    progress: bool,
    /// It has notified itself to go on.
    waits_for_turn: bool,
    /// The one whose body comes.
    request: Request,
    /// How much of the body came, how much between its chunks, and how much of it or of the chunk is to
    /// come.
    body: u64,
    framing: u64,
    left: u64,
    /// What was read and is not taken yet is `input[start..end]`.
    input: [u8; INPUT_SIZE],
    start: usize,
    end: usize,
    /// What was answered; `output[..sent]` is sent.
    output: Vec<u8>,
    sent: usize,
}

impl Connection {
    fn new(id: EventedId, stream: TcpStream, poller: &mut Poller, timeout: Duration) -> Connection {
        let expires = poller.now() + timeout;
        Connection {
            id,
            stream,
            deadline: poller.add_deadline(id, expires),
            expires,
            phase: Phase::Head,
            readable: false,
            read_closed: false,
            refused: false,
            progress: false,
            waits_for_turn: false,
            request: Request::UNKNOWN,
            body: 0,
            framing: 0,
            left: 0,
            input: [0; INPUT_SIZE],
            start: 0,
            end: 0,
            output: Vec::with_capacity(OUTPUT_SIZE),
            sent: 0,
        }
    }

    fn set_deadline(&mut self, poller: &mut Poller, timeout: Duration) {
        self.expires = poller.now() + timeout;
        if !poller.move_deadline(self.deadline, self.expires) {
            // It has fired.
            self.deadline = poller.add_deadline(self.id, self.expires);
        }
    }

    /// Puts an answer into the output, where there is room for it: see `take_input`.
    fn answer(&mut self, status: u16, keep_alive: bool) {
        // A buffer on the stack: `format!` would allocate for every request.
        let mut body = io::Cursor::new([0; 64]);
        let _ = match status {
            200 if self.request.post => writeln!(body, "{} bytes received", self.body),
            200 => writeln!(body, "Hello, world!"),
            _ => writeln!(body, "{status} {}", reason(status)),
        };
        let length = body.position() as usize;
        let body = &body.get_ref()[..if self.request.head { 0 } else { length }];
        let allow = if status == 405 { "Allow: GET, HEAD, POST\r\n" } else { "" };
        let connection = match (keep_alive, self.request.minor) {
            (false, _) => "Connection: close\r\n",
            (true, 0) => "Connection: keep-alive\r\n",
            (true, _) => "",
        };
        let _ = write!(
            self.output,
            "HTTP/1.1 {status} {}\r\n\
             Content-Type: text/plain\r\n\
             Content-Length: {length}\r\n\
             {allow}{connection}\r\n",
            reason(status),
        );
        self.output.extend_from_slice(body);
        self.progress = true;
    }

    /// Answers and closes: after this nobody knows where the next request would begin.
    fn refuse(&mut self, status: Refusal) -> bool {
        self.answer(status, false);
        self.refused = true;
        self.phase = Phase::Last;
        false
    }

    fn unread(&self) -> &[u8] {
        &self.input[self.start..self.end]
    }

    // The steps of the state machine. Each takes something of the input and returns true, or returns
    // false when it needs more, or when this was the last.

    fn take_one(&mut self) -> bool {
        match self.phase {
            Phase::Head => self.take_head(),
            Phase::Body | Phase::ChunkData => self.take_body(),
            Phase::ChunkSize => self.take_chunk_size(),
            Phase::ChunkEnd => self.take_chunk_end(),
            Phase::Trailer => self.take_trailer(),
            Phase::Last => false,
            Phase::Linger => {
                self.start = self.end;
                false
            }
        }
    }

    fn take_head(&mut self) -> bool {
        self.skip_empty_lines();
        match Request::parse(self.unread()) {
            Ok(Some((length, request))) => {
                self.start += length;
                self.request = request;
                (self.body, self.framing) = (0, 0);
                self.begin_body()
            }
            Ok(None) => false,
            Err(status) => {
                self.request = Request::UNKNOWN;
                self.refuse(status)
            }
        }
    }

    /// Some clients end a body with an empty line too many (RFC 9112, 2.2).
    fn skip_empty_lines(&mut self) {
        let empty = |byte: &&u8| matches!(**byte, b'\r' | b'\n');
        self.start += self.unread().iter().take_while(empty).count();
    }

    fn begin_body(&mut self) -> bool {
        match self.request.body {
            Body::Length(0) => return self.end_request(),
            Body::Length(length) => (self.phase, self.left) = (Phase::Body, length),
            Body::Chunked => self.phase = Phase::ChunkSize,
        }
        if self.request.expects_continue && self.unread().is_empty() {
            self.output.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        true
    }

    fn end_request(&mut self) -> bool {
        let keep_alive = self.request.keep_alive;
        self.answer(self.request.status, keep_alive);
        self.phase = if keep_alive { Phase::Head } else { Phase::Last };
        keep_alive
    }

    fn take_body(&mut self) -> bool {
        let taken = self.left.min(self.unread().len() as u64);
        self.start += taken as usize;
        self.left -= taken;
        self.body += taken;
        self.progress |= taken > 0;
        if self.left > 0 {
            return false;
        }
        if self.phase == Phase::Body {
            return self.end_request();
        }
        self.phase = Phase::ChunkEnd;
        true
    }

    fn take_chunk_size(&mut self) -> bool {
        if self.unread().first().is_some_and(|byte| !byte.is_ascii_hexdigit()) {
            return self.refuse(400); // httparse takes no digit for a zero.
        }
        match httparse::parse_chunk_size(self.unread()) {
            Ok(httparse::Status::Complete((length, size))) => {
                self.left = size;
                self.phase = if size > 0 { Phase::ChunkData } else { Phase::Trailer };
                self.take_framing(length)
            }
            Ok(httparse::Status::Partial) if self.unread().len() <= MAX_CHUNK_LINE => false,
            _ => self.refuse(400),
        }
    }

    fn take_chunk_end(&mut self) -> bool {
        match self.unread() {
            [b'\r', b'\n', ..] => {
                self.phase = Phase::ChunkSize;
                self.take_framing(2)
            }
            [] | [b'\r'] => false,
            _ => self.refuse(400),
        }
    }

    fn take_trailer(&mut self) -> bool {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        match httparse::parse_headers(self.unread(), &mut fields) {
            Ok(httparse::Status::Complete((length, _))) => {
                self.start += length;
                self.end_request()
            }
            Ok(httparse::Status::Partial) if self.unread().len() < INPUT_SIZE => false,
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                self.refuse(431)
            }
            Err(_) => self.refuse(400),
        }
    }

    /// Takes what is between chunks, and refuses a body that grows too long.
    fn take_framing(&mut self, length: usize) -> bool {
        self.start += length;
        self.framing += length as u64;
        let sum = (self.body + self.framing).saturating_add(self.left);
        if sum > MAX_BODY { self.refuse(413) } else { true }
    }

    /// Takes what there is. Returns true if it stopped before for want of room for another answer.
    fn take_input(&mut self) -> bool {
        while self.output.len() + MAX_ANSWER <= OUTPUT_SIZE {
            if !self.take_one() {
                return false;
            }
        }
        true
    }

    // What comes between the buffers and the socket.

    fn send_output(&mut self) -> io::Result<()> {
        while self.sent < self.output.len() {
            self.sent += self.stream.write(&self.output[self.sent..])?;
            self.progress = true;
        }
        self.output.clear();
        self.sent = 0;
        Ok(())
    }

    /// Reads what fits. There is always room: a head that fills the input was refused.
    fn receive_input(&mut self) -> io::Result<Next> {
        if !self.readable {
            return Ok(Next::Wait);
        }
        self.input.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let room = &mut self.input[self.end..];
        let asked = room.len();
        let count = self.stream.read(room)?;
        if count == 0 {
            return Ok(Next::Close);
        }
        self.end += count;
        // Less than there was room for: the socket is empty, and what comes now makes a new edge. There
        // is no need to read until `WouldBlock` (epoll(7), question 9), which saves a system call per
        // request. Only an end of the stream that was reported already makes no edge: that must be read.
        self.readable = count == asked || self.read_closed;
        Ok(Next::GoOn)
    }

    /// The last answer is sent. To close a socket while the client is still sending makes the kernel
    /// reset the connection, and a client that is reset may lose the answer before it has read it. So
    /// only this direction is closed, and what still comes is thrown away until the client closes, or
    /// has had its time.
    fn half_close(&mut self, poller: &mut Poller) -> io::Result<Next> {
        let all_read = !self.readable && self.unread().is_empty();
        if all_read && !self.refused {
            return Ok(Next::Close);
        }
        self.phase = Phase::Linger;
        self.progress = false;
        self.set_deadline(poller, LINGER_TIME);
        self.stream.shutdown(Shutdown::Write)?;
        Ok(Next::GoOn)
    }

    fn step(&mut self, poller: &mut Poller) -> io::Result<Next> {
        let more_to_take = self.take_input();
        self.send_output()?;
        if more_to_take {
            return Ok(Next::GoOn);
        }
        if self.phase == Phase::Last { self.half_close(poller) } else { self.receive_input() }
    }

    fn steps(&mut self, poller: &mut Poller) -> io::Result<Next> {
        for _ in 0..TURN {
            match self.step(poller)? {
                Next::GoOn => {}
                next => return Ok(next),
            }
        }
        Ok(Next::GoOn)
    }

    /// Goes on with a connection as far as it can, but not so far that the others wait long.
    fn serve(&mut self, poller: &mut Poller, timeout: Duration) -> Next {
        let next = match self.steps(poller) {
            Ok(next) => next,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Next::Wait,
            Err(_) => return Next::Close,
        };
        // Only now, once for all that was done. And only for what brings an end nearer: bytes of a head
        // do not, so that a client that sends one now and then does not hold its place for ever.
        if self.progress {
            self.set_deadline(poller, timeout);
        }
        self.progress = false;
        next
    }

    fn time_out(&mut self, poller: &mut Poller, timeout: Duration) -> Next {
        // It was moved after it had fired, by an event that came in the same poll.
        if poller.now() < self.expires {
            return Next::Wait;
        }
        let within_request = match self.phase {
            Phase::Head => !self.unread().is_empty(),
            phase => !matches!(phase, Phase::Last | Phase::Linger),
        };
        let blocked = !self.output.is_empty();
        if !within_request || blocked {
            return Next::Close;
        }
        if self.phase == Phase::Head {
            self.request = Request::UNKNOWN;
        }
        self.refuse(408);
        self.serve(poller, timeout)
    }

    fn on_event(&mut self, ready: Ready, poller: &mut Poller, timeout: Duration) -> Next {
        self.readable |= ready.is_readable();
        self.read_closed |= ready.is_read_closed();
        self.waits_for_turn &= !ready.contains(MY_TURN);
        let next = if ready.is_timer() {
            // It does not wait for its turn, since it comes once.
            self.time_out(poller, timeout)
        } else if self.waits_for_turn {
            return Next::Wait;
        } else {
            self.serve(poller, timeout)
        };
        if matches!(next, Next::GoOn) && !self.waits_for_turn {
            // There may be no further edge for what is left to be read.
            poller.notify(self.id, MY_TURN);
            self.waits_for_turn = true;
        }
        next
    }
}

// The server.

const LISTENER: EventedId = EventedId(0);
const SIGNALS: EventedId = EventedId(1);
const CLOCK: EventedId = EventedId(2);

struct Server {
    poller: Poller,
    listener: TcpListener,
    signals: Signals,
    /// A descriptor in reserve, see `turn_one_away`.
    spare: Option<File>,
    /// Ids are never used again, so that an event that comes late, after its connection was closed (a
    /// deadline that has fired in the same poll, say), meets nobody.
    connections: HashMap<EventedId, Box<Connection>>,
    last_id: EventedId,
    idle_timeout: Duration,
}

impl Server {
    fn new(mut listener: TcpListener, idle_timeout: Duration) -> io::Result<Server> {
        let mut poller = Poller::new()?;
        testing::look_for_mistakes(&mut poller)?;
        testing::drive_clock(&mut poller, CLOCK)?;
        let mut signals = Signals::new([Signal::SIGINT, Signal::SIGTERM])?;
        poller.register(&mut listener, LISTENER, TcpListener::INTERESTS, PollOption::Level)?;
        poller.register(&mut signals, SIGNALS, Signals::INTERESTS, PollOption::Edge)?;
        Ok(Server {
            poller,
            listener,
            signals,
            spare: File::open("/dev/null").ok(),
            connections: HashMap::new(),
            last_id: CLOCK,
            idle_timeout,
        })
    }

    /// Until a signal comes. Answers that were sent by then still arrive: the kernel sees to that.
    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::new();
        loop {
            self.poller.poll(&mut events, None)?;
            testing::print_complaints(&mut self.poller);
            for event in &mut events {
                match event.id() {
                    LISTENER => self.on_listener(event.readiness())?,
                    CLOCK => testing::move_time(&mut self.poller)?,
                    SIGNALS if self.signals.receive()?.is_some() => return Ok(()),
                    id => self.on_connection(id, event.readiness()),
                }
            }
        }
    }

    fn on_connection(&mut self, id: EventedId, ready: Ready) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match connection.on_event(ready, &mut self.poller, self.idle_timeout) {
            Next::GoOn | Next::Wait => {}
            Next::Close => {
                self.poller.cancel_deadline(connection.deadline);
                self.connections.remove(&id);
            }
        }
    }

    /// Accepts one client. The listener is level-triggered, so that whoever else waits is reported again: there
    /// is no `accept` that only says `WouldBlock`, which costs more than one that succeeds.
    fn on_listener(&mut self, ready: Ready) -> io::Result<()> {
        if ready.is_timer() {
            let interests = TcpListener::INTERESTS;
            return self.poller.register(
                &mut self.listener,
                LISTENER,
                interests,
                PollOption::Level,
            );
        }
        match self.accept_one() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                // Out of memory, or of what the spare descriptor is made of. It may pass, and until then each
                // poll would return at once.
                self.poller.deregister(&mut self.listener)?;
                self.poller.add_timeout(LISTENER, ACCEPT_PAUSE);
            }
            _ => {}
        }
        Ok(())
    }

    fn accept_one(&mut self) -> io::Result<()> {
        match self.listener.accept() {
            Ok((stream, _)) => {
                self.add_connection(stream);
                Ok(())
            }
            Err(error) => match error.raw_os_error() {
                Some(libc::EMFILE | libc::ENFILE) => self.turn_one_away(),
                _ => Err(error),
            },
        }
    }

    /// There are no descriptors left, and a client waits, of whom each poll tells at once: the server would spin.
    /// (An edge-triggered listener would never tell of it again.) So one descriptor is kept in reserve: it makes
    /// place to accept the client and to close the connection at once, which tells it.
    fn turn_one_away(&mut self) -> io::Result<()> {
        self.spare = None;
        let result = self.listener.accept().map(drop);
        self.spare = File::open("/dev/null").ok();
        result
    }

    /// A request is mostly there when its client is accepted. So it is read at once, and the connection is
    /// registered when there is something to wait for: what is ready by then is reported.
    fn add_connection(&mut self, stream: TcpStream) {
        if self.connections.len() == MAX_CONNECTIONS {
            return; // The stream is dropped, and that closes it.
        }
        let id = EventedId(self.last_id.0 + 1);
        let poller = &mut self.poller;
        let mut connection = Box::new(Connection::new(id, stream, poller, self.idle_timeout));
        self.last_id = id;
        let next = connection.on_event(Ready::READABLE, poller, self.idle_timeout);
        let (stream, interests) = (&mut connection.stream, TcpStream::INTERESTS);
        // Who cannot be registered, for want of memory, is turned away.
        let stays = !matches!(next, Next::Close)
            && poller.register(stream, id, interests, PollOption::Edge).is_ok();
        if stays {
            self.connections.insert(id, connection);
        } else {
            poller.cancel_deadline(connection.deadline);
        }
    }
}

fn serve(port: u16, idle_timeout: Duration) -> Result<(), String> {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let listener = TcpListener::bind(address)
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let mut server = Server::new(listener, idle_timeout).map_err(|error| error.to_string())?;
    println!("listening on {address}\ntry: curl -i http://{address}/");
    server.run().map_err(|error| error.to_string())
}

/// The port and the idle timeout in seconds.
fn arguments() -> Option<(u16, u64)> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().or(std::env::var("PORT").ok());
    let port = port.map_or(Some(8080), |port| port.parse().ok())?;
    let seconds = arguments.next().map_or(Some(30), |seconds| seconds.parse().ok())?;
    let fits = (1..=24 * 60 * 60).contains(&seconds) && arguments.next().is_none();
    fits.then_some((port, seconds))
}

fn main() -> ExitCode {
    let Some((port, seconds)) = arguments() else {
        eprintln!("usage: http_server [port [idle timeout in seconds]]");
        return ExitCode::from(2);
    };
    match serve(port, Duration::from_secs(seconds)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("http_server: {message}");
            ExitCode::FAILURE
        }
    }
}
