/* Behaviours 13, 15 and 16, and 14: timeouts, turns, and events that do not fit. */

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "test.h"

enum { HANDLES = 7, SYSTEM = 0, NOTIFICATION = 1000000, DEADLINE = 2000000 };

static const uint64_t DAY = SECONDS(86400);

/* --- Timeouts ------------------------------------------------------------------------------------ */

static uint64_t wait_of(mio_st_poller_t poller, int64_t timeout)
{
    uint64_t start = monotonic();
    mio_st_event_t event;

    EQUAL(mio_st_poller_poll(poller, &event, 1, timeout), 0);
    return monotonic() - start;
}

/* Behaviour 13 */
static void a_timeout_of_zero_polls_once_and_returns(void)
{
    uint64_t shortest = UINT64_MAX;
    mio_st_poller_t poller;
    mio_st_unix_stream_t ours, peer;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_unix_stream_pair(&ours, &peer));
    OK(mio_st_poller_register_unix_stream(poller, ours, 1, MIO_ST_READABLE, MIO_ST_LEVEL));
    for (int i = 0; once_more(i, 50, shortest, MICROSECONDS(40)); i++) {
        uint64_t waited = wait_of(poller, 0);

        shortest = waited < shortest ? waited : shortest;
    }
    /* The shortest of many: a sleep of the least amount, 50 us, is not among them. */
    if (!getenv("UNDER_VALGRIND"))
        EQUAL(shortest < MICROSECONDS(40), 1);
    EQUAL(mio_st_unix_stream_write(peer, "x", 1), 1);
    test_wait(poller, 1, MIO_ST_READABLE);
    OK(mio_st_unix_stream_close(ours));
    OK(mio_st_unix_stream_close(peer));
    OK(mio_st_poller_close(poller));
}

/* Behaviour 13 */
static void timeouts_are_never_early_and_200_microseconds_are_not_a_millisecond(void)
{
    static const int64_t timeouts[] = {1,       999,     50000,   200000,  999999,
                                       1000000, 1000001, 3141592, 20000000};
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        uint64_t shortest = UINT64_MAX;

        for (int times = 0; once_more(times, 20, timeouts[i] <= 200000 ? shortest : 0, MICROSECONDS(900)); times++) {
            uint64_t waited = wait_of(poller, timeouts[i]);

            EQUAL(waited >= (uint64_t)timeouts[i], 1);
            shortest = waited < shortest ? waited : shortest;
        }
        /* Valgrind 3.19 does not know epoll_pwait2(2): there the timeout is rounded up. */
        if (timeouts[i] <= 200000 && !getenv("UNDER_VALGRIND"))
            EQUAL(shortest < MICROSECONDS(900), 1);
    }
    OK(mio_st_poller_close(poller));
}

static void *wake_later(void *pointer)
{
    const struct timespec pause = {0, 20000000}; /* Long enough for a poll that does not wait. */

    nanosleep(&pause, NULL);
    OK(mio_st_awakener_wake(*(mio_st_awakener_t *)pointer));
    return NULL;
}

/* Waits, until it is woken, for as long as there is nothing else. */
static void is_woken(mio_st_poller_t poller, int64_t timeout)
{
    mio_st_event_t event;
    mio_st_awakener_t awakener;
    pthread_t thread;

    OK(mio_st_awakener_new(&awakener, poller, 9));
    OK(-pthread_create(&thread, NULL, wake_later, &awakener));
    EQUAL(mio_st_poller_poll(poller, &event, 1, timeout), 1);
    EQUAL(event.id, 9);
    OK(-pthread_join(thread, NULL));
    OK(mio_st_awakener_close(awakener));
}

/* Behaviour 13: for ever, and around every limit on the way, as timeouts and as deadlines. */
static void long_timeouts_do_not_overflow(void)
{
    const int64_t timeouts[] = {
        -1,
        INT64_MIN,
        INT64_MAX,
        INT64_C(1) << 50,
        (INT64_C(1) << 50) + 1,
        INT64_C(1000000) * INT_MAX,
        INT64_C(1000000) * INT_MAX + 1000000,
        INT64_C(1000000) * UINT_MAX + 1000000,
        (int64_t)(25 * DAY),
        (int64_t)(25 * DAY) + 1,
        (int64_t)(50 * 365 * DAY),
    };

    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        mio_st_poller_t poller;
        uint64_t far = timeouts[i] < 0 ? UINT64_MAX : (uint64_t)timeouts[i];

        OK(mio_st_poller_new(&poller));
        is_woken(poller, timeouts[i]);
        OK(mio_st_poller_add_timeout(poller, 1, far, NULL));
        OK(mio_st_poller_add_interval(poller, 1, far, far, NULL));
        is_woken(poller, -1);
        is_woken(poller, timeouts[i]);
        OK(mio_st_poller_close(poller));
    }
}

static atomic_int handled;

static void count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&handled, 1);
}

/* Where a byte is written when all signals have been sent; -1 is nowhere. */
static int afterwards = -1;

static void *interrupt(void *pointer)
{
    const struct timespec pause = {0, 1000000};
    pthread_t waiting = *(pthread_t *)pointer;

    for (int i = 0; i < 20; i++) {
        OK(-pthread_kill(waiting, SIGURG));
        nanosleep(&pause, NULL);
    }
    if (afterwards >= 0)
        EQUAL(write(afterwards, "x", 1), 1);
    return NULL;
}

/* Behaviour 14: nor does it change errno. */
static void a_signal_does_not_end_the_wait(void)
{
    struct sigaction action = {.sa_handler = count_signal}; /* Without SA_RESTART. */
    pthread_t self = pthread_self(), thread;
    mio_st_awakener_t awakener = {0};
    mio_st_poller_t poller;
    int fds[2];
    char byte;

    OK(mio_st_poller_new(&poller));
    OK(sigaction(SIGURG, &action, NULL));
    OK(-pthread_create(&thread, NULL, interrupt, &self));
    errno = ERANGE;
    EQUAL(wait_of(poller, 60000000) >= MILLISECONDS(60), 1);
    EQUAL(errno, ERANGE);
    OK(-pthread_join(thread, NULL));
    EQUAL(atomic_load(&handled) > 0, 1);

    /* For ever: after a deadline, when there is nothing but the descriptor, and with an awakener. */
    OK(pipe(fds));
    afterwards = fds[1];
    OK(mio_st_poller_register_fd(poller, fds[0], 1, MIO_ST_READABLE, MIO_ST_LEVEL));
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            OK(mio_st_awakener_new(&awakener, poller, 2));
        OK(-pthread_create(&thread, NULL, interrupt, &self));
        errno = ERANGE;
        test_wait(poller, 1, MIO_ST_READABLE);
        EQUAL(errno, ERANGE);
        OK(-pthread_join(thread, NULL));
        EQUAL(read(fds[0], &byte, 1), 1);
    }
    OK(mio_st_awakener_close(awakener));
    OK(mio_st_poller_deregister_fd(poller, fds[0]));
    OK(close(fds[0]));
    OK(close(fds[1]));
    OK(mio_st_poller_close(poller));
}

/* --- Events of three kinds ----------------------------------------------------------------------- */

/* A poller with handles that are ready, and what waits there; the events of the handles never end. */
struct flood {
    mio_st_poller_t poller;
    mio_st_unix_stream_t ours[HANDLES], peers[HANDLES];
    uint64_t notified, timed;
};

static void flood_open(struct flood *flood, uint32_t option)
{
    flood->notified = flood->timed = 0;
    OK(mio_st_poller_new(&flood->poller));
    for (int i = 0; i < HANDLES; i++) {
        OK(mio_st_unix_stream_pair(&flood->ours[i], &flood->peers[i]));
        EQUAL(mio_st_unix_stream_write(flood->peers[i], "x", 1), 1);
        OK(mio_st_poller_register_unix_stream(flood->poller, flood->ours[i], (uint64_t)(SYSTEM + i),
                                              MIO_ST_READABLE, option));
    }
}

static void flood_send(struct flood *flood, int count)
{
    while (count-- > 0) {
        OK(mio_st_poller_notify(flood->poller, NOTIFICATION + flood->notified++, MIO_ST_WRITABLE));
        OK(mio_st_poller_add_deadline(flood->poller, DEADLINE + flood->timed++, 1, NULL));
    }
}

static void flood_close(struct flood *flood)
{
    for (int i = 0; i < HANDLES; i++) {
        OK(mio_st_unix_stream_close(flood->ours[i]));
        OK(mio_st_unix_stream_close(flood->peers[i]));
    }
    OK(mio_st_poller_close(flood->poller));
}

/* 0 handles, 1 notifications, 2 deadlines. */
static int kind_of(mio_st_event_t event)
{
    static const uint32_t expected[] = {MIO_ST_READABLE, MIO_ST_WRITABLE, MIO_ST_TIMER};
    int kind = (int)(event.id / NOTIFICATION);

    EQUAL(event.readiness, expected[kind]);
    EQUAL(event.reserved, 0);
    return kind;
}

/* Behaviour 15: each kind gets an event in any three polls, and within a kind the order is kept. */
static void each_kind_that_waits_is_served_in_any_three_polls(size_t capacity, int userspace)
{
    struct flood flood;
    mio_st_event_t events[8];
    int unserved[3] = {0}, handles[HANDLES] = {0}, fewest = INT_MAX, most = 0;
    uint64_t next[3] = {0, NOTIFICATION, DEADLINE};

    flood_open(&flood, MIO_ST_LEVEL);
    for (int turn = 0; turn < 210; turn++) {
        int served[3] = {0}, asks = !userspace || turn % 2 == 0, count;

        flood_send(&flood, 5);
        count = OK(asks ? mio_st_poller_poll(flood.poller, events, capacity, -1)
                        : mio_st_poller_poll_userspace(flood.poller, events, capacity));
        EQUAL(count, capacity);
        for (int i = 0; i < count; i++) {
            int kind = kind_of(events[i]);

            served[kind] = 1;
            if (kind == 0)
                handles[events[i].id]++;
            else
                EQUAL(events[i].id, next[kind]++);
        }
        /* A poll of user space takes nobody's turn away. */
        for (int kind = 0; kind < 3 && asks; kind++) {
            unserved[kind] = served[kind] ? 0 : unserved[kind] + 1;
            EQUAL(unserved[kind] < 3, 1);
        }
    }
    for (int i = 0; i < HANDLES; i++) {
        fewest = handles[i] < fewest ? handles[i] : fewest;
        most = handles[i] > most ? handles[i] : most;
    }
    EQUAL(fewest > 0, 1);
    EQUAL(most - fewest <= 1, 1);
    flood_close(&flood);
}

/* Behaviour 16: nothing is lost, nothing comes twice, and no room is left while something waits. */
static void events_that_do_not_fit_are_kept(size_t capacity)
{
    struct flood flood;
    mio_st_event_t events[3 * HANDLES + 2];
    int counts[3][HANDLES] = {{0}}, polls = 0, count;

    flood_open(&flood, MIO_ST_EDGE);
    flood_send(&flood, HANDLES);
    while ((count = OK(mio_st_poller_poll(flood.poller, events, capacity, 0))) > 0) {
        polls++;
        for (int i = 0; i < count; i++)
            counts[kind_of(events[i])][events[i].id % NOTIFICATION]++;
    }
    for (int kind = 0; kind < 3; kind++) {
        for (int i = 0; i < HANDLES; i++)
            EQUAL(counts[kind][i], 1);
    }
    EQUAL(polls, (3 * HANDLES + (int)capacity - 1) / (int)capacity);
    flood_close(&flood);
}

/* Behaviour 16 */
static void no_capacity_is_an_error_that_loses_nothing(void)
{
    static const int64_t timeouts[] = {-1, 0, 1, LONG};
    mio_st_event_t events[3 * HANDLES + 1];
    struct flood flood;

    flood_open(&flood, MIO_ST_EDGE);
    flood_send(&flood, HANDLES);
    memset(events, 0xa5, sizeof events);
    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        EQUAL(mio_st_poller_poll(flood.poller, events, 0, timeouts[i]), -EINVAL);
        EQUAL(mio_st_poller_poll(flood.poller, NULL, 0, timeouts[i]), -EINVAL);
        EQUAL(mio_st_poller_poll(flood.poller, NULL, 1, timeouts[i]), -EINVAL);
    }
    EQUAL(mio_st_poller_poll_userspace(flood.poller, events, 0), -EINVAL);
    EQUAL(events[0].id, UINT64_C(0xa5a5a5a5a5a5a5a5));
    EQUAL(mio_st_poller_poll(flood.poller, events, 3 * HANDLES + 1, -1), 3 * HANDLES);
    flood_close(&flood);
}

/* Behaviour 16: EP_MAX_EVENTS is INT_MAX / 12. Memory that nobody touches costs nothing. */
static void a_capacity_beyond_the_limit_of_the_kernel_is_clamped(void)
{
    const size_t capacity = INT_MAX / 12 + 100;
    struct flood flood;
    mio_st_event_t *events;

    if (capacity > PTRDIFF_MAX / sizeof *events)
        return; /* An address space of 32 bits has no such array. */
    events = mmap(NULL, capacity * sizeof *events, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    EQUAL(events != MAP_FAILED, 1);
    flood_open(&flood, MIO_ST_EDGE);
    EQUAL(mio_st_poller_poll(flood.poller, events, capacity, 0), HANDLES);
    EQUAL(mio_st_poller_poll(flood.poller, events, capacity, 1), 0);
    flood_send(&flood, 1);
    EQUAL(mio_st_poller_poll(flood.poller, events, capacity, -1), 2);
    flood_close(&flood);
    OK(munmap(events, capacity * sizeof *events));
}

/* Behaviour 16: what the array does not need is not touched. */
static void events_beyond_the_count_are_left_alone(void)
{
    struct flood flood;
    mio_st_event_t events[64];

    for (size_t capacity = 1; capacity <= 32; capacity++) {
        unsigned char *rest;
        int count;

        flood_open(&flood, MIO_ST_EDGE);
        flood_send(&flood, HANDLES);
        memset(events, 0xa5, sizeof events);
        count = OK(mio_st_poller_poll(flood.poller, events, capacity, 0));
        EQUAL(count, capacity < 3 * HANDLES ? capacity : 3 * HANDLES);
        rest = (unsigned char *)(events + capacity);
        for (size_t i = 0; i < (64 - capacity) * sizeof *events; i++)
            EQUAL(rest[i], 0xa5);
        flood_close(&flood);
    }
}

/* Behaviour 16 */
static void notifications_come_back_bit_for_bit_and_are_refused_when_full(void)
{
    static const uint32_t flags[] = {MIO_ST_READABLE, MIO_ST_WRITABLE, MIO_ST_ERROR,
                                     MIO_ST_TIMER,    MIO_ST_HUP,      MIO_ST_READ_CLOSED,
                                     MIO_ST_PRIORITY, MIO_ST_WRITE_CLOSED};
    uint64_t sent = 0, seen = 0;
    mio_st_event_t events[3];
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    for (unsigned int set = 1; set < 256; set++) {
        uint32_t readiness = 0;

        for (int i = 0; i < 8; i++)
            readiness |= set & 1u << i ? flags[i] : 0;
        OK(mio_st_poller_notify(poller, UINT64_MAX - set, readiness));
        EQUAL(mio_st_poller_poll(poller, events, 3, 0), 1);
        EQUAL(events[0].id == UINT64_MAX - set && events[0].readiness == readiness, 1);
    }
    EQUAL(mio_st_poller_notify(poller, 1, 0), -EINVAL);
    EQUAL(mio_st_poller_notify(poller, 1, MIO_ST_READABLE | MIO_ST_EDGE), -EINVAL);
    EQUAL(mio_st_poller_try_notify(poller, 1, 1u << 31), -EINVAL);
    OK(mio_st_poller_close(poller));

    OK(mio_st_poller_with_capacity(&poller, 0, 100));
    for (int round = 0; round < 200; round++) {
        int answer, count;

        while ((answer = mio_st_poller_try_notify(poller, sent, MIO_ST_READABLE)) == 0)
            sent++;
        EQUAL(answer, -EAGAIN);
        EQUAL(sent - seen >= 100, 1);
        count = OK(mio_st_poller_poll(poller, events, 3, 0));
        for (int i = 0; i < count; i++)
            EQUAL(events[i].id, seen++);
    }
    OK(mio_st_poller_close(poller));
    EQUAL(mio_st_poller_with_capacity(&poller, SIZE_MAX, 0), -ENOMEM);
    EQUAL(mio_st_poller_with_capacity(&poller, 0, SIZE_MAX), -ENOMEM);
}

int main(void)
{
    a_timeout_of_zero_polls_once_and_returns();
    timeouts_are_never_early_and_200_microseconds_are_not_a_millisecond();
    long_timeouts_do_not_overflow();
    a_signal_does_not_end_the_wait();
    for (size_t capacity = 1; capacity <= 8; capacity++) {
        each_kind_that_waits_is_served_in_any_three_polls(capacity, 0);
        each_kind_that_waits_is_served_in_any_three_polls(capacity, 1);
    }
    for (size_t capacity = 1; capacity <= 3 * HANDLES + 2; capacity++)
        events_that_do_not_fit_are_kept(capacity);
    no_capacity_is_an_error_that_loses_nothing();
    a_capacity_beyond_the_limit_of_the_kernel_is_clamped();
    events_beyond_the_count_are_left_alone();
    notifications_come_back_bit_for_bit_and_are_refused_when_full();
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
