/* Calls every function with bad arguments; abuse_calls.h is made from the header by tests/abuse.rs. */

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mio_st.h"

static unsigned long calls;

/* What the calls are given, and may not write to when they fail. */
static _Alignas(16) unsigned char out[512];
static char in[16];
static char long_text[10 * 1024];
static struct sockaddr_in address;
static struct iovec buffers[2] = {{in, 8}, {in + 8, 8}};
static struct iovec buffers_with_null[2] = {{in, 8}, {NULL, 8}};
static struct sockaddr_un unix_address = {AF_UNIX, "/nowhere/at/all"};
static struct in6_addr group;
static int passed_fds[2];
static const int bad_fds[254] = {-1};
static const int numbers[2] = {SIGUSR2, SIGWINCH}, bad_numbers[2] = {SIGUSR2, SIGKILL};
static mio_st_datagram_t datagrams[2] = {{.buffer = in, .capacity = 8}, {.buffer = in + 8, .capacity = 8}};
static mio_st_datagram_t bad_datagrams[2] = {{.capacity = 8, .length = 8}};
static mio_st_transmit_t transmits[2] = {{.buffer = in, .length = 8}, {.buffer = in, .length = 8}};
static mio_st_transmit_t bad_transmits[2] = {{.length = 8}};
#define SIZE .size = sizeof(mio_st_socket_options_t)
static const mio_st_socket_options_t udp_options = {SIZE, .flags = MIO_ST_SOCKET_REUSE_PORT};
static const mio_st_socket_options_t unix_options = {SIZE};
static const mio_st_socket_options_t options = {SIZE, .flags = MIO_ST_SOCKET_KEEPALIVE};
static const mio_st_socket_options_t bad_options[7] = {
    {.size = 0},
    {.size = SIZE_MAX},
    {SIZE, .flags = 1u << 31},
    {SIZE, .flags = MIO_ST_SOCKET_ONLY_V6 | MIO_ST_SOCKET_DUAL_STACK},
    {SIZE, .flags = MIO_ST_SOCKET_KEEPALIVE, .keepalive = {.idle_seconds = UINT32_MAX}},
    {SIZE, .recv_buffer_size = SIZE_MAX},
    {SIZE, .local_length = 16},
};
/* Of a version that knows more, and asks for it. */
static const struct {
    mio_st_socket_options_t known;
    int more;
} later_options = {{.size = sizeof later_options}, 1};
static mio_st_deadline_key_t key;
static int pipe_fd, closed_fd;

/* Bits that are not good, for each kind of handle. */
struct bad {
    const char *what;
    uint64_t bits[16];
    /* 0: -EBADF or MIO_ST_EWRONGTHREAD. */
    int64_t answer;
};

static void fill(void)
{
    memset(out, 0xa5, sizeof out);
}

static void fail(const char *function, const char *what, int64_t answer, int64_t expected)
{
    fprintf(stderr, "%s, %s: %s instead of %s\n", function, what, mio_st_err_name((int)answer),
            mio_st_err_name((int)expected));
    abort();
}

static void expect(const char *function, const char *what, int64_t answer, int64_t expected)
{
    calls++;
    if (answer != expected)
        fail(function, what, answer, expected);
    for (size_t i = 0; answer < 0 && i < sizeof out; i++) {
        if (out[i] != 0xa5)
            fail(function, "wrote to its result and failed", answer, expected);
    }
}

static void check(int64_t answer)
{
    if (answer < 0)
        fail("preparing", "", answer, 0);
}

static void expect_bad(const char *function, const struct bad *bad, int kind, int closes,
                       int64_t answer);

#include "abuse_calls.h"

/* It belongs to no thread. */
static int is_anybodys(int kind)
{
    return kind == KIND_awakener || kind == KIND_registrar || kind == KIND_detached;
}

static void expect_bad(const char *function, const struct bad *bad, int kind, int closes,
                       int64_t answer)
{
    int64_t expected = bad->answer;

    if (closes && bad->bits[kind] == 0)
        expected = 0;
    else if (expected == MIO_ST_EWRONGTHREAD && is_anybodys(kind))
        expected = -EBADF; /* The test has closed it. */
    else if (expected == 0)
        expected = answer == MIO_ST_EWRONGTHREAD ? MIO_ST_EWRONGTHREAD : -EBADF;
    expect(function, bad->what, answer, expected);
}

static mio_st_poller_t make_poller(const struct objects *objects)
{
    mio_st_poller_t poller;

    (void)objects;
    check(mio_st_poller_new(&poller));
    return poller;
}

static mio_st_awakener_t make_awakener(const struct objects *objects)
{
    mio_st_awakener_t awakener;

    check(mio_st_awakener_new(&awakener, objects->poller, 1));
    return awakener;
}

static mio_st_registrar_t make_registrar(const struct objects *objects)
{
    mio_st_registrar_t registrar;

    check(mio_st_registrar_new(&registrar, objects->poller));
    return registrar;
}

static mio_st_detached_t make_detached(const struct objects *objects)
{
    mio_st_detached_t detached;

    check(mio_st_poller_detach(make_poller(objects), &detached));
    return detached;
}

static mio_st_tcp_listener_t make_tcp_listener(const struct objects *objects)
{
    mio_st_tcp_listener_t listener;

    (void)objects;
    check(mio_st_tcp_listener_bind_str(&listener, "127.0.0.1:0"));
    return listener;
}

static mio_st_tcp_stream_t make_tcp_stream(const struct objects *objects)
{
    /* One for all: what it connects to. */
    mio_st_tcp_listener_t listener = make_tcp_listener(objects);
    mio_st_tcp_stream_t stream;
    struct sockaddr_storage storage;
    int length = mio_st_tcp_listener_local_addr(listener, &storage);

    check(length);
    check(mio_st_tcp_stream_connect(&stream, (struct sockaddr *)&storage, (socklen_t)length));
    check(mio_st_tcp_listener_close(listener));
    return stream;
}

static mio_st_udp_socket_t make_udp_socket(const struct objects *objects)
{
    mio_st_udp_socket_t socket;

    (void)objects;
    check(mio_st_udp_socket_bind_str(&socket, "127.0.0.1:0"));
    return socket;
}

static mio_st_connected_udp_socket_t make_connected_udp_socket(const struct objects *objects)
{
    mio_st_udp_socket_t socket = make_udp_socket(objects);
    mio_st_connected_udp_socket_t connected;
    struct sockaddr_storage storage;
    int length = mio_st_udp_socket_local_addr(socket, &storage);

    check(length);
    check(mio_st_udp_socket_connect(socket, (struct sockaddr *)&storage, (socklen_t)length, &connected));
    return connected;
}

static mio_st_unix_stream_t make_unix_stream(const struct objects *objects)
{
    mio_st_unix_stream_t one, other;

    (void)objects;
    check(mio_st_unix_stream_pair(&one, &other));
    check(mio_st_unix_stream_close(other));
    return one;
}

static mio_st_unix_listener_t make_unix_listener(const struct objects *objects)
{
    const struct sockaddr unnamed = {.sa_family = AF_UNIX};
    mio_st_unix_listener_t listener;

    (void)objects;
    check(mio_st_unix_listener_bind_addr(&listener, &unnamed, sizeof unnamed.sa_family));
    return listener;
}

static mio_st_unix_datagram_t make_unix_datagram(const struct objects *objects)
{
    mio_st_unix_datagram_t socket;

    (void)objects;
    check(mio_st_unix_datagram_unbound(&socket));
    return socket;
}

static mio_st_sender_t make_sender(const struct objects *objects)
{
    mio_st_sender_t sender;
    mio_st_receiver_t receiver;

    (void)objects;
    check(mio_st_new_pipe(&sender, &receiver));
    check(mio_st_receiver_close(receiver));
    return sender;
}

static mio_st_receiver_t make_receiver(const struct objects *objects)
{
    mio_st_sender_t sender;
    mio_st_receiver_t receiver;

    (void)objects;
    check(mio_st_new_pipe(&sender, &receiver));
    check(mio_st_sender_close(sender));
    return receiver;
}

static mio_st_signals_t make_signals(const struct objects *objects)
{
    mio_st_signals_t signals;

    (void)objects;
    check(mio_st_signals_new(&signals, numbers, 2));
    return signals;
}

/* Valgrind 3.19 does not know pidfd_open. Here any descriptor serves. Linked with `-Wl,--wrap=syscall`. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    long argument[6];
    va_list arguments;

    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        argument[i] = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_pidfd_open && (int)argument[0] > 0 && getenv("UNDER_VALGRIND"))
        return eventfd(0, EFD_CLOEXEC);
    if (number == SYS_pidfd_open && getenv("UNDER_VALGRIND")) {
        errno = EINVAL;
        return -1;
    }
    return __real_syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4],
                          argument[5]);
}

static mio_st_process_t make_process(const struct objects *objects)
{
    mio_st_process_t process;

    (void)objects;
    check(mio_st_process_from_pid(&process, getpid()));
    return process;
}

/* What is good on any thread. */
static void close_what_is_anybodys(const struct objects *objects)
{
    check(mio_st_awakener_close(objects->awakener));
    check(mio_st_registrar_close(objects->registrar));
    check(mio_st_detached_close(objects->detached));
}

/* Another thread, which opens objects, waits, and ends. */

static pthread_barrier_t barrier;
static struct objects others_open, others_closed;

static void *other_thread(void *unused)
{
    (void)unused;
    open_all(&others_open);
    open_all(&others_closed);
    close_all(&others_closed);
    close_what_is_anybodys(&others_open);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

/* The next thread, which gets the number of the one that has ended. */
static void *heir(void *unused)
{
    struct objects use;
    struct bad bad = {"of a thread that ended, on its heir", {0}, -EBADF};

    (void)unused;
    open_all(&use);
    to_bits(&others_open, bad.bits);
    bad_handles(use, &bad);
    close_all(&use);
    return NULL;
}

/* A thread without a table. */
static void *stranger(void *objects)
{
    struct bad bad = {"of another thread, on a thread without any", {0}, MIO_ST_EWRONGTHREAD};
    struct objects *use = objects;

    to_bits(use, bad.bits);
    bad.bits[KIND_awakener] = others_open.awakener.bits;
    bad.bits[KIND_registrar] = others_open.registrar.bits;
    bad.bits[KIND_detached] = others_open.detached.bits;
    bad_handles(*use, &bad);
    return NULL;
}

/* A thread that calls after its handles are gone: keys are destroyed in the order of their making. */
static pthread_key_t last_key;

static void after_the_end(void *objects)
{
    struct objects *ended = objects;

    /* Whoever has it may close it. */
    close_what_is_anybodys(ended);
    no_call_works(*ended, "after the thread's end", -EBADF);
    any_time();
}

static void *ending(void *objects)
{
    open_all(objects);
    check(-pthread_key_create(&last_key, after_the_end));
    check(-pthread_setspecific(last_key, objects));
    return NULL;
}

/* A signal handler that interrupts a poll. */
static struct objects interrupted;
static atomic_int handled;
static pthread_t main_thread;

static void handler(int signal)
{
    (void)signal;
    /* The poll has not begun yet: the next signal may find it. */
    if (mio_st_poller_fd(interrupted.poller) >= 0)
        return;
    no_call_works(interrupted, "within a call", -EBUSY);
    any_time();
    check(mio_st_awakener_wake(interrupted.awakener));
    atomic_store(&handled, 1);
}

static void *interrupter(void *unused)
{
    (void)unused;
    for (int tries = 0; tries < 30000 && !atomic_load(&handled); tries++) {
        pthread_kill(main_thread, SIGUSR1);
        usleep(1000);
    }
    /* If no handler has. */
    mio_st_awakener_wake(interrupted.awakener);
    return NULL;
}

static void interrupt_a_poll(struct objects *use)
{
    struct sigaction action = {0};
    mio_st_event_t event;
    pthread_t thread;

    interrupted = *use;
    main_thread = pthread_self();
    action.sa_handler = handler;
    sigaction(SIGUSR1, &action, NULL);
    check(-pthread_create(&thread, NULL, interrupter, NULL));
    /* The handler wakes it. */
    expect("mio_st_poller_poll", "interrupted", mio_st_poller_poll(use->poller, &event, 1, -1), 1);
    pthread_join(thread, NULL);
    signal(SIGUSR1, SIG_IGN);
    if (!atomic_load(&handled))
        fail("mio_st_poller_poll", "not interrupted", 0, 0);
}

static uint64_t random_bits(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void forge(struct objects use)
{
    uint64_t good[KINDS];
    struct bad bad = {"forged", {0}, 0};

    to_bits(&use, good);
    for (int round = 0; round < 164; round++) {
        for (int kind = 0; kind < KINDS; kind++) {
            if (round < 64)
                bad.bits[kind] = good[kind] ^ (uint64_t)1 << round;
            else
                bad.bits[kind] = random_bits();
            /* Not one of those that are open. */
            for (int other = 0; other < KINDS; other++)
                bad.bits[kind] = bad.bits[kind] == good[other] ? UINT64_MAX : bad.bits[kind];
        }
        bad_handles(use, &bad);
    }
}

static void fork_and_use(struct objects use)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct objects own;

        forked(use);
        /* Sockets are as good as before, and the child has a life of its own. */
        check(mio_st_tcp_listener_local_addr(use.tcp_listener, (struct sockaddr_storage *)(void *)out));
        open_all(&own);
        close_all(&own);
        check(mio_st_poller_close(use.poller));
        _exit(0);
    }
    check(child);
    waitpid(child, &status, 0);
    if (status != 0)
        fail("fork", "the child", status, 0);
    expect("mio_st_awakener_wake", "the parent", mio_st_awakener_wake(use.awakener), 0);
}

int main(void)
{
    struct objects use, closed, reused, ended;
    struct bad zero = {"zero", {0}, -EBADF}, bad = {NULL, {0}, -EBADF};
    uint64_t bits[KINDS];
    pthread_t thread;
    int fds[2];

    check(pipe(fds));
    pipe_fd = fds[0];
    /* A number that nothing takes by itself. */
    closed_fd = dup2(fds[1], 900);
    check(closed_fd);
    close(fds[1]);
    close(closed_fd);
    address.sin_family = AF_INET;
    memset(long_text, '1', sizeof long_text - 1);

    any_time();
    open_all(&use);
    bad_handles(use, &zero);

    open_all(&closed);
    close_all(&closed);
    bad.what = "closed";
    to_bits(&closed, bad.bits);
    bad_handles(use, &bad);
    for (int round = 0; round < 100; round++) {
        open_all(&reused);
        bad.what = "closed, and its slot reused";
        if (round % 10 == 0)
            bad_handles(use, &bad);
        close_all(&reused);
    }

    bad.what = "of another kind";
    to_bits(&use, bits);
    for (int shift = 1; shift < KINDS; shift++) {
        for (int kind = 0; kind < KINDS; kind++)
            bad.bits[kind] = bits[(kind + shift) % KINDS];
        bad_handles(use, &bad);
    }
    forge(use);
    bad_arguments(use);

    check(-pthread_barrier_init(&barrier, NULL, 2));
    check(-pthread_create(&thread, NULL, other_thread, NULL));
    pthread_barrier_wait(&barrier);
    bad.answer = MIO_ST_EWRONGTHREAD;
    bad.what = "of another thread";
    to_bits(&others_open, bad.bits);
    bad_handles(use, &bad);
    bad.what = "of another thread, closed";
    to_bits(&others_closed, bad.bits);
    bad_handles(use, &bad);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    bad.what = "of a thread that ended";
    to_bits(&others_open, bad.bits);
    bad_handles(use, &bad);

    check(-pthread_create(&thread, NULL, heir, NULL));
    pthread_join(thread, NULL);
    check(-pthread_create(&thread, NULL, stranger, &use));
    pthread_join(thread, NULL);
    check(-pthread_create(&thread, NULL, ending, &ended));
    pthread_join(thread, NULL);

    interrupt_a_poll(&use);
    fork_and_use(use);
    close_all(&use);
    if (mio_st_live_handles() != 0)
        fail("mio_st_live_handles", "a handle was lost", (int64_t)mio_st_live_handles(), 0);
    close(pipe_fd);
    printf("%lu calls\n", calls);
    return 0;
}
