/*
 * Downloads many things at once, by libcurl. To build and to try it:
 *
 *     $ cc fetch.c $(pkg-config --cflags --libs mio_st libcurl) -o fetch
 *     $ ./fetch http://127.0.0.1:8080/ http://127.0.0.1:8080/other
 *
 * It prints a line for each, with the status and the length, or with what went wrong.
 */

#include <stdio.h>
#include <stdlib.h>

#include <mio_st/curl.h>

#include "testing.h"

static mio_st_loop_t loop;
static int running, failed;

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "fetch: %s: %s\n", what, mio_st_strerror(result));
        exit(1);
    }
}

/* What arrives is thrown away. */
static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    (void)data, (void)user;
    return size * count;
}

static void on_done(mio_st_curl_t *curl, CURL *easy, CURLcode result)
{
    long status = 0;
    curl_off_t length = 0;
    char *url = NULL;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &length);
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &url);
    if (result == CURLE_OK)
        printf("%ld %ld %s\n", status, (long)length, url);
    else
        printf("failed %s: %s\n", url, curl_easy_strerror(result));
    failed += result != CURLE_OK;
    running--;
    curl_multi_remove_handle(curl->multi, easy);
    curl_easy_cleanup(easy);
}

static void start(mio_st_curl_t *curl, char *url)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        check(-ENOMEM, url);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, 30L);
    mio_st_curl_keep(curl, easy);
    curl_multi_add_handle(curl->multi, easy);
    running++;
}

int main(int argc, char **argv)
{
    mio_st_curl_t curl;
    check(mio_st_poller_new(&loop.poller), "poller");
    check(look_for_mistakes(loop.poller), "checks");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    check(mio_st_curl_init(&curl, &loop, on_done), "curl");
    for (int i = 1; i < argc; i++)
        start(&curl, argv[i]);
    while (running > 0) {
        check(mio_st_loop_turn(&loop, -1), "poll");
        print_complaints(loop.poller);
    }
    mio_st_curl_cleanup(&curl);
    curl_global_cleanup();
    mio_st_poller_close(loop.poller);
    printf("%d done, %d failed\n", argc - 1 - failed, failed);
    return mio_st_live_handles() == 0 ? 0 : 2;
}
