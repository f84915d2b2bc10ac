/* Loops of calls of the C interface: see src/bin/calls.rs. */
#include "check.h"
#include <errno.h>
#include <mio_st.h>

#define CAPACITY 256

static mio_st_poller_t busy, idle;
static mio_st_tcp_stream_t stream;
static mio_st_deadline_key_t deadline;
static mio_st_event_t events[CAPACITY];
static uint64_t now;

/* `socket` is a connection with nothing to read, `ready` are descriptors that always are readable. */
void calls_prepare(int socket, const int *ready, uint64_t count) {
    check(mio_st_poller_new(&busy));
    check(mio_st_poller_new(&idle));
    check(mio_st_tcp_stream_from_fd(&stream, socket));
    check(mio_st_poller_register_tcp_stream(idle, stream, 0, MIO_ST_READABLE, MIO_ST_EDGE));
    for (uint64_t i = 0; i < count; i++)
        check(mio_st_poller_register_fd(busy, ready[i], i, MIO_ST_READABLE, MIO_ST_LEVEL));
    check(mio_st_poller_now(idle, &now));
    check(mio_st_poller_add_deadline(idle, 1, now + 3600000000000, &deadline));
}

void calls_read(uint64_t times) {
    char buffer[64];
    for (uint64_t i = 0; i < times; i++)
        assert(mio_st_tcp_stream_read(stream, buffer, sizeof buffer) == -EAGAIN);
}

void calls_reregister(uint64_t times) {
    for (uint64_t i = 0; i < times; i++)
        check(mio_st_poller_reregister_tcp_stream(idle, stream, i, MIO_ST_READABLE, MIO_ST_EDGE));
}

void calls_notify(uint64_t times) {
    for (uint64_t i = 0; i < times; i++)
        check(mio_st_poller_notify(idle, i, MIO_ST_READABLE));
    assert((uint64_t)mio_st_poller_poll_userspace(idle, events, CAPACITY) == times);
}

void calls_move_deadline(uint64_t times) {
    for (uint64_t i = 0; i < times; i++)
        assert(mio_st_poller_move_deadline(idle, deadline, now + 3600000000000 + i) == 1);
}

void calls_poll(uint64_t times) {
    static uint64_t sum;
    for (uint64_t i = 0; i < times; i++) {
        int n = check(mio_st_poller_poll(busy, events, CAPACITY, 0));
        assert(n == CAPACITY);
        for (int j = 0; j < n; j++)
            sum += events[j].id + events[j].readiness;
    }
}
