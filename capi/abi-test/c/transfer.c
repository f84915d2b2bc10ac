/* Behaviours 28 and 29: sending, to a peer that is there and to one that is gone. */

#include "kinds.h"

/* --- SIGPIPE ------------------------------------------------------------------------------------- */

static volatile sig_atomic_t broken_pipes;

static void count_broken_pipe(int number)
{
    (void)number;
    broken_pipes++;
}

static struct iovec parts[] = {{"ab", 2}, {"c", 1}};

/* As a datagram to the socket itself. */
static mio_st_datagram_t to_itself(int fd)
{
    mio_st_datagram_t datagram = {.buffer = "abc", .length = 3};

    datagram.address_length = sizeof datagram.address;
    OK(getsockname(fd, (struct sockaddr *)&datagram.address, &datagram.address_length));
    return datagram;
}

static int64_t write_one(const struct kind *kind, uint64_t bits)
{
    return kind->write(bits, "abc", 3);
}

static int64_t write_several(const struct kind *kind, uint64_t bits)
{
    return kind->writev(bits, parts, 2);
}

static int64_t udp_send_to(const struct kind *kind, uint64_t bits)
{
    mio_st_datagram_t datagram = to_itself(kind->fd(bits));

    return mio_st_udp_socket_send_to((mio_st_udp_socket_t){bits}, datagram.buffer, datagram.length,
                                     (struct sockaddr *)&datagram.address, datagram.address_length);
}

static int64_t udp_send_batch(const struct kind *kind, uint64_t bits)
{
    mio_st_datagram_t datagrams[2] = {to_itself(kind->fd(bits)), to_itself(kind->fd(bits))};

    return mio_st_udp_socket_send_batch((mio_st_udp_socket_t){bits}, datagrams, 2);
}

static int64_t connected_udp_send(const struct kind *kind, uint64_t bits)
{
    (void)kind;
    return mio_st_connected_udp_socket_send((mio_st_connected_udp_socket_t){bits}, "abc", 3);
}

static int64_t connected_udp_send_batch(const struct kind *kind, uint64_t bits)
{
    const mio_st_datagram_t datagrams[2] = {{.buffer = "abc", .length = 3}, {.buffer = "d", .length = 1}};

    (void)kind;
    return mio_st_connected_udp_socket_send_batch((mio_st_connected_udp_socket_t){bits}, datagrams, 2);
}

static int64_t datagram_send(const struct kind *kind, uint64_t bits)
{
    (void)kind;
    return mio_st_unix_datagram_send((mio_st_unix_datagram_t){bits}, "abc", 3);
}

/* To another socket, which the peer need not know. */
static int64_t datagram_send_to_addr(const struct kind *kind, uint64_t bits)
{
    mio_st_unix_datagram_t other;
    const struct sockaddr unnamed = {.sa_family = AF_UNIX};
    struct sockaddr_storage address;
    socklen_t length;
    int64_t answer;

    (void)kind;
    OK(mio_st_unix_datagram_bind_addr(&other, &unnamed, sizeof unnamed.sa_family));
    length = (socklen_t)OK(mio_st_unix_datagram_local_addr(other, &address));
    answer = mio_st_unix_datagram_send_to_addr((mio_st_unix_datagram_t){bits}, "abc", 3,
                                               (struct sockaddr *)&address, length);
    OK(mio_st_unix_datagram_close(other));
    return answer;
}

/* Every way of sending, and what comes once the peer is gone. A Unix datagram socket can send to others; UDP
 * does not know its peer, and if it is told that it is gone, then after the first datagram of a batch. */
static const struct {
    const char *name, *kind;
    int64_t (*send)(const struct kind *kind, uint64_t bits);
    int64_t peer_gone;
} ways[] = {
    {"tcp write", "tcp_stream", write_one, -EPIPE},
    {"tcp writev", "tcp_stream", write_several, -EPIPE},
    {"unix write", "unix_stream", write_one, -EPIPE},
    {"unix writev", "unix_stream", write_several, -EPIPE},
    {"unix datagram send", "unix_datagram", datagram_send, -ENOTCONN},
    {"unix datagram send_to_addr", "unix_datagram", datagram_send_to_addr, 3},
    {"udp send_to", "udp_socket", udp_send_to, 3},
    {"udp send_batch", "udp_socket", udp_send_batch, 2},
    {"connected udp send", "connected_udp_socket", connected_udp_send, 3},
    {"connected udp send_batch", "connected_udp_socket", connected_udp_send_batch, 1},
};

/* Behaviour 28 */
static void no_way_of_sending_over_a_socket_raises_sigpipe(void)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const struct kind *kind = kind_named(ways[i].kind);
        struct made made = kind->make();
        uint64_t end = monotonic() + SECONDS(5);
        int64_t answer;

        test_row = ways[i].name;
        EQUAL(ways[i].send(kind, made.bits) > 0, 1);
        unmake_peer(made);
        /* A TCP peer must say first that it is gone, and a Unix socket says once that it was refused. */
        do
            answer = ways[i].send(kind, made.bits);
        while (answer != ways[i].peer_gone && monotonic() < end);
        EQUAL(answer, ways[i].peer_gone);
        OK(kind->close(made.bits));

        /* Shut down from here, though an unconnected one says that it was not connected. */
        made = kind->make();
        EQUAL(shutdown(kind->fd(made.bits), SHUT_WR) == 0 || errno == ENOTCONN, 1);
        for (int times = 0; times < 2; times++)
            EQUAL(ways[i].send(kind, made.bits), -EPIPE);
        unmake(kind, made);
        EQUAL(broken_pipes, 0);
    }
    test_row = "";
}

/* Behaviour 28, of pipes: what cannot be prevented. */
static void a_pipe_without_a_reader_raises_sigpipe(void)
{
    const struct kind *kind = kind_named("sender");
    struct made made = kind->make();

    unmake_peer(made);
    EQUAL(kind->write(made.bits, "abc", 3), -EPIPE);
    EQUAL(broken_pipes, 1);
    EQUAL(kind->writev(made.bits, parts, 2), -EPIPE);
    EQUAL(broken_pipes, 2);
    OK(kind->close(made.bits));
}

/* --- Byte for byte ------------------------------------------------------------------------------- */

/* The stream repeats this, whose length divides no buffer's. */
static unsigned char pattern[999983];

static void make_pattern(void)
{
    uint32_t random = 1;

    for (size_t i = 0; i < sizeof pattern; i++) {
        random = random * 1103515245 + 12345;
        pattern[i] = (unsigned char)(random >> 24);
    }
}

/* The next of the stream at an offset: up to the end of the pattern. */
static struct iovec stretch(int64_t offset, int64_t most)
{
    size_t at = (size_t)(offset % (int64_t)sizeof pattern), length = sizeof pattern - at;

    return (struct iovec){pattern + at, most < (int64_t)length ? (size_t)most : length};
}

struct transfer {
    const struct kind *from, *to;
    uint64_t writer, reader;
    int64_t total, written, read;
    int partial;
};

/* Writes until there is no room, one buffer and several in turn. */
static void write_on(struct transfer *transfer)
{
    while (transfer->written < transfer->total) {
        struct iovec two[2];
        int64_t count, wanted, left = transfer->total - transfer->written;

        two[0] = stretch(transfer->written, left < 300007 ? left : 300007);
        wanted = (int64_t)two[0].iov_len;
        two[1] = stretch(transfer->written + wanted, left - wanted);
        if (transfer->written % 2 == 0) {
            count = transfer->from->write(transfer->writer, two[0].iov_base, two[0].iov_len);
        } else {
            count = transfer->from->writev(transfer->writer, two, 2);
            wanted += (int64_t)two[1].iov_len;
        }
        if (count == -EAGAIN)
            return;
        OK(count);
        EQUAL(count <= wanted, 1);
        transfer->partial += count < wanted;
        transfer->written += count;
    }
    OK(transfer->from->close(transfer->writer));
}

static void compare(const struct transfer *transfer, const unsigned char *data, int64_t count)
{
    for (int64_t at = 0; at < count;) {
        struct iovec expected = stretch(transfer->read + at, count - at);

        EQUAL(memcmp(data + at, expected.iov_base, expected.iov_len), 0);
        at += (int64_t)expected.iov_len;
    }
}

/* Reads until there is nothing, into one buffer and into several in turn; whether the end has come. */
static int read_on(struct transfer *transfer)
{
    static unsigned char data[100003];
    struct iovec two[2] = {{data, 77}, {data + 77, sizeof data - 77}};

    for (;;) {
        int64_t count = transfer->read % 2 == 0
                            ? transfer->to->read(transfer->reader, data, sizeof data)
                            : transfer->to->readv(transfer->reader, two, 2);

        if (count == -EAGAIN)
            return 0;
        OK(count);
        if (count == 0)
            return 1;
        compare(transfer, data, count);
        transfer->read += count;
    }
}

/* Behaviour 29 */
static void it_arrives_byte_for_byte(const char *from, const char *to, int64_t total)
{
    struct transfer transfer = {.from = kind_named(from), .to = kind_named(to), .total = total};
    struct made made = transfer.from->make();
    mio_st_poller_t poller;
    mio_st_event_t events[2];
    int ended = 0;

    test_row = from;
    transfer.writer = made.bits;
    OK(transfer.to->from_fd(&transfer.reader, made.peer));
    OK(mio_st_poller_new(&poller));
    OK(transfer.from->enlist(poller, transfer.writer, 0, W, MIO_ST_EDGE));
    OK(transfer.to->enlist(poller, transfer.reader, 1, R, MIO_ST_EDGE));
    while (!ended) {
        int count = OK(mio_st_poller_poll(poller, events, 2, LONG));

        EQUAL(count > 0, 1);
        for (int i = 0; i < count; i++) {
            if (events[i].id == 1)
                ended = read_on(&transfer);
            else if (transfer.written < transfer.total)
                write_on(&transfer);
        }
    }
    EQUAL(transfer.written, total);
    EQUAL(transfer.read, total);
    /* There were writes of which a part went in, or this has proved nothing. */
    EQUAL(transfer.partial > 0, 1);
    OK(transfer.to->close(transfer.reader));
    OK(mio_st_poller_close(poller));
    test_row = "";
}

int main(void)
{
    /* At least ten, which no buffer of a socket holds. */
    const int megabytes = 10 + scaled(90);

    OK(signal(SIGPIPE, count_broken_pipe) == SIG_ERR ? -EINVAL : 0);
    no_way_of_sending_over_a_socket_raises_sigpipe();
    a_pipe_without_a_reader_raises_sigpipe();
    make_pattern();
    it_arrives_byte_for_byte("tcp_stream", "tcp_stream", megabytes * INT64_C(1000000) + 7);
    it_arrives_byte_for_byte("unix_stream", "unix_stream", megabytes * INT64_C(1000000) + 7);
    it_arrives_byte_for_byte("sender", "receiver", megabytes * INT64_C(1000000) + 7);
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
