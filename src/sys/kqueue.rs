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
pub(crate) use self::sys_event::{EV_ADD, EVFILT_PROC, EVFILT_SIGNAL, NOTE_EXIT};
use self::sys_event::{
    EV_CLEAR, EV_DELETE, EV_DISABLE, EV_DISPATCH, EV_EOF, EV_ERROR, EV_RECEIPT, EVFILT_READ,
    EVFILT_WRITE,
};
#[cfg(evfilt_user)]
pub(crate) use self::sys_event::{EVFILT_USER, NOTE_TRIGGER};

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
#[cfg(all(target_pointer_width = "64", any(target_os = "macos", target_os = "freebsd")))]
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

/// The longest wait in nanoseconds: 2^50, about 13 days. Darwin answers EINVAL beyond 10^8 seconds
/// (`itimerfix` in bsd/kern/kern_time.c).
pub(crate) const MAX_WAIT: u64 = 1 << 50;

/// The most events that a poll may have room for: as many as the kernel could be asked for.
pub(crate) const MAX_EVENTS: usize = c_int::MAX as usize / size_of::<Kevent>();

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
        let generation = Generation::current();
        // SAFETY: no pointer is passed, and the new descriptor is ours.
        let fd = unsafe { Fd::new(check(sys_event::kqueue())?) };
        // For an `exec` of this process; a child does not inherit a kqueue.
        // SAFETY: no pointer is passed.
        unsafe { syscall!(fcntl(fd.raw(), libc::F_SETFD, libc::FD_CLOEXEC)) }?;
        Ok(Queue { fd: ManuallyDrop::new(fd), generation })
    }

    /// Applies one change.
    pub(crate) fn change(&self, change: Kevent) -> io::Result<()> {
        let mut change = [change];
        self.apply(&mut change)?;
        receipt(&change[0])
    }

    /// Takes the first event, if there is one, after a change.
    pub(crate) fn take(&self, change: Option<Kevent>) -> io::Result<Option<Kevent>> {
        let mut event = [MaybeUninit::uninit()];
        let count = self.call(change.as_slice(), &mut event, Some(0))?;
        // SAFETY: the kernel has written it.
        Ok((count > 0).then(|| unsafe { event[0].assume_init() }))
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
        // A forked child has not inherited it: there the number may be somebody else's.
        if self.generation.is_current() {
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

/// The filter of each note, and the flags that it takes.
const FILTERS: &[(Notes, Filter, u32)] = &[
    (READ, EVFILT_READ, 0),
    (WRITE, EVFILT_WRITE, 0),
    #[cfg(evfilt_except)]
    (PRIORITY, sys_event::EVFILT_EXCEPT, sys_event::NOTE_OOB),
    #[cfg(evfilt_user)]
    (UNCONNECTED, EVFILT_USER, NOTE_TRIGGER),
];

fn note(filter: Filter) -> Notes {
    FILTERS.iter().find(|(_, known, _)| *known == filter).map_or(0, |(note, ..)| *note)
}

/// Changes to the notes of one descriptor: at most all are deleted, and all are added.
struct Changes {
    all: [Kevent; 8],
    len: usize,
}

impl Changes {
    fn new() -> Changes {
        Changes { all: [change(0, EVFILT_READ, 0, 0, 0); 8], len: 0 }
    }

    /// The same change to each of the notes. Those of the filter are given anew with each change.
    fn push(&mut self, fd: RawFd, notes: Notes, flags: Flags, id: usize) {
        for (note, filter, fflags) in FILTERS {
            if notes & note != 0 {
                self.all[self.len] = change(fd as usize, *filter, flags, *fflags, id);
                self.len += 1;
            }
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
    /// The reading end of a pipe, a terminal, a kqueue.
    Other,
}

impl Kind {
    /// Regular files and folders are refused, as epoll does; kqueue would take them.
    fn of(fd: RawFd) -> io::Result<Kind> {
        let mut stat = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: there is room for one `stat`, and the call has initialised it if it succeeds. A
        // descriptor may be any number.
        let stat = unsafe {
            syscall!(fstat(fd, stat.as_mut_ptr()))?;
            stat.assume_init()
        };
        match stat.st_mode & libc::S_IFMT {
            libc::S_IFREG | libc::S_IFDIR => Err(io::Error::from_raw_os_error(libc::EPERM)),
            libc::S_IFSOCK => Ok(Kind::Socket),
            libc::S_IFIFO if is_write_only(fd)? => Ok(Kind::Writer),
            _ => Ok(Kind::Other),
        }
    }
}

fn is_write_only(fd: RawFd) -> io::Result<bool> {
    // SAFETY: no pointer is passed.
    let flags = unsafe { syscall!(fcntl(fd, libc::F_GETFL)) }?;
    Ok(flags & libc::O_ACCMODE == libc::O_WRONLY)
}

/// Whether a write to a pipe would not have to wait.
fn has_room(fd: RawFd) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: the pointer is that of one `pollfd`.
    unsafe { libc::poll(&mut poll, 1, 0) == 1 && poll.revents & libc::POLLOUT != 0 }
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

/// Whether a direction of a socket has ended. The kernel tells it with the events of that direction only:
/// a queue is made to ask for one.
fn has_ended(fd: RawFd, direction: Notes) -> bool {
    let filter = if direction == READ { EVFILT_READ } else { EVFILT_WRITE };
    let event =
        Queue::new().and_then(|queue| queue.take(Some(change(fd as usize, filter, EV_ADD, 0, 0))));
    matches!(event, Ok(Some(event)) if event.flags & (EV_EOF | EV_ERROR) == EV_EOF)
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
        let notes = notes.into_iter().filter(|(asked, _)| *asked).fold(0, |all, (_, n)| all | n);
        Ok(Entry { kind, interests, option, notes, ended: 0, fired: 0, position: 0, id })
    }

    /// The flags to add the notes with. Oneshot is not EV_ONESHOT, which would delete the one note that has
    /// an event and leave the others.
    fn flags(&self) -> Flags {
        EV_ADD
            | match self.option {
                PollOption::Edge => EV_CLEAR,
                PollOption::Level => 0,
                PollOption::Oneshot => EV_DISPATCH,
            }
    }

    /// What an event means by the table of behaviours.md; nothing, if epoll would report nothing.
    fn translate(&mut self, fd: RawFd, note: Notes, event: &Kevent) -> Ready {
        let plain = match note {
            READ => Ready::READABLE,
            WRITE => Ready::WRITABLE,
            UNCONNECTED if is_unconnected(fd) => return self.hang_up(),
            UNCONNECTED => return NOTHING,
            _ => priority(event),
        };
        match self.kind {
            _ if event.flags & EV_EOF == 0 => plain,
            Kind::Socket => self.end_of_socket(fd, note, plain, event),
            Kind::Writer if note == WRITE && event.data > 0 => Ready::WRITABLE | Ready::ERROR,
            // In place of a note for writing, which the kernel did not take.
            Kind::Writer if self.interests.is_writable() && note == READ && has_room(fd) => {
                Ready::WRITABLE | Ready::ERROR
            }
            Kind::Writer => Ready::ERROR,
            Kind::Other => HANG_UP,
        }
    }

    fn end_of_socket(&mut self, fd: RawFd, note: Notes, plain: Ready, event: &Kevent) -> Ready {
        let (direction, other) = if note == WRITE { (WRITE, READ) } else { (READ, WRITE) };
        self.ended |= direction;
        // The end of the other direction is an event of its own, if there is a note for it that stays
        // armed.
        let silent = self.notes & other == 0 || self.option == PollOption::Oneshot;
        if silent && self.ended & other == 0 && has_ended(fd, other) {
            self.ended |= other;
        }
        // Here, and with no other event of a socket, these are no flags but the socket's error.
        let failed = note != PRIORITY && event.fflags != 0;
        let error = if failed { Ready::ERROR } else { NOTHING };
        if self.ended == READ | WRITE {
            plain | error | self.hang_up()
        } else if note == READ {
            plain | error | Ready::READ_CLOSED
        } else {
            // This side has shut down writing, and knows it.
            plain | error
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
fn priority(event: &Kevent) -> Ready {
    if event.fflags == sys_event::NOTE_OOB { Ready::PRIORITY } else { NOTHING }
}

#[cfg(not(evfilt_except))]
fn priority(_: &Kevent) -> Ready {
    NOTHING
}

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
            (WRITE, Err(error)) if error.raw_os_error() == Some(libc::EPIPE) => broken |= note,
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
    Kind::of(fd).err().unwrap_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
}

#[derive(Debug)]
pub(crate) struct Selector {
    /// Shared with the wakers, so that it is not closed while a wake may be on its way.
    queue: Shared<Queue>,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    /// What is registered, by descriptor.
    entries: Vec<Option<Entry>>,
    /// What the kernel reports, before it is translated; there is room for [`BATCH`] events.
    batch: Vec<Kevent>,
    /// What to change when the batch has been translated.
    changes: Vec<Kevent>,
    /// How many wakers there were.
    #[cfg(evfilt_user)]
    wakers: usize,
}

impl Selector {
    pub(crate) fn new() -> io::Result<Selector> {
        let mut batch = Vec::new();
        batch.try_reserve_exact(BATCH)?;
        let state = State {
            entries: Vec::new(),
            batch,
            changes: Vec::new(),
            #[cfg(evfilt_user)]
            wakers: 0,
        };
        Ok(Selector { queue: Shared::new(Queue::new()?)?, state: RefCell::new(state) })
    }

    pub(crate) fn register(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        let kind = Kind::of(fd)?;
        let mut entry = Entry::new(kind, id, interests, option)?;
        let mut old = 0;
        if let Some(known) = self.entry(fd) {
            if self.is_alive(fd, &known)? {
                return Err(io::Error::from_raw_os_error(libc::EEXIST));
            }
            // It does not belong to the descriptor, and was not removed with it.
            old = known.notes & UNCONNECTED;
        }
        if cfg!(evfilt_user) && kind == Kind::Socket && is_unconnected(fd) {
            entry.notes |= UNCONNECTED;
        }
        self.replace(fd, old, entry)
    }

    pub(crate) fn reregister(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        let known = self.find(fd)?;
        let mut entry = Entry::new(known.kind, id, interests, option)?;
        if known.notes & UNCONNECTED != 0 && is_unconnected(fd) {
            entry.notes |= UNCONNECTED;
        }
        self.replace(fd, known.notes, entry)
    }

    pub(crate) fn deregister(&self, fd: RawFd) -> io::Result<()> {
        let known = self.find(fd)?;
        self.forget(fd);
        let mut changes = Changes::new();
        changes.push(fd, known.notes, EV_DELETE, known.id);
        deleted(changes.apply(&self.queue)?).map_err(|_| unregistered(fd))
    }

    /// Registers a descriptor or reregisters it, whichever it takes.
    pub(crate) fn watch(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        if self.entry(fd).is_some() {
            match self.reregister(fd, id, interests, option) {
                // Closed behind our back, and the number is another's.
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => sys::ignore(error),
                result => return result,
            }
        }
        self.register(fd, id, interests, option)
    }

    fn entry(&self, fd: RawFd) -> Option<Entry> {
        *self.state.borrow().entries.get(usize::try_from(fd).ok()?)?
    }

    fn forget(&self, fd: RawFd) {
        self.state.borrow_mut().entries[fd as usize] = None;
    }

    fn find(&self, fd: RawFd) -> io::Result<Entry> {
        self.entry(fd).ok_or_else(|| unregistered(fd))
    }

    /// Whether the kernel still has the notes of an entry, by a change that changes nothing.
    fn is_alive(&self, fd: RawFd, entry: &Entry) -> io::Result<bool> {
        let mut changes = Changes::new();
        changes.push(fd, entry.notes & !UNCONNECTED, 0, entry.id);
        let receipts = changes.apply(&self.queue)?;
        Ok(receipts.iter().all(|receipt| receipt.data as c_int != libc::ENOENT))
    }

    /// Deletes the notes `old` and adds those of the entry, in one call.
    ///
    /// A note that is added again would keep its trigger (`kqueue_register` in FreeBSD's
    /// sys/kern/kern_event.c). After an error there is no registration.
    fn replace(&self, fd: RawFd, old: Notes, mut entry: Entry) -> io::Result<()> {
        self.state.borrow_mut().make_room(fd)?;
        let mut changes = Changes::new();
        changes.push(fd, old, EV_DELETE, entry.id);
        changes.push(fd, entry.notes, entry.flags(), entry.id);
        let receipts = changes.apply(&self.queue)?;
        let (deletions, additions) = receipts.split_at(old.count_ones() as usize);
        let deleted = deleted(deletions).map_err(|_| unregistered(fd));
        match deleted.and_then(|()| added(additions)) {
            Ok(broken) => entry.notes &= !broken,
            Err(error) => {
                self.forget(fd);
                self.delete(fd, entry.notes);
                return Err(error);
            }
        }
        if entry.notes == 0 {
            // The kernel takes no note for writing to a pipe whose reader is gone. It takes one for reading,
            // which has come to its end too: so its event says.
            entry.notes = READ;
            self.queue.change(change(fd as usize, EVFILT_READ, entry.flags(), 0, entry.id))?;
        }
        self.state.borrow_mut().entries[fd as usize] = Some(entry);
        Ok(())
    }

    /// Deletes notes, of which some may not exist.
    fn delete(&self, fd: RawFd, notes: Notes) {
        let mut changes = Changes::new();
        changes.push(fd, notes, EV_DELETE, 0);
        let _ = changes.apply(&self.queue);
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
        state.batch.clear();
        let spare = &mut state.batch.spare_capacity_mut()[..room];
        let reported = self.queue.call(&[], spare, timeout)?;
        // SAFETY: the kernel has written so many.
        unsafe { state.batch.set_len(reported) };
        let count = state.translate(memory);
        if !state.changes.is_empty() {
            // An error is that of a note that is gone, and needs no change.
            let _ = self.queue.apply(&mut state.changes);
            state.changes.clear();
        }
        if count == 0 && reported > 0 && timeout != Some(0) {
            // Nothing that the caller wants to know, and the time has not passed.
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(count)
    }
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
    /// Makes room in the table for a descriptor, which is open, so that its number is a small one.
    fn make_room(&mut self, fd: RawFd) -> io::Result<()> {
        let missing = (fd as usize + 1).saturating_sub(self.entries.len());
        self.entries.try_reserve(missing)?;
        self.entries.resize(self.entries.len() + missing, None);
        Ok(())
    }

    /// Translates the batch; the events of one handle become one.
    fn translate(&mut self, memory: &mut [MaybeUninit<KernelEvent>]) -> usize {
        let mut count = 0;
        for event in &self.batch {
            let id = event.udata.addr();
            let Some((fd, entry)) = registered(&mut self.entries, event) else {
                memory[count].write(Event::from_raw(id as u64, Ready::READABLE));
                count += 1;
                continue;
            };
            let note = note(event.filter);
            let ready = entry.translate(fd, note, event);
            if ready == NOTHING {
                // Nor will it have anything to say later.
                entry.notes &= !note;
                self.changes.push(change(event.ident, event.filter, EV_DELETE, 0, id));
            } else if entry.fired == 0 {
                (entry.fired, entry.position) = (note, count as u32);
                memory[count].write(Event::from_raw(id as u64, ready));
                count += 1;
            } else {
                entry.fired |= note;
                let merged = &mut memory[entry.position as usize];
                // SAFETY: it was written when the first note fired.
                let before = unsafe { merged.assume_init_ref() }.readiness();
                merged.write(Event::from_raw(id as u64, before | ready));
            }
        }
        self.end_batch();
        count
    }

    /// Disarms what is left of the oneshot registrations that had an event: the kernel has disarmed the
    /// notes that fired, and no others.
    fn end_batch(&mut self) {
        for event in &self.batch {
            let Some((fd, entry)) = registered(&mut self.entries, event) else { continue };
            let fired = mem::take(&mut entry.fired);
            if fired == 0 || entry.option != PollOption::Oneshot {
                continue;
            }
            let siblings = entry.notes & !fired;
            for (_, filter, fflags) in FILTERS.iter().filter(|(note, ..)| siblings & note != 0) {
                self.changes.push(change(fd as usize, *filter, EV_DISABLE, *fflags, entry.id));
            }
        }
    }
}

/// The entry that an event belongs to; none, if it is a waker's, whose identifier is no descriptor.
fn registered<'a>(
    entries: &'a mut [Option<Entry>],
    event: &Kevent,
) -> Option<(RawFd, &'a mut Entry)> {
    let entry = entries.get_mut(event.ident)?.as_mut()?;
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
    pub(crate) fn new(selector: &Selector, id: u64) -> io::Result<Waker> {
        let id = usize::try_from(id).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
        let state = &mut *selector.state.borrow_mut();
        // From the largest number downwards: descriptors do not come so far.
        state.wakers += 1;
        let ident = usize::MAX - state.wakers;
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
        if self.queue.generation.is_current() {
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
