/* Behaviours 43 and 44: programs with the bugs that the guide's "special problems" are about, and what is counted. */

#include <fcntl.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include "test.h"

#define R MIO_ST_READABLE
#define W MIO_ST_WRITABLE

enum { ID = 7, OTHER = 8, TIMER = 9 };

static mio_st_poller_t poller;
static mio_st_unix_stream_t stream, peer;

static void open_poller(uint32_t checks)
{
    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_set_checks(poller, checks));
    OK(mio_st_unix_stream_pair(&stream, &peer));
}

static void close_poller(void)
{
    OK(mio_st_unix_stream_close(stream));
    OK(mio_st_unix_stream_close(peer));
    OK(mio_st_poller_close(poller));
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
static void expect(const char *row, uint32_t problem, uint64_t id, int fd)
{
    mio_st_complaint_t complaint = {0, 0, 0, 0, 0};
    uint64_t now;
    int found = 0;

    test_row = row;
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
    close_poller();
    test_row = "";
}

static void an_edge_is_not_drained(void)
{
    char letters[4];
#ifdef __linux__
    int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
#endif

    open_poller(MIO_ST_CHECK_ALL);
    OK(mio_st_poller_register_unix_stream(poller, stream, ID, R | W, MIO_ST_EDGE));
    EQUAL(mio_st_unix_stream_write(peer, "more than that", 14), 14);
    test_wait(poller, ID, R);
    EQUAL(mio_st_unix_stream_read(stream, letters, 4), 4);
    expect("a stream", MIO_ST_PROBLEM_UNDRAINED, ID, mio_st_unix_stream_fd(stream));

#ifdef __linux__
    open_poller(MIO_ST_CHECK_UNDRAINED);
    OK(mio_st_poller_register_fd(poller, fd, OTHER, R, MIO_ST_EDGE));
    test_wait(poller, OTHER, R);
    expect("an eventfd", MIO_ST_PROBLEM_UNDRAINED, OTHER, fd);
    OK(close(fd));
#endif
}

static void a_level_spins(void)
{
    open_poller(MIO_ST_CHECK_ALL);
    OK(mio_st_poller_register_unix_stream(poller, stream, ID, R | W, MIO_ST_LEVEL));
    expect("writing", MIO_ST_PROBLEM_SPINNING, ID, mio_st_unix_stream_fd(stream));

    open_poller(MIO_ST_CHECK_SPINNING);
    OK(mio_st_poller_register_unix_stream(poller, stream, ID, R, MIO_ST_LEVEL));
    OK(mio_st_unix_stream_shutdown(peer, SHUT_RDWR));
    expect("a hang-up", MIO_ST_PROBLEM_SPINNING, ID, mio_st_unix_stream_fd(stream));
}

static void a_oneshot_is_forgotten(void)
{
    open_poller(MIO_ST_CHECK_ALL);
    OK(mio_st_poller_set_clock(poller, MIO_ST_CLOCK_AUTOMATIC));
    OK(mio_st_poller_register_unix_stream(poller, stream, ID, R, MIO_ST_ONESHOT));
    EQUAL(mio_st_unix_stream_write(peer, "x", 1), 1);
    test_wait(poller, ID, R);
    OK(mio_st_poller_advance(poller, SECONDS(10)));
    expect("oneshot", MIO_ST_PROBLEM_FORGOTTEN, ID, mio_st_unix_stream_fd(stream));
}

static void a_closed_descriptor_has_a_copy(void)
{
    int fds[2], copy;

    open_poller(MIO_ST_CHECK_ALL);
    OK(pipe(fds));
    copy = OK(dup(fds[0]));
    OK(mio_st_poller_register_fd(poller, fds[0], OTHER, R, MIO_ST_LEVEL));
    EQUAL(write(fds[1], "x", 1), 1);
    OK(close(fds[0]));
    /* Where a registration is the descriptor's it has ended. */
    if (mio_st_features() & MIO_ST_FEATURE_KQUEUE)
        close_poller();
    else
        expect("a pipe", MIO_ST_PROBLEM_CLOSED, OTHER, fds[0]);
    OK(close(fds[1]));
    OK(close(copy));
}

static void the_program_stays_away(void)
{
    const struct timespec second = {1, 10000000};

    open_poller(MIO_ST_CHECK_STALLED);
    EQUAL(poll_once(), 0);
    OK(mio_st_poller_add_timeout(poller, TIMER, 1, NULL));
    OK(nanosleep(&second, NULL));
    expect("stalled", MIO_ST_PROBLEM_STALLED, 0, -1);
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
    OK(mio_st_poller_stats(poller, &stats.known, sizeof stats));
    EQUAL(stats.known.polls >= 3 && stats.known.waits >= 1 && stats.known.waits < stats.known.polls, 1);
    EQUAL(stats.known.system_events, 1);
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
    OK(mio_st_poller_set_stats(poller, 0));
    OK(mio_st_poller_stats(poller, &stats.known, sizeof stats.known));
    EQUAL(stats.known.polls, 0);
    close_poller();
}

int main(void)
{
    an_edge_is_not_drained();
    a_level_spins();
    a_oneshot_is_forgotten();
    a_closed_descriptor_has_a_copy();
    the_program_stays_away();
    nothing_is_wrong();
    each_problem_has_its_text();
    what_a_poll_handed_out_is_counted();
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
