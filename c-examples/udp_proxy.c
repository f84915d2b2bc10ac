/*
 * A UDP proxy: what clients send goes on to a server, each client by a socket of its own, and the answers go
 * back to the client, from the address that it had asked. To try it, with a server on port 9000:
 *
 *     $ ./udp_proxy 0.0.0.0:7000 127.0.0.1:9000
 *     $ nc -u 127.0.0.1 7000
 *
 * A third argument is after how many milliseconds without a datagram a client is forgotten; 30,000 otherwise.
 *
 * It shows how datagrams are moved at a tenth of the usual price: what arrives in a row from one sender is
 * received as a run, and is sent on as a run (see "Special problems of UDP" in the guide).
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mio_st.h>

#include "testing.h"

enum {
    MAX_CLIENTS = 256, /* those beyond are not heard until one is forgotten */
    BATCH = 16,        /* runs; some kernels take fewer in one call */
    RUN_SIZE = 65536   /* no run has more */
};

struct client {
    mio_st_connected_udp_socket_t upstream; /* no handle: the place is free */
    mio_st_datagram_t from;                 /* its first datagram: who sent it, and which address was asked */
    mio_st_deadline_key_t idle;
    uint64_t until;                         /* when it is forgotten */
};

/* The id of a client is its index, and these are the ones of the socket that clients send to, and of the clock. */
enum { FRONT = MAX_CLIENTS, CLOCK };

static struct client clients[MAX_CLIENTS];
static mio_st_poller_t poller;
static mio_st_udp_socket_t front;
static struct sockaddr_storage server;
static socklen_t server_length;
static uint64_t idle_time;

static mio_st_datagram_t received[BATCH];
static mio_st_transmit_t runs[BATCH];
static char memory[BATCH][RUN_SIZE] __attribute__((aligned(4096)));

static int check_call(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "udp_proxy: %s: %s\n", what, mio_st_strerror(result));
        exit(1);
    }
    return result;
}

#define check(call) check_call(call, #call)

static void forget(struct client *client)
{
    mio_st_poller_cancel_deadline(poller, client->idle);
    mio_st_connected_udp_socket_close(client->upstream);
    client->upstream.bits = 0;
}

/* It is there for another while. Its deadline may have fired, its event being in this batch: then there is a new one. */
static void keep(struct client *client, uint64_t now)
{
    client->until = now + idle_time;
    if (mio_st_poller_move_or_add_deadline(poller, (uint64_t)(client - clients), client->until, &client->idle) < 0)
        forget(client); /* without memory for one it would stay for ever */
}

/* A socket for a new client. What fails, such as for want of descriptors, costs one datagram, as on any network. */
static int open_client(struct client *client, const mio_st_datagram_t *first)
{
    uint64_t id = (uint64_t)(client - clients);
    mio_st_udp_socket_t socket;
    int result = mio_st_udp_socket_bind_str(&socket, server.ss_family == AF_INET ? "0.0.0.0:0" : "[::]:0");

    if (result < 0)
        return result;
    result = mio_st_udp_socket_connect(socket, (const struct sockaddr *)&server, server_length, &client->upstream);
    if (result < 0) {
        mio_st_udp_socket_close(socket);
        return result;
    }
    mio_st_connected_udp_socket_set_gro(client->upstream, 1); /* where there is such a thing */
    result = mio_st_poller_register_connected_udp_socket(poller, client->upstream, id, MIO_ST_READABLE, MIO_ST_LEVEL);
    if (result == 0)
        result = mio_st_poller_add_timeout(poller, id, idle_time, &client->idle);
    if (result < 0) {
        forget(client);
        return result;
    }
    client->from = *first;
    return 0;
}

static struct client *find_client(const mio_st_datagram_t *datagram)
{
    struct client *free_place = NULL;

    for (int i = 0; i < MAX_CLIENTS; i++) {
        struct client *client = &clients[i];

        if (client->upstream.bits == 0)
            free_place = free_place ? free_place : client;
        else if (client->from.address_length == datagram->address_length &&
                 memcmp(&client->from.address, &datagram->address, datagram->address_length) == 0)
            return client;
    }
    return free_place && open_client(free_place, datagram) == 0 ? free_place : NULL;
}

static void prepare_run(mio_st_transmit_t *run, const mio_st_datagram_t *datagram)
{
    memset(run, 0, sizeof *run);
    run->buffer = datagram->buffer;
    run->length = datagram->length;
    run->segment_size = datagram->segment_size;
}

/* One batch an event: level-triggered, so that what is left is told of again, and the others have their turn. */
static void from_clients(uint64_t now)
{
    int n = mio_st_udp_socket_recv_batch(front, received, BATCH);

    for (int i = 0; i < n; i++) {
        struct client *client = find_client(&received[i]);

        if (client == NULL)
            continue;
        keep(client, now);
        prepare_run(&runs[0], &received[i]);
        /* An error, such as of an earlier datagram that nobody listened to, or no room: it is lost. */
        if (mio_st_connected_udp_socket_send_transmits(client->upstream, &runs[0], 1) == -ECONNREFUSED)
            (void)!mio_st_connected_udp_socket_send_transmits(client->upstream, &runs[0], 1);
    }
}

static void from_server(struct client *client, uint64_t now)
{
    int n = mio_st_connected_udp_socket_recv_batch(client->upstream, received, BATCH);

    if (n <= 0)
        return; /* nothing, or word that the server does not listen */
    keep(client, now);
    for (int i = 0; i < n; i++) {
        prepare_run(&runs[i], &received[i]);
        runs[i].address = client->from.address;
        runs[i].address_length = client->from.address_length;
        runs[i].flags = client->from.flags & MIO_ST_DATAGRAM_LOCAL;
        runs[i].local = client->from.local;
        runs[i].local_length = client->from.local_length;
    }
    for (int sent = 0; sent < n;) {
        int done = mio_st_udp_socket_send_transmits(front, runs + sent, (size_t)(n - sent));

        if (done == -EAGAIN)
            break; /* no room: they are lost */
        sent += done > 0 ? done : 1; /* one that cannot be sent is skipped */
    }
}

int main(int count, char **arguments)
{
    struct sockaddr_storage address;
    char text[MIO_ST_ADDR_TEXT_SIZE];
    socklen_t length;

    if (count < 3) {
        fprintf(stderr, "usage: udp_proxy ADDRESS SERVER [MILLISECONDS]\n");
        return 2;
    }
    idle_time = (count > 3 ? strtoull(arguments[3], NULL, 10) : 30000) * 1000000;
    server_length = (socklen_t)check(mio_st_addr_parse(arguments[2], &server));
    for (int i = 0; i < BATCH; i++) {
        received[i].buffer = memory[i];
        received[i].capacity = sizeof memory[i];
    }

    check(mio_st_poller_new(&poller));
    check(look_for_mistakes(poller));
    check(drive_clock(poller, CLOCK));
    check(mio_st_udp_socket_bind_str(&front, arguments[1]));
    check(mio_st_udp_socket_set_recv_local(front, 1));
    mio_st_udp_socket_set_gro(front, 1); /* where there is such a thing */
    check(mio_st_poller_register_udp_socket(poller, front, FRONT, MIO_ST_READABLE, MIO_ST_LEVEL));
    length = (socklen_t)check(mio_st_udp_socket_local_addr(front, &address));
    check(mio_st_addr_format((struct sockaddr *)&address, length, text, sizeof text));
    printf("listening on %s\n", text);
    fflush(stdout);

    for (;;) {
        mio_st_event_t events[64];
        int n = check(mio_st_poller_poll(poller, events, 64, -1));
        uint64_t now;

        print_complaints(poller);
        if (n > 0 && events[0].id == CLOCK) /* registered first, it comes first */
            check(move_time(poller));
        check(mio_st_poller_now(poller, &now));
        for (int i = 0; i < n; i++) {
            struct client *client = &clients[events[i].id % MAX_CLIENTS];

            if (events[i].id == CLOCK)
                continue;
            if (events[i].id == FRONT)
                from_clients(now);
            else if (client->upstream.bits == 0)
                continue; /* an event of one that an earlier event has ended */
            else if (!(events[i].readiness & MIO_ST_TIMER))
                from_server(client, now);
            else if (now >= client->until)
                forget(client); /* and not if it is another's, whose place this is now */
        }
    }
}
