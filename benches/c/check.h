/* What every contender needs before its own functions. */
#define _GNU_SOURCE
#undef NDEBUG
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

/* The result of a call that must not fail. */
#define check(call) check_(call, __FILE__ ": " #call)
static inline int check_(long result, const char *what) {
    if (result < 0) {
        perror(what);
        abort();
    }
    return (int)result;
}
