#include "deadlines.h"
#include <ev.h>
#include <stdlib.h>

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
