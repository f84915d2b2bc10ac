/* The life of handles: descriptors in and out, registrations, keys, a descriptor closed behind our back. */

#include <fcntl.h>
#include <signal.h>

#include "test.h"

static char text[MIO_ST_ADDR_TEXT_SIZE];

/* _into_fd: not while registered with any poller, whatever became of the others. */
static void a_registered_handle_keeps_its_descriptor(void)
{
    mio_st_poller_t a, b, c;
    mio_st_tcp_listener_t listener = test_listener(text);
    int fd;

    OK(mio_st_poller_new(&a));
    OK(mio_st_poller_new(&b));
    OK(mio_st_poller_new(&c));
    OK(mio_st_poller_register_tcp_listener(a, listener, 0, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_poller_register_tcp_listener(a, listener, 0, MIO_ST_READABLE, MIO_ST_EDGE), -EEXIST);
    OK(mio_st_poller_register_tcp_listener(b, listener, 0, MIO_ST_READABLE, MIO_ST_EDGE));
    OK(mio_st_poller_register_tcp_listener(c, listener, 0, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_tcp_listener_into_fd(listener), -EBUSY);
    OK(mio_st_poller_deregister_tcp_listener(a, listener));
    EQUAL(mio_st_poller_deregister_tcp_listener(a, listener), -ENOENT);
    EQUAL(mio_st_tcp_listener_into_fd(listener), -EBUSY);
    OK(mio_st_poller_close(b));
    EQUAL(mio_st_tcp_listener_into_fd(listener), -EBUSY);
    /* Through the descriptor: the handle learns of it at the next deregister. */
    OK(mio_st_poller_deregister_fd(c, mio_st_tcp_listener_fd(listener)));
    EQUAL(mio_st_poller_deregister_tcp_listener(c, listener), -ENOENT);
    fd = OK(mio_st_tcp_listener_into_fd(listener));
    EQUAL(mio_st_tcp_listener_close(listener), -EBADF);
    OK(close(fd));
    OK(mio_st_poller_close(a));
    OK(mio_st_poller_close(c));
}

/* A registration that was ended through the descriptor and made anew is one, and ends by one call. */
static void a_registration_made_anew_is_one(void)
{
    mio_st_poller_t a, b;
    mio_st_tcp_listener_t listener = test_listener(text);

    OK(mio_st_poller_new(&a));
    OK(mio_st_poller_new(&b));
    OK(mio_st_poller_register_tcp_listener(a, listener, 0, MIO_ST_READABLE, MIO_ST_EDGE));
    OK(mio_st_poller_register_tcp_listener(b, listener, 0, MIO_ST_READABLE, MIO_ST_EDGE));
    OK(mio_st_poller_deregister_tcp_listener(a, listener));
    OK(mio_st_poller_deregister_fd(b, mio_st_tcp_listener_fd(listener)));
    OK(mio_st_poller_register_tcp_listener(b, listener, 0, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_tcp_listener_into_fd(listener), -EBUSY);
    OK(mio_st_poller_deregister_tcp_listener(b, listener));
    OK(close(OK(mio_st_tcp_listener_into_fd(listener))));
    OK(mio_st_poller_close(a));
    OK(mio_st_poller_close(b));
}

static void from_fd_takes_only_what_is_of_the_kind(void)
{
    mio_st_tcp_listener_t listener = test_listener(text), another;
    mio_st_tcp_stream_t stream, client;
    int fds[2], fd;

    OK(pipe(fds));
    EQUAL(mio_st_tcp_listener_from_fd(&another, fds[0]), -ENOTSOCK);
    EQUAL(mio_st_tcp_stream_from_fd(&stream, fds[0]), -ENOTSOCK);
    OK(close(fds[0]));
    OK(close(fds[1]));
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    EQUAL(mio_st_tcp_stream_from_fd(&stream, fds[0]), -EPROTOTYPE);
    OK(close(fds[0]));
    OK(close(fds[1]));
    fd = OK(socket(AF_INET, SOCK_DGRAM, 0));
    EQUAL(mio_st_tcp_stream_from_fd(&stream, fd), -EPROTOTYPE);
    EQUAL(mio_st_tcp_listener_from_fd(&another, fd), -EPROTOTYPE);
    OK(close(fd));

    OK(mio_st_tcp_stream_connect_str(&client, text));
    fd = OK(mio_st_tcp_stream_into_fd(client));
    EQUAL(mio_st_tcp_listener_from_fd(&another, fd), -EPROTOTYPE);
    OK(fcntl(fd, F_SETFL, 0));
    OK(fcntl(fd, F_SETFD, 0));
    OK(mio_st_tcp_stream_from_fd(&stream, fd));
    EQUAL(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EQUAL(mio_st_tcp_stream_fd(stream), fd);
    OK(mio_st_tcp_stream_close(stream));
    EQUAL(fcntl(fd, F_GETFD), -1);

    fd = OK(mio_st_tcp_listener_into_fd(listener));
    EQUAL(mio_st_tcp_stream_from_fd(&stream, fd), -EPROTOTYPE);
    OK(mio_st_tcp_listener_from_fd(&listener, fd));
    OK(mio_st_tcp_listener_close(listener));
}

static void a_descriptor_that_became_anothers_is_an_error_of_signals(void)
{
    const int number = SIGUSR1;
    mio_st_signals_t signals;
    int fds[2];

    OK(mio_st_signals_new(&signals, &number, 1));
    OK(pipe(fds));
    EQUAL(write(fds[1], "four", 4), 4);
    OK(dup2(fds[0], mio_st_signals_fd(signals)));
    EQUAL(mio_st_signals_receive(signals), -EBADF);
    OK(mio_st_signals_close(signals));
    OK(close(fds[0]));
    OK(close(fds[1]));
}

static void a_descriptor_closed_behind_our_back_is_an_error(void)
{
    mio_st_tcp_listener_t listener = test_listener(text);
    mio_st_tcp_stream_t stream;

    OK(close(mio_st_tcp_listener_fd(listener)));
    EQUAL(mio_st_tcp_listener_accept(listener, &stream, NULL), -EBADF);
    OK(mio_st_tcp_listener_close(listener));
}

static void buffers_follow_the_rules_of_null(void)
{
    mio_st_poller_t poller;
    mio_st_tcp_listener_t listener = test_listener(text);
    mio_st_tcp_stream_t client, server;
    struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    char in[8];
    struct iovec parts[3] = {{in, 1}, {NULL, 0}, {in + 1, 7}};
    mio_st_event_t event;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_register_tcp_listener(poller, listener, 0, MIO_ST_READABLE, MIO_ST_EDGE));
    OK(mio_st_tcp_stream_connect_str(&client, text));
    server = test_accept(poller, listener);
    EQUAL(mio_st_tcp_stream_connected(client), 1);
    EQUAL(mio_st_tcp_stream_read(server, in, sizeof in), -EAGAIN);
    EQUAL(mio_st_tcp_stream_write(client, NULL, 0), 0);
    EQUAL(mio_st_tcp_stream_writev(client, NULL, 0), 0);
    EQUAL(mio_st_tcp_stream_writev(client, out, 3), 5);
    OK(mio_st_poller_register_tcp_stream(poller, server, 1, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
    EQUAL(mio_st_tcp_stream_peek(server, in, sizeof in), 5);
    EQUAL(mio_st_tcp_stream_readv(server, parts, 3), 5);
    EQUAL(memcmp(in, "abcde", 5), 0);
    OK(mio_st_tcp_stream_close(client));
    EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
    EQUAL(event.readiness, MIO_ST_READABLE | MIO_ST_READ_CLOSED);
    EQUAL(mio_st_tcp_stream_read(server, in, sizeof in), 0);
    OK(mio_st_tcp_stream_close(server));
    OK(mio_st_tcp_listener_close(listener));
    OK(mio_st_poller_close(poller));
}

static void deadlines_have_keys(void)
{
    mio_st_poller_t poller, other;
    mio_st_deadline_key_t key, forged;
    mio_st_event_t events[4];
    int64_t wakeup;
    uint64_t now;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_new(&other));
    OK(mio_st_poller_next_wakeup(poller, &wakeup));
    EQUAL(wakeup, -1);
    OK(mio_st_poller_now(poller, &now));
    OK(mio_st_poller_add_deadline(poller, 1, UINT64_MAX, &key));
    OK(mio_st_poller_next_wakeup(poller, &wakeup));
    EQUAL(wakeup > 1000000000, 1);
    for (int bit = 0; bit < 64; bit++) {
        forged = key;
        forged.slot ^= (uint64_t)1 << bit;
        EQUAL(mio_st_poller_cancel_deadline(poller, forged), 0);
        forged = key;
        forged.serial ^= (uint64_t)1 << bit;
        EQUAL(mio_st_poller_move_deadline(poller, forged, 0), 0);
    }
    EQUAL(mio_st_poller_cancel_deadline(poller, (mio_st_deadline_key_t){0, 0}), 0);
    EQUAL(mio_st_poller_cancel_deadline(other, key), 0);
    EQUAL(mio_st_poller_move_deadline(poller, key, now), 1);
    EQUAL(mio_st_poller_poll(poller, events, 4, -1), 1);
    EQUAL(events[0].id, 1);
    EQUAL(events[0].readiness, MIO_ST_TIMER);
    EQUAL(mio_st_poller_cancel_deadline(poller, key), 0);
    OK(mio_st_poller_add_interval(poller, 2, 0, 1000, &key));
    EQUAL(mio_st_poller_poll(poller, events, 4, -1), 1);
    EQUAL(events[0].id, 2);
    EQUAL(mio_st_poller_remove_deadline(poller, 3), 0);
    EQUAL(mio_st_poller_remove_deadline(poller, 2), 1);
    EQUAL(mio_st_poller_cancel_deadline(poller, key), 0);
    OK(mio_st_poller_notify(poller, UINT64_MAX, MIO_ST_WRITE_CLOSED | MIO_ST_TIMER));
    EQUAL(mio_st_poller_poll_userspace(poller, events, 4), 1);
    EQUAL(events[0].id == UINT64_MAX && events[0].readiness == (MIO_ST_WRITE_CLOSED | MIO_ST_TIMER), 1);
    OK(mio_st_poller_close(other));
    OK(mio_st_poller_close(poller));
}

int main(void)
{
    a_registered_handle_keeps_its_descriptor();
    a_registration_made_anew_is_one();
    from_fd_takes_only_what_is_of_the_kind();
    a_descriptor_closed_behind_our_back_is_an_error();
    a_descriptor_that_became_anothers_is_an_error_of_signals();
    buffers_follow_the_rules_of_null();
    deadlines_have_keys();
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
