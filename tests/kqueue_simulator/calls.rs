//! Functions of the C library that a BSD's kernel answers otherwise than Linux, and what the filters need to
//! know of these calls. Like the manual, where there is no `KQUEUE_LIKE`, nothing is changed.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{c_int, c_long, c_void};
use std::io::Write;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
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

// --- Signals ----------------------------------------------------------------------------------------

thread_local! {
    /// Signals of which EVFILT_SIGNAL has told, and sigpending will not at once.
    static TOLD: Cell<u64> = const { Cell::new(0) };
}

/// The event comes before the signal is pending: Darwin (psignal_internal), NetBSD, OpenBSD and DragonFly. That is
/// a moment, which whoever is to meet it asks for.
pub(super) fn has_told_signal(signal: c_int) {
    if LIKE_A_KERNEL && !FREEBSD && std::env::var_os("KQUEUE_SIGNALS_ARE_LATE").is_some() {
        TOLD.set(TOLD.get() | 1 << signal);
    }
}

/// The signals that are pending for this thread ("SigPnd") or for the process ("ShdPnd").
fn pending(whose: &str) -> u64 {
    // Not by std, whose calls are these here.
    let mut status = [0_u8; 4096];
    // SAFETY: the pointers and the length are those of a string and of an array, and the descriptor is new.
    let len = unsafe {
        let path = c"/proc/thread-self/status".as_ptr();
        let fd = libc::syscall(libc::SYS_openat, libc::AT_FDCWD as c_long, path, 0 as c_long);
        let len = libc::syscall(libc::SYS_read, fd, status.as_mut_ptr(), status.len());
        raw_close(fd as c_int);
        len
    };
    let status = String::from_utf8_lossy(&status[..len.max(0) as usize]);
    let mask = status.lines().find_map(|line| line.strip_prefix(whose)?.strip_prefix(':'));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).map_or(0, |mask| mask << 1)
}

/// The signal that is being sent to a thread, by pthread_kill.
static TO_A_THREAD: AtomicI32 = AtomicI32::new(0);

/// Whether a signal that has been sent was not sent to the process.
pub(super) fn is_for_a_thread(signal: c_int) -> bool {
    TO_A_THREAD.load(Ordering::Relaxed) == signal || pending("ShdPnd") & 1 << signal == 0
}

#[unsafe(no_mangle)]
extern "C" fn pthread_kill(thread: libc::pthread_t, signal: c_int) -> c_int {
    type Function = extern "C" fn(libc::pthread_t, c_int) -> c_int;
    // SAFETY: the name is a string, and the C library's function of this name has this type.
    let next: Function =
        unsafe { std::mem::transmute(libc::dlsym(libc::RTLD_NEXT, c"pthread_kill".as_ptr())) };
    if !DARWIN {
        return next(thread, signal);
    }
    with_queues(|queues| {
        queues.iter_mut().for_each(|queue| queue.hear_events());
        TO_A_THREAD.store(signal, Ordering::Relaxed);
        let result = next(thread, signal);
        queues.iter_mut().for_each(|queue| queue.hear_events());
        TO_A_THREAD.store(0, Ordering::Relaxed);
        result
    })
}

fn is_main_thread() -> bool {
    // SAFETY: no pointers are passed.
    unsafe { libc::syscall(libc::SYS_gettid) == libc::getpid() as c_long }
}

/// Darwin's knows the signals of the thread alone, and those of the process wait in the list of the first.
#[unsafe(no_mangle)]
extern "C" fn sigpending(set: *mut libc::sigset_t) -> c_int {
    let mut kernel = [0_u64; 1];
    // SAFETY: there is room for the 64 signals that Linux knows.
    if unsafe { libc::syscall(libc::SYS_rt_sigpending, kernel.as_mut_ptr(), 8 as c_long) } < 0 {
        return -1;
    }
    // The event was told, and this asks for it in vain once.
    let late = TOLD.get() & !pending("SigPnd");
    TOLD.set(TOLD.get() & !late);
    let of_this_thread = DARWIN && !is_main_thread();
    let seen = if of_this_thread { pending("SigPnd") } else { kernel[0] << 1 & !late };
    // SAFETY: the pointer is the caller's, and the numbers are those of signals.
    unsafe {
        libc::sigemptyset(set);
        for signal in (1..=31).filter(|n| seen & 1 << n != 0) {
            libc::sigaddset(set, signal);
        }
    }
    0
}

/// Darwin's looks into the lists of all threads, from the first on: before that of the thread it finds what was
/// sent to the process. Linux does it the other way round.
#[unsafe(no_mangle)]
extern "C" fn sigwait(set: *const libc::sigset_t, signal: *mut c_int) -> c_int {
    let both = if DARWIN { pending("SigPnd") & pending("ShdPnd") & !TOLD.get() } else { 0 };
    let mut info = MaybeUninit::uninit();
    loop {
        // SAFETY: the set is the caller's, and there is room for a siginfo.
        let got = unsafe { libc::sigwaitinfo(set, info.as_mut_ptr()) };
        if got < 0 {
            continue;
        }
        if both & 1 << got != 0 {
            // That was the thread's, which is to stay.
            // SAFETY: the set is as above, and the signal is one.
            unsafe {
                libc::sigwaitinfo(set, info.as_mut_ptr());
                libc::pthread_kill(libc::pthread_self(), got);
            }
        }
        // SAFETY: the pointer is the caller's.
        unsafe { *signal = got };
        return 0;
    }
}
