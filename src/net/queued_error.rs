//! What waits in the error queue of a socket.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// An entry of a socket's error queue: an error with its origin, or word of something that was sent.
///
/// It is taken by [`UdpSocket::recv_error`](crate::net::UdpSocket::recv_error) and the like. As long as there is
/// one the socket reports [`Ready::ERROR`](crate::Ready::ERROR), which no other call ends.
#[derive(Clone)]
pub struct QueuedError {
    pub(crate) errno: i32,
    pub(crate) origin: u8,
    pub(crate) kind: u8,
    pub(crate) code: u8,
    pub(crate) info: u32,
    pub(crate) data: u32,
    pub(crate) offender: Option<SocketAddr>,
    pub(crate) target: Option<SocketAddr>,
    pub(crate) time: Option<Duration>,
    pub(crate) len: usize,
}

/// Who made an entry of an error queue, see [`QueuedError::origin`].
#[derive(Copy, Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorOrigin {
    /// This host.
    Local,
    /// A router or the peer's host, by an ICMP message of this type and code.
    Icmp {
        /// Its type, such as 3, "destination unreachable".
        kind: u8,
        /// Its code, such as 3, "port unreachable".
        code: u8,
    },
    /// A router or the peer's host, by an ICMPv6 message of this type and code.
    Icmpv6 {
        /// Its type, such as 1, "destination unreachable".
        kind: u8,
        /// Its code, such as 4, "port unreachable".
        code: u8,
    },
    /// No error: something that was sent has got so far at [`QueuedError::timestamp`] (`SO_TIMESTAMPING`).
    Timestamp {
        /// How far, `SCM_TSTAMP_SND` and the like.
        kind: u32,
        /// Which, with `SOF_TIMESTAMPING_OPT_ID`.
        id: u32,
    },
    /// No error: the memory of these calls with `MSG_ZEROCOPY`, numbered from 0, is free again.
    ZeroCopy {
        /// The first.
        first: u32,
        /// The last.
        last: u32,
        /// Whether the system has copied it after all.
        copied: bool,
    },
    /// Another, `SO_EE_ORIGIN_…`.
    Other(u8),
}

impl QueuedError {
    /// The error; `None` of an entry that is none.
    pub fn error(&self) -> Option<io::Error> {
        self.is_error().then(|| io::Error::from_raw_os_error(self.errno))
    }

    pub(crate) fn is_error(&self) -> bool {
        let is_word =
            matches!(self.origin(), ErrorOrigin::Timestamp { .. } | ErrorOrigin::ZeroCopy { .. });
        !is_word && self.errno != 0
    }

    /// Who made it.
    pub fn origin(&self) -> ErrorOrigin {
        let &QueuedError { kind, code, info, data, .. } = self;
        match self.origin {
            1 => ErrorOrigin::Local,
            2 => ErrorOrigin::Icmp { kind, code },
            3 => ErrorOrigin::Icmpv6 { kind, code },
            4 => ErrorOrigin::Timestamp { kind: info, id: data },
            5 => ErrorOrigin::ZeroCopy { first: info, last: data, copied: code & 1 != 0 },
            other => ErrorOrigin::Other(other),
        }
    }

    /// The router or host that told of it.
    pub fn offender(&self) -> Option<SocketAddr> {
        self.offender
    }

    /// Where the datagram that it is about was sent to.
    pub fn target(&self) -> Option<SocketAddr> {
        self.target
    }

    /// The path's MTU, of an error that says that a datagram was too big for it.
    pub fn mtu(&self) -> Option<u32> {
        (self.errno == libc::EMSGSIZE && self.info != 0).then_some(self.info)
    }

    /// When it happened, of a [`Timestamp`](ErrorOrigin::Timestamp).
    pub fn timestamp(&self) -> Option<SystemTime> {
        self.time.and_then(|time| SystemTime::UNIX_EPOCH.checked_add(time))
    }

    /// How many bytes of the datagram that it is about are in the buffer.
    pub fn data_len(&self) -> usize {
        self.len
    }
}

impl fmt::Debug for QueuedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedError")
            .field("error", &self.error())
            .field("origin", &self.origin())
            .field("offender", &self.offender)
            .field("target", &self.target)
            .field("mtu", &self.mtu())
            .field("timestamp", &self.timestamp())
            .field("data_len", &self.len)
            .finish()
    }
}

/// What is done with datagrams that are larger than the path takes, `IP_MTU_DISCOVER`.
#[derive(Copy, Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum MtuDiscovery {
    /// They are cut, by this host and by IPv4's routers.
    Dont,
    /// They are cut by this host; the path's MTU is found out, and datagrams that fit are not to be cut.
    Want,
    /// They are refused (`EMSGSIZE`), by what is known of the path's MTU, and none is to be cut.
    Do,
    /// As `Do`, but only the interface's MTU counts, so that a program can find out the path's.
    Probe,
}
