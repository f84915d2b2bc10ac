//! Every type and constant that C sees. It depends on nothing but `core` and libc, so that a test can
//! translate it by itself (abi-test/tests/drift.rs).

#![allow(non_camel_case_types)]
// The system's addresses have no `Debug`.
#![allow(missing_debug_implementations)]

use core::ffi::c_void;

use libc::{sockaddr, sockaddr_storage, socklen_t};

/// The version of this header: major.
pub const MIO_ST_VERSION_MAJOR: u32 = 0;

/// The version of this header: minor. Before 1.0 a new minor version may break the ABI.
pub const MIO_ST_VERSION_MINOR: u32 = 4;

/// The version of this header: patch.
pub const MIO_ST_VERSION_PATCH: u32 = 0;

/// The version of this header as one number, which grows: `major * 1000000 + minor * 1000 + patch`.
pub const MIO_ST_VERSION_NUMBER: u32 = 4000;

/// A flag of mio_st_features(): this build waits with epoll.
pub const MIO_ST_FEATURE_EPOLL: u32 = 1u32 << 0;

/// A flag of mio_st_features(): this build waits with kqueue.
pub const MIO_ST_FEATURE_KQUEUE: u32 = 1u32 << 1;

/// An error: the handle belongs to another thread, whether it is still open there or not.
pub const MIO_ST_EWRONGTHREAD: i32 = -4096;

/// An error: the poller was created before the process was forked. In the child it can only be closed.
pub const MIO_ST_EFORKED: i32 = -4097;

/// An error: a defect of this library, which was caught at its border. Please report it.
pub const MIO_ST_EPANIC: i32 = -4098;

/// Interest and readiness: reading will not block. There is data, the end of the stream, an error, or a
/// connection to accept.
pub const MIO_ST_READABLE: u32 = 1u32 << 0;

/// Interest and readiness: there is out-of-band data (`MSG_OOB`), or another exceptional condition of
/// the descriptor. Only reported where it was asked for. Take it by `recv(MSG_OOB)` before reading: a read that finds
/// nothing else throws it away. Where the system has no such event, asking for it is `-EOPNOTSUPP`.
pub const MIO_ST_PRIORITY: u32 = 1u32 << 1;

/// Interest and readiness: writing will not block, or will fail at once. A connection that was being
/// made stands, or failed: see mio_st_tcp_stream_connected().
pub const MIO_ST_WRITABLE: u32 = 1u32 << 2;

/// Readiness: an error waits at the handle. Reading, writing or `_take_error` tell which; but what is in a
/// socket's error queue on Linux (`MSG_ZEROCOPY`, timestamps, `IP_RECVERR`) only `recvmsg(2)` with `MSG_ERRQUEUE`
/// takes out, and files of `/proc` and `/sys` tell of a change by it, with `MIO_ST_PRIORITY`. Reported whatever the
/// interests are, and perhaps alone.
pub const MIO_ST_ERROR: u32 = 1u32 << 3;

/// Readiness: both directions of the connection are closed. Reported whatever the interests are, and
/// together with `MIO_ST_READABLE`, `MIO_ST_READ_CLOSED` and `MIO_ST_WRITE_CLOSED`: what was received before is
/// still there to read, but at a terminal that hung up. It stays for sockets; a FIFO and the master of a terminal come
/// back with the next writer or program, without an event.
pub const MIO_ST_HUP: u32 = 1u32 << 4;

/// Readiness: writing will fail, for ever on a socket. (The master of a terminal that was hung up still takes it.)
/// Reported whatever the interests are.
pub const MIO_ST_WRITE_CLOSED: u32 = 1u32 << 5;

/// Readiness: a deadline has passed.
pub const MIO_ST_TIMER: u32 = 1u32 << 6;

/// Readiness: reading will come to the end of the stream, since the peer sends no more. What it sent
/// before is still there to read. Reported where there is an interest in `MIO_ST_READABLE`, and together with
/// `MIO_ST_HUP`.
pub const MIO_ST_READ_CLOSED: u32 = 1u32 << 13;

/// A trigger: an event when the readiness changes. After it read, write or accept until `-EAGAIN`, or
/// the rest may never be reported.
pub const MIO_ST_EDGE: u32 = 1u32 << 8;

/// A trigger: an event at every poll for as long as the handle is ready.
pub const MIO_ST_LEVEL: u32 = 1u32 << 9;

/// A trigger: one event, which disarms the whole handle, both directions, until it is reregistered.
pub const MIO_ST_ONESHOT: u32 = 1u32 << 10;

/// A buffer of so many bytes is large enough for any text that mio_st_addr_format() writes.
pub const MIO_ST_ADDR_TEXT_SIZE: u32 = 128;

/// An event: whose, and what it is ready for. 16 bytes on every system.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_event_t {
    /// What the caller gave at registration: a number, a pointer, or the bits of a handle.
    pub id: u64,
    /// Flags: `MIO_ST_READABLE` and the like.
    pub readiness: u32,
    /// Zero.
    pub reserved: u32,
}

/// Names a deadline of a poller, to cancel or to move it. The key of a deadline that fired or was
/// cancelled names nothing, for ever; so does `{0, 0}`.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_deadline_key_t {
    /// No meaning: store and compare it.
    pub slot: u64,
    /// No meaning: store and compare it.
    pub serial: u64,
}

/// A poller: waits for many handles at once, for notifications and for deadlines.
///
/// Made by mio_st_poller_new(), closed by mio_st_poller_close().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_poller_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// Wakes a poller from any thread, and from a signal handler.
///
/// Made by mio_st_awakener_new(), closed by mio_st_awakener_close(). The only handle that does not
/// belong to a thread.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_awakener_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// A TCP socket that listens for connections. Non-blocking and close-on-exec.
///
/// Made by mio_st_tcp_listener_bind() and its kin, closed by mio_st_tcp_listener_close().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_tcp_listener_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// A TCP connection. Non-blocking and close-on-exec.
///
/// Made by mio_st_tcp_stream_connect() and by mio_st_tcp_listener_accept(), closed by
/// mio_st_tcp_stream_close().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_tcp_stream_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// A UDP socket, which sends to any address and receives from any. Non-blocking and close-on-exec.
///
/// Made by mio_st_udp_socket_bind() and its kin, closed by mio_st_udp_socket_close().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_udp_socket_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// A UDP socket that sends to one peer, and receives from no other. Non-blocking and close-on-exec.
///
/// Made by mio_st_connected_udp_socket_connect() and by mio_st_udp_socket_connect(), closed by
/// mio_st_connected_udp_socket_close().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_connected_udp_socket_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// A connection between processes of one machine. Non-blocking and close-on-exec. When the peer closes, the event
/// has `MIO_ST_HUP`.
///
/// Made by mio_st_unix_stream_connect() and its kin, and by mio_st_unix_listener_accept(), closed by
/// mio_st_unix_stream_close().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_unix_stream_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// A Unix socket that listens for connections. Non-blocking and close-on-exec.
///
/// Made by mio_st_unix_listener_bind() and its kin, closed by mio_st_unix_listener_close().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_unix_listener_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// A Unix socket for datagrams, of which none is lost. Non-blocking and close-on-exec.
///
/// Made by mio_st_unix_datagram_bind() and its kin, closed by mio_st_unix_datagram_close().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_unix_datagram_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// The sending end of a pipe or FIFO. Non-blocking and close-on-exec.
///
/// Made by mio_st_new_pipe(), closed by mio_st_sender_close().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_sender_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// The receiving end of a pipe or FIFO. Non-blocking and close-on-exec.
///
/// Made by mio_st_new_pipe(), closed by mio_st_receiver_close().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_receiver_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// Signals as events.
///
/// Made by mio_st_signals_new(), closed by mio_st_signals_close().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_signals_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// The exit of a process as an event.
///
/// Made by mio_st_process_from_pid(), closed by mio_st_process_close().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_process_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// The credentials of a process, see mio_st_unix_stream_peer_cred().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_ucred_t {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// The process; 0 on BSD and macOS, and where it is in a namespace that is not visible from here.
    pub pid: i32,
}

/// A flag of mio_st_datagram_t: the datagram was longer than the memory, and its end is lost.
pub const MIO_ST_DATAGRAM_TRUNCATED: u32 = 1u32 << 0;

/// A datagram of a batch: of those that mio_st_udp_socket_recv_batch() receives, or that
/// mio_st_udp_socket_send_batch() sends.
#[derive(Copy, Clone)]
#[repr(C)]
pub struct mio_st_datagram_t {
    /// Memory to receive into, or what is to be sent. It stays the caller's.
    pub buffer: *mut c_void,
    /// How many bytes there are to receive into. Not looked at when sending.
    pub capacity: usize,
    /// How many bytes were received, or are to be sent.
    pub length: usize,
    /// Of what was received: 0 or `MIO_ST_DATAGRAM_TRUNCATED`. Not looked at when sending.
    pub flags: u32,
    /// The length of `address`.
    pub address_length: socklen_t,
    /// Who sent it, or where to send it.
    pub address: sockaddr_storage,
}

/// A flag of mio_st_socket_options_t: sets `SO_REUSEADDR`, which TCP listeners have by themselves.
pub const MIO_ST_SOCKET_REUSE_ADDRESS: u32 = 1u32 << 0;

/// A flag of mio_st_socket_options_t: does not set `SO_REUSEADDR`, for a TCP listener.
pub const MIO_ST_SOCKET_NO_REUSE_ADDRESS: u32 = 1u32 << 1;

/// A flag of mio_st_socket_options_t: sets `SO_REUSEPORT`, so that sockets that all have it may be bound to
/// the same address. On Linux connections and datagrams are spread over them.
pub const MIO_ST_SOCKET_REUSE_PORT: u32 = 1u32 << 2;

/// A flag of mio_st_socket_options_t: sets `IPV6_V6ONLY`, so that an IPv6 socket has nothing to do with IPv4.
/// Without this flag and the next it is as the system has it.
pub const MIO_ST_SOCKET_ONLY_V6: u32 = 1u32 << 3;

/// A flag of mio_st_socket_options_t: clears `IPV6_V6ONLY`, so that a socket bound to `[::]` serves IPv4 too.
pub const MIO_ST_SOCKET_DUAL_STACK: u32 = 1u32 << 4;

/// A flag of mio_st_socket_options_t: sets `TCP_NODELAY`, of a listener for the connections that it accepts.
pub const MIO_ST_SOCKET_NODELAY: u32 = 1u32 << 5;

/// A flag of mio_st_socket_options_t: turns keepalive on, with the values in `keepalive`, of a listener for
/// the connections that it accepts.
pub const MIO_ST_SOCKET_KEEPALIVE: u32 = 1u32 << 6;

/// How a connection on which nothing moves finds out that its peer is gone. What is 0 stays as it was: in a
/// new socket, the system's default.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_keepalive_t {
    /// For how many seconds nothing has moved before the peer is asked for the first time (`TCP_KEEPIDLE`).
    pub idle_seconds: u32,
    /// The seconds from one question to the next (`TCP_KEEPINTVL`).
    pub interval_seconds: u32,
    /// How many questions in a row are left unanswered before the connection ends with `-ETIMEDOUT`
    /// (`TCP_KEEPCNT`).
    pub count: u32,
}

/// What must be said before a socket is bound or connected. Zero is the default of every member but `size`:
/// `mio_st_socket_options_t options = {.size = sizeof options, .flags = MIO_ST_SOCKET_REUSE_PORT};`
#[derive(Copy, Clone, Debug)]
#[repr(C)]
pub struct mio_st_socket_options_t {
    /// The size of this struct, `sizeof(mio_st_socket_options_t)`: later versions may have more members.
    pub size: usize,
    /// `MIO_ST_SOCKET_...`.
    pub flags: u32,
    /// For TCP listeners: how many connections may wait to be accepted, a hint (`listen(2)`). 0 is
    /// `SOMAXCONN`.
    pub backlog: u32,
    /// `SO_SNDBUF` in bytes; 0 leaves it to the system.
    pub send_buffer_size: usize,
    /// `SO_RCVBUF` in bytes; 0 leaves it to the system.
    pub recv_buffer_size: usize,
    /// With `MIO_ST_SOCKET_KEEPALIVE`.
    pub keepalive: mio_st_keepalive_t,
    /// The length of `local`, or 0.
    pub local_length: socklen_t,
    /// For TCP streams: the address of this side, which the system chooses if it is NULL.
    pub local: *const sockaddr,
}
