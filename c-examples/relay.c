/*
 * A TCP relay: whoever connects is connected on to a server, and bytes go both ways. To try it, with a server on port
 * 9000:
 *
 *     $ ./relay 127.0.0.1:7000 127.0.0.1:9000
 *     $ nc 127.0.0.1 7000
 *
 * A third argument is after how many milliseconds without a byte both ends are closed; 30,000 otherwise.
 *
 * It shows back-pressure: nothing is read from one end before the last was written to the other, so that a reader that
 * is slow slows down its writer, and no memory grows. An end of one direction is passed on, and the other one goes on.
 * Everything else that ends a connection ends both of its halves with a reset, so that nobody takes it for the end.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mio_st/loop.h>

#include "testing.h"

enum {
    BUFFER_SIZE = 16384,
    TURN = 16 /* how often one is read from before the others have their turn */
};

/* One end of a connection, and what was read from it and is not written to the other one yet. */
struct end {
    mio_st_source_t source;
    mio_st_tcp_stream_t stream;
    struct relayed *relayed;
    size_t first, last;
    int read_all; /* the end of the stream was read */
    int done;     /* and passed on */
    char buffer[BUFFER_SIZE];
};

struct relayed {
    struct end client, server;
    int connected;
    mio_st_timer_t idle, soon; /* to close it; to go on in the next turn */
    struct relayed *previous, *next;
};

static mio_st_loop_t loop;
static mio_st_tcp_listener_t listener;
static mio_st_signals_t signals;
static mio_st_source_t on_listener, on_signals, on_clock;
static const char *server;
static uint64_t idle_time;
static struct relayed *all;
static int some_wait; /* to be accepted */
static int stop;

static int check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "relay: %s: %s\n", what, mio_st_strerror(result));
        exit(1);
    }
    return result;
}

/* By level: whoever could not be accepted is reported again. */
static void register_listener(void)
{
    check(mio_st_poller_register_tcp_listener(loop.poller, listener, mio_st_source_id(&on_listener), MIO_ST_READABLE,
                                              MIO_ST_LEVEL), "listener");
}

static void close_end(struct end *end, int with_reset)
{
    if (with_reset)
        mio_st_tcp_stream_set_linger(end->stream, 0);
    mio_st_tcp_stream_close(end->stream);
    mio_st_source_remove(&loop, &end->source);
}

static void end_relayed(struct relayed *relayed, int with_reset)
{
    close_end(&relayed->client, with_reset);
    close_end(&relayed->server, with_reset);
    mio_st_timer_stop(&loop, &relayed->idle);
    mio_st_timer_stop(&loop, &relayed->soon);
    if (relayed->previous != NULL)
        relayed->previous->next = relayed->next;
    else
        all = relayed->next;
    if (relayed->next != NULL)
        relayed->next->previous = relayed->previous;
    free(relayed);
    if (some_wait) {
        some_wait = 0;
        register_listener();
    }
}

/* Writes what was read, or passes on the end, or reads. 1 if it has; 0 when it is done; or an error, such as -EAGAIN. */
static int64_t step(struct end *from, struct end *to)
{
    int64_t result;
    if (from->first < from->last) {
        result = mio_st_tcp_stream_write(to->stream, from->buffer + from->first, from->last - from->first);
        from->first += result > 0 ? (size_t)result : 0;
        return result;
    }
    if (from->read_all) {
        result = from->done ? 0 : mio_st_tcp_stream_shutdown(to->stream, SHUT_WR);
        from->done = 1;
        return result;
    }
    result = mio_st_tcp_stream_read(from->stream, from->buffer, sizeof from->buffer);
    from->first = 0;
    from->last = result > 0 ? (size_t)result : 0;
    from->read_all = result == 0;
    return result < 0 ? result : 1;
}

/* Goes on in one direction until it cannot, or others have their turn: then it is 1. Whether it has moved is noted. */
static int64_t go_on(struct end *from, struct end *to, int *moved)
{
    int64_t result = 1;
    for (int i = 0; result > 0 && i < TURN; i++) {
        result = step(from, to);
        *moved |= result > 0;
    }
    return result == -EAGAIN ? 0 : result;
}

/* Goes on with both directions: by edge, whatever was told. */
static void relay(struct relayed *relayed)
{
    int moved = 0;
    int64_t up, down = 0;
    if (!relayed->connected) {
        int connected = mio_st_tcp_stream_connected(relayed->server.stream);
        if (connected < 0)
            end_relayed(relayed, 1); /* such as refused */
        if (connected <= 0)
            return;
        relayed->connected = 1;
    }
    up = go_on(&relayed->client, &relayed->server, &moved);
    if (up >= 0)
        down = go_on(&relayed->server, &relayed->client, &moved);
    if (up < 0 || down < 0 || (moved && mio_st_timer_start(&loop, &relayed->idle, idle_time) < 0)
        || (up + down > 0 && mio_st_timer_start(&loop, &relayed->soon, 0) < 0))
        end_relayed(relayed, 1);
    else if (relayed->client.done && relayed->server.done)
        end_relayed(relayed, 0);
}

static void on_end(mio_st_source_t *source, uint32_t readiness)
{
    struct relayed *relayed = MIO_ST_CONTAINER(source, struct end, source)->relayed;
    /* An error is found by reading; but nothing is read while the other end has no room. */
    if (readiness & MIO_ST_ERROR)
        end_relayed(relayed, 1);
    else
        relay(relayed);
}

static void on_soon(mio_st_source_t *source, uint32_t readiness)
{
    (void)readiness;
    relay(MIO_ST_CONTAINER(source, struct relayed, soon.source));
}

static void on_idle(mio_st_source_t *source, uint32_t readiness)
{
    (void)readiness;
    end_relayed(MIO_ST_CONTAINER(source, struct relayed, idle.source), 1);
}

static int register_end(struct end *end)
{
    return mio_st_poller_register_tcp_stream(loop.poller, end->stream, mio_st_source_id(&end->source),
                                             MIO_ST_READABLE | MIO_ST_WRITABLE, MIO_ST_EDGE);
}

/* What cannot be relayed, such as for want of descriptors, is reset. */
static void start(mio_st_tcp_stream_t client)
{
    struct relayed *relayed = (struct relayed *)calloc(1, sizeof *relayed);
    if (relayed == NULL) {
        mio_st_tcp_stream_set_linger(client, 0);
        mio_st_tcp_stream_close(client);
        return;
    }
    relayed->client.stream = client;
    relayed->client.relayed = relayed->server.relayed = relayed;
    relayed->client.source.on_event = relayed->server.source.on_event = on_end;
    relayed->idle.source.on_event = on_idle;
    relayed->soon.source.on_event = on_soon;
    relayed->next = all;
    if (all != NULL)
        all->previous = relayed;
    all = relayed;
    if (mio_st_tcp_stream_connect_str(&relayed->server.stream, server) < 0 || register_end(&relayed->client) < 0
        || register_end(&relayed->server) < 0 || mio_st_timer_start(&loop, &relayed->idle, idle_time) < 0)
        end_relayed(relayed, 1);
}

static void accept_client(mio_st_source_t *source, uint32_t readiness)
{
    mio_st_tcp_stream_t stream;
    int result = mio_st_tcp_listener_accept(listener, &stream, NULL);
    (void)source, (void)readiness;
    if (result == 0) {
        start(stream);
    } else if (result != -EAGAIN && all != NULL) {
        /* Most likely too many descriptors are open, and each poll would return at once. */
        check(mio_st_poller_deregister_tcp_listener(loop.poller, listener), "listener");
        some_wait = 1; /* until one is closed */
    }
}

static void receive_signals(mio_st_source_t *source, uint32_t readiness)
{
    (void)source, (void)readiness;
    while (mio_st_signals_receive(signals) > 0)
        stop = 1;
}

static void on_line(mio_st_source_t *source, uint32_t readiness)
{
    (void)source, (void)readiness;
    check(move_time(loop.poller), "clock");
}

static void listen_on(const char *address)
{
    struct sockaddr_storage bound;
    char text[MIO_ST_ADDR_TEXT_SIZE];
    int length;
    check(mio_st_tcp_listener_bind_str(&listener, address), address);
    on_listener.on_event = accept_client;
    register_listener();
    length = check(mio_st_tcp_listener_local_addr(listener, &bound), "address");
    check(mio_st_addr_format((struct sockaddr *)&bound, (socklen_t)length, text, sizeof text), "address");
    printf("listening on %s\n", text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const int numbers[] = {SIGINT, SIGTERM};
    struct sockaddr_storage parsed;
    if (argc < 3) {
        fprintf(stderr, "usage: relay ADDRESS SERVER [MILLISECONDS]\n");
        return 1;
    }
    server = argv[2];
    check(mio_st_addr_parse(server, &parsed), server);
    idle_time = (argc > 3 ? strtoull(argv[3], NULL, 10) : 30000) * 1000000;
    check(mio_st_poller_new(&loop.poller), "poller");
    check(look_for_mistakes(loop.poller), "checks");
    on_clock.on_event = on_line;
    check(drive_clock(loop.poller, mio_st_source_id(&on_clock)), "clock");
    check(mio_st_signals_new(&signals, numbers, 2), "signals");
    on_signals.on_event = receive_signals;
    check(mio_st_poller_register_signals(loop.poller, signals, mio_st_source_id(&on_signals), MIO_ST_READABLE,
                                         MIO_ST_EDGE), "signals");
    listen_on(argv[1]);
    while (!stop) {
        check(mio_st_loop_turn(&loop, -1), "poll");
        print_complaints(loop.poller);
    }
    for (struct relayed *relayed = all, *next; relayed != NULL; relayed = next) {
        next = relayed->next;
        end_relayed(relayed, 1);
    }
    mio_st_tcp_listener_close(listener);
    mio_st_signals_close(signals);
    mio_st_poller_close(loop.poller);
    return mio_st_live_handles() == 0 ? 0 : 2;
}
