/* The floor of the benchmark `http`: as much of mio_st.h as c-examples/http_server.c uses, by hand over
 * epoll, for one thread with one poller. So the same server, with the same system calls, runs on the
 * library and on what a careful programmer would write in its place. Nothing is checked, a handle is a
 * descriptor, and a deadline is a number in a table, looked through four times a second. */
#pragma once
#undef NDEBUG
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MIO_ST_READABLE (uint32_t)EPOLLIN
#define MIO_ST_PRIORITY (uint32_t)EPOLLPRI
#define MIO_ST_WRITABLE (uint32_t)EPOLLOUT
#define MIO_ST_READ_CLOSED (uint32_t)EPOLLRDHUP
#define MIO_ST_TIMER (1u << 6)
#define MIO_ST_EDGE (uint32_t)EPOLLET
#define MIO_ST_LEVEL 0u
#define MIO_ST_ADDR_TEXT_SIZE 64

#define SWEEP UINT64_C(250000000)
#define ROOM 256

typedef struct { int fd; } mio_st_poller_t;
typedef struct { int fd; } mio_st_awakener_t;
typedef struct { int fd; } mio_st_tcp_listener_t;
typedef struct { int fd; } mio_st_tcp_stream_t;
typedef struct { uint64_t slot, serial; } mio_st_deadline_key_t;
typedef struct { uint64_t id; uint32_t readiness; } mio_st_event_t;

static struct {
    struct epoll_event events[ROOM];
    mio_st_event_t *posted; /* to be handed out by the next poll */
    size_t posted_count;
    struct { uint64_t id, when, serial, next_unused; } *deadlines; /* from 1 on */
    uint64_t used, unused, live, serial;
    uint64_t time, next_sweep; /* `time` is 0 if it was not read since the last poll */
} by_hand;

static inline int failed(long result) {
    return result < 0 ? -errno : (int)result;
}

static inline uint64_t read_clock(void) {
    if (by_hand.time == 0) {
        struct timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        by_hand.time = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
    }
    return by_hand.time;
}

static inline int mio_st_poller_with_capacity(mio_st_poller_t *poller, size_t deadlines,
                                              size_t notifications) {
    by_hand.posted = calloc(notifications + deadlines, sizeof *by_hand.posted);
    by_hand.deadlines = calloc(deadlines + 1, sizeof *by_hand.deadlines);
    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    return failed(poller->fd);
}

static inline int mio_st_poller_close(mio_st_poller_t poller) {
    free(by_hand.posted);
    free(by_hand.deadlines);
    return failed(close(poller.fd));
}

static inline int mio_st_poller_now(mio_st_poller_t poller, uint64_t *time) {
    (void)poller;
    *time = read_clock();
    return 0;
}

static inline int mio_st_poller_notify(mio_st_poller_t poller, uint64_t id, uint32_t readiness) {
    (void)poller;
    by_hand.posted[by_hand.posted_count++] = (mio_st_event_t){id, readiness};
    return 0;
}

static inline int mio_st_poller_add_deadline(mio_st_poller_t poller, uint64_t id, uint64_t when,
                                             mio_st_deadline_key_t *key) {
    uint64_t slot = by_hand.unused;
    (void)poller;
    if (slot)
        by_hand.unused = by_hand.deadlines[slot].next_unused;
    else
        slot = ++by_hand.used;
    if (by_hand.live++ == 0)
        by_hand.next_sweep = read_clock() + SWEEP;
    by_hand.deadlines[slot].id = id;
    by_hand.deadlines[slot].when = when;
    by_hand.deadlines[slot].serial = ++by_hand.serial;
    if (key)
        *key = (mio_st_deadline_key_t){slot, by_hand.serial};
    return 0;
}

static inline int mio_st_poller_add_timeout(mio_st_poller_t poller, uint64_t id, uint64_t timeout,
                                            mio_st_deadline_key_t *key) {
    return mio_st_poller_add_deadline(poller, id, read_clock() + timeout, key);
}

static inline int mio_st_poller_move_deadline(mio_st_poller_t poller, mio_st_deadline_key_t key,
                                              uint64_t when) {
    (void)poller;
    if (key.slot == 0 || by_hand.deadlines[key.slot].serial != key.serial)
        return 0;
    by_hand.deadlines[key.slot].when = when;
    return 1;
}

static inline int mio_st_poller_move_or_add_deadline(mio_st_poller_t poller, uint64_t id, uint64_t when,
                                                     mio_st_deadline_key_t *key) {
    return mio_st_poller_move_deadline(poller, *key, when) == 1
               ? 1
               : mio_st_poller_add_deadline(poller, id, when, key);
}

static inline void drop_deadline(uint64_t slot) {
    by_hand.deadlines[slot].serial = 0;
    by_hand.deadlines[slot].next_unused = by_hand.unused;
    by_hand.unused = slot;
    by_hand.live--;
}

static inline int mio_st_poller_cancel_deadline(mio_st_poller_t poller, mio_st_deadline_key_t key) {
    (void)poller;
    if (key.slot == 0 || by_hand.deadlines[key.slot].serial != key.serial)
        return 0;
    drop_deadline(key.slot);
    return 1;
}

static void sweep(mio_st_poller_t poller) {
    for (uint64_t slot = 1; slot <= by_hand.used; slot++) {
        if (by_hand.deadlines[slot].serial && by_hand.deadlines[slot].when <= by_hand.time) {
            mio_st_poller_notify(poller, by_hand.deadlines[slot].id, MIO_ST_TIMER);
            drop_deadline(slot);
        }
    }
    by_hand.next_sweep = by_hand.time + SWEEP;
}

static inline int mio_st_poller_poll(mio_st_poller_t poller, mio_st_event_t *events, size_t room,
                                     int64_t timeout) {
    for (;;) {
        int wait = by_hand.live ? (int)(SWEEP / 1000000) : -1;
        assert(timeout < 0 && room >= ROOM);
        int n = epoll_wait(poller.fd, by_hand.events, ROOM, by_hand.posted_count ? 0 : wait);
        if (n < 0 && errno != EINTR)
            return -errno;
        by_hand.time = 0;
        if (by_hand.live && read_clock() >= by_hand.next_sweep)
            sweep(poller);
        int count = 0;
        for (; count < n; count++) {
            events[count].id = by_hand.events[count].data.u64;
            events[count].readiness = by_hand.events[count].events;
        }
        size_t taken = by_hand.posted_count < room - (size_t)count ? by_hand.posted_count
                                                                   : room - (size_t)count;
        if (taken > 0) {
            memcpy(events + count, by_hand.posted, taken * sizeof *events);
            by_hand.posted_count -= taken;
            memmove(by_hand.posted, by_hand.posted + taken, by_hand.posted_count * sizeof *events);
            count += (int)taken;
        }
        if (count > 0)
            return count;
    }
}

static inline int add_fd(mio_st_poller_t poller, int fd, uint64_t id, uint32_t events) {
    struct epoll_event event = {.events = events | EPOLLRDHUP, .data.u64 = id};
    return failed(epoll_ctl(poller.fd, EPOLL_CTL_ADD, fd, &event));
}

static inline int mio_st_poller_register_tcp_listener(mio_st_poller_t poller,
                                                      mio_st_tcp_listener_t listener, uint64_t id,
                                                      uint32_t interests, uint32_t option) {
    return add_fd(poller, listener.fd, id, interests | option);
}

static inline int mio_st_poller_deregister_tcp_listener(mio_st_poller_t poller,
                                                        mio_st_tcp_listener_t listener) {
    return failed(epoll_ctl(poller.fd, EPOLL_CTL_DEL, listener.fd, NULL));
}

static inline int mio_st_poller_register_tcp_stream(mio_st_poller_t poller,
                                                    mio_st_tcp_stream_t stream, uint64_t id,
                                                    uint32_t interests, uint32_t option) {
    return add_fd(poller, stream.fd, id, interests | option);
}

/* Nothing is looked for. */
enum { MIO_ST_CHECK_ALL = 15 };

typedef struct {
    uint32_t problem;
    int32_t fd;
    uint64_t id, count, time_ns;
} mio_st_complaint_t;

static inline int mio_st_poller_set_checks(mio_st_poller_t poller, uint32_t checks) {
    (void)poller;
    (void)checks;
    return 0;
}

static inline int mio_st_poller_next_complaint(mio_st_poller_t poller,
                                               mio_st_complaint_t *complaint, size_t size) {
    (void)poller;
    (void)complaint;
    (void)size;
    return 0;
}

static inline const char *mio_st_complaint_text(uint32_t problem) {
    (void)problem;
    return "";
}

/* Nor is there another clock than the system's. */
enum { MIO_ST_CLOCK_PAUSED = 1 };

static inline int mio_st_poller_set_clock(mio_st_poller_t poller, uint32_t clock) {
    (void)poller;
    (void)clock;
    return -EINVAL;
}

static inline int mio_st_poller_advance(mio_st_poller_t poller, uint64_t by) {
    (void)poller;
    (void)by;
    return -EINVAL;
}

static inline int mio_st_poller_register_fd(mio_st_poller_t poller, int fd, uint64_t id,
                                            uint32_t interests, uint32_t option) {
    return add_fd(poller, fd, id, interests | option);
}

static inline int mio_st_poller_deregister_fd(mio_st_poller_t poller, int fd) {
    return failed(epoll_ctl(poller.fd, EPOLL_CTL_DEL, fd, NULL));
}

static inline int mio_st_awakener_new(mio_st_awakener_t *awakener, mio_st_poller_t poller,
                                      uint64_t id) {
    awakener->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return add_fd(poller, awakener->fd, id, EPOLLIN | EPOLLET);
}

static inline int mio_st_awakener_wake(mio_st_awakener_t awakener) {
    uint64_t one = 1;
    return failed(write(awakener.fd, &one, sizeof one));
}

static inline int mio_st_awakener_close(mio_st_awakener_t awakener) {
    return failed(close(awakener.fd));
}

static inline int mio_st_tcp_listener_bind_str(mio_st_tcp_listener_t *listener, const char *text) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(strchr(text, ':') + 1)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener->fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -errno;
    return failed(listen(listener->fd, SOMAXCONN));
}

static inline int mio_st_tcp_listener_local_addr(mio_st_tcp_listener_t listener,
                                                 struct sockaddr_storage *address) {
    socklen_t length = sizeof *address;
    int result = getsockname(listener.fd, (struct sockaddr *)address, &length);
    return result < 0 ? -errno : (int)length;
}

static inline int mio_st_addr_format(const struct sockaddr *address, socklen_t length, char *text,
                                     size_t size) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    (void)length;
    return snprintf(text, size, "127.0.0.1:%d", ntohs(v4->sin_port));
}

static inline int mio_st_tcp_listener_accept(mio_st_tcp_listener_t listener,
                                             mio_st_tcp_stream_t *stream,
                                             struct sockaddr_storage *peer) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    (void)peer;
    stream->fd = accept4(listener.fd, (struct sockaddr *)&address, &length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
    return stream->fd < 0 ? -errno : 0;
}

static inline int mio_st_tcp_listener_close(mio_st_tcp_listener_t listener) {
    return failed(close(listener.fd));
}

static inline int64_t mio_st_tcp_stream_read(mio_st_tcp_stream_t stream, void *buffer,
                                             size_t size) {
    ssize_t n = recv(stream.fd, buffer, size, 0);
    return n < 0 ? -errno : n;
}

static inline int64_t mio_st_tcp_stream_write(mio_st_tcp_stream_t stream, const void *buffer,
                                              size_t size) {
    ssize_t n = send(stream.fd, buffer, size, MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

static inline int mio_st_tcp_stream_shutdown(mio_st_tcp_stream_t stream, int how) {
    return failed(shutdown(stream.fd, how));
}

static inline int mio_st_tcp_stream_close(mio_st_tcp_stream_t stream) {
    return failed(close(stream.fd));
}

static inline const char *mio_st_strerror(int error) { return strerror(-error); }
static inline const char *mio_st_err_name(int error) { return (void)error, "errno"; }
static inline size_t mio_st_live_handles(void) { return 0; }
