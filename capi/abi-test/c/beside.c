/* A program with two static libraries of Rust, made by the same or by different compilers. */
#include "test.h"

/* Panics inside, and returns 42 when it has caught that. */
int other_catches_a_panic(void);

int main(void)
{
    mio_st_poller_t poller;
    mio_st_event_t event;
    OK(mio_st_poller_new(&poller));
    EQUAL(other_catches_a_panic(), 42);
    OK(mio_st_poller_notify(poller, 7, MIO_ST_READABLE));
    EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
    EQUAL(event.id, 7);
    EQUAL(other_catches_a_panic(), 42);
    OK(mio_st_poller_close(poller));
    return 0;
}
