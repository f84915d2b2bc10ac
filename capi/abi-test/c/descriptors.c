/* A poller for the table of docs/descriptors.md, whose scenes tests/descriptors.rs plays: this is what a C program
 * does with a descriptor, in a library that the test loads. */

#include <stdint.h>
#include <stdlib.h>

#include <mio_st.h>

enum { ID = 1, ROOM = 8 };

uint64_t watch_new(void);
int watch_register(uint64_t watch, int fd, uint32_t interests, int level);
uint32_t watch_poll(uint64_t watch, uint32_t milliseconds);
void watch_close(uint64_t watch);

uint64_t watch_new(void)
{
    mio_st_poller_t poller;

    if (mio_st_poller_new(&poller) < 0)
        abort();
    return poller.bits;
}

int watch_register(uint64_t watch, int fd, uint32_t interests, int level)
{
    mio_st_poller_t poller = {watch};

    return mio_st_poller_register_fd(poller, fd, ID, interests, level ? MIO_ST_LEVEL : MIO_ST_EDGE);
}

/* The flags of all events of one poll. */
uint32_t watch_poll(uint64_t watch, uint32_t milliseconds)
{
    mio_st_poller_t poller = {watch};
    mio_st_event_t events[ROOM];
    uint32_t seen = 0;
    int n = mio_st_poller_poll(poller, events, ROOM, milliseconds * INT64_C(1000000));

    if (n < 0)
        abort();
    for (int i = 0; i < n; i++) {
        if (events[i].id != ID)
            abort();
        seen |= events[i].readiness;
    }
    return seen;
}

void watch_close(uint64_t watch)
{
    mio_st_poller_t poller = {watch};

    if (mio_st_poller_close(poller) < 0)
        abort();
}
