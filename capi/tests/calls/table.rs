//! Every function of the header, and what each of its arguments is made of.

use super::world::World;

/// What a function returns, as one number.
pub trait Answer {
    fn number(self) -> i64;
}

impl Answer for i32 {
    fn number(self) -> i64 {
        self.into()
    }
}

impl Answer for i64 {
    fn number(self) -> i64 {
        self
    }
}

impl Answer for u32 {
    fn number(self) -> i64 {
        self.into()
    }
}

impl Answer for usize {
    fn number(self) -> i64 {
        self as i64
    }
}

/// A static string.
impl Answer for *const libc::c_char {
    fn number(self) -> i64 {
        assert!(!self.is_null());
        // SAFETY: the library's strings end with a zero.
        assert!(!unsafe { std::ffi::CStr::from_ptr(self) }.is_empty());
        0
    }
}

/// A function: its name, and how to call it with arguments out of a world.
#[derive(Copy, Clone)]
pub struct Function {
    pub name: &'static str,
    pub call: fn(&mut World) -> i64,
}

/// Each argument is a method of [`World`], see `arguments.rs`; its type comes from the function's.
macro_rules! functions {
    ($($module:ident :: $name:ident($($argument:ident),*);)+) => {
        pub const FUNCTIONS: &[Function] = &[$(Function {
            name: stringify!($name),
            #[allow(unused_unsafe, unused_variables)]
            // SAFETY: pointers come from the world, which makes each of them valid for the length
            // that goes with it, or such that the function must refuse it.
            call: |world| unsafe { mio_st_capi::$module::$name($(world.$argument()),*) }.number(),
        }),+];
    };
}

functions! {
version::mio_st_version();
version::mio_st_version_string();
version::mio_st_features();
error::mio_st_err_name(number);
error::mio_st_strerror(number);
live::mio_st_live_handles();
poller::mio_st_poller_new(opened);
poller::mio_st_poller_with_capacity(opened, room, room);
poller::mio_st_poller_close(closed);
poller::mio_st_poller_fd(handle);
poller::mio_st_poller_poll(handle, events, length, timeout);
poller::mio_st_poller_poll_userspace(handle, events, length);
poller::mio_st_poller_notify(handle, id, readiness);
poller::mio_st_poller_try_notify(handle, id, readiness);
poller::mio_st_poller_register_fd(handle, fd, id, interests, option);
poller::mio_st_poller_reregister_fd(handle, fd, id, interests, option);
poller::mio_st_poller_deregister_fd(handle, fd);
poller::mio_st_poller_watch_fd(handle, fd, id, interests, option);
poller::mio_st_poller_add_deadline(handle, id, time, key_out);
poller::mio_st_poller_add_timeout(handle, id, time, key_out);
poller::mio_st_poller_add_interval(handle, id, time, time, key_out);
poller::mio_st_poller_cancel_deadline(handle, key);
poller::mio_st_poller_move_deadline(handle, key, time);
poller::mio_st_poller_move_timeout(handle, key, time);
poller::mio_st_poller_move_or_add_deadline(handle, id, time, kept_key);
poller::mio_st_poller_move_or_add_timeout(handle, id, time, kept_key);
poller::mio_st_poller_remove_deadline(handle, id);
poller::mio_st_poller_next_wakeup(handle, out);
poller::mio_st_poller_set_deadline_slack(handle, time);
poller::mio_st_poller_set_spin(handle, time);
poller::mio_st_poller_now(handle, out);
poller::mio_st_poller_set_stats(handle, number);
poller::mio_st_poller_stats(handle, output, length);
poller::mio_st_poller_set_checks(handle, checks);
poller::mio_st_poller_next_complaint(handle, output, length);
poller::mio_st_complaint_text(small);
poller::mio_st_poller_set_clock(handle, clock);
poller::mio_st_poller_advance(handle, driven_time);
poller::mio_st_poller_set_time(handle, driven_time);
awakener::mio_st_awakener_new(opened, handle, id);
awakener::mio_st_awakener_wake(handle);
awakener::mio_st_awakener_close(closed);
registrar::mio_st_registrar_new(opened, handle);
registrar::mio_st_registrar_register(handle, fd, id, interests, option);
registrar::mio_st_registrar_reregister(handle, fd, id, interests, option);
registrar::mio_st_registrar_deregister(handle, fd);
registrar::mio_st_registrar_notify(handle, id, readiness);
registrar::mio_st_registrar_close(closed);
detached::mio_st_detached_close(closed);
detached::mio_st_poller_detach(consumed, opened);
detached::mio_st_poller_attach(opened, detached);
detached::mio_st_tcp_listener_detach(consumed, opened);
detached::mio_st_tcp_listener_attach(opened, detached);
detached::mio_st_tcp_stream_detach(consumed, opened);
detached::mio_st_tcp_stream_attach(opened, detached);
detached::mio_st_udp_socket_detach(consumed, opened);
detached::mio_st_udp_socket_attach(opened, detached);
detached::mio_st_connected_udp_socket_detach(consumed, opened);
detached::mio_st_connected_udp_socket_attach(opened, detached);
detached::mio_st_unix_stream_detach(consumed, opened);
detached::mio_st_unix_stream_attach(opened, detached);
detached::mio_st_unix_listener_detach(consumed, opened);
detached::mio_st_unix_listener_attach(opened, detached);
detached::mio_st_unix_datagram_detach(consumed, opened);
detached::mio_st_unix_datagram_attach(opened, detached);
detached::mio_st_sender_detach(consumed, opened);
detached::mio_st_sender_attach(opened, detached);
detached::mio_st_receiver_detach(consumed, opened);
detached::mio_st_receiver_attach(opened, detached);
detached::mio_st_process_detach(consumed, opened);
detached::mio_st_process_attach(opened, detached);
addr::mio_st_addr_parse(text, out);
addr::mio_st_addr_format(address, length, output, length);
poller::mio_st_poller_register_tcp_stream(handle, handle, id, interests, option);
poller::mio_st_poller_reregister_tcp_stream(handle, handle, id, interests, option);
poller::mio_st_poller_deregister_tcp_stream(handle, handle);
tcp::mio_st_tcp_stream_connect(opened, address, length);
tcp::mio_st_tcp_stream_connect_str(opened, text);
tcp::mio_st_tcp_stream_connect_with(opened, address, length, options);
tcp::mio_st_tcp_stream_from_fd(opened, given_fd);
tcp::mio_st_tcp_stream_try_clone(opened, handle);
tcp::mio_st_tcp_stream_close(closed);
tcp::mio_st_tcp_stream_connected(handle);
tcp::mio_st_tcp_stream_read(handle, output, length);
tcp::mio_st_tcp_stream_readv(handle, vectors_out, length);
tcp::mio_st_tcp_stream_peek(handle, output, length);
tcp::mio_st_tcp_stream_write(handle, input, length);
tcp::mio_st_tcp_stream_writev(handle, vectors_in, length);
tcp::mio_st_tcp_stream_shutdown(handle, how);
tcp::mio_st_tcp_stream_set_nodelay(handle, number);
tcp::mio_st_tcp_stream_nodelay(handle);
tcp::mio_st_tcp_stream_set_keepalive(handle, keepalive);
tcp::mio_st_tcp_stream_keepalive(handle, out);
tcp::mio_st_tcp_stream_set_linger(handle, linger);
tcp::mio_st_tcp_stream_linger(handle, out);
tcp::mio_st_tcp_stream_set_ttl(handle, small);
tcp::mio_st_tcp_stream_ttl(handle);
tcp::mio_st_tcp_stream_take_error(handle, out);
datagrams::mio_st_tcp_stream_recv_error(handle, output, length, out);
tcp::mio_st_tcp_stream_local_addr(handle, out);
tcp::mio_st_tcp_stream_peer_addr(handle, out);
tcp::mio_st_tcp_stream_fd(handle);
tcp::mio_st_tcp_stream_into_fd(consumed);
poller::mio_st_poller_register_tcp_listener(handle, handle, id, interests, option);
poller::mio_st_poller_reregister_tcp_listener(handle, handle, id, interests, option);
poller::mio_st_poller_deregister_tcp_listener(handle, handle);
tcp::mio_st_tcp_listener_bind(opened, address, length);
tcp::mio_st_tcp_listener_bind_str(opened, text);
tcp::mio_st_tcp_listener_bind_with(opened, address, length, options);
tcp::mio_st_tcp_listener_from_fd(opened, given_fd);
tcp::mio_st_tcp_listener_try_clone(opened, handle);
tcp::mio_st_tcp_listener_close(closed);
tcp::mio_st_tcp_listener_accept(handle, opened, out_optional);
tcp::mio_st_tcp_listener_local_addr(handle, out);
tcp::mio_st_tcp_listener_set_ttl(handle, small);
tcp::mio_st_tcp_listener_ttl(handle);
tcp::mio_st_tcp_listener_take_error(handle, out);
tcp::mio_st_tcp_listener_fd(handle);
tcp::mio_st_tcp_listener_into_fd(consumed);
poller::mio_st_poller_register_udp_socket(handle, handle, id, interests, option);
poller::mio_st_poller_reregister_udp_socket(handle, handle, id, interests, option);
poller::mio_st_poller_deregister_udp_socket(handle, handle);
poller::mio_st_poller_register_connected_udp_socket(handle, handle, id, interests, option);
poller::mio_st_poller_reregister_connected_udp_socket(handle, handle, id, interests, option);
poller::mio_st_poller_deregister_connected_udp_socket(handle, handle);
udp::mio_st_udp_socket_bind(opened, address, length);
udp::mio_st_udp_socket_bind_str(opened, text);
udp::mio_st_udp_socket_bind_with(opened, address, length, options);
udp::mio_st_udp_socket_from_fd(opened, given_fd);
udp::mio_st_udp_socket_try_clone(opened, handle);
udp::mio_st_udp_socket_close(closed);
udp::mio_st_udp_socket_connect(consumed, address, length, opened);
udp::mio_st_udp_socket_send_to(handle, input, length, address, length);
udp::mio_st_udp_socket_recv_from(handle, output, length, out_optional, out_optional);
udp::mio_st_udp_socket_peek_from(handle, output, length, out_optional, out_optional);
datagrams::mio_st_udp_socket_send_batch(handle, datagrams_in, length);
datagrams::mio_st_udp_socket_recv_batch(handle, datagrams_out, length);
datagrams::mio_st_udp_socket_send_transmits(handle, transmits, length);
datagrams::mio_st_udp_socket_max_segments(handle);
datagrams::mio_st_udp_socket_set_gro(handle, number);
datagrams::mio_st_udp_socket_set_recv_local(handle, number);
datagrams::mio_st_udp_socket_set_recv_traffic_class(handle, number);
datagrams::mio_st_udp_socket_set_recv_hop_limit(handle, number);
datagrams::mio_st_udp_socket_set_recv_timestamp(handle, number);
datagrams::mio_st_udp_socket_set_recv_dropped(handle, number);
datagrams::mio_st_udp_socket_set_recv_errors(handle, number);
datagrams::mio_st_udp_socket_set_mtu_discovery(handle, small);
datagrams::mio_st_udp_socket_recv_error(handle, output, length, out);
udp::mio_st_udp_socket_set_broadcast(handle, number);
udp::mio_st_udp_socket_broadcast(handle);
udp::mio_st_udp_socket_set_ttl(handle, small);
udp::mio_st_udp_socket_ttl(handle);
udp::mio_st_udp_socket_join_multicast_v4(handle, group_v4, interface_v4);
udp::mio_st_udp_socket_join_multicast_v6(handle, group_v6, interface_v6);
udp::mio_st_udp_socket_leave_multicast_v4(handle, group_v4, interface_v4);
udp::mio_st_udp_socket_leave_multicast_v6(handle, group_v6, interface_v6);
udp::mio_st_udp_socket_set_multicast_ttl_v4(handle, small);
udp::mio_st_udp_socket_multicast_ttl_v4(handle);
udp::mio_st_udp_socket_set_multicast_hops_v6(handle, small);
udp::mio_st_udp_socket_multicast_hops_v6(handle);
udp::mio_st_udp_socket_set_multicast_loop_v4(handle, number);
udp::mio_st_udp_socket_multicast_loop_v4(handle);
udp::mio_st_udp_socket_set_multicast_loop_v6(handle, number);
udp::mio_st_udp_socket_multicast_loop_v6(handle);
udp::mio_st_udp_socket_set_multicast_if_v4(handle, interface_v4);
udp::mio_st_udp_socket_multicast_if_v4(handle, out);
udp::mio_st_udp_socket_set_multicast_if_v6(handle, interface_v6);
udp::mio_st_udp_socket_multicast_if_v6(handle);
udp::mio_st_udp_socket_take_error(handle, out);
udp::mio_st_udp_socket_local_addr(handle, out);
udp::mio_st_udp_socket_fd(handle);
udp::mio_st_udp_socket_into_fd(consumed);
udp::mio_st_connected_udp_socket_connect(opened, address, length, address, length);
udp::mio_st_connected_udp_socket_from_fd(opened, given_fd);
udp::mio_st_connected_udp_socket_try_clone(opened, handle);
udp::mio_st_connected_udp_socket_close(closed);
udp::mio_st_connected_udp_socket_disconnect(consumed, opened);
udp::mio_st_connected_udp_socket_send(handle, input, length);
udp::mio_st_connected_udp_socket_recv(handle, output, length);
udp::mio_st_connected_udp_socket_peek(handle, output, length);
datagrams::mio_st_connected_udp_socket_send_batch(handle, datagrams_in, length);
datagrams::mio_st_connected_udp_socket_recv_batch(handle, datagrams_out, length);
datagrams::mio_st_connected_udp_socket_send_transmits(handle, transmits, length);
datagrams::mio_st_connected_udp_socket_max_segments(handle);
datagrams::mio_st_connected_udp_socket_set_gro(handle, number);
datagrams::mio_st_connected_udp_socket_set_recv_local(handle, number);
datagrams::mio_st_connected_udp_socket_set_recv_traffic_class(handle, number);
datagrams::mio_st_connected_udp_socket_set_recv_hop_limit(handle, number);
datagrams::mio_st_connected_udp_socket_set_recv_timestamp(handle, number);
datagrams::mio_st_connected_udp_socket_set_recv_dropped(handle, number);
datagrams::mio_st_connected_udp_socket_set_recv_errors(handle, number);
datagrams::mio_st_connected_udp_socket_set_mtu_discovery(handle, small);
datagrams::mio_st_connected_udp_socket_mtu(handle);
datagrams::mio_st_connected_udp_socket_recv_error(handle, output, length, out);
udp::mio_st_connected_udp_socket_set_broadcast(handle, number);
udp::mio_st_connected_udp_socket_broadcast(handle);
udp::mio_st_connected_udp_socket_set_ttl(handle, small);
udp::mio_st_connected_udp_socket_ttl(handle);
udp::mio_st_connected_udp_socket_join_multicast_v4(handle, group_v4, interface_v4);
udp::mio_st_connected_udp_socket_join_multicast_v6(handle, group_v6, interface_v6);
udp::mio_st_connected_udp_socket_leave_multicast_v4(handle, group_v4, interface_v4);
udp::mio_st_connected_udp_socket_leave_multicast_v6(handle, group_v6, interface_v6);
udp::mio_st_connected_udp_socket_set_multicast_ttl_v4(handle, small);
udp::mio_st_connected_udp_socket_multicast_ttl_v4(handle);
udp::mio_st_connected_udp_socket_set_multicast_hops_v6(handle, small);
udp::mio_st_connected_udp_socket_multicast_hops_v6(handle);
udp::mio_st_connected_udp_socket_set_multicast_loop_v4(handle, number);
udp::mio_st_connected_udp_socket_multicast_loop_v4(handle);
udp::mio_st_connected_udp_socket_set_multicast_loop_v6(handle, number);
udp::mio_st_connected_udp_socket_multicast_loop_v6(handle);
udp::mio_st_connected_udp_socket_set_multicast_if_v4(handle, interface_v4);
udp::mio_st_connected_udp_socket_multicast_if_v4(handle, out);
udp::mio_st_connected_udp_socket_set_multicast_if_v6(handle, interface_v6);
udp::mio_st_connected_udp_socket_multicast_if_v6(handle);
udp::mio_st_connected_udp_socket_take_error(handle, out);
udp::mio_st_connected_udp_socket_local_addr(handle, out);
udp::mio_st_connected_udp_socket_peer_addr(handle, out);
udp::mio_st_connected_udp_socket_fd(handle);
udp::mio_st_connected_udp_socket_into_fd(consumed);
poller::mio_st_poller_register_unix_stream(handle, handle, id, interests, option);
poller::mio_st_poller_reregister_unix_stream(handle, handle, id, interests, option);
poller::mio_st_poller_deregister_unix_stream(handle, handle);
unix_stream::mio_st_unix_stream_connect(opened, path);
unix_stream::mio_st_unix_stream_connect_addr(opened, address, length);
unix_stream::mio_st_unix_stream_pair(opened, opened);
unix_stream::mio_st_unix_stream_from_fd(opened, given_fd);
unix_stream::mio_st_unix_stream_try_clone(opened, handle);
unix_stream::mio_st_unix_stream_close(closed);
unix_stream::mio_st_unix_stream_connected(handle);
unix_stream::mio_st_unix_stream_read(handle, output, length);
unix_stream::mio_st_unix_stream_readv(handle, vectors_out, length);
unix_stream::mio_st_unix_stream_peek(handle, output, length);
unix_stream::mio_st_unix_stream_write(handle, input, length);
unix_stream::mio_st_unix_stream_writev(handle, vectors_in, length);
unix_message::mio_st_unix_stream_send_message(handle, input, length, fds_in, length, cred_in);
unix_message::mio_st_unix_stream_recv_message(handle, output, length, fds_out, length, message_out);
unix_message::mio_st_unix_stream_set_recv_cred(handle, number);
unix_stream::mio_st_unix_stream_shutdown(handle, how);
unix_stream::mio_st_unix_stream_peer_cred(handle, out);
unix_stream::mio_st_unix_stream_take_error(handle, out);
unix_stream::mio_st_unix_stream_local_addr(handle, out);
unix_stream::mio_st_unix_stream_peer_addr(handle, out);
unix_stream::mio_st_unix_stream_fd(handle);
unix_stream::mio_st_unix_stream_into_fd(consumed);
poller::mio_st_poller_register_unix_listener(handle, handle, id, interests, option);
poller::mio_st_poller_reregister_unix_listener(handle, handle, id, interests, option);
poller::mio_st_poller_deregister_unix_listener(handle, handle);
unix_listener::mio_st_unix_listener_bind(opened, path);
unix_listener::mio_st_unix_listener_bind_addr(opened, address, length);
unix_listener::mio_st_unix_listener_bind_with(opened, address, length, options);
unix_listener::mio_st_unix_listener_from_fd(opened, given_fd);
unix_listener::mio_st_unix_listener_try_clone(opened, handle);
unix_listener::mio_st_unix_listener_close(closed);
unix_listener::mio_st_unix_listener_accept(handle, opened, out_optional);
unix_listener::mio_st_unix_listener_take_error(handle, out);
unix_listener::mio_st_unix_listener_local_addr(handle, out);
unix_listener::mio_st_unix_listener_fd(handle);
unix_listener::mio_st_unix_listener_into_fd(consumed);
poller::mio_st_poller_register_unix_datagram(handle, handle, id, interests, option);
poller::mio_st_poller_reregister_unix_datagram(handle, handle, id, interests, option);
poller::mio_st_poller_deregister_unix_datagram(handle, handle);
unix_datagram::mio_st_unix_datagram_bind(opened, path);
unix_datagram::mio_st_unix_datagram_bind_addr(opened, address, length);
unix_datagram::mio_st_unix_datagram_unbound(opened);
unix_datagram::mio_st_unix_datagram_pair(opened, opened);
unix_datagram::mio_st_unix_datagram_from_fd(opened, given_fd);
unix_datagram::mio_st_unix_datagram_try_clone(opened, handle);
unix_datagram::mio_st_unix_datagram_close(closed);
unix_datagram::mio_st_unix_datagram_connect(handle, path);
unix_datagram::mio_st_unix_datagram_connect_addr(handle, address, length);
unix_datagram::mio_st_unix_datagram_send_to(handle, input, length, path);
unix_datagram::mio_st_unix_datagram_send_to_addr(handle, input, length, address, length);
unix_datagram::mio_st_unix_datagram_recv_from(handle, output, length, out_optional, out_optional);
unix_datagram::mio_st_unix_datagram_send(handle, input, length);
unix_datagram::mio_st_unix_datagram_recv(handle, output, length);
unix_datagram::mio_st_unix_datagram_peek(handle, output, length);
unix_message::mio_st_unix_datagram_send_message(handle, input, length, fds_in, length, cred_in);
unix_message::mio_st_unix_datagram_recv_message(handle, output, length, fds_out, length, message_out);
unix_message::mio_st_unix_datagram_send_message_to(handle, input, length, fds_in, length, cred_in, path);
unix_message::mio_st_unix_datagram_send_message_to_addr(handle, input, length, fds_in, length, cred_in, address, length);
unix_message::mio_st_unix_datagram_recv_message_from(handle, output, length, fds_out, length, message_out, out_optional, out_optional);
unix_message::mio_st_unix_datagram_set_recv_cred(handle, number);
unix_datagram::mio_st_unix_datagram_shutdown(handle, how);
unix_datagram::mio_st_unix_datagram_take_error(handle, out);
unix_datagram::mio_st_unix_datagram_local_addr(handle, out);
unix_datagram::mio_st_unix_datagram_peer_addr(handle, out);
unix_datagram::mio_st_unix_datagram_fd(handle);
unix_datagram::mio_st_unix_datagram_into_fd(consumed);
pipe::mio_st_new_pipe(opened, opened);
pipe::mio_st_sender_from_fd(opened, given_fd);
pipe::mio_st_sender_close(closed);
pipe::mio_st_sender_write(handle, input, length);
pipe::mio_st_sender_writev(handle, vectors_in, length);
pipe::mio_st_sender_fd(handle);
pipe::mio_st_sender_into_fd(consumed);
pipe::mio_st_receiver_from_fd(opened, given_fd);
pipe::mio_st_receiver_close(closed);
pipe::mio_st_receiver_read(handle, output, length);
pipe::mio_st_receiver_readv(handle, vectors_out, length);
pipe::mio_st_receiver_fd(handle);
pipe::mio_st_receiver_into_fd(consumed);
poller::mio_st_poller_register_sender(handle, handle, id, interests, option);
poller::mio_st_poller_reregister_sender(handle, handle, id, interests, option);
poller::mio_st_poller_deregister_sender(handle, handle);
poller::mio_st_poller_register_receiver(handle, handle, id, interests, option);
poller::mio_st_poller_reregister_receiver(handle, handle, id, interests, option);
poller::mio_st_poller_deregister_receiver(handle, handle);
poller::mio_st_poller_register_signals(handle, handle, id, interests, option);
poller::mio_st_poller_reregister_signals(handle, handle, id, interests, option);
poller::mio_st_poller_deregister_signals(handle, handle);
signals::mio_st_signals_new(opened, signal_numbers, length);
signals::mio_st_signals_close(closed);
signals::mio_st_signals_receive(handle);
signals::mio_st_signals_receive_info(handle, out);
signals::mio_st_signals_add(handle, signal_number);
signals::mio_st_signals_remove(handle, signal_number);
signals::mio_st_signals_fd(handle);
poller::mio_st_poller_register_process(handle, handle, id, interests, option);
poller::mio_st_poller_reregister_process(handle, handle, id, interests, option);
poller::mio_st_poller_deregister_process(handle, handle);
process::mio_st_process_from_pid(opened, pid);
process::mio_st_process_close(closed);
process::mio_st_process_fd(handle);}
