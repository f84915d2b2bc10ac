/* Every kind of handle as data, by the bits of the handle: what all of them can do. */

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "test.h"

/* A handle with what is at its other end: a descriptor and a child, or -1. */
struct made {
    uint64_t bits;
    int peer;
    pid_t child;
};

struct kind {
    const char *name;
    struct made (*make)(void);
    /* Makes it ready for `readiness`; NULL: it is from the beginning. */
    void (*rouse)(struct made made);
    /* What it can be registered for, and which of that comes. NULL functions: it cannot do that. */
    uint32_t interests, readiness;
    int (*close)(uint64_t bits);
    int (*fd)(uint64_t bits);
    int (*into_fd)(uint64_t bits);
    int (*from_fd)(uint64_t *bits, int fd);
    int (*try_clone)(uint64_t *clone, uint64_t bits);
    int (*take_error)(uint64_t bits, int *error);
    int64_t (*read)(uint64_t bits, void *buffer, size_t length);
    int64_t (*readv)(uint64_t bits, const struct iovec *buffers, size_t count);
    int64_t (*write)(uint64_t bits, const void *buffer, size_t length);
    int64_t (*writev)(uint64_t bits, const struct iovec *buffers, size_t count);
    int (*enlist)(mio_st_poller_t poller, uint64_t bits, uint64_t id, uint32_t interests, uint32_t option);
    int (*reenlist)(mio_st_poller_t poller, uint64_t bits, uint64_t id, uint32_t interests, uint32_t option);
    int (*delist)(mio_st_poller_t poller, uint64_t bits);
    int (*detach)(uint64_t bits, mio_st_detached_t *detached);
    int (*attach)(uint64_t *bits, mio_st_detached_t detached);
};

#define CLOSES(kind) \
    static int kind##_close(uint64_t bits) { return mio_st_##kind##_close((mio_st_##kind##_t){bits}); }

#define HAS_DESCRIPTOR(kind) \
    CLOSES(kind)             \
    static int kind##_fd(uint64_t bits) { return mio_st_##kind##_fd((mio_st_##kind##_t){bits}); }

#define REGISTERS(kind)                                                                                 \
    HAS_DESCRIPTOR(kind)                                                                                \
    static int kind##_enlist(mio_st_poller_t poller, uint64_t bits, uint64_t id, uint32_t interests,    \
                             uint32_t option)                                                           \
    {                                                                                                   \
        return mio_st_poller_register_##kind(poller, (mio_st_##kind##_t){bits}, id, interests, option); \
    }                                                                                                   \
    static int kind##_reenlist(mio_st_poller_t poller, uint64_t bits, uint64_t id, uint32_t interests,  \
                               uint32_t option)                                                         \
    {                                                                                                   \
        mio_st_##kind##_t handle = {bits};                                                              \
        return mio_st_poller_reregister_##kind(poller, handle, id, interests, option);                  \
    }                                                                                                   \
    static int kind##_delist(mio_st_poller_t poller, uint64_t bits)                                     \
    {                                                                                                   \
        return mio_st_poller_deregister_##kind(poller, (mio_st_##kind##_t){bits});                      \
    }

#define TRAVELS(kind)                                                               \
    static int kind##_detach(uint64_t bits, mio_st_detached_t *detached)            \
    {                                                                               \
        return mio_st_##kind##_detach((mio_st_##kind##_t){bits}, detached);         \
    }                                                                               \
    static int kind##_attach(uint64_t *bits, mio_st_detached_t detached)            \
    {                                                                               \
        mio_st_##kind##_t handle = {*bits};                                         \
        int answer = mio_st_##kind##_attach(&handle, detached);                     \
        *bits = handle.bits;                                                        \
        return answer;                                                              \
    }

#define MOVES(kind)                                                                                       \
    REGISTERS(kind)                                                                                       \
    TRAVELS(kind)                                                                                         \
    static int kind##_into_fd(uint64_t bits) { return mio_st_##kind##_into_fd((mio_st_##kind##_t){bits}); } \
    static int kind##_from_fd(uint64_t *bits, int fd)                                                     \
    {                                                                                                     \
        mio_st_##kind##_t handle = {*bits};                                                               \
        int answer = mio_st_##kind##_from_fd(&handle, fd);                                                \
        *bits = handle.bits;                                                                              \
        return answer;                                                                                    \
    }

#define TAKES_ERRORS(kind)                                         \
    MOVES(kind)                                                    \
    static int kind##_take_error(uint64_t bits, int *error)        \
    {                                                              \
        return mio_st_##kind##_take_error((mio_st_##kind##_t){bits}, error); \
    }

#define CLONES(kind)                                                              \
    TAKES_ERRORS(kind)                                                            \
    static int kind##_try_clone(uint64_t *clone, uint64_t bits)                   \
    {                                                                             \
        mio_st_##kind##_t handle = {*clone};                                      \
        int answer = mio_st_##kind##_try_clone(&handle, (mio_st_##kind##_t){bits}); \
        *clone = handle.bits;                                                     \
        return answer;                                                            \
    }

#define READS(kind)                                                             \
    static int64_t kind##_read(uint64_t bits, void *buffer, size_t length)      \
    {                                                                           \
        return mio_st_##kind##_read((mio_st_##kind##_t){bits}, buffer, length); \
    }                                                                           \
    static int64_t kind##_readv(uint64_t bits, const struct iovec *buffers, size_t count) \
    {                                                                           \
        return mio_st_##kind##_readv((mio_st_##kind##_t){bits}, buffers, count); \
    }

#define WRITES(kind)                                                             \
    static int64_t kind##_write(uint64_t bits, const void *buffer, size_t length) \
    {                                                                            \
        return mio_st_##kind##_write((mio_st_##kind##_t){bits}, buffer, length); \
    }                                                                            \
    static int64_t kind##_writev(uint64_t bits, const struct iovec *buffers, size_t count) \
    {                                                                            \
        return mio_st_##kind##_writev((mio_st_##kind##_t){bits}, buffers, count); \
    }

CLOSES(awakener)
CLOSES(registrar)
CLOSES(detached)
HAS_DESCRIPTOR(poller)
TRAVELS(poller)
REGISTERS(signals)
REGISTERS(process)
TRAVELS(process)
MOVES(sender)
MOVES(receiver)
CLONES(unix_stream)
CLONES(unix_datagram)
CLONES(unix_listener)
CLONES(tcp_stream)
CLONES(tcp_listener)
CLONES(udp_socket)
CLONES(connected_udp_socket)
READS(tcp_stream)
READS(unix_stream)
READS(receiver)
WRITES(tcp_stream)
WRITES(unix_stream)
WRITES(sender)

static struct made make_poller(void)
{
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    return (struct made){poller.bits, -1, -1};
}

/* It outlives its poller. */
static struct made make_awakener(void)
{
    mio_st_awakener_t awakener;
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_awakener_new(&awakener, poller, 1));
    OK(mio_st_poller_close(poller));
    return (struct made){awakener.bits, -1, -1};
}

/* It outlives its poller. */
static struct made make_registrar(void)
{
    mio_st_registrar_t registrar;
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_registrar_new(&registrar, poller));
    OK(mio_st_poller_close(poller));
    return (struct made){registrar.bits, -1, -1};
}

static struct made make_detached(void)
{
    mio_st_detached_t detached;
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_detach(poller, &detached));
    return (struct made){detached.bits, -1, -1};
}

static struct made make_tcp_listener(void)
{
    char text[MIO_ST_ADDR_TEXT_SIZE];

    return (struct made){test_listener(text).bits, -1, -1};
}

static void rouse_tcp_listener(struct made made)
{
    mio_st_tcp_listener_t listener = {made.bits};
    struct sockaddr_storage address;
    mio_st_tcp_stream_t client;
    int length = OK(mio_st_tcp_listener_local_addr(listener, &address));

    OK(mio_st_tcp_stream_connect(&client, (struct sockaddr *)&address, (socklen_t)length));
    OK(mio_st_tcp_stream_close(client));
}

static struct made make_tcp_stream(void)
{
    char text[MIO_ST_ADDR_TEXT_SIZE];
    mio_st_tcp_listener_t listener = test_listener(text);
    mio_st_tcp_stream_t ours, peer;
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_register_tcp_listener(poller, listener, 1, MIO_ST_READABLE, MIO_ST_LEVEL));
    OK(mio_st_tcp_stream_connect_str(&ours, text));
    peer = test_accept(poller, listener);
    EQUAL(mio_st_tcp_stream_connected(ours), 1);
    OK(mio_st_tcp_listener_close(listener));
    OK(mio_st_poller_close(poller));
    return (struct made){ours.bits, OK(mio_st_tcp_stream_into_fd(peer)), -1};
}

static struct made make_udp_socket(void)
{
    mio_st_udp_socket_t socket;

    OK(mio_st_udp_socket_bind_str(&socket, "127.0.0.1:0"));
    return (struct made){socket.bits, -1, -1};
}

static struct made make_connected_udp_socket(void)
{
    mio_st_connected_udp_socket_t ours;
    mio_st_udp_socket_t socket, peer;
    struct sockaddr_storage address, back;
    socklen_t length;

    OK(mio_st_udp_socket_bind_str(&socket, "127.0.0.1:0"));
    OK(mio_st_udp_socket_bind_str(&peer, "127.0.0.1:0"));
    length = (socklen_t)OK(mio_st_udp_socket_local_addr(peer, &address));
    OK(mio_st_udp_socket_local_addr(socket, &back));
    OK(mio_st_udp_socket_connect(socket, (struct sockaddr *)&address, length, &ours));
    OK(connect(mio_st_udp_socket_fd(peer), (struct sockaddr *)&back, length));
    return (struct made){ours.bits, OK(mio_st_udp_socket_into_fd(peer)), -1};
}

static struct made make_unix_stream(void)
{
    mio_st_unix_stream_t ours, peer;

    OK(mio_st_unix_stream_pair(&ours, &peer));
    return (struct made){ours.bits, OK(mio_st_unix_stream_into_fd(peer)), -1};
}

static struct made make_unix_datagram(void)
{
    mio_st_unix_datagram_t ours, peer;

    OK(mio_st_unix_datagram_pair(&ours, &peer));
    return (struct made){ours.bits, OK(mio_st_unix_datagram_into_fd(peer)), -1};
}

/* With a name that the system chooses. */
static struct made make_unix_listener(void)
{
    const struct sockaddr unnamed = {.sa_family = AF_UNIX};
    mio_st_unix_listener_t listener;

    OK(mio_st_unix_listener_bind_addr(&listener, &unnamed, sizeof unnamed.sa_family));
    return (struct made){listener.bits, -1, -1};
}

static void rouse_unix_listener(struct made made)
{
    mio_st_unix_listener_t listener = {made.bits};
    struct sockaddr_storage address;
    mio_st_unix_stream_t client;
    int length = OK(mio_st_unix_listener_local_addr(listener, &address));

    OK(mio_st_unix_stream_connect_addr(&client, (struct sockaddr *)&address, (socklen_t)length));
    OK(mio_st_unix_stream_close(client));
}

static struct made make_sender(void)
{
    mio_st_sender_t sender;
    mio_st_receiver_t receiver;

    OK(mio_st_new_pipe(&sender, &receiver));
    return (struct made){sender.bits, OK(mio_st_receiver_into_fd(receiver)), -1};
}

static struct made make_receiver(void)
{
    mio_st_sender_t sender;
    mio_st_receiver_t receiver;

    OK(mio_st_new_pipe(&sender, &receiver));
    return (struct made){receiver.bits, OK(mio_st_sender_into_fd(sender)), -1};
}

static void rouse_by_writing(struct made made)
{
    EQUAL(write(made.peer, "x", 1), 1);
}

static struct made make_signals(void)
{
    const int numbers[] = {SIGURG};
    mio_st_signals_t signals;

    OK(mio_st_signals_new(&signals, numbers, 1));
    return (struct made){signals.bits, -1, -1};
}

static void rouse_by_a_signal(struct made made)
{
    (void)made;
    OK(kill(getpid(), SIGURG));
}

/* A child that ends when the other end of a pipe is closed. */
static struct made make_process(void)
{
    mio_st_process_t process;
    int fds[2];
    pid_t child;

    OK(pipe(fds));
    child = OK(fork());
    if (child == 0) {
        char byte;

        close(fds[1]);
        _exit(read(fds[0], &byte, 1) == 0 ? 0 : 1);
    }
    OK(close(fds[0]));
    OK(mio_st_process_from_pid(&process, child));
    return (struct made){process.bits, fds[1], child};
}

static void rouse_process(struct made made)
{
    OK(kill(made.child, SIGKILL));
}

#define R MIO_ST_READABLE
#define W MIO_ST_WRITABLE
#define OF_CLOSE(kind) .name = #kind, .make = make_##kind, .close = kind##_close
#define OF_DESCRIPTOR(kind) OF_CLOSE(kind), .fd = kind##_fd
#define OF_REGISTRATION(kind) \
    OF_DESCRIPTOR(kind), .enlist = kind##_enlist, .reenlist = kind##_reenlist, .delist = kind##_delist
#define OF_TRAVEL(kind) .detach = kind##_detach, .attach = kind##_attach
#define OF_MOVE(kind) \
    OF_REGISTRATION(kind), OF_TRAVEL(kind), .into_fd = kind##_into_fd, .from_fd = kind##_from_fd
#define OF_ERROR(kind) OF_MOVE(kind), .take_error = kind##_take_error
#define OF_CLONE(kind) OF_ERROR(kind), .try_clone = kind##_try_clone
#define OF_READ(kind) .read = kind##_read, .readv = kind##_readv
#define OF_WRITE(kind) .write = kind##_write, .writev = kind##_writev

static const struct kind kinds[] = {
    {OF_CLOSE(awakener)},
    {OF_CLOSE(registrar)},
    {OF_CLOSE(detached)},
    {OF_DESCRIPTOR(poller), OF_TRAVEL(poller)},
    {OF_CLONE(tcp_listener), .rouse = rouse_tcp_listener, .interests = R, .readiness = R},
    {OF_CLONE(tcp_stream), OF_READ(tcp_stream), OF_WRITE(tcp_stream), .interests = R | W, .readiness = W},
    {OF_CLONE(udp_socket), .interests = R | W, .readiness = W},
    {OF_CLONE(connected_udp_socket), .interests = R | W, .readiness = W},
    {OF_CLONE(unix_listener), .rouse = rouse_unix_listener, .interests = R, .readiness = R},
    {OF_CLONE(unix_stream), OF_READ(unix_stream), OF_WRITE(unix_stream), .interests = R | W, .readiness = W},
    {OF_CLONE(unix_datagram), .interests = R | W, .readiness = W},
    {OF_MOVE(sender), OF_WRITE(sender), .interests = W, .readiness = W},
    {OF_MOVE(receiver), OF_READ(receiver), .rouse = rouse_by_writing, .interests = R, .readiness = R},
    {OF_REGISTRATION(signals), .rouse = rouse_by_a_signal, .interests = R, .readiness = R},
    {OF_REGISTRATION(process), OF_TRAVEL(process), .rouse = rouse_process, .interests = R, .readiness = R},
};

static inline const struct kind *kind_named(const char *name)
{
    size_t i = 0;

    while (strcmp(kinds[i].name, name) != 0)
        i++;
    return &kinds[i];
}

/* Valgrind 3.19 does not know pidfd_open(2). */
static inline int is_missing(const struct kind *kind)
{
    return getenv("UNDER_VALGRIND") && kind->make == make_process;
}

/* For each kind, which a failure tells. */
#define FOR_EACH_KIND(kind)                                                                              \
    for (const struct kind *kind = kinds; kind < kinds + sizeof kinds / sizeof kinds[0]; test_row = "", kind++) \
        if ((test_row = kind->name) && !is_missing(kind))

/* Ends what is at the other end of a handle. */
static inline void unmake_peer(struct made made)
{
    if (made.peer >= 0)
        OK(close(made.peer));
    if (made.child >= 0)
        OK(waitpid(made.child, NULL, 0));
}

static inline void unmake(const struct kind *kind, struct made made)
{
    OK(kind->close(made.bits));
    unmake_peer(made);
}
