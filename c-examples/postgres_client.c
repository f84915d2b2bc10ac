/*
 * Many connections to PostgreSQL at once, by libpq. To build and to try it:
 *
 *     $ cc postgres_client.c $(pkg-config --cflags --libs mio_st libpq) -pthread -o postgres_client
 *     $ ./postgres_client "host=/var/run/postgresql dbname=postgres"
 *
 * Each of 20 connections has something else to do: to fetch 20,000 rows, to copy 5 MB in and out again, to be told by
 * another one, to be cancelled in the middle, to be ended by the server and connect again, or to wait for its turn. With
 * a second argument, the name of a host that refuses, another connection finds that out. It prints a line for each.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mio_st/libpq.h>

#include "testing.h"

enum { CONNECTIONS = 20, ROWS = 20000, LINE = 100, LINES = 52429 };
enum task { FETCH, COPY, LISTEN, NOTIFY, CANCEL, END, SLEEP, REFUSED };

struct connection {
    mio_st_libpq_t pg; /* the first member */
    enum task task;
    int step;
    long long count;
};

static mio_st_loop_t loop;
static mio_st_timer_t patience;
static struct connection connections[CONNECTIONS + 1];
static int open_connections, listening;

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "postgres_client: %s: %s\n", what, mio_st_strerror(result));
        exit(1);
    }
}

static void finish(struct connection *c, const char *what)
{
    printf("%d %s\n", (int)(c - connections), what);
    fflush(stdout);
    if (c->task == CANCEL)
        mio_st_timer_stop(&loop, &patience);
    mio_st_libpq_close(&c->pg);
    open_connections--;
}

static void query(struct connection *c, const char *command)
{
    if (!PQsendQuery(c->pg.conn, command)) {
        fprintf(stderr, "postgres_client: %s", PQerrorMessage(c->pg.conn));
        exit(1);
    }
    check(mio_st_libpq_flush(&c->pg), "flush");
}

/* Once more if need be: the server ignores a cancellation that comes before the command. */
static void cancel(struct connection *c)
{
    check(mio_st_libpq_cancel(&c->pg), "cancel");
    check(mio_st_timer_start(&loop, &patience, 100 * 1000000ull), "timer");
}

static void on_patience(mio_st_source_t *source, uint32_t readiness)
{
    (void)source, (void)readiness;
    cancel(&connections[CANCEL]);
}

static void begin(struct connection *c)
{
    switch (c->task) {
    case FETCH:
        query(c, "SELECT n, repeat('x', 50) FROM generate_series(1, 20000) AS n");
        break;
    case COPY:
        query(c, "CREATE TEMP TABLE lines (line text); COPY lines FROM STDIN");
        break;
    case LISTEN:
        query(c, "LISTEN news");
        break;
    case NOTIFY:
        if (listening)
            query(c, "NOTIFY news, 'it rains'");
        break; /* on_result() of the one that listens begins it later */
    case CANCEL:
        query(c, "SELECT pg_sleep(1000)");
        cancel(c);
        break;
    case END:
        query(c, c->step == 0 ? "SELECT pg_terminate_backend(pg_backend_pid())" : "SELECT 1");
        break;
    default:
        query(c, "SELECT pg_sleep(0.1)");
    }
}

/* 5 MB, as fast as the server takes them. */
static void copy_in(struct connection *c)
{
    char line[LINE];
    memset(line, 'y', sizeof line);
    line[LINE - 1] = '\n';
    for (; c->count < LINES; c->count++)
        if (PQputCopyData(c->pg.conn, line, LINE) != 1) {
            check(mio_st_libpq_flush(&c->pg), "flush");
            return; /* there is no room */
        }
    if (PQputCopyEnd(c->pg.conn, NULL) == 1)
        c->step = 1;
    check(mio_st_libpq_flush(&c->pg), "flush");
}

static void copy_out(struct connection *c)
{
    char *line;
    int length;
    while ((length = PQgetCopyData(c->pg.conn, &line, 1)) > 0) {
        c->count += length;
        PQfreemem(line);
    }
}

static void on_result(struct connection *c, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    char text[100];
    if (result != NULL) {
        c->count = status == PGRES_TUPLES_OK ? PQntuples(result) : c->count;
        if (status == PGRES_FATAL_ERROR) /* such as of a command that was cancelled */
            printf("%d %s %s\n", (int)(c - connections), PQresultErrorField(result, PG_DIAG_SQLSTATE),
                   PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
        if (status == PGRES_COPY_OUT)
            c->count = 0;
        PQclear(result);
        return;
    }
    switch (c->task) {
    case COPY:
        if (c->step == 1) {
            c->step = 2;
            query(c, "COPY lines TO STDOUT");
            return;
        }
        snprintf(text, sizeof text, "copied %lld bytes", c->count);
        finish(c, text);
        return;
    case LISTEN:
        listening = 1;
        for (int i = 0; i < CONNECTIONS; i++)
            if (connections[i].task == NOTIFY && connections[i].pg.connecting == NULL)
                begin(&connections[i]);
        return;
    case NOTIFY:
        finish(c, "told");
        return;
    case END:
        if (c->step == 0)
            return; /* MIO_ST_LIBPQ_FAILED comes */
        finish(c, "connected again");
        return;
    default:
        snprintf(text, sizeof text, "had %lld rows", c->count);
        finish(c, text);
    }
}

static void on_event(mio_st_libpq_t *pg, mio_st_libpq_what_t what, PGresult *result)
{
    struct connection *c = (struct connection *)pg;
    PGnotify *notify;
    switch (what) {
    case MIO_ST_LIBPQ_CONNECTED:
        begin(c);
        break;
    case MIO_ST_LIBPQ_RESULT:
        on_result(c, result);
        break;
    case MIO_ST_LIBPQ_COPY:
        if (c->step == 0)
            copy_in(c);
        else
            copy_out(c);
        break;
    case MIO_ST_LIBPQ_NOTIFY:
        while ((notify = PQnotifies(pg->conn)) != NULL) {
            printf("%d heard: %s\n", (int)(c - connections), notify->extra);
            PQfreemem(notify);
            finish(c, "heard");
            return;
        }
        break;
    case MIO_ST_LIBPQ_FAILED:
        if (c->task == END && c->step == 0) {
            c->step = 1;
            mio_st_libpq_reset(pg);
        } else {
            finish(c, PQerrorMessage(pg->conn));
        }
    }
}

static void start(struct connection *c, enum task task, const char *conninfo)
{
    c->task = task;
    open_connections++;
    check(mio_st_libpq_connect(&c->pg, &loop, conninfo, on_event), conninfo);
}

int main(int argc, char **argv)
{
    const char *conninfo = argc > 1 ? argv[1] : "host=/var/run/postgresql dbname=postgres";
    check(mio_st_poller_new(&loop.poller), "poller");
    check(look_for_mistakes(loop.poller), "checks");
    patience.source.on_event = on_patience;
    for (int i = 0; i < CONNECTIONS; i++)
        start(&connections[i], i <= SLEEP ? (enum task)i : SLEEP, conninfo);
    if (argc > 2)
        start(&connections[CONNECTIONS], REFUSED, argv[2]);
    while (open_connections > 0) {
        check(mio_st_loop_turn(&loop, -1), "poll");
        print_complaints(loop.poller);
    }
    mio_st_poller_close(loop.poller);
    return mio_st_live_handles() == 0 ? 0 : 2;
}
