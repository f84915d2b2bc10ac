//! What the tests of `mio_st::unix` share.
#![allow(dead_code)] // Each test uses a part.

use std::fs;
use std::io;
use std::marker::PhantomData;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::ExitStatusExt;
use std::panic::UnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use mio_st::event::{Evented, Ready};
use mio_st::poll::Interests;
use mio_st::{EventedId, Events, PollOption, Poller};

/// Longer than anything takes that a test waits for.
pub const LONG: Duration = Duration::from_secs(20);

/// A fresh folder, which is removed when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            // Short, since the path of a socket is.
            let path = std::env::temp_dir().join(format!("mio-st-{}-{count}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Folder(path),
                // Left by a process that was ended, whose number this one has.
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}"),
            }
        }
    }
}

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What one poll says of a handle that is registered for it; `None` if nothing comes in `timeout`.
pub fn readiness(
    handle: &mut impl Evented,
    interests: Interests,
    timeout: Duration,
) -> Option<Ready> {
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(handle, EventedId(7), interests, PollOption::Level).unwrap();
    poller.poll(&mut events, Some(timeout)).unwrap();
    let event = (&mut events).next();
    assert!(events.is_empty(), "{events:?}");
    poller.deregister(handle).unwrap();
    event.map(|event| {
        assert_eq!(event.id(), EventedId(7));
        event.readiness()
    })
}

/// Asserts that registering and reregistering refuse these interests with this message.
pub fn assert_refused(
    handle: &mut impl Evented,
    good: Interests,
    bad: &[Interests],
    message: &str,
) {
    let mut poller = Poller::new().unwrap();
    let refused = |result: io::Result<()>| {
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (io::ErrorKind::InvalidInput, message)
        );
    };
    for bad in bad {
        refused(poller.register(handle, EventedId(0), *bad, PollOption::Edge));
        // It was not registered.
        let error = poller.deregister(handle).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
    poller.register(handle, EventedId(0), good, PollOption::Edge).unwrap();
    for bad in bad {
        refused(poller.reregister(handle, EventedId(0), *bad, PollOption::Edge));
    }
    poller.deregister(handle).unwrap();
}

static STARTS: RwLock<()> = RwLock::new(());

/// Starts a child, which has a copy of every descriptor of this process until it calls `exec`.
pub fn start(command: &mut Command) -> Child {
    let _start = STARTS.write().unwrap_or_else(PoisonError::into_inner);
    command.spawn().unwrap()
}

/// For tests of what happens when the last descriptor is closed: no other test starts a child.
pub fn no_child_starts() -> RwLockReadGuard<'static, ()> {
    STARTS.read().unwrap_or_else(PoisonError::into_inner)
}

fn output(command: &mut Command) -> Output {
    start(command.stdout(Stdio::piped()).stderr(Stdio::piped())).wait_with_output().unwrap()
}

/// This binary; by MIO_ST_TEST_RUNNER, where the system cannot run it by itself.
fn this_binary() -> Command {
    let binary = std::env::current_exe().unwrap();
    let runner = std::env::var("MIO_ST_TEST_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace();
    let Some(runner) = words.next() else { return Command::new(binary) };
    let mut command = Command::new(runner);
    command.args(words).arg(binary);
    command
}

/// A number of the costly tests, divided by MIO_ST_TEST_SCALE, where the machine is slow.
pub fn scaled(number: usize) -> usize {
    let scale = std::env::var("MIO_ST_TEST_SCALE").map_or(1, |scale| scale.parse().unwrap());
    number.div_ceil(scale)
}

/// Runs a test of this binary that is marked as ignored, in a process of its own.
pub fn run_alone(test: &str, variables: &[(&str, &Path)]) -> Output {
    output(
        this_binary()
            .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
            .envs(variables.iter().copied()),
    )
}

/// As [`run_alone`], asserting that the one test passed.
pub fn passes_alone(test: &str, variables: &[(&str, &Path)]) {
    let output = run_alone(test, variables);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{output:?}");
}

/// Runs `test` in a forked child, whose only thread is its main thread, and asserts that it does not panic.
/// For processes that run one test.
pub fn passes_forked(test: impl FnOnce() + UnwindSafe) {
    let status = forked(test);
    assert!(status.success(), "{status:?}");
}

/// As [`passes_forked`], and tells how the child has ended.
pub fn forked(test: impl FnOnce() + UnwindSafe) -> ExitStatus {
    // SAFETY: the other thread, that of the test harness, waits and holds no lock.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let panicked = std::panic::catch_unwind(test).is_err();
        // SAFETY: nothing is left to be done in the child.
        unsafe { libc::_exit(panicked.into()) };
    }
    let mut status = 0;
    // SAFETY: the pointer is that of an integer.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    ExitStatus::from_raw(status)
}

/// Asserts that the descriptors are not there in a child, which lists its own.
pub fn assert_not_inherited(fds: &[&dyn AsFd]) {
    let child = output(Command::new("ls").args(["-l", "/proc/self/fd"]));
    assert!(child.status.success());
    let child = String::from_utf8(child.stdout).unwrap();
    // The listing is true: the child's standard output is in it.
    assert!(child.contains("pipe:["), "{child}");
    for fd in fds {
        let raw = fd.as_fd().as_raw_fd();
        let file = fs::read_link(format!("/proc/self/fd/{raw}")).unwrap();
        let file = file.to_str().unwrap();
        // Also by its number: there is more than one epoll, and a simulated kqueue is made to be inherited.
        let listed = format!(" {raw} -> {file}\n");
        assert!(!child.contains(&listed), "{file} is open in the child:\n{child}");
        assert_ne!(fd_flags(*fd) & libc::FD_CLOEXEC, 0, "{file}");
    }
}

fn fd_flags(fd: &dyn AsFd) -> i32 {
    // SAFETY: no pointer is passed.
    unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_GETFD) }
}

pub fn is_nonblocking(fd: &dyn AsFd) -> bool {
    // SAFETY: no pointer is passed.
    let flags = unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_GETFL) };
    assert!(flags >= 0);
    flags & libc::O_NONBLOCK != 0
}

/// SIGPIPE kills the process again, as it does in a C program.
pub fn let_sigpipe_kill() {
    // SAFETY: SIG_DFL is no function that could do wrong.
    assert_ne!(unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) }, libc::SIG_ERR);
}

pub fn kind<T>(result: io::Result<T>) -> io::ErrorKind {
    result.err().expect("an error").kind()
}

pub fn errno<T>(result: io::Result<T>) -> Option<i32> {
    result.err().expect("an error").raw_os_error()
}

/// Whether a type is `Send`, `Sync`: a constant of the type goes before that of a trait, where its bounds
/// hold.
pub struct Sends<T>(PhantomData<T>);
pub struct Syncs<T>(PhantomData<T>);

pub trait No {
    const YES: bool = false;
}

impl<T> No for Sends<T> {}
impl<T> No for Syncs<T> {}

impl<T: Send> Sends<T> {
    pub const YES: bool = true;
}

impl<T: Sync> Syncs<T> {
    pub const YES: bool = true;
}
