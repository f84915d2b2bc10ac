use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use crate::event::{EventedId, Ready};
use crate::poll::awakener::{self, Wakes};
use crate::poll::changes::{Change, Registration};
use crate::poll::{Interests, PollOption, Poller};
use crate::sys::Shared;

/// Registers descriptors with a [`Poller`], and posts events to it, from any thread.
///
/// It is for a program of several threads that has one loop: what another thread registers is reported by the poll
/// that sleeps already. A poller may have any number of registrars, and any number of threads may use one at once.
/// None keeps its poller alive.
///
/// # Notes
///
/// An event that a poll has taken already is handed out, also if another thread deregisters the descriptor meanwhile, or
/// registers it anew: who closes descriptors of others looks at the id of each event, as for any stale one.
///
/// While there is a registrar, polls cost what they cost with an [`Awakener`](crate::poll::Awakener).
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::net::UdpSocket;
/// use std::thread;
///
/// use mio_st::poll::{Interests, PollOption, Poller, Registrar};
/// use mio_st::{EventedId, Events};
///
/// let mut poller = Poller::new()?;
/// let registrar = Registrar::new(&mut poller)?;
///
/// let thread = thread::spawn(move || {
///     let socket = UdpSocket::bind("127.0.0.1:0")?;
///     registrar.register(&socket, EventedId(7), Interests::WRITABLE, PollOption::Edge)?;
///     std::io::Result::Ok(socket)
/// });
///
/// let mut events = Events::new();
/// poller.poll(&mut events, None)?;
/// assert_eq!((&mut events).next().map(|event| event.id()), Some(EventedId(7)));
/// thread.join().unwrap()?;
/// # Ok(())
/// # }
/// ```
pub struct Registrar {
    wakes: Shared<Wakes>,
}

impl Registrar {
    /// Creates a registrar of a poller.
    ///
    /// # Errors
    ///
    /// Those of making and registering a descriptor, such as `EMFILE`, for the first registrar or awakener of a poller;
    /// `OutOfMemory`; and in a forked child, where the poller cannot be used.
    pub fn new(poller: &mut Poller) -> io::Result<Registrar> {
        poller.generation().check()?;
        poller.add_registrar()
    }

    pub(super) fn of(wakes: Shared<Wakes>) -> Registrar {
        Registrar { wakes }
    }

    /// Registers a descriptor, as [`Poller::register_fd`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Poller::register`]; `BrokenPipe` when the poller is gone, and in a process that was forked since.
    pub fn register<Fd: AsFd>(
        &self,
        fd: Fd,
        id: EventedId,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()> {
        self.register_raw(fd.as_fd().as_raw_fd(), id.0 as u64, interests, opt)
    }

    /// Replaces the registration of a descriptor, as [`Poller::reregister_fd`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Poller::reregister`]; `BrokenPipe` as [`register`](Registrar::register).
    pub fn reregister<Fd: AsFd>(
        &self,
        fd: Fd,
        id: EventedId,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()> {
        self.reregister_raw(fd.as_fd().as_raw_fd(), id.0 as u64, interests, opt)
    }

    /// Ends the registration of a descriptor, as [`Poller::deregister_fd`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Poller::deregister`]; `BrokenPipe` as [`register`](Registrar::register).
    pub fn deregister<Fd: AsFd>(&self, fd: Fd) -> io::Result<()> {
        self.deregister_raw(fd.as_fd().as_raw_fd())
    }

    /// Posts an event, which a poll returns as it is, and wakes the poller if it sleeps. Those of one thread come in
    /// their order, and none is made one with another. Each allocates.
    ///
    /// What was written before the call is visible to the thread of the poller when it sees the event.
    ///
    /// # Errors
    ///
    /// `OutOfMemory`; `BrokenPipe` as [`register`](Registrar::register).
    pub fn notify(&self, id: EventedId, ready: Ready) -> io::Result<()> {
        self.post(id.0 as u64, ready)
    }

    pub(crate) fn register_raw(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()> {
        let now = Some(Registration { id, interests, option: opt, is_new: true });
        self.wakes.change(Change { fd, now }, |remote| remote.register(fd, id, interests, opt))
    }

    pub(crate) fn reregister_raw(
        &self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()> {
        let now = Some(Registration { id, interests, option: opt, is_new: false });
        self.wakes.change(Change { fd, now }, |remote| remote.reregister(fd, id, interests, opt))
    }

    pub(crate) fn deregister_raw(&self, fd: RawFd) -> io::Result<()> {
        self.wakes.change(Change { fd, now: None }, |remote| remote.deregister(fd))
    }

    pub(crate) fn post(&self, id: u64, ready: Ready) -> io::Result<()> {
        awakener::post(&self.wakes, id, ready)
    }

    /// Whether the process was forked since the poller was created.
    pub(crate) fn is_forked(&self) -> bool {
        self.wakes.is_forked()
    }
}

impl Clone for Registrar {
    fn clone(&self) -> Registrar {
        // It takes half of all numbers of clones that were never dropped.
        Registrar { wakes: self.wakes.try_clone().expect("too many registrars were leaked") }
    }
}

impl fmt::Debug for Registrar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registrar").finish_non_exhaustive()
    }
}
