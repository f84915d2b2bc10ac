/* Behaviours 37 and 38: a clock that the program drives. */

#include <sys/resource.h>

#include "test.h"

#define HOUR SECONDS(3600)

static mio_st_poller_t poller;
static uint64_t begin;

static void open_poller(uint32_t clock)
{
    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_set_clock(poller, clock));
    OK(mio_st_poller_now(poller, &begin));
}

static uint64_t passed(void)
{
    uint64_t now;

    OK(mio_st_poller_now(poller, &now));
    return now - begin;
}

static int64_t next_wakeup(void)
{
    int64_t wakeup = 77;

    OK(mio_st_poller_next_wakeup(poller, &wakeup));
    return wakeup;
}

/* One event or none, which is a deadline's. */
static void expect(int64_t timeout, uint64_t id, uint64_t time)
{
    mio_st_event_t events[4];
    int count = OK(mio_st_poller_poll(poller, events, 4, timeout));

    EQUAL(count, id != 0);
    if (count > 0) {
        EQUAL(events[0].id, id);
        EQUAL(events[0].readiness, MIO_ST_TIMER);
    }
    EQUAL(passed(), time);
}

static void a_paused_clock_stands_still(void)
{
    uint64_t really = monotonic();
    mio_st_event_t event;

    open_poller(MIO_ST_CLOCK_PAUSED);
    OK(mio_st_poller_add_timeout(poller, 1, 1, NULL));
    expect(0, 0, 0);
    expect(MILLISECONDS(5), 0, 0);
    EQUAL(monotonic() - really >= MILLISECONDS(5), 1);
    EQUAL(next_wakeup(), 1);
    OK(mio_st_poller_advance(poller, 1));
    EQUAL(next_wakeup(), 0);
    expect(-1, 1, 1);
    OK(mio_st_poller_add_interval(poller, 2, HOUR, HOUR, NULL));
    OK(mio_st_poller_add_deadline(poller, 3, begin + HOUR, NULL));
    OK(mio_st_poller_set_time(poller, begin + 3 * HOUR));
    EQUAL(mio_st_poller_poll_userspace(poller, &event, 1), 1);
    EQUAL(event.id, 3);
    expect(-1, 2, 3 * HOUR);
    EQUAL(next_wakeup(), 1); /* in phase */
    OK(mio_st_poller_close(poller));
}

static void an_automatic_clock_jumps(void)
{
    int fds[2];
    mio_st_awakener_t awakener;

    open_poller(MIO_ST_CLOCK_AUTOMATIC);
    OK(mio_st_poller_add_timeout(poller, 1, HOUR, NULL));
    expect(0, 0, 0);
    expect(SECONDS(1), 0, SECONDS(1));
    OK(mio_st_awakener_new(&awakener, poller, 9));
    OK(mio_st_awakener_wake(awakener));
    test_wait(poller, 9, MIO_ST_READABLE);
    OK(pipe(fds));
    OK(mio_st_poller_register_fd(poller, fds[0], 8, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(write(fds[1], "x", 1), 1);
    test_wait(poller, 8, MIO_ST_READABLE);
    EQUAL(passed(), SECONDS(1));
    expect(INT64_MAX, 1, HOUR);
    OK(mio_st_poller_add_timeout(poller, 2, HOUR, NULL));
    expect(-1, 2, 2 * HOUR);
    expect(SECONDS(1), 0, 2 * HOUR + SECONDS(1));
    OK(close(fds[0]));
    OK(close(fds[1]));
    OK(mio_st_awakener_close(awakener));
    OK(mio_st_poller_close(poller));
}

static void there_is_no_slack_unless_it_is_asked_for(void)
{
    open_poller(MIO_ST_CLOCK_AUTOMATIC);
    OK(mio_st_poller_add_timeout(poller, 1, HOUR + 1, NULL));
    EQUAL(next_wakeup(), (int64_t)HOUR + 1);
    EQUAL(mio_st_poller_remove_deadline(poller, 1), 1);
    OK(mio_st_poller_set_deadline_slack(poller, SECONDS(1)));
    OK(mio_st_poller_add_timeout(poller, 1, HOUR + 1, NULL));
    expect(INT64_MAX, 1, passed() + (uint64_t)next_wakeup());
    OK(mio_st_poller_close(poller));
}

static void what_cannot_be_is_refused(void)
{
    uint32_t unknown[] = {3, 4, 0x80000000, UINT32_MAX};

    open_poller(MIO_ST_CLOCK_MONOTONIC);
    EQUAL(mio_st_poller_advance(poller, 0), -EINVAL);
    EQUAL(mio_st_poller_set_time(poller, UINT64_MAX), -EINVAL);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        EQUAL(mio_st_poller_set_clock(poller, unknown[i]), -EINVAL);
    OK(mio_st_poller_close(poller));
    for (uint32_t clock = MIO_ST_CLOCK_PAUSED; clock <= MIO_ST_CLOCK_AUTOMATIC; clock++) {
        open_poller(clock);
        EQUAL(mio_st_poller_set_time(poller, begin - 1), -EINVAL);
        EQUAL(mio_st_poller_set_time(poller, 0), -EINVAL);
        EQUAL(mio_st_poller_advance(poller, UINT64_MAX), -EINVAL);
        EQUAL(passed(), 0);
        OK(mio_st_poller_set_time(poller, begin));
        OK(mio_st_poller_set_time(poller, UINT64_MAX));
        OK(mio_st_poller_advance(poller, 0));
        EQUAL(mio_st_poller_advance(poller, 1), -EINVAL);
        OK(mio_st_poller_close(poller));
        EQUAL(mio_st_poller_set_clock(poller, clock), -EBADF);
        EQUAL(mio_st_poller_advance(poller, 1), -EBADF);
        EQUAL(mio_st_poller_set_time(poller, 1), -EBADF);
    }
}

/* Deadlines keep their times, whatever the clock. */
static void the_clock_is_changed_back_and_forth(void)
{
    mio_st_event_t event;
    uint64_t soon;

    open_poller(MIO_ST_CLOCK_MONOTONIC);
    OK(mio_st_poller_add_timeout(poller, 1, HOUR, NULL));
    OK(mio_st_poller_set_clock(poller, MIO_ST_CLOCK_PAUSED));
    OK(mio_st_poller_advance(poller, HOUR / 2));
    OK(mio_st_poller_set_clock(poller, MIO_ST_CLOCK_MONOTONIC));
    EQUAL(passed() < HOUR / 4, 1);
    soon = begin + passed() + MILLISECONDS(5);
    OK(mio_st_poller_add_deadline(poller, 2, soon, NULL));
    test_wait(poller, 2, MIO_ST_TIMER);
    EQUAL(monotonic() >= soon, 1);
    OK(mio_st_poller_set_clock(poller, MIO_ST_CLOCK_AUTOMATIC));
    EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
    EQUAL(event.id, 1);
    EQUAL(passed() >= HOUR, 1);
    OK(mio_st_poller_close(poller));
}

/* Behaviour 38: a day of a server's life. A client has the id of its number, its connection at the server CLIENTS more,
 * and the deadlines of both so much more again. */
enum { CLIENTS = 1000, SERVER = CLIENTS, REQUEST = 2 * CLIENTS, IDLE = 3 * CLIENTS, END = 4 * CLIENTS };

static struct {
    mio_st_unix_stream_t client, server;
    mio_st_deadline_key_t idle;
} connections[CLIENTS];

static uint64_t state;

static uint64_t random_below(uint64_t limit)
{
    state = state * UINT64_C(6364136223846793005) + 1;
    return (state >> 33) % limit;
}

static void open_connection(uint64_t n)
{
    OK(mio_st_unix_stream_pair(&connections[n].client, &connections[n].server));
    OK(mio_st_poller_register_unix_stream(poller, connections[n].server, SERVER + n, MIO_ST_READABLE, MIO_ST_EDGE));
    OK(mio_st_poller_register_unix_stream(poller, connections[n].client, n, MIO_ST_READABLE, MIO_ST_EDGE));
    OK(mio_st_poller_add_timeout(poller, IDLE + n, HOUR / 2, &connections[n].idle));
}

static void close_connection(uint64_t n)
{
    OK(mio_st_unix_stream_close(connections[n].client));
    OK(mio_st_unix_stream_close(connections[n].server));
    connections[n].client.bits = 0;
}

static void request(uint64_t n)
{
    char letter = (char)('a' + random_below(26));

    if (connections[n].client.bits == 0)
        open_connection(n);
    EQUAL(mio_st_unix_stream_write(connections[n].client, &letter, 1), 1);
    /* Whole minutes, so that handles are ready at once. */
    OK(mio_st_poller_add_timeout(poller, REQUEST + n, SECONDS(60) * (1 + random_below(240)), NULL));
}

static void answer(uint64_t n)
{
    char letters[16];
    int64_t count;

    while ((count = mio_st_unix_stream_read(connections[n].server, letters, sizeof letters)) > 0)
        EQUAL(mio_st_unix_stream_write(connections[n].server, letters, (size_t)count), count);
    EQUAL(mio_st_poller_move_deadline(poller, connections[n].idle, begin + passed() + HOUR / 2), 1);
}

/* The hash of what happened. */
static uint64_t a_day(uint64_t seed, int *answers)
{
    static mio_st_event_t events[256];
    uint64_t hash = seed;
    int ended = 0;

    state = seed;
    *answers = 0;
    open_poller(MIO_ST_CLOCK_AUTOMATIC);
    OK(mio_st_poller_add_timeout(poller, END, 24 * HOUR, NULL));
    for (uint64_t n = 0; n < (uint64_t)scaled(CLIENTS); n++)
        OK(mio_st_poller_add_timeout(poller, REQUEST + n, SECONDS(60) * random_below(240), NULL));
    while (!ended) {
        int count = OK(mio_st_poller_poll(poller, events, 256, -1));

        for (int i = 0; i < count; i++) {
            uint64_t id = events[i].id, n = id % CLIENTS;
            char letters[16];

            hash = (hash ^ id ^ (uint64_t)events[i].readiness << 32 ^ passed() << 16) * UINT64_C(0x100000001b3);
            if (id == END) {
                ended = 1;
            } else if (id >= IDLE) {
                close_connection(n);
            } else if (id >= REQUEST) {
                request(n);
            } else if (connections[n].client.bits == 0) {
                continue;
            } else if (id >= SERVER) {
                answer(n);
            } else {
                while (mio_st_unix_stream_read(connections[n].client, letters, sizeof letters) > 0)
                    ++*answers;
            }
        }
    }
    EQUAL(passed(), 24 * HOUR);
    for (uint64_t n = 0; n < CLIENTS; n++)
        if (connections[n].client.bits != 0)
            close_connection(n);
    OK(mio_st_poller_close(poller));
    return hash;
}

static void a_day_is_twice_the_same(void)
{
    struct rlimit limit;
    int answers, again;
    uint64_t first;

    OK(getrlimit(RLIMIT_NOFILE, &limit));
    if (limit.rlim_cur < 4096 && limit.rlim_max >= 4096) {
        limit.rlim_cur = 4096;
        OK(setrlimit(RLIMIT_NOFILE, &limit));
    }
    first = a_day(1, &answers);
    EQUAL(answers > 5 * scaled(CLIENTS), 1);
    EQUAL(a_day(1, &again), first);
    EQUAL(again, answers);
}

int main(void)
{
    a_paused_clock_stands_still();
    an_automatic_clock_jumps();
    there_is_no_slack_unless_it_is_asked_for();
    what_cannot_be_is_refused();
    the_clock_is_changed_back_and_forth();
    a_day_is_twice_the_same();
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
