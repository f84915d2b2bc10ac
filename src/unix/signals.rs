use std::fmt;
use std::io;
use std::os::raw::c_int;
use std::process::Command;

use crate::poll::Interests;
use crate::sys::evented_traits;
use crate::sys::signal::{Caught, Info, Set};
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
/// *A handler* writes down what the system tells of each signal, and nothing is blocked. So children of [`Command`], of
/// `posix_spawn`, `popen` and `system` notice SIGTERM and Ctrl-C as those of any program: `exec` takes handlers away.
///
/// *Any thread* that does not block a signal may be the one that the system interrupts for it (on Linux the main thread
/// is the first choice). Polls of this library wait on, and most calls are begun anew (`SA_RESTART`), but some end with
/// `EINTR` in whatever thread waits in them, such as `poll(2)` and `nanosleep(2)`: see `signal(7)`. A thread that must not
/// be interrupted blocks the signals (`pthread_sigmask(3)`). Reading from a terminal and writing to it in the background
/// is `EINTR` for whoever receives SIGTTIN and SIGTTOU.
///
/// *What was blocked* in this thread is unblocked, and blocked again when it is dropped. Other threads block what they
/// blocked.
///
/// *What was ignored or handled before* is received instead; that is restored when it is dropped, unless the program has
/// installed another action meanwhile. (A child does not ignore what was ignored and is received: `exec` does not know.)
///
/// *In a forked child* a signal does what it would do without this, until the child registers it, receives or adds: then
/// the child's own signals are received there. None reaches the parent.
///
/// *Dropping it*: a signal that waits then does what it otherwise would, unless another `Signals` has it, too. An unreceived
/// SIGTERM kills the process, no sooner than here.
///
/// *Several* may exist, in one thread or in several: each receives each of its signals.
///
/// *Signals are not counted.* A signal that arrives again before it is received is one: after SIGCHLD
/// look at every child. Real-time signals are counted, and none is lost: when 64 wait, the thread that is interrupted next
/// blocks that signal, so that the system queues it, and receiving unblocks it in this thread. They come in their order
/// where this is the only thread that lets them in.
///
/// # Implementation
///
/// `sigaction(2)` and a pipe. Other libraries that install handlers for the same signals do not get along with it.
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
    fd: Caught,
}

impl Signals {
    /// Interest in signals to receive.
    pub const INTERESTS: Interests = Interests::READABLE;

    /// Receives the signals from now on.
    ///
    /// # Errors
    ///
    /// - `InvalidInput`: no signal at all; a number that no signal has; SIGKILL and SIGSTOP, which
    ///   cannot be caught; SIGSEGV, SIGBUS, SIGFPE and SIGILL, which a program that makes them does not outlive.
    /// - `EMFILE`, `ENFILE`: too many descriptors, of which it takes two.
    /// - `OutOfMemory`.
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
        Ok(Signals { fd: Caught::new(&set)? })
    }

    /// Receives a signal, or `None` if there is none: then wait for the next event.
    ///
    /// # Errors
    ///
    /// In a child that was forked since, as [`new`](Signals::new).
    pub fn receive(&self) -> io::Result<Option<Signal>> {
        Ok(self.fd.receive()?.map(|info| Signal(info.signal)))
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
        Ok(self.fd.receive()?.map(SignalInfo::of))
    }

    /// Receives another signal, too; false if it was received already.
    ///
    /// # Errors
    ///
    /// `InvalidInput` as [`new`](Signals::new). Then nothing has changed.
    pub fn add(&mut self, signal: Signal) -> io::Result<bool> {
        check(signal)?;
        self.add_checked(signal.as_raw())
    }

    pub(crate) fn add_checked(&mut self, signal: c_int) -> io::Result<bool> {
        if !Set::empty().add(signal) {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        if self.fd.contains(signal) {
            return Ok(false);
        }
        self.fd.add(signal).map(|()| true)
    }

    /// Receives a signal no more, as after dropping; false if it was not received. One that waits then does what it
    /// otherwise would. The last may be removed, too.
    ///
    /// # Errors
    ///
    /// None on the systems supported today.
    pub fn remove(&mut self, signal: Signal) -> io::Result<bool> {
        let known = self.fd.contains(signal.as_raw());
        if known {
            self.fd.remove(signal.as_raw());
        }
        Ok(known)
    }

    /// Lets the children that `command` starts from now on have the signals unblocked, of which the program may have
    /// blocked some itself. Otherwise nothing is blocked in them, but real-time signals of which 64 wait.
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
        self.fd.unblock_in_child(command);
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

impl SignalInfo {
    fn of(info: Info) -> SignalInfo {
        SignalInfo {
            signal: Signal(info.signal),
            code: info.code,
            pid: info.sender.map(|(pid, _)| pid),
            uid: info.sender.map(|(_, uid)| uid),
            status: info.status,
            value: info.value,
        }
    }
}

fn check(signal: Signal) -> io::Result<()> {
    refuse_if(
        matches!(signal.as_raw(), libc::SIGKILL | libc::SIGSTOP),
        "SIGKILL and SIGSTOP cannot be received",
    )?;
    refuse_if(!is_receivable(signal), "SIGSEGV, SIGBUS, SIGFPE and SIGILL cannot be received")
}

/// Whether a signal can be caught, and the program goes on after it.
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
