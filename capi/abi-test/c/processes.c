/* Signals and the exit of a child, as events. */

#include <signal.h>
#include <sys/wait.h>

#include "test.h"

static mio_st_poller_t poller;

static int is_blocked(int number)
{
    sigset_t mask;

    OK(-pthread_sigmask(SIG_BLOCK, NULL, &mask));
    return sigismember(&mask, number);
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
    EQUAL(is_blocked(SIGTERM), 0);
    OK(mio_st_signals_new(&signals, numbers, 2));
    OK(mio_st_signals_new(&second, numbers + 1, 1));
    EQUAL(is_blocked(SIGTERM), 1);
    OK(mio_st_poller_register_signals(poller, signals, 5, MIO_ST_READABLE, MIO_ST_LEVEL));
    EQUAL(mio_st_signals_receive(signals), -EAGAIN);
    OK(kill(getpid(), SIGTERM));
    EQUAL(mio_st_poller_poll(poller, &event, 1, -1), 1);
    EQUAL(event.id, 5);
    EQUAL(mio_st_signals_receive(signals), SIGTERM);
    EQUAL(mio_st_signals_receive(signals), -EAGAIN);
    OK(mio_st_signals_close(signals));
    EQUAL(is_blocked(SIGUSR1), 0);
    EQUAL(is_blocked(SIGTERM), 1);
    OK(mio_st_signals_close(second));
    EQUAL(is_blocked(SIGTERM), 0);
    EQUAL(mio_st_signals_receive(second), -EBADF);
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

int main(void)
{
    OK(mio_st_poller_new(&poller));
    signals_are_received_while_the_handle_is_open();
    the_exit_of_a_child_is_an_event();
    OK(mio_st_poller_close(poller));
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
