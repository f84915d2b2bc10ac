//! Options that several sockets have. What a macro defines here is documented here.

use std::io;
use std::time::Duration;

use libc::c_int;

use crate::sys::{Fd, socket};

/// How a connection on which nothing moves finds out that its peer is gone, see
/// [`TcpStream::set_keepalive`](crate::net::TcpStream::set_keepalive).
///
/// What is `None` stays as it was: in a new socket, the system's default.
///
/// # Platform differences
///
/// OpenBSD has no such values: there a `Some` is the error `Unsupported`.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub struct Keepalive {
    /// How long nothing has moved before the peer is asked for the first time (`TCP_KEEPIDLE`,
    /// `TCP_KEEPALIVE` on macOS), in whole seconds, rounded up.
    pub idle: Option<Duration>,
    /// The time from one question to the next (`TCP_KEEPINTVL`), in whole seconds, rounded up.
    pub interval: Option<Duration>,
    /// How many questions in a row are left unanswered before the connection is given up, with the error
    /// `TimedOut` (`TCP_KEEPCNT`).
    pub count: Option<u32>,
}

#[cfg(target_vendor = "apple")]
const TIMES: Option<[c_int; 3]> =
    Some([libc::TCP_KEEPALIVE, libc::TCP_KEEPINTVL, libc::TCP_KEEPCNT]);
#[cfg(target_os = "openbsd")]
const TIMES: Option<[c_int; 3]> = None;
#[cfg(not(any(target_vendor = "apple", target_os = "openbsd")))]
const TIMES: Option<[c_int; 3]> =
    Some([libc::TCP_KEEPIDLE, libc::TCP_KEEPINTVL, libc::TCP_KEEPCNT]);

impl Keepalive {
    /// Sets the values, and then turns it on.
    pub(super) fn set(keepalive: Option<Keepalive>, fd: &Fd) -> io::Result<()> {
        if let Some(Keepalive { idle, interval, count }) = keepalive {
            let values = [
                idle.map(whole_seconds).transpose()?,
                interval.map(whole_seconds).transpose()?,
                count.map(int).transpose()?,
            ];
            for (i, value) in values.into_iter().enumerate() {
                let Some(value) = value else { continue };
                let names = TIMES.ok_or(io::ErrorKind::Unsupported)?;
                socket::set_int_option(fd, libc::IPPROTO_TCP, names[i], value)?;
            }
        }
        let on = keepalive.is_some().into();
        socket::set_int_option(fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE, on)
    }

    pub(super) fn get(fd: &Fd) -> io::Result<Option<Keepalive>> {
        if socket::int_option(fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE)? == 0 {
            return Ok(None);
        }
        let Some([idle, interval, count]) = TIMES else { return Ok(Some(Keepalive::default())) };
        let option = |name| socket::int_option(fd, libc::IPPROTO_TCP, name);
        Ok(Some(Keepalive {
            idle: Some(Duration::from_secs(option(idle)? as u64)),
            interval: Some(Duration::from_secs(option(interval)? as u64)),
            count: Some(option(count)? as u32),
        }))
    }
}

/// A duration in whole seconds, rounded up, so that a short one does not become none.
pub(super) fn whole_seconds(duration: Duration) -> io::Result<c_int> {
    let seconds = duration.as_secs().saturating_add((duration.subsec_nanos() > 0).into());
    int(seconds)
}

/// A number as an option takes it.
pub(super) fn int<T: TryInto<c_int>>(number: T) -> io::Result<c_int> {
    number.try_into().map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

/// What all internet sockets have. The type has a field `fd: Fd`; `$new` makes one where it has more than that.
macro_rules! internet_socket {
    ($type:ident, $std:ty) => {
        $crate::net::options::internet_socket!($type, $std, |fd| $type { fd });
    };
    ($type:ident, $std:ty, $new:expr) => {
        impl $type {
            /// The address of this side.
            pub fn local_addr(&self) -> std::io::Result<std::net::SocketAddr> {
                (&$crate::sys::socket::local_addr(&self.fd)?).try_into()
            }

            /// Another handle of the same socket: what is done to one concerns both.
            ///
            /// # Notes
            ///
            /// A duplicate is registered by itself. epoll goes on reporting events of a registered one
            /// that was dropped until every other is closed too: close it with
            /// [`Poller::close`](crate::Poller::close).
            ///
            /// # Errors
            ///
            /// `EMFILE` when there are too many descriptors.
            pub fn try_clone(&self) -> std::io::Result<$type> {
                let new: fn($crate::sys::Fd) -> $type = $new;
                self.fd.duplicate().map(new)
            }

            /// Sets the number of hops that a packet may make: `IP_TTL`, and of an IPv6 socket
            /// `IPV6_UNICAST_HOPS`. The connections of a listener inherit it.
            ///
            /// # Platform differences
            ///
            /// On Linux it holds for the traffic of an IPv6 socket with IPv4 addresses too.
            ///
            /// # Errors
            ///
            /// `InvalidInput` for what is not 1 to 255.
            pub fn set_ttl(&self, ttl: u32) -> std::io::Result<()> {
                $crate::sys::socket::set_ttl(&self.fd, ttl)
            }

            /// Gets the number of hops, see [`set_ttl`](Self::set_ttl).
            pub fn ttl(&self) -> std::io::Result<u32> {
                $crate::sys::socket::ttl(&self.fd)
            }

            /// Gets `IPV6_V6ONLY`: whether an IPv6 socket has nothing to do with IPv4. It is set by the
            /// builder.
            ///
            /// # Errors
            ///
            /// `Unsupported` of an IPv4 socket, which has no such option.
            pub fn only_v6(&self) -> std::io::Result<bool> {
                let (level, name) = (libc::IPPROTO_IPV6, libc::IPV6_V6ONLY);
                $crate::sys::socket::int_option(&self.fd, level, name).map(|only| only != 0)
            }

            /// Sets `SO_SNDBUF`, the bytes that the system keeps until they are sent.
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
                let size = $crate::net::options::int(size)?;
                let (level, name) = (libc::SOL_SOCKET, libc::SO_SNDBUF);
                $crate::sys::socket::set_int_option(&self.fd, level, name, size)
            }

            /// Gets `SO_SNDBUF`, on Linux twice what was set.
            pub fn send_buffer_size(&self) -> std::io::Result<usize> {
                $crate::sys::socket::int_option(&self.fd, libc::SOL_SOCKET, libc::SO_SNDBUF)
                    .map(|size| size as usize)
            }

            /// Sets `SO_RCVBUF`, the bytes that the system keeps until they are received.
            ///
            /// # Notes
            ///
            /// The window that TCP may use is agreed on while connecting: a size of more than 64 KB is
            /// set by the builder, before.
            ///
            /// # Platform differences
            ///
            /// As [`set_send_buffer_size`](Self::set_send_buffer_size), with `rmem_max`.
            ///
            /// # Errors
            ///
            /// `InvalidInput` for more than 2^31 - 1.
            pub fn set_recv_buffer_size(&self, size: usize) -> std::io::Result<()> {
                let size = $crate::net::options::int(size)?;
                let (level, name) = (libc::SOL_SOCKET, libc::SO_RCVBUF);
                $crate::sys::socket::set_int_option(&self.fd, level, name, size)
            }

            /// Gets `SO_RCVBUF`, on Linux twice what was set.
            pub fn recv_buffer_size(&self) -> std::io::Result<usize> {
                $crate::sys::socket::int_option(&self.fd, libc::SOL_SOCKET, libc::SO_RCVBUF)
                    .map(|size| size as usize)
            }

            /// Takes the error that waits at the socket (`SO_ERROR`).
            pub fn take_error(&self) -> std::io::Result<Option<std::io::Error>> {
                $crate::sys::socket::take_error(&self.fd)
            }
        }

        $crate::sys::std_traits!($type, $std);
    };
}
pub(super) use internet_socket;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up() {
        for (nanos, seconds) in
            [(0, 0), (1, 1), (999_999_999, 1), (1_000_000_000, 1), (1_000_000_001, 2)]
        {
            assert_eq!(whole_seconds(Duration::from_nanos(nanos)).unwrap(), seconds);
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert_eq!(int(i32::MAX as usize).unwrap(), i32::MAX);
        assert_eq!(int(1_usize << 31).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(whole_seconds(Duration::MAX).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
