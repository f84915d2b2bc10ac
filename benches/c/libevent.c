/* libevent: callbacks, edge and level. */
#include "check.h"
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>
#include <string.h>
#include <unistd.h>

#define SERVE_EDGE true

struct loop {
    struct event_base *base;
};

struct source {
    struct event event;
    uint64_t id;
    void *context;
};

#define CALLBACK(event)                                                                           \
    static void event##_callback(evutil_socket_t fd, short ready, void *argument) {               \
        struct source *source = argument;                                                         \
        (void)fd;                                                                                 \
        event(source->context, source->id, (ready & EV_CLOSED) != 0);                             \
    }

static void loop_create(struct loop *loop, enum event_base_config_flag locks) {
    struct event_config *config = event_config_new();
    /* The header of libev has functions of the same names. */
    assert(strncmp(event_get_version(), "2.", 2) == 0);
    check(event_config_set_flag(config, locks | EVENT_BASE_FLAG_IGNORE_ENV |
                                            EVENT_BASE_FLAG_NO_CACHE_TIME));
    loop->base = event_base_new_with_config(config);
    assert(loop->base && strcmp(event_base_get_method(loop->base), "epoll") == 0);
    event_config_free(config);
}

static inline void loop_init(struct loop *loop) {
    loop_create(loop, EVENT_BASE_FLAG_NOLOCK);
}

static inline bool libevent_add(struct loop *loop, struct source *source, int fd, uint64_t id,
                                bool edge, event_callback_fn callback, void *context) {
    short ready = EV_READ | EV_CLOSED | EV_PERSIST | (edge ? EV_ET : 0);
    source->id = id;
    source->context = context;
    check(event_assign(&source->event, loop->base, fd, ready, callback, source));
    check(event_add(&source->event, NULL));
    return true;
}

#define loop_add(loop, source, fd, id, edge, event, context)                                      \
    libevent_add(loop, source, fd, id, edge, event##_callback, context)
#define loop_remove(loop, source, fd) check(event_del(&(source)->event))
#define loop_close(loop, source, fd) (loop_remove(loop, source, fd), check(close(fd)))
#define loop_poll(loop, wait, event, context)                                                     \
    check(event_base_loop((loop)->base, (wait) ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK))

struct waker {
    struct event event;
    void *context;
};

#define loop_init_threads(loop) (check(evthread_use_pthreads()), loop_create(loop, 0))
#define WAKER_CALLBACK(event)                                                                     \
    static void event##_callback(evutil_socket_t fd, short ready, void *argument) {               \
        (void)fd, (void)ready;                                                                    \
        event(((struct waker *)argument)->context);                                               \
    }
/* The event is added, with nothing to wait for but a far time, so that the loop has something to do. */
#define waker_init(waker, loop, callback, context_)                                               \
    do {                                                                                          \
        struct timeval far = {1000000, 0};                                                        \
        (waker)->context = (context_);                                                            \
        check(event_assign(&(waker)->event, (loop)->base, -1, EV_PERSIST, callback##_callback,    \
                           waker));                                                               \
        check(event_add(&(waker)->event, &far));                                                  \
    } while (0)
#define waker_wake(waker) event_active(&(waker)->event, EV_READ, 0)

#include "workloads.h"

/* Any event can be made active. */

struct received {
    uint64_t count;
    uint64_t sum;
};

static void notified(evutil_socket_t fd, short ready, void *argument) {
    struct source *source = argument;
    struct received *received = source->context;
    (void)fd, (void)ready;
    received->count++;
    received->sum += source->id;
}

bool work_notify(struct outcome *outcome, uint64_t at_once, uint64_t rounds, bool system) {
    struct loop loop;
    struct source *sources = calloc(at_once, sizeof *sources);
    struct received received = {0, 0};
    if (!system)
        return false;
    loop_init(&loop);
    for (uint64_t i = 0; i < at_once; i++) {
        check(event_assign(&sources[i].event, loop.base, -1, 0, notified, &sources[i]));
        sources[i].id = i;
        sources[i].context = &received;
    }
    begin(outcome);
    for (uint64_t round = 0; round < rounds; round++) {
        for (uint64_t i = 0; i < at_once; i++)
            event_active(&sources[i].event, EV_READ, 0);
        check(event_base_loop(loop.base, EVLOOP_ONCE | EVLOOP_NONBLOCK));
    }
    assert(received.count == at_once * rounds);
    assert(received.sum == rounds * (at_once * (at_once - 1) / 2));
    return end(outcome, received.count);
}
