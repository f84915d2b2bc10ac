use std::cell::Cell;
use std::hint;
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use crate::deadlines::{DeadlineKey, Deadlines, PORTION};
use crate::event::{Event, Evented, EventedId, Events, Ready};
use crate::poll::awakener::Awakeners;
use crate::poll::notifications::Notifications;
use crate::poll::shares::Turn;
use crate::poll::{Awakener, Clock, Interests, PollOption, Registrar};
use crate::sys::{self, Batch, Buffer, Generation, Selector};

mod special;
mod watch;

use self::special::Special;

/// What the kernel allows itself at the end of any wait, `PR_SET_TIMERSLACK` in `prctl(2)`.
const KERNEL_SLACK: u64 = 50_000;

/// Before a wait as long as this one may ask the system for more, if that makes it precise.
const LONG_WAIT: u64 = 50_000_000;

/// How long what was found out about the thread's niceness is good for.
const ASKING_AGAIN: u64 = 1_000_000_000;

/// Waits for readiness events of many handles, for notifications and for deadlines.
///
/// A handle is registered under an id, with the interests one has in it and the trigger
/// ([`PollOption`]); then [`poll`](Poller::poll) hands out an [`Event`] whenever it is ready. Besides,
/// [`notify`](Poller::notify) posts an event from the program to itself,
/// [`add_deadline`](Poller::add_deadline) asks for one at a given time, and an [`Awakener`] makes one
/// from another thread.
///
/// # Notes
///
/// *An event is a hint.* The operation may still say [`WouldBlock`](io::ErrorKind::WouldBlock); then
/// wait for the next event.
///
/// *Edge-triggered means drain.* After an event of a handle registered with [`PollOption::Edge`], read,
/// write or accept until `WouldBlock`; otherwise the rest may never be reported.
///
/// *No source starves another.* While handles, notifications and deadlines all have events, each of the
/// three kinds gets at least one in any three polls, whatever the capacity of [`Events`].
///
/// *After `fork`* the poller belongs to the parent. In the child every method that returns a `Result`
/// fails, the others act on the child's copy only, and the parent notices nothing. (`vfork`, `_Fork` and
/// a raw `clone` are not seen.)
///
/// # Implementation
///
/// | system | by |
/// |---|---|
/// | Linux, Android | `epoll(7)` |
/// | FreeBSD, NetBSD, OpenBSD, DragonFly BSD, macOS, iOS | `kqueue(2)` |
///
/// A poll is one system call, unless a signal interrupts it or a long wait is split to be precise. (On
/// kqueue it is another to disarm what is left of `Oneshot` registrations that had an event.)
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use mio_st::event::{EventedId, Events};
/// use mio_st::net::{TcpListener, TcpStream};
/// use mio_st::poll::{PollOption, Poller};
///
/// const SERVER: EventedId = EventedId(0);
///
/// let mut poller = Poller::new()?;
/// let mut events = Events::new();
///
/// let mut server = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
/// poller.register(&mut server, SERVER, TcpListener::INTERESTS, PollOption::Edge)?;
///
/// let client = TcpStream::connect(server.local_addr()?)?;
/// poller.poll(&mut events, None)?;
/// for event in &mut events {
///     assert_eq!(event.id(), SERVER);
///     let (connection, address) = server.accept()?;
///     assert_eq!(address, client.local_addr()?);
///     # drop(connection);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Poller {
    /// Dropped first: other threads register no more when the selector is closed.
    awakeners: Option<Awakeners>,
    selector: Selector,
    notifications: Notifications,
    deadlines: Deadlines,
    /// Somebody may wait for the descriptor of the poller.
    exposed: Cell<bool>,
    turn: Turn,
    /// `poll_userspace` has its own, so that calling it never takes the system's turn away.
    turn_in_userspace: Turn,
    /// The time of the last poll, if it was read.
    now: Cell<Option<u64>>,
    /// The time that was read last.
    last_read: Cell<u64>,
    /// Whether the thread was nice when that was asked last: as the first deadline was added, and before a long
    /// wait, but once a second at most.
    nice: Cell<bool>,
    /// When that was.
    nice_asked: Cell<u64>,
    /// Whether adding a deadline has nothing to ask but the time, and the system for that.
    has_asked: Cell<bool>,
    /// This process, as long as there are neither notifications nor deadlines, and `now` is not known;
    /// otherwise none. So a poll that is but a system call finds out by one comparison, and that the
    /// process was not forked by the same.
    quiet: Cell<Generation>,
    /// What `quiet` becomes where a poll need be nothing but a system call: none, if there are awakeners, or
    /// it is to spin, or MemorySanitizer has to hear of each event.
    calm: Generation,
    /// `generation`, unless there is something special: so whoever looks whether the process was forked finds out
    /// both at once.
    plain: Generation,
    generation: Generation,
    special: Option<Special>,
    clock: Clock,
    /// The slack that was asked for.
    slack: Option<u64>,
    spin: Spin,
    _thread: PhantomData<*const ()>,
}

impl Poller {
    /// Creates a poller.
    ///
    /// # Errors
    ///
    /// `EMFILE` and `ENFILE` when there are too many descriptors, `ENOMEM`.
    pub fn new() -> io::Result<Poller> {
        Poller::with_capacity(0, 0)
    }

    /// Creates a poller with room for so many deadlines and notifications, for programs that must not
    /// allocate later. An interval counts for two deadlines. More than that still fits: then memory is
    /// allocated.
    ///
    /// Each deadline takes 40 bytes, and room is made for as many cancelled ones again. The half for the
    /// live ones is written to at once, so that not even the system has to find pages for it later.
    ///
    /// # Errors
    ///
    /// As [`new`](Poller::new), and `OutOfMemory`.
    pub fn with_capacity(deadlines: usize, notifications: usize) -> io::Result<Poller> {
        let generation = Generation::current()?;
        let mut poller = Poller {
            selector: Selector::new()?,
            notifications: Notifications::default(),
            deadlines: Deadlines::new(),
            awakeners: None,
            exposed: Cell::new(false),
            turn: Turn::default(),
            turn_in_userspace: Turn::default(),
            now: Cell::new(None),
            last_read: Cell::new(0),
            nice: Cell::new(false),
            nice_asked: Cell::new(0),
            has_asked: Cell::new(false),
            quiet: Cell::new(Generation::NONE),
            calm: Generation::NONE,
            plain: generation,
            generation,
            special: None,
            clock: Clock::Monotonic,
            slack: None,
            spin: Spin::default(),
            _thread: PhantomData,
        };
        poller.calm_down();
        poller.try_reserve(deadlines, notifications)?;
        Ok(poller)
    }

    /// Registers a handle: from now on its readiness gives events with `id`.
    ///
    /// What is ready already gives an event at the next poll, edge-triggered too.
    ///
    /// # Errors
    ///
    /// - `AlreadyExists`: the handle is registered; use [`reregister`](Poller::reregister).
    /// - `InvalidInput`: interests that make no sense for the handle, such as writing to a listener.
    /// - `PermissionDenied` (`EPERM`): a regular file or a directory, which is always ready; on Linux
    ///   also a device that knows no readiness, such as `/dev/null`.
    /// - `InvalidInput`, `ELOOP`: a poller in itself, or in a circle, or on Linux a chain of more than five.
    ///   A poller in another one must be level-triggered: what is left inside makes no edge.
    /// - `EBADF`: the descriptor is not open.
    /// - `ENOMEM`, `ENOSPC`: the kernel's memory, or its limit on registrations
    ///   (`/proc/sys/fs/epoll/max_user_watches`), is used up.
    pub fn register<E>(
        &mut self,
        handle: &mut E,
        id: EventedId,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()>
    where
        E: Evented + ?Sized,
    {
        handle.register(self, id, interests, opt)
    }

    /// Replaces the id, the interests and the trigger of a registered handle, and arms it again.
    ///
    /// Afterwards no event of the old registration arrives, and what is ready gives an event at the
    /// next poll.
    ///
    /// # Errors
    ///
    /// `NotFound` when the handle is not registered here, and those of [`register`](Poller::register).
    pub fn reregister<E>(
        &mut self,
        handle: &mut E,
        id: EventedId,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()>
    where
        E: Evented + ?Sized,
    {
        handle.reregister(self, id, interests, opt)
    }

    /// Ends the registration of a handle: it gives no more events. It can be registered again.
    ///
    /// Closing the last descriptor of a handle does the same by itself, see [`close`](Poller::close).
    ///
    /// # Errors
    ///
    /// `NotFound` when the handle is not registered here, `EBADF` when its descriptor is not open, `EPERM` for a file or a
    /// folder, which cannot be registered.
    pub fn deregister<E>(&mut self, handle: &mut E) -> io::Result<()>
    where
        E: Evented + ?Sized,
    {
        handle.deregister(self)
    }

    /// Ends the registration of a handle, if it is registered here, and drops it, which closes it.
    ///
    /// # Notes
    ///
    /// Dropping a registered handle without this ends its registration only if there is no other descriptor of
    /// its open file. On Linux there may be one that no program can see: a child has copies of all descriptors
    /// from its start, by whatever means ([`Command`](std::process::Command), C's `system`) and thread, until
    /// its `exec`. A handle that is dropped in between goes on giving events, perhaps for ever, and nobody can
    /// deregister it any more. In a program that starts no children dropping is enough, and saves the system call
    /// of this.
    ///
    /// # Errors
    ///
    /// Those of [`deregister`](Poller::deregister) but `NotFound`. The handle is dropped nevertheless.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use mio_st::unix::UnixStream;
    /// use mio_st::{EventedId, PollOption, Poller};
    ///
    /// let (mut stream, _peer) = UnixStream::pair()?;
    /// let mut poller = Poller::new()?;
    /// poller.register(&mut stream, EventedId(0), UnixStream::INTERESTS, PollOption::Edge)?;
    /// poller.close(stream)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn close<E: Evented>(&mut self, mut handle: E) -> io::Result<()> {
        match handle.deregister(self) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Registers a descriptor, as [`register`](Poller::register) does a handle: of whatever implements [`AsFd`],
    /// such as a socket of std's or of another crate. It should be non-blocking.
    ///
    /// # Notes
    ///
    /// The registration belongs to the descriptor. [`EventedFd`](crate::unix::EventedFd) makes a handle of it,
    /// where an [`Evented`] is wanted; [`watch_fd`](Poller::watch_fd) is for whoever does not know whether it is
    /// registered.
    ///
    /// # Errors
    ///
    /// Those of [`register`](Poller::register).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use std::os::unix::net::UnixDatagram;
    ///
    /// use mio_st::poll::Interests;
    /// use mio_st::{EventedId, Events, PollOption, Poller};
    ///
    /// let (a, b) = UnixDatagram::pair()?;
    /// let mut poller = Poller::new()?;
    /// poller.register_fd(&a, EventedId(1), Interests::READABLE, PollOption::Level)?;
    ///
    /// b.send(b"hello")?;
    /// let mut events = Events::new();
    /// poller.poll(&mut events, None)?;
    /// assert_eq!(events.iter().next().map(|event| event.id()), Some(EventedId(1)));
    /// poller.reregister_fd(&a, EventedId(2), Interests::BOTH, PollOption::Edge)?;
    /// poller.deregister_fd(&a)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn register_fd<Fd: AsFd>(
        &mut self,
        fd: Fd,
        id: EventedId,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()> {
        self.register_raw(fd.as_fd().as_raw_fd(), id.0 as u64, interests, opt)
    }

    /// As [`register_fd`](Poller::register_fd), so that of several pollers that wait for one descriptor an event
    /// wakes one, or some, and not all (`EPOLLEXCLUSIVE`): for a listener that threads or processes share.
    ///
    /// # Notes
    ///
    /// Each of the pollers registers it so; one that registers it as usual is woken always. A connection that nobody
    /// accepts is told to nobody else, unless the trigger is [`Level`](PollOption::Level). Linux wakes the poller
    /// that came last, so that few connections go to few threads: to spread them, give each thread a listener of its
    /// own by [`reuse_port`](crate::net::TcpListenerBuilder::reuse_port).
    ///
    /// `READ_CLOSED` is reported with `HUP` only.
    ///
    /// # Errors
    ///
    /// Those of [`register`](Poller::register); `InvalidInput` for [`Oneshot`](PollOption::Oneshot), for an
    /// interest in `PRIORITY`, and for a poller. Reregistering it is `InvalidInput`, too: deregister it first.
    /// `Unsupported` on macOS and BSD.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use std::io::ErrorKind;
    ///
    /// use mio_st::net::TcpListener;
    /// use mio_st::{EventedId, PollOption, Poller};
    ///
    /// const ID: EventedId = EventedId(0);
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
    /// let interests = TcpListener::INTERESTS;
    /// let mut poller = Poller::new()?;
    /// match poller.register_exclusive(&listener, ID, interests, PollOption::Level) {
    ///     Err(error) if error.kind() == ErrorKind::Unsupported => {
    ///         poller.register_fd(&listener, ID, interests, PollOption::Level)?;
    ///     }
    ///     result => result?,
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn register_exclusive<Fd: AsFd>(
        &mut self,
        fd: Fd,
        id: EventedId,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()> {
        let registered =
            self.try_register_exclusive(fd.as_fd().as_raw_fd(), id.0 as u64, interests, opt)?;
        registered.map_or_else(|| self.generation.check(), Ok)
    }

    /// Replaces the registration of a descriptor, as [`reregister`](Poller::reregister) does that of a handle.
    ///
    /// # Errors
    ///
    /// Those of [`reregister`](Poller::reregister).
    pub fn reregister_fd<Fd: AsFd>(
        &mut self,
        fd: Fd,
        id: EventedId,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()> {
        self.reregister_raw(fd.as_fd().as_raw_fd(), id.0 as u64, interests, opt)
    }

    /// Ends the registration of a descriptor, as [`deregister`](Poller::deregister) does that of a handle.
    ///
    /// # Errors
    ///
    /// Those of [`deregister`](Poller::deregister).
    pub fn deregister_fd<Fd: AsFd>(&mut self, fd: Fd) -> io::Result<()> {
        self.deregister_raw(fd.as_fd().as_raw_fd())
    }

    /// Makes the registration of a descriptor be as asked for, whether it is registered or not; without
    /// interests, ends it. It is one call for a library that says of its descriptors what it wants to hear
    /// from now on.
    ///
    /// The poller remembers which descriptors it was called for, so that it is one system call that does not
    /// fail. What it remembers is a guess: a descriptor that was closed meanwhile, and whose number is
    /// another's, is registered. It allocates when a descriptor's number is larger than ever before.
    ///
    /// # Errors
    ///
    /// As [`register`](Poller::register), but for `AlreadyExists`. Without interests, `EBADF` when the descriptor
    /// is not open: then it is not registered either.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use std::os::unix::net::UnixStream;
    ///
    /// use mio_st::poll::Interests;
    /// use mio_st::{EventedId, PollOption, Poller};
    ///
    /// let (socket, _peer) = UnixStream::pair()?;
    /// let mut poller = Poller::new()?;
    /// for interests in [Interests::READABLE, Interests::READABLE | Interests::WRITABLE] {
    ///     poller.watch_fd(&socket, EventedId(0), Some(interests), PollOption::Level)?;
    /// }
    /// poller.watch_fd(&socket, EventedId(0), None, PollOption::Level)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch_fd<Fd: AsFd>(
        &mut self,
        fd: Fd,
        id: EventedId,
        interests: Option<Interests>,
        opt: PollOption,
    ) -> io::Result<()> {
        self.generation.check()?;
        self.watch(fd.as_fd().as_raw_fd(), id.0 as u64, interests, opt)
    }

    pub(crate) fn watch(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Option<Interests>,
        option: PollOption,
    ) -> io::Result<()> {
        if let Some(interests) = interests {
            let watch = |selector: &mut Selector| selector.watch(fd, id, interests, option);
            if self.special.is_some() {
                let registered = self.register_specially(fd, id, interests, option, false, watch);
                return registered.map(drop);
            }
            return watch(&mut self.selector);
        }
        match self.try_deregister(fd) {
            // It was not registered.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
                sys::ignore(error);
                Ok(())
            }
            result => result.map(drop),
        }
    }

    /// Posts an event, which the next poll with room for it returns as it is.
    ///
    /// It allocates when more notifications wait than ever before; see
    /// [`try_notify`](Poller::try_notify).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use mio_st::event::{Event, EventedId, Events, Ready};
    /// use mio_st::Poller;
    ///
    /// let mut poller = Poller::new()?;
    /// let mut events = Events::new();
    ///
    /// poller.notify(EventedId(0), Ready::READABLE);
    /// poller.poll(&mut events, None)?;
    /// assert_eq!((&mut events).next(), Some(Event::new(EventedId(0), Ready::READABLE)));
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn notify(&mut self, id: EventedId, ready: Ready) {
        self.quiet.set(Generation::NONE);
        self.notifications.push(Event::new(id, ready));
    }

    /// As [`notify`](Poller::notify), without ever allocating.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when as many notifications wait as there is room for: poll first, or create the
    /// poller [`with_capacity`](Poller::with_capacity). In a forked child it fails.
    pub fn try_notify(&mut self, id: EventedId, ready: Ready) -> io::Result<()> {
        self.generation.check()?;
        self.post(Event::new(id, ready))
    }

    pub(crate) fn post(&mut self, event: Event) -> io::Result<()> {
        if self.notifications.is_full() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.notify_checked(event)
    }

    /// Asks for an event with `id` and [`Ready::TIMER`] at the time `deadline`, or right away if it
    /// has passed.
    ///
    /// It is never early, and a poll that waits is late for it by at most its slack (see
    /// [`set_deadline_slack`](Poller::set_deadline_slack)) and the kernel's. A poll that comes after its time
    /// for any other reason has the event, whatever the slack; but where more than some thousand were added or moved
    /// meanwhile, it may be one of the next polls. An id may have any number of deadlines. It
    /// allocates when there are more deadlines than ever before.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use std::time::{Duration, Instant};
    ///
    /// use mio_st::event::{Event, EventedId, Events, Ready};
    /// use mio_st::Poller;
    ///
    /// let mut poller = Poller::new()?;
    /// let mut events = Events::new();
    ///
    /// let deadline = Instant::now() + Duration::from_millis(10);
    /// poller.add_deadline(EventedId(0), deadline);
    /// poller.poll(&mut events, None)?;
    /// assert_eq!((&mut events).next(), Some(Event::new(EventedId(0), Ready::TIMER)));
    /// assert!(Instant::now() >= deadline);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn add_deadline(&mut self, id: EventedId, deadline: Instant) -> DeadlineKey {
        self.expect_deadlines();
        let now = self.now_or_last();
        self.deadlines.add(now, sys::nanos(deadline), id.0 as u64)
    }

    /// Asks for an event with `id` and [`Ready::TIMER`] after `timeout`, counted from now (not from the
    /// last poll).
    #[inline]
    pub fn add_timeout(&mut self, id: EventedId, timeout: Duration) -> DeadlineKey {
        let now = self.time_of_addition().unwrap_or_else(|error| self.last(error));
        self.deadlines.add(now, now.saturating_add(sys::duration(timeout)), id.0 as u64)
    }

    /// Asks for an event with `id` and [`Ready::TIMER`] after `first`, counted from now, and from then
    /// on every `period`.
    ///
    /// A loop that stalls over several periods gets one event, not several, and then goes on in phase.
    /// A period of zero is taken as one nanosecond. The key stays valid until it is cancelled, or
    /// until the next event would be after the end of the clock, 584 years from its beginning.
    pub fn add_interval(
        &mut self,
        id: EventedId,
        first: Duration,
        period: Duration,
    ) -> DeadlineKey {
        let period = NonZeroU64::new(sys::duration(period)).unwrap_or(NonZeroU64::MIN);
        let now = self.time_of_addition().unwrap_or_else(|error| self.last(error));
        let first = now.saturating_add(sys::duration(first));
        self.deadlines.add_interval(now, first, period, id.0 as u64)
    }

    /// Cancels a deadline: no event of it comes any more. Takes constant time.
    ///
    /// False when there is nothing to cancel: it fired (its event may be among those that the last poll
    /// handed out), was cancelled, or belongs to another poller.
    #[inline]
    pub fn cancel_deadline(&mut self, key: DeadlineKey) -> bool {
        self.deadlines.cancel(key)
    }

    /// Moves a deadline to another time, earlier or later; the key stays valid. Takes constant time.
    ///
    /// False when there is nothing to move, see [`cancel_deadline`](Poller::cancel_deadline).
    #[inline]
    pub fn move_deadline(&mut self, key: DeadlineKey, deadline: Instant) -> bool {
        self.move_deadline_nanos(key, sys::nanos(deadline))
    }

    /// Moves a deadline to `timeout` from now (not from the last poll), as
    /// [`move_deadline`](Poller::move_deadline) does: a program that puts off what it waits for at each sign of
    /// life need not read the clock. Of an interval it is the next event that is moved, and the others with it.
    ///
    /// False when there is nothing to move, see [`cancel_deadline`](Poller::cancel_deadline).
    pub fn move_timeout(&mut self, key: DeadlineKey, timeout: Duration) -> bool {
        self.move_timeout_nanos(key, sys::duration(timeout))
    }

    /// Moves a deadline, or if it has fired or was cancelled adds one with `id`; returns the key of the one that
    /// there is afterwards. So a key can be kept as long as its connection.
    ///
    /// A deadline that is moved keeps its key and the id that it was added with. A key of another poller, too,
    /// moves nothing.
    pub fn move_or_add_deadline(
        &mut self,
        key: DeadlineKey,
        id: EventedId,
        deadline: Instant,
    ) -> DeadlineKey {
        if self.move_deadline(key, deadline) { key } else { self.add_deadline(id, deadline) }
    }

    /// As [`move_or_add_deadline`](Poller::move_or_add_deadline), to `timeout` from now.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use std::time::Duration;
    ///
    /// use mio_st::{EventedId, Events, Poller, Ready};
    ///
    /// const IDLE: Duration = Duration::from_millis(10);
    ///
    /// let mut poller = Poller::new()?;
    /// let mut events = Events::new();
    /// let mut key = poller.add_timeout(EventedId(0), IDLE);
    /// for _ in 0..3 {
    ///     // A sign of life, before the time or after it.
    ///     key = poller.move_or_add_timeout(key, EventedId(0), IDLE);
    ///     poller.poll(&mut events, None)?;
    ///     assert_eq!(events.iter().next().map(|event| event.readiness()), Some(Ready::TIMER));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn move_or_add_timeout(
        &mut self,
        key: DeadlineKey,
        id: EventedId,
        timeout: Duration,
    ) -> DeadlineKey {
        if self.move_timeout(key, timeout) { key } else { self.add_timeout(id, timeout) }
    }

    /// As [`add_deadline`](Poller::add_deadline), in nanoseconds; what cannot be had is `OutOfMemory`. So
    /// are the two below, which also fail if the clock does.
    #[inline]
    pub(crate) fn try_add_deadline(&mut self, deadline: u64, id: u64) -> io::Result<DeadlineKey> {
        self.expect_deadlines();
        let now = self.now_or_last();
        Ok(self.deadlines.try_add(now, deadline, id)?)
    }

    #[inline]
    pub(crate) fn add_quickly(&mut self, deadline: u64, id: u64) -> Option<DeadlineKey> {
        match self.now.get() {
            Some(now) if self.has_asked.get() => {
                self.quiet.set(Generation::NONE);
                self.deadlines.add_quickly(now, deadline, id)
            }
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn move_quickly(&mut self, key: DeadlineKey, deadline: u64) -> bool {
        match self.now.get() {
            Some(now) => self.deadlines.move_quickly(now, key, deadline),
            None => false,
        }
    }

    #[inline]
    pub(crate) fn try_add_timeout(&mut self, timeout: u64, id: u64) -> io::Result<DeadlineKey> {
        let now = self.time_of_addition()?;
        Ok(self.deadlines.try_add(now, now.saturating_add(timeout), id)?)
    }

    pub(crate) fn try_add_interval(
        &mut self,
        first: u64,
        period: NonZeroU64,
        id: u64,
    ) -> io::Result<DeadlineKey> {
        let now = self.time_of_addition()?;
        let first = now.saturating_add(first);
        Ok(self.deadlines.try_add_interval(now, first, period, id)?)
    }

    #[inline]
    pub(crate) fn move_deadline_nanos(&mut self, key: DeadlineKey, deadline: u64) -> bool {
        self.deadlines.move_to(self.now_or_last(), key, deadline)
    }

    pub(crate) fn move_timeout_nanos(&mut self, key: DeadlineKey, timeout: u64) -> bool {
        let now = self.time_of_addition().unwrap_or_else(|error| self.last(error));
        self.deadlines.move_to(now, key, now.saturating_add(timeout))
    }

    #[inline]
    fn expect_deadlines(&self) {
        self.quiet.set(Generation::NONE);
        if !self.has_asked.get() {
            self.ask();
        }
    }

    /// As [`expect_deadlines`](Poller::expect_deadlines), and tells the time.
    #[inline]
    fn time_of_addition(&self) -> io::Result<u64> {
        self.quiet.set(Generation::NONE);
        if !self.has_asked.get() {
            if let Some(now) = self.ask() {
                return Ok(now);
            }
        }
        self.read()
    }

    /// Asks what there is to ask before the first deadline, and for the time, if the program drives it.
    #[cold]
    #[inline(never)]
    fn ask(&self) -> Option<u64> {
        if self.deadlines.is_new() {
            self.nice.set(sys::is_nice());
        }
        let driven = self.driven_time();
        self.has_asked.set(driven.is_none());
        driven
    }

    /// Removes the earliest deadline with this id, if there is one.
    ///
    /// It looks at all deadlines: [`cancel_deadline`](Poller::cancel_deadline) is the quick form.
    pub fn remove_deadline(&mut self, id: EventedId) {
        self.deadlines.remove(id.0 as u64);
    }

    /// Sets how late a poll may wake up for deadlines that are added or moved from now on, so that neighbours
    /// share a wake-up: 1/128 of the distance to the deadline, and at most `slack`. The distance is that from
    /// [`now`](Poller::now), and of a timeout all of it.
    ///
    /// The default is 2^20 ns, about 1.05 ms. Zero is exact, up to the kernel's own slack.
    pub fn set_deadline_slack(&mut self, slack: Duration) {
        self.set_deadline_slack_nanos(sys::duration(slack));
    }

    pub(crate) fn set_deadline_slack_nanos(&mut self, slack: u64) {
        self.slack = Some(slack);
        self.apply_slack();
    }

    /// Sets for how long a poll that has to wait looks again and again before it sleeps; never longer than
    /// until its timeout or the next deadline.
    ///
    /// The default is zero. It buys latency, since going to sleep and waking up takes longer than what one
    /// waits for may, and pays with a processor that is busy meanwhile. A poll with a timeout of zero does
    /// not spin.
    pub fn set_spin(&mut self, spin: Duration) {
        self.set_spin_nanos(sys::duration(spin));
    }

    pub(crate) fn set_spin_nanos(&mut self, spin: u64) {
        self.spin.limit = spin;
        self.calm_down();
    }

    /// Finds out what `calm` is.
    fn calm_down(&mut self) {
        let is_plain = self.plain == self.generation;
        let is_watched = sys::sanitizers::is_memory_watched();
        let calm = self.spin.limit == 0 && self.awakeners.is_none() && is_plain && !is_watched;
        self.calm = if calm { self.generation } else { Generation::NONE };
        self.quiet.set(Generation::NONE);
    }

    /// How long a poll would wait at most: zero while a notification waits, otherwise until the next
    /// deadline; `None` without either. It is for embedding the poller in another loop.
    pub fn next_wakeup(&mut self) -> Option<Duration> {
        self.next_wakeup_nanos().map(Duration::from_nanos)
    }

    pub(crate) fn next_wakeup_nanos(&mut self) -> Option<u64> {
        if !self.notifications.is_empty() {
            return Some(0);
        }
        let wakeup = self.deadlines.next_wakeup()?;
        let now = self.driven_time().unwrap_or_else(|| self.read_or_last());
        Some(wakeup.saturating_sub(now))
    }

    /// The time of the last poll; if that did not need to read the clock, it is read now.
    pub fn now(&self) -> Instant {
        sys::instant(self.now_nanos())
    }

    pub(crate) fn now_nanos(&self) -> u64 {
        self.now_or_last()
    }

    /// The time of this turn, from one poll to the next.
    #[inline]
    fn turns_time(&self) -> io::Result<u64> {
        match self.now.get() {
            Some(now) => Ok(now),
            None => self.begin_time(),
        }
    }

    #[inline(never)]
    fn begin_time(&self) -> io::Result<u64> {
        let now = self.read()?;
        self.quiet.set(Generation::NONE);
        self.now.set(Some(now));
        Ok(now)
    }

    /// As [`turns_time`](Poller::turns_time), where there is nobody to tell of an error. A poll will.
    #[inline]
    fn now_or_last(&self) -> u64 {
        match self.now.get() {
            Some(now) => now,
            None => self.begin_time().unwrap_or_else(|error| self.last(error)),
        }
    }

    #[inline]
    fn read(&self) -> io::Result<u64> {
        let now = sys::monotonic()?;
        self.last_read.set(now);
        Ok(now)
    }

    fn read_or_last(&self) -> u64 {
        self.read().unwrap_or_else(|error| self.last(error))
    }

    fn last(&self, error: io::Error) -> u64 {
        sys::ignore(error);
        self.last_read.get()
    }

    /// Waits until there is an event, or `timeout` has passed (`None`: for ever), and fills `events`
    /// anew.
    ///
    /// A timeout of zero does not wait, any other never returns without an event before it has passed.
    /// Events that do not fit are kept for the next poll. A signal does not end the wait: a program that
    /// wants to stop at a signal is told so by an [`Awakener`] or by `Signals`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `events` has no capacity; another kind in a forked child, always. After an error
    /// `events` is empty.
    #[inline]
    pub fn poll(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let batch = events.refill();
        if let (true, Some(timeout)) = (self.is_quiet(), untimed(timeout)) {
            match batch.select(&self.selector, timeout) {
                Ok(_) => return Ok(()),
                Err(error) => sys::ignore(error),
            }
            // Interrupted by a signal, or wrong: the long way tells which.
        }
        self.refill(batch, timeout)
    }

    #[inline(never)]
    fn refill(&mut self, batch: &mut Batch, timeout: Option<Duration>) -> io::Result<()> {
        batch.fill(|buffer| {
            if !self.plain.is_current() {
                return self.refill_specially(buffer, timeout);
            }
            if buffer.room() == 0 {
                return Err(no_capacity());
            }
            if self.fill_notified(buffer) {
                return Ok(());
            }
            self.fill(buffer, timeout.map(sys::duration))
        })
    }

    #[cold]
    #[inline(never)]
    fn refill_specially(
        &mut self,
        buffer: &mut Buffer<'_>,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        self.generation.check()?;
        if buffer.room() == 0 {
            return Err(no_capacity());
        }
        self.fill_specially(buffer, timeout.map(sys::duration))
    }

    /// As [`poll`](Poller::poll), without asking the system: it hands out notifications and expired
    /// deadlines only, and never waits.
    pub fn poll_userspace(&mut self, events: &mut Events) {
        events.refill().fill(|buffer| self.fill_userspace(buffer));
    }

    /// The poll cycle without the system.
    pub(crate) fn fill_userspace(&mut self, buffer: &mut Buffer<'_>) {
        // Unless the program drives the time.
        self.now.set(self.driven_time());
        self.deadlines.begin(PORTION);
        let expired = !self.deadlines.is_empty() && self.deadlines.is_due(self.now_or_last());
        let waiting = self.notifications.len();
        let shares = self.turn_in_userspace.divide(buffer.room(), false, waiting, expired);
        self.fill_from_userspace(buffer, shares.deadlines);
    }

    #[inline(always)]
    pub(crate) fn selector(&self) -> &Selector {
        &self.selector
    }

    /// As [`poll`](Poller::poll), into an array of a C program; `timeout` is in nanoseconds. Returns how many
    /// events were written; `None` in a forked child. In both cases errno is as before.
    #[inline(never)]
    pub(crate) fn fill_array(
        &mut self,
        events: &mut [MaybeUninit<Event>],
        timeout: Option<u64>,
    ) -> io::Result<Option<usize>> {
        if !self.plain.is_current() {
            return self.fill_array_specially(events, timeout);
        }
        let fill = |buffer: &mut Buffer<'_>| {
            if self.fill_notified(buffer) {
                return Ok(());
            }
            self.fill(buffer, timeout)
        };
        Buffer::translated(events, fill).map(Some)
    }

    #[cold]
    #[inline(never)]
    fn fill_array_specially(
        &mut self,
        events: &mut [MaybeUninit<Event>],
        timeout: Option<u64>,
    ) -> io::Result<Option<usize>> {
        if !self.generation.is_current() {
            return Ok(None);
        }
        let fill = |buffer: &mut Buffer<'_>| self.fill_specially(buffer, timeout);
        sys::keeping_errno(|| Buffer::translated(events, fill)).map(Some)
    }

    /// Whether nothing but the system can have events.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet.get().is_current()
    }

    /// The poll cycle when a few notifications wait, which [`fill`](Poller::fill) would do just so: no
    /// deadline, nothing to divide, no time to wait. False if there is more to it.
    #[inline(always)] // Each of the two callers is the cold half of a poll, and nothing else.
    fn fill_notified(&mut self, buffer: &mut Buffer<'_>) -> bool {
        let waiting = self.notifications.len();
        let few = waiting > 0 && waiting <= buffer.room() / 4;
        if !few || !self.deadlines.is_empty() {
            return false;
        }
        match self.select(buffer, buffer.room() - waiting, Some(0)) {
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(error) => {
                sys::ignore(error);
                return false;
            }
        }
        self.notifications.move_all_to(buffer);
        self.now.set(None);
        self.quiet.set(self.calm);
        true
    }

    /// The poll cycle. There is room, and this is the process that created the poller.
    fn fill(&mut self, buffer: &mut Buffer<'_>, timeout: Option<u64>) -> io::Result<()> {
        self.now.set(None);
        self.deadlines.begin(PORTION);
        let expired = !self.deadlines.is_empty() && self.deadlines.is_due(self.turns_time()?);
        let notifications = self.notifications.len();
        let shares = self.turn.divide(buffer.room(), true, notifications, expired);
        if shares.system > 0 {
            if expired || notifications > 0 || timeout == Some(0) {
                self.select(buffer, shares.system, Some(0))?;
            } else {
                self.wait(buffer, shares.system, timeout)?;
            }
        }
        self.fill_from_userspace(buffer, shares.deadlines);
        if self.notifications.is_empty() && self.deadlines.is_empty() && self.now.get().is_none() {
            self.quiet.set(self.calm);
        }
        Ok(())
    }

    /// Asks the system for events until there are some, or the timeout or the next deadline has passed.
    #[inline(never)]
    fn wait(
        &mut self,
        buffer: &mut Buffer<'_>,
        room: usize,
        timeout: Option<u64>,
    ) -> io::Result<()> {
        let timeout = match timeout {
            Some(timeout) => Some(self.turns_time()?.saturating_add(timeout)),
            None => None,
        };
        if self.spin.limit > 0 {
            let end = self.deadlines.next_wakeup().into_iter().chain(timeout).min();
            if self.spin(buffer, room, end)? {
                return Ok(());
            }
        }
        loop {
            let deadline = self.deadlines.next_wakeup();
            let latest = deadline.map_or(u64::MAX, |_| self.deadlines.latest_wakeup());
            let end = deadline.into_iter().chain(timeout).min();
            // Without an end no time has to be measured.
            let remaining = match end {
                Some(end) => Some(end.saturating_sub(self.turns_time()?)),
                None => None,
            };
            let grace = latest.saturating_sub(end.unwrap_or(latest));
            let piece = remaining.map(|remaining| self.piece(remaining, grace));
            let count = self.select(buffer, room, piece)?;
            // Time has passed: who needs to know reads the clock again.
            self.now.set(None);
            match count {
                // Interrupted by a signal, or the wait goes on in another piece.
                None => {}
                Some(0) if piece < remaining => {}
                Some(0) if self.deadlines.has_backlog() && end < timeout.or(Some(u64::MAX)) => {
                    // Another portion of what keeps back the deadlines, between two looks at the system.
                    self.deadlines.begin(PORTION);
                    let now = self.turns_time()?;
                    if self.deadlines.is_due(now) {
                        return Ok(());
                    }
                }
                Some(_) => return Ok(()),
            }
        }
    }

    /// How long to wait in one piece when `remaining` is to be waited for, and that may be exceeded by `grace`
    /// beside the kernel's slack.
    ///
    /// Where the system may exceed it by more, the wait ends a little before, and the rest is waited for.
    fn piece(&self, remaining: u64, grace: u64) -> u64 {
        let allowed = grace.saturating_add(KERNEL_SLACK);
        if remaining >= LONG_WAIT && sys::stretch(remaining, true) > allowed {
            // A server waits for a far deadline at each poll: it is not asked at each.
            let now = self.last_read.get();
            if now.saturating_sub(self.nice_asked.get()) >= ASKING_AGAIN {
                self.nice_asked.set(now);
                self.nice.set(sys::is_nice());
            }
        }
        let stretch = sys::stretch(remaining, self.nice.get());
        let piece = if stretch > allowed { remaining - stretch } else { remaining };
        piece.min(sys::MAX_WAIT)
    }

    /// Looks for events again and again, but not for long; false if there are none.
    ///
    /// A wake is handed out without the system's being asked, if it was asked a short time ago.
    #[cold]
    #[inline(never)]
    fn spin(&mut self, buffer: &mut Buffer<'_>, room: usize, end: Option<u64>) -> io::Result<bool> {
        let mut now = self.turns_time()?;
        let spin_end = now.saturating_add(self.spin.limit).min(end.unwrap_or(u64::MAX));
        // Where wakes come one after the other, the next is waited for a little before anything else.
        let first = if self.spin.woken { now.saturating_add(Spin::PATIENCE) } else { now };
        self.spin.woken = false;
        while now < spin_end {
            let unasked = now.saturating_sub(self.spin.asked);
            let is_due = now >= first && unasked >= Spin::STEP || unasked >= Spin::LONGEST;
            match &mut self.awakeners {
                Some(awakeners) if !is_due => {
                    if awakeners.is_woken() {
                        awakeners.hand_out(buffer, room, self.exposed.get());
                        self.spin.woken = true;
                    }
                }
                _ => {
                    self.spin.asked = now;
                    self.select(buffer, room, Some(0))?;
                }
            }
            if buffer.len() > 0 {
                self.now.set(None);
                return Ok(true);
            }
            hint::spin_loop();
            now = self.read()?;
        }
        self.now.set(Some(now));
        Ok(false)
    }

    /// Asks the system for events, once; `None` if a signal interrupts.
    #[inline]
    fn select(
        &mut self,
        buffer: &mut Buffer<'_>,
        room: usize,
        timeout: Option<u64>,
    ) -> io::Result<Option<usize>> {
        if self.awakeners.is_some() {
            return self.select_and_wake(buffer, room, timeout);
        }
        match buffer.select(&self.selector, room, timeout) {
            Ok(count) => Ok(Some(count)),
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => {
                sys::ignore(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// As [`select`](Poller::select), where there are awakeners. They are given up when the last was dropped.
    #[inline(never)]
    fn select_and_wake(
        &mut self,
        buffer: &mut Buffer<'_>,
        room: usize,
        timeout: Option<u64>,
    ) -> io::Result<Option<usize>> {
        match &mut self.awakeners {
            Some(awakeners) if !awakeners.is_unused() => {
                awakeners.select(buffer, &self.selector, room, timeout, self.exposed.get())
            }
            _ => {
                self.retire_awakeners();
                self.select(buffer, room, timeout)
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn retire_awakeners(&mut self) {
        self.note_wakes();
        if let Some(awakeners) = self.awakeners.take() {
            awakeners.retire(&mut self.selector);
        }
        self.calm_down();
    }

    /// Fills the buffer with notifications and expired deadlines; `deadlines` of the room is left for
    /// the latter.
    #[inline]
    fn fill_from_userspace(&mut self, buffer: &mut Buffer<'_>, deadlines: usize) {
        self.notifications.move_to(buffer, buffer.room().saturating_sub(deadlines));
        if !self.deadlines.is_empty() {
            self.fill_from_deadlines(buffer);
            // What the deadlines left over.
            self.notifications.move_to(buffer, buffer.room());
        }
    }

    #[inline(never)]
    fn fill_from_deadlines(&mut self, buffer: &mut Buffer<'_>) {
        let now = self.now_or_last();
        while buffer.room() > 0 {
            let Some(id) = self.deadlines.expire(now) else { break };
            buffer.push(Event::from_raw(id, Ready::TIMER));
        }
    }

    #[inline]
    pub(crate) fn register_raw(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        if self.plain.is_current() {
            return self.selector.register(fd, id, interests, option);
        }
        let register = move |selector: &mut Selector| selector.register(fd, id, interests, option);
        self.register_or_fail(fd, id, interests, option, true, register)
    }

    #[inline]
    pub(crate) fn reregister_raw(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<()> {
        if self.plain.is_current() {
            return self.selector.reregister(fd, id, interests, option);
        }
        let change = move |selector: &mut Selector| selector.reregister(fd, id, interests, option);
        self.register_or_fail(fd, id, interests, option, false, change)
    }

    #[inline]
    pub(crate) fn deregister_raw(&mut self, fd: RawFd) -> io::Result<()> {
        if self.plain.is_current() {
            return self.selector.deregister(fd);
        }
        self.deregister_or_fail(fd)
    }

    /// As `register_raw`; `None` in a forked child. So are the two below.
    #[inline]
    pub(crate) fn try_register(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<Option<()>> {
        if !self.plain.is_current() {
            let register =
                move |selector: &mut Selector| selector.register(fd, id, interests, option);
            return self.register_specially(fd, id, interests, option, true, register);
        }
        self.selector.register(fd, id, interests, option).map(Some)
    }

    pub(crate) fn try_register_exclusive(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<Option<()>> {
        let register =
            move |selector: &mut Selector| selector.register_exclusive(fd, id, interests, option);
        if !self.plain.is_current() {
            return self.register_specially(fd, id, interests, option, true, register);
        }
        register(&mut self.selector).map(Some)
    }

    #[inline]
    pub(crate) fn try_reregister(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
    ) -> io::Result<Option<()>> {
        if !self.plain.is_current() {
            let change =
                move |selector: &mut Selector| selector.reregister(fd, id, interests, option);
            return self.register_specially(fd, id, interests, option, false, change);
        }
        self.selector.reregister(fd, id, interests, option).map(Some)
    }

    #[inline]
    pub(crate) fn try_deregister(&mut self, fd: RawFd) -> io::Result<Option<()>> {
        if !self.plain.is_current() {
            return self.deregister_specially(fd);
        }
        self.selector.deregister(fd).map(Some)
    }

    /// As `notify`, with an error where that would abort for want of memory.
    #[inline]
    pub(crate) fn notify_checked(&mut self, event: Event) -> io::Result<()> {
        self.quiet.set(Generation::NONE);
        Ok(self.notifications.try_push(event)?)
    }

    /// Makes room for so many more deadlines and notifications.
    pub(crate) fn try_reserve(&mut self, deadlines: usize, notifications: usize) -> io::Result<()> {
        if deadlines > 0 {
            self.deadlines.try_reserve(deadlines)?;
        }
        Ok(self.notifications.try_reserve(notifications)?)
    }

    #[inline]
    pub(crate) fn deadlines(&mut self) -> &mut Deadlines {
        &mut self.deadlines
    }

    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// From now on somebody may wait for the descriptor.
    fn expose(&self) {
        if let (false, Some(awakeners)) = (self.exposed.replace(true), &self.awakeners) {
            awakeners.expose();
        }
    }

    pub(crate) fn add_awakener(&mut self, id: u64) -> io::Result<Awakener> {
        let awakener = self.awakeners()?.add(id);
        self.calm_down();
        awakener
    }

    pub(crate) fn add_registrar(&mut self) -> io::Result<Registrar> {
        let registrar = self.awakeners()?.registrar();
        self.calm_down();
        registrar
    }

    fn awakeners(&mut self) -> io::Result<&mut Awakeners> {
        match &mut self.awakeners {
            Some(awakeners) => Ok(awakeners),
            none => {
                let awakeners = Awakeners::new(&self.selector, self.generation)?;
                awakeners.count(self.special.as_ref().is_some_and(Special::counts));
                if self.exposed.get() {
                    awakeners.expose();
                }
                awakeners.changes().want(self.special.is_some());
                Ok(none.insert(awakeners))
            }
        }
    }

    /// Another thread has it: what was found out of the old one does not hold.
    pub(crate) fn change_thread(&mut self) {
        self.nice.set(sys::is_nice());
    }
}

/// How a poll spins.
#[derive(Debug, Default)]
struct Spin {
    /// For how many nanoseconds at most; zero if it does not.
    limit: u64,
    /// When the system was asked.
    asked: u64,
    /// The last poll ended by a wake.
    woken: bool,
}

impl Spin {
    /// How often the system is asked while nothing comes, in nanoseconds.
    const STEP: u64 = 1_000;
    /// For how long the next wake is waited for before it is asked.
    const PATIENCE: u64 = 5_000;
    /// How long it may not be asked while wakes come.
    const LONGEST: u64 = 50_000;
}

fn no_capacity() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "no capacity for events")
}

/// The timeout in nanoseconds, if waiting for it asks for no clock.
#[inline]
fn untimed(timeout: Option<Duration>) -> Option<Option<u64>> {
    match timeout {
        None => Some(None),
        Some(Duration::ZERO) => Some(Some(0)),
        Some(_) => None,
    }
}

/// The descriptor becomes readable when the poller has an event of a handle or of an awakener: a poller can be
/// registered in another poller, or in another loop together with [`Poller::next_wakeup`].
///
/// From the first time that it was asked for, each wake that is not pending costs a system call again, since
/// somebody may wait for the descriptor.
impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.expose();
        self.selector.as_fd()
    }
}

impl AsRawFd for Poller {
    fn as_raw_fd(&self) -> RawFd {
        self.expose();
        self.selector.as_raw_fd()
    }
}
