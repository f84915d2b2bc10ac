/*
 * Downloads by libcurl's multi_socket interface over one loop: -DMIO_ST by its adapter, or -DLIBUV, -DLIBEV,
 * -DLIBEVENT in the manner of curl's examples for it: a handle a socket, which is stopped, set and started at each
 * change, and one timer.
 *
 *     adapters_curl URL CONNECTIONS DOWNLOADS
 */
#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>

static long left, running;
static CURLM *multi;

#if defined(MIO_ST)
#include <mio_st/curl.h>
static mio_st_loop_t loop;
static mio_st_curl_t adapter;
#elif defined(LIBUV)
#include <uv.h>
static uv_timer_t timer;
struct watched {
    uv_poll_t poll;
    curl_socket_t fd;
};
#elif defined(LIBEV)
#include <ev.h>
static ev_timer timer;
struct watched {
    ev_io io;
    curl_socket_t fd;
    int is_set;
};
#elif defined(LIBEVENT)
#include <event2/event.h>
#include <event2/event_struct.h>
static struct event_base *base;
static struct event timer;
struct watched {
    struct event event;
    curl_socket_t fd;
    int is_set;
};
#endif

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    (void)data, (void)user;
    return size * count;
}

/* The same handle again, which finds its connection in curl's cache. */
static void on_end(CURL *easy, CURLcode result)
{
    if (result != CURLE_OK)
        exit(3);
    curl_multi_remove_handle(multi, easy);
    if (left-- > 0) {
        curl_multi_add_handle(multi, easy);
    } else {
        curl_easy_cleanup(easy);
        running--;
    }
}

#if defined(MIO_ST)

static void on_done(mio_st_curl_t *curl, CURL *easy, CURLcode result)
{
    (void)curl;
    on_end(easy, result);
}

#else

static void act(curl_socket_t fd, int what)
{
    int still, messages;
    CURLMsg *message;
    curl_multi_socket_action(multi, fd, what, &still);
    while ((message = curl_multi_info_read(multi, &messages)))
        if (message->msg == CURLMSG_DONE)
            on_end(message->easy_handle, message->data.result);
}

#endif

#if defined(LIBUV)

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watched *watched = (struct watched *)poll->data;
    int what = status < 0 ? CURL_CSELECT_ERR : 0;
    what |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    what |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    act(watched->fd, what);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
    struct watched *watched = (struct watched *)of_socket;
    (void)easy, (void)user;
    if (what == CURL_POLL_REMOVE) {
        if (watched) {
            uv_poll_stop(&watched->poll);
            uv_close((uv_handle_t *)&watched->poll, on_closed);
            curl_multi_assign(multi, fd, NULL);
        }
        return 0;
    }
    if (!watched) {
        watched = (struct watched *)calloc(1, sizeof *watched);
        watched->fd = fd;
        uv_poll_init_socket(uv_default_loop(), &watched->poll, fd);
        watched->poll.data = watched;
        curl_multi_assign(multi, fd, watched);
    }
    uv_poll_start(&watched->poll, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
                  on_ready);
    return 0;
}

static void on_time(uv_timer_t *of)
{
    (void)of;
    act(CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *of, long timeout_ms, void *user)
{
    (void)of, (void)user;
    if (timeout_ms < 0)
        uv_timer_stop(&timer);
    else /* one of 0 would be within this call */
        uv_timer_start(&timer, on_time, timeout_ms ? (uint64_t)timeout_ms : 1, 0);
    return 0;
}

#elif defined(LIBEV)

static void on_ready(EV_P_ ev_io *io, int events)
{
    struct watched *watched = (struct watched *)io->data;
    (void)loop;
    act(watched->fd, (events & EV_READ ? CURL_CSELECT_IN : 0) | (events & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
    struct watched *watched = (struct watched *)of_socket;
    (void)easy, (void)user;
    if (what == CURL_POLL_REMOVE) {
        if (watched) {
            if (watched->is_set)
                ev_io_stop(EV_DEFAULT_ &watched->io);
            free(watched);
        }
        return 0;
    }
    if (!watched) {
        watched = (struct watched *)calloc(1, sizeof *watched);
        watched->fd = fd;
        curl_multi_assign(multi, fd, watched);
    }
    if (watched->is_set)
        ev_io_stop(EV_DEFAULT_ &watched->io);
    ev_io_init(&watched->io, on_ready, fd, (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    watched->io.data = watched;
    watched->is_set = 1;
    ev_io_start(EV_DEFAULT_ &watched->io);
    return 0;
}

static void on_time(EV_P_ ev_timer *of, int events)
{
    (void)loop, (void)of, (void)events;
    act(CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *of, long timeout_ms, void *user)
{
    (void)of, (void)user;
    ev_timer_stop(EV_DEFAULT_ &timer);
    if (timeout_ms >= 0) {
        ev_timer_init(&timer, on_time, (double)timeout_ms / 1000, 0.);
        ev_timer_start(EV_DEFAULT_ &timer);
    }
    return 0;
}

#elif defined(LIBEVENT)

static void on_ready(evutil_socket_t fd, short events, void *user)
{
    (void)user;
    act(fd, (events & EV_READ ? CURL_CSELECT_IN : 0) | (events & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
    struct watched *watched = (struct watched *)of_socket;
    (void)easy, (void)user;
    if (what == CURL_POLL_REMOVE) {
        if (watched) {
            if (watched->is_set)
                event_del(&watched->event);
            free(watched);
        }
        return 0;
    }
    if (!watched) {
        watched = (struct watched *)calloc(1, sizeof *watched);
        watched->fd = fd;
        curl_multi_assign(multi, fd, watched);
    }
    if (watched->is_set)
        event_del(&watched->event);
    event_assign(&watched->event, base, fd,
                 (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST),
                 on_ready, watched);
    watched->is_set = 1;
    event_add(&watched->event, NULL);
    return 0;
}

static void on_time(evutil_socket_t fd, short events, void *user)
{
    (void)fd, (void)events, (void)user;
    act(CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *of, long timeout_ms, void *user)
{
    struct timeval timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
    (void)of, (void)user;
    if (timeout_ms < 0)
        evtimer_del(&timer);
    else
        evtimer_add(&timer, &timeout);
    return 0;
}

#endif

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    running = atol(argv[2]);
    left = atol(argv[3]) - running;
    curl_global_init(CURL_GLOBAL_DEFAULT);
#if defined(MIO_ST)
    if (mio_st_poller_new(&loop.poller) < 0 || mio_st_curl_init(&adapter, &loop, on_done) < 0)
        return 1;
    multi = adapter.multi;
#else
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
#endif
#if defined(LIBUV)
    uv_timer_init(uv_default_loop(), &timer);
#elif defined(LIBEVENT)
    base = event_base_new();
    evtimer_assign(&timer, base, on_time, NULL);
#endif
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, running);
    for (long i = running; i > 0; i--) {
        CURL *easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if defined(MIO_ST)
        mio_st_curl_keep(&adapter, easy);
#endif
        curl_multi_add_handle(multi, easy);
    }
    while (running > 0) {
#if defined(MIO_ST)
        if (mio_st_loop_turn(&loop, -1) < 0)
            return 1;
#elif defined(LIBUV)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
#elif defined(LIBEV)
        ev_run(EV_DEFAULT_ EVRUN_ONCE);
#elif defined(LIBEVENT)
        event_base_loop(base, EVLOOP_ONCE);
#endif
    }
    return 0;
}
