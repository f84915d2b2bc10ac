/* What pthread_cancel() does to a thread that uses the library, as the header says under "Cancelling". */

#include <pthread.h>
#include <stdatomic.h>

#include "test.h"

/* What a thread has open, and how it ended. */
static struct {
    mio_st_poller_t poller;
    mio_st_unix_stream_t ours, peer;
    mio_st_awakener_t awakener;
    int fds[3];
    int cleaned_up;
} used;

/* A poller with an awakener waits elsewhere than one without. */
static int has_awakener = 1;

static int waiting[2];

static void open_some(void)
{
    OK(mio_st_poller_new(&used.poller));
    used.awakener.bits = 0;
    if (has_awakener)
        OK(mio_st_awakener_new(&used.awakener, used.poller, 1));
    OK(mio_st_unix_stream_pair(&used.ours, &used.peer));
    OK(mio_st_poller_register_unix_stream(used.poller, used.ours, 2, MIO_ST_READABLE, MIO_ST_EDGE));
    used.fds[0] = mio_st_poller_fd(used.poller);
    used.fds[1] = mio_st_unix_stream_fd(used.ours);
    used.fds[2] = mio_st_unix_stream_fd(used.peer);
    used.cleaned_up = 0;
    EQUAL(write(waiting[1], "x", 1), 1);
}

static pthread_t start(void *(*body)(void *))
{
    pthread_t thread;
    char byte;

    OK(-pthread_create(&thread, NULL, body, NULL));
    EQUAL(read(waiting[0], &byte, 1), 1);
    return thread;
}

static void was_cancelled(pthread_t thread)
{
    void *result;

    OK(-pthread_join(thread, &result));
    EQUAL(result == PTHREAD_CANCELED, 1);
    EQUAL(used.cleaned_up, 1);
    for (int i = 0; i < 3; i++)
        EQUAL(close(used.fds[i]), -1);
    OK(mio_st_awakener_close(used.awakener));
    EQUAL(mio_st_live_handles(), 0);
}

/* --- As the header recommends: not inside of a call ----------------------------------------------- */

static void close_all(void *nothing)
{
    (void)nothing;
    OK(mio_st_unix_stream_close(used.ours));
    OK(mio_st_unix_stream_close(used.peer));
    OK(mio_st_poller_close(used.poller));
    used.cleaned_up = 1;
}

static void *polls_without_being_cancelled(void *nothing)
{
    mio_st_event_t event;
    int before;

    OK(-pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before));
    open_some();
    pthread_cleanup_push(close_all, nothing);
    for (;;) {
        EQUAL(mio_st_poller_poll(used.poller, &event, 1, LONG), 1);
        EQUAL(event.id, 1);
        OK(-pthread_setcancelstate(before, NULL));
        pthread_testcancel();
        OK(-pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL));
    }
    pthread_cleanup_pop(0);
    return NULL;
}

static void between_two_calls_all_can_be_closed(void)
{
    pthread_t thread = start(polls_without_being_cancelled);

    OK(mio_st_awakener_wake(used.awakener));
    OK(-pthread_cancel(thread));
    OK(mio_st_awakener_wake(used.awakener));
    was_cancelled(thread);
}

/* --- While it waits ------------------------------------------------------------------------------- */

static void is_inside_of_a_call(void *nothing)
{
    mio_st_event_t event;

    (void)nothing;
    EQUAL(mio_st_poller_poll(used.poller, &event, 1, 0), -EBUSY);
    EQUAL(mio_st_unix_stream_close(used.ours), -EBUSY);
    if (has_awakener) {
        EQUAL(mio_st_awakener_close(used.awakener), -EBUSY);
        OK(mio_st_awakener_wake(used.awakener));
    }
    used.cleaned_up = 1;
}

static void *is_cancelled_while_it_polls(void *nothing)
{
    mio_st_event_t event;
    int before;

    OK(-pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before));
    open_some();
    pthread_cleanup_push(is_inside_of_a_call, nothing);
    /* Once before, since the first poll is not as those that follow. */
    EQUAL(mio_st_poller_poll(used.poller, &event, 1, 0), 0);
    OK(-pthread_setcancelstate(before, NULL));
    (void)!mio_st_poller_poll(used.poller, &event, 1, -1);
    pthread_cleanup_pop(0);
    return NULL;
}

/* The thread ends, and what it had open is closed as always. */
static void what_a_cancelled_thread_had_open_is_closed(void)
{
    const struct timespec moment = {0, 2000000};

    for (int i = 0; i < 20; i++) {
        pthread_t thread;

        has_awakener = i % 4 < 2;
        thread = start(is_cancelled_while_it_polls);
        /* Before it waits, and after. */
        if (i % 2 == 1)
            nanosleep(&moment, NULL);
        OK(-pthread_cancel(thread));
        was_cancelled(thread);
    }
}

int main(void)
{
    OK(pipe(waiting));
    between_two_calls_all_can_be_closed();
    what_a_cancelled_thread_had_open_is_closed();
    return 0;
}
