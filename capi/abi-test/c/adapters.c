/* The adapters in trouble: a socket that cannot be watched, and callbacks that end themselves and one another. */

#include <netinet/in.h>

#include <mio_st/cares.h>
#include <mio_st/curl.h>
#include <mio_st/hiredis.h>
#include <mio_st/libpq.h>
#include <mio_st/openssl.h>

#include "test.h"

/* So often watching succeeds, and so often it was asked for. The linker puts this function before the library's. */
static int allowed, asked;

int __real_mio_st_poller_watch_fd(mio_st_poller_t poller, int fd, uint64_t id, uint32_t interests, uint32_t option);
int __wrap_mio_st_poller_watch_fd(mio_st_poller_t poller, int fd, uint64_t id, uint32_t interests, uint32_t option);

int __wrap_mio_st_poller_watch_fd(mio_st_poller_t poller, int fd, uint64_t id, uint32_t interests, uint32_t option)
{
    asked++;
    if (interests != 0 && allowed-- <= 0)
        return -ENOMEM;
    return __real_mio_st_poller_watch_fd(poller, fd, id, interests, option);
}

static mio_st_loop_t loop;
/* A server that says nothing, and the port of a client of it, at which nobody listens and which nobody else takes. */
static mio_st_tcp_listener_t listener;
static mio_st_tcp_stream_t held;
static int silent, refusing;
static int called, status, turns;

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
    called = status = turns = asked = 0;
}

/* Turns until as many were called. */
static void turn_until(int calls)
{
    for (; called < calls; turns++)
        OK(mio_st_loop_turn(&loop, LONG) > 0 ? 0 : -ETIMEDOUT);
}

/* Nobody is called any more, and no deadline is left. */
static void nothing_is_left(void)
{
    int64_t wakeup;
    int before = called;
    EQUAL(mio_st_loop_turn(&loop, 0), 0);
    EQUAL(called, before);
    OK(mio_st_poller_next_wakeup(loop.poller, &wakeup));
    EQUAL(wakeup, -1);
}

/* libcurl ------------------------------------------------------------------------------------------------------- */

static CURL *transfers[2];
static curl_socket_t opened; /* the last one */
static int copies, copy_of_opened;
static int keeps, next_port; /* of one that is begun where the last has ended; or 0 */
static int ends_alone;

static void transfer(mio_st_curl_t *curl, int which, int port);

static void remove_transfer(mio_st_curl_t *curl, CURL *easy)
{
    curl_multi_remove_handle(curl->multi, easy);
    curl_easy_cleanup(easy);
}

static void on_done(mio_st_curl_t *curl, CURL *easy, CURLcode result)
{
    called++;
    status = (int)result;
    for (int i = 0; i < 2; i++)
        if (transfers[i] != NULL && (!ends_alone || transfers[i] == easy)) {
            remove_transfer(curl, transfers[i]);
            transfers[i] = NULL;
        }
    if (next_port != 0)
        transfer(curl, 0, next_port);
    next_port = 0;
}

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    (void)data, (void)user;
    return size * count;
}

static int on_opened(void *user, curl_socket_t fd, curlsocktype purpose)
{
    (void)user, (void)purpose;
    opened = fd;
    if (copies)
        copy_of_opened = OK(dup(fd));
    return CURL_SOCKOPT_OK;
}

static void transfer(mio_st_curl_t *curl, int which, int port)
{
    char url[40];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    transfers[which] = curl_easy_init();
    curl_easy_setopt(transfers[which], CURLOPT_URL, url);
    curl_easy_setopt(transfers[which], CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(transfers[which], CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(transfers[which], CURLOPT_SOCKOPTFUNCTION, on_opened);
    if (keeps)
        mio_st_curl_keep(curl, transfers[which]);
    curl_multi_add_handle(curl->multi, transfers[which]);
}

static void on_another(mio_st_source_t *source, uint32_t readiness)
{
    (void)source, (void)readiness;
    called++;
}

/* The second one cannot be watched: both are told of, and nobody else is disturbed by what curl is not told of. */
static void all_end_with_one(mio_st_curl_t *curl)
{
    mio_st_source_t another = {on_another};
    int ends[2];
    begin(1);
    OK(mio_st_curl_init(curl, &loop, on_done));
    copies = 1;
    transfer(curl, 0, silent);
    while (asked == 0)
        OK(mio_st_loop_turn(&loop, LONG));
    copies = 0;
    transfer(curl, 1, silent);
    ends_alone = 1;
    turn_until(1);
    EQUAL(called, 2);
    ends_alone = 0;
    EQUAL(status, CURLE_ABORTED_BY_CALLBACK);
    /* An event of the first one's copy waits when all ends; the second one's number is another's by then. */
    OK(shutdown(copy_of_opened, SHUT_RDWR));
    EQUAL(mio_st_loop_poll(&loop, LONG), 1);
    close(copy_of_opened);
    OK(pipe(ends));
    EQUAL(dup2(ends[0], opened), opened);
    allowed = 1;
    OK(mio_st_poller_watch_fd(loop.poller, opened, mio_st_source_id(&another), MIO_ST_READABLE, MIO_ST_LEVEL));
    mio_st_curl_cleanup(curl);
    OK(mio_st_loop_turn(&loop, 0));
    EQUAL(write(ends[1], "", 1), 1);
    EQUAL(called, 2);
    turn_until(3);
    OK(mio_st_poller_watch_fd(loop.poller, opened, 0, 0, MIO_ST_LEVEL));
    close(opened);
    close(ends[0]);
    close(ends[1]);
    nothing_is_left();
}

static void curl_in_trouble(void)
{
    mio_st_curl_t curl;
    for (int may_watch = 0; may_watch < 2; may_watch++) {
        begin(may_watch);
        OK(mio_st_curl_init(&curl, &loop, on_done));
        transfer(&curl, 0, silent);
        copies = 1;
        turn_until(1);
        copies = 0;
        EQUAL(status, CURLE_ABORTED_BY_CALLBACK);
        mio_st_curl_cleanup(&curl);
        OK(shutdown(copy_of_opened, SHUT_RDWR));
        nothing_is_left();
        close(copy_of_opened);
    }
    all_end_with_one(&curl);
    /* It is given up before it has heard of that. */
    begin(0);
    OK(mio_st_curl_init(&curl, &loop, on_done));
    transfer(&curl, 0, silent);
    while (asked == 0)
        OK(mio_st_loop_turn(&loop, LONG));
    remove_transfer(&curl, transfers[0]);
    transfers[0] = NULL;
    mio_st_curl_cleanup(&curl);
    nothing_is_left();
    /* Its time is up, once. */
    begin(1000);
    OK(mio_st_curl_init(&curl, &loop, on_done));
    transfer(&curl, 0, silent);
    curl_easy_setopt(transfers[0], CURLOPT_TIMEOUT_MS, 100L);
    turn_until(1);
    EQUAL(status, CURLE_OPERATION_TIMEDOUT);
    EQUAL(turns < 20, 1);
    mio_st_curl_cleanup(&curl);
    nothing_is_left();
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

/* A server of HTTP in the same loop, of one client at a time, so that each transfer has to wait. */
static mio_st_source_t http_listener_source, http_source;
static mio_st_tcp_listener_t http_listener;
static mio_st_tcp_stream_t http_stream;
static int accepted;

static void on_request(mio_st_source_t *source, uint32_t readiness)
{
    const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char request[1000];
    (void)source, (void)readiness;
    if (OK(mio_st_tcp_stream_read(http_stream, request, sizeof request)) > 0)
        EQUAL(mio_st_tcp_stream_write(http_stream, answer, sizeof answer - 1), sizeof answer - 1);
    else
        mio_st_tcp_stream_close(http_stream);
}

static void on_http_client(mio_st_source_t *source, uint32_t readiness)
{
    (void)source, (void)readiness;
    OK(mio_st_tcp_listener_accept(http_listener, &http_stream, NULL));
    http_source.on_event = on_request;
    OK(mio_st_poller_register_tcp_stream(loop.poller, http_stream, mio_st_source_id(&http_source), MIO_ST_READABLE,
                                         MIO_ST_LEVEL));
    accepted++;
}

static void fetch(mio_st_curl_t *curl, int port)
{
    begin(1000);
    transfer(curl, 0, port);
    turn_until(1);
    EQUAL(status, CURLE_OK);
}

static void curl_uses_a_connection_again(void)
{
    mio_st_curl_t curl;
    struct sockaddr_storage address;
    curl_socket_t first;
    int port, copy;
    OK(mio_st_tcp_listener_bind_str(&http_listener, "127.0.0.1:0"));
    port = port_of(mio_st_tcp_listener_local_addr(http_listener, &address), &address);
    http_listener_source.on_event = on_http_client;
    OK(mio_st_poller_register_tcp_listener(loop.poller, http_listener, mio_st_source_id(&http_listener_source),
                                           MIO_ST_READABLE, MIO_ST_LEVEL));
    keeps = 1;
    OK(mio_st_curl_init(&curl, &loop, on_done));
    fetch(&curl, port);
    first = opened;
    for (int i = 0; i < 3; i++) {
        fetch(&curl, port);
        EQUAL(asked, 0); /* it stayed registered */
    }
    begin(1000);
    transfer(&curl, 0, port);
    next_port = port;
    turn_until(2);
    EQUAL(accepted, 1);
    /* The server hangs up meanwhile: once there is an event, which is not curl's. */
    mio_st_tcp_stream_close(http_stream);
    EQUAL(mio_st_loop_turn(&loop, LONG), 1);
    nothing_is_left();
    /* The next connection, of the same number, is none that stayed registered. */
    fetch(&curl, port);
    EQUAL(accepted, 2);
    EQUAL(opened, first);
    /* The server hangs up, and curl finds out before there was an event. */
    mio_st_tcp_stream_close(http_stream);
    fetch(&curl, port);
    EQUAL(accepted, 3);
    EQUAL(opened, first);
    /* The next one of that number is not kept. */
    mio_st_tcp_stream_close(http_stream);
    keeps = 0;
    fetch(&curl, port);
    EQUAL(accepted, 4);
    EQUAL(opened, first);
    mio_st_tcp_stream_close(http_stream);
    nothing_is_left();
    keeps = 1;
    fetch(&curl, port);
    EQUAL(accepted, 5);
    /* It is closed while it is registered and has a copy: nothing comes of that. */
    copy = OK(dup(opened));
    mio_st_curl_cleanup(&curl);
    EQUAL(mio_st_tcp_stream_write(http_stream, "", 1), 1);
    nothing_is_left();
    close(copy);
    mio_st_tcp_stream_close(http_stream);
    /* An event of it waits when all ends. */
    OK(mio_st_curl_init(&curl, &loop, on_done));
    fetch(&curl, port);
    mio_st_tcp_stream_close(http_stream);
    EQUAL(mio_st_loop_poll(&loop, LONG), 1);
    mio_st_curl_cleanup(&curl);
    OK(mio_st_loop_turn(&loop, 0));
    nothing_is_left();
    mio_st_tcp_listener_close(http_listener);
    keeps = 0;
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

static void connect_redis(int which, int port)
{
    redisAsyncContext *context = redisAsyncConnect("127.0.0.1", port);
    int first = mio_st_hiredis_attach(context, &loop), second = mio_st_hiredis_attach(context, &loop);
    contexts[which] = context;
    EQUAL(context->err, 0);
    EQUAL(first, REDIS_OK);
    EQUAL(second, REDIS_ERR); /* it has an event loop */
}

static void hiredis_in_trouble(void)
{
    int copy;
    for (int may_watch = 0; may_watch < 2; may_watch++) {
        begin(may_watch);
        connect_redis(0, silent);
        redisAsyncCommand(contexts[0], on_reply, NULL, "PING");
        turn_until(1);
        nothing_is_left();
    }
    /* One that is refused. */
    begin(1000);
    connect_redis(0, refusing);
    redisAsyncCommand(contexts[0], on_reply, NULL, "PING");
    turn_until(1);
    nothing_is_left();
    /* One that waits has no events, and after its end has none, whatever becomes of a copy. */
    begin(1000);
    connect_redis(0, silent);
    redisAsyncCommand(contexts[0], on_reply, NULL, "PING");
    for (int i = 0; OK(mio_st_loop_turn(&loop, MILLISECONDS(20))) > 0; i++)
        EQUAL(i < 100, 1);
    copy = OK(dup(contexts[0]->c.fd));
    /* What it has room for is written without asking whether there is. */
    asked = 0;
    redisAsyncCommand(contexts[0], on_reply, NULL, "PING");
    EQUAL(mio_st_loop_turn(&loop, LONG), 1);
    EQUAL(asked, 0);
    redisAsyncCommand(contexts[0], on_reply, NULL, "PING"); /* to be written in the next turn */
    redisAsyncFree(contexts[0]);
    EQUAL(called, 3);
    OK(shutdown(copy, SHUT_RDWR));
    nothing_is_left();
    close(copy);
    begin(1000);
    for (int which = 0; which < 2; which++) {
        connect_redis(which, silent);
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
    socklen_t length = sizeof address;
    char text[40];
    int copy;
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
    /* After its end it has no events, whatever comes to a copy of its socket. */
    begin(1000);
    EQUAL(mio_st_cares_init(&cares, &loop, options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES), ARES_SUCCESS);
    EQUAL(ares_set_servers_ports_csv(cares.channel, text), ARES_SUCCESS);
    look_up();
    copy = OK(dup(cares.sockets->fd));
    mio_st_cares_destroy(&cares);
    EQUAL(called, 1);
    OK(getsockname(copy, (struct sockaddr *)&address, &length));
    EQUAL(mio_st_udp_socket_send_to(server, "", 1, (struct sockaddr *)&address, length), 1);
    nothing_is_left();
    close(copy);
    mio_st_udp_socket_close(server);
}

/* libpq --------------------------------------------------------------------------------------------------------- */

static mio_st_libpq_t connections[2];

static int keeps_failed;

static void on_postgres(mio_st_libpq_t *pg, mio_st_libpq_what_t what, PGresult *result)
{
    called++;
    if (what == MIO_ST_LIBPQ_CONNECTED) {
        EQUAL(PQisnonblocking(pg->conn), 1);
        EQUAL(PQsendQuery(pg->conn, "SELECT"), 1);
        OK(mio_st_libpq_flush(pg));
        return;
    }
    if (what == MIO_ST_LIBPQ_RESULT) {
        EQUAL(PQresultStatus(result), PGRES_COMMAND_OK);
        PQclear(result);
        mio_st_libpq_close(pg); /* and nothing else is told */
        return;
    }
    EQUAL(what, MIO_ST_LIBPQ_FAILED);
    if (keeps_failed)
        return;
    mio_st_libpq_close(&connections[0]);
    mio_st_libpq_close(&connections[1]);
}

static void connect_postgres(int which, int port)
{
    char text[100];
    snprintf(text, sizeof text, "hostaddr=127.0.0.1 port=%d user=nobody sslmode=disable gssencmode=disable", port);
    OK(mio_st_libpq_connect(&connections[which], &loop, text, on_postgres));
}

static void libpq_in_trouble(void)
{
    const char ready[] = "R\0\0\0\10\0\0\0\0Z\0\0\0\5I"; /* welcome, and what can be done? */
    const char done[] = "C\0\0\0\15SELECT 1";
    char text[80], address[MIO_ST_ADDR_TEXT_SIZE];
    mio_st_tcp_listener_t beside;
    mio_st_tcp_stream_t server;
    int copy, error;
    for (int may_watch = 0; may_watch < 2; may_watch++) {
        begin(may_watch);
        connect_postgres(0, silent);
        turn_until(1);
        EQUAL(connections[0].conn == NULL, 1);
        nothing_is_left();
    }
    begin(1000);
    /* The one that fails ends the other one, which has an event in the same batch. */
    connect_postgres(0, refusing);
    connect_postgres(1, silent);
    turn_until(1);
    EQUAL(called, 1);
    nothing_is_left();
    /* One that has failed is told of once, also if nobody closes it. */
    begin(1);
    keeps_failed = 1;
    connect_postgres(0, silent);
    turn_until(1);
    nothing_is_left();
    mio_st_libpq_close(&connections[0]);
    keeps_failed = 0;
    /* One that stands does not block. */
    begin(1000);
    beside = test_listener(address);
    connect_postgres(0, (int)strtol(strchr(address, ':') + 1, NULL, 10));
    while ((error = mio_st_tcp_listener_accept(beside, &server, NULL)) == -EAGAIN)
        ;
    OK(error);
    EQUAL(mio_st_tcp_stream_write(server, ready, sizeof ready - 1), sizeof ready - 1);
    turn_until(1);
    EQUAL(connections[0].connecting == NULL, 1);
    EQUAL(mio_st_tcp_stream_write(server, done, sizeof done), sizeof done);
    turn_until(2);
    EQUAL(called, 2);
    mio_st_tcp_stream_close(server);
    mio_st_tcp_listener_close(beside);
    nothing_is_left();
    /* The first address refuses; the socket for the second one has the number of the first. */
    begin(1000);
    snprintf(text, sizeof text, "hostaddr=127.0.0.1,127.0.0.1 port=%d,%d user=nobody", refusing, silent);
    OK(mio_st_libpq_connect(&connections[0], &loop, text, on_postgres));
    while (connections[0].watched != MIO_ST_READABLE)
        OK(mio_st_loop_turn(&loop, LONG) > 0 ? 0 : -ETIMEDOUT);
    /* After its end it has no events, whatever becomes of a copy. */
    copy = OK(dup(PQsocket(connections[0].conn)));
    mio_st_libpq_close(&connections[0]);
    mio_st_libpq_close(&connections[0]); /* nothing happens */
    OK(shutdown(copy, SHUT_RDWR));
    nothing_is_left();
    close(copy);
    EQUAL(called, 0);
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
    mio_st_tls_t not_open, never_open;
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
    memset(&never_open, 0, sizeof never_open);
    mio_st_tls_close(&never_open); /* nothing happens */
    SSL_CTX_free(context);
}

static SSL_CTX *without_certificates(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    EQUAL(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION), 1);
    EQUAL(SSL_CTX_set_cipher_list(context, "aNULL:@SECLEVEL=0"), 1);
    EQUAL(SSL_CTX_set_dh_auto(context, 1), 1);
    return context;
}

static void on_any(mio_st_tls_t *tls)
{
    (void)tls;
}

static void on_counted(mio_st_tls_t *tls)
{
    (void)tls;
    called++;
}

/* Two ends of a connection: of TLS the one that connects, of TCP the other one. */
static mio_st_tcp_stream_t connect_tls(SSL_CTX *context)
{
    char text[MIO_ST_ADDR_TEXT_SIZE];
    mio_st_tcp_listener_t beside = test_listener(text);
    mio_st_tcp_stream_t ends[2];
    int error;
    OK(mio_st_tcp_stream_connect_str(&ends[0], text));
    do
        error = mio_st_tcp_listener_accept(beside, &ends[1], NULL);
    while (error == -EAGAIN);
    OK(error);
    while (OK(mio_st_tcp_stream_connected(ends[0])) == 0)
        ;
    OK(mio_st_tls_open(&streams[0], &loop, SSL_new(context), ends[0], 0, on_any));
    mio_st_tcp_listener_close(beside);
    return ends[1];
}

/* Writes more than there is room for, from another place each time, and reads it. */
static void all_bytes_arrive(void)
{
    enum { LENGTH = 500000, MOST = 20000 };
    const int room = 10000;
    static char bytes[LENGTH];
    char copies[2][MOST], received[1000];
    int64_t written = 0, read = 0, result;
    int blocked = 0;
    for (int i = 0; i < LENGTH; i++)
        bytes[i] = (char)(i / 100);
    OK(setsockopt(mio_st_tcp_stream_fd(streams[0].stream), SOL_SOCKET, SO_SNDBUF, &room, sizeof room));
    OK(setsockopt(mio_st_tcp_stream_fd(streams[1].stream), SOL_SOCKET, SO_RCVBUF, &room, sizeof room));
    /* What there was room for of all is counted. */
    written = mio_st_tls_write(&streams[0], bytes, LENGTH);
    EQUAL(written > 0 && written < LENGTH, 1);
    for (int i = 0; read < LENGTH; i++) {
        if (written < LENGTH) {
            size_t length = LENGTH - written < MOST ? (size_t)(LENGTH - written) : MOST;
            memcpy(copies[i % 2], bytes + written, length);
            result = mio_st_tls_write(&streams[0], copies[i % 2], length);
            EQUAL(result > 0 || result == -EAGAIN, 1);
            written += result > 0 ? result : 0;
            blocked += result == -EAGAIN;
        }
        result = mio_st_tls_read(&streams[1], received, sizeof received);
        EQUAL(result > 0 || result == -EAGAIN, 1);
        if (result > 0)
            EQUAL(memcmp(received, bytes + read, (size_t)result), 0);
        read += result > 0 ? result : 0;
    }
    EQUAL(blocked > 0, 1);
}

/* One that has no room hears of it when the other one has read. */
static void room_is_an_event(void)
{
    char bytes[1000] = {0};
    begin(0);
    while (mio_st_tls_write(&streams[0], bytes, sizeof bytes) > 0)
        ;
    while (OK(mio_st_loop_turn(&loop, 0)) > 0)
        ;
    streams[0].on_ready = on_counted;
    nothing_is_left();
    while (called == 0) {
        while (mio_st_tls_read(&streams[1], bytes, sizeof bytes) > 0)
            ;
        OK(mio_st_loop_turn(&loop, LONG) > 0 ? 0 : -ETIMEDOUT);
    }
    /* What did not fit then is written, and read. */
    EQUAL(mio_st_tls_write(&streams[0], bytes, sizeof bytes), sizeof bytes);
    while (mio_st_tls_read(&streams[1], bytes, sizeof bytes) != sizeof bytes)
        ;
    streams[0].on_ready = on_any;
}

static void tls_by_the_letter(void)
{
    const unsigned char goodbye[] = {21, 3, 3, 0, 2, 1, 0};
    SSL_CTX *client = without_certificates(TLS_client_method()), *server = without_certificates(TLS_server_method());
    mio_st_tcp_stream_t peer = connect_tls(client);
    int64_t results[2];
    char byte;
    OK(mio_st_tls_open(&streams[1], &loop, SSL_new(server), peer, 1, on_any));
    do
        for (int i = 0; i < 2; i++)
            results[i] = mio_st_tls_handshake(&streams[i]);
    while (results[0] == -EAGAIN || results[1] == -EAGAIN);
    EQUAL(results[0], 1);
    EQUAL(results[1], 1);
    EQUAL(mio_st_tls_write(&streams[0], "", 0), 0);
    all_bytes_arrive();
    room_is_an_event();
    /* What another one has left behind is not this one's. */
    ERR_put_error(ERR_LIB_USER, 0, 1, __FILE__, __LINE__);
    EQUAL(mio_st_tls_read(&streams[0], &byte, 1), -EAGAIN);
    /* One says that it writes no more, and reads on. */
    EQUAL(mio_st_tls_shutdown(&streams[0]), 0);
    while ((results[1] = mio_st_tls_read(&streams[1], &byte, 1)) == -EAGAIN)
        ;
    EQUAL(results[1], 0);
    EQUAL(mio_st_tls_write(&streams[1], "x", 1), 1);
    while ((results[0] = mio_st_tls_read(&streams[0], &byte, 1)) == -EAGAIN)
        ;
    EQUAL(results[0], 1);
    /* The other one goes without a word. */
    mio_st_tls_close(&streams[1]);
    while ((results[0] = mio_st_tls_read(&streams[0], &byte, 1)) == -EAGAIN)
        ;
    EQUAL(results[0], -ECONNRESET);
    mio_st_tls_close(&streams[0]);
    /* One that says goodbye in the handshake. */
    peer = connect_tls(client);
    EQUAL(mio_st_tls_handshake(&streams[0]), -EAGAIN);
    EQUAL(mio_st_tcp_stream_write(peer, goodbye, sizeof goodbye), sizeof goodbye);
    while ((results[0] = mio_st_tls_handshake(&streams[0])) == -EAGAIN)
        ;
    EQUAL(results[0], -ECONNRESET);
    mio_st_tls_close(&streams[0]);
    mio_st_tcp_stream_close(peer);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    OK(mio_st_loop_turn(&loop, 0));
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
    curl_uses_a_connection_again();
    hiredis_in_trouble();
    cares_in_trouble();
    libpq_in_trouble();
    openssl_in_trouble();
    tls_by_the_letter();

    ares_library_cleanup();
    curl_global_cleanup();
    mio_st_tcp_stream_close(held);
    mio_st_tcp_listener_close(listener);
    mio_st_poller_close(loop.poller);
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
