/* What the C tests share. Home-made, since the libraries for it (check, cmocka, criterion) run each test in a
 * fork of their own, with alarms and allocations of their own: these tests fork, count allocations, and must
 * be the whole process. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mio_st.h"

/* Ends the test unless the two are equal. */
#define EQUAL(actual, expected) equal(__FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))

/* Ends the test if it is an error; its value. */
#define OK(call) ok(__FILE__, __LINE__, #call, (int64_t)(call))

/* The row of a table that is tried, which a failure tells. */
static const char *test_row = "";

/* Long enough for whatever should happen, in nanoseconds. */
#define LONG INT64_C(30000000000)

#define MICROSECONDS(count) ((count) * UINT64_C(1000))
#define MILLISECONDS(count) ((count) * UINT64_C(1000000))
#define SECONDS(count) ((count) * UINT64_C(1000000000))

static inline void equal(const char *file, int line, const char *what, int64_t actual,
                         int64_t expected)
{
    if (actual == expected)
        return;
    fprintf(stderr, "%s:%d: %s%s%s is %lld (%s), not %lld\n", file, line, test_row,
            *test_row ? ": " : "", what, (long long)actual, mio_st_err_name((int)actual), (long long)expected);
    abort();
}

static inline int ok(const char *file, int line, const char *what, int64_t answer)
{
    if (answer < 0) {
        fprintf(stderr, "%s:%d: %s%s%s: %s\n", file, line, test_row,
                *test_row ? ": " : "", what, mio_st_strerror((int)answer));
        abort();
    }
    return (int)answer;
}

/* A number of the costly tests, divided by MIO_ST_TEST_SCALE, where the machine is slow. */
static inline int scaled(int number)
{
    const char *text = getenv("MIO_ST_TEST_SCALE");
    long scale = text ? strtol(text, NULL, 10) : 1;

    return scale > 1 ? (int)((number + scale - 1) / scale) : number;
}

/* The clock of the deadlines, in nanoseconds. */
static inline uint64_t monotonic(void)
{
    struct timespec now;

    OK(clock_gettime(CLOCK_MONOTONIC, &now));
    return SECONDS((uint64_t)now.tv_sec) + (uint64_t)now.tv_nsec;
}

/* Whether to measure once more: so often at least, and until one was short enough, since a loaded machine makes some of
 * them late, not all. Under Valgrind, where all are, not more often. */
static inline int once_more(int times, int least, uint64_t shortest, uint64_t limit)
{
    return times < least || (times < 20000 && shortest >= limit && !getenv("UNDER_VALGRIND"));
}

/* Waits for one event, which has this id and these flags, and perhaps others. */
static inline void test_wait(mio_st_poller_t poller, uint64_t id, uint32_t readiness)
{
    mio_st_event_t event;

    EQUAL(mio_st_poller_poll(poller, &event, 1, LONG), 1);
    EQUAL(event.id, id);
    EQUAL(event.readiness & readiness, readiness);
}

/* A listener on loopback, and where to connect to. */
static inline mio_st_tcp_listener_t test_listener(char *text)
{
    mio_st_tcp_listener_t listener;
    struct sockaddr_storage address;
    int length;

    OK(mio_st_tcp_listener_bind_str(&listener, "127.0.0.1:0"));
    length = OK(mio_st_tcp_listener_local_addr(listener, &address));
    OK(mio_st_addr_format((struct sockaddr *)&address, (socklen_t)length, text,
                          MIO_ST_ADDR_TEXT_SIZE));
    return listener;
}

/* Waits for one event at the listener and accepts. */
static inline mio_st_tcp_stream_t test_accept(mio_st_poller_t poller, mio_st_tcp_listener_t listener)
{
    mio_st_tcp_stream_t stream;
    mio_st_event_t event;
    int error;

    while ((error = mio_st_tcp_listener_accept(listener, &stream, NULL)) == -EAGAIN) {
        int count = OK(mio_st_poller_poll(poller, &event, 1, LONG));
        EQUAL(count, 1);
    }
    OK(error);
    return stream;
}
