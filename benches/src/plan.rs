//! What is measured: the workloads with their sizes, and the contenders.

/// The contenders, as the programs name them, in the order of the tables. The first is the floor. In C,
/// this library is there twice: linked from its archive, and as the shared library.
pub const CONTENDERS: [&str; 11] = [
    FLOOR,
    "raw-rust",
    "mio",
    "polling",
    "mio-st-0.2.2",
    "libuv",
    "libev",
    "libevent",
    "mio-st",
    "mio-st-a",
    "mio-st-so",
];

/// All but this library.
const OTHERS: &[&str] = CONTENDERS.split_at(8).0;

/// Those that do the same otherwise: `+short` reads, see `echo-1`; `+spin`, looking again for so many
/// nanoseconds before sleeping; registered for `+both` interests; the server of version `+0.3`; with `+checks` or
/// `+stats` on.
const ECHO: &[&str] =
    &["raw-c+short", "mio+short", "mio-st+short", "mio-st-a+short", "mio-st-so+short"];
const ECHO_1: &[&str] = &[
    "raw-c+short",
    "mio+short",
    "mio-st+short",
    "mio-st-a+short",
    "mio-st-so+short",
    "mio-st+spin",
    "mio-st-a+spin",
    "mio-st-so+spin",
    "mio-st+checks",
    "mio-st+stats",
];
const SPINNING: &[&str] = &["mio-st+spin", "mio-st-a+spin", "mio-st-so+spin"];
const SPIN: usize = 200_000;
/// So long that neither side of a round trip sleeps: who slept once, held up by a tracer, would otherwise make the other
/// sleep in turn, and never find back.
const SPIN_ON: usize = 1_000_000_000;

/// Datagrams: in a `+batch`, as a run cut by the system (`+gso`) and put together by it (`+gro`), with what goes
/// along (`+all`); put together in memory of `+malloc`. Without a word, a call for each.
const UDP: &[&str] = &[
    "raw-c+batch",
    "quinn-udp+gro",
    "quinn-udp+all",
    "mio-st+batch",
    "mio-st+gso",
    "mio-st+gro",
    "mio-st+all",
    "mio-st+malloc",
    "mio-st-a+batch",
    "mio-st-a+gso",
    "mio-st-a+gro",
    "mio-st-a+all",
];
const NOT_UDP: &[&str] = &["raw-rust", "polling", "mio-st-0.2.2", "libev", "libevent", "mio-st-so"];

/// What everything is compared with: epoll by hand, in C.
pub const FLOOR: &str = "raw-c";

/// Whether it is this library, whose counts have budgets.
pub fn is_ours(contender: &str) -> bool {
    matches!(parts(contender).0, "mio-st" | "mio-st-a" | "mio-st-so")
}

/// The contender's name, and what it does otherwise.
fn parts(contender: &str) -> (&str, &str) {
    contender.split_once('+').unwrap_or((contender, ""))
}

/// Whether a contender looks again before it sleeps.
pub fn spins(contender: &str) -> bool {
    parts(contender).1 == "spin"
}

/// Which clock counts.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Clock {
    /// The time of the processor, in the program that polls.
    Processor,
    /// The time on the wall, for what happens in more than one thread.
    Wall,
}

/// One row of work: a program with its arguments, in which `{}` stands for a size to which the number
/// of operations is proportional, `{pause}` for the pause of the load generator, and others for what the
/// part of the contender's name behind `+` says.
#[derive(Debug)]
pub struct Work {
    pub name: &'static str,
    pub title: &'static str,
    /// What one operation is.
    pub operation: &'static str,
    pub program: &'static str,
    pub arguments: &'static str,
    /// The sizes whose difference is counted (instructions, system calls, allocations), if the counts
    /// do not depend on chance.
    pub counted: Option<(usize, usize)>,
    /// The size of a run that is timed.
    pub timed: usize,
    pub clock: Clock,
    /// Who cannot do it, and who does it so differently that it would not be the same work.
    pub without: &'static [&'static str],
    /// Who does it otherwise, too.
    pub otherwise: &'static [&'static str],
    /// Whether what the client waits is told, too.
    pub latency: bool,
    pub note: &'static str,
}

pub const PLAN: &[Work] = &[
    Work {
        name: "chain-edge",
        title: "Chain, edge-triggered: 1,000 socket pairs, 100 active",
        operation: "byte passed on",
        program: "chain",
        arguments: "edge 1000 100 {}",
        counted: Some((4_000, 8_000)),
        timed: 100_000,
        clock: Clock::Processor,
        without: &[],
        otherwise: &[],
        latency: false,
        note: "Who is woken reads until EAGAIN and writes a byte to the next pair: three system calls, \
               and a hundredth of a poll.",
    },
    Work {
        name: "chain-level",
        title: "Chain, level-triggered: 1,000 socket pairs, 100 active",
        operation: "byte passed on",
        program: "chain",
        arguments: "level 1000 100 {}",
        counted: Some((4_000, 8_000)),
        timed: 100_000,
        clock: Clock::Processor,
        without: &[],
        otherwise: &[],
        latency: false,
        note: "One read only, since what remains is reported again: two system calls, and a hundredth \
               of a poll.",
    },
    Work {
        name: "echo-1",
        title: "Echo: one connection",
        operation: "request",
        program: "serve",
        arguments: "{reads} {spin} 1 1 {} {pause}",
        counted: Some((500, 1_500)),
        timed: 10_000,
        clock: Clock::Processor,
        without: &[],
        otherwise: ECHO_1,
        latency: true,
        note: "Requests of 64 bytes over TCP on loopback: a poll, a read, a write, and a read that says \
               EAGAIN. libuv and libev are level-triggered and save the last read. The rows with `+short` \
               save it too: a read that does not fill the buffer has drained the socket, unless the event \
               says READ_CLOSED (then the end of file is still to be read); what comes later is a new edge. Those with `+spin` look again for 200 µs before \
               they sleep; how often they look depends on chance. Those with `+checks` and `+stats` have them on. A client that waits for each answer waits \
               for half of its requests at most as long as p50 says.",
    },
    Work {
        name: "echo-50",
        title: "Echo: 50 connections",
        operation: "request",
        program: "serve",
        arguments: "{reads} {spin} 50 1 {} 0",
        counted: None,
        timed: 400,
        clock: Clock::Processor,
        without: &[],
        otherwise: ECHO,
        latency: true,
        note: "How many requests one poll reports depends on chance.",
    },
    Work {
        name: "echo-500",
        title: "Echo: 500 connections",
        operation: "request",
        program: "serve",
        arguments: "{reads} {spin} 500 1 {} 0",
        counted: None,
        timed: 40,
        clock: Clock::Processor,
        without: &[],
        otherwise: ECHO,
        latency: true,
        note: "",
    },
    Work {
        name: "churn-1",
        title: "Churn: one connection at a time",
        operation: "connection",
        program: "serve",
        arguments: "{reads} {spin} 1 {} 1 {pause}",
        counted: Some((500, 1_500)),
        timed: 4_000,
        clock: Clock::Processor,
        without: &[],
        otherwise: &[],
        latency: false,
        note: "Accepting, registering, one request and its answer, the end of file, closing. polling, \
               libev, libevent and libuv must be told before a registered descriptor is closed.",
    },
    Work {
        name: "churn-50",
        title: "Churn: 50 connections at a time",
        operation: "connection",
        program: "serve",
        arguments: "{reads} {spin} 50 {} 1 0",
        counted: None,
        timed: 80,
        clock: Clock::Processor,
        without: &[],
        otherwise: &[],
        latency: false,
        note: "",
    },
    Work {
        name: "churn-500",
        title: "Churn: 500 connections at a time",
        operation: "connection",
        program: "serve",
        arguments: "{reads} {spin} 500 {} 1 0",
        counted: None,
        timed: 8,
        clock: Clock::Processor,
        without: &[],
        otherwise: &[],
        latency: false,
        note: "",
    },
    Work {
        name: "unix",
        title: "A Unix stream: one connection",
        operation: "request",
        program: "unix",
        arguments: "{interests} {} {pause}",
        counted: Some((500, 1_500)),
        timed: 10_000,
        clock: Clock::Processor,
        without: &["raw-rust", "mio", "polling", "mio-st-0.2.2", "libuv", "libev", "libevent"],
        otherwise: &["mio-st+both", "mio-st-a+both", "mio-st-so+both"],
        latency: false,
        note: "Requests of 64 bytes, registered for reading, edge-triggered. Those with `+both` are registered \
               for writing too: every answer that the client takes is then an event of its own.",
    },
    Work {
        name: "add-del",
        title: "Registering and deregistering",
        operation: "pair of them",
        program: "ctl",
        arguments: "add-del {}",
        counted: Some((1_000, 6_000)),
        timed: 50_000,
        clock: Clock::Processor,
        without: &["libev"],
        otherwise: &[],
        latency: false,
        note: "libev tells the system at the next poll: what is added and removed before it costs \
               nothing, since nothing is done.",
    },
    Work {
        name: "modify",
        title: "Registering anew",
        operation: "reregistration",
        program: "ctl",
        arguments: "modify {}",
        counted: Some((1_000, 6_000)),
        timed: 100_000,
        clock: Clock::Processor,
        without: &["libuv", "libev", "libevent"],
        otherwise: &[],
        latency: false,
        note: "",
    },
    Work {
        name: "notify-1",
        title: "A notification, and a poll with the system",
        operation: "notification",
        program: "notify",
        arguments: "system 1 {}",
        counted: Some((1_000, 6_000)),
        timed: 100_000,
        clock: Clock::Processor,
        without: &["mio", "polling", "libuv", "mio-st-0.2.2"],
        otherwise: &[],
        latency: false,
        note: "By hand: an array, whose events are put behind the system's. mio, polling and libuv have \
               no such thing with an id; mio-st 0.2.2 sleeps for a millisecond in every poll that \
               should not wait.",
    },
    Work {
        name: "notify-100",
        title: "100 notifications, and a poll without the system",
        operation: "notification",
        program: "notify",
        arguments: "user 100 {}",
        counted: Some((100, 600)),
        timed: 20_000,
        clock: Clock::Processor,
        without: &["mio", "polling", "libuv", "libevent"],
        otherwise: &[],
        latency: false,
        note: "",
    },
    Work {
        name: "idle",
        title: "A poll that finds nothing",
        operation: "poll",
        program: "idle",
        arguments: "10 {}",
        counted: Some((1_000, 6_000)),
        timed: 100_000,
        clock: Clock::Processor,
        without: &["mio-st-0.2.2"],
        otherwise: &[],
        latency: false,
        note: "",
    },
    Work {
        name: "wake",
        title: "Wake: a round trip between two threads",
        operation: "round trip",
        program: "wake",
        arguments: "trips {spin-on} {}",
        counted: Some((500, 1_500)),
        timed: 20_000,
        clock: Clock::Wall,
        without: &[],
        otherwise: SPINNING,
        latency: false,
        note: "Instructions and system calls are those of both threads. Those with `+spin` \
               look again for a second before they sleep. Measured after 100 round trips.",
    },
    Work {
        name: "awake",
        title: "Wake: a poller that is awake",
        operation: "wake and poll",
        program: "wake",
        arguments: "awake {}",
        counted: Some((1_000, 6_000)),
        timed: 50_000,
        clock: Clock::Processor,
        without: &[],
        otherwise: &[],
        latency: false,
        note: "A thread wakes its own poller, then polls it. One system call is the poll's.",
    },
    Work {
        name: "storm",
        title: "Wake: a storm from four threads",
        operation: "wake",
        program: "wake",
        arguments: "storm 4 {}",
        counted: Some((5_000, 20_000)),
        timed: 250_000,
        clock: Clock::Wall,
        without: &[],
        otherwise: &[],
        latency: false,
        note: "A million wakes in all; who coalesces them asks the system only when the last one was \
               seen.",
    },
    Work {
        name: "http",
        title: "HTTP: 50 connections of wrk",
        operation: "request",
        program: "http",
        arguments: "wrk {}",
        counted: None,
        timed: 2,
        clock: Clock::Processor,
        without: &["raw-rust", "mio", "polling", "mio-st-0.2.2", "libuv", "libev", "libevent"],
        otherwise: &[],
        latency: false,
        note: "The servers of `c-examples/` and `examples/`, with a deadline for each connection that every \
               request moves. The floor is the one in C with its library replaced by epoll by hand; the \
               one in Rust has another parser.",
    },
    Work {
        name: "http-short",
        title: "HTTP: short connections, one at a time",
        operation: "connection",
        program: "http",
        arguments: "short {}",
        counted: None,
        timed: 8_000,
        clock: Clock::Processor,
        without: &["raw-rust", "mio", "polling", "mio-st-0.2.2", "libuv", "libev", "libevent"],
        otherwise: &["mio-st-a+0.3"],
        latency: false,
        note: "The same servers: a connection, a request, its answer, the end. The one with `+0.3` is the \
               server in C of version 0.3, from the repository's history, with the library of today.",
    },
    Work {
        name: "udp-1",
        title: "UDP: one datagram at a time",
        operation: "datagram",
        program: "udp",
        arguments: "{how} 1 loopback {}",
        counted: None,
        timed: 60_000,
        clock: Clock::Processor,
        without: NOT_UDP,
        otherwise: UDP,
        latency: false,
        note: "Datagrams of 1,200 bytes from one socket to another, sent and then received by one thread: the time is that of \
               both ends. Those without a word make a call for each datagram; so does `+batch` of one, by hand a \
               `sendmmsg` and a `recvmmsg`. libuv receives by `recvmmsg` (`UV_UDP_RECVMMSG`), and sends by a call each: \
               Debian's has no `uv_udp_try_send2`.",
    },
    Work {
        name: "udp-32",
        title: "UDP: 32 datagrams at a time",
        operation: "datagram",
        program: "udp",
        arguments: "{how} 32 loopback {}",
        counted: Some((200, 1_200)),
        timed: 4_000,
        clock: Clock::Processor,
        without: NOT_UDP,
        otherwise: UDP,
        latency: false,
        note: "`+batch` is `sendmmsg` and `recvmmsg`. With `+gso` the sender hands over a run, which the system cuts (`UDP_SEGMENT`); \
               with `+gro` it is put together for the receiver too (`UDP_GRO`), on loopback not even cut; with `+all` each \
               datagram has its congestion notification and its addresses, in both directions. quinn-udp always asks \
               for these when it receives. Who receives what may be put together has memory for 32 times 64 KB, and reads by \
               calls that would take as many.",
    },
    Work {
        name: "udp-64",
        title: "UDP: 64 datagrams at a time",
        operation: "datagram",
        program: "udp",
        arguments: "{how} 64 loopback {}",
        counted: None,
        timed: 2_000,
        clock: Clock::Processor,
        without: NOT_UDP,
        otherwise: UDP,
        latency: false,
        note: "54 of these datagrams are the most that one run holds.",
    },
    Work {
        name: "udp-veth",
        title: "UDP: 32 datagrams at a time between two network namespaces",
        operation: "datagram",
        program: "udp",
        arguments: "{how} 32 veth {}",
        counted: None,
        timed: 2_000,
        clock: Clock::Processor,
        without: NOT_UDP,
        otherwise: UDP,
        latency: false,
        note: "Over a pair of virtual interfaces, which take no runs: the system cuts them just before, and nothing is put \
               together again, so that who asks for that receives batches.",
    },
    Work {
        name: "udp-veth-sending",
        title: "UDP: the same, of the sending alone",
        operation: "datagram",
        program: "udp",
        arguments: "{how} 32 veth-sending {}",
        counted: None,
        timed: 2_000,
        clock: Clock::Processor,
        without: NOT_UDP,
        otherwise: UDP,
        latency: false,
        note: "",
    },
];

/// What has budgets, too, but is timed by another program: see `deadlines`.
pub static DEADLINES: [Work; 3] = [
    deadlines("deadline-rearm", "rearm {}"),
    deadlines("deadline-add-cancel", "add-cancel {}"),
    deadlines("deadline-expire", "expire {}"),
];

const fn deadlines(name: &'static str, arguments: &'static str) -> Work {
    Work {
        name,
        title: "",
        operation: "deadline",
        program: "timers",
        arguments,
        counted: Some((64_000, 320_000)),
        timed: 0,
        clock: Clock::Processor,
        without: OTHERS,
        otherwise: &[],
        latency: false,
        note: "",
    }
}

/// All that may have budgets.
pub fn budgeted() -> impl Iterator<Item = &'static Work> {
    PLAN.iter().chain(&DEADLINES)
}

impl Work {
    /// The arguments of one run.
    pub fn arguments(&self, contender: &str, size: usize, pause: usize) -> Vec<String> {
        let (name, otherwise) = parts(contender);
        // The server of another version is another contender, and so is a poller that does more.
        let whole = self.program == "http" || matches!(otherwise, "checks" | "stats");
        let name = if whole { contender } else { name };
        std::iter::once(name.to_string())
            .chain(self.arguments.split(' ').map(|word| match word {
                "{}" => size.to_string(),
                "{pause}" => pause.to_string(),
                "{reads}" => (if otherwise == "short" { "short" } else { "drain" }).into(),
                "{spin}" => (if otherwise == "spin" { SPIN } else { 0 }).to_string(),
                "{spin-on}" => (if otherwise == "spin" { SPIN_ON } else { 0 }).to_string(),
                "{how}" => (if otherwise.is_empty() { "plain" } else { otherwise }).into(),
                "{interests}" => (if otherwise == "both" { "both" } else { "readable" }).into(),
                word => word.to_string(),
            }))
            .collect()
    }

    /// Whether all that is counted of it does not depend on chance, as how often one looks before something is
    /// there does; and differs from what another does, which it does not where only memory lies elsewhere.
    pub fn is_counted(&self, contender: &str) -> bool {
        !matches!(parts(contender).1, "spin" | "malloc")
    }

    /// Whether a peer works at the same time: who is late, or early, costs or saves a system call.
    pub fn has_peer(&self) -> bool {
        matches!(self.program, "serve" | "unix")
    }

    /// The contenders that do it.
    pub fn contenders(&self) -> impl Iterator<Item = &'static str> {
        let able = CONTENDERS.into_iter().filter(|contender| !self.without.contains(contender));
        able.chain(self.otherwise.iter().copied())
    }
}
