/* The life of UDP and Unix sockets, and of the ends of a pipe; options. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/un.h>

#include "test.h"

#define ANY_ADDRESS(storage) ((struct sockaddr *)&(storage))

static mio_st_poller_t poller;

static mio_st_udp_socket_t udp(struct sockaddr_storage *address, socklen_t *length)
{
    mio_st_udp_socket_t socket;

    OK(mio_st_udp_socket_bind_str(&socket, "127.0.0.1:0"));
    *length = (socklen_t)OK(mio_st_udp_socket_local_addr(socket, address));
    return socket;
}

/* Waits for one event, which has these flags. */
static void wait_for(uint64_t id, uint32_t readiness)
{
    test_wait(poller, id, readiness);
}

static void udp_echoes_a_batch(void)
{
    struct sockaddr_storage address, sender;
    socklen_t length, sender_length;
    mio_st_udp_socket_t echo = udp(&address, &length), client = udp(&sender, &sender_length);
    mio_st_connected_udp_socket_t connected, clone;
    mio_st_poller_t second;
    static const char too_big[1 << 16];
    char memory[3][4], in[16];
    mio_st_datagram_t batch[3] = {
        {.buffer = memory[0], .capacity = 4},
        {.buffer = memory[1], .capacity = 4},
        {.buffer = memory[2], .capacity = 4},
    };
    int port = ((struct sockaddr_in *)&sender)->sin_port, fd;

    OK(mio_st_poller_register_udp_socket(poller, echo, 1, MIO_ST_READABLE, MIO_ST_EDGE));
    OK(mio_st_poller_register_udp_socket(poller, client, 2, MIO_ST_READABLE, MIO_ST_EDGE));
    OK(mio_st_poller_new(&second));
    OK(mio_st_poller_register_udp_socket(second, client, 3, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_udp_socket_recv_from(echo, in, sizeof in, NULL, NULL), -EAGAIN);
    EQUAL(mio_st_udp_socket_recv_batch(echo, batch, 3), -EAGAIN);
    EQUAL(mio_st_udp_socket_send_to(client, "ab", 2, ANY_ADDRESS(address), sizeof address), 2);
    EQUAL(mio_st_udp_socket_send_to(client, too_big, sizeof too_big, ANY_ADDRESS(address), length), -EMSGSIZE);
    /* A wrong family in a batch: what is before it is sent. */
    memset(&batch[0].address, 0, sizeof batch[0].address);
    batch[0].address_length = sizeof(struct sockaddr_in);
    EQUAL(mio_st_udp_socket_send_batch(client, batch, 1), -EAFNOSUPPORT);

    /* The registration goes on through both changes of the handle. */
    OK(mio_st_udp_socket_connect(client, ANY_ADDRESS(address), length, &connected));
    EQUAL(mio_st_udp_socket_close(client), -EBADF);
    OK(mio_st_poller_deregister_connected_udp_socket(poller, connected));
    EQUAL(mio_st_connected_udp_socket_into_fd(connected), -EBUSY);
    OK(mio_st_poller_register_connected_udp_socket(poller, connected, 2, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_connected_udp_socket_send(connected, "abcdef", 6), 6);
    EQUAL(mio_st_connected_udp_socket_send(connected, NULL, 0), 0);
    wait_for(1, MIO_ST_READABLE);
    EQUAL(mio_st_udp_socket_peek_from(echo, in, sizeof in, NULL, NULL), 2);
    EQUAL(mio_st_udp_socket_recv_batch(echo, batch, 3), 3);
    EQUAL(batch[0].length == 2 && batch[0].flags == 0, 1);
    EQUAL(batch[1].length == 4 && batch[1].flags == MIO_ST_DATAGRAM_TRUNCATED, 1);
    EQUAL(batch[2].length == 0 && batch[2].flags == 0, 1);
    EQUAL(((struct sockaddr_in *)&batch[1].address)->sin_port, port);
    batch[1].address_length = 3;
    EQUAL(mio_st_udp_socket_send_batch(echo, batch, 3), 1);
    batch[1].address_length = batch[0].address_length;
    EQUAL(mio_st_udp_socket_send_batch(echo, batch + 1, 2), 2);
    wait_for(2, MIO_ST_READABLE);
    EQUAL(mio_st_connected_udp_socket_peek(connected, in, sizeof in), 2);
    EQUAL(mio_st_connected_udp_socket_recv(connected, in, sizeof in), 2);
    EQUAL(memcmp(in, "ab", 2), 0);
    EQUAL(mio_st_connected_udp_socket_recv_batch(connected, batch, 3), 2);
    EQUAL(mio_st_connected_udp_socket_peer_addr(connected, &sender), (int)length);
    EQUAL(memcmp(&sender, &address, length), 0);
    EQUAL(mio_st_connected_udp_socket_local_addr(connected, &sender), (int)length);
    EQUAL(((struct sockaddr_in *)&sender)->sin_port, port);

    OK(mio_st_connected_udp_socket_try_clone(&clone, connected));
    fd = OK(mio_st_connected_udp_socket_into_fd(clone));
    OK(fcntl(fd, F_SETFL, 0));
    OK(fcntl(fd, F_SETFD, 0));
    EQUAL(mio_st_udp_socket_from_fd(&client, fd), -EISCONN);
    EQUAL(fcntl(fd, F_GETFL) & O_NONBLOCK, 0); /* what was refused is as it was */
    EQUAL(fcntl(fd, F_GETFD), 0);
    OK(mio_st_connected_udp_socket_from_fd(&clone, fd));
    OK(mio_st_connected_udp_socket_close(clone));

    OK(mio_st_connected_udp_socket_disconnect(connected, &client));
    EQUAL(mio_st_connected_udp_socket_send(connected, "x", 1), -EBADF);
    OK(mio_st_poller_deregister_udp_socket(second, client));
    EQUAL(mio_st_udp_socket_into_fd(client), -EBUSY);
    OK(mio_st_udp_socket_local_addr(client, &sender));
    EQUAL(((struct sockaddr_in *)&sender)->sin_port, port);
    OK(mio_st_poller_deregister_udp_socket(poller, client));
    OK(mio_st_poller_close(second));
    fd = OK(mio_st_udp_socket_into_fd(client));
    EQUAL(mio_st_connected_udp_socket_from_fd(&connected, fd), -ENOTCONN);
    OK(mio_st_udp_socket_from_fd(&client, fd));
    OK(mio_st_udp_socket_close(client));
    OK(mio_st_udp_socket_close(echo));
}

static void options_hold_before_bind_and_connect(void)
{
    mio_st_socket_options_t options = {.size = sizeof options, .flags = MIO_ST_SOCKET_REUSE_PORT};
    mio_st_keepalive_t keepalive = {11, 22, 3}, got;
    struct sockaddr_storage address, local, peer;
    mio_st_tcp_listener_t listener, second;
    mio_st_tcp_stream_t stream;
    mio_st_udp_socket_t udp_socket;
    struct {
        mio_st_socket_options_t options;
        char later[16];
    } larger = {{.size = sizeof larger}, {0}};
    socklen_t size = sizeof(int);
    int length, value, seconds;

    options.backlog = 5;
    options.flags |= MIO_ST_SOCKET_NODELAY | MIO_ST_SOCKET_KEEPALIVE;
    options.keepalive = keepalive;
    length = OK(mio_st_addr_parse("127.0.0.1:0", &address));
    OK(mio_st_tcp_listener_bind_with(&listener, ANY_ADDRESS(address), (socklen_t)length, &options));
    length = OK(mio_st_tcp_listener_local_addr(listener, &address));
    OK(mio_st_tcp_listener_bind_with(&second, ANY_ADDRESS(address), (socklen_t)length, &options));
    OK(mio_st_tcp_listener_close(second));
    OK(getsockopt(mio_st_tcp_listener_fd(listener), IPPROTO_TCP, TCP_NODELAY, &value, &size));
    EQUAL(value, 1);

    options.local_length = (socklen_t)OK(mio_st_addr_parse("127.0.0.2:0", &local));
    options.local = ANY_ADDRESS(local);
    EQUAL(mio_st_tcp_listener_bind_with(&second, ANY_ADDRESS(address), (socklen_t)length, &options), -EINVAL);
    EQUAL(mio_st_tcp_stream_connect_with(&stream, ANY_ADDRESS(address), (socklen_t)length, &options), -EINVAL);
    options.backlog = 0;
    options.recv_buffer_size = 50000;
    OK(mio_st_tcp_stream_connect_with(&stream, ANY_ADDRESS(address), (socklen_t)length, &options));
    OK(mio_st_tcp_stream_local_addr(stream, &peer));
    EQUAL(((struct sockaddr_in *)&peer)->sin_addr.s_addr, inet_addr("127.0.0.2"));
    EQUAL(mio_st_tcp_stream_nodelay(stream), 1);
    EQUAL(mio_st_tcp_stream_keepalive(stream, &got), 1);
    EQUAL(memcmp(&got, &keepalive, sizeof got), 0);
    OK(getsockopt(mio_st_tcp_stream_fd(stream), SOL_SOCKET, SO_RCVBUF, &value, &size));
    EQUAL(value, 100000);
    OK(mio_st_tcp_stream_set_keepalive(stream, NULL));
    EQUAL(mio_st_tcp_stream_keepalive(stream, &got), 0);
    keepalive = (mio_st_keepalive_t){0, 0, 4};
    OK(mio_st_tcp_stream_set_keepalive(stream, &keepalive));
    EQUAL(mio_st_tcp_stream_keepalive(stream, &got), 1);
    EQUAL(got.idle_seconds == 11 && got.interval_seconds == 22 && got.count == 4, 1);
    OK(mio_st_tcp_stream_linger(stream, &seconds));
    EQUAL(seconds, -1);
    OK(mio_st_tcp_stream_set_linger(stream, 0));
    OK(mio_st_tcp_stream_linger(stream, &seconds));
    EQUAL(seconds, 0);
    OK(mio_st_tcp_stream_close(stream));
    OK(mio_st_tcp_listener_close(listener));

    /* A struct of a later version is good as long as it asks for nothing new. */
    length = OK(mio_st_addr_parse("127.0.0.1:0", &address));
    OK(mio_st_udp_socket_bind_with(&udp_socket, ANY_ADDRESS(address), (socklen_t)length, &larger.options));
    OK(mio_st_udp_socket_close(udp_socket));
    larger.later[15] = 1;
    EQUAL(mio_st_udp_socket_bind_with(&udp_socket, ANY_ADDRESS(address), (socklen_t)length, &larger.options), -EINVAL);
}

/* Such as another program may have; its length is that of the address and of a NUL. */
static void a_sender_whose_path_fills_the_address_is_answered(void)
{
    char folder[] = "/tmp/mio-st-XXXXXX", path[64], in[8];
    struct sockaddr_un server = {.sun_family = AF_UNIX};
    struct {
        struct sockaddr_un address;
        char end; /* up to here valgrind reads */
    } name = {.address.sun_family = AF_UNIX};
    struct sockaddr_storage sender;
    socklen_t length;
    mio_st_unix_datagram_t socket_here;
    int there = OK(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

    EQUAL(mkdtemp(folder) != NULL, 1);
    snprintf(path, sizeof path, "%s/socket", folder);
    memset(name.address.sun_path, 'x', sizeof name.address.sun_path);
    memcpy(name.address.sun_path, folder, strlen(folder));
    name.address.sun_path[strlen(folder)] = '/';
    OK(bind(there, (struct sockaddr *)&name, sizeof name.address));
    OK(mio_st_unix_datagram_bind(&socket_here, path));
    memcpy(server.sun_path, path, strlen(path));
    EQUAL(sendto(there, "ping", 4, 0, (struct sockaddr *)&server, sizeof server), 4);
    EQUAL(mio_st_unix_datagram_recv_from(socket_here, in, sizeof in, &sender, &length), 4);
    EQUAL(mio_st_unix_datagram_send_to_addr(socket_here, "pong!", 5, ANY_ADDRESS(sender), length), 5);
    EQUAL(recv(there, in, sizeof in, 0), 5);
    EQUAL(mio_st_unix_datagram_send_to_addr(socket_here, "x", 1, ANY_ADDRESS(sender), length + 1), -EINVAL);
    OK(mio_st_unix_datagram_close(socket_here));
    OK(unlink(((struct sockaddr_un *)&sender)->sun_path));
    OK(unlink(path));
    OK(rmdir(folder));
    OK(close(there));
}

static void unix_streams_connect_by_path_and_by_name(void)
{
    char folder[] = "/tmp/mio-st-XXXXXX", path[64], in[8];
    char longest[108], too_long[109];
    struct sockaddr_un name = {AF_UNIX, "\0mio-st test ....."};
    socklen_t name_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 18);
    struct sockaddr_storage peer;
    mio_st_socket_options_t options = {.size = sizeof options};
    mio_st_unix_listener_t listener, clone;
    mio_st_unix_stream_t client, server, clients[2];
    mio_st_ucred_t cred;
    socklen_t size = sizeof(int);
    int fd, value;

    EQUAL(mkdtemp(folder) != NULL, 1);
    snprintf(path, sizeof path, "%s/socket", folder);
    memset(longest, 'x', sizeof longest);
    memcpy(longest, folder, strlen(folder));
    longest[strlen(folder)] = '/';
    longest[107] = 0;
    memcpy(too_long, longest, sizeof longest);
    too_long[107] = 'x';
    too_long[108] = 0;
    EQUAL(mio_st_unix_stream_connect(&client, path), -ENOENT);
    EQUAL(mio_st_unix_listener_bind(&listener, too_long), -ENAMETOOLONG);
    memcpy(name.sun_path, too_long, 108);
    EQUAL(mio_st_unix_listener_bind_addr(&listener, (struct sockaddr *)&name, sizeof name), -ENAMETOOLONG);
    OK(mio_st_unix_listener_bind(&listener, longest));
    EQUAL(mio_st_unix_listener_local_addr(listener, &peer), (int)offsetof(struct sockaddr_un, sun_path) + 108);
    OK(mio_st_unix_listener_close(listener));
    OK(unlink(longest));

    /* Its queue has room for what was asked for, and one more. */
    memcpy(name.sun_path, path, strlen(path) + 1);
    options.backlog = 1;
    options.send_buffer_size = 8192;
    OK(mio_st_unix_listener_bind_with(&listener, (struct sockaddr *)&name, sizeof name, &options));
    OK(getsockopt(mio_st_unix_listener_fd(listener), SOL_SOCKET, SO_SNDBUF, &value, &size));
    EQUAL(value, 16384);
    for (int i = 0; i < 2; i++)
        OK(mio_st_unix_stream_connect(&clients[i], path));
    EQUAL(mio_st_unix_stream_connect(&client, path), -EAGAIN);
    for (int i = 0; i < 2; i++)
        OK(mio_st_unix_stream_close(clients[i]));
    options.flags = MIO_ST_SOCKET_REUSE_PORT;
    EQUAL(mio_st_unix_listener_bind_with(&clone, (struct sockaddr *)&name, sizeof name, &options), -EINVAL);
    OK(mio_st_unix_listener_close(listener));
    OK(unlink(path));

    OK(mio_st_unix_listener_bind(&listener, path));
    EQUAL(mio_st_unix_listener_bind(&clone, path), -EADDRINUSE);
    OK(mio_st_poller_register_unix_listener(poller, listener, 1, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_unix_listener_accept(listener, &server, NULL), -EAGAIN);
    OK(mio_st_unix_stream_connect(&client, path));
    EQUAL(mio_st_unix_stream_connected(client), 1);
    wait_for(1, MIO_ST_READABLE);
    EQUAL(mio_st_unix_listener_accept(listener, &server, &peer), (int)sizeof(sa_family_t));
    EQUAL(peer.ss_family, AF_UNIX);
    OK(mio_st_unix_stream_peer_cred(server, &cred));
    EQUAL(cred.pid, getpid());
    EQUAL(cred.uid, geteuid());
    EQUAL(mio_st_unix_stream_local_addr(client, &peer), (int)sizeof(sa_family_t));
    OK(mio_st_unix_stream_local_addr(server, &peer));
    EQUAL(strcmp(((struct sockaddr_un *)&peer)->sun_path, path), 0);
    OK(mio_st_unix_stream_peer_addr(client, &peer));
    EQUAL(strcmp(((struct sockaddr_un *)&peer)->sun_path, path), 0);
    OK(mio_st_poller_register_unix_stream(poller, server, 2, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_unix_stream_write(client, "hello", 5), 5);
    wait_for(2, MIO_ST_READABLE);
    EQUAL(mio_st_unix_stream_peek(server, in, sizeof in), 5);
    EQUAL(mio_st_unix_stream_read(server, in, sizeof in), 5);
    OK(mio_st_unix_stream_shutdown(client, SHUT_WR));
    wait_for(2, MIO_ST_READABLE | MIO_ST_READ_CLOSED);
    EQUAL(mio_st_unix_stream_read(server, in, sizeof in), 0);
    OK(mio_st_unix_stream_close(client));
    wait_for(2, MIO_ST_HUP);
    /* And no SIGPIPE. */
    EQUAL(mio_st_unix_stream_write(server, "x", 1), -EPIPE);
    EQUAL(mio_st_unix_stream_writev(server, &(struct iovec){in, 1}, 1), -EPIPE);
    OK(mio_st_unix_stream_close(server));
    OK(mio_st_unix_listener_close(listener));
    EQUAL(mio_st_unix_stream_connect(&client, path), -ECONNREFUSED);
    OK(unlink(path));
    OK(rmdir(folder));

    /* An abstract name has all its bytes, NULs too. */
    memset(&name, 0, sizeof name);
    name.sun_family = AF_UNIX;
    snprintf(name.sun_path + 1, 17, "mio-st %d", getpid());
    OK(mio_st_unix_listener_bind_addr(&listener, (struct sockaddr *)&name, name_length));
    EQUAL(mio_st_unix_listener_local_addr(listener, &peer), (int)name_length);
    EQUAL(memcmp(&peer, &name, name_length), 0);
    EQUAL(mio_st_unix_stream_connect_addr(&client, (struct sockaddr *)&name, name_length - 1), -ECONNREFUSED);
    OK(mio_st_unix_stream_connect_addr(&client, (struct sockaddr *)&name, name_length));
    fd = OK(mio_st_unix_stream_into_fd(client));
    EQUAL(mio_st_unix_listener_from_fd(&clone, fd), -EPROTOTYPE);
    OK(mio_st_unix_stream_from_fd(&client, fd));
    OK(mio_st_unix_stream_close(client));
    OK(mio_st_unix_listener_try_clone(&clone, listener));
    OK(mio_st_unix_listener_close(listener));
    fd = OK(mio_st_unix_listener_into_fd(clone));
    EQUAL(mio_st_unix_stream_from_fd(&client, fd), -EPROTOTYPE);
    OK(mio_st_unix_listener_from_fd(&clone, fd));
    OK(mio_st_unix_listener_close(clone));
}

static void unix_datagrams_arrive_whole(void)
{
    const struct sockaddr unnamed = {.sa_family = AF_UNIX};
    mio_st_unix_datagram_t a, b, server, client;
    struct sockaddr_storage address, sender;
    socklen_t length, sender_length;
    mio_st_unix_stream_t stream;
    char in[4];

    /* One of two would have no handle. */
    EQUAL(mio_st_unix_stream_pair(&stream, &stream), -EINVAL);
    EQUAL(mio_st_unix_datagram_pair(&a, &a), -EINVAL);
    OK(mio_st_unix_datagram_pair(&a, &b));
    OK(mio_st_poller_register_unix_datagram(poller, b, 1, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_unix_datagram_recv(b, in, sizeof in), -EAGAIN);
    EQUAL(mio_st_unix_datagram_send(a, "abcdef", 6), 6);
    EQUAL(mio_st_unix_datagram_send(a, NULL, 0), 0);
    wait_for(1, MIO_ST_READABLE);
    EQUAL(mio_st_unix_datagram_peek(b, in, sizeof in), 4);
    EQUAL(mio_st_unix_datagram_recv(b, in, sizeof in), 4);
    EQUAL(mio_st_unix_datagram_recv(b, in, sizeof in), 0);
    EQUAL(mio_st_unix_datagram_into_fd(b), -EBUSY);
    OK(mio_st_unix_datagram_close(b));
    EQUAL(mio_st_unix_datagram_send(a, "x", 1), -ECONNREFUSED);
    OK(mio_st_unix_datagram_close(a));

    OK(mio_st_unix_datagram_bind_addr(&server, &unnamed, sizeof unnamed.sa_family));
    OK(mio_st_unix_datagram_bind_addr(&client, &unnamed, sizeof unnamed.sa_family));
    length = (socklen_t)OK(mio_st_unix_datagram_local_addr(server, &address));
    EQUAL(mio_st_unix_datagram_send_to_addr(client, "ab", 2, ANY_ADDRESS(address), length), 2);
    EQUAL(mio_st_unix_datagram_recv_from(server, in, sizeof in, &sender, &sender_length), 2);
    EQUAL(mio_st_unix_datagram_send(client, "x", 1), -ENOTCONN);
    OK(mio_st_unix_datagram_connect_addr(server, ANY_ADDRESS(sender), sender_length));
    EQUAL(mio_st_unix_datagram_send(server, "cd", 2), 2);
    EQUAL(mio_st_unix_datagram_recv(client, in, sizeof in), 2);
    EQUAL(mio_st_unix_datagram_send_to(client, "x", 1, "/nowhere/at/all"), -ENOENT);
    OK(mio_st_unix_datagram_close(client));
    OK(mio_st_unix_datagram_close(server));
}

static void unix_datagrams_go_to_paths(void)
{
    char folder[] = "/tmp/mio-st-XXXXXX", path[64], in[8];
    mio_st_unix_datagram_t server, second, client;
    struct sockaddr_storage address, sender;
    socklen_t sender_length;

    EQUAL(mkdtemp(folder) != NULL, 1);
    snprintf(path, sizeof path, "%s/socket", folder);
    OK(mio_st_unix_datagram_unbound(&client));
    EQUAL(mio_st_unix_datagram_send_to(client, "x", 1, path), -ENOENT);
    EQUAL(mio_st_unix_datagram_connect(client, path), -ENOENT);
    EQUAL(mio_st_unix_datagram_peer_addr(client, &address), -ENOTCONN);
    OK(mio_st_unix_datagram_bind(&server, path));
    EQUAL(mio_st_unix_datagram_bind(&second, path), -EADDRINUSE);
    EQUAL(mio_st_unix_datagram_send_to(client, "ab", 2, path), 2);
    memset(&sender, 0xa5, sizeof sender);
    EQUAL(mio_st_unix_datagram_recv_from(server, in, sizeof in, &sender, &sender_length), 2);
    /* It has no name, but a family. */
    EQUAL(sender_length, sizeof(sa_family_t));
    EQUAL(sender.ss_family, AF_UNIX);

    OK(mio_st_unix_datagram_connect(client, path));
    EQUAL(mio_st_unix_datagram_peer_addr(client, &address),
          (int)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1));
    EQUAL(strcmp(((struct sockaddr_un *)&address)->sun_path, path), 0);
    EQUAL(mio_st_unix_datagram_send(client, "cd", 2), 2);
    EQUAL(mio_st_unix_datagram_recv(server, in, sizeof in), 2);
    OK(mio_st_unix_datagram_shutdown(client, SHUT_WR));
    EQUAL(mio_st_unix_datagram_send(client, "cd", 2), -EPIPE);
    EQUAL(mio_st_unix_datagram_shutdown(client, 77), -EINVAL);
    OK(mio_st_unix_datagram_close(client));
    OK(mio_st_unix_datagram_close(server));
    OK(unlink(path));
    OK(rmdir(folder));
}

static void a_pipe_has_two_ends(void)
{
    mio_st_sender_t sender;
    mio_st_receiver_t receiver;
    struct iovec parts[2] = {{"ab", 2}, {"cd", 2}};
    char in[8];
    int fd;

    OK(mio_st_new_pipe(&sender, &receiver));
    OK(mio_st_poller_register_receiver(poller, receiver, 1, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_receiver_read(receiver, in, sizeof in), -EAGAIN);
    EQUAL(mio_st_sender_writev(sender, parts, 2), 4);
    wait_for(1, MIO_ST_READABLE);
    EQUAL(mio_st_receiver_readv(receiver, &(struct iovec){in, 8}, 1), 4);
    EQUAL(memcmp(in, "abcd", 4), 0);
    fd = OK(mio_st_sender_into_fd(sender));
    EQUAL(mio_st_receiver_from_fd(&receiver, fd), -EPROTOTYPE);
    EQUAL(mio_st_sender_from_fd(&sender, mio_st_receiver_fd(receiver)), -EPROTOTYPE);
    OK(fcntl(fd, F_SETFL, 0));
    OK(mio_st_sender_from_fd(&sender, fd));
    EQUAL(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    EQUAL(mio_st_sender_write(sender, "e", 1), 1);
    OK(mio_st_sender_close(sender));
    wait_for(1, MIO_ST_READABLE | MIO_ST_HUP);
    EQUAL(mio_st_receiver_read(receiver, in, sizeof in), 1);
    EQUAL(mio_st_receiver_read(receiver, in, sizeof in), 0);
    OK(mio_st_receiver_close(receiver));

    signal(SIGPIPE, SIG_IGN);
    OK(mio_st_new_pipe(&sender, &receiver));
    OK(mio_st_receiver_close(receiver));
    EQUAL(mio_st_sender_write(sender, "e", 1), -EPIPE);
    OK(mio_st_sender_close(sender));
    signal(SIGPIPE, SIG_DFL);
}

/* Who never was connected is not being connected. */
static void a_socket_without_a_peer_is_not_connected(void)
{
    mio_st_unix_stream_t of_unix;
    mio_st_tcp_stream_t of_tcp;

    OK(mio_st_unix_stream_from_fd(&of_unix, OK(socket(AF_UNIX, SOCK_STREAM, 0))));
    EQUAL(mio_st_unix_stream_connected(of_unix), -ENOTCONN);
    OK(mio_st_unix_stream_close(of_unix));
    OK(mio_st_tcp_stream_from_fd(&of_tcp, OK(socket(AF_INET, SOCK_STREAM, 0))));
    EQUAL(mio_st_tcp_stream_connected(of_tcp), -ENOTCONN);
    OK(mio_st_tcp_stream_close(of_tcp));
}

enum { BATCH = 64 };

static void *batches(void *unused)
{
    static mio_st_datagram_t batch[BATCH];
    static char memory[BATCH][8];
    static struct sockaddr_storage address;
    mio_st_connected_udp_socket_t connected;
    socklen_t length;
    mio_st_udp_socket_t socket = udp(&address, &length);

    (void)unused;
    for (int i = 0; i < BATCH; i++) {
        batch[i] = (mio_st_datagram_t){.buffer = memory[i], .capacity = 8, .length = 5};
        batch[i].address = address;
        batch[i].address_length = length;
    }
    EQUAL(mio_st_udp_socket_send_batch(socket, batch, BATCH), BATCH);
    EQUAL(mio_st_udp_socket_recv_batch(socket, batch, BATCH), BATCH);
    EQUAL(mio_st_udp_socket_recv_batch(socket, batch, BATCH), -EAGAIN);
    OK(mio_st_udp_socket_connect(socket, ANY_ADDRESS(address), length, &connected));
    EQUAL(mio_st_connected_udp_socket_send_batch(connected, batch, BATCH), BATCH);
    EQUAL(mio_st_connected_udp_socket_recv_batch(connected, batch, BATCH), BATCH);
    OK(mio_st_connected_udp_socket_close(connected));
    return NULL;
}

/* The C library has its own data there, too, and valgrind has not room enough for itself. */
static void the_smallest_thread_has_room_for_a_batch(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    if (getenv("UNDER_VALGRIND"))
        return;
    EQUAL(pthread_attr_init(&attributes), 0);
    EQUAL(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN), 0);
    EQUAL(pthread_create(&thread, &attributes, batches, NULL), 0);
    EQUAL(pthread_join(thread, NULL), 0);
    EQUAL(pthread_attr_destroy(&attributes), 0);
}

int main(void)
{
    OK(mio_st_poller_new(&poller));
    udp_echoes_a_batch();
    options_hold_before_bind_and_connect();
    unix_streams_connect_by_path_and_by_name();
    unix_datagrams_arrive_whole();
    a_sender_whose_path_fills_the_address_is_answered();
    unix_datagrams_go_to_paths();
    a_pipe_has_two_ends();
    a_socket_without_a_peer_is_not_connected();
    the_smallest_thread_has_room_for_a_batch();
    OK(mio_st_poller_close(poller));
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
