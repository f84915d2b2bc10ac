/*
 * c-ares in a loop of <mio_st/loop.h>: c-ares 1.18 and later, without its event thread.
 *
 * mio_st_cares_init() makes the channel. Start look-ups with ares_getaddrinfo() and its kin at any time; they end while
 * the loop turns. The struct is the program's and must stay where it is until mio_st_cares_destroy(), which ends the
 * look-ups that run with ARES_EDESTRUCTION. Neither that nor ares_cancel() is called from a callback of c-ares.
 *
 * c-ares repeats a question whose answer was lost, and gives up, when it is told of the time; nothing else makes it. So
 * a timer runs while a socket is open: until the next timeout, and for a second at most, since c-ares does not tell when
 * a look-up on an open socket begins.
 *
 * What goes by TCP, since the answer was too long for a datagram, c-ares 1.18 asks once: it fails after the first timeout.
 *
 * A socket that cannot be watched for want of memory is one that never answers: its look-ups end with a timeout.
 */
#ifndef MIO_ST_CARES_H
#define MIO_ST_CARES_H

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <ares.h>

#include "loop.h"

struct mio_st_cares_socket;

typedef struct mio_st_cares {
    ares_channel channel;
    mio_st_loop_t *loop;
    mio_st_timer_t timer;
    struct mio_st_cares_socket *sockets;
} mio_st_cares_t;

typedef struct mio_st_cares_socket {
    mio_st_source_t source;
    mio_st_cares_t *cares;
    struct mio_st_cares_socket *next;
    ares_socket_t fd;
} mio_st_cares_socket_t;

static inline void mio_st_cares_on_socket_event(mio_st_source_t *source, uint32_t readiness)
{
    mio_st_cares_socket_t *watched = MIO_ST_CONTAINER(source, mio_st_cares_socket_t, source);
    const uint32_t failed = MIO_ST_ERROR | MIO_ST_HUP;
    ares_socket_t readable = readiness & (MIO_ST_READABLE | failed) ? watched->fd : ARES_SOCKET_BAD;
    ares_socket_t writable = readiness & (MIO_ST_WRITABLE | failed) ? watched->fd : ARES_SOCKET_BAD;
    ares_process_fd(watched->cares->channel, readable, writable); /* `watched` may be gone */
}

/* Waits for the next timeout, if there can be one. */
static inline void mio_st_cares_set_timer(mio_st_cares_t *cares)
{
    struct timeval most = {1, 0}, space, *next;
    if (cares->sockets == NULL)
        return;
    next = ares_timeout(cares->channel, &most, &space);
    if (mio_st_timer_start(cares->loop, &cares->timer,
                           (uint64_t)next->tv_sec * 1000000000 + (uint64_t)next->tv_usec * 1000) < 0)
        ares_cancel(cares->channel); /* without memory for a timer they might never end */
}

static inline void mio_st_cares_on_timer_event(mio_st_source_t *source, uint32_t readiness)
{
    mio_st_cares_t *cares = MIO_ST_CONTAINER(source, mio_st_cares_t, timer.source);
    (void)readiness;
    ares_process_fd(cares->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    mio_st_cares_set_timer(cares);
}

/* The sock_state_cb of the options. */
static inline void mio_st_cares_watch(void *user, ares_socket_t fd, int readable, int writable)
{
    mio_st_cares_t *cares = (mio_st_cares_t *)user;
    mio_st_cares_socket_t **place = &cares->sockets, *watched;
    uint32_t interests = (readable ? MIO_ST_READABLE : 0) | (writable ? MIO_ST_WRITABLE : 0);
    while (*place != NULL && (*place)->fd != fd)
        place = &(*place)->next;
    watched = *place;
    if (interests == 0) { /* it is about to be closed */
        if (watched == NULL)
            return;
        *place = watched->next;
        mio_st_poller_deregister_fd(cares->loop->poller, fd);
        mio_st_source_remove(cares->loop, &watched->source);
        free(watched);
        if (cares->sockets == NULL)
            mio_st_timer_stop(cares->loop, &cares->timer);
        return;
    }
    if (watched == NULL) {
        watched = (mio_st_cares_socket_t *)calloc(1, sizeof *watched);
        if (watched == NULL)
            return;
        watched->source.on_event = mio_st_cares_on_socket_event;
        watched->cares = cares;
        watched->fd = fd;
        *place = watched;
        if (place == &cares->sockets && mio_st_timer_start(cares->loop, &cares->timer, 0) < 0)
            return; /* the first socket: how long to wait is asked for in the next turn */
    }
    if (mio_st_poller_watch_fd(cares->loop->poller, fd, mio_st_source_id(&watched->source), interests,
                               MIO_ST_LEVEL) < 0)
        return;
}

/* As ares_init_options(), but for the callback, which is the adapter's. ARES_SUCCESS, or its error. */
static inline int mio_st_cares_init(mio_st_cares_t *cares, mio_st_loop_t *loop, struct ares_options options, int mask)
{
    memset(cares, 0, sizeof *cares);
    cares->loop = loop;
    cares->timer.source.on_event = mio_st_cares_on_timer_event;
    options.sock_state_cb = mio_st_cares_watch;
    options.sock_state_cb_data = cares;
    return ares_init_options(&cares->channel, &options, mask | ARES_OPT_SOCK_STATE_CB);
}

static inline void mio_st_cares_destroy(mio_st_cares_t *cares)
{
    ares_destroy(cares->channel);
    cares->channel = NULL;
    mio_st_timer_stop(cares->loop, &cares->timer);
}

#endif
