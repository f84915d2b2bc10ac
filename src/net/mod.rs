//! Internet sockets: TCP and UDP.
//!
//! They work as std's do, but an operation that would block fails with
//! [`WouldBlock`](std::io::ErrorKind::WouldBlock). Every socket is non-blocking and close-on-exec, from
//! the moment it is made, and an accepted one too.
//!
//! | | |
//! |---|---|
//! | [`TcpStream`] | a connection |
//! | [`TcpListener`] | accepts connections |
//! | [`UdpSocket`] | sends datagrams to anyone, and receives those of anyone |
//! | [`ConnectedUdpSocket`] | has one peer |
//!
//! What must be said before a socket is bound or connected, such as the length of the queue of a
//! listener, is said to a builder: [`TcpListenerBuilder`], [`TcpStreamBuilder`], [`UdpSocketBuilder`]. For
//! an option that is not here, make the socket with `socket2` or by yourself, and convert it: every type
//! takes an [`OwnedFd`](std::os::fd::OwnedFd), and std's socket, and makes it non-blocking.

mod builder;
mod datagram;
mod options;
mod queued_error;
mod tcp;
mod udp;

pub use self::builder::{TcpListenerBuilder, TcpStreamBuilder, UdpSocketBuilder};
pub use self::datagram::{Datagram, Ecn, Segments, Transmit};
pub use self::options::Keepalive;
pub use self::queued_error::{ErrorOrigin, MtuDiscovery, QueuedError};
pub use self::tcp::{TcpListener, TcpStream};
pub use self::udp::{ConnectedUdpSocket, UdpSocket};
