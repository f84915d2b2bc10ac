/* What the Rust driver and the peers in C share. All times in nanoseconds. */
#ifndef DEADLINES_H
#define DEADLINES_H

#include <stddef.h>
#include <stdint.h>

/* The driver's stop-watch: what lies between the two is measured. */
void measure_begin(void);
void measure_end(void);

/* Deadline `i` of an expiry run has come: notes how late it is. */
void fired(size_t i);

/* While this is not zero it is what CLOCK_MONOTONIC says, to everyone in the process. */
extern uint64_t model_now;

/* What a peer does, work by work:
 *
 *  add_cancel  `rounds` times: add n timers after delays[i], then cancel them by order[i]
 *  rearm       n timers; `ops` times: re-arm a random one to 30 s from now, while the model time
 *              advances by `step` after every BATCH of them
 *  expire      n timers after delays[i], run until all have fired; answers the wake-ups
 */
struct work {
    size_t n, rounds, ops;
    uint64_t step;
    const uint64_t *delays;
    const uint32_t *order;
};

/* A random number below n. The driver has the same. */
static inline size_t pick(uint64_t *random, size_t n)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return ((*random >> 32) * n) >> 32;
}

#define BATCH 64
#define REARM_NS 30000000000ull

#endif
