/* Behaviours 1 and 2: registrations of every kind of handle, and the life that all handles have in common. */

#include <fcntl.h>
#include <limits.h>

#include "kinds.h"

static mio_st_poller_t poller;

/* Nothing waits. */
static void expect_nothing(void)
{
    mio_st_event_t event;

    EQUAL(mio_st_poller_poll(poller, &event, 1, 0), 0);
}

/* Behaviour 1 */
static void registering_twice_exists_and_what_is_not_registered_is_not_found(const struct kind *kind)
{
    struct made made = kind->make();
    uint64_t bits = made.bits;
    mio_st_poller_t other;

    OK(mio_st_poller_new(&other));
    EQUAL(kind->reenlist(poller, bits, 1, kind->interests, MIO_ST_EDGE), -ENOENT);
    EQUAL(kind->delist(poller, bits), -ENOENT);
    OK(kind->enlist(poller, bits, 2, kind->interests, MIO_ST_EDGE));
    EQUAL(kind->enlist(poller, bits, 3, kind->interests, MIO_ST_LEVEL), -EEXIST);
    EQUAL(kind->reenlist(other, bits, 4, kind->interests, MIO_ST_EDGE), -ENOENT);
    EQUAL(kind->delist(other, bits), -ENOENT);

    /* What failed has changed nothing: the first registration holds, and its trigger. */
    if (kind->rouse)
        kind->rouse(made);
    test_wait(poller, 2, kind->readiness);
    expect_nothing();

    OK(kind->reenlist(poller, bits, 5, kind->interests, MIO_ST_ONESHOT));
    test_wait(poller, 5, kind->readiness);
    expect_nothing();
    OK(kind->reenlist(poller, bits, UINT64_MAX, kind->interests, MIO_ST_LEVEL));
    test_wait(poller, UINT64_MAX, kind->readiness);
    test_wait(poller, UINT64_MAX, kind->readiness);

    OK(kind->delist(poller, bits));
    expect_nothing();
    EQUAL(kind->delist(poller, bits), -ENOENT);
    EQUAL(kind->reenlist(poller, bits, 6, kind->interests, MIO_ST_EDGE), -ENOENT);
    OK(kind->enlist(poller, bits, 7, kind->interests, MIO_ST_EDGE));
    test_wait(poller, 7, kind->readiness);

    /* In two pollers at once. */
    OK(kind->enlist(other, bits, 8, kind->interests, MIO_ST_EDGE));
    test_wait(other, 8, kind->readiness);
    OK(mio_st_poller_close(other));

    OK(kind->close(bits));
    expect_nothing();
    EQUAL(kind->enlist(poller, bits, 9, kind->interests, MIO_ST_EDGE), -EBADF);
    EQUAL(kind->reenlist(poller, bits, 9, kind->interests, MIO_ST_EDGE), -EBADF);
    EQUAL(kind->delist(poller, bits), -EBADF);
    unmake_peer(made);
}

static void what_is_no_interest_or_trigger_is_invalid(const struct kind *kind)
{
    struct made made = kind->make();
    const uint32_t good = kind->interests;
    const struct {
        uint32_t interests, option;
    } bad[] = {
        {good | MIO_ST_ERROR, MIO_ST_EDGE},
        {good | MIO_ST_TIMER, MIO_ST_EDGE},
        {good | 1u << 31, MIO_ST_EDGE},
        {good, 0},
        {good, MIO_ST_EDGE | MIO_ST_LEVEL},
        {good, MIO_ST_EDGE | 1u << 31},
        {good, MIO_ST_READABLE},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EQUAL(kind->enlist(poller, made.bits, 1, bad[i].interests, bad[i].option), -EINVAL);
    OK(kind->enlist(poller, made.bits, 1, good, MIO_ST_EDGE));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EQUAL(kind->reenlist(poller, made.bits, 1, bad[i].interests, bad[i].option), -EINVAL);
    /* An end of a pipe, signals and processes have one direction. */
    if (good != (R | W) && !kind->try_clone)
        EQUAL(kind->reenlist(poller, made.bits, 1, R | W, MIO_ST_EDGE), -EINVAL);
    unmake(kind, made);
}

/* What is closed is gone for ever, {0} was never there, and a descriptor goes out and in again. */
static void the_life_of_a_handle(const struct kind *kind)
{
    size_t live = mio_st_live_handles();
    struct made made = kind->make();
    uint64_t bits = made.bits, moved = 77, second = 77;
    int error = 77;

    EQUAL(bits != 0, 1);
    EQUAL(mio_st_live_handles(), live + 1);
    if (kind->fd)
        EQUAL(fcntl(kind->fd(bits), F_GETFD), FD_CLOEXEC);
    if (kind->take_error) {
        EQUAL(kind->take_error(bits, &error), 0);
        EQUAL(error, 0);
    }
    if (kind->try_clone) {
        OK(kind->try_clone(&second, bits));
        EQUAL(second != bits, 1);
        EQUAL(fcntl(kind->fd(second), F_GETFD), FD_CLOEXEC);
        OK(kind->close(second));
        EQUAL(kind->try_clone(&second, second), -EBADF);
    }
    if (kind->into_fd) {
        int fd;

        OK(kind->enlist(poller, bits, 1, kind->interests, MIO_ST_EDGE));
        EQUAL(kind->into_fd(bits), -EBUSY);
        OK(kind->delist(poller, bits));
        fd = OK(kind->into_fd(bits));
        EQUAL(mio_st_live_handles(), live);
        EQUAL(kind->close(bits), -EBADF);
        EQUAL(kind->into_fd(bits), -EBADF);
        OK(fcntl(fd, F_SETFL, 0));
        OK(fcntl(fd, F_SETFD, 0));
        OK(kind->from_fd(&moved, fd));
        EQUAL(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
        EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
        EQUAL(kind->fd(moved), fd);
        EQUAL(kind->fd(bits), -EBADF);
        EQUAL(kind->from_fd(&second, -1), -EBADF);
        EQUAL(kind->from_fd(&second, INT_MAX), -EBADF);
        bits = moved;
    }
    OK(kind->close(bits));
    unmake_peer(made);
    EQUAL(kind->close(bits), -EBADF);
    EQUAL(kind->close(0), 0);
    if (kind->fd) {
        EQUAL(kind->fd(bits), -EBADF);
        EQUAL(kind->fd(0), -EBADF);
    }
    if (kind->take_error)
        EQUAL(kind->take_error(bits, &error), -EBADF);
    EQUAL(mio_st_live_handles(), live);
}

/* Who mixes the functions of the handle and of its descriptor has one registration all the same. */
static void a_registration_may_be_ended_through_the_descriptor(const struct kind *kind)
{
    struct made made = kind->make();
    mio_st_poller_t other;

    OK(mio_st_poller_new(&other));
    OK(kind->enlist(other, made.bits, 1, kind->interests, MIO_ST_EDGE));
    OK(kind->enlist(poller, made.bits, 1, kind->interests, MIO_ST_EDGE));
    for (int i = 0; i < 3; i++) {
        OK(mio_st_poller_deregister_fd(other, kind->fd(made.bits)));
        OK(kind->enlist(other, made.bits, 1, kind->interests, MIO_ST_EDGE));
        OK(mio_st_poller_deregister_fd(poller, kind->fd(made.bits)));
        OK(kind->enlist(poller, made.bits, 1, kind->interests, MIO_ST_EDGE));
    }
    OK(kind->delist(other, made.bits));
    EQUAL(kind->into_fd(made.bits), -EBUSY);
    OK(kind->delist(poller, made.bits));
    OK(close(OK(kind->into_fd(made.bits))));
    unmake_peer(made);
    OK(mio_st_poller_close(other));
}

/* Behaviour 5: a copy of the descriptor, as every child has from its start to its exec, keeps the open file and would
 * keep the registration. Whatever became of the registrations, closing is no error. */
static void a_closed_handle_gives_no_event_though_its_descriptor_was_copied(const struct kind *kind)
{
    struct made made = kind->make();
    mio_st_poller_t others[3];
    mio_st_event_t event;
    int copy = OK(dup(kind->fd(made.bits)));

    OK(kind->enlist(poller, made.bits, 1, kind->interests, MIO_ST_LEVEL));
    for (int i = 0; i < 3; i++) {
        OK(mio_st_poller_new(&others[i]));
        OK(kind->enlist(others[i], made.bits, 2, kind->interests, i == 0 ? MIO_ST_EDGE : MIO_ST_ONESHOT));
    }
    /* One is over already, and one poller. */
    OK(mio_st_poller_deregister_fd(others[1], kind->fd(made.bits)));
    OK(mio_st_poller_close(others[2]));
    if (kind->rouse)
        kind->rouse(made);
    test_wait(poller, 1, kind->readiness);

    OK(kind->close(made.bits));
    expect_nothing();
    unmake_peer(made);
    expect_nothing();
    for (int i = 0; i < 2; i++) {
        EQUAL(mio_st_poller_poll(others[i], &event, 1, 0), 0);
        OK(mio_st_poller_close(others[i]));
    }
    OK(close(copy));
}

/* As above, when the handle was made of another that was registered. */
static void what_a_registered_socket_became_gives_no_event_once_closed(void)
{
    struct sockaddr_storage address;
    mio_st_connected_udp_socket_t connected;
    mio_st_udp_socket_t socket;
    mio_st_poller_t other;
    mio_st_event_t event;
    int copy, length;

    OK(mio_st_poller_new(&other));
    OK(mio_st_udp_socket_bind_str(&socket, "127.0.0.1:0"));
    length = OK(mio_st_udp_socket_local_addr(socket, &address));
    copy = OK(dup(mio_st_udp_socket_fd(socket)));
    OK(mio_st_poller_register_udp_socket(poller, socket, 1, W, MIO_ST_LEVEL));
    OK(mio_st_poller_register_udp_socket(other, socket, 1, W, MIO_ST_LEVEL));
    OK(mio_st_udp_socket_connect(socket, (struct sockaddr *)&address, (socklen_t)length, &connected));
    test_wait(poller, 1, W);
    OK(mio_st_connected_udp_socket_disconnect(connected, &socket));
    test_wait(other, 1, W);
    OK(mio_st_udp_socket_close(socket));
    expect_nothing();
    EQUAL(mio_st_poller_poll(other, &event, 1, 0), 0);
    OK(mio_st_poller_close(other));
    OK(close(copy));
}

/* The bits of one kind are not a handle of another. */
static void kinds_are_not_taken_for_each_other(void)
{
    FOR_EACH_KIND(kind) {
        struct made made = kind->make();

        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            if (kinds[i].close == kind->close)
                continue;
            EQUAL(kinds[i].close(made.bits), -EBADF);
            if (kinds[i].fd)
                EQUAL(kinds[i].fd(made.bits), -EBADF);
        }
        unmake(kind, made);
    }
}

/* Behaviour 1, of a descriptor. */
static void descriptors_of_others_are_registered_alike(void)
{
    int fds[2], fd;

    OK(pipe(fds));
    EQUAL(write(fds[1], "x", 1), 1);
    fd = fds[0];
    EQUAL(mio_st_poller_reregister_fd(poller, fd, 1, R, MIO_ST_EDGE), -ENOENT);
    EQUAL(mio_st_poller_deregister_fd(poller, fd), -ENOENT);
    OK(mio_st_poller_register_fd(poller, fd, 2, R, MIO_ST_EDGE));
    EQUAL(mio_st_poller_register_fd(poller, fd, 3, R, MIO_ST_LEVEL), -EEXIST);
    test_wait(poller, 2, R);
    expect_nothing();
    OK(mio_st_poller_reregister_fd(poller, fd, 4, R, MIO_ST_ONESHOT));
    test_wait(poller, 4, R);
    expect_nothing();
    OK(mio_st_poller_deregister_fd(poller, fd));
    EQUAL(mio_st_poller_deregister_fd(poller, fd), -ENOENT);
    OK(close(fds[0]));
    OK(close(fds[1]));
}

/* Behaviour 1 */
static void what_is_watched_is_registered_as_asked_for(void)
{
    int fds[2], fd;

    OK(pipe(fds));
    EQUAL(write(fds[1], "x", 1), 1);
    fd = fds[0];
    for (int round = 0; round < 3; round++) {
        OK(mio_st_poller_watch_fd(poller, fd, 0, 0, 0));
        OK(mio_st_poller_watch_fd(poller, fd, 1, R, MIO_ST_LEVEL));
        test_wait(poller, 1, R);
        OK(mio_st_poller_watch_fd(poller, fd, UINT64_MAX, R, MIO_ST_EDGE));
        test_wait(poller, UINT64_MAX, R);
        expect_nothing();
        EQUAL(mio_st_poller_register_fd(poller, fd, 3, R, MIO_ST_LEVEL), -EEXIST);
        EQUAL(mio_st_poller_watch_fd(poller, fd, 3, MIO_ST_ERROR, MIO_ST_LEVEL), -EINVAL);
        EQUAL(mio_st_poller_watch_fd(poller, fd, 3, R, 0), -EINVAL);
        EQUAL(mio_st_poller_watch_fd(poller, fd, 3, R, MIO_ST_LEVEL | MIO_ST_EDGE), -EINVAL);
        EQUAL(mio_st_poller_watch_fd(poller, fd, 3, R, MIO_ST_LEVEL | MIO_ST_EXCLUSIVE), -EINVAL);
        expect_nothing();
        if (round == 1)
            OK(mio_st_poller_deregister_fd(poller, fd));
        else
            OK(mio_st_poller_watch_fd(poller, fd, 0, 0, 0));
        EQUAL(mio_st_poller_deregister_fd(poller, fd), -ENOENT);
    }
    /* Closed, and the number is that of the other end. */
    OK(mio_st_poller_watch_fd(poller, fd, 4, R, MIO_ST_LEVEL));
    OK(close(fd));
    EQUAL(mio_st_poller_watch_fd(poller, fd, 0, 0, 0), -EBADF);
    EQUAL(mio_st_poller_watch_fd(poller, fd, 4, R, MIO_ST_LEVEL), -EBADF);
    EQUAL(dup2(fds[1], fd), fd);
    OK(mio_st_poller_watch_fd(poller, fd, 5, W, MIO_ST_LEVEL));
    test_wait(poller, 5, MIO_ST_ERROR);
    OK(close(fd));
    OK(close(fds[1]));
    expect_nothing();
}

/* Behaviour 5: whoever has it now, and whatever copies there are of what was closed; with the table of the checks, too. */
static void a_number_that_was_closed_can_be_registered_at_once(uint32_t checks)
{
    static const uint32_t options[] = {MIO_ST_EDGE, MIO_ST_LEVEL, MIO_ST_ONESHOT};
    mio_st_event_t events[2];
    int old[2], new[2], copy;

    OK(mio_st_poller_set_checks(poller, checks));
    for (int i = 0; i < 6; i++) {
        uint32_t option = options[i % 3];
        int copied = i >= 3;

        OK(pipe(old));
        OK(pipe(new));
        EQUAL(write(old[1], "x", 1), 1);
        EQUAL(write(new[1], "x", 1), 1);
        copy = copied ? OK(dup(old[0])) : -1;
        OK(mio_st_poller_register_fd(poller, old[0], 1, R, option));
        OK(close(old[0]));
        EQUAL(mio_st_poller_register_fd(poller, old[0], 2, R, option), -EBADF);
        EQUAL(dup2(new[0], old[0]), old[0]);
        OK(mio_st_poller_register_fd(poller, old[0], 2, R, option));
        if (copied && mio_st_features() & MIO_ST_FEATURE_EPOLL) {
            /* The copy has kept the old registration, which nobody can end but by closing it. */
            EQUAL(mio_st_poller_poll(poller, events, 2, LONG), 2);
            EQUAL(events[0].id + events[1].id, 3);
        } else {
            EQUAL(mio_st_poller_poll(poller, events, 2, LONG), 1);
            EQUAL(events[0].id, 2);
        }
        OK(mio_st_poller_deregister_fd(poller, old[0]));
        if (copied)
            OK(close(copy));
        for (int j = 0; j < 2; j++) {
            OK(close(old[j]));
            OK(close(new[j]));
        }
        expect_nothing();
    }
    OK(mio_st_poller_set_checks(poller, 0));
}

/* Behaviour 2 */
static void a_bad_descriptor_is_an_error(void)
{
    char path[] = "/tmp/mio-st-test-XXXXXX";
    int file = OK(mkstemp(path)), folder = OK(open("/", O_RDONLY | O_CLOEXEC)), closed = OK(dup(file));
    const struct {
        const char *what;
        int fd, answer;
    } bad[] = {
        {"-1", -1, -EBADF},
        {"INT_MIN", INT_MIN, -EBADF},
        {"INT_MAX", INT_MAX, -EBADF},
        {"closed", closed, -EBADF},
        {"a file", file, -EPERM},
        {"a folder", folder, -EPERM},
    };

    OK(close(closed));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        test_row = bad[i].what;
        EQUAL(mio_st_poller_register_fd(poller, bad[i].fd, 1, R, MIO_ST_LEVEL), bad[i].answer);
        EQUAL(mio_st_poller_reregister_fd(poller, bad[i].fd, 1, R, MIO_ST_LEVEL), bad[i].answer);
        EQUAL(mio_st_poller_deregister_fd(poller, bad[i].fd), bad[i].answer);
        EQUAL(mio_st_poller_watch_fd(poller, bad[i].fd, 1, R, MIO_ST_LEVEL), bad[i].answer);
        EQUAL(mio_st_poller_watch_fd(poller, bad[i].fd, 1, 0, MIO_ST_LEVEL), bad[i].answer);
    }
    test_row = "";
    OK(unlink(path));
    OK(close(file));
    OK(close(folder));
    expect_nothing();
}

/* In itself, or in a circle, a poller is an error; in another it tells of its events. */
static void a_poller_is_a_descriptor_too(void)
{
    mio_st_poller_t inner;

    OK(mio_st_poller_new(&inner));
    EQUAL(mio_st_poller_register_fd(poller, mio_st_poller_fd(poller), 1, R, MIO_ST_EDGE), -EINVAL);
    OK(mio_st_poller_register_fd(poller, mio_st_poller_fd(inner), 1, R, MIO_ST_LEVEL));
    EQUAL(mio_st_poller_register_fd(inner, mio_st_poller_fd(poller), 1, R, MIO_ST_LEVEL), -ELOOP);
    FOR_EACH_KIND(kind) {
        struct made made;

        if (!kind->enlist)
            continue;
        made = kind->make();
        OK(kind->enlist(inner, made.bits, 2, kind->interests, MIO_ST_LEVEL));
        if (kind->rouse)
            kind->rouse(made);
        test_wait(poller, 1, R);
        test_wait(inner, 2, kind->readiness);
        unmake(kind, made);
        expect_nothing();
    }
    OK(mio_st_poller_close(inner));
}

/* Behaviour 40 */
static void an_exclusive_registration_has_its_rules(const struct kind *kind)
{
    const uint32_t interests = kind->interests, exclusive = MIO_ST_EDGE | MIO_ST_EXCLUSIVE;
    struct made made = kind->make();

    if (mio_st_features() & MIO_ST_FEATURE_KQUEUE) {
        EQUAL(kind->enlist(poller, made.bits, 1, interests, exclusive), -EOPNOTSUPP);
    } else {
        EQUAL(kind->enlist(poller, made.bits, 1, interests, MIO_ST_ONESHOT | MIO_ST_EXCLUSIVE), -EINVAL);
        EQUAL(kind->enlist(poller, made.bits, 1, interests | MIO_ST_PRIORITY, exclusive), -EINVAL);
        EQUAL(kind->enlist(poller, made.bits, 1, interests, MIO_ST_EXCLUSIVE), -EINVAL);
        OK(kind->enlist(poller, made.bits, 1, interests, exclusive));
        EQUAL(kind->enlist(poller, made.bits, 1, interests, exclusive), -EEXIST);
        EQUAL(kind->reenlist(poller, made.bits, 1, interests, MIO_ST_EDGE), -EINVAL);
        EQUAL(kind->reenlist(poller, made.bits, 1, interests, exclusive), -EINVAL);
        if (kind->rouse)
            kind->rouse(made);
        test_wait(poller, 1, kind->readiness);
        OK(kind->delist(poller, made.bits));
    }
    unmake(kind, made);
}

int main(void)
{
    OK(mio_st_poller_new(&poller));
    FOR_EACH_KIND(kind) {
        the_life_of_a_handle(kind);
        if (kind->enlist) {
            registering_twice_exists_and_what_is_not_registered_is_not_found(kind);
            what_is_no_interest_or_trigger_is_invalid(kind);
            an_exclusive_registration_has_its_rules(kind);
            a_closed_handle_gives_no_event_though_its_descriptor_was_copied(kind);
        }
        if (kind->enlist && kind->into_fd)
            a_registration_may_be_ended_through_the_descriptor(kind);
    }
    what_a_registered_socket_became_gives_no_event_once_closed();
    kinds_are_not_taken_for_each_other();
    descriptors_of_others_are_registered_alike();
    what_is_watched_is_registered_as_asked_for();
    a_number_that_was_closed_can_be_registered_at_once(0);
    a_number_that_was_closed_can_be_registered_at_once(MIO_ST_CHECK_ALL);
    a_bad_descriptor_is_an_error();
    a_poller_is_a_descriptor_too();
    OK(mio_st_poller_close(poller));
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
