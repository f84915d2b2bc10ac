/*
 * hiredis' asynchronous connections in a loop of <mio_st/loop.h>: hiredis 0.14 to 1.x.
 *
 * mio_st_hiredis_attach() follows redisAsyncConnect(); from then on hiredis drives itself while the loop turns. What the
 * adapter allocates it frees with the context: after a disconnection, a refused connection, or redisAsyncFree(), which may
 * be called anywhere, in callbacks too.
 *
 * Commands are written at the end of the callback that made them, or in the next turn, without asking the system
 * whether there is room; only where there is not is it asked.
 *
 * With hiredis 1.x the timeouts of redisAsyncSetTimeout() and of the connect options work. Before 1.0 hiredis has none: a
 * program that wants one starts a mio_st_timer_t of its own, and frees the context when it comes.
 *
 * A connection that cannot be watched for want of memory is freed in the next turn: its commands are answered with NULL.
 */
#ifndef MIO_ST_HIREDIS_H
#define MIO_ST_HIREDIS_H

#include <stdlib.h>
#include <sys/time.h>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "loop.h"

typedef struct mio_st_hiredis {
    redisAsyncContext *context; /* NULL once hiredis has freed it */
    mio_st_loop_t *loop;
    mio_st_source_t source;
    mio_st_timer_t soon;  /* to write in the next turn */
    mio_st_timer_t timer; /* hiredis' own */
    uint32_t wanted;      /* by hiredis */
    uint32_t watched;     /* by the poller */
    int error;
    int busy; /* hiredis works: the struct is freed when it has done so */
} mio_st_hiredis_t;

/* Asks the poller for what has to be waited for. */
static inline void mio_st_hiredis_watch(mio_st_hiredis_t *redis, uint32_t interests)
{
    if (interests == redis->watched)
        return;
    redis->error = mio_st_poller_watch_fd(redis->loop->poller, redis->context->c.fd, mio_st_source_id(&redis->source),
                                          interests, MIO_ST_LEVEL);
    redis->watched = interests;
    if (redis->error < 0)
        redis->error = mio_st_timer_start(redis->loop, &redis->soon, 0) < 0 ? 0 : redis->error;
}

/* Lets hiredis read, and write what it has then. Any of its calls may end the connection. */
static inline void mio_st_hiredis_act(mio_st_hiredis_t *redis, uint32_t readiness)
{
    const uint32_t readable = MIO_ST_READABLE | MIO_ST_ERROR | MIO_ST_HUP;
    redis->busy++;
    if (redis->error < 0)
        redisAsyncFree(redis->context);
    else if (readiness & readable)
        redisAsyncHandleRead(redis->context);
    if (redis->context != NULL && (redis->wanted & MIO_ST_WRITABLE)) {
        int known_full = (redis->watched & MIO_ST_WRITABLE) != 0 || !(redis->context->c.flags & REDIS_CONNECTED);
        if (!known_full || (readiness & MIO_ST_WRITABLE))
            redisAsyncHandleWrite(redis->context);
    }
    redis->busy--;
    if (redis->context != NULL)
        mio_st_hiredis_watch(redis, redis->wanted); /* still to be written: what the socket had no room for */
    else if (redis->busy == 0)
        free(redis);
}

static inline void mio_st_hiredis_on_event(mio_st_source_t *source, uint32_t readiness)
{
    mio_st_hiredis_act(MIO_ST_CONTAINER(source, mio_st_hiredis_t, source), readiness);
}

static inline void mio_st_hiredis_on_soon(mio_st_source_t *source, uint32_t readiness)
{
    (void)readiness;
    mio_st_hiredis_act(MIO_ST_CONTAINER(source, mio_st_hiredis_t, soon.source), 0);
}

static inline void mio_st_hiredis_want(mio_st_hiredis_t *redis, uint32_t wanted)
{
    if (wanted == redis->wanted)
        return;
    redis->wanted = wanted;
    if (redis->busy > 0)
        return; /* mio_st_hiredis_act() goes on with it */
    if (!(redis->context->c.flags & REDIS_CONNECTED) || !(wanted & MIO_ST_WRITABLE))
        mio_st_hiredis_watch(redis, wanted);
    else if (mio_st_timer_start(redis->loop, &redis->soon, 0) < 0)
        mio_st_hiredis_watch(redis, wanted);
}

static inline void mio_st_hiredis_add_read(void *user)
{
    mio_st_hiredis_t *redis = (mio_st_hiredis_t *)user;
    mio_st_hiredis_want(redis, redis->wanted | MIO_ST_READABLE);
}

static inline void mio_st_hiredis_del_read(void *user)
{
    mio_st_hiredis_t *redis = (mio_st_hiredis_t *)user;
    mio_st_hiredis_want(redis, redis->wanted & ~MIO_ST_READABLE);
}

static inline void mio_st_hiredis_add_write(void *user)
{
    mio_st_hiredis_t *redis = (mio_st_hiredis_t *)user;
    mio_st_hiredis_want(redis, redis->wanted | MIO_ST_WRITABLE);
}

static inline void mio_st_hiredis_del_write(void *user)
{
    mio_st_hiredis_t *redis = (mio_st_hiredis_t *)user;
    mio_st_hiredis_want(redis, redis->wanted & ~MIO_ST_WRITABLE);
}

static inline void mio_st_hiredis_cleanup(void *user)
{
    mio_st_hiredis_t *redis = (mio_st_hiredis_t *)user;
    if (redis->watched != 0)
        mio_st_poller_deregister_fd(redis->loop->poller, redis->context->c.fd);
    mio_st_source_remove(redis->loop, &redis->source);
    mio_st_timer_stop(redis->loop, &redis->soon);
    mio_st_timer_stop(redis->loop, &redis->timer);
    redis->context = NULL;
    if (redis->busy == 0)
        free(redis);
}

#if HIREDIS_MAJOR >= 1
static inline void mio_st_hiredis_on_timer(mio_st_source_t *source, uint32_t readiness)
{
    (void)readiness;
    redisAsyncHandleTimeout(MIO_ST_CONTAINER(source, mio_st_hiredis_t, timer.source)->context); /* may free it */
}

static inline void mio_st_hiredis_schedule_timer(void *user, struct timeval timeout)
{
    mio_st_hiredis_t *redis = (mio_st_hiredis_t *)user;
    uint64_t nanoseconds = (uint64_t)timeout.tv_sec * 1000000000 + (uint64_t)timeout.tv_usec * 1000;
    (void)mio_st_timer_start(redis->loop, &redis->timer, nanoseconds); /* without memory there is no timeout */
}
#endif

/* REDIS_OK; REDIS_ERR if the context has another event loop already, or for want of memory. */
static inline int mio_st_hiredis_attach(redisAsyncContext *context, mio_st_loop_t *loop)
{
    mio_st_hiredis_t *redis;
    if (context->ev.data != NULL)
        return REDIS_ERR;
    redis = (mio_st_hiredis_t *)calloc(1, sizeof *redis);
    if (redis == NULL)
        return REDIS_ERR;
    redis->context = context;
    redis->loop = loop;
    redis->source.on_event = mio_st_hiredis_on_event;
    redis->soon.source.on_event = mio_st_hiredis_on_soon;
    context->ev.addRead = mio_st_hiredis_add_read;
    context->ev.delRead = mio_st_hiredis_del_read;
    context->ev.addWrite = mio_st_hiredis_add_write;
    context->ev.delWrite = mio_st_hiredis_del_write;
    context->ev.cleanup = mio_st_hiredis_cleanup;
#if HIREDIS_MAJOR >= 1
    redis->timer.source.on_event = mio_st_hiredis_on_timer;
    context->ev.scheduleTimer = mio_st_hiredis_schedule_timer;
#endif
    context->ev.data = redis;
    return REDIS_OK;
}

#endif
