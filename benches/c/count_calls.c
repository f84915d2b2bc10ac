/*
 * Preloaded into a program (LD_PRELOAD), counts its system calls through the C library that wait, read and write, and
 * prints at the end how many. It does not slow them down, as a tracer does: who spins would spin for longer.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#define syscall declared_with_dots
#include <unistd.h>
#undef syscall

static atomic_ullong calls;

#define COUNTED(result, name, parameters, arguments)                                                                   \
    result name parameters {                                                                                           \
        static result(*_Atomic next) parameters;                                                                       \
        result(*known) parameters = atomic_load_explicit(&next, memory_order_relaxed);                                 \
        if (!known) {                                                                                                  \
            *(void **)&known = dlsym(RTLD_NEXT, #name);                                                                \
            atomic_store_explicit(&next, known, memory_order_relaxed);                                                 \
        }                                                                                                              \
        atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);                                                    \
        return known arguments;                                                                                        \
    }

COUNTED(int, epoll_wait, (int fd, struct epoll_event *events, int room, int timeout), (fd, events, room, timeout))
COUNTED(ssize_t, read, (int fd, void *data, size_t length), (fd, data, length))
COUNTED(ssize_t, readv, (int fd, const struct iovec *data, int count), (fd, data, count))
COUNTED(ssize_t, write, (int fd, const void *data, size_t length), (fd, data, length))
COUNTED(ssize_t, writev, (int fd, const struct iovec *data, int count), (fd, data, count))
COUNTED(long, syscall, (long number, long a, long b, long c, long d, long e, long f), (number, a, b, c, d, e, f))

__attribute__((destructor)) static void print(void) {
    fprintf(stderr, "calls %llu\n", atomic_load(&calls));
}
