//! Functions of the C library that a BSD's kernel answers otherwise than Linux, and what the filters need to
//! know of these calls. Like the manual, where there is no `KQUEUE_LIKE`, nothing is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{c_int, c_long, c_void};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::simulator::*;

type State = Mutex<Known>;

/// What is known of this process, which Linux does not tell.
#[derive(Default)]
struct Known {
    /// Processes of which NOTE_EXIT has told, and waitpid has not.
    exited: BTreeSet<usize>,
    /// Unix sockets, by number: that was shut down for writing here; that was shut down both ways; the other of
    /// a pair.
    shut_down: BTreeSet<u64>,
    shut_down_both: BTreeSet<u64>,
    peers: BTreeMap<u64, u64>,
    /// Sockets whose urgent byte was taken, and what is behind it was not.
    urgent: BTreeSet<u64>,
}

static KNOWN: LazyLock<State> = LazyLock::new(State::default);

/// A fork with this lock held would leave it so for ever in the child: each use is short, and has no call in it.
fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

// --- Descriptors ------------------------------------------------------------------------------------

/// pipe(2) makes two ends that can both be read and written: FreeBSD, OpenBSD, DragonFly. On NetBSD and Darwin
/// they are for one thing each. (sys/kern/sys_pipe.c)
pub(super) const BOTH_WAYS: bool = FREEBSD || OPENBSD || DRAGONFLY;

/// Whether /proc says of a descriptor that it is this. Nothing is allocated.
pub(super) fn is(fd: c_int, what: &str) -> bool {
    let (mut path, mut link) = ([0_u8; 32], [0_u8; 64]);
    let _ = write!(&mut path[..31], "/proc/self/fd/{fd}");
    let room = link.len();
    // SAFETY: the one is a string, the other has room.
    let len = unsafe { libc::readlink(path.as_ptr().cast(), link.as_mut_ptr().cast(), room) };
    len > 0 && link[..len as usize].starts_with(what.as_bytes())
}

/// How many descriptors of this process are this socket.
fn descriptors(socket: u64) -> usize {
    let what = format!("socket:[{socket}]");
    let all = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.filter(|fd| is(*fd, &what)).count()
}

/// Which pipe or FIFO it is an end of.
pub(super) fn pipe(fd: c_int) -> Option<(u64, u64)> {
    let stat = mode(fd)?;
    (stat.st_mode & libc::S_IFMT == libc::S_IFIFO).then_some((stat.st_dev, stat.st_ino))
}

/// Whether it is an end of a pipe, and not of a FIFO.
pub(super) fn is_pipe(fd: c_int) -> bool {
    pipe(fd).is_some() && is(fd, "pipe:")
}

/// Whether Linux lets it be read, written, or both.
pub(super) fn access(fd: c_int) -> c_int {
    control(fd, libc::F_GETFL, 0) & libc::O_ACCMODE
}

fn control(fd: c_int, command: c_int, argument: usize) -> c_int {
    // SAFETY: the argument is the caller's, as the command wants it.
    unsafe { libc::syscall(libc::SYS_fcntl, fd as c_long, command as c_long, argument) as c_int }
}

#[unsafe(no_mangle)]
extern "C" fn fcntl(fd: c_int, command: c_int, argument: usize) -> c_int {
    let result = control(fd, command, argument);
    if BOTH_WAYS && command == libc::F_GETFL && result >= 0 && is_pipe(fd) {
        return result & !libc::O_ACCMODE | libc::O_RDWR;
    }
    result
}

// --- Pipes ------------------------------------------------------------------------------------------

/// See `Queue::wake_pipe`. DragonFly wakes only whom it concerns.
fn used(fd: c_int, result: isize) -> isize {
    if result > 0 && LIKE_A_KERNEL && !DRAGONFLY {
        if let Some(pipe) = pipe(fd) {
            with_queues(|queues| queues.iter_mut().for_each(|queue| queue.wake_pipe(pipe)));
        }
    }
    result
}

#[unsafe(no_mangle)]
extern "C" fn read(fd: c_int, data: *mut c_void, len: usize) -> isize {
    // SAFETY: the memory is the caller's.
    received(fd, 0, || unsafe { libc::syscall(libc::SYS_read, fd as c_long, data, len) } as isize)
}

#[unsafe(no_mangle)]
extern "C" fn write(fd: c_int, data: *const c_void, len: usize) -> isize {
    // SAFETY: as above.
    used(fd, unsafe { libc::syscall(libc::SYS_write, fd as c_long, data, len) } as isize)
}

#[unsafe(no_mangle)]
extern "C" fn readv(fd: c_int, data: *const libc::iovec, count: c_int) -> isize {
    received(fd, 0, || {
        let count = count as c_long;
        // SAFETY: as above.
        unsafe { libc::syscall(libc::SYS_readv, fd as c_long, data, count) as isize }
    })
}

#[unsafe(no_mangle)]
extern "C" fn writev(fd: c_int, data: *const libc::iovec, count: c_int) -> isize {
    // SAFETY: as above.
    used(fd, unsafe { libc::syscall(libc::SYS_writev, fd as c_long, data, count as c_long) }
        as isize)
}

// --- Sockets ----------------------------------------------------------------------------------------

/// Receives by `call`, of a pipe or a socket. Of an urgent byte the mark stays when it was taken, until what is
/// behind it is read (so_oobmark, SS_RCVATMARK).
fn received(fd: c_int, flags: c_int, call: impl FnOnce() -> isize) -> isize {
    let Some(socket) = stream(fd).filter(|_| LIKE_A_KERNEL) else { return used(fd, call()) };
    let was_at_mark = has_urgent_mark(fd) && is_at_mark(fd);
    let result = call();
    if result > 0 && flags & libc::MSG_PEEK == 0 {
        if flags & libc::MSG_OOB != 0 {
            known().urgent.insert(socket);
        } else if was_at_mark {
            known().urgent.remove(&socket);
        }
    }
    result
}

pub(super) fn has_urgent_mark(fd: c_int) -> bool {
    stream(fd).is_some_and(|socket| known().urgent.contains(&socket))
}

fn is_at_mark(fd: c_int) -> bool {
    const SIOCATMARK: libc::Ioctl = 0x8905;
    let mut at_mark: c_int = 0;
    // SAFETY: the pointer is that of an integer, which this request writes.
    unsafe { libc::ioctl(fd, SIOCATMARK, &raw mut at_mark) == 0 && at_mark != 0 }
}

#[unsafe(no_mangle)]
extern "C" fn recv(fd: c_int, data: *mut c_void, len: usize, flags: c_int) -> isize {
    recvfrom(fd, data, len, flags, std::ptr::null_mut(), std::ptr::null_mut())
}

#[unsafe(no_mangle)]
extern "C" fn recvfrom(
    fd: c_int,
    data: *mut c_void,
    len: usize,
    flags: c_int,
    address: *mut libc::sockaddr,
    address_len: *mut libc::socklen_t,
) -> isize {
    received(fd, flags, || {
        let (fd, flags) = (fd as c_long, flags as c_long);
        // SAFETY: the memory is the caller's.
        unsafe {
            libc::syscall(libc::SYS_recvfrom, fd, data, len, flags, address, address_len) as isize
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn recvmsg(fd: c_int, message: *mut libc::msghdr, flags: c_int) -> isize {
    received(fd, flags, || {
        // SAFETY: the memory is the caller's.
        unsafe { libc::syscall(libc::SYS_recvmsg, fd as c_long, message, flags as c_long) as isize }
    })
}

fn stream(fd: c_int) -> Option<u64> {
    let stat = mode(fd).filter(|stat| stat.st_mode & libc::S_IFMT == libc::S_IFSOCK)?;
    let is_stream = option(fd, libc::SOL_SOCKET, libc::SO_TYPE) == libc::SOCK_STREAM;
    is_stream.then_some(stat.st_ino)
}

/// The child of a fork closes copies of what its parent has.
static FORKED: AtomicBool = AtomicBool::new(false);

pub(super) fn is_forked() {
    FORKED.store(true, Ordering::Relaxed);
}

/// Before a descriptor is closed. A stream socket with unread data is ended like any other: to a Unix stream,
/// nothing is said of it, and TCP sends FIN and no reset («run»; so the sources of all). Linux is made to by
/// reading the data, if this is the last descriptor of the socket here, and it is not to be reset on purpose.
pub(super) fn before_close(fd: c_int) {
    let Some(socket) = stream(fd).filter(|_| LIKE_A_KERNEL) else { return };
    known().urgent.remove(&socket);
    if FORKED.load(Ordering::Relaxed)
        || readable_bytes(fd) == 0
        || option(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN) != 0
        || option(fd, libc::SOL_SOCKET, libc::SO_LINGER) != 0
        || descriptors(socket) > 1
    {
        return;
    }
    let mut rest = [0_u8; 4096];
    // SAFETY: the pointer and the length are those of an array.
    while unsafe { libc::recv(fd, rest.as_mut_ptr().cast(), rest.len(), libc::MSG_DONTWAIT) } > 0 {}
}

#[unsafe(no_mangle)]
extern "C" fn socketpair(family: c_int, kind: c_int, protocol: c_int, fds: *mut c_int) -> c_int {
    // SAFETY: the memory is the caller's.
    let result = unsafe {
        let arguments = (family as c_long, kind as c_long, protocol as c_long);
        libc::syscall(libc::SYS_socketpair, arguments.0, arguments.1, arguments.2, fds) as c_int
    };
    if result == 0 {
        // SAFETY: the two have been written.
        let [a, b] = unsafe { [stream(*fds), stream(*fds.add(1))] };
        if let (Some(a), Some(b)) = (a, b) {
            known().peers.extend([(a, b), (b, a)]);
        }
    }
    result
}

#[unsafe(no_mangle)]
extern "C" fn shutdown(fd: c_int, how: c_int) -> c_int {
    // SAFETY: no pointer is passed.
    let result = unsafe { libc::syscall(libc::SYS_shutdown, fd as c_long, how as c_long) } as c_int;
    if let (0, Some(socket)) = (result, stream(fd)) {
        let mut known = known();
        if !known.peers.contains_key(&socket) {
            return result;
        }
        if how != libc::SHUT_RD {
            known.shut_down.insert(socket);
        }
        if how == libc::SHUT_RDWR {
            known.shut_down_both.insert(socket);
        }
    }
    result
}

pub(super) fn has_shut_down_writing(fd: c_int) -> bool {
    stream(fd).is_some_and(|socket| known().shut_down.contains(&socket))
}

/// Of the sockets of a pair alone, and as long as the peer is open here.
pub(super) fn has_peer_shut_down_both(fd: c_int) -> bool {
    let Some(socket) = stream(fd).filter(|_| LIKE_A_KERNEL) else { return false };
    let peer = known().peers.get(&socket).copied();
    peer.is_some_and(|peer| known().shut_down_both.contains(&peer) && descriptors(peer) > 0)
}

// --- Processes --------------------------------------------------------------------------------------

/// NOTE_EXIT comes before the process can be waited for: Darwin (kern_exit.c), NetBSD, DragonFly; seen on
/// FreeBSD, too. OpenBSD makes the zombie first.
pub(super) fn has_told_exit(pid: usize) {
    if LIKE_A_KERNEL && !OPENBSD {
        known().exited.insert(pid);
    }
}

#[unsafe(no_mangle)]
extern "C" fn waitpid(pid: libc::pid_t, status: *mut c_int, options: c_int) -> libc::pid_t {
    if options & libc::WNOHANG != 0 && known().exited.remove(&(pid as usize)) {
        return 0;
    }
    // SAFETY: the pointer is the caller's.
    unsafe { libc::wait4(pid, status, options, std::ptr::null_mut()) }
}
