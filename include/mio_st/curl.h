/*
 * libcurl's multi interface in a loop of <mio_st/loop.h>.
 *
 * mio_st_curl_init() makes the multi handle. Add transfers with curl_multi_add_handle() at any time; they run while
 * the loop turns. `on_done` is told of each that has ended, well or not, and owns the easy handle from then on: it
 * removes it from the multi handle, and may add others. It is the only callback from which transfers may be removed.
 *
 * The struct is the program's and must stay where it is until mio_st_curl_cleanup(), which removes no transfers: do
 * that before. Each socket takes a small allocation of its own while curl waits for it.
 *
 * A socket that cannot be watched for want of memory makes curl abort: in the next turn all transfers end with
 * CURLE_ABORTED_BY_CALLBACK, and the multi handle takes no others.
 */
#ifndef MIO_ST_CURL_H
#define MIO_ST_CURL_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "loop.h"

struct mio_st_curl_socket;

typedef struct mio_st_curl {
    CURLM *multi;
    mio_st_loop_t *loop;
    mio_st_timer_t timer;
    struct mio_st_curl_socket *sockets;
    int is_dead;
    void (*on_done)(struct mio_st_curl *curl, CURL *easy, CURLcode result);
} mio_st_curl_t;

typedef struct mio_st_curl_socket {
    mio_st_source_t source;
    mio_st_curl_t *curl;
    struct mio_st_curl_socket *previous, *next;
    curl_socket_t fd;
    uint32_t interests;
} mio_st_curl_socket_t;

/* Lets curl go on, and tells what has ended. */
static inline void mio_st_curl_act(mio_st_curl_t *curl, curl_socket_t fd, int what)
{
    int running, left;
    CURLMsg *message;
    if (curl->is_dead)
        curl_multi_perform(curl->multi, &running); /* it ends them all, where the other would wait for their sockets */
    else
        curl_multi_socket_action(curl->multi, fd, what, &running);
    while ((message = curl_multi_info_read(curl->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            curl->on_done(curl, message->easy_handle, message->data.result);
}

static inline void mio_st_curl_on_socket_event(mio_st_source_t *source, uint32_t readiness)
{
    mio_st_curl_socket_t *watched = MIO_ST_CONTAINER(source, mio_st_curl_socket_t, source);
    int what = 0;
    if (readiness & MIO_ST_READABLE)
        what |= CURL_CSELECT_IN;
    if (readiness & MIO_ST_WRITABLE)
        what |= CURL_CSELECT_OUT;
    if (readiness & (MIO_ST_ERROR | MIO_ST_HUP))
        what |= CURL_CSELECT_ERR;
    mio_st_curl_act(watched->curl, watched->fd, what); /* `watched` may be gone */
}

static inline void mio_st_curl_on_timer_event(mio_st_source_t *source, uint32_t readiness)
{
    (void)readiness;
    mio_st_curl_act(MIO_ST_CONTAINER(source, mio_st_curl_t, timer.source), CURL_SOCKET_TIMEOUT, 0);
}

static inline void mio_st_curl_forget(mio_st_curl_socket_t *watched)
{
    if (watched->previous != NULL)
        watched->previous->next = watched->next;
    else
        watched->curl->sockets = watched->next;
    if (watched->next != NULL)
        watched->next->previous = watched->previous;
    mio_st_source_remove(watched->curl->loop, &watched->source);
    free(watched);
}

/* What curl takes for the end of all its transfers, which it finds in the next turn. */
static inline int mio_st_curl_die(mio_st_curl_t *curl)
{
    curl->is_dead = mio_st_timer_start(curl->loop, &curl->timer, 0) == 0;
    return -1;
}

/* CURLMOPT_SOCKETFUNCTION */
static inline int mio_st_curl_watch(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
    mio_st_curl_t *curl = (mio_st_curl_t *)user;
    mio_st_curl_socket_t *watched = (mio_st_curl_socket_t *)of_socket;
    uint32_t interests = 0;
    (void)easy;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        interests |= MIO_ST_READABLE;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        interests |= MIO_ST_WRITABLE;
    if (watched == NULL) {
        if (interests == 0)
            return 0;
        watched = (mio_st_curl_socket_t *)calloc(1, sizeof *watched);
        if (watched == NULL)
            return mio_st_curl_die(curl);
        watched->source.on_event = mio_st_curl_on_socket_event;
        watched->curl = curl;
        watched->fd = fd;
        watched->next = curl->sockets;
        if (curl->sockets != NULL)
            curl->sockets->previous = watched;
        curl->sockets = watched;
        curl_multi_assign(curl->multi, fd, watched);
    }
    if (interests == 0 && watched->interests != 0)
        mio_st_poller_deregister_fd(curl->loop->poller, fd); /* -EBADF if it is closed already */
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(curl->multi, fd, NULL);
        mio_st_curl_forget(watched);
        return 0;
    }
    if (interests != 0 && interests != watched->interests
        && mio_st_poller_watch_fd(curl->loop->poller, fd, mio_st_source_id(&watched->source), interests,
                                  MIO_ST_LEVEL) < 0)
        return mio_st_curl_die(curl);
    watched->interests = interests;
    return 0;
}

/* CURLMOPT_TIMERFUNCTION */
static inline int mio_st_curl_set_timer(CURLM *multi, long timeout_ms, void *user)
{
    mio_st_curl_t *curl = (mio_st_curl_t *)user;
    (void)multi;
    if (curl->is_dead)
        return 0;
    if (timeout_ms < 0) {
        mio_st_timer_stop(curl->loop, &curl->timer);
        return 0;
    }
    return mio_st_timer_start(curl->loop, &curl->timer, (uint64_t)timeout_ms * 1000000) < 0 ? -1 : 0;
}

/* 0, or -ENOMEM. curl_global_init() comes before. */
static inline int mio_st_curl_init(mio_st_curl_t *curl, mio_st_loop_t *loop,
                                   void (*on_done)(mio_st_curl_t *curl, CURL *easy, CURLcode result))
{
    memset(curl, 0, sizeof *curl);
    curl->loop = loop;
    curl->on_done = on_done;
    curl->timer.source.on_event = mio_st_curl_on_timer_event;
    curl->multi = curl_multi_init();
    if (curl->multi == NULL)
        return -ENOMEM;
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, mio_st_curl_watch);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, mio_st_curl_set_timer);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    return 0;
}

/* Closes the connections that are kept, too. */
static inline void mio_st_curl_cleanup(mio_st_curl_t *curl)
{
    curl_multi_cleanup(curl->multi);
    for (mio_st_curl_socket_t *watched = curl->sockets, *next; watched != NULL; watched = next) {
        next = watched->next; /* what curl did not tell of when it aborted */
        mio_st_curl_forget(watched);
    }
    mio_st_timer_stop(curl->loop, &curl->timer);
    curl->multi = NULL;
}

#endif
