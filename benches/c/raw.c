/* epoll by hand: the floor. */
#include "check.h"
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CAPACITY 256
#define SERVE_EDGE true
#define CALLBACK(event)

struct loop {
    int epoll;
    struct epoll_event events[CAPACITY];
};

struct source {
    char none;
};

static inline void control(struct loop *loop, int operation, int fd, uint64_t id, bool edge) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | (edge ? (uint32_t)EPOLLET : 0),
                                .data.u64 = id};
    check(epoll_ctl(loop->epoll, operation, fd, &event));
}

static inline void loop_init(struct loop *loop) {
    loop->epoll = check(epoll_create1(EPOLL_CLOEXEC));
}

static inline int loop_wait(struct loop *loop, int timeout) {
    for (;;) {
        int n = epoll_wait(loop->epoll, loop->events, CAPACITY, timeout);
        if (n >= 0)
            return n;
        assert(errno == EINTR);
    }
}

#define loop_add(loop, source, fd, id, edge, event, context) \
    ((void)(source), control(loop, EPOLL_CTL_ADD, fd, id, edge), true)
#define loop_modify(loop, source, fd, id, edge) control(loop, EPOLL_CTL_MOD, fd, id, edge)
#define loop_remove(loop, source, fd) control(loop, EPOLL_CTL_DEL, fd, 0, true)
#define loop_close(loop, source, fd) check(close(fd))
#define loop_poll(loop, wait, event, context)                                                     \
    do {                                                                                          \
        int n = loop_wait(loop, (wait) ? -1 : 0);                                                 \
        for (int i = 0; i < n; i++)                                                               \
            event(context, (loop)->events[i].data.u64,                                            \
                  ((loop)->events[i].events & (EPOLLRDHUP | EPOLLHUP)) != 0);                     \
    } while (0)

/* An eventfd, edge-triggered, so that it need not be read: each write is an edge. */
struct waker {
    int eventfd;
};

static void waker_wake(struct waker *waker) {
    uint64_t one = 1;
    check(write(waker->eventfd, &one, sizeof one));
}

#define WAKER_CALLBACK(event)
#define waker_init(waker, loop, event, context)                                                   \
    ((waker)->eventfd = check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),                            \
     control(loop, EPOLL_CTL_ADD, (waker)->eventfd, 0, true))
#define waker_poll(loop, event, context)                                                          \
    do {                                                                                          \
        int n = loop_wait(loop, -1);                                                              \
        for (int i = 0; i < n; i++)                                                               \
            event(context);                                                                       \
    } while (0)

#include "workloads.h"

/* A queue of the program's own, whose events come behind the system's: see src/bin/notify.rs. It is
 * emptied by every poll, as long as there is room for all of it. */

struct event {
    uint64_t id;
    uint32_t readiness;
};

struct queue {
    struct event *events;
    size_t length;
    size_t capacity;
};

static inline void queue_push(struct queue *queue, uint64_t id) {
    if (queue->length == queue->capacity) {
        queue->capacity = queue->capacity ? 2 * queue->capacity : 64;
        queue->events = realloc(queue->events, queue->capacity * sizeof *queue->events);
        assert(queue->events);
    }
    queue->events[queue->length].id = id;
    queue->events[queue->length++].readiness = EPOLLIN;
}

static inline size_t queue_poll(struct queue *queue, struct loop *loop, struct event *events,
                                bool system) {
    size_t n = 0;
    if (system) {
        size_t count = (size_t)loop_wait(loop, 0);
        for (; n < count; n++) {
            events[n].id = loop->events[n].data.u64;
            events[n].readiness = loop->events[n].events;
        }
    }
    size_t taken = queue->length < CAPACITY - n ? queue->length : CAPACITY - n;
    memcpy(events + n, queue->events, taken * sizeof *events);
    queue->length -= taken;
    if (queue->length > 0)
        memmove(queue->events, queue->events + taken, queue->length * sizeof *events);
    return n + taken;
}

bool work_notify(struct outcome *outcome, uint64_t at_once, uint64_t rounds, bool system) {
    struct queue queue = {.length = 0};
    struct loop loop;
    struct event events[CAPACITY];
    uint64_t count = 0, sum = 0;
    loop_init(&loop);
    begin(outcome);
    for (uint64_t round = 0; round < rounds; round++) {
        for (uint64_t i = 0; i < at_once; i++)
            queue_push(&queue, i);
        size_t n = queue_poll(&queue, &loop, events, system);
        for (size_t i = 0; i < n; i++) {
            count++;
            sum += events[i].id;
        }
    }
    assert(count == at_once * rounds && sum == rounds * (at_once * (at_once - 1) / 2));
    return end(outcome, count);
}

/* See src/bin/unix.rs. */
bool work_unix(struct outcome *outcome, uint64_t requests, bool both) {
    struct loop loop;
    uint64_t served = 0;
    bool closed = false;
    if (both)
        return false;
    loop_init(&loop);
    int stream = start_load_on_pair(requests);
    control(&loop, EPOLL_CTL_ADD, stream, 0, true);
    begin(outcome);
    while (!closed) {
        int n = loop_wait(&loop, -1);
        for (int i = 0; i < n && !closed; i++) {
            char buffer[BUFFER];
            ssize_t count;
            while ((count = stream_read(stream, buffer, sizeof buffer)) > 0) {
                ssize_t sent = stream_write(stream, buffer, (size_t)count);
                assert(sent == count);
                served++;
            }
            assert(count == 0 || would_block(count));
            closed = count == 0;
        }
    }
    end(outcome, served);
    check(close(stream));
    return true;
}

/* See src/bin/udp.rs: a call for each datagram, or a batch whose headers are made once. */
struct pair {
    int sender, receiver;
    bool batch;
    struct sockaddr_storage target, sources[MOST_DATAGRAMS];
    struct mmsghdr out[MOST_DATAGRAMS], in[MOST_DATAGRAMS];
    struct iovec outgoing[MOST_DATAGRAMS], incoming[MOST_DATAGRAMS];
    unsigned count;
    char memory[MOST_DATAGRAMS][DATAGRAM];
};

static inline bool pair_init(struct pair *pair, enum how how, uint64_t count) {
    pair->batch = how == BATCH;
    pair->count = (unsigned)count;
    return how == PLAIN || how == BATCH;
}

static int bound(const char *address) {
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = check(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    char text[16];
    snprintf(text, sizeof text, "%.*s", (int)strcspn(address, ":"), address);
    check(inet_pton(AF_INET, text, &to.sin_addr) - 1);
    check(bind(fd, (struct sockaddr *)&to, sizeof to));
    return fd;
}

static inline void pair_bind_receiver(struct pair *pair, const char *address) {
    socklen_t length = sizeof pair->target;
    pair->receiver = bound(address);
    check(getsockname(pair->receiver, (struct sockaddr *)&pair->target, &length));
}

static inline void pair_bind_sender(struct pair *pair, const char *address) {
    pair->sender = bound(address);
    for (unsigned i = 0; i < pair->count; i++) {
        pair->outgoing[i].iov_len = DATAGRAM;
        pair->incoming[i] = (struct iovec){pair->memory[i], DATAGRAM};
        pair->out[i].msg_hdr = (struct msghdr){.msg_name = &pair->target,
                                               .msg_namelen = sizeof(struct sockaddr_in),
                                               .msg_iov = &pair->outgoing[i],
                                               .msg_iovlen = 1};
        pair->in[i].msg_hdr = (struct msghdr){.msg_name = &pair->sources[i],
                                              .msg_iov = &pair->incoming[i],
                                              .msg_iovlen = 1};
    }
}

static inline void pair_send(struct pair *pair, char *data, uint64_t count) {
    if (!pair->batch) {
        for (uint64_t i = 0; i < count; i++) {
            ssize_t sent = sendto(pair->sender, data + i * DATAGRAM, DATAGRAM, MSG_NOSIGNAL,
                                  (struct sockaddr *)&pair->target, sizeof(struct sockaddr_in));
            assert(sent == DATAGRAM);
        }
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        pair->outgoing[i].iov_base = data + i * DATAGRAM;
    int sent = check(sendmmsg(pair->sender, pair->out, (unsigned)count, MSG_NOSIGNAL));
    assert((uint64_t)sent == count);
}

static inline uint64_t pair_receive(struct pair *pair) {
    int n;
    if (pair->batch) {
        for (unsigned i = 0; i < pair->count; i++)
            pair->in[i].msg_hdr.msg_namelen = sizeof pair->sources[i];
        n = recvmmsg(pair->receiver, pair->in, pair->count, 0, NULL);
    } else {
        socklen_t length = sizeof pair->sources[0];
        ssize_t result = recvfrom(pair->receiver, pair->memory[0], DATAGRAM, 0,
                                  (struct sockaddr *)&pair->sources[0], &length);
        n = result < 0 ? -1 : 1;
    }
    assert(n > 0 || errno == EAGAIN);
    return n > 0 ? (uint64_t)n : 0;
}

#include "udp.h"
