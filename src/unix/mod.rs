//! What Unix has beyond internet sockets: any descriptor, pipes, Unix sockets, signals, processes.
//!
//! | | what it is | ready |
//! |---|---|---|
//! | [`EventedFd`] | any descriptor, borrowed | as the descriptor |
//! | [`EventedIo`] | any descriptor, owned, with `Read` and `Write` | as the descriptor |
//! | [`new_pipe`]: [`Sender`], [`Receiver`] | the two ends of a pipe | writable, readable |
//! | [`UnixStream`], [`UnixListener`], [`UnixDatagram`] | Unix sockets | as their relatives in [`net`](crate::net) |
//! | [`Signals`] | signals that were sent to this process | readable: a signal waits |
//! | [`Process`] | another process | readable: it has exited |

use std::io;

mod datagram;
mod evented_fd;
mod evented_io;
mod listener;
mod pipe;
mod process;
mod signals;
mod stream;

pub use self::datagram::UnixDatagram;
pub use self::evented_fd::EventedFd;
pub use self::evented_io::EventedIo;
pub use self::listener::UnixListener;
pub use self::pipe::{Receiver, Sender, new_pipe};
pub use self::process::Process;
pub(crate) use self::signals::is_receivable;
pub use self::signals::{Signal, Signals};
pub use self::stream::{UCred, UnixStream};

/// Refuses interests that make no sense for a handle.
fn refuse_if(senseless: bool, message: &'static str) -> io::Result<()> {
    if senseless { Err(io::Error::new(io::ErrorKind::InvalidInput, message)) } else { Ok(()) }
}
