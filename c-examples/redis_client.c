/*
 * A client of Redis, by hiredis, that survives its server. To build and to try it:
 *
 *     $ cc redis_client.c $(pkg-config --cflags --libs mio_st hiredis) -o redis_client
 *     $ ./redis_client 127.0.0.1 6379
 *
 * It counts to 10,000 in one go, waits in vain for something to be pushed, and then for something that is: "stop" to
 * the list `commands` ends it (redis-cli rpush commands stop). When the server goes away, it tries to connect again,
 * every 50 ms, and goes on.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mio_st/hiredis.h>

#include "testing.h"

enum { COUNT = 10000 };

struct client {
    redisAsyncContext *context; /* NULL while there is none */
    mio_st_timer_t retry;
    const char *host;
    int port;
    int answered, tries;
    int counted, stop;
};

static mio_st_loop_t loop;

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "redis_client: %s: %s\n", what, mio_st_strerror(result));
        exit(1);
    }
}

static void say(const char *what)
{
    puts(what);
    fflush(stdout);
}

static void send_command(struct client *client, redisCallbackFn *on_reply, const char *command)
{
    if (redisAsyncCommand(client->context, on_reply, client, command) != REDIS_OK)
        say("the connection is closing");
}

/* No reply at all says that the connection is gone: on_disconnect() comes. */
static void on_command(redisAsyncContext *context, void *answer, void *user)
{
    struct client *client = (struct client *)user;
    redisReply *reply = (redisReply *)answer;
    if (reply == NULL)
        return;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && strcmp(reply->element[1]->str, "stop") == 0) {
        say("stop");
        client->stop = 1;
        redisAsyncDisconnect(context);
        return;
    }
    say(reply->type == REDIS_REPLY_ERROR ? reply->str : "an unknown command");
    send_command(client, on_command, "BLPOP commands 0");
}

static void on_time_out(redisAsyncContext *context, void *answer, void *user)
{
    struct client *client = (struct client *)user;
    redisReply *reply = (redisReply *)answer;
    (void)context;
    if (reply == NULL)
        return;
    say(reply->type == REDIS_REPLY_NIL ? "nothing was pushed" : "something was pushed");
    send_command(client, on_command, "BLPOP commands 0");
    say("waiting");
}

static void on_increment(redisAsyncContext *context, void *answer, void *user)
{
    struct client *client = (struct client *)user;
    redisReply *reply = (redisReply *)answer;
    (void)context;
    if (reply == NULL || ++client->answered < COUNT)
        return;
    printf("counted to %lld\n", reply->integer);
    client->counted = 1;
    send_command(client, on_time_out, "BLPOP nobody:pushes 1");
}

static void on_connect(const redisAsyncContext *context, int status)
{
    struct client *client = (struct client *)context->data;
    client->tries++;
    if (status != REDIS_OK) {
        client->context = NULL;
        if (client->tries == 1)
            printf("not connected: %s\n", context->errstr);
        check(mio_st_timer_start(&loop, &client->retry, 50000000), "timer");
        fflush(stdout);
        return;
    }
    client->tries = 0;
    say("connected");
    if (client->counted) {
        send_command(client, on_command, "BLPOP commands 0");
        say("waiting");
        return;
    }
    client->answered = 0;
    for (int i = 0; i < COUNT; i++)
        send_command(client, on_increment, "INCR counter");
}

static void on_disconnect(const redisAsyncContext *context, int status)
{
    struct client *client = (struct client *)context->data;
    client->context = NULL;
    if (status == REDIS_OK)
        return; /* we wanted it */
    printf("lost: %s\n", context->errstr);
    fflush(stdout);
    check(mio_st_timer_start(&loop, &client->retry, 50000000), "timer");
}

static void start(mio_st_source_t *source, uint32_t readiness)
{
    struct client *client = MIO_ST_CONTAINER(source, struct client, retry.source);
    redisAsyncContext *context = redisAsyncConnect(client->host, client->port);
    (void)readiness;
    if (context == NULL || context->err != 0) {
        fprintf(stderr, "redis_client: %s\n", context ? context->errstr : "no memory");
        exit(1);
    }
    context->data = client;
    client->context = context;
    if (mio_st_hiredis_attach(context, &loop) != REDIS_OK)
        check(-ENOMEM, "hiredis");
    redisAsyncSetConnectCallback(context, on_connect); /* after attaching: it asks for an event */
    redisAsyncSetDisconnectCallback(context, on_disconnect);
}

int main(int argc, char **argv)
{
    static struct client client;
    client.host = argc > 1 ? argv[1] : "127.0.0.1";
    client.port = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 6379;
    client.retry.source.on_event = start;
    check(mio_st_poller_new(&loop.poller), "poller");
    check(look_for_mistakes(loop.poller), "checks");
    start(&client.retry.source, 0);
    while (!client.stop || client.context != NULL) {
        check(mio_st_loop_turn(&loop, -1), "poll");
        print_complaints(loop.poller);
    }
    mio_st_poller_close(loop.poller);
    return mio_st_live_handles() == 0 ? 0 : 2;
}
