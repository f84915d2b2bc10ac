/* The system calls that datagrams take, and what happens when the system refuses to cut runs: nothing is lost, and
 * nothing is sent twice. Linked with `-Wl,--wrap=sendmmsg` and its kin. */

#define _GNU_SOURCE
#include <netinet/in.h>
#include <sys/socket.h>

#include "test.h"

enum { MOST = 64, SIZE = 100, SEGMENTS = 200, UDP_SEGMENT_ = 103 };

static struct {
    int sends, receives, runs;
} calls;

/* With which errno runs are refused, after so many. */
static struct {
    int with, after;
} refuse;

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __real_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, void *timeout);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, void *timeout);

static int is_run(const struct msghdr *message)
{
    struct msghdr copy = *message;

    for (struct cmsghdr *one = CMSG_FIRSTHDR(&copy); one; one = CMSG_NXTHDR(&copy, one)) {
        if (one->cmsg_level == IPPROTO_UDP && one->cmsg_type == UDP_SEGMENT_)
            return 1;
    }
    return 0;
}

static int is_refused(const struct msghdr *message)
{
    return is_run(message) && calls.runs++ >= refuse.after && refuse.with;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    calls.sends++;
    if (is_refused(message)) {
        errno = refuse.with;
        return -1;
    }
    return __real_sendmsg(fd, message, flags);
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    unsigned good = 0;

    calls.sends++;
    while (good < count && !is_refused(&messages[good].msg_hdr))
        good++;
    if (good > 0)
        return __real_sendmmsg(fd, messages, good, flags);
    errno = refuse.with;
    return -1;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
    calls.receives++;
    return __real_recvmsg(fd, message, flags);
}

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, void *timeout)
{
    calls.receives++;
    return __real_recvmmsg(fd, messages, count, flags, timeout);
}

static struct {
    mio_st_udp_socket_t sender, receiver;
    struct sockaddr_storage address, ours;
    socklen_t length, our_length;
} world;

static unsigned char data[SEGMENTS * SIZE], in[MOST][SIZE];
static mio_st_datagram_t batch[MOST];

static void make_world(void)
{
    /* Room for all that is sent before it is received. */
    const mio_st_socket_options_t options = {.size = sizeof options, .recv_buffer_size = 1 << 20};

    OK(mio_st_udp_socket_bind_str(&world.sender, "127.0.0.1:0"));
    world.length = (socklen_t)OK(mio_st_addr_parse("127.0.0.1:0", &world.address));
    OK(mio_st_udp_socket_bind_with(&world.receiver, (struct sockaddr *)&world.address, world.length, &options));
    world.length = (socklen_t)OK(mio_st_udp_socket_local_addr(world.receiver, &world.address));
    world.our_length = (socklen_t)OK(mio_st_udp_socket_local_addr(world.sender, &world.ours));
    memset(&calls, 0, sizeof calls);
}

static void end_world(void)
{
    OK(mio_st_udp_socket_close(world.sender));
    OK(mio_st_udp_socket_close(world.receiver));
}

static void clear_batch(void)
{
    memset(batch, 0, sizeof batch);
    for (int i = 0; i < MOST; i++) {
        batch[i].buffer = in[i];
        batch[i].capacity = SIZE;
    }
}

/* Sends so many from one socket to the other. */
static void send_datagrams(int count)
{
    clear_batch();
    for (int i = 0; i < count; i++) {
        batch[i].length = SIZE;
        batch[i].address = world.address;
        batch[i].address_length = world.length;
    }
    EQUAL(mio_st_udp_socket_send_batch(world.sender, batch, (size_t)count), count);
    clear_batch();
}

/* A socket that was not asked for anything has 28 a call, with a peer or without one; from then on 9. */
static void a_call_receives_as_many_as_before_with_a_peer(void)
{
    mio_st_connected_udp_socket_t connected;

    make_world();
    for (int round = 0; round < 2; round++) {
        int expected = round == 0 ? 3 : 8;

        send_datagrams(MOST);
        calls.receives = 0;
        EQUAL(mio_st_udp_socket_recv_batch(world.receiver, batch, MOST), MOST);
        EQUAL(calls.receives, expected);

        OK(mio_st_udp_socket_connect(world.receiver, (struct sockaddr *)&world.ours, world.our_length, &connected));
        send_datagrams(MOST);
        calls.receives = 0;
        EQUAL(mio_st_connected_udp_socket_recv_batch(connected, batch, MOST), MOST);
        EQUAL(calls.receives, expected);
        if (round == 1)
            EQUAL(batch[0].flags, MIO_ST_DATAGRAM_LOCAL | MIO_ST_DATAGRAM_INTERFACE);

        OK(mio_st_connected_udp_socket_disconnect(connected, &world.receiver));
        send_datagrams(MOST);
        calls.receives = 0;
        EQUAL(mio_st_udp_socket_recv_batch(world.receiver, batch, MOST), MOST);
        EQUAL(calls.receives, expected);
        OK(mio_st_udp_socket_set_recv_local(world.receiver, 1));
    }
    send_datagrams(1);
    calls.receives = 0;
    EQUAL(mio_st_udp_socket_recv_batch(world.receiver, batch, 1), 1);
    EQUAL(calls.receives, 1);
    end_world();

    /* A call is made ready for few after few, and the next has the rest: nothing is left behind. */
    make_world();
    for (int few = 1; few <= 3; few++) {
        send_datagrams(few);
        EQUAL(mio_st_udp_socket_recv_batch(world.receiver, batch, MOST), few);
        send_datagrams(MOST);
        calls.receives = 0;
        EQUAL(mio_st_udp_socket_recv_batch(world.receiver, batch, MOST), MOST);
        EQUAL(calls.receives, 4);
    }
    end_world();
}

/* Receives `count` segments of `data`, each once and in order. */
static void received(int count)
{
    int at = 0, n;

    clear_batch();
    while ((n = mio_st_udp_socket_recv_batch(world.receiver, batch, MOST)) > 0) {
        for (int i = 0; i < n; i++, at++) {
            EQUAL((int)batch[i].length, SIZE);
            EQUAL(memcmp(in[i], data + at * SIZE, SIZE), 0);
        }
        clear_batch();
    }
    EQUAL(n, -EAGAIN);
    EQUAL(at, count);
}

static mio_st_transmit_t run(int from, int count)
{
    mio_st_transmit_t transmit = {.buffer = data + from * SIZE,
                                  .length = (size_t)count * SIZE,
                                  .segment_size = SIZE,
                                  .address = world.address,
                                  .address_length = world.length};

    return transmit;
}

/* Runs, a datagram between them and one that is longer than a call takes: refused from the first on, or later. */
static void runs_that_are_refused_are_sent_as_a_batch(int with, int after)
{
    make_world();
    refuse.with = 0;
    EQUAL(mio_st_udp_socket_max_segments(world.sender), 64);
    for (int again = 0; again < 2; again++) {
        mio_st_transmit_t runs[4];

        runs[0] = run(0, 20);
        runs[1] = run(20, 1);
        runs[2] = run(21, 100);
        runs[3] = run(121, 79);
        refuse.with = with;
        refuse.after = after;
        calls.runs = 0;
        EQUAL(mio_st_udp_socket_send_transmits(world.sender, runs, 4), 4);
        /* It is remembered. */
        EQUAL(calls.runs > 0, again == 0);
        received(SEGMENTS);
        EQUAL(mio_st_udp_socket_max_segments(world.sender), 1);
    }
    refuse.with = 0;
    end_world();
}

/* What is refused for another reason is an error, and nothing was sent. */
static void another_refusal_is_told(void)
{
    mio_st_transmit_t transmit;

    make_world();
    transmit = run(0, 20);
    refuse.with = ENOBUFS;
    refuse.after = 0;
    EQUAL(mio_st_udp_socket_send_transmits(world.sender, &transmit, 1), -ENOBUFS);
    EQUAL((int)transmit.sent, 0);
    refuse.with = 0;
    EQUAL(mio_st_udp_socket_max_segments(world.sender), 64);
    EQUAL(mio_st_udp_socket_send_transmits(world.sender, &transmit, 1), 1);
    received(20);
    end_world();
}

int main(void)
{
    static const int errors[] = {EIO, EINVAL, EMSGSIZE, EOPNOTSUPP};

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i / 7);
    a_call_receives_as_many_as_before_with_a_peer();
    for (int i = 0; i < 4; i++) {
        for (int after = 0; after < 5; after++)
            runs_that_are_refused_are_sent_as_a_batch(errors[i], after);
    }
    another_refusal_is_told();
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
