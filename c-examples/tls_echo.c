/*
 * An echo server over TLS, by OpenSSL. To build and to try it:
 *
 *     $ cc tls_echo.c $(pkg-config --cflags --libs mio_st openssl) -o tls_echo
 *     $ openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=localhost
 *     $ ./tls_echo 127.0.0.1:7443 cert.pem key.pem
 *     $ openssl s_client -quiet -connect 127.0.0.1:7443
 *
 * After SIGTERM it ends, and says how its connections ended.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <mio_st/openssl.h>

#include "testing.h"

enum {
    BUFFER_SIZE = 4096,
    TURN = 16 /* how often one is read from before the others have their turn */
};

struct client {
    mio_st_tls_t tls; /* the first member */
    struct client *previous, *next;
    int ending;        /* the client has said that it ends */
    size_t start, end; /* what was read and is not written yet */
    char buffer[BUFFER_SIZE];
};

static mio_st_loop_t loop;
static mio_st_tcp_listener_t listener;
static mio_st_signals_t signals;
static mio_st_source_t on_listener, on_signals;
static SSL_CTX *context;
static struct client *clients;
static int some_wait; /* to be accepted */
static int ended, reset, failed, stop;

static int check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "tls_echo: %s: %s\n", what, mio_st_strerror(result));
        exit(1);
    }
    return result;
}

/* By level: whoever could not be accepted is reported again. */
static void register_listener(void)
{
    check(mio_st_poller_register_tcp_listener(loop.poller, listener, mio_st_source_id(&on_listener), MIO_ST_READABLE,
                                              MIO_ST_LEVEL), "listener");
}

static void end_client(struct client *client)
{
    mio_st_tls_close(&client->tls);
    if (client->previous != NULL)
        client->previous->next = client->next;
    else
        clients = client->next;
    if (client->next != NULL)
        client->next->previous = client->previous;
    free(client);
    if (some_wait) {
        some_wait = 0;
        register_listener();
    }
}

/* Once: writes, reads or says goodbye. Nothing is read before the last was written. */
static int64_t step(struct client *client)
{
    int64_t result;
    if (client->start < client->end) {
        result = mio_st_tls_write(&client->tls, client->buffer + client->start, client->end - client->start);
        client->start += result > 0 ? (size_t)result : 0;
        return result;
    }
    if (!client->ending) {
        result = mio_st_tls_read(&client->tls, client->buffer, sizeof client->buffer);
        client->start = 0;
        client->end = result > 0 ? (size_t)result : 0;
        client->ending = result == 0;
        if (result != 0)
            return result;
    }
    return mio_st_tls_shutdown(&client->tls);
}

static void echo(mio_st_tls_t *tls)
{
    struct client *client = (struct client *)tls;
    int64_t result = 1;
    for (int i = 0; result > 0 && i < TURN; i++)
        result = step(client);
    if (result > 0)
        result = mio_st_tls_again(tls) < 0 ? -ENOMEM : -EAGAIN;
    if (result == -EAGAIN)
        return;
    ended += result == 0 || client->ending; /* who has said that it ends need not wait for our goodbye */
    failed += result == -EPROTO;
    reset += result < 0 && result != -EPROTO && !client->ending;
    end_client(client);
}

static void start_client(mio_st_tcp_stream_t stream)
{
    struct client *client = (struct client *)calloc(1, sizeof *client);
    SSL *ssl = SSL_new(context);
    if (client == NULL || ssl == NULL || mio_st_tls_open(&client->tls, &loop, ssl, stream, 1, echo) < 0) {
        SSL_free(ssl);
        free(client);
        mio_st_tcp_stream_close(stream); /* this client is turned away */
        return;
    }
    mio_st_tcp_stream_set_nodelay(stream, 1); /* a write is a record, or the end of one */
    client->next = clients;
    if (clients != NULL)
        clients->previous = client;
    clients = client;
}

static void accept_client(mio_st_source_t *source, uint32_t readiness)
{
    mio_st_tcp_stream_t stream;
    int result = mio_st_tcp_listener_accept(listener, &stream, NULL);
    (void)source, (void)readiness;
    if (result == 0) {
        start_client(stream);
    } else if (result != -EAGAIN && clients != NULL) {
        /* Most likely too many descriptors are open, and each poll would return at once. */
        check(mio_st_poller_deregister_tcp_listener(loop.poller, listener), "listener");
        some_wait = 1; /* until one is closed */
    }
}

static void receive_signals(mio_st_source_t *source, uint32_t readiness)
{
    (void)source, (void)readiness;
    while (mio_st_signals_receive(signals) > 0)
        stop = 1;
}

static void listen_on(const char *address)
{
    struct sockaddr_storage bound;
    char text[MIO_ST_ADDR_TEXT_SIZE];
    int length;
    check(mio_st_tcp_listener_bind_str(&listener, address), address);
    on_listener.on_event = accept_client;
    register_listener();
    length = check(mio_st_tcp_listener_local_addr(listener, &bound), "address");
    check(mio_st_addr_format((struct sockaddr *)&bound, (socklen_t)length, text, sizeof text), "address");
    printf("listening on %s\n", text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const int numbers[] = {SIGINT, SIGTERM};
    if (argc < 4) {
        fprintf(stderr, "usage: tls_echo ADDRESS CERTIFICATE KEY\n");
        return 1;
    }
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes by write(2) */
    context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1
        || SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        return 1;
    }
    check(mio_st_poller_new(&loop.poller), "poller");
    check(look_for_mistakes(loop.poller), "checks");
    check(mio_st_signals_new(&signals, numbers, 2), "signals");
    on_signals.on_event = receive_signals;
    check(mio_st_poller_register_signals(loop.poller, signals, mio_st_source_id(&on_signals), MIO_ST_READABLE,
                                         MIO_ST_EDGE), "signals");
    listen_on(argv[1]);
    while (!stop) {
        check(mio_st_loop_turn(&loop, -1), "poll");
        print_complaints(loop.poller);
    }
    for (struct client *client = clients, *next; client != NULL; client = next) {
        next = client->next;
        end_client(client);
    }
    printf("%d ended, %d reset, %d failed\n", ended, reset, failed);
    mio_st_tcp_listener_close(listener);
    mio_st_signals_close(signals);
    mio_st_poller_close(loop.poller);
    SSL_CTX_free(context);
    return mio_st_live_handles() == 0 ? 0 : 2;
}
