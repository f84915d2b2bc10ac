/* Deadlines by mio_st.h and the archive as it is installed, clock included: a program of its own.
 *
 *  deadlines_mio_st WORK N ROUNDS OPS STEP     as in deadlines.h; prints CPU nanoseconds in all
 *  deadlines_mio_st stall N                    prints the worst addition and the worst poll, in microseconds
 */
#define _GNU_SOURCE
#include "deadlines.h"
#include <mio_st.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND 1000000000ull

static uint64_t read_clock(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static void check(int result)
{
    if (result < 0) {
        fprintf(stderr, "%s\n", strerror(-result));
        exit(1);
    }
}

static uint64_t below(uint64_t *random, uint64_t n)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (uint64_t)(((unsigned __int128)*random * n) >> 64);
}

int main(int argc, char **argv)
{
    const char *work = argv[1];
    size_t n = strtoull(argv[2], NULL, 10);
    size_t rounds = argc > 5 ? strtoull(argv[3], NULL, 10) : 0;
    size_t ops = argc > 5 ? strtoull(argv[4], NULL, 10) : 0;
    uint64_t step = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
    uint64_t random = 0x9e3779b97f4a7c15;
    uint64_t *delays = calloc(n, sizeof *delays);
    uint32_t *order = calloc(n, sizeof *order);
    mio_st_deadline_key_t *keys = calloc(n, sizeof *keys);
    mio_st_event_t events[64];
    mio_st_poller_t poller;
    uint64_t now, begin;

    for (size_t i = 0; i < n; i++) {
        delays[i] = SECOND + below(&random, 3599 * SECOND);
        order[i] = (uint32_t)i;
    }
    for (size_t i = n - 1; i > 0; i--) {
        size_t j = below(&random, i + 1);
        uint32_t other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
    if (strcmp(work, "stall") == 0) {
        uint64_t worst_add = 0, worst_poll = 0;

        check(mio_st_poller_new(&poller));
        for (size_t i = 0; i < n; i++) {
            begin = read_clock(CLOCK_THREAD_CPUTIME_ID);
            check(mio_st_poller_add_timeout(poller, i, delays[i], &keys[i]));
            begin = read_clock(CLOCK_THREAD_CPUTIME_ID) - begin;
            worst_add = begin > worst_add ? begin : worst_add;
        }
        for (int i = 0; i < 1000; i++) {
            begin = read_clock(CLOCK_THREAD_CPUTIME_ID);
            check(mio_st_poller_poll(poller, events, 64, 0));
            begin = read_clock(CLOCK_THREAD_CPUTIME_ID) - begin;
            worst_poll = begin > worst_poll ? begin : worst_poll;
        }
        printf("%.1f %.1f\n", (double)worst_add / 1e3, (double)worst_poll / 1e3);
        return 0;
    }
    model_now = 1000000 * SECOND + 123456789;
    check(mio_st_poller_with_capacity(&poller, n, 0));
    check(mio_st_poller_now(poller, &now));
    if (strcmp(work, "add-cancel") == 0) {
        begin = read_clock(CLOCK_PROCESS_CPUTIME_ID);
        for (size_t round = 0; round < rounds; round++) {
            for (size_t i = 0; i < n; i++)
                check(mio_st_poller_add_deadline(poller, i, now + delays[i], &keys[i]));
            for (size_t i = 0; i < n; i++)
                mio_st_poller_cancel_deadline(poller, keys[order[i]]);
        }
    } else {
        for (size_t i = 0; i < n; i++)
            check(mio_st_poller_add_deadline(poller, i, now + REARM_NS, &keys[i]));
        random = 1;
        begin = read_clock(CLOCK_PROCESS_CPUTIME_ID);
        for (size_t k = 0; k < ops / BATCH; k++) {
            model_now += step;
            check(mio_st_poller_poll_userspace(poller, events, 64));
            check(mio_st_poller_now(poller, &now));
            for (size_t b = 0; b < BATCH; b++)
                mio_st_poller_move_deadline(poller, keys[pick(&random, n)], now + REARM_NS);
        }
    }
    printf("%llu\n", (unsigned long long)(read_clock(CLOCK_PROCESS_CPUTIME_ID) - begin));
    return 0;
}
