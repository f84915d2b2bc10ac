//! A kqueue on top of real descriptors of Linux.
//!
//! It follows the manual pages, and where they are silent the sources; each rule stands beside the code that
//! keeps it: «man» is kqueue(2) of FreeBSD and of macOS, «man macOS» the latter alone (XNU,
//! bsd/man/man2/kqueue.2), and paths are those of FreeBSD's source tree. Nothing here is as it is for the
//! sake of the backend that is tested with it.
//!
//! With `KQUEUE_LIKE` it follows a kernel where that does otherwise. What was read are the sources of FreeBSD
//! 13.0, NetBSD 7.99.34 and 10, OpenBSD 7.3, DragonFly 5.9 and XNU 11417 (macOS 15.5); what is marked «run»
//! was seen on the kernel of NetBSD 7.99.34. In `calls` are the functions of the C library that these kernels
//! answer otherwise than Linux.
//!
//! # How
//!
//! A queue is an epoll descriptor, so that it can be waited for and be registered elsewhere. In it are an
//! epoll for each kind of filter, in which the sources are registered edge-triggered and which so tell when
//! a filter must be run (`KNOTE()`), and an eventfd that is readable while notes wait to be retrieved. What
//! the filter says is found out by `poll(2)` and its like on the descriptor, whenever a BSD would run it.
//!
//! `close` is replaced by a function that removes the notes of the descriptor, and `fork` does not inherit
//! queues. Not seen are other ways of closing, such as `dup2`.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ffi::{c_int, c_long, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use super::calls;
use super::*;

pub(super) type Errno = c_int;

pub(super) const FREEBSD: bool = cfg!(kernel = "freebsd");
pub(super) const NETBSD: bool = cfg!(kernel = "netbsd");
pub(super) const OPENBSD: bool = cfg!(kernel = "openbsd");
pub(super) const DRAGONFLY: bool = cfg!(kernel = "dragonfly");
pub(super) const DARWIN: bool = cfg!(kernel = "darwin");
/// Like a kernel, and not like the manual.
pub(super) const LIKE_A_KERNEL: bool = FREEBSD || NETBSD || OPENBSD || DRAGONFLY || DARWIN;

/// The queues of this process.
static QUEUES: Mutex<Vec<Queue>> = Mutex::new(Vec::new());

/// «man»: "A kevent is identified by the (ident, filter) pair; there may only be one unique kevent per
/// kqueue."
type Key = (i16, usize);

struct Note {
    ident: usize,
    filter: i16,
    /// EV_CLEAR, EV_DISPATCH, EV_ONESHOT.
    flags: u16,
    /// What was passed in: `kn_sfflags` and `kn_sdata`.
    fflags: u32,
    low_water: isize,
    udata: *mut c_void,
    /// A pidfd or a timerfd, which is the note's own.
    source: Option<c_int>,
    disabled: bool,
    queued: bool,
    /// EVFILT_USER: it was triggered. EVFILT_TIMER: how often. EVFILT_EXCEPT: there was out-of-band data.
    count: isize,
    /// The pipe that it is an end of: its device and number.
    pipe: Option<(u64, u64)>,
    /// The descriptor is a queue.
    nested: bool,
    /// It is a socket that listened when the note was added.
    listened: bool,
    /// For writing to TCP: how many bytes the peer has acknowledged.
    acknowledged: u64,
}

// SAFETY: the pointer is the user's, and is not followed.
unsafe impl Send for Note {}

pub(super) struct Queue {
    fd: c_int,
    /// Readable while `waiting` is not empty.
    ready: c_int,
    /// Which tell when the filters of each kind must be run: reading and everything else, writing,
    /// exceptional conditions.
    sources: [c_int; 3],
    notes: HashMap<Key, Note>,
    waiting: VecDeque<Key>,
    /// What a task will tell of other queues in this one.
    told_by_task: Vec<Key>,
}

/// What a filter says when its condition holds.
#[derive(Default)]
struct Holds {
    flags: u16,
    fflags: u32,
    data: isize,
}

// --- System calls -----------------------------------------------------------------------------------

/// The result, or errno.
pub(super) fn check(result: c_int) -> Result<c_int, Errno> {
    if result >= 0 {
        return Ok(result);
    }
    // SAFETY: the pointer is that of this thread.
    Err(unsafe { *libc::__errno_location() })
}

pub(super) fn raw_close(fd: c_int) -> c_int {
    // SAFETY: no pointer is passed.
    unsafe { libc::syscall(libc::SYS_close, fd as c_long) as c_int }
}

/// What is there to be seen at a descriptor.
pub(super) fn seen(fd: c_int, events: i16) -> i16 {
    let mut poll = libc::pollfd { fd, events, revents: 0 };
    // SAFETY: the pointer is that of one pollfd.
    unsafe { libc::poll(&mut poll, 1, 0) };
    poll.revents
}

fn epoll_control(epoll: c_int, operation: c_int, fd: c_int, events: c_int, key: Key) -> c_int {
    let key = u64::from(key.0 as u16) << 32 | key.1 as u64;
    let mut event = libc::epoll_event { events: (events | libc::EPOLLET) as u32, u64: key };
    // SAFETY: the pointer is valid for the call.
    unsafe { libc::epoll_ctl(epoll, operation, fd, &mut event) }
}

pub(super) fn option(fd: c_int, level: c_int, name: c_int) -> c_int {
    let (mut value, mut len) = (0, size_of::<c_int>() as libc::socklen_t);
    // SAFETY: the pointers are those of an integer and its length.
    unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &mut len) };
    value
}

fn count_by_ioctl(fd: c_int, request: libc::Ioctl) -> isize {
    let mut count: c_int = 0;
    // SAFETY: the pointer is that of an integer, which both requests used here write.
    unsafe { libc::ioctl(fd, request, &raw mut count) };
    count as isize
}

pub(super) fn readable_bytes(fd: c_int) -> isize {
    count_by_ioctl(fd, libc::FIONREAD)
}

pub(super) fn mode(fd: c_int) -> Option<libc::stat> {
    let mut stat = MaybeUninit::uninit();
    // SAFETY: there is room for one, and it is initialised on success.
    unsafe { (libc::fstat(fd, stat.as_mut_ptr()) == 0).then(|| stat.assume_init()) }
}

// --- The filters ------------------------------------------------------------------------------------

impl Note {
    fn key(&self) -> Key {
        (self.filter, self.ident)
    }

    /// Runs the filter.
    fn run(&mut self) -> Option<Holds> {
        let fd = self.ident as c_int;
        match self.filter {
            // The note keeps the filter that looks for data (soo_kqfilter, solisten_filtops).
            EVFILT_READ if (NETBSD || OPENBSD) && !self.listened && is_listening(fd) => None,
            EVFILT_READ => self.above_low_water(read(fd)?),
            EVFILT_WRITE => self.above_low_water(write(fd)?),
            EVFILT_EXCEPT if DARWIN => self.except_of_darwin(),
            EVFILT_EXCEPT => except(fd, self.fflags),
            // «man»: "NOTE_TRIGGER: Cause the event to be triggered."
            EVFILT_USER => (self.count > 0).then(Holds::default),
            EVFILT_TIMER => {
                (self.count > 0).then(|| Holds { data: self.count, ..Holds::default() })
            }
            EVFILT_PROC => self.exited(),
            _ => unreachable!(),
        }
    }

    /// «man»: "This may be overridden with a per-filter low water mark at the time the filter is added by
    /// setting the NOTE_LOWAT flag in fflags". An end of file comes whatever the mark (sys/kern/uipc_socket.c).
    ///
    /// Pipes know no mark but on Darwin («run», and the sources of all), and Darwin's sockets none beyond the
    /// size of their buffer: of Linux's a quarter is counted, since the rest may be taken up by what is not data.
    fn above_low_water(&self, holds: Holds) -> Option<Holds> {
        let mark = match self.filter {
            _ if LIKE_A_KERNEL && !DARWIN && self.pipe.is_some() => return Some(holds),
            EVFILT_WRITE if DARWIN => self.low_water.min(buffer(self.ident, libc::SO_SNDBUF)),
            _ if DARWIN => self.low_water.min(buffer(self.ident, libc::SO_RCVBUF) / 4),
            _ => self.low_water,
        };
        let low = self.fflags & NOTE_LOWAT != 0 && holds.data < mark;
        (!low || holds.flags & EV_EOF != 0).then_some(holds)
    }

    /// Darwin, since 10.15: the filter is that for reading, with its marks and its end, but looks for out-of-band
    /// data first; having found some it says so until EV_CLEAR resets it, or the end does (filt_soread_common).
    fn except_of_darwin(&mut self) -> Option<Holds> {
        let fd = self.ident as c_int;
        if self.fflags & NOTE_OOB != 0 && has_urgent_data(seen(fd, libc::POLLPRI), fd) {
            self.count = 1;
            return Some(Holds { fflags: NOTE_OOB, ..Holds::default() });
        }
        let mut plain = self.above_low_water(read(fd)?)?;
        if plain.flags & EV_EOF != 0 {
            self.count = 0;
        } else if self.count > 0 {
            plain.fflags |= NOTE_OOB;
        }
        Some(plain)
    }

    /// «man»: "NOTE_EXIT: The process has exited. The exit status will be stored in data in the same format
    /// as the status returned by wait(2)." It is the last event of the process: `filt_proc` in
    /// sys/kern/kern_event.c sets EV_EOF and EV_ONESHOT.
    fn exited(&mut self) -> Option<Holds> {
        if seen(self.source?, libc::POLLIN) == 0 {
            return None;
        }
        if self.flags & EV_ONESHOT == 0 {
            calls::has_told_exit(self.ident);
        }
        self.flags |= EV_ONESHOT;
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: there is room for a siginfo, whose fields are those of SIGCHLD, and all-zero is valid.
        let status = unsafe {
            let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            libc::waitid(libc::P_PID, self.ident as libc::id_t, info.as_mut_ptr(), how);
            let info = info.assume_init();
            let exited = info.si_code == libc::CLD_EXITED;
            if exited { info.si_status() << 8 } else { info.si_status() }
        };
        Some(Holds { flags: EV_EOF, fflags: NOTE_EXIT, data: status as isize })
    }
}

/// «man»: "If the read direction of the socket has shutdown, then the filter also sets EV_EOF in flags, and
/// returns the socket error (if any) in fflags." Linux tells that there is an error; to be told which would
/// take it away.
fn socket_error(seen: i16) -> u32 {
    // By the number that it has there.
    let reset = if LIKE_A_KERNEL { 54 } else { libc::ECONNRESET as u32 };
    if seen & libc::POLLERR != 0 { reset } else { 0 }
}

/// «man», EVFILT_READ: "returns whenever there is data available to read."
fn read(fd: c_int) -> Option<Holds> {
    let stat = mode(fd)?;
    let seen = seen(fd, libc::POLLIN | libc::POLLRDHUP);
    match stat.st_mode & libc::S_IFMT {
        libc::S_IFSOCK => read_socket(fd, seen),
        libc::S_IFIFO => {
            // "When the last writer disconnects, the filter will set EV_EOF in flags." Pipes have two
            // directions on BSD: the writing end can be read, and comes to its end with the other. Not so the
            // writing end of a FIFO on FreeBSD, of which a note for reading never has an event.
            // NetBSD's looks at the socket of the readers.
            if (FREEBSD || NETBSD) && !calls::is_pipe(fd) && calls::access(fd) == libc::O_WRONLY {
                return None;
            }
            // Darwin tells the reader of a FIFO of bytes alone (filt_vnode_common).
            let silent = DARWIN && !calls::is_pipe(fd);
            let eof = seen & (libc::POLLHUP | libc::POLLERR) != 0 && !silent;
            let flags = if eof { EV_EOF } else { 0 };
            let ready = eof || seen & libc::POLLIN != 0;
            ready.then(|| Holds { flags, fflags: 0, data: readable_bytes(fd) })
        }
        libc::S_IFREG => {
            // "Vnodes: Returns when the file pointer is not at the end of file. data contains the offset
            // from current position to end of file."
            // SAFETY: no pointer is passed.
            let position = unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) };
            let data = (stat.st_size as i64 - position as i64) as isize;
            (data != 0).then_some(Holds { data, ..Holds::default() })
        }
        _ => {
            let flags = if seen & libc::POLLHUP != 0 { EV_EOF } else { 0 };
            (seen & (libc::POLLIN | libc::POLLHUP) != 0).then(|| Holds {
                flags,
                fflags: 0,
                data: readable_bytes(fd).max(1),
            })
        }
    }
}

fn read_socket(fd: c_int, seen: i16) -> Option<Holds> {
    if is_listening(fd) {
        // "Sockets which have previously been passed to listen() return when there is an incoming
        // connection pending. data contains the size of the listen backlog."
        return (seen & libc::POLLIN != 0).then_some(Holds { data: 1, ..Holds::default() });
    }
    let data = readable_bytes(fd);
    if seen & libc::POLLRDHUP != 0 {
        // "It is possible for EOF to be returned (indicating the connection is gone) while there is still
        // data pending in the socket buffer."
        return Some(Holds { flags: EV_EOF, fflags: socket_error(seen), data });
    }
    // A socket that was never connected is hung up to Linux, and nothing to BSD. An error without an end is
    // an event: "temporary udp error", filt_soread in sys/kern/uipc_socket.c.
    (seen & (libc::POLLIN | libc::POLLERR) != 0).then_some(Holds { data, ..Holds::default() })
}

/// «man», EVFILT_WRITE: "returns whenever it is possible to write to the descriptor. For sockets, pipes and
/// fifos, data will contain the amount of space remaining in the write buffer. The filter will set EV_EOF
/// when the reader disconnects".
fn write(fd: c_int) -> Option<Holds> {
    let stat = mode(fd)?;
    let seen = seen(fd, libc::POLLOUT | libc::POLLRDHUP);
    match stat.st_mode & libc::S_IFMT {
        libc::S_IFSOCK => write_socket(fd, seen),
        libc::S_IFIFO => write_pipe(fd, seen),
        _ => (seen & libc::POLLOUT != 0).then_some(Holds { data: 1, ..Holds::default() }),
    }
}

fn write_pipe(fd: c_int, seen: i16) -> Option<Holds> {
    // SAFETY: no pointer is passed.
    let size = unsafe { libc::fcntl(fd, libc::F_GETPIPE_SZ) } as isize;
    let eof = seen & (libc::POLLERR | libc::POLLHUP) != 0;
    // Where both ends can be written, there is always room in the direction that nobody uses.
    let unused = calls::BOTH_WAYS && calls::is_pipe(fd) && calls::access(fd) == libc::O_RDONLY;
    let writable = seen & libc::POLLOUT != 0 || unused && !eof;
    // NetBSD («run») and OpenBSD wake the writers before the end is to be seen, and forget them then: those
    // of a full pipe are never told. (pipeclose, pipe_destroy in sys/kern/sys_pipe.c)
    if eof && !writable && (NETBSD || OPENBSD) {
        return None;
    }
    // NetBSD's note for writing to a FIFO looks at the wrong one of its two sockets, which does not end; Darwin's
    // (filt_vnode_common) at nothing but the room.
    let eof = eof && !((NETBSD || DARWIN) && !calls::is_pipe(fd));
    if !eof && !writable {
        return None;
    }
    let room = if writable { (size - readable_bytes(fd)).max(1) } else { 0 };
    let mut holds = Holds { data: room, ..Holds::default() };
    if eof {
        holds.flags = EV_EOF;
        // Only FreeBSD says how much room there is.
        if LIKE_A_KERNEL && !FREEBSD {
            holds.data = 0;
        }
        // FreeBSD cuts the note off from the pipe of the reader that closes: there is one event more, and
        // then no note. (pipeclose, knlist_cleardel)
        if FREEBSD && calls::is_pipe(fd) {
            holds.flags |= EV_ONESHOT;
        }
    }
    Some(holds)
}

/// What EV_ADD of a note for writing says of a pipe whose other end is gone: "other end of pipe has been
/// closed", EPIPE, pipe_kqfilter in sys/kern/sys_pipe.c. NetBSD up to 10 says EBADF («run»); DragonFly still
/// has the other end and takes the note. A FIFO is no such pipe, or (FreeBSD: fifo_close) keeps its other end.
fn add_write(fd: c_int) -> Result<(), Errno> {
    let is_pipe = if LIKE_A_KERNEL { calls::is_pipe(fd) } else { calls::pipe(fd).is_some() };
    let gone = if LIKE_A_KERNEL { libc::POLLERR | libc::POLLHUP } else { libc::POLLERR };
    if !is_pipe || seen(fd, libc::POLLOUT) & gone == 0 || DRAGONFLY {
        return Ok(());
    }
    Err(if NETBSD { libc::EBADF } else { libc::EPIPE })
}

fn is_listening(fd: c_int) -> bool {
    option(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN) != 0
}

fn has_urgent_data(seen: i16, fd: c_int) -> bool {
    seen & libc::POLLPRI != 0 || calls::has_urgent_mark(fd)
}

/// How many bytes the peer of a TCP stream has acknowledged: `tcpi_bytes_acked`, include/uapi/linux/tcp.h.
fn acknowledged(fd: c_int) -> u64 {
    let mut info = [0_u64; 16];
    let mut len = size_of_val(&info) as libc::socklen_t;
    // SAFETY: the pointers are those of an array and of its length.
    let result = unsafe {
        let info = info.as_mut_ptr().cast();
        libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, info, &mut len)
    };
    if result == 0 { info[15] } else { 0 }
}

/// Darwin's devices but terminals know only a note with a mark of 1, and the null device none (spec_kqfilter).
fn device(change: &kevent) -> Result<(), Errno> {
    let fd = change.ident as c_int;
    let is_device = mode(fd).is_some_and(|stat| stat.st_mode & libc::S_IFMT == libc::S_IFCHR);
    // SAFETY: no pointer is passed.
    if !DARWIN || !is_device || unsafe { libc::isatty(fd) } == 1 {
        return Ok(());
    }
    let marked = change.fflags & NOTE_LOWAT != 0 && change.data == 1;
    if marked && !calls::is(fd, "/dev/null") { Ok(()) } else { Err(libc::EINVAL) }
}

fn buffer(fd: usize, which: c_int) -> isize {
    option(fd as c_int, libc::SOL_SOCKET, which) as isize
}

fn write_socket(fd: c_int, seen: i16) -> Option<Holds> {
    let data = (buffer(fd as usize, libc::SO_SNDBUF) - count_by_ioctl(fd, libc::TIOCOUTQ)).max(0);
    if cannot_send(fd, seen) {
        // «man macOS»: "For sockets, the low water mark and socket error handling is identical to the
        // EVFILT_READ case."
        return Some(Holds { flags: EV_EOF, fflags: socket_error(seen), data });
    }
    if seen & libc::POLLERR != 0 {
        return Some(Holds { data, ..Holds::default() });
    }
    // A stream that is not connected is not writable: SS_ISCONNECTED and PR_CONNREQUIRED in filt_sowrite,
    // sys/kern/uipc_socket.c. Linux calls it writable and hung up.
    let hung_up = seen & libc::POLLHUP != 0 && !calls::has_peer_shut_down_both(fd);
    let writable = seen & libc::POLLOUT != 0 && !hung_up;
    writable.then_some(Holds { data: data.max(1), ..Holds::default() })
}

/// SBS_CANTSENDMORE: this side has shut down writing, or the connection is gone.
fn cannot_send(fd: c_int, seen: i16) -> bool {
    let is_unix = option(fd, libc::SOL_SOCKET, libc::SO_DOMAIN) == libc::AF_UNIX;
    if is_unix && calls::has_peer_shut_down_both(fd) {
        // Which says nothing of this side («run»; not so FreeBSD 15).
        return calls::has_shut_down_writing(fd);
    }
    if seen & libc::POLLHUP != 0 && seen & libc::POLLRDHUP != 0 {
        return true;
    }
    if option(fd, libc::SOL_SOCKET, libc::SO_TYPE) != libc::SOCK_STREAM {
        return false;
    }
    if !is_unix {
        // The first byte of tcp_info is the state of the connection, see include/net/tcp_states.h: from
        // FIN_WAIT1 to TIME_WAIT, LAST_ACK, CLOSING.
        let state = option(fd, libc::IPPROTO_TCP, libc::TCP_INFO).to_ne_bytes()[0];
        return matches!(state, 4 | 5 | 6 | 9 | 11);
    }
    // Sends nothing, and says whether something could be sent.
    // SAFETY: the length is zero.
    let sent =
        unsafe { libc::send(fd, ptr::null(), 0, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as c_int };
    seen & libc::POLLHUP == 0 && check(sent) == Err(libc::EPIPE)
}

/// «man macOS», EVFILT_EXCEPT: "returns whenever one of the specified exceptional conditions has occurred on
/// the descriptor. [...] the arrival of out-of-band data on a socket descriptor using the filter flag
/// NOTE_OOB. If the read direction of the socket has shutdown, then the filter also sets EV_EOF in flags,
/// and returns the socket error (if any) in fflags."
fn except(fd: c_int, wanted: u32) -> Option<Holds> {
    let seen = seen(fd, libc::POLLPRI | libc::POLLRDHUP);
    let oob = if has_urgent_data(seen, fd) { wanted & NOTE_OOB } else { 0 };
    // Where data waits it is told of first. DragonFly and OpenBSD know nothing else.
    let eof = oob == 0 && seen & libc::POLLRDHUP != 0 && !LIKE_A_KERNEL;
    let fflags = if eof { socket_error(seen) } else { oob };
    (eof || oob != 0).then_some(Holds { flags: if eof { EV_EOF } else { 0 }, fflags, data: 0 })
}

// --- The queues -------------------------------------------------------------------------------------

impl Queue {
    fn new() -> Result<Queue, Errno> {
        // SAFETY: no pointers are passed. Only the first is what the user sees.
        let new = unsafe {
            [
                libc::epoll_create1(0),
                libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK),
                libc::epoll_create1(libc::EPOLL_CLOEXEC),
                libc::epoll_create1(libc::EPOLL_CLOEXEC),
                libc::epoll_create1(libc::EPOLL_CLOEXEC),
            ]
        };
        let result = new.into_iter().try_for_each(|fd| check(fd).map(drop));
        let [fd, ready, sources @ ..] = new;
        let (notes, waiting, told_by_task) = Default::default();
        let queue = Queue { fd, ready, sources, notes, waiting, told_by_task };
        if let Err(errno) = result {
            queue.dispose();
            return Err(errno);
        }
        for part in [ready].into_iter().chain(sources) {
            let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 0 };
            // SAFETY: the pointer is valid for the call.
            check(unsafe { libc::epoll_ctl(fd, libc::EPOLL_CTL_ADD, part, &mut event) })?;
        }
        Ok(queue)
    }

    /// Closes what belongs to it.
    fn dispose(self) {
        let sources = self.notes.values().filter_map(|note| note.source);
        for fd in sources.chain(self.sources).chain([self.ready, self.fd]) {
            raw_close(fd);
        }
    }

    /// Which epoll tells when the filter of a note must be run, for what descriptor and which events.
    fn source(&self, note: &Note) -> Option<(c_int, c_int, c_int)> {
        let [reading, writing, exceptions] = self.sources;
        let fd = note.ident as c_int;
        match note.filter {
            EVFILT_READ => Some((reading, fd, libc::EPOLLIN | libc::EPOLLRDHUP)),
            EVFILT_WRITE => Some((writing, fd, libc::EPOLLOUT | libc::EPOLLRDHUP)),
            EVFILT_EXCEPT if DARWIN => {
                Some((exceptions, fd, libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLRDHUP))
            }
            EVFILT_EXCEPT => Some((exceptions, fd, libc::EPOLLPRI | libc::EPOLLRDHUP)),
            _ => note.source.map(|source| (reading, source, libc::EPOLLIN)),
        }
    }

    /// One change.
    fn change(&mut self, change: &kevent) -> Result<(), Errno> {
        let key = (change.filter, change.ident);
        let known = self.notes.contains_key(&key);
        if change.flags & EV_DELETE != 0 {
            is_open(change)?;
            // «man»: "ENOENT: The event could not be found to be modified or deleted."
            return if known { Ok(self.delete(key)) } else { Err(libc::ENOENT) };
        }
        if !known {
            is_open(change)?;
            if change.flags & EV_ADD == 0 {
                return Err(libc::ENOENT);
            }
            self.add(change)?;
        }
        if FREEBSD && change.flags & (EV_ENABLE | EV_DISABLE) == EV_ENABLE | EV_DISABLE {
            return Err(libc::EINVAL);
        }
        if OPENBSD && change.flags & !EV_RECEIPT == 0 {
            return Ok(()); // Nothing is asked for.
        }
        let Some(note) = self.notes.get_mut(&key) else { return Err(libc::ENOENT) };
        // «man»: "Re-adding an existing event will modify the parameters of the original event, and not
        // result in a duplicate entry." These are its parameters; the flags stay those that it was added
        // with (kqueue_register in sys/kern/kern_event.c).
        (note.fflags, note.low_water, note.udata) = (change.fflags, change.data, change.udata);
        if change.filter == EVFILT_USER {
            // FreeBSD looks for the trigger in `kn_fflags`, which kqueue_register has just emptied: what is
            // added and triggered in one change is not triggered. A change with EV_CLEAR resets the trigger
            // (filt_usertouch).
            if FREEBSD && change.flags & EV_CLEAR != 0 {
                note.count = 0;
            } else if change.fflags & NOTE_TRIGGER != 0 && (known || !FREEBSD) {
                note.count = 1;
            }
        }
        // "EV_DISABLE: Disable the event so kevent() will not return it. The filter itself is not disabled."
        // «man»: "Adding an event automatically enables it, unless overridden by the EV_DISABLE flag." It does
        // not, if the event was known: EV_ENABLE alone does («run», and the sources of all).
        if change.flags & EV_DISABLE != 0 {
            note.disabled = true;
        } else if change.flags & EV_ENABLE != 0 {
            note.disabled = false;
        }
        // «man»: "The filter is executed upon the initial registration of a kevent in order to detect
        // whether a preexisting condition is present". The source runs it for any change.
        self.activate(key);
        Ok(())
    }

    fn add(&mut self, change: &kevent) -> Result<(), Errno> {
        let source = match change.filter {
            EVFILT_READ | EVFILT_WRITE | EVFILT_EXCEPT | EVFILT_USER => None,
            EVFILT_PROC => Some(pidfd(change.ident)?),
            EVFILT_TIMER => Some(timer(change.data)?),
            // «man»: "EINVAL: The specified time limit or filter is invalid."
            _ => return Err(libc::EINVAL),
        };
        if change.filter == EVFILT_WRITE {
            add_write(change.ident as c_int)?;
        }
        if matches!(change.filter, EVFILT_READ | EVFILT_WRITE) {
            device(change)?;
        }
        let is_descriptor = matches!(change.filter, EVFILT_READ | EVFILT_WRITE | EVFILT_EXCEPT);
        let nested = is_descriptor && calls::is(change.ident as c_int, "anon_inode:[eventpoll]");
        if nested && change.ident as c_int == self.fd {
            itself()?;
        }
        let note = Note {
            ident: change.ident,
            filter: change.filter,
            flags: change.flags & (EV_CLEAR | EV_DISPATCH | EV_ONESHOT),
            fflags: change.fflags,
            low_water: change.data,
            udata: change.udata,
            source,
            disabled: false,
            queued: false,
            count: 0,
            pipe: if is_descriptor { calls::pipe(change.ident as c_int) } else { None },
            nested,
            listened: is_descriptor && is_listening(change.ident as c_int),
            acknowledged: match change.filter {
                EVFILT_WRITE if LIKE_A_KERNEL => acknowledged(change.ident as c_int),
                _ => 0,
            },
        };
        if let Some((epoll, fd, events)) = self.source(&note) {
            // A regular file is not refused: epoll would say that it is always ready (EPERM).
            match check(epoll_control(epoll, libc::EPOLL_CTL_ADD, fd, events, note.key())) {
                Ok(_) | Err(libc::EPERM | libc::EEXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        self.notes.insert(note.key(), note);
        Ok(())
    }

    /// «man»: "EV_DELETE: Removes the event from the kqueue."
    fn delete(&mut self, key: Key) {
        let Some(note) = self.notes.remove(&key) else { return };
        if let Some((epoll, fd, _)) = self.source(&note) {
            epoll_control(epoll, libc::EPOLL_CTL_DEL, fd, 0, key);
        }
        if let Some(source) = note.source {
            raw_close(source);
        }
        self.waiting.retain(|waiting| *waiting != key);
        self.tell();
    }

    /// Runs the filter of a note: «man»: "If the filter determines that the condition should be reported,
    /// then the kevent is placed on the kqueue for the user to retrieve." "Multiple events which trigger the
    /// filter do not result in multiple kevents being placed on the kqueue".
    fn activate(&mut self, key: Key) {
        let Some(note) = self.notes.get_mut(&key) else { return };
        if !note.disabled && !note.queued && note.run().is_some() {
            note.queued = true;
            self.waiting.push_back(key);
            self.tell();
        }
    }

    /// Runs the filters of those whose sources tell that something has happened.
    fn listen(&mut self) {
        for key in std::mem::take(&mut self.told_by_task) {
            self.activate(key);
        }
        if LIKE_A_KERNEL {
            self.hear_acknowledgements();
        }
        for epoll in self.sources {
            let mut events = [libc::epoll_event { events: 0, u64: 0 }; 64];
            loop {
                let max = events.len() as c_int;
                // SAFETY: there is room for so many.
                let count = unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), max, 0) };
                for event in events.iter().take(count.max(0) as usize) {
                    let key = ((event.u64 >> 32) as u16 as i16, event.u64 as u32 as usize);
                    self.hear(key);
                }
                if count < max {
                    break;
                }
            }
        }
    }

    /// TCP tells its writer of each acknowledgement, full or not (sowwakeup in tcp_input.c;
    /// «run»). What the reader of a Unix stream takes, Linux tells its writer itself.
    fn hear_acknowledgements(&mut self) {
        let mut more = false;
        for (key, note) in self.notes.iter_mut().filter(|(key, _)| key.0 == EVFILT_WRITE) {
            let now = acknowledged(note.ident as c_int);
            let before = std::mem::replace(&mut note.acknowledged, now);
            if now > before && !note.disabled && !note.queued && note.run().is_some() {
                note.queued = true;
                self.waiting.push_back(*key);
                more = true;
            }
        }
        if more {
            self.tell();
        }
    }

    /// A source tells that something has happened.
    fn hear(&mut self, key: Key) {
        let Some(note) = self.notes.get_mut(&key) else { return };
        match key.0 {
            EVFILT_TIMER => note.count = 1,
            // FreeBSD and OpenBSD tell a queue of another in it by a task, later: here when the next one looks.
            EVFILT_READ if (FREEBSD || OPENBSD) && note.nested => {
                self.told_by_task.push(key);
                return self.tell();
            }
            _ => {}
        }
        self.activate(key);
    }

    /// Hears of processes, which are told when it happens, and not when somebody asks.
    pub(super) fn hear_events(&mut self) {
        if self.notes.keys().any(|key| key.0 == EVFILT_PROC) {
            self.listen();
        }
    }

    /// Runs the filters of both ends of a pipe that was read or written: their notes are in one list, which is
    /// woken by either («run»; FreeBSD, OpenBSD, Darwin: pipeselwakeup).
    pub(super) fn wake_pipe(&mut self, pipe: (u64, u64)) {
        // Without allocating, which a signal handler must not.
        let mut keys = [None; 8];
        let ends = self.notes.values().filter(|note| note.pipe == Some(pipe));
        keys.iter_mut().zip(ends).for_each(|(key, end)| *key = Some(end.key()));
        keys.into_iter().flatten().for_each(|key| self.activate(key));
    }

    /// Retrieves at most `room` events, each at most once: kqueue_scan in sys/kern/kern_event.c.
    fn retrieve(&mut self, events: *mut kevent, room: usize) -> usize {
        self.listen();
        let mut count = 0;
        for _ in 0..self.waiting.len() {
            if count == room {
                break;
            }
            let Some(key) = self.waiting.pop_front() else { break };
            let Some(note) = self.notes.get_mut(&key) else { continue };
            note.queued = false;
            // «man»: "The filter is also run when the user attempts to retrieve the kevent from the kqueue.
            // If the filter indicates that the condition that triggered the event no longer holds, the
            // kevent is removed from the kqueue and is not returned."
            let holds = if note.disabled { None } else { note.run() };
            let Some(Holds { flags, fflags, data }) = holds else { continue };
            let Note { ident, filter, udata, .. } = *note;
            let event = kevent { ident, filter, flags: note.flags | flags, fflags, data, udata };
            // SAFETY: there is room for `room` events.
            unsafe { events.add(count).write(event) };
            count += 1;
            if (note.flags | flags) & EV_ONESHOT != 0 {
                // "EV_ONESHOT: Causes the event to return only the first occurrence of the filter being
                // triggered. After the user retrieves the event from the kqueue, it is deleted."
                self.delete(key);
                continue;
            }
            // "EV_CLEAR: After the event is retrieved by the user, its state is reset."
            if note.flags & EV_CLEAR != 0 {
                note.count = 0;
            }
            // "EV_DISPATCH: Disable the event source immediately after delivery of an event."
            if note.flags & EV_DISPATCH != 0 {
                note.disabled = true;
            }
            if note.flags & (EV_CLEAR | EV_DISPATCH) == 0 {
                note.queued = true;
                self.waiting.push_back(key);
            }
        }
        self.tell();
        count
    }

    /// The queue is readable while events wait.
    fn tell(&self) {
        let mut count = 1u64.to_ne_bytes();
        // SAFETY: the pointer and the length are those of an array.
        unsafe {
            if self.waiting.is_empty() && self.told_by_task.is_empty() {
                libc::read(self.ready, count.as_mut_ptr().cast(), count.len());
            } else {
                libc::write(self.ready, count.as_ptr().cast(), count.len());
            }
        }
    }
}

/// «man»: "EBADF: The specified descriptor is invalid."
fn is_open(change: &kevent) -> Result<(), Errno> {
    if !matches!(change.filter, EVFILT_READ | EVFILT_WRITE | EVFILT_EXCEPT) {
        return Ok(());
    }
    let fd = c_int::try_from(change.ident).map_err(|_| libc::EBADF)?;
    // SAFETY: no pointer is passed.
    check(unsafe { libc::fcntl(fd, libc::F_GETFD) }).map(drop)
}

/// «man»: "ESRCH: The specified process to attach to does not exist." To NetBSD, OpenBSD (filt_procattach) and
/// Darwin (proc_find) none exists that exits or has exited.
fn pidfd(pid: usize) -> Result<c_int, Errno> {
    let pid = c_long::try_from(pid).map_err(|_| libc::ESRCH)?;
    // SAFETY: no pointer is passed.
    let fd = check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0 as c_long) as c_int })?;
    if (NETBSD || OPENBSD || DARWIN) && seen(fd, libc::POLLIN) != 0 {
        raw_close(fd);
        return Err(libc::ESRCH);
    }
    Ok(fd)
}

/// «man», EVFILT_TIMER: "data specifies the timeout period [...]. The default [...] is milliseconds."
fn timer(millis: isize) -> Result<c_int, Errno> {
    let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
    // SAFETY: no pointer is passed.
    let fd = check(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) })?;
    // SAFETY: all-zero is a valid itimerspec.
    let mut value: libc::itimerspec = unsafe { std::mem::zeroed() };
    value.it_value.tv_nsec = millis.max(1) as c_long * 1_000_000;
    // SAFETY: the pointer is that of an itimerspec.
    unsafe { libc::timerfd_settime(fd, 0, &value, ptr::null_mut()) };
    Ok(fd)
}

/// A queue in itself is EINVAL to FreeBSD and Darwin (kqueue_kqfilter); OpenBSD and DragonFly take it; NetBSD's
/// kernel locks its own lock («run»: panic).
fn itself() -> Result<(), Errno> {
    assert!(!NETBSD, "the kernel panics");
    if FREEBSD || DARWIN { Err(libc::EINVAL) } else { Ok(()) }
}

// --- The functions ----------------------------------------------------------------------------------

/// Calls `f` with the queues. Signals wait meanwhile, since their handlers may call kevent.
pub(super) fn with_queues<R>(f: impl FnOnce(&mut Vec<Queue>) -> R) -> R {
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: the first call initialises the one set, and the second the other.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let result = f(&mut lock());
    // SAFETY: the set was initialised above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    result
}

fn lock() -> MutexGuard<'static, Vec<Queue>> {
    QUEUES.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static HELD: RefCell<Option<MutexGuard<'static, Vec<Queue>>>> = const { RefCell::new(None) };
}

extern "C" fn before_fork() {
    HELD.set(Some(lock()));
}

extern "C" fn after_fork_in_parent() {
    HELD.take();
}

/// «man»: "The queue is not inherited by a child created with fork(2)."
extern "C" fn after_fork_in_child() {
    calls::is_forked();
    if let Some(mut queues) = HELD.take() {
        queues.drain(..).for_each(Queue::dispose);
    }
}

pub(super) fn fail(errno: Errno) -> c_int {
    // SAFETY: the pointer is that of this thread.
    unsafe { *libc::__errno_location() = errno };
    -1
}

#[unsafe(no_mangle)]
extern "C" fn kqueue() -> c_int {
    static AT_FORK: Once = Once::new();
    AT_FORK.call_once(|| {
        let (before, parent) = (Some(before_fork as _), Some(after_fork_in_parent as _));
        // SAFETY: the functions are there for ever.
        unsafe { libc::pthread_atfork(before, parent, Some(after_fork_in_child)) };
    });
    with_queues(|queues| match Queue::new() {
        Ok(queue) => {
            let fd = queue.fd;
            queues.push(queue);
            fd
        }
        Err(errno) => fail(errno),
    })
}

/// # Safety
///
/// As the system's.
#[unsafe(no_mangle)]
unsafe extern "C" fn kevent(
    kq: c_int,
    changelist: *const kevent,
    nchanges: c_int,
    eventlist: *mut kevent,
    nevents: c_int,
    timeout: *const libc::timespec,
) -> c_int {
    // SAFETY: the pointer is that of this thread, and the rest is the caller's.
    unsafe {
        let errno = *libc::__errno_location();
        let result = changes_and_events(kq, changelist, nchanges, eventlist, nevents, timeout);
        if result >= 0 {
            *libc::__errno_location() = errno;
        }
        result
    }
}

/// # Safety
///
/// As above.
unsafe fn changes_and_events(
    kq: c_int,
    changelist: *const kevent,
    nchanges: c_int,
    eventlist: *mut kevent,
    nevents: c_int,
    timeout: *const libc::timespec,
) -> c_int {
    // SAFETY: the pointer is null, or that of a timespec.
    let timeout = match unsafe { timeout.as_ref() }.map(duration) {
        None => None,
        Some(Some(timeout)) => Some(stretched(timeout)),
        Some(None) => return fail(libc::EINVAL),
    };
    // A poll reads no clock, nor does a wait for ever.
    let end = timeout.filter(|timeout| !timeout.is_zero()).map(|timeout| Instant::now() + timeout);
    let mut receipts = 0;
    // «man»: "All changes contained in the changelist are applied before any pending events are read from the
    // queue."
    for n in 0..nchanges.max(0) as usize {
        // SAFETY: there are so many changes.
        let mut change = unsafe { changelist.add(n).read() };
        let result = with_queue(kq, |queue| queue.change(&change)).and_then(|result| result);
        let errno = result.err().unwrap_or(0);
        if errno == 0 && change.flags & EV_RECEIPT == 0 {
            continue;
        }
        // «man»: "If an error occurs while processing an element of the changelist and there is enough room
        // in the eventlist, then the event will be placed in the eventlist with EV_ERROR set in flags and
        // the system error in data. Otherwise, -1 will be returned". "EV_RECEIPT: [...] When passed as input,
        // it forces EV_ERROR to always be returned. When a filter is successfully added the data field will
        // be zero. Note that if this flag is encountered and there is no remaining space in eventlist to hold
        // the EV_ERROR event, then subsequent changes will not get processed."
        if receipts == nevents {
            return if errno != 0 { fail(errno) } else { receipts };
        }
        (change.flags, change.data) = (EV_ERROR, errno as isize);
        // SAFETY: there is room for `nevents` events.
        unsafe { eventlist.add(receipts as usize).write(change) };
        receipts += 1;
    }
    // No event is retrieved then: "making bulk changes to a kqueue without draining any pending events".
    if receipts > 0 || nevents <= 0 {
        return receipts;
    }
    loop {
        match with_queue(kq, |queue| queue.retrieve(eventlist, nevents as usize)) {
            Ok(0) => {}
            Ok(count) => return count as c_int,
            Err(errno) => return fail(errno),
        }
        let remaining = match end {
            None => timeout,
            Some(end) => Some(end.saturating_duration_since(Instant::now())),
        };
        if remaining.is_some_and(|remaining| remaining.is_zero()) {
            return 0;
        }
        // «man»: "EINTR: A signal was delivered before the timeout expired and before any events were placed
        // on the kqueue for return."
        if let Err(errno) = wait(kq, remaining) {
            return fail(errno);
        }
    }
}

/// «man»: "EINVAL: The specified time limit or filter is invalid." Darwin's limit is 10^8 seconds: itimerfix
/// in XNU's bsd/kern/kern_time.c.
fn duration(timeout: &libc::timespec) -> Option<Duration> {
    let (seconds, nanos) = (timeout.tv_sec as i64, timeout.tv_nsec as i64);
    ((0..=100_000_000).contains(&seconds) && (0..1_000_000_000).contains(&nanos))
        .then(|| Duration::new(seconds as u64, nanos as u32))
}

/// How long a wait takes at most. FreeBSD's may be late by a sixteenth (`alloweddeviation` of 5 %, of which
/// kqueue_kevent makes a shift by 4). The others count in ticks of 10 ms, and one more («run»: 200 µs take 20 ms;
/// tvtohz and its like), but not Darwin.
fn stretched(timeout: Duration) -> Duration {
    const TICK: u128 = 10_000_000;
    if timeout.is_zero() {
        return timeout;
    }
    if FREEBSD {
        return timeout + timeout / 16;
    }
    if NETBSD || OPENBSD || DRAGONFLY {
        let ticks = timeout.as_nanos().div_ceil(TICK) + 1;
        return Duration::from_nanos(u64::try_from(ticks * TICK).unwrap_or(u64::MAX));
    }
    timeout
}

fn wait(kq: c_int, remaining: Option<Duration>) -> Result<(), Errno> {
    let mut poll = libc::pollfd { fd: kq, events: libc::POLLIN, revents: 0 };
    let timeout = remaining.map(|remaining| libc::timespec {
        tv_sec: remaining.as_secs() as libc::time_t,
        tv_nsec: remaining.subsec_nanos() as c_long,
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the pointers are valid for the call.
    check(unsafe { libc::ppoll(&mut poll, 1, timeout, ptr::null()) }).map(drop)
}

fn with_queue<R>(kq: c_int, f: impl FnOnce(&mut Queue) -> R) -> Result<R, Errno> {
    with_queues(|queues| {
        queues.iter_mut().for_each(Queue::hear_events);
        let queue = queues.iter_mut().find(|queue| queue.fd == kq);
        queue.map(f).ok_or(libc::EBADF)
    })
}

/// «man»: "Calling close() on a file descriptor will remove any kevents that reference the descriptor."
#[unsafe(no_mangle)]
extern "C" fn close(fd: c_int) -> c_int {
    with_queues(|queues| {
        if let Some(n) = queues.iter().position(|queue| queue.fd == fd) {
            let queue = queues.swap_remove(n);
            forget(queues, fd);
            queue.dispose();
            return 0;
        }
        forget(queues, fd);
        calls::before_close(fd);
        raw_close(fd)
    })
}

fn forget(queues: &mut [Queue], fd: c_int) {
    for queue in queues {
        for filter in [EVFILT_READ, EVFILT_WRITE, EVFILT_EXCEPT] {
            queue.delete((filter, fd as usize));
        }
    }
}
