/* Behaviour 33: forks, one after the other, as many as there are numbers of threads and more; and where the system has
 * no memory to note that it is to tell of them. */

#include "test.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>

int __real_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));

static int calls, failing;

int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    return ++calls == failing ? ENOMEM : __real_pthread_atfork(prepare, parent, child);
}

/* Runs a function in a child, where it must not fail. */
static void in_a_child(void (*body)(void))
{
    pid_t child = OK(fork());
    int status;

    if (child == 0) {
        body();
        _exit(0);
    }
    EQUAL(waitpid(child, &status, 0), child);
    EQUAL(status, 0);
}

/* --- a system without memory --------------------------------------------------------------------- */

static mio_st_poller_t poller;

static void the_poller_is_the_parents(void)
{
    mio_st_event_t event;

    EQUAL(mio_st_poller_poll(poller, &event, 1, 0), MIO_ST_EFORKED);
}

static void forks_are_noticed_at_the_second_try(void)
{
    EQUAL(mio_st_poller_new(&poller), -ENOMEM);
    OK(mio_st_poller_new(&poller));
    in_a_child(the_poller_is_the_parents);
    OK(mio_st_poller_close(poller));
    EQUAL(calls, 3);
}

/* --- a chain ------------------------------------------------------------------------------------- */

enum { THREADS = 64, NUMBERS = 4096 };

static sem_t started;

/* Of a thread that the process does not have any more. */
static mio_st_poller_t left_behind;

/* Has a number, until the process ends. */
static void *takes_a_number(void *kept)
{
    mio_st_poller_t own;

    OK(mio_st_poller_new(&own));
    if (kept)
        *(mio_st_poller_t *)kept = own;
    else
        OK(mio_st_poller_close(own));
    OK(sem_post(&started));
    while (pause() != 0)
        ;
    return NULL;
}

static void start_threads(void)
{
    pthread_attr_t small;

    EQUAL(pthread_attr_init(&small), 0);
    EQUAL(pthread_attr_setstacksize(&small, 65536), 0);
    OK(sem_init(&started, 0, 0));
    for (int i = 0; i < THREADS; i++) {
        void *kept = left_behind.bits == 0 ? &left_behind : NULL;
        pthread_t thread;

        EQUAL(pthread_create(&thread, &small, takes_a_number, kept), 0);
        OK(sem_wait(&started));
    }
}

/* Each process leaves its threads to the next, which has only the one that forks. */
static void a_chain_of_forks_does_not_use_up_the_numbers(void)
{
    mio_st_unix_datagram_t own, other;
    int generations = scaled(NUMBERS * 5 / 4) / THREADS + 2;
    mio_st_poller_t mine;
    int fds[2];
    char byte = 0;

    OK(pipe(fds));
    if (OK(fork()) > 0) {
        OK(close(fds[1]));
        EQUAL(read(fds[0], &byte, 1), 1);
        EQUAL(byte, 'k');
        OK(close(fds[0]));
        while (wait(NULL) > 0)
            ;
        return;
    }
    /* This one lives on through all forks, and keeps its number. */
    OK(mio_st_unix_datagram_pair(&own, &other));
    for (int i = 0; i < generations; i++) {
        start_threads();
        if (OK(fork()) > 0)
            _exit(0);
        EQUAL(mio_st_unix_datagram_send(own, "x", 1), 1);
        EQUAL(mio_st_unix_datagram_recv(other, &byte, 1), 1);
        EQUAL(mio_st_poller_close(left_behind) < 0, 1);
        OK(mio_st_poller_new(&mine));
        EQUAL(mine.bits == left_behind.bits, 0);
        OK(mio_st_poller_close(mine));
    }
    OK(mio_st_unix_datagram_close(own));
    OK(mio_st_unix_datagram_close(other));
    EQUAL(write(fds[1], "k", 1), 1);
    _exit(0);
}

int main(void)
{
    /* One of these calls the library makes for its pollers, another for the numbers of threads. */
    for (failing = 1; failing <= 2; failing++)
        in_a_child(forks_are_noticed_at_the_second_try);
    failing = 0;
    a_chain_of_forks_does_not_use_up_the_numbers();
    return 0;
}
