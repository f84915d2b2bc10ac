/* Runs of datagrams, what goes along with a datagram, and error queues. */

#include <netinet/in.h>
#include <stdlib.h>

#include "test.h"

#define ANY_ADDRESS(storage) ((struct sockaddr *)&(storage))

#ifdef __linux__
enum { LINUX = 1 };
#else
enum { LINUX = 0 };
#endif

static unsigned char data[100000], in[4][1 << 16];
static mio_st_datagram_t batch[4];

static mio_st_udp_socket_t bound(const char *text, struct sockaddr_storage *address, socklen_t *length)
{
    mio_st_udp_socket_t socket;

    OK(mio_st_udp_socket_bind_str(&socket, text));
    *length = (socklen_t)OK(mio_st_udp_socket_local_addr(socket, address));
    return socket;
}

static void clear_batch(void)
{
    memset(batch, 0, sizeof batch);
    for (int i = 0; i < 4; i++) {
        batch[i].buffer = in[i];
        batch[i].capacity = sizeof in[i];
    }
}

/* Receives all that waits and compares it with the first bytes of `data`, cut into segments. */
static void received(mio_st_udp_socket_t socket, size_t length, size_t segment_size)
{
    size_t at = 0;
    int n;

    clear_batch();
    while ((n = mio_st_udp_socket_recv_batch(socket, batch, 4)) > 0) {
        for (int i = 0; i < n; i++) {
            const unsigned char *segment = in[i], *end = segment + batch[i].length;

            EQUAL(batch[i].flags, 0);
            for (; segment < end; segment += batch[i].segment_size) {
                size_t size = (size_t)(end - segment);
                size_t expected = length - at < segment_size ? length - at : segment_size;

                if (size > batch[i].segment_size)
                    size = batch[i].segment_size;
                EQUAL((int)size, (int)expected);
                EQUAL(memcmp(segment, data + at, size), 0);
                at += size;
            }
        }
    }
    EQUAL(n, -EAGAIN);
    EQUAL((int)at, (int)length);
}

static void a_run_arrives_as_its_datagrams(int gro)
{
    struct sockaddr_storage address, other;
    socklen_t length, other_length;
    mio_st_udp_socket_t receiver = bound("127.0.0.1:0", &address, &length);
    mio_st_udp_socket_t sender = bound("127.0.0.1:0", &other, &other_length);
    mio_st_connected_udp_socket_t connected;
    mio_st_transmit_t runs[3];

    EQUAL(mio_st_udp_socket_max_segments(sender), LINUX ? 64 : 1);
    EQUAL(mio_st_udp_socket_set_gro(receiver, gro), LINUX ? 0 : -EOPNOTSUPP);
    memset(runs, 0, sizeof runs);
    for (int i = 0; i < 3; i++) {
        static const size_t lengths[3] = {12345, 7000, 1000};

        runs[i] = (mio_st_transmit_t){
            .buffer = data, .length = lengths[i], .segment_size = 1000, .address = address, .address_length = length};
        EQUAL(mio_st_udp_socket_send_transmits(sender, runs + i, 1), 1);
        EQUAL(runs[i].flags, MIO_ST_DATAGRAM_SENT);
        EQUAL((int)runs[i].sent, (int)lengths[i]);
        received(receiver, lengths[i], 1000);
    }
    /* What is sent is not sent again. */
    EQUAL(mio_st_udp_socket_send_transmits(sender, runs, 3), 3);
    EQUAL(mio_st_udp_socket_recv_batch(receiver, batch, 4), -EAGAIN);
    /* What was sent in part is sent on. */
    runs[1].flags = 0;
    runs[1].sent = 5000;
    runs[1].buffer = data - 0;
    EQUAL(mio_st_udp_socket_send_transmits(sender, runs, 3), 3);
    clear_batch();
    EQUAL(mio_st_udp_socket_recv_batch(receiver, batch, 1), 1);
    EQUAL(memcmp(in[0], data + 5000, 1000), 0);
    while (mio_st_udp_socket_recv_batch(receiver, batch, 4) > 0)
        ;

    OK(mio_st_udp_socket_connect(sender, ANY_ADDRESS(address), length, &connected));
    EQUAL(mio_st_connected_udp_socket_max_segments(connected), LINUX ? 64 : 1);
    runs[0] = (mio_st_transmit_t){.buffer = data, .length = 2500, .segment_size = 1000};
    EQUAL(mio_st_connected_udp_socket_send_transmits(connected, runs, 1), 1);
    received(receiver, 2500, 1000);
    EQUAL(mio_st_connected_udp_socket_set_gro(connected, 1), LINUX ? 0 : -EOPNOTSUPP);
    OK(mio_st_connected_udp_socket_close(connected));
    OK(mio_st_udp_socket_close(receiver));
}

/* A mistake in the middle: what is before it is sent, and the next call says why. */
static void mistakes_are_errors(void)
{
    struct sockaddr_storage address;
    socklen_t length;
    mio_st_udp_socket_t socket = bound("127.0.0.1:0", &address, &length);
    const mio_st_transmit_t good = {.buffer = data, .length = 10, .address = address, .address_length = length};
    mio_st_transmit_t transmits[3] = {good, good, good};

    transmits[1].flags = 1u << 31;
    EQUAL(mio_st_udp_socket_send_transmits(socket, transmits, 3), 1);
    EQUAL(mio_st_udp_socket_send_transmits(socket, transmits + 1, 2), -EINVAL);
    transmits[1] = good;
    transmits[1].sent = 11;
    EQUAL(mio_st_udp_socket_send_transmits(socket, transmits + 1, 2), -EINVAL);
    transmits[1] = good;
    transmits[1].address_length = 0;
    EQUAL(mio_st_udp_socket_send_transmits(socket, transmits + 1, 1), -EDESTADDRREQ);
    transmits[1] = good;
    transmits[1].flags = MIO_ST_DATAGRAM_LOCAL;
    EQUAL(mio_st_udp_socket_send_transmits(socket, transmits + 1, 1), -EINVAL);
    transmits[1].local_length = (socklen_t)OK(mio_st_addr_parse("[::1]:0", &transmits[1].local));
    EQUAL(mio_st_udp_socket_send_transmits(socket, transmits + 1, 1), -EAFNOSUPPORT);
    transmits[1] = good;
    transmits[1].buffer = NULL;
    EQUAL(mio_st_udp_socket_send_transmits(socket, transmits + 1, 1), -EINVAL);
    transmits[1].length = 0;
    EQUAL(mio_st_udp_socket_send_transmits(socket, transmits, 3), 3);
    EQUAL(mio_st_udp_socket_send_transmits(socket, NULL, 1), -EINVAL);
    EQUAL(mio_st_udp_socket_send_transmits(socket, NULL, 0), 0);
    /* Counts that no memory has. */
    EQUAL(mio_st_udp_socket_send_transmits(socket, transmits, SIZE_MAX), -EINVAL);
    EQUAL(mio_st_udp_socket_send_batch(socket, batch, SIZE_MAX), -EINVAL);
    EQUAL(mio_st_udp_socket_recv_batch(socket, batch, SIZE_MAX), -EINVAL);

    /* Buffers that overlap, in order and not. */
    clear_batch();
    batch[1].buffer = in[0] + sizeof in[0] - 1;
    EQUAL(mio_st_udp_socket_recv_batch(socket, batch, 2), -EINVAL);
    batch[0].buffer = in[2];
    batch[1].buffer = in[0];
    batch[2].buffer = in[2] + 1;
    EQUAL(mio_st_udp_socket_recv_batch(socket, batch, 3), -EINVAL);
    batch[2].buffer = in[1];
    EQUAL(mio_st_udp_socket_recv_batch(socket, batch, 3), 3);
    EQUAL((int)batch[0].length, 10);
    EQUAL((int)batch[1].length, 0);
    EQUAL((int)batch[2].length, 10);
    EQUAL(mio_st_udp_socket_set_mtu_discovery(socket, 4), -EINVAL);
    EQUAL(mio_st_udp_socket_set_mtu_discovery(socket, UINT32_MAX), -EINVAL);
    OK(mio_st_udp_socket_close(socket));
}

/* Sizes that make one datagram, and those that make too large ones. */
static void segments_of_any_size(void)
{
    static const struct {
        size_t length, segment_size;
        int datagrams; /* or the error */
    } rows[] = {
        {0, 0, 1},        {0, SIZE_MAX, 1},           {10, 0, 1},         {10, 10, 1},         {10, SIZE_MAX, 1},
        {65, 1, 65},      {70000, 65507, 2},          {70000, 65508, -EMSGSIZE},
        {70000, 65535, -EMSGSIZE}, {70000, 65536, -EMSGSIZE}, {70000, SIZE_MAX, -EMSGSIZE}, {70000, 0, -EMSGSIZE},
    };
    struct sockaddr_storage address;
    socklen_t length;
    mio_st_udp_socket_t socket = bound("127.0.0.1:0", &address, &length);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mio_st_transmit_t run = {.buffer = data,
                                 .length = rows[i].length,
                                 .segment_size = rows[i].segment_size,
                                 .address = address,
                                 .address_length = length};
        int datagrams = 0;

        EQUAL(mio_st_udp_socket_send_transmits(socket, &run, 1), rows[i].datagrams > 0 ? 1 : rows[i].datagrams);
        EQUAL((int64_t)run.sent, rows[i].datagrams > 0 ? (int64_t)run.length : 0);
        while (mio_st_udp_socket_recv_from(socket, in[0], sizeof in[0], NULL, NULL) >= 0)
            datagrams++;
        EQUAL(datagrams, rows[i].datagrams > 0 ? rows[i].datagrams : 0);
    }
    OK(mio_st_udp_socket_close(socket));
}

static void an_answer_comes_from_the_address_that_was_asked(void)
{
    static const char *const asked[] = {"127.0.0.1", "127.0.0.2", "127.9.9.9"};
    struct sockaddr_storage address, ours, sender;
    struct sockaddr_in *target = (struct sockaddr_in *)&address;
    socklen_t length, ours_length, sender_length;
    mio_st_udp_socket_t echo = bound("0.0.0.0:0", &address, &length);
    mio_st_udp_socket_t client = bound("127.0.0.1:0", &ours, &ours_length);
    int port = target->sin_port;

    OK(mio_st_udp_socket_set_recv_local(echo, 1));
    for (int i = 0; i < 3; i++) {
        char text[64];

        snprintf(text, sizeof text, "%s:1", asked[i]);
        length = (socklen_t)OK(mio_st_addr_parse(text, &address));
        target->sin_port = (in_port_t)port;
        EQUAL(mio_st_udp_socket_send_to(client, "hello", 5, ANY_ADDRESS(address), length), 5);
        clear_batch();
        EQUAL(mio_st_udp_socket_recv_batch(echo, batch, 4), 1);
        EQUAL(batch[0].flags & ~MIO_ST_DATAGRAM_INTERFACE, MIO_ST_DATAGRAM_LOCAL);
        EQUAL(((struct sockaddr_in *)&batch[0].local)->sin_addr.s_addr == target->sin_addr.s_addr, 1);
        /* As it is. */
        EQUAL(mio_st_udp_socket_send_batch(echo, batch, 1), 1);
        EQUAL(mio_st_udp_socket_recv_from(client, in[0], 16, &sender, &sender_length), 5);
        EQUAL(((struct sockaddr_in *)&sender)->sin_addr.s_addr == target->sin_addr.s_addr, 1);
    }
    batch[0].local_length = 3;
    EQUAL(mio_st_udp_socket_send_batch(echo, batch, 1), -EINVAL);
    OK(mio_st_udp_socket_close(echo));
    OK(mio_st_udp_socket_close(client));
}

static void what_goes_along_was_asked_for(void)
{
    struct sockaddr_storage address, ours;
    socklen_t length, ours_length;
    mio_st_udp_socket_t receiver = bound("[::1]:0", &address, &length);
    mio_st_udp_socket_t sender = bound("[::1]:0", &ours, &ours_length);
    mio_st_connected_udp_socket_t connected;
    mio_st_transmit_t transmit = {
        .buffer = data,
        .length = 3,
        .flags = MIO_ST_DATAGRAM_TRAFFIC_CLASS | MIO_ST_DATAGRAM_HOP_LIMIT | MIO_ST_DATAGRAM_LOCAL,
        .traffic_class = 0xb8 | MIO_ST_ECN_ECT0,
        .hop_limit = 9,
        .address = address,
        .address_length = length,
        .local = ours,
        .local_length = ours_length,
    };
    const uint32_t asked = MIO_ST_DATAGRAM_LOCAL | MIO_ST_DATAGRAM_INTERFACE | MIO_ST_DATAGRAM_TRAFFIC_CLASS |
                           MIO_ST_DATAGRAM_HOP_LIMIT | MIO_ST_DATAGRAM_TIMESTAMP;

    EQUAL(mio_st_udp_socket_set_recv_dropped(receiver, 1), LINUX ? 0 : -EOPNOTSUPP);
    for (int on = 1; on >= 0; on--) {
        OK(mio_st_udp_socket_set_recv_local(receiver, on));
        OK(mio_st_udp_socket_set_recv_traffic_class(receiver, on));
        OK(mio_st_udp_socket_set_recv_hop_limit(receiver, on));
        OK(mio_st_udp_socket_set_recv_timestamp(receiver, on));
        transmit.sent = 0;
        transmit.flags &= ~MIO_ST_DATAGRAM_SENT;
        EQUAL(mio_st_udp_socket_send_transmits(sender, &transmit, 1), 1);
        clear_batch();
        EQUAL(mio_st_udp_socket_recv_batch(receiver, batch, 1), 1);
        EQUAL(batch[0].flags, on ? asked : 0);
        EQUAL(batch[0].traffic_class, on ? 0xba : 0);
        EQUAL(batch[0].traffic_class & MIO_ST_ECN_MASK, on ? MIO_ST_ECN_ECT0 : MIO_ST_ECN_NOT_ECT);
        EQUAL(batch[0].hop_limit, on ? 9 : 0);
        EQUAL(batch[0].interface > 0, on);
        EQUAL(batch[0].timestamp > 1000000000ull * 1000000000ull, on);
        EQUAL(batch[0].dropped, 0);
        EQUAL(batch[0].local_length, on ? sizeof(struct sockaddr_in6) : 0);
    }

    OK(mio_st_udp_socket_connect(receiver, ANY_ADDRESS(ours), ours_length, &connected));
    OK(mio_st_connected_udp_socket_set_recv_local(connected, 1));
    OK(mio_st_connected_udp_socket_set_recv_traffic_class(connected, 1));
    OK(mio_st_connected_udp_socket_set_recv_hop_limit(connected, 1));
    OK(mio_st_connected_udp_socket_set_recv_timestamp(connected, 1));
    EQUAL(mio_st_connected_udp_socket_set_recv_dropped(connected, 0), LINUX ? 0 : -EOPNOTSUPP);
    OK(mio_st_connected_udp_socket_set_mtu_discovery(connected, MIO_ST_MTU_DISCOVERY_PROBE));
    EQUAL(mio_st_connected_udp_socket_mtu(connected) > 1000, LINUX);
    transmit.sent = 0;
    transmit.flags &= ~MIO_ST_DATAGRAM_SENT;
    transmit.traffic_class = MIO_ST_ECN_CE;
    EQUAL(mio_st_udp_socket_send_transmits(sender, &transmit, 1), 1);
    EQUAL(mio_st_connected_udp_socket_recv_batch(connected, batch, 1), 1);
    EQUAL(batch[0].flags, asked);
    EQUAL(batch[0].traffic_class, MIO_ST_ECN_CE);
    OK(mio_st_connected_udp_socket_close(connected));
    OK(mio_st_udp_socket_close(sender));
}

static void errors_come_with_their_origin(void)
{
    struct sockaddr_storage nobody, ours;
    socklen_t length, ours_length;
    mio_st_udp_socket_t to_be_deaf = bound("127.0.0.1:0", &nobody, &length);
    mio_st_udp_socket_t socket = bound("127.0.0.1:0", &ours, &ours_length);
    mio_st_connected_udp_socket_t connected, deaf;
    mio_st_tcp_listener_t listener;
    mio_st_tcp_stream_t stream;
    mio_st_queued_error_t entry;
    mio_st_poller_t poller;
    struct sockaddr_storage address;

    /* Its own peer, it keeps its port, which nobody else gets, and hears nobody. */
    OK(mio_st_udp_socket_connect(to_be_deaf, ANY_ADDRESS(nobody), length, &deaf));
    EQUAL(mio_st_udp_socket_set_recv_errors(socket, 1), LINUX ? 0 : -EOPNOTSUPP);
    if (!LINUX) {
        EQUAL(mio_st_udp_socket_recv_error(socket, NULL, 0, &entry), -EOPNOTSUPP);
        OK(mio_st_udp_socket_close(socket));
        OK(mio_st_connected_udp_socket_close(deaf));
        return;
    }
    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_register_udp_socket(poller, socket, 1, MIO_ST_READABLE, MIO_ST_LEVEL));
    EQUAL(mio_st_udp_socket_recv_error(socket, in, 4, &entry), -EAGAIN);
    EQUAL(mio_st_udp_socket_send_to(socket, "hello?", 6, ANY_ADDRESS(nobody), length), 6);
    test_wait(poller, 1, MIO_ST_ERROR);
    OK(mio_st_udp_socket_take_error(socket, &(int){0}));
    test_wait(poller, 1, MIO_ST_ERROR);
    EQUAL(mio_st_udp_socket_recv_error(socket, NULL, 4, &entry), -EINVAL);
    EQUAL(mio_st_udp_socket_recv_error(socket, in, 4, NULL), -EINVAL);
    OK(mio_st_udp_socket_recv_error(socket, in, 4, &entry));
    EQUAL(entry.error, -ECONNREFUSED);
    EQUAL(entry.origin, MIO_ST_ORIGIN_ICMP);
    EQUAL(entry.kind == 3 && entry.code == 3, 1);
    EQUAL((int)entry.length, 4);
    EQUAL(memcmp(in, "hell", 4), 0);
    EQUAL(entry.target_length, sizeof(struct sockaddr_in));
    EQUAL(((struct sockaddr_in *)&entry.target)->sin_port == ((struct sockaddr_in *)&nobody)->sin_port, 1);
    EQUAL(entry.offender_length, sizeof(struct sockaddr_in));
    EQUAL(entry.mtu == 0 && entry.timestamp == 0, 1);
    EQUAL(mio_st_poller_poll(poller, &(mio_st_event_t){0}, 1, 0), 0);

    OK(mio_st_udp_socket_connect(socket, ANY_ADDRESS(nobody), length, &connected));
    OK(mio_st_connected_udp_socket_set_recv_errors(connected, 1));
    EQUAL(mio_st_connected_udp_socket_send(connected, "x", 1), 1);
    test_wait(poller, 1, MIO_ST_ERROR);
    OK(mio_st_connected_udp_socket_recv_error(connected, NULL, 0, &entry));
    EQUAL(entry.error, -ECONNREFUSED);
    OK(mio_st_connected_udp_socket_close(connected));

    OK(mio_st_tcp_listener_bind_str(&listener, "127.0.0.1:0"));
    length = (socklen_t)OK(mio_st_tcp_listener_local_addr(listener, &address));
    OK(mio_st_tcp_stream_connect(&stream, ANY_ADDRESS(address), length));
    EQUAL(mio_st_tcp_stream_recv_error(stream, NULL, 0, &entry), -EAGAIN);
    OK(mio_st_tcp_stream_close(stream));
    OK(mio_st_tcp_listener_close(listener));
    OK(mio_st_connected_udp_socket_close(deaf));
    OK(mio_st_poller_close(poller));
}

int main(void)
{
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i / 7);
    a_run_arrives_as_its_datagrams(0);
    if (LINUX)
        a_run_arrives_as_its_datagrams(1);
    mistakes_are_errors();
    segments_of_any_size();
    an_answer_comes_from_the_address_that_was_asked();
    what_goes_along_was_asked_for();
    errors_come_with_their_origin();
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
