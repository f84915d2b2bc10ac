/* Behaviours 43 and 44: programs with the bugs that the guide's "special problems" are about, and what is counted. */

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#endif

#include "test.h"

#define R MIO_ST_READABLE
#define W MIO_ST_WRITABLE

enum { ID = 7, OTHER = 8, TIMER = 9 };

static mio_st_poller_t poller;
static mio_st_unix_stream_t stream, peer;

/* What a program has open beside them. */
static int kept[8];
static size_t kept_count;
static mio_st_poller_t inner;
static mio_st_tcp_stream_t client;
static mio_st_tcp_listener_t listener;
static mio_st_udp_socket_t receiver, sender;
static mio_st_signals_t signals;
static mio_st_process_t process;
static pid_t child;
static struct rlimit before;

static int keep(int fd)
{
    kept[kept_count++] = OK(fd);
    return fd;
}

static void open_poller(uint32_t checks)
{
    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_set_checks(poller, checks));
    OK(mio_st_unix_stream_pair(&stream, &peer));
}

static void close_poller(void)
{
    if (before.rlim_cur != 0)
        OK(setrlimit(RLIMIT_NOFILE, &before));
    before.rlim_cur = 0;
    OK(mio_st_unix_stream_close(stream));
    OK(mio_st_unix_stream_close(peer));
    OK(mio_st_poller_close(poller));
    OK(mio_st_poller_close(inner));
    OK(mio_st_tcp_stream_close(client));
    OK(mio_st_tcp_listener_close(listener));
    OK(mio_st_udp_socket_close(receiver));
    OK(mio_st_udp_socket_close(sender));
    while (signals.bits != 0 && mio_st_signals_receive(signals) > 0)
        continue; /* what is pending would end the program */
    OK(mio_st_signals_close(signals));
    OK(mio_st_process_close(process));
    inner.bits = client.bits = listener.bits = receiver.bits = sender.bits = signals.bits = process.bits = 0;
    while (kept_count > 0)
        OK(close(kept[--kept_count]));
    if (child != 0) {
        OK(kill(child, SIGKILL));
        OK(waitpid(child, NULL, 0));
    }
    child = 0;
}

/* What checks ask the system, and are refused, is not to be seen in errno. */
static int poll_once(void)
{
    mio_st_event_t events[8];
    int count;

    errno = ERANGE;
    count = OK(mio_st_poller_poll(poller, events, 8, MILLISECONDS(2)));
    EQUAL(errno, ERANGE);
    return count;
}

/* The program goes on as before, and gets this complaint, once. */
static void expect(uint32_t problem, uint64_t id, int fd)
{
    mio_st_complaint_t complaint = {0, 0, 0, 0, 0};
    uint64_t now;
    int found = 0;

    for (int i = 0; i < 3000 && !found; i++) {
        (void)poll_once();
        found = OK(mio_st_poller_next_complaint(poller, &complaint, sizeof complaint));
    }
    EQUAL(found, 1);
    EQUAL(complaint.problem, problem);
    EQUAL(complaint.id, id);
    EQUAL(complaint.fd, fd);
    EQUAL(complaint.count >= 1, 1);
    OK(mio_st_poller_now(poller, &now));
    EQUAL(complaint.time_ns != 0 && complaint.time_ns <= now, 1);
    for (int i = 0; i < 1100 && poll_once() > 0; i++)
        continue;
    EQUAL(mio_st_poller_next_complaint(poller, &complaint, sizeof complaint), 0);
}

/* The bugs: what a program does until it goes on as if nothing was wrong. Each returns the descriptor that is complained
 * of, whose id is ID, or -1 if it cannot be had. */

static int register_stream(uint32_t interests, uint32_t option)
{
    OK(mio_st_poller_register_unix_stream(poller, stream, ID, interests, option));
    return mio_st_unix_stream_fd(stream);
}

static int register_fd(int fd, uint32_t interests, uint32_t option)
{
    OK(mio_st_poller_register_fd(poller, fd, ID, interests, option));
    return fd;
}

static int a_stream_is_read_in_part(void)
{
    int fd = register_stream(R | W, MIO_ST_EDGE);
    char letters[4];

    EQUAL(mio_st_unix_stream_write(peer, "more than that", 14), 14);
    test_wait(poller, ID, R);
    EQUAL(mio_st_unix_stream_read(stream, letters, 4), 4);
    return fd;
}

static int what_came_before_the_end_is_left(void)
{
    int fd = register_stream(R, MIO_ST_EDGE);

    EQUAL(mio_st_unix_stream_write(peer, "the last words", 14), 14);
    OK(mio_st_unix_stream_shutdown(peer, SHUT_WR));
    test_wait(poller, ID, R | MIO_ST_READ_CLOSED);
    return fd;
}

static int one_of_two_is_accepted(void)
{
    struct sockaddr_storage address;
    socklen_t length;

    OK(mio_st_tcp_listener_bind_str(&listener, "127.0.0.1:0"));
    length = (socklen_t)OK(mio_st_tcp_listener_local_addr(listener, &address));
    OK(mio_st_poller_register_tcp_listener(poller, listener, ID, R, MIO_ST_EDGE));
    for (int i = 0; i < 2; i++)
        OK(connect(keep(socket(AF_INET, SOCK_STREAM, 0)), (struct sockaddr *)&address, length));
    test_wait(poller, ID, R);
    OK(mio_st_tcp_listener_accept(listener, &client, NULL));
    return mio_st_tcp_listener_fd(listener);
}

static int nobody_drains_another_librarys(void)
{
#ifdef __linux__
    int fd = register_fd(keep(eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC)), R, MIO_ST_EDGE);

    test_wait(poller, ID, R);
    return fd;
#else
    return -1;
#endif
}

static int an_interest_in_writing_is_kept(void)
{
    return register_stream(R | W, MIO_ST_LEVEL);
}

static int nothing_is_read(void)
{
    EQUAL(mio_st_unix_stream_write(peer, "x", 1), 1);
    return register_stream(R, MIO_ST_LEVEL);
}

static int a_hang_up_is_left_registered(void)
{
    OK(mio_st_unix_stream_shutdown(peer, SHUT_RDWR));
    return register_stream(R, MIO_ST_LEVEL);
}

static int a_handle_is_paused_by_level(void)
{
    OK(mio_st_unix_stream_shutdown(peer, SHUT_RDWR));
    return register_stream(0, MIO_ST_LEVEL);
}

static int a_listener_does_not_accept(void)
{
    struct sockaddr_storage address;
    socklen_t length;

    OK(mio_st_tcp_listener_bind_str(&listener, "127.0.0.1:0"));
    length = (socklen_t)OK(mio_st_tcp_listener_local_addr(listener, &address));
    OK(connect(keep(socket(AF_INET, SOCK_STREAM, 0)), (struct sockaddr *)&address, length));
    OK(mio_st_poller_register_tcp_listener(poller, listener, ID, R, MIO_ST_LEVEL));
    return mio_st_tcp_listener_fd(listener);
}

static int a_oneshot_is_not_armed_again(void)
{
    int fd = register_stream(R, MIO_ST_ONESHOT);

    OK(mio_st_poller_set_clock(poller, MIO_ST_CLOCK_AUTOMATIC));
    EQUAL(mio_st_unix_stream_write(peer, "x", 1), 1);
    /* What was registered before the clock was set is known, too. */
    test_wait(poller, ID, R);
    OK(mio_st_poller_advance(poller, SECONDS(10)));
    return fd;
}

static int an_end_is_read_and_left(void)
{
    int fd = register_stream(R, MIO_ST_LEVEL);
    char letter;

    OK(mio_st_unix_stream_shutdown(peer, SHUT_WR));
    test_wait(poller, ID, R | MIO_ST_READ_CLOSED);
    EQUAL(mio_st_unix_stream_read(stream, &letter, 1), 0);
    return fd;
}

static int a_pipe_has_no_writer(void)
{
    int fds[2];

    OK(pipe(fds));
    OK(close(fds[1]));
    return register_fd(keep(fds[0]), R, MIO_ST_LEVEL);
}

static int a_refusal_is_left_registered(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int nobody = keep(socket(AF_INET, SOCK_STREAM, 0));

    /* It has the port, so that nobody else gets it, and does not listen. */
    OK(bind(nobody, (struct sockaddr *)&address, length));
    OK(getsockname(nobody, (struct sockaddr *)&address, &length));
    OK(mio_st_tcp_stream_connect(&client, (struct sockaddr *)&address, length));
    OK(mio_st_poller_register_tcp_stream(poller, client, ID, R | W, MIO_ST_LEVEL));
    return mio_st_tcp_stream_fd(client);
}

static int there_are_too_many_descriptors(void)
{
    struct rlimit none;
    int fd, next;

    if (getenv("UNDER_VALGRIND")) /* which accepts, closes it and then says so */
        return -1;
    fd = a_listener_does_not_accept();
    next = OK(dup(fd));
    OK(close(next));
    OK(getrlimit(RLIMIT_NOFILE, &before));
    none = before;
    none.rlim_cur = (rlim_t)next;
    OK(setrlimit(RLIMIT_NOFILE, &none));
    EQUAL(mio_st_tcp_listener_accept(listener, &client, NULL), -EMFILE);
    return fd;
}

static int a_pipe_has_no_reader(void)
{
    int fds[2];

    OK(pipe(fds));
    OK(close(fds[0]));
    return register_fd(keep(fds[1]), W, MIO_ST_LEVEL);
}

static int a_descriptor_is_closed_that_has_a_copy(void)
{
    int fds[2];

    OK(pipe(fds));
    keep(dup(fds[0]));
    register_fd(fds[0], R, MIO_ST_LEVEL);
    EQUAL(write(keep(fds[1]), "x", 1), 1);
    OK(close(fds[0]));
    return fds[0];
}

static int one_of_two_signals_is_received(void)
{
    const int numbers[] = {SIGUSR1, SIGUSR2};

    OK(mio_st_signals_new(&signals, numbers, 2));
    OK(mio_st_poller_register_signals(poller, signals, ID, R, MIO_ST_EDGE));
    OK(raise(SIGUSR1));
    OK(raise(SIGUSR2));
    test_wait(poller, ID, R);
    EQUAL(mio_st_signals_receive(signals) > 0, 1);
    return mio_st_signals_fd(signals);
}

static int an_exit_is_left_registered(void)
{
    int result;

    child = OK(fork());
    if (child == 0)
        _exit(0);
    result = mio_st_process_from_pid(&process, child);
    if (result == -ENOSYS) /* Valgrind knows no pidfd_open(2). */
        return -1;
    OK(result);
    OK(mio_st_poller_register_process(poller, process, ID, R, MIO_ST_LEVEL));
    test_wait(poller, ID, R);
    return mio_st_process_fd(process);
}

static int a_child_has_a_copy(void)
{
    int fds[2];

    OK(pipe(fds));
    register_fd(fds[0], R, MIO_ST_LEVEL);
    child = OK(fork());
    while (child == 0)
        (void)pause();
    EQUAL(write(keep(fds[1]), "x", 1), 1);
    OK(close(fds[0]));
    return fds[0];
}

static int one_of_two_datagrams_is_received(void)
{
    struct sockaddr_storage address;
    socklen_t length;
    char letter;

    OK(mio_st_udp_socket_bind_str(&receiver, "127.0.0.1:0"));
    OK(mio_st_udp_socket_bind_str(&sender, "127.0.0.1:0"));
    length = (socklen_t)OK(mio_st_udp_socket_local_addr(receiver, &address));
    OK(mio_st_poller_register_udp_socket(poller, receiver, ID, R, MIO_ST_EDGE));
    for (int i = 0; i < 2; i++)
        EQUAL(mio_st_udp_socket_send_to(sender, "x", 1, (struct sockaddr *)&address, length), 1);
    test_wait(poller, ID, R);
    EQUAL(mio_st_udp_socket_recv_from(receiver, &letter, 1, NULL, NULL), 1);
    return mio_st_udp_socket_fd(receiver);
}

static int an_error_queue_is_not_read(void)
{
#ifdef __linux__
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int nobody = keep(socket(AF_INET, SOCK_DGRAM, 0));
    int fd = keep(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    int on = 1;

    OK(bind(nobody, (struct sockaddr *)&address, length));
    OK(getsockname(nobody, (struct sockaddr *)&address, &length));
    /* It has the port, so that nobody else gets it, and hears nobody but itself. */
    OK(connect(nobody, (struct sockaddr *)&address, length));
    OK(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on));
    OK(connect(fd, (struct sockaddr *)&address, length));
    EQUAL(send(fd, "x", 1, 0), 1);
    return register_fd(fd, R, MIO_ST_LEVEL);
#else
    return -1;
#endif
}

static int a_unix_listener_does_not_accept(void)
{
#ifdef __linux__
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof address;
    int fd = keep(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));

    OK(bind(fd, (struct sockaddr *)&address, sizeof address.sun_family));
    OK(listen(fd, 1));
    OK(getsockname(fd, (struct sockaddr *)&address, &length));
    OK(connect(keep(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&address, length));
    return register_fd(fd, R, MIO_ST_LEVEL);
#else
    return -1;
#endif
}

static int a_poller_in_another_is_registered_by_edge(void)
{
    mio_st_event_t event;
    int fds[2], fd;

    OK(mio_st_poller_new(&inner));
    fd = register_fd(mio_st_poller_fd(inner), R, MIO_ST_EDGE);
    for (int i = 0; i < 2; i++) {
        OK(pipe(fds));
        OK(mio_st_poller_register_fd(inner, keep(fds[0]), OTHER, R, MIO_ST_EDGE));
        EQUAL(write(keep(fds[1]), "x", 1), 1);
    }
    test_wait(poller, ID, R);
    EQUAL(mio_st_poller_poll(inner, &event, 1, 0), 1);
    return fd;
}

static int a_timer_descriptor_is_not_read(void)
{
#ifdef __linux__
    const struct itimerspec soon = {{0, 0}, {0, 1}};
    int fd = keep(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));

    OK(timerfd_settime(fd, 0, &soon, NULL));
    return register_fd(fd, R, MIO_ST_LEVEL);
#else
    return -1;
#endif
}

static int the_program_stays_away(void)
{
    const struct timespec second = {1, 10000000};

    EQUAL(poll_once(), 0);
    OK(mio_st_poller_add_timeout(poller, TIMER, 1, NULL));
    OK(nanosleep(&second, NULL));
    return -1;
}

/* In the order of the guide's chapters. */
enum { EVERYWHERE, EPOLL };

static const struct bug {
    const char *chapter;
    int (*program)(void);
    uint32_t problem;
    int where;
} bugs[] = {
    {"draining an edge", a_stream_is_read_in_part, MIO_ST_PROBLEM_UNDRAINED, EVERYWHERE},
    {"draining an edge, and its end", what_came_before_the_end_is_left, MIO_ST_PROBLEM_UNDRAINED, EVERYWHERE},
    {"draining an edge, a listener", one_of_two_is_accepted, MIO_ST_PROBLEM_UNDRAINED, EVERYWHERE},
    {"writing", an_interest_in_writing_is_kept, MIO_ST_PROBLEM_SPINNING, EPOLL},
    {"level triggers", nothing_is_read, MIO_ST_PROBLEM_SPINNING, EVERYWHERE},
    {"level triggers, HUP", a_hang_up_is_left_registered, MIO_ST_PROBLEM_SPINNING, EVERYWHERE},
    {"level triggers, pausing", a_handle_is_paused_by_level, MIO_ST_PROBLEM_SPINNING, EPOLL},
    {"level triggers, a listener", a_listener_does_not_accept, MIO_ST_PROBLEM_SPINNING, EVERYWHERE},
    {"oneshot", a_oneshot_is_not_armed_again, MIO_ST_PROBLEM_FORGOTTEN, EVERYWHERE},
    {"the half-closed peer", an_end_is_read_and_left, MIO_ST_PROBLEM_SPINNING, EVERYWHERE},
    {"the half-closed peer, a pipe", a_pipe_has_no_writer, MIO_ST_PROBLEM_SPINNING, EVERYWHERE},
    {"connecting", a_refusal_is_left_registered, MIO_ST_PROBLEM_SPINNING, EPOLL},
    {"too many descriptors", there_are_too_many_descriptors, MIO_ST_PROBLEM_SPINNING, EVERYWHERE},
    {"SIGPIPE", a_pipe_has_no_reader, MIO_ST_PROBLEM_SPINNING, EPOLL},
    {"stale events", a_descriptor_is_closed_that_has_a_copy, MIO_ST_PROBLEM_CLOSED, EPOLL},
    {"signals", one_of_two_signals_is_received, MIO_ST_PROBLEM_UNDRAINED, EPOLL},
    {"processes", an_exit_is_left_registered, MIO_ST_PROBLEM_SPINNING, EPOLL},
    {"fork", a_child_has_a_copy, MIO_ST_PROBLEM_CLOSED, EPOLL},
    {"UDP", one_of_two_datagrams_is_received, MIO_ST_PROBLEM_UNDRAINED, EVERYWHERE},
    {"UDP, its error queue", an_error_queue_is_not_read, MIO_ST_PROBLEM_SPINNING, EPOLL},
    {"Unix sockets", a_unix_listener_does_not_accept, MIO_ST_PROBLEM_SPINNING, EPOLL},
    {"embedding, a poller", a_poller_in_another_is_registered_by_edge, MIO_ST_PROBLEM_UNDRAINED, EPOLL},
    {"embedding, another library", nobody_drains_another_librarys, MIO_ST_PROBLEM_UNDRAINED, EPOLL},
    {"embedding, a descriptor by level", a_timer_descriptor_is_not_read, MIO_ST_PROBLEM_SPINNING, EPOLL},
    {"stalling", the_program_stays_away, MIO_ST_PROBLEM_STALLED, EVERYWHERE},
};

static void each_bug_has_its_complaint_once(void)
{
    for (size_t i = 0; i < sizeof bugs / sizeof *bugs; i++) {
        const struct bug *bug = &bugs[i];
        int stalls = bug->problem == MIO_ST_PROBLEM_STALLED;
        int fd;

        if (bug->where == EPOLL && (mio_st_features() & MIO_ST_FEATURE_KQUEUE))
            continue;
        test_row = bug->chapter;
        /* A busy machine may keep any program from its poll. */
        open_poller(stalls ? MIO_ST_CHECK_ALL : MIO_ST_CHECK_ALL & ~(uint32_t)MIO_ST_CHECK_STALLED);
        fd = bug->program();
        if (fd >= 0 || stalls)
            expect(bug->problem, stalls ? 0 : ID, fd);
        close_poller();
    }
    test_row = "";
}

/* Without a bug there is nothing to say. */
static void nothing_is_wrong(void)
{
    mio_st_complaint_t complaint;
    char letters[8];

    open_poller(MIO_ST_CHECK_ALL);
    OK(mio_st_poller_register_unix_stream(poller, stream, ID, R | W, MIO_ST_EDGE));
    for (int i = 0; i < 10; i++) {
        EQUAL(mio_st_unix_stream_write(peer, "x", 1), 1);
        test_wait(poller, ID, R);
        EQUAL(mio_st_unix_stream_read(stream, letters, 8), 1);
        EQUAL(mio_st_unix_stream_read(stream, letters, 8), -EAGAIN);
        EQUAL(poll_once(), 0);
    }
    OK(mio_st_unix_stream_shutdown(peer, SHUT_WR));
    test_wait(poller, ID, R | MIO_ST_READ_CLOSED);
    EQUAL(poll_once(), 0);
    EQUAL(mio_st_poller_next_complaint(poller, &complaint, sizeof complaint), 0);
    EQUAL(mio_st_poller_next_complaint(poller, NULL, sizeof complaint), -EINVAL);
    EQUAL(mio_st_poller_next_complaint(poller, &complaint, 0), -EINVAL);
    EQUAL(mio_st_poller_set_checks(poller, MIO_ST_CHECK_ALL + 1), -EINVAL);
    close_poller();
}

static void each_problem_has_its_text(void)
{
    const char *first = mio_st_complaint_text(MIO_ST_PROBLEM_UNDRAINED);

    for (uint32_t problem = MIO_ST_PROBLEM_UNDRAINED; problem <= MIO_ST_PROBLEM_STALLED; problem++) {
        EQUAL(strstr(mio_st_complaint_text(problem), "guide: Special problems of ") != NULL, 1);
        EQUAL(problem == MIO_ST_PROBLEM_UNDRAINED || strcmp(mio_st_complaint_text(problem), first) != 0, 1);
    }
    EQUAL(strcmp(mio_st_complaint_text(0), "unknown problem"), 0);
    EQUAL(strcmp(mio_st_complaint_text(UINT32_MAX), "unknown problem"), 0);
}

static void what_a_poll_handed_out_is_counted(void)
{
    struct {
        mio_st_stats_t known;
        uint64_t later;
    } stats;
    mio_st_awakener_t awakener;
    uint64_t late = 0;

    open_poller(0);
    memset(&stats, 0xa5, sizeof stats);
    OK(mio_st_poller_stats(poller, &stats.known, sizeof stats.known));
    EQUAL(stats.known.polls, 0);
    OK(mio_st_poller_set_stats(poller, 1));
    OK(mio_st_poller_register_unix_stream(poller, stream, ID, R, MIO_ST_EDGE));
    EQUAL(mio_st_unix_stream_write(peer, "x", 1), 1);
    OK(mio_st_poller_notify(poller, ID, R));
    EQUAL(poll_once(), 2);
    OK(mio_st_poller_add_timeout(poller, TIMER, 1000, NULL));
    while (poll_once() == 0)
        continue;
    EQUAL(poll_once(), 0);
    OK(mio_st_awakener_new(&awakener, poller, OTHER));
    for (int i = 0; i < 3; i++)
        OK(mio_st_awakener_wake(awakener));
    EQUAL(poll_once(), 1);
    OK(mio_st_awakener_wake(awakener));
    EQUAL(poll_once(), 1);
    OK(mio_st_poller_stats(poller, &stats.known, sizeof stats));
    EQUAL(stats.known.wakes, 4);
    EQUAL(stats.known.wakes_coalesced, 2);
    EQUAL(stats.known.polls >= 3 && stats.known.waits >= 1 && stats.known.waits < stats.known.polls, 1);
    EQUAL(stats.known.system_events, 3);
    EQUAL(stats.known.notifications, 1);
    EQUAL(stats.known.deadlines, 1);
    EQUAL(stats.known.fullest_batch, 2);
    EQUAL(stats.known.waiting_ns >= MILLISECONDS(2) && stats.known.outside_ns > 0, 1);
    for (unsigned n = 0; n < MIO_ST_STATS_LATENESS; n++)
        late += stats.known.lateness[n];
    EQUAL(late, 1);
    EQUAL(stats.later, 0);
    /* A program of an older header, which has less room. */
    stats.known.waits = 77;
    OK(mio_st_poller_stats(poller, &stats.known, 8));
    EQUAL(stats.known.waits, 77);
    EQUAL(mio_st_poller_stats(poller, NULL, 8), -EINVAL);
    EQUAL(mio_st_poller_stats(poller, &stats.known, 0), -EINVAL);
    OK(mio_st_awakener_close(awakener));
    OK(mio_st_poller_set_stats(poller, 0));
    OK(mio_st_poller_stats(poller, &stats.known, sizeof stats.known));
    EQUAL(stats.known.polls, 0);
    close_poller();
}

int main(void)
{
    each_bug_has_its_complaint_once();
    nothing_is_wrong();
    each_problem_has_its_text();
    what_a_poll_handed_out_is_counted();
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
