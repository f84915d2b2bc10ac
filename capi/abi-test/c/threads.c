/* Behaviour 34: a handle is its thread's; a descriptor moves from one thread to another. */

#include <pthread.h>

#include "kinds.h"

/* Runs a function on another thread to its end. */
static void on_a_thread(void *(*body)(void *), void *argument)
{
    pthread_t thread;

    OK(-pthread_create(&thread, NULL, body, argument));
    OK(-pthread_join(thread, NULL));
}

/* A handle of some kind, or the descriptor that was in it. */
struct given {
    const struct kind *kind;
    uint64_t bits;
    int fd;
};

/* --- The wrong thread ---------------------------------------------------------------------------- */

/* Every call is refused, before and after this thread has handles of its own. */
static void *use_a_handle_of_another_thread(void *argument)
{
    const struct given *given = argument;
    const struct kind *kind = given->kind;
    mio_st_poller_t own = {0};
    uint64_t clone = 77;
    int error = 77;
    char byte;

    for (int times = 0; times < 2; times++) {
        EQUAL(kind->close(given->bits), MIO_ST_EWRONGTHREAD);
        if (kind->fd)
            EQUAL(kind->fd(given->bits), MIO_ST_EWRONGTHREAD);
        if (kind->into_fd)
            EQUAL(kind->into_fd(given->bits), MIO_ST_EWRONGTHREAD);
        if (kind->try_clone)
            EQUAL(kind->try_clone(&clone, given->bits), MIO_ST_EWRONGTHREAD);
        if (kind->take_error)
            EQUAL(kind->take_error(given->bits, &error), MIO_ST_EWRONGTHREAD);
        if (kind->read)
            EQUAL(kind->read(given->bits, &byte, 1), MIO_ST_EWRONGTHREAD);
        if (kind->write)
            EQUAL(kind->write(given->bits, "x", 1), MIO_ST_EWRONGTHREAD);
        if (times == 0)
            OK(mio_st_poller_new(&own));
        if (kind->enlist) {
            EQUAL(kind->enlist(own, given->bits, 1, kind->interests, MIO_ST_EDGE), MIO_ST_EWRONGTHREAD);
            EQUAL(kind->reenlist(own, given->bits, 1, kind->interests, MIO_ST_EDGE),
                  MIO_ST_EWRONGTHREAD);
            EQUAL(kind->delist(own, given->bits), MIO_ST_EWRONGTHREAD);
        }
    }
    EQUAL(clone == 77 && error == 77, 1);
    OK(mio_st_poller_close(own));
    return NULL;
}

/* An open handle, and one that was closed. */
static void a_handle_on_another_thread_is_refused(const struct kind *kind)
{
    struct given given = {.kind = kind};
    struct made made = kind->make();

    given.bits = made.bits;
    on_a_thread(use_a_handle_of_another_thread, &given);
    if (kind->fd)
        EQUAL(kind->fd(given.bits) >= 0, 1);
    unmake(kind, made);
    on_a_thread(use_a_handle_of_another_thread, &given);
}

static void *use_a_poller_of_another_thread(void *argument)
{
    mio_st_poller_t poller = *(mio_st_poller_t *)argument;
    mio_st_deadline_key_t key = {0, 0};
    mio_st_awakener_t awakener;
    mio_st_event_t event;
    uint64_t now;

    EQUAL(mio_st_poller_poll(poller, &event, 1, 0), MIO_ST_EWRONGTHREAD);
    EQUAL(mio_st_poller_poll_userspace(poller, &event, 1), MIO_ST_EWRONGTHREAD);
    EQUAL(mio_st_poller_notify(poller, 1, R), MIO_ST_EWRONGTHREAD);
    EQUAL(mio_st_poller_add_timeout(poller, 1, 0, &key), MIO_ST_EWRONGTHREAD);
    EQUAL(mio_st_poller_cancel_deadline(poller, key), MIO_ST_EWRONGTHREAD);
    EQUAL(mio_st_poller_register_fd(poller, 0, 1, R, MIO_ST_LEVEL), MIO_ST_EWRONGTHREAD);
    EQUAL(mio_st_poller_now(poller, &now), MIO_ST_EWRONGTHREAD);
    EQUAL(mio_st_awakener_new(&awakener, poller, 1), MIO_ST_EWRONGTHREAD);
    FOR_EACH_KIND(kind) {
        struct made made;

        if (!kind->enlist)
            continue;
        made = kind->make();
        EQUAL(kind->enlist(poller, made.bits, 1, kind->interests, MIO_ST_EDGE), MIO_ST_EWRONGTHREAD);
        EQUAL(kind->reenlist(poller, made.bits, 1, kind->interests, MIO_ST_EDGE), MIO_ST_EWRONGTHREAD);
        EQUAL(kind->delist(poller, made.bits), MIO_ST_EWRONGTHREAD);
        unmake(kind, made);
    }
    return NULL;
}

/* --- From one thread to another ------------------------------------------------------------------ */

static void *take_a_descriptor(void *argument)
{
    struct given *given = argument;
    mio_st_poller_t poller;

    OK(given->kind->from_fd(&given->bits, given->fd));
    EQUAL(given->kind->fd(given->bits), given->fd);
    OK(mio_st_poller_new(&poller));
    OK(given->kind->enlist(poller, given->bits, 1, given->kind->interests, MIO_ST_EDGE));
    OK(mio_st_poller_close(poller));
    given->fd = OK(given->kind->into_fd(given->bits));
    return NULL;
}

static void a_descriptor_moves_to_another_thread_and_back(const struct kind *kind)
{
    struct given given = {.kind = kind};
    struct made made = kind->make();

    given.fd = OK(kind->into_fd(made.bits));
    on_a_thread(take_a_descriptor, &given);
    EQUAL(kind->fd(given.bits), MIO_ST_EWRONGTHREAD);
    OK(kind->from_fd(&made.bits, given.fd));
    EQUAL(kind->fd(made.bits), given.fd);
    unmake(kind, made);
}

/* --- A server: one thread accepts, others serve -------------------------------------------------- */

enum { WORKERS = 2, CONNECTIONS = 20, MESSAGE = 0, FINISH = -1 };

struct worker {
    pthread_t thread;
    mio_st_poller_t poller;
    mio_st_awakener_t awakener;
    int started[2];
    /* The descriptors of connections come here. */
    int queue[2];
    int served;
};

/* Echoes until the peer has ended; whether it has. */
static int serve(mio_st_tcp_stream_t stream)
{
    char data[64];
    int64_t count;

    while ((count = mio_st_tcp_stream_read(stream, data, sizeof data)) > 0)
        EQUAL(mio_st_tcp_stream_write(stream, data, (size_t)count), count);
    if (count == -EAGAIN)
        return 0;
    OK(count);
    OK(mio_st_tcp_stream_close(stream));
    return 1;
}

/* Takes the connections that wait; whether there will be more. */
static int take_connections(struct worker *worker, int *open)
{
    for (;;) {
        mio_st_tcp_stream_t stream;
        int fd;

        if (read(worker->queue[0], &fd, sizeof fd) < 0)
            return 1;
        if (fd == FINISH)
            return 0;
        OK(mio_st_tcp_stream_from_fd(&stream, fd));
        OK(mio_st_poller_register_tcp_stream(worker->poller, stream, stream.bits, R, MIO_ST_EDGE));
        ++*open;
        worker->served++;
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    mio_st_event_t events[4];
    int open = 0, more = 1;

    OK(mio_st_poller_new(&worker->poller));
    OK(mio_st_awakener_new(&worker->awakener, worker->poller, MESSAGE));
    EQUAL(write(worker->started[1], "x", 1), 1);
    while (more || open > 0) {
        int count = OK(mio_st_poller_poll(worker->poller, events, 4, LONG));

        EQUAL(count > 0, 1);
        for (int i = 0; i < count; i++) {
            if (events[i].id == MESSAGE)
                more = take_connections(worker, &open);
            else
                open -= serve((mio_st_tcp_stream_t){events[i].id});
        }
    }
    OK(mio_st_awakener_close(worker->awakener));
    OK(mio_st_poller_close(worker->poller));
    return NULL;
}

static void start(struct worker *worker)
{
    mio_st_sender_t sender;
    mio_st_receiver_t receiver;
    char byte;

    OK(pipe(worker->started));
    OK(mio_st_new_pipe(&sender, &receiver));
    worker->queue[0] = OK(mio_st_receiver_into_fd(receiver));
    worker->queue[1] = OK(mio_st_sender_into_fd(sender));
    OK(-pthread_create(&worker->thread, NULL, work, worker));
    EQUAL(read(worker->started[0], &byte, 1), 1);
}

static void send_to(struct worker *worker, int fd)
{
    EQUAL(write(worker->queue[1], &fd, sizeof fd), sizeof fd);
    OK(mio_st_awakener_wake(worker->awakener));
}

static void finish(struct worker *worker)
{
    send_to(worker, FINISH);
    OK(-pthread_join(worker->thread, NULL));
    for (int i = 0; i < 2; i++) {
        OK(close(worker->started[i]));
        OK(close(worker->queue[i]));
    }
}

/* The client's side of a connection that some worker serves. */
static void is_echoed(mio_st_poller_t poller, mio_st_tcp_stream_t client)
{
    char data[8];

    EQUAL(mio_st_tcp_stream_write(client, "hello", 5), 5);
    test_wait(poller, client.bits, R);
    EQUAL(mio_st_tcp_stream_read(client, data, sizeof data), 5);
    EQUAL(memcmp(data, "hello", 5), 0);
    OK(mio_st_tcp_stream_shutdown(client, SHUT_WR));
    test_wait(poller, client.bits, R | MIO_ST_READ_CLOSED);
    EQUAL(mio_st_tcp_stream_read(client, data, sizeof data), 0);
    OK(mio_st_tcp_stream_close(client));
}

static void one_thread_accepts_and_others_serve(void)
{
    static struct worker workers[WORKERS];
    mio_st_tcp_stream_t clients[CONNECTIONS];
    char text[MIO_ST_ADDR_TEXT_SIZE];
    mio_st_tcp_listener_t listener = test_listener(text);
    mio_st_poller_t poller, of_clients;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_new(&of_clients));
    OK(mio_st_poller_register_tcp_listener(poller, listener, 1, R, MIO_ST_EDGE));
    for (int i = 0; i < WORKERS; i++)
        start(&workers[i]);
    for (int i = 0; i < CONNECTIONS; i++) {
        OK(mio_st_tcp_stream_connect_str(&clients[i], text));
        send_to(&workers[i % WORKERS], OK(mio_st_tcp_stream_into_fd(test_accept(poller, listener))));
        OK(mio_st_poller_register_tcp_stream(of_clients, clients[i], clients[i].bits, R, MIO_ST_EDGE));
    }
    for (int i = 0; i < CONNECTIONS; i++)
        is_echoed(of_clients, clients[i]);
    for (int i = 0; i < WORKERS; i++) {
        finish(&workers[i]);
        EQUAL(workers[i].served, CONNECTIONS / WORKERS);
    }
    OK(mio_st_tcp_listener_close(listener));
    OK(mio_st_poller_close(of_clients));
    OK(mio_st_poller_close(poller));
}

/* --- The end of a thread ------------------------------------------------------------------------- */

static void *leave_one_end_open(void *argument)
{
    struct given *given = argument;
    mio_st_unix_stream_t ours, peer;

    OK(mio_st_unix_stream_pair(&ours, &peer));
    given->bits = ours.bits;
    given->fd = OK(mio_st_unix_stream_into_fd(peer));
    return NULL;
}

/* What a thread leaves open is closed, and its handle stays void, for the thread too that has its number
 * afterwards. */
static void what_a_thread_leaves_open_is_closed(void)
{
    struct given given = {.kind = kind_named("unix_stream")};
    uint64_t old;
    char byte;

    on_a_thread(leave_one_end_open, &given);
    EQUAL(mio_st_live_handles(), 0);
    EQUAL(read(given.fd, &byte, 1), 0);
    OK(close(given.fd));
    old = given.bits;
    for (int i = 0; i < 10; i++) {
        on_a_thread(leave_one_end_open, &given);
        EQUAL(given.bits != old, 1);
        EQUAL(given.kind->fd(old), MIO_ST_EWRONGTHREAD);
        OK(close(given.fd));
    }
}

static pthread_key_t awakener_of_a_thread;

/* Runs when its thread ends, after the library has taken its leave of it. */
static void close_the_awakener(void *bits)
{
    mio_st_awakener_t awakener = {*(uint64_t *)bits};
    mio_st_unix_stream_t stream;

    EQUAL(mio_st_unix_stream_pair(&stream, &stream), -EBADF);
    OK(mio_st_awakener_wake(awakener));
    OK(mio_st_awakener_close(awakener));
    EQUAL(mio_st_awakener_close(awakener), -EBADF);
    EQUAL(mio_st_unix_stream_pair(&stream, &stream), -EBADF);
}

static void *keep_an_awakener(void *bits)
{
    mio_st_poller_t poller;

    /* So that the thread has a table. */
    OK(mio_st_poller_new(&poller));
    OK(-pthread_setspecific(awakener_of_a_thread, bits));
    return NULL;
}

/* Behaviour 25 */
static void a_thread_that_ends_closes_an_awakener(mio_st_poller_t poller)
{
    mio_st_awakener_t awakener;
    mio_st_event_t event;

    OK(-pthread_key_create(&awakener_of_a_thread, close_the_awakener));
    OK(mio_st_awakener_new(&awakener, poller, 7));
    on_a_thread(keep_an_awakener, &awakener.bits);
    EQUAL(mio_st_awakener_wake(awakener), -EBADF);
    EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
    EQUAL(event.id, 7);
    EQUAL(mio_st_live_handles(), 1);
}

int main(void)
{
    mio_st_poller_t poller;

    FOR_EACH_KIND(kind) {
        /* The others belong to no thread. */
        if (kind->fd)
            a_handle_on_another_thread_is_refused(kind);
        if (kind->from_fd)
            a_descriptor_moves_to_another_thread_and_back(kind);
    }
    OK(mio_st_poller_new(&poller));
    on_a_thread(use_a_poller_of_another_thread, &poller);
    a_thread_that_ends_closes_an_awakener(poller);
    OK(mio_st_poller_close(poller));
    one_thread_accepts_and_others_serve();
    what_a_thread_leaves_open_is_closed();
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
