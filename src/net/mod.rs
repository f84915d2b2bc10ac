//! Internet sockets: TCP.

mod tcp;

pub use self::tcp::{TcpListener, TcpStream};
