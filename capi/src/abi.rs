//! Every type and constant that C sees. It depends on nothing but `core` and
//! libc, so that a test can include it.

#![allow(non_camel_case_types)]
// The system's addresses have no `Debug`.
#![allow(missing_debug_implementations)]

use core::ffi::c_void;

use libc::{sockaddr_storage, socklen_t};

/// The version of this header: major.
pub const MIO_ST_VERSION_MAJOR: u32 = 0;

/// The version of this header: minor. Before 1.0 a new minor version may break the ABI.
pub const MIO_ST_VERSION_MINOR: u32 = 3;

/// The version of this header: patch.
pub const MIO_ST_VERSION_PATCH: u32 = 0;

/// The version of this header as one number, which grows: `major * 1000000 + minor * 1000 + patch`.
pub const MIO_ST_VERSION_NUMBER: u32 = 3000;

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
/// the descriptor. Only reported where it was asked for. Where the system has no such event, asking for
/// it is `-EOPNOTSUPP`.
pub const MIO_ST_PRIORITY: u32 = 1u32 << 1;

/// Interest and readiness: writing will not block, or will fail at once. A connection that was being
/// made stands, or failed: see mio_st_tcp_stream_connected().
pub const MIO_ST_WRITABLE: u32 = 1u32 << 2;

/// Readiness: an error waits at the handle. Reading, writing or `_take_error` tell which.
pub const MIO_ST_ERROR: u32 = 1u32 << 3;

/// Readiness: both directions of the connection are closed.
pub const MIO_ST_HUP: u32 = 1u32 << 4;

/// Readiness: writing will fail for ever.
pub const MIO_ST_WRITE_CLOSED: u32 = 1u32 << 5;

/// Readiness: a deadline has passed.
pub const MIO_ST_TIMER: u32 = 1u32 << 6;

/// Readiness: reading will come to the end of the stream, since the peer sends no more. What it sent
/// before is still there to read. Only reported together with an interest in `MIO_ST_READABLE`.
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
