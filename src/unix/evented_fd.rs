use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};

use crate::sys::{self, evented_traits};

/// Makes any descriptor a handle that can be registered, without owning it.
///
/// It is made for the call and needs not be kept: the registration belongs to the descriptor. To own the
/// descriptor there is [`EventedIo`](crate::unix::EventedIo). The descriptor should be non-blocking, at
/// least for edge-triggered use: see [`set_nonblocking`](EventedFd::set_nonblocking).
///
/// The descriptor is borrowed, from whatever implements [`AsFd`], so that it is open while it is
/// registered. Where there is but a number, the caller vouches for it with
/// [`BorrowedFd::borrow_raw`].
///
/// A regular file or a directory cannot be registered: it is always ready, and the error is `EPERM` on
/// every backend. Read it with blocking calls, in a thread of its own if the disk is slow. On Linux the
/// same is true of `/dev/null`, which may be the standard input of a daemon.
///
/// What each kind of descriptor reports on Linux (terminals, FIFOs, timerfd, inotify, files of `/proc`, sockets
/// and 50 more), and whether a short read has emptied it, is the table of `docs/descriptors.md`.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::os::unix::net::UnixDatagram;
///
/// use mio_st::poll::Interests;
/// use mio_st::unix::EventedFd;
/// use mio_st::{EventedId, Events, PollOption, Poller};
///
/// let (a, b) = UnixDatagram::pair()?;
/// let mut poller = Poller::new()?;
/// poller.register(&mut EventedFd::new(&a), EventedId(1), Interests::READABLE, PollOption::Level)?;
///
/// b.send(b"hello")?;
/// let mut events = Events::new();
/// poller.poll(&mut events, None)?;
/// assert_eq!(events.iter().next().map(|event| event.id()), Some(EventedId(1)));
/// # Ok(())
/// # }
/// ```
#[derive(Copy, Clone)]
pub struct EventedFd<'a> {
    fd: BorrowedFd<'a>,
    _thread: PhantomData<*const ()>,
}

impl<'a> EventedFd<'a> {
    /// Borrows a descriptor.
    pub fn new<Fd: AsFd + ?Sized>(fd: &'a Fd) -> EventedFd<'a> {
        EventedFd::from(fd.as_fd())
    }

    /// Makes the descriptor non-blocking, or blocking (`O_NONBLOCK`).
    ///
    /// # Notes
    ///
    /// It belongs to the open file, and so to every duplicate, also in other processes: standard input made
    /// non-blocking is so for the shell that started this program, and for the next one. Make it blocking again
    /// at the end, or open the terminal anew (`/dev/tty`).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use std::io::{ErrorKind, Read};
    ///
    /// use mio_st::unix::EventedFd;
    ///
    /// let (mut reader, writer) = std::io::pipe()?;
    /// EventedFd::new(&reader).set_nonblocking(true)?;
    /// assert_eq!(reader.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        sys::set_nonblocking(self.fd, nonblocking)
    }
}

impl<'a> From<BorrowedFd<'a>> for EventedFd<'a> {
    fn from(fd: BorrowedFd<'a>) -> EventedFd<'a> {
        EventedFd { fd, _thread: PhantomData }
    }
}

impl fmt::Debug for EventedFd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventedFd").field("fd", &self.fd).finish()
    }
}

evented_traits!(EventedFd<'_>, |_| Ok(()));
