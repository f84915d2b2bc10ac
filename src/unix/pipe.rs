use std::io;
use std::os::fd::OwnedFd;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Stdio};

use crate::poll::Interests;
use crate::sys::{self, Fd, fd_traits, read_traits, write_traits};
use crate::unix::refuse_if;

/// Makes a pipe: what is written to the [`Sender`] is read from the [`Receiver`].
///
/// Both ends are non-blocking and close-on-exec, atomically (on Darwin, which has no `pipe2`, at once
/// after the pipe was made).
///
/// # Errors
///
/// `EMFILE` and `ENFILE` when there are too many descriptors. (Linux also gives a user's pipes beyond
/// `pipe-user-pages-soft` a smaller capacity, see `pipe(7)`.)
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::io::{Read, Write};
///
/// use mio_st::unix::{Receiver, new_pipe};
/// use mio_st::{EventedId, Events, PollOption, Poller};
///
/// let (mut sender, mut receiver) = new_pipe()?;
/// let mut poller = Poller::new()?;
/// poller.register(&mut receiver, EventedId(0), Receiver::INTERESTS, PollOption::Edge)?;
///
/// sender.write_all(b"hello")?;
/// let mut events = Events::new();
/// poller.poll(&mut events, None)?;
/// let mut buf = [0; 16];
/// assert_eq!(receiver.read(&mut buf)?, 5);
/// # Ok(())
/// # }
/// ```
pub fn new_pipe() -> io::Result<(Sender, Receiver)> {
    let (receiver, sender) = sys::pipe::new()?;
    Ok((Sender { fd: sender }, Receiver { fd: receiver }))
}

/// The sending end of a pipe, or of a FIFO.
///
/// Made by [`new_pipe`], of a child's [`ChildStdin`] (which becomes non-blocking), or of any
/// [`OwnedFd`] (which becomes so too). As a [`Stdio`] it becomes the output of a child, blocking as programs expect it.
///
/// When the receiving end is closed, the event is [`ERROR`](crate::Ready::ERROR), and writing fails with
/// `BrokenPipe`.
///
/// # SIGPIPE
///
/// Writing to a pipe whose receiving end is gone also raises SIGPIPE, which kills the process unless it
/// ignores, blocks or handles that signal. No flag of `write(2)` prevents it, as one of `send(2)` does
/// for sockets, and a library must not change how the process handles its signals. The runtime of Rust
/// ignores SIGPIPE before `main`; a program with a `main` of C's calls `signal(SIGPIPE, SIG_IGN)`, or
/// uses [`UnixStream::pair`](crate::unix::UnixStream::pair) instead of a pipe.
///
/// # Dropping
///
/// It is closed when it is dropped. If it is registered, and the program starts children, close it with
/// [`Poller::close`](crate::Poller::close), lest it go on giving events.
///
/// # Examples
///
/// The input of a child process:
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::io::Write;
/// use std::process::{Command, Stdio};
///
/// use mio_st::unix::Sender;
///
/// let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
/// let mut sender = Sender::from(child.stdin.take().unwrap());
/// sender.write_all(b"hello")?;
/// drop(sender);
/// assert!(child.wait()?.success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sender {
    fd: Fd,
}

impl Sender {
    /// Interest in writing.
    pub const INTERESTS: Interests = Interests::WRITABLE;
}

fd_traits!(Sender, |interests| refuse_if(
    interests.is_readable(),
    "sending end of a pipe can never be read"
));
write_traits!(Sender, |sender, buf| sender.fd.write(buf), |sender, bufs| sender
    .fd
    .write_vectored(bufs));

/// The receiving end of a pipe, or of a FIFO.
///
/// Made by [`new_pipe`], of a child's [`ChildStdout`] or [`ChildStderr`] (which becomes non-blocking), or
/// of any [`OwnedFd`]. As a [`Stdio`] it becomes the input of a child, blocking as programs expect it.
///
/// When every sending end is closed, the event is `READABLE` and [`HUP`](crate::Ready::HUP) (and
/// `READ_CLOSED`, `WRITE_CLOSED`), and once what was sent is read, reading gives 0, the end of file.
///
/// # Dropping
///
/// It is closed when it is dropped. If it is registered, and the program starts children, close it with
/// [`Poller::close`](crate::Poller::close), lest it go on giving events.
///
/// # Examples
///
/// The output of a child process:
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::io::Read;
/// use std::process::{Command, Stdio};
///
/// use mio_st::unix::Receiver;
/// use mio_st::{EventedId, Events, PollOption, Poller};
///
/// let mut child = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
/// let mut receiver = Receiver::from(child.stdout.take().unwrap());
///
/// let mut poller = Poller::new()?;
/// poller.register(&mut receiver, EventedId(0), Receiver::INTERESTS, PollOption::Level)?;
/// let mut events = Events::new();
/// poller.poll(&mut events, None)?;
/// let mut buf = [0; 16];
/// assert_eq!(receiver.read(&mut buf)?, 6);
/// # child.wait()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Receiver {
    fd: Fd,
}

impl Receiver {
    /// Interest in reading.
    pub const INTERESTS: Interests = Interests::READABLE;
}

fd_traits!(Receiver, |interests| refuse_if(
    interests.is_writable(),
    "receiving end of a pipe can never be written"
));
read_traits!(Receiver);

/// The conversions of an end of a pipe and the ends of a child's.
macro_rules! child_traits {
    ($type:ident, $($child:ident),*) => {
        $(
            impl From<$child> for $type {
                /// Takes the child's, which becomes non-blocking. The child's own end stays as it is.
                fn from(child: $child) -> $type {
                    $type::from(OwnedFd::from(child))
                }
            }
        )*

        impl From<$type> for Stdio {
            /// Gives the end to a child, blocking as programs expect it.
            fn from(end: $type) -> Stdio {
                // The conversions of std cannot fail, and neither does this: the descriptor is open.
                let _ = end.fd.set_nonblocking(false);
                Stdio::from(OwnedFd::from(end))
            }
        }
    };
}

child_traits!(Sender, ChildStdin);
child_traits!(Receiver, ChildStdout, ChildStderr);
