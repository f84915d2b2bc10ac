/* TCP: how connections begin and end, and what is left when there are no descriptors. */

#include <netinet/in.h>
#include <sys/resource.h>

#include "kinds.h"

static mio_st_poller_t poller;

/* A socket at an address on loopback, which nobody else gets, and at which nobody listens. */
static int nobody(char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int fd = OK(socket(AF_INET, SOCK_STREAM, 0));

    OK(bind(fd, (struct sockaddr *)&address, length));
    OK(getsockname(fd, (struct sockaddr *)&address, &length));
    OK(mio_st_addr_format((struct sockaddr *)&address, length, text, MIO_ST_ADDR_TEXT_SIZE));
    return fd;
}

/* Behaviour 26 */
static void a_refused_connection_is_told_once(int by_connected)
{
    char text[MIO_ST_ADDR_TEXT_SIZE], byte;
    mio_st_tcp_stream_t stream;
    int error = 77, deaf = nobody(text);

    OK(mio_st_tcp_stream_connect_str(&stream, text));
    OK(mio_st_poller_register_tcp_stream(poller, stream, 1, W, MIO_ST_EDGE));
    test_wait(poller, 1, W | MIO_ST_ERROR | MIO_ST_HUP);
    if (by_connected) {
        EQUAL(mio_st_tcp_stream_connected(stream), -ECONNREFUSED);
    } else {
        OK(mio_st_tcp_stream_take_error(stream, &error));
        EQUAL(error, -ECONNREFUSED);
    }
    OK(mio_st_tcp_stream_take_error(stream, &error));
    EQUAL(error, 0);
    EQUAL(mio_st_tcp_stream_connected(stream), -ENOTCONN);
    EQUAL(mio_st_tcp_stream_write(stream, "x", 1) < 0, 1);
    EQUAL(mio_st_tcp_stream_read(stream, &byte, 1) <= 0, 1);
    OK(mio_st_tcp_stream_close(stream));
    OK(close(deaf));
}

static void a_stream_knows_its_addresses(void)
{
    char text[MIO_ST_ADDR_TEXT_SIZE], got[MIO_ST_ADDR_TEXT_SIZE];
    mio_st_tcp_listener_t listener = test_listener(text), clone;
    struct sockaddr_storage ours, theirs, seen;
    mio_st_tcp_stream_t client, server;
    int length, deaf;

    OK(mio_st_tcp_listener_try_clone(&clone, listener));
    EQUAL(mio_st_tcp_listener_accept(listener, &server, &seen), -EAGAIN);
    OK(mio_st_tcp_stream_connect_str(&client, text));
    OK(mio_st_poller_register_tcp_listener(poller, clone, 1, R, MIO_ST_EDGE));
    test_wait(poller, 1, R);
    OK(mio_st_tcp_listener_accept(clone, &server, &seen));
    EQUAL(mio_st_tcp_stream_connected(client), 1);
    length = OK(mio_st_tcp_stream_local_addr(client, &ours));
    EQUAL(length, sizeof(struct sockaddr_in));
    EQUAL(memcmp(&ours, &seen, (size_t)length), 0);
    EQUAL(mio_st_tcp_stream_peer_addr(server, &theirs), length);
    EQUAL(memcmp(&ours, &theirs, (size_t)length), 0);
    EQUAL(mio_st_tcp_stream_peer_addr(client, &theirs), length);
    EQUAL(mio_st_addr_format((struct sockaddr *)&theirs, (socklen_t)length, got, sizeof got), strlen(text));
    EQUAL(strcmp(got, text), 0);
    OK(mio_st_tcp_listener_close(listener));
    OK(mio_st_tcp_listener_close(clone));
    OK(mio_st_tcp_stream_close(client));
    OK(mio_st_tcp_stream_close(server));

    deaf = nobody(text);
    OK(mio_st_tcp_stream_connect_str(&client, text));
    EQUAL(mio_st_tcp_stream_peer_addr(client, &theirs), -ENOTCONN);
    OK(mio_st_tcp_stream_close(client));
    OK(close(deaf));
}

/* Behaviour 30 */
static void closing_with_linger_zero_resets_and_otherwise_ends(int linger, int64_t then)
{
    const struct kind *kind = kind_named("tcp_stream");
    struct made made = kind->make();
    mio_st_tcp_stream_t ours = {made.bits}, peer;
    int seconds = 77;
    char data[8];

    OK(mio_st_tcp_stream_from_fd(&peer, made.peer));
    OK(mio_st_tcp_stream_set_linger(peer, linger));
    OK(mio_st_tcp_stream_linger(peer, &seconds));
    EQUAL(seconds, linger);
    OK(mio_st_poller_register_tcp_stream(poller, ours, 1, R, MIO_ST_EDGE));
    EQUAL(mio_st_tcp_stream_write(peer, "hello", 5), 5);
    test_wait(poller, 1, R);
    EQUAL(mio_st_tcp_stream_read(ours, data, sizeof data), 5);
    OK(mio_st_tcp_stream_close(peer));
    test_wait(poller, 1, R | MIO_ST_READ_CLOSED);
    EQUAL(mio_st_tcp_stream_read(ours, data, sizeof data), then);
    OK(mio_st_tcp_stream_close(ours));
}

/* Behaviour 27: the connection waits until there is a descriptor, and the spare one turns it away. Valgrind
 * has a limit of its own, at which it closes the connection. */
static void without_descriptors_accept_is_an_error_and_the_listener_stays(void)
{
    char text[MIO_ST_ADDR_TEXT_SIZE], byte;
    mio_st_tcp_listener_t listener = test_listener(text);
    mio_st_tcp_stream_t first, second, server = {77};
    const struct sockaddr unnamed = {.sa_family = AF_UNIX};
    char idle_text[MIO_ST_ADDR_TEXT_SIZE];
    mio_st_tcp_listener_t idle = test_listener(idle_text);
    mio_st_unix_listener_t idle_unix;
    mio_st_unix_stream_t unix_server;
    struct rlimit limit, none;
    int spare;

    OK(mio_st_unix_listener_bind_addr(&idle_unix, &unnamed, sizeof unnamed.sa_family));
    spare = OK(dup(0));

    OK(mio_st_poller_register_tcp_listener(poller, listener, 1, R, MIO_ST_LEVEL));
    OK(mio_st_tcp_stream_connect_str(&first, text));
    OK(mio_st_tcp_stream_connect_str(&second, text));
    test_wait(poller, 1, R);
    OK(getrlimit(RLIMIT_NOFILE, &limit));
    none = limit;
    none.rlim_cur = 3; /* Those that are open stay open. */
    OK(setrlimit(RLIMIT_NOFILE, &none));
    for (int i = 0; i < 3; i++)
        EQUAL(mio_st_tcp_listener_accept(listener, &server, NULL), -EMFILE);
    EQUAL(server.bits, 77);
    EQUAL(mio_st_tcp_listener_accept(idle, &server, NULL), -EAGAIN);
    EQUAL(mio_st_unix_listener_accept(idle_unix, &unix_server, NULL), -EAGAIN);
    EQUAL(mio_st_poller_new(&(mio_st_poller_t){0}), -EMFILE);
    test_wait(poller, 1, R);

    /* One descriptor more: the spare one's number. */
    OK(close(spare));
    none.rlim_cur = (rlim_t)spare + 1;
    OK(setrlimit(RLIMIT_NOFILE, &none));
    OK(mio_st_tcp_listener_accept(listener, &server, NULL));
    OK(mio_st_tcp_stream_close(server));
    OK(setrlimit(RLIMIT_NOFILE, &limit));
    OK(mio_st_poller_register_tcp_stream(poller, first, 2, R, MIO_ST_LEVEL));
    OK(mio_st_poller_deregister_tcp_listener(poller, listener));
    test_wait(poller, 2, R | MIO_ST_READ_CLOSED);
    EQUAL(mio_st_tcp_stream_read(first, &byte, 1), 0);

    server = test_accept(poller, listener);
    OK(mio_st_tcp_stream_close(server));
    OK(mio_st_tcp_stream_close(first));
    OK(mio_st_tcp_stream_close(second));
    OK(mio_st_tcp_listener_close(listener));
    OK(mio_st_tcp_listener_close(idle));
    OK(mio_st_unix_listener_close(idle_unix));
}

/* Behaviour 11, of which other loops know nothing. */
static void out_of_band_data_is_a_priority_where_asked_for(void)
{
    const struct kind *kind = kind_named("tcp_stream");
    struct made made = kind->make();
    mio_st_tcp_stream_t ours = {made.bits};
    mio_st_event_t event;

    OK(mio_st_poller_register_tcp_stream(poller, ours, 1, R | MIO_ST_PRIORITY, MIO_ST_LEVEL));
    EQUAL(send(made.peer, "!", 1, MSG_OOB), 1);
    EQUAL(mio_st_poller_poll(poller, &event, 1, LONG), 1);
    EQUAL(event.readiness, MIO_ST_PRIORITY);
    OK(mio_st_poller_reregister_tcp_stream(poller, ours, 1, R, MIO_ST_LEVEL));
    EQUAL(mio_st_poller_poll(poller, &event, 1, 0), 0);
    unmake(kind, made);
}

int main(void)
{
    OK(mio_st_poller_new(&poller));
    a_refused_connection_is_told_once(1);
    a_refused_connection_is_told_once(0);
    a_stream_knows_its_addresses();
    closing_with_linger_zero_resets_and_otherwise_ends(0, -ECONNRESET);
    closing_with_linger_zero_resets_and_otherwise_ends(-1, 0);
    if (!getenv("UNDER_VALGRIND"))
        without_descriptors_accept_is_an_error_and_the_listener_stays();
    out_of_band_data_is_a_priority_where_asked_for();
    OK(mio_st_poller_close(poller));
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
