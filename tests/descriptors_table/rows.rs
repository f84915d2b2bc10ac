//! The scenes: how each descriptor is made, and what is done to it. They change nothing of the machine: a network is
//! that of a namespace of their own.

use std::ffi::{CString, c_int, c_void};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::mem::{size_of, zeroed};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{Missing, P, QUIET, R, Row, Stage, Trigger, W, name};

type Played = Result<(), Missing>;

/// A system call, or its errno.
macro_rules! sys {
    ($call:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: what is pointed to lives through the call, and a length is that of what is there.
        #[allow(unused_unsafe, clippy::undocumented_unsafe_blocks)]
        let result = unsafe { libc::$call($($argument),*) };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
    }};
}

fn errno(error: io::Error) -> i32 {
    error.raw_os_error().expect("an errno")
}

fn owned(fd: RawFd) -> OwnedFd {
    // SAFETY: it was made just now, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// All zero, which is a value of the structures of C used here.
fn zero<T: Copy>() -> T {
    // SAFETY: the types are those of `libc`, of numbers only.
    unsafe { zeroed() }
}

fn read(fd: &impl AsRawFd, size: usize) -> Result<Vec<u8>, i32> {
    let mut buffer = vec![0; size];
    let n = sys!(read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), size)).map_err(errno)?;
    buffer.truncate(n as usize);
    Ok(buffer)
}

fn write(fd: &impl AsRawFd, data: &[u8]) -> Result<usize, i32> {
    sys!(write(fd.as_raw_fd(), data.as_ptr().cast(), data.len())).map(|n| n as usize).map_err(errno)
}

fn send(fd: &impl AsRawFd, data: &[u8], flags: c_int) -> Result<usize, i32> {
    let flags = flags | libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
    sys!(send(fd.as_raw_fd(), data.as_ptr().cast(), data.len(), flags))
        .map(|n| n as usize)
        .map_err(errno)
}

fn recv(fd: &impl AsRawFd, size: usize, flags: c_int) -> Result<Vec<u8>, i32> {
    let mut buffer = vec![0; size];
    let flags = flags | libc::MSG_DONTWAIT;
    let n = sys!(recv(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), size, flags)).map_err(errno)?;
    buffer.truncate(n as usize);
    Ok(buffer)
}

fn is(result: &Result<impl Sized, i32>, errno: i32) -> bool {
    result.as_ref().err() == Some(&errno)
}

fn nonblocking<T: AsRawFd>(fd: T) -> T {
    sys!(fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK)).expect("it is open");
    fd
}

fn fill(fd: &impl AsRawFd) {
    while write(fd, &[0; 4096]).is_ok() {}
    while write(fd, &[0; 1]).is_ok() {}
}

fn option<T: Copy>(fd: &impl AsRawFd, level: c_int, option: c_int, value: T) -> io::Result<()> {
    let size = size_of::<T>() as libc::socklen_t;
    sys!(setsockopt(fd.as_raw_fd(), level, option, (&raw const value).cast(), size)).map(drop)
}

fn so_error(fd: &impl AsRawFd) -> i32 {
    let (mut error, mut size) = (0, size_of::<c_int>() as libc::socklen_t);
    let (level, option) = (libc::SOL_SOCKET, libc::SO_ERROR);
    sys!(getsockopt(fd.as_raw_fd(), level, option, (&raw mut error).cast(), &mut size))
        .expect("a socket");
    error
}

fn socket(family: c_int, kind: c_int, protocol: c_int) -> io::Result<OwnedFd> {
    let kind = kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    sys!(socket(family, kind, protocol)).map(owned)
}

fn socketpair(kind: c_int) -> (OwnedFd, OwnedFd) {
    let mut pair = [0; 2];
    let kind = kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    sys!(socketpair(libc::AF_UNIX, kind, 0, pair.as_mut_ptr())).expect("a pair");
    (owned(pair[0]), owned(pair[1]))
}

fn pipe(flags: c_int) -> (OwnedFd, OwnedFd) {
    let mut pair = [0; 2];
    sys!(pipe2(pair.as_mut_ptr(), flags | libc::O_CLOEXEC | libc::O_NONBLOCK)).expect("a pipe");
    (owned(pair[0]), owned(pair[1]))
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let peer = listener.accept().unwrap().0;
    peer.set_nonblocking(true).unwrap();
    (nonblocking(ours), peer)
}

fn udp() -> (UdpSocket, UdpSocket) {
    let (ours, peer) =
        (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    peer.connect(ours.local_addr().unwrap()).unwrap();
    ours.connect(peer.local_addr().unwrap()).unwrap();
    (nonblocking(ours), nonblocking(peer))
}

/// Whoever sends to it is refused: it is its own peer now. It keeps its port, which nobody else gets.
fn deafen(socket: &UdpSocket) {
    socket.connect(socket.local_addr().unwrap()).unwrap();
}

fn unix() -> (UnixStream, UnixStream) {
    let (ours, peer) = UnixStream::pair().unwrap();
    (nonblocking(ours), nonblocking(peer))
}

/// A folder that goes with its scene.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("mio-st-row-{}-{count}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Folder(path),
                // Left by a process that was ended, whose number this one has.
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}"),
            }
        }
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

fn open(path: &str, flags: c_int) -> io::Result<OwnedFd> {
    let path = c(path);
    sys!(open(path.as_ptr(), flags | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY))
        .map(owned)
}

/// A network of this thread alone, with loopback up.
fn own_network() -> io::Result<()> {
    sys!(unshare(libc::CLONE_NEWNET))?;
    set_up("lo", true)
}

fn set_up(interface: &str, up: bool) -> io::Result<()> {
    let socket = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    let mut request: libc::ifreq = zero();
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = if up { libc::IFF_UP as i16 } else { 0 };
    sys!(ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &request)).map(drop)
}

/// Mounts of this thread alone.
fn own_mounts() -> io::Result<()> {
    sys!(unshare(libc::CLONE_NEWNS))?;
    let (none, root) = (c("none"), c("/"));
    let flags = libc::MS_REC | libc::MS_PRIVATE;
    sys!(mount(none.as_ptr(), root.as_ptr(), ptr::null(), flags, ptr::null())).map(drop)
}

/// A child that lives until its standard input ends.
struct Cat(Child);

impl Cat {
    fn new() -> Cat {
        let mut command = Command::new("cat");
        Cat(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat"))
    }

    fn end(&mut self) {
        drop(self.0.stdin.take());
    }
}

impl Drop for Cat {
    fn drop(&mut self) {
        self.end();
        let _ = self.0.wait();
    }
}

pub const ROWS: &[Row] = &[
    Row { kind: "eventfd", needs: "", play: eventfd },
    Row { kind: "eventfd, `EFD_SEMAPHORE`", needs: "", play: semaphore },
    Row { kind: "eventfd at its maximum", needs: "", play: full_eventfd },
    Row { kind: "timerfd", needs: "", play: timerfd },
    Row { kind: "signalfd", needs: "", play: signalfd },
    Row { kind: "pidfd", needs: "Linux 6.9", play: pidfd },
    Row { kind: "pidfd of a thread (`PIDFD_THREAD`)", needs: "Linux 6.9", play: thread_pidfd },
    Row { kind: "inotify", needs: "", play: inotify },
    Row { kind: "fanotify", needs: "root", play: fanotify },
    Row { kind: "pty master, no slave yet", needs: "", play: lonely_master },
    Row { kind: "pty master", needs: "", play: master },
    Row { kind: "pty master, `TIOCPKT`", needs: "", play: packet_master },
    Row { kind: "terminal, canonical", needs: "", play: canonical },
    Row { kind: "terminal, raw", needs: "", play: raw_terminal },
    Row { kind: "terminal, hung up", needs: "", play: hung_up },
    Row { kind: "pipe, read end", needs: "", play: pipe_reader },
    Row { kind: "pipe of packets (`O_DIRECT`), read end", needs: "", play: packet_pipe },
    Row { kind: "pipe, write end", needs: "", play: pipe_writer },
    Row { kind: "FIFO `O_RDONLY`, no writer yet", needs: "", play: fifo },
    Row { kind: "FIFO `O_RDONLY`, its last writer gone", needs: "", play: left_fifo },
    Row { kind: "FIFO `O_RDWR`", needs: "", play: both_fifo },
    Row { kind: "`/dev/null`, `zero`, `full`, `urandom`", needs: "", play: devices },
    Row { kind: "regular file, directory, memfd, namespace", needs: "", play: files },
    Row { kind: "`O_PATH`", needs: "", play: path_only },
    Row { kind: "`/dev/random`", needs: "", play: random },
    Row { kind: "`/dev/kmsg`", needs: "root", play: kmsg },
    Row { kind: "`/dev/fuse`", needs: "root, the device", play: fuse },
    Row { kind: "TUN", needs: "root, the device", play: tun },
    Row { kind: "userfaultfd", needs: "root", play: userfault },
    Row { kind: "`/proc/self/mounts`", needs: "root", play: mounts },
    Row { kind: "`/proc/sys/kernel/hostname`", needs: "root", play: hostname },
    Row { kind: "`/proc/meminfo`, `/proc/stat`", needs: "", play: always_ready },
    Row { kind: "`/proc/PID/stat`", needs: "", play: of_process },
    Row { kind: "sysfs attribute", needs: "sysfs", play: sysfs },
    Row { kind: "`/proc/pressure/cpu`", needs: "the file", play: pressure },
    Row { kind: "`/dev/vcs1`", needs: "root, the device", play: screen },
    Row { kind: "netlink", needs: "", play: netlink },
    Row { kind: "packet socket", needs: "root", play: packet },
    Row { kind: "raw ICMP socket", needs: "root", play: raw_icmp },
    Row { kind: "vsock stream, unconnected", needs: "the family", play: vsock },
    Row { kind: "UDP", needs: "", play: udp_socket },
    Row { kind: "UDP, connected, refused", needs: "", play: refused_udp },
    Row { kind: "UDP, `IP_RECVERR`, refused", needs: "", play: error_queue },
    Row { kind: "Unix stream", needs: "", play: unix_stream },
    Row { kind: "Unix stream, `SO_PASSCRED`", needs: "", play: passcred },
    Row { kind: "Unix stream, urgent byte", needs: "Linux 5.15, its support", play: unix_urgent },
    Row { kind: "Unix stream, peer closed", needs: "", play: unix_closed },
    Row { kind: "Unix stream, closed with our data unread", needs: "", play: unix_reset },
    Row { kind: "Unix stream, unconnected", needs: "", play: unix_unconnected },
    Row { kind: "Unix seqpacket", needs: "", play: seqpacket },
    Row { kind: "Unix datagram, connected", needs: "", play: full_datagram },
    Row { kind: "Unix datagram, not connected, receiver full", needs: "", play: refused_datagram },
    Row { kind: "Unix datagrams, a pair", needs: "", play: pair_of_datagrams },
    Row { kind: "TCP, unconnected", needs: "", play: tcp_unconnected },
    Row { kind: "TCP, connecting", needs: "", play: tcp_connecting },
    Row {
        kind: "TCP, `TCP_FASTOPEN_CONNECT` with a cookie",
        needs: "Linux 4.15, its support",
        play: fast_open,
    },
    Row { kind: "TCP listener", needs: "", play: tcp_listener },
    Row { kind: "TCP", needs: "", play: tcp_stream },
    Row { kind: "TCP, own `SHUT_RD`", needs: "", play: own_shutdown_read },
    Row { kind: "TCP, own `SHUT_WR`", needs: "", play: own_shutdown_write },
    Row { kind: "TCP, peer closed", needs: "", play: tcp_closed },
    Row { kind: "TCP, reset", needs: "", play: tcp_reset },
    Row { kind: "TCP, urgent byte", needs: "", play: tcp_urgent },
    Row { kind: "TCP, `SO_OOBINLINE`, urgent byte", needs: "", play: tcp_inline },
    Row { kind: "TCP, `MSG_ZEROCOPY`", needs: "Linux 4.14", play: zerocopy },
    Row { kind: "MPTCP", needs: "Linux 5.6, its support", play: mptcp },
    Row { kind: "POSIX message queue", needs: "its support", play: message_queue },
    Row { kind: "io_uring", needs: "Linux 5.1, permission", play: io_uring },
    Row { kind: "epoll, a poller", needs: "", play: poller },
    Row { kind: "perf event", needs: "permission", play: perf },
    Row { kind: "bpf map", needs: "root", play: bpf_map },
];

fn eventfd(stage: &mut Stage) -> Played {
    let fd = owned(sys!(eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC))?);
    let one = 1_u64.to_ne_bytes();
    stage.fresh(&fd);
    stage.then("write", || write(&fd, &one));
    stage.again(|| write(&fd, &one));
    stage.drains(|| read(&fd, 64));
    stage.pass();
    write(&fd, &one).unwrap();
    stage.pass();
    stage.then("read", || read(&fd, 8));
    stage.then("a write of 0", || write(&fd, &[0; 8]));
    Ok(())
}

fn semaphore(stage: &mut Stage) -> Played {
    let flags = libc::EFD_NONBLOCK | libc::EFD_CLOEXEC | libc::EFD_SEMAPHORE;
    let fd = owned(sys!(eventfd(3, flags))?);
    stage.fresh(&fd);
    let mut reader = stage.watch(&fd, R, Trigger::Edge);
    assert_eq!(reader.poll(0), R);
    stage.then("read", || read(&fd, 8));
    stage.know("interest R alone: no event for what is left", reader.poll(10) == 0);
    stage.again(|| write(&fd, &1_u64.to_ne_bytes()));
    stage.drains(|| read(&fd, 64));
    Ok(())
}

fn full_eventfd(stage: &mut Stage) -> Played {
    let fd = owned(sys!(eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC))?);
    write(&fd, &(u64::MAX - 1).to_ne_bytes()).unwrap();
    stage.fresh(&fd);
    stage.then("read", || read(&fd, 8));
    Ok(())
}

fn set_timer(fd: &OwnedFd, first_ns: i64, interval_ns: i64) {
    let time = |ns: i64| {
        let mut time: libc::timespec = zero();
        (time.tv_sec, time.tv_nsec) = ((ns / 1_000_000_000) as _, (ns % 1_000_000_000) as _);
        time
    };
    let timer = libc::itimerspec { it_interval: time(interval_ns), it_value: time(first_ns) };
    sys!(timerfd_settime(fd.as_raw_fd(), 0, &timer, ptr::null_mut())).expect("a timer");
}

fn timerfd(stage: &mut Stage) -> Played {
    let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
    let fd = owned(sys!(timerfd_create(libc::CLOCK_MONOTONIC, flags))?);
    stage.fresh(&fd);
    stage.then("expired", || set_timer(&fd, 1_000_000, 1_000_000));
    stage.again(|| std::thread::sleep(Duration::from_millis(5)));
    set_timer(&fd, 1_000_000, 0);
    stage.pass();
    stage.drains(|| read(&fd, 64));
    set_timer(&fd, 1, 0);
    stage.pass();
    let expired = stage.other(&fd, R, Trigger::Level);
    set_timer(&fd, 1_000_000_000_000, 0);
    let quiet = stage.watch(&fd, R, Trigger::Level).poll(0) == 0;
    let one = stage.again == "no";
    stage.know("an interval gives one event until it is read", one);
    stage.know("`timerfd_settime` takes R away without an event", expired == "R" && quiet);
    Ok(())
}

fn signalfd(stage: &mut Stage) -> Played {
    let mut set: libc::sigset_t = zero();
    // SAFETY: it asks for nothing.
    let this = unsafe { libc::pthread_self() };
    for signal in [libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH] {
        sys!(sigaddset(&mut set, signal))?;
    }
    sys!(pthread_sigmask(libc::SIG_BLOCK, &set, ptr::null_mut()))?;
    let fd = owned(sys!(signalfd(-1, &set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC))?);
    let kill = |signal| sys!(pthread_kill(this, signal));
    stage.fresh(&fd);
    stage.then("a signal", || kill(libc::SIGUSR1));
    stage.then("the same, pending", || kill(libc::SIGUSR1));
    stage.again(|| kill(libc::SIGUSR2));
    let size = size_of::<libc::signalfd_siginfo>();
    stage.drains(|| read(&fd, 4 * size));
    // The kernel looks at the pending signals of whoever polls.
    let epoll = owned(sys!(epoll_create1(libc::EPOLL_CLOEXEC))?);
    let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 0 };
    sys!(epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, fd.as_raw_fd(), &mut event))?;
    kill(libc::SIGWINCH)?;
    let poll = || {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        sys!(epoll_wait(epoll.as_raw_fd(), &mut event, 1, 0)).unwrap()
    };
    let elsewhere = std::thread::scope(|scope| scope.spawn(poll).join().unwrap());
    stage.know(
        "seen by the thread (process) that it is for; another thread's poll loses it",
        elsewhere == 0 && poll() == 0 && read(&fd, size).is_ok(),
    );
    Ok(())
}

fn pidfd(stage: &mut Stage) -> Played {
    let mut cat = Cat::new();
    let fd = owned(sys!(syscall(libc::SYS_pidfd_open, cat.0.id(), 0))? as RawFd);
    stage.fresh(&fd);
    stage.then("exited", || cat.end());
    stage.then("reaped", || drop(cat));
    stage.know("read `EINVAL`", is(&read(&fd, 8), libc::EINVAL));
    Ok(())
}

fn thread_pidfd(stage: &mut Stage) -> Played {
    let (end, wait) = std::sync::mpsc::channel::<()>();
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        tell.send(sys!(syscall(libc::SYS_gettid))).unwrap();
        let _ = wait.recv();
    });
    let id = told.recv().unwrap()?;
    let fd = owned(sys!(syscall(libc::SYS_pidfd_open, id, libc::O_EXCL))? as RawFd);
    stage.fresh(&fd);
    stage.then("the thread has ended", || {
        drop(end);
        thread.join().unwrap();
    });
    Ok(())
}

fn inotify(stage: &mut Stage) -> Played {
    let folder = Folder::new();
    let fd = owned(sys!(inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC))?);
    let path = c(folder.0.to_str().unwrap());
    sys!(inotify_add_watch(fd.as_raw_fd(), path.as_ptr(), libc::IN_CREATE | libc::IN_MODIFY))?;
    stage.fresh(&fd);
    stage.then("a file is made", || drop(File::create(folder.join("1"))));
    stage.again(|| drop(File::create(folder.join("2"))));
    let mut file = File::create(folder.join("3")).unwrap();
    file.write_all(b"x").unwrap();
    stage.pass();
    stage.then("an event that equals the last", || file.write_all(b"x").unwrap());
    let one = size_of::<libc::inotify_event>() + 16;
    // Less than there was room for: the next event does not fit.
    stage.drains(|| read(&fd, one + one / 2));
    stage.know("a buffer too small for the next event: read `EINVAL`", {
        is(&read(&fd, 8), libc::EINVAL)
    });
    Ok(())
}

fn fanotify(stage: &mut Stage) -> Played {
    let folder = Folder::new();
    let flags = libc::FAN_CLASS_NOTIF | libc::FAN_NONBLOCK | libc::FAN_CLOEXEC;
    let fd = owned(sys!(fanotify_init(flags, libc::O_RDONLY as _))?);
    let mut file = File::create(folder.join("file")).unwrap();
    let path = c(folder.join("file").to_str().unwrap());
    let (number, at) = (fd.as_raw_fd(), libc::AT_FDCWD);
    sys!(fanotify_mark(number, libc::FAN_MARK_ADD, libc::FAN_MODIFY, at, path.as_ptr()))?;
    stage.fresh(&fd);
    stage.then("a file is written to", || file.write_all(b"x").unwrap());
    stage.again(|| file.write_all(b"x").unwrap());
    let merged = stage.again == "no";
    stage.know("events of one file are merged: read them", merged);
    stage.know("a buffer below 24: read `EINVAL`", is(&read(&fd, 8), libc::EINVAL));
    Ok(())
}

fn pty() -> io::Result<OwnedFd> {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC | libc::O_NONBLOCK;
    let master = owned(sys!(posix_openpt(flags))?);
    sys!(unlockpt(master.as_raw_fd()))?;
    Ok(master)
}

fn slave(master: &OwnedFd) -> OwnedFd {
    let mut name = [0; 64];
    let result = sys!(ptsname_r(master.as_raw_fd(), name.as_mut_ptr(), name.len()));
    assert_eq!(result.unwrap(), 0);
    let name: Vec<u8> = name.iter().map(|c| *c as u8).take_while(|c| *c != 0).collect();
    open(&String::from_utf8(name).unwrap(), libc::O_RDWR).expect("the slave")
}

fn make_raw(terminal: &OwnedFd) {
    let mut settings: libc::termios = zero();
    sys!(tcgetattr(terminal.as_raw_fd(), &mut settings)).expect("a terminal");
    // SAFETY: the settings live through the call.
    unsafe { libc::cfmakeraw(&mut settings) };
    sys!(tcsetattr(terminal.as_raw_fd(), libc::TCSANOW, &settings)).expect("a terminal");
}

fn lonely_master(stage: &mut Stage) -> Played {
    let master = pty()?;
    stage.fresh(&master);
    stage.know("read `EAGAIN`", is(&read(&master, 8), libc::EAGAIN));
    stage.then("write", || write(&master, b"x\n"));
    stage.know("what is written is echoed", read(&master, 8) == Ok(b"x\r\n".to_vec()));
    Ok(())
}

fn master(stage: &mut Stage) -> Played {
    let master = pty()?;
    let other = slave(&master);
    // Without an echo.
    make_raw(&other);
    stage.fresh(&master);
    stage.then("the slave writes", || write(&other, b"x"));
    stage.again(|| write(&other, b"y"));
    stage.drains(|| read(&master, 64));
    stage.pass();
    stage.then("the slave is closed", || drop(other));
    stage.know("read `EIO` then, writing works", {
        is(&read(&master, 8), libc::EIO) && write(&master, b"z") == Ok(1)
    });
    let mut other = None;
    stage.then("opened again", || other = Some(slave(&master)));
    stage.know("H has gone then", stage.other(&master, R | W, Trigger::Level) == "W");
    Ok(())
}

fn packet_master(stage: &mut Stage) -> Played {
    let master = pty()?;
    let other = slave(&master);
    let on: c_int = 1;
    sys!(ioctl(master.as_raw_fd(), libc::TIOCPKT, &on))?;
    stage.fresh(&master);
    stage.then("the slave flushes", || sys!(tcflush(other.as_raw_fd(), libc::TCIOFLUSH)));
    stage.again(|| write(&other, b"x"));
    let mut status = Err(0);
    stage.drains(|| {
        let first = read(&master, 64);
        if status.is_err() {
            status.clone_from(&first);
        }
        first
    });
    stage.know("the status byte is a read of its own", status == Ok(vec![3]));
    Ok(())
}

fn canonical(stage: &mut Stage) -> Played {
    let master = pty()?;
    let terminal = slave(&master);
    stage.fresh(&terminal);
    stage.then("a part of a line", || write(&master, b"par"));
    stage.then("a line", || write(&master, b"t\n"));
    stage.again(|| write(&master, b"line\n"));
    stage.drains(|| read(&terminal, 64));
    stage.pass();
    stage.then("Ctrl-D", || write(&master, b"\x04"));
    stage.know("one line a read; Ctrl-D reads 0, which is not the end", {
        let end = read(&terminal, 64);
        write(&master, b"more\n").unwrap();
        end == Ok(vec![]) && read(&terminal, 64) == Ok(b"more\n".to_vec())
    });
    Ok(())
}

fn raw_terminal(stage: &mut Stage) -> Played {
    let master = pty()?;
    let terminal = slave(&master);
    make_raw(&terminal);
    stage.fresh(&terminal);
    stage.then("a byte", || write(&master, b"x"));
    stage.again(|| write(&master, b"y"));
    stage.drains(|| read(&terminal, 64));
    Ok(())
}

fn hung_up(stage: &mut Stage) -> Played {
    let master = pty()?;
    let terminal = slave(&master);
    make_raw(&terminal);
    write(&master, b"unread").unwrap();
    drop(master);
    stage.fresh(&terminal);
    stage.know("what was unread is lost: read 0", read(&terminal, 64) == Ok(vec![]));
    stage.know("write `EIO`", is(&write(&terminal, b"x"), libc::EIO));
    Ok(())
}

fn pipe_reader(stage: &mut Stage) -> Played {
    let (reader, writer) = pipe(0);
    stage.fresh(&reader);
    stage.then("data", || write(&writer, b"x"));
    stage.again(|| write(&writer, b"y"));
    stage.drains(|| read(&reader, 64));
    stage.then("the writer is gone", || drop(writer));
    Ok(())
}

fn packet_pipe(stage: &mut Stage) -> Played {
    let (reader, writer) = pipe(libc::O_DIRECT);
    stage.fresh(&reader);
    stage.then("data", || write(&writer, b"x"));
    stage.again(|| write(&writer, b"y"));
    stage.drains(|| read(&reader, 64));
    Ok(())
}

fn pipe_writer(stage: &mut Stage) -> Played {
    let (reader, writer) = pipe(0);
    stage.fresh(&writer);
    stage.then("full", || fill(&writer));
    stage.then("4095 bytes of 4096 read", || read(&reader, 4095));
    stage.then("the last", || read(&reader, 1));
    fill(&writer);
    let size = sys!(fcntl(writer.as_raw_fd(), libc::F_GETPIPE_SZ))?;
    stage.then("a larger `F_SETPIPE_SZ`", || {
        sys!(fcntl(writer.as_raw_fd(), libc::F_SETPIPE_SZ, size * 2))
    });
    stage.then("the reader is gone", || drop(reader));
    Ok(())
}

fn make_fifo(folder: &Folder) -> String {
    let path = folder.join("fifo").to_str().unwrap().to_owned();
    sys!(mkfifo(c(&path).as_ptr(), 0o600)).expect("a FIFO");
    path
}

fn fifo(stage: &mut Stage) -> Played {
    let folder = Folder::new();
    let path = make_fifo(&folder);
    let reader = open(&path, libc::O_RDONLY)?;
    stage.fresh(&reader);
    stage.know("read 0 before the first writer", read(&reader, 8) == Ok(vec![]));
    let writer = open(&path, libc::O_WRONLY)?;
    stage.then("data", || write(&writer, b"x"));
    stage.again(|| write(&writer, b"y"));
    stage.drains(|| read(&reader, 64));
    Ok(())
}

fn left_fifo(stage: &mut Stage) -> Played {
    let folder = Folder::new();
    let path = make_fifo(&folder);
    let reader = open(&path, libc::O_RDONLY)?;
    drop(open(&path, libc::O_WRONLY)?);
    stage.fresh(&reader);
    let mut level = stage.watch(&reader, R, Trigger::Level);
    let spins = level.poll(0) != 0 && level.poll(0) != 0;
    let mut writer = None;
    stage.then("the next writer", || writer = open(&path, libc::O_WRONLY).ok());
    stage.know("H goes with the next writer", level.poll(0) == 0);
    stage.know("a level trigger spins until then", spins);
    Ok(())
}

fn both_fifo(stage: &mut Stage) -> Played {
    let folder = Folder::new();
    let path = make_fifo(&folder);
    let fd = open(&path, libc::O_RDWR)?;
    let writer = open(&path, libc::O_WRONLY)?;
    stage.fresh(&fd);
    stage.then("data", || write(&writer, b"x"));
    stage.again(|| write(&writer, b"y"));
    stage.drains(|| read(&fd, 64));
    stage.pass();
    stage.then("the other writer is gone", || drop(writer));
    let quiet = !stage.then.concat().contains(['H', 'E']);
    stage.know("never H or E: the way to serve a FIFO", quiet);
    Ok(())
}

/// All of them give the same.
fn all_fresh(stage: &mut Stage, fds: &[OwnedFd]) {
    let mut seen = Vec::new();
    for fd in fds {
        stage.fresh(fd);
        seen.push(stage.fresh.clone());
    }
    seen.dedup();
    stage.fresh = seen.join(", ");
}

fn devices(stage: &mut Stage) -> Played {
    let names = ["null", "zero", "full", "urandom"];
    let fds = names.map(|name| open(&format!("/dev/{name}"), libc::O_RDONLY).unwrap());
    all_fresh(stage, &fds);
    Ok(())
}

fn files(stage: &mut Stage) -> Played {
    let folder = Folder::new();
    let file = File::create(folder.join("file")).unwrap().into();
    let directory = open(folder.0.to_str().unwrap(), libc::O_DIRECTORY)?;
    let memory = owned(sys!(memfd_create(c("row").as_ptr(), libc::MFD_CLOEXEC))?);
    let namespace = open("/proc/self/ns/uts", libc::O_RDONLY)?;
    all_fresh(stage, &[file, directory, memory, namespace]);
    Ok(())
}

fn path_only(stage: &mut Stage) -> Played {
    stage.fresh(&open("/", libc::O_PATH)?);
    Ok(())
}

/// Whether a level trigger reports the same after whatever was read.
fn for_ever(stage: &Stage, fd: &OwnedFd) -> bool {
    let mut level = stage.watch(fd, R | W | P, Trigger::Level);
    let first = level.poll(0);
    let _ = read(fd, 64);
    first != 0 && level.poll(0) == first
}

fn random(stage: &mut Stage) -> Played {
    let fd = open("/dev/random", libc::O_RDONLY)?;
    stage.fresh(&fd);
    stage.know("for ever", for_ever(stage, &fd));
    Ok(())
}

fn kmsg(stage: &mut Stage) -> Played {
    let fd = open("/dev/kmsg", libc::O_RDONLY)?;
    sys!(lseek(fd.as_raw_fd(), 0, libc::SEEK_SET))?;
    let number = |record: Vec<u8>| {
        let record = String::from_utf8_lossy(&record).into_owned();
        record.split(',').nth(1).unwrap().parse::<u64>().unwrap()
    };
    stage.fresh(&fd);
    let first = number(read(&fd, 8192).map_err(|errno| Missing(format!("read: {}", name(errno))))?);
    let small = read(&fd, 4);
    stage.drains(|| read(&fd, 8192));
    sys!(lseek(fd.as_raw_fd(), 0, libc::SEEK_SET))?;
    read(&fd, 8192).unwrap();
    let skipped = read(&fd, 4).is_err() && number(read(&fd, 8192).unwrap()) == first + 2;
    stage.know("a small buffer: `EINVAL`, **and the record is skipped**", {
        is(&small, libc::EINVAL) && skipped
    });
    sys!(lseek(fd.as_raw_fd(), 0, libc::SEEK_END))?;
    stage.know("at the end: -", stage.other(&fd, R | W | P, Trigger::Level) == "-");
    Ok(())
}

fn fuse(stage: &mut Stage) -> Played {
    own_mounts()?;
    let folder = Folder::new();
    let fd = open("/dev/fuse", libc::O_RDWR)?;
    stage.fresh(&fd);
    let [source, kind] = [c("row"), c("fuse")];
    let target = c(folder.0.to_str().unwrap());
    let data = c(&format!("fd={},rootmode=40000,user_id=0,group_id=0", fd.as_raw_fd()));
    let flags = libc::MS_NODEV | libc::MS_NOSUID;
    let (source, kind, data) = (source.as_ptr(), kind.as_ptr(), data.as_ptr().cast::<c_void>());
    let mut mounted = Ok(0);
    stage.then("mounted", || mounted = sys!(mount(source, target.as_ptr(), kind, flags, data)));
    mounted?;
    stage.know("registered before the mount: dead until it is registered again", {
        stage.other(&fd, R | W, Trigger::Level) == "RW"
    });
    let small = read(&fd, 100);
    stage.know("a buffer below 8192: read `EINVAL`", is(&small, libc::EINVAL));
    let mut late = stage.watch(&fd, R | W, Trigger::Edge);
    late.poll(0);
    sys!(umount2(target.as_ptr(), libc::MNT_DETACH))?;
    let unmounted = super::letters(late.poll(1000));
    stage.know("unmounted: E, read `ENODEV`", {
        unmounted.contains('E') && is(&read(&fd, 8192), libc::ENODEV)
    });
    Ok(())
}

fn tun(stage: &mut Stage) -> Played {
    own_network()?;
    let fd = open("/dev/net/tun", libc::O_RDWR)?;
    stage.fresh(&fd);
    let mut request: libc::ifreq = zero();
    for (to, from) in request.ifr_name.iter_mut().zip(b"row0") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as i16;
    let set = || sys!(ioctl(fd.as_raw_fd(), libc::TUNSETIFF, &request));
    let mut made = Ok(0);
    stage.then("`TUNSETIFF`", || made = set());
    made?;
    let mut late = stage.watch(&fd, R | W, Trigger::Edge);
    let down = late.poll(10) == 0;
    stage.then("up", || set_up("row0", true).unwrap());
    let up = late.poll(1000);
    stage.know("registered before `TUNSETIFF`: never again an event; after it: down -, up W", {
        down && up & W != 0
    });
    Ok(())
}

fn userfault(stage: &mut Stage) -> Played {
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK;
    let fd = owned(sys!(syscall(libc::SYS_userfaultfd, flags))? as RawFd);
    stage.fresh(&fd);
    #[repr(C)]
    struct Api {
        api: u64,
        features: u64,
        ioctls: u64,
    }
    let api = Api { api: 0xAA, features: 0, ioctls: 0 };
    // UFFDIO_API: _IOWR(0xAA, 0x3F, struct uffdio_api).
    sys!(ioctl(fd.as_raw_fd(), 0xC018_AA3F_u32 as _, &api))?;
    stage.know("E before `UFFDIO_API`; registered after it: -", {
        stage.other(&fd, R | W | P, Trigger::Level) == "-"
    });
    Ok(())
}

fn mounts(stage: &mut Stage) -> Played {
    own_mounts()?;
    let folder = Folder::new();
    let fd = open("/proc/thread-self/mounts", libc::O_RDONLY)?;
    let (source, target) = (c("row"), c(folder.0.to_str().unwrap()));
    let kind = c("tmpfs");
    let mut mounted = Ok(0);
    let mut mount = || {
        let (source, target, kind) = (source.as_ptr(), target.as_ptr(), kind.as_ptr());
        mounted = sys!(mount(source, target, kind, 0, ptr::null()));
    };
    stage.fresh(&fd);
    stage.then("changed", &mut mount);
    stage.again(&mut mount);
    let mut news = stage.watch(&fd, P, Trigger::Level);
    let before = news.poll(0);
    mount();
    let after = (news.poll(1000), news.poll(0));
    mounted?;
    for _ in 0..3 {
        sys!(umount2(target.as_ptr(), libc::MNT_DETACH))?;
    }
    stage.know("a change is told once, LEVEL too; interest P alone: only the changes", {
        before == 0 && after.0 != 0 && after.1 == 0
    });
    Ok(())
}

fn hostname(stage: &mut Stage) -> Played {
    sys!(unshare(libc::CLONE_NEWUTS))?;
    let fd = open("/proc/sys/kernel/hostname", libc::O_RDONLY)?;
    let set = |name: &str| sys!(sethostname(name.as_ptr().cast(), name.len()));
    stage.fresh(&fd);
    stage.then("changed", || set("one"));
    stage.again(|| set("two"));
    Ok(())
}

fn always_ready(stage: &mut Stage) -> Played {
    let fds = ["meminfo", "stat"].map(|it| open(&format!("/proc/{it}"), libc::O_RDONLY).unwrap());
    all_fresh(stage, &fds);
    stage.know("for ever", for_ever(stage, &fds[0]) && for_ever(stage, &fds[1]));
    Ok(())
}

fn of_process(stage: &mut Stage) -> Played {
    stage.fresh(&open("/proc/self/stat", libc::O_RDONLY)?);
    Ok(())
}

fn sysfs(stage: &mut Stage) -> Played {
    let fd = open("/sys/kernel/mm/transparent_hugepage/enabled", libc::O_RDONLY)
        .or_else(|_| open("/sys/devices/system/cpu/online", libc::O_RDONLY))?;
    stage.fresh(&fd);
    read(&fd, 4096).map_err(|errno| Missing(format!("read: {}", name(errno))))?;
    stage.know("read: RW", stage.other(&fd, R | W | P, Trigger::Level) == "RW");
    stage.know("interest P alone: only the changes", stage.other(&fd, P, Trigger::Level) == "-");
    Ok(())
}

fn pressure(stage: &mut Stage) -> Played {
    let fd = open("/proc/pressure/cpu", libc::O_RDONLY)?;
    stage.fresh(&fd);
    stage.know("without a trigger, for ever", for_ever(stage, &fd));
    Ok(())
}

fn screen(stage: &mut Stage) -> Played {
    stage.fresh(&open("/dev/vcs1", libc::O_RDONLY)?);
    Ok(())
}

fn netlink(stage: &mut Stage) -> Played {
    let fd = socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
    let mut address: libc::sockaddr_nl = zero();
    address.nl_family = libc::AF_NETLINK as _;
    let size = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
    sys!(bind(fd.as_raw_fd(), (&raw const address).cast(), size))?;
    // An empty message that asks to be acknowledged.
    let mut header: libc::nlmsghdr = zero();
    header.nlmsg_len = size_of::<libc::nlmsghdr>() as u32;
    header.nlmsg_type = libc::NLMSG_NOOP as u16;
    header.nlmsg_flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16;
    let ask = || {
        let (header, size) = ((&raw const header).cast(), size_of::<libc::nlmsghdr>());
        sys!(send(fd.as_raw_fd(), header, size, 0)).expect("sent");
    };
    stage.fresh(&fd);
    stage.then("a message", ask);
    stage.again(ask);
    stage.drains(|| recv(&fd, 4096, 0));
    Ok(())
}

fn packet(stage: &mut Stage) -> Played {
    own_network()?;
    let protocol = (libc::ETH_P_ALL as u16).to_be();
    let fd = socket(libc::AF_PACKET, libc::SOCK_RAW, protocol.into())?;
    let mut address: libc::sockaddr_ll = zero();
    address.sll_family = libc::AF_PACKET as _;
    address.sll_protocol = protocol;
    address.sll_ifindex = 1; // loopback is the first of its network
    let size = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    sys!(bind(fd.as_raw_fd(), (&raw const address).cast(), size))?;
    let (ours, _peer) = udp();
    stage.fresh(&fd);
    stage.then("a packet", || send(&ours, b"x", 0));
    stage.again(|| send(&ours, b"y", 0));
    stage.drains(|| recv(&fd, 4096, 0));
    while recv(&fd, 4096, 0).is_ok() {}
    stage.pass();
    stage.then("the interface goes down", || set_up("lo", false).unwrap());
    stage.know("`ENETDOWN` then", is(&recv(&fd, 4096, 0), libc::ENETDOWN));
    stage.then("and up", || set_up("lo", true).unwrap());
    Ok(())
}

fn raw_icmp(stage: &mut Stage) -> Played {
    own_network()?;
    let fd = socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)?;
    let mut address: libc::sockaddr_in = zero();
    address.sin_family = libc::AF_INET as _;
    address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
    let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    sys!(connect(fd.as_raw_fd(), (&raw const address).cast(), size))?;
    stage.fresh(&fd);
    // An echo request with its checksum.
    stage.then("a packet", || send(&fd, &[8, 0, 0xF7, 0xFF, 0, 0, 0, 0], 0));
    stage.again(|| send(&fd, &[8, 0, 0xF7, 0xFF, 0, 0, 0, 0], 0));
    stage.drains(|| recv(&fd, 4096, 0));
    Ok(())
}

fn vsock(stage: &mut Stage) -> Played {
    /// Which `libc` does not have for every C library.
    const AF_VSOCK: c_int = 40;
    stage.fresh(&socket(AF_VSOCK, libc::SOCK_STREAM, 0)?);
    stage.know("no H, unlike TCP", !stage.fresh.contains('H'));
    Ok(())
}

fn udp_socket(stage: &mut Stage) -> Played {
    let (ours, peer) = udp();
    stage.fresh(&ours);
    stage.then("a datagram", || send(&peer, b"x", 0));
    stage.again(|| send(&peer, b"y", 0));
    stage.drains(|| recv(&ours, 64, 0));
    stage.pass();
    stage.then("own send", || send(&ours, b"x", 0));
    stage.then("own send", || send(&ours, b"x", 0));
    let edges = (0..100).filter(|_| {
        send(&ours, b"x", 0).unwrap();
        stage.watch.poll(0) & W != 0
    });
    let every = edges.count() == 100;
    stage.know("each send is an edge of W (loopback)", every);
    Ok(())
}

fn refused_udp(stage: &mut Stage) -> Played {
    let (ours, peer) = udp();
    deafen(&peer);
    send(&ours, b"x", 0).unwrap();
    stage.fresh(&ours);
    let taken = is(&recv(&ours, 64, 0), libc::ECONNREFUSED) && so_error(&ours) == 0;
    stage.know("taken by recv, send or `SO_ERROR`", {
        taken && stage.other(&ours, R | W, Trigger::Level) == "W"
    });
    Ok(())
}

fn recv_error(fd: &impl AsRawFd) -> Result<(), i32> {
    let mut control = [0_u8; 512];
    let mut message: libc::msghdr = zero();
    (message.msg_control, message.msg_controllen) = (control.as_mut_ptr().cast(), 512);
    sys!(recvmsg(fd.as_raw_fd(), &mut message, libc::MSG_ERRQUEUE)).map(drop).map_err(errno)
}

fn error_queue(stage: &mut Stage) -> Played {
    let (ours, peer) = udp();
    option(&ours, libc::IPPROTO_IP, libc::IP_RECVERR, 1)?;
    deafen(&peer);
    send(&ours, b"x", 0).unwrap();
    stage.fresh(&ours);
    let _ = (recv(&ours, 64, 0), so_error(&ours));
    let stays = stage.other(&ours, R | W, Trigger::Level) == "WE";
    stage.know("`SO_ERROR` does not end it: WE until `recvmsg(MSG_ERRQUEUE)`", {
        stays && recv_error(&ours).is_ok() && stage.other(&ours, R | W, Trigger::Level) == "W"
    });
    Ok(())
}

fn unix_stream(stage: &mut Stage) -> Played {
    let (ours, mut peer) = unix();
    stage.fresh(&ours);
    stage.then("data", || write(&peer, b"x"));
    stage.again(|| write(&peer, b"y"));
    stage.drains(|| read(&ours, 64));
    stage.pass();
    write(&ours, b"x").unwrap();
    stage.then("the peer reads", || drop(peer.read(&mut [0; 8])));
    write(&ours, b"x").unwrap();
    stage.then("the peer reads", || drop(peer.read(&mut [0; 8])));
    let edges = (0..100).filter(|_| {
        write(&ours, b"x").unwrap();
        read(&peer, 8).unwrap();
        stage.watch.poll(0) & W != 0
    });
    let every = edges.count() == 100;
    stage.know("each read of the peer is an edge of W", every);
    stage.then("own `SHUT_WR`", || ours.shutdown(Shutdown::Write).unwrap());
    stage.know("a read ends at passed descriptors", {
        let (ours, peer) = unix();
        pass_descriptor(&peer, b"a");
        write(&peer, b"b").unwrap();
        recv(&ours, 64, 0) == Ok(b"a".to_vec()) && recv(&ours, 64, 0) == Ok(b"b".to_vec())
    });
    Ok(())
}

fn passcred(stage: &mut Stage) -> Played {
    let (ours, peer) = unix();
    option(&ours, libc::SOL_SOCKET, libc::SO_PASSCRED, 1)?;
    stage.fresh(&ours);
    stage.then("data of two processes", || {
        write(&peer, b"ours").unwrap();
        let copy = OwnedFd::from(peer.try_clone().unwrap());
        Command::new("printf").arg("theirs").stdout(copy).status().expect("printf");
    });
    stage.drains(|| recv(&ours, 64, 0));
    Ok(())
}

fn pass_descriptor(to: &UnixStream, data: &[u8]) {
    let mut control = [0_u64; 8];
    let mut slice = libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
    let mut message: libc::msghdr = zero();
    message.msg_iov = &mut slice;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: there is room for a header and one descriptor.
    unsafe {
        message.msg_controllen = libc::CMSG_SPACE(size_of::<RawFd>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
        libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(to.as_raw_fd());
    }
    sys!(sendmsg(to.as_raw_fd(), &message, libc::MSG_NOSIGNAL)).expect("sent");
}

fn unix_urgent(stage: &mut Stage) -> Played {
    let (ours, peer) = unix();
    let mut reader = stage.watch(&ours, R, Trigger::Edge);
    stage.fresh(&ours);
    let mut sent = Ok(0);
    stage.then("an urgent byte", || sent = send(&peer, b"!", libc::MSG_OOB));
    sent.map_err(|errno| Missing(format!("send: {}", name(errno))))?;
    stage.know("R without interest P too", reader.poll(100) == R);
    stage.know("a plain read (`EAGAIN`) throws it away: `recv(MSG_OOB)` first", {
        is(&recv(&ours, 8, 0), libc::EAGAIN) && recv(&ours, 8, libc::MSG_OOB).is_err()
    });
    Ok(())
}

fn unix_closed(stage: &mut Stage) -> Played {
    let (ours, peer) = unix();
    stage.fresh(&ours);
    stage.then("closed", || drop(peer));
    Ok(())
}

fn unix_reset(stage: &mut Stage) -> Played {
    let (ours, peer) = unix();
    write(&ours, b"unread").unwrap();
    write(&peer, b"data").unwrap();
    stage.fresh(&ours);
    stage.then("closed", || drop(peer));
    stage.know("reads: the data, `ECONNRESET`, 0", {
        let reads = [(); 3].map(|()| read(&ours, 64));
        reads == [Ok(b"data".to_vec()), Err(libc::ECONNRESET), Ok(vec![])]
    });
    Ok(())
}

fn unix_unconnected(stage: &mut Stage) -> Played {
    let folder = Folder::new();
    let path = folder.join("socket");
    let _listener = UnixListener::bind(&path).unwrap();
    let fd = socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?;
    stage.fresh(&fd);
    let mut address: libc::sockaddr_un = zero();
    address.sun_family = libc::AF_UNIX as _;
    for (to, from) in address.sun_path.iter_mut().zip(path.to_str().unwrap().bytes()) {
        *to = from as libc::c_char;
    }
    let size = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    let mut result = Ok(0);
    stage.then("connected", || {
        result = sys!(connect(fd.as_raw_fd(), (&raw const address).cast(), size));
    });
    result.expect("connected");
    Ok(())
}

fn seqpacket(stage: &mut Stage) -> Played {
    let (ours, peer) = socketpair(libc::SOCK_SEQPACKET);
    stage.fresh(&ours);
    stage.then("a packet", || send(&peer, b"x", 0));
    stage.again(|| send(&peer, b"y", 0));
    stage.drains(|| recv(&ours, 64, 0));
    stage.pass();
    send(&peer, b"data", 0).unwrap();
    send(&ours, b"unread", 0).unwrap();
    stage.pass();
    stage.then("closed with our data unread", || drop(peer));
    stage.know("`ECONNRESET` comes before the data then", {
        is(&recv(&ours, 64, 0), libc::ECONNRESET) && recv(&ours, 64, 0) == Ok(b"data".to_vec())
    });
    Ok(())
}

/// A receiver with a name and a sender.
fn datagrams(folder: &Folder) -> (UnixDatagram, UnixDatagram, PathBuf) {
    let path = folder.join("receiver");
    let receiver = UnixDatagram::bind(&path).unwrap();
    (nonblocking(UnixDatagram::unbound().unwrap()), nonblocking(receiver), path)
}

fn full_datagram(stage: &mut Stage) -> Played {
    let folder = Folder::new();
    let (ours, receiver, path) = datagrams(&folder);
    ours.connect(path).unwrap();
    stage.fresh(&ours);
    stage.then("the receiver is full", || while send(&ours, b"x", 0).is_ok() {});
    stage.then("it reads one", || recv(&receiver, 8, 0));
    Ok(())
}

fn pair_of_datagrams(stage: &mut Stage) -> Played {
    let (ours, peer) = socketpair(libc::SOCK_DGRAM);
    // Few large ones, so that the buffer is what is full, and not the queue.
    option(&ours, libc::SOL_SOCKET, libc::SO_SNDBUF, 1 << 14)?;
    stage.fresh(&ours);
    stage.then("the buffer is full", || while send(&ours, &[0; 4000], 0).is_ok() {});
    stage.drains(|| recv(&peer, 1 << 16, 0));
    stage.then("all is read", || while recv(&peer, 1 << 16, 0).is_ok() {});
    Ok(())
}

fn refused_datagram(stage: &mut Stage) -> Played {
    let folder = Folder::new();
    let (ours, receiver, path) = datagrams(&folder);
    while ours.send_to(b"x", &path).is_ok() {}
    stage.fresh(&ours);
    for _ in 0..2 {
        stage.then("a refused send", || assert!(ours.send_to(b"x", &path).is_err()));
    }
    stage.then("the receiver reads one", || recv(&receiver, 8, 0));
    let edges = (0..100).filter(|_| {
        while ours.send_to(b"x", &path).is_ok() {}
        stage.watch.poll(0) & W != 0
    });
    let every = edges.count() == 100;
    stage.know("**each refused send is an edge of W: a loop at full speed**", every);
    let others = nonblocking(UnixDatagram::unbound().unwrap());
    while recv(&receiver, 8, 0).is_ok() {}
    while others.send_to(b"x", &path).is_ok() {}
    assert!(ours.send_to(b"x", &path).is_err());
    stage.pass();
    recv(&receiver, 8, 0).unwrap();
    let room = stage.watch.poll(QUIET) & W != 0;
    stage.know("a datagram of somebody else's that is read is none: wait by a timeout", !room);
    Ok(())
}

fn address_of(listener: &TcpListener) -> libc::sockaddr_in {
    let mut address: libc::sockaddr_in = zero();
    address.sin_family = libc::AF_INET as _;
    address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
    address.sin_port = listener.local_addr().unwrap().port().to_be();
    address
}

fn connect(fd: &OwnedFd, to: libc::sockaddr_in) -> io::Result<c_int> {
    let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    sys!(connect(fd.as_raw_fd(), (&raw const to).cast(), size))
}

/// A stream socket with a port, which does not listen yet.
fn bound() -> io::Result<TcpListener> {
    let socket = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
    let mut address: libc::sockaddr_in = zero();
    address.sin_family = libc::AF_INET as _;
    address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
    let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    sys!(bind(socket.as_raw_fd(), (&raw const address).cast(), size))?;
    Ok(TcpListener::from(socket))
}

fn tcp_unconnected(stage: &mut Stage) -> Played {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let fd = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
    stage.fresh(&fd);
    let there = address_of(&listener);
    stage.then("connected", || drop(connect(&fd, there)));
    let nobody = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
    // It has the port, so that nobody else gets it, and does not listen.
    let deaf = bound()?;
    let _ = connect(&nobody, address_of(&deaf));
    stage.know("refused: RWEHrw", stage.other(&nobody, R | W, Trigger::Level) == "RWEHrw");
    Ok(())
}

/// Connects to a listener whose queue is full, so that nobody answers.
fn tcp_connecting(stage: &mut Stage) -> Played {
    let listener = bound()?;
    sys!(listen(listener.as_raw_fd(), 0))?;
    let _first = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let fd = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
    let _ = connect(&fd, address_of(&listener));
    stage.fresh(&fd);
    Ok(())
}

fn fast_open(stage: &mut Stage) -> Played {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let fd = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
    option(&fd, libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT, 1)?;
    // As if the server had given it a cookie.
    option(&fd, libc::IPPROTO_TCP, libc::TCP_FASTOPEN_NO_COOKIE, 1)?;
    let connected = connect(&fd, address_of(&listener));
    stage.fresh(&fd);
    let listener = nonblocking(listener);
    stage.know("`connect` says 0 and nobody is asked before the first write", {
        connected.is_ok() && listener.accept().is_err()
    });
    Ok(())
}

fn tcp_listener(stage: &mut Stage) -> Played {
    let listener = nonblocking(TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    let mut clients = Vec::new();
    stage.fresh(&listener);
    stage.then("a client", || clients.push(TcpStream::connect(address).unwrap()));
    stage.again(|| clients.push(TcpStream::connect(address).unwrap()));
    drop(listener.accept().unwrap());
    drop(listener.accept().unwrap());
    stage.then("own shutdown", || sys!(shutdown(listener.as_raw_fd(), libc::SHUT_RDWR)));
    Ok(())
}

fn tcp_stream(stage: &mut Stage) -> Played {
    let (ours, peer) = tcp();
    stage.fresh(&ours);
    stage.then("data", || send(&peer, b"x", 0));
    stage.again(|| send(&peer, b"y", 0));
    stage.drains(|| recv(&ours, 64, 0));
    stage.pass();
    send(&ours, b"x", 0).unwrap();
    stage.then("the peer reads", || recv(&peer, 8, 0));
    fill(&ours);
    stage.pass();
    fill(&ours);
    stage.then("it was full and the peer reads", || {
        for _ in 0..100 {
            while recv(&peer, 1 << 16, 0).is_ok() {}
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let none = stage.then.iter().any(|then| then == "the peer reads: -");
    stage.know("W is an edge only after it was full", none);
    Ok(())
}

fn own_shutdown_read(stage: &mut Stage) -> Played {
    let (ours, peer) = tcp();
    stage.fresh(&ours);
    stage.then("`SHUT_RD`", || ours.shutdown(Shutdown::Read).unwrap());
    stage.then("late data", || send(&peer, b"late", 0));
    stage.know("late data is read", recv(&ours, 64, 0) == Ok(b"late".to_vec()));
    Ok(())
}

fn own_shutdown_write(stage: &mut Stage) -> Played {
    let (ours, _peer) = tcp();
    stage.fresh(&ours);
    stage.then("`SHUT_WR`", || ours.shutdown(Shutdown::Write).unwrap());
    Ok(())
}

fn tcp_closed(stage: &mut Stage) -> Played {
    let (ours, peer) = tcp();
    stage.fresh(&ours);
    stage.then("closed", || drop(peer));
    stage.know("writing works still", send(&ours, b"x", 0) == Ok(1));
    Ok(())
}

fn tcp_reset(stage: &mut Stage) -> Played {
    let (ours, peer) = tcp();
    send(&peer, b"data", 0).unwrap();
    stage.fresh(&ours);
    stage.then("reset", || {
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        option(&peer, libc::SOL_SOCKET, libc::SO_LINGER, linger).unwrap();
        drop(peer);
    });
    let reads = [(); 3].map(|()| recv(&ours, 64, 0));
    stage.know("reads: the data, `ECONNRESET`, 0", {
        reads == [Ok(b"data".to_vec()), Err(libc::ECONNRESET), Ok(vec![])]
    });
    Ok(())
}

fn tcp_urgent(stage: &mut Stage) -> Played {
    let (ours, peer) = tcp();
    let mut reader = stage.watch(&ours, R, Trigger::Edge);
    stage.fresh(&ours);
    stage.then("an urgent byte", || send(&peer, b"!", libc::MSG_OOB));
    stage.know("no event without interest P", reader.poll(10) == 0);
    stage.know("a plain read (`EAGAIN`) throws it away: `recv(MSG_OOB)` first", {
        is(&recv(&ours, 8, 0), libc::EAGAIN) && recv(&ours, 8, libc::MSG_OOB).is_err()
    });
    stage.know("a read ends before it", {
        send(&peer, b"ab", 0).unwrap();
        send(&peer, b"!", libc::MSG_OOB).unwrap();
        send(&peer, b"cd", 0).unwrap();
        recv(&ours, 8, 0) == Ok(b"ab".to_vec()) && recv(&ours, 8, 0) == Ok(b"cd".to_vec())
    });
    Ok(())
}

fn tcp_inline(stage: &mut Stage) -> Played {
    let (ours, peer) = tcp();
    option(&ours, libc::SOL_SOCKET, libc::SO_OOBINLINE, 1)?;
    stage.fresh(&ours);
    stage.then("an urgent byte", || send(&peer, b"!", libc::MSG_OOB));
    stage.know("it is read as the rest", recv(&ours, 8, 0) == Ok(b"!".to_vec()));
    Ok(())
}

fn zerocopy(stage: &mut Stage) -> Played {
    let (ours, peer) = tcp();
    option(&ours, libc::SOL_SOCKET, libc::SO_ZEROCOPY, 1)?;
    stage.fresh(&ours);
    stage.then("a completion", || {
        send(&ours, &[0; 1000], libc::MSG_ZEROCOPY).unwrap();
        while recv(&peer, 4096, 0).is_err() {}
    });
    let error = so_error(&ours);
    let stays = stage.other(&ours, R | W, Trigger::Level) == "WE";
    stage.know("no error: `SO_ERROR` is 0; WE until `recvmsg(MSG_ERRQUEUE)`", {
        let taken = recv_error(&ours).is_ok();
        error == 0 && stays && taken && stage.other(&ours, R | W, Trigger::Level) == "W"
    });
    Ok(())
}

fn mptcp(stage: &mut Stage) -> Played {
    own_network().or_else(|error| {
        if error.raw_os_error() == Some(libc::EPERM) { Ok(()) } else { Err(error) }
    })?;
    let listener = socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP)?;
    let mut address: libc::sockaddr_in = zero();
    address.sin_family = libc::AF_INET as _;
    address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
    let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    sys!(bind(listener.as_raw_fd(), (&raw const address).cast(), size))?;
    sys!(listen(listener.as_raw_fd(), 8))?;
    let listener = TcpListener::from(listener);
    listener.set_nonblocking(false).unwrap();
    let ours = socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP)?;
    let _ = connect(&ours, address_of(&listener));
    let peer = nonblocking(listener.accept().unwrap().0);
    stage.fresh(&ours);
    stage.then("data", || send(&peer, b"x", 0));
    stage.again(|| send(&peer, b"y", 0));
    stage.drains(|| recv(&ours, 64, 0));
    Ok(())
}

fn message_queue(stage: &mut Stage) -> Played {
    let queue = c(&format!("/mio-st-row-{}", std::process::id()));
    let mut attributes: libc::mq_attr = zero();
    (attributes.mq_maxmsg, attributes.mq_msgsize) = (2, 8);
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let fd = owned(sys!(mq_open(queue.as_ptr(), flags, 0o600, &attributes))?);
    sys!(mq_unlink(queue.as_ptr()))?;
    let put = || sys!(mq_send(fd.as_raw_fd(), c"x".as_ptr(), 1, 0));
    stage.fresh(&fd);
    stage.then("a message", put);
    stage.then("full", put);
    stage.know(
        "`read(2)` gives a text",
        read(&fd, 256).is_ok_and(|text| text.starts_with(b"QSIZE")),
    );
    Ok(())
}

fn io_uring(stage: &mut Stage) -> Played {
    // The offsets in struct io_uring_params.
    const SQ_TAIL: usize = 11;
    const SQ_MASK: usize = 12;
    const SQ_ARRAY: usize = 16;
    let mut parameters = [0_u32; 30];
    let setup = (libc::SYS_io_uring_setup, parameters.as_mut_ptr());
    let fd = owned(sys!(syscall(setup.0, 4, setup.1))? as RawFd);
    let map = |offset: i64| {
        let (access, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        let (none, fd) = (ptr::null_mut(), fd.as_raw_fd());
        // SAFETY: the kernel chooses a free place.
        let at = unsafe { libc::mmap(none, 4096, access, shared, fd, offset as _) };
        if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(at) }
    };
    let (ring, entries) = (map(0)?.cast::<u8>(), map(0x1000_0000)?.cast::<u8>());
    let submit = || {
        // SAFETY: the kernel has mapped the ring and its entries there.
        unsafe {
            let at = |field: usize| ring.add(parameters[field] as usize).cast::<u32>();
            let (tail, mask) = (*at(SQ_TAIL), *at(SQ_MASK));
            // All zero: IORING_OP_NOP.
            ptr::write_bytes(entries.add(64 * (tail & mask) as usize), 0, 64);
            *at(SQ_ARRAY).add((tail & mask) as usize) = tail & mask;
            ptr::write_volatile(at(SQ_TAIL), tail + 1);
        }
        sys!(syscall(libc::SYS_io_uring_enter, fd.as_raw_fd(), 1, 0, 0, 0_usize, 0_usize))
            .expect("submitted");
    };
    stage.fresh(&fd);
    stage.then("a completion", submit);
    stage.again(submit);
    Ok(())
}

fn poller(stage: &mut Stage) -> Played {
    let epoll = owned(sys!(epoll_create1(libc::EPOLL_CLOEXEC))?);
    let (reader, writer) = pipe(0);
    let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 0 };
    sys!(epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, reader.as_raw_fd(), &mut event))?;
    stage.fresh(&epoll);
    stage.then("something inside is ready", || write(&writer, b"x"));
    stage.again(|| write(&writer, b"y"));
    let (second, other) = pipe(0);
    sys!(epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, second.as_raw_fd(), &mut event))?;
    write(&other, b"x").unwrap();
    stage.pass();
    stage.then("one of two is taken", || {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        assert_eq!(sys!(epoll_wait(epoll.as_raw_fd(), &mut event, 1, 0)).unwrap(), 1);
    });
    stage.know("what is left inside makes no edge: LEVEL", {
        stage.other(&epoll, R, Trigger::Level) == "R"
    });
    Ok(())
}

fn perf(stage: &mut Stage) -> Played {
    // struct perf_event_attr: a software event, the clock of the task.
    let mut attributes = [0_u32; 32];
    (attributes[0], attributes[1], attributes[2]) = (1, 128, 1);
    let call = (libc::SYS_perf_event_open, attributes.as_ptr());
    let fd = owned(sys!(syscall(call.0, call.1, 0, -1, -1, 8))? as RawFd);
    stage.fresh(&fd);
    stage.know("before it is mapped", true);
    Ok(())
}

fn bpf_map(stage: &mut Stage) -> Played {
    // BPF_MAP_CREATE of an array of one.
    let attributes = [2_u32, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let size = size_of_val(&attributes);
    let fd = owned(sys!(syscall(libc::SYS_bpf, 0, attributes.as_ptr(), size))? as RawFd);
    stage.fresh(&fd);
    stage.know("for ever", for_ever(stage, &fd));
    Ok(())
}
