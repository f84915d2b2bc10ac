// A program of two files in two languages that include the header. The values of the library go from one
// to the other.

#include "mio_st.h"

extern "C" mio_st_deadline_key_t add_timeout(mio_st_poller_t poller);

int main()
{
    mio_st_poller_t poller = {};
    if (mio_st_poller_new(&poller) != 0)
        return 1;
    // 1 is: there was one to cancel.
    if (mio_st_poller_cancel_deadline(poller, add_timeout(poller)) != 1)
        return 2;
    return mio_st_poller_close(poller);
}
