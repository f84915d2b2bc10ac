/* One of two files that include the header; the other is two_units.cpp. */

#include "mio_st.h"

mio_st_deadline_key_t add_timeout(mio_st_poller_t poller);

mio_st_deadline_key_t add_timeout(mio_st_poller_t poller)
{
    mio_st_deadline_key_t key = { 0, 0 };
    if (mio_st_poller_add_timeout(poller, 1000000000u, 1, &key) < 0)
        key.slot = UINT64_MAX;
    return key;
}
