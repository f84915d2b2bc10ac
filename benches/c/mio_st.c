/* This library, by its C interface. */
#include "check.h"
#include <mio_st.h>
#include <netinet/in.h>
#include <unistd.h>

#define CAPACITY 256
#define SERVE_EDGE true
#define CALLBACK(event)

struct loop {
    mio_st_poller_t poller;
    mio_st_event_t events[CAPACITY];
};

struct source {
    char none;
};

static inline uint32_t option(bool edge) {
    return edge ? MIO_ST_EDGE : MIO_ST_LEVEL;
}

static inline void loop_init(struct loop *loop) {
    check(mio_st_poller_new(&loop->poller));
}

#define loop_add(loop, source, fd, id, edge, event, context)                                      \
    ((void)(source), check(mio_st_poller_register_fd((loop)->poller, fd, id, MIO_ST_READABLE,     \
                                                     option(edge))),                              \
     true)
#define loop_modify(loop, source, fd, id, edge)                                                   \
    check(mio_st_poller_reregister_fd((loop)->poller, fd, id, MIO_ST_READABLE, option(edge)))
#define loop_remove(loop, source, fd) check(mio_st_poller_deregister_fd((loop)->poller, fd))
#define loop_spin(loop, ns) check(mio_st_poller_set_spin((loop)->poller, ns))
#define loop_poll(loop, wait, event, context)                                                     \
    do {                                                                                          \
        int n = check(mio_st_poller_poll((loop)->poller, (loop)->events, CAPACITY,                \
                                         (wait) ? -1 : 0));                                       \
        for (int i = 0; i < n; i++)                                                               \
            event(context, (loop)->events[i].id,                                                  \
                  ((loop)->events[i].readiness & MIO_ST_READ_CLOSED) != 0);                       \
    } while (0)

#define OWN_STREAMS
typedef mio_st_tcp_listener_t listener_t;
typedef mio_st_tcp_stream_t stream_t;

static inline uint16_t listener_init(listener_t *listener) {
    struct sockaddr_storage address;
    check(mio_st_tcp_listener_bind_str(listener, "127.0.0.1:0"));
    check(mio_st_tcp_listener_local_addr(*listener, &address));
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static inline int listener_accept(listener_t listener, stream_t *stream) {
    struct sockaddr_storage address;
    return mio_st_tcp_listener_accept(listener, stream, &address);
}

#define stream_read(stream, buffer, size) mio_st_tcp_stream_read(stream, buffer, size)
#define stream_write(stream, buffer, size) mio_st_tcp_stream_write(stream, buffer, size)
#define would_block(result) ((result) == -EAGAIN)
#define loop_add_listener(loop, source, listener, id, event, context)                             \
    ((void)(source), check(mio_st_poller_register_tcp_listener((loop)->poller, listener, id,      \
                                                               MIO_ST_READABLE, MIO_ST_EDGE)))
#define loop_add_stream(loop, source, stream, id, event, context)                                 \
    ((void)(source), check(mio_st_poller_register_tcp_stream((loop)->poller, stream, id,          \
                                                             MIO_ST_READABLE, MIO_ST_EDGE)))
#define loop_close(loop, source, stream) check(mio_st_tcp_stream_close(stream))

struct waker {
    mio_st_awakener_t awakener;
};

#define WAKER_CALLBACK(event)
#define waker_init(waker, loop, event, context)                                                   \
    check(mio_st_awakener_new(&(waker)->awakener, (loop)->poller, 0))
#define waker_poll(loop, event, context)                                                          \
    do {                                                                                          \
        int n = check(mio_st_poller_poll((loop)->poller, (loop)->events, CAPACITY, -1));          \
        for (int i = 0; i < n; i++)                                                               \
            event(context);                                                                       \
    } while (0)
#define waker_wake(waker) check(mio_st_awakener_wake((waker)->awakener))

#include "workloads.h"

bool work_notify(struct outcome *outcome, uint64_t at_once, uint64_t rounds, bool system) {
    struct loop loop;
    uint64_t count = 0, sum = 0;
    loop_init(&loop);
    begin(outcome);
    for (uint64_t round = 0; round < rounds; round++) {
        for (uint64_t i = 0; i < at_once; i++)
            check(mio_st_poller_notify(loop.poller, i, MIO_ST_READABLE));
        int n = check(system ? mio_st_poller_poll(loop.poller, loop.events, CAPACITY, 0)
                             : mio_st_poller_poll_userspace(loop.poller, loop.events, CAPACITY));
        for (int i = 0; i < n; i++) {
            count++;
            sum += loop.events[i].id;
        }
    }
    assert(count == at_once * rounds && sum == rounds * (at_once * (at_once - 1) / 2));
    return end(outcome, count);
}

/* See src/bin/unix.rs. */
bool work_unix(struct outcome *outcome, uint64_t requests, bool both) {
    struct loop loop;
    mio_st_unix_stream_t stream;
    uint64_t served = 0;
    bool closed = false;
    loop_init(&loop);
    check(mio_st_unix_stream_from_fd(&stream, start_load_on_pair(requests)));
    check(mio_st_poller_register_unix_stream(loop.poller, stream, 0,
                                             MIO_ST_READABLE | (both ? MIO_ST_WRITABLE : 0),
                                             MIO_ST_EDGE));
    begin(outcome);
    while (!closed) {
        int n = check(mio_st_poller_poll(loop.poller, loop.events, CAPACITY, -1));
        for (int i = 0; i < n && !closed; i++) {
            char buffer[BUFFER];
            int64_t count;
            while ((count = mio_st_unix_stream_read(stream, buffer, sizeof buffer)) > 0) {
                int64_t sent = mio_st_unix_stream_write(stream, buffer, (size_t)count);
                assert(sent == count);
                served++;
            }
            assert(count == 0 || would_block(count));
            closed = count == 0;
        }
    }
    end(outcome, served);
    check(mio_st_unix_stream_close(stream));
    return true;
}
