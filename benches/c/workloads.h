/* The workloads in C, the same as those in src/bin. A contender includes this file after it has defined
 *
 *   struct loop         its poller, with the events of one poll if the program keeps those
 *   struct source       what it wants to keep for each descriptor
 *   CALLBACK(event)     a callback around `event`, if the library calls back
 *   loop_init(loop)
 *   loop_add(loop, source, fd, id, edge, event, context)   for reading; false if it has no such trigger
 *   loop_modify(loop, source, fd, id, edge)        if there is such a thing
 *   loop_remove(loop, source, fd)
 *   loop_spin(loop, ns)            lets it spin for so long before it sleeps, if there is such a thing
 *   loop_close(loop, source, fd)   ends the registration, if that must be said, and closes
 *   loop_poll(loop, wait, event, context)
 *                       polls once, without waiting unless `wait`; calls event(context, id, closed),
 *                       where `closed` says that there may be an end of file to read
 *
 *   OWN_STREAMS, if the library has sockets of its own:
 *     listener_t, stream_t
 *     listener_init(listener)                      on a free port of loopback; returns the port
 *     listener_accept(listener, stream)            negative if there is none
 *     stream_read(stream, buffer, size)            the count, negative if there is nothing
 *     stream_write(stream, buffer, size)
 *     would_block(result)                          whether that is why it is negative
 *     loop_add_listener(loop, source, listener, id, event, context)
 *     loop_add_stream(loop, source, stream, id, event, context)
 *     loop_close(loop, source, stream)
 *   struct waker
 *   WAKER_CALLBACK(event)
 *   loop_init_threads(loop)                        if it differs from loop_init
 *   waker_init(waker, loop, event, context)
 *   waker_poll(loop, event, context)               if it differs from loop_poll
 *   waker_wake(waker)                              from any thread; calls event(context)
 *
 * all of them macros or inline functions, so that nothing stands between the workload and the library.
 */
#include "work.h"
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static uint64_t clock_now(clockid_t clock) {
    struct timespec time;
    check(clock_gettime(clock, &time));
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void begin(struct outcome *outcome) {
    outcome->wall = clock_now(CLOCK_MONOTONIC);
    outcome->cpu = clock_now(CLOCK_PROCESS_CPUTIME_ID);
}

static bool end(struct outcome *outcome, uint64_t operations) {
    outcome->operations = operations;
    outcome->wall = clock_now(CLOCK_MONOTONIC) - outcome->wall;
    outcome->cpu = clock_now(CLOCK_PROCESS_CPUTIME_ID) - outcome->cpu;
    return true;
}

#ifdef loop_spin
#define CAN_SPIN true
#else
#define CAN_SPIN false
#define loop_spin(loop, ns) ((void)(ns))
#endif

/* Chain: see src/bin/chain.rs. */

struct chain {
    int (*pairs)[2];
    uint64_t count;
    uint64_t writes;
    uint64_t read;
    bool edge;
};

static inline void chain_event(void *context, uint64_t id, bool closed) {
    struct chain *chain = context;
    char byte;
    (void)closed;
    while (read(chain->pairs[id][0], &byte, 1) == 1) {
        chain->read++;
        if (chain->writes > 0) {
            uint64_t next = id + 1 == chain->count ? 0 : id + 1;
            chain->writes--;
            check(write(chain->pairs[next][1], "e", 1));
        }
        if (!chain->edge)
            return;
    }
    assert(errno == EAGAIN);
}
CALLBACK(chain_event)

bool work_chain(struct outcome *outcome, uint64_t count, uint64_t active, uint64_t writes,
                bool edge) {
    struct chain chain = {calloc(count, sizeof(int[2])), count, writes, 0, edge};
    struct source *sources = calloc(count, sizeof *sources);
    struct loop loop;
    loop_init(&loop);
    for (uint64_t i = 0; i < count; i++) {
        check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, chain.pairs[i]));
        if (!loop_add(&loop, &sources[i], chain.pairs[i][0], i, edge, chain_event, &chain))
            return false;
    }
    begin(outcome);
    for (uint64_t i = 0; i < active; i++)
        check(write(chain.pairs[i * (count / active)][1], "e", 1));
    while (chain.read < active + writes)
        loop_poll(&loop, true, chain_event, &chain);
    assert(chain.read == active + writes);
    return end(outcome, chain.read);
}

/* Echo and churn: see src/bin/serve.rs. */

#define LISTENER 0
#define BUFFER 4096

#ifndef OWN_STREAMS
typedef int listener_t;
typedef int stream_t;

static inline uint16_t listener_init(listener_t *listener) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    *listener = check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    check(bind(*listener, (struct sockaddr *)&address, sizeof address));
    check(listen(*listener, SOMAXCONN));
    check(getsockname(*listener, (struct sockaddr *)&address, &length));
    return ntohs(address.sin_port);
}

static inline int listener_accept(listener_t listener, stream_t *stream) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    *stream = accept4(listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return *stream;
}

#define stream_read(stream, buffer, size) recv(stream, buffer, size, 0)
#define stream_write(stream, buffer, size) send(stream, buffer, size, MSG_NOSIGNAL)
#define would_block(result) (errno == EAGAIN)
#define loop_add_listener(loop, source, listener, id, event, context)                             \
    check(loop_add(loop, source, listener, id, SERVE_EDGE, event, context) ? 0 : -1)
#define loop_add_stream loop_add_listener
#endif

struct connection {
    stream_t stream;
    struct source source;
};

struct server {
    struct loop loop;
    listener_t listener;
    struct connection *connections; /* from 1 on: 0 is the listener */
    uint64_t *unused;
    uint64_t unused_count;
    uint64_t closed;
    uint64_t requests;
    bool short_reads;
};

static inline void serve_event(void *context, uint64_t id, bool closed);
CALLBACK(serve_event)

static inline void serve_accept(struct server *server) {
    for (;;) {
        stream_t stream;
        int result = listener_accept(server->listener, &stream);
        if (result < 0) {
            assert(would_block(result));
            return;
        }
        assert(server->unused_count > 0);
        uint64_t id = server->unused[--server->unused_count];
        struct connection *connection = &server->connections[id];
        connection->stream = stream;
        loop_add_stream(&server->loop, &connection->source, stream, id, serve_event, server);
    }
}

static inline void serve_event(void *context, uint64_t id, bool closed) {
    struct server *server = context;
    if (id == LISTENER) {
        serve_accept(server);
        return;
    }
    struct connection *connection = &server->connections[id];
    char buffer[BUFFER];
    for (;;) {
        ssize_t n = stream_read(connection->stream, buffer, sizeof buffer);
        if (n > 0) {
            ssize_t sent = stream_write(connection->stream, buffer, (size_t)n);
            assert(sent == n);
            server->requests++;
            if (!SERVE_EDGE || (server->short_reads && !closed && (size_t)n < sizeof buffer))
                return;
        } else if (n == 0) {
            loop_close(&server->loop, &connection->source, connection->stream);
            server->unused[server->unused_count++] = id;
            server->closed++;
            return;
        } else {
            assert(would_block(n));
            return;
        }
    }
}

bool work_serve(struct outcome *outcome, uint64_t concurrent, uint64_t total, bool short_reads,
                uint64_t spin) {
    struct server server = {.short_reads = short_reads};
    struct source source;
    if ((short_reads && !SERVE_EDGE) || (spin > 0 && !CAN_SPIN))
        return false;
    loop_init(&server.loop);
    loop_spin(&server.loop, spin);
    server.connections = calloc(concurrent + 1, sizeof *server.connections);
    server.unused = calloc(concurrent, sizeof *server.unused);
    for (uint64_t id = concurrent; id > 0; id--)
        server.unused[server.unused_count++] = id;
    uint16_t port = listener_init(&server.listener);
    loop_add_listener(&server.loop, &source, server.listener, LISTENER, serve_event, &server);
    start_load(port);
    begin(outcome);
    while (server.closed < total)
        loop_poll(&server.loop, true, serve_event, &server);
    return end(outcome, server.requests);
}

/* Registering: see src/bin/ctl.rs. */

static inline void ctl_event(void *context, uint64_t id, bool closed) {
    (void)id, (void)closed;
    ++*(uint64_t *)context;
}
CALLBACK(ctl_event)

bool work_ctl(struct outcome *outcome, uint64_t count, bool modify) {
    struct loop loop;
    struct source source;
    int pair[2];
    uint64_t events = 0;
#ifdef NO_CTL
    return false;
#endif
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
    loop_init(&loop);
    if (modify) {
        check(loop_add(&loop, &source, pair[0], 7, SERVE_EDGE, ctl_event, &events) ? 0 : -1);
#ifdef loop_modify
        begin(outcome);
        for (uint64_t i = 0; i < count; i++)
            loop_modify(&loop, &source, pair[0], i, SERVE_EDGE);
#else
        return false;
#endif
    } else {
        begin(outcome);
        for (uint64_t i = 0; i < count; i++) {
            if (i > 0)
                loop_remove(&loop, &source, pair[0]);
            check(loop_add(&loop, &source, pair[0], i, SERVE_EDGE, ctl_event, &events) ? 0 : -1);
        }
    }
    end(outcome, count);
    loop_poll(&loop, false, ctl_event, &events);
    assert(events == 0);
    check(write(pair[1], "e", 1));
    loop_poll(&loop, true, ctl_event, &events);
    assert(events == 1);
    return true;
}

/* Idle: see src/bin/idle.rs. */

/* The bytes in use on the heap. */
static size_t heap(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

bool work_idle(struct outcome *outcome, uint64_t count, uint64_t polls) {
    size_t before = heap();
    struct loop loop;
    struct source *sources = calloc(count, sizeof *sources);
    uint64_t events = 0;
    loop_init(&loop);
    for (uint64_t i = 0; i < count; i++) {
        int fd = check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        check(loop_add(&loop, &sources[i], fd, i, SERVE_EDGE, ctl_event, &events) ? 0 : -1);
    }
    /* The first poll may tell the system what was registered. */
    loop_poll(&loop, false, ctl_event, &events);
    printf("heap %zu ", heap() - before);
    begin(outcome);
    for (uint64_t i = 0; i < polls; i++)
        loop_poll(&loop, false, ctl_event, &events);
    assert(events == 0);
    return end(outcome, polls);
}

/* Wake: see src/bin/wake.rs. */

#ifndef loop_init_threads
#define loop_init_threads(loop) loop_init(loop)
#endif
#ifndef waker_poll
#define waker_poll(loop, event, context) loop_poll(loop, true, event, context)
#endif

static inline void woken(void *context) {
    ++*(uint64_t *)context;
}
WAKER_CALLBACK(woken)

/* One side of the round trips. */
struct side {
    struct loop loop;
    struct waker waker;
    uint64_t events;
    atomic_ullong asked; /* how often the other side has woken this one */
    struct side *other;
    uint64_t rounds;
    uint64_t spin;
};

static void side_init(struct side *side, struct side *other, uint64_t rounds) {
    loop_init_threads(&side->loop);
    loop_spin(&side->loop, side->spin);
    waker_init(&side->waker, &side->loop, woken, &side->events);
    side->events = 0;
    atomic_init(&side->asked, 0);
    side->other = other;
    side->rounds = rounds;
}

static void side_ask(struct side *side, uint64_t round) {
    atomic_store_explicit(&side->asked, round, memory_order_release);
    waker_wake(&side->waker);
}

static void side_wait(struct side *side, uint64_t round) {
    uint64_t events = side->events;
    while (atomic_load_explicit(&side->asked, memory_order_acquire) < round ||
           side->events == events)
        waker_poll(&side->loop, woken, &side->events);
}

static pthread_barrier_t ready_to_ask;

/* Round trips before those that are measured: the threads are there, and so is their memory. */
#define WARM_UP 100

/* A poller may belong to the thread that made it. */
static void *answer(void *argument) {
    struct side *side = argument;
    side_init(side, side->other, side->rounds);
    pthread_barrier_wait(&ready_to_ask);
    for (uint64_t round = 1; round <= WARM_UP + side->rounds; round++) {
        side_wait(side, round);
        side_ask(side->other, round);
    }
    return NULL;
}

bool work_wake(struct outcome *outcome, uint64_t rounds, uint64_t spin) {
    static struct side here, there;
    pthread_t thread;
    if (!CAN_SPIN && spin > 0)
        return false;
    here.spin = there.spin = spin;
    side_init(&here, &there, rounds);
    there.other = &here;
    there.rounds = rounds;
    check(-pthread_barrier_init(&ready_to_ask, NULL, 2));
    check(-pthread_create(&thread, NULL, answer, &there));
    pthread_barrier_wait(&ready_to_ask);
    for (uint64_t round = 1; round <= WARM_UP + rounds; round++) {
        if (round == WARM_UP + 1)
            begin(outcome);
        side_ask(&there, round);
        side_wait(&here, round);
    }
    end(outcome, rounds);
    check(-pthread_join(thread, NULL));
    return true;
}

/* A thread that wakes its own poller, which therefore is awake. */
bool work_awake(struct outcome *outcome, uint64_t wakes) {
    struct loop loop;
    struct waker waker;
    uint64_t events = 0;
    loop_init_threads(&loop);
    waker_init(&waker, &loop, woken, &events);
    begin(outcome);
    for (uint64_t i = 0; i < wakes; i++) {
        waker_wake(&waker);
        while (events == i)
            waker_poll(&loop, woken, &events);
    }
    assert(events == wakes);
    return end(outcome, wakes);
}

struct storm {
    struct loop loop;
    struct waker waker;
    uint64_t events;
    uint64_t wakes;
    atomic_ullong sent;
};

static void *storm_wake(void *argument) {
    struct storm *storm = argument;
    for (uint64_t i = 0; i < storm->wakes; i++) {
        atomic_fetch_add_explicit(&storm->sent, 1, memory_order_relaxed);
        waker_wake(&storm->waker);
    }
    return NULL;
}

bool work_storm(struct outcome *outcome, uint64_t threads, uint64_t wakes) {
    static struct storm storm;
    pthread_t *ids = calloc(threads, sizeof *ids);
    loop_init_threads(&storm.loop);
    waker_init(&storm.waker, &storm.loop, woken, &storm.events);
    storm.wakes = wakes;
    begin(outcome);
    for (uint64_t i = 0; i < threads; i++)
        check(-pthread_create(&ids[i], NULL, storm_wake, &storm));
    /* After the last wake there is at least one event: who waits for it does not wait for ever. */
    while (storm.events == 0 ||
           atomic_load_explicit(&storm.sent, memory_order_relaxed) < threads * wakes)
        waker_poll(&storm.loop, woken, &storm.events);
    for (uint64_t i = 0; i < threads; i++)
        check(-pthread_join(ids[i], NULL));
    return end(outcome, threads * wakes);
}
