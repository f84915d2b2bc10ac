/* The HTTP server in C over epoll by hand. */
#define _GNU_SOURCE
#include <mio_st.h>

#define main http_raw_main
#include "../../c-examples/http_server.c"
