/* The options of sockets, as a table: what is set is what the system sees, and what is read back. */

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "kinds.h"

#define OPTION(kind, option, type)                                                             \
    static int set_##kind##_##option(uint64_t bits, uint32_t value)                            \
    {                                                                                          \
        return mio_st_##kind##_set_##option((mio_st_##kind##_t){bits}, (type)value);           \
    }                                                                                          \
    static int get_##kind##_##option(uint64_t bits)                                            \
    {                                                                                          \
        return mio_st_##kind##_##option((mio_st_##kind##_t){bits});                            \
    }
#define OPTIONS_OF_UDP(kind)                  \
    OPTION(kind, broadcast, int)              \
    OPTION(kind, ttl, uint32_t)               \
    OPTION(kind, multicast_ttl_v4, uint32_t)  \
    OPTION(kind, multicast_hops_v6, uint32_t) \
    OPTION(kind, multicast_loop_v4, int)      \
    OPTION(kind, multicast_loop_v6, int)      \
    OPTION(kind, multicast_if_v6, uint32_t)

OPTION(tcp_stream, nodelay, int)
OPTION(tcp_stream, ttl, uint32_t)
OPTION(tcp_listener, ttl, uint32_t)
OPTIONS_OF_UDP(udp_socket)
OPTIONS_OF_UDP(connected_udp_socket)

#define MANY UINT32_MAX

/* A value that is set, the answer, and what is set then. */
struct attempt {
    uint32_t value;
    int answer, then;
};

enum { NO_MORE = 1, SOME = -1 };

/* On, with any number that is not 0, and off. */
static const struct attempt switches[] = {
    {1, 0, 1}, {0, 0, 0}, {7, 0, 1}, {0, 0, 0}, {MANY, 0, 1}, {0, NO_MORE, 0}};
/* Numbers of hops: of multicast, which may stay here, and of others. */
static const struct attempt hops[] = {
    {1, 0, 1}, {0, 0, 0}, {255, 0, 255}, {256, -EINVAL, 255}, {MANY, -EINVAL, 255}, {0, NO_MORE, 0}};
static const struct attempt ttls[] = {
    {1, 0, 1}, {255, 0, 255}, {0, -EINVAL, 255}, {256, -EINVAL, 255}, {MANY, -EINVAL, 255}, {0, NO_MORE, 0}};
static const struct attempt interfaces[] = {
    {1, 0, 1}, {0, 0, 0}, {1, 0, 1}, {123456, -ENODEV, 1}, {MANY, -EINVAL, 1}, {0, NO_MORE, 0}};

#define ROW(kind, option) #kind, #option, set_##kind##_##option, get_##kind##_##option

static const struct {
    const char *kind, *option;
    int (*set)(uint64_t bits, uint32_t value);
    int (*get)(uint64_t bits);
    int level, name, before;
    const struct attempt *attempts;
} table[] = {
    {ROW(tcp_stream, nodelay), IPPROTO_TCP, TCP_NODELAY, 0, switches},
    {ROW(tcp_stream, ttl), IPPROTO_IP, IP_TTL, SOME, ttls},
    {ROW(tcp_listener, ttl), IPPROTO_IP, IP_TTL, SOME, ttls},
    {ROW(udp_socket, broadcast), SOL_SOCKET, SO_BROADCAST, 0, switches},
    {ROW(udp_socket, ttl), IPPROTO_IP, IP_TTL, SOME, ttls},
    {ROW(udp_socket, ttl), IPPROTO_IPV6, IPV6_UNICAST_HOPS, SOME, ttls},
    {ROW(udp_socket, multicast_ttl_v4), IPPROTO_IP, IP_MULTICAST_TTL, 1, hops},
    {ROW(udp_socket, multicast_hops_v6), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1, hops},
    {ROW(udp_socket, multicast_loop_v4), IPPROTO_IP, IP_MULTICAST_LOOP, 1, switches},
    {ROW(udp_socket, multicast_loop_v6), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1, switches},
    {ROW(udp_socket, multicast_if_v6), IPPROTO_IPV6, IPV6_MULTICAST_IF, 0, interfaces},
    {ROW(connected_udp_socket, broadcast), SOL_SOCKET, SO_BROADCAST, 0, switches},
    {ROW(connected_udp_socket, ttl), IPPROTO_IP, IP_TTL, SOME, ttls},
    {ROW(connected_udp_socket, ttl), IPPROTO_IPV6, IPV6_UNICAST_HOPS, SOME, ttls},
    {ROW(connected_udp_socket, multicast_ttl_v4), IPPROTO_IP, IP_MULTICAST_TTL, 1, hops},
    {ROW(connected_udp_socket, multicast_hops_v6), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1, hops},
    {ROW(connected_udp_socket, multicast_loop_v4), IPPROTO_IP, IP_MULTICAST_LOOP, 1, switches},
    {ROW(connected_udp_socket, multicast_loop_v6), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1, switches},
    {ROW(connected_udp_socket, multicast_if_v6), IPPROTO_IPV6, IPV6_MULTICAST_IF, 0, interfaces},
};

/* Of IPv6, for the options of that. */
static struct made make(const struct kind *kind, int level)
{
    struct sockaddr_storage any, address;
    mio_st_connected_udp_socket_t connected;
    mio_st_udp_socket_t socket;
    socklen_t length;

    if (level != IPPROTO_IPV6)
        return kind->make();
    OK(mio_st_udp_socket_bind_str(&socket, "[::1]:0"));
    if (strcmp(kind->name, "udp_socket") == 0)
        return (struct made){socket.bits, -1, -1};
    length = (socklen_t)OK(mio_st_udp_socket_local_addr(socket, &address));
    OK(mio_st_addr_parse("[::1]:0", &any));
    OK(mio_st_connected_udp_socket_connect(&connected, (struct sockaddr *)&any, length,
                                           (struct sockaddr *)&address, length));
    OK(mio_st_udp_socket_close(socket));
    return (struct made){connected.bits, -1, -1};
}

static void options_are_what_the_system_sees(size_t i)
{
    const struct kind *kind = kind_named(table[i].kind);
    struct made made = make(kind, table[i].level);

    if (table[i].before != SOME)
        EQUAL(table[i].get(made.bits), table[i].before);
    for (const struct attempt *attempt = table[i].attempts; attempt->answer != NO_MORE; attempt++) {
        int value = 77;
        socklen_t size = sizeof value;

        EQUAL(table[i].set(made.bits, attempt->value), attempt->answer);
        EQUAL(table[i].get(made.bits), attempt->then);
        OK(getsockopt(kind->fd(made.bits), table[i].level, table[i].name, &value, &size));
        EQUAL(value, attempt->then);
    }
    unmake(kind, made);
}

/* --- Multicast ----------------------------------------------------------------------------------- */

#define GROUPS(kind)                                                                                     \
    static void groups_of_##kind(uint64_t bits_v4, uint64_t bits_v6)                                     \
    {                                                                                                    \
        const mio_st_##kind##_t v4 = {bits_v4}, v6 = {bits_v6};                                          \
        struct in_addr group = {htonl(0xefff4647)}, loopback = {htonl(INADDR_LOOPBACK)}, got = {1};      \
        struct in6_addr group_v6 = {{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 70, 71}}};            \
        const uint32_t lo = if_nametoindex("lo");                                                        \
                                                                                                         \
        OK(mio_st_##kind##_multicast_if_v4(v4, &got));                                                   \
        EQUAL(got.s_addr, 0);                                                                            \
        OK(mio_st_##kind##_set_multicast_if_v4(v4, &loopback));                                          \
        OK(mio_st_##kind##_multicast_if_v4(v4, &got));                                                   \
        EQUAL(got.s_addr, loopback.s_addr);                                                              \
        EQUAL(mio_st_##kind##_join_multicast_v4(v4, &loopback, &loopback), -EINVAL);                     \
        OK(mio_st_##kind##_join_multicast_v4(v4, &group, &loopback));                                    \
        EQUAL(mio_st_##kind##_join_multicast_v4(v4, &group, &loopback), -EADDRINUSE);                    \
        OK(mio_st_##kind##_leave_multicast_v4(v4, &group, &loopback));                                   \
        EQUAL(mio_st_##kind##_leave_multicast_v4(v4, &group, &loopback), -EADDRNOTAVAIL);                \
        OK(mio_st_##kind##_join_multicast_v6(v6, &group_v6, lo));                                        \
        EQUAL(mio_st_##kind##_join_multicast_v6(v6, &group_v6, lo), -EADDRINUSE);                        \
        OK(mio_st_##kind##_leave_multicast_v6(v6, &group_v6, lo));                                       \
        EQUAL(mio_st_##kind##_leave_multicast_v6(v6, &group_v6, lo), -EADDRNOTAVAIL);                    \
    }

GROUPS(udp_socket)
GROUPS(connected_udp_socket)

static void groups_are_joined_and_left_once(const char *name, void (*groups)(uint64_t, uint64_t))
{
    const struct kind *kind = kind_named(name);
    struct made v4 = make(kind, IPPROTO_IP), v6 = make(kind, IPPROTO_IPV6);

    groups(v4.bits, v6.bits);
    unmake(kind, v4);
    unmake(kind, v6);
}

/* What is sent to a group comes to who has joined it, and to nobody who has left. */
static void a_datagram_to_a_group_comes_to_its_members(void)
{
    struct in_addr loopback = {htonl(INADDR_LOOPBACK)};
    /* Another run of this has another: a member of none hears of what anybody on the machine has joined (IP_MULTICAST_ALL
     * in ip(7)). */
    struct sockaddr_in group = {.sin_family = AF_INET, .sin_addr = {htonl(0xefc00000 | ((uint32_t)getpid() & 0xffff))}};
    struct sockaddr_storage address;
    mio_st_udp_socket_t member, sender;
    mio_st_poller_t poller;
    mio_st_event_t event;
    char data[8];

    OK(mio_st_poller_new(&poller));
    EQUAL(mio_st_addr_parse("0.0.0.0:0", &address), sizeof(struct sockaddr_in));
    OK(mio_st_udp_socket_bind(&member, (struct sockaddr *)&address, sizeof(struct sockaddr_in)));
    OK(mio_st_udp_socket_local_addr(member, &address));
    group.sin_port = ((struct sockaddr_in *)&address)->sin_port;
    OK(mio_st_udp_socket_bind_str(&sender, "127.0.0.1:0"));
    OK(mio_st_udp_socket_set_multicast_if_v4(sender, &loopback));
    OK(mio_st_poller_register_udp_socket(poller, member, 1, R, MIO_ST_LEVEL));
    OK(mio_st_udp_socket_join_multicast_v4(member, &group.sin_addr, &loopback));
    EQUAL(mio_st_udp_socket_send_to(sender, "hello", 5, (struct sockaddr *)&group, sizeof group), 5);
    test_wait(poller, 1, R);
    EQUAL(mio_st_udp_socket_recv_from(member, data, sizeof data, NULL, NULL), 5);
    OK(mio_st_udp_socket_leave_multicast_v4(member, &group.sin_addr, &loopback));
    EQUAL(mio_st_udp_socket_send_to(sender, "hello", 5, (struct sockaddr *)&group, sizeof group), 5);
    EQUAL(mio_st_poller_poll(poller, &event, 1, 20000000), 0);
    OK(mio_st_udp_socket_close(member));
    OK(mio_st_udp_socket_close(sender));
    OK(mio_st_poller_close(poller));
}

int main(void)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        static char row[100];

        snprintf(row, sizeof row, "%s of %s", table[i].option, table[i].kind);
        test_row = row;
        options_are_what_the_system_sees(i);
    }
    test_row = "";
    groups_are_joined_and_left_once("udp_socket", groups_of_udp_socket);
    groups_are_joined_and_left_once("connected_udp_socket", groups_of_connected_udp_socket);
    a_datagram_to_a_group_comes_to_its_members();
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
