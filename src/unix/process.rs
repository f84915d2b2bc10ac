use std::io;
use std::process::Child;

use crate::poll::Interests;
use crate::sys::{self, Source, evented_traits};
use crate::unix::refuse_if;

/// Another process: an event tells that it has exited.
///
/// The event is [`READABLE`](crate::Ready::READABLE), and the handle stays readable from then on. (Since
/// Linux 6.9, [`HUP`](crate::Ready::HUP) is added when the process has been reaped.) A process that has
/// exited already, but was not reaped, gives the event at once.
///
/// # Who reaps
///
/// Nobody does it here: an exited child stays a zombie until its parent asks for its status, so after
/// the event call [`Child::wait`] (or `waitpid(2)`), which returns at once or in a moment: on macOS and
/// the BSDs the event may come just before the status is there, so that [`Child::try_wait`] might still
/// find none, and no second event comes. A process that is not a child can be waited
/// for as well, but only its parent gets its status. Dropping the handle does nothing to the process.
///
/// With `Process` there is no need of SIGCHLD, which tells that *some* child exited.
///
/// # Implementation
///
/// | system | by |
/// |---|---|
/// | Linux 5.3 and later, Android 12 and later | `pidfd_open(2)` |
/// | older ones | `Unsupported` |
/// | BSD, macOS | `EVFILT_PROC`, see `kqueue(2)` |
///
/// # Dropping
///
/// It is closed when it is dropped. If it is registered, and the program starts children, close it with
/// [`Poller::close`](crate::Poller::close), lest it go on giving events.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::process::Command;
///
/// use mio_st::unix::Process;
/// use mio_st::{EventedId, Events, PollOption, Poller};
///
/// let mut child = Command::new("true").spawn()?;
/// let mut process = Process::new(&child)?;
///
/// let mut poller = Poller::new()?;
/// poller.register(&mut process, EventedId(0), Process::INTERESTS, PollOption::Edge)?;
///
/// let mut events = Events::new();
/// poller.poll(&mut events, None)?;
/// let status = child.wait()?; // Does not wait: it has exited.
/// assert!(status.success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Process {
    fd: Source,
}

impl Process {
    /// Interest in the exit.
    pub const INTERESTS: Interests = Interests::READABLE;

    /// Waits for a child. It must not have been reaped, by [`wait`](Child::wait) or a successful
    /// [`try_wait`](Child::try_wait): then its number may be that of another process.
    ///
    /// # Errors
    ///
    /// As [`from_pid`](Process::from_pid).
    pub fn new(child: &Child) -> io::Result<Process> {
        Process::from_pid(child.id())
    }

    /// Waits for the process of this number.
    ///
    /// # Notes
    ///
    /// The number of a process that was reaped may be given to another; the number of a child that was
    /// not is safe. Once the handle is made, it stays with its process.
    ///
    /// # Errors
    ///
    /// - `ESRCH`: there is no such process; the number of a thread is none.
    /// - `InvalidInput`: the number is zero, or no `pid_t`.
    /// - `Unsupported`: the system is too old.
    /// - `EMFILE`, `ENFILE`: too many descriptors.
    pub fn from_pid(pid: u32) -> io::Result<Process> {
        Ok(Process { fd: sys::process::open(pid)? })
    }
}

evented_traits!(Process, |interests| refuse_if(
    interests.is_writable(),
    "Process only needs readable interests"
));
