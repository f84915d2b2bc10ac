/*
 * Looks up many names at once, by c-ares. To build and to try it:
 *
 *     $ cc resolve.c $(pkg-config --cflags --libs mio_st libcares) -o resolve
 *     $ ./resolve 127.0.0.1:5300 one.test two.test
 *
 * The first argument is the server. It prints a line for each name, with an address, or with what went wrong.
 */

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include <mio_st/cares.h>

#include "testing.h"

static mio_st_loop_t loop;
static int running;

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "resolve: %s: %s\n", what, mio_st_strerror(result));
        exit(1);
    }
}

static void check_ares(int status, const char *what)
{
    if (status != ARES_SUCCESS) {
        fprintf(stderr, "resolve: %s: %s\n", what, ares_strerror(status));
        exit(1);
    }
}

static void on_address(void *user, int status, int timeouts, struct ares_addrinfo *found)
{
    const char *name = (const char *)user;
    char text[MIO_ST_ADDR_TEXT_SIZE];
    running--;
    (void)timeouts;
    if (status != ARES_SUCCESS) {
        printf("%s: %s\n", name, ares_strerror(status));
        return;
    }
    if (found->nodes != NULL && mio_st_addr_format(found->nodes->ai_addr, found->nodes->ai_addrlen, text, sizeof text) > 0)
        printf("%s %s\n", name, text);
    ares_freeaddrinfo(found);
}

int main(int argc, char **argv)
{
    mio_st_cares_t cares;
    struct ares_options options;
    struct ares_addrinfo_hints hints;
    if (argc < 2) {
        fprintf(stderr, "usage: resolve SERVER:PORT NAME...\n");
        return 1;
    }
    check(mio_st_poller_new(&loop.poller), "poller");
    check(look_for_mistakes(loop.poller), "checks");
    check_ares(ares_library_init(ARES_LIB_INIT_ALL), "c-ares");
    memset(&options, 0, sizeof options);
    options.timeout = 2000; /* milliseconds for the first attempt, and the only one by TCP */
    options.tries = 2;
    check_ares(mio_st_cares_init(&cares, &loop, options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES), "channel");
    check_ares(ares_set_servers_ports_csv(cares.channel, argv[1]), argv[1]);
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    for (int i = 2; i < argc; i++) {
        running++;
        ares_getaddrinfo(cares.channel, argv[i], NULL, &hints, on_address, argv[i]);
    }
    while (running > 0) {
        check(mio_st_loop_turn(&loop, -1), "poll");
        print_complaints(loop.poller);
    }
    mio_st_cares_destroy(&cares);
    ares_library_cleanup();
    mio_st_poller_close(loop.poller);
    return mio_st_live_handles() == 0 ? 0 : 2;
}
