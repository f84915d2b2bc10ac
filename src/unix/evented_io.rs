use std::cell::Cell;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;

use crate::sys::{Fd, fd_traits, read_traits, socket, write_traits};

/// Any descriptor as a handle that owns it: it can be registered, read and written, and is closed when
/// dropped.
///
/// It is made of an [`OwnedFd`](std::os::fd::OwnedFd), which becomes non-blocking, or with
/// [`from_raw_fd`](std::os::fd::FromRawFd::from_raw_fd), where it must be so already. To register a descriptor
/// without owning it there is [`EventedFd`](crate::unix::EventedFd).
///
/// # SIGPIPE
///
/// Writing to a *socket* whose peer is gone is the error `BrokenPipe`, and never the signal SIGPIPE.
/// For this, the first write tries `send(2)`; whether the descriptor is a socket is remembered, so that
/// each later write is one system call.
///
/// Writing to a *pipe* whose reader is gone raises SIGPIPE, see [`Sender`](crate::unix::Sender).
///
/// # Dropping
///
/// It is closed when it is dropped. If it is registered, and the program starts children, close it with
/// [`Poller::close`](crate::Poller::close), lest it go on giving events.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::io::{Read, Write};
/// use std::os::fd::OwnedFd;
/// use std::os::unix::net::UnixStream;
///
/// use mio_st::poll::Interests;
/// use mio_st::unix::EventedIo;
/// use mio_st::{EventedId, Events, PollOption, Poller};
///
/// let (socket, mut peer) = UnixStream::pair()?;
/// let mut io = EventedIo::from(OwnedFd::from(socket));
///
/// let mut poller = Poller::new()?;
/// poller.register(&mut io, EventedId(0), Interests::READABLE, PollOption::Edge)?;
///
/// peer.write_all(b"hello")?;
/// let mut events = Events::new();
/// poller.poll(&mut events, None)?;
/// let mut buf = [0; 16];
/// assert_eq!(io.read(&mut buf)?, 5);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct EventedIo {
    fd: Fd,
    /// Whether it may be a socket: not yet known to be none.
    socket: Cell<bool>,
}

impl EventedIo {
    fn new(fd: Fd) -> EventedIo {
        // Darwin has no flag of `send` but an option of the socket. It fails for what is no socket.
        #[cfg(target_vendor = "apple")]
        let _ = socket::set_int_option(&fd, libc::SOL_SOCKET, libc::SO_NOSIGPIPE, 1);
        EventedIo { fd, socket: Cell::new(true) }
    }

    /// Makes the descriptor non-blocking, or blocking (`O_NONBLOCK`).
    ///
    /// # Notes
    ///
    /// It belongs to the open file, and so to every duplicate, also in other processes: standard input made
    /// non-blocking is so for the shell that started this program, and for the next one. Make it blocking again
    /// at the end, or open the terminal anew (`/dev/tty`).
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.fd.set_nonblocking(nonblocking)
    }

    /// Sends, or writes if this is no socket.
    fn send_or(
        &self,
        send: impl FnOnce(&Fd) -> io::Result<usize>,
        write: impl FnOnce(&Fd) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if self.socket.get() {
            match send(&self.fd) {
                Err(error) if error.raw_os_error() == Some(libc::ENOTSOCK) => {
                    self.socket.set(false);
                }
                result => return result,
            }
        }
        write(&self.fd)
    }

    fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.send_or(|fd| socket::send(fd, buf), |fd| fd.write(buf))
    }

    fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.send_or(|fd| socket::send_vectored(fd, bufs), |fd| fd.write_vectored(bufs))
    }
}

fd_traits!(EventedIo, |_| Ok(()), EventedIo::new);

impl From<File> for EventedIo {
    /// Takes a device, a FIFO or the like that was opened as a file, and makes it non-blocking. A regular file
    /// cannot be registered.
    fn from(file: File) -> EventedIo {
        OwnedFd::from(file).into()
    }
}

impl From<EventedIo> for File {
    /// Gives a file, which stays non-blocking.
    fn from(io: EventedIo) -> File {
        OwnedFd::from(io).into()
    }
}

read_traits!(EventedIo);
write_traits!(EventedIo, EventedIo::send, EventedIo::send_vectored);
