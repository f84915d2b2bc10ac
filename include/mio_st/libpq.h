/*
 * A connection to PostgreSQL, by libpq, in a loop of <mio_st/loop.h>.
 *
 * mio_st_libpq_connect() begins to connect. `on_event` is then told what has happened:
 *
 *   MIO_ST_LIBPQ_CONNECTED   send something.
 *   MIO_ST_LIBPQ_RESULT      `result`, which the callback clears; NULL when the command is done and the next one may be
 *                            sent.
 *   MIO_ST_LIBPQ_COPY        after a result of PGRES_COPY_IN or PGRES_COPY_OUT: try PQputCopyData() or PQgetCopyData()
 *                            as long as they go on. When PQputCopyEnd() was sent, or the latter has answered -1, the
 *                            results go on.
 *   MIO_ST_LIBPQ_NOTIFY      PQnotifies() may have some: take them all, each to be freed by PQfreemem().
 *   MIO_ST_LIBPQ_FAILED      not connected, or not any more: PQerrorMessage() says why. mio_st_libpq_reset() tries again.
 *
 * Whatever sends (PQsendQuery(), PQputCopyData() ...) is followed by mio_st_libpq_flush(), in the callback as elsewhere.
 * The callback may close the connection, or reset one that has failed.
 *
 * The struct is the program's, and stays where it is until mio_st_libpq_close(), which frees the PGconn; if that is
 * called in the callback, until it has returned. libpq looks host names up itself and blocks meanwhile: give it hostaddr.
 * Errors are negated errnos: of watching the socket, or -ENOMEM.
 */
#ifndef MIO_ST_LIBPQ_H
#define MIO_ST_LIBPQ_H

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <libpq-fe.h>

#include "loop.h"

typedef enum mio_st_libpq_what {
    MIO_ST_LIBPQ_CONNECTED, MIO_ST_LIBPQ_RESULT, MIO_ST_LIBPQ_COPY, MIO_ST_LIBPQ_NOTIFY, MIO_ST_LIBPQ_FAILED
} mio_st_libpq_what_t;

typedef struct mio_st_libpq {
    PGconn *conn; /* NULL when it is closed */
    mio_st_loop_t *loop;
    mio_st_source_t source;
    void (*on_event)(struct mio_st_libpq *pg, mio_st_libpq_what_t what, PGresult *result);
    PostgresPollingStatusType (*connecting)(PGconn *conn); /* NULL when it is connected */
    int fd;
    uint32_t watched;
    int waits, copies, cancels; /* for results, for data, in a thread */
    pthread_t canceller;
} mio_st_libpq_t;

static inline int mio_st_libpq_watch(mio_st_libpq_t *pg, uint32_t interests)
{
    int fd = PQsocket(pg->conn), result = 0;
    /* While it connects libpq may close the socket and open another, of the same number. */
    if (interests != pg->watched || fd != pg->fd || pg->connecting != NULL)
        result = mio_st_poller_watch_fd(pg->loop->poller, fd, mio_st_source_id(&pg->source), interests, MIO_ST_LEVEL);
    pg->fd = fd;
    pg->watched = interests;
    return result;
}

static inline void mio_st_libpq_unwatch(mio_st_libpq_t *pg)
{
    if (pg->watched != 0 && pg->fd == PQsocket(pg->conn))
        mio_st_poller_deregister_fd(pg->loop->poller, pg->fd);
    pg->watched = 0;
    pg->waits = pg->copies = 0;
    mio_st_source_remove(pg->loop, &pg->source);
}

static inline void mio_st_libpq_fail(mio_st_libpq_t *pg)
{
    mio_st_libpq_unwatch(pg);
    pg->on_event(pg, MIO_ST_LIBPQ_FAILED, NULL);
}

/* Sends what libpq has queued, at once or when there is room. 0, or an error. */
static inline int mio_st_libpq_flush(mio_st_libpq_t *pg)
{
    int queued = PQflush(pg->conn) > 0; /* if it fails, so does reading */
    pg->waits = 1;
    return mio_st_libpq_watch(pg, queued ? MIO_ST_READABLE | MIO_ST_WRITABLE : MIO_ST_READABLE);
}

static inline void mio_st_libpq_connect_on(mio_st_libpq_t *pg, PostgresPollingStatusType next)
{
    if (next == PGRES_POLLING_OK && PQsetnonblocking(pg->conn, 1) == 0
        && mio_st_libpq_watch(pg, MIO_ST_READABLE) == 0) {
        pg->connecting = NULL;
        pg->on_event(pg, MIO_ST_LIBPQ_CONNECTED, NULL);
    } else if ((next != PGRES_POLLING_READING && next != PGRES_POLLING_WRITING)
               || mio_st_libpq_watch(pg, next == PGRES_POLLING_READING ? MIO_ST_READABLE : MIO_ST_WRITABLE) < 0) {
        mio_st_libpq_fail(pg);
    }
}

/* Hands out what is there. */
static inline void mio_st_libpq_hand_out(mio_st_libpq_t *pg)
{
    for (;;) {
        PGresult *result;
        int copies;
        if (pg->copies)
            pg->on_event(pg, MIO_ST_LIBPQ_COPY, NULL);
        if (pg->conn == NULL || !pg->waits || PQisBusy(pg->conn))
            return;
        result = PQgetResult(pg->conn);
        copies = PQresultStatus(result) == PGRES_COPY_IN || PQresultStatus(result) == PGRES_COPY_OUT;
        if (copies && pg->copies) { /* said again: it goes on when there is more, or room */
            PQclear(result);
            return;
        }
        pg->copies = copies;
        pg->waits = result != NULL;
        pg->on_event(pg, MIO_ST_LIBPQ_RESULT, result);
    }
}

static inline void mio_st_libpq_on_event(mio_st_source_t *source, uint32_t readiness)
{
    mio_st_libpq_t *pg = MIO_ST_CONTAINER(source, mio_st_libpq_t, source);
    int queued;
    if (pg->connecting != NULL) {
        mio_st_libpq_connect_on(pg, pg->connecting(pg->conn));
        return;
    }
    queued = PQflush(pg->conn) > 0;
    if (((readiness & ~MIO_ST_WRITABLE) != 0 && !PQconsumeInput(pg->conn))
        || mio_st_libpq_watch(pg, queued ? MIO_ST_READABLE | MIO_ST_WRITABLE : MIO_ST_READABLE) < 0) {
        mio_st_libpq_fail(pg);
        return;
    }
    mio_st_libpq_hand_out(pg);
    if (pg->conn != NULL && pg->connecting == NULL)
        pg->on_event(pg, MIO_ST_LIBPQ_NOTIFY, NULL);
}

/* 0; -ENOMEM; or that it cannot be connected at all, as a MIO_ST_LIBPQ_FAILED within this call. */
static inline int mio_st_libpq_connect(mio_st_libpq_t *pg, mio_st_loop_t *loop, const char *conninfo,
                                       void (*on_event)(mio_st_libpq_t *pg, mio_st_libpq_what_t what, PGresult *result))
{
    memset(pg, 0, sizeof *pg);
    pg->loop = loop;
    pg->source.on_event = mio_st_libpq_on_event;
    pg->on_event = on_event;
    pg->connecting = PQconnectPoll;
    pg->conn = PQconnectStart(conninfo);
    if (pg->conn == NULL)
        return -ENOMEM;
    mio_st_libpq_connect_on(pg, PQstatus(pg->conn) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING);
    return 0;
}

/* Connects again. It may fail within this call, as above. */
static inline void mio_st_libpq_reset(mio_st_libpq_t *pg)
{
    mio_st_libpq_unwatch(pg);
    pg->connecting = PQresetPoll;
    mio_st_libpq_connect_on(pg, PQresetStart(pg->conn) ? PGRES_POLLING_WRITING : PGRES_POLLING_FAILED);
}

static inline void *mio_st_libpq_cancel_in_thread(void *user)
{
    char why[256];
    PQcancel((PGcancel *)user, why, sizeof why); /* one that fails has come too late, or the connection is lost */
    PQfreeCancel((PGcancel *)user);
    return NULL;
}

/* Asks the server to cancel what runs, in a thread, since PQcancel() connects and waits. If it is in time, the result is
 * an error; the server ignores one that comes by its own connection before the command does. 0, or an error. */
static inline int mio_st_libpq_cancel(mio_st_libpq_t *pg)
{
    PGcancel *cancel = PQgetCancel(pg->conn);
    int error;
    if (cancel == NULL)
        return -ENOMEM;
    if (pg->cancels)
        pthread_join(pg->canceller, NULL);
    error = pthread_create(&pg->canceller, NULL, mio_st_libpq_cancel_in_thread, cancel);
    pg->cancels = error == 0;
    if (error != 0)
        PQfreeCancel(cancel);
    return -error;
}

/* Ends the connection, whatever it does. It waits for a cancellation that is on its way. */
static inline void mio_st_libpq_close(mio_st_libpq_t *pg)
{
    if (pg->conn == NULL)
        return;
    mio_st_libpq_unwatch(pg);
    if (pg->cancels)
        pthread_join(pg->canceller, NULL);
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->cancels = 0;
}

#endif
