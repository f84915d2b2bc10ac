/* Signals and the exit of a child, as events. */

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "test.h"

extern char **environ;

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

static pid_t spawn(const posix_spawnattr_t *attributes)
{
    char *arguments[] = {(char *)"sleep", (char *)"100", NULL};
    pid_t child;

    EQUAL(posix_spawnp(&child, arguments[0], NULL, attributes, arguments, environ), 0);
    return child;
}

/* The guide's remedy for popen. */
static FILE *read_from(const char *command, pid_t *child)
{
    char *arguments[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int fds[2];

    if (pipe(fds) != 0)
        return NULL;
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    fcntl(fds[1], F_SETFD, FD_CLOEXEC);
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    int error = posix_spawn(child, "/bin/sh", &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(fds[1]);
    if (error == 0)
        return fdopen(fds[0], "r"); /* and in the end waitpid(*child, ...) */
    close(fds[0]);
    errno = error;
    return NULL;
}

/* A child starts with the mask of its parent: the guide's remedy. */
static void a_spawned_child_with_a_mask_of_its_own_is_ended_by_a_signal(void)
{
    const int numbers[] = {SIGTERM};
    mio_st_signals_t signals;
    posix_spawnattr_t attributes;
    sigset_t none, own, saved;
    FILE *output;
    pid_t child;
    int status, number;

    OK(mio_st_signals_new(&signals, numbers, 1));
    OK(sigemptyset(&none));
    EQUAL(posix_spawnattr_init(&attributes), 0);
    EQUAL(posix_spawnattr_setsigmask(&attributes, &none), 0);
    EQUAL(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK), 0);
    child = spawn(&attributes);
    EQUAL(posix_spawnattr_destroy(&attributes), 0);
    OK(kill(child, SIGTERM));
    EQUAL(waitpid(child, &status, 0), child);
    EQUAL(WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGTERM);

    OK(sigemptyset(&own));
    OK(sigaddset(&own, SIGTERM));
    EQUAL(pthread_sigmask(SIG_UNBLOCK, &own, &saved), 0);
    output = popen("kill -TERM $$; echo deaf", "r");
    EQUAL(pthread_sigmask(SIG_SETMASK, &saved, NULL), 0);
    EQUAL(fgetc(output), EOF);
    pclose(output);

    output = read_from("kill -TERM $$; echo deaf", &child);
    EQUAL(output != NULL, 1);
    EQUAL(fgetc(output), EOF);
    EQUAL(fclose(output), 0);
    EQUAL(waitpid(child, &status, 0), child);
    EQUAL(WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGTERM);

    /* The parent receives as before. */
    OK(kill(getpid(), SIGTERM));
    while ((number = mio_st_signals_receive(signals)) == -EAGAIN)
        continue;
    EQUAL(number, SIGTERM);
    OK(mio_st_signals_close(signals));
}

int main(void)
{
    OK(mio_st_poller_new(&poller));
    signals_are_received_while_the_handle_is_open();
    signals_say_who_and_what_and_are_added_and_removed();
    the_exit_of_a_child_is_an_event();
    a_spawned_child_with_a_mask_of_its_own_is_ended_by_a_signal();
    OK(mio_st_poller_close(poller));
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
