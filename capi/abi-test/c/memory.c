/* Behaviour 17: with the n-th allocation failing, for every n, each call answers -ENOMEM or succeeds, nothing
 * aborts and nothing is lost. Linked with `-Wl,--wrap=malloc` and its kin. And in steady state nothing is
 * allocated. */

#include <netinet/in.h>
#include <signal.h>
#include <sys/wait.h>

#include "test.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);

static long allocations, failing = -1;

static int fails(void)
{
    return ++allocations == failing;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    return fails() ? ENOMEM : __real_posix_memalign(memory, alignment, size);
}

/* Repeats a call that fails for want of memory. */
#define AGAIN(call)                          \
    do {                                     \
        int answer_ = (call);                \
        if (answer_ == -ENOMEM)              \
            answer_ = (call);                \
        ok(__FILE__, __LINE__, #call, answer_); \
    } while (0)

enum { MANY = 70 };

static void work(void)
{
    static mio_st_awakener_t awakeners[MANY];
    static mio_st_registrar_t registrars[MANY];
    static mio_st_tcp_listener_t listeners[MANY];
    mio_st_detached_t detached;
    char text[MIO_ST_ADDR_TEXT_SIZE];
    struct sockaddr_storage address;
    mio_st_poller_t poller, other;
    mio_st_tcp_stream_t client, server;
    mio_st_deadline_key_t key;
    mio_st_event_t event;

    AGAIN(mio_st_poller_with_capacity(&other, 3, 3));
    AGAIN(mio_st_poller_new(&poller));
    for (int i = 0; i < MANY; i++) {
        AGAIN(mio_st_tcp_listener_bind_str(&listeners[i], "127.0.0.1:0"));
        AGAIN(mio_st_awakener_new(&awakeners[i], poller, 1));
        AGAIN(mio_st_registrar_new(&registrars[i], poller));
        AGAIN(mio_st_registrar_notify(registrars[i], 1, MIO_ST_READABLE));
        AGAIN(mio_st_poller_notify(poller, 2, MIO_ST_READABLE));
        AGAIN(mio_st_poller_add_timeout(poller, 3, 1000000000000, &key));
        AGAIN(mio_st_poller_add_interval(poller, 4, 1000000000000, 1, NULL));
        AGAIN(mio_st_poller_register_tcp_listener(poller, listeners[i], 5, MIO_ST_READABLE, MIO_ST_EDGE));
        AGAIN(mio_st_poller_register_tcp_listener(other, listeners[i], 5, MIO_ST_READABLE, MIO_ST_EDGE));
    }
    AGAIN(mio_st_tcp_listener_detach(listeners[0], &detached));
    AGAIN(mio_st_tcp_listener_attach(&listeners[0], detached));
    AGAIN(mio_st_poller_detach(poller, &detached));
    AGAIN(mio_st_poller_attach(&poller, detached));
    EQUAL(mio_st_poller_cancel_deadline(poller, key), 1);
    EQUAL(mio_st_addr_parse("127.0.0.1:1", &address), sizeof(struct sockaddr_in));
    EQUAL(mio_st_tcp_listener_bind(&listeners[0], (struct sockaddr *)&address, 7), -EINVAL);
    EQUAL(mio_st_tcp_listener_local_addr(listeners[1], &address), sizeof(struct sockaddr_in));
    EQUAL(mio_st_addr_format((struct sockaddr *)&address, sizeof(struct sockaddr_in), text, 5), -ENOSPC);
    AGAIN(mio_st_tcp_stream_connect(&client, (struct sockaddr *)&address, sizeof(struct sockaddr_in)));
    while (mio_st_tcp_stream_connected(client) != 1)
        continue;
    AGAIN(mio_st_tcp_listener_accept(listeners[1], &server, NULL));
    OK(mio_st_tcp_stream_close(client));
    EQUAL(mio_st_poller_poll(poller, &event, 0, -1), -EINVAL);
    EQUAL(mio_st_tcp_listener_into_fd(listeners[0]), -EBUSY);
    OK(mio_st_tcp_stream_close(server));
    for (int i = 0; i < MANY; i++) {
        OK(mio_st_poller_poll(poller, &event, 1, 0));
        OK(mio_st_awakener_close(awakeners[i]));
        OK(mio_st_registrar_close(registrars[i]));
        OK(mio_st_tcp_listener_close(listeners[i]));
    }
    OK(mio_st_poller_close(poller));
    OK(mio_st_poller_close(other));
    EQUAL(mio_st_live_handles(), 0);
}

/* Also what is refused, since a text for an error would take memory. */
static void work_with_the_others(void)
{
    static mio_st_sender_t senders[MANY];
    static mio_st_receiver_t receivers[MANY];
    static char long_path[1000];
    const int numbers[] = {SIGUSR1}, kill_number[] = {SIGKILL};
    const struct sockaddr unnamed = {.sa_family = AF_UNIX};
    mio_st_socket_options_t options = {.size = sizeof options, .recv_buffer_size = SIZE_MAX};
    mio_st_keepalive_t keepalive = {UINT32_MAX, 0, 0};
    mio_st_unix_stream_t a, b;
    mio_st_unix_datagram_t c, d;
    mio_st_unix_listener_t unix_listener;
    mio_st_udp_socket_t udp;
    mio_st_connected_udp_socket_t connected;
    mio_st_signals_t signals;
    mio_st_tcp_stream_t stream;
    struct sockaddr_storage address;
    socklen_t length;
    char byte = 0;

    memset(long_path, 'x', sizeof long_path - 1);
    for (int i = 0; i < MANY; i++)
        AGAIN(mio_st_new_pipe(&senders[i], &receivers[i]));
    AGAIN(mio_st_unix_stream_pair(&a, &b));
    AGAIN(mio_st_unix_datagram_pair(&c, &d));
    AGAIN(mio_st_unix_listener_bind_addr(&unix_listener, &unnamed, sizeof unnamed.sa_family));
    EQUAL(mio_st_unix_listener_bind(&unix_listener, long_path), -ENAMETOOLONG);
    EQUAL(mio_st_unix_stream_connect(&a, ""), -EINVAL);
    EQUAL(mio_st_unix_listener_accept(unix_listener, &a, NULL), -EAGAIN);
    EQUAL(mio_st_unix_datagram_recv_from(c, &byte, 1, &address, &length), -EAGAIN);
    AGAIN(mio_st_signals_new(&signals, numbers, 1));
    EQUAL(mio_st_signals_new(&signals, kill_number, 1), -EINVAL);
    EQUAL(mio_st_signals_receive(signals), -EAGAIN);
    AGAIN(mio_st_udp_socket_bind_str(&udp, "127.0.0.1:0"));
    length = (socklen_t)OK(mio_st_udp_socket_local_addr(udp, &address));
    EQUAL(mio_st_udp_socket_bind_with(&udp, (struct sockaddr *)&address, length, &options), -EINVAL);
    EQUAL(mio_st_udp_socket_set_multicast_hops_v6(udp, UINT32_MAX), -EINVAL);
    AGAIN(mio_st_udp_socket_connect(udp, (struct sockaddr *)&address, length, &connected));
    EQUAL(mio_st_connected_udp_socket_send(connected, &byte, 1), 1);
    AGAIN(mio_st_connected_udp_socket_disconnect(connected, &udp));
    AGAIN(mio_st_tcp_stream_connect(&stream, (struct sockaddr *)&address, length));
    EQUAL(mio_st_tcp_stream_set_keepalive(stream, &keepalive), -EINVAL);
    OK(mio_st_tcp_stream_close(stream));
    OK(mio_st_udp_socket_close(udp));
    OK(mio_st_signals_close(signals));
    OK(mio_st_unix_listener_close(unix_listener));
    OK(mio_st_unix_datagram_close(c));
    OK(mio_st_unix_datagram_close(d));
    OK(mio_st_unix_stream_close(a));
    OK(mio_st_unix_stream_close(b));
    for (int i = 0; i < MANY; i++) {
        OK(mio_st_sender_close(senders[i]));
        OK(mio_st_receiver_close(receivers[i]));
    }
    EQUAL(mio_st_live_handles(), 0);
}

/* There are 4095 numbers for threads. */
static void a_thread_whose_table_finds_no_memory_gives_its_number_back(void)
{
    mio_st_poller_t poller;

    for (int i = 0; i < 5000; i++) {
        failing = allocations + 1;
        EQUAL(mio_st_poller_new(&poller), -ENOMEM);
    }
    failing = -1;
    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_close(poller));
}

/* The slot is reserved first: a connection that finds no memory still waits. */
static void a_connection_is_not_lost_for_want_of_memory(void)
{
    enum { CONNECTIONS = 40 };
    static mio_st_tcp_stream_t clients[CONNECTIONS], servers[CONNECTIONS];
    char text[MIO_ST_ADDR_TEXT_SIZE];
    mio_st_tcp_listener_t listener = test_listener(text);
    int failures = 0;

    for (int i = 0; i < CONNECTIONS; i++) {
        int answer;

        OK(mio_st_tcp_stream_connect_str(&clients[i], text));
        while (mio_st_tcp_stream_connected(clients[i]) != 1)
            continue;
        failing = allocations + 1;
        answer = mio_st_tcp_listener_accept(listener, &servers[i], NULL);
        failing = -1;
        if (answer == -ENOMEM) {
            failures++;
            answer = mio_st_tcp_listener_accept(listener, &servers[i], NULL);
        }
        OK(answer);
    }
    EQUAL(failures > 2, 1);
    for (int i = 0; i < CONNECTIONS; i++) {
        OK(mio_st_tcp_stream_close(clients[i]));
        OK(mio_st_tcp_stream_close(servers[i]));
    }
    OK(mio_st_tcp_listener_close(listener));
}

/* What a server does all day: connections come, talk and go, datagrams, deadlines, notifications, wakes. */
struct server {
    mio_st_poller_t poller;
    mio_st_tcp_listener_t listener;
    mio_st_udp_socket_t udp;
    mio_st_awakener_t awakener;
    mio_st_sender_t sender;
    mio_st_receiver_t receiver;
    mio_st_signals_t signals;
    mio_st_datagram_t batch[2];
    char text[MIO_ST_ADDR_TEXT_SIZE], byte;
};

static void open_server(struct server *server)
{
    const int numbers[] = {SIGURG};
    mio_st_datagram_t datagram = {.buffer = &server->byte, .capacity = 0};

    OK(mio_st_poller_new(&server->poller));
    server->listener = test_listener(server->text);
    OK(mio_st_poller_register_tcp_listener(server->poller, server->listener, 0, MIO_ST_READABLE, MIO_ST_EDGE));
    OK(mio_st_udp_socket_bind_str(&server->udp, "127.0.0.1:0"));
    datagram.address_length = (socklen_t)OK(mio_st_udp_socket_local_addr(server->udp, &datagram.address));
    server->batch[0] = server->batch[1] = datagram;
    OK(mio_st_awakener_new(&server->awakener, server->poller, 1));
    OK(mio_st_new_pipe(&server->sender, &server->receiver));
    OK(mio_st_signals_new(&server->signals, numbers, 1));
}

static void close_server(struct server *server)
{
    OK(mio_st_signals_close(server->signals));
    OK(mio_st_sender_close(server->sender));
    OK(mio_st_receiver_close(server->receiver));
    OK(mio_st_awakener_close(server->awakener));
    OK(mio_st_udp_socket_close(server->udp));
    OK(mio_st_tcp_listener_close(server->listener));
    OK(mio_st_poller_close(server->poller));
}

static void serve_a_connection(struct server *server)
{
    mio_st_event_t events[8];
    mio_st_tcp_stream_t client, stream;
    struct iovec buffers[2] = {{server->text, 1}, {&server->byte, 1}};
    char data[4];

    OK(mio_st_tcp_stream_connect_str(&client, server->text));
    stream = test_accept(server->poller, server->listener);
    OK(mio_st_poller_register_tcp_stream(server->poller, stream, 2, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_tcp_stream_read(stream, data, sizeof data), -EAGAIN);
    EQUAL(mio_st_tcp_stream_writev(client, buffers, 2), 2);
    EQUAL(mio_st_poller_poll(server->poller, events, 8, LONG), 1);
    EQUAL(mio_st_tcp_stream_read(stream, data, sizeof data), 2);
    EQUAL(mio_st_tcp_stream_write(stream, data, 2), 2);
    OK(mio_st_poller_reregister_tcp_stream(server->poller, stream, 2, MIO_ST_READABLE, MIO_ST_ONESHOT));
    OK(mio_st_tcp_stream_close(client));
    EQUAL(mio_st_poller_poll(server->poller, events, 8, LONG), 1);
    OK(mio_st_tcp_stream_close(stream));
    EQUAL(mio_st_tcp_stream_read(stream, data, sizeof data), -EBADF);
}

static void serve_others(struct server *server)
{
    struct sockaddr_storage *address = &server->batch[0].address;
    socklen_t length = server->batch[0].address_length;
    mio_st_connected_udp_socket_t connected;
    mio_st_unix_stream_t one, other;
    char text[MIO_ST_ADDR_TEXT_SIZE], data[4];

    OK(mio_st_unix_stream_pair(&one, &other));
    EQUAL(mio_st_unix_stream_write(one, "ab", 2), 2);
    EQUAL(mio_st_unix_stream_read(other, data, sizeof data), 2);
    OK(mio_st_unix_stream_close(one));
    EQUAL(mio_st_unix_stream_write(other, "ab", 2), -EPIPE);
    OK(mio_st_unix_stream_close(other));
    EQUAL(mio_st_sender_write(server->sender, "ab", 2), 2);
    EQUAL(mio_st_receiver_read(server->receiver, data, sizeof data), 2);
    EQUAL(mio_st_udp_socket_send_batch(server->udp, server->batch, 2), 2);
    EQUAL(mio_st_udp_socket_recv_batch(server->udp, server->batch, 2), 2);
    OK(mio_st_udp_socket_connect(server->udp, (struct sockaddr *)address, length, &connected));
    OK(mio_st_connected_udp_socket_disconnect(connected, &server->udp));
    EQUAL(mio_st_udp_socket_recv_from(server->udp, data, sizeof data, NULL, NULL), -EAGAIN);
    OK(mio_st_addr_format((struct sockaddr *)address, length, text, sizeof text));
    EQUAL(mio_st_addr_parse(text, address), length);
    EQUAL(mio_st_addr_parse("nonsense", address), -EINVAL);
    OK(kill(getpid(), SIGURG));
    EQUAL(mio_st_signals_receive(server->signals), SIGURG);
}

static void hand_over(struct server *server)
{
    mio_st_detached_t detached;

    OK(mio_st_tcp_listener_detach(server->listener, &detached));
    OK(mio_st_tcp_listener_attach(&server->listener, detached));
    OK(mio_st_poller_detach(server->poller, &detached));
    OK(mio_st_poller_attach(&server->poller, detached));
}

static void wait_for_deadlines_and_others(struct server *server)
{
    mio_st_deadline_key_t key, moved;
    mio_st_event_t events[8];
    int64_t wakeup;
    int count = 0;

    OK(mio_st_poller_add_timeout(server->poller, 3, SECONDS(1000), &key));
    OK(mio_st_poller_add_timeout(server->poller, 4, SECONDS(1000), &moved));
    EQUAL(mio_st_poller_move_deadline(server->poller, moved, 0), 1);
    OK(mio_st_poller_add_interval(server->poller, 5, SECONDS(1000), 1, NULL));
    OK(mio_st_poller_notify(server->poller, 6, MIO_ST_READABLE));
    OK(mio_st_awakener_wake(server->awakener));
    OK(mio_st_poller_next_wakeup(server->poller, &wakeup));
    while (count < 3)
        count += OK(mio_st_poller_poll(server->poller, events, 8, LONG));
    EQUAL(mio_st_poller_poll(server->poller, events, 8, 1), 0);
    EQUAL(mio_st_poller_cancel_deadline(server->poller, key), 1);
    EQUAL(mio_st_poller_remove_deadline(server->poller, 5), 1);
}

static void nothing_is_allocated_in_steady_state(void)
{
    struct server server = {.byte = 'x'};
    long before = 0;

    open_server(&server);
    for (int round = 0; round < 300; round++) {
        if (round == 100)
            before = allocations;
        serve_a_connection(&server);
        serve_others(&server);
        hand_over(&server);
        wait_for_deadlines_and_others(&server);
    }
    EQUAL(allocations - before, 0);
    /* The count is true: more than there ever were need room. */
    for (uint64_t id = 0; id < 1000; id++)
        OK(mio_st_poller_notify(server.poller, id, MIO_ST_READABLE));
    EQUAL(allocations > before, 1);
    close_server(&server);
}

int main(void)
{
    long count;

    for (long n = 1;; n += getenv("UNDER_VALGRIND") ? 16 : 1) {
        int status;
        pid_t child;

        fflush(NULL);
        child = OK(fork());
        if (child == 0) {
            failing = n;
            work();
            work_with_the_others();
            _exit(allocations < n ? 2 : 0);
        }
        OK(waitpid(child, &status, 0));
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
            count = n;
            break;
        }
        if (status != 0)
            fprintf(stderr, "allocation %ld\n", n);
        EQUAL(status, 0);
    }
    printf("fewer than %ld allocations\n", count);
    EQUAL(count > 10, 1);
    a_thread_whose_table_finds_no_memory_gives_its_number_back();
    a_connection_is_not_lost_for_want_of_memory();
    nothing_is_allocated_in_steady_state();
    return 0;
}
