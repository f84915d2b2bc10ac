/* What the C tests share. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mio_st.h"

/* Ends the test unless the two are equal. */
#define EQUAL(actual, expected) equal(__FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))

/* Ends the test if it is an error; its value. */
#define OK(call) ok(__FILE__, __LINE__, #call, (int64_t)(call))

static inline void equal(const char *file, int line, const char *what, int64_t actual,
                         int64_t expected)
{
    if (actual == expected)
        return;
    fprintf(stderr, "%s:%d: %s is %lld (%s), not %lld\n", file, line, what, (long long)actual,
            mio_st_err_name((int)actual), (long long)expected);
    abort();
}

static inline int ok(const char *file, int line, const char *what, int64_t answer)
{
    if (answer < 0) {
        fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, mio_st_strerror((int)answer));
        abort();
    }
    return (int)answer;
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
        int count = OK(mio_st_poller_poll(poller, &event, 1, -1));
        EQUAL(count, 1);
    }
    OK(error);
    return stream;
}
