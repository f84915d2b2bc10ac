/* Behaviours 18 to 21 and 23: deadlines, by which a server in C lives. */

#include <sys/resource.h>

#include "test.h"

#define CENTURY SECONDS(UINT64_C(100) * 365 * 86400)

static mio_st_poller_t poller;

static void open_poller(uint64_t slack)
{
    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_set_deadline_slack(poller, slack));
}

/* The deadlines come in this order, one event each, and then nothing is there without waiting. */
static void expect_timers(int64_t timeout, const uint64_t *ids, int count)
{
    mio_st_event_t events[16];

    EQUAL(mio_st_poller_poll(poller, events, 16, timeout), count);
    for (int i = 0; i < count; i++) {
        EQUAL(events[i].id, ids[i]);
        EQUAL(events[i].readiness, MIO_ST_TIMER);
    }
    EQUAL(mio_st_poller_poll(poller, events, 16, 0), 0);
}

static void expect_timer(int64_t timeout, uint64_t id)
{
    expect_timers(timeout, &id, 1);
}

static int64_t next_wakeup(void)
{
    int64_t wakeup = 77;

    OK(mio_st_poller_next_wakeup(poller, &wakeup));
    return wakeup;
}

static void sleep_for(uint64_t nanoseconds)
{
    const struct timespec time = {0, (long)nanoseconds};

    OK(nanosleep(&time, NULL));
}

/* Behaviour 18: odd numbers of nanoseconds, across the range where a wait in milliseconds would be early. */
static void a_deadline_is_never_early(uint64_t slack)
{
    open_poller(slack);
    for (uint64_t i = 0; i < 60; i++) {
        uint64_t deadline = monotonic() + 1 + i * i * 1501;

        OK(mio_st_poller_add_deadline(poller, 7, deadline, NULL));
        expect_timer(-1, 7);
        EQUAL(monotonic() >= deadline, 1);
    }
    OK(mio_st_poller_close(poller));
}

/* Behaviour 18 */
static void a_timeout_of_200_microseconds_is_neither_none_nor_a_millisecond(void)
{
    uint64_t shortest = UINT64_MAX;

    open_poller(1 << 20);
    for (int i = 0; once_more(i, 50, shortest, MICROSECONDS(900)); i++) {
        uint64_t start = monotonic(), waited;

        OK(mio_st_poller_add_timeout(poller, 1, MICROSECONDS(200), NULL));
        expect_timer(-1, 1);
        waited = monotonic() - start;
        EQUAL(waited >= MICROSECONDS(200), 1);
        shortest = waited < shortest ? waited : shortest;
    }
    /* Valgrind 3.19 does not know epoll_pwait2(2): there the wait is rounded up. */
    if (!getenv("UNDER_VALGRIND"))
        EQUAL(shortest < MICROSECONDS(900), 1);
    OK(mio_st_poller_close(poller));
}

/* How often this thread has slept. */
static long sleeps(void)
{
    struct rusage usage;

    EQUAL(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_nvcsw;
}

/* How often this thread sleeps for 1,000 deadlines over 2^20 ns. */
static long wake_ups_for_neighbours(void)
{
    static mio_st_event_t events[1000];
    uint64_t start = monotonic() + MILLISECONDS(250);
    int fired = 0;
    long before;

    for (uint64_t i = 0; i < 1000; i++)
        OK(mio_st_poller_add_deadline(poller, i, start + 1048 * i, NULL));
    before = sleeps();
    while (fired < 1000)
        fired += OK(mio_st_poller_poll(poller, events, 1000, -1));
    EQUAL(monotonic() >= start + 1048 * 999, 1);
    return sleeps() - before;
}

/* Behaviour 18: at 250 ms the slack is the cap of 2^20 ns, so that 1,000 deadlines over one of them need two
 * wake-ups at most. A poll that comes after the time of some more hands these out, and does not sleep. */
static void neighbours_within_the_slack_share_a_wake_up(void)
{
    int tries = 0;

    open_poller(1 << 20);
    /* Again: a thread also sleeps where the system waits for something else, such as memory. */
    while (wake_ups_for_neighbours() > 2)
        EQUAL(++tries < 25, 1);
    OK(mio_st_poller_close(poller));
}

/* Behaviour 18 */
static void a_cancelled_deadline_wakes_nobody(void)
{
    mio_st_deadline_key_t key;
    mio_st_event_t event;
    uint64_t start;

    open_poller(0);
    EQUAL(next_wakeup(), -1);
    OK(mio_st_poller_add_timeout(poller, 1, MILLISECONDS(1), &key));
    EQUAL(mio_st_poller_cancel_deadline(poller, key), 1);
    EQUAL(next_wakeup(), -1);
    start = monotonic();
    EQUAL(mio_st_poller_poll(poller, &event, 1, 20000000), 0);
    EQUAL(monotonic() - start >= MILLISECONDS(20), 1);
    OK(mio_st_poller_close(poller));
}

/* Behaviour 19 */
static void deadlines_come_in_order_of_time_then_as_they_were_added_or_moved(void)
{
    const uint64_t order[] = {2, 3, 5, 1, 4, 0};
    uint64_t past = monotonic() - MILLISECONDS(10), later = past + MILLISECONDS(1);
    mio_st_deadline_key_t moved, to_the_same;

    open_poller(0);
    OK(mio_st_poller_add_deadline(poller, 0, later, NULL));
    OK(mio_st_poller_add_deadline(poller, 1, past, &moved));
    OK(mio_st_poller_add_deadline(poller, 2, past, NULL));
    OK(mio_st_poller_add_deadline(poller, 3, past, NULL));
    OK(mio_st_poller_add_deadline(poller, 4, past, &to_the_same));
    OK(mio_st_poller_add_deadline(poller, 5, past, NULL));
    EQUAL(mio_st_poller_move_deadline(poller, moved, later), 1);
    EQUAL(mio_st_poller_move_deadline(poller, moved, past), 1);
    EQUAL(mio_st_poller_move_deadline(poller, to_the_same, past), 1);
    expect_timers(0, order, 6);
    OK(mio_st_poller_close(poller));
}

/* Behaviour 19 */
static void changing_the_slack_affects_what_is_added_or_moved_later(void)
{
    uint64_t deadline = monotonic() + SECONDS(3600), before;
    mio_st_deadline_key_t key;

    open_poller(SECONDS(1));
    OK(mio_st_poller_add_deadline(poller, 0, deadline, &key));
    OK(mio_st_poller_set_deadline_slack(poller, 0));
    EQUAL((uint64_t)next_wakeup() + monotonic() >= deadline, 1);
    EQUAL(mio_st_poller_move_deadline(poller, key, deadline), 1);
    before = monotonic();
    EQUAL(before + (uint64_t)next_wakeup() < deadline + MILLISECONDS(1), 1);
    EQUAL((uint64_t)next_wakeup() + monotonic() >= deadline, 1);
    OK(mio_st_poller_close(poller));
}

/* Behaviour 12 */
static void spinning_ends_with_the_timeout_and_with_the_next_deadline(void)
{
    mio_st_event_t event;
    uint64_t start = monotonic();

    open_poller(0);
    OK(mio_st_poller_set_spin(poller, UINT64_MAX));
    EQUAL(mio_st_poller_poll(poller, &event, 1, MILLISECONDS(3)), 0);
    EQUAL(monotonic() - start >= MILLISECONDS(3), 1);
    start = monotonic();
    OK(mio_st_poller_add_timeout(poller, 1, MILLISECONDS(3), NULL));
    EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
    EQUAL(event.readiness, MIO_ST_TIMER);
    EQUAL(monotonic() - start >= MILLISECONDS(3), 1);
    OK(mio_st_poller_close(poller));
}

/* Behaviour 20 */
static void in_the_past_now_and_in_centuries(void)
{
    const uint64_t order[] = {6, 5, 3, 4};
    uint64_t now = monotonic();
    mio_st_deadline_key_t far;
    int64_t wakeup;

    open_poller(1 << 20);
    /* 500 years: INT64_MAX nanoseconds are 292, and that is the longest wake-up there is. */
    OK(mio_st_poller_add_deadline(poller, 0, now + 5 * CENTURY, &far));
    expect_timers(0, NULL, 0);
    wakeup = next_wakeup();
    EQUAL(wakeup > (int64_t)(2 * CENTURY), 1);
    EQUAL(mio_st_poller_move_deadline(poller, far, now + 2 * CENTURY), 1);
    wakeup = next_wakeup();
    EQUAL(wakeup > (int64_t)CENTURY && wakeup <= (int64_t)(2 * CENTURY + MILLISECONDS(2)), 1);

    OK(mio_st_poller_add_deadline(poller, 1, UINT64_MAX, NULL));
    OK(mio_st_poller_add_timeout(poller, 1, UINT64_MAX, NULL));
    OK(mio_st_poller_add_interval(poller, 2, UINT64_MAX, UINT64_MAX, NULL));
    EQUAL(mio_st_poller_add_interval(poller, 2, 1, 0, NULL), -EINVAL);
    OK(mio_st_poller_add_deadline(poller, 3, now, NULL));
    OK(mio_st_poller_add_timeout(poller, 4, 0, NULL));
    OK(mio_st_poller_add_deadline(poller, 5, now - SECONDS(1), NULL));
    OK(mio_st_poller_add_deadline(poller, 6, 0, NULL));
    expect_timers(0, order, 4);
    EQUAL(mio_st_poller_cancel_deadline(poller, far), 1);
    OK(mio_st_poller_close(poller));
}

/* Behaviour 20 */
static void an_interval_that_falls_behind_fires_once_and_keeps_its_phase(void)
{
    const uint64_t period = MILLISECONDS(20);
    uint64_t start, added, before, earliest, latest, wakeup;
    mio_st_deadline_key_t key;
    mio_st_event_t events[16];

    open_poller(0);
    start = monotonic();
    OK(mio_st_poller_add_interval(poller, 0, period, period, &key));
    added = monotonic();
    for (int i = 0; i < 3; i++) {
        EQUAL(mio_st_poller_poll(poller, events, 16, -1), 1);
        EQUAL(events[0].readiness, MIO_ST_TIMER);
    }
    EQUAL(monotonic() - start >= 3 * period, 1);
    /* The loop stalls over ten periods: there is one event, and it is there at once. */
    sleep_for(10 * period);
    do { /* again where the next one was due by then */
        EQUAL(mio_st_poller_poll(poller, events, 16, 0), 1);
        before = monotonic();
        wakeup = (uint64_t)next_wakeup();
    } while (wakeup == 0);
    EQUAL(wakeup <= period, 1);
    /* A whole number of periods after it was added, which was between `start` and `added`. */
    earliest = before + wakeup - added;
    latest = monotonic() + wakeup - start;
    EQUAL(latest / period * period >= earliest, 1);
    EQUAL(mio_st_poller_cancel_deadline(poller, key), 1);
    EQUAL(mio_st_poller_cancel_deadline(poller, key), 0);
    EQUAL(next_wakeup(), -1);
    OK(mio_st_poller_close(poller));
}

/* Behaviour 21 */
static void a_moved_deadline_fires_at_its_new_time_only(void)
{
    uint64_t soon = monotonic() + MILLISECONDS(2), later = soon + MILLISECONDS(20);
    mio_st_deadline_key_t key;

    open_poller(1 << 20);
    OK(mio_st_poller_add_deadline(poller, 1, soon, &key));
    EQUAL(mio_st_poller_move_deadline(poller, key, later), 1);
    expect_timer(-1, 1);
    EQUAL(monotonic() >= later, 1);

    OK(mio_st_poller_add_timeout(poller, 2, CENTURY, &key));
    soon = monotonic() + MILLISECONDS(2);
    EQUAL(mio_st_poller_move_deadline(poller, key, soon), 1);
    expect_timer(LONG, 2);
    EQUAL(monotonic() >= soon, 1);
    EQUAL(next_wakeup(), -1);
    OK(mio_st_poller_close(poller));
}

/* Behaviour 21 */
static void one_cancelled_while_it_waits_for_room_never_fires(void)
{
    mio_st_deadline_key_t keys[3];
    mio_st_event_t event;

    open_poller(0);
    for (uint64_t i = 0; i < 3; i++)
        OK(mio_st_poller_add_deadline(poller, i, monotonic() - 1, &keys[i]));
    EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
    EQUAL(event.id, 0);
    EQUAL(mio_st_poller_cancel_deadline(poller, keys[0]), 0);
    EQUAL(mio_st_poller_cancel_deadline(poller, keys[1]), 1);
    expect_timer(0, 2);
    OK(mio_st_poller_close(poller));
}

/* Behaviour 21: the slots are taken again and again, and the old keys stay void. */
static void a_void_key_is_answered_0_for_ever(void)
{
    mio_st_deadline_key_t theirs, fired, cancelled;
    mio_st_poller_t other;

    open_poller(0);
    OK(mio_st_poller_new(&other));
    OK(mio_st_poller_add_timeout(other, 0, CENTURY, &theirs));
    OK(mio_st_poller_add_timeout(poller, 0, 0, &fired));
    OK(mio_st_poller_add_timeout(poller, 0, CENTURY, &cancelled));
    EQUAL(mio_st_poller_cancel_deadline(poller, cancelled), 1);
    expect_timer(0, 0);
    for (int i = 0; i < 100; i++) {
        const mio_st_deadline_key_t none = {0, 0}, old[] = {theirs, fired, cancelled, none};
        mio_st_deadline_key_t key;

        OK(mio_st_poller_add_timeout(poller, 1, CENTURY, &key));
        for (int j = 0; j < 4; j++) {
            EQUAL(old[j].slot == key.slot && old[j].serial == key.serial, 0);
            EQUAL(mio_st_poller_cancel_deadline(poller, old[j]), 0);
            EQUAL(mio_st_poller_move_deadline(poller, old[j], 0), 0);
        }
        EQUAL(mio_st_poller_cancel_deadline(poller, key), 1);
    }
    EQUAL(mio_st_poller_cancel_deadline(other, theirs), 1);
    OK(mio_st_poller_close(other));
    OK(mio_st_poller_close(poller));
}

/* Behaviour 21: and a key of zeros moves nothing. */
static void a_deadline_is_moved_or_if_there_is_none_added(void)
{
    mio_st_deadline_key_t key = {0, 0}, before;
    uint64_t start;

    open_poller(0);
    EQUAL(mio_st_poller_move_or_add_timeout(poller, 1, CENTURY, &key), 0);
    before = key;
    EQUAL(mio_st_poller_move_or_add_timeout(poller, 2, MILLISECONDS(2), &key), 1);
    EQUAL(memcmp(&key, &before, sizeof key), 0);
    /* It keeps its id. */
    expect_timer(LONG, 1);
    EQUAL(mio_st_poller_move_timeout(poller, key, 0), 0);
    EQUAL(mio_st_poller_move_or_add_deadline(poller, 3, monotonic() + CENTURY, &key), 0);
    EQUAL(memcmp(&key, &before, sizeof key) == 0, 0);
    before = key;
    EQUAL(mio_st_poller_move_or_add_deadline(poller, 4, monotonic(), &key), 1);
    EQUAL(memcmp(&key, &before, sizeof key), 0);
    expect_timer(0, 3);
    EQUAL(mio_st_poller_move_or_add_deadline(poller, 4, 0, NULL), -EINVAL);
    EQUAL(mio_st_poller_move_or_add_timeout(poller, 4, 0, NULL), -EINVAL);
    EQUAL(next_wakeup(), -1);

    /* From now, and not from the last poll. */
    OK(mio_st_poller_add_timeout(poller, 5, CENTURY, &key));
    EQUAL(mio_st_poller_poll_userspace(poller, &(mio_st_event_t){0}, 1), 0);
    sleep_for(MILLISECONDS(10));
    start = monotonic();
    EQUAL(mio_st_poller_move_timeout(poller, key, MILLISECONDS(5)), 1);
    expect_timer(LONG, 5);
    EQUAL(monotonic() - start >= MILLISECONDS(5), 1);
    OK(mio_st_poller_close(poller));
}

static void the_earliest_of_an_id_is_removed(void)
{
    mio_st_deadline_key_t later, sooner, other;
    uint64_t now = monotonic();

    open_poller(0);
    OK(mio_st_poller_add_deadline(poller, 1, now + CENTURY, &later));
    OK(mio_st_poller_add_deadline(poller, 1, now, &sooner));
    OK(mio_st_poller_add_deadline(poller, 2, 0, &other));
    EQUAL(mio_st_poller_remove_deadline(poller, 1), 1);
    EQUAL(mio_st_poller_remove_deadline(poller, 3), 0);
    EQUAL(mio_st_poller_cancel_deadline(poller, sooner), 0);
    EQUAL(mio_st_poller_cancel_deadline(poller, later), 1);
    EQUAL(mio_st_poller_cancel_deadline(poller, other), 1);
    OK(mio_st_poller_close(poller));
}

/* Behaviour 23 */
static void readiness_and_a_deadline_at_once_both_arrive(void)
{
    mio_st_unix_stream_t ours, peer;
    int seen[2] = {0};
    mio_st_event_t event;

    open_poller(0);
    OK(mio_st_unix_stream_pair(&ours, &peer));
    OK(mio_st_poller_register_unix_stream(poller, ours, 0, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_unix_stream_write(peer, "x", 1), 1);
    OK(mio_st_poller_add_timeout(poller, 1, 0, NULL));
    for (int i = 0; i < 2; i++) {
        EQUAL(mio_st_poller_poll(poller, &event, 1, LONG), 1);
        seen[event.id]++;
    }
    EQUAL(seen[0] == 1 && seen[1] == 1, 1);
    EQUAL(mio_st_poller_poll(poller, &event, 1, 0), 0);
    OK(mio_st_unix_stream_close(ours));
    OK(mio_st_unix_stream_close(peer));
    OK(mio_st_poller_close(poller));
}

/* Behaviour 23 */
static void a_timeout_counts_from_now_and_not_from_the_last_poll(void)
{
    mio_st_event_t event;
    uint64_t start;

    open_poller(0);
    OK(mio_st_poller_add_timeout(poller, 0, 0, NULL));
    /* It has read the clock, and remembers. */
    EQUAL(mio_st_poller_poll(poller, &event, 1, 0), 1);
    sleep_for(MILLISECONDS(20));
    start = monotonic();
    OK(mio_st_poller_add_timeout(poller, 1, MILLISECONDS(10), NULL));
    expect_timer(-1, 1);
    EQUAL(monotonic() - start >= MILLISECONDS(10), 1);
    OK(mio_st_poller_close(poller));
}

/* As for a server that asks for the time once a turn. */
static void now_is_the_time_of_the_last_poll(void)
{
    uint64_t before = monotonic(), now, again;

    open_poller(0);
    OK(mio_st_poller_add_timeout(poller, 0, MILLISECONDS(1), NULL));
    EQUAL(mio_st_poller_poll(poller, &(mio_st_event_t){0}, 1, -1), 1);
    OK(mio_st_poller_now(poller, &now));
    EQUAL(now >= before + MILLISECONDS(1) && now <= monotonic(), 1);
    OK(mio_st_poller_now(poller, &again));
    EQUAL(again, now);
    EQUAL(mio_st_poller_now(poller, NULL), -EINVAL);
    OK(mio_st_poller_notify(poller, 1, MIO_ST_READABLE));
    EQUAL(next_wakeup(), 0);
    OK(mio_st_poller_close(poller));
}

/* In a loop of somebody else's: its descriptor is readable when a handle is ready, and next_wakeup() says
 * how long that loop may wait. */
static void a_poller_is_embedded_in_another_loop(void)
{
    mio_st_unix_stream_t ours, peer;
    mio_st_poller_t outer;
    mio_st_event_t event;
    uint64_t start;

    open_poller(0);
    OK(mio_st_poller_new(&outer));
    OK(mio_st_poller_register_fd(outer, mio_st_poller_fd(poller), 1, MIO_ST_READABLE, MIO_ST_LEVEL));
    OK(mio_st_unix_stream_pair(&ours, &peer));
    OK(mio_st_poller_register_unix_stream(poller, ours, 2, MIO_ST_READABLE, MIO_ST_LEVEL));
    start = monotonic();
    OK(mio_st_poller_add_timeout(poller, 3, MILLISECONDS(5), NULL));
    EQUAL(mio_st_poller_poll(outer, &event, 1, next_wakeup()), 0);
    EQUAL(monotonic() - start >= MILLISECONDS(5), 1);
    expect_timer(0, 3);
    EQUAL(mio_st_unix_stream_write(peer, "x", 1), 1);
    test_wait(outer, 1, MIO_ST_READABLE);
    test_wait(poller, 2, MIO_ST_READABLE);
    OK(mio_st_unix_stream_close(ours));
    OK(mio_st_unix_stream_close(peer));
    OK(mio_st_poller_close(outer));
    OK(mio_st_poller_close(poller));
}

int main(void)
{
    a_deadline_is_never_early(0);
    a_deadline_is_never_early(MICROSECONDS(100));
    a_deadline_is_never_early(SECONDS(1));
    a_timeout_of_200_microseconds_is_neither_none_nor_a_millisecond();
    neighbours_within_the_slack_share_a_wake_up();
    a_cancelled_deadline_wakes_nobody();
    deadlines_come_in_order_of_time_then_as_they_were_added_or_moved();
    changing_the_slack_affects_what_is_added_or_moved_later();
    spinning_ends_with_the_timeout_and_with_the_next_deadline();
    in_the_past_now_and_in_centuries();
    an_interval_that_falls_behind_fires_once_and_keeps_its_phase();
    a_moved_deadline_fires_at_its_new_time_only();
    one_cancelled_while_it_waits_for_room_never_fires();
    a_void_key_is_answered_0_for_ever();
    a_deadline_is_moved_or_if_there_is_none_added();
    the_earliest_of_an_id_is_removed();
    readiness_and_a_deadline_at_once_both_arrive();
    a_timeout_counts_from_now_and_not_from_the_last_poll();
    now_is_the_time_of_the_last_poll();
    a_poller_is_embedded_in_another_loop();
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
