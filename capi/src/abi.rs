//! Every type and constant that C sees. It depends on nothing but `core` and libc, so that a test can
//! translate it by itself (abi-test/tests/drift.rs).

#![allow(non_camel_case_types)]
// The system's addresses have no `Debug`.
#![allow(missing_debug_implementations)]

use core::ffi::{c_int, c_void};

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

/// An error: the poller was created before the process was forked. In the child it can only be closed. A child that
/// runs no handlers of pthread_atfork(3), made by `_Fork(3)`, `vfork(2)` or a raw `clone(2)`, is not noticed: there the
/// poller is the parent's, and what is done to it happens to the parent.
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

/// A clock of mio_st_poller_set_clock(): the monotonic clock of the system.
pub const MIO_ST_CLOCK_MONOTONIC: u32 = 0;

/// A clock of mio_st_poller_set_clock(): time stands still until mio_st_poller_advance() or
/// mio_st_poller_set_time(). A poll waits for handles and awakeners as ever, for as long as its timeout in real time.
pub const MIO_ST_CLOCK_PAUSED: u32 = 1;

/// A clock of mio_st_poller_set_clock(): as `MIO_ST_CLOCK_PAUSED`; but a poll that would wait, and finds nothing at
/// the system, jumps to the next deadline or to the end of its timeout, and returns.
pub const MIO_ST_CLOCK_AUTOMATIC: u32 = 2;

/// A check of mio_st_poller_set_checks(): `MIO_ST_PROBLEM_UNDRAINED`.
pub const MIO_ST_CHECK_UNDRAINED: u32 = 1u32 << 0;

/// A check of mio_st_poller_set_checks(): `MIO_ST_PROBLEM_SPINNING`.
pub const MIO_ST_CHECK_SPINNING: u32 = 1u32 << 1;

/// A check of mio_st_poller_set_checks(): `MIO_ST_PROBLEM_FORGOTTEN` and `MIO_ST_PROBLEM_CLOSED`.
pub const MIO_ST_CHECK_FORGOTTEN: u32 = 1u32 << 2;

/// A check of mio_st_poller_set_checks(): `MIO_ST_PROBLEM_STALLED`.
pub const MIO_ST_CHECK_STALLED: u32 = 1u32 << 3;

/// All checks of mio_st_poller_set_checks().
pub const MIO_ST_CHECK_ALL: u32 = 15;

/// What a complaint is about: an edge-triggered handle had an event and is still readable; it was not registered
/// again, no other event of it is on its way, and the poll was about to wait. What it has may never be reported. (Not
/// meant is one that has an interest in writing as well, and cannot be written: the program may wait for that.)
pub const MIO_ST_PROBLEM_UNDRAINED: u32 = 1;

/// What a complaint is about: a level-triggered handle was handed out 1,000 times in a row, without a wait in between
/// and without a change to any registration, and nothing was read of it or written to it meanwhile.
pub const MIO_ST_PROBLEM_SPINNING: u32 = 2;

/// What a complaint is about: a oneshot handle had its event 10 seconds ago, and was neither armed again nor closed.
pub const MIO_ST_PROBLEM_FORGOTTEN: u32 = 3;

/// What a complaint is about: a descriptor was closed while it was registered, and goes on having events, since there
/// is a copy of it. Nobody can deregister it.
pub const MIO_ST_PROBLEM_CLOSED: u32 = 4;

/// What a complaint is about: the program did not poll for a second. The count is that of the deadlines that came more
/// than their slack late for that; there is neither an id nor a descriptor.
pub const MIO_ST_PROBLEM_STALLED: u32 = 5;

/// How many powers of two the lateness of deadlines is counted by, in mio_st_stats_t.
pub const MIO_ST_STATS_LATENESS: u32 = 40;

/// Goes with `MIO_ST_EDGE` or `MIO_ST_LEVEL` when registering: of several pollers that wait for one descriptor so, such as
/// a listener that threads or processes share, an event wakes one, or some, and not all (`EPOLLEXCLUSIVE`). With
/// `MIO_ST_ONESHOT`, with an interest in `MIO_ST_PRIORITY`, of a poller, and when reregistering what is registered so, it
/// is `-EINVAL`: deregister first. `MIO_ST_READ_CLOSED` is reported with `MIO_ST_HUP` only. On macOS and BSD it is
/// `-EOPNOTSUPP`.
pub const MIO_ST_EXCLUSIVE: u32 = 1u32 << 11;

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

/// What a poller has to say about the program that uses it, see mio_st_poller_next_complaint(). Later versions may have
/// more fields at its end.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_complaint_t {
    /// What it is about: `MIO_ST_PROBLEM_UNDRAINED` and the like.
    pub problem: u32,
    /// The descriptor; -1 if there is none.
    pub fd: i32,
    /// The id that it was registered with.
    pub id: u64,
    /// How often, or how many; 1 where there is nothing to count.
    pub count: u64,
    /// When it was found, in nanoseconds of the clock of mio_st_poller_now().
    pub time_ns: u64,
}

/// What a poller has counted, see mio_st_poller_stats(). Later versions may have more fields at its end.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_stats_t {
    /// Polls that asked the system.
    pub polls: u64,
    /// Those of them that were ready to wait: nothing was there before they asked, and the timeout was not 0.
    pub waits: u64,
    /// Events of handles and awakeners.
    pub system_events: u64,
    /// Notifications.
    pub notifications: u64,
    /// Deadlines.
    pub deadlines: u64,
    /// The most events of one poll.
    pub fullest_batch: u64,
    /// The time inside of polls that were ready to wait, in nanoseconds.
    pub waiting_ns: u64,
    /// The time between polls, in nanoseconds: what the program used, or others while it could have run.
    pub outside_ns: u64,
    /// By how many nanoseconds deadlines were late: in place `n` those with at least 2^n and less than 2^(n + 1), in
    /// the first also those with none, in the last all that were later.
    pub lateness: [u64; 40],
    /// Wakes by awakeners, and events posted by registrars, of any thread. The poll counts them that comes after them.
    pub wakes: u64,
    /// Those of them that an earlier wake of the same awakener stood for, whose event had not been handed out: they made
    /// no event of their own, and no system call.
    pub wakes_coalesced: u64,
}

/// A poller or a handle on its way from one thread to another.
///
/// Made by mio_st_poller_detach() and its kin, of which there is one for each type of handle but signals, which have
/// let in what their thread had blocked; used up by mio_st_poller_attach() and its kin, or closed by
/// mio_st_detached_close(). It belongs to no thread, and outlives the one that made it.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_detached_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
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
/// Made by mio_st_awakener_new(), closed by mio_st_awakener_close(). It belongs to no thread.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_awakener_t {
    /// No meaning: store and compare it. Zero is never a handle.
    pub bits: u64,
}

/// Registers descriptors with a poller, and posts events to it, from any thread.
///
/// Made by mio_st_registrar_new(), closed by mio_st_registrar_close(). It belongs to no thread.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_registrar_t {
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

/// A flag of mio_st_signal_info_t: `pid` and `uid` are known.
pub const MIO_ST_SIGNAL_SENDER: u32 = 1u32 << 0;

/// A flag of mio_st_signal_info_t: `status` is known.
pub const MIO_ST_SIGNAL_STATUS: u32 = 1u32 << 1;

/// A flag of mio_st_signal_info_t: `value` is known.
pub const MIO_ST_SIGNAL_VALUE: u32 = 1u32 << 2;

/// What is known of a signal, see mio_st_signals_receive_info() and `sigaction(2)`. What is not known is 0.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_signal_info_t {
    /// Its number.
    pub number: c_int,
    /// Where it comes from (`si_code`): `SI_USER`, `SI_QUEUE`, `SI_KERNEL`, of `SIGCHLD` what became of the child.
    pub code: c_int,
    /// `MIO_ST_SIGNAL_...`.
    pub flags: u32,
    /// Who sent it, or of `SIGCHLD`, which child it is about.
    pub pid: i32,
    /// The real user of that process.
    pub uid: u32,
    /// Of `SIGCHLD`: the status that the child exited with, or the signal that ended, stopped or continued it.
    pub status: i32,
    /// What was sent along by `sigqueue(3)`, or belongs to a timer or a message queue: the integer.
    pub value: i32,
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

/// A flag of mio_st_unix_message_t: the datagram was longer than the buffer, and its end is lost.
pub const MIO_ST_MESSAGE_TRUNCATED: u32 = 1u32 << 0;

/// A flag of mio_st_unix_message_t: more came along than there was room for, or than the process may have open. The
/// descriptors that are missing are closed.
pub const MIO_ST_MESSAGE_CONTROL_TRUNCATED: u32 = 1u32 << 1;

/// A flag of mio_st_unix_message_t: `cred` is known.
pub const MIO_ST_MESSAGE_CRED: u32 = 1u32 << 2;

/// What came along with a message, see mio_st_unix_stream_recv_message().
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct mio_st_unix_message_t {
    /// How many descriptors were received.
    pub fds: usize,
    /// `MIO_ST_MESSAGE_...`.
    pub flags: u32,
    /// Who sent it, with `MIO_ST_MESSAGE_CRED`.
    pub cred: mio_st_ucred_t,
}

/// A flag of mio_st_datagram_t: the datagram was longer than the memory, and its end is lost.
pub const MIO_ST_DATAGRAM_TRUNCATED: u32 = 1u32 << 0;

/// A flag of mio_st_datagram_t: more came along than there was room for, some of which is lost. It happens only to
/// a socket whose options were set on its descriptor, and not by the functions here.
pub const MIO_ST_DATAGRAM_CONTROL_TRUNCATED: u32 = 1u32 << 1;

/// A flag of mio_st_datagram_t: it was sent to a multicast group, or broadcast. Known where `local` is asked for.
pub const MIO_ST_DATAGRAM_MULTICAST: u32 = 1u32 << 2;

/// A flag of mio_st_datagram_t and mio_st_transmit_t: `local` is the address of this side.
pub const MIO_ST_DATAGRAM_LOCAL: u32 = 1u32 << 3;

/// A flag of mio_st_datagram_t and mio_st_transmit_t: `interface` is the index of one.
pub const MIO_ST_DATAGRAM_INTERFACE: u32 = 1u32 << 4;

/// A flag of mio_st_datagram_t and mio_st_transmit_t: `traffic_class` counts.
pub const MIO_ST_DATAGRAM_TRAFFIC_CLASS: u32 = 1u32 << 5;

/// A flag of mio_st_datagram_t and mio_st_transmit_t: `hop_limit` counts.
pub const MIO_ST_DATAGRAM_HOP_LIMIT: u32 = 1u32 << 6;

/// A flag of mio_st_datagram_t: `timestamp` is known.
pub const MIO_ST_DATAGRAM_TIMESTAMP: u32 = 1u32 << 7;

/// A flag of mio_st_transmit_t: all of it was sent.
pub const MIO_ST_DATAGRAM_SENT: u32 = 1u32 << 8;

/// The two bits of a traffic class that are explicit congestion notification (RFC 3168).
pub const MIO_ST_ECN_MASK: u32 = 0x3;
/// The sender does not take part.
pub const MIO_ST_ECN_NOT_ECT: u32 = 0x0;
/// The sender takes part; for low latency by L4S (RFC 9331).
pub const MIO_ST_ECN_ECT1: u32 = 0x1;
/// The sender takes part.
pub const MIO_ST_ECN_ECT0: u32 = 0x2;
/// A router is congested.
pub const MIO_ST_ECN_CE: u32 = 0x3;

/// A datagram of a batch: of those that mio_st_udp_socket_recv_batch() receives, or that
/// mio_st_udp_socket_send_batch() sends.
///
/// With mio_st_udp_socket_set_gro() it may be a run of datagrams of one sender: each has `segment_size` bytes,
/// but for the last, which may have fewer.
#[derive(Copy, Clone)]
#[repr(C)]
pub struct mio_st_datagram_t {
    /// Memory to receive into, or what is to be sent. It stays the caller's.
    pub buffer: *mut c_void,
    /// How many bytes there are to receive into. Not looked at when sending.
    pub capacity: usize,
    /// How many bytes were received, or are to be sent.
    pub length: usize,
    /// Of what was received: `MIO_ST_DATAGRAM_...`. When sending, `MIO_ST_DATAGRAM_LOCAL` says that it is sent from
    /// `local`, and no other is looked at.
    pub flags: u32,
    /// The length of `address`.
    pub address_length: socklen_t,
    /// Who sent it, or where to send it.
    pub address: sockaddr_storage,
    /// Of what was received: the bytes of each datagram of a run but the last; those of the datagram, if it is
    /// only one. Not looked at when sending, nor is what follows but `local`.
    pub segment_size: u32,
    /// The index of the interface that it came by, with `MIO_ST_DATAGRAM_INTERFACE`.
    pub interface: u32,
    /// When it arrived, with `MIO_ST_DATAGRAM_TIMESTAMP`: nanoseconds since the beginning of 1970.
    pub timestamp: u64,
    /// How many datagrams the socket had no room for, since it was made. Always 0 if it was not asked for.
    pub dropped: u32,
    /// Two bits of `MIO_ST_ECN_...` below six of DSCP, with `MIO_ST_DATAGRAM_TRAFFIC_CLASS`.
    pub traffic_class: u8,
    /// How many hops were left to it, with `MIO_ST_DATAGRAM_HOP_LIMIT`.
    pub hop_limit: u8,
    /// 0.
    pub reserved: u16,
    /// The length of `local`.
    pub local_length: socklen_t,
    /// The address of this side that can answer, with `MIO_ST_DATAGRAM_LOCAL`; its port is 0. It is the one that
    /// was asked, if that was one host's.
    pub local: sockaddr_storage,
}

/// What mio_st_udp_socket_send_transmits() sends: a datagram or a run of them, with what goes along. Zeros are
/// good for all that is not wanted.
#[derive(Copy, Clone)]
#[repr(C)]
pub struct mio_st_transmit_t {
    /// What is to be sent. It stays the caller's.
    pub buffer: *const c_void,
    /// How many bytes.
    pub length: usize,
    /// How many of them were sent already; the function counts on.
    pub sent: usize,
    /// Makes it a run: it is sent as datagrams of so many bytes, the last of which may have fewer. 0, and what is
    /// not less than `length`: one datagram.
    pub segment_size: usize,
    /// `MIO_ST_DATAGRAM_LOCAL`, `_INTERFACE`, `_TRAFFIC_CLASS` and `_HOP_LIMIT` say that the member of that name
    /// counts. The function sets `MIO_ST_DATAGRAM_SENT` when all was sent, and does nothing with what has it.
    pub flags: u32,
    /// The index of the interface to send it by.
    pub interface: u32,
    /// Two bits of `MIO_ST_ECN_...` below six of DSCP.
    pub traffic_class: u8,
    /// How many hops it may make.
    pub hop_limit: u8,
    /// 0.
    pub reserved: u16,
    /// The length of `address`; 0 for the peer of a connected socket.
    pub address_length: socklen_t,
    /// Where to send it.
    pub address: sockaddr_storage,
    /// The length of `local`.
    pub local_length: socklen_t,
    /// The address of this side to send it from; the port does not count.
    pub local: sockaddr_storage,
}

/// Who made a mio_st_queued_error_t: this host.
pub const MIO_ST_ORIGIN_LOCAL: u32 = 1;
/// A router or the peer's host, by an ICMP message of the type `kind` and of `code`.
pub const MIO_ST_ORIGIN_ICMP: u32 = 2;
/// The same by ICMPv6.
pub const MIO_ST_ORIGIN_ICMPV6: u32 = 3;
/// No error: something that was sent has got so far at `timestamp` (`SO_TIMESTAMPING`). `info` is how far,
/// `SCM_TSTAMP_SND` and the like, `data` which, with `SOF_TIMESTAMPING_OPT_ID`.
pub const MIO_ST_ORIGIN_TIMESTAMP: u32 = 4;
/// No error: the memory of the calls with `MSG_ZEROCOPY` from `info` to `data`, numbered from 0, is free again. A
/// `code` of 1: the system has copied it after all.
pub const MIO_ST_ORIGIN_ZEROCOPY: u32 = 5;

/// An entry of a socket's error queue: an error with its origin, or word of something that was sent.
#[derive(Copy, Clone)]
#[repr(C)]
pub struct mio_st_queued_error_t {
    /// The negated errno; 0 of an entry that is no error.
    pub error: c_int,
    /// `MIO_ST_ORIGIN_...`, or another that the system has (`SO_EE_ORIGIN_...`).
    pub origin: u32,
    /// See `MIO_ST_ORIGIN_ICMP`.
    pub kind: u8,
    /// See `MIO_ST_ORIGIN_ICMP` and `MIO_ST_ORIGIN_ZEROCOPY`.
    pub code: u8,
    /// 0.
    pub reserved: u16,
    /// See `MIO_ST_ORIGIN_TIMESTAMP` and `MIO_ST_ORIGIN_ZEROCOPY`.
    pub info: u32,
    /// As `info`.
    pub data: u32,
    /// The path's MTU, of an error that says that a datagram was too big for it; otherwise 0.
    pub mtu: u32,
    /// Nanoseconds since the beginning of 1970, of `MIO_ST_ORIGIN_TIMESTAMP`; otherwise 0.
    pub timestamp: u64,
    /// How many bytes were written to the buffer: the beginning of the datagram that it is about, as far as it is
    /// known.
    pub length: usize,
    /// The length of `offender`; 0 if nobody is known.
    pub offender_length: socklen_t,
    /// The length of `target`; 0 if it is not known.
    pub target_length: socklen_t,
    /// The router or host that told of it.
    pub offender: sockaddr_storage,
    /// Where the datagram that it is about was sent to.
    pub target: sockaddr_storage,
}

/// What mio_st_udp_socket_set_mtu_discovery() does with datagrams that are larger than the path takes: they are
/// cut, by this host and by IPv4's routers.
pub const MIO_ST_MTU_DISCOVERY_DONT: u32 = 0;
/// They are cut by this host; the path's MTU is found out, and datagrams that fit are not to be cut.
pub const MIO_ST_MTU_DISCOVERY_WANT: u32 = 1;
/// They are refused with `-EMSGSIZE`, by what is known of the path's MTU, and none is to be cut.
pub const MIO_ST_MTU_DISCOVERY_DO: u32 = 2;
/// As `MIO_ST_MTU_DISCOVERY_DO`, but only the interface's MTU counts, so that a program can find out the path's.
pub const MIO_ST_MTU_DISCOVERY_PROBE: u32 = 3;

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
