/* libev: callbacks, level-triggered. It tells the system of changes at the next poll. */
#include "check.h"
#include <ev.h>
#include <unistd.h>

#define SERVE_EDGE false
/* What is registered and deregistered between two polls costs nothing, since nothing is done. */
#define NO_CTL

struct loop {
    struct ev_loop *ev;
};

struct source {
    ev_io io; /* first: it is what the callback gets */
    uint64_t id;
    void *context;
};

#define CALLBACK(event)                                                                           \
    static void event##_callback(struct ev_loop *loop, ev_io *io, int ready) {                    \
        struct source *source = (struct source *)io;                                              \
        (void)loop, (void)ready;                                                                  \
        event(source->context, source->id, false);                                                \
    }

static inline void loop_init(struct loop *loop) {
    loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    assert(loop->ev);
}

static inline bool libev_add(struct loop *loop, struct source *source, int fd, uint64_t id,
                             bool edge, void (*callback)(struct ev_loop *, ev_io *, int),
                             void *context) {
    if (edge)
        return false;
    source->id = id;
    source->context = context;
    ev_io_init(&source->io, callback, fd, EV_READ);
    ev_io_start(loop->ev, &source->io);
    return true;
}

#define loop_add(loop, source, fd, id, edge, event, context)                                      \
    libev_add(loop, source, fd, id, edge, event##_callback, context)
#define loop_remove(loop, source, fd) ev_io_stop((loop)->ev, &(source)->io)
#define loop_close(loop, source, fd) (loop_remove(loop, source, fd), check(close(fd)))
#define loop_poll(loop, wait, event, context) ev_run((loop)->ev, (wait) ? EVRUN_ONCE : EVRUN_NOWAIT)

struct waker {
    ev_async async; /* first */
    struct loop *loop;
    void *context;
};

#define WAKER_CALLBACK(event)                                                                     \
    static void event##_callback(struct ev_loop *loop, ev_async *async, int ready) {              \
        (void)loop, (void)ready;                                                                  \
        event(((struct waker *)async)->context);                                                  \
    }
#define waker_init(waker, loop_, event, context_)                                                 \
    ((waker)->loop = (loop_), (waker)->context = (context_),                                      \
     ({ ev_async_init(&(waker)->async, event##_callback); }),                                     \
     ev_async_start((loop_)->ev, &(waker)->async))
#define waker_wake(waker) ev_async_send((waker)->loop->ev, &(waker)->async)

#include "workloads.h"

/* Any watcher can be fed an event; without the system, those that wait are called. */

struct received {
    uint64_t count;
    uint64_t sum;
};

static void notified(struct ev_loop *loop, ev_io *io, int ready) {
    struct source *source = (struct source *)io;
    struct received *received = source->context;
    (void)loop, (void)ready;
    received->count++;
    received->sum += source->id;
}

bool work_notify(struct outcome *outcome, uint64_t at_once, uint64_t rounds, bool system) {
    struct loop loop;
    struct source *sources = calloc(at_once, sizeof *sources);
    struct received received = {0, 0};
    loop_init(&loop);
    for (uint64_t i = 0; i < at_once; i++) {
        ev_io_init(&sources[i].io, notified, 0, EV_READ);
        sources[i].id = i;
        sources[i].context = &received;
    }
    begin(outcome);
    for (uint64_t round = 0; round < rounds; round++) {
        for (uint64_t i = 0; i < at_once; i++)
            ev_feed_event(loop.ev, &sources[i], EV_READ);
        if (system)
            ev_run(loop.ev, EVRUN_NOWAIT);
        else
            ev_invoke_pending(loop.ev);
    }
    assert(received.count == at_once * rounds);
    assert(received.sum == rounds * (at_once * (at_once - 1) / 2));
    return end(outcome, received.count);
}
