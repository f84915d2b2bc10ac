//! How many system calls an operation makes: counted by strace, which runs a test of this file.
#![cfg(epoll)] // Simulated, a kqueue is no system call; and the BSDs have no strace.

mod unix_support;

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{Awakener, Checks, Interests};
use mio_st::unix::EventedFd;
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

use unix_support::{Folder, LONG};

const R: Interests = Interests::READABLE;

/// Without strace the tests of this file pass with a message, unless REQUIRE_TOOLS is set.
fn has_strace() -> bool {
    let found = Command::new("strace").arg("-V").output().is_ok();
    assert!(found || std::env::var_os("REQUIRE_TOOLS").is_none(), "strace is missing");
    if !found {
        eprintln!("skipped: strace is missing");
    }
    found
}

/// Runs an ignored test of this file under strace and returns the system calls of each of its sections.
fn trace(test: &str) -> Vec<(String, Vec<String>)> {
    trace_with(test, &[])
}

/// As above, with something in its environment.
fn trace_with(test: &str, environment: &[(&str, &i32)]) -> Vec<(String, Vec<String>)> {
    let folder = Folder::new();
    let log = folder.join("log");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-e", "signal=none", "-o"])
        .arg(&log)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .envs(environment.iter().map(|(name, value)| (name, value.to_string())))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    sections(&std::fs::read_to_string(log).unwrap())
}

fn sections(log: &str) -> Vec<(String, Vec<String>)> {
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    let mut thread = None;
    for line in log.lines() {
        let (id, call) = line.split_once(' ').expect("the thread's id comes first");
        let call = call.trim_start();
        if let Some(name) = call.strip_prefix("write(-1, \"") {
            // Neither the calls before the first section are counted nor those after the last.
            let name = name.split('"').next().unwrap();
            thread = (!name.is_empty()).then_some(id);
            if thread.is_some() {
                // One that is there again takes the place of the last.
                if sections.last().is_some_and(|(last, _)| last == name) {
                    sections.pop();
                }
                sections.push((name.to_owned(), Vec::new()));
            }
        } else if thread == Some(id) && !call.starts_with(['<', '+', '-']) {
            let name = call.split('(').next().unwrap();
            // The same by another name on other architectures.
            let name = match name {
                "epoll_pwait" => "epoll_wait",
                "send" => "sendto",
                "recv" => "recvfrom",
                "ppoll" => "poll",
                name => name,
            };
            sections.last_mut().unwrap().1.push(name.to_owned());
        }
    }
    sections
}

/// Marks a section in the log, by a system call that does nothing.
fn section<T>(name: &str, body: impl FnOnce() -> T) -> T {
    let mark = |name: &str| {
        // SAFETY: the pointer and the length are those of a string. The descriptor is bad on purpose.
        unsafe { libc::write(-1, name.as_ptr().cast(), name.len()) };
    };
    mark(name);
    let result = body();
    mark("");
    result
}

const EXPECTED: &[(&str, &[&str])] = &[
    // Behaviour 12
    ("a first poll", &["epoll_wait"]),
    ("zero timeout", &["epoll_wait"]),
    ("ten zero timeouts", &["epoll_wait"; 10]),
    ("one millisecond", &["epoll_wait"]),
    ("200 microseconds", &["epoll_pwait2"]),
    ("a handle is ready, no timeout", &["epoll_wait"]),
    ("a handle is ready, a timeout", &["epoll_wait"]),
    ("a notification", &["epoll_wait"]),
    ("a notification, no timeout", &["epoll_wait"]),
    ("a deadline has passed", &["epoll_wait"]),
    ("a deadline passes", &["epoll_pwait2"]),
    ("poll_userspace", &[]),
    ("add, move and cancel deadlines", &[]),
    ("register, reregister, deregister", &["epoll_ctl", "epoll_ctl", "epoll_ctl"]),
    // Behaviour 1: none that fails, and is followed by another
    ("watch twice, end, watch", &["epoll_ctl"; 4]),
    // Behaviour 24
    ("wakes while the poller is awake", &[]),
    ("poll after the wakes", &["epoll_wait"]),
    ("a poll that sleeps", &["epoll_wait"]),
    ("a wake of a poller in a loop", &["write"]),
    ("another while it is pending", &[]),
    // Behaviour 35, and no more calls than it takes
    ("bind a listener", &["socket", "setsockopt", "bind", "listen"]),
    ("connect", &["socket", "connect"]),
    ("accept", &["accept4"]),
    ("accept would block", &["accept4"]),
    ("write and read", &["sendto", "recvfrom"]),
    ("close", &["close"]),
    ("a new poller", &["epoll_create1"]),
    ("a new awakener", &["eventfd2", "epoll_ctl"]),
    ("another awakener", &[]),
    // A child may have a copy of the descriptor, so that closing does not end its registration.
    ("the poll after the last is gone", &["epoll_ctl", "close", "epoll_wait"]),
];

// Behaviour 1, Behaviour 12, Behaviour 24
#[test]
#[cfg(target_os = "linux")]
fn a_poll_is_one_system_call_and_a_pending_wake_none() {
    if !has_strace() {
        return;
    }
    let sections = trace("alone_operations");
    assert_eq!(sections.len(), EXPECTED.len());
    for ((name, calls), (expected_name, expected)) in sections.iter().zip(EXPECTED) {
        assert_eq!(name, expected_name);
        assert_eq!(calls, expected, "{name}");
    }
}

#[test]
#[ignore = "to be run under strace"]
fn alone_operations() {
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    let mut poll = |poller: &mut Poller, timeout| {
        poller.poll(&mut events, timeout).unwrap();
        events.len()
    };
    let zero = Some(Duration::ZERO);

    section("a first poll", || assert_eq!(poll(&mut poller, zero), 0));
    section("zero timeout", || assert_eq!(poll(&mut poller, zero), 0));
    section("ten zero timeouts", || (0..10).for_each(|_| assert_eq!(poll(&mut poller, zero), 0)));
    section("one millisecond", || poll(&mut poller, Some(Duration::from_millis(1))));
    section("200 microseconds", || poll(&mut poller, Some(Duration::from_micros(200))));

    let (ours, mut peer) = UnixStream::pair().unwrap();
    let mut handle = EventedFd::new(&ours);
    poller.register(&mut handle, EventedId(1), R, PollOption::Level).unwrap();
    peer.write_all(b"x").unwrap();
    section("a handle is ready, no timeout", || assert_eq!(poll(&mut poller, None), 1));
    section("a handle is ready, a timeout", || assert_eq!(poll(&mut poller, Some(LONG)), 1));
    poller.deregister(&mut handle).unwrap();

    poller.notify(EventedId(2), Ready::READABLE);
    section("a notification", || assert_eq!(poll(&mut poller, zero), 1));
    poller.notify(EventedId(2), Ready::READABLE);
    section("a notification, no timeout", || assert_eq!(poll(&mut poller, None), 1));
    poller.add_deadline(EventedId(3), Instant::now());
    section("a deadline has passed", || assert_eq!(poll(&mut poller, zero), 1));
    // Again where the machine was so slow that it had passed before the poll.
    let mut late = true;
    while late {
        let deadline = Instant::now() + Duration::from_micros(12_345);
        poller.add_deadline(EventedId(3), deadline);
        section("a deadline passes", || {
            late = Instant::now() >= deadline;
            assert_eq!(poll(&mut poller, None), 1);
        });
    }

    poller.notify(EventedId(2), Ready::READABLE);
    poller.add_deadline(EventedId(3), Instant::now());
    let mut both = Events::new();
    section("poll_userspace", || poller.poll_userspace(&mut both));
    assert_eq!(both.len(), 2);
    section("add, move and cancel deadlines", || {
        let key = poller.add_timeout(EventedId(3), Duration::from_secs(1));
        assert!(poller.move_deadline(key, Instant::now() + Duration::from_secs(2)));
        assert!(poller.cancel_deadline(key));
    });
    section("register, reregister, deregister", || {
        poller.register(&mut handle, EventedId(1), R, PollOption::Level).unwrap();
        poller.reregister(&mut handle, EventedId(1), R, PollOption::Edge).unwrap();
        poller.deregister(&mut handle).unwrap();
    });
    section("watch twice, end, watch", || {
        for interests in [Some(R), Some(R | Interests::WRITABLE), None, Some(R)] {
            poller.watch_fd(&ours, EventedId(1), interests, PollOption::Level).unwrap();
        }
    });
    poller.deregister(&mut handle).unwrap();

    let awakener = Awakener::new(&mut poller, EventedId(4)).unwrap();
    section("wakes while the poller is awake", || (0..10).for_each(|_| awakener.wake().unwrap()));
    section("poll after the wakes", || assert_eq!(poll(&mut poller, None), 1));
    let waker = std::thread::spawn({
        let awakener = awakener.try_clone().unwrap();
        move || {
            std::thread::sleep(Duration::from_millis(50));
            awakener.wake().unwrap();
        }
    });
    section("a poll that sleeps", || assert_eq!(poll(&mut poller, None), 1));
    waker.join().unwrap();
    // Whoever has the descriptor of the poller may wait for it.
    let _ = poller.as_raw_fd();
    section("a wake of a poller in a loop", || awakener.wake().unwrap());
    section("another while it is pending", || awakener.wake().unwrap());
    assert_eq!(poll(&mut poller, None), 1);

    let address = "127.0.0.1:0".parse().unwrap();
    let mut listener = section("bind a listener", || TcpListener::bind(address).unwrap());
    let server = listener.local_addr().unwrap();
    let mut client = section("connect", || TcpStream::connect(server).unwrap());
    poller.register(&mut listener, EventedId(5), R, PollOption::Edge).unwrap();
    poll(&mut poller, Some(LONG));
    let (mut connection, _) = section("accept", || listener.accept().unwrap());
    section("accept would block", || {
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    });
    section("write and read", || {
        assert_eq!(client.write(b"x").unwrap(), 1);
        let _ = connection.read(&mut [0]);
    });
    section("close", || drop(connection));
    let mut another = section("a new poller", || Poller::new().unwrap());
    let awakener = section("a new awakener", || Awakener::new(&mut another, EventedId(0)).unwrap());
    let more = section("another awakener", || Awakener::new(&mut another, EventedId(1)).unwrap());
    drop((awakener, more));
    section("the poll after the last is gone", || poll(&mut another, zero));
}

/// Polls of a poller with all checks: one call more a wait, while there is an edge that was not seen drained; and some
/// once, where a handle is judged.
const CHECKED: &[(&str, &[&str])] = &[
    ("nothing had an edge", &["epoll_wait"]),
    ("a wait after an edge", &["poll", "epoll_wait"]),
    ("it was seen drained", &["epoll_wait"]),
    ("another event is on its way", &["poll", "epoll_wait"]),
    ("no wait", &["epoll_wait"]),
    ("there is no room to write", &["poll", "epoll_wait"]),
    ("in another handle", &["poll", "epoll_wait", "ioctl", "poll", "epoll_wait"]),
    ("from then on", &["poll", "epoll_wait"]),
    ("at its end", &["poll", "epoll_wait", "ioctl", "epoll_wait"]),
    ("after that", &["epoll_wait"]),
    ("not drained", &["poll", "epoll_wait", "ioctl", "epoll_wait", "poll"]),
    ("it was told", &["epoll_wait"]),
];

// Behaviour 43
#[test]
#[cfg(target_os = "linux")]
fn checks_take_at_most_one_system_call_more_a_wait() {
    if !has_strace() {
        return;
    }
    let sections = trace("alone_checked_polls");
    let found: Vec<_> = sections
        .iter()
        .map(|(name, calls)| (name.as_str(), calls.iter().map(String::as_str).collect::<Vec<_>>()))
        .collect();
    let expected: Vec<_> = CHECKED.iter().map(|(name, calls)| (*name, calls.to_vec())).collect();
    assert_eq!(found, expected);
}

#[test]
#[ignore = "to be run under strace"]
fn alone_checked_polls() {
    const SHORT: Option<Duration> = Some(Duration::from_millis(1));

    let open = || {
        let mut poller = Poller::new().unwrap();
        poller.set_checks(Checks::UNDRAINED | Checks::SPINNING | Checks::FORGOTTEN).unwrap();
        poller
    };
    let pair = |poller: &mut Poller, interests| {
        let (ours, peer) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        poller.register_fd(&ours, EventedId(1), interests, PollOption::Edge).unwrap();
        (ours, peer)
    };
    let mut events = Events::new();
    let mut poll = |poller: &mut Poller, timeout| {
        poller.poll(&mut events, timeout).unwrap();
        events.iter().any(|event| event.readiness().is_readable())
    };

    let mut poller = open();
    let (mut ours, mut peer) = pair(&mut poller, R);
    section("nothing had an edge", || poll(&mut poller, SHORT));
    peer.write_all(b"x").unwrap();
    assert!(poll(&mut poller, None));
    assert_eq!(ours.read(&mut [0; 8]).unwrap(), 1);
    section("a wait after an edge", || poll(&mut poller, SHORT));
    section("it was seen drained", || poll(&mut poller, SHORT));
    peer.write_all(b"x").unwrap();
    assert!(poll(&mut poller, None));
    peer.write_all(b"y").unwrap();
    section("another event is on its way", || assert!(poll(&mut poller, None)));
    section("no wait", || poll(&mut poller, Some(Duration::ZERO)));

    let mut poller = open();
    let (mut full, mut peer) = pair(&mut poller, Interests::BOTH);
    while full.write(&[0; 4096]).is_ok() {}
    peer.write_all(b"x").unwrap();
    assert!(poll(&mut poller, None));
    section("there is no room to write", || poll(&mut poller, SHORT));
    assert_eq!(full.read(&mut [0; 8]).unwrap(), 1);
    let (_from, mut source) = pair(&mut poller, Interests::BOTH);
    source.write_all(b"x").unwrap();
    while !poll(&mut poller, None) {}
    section("in another handle", || poll(&mut poller, SHORT));
    section("from then on", || poll(&mut poller, SHORT));

    let mut poller = open();
    let (_ours, peer) = pair(&mut poller, R);
    drop(peer);
    assert!(poll(&mut poller, None));
    section("at its end", || poll(&mut poller, SHORT));
    section("after that", || poll(&mut poller, SHORT));

    let mut poller = open();
    let (_ours, mut peer) = pair(&mut poller, R);
    peer.write_all(b"x").unwrap();
    assert!(poll(&mut poller, None));
    section("not drained", || poll(&mut poller, LONG.into()));
    assert!(poller.next_complaint().is_some());
    section("it was told", || poll(&mut poller, SHORT));
}

/// What the fallback of `epoll_pwait2` looks like: it is tried once, by the first poll that needs it.
const FALLBACK: &[(&str, &[&str])] = &[
    ("whole milliseconds", &["epoll_wait"]),
    ("the first precise wait", &["epoll_pwait2", "epoll_wait"]),
    ("the second", &["epoll_wait"]),
    ("another poller's", &["epoll_wait"]),
];

/// With what a system, or a filter in front of it, refuses a call that is not known there.
#[cfg(target_os = "linux")]
const REFUSALS: &[i32] = &[
    libc::ENOSYS,
    libc::EPERM,
    libc::EACCES,
    libc::EOPNOTSUPP,
    libc::ENOTSUP,
    libc::ENOENT,
    libc::ECONNREFUSED,
    libc::EIO,
    libc::ENOMEM,
];

// Behaviour 13
#[test]
#[cfg(target_os = "linux")]
fn a_missing_or_forbidden_epoll_pwait2_is_remembered_and_timeouts_are_rounded_up() {
    if !has_strace() {
        return;
    }
    for errno in REFUSALS {
        let sections = trace_with("alone_without_epoll_pwait2", &[("REFUSED_WITH", errno)]);
        assert_eq!(sections.len(), FALLBACK.len());
        for ((name, calls), (expected_name, expected)) in sections.iter().zip(FALLBACK) {
            assert_eq!(name, expected_name);
            assert_eq!(calls, expected, "{errno}: {name}");
        }
    }
    // These are the caller's fault otherwise: each time it is looked whether they are.
    for errno in [libc::EINVAL, libc::EBADF, libc::EFAULT] {
        let sections = trace_with("alone_without_epoll_pwait2", &[("REFUSED_WITH", &errno)]);
        assert_eq!(sections[1].1, FALLBACK[1].1, "{errno}");
        assert_eq!(sections[2].1, FALLBACK[1].1, "{errno}");
    }
}

#[test]
#[ignore = "to be run under strace"]
#[cfg(target_os = "linux")]
fn alone_without_epoll_pwait2() {
    without_epoll_pwait2(std::env::var("REFUSED_WITH").unwrap().parse().unwrap());
}

#[cfg(target_os = "linux")]
fn without_epoll_pwait2(errno: i32) {
    forbid(libc::SYS_epoll_pwait2, errno);
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    let mut wait = |poller: &mut Poller, timeout| {
        let start = Instant::now();
        poller.poll(&mut events, Some(timeout)).unwrap();
        assert!(start.elapsed() >= timeout);
        assert!(events.is_empty());
    };
    let precise = Duration::from_nanos(1_200_001);
    section("whole milliseconds", || wait(&mut poller, Duration::from_millis(2)));
    section("the first precise wait", || wait(&mut poller, precise));
    section("the second", || wait(&mut poller, precise));
    let mut another = Poller::new().unwrap();
    section("another poller's", || wait(&mut another, precise));

    // Deadlines are late then, but come.
    poller.add_timeout(EventedId(1), precise);
    poller.poll(&mut events, None).unwrap();
    assert_eq!(events.len(), 1);
}

/// From now on this thread's system call with that number fails with `errno`, as with an old seccomp filter.
#[cfg(target_os = "linux")]
fn forbid(number: libc::c_long, errno: i32) {
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let statement = |code, jt, k| libc::sock_filter { code, jt, jf: 0, k };
    let mut filter = [
        // The number is the first field of `seccomp_data`.
        statement(LOAD_NUMBER, 0, 0),
        statement(IF_EQUAL, 1, number as u32),
        statement(RETURN, 0, libc::SECCOMP_RET_ALLOW),
        statement(RETURN, 0, libc::SECCOMP_RET_ERRNO | errno as u32),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the program lives through the calls, and the kernel checks it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program), 0);
    }
}
