/*
 * libcurl's multi interface in a loop of <mio_st/loop.h>.
 *
 * mio_st_curl_init() makes the multi handle. Add transfers with curl_multi_add_handle() at any time; they run while
 * the loop turns. `on_done` is told of each that has ended, well or not, and owns the easy handle from then on: it
 * removes it from the multi handle, and may add others. It is the only callback from which transfers may be removed.
 *
 * Where connections are used again, call mio_st_curl_keep() on each new easy handle: it saves two system calls
 * for each.
 *
 * The struct is the program's and must stay where it is until mio_st_curl_cleanup(), which removes no transfers: do
 * that before. Each number of a descriptor that curl has waited for takes a small allocation.
 *
 * A socket that cannot be watched for want of memory makes curl abort: all transfers end with
 * CURLE_ABORTED_BY_CALLBACK, and the multi handle takes no others.
 */
#ifndef MIO_ST_CURL_H
#define MIO_ST_CURL_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "loop.h"

typedef struct mio_st_curl {
    CURLM *multi;
    mio_st_loop_t *loop;
    mio_st_timer_t timer;
    struct mio_st_curl_socket *sockets[256]; /* lists, by the last bits of the descriptor */
    int acts, is_due;
    void (*on_done)(struct mio_st_curl *curl, CURL *easy, CURLcode result);
} mio_st_curl_t;

typedef struct mio_st_curl_socket {
    mio_st_source_t source;
    mio_st_curl_t *curl;
    struct mio_st_curl_socket *next;
    curl_socket_t fd;
    uint32_t wanted, watched; /* by curl, and by the poller */
    int is_kept;              /* curl tells when it closes it: until then it may stay registered */
} mio_st_curl_socket_t;

static inline void mio_st_curl_step(mio_st_curl_t *curl, curl_socket_t fd, int what)
{
    int running, left;
    CURLMsg *message;
    if (curl_multi_socket_action(curl->multi, fd, what, &running) == CURLM_ABORTED_BY_CALLBACK)
        curl_multi_perform(curl->multi, &running); /* it ends them all, where the other waits for their sockets */
    while ((message = curl_multi_info_read(curl->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            curl->on_done(curl, message->easy_handle, message->data.result);
}

/* Lets curl go on, and tells what has ended. What it wants to do at once it does at once: one time, for the others. */
static inline void mio_st_curl_act(mio_st_curl_t *curl, curl_socket_t fd, int what)
{
    curl->acts = 1;
    mio_st_curl_step(curl, fd, what);
    curl->acts = 0;
    if (curl->is_due)
        mio_st_curl_step(curl, CURL_SOCKET_TIMEOUT, 0);
}

/* Makes the registration be so. 0, or an error: -EBADF if curl has closed the socket already. */
static inline int mio_st_curl_ask(mio_st_curl_socket_t *watched, uint32_t interests)
{
    if (interests == watched->watched)
        return 0;
    watched->watched = interests;
    if (interests == 0)
        mio_st_source_remove(watched->curl->loop, &watched->source);
    return mio_st_poller_watch_fd(watched->curl->loop->poller, watched->fd, mio_st_source_id(&watched->source),
                                  interests, MIO_ST_LEVEL);
}

static inline void mio_st_curl_on_socket_event(mio_st_source_t *source, uint32_t readiness)
{
    mio_st_curl_socket_t *watched = MIO_ST_CONTAINER(source, mio_st_curl_socket_t, source);
    int how = (readiness & MIO_ST_READABLE ? CURL_CSELECT_IN : 0) | (readiness & MIO_ST_WRITABLE ? CURL_CSELECT_OUT : 0);
    if (watched->wanted == 0) /* no transfer has it; mostly the server has closed it */
        mio_st_curl_ask(watched, 0);
    else
        mio_st_curl_act(watched->curl, watched->fd, how); /* 0 for an error alone, which curl finds */
}

static inline void mio_st_curl_on_timer_event(mio_st_source_t *source, uint32_t readiness)
{
    (void)readiness;
    mio_st_curl_act(MIO_ST_CONTAINER(source, mio_st_curl_t, timer.source), CURL_SOCKET_TIMEOUT, 0);
}

/* What there is of each number of a descriptor, until the end; NULL for want of memory. */
static inline mio_st_curl_socket_t *mio_st_curl_socket(mio_st_curl_t *curl, curl_socket_t fd)
{
    mio_st_curl_socket_t **list = &curl->sockets[fd & 255], *watched;
    for (watched = *list; watched != NULL; watched = watched->next)
        if (watched->fd == fd)
            return watched;
    watched = (mio_st_curl_socket_t *)calloc(1, sizeof *watched);
    if (watched == NULL)
        return NULL;
    watched->source.on_event = mio_st_curl_on_socket_event;
    watched->curl = curl;
    watched->fd = fd;
    watched->next = *list;
    return *list = watched;
}

/* CURLMOPT_SOCKETFUNCTION */
static inline int mio_st_curl_watch(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
    mio_st_curl_socket_t *watched = mio_st_curl_socket((mio_st_curl_t *)user, fd);
    uint32_t wanted = (what & CURL_POLL_IN ? MIO_ST_READABLE : 0) | (what & CURL_POLL_OUT ? MIO_ST_WRITABLE : 0);
    (void)easy, (void)of_socket;
    if (watched == NULL || (wanted != 0 && mio_st_curl_ask(watched, wanted) < 0))
        return -1; /* to curl it is the end of all its transfers */
    watched->wanted = wanted;
    if (wanted == 0 && !watched->is_kept) /* one that is kept stays registered: the next transfer asks for the same */
        mio_st_curl_ask(watched, 0);
    return 0;
}

/* CURLOPT_OPENSOCKETFUNCTION */
static inline curl_socket_t mio_st_curl_open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    curl_socket_t fd = socket(address->family, address->socktype, address->protocol);
    mio_st_curl_socket_t *watched = fd == CURL_SOCKET_BAD ? NULL : mio_st_curl_socket((mio_st_curl_t *)user, fd);
    (void)purpose;
    if (watched != NULL)
        watched->is_kept = 1;
    return fd;
}

/* CURLOPT_CLOSESOCKETFUNCTION */
static inline int mio_st_curl_close_socket(void *user, curl_socket_t fd)
{
    mio_st_curl_socket_t *watched = mio_st_curl_socket((mio_st_curl_t *)user, fd);
    if (watched != NULL) {
        mio_st_curl_ask(watched, 0);
        watched->is_kept = 0;
    }
    return close(fd);
}

/* CURLMOPT_TIMERFUNCTION */
static inline int mio_st_curl_set_timer(CURLM *multi, long timeout_ms, void *user)
{
    mio_st_curl_t *curl = (mio_st_curl_t *)user;
    (void)multi;
    curl->is_due = curl->acts && timeout_ms == 0;
    if (timeout_ms >= 0 && !curl->is_due)
        return mio_st_timer_start(curl->loop, &curl->timer, (uint64_t)timeout_ms * 1000000) < 0 ? -1 : 0;
    mio_st_timer_stop(curl->loop, &curl->timer);
    return 0;
}

/* 0, or -ENOMEM. curl_global_init() comes before. */
static inline int mio_st_curl_init(mio_st_curl_t *curl, mio_st_loop_t *loop,
                                   void (*on_done)(mio_st_curl_t *curl, CURL *easy, CURLcode result))
{
    memset(curl, 0, sizeof *curl);
    curl->loop = loop;
    curl->on_done = on_done;
    curl->timer.source.on_event = mio_st_curl_on_timer_event;
    if ((curl->multi = curl_multi_init()) == NULL)
        return -ENOMEM;
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, mio_st_curl_watch);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, mio_st_curl_set_timer);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    return 0;
}

/*
 * Lets the sockets that an easy handle opens from now on stay registered between two transfers, until curl closes them,
 * by CURLOPT_OPENSOCKETFUNCTION and CURLOPT_CLOSESOCKETFUNCTION. Not for connections that outlive the struct, in a
 * CURLSH; and curl_easy_reset() comes before the easy handle is used without it.
 */
static inline void mio_st_curl_keep(mio_st_curl_t *curl, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, mio_st_curl_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, curl);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, mio_st_curl_close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, curl);
}

/* Closes the connections that are kept, too. */
static inline void mio_st_curl_cleanup(mio_st_curl_t *curl)
{
    curl_multi_cleanup(curl->multi);
    for (int list = 0; list < 256; list++)
        for (mio_st_curl_socket_t *watched = curl->sockets[list], *next; watched != NULL; watched = next) {
            mio_st_source_remove(curl->loop, &watched->source); /* no more: the number may be another's */
            next = watched->next;
            free(watched);
        }
    mio_st_timer_stop(curl->loop, &curl->timer);
    curl->multi = NULL;
}

#endif
