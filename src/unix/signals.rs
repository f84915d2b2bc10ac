use std::fmt;
use std::io;
use std::os::raw::c_int;
use std::process::Command;

use crate::poll::Interests;
use crate::sys::signal::{self, Blocked, Set};
use crate::sys::{Source, evented_traits};
use crate::unix::refuse_if;

/// The number of a signal, see `signal(7)`.
///
/// # Examples
///
/// ```
/// use mio_st::unix::Signal;
///
/// assert_eq!(Signal::from_raw(15), Signal::SIGTERM);
/// assert_eq!(format!("{:?}", Signal::SIGTERM), "SIGTERM");
/// ```
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[repr(transparent)]
pub struct Signal(c_int);

/// The constants, and their names for `Debug`.
macro_rules! signals {
    ($($name:ident: $what:literal,)*) => {
        impl Signal {
            $(
                #[doc = $what]
                pub const $name: Signal = Signal(libc::$name);
            )*

            fn name(self) -> Option<&'static str> {
                match self {
                    $(Signal::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

signals! {
    SIGHUP: "The terminal is gone; for daemons, by custom: read the configuration again.",
    SIGINT: "Interrupted from the keyboard, Ctrl-C.",
    SIGQUIT: "Quit from the keyboard, Ctrl-\\.",
    SIGUSR1: "For the program to define.",
    SIGUSR2: "For the program to define.",
    SIGPIPE: "A pipe or a socket was written to whose reader is gone.",
    SIGALRM: "The timer of `alarm(2)`.",
    SIGTERM: "Asked to terminate.",
    SIGCHLD: "A child has exited, stopped or continued; for one child there is [`Process`](crate::unix::Process).",
    SIGCONT: "Continued after it was stopped.",
    SIGTSTP: "Asked to stop from the keyboard, Ctrl-Z.",
    SIGTTIN: "Read from the terminal in the background.",
    SIGTTOU: "Wrote to the terminal in the background.",
    SIGWINCH: "The terminal has another size.",
}

impl Signal {
    /// The signal of this number. [`Signals::new`] refuses numbers that no signal has.
    pub const fn from_raw(signal: c_int) -> Signal {
        Signal(signal)
    }

    /// The number.
    pub const fn as_raw(self) -> c_int {
        self.0
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Signal({})", self.0),
        }
    }
}

/// Signals as events: while it lives, the signals do not do what they otherwise would, but wait to be
/// [received](Signals::receive).
///
/// # Notes
///
/// *Create it in the main thread, before other threads.* The signals are blocked in the mask of the
/// thread that calls [`new`](Signals::new), and threads inherit the mask of the thread that creates
/// them. A signal to the process goes to any thread that does not block it: with one such thread, a
/// SIGTERM still kills the process. Receive where it was created; the type is not `Send`. (On Linux,
/// SIGCHLD and the others that are ignored by default are lost if the main thread does not block them.)
///
/// *Children inherit the mask*, across `exec` too: a child started by [`Command`] while this lives does
/// not notice SIGTERM or Ctrl-C. [`unblock_in_child`](Signals::unblock_in_child) prepares a command. (Loops that
/// install handlers have children that do; but each signal that these receive interrupts a call of some thread of
/// theirs, and a full pipe loses real-time signals.)
///
/// *Dropping it* unblocks each of its signals in this thread, except those that were blocked before, and
/// those that another `Signals` of this thread has. The rest of the mask is not touched. A signal that
/// waits then does what it otherwise would: an unreceived SIGTERM kills the process, no sooner than here.
///
/// *Several* may exist. A signal that is in more than one makes all of them readable; on Linux the first
/// that receives it has it, by kqueue each receives it.
///
/// *On macOS* a signal that is sent to a thread, by `raise` or `pthread_kill`, is not received: send it to
/// the process, by `kill`.
///
/// *Signals are not counted.* A signal that arrives again before it is received is one: after SIGCHLD
/// look at every child. (Real-time signals are queued.)
///
/// # Implementation
///
/// | system | by |
/// |---|---|
/// | Linux, Android | `signalfd(2)` |
/// | BSD, macOS | `EVFILT_SIGNAL`, see `kqueue(2)` |
///
/// # Dropping
///
/// It is closed when it is dropped. If it is registered, and the program starts children, close it with
/// [`Poller::close`](crate::Poller::close), lest it go on giving events.
///
/// # Examples
///
/// ```standalone_crate
/// # fn main() -> std::io::Result<()> {
/// use mio_st::unix::{Signal, Signals};
/// use mio_st::{EventedId, Events, PollOption, Poller};
///
/// const SIGNALS: EventedId = EventedId(0);
///
/// let mut signals = Signals::new([Signal::SIGINT, Signal::SIGTERM])?;
/// let mut poller = Poller::new()?;
/// poller.register(&mut signals, SIGNALS, Signals::INTERESTS, PollOption::Edge)?;
///
/// # // SAFETY: no pointer is passed.
/// # unsafe { libc::kill(libc::getpid(), libc::SIGTERM) };
/// let mut events = Events::new();
/// 'running: loop {
///     poller.poll(&mut events, None)?;
///     for event in &mut events {
///         if event.id() == SIGNALS {
///             while let Some(signal) = signals.receive()? {
///                 println!("got {signal:?}");
///                 break 'running;
///             }
///         }
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Signals {
    // Closed first: what is unblocked is not received here any more.
    fd: Source,
    blocked: Blocked,
}

impl Signals {
    /// Interest in signals to receive.
    pub const INTERESTS: Interests = Interests::READABLE;

    /// Blocks the signals in this thread, and receives them.
    ///
    /// # Errors
    ///
    /// - `InvalidInput`: no signal at all; a number that no signal has; SIGKILL and SIGSTOP, which
    ///   cannot be caught; SIGSEGV, SIGBUS, SIGFPE and SIGILL, which are undefined when the program makes
    ///   them while they are blocked (`sigprocmask(2)`).
    /// - `EMFILE`, `ENFILE`: too many descriptors.
    pub fn new(signals: impl IntoIterator<Item = Signal>) -> io::Result<Signals> {
        let mut set = Set::empty();
        for signal in signals {
            check(signal)?;
            if !set.add(signal.as_raw()) {
                return Err(io::Error::from_raw_os_error(libc::EINVAL));
            }
        }
        refuse_if(set.is_empty(), "no signals to receive")?;
        Signals::of(set)
    }

    pub(crate) fn of(set: Set) -> io::Result<Signals> {
        let blocked = Blocked::new(set)?;
        Ok(Signals { fd: signal::open(&set)?, blocked })
    }

    /// Receives a signal, or `None` if there is none: then wait for the next event.
    ///
    /// # Errors
    ///
    /// None on the systems supported today.
    pub fn receive(&self) -> io::Result<Option<Signal>> {
        Ok(signal::receive(&self.fd)?.map(|info| Signal(info.signal)))
    }

    /// As [`receive`](Signals::receive), with who sent the signal and what with it.
    ///
    /// # Platform differences
    ///
    /// By kqueue nothing is known but the signal.
    ///
    /// # Errors
    ///
    /// As [`receive`](Signals::receive).
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// # fn main() -> std::io::Result<()> {
    /// use mio_st::unix::{Signal, Signals};
    ///
    /// let signals = Signals::new([Signal::SIGTERM])?;
    /// # // SAFETY: no pointer is passed.
    /// # unsafe { libc::kill(libc::getpid(), libc::SIGTERM) };
    /// while let Some(info) = signals.receive_info()? {
    ///     println!("{:?} of process {:?}, user {:?}", info.signal, info.pid, info.uid);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn receive_info(&self) -> io::Result<Option<SignalInfo>> {
        let info = signal::receive(&self.fd)?;
        Ok(info.map(|info| SignalInfo {
            signal: Signal(info.signal),
            code: info.code,
            pid: info.sender.map(|(pid, _)| pid),
            uid: info.sender.map(|(_, uid)| uid),
            status: info.status,
            value: info.value,
        }))
    }

    /// Blocks another signal in this thread, and receives it too; false if it was received already.
    ///
    /// # Errors
    ///
    /// `InvalidInput` as [`new`](Signals::new). Then nothing has changed.
    pub fn add(&mut self, signal: Signal) -> io::Result<bool> {
        check(signal)?;
        self.add_checked(signal.as_raw())
    }

    pub(crate) fn add_checked(&mut self, signal: c_int) -> io::Result<bool> {
        let mut known = *self.blocked.signals();
        if known.contains(signal) {
            return Ok(false);
        }
        if !known.add(signal) {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        let before = *self.blocked.signals();
        // Blocked first, so that it does not act in between.
        self.blocked.add(signal);
        if let Err(error) = signal::change_set(&self.fd, &before, signal, true) {
            self.blocked.remove(signal);
            return Err(error);
        }
        Ok(true)
    }

    /// Receives a signal no more, and unblocks it in this thread as dropping does; false if it was not received. One
    /// that waits then does what it otherwise would. The last may be removed, too.
    ///
    /// # Errors
    ///
    /// None on the systems supported today.
    pub fn remove(&mut self, signal: Signal) -> io::Result<bool> {
        let known = *self.blocked.signals();
        if !known.contains(signal.as_raw()) {
            return Ok(false);
        }
        signal::change_set(&self.fd, &known, signal.as_raw(), false)?;
        self.blocked.remove(signal.as_raw());
        Ok(true)
    }

    /// Lets the children that `command` starts from now on have the signals unblocked, except those that
    /// were blocked before.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use std::process::Command;
    ///
    /// use mio_st::unix::{Signal, Signals};
    ///
    /// let signals = Signals::new([Signal::SIGINT, Signal::SIGTERM])?;
    /// let mut command = Command::new("true");
    /// signals.unblock_in_child(&mut command);
    /// assert!(command.status()?.success());
    /// # Ok(())
    /// # }
    /// ```
    pub fn unblock_in_child(&self, command: &mut Command) {
        self.blocked.unblock_in_child(command);
    }
}

/// What is known of a signal, see [`Signals::receive_info`] and `sigaction(2)`.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SignalInfo {
    /// Which it is.
    pub signal: Signal,
    /// Where it comes from (`si_code`): `SI_USER` of `kill(2)`, `SI_QUEUE` of `sigqueue(3)`, `SI_KERNEL` of the system,
    /// of SIGCHLD what became of the child, such as `CLD_EXITED`.
    pub code: c_int,
    /// Who sent it, or of SIGCHLD, which child it is about; `None` if the system did.
    pub pid: Option<i32>,
    /// The real user of that process.
    pub uid: Option<u32>,
    /// Of SIGCHLD: the status that the child exited with, or the signal that ended, stopped or continued it.
    pub status: Option<i32>,
    /// What was sent along by `sigqueue(3)`, or belongs to a timer or a message queue: the integer.
    pub value: Option<i32>,
}

#[cfg(kqueue)]
impl Drop for Signals {
    fn drop(&mut self) {
        signal::leave(&self.fd);
    }
}

fn check(signal: Signal) -> io::Result<()> {
    refuse_if(
        matches!(signal.as_raw(), libc::SIGKILL | libc::SIGSTOP),
        "SIGKILL and SIGSTOP cannot be received",
    )?;
    refuse_if(!is_receivable(signal), "SIGSEGV, SIGBUS, SIGFPE and SIGILL cannot be received")
}

/// Whether a signal can be caught, and is defined while it is blocked.
pub(crate) fn is_receivable(signal: Signal) -> bool {
    !matches!(
        signal.as_raw(),
        libc::SIGKILL | libc::SIGSTOP | libc::SIGSEGV | libc::SIGBUS | libc::SIGFPE | libc::SIGILL
    )
}

evented_traits!(Signals, |interests| refuse_if(
    interests.is_writable(),
    "Signals only needs readable interests"
));
