/* Behaviour 39: descriptors and credentials that are passed over Unix sockets. */

#include <fcntl.h>
#include <sys/stat.h>

#include "test.h"

static mio_st_unix_stream_t streams[2];
static mio_st_unix_datagram_t datagrams[2];

static int64_t send_to_peer(int datagram, size_t length, const int *fds, size_t count, const mio_st_ucred_t *cred)
{
    return datagram ? mio_st_unix_datagram_send_message(datagrams[0], "12345", length, fds, count, cred)
                    : mio_st_unix_stream_send_message(streams[0], "12345", length, fds, count, cred);
}

static int64_t receive(int datagram, void *buffer, size_t length, int *fds, size_t count,
                       mio_st_unix_message_t *message)
{
    return datagram ? mio_st_unix_datagram_recv_message(datagrams[1], buffer, length, fds, count, message)
                    : mio_st_unix_stream_recv_message(streams[1], buffer, length, fds, count, message);
}

/* What is passed is the same file, under another number. */
static void descriptors_are_passed(int datagram)
{
    int fds[2], got[4] = {-7, -7, -7, -7};
    mio_st_unix_message_t message;
    mio_st_sender_t sender;
    char in[8];

    EQUAL(receive(datagram, in, sizeof in, got, 4, &message), -EAGAIN);
    OK(pipe(fds));
    EQUAL(send_to_peer(datagram, 3, fds, 2, NULL), 3);
    OK(close(fds[1]));
    EQUAL(receive(datagram, in, sizeof in, got, 4, &message), 3);
    EQUAL(message.fds, 2);
    EQUAL(message.flags, 0);
    EQUAL(got[2], -7);
    for (int i = 0; i < 2; i++)
        EQUAL(fcntl(got[i], F_GETFD), FD_CLOEXEC);
    OK(mio_st_sender_from_fd(&sender, got[1]));
    EQUAL(mio_st_sender_write(sender, "x", 1), 1);
    OK(mio_st_sender_close(sender));
    OK(close(got[0]));
    EQUAL(read(fds[0], in, sizeof in), 1);
    /* No other copy is left. */
    EQUAL(read(fds[0], in, sizeof in), 0);
    OK(close(fds[0]));
}

static void one_without_room_is_closed_and_told(int datagram)
{
    for (size_t room = 0; room < 3; room++) {
        int fds[2], got[3], passed[3];
        mio_st_unix_message_t message;
        char in[4];

        OK(pipe(fds));
        for (int i = 0; i < 3; i++)
            passed[i] = fds[1];
        EQUAL(send_to_peer(datagram, datagram ? 5 : 4, passed, 3, NULL), datagram ? 5 : 4);
        OK(close(fds[1]));
        EQUAL(receive(datagram, in, sizeof in, room ? got : NULL, room, &message), 4);
        EQUAL(message.fds, room);
        EQUAL(message.flags, MIO_ST_MESSAGE_CONTROL_TRUNCATED | (datagram ? MIO_ST_MESSAGE_TRUNCATED : 0));
        for (size_t i = 0; i < room; i++)
            OK(close(got[i]));
        EQUAL(read(fds[0], in, sizeof in), 0);
        OK(close(fds[0]));
    }
}

static void credentials_are_passed(int datagram)
{
    const mio_st_ucred_t own = {geteuid(), getegid(), getpid()};
    mio_st_unix_message_t message;
    char in[8];

    OK(datagram ? mio_st_unix_datagram_set_recv_cred(datagrams[1], 1)
                : mio_st_unix_stream_set_recv_cred(streams[1], 1));
    for (int told = 0; told < 2; told++) {
        EQUAL(send_to_peer(datagram, 1, NULL, 0, told ? &own : NULL), 1);
        EQUAL(receive(datagram, in, sizeof in, NULL, 0, &message), 1);
        EQUAL(message.flags, MIO_ST_MESSAGE_CRED);
        EQUAL(memcmp(&message.cred, &own, sizeof own), 0);
    }
    OK(datagram ? mio_st_unix_datagram_set_recv_cred(datagrams[1], 0)
                : mio_st_unix_stream_set_recv_cred(streams[1], 0));
    EQUAL(send_to_peer(datagram, 1, NULL, 0, NULL), 1);
    EQUAL(receive(datagram, in, sizeof in, NULL, 0, &message), 1);
    EQUAL(message.flags, 0);
}

static void what_cannot_be_passed_is_refused(int datagram)
{
    mio_st_unix_message_t message;
    int many[254] = {0}, closed = -1;
    char in[8];

    EQUAL(send_to_peer(datagram, 1, many, 254, NULL), -EINVAL);
    EQUAL(send_to_peer(datagram, 1, &closed, 1, NULL), -EBADF);
    EQUAL(send_to_peer(datagram, 1, NULL, 1, NULL), -EINVAL);
    EQUAL(receive(datagram, in, sizeof in, NULL, 1, &message), -EINVAL);
    EQUAL(receive(datagram, in, sizeof in, NULL, 0, NULL), -EINVAL);
    EQUAL(send_to_peer(datagram, 0, many, 1, NULL), datagram ? 0 : -EINVAL);
    if (datagram) {
        EQUAL(receive(datagram, in, sizeof in, many, 1, &message), 0);
        EQUAL(message.fds, 1);
        OK(close(many[0]));
    }
}

static struct {
    mio_st_unix_datagram_t socket;
    struct sockaddr_storage address;
    socklen_t length;
} ends[2];

/* Sockets that are not connected: what comes says from whom, and goes back there. By abstract names, and the second
 * time by paths. */
static void a_message_says_who_sent_it(void)
{
    struct sockaddr_storage sender;
    socklen_t length = 0;
    mio_st_unix_message_t message;
    int fds[2], got;
    char in[8];

    EQUAL(mio_st_unix_datagram_recv_message_from(ends[0].socket, in, 8, &got, 1, &message, &sender, &length), -EAGAIN);
    OK(pipe(fds));
    EQUAL(mio_st_unix_datagram_send_message_to_addr(ends[1].socket, "take", 4, &fds[1], 1, NULL,
                                                    (struct sockaddr *)&ends[0].address, ends[0].length), 4);
    OK(close(fds[1]));
    EQUAL(mio_st_unix_datagram_recv_message_from(ends[0].socket, in, 8, &got, 1, &message, &sender, &length), 4);
    EQUAL(message.fds, 1);
    EQUAL(length, ends[1].length);
    EQUAL(memcmp(&sender, &ends[1].address, length), 0);
    EQUAL(mio_st_unix_datagram_send_message_to_addr(ends[0].socket, "back", 4, &got, 1, NULL,
                                                    (struct sockaddr *)&sender, length), 4);
    OK(close(got));
    /* Whoever does not want to know. */
    EQUAL(mio_st_unix_datagram_recv_message_from(ends[1].socket, in, 2, &got, 1, &message, NULL, NULL), 2);
    EQUAL(message.flags, MIO_ST_MESSAGE_TRUNCATED);
    EQUAL(write(got, "x", 1), 1);
    OK(close(got));
    EQUAL(read(fds[0], in, sizeof in), 1);
    EQUAL(read(fds[0], in, sizeof in), 0);
    OK(close(fds[0]));
}

static void messages_between_sockets_that_are_not_connected(void)
{
    const struct sockaddr unnamed = {.sa_family = AF_UNIX};
    char folder[] = "/tmp/mio-st-XXXXXX", paths[2][64], in[8];
    mio_st_unix_datagram_t nobody;
    struct sockaddr_storage sender;
    socklen_t length;
    mio_st_unix_message_t message;

    EQUAL(mkdtemp(folder) != NULL, 1);
    for (int by_path = 0; by_path < 2; by_path++) {
        for (int i = 0; i < 2; i++) {
            snprintf(paths[i], sizeof paths[i], "%s/%d", folder, i);
            if (by_path)
                OK(mio_st_unix_datagram_bind(&ends[i].socket, paths[i]));
            else
                OK(mio_st_unix_datagram_bind_addr(&ends[i].socket, &unnamed, sizeof unnamed.sa_family));
            ends[i].length = (socklen_t)OK(mio_st_unix_datagram_local_addr(ends[i].socket, &ends[i].address));
        }
        a_message_says_who_sent_it();
        if (by_path) {
            OK(mio_st_unix_datagram_unbound(&nobody));
            EQUAL(mio_st_unix_datagram_send_message_to(nobody, "", 0, NULL, 0, NULL, paths[0]), 0);
            EQUAL(mio_st_unix_datagram_recv_message_from(ends[0].socket, in, 8, NULL, 0, &message, &sender, &length), 0);
            EQUAL(length, sizeof unnamed.sa_family);
            EQUAL(mio_st_unix_datagram_send_message_to(nobody, "x", 1, NULL, 0, NULL, "/nonexistent/socket"), -ENOENT);
            OK(mio_st_unix_datagram_close(nobody));
        }
        for (int i = 0; i < 2; i++) {
            OK(mio_st_unix_datagram_close(ends[i].socket));
            if (by_path)
                OK(unlink(paths[i]));
        }
    }
    OK(rmdir(folder));
}

int main(void)
{
    OK(mio_st_unix_stream_pair(&streams[0], &streams[1]));
    OK(mio_st_unix_datagram_pair(&datagrams[0], &datagrams[1]));
    for (int datagram = 0; datagram < 2; datagram++) {
        descriptors_are_passed(datagram);
        one_without_room_is_closed_and_told(datagram);
        credentials_are_passed(datagram);
        what_cannot_be_passed_is_refused(datagram);
    }
    messages_between_sockets_that_are_not_connected();
    OK(mio_st_unix_stream_close(streams[0]));
    EQUAL(receive(0, &streams[0], 1, NULL, 0, &(mio_st_unix_message_t){0}), 0);
    OK(mio_st_unix_stream_close(streams[1]));
    OK(mio_st_unix_datagram_close(datagrams[0]));
    OK(mio_st_unix_datagram_close(datagrams[1]));
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
