/*
 * An echo server: it writes back what it reads. To try it:
 *
 *     $ ./echo_server 127.0.0.1:7000
 *     $ nc 127.0.0.1 7000
 *
 * It shows the whole of a server: accept one at a time, by a level trigger; read and write until there is nothing
 * left, by an edge trigger; keep what could not be written, and let nobody keep the others waiting.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mio_st.h>

#include "testing.h"

enum {
    MAX_CONNECTIONS = 512, /* those beyond wait in the kernel */
    BUFFER_SIZE = 4096,
    TURN = 16              /* how often one is read from before the others have their turn */
};

struct connection {
    mio_st_tcp_stream_t stream;
    bool readable;         /* there may be something to read */
    bool read_closed;      /* the client sends no more: after what is there comes the end */
    size_t start, end;     /* what was read and is not written yet */
    char buffer[BUFFER_SIZE];
};

/*
 * The id of a connection is its index, and this is the one of the listener. An event may come late, after
 * its connection was closed by an earlier one: an empty place answers -EBADF, and whoever has taken the
 * place finds nothing to read.
 */
#define LISTENER MAX_CONNECTIONS

static const mio_st_tcp_stream_t none = { 0 };
static struct connection connections[MAX_CONNECTIONS];
static mio_st_poller_t poller;
static mio_st_tcp_listener_t listener;
static bool some_wait; /* to be accepted */

static int check_call(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "echo_server: %s: %s\n", what, mio_st_strerror(result));
        exit(1);
    }
    return result;
}

#define check(call) check_call(call, #call)

/* NULL when all are in use. */
static struct connection *find_free(void)
{
    for (int i = 0; i < MAX_CONNECTIONS; i++) {
        if (connections[i].stream.bits == 0) /* which is no handle */
            return &connections[i];
    }
    return NULL;
}

static void register_listener(void)
{
    check(mio_st_poller_register_tcp_listener(poller, listener, LISTENER, MIO_ST_READABLE, MIO_ST_LEVEL));
}

static void drop_stream(struct connection *c)
{
    mio_st_tcp_stream_close(c->stream);
    c->stream = none;
}

/*
 * Accepts one client. The listener is level-triggered, so that whoever else waits is reported again: there is no
 * accept that only says -EAGAIN, which costs more than one that succeeds.
 */
static void accept_client(void)
{
    struct connection *c = find_free();
    int error = c == NULL ? -EMFILE : mio_st_tcp_listener_accept(listener, &c->stream, NULL);
    if (error == -EAGAIN)
        return;
    if (error < 0) {
        /* All places are taken, or most likely too many descriptors are open. Each poll would return at once. */
        check(mio_st_poller_deregister_tcp_listener(poller, listener));
        some_wait = true; /* until a connection closes */
        return;
    }
    c->start = c->end = 0;
    c->readable = c->read_closed = false;
    if (mio_st_poller_register_tcp_stream(poller, c->stream, (uint64_t)(c - connections),
                                          MIO_ST_READABLE | MIO_ST_WRITABLE, MIO_ST_EDGE) < 0)
        drop_stream(c); /* too many registrations: this client is turned away */
}

static void close_connection(struct connection *c)
{
    drop_stream(c);
    if (some_wait) {
        some_wait = false;
        register_listener();
    }
}

enum next { GO_ON, WAIT, CLOSE };

static enum next write_back(struct connection *c)
{
    while (c->start < c->end) {
        int64_t n = mio_st_tcp_stream_write(c->stream, c->buffer + c->start, c->end - c->start);
        if (n < 0)
            return n == -EAGAIN ? WAIT : CLOSE;
        c->start += (size_t)n;
    }
    return GO_ON;
}

static enum next read_some(struct connection *c)
{
    if (!c->readable)
        return WAIT;
    int64_t n = mio_st_tcp_stream_read(c->stream, c->buffer, BUFFER_SIZE);
    if (n <= 0)
        return n == -EAGAIN ? WAIT : CLOSE;
    c->start = 0;
    c->end = (size_t)n;
    /*
     * Less than asked for: the socket is empty, and what comes now makes a new edge, so there is no need
     * to read until -EAGAIN (epoll(7), question 9). Only an end that was reported already makes none: it
     * must be read.
     */
    c->readable = n == BUFFER_SIZE || c->read_closed;
    return GO_ON;
}

/* Nothing is read before the last was written: a client that does not read holds up itself only. */
static enum next echo(struct connection *c)
{
    enum next next = GO_ON;
    for (int i = 0; next == GO_ON && i < TURN; i++) {
        next = write_back(c);
        if (next == GO_ON)
            next = read_some(c);
    }
    return next;
}

static void on_connection(struct connection *c, mio_st_event_t event)
{
    c->readable |= (event.readiness & MIO_ST_READABLE) != 0;
    c->read_closed |= (event.readiness & MIO_ST_READ_CLOSED) != 0;
    enum next next = echo(c);
    if (next == GO_ON) { /* the rest of an edge is not reported again, unless it is asked for */
        int error = mio_st_poller_reregister_tcp_stream(poller, c->stream, event.id,
                                                        MIO_ST_READABLE | MIO_ST_WRITABLE, MIO_ST_EDGE);
        if (error < 0)
            next = CLOSE;
    }
    if (next == CLOSE)
        close_connection(c);
}

static void listen_on(const char *address)
{
    struct sockaddr_storage bound;
    char text[MIO_ST_ADDR_TEXT_SIZE];
    check_call(mio_st_tcp_listener_bind_str(&listener, address), address);
    register_listener();
    int length = check(mio_st_tcp_listener_local_addr(listener, &bound));
    check(mio_st_addr_format((struct sockaddr *)&bound, (socklen_t)length, text, sizeof text));
    printf("listening on %s\n", text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    check(mio_st_poller_new(&poller));
    check(look_for_mistakes(poller));
    listen_on(argc > 1 ? argv[1] : "127.0.0.1:7000");
    for (;;) {
        mio_st_event_t events[256];
        int count = check(mio_st_poller_poll(poller, events, 256, -1));
        print_complaints(poller);
        for (int i = 0; i < count; i++) {
            if (events[i].id == LISTENER)
                accept_client();
            else
                on_connection(&connections[events[i].id], events[i]);
        }
    }
}
