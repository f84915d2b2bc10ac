/* <mio_st/loop.h>: whom an event belongs to, also when that is gone by the time its event is handled. */

#include <fcntl.h>

#include <mio_st/loop.h>

#include "test.h"

static mio_st_loop_t loop;

/* A source with a pipe that is readable, and memory of its own. */
struct reader {
    mio_st_source_t source;
    int ends[2], number;
};

static struct reader *readers[40];
static int calls[40], after;

static void end_reader(struct reader *reader)
{
    OK(mio_st_poller_deregister_fd(loop.poller, reader->ends[0]));
    mio_st_source_remove(&loop, &reader->source);
    OK(close(reader->ends[0]));
    OK(close(reader->ends[1]));
    readers[reader->number] = NULL;
    memset(reader, 0xee, sizeof *reader);
    free(reader);
}

static void start_reader(int number, void (*on_event)(mio_st_source_t *source, uint32_t readiness))
{
    struct reader *reader = (struct reader *)calloc(1, sizeof *reader);

    if (!reader)
        abort();
    OK(pipe(reader->ends));
    EQUAL(write(reader->ends[1], "x", 1), 1);
    reader->source.on_event = on_event;
    reader->number = number;
    readers[number] = reader;
    OK(mio_st_poller_register_fd(loop.poller, reader->ends[0], mio_st_source_id(&reader->source), MIO_ST_READABLE,
                                 MIO_ST_LEVEL));
}

static void on_newcomer(mio_st_source_t *source, uint32_t readiness)
{
    EQUAL(readiness, MIO_ST_READABLE);
    after++;
    end_reader(MIO_ST_CONTAINER(source, struct reader, source));
}

/* Ends another, of which an event may wait, then itself; and what begins in their place, and perhaps in their memory
 * and with their numbers, has none of their events. */
static void on_one_of_many(mio_st_source_t *source, uint32_t readiness)
{
    struct reader *reader = MIO_ST_CONTAINER(source, struct reader, source);
    int number = reader->number, other = (number + 7) % 40;

    EQUAL(readiness, MIO_ST_READABLE);
    calls[number]++;
    if (readers[other])
        end_reader(readers[other]);
    if (readers[number])
        end_reader(reader);
    if (!readers[other])
        start_reader(other, on_newcomer);
}

static void a_source_that_is_gone_is_not_called(void)
{
    int called = 0, first;

    for (int i = 0; i < 40; i++)
        start_reader(i, on_one_of_many);
    first = OK(mio_st_loop_turn(&loop, LONG));
    EQUAL(first, 40);
    EQUAL(after, 0);
    for (int i = 0; i < 40; i++) {
        EQUAL(calls[i] <= 1, 1);
        called += calls[i];
    }
    EQUAL(called > 0 && called < 40, 1);
    OK(mio_st_loop_turn(&loop, LONG));
    EQUAL(after > 0, 1);
    for (int i = 0; i < 40; i++)
        EQUAL(readers[i] == NULL, 1);
    EQUAL(mio_st_loop_turn(&loop, 0), 0);
}

/* A callback that polls gets what is left of the batch, and then the callers of it nothing. */
static int depth, deepest;

static void on_nested(mio_st_source_t *source, uint32_t readiness)
{
    (void)readiness;
    depth++;
    deepest = depth > deepest ? depth : deepest;
    end_reader(MIO_ST_CONTAINER(source, struct reader, source));
    OK(mio_st_loop_turn(&loop, 0));
    depth--;
}

static void a_callback_may_turn_the_loop(void)
{
    for (int i = 0; i < 10; i++)
        start_reader(i, on_nested);
    OK(mio_st_loop_turn(&loop, LONG));
    EQUAL(deepest, 10);
    EQUAL(mio_st_loop_turn(&loop, 0), 0);
}

static int fired;
static mio_st_timer_t timers[2];

static void on_timer(mio_st_source_t *source, uint32_t readiness)
{
    EQUAL(readiness, MIO_ST_TIMER);
    fired++;
    mio_st_timer_stop(&loop, &timers[source == &timers[0].source]); /* the other, which is in the same batch */
}

static void timers_start_again_and_stop_also_in_their_batch(void)
{
    for (int i = 0; i < 2; i++)
        timers[i].source.on_event = on_timer;
    mio_st_timer_stop(&loop, &timers[0]); /* never started */
    for (int i = 0; i < 2; i++) {
        OK(mio_st_timer_start(&loop, &timers[i], SECONDS(1000)));
        OK(mio_st_timer_start(&loop, &timers[i], 0));
    }
    EQUAL(mio_st_loop_turn(&loop, LONG), 2);
    EQUAL(fired, 1);
    EQUAL(mio_st_loop_turn(&loop, 0), 0);
    OK(mio_st_timer_start(&loop, &timers[0], 0));
    EQUAL(mio_st_loop_turn(&loop, LONG), 1);
    EQUAL(fired, 2);
}

/* The program's own ids and sources in one poller. */
static void plain_ids_are_as_good(void)
{
    mio_st_event_t event;
    int own = 0;

    OK(mio_st_poller_notify(loop.poller, 7, MIO_ST_READABLE));
    OK(mio_st_timer_start(&loop, &timers[1], 0));
    EQUAL(mio_st_loop_poll(&loop, LONG), 2);
    EQUAL(mio_st_loop_poll(&loop, LONG), 2); /* they are not lost */
    while (mio_st_loop_next(&loop, &event)) {
        if (event.id == 7)
            own++;
        else
            mio_st_source_call(event);
    }
    EQUAL(own, 1);
    EQUAL(fired, 3);
}

int main(void)
{
    OK(mio_st_poller_new(&loop.poller));
    a_source_that_is_gone_is_not_called();
    a_callback_may_turn_the_loop();
    timers_start_again_and_stop_also_in_their_batch();
    plain_ids_are_as_good();
    OK(mio_st_poller_close(loop.poller));
    EQUAL(mio_st_loop_turn(&loop, 0), -EBADF);
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
