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

/// The options that all Unix sockets have, of a type with a field `fd: Fd`.
macro_rules! socket_options {
    ($type:ident) => {
        impl $type {
            /// Sets `SO_SNDBUF`, the bytes that the system keeps until the peer has read them.
            ///
            /// # Platform differences
            ///
            /// Linux doubles it, for its own bookkeeping, and takes what is beyond
            /// `/proc/sys/net/core/wmem_max` for that; BSD refuses what is too much (`ENOBUFS`).
            ///
            /// # Errors
            ///
            /// `InvalidInput` for more than 2^31 - 1.
            pub fn set_send_buffer_size(&self, size: usize) -> std::io::Result<()> {
                $crate::sys::socket::set_buffer_size(&self.fd, libc::SO_SNDBUF, size)
            }

            /// Gets `SO_SNDBUF`, on Linux twice what was set.
            pub fn send_buffer_size(&self) -> std::io::Result<usize> {
                $crate::sys::socket::buffer_size(&self.fd, libc::SO_SNDBUF)
            }

            /// Sets `SO_RCVBUF`. On Linux it limits nothing: what waits at the peer is reckoned to
            /// the sender, see [`set_send_buffer_size`](Self::set_send_buffer_size).
            ///
            /// # Errors
            ///
            /// `InvalidInput` for more than 2^31 - 1.
            pub fn set_recv_buffer_size(&self, size: usize) -> std::io::Result<()> {
                $crate::sys::socket::set_buffer_size(&self.fd, libc::SO_RCVBUF, size)
            }

            /// Gets `SO_RCVBUF`, on Linux twice what was set.
            pub fn recv_buffer_size(&self) -> std::io::Result<usize> {
                $crate::sys::socket::buffer_size(&self.fd, libc::SO_RCVBUF)
            }
        }
    };
}

#[macro_use]
mod message;

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
pub use self::listener::{UnixListener, UnixListenerBuilder};
pub use self::message::UnixMessage;
pub use self::pipe::{Receiver, Sender, new_pipe};
pub use self::process::Process;
pub(crate) use self::signals::is_receivable;
pub use self::signals::{Signal, SignalInfo, Signals};
pub use self::stream::{UCred, UnixStream};

/// Refuses interests that make no sense for a handle.
fn refuse_if(senseless: bool, message: &'static str) -> io::Result<()> {
    if senseless { Err(io::Error::new(io::ErrorKind::InvalidInput, message)) } else { Ok(()) }
}
