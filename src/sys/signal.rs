//! Signals: `sigaction(2)`, `pthread_sigmask(3)`, `pipe(2)`.
//!
//! A handler writes what it is told into the pipe of each who wants the signal. Nothing is blocked, so that the children
//! of this process find nothing blocked, and `exec` takes the handler away. What is hard about that:
//!
//! - A pipe is filled by what nobody receives. Of a standard signal there is one record in it at most, as the system, too,
//!   has one pending at most. A real-time signal is let wait where it would without a handler, in the system's queue:
//!   from [`HIGH`] records on the handler returns to a thread in which it is blocked, and `receive` unblocks it.
//! - A forked child has the handlers of its parent, and the ends of its pipes. The handler gives the signal back, to do what
//!   it would have done without it. When the child uses the handle, that gets a pipe of its own.
//! - Closing a pipe while a handler in another thread is about to write would have it write to whoever gets the number
//!   next. Handlers count themselves, and closing waits for them, as RCU does in user space.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::panic::RefUnwindSafe;
use std::process::Command;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering};

use libc::{c_int, c_void, sigaction, siginfo_t, sigset_t};

use crate::sys::{self, Fd, Generation, ignore, pipe, sanitizers};

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

    fn full() -> Set {
        let mut set = Set::empty();
        // SAFETY: the set is valid.
        unsafe { libc::sigfillset(&mut set.0) };
        set
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

/// The first signal that is queued, and not merged with one that is pending (`SIGRTMIN` of the kernel).
const FIRST_QUEUED: c_int = 32;

/// From so many records in a pipe on real-time signals wait in the system's queue, until there are as few as LOW. There
/// is room for more (a pipe has two pages at least), since other threads may be about to write, and for the others.
const HIGH: u32 = 64;
const LOW: u32 = HIGH / 2;

/// Signals that a handler looks at.
#[derive(Default)]
struct Bits([AtomicU32; 2]);

impl Bits {
    #[inline]
    fn word(&self, signal: c_int) -> (&AtomicU32, u32) {
        let bit = (signal as u32).wrapping_sub(1);
        (if bit < 32 { &self.0[0] } else { &self.0[1] }, 1 << (bit & 31))
    }

    /// Returns whether it was not there.
    #[inline]
    fn insert(&self, signal: c_int) -> bool {
        let (word, bit) = self.word(signal);
        word.fetch_or(bit, Ordering::SeqCst) & bit == 0
    }

    /// Returns whether it was there.
    #[inline]
    fn remove(&self, signal: c_int) -> bool {
        let (word, bit) = self.word(signal);
        word.fetch_and(!bit, Ordering::SeqCst) & bit != 0
    }

    #[inline]
    fn contains(&self, signal: c_int) -> bool {
        let (word, bit) = self.word(signal);
        word.load(Ordering::SeqCst) & bit != 0
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.0[0].load(Ordering::Relaxed) | self.0[1].load(Ordering::Relaxed) == 0
    }

    #[inline]
    fn signals(&self) -> impl Iterator<Item = c_int> + '_ {
        (1..=MAX).filter(|signal| self.contains(*signal))
    }
}

/// One who wants signals: in a list that handlers walk.
struct Target {
    next: AtomicPtr<Target>,
    generation: Generation,
    /// The thread, as a number.
    thread: usize,
    reader: Fd,
    writer: Fd,
    wanted: Bits,
    /// How many records are in the pipe, or about to be.
    count: AtomicU32,
    /// The standard signals of which a record is there.
    waiting: Bits,
    /// Those for whose record there was no room.
    unwritten: Bits,
    /// The real-time signals that a handler has blocked.
    held: Bits,
    /// Those that the thread had blocked before, and that are to be blocked again.
    blocked_before: Bits,
}

/// The newest of those who want signals.
static FIRST: AtomicPtr<Target> = AtomicPtr::new(ptr::null_mut());

/// The process whose handlers write to pipes. What was forked since is another, also where the number is the same, in a
/// namespace of its own.
static PROCESS: AtomicI32 = AtomicI32::new(0);

/// Whether a thread changes who wants signals.
static CHANGING: AtomicBool = AtomicBool::new(false);

/// Who is looking through the list, by whether the epoch was even or odd when they began.
static INSIDE: [AtomicU32; 2] = [AtomicU32::new(0), AtomicU32::new(0)];
static EPOCH: AtomicU32 = AtomicU32::new(0);

/// What was done about each signal before, of those that are handled here. All-zero is the default action.
struct Former(UnsafeCell<[MaybeUninit<sigaction>; MAX as usize + 1]>);

// SAFETY: it is written while `CHANGING` is held, and read while it is, or in a forked child.
unsafe impl Sync for Former {}

static FORMER: Former = Former(UnsafeCell::new([MaybeUninit::zeroed(); MAX as usize + 1]));

impl Former {
    /// The signal is one that can be received.
    #[inline]
    fn of(&self, signal: c_int) -> *mut sigaction {
        // SAFETY: no signal is beyond MAX.
        unsafe { self.0.get().cast::<sigaction>().add(signal as usize) }
    }
}

/// In a forked child: nobody else is there, and nothing is handled for the parent.
pub(crate) fn forked() {
    PROCESS.store(0, Ordering::SeqCst);
    CHANGING.store(false, Ordering::SeqCst);
    for inside in &INSIDE {
        inside.store(0, Ordering::SeqCst);
    }
}

/// Looks through those who want signals, of this process. A handler may do it at any time, and none goes meanwhile.
#[inline]
fn visit(mut each: impl FnMut(&Target)) {
    let epoch = EPOCH.load(Ordering::SeqCst);
    let inside = if epoch & 1 == 0 { &INSIDE[0] } else { &INSIDE[1] };
    inside.fetch_add(1, Ordering::SeqCst);
    let mut next = FIRST.load(Ordering::SeqCst);
    // SAFETY: what is in the list is freed when nobody is inside who could have found it there.
    while let Some(target) = unsafe { next.as_ref() } {
        if target.generation.is_current() {
            each(target);
        }
        next = target.next.load(Ordering::SeqCst);
    }
    inside.fetch_sub(1, Ordering::SeqCst);
}

/// Waits until everybody is out who was in when it was called.
fn wait_for_visitors() {
    // Who is late goes by the epoch before, so that both have to be empty once; and those who come meanwhile are
    // counted by the other.
    for _ in 0..2 {
        let epoch = EPOCH.fetch_add(1, Ordering::SeqCst);
        let inside = if epoch & 1 == 0 { &INSIDE[0] } else { &INSIDE[1] };
        while inside.load(Ordering::SeqCst) != 0 {
            sys::yield_now();
        }
    }
}

fn is_wanted(signal: c_int) -> bool {
    let mut wanted = false;
    visit(|target| wanted |= target.wanted.contains(signal));
    wanted
}

/// What a handler writes down.
#[repr(C)]
#[derive(Copy, Clone, Default)]
struct Record {
    signal: c_int,
    code: c_int,
    /// Which of the others there are.
    known: u32,
    pid: i32,
    uid: u32,
    status: i32,
    value: i32,
}

const SENDER: u32 = 1;
const STATUS: u32 = 2;
const VALUE: u32 = 4;

impl Record {
    /// # Safety
    ///
    /// It is what the system tells the handler of this signal.
    #[cfg(epoll)]
    #[inline]
    unsafe fn of(signal: c_int, info: *const siginfo_t) -> Record {
        // SAFETY: the caller's promise.
        let info = unsafe { &*info };
        let mut record = Record { signal, code: info.si_code, ..Record::default() };
        // Which members there are, see `sigaction(2)`.
        let of_child = signal == libc::SIGCHLD && record.code > 0;
        if of_child
            || matches!(
                record.code,
                libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL | libc::SI_MESGQ
            )
        {
            record.known |= SENDER;
            // SAFETY: these are there.
            (record.pid, record.uid) = unsafe { (info.si_pid(), info.si_uid()) };
        }
        if of_child {
            record.known |= STATUS;
            // SAFETY: it is there.
            record.status = unsafe { info.si_status() };
        }
        if matches!(record.code, libc::SI_QUEUE | libc::SI_TIMER | libc::SI_MESGQ) {
            record.known |= VALUE;
            // SAFETY: it is there, a union of a pointer and an `int`, which is at its beginning.
            record.value = unsafe { ptr::from_ref(&info.si_value()).cast::<i32>().read() };
        }
        record
    }

    /// # Safety
    ///
    /// None: nothing is known of what else these systems tell.
    #[cfg(kqueue)]
    #[inline]
    unsafe fn of(signal: c_int, _: *const siginfo_t) -> Record {
        Record { signal, ..Record::default() }
    }
}

/// The handler. Another signal does not interrupt it. It calls nothing but what may be called in one, and uses no
/// thread-local but errno, which is as before.
extern "C" fn on_signal(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    sys::keeping_errno(|| {
        // SAFETY: it takes nothing.
        let process = unsafe { libc::getpid() };
        // A child of `vfork` has the memory of its parent, and must not be counted in it.
        if process != PROCESS.load(Ordering::SeqCst) {
            restore(signal);
            send(signal);
            return;
        }
        // SAFETY: the system tells it.
        let record = unsafe { Record::of(signal, info) };
        let mut wanted = false;
        visit(|target| {
            if target.wanted.contains(signal) {
                wanted = true;
                sanitizers::acquire(target);
                target.put(&record, info, context);
                sanitizers::release(target);
            }
        });
        if !wanted {
            give_back(signal);
        }
    });
}

/// Nobody wants the signal any more, or not yet.
#[cold]
fn give_back(signal: c_int) {
    // Whoever changes that in this thread is not interrupted, so that only another may be at it: then it comes again.
    if !CHANGING.swap(true, Ordering::SeqCst) {
        if !is_wanted(signal) {
            restore(signal);
        }
        CHANGING.store(false, Ordering::SeqCst);
    }
    send(signal);
}

/// Sends a signal to this process.
#[inline]
fn send(signal: c_int) {
    // SAFETY: no pointer is passed.
    unsafe { libc::kill(libc::getpid(), signal) };
}

impl Target {
    /// Writes a record down, unless one stands for it already.
    #[inline]
    fn put(&self, record: &Record, info: *const siginfo_t, context: *mut c_void) {
        let signal = record.signal;
        let queued = signal >= FIRST_QUEUED;
        if !queued && !self.waiting.insert(signal) {
            return;
        }
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        let written = self.write(record);
        if !written {
            self.count.fetch_sub(1, Ordering::SeqCst);
        }
        // SAFETY: the context is the handler's.
        if queued && (count >= HIGH || !written) && unsafe { block_at_return(context, signal) } {
            self.held.insert(signal);
            // Back to where it came from, before what waits there.
            if written || queue_again(signal, info) {
                return;
            }
        }
        if !written {
            self.unwritten.insert(signal);
        }
    }

    #[inline]
    fn write(&self, record: &Record) -> bool {
        sanitizers::written(record, 1);
        let record = ptr::from_ref(record).cast();
        // SAFETY: the pointer and the length are those of a record.
        unsafe {
            libc::write(self.writer.raw(), record, size_of::<Record>())
                == size_of::<Record>() as isize
        }
    }

    fn read(&self) -> io::Result<Option<Record>> {
        let mut record = MaybeUninit::<Record>::uninit();
        let room = record.as_mut_ptr().cast();
        // SAFETY: there is room for one record.
        match unsafe { syscall!(read(self.reader.raw(), room, size_of::<Record>())) } {
            Ok(n) if n as usize == size_of::<Record>() => {
                // SAFETY: a whole one was written, of which each bit pattern is valid.
                Ok(Some(unsafe { record.assume_init() }))
            }
            // A record is written and read as a whole: the descriptor was closed behind our back, and is somebody
            // else's now.
            Ok(_) => Err(io::Error::from_raw_os_error(libc::EBADF)),
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {
                ignore(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A record is not there any more.
    fn taken(&self, signal: c_int) {
        self.count.fetch_sub(1, Ordering::SeqCst);
        self.waiting.remove(signal);
    }

    /// Lets in what a handler has blocked, if there is room.
    fn let_in(&self) {
        if self.held.is_empty() || self.count.load(Ordering::SeqCst) > LOW {
            return;
        }
        let mut room = Set::empty();
        for signal in self.held.signals() {
            let mut full = false;
            visit(|target| {
                full |=
                    target.wanted.contains(signal) && target.count.load(Ordering::SeqCst) >= HIGH;
            });
            if !full && self.held.remove(signal) {
                // It is the number of a signal, as it comes from a set.
                let _ = room.add(signal);
            }
        }
        change_mask(libc::SIG_UNBLOCK, &room);
    }
}

/// Has the signal blocked where the handler returns to: what it blocks itself ends with it. Returns false where there
/// are no real-time signals, or where the libc crate does not know the mask.
///
/// # Safety
///
/// The context is what the system has handed to the handler.
#[inline]
unsafe fn block_at_return(context: *mut c_void, signal: c_int) -> bool {
    #[cfg(all(
        epoll,
        any(
            target_arch = "x86_64",
            target_arch = "x86",
            target_arch = "aarch64",
            target_arch = "arm",
            target_arch = "riscv64",
            target_arch = "s390x",
            target_arch = "loongarch64",
        ),
        any(not(target_os = "android"), target_arch = "aarch64"),
    ))]
    {
        let context = context.cast::<libc::ucontext_t>();
        // SAFETY: the caller's promise. The kernel's set may be shorter than the C library's: nothing is touched but the
        // word with the signal.
        return unsafe { libc::sigaddset(&raw mut (*context).uc_sigmask, signal) == 0 };
    }
    #[allow(unreachable_code)]
    {
        let _ = (context, signal);
        false
    }
}

/// Sends a signal to this thread once more, as it was.
#[cold]
fn queue_again(signal: c_int, info: *const siginfo_t) -> bool {
    #[cfg(epoll)]
    // SAFETY: the pointer is that of a siginfo. A thread may say so of itself, whoever has sent it.
    unsafe {
        let thread = libc::syscall(libc::SYS_gettid);
        libc::syscall(libc::SYS_rt_tgsigqueueinfo, libc::getpid(), thread, signal, info) == 0
    }
    #[cfg(kqueue)]
    {
        let _ = (signal, info);
        false
    }
}

fn handler() -> usize {
    on_signal as *const () as usize
}

/// Has a signal handled here.
fn install(signal: c_int) -> io::Result<()> {
    // SAFETY: all-zero is a valid one; the mask is initialised by the call.
    let mut ours: sigaction = unsafe { std::mem::zeroed() };
    ours.sa_sigaction = handler();
    // On the stack for signals of a thread that has one, as in a program of Go.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // A call that reads from a terminal or writes to it in the background would be begun anew for ever.
    if !matches!(signal, libc::SIGTTIN | libc::SIGTTOU) {
        ours.sa_flags |= libc::SA_RESTART;
    }
    let mut former = ours;
    sanitizers::written(&ours, 1);
    // SAFETY: the set and both actions are valid, and the handler may be called at any time.
    unsafe {
        libc::sigfillset(&mut ours.sa_mask);
        syscall!(sigaction(signal, &ours, &mut former))?;
    }
    if former.sa_sigaction != handler() {
        // SAFETY: nobody else looks at it, see `Former`.
        unsafe { FORMER.of(signal).write(former) };
    }
    Ok(())
}

/// Has done about a signal what was done before, unless the program has changed that.
fn restore(signal: c_int) {
    // SAFETY: all-zero is a valid one.
    let mut current: sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: the actions are valid; see `Former`. It cannot fail: the signal can be handled.
    unsafe {
        libc::sigaction(signal, ptr::null(), &mut current);
        if current.sa_sigaction == handler() {
            libc::sigaction(signal, FORMER.of(signal), ptr::null_mut());
        }
    }
}

/// While it lives, no other thread changes who wants signals, and none is handled in this one.
struct Changing {
    /// What is blocked in this thread after it.
    mask: Set,
}

impl Changing {
    fn begin() -> Changing {
        let mask = change_mask(libc::SIG_SETMASK, &Set::full());
        while CHANGING.swap(true, Ordering::SeqCst) {
            sys::yield_now();
        }
        Changing { mask }
    }
}

impl Drop for Changing {
    #[inline]
    fn drop(&mut self) {
        CHANGING.store(false, Ordering::SeqCst);
        change_mask(libc::SIG_SETMASK, &self.mask);
    }
}

/// Signals that are caught for as long as this lives. Its descriptor is readable while there are some to receive.
pub(crate) struct Caught {
    target: Cell<NonNull<Target>>,
}

impl Caught {
    pub(crate) fn new(signals: &Set) -> io::Result<Caught> {
        let generation = Generation::current()?;
        let (reader, writer) = pipe::new()?;
        // SAFETY: it takes nothing.
        let thread = unsafe { libc::pthread_self() } as usize;
        // SAFETY: the size is not zero.
        let target = unsafe { alloc(Layout::new::<Target>()) }.cast::<Target>();
        let target = NonNull::new(target).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: it was made for one.
        unsafe {
            target.write(Target {
                next: AtomicPtr::new(ptr::null_mut()),
                generation,
                thread,
                reader,
                writer,
                wanted: Bits::default(),
                count: AtomicU32::new(0),
                waiting: Bits::default(),
                unwritten: Bits::default(),
                held: Bits::default(),
                blocked_before: Bits::default(),
            });
        }
        let caught = Caught { target: Cell::new(target) };
        let mut changing = Changing::begin();
        // SAFETY: it takes nothing.
        PROCESS.store(unsafe { libc::getpid() }, Ordering::SeqCst);
        caught.target().next.store(FIRST.load(Ordering::SeqCst), Ordering::SeqCst);
        sanitizers::release(target.as_ptr());
        FIRST.store(target.as_ptr(), Ordering::SeqCst);
        for signal in signals.signals() {
            if let Err(error) = caught.target().want(signal, &mut changing) {
                // It begins another one.
                drop(changing);
                drop(caught);
                return Err(error);
            }
        }
        drop(changing);
        Ok(caught)
    }

    #[inline]
    fn target(&self) -> &Target {
        // SAFETY: it lives as long as this.
        unsafe { self.target.get().as_ref() }
    }

    /// In a child that was forked since, makes another of it, as it would take its parent's signals.
    fn make_ours(&self) -> io::Result<()> {
        if self.target().generation.is_current() {
            return Ok(());
        }
        let new = Caught::new(&self.wanted())?;
        self.target.swap(&new.target);
        Ok(())
    }

    fn wanted(&self) -> Set {
        let mut wanted = Set::empty();
        for signal in self.target().wanted.signals() {
            // It is the number of a signal, as it comes from a set.
            let _ = wanted.add(signal);
        }
        wanted
    }

    pub(crate) fn contains(&self, signal: c_int) -> bool {
        (1..=MAX).contains(&signal) && self.target().wanted.contains(signal)
    }

    /// Catches another signal, which can be caught and is not here yet.
    pub(crate) fn add(&self, signal: c_int) -> io::Result<()> {
        self.make_ours()?;
        self.target().want(signal, &mut Changing::begin())
    }

    /// Catches a signal no more that is here.
    pub(crate) fn remove(&self, signal: c_int) {
        let mut changing = Changing::begin();
        self.target().unwant(signal, &mut changing);
        self.target().give_back();
    }

    /// Receives a signal.
    pub(crate) fn receive(&self) -> io::Result<Option<Info>> {
        self.make_ours()?;
        let target = self.target();
        let unwritten = target.unwritten.signals().find(|signal| target.unwritten.remove(*signal));
        if let Some(signal) = unwritten {
            target.waiting.remove(signal);
            return Ok(Some(Info { signal, ..Info::default() }));
        }
        let record = target.read()?;
        if let Some(record) = &record {
            target.taken(record.signal);
        }
        target.let_in();
        Ok(record.map(Info::of))
    }

    /// Makes the children of a command start without the signals being blocked.
    pub(crate) fn unblock_in_child(&self, command: &mut Command) {
        let ours = self.wanted();
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

impl Target {
    fn want(&self, signal: c_int, changing: &mut Changing) -> io::Result<()> {
        // Before the handler, which finds it then.
        self.wanted.insert(signal);
        if let Err(error) = install(signal) {
            self.wanted.remove(signal);
            return Err(error);
        }
        if changing.mask.contains(signal) {
            changing.mask.remove(signal);
            self.blocked_before.insert(signal);
        }
        Ok(())
    }

    fn unwant(&self, signal: c_int, changing: &mut Changing) {
        self.wanted.remove(signal);
        // A handler that finds nobody also finds, then, that it is not installed.
        if !is_wanted(signal) {
            restore(signal);
        }
        if self.held.remove(signal) {
            changing.mask.remove(signal);
        }
        if self.blocked_before.remove(signal) {
            let mut kept = false;
            visit(|other| {
                if !kept && other.thread == self.thread && other.wanted.contains(signal) {
                    // Whoever is the last blocks it again.
                    kept = true;
                    other.blocked_before.insert(signal);
                }
            });
            // It is the number of a signal.
            let _ = !kept && changing.mask.add(signal);
        }
    }

    /// Has those act that were not received, are not wanted any more, and were not told to another.
    fn give_back(&self) {
        if !self.generation.is_current() {
            return;
        }
        // Whoever has found the signal wanted has written it down.
        wait_for_visitors();
        for _ in 0..self.count.load(Ordering::SeqCst) {
            let record = self.read().unwrap_or_else(|error| {
                ignore(error);
                None
            });
            let Some(record) = record else { break };
            let signal = record.signal;
            if !self.wanted.contains(signal) {
                self.taken(signal);
                self.act(signal);
            } else if !self.write(&record) {
                self.count.fetch_sub(1, Ordering::SeqCst);
                self.unwritten.insert(signal);
            }
        }
        for signal in self.unwritten.signals() {
            if !self.wanted.contains(signal) && self.unwritten.remove(signal) {
                self.waiting.remove(signal);
                self.act(signal);
            }
        }
    }

    fn act(&self, signal: c_int) {
        if !is_wanted(signal) {
            send(signal);
        }
    }
}

// What is in the cell is always whole.
impl RefUnwindSafe for Caught {}

impl AsRawFd for Caught {
    /// Whoever asks for it is about to register it.
    fn as_raw_fd(&self) -> RawFd {
        // Receiving fails, then.
        self.make_ours().unwrap_or_else(ignore);
        self.target().reader.raw()
    }
}

impl AsFd for Caught {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.make_ours().unwrap_or_else(ignore);
        self.target().reader.borrow()
    }
}

impl fmt::Debug for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.target().wanted.signals()).finish()
    }
}

impl Drop for Caught {
    #[inline]
    fn drop(&mut self) {
        close(self.target.get());
    }
}

/// Undoes what `Caught::new` has done. As a function of C, of which whoever drops knows that it does not unwind.
extern "C" fn close(target: NonNull<Target>) {
    let mut changing = Changing::begin();
    // SAFETY: it lives until the end of this.
    let closed = unsafe { target.as_ref() };
    for signal in closed.wanted.signals() {
        closed.unwant(signal, &mut changing);
    }
    let mut place = &FIRST;
    loop {
        let found = place.load(Ordering::SeqCst);
        if found == target.as_ptr() || found.is_null() {
            break;
        }
        // SAFETY: nobody else changes the list, or frees what is in it.
        place = unsafe { &(*found).next };
    }
    place.store(closed.next.load(Ordering::SeqCst), Ordering::SeqCst);
    closed.give_back();
    sanitizers::acquire(target.as_ptr());
    // SAFETY: it was made with this layout, and nobody has it any more.
    unsafe {
        ptr::drop_in_place(target.as_ptr());
        dealloc(target.as_ptr().cast(), Layout::new::<Target>());
    }
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

impl Info {
    fn of(record: Record) -> Info {
        let known = |what| record.known & what != 0;
        Info {
            signal: record.signal,
            code: record.code,
            sender: known(SENDER).then_some((record.pid, record.uid)),
            status: known(STATUS).then_some(record.status),
            value: known(VALUE).then_some(record.value),
        }
    }
}
