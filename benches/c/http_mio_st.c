/* The HTTP server in C, as it is. */
#define _GNU_SOURCE
#include <mio_st.h>

#define main http_mio_st_main
#include "../../c-examples/http_server.c"
