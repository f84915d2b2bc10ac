/* Behaviour 6: the classic bug of edge-triggered servers. Two connections are ready in one batch; the handler
 * of the first closes the second, and accept reuses its descriptor number. The event of the second must reach
 * nobody. */

#include "test.h"

int main(void)
{
    mio_st_poller_t poller;
    mio_st_tcp_listener_t listener;
    mio_st_tcp_stream_t clients[3], served[2], late, clones[4];
    mio_st_event_t events[8];
    char text[MIO_ST_ADDR_TEXT_SIZE], buffer[16];
    int fd, count = 0;

    OK(mio_st_poller_new(&poller));
    listener = test_listener(text);
    OK(mio_st_poller_register_tcp_listener(poller, listener, 0, MIO_ST_READABLE, MIO_ST_LEVEL));
    for (int i = 0; i < 2; i++) {
        OK(mio_st_tcp_stream_connect_str(&clients[i], text));
        served[i] = test_accept(poller, listener);
        OK(mio_st_poller_register_tcp_stream(poller, served[i], served[i].bits, MIO_ST_READABLE,
                                             MIO_ST_EDGE));
        EQUAL(mio_st_tcp_stream_write(clients[i], "hello", 5), 5);
    }
    OK(mio_st_poller_deregister_tcp_listener(poller, listener));
    OK(mio_st_tcp_stream_connect_str(&clients[2], text));

    /* Both in one batch: the data has arrived, this is loopback. */
    while (count < 2) {
        mio_st_poller_t other;
        int now;

        OK(mio_st_poller_new(&other)); /* Somewhere to wait that leaves the edges alone. */
        OK(mio_st_poller_register_fd(other, mio_st_tcp_stream_fd(served[1]), 0, MIO_ST_READABLE,
                                     MIO_ST_LEVEL));
        now = OK(mio_st_poller_poll(other, events, 1, -1));
        EQUAL(now, 1);
        OK(mio_st_poller_close(other));
        count = OK(mio_st_poller_poll(poller, events, 8, -1));
        EQUAL(count, 2);
    }

    /* The handler of the first. */
    mio_st_tcp_stream_t first = {events[0].id}, second = {events[1].id};
    EQUAL(mio_st_tcp_stream_read(first, buffer, sizeof buffer), 5);
    fd = OK(mio_st_tcp_stream_fd(second));
    OK(mio_st_tcp_stream_close(second));
    OK(mio_st_poller_register_tcp_listener(poller, listener, 0, MIO_ST_READABLE, MIO_ST_EDGE));
    late = test_accept(poller, listener);
    EQUAL(mio_st_tcp_stream_fd(late), fd);
    EQUAL(mio_st_tcp_stream_write(clients[2], "secret", 6), 6);

    /* Free places in the table of handles are taken in turn: one of these has that of the second. */
    for (int i = 0; i < 4; i++)
        OK(mio_st_tcp_stream_try_clone(&clones[i], late));

    /* The handler of the second: its handle is stale, whoever has its number and its place now. */
    EQUAL(mio_st_tcp_stream_read(second, buffer, sizeof buffer), -EBADF);
    EQUAL(mio_st_tcp_stream_write(second, "x", 1), -EBADF);
    EQUAL(mio_st_tcp_stream_shutdown(second, SHUT_RDWR), -EBADF);
    EQUAL(mio_st_poller_deregister_tcp_stream(poller, second), -EBADF);
    EQUAL(mio_st_tcp_stream_close(second), -EBADF);
    for (int i = 0; i < 4; i++)
        OK(mio_st_tcp_stream_close(clones[i]));

    OK(mio_st_poller_register_tcp_stream(poller, late, 7, MIO_ST_READABLE, MIO_ST_EDGE));
    do
        OK(mio_st_poller_poll(poller, events, 1, -1));
    while (events[0].id != 7);
    EQUAL(mio_st_tcp_stream_read(late, buffer, sizeof buffer), 6);

    OK(mio_st_tcp_stream_close(first));
    OK(mio_st_tcp_stream_close(late));
    for (int i = 0; i < 3; i++)
        OK(mio_st_tcp_stream_close(clients[i]));
    OK(mio_st_tcp_listener_close(listener));
    OK(mio_st_poller_close(poller));
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
