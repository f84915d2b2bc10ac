/* A thread outlives the plugin that it has used, and a fork comes after that. argv[1]: what is made of plugin.c. */

#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Without test.h, which needs the library: here only the plugin has it. */
#define EQUAL(actual, expected) ((actual) == (expected) ? (void)0 : fail(__LINE__, #actual))

static void fail(int line, const char *what)
{
    fprintf(stderr, "plugin_host.c:%d: %s\n", line, what);
    exit(1);
}

static pthread_barrier_t barrier;

static void *outlives_the_plugin(void *use)
{
    void (*use_and_leave_open)(void);

    memcpy(&use_and_leave_open, &use, sizeof use);
    use_and_leave_open();
    pthread_barrier_wait(&barrier);
    /* The plugin is closed here. */
    pthread_barrier_wait(&barrier);
    return NULL;
}

int main(int argc, char **argv)
{
    EQUAL(argc, 2);
    EQUAL(pthread_barrier_init(&barrier, NULL, 2), 0);
    for (int i = 0; i < 3; i++) {
        void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        pthread_t thread;
        int status;
        pid_t child;

        if (!plugin) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        EQUAL(pthread_create(&thread, NULL, outlives_the_plugin, dlsym(plugin, "use_and_leave_open")), 0);
        pthread_barrier_wait(&barrier);
        EQUAL(dlclose(plugin), 0);
        /* Else nothing is tried. */
        EQUAL(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) == NULL, 1);
        pthread_barrier_wait(&barrier);
        EQUAL(pthread_join(thread, NULL), 0);
        child = fork();
        if (child == 0)
            _exit(0);
        EQUAL(waitpid(child, &status, 0), child);
        EQUAL(status, 0);
    }
    return 0;
}
