//! Single-threaded, lightweight, non-blocking I/O.
//!
//! A [`Poller`] waits for many handles at once and hands out readiness [events](event::Event), which the
//! program pulls in a loop: no callbacks, no hidden queues, no threads, no allocation in steady state. Beside
//! handles it takes notifications from the program to itself, deadlines, and wakes from other threads.
//!
//! The modules are [`poll`] (the poller, and what one registers with), [`event`] (what a poll hands out),
//! [`net`] (TCP) and [`unix`] (any descriptor, pipes, Unix sockets, signals, processes).
//!
//! How the parts go together, and where one falls, is in the guide, `docs/rust-guide.md` of this package. The same
//! library has a C interface, `mio_st.h`.
//!
//! # Threads
//!
//! A poller and the handles registered with it belong to one thread, and the types say so: whatever owns
//! or borrows a descriptor, a deadline or a poller is neither `Send` nor `Sync`. An
//! [`Awakener`](poll::Awakener) and a [`Registrar`](poll::Registrar) are both. A connection moves to another thread as an
//! [`OwnedFd`](std::os::fd::OwnedFd), and with its registration, or a whole poller, as a
//! [`Detached`](poll::Detached).
//!
//! # Examples
//!
//! A TCP server that accepts connections; `examples/tcp_server.rs` also echoes.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::collections::HashMap;
//! use std::io;
//!
//! use mio_st::event::{EventedId, Events};
//! use mio_st::net::{TcpListener, TcpStream};
//! use mio_st::poll::{PollOption, Poller};
//!
//! const SERVER: EventedId = EventedId(0);
//!
//! let mut poller = Poller::new()?;
//! let mut events = Events::new();
//!
//! let mut server = TcpListener::bind("127.0.0.1:0".parse()?)?;
//! poller.register(&mut server, SERVER, TcpListener::INTERESTS, PollOption::Level)?;
//!
//! let mut connections = HashMap::new();
//! let mut next_id = EventedId(1);
//!
//! # let client = TcpStream::connect(server.local_addr()?)?;
//! loop {
//!     poller.poll(&mut events, None)?;
//!     for event in &mut events {
//!         match event.id() {
//!             // Level-triggered: one for each event, and the next poll tells of the next.
//!             SERVER => {
//!                 let (mut connection, _) = match server.accept() {
//!                     Ok(accepted) => accepted,
//!                     Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
//!                     Err(error) => return Err(error.into()),
//!                 };
//!                 poller.register(&mut connection, next_id, TcpStream::INTERESTS, PollOption::Edge)?;
//!                 connections.insert(next_id, connection);
//!                 next_id = EventedId(next_id.0 + 1);
//!             }
//!             id => {
//!                 // Read and write until `WouldBlock`.
//!                 let connection = &connections[&id];
//!                 # assert_eq!(connection.peer_addr()?, client.local_addr()?);
//!                 # return Ok(());
//!             }
//!         }
//!     }
//! }
//! # }
//! ```

#![deny(missing_docs, unsafe_code)]
#![doc(test(attr(deny(warnings), allow(unused_variables, dead_code))))]

#[cfg(not(any(epoll, kqueue)))]
compile_error!(
    "mio-st has a backend for epoll (Linux, Android) and one for kqueue (Apple's systems, FreeBSD, \
     NetBSD, OpenBSD, DragonFly BSD), and none for this target"
);

#[cfg(any(epoll, kqueue))]
#[allow(dead_code)] // `len` and `try_reserve` are for the C layer.
mod deadlines;
#[cfg(any(epoll, kqueue))]
pub mod event;
#[cfg(any(epoll, kqueue))]
pub mod net;
#[cfg(any(epoll, kqueue))]
pub mod poll;
#[cfg(any(epoll, kqueue))]
#[allow(unsafe_code)] // Nothing outside of it calls the system.
mod sys;
#[cfg(any(epoll, kqueue))]
pub mod unix;

#[cfg(any(epoll, kqueue))]
#[doc(hidden)]
pub mod raw;

/// The programs of the guide are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/rust-guide.md")]
struct RustGuide;

#[cfg(any(epoll, kqueue))]
#[doc(no_inline)]
pub use crate::event::{EventedId, Events, Ready};
#[cfg(any(epoll, kqueue))]
#[doc(no_inline)]
pub use crate::poll::{PollOption, Poller};
