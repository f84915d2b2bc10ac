//! The load generator of `serve`: so many connections at a time, on each so many requests one after the
//! other, and as often as asked a new connection after the last. Each answer is compared.
//!
//! `load PORT CONCURRENT LIVES REQUESTS PAUSE`: PORT is `stdin` for one connection that is already there.
//! It prints how many nanoseconds half of the requests took at most. PAUSE is in microseconds, before each request and each
//! end. It is for counting: the server is then asleep whenever something arrives, so that what it does
//! for each request is always the same.

use std::io::{Read, Write, stdin};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::thread::sleep;
use std::time::{Duration, Instant};

use mio_st_benches::{Args, CAPACITY, MESSAGE, check};

struct Connection {
    /// A Unix socket if it was already there: what is asked of it here is the same.
    stream: TcpStream,
    number: usize,
    lives: usize,
    requests: usize,
    asked: Instant,
    /// What its requests took.
    times: Vec<Duration>,
}

struct Load {
    /// Unless the one connection is already there.
    port: Option<u16>,
    requests: usize,
    pause: Duration,
}

fn main() {
    let (port, mut args) = Args::new();
    mio_st_benches::raise_descriptor_limit();
    let port = (port != "stdin").then(|| port.parse().unwrap());
    let [concurrent, lives, requests, pause] =
        ["concurrent", "lives", "requests", "pause"].map(|what| args.number(what));
    let load = Load { port, requests, pause: Duration::from_micros(pause as u64) };

    let epoll = check(unsafe { libc::epoll_create1(0) } as isize) as RawFd;
    let mut connections: Vec<Connection> = (0..concurrent)
        .map(|number| Connection {
            stream: load.connect(),
            number,
            lives,
            requests,
            asked: Instant::now(),
            times: Vec::with_capacity(lives * requests),
        })
        .collect();
    let mut open = concurrent;
    for connection in &mut connections {
        watch(epoll, connection);
        load.ask(connection);
    }
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; CAPACITY];
    while open > 0 {
        // A single connection can be read straight away: the read waits.
        let n = if concurrent == 1 {
            1
        } else {
            check(unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), CAPACITY as i32, -1) }
                as isize)
        };
        for event in &events[..n] {
            let connection = &mut connections[event.u64 as usize];
            if load.answered(connection) {
                continue;
            }
            if connection.lives == 1 {
                // The descriptor stays open, and silent, to the end of the process.
                check(unsafe {
                    libc::epoll_ctl(
                        epoll,
                        libc::EPOLL_CTL_DEL,
                        connection.stream.as_raw_fd(),
                        std::ptr::null_mut(),
                    )
                } as isize);
                open -= 1;
                continue;
            }
            connection.lives -= 1;
            connection.requests = load.requests;
            connection.stream = load.connect();
            watch(epoll, connection);
            load.ask(connection);
        }
    }
    let mut times: Vec<Duration> = connections.into_iter().flat_map(|one| one.times).collect();
    times.sort_unstable();
    print!("p50 {} ", times[times.len() / 2].as_nanos());
}

impl Load {
    fn connect(&self) -> TcpStream {
        let Some(port) = self.port else {
            return TcpStream::from(stdin().as_fd().try_clone_to_owned().unwrap());
        };
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    fn message(&self, connection: &Connection) -> [u8; MESSAGE] {
        let Connection { number, lives, requests, .. } = connection;
        std::array::from_fn(|i| (number * 31 + lives * 7 + requests * 3 + i) as u8)
    }

    fn ask(&self, connection: &mut Connection) {
        self.pause();
        let message = self.message(connection);
        connection.asked = Instant::now();
        connection.stream.write_all(&message).unwrap();
    }

    /// Takes an answer and asks again, or ends the connection; false when the server has ended it too.
    fn answered(&self, connection: &mut Connection) -> bool {
        let mut answer = [0; MESSAGE];
        if connection.requests == 0 {
            assert_eq!(connection.stream.read(&mut answer).unwrap(), 0, "an answer to nothing");
            return false;
        }
        connection.stream.read_exact(&mut answer).unwrap();
        connection.times.push(connection.asked.elapsed());
        assert_eq!(answer, self.message(connection), "the answer is not what was sent");
        connection.requests -= 1;
        if connection.requests > 0 {
            self.ask(connection);
        } else {
            self.pause();
            connection.stream.shutdown(Shutdown::Write).unwrap();
        }
        true
    }

    fn pause(&self) {
        if !self.pause.is_zero() {
            sleep(self.pause);
        }
    }
}

fn watch(epoll: RawFd, connection: &Connection) {
    let fd = connection.stream.as_raw_fd();
    let mut event =
        libc::epoll_event { events: libc::EPOLLIN as u32, u64: connection.number as u64 };
    check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &mut event) } as isize);
}
