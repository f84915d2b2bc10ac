/*
 * Five libraries and the program's own listener, signals and deadlines in one poller: downloads by libcurl, counting by
 * hiredis, look-ups by c-ares, rows by libpq, and a page about all that over TLS, by OpenSSL. To build and to try it:
 *
 *     $ cc together.c $(pkg-config --cflags --libs mio_st libcurl hiredis libcares libpq openssl) -pthread -o together
 *     $ ./together 127.0.0.1:7443 cert.pem key.pem http://127.0.0.1:8080/ 6379 127.0.0.1:5300 "dbname=postgres"
 *
 * The arguments are where to listen, a certificate and its key, what to download, the port of Redis, a server of DNS and
 * a database. A round of everything begins every 10 ms, ten times; what has failed is told and left out. SIGTERM ends it.
 */

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <mio_st/cares.h>
#include <mio_st/curl.h>
#include <mio_st/hiredis.h>
#include <mio_st/libpq.h>
#include <mio_st/openssl.h>

#include "testing.h"

enum { ROUNDS = 10, EACH = 20 };

/* Who asks for the page. */
struct visitor {
    mio_st_tls_t tls; /* the first member */
    mio_st_timer_t patience;
    struct visitor *previous, *next;
    char page[200];
    size_t written, length;
    int said_all;
};

static mio_st_loop_t loop;
static mio_st_timer_t next_round, listen_again;
static int rounds, stop;
static int fetched, fetches, counted, found, lookups, rows, visits;

static mio_st_curl_t curl;
static char *url;
static redisAsyncContext *redis;
static mio_st_cares_t cares;
static mio_st_libpq_t postgres;
static int queries;
static mio_st_tcp_listener_t listener;
static mio_st_signals_t signals;
static mio_st_source_t on_listener, on_signals;
static SSL_CTX *context;
static struct visitor *visitors;

static int check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "together: %s: %s\n", what, mio_st_strerror(result));
        exit(1);
    }
    return result;
}

static void say(const char *who, const char *what)
{
    printf("%s: %s\n", who, what);
    fflush(stdout);
}

static void say_count(const char *who, int count)
{
    char text[20];
    snprintf(text, sizeof text, "%d", count);
    say(who, text);
}

/* libcurl ---------------------------------------------------------------------------------------------- */

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    (void)data, (void)user;
    return size * count;
}

static void on_fetched(mio_st_curl_t *of, CURL *easy, CURLcode result)
{
    if (result == CURLE_OK && ++fetched == ROUNDS * EACH)
        say_count("curl", fetched);
    if (result != CURLE_OK)
        say("curl", curl_easy_strerror(result));
    fetches--;
    curl_multi_remove_handle(of->multi, easy);
    curl_easy_cleanup(easy);
}

static void fetch(void)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        check(-ENOMEM, "curl");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, 30L);
    mio_st_curl_keep(&curl, easy);
    curl_multi_add_handle(curl.multi, easy);
    fetches++;
}

/* hiredis ---------------------------------------------------------------------------------------------- */

static void on_count(redisAsyncContext *of, void *answer, void *user)
{
    (void)of, (void)user;
    if (answer != NULL && ((redisReply *)answer)->type == REDIS_REPLY_INTEGER && ++counted == ROUNDS * EACH)
        say_count("redis", counted);
}

static void on_redis_connected(const redisAsyncContext *of, int status)
{
    if (status == REDIS_OK)
        return;
    say("redis", of->errstr);
    redis = NULL;
}

static void on_redis_lost(const redisAsyncContext *of, int status)
{
    if (status != REDIS_OK)
        say("redis", of->errstr);
    redis = NULL;
}

static void connect_redis(int port)
{
    redis = redisAsyncConnect("127.0.0.1", port);
    if (redis == NULL)
        check(-ENOMEM, "redis");
    if (redis->err != 0) { /* such as too many descriptors */
        say("redis", redis->errstr);
        redisAsyncFree(redis);
        redis = NULL;
        return;
    }
    if (mio_st_hiredis_attach(redis, &loop) != REDIS_OK)
        check(-ENOMEM, "redis");
    redisAsyncSetConnectCallback(redis, on_redis_connected);
    redisAsyncSetDisconnectCallback(redis, on_redis_lost);
}

/* c-ares ----------------------------------------------------------------------------------------------- */

static void on_address(void *user, int status, int timeouts, struct ares_addrinfo *addresses)
{
    (void)user, (void)timeouts;
    lookups--;
    if (status == ARES_SUCCESS) {
        ares_freeaddrinfo(addresses);
        if (++found == ROUNDS * EACH)
            say_count("cares", found);
    } else if (status != ARES_EDESTRUCTION) {
        say("cares", ares_strerror(status));
    }
}

static void look_up(int number)
{
    struct ares_addrinfo_hints hints;
    char name[32];
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    snprintf(name, sizeof name, "n%d.test", number);
    lookups++;
    ares_getaddrinfo(cares.channel, name, NULL, &hints, on_address, NULL);
}

/* libpq ------------------------------------------------------------------------------------------------ */

static void query(void)
{
    if (!PQsendQuery(postgres.conn, "SELECT generate_series(1, 100)"))
        say("postgres", PQerrorMessage(postgres.conn));
    check(mio_st_libpq_flush(&postgres), "postgres");
}

static void on_postgres(mio_st_libpq_t *pg, mio_st_libpq_what_t what, PGresult *result)
{
    if (what == MIO_ST_LIBPQ_CONNECTED) {
        query();
    } else if (what == MIO_ST_LIBPQ_FAILED) {
        say("postgres", PQerrorMessage(pg->conn));
        mio_st_libpq_close(pg);
    } else if (what == MIO_ST_LIBPQ_RESULT && result != NULL) {
        rows += PQntuples(result);
        PQclear(result);
    } else if (what == MIO_ST_LIBPQ_RESULT) {
        if (++queries < ROUNDS)
            query();
        else
            say_count("postgres", rows);
    }
}

/* The page, by OpenSSL --------------------------------------------------------------------------------- */

static void end_visit(struct visitor *visitor)
{
    mio_st_tls_close(&visitor->tls);
    mio_st_timer_stop(&loop, &visitor->patience);
    if (visitor->previous != NULL)
        visitor->previous->next = visitor->next;
    else
        visitors = visitor->next;
    if (visitor->next != NULL)
        visitor->next->previous = visitor->previous;
    free(visitor);
}

static void on_impatience(mio_st_source_t *source, uint32_t readiness)
{
    (void)readiness;
    end_visit(MIO_ST_CONTAINER(source, struct visitor, patience.source));
}

/* Writes the page, says that this is all, and waits for the visitor to say so. */
static void on_visitor(mio_st_tls_t *tls)
{
    struct visitor *visitor = (struct visitor *)tls;
    char ignored[256];
    int64_t result = 1;
    while (result > 0 && visitor->written < visitor->length) {
        result = mio_st_tls_write(tls, visitor->page + visitor->written, visitor->length - visitor->written);
        visitor->written += result > 0 ? (size_t)result : 0;
    }
    if (result > 0 && !visitor->said_all) {
        result = mio_st_tls_shutdown(tls);
        visitor->said_all = result == 0;
        visits += result == 0;
        result += result == 0;
    }
    for (int i = 0; result > 0 && i < 16; i++)
        result = mio_st_tls_read(tls, ignored, sizeof ignored);
    if (result > 0)
        result = mio_st_tls_again(tls) < 0 ? -ENOMEM : -EAGAIN;
    if (result != -EAGAIN)
        end_visit(visitor);
}

static void register_listener(mio_st_source_t *source, uint32_t readiness)
{
    (void)source, (void)readiness;
    check(mio_st_poller_register_tcp_listener(loop.poller, listener, mio_st_source_id(&on_listener), MIO_ST_READABLE,
                                              MIO_ST_LEVEL), "listener");
}

static void accept_visitor(mio_st_source_t *source, uint32_t readiness)
{
    struct visitor *visitor;
    mio_st_tcp_stream_t stream;
    SSL *ssl;
    int result = mio_st_tcp_listener_accept(listener, &stream, NULL);
    (void)source, (void)readiness;
    if (result < 0 && result != -EAGAIN) { /* most likely there are too many descriptors: not before a while */
        check(mio_st_poller_deregister_tcp_listener(loop.poller, listener), "listener");
        check(mio_st_timer_start(&loop, &listen_again, 50000000), "deadline");
    }
    if (result < 0)
        return;
    visitor = (struct visitor *)calloc(1, sizeof *visitor);
    ssl = SSL_new(context);
    if (visitor == NULL || ssl == NULL || mio_st_tls_open(&visitor->tls, &loop, ssl, stream, 1, on_visitor) < 0) {
        SSL_free(ssl);
        free(visitor);
        mio_st_tcp_stream_close(stream);
        return;
    }
    visitor->next = visitors;
    if (visitors != NULL)
        visitors->previous = visitor;
    visitors = visitor;
    visitor->length = (size_t)snprintf(visitor->page, sizeof visitor->page,
                                       "%d fetched, %d counted, %d found, %d rows, %d visits\n", fetched, counted,
                                       found, rows, visits);
    visitor->patience.source.on_event = on_impatience;
    if (mio_st_timer_start(&loop, &visitor->patience, 10000000000) < 0)
        end_visit(visitor);
}

/* The program's own ------------------------------------------------------------------------------------ */

static void on_round(mio_st_source_t *source, uint32_t readiness)
{
    (void)source, (void)readiness;
    for (int i = 0; i < EACH; i++) {
        fetch();
        if (redis != NULL)
            redisAsyncCommand(redis, on_count, NULL, "INCR together");
        look_up(rounds * EACH + i);
    }
    if (++rounds < ROUNDS)
        check(mio_st_timer_start(&loop, &next_round, 10000000), "deadline");
}

static void receive_signals(mio_st_source_t *source, uint32_t readiness)
{
    (void)source, (void)readiness;
    while (mio_st_signals_receive(signals) > 0)
        stop = 1;
}

static void listen_on(const char *address, const char *certificate, const char *key)
{
    struct sockaddr_storage bound;
    char text[MIO_ST_ADDR_TEXT_SIZE];
    int length;
    context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_use_certificate_chain_file(context, certificate) != 1
        || SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
    check(mio_st_tcp_listener_bind_str(&listener, address), address);
    on_listener.on_event = accept_visitor;
    listen_again.source.on_event = register_listener;
    register_listener(&on_listener, 0);
    length = check(mio_st_tcp_listener_local_addr(listener, &bound), "address");
    check(mio_st_addr_format((struct sockaddr *)&bound, (socklen_t)length, text, sizeof text), "address");
    printf("listening on %s\n", text);
    fflush(stdout);
}

static void start_dns(const char *server)
{
    struct ares_options options;
    memset(&options, 0, sizeof options);
    options.timeout = 5000; /* milliseconds for the first attempt, and the only one by TCP */
    options.tries = 3;
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS
        || mio_st_cares_init(&cares, &loop, options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS
        || ares_set_servers_ports_csv(cares.channel, server) != ARES_SUCCESS)
        check(-EINVAL, "c-ares");
}

int main(int argc, char **argv)
{
    const int numbers[] = {SIGINT, SIGTERM};
    if (argc < 8) {
        fprintf(stderr, "usage: together ADDRESS CERTIFICATE KEY URL REDIS_PORT DNS_SERVER CONNINFO\n");
        return 1;
    }
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes by write(2) */
    check(mio_st_poller_new(&loop.poller), "poller");
    check(look_for_mistakes(loop.poller), "checks");
    check(mio_st_signals_new(&signals, numbers, 2), "signals");
    on_signals.on_event = receive_signals;
    check(mio_st_poller_register_signals(loop.poller, signals, mio_st_source_id(&on_signals), MIO_ST_READABLE,
                                         MIO_ST_EDGE), "signals");
    listen_on(argv[1], argv[2], argv[3]);
    url = argv[4];
    curl_global_init(CURL_GLOBAL_DEFAULT);
    check(mio_st_curl_init(&curl, &loop, on_fetched), "curl");
    connect_redis((int)strtol(argv[5], NULL, 10));
    start_dns(argv[6]);
    check(mio_st_libpq_connect(&postgres, &loop, argv[7], on_postgres), "postgres");
    next_round.source.on_event = on_round;
    check(mio_st_timer_start(&loop, &next_round, 0), "deadline");

    while (!stop || fetches > 0) { /* transfers are removed where they end */
        check(mio_st_loop_turn(&loop, -1), "poll");
        print_complaints(loop.poller);
    }

    mio_st_timer_stop(&loop, &next_round);
    mio_st_timer_stop(&loop, &listen_again);
    for (struct visitor *visitor = visitors, *next; visitor != NULL; visitor = next) {
        next = visitor->next;
        end_visit(visitor);
    }
    mio_st_libpq_close(&postgres);
    mio_st_cares_destroy(&cares);
    ares_library_cleanup();
    if (redis != NULL)
        redisAsyncFree(redis);
    mio_st_curl_cleanup(&curl);
    curl_global_cleanup();
    SSL_CTX_free(context);
    mio_st_tcp_listener_close(listener);
    mio_st_signals_close(signals);
    mio_st_poller_close(loop.poller);
    printf("%d rounds, %d visits\n", rounds, visits);
    return mio_st_live_handles() == 0 ? 0 : 2;
}
