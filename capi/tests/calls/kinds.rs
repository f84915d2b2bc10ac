//! The kinds of handles, and what the grammar does with each of them by itself.

use libc::c_int;
use mio_st_capi::{
    abi::*, awakener::*, detached::*, pipe::*, poller::*, process::*, registrar::*, signals::*,
    tcp::*, udp::*, unix_datagram::*, unix_listener::*, unix_stream::*,
};

/// A type of handle.
pub trait Handle: Copy {
    const KIND: usize;
    fn from_bits(bits: u64) -> Self;
}

pub struct Kind {
    /// One, or none for what belongs to no thread, which shows no descriptor.
    pub fd: &'static [fn(u64) -> c_int],
    pub close: fn(u64) -> c_int,
    /// One, or none for what stays in its thread.
    pub detach: &'static [fn(u64, *mut mio_st_detached_t) -> c_int],
}

macro_rules! kinds {
    ($($number:literal $name:ident: $handle:ident, $close:ident $(, $fd:ident $(, $detach:ident)?)?;)+) => {
        $(pub const $name: usize = $number;

        impl Handle for $handle {
            const KIND: usize = $number;

            fn from_bits(bits: u64) -> $handle {
                $handle { bits }
            }
        })+

        pub const KINDS: &[Kind] = &[$(Kind {
            fd: &[$(|bits| $fd($handle { bits }))?],
            close: |bits| $close($handle { bits }),
            // SAFETY: who calls it gives memory for the result.
            detach: &[$($(|bits, detached| unsafe { $detach($handle { bits }, detached) })?)?],
        }),+];
    };
}

kinds! {
    0 POLLER: mio_st_poller_t, mio_st_poller_close, mio_st_poller_fd, mio_st_poller_detach;
    1 TCP_LISTENER: mio_st_tcp_listener_t, mio_st_tcp_listener_close, mio_st_tcp_listener_fd, mio_st_tcp_listener_detach;
    2 TCP_STREAM: mio_st_tcp_stream_t, mio_st_tcp_stream_close, mio_st_tcp_stream_fd, mio_st_tcp_stream_detach;
    3 UDP_SOCKET: mio_st_udp_socket_t, mio_st_udp_socket_close, mio_st_udp_socket_fd, mio_st_udp_socket_detach;
    4 CONNECTED_UDP_SOCKET: mio_st_connected_udp_socket_t, mio_st_connected_udp_socket_close, mio_st_connected_udp_socket_fd, mio_st_connected_udp_socket_detach;
    5 UNIX_STREAM: mio_st_unix_stream_t, mio_st_unix_stream_close, mio_st_unix_stream_fd, mio_st_unix_stream_detach;
    6 UNIX_LISTENER: mio_st_unix_listener_t, mio_st_unix_listener_close, mio_st_unix_listener_fd, mio_st_unix_listener_detach;
    7 UNIX_DATAGRAM: mio_st_unix_datagram_t, mio_st_unix_datagram_close, mio_st_unix_datagram_fd, mio_st_unix_datagram_detach;
    8 SENDER: mio_st_sender_t, mio_st_sender_close, mio_st_sender_fd, mio_st_sender_detach;
    9 RECEIVER: mio_st_receiver_t, mio_st_receiver_close, mio_st_receiver_fd, mio_st_receiver_detach;
    10 SIGNALS: mio_st_signals_t, mio_st_signals_close, mio_st_signals_fd;
    11 PROCESS: mio_st_process_t, mio_st_process_close, mio_st_process_fd, mio_st_process_detach;
    12 AWAKENER: mio_st_awakener_t, mio_st_awakener_close;
    13 REGISTRAR: mio_st_registrar_t, mio_st_registrar_close;
    14 DETACHED: mio_st_detached_t, mio_st_detached_close;
}

/// Whether handles of a kind belong to no thread.
pub fn is_anybodys(kind: usize) -> bool {
    [AWAKENER, REGISTRAR, DETACHED].contains(&kind)
}
