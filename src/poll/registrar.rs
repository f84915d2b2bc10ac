use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

use crate::event::{EventedId, Ready};
use crate::poll::awakener::{self, Wakes};
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
/// The poller does not know of what a registrar has registered, since to tell it would take a lock, or memory, at each
/// registration. So on a clock that the program drives ([`Poller::set_clock`]) it comes in the order of the system, and
/// checks ([`Poller::set_checks`]) do not look at it.
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
        let fd = fd.as_fd().as_raw_fd();
        self.wakes.with_remote(|remote| remote.register(fd, id.0 as u64, interests, opt))
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
        let fd = fd.as_fd().as_raw_fd();
        self.wakes.with_remote(|remote| remote.reregister(fd, id.0 as u64, interests, opt))
    }

    /// Ends the registration of a descriptor, as [`Poller::deregister_fd`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Poller::deregister`]; `BrokenPipe` as [`register`](Registrar::register).
    pub fn deregister<Fd: AsFd>(&self, fd: Fd) -> io::Result<()> {
        let fd = fd.as_fd().as_raw_fd();
        self.wakes.with_remote(|remote| remote.deregister(fd))
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
        awakener::post(&self.wakes, id.0 as u64, ready)
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
