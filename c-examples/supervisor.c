/*
 * Starts programs, starts those again that fail, and ends all of them when it is ended. To try it:
 *
 *     $ ./supervisor 'echo at work; sleep 1; exit 1' 'sleep 1000'
 *
 * Each argument is a command of the shell. One that fails is started again after 100 ms, then after 200, and so on to
 * 10 seconds at most; one that has run for so long begins anew. One that succeeds is not started again, and when none is
 * left the supervisor ends, too. After SIGTERM or Ctrl-C all are told to end, and those who do not are killed: after 5
 * seconds, or as many milliseconds as the variable GRACE says.
 *
 * Each command has a process group of its own, so that what it has started ends with it.
 */

#define _POSIX_C_SOURCE 200809L /* kill */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mio_st/loop.h>

#include "testing.h"

enum { MAX_CHILDREN = 64 };

static const uint64_t SHORTEST_PAUSE = 100000000, LONGEST_PAUSE = 10000000000;

struct child {
    mio_st_timer_t again;
    const char *command;
    pid_t pid; /* 0 while it does not run */
    int waits; /* to be started again */
    uint64_t started, pause;
};

static mio_st_loop_t loop;
static mio_st_signals_t signals;
static mio_st_source_t on_signals, on_clock;
static mio_st_timer_t grace;
static struct child children[MAX_CHILDREN];
static int count, left; /* to run, now or later */
static int stopping;

static int check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "supervisor: %s: %s\n", what, mio_st_strerror(result));
        exit(1);
    }
    return result;
}

static uint64_t now(void)
{
    uint64_t time = 0;
    check(mio_st_poller_now(loop.poller, &time), "clock");
    return time;
}

/* For all that it has started, too. */
static void send_signal(const struct child *child, int number)
{
    if (child->pid > 0)
        kill(-child->pid, number);
}

/* Starts it after a pause, which is longer each time. */
static void start_again(struct child *child)
{
    if (now() - child->started >= LONGEST_PAUSE)
        child->pause = SHORTEST_PAUSE;
    child->waits = 1;
    printf("%d starts again in %d ms\n", (int)(child - children), (int)(child->pause / 1000000));
    check(mio_st_timer_start(&loop, &child->again, child->pause), "deadline");
    child->pause = child->pause * 2 < LONGEST_PAUSE ? child->pause * 2 : LONGEST_PAUSE;
}

static void start(struct child *child)
{
    child->waits = 0;
    child->started = now();
    child->pid = fork();
    if (child->pid == 0) {
        setpgid(0, 0);
        execl("/bin/sh", "sh", "-c", child->command, (char *)NULL);
        _exit(127);
    }
    if (child->pid < 0) { /* there are too many processes */
        printf("%d does not start: %s\n", (int)(child - children), mio_st_strerror(-errno));
        child->pid = 0;
        start_again(child);
    } else {
        setpgid(child->pid, child->pid); /* here too: who comes first is not known */
        printf("%d is process %ld\n", (int)(child - children), (long)child->pid);
    }
    fflush(stdout);
}

static void on_again(mio_st_source_t *source, uint32_t readiness)
{
    (void)readiness;
    start(MIO_ST_CONTAINER(source, struct child, again.source));
}

static void on_exit_of(struct child *child, int status)
{
    if (WIFSIGNALED(status))
        printf("%d ended by signal %d\n", (int)(child - children), WTERMSIG(status));
    else
        printf("%d ended with status %d\n", (int)(child - children), WEXITSTATUS(status));
    send_signal(child, stopping ? SIGKILL : SIGTERM); /* whom it has left behind */
    child->pid = 0;
    if (stopping || status == 0)
        left--;
    else
        start_again(child);
    fflush(stdout);
}

/* Signals are not counted: one may stand for several children. */
static void reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < count; i++)
            if (children[i].pid == pid)
                on_exit_of(&children[i], status);
}

static void on_grace(mio_st_source_t *source, uint32_t readiness)
{
    (void)source, (void)readiness;
    for (int i = 0; i < count; i++)
        send_signal(&children[i], SIGKILL);
}

static void stop(void)
{
    const char *milliseconds = getenv("GRACE");
    if (stopping)
        return;
    stopping = 1;
    puts("stopping");
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        left -= children[i].waits;
        mio_st_timer_stop(&loop, &children[i].again);
        send_signal(&children[i], SIGTERM);
    }
    grace.source.on_event = on_grace;
    check(mio_st_timer_start(&loop, &grace, (milliseconds ? strtoull(milliseconds, NULL, 10) : 5000) * 1000000),
          "deadline");
}

static void receive_signals(mio_st_source_t *source, uint32_t readiness)
{
    int number;
    (void)source, (void)readiness;
    while ((number = mio_st_signals_receive(signals)) > 0) {
        if (number == SIGCHLD)
            reap();
        else
            stop();
    }
}

static void on_line(mio_st_source_t *source, uint32_t readiness)
{
    (void)source, (void)readiness;
    check(move_time(loop.poller), "clock");
}

int main(int argc, char **argv)
{
    const int numbers[] = {SIGINT, SIGTERM, SIGCHLD};
    if (argc < 2 || argc > MAX_CHILDREN) {
        fprintf(stderr, "usage: supervisor COMMAND...\n");
        return 2;
    }
    check(mio_st_poller_new(&loop.poller), "poller");
    check(look_for_mistakes(loop.poller), "checks");
    on_clock.on_event = on_line;
    check(drive_clock(loop.poller, mio_st_source_id(&on_clock)), "clock");
    check(mio_st_signals_new(&signals, numbers, 3), "signals");
    on_signals.on_event = receive_signals;
    check(mio_st_poller_register_signals(loop.poller, signals, mio_st_source_id(&on_signals), MIO_ST_READABLE,
                                         MIO_ST_EDGE), "signals");
    count = left = argc - 1;
    for (int i = 0; i < count; i++) {
        children[i].command = argv[i + 1];
        children[i].pause = SHORTEST_PAUSE;
        children[i].again.source.on_event = on_again;
        start(&children[i]);
    }
    while (left > 0) {
        check(mio_st_loop_turn(&loop, -1), "poll");
        print_complaints(loop.poller);
    }
    mio_st_timer_stop(&loop, &grace);
    mio_st_signals_close(signals);
    mio_st_poller_close(loop.poller);
    return mio_st_live_handles() == 0 ? 0 : 2;
}
