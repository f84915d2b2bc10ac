/* What each operation answers when a call of the system's fails: for every operation, every call that it makes, every
 * time that it makes it and every errno. Afterwards there are as many handles and descriptors as before, with the same
 * flags, and the operation succeeds. Where the operation is the poller's, or closing, and succeeds nevertheless, errno is
 * as before. Linked with `-Wl,--wrap=connect` and its kin. */

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "test.h"

enum { MOST_CALLS = 64, FOR_EVER = -1 };

/* Whether calls are counted, and which is refused. */
static struct {
    int armed;
    const char *made[MOST_CALLS];
    int count;
    const char *call;
    int number, with;
    int left; /* errno after the last one that was tried */
} watch;

static int refuses(const char *call)
{
    int number = 1;

    if (!watch.armed)
        return 0;
    for (int i = 0; i < watch.count; i++)
        number += strcmp(watch.made[i], call) == 0;
    if (watch.count < MOST_CALLS)
        watch.made[watch.count++] = call;
    if (!watch.call || strcmp(watch.call, call) != 0)
        return 0;
    if (watch.number != number && watch.number != FOR_EVER)
        return 0;
    errno = watch.with;
    return 1;
}

#define WRAP(type, call, parameters, ...)                          \
    type __real_##call parameters;                                 \
    type __wrap_##call parameters;                                 \
    type __wrap_##call parameters                                  \
    {                                                              \
        return refuses(#call) ? -1 : __real_##call(__VA_ARGS__);   \
    }

WRAP(int, socket, (int family, int kind, int protocol), family, kind, protocol)
WRAP(int, socketpair, (int family, int kind, int protocol, int *fds), family, kind, protocol, fds)
WRAP(int, bind, (int fd, const struct sockaddr *address, socklen_t length), fd, address, length)
WRAP(int, listen, (int fd, int backlog), fd, backlog)
WRAP(int, connect, (int fd, const struct sockaddr *address, socklen_t length), fd, address, length)
WRAP(int, accept4, (int fd, struct sockaddr *address, socklen_t *length, int flags), fd, address, length, flags)
WRAP(int, getsockname, (int fd, struct sockaddr *address, socklen_t *length), fd, address, length)
WRAP(int, getpeername, (int fd, struct sockaddr *address, socklen_t *length), fd, address, length)
WRAP(int, shutdown, (int fd, int how), fd, how)
WRAP(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t length), fd, level, name, value, length)
WRAP(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *length), fd, level, name, value, length)
WRAP(int, pipe2, (int *fds, int flags), fds, flags)
WRAP(int, epoll_create1, (int flags), flags)
WRAP(int, epoll_ctl, (int epoll, int what, int fd, struct epoll_event *event), epoll, what, fd, event)
WRAP(int, epoll_wait, (int epoll, struct epoll_event *events, int most, int timeout), epoll, events, most, timeout)
WRAP(int, eventfd, (unsigned from, int flags), from, flags)
WRAP(int, sigaction, (int number, const struct sigaction *action, struct sigaction *former), number, action, former)
WRAP(int, fstat, (int fd, struct stat *stat), fd, stat)
WRAP(ssize_t, read, (int fd, void *buffer, size_t length), fd, buffer, length)
WRAP(ssize_t, write, (int fd, const void *buffer, size_t length), fd, buffer, length)
WRAP(ssize_t, recv, (int fd, void *buffer, size_t length, int flags), fd, buffer, length, flags)
WRAP(ssize_t, send, (int fd, const void *buffer, size_t length, int flags), fd, buffer, length, flags)
WRAP(int, recvmmsg, (int fd, void *messages, unsigned count, int flags, void *timeout), fd,
     messages, count, flags, timeout)
WRAP(int, sendmmsg, (int fd, void *messages, unsigned count, int flags), fd, messages, count, flags)

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list list;
    int argument;

    va_start(list, command);
    argument = va_arg(list, int);
    va_end(list);
    return refuses("fcntl") ? -1 : __real_fcntl(fd, command, argument);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    long arguments[6];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    return refuses("syscall") ? -1
                              : __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
                                               arguments[4], arguments[5]);
}

/* No errno. */
#define UNTOUCHED (-7)

/* What is tried: the calls that it makes are refused. What is done around it is not. */
#define TRIED(call) (watch.armed = 1, errno = UNTOUCHED, tried((int64_t)(call)))

static int64_t tried(int64_t answer)
{
    watch.armed = 0;
    watch.left = errno;
    return answer;
}

/* What the operations have to do with. */
static struct {
    mio_st_poller_t poller;
    mio_st_tcp_listener_t listener, idle;
    mio_st_unix_listener_t unix_listener;
    mio_st_tcp_stream_t client, server;
    mio_st_unix_stream_t unix_client, unix_server;
    mio_st_udp_socket_t udp, batch; /* the latter for nothing but batches */
    mio_st_signals_t signals;
    char text[MIO_ST_ADDR_TEXT_SIZE], idle_text[MIO_ST_ADDR_TEXT_SIZE];
    struct sockaddr_storage udp_address, batch_address, unix_address;
    socklen_t udp_length, batch_length, unix_length;
} world;

static void make_world(void)
{
    const struct sockaddr unnamed = {.sa_family = AF_UNIX};
    const int numbers[] = {SIGURG};

    OK(mio_st_poller_new(&world.poller));
    world.listener = test_listener(world.text);
    world.idle = test_listener(world.idle_text);
    OK(mio_st_poller_register_tcp_listener(world.poller, world.listener, 1, MIO_ST_READABLE, MIO_ST_EDGE));
    OK(mio_st_tcp_stream_connect_str(&world.client, world.text));
    world.server = test_accept(world.poller, world.listener);
    OK(mio_st_unix_stream_pair(&world.unix_client, &world.unix_server));
    OK(mio_st_unix_listener_bind_addr(&world.unix_listener, &unnamed, sizeof unnamed.sa_family));
    world.unix_length = (socklen_t)OK(mio_st_unix_listener_local_addr(world.unix_listener, &world.unix_address));
    OK(mio_st_udp_socket_bind_str(&world.udp, "127.0.0.1:0"));
    world.udp_length = (socklen_t)OK(mio_st_udp_socket_local_addr(world.udp, &world.udp_address));
    OK(mio_st_udp_socket_bind_str(&world.batch, "127.0.0.1:0"));
    world.batch_length = (socklen_t)OK(mio_st_udp_socket_local_addr(world.batch, &world.batch_address));
    OK(mio_st_signals_new(&world.signals, numbers, 1));
}

static int64_t makes_a_poller(void)
{
    mio_st_poller_t poller = {0};
    int64_t answer = TRIED(mio_st_poller_new(&poller));

    OK(mio_st_poller_close(poller));
    return answer;
}

static int64_t makes_an_awakener(void)
{
    mio_st_awakener_t awakener = {0};
    mio_st_poller_t poller;
    int64_t answer;

    OK(mio_st_poller_new(&poller));
    answer = TRIED(mio_st_awakener_new(&awakener, poller, 1));
    OK(mio_st_awakener_close(awakener));
    OK(mio_st_poller_close(poller));
    return answer;
}

static int64_t polls(void)
{
    mio_st_event_t event;
    int64_t answer = TRIED(mio_st_poller_poll(world.poller, &event, 1, 0));

    return answer;
}

/* In the form of the system's that takes nanoseconds, and without it in that of milliseconds. */
static int64_t waits(void)
{
    mio_st_event_t event;

    return TRIED(mio_st_poller_poll(world.poller, &event, 1, 1000));
}

static int64_t waits_for_ever(void)
{
    mio_st_event_t event;
    int64_t answer;
    char byte;

    EQUAL(mio_st_unix_stream_write(world.unix_client, "x", 1), 1);
    OK(mio_st_poller_register_unix_stream(world.poller, world.unix_server, 3, MIO_ST_READABLE, MIO_ST_LEVEL));
    answer = TRIED(mio_st_poller_poll(world.poller, &event, 1, -1));
    OK(mio_st_poller_deregister_unix_stream(world.poller, world.unix_server));
    EQUAL(mio_st_unix_stream_read(world.unix_server, &byte, 1), 1);
    return answer;
}

/* What is registered already, behind the back of what it remembers. */
static int64_t watches(void)
{
    int64_t answer;

    OK(mio_st_poller_register_unix_stream(world.poller, world.unix_server, 3, MIO_ST_READABLE, MIO_ST_EDGE));
    answer = TRIED(mio_st_poller_watch_fd(world.poller, mio_st_unix_stream_fd(world.unix_server), 3, MIO_ST_READABLE,
                                          MIO_ST_EDGE));
    OK(mio_st_poller_deregister_unix_stream(world.poller, world.unix_server));
    return answer;
}

static int64_t ends_what_is_not_watched(void)
{
    return TRIED(mio_st_poller_watch_fd(world.poller, mio_st_unix_stream_fd(world.unix_server), 3, 0, 0));
}

static int64_t registers(void)
{
    int64_t answer = TRIED(mio_st_poller_register_tcp_stream(world.poller, world.client, 2, MIO_ST_READABLE, MIO_ST_EDGE));

    if (answer == 0)
        OK(mio_st_poller_deregister_tcp_stream(world.poller, world.client));
    return answer;
}

static int64_t deregisters(void)
{
    int64_t answer;

    OK(mio_st_poller_register_tcp_stream(world.poller, world.client, 2, MIO_ST_READABLE, MIO_ST_EDGE));
    answer = TRIED(mio_st_poller_deregister_tcp_stream(world.poller, world.client));
    if (answer < 0 && answer != -ENOENT)
        OK(mio_st_poller_deregister_tcp_stream(world.poller, world.client));
    else if (answer == -ENOENT)
        OK(mio_st_poller_deregister_fd(world.poller, mio_st_tcp_stream_fd(world.client)));
    return answer;
}

static int64_t closes_what_is_registered(void)
{
    mio_st_unix_stream_t a, b;
    int64_t answer;

    OK(mio_st_unix_stream_pair(&a, &b));
    OK(mio_st_poller_register_unix_stream(world.poller, a, 2, MIO_ST_READABLE, MIO_ST_EDGE));
    answer = TRIED(mio_st_unix_stream_close(a));
    OK(mio_st_unix_stream_close(b));
    return answer;
}

/* Registered once, and no more since then: its descriptor was deregistered. */
static int64_t closes_what_was_registered(void)
{
    mio_st_unix_stream_t a, b;
    int64_t answer;

    OK(mio_st_unix_stream_pair(&a, &b));
    OK(mio_st_poller_register_unix_stream(world.poller, a, 2, MIO_ST_READABLE, MIO_ST_EDGE));
    OK(mio_st_poller_deregister_fd(world.poller, mio_st_unix_stream_fd(a)));
    answer = TRIED(mio_st_unix_stream_close(a));
    OK(mio_st_unix_stream_close(b));
    return answer;
}

static int64_t binds_tcp(void)
{
    mio_st_tcp_listener_t listener = {0};
    int64_t answer = TRIED(mio_st_tcp_listener_bind_str(&listener, "127.0.0.1:0"));

    OK(mio_st_tcp_listener_close(listener));
    return answer;
}

static int64_t binds_unix(void)
{
    const struct sockaddr unnamed = {.sa_family = AF_UNIX};
    mio_st_unix_listener_t listener = {0};
    int64_t answer = TRIED(mio_st_unix_listener_bind_addr(&listener, &unnamed, sizeof unnamed.sa_family));

    OK(mio_st_unix_listener_close(listener));
    return answer;
}

static int64_t binds_udp(void)
{
    mio_st_udp_socket_t socket = {0};
    int64_t answer = TRIED(mio_st_udp_socket_bind_str(&socket, "127.0.0.1:0"));

    OK(mio_st_udp_socket_close(socket));
    return answer;
}

static int64_t connects_tcp(void)
{
    mio_st_tcp_stream_t stream = {0};
    int64_t answer = TRIED(mio_st_tcp_stream_connect_str(&stream, world.idle_text));

    OK(mio_st_tcp_stream_close(stream));
    while (mio_st_tcp_listener_accept(world.idle, &stream, NULL) == 0)
        OK(mio_st_tcp_stream_close(stream));
    return answer;
}

static int64_t connects_unix(void)
{
    mio_st_unix_stream_t stream = {0};
    int64_t answer = TRIED(mio_st_unix_stream_connect_addr(&stream, (struct sockaddr *)&world.unix_address, world.unix_length));

    OK(mio_st_unix_stream_close(stream));
    while (mio_st_unix_listener_accept(world.unix_listener, &stream, NULL) >= 0)
        OK(mio_st_unix_stream_close(stream));
    return answer;
}

/* The socket is there afterwards, whatever became of it. */
static int64_t connects_udp(void)
{
    mio_st_connected_udp_socket_t connected;
    int64_t answer = TRIED(mio_st_udp_socket_connect(world.udp, (struct sockaddr *)&world.udp_address, world.udp_length, &connected));

    if (answer == 0)
        OK(mio_st_connected_udp_socket_disconnect(connected, &world.udp));
    EQUAL(mio_st_udp_socket_local_addr(world.udp, &world.udp_address), world.udp_length);
    return answer;
}

static int64_t disconnects_udp(void)
{
    mio_st_connected_udp_socket_t connected;
    int64_t answer;

    OK(mio_st_udp_socket_connect(world.udp, (struct sockaddr *)&world.udp_address, world.udp_length, &connected));
    answer = TRIED(mio_st_connected_udp_socket_disconnect(connected, &world.udp));
    if (answer < 0)
        OK(mio_st_connected_udp_socket_disconnect(connected, &world.udp));
    return answer;
}

static int64_t connects_unix_datagrams(void)
{
    const struct sockaddr unnamed = {.sa_family = AF_UNIX};
    mio_st_unix_datagram_t a, b;
    struct sockaddr_storage address;
    socklen_t length;
    int64_t answer;

    OK(mio_st_unix_datagram_bind_addr(&a, &unnamed, sizeof unnamed.sa_family));
    OK(mio_st_unix_datagram_bind_addr(&b, &unnamed, sizeof unnamed.sa_family));
    length = (socklen_t)OK(mio_st_unix_datagram_local_addr(b, &address));
    answer = TRIED(mio_st_unix_datagram_connect_addr(a, (struct sockaddr *)&address, length));
    OK(mio_st_unix_datagram_close(a));
    OK(mio_st_unix_datagram_close(b));
    return answer;
}

static int64_t makes_a_unix_pair(void)
{
    mio_st_unix_stream_t a = {0}, b = {0};
    int64_t answer = TRIED(mio_st_unix_stream_pair(&a, &b));

    OK(mio_st_unix_stream_close(a));
    OK(mio_st_unix_stream_close(b));
    return answer;
}

static int64_t makes_a_pipe(void)
{
    mio_st_sender_t sender = {0};
    mio_st_receiver_t receiver = {0};
    int64_t answer = TRIED(mio_st_new_pipe(&sender, &receiver));

    OK(mio_st_sender_close(sender));
    OK(mio_st_receiver_close(receiver));
    return answer;
}

/* Somebody waits, and is there also after an error. */
static int64_t accepts_tcp(void)
{
    mio_st_tcp_stream_t client, server = {0};
    int64_t answer;

    OK(mio_st_tcp_stream_connect_str(&client, world.idle_text));
    OK(poll(&(struct pollfd){.fd = mio_st_tcp_listener_fd(world.idle), .events = POLLIN}, 1, -1));
    answer = TRIED(mio_st_tcp_listener_accept(world.idle, &server, NULL));
    if (answer < 0)
        OK(mio_st_tcp_listener_accept(world.idle, &server, NULL));
    OK(mio_st_tcp_stream_close(server));
    OK(mio_st_tcp_stream_close(client));
    return answer;
}

static int64_t accepts_unix(void)
{
    mio_st_unix_stream_t client, server = {0};
    int64_t answer;

    OK(mio_st_unix_stream_connect_addr(&client, (struct sockaddr *)&world.unix_address, world.unix_length));
    answer = TRIED(mio_st_unix_listener_accept(world.unix_listener, &server, NULL));
    if (answer < 0)
        OK(mio_st_unix_listener_accept(world.unix_listener, &server, NULL));
    OK(mio_st_unix_stream_close(server));
    OK(mio_st_unix_stream_close(client));
    return answer < 0 ? answer : 0;
}

static int64_t accepts_nobody(void)
{
    mio_st_tcp_stream_t server;
    int64_t answer = TRIED(mio_st_tcp_listener_accept(world.idle, &server, NULL));

    return answer;
}

static int64_t accepts_nobody_unix(void)
{
    mio_st_unix_stream_t server;
    int64_t answer = TRIED(mio_st_unix_listener_accept(world.unix_listener, &server, NULL));

    return answer;
}

/* A descriptor that is refused is as it was: blocking, and inherited. */
static int64_t takes(int fd, int64_t (*take)(int fd))
{
    int flags = OK(fcntl(fd, F_GETFL)), of_descriptor = OK(fcntl(fd, F_GETFD));
    int64_t answer = take(fd);

    if (answer < 0) {
        EQUAL(fcntl(fd, F_GETFL), flags);
        EQUAL(fcntl(fd, F_GETFD), of_descriptor);
        OK(close(fd));
    }
    return answer;
}

#define TAKES(kind)                                              \
    static int64_t take_##kind(int fd)                           \
    {                                                            \
        mio_st_##kind##_t handle = {0};                          \
        int64_t answer = TRIED(mio_st_##kind##_from_fd(&handle, fd)); \
                                                                 \
        OK(mio_st_##kind##_close(handle));                       \
        return answer;                                           \
    }

TAKES(tcp_stream)
TAKES(tcp_listener)
TAKES(udp_socket)
TAKES(connected_udp_socket)
TAKES(unix_stream)
TAKES(unix_datagram)
TAKES(unix_listener)
TAKES(sender)
TAKES(receiver)

static int64_t takes_tcp_stream(void)
{
    return takes(OK(socket(AF_INET, SOCK_STREAM, 0)), take_tcp_stream);
}

static int64_t takes_tcp_listener(void)
{
    int fd = OK(socket(AF_INET, SOCK_STREAM, 0));

    OK(listen(fd, 1));
    return takes(fd, take_tcp_listener);
}

static int64_t takes_udp_socket(void)
{
    return takes(OK(socket(AF_INET, SOCK_DGRAM, 0)), take_udp_socket);
}

static int64_t takes_connected_udp_socket(void)
{
    int fd = OK(socket(AF_INET, SOCK_DGRAM, 0));

    OK(connect(fd, (struct sockaddr *)&world.udp_address, world.udp_length));
    return takes(fd, take_connected_udp_socket);
}

static int64_t takes_unix_stream(void)
{
    return takes(OK(socket(AF_UNIX, SOCK_STREAM, 0)), take_unix_stream);
}

static int64_t takes_unix_datagram(void)
{
    return takes(OK(socket(AF_UNIX, SOCK_DGRAM, 0)), take_unix_datagram);
}

static int64_t takes_unix_listener(void)
{
    const struct sockaddr unnamed = {.sa_family = AF_UNIX};
    int fd = OK(socket(AF_UNIX, SOCK_STREAM, 0));

    OK(bind(fd, &unnamed, sizeof unnamed.sa_family));
    OK(listen(fd, 1));
    return takes(fd, take_unix_listener);
}

static int64_t takes_an_end_of_a_pipe(int end, int64_t (*take)(int fd))
{
    int fds[2];
    int64_t answer;

    OK(pipe(fds));
    answer = takes(fds[end], take);
    OK(close(fds[1 - end]));
    return answer;
}

static int64_t takes_sender(void)
{
    return takes_an_end_of_a_pipe(1, take_sender);
}

static int64_t takes_receiver(void)
{
    return takes_an_end_of_a_pipe(0, take_receiver);
}

static int64_t is_connected(void)
{
    return TRIED(mio_st_tcp_stream_connected(world.client));
}

static int64_t is_connected_unix(void)
{
    return TRIED(mio_st_unix_stream_connected(world.unix_client));
}

static int64_t sets_hops(void)
{
    return TRIED(mio_st_tcp_stream_set_ttl(world.client, 64));
}

static int64_t gets_hops(void)
{
    return TRIED(mio_st_tcp_stream_ttl(world.client)) == 64 ? 64 : watch.call ? -watch.with : 0;
}

static int64_t clones(void)
{
    mio_st_tcp_stream_t clone = {0};
    int64_t answer = TRIED(mio_st_tcp_stream_try_clone(&clone, world.client));

    OK(mio_st_tcp_stream_close(clone));
    return answer;
}

static int64_t writes(void)
{
    char byte;
    int64_t answer = TRIED(mio_st_tcp_stream_write(world.client, "x", 1));

    if (answer == 1) {
        OK(poll(&(struct pollfd){.fd = mio_st_tcp_stream_fd(world.server), .events = POLLIN}, 1, -1));
        EQUAL(mio_st_tcp_stream_read(world.server, &byte, 1), 1);
    }
    return answer;
}

static int64_t reads(void)
{
    char byte;
    int64_t answer;

    EQUAL(mio_st_unix_stream_write(world.unix_client, "x", 1), 1);
    answer = TRIED(mio_st_unix_stream_read(world.unix_server, &byte, 1));
    if (answer < 0)
        EQUAL(mio_st_unix_stream_read(world.unix_server, &byte, 1), 1);
    return answer;
}

/* A batch is several calls. What was sent before one is refused was sent; of what was received likewise. */
static int64_t sends_and_receives(int receives)
{
    static mio_st_datagram_t batch[64];
    static char memory[64];
    int64_t answer, count = 0, more;

    for (int i = 0; i < 64; i++) {
        batch[i] = (mio_st_datagram_t){.buffer = &memory[i], .capacity = 1, .length = 1};
        batch[i].address = world.batch_address;
        batch[i].address_length = world.batch_length;
    }
    if (receives)
        EQUAL(mio_st_udp_socket_send_batch(world.batch, batch, 64), 64);
    answer = receives ? TRIED(mio_st_udp_socket_recv_batch(world.batch, batch, 64))
                      : TRIED(mio_st_udp_socket_send_batch(world.batch, batch, 64));
    while ((more = mio_st_udp_socket_recv_batch(world.batch, batch, 64)) != -EAGAIN) {
        if (more < 0)
            EQUAL(more, -watch.with); /* what the last one did not say */
        count += more > 0 ? more : 0;
    }
    if (receives)
        EQUAL((answer > 0 ? answer : 0) + count, 64);
    else
        EQUAL(count, answer > 0 ? answer : 0);
    return answer;
}

static int64_t sends_a_batch(void)
{
    return sends_and_receives(0);
}

static int64_t receives_a_batch(void)
{
    return sends_and_receives(1);
}

static int64_t receives_signals(void)
{
    int64_t answer;

    OK(raise(SIGURG));
    answer = TRIED(mio_st_signals_receive(world.signals));
    if (answer < 0)
        EQUAL(mio_st_signals_receive(world.signals), SIGURG);
    return answer;
}

static int64_t makes_signals(void)
{
    const int numbers[] = {SIGURG, SIGWINCH};
    mio_st_signals_t signals = {0};
    int64_t answer = TRIED(mio_st_signals_new(&signals, numbers, 2));
    struct sigaction action;

    OK(mio_st_signals_close(signals));
    OK(sigaction(SIGWINCH, NULL, &action));
    EQUAL(action.sa_handler == SIG_DFL, 1);
    OK(sigaction(SIGURG, NULL, &action));
    EQUAL(action.sa_handler == SIG_DFL, 0);
    return answer;
}

static const struct operation {
    const char *name;
    int64_t (*run)(void);
    int keeps_errno; /* when it succeeds */
} operations[] = {
#define ROW(operation) {#operation, operation, 0}
#define KEEPS(operation) {#operation, operation, 1}
    KEEPS(makes_a_poller), KEEPS(makes_an_awakener), KEEPS(waits), KEEPS(waits_for_ever), KEEPS(registers),
    KEEPS(deregisters), KEEPS(watches), KEEPS(ends_what_is_not_watched), KEEPS(closes_what_is_registered),
    KEEPS(closes_what_was_registered),
    /* Without waiting: what it is refused here no kernel refuses. */
    ROW(polls), ROW(binds_tcp), ROW(binds_unix), ROW(binds_udp), ROW(connects_tcp),
    ROW(connects_unix), ROW(connects_udp), ROW(disconnects_udp), ROW(connects_unix_datagrams),
    ROW(makes_a_unix_pair), ROW(makes_a_pipe), ROW(accepts_tcp), ROW(accepts_unix), ROW(accepts_nobody),
    ROW(accepts_nobody_unix), ROW(takes_tcp_stream), ROW(takes_tcp_listener), ROW(takes_udp_socket),
    ROW(takes_connected_udp_socket), ROW(takes_unix_stream), ROW(takes_unix_datagram), ROW(takes_unix_listener),
    ROW(takes_sender), ROW(takes_receiver), ROW(is_connected), ROW(is_connected_unix), ROW(sets_hops),
    ROW(gets_hops), ROW(clones), ROW(writes), ROW(reads), ROW(sends_a_batch), ROW(receives_a_batch),
    ROW(receives_signals), ROW(makes_signals),
};

static const int errnos[] = {
    EPERM, ENOENT, EINTR, EIO, EBADF, EAGAIN, ENOMEM, EACCES, EEXIST, ENODEV, EINVAL, ENFILE, EMFILE, ENOSPC, EPIPE,
    ENOSYS, ELOOP, EPROTO, EPROTOTYPE, EOPNOTSUPP, EAFNOSUPPORT, EADDRINUSE, EADDRNOTAVAIL, ENETUNREACH, ECONNABORTED,
    ECONNRESET, ENOBUFS, EISCONN, ENOTCONN, ETIMEDOUT, ECONNREFUSED, EINPROGRESS,
};

enum { ANY = 0, AS_EVER = 1 << 20 };

/* What is not the errno: AS_EVER is what the operation answers when nothing fails. */
static const struct {
    int64_t (*operation)(void);
    const char *call;
    int number, with;
    int64_t answer;
} exceptions[] = {
    /* It tries again, since it may have been a signal; see below. */
    {polls, "epoll_wait", 1, ANY, AS_EVER},
    {waits_for_ever, "epoll_wait", 1, ANY, AS_EVER},
    {waits, "epoll_wait", ANY, EINTR, AS_EVER},
    /* It takes the other one. */
    {waits, "syscall", ANY, ANY, AS_EVER},
    /* It is registered: it is asked for again. Or the other way round. */
    {watches, "epoll_ctl", 1, EEXIST, AS_EVER},
    {ends_what_is_not_watched, "epoll_ctl", ANY, ENOENT, AS_EVER},
    /* It is closed, whatever is said of its registration. */
    {closes_what_is_registered, "epoll_ctl", ANY, ANY, AS_EVER},
    {closes_what_was_registered, "epoll_ctl", ANY, ANY, AS_EVER},
    /* A connection is being made. */
    {connects_tcp, "connect", ANY, EINPROGRESS, AS_EVER},
    {connects_tcp, "connect", ANY, EINTR, AS_EVER},
    /* Skipped. */
    {accepts_tcp, "accept4", ANY, EINTR, AS_EVER},
    {accepts_tcp, "accept4", ANY, ECONNABORTED, AS_EVER},
    {accepts_unix, "accept4", ANY, EINTR, AS_EVER},
    {accepts_unix, "accept4", ANY, ECONNABORTED, AS_EVER},
    {accepts_nobody, "accept4", ANY, EINTR, AS_EVER},
    {accepts_nobody, "accept4", ANY, ECONNABORTED, AS_EVER},
    {accepts_nobody_unix, "accept4", ANY, EINTR, AS_EVER},
    {accepts_nobody_unix, "accept4", ANY, ECONNABORTED, AS_EVER},
    /* Nobody waits. */
    {accepts_nobody, "accept4", ANY, EMFILE, AS_EVER},
    {accepts_nobody, "accept4", ANY, ENFILE, AS_EVER},
    {accepts_nobody_unix, "accept4", ANY, EMFILE, AS_EVER},
    {accepts_nobody_unix, "accept4", ANY, ENFILE, AS_EVER},
    /* No peer: but it can be written to. */
    {is_connected, "getpeername", ANY, ENOTCONN, AS_EVER},
    {is_connected, "getpeername", ANY, EINVAL, AS_EVER},
    {is_connected_unix, "getpeername", ANY, ENOTCONN, AS_EVER},
    {is_connected_unix, "getpeername", ANY, EINVAL, AS_EVER},
    /* That is what it should be. */
    {takes_udp_socket, "getpeername", ANY, ENOTCONN, AS_EVER},
    /* The rest of a batch waits for the next one. */
    {sends_a_batch, "sendmmsg", 2, ANY, 28},
    {sends_a_batch, "sendmmsg", 3, ANY, 56},
    {receives_a_batch, "recvmmsg", 2, ANY, 28},
    {receives_a_batch, "recvmmsg", 3, ANY, 56},
};

static int64_t expected(const struct operation *operation, int64_t as_ever)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        if (exceptions[i].operation != operation->run || strcmp(exceptions[i].call, watch.call) != 0)
            continue;
        if (exceptions[i].number != ANY && exceptions[i].number != watch.number)
            continue;
        if (exceptions[i].with == ANY || exceptions[i].with == watch.with)
            return exceptions[i].answer == AS_EVER ? as_ever : exceptions[i].answer;
    }
    return -watch.with;
}

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static int64_t run(const struct operation *operation)
{
    int64_t answer;

    watch.count = 0;
    answer = operation->run();
    if (operation->keeps_errno && answer >= 0)
        EQUAL(watch.left, UNTOUCHED);
    return answer;
}

static int refuse_each(const struct operation *operation)
{
    const int64_t as_ever = run(operation);
    const char *made[MOST_CALLS];
    const int count = watch.count;
    const size_t live = mio_st_live_handles();
    const int open = open_descriptors();
    int tries = 0;
    char row[128];

    memcpy(made, watch.made, sizeof made);
    test_row = row;
    for (int i = 0; i < count; i++) {
        watch.number = 1;
        for (int j = 0; j < i; j++)
            watch.number += strcmp(made[j], made[i]) == 0;
        for (size_t e = 0; e < sizeof errnos / sizeof errnos[0]; e++, tries++) {
            watch.call = made[i];
            watch.with = errnos[e];
            snprintf(row, sizeof row, "%s, %s %d, %s", operation->name, watch.call, watch.number,
                     mio_st_err_name(-watch.with));
            EQUAL(run(operation), expected(operation, as_ever));
            watch.call = NULL;
            EQUAL(mio_st_live_handles(), live);
            EQUAL(open_descriptors(), open);
            EQUAL(run(operation), as_ever);
        }
    }
    test_row = "";
    return tries;
}

static void a_poll_that_always_fails_says_so(void)
{
    mio_st_event_t event;

    watch.count = 0;
    watch.call = "epoll_wait";
    watch.number = FOR_EVER;
    watch.with = EIO;
    EQUAL(TRIED(mio_st_poller_poll(world.poller, &event, 1, 0)), -EIO);
    watch.call = NULL;
}

/* What goes on inside of a call has an end. */
static void an_accept_that_is_always_aborted_ends(void)
{
    mio_st_tcp_stream_t server;

    watch.count = 0;
    watch.call = "accept4";
    watch.number = FOR_EVER;
    watch.with = ECONNABORTED;
    EQUAL(TRIED(mio_st_tcp_listener_accept(world.idle, &server, NULL)), -ECONNABORTED);
    watch.call = NULL;
}

int main(void)
{
    int tries = 0;

    make_world();
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        tries += refuse_each(&operations[i]);
    a_poll_that_always_fails_says_so();
    an_accept_that_is_always_aborted_ends();
    printf("%d refusals of %d operations\n", tries, (int)(sizeof operations / sizeof operations[0]));
    return 0;
}
