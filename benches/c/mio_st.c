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

/* See src/bin/timers.rs. */
bool work_timers(struct outcome *outcome, enum timers what, uint64_t count) {
    enum { LIVE = 1000, BATCH = 64 };
    const uint64_t ahead = 30000000000;
    mio_st_deadline_key_t keys[LIVE], added[BATCH];
    mio_st_event_t events[BATCH];
    mio_st_poller_t poller;
    uint64_t now, done = 0;
    check(mio_st_poller_with_capacity(&poller, LIVE + BATCH, 0));
    check(mio_st_poller_now(poller, &now));
    for (uint64_t i = 0; i < LIVE; i++)
        check(mio_st_poller_add_deadline(poller, i, now + ahead, &keys[i]));
    begin(outcome);
    for (uint64_t round = 0; round < count / BATCH; round++) {
        if (what == EXPIRE) {
            check(mio_st_poller_now(poller, &now));
            for (uint64_t i = 0; i < BATCH; i++)
                check(mio_st_poller_add_deadline(poller, LIVE + i, now, NULL));
            int n = check(mio_st_poller_poll(poller, events, BATCH, 0));
            for (int i = 0; i < n; i++)
                done += events[i].id >= LIVE;
            continue;
        }
        check(mio_st_poller_poll_userspace(poller, events, BATCH));
        check(mio_st_poller_now(poller, &now));
        for (uint64_t i = 0; i < BATCH; i++) {
            if (what == REARM) {
                int moved = mio_st_poller_move_deadline(poller, keys[(done + i) % LIVE], now + ahead);
                assert(moved == 1);
            } else {
                check(mio_st_poller_add_deadline(poller, LIVE + i, now + ahead, &added[i]));
            }
        }
        for (uint64_t i = 0; i < BATCH && what == ADD_CANCEL; i++) {
            int cancelled = mio_st_poller_cancel_deadline(poller, added[i]);
            assert(cancelled == 1);
        }
        done += BATCH;
    }
    assert(done == count / BATCH * BATCH);
    end(outcome, done);
    check(mio_st_poller_close(poller));
    return true;
}

/* See src/bin/udp.rs. */
struct pair {
    mio_st_udp_socket_t sender, receiver;
    struct sockaddr_storage target, source;
    socklen_t target_length, source_length;
    enum how how;
    uint64_t count;
    mio_st_datagram_t out[MOST_DATAGRAMS], in[MOST_DATAGRAMS];
};

static inline bool pair_init(struct pair *pair, enum how how, uint64_t count) {
    pair->how = how;
    pair->count = count;
    return true;
}

static inline void pair_bind_receiver(struct pair *pair, const char *address) {
    static _Alignas(4096) char memory[MOST_DATAGRAMS][LARGE];
    check(mio_st_udp_socket_bind_str(&pair->receiver, address));
    pair->target_length = (socklen_t)check(mio_st_udp_socket_local_addr(pair->receiver, &pair->target));
    if (pair->how >= GRO)
        check(mio_st_udp_socket_set_gro(pair->receiver, 1));
    if (pair->how == ALL) {
        check(mio_st_udp_socket_set_recv_local(pair->receiver, 1));
        check(mio_st_udp_socket_set_recv_traffic_class(pair->receiver, 1));
    }
    for (uint64_t i = 0; i < pair->count; i++) {
        pair->in[i].buffer = pair->how >= GRO ? memory[i] : memory[0] + i * DATAGRAM;
        pair->in[i].capacity = pair->how >= GRO ? LARGE : DATAGRAM;
        pair->out[i].length = DATAGRAM;
        pair->out[i].address = pair->target;
        pair->out[i].address_length = pair->target_length;
    }
}

static inline void pair_bind_sender(struct pair *pair, const char *address) {
    check(mio_st_udp_socket_bind_str(&pair->sender, address));
    pair->source_length = (socklen_t)check(mio_st_udp_socket_local_addr(pair->sender, &pair->source));
}

static inline void pair_send(struct pair *pair, char *data, uint64_t count) {
    if (pair->how == PLAIN) {
        for (uint64_t i = 0; i < count; i++) {
            int64_t sent = mio_st_udp_socket_send_to(pair->sender, data + i * DATAGRAM, DATAGRAM,
                                                     (struct sockaddr *)&pair->target,
                                                     pair->target_length);
            assert(sent == DATAGRAM);
        }
    } else if (pair->how == BATCH) {
        for (uint64_t i = 0; i < count; i++)
            pair->out[i].buffer = data + i * DATAGRAM;
        int sent = check(mio_st_udp_socket_send_batch(pair->sender, pair->out, count));
        assert((uint64_t)sent == count);
    } else {
        mio_st_transmit_t run = {.buffer = data,
                                 .length = count * DATAGRAM,
                                 .segment_size = DATAGRAM,
                                 .address = pair->target,
                                 .address_length = pair->target_length};
        if (pair->how == ALL) {
            run.flags = MIO_ST_DATAGRAM_LOCAL | MIO_ST_DATAGRAM_TRAFFIC_CLASS;
            run.local = pair->source;
            run.local_length = pair->source_length;
            run.traffic_class = MIO_ST_ECN_ECT0;
        }
        int sent = check(mio_st_udp_socket_send_transmits(pair->sender, &run, 1));
        assert(sent == 1);
    }
}

static inline uint64_t pair_receive(struct pair *pair) {
    uint64_t received = 0;
    if (pair->how == PLAIN) {
        struct sockaddr_storage sender;
        socklen_t length;
        int64_t result = mio_st_udp_socket_recv_from(pair->receiver, pair->in[0].buffer, DATAGRAM,
                                                     &sender, &length);
        assert(result == DATAGRAM || result == -EAGAIN);
        return result > 0;
    }
    int n = mio_st_udp_socket_recv_batch(pair->receiver, pair->in, pair->count);
    assert(n >= 0 || n == -EAGAIN);
    for (int i = 0; i < n; i++) {
        mio_st_datagram_t *one = &pair->in[i];
        received += (one->length + one->segment_size - 1) / one->segment_size;
    }
    return received;
}

#include "udp.h"
