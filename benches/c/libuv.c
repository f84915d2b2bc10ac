/* libuv: callbacks, level-triggered, by its `uv_poll_t`: its streams would read and write by
 * themselves. It tells the system of changes at the next poll. */
#include "check.h"
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
