/*
 * Commands to Redis by hiredis, over the adapter of one loop: -DMIO_ST, or -DLIBUV, -DLIBEV, -DLIBEVENT, whose adapters
 * hiredis ships.
 *
 *     adapters_redis PORT CONNECTIONS COMMANDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(MIO_ST)
#include <mio_st/hiredis.h>
static mio_st_loop_t loop;
#elif defined(LIBUV)
#include <hiredis/adapters/libuv.h>
#elif defined(LIBEV)
#include <hiredis/adapters/libev.h>
#elif defined(LIBEVENT)
#include <hiredis/adapters/libevent.h>
static struct event_base *base;
#endif

static long left, connections;

static int attach(redisAsyncContext *context)
{
#if defined(MIO_ST)
    return mio_st_hiredis_attach(context, &loop);
#elif defined(LIBUV)
    return redisLibuvAttach(context, uv_default_loop());
#elif defined(LIBEV)
    return redisLibevAttach(EV_DEFAULT_ context);
#elif defined(LIBEVENT)
    return redisLibeventAttach(context, base);
#endif
}

/* Each connection has one command on its way. */
static void on_reply(redisAsyncContext *context, void *reply, void *user)
{
    (void)user;
    if (reply == NULL || ((redisReply *)reply)->type != REDIS_REPLY_INTEGER)
        exit(3);
    if (left-- > 0)
        redisAsyncCommand(context, on_reply, NULL, "INCR adapters");
    else
        redisAsyncDisconnect(context);
}

static void on_disconnect(const redisAsyncContext *context, int status)
{
    (void)context;
    if (status != REDIS_OK)
        exit(4);
    connections--;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    connections = atol(argv[2]);
    left = atol(argv[3]) - connections;
#if defined(MIO_ST)
    if (mio_st_poller_new(&loop.poller) < 0)
        return 1;
#elif defined(LIBEVENT)
    base = event_base_new();
#endif
    for (long i = connections; i > 0; i--) {
        redisAsyncContext *context = redisAsyncConnect("127.0.0.1", atoi(argv[1]));
        if (context == NULL || context->err || attach(context) != REDIS_OK)
            return 1;
        redisAsyncSetDisconnectCallback(context, on_disconnect);
        redisAsyncCommand(context, on_reply, NULL, "INCR adapters");
    }
#if defined(MIO_ST)
    while (connections > 0)
        if (mio_st_loop_turn(&loop, -1) < 0)
            return 1;
#elif defined(LIBUV)
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
#elif defined(LIBEV)
    ev_run(EV_DEFAULT_ 0);
#elif defined(LIBEVENT)
    event_base_dispatch(base);
#endif
    return connections == 0 ? 0 : 5;
}
