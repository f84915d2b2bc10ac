/* Behaviours 24 and 25: wakes from threads and signal handlers, and through stale handles. */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "test.h"

enum { THREADS = 3 };

static mio_st_awakener_t shared;
static _Atomic uint64_t current;
static atomic_int stop;

static void *waker(void *unused)
{
    (void)unused;
    while (!atomic_load(&stop)) {
        mio_st_awakener_t awakener = {atomic_load(&current)};
        int answer = mio_st_awakener_wake(awakener);

        if (answer != 0 && answer != -EBADF && answer != -EPIPE)
            EQUAL(answer, 0);
    }
    return NULL;
}

static void on_signal(int signal)
{
    (void)signal;
    errno = 77;
    OK(mio_st_awakener_wake(shared));
    EQUAL(errno, 77);
    errno = 78;
    EQUAL(mio_st_awakener_wake((mio_st_awakener_t){12345}), -EBADF);
    EQUAL(errno, 78);
}

static void a_signal_handler_wakes(mio_st_poller_t poller)
{
    mio_st_event_t event;

    OK(mio_st_awakener_new(&shared, poller, 5));
    signal(SIGUSR1, on_signal);
    for (int i = 0; i < 3; i++) {
        raise(SIGUSR1);
        EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
        EQUAL(event.id, 5);
        EQUAL(event.readiness, MIO_ST_READABLE);
    }
    /* A wake that was sent before the awakener was closed still arrives. */
    raise(SIGUSR1);
    OK(mio_st_awakener_close(shared));
    EQUAL(mio_st_awakener_close(shared), -EBADF);
    EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
    EQUAL(event.id, 5);
}

/* Awakeners come and go while others wake them; every descriptor that is free is taken by a pipe, to which
 * nobody may write eight bytes. */
static void a_stale_wake_writes_to_nobody(mio_st_poller_t poller, int rounds)
{
    pthread_t threads[THREADS];
    int highest = 0;

    for (int i = 0; i < THREADS; i++)
        OK(-pthread_create(&threads[i], NULL, waker, NULL));
    for (int round = 0; round < rounds; round++) {
        mio_st_awakener_t awakener;
        mio_st_event_t events[4];
        int fds[2];
        char byte;

        OK(mio_st_awakener_new(&awakener, poller, 9));
        atomic_store(&current, awakener.bits);
        OK(mio_st_poller_poll(poller, events, 4, 0));
        OK(mio_st_awakener_close(awakener));
        /* The next awakener sweeps this one; its number goes to a pipe. */
        OK(mio_st_awakener_new(&awakener, poller, 10));
        OK(pipe(fds));
        highest = fds[1] > highest ? fds[1] : highest;
        OK(mio_st_awakener_wake(awakener));
        OK(mio_st_awakener_close(awakener));
        OK(close(fds[1]));
        EQUAL(read(fds[0], &byte, 1), 0);
        OK(close(fds[0]));
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    /* Nothing leaks. */
    EQUAL(highest < 64, 1);
}

static void there_may_be_many(mio_st_poller_t poller)
{
    static mio_st_awakener_t awakeners[300];
    mio_st_event_t event;

    for (size_t i = 0; i < 300; i++)
        OK(mio_st_awakener_new(&awakeners[i], poller, i));
    EQUAL(mio_st_live_handles(), 301);
    for (size_t i = 0; i < 300; i++) {
        OK(mio_st_awakener_wake(awakeners[i]));
        EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
        EQUAL(event.id, i);
    }
    for (size_t i = 0; i < 300; i++)
        OK(mio_st_awakener_close(awakeners[i]));
}

int main(void)
{
    mio_st_poller_t poller;
    mio_st_awakener_t orphan;

    OK(mio_st_poller_new(&poller));
    a_signal_handler_wakes(poller);
    there_may_be_many(poller);
    a_stale_wake_writes_to_nobody(poller, scaled(20000));
    OK(mio_st_awakener_new(&orphan, poller, 1));
    OK(mio_st_poller_close(poller));
    EQUAL(mio_st_awakener_wake(orphan), -EPIPE);
    OK(mio_st_awakener_close(orphan));
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
