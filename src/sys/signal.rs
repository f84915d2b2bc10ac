//! Signals: `signalfd(2)`, `kqueue(2)`, `pthread_sigmask(3)`.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;

use libc::{c_int, sigset_t};

#[cfg(epoll)]
use crate::sys::ignore;
#[cfg(kqueue)]
use crate::sys::selector::{EV_ADD, EV_DELETE, EVFILT_SIGNAL, change};
use crate::sys::{Source, sanitizers};

/// The largest number of a signal.
const MAX: c_int = if cfg!(epoll) { 64 } else { 31 };

/// A set of signals.
#[derive(Copy, Clone)]
pub(crate) struct Set(sigset_t);

impl Set {
    #[inline]
    pub(crate) fn empty() -> Set {
        let mut set = MaybeUninit::uninit();
        // SAFETY: the call initialises the set.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            Set(set.assume_init())
        }
    }

    /// Adds a signal; false if there is none of this number.
    #[inline]
    #[must_use]
    pub(crate) fn add(&mut self, signal: c_int) -> bool {
        // Not every sigaddset looks at the number. SAFETY: the set is valid.
        signal <= MAX && unsafe { libc::sigaddset(&mut self.0, signal) } == 0
    }

    /// Removes a signal.
    fn remove(&mut self, signal: c_int) {
        // SAFETY: the set is valid. What is not the number of a signal is not in it.
        unsafe { libc::sigdelset(&mut self.0, signal) };
    }

    #[inline]
    pub(crate) fn contains(&self, signal: c_int) -> bool {
        // SAFETY: the set is valid.
        unsafe { libc::sigismember(&self.0, signal) == 1 }
    }

    #[inline]
    fn signals(&self) -> impl Iterator<Item = c_int> + '_ {
        (1..=MAX).filter(|signal| self.contains(*signal))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.signals().next().is_none()
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.signals()).finish()
    }
}

/// Changes the mask of this thread and returns the one before. It may be called after `fork`.
#[inline]
fn change_mask(how: c_int, set: &Set) -> Set {
    let mut before = Set::empty();
    sanitizers::written(set, 1);
    // SAFETY: both sets are valid. The call fails only if `how` is unknown.
    unsafe { libc::pthread_sigmask(how, &set.0, &mut before.0) };
    before
}

thread_local! {
    /// What the `Blocked` of this thread want; null as long as there is none. (A pointer, so that little of
    /// the memory is taken that each thread has from its beginning. No destructor: it is still there when
    /// other thread-locals are dropped.)
    static WANTED: Cell<*mut Wanted> = const { Cell::new(ptr::null_mut()) };
}

struct Wanted {
    /// How many `Blocked` there are.
    sets: usize,
    /// For each signal: how many of them want it blocked, and whether the first of them found it so.
    signals: [(u32, bool); MAX as usize + 1],
}

impl Wanted {
    /// That of this thread, which is made if there is none.
    fn of_thread() -> io::Result<*mut Wanted> {
        let known = WANTED.get();
        if !known.is_null() {
            return Ok(known);
        }
        // SAFETY: the size is not zero.
        let new = unsafe { alloc_zeroed(Layout::new::<Wanted>()) }.cast::<Wanted>();
        if new.is_null() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        // All-zero is a valid one: nothing is wanted.
        WANTED.set(new);
        Ok(new)
    }

    /// Looks at that of this thread, which is there as long as there is a `Blocked`.
    fn with<T>(body: impl FnOnce(&mut Wanted) -> T) -> Option<T> {
        // SAFETY: it is this thread's, and `body` does not come here again.
        unsafe { WANTED.get().as_mut() }.map(body)
    }
}

/// Signals that are blocked in this thread for as long as this lives. Where several want one blocked,
/// the last unblocks it, unless it was blocked before the first.
#[derive(Debug)]
pub(crate) struct Blocked {
    signals: Set,
    _thread: PhantomData<*const ()>,
}

impl Blocked {
    /// The error is `OutOfMemory`.
    pub(crate) fn new(signals: Set) -> io::Result<Blocked> {
        Wanted::of_thread()?;
        let before = change_mask(libc::SIG_BLOCK, &signals);
        Wanted::with(|wanted| {
            wanted.sets += 1;
            for signal in signals.signals() {
                let Some(wanted) = wanted.signals.get_mut(signal as usize) else { continue };
                *wanted = match *wanted {
                    (0, _) => (1, before.contains(signal)),
                    (count, blocked_before) => (count + 1, blocked_before),
                };
            }
        });
        Ok(Blocked { signals, _thread: PhantomData })
    }

    pub(crate) fn signals(&self) -> &Set {
        &self.signals
    }

    /// Blocks another signal, of which it is known that there is one of this number and that it is not here yet.
    pub(crate) fn add(&mut self, signal: c_int) {
        let mut only = Set::empty();
        if !only.add(signal) || !self.signals.add(signal) {
            return;
        }
        let before = change_mask(libc::SIG_BLOCK, &only);
        Wanted::with(|wanted| {
            let Some(wanted) = wanted.signals.get_mut(signal as usize) else { return };
            *wanted = match *wanted {
                (0, _) => (1, before.contains(signal)),
                (count, blocked_before) => (count + 1, blocked_before),
            };
        });
    }

    /// Unblocks one of the signals, as dropping does.
    pub(crate) fn remove(&mut self, signal: c_int) {
        self.signals.remove(signal);
        let unwanted = Wanted::with(|wanted| {
            let wanted = wanted.signals.get_mut(signal as usize)?;
            wanted.0 = wanted.0.saturating_sub(1);
            (wanted.0 == 0).then_some(!wanted.1)
        });
        let Some(Some(unblock)) = unwanted else { return };
        #[cfg(kqueue)]
        take_late(signal);
        let mut only = Set::empty();
        if unblock && only.add(signal) {
            change_mask(libc::SIG_UNBLOCK, &only);
        }
    }

    /// Makes the children of a command start without the signals being blocked, but for those that
    /// were blocked before.
    pub(crate) fn unblock_in_child(&self, command: &mut Command) {
        let mut ours = Set::empty();
        Wanted::with(|wanted| {
            for signal in self.signals.signals() {
                let (_, blocked_before) = wanted.signals[signal as usize];
                if !blocked_before {
                    // It is the number of a signal, as it comes from a set.
                    let _ = ours.add(signal);
                }
            }
        });
        // SAFETY: the closure calls nothing but sigemptyset and sigprocmask, which are allowed
        // between fork and exec.
        unsafe {
            command.pre_exec(move || {
                change_mask(libc::SIG_UNBLOCK, &ours);
                Ok(())
            });
        }
    }
}

impl Drop for Blocked {
    #[inline]
    fn drop(&mut self) {
        let mut unwanted = Set::empty();
        let sets = Wanted::with(|wanted| {
            for signal in self.signals.signals() {
                let Some(wanted) = wanted.signals.get_mut(signal as usize) else { continue };
                let (count, blocked_before) = *wanted;
                *wanted = (count - 1, blocked_before);
                #[cfg(kqueue)]
                if count == 1 {
                    take_late(signal);
                }
                if count == 1 && !blocked_before {
                    // It is the number of a signal, as it comes from a set.
                    let _ = unwanted.add(signal);
                }
            }
            wanted.sets -= 1;
            wanted.sets
        });
        change_mask(libc::SIG_UNBLOCK, &unwanted);
        if sets == Some(0) {
            let wanted = WANTED.replace(ptr::null_mut());
            // SAFETY: it was made with this layout, and nobody has it any more.
            unsafe { dealloc(wanted.cast(), Layout::new::<Wanted>()) };
        }
    }
}

/// A descriptor that is readable while one of the signals, which must be blocked, is pending.
#[cfg(epoll)]
pub(crate) fn open(signals: &Set) -> io::Result<Source> {
    let flags = libc::SFD_NONBLOCK | libc::SFD_CLOEXEC;
    // SAFETY: the set is valid, and the new descriptor is ours.
    unsafe { syscall!(signalfd(-1, &signals.0, flags)).map(|raw| Source::new(raw)) }
}

/// What there is to receive changes, by one signal.
#[cfg(epoll)]
pub(crate) fn change_set(fd: &Source, signals: &Set, signal: c_int, add: bool) -> io::Result<()> {
    let mut changed = *signals;
    if !add {
        changed.remove(signal);
    } else if !changed.add(signal) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    sanitizers::written(&changed, 1);
    let flags = libc::SFD_NONBLOCK | libc::SFD_CLOEXEC;
    // SAFETY: the set is valid; no new descriptor is made.
    unsafe { syscall!(signalfd(fd.raw(), &changed.0, flags)) }.map(drop)
}

/// Who sent a signal, and what with it, as far as the system tells.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Info {
    pub(crate) signal: c_int,
    pub(crate) code: c_int,
    /// Process and user.
    pub(crate) sender: Option<(i32, u32)>,
    pub(crate) status: Option<i32>,
    pub(crate) value: Option<i32>,
}

#[cfg(epoll)]
impl Info {
    fn of(info: &libc::signalfd_siginfo) -> Info {
        let code = info.ssi_code;
        let signal = info.ssi_signo as c_int;
        // Which members there are, see `sigaction(2)`.
        let of_child = signal == libc::SIGCHLD && code > 0;
        let sent = matches!(code, libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL);
        let queued = matches!(code, libc::SI_QUEUE | libc::SI_TIMER | libc::SI_MESGQ);
        Info {
            signal,
            code,
            sender: (sent || of_child || code == libc::SI_MESGQ)
                .then_some((info.ssi_pid as i32, info.ssi_uid)),
            status: of_child.then_some(info.ssi_status),
            value: queued.then_some(info.ssi_int),
        }
    }
}

/// Takes a signal that is pending.
#[cfg(epoll)]
pub(crate) fn receive(fd: &Source) -> io::Result<Option<Info>> {
    let mut info = MaybeUninit::<libc::signalfd_siginfo>::uninit();
    const SIZE: usize = size_of::<libc::signalfd_siginfo>();
    // SAFETY: there is room for one siginfo.
    match unsafe { syscall!(read(fd.raw(), info.as_mut_ptr().cast(), SIZE)) } {
        // SAFETY: a whole one was written.
        Ok(n) if n as usize == SIZE => Ok(Some(Info::of(unsafe { info.assume_init_ref() }))),
        // A signalfd does not do so: the descriptor was closed behind our back, and is somebody else's now.
        Ok(_) => Err(io::Error::from_raw_os_error(libc::EBADF)),
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {
            ignore(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A queue of the signals that were sent, also of those that are blocked or ignored.
#[cfg(kqueue)]
pub(crate) fn open(signals: &Set) -> io::Result<Source> {
    let queue = Source::new()?;
    for signal in signals.signals() {
        queue.change(change(signal as usize, EVFILT_SIGNAL, EV_ADD, 0, 0))?;
    }
    Ok(queue)
}

/// What there is to receive changes, by one signal.
#[cfg(kqueue)]
pub(crate) fn change_set(queue: &Source, _: &Set, signal: c_int, add: bool) -> io::Result<()> {
    let flags = if add { EV_ADD } else { EV_DELETE };
    queue.change(change(signal as usize, EVFILT_SIGNAL, flags, 0, 0))
}

#[cfg(kqueue)]
thread_local! {
    /// The signals that were received here and, as far as is known, have not been taken from among those that
    /// are pending: a queue may be told of a signal before it is pending (`psignal` and its like in the kernels
    /// of Darwin, NetBSD, OpenBSD and DragonFly). They must not act when they are unblocked.
    static LATE: Cell<u32> = const { Cell::new(0) };
}

/// Takes a signal that was sent.
#[cfg(kqueue)]
pub(crate) fn receive(queue: &Source) -> io::Result<Option<Info>> {
    let Some(event) = queue.take(None)? else { return Ok(None) };
    let signal = event.ident as c_int;
    // The queue only tells of it: it is pending, or will be in a moment, or another has taken it, or it is
    // ignored.
    let bit = 1 << signal;
    LATE.set(if take_pending(signal)? { LATE.get() & !bit } else { LATE.get() | bit });
    Ok(Some(Info { signal, ..Info::default() }))
}

/// Before a queue is closed: what it tells of has not been received, and acts when it is unblocked.
#[cfg(kqueue)]
pub(crate) fn leave(queue: &Source) {
    if queue.is_ours() {
        while let Ok(Some(event)) = queue.take(None) {
            LATE.set(LATE.get() & !(1 << event.ident));
        }
    }
}

#[cfg(kqueue)]
fn take_late(signal: c_int) {
    if LATE.get() & 1 << signal != 0 {
        LATE.set(LATE.get() & !(1 << signal));
        let _ = take_pending(signal);
    }
}

/// Takes a signal, which is blocked, from among those that are pending; true if it was there for certain.
#[cfg(kqueue)]
fn take_pending(signal: c_int) -> io::Result<bool> {
    let mut only = Set::empty();
    let _ = only.add(signal);
    // Darwin's sigpending knows the signals of this thread, while one that was sent to the process waits in the
    // first; its sigwait looks into all threads, from the first on. So that it does not wait, this thread gets
    // one as well, of which no queue is told. (kern_sig.c)
    #[cfg(kernel = "darwin")]
    // SAFETY: the thread is this one, and the signal is blocked in it.
    unsafe {
        libc::pthread_kill(libc::pthread_self(), signal);
    }
    let mut taken = false;
    loop {
        let mut pending = Set::empty();
        // SAFETY: the set is valid.
        unsafe { syscall!(sigpending(&mut pending.0)) }?;
        if !pending.contains(signal) {
            return Ok(taken && !cfg!(kernel = "darwin"));
        }
        // SAFETY: the set and the number are valid. It does not wait, since the signal is there: no other
        // thread takes a signal that is blocked in all of them.
        unsafe { libc::sigwait(&only.0, &mut 0) };
        taken = true;
    }
}
