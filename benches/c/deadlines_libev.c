#include "deadlines.h"
#include <ev.h>
#include <stdlib.h>
#include <time.h>

static void on_timer(EV_P_ ev_timer *w, int revents)
{
    (void)loop;
    (void)revents;
    fired((size_t)w->data);
}

static ev_timer *timers(size_t n)
{
    ev_timer *w = calloc(n, sizeof *w);

    for (size_t i = 0; i < n; i++) {
        ev_timer_init(&w[i], on_timer, 0., 0.);
        w[i].data = (void *)i;
    }
    return w;
}

void libev_add_cancel(const struct work *work)
{
    struct ev_loop *loop = ev_loop_new(0);
    ev_timer *w = timers(work->n);

    ev_now_update(loop);
    measure_begin();
    for (size_t round = 0; round < work->rounds; round++) {
        for (size_t i = 0; i < work->n; i++) {
            ev_timer_set(&w[i], work->delays[i] * 1e-9, 0.);
            ev_timer_start(loop, &w[i]);
        }
        for (size_t i = 0; i < work->n; i++)
            ev_timer_stop(loop, &w[work->order[i]]);
    }
    measure_end();
    ev_loop_destroy(loop);
    free(w);
}

void libev_rearm(const struct work *work)
{
    struct ev_loop *loop = ev_loop_new(0);
    ev_timer *w = timers(work->n);
    uint64_t random = 1;

    ev_now_update(loop);
    for (size_t i = 0; i < work->n; i++) {
        w[i].repeat = REARM_NS * 1e-9;
        ev_timer_again(loop, &w[i]);
    }
    measure_begin();
    for (size_t k = 0; k < work->ops / BATCH; k++) {
        model_now += work->step;
        ev_now_update(loop);
        for (size_t b = 0; b < BATCH; b++)
            ev_timer_again(loop, &w[pick(&random, work->n)]);
    }
    measure_end();
    ev_loop_destroy(loop);
    free(w);
}

size_t libev_expire(const struct work *work)
{
    struct ev_loop *loop = ev_loop_new(0);
    ev_timer *w = timers(work->n);
    size_t wakeups;

    ev_now_update(loop);
    measure_begin();
    for (size_t i = 0; i < work->n; i++) {
        ev_timer_set(&w[i], work->delays[i] * 1e-9, 0.);
        ev_timer_start(loop, &w[i]);
    }
    ev_run(loop, 0);
    measure_end();
    wakeups = ev_iteration(loop);
    ev_loop_destroy(loop);
    free(w);
    return wakeups;
}

static uint64_t thread_time(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void libev_stall(const struct work *work, uint64_t *worst_add, uint64_t *worst_poll)
{
    struct ev_loop *loop = ev_loop_new(0);
    ev_timer *w = timers(work->n);
    uint64_t time;

    for (size_t i = 0; i < work->n; i++) {
        time = thread_time();
        ev_timer_set(&w[i], 100. + work->delays[i] * 1e-9, 0.);
        ev_timer_start(loop, &w[i]);
        time = thread_time() - time;
        *worst_add = time > *worst_add ? time : *worst_add;
    }
    for (int i = 0; i < 1000; i++) {
        time = thread_time();
        ev_run(loop, EVRUN_NOWAIT);
        time = thread_time() - time;
        *worst_poll = time > *worst_poll ? time : *worst_poll;
    }
    ev_loop_destroy(loop);
    free(w);
}
