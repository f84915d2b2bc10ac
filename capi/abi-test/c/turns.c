/* Behaviours 41 and 42: what other threads register, and pollers and handles that go from thread to thread. With an
 * argument the threads at the end take turns for so many seconds. */

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "kinds.h"

enum { THREADS = 8 };

static void on_a_thread(void *(*body)(void *), void *argument)
{
    pthread_t thread;

    OK(-pthread_create(&thread, NULL, body, argument));
    OK(-pthread_join(thread, NULL));
}

static void expect_nothing(mio_st_poller_t poller)
{
    mio_st_event_t event;

    EQUAL(mio_st_poller_poll(poller, &event, 1, 0), 0);
}

/* --- A registrar ----------------------------------------------------------------------------------- */

struct work {
    mio_st_registrar_t registrar;
    int fds[2];
};

static void *register_meanwhile(void *argument)
{
    const struct work *work = argument;

    OK(mio_st_registrar_register(work->registrar, work->fds[1], 1, W, MIO_ST_ONESHOT));
    return NULL;
}

static void *change_meanwhile(void *argument)
{
    const struct work *work = argument;

    OK(mio_st_registrar_reregister(work->registrar, work->fds[1], 2, W, MIO_ST_LEVEL));
    return NULL;
}

static void *end_it(void *argument)
{
    const struct work *work = argument;

    OK(mio_st_registrar_deregister(work->registrar, work->fds[1]));
    return NULL;
}

/* Behaviour 41 */
static void another_thread_registers_while_the_poll_sleeps(void)
{
    mio_st_poller_t poller;
    struct work work;
    pthread_t thread;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_registrar_new(&work.registrar, poller));
    OK(pipe(work.fds));
    OK(-pthread_create(&thread, NULL, register_meanwhile, &work));
    test_wait(poller, 1, W);
    OK(-pthread_join(thread, NULL));
    expect_nothing(poller);
    OK(-pthread_create(&thread, NULL, change_meanwhile, &work));
    test_wait(poller, 2, W);
    OK(-pthread_join(thread, NULL));
    on_a_thread(end_it, &work);
    expect_nothing(poller);
    OK(close(work.fds[0]));
    OK(close(work.fds[1]));
    OK(mio_st_registrar_close(work.registrar));
    OK(mio_st_poller_close(poller));
}

/* Behaviour 41 */
static void a_registrar_has_the_errors_of_the_poller(void)
{
    mio_st_registrar_t registrar, none = {0};
    mio_st_poller_t poller;
    int fds[2];

    OK(pipe(fds));
    OK(mio_st_poller_new(&poller));
    OK(mio_st_registrar_new(&registrar, poller));
    EQUAL(mio_st_registrar_reregister(registrar, fds[1], 1, W, MIO_ST_LEVEL), -ENOENT);
    EQUAL(mio_st_registrar_deregister(registrar, fds[1]), -ENOENT);
    OK(mio_st_registrar_register(registrar, fds[1], UINT64_MAX, W, MIO_ST_EDGE));
    EQUAL(mio_st_registrar_register(registrar, fds[1], 1, W, MIO_ST_LEVEL), -EEXIST);
    EQUAL(mio_st_registrar_register(registrar, -1, 1, W, MIO_ST_LEVEL), -EBADF);
    EQUAL(mio_st_registrar_register(registrar, fds[0], 1, MIO_ST_HUP, MIO_ST_LEVEL), -EINVAL);
    EQUAL(mio_st_registrar_register(registrar, fds[0], 1, R, 0), -EINVAL);
    EQUAL(mio_st_registrar_register(registrar, fds[0], 1, R, MIO_ST_EDGE | MIO_ST_EXCLUSIVE), -EINVAL);
    EQUAL(mio_st_registrar_notify(registrar, 1, 0), -EINVAL);
    /* It is the same registration, whoever asks. */
    EQUAL(mio_st_poller_register_fd(poller, fds[1], 1, W, MIO_ST_LEVEL), -EEXIST);
    test_wait(poller, UINT64_MAX, W);
    expect_nothing(poller);
    OK(mio_st_poller_deregister_fd(poller, fds[1]));
    EQUAL(mio_st_registrar_deregister(registrar, fds[1]), -ENOENT);

    /* Without its poller, and closed. */
    OK(mio_st_poller_close(poller));
    EQUAL(mio_st_registrar_register(registrar, fds[1], 1, W, MIO_ST_LEVEL), -EPIPE);
    EQUAL(mio_st_registrar_reregister(registrar, fds[1], 1, W, MIO_ST_LEVEL), -EPIPE);
    EQUAL(mio_st_registrar_deregister(registrar, fds[1]), -EPIPE);
    EQUAL(mio_st_registrar_notify(registrar, 1, R), -EPIPE);
    OK(mio_st_registrar_close(registrar));
    EQUAL(mio_st_registrar_notify(registrar, 1, R), -EBADF);
    EQUAL(mio_st_registrar_close(registrar), -EBADF);
    OK(mio_st_registrar_close(none));
    EQUAL(mio_st_registrar_deregister(none, fds[1]), -EBADF);
    OK(close(fds[0]));
    OK(close(fds[1]));
}

enum { POSTS = 1000 };

static void *post(void *bits)
{
    const mio_st_registrar_t registrar = {*(uint64_t *)bits};

    for (int i = 0; i < POSTS; i++)
        OK(mio_st_registrar_notify(registrar, (uint64_t)i, i % 2 ? MIO_ST_HUP | MIO_ST_TIMER : R));
    OK(mio_st_registrar_close(registrar));
    return NULL;
}

/* Behaviour 41: also those that were posted by a registrar that is closed. */
static void posts_come_as_they_are_and_in_their_order(void)
{
    mio_st_registrar_t registrar;
    mio_st_poller_t poller;
    mio_st_event_t event;
    pthread_t thread;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_registrar_new(&registrar, poller));
    OK(-pthread_create(&thread, NULL, post, &registrar.bits));
    for (int i = 0; i < POSTS; i++) {
        EQUAL(mio_st_poller_poll(poller, &event, 1, LONG), 1);
        EQUAL(event.id, i);
        EQUAL(event.readiness, i % 2 ? MIO_ST_HUP | MIO_ST_TIMER : R);
    }
    OK(-pthread_join(thread, NULL));
    expect_nothing(poller);
    OK(mio_st_poller_close(poller));
}

/* --- From one thread to another --------------------------------------------------------------------- */

/* A handle and its poller. */
struct journey {
    const struct kind *kind;
    struct made made;
    mio_st_detached_t handle, poller;
    mio_st_deadline_key_t key;
    int copy;
};

static void depart(struct journey *journey, mio_st_poller_t poller)
{
    OK(journey->kind->detach(journey->made.bits, &journey->handle));
    OK(mio_st_poller_detach(poller, &journey->poller));
    EQUAL(journey->kind->close(journey->made.bits), -EBADF);
    EQUAL(mio_st_poller_close(poller), -EBADF);
}

static void *arrive(void *argument)
{
    struct journey *journey = argument;
    const struct kind *kind = journey->kind;
    mio_st_event_t events[4];
    mio_st_poller_t poller;
    uint64_t bits, again = 77;
    int count = 0, seen = 0;

    OK(kind->attach(&bits, journey->handle));
    OK(mio_st_poller_attach(&poller, journey->poller));
    EQUAL(kind->attach(&again, journey->handle), -EBADF);
    EQUAL(mio_st_detached_close(journey->handle), -EBADF);
    EQUAL(again, 77);
    journey->made.bits = bits;
    if (kind->rouse)
        kind->rouse(journey->made);
    while (count < 3) {
        int n = OK(mio_st_poller_poll(poller, events, 4, LONG));

        for (int i = 0; i < n; i++)
            seen |= 1 << events[i].id;
        count += n;
    }
    EQUAL(seen, 1 << 1 | 1 << 2 | 1 << 3);
    EQUAL(mio_st_poller_cancel_deadline(poller, journey->key), 1);
    if (kind->into_fd)
        EQUAL(kind->into_fd(bits), -EBUSY);
    /* Back again, with the poller first. */
    OK(mio_st_poller_detach(poller, &journey->poller));
    OK(kind->detach(bits, &journey->handle));
    return NULL;
}

/* Behaviour 42: in its registration, deadlines and notifications; closing ends the registration, though there is a copy
 * of the descriptor. */
static void a_handle_and_its_poller_go_to_another_thread_and_back(const struct kind *kind)
{
    struct journey journey = {.kind = kind, .made = kind->make()};
    mio_st_poller_t poller;
    uint64_t wrong = 77;

    OK(mio_st_poller_new(&poller));
    OK(kind->enlist(poller, journey.made.bits, 1, kind->interests, MIO_ST_EDGE));
    OK(mio_st_poller_notify(poller, 2, R));
    OK(mio_st_poller_add_deadline(poller, 3, 0, NULL));
    OK(mio_st_poller_add_timeout(poller, 4, SECONDS(3600), &journey.key));
    journey.copy = OK(dup(kind->fd(journey.made.bits)));
    depart(&journey, poller);
    EQUAL(kind->attach(&wrong, journey.poller), -EBADF);
    EQUAL(mio_st_poller_attach(&poller, journey.handle), -EBADF);
    EQUAL(wrong, 77);
    on_a_thread(arrive, &journey);
    OK(mio_st_poller_attach(&poller, journey.poller));
    OK(kind->attach(&journey.made.bits, journey.handle));
    OK(kind->reenlist(poller, journey.made.bits, 5, kind->interests, MIO_ST_LEVEL));
    test_wait(poller, 5, kind->readiness);
    OK(kind->close(journey.made.bits));
    expect_nothing(poller);
    OK(close(journey.copy));
    unmake_peer(journey.made);
    OK(mio_st_poller_close(poller));
}

/* Without a word: it is closed when the thread ends. */
static void *use_elsewhere(void *argument)
{
    struct journey *journey = argument;
    mio_st_poller_t own;

    OK(mio_st_poller_new(&own));
    OK(journey->kind->attach(&journey->made.bits, journey->handle));
    OK(journey->kind->enlist(own, journey->made.bits, 9, journey->kind->interests, MIO_ST_LEVEL));
    if (journey->kind->rouse)
        journey->kind->rouse(journey->made);
    test_wait(own, 9, journey->kind->readiness);
    OK(journey->kind->delist(own, journey->made.bits));
    OK(mio_st_poller_close(own));
    return NULL;
}

/* Behaviour 42: events come to the poller that stays behind, until the handle is closed with its thread. */
static void a_poller_stays_behind(const struct kind *kind)
{
    struct journey journey = {.kind = kind, .made = kind->make()};
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    OK(kind->enlist(poller, journey.made.bits, 1, kind->interests, MIO_ST_EDGE));
    OK(kind->detach(journey.made.bits, &journey.handle));
    on_a_thread(use_elsewhere, &journey);
    /* A descriptor that was closed gives no event, also if it had one. */
    expect_nothing(poller);
    unmake_peer(journey.made);
    OK(mio_st_poller_close(poller));
}

static void *with_three(void *argument)
{
    mio_st_detached_t *places = argument;
    mio_st_tcp_listener_t listener;
    mio_st_poller_t pollers[3];

    for (int i = 0; i < 3; i++)
        OK(mio_st_poller_attach(&pollers[i], places[i]));
    OK(mio_st_tcp_listener_attach(&listener, places[3]));
    for (int i = 0; i < 3; i++) {
        EQUAL(mio_st_tcp_listener_into_fd(listener), -EBUSY);
        if (i == 1)
            OK(mio_st_poller_close(pollers[i]));
        else
            OK(mio_st_poller_deregister_tcp_listener(pollers[i], listener));
    }
    OK(close(OK(mio_st_tcp_listener_into_fd(listener))));
    OK(mio_st_poller_close(pollers[0]));
    OK(mio_st_poller_close(pollers[2]));
    return NULL;
}

/* Behaviour 42 */
static void a_handle_and_all_its_pollers_move(void)
{
    char text[MIO_ST_ADDR_TEXT_SIZE];
    mio_st_tcp_listener_t listener = test_listener(text);
    mio_st_detached_t places[4];
    mio_st_poller_t pollers[3];

    for (int i = 0; i < 3; i++) {
        OK(mio_st_poller_new(&pollers[i]));
        OK(mio_st_poller_register_tcp_listener(pollers[i], listener, 0, R, MIO_ST_EDGE));
    }
    OK(mio_st_poller_detach(pollers[0], &places[0]));
    OK(mio_st_tcp_listener_detach(listener, &places[3]));
    OK(mio_st_poller_detach(pollers[1], &places[1]));
    OK(mio_st_poller_detach(pollers[2], &places[2]));
    on_a_thread(with_three, places);
}

static void *pass_on(void *argument)
{
    mio_st_detached_t *detached = argument;
    mio_st_poller_t poller;

    OK(mio_st_poller_attach(&poller, *detached));
    OK(mio_st_poller_detach(poller, detached));
    return NULL;
}

/* Behaviour 42: it is known to those that stayed, however often it was given another handle. */
static void a_poller_comes_back_to_its_handles(void)
{
    mio_st_unix_stream_t ours, peer;
    mio_st_detached_t detached;
    mio_st_poller_t poller;
    int copy;

    OK(mio_st_unix_stream_pair(&ours, &peer));
    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_register_unix_stream(poller, ours, 1, W, MIO_ST_LEVEL));
    for (int i = 0; i < 3; i++) {
        OK(mio_st_poller_detach(poller, &detached));
        on_a_thread(pass_on, &detached);
        OK(mio_st_poller_attach(&poller, detached));
        EQUAL(mio_st_unix_stream_into_fd(ours), -EBUSY);
        test_wait(poller, 1, W);
    }
    copy = OK(dup(mio_st_unix_stream_fd(ours)));
    OK(mio_st_unix_stream_close(ours));
    expect_nothing(poller);
    OK(close(copy));
    OK(mio_st_unix_stream_close(peer));
    OK(mio_st_poller_close(poller));
}

static void *wait_for_the_descriptor(void *argument)
{
    struct pollfd waits = {.fd = *(const int *)argument, .events = POLLIN};

    EQUAL(poll(&waits, 1, (int)(LONG / 1000000)), 1);
    return NULL;
}

/* Behaviour 42: who waits for the descriptor of a poller needs no handle of it, and no lock. */
static void another_thread_waits_beside(void)
{
    mio_st_registrar_t registrar;
    mio_st_detached_t detached;
    mio_st_poller_t poller;
    pthread_t thread;
    int fd;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_registrar_new(&registrar, poller));
    fd = OK(mio_st_poller_fd(poller));
    OK(mio_st_poller_detach(poller, &detached));
    OK(-pthread_create(&thread, NULL, wait_for_the_descriptor, &fd));
    OK(mio_st_registrar_notify(registrar, 1, R));
    OK(-pthread_join(thread, NULL));
    OK(mio_st_poller_attach(&poller, detached));
    test_wait(poller, 1, R);
    OK(mio_st_registrar_close(registrar));
    OK(mio_st_poller_close(poller));
}

static void *leave(void *argument)
{
    struct journey *journey = argument;
    mio_st_poller_t poller;

    journey->made = journey->kind->make();
    OK(mio_st_poller_new(&poller));
    OK(journey->kind->enlist(poller, journey->made.bits, 1, journey->kind->interests, MIO_ST_LEVEL));
    depart(journey, poller);
    return NULL;
}

/* What is detached outlives its thread, and is closed by anybody. */
static void what_is_detached_outlives_its_thread(const struct kind *kind)
{
    struct journey journey = {.kind = kind};
    size_t live = mio_st_live_handles();
    uint64_t handle = journey.handle.bits;
    mio_st_poller_t poller;

    on_a_thread(leave, &journey);
    EQUAL(mio_st_live_handles(), live + 2);
    EQUAL(journey.handle.bits != handle, 1);
    OK(mio_st_poller_attach(&poller, journey.poller));
    if (!kind->rouse)
        test_wait(poller, 1, kind->readiness);
    OK(mio_st_detached_close(journey.handle));
    EQUAL(mio_st_detached_close(journey.handle), -EBADF);
    EQUAL(kind->attach(&handle, journey.handle), -EBADF);
    expect_nothing(poller);
    unmake_peer(journey.made);
    OK(mio_st_poller_detach(poller, &journey.poller));
    OK(mio_st_detached_close(journey.poller));
    OK(mio_st_detached_close((mio_st_detached_t){0}));
    EQUAL(mio_st_live_handles(), live);
}

/* Behaviour 33: in a child a poller is refused, and the rest is the child's own copy. */
static void in_a_child_what_is_detached_is_a_copy(const struct kind *kind)
{
    struct journey journey = {.kind = kind, .made = kind->make()};
    mio_st_poller_t poller;
    int status;
    pid_t child;

    OK(mio_st_poller_new(&poller));
    depart(&journey, poller);
    child = OK(fork());
    if (child == 0) {
        EQUAL(mio_st_poller_attach(&poller, journey.poller), MIO_ST_EFORKED);
        OK(mio_st_detached_close(journey.poller));
        OK(kind->attach(&journey.made.bits, journey.handle));
        EQUAL(kind->fd(journey.made.bits) >= 0, 1);
        OK(kind->close(journey.made.bits));
        EQUAL(mio_st_live_handles(), 0);
        _exit(0);
    }
    EQUAL(waitpid(child, &status, 0), child);
    EQUAL(status, 0);
    OK(mio_st_poller_attach(&poller, journey.poller));
    OK(kind->attach(&journey.made.bits, journey.handle));
    OK(kind->enlist(poller, journey.made.bits, 1, kind->interests, MIO_ST_EDGE));
    unmake(kind, journey.made);
    OK(mio_st_poller_close(poller));
}

/* --- Of several one gets it ----------------------------------------------------------------------- */

static struct {
    pthread_barrier_t barrier;
    mio_st_detached_t detached;
    atomic_int attached;
    int rounds;
} race;

static void *grab(void *unused)
{
    (void)unused;
    for (int i = 0; i < race.rounds; i++) {
        mio_st_unix_datagram_t socket;
        int answer;

        pthread_barrier_wait(&race.barrier);
        answer = mio_st_unix_datagram_attach(&socket, race.detached);
        if (answer == 0) {
            atomic_fetch_add(&race.attached, 1);
            OK(mio_st_unix_datagram_close(socket));
        } else {
            EQUAL(answer, -EBADF);
        }
        pthread_barrier_wait(&race.barrier);
    }
    return NULL;
}

/* Behaviour 42 */
static void of_several_threads_one_attaches_it(void)
{
    mio_st_unix_datagram_t socket;
    pthread_t threads[3];

    race.rounds = scaled(500);
    OK(-pthread_barrier_init(&race.barrier, NULL, 4));
    for (int i = 0; i < 3; i++)
        OK(-pthread_create(&threads[i], NULL, grab, NULL));
    for (int i = 0; i < race.rounds; i++) {
        OK(mio_st_unix_datagram_unbound(&socket));
        OK(mio_st_unix_datagram_detach(socket, &race.detached));
        pthread_barrier_wait(&race.barrier);
        pthread_barrier_wait(&race.barrier);
        EQUAL(atomic_load(&race.attached), i + 1);
    }
    for (int i = 0; i < 3; i++)
        OK(-pthread_join(threads[i], NULL));
}

/* --- Turns ---------------------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    mio_st_detached_t poller;
    mio_st_registrar_t registrar;
    /* The events of each. */
    atomic_int came[THREADS];
    atomic_long rounds;
    uint64_t end, too_late;
} turns = {.lock = PTHREAD_MUTEX_INITIALIZER};

static mio_st_poller_t begin_turn(void)
{
    mio_st_poller_t poller;

    OK(-pthread_mutex_lock(&turns.lock));
    OK(mio_st_poller_attach(&poller, turns.poller));
    return poller;
}

static void end_turn(mio_st_poller_t poller)
{
    OK(mio_st_poller_detach(poller, &turns.poller));
    OK(-pthread_mutex_unlock(&turns.lock));
}

/* Each waits for events of its own, whoever polls. */
static void *take_turns(void *argument)
{
    static const uint32_t options[] = {MIO_ST_EDGE, MIO_ST_LEVEL, MIO_ST_ONESHOT};
    const int self = *(const int *)argument;
    const uint64_t id = (uint64_t)self;

    for (int round = 0; monotonic() < turns.end; round++) {
        const uint32_t option = options[(round + self) % 3];
        mio_st_unix_stream_t ours, peer;
        mio_st_poller_t poller;
        int fd, before;

        OK(mio_st_unix_stream_pair(&ours, &peer));
        fd = OK(mio_st_unix_stream_fd(ours));
        if (round % 2 == 0) {
            OK(mio_st_registrar_register(turns.registrar, fd, id, R, option));
        } else {
            poller = begin_turn();
            OK(mio_st_poller_register_unix_stream(poller, ours, id, R, option));
            end_turn(poller);
        }
        before = atomic_load(&turns.came[self]);
        if (round % 3 == 0)
            EQUAL(mio_st_unix_stream_write(peer, "x", 1), 1);
        else if (round % 3 == 1)
            OK(mio_st_unix_stream_shutdown(peer, SHUT_WR));
        else
            OK(mio_st_registrar_notify(turns.registrar, id, R));
        while (atomic_load(&turns.came[self]) == before) {
            mio_st_event_t events[4];
            int count;

            EQUAL(monotonic() < turns.too_late, 1);
            poller = begin_turn();
            count = OK(mio_st_poller_poll(poller, events, 4, 0));
            for (int i = 0; i < count; i++)
                atomic_fetch_add(&turns.came[events[i].id], 1);
            end_turn(poller);
            sched_yield();
        }
        /* With its registration, or without, in a turn or beside it. */
        if (round % 5 == 0) {
            poller = begin_turn();
            OK(mio_st_unix_stream_close(ours));
            end_turn(poller);
        } else {
            if (round % 5 == 1)
                OK(mio_st_registrar_deregister(turns.registrar, fd));
            OK(mio_st_unix_stream_close(ours));
        }
        OK(mio_st_unix_stream_close(peer));
        atomic_fetch_add(&turns.rounds, 1);
    }
    return NULL;
}

/* Behaviour 42 */
static void eight_threads_under_one_lock_lose_no_event(uint64_t nanoseconds)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_registrar_new(&turns.registrar, poller));
    OK(mio_st_poller_detach(poller, &turns.poller));
    turns.end = monotonic() + nanoseconds;
    turns.too_late = turns.end + 4 * (uint64_t)LONG;
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        OK(-pthread_create(&threads[i], NULL, take_turns, &numbers[i]));
    }
    for (int i = 0; i < THREADS; i++)
        OK(-pthread_join(threads[i], NULL));
    OK(mio_st_registrar_close(turns.registrar));
    OK(mio_st_detached_close(turns.poller));
    printf("%ld rounds\n", atomic_load(&turns.rounds));
}

int main(int argc, char **argv)
{
    const uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;

    another_thread_registers_while_the_poll_sleeps();
    a_registrar_has_the_errors_of_the_poller();
    posts_come_as_they_are_and_in_their_order();
    FOR_EACH_KIND(kind) {
        if (!kind->detach || !kind->enlist)
            continue;
        a_handle_and_its_poller_go_to_another_thread_and_back(kind);
        a_poller_stays_behind(kind);
        what_is_detached_outlives_its_thread(kind);
        in_a_child_what_is_detached_is_a_copy(kind);
    }
    a_handle_and_all_its_pollers_move();
    a_poller_comes_back_to_its_handles();
    another_thread_waits_beside();
    of_several_threads_one_attaches_it();
    eight_threads_under_one_lock_lose_no_event(seconds ? SECONDS(seconds) : MILLISECONDS((uint64_t)scaled(2000)));
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
