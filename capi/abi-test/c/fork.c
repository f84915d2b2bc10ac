/* Behaviour 33: what a forked child can do with the pollers of its parent: close them. */

#include "kinds.h"

enum { PAIRS = 6, LISTENER = 0, PAIR = 1, AWAKENER = 10, NOTIFIED = 12, PAST = 13, FUTURE = 14 };

static const uint32_t options[] = {MIO_ST_EDGE, MIO_ST_LEVEL, MIO_ST_ONESHOT};

/* A poller with whatever can wait there. */
static struct {
    mio_st_poller_t poller;
    mio_st_tcp_listener_t listener;
    mio_st_tcp_stream_t client;
    mio_st_unix_stream_t ours[PAIRS], peers[PAIRS];
    mio_st_awakener_t awakener;
    mio_st_registrar_t registrar;
    mio_st_deadline_key_t future;
} full;

static void fill(void)
{
    char text[MIO_ST_ADDR_TEXT_SIZE];

    OK(mio_st_poller_new(&full.poller));
    full.listener = test_listener(text);
    OK(mio_st_poller_register_tcp_listener(full.poller, full.listener, LISTENER, R, MIO_ST_LEVEL));
    OK(mio_st_tcp_stream_connect_str(&full.client, text));
    EQUAL(mio_st_tcp_stream_connected(full.client), 1);
    for (int i = 0; i < PAIRS; i++) {
        OK(mio_st_unix_stream_pair(&full.ours[i], &full.peers[i]));
        OK(mio_st_poller_register_unix_stream(full.poller, full.ours[i], (uint64_t)(PAIR + i), R,
                                              options[i % 3]));
        /* Half of them are ready. */
        if (i < 3)
            EQUAL(mio_st_unix_stream_write(full.peers[i], "x", 1), 1);
    }
    OK(mio_st_awakener_new(&full.awakener, full.poller, AWAKENER));
    OK(mio_st_awakener_wake(full.awakener));
    OK(mio_st_registrar_new(&full.registrar, full.poller));
    OK(mio_st_poller_notify(full.poller, NOTIFIED, W));
    OK(mio_st_poller_add_deadline(full.poller, PAST, 0, NULL));
    OK(mio_st_poller_add_timeout(full.poller, FUTURE, SECONDS(3600), &full.future));
}

/* Exactly these come without waiting, in any order: a bit for each. */
static void expect_events(mio_st_poller_t poller, unsigned long expected)
{
    mio_st_event_t events[32];
    unsigned long seen = 0;
    int count = OK(mio_st_poller_poll(poller, events, 32, 0));

    while (count-- > 0) {
        EQUAL(seen & 1ul << events[count].id, 0);
        seen |= 1ul << events[count].id;
    }
    EQUAL(seen, expected);
}

/* The parent's poller has all of its events, once, and goes on. Then everything is closed. */
static void nothing_was_disturbed(void)
{
    const unsigned long listener = 1ul << LISTENER, level = 1ul << (PAIR + 1);

    expect_events(full.poller, listener | 7ul << PAIR | 1ul << AWAKENER | 1ul << NOTIFIED | 1ul << PAST);
    expect_events(full.poller, listener | level);
    for (int i = 3; i < PAIRS; i++)
        EQUAL(mio_st_unix_stream_write(full.peers[i], "x", 1), 1);
    OK(mio_st_awakener_wake(full.awakener));
    expect_events(full.poller, listener | level | 7ul << (PAIR + 3) | 1ul << AWAKENER);
    for (int i = 0; i < PAIRS; i++) {
        OK(mio_st_poller_deregister_unix_stream(full.poller, full.ours[i]));
        OK(mio_st_unix_stream_close(full.ours[i]));
        OK(mio_st_unix_stream_close(full.peers[i]));
    }
    expect_events(full.poller, listener);
    EQUAL(mio_st_poller_cancel_deadline(full.poller, full.future), 1);
    OK(mio_st_awakener_close(full.awakener));
    OK(mio_st_registrar_close(full.registrar));
    OK(mio_st_tcp_stream_close(full.client));
    OK(mio_st_tcp_listener_close(full.listener));
    OK(mio_st_poller_close(full.poller));
    EQUAL(mio_st_live_handles(), 0);
}

/* Runs a function in a child, where it must not fail. */
static void in_a_child(void (*body)(void))
{
    pid_t child = OK(fork());
    int status;

    if (child == 0) {
        body();
        _exit(0);
    }
    EQUAL(waitpid(child, &status, 0), child);
    EQUAL(status, 0);
}

static void every_call_with_the_poller_fails(void)
{
    static const int64_t timeouts[] = {-1, 0, 1, LONG};
    mio_st_poller_t poller = full.poller;
    mio_st_deadline_key_t key = {77, 77};
    mio_st_awakener_t awakener = {77};
    mio_st_registrar_t registrar = {77};
    mio_st_detached_t detached = {77};
    mio_st_event_t events[8];
    int64_t wakeup = 77;
    uint64_t now = 77;
    mio_st_stats_t stats;
    mio_st_complaint_t complaint;
    int fd = mio_st_unix_stream_fd(full.ours[0]);

    memset(events, 0xa5, sizeof events);
    for (int i = 0; i < 4; i++)
        EQUAL(mio_st_poller_poll(poller, events, 8, timeouts[i]), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_poll_userspace(poller, events, 8), MIO_ST_EFORKED);
    EQUAL(events[0].id, UINT64_C(0xa5a5a5a5a5a5a5a5));
    for (int i = 0; i < 3; i++) {
        EQUAL(mio_st_poller_register_fd(poller, 0, 1, R, options[i]), MIO_ST_EFORKED);
        EQUAL(mio_st_poller_reregister_fd(poller, fd, 1, R, options[i]), MIO_ST_EFORKED);
    }
    EQUAL(mio_st_poller_deregister_fd(poller, fd), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_register_tcp_stream(poller, full.client, 20, R, MIO_ST_EDGE), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_reregister_tcp_listener(poller, full.listener, 20, R, MIO_ST_EDGE),
          MIO_ST_EFORKED);
    EQUAL(mio_st_poller_deregister_tcp_listener(poller, full.listener), MIO_ST_EFORKED);
    for (int i = 0; i < PAIRS; i++) {
        EQUAL(mio_st_poller_reregister_unix_stream(poller, full.ours[i], 20, R, MIO_ST_LEVEL),
              MIO_ST_EFORKED);
        EQUAL(mio_st_poller_deregister_unix_stream(poller, full.ours[i]), MIO_ST_EFORKED);
    }
    EQUAL(mio_st_poller_notify(poller, 20, R), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_try_notify(poller, 20, R), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_add_deadline(poller, 20, 0, &key), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_add_timeout(poller, 20, 0, &key), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_add_interval(poller, 20, 0, 1, &key), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_cancel_deadline(poller, full.future), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_move_deadline(poller, full.future, 0), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_move_timeout(poller, full.future, 0), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_move_or_add_timeout(poller, 20, 0, &full.future), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_remove_deadline(poller, PAST), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_next_wakeup(poller, &wakeup), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_set_deadline_slack(poller, 0), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_set_spin(poller, 0), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_set_clock(poller, MIO_ST_CLOCK_PAUSED), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_advance(poller, 0), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_set_time(poller, 0), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_set_stats(poller, 1), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_stats(poller, &stats, sizeof stats), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_set_checks(poller, MIO_ST_CHECK_ALL), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_next_complaint(poller, &complaint, sizeof complaint), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_now(poller, &now), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_fd(poller), MIO_ST_EFORKED);
    EQUAL(mio_st_awakener_new(&awakener, poller, 20), MIO_ST_EFORKED);
    for (int i = 0; i < 3; i++)
        EQUAL(mio_st_awakener_wake(full.awakener), MIO_ST_EFORKED);
    EQUAL(mio_st_registrar_new(&registrar, poller), MIO_ST_EFORKED);
    for (int i = 0; i < 3; i++) {
        EQUAL(mio_st_registrar_register(full.registrar, 0, 1, R, options[i]), MIO_ST_EFORKED);
        EQUAL(mio_st_registrar_reregister(full.registrar, fd, 1, R, options[i]), MIO_ST_EFORKED);
    }
    EQUAL(mio_st_registrar_deregister(full.registrar, fd), MIO_ST_EFORKED);
    EQUAL(mio_st_registrar_notify(full.registrar, 20, R), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_detach(poller, &detached), MIO_ST_EFORKED);
    EQUAL(registrar.bits == 77 && detached.bits == 77, 1);
    EQUAL(key.slot == 77 && awakener.bits == 77 && wakeup == 77 && now == 77, 1);
}

/* On the shortest way through a poll: nothing waits, and it was polled before. */
static void a_quiet_poller_fails_too(void)
{
    mio_st_event_t event;

    EQUAL(mio_st_poller_poll(full.poller, &event, 1, 0), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_poll(full.poller, &event, 1, -1), MIO_ST_EFORKED);
}

static void close_what_is_registered(void)
{
    for (int i = 0; i < PAIRS; i++) {
        OK(mio_st_unix_stream_close(full.ours[i]));
        OK(mio_st_unix_stream_close(full.peers[i]));
    }
    OK(mio_st_tcp_listener_close(full.listener));
    OK(mio_st_tcp_stream_close(full.client));
}

static void close_everything_and_the_poller_first(void)
{
    OK(mio_st_poller_close(full.poller));
    EQUAL(mio_st_awakener_wake(full.awakener) < 0, 1);
    OK(mio_st_awakener_close(full.awakener));
    OK(mio_st_registrar_close(full.registrar));
    close_what_is_registered();
    EQUAL(mio_st_live_handles(), 0);
}

static void close_everything_and_the_poller_last(void)
{
    close_what_is_registered();
    OK(mio_st_awakener_close(full.awakener));
    OK(mio_st_registrar_close(full.registrar));
    OK(mio_st_poller_close(full.poller));
    EQUAL(mio_st_poller_poll(full.poller, &(mio_st_event_t){0}, 1, 0), -EBADF);
    EQUAL(mio_st_live_handles(), 0);
}

/* As a child that goes on and never thinks of the library again. */
static void exit_without_a_word(void)
{
}

static mio_st_poller_t own;

static void a_grandchild_is_a_child_in_turn(void)
{
    mio_st_event_t event;
    mio_st_poller_t poller;

    EQUAL(mio_st_poller_poll(own, &event, 1, -1), MIO_ST_EFORKED);
    EQUAL(mio_st_poller_poll(full.poller, &event, 1, -1), MIO_ST_EFORKED);
    OK(mio_st_poller_new(&poller));
    EQUAL(mio_st_poller_poll(poller, &event, 1, 0), 0);
}

/* As a server that binds, and then forks its workers. */
static void use_a_poller_of_its_own_and_the_sockets_it_inherited(void)
{
    mio_st_tcp_stream_t served;
    mio_st_awakener_t awakener;
    char byte;

    OK(mio_st_poller_new(&own));
    OK(mio_st_poller_register_tcp_listener(own, full.listener, 0, R, MIO_ST_LEVEL));
    OK(mio_st_awakener_new(&awakener, own, 1));
    OK(mio_st_awakener_wake(awakener));
    expect_events(own, 3);
    in_a_child(a_grandchild_is_a_child_in_turn);
    expect_events(own, 1);
    /* With the table of handles as it was: the old ones are good, and new ones are given. */
    OK(mio_st_tcp_stream_try_clone(&served, full.client));
    EQUAL(mio_st_tcp_stream_read(served, &byte, 1), -EAGAIN);
    OK(mio_st_tcp_stream_close(served));
}

static void use(const struct kind *kind, struct made made)
{
    if (kind->enlist) {
        OK(mio_st_poller_new(&own));
        EQUAL(kind->fd(made.bits) >= 0, 1);
        OK(kind->enlist(own, made.bits, 1, kind->interests, MIO_ST_LEVEL));
        if (kind->rouse)
            kind->rouse(made);
        test_wait(own, 1, kind->readiness);
    }
    OK(kind->close(made.bits));
}

/* What is not a poller lives on in the child, whatever its kind, and can be closed there. */
static void a_child_uses_what_it_inherited(const struct kind *kind)
{
    struct made made = kind->make();
    pid_t child = OK(fork());
    int status;

    if (child == 0) {
        use(kind, made);
        _exit(0);
    }
    EQUAL(waitpid(child, &status, 0), child);
    EQUAL(status, 0);
    if (kind->fd)
        EQUAL(kind->fd(made.bits) >= 0, 1);
    unmake(kind, made);
}

/* The registrations are the parent's. */
static void take_the_descriptors(void)
{
    for (int i = 0; i < PAIRS; i++)
        OK(close(OK(mio_st_unix_stream_into_fd(full.ours[i]))));
    OK(close(OK(mio_st_tcp_listener_into_fd(full.listener))));
}

/* A child of `_Fork` runs no handlers, which is what it is for: the library does not know that it is one, and its pollers
 * are the parent's, as epoll's are. Who leaves them alone disturbs nobody. */
static void a_child_that_runs_no_handlers_is_not_noticed(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    extern pid_t _Fork(void);
    mio_st_unix_stream_t ours, peer;
    mio_st_poller_t poller;
    mio_st_event_t event;
    int status;
    pid_t child;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_unix_stream_pair(&ours, &peer));
    OK(mio_st_poller_register_unix_stream(poller, ours, 1, R, MIO_ST_ONESHOT));
    EQUAL(mio_st_unix_stream_write(peer, "x", 1), 1);
    for (int polls = 0; polls < 2; polls++) {
        child = OK(_Fork());
        if (child == 0) {
            /* The parent's event. */
            if (polls && (mio_st_poller_poll(poller, &event, 1, 0) != 1 || event.id != 1))
                _exit(1);
            _exit(mio_st_poller_fd(poller) >= 0 ? 0 : 2);
        }
        EQUAL(waitpid(child, &status, 0), child);
        EQUAL(status, 0);
    }
    EQUAL(mio_st_poller_poll(poller, &event, 1, 0), 0);
    OK(mio_st_unix_stream_close(ours));
    OK(mio_st_unix_stream_close(peer));
    OK(mio_st_poller_close(poller));
#endif
}

int main(void)
{
    static void (*const bodies[])(void) = {
        every_call_with_the_poller_fails,
        close_everything_and_the_poller_first,
        close_everything_and_the_poller_last,
        exit_without_a_word,
        take_the_descriptors,
        use_a_poller_of_its_own_and_the_sockets_it_inherited,
    };

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        fill();
        in_a_child(bodies[i]);
        nothing_was_disturbed();
    }

    OK(mio_st_poller_new(&full.poller));
    for (int i = 0; i < 3; i++)
        expect_events(full.poller, 0);
    in_a_child(a_quiet_poller_fails_too);
    expect_events(full.poller, 0);
    OK(mio_st_poller_close(full.poller));

    FOR_EACH_KIND(kind)
        a_child_uses_what_it_inherited(kind);
    a_child_that_runs_no_handlers_is_not_noticed();
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
