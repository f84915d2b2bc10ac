/*
 * Who owns an event: a convention for programs in which several parts share one poller and do not know of each
 * other, such as the adapters beside this file.
 *
 * What waits for events is a *source*: it embeds a mio_st_source_t, which says whom to call, and registers with
 * mio_st_source_id() as the id, descriptors and deadlines alike. Deadlines come with MIO_ST_TIMER.
 *
 * A source that ends deregisters its descriptor (or closes its handle), cancels its deadlines, and then calls
 * mio_st_source_remove(): an event of it that waits in the same batch is taken out, and its memory may be freed at
 * once, in its own callback too. A notification cannot be taken back: who posts one with mio_st_poller_notify()
 * keeps the source until it has come; a mio_st_timer_t of 0 nanoseconds does the same, and can be stopped.
 *
 * Nothing is allocated. Ids that are no sources, such as small numbers, may live in the same poller: then the program
 * takes the events one by one, and gives to mio_st_source_call() those that are not its own:
 *
 *     check(mio_st_loop_poll(&loop, -1));
 *     while (mio_st_loop_next(&loop, &event))
 *         switch (event.id) {
 *         case LISTENER: accept_clients(); break;
 *         default: mio_st_source_call(event);
 *         }
 *
 * Errors are negated errnos, as everywhere. Everything here belongs to the thread of the poller.
 */
#ifndef MIO_ST_LOOP_H
#define MIO_ST_LOOP_H

#include <stddef.h>

#include <mio_st.h>

typedef struct mio_st_source {
    /* `readiness` is that of the event. The source may be removed meanwhile, and its memory freed. */
    void (*on_event)(struct mio_st_source *source, uint32_t readiness);
} mio_st_source_t;

/* A poller and the batch of events that it handed out. Zero but for the poller, which stays the program's. */
typedef struct mio_st_loop {
    mio_st_poller_t poller;
    int next, count;
    mio_st_event_t events[256];
} mio_st_loop_t;

/* The struct that a member, such as a source, is embedded in. */
#define MIO_ST_CONTAINER(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline uint64_t mio_st_source_id(mio_st_source_t *source)
{
    return (uint64_t)(uintptr_t)source;
}

static inline void mio_st_source_call(mio_st_event_t event)
{
    mio_st_source_t *source = (mio_st_source_t *)(uintptr_t)event.id;
    source->on_event(source, event.readiness);
}

/* Takes what is left of this source out of the batch. */
static inline void mio_st_source_remove(mio_st_loop_t *loop, mio_st_source_t *source)
{
    for (int i = loop->next; i < loop->count; i++)
        if (loop->events[i].id == mio_st_source_id(source))
            loop->events[i].readiness = 0;
}

/* Polls, unless there are events left of the last poll: so a callback may do it too. The count, or an error. */
static inline int mio_st_loop_poll(mio_st_loop_t *loop, int64_t timeout_ns)
{
    const size_t capacity = sizeof loop->events / sizeof loop->events[0];
    int result;
    if (loop->next < loop->count)
        return loop->count - loop->next;
    result = mio_st_poller_poll(loop->poller, loop->events, capacity, timeout_ns);
    loop->next = 0;
    loop->count = result < 0 ? 0 : result;
    return result;
}

/* Takes the next event of the batch: 1, or 0 if there is none. */
static inline int mio_st_loop_next(mio_st_loop_t *loop, mio_st_event_t *event)
{
    while (loop->next < loop->count) {
        *event = loop->events[loop->next++];
        if (event->readiness != 0) /* it was not removed */
            return 1;
    }
    return 0;
}

/* Polls and calls the sources, of which all events must be. The count of the poll, or its error. */
static inline int mio_st_loop_turn(mio_st_loop_t *loop, int64_t timeout_ns)
{
    mio_st_event_t event;
    int result = mio_st_loop_poll(loop, timeout_ns);
    while (mio_st_loop_next(loop, &event))
        mio_st_source_call(event);
    return result;
}

/* A deadline with a source of its own. Zero but for `source.on_event`. */
typedef struct mio_st_timer {
    mio_st_source_t source;
    mio_st_deadline_key_t key;
} mio_st_timer_t;

/* Afterwards no event of it comes. */
static inline void mio_st_timer_stop(mio_st_loop_t *loop, mio_st_timer_t *timer)
{
    if (timer->key.serial == 0) /* it does not run */
        return;
    if (mio_st_poller_cancel_deadline(loop->poller, timer->key) != 1)
        mio_st_source_remove(loop, &timer->source); /* it may have fired in this batch */
    timer->key.serial = 0;
}

/* Starts it, or starts it again. 0, or an error. */
static inline int mio_st_timer_start(mio_st_loop_t *loop, mio_st_timer_t *timer, uint64_t timeout_ns)
{
    mio_st_timer_stop(loop, timer);
    return mio_st_poller_add_timeout(loop->poller, mio_st_source_id(&timer->source), timeout_ns, &timer->key);
}

#endif
