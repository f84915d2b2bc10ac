//! The backend for macOS, iOS and the BSDs. The manual page: `kqueue(2)`.
//!
//! A registration is one or more notes of the kernel's, one for each filter, and an entry in a table of
//! ours. Alone the kernel would let a descriptor be registered twice, would disarm one filter of a
//! oneshot registration and not the other, and would tell the ends of both directions apart but never
//! together. The table is checked, not trusted: closing a descriptor removes its notes, and then its
//! number is used again.
//!
//! A change is applied when it is asked for, and not kept for the next wait: by then the number may mean
//! another descriptor.

use std::cell::RefCell;
use std::io;
use std::mem::{self, ManuallyDrop, MaybeUninit};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use libc::c_int;

use crate::event::{Event, Ready};
use crate::poll::{Interests, PollOption};
#[cfg(not(evfilt_user))]
use crate::sys::keeping_errno;
use crate::sys::{self, Fd, Generation, Shared, socket};

/// What `<sys/event.h>` declares. Nothing else reaches the system's `kqueue` and `kevent`.
#[cfg(not(kqueue_simulated))]
use libc as sys_event;
/// As above, on Linux, for tests.
#[cfg(kqueue_simulated)]
#[path = "../../tests/kqueue_simulator/mod.rs"]
mod sys_event;

use self::sys_event::kevent as Kevent;
pub(crate) use self::sys_event::{EV_ADD, EVFILT_PROC, NOTE_EXIT};
use self::sys_event::{
    EV_CLEAR, EV_DELETE, EV_DISABLE, EV_DISPATCH, EV_EOF, EV_ONESHOT, EV_RECEIPT, EVFILT_READ,
    EVFILT_TIMER, EVFILT_WRITE, NOTE_LOWAT,
};
#[cfg(evfilt_user)]
use self::sys_event::{EVFILT_USER, NOTE_TRIGGER};

#[cfg(target_os = "netbsd")]
type Filter = u32;
#[cfg(not(target_os = "netbsd"))]
type Filter = i16;

#[cfg(target_os = "netbsd")]
type Flags = u32;
#[cfg(not(target_os = "netbsd"))]
type Flags = u16;

#[cfg(target_os = "netbsd")]
type Count = usize;
#[cfg(not(target_os = "netbsd"))]
type Count = c_int;

/// The struct of the libc crate is what tests/kevent_layout.c finds in the system's own header.
#[cfg(all(target_pointer_width = "64", any(target_vendor = "apple", target_os = "freebsd")))]
const _: () = {
    let size = if cfg!(target_os = "freebsd") { 64 } else { 32 };
    assert!(size_of::<Kevent>() == size);
    assert!(mem::offset_of!(Kevent, ident) == 0);
    assert!(mem::offset_of!(Kevent, filter) == 8);
    assert!(mem::offset_of!(Kevent, flags) == 10);
    assert!(mem::offset_of!(Kevent, fflags) == 12);
    assert!(mem::offset_of!(Kevent, data) == 16);
    assert!(mem::offset_of!(Kevent, udata) == 24);
};

/// The longest wait in nanoseconds: 2^50, about 13 days, which every kernel takes. Darwin before 10.15 answers
/// EINVAL beyond 10^8 seconds (`itimerfix` in bsd/kern/kern_time.c), later ones beyond 2^31; FreeBSD waits for
/// ever beyond 2^31 (`tvtosbt` in sys/kern/kern_event.c).
pub(crate) const MAX_WAIT: u64 = 1 << 50;

/// How many nanoseconds later than asked for a wait may end, beyond 50 µs. On FreeBSD that is a sixteenth of it
/// (`tc_precexp` in kqueue_kevent, which is made of kern.timecounter.alloweddeviation); the others are taken to be
/// like Linux.
pub(crate) fn stretch(wait: u64, _nice: bool) -> u64 {
    wait / if cfg!(kernel = "freebsd") { 16 } else { 1000 }
}

/// Whether the kernel makes waits longer for processes that are nice. None of them does.
pub(crate) fn is_nice() -> bool {
    false
}

/// The most events that a poll may have room for: as many as the kernel could be asked for.
pub(crate) const MAX_EVENTS: usize = c_int::MAX as usize / size_of::<Kevent>();

/// A registration belongs to the descriptor, and ends when that is closed.
pub(crate) const CLOSING_DEREGISTERS: bool = true;

/// The most events of one call to the kernel: the rest is left for the next poll.
const BATCH: usize = 1024;

/// A kqueue.
#[derive(Debug)]
pub(crate) struct Queue {
    fd: ManuallyDrop<Fd>,
    generation: Generation,
}

impl Queue {
    pub(crate) fn new() -> io::Result<Queue> {
        let generation = Generation::current()?;
        // SAFETY: no pointer is passed, and the new descriptor is ours.
        let fd = unsafe { Fd::new(check(sys_event::kqueue())?) };
        // For an `exec` of this process; a child does not inherit a kqueue.
        // SAFETY: no pointer is passed.
        unsafe { syscall!(fcntl(fd.raw(), libc::F_SETFD, libc::FD_CLOEXEC)) }?;
        Ok(Queue { fd: ManuallyDrop::new(fd), generation })
    }

    /// Whether this is still the process that made it: a forked child has not inherited it.
    fn is_ours(&self) -> bool {
        self.generation.is_current()
    }

    /// Applies one change.
    pub(crate) fn change(&self, change: Kevent) -> io::Result<()> {
        let mut change = [change];
        self.apply(&mut change)?;
        receipt(&change[0])
    }

    /// Applies changes, with EV_RECEIPT: they become their receipts, and no event is taken.
    fn apply(&self, changes: &mut [Kevent]) -> io::Result<()> {
        for change in changes.iter_mut() {
            change.flags |= EV_RECEIPT;
        }
        let count = changes.len() as Count;
        let changes = changes.as_mut_ptr();
        let now = timespec(0);
        // SAFETY: there are `count` changes, and room for as many receipts; the manual allows them to be
        // in the same place.
        let result =
            unsafe { sys_event::kevent(self.fd.raw(), changes, count, changes, count, &now) };
        check(result).map(drop)
    }

    /// Applies changes, waits for at most `timeout` nanoseconds (`None`: for ever) and writes events to the
    /// beginning of `events`; returns how many.
    fn call(
        &self,
        changes: &[Kevent],
        events: &mut [MaybeUninit<Kevent>],
        timeout: Option<u64>,
    ) -> io::Result<usize> {
        let timeout = timeout.map(timespec);
        // SAFETY: the pointers and the lengths are those of slices, one of them ours to write, and the
        // timeout lives through the call.
        let result = unsafe {
            sys_event::kevent(
                self.fd.raw(),
                changes.as_ptr(),
                changes.len() as Count,
                events.as_mut_ptr().cast(),
                events.len() as Count,
                timeout.as_ref().map_or(ptr::null(), ptr::from_ref),
            )
        };
        check(result).map(|count| count as usize)
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.borrow()
    }
}

impl AsRawFd for Queue {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.raw()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // In a forked child the number may be somebody else's.
        if self.is_ours() {
            // SAFETY: it is not used after this.
            unsafe { ManuallyDrop::drop(&mut self.fd) };
        }
    }
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn timespec(nanos: u64) -> libc::timespec {
    const NANOS_PER_SEC: u64 = 1_000_000_000;
    libc::timespec {
        tv_sec: (nanos / NANOS_PER_SEC) as libc::time_t,
        tv_nsec: (nanos % NANOS_PER_SEC) as libc::c_long,
    }
}

/// A change.
pub(crate) fn change(ident: usize, filter: Filter, flags: Flags, fflags: u32, id: usize) -> Kevent {
    // SAFETY: all-zero is a valid kevent: it is made of integers and a pointer. (It cannot be written out,
    // as some systems have more fields than others.)
    let mut change: Kevent = unsafe { mem::zeroed() };
    change.ident = ident;
    change.filter = filter;
    change.flags = flags;
    change.fflags = fflags;
    change.udata = ptr::without_provenance_mut(id);
    change
}

/// A timer that fires once, after a millisecond.
pub(crate) fn timer() -> Kevent {
    let mut timer = change(0, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 0);
    timer.data = 1;
    timer
}

/// What became of a change.
fn receipt(receipt: &Kevent) -> io::Result<()> {
    match receipt.data {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno as c_int)),
    }
}

/// Sets of notes, and of directions.
type Notes = u8;
const READ: Notes = 1;
const WRITE: Notes = 2;
const PRIORITY: Notes = 4;
/// Says of a socket that it is not connected, of which the kernel says nothing.
const UNCONNECTED: Notes = 8;

/// The filter of each note.
const FILTERS: &[(Notes, Filter)] = &[
    (READ, EVFILT_READ),
    (WRITE, EVFILT_WRITE),
    #[cfg(evfilt_except)]
    (PRIORITY, sys_event::EVFILT_EXCEPT),
    #[cfg(evfilt_user)]
    (UNCONNECTED, EVFILT_USER),
];

fn note(filter: Filter) -> Notes {
    FILTERS.iter().find(|(_, known)| *known == filter).map_or(0, |(note, _)| *note)
}

/// Changes to the notes of one descriptor: at most all are deleted, and all are added, and one triggered.
struct Changes {
    all: [Kevent; 9],
    len: usize,
}

impl Changes {
    fn new() -> Changes {
        Changes { all: [change(0, EVFILT_READ, 0, 0, 0); 9], len: 0 }
    }

    /// The same change to each of the notes.
    fn push(&mut self, fd: RawFd, notes: Notes, flags: Flags, id: usize) {
        for (_, filter) in FILTERS.iter().filter(|(note, _)| notes & note != 0) {
            self.push_one(change(fd as usize, *filter, flags, 0, id));
        }
    }

    fn push_one(&mut self, change: Kevent) {
        self.all[self.len] = change;
        self.len += 1;
    }

    /// Adds the notes of an entry.
    fn push_additions(&mut self, fd: RawFd, entry: &Entry) {
        for (note, filter) in FILTERS.iter().filter(|(note, _)| entry.notes & note != 0) {
            self.push_one(entry.addition(fd, *note, *filter));
        }
        // In a change of its own: FreeBSD's kernel does not trigger what is added (kqueue_register,
        // filt_userattach in sys/kern/kern_event.c). And without EV_CLEAR, which would reset it.
        #[cfg(evfilt_user)]
        if entry.notes & UNCONNECTED != 0 {
            self.push_one(change(fd as usize, EVFILT_USER, 0, NOTE_TRIGGER, entry.id));
        }
    }

    /// Applies them, and returns their receipts.
    fn apply(&mut self, queue: &Queue) -> io::Result<&[Kevent]> {
        let changes = &mut self.all[..self.len];
        queue.apply(changes)?;
        Ok(changes)
    }
}

/// What a descriptor is, as far as it matters.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
enum Kind {
    /// Its two directions end one by one.
    Socket,
    /// The writing end of a pipe.
    Writer,
    /// An end of a pipe that is read and written: its two directions end at once.
    Both,
    /// The reading end of a pipe, a terminal, a kqueue.
    Other,
}

impl Kind {
    /// Regular files and folders are refused, as epoll does; kqueue would take them.
    ///
    /// FreeBSD, OpenBSD and DragonFly call both ends of a pipe fit for reading and writing (sys_pipe.c): which
    /// it is, the interests tell.
    fn of(fd: RawFd, interests: Interests) -> io::Result<Kind> {
        let mut stat = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: there is room for one `stat`, and the call has initialised it if it succeeds. A
        // descriptor may be any number.
        let stat = unsafe {
            syscall!(fstat(fd, stat.as_mut_ptr()))?;
            stat.assume_init()
        };
        Ok(match stat.st_mode & libc::S_IFMT {
            libc::S_IFREG | libc::S_IFDIR => return Err(io::Error::from_raw_os_error(libc::EPERM)),
            libc::S_IFSOCK => Kind::Socket,
            libc::S_IFIFO => {
                match (access(fd)?, interests.is_readable(), interests.is_writable()) {
                    (libc::O_WRONLY, ..) | (libc::O_RDWR, false, _) => Kind::Writer,
                    (libc::O_RDWR, true, true) => Kind::Both,
                    _ => Kind::Other,
                }
            }
            _ => Kind::Other,
        })
    }
}

fn access(fd: RawFd) -> io::Result<c_int> {
    // SAFETY: no pointer is passed.
    unsafe { syscall!(fcntl(fd, libc::F_GETFL)) }.map(|flags| flags & libc::O_ACCMODE)
}

/// Whether it is a stream socket that neither is connected nor connects nor listens, as far as can be
/// told: one that has an address of its own may be connecting.
fn is_unconnected(fd: RawFd) -> bool {
    // SAFETY: the descriptor is open, and not closed by this.
    let fd = ManuallyDrop::new(unsafe { Fd::new(fd) });
    let option = |name| socket::int_option(&fd, libc::SOL_SOCKET, name).unwrap_or(0);
    let not_connected = |error: io::Error| error.kind() == io::ErrorKind::NotConnected;
    socket::peer_addr(&*fd).is_err_and(not_connected)
        && option(libc::SO_TYPE) == libc::SOCK_STREAM
        && option(libc::SO_ACCEPTCONN) == 0
        && socket::local_addr(&*fd)
            .and_then(|address| SocketAddr::try_from(&address))
            .map_or(true, |address| address.port() == 0)
}

const NOTHING: Ready = Ready::from_bits(0);

/// A registration.
#[derive(Copy, Clone, Debug)]
struct Entry {
    kind: Kind,
    interests: Interests,
    option: PollOption,
    /// The notes that the kernel has been given.
    notes: Notes,
    /// The directions that have ended, as far as is known.
    ended: Notes,
    /// The notes that have had an event in this batch.
    fired: Notes,
    /// If there are some: where the event of this batch is.
    position: u32,
    id: usize,
}

impl Entry {
    fn new(kind: Kind, id: u64, interests: Interests, option: PollOption) -> io::Result<Entry> {
        if interests.is_priority() && !cfg!(evfilt_except) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        // The kernel keeps as many bits as a pointer has.
        let id = usize::try_from(id).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
        let notes = [
            (interests.is_readable(), READ),
            (interests.is_writable(), WRITE),
            (interests.is_priority(), PRIORITY),
        ];
        let mut notes =
            notes.into_iter().filter(|(asked, _)| *asked).fold(0, |all, (_, n)| all | n);
        if interests.is_empty() {
            // It is never reported, but ends with the descriptor: see `addition` and `is_alive`.
            notes = READ;
        } else if kind == Kind::Writer {
            // It tells that the reader is gone where a note for writing does not: on NetBSD and OpenBSD that
            // sleeps for ever if the pipe is full (pipeclose, pipe_destroy in sys/kern/sys_pipe.c).
            notes |= READ;
        }
        if kind == Kind::Socket && notes == PRIORITY {
            // On OpenBSD and DragonFly the filter for exceptions tells of no end and no error (filt_soexcept).
            notes |= READ;
        }
        Ok(Entry { kind, interests, option, notes, ended: 0, fired: 0, position: 0, id })
    }

    /// Notes that a socket is not connected, if it is so and that is to be told.
    fn note_unconnected(&mut self, fd: RawFd) {
        if !self.interests.is_empty() && is_unconnected(fd) {
            self.notes |= UNCONNECTED;
        }
    }

    /// The notes that are wanted for what the interests do not ask for.
    fn hidden(&self) -> Notes {
        let read = if self.interests.is_readable() { 0 } else { self.notes & READ };
        let write = if self.interests.is_writable() { 0 } else { self.notes & WRITE };
        read | write
    }

    /// The notes that have an event only when something has changed, whatever the option.
    fn clearing(&self) -> Notes {
        PRIORITY | if self.kind == Kind::Socket { self.hidden() } else { 0 }
    }

    /// The change that adds a note. Oneshot is not EV_ONESHOT, which would delete the one note that has an
    /// event and leave the others.
    fn addition(&self, fd: RawFd, note: Notes, filter: Filter) -> Kevent {
        let flags = match self.option {
            _ if self.interests.is_empty() => EV_DISABLE,
            _ if self.clearing() & note != 0 => EV_CLEAR,
            PollOption::Edge => EV_CLEAR,
            PollOption::Level => 0,
            PollOption::Oneshot => EV_DISPATCH,
        };
        let mut addition = change(fd as usize, filter, EV_ADD | flags, 0, self.id);
        if self.clearing() & note != 0 && !self.interests.is_empty() {
            // Above this mark, which some kernels take to be the size of the buffer, are few events but the
            // end. (On Darwin EVFILT_EXCEPT is told of plain data, too: filt_soread_common.)
            addition.fflags = NOTE_LOWAT | if note == PRIORITY { OUT_OF_BAND } else { 0 };
            addition.data = i64::MAX as _;
        }
        addition
    }

    /// What an event means by the table of behaviours.md; nothing, if epoll would report nothing.
    #[allow(clippy::bad_bit_mask)] // Some systems have no mark of data out of band: then it is zero.
    fn translate(&mut self, fd: RawFd, note: Notes, event: &Kevent) -> Ready {
        let plain = match note {
            UNCONNECTED if is_unconnected(fd) => return self.hang_up(),
            UNCONNECTED => return NOTHING,
            // With an end these are not flags but an error, one of whose bits may be the same.
            PRIORITY if event.flags & EV_EOF == 0 && event.fflags & OUT_OF_BAND != 0 => {
                Ready::PRIORITY
            }
            READ if self.interests.is_readable() => Ready::READABLE,
            WRITE if self.interests.is_writable() => Ready::WRITABLE,
            _ => NOTHING,
        };
        match self.kind {
            _ if event.flags & EV_EOF == 0 => plain,
            Kind::Socket => self.end_of_socket(note, plain, event),
            // A write does not wait, for it fails. The kernels do not tell whether there was room.
            Kind::Writer if self.interests.is_writable() => Ready::WRITABLE | Ready::ERROR,
            Kind::Writer => Ready::ERROR,
            Kind::Both => self.hang_up(),
            Kind::Other => HANG_UP,
        }
    }

    fn end_of_socket(&mut self, note: Notes, plain: Ready, event: &Kevent) -> Ready {
        self.ended |= if note == WRITE { WRITE } else { READ };
        // Here, and with no other event of a socket, these are no flags but the socket's error.
        let failed = note != PRIORITY && event.fflags != 0;
        let error = if failed { Ready::ERROR } else { NOTHING };
        if self.ended == READ | WRITE {
            plain | error | self.hang_up()
        } else if note == READ && self.interests.is_readable() {
            plain | error | Ready::READ_CLOSED
        } else {
            // This side has shut down writing, and knows it; or nobody asked.
            plain | error
        }
    }

    /// The direction of a socket that has not ended, as far as is known, and has no note. The kernel tells its
    /// end with the events of that direction only.
    fn untold(&self) -> Notes {
        match self.kind {
            Kind::Socket if self.ended != 0 => (READ | WRITE) & !self.ended & !self.notes,
            _ => 0,
        }
    }

    /// Both directions of a socket have ended.
    fn hang_up(&self) -> Ready {
        if self.interests.is_writable() { HANG_UP | Ready::WRITABLE } else { HANG_UP }
    }
}

/// Whatever the interests: READABLE, so that whoever waits for it reads the end of file.
const HANG_UP: Ready = Ready::from_bits(
    Ready::READABLE.bits()
        | Ready::READ_CLOSED.bits()
        | Ready::WRITE_CLOSED.bits()
        | Ready::HUP.bits(),
);

#[cfg(evfilt_except)]
const OUT_OF_BAND: u32 = sys_event::NOTE_OOB;
#[cfg(not(evfilt_except))]
const OUT_OF_BAND: u32 = 0;

/// What became of deletions: an error, if the kernel had not all the notes.
fn deleted(receipts: &[Kevent]) -> io::Result<()> {
    receipts.iter().try_for_each(receipt)
}

/// What became of additions; on success, the notes that the kernel has not taken because the reader of the
/// pipe is gone.
fn added(receipts: &[Kevent]) -> io::Result<Notes> {
    let mut broken = 0;
    for addition in receipts {
        let note = note(addition.filter);
        match (note, receipt(addition)) {
            (_, Ok(())) => {}
            // EBADF, of an open descriptor, is NetBSD's (pipe_kqfilter in sys/kern/sys_pipe.c, up to 10).
            (WRITE, Err(error))
                if matches!(error.raw_os_error(), Some(libc::EPIPE | libc::EBADF)) =>
            {
                broken |= note;
            }
            // A system from before the filter.
            (PRIORITY, Err(error)) if error.raw_os_error() == Some(libc::EINVAL) => {
                return Err(io::ErrorKind::Unsupported.into());
            }
            (_, Err(error)) => return Err(error),
        }
    }
    Ok(broken)
}

/// The error of a descriptor that is not registered, which is epoll's: EBADF if it is not open, EPERM if it
/// is a regular file or a folder, ENOENT otherwise.
fn unregistered(fd: RawFd) -> io::Error {
    Kind::of(fd, Interests::READABLE)
        .err()
        .unwrap_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
}

#[derive(Debug)]
pub(crate) struct Selector {
    /// Shared with the wakers, so that it is not closed while a wake may be on its way.
    queue: Shared<Queue>,
    /// Shared with other threads that register. It is not held while the kernel is waited for.
    table: Shared<Mutex<Table>>,
    state: RefCell<State>,
}

/// What is registered.
#[derive(Debug)]
struct Table {
    /// By descriptor.
    entries: Vec<Option<Entry>>,
    /// How many wakers there were.
    #[cfg(evfilt_user)]
    wakers: usize,
}

/// What a poll needs.
#[derive(Debug)]
struct State {
    /// What the kernel reports, before it is translated; there is room for [`BATCH`] events.
    batch: Vec<Kevent>,
    /// What to change when the batch has been translated.
    changes: Vec<Kevent>,
    /// The descriptors that have an event in this poll; there is room for [`BATCH`] of them.
    fired: Vec<RawFd>,
    /// Of some, the kernel is to be asked whether the other direction has ended.
    asks: bool,
}

impl Selector {
    pub(crate) fn new() -> io::Result<Selector> {
        let mut batch = Vec::new();
        batch.try_reserve_exact(BATCH)?;
        let mut fired = Vec::new();
        fired.try_reserve_exact(BATCH)?;
        let state = State { batch, changes: Vec::new(), fired, asks: false };
        let table = Table {
            entries: Vec::new(),
            #[cfg(evfilt_user)]
            wakers: 0,
        };
        Ok(Selector {
            queue: Shared::new(Queue::new()?)?,
            table: Shared::new(Mutex::new(table))?,
            state: RefCell::new(state),
        })
    }

    /// What other threads register with.
    pub(crate) fn remote(&self) -> io::Result<Remote> {
        Ok(Remote { queue: self.queue.try_clone()?, table: self.table.try_clone()? })
    }

    pub(crate) fn register(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        lock(&self.table).register(&self.queue, fd, id, interests, option)
    }

    /// No kqueue wakes one of several.
    pub(crate) fn register_exclusive(
        &self,
        _: RawFd,
        _: u64,
        _: Interests,
        _: PollOption,
    ) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn reregister(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        lock(&self.table).reregister(&self.queue, fd, id, interests, option)
    }

    pub(crate) fn deregister(&self, fd: RawFd) -> io::Result<()> {
        lock(&self.table).deregister(&self.queue, fd)
    }

    /// Registers a descriptor or reregisters it, whichever it takes.
    pub(crate) fn watch(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        lock(&self.table).watch(&self.queue, fd, id, interests, option)
    }

    /// As [`select`](Selector::select), with a timeout in milliseconds, which is 0 or -1 (for ever); `None` if it fails.
    ///
    /// # Safety
    ///
    /// There is room for `capacity` events at `events`.
    pub(crate) unsafe fn select_plainly(
        &self,
        events: *mut KernelEvent,
        capacity: usize,
        milliseconds: libc::c_int,
    ) -> Option<usize> {
        if !(1..=MAX_EVENTS).contains(&capacity) {
            return None;
        }
        // SAFETY: the caller's promise.
        let memory = unsafe { std::slice::from_raw_parts_mut(events.cast(), capacity) };
        let timeout = if milliseconds < 0 { None } else { Some(0) };
        self.select(memory, timeout).map_err(sys::ignore).ok()
    }

    /// Waits for at most `timeout` nanoseconds, up to [`MAX_WAIT`] (`None`: for ever), writes events to the
    /// beginning of `memory`, and returns how many. Never returns early, except by EINTR.
    pub(crate) fn select(
        &self,
        memory: &mut [MaybeUninit<KernelEvent>],
        timeout: Option<u64>,
    ) -> io::Result<usize> {
        let state = &mut *self.state.borrow_mut();
        let room = memory.len().min(BATCH);
        let reported = state.receive(&self.queue, room, timeout)?;
        let table = &mut *lock(&self.table);
        let mut count = state.translate(table, memory, 0);
        if mem::take(&mut state.asks) {
            state.change(table, &self.queue);
            // Those that have ended already say so at once: their event is one with that of this batch, which
            // has no room for others.
            if let Ok(1..) = state.receive(&self.queue, room - count, Some(0)) {
                count = state.translate(table, memory, count);
            }
        }
        state.end_batch(table);
        state.change(table, &self.queue);
        if count == 0 && reported > 0 && timeout != Some(0) {
            // Nothing that the caller wants to know, and the time has not passed.
            return Err(io::Error::from_raw_os_error(libc::EINTR));
        }
        Ok(count)
    }
}

/// Whoever panicked with the table has left it as it is after an error of the kernel's.
fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A selector as other threads see it.
#[derive(Debug)]
pub(crate) struct Remote {
    queue: Shared<Queue>,
    table: Shared<Mutex<Table>>,
}

// SAFETY: other threads only call kevent on the queue, which the kernel allows, and the table is locked. The queue is
// closed when the last of them has dropped its share.
unsafe impl Send for Remote {}
// SAFETY: as above.
unsafe impl Sync for Remote {}

impl Remote {
    pub(crate) fn register(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        lock(&self.table).register(&self.queue, fd, id, interests, option)
    }

    pub(crate) fn reregister(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        lock(&self.table).reregister(&self.queue, fd, id, interests, option)
    }

    pub(crate) fn deregister(&self, fd: RawFd) -> io::Result<()> {
        lock(&self.table).deregister(&self.queue, fd)
    }
}

/// Each change of the kernel's notes and of the table is one step to other threads.
impl Table {
    fn register(
        &mut self,
        queue: &Queue,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        if fd == queue.as_raw_fd() {
            // Some kernels say so, some take it, and NetBSD's panics.
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        let kind = Kind::of(fd, interests)?;
        let mut entry = Entry::new(kind, id, interests, option)?;
        let mut old = 0;
        if let Some(known) = self.entry(fd) {
            if is_alive(queue, fd, &known)? {
                return Err(io::Error::from_raw_os_error(libc::EEXIST));
            }
            // It does not belong to the descriptor, and was not removed with it.
            old = known.notes & UNCONNECTED;
        }
        if cfg!(evfilt_user) && kind == Kind::Socket {
            entry.note_unconnected(fd);
        }
        self.replace(queue, fd, old, entry)
    }

    fn reregister(
        &mut self,
        queue: &Queue,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        let known = self.find(fd)?;
        let kind = match known.kind {
            Kind::Socket => Kind::Socket,
            _ => Kind::of(fd, interests).unwrap_or(known.kind),
        };
        let mut entry = Entry::new(kind, id, interests, option)?;
        let was_unconnected = known.notes & UNCONNECTED != 0;
        let was_paused =
            cfg!(evfilt_user) && known.kind == Kind::Socket && known.interests.is_empty();
        if was_unconnected || was_paused {
            entry.note_unconnected(fd);
        }
        self.replace(queue, fd, known.notes, entry)
    }

    fn deregister(&mut self, queue: &Queue, fd: RawFd) -> io::Result<()> {
        let known = self.find(fd)?;
        self.forget(fd);
        let mut changes = Changes::new();
        changes.push(fd, known.notes, EV_DELETE, known.id);
        deleted(changes.apply(queue)?).map_err(|_| unregistered(fd))
    }

    /// Registers a descriptor or reregisters it, whichever it takes.
    fn watch(
        &mut self,
        queue: &Queue,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        if self.entry(fd).is_some() {
            match self.reregister(queue, fd, id, interests, option) {
                // Closed behind our back, and the number is another's.
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => sys::ignore(error),
                result => return result,
            }
        }
        self.register(queue, fd, id, interests, option)
    }

    fn entry(&self, fd: RawFd) -> Option<Entry> {
        *self.entries.get(usize::try_from(fd).ok()?)?
    }

    fn forget(&mut self, fd: RawFd) {
        self.entries[fd as usize] = None;
    }

    fn find(&self, fd: RawFd) -> io::Result<Entry> {
        self.entry(fd).ok_or_else(|| unregistered(fd))
    }

    /// Deletes the notes `old` and adds those of the entry, in one call.
    ///
    /// A note that is added again would keep its trigger (`kqueue_register` in FreeBSD's
    /// sys/kern/kern_event.c). After an error there is no registration.
    fn replace(
        &mut self,
        queue: &Queue,
        fd: RawFd,
        old: Notes,
        mut entry: Entry,
    ) -> io::Result<()> {
        self.make_room(fd)?;
        let mut changes = Changes::new();
        changes.push(fd, old, EV_DELETE, entry.id);
        changes.push_additions(fd, &entry);
        let receipts = changes.apply(queue)?;
        let (deletions, additions) = receipts.split_at(old.count_ones() as usize);
        let deleted = deleted(deletions).map_err(|_| unregistered(fd));
        match deleted.and_then(|()| added(additions)) {
            Ok(broken) => entry.notes &= !broken,
            Err(error) => {
                self.forget(fd);
                delete(queue, fd, entry.notes);
                return Err(error);
            }
        }
        if entry.notes == 0 {
            // The kernel takes no note for writing to a pipe whose reader is gone. It takes one for reading,
            // which has come to its end too: so its event says.
            entry.notes = READ;
            queue.change(entry.addition(fd, READ, EVFILT_READ))?;
        }
        self.entries[fd as usize] = Some(entry);
        Ok(())
    }

    /// Makes room in the table for a descriptor, which is open, so that its number is a small one.
    fn make_room(&mut self, fd: RawFd) -> io::Result<()> {
        let missing = (fd as usize + 1).saturating_sub(self.entries.len());
        self.entries.try_reserve(missing)?;
        self.entries.resize(self.entries.len() + missing, None);
        Ok(())
    }
}

/// Whether the kernel still has the notes of an entry, by a change that changes nothing.
fn is_alive(queue: &Queue, fd: RawFd, entry: &Entry) -> io::Result<bool> {
    let mut changes = Changes::new();
    for (note, filter) in FILTERS.iter().filter(|(note, _)| entry.notes & note != 0) {
        if *note != UNCONNECTED {
            let mut touch = entry.addition(fd, *note, *filter);
            touch.flags = 0;
            changes.push_one(touch);
        }
    }
    let receipts = changes.apply(queue)?;
    Ok(receipts.iter().all(|receipt| receipt.data as c_int != libc::ENOENT))
}

/// Deletes notes, of which some may not exist.
fn delete(queue: &Queue, fd: RawFd, notes: Notes) {
    let mut changes = Changes::new();
    changes.push(fd, notes, EV_DELETE, 0);
    let _ = changes.apply(queue);
}

impl AsFd for Selector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

impl AsRawFd for Selector {
    fn as_raw_fd(&self) -> RawFd {
        self.queue.as_raw_fd()
    }
}

impl State {
    /// Receives a batch of at most `room` events.
    fn receive(&mut self, queue: &Queue, room: usize, timeout: Option<u64>) -> io::Result<usize> {
        self.batch.clear();
        if room == 0 {
            return Ok(0);
        }
        let reported = queue.call(&[], &mut self.batch.spare_capacity_mut()[..room], timeout)?;
        // SAFETY: the kernel has written so many.
        unsafe { self.batch.set_len(reported) };
        Ok(reported)
    }

    /// Makes the changes.
    fn change(&mut self, table: &mut Table, queue: &Queue) {
        if self.changes.is_empty() {
            return;
        }
        let _ = queue.apply(&mut self.changes);
        for change in self.changes.drain(..) {
            // An error is that of a note that is gone, or was not taken.
            let entry = table.entries.get_mut(change.ident).and_then(Option::as_mut);
            if let (Some(entry), Err(_)) = (entry, receipt(&change)) {
                entry.notes &= !note(change.filter);
            }
        }
    }

    /// Translates the batch, after `count` events; the events of one handle become one. Returns how many there
    /// are.
    fn translate(
        &mut self,
        table: &mut Table,
        memory: &mut [MaybeUninit<KernelEvent>],
        mut count: usize,
    ) -> usize {
        for event in &self.batch {
            let id = event.udata.addr();
            if is_of_waker(event) {
                memory[count].write(Event::from_raw(id as u64, Ready::READABLE));
                count += 1;
                continue;
            }
            let Some((fd, entry)) = registered(&mut table.entries, event) else {
                // Since the kernel said so, another thread has ended the registration, or made another.
                continue;
            };
            let note = note(event.filter);
            if event.flags & EV_ONESHOT != 0 {
                // Which is never asked for: FreeBSD has cut the note off from a pipe whose reader is gone, and
                // has deleted it now (pipeclose, knlist_cleardel).
                entry.notes &= !note;
            }
            let ready = entry.translate(fd, note, event);
            let untold = entry.untold();
            for (note, filter) in FILTERS.iter().filter(|(note, _)| untold & note != 0) {
                entry.notes |= note;
                self.changes.push(entry.addition(fd, *note, *filter));
                self.asks = true;
            }
            if ready == NOTHING {
                if event.flags & EV_CLEAR == 0 && entry.notes & note != 0 {
                    // Nor will it have anything to say later.
                    entry.notes &= !note;
                    self.changes.push(change(event.ident, event.filter, EV_DELETE, 0, id));
                }
            } else if entry.fired == 0 {
                (entry.fired, entry.position) = (note, count as u32);
                memory[count].write(Event::from_raw(id as u64, ready));
                self.fired.push(fd);
                count += 1;
            } else {
                entry.fired |= note;
                let merged = &mut memory[entry.position as usize];
                // SAFETY: it was written when the first note fired.
                let before = unsafe { merged.assume_init_ref() }.readiness();
                merged.write(Event::from_raw(id as u64, before | ready));
            }
        }
        count
    }

    /// Disarms what is left of the oneshot registrations that had an event: the kernel has disarmed the notes
    /// that fired, and no others. Arms again what is to repeat and does not by itself.
    fn end_batch(&mut self, table: &mut Table) {
        for fd in self.fired.drain(..) {
            let Some(Some(entry)) = table.entries.get_mut(fd as usize) else { continue };
            let fired = mem::take(&mut entry.fired);
            let clearing = entry.clearing();
            let all_clearing = entry.notes & !clearing == 0;
            for (note, filter) in FILTERS.iter().filter(|(note, _)| entry.notes & note != 0) {
                let cleared = clearing & note != 0;
                match entry.option {
                    PollOption::Oneshot if cleared || fired & note == 0 => {
                        self.changes.push(change(fd as usize, *filter, EV_DISABLE, 0, entry.id));
                    }
                    PollOption::Level
                        if fired & note != 0 && (*note == PRIORITY || all_clearing) =>
                    {
                        self.changes.push(entry.addition(fd, *note, *filter));
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Whether an event is a waker's, whose identifier is no descriptor. (A waker that is a pipe is registered.)
fn is_of_waker(event: &Kevent) -> bool {
    event.ident > c_int::MAX as usize
}

/// The entry that an event belongs to.
fn registered<'a>(
    entries: &'a mut [Option<Entry>],
    event: &Kevent,
) -> Option<(RawFd, &'a mut Entry)> {
    let entry = entries.get_mut(event.ident)?.as_mut()?;
    if entry.id != event.udata.addr() {
        return None;
    }
    Some((event.ident as RawFd, entry))
}

/// The form in which events are written: they have been translated before.
pub(crate) type KernelEvent = Event;

#[inline]
pub(crate) fn translate(event: KernelEvent) -> Event {
    event
}

#[inline]
pub(crate) fn untranslated(event: Event) -> KernelEvent {
    event
}

/// A note of EVFILT_USER.
#[cfg(evfilt_user)]
#[derive(Debug)]
pub(crate) struct Waker {
    queue: Shared<Queue>,
    ident: usize,
    id: usize,
}

// SAFETY: other threads only call kevent on the queue, which the kernel allows; it is closed when the last
// of them has dropped its share.
#[cfg(evfilt_user)]
unsafe impl Send for Waker {}
// SAFETY: as above.
#[cfg(evfilt_user)]
unsafe impl Sync for Waker {}

#[cfg(evfilt_user)]
impl Waker {
    /// Nothing is left behind.
    pub(crate) fn retire(&self, _: &mut Selector) {}

    pub(crate) fn new(selector: &Selector, id: u64) -> io::Result<Waker> {
        let id = usize::try_from(id).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
        let table = &mut *lock(&selector.table);
        // From the largest number downwards: descriptors do not come so far.
        table.wakers += 1;
        let ident = usize::MAX - table.wakers;
        let waker = Waker { queue: selector.queue.try_clone()?, ident, id };
        waker.queue.change(waker.change(EV_ADD | EV_CLEAR, 0))?;
        Ok(waker)
    }

    /// Leaves errno as it is, unless it fails.
    pub(crate) fn wake(&self) -> io::Result<()> {
        self.queue.change(self.change(0, NOTE_TRIGGER))
    }

    fn change(&self, flags: Flags, fflags: u32) -> Kevent {
        change(self.ident, EVFILT_USER, flags, fflags, self.id)
    }
}

#[cfg(evfilt_user)]
impl Drop for Waker {
    fn drop(&mut self) {
        if self.queue.is_ours() {
            let _ = self.queue.change(self.change(EV_DELETE, 0));
        }
    }
}

/// A pipe, registered edge-triggered: each write is an edge.
#[cfg(not(evfilt_user))]
#[derive(Debug)]
pub(crate) struct Waker {
    reader: Fd,
    writer: Fd,
}

// SAFETY: other threads only read and write, which the kernel allows; the descriptors are closed when the
// last of them has dropped its share.
#[cfg(not(evfilt_user))]
unsafe impl Send for Waker {}
// SAFETY: as above.
#[cfg(not(evfilt_user))]
unsafe impl Sync for Waker {}

#[cfg(not(evfilt_user))]
impl Waker {
    /// Nothing is left behind.
    pub(crate) fn retire(&self, _: &mut Selector) {}

    pub(crate) fn new(selector: &Selector, id: u64) -> io::Result<Waker> {
        let (reader, writer) = crate::sys::pipe::new()?;
        selector.register(reader.raw(), id, Interests::READABLE, PollOption::Edge)?;
        Ok(Waker { reader, writer })
    }

    /// Leaves errno as it is.
    pub(crate) fn wake(&self) -> io::Result<()> {
        keeping_errno(|| {
            loop {
                match self.writer.write(&[0]) {
                    // Full: once it is empty, a write is an edge again.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        while self.reader.read(&mut [0; 512]).is_ok() {}
                    }
                    result => return result.map(drop),
                }
            }
        })
    }
}
