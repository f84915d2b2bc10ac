//! What Unix has beyond sockets: any descriptor.

mod evented_fd;

pub use self::evented_fd::EventedFd;
