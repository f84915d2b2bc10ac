/* Behaviour 17: the first call of a thread, in a library that was loaded late, where not a byte is left. argv[1]:
 * libmio_st.so. */

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct {
    uint64_t bits;
} handle;

static int (*poller_new)(handle *);
static int (*poller_close)(handle);
static int (*signals_new)(handle *, const int *, size_t);
static int (*signals_close)(handle);

static pthread_barrier_t barrier;

enum { LIMIT = 256 << 20 };

/* Takes all the memory there is, to give it back later. */
static void **take_all(void)
{
    void **taken = NULL;
    size_t all = 0;

    for (size_t size = 1 << 24; size >= sizeof(void *); size /= 2)
        for (void **more; (more = malloc(size)) != NULL; taken = more) {
            *more = taken;
            all += size;
            if (all > LIMIT) {
                fprintf(stderr, "the limit is none\n");
                exit(1);
            }
        }
    return taken;
}

static void give_back(void **taken)
{
    while (taken) {
        void **next = *taken;

        free(taken);
        taken = next;
    }
}

/* Returns what the first calls of this thread said. */
static void *calls_first(void *signals_first)
{
    static int answers[4];
    const int number = SIGUSR1;
    handle poller, signals;
    void **taken;

    pthread_barrier_wait(&barrier);
    taken = take_all();
    answers[0] = signals_first ? signals_new(&signals, &number, 1) : poller_new(&poller);
    answers[1] = signals_first ? poller_new(&poller) : signals_new(&signals, &number, 1);
    give_back(taken);
    answers[2] = poller_new(&poller);
    answers[3] = signals_new(&signals, &number, 1);
    if (answers[2] == 0)
        poller_close(poller);
    if (answers[3] == 0)
        signals_close(signals);
    return answers;
}

static void *function(void *library, const char *name)
{
    void *found = dlsym(library, name);

    if (!found)
        fprintf(stderr, "%s\n", dlerror());
    return found;
}

int main(int argc, char **argv)
{
    const struct rlimit limit = {LIMIT, RLIM_INFINITY};
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    const char *const names[] = {"mio_st_poller_new", "mio_st_poller_close", "mio_st_signals_new",
                                 "mio_st_signals_close"};
    void *const places[] = {&poller_new, &poller_close, &signals_new, &signals_close};

    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    for (int i = 0; i < 4; i++) {
        void *found = function(library, names[i]);

        if (!found)
            return 1;
        memcpy(places[i], &found, sizeof found);
    }
    if (setrlimit(RLIMIT_AS, &limit) != 0 || pthread_barrier_init(&barrier, NULL, 2) != 0)
        return 1;
    for (int i = 0; i < 2; i++) {
        static int yes;
        pthread_t thread;
        void *result;
        const int *answers;

        if (pthread_create(&thread, NULL, calls_first, i ? &yes : NULL) != 0)
            return 1;
        pthread_barrier_wait(&barrier);
        if (pthread_join(thread, &result) != 0)
            return 1;
        answers = result;
        printf("%d %d %d %d\n", answers[0], answers[1], answers[2], answers[3]);
        if (answers[0] != -ENOMEM || answers[1] != -ENOMEM || answers[2] != 0 || answers[3] != 0)
            return 1;
    }
    return 0;
}
