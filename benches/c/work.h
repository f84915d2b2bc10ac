/* What main.c and the workloads know of each other. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct outcome {
    uint64_t operations; /* how often the unit of work was done; counted by the work itself */
    uint64_t wall;       /* nanoseconds, of the work without what prepares it */
    uint64_t cpu;        /* of this process alone */
};

/* False if the contender cannot do it. */
bool work_chain(struct outcome *, uint64_t count, uint64_t active, uint64_t writes, bool edge);
bool work_serve(struct outcome *, uint64_t concurrent, uint64_t total, bool short_reads, uint64_t spin);
bool work_ctl(struct outcome *, uint64_t count, bool modify);
bool work_idle(struct outcome *, uint64_t count, uint64_t polls);
bool work_wake(struct outcome *, uint64_t rounds, uint64_t spin);
bool work_awake(struct outcome *, uint64_t wakes);
bool work_storm(struct outcome *, uint64_t threads, uint64_t wakes);

/* The bytes of a datagram, and how they are sent and where. */
enum { DATAGRAM = 1200, MOST_DATAGRAMS = 64, LARGE = 1 << 16 };
enum how { PLAIN, BATCH, GSO, GRO, ALL };
enum place { LOOPBACK, VETH, VETH_SENDING };

/* What is done with deadlines. */
enum timers { REARM, ADD_CANCEL, EXPIRE };

/* Not every contender has these. */
#pragma weak work_udp
#pragma weak work_notify
#pragma weak work_unix
#pragma weak work_timers
#pragma weak work_calls
bool work_notify(struct outcome *, uint64_t at_once, uint64_t rounds, bool system);
bool work_unix(struct outcome *, uint64_t requests, bool both);
bool work_udp(struct outcome *, enum how how, uint64_t count, enum place place, uint64_t rounds);
bool work_timers(struct outcome *, enum timers what, uint64_t count);
void work_calls(void);

/* Starts the load generator, src/bin/load.rs, with what main was told about it. */
void start_load(uint16_t port);
/* The same on one of two connected sockets; returns the other, which is non-blocking. */
int start_load_on_pair(uint64_t requests);
