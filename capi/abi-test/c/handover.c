/* Behaviour 24: what was written before a wake is seen with its event, by a thread that shares nothing else with the
 * one that wakes. For ThreadSanitizer, which sees no other order between the two. */

#include "test.h"

#include <pthread.h>

/* Neither atomic nor under a lock. */
static int question, answer;

static mio_st_awakener_t asked, answered;
static mio_st_poller_t waits_for_answers;

static int rounds;

static void *answers(void *ready)
{
    mio_st_poller_t waits_for_questions;

    OK(mio_st_poller_new(&waits_for_questions));
    OK(mio_st_awakener_new(&asked, waits_for_questions, 1));
    *(int *)ready = 1;
    OK(mio_st_awakener_wake(answered));
    for (int i = 0; i < rounds; i++) {
        test_wait(waits_for_questions, 1, MIO_ST_READABLE);
        answer = question + 1;
        OK(mio_st_awakener_wake(answered));
    }
    OK(mio_st_poller_close(waits_for_questions));
    return NULL;
}

int main(void)
{
    pthread_t thread;
    int ready = 0;

    rounds = scaled(10000);
    OK(mio_st_poller_new(&waits_for_answers));
    OK(mio_st_awakener_new(&answered, waits_for_answers, 1));
    EQUAL(pthread_create(&thread, NULL, answers, &ready), 0);
    test_wait(waits_for_answers, 1, MIO_ST_READABLE);
    EQUAL(ready, 1);
    for (int i = 0; i < rounds; i++) {
        /* Awake, or asleep: both ways of a wake. */
        if (i % 64 == 0)
            usleep(100);
        question = i;
        OK(mio_st_awakener_wake(asked));
        test_wait(waits_for_answers, 1, MIO_ST_READABLE);
        EQUAL(answer, i + 1);
    }
    EQUAL(pthread_join(thread, NULL), 0);
    OK(mio_st_awakener_close(asked));
    OK(mio_st_awakener_close(answered));
    OK(mio_st_poller_close(waits_for_answers));
    return 0;
}
