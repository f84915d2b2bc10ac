/* Signals and the exit of a child, as events. */

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "test.h"

extern char **environ;

static mio_st_poller_t poller;

static int is_handled(int number)
{
    struct sigaction action;
    sigset_t mask;

    OK(-pthread_sigmask(SIG_BLOCK, NULL, &mask));
    EQUAL(sigismember(&mask, number), 0);
    OK(sigaction(number, NULL, &action));
    return action.sa_handler != SIG_DFL;
}

static void signals_are_received_while_the_handle_is_open(void)
{
    const int numbers[] = {SIGUSR1, SIGTERM}, none[] = {SIGKILL}, unknown[] = {-1}, far[] = {1000};
    mio_st_signals_t signals, second;
    mio_st_event_t event;

    EQUAL(mio_st_signals_new(&signals, numbers, 0), -EINVAL);
    EQUAL(mio_st_signals_new(&signals, none, 1), -EINVAL);
    EQUAL(mio_st_signals_new(&signals, unknown, 1), -EINVAL);
    EQUAL(mio_st_signals_new(&signals, far, 1), -EINVAL);
    EQUAL(is_handled(SIGTERM), 0);
    OK(mio_st_signals_new(&signals, numbers, 2));
    OK(mio_st_signals_new(&second, numbers + 1, 1));
    EQUAL(is_handled(SIGTERM), 1);
    OK(mio_st_poller_register_signals(poller, signals, 5, MIO_ST_READABLE, MIO_ST_LEVEL));
    EQUAL(mio_st_signals_receive(signals), -EAGAIN);
    OK(kill(getpid(), SIGTERM));
    EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
    EQUAL(event.id, 5);
    EQUAL(mio_st_signals_receive(signals), SIGTERM);
    EQUAL(mio_st_signals_receive(signals), -EAGAIN);
    EQUAL(mio_st_signals_receive(second), SIGTERM);
    EQUAL(mio_st_signals_receive(second), -EAGAIN);
    OK(mio_st_signals_close(signals));
    EQUAL(is_handled(SIGUSR1), 0);
    EQUAL(is_handled(SIGTERM), 1);
    OK(mio_st_signals_close(second));
    EQUAL(is_handled(SIGTERM), 0);
    EQUAL(mio_st_signals_receive(second), -EBADF);
}

static void signals_say_who_and_what_and_are_added_and_removed(void)
{
    const int numbers[] = {SIGUSR1};
    const int known = !(mio_st_features() & MIO_ST_FEATURE_KQUEUE);
    mio_st_signal_info_t info;
    mio_st_signals_t signals;

    OK(mio_st_signals_new(&signals, numbers, 1));
    EQUAL(mio_st_signals_add(signals, SIGUSR2), 1);
    EQUAL(mio_st_signals_add(signals, SIGUSR2), 0);
    EQUAL(mio_st_signals_add(signals, SIGKILL), -EINVAL);
    EQUAL(mio_st_signals_receive_info(signals, &info), -EAGAIN);
    OK(kill(getpid(), SIGUSR2));
    EQUAL(mio_st_signals_receive_info(signals, NULL), -EINVAL);
    EQUAL(mio_st_signals_receive_info(signals, &info), SIGUSR2);
    EQUAL(info.number, SIGUSR2);
    EQUAL(info.flags, known ? MIO_ST_SIGNAL_SENDER : 0);
    EQUAL(info.pid, known ? getpid() : 0);
    EQUAL(info.uid, known ? getuid() : 0);
    EQUAL(mio_st_signals_remove(signals, SIGUSR2), 1);
    EQUAL(mio_st_signals_remove(signals, SIGUSR2), 0);
    EQUAL(mio_st_signals_remove(signals, INT_MAX), 0);
    OK(mio_st_signals_close(signals));
}

static void the_exit_of_a_child_is_an_event(void)
{
    mio_st_process_t process;
    mio_st_event_t event;
    int fds[2], status, answer;
    pid_t child;

    OK(pipe(fds));
    child = OK(fork());
    if (child == 0) {
        char byte;

        close(fds[1]);
        _exit(read(fds[0], &byte, 1) == 0 ? 7 : 8);
    }
    OK(close(fds[0]));
    answer = mio_st_process_from_pid(&process, child);
    if (answer == -ENOSYS && getenv("UNDER_VALGRIND")) {
        OK(close(fds[1]));
        OK(waitpid(child, &status, 0));
        return;
    }
    OK(answer);
    OK(mio_st_poller_register_process(poller, process, 6, MIO_ST_READABLE, MIO_ST_EDGE));
    EQUAL(mio_st_poller_poll(poller, &event, 1, 0), 0);
    OK(close(fds[1]));
    EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
    EQUAL(event.id, 6);
    EQUAL(waitpid(child, &status, WNOHANG), child);
    EQUAL(WEXITSTATUS(status), 7);
    EQUAL(mio_st_process_from_pid(&process, child), -ESRCH);
    OK(mio_st_process_close(process));
}

static void is_ended_by(int number, int status)
{
    EQUAL(WIFSIGNALED(status) ? WTERMSIG(status) : 0, number);
}

static int status_of(pid_t child)
{
    int status;

    EQUAL(waitpid(child, &status, 0), child);
    return status;
}

/* With all as it is by default. */
static void children_are_ended_by_signals_however_they_are_started(void)
{
    const int numbers[] = {SIGTERM, SIGINT};
    char *sleeps[] = {(char *)"sleep", (char *)"100", NULL};
    mio_st_signals_t signals;
    pid_t child;

    OK(mio_st_signals_new(&signals, numbers, 2));
    for (int i = 0; i < 2; i++) {
        const char *script = i == 0 ? "kill -TERM $$; exit 3" : "kill -INT $$; exit 3";

        EQUAL(posix_spawnp(&child, sleeps[0], NULL, NULL, sleeps, environ), 0);
        OK(kill(child, numbers[i]));
        is_ended_by(numbers[i], status_of(child));

        child = OK(fork());
        if (child == 0) {
            execl("/bin/sh", "sh", "-c", script, (char *)NULL);
            _exit(127);
        }
        is_ended_by(numbers[i], status_of(child));
        is_ended_by(numbers[i], pclose(popen(script, "r")));
        is_ended_by(numbers[i], system(script));
    }
    EQUAL(mio_st_signals_receive(signals), -EAGAIN);
    OK(mio_st_signals_close(signals));
}

static void a_forked_child_has_signals_of_its_own(void)
{
    const int numbers[] = {SIGTERM, SIGUSR1};
    mio_st_signals_t signals, own;
    pid_t child;

    OK(mio_st_signals_new(&signals, numbers, 2));
    OK(kill(getpid(), SIGUSR1));
    for (int i = 0; i < 2; i++) {
        child = OK(fork());
        if (child == 0) {
            OK(mio_st_signals_new(&own, numbers + 1, 1));
            OK(raise(SIGUSR1));
            EQUAL(mio_st_signals_receive(own), SIGUSR1);
            if (i == 0) {
                /* What waits is the parent's. */
                EQUAL(mio_st_signals_receive(signals), -EAGAIN);
                OK(raise(SIGTERM));
                EQUAL(mio_st_signals_receive(signals), SIGTERM);
                OK(mio_st_signals_close(signals));
            }
            raise(SIGTERM);
            _exit(3);
        }
        is_ended_by(SIGTERM, status_of(child));
    }
    EQUAL(mio_st_signals_receive(signals), SIGUSR1);
    EQUAL(mio_st_signals_receive(signals), -EAGAIN);
    OK(mio_st_signals_close(signals));
}

static void *send_signals(void *process)
{
    for (int i = 0; i < 100; i++)
        OK(kill(*(pid_t *)process, SIGUSR1));
    return NULL;
}

static void signals_of_other_threads_are_received_while_handles_come_and_go(void)
{
    const int numbers[] = {SIGUSR1};
    mio_st_signals_t signals, other;
    mio_st_event_t event;
    pthread_t threads[2];
    pid_t process = getpid();

    OK(mio_st_signals_new(&signals, numbers, 1));
    OK(mio_st_poller_register_signals(poller, signals, 7, MIO_ST_READABLE, MIO_ST_LEVEL));
    for (int i = 0; i < 2; i++)
        EQUAL(pthread_create(&threads[i], NULL, send_signals, &process), 0);
    for (int i = 0; i < 20; i++) {
        OK(mio_st_signals_new(&other, numbers, 1));
        OK(mio_st_signals_close(other));
    }
    for (int i = 0; i < 2; i++)
        EQUAL(pthread_join(threads[i], NULL), 0);
    EQUAL(mio_st_poller_poll(poller, &event, 1, LONG), 1);
    EQUAL(mio_st_signals_receive(signals), SIGUSR1);
    while (mio_st_signals_receive(signals) > 0)
        continue;
    OK(mio_st_signals_close(signals));
}

int main(void)
{
    OK(mio_st_poller_new(&poller));
    signals_are_received_while_the_handle_is_open();
    signals_say_who_and_what_and_are_added_and_removed();
    the_exit_of_a_child_is_an_event();
    children_are_ended_by_signals_however_they_are_started();
    a_forked_child_has_signals_of_its_own();
    signals_of_other_threads_are_received_while_handles_come_and_go();
    OK(mio_st_poller_close(poller));
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
