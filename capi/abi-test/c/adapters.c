/* The adapters in trouble: a socket that cannot be watched, and callbacks that end themselves and one another. */

#include <netinet/in.h>

#include <mio_st/cares.h>
#include <mio_st/curl.h>
#include <mio_st/hiredis.h>
#include <mio_st/libpq.h>
#include <mio_st/openssl.h>

#include "test.h"

/* So often watching succeeds. The linker puts this function before the library's. */
static int allowed;

int __real_mio_st_poller_watch_fd(mio_st_poller_t poller, int fd, uint64_t id, uint32_t interests, uint32_t option);
int __wrap_mio_st_poller_watch_fd(mio_st_poller_t poller, int fd, uint64_t id, uint32_t interests, uint32_t option);

int __wrap_mio_st_poller_watch_fd(mio_st_poller_t poller, int fd, uint64_t id, uint32_t interests, uint32_t option)
{
    if (interests != 0 && allowed-- <= 0)
        return -ENOMEM;
    return __real_mio_st_poller_watch_fd(poller, fd, id, interests, option);
}

static mio_st_loop_t loop;
/* A server that says nothing, and the port of a client of it, at which nobody listens and which nobody else takes. */
static mio_st_tcp_listener_t listener;
static mio_st_tcp_stream_t held;
static int silent, refusing;
static int called, status;

static int port_of(int length, const struct sockaddr_storage *address)
{
    struct sockaddr_in in;
    OK(length);
    memcpy(&in, address, sizeof in);
    return ntohs(in.sin_port);
}

static void begin(int may_watch)
{
    allowed = may_watch;
    called = status = 0;
}

/* Turns until as many were called. */
static void turn_until(int calls)
{
    while (called < calls)
        OK(mio_st_loop_turn(&loop, LONG) > 0 ? 0 : -ETIMEDOUT);
}

/* Nobody is called any more, and no deadline is left. */
static void nothing_is_left(void)
{
    int64_t wakeup;
    int before = called;
    OK(mio_st_loop_turn(&loop, 0));
    EQUAL(called, before);
    OK(mio_st_poller_next_wakeup(loop.poller, &wakeup));
    EQUAL(wakeup, -1);
}

/* libcurl ------------------------------------------------------------------------------------------------------- */

static CURL *transfers[2];

static void remove_transfer(mio_st_curl_t *curl, CURL *easy)
{
    curl_multi_remove_handle(curl->multi, easy);
    curl_easy_cleanup(easy);
}

static void on_done(mio_st_curl_t *curl, CURL *easy, CURLcode result)
{
    (void)easy;
    called++;
    status = (int)result;
    for (int i = 0; i < 2; i++)
        if (transfers[i] != NULL)
            remove_transfer(curl, transfers[i]);
    transfers[0] = transfers[1] = NULL;
}

static void transfer(mio_st_curl_t *curl, int which, int port)
{
    char url[40];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    transfers[which] = curl_easy_init();
    curl_easy_setopt(transfers[which], CURLOPT_URL, url);
    curl_easy_setopt(transfers[which], CURLOPT_NOSIGNAL, 1L);
    curl_multi_add_handle(curl->multi, transfers[which]);
}

static void curl_in_trouble(void)
{
    mio_st_curl_t curl;
    for (int may_watch = 0; may_watch < 2; may_watch++) {
        begin(may_watch);
        OK(mio_st_curl_init(&curl, &loop, on_done));
        transfer(&curl, 0, silent);
        turn_until(1);
        EQUAL(status, CURLE_ABORTED_BY_CALLBACK);
        mio_st_curl_cleanup(&curl);
        nothing_is_left();
    }
    /* The one that fails ends the other one as well. */
    begin(1000);
    OK(mio_st_curl_init(&curl, &loop, on_done));
    transfer(&curl, 0, silent);
    transfer(&curl, 1, refusing);
    turn_until(1);
    EQUAL(status, CURLE_COULDNT_CONNECT);
    mio_st_curl_cleanup(&curl);
    nothing_is_left();
}

/* hiredis ------------------------------------------------------------------------------------------------------- */

static redisAsyncContext *contexts[2];

static void on_reply(redisAsyncContext *context, void *reply, void *user)
{
    (void)context, (void)user;
    EQUAL(reply == NULL, 1);
    called++;
}

/* Ends the other one. */
static void on_connect(const redisAsyncContext *context, int result)
{
    int other = context == contexts[0];
    EQUAL(result, REDIS_OK);
    if (contexts[other] != NULL)
        redisAsyncFree(contexts[other]);
    contexts[other] = NULL;
}

static void connect_redis(int which)
{
    redisAsyncContext *context = redisAsyncConnect("127.0.0.1", silent);
    int first = mio_st_hiredis_attach(context, &loop), second = mio_st_hiredis_attach(context, &loop);
    contexts[which] = context;
    EQUAL(context->err, 0);
    EQUAL(first, REDIS_OK);
    EQUAL(second, REDIS_ERR); /* it has an event loop */
}

static void hiredis_in_trouble(void)
{
    for (int may_watch = 0; may_watch < 2; may_watch++) {
        begin(may_watch);
        connect_redis(0);
        redisAsyncCommand(contexts[0], on_reply, NULL, "PING");
        turn_until(1);
        nothing_is_left();
    }
    begin(1000);
    for (int which = 0; which < 2; which++) {
        connect_redis(which);
        redisAsyncSetConnectCallback(contexts[which], on_connect);
        redisAsyncCommand(contexts[which], on_reply, NULL, "PING");
    }
    turn_until(1);
    redisAsyncFree(contexts[contexts[0] == NULL]);
    EQUAL(called, 2);
    nothing_is_left();
}

/* c-ares -------------------------------------------------------------------------------------------------------- */

static mio_st_cares_t cares;
static int again; /* look-ups that begin in the callback of another */

static void look_up(void);

static void on_address(void *user, int result, int timeouts, struct ares_addrinfo *found)
{
    (void)user, (void)timeouts, (void)found;
    status = result;
    called++;
    if (again-- > 0)
        look_up();
}

static void look_up(void)
{
    struct ares_addrinfo_hints hints;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    ares_getaddrinfo(cares.channel, "name.test", NULL, &hints, on_address, NULL);
}

static void cares_in_trouble(void)
{
    struct ares_options options;
    mio_st_udp_socket_t server;
    struct sockaddr_storage address;
    char text[40];
    OK(mio_st_udp_socket_bind_str(&server, "127.0.0.1:0"));
    snprintf(text, sizeof text, "127.0.0.1:%d", port_of(mio_st_udp_socket_local_addr(server, &address), &address));
    memset(&options, 0, sizeof options);
    options.timeout = 50;
    options.tries = 1;
    for (int may_watch = 0; may_watch < 2; may_watch++) {
        begin(may_watch);
        EQUAL(mio_st_cares_init(&cares, &loop, options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES), ARES_SUCCESS);
        EQUAL(ares_set_servers_ports_csv(cares.channel, text), ARES_SUCCESS);
        look_up();
        turn_until(1);
        EQUAL(status, ARES_ETIMEOUT);
        look_up();
        mio_st_cares_destroy(&cares);
        EQUAL(status, ARES_EDESTRUCTION);
        nothing_is_left();
    }
    begin(1000);
    EQUAL(mio_st_cares_init(&cares, &loop, options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES), ARES_SUCCESS);
    EQUAL(ares_set_servers_ports_csv(cares.channel, text), ARES_SUCCESS);
    again = 2;
    look_up();
    turn_until(3);
    mio_st_cares_destroy(&cares);
    nothing_is_left();
    mio_st_udp_socket_close(server);
}

/* libpq --------------------------------------------------------------------------------------------------------- */

static mio_st_libpq_t connections[2];

static void on_postgres(mio_st_libpq_t *pg, mio_st_libpq_what_t what, PGresult *result)
{
    (void)pg, (void)result;
    EQUAL(what, MIO_ST_LIBPQ_FAILED);
    called++;
    mio_st_libpq_close(&connections[0]);
    mio_st_libpq_close(&connections[1]);
}

static void connect_postgres(int which, int port)
{
    char text[80];
    snprintf(text, sizeof text, "hostaddr=127.0.0.1 port=%d user=nobody", port);
    OK(mio_st_libpq_connect(&connections[which], &loop, text, on_postgres));
}

static void libpq_in_trouble(void)
{
    for (int may_watch = 0; may_watch < 2; may_watch++) {
        begin(may_watch);
        connect_postgres(0, silent);
        turn_until(1);
        EQUAL(connections[0].conn == NULL, 1);
        nothing_is_left();
    }
    begin(1000);
    connect_postgres(0, silent);
    connect_postgres(1, refusing);
    turn_until(1);
    nothing_is_left();
}

/* OpenSSL ------------------------------------------------------------------------------------------------------- */

static mio_st_tls_t streams[2];

/* Both are ready at once: the first ends the other one, and itself. */
static void on_ready(mio_st_tls_t *tls)
{
    EQUAL(mio_st_tls_handshake(tls), -EAGAIN);
    OK(mio_st_tls_again(tls));
    called++;
    mio_st_tls_close(&streams[0]);
    mio_st_tls_close(&streams[1]);
    mio_st_tls_close(&streams[1]); /* nothing happens */
}

static void openssl_in_trouble(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    mio_st_tcp_stream_t stream;
    mio_st_tls_t not_open;
    SSL *ssl = SSL_new(context);
    struct sockaddr_storage address;
    socklen_t length = (socklen_t)OK(mio_st_tcp_listener_local_addr(listener, &address));
    begin(0);
    for (int i = 0; i < 2; i++) {
        OK(mio_st_tcp_stream_connect(&stream, (struct sockaddr *)&address, length));
        while (OK(mio_st_tcp_stream_connected(stream)) == 0)
            ;
        OK(mio_st_tls_open(&streams[i], &loop, SSL_new(context), stream, 0, on_ready));
    }
    turn_until(1);
    nothing_is_left();
    /* A stream that is closed already: the object stays the caller's. */
    EQUAL(mio_st_tls_open(&not_open, &loop, ssl, stream, 0, on_ready), -EBADF);
    SSL_free(ssl);
    SSL_CTX_free(context);
}

int main(void)
{
    struct sockaddr_storage address;
    socklen_t length;
    OK(mio_st_poller_new(&loop.poller));
    OK(mio_st_tcp_listener_bind_str(&listener, "127.0.0.1:0"));
    length = (socklen_t)OK(mio_st_tcp_listener_local_addr(listener, &address));
    silent = port_of((int)length, &address);
    OK(mio_st_tcp_stream_connect(&held, (struct sockaddr *)&address, length));
    refusing = port_of(mio_st_tcp_stream_local_addr(held, &address), &address);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    EQUAL(ares_library_init(ARES_LIB_INIT_ALL), ARES_SUCCESS);

    curl_in_trouble();
    hiredis_in_trouble();
    cares_in_trouble();
    libpq_in_trouble();
    openssl_in_trouble();

    ares_library_cleanup();
    curl_global_cleanup();
    mio_st_tcp_stream_close(held);
    mio_st_tcp_listener_close(listener);
    mio_st_poller_close(loop.poller);
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
