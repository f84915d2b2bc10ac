//! Lines of `docs/behaviours.md` that a kernel makes impossible. Each is a row of the table in that document,
//! and what comes instead is asserted by the tests that ask for it here.

#![allow(dead_code)] // Each test uses a part.

/// The system that the tests run on, or that the simulator of kqueue is like.
pub const KERNEL: &str = if cfg!(kernel = "freebsd") {
    "FreeBSD"
} else if cfg!(kernel = "netbsd") {
    "NetBSD"
} else if cfg!(kernel = "openbsd") {
    "OpenBSD"
} else if cfg!(kernel = "dragonfly") {
    "DragonFly"
} else if cfg!(kernel = "darwin") {
    "macOS"
} else {
    "none of them"
};

pub struct Difference {
    /// By which the tests ask for it.
    pub name: &'static str,
    /// The line of the list, or what it is about.
    pub line: &'static str,
    pub systems: &'static str,
    /// What is otherwise.
    pub what: &'static str,
}

const ALL: &str = "every kqueue";

pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "devices",
        line: "2",
        systems: "macOS",
        what: "a device that is no terminal may not be registered: `InvalidInput` (EINVAL), also `/dev/null`",
    },
    Difference {
        name: "a nested queue is told late",
        line: "7",
        systems: "FreeBSD, OpenBSD",
        what: "a poller in another poller and `Process` have their event a moment later: a poll with a timeout of \
               zero may come too early",
    },
    Difference {
        name: "pipe edges",
        line: "8",
        systems: "FreeBSD, NetBSD, OpenBSD, macOS",
        what: "an edge of a pipe comes also to its reader who has read a part, and to its writer after each of \
               its own writes",
    },
    Difference {
        name: "edges of acknowledgements",
        line: "8",
        systems: "FreeBSD, NetBSD, OpenBSD, DragonFly, macOS",
        what: "a TCP stream that is written to has an edge `WRITABLE` whenever the peer has acknowledged some, full \
               or not, as a Unix stream has everywhere when some was read",
    },
    Difference {
        name: "listening later",
        line: "8",
        systems: "NetBSD, OpenBSD",
        what: "a socket that is registered before it listens has no event of connections",
    },
    Difference {
        name: "a hang-up without interests",
        line: "9",
        systems: ALL,
        what: "a handle that has no interests reports nothing, no error and no hang-up either, until it has some \
               again",
    },
    Difference {
        name: "pipes in both directions",
        line: "10",
        systems: "FreeBSD, OpenBSD, DragonFly",
        what: "both ends of a pipe can be read and written, so that the interests tell which it is: with \
               `WRITABLE` alone it is the writing end, with `READABLE` alone the reading end, with both it \
               ends with `HUP`, and `WRITABLE` comes to a reader, too",
    },
    Difference {
        name: "closed with unread data",
        line: "10",
        systems: "FreeBSD, NetBSD, OpenBSD, DragonFly, macOS",
        what: "a peer that closes before it has read everything does not reset the connection: it is closed as \
               any other, without `ERROR`",
    },
    Difference {
        name: "a Unix peer shut down both",
        line: "10",
        systems: "FreeBSD, NetBSD, OpenBSD, DragonFly, macOS",
        what: "a Unix stream whose peer has shut down both directions, and is not closed, reports as after \
               `shutdown(Write)`, without `HUP`",
    },
    Difference {
        name: "a full pipe without a reader",
        line: "10",
        systems: ALL,
        what: "the writing end of a pipe whose reader is gone is `WRITABLE` where that was asked for, also when \
               there is no room: a write fails at once",
    },
    Difference {
        name: "errors of datagrams",
        line: "10",
        systems: ALL,
        what: "an error of a UDP socket is told by `READABLE` and `WRITABLE`, each where it was asked for, and \
               not by `ERROR`",
    },
    Difference {
        name: "readers of FIFOs",
        line: "10",
        systems: "macOS",
        what: "the reader of a FIFO, which is no pipe, is not told that the last writer has gone, only of bytes",
    },
    Difference {
        name: "writers of FIFOs",
        line: "10",
        systems: "NetBSD, macOS",
        what: "the writer of a FIFO is not told that the last reader has gone",
    },
    Difference {
        name: "unconnected sockets",
        line: "10",
        systems: "NetBSD, OpenBSD",
        what: "an unconnected stream socket has no event",
    },
    Difference {
        name: "no out-of-band data",
        line: "11",
        systems: "FreeBSD, NetBSD",
        what: "registering for `PRIORITY` is `Unsupported`",
    },
    Difference {
        name: "urgent data stays",
        line: "11",
        systems: "OpenBSD, DragonFly, macOS",
        what: "`PRIORITY` lasts until data behind the urgent byte is read, and not until that is received",
    },
    Difference {
        name: "ticks",
        line: "13, 18",
        systems: "NetBSD, OpenBSD, DragonFly",
        what: "a wait takes whole ticks of 10 ms, and one more: 200 µs take 20 ms",
    },
    Difference {
        name: "told before it can be reaped",
        line: "`Process`",
        systems: "FreeBSD, NetBSD, DragonFly, macOS",
        what: "the event of a process may come a moment before `waitpid` finds it: call it without `WNOHANG`",
    },
];

/// Whether this system differs so.
pub fn differs(name: &str) -> bool {
    let difference = DIFFERENCES.iter().find(|difference| difference.name == name);
    let systems = difference.unwrap_or_else(|| panic!("{name:?} is in no row")).systems;
    systems == ALL && cfg!(kqueue) || systems.split(", ").any(|system| system == KERNEL)
}
