#include "deadlines.h"
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

static void on_timer(evutil_socket_t fd, short what, void *i)
{
    (void)fd;
    (void)what;
    fired((size_t)i);
}

static struct event *timers(struct event_base *base, size_t n)
{
    struct event *events = calloc(n, sizeof *events);

    for (size_t i = 0; i < n; i++)
        event_assign(&events[i], base, -1, 0, on_timer, (void *)i);
    return events;
}

static struct timeval after(uint64_t ns)
{
    return (struct timeval){ns / 1000000000, (ns % 1000000000 + 999) / 1000};
}

void libevent_add_cancel(const struct work *work)
{
    struct event_base *base = event_base_new();
    struct event *events = timers(base, work->n);

    event_base_update_cache_time(base);
    measure_begin();
    for (size_t round = 0; round < work->rounds; round++) {
        for (size_t i = 0; i < work->n; i++) {
            struct timeval delay = after(work->delays[i]);
            event_add(&events[i], &delay);
        }
        for (size_t i = 0; i < work->n; i++)
            event_del(&events[work->order[i]]);
    }
    measure_end();
    event_base_free(base);
    free(events);
}

void libevent_rearm(const struct work *work)
{
    struct event_base *base = event_base_new();
    struct event *events = timers(base, work->n);
    struct timeval delay = after(REARM_NS);
    uint64_t random = 1;

    for (size_t i = 0; i < work->n; i++)
        event_add(&events[i], &delay);
    measure_begin();
    for (size_t k = 0; k < work->ops / BATCH; k++) {
        model_now += work->step;
        event_base_update_cache_time(base);
        for (size_t b = 0; b < BATCH; b++)
            event_add(&events[pick(&random, work->n)], &delay);
    }
    measure_end();
    for (size_t i = 0; i < work->n; i++)
        event_del(&events[i]);
    event_base_free(base);
    free(events);
}

static size_t expire(const struct work *work, int flags)
{
    struct event_config *config = event_config_new();
    struct event_base *base;
    struct event *events;
    size_t wakeups = 0;

    event_config_set_flag(config, flags);
    base = event_base_new_with_config(config);
    event_config_free(config);
    events = timers(base, work->n);
    measure_begin();
    for (size_t i = 0; i < work->n; i++) {
        struct timeval delay = after(work->delays[i]);
        event_add(&events[i], &delay);
    }
    while (event_base_loop(base, EVLOOP_ONCE) == 0)
        wakeups++;
    measure_end();
    event_base_free(base);
    free(events);
    return wakeups;
}

size_t libevent_expire(const struct work *work)
{
    return expire(work, 0);
}

size_t libevent_precise_expire(const struct work *work)
{
    return expire(work, EVENT_BASE_FLAG_PRECISE_TIMER);
}
