use std::fmt;

use crate::net::{ConnectedUdpSocket, TcpListener, TcpStream, UdpSocket};
use crate::poll::Poller;
use crate::sys::{Carried, Carry};
use crate::unix::{EventedIo, Process, Receiver, Sender, UnixDatagram, UnixListener, UnixStream};

/// A poller or a handle on its way to another thread.
///
/// Pollers and handles belong to the thread that made them. A program that hands a whole loop over, such as one whose
/// threads take turns under one lock, detaches the poller and what is registered with it, and attaches them in the other
/// thread. Registrations, deadlines and notifications go along; awakeners and registrars work all the time.
///
/// [`Signals`](crate::unix::Signals) stay in their thread, where they have let in what it had blocked.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::thread;
///
/// use mio_st::poll::{Detached, Poller};
/// use mio_st::unix::UnixStream;
/// use mio_st::{EventedId, Events, PollOption};
///
/// let (mut stream, _peer) = UnixStream::pair()?;
/// let mut poller = Poller::new()?;
/// poller.register(&mut stream, EventedId(1), UnixStream::INTERESTS, PollOption::Edge)?;
///
/// let (stream, poller) = (Detached::new(stream), Detached::new(poller));
/// let thread = thread::spawn(move || {
///     let (stream, mut poller) = (stream.attach(), poller.attach());
///     let mut events = Events::new();
///     poller.poll(&mut events, None)?;
///     assert_eq!((&mut events).next().map(|event| event.id()), Some(EventedId(1)));
///     poller.close(stream)
/// });
/// thread.join().unwrap()?;
/// # Ok(())
/// # }
/// ```
pub struct Detached<T> {
    carried: Carried<T>,
}

impl<T: Detach> Detached<T> {
    /// Detaches a poller or a handle from this thread.
    pub fn new(value: T) -> Detached<T> {
        Detached { carried: Carried::new(value) }
    }

    /// Attaches it to this thread.
    pub fn attach(self) -> T {
        let mut value = self.carried.take();
        value.arrive();
        value
    }
}

impl<T> fmt::Debug for Detached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detached").finish_non_exhaustive()
    }
}

/// What can be [`Detached`]: a [`Poller`], and every handle but [`Signals`](crate::unix::Signals). It cannot be
/// implemented elsewhere.
pub trait Detach: Carry {}

macro_rules! detach {
    ($($type:ident),+) => {
        $(
            impl Carry for $type {}
            impl Detach for $type {}
        )+
    };
}

detach!(
    TcpStream,
    TcpListener,
    UdpSocket,
    ConnectedUdpSocket,
    UnixStream,
    UnixListener,
    UnixDatagram,
    EventedIo,
    Sender,
    Receiver,
    Process
);

impl Carry for Poller {
    fn arrive(&mut self) {
        self.change_thread();
    }
}

impl Detach for Poller {}
