/* What a call of the C interface takes: see src/bin/calls.rs, which does the same in Rust. */
#include "check.h"
#include "work.h"
#include <errno.h>
#include <mio_st.h>
#include <unistd.h>

#define CAPACITY 256
#define ROUNDS 2001

static mio_st_poller_t busy, idle;
static mio_st_tcp_listener_t listener;
static mio_st_tcp_stream_t stream;
static mio_st_deadline_key_t deadline;
static mio_st_event_t events[CAPACITY];
static uint64_t now;

static void prepare(void) {
    struct sockaddr_storage address;
    check(mio_st_poller_new(&busy));
    check(mio_st_poller_new(&idle));
    check(mio_st_tcp_listener_bind_str(&listener, "127.0.0.1:0"));
    check(mio_st_tcp_listener_local_addr(listener, &address));
    check(mio_st_tcp_stream_connect(&stream, (struct sockaddr *)&address, sizeof address));
    check(mio_st_poller_register_tcp_stream(idle, stream, 0, MIO_ST_READABLE, MIO_ST_EDGE));
    for (uint64_t i = 0; i < CAPACITY; i++) {
        int ready = check(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
        check(mio_st_poller_register_fd(busy, ready, i, MIO_ST_READABLE, MIO_ST_LEVEL));
    }
    check(mio_st_poller_now(idle, &now));
    check(mio_st_poller_add_deadline(idle, 1, now + 3600000000000, &deadline));
}

static void call_read(uint64_t times) {
    char buffer[64];
    for (uint64_t i = 0; i < times; i++)
        assert(mio_st_tcp_stream_read(stream, buffer, sizeof buffer) == -EAGAIN);
}

static void call_reregister(uint64_t times) {
    for (uint64_t i = 0; i < times; i++)
        check(mio_st_poller_reregister_tcp_stream(idle, stream, i, MIO_ST_READABLE, MIO_ST_EDGE));
}

static void call_notify(uint64_t times) {
    for (uint64_t i = 0; i < times; i++)
        check(mio_st_poller_notify(idle, i, MIO_ST_READABLE));
    assert((uint64_t)mio_st_poller_poll_userspace(idle, events, CAPACITY) == times);
}

static void call_move_deadline(uint64_t times) {
    for (uint64_t i = 0; i < times; i++)
        assert(mio_st_poller_move_deadline(idle, deadline, now + 3600000000000 + i) == 1);
}

static void call_poll(uint64_t times) {
    static volatile uint64_t sum;
    for (uint64_t i = 0; i < times; i++) {
        int n = check(mio_st_poller_poll(busy, events, CAPACITY, 0));
        assert(n == CAPACITY);
        for (int j = 0; j < n; j++)
            sum += events[j].id + events[j].readiness;
    }
}

static int ascending(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

/* Prints the median time of a unit, of which a call has so many. */
static void measure(const char *name, uint64_t times, uint64_t units, void (*calls)(uint64_t)) {
    static double rounds[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        struct timespec start, end;
        check(clock_gettime(CLOCK_MONOTONIC, &start));
        calls(times);
        check(clock_gettime(CLOCK_MONOTONIC, &end));
        double time = (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
        rounds[i] = time / (double)(times * units);
    }
    qsort(rounds, ROUNDS, sizeof *rounds, ascending);
    printf("%s %f\n", name, rounds[ROUNDS / 2]);
}

void work_calls(void) {
    prepare();
    measure("read", 200, 1, call_read);
    measure("reregister", 200, 1, call_reregister);
    measure("notify", 200, 1, call_notify);
    measure("move-deadline", 200, 1, call_move_deadline);
    measure("event", 4, CAPACITY, call_poll);
}
