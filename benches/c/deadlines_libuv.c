#include "deadlines.h"
#include <stdlib.h>
#include <uv.h>

static void on_timer(uv_timer_t *timer)
{
    fired((size_t)timer->data);
}

/* For the works in which nothing is to fire. */
static void never(uv_timer_t *timer)
{
    (void)timer;
    abort();
}

static uv_timer_t *timers(uv_loop_t *loop, size_t n)
{
    uv_timer_t *t = calloc(n, sizeof *t);

    uv_loop_init(loop);
    for (size_t i = 0; i < n; i++) {
        uv_timer_init(loop, &t[i]);
        t[i].data = (void *)i;
    }
    return t;
}

static void finish(uv_loop_t *loop, uv_timer_t *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        uv_close((uv_handle_t *)&t[i], NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    uv_loop_close(loop);
    free(t);
}

void libuv_add_cancel(const struct work *work)
{
    uv_loop_t loop;
    uv_timer_t *t = timers(&loop, work->n);

    measure_begin();
    for (size_t round = 0; round < work->rounds; round++) {
        for (size_t i = 0; i < work->n; i++)
            uv_timer_start(&t[i], never, (work->delays[i] + 999999) / 1000000, 0);
        for (size_t i = 0; i < work->n; i++)
            uv_timer_stop(&t[work->order[i]]);
    }
    measure_end();
    finish(&loop, t, work->n);
}

void libuv_rearm(const struct work *work)
{
    uv_loop_t loop;
    uv_timer_t *t = timers(&loop, work->n);
    uint64_t random = 1;

    for (size_t i = 0; i < work->n; i++)
        uv_timer_start(&t[i], never, REARM_NS / 1000000, 0);
    measure_begin();
    for (size_t k = 0; k < work->ops / BATCH; k++) {
        model_now += work->step;
        uv_update_time(&loop);
        for (size_t b = 0; b < BATCH; b++)
            uv_timer_start(&t[pick(&random, work->n)], never, REARM_NS / 1000000, 0);
    }
    measure_end();
    for (size_t i = 0; i < work->n; i++)
        uv_timer_stop(&t[i]);
    finish(&loop, t, work->n);
}

size_t libuv_expire(const struct work *work)
{
    uv_loop_t loop;
    uv_timer_t *t = timers(&loop, work->n);
    size_t wakeups = 0;

    uv_update_time(&loop);
    measure_begin();
    for (size_t i = 0; i < work->n; i++)
        uv_timer_start(&t[i], on_timer, (work->delays[i] + 999999) / 1000000, 0);
    while (uv_run(&loop, UV_RUN_ONCE) != 0)
        wakeups++;
    measure_end();
    finish(&loop, t, work->n);
    return wakeups;
}
