/* What the library says of itself. */

#include "test.h"

int main(void)
{
    char text[32];

    EQUAL(mio_st_version(), MIO_ST_VERSION_NUMBER);
    EQUAL(MIO_ST_VERSION_NUMBER,
          (MIO_ST_VERSION_MAJOR * 1000 + MIO_ST_VERSION_MINOR) * 1000 + MIO_ST_VERSION_PATCH);
    snprintf(text, sizeof text, "%d.%d.%d", MIO_ST_VERSION_MAJOR, MIO_ST_VERSION_MINOR,
             MIO_ST_VERSION_PATCH);
    EQUAL(strcmp(mio_st_version_string(), text), 0);
#ifdef __linux__
    EQUAL(mio_st_features(), MIO_ST_FEATURE_EPOLL);
#else
    EQUAL(mio_st_features(), MIO_ST_FEATURE_KQUEUE);
#endif
    EQUAL(strcmp(mio_st_err_name(-EAGAIN), "EAGAIN"), 0);
    EQUAL(strcmp(mio_st_err_name(MIO_ST_EWRONGTHREAD), "EWRONGTHREAD"), 0);
    EQUAL(strcmp(mio_st_err_name(7), "OK"), 0);
    EQUAL(strcmp(mio_st_err_name(-99999), "UNKNOWN"), 0);
    EQUAL(strcmp(mio_st_strerror(0), "success"), 0);
    EQUAL(strcmp(mio_st_strerror(-99999), "unknown error"), 0);
    EQUAL(mio_st_strerror(-ECONNRESET)[0] != 0, 1);
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
