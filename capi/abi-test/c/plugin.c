/* A plugin that has the library in it: shared, of libmio_st.a. plugin_host.c opens and closes it. */

#include <signal.h>

#include "test.h"

void use_and_leave_open(void);

void use_and_leave_open(void)
{
    const int number = SIGUSR1;
    mio_st_poller_t poller;
    mio_st_signals_t signals;
    mio_st_awakener_t awakener;
    mio_st_event_t event;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_awakener_new(&awakener, poller, 1));
    OK(mio_st_awakener_wake(awakener));
    EQUAL(mio_st_poller_poll(poller, &event, 1, 0), 1);
    OK(mio_st_signals_new(&signals, &number, 1));
    OK(mio_st_signals_close(signals));
}
