/*
 * mio_st.h: single-threaded, non-blocking I/O. An event loop to pull events from.
 *
 * Generated from capi/src by `make header`; do not edit.
 *
 * Guide. `c-guide.md`, in docs/ of the sources and beside the installed manual, leads from a first program to a
 * whole server, and has a chapter for each trap. This file is the reference.
 *
 * Handles. A handle is a small value that names an object of the library. Store it, copy it, compare its
 * bits. Each is checked at each call, so that using one that was closed is an error and never an accident,
 * also if its memory or its descriptor number serves another object by then. `{0}` is never a handle; closing
 * it does nothing. A handle belongs to the thread that made it; when that thread ends, what it left open is
 * closed. An awakener, a registrar and what is detached belong to no thread.
 *
 * Errors. A function returns an `int` or an `int64_t`: negative is an error, the negated errno (`-EAGAIN`) or
 * one of `MIO_ST_E...`; anything else is success. A function of the poller that succeeds, and any `_close`, leaves
 * `errno` as it was; after any other call it is unspecified, unless the comment says otherwise. What is written
 * through a pointer is written on success only. `the errors of a handle` are:
 *
 *   -EBADF               the handle is {0} or closed, or of another kind; or the thread is ending
 *   MIO_ST_EWRONGTHREAD  the handle is of another thread, open or closed
 *   MIO_ST_EFORKED       the poller was created before the process was forked
 *   -EBUSY               the call came from a signal handler that has interrupted a call of this library
 *   MIO_ST_EPANIC        a defect of this library; any function may return it
 *
 * What the library refuses by itself is: -EINVAL an argument that cannot be right, -EAGAIN would block,
 * -ENOMEM out of memory, -EPIPE the other side is gone, -ENOENT not registered, -EEXIST registered already,
 * -EOPNOTSUPP not on this system, and -EIO for anything else. All others are the system's.
 *
 * Pointers. Memory is the caller's, and is used during the call only. NULL with a length of 0 is fine, NULL
 * with any other is -EINVAL; so is NULL for a result, unless the comment says that it may be NULL.
 *
 * Signals. SIGPIPE is never raised by a socket. A signal handler may call mio_st_awakener_wake(), and what says
 * `any time`; nothing else.
 *
 * Cancelling. A thread that may be cancelled (pthread_cancel) disables that around its calls, and calls
 * pthread_testcancel() between them. On Linux one that is cancelled while it polls without a timeout ends, and what
 * it has open is closed as when any thread ends; its cleanup handlers get -EBUSY from this library. (That is so of an
 * optimised library, as `make lib` makes it; another ends the process.) In any other call, and elsewhere, nothing is
 * promised.
 *
 * Times are nanoseconds of the monotonic clock. Sockets are non-blocking and close-on-exec.
 */

#ifndef MIO_ST_H
#define MIO_ST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Of <netinet/in.h>, for whoever joins a multicast group. */
struct in_addr;
struct in6_addr;

/** Before a function whose result must not be ignored. */
#if defined(__GNUC__)
#define MIO_ST_MUST_USE __attribute__((warn_unused_result))
#else
#define MIO_ST_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Versions ---------------------------------------------------------------------------------------- */

/**
 * The version of this header: major.
 */
#define MIO_ST_VERSION_MAJOR 0

/**
 * The version of this header: minor. Before 1.0 a new minor version may break the ABI.
 */
#define MIO_ST_VERSION_MINOR 4

/**
 * The version of this header: patch.
 */
#define MIO_ST_VERSION_PATCH 0

/**
 * The version of this header as one number, which grows: `major * 1000000 + minor * 1000 + patch`.
 */
#define MIO_ST_VERSION_NUMBER 4000

/**
 * A flag of mio_st_features(): this build waits with epoll.
 */
#define MIO_ST_FEATURE_EPOLL (1u << 0)

/**
 * A flag of mio_st_features(): this build waits with kqueue.
 */
#define MIO_ST_FEATURE_KQUEUE (1u << 1)

/**
 * The version of the library that runs, as `MIO_ST_VERSION_NUMBER` is that of the header.
 *
 * Never fails. Any thread, any time.
 */
uint32_t mio_st_version(void);

/**
 * The version of the library that runs, such as `"0.4.0"`. The string is static.
 *
 * Never fails. Any thread, any time.
 */
const char *mio_st_version_string(void);

/**
 * What this build of the library has: flags such as `MIO_ST_FEATURE_EPOLL`.
 *
 * Never fails. Any thread, any time.
 */
uint32_t mio_st_features(void);

/* Errors ------------------------------------------------------------------------------------------ */

/**
 * An error: the handle belongs to another thread, whether it is still open there or not.
 */
#define MIO_ST_EWRONGTHREAD (-4096)

/**
 * An error: the poller was created before the process was forked. In the child it can only be closed. A child that
 * runs no handlers of pthread_atfork(3), made by `_Fork(3)`, `vfork(2)` or a raw `clone(2)`, is not noticed: there the
 * poller is the parent's, and what is done to it happens to the parent.
 */
#define MIO_ST_EFORKED (-4097)

/**
 * An error: a defect of this library, which was caught at its border. Please report it.
 */
#define MIO_ST_EPANIC (-4098)

/**
 * The name of an error, such as `"EAGAIN"`.
 *
 * `error` is what a function of this library returned; an `int64_t` below 0 fits an `int`. Whatever is not
 * negative is `"OK"`, and an unknown error is `"UNKNOWN"`: the result is never NULL. The string is static.
 *
 * Never fails. Any thread, any time.
 */
const char *mio_st_err_name(int error);

/**
 * What an error means, in English, such as `"broken pipe"`.
 *
 * `error` is what a function of this library returned; an `int64_t` below 0 fits an `int`. Whatever is not
 * negative is `"success"`, and an unknown error is `"unknown error"`: the result is never NULL. The string is
 * static.
 *
 * Never fails. Any thread, any time.
 */
const char *mio_st_strerror(int error);

/* Interests, readiness, triggers and events ------------------------------------------------------- */

/**
 * Interest and readiness: reading will not block. There is data, the end of the stream, an error, or a
 * connection to accept.
 */
#define MIO_ST_READABLE (1u << 0)

/**
 * Interest and readiness: there is out-of-band data (`MSG_OOB`), or another exceptional condition of
 * the descriptor. Only reported where it was asked for. Take it by `recv(MSG_OOB)` before reading: a read that finds
 * nothing else throws it away. Where the system has no such event, asking for it is `-EOPNOTSUPP`.
 */
#define MIO_ST_PRIORITY (1u << 1)

/**
 * Interest and readiness: writing will not block, or will fail at once. A connection that was being
 * made stands, or failed: see mio_st_tcp_stream_connected().
 */
#define MIO_ST_WRITABLE (1u << 2)

/**
 * Readiness: an error waits at the handle. Reading, writing or `_take_error` tell which; but what is in a
 * socket's error queue on Linux (`MSG_ZEROCOPY`, timestamps, `IP_RECVERR`) only `recvmsg(2)` with `MSG_ERRQUEUE`
 * takes out, and files of `/proc` and `/sys` tell of a change by it, with `MIO_ST_PRIORITY`. Reported whatever the
 * interests are, and perhaps alone.
 */
#define MIO_ST_ERROR (1u << 3)

/**
 * Readiness: both directions of the connection are closed. Reported whatever the interests are, and
 * together with `MIO_ST_READABLE`, `MIO_ST_READ_CLOSED` and `MIO_ST_WRITE_CLOSED`: what was received before is
 * still there to read, but at a terminal that hung up. It stays for sockets; a FIFO and the master of a terminal come
 * back with the next writer or program, without an event.
 */
#define MIO_ST_HUP (1u << 4)

/**
 * Readiness: writing will fail, for ever on a socket. (The master of a terminal that was hung up still takes it.)
 * Reported whatever the interests are.
 */
#define MIO_ST_WRITE_CLOSED (1u << 5)

/**
 * Readiness: a deadline has passed.
 */
#define MIO_ST_TIMER (1u << 6)

/**
 * Readiness: reading will come to the end of the stream, since the peer sends no more. What it sent
 * before is still there to read. Reported where there is an interest in `MIO_ST_READABLE`, and together with
 * `MIO_ST_HUP`.
 */
#define MIO_ST_READ_CLOSED (1u << 13)

/**
 * A trigger: an event when the readiness changes. After it read, write or accept until `-EAGAIN`, or
 * the rest may never be reported.
 */
#define MIO_ST_EDGE (1u << 8)

/**
 * A trigger: an event at every poll for as long as the handle is ready.
 */
#define MIO_ST_LEVEL (1u << 9)

/**
 * A trigger: one event, which disarms the whole handle, both directions, until it is reregistered.
 */
#define MIO_ST_ONESHOT (1u << 10)

/**
 * Goes with `MIO_ST_EDGE` or `MIO_ST_LEVEL` when registering: of several pollers that wait for one descriptor so, such as
 * a listener that threads or processes share, an event wakes one, or some, and not all (`EPOLLEXCLUSIVE`). With
 * `MIO_ST_ONESHOT`, with an interest in `MIO_ST_PRIORITY`, of a poller, and when reregistering what is registered so, it
 * is `-EINVAL`: deregister first. `MIO_ST_READ_CLOSED` is reported with `MIO_ST_HUP` only. On macOS and BSD it is
 * `-EOPNOTSUPP`.
 */
#define MIO_ST_EXCLUSIVE (1u << 11)

/**
 * An event: whose, and what it is ready for. 16 bytes on every system.
 */
typedef struct {
    /**
     * What the caller gave at registration: a number, a pointer, or the bits of a handle.
     */
    uint64_t id;
    /**
     * Flags: `MIO_ST_READABLE` and the like.
     */
    uint32_t readiness;
    /**
     * Zero.
     */
    uint32_t reserved;
} mio_st_event_t;

/* Handles ----------------------------------------------------------------------------------------- */

/**
 * How many handles are open, in all threads and between them (mio_st_detached_t), so that a test finds leaks. A forked child counts those of the
 * parent's other threads too, which it does not have.
 *
 * Never fails. Any thread, any time.
 */
size_t mio_st_live_handles(void);

/* What is detached -------------------------------------------------------------------------------- */

/**
 * A poller or a handle on its way from one thread to another.
 *
 * Made by mio_st_poller_detach() and its kin, of which there is one for each type of handle but signals, which have
 * let in what their thread had blocked; used up by mio_st_poller_attach() and its kin, or closed by
 * mio_st_detached_close(). It belongs to no thread, and outlives the one that made it.
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_detached_t;

/**
 * Closes what was detached and is to be attached by nobody: a poller, or a descriptor. It is registered nowhere any
 * more, but while there are copies of its descriptor (`dup(2)`, `fork(2)`): attach what may have some, and close that.
 * It preserves `errno`.
 *
 * Returns 0, also for `{0}`; `-EBADF` if it is attached or closed; `-EBUSY` in a signal handler that has interrupted a
 * call of this library.
 *
 * Any thread, also one that is ending, but not a signal handler.
 */
int mio_st_detached_close(mio_st_detached_t detached);

/* The poller -------------------------------------------------------------------------------------- */

/**
 * A clock of mio_st_poller_set_clock(): the monotonic clock of the system.
 */
#define MIO_ST_CLOCK_MONOTONIC 0

/**
 * A clock of mio_st_poller_set_clock(): time stands still until mio_st_poller_advance() or
 * mio_st_poller_set_time(). A poll waits for handles and awakeners as ever, for as long as its timeout in real time.
 */
#define MIO_ST_CLOCK_PAUSED 1

/**
 * A clock of mio_st_poller_set_clock(): as `MIO_ST_CLOCK_PAUSED`; but a poll that would wait, and finds nothing at
 * the system, jumps to the next deadline or to the end of its timeout, and returns.
 */
#define MIO_ST_CLOCK_AUTOMATIC 2

/**
 * A check of mio_st_poller_set_checks(): `MIO_ST_PROBLEM_UNDRAINED`.
 */
#define MIO_ST_CHECK_UNDRAINED (1u << 0)

/**
 * A check of mio_st_poller_set_checks(): `MIO_ST_PROBLEM_SPINNING`.
 */
#define MIO_ST_CHECK_SPINNING (1u << 1)

/**
 * A check of mio_st_poller_set_checks(): `MIO_ST_PROBLEM_FORGOTTEN` and `MIO_ST_PROBLEM_CLOSED`.
 */
#define MIO_ST_CHECK_FORGOTTEN (1u << 2)

/**
 * A check of mio_st_poller_set_checks(): `MIO_ST_PROBLEM_STALLED`.
 */
#define MIO_ST_CHECK_STALLED (1u << 3)

/**
 * All checks of mio_st_poller_set_checks().
 */
#define MIO_ST_CHECK_ALL 15

/**
 * What a complaint is about: an edge-triggered handle had an event and is still readable; it was not registered
 * again, no other event of it is on its way, and the poll was about to wait. What it has may never be reported. (Not
 * meant is one that has an interest in writing as well, and cannot be written: the program may wait for that.)
 */
#define MIO_ST_PROBLEM_UNDRAINED 1

/**
 * What a complaint is about: a level-triggered handle was handed out 1,000 times in a row, without a wait in between
 * and without a change to any registration, and nothing was read of it or written to it meanwhile.
 */
#define MIO_ST_PROBLEM_SPINNING 2

/**
 * What a complaint is about: a oneshot handle had its event 10 seconds ago, and was neither armed again nor closed.
 */
#define MIO_ST_PROBLEM_FORGOTTEN 3

/**
 * What a complaint is about: a descriptor was closed while it was registered, and goes on having events, since there
 * is a copy of it. Nobody can deregister it.
 */
#define MIO_ST_PROBLEM_CLOSED 4

/**
 * What a complaint is about: the program did not poll for a second. The count is that of the deadlines that came more
 * than their slack late for that; there is neither an id nor a descriptor.
 */
#define MIO_ST_PROBLEM_STALLED 5

/**
 * How many powers of two the lateness of deadlines is counted by, in mio_st_stats_t.
 */
#define MIO_ST_STATS_LATENESS 40

/**
 * A poller: waits for many handles at once, for notifications and for deadlines.
 *
 * Made by mio_st_poller_new(), closed by mio_st_poller_close().
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_poller_t;

/**
 * Names a deadline of a poller, to cancel or to move it. The key of a deadline that fired or was
 * cancelled names nothing, for ever; so does `{0, 0}`.
 */
typedef struct {
    /**
     * No meaning: store and compare it.
     */
    uint64_t slot;
    /**
     * No meaning: store and compare it.
     */
    uint64_t serial;
} mio_st_deadline_key_t;

/**
 * What a poller has counted, see mio_st_poller_stats(). Later versions may have more fields at its end.
 */
typedef struct {
    /**
     * Polls that asked the system.
     */
    uint64_t polls;
    /**
     * Those of them that were ready to wait: nothing was there before they asked, and the timeout was not 0.
     */
    uint64_t waits;
    /**
     * Events of handles and awakeners.
     */
    uint64_t system_events;
    /**
     * Notifications.
     */
    uint64_t notifications;
    /**
     * Deadlines.
     */
    uint64_t deadlines;
    /**
     * The most events of one poll.
     */
    uint64_t fullest_batch;
    /**
     * The time inside of polls that were ready to wait, in nanoseconds.
     */
    uint64_t waiting_ns;
    /**
     * The time between polls, in nanoseconds: what the program used, or others while it could have run.
     */
    uint64_t outside_ns;
    /**
     * By how many nanoseconds deadlines were late: in place `n` those with at least 2^n and less than 2^(n + 1), in
     * the first also those with none, in the last all that were later.
     */
    uint64_t lateness[40];
    /**
     * Wakes by awakeners, and events posted by registrars, of any thread. The poll counts them that comes after them.
     */
    uint64_t wakes;
    /**
     * Those of them that an earlier wake of the same awakener stood for, whose event had not been handed out: they made
     * no event of their own, and no system call.
     */
    uint64_t wakes_coalesced;
} mio_st_stats_t;

/**
 * What a poller has to say about the program that uses it, see mio_st_poller_next_complaint(). Later versions may have
 * more fields at its end.
 */
typedef struct {
    /**
     * What it is about: `MIO_ST_PROBLEM_UNDRAINED` and the like.
     */
    uint32_t problem;
    /**
     * The descriptor; -1 if there is none.
     */
    int32_t fd;
    /**
     * The id that it was registered with.
     */
    uint64_t id;
    /**
     * How often, or how many; 1 where there is nothing to count.
     */
    uint64_t count;
    /**
     * When it was found, in nanoseconds of the clock of mio_st_poller_now().
     */
    uint64_t time_ns;
} mio_st_complaint_t;

/**
 * Detaches a poller from this thread, so that another attaches it: for threads that take turns with one loop under a
 * lock, or for a loop that moves. Its registrations, deadlines and notifications go along; their keys stay good, its
 * awakeners and registrars work all the time, and its clock, checks and statistics are as they were.
 *
 * Handles that are registered with it stay where they are, and go by functions like this one. A handle and its poller
 * may be in different threads: events come to the poller, and closing the handle ends its registration only by closing
 * the descriptor, while no copy of that is left.
 *
 * `detached` receives what another thread attaches, once; or close it with mio_st_detached_close(). It may outlive this
 * thread. The handle names nothing any more.
 *
 * Returns 0; `-ENOMEM`; `-EINVAL` if `detached` is NULL; the errors of a handle. After an error the handle is as it was.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_detach(mio_st_poller_t poller,
                         mio_st_detached_t *detached);

/**
 * Attaches a poller that was detached to this thread.
 *
 * `poller` receives it, as mio_st_poller_new() would give it.
 *
 * Returns 0; `-EBADF` if it was attached or closed, or is no poller; `MIO_ST_EFORKED` in a process that was forked since
 * the poller was created; `-ENOMEM`; `-EINVAL` if `poller` is NULL; `-EAGAIN` as mio_st_poller_new(). After an error
 * other than `-EBADF` it may be attached still.
 *
 * The poller belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_poller_attach(mio_st_poller_t *poller,
                         mio_st_detached_t detached);

/**
 * Creates a poller.
 *
 * `poller` receives it; close it with mio_st_poller_close().
 *
 * Returns 0; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOMEM`; `-EAGAIN` if more
 * threads use the library than it has numbers for (4095); `-EINVAL` if `poller` is NULL.
 *
 * The poller belongs to the calling thread.
 */
MIO_ST_MUST_USE int mio_st_poller_new(mio_st_poller_t *poller);

/**
 * Creates a poller with room for so many deadlines and so many notifications, for programs that must
 * not allocate later. An interval counts for two deadlines. More than that still fits: then memory is
 * allocated.
 *
 * Each deadline takes 40 bytes, and room is made for as many cancelled ones again. The half for the
 * live ones is written to at once, so that not even the system has to find pages for it later.
 *
 * `poller` receives it; close it with mio_st_poller_close().
 *
 * Returns as mio_st_poller_new().
 *
 * The poller belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_poller_with_capacity(mio_st_poller_t *poller,
                                size_t deadlines,
                                size_t notifications);

/**
 * Closes a poller. Handles that are registered with it stay open; its awakeners wake nothing any more.
 *
 * In a process that was forked since, it closes the copy of the child only.
 *
 * Returns 0, also for `{0}`; the errors of a handle, but not `MIO_ST_EFORKED`.
 *
 * Thread: that of the poller.
 */
int mio_st_poller_close(mio_st_poller_t poller);

/**
 * The descriptor of the poller, which stays the poller's. It becomes readable when a handle has an
 * event, so that a poller can be registered in another poller, or in another event loop together with
 * mio_st_poller_next_wakeup(). Deadlines and notifications do not make it readable.
 *
 * From the first call on, each wake of an awakener that is not pending costs a system call, since somebody may
 * wait for the descriptor.
 *
 * Returns the descriptor; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_fd(mio_st_poller_t poller);

/**
 * Waits until there is an event, or the timeout has passed, and fills an array with events.
 *
 * `events` has room for `capacity` of them; what does not fit is kept for the next poll, and what is beyond
 * `INT_MAX` / 12 on Linux is not used. `timeout_ns` is in nanoseconds: 0 does not wait, a negative one waits for ever, and any other never returns without
 * an event before it has passed. A signal does not end the wait, nor changes `errno`.
 *
 * Returns the number of events, 0 if the timeout has passed; `-EINVAL` if the capacity is 0 or `events`
 * is NULL; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_poll(mio_st_poller_t poller,
                       mio_st_event_t *events,
                       size_t capacity,
                       int64_t timeout_ns);

/**
 * As mio_st_poller_poll(), without asking the system: it hands out notifications and deadlines that have
 * passed, and never waits.
 *
 * Returns the number of events, which may be 0; the errors of mio_st_poller_poll().
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_poll_userspace(mio_st_poller_t poller,
                                 mio_st_event_t *events,
                                 size_t capacity);

/**
 * Posts an event, which the next poll with room for it returns as it is.
 *
 * `id` is any number. `readiness` is at least one of the flags of readiness. Each call is an event of its own:
 * two with the same id are not made one.
 *
 * Returns 0; `-EINVAL` for an unknown flag or none; `-ENOMEM`; the errors of a handle.
 *
 * Thread: that of the poller. Another thread wakes it by a mio_st_awakener_t.
 */
int mio_st_poller_notify(mio_st_poller_t poller,
                         uint64_t id,
                         uint32_t readiness);

/**
 * As mio_st_poller_notify(), without ever allocating.
 *
 * Returns 0; `-EAGAIN` if as many notifications wait as there is room for, see
 * mio_st_poller_with_capacity(); `-EINVAL` for an unknown flag or none; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_try_notify(mio_st_poller_t poller,
                             uint64_t id,
                             uint32_t readiness);

/**
 * Registers any descriptor, such as one that another library owns. It stays its owner's, and should be
 * non-blocking.
 *
 * From now on its readiness gives events with `id`, which is any number. `interests` are some of
 * `MIO_ST_READABLE`, `MIO_ST_WRITABLE` and `MIO_ST_PRIORITY`, or 0 for none: then it stays registered, and is
 * paused. On Linux errors and hang-ups are reported nevertheless, with `MIO_ST_LEVEL` by every poll (so pause with
 * `MIO_ST_EDGE`, which tells of each once); elsewhere nothing is, and what happened meanwhile is told when it is
 * reregistered with interests. `option` is one of `MIO_ST_EDGE`,
 * `MIO_ST_LEVEL` and `MIO_ST_ONESHOT`. What is ready already gives an event at the next poll. What each
 * kind of descriptor reports on Linux, and whether a short read has emptied it, is in `descriptors.md`.
 *
 * Returns 0; `-EEXIST` if it is registered here; `-EBADF` if it is not open; `-EPERM` for a regular file
 * or a directory, which is always ready, and on Linux for a device that knows no readiness, such as
 * `/dev/null`; `-EINVAL` for an unknown flag; `-EINVAL` or `-ELOOP` for a poller in itself or in a
 * circle, and `-ELOOP` for a chain of more than five pollers on Linux; `-ENOMEM` and `-ENOSPC`
 * (`/proc/sys/fs/epoll/max_user_watches`); the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_register_fd(mio_st_poller_t poller,
                              int fd,
                              uint64_t id,
                              uint32_t interests,
                              uint32_t option);

/**
 * Replaces the id, the interests and the trigger of a descriptor that is registered, and arms it again; without
 * interests, 0, pauses it. No event of the old registration arrives any more.
 *
 * Returns 0; `-ENOENT` if it is not registered here; the errors of mio_st_poller_register_fd().
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_reregister_fd(mio_st_poller_t poller,
                                int fd,
                                uint64_t id,
                                uint32_t interests,
                                uint32_t option);

/**
 * Ends the registration of a descriptor. It can be registered again. Do so before its owner closes it, if
 * there may be duplicates of it (`dup(2)`, `fork(2)`): without them closing ends the registration as well. In both
 * cases the number can be registered at once when it is another's.
 *
 * Returns 0; `-ENOENT` if it is not registered here; `-EBADF` if it is not open; `-EPERM` for a file or a folder, which
 * cannot be registered; the errors of a handle.
 *
 * Thread: that of the poller.
 */
int mio_st_poller_deregister_fd(mio_st_poller_t poller,
                                int fd);

/**
 * Makes the registration of a descriptor be as asked for, whether it is registered or not; with no
 * `interests`, 0, ends it. It is one call for an adapter of another library that says of its descriptors what
 * it wants to hear from now on.
 *
 * The arguments are those of mio_st_poller_register_fd(), without `MIO_ST_EXCLUSIVE`; without interests `id` and
 * `option` are not looked at. The poller remembers which descriptors it was called for, so that it is one
 * system call that does not fail. What it remembers is a guess: a descriptor that was closed meanwhile, and
 * whose number is another's, is registered.
 *
 * Returns 0; the errors of mio_st_poller_register_fd(), but for `-EEXIST`. Without interests, `-EBADF` if the
 * descriptor is not open: then it is not registered either.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_watch_fd(mio_st_poller_t poller,
                           int fd,
                           uint64_t id,
                           uint32_t interests,
                           uint32_t option);

/**
 * Asks for an event with `id` and `MIO_ST_TIMER` at a time, or right away if it has passed.
 *
 * `deadline_ns` is in nanoseconds of the clock of mio_st_poller_now(). The event is never early, and a
 * poll that waits is late by at most the slack, see mio_st_poller_set_deadline_slack(). A poll that comes after
 * the time for any other reason has the event; but where more than some thousand were added or moved meanwhile,
 * it may be one of the next polls. An id may have any number of deadlines.
 * `key` receives the name of the deadline; it may be NULL.
 *
 * Returns 0; `-ENOMEM`; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_add_deadline(mio_st_poller_t poller,
                               uint64_t id,
                               uint64_t deadline_ns,
                               mio_st_deadline_key_t *key);

/**
 * Asks for an event with `id` and `MIO_ST_TIMER` after `timeout_ns` nanoseconds, counted from now (not
 * from the last poll). `key` receives the name of the deadline; it may be NULL.
 *
 * Returns 0; `-ENOMEM`; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_add_timeout(mio_st_poller_t poller,
                              uint64_t id,
                              uint64_t timeout_ns,
                              mio_st_deadline_key_t *key);

/**
 * Asks for an event with `id` and `MIO_ST_TIMER` after `first_ns` nanoseconds, counted from now, and from
 * then on every `period_ns`. A loop that stalls over several periods gets one event, not several, and then
 * goes on in phase. `key` receives the name of the deadline, which stays valid until it is cancelled, or
 * until its next event would be after the last nanosecond of the clock, `UINT64_MAX`; it may be NULL.
 *
 * Returns 0; `-EINVAL` if the period is 0; `-ENOMEM`; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_add_interval(mio_st_poller_t poller,
                               uint64_t id,
                               uint64_t first_ns,
                               uint64_t period_ns,
                               mio_st_deadline_key_t *key);

/**
 * Cancels a deadline: no event of it comes any more, unless the last poll has handed it out already.
 *
 * Returns 1; 0 if there was nothing to cancel, since it was cancelled, belongs to another poller, or fired:
 * the last poll has handed its event out; the errors of a handle.
 *
 * Thread: that of the poller.
 */
int mio_st_poller_cancel_deadline(mio_st_poller_t poller,
                                  mio_st_deadline_key_t key);

/**
 * Moves a deadline to another time, earlier or later. Its key stays valid. One that fired cannot be moved:
 * add another.
 *
 * `deadline_ns` is as in mio_st_poller_add_deadline().
 *
 * Returns 1; 0 if there was nothing to move, see mio_st_poller_cancel_deadline(); the errors of a
 * handle.
 *
 * Thread: that of the poller.
 */
int mio_st_poller_move_deadline(mio_st_poller_t poller,
                                mio_st_deadline_key_t key,
                                uint64_t deadline_ns);

/**
 * Moves a deadline to `timeout_ns` nanoseconds from now (not from the last poll), as
 * mio_st_poller_move_deadline() does. Of an interval it is the next event that is moved, and the others with it.
 *
 * Returns 1; 0 if there was nothing to move, see mio_st_poller_cancel_deadline(); the errors of a
 * handle.
 *
 * Thread: that of the poller.
 */
int mio_st_poller_move_timeout(mio_st_poller_t poller,
                               mio_st_deadline_key_t key,
                               uint64_t timeout_ns);

/**
 * Moves a deadline, or if it has fired or was cancelled adds one, so that a key can be kept as long as its
 * connection. A deadline that is moved keeps the id that it was added with.
 *
 * `id` and `deadline_ns` are as in mio_st_poller_add_deadline(). `key` is that of the deadline to move, such as
 * `{0, 0}` for none, and receives that of the one that was added.
 *
 * Returns 1 if one was moved, 0 if one was added; `-EINVAL` if `key` is NULL; `-ENOMEM`; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_move_or_add_deadline(mio_st_poller_t poller,
                                       uint64_t id,
                                       uint64_t deadline_ns,
                                       mio_st_deadline_key_t *key);

/**
 * As mio_st_poller_move_or_add_deadline(), to `timeout_ns` nanoseconds from now.
 *
 * Returns 1 if one was moved, 0 if one was added; `-EINVAL` if `key` is NULL; `-ENOMEM`; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_move_or_add_timeout(mio_st_poller_t poller,
                                      uint64_t id,
                                      uint64_t timeout_ns,
                                      mio_st_deadline_key_t *key);

/**
 * Removes the earliest deadline with this id. It looks at all deadlines; mio_st_poller_cancel_deadline()
 * is the quick form.
 *
 * Returns 1; 0 if there is none; the errors of a handle.
 *
 * Thread: that of the poller.
 */
int mio_st_poller_remove_deadline(mio_st_poller_t poller,
                                  uint64_t id);

/**
 * How long a poll would wait at most, for embedding the poller in another loop.
 *
 * `timeout_ns` receives nanoseconds: 0 while a notification waits, otherwise those until the next deadline,
 * and -1 without either.
 *
 * Returns 0; `-EINVAL` if `timeout_ns` is NULL; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_next_wakeup(mio_st_poller_t poller,
                              int64_t *timeout_ns);

/**
 * Sets how late a poll may wake up for deadlines that are added or moved from now on, so that neighbours share
 * a wake-up: 1/128 of the distance to the deadline, and at most `slack_ns` nanoseconds. The distance is that
 * from mio_st_poller_now(), and of a timeout all of it. The default is 2^20, about a
 * millisecond. Zero is exact, up to the slack of the kernel itself.
 *
 * Returns 0; the errors of a handle.
 *
 * Thread: that of the poller.
 */
int mio_st_poller_set_deadline_slack(mio_st_poller_t poller,
                                     uint64_t slack_ns);

/**
 * Sets for how long a poll that has to wait looks again and again before it sleeps: `spin_ns` nanoseconds, but
 * never longer than until its timeout or the next deadline.
 *
 * The default is 0. It buys latency and pays with a processor that is busy meanwhile; the guide says who
 * should. A poll with a timeout of 0 does not spin.
 *
 * Returns 0; the errors of a handle.
 *
 * Thread: that of the poller.
 */
int mio_st_poller_set_spin(mio_st_poller_t poller,
                           uint64_t spin_ns);

/**
 * The time of the last poll; if that did not need to read the clock, it is read now.
 *
 * `now_ns` receives nanoseconds of the monotonic clock (`CLOCK_MONOTONIC`; on macOS `CLOCK_UPTIME_RAW`), or of the
 * one that the program drives, see mio_st_poller_set_clock().
 *
 * Returns 0; `-EINVAL` if `now_ns` is NULL; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_now(mio_st_poller_t poller,
                      uint64_t *now_ns);

/**
 * Sets the clock that the poller runs on: `MIO_ST_CLOCK_MONOTONIC`, as from the beginning, or one that the program
 * drives, `MIO_ST_CLOCK_PAUSED` or `MIO_ST_CLOCK_AUTOMATIC`. What every call does on each is a table in
 * `behaviours.md`, beside the guide: "A clock that the program drives".
 *
 * A clock that is driven begins with the time that there is, on which mio_st_poller_advance() and
 * mio_st_poller_set_time() go on. Deadlines keep their times and their slack; those that are added or moved on a
 * driven clock have none, unless mio_st_poller_set_deadline_slack() asked for some. Handles that are ready at once
 * are handed out in the order in which they were registered since the clock was set.
 *
 * Returns 0; `-EINVAL` for an unknown clock; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_set_clock(mio_st_poller_t poller,
                            uint32_t clock);

/**
 * Moves the time of a clock that the program drives ahead by `by_ns` nanoseconds. Deadlines that have passed come
 * with the next poll, in the order of their times.
 *
 * Returns 0; `-EINVAL` on the clock of the system, or beyond `UINT64_MAX`: then the time is what it was; the errors
 * of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_advance(mio_st_poller_t poller,
                          uint64_t by_ns);

/**
 * Sets the time of a clock that the program drives to `now_ns`, which is in nanoseconds and not before that of
 * mio_st_poller_now().
 *
 * Returns 0; `-EINVAL` on the clock of the system, and for a time that has passed: then the time is what it was; the
 * errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_set_time(mio_st_poller_t poller,
                           uint64_t now_ns);

/**
 * Begins to count, from zero, if `on` is not 0, or ends it. Counting takes two reads of the clock a poll, and two more
 * if it waits, and an atomic addition or two a wake, in the thread that wakes; what does not count costs nothing.
 *
 * Returns 0; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_set_stats(mio_st_poller_t poller,
                            int on);

/**
 * What was counted since mio_st_poller_set_stats(); zeros if that is off.
 *
 * `stats` receives it; `size` is `sizeof *stats`. What a program of an older header has no room for is left out, and
 * what this library does not know is 0.
 *
 * Returns 0; `-EINVAL` if `stats` is NULL or `size` is 0; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_stats(mio_st_poller_t poller,
                        mio_st_stats_t *stats,
                        size_t size);

/**
 * Looks from now on for what programs do wrong, and forgets what was found before. `checks` are any of
 * `MIO_ST_CHECK_UNDRAINED`, `MIO_ST_CHECK_SPINNING`, `MIO_ST_CHECK_FORGOTTEN` and `MIO_ST_CHECK_STALLED`, or
 * `MIO_ST_CHECK_ALL`, or 0, as in the beginning. Nothing is printed: whoever wants to know takes the complaints by
 * mio_st_poller_next_complaint().
 *
 * What is registered from now on, or registered once more, is looked at. Of each registration there is one
 * complaint. A poll that finds something just before it would wait returns 10 ms later, perhaps with 0 events; and so
 * does one that waits while a oneshot handle is being forgotten, at once. What it costs is in the guide; what is switched
 * off costs nothing.
 *
 * Returns 0; `-EINVAL` for an unknown check; `-ENOMEM`, and then nothing is looked for; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_set_checks(mio_st_poller_t poller,
                             uint32_t checks);

/**
 * Takes the oldest complaint. Up to 32 are kept; what is found while so many wait is not told.
 *
 * `complaint` receives it; `size` is `sizeof *complaint`, and it is as with mio_st_poller_stats().
 *
 * Returns 1; 0 if there is none; `-EINVAL` if `complaint` is NULL or `size` is 0; the errors of a handle.
 *
 * Thread: that of the poller.
 */
MIO_ST_MUST_USE
int mio_st_poller_next_complaint(mio_st_poller_t poller,
                                 mio_st_complaint_t *complaint,
                                 size_t size);

/**
 * A sentence about a problem, `MIO_ST_PROBLEM_UNDRAINED` and the like, that names the chapter of the guide.
 *
 * An unknown one is `"unknown problem"`: the result is never NULL. The string is static.
 *
 * Never fails. Any thread, any time.
 */
const char *mio_st_complaint_text(uint32_t problem);

/* The awakener ------------------------------------------------------------------------------------ */

/**
 * Wakes a poller from any thread, and from a signal handler.
 *
 * Made by mio_st_awakener_new(), closed by mio_st_awakener_close(). It belongs to no thread.
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_awakener_t;

/**
 * Creates an awakener: waking gives the poller an event with `id` and `MIO_ST_READABLE`.
 *
 * `awakener` receives it; close it with mio_st_awakener_close(). A poller may have any number of them.
 *
 * Returns 0; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOSPC` if there are too many
 * registrations (`/proc/sys/fs/epoll/max_user_watches`); `-ENOMEM`; `-EINVAL` if `awakener` is NULL; the errors
 * of a handle.
 *
 * Thread: that of the poller. The awakener itself belongs to no thread.
 */
MIO_ST_MUST_USE
int mio_st_awakener_new(mio_st_awakener_t *awakener,
                        mio_st_poller_t poller,
                        uint64_t id);

/**
 * Wakes the poller. Wakes are coalesced: after the last one there is at least one event, and there may be
 * one too many. There is nothing to drain. It costs no system call while the poller is awake (unless
 * mio_st_poller_fd() was called, since somebody may wait for its descriptor), nor while an earlier wake is
 * still to be seen.
 *
 * Returns 0; `-EPIPE` if the poller is closed; `MIO_ST_EFORKED` in a process that was forked since; `-EBADF`
 * if the awakener is closed. It preserves `errno`.
 *
 * Any thread, and any signal handler: it takes no lock and allocates nothing. What was written before the
 * call is visible to the thread of the poller when it sees the event.
 */
int mio_st_awakener_wake(mio_st_awakener_t awakener);

/**
 * Closes an awakener. A wake that was sent before still arrives. It preserves `errno`.
 *
 * Returns 0, also for `{0}`; `-EBADF` if it is closed; `-EBUSY` in a signal handler that has interrupted a
 * call of this library.
 *
 * Any thread, also one that is ending (in a destructor of thread-specific data), but not a signal handler.
 */
int mio_st_awakener_close(mio_st_awakener_t awakener);

/* The registrar ----------------------------------------------------------------------------------- */

/**
 * Registers descriptors with a poller, and posts events to it, from any thread.
 *
 * Made by mio_st_registrar_new(), closed by mio_st_registrar_close(). It belongs to no thread.
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_registrar_t;

/**
 * Creates a registrar, by which any thread registers descriptors with a poller and posts events to it, also while a
 * poll sleeps.
 *
 * `registrar` receives it; close it with mio_st_registrar_close(). A poller may have any number of them, and any
 * number of threads may use one at once. It does not keep its poller open. While there is one, polls cost what they
 * cost with an awakener.
 *
 * Returns 0; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOSPC` if there are too many
 * registrations (`/proc/sys/fs/epoll/max_user_watches`); `-ENOMEM`; `-EINVAL` if `registrar` is NULL; the errors
 * of a handle.
 *
 * Thread: that of the poller. The registrar itself belongs to no thread.
 */
MIO_ST_MUST_USE
int mio_st_registrar_new(mio_st_registrar_t *registrar,
                         mio_st_poller_t poller);

/**
 * Registers any descriptor, as mio_st_poller_register_fd() does; `MIO_ST_EXCLUSIVE` is `-EINVAL`. It is the same
 * registration, whoever asks: the poller may change or end it, and so may any of its registrars.
 *
 * An event that a poll has taken already is handed out, also if another thread deregisters the descriptor meanwhile,
 * or registers it anew: who closes descriptors behind the back of the poller looks at the id of each event.
 *
 * Returns as mio_st_poller_register_fd(); `-EPIPE` if the poller is closed; `MIO_ST_EFORKED` in a process that was
 * forked since the poller was created; `-EBADF` also if the registrar is closed; `-EBUSY` in a signal handler that has
 * interrupted a call of this library.
 *
 * Any thread, also one that is ending, but not a signal handler.
 */
MIO_ST_MUST_USE
int mio_st_registrar_register(mio_st_registrar_t registrar,
                              int fd,
                              uint64_t id,
                              uint32_t interests,
                              uint32_t option);

/**
 * Replaces the registration of a descriptor, as mio_st_poller_reregister_fd() does.
 *
 * Returns 0; `-ENOENT` if it is not registered with the poller; the errors of mio_st_registrar_register().
 *
 * Any thread, also one that is ending, but not a signal handler.
 */
MIO_ST_MUST_USE
int mio_st_registrar_reregister(mio_st_registrar_t registrar,
                                int fd,
                                uint64_t id,
                                uint32_t interests,
                                uint32_t option);

/**
 * Ends the registration of a descriptor, as mio_st_poller_deregister_fd() does. Do so before you close it.
 *
 * Returns 0; `-ENOENT` if it is not registered with the poller; the errors of mio_st_registrar_register().
 *
 * Any thread, also one that is ending, but not a signal handler.
 */
int mio_st_registrar_deregister(mio_st_registrar_t registrar,
                                int fd);

/**
 * Posts an event, which a poll returns as it is, and wakes the poller if it sleeps. Those of one thread come in their
 * order, and none is made one with another. Each takes memory.
 *
 * `id` is any number. `readiness` is at least one of the flags of readiness.
 *
 * Returns 0; `-EINVAL` for an unknown flag or none; `-ENOMEM`; `-EPIPE` if the poller is closed; `MIO_ST_EFORKED` in a
 * process that was forked since the poller was created; `-EBADF` if the registrar is closed; `-EBUSY` in a signal
 * handler that has interrupted a call of this library.
 *
 * Any thread, also one that is ending, but not a signal handler. What was written before the call is visible to the
 * thread of the poller when it sees the event.
 */
int mio_st_registrar_notify(mio_st_registrar_t registrar,
                            uint64_t id,
                            uint32_t readiness);

/**
 * Closes a registrar. What it has registered stays registered, and what it has posted still arrives. It
 * preserves `errno`.
 *
 * Returns 0, also for `{0}`; `-EBADF` if it is closed; `-EBUSY` in a signal handler that has interrupted a call of this
 * library.
 *
 * Any thread, also one that is ending, but not a signal handler.
 */
int mio_st_registrar_close(mio_st_registrar_t registrar);

/* Addresses --------------------------------------------------------------------------------------- */

/**
 * A buffer of so many bytes is large enough for any text that mio_st_addr_format() writes.
 */
#define MIO_ST_ADDR_TEXT_SIZE 128

/**
 * Reads an address and a port from text: `"127.0.0.1:8080"`, `"[::1]:8080"`, `"[fe80::1%2]:8080"`.
 *
 * `text` ends with a NUL. Names such as `localhost` are not looked up. `address` receives the address.
 *
 * Returns the length of the address, for use as its `socklen_t`; `-EINVAL` if the text is not an address
 * and a port, or a pointer is NULL.
 *
 * Any thread.
 */
MIO_ST_MUST_USE
int mio_st_addr_parse(const char *text,
                      struct sockaddr_storage *address);

/**
 * Writes an address and its port as text that mio_st_addr_parse() reads.
 *
 * `address` and `length` are an address of the family `AF_INET` or `AF_INET6`. `text` is a buffer of
 * `size` bytes, of which `MIO_ST_ADDR_TEXT_SIZE` are always enough; the text ends with a NUL.
 *
 * Returns the length of the text without the NUL; `-ENOSPC` if the buffer is too small;
 * `-EAFNOSUPPORT` for another family; `-EINVAL` if the length does not fit the family, or a pointer is
 * NULL.
 *
 * Any thread.
 */
MIO_ST_MUST_USE
int mio_st_addr_format(const struct sockaddr *address,
                       socklen_t length,
                       char *text,
                       size_t size);

/* Options of sockets ------------------------------------------------------------------------------ */

/**
 * A flag of mio_st_socket_options_t: sets `SO_REUSEADDR`, which TCP listeners have by themselves.
 */
#define MIO_ST_SOCKET_REUSE_ADDRESS (1u << 0)

/**
 * A flag of mio_st_socket_options_t: does not set `SO_REUSEADDR`, for a TCP listener.
 */
#define MIO_ST_SOCKET_NO_REUSE_ADDRESS (1u << 1)

/**
 * A flag of mio_st_socket_options_t: sets `SO_REUSEPORT`, so that sockets that all have it may be bound to
 * the same address. On Linux connections and datagrams are spread over them.
 */
#define MIO_ST_SOCKET_REUSE_PORT (1u << 2)

/**
 * A flag of mio_st_socket_options_t: sets `IPV6_V6ONLY`, so that an IPv6 socket has nothing to do with IPv4.
 * Without this flag and the next it is as the system has it.
 */
#define MIO_ST_SOCKET_ONLY_V6 (1u << 3)

/**
 * A flag of mio_st_socket_options_t: clears `IPV6_V6ONLY`, so that a socket bound to `[::]` serves IPv4 too.
 */
#define MIO_ST_SOCKET_DUAL_STACK (1u << 4)

/**
 * A flag of mio_st_socket_options_t: sets `TCP_NODELAY`, of a listener for the connections that it accepts.
 */
#define MIO_ST_SOCKET_NODELAY (1u << 5)

/**
 * A flag of mio_st_socket_options_t: turns keepalive on, with the values in `keepalive`, of a listener for
 * the connections that it accepts.
 */
#define MIO_ST_SOCKET_KEEPALIVE (1u << 6)

/**
 * How a connection on which nothing moves finds out that its peer is gone. What is 0 stays as it was: in a
 * new socket, the system's default.
 */
typedef struct {
    /**
     * For how many seconds nothing has moved before the peer is asked for the first time (`TCP_KEEPIDLE`).
     */
    uint32_t idle_seconds;
    /**
     * The seconds from one question to the next (`TCP_KEEPINTVL`).
     */
    uint32_t interval_seconds;
    /**
     * How many questions in a row are left unanswered before the connection ends with `-ETIMEDOUT`
     * (`TCP_KEEPCNT`).
     */
    uint32_t count;
} mio_st_keepalive_t;

/**
 * What must be said before a socket is bound or connected. Zero is the default of every member but `size`:
 * `mio_st_socket_options_t options = {.size = sizeof options, .flags = MIO_ST_SOCKET_REUSE_PORT};`
 */
typedef struct {
    /**
     * The size of this struct, `sizeof(mio_st_socket_options_t)`: later versions may have more members.
     */
    size_t size;
    /**
     * `MIO_ST_SOCKET_...`.
     */
    uint32_t flags;
    /**
     * For TCP listeners: how many connections may wait to be accepted, a hint (`listen(2)`). 0 is
     * `SOMAXCONN`.
     */
    uint32_t backlog;
    /**
     * `SO_SNDBUF` in bytes; 0 leaves it to the system.
     */
    size_t send_buffer_size;
    /**
     * `SO_RCVBUF` in bytes; 0 leaves it to the system.
     */
    size_t recv_buffer_size;
    /**
     * With `MIO_ST_SOCKET_KEEPALIVE`.
     */
    mio_st_keepalive_t keepalive;
    /**
     * The length of `local`, or 0.
     */
    socklen_t local_length;
    /**
     * For TCP streams: the address of this side, which the system chooses if it is NULL.
     */
    const struct sockaddr *local;
} mio_st_socket_options_t;

/* Error queues ------------------------------------------------------------------------------------ */

/**
 * Who made a mio_st_queued_error_t: this host.
 */
#define MIO_ST_ORIGIN_LOCAL 1

/**
 * A router or the peer's host, by an ICMP message of the type `kind` and of `code`.
 */
#define MIO_ST_ORIGIN_ICMP 2

/**
 * The same by ICMPv6.
 */
#define MIO_ST_ORIGIN_ICMPV6 3

/**
 * No error: something that was sent has got so far at `timestamp` (`SO_TIMESTAMPING`). `info` is how far,
 * `SCM_TSTAMP_SND` and the like, `data` which, with `SOF_TIMESTAMPING_OPT_ID`.
 */
#define MIO_ST_ORIGIN_TIMESTAMP 4

/**
 * No error: the memory of the calls with `MSG_ZEROCOPY` from `info` to `data`, numbered from 0, is free again. A
 * `code` of 1: the system has copied it after all.
 */
#define MIO_ST_ORIGIN_ZEROCOPY 5

/**
 * An entry of a socket's error queue: an error with its origin, or word of something that was sent.
 */
typedef struct {
    /**
     * The negated errno; 0 of an entry that is no error.
     */
    int error;
    /**
     * `MIO_ST_ORIGIN_...`, or another that the system has (`SO_EE_ORIGIN_...`).
     */
    uint32_t origin;
    /**
     * See `MIO_ST_ORIGIN_ICMP`.
     */
    uint8_t kind;
    /**
     * See `MIO_ST_ORIGIN_ICMP` and `MIO_ST_ORIGIN_ZEROCOPY`.
     */
    uint8_t code;
    /**
     * 0.
     */
    uint16_t reserved;
    /**
     * See `MIO_ST_ORIGIN_TIMESTAMP` and `MIO_ST_ORIGIN_ZEROCOPY`.
     */
    uint32_t info;
    /**
     * As `info`.
     */
    uint32_t data;
    /**
     * The path's MTU, of an error that says that a datagram was too big for it; otherwise 0.
     */
    uint32_t mtu;
    /**
     * Nanoseconds since the beginning of 1970, of `MIO_ST_ORIGIN_TIMESTAMP`; otherwise 0.
     */
    uint64_t timestamp;
    /**
     * How many bytes were written to the buffer: the beginning of the datagram that it is about, as far as it is
     * known.
     */
    size_t length;
    /**
     * The length of `offender`; 0 if nobody is known.
     */
    socklen_t offender_length;
    /**
     * The length of `target`; 0 if it is not known.
     */
    socklen_t target_length;
    /**
     * The router or host that told of it.
     */
    struct sockaddr_storage offender;
    /**
     * Where the datagram that it is about was sent to.
     */
    struct sockaddr_storage target;
} mio_st_queued_error_t;

/* TCP streams ------------------------------------------------------------------------------------- */

/**
 * A TCP connection. Non-blocking and close-on-exec.
 *
 * Made by mio_st_tcp_stream_connect() and by mio_st_tcp_listener_accept(), closed by
 * mio_st_tcp_stream_close().
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_tcp_stream_t;

/**
 * Takes the next entry from the error queue of a connection, where the system tells of what was sent with
 * `MSG_ZEROCOPY`, and, with `SO_TIMESTAMPING`, when; both are asked for on the descriptor.
 *
 * As long as there is an entry the connection reports `MIO_ST_ERROR`, which no other call ends.
 *
 * `buffer` has room for `length` bytes of what it is about, and may be NULL if that is 0. `entry` receives it.
 *
 * Returns 0; `-EAGAIN` if the queue is empty; `-EOPNOTSUPP` elsewhere than on Linux; `-EINVAL` if `entry` is NULL,
 * or `buffer` is and `length` is not 0; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int mio_st_tcp_stream_recv_error(mio_st_tcp_stream_t stream,
                                 void *buffer,
                                 size_t length,
                                 mio_st_queued_error_t *entry);

/**
 * Detaches a TCP stream from this thread, with its registrations, as mio_st_poller_detach() does a poller.
 *
 * Returns as mio_st_poller_detach().
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE
int mio_st_tcp_stream_detach(mio_st_tcp_stream_t stream,
                             mio_st_detached_t *detached);

/**
 * Attaches a TCP stream that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
 * forked since, it is one of its own.
 *
 * Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
 *
 * The handle belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_tcp_stream_attach(mio_st_tcp_stream_t *stream,
                             mio_st_detached_t detached);

/**
 * Registers a TCP stream, as mio_st_poller_register_fd() does a descriptor.
 *
 * Returns as mio_st_poller_register_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_register_tcp_stream(mio_st_poller_t poller,
                                      mio_st_tcp_stream_t stream,
                                      uint64_t id,
                                      uint32_t interests,
                                      uint32_t option);

/**
 * Replaces the registration of a TCP stream, as mio_st_poller_reregister_fd() does.
 *
 * Returns as mio_st_poller_reregister_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_reregister_tcp_stream(mio_st_poller_t poller,
                                        mio_st_tcp_stream_t stream,
                                        uint64_t id,
                                        uint32_t interests,
                                        uint32_t option);

/**
 * Ends the registration of a TCP stream. Closing it does the same by itself.
 *
 * Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
 *
 * Thread: that of both handles.
 */
int mio_st_poller_deregister_tcp_stream(mio_st_poller_t poller, mio_st_tcp_stream_t stream);

/**
 * Begins to connect to an address.
 *
 * `stream` receives the connection; close it with mio_st_tcp_stream_close(). `address` and `length` are an
 * address of the family `AF_INET` or `AF_INET6`. Register the stream, and when it is writable ask
 * mio_st_tcp_stream_connected() how it ended.
 *
 * Returns 0; `-EAFNOSUPPORT` for another family; what the system notices at once, such as `-ENETUNREACH`;
 * `-EINVAL` if the length does not fit the family, or a pointer is NULL; `-EMFILE` or `-ENFILE` if there are
 * too many descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The stream belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_tcp_stream_connect(mio_st_tcp_stream_t *stream,
                              const struct sockaddr *address,
                              socklen_t length);

/**
 * As mio_st_tcp_stream_connect(), with the address as text, see mio_st_addr_parse().
 *
 * Returns as mio_st_tcp_stream_connect(); `-EINVAL` if the text is not an address and a port.
 *
 * The stream belongs to the calling thread.
 */
MIO_ST_MUST_USE int mio_st_tcp_stream_connect_str(mio_st_tcp_stream_t *stream, const char *address);

/**
 * As mio_st_tcp_stream_connect(), with options, and from a given address of this side.
 *
 * `options` are read before the call returns. All members but `backlog` have a meaning for a stream. With
 * `local` and port 0 the system chooses the port, on Linux while connecting, so that connections to
 * different peers can share one.
 *
 * Returns as mio_st_tcp_stream_connect() and mio_st_tcp_listener_bind_with(); for `local` also
 * `-EADDRINUSE`, `-EADDRNOTAVAIL`, `-EACCES`, and `-EAFNOSUPPORT` if the addresses are not of one family.
 *
 * The stream belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_tcp_stream_connect_with(mio_st_tcp_stream_t *stream,
                                   const struct sockaddr *address,
                                   socklen_t length,
                                   const mio_st_socket_options_t *options);

/**
 * Makes a stream of a descriptor, and makes that non-blocking and close-on-exec.
 *
 * `stream` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
 *
 * Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
 * is not a stream socket of the family `AF_INET` or `AF_INET6`, or if it listens; `-EINVAL` if `stream` is
 * NULL; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The stream belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_tcp_stream_from_fd(mio_st_tcp_stream_t *stream,
                              int fd);

/**
 * Makes another stream of the same socket.
 *
 * `clone` receives it; close it with mio_st_tcp_stream_close(), too. Each is registered by itself.
 *
 * Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
 * errors of a handle.
 *
 * Thread: that of the stream, to which the new one belongs, too.
 */
MIO_ST_MUST_USE
int mio_st_tcp_stream_try_clone(mio_st_tcp_stream_t *clone,
                                mio_st_tcp_stream_t stream);

/**
 * Closes a stream. That ends its registrations, in every poller.
 *
 * Returns 0, also for `{0}`; the errors of a handle.
 *
 * Thread: that of the stream.
 */
int mio_st_tcp_stream_close(mio_st_tcp_stream_t stream);

/**
 * Whether the connection stands.
 *
 * Returns 1 if it does, and before the first write with `TCP_FASTOPEN_CONNECT`, which makes it; 0 while it is
 * being made; why connecting failed or why the connection is over, such as `-ECONNREFUSED`, which is taken from
 * the socket: if it was before, by whatever call, `-ENOTCONN`; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int mio_st_tcp_stream_connected(mio_st_tcp_stream_t stream);

/**
 * Reads at most `length` bytes into `buffer`.
 *
 * Returns how many were read, 0 at the end of the stream (and if `length` is 0); `-EAGAIN` if there is nothing
 * to read yet; errors of the connection, such as `-ECONNRESET`; `-EINVAL` if `buffer` is NULL and `length` is
 * not 0; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int64_t mio_st_tcp_stream_read(mio_st_tcp_stream_t stream,
                               void *buffer,
                               size_t length);

/**
 * Reads into several buffers in turn, as `readv(2)`; those beyond the 1024th are left for the next call.
 *
 * `buffers` are `count` buffers.
 *
 * Returns as mio_st_tcp_stream_read(); `-EINVAL` if `buffers`, or a buffer with a length, is NULL.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int64_t mio_st_tcp_stream_readv(mio_st_tcp_stream_t stream,
                                const struct iovec *buffers,
                                size_t count);

/**
 * Reads without taking: the next read returns the same bytes.
 *
 * Returns as mio_st_tcp_stream_read().
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int64_t mio_st_tcp_stream_peek(mio_st_tcp_stream_t stream,
                               void *buffer,
                               size_t length);

/**
 * Writes at most `length` bytes from `buffer`. Never raises `SIGPIPE`.
 *
 * Returns how many were written, which may be fewer; `-EAGAIN` if there is no room yet; errors of the connection,
 * such as `-EPIPE`; `-EINVAL` if `buffer` is NULL and `length` is not 0; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int64_t mio_st_tcp_stream_write(mio_st_tcp_stream_t stream,
                                const void *buffer,
                                size_t length);

/**
 * Writes several buffers in turn, as `writev(2)`, but never raises `SIGPIPE`; those beyond the 1024th are left
 * for the next call.
 *
 * `buffers` are `count` buffers.
 *
 * Returns as mio_st_tcp_stream_write(); `-EINVAL` if `buffers`, or a buffer with a length, is NULL.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int64_t mio_st_tcp_stream_writev(mio_st_tcp_stream_t stream,
                                 const struct iovec *buffers,
                                 size_t count);

/**
 * Shuts down reading, writing or both.
 *
 * `how` is `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`.
 *
 * Returns 0; `-ENOTCONN` if the connection does not stand; `-EINVAL` for another `how`; the errors of a handle.
 *
 * Thread: that of the stream.
 */
int mio_st_tcp_stream_shutdown(mio_st_tcp_stream_t stream,
                               int how);

/**
 * Sets `TCP_NODELAY`: whether small writes are sent at once, instead of being gathered.
 *
 * `nodelay` is 0 for no, anything else for yes.
 *
 * Returns 0; the errors of a handle.
 *
 * Thread: that of the stream.
 */
int mio_st_tcp_stream_set_nodelay(mio_st_tcp_stream_t stream, int nodelay);

/**
 * Gets `TCP_NODELAY`.
 *
 * Returns 1 or 0; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE int mio_st_tcp_stream_nodelay(mio_st_tcp_stream_t stream);

/**
 * Turns keepalive on or off: whether the peer is asked if it is still there when nothing has moved for a
 * while. A peer that does not answer ends the connection with `-ETIMEDOUT`.
 *
 * `keepalive` has the values; NULL turns it off, which keeps them for the next time.
 *
 * Returns 0; `-EINVAL` for a value out of the system's range: on Linux the seconds are 1 to 32,767, the
 * count 1 to 127; the errors of a handle.
 *
 * Thread: that of the stream.
 */
int mio_st_tcp_stream_set_keepalive(mio_st_tcp_stream_t stream,
                                    const mio_st_keepalive_t *keepalive);

/**
 * Whether keepalive is on, and with what values, which `keepalive` receives if it is.
 *
 * Returns 1 or 0; `-EINVAL` if `keepalive` is NULL; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int mio_st_tcp_stream_keepalive(mio_st_tcp_stream_t stream,
                                mio_st_keepalive_t *keepalive);

/**
 * Sets `SO_LINGER`: what happens to what has been written and not sent when the socket is closed.
 *
 * `seconds` negative, the default: the system goes on sending it. 0: it is thrown away, and the peer sees
 * the connection reset. Otherwise closing *waits* for it to be sent and acknowledged, at most for so long,
 * on Linux of a non-blocking socket too.
 *
 * Returns 0; the errors of a handle.
 *
 * Thread: that of the stream.
 */
int mio_st_tcp_stream_set_linger(mio_st_tcp_stream_t stream,
                                 int seconds);

/**
 * Gets `SO_LINGER`: `seconds` receives it, or -1.
 *
 * Returns 0; `-EINVAL` if `seconds` is NULL; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE int mio_st_tcp_stream_linger(mio_st_tcp_stream_t stream, int *seconds);

/**
 * Sets the number of hops that a packet may make: `IP_TTL`, and of an IPv6 socket `IPV6_UNICAST_HOPS`. On
 * Linux it holds for the traffic of an IPv6 socket with IPv4 addresses too.
 *
 * Returns 0; `-EINVAL` if `ttl` is not within 1 and 255; the errors of a handle.
 *
 * Thread: that of the stream.
 */
int mio_st_tcp_stream_set_ttl(mio_st_tcp_stream_t stream,
                              uint32_t ttl);

/**
 * Gets the number of hops that a packet may make.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE int mio_st_tcp_stream_ttl(mio_st_tcp_stream_t stream);

/**
 * Takes the error that waits at the socket (`SO_ERROR`).
 *
 * `error` receives it as a negated errno, or 0 if there is none.
 *
 * Returns 0; `-EINVAL` if `error` is NULL; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE int mio_st_tcp_stream_take_error(mio_st_tcp_stream_t stream, int *error);

/**
 * The address of this side, written to `address`.
 *
 * Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int mio_st_tcp_stream_local_addr(mio_st_tcp_stream_t stream,
                                 struct sockaddr_storage *address);

/**
 * The address of the peer, written to `address`.
 *
 * Returns the length of the address; `-ENOTCONN` if the connection does not stand; `-EINVAL` if `address` is
 * NULL; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int mio_st_tcp_stream_peer_addr(mio_st_tcp_stream_t stream,
                                struct sockaddr_storage *address);

/**
 * The descriptor of the stream, which stays the stream's: for `setsockopt(2)` and the like.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE int mio_st_tcp_stream_fd(mio_st_tcp_stream_t stream);

/**
 * Takes the descriptor out of the stream, whose handle is closed by that. The caller closes the descriptor,
 * or hands it to another thread for mio_st_tcp_stream_from_fd().
 *
 * Returns the descriptor; `-EBUSY` if the stream is registered with a poller: deregister it first; the errors of
 * a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int mio_st_tcp_stream_into_fd(mio_st_tcp_stream_t stream);

/* TCP listeners ----------------------------------------------------------------------------------- */

/**
 * A TCP socket that listens for connections. Non-blocking and close-on-exec.
 *
 * Made by mio_st_tcp_listener_bind() and its kin, closed by mio_st_tcp_listener_close().
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_tcp_listener_t;

/**
 * Detaches a TCP listener from this thread, with its registrations, as mio_st_poller_detach() does a poller.
 *
 * Returns as mio_st_poller_detach().
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE
int mio_st_tcp_listener_detach(mio_st_tcp_listener_t listener,
                               mio_st_detached_t *detached);

/**
 * Attaches a TCP listener that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
 * forked since, it is one of its own.
 *
 * Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
 *
 * The handle belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_tcp_listener_attach(mio_st_tcp_listener_t *listener,
                               mio_st_detached_t detached);

/**
 * Registers a TCP listener, as mio_st_poller_register_fd() does a descriptor. Its only interests are
 * `MIO_ST_READABLE`, that is, connections to accept, and `MIO_ST_PRIORITY`; `MIO_ST_WRITABLE` is
 * `-EINVAL`.
 *
 * Returns as mio_st_poller_register_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_register_tcp_listener(mio_st_poller_t poller,
                                        mio_st_tcp_listener_t listener,
                                        uint64_t id,
                                        uint32_t interests,
                                        uint32_t option);

/**
 * Replaces the registration of a TCP listener, as mio_st_poller_reregister_fd() does.
 *
 * Returns as mio_st_poller_reregister_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_reregister_tcp_listener(mio_st_poller_t poller,
                                          mio_st_tcp_listener_t listener,
                                          uint64_t id,
                                          uint32_t interests,
                                          uint32_t option);

/**
 * Ends the registration of a TCP listener. Closing it does the same by itself.
 *
 * Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
 *
 * Thread: that of both handles.
 */
int mio_st_poller_deregister_tcp_listener(mio_st_poller_t poller, mio_st_tcp_listener_t listener);

/**
 * Binds a socket to an address and listens. `SO_REUSEADDR` is set.
 *
 * `listener` receives the socket; close it with mio_st_tcp_listener_close(). `address` and `length` are
 * an address of the family `AF_INET` or `AF_INET6`.
 *
 * Returns 0; `-EADDRINUSE`, `-EADDRNOTAVAIL`, `-EACCES` (a port below 1024); `-EAFNOSUPPORT` for another
 * family; `-EINVAL` if the length does not fit the family, or a pointer is NULL; `-EMFILE` or `-ENFILE` if
 * there are too many descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The listener belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_tcp_listener_bind(mio_st_tcp_listener_t *listener,
                             const struct sockaddr *address,
                             socklen_t length);

/**
 * As mio_st_tcp_listener_bind(), with the address as text such as `"127.0.0.1:8080"` or `"[::]:8080"`, see
 * mio_st_addr_parse(). With port 0 the system chooses one: see mio_st_tcp_listener_local_addr().
 *
 * Returns as mio_st_tcp_listener_bind(); `-EINVAL` if the text is not an address and a port.
 *
 * The listener belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_tcp_listener_bind_str(mio_st_tcp_listener_t *listener,
                                 const char *address);

/**
 * As mio_st_tcp_listener_bind(), with options.
 *
 * `options` are read before the call returns. All members but `local` have a meaning for a listener.
 *
 * Returns as mio_st_tcp_listener_bind(); `-EINVAL` for a `size` that is not that of the struct, for an
 * unknown flag, for flags that contradict each other, for a member that has no meaning here, and for what
 * does not fit an `int`; the errors of `setsockopt(2)`, such as `-EOPNOTSUPP` or `-ENOPROTOOPT` for
 * `MIO_ST_SOCKET_ONLY_V6` of an IPv4 socket.
 *
 * The listener belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_tcp_listener_bind_with(mio_st_tcp_listener_t *listener,
                                  const struct sockaddr *address,
                                  socklen_t length,
                                  const mio_st_socket_options_t *options);

/**
 * Makes a listener of a descriptor, and makes that non-blocking and close-on-exec.
 *
 * `listener` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
 *
 * Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
 * is not a listening stream socket of the family `AF_INET` or `AF_INET6`; `-EINVAL` if `listener` is NULL;
 * `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The listener belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_tcp_listener_from_fd(mio_st_tcp_listener_t *listener,
                                int fd);

/**
 * Makes another listener of the same socket.
 *
 * `clone` receives it; close it with mio_st_tcp_listener_close(), too. Each is registered by itself.
 *
 * Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
 * errors of a handle.
 *
 * Thread: that of the listener, to which the new one belongs, too.
 */
MIO_ST_MUST_USE
int mio_st_tcp_listener_try_clone(mio_st_tcp_listener_t *clone,
                                  mio_st_tcp_listener_t listener);

/**
 * Closes a listener. That ends its registrations, in every poller.
 *
 * Returns 0, also for `{0}`; the errors of a handle.
 *
 * Thread: that of the listener.
 */
int mio_st_tcp_listener_close(mio_st_tcp_listener_t listener);

/**
 * Takes a connection that waits.
 *
 * `stream` receives it; close it with mio_st_tcp_stream_close(). `peer` receives its address; it may be NULL.
 * A connection of which the system says that it was gone before it could be accepted (`ECONNABORTED`) is skipped;
 * more than 1024 in a row are that error. Linux hands one that was reset out, whose first read is `-ECONNRESET`.
 *
 * Returns 0; `-EAGAIN` if no connection waits; `-EMFILE` or `-ENFILE` if one does and there are too many
 * descriptors: it goes on waiting, and a listener with `MIO_ST_EDGE` gets no event for it (accept again when a
 * descriptor was closed); `-EINVAL` if `stream` is NULL; `-ENOMEM`; the errors of a handle.
 *
 * Thread: that of the listener, to which the stream belongs, too.
 */
MIO_ST_MUST_USE
int mio_st_tcp_listener_accept(mio_st_tcp_listener_t listener,
                               mio_st_tcp_stream_t *stream,
                               struct sockaddr_storage *peer);

/**
 * The address that the socket is bound to, written to `address`.
 *
 * Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
 *
 * Thread: that of the listener.
 */
MIO_ST_MUST_USE
int mio_st_tcp_listener_local_addr(mio_st_tcp_listener_t listener,
                                   struct sockaddr_storage *address);

/**
 * Sets the number of hops that a packet may make, which accepted connections inherit: `IP_TTL`, and of an IPv6
 * socket `IPV6_UNICAST_HOPS`. On Linux it holds for the traffic of an IPv6 socket with IPv4 addresses too.
 *
 * Returns 0; `-EINVAL` if `ttl` is not within 1 and 255; the errors of a handle.
 *
 * Thread: that of the listener.
 */
int mio_st_tcp_listener_set_ttl(mio_st_tcp_listener_t listener,
                                uint32_t ttl);

/**
 * Gets the number of hops that a packet may make.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the listener.
 */
MIO_ST_MUST_USE int mio_st_tcp_listener_ttl(mio_st_tcp_listener_t listener);

/**
 * Takes the error that waits at the socket (`SO_ERROR`).
 *
 * `error` receives it as a negated errno, or 0 if there is none.
 *
 * Returns 0; `-EINVAL` if `error` is NULL; the errors of a handle.
 *
 * Thread: that of the listener.
 */
MIO_ST_MUST_USE int mio_st_tcp_listener_take_error(mio_st_tcp_listener_t listener, int *error);

/**
 * The descriptor of the listener, which stays the listener's: for `setsockopt(2)` and the like.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the listener.
 */
MIO_ST_MUST_USE int mio_st_tcp_listener_fd(mio_st_tcp_listener_t listener);

/**
 * Takes the descriptor out of the listener, whose handle is closed by that. The caller closes the
 * descriptor, or hands it to another thread for mio_st_tcp_listener_from_fd().
 *
 * Returns the descriptor; `-EBUSY` if the listener is registered with a poller: deregister it first; the
 * errors of a handle.
 *
 * Thread: that of the listener.
 */
MIO_ST_MUST_USE
int mio_st_tcp_listener_into_fd(mio_st_tcp_listener_t listener);

/* UDP sockets ------------------------------------------------------------------------------------- */

/**
 * A flag of mio_st_datagram_t: the datagram was longer than the memory, and its end is lost.
 */
#define MIO_ST_DATAGRAM_TRUNCATED (1u << 0)

/**
 * A flag of mio_st_datagram_t: more came along than there was room for, some of which is lost. It happens only to
 * a socket whose options were set on its descriptor, and not by the functions here.
 */
#define MIO_ST_DATAGRAM_CONTROL_TRUNCATED (1u << 1)

/**
 * A flag of mio_st_datagram_t: it was sent to a multicast group, or broadcast. Known where `local` is asked for.
 */
#define MIO_ST_DATAGRAM_MULTICAST (1u << 2)

/**
 * A flag of mio_st_datagram_t and mio_st_transmit_t: `local` is the address of this side.
 */
#define MIO_ST_DATAGRAM_LOCAL (1u << 3)

/**
 * A flag of mio_st_datagram_t and mio_st_transmit_t: `interface` is the index of one.
 */
#define MIO_ST_DATAGRAM_INTERFACE (1u << 4)

/**
 * A flag of mio_st_datagram_t and mio_st_transmit_t: `traffic_class` counts.
 */
#define MIO_ST_DATAGRAM_TRAFFIC_CLASS (1u << 5)

/**
 * A flag of mio_st_datagram_t and mio_st_transmit_t: `hop_limit` counts.
 */
#define MIO_ST_DATAGRAM_HOP_LIMIT (1u << 6)

/**
 * A flag of mio_st_datagram_t: `timestamp` is known.
 */
#define MIO_ST_DATAGRAM_TIMESTAMP (1u << 7)

/**
 * A flag of mio_st_transmit_t: all of it was sent.
 */
#define MIO_ST_DATAGRAM_SENT (1u << 8)

/**
 * The two bits of a traffic class that are explicit congestion notification (RFC 3168).
 */
#define MIO_ST_ECN_MASK 3

/**
 * The sender does not take part.
 */
#define MIO_ST_ECN_NOT_ECT 0

/**
 * The sender takes part; for low latency by L4S (RFC 9331).
 */
#define MIO_ST_ECN_ECT1 1

/**
 * The sender takes part.
 */
#define MIO_ST_ECN_ECT0 2

/**
 * A router is congested.
 */
#define MIO_ST_ECN_CE 3

/**
 * What mio_st_udp_socket_set_mtu_discovery() does with datagrams that are larger than the path takes: they are
 * cut, by this host and by IPv4's routers.
 */
#define MIO_ST_MTU_DISCOVERY_DONT 0

/**
 * They are cut by this host; the path's MTU is found out, and datagrams that fit are not to be cut.
 */
#define MIO_ST_MTU_DISCOVERY_WANT 1

/**
 * They are refused with `-EMSGSIZE`, by what is known of the path's MTU, and none is to be cut.
 */
#define MIO_ST_MTU_DISCOVERY_DO 2

/**
 * As `MIO_ST_MTU_DISCOVERY_DO`, but only the interface's MTU counts, so that a program can find out the path's.
 */
#define MIO_ST_MTU_DISCOVERY_PROBE 3

/**
 * A UDP socket, which sends to any address and receives from any. Non-blocking and close-on-exec.
 *
 * Made by mio_st_udp_socket_bind() and its kin, closed by mio_st_udp_socket_close().
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_udp_socket_t;

/**
 * A datagram of a batch: of those that mio_st_udp_socket_recv_batch() receives, or that
 * mio_st_udp_socket_send_batch() sends.
 *
 * With mio_st_udp_socket_set_gro() it may be a run of datagrams of one sender: each has `segment_size` bytes,
 * but for the last, which may have fewer.
 */
typedef struct {
    /**
     * Memory to receive into, or what is to be sent. It stays the caller's.
     */
    void *buffer;
    /**
     * How many bytes there are to receive into. Not looked at when sending.
     */
    size_t capacity;
    /**
     * How many bytes were received, or are to be sent.
     */
    size_t length;
    /**
     * Of what was received: `MIO_ST_DATAGRAM_...`. When sending, `MIO_ST_DATAGRAM_LOCAL` says that it is sent from
     * `local`, and no other is looked at.
     */
    uint32_t flags;
    /**
     * The length of `address`.
     */
    socklen_t address_length;
    /**
     * Who sent it, or where to send it.
     */
    struct sockaddr_storage address;
    /**
     * Of what was received: the bytes of each datagram of a run but the last; those of the datagram, if it is
     * only one. Not looked at when sending, nor is what follows but `local`.
     */
    uint32_t segment_size;
    /**
     * The index of the interface that it came by, with `MIO_ST_DATAGRAM_INTERFACE`.
     */
    uint32_t interface;
    /**
     * When it arrived, with `MIO_ST_DATAGRAM_TIMESTAMP`: nanoseconds since the beginning of 1970.
     */
    uint64_t timestamp;
    /**
     * How many datagrams the socket had no room for, since it was made. Always 0 if it was not asked for.
     */
    uint32_t dropped;
    /**
     * Two bits of `MIO_ST_ECN_...` below six of DSCP, with `MIO_ST_DATAGRAM_TRAFFIC_CLASS`.
     */
    uint8_t traffic_class;
    /**
     * How many hops were left to it, with `MIO_ST_DATAGRAM_HOP_LIMIT`.
     */
    uint8_t hop_limit;
    /**
     * 0.
     */
    uint16_t reserved;
    /**
     * The length of `local`.
     */
    socklen_t local_length;
    /**
     * The address of this side that can answer, with `MIO_ST_DATAGRAM_LOCAL`; its port is 0. It is the one that
     * was asked, if that was one host's.
     */
    struct sockaddr_storage local;
} mio_st_datagram_t;

/**
 * What mio_st_udp_socket_send_transmits() sends: a datagram or a run of them, with what goes along. Zeros are
 * good for all that is not wanted.
 */
typedef struct {
    /**
     * What is to be sent. It stays the caller's.
     */
    const void *buffer;
    /**
     * How many bytes.
     */
    size_t length;
    /**
     * How many of them were sent already; the function counts on.
     */
    size_t sent;
    /**
     * Makes it a run: it is sent as datagrams of so many bytes, the last of which may have fewer. 0, and what is
     * not less than `length`: one datagram.
     */
    size_t segment_size;
    /**
     * `MIO_ST_DATAGRAM_LOCAL`, `_INTERFACE`, `_TRAFFIC_CLASS` and `_HOP_LIMIT` say that the member of that name
     * counts. The function sets `MIO_ST_DATAGRAM_SENT` when all was sent, and does nothing with what has it.
     */
    uint32_t flags;
    /**
     * The index of the interface to send it by.
     */
    uint32_t interface;
    /**
     * Two bits of `MIO_ST_ECN_...` below six of DSCP.
     */
    uint8_t traffic_class;
    /**
     * How many hops it may make.
     */
    uint8_t hop_limit;
    /**
     * 0.
     */
    uint16_t reserved;
    /**
     * The length of `address`; 0 for the peer of a connected socket.
     */
    socklen_t address_length;
    /**
     * Where to send it.
     */
    struct sockaddr_storage address;
    /**
     * The length of `local`.
     */
    socklen_t local_length;
    /**
     * The address of this side to send it from; the port does not count.
     */
    struct sockaddr_storage local;
} mio_st_transmit_t;

/**
 * A UDP socket that sends to one peer, and receives from no other. Non-blocking and close-on-exec.
 *
 * Made by mio_st_connected_udp_socket_connect() and by mio_st_udp_socket_connect(), closed by
 * mio_st_connected_udp_socket_close().
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_connected_udp_socket_t;

/**
 * Sends many datagrams at once, each to its own address.
 *
 * `datagrams` are `count` of them: of each, `length` bytes of `buffer` are sent to `address` and
 * `address_length`, from `local` if `MIO_ST_DATAGRAM_LOCAL` is among its flags; so that what
 * mio_st_udp_socket_recv_batch() filled can be sent back as it is. A call takes at most 64, and stops at the
 * first that cannot be sent: send the rest with another call, which will say why.
 *
 * Returns how many were sent, from the first; for the first, the errors of mio_st_udp_socket_send_to(), and
 * with a local address those of mio_st_udp_socket_send_transmits(); `-EINVAL` if `datagrams` is NULL; the
 * errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_send_batch(mio_st_udp_socket_t socket,
                                 const mio_st_datagram_t *datagrams,
                                 size_t count);

/**
 * Receives many datagrams at once, each into its own buffer.
 *
 * `datagrams` are `count` of them: of each, `buffer` and `capacity` are filled in by the caller, and all else by
 * the call. No two buffers may overlap. A call fills at most 64, and does not wait for more than are there. What
 * goes along is asked for with mio_st_udp_socket_set_recv_local() and the like.
 *
 * Returns how many were received, into the first; `-EAGAIN` if there is none; `-EINVAL` if `datagrams` or one
 * of its buffers is NULL, or buffers overlap; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_recv_batch(mio_st_udp_socket_t socket,
                                 mio_st_datagram_t *datagrams,
                                 size_t count);

/**
 * Sends datagrams and runs of equal ones, with what goes along.
 *
 * `transmits` are `count` of them. A run is cut into datagrams by the system (`UDP_SEGMENT`), at a tenth of the
 * price of as many datagrams; where it cannot be, because of the system, the interface or the path, they are
 * sent as a batch, and from then on at once so.
 *
 * It stops at the first that cannot be sent. Of that, if it is a run, a part may have been sent, which `sent`
 * tells: send the rest with another call with the same array, which will say why. Nothing is lost, and nothing
 * is sent twice.
 *
 * Returns how many are sent, from the first: 0 if only a part of that was. For the first, if nothing of it was
 * sent: the errors of mio_st_udp_socket_send_to(); `-EAFNOSUPPORT` if the source is not of the family of the
 * target; `-EINVAL` or `-ENETUNREACH` if it is not an address of this host; `-EOPNOTSUPP` for what the system
 * cannot send along; `-EINVAL` for an unknown flag and if `sent` is more than `length`. `-EINVAL` if `transmits`
 * is NULL; the errors of a handle.
 *
 * Runs are cut by Linux, 4.18 or later. An interface without a source can be given to IPv4 on Linux and Darwin,
 * a hop limit to IPv4 on Linux, a traffic class to IPv4 on these and FreeBSD, a source to IPv4 on all but
 * DragonFly BSD.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_send_transmits(mio_st_udp_socket_t socket,
                                     mio_st_transmit_t *transmits,
                                     size_t count);

/**
 * How many datagrams of a run the system takes in one call: 64 where it can cut runs, otherwise 1. It becomes 1
 * when an interface or a path has refused that.
 *
 * Returns the number; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_max_segments(mio_st_udp_socket_t socket);

/**
 * Sets `UDP_GRO`: whether several datagrams of one sender may be received as a run, see mio_st_datagram_t.
 *
 * Receive by mio_st_udp_socket_recv_batch() then: the other functions do not tell where one datagram ends. A run has
 * up to 65,507 bytes; what does not fit the memory is lost, and told of by `MIO_ST_DATAGRAM_TRUNCATED`.
 * Memory for runs begins best at a page: see the guide.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; `-EOPNOTSUPP` elsewhere than on Linux; `-ENOPROTOOPT` before Linux 5.0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_gro(mio_st_udp_socket_t socket,
                              int on);

/**
 * Whether each datagram tells the address and the interface that it came to: `local` and `interface` of
 * mio_st_datagram_t. A socket that is bound to no address needs it to answer from the one that was asked.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; the errors of a handle.
 *
 * On the BSDs IPv4 tells no interface.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_recv_local(mio_st_udp_socket_t socket,
                                     int on);

/**
 * Whether each datagram tells its traffic class, with the congestion that routers told of: `traffic_class` of
 * mio_st_datagram_t.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; `-EOPNOTSUPP` for IPv4 on NetBSD, OpenBSD and DragonFly BSD; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_recv_traffic_class(mio_st_udp_socket_t socket,
                                             int on);

/**
 * Whether each datagram tells how many hops were left to it: `hop_limit` of mio_st_datagram_t.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; `-EOPNOTSUPP` for IPv4 on NetBSD and OpenBSD; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_recv_hop_limit(mio_st_udp_socket_t socket, int on);

/**
 * Whether each datagram tells when it arrived: `timestamp` of mio_st_datagram_t.
 *
 * Linux takes a moment to begin noting times, from the first socket on that asks for them: what arrives before
 * has the time of its receipt.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; the errors of a handle.
 *
 * In nanoseconds on Linux, elsewhere in microseconds.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_recv_timestamp(mio_st_udp_socket_t socket,
                                         int on);

/**
 * Whether each datagram tells how many were lost because the socket had no room: `dropped` of
 * mio_st_datagram_t.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; `-EOPNOTSUPP` elsewhere than on Linux; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_recv_dropped(mio_st_udp_socket_t socket, int on);

/**
 * Sets `IP_RECVERR`: whether errors wait in a queue, with their origins, for
 * mio_st_udp_socket_recv_error().
 *
 * Then a socket without a peer, too, is told that nobody listened to what it sent. Sending and receiving fail
 * once for each such error; `MIO_ST_ERROR` goes when the queue is empty.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; `-EOPNOTSUPP` elsewhere than on Linux; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_recv_errors(mio_st_udp_socket_t socket,
                                      int on);

/**
 * Sets what is done with datagrams that are larger than the path takes (`IP_MTU_DISCOVER`).
 *
 * `mode` is one of `MIO_ST_MTU_DISCOVERY_...`.
 *
 * Returns 0; `-EINVAL` for another mode; `-EOPNOTSUPP` for IPv4 on NetBSD, OpenBSD and DragonFly BSD; the errors of
 * a handle.
 *
 * Linux has the four modes; elsewhere `DO` and `PROBE` set `IP_DONTFRAG`, and the others clear it.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_mtu_discovery(mio_st_udp_socket_t socket,
                                        uint32_t mode);

/**
 * Takes the next entry from the error queue.
 *
 * `buffer` has room for `length` bytes: the beginning of the datagram that it is about. `entry` receives it.
 *
 * Returns 0; `-EAGAIN` if the queue is empty; `-EOPNOTSUPP` elsewhere than on Linux; `-EINVAL` if `entry` is NULL,
 * or `buffer` is and `length` is not 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_recv_error(mio_st_udp_socket_t socket,
                                 void *buffer,
                                 size_t length,
                                 mio_st_queued_error_t *entry);

/**
 * Sends many datagrams at once to the peer.
 *
 * As mio_st_udp_socket_send_batch(), without looking at the addresses.
 *
 * Returns as that; for the first, the errors of mio_st_connected_udp_socket_send().
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_send_batch(mio_st_connected_udp_socket_t socket,
                                           const mio_st_datagram_t *datagrams,
                                           size_t count);

/**
 * Receives many datagrams of the peer at once.
 *
 * As mio_st_udp_socket_recv_batch().
 *
 * Returns as that; also the errors of mio_st_connected_udp_socket_recv().
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_recv_batch(mio_st_connected_udp_socket_t socket,
                                           mio_st_datagram_t *datagrams,
                                           size_t count);

/**
 * Sends datagrams and runs of equal ones to the peer, with what goes along.
 *
 * As mio_st_udp_socket_send_transmits(), with an `address_length` of 0.
 *
 * Returns as that; also the errors of mio_st_connected_udp_socket_send().
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_send_transmits(mio_st_connected_udp_socket_t socket,
                                               mio_st_transmit_t *transmits,
                                               size_t count);

/**
 * How many datagrams of a run the system takes in one call: 64 where it can cut runs, otherwise 1. It becomes 1
 * when an interface or a path has refused that.
 *
 * Returns the number; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_max_segments(mio_st_connected_udp_socket_t socket);

/**
 * Sets `UDP_GRO`: whether several datagrams of one sender may be received as a run, see mio_st_datagram_t.
 *
 * Receive by mio_st_connected_udp_socket_recv_batch() then: the other functions do not tell where one datagram ends. A run has
 * up to 65,507 bytes; what does not fit the memory is lost, and told of by `MIO_ST_DATAGRAM_TRUNCATED`.
 * Memory for runs begins best at a page: see the guide.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; `-EOPNOTSUPP` elsewhere than on Linux; `-ENOPROTOOPT` before Linux 5.0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_gro(mio_st_connected_udp_socket_t socket,
                                        int on);

/**
 * Whether each datagram tells the address and the interface that it came to: `local` and `interface` of
 * mio_st_datagram_t. A socket that is bound to no address needs it to answer from the one that was asked.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; the errors of a handle.
 *
 * On the BSDs IPv4 tells no interface.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_recv_local(mio_st_connected_udp_socket_t socket,
                                               int on);

/**
 * Whether each datagram tells its traffic class, with the congestion that routers told of: `traffic_class` of
 * mio_st_datagram_t.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; `-EOPNOTSUPP` for IPv4 on NetBSD, OpenBSD and DragonFly BSD; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_recv_traffic_class(mio_st_connected_udp_socket_t socket,
                                                       int on);

/**
 * Whether each datagram tells how many hops were left to it: `hop_limit` of mio_st_datagram_t.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; `-EOPNOTSUPP` for IPv4 on NetBSD and OpenBSD; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_recv_hop_limit(mio_st_connected_udp_socket_t socket, int on);

/**
 * Whether each datagram tells when it arrived: `timestamp` of mio_st_datagram_t.
 *
 * Linux takes a moment to begin noting times, from the first socket on that asks for them: what arrives before
 * has the time of its receipt.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; the errors of a handle.
 *
 * In nanoseconds on Linux, elsewhere in microseconds.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_recv_timestamp(mio_st_connected_udp_socket_t socket,
                                                   int on);

/**
 * Whether each datagram tells how many were lost because the socket had no room: `dropped` of
 * mio_st_datagram_t.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; `-EOPNOTSUPP` elsewhere than on Linux; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_recv_dropped(mio_st_connected_udp_socket_t socket, int on);

/**
 * Sets `IP_RECVERR`: whether errors wait in a queue, with their origins, for
 * mio_st_connected_udp_socket_recv_error().
 *
 * Then a socket without a peer, too, is told that nobody listened to what it sent. Sending and receiving fail
 * once for each such error; `MIO_ST_ERROR` goes when the queue is empty.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; `-EOPNOTSUPP` elsewhere than on Linux; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_recv_errors(mio_st_connected_udp_socket_t socket,
                                                int on);

/**
 * Sets what is done with datagrams that are larger than the path takes (`IP_MTU_DISCOVER`).
 *
 * `mode` is one of `MIO_ST_MTU_DISCOVERY_...`.
 *
 * Returns 0; `-EINVAL` for another mode; `-EOPNOTSUPP` for IPv4 on NetBSD, OpenBSD and DragonFly BSD; the errors of
 * a handle.
 *
 * Linux has the four modes; elsewhere `DO` and `PROBE` set `IP_DONTFRAG`, and the others clear it.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_mtu_discovery(mio_st_connected_udp_socket_t socket,
                                                  uint32_t mode);

/**
 * The MTU of the path to the peer, as far as it is known (`IP_MTU`).
 *
 * Returns it; `-EOPNOTSUPP` elsewhere than on Linux; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_connected_udp_socket_mtu(mio_st_connected_udp_socket_t socket);

/**
 * Takes the next entry from the error queue.
 *
 * `buffer` has room for `length` bytes: the beginning of the datagram that it is about. `entry` receives it.
 *
 * Returns 0; `-EAGAIN` if the queue is empty; `-EOPNOTSUPP` elsewhere than on Linux; `-EINVAL` if `entry` is NULL,
 * or `buffer` is and `length` is not 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_recv_error(mio_st_connected_udp_socket_t socket,
                                           void *buffer,
                                           size_t length,
                                           mio_st_queued_error_t *entry);

/**
 * Detaches a UDP socket from this thread, with its registrations, as mio_st_poller_detach() does a poller.
 *
 * Returns as mio_st_poller_detach().
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_detach(mio_st_udp_socket_t socket,
                             mio_st_detached_t *detached);

/**
 * Attaches a UDP socket that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
 * forked since, it is one of its own.
 *
 * Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
 *
 * The handle belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_attach(mio_st_udp_socket_t *socket,
                             mio_st_detached_t detached);

/**
 * Detaches a connected UDP socket from this thread, with its registrations, as mio_st_poller_detach() does a poller.
 *
 * Returns as mio_st_poller_detach().
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_detach(mio_st_connected_udp_socket_t socket,
                                       mio_st_detached_t *detached);

/**
 * Attaches a connected UDP socket that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
 * forked since, it is one of its own.
 *
 * Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
 *
 * The handle belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_attach(mio_st_connected_udp_socket_t *socket,
                                       mio_st_detached_t detached);

/**
 * Registers a UDP socket, as mio_st_poller_register_fd() does a descriptor.
 *
 * Returns as mio_st_poller_register_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_register_udp_socket(mio_st_poller_t poller,
                                      mio_st_udp_socket_t socket,
                                      uint64_t id,
                                      uint32_t interests,
                                      uint32_t option);

/**
 * Replaces the registration of a UDP socket, as mio_st_poller_reregister_fd() does.
 *
 * Returns as mio_st_poller_reregister_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_reregister_udp_socket(mio_st_poller_t poller,
                                        mio_st_udp_socket_t socket,
                                        uint64_t id,
                                        uint32_t interests,
                                        uint32_t option);

/**
 * Ends the registration of a UDP socket. Closing the handle does the same by itself.
 *
 * Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
 *
 * Thread: that of both handles.
 */
int mio_st_poller_deregister_udp_socket(mio_st_poller_t poller, mio_st_udp_socket_t socket);

/**
 * Registers a connected UDP socket, as mio_st_poller_register_fd() does a descriptor.
 *
 * Returns as mio_st_poller_register_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_register_connected_udp_socket(mio_st_poller_t poller,
                                                mio_st_connected_udp_socket_t socket,
                                                uint64_t id,
                                                uint32_t interests,
                                                uint32_t option);

/**
 * Replaces the registration of a connected UDP socket, as mio_st_poller_reregister_fd() does.
 *
 * Returns as mio_st_poller_reregister_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_reregister_connected_udp_socket(mio_st_poller_t poller,
                                                  mio_st_connected_udp_socket_t socket,
                                                  uint64_t id,
                                                  uint32_t interests,
                                                  uint32_t option);

/**
 * Ends the registration of a connected UDP socket. Closing the handle does the same by itself.
 *
 * Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
 *
 * Thread: that of both handles.
 */
int mio_st_poller_deregister_connected_udp_socket(mio_st_poller_t poller,
                                                  mio_st_connected_udp_socket_t socket);

/**
 * Makes a UDP socket that is bound to an address.
 *
 * `socket` receives it; close it with mio_st_udp_socket_close(). `address` and `length` are an address of
 * the family `AF_INET` or `AF_INET6`.
 *
 * Returns 0; `-EADDRINUSE`, `-EADDRNOTAVAIL`, `-EACCES` (a port below 1024); `-EAFNOSUPPORT` for another
 * family; `-EINVAL` if the length does not fit the family, or a pointer is NULL; `-EMFILE` or `-ENFILE` if
 * there are too many descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The socket belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_bind(mio_st_udp_socket_t *socket,
                           const struct sockaddr *address,
                           socklen_t length);

/**
 * As mio_st_udp_socket_bind(), with the address as text, see mio_st_addr_parse().
 *
 * Returns 0; `-EADDRINUSE`, `-EADDRNOTAVAIL`, `-EACCES` (a port below 1024); `-EAFNOSUPPORT` for another
 * family; `-EINVAL` if the text is not an address and a port, or a pointer is NULL; `-EMFILE` or `-ENFILE`
 * if there are too many descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The socket belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_bind_str(mio_st_udp_socket_t *socket,
                               const char *address);

/**
 * As mio_st_udp_socket_bind(), with options.
 *
 * `options` are read before the call returns. `backlog`, `local`, `MIO_ST_SOCKET_NODELAY` and
 * `MIO_ST_SOCKET_KEEPALIVE` have no meaning for UDP.
 *
 * Returns as mio_st_udp_socket_bind() and mio_st_tcp_listener_bind_with().
 *
 * The socket belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_bind_with(mio_st_udp_socket_t *socket,
                                const struct sockaddr *address,
                                socklen_t length,
                                const mio_st_socket_options_t *options);

/**
 * Makes a socket of a descriptor, and makes that non-blocking and close-on-exec.
 *
 * `socket` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
 *
 * Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
 * is not a datagram socket of the family `AF_INET` or `AF_INET6`; `-EISCONN` if it is connected: see
 * mio_st_connected_udp_socket_from_fd(); `-EINVAL` if `socket` is NULL; `-ENOMEM`; `-EAGAIN` as
 * mio_st_poller_new().
 *
 * The socket belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_from_fd(mio_st_udp_socket_t *socket,
                              int fd);

/**
 * Makes another socket of the same socket.
 *
 * `clone` receives it; close it with mio_st_udp_socket_close(), too. Each is registered by itself.
 *
 * Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
 * errors of a handle.
 *
 * Thread: that of the socket, to which the new one belongs, too.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_try_clone(mio_st_udp_socket_t *clone,
                                mio_st_udp_socket_t socket);

/**
 * Closes a socket. That ends its registrations, in every poller.
 *
 * Returns 0, also for `{0}`; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_close(mio_st_udp_socket_t socket);

/**
 * Connects: from now on the socket sends to one peer, and receives from no other. What others sent before is
 * still there to be received.
 *
 * `address` and `length` are the peer's, of the family of the socket. `connected` receives the socket, and
 * the old handle names nothing any more; registrations go on. If the call fails the old handle stays good.
 *
 * Returns 0; `-EAFNOSUPPORT` for another family; `-ENETUNREACH`; `-EINVAL` if the length does not fit the
 * family, or a pointer is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_connect(mio_st_udp_socket_t socket,
                              const struct sockaddr *address,
                              socklen_t length,
                              mio_st_connected_udp_socket_t *connected);

/**
 * Sends a datagram to an address. It is sent whole or not at all.
 *
 * `buffer` are `length` bytes. `target` and `target_length` are an address of the family of the socket; a
 * length that is too big is fine, up to that of a `struct sockaddr_storage`.
 *
 * Returns `length`; `-EAGAIN` if there is no room yet; `-EMSGSIZE` if the datagram is too big;
 * `-EAFNOSUPPORT` for another family; `-EACCES` for a broadcast address without
 * mio_st_udp_socket_set_broadcast(); `-ENETUNREACH`; `-EINVAL` if the length does not fit the family,
 * `target` is NULL, or `buffer` is NULL and `length` is not 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_udp_socket_send_to(mio_st_udp_socket_t socket,
                                  const void *buffer,
                                  size_t length,
                                  const struct sockaddr *target,
                                  socklen_t target_length);

/**
 * Receives a datagram, of which what does not fit into `buffer` is lost.
 *
 * `sender` receives the address of its sender, and `sender_length` the length of that; each may be NULL.
 *
 * Returns the length of what was received, which may be 0; `-EAGAIN` if there is no datagram; `-EINVAL` if
 * `buffer` is NULL and `length` is not 0; the errors of a handle.
 *
 * mio_st_udp_socket_recv_batch() tells whether something was lost, of one datagram too.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_udp_socket_recv_from(mio_st_udp_socket_t socket,
                                    void *buffer,
                                    size_t length,
                                    struct sockaddr_storage *sender,
                                    socklen_t *sender_length);

/**
 * Receives without taking: the next call receives the same datagram.
 *
 * `sender` and `sender_length` are as for mio_st_udp_socket_recv_from().
 *
 * Returns as mio_st_udp_socket_recv_from().
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_udp_socket_peek_from(mio_st_udp_socket_t socket,
                                    void *buffer,
                                    size_t length,
                                    struct sockaddr_storage *sender,
                                    socklen_t *sender_length);

/**
 * Sets `SO_BROADCAST`: whether sending to a broadcast address is allowed.
 *
 * `broadcast` is 0 for no, anything else for yes.
 *
 * Returns 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_broadcast(mio_st_udp_socket_t socket, int broadcast);

/**
 * Gets `SO_BROADCAST`.
 *
 * Returns 1 or 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_udp_socket_broadcast(mio_st_udp_socket_t socket);

/**
 * Sets the number of hops that a packet may make: `IP_TTL`, and of an IPv6 socket `IPV6_UNICAST_HOPS`. On Linux it
 * holds for the traffic of an IPv6 socket with IPv4 addresses too.
 *
 * Returns 0; `-EINVAL` if `ttl` is not within 1 and 255; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_ttl(mio_st_udp_socket_t socket,
                              uint32_t ttl);

/**
 * Gets the number of hops that a packet may make.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_udp_socket_ttl(mio_st_udp_socket_t socket);

/**
 * Joins an IPv4 multicast group at the interface with the address `interface`, or at one that the system
 * chooses if that is `0.0.0.0`. Both are in network byte order.
 *
 * Returns 0; `-EADDRINUSE` if it is a member already; `-EINVAL` if the group is not a multicast address, or
 * a pointer is NULL; `-ENODEV` if there is no such interface; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_join_multicast_v4(mio_st_udp_socket_t socket,
                                        const struct in_addr *group,
                                        const struct in_addr *interface);

/**
 * Joins an IPv6 multicast group at the interface with the index `interface` (`if_nametoindex(3)`), or at one
 * that the system chooses if that is 0.
 *
 * Returns 0; `-EADDRINUSE` if it is a member already; `-EINVAL` if the group is not a multicast address, or
 * `group` is NULL; `-ENODEV` if there is no such interface; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_join_multicast_v6(mio_st_udp_socket_t socket,
                                        const struct in6_addr *group,
                                        uint32_t interface);

/**
 * Leaves an IPv4 multicast group at the interface with the address `interface`, or at one that the system
 * chooses if that is `0.0.0.0`. Both are in network byte order.
 *
 * Returns 0; `-EADDRNOTAVAIL` if it is not a member; `-EINVAL` if a pointer is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_leave_multicast_v4(mio_st_udp_socket_t socket,
                                         const struct in_addr *group,
                                         const struct in_addr *interface);

/**
 * Leaves an IPv6 multicast group at the interface with the index `interface` (`if_nametoindex(3)`), or at
 * one that the system chooses if that is 0.
 *
 * Returns 0; `-EADDRNOTAVAIL` if it is not a member; `-EINVAL` if `group` is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_leave_multicast_v6(mio_st_udp_socket_t socket,
                                         const struct in6_addr *group,
                                         uint32_t interface);

/**
 * Sets `IP_MULTICAST_TTL`, the number of hops that an IPv4 multicast packet may make; 1 by default.
 *
 * Returns 0; `-EINVAL` if `hops` is more than 255; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_multicast_ttl_v4(mio_st_udp_socket_t socket, uint32_t hops);

/**
 * Gets `IP_MULTICAST_TTL`.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_udp_socket_multicast_ttl_v4(mio_st_udp_socket_t socket);

/**
 * Sets `IPV6_MULTICAST_HOPS`, the number of hops that an IPv6 multicast packet may make; 1 by default.
 *
 * Returns 0; `-EINVAL` if `hops` is more than 255; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_multicast_hops_v6(mio_st_udp_socket_t socket,
                                            uint32_t hops);

/**
 * Gets `IPV6_MULTICAST_HOPS`.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_udp_socket_multicast_hops_v6(mio_st_udp_socket_t socket);

/**
 * Sets `IP_MULTICAST_LOOP`: whether this host receives the IPv4 multicast packets that the socket sends; it
 * does by default.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_multicast_loop_v4(mio_st_udp_socket_t socket,
                                            int on);

/**
 * Gets `IP_MULTICAST_LOOP`.
 *
 * Returns 1 or 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_udp_socket_multicast_loop_v4(mio_st_udp_socket_t socket);

/**
 * Sets `IPV6_MULTICAST_LOOP`: whether this host receives the IPv6 multicast packets that the socket sends;
 * it does by default.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_multicast_loop_v6(mio_st_udp_socket_t socket,
                                            int on);

/**
 * Gets `IPV6_MULTICAST_LOOP`.
 *
 * Returns 1 or 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_udp_socket_multicast_loop_v6(mio_st_udp_socket_t socket);

/**
 * Sets `IP_MULTICAST_IF`: the interface, named by its address in network byte order, that IPv4 multicast
 * packets leave by; `0.0.0.0`, the default, leaves it to the system.
 *
 * Returns 0; `-EADDRNOTAVAIL` if no interface has this address; `-EINVAL` if `interface` is NULL; the errors
 * of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_set_multicast_if_v4(mio_st_udp_socket_t socket,
                                          const struct in_addr *interface);

/**
 * Gets `IP_MULTICAST_IF`: `interface` receives it.
 *
 * Returns 0; `-EINVAL` if `interface` is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_multicast_if_v4(mio_st_udp_socket_t socket,
                                      struct in_addr *interface);

/**
 * Sets `IPV6_MULTICAST_IF`, the index of the interface that IPv6 multicast packets leave by; 0, the default,
 * leaves it to the system.
 *
 * Returns 0; `-EINVAL` if `interface` is beyond 2^31 - 1; `-ENODEV` if there is no such interface; the
 * errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_udp_socket_set_multicast_if_v6(mio_st_udp_socket_t socket,
                                          uint32_t interface);

/**
 * Gets `IPV6_MULTICAST_IF`.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_udp_socket_multicast_if_v6(mio_st_udp_socket_t socket);

/**
 * Takes the error that waits at the socket (`SO_ERROR`).
 *
 * `error` receives it as a negated errno, or 0 if there is none.
 *
 * Returns 0; `-EINVAL` if `error` is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_udp_socket_take_error(mio_st_udp_socket_t socket, int *error);

/**
 * The address that the socket is bound to, written to `address`.
 *
 * Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_local_addr(mio_st_udp_socket_t socket,
                                 struct sockaddr_storage *address);

/**
 * The descriptor of the socket, which stays the socket's: for `setsockopt(2)` and the like.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_udp_socket_fd(mio_st_udp_socket_t socket);

/**
 * Takes the descriptor out of the socket, whose handle is closed by that. The caller closes the descriptor,
 * or hands it to another thread for mio_st_udp_socket_from_fd().
 *
 * Returns the descriptor; `-EBUSY` if the socket is registered with a poller: deregister it first; the
 * errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_udp_socket_into_fd(mio_st_udp_socket_t socket);

/**
 * Makes a UDP socket that is bound to one address, and connects it to another: it sends to this peer, and
 * receives from no other.
 *
 * `socket` receives it; close it with mio_st_connected_udp_socket_close(). `local` and `local_length` are
 * the address of this side, with port 0 to let the system choose one, `address` and `length` that of the
 * peer; both are of the family `AF_INET`, or `AF_INET6`.
 *
 * Returns as mio_st_udp_socket_bind() and mio_st_udp_socket_connect().
 *
 * The socket belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_connect(mio_st_connected_udp_socket_t *socket,
                                        const struct sockaddr *local,
                                        socklen_t local_length,
                                        const struct sockaddr *address,
                                        socklen_t length);

/**
 * Makes a socket of a descriptor, and makes that non-blocking and close-on-exec.
 *
 * `socket` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
 *
 * Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
 * is not a datagram socket of the family `AF_INET` or `AF_INET6`; `-ENOTCONN` if it is not connected;
 * `-EINVAL` if `socket` is NULL; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The socket belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_from_fd(mio_st_connected_udp_socket_t *socket,
                                        int fd);

/**
 * Makes another socket of the same socket.
 *
 * `clone` receives it; close it with mio_st_connected_udp_socket_close(), too. Each is registered by itself.
 *
 * Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
 * errors of a handle.
 *
 * Thread: that of the socket, to which the new one belongs, too.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_try_clone(mio_st_connected_udp_socket_t *clone,
                                          mio_st_connected_udp_socket_t socket);

/**
 * Closes a socket. That ends its registrations, in every poller.
 *
 * Returns 0, also for `{0}`; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_close(mio_st_connected_udp_socket_t socket);

/**
 * Ends the association with the peer: the socket sends to any address again, and receives from any. It keeps
 * the port.
 *
 * `disconnected` receives the socket, and the old handle names nothing any more; registrations go on. If the
 * call fails the old handle stays, but what the socket still has of its peer and its port is undefined:
 * close it.
 *
 * Returns 0; `-EADDRINUSE`, on Linux: there a port that the system chose is given back for a moment, and
 * another program took it; `-EINVAL` if `disconnected` is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_disconnect(mio_st_connected_udp_socket_t socket,
                                           mio_st_udp_socket_t *disconnected);

/**
 * Sends a datagram to the peer. It is sent whole or not at all.
 *
 * `buffer` are `length` bytes.
 *
 * Returns `length`; `-EAGAIN` if there is no room yet; `-EMSGSIZE` if the datagram is too big;
 * `-ECONNREFUSED` for an earlier one that nobody listened to, after which the socket goes on working;
 * `-EINVAL` if `buffer` is NULL and `length` is not 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_connected_udp_socket_send(mio_st_connected_udp_socket_t socket,
                                         const void *buffer,
                                         size_t length);

/**
 * Receives a datagram, of which what does not fit into `buffer` is lost;
 * mio_st_connected_udp_socket_recv_batch() tells whether something was.
 *
 * Returns the length of what was received, which may be 0; `-EAGAIN` if there is no datagram;
 * `-ECONNREFUSED` when nobody listened to what was sent; `-EINVAL` if `buffer` is NULL and `length` is not
 * 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_connected_udp_socket_recv(mio_st_connected_udp_socket_t socket,
                                         void *buffer,
                                         size_t length);

/**
 * Receives without taking: the next call receives the same datagram.
 *
 * Returns as mio_st_connected_udp_socket_recv().
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_connected_udp_socket_peek(mio_st_connected_udp_socket_t socket,
                                         void *buffer,
                                         size_t length);

/**
 * Sets `SO_BROADCAST`: whether sending to a broadcast address is allowed.
 *
 * `broadcast` is 0 for no, anything else for yes.
 *
 * Returns 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_broadcast(mio_st_connected_udp_socket_t socket, int broadcast);

/**
 * Gets `SO_BROADCAST`.
 *
 * Returns 1 or 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_connected_udp_socket_broadcast(mio_st_connected_udp_socket_t socket);

/**
 * Sets the number of hops that a packet may make: `IP_TTL`, and of an IPv6 socket `IPV6_UNICAST_HOPS`. On Linux it
 * holds for the traffic of an IPv6 socket with IPv4 addresses too.
 *
 * Returns 0; `-EINVAL` if `ttl` is not within 1 and 255; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_ttl(mio_st_connected_udp_socket_t socket,
                                        uint32_t ttl);

/**
 * Gets the number of hops that a packet may make.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_connected_udp_socket_ttl(mio_st_connected_udp_socket_t socket);

/**
 * Joins an IPv4 multicast group at the interface with the address `interface`, or at one that the system
 * chooses if that is `0.0.0.0`. Both are in network byte order.
 *
 * Returns 0; `-EADDRINUSE` if it is a member already; `-EINVAL` if the group is not a multicast address, or
 * a pointer is NULL; `-ENODEV` if there is no such interface; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_join_multicast_v4(mio_st_connected_udp_socket_t socket,
                                                  const struct in_addr *group,
                                                  const struct in_addr *interface);

/**
 * Joins an IPv6 multicast group at the interface with the index `interface` (`if_nametoindex(3)`), or at one
 * that the system chooses if that is 0.
 *
 * Returns 0; `-EADDRINUSE` if it is a member already; `-EINVAL` if the group is not a multicast address, or
 * `group` is NULL; `-ENODEV` if there is no such interface; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_join_multicast_v6(mio_st_connected_udp_socket_t socket,
                                                  const struct in6_addr *group,
                                                  uint32_t interface);

/**
 * Leaves an IPv4 multicast group at the interface with the address `interface`, or at one that the system
 * chooses if that is `0.0.0.0`. Both are in network byte order.
 *
 * Returns 0; `-EADDRNOTAVAIL` if it is not a member; `-EINVAL` if a pointer is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_leave_multicast_v4(mio_st_connected_udp_socket_t socket,
                                                   const struct in_addr *group,
                                                   const struct in_addr *interface);

/**
 * Leaves an IPv6 multicast group at the interface with the index `interface` (`if_nametoindex(3)`), or at
 * one that the system chooses if that is 0.
 *
 * Returns 0; `-EADDRNOTAVAIL` if it is not a member; `-EINVAL` if `group` is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_leave_multicast_v6(mio_st_connected_udp_socket_t socket,
                                                   const struct in6_addr *group,
                                                   uint32_t interface);

/**
 * Sets `IP_MULTICAST_TTL`, the number of hops that an IPv4 multicast packet may make; 1 by default.
 *
 * Returns 0; `-EINVAL` if `hops` is more than 255; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_multicast_ttl_v4(mio_st_connected_udp_socket_t socket,
                                                     uint32_t hops);

/**
 * Gets `IP_MULTICAST_TTL`.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_multicast_ttl_v4(mio_st_connected_udp_socket_t socket);

/**
 * Sets `IPV6_MULTICAST_HOPS`, the number of hops that an IPv6 multicast packet may make; 1 by default.
 *
 * Returns 0; `-EINVAL` if `hops` is more than 255; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_multicast_hops_v6(mio_st_connected_udp_socket_t socket,
                                                      uint32_t hops);

/**
 * Gets `IPV6_MULTICAST_HOPS`.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_multicast_hops_v6(mio_st_connected_udp_socket_t socket);

/**
 * Sets `IP_MULTICAST_LOOP`: whether this host receives the IPv4 multicast packets that the socket sends; it
 * does by default.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_multicast_loop_v4(mio_st_connected_udp_socket_t socket,
                                                      int on);

/**
 * Gets `IP_MULTICAST_LOOP`.
 *
 * Returns 1 or 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_multicast_loop_v4(mio_st_connected_udp_socket_t socket);

/**
 * Sets `IPV6_MULTICAST_LOOP`: whether this host receives the IPv6 multicast packets that the socket sends;
 * it does by default.
 *
 * `on` is 0 for no, anything else for yes.
 *
 * Returns 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_multicast_loop_v6(mio_st_connected_udp_socket_t socket,
                                                      int on);

/**
 * Gets `IPV6_MULTICAST_LOOP`.
 *
 * Returns 1 or 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_multicast_loop_v6(mio_st_connected_udp_socket_t socket);

/**
 * Sets `IP_MULTICAST_IF`: the interface, named by its address in network byte order, that IPv4 multicast
 * packets leave by; `0.0.0.0`, the default, leaves it to the system.
 *
 * Returns 0; `-EADDRNOTAVAIL` if no interface has this address; `-EINVAL` if `interface` is NULL; the errors
 * of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_set_multicast_if_v4(mio_st_connected_udp_socket_t socket,
                                                    const struct in_addr *interface);

/**
 * Gets `IP_MULTICAST_IF`: `interface` receives it.
 *
 * Returns 0; `-EINVAL` if `interface` is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_multicast_if_v4(mio_st_connected_udp_socket_t socket,
                                                struct in_addr *interface);

/**
 * Sets `IPV6_MULTICAST_IF`, the index of the interface that IPv6 multicast packets leave by; 0, the default,
 * leaves it to the system.
 *
 * Returns 0; `-EINVAL` if `interface` is beyond 2^31 - 1; `-ENODEV` if there is no such interface; the
 * errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_connected_udp_socket_set_multicast_if_v6(mio_st_connected_udp_socket_t socket,
                                                    uint32_t interface);

/**
 * Gets `IPV6_MULTICAST_IF`.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_multicast_if_v6(mio_st_connected_udp_socket_t socket);

/**
 * Takes the error that waits at the socket (`SO_ERROR`).
 *
 * `error` receives it as a negated errno, or 0 if there is none.
 *
 * Returns 0; `-EINVAL` if `error` is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_take_error(mio_st_connected_udp_socket_t socket,
                                           int *error);

/**
 * The address of this side, written to `address`.
 *
 * Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_local_addr(mio_st_connected_udp_socket_t socket,
                                           struct sockaddr_storage *address);

/**
 * The address of the peer, written to `address`.
 *
 * Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_peer_addr(mio_st_connected_udp_socket_t socket,
                                          struct sockaddr_storage *address);

/**
 * The descriptor of the socket, which stays the socket's: for `setsockopt(2)` and the like.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_connected_udp_socket_fd(mio_st_connected_udp_socket_t socket);

/**
 * Takes the descriptor out of the socket, whose handle is closed by that. The caller closes the descriptor,
 * or hands it to another thread for mio_st_connected_udp_socket_from_fd().
 *
 * Returns the descriptor; `-EBUSY` if the socket is registered with a poller: deregister it first; the
 * errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_connected_udp_socket_into_fd(mio_st_connected_udp_socket_t socket);

/* Unix streams ------------------------------------------------------------------------------------ */

/**
 * A flag of mio_st_unix_message_t: the datagram was longer than the buffer, and its end is lost.
 */
#define MIO_ST_MESSAGE_TRUNCATED (1u << 0)

/**
 * A flag of mio_st_unix_message_t: more came along than there was room for, or than the process may have open. The
 * descriptors that are missing are closed.
 */
#define MIO_ST_MESSAGE_CONTROL_TRUNCATED (1u << 1)

/**
 * A flag of mio_st_unix_message_t: `cred` is known.
 */
#define MIO_ST_MESSAGE_CRED (1u << 2)

/**
 * A connection between processes of one machine. Non-blocking and close-on-exec. When the peer closes, the event
 * has `MIO_ST_HUP`.
 *
 * Made by mio_st_unix_stream_connect() and its kin, and by mio_st_unix_listener_accept(), closed by
 * mio_st_unix_stream_close().
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_unix_stream_t;

/**
 * The credentials of a process, see mio_st_unix_stream_peer_cred().
 */
typedef struct {
    /**
     * The effective user.
     */
    uint32_t uid;
    /**
     * The effective group.
     */
    uint32_t gid;
    /**
     * The process; 0 on BSD and macOS, and where it is in a namespace that is not visible from here.
     */
    int32_t pid;
} mio_st_ucred_t;

/**
 * What came along with a message, see mio_st_unix_stream_recv_message().
 */
typedef struct {
    /**
     * How many descriptors were received.
     */
    size_t fds;
    /**
     * `MIO_ST_MESSAGE_...`.
     */
    uint32_t flags;
    /**
     * Who sent it, with `MIO_ST_MESSAGE_CRED`.
     */
    mio_st_ucred_t cred;
} mio_st_unix_message_t;

/**
 * Detaches a Unix stream from this thread, with its registrations, as mio_st_poller_detach() does a poller.
 *
 * Returns as mio_st_poller_detach().
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE
int mio_st_unix_stream_detach(mio_st_unix_stream_t stream,
                              mio_st_detached_t *detached);

/**
 * Attaches a Unix stream that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
 * forked since, it is one of its own.
 *
 * Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
 *
 * The handle belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_stream_attach(mio_st_unix_stream_t *stream,
                              mio_st_detached_t detached);

/**
 * Registers a Unix stream, as mio_st_poller_register_fd() does a descriptor.
 *
 * Returns as mio_st_poller_register_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_register_unix_stream(mio_st_poller_t poller,
                                       mio_st_unix_stream_t stream,
                                       uint64_t id,
                                       uint32_t interests,
                                       uint32_t option);

/**
 * Replaces the registration of a Unix stream, as mio_st_poller_reregister_fd() does.
 *
 * Returns as mio_st_poller_reregister_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_reregister_unix_stream(mio_st_poller_t poller,
                                         mio_st_unix_stream_t stream,
                                         uint64_t id,
                                         uint32_t interests,
                                         uint32_t option);

/**
 * Ends the registration of a Unix stream. Closing the handle does the same by itself.
 *
 * Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
 *
 * Thread: that of both handles.
 */
int mio_st_poller_deregister_unix_stream(mio_st_poller_t poller, mio_st_unix_stream_t stream);

/**
 * Sends bytes over a stream, and passes descriptors and the credentials of this process along (`SCM_RIGHTS` and
 * `SCM_CREDENTIALS`, see `unix(7)`).
 *
 * The descriptors `fds` are duplicated for the receiver, and stay the caller's. They go with the first of the bytes:
 * who sent fewer than wanted sends the rest without them. `cred` may be NULL: a receiver that asks for credentials is
 * told those of this process all the same, and only a privileged one may send others than its own.
 *
 * Returns the number of bytes that were sent; `-EAGAIN` if there is no room; `-EPIPE` if the peer is gone, and never
 * SIGPIPE; `-EINVAL` for more than 253 descriptors, for some, or for `cred`, without a byte to go with, or if a
 * pointer is NULL and its length is not 0; `-EBADF` for a descriptor that is not open; `-EPERM` for the credentials
 * of others; `-EOPNOTSUPP` for `cred` on BSD and macOS; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_stream_send_message(mio_st_unix_stream_t stream,
                                        const void *buffer,
                                        size_t length,
                                        const int *fds,
                                        size_t count,
                                        const mio_st_ucred_t *cred);

/**
 * Receives bytes from a stream, with the descriptors and credentials that were passed along.
 *
 * `fds` has room for `count` descriptors, and receives new ones of this process, close-on-exec, which the caller closes
 * or makes handles of. No descriptor is lost silently: where there is no room for one it is closed, and `message` says
 * so. A call ends with the bytes that descriptors came with; bytes that were sent before, without any, may be in front of
 * them. A plain read of bytes that came with descriptors closes these. `message` receives what came along.
 *
 * Returns the number of bytes, 0 at the end of the stream; `-EAGAIN` if there is nothing; `-EINVAL` if `message` is
 * NULL, or another pointer is and its length is not 0; the errors of `recvmsg(2)`; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_stream_recv_message(mio_st_unix_stream_t stream,
                                        void *buffer,
                                        size_t length,
                                        int *fds,
                                        size_t count,
                                        mio_st_unix_message_t *message);

/**
 * Sets whether messages come with the credentials of their senders (`SO_PASSCRED`), which is off at first. Set it
 * before the first message: of those that were sent before, the process is not known.
 *
 * `on` is 0 or not.
 *
 * Returns 0; `-EOPNOTSUPP` on BSD and macOS; the errors of a handle.
 *
 * Thread: that of the stream.
 */
int mio_st_unix_stream_set_recv_cred(mio_st_unix_stream_t stream,
                                     int on);

/**
 * Connects to the socket at a path. Unlike TCP it is done when this returns.
 *
 * `stream` receives the connection; close it with mio_st_unix_stream_close(). `path` ends with a NUL.
 *
 * Returns 0; `-ENOENT` if nothing is at the path; `-ECONNREFUSED` if nobody listens there; `-EAGAIN` if the
 * queue of the listener is full, and no event tells when it is not; `-EACCES`; `-EPROTOTYPE` if the socket
 * there is not a stream; `-ENAMETOOLONG` if the path is longer than an address has room for (107 bytes on
 * Linux, 103 elsewhere); `-EINVAL` if the path is empty, or a pointer is NULL; `-EMFILE` or `-ENFILE` if
 * there are too many descriptors; `-ENOMEM`; `-EAGAIN` also as mio_st_poller_new().
 *
 * The stream belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_stream_connect(mio_st_unix_stream_t *stream,
                               const char *path);

/**
 * As mio_st_unix_stream_connect(), with an address.
 *
 * `stream` receives the connection. `address` and `length` are an address of the family `AF_UNIX`: a path,
 * with or without its NUL, or on Linux an abstract name, which begins with a NUL and has all bytes up to
 * `length`.
 *
 * Returns 0; `-ENOENT` if nothing is at the path; `-ECONNREFUSED` if nobody listens there; `-EAGAIN` if the
 * queue of the listener is full, and no event tells when it is not; `-EACCES`; `-EPROTOTYPE` if the socket
 * there is not a stream; `-EAFNOSUPPORT` if the family is not `AF_UNIX`; `-ENAMETOOLONG` if the path has no
 * NUL and fills the address; `-EINVAL` if the length does not fit a `struct sockaddr_un`, or a pointer is
 * NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOMEM`; `-EAGAIN` also as
 * mio_st_poller_new().
 *
 * The stream belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_stream_connect_addr(mio_st_unix_stream_t *stream,
                                    const struct sockaddr *address,
                                    socklen_t length);

/**
 * Makes two streams that are connected to each other.
 *
 * `a` and `b` receive them; close each with mio_st_unix_stream_close().
 *
 * Returns 0; `-EINVAL` if a pointer is NULL, or both are the same; `-EMFILE` or `-ENFILE` if there are too many
 * descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * Both belong to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_stream_pair(mio_st_unix_stream_t *a,
                            mio_st_unix_stream_t *b);

/**
 * Makes a stream of a descriptor, and makes that non-blocking and close-on-exec.
 *
 * `stream` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
 *
 * Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
 * is not a stream socket of the family `AF_UNIX`, or if it listens; `-EINVAL` if `stream` is NULL;
 * `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The stream belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_stream_from_fd(mio_st_unix_stream_t *stream,
                               int fd);

/**
 * Makes another stream of the same socket.
 *
 * `clone` receives it; close it with mio_st_unix_stream_close(), too. Each is registered by itself.
 *
 * Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
 * errors of a handle.
 *
 * Thread: that of the stream, to which the new one belongs, too.
 */
MIO_ST_MUST_USE
int mio_st_unix_stream_try_clone(mio_st_unix_stream_t *clone,
                                 mio_st_unix_stream_t stream);

/**
 * Closes a stream. That ends its registrations, in every poller.
 *
 * Returns 0, also for `{0}`; the errors of a handle.
 *
 * Thread: that of the stream.
 */
int mio_st_unix_stream_close(mio_st_unix_stream_t stream);

/**
 * Whether the connection stands; of a stream that mio_st_unix_stream_connect() made it does.
 *
 * Returns 1 if it does; 0 while it is being made; why connecting failed; `-ENOTCONN` of a socket that was taken by
 * mio_st_unix_stream_from_fd() and never was connected; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int mio_st_unix_stream_connected(mio_st_unix_stream_t stream);

/**
 * Reads at most `length` bytes into `buffer`.
 *
 * Returns how many were read, 0 at the end of the stream (and if `length` is 0); `-EAGAIN` if there is
 * nothing to read yet; errors of the connection, such as `-ECONNRESET`; `-EINVAL` if `buffer` is NULL and
 * `length` is not 0; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_stream_read(mio_st_unix_stream_t stream,
                                void *buffer,
                                size_t length);

/**
 * Reads into several buffers in turn, as `readv(2)`; those beyond the 1024th are left for the next call.
 *
 * `buffers` are `count` buffers.
 *
 * Returns as mio_st_unix_stream_read(); `-EINVAL` if `buffers`, or a buffer with a length, is NULL.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_stream_readv(mio_st_unix_stream_t stream,
                                 const struct iovec *buffers,
                                 size_t count);

/**
 * Reads without taking: the next read returns the same bytes.
 *
 * Returns as mio_st_unix_stream_read().
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_stream_peek(mio_st_unix_stream_t stream,
                                void *buffer,
                                size_t length);

/**
 * Writes at most `length` bytes from `buffer`. Never raises `SIGPIPE`.
 *
 * Returns how many were written, which may be fewer; `-EAGAIN` if there is no room yet; errors of the
 * connection, such as `-EPIPE`; `-EINVAL` if `buffer` is NULL and `length` is not 0; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_stream_write(mio_st_unix_stream_t stream,
                                 const void *buffer,
                                 size_t length);

/**
 * Writes several buffers in turn, as `writev(2)`, but never raises `SIGPIPE`; those beyond the 1024th are
 * left for the next call.
 *
 * `buffers` are `count` buffers.
 *
 * Returns as mio_st_unix_stream_write(); `-EINVAL` if `buffers`, or a buffer with a length, is NULL.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_stream_writev(mio_st_unix_stream_t stream,
                                  const struct iovec *buffers,
                                  size_t count);

/**
 * Shuts down reading, writing or both.
 *
 * `how` is `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`.
 *
 * Returns 0; `-ENOTCONN` if the connection does not stand; `-EINVAL` for another `how`; the errors of a
 * handle.
 *
 * Thread: that of the stream.
 */
int mio_st_unix_stream_shutdown(mio_st_unix_stream_t stream,
                                int how);

/**
 * Who the peer was when it connected, or for a listening peer when it began to listen; of a pair, who made
 * it.
 *
 * `cred` receives it.
 *
 * Returns 0; `-ENOTCONN` if there is no peer; `-EINVAL` if `cred` is NULL; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int mio_st_unix_stream_peer_cred(mio_st_unix_stream_t stream,
                                 mio_st_ucred_t *cred);

/**
 * Takes the error that waits at the socket (`SO_ERROR`).
 *
 * `error` receives it as a negated errno, or 0 if there is none.
 *
 * Returns 0; `-EINVAL` if `error` is NULL; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE int mio_st_unix_stream_take_error(mio_st_unix_stream_t stream, int *error);

/**
 * The address of this side, written to `address`. It has no name, that is, nothing but the family, unless
 * the stream was accepted or bound.
 *
 * Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int mio_st_unix_stream_local_addr(mio_st_unix_stream_t stream,
                                  struct sockaddr_storage *address);

/**
 * The address of the peer, written to `address`: nothing but the family if the peer did not bind its socket.
 *
 * Returns the length of the address; `-ENOTCONN` if there is no peer; `-EINVAL` if `address` is NULL; the
 * errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int mio_st_unix_stream_peer_addr(mio_st_unix_stream_t stream,
                                 struct sockaddr_storage *address);

/**
 * The descriptor of the stream, which stays the stream's: for `setsockopt(2)` and the like.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE int mio_st_unix_stream_fd(mio_st_unix_stream_t stream);

/**
 * Takes the descriptor out of the stream, whose handle is closed by that. The caller closes the descriptor,
 * or hands it to another thread for mio_st_unix_stream_from_fd().
 *
 * Returns the descriptor; `-EBUSY` if the stream is registered with a poller: deregister it first; the
 * errors of a handle.
 *
 * Thread: that of the stream.
 */
MIO_ST_MUST_USE
int mio_st_unix_stream_into_fd(mio_st_unix_stream_t stream);

/* Unix listeners ---------------------------------------------------------------------------------- */

/**
 * A Unix socket that listens for connections. Non-blocking and close-on-exec.
 *
 * Made by mio_st_unix_listener_bind() and its kin, closed by mio_st_unix_listener_close().
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_unix_listener_t;

/**
 * Detaches a Unix listener from this thread, with its registrations, as mio_st_poller_detach() does a poller.
 *
 * Returns as mio_st_poller_detach().
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE
int mio_st_unix_listener_detach(mio_st_unix_listener_t listener,
                                mio_st_detached_t *detached);

/**
 * Attaches a Unix listener that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
 * forked since, it is one of its own.
 *
 * Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
 *
 * The handle belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_listener_attach(mio_st_unix_listener_t *listener,
                                mio_st_detached_t detached);

/**
 * Registers a Unix listener, as mio_st_poller_register_fd() does a descriptor. Its interests are
 * `MIO_ST_READABLE`, that is, connections to accept, and `MIO_ST_PRIORITY`; `MIO_ST_WRITABLE` is `-EINVAL`.
 *
 * Returns as mio_st_poller_register_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_register_unix_listener(mio_st_poller_t poller,
                                         mio_st_unix_listener_t listener,
                                         uint64_t id,
                                         uint32_t interests,
                                         uint32_t option);

/**
 * Replaces the registration of a Unix listener, as mio_st_poller_reregister_fd() does.
 *
 * Returns as mio_st_poller_reregister_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_reregister_unix_listener(mio_st_poller_t poller,
                                           mio_st_unix_listener_t listener,
                                           uint64_t id,
                                           uint32_t interests,
                                           uint32_t option);

/**
 * Ends the registration of a Unix listener. Closing the handle does the same by itself.
 *
 * Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
 *
 * Thread: that of both handles.
 */
int mio_st_poller_deregister_unix_listener(mio_st_poller_t poller, mio_st_unix_listener_t listener);

/**
 * Makes a socket at a path and listens. The file stays when the listener is closed: `unlink(2)` it.
 *
 * `listener` receives it; close it with mio_st_unix_listener_close(). `path` ends with a NUL.
 *
 * Returns 0; `-EADDRINUSE` if something is at the path, be it the socket of a process that is gone;
 * `-ENOENT`, `-EACCES` if its folder does not exist or may not be written to; `-ENAMETOOLONG` if the path is
 * longer than an address has room for (107 bytes on Linux, 103 elsewhere); `-EINVAL` if the path is empty,
 * or a pointer is NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOMEM`; `-EAGAIN` as
 * mio_st_poller_new().
 *
 * The listener belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_listener_bind(mio_st_unix_listener_t *listener,
                              const char *path);

/**
 * As mio_st_unix_listener_bind(), with an address.
 *
 * `listener` receives the socket. `address` and `length` are an address of the family `AF_UNIX`: a path,
 * with or without its NUL, or on Linux an abstract name, which begins with a NUL and has all bytes up to
 * `length`; given nothing but the family, Linux chooses an abstract name.
 *
 * Returns 0; `-EADDRINUSE` if something is at the path, be it the socket of a process that is gone;
 * `-ENOENT`, `-EACCES` if its folder does not exist or may not be written to; `-EAFNOSUPPORT` if the family
 * is not `AF_UNIX`; `-ENAMETOOLONG` if the path has no NUL and fills the address; `-EINVAL` if the length
 * does not fit a `struct sockaddr_un`, or a pointer is NULL; `-EMFILE` or `-ENFILE` if there are too many
 * descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The listener belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_listener_bind_addr(mio_st_unix_listener_t *listener,
                                   const struct sockaddr *address,
                                   socklen_t length);

/**
 * As mio_st_unix_listener_bind_addr(), with options.
 *
 * `options` are read before the call returns. `backlog` and the sizes of buffers have a meaning here. (On Linux
 * connections do not inherit the latter.)
 *
 * Returns as mio_st_unix_listener_bind_addr(); `-EINVAL` for a `size` that is not that of the struct, for any
 * flag, for a member that has no meaning here, and for what does not fit an `int`; the errors of `setsockopt(2)`.
 *
 * The listener belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_listener_bind_with(mio_st_unix_listener_t *listener,
                                   const struct sockaddr *address,
                                   socklen_t length,
                                   const mio_st_socket_options_t *options);

/**
 * Makes a listener of a descriptor, and makes that non-blocking and close-on-exec.
 *
 * `listener` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
 *
 * Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
 * is not a listening stream socket of the family `AF_UNIX`; `-EINVAL` if `listener` is NULL; `-ENOMEM`;
 * `-EAGAIN` as mio_st_poller_new().
 *
 * The listener belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_listener_from_fd(mio_st_unix_listener_t *listener,
                                 int fd);

/**
 * Makes another listener of the same socket.
 *
 * `clone` receives it; close it with mio_st_unix_listener_close(), too. Each is registered by itself.
 *
 * Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
 * errors of a handle.
 *
 * Thread: that of the listener, to which the new one belongs, too.
 */
MIO_ST_MUST_USE
int mio_st_unix_listener_try_clone(mio_st_unix_listener_t *clone,
                                   mio_st_unix_listener_t listener);

/**
 * Closes a listener. That ends its registrations, in every poller.
 *
 * Returns 0, also for `{0}`; the errors of a handle.
 *
 * Thread: that of the listener.
 */
int mio_st_unix_listener_close(mio_st_unix_listener_t listener);

/**
 * Takes a connection that waits.
 *
 * `stream` receives it; close it with mio_st_unix_stream_close(). `peer` receives the address of the peer,
 * which for most is nothing but the family; it may be NULL.
 *
 * Returns the length of that address; `-EAGAIN` if no connection waits; `-EMFILE` or `-ENFILE` if one does and
 * there are too many descriptors: it goes on waiting, and a listener with `MIO_ST_EDGE` gets no event for it
 * (accept again when a descriptor was closed); `-EINVAL` if `stream` is NULL; `-ENOMEM`; the errors of a handle.
 *
 * Thread: that of the listener, to which the stream belongs, too.
 */
MIO_ST_MUST_USE
int mio_st_unix_listener_accept(mio_st_unix_listener_t listener,
                                mio_st_unix_stream_t *stream,
                                struct sockaddr_storage *peer);

/**
 * Takes the error that waits at the socket (`SO_ERROR`).
 *
 * `error` receives it as a negated errno, or 0 if there is none.
 *
 * Returns 0; `-EINVAL` if `error` is NULL; the errors of a handle.
 *
 * Thread: that of the listener.
 */
MIO_ST_MUST_USE int mio_st_unix_listener_take_error(mio_st_unix_listener_t listener, int *error);

/**
 * The address that the socket is bound to, written to `address`.
 *
 * Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
 *
 * Thread: that of the listener.
 */
MIO_ST_MUST_USE
int mio_st_unix_listener_local_addr(mio_st_unix_listener_t listener,
                                    struct sockaddr_storage *address);

/**
 * The descriptor of the listener, which stays the listener's: for `setsockopt(2)` and the like.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the listener.
 */
MIO_ST_MUST_USE int mio_st_unix_listener_fd(mio_st_unix_listener_t listener);

/**
 * Takes the descriptor out of the listener, whose handle is closed by that. The caller closes the
 * descriptor, or hands it to another thread for mio_st_unix_listener_from_fd().
 *
 * Returns the descriptor; `-EBUSY` if the listener is registered with a poller: deregister it first; the
 * errors of a handle.
 *
 * Thread: that of the listener.
 */
MIO_ST_MUST_USE
int mio_st_unix_listener_into_fd(mio_st_unix_listener_t listener);

/* Unix datagram sockets --------------------------------------------------------------------------- */

/**
 * A Unix socket for datagrams, of which none is lost. Non-blocking and close-on-exec.
 *
 * Made by mio_st_unix_datagram_bind() and its kin, closed by mio_st_unix_datagram_close().
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_unix_datagram_t;

/**
 * Detaches a Unix datagram socket from this thread, with its registrations, as mio_st_poller_detach() does a poller.
 *
 * Returns as mio_st_poller_detach().
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_detach(mio_st_unix_datagram_t socket,
                                mio_st_detached_t *detached);

/**
 * Attaches a Unix datagram socket that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
 * forked since, it is one of its own.
 *
 * Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
 *
 * The handle belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_attach(mio_st_unix_datagram_t *socket,
                                mio_st_detached_t detached);

/**
 * Registers a Unix datagram socket, as mio_st_poller_register_fd() does a descriptor.
 *
 * Returns as mio_st_poller_register_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_register_unix_datagram(mio_st_poller_t poller,
                                         mio_st_unix_datagram_t socket,
                                         uint64_t id,
                                         uint32_t interests,
                                         uint32_t option);

/**
 * Replaces the registration of a Unix datagram socket, as mio_st_poller_reregister_fd() does.
 *
 * Returns as mio_st_poller_reregister_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_reregister_unix_datagram(mio_st_poller_t poller,
                                           mio_st_unix_datagram_t socket,
                                           uint64_t id,
                                           uint32_t interests,
                                           uint32_t option);

/**
 * Ends the registration of a Unix datagram socket. Closing the handle does the same by itself.
 *
 * Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
 *
 * Thread: that of both handles.
 */
int mio_st_poller_deregister_unix_datagram(mio_st_poller_t poller, mio_st_unix_datagram_t socket);

/**
 * Makes a datagram socket at a path. The file stays when the socket is closed: `unlink(2)` it.
 *
 * `socket` receives it; close it with mio_st_unix_datagram_close(). `path` ends with a NUL.
 *
 * Returns 0; `-EADDRINUSE` if something is at the path, be it the socket of a process that is gone;
 * `-ENOENT`, `-EACCES` if its folder does not exist or may not be written to; `-ENAMETOOLONG` if the path is
 * longer than an address has room for (107 bytes on Linux, 103 elsewhere); `-EINVAL` if the path is empty,
 * or a pointer is NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOMEM`; `-EAGAIN` as
 * mio_st_poller_new().
 *
 * The socket belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_bind(mio_st_unix_datagram_t *socket,
                              const char *path);

/**
 * As mio_st_unix_datagram_bind(), with an address.
 *
 * `socket` receives it. `address` and `length` are an address of the family `AF_UNIX`: a path, with or
 * without its NUL, or on Linux an abstract name, which begins with a NUL and has all bytes up to `length`;
 * given nothing but the family, Linux chooses an abstract name.
 *
 * Returns 0; `-EADDRINUSE` if something is at the path, be it the socket of a process that is gone;
 * `-ENOENT`, `-EACCES` if its folder does not exist or may not be written to; `-EAFNOSUPPORT` if the family
 * is not `AF_UNIX`; `-ENAMETOOLONG` if the path has no NUL and fills the address; `-EINVAL` if the length
 * does not fit a `struct sockaddr_un`, or a pointer is NULL; `-EMFILE` or `-ENFILE` if there are too many
 * descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The socket belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_bind_addr(mio_st_unix_datagram_t *socket,
                                   const struct sockaddr *address,
                                   socklen_t length);

/**
 * Makes a datagram socket without an address: it can send, but nobody can answer.
 *
 * `socket` receives it; close it with mio_st_unix_datagram_close().
 *
 * Returns 0; `-EINVAL` if `socket` is NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors;
 * `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The socket belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_unbound(mio_st_unix_datagram_t *socket);

/**
 * Makes two sockets that are connected to each other.
 *
 * `a` and `b` receive them; close each with mio_st_unix_datagram_close().
 *
 * Returns 0; `-EINVAL` if a pointer is NULL, or both are the same; `-EMFILE` or `-ENFILE` if there are too many
 * descriptors; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * Both belong to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_pair(mio_st_unix_datagram_t *a,
                              mio_st_unix_datagram_t *b);

/**
 * Makes a socket of a descriptor, and makes that non-blocking and close-on-exec.
 *
 * `socket` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
 *
 * Returns 0; `-EBADF` if the descriptor is not open; `-ENOTSOCK` if it is not a socket; `-EPROTOTYPE` if it
 * is not a datagram socket of the family `AF_UNIX`; `-EINVAL` if `socket` is NULL; `-ENOMEM`; `-EAGAIN` as
 * mio_st_poller_new().
 *
 * The socket belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_from_fd(mio_st_unix_datagram_t *socket,
                                 int fd);

/**
 * Makes another socket of the same socket.
 *
 * `clone` receives it; close it with mio_st_unix_datagram_close(), too. Each is registered by itself.
 *
 * Returns 0; `-EMFILE` if there are too many descriptors; `-EINVAL` if `clone` is NULL; `-ENOMEM`; the
 * errors of a handle.
 *
 * Thread: that of the socket, to which the new one belongs, too.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_try_clone(mio_st_unix_datagram_t *clone,
                                   mio_st_unix_datagram_t socket);

/**
 * Closes a socket. That ends its registrations, in every poller.
 *
 * Returns 0, also for `{0}`; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_unix_datagram_close(mio_st_unix_datagram_t socket);

/**
 * Connects to the socket at a path: mio_st_unix_datagram_send() sends to it, and datagrams of others are not
 * received. It may be called again, for another peer.
 *
 * `path` ends with a NUL.
 *
 * Returns 0; `-ENOENT` if nothing is at the path; `-ECONNREFUSED` if nobody receives there; `-EACCES`;
 * `-EPROTOTYPE` if the socket there is not one of datagrams; `-ENAMETOOLONG` if the path is longer than an
 * address has room for (107 bytes on Linux, 103 elsewhere); `-EINVAL` if the path is empty, or a pointer is
 * NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_connect(mio_st_unix_datagram_t socket,
                                 const char *path);

/**
 * Connects to the socket at an address: mio_st_unix_datagram_send() sends to it, and datagrams of others are
 * not received. It may be called again, for another peer.
 *
 * `address` and `length` are an address of the family `AF_UNIX`: a path, with or without its NUL, or on
 * Linux an abstract name, which begins with a NUL and has all bytes up to `length`.
 *
 * Returns 0; `-ENOENT` if nothing is at the path; `-ECONNREFUSED` if nobody receives there; `-EACCES`;
 * `-EPROTOTYPE` if the socket there is not one of datagrams; `-EAFNOSUPPORT` if the family is not `AF_UNIX`;
 * `-ENAMETOOLONG` if the path has no NUL and fills the address; `-EINVAL` if the length does not fit a
 * `struct sockaddr_un`, or a pointer is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_connect_addr(mio_st_unix_datagram_t socket,
                                      const struct sockaddr *address,
                                      socklen_t length);

/**
 * Sends a datagram to the socket at a path. It is sent whole or not at all. Never raises `SIGPIPE`.
 *
 * `buffer` are `length` bytes. `path` ends with a NUL.
 *
 * Returns `length`; `-EAGAIN` if the queue of the receiver is full, of which no event tells unless the
 * socket is connected to it; `-ENOENT` or `-ECONNREFUSED` if nobody receives there; `-EMSGSIZE` if the
 * datagram is too big; `-EACCES`; `-EISCONN` or `-EPERM` if the socket is connected to another;
 * `-ENAMETOOLONG` if the path is longer than an address has room for (107 bytes on Linux, 103 elsewhere);
 * `-EINVAL` if the path is empty, or a pointer is NULL; `-EINVAL` if `buffer` is NULL and `length` is not 0;
 * the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_datagram_send_to(mio_st_unix_datagram_t socket,
                                     const void *buffer,
                                     size_t length,
                                     const char *path);

/**
 * As mio_st_unix_datagram_send_to(), to an address, such as mio_st_unix_datagram_recv_from() gave.
 *
 * `target` and `target_length` are an address of the family `AF_UNIX`: a path, with or without its NUL, or
 * on Linux an abstract name, which begins with a NUL and has all bytes up to `target_length`.
 *
 * Returns `length`; `-EAGAIN` if the queue of the receiver is full, of which no event tells unless the
 * socket is connected to it; `-ENOENT` or `-ECONNREFUSED` if nobody receives there; `-EMSGSIZE` if the
 * datagram is too big; `-EACCES`; `-EISCONN` or `-EPERM` if the socket is connected to another;
 * `-EAFNOSUPPORT` if the family is not `AF_UNIX`; `-ENAMETOOLONG` if the path has no NUL and fills the
 * address; `-EINVAL` if the length does not fit a `struct sockaddr_un`, or a pointer is NULL; `-EINVAL` if
 * `buffer` is NULL and `length` is not 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_datagram_send_to_addr(mio_st_unix_datagram_t socket,
                                          const void *buffer,
                                          size_t length,
                                          const struct sockaddr *target,
                                          socklen_t target_length);

/**
 * Receives a datagram, of which what does not fit into `buffer` is lost.
 *
 * `sender` receives the address of its sender, and `sender_length` the length of that; each may be NULL. A
 * sender that is not bound has nothing but the family. (Where a path fills the address, Linux counts the NUL
 * behind it: one byte more than a `struct sockaddr_un` has.)
 *
 * Returns the length of what was received, which may be 0; `-EAGAIN` if there is no datagram; `-EINVAL` if
 * `buffer` is NULL and `length` is not 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_datagram_recv_from(mio_st_unix_datagram_t socket,
                                       void *buffer,
                                       size_t length,
                                       struct sockaddr_storage *sender,
                                       socklen_t *sender_length);

/**
 * Sends a datagram to the peer that the socket is connected to. Never raises `SIGPIPE`.
 *
 * `buffer` are `length` bytes.
 *
 * Returns `length`; `-EAGAIN` if the queue of the peer is full; `-ENOTCONN` if there is no peer;
 * `-ECONNREFUSED` once the peer is gone; `-EPIPE` once it was shut down; `-EMSGSIZE` if the datagram is too
 * big; `-EINVAL` if `buffer` is NULL and `length` is not 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_datagram_send(mio_st_unix_datagram_t socket,
                                  const void *buffer,
                                  size_t length);

/**
 * Receives a datagram, of which what does not fit into `buffer` is lost.
 *
 * Returns the length of what was received, which may be 0; `-EAGAIN` if there is no datagram; `-EINVAL` if
 * `buffer` is NULL and `length` is not 0; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_datagram_recv(mio_st_unix_datagram_t socket,
                                  void *buffer,
                                  size_t length);

/**
 * Receives without taking: the next call receives the same datagram.
 *
 * Returns as mio_st_unix_datagram_recv().
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_datagram_peek(mio_st_unix_datagram_t socket,
                                  void *buffer,
                                  size_t length);

/**
 * Shuts down reading, writing or both.
 *
 * `how` is `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`.
 *
 * Returns 0; `-ENOTCONN` if the socket has no peer; `-EINVAL` for another `how`; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_unix_datagram_shutdown(mio_st_unix_datagram_t socket,
                                  int how);

/**
 * Takes the error that waits at the socket (`SO_ERROR`).
 *
 * `error` receives it as a negated errno, or 0 if there is none.
 *
 * Returns 0; `-EINVAL` if `error` is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_unix_datagram_take_error(mio_st_unix_datagram_t socket, int *error);

/**
 * The address that the socket is bound to, written to `address`: nothing but the family if it is not.
 *
 * Returns the length of the address; `-EINVAL` if `address` is NULL; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_local_addr(mio_st_unix_datagram_t socket,
                                    struct sockaddr_storage *address);

/**
 * The address that the socket is connected to, written to `address`.
 *
 * Returns the length of the address; `-ENOTCONN` if there is no peer; `-EINVAL` if `address` is NULL; the
 * errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_peer_addr(mio_st_unix_datagram_t socket,
                                   struct sockaddr_storage *address);

/**
 * The descriptor of the socket, which stays the socket's: for `setsockopt(2)` and the like.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE int mio_st_unix_datagram_fd(mio_st_unix_datagram_t socket);

/**
 * Takes the descriptor out of the socket, whose handle is closed by that. The caller closes the descriptor,
 * or hands it to another thread for mio_st_unix_datagram_from_fd().
 *
 * Returns the descriptor; `-EBUSY` if the socket is registered with a poller: deregister it first; the
 * errors of a handle.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int mio_st_unix_datagram_into_fd(mio_st_unix_datagram_t socket);

/**
 * Sends a datagram to the peer that the socket is connected to, and passes descriptors and credentials along, as
 * mio_st_unix_stream_send_message() does. A datagram may be empty.
 *
 * Returns as mio_st_unix_datagram_send(), and as mio_st_unix_stream_send_message().
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_datagram_send_message(mio_st_unix_datagram_t socket,
                                          const void *buffer,
                                          size_t length,
                                          const int *fds,
                                          size_t count,
                                          const mio_st_ucred_t *cred);

/**
 * Receives a datagram, with the descriptors and credentials that were passed along, as
 * mio_st_unix_stream_recv_message() does.
 *
 * Returns the number of bytes; as mio_st_unix_stream_recv_message() otherwise.
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_datagram_recv_message(mio_st_unix_datagram_t socket,
                                          void *buffer,
                                          size_t length,
                                          int *fds,
                                          size_t count,
                                          mio_st_unix_message_t *message);

/**
 * Sets whether messages come with the credentials of their senders (`SO_PASSCRED`), which is off at first. Set it
 * before the first message: of those that were sent before, the process is not known.
 *
 * `on` is 0 or not.
 *
 * Returns 0; `-EOPNOTSUPP` on BSD and macOS; the errors of a handle.
 *
 * Thread: that of the socket.
 */
int mio_st_unix_datagram_set_recv_cred(mio_st_unix_datagram_t socket,
                                       int on);

/**
 * As mio_st_unix_datagram_send_message(), to the socket at a path, which ends with a NUL.
 *
 * Returns as mio_st_unix_datagram_send_to(), and as mio_st_unix_stream_send_message().
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_datagram_send_message_to(mio_st_unix_datagram_t socket,
                                             const void *buffer,
                                             size_t length,
                                             const int *fds,
                                             size_t count,
                                             const mio_st_ucred_t *cred,
                                             const char *path);

/**
 * As mio_st_unix_datagram_send_message(), to an address, such as mio_st_unix_datagram_recv_message_from() gave.
 *
 * `target` and `target_length` are an address as for mio_st_unix_datagram_send_to_addr().
 *
 * Returns as mio_st_unix_datagram_send_to_addr(), and as mio_st_unix_stream_send_message().
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_datagram_send_message_to_addr(mio_st_unix_datagram_t socket,
                                                  const void *buffer,
                                                  size_t length,
                                                  const int *fds,
                                                  size_t count,
                                                  const mio_st_ucred_t *cred,
                                                  const struct sockaddr *target,
                                                  socklen_t target_length);

/**
 * As mio_st_unix_datagram_recv_message(), with the address of the sender.
 *
 * `sender` receives it, and `sender_length` the length of that, as those of mio_st_unix_datagram_recv_from() do;
 * each may be NULL.
 *
 * Returns as mio_st_unix_datagram_recv_message().
 *
 * Thread: that of the socket.
 */
MIO_ST_MUST_USE
int64_t mio_st_unix_datagram_recv_message_from(mio_st_unix_datagram_t socket,
                                               void *buffer,
                                               size_t length,
                                               int *fds,
                                               size_t count,
                                               mio_st_unix_message_t *message,
                                               struct sockaddr_storage *sender,
                                               socklen_t *sender_length);

/* Pipes ------------------------------------------------------------------------------------------- */

/**
 * The sending end of a pipe or FIFO. Non-blocking and close-on-exec.
 *
 * Made by mio_st_new_pipe(), closed by mio_st_sender_close().
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_sender_t;

/**
 * The receiving end of a pipe or FIFO. Non-blocking and close-on-exec.
 *
 * Made by mio_st_new_pipe(), closed by mio_st_receiver_close().
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_receiver_t;

/**
 * Detaches the sending end of a pipe from this thread, with its registrations, as mio_st_poller_detach() does a poller.
 *
 * Returns as mio_st_poller_detach().
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE
int mio_st_sender_detach(mio_st_sender_t sender,
                         mio_st_detached_t *detached);

/**
 * Attaches the sending end of a pipe that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
 * forked since, it is one of its own.
 *
 * Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
 *
 * The handle belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_sender_attach(mio_st_sender_t *sender,
                         mio_st_detached_t detached);

/**
 * Detaches the receiving end of a pipe from this thread, with its registrations, as mio_st_poller_detach() does a poller.
 *
 * Returns as mio_st_poller_detach().
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE
int mio_st_receiver_detach(mio_st_receiver_t receiver,
                           mio_st_detached_t *detached);

/**
 * Attaches the receiving end of a pipe that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
 * forked since, it is one of its own.
 *
 * Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
 *
 * The handle belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_receiver_attach(mio_st_receiver_t *receiver,
                           mio_st_detached_t detached);

/**
 * Makes a pipe: what is written to `sender` is read from `receiver`.
 *
 * `sender` and `receiver` receive its ends; close them with mio_st_sender_close() and
 * mio_st_receiver_close().
 *
 * Returns 0; `-EINVAL` if a pointer is NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors;
 * `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * Both belong to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_new_pipe(mio_st_sender_t *sender,
                    mio_st_receiver_t *receiver);

/**
 * Makes a sending end of a descriptor, and makes that non-blocking and close-on-exec.
 *
 * `sender` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
 *
 * Returns 0; `-EBADF` if the descriptor is not open; `-EPROTOTYPE` if it is not a pipe or FIFO, or not open
 * for writing; `-EINVAL` if `sender` is NULL; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The sending end belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_sender_from_fd(mio_st_sender_t *sender,
                          int fd);

/**
 * Closes a sending end. That ends its registrations, in every poller. Once
 * every sending end is closed, reading at the other comes to the end of file.
 *
 * Returns 0, also for `{0}`; the errors of a handle.
 *
 * Thread: that of the sending end.
 */
int mio_st_sender_close(mio_st_sender_t sender);

/**
 * Writes at most `length` bytes from `buffer`. Raises `SIGPIPE` if the receiving end is closed, which ends
 * the process unless it ignores, blocks or handles that signal: call `signal(SIGPIPE, SIG_IGN)`.
 *
 * Returns how many were written, which may be fewer; `-EAGAIN` if there is no room yet; `-EPIPE` if the
 * receiving end is closed; `-EINVAL` if `buffer` is NULL and `length` is not 0; the errors of a handle.
 *
 * Thread: that of the sending end.
 */
MIO_ST_MUST_USE
int64_t mio_st_sender_write(mio_st_sender_t sender,
                            const void *buffer,
                            size_t length);

/**
 * Writes several buffers in turn, as `writev(2)`, and raises `SIGPIPE` as mio_st_sender_write(); those
 * beyond the 1024th are left for the next call.
 *
 * `buffers` are `count` buffers.
 *
 * Returns as mio_st_sender_write(); `-EINVAL` if `buffers`, or a buffer with a length, is NULL.
 *
 * Thread: that of the sending end.
 */
MIO_ST_MUST_USE
int64_t mio_st_sender_writev(mio_st_sender_t sender,
                             const struct iovec *buffers,
                             size_t count);

/**
 * The descriptor of the sending end, which stays the sending end's: for `fcntl(2)` and the like.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the sending end.
 */
MIO_ST_MUST_USE int mio_st_sender_fd(mio_st_sender_t sender);

/**
 * Takes the descriptor out of the sending end, whose handle is closed by that. The caller closes the
 * descriptor, or hands it to another thread for mio_st_sender_from_fd().
 *
 * Returns the descriptor; `-EBUSY` if the sending end is registered with a poller: deregister it first; the
 * errors of a handle.
 *
 * Thread: that of the sending end.
 */
MIO_ST_MUST_USE
int mio_st_sender_into_fd(mio_st_sender_t sender);

/**
 * Makes a receiving end of a descriptor, and makes that non-blocking and close-on-exec.
 *
 * `receiver` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
 *
 * Returns 0; `-EBADF` if the descriptor is not open; `-EPROTOTYPE` if it is not a pipe or FIFO, or not open
 * for reading; `-EINVAL` if `receiver` is NULL; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The receiving end belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_receiver_from_fd(mio_st_receiver_t *receiver,
                            int fd);

/**
 * Closes a receiving end. That ends its registrations, in every poller.
 *
 * Returns 0, also for `{0}`; the errors of a handle.
 *
 * Thread: that of the receiving end.
 */
int mio_st_receiver_close(mio_st_receiver_t receiver);

/**
 * Reads at most `length` bytes into `buffer`.
 *
 * Returns how many were read, 0 at the end of file: every sending end is closed (and if `length` is 0);
 * `-EAGAIN` if there is nothing to read yet; `-EINVAL` if `buffer` is NULL and `length` is not 0; the errors
 * of a handle.
 *
 * Thread: that of the receiving end.
 */
MIO_ST_MUST_USE
int64_t mio_st_receiver_read(mio_st_receiver_t receiver,
                             void *buffer,
                             size_t length);

/**
 * Reads into several buffers in turn, as `readv(2)`; those beyond the 1024th are left for the next call.
 *
 * `buffers` are `count` buffers.
 *
 * Returns as mio_st_receiver_read(); `-EINVAL` if `buffers`, or a buffer with a length, is NULL.
 *
 * Thread: that of the receiving end.
 */
MIO_ST_MUST_USE
int64_t mio_st_receiver_readv(mio_st_receiver_t receiver,
                              const struct iovec *buffers,
                              size_t count);

/**
 * The descriptor of the receiving end, which stays the receiving end's: for `fcntl(2)` and the like.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the receiving end.
 */
MIO_ST_MUST_USE
int mio_st_receiver_fd(mio_st_receiver_t receiver);

/**
 * Takes the descriptor out of the receiving end, whose handle is closed by that. The caller closes the
 * descriptor, or hands it to another thread for mio_st_receiver_from_fd().
 *
 * Returns the descriptor; `-EBUSY` if the receiving end is registered with a poller: deregister it first;
 * the errors of a handle.
 *
 * Thread: that of the receiving end.
 */
MIO_ST_MUST_USE
int mio_st_receiver_into_fd(mio_st_receiver_t receiver);

/**
 * Registers the sending end of a pipe, as mio_st_poller_register_fd() does a descriptor. `MIO_ST_READABLE`
 * is `-EINVAL`. When the receiving end is closed, the event has `MIO_ST_ERROR`.
 *
 * Returns as mio_st_poller_register_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_register_sender(mio_st_poller_t poller,
                                  mio_st_sender_t sender,
                                  uint64_t id,
                                  uint32_t interests,
                                  uint32_t option);

/**
 * Replaces the registration of the sending end of a pipe, as mio_st_poller_reregister_fd() does.
 *
 * Returns as mio_st_poller_reregister_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_reregister_sender(mio_st_poller_t poller,
                                    mio_st_sender_t sender,
                                    uint64_t id,
                                    uint32_t interests,
                                    uint32_t option);

/**
 * Ends the registration of the sending end of a pipe. Closing the handle does the same by itself.
 *
 * Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
 *
 * Thread: that of both handles.
 */
int mio_st_poller_deregister_sender(mio_st_poller_t poller, mio_st_sender_t sender);

/**
 * Registers the receiving end of a pipe, as mio_st_poller_register_fd() does a descriptor. `MIO_ST_WRITABLE`
 * is `-EINVAL`. When every sending end is closed, the event has `MIO_ST_HUP`.
 *
 * Returns as mio_st_poller_register_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_register_receiver(mio_st_poller_t poller,
                                    mio_st_receiver_t receiver,
                                    uint64_t id,
                                    uint32_t interests,
                                    uint32_t option);

/**
 * Replaces the registration of the receiving end of a pipe, as mio_st_poller_reregister_fd() does.
 *
 * Returns as mio_st_poller_reregister_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_reregister_receiver(mio_st_poller_t poller,
                                      mio_st_receiver_t receiver,
                                      uint64_t id,
                                      uint32_t interests,
                                      uint32_t option);

/**
 * Ends the registration of the receiving end of a pipe. Closing the handle does the same by itself.
 *
 * Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
 *
 * Thread: that of both handles.
 */
int mio_st_poller_deregister_receiver(mio_st_poller_t poller, mio_st_receiver_t receiver);

/* Signals ----------------------------------------------------------------------------------------- */

/**
 * A flag of mio_st_signal_info_t: `pid` and `uid` are known.
 */
#define MIO_ST_SIGNAL_SENDER (1u << 0)

/**
 * A flag of mio_st_signal_info_t: `status` is known.
 */
#define MIO_ST_SIGNAL_STATUS (1u << 1)

/**
 * A flag of mio_st_signal_info_t: `value` is known.
 */
#define MIO_ST_SIGNAL_VALUE (1u << 2)

/**
 * Signals as events.
 *
 * Made by mio_st_signals_new(), closed by mio_st_signals_close().
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_signals_t;

/**
 * What is known of a signal, see mio_st_signals_receive_info() and `sigaction(2)`. What is not known is 0.
 */
typedef struct {
    /**
     * Its number.
     */
    int number;
    /**
     * Where it comes from (`si_code`): `SI_USER`, `SI_QUEUE`, `SI_KERNEL`, of `SIGCHLD` what became of the child.
     */
    int code;
    /**
     * `MIO_ST_SIGNAL_...`.
     */
    uint32_t flags;
    /**
     * Who sent it, or of `SIGCHLD`, which child it is about.
     */
    int32_t pid;
    /**
     * The real user of that process.
     */
    uint32_t uid;
    /**
     * Of `SIGCHLD`: the status that the child exited with, or the signal that ended, stopped or continued it.
     */
    int32_t status;
    /**
     * What was sent along by `sigqueue(3)`, or belongs to a timer or a message queue: the integer.
     */
    int32_t value;
} mio_st_signal_info_t;

/**
 * Registers signals, as mio_st_poller_register_fd() does a descriptor. `MIO_ST_WRITABLE` is `-EINVAL`.
 *
 * Returns as mio_st_poller_register_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_register_signals(mio_st_poller_t poller,
                                   mio_st_signals_t signals,
                                   uint64_t id,
                                   uint32_t interests,
                                   uint32_t option);

/**
 * Replaces the registration of signals, as mio_st_poller_reregister_fd() does.
 *
 * Returns as mio_st_poller_reregister_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_reregister_signals(mio_st_poller_t poller,
                                     mio_st_signals_t signals,
                                     uint64_t id,
                                     uint32_t interests,
                                     uint32_t option);

/**
 * Ends the registration of signals. Closing the handle does the same by itself.
 *
 * Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
 *
 * Thread: that of both handles.
 */
int mio_st_poller_deregister_signals(mio_st_poller_t poller, mio_st_signals_t signals);

/**
 * Receives signals as events: register the handle, and when it is readable call mio_st_signals_receive() until
 * `-EAGAIN`.
 *
 * `signals` receives the handle; close it with mio_st_signals_close(). `numbers` are `count` numbers of
 * signals, such as `SIGTERM`.
 *
 * A handler writes each down, whatever was done about the signal before. Nothing is blocked, and what was blocked in
 * this thread is not until the handle is closed; so children find nothing blocked, and `exec` takes the handler away. In
 * a forked child a signal does what it would do without the handle, until the child uses that. Any thread may be interrupted (`SA_RESTART`, and
 * `EINTR` where that does not help). Several handles, in whatever threads, receive each signal each. Signals are not
 * counted: one that arrives again before it is received is one. Real-time signals are, and when 64 wait the next are
 * blocked in the thread that is interrupted, until this one has received them.
 *
 * Returns 0; `-EINVAL` for no signals at all, for a number that no signal has, for `SIGKILL` and `SIGSTOP`,
 * which cannot be caught, and for `SIGSEGV`, `SIGBUS`, `SIGFPE` and `SIGILL`; `-EINVAL` if a pointer is
 * NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOMEM`; `-EAGAIN` as
 * mio_st_poller_new().
 *
 * The handle belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_signals_new(mio_st_signals_t *signals,
                       const int *numbers,
                       size_t count);

/**
 * Closes the handle, and restores what was done about its signals before, unless another handle has them, or the
 * program has installed another action. A signal that waits then does what it otherwise would: an unreceived
 * `SIGTERM` ends the process. Close it before the code of a plugin that has this library in it is unloaded.
 *
 * Returns 0, also for `{0}`; the errors of a handle.
 *
 * Thread: that of the handle.
 */
int mio_st_signals_close(mio_st_signals_t signals);

/**
 * Receives a signal.
 *
 * Returns its number; `-EAGAIN` if there is none; the errors of a handle.
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE int mio_st_signals_receive(mio_st_signals_t signals);

/**
 * Receives a signal, with who sent it and what with it. By kqueue nothing is known but its number.
 *
 * `info` receives what is known.
 *
 * Returns its number; `-EAGAIN` if there is none; `-EINVAL` if `info` is NULL; the errors of a handle.
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE
int mio_st_signals_receive_info(mio_st_signals_t signals,
                                mio_st_signal_info_t *info);

/**
 * Receives another signal, too.
 *
 * `number` is as in mio_st_signals_new().
 *
 * Returns 1; 0 if it was received already; `-EINVAL` for a number that cannot be received; the errors of a handle.
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE
int mio_st_signals_add(mio_st_signals_t signals,
                       int number);

/**
 * Receives a signal no more, as mio_st_signals_close() does. One that waits then does what it otherwise would. The last
 * may be removed, too.
 *
 * `number` is that of a signal.
 *
 * Returns 1; 0 if it was not received; the errors of a handle.
 *
 * Thread: that of the handle.
 */
int mio_st_signals_remove(mio_st_signals_t signals,
                          int number);

/**
 * The descriptor of the handle, which stays the handle's: to look at it.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE int mio_st_signals_fd(mio_st_signals_t signals);

/* Processes --------------------------------------------------------------------------------------- */

/**
 * The exit of a process as an event.
 *
 * Made by mio_st_process_from_pid(), closed by mio_st_process_close().
 */
typedef struct {
    /**
     * No meaning: store and compare it. Zero is never a handle.
     */
    uint64_t bits;
} mio_st_process_t;

/**
 * Detaches the handle of a process from this thread, with its registrations, as mio_st_poller_detach() does a poller.
 *
 * Returns as mio_st_poller_detach().
 *
 * Thread: that of the handle.
 */
MIO_ST_MUST_USE
int mio_st_process_detach(mio_st_process_t process,
                          mio_st_detached_t *detached);

/**
 * Attaches the handle of a process that was detached to this thread, as mio_st_poller_attach() does a poller. In a process that was
 * forked since, it is one of its own.
 *
 * Returns as mio_st_poller_attach(), but never `MIO_ST_EFORKED`.
 *
 * The handle belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_process_attach(mio_st_process_t *process,
                          mio_st_detached_t detached);

/**
 * Registers a process, as mio_st_poller_register_fd() does a descriptor. `MIO_ST_WRITABLE` is `-EINVAL`.
 *
 * Returns as mio_st_poller_register_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_register_process(mio_st_poller_t poller,
                                   mio_st_process_t process,
                                   uint64_t id,
                                   uint32_t interests,
                                   uint32_t option);

/**
 * Replaces the registration of a process, as mio_st_poller_reregister_fd() does.
 *
 * Returns as mio_st_poller_reregister_fd().
 *
 * Thread: that of both handles.
 */
MIO_ST_MUST_USE
int mio_st_poller_reregister_process(mio_st_poller_t poller,
                                     mio_st_process_t process,
                                     uint64_t id,
                                     uint32_t interests,
                                     uint32_t option);

/**
 * Ends the registration of a process. Closing the handle does the same by itself.
 *
 * Returns 0; `-ENOENT` if it is not registered here; the errors of a handle.
 *
 * Thread: that of both handles.
 */
int mio_st_poller_deregister_process(mio_st_poller_t poller, mio_st_process_t process);

/**
 * Waits for a process to exit, a child or another: register the handle, which becomes readable then, and
 * stays so. (Since Linux 6.9 there is a second edge, with `MIO_ST_HUP`, when it is reaped.) An exited child stays a
 * zombie until its parent calls `waitpid(2)`; nobody does so here. Call it without `WNOHANG`: on macOS and the BSDs the
 * event may come a moment before the status is there.
 *
 * `process` receives the handle; close it with mio_st_process_close(). `pid` is its number, that of a child
 * which was not reaped; the number of a reaped process may be that of another.
 *
 * Returns 0; `-ESRCH` if there is no such process, as of the number of a thread; `-ENOSYS` before Linux 5.3; `-EINVAL`
 * if `pid` is not positive, or `process` is NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors;
 * `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
 *
 * The handle belongs to the calling thread.
 */
MIO_ST_MUST_USE
int mio_st_process_from_pid(mio_st_process_t *process,
                            int pid);

/**
 * Closes the handle of a process. That ends its registrations, in every poller. Nothing
 * happens to the process.
 *
 * Returns 0, also for `{0}`; the errors of a handle.
 *
 * Thread: that of the process.
 */
int mio_st_process_close(mio_st_process_t process);

/**
 * The descriptor of the process, which stays the handle's: a `pidfd_open(2)` on Linux.
 *
 * Returns it; the errors of a handle.
 *
 * Thread: that of the process.
 */
MIO_ST_MUST_USE int mio_st_process_fd(mio_st_process_t process);

#ifdef __cplusplus
}
#endif

#endif /* MIO_ST_H */
