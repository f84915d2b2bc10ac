use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use crate::event::{Evented, EventedId};
use crate::poll::{Interests, PollOption, Poller};

/// Makes any descriptor a handle that can be registered, without owning it.
///
/// The descriptor should be non-blocking, at least for edge-triggered use.
///
/// A regular file or a directory cannot be registered: it is always ready, and the error is `EPERM` on
/// every backend. Read it with blocking calls, in a thread of its own if the disk is slow.
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
#[derive(Copy, Clone, Debug)]
pub struct EventedFd<'a> {
    fd: BorrowedFd<'a>,
    _thread: std::marker::PhantomData<*const ()>,
}

impl<'a> EventedFd<'a> {
    /// Borrows a descriptor.
    pub fn new<Fd: AsFd>(fd: &'a Fd) -> EventedFd<'a> {
        EventedFd::from(fd.as_fd())
    }
}

impl<'a> From<BorrowedFd<'a>> for EventedFd<'a> {
    fn from(fd: BorrowedFd<'a>) -> EventedFd<'a> {
        EventedFd { fd, _thread: std::marker::PhantomData }
    }
}

impl Evented for EventedFd<'_> {
    fn register(
        &mut self,
        poller: &mut Poller,
        id: EventedId,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()> {
        poller.register_fd(self.as_raw_fd(), id.0 as u64, interests, opt)
    }

    fn reregister(
        &mut self,
        poller: &mut Poller,
        id: EventedId,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()> {
        poller.reregister_fd(self.as_raw_fd(), id.0 as u64, interests, opt)
    }

    fn deregister(&mut self, poller: &mut Poller) -> io::Result<()> {
        poller.deregister_fd(self.as_raw_fd())
    }
}

impl AsFd for EventedFd<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd
    }
}

impl AsRawFd for EventedFd<'_> {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
