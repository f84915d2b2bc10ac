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
