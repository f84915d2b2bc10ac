/* libuv: callbacks, level-triggered, by its `uv_poll_t`: its streams would read and write by
 * themselves. It tells the system of changes at the next poll. */
#include "check.h"
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define SERVE_EDGE false

/* A handle belongs to the loop until its close callback, later than the connection's place is
 * used again: so they have a list of their own. */
struct handle {
    uv_poll_t poll; /* first: it is what the callback gets */
    struct handle *next;
    struct loop *loop;
    uint64_t id;
    void *context;
};

struct loop {
    uv_loop_t uv;
    struct handle *unused;
};

struct source {
    struct handle *handle;
};

#define CALLBACK(event)                                                                           \
    static void event##_callback(uv_poll_t *poll, int status, int ready) {                        \
        struct handle *handle = (struct handle *)poll;                                            \
        (void)ready;                                                                              \
        check(status);                                                                            \
        event(handle->context, handle->id, false);                                                \
    }

static inline void loop_init(struct loop *loop) {
    check(uv_loop_init(&loop->uv));
    loop->unused = NULL;
}

static inline bool libuv_add(struct loop *loop, struct source *source, int fd, uint64_t id,
                             bool edge, uv_poll_cb callback, void *context) {
    struct handle *handle = loop->unused;
    if (edge)
        return false;
    if (handle)
        loop->unused = handle->next;
    else
        handle = malloc(sizeof *handle);
    handle->loop = loop;
    handle->id = id;
    handle->context = context;
    source->handle = handle;
    check(uv_poll_init(&loop->uv, &handle->poll, fd));
    check(uv_poll_start(&handle->poll, UV_READABLE, callback));
    return true;
}

static void libuv_closed(uv_handle_t *poll) {
    struct handle *handle = (struct handle *)poll;
    handle->next = handle->loop->unused;
    handle->loop->unused = handle;
}

#define loop_add(loop, source, fd, id, edge, event, context)                                      \
    libuv_add(loop, source, fd, id, edge, event##_callback, context)
#define loop_remove(loop, source, fd) uv_close((uv_handle_t *)(source)->handle, libuv_closed)
#define loop_close(loop, source, fd) (loop_remove(loop, source, fd), check(close(fd)))
#define loop_poll(loop, wait, event, context)                                                     \
    uv_run(&(loop)->uv, (wait) ? UV_RUN_ONCE : UV_RUN_NOWAIT)

struct waker {
    uv_async_t async; /* first */
    void *context;
};

#define WAKER_CALLBACK(event)                                                                     \
    static void event##_callback(uv_async_t *async) {                                             \
        event(((struct waker *)async)->context);                                                  \
    }
#define waker_init(waker, loop, event, context_)                                                  \
    ((waker)->context = (context_),                                                               \
     check(uv_async_init(&(loop)->uv, &(waker)->async, event##_callback)))
#define waker_wake(waker) check(uv_async_send(&(waker)->async))

#include "workloads.h"

/* See src/bin/udp.rs. */
struct pair {
    uv_loop_t loop;
    uv_udp_t sender, receiver;
    struct sockaddr_storage target;
    uint64_t received;
};

static inline bool pair_init(struct pair *pair, enum how how, uint64_t count) {
    (void)count;
    check(uv_loop_init(&pair->loop));
    return how == PLAIN;
}

static void udp_bind(uv_udp_t *handle, const char *address, struct pair *pair, unsigned flags) {
    struct sockaddr_in to;
    char text[16];
    snprintf(text, sizeof text, "%.*s", (int)strcspn(address, ":"), address);
    check(uv_ip4_addr(text, 0, &to));
    check(uv_udp_init_ex(&pair->loop, handle, AF_INET | flags));
    check(uv_udp_bind(handle, (struct sockaddr *)&to, 0));
    handle->data = pair;
}

/* Memory for as many as libuv receives by one call, 64 KB each. */
static void udp_memory(uv_handle_t *handle, size_t size, uv_buf_t *buffer) {
    static _Alignas(4096) char memory[20 * LARGE];
    (void)handle, (void)size;
    *buffer = uv_buf_init(memory, sizeof memory);
}

static void udp_received(uv_udp_t *handle, ssize_t length, const uv_buf_t *buffer,
                         const struct sockaddr *sender, unsigned flags) {
    (void)buffer, (void)flags;
    check(length);
    if (sender != NULL)
        ((struct pair *)handle->data)->received++;
}

static inline void pair_bind_receiver(struct pair *pair, const char *address) {
    int length = sizeof pair->target;
    udp_bind(&pair->receiver, address, pair, UV_UDP_RECVMMSG);
    check(uv_udp_getsockname(&pair->receiver, (struct sockaddr *)&pair->target, &length));
    check(uv_udp_recv_start(&pair->receiver, udp_memory, udp_received));
}

static inline void pair_bind_sender(struct pair *pair, const char *address) {
    udp_bind(&pair->sender, address, pair, 0);
}

static inline void pair_send(struct pair *pair, char *data, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uv_buf_t buffer = uv_buf_init(data + i * DATAGRAM, DATAGRAM);
        int sent = uv_udp_try_send(&pair->sender, &buffer, 1, (struct sockaddr *)&pair->target);
        assert(sent == DATAGRAM);
    }
}

static inline uint64_t pair_receive(struct pair *pair) {
    pair->received = 0;
    uv_run(&pair->loop, UV_RUN_NOWAIT);
    return pair->received;
}

#include "udp.h"
