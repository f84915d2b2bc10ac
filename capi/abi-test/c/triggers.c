/* Behaviours 8 to 10: when a registered handle gives events, and which, as tables. */

#include "kinds.h"

static const uint32_t interests[] = {R, W, R | W};
static const uint32_t options[] = {MIO_ST_EDGE, MIO_ST_LEVEL, MIO_ST_ONESHOT};

/* --- What the peer did --------------------------------------------------------------------------- */

enum act {
    END,
    PEER_SENDS,
    PEER_SHUTS_READING,
    PEER_SHUTS_WRITING,
    PEER_SHUTS_BOTH,
    PEER_CLOSES,
    PEER_RESETS,
    WE_FILL,
    WE_SEND,
    WE_SHUT_READING,
    WE_SHUT_WRITING,
    WE_SHUT_BOTH,
    WE_TAKE_THE_ERROR,
    WE_ARE_UNCONNECTED,
    WE_WERE_REFUSED,
};

/* R READABLE, W WRITABLE, E ERROR, H HUP, r READ_CLOSED, w WRITE_CLOSED, for an interest in reading, in writing
 * and in both; nothing: no event. */
static const struct {
    const char *kind;
    enum act acts[4];
    const char *readiness[3];
} peer[] = {
    {"tcp_stream", {END}, {"", "W", "W"}},
    {"tcp_stream", {PEER_SENDS}, {"R", "W", "RW"}},
    {"tcp_stream", {PEER_SHUTS_WRITING}, {"Rr", "W", "RWr"}},
    {"tcp_stream", {WE_FILL, PEER_SHUTS_WRITING}, {"Rr", "", "Rr"}},
    {"tcp_stream", {PEER_SHUTS_READING}, {"", "W", "W"}},
    {"tcp_stream", {PEER_SHUTS_BOTH}, {"Rr", "W", "RWr"}},
    {"tcp_stream", {PEER_CLOSES}, {"Rr", "W", "RWr"}},
    {"tcp_stream", {PEER_SENDS, PEER_CLOSES}, {"Rr", "W", "RWr"}},
    {"tcp_stream", {WE_SEND, PEER_CLOSES}, {"REHrw", "RWEHrw", "RWEHrw"}},
    {"tcp_stream", {PEER_RESETS}, {"REHrw", "RWEHrw", "RWEHrw"}},
    {"tcp_stream", {PEER_RESETS, WE_TAKE_THE_ERROR}, {"RHrw", "RWHrw", "RWHrw"}},
    {"tcp_stream", {WE_SHUT_WRITING}, {"", "W", "W"}},
    {"tcp_stream", {WE_SHUT_READING}, {"Rr", "W", "RWr"}},
    {"tcp_stream", {WE_SHUT_BOTH}, {"RHrw", "RWHrw", "RWHrw"}},
    {"tcp_stream", {PEER_SHUTS_WRITING, WE_SHUT_WRITING}, {"RHrw", "RWHrw", "RWHrw"}},
    {"tcp_stream", {WE_FILL}, {"", "", ""}},
    {"tcp_stream", {WE_ARE_UNCONNECTED}, {"RHrw", "RWHrw", "RWHrw"}},
    {"tcp_stream", {WE_WERE_REFUSED}, {"REHrw", "RWEHrw", "RWEHrw"}},

    {"unix_stream", {END}, {"", "W", "W"}},
    {"unix_stream", {PEER_SENDS}, {"R", "W", "RW"}},
    {"unix_stream", {PEER_SHUTS_WRITING}, {"Rr", "W", "RWr"}},
    {"unix_stream", {WE_FILL, PEER_SHUTS_WRITING}, {"Rr", "", "Rr"}},
    {"unix_stream", {PEER_SHUTS_READING}, {"", "W", "W"}},
    {"unix_stream", {PEER_SHUTS_BOTH}, {"RHrw", "RWHrw", "RWHrw"}},
    {"unix_stream", {PEER_CLOSES}, {"RHrw", "RWHrw", "RWHrw"}},
    {"unix_stream", {PEER_SENDS, PEER_CLOSES}, {"RHrw", "RWHrw", "RWHrw"}},
    {"unix_stream", {WE_SEND, PEER_CLOSES}, {"REHrw", "RWEHrw", "RWEHrw"}},
    {"unix_stream", {WE_SHUT_WRITING}, {"", "W", "W"}},
    {"unix_stream", {WE_SHUT_READING}, {"Rr", "W", "RWr"}},
    {"unix_stream", {WE_SHUT_BOTH}, {"RHrw", "RWHrw", "RWHrw"}},
    {"unix_stream", {PEER_SHUTS_WRITING, WE_SHUT_WRITING}, {"RHrw", "RWHrw", "RWHrw"}},
    {"unix_stream", {WE_FILL}, {"", "", ""}},
    {"unix_stream", {WE_ARE_UNCONNECTED}, {"RHrw", "RWHrw", "RWHrw"}},

    {"receiver", {END}, {"", "", ""}},
    {"receiver", {PEER_SENDS}, {"R", "", "R"}},
    {"receiver", {PEER_SENDS, PEER_CLOSES}, {"RHrw", "RHrw", "RHrw"}},
    {"receiver", {PEER_CLOSES}, {"RHrw", "RHrw", "RHrw"}},

    {"sender", {END}, {"", "W", "W"}},
    {"sender", {WE_FILL}, {"", "", ""}},
    {"sender", {PEER_CLOSES}, {"E", "WE", "WE"}},
    {"sender", {WE_FILL, PEER_CLOSES}, {"E", "E", "E"}},

    {"connected_udp_socket", {END}, {"", "W", "W"}},
    {"connected_udp_socket", {PEER_SENDS}, {"R", "W", "RW"}},
    {"connected_udp_socket", {PEER_CLOSES, WE_SEND}, {"E", "WE", "WE"}},
    {"connected_udp_socket", {PEER_CLOSES, WE_SEND, WE_TAKE_THE_ERROR}, {"", "W", "W"}},
};

/* The readiness of some letters. */
static uint32_t flags(const char *letters)
{
    static const struct {
        char letter;
        uint32_t flag;
    } known[] = {{'R', R},          {'W', W},
                 {'E', MIO_ST_ERROR}, {'H', MIO_ST_HUP},
                 {'r', MIO_ST_READ_CLOSED}, {'w', MIO_ST_WRITE_CLOSED}};
    uint32_t readiness = 0;

    for (; *letters; letters++) {
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            readiness |= known[i].letter == *letters ? known[i].flag : 0;
    }
    return readiness;
}

/* As a handle of its kind; for what its kind refuses, as a descriptor. */
static void enlist(mio_st_poller_t poller, const struct kind *kind, uint64_t bits, uint32_t interest,
                   uint32_t option)
{
    if ((interest & ~kind->interests) == 0)
        OK(kind->enlist(poller, bits, 1, interest, option));
    else
        OK(mio_st_poller_register_fd(poller, kind->fd(bits), 1, interest, option));
}

/* The readiness of the one event that is there without waiting; 0 if there is none. */
static uint32_t ready(mio_st_poller_t poller)
{
    /* Room for both directions: with less, a kqueue tells them one after the other. */
    mio_st_event_t events[2] = {{0}};
    int count = OK(mio_st_poller_poll(poller, events, 2, 0));

    return count == 0 ? 0 : events[0].readiness;
}

/* Waits until the readiness, of which only `mask` counts, is as expected, for a while; returns it. */
static uint32_t settle(const struct kind *kind, uint64_t bits, uint32_t mask, uint32_t expected)
{
    uint64_t end = monotonic() + SECONDS(5);
    uint32_t readiness;
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    enlist(poller, kind, bits, R | W, MIO_ST_LEVEL);
    do
        readiness = ready(poller);
    while ((readiness & mask) != expected && monotonic() < end);
    OK(mio_st_poller_close(poller));
    return readiness;
}

/* Writes until nothing more goes in. TCP takes more when the kernel of the peer has acknowledged some. */
static void fill(const struct kind *kind, uint64_t bits)
{
    static const char block[1 << 16];
    mio_st_event_t event;
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    OK(kind->enlist(poller, bits, 1, W, MIO_ST_LEVEL));
    do {
        while (kind->write(bits, block, sizeof block) > 0 || kind->write(bits, block, 1) > 0)
            continue;
    } while (OK(mio_st_poller_poll(poller, &event, 1, 50000000)) > 0);
    OK(mio_st_poller_close(poller));
}

static void wait_for_peer(int fd)
{
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    OK(mio_st_poller_register_fd(poller, fd, 1, R, MIO_ST_LEVEL));
    test_wait(poller, 1, R);
    OK(mio_st_poller_close(poller));
}

static void close_peer(struct made *made)
{
    OK(close(made->peer));
    made->peer = -1;
}

/* Another handle takes the place of ours. */
static void replace(const struct kind *kind, struct made *made, uint64_t bits)
{
    OK(kind->close(made->bits));
    made->bits = bits;
}

static uint64_t unconnected(const struct kind *kind)
{
    int family = strcmp(kind->name, "tcp_stream") == 0 ? AF_INET : AF_UNIX;
    uint64_t bits;

    OK(kind->from_fd(&bits, OK(socket(family, SOCK_STREAM, 0))));
    return bits;
}

static uint64_t refused(void)
{
    char text[MIO_ST_ADDR_TEXT_SIZE];
    mio_st_tcp_stream_t stream;

    OK(mio_st_tcp_listener_close(test_listener(text)));
    OK(mio_st_tcp_stream_connect_str(&stream, text));
    return stream.bits;
}

static void play(const struct kind *kind, struct made *made, enum act act)
{
    const struct linger reset = {1, 0};
    int error;

    switch (act) {
    case END:
        return;
    case PEER_SENDS:
        EQUAL(write(made->peer, "hello", 5), 5);
        return;
    case PEER_SHUTS_READING:
        OK(shutdown(made->peer, SHUT_RD));
        return;
    case PEER_SHUTS_WRITING:
        OK(shutdown(made->peer, SHUT_WR));
        return;
    case PEER_SHUTS_BOTH:
        OK(shutdown(made->peer, SHUT_RDWR));
        return;
    case PEER_RESETS:
        OK(setsockopt(made->peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset));
        close_peer(made);
        return;
    case PEER_CLOSES:
        close_peer(made);
        return;
    case WE_FILL:
        fill(kind, made->bits);
        return;
    case WE_SEND:
        EQUAL(write(kind->fd(made->bits), "unread", 6), 6);
        if (made->peer >= 0)
            wait_for_peer(made->peer);
        return;
    case WE_SHUT_READING:
        OK(shutdown(kind->fd(made->bits), SHUT_RD));
        return;
    case WE_SHUT_WRITING:
        OK(shutdown(kind->fd(made->bits), SHUT_WR));
        return;
    case WE_SHUT_BOTH:
        OK(shutdown(kind->fd(made->bits), SHUT_RDWR));
        return;
    case WE_TAKE_THE_ERROR:
        settle(kind, made->bits, MIO_ST_ERROR, MIO_ST_ERROR);
        OK(kind->take_error(made->bits, &error));
        EQUAL(error, kind->write ? -ECONNRESET : -ECONNREFUSED);
        OK(kind->take_error(made->bits, &error));
        EQUAL(error, 0);
        return;
    case WE_ARE_UNCONNECTED:
        replace(kind, made, unconnected(kind));
        return;
    case WE_WERE_REFUSED:
        replace(kind, made, refused());
        return;
    }
}

/* Behaviours 8 and 10 */
static void what_the_peer_did_gives_exactly_these_flags(void)
{
    static char row[100];

    for (size_t i = 0; i < sizeof peer / sizeof peer[0]; i++) {
        const struct kind *kind = kind_named(peer[i].kind);
        struct made made = kind->make();

        for (int act = 0; act < 4; act++)
            play(kind, &made, peer[i].acts[act]);
        settle(kind, made.bits, UINT32_MAX, flags(peer[i].readiness[2]));
        for (int column = 0; column < 3; column++) {
            uint32_t expected = flags(peer[i].readiness[column]);

            for (int option = 0; option < 3; option++) {
                mio_st_poller_t poller;

                snprintf(row, sizeof row, "%s, row %d, column %d, option %d", kind->name, (int)i,
                         column, option);
                test_row = row;
                OK(mio_st_poller_new(&poller));
                enlist(poller, kind, made.bits, interests[column], options[option]);
                EQUAL(ready(poller), expected);
                EQUAL(ready(poller), options[option] == MIO_ST_LEVEL ? expected : 0);
                OK(mio_st_poller_close(poller));
            }
        }
        unmake(kind, made);
    }
    test_row = "";
}

/* Behaviour 10 */
static void unread_data_is_delivered_after_whatever_the_peer_did(void)
{
    static const struct {
        const char *kind;
        enum act act;
        int then;
    } ends[] = {
        {"tcp_stream", PEER_CLOSES, 0},
        {"tcp_stream", PEER_SHUTS_WRITING, 0},
        {"tcp_stream", PEER_SHUTS_BOTH, 0},
        {"tcp_stream", PEER_RESETS, -ECONNRESET},
        {"unix_stream", PEER_CLOSES, 0},
        {"unix_stream", PEER_SHUTS_WRITING, 0},
        {"unix_stream", PEER_SHUTS_BOTH, 0},
        {"receiver", PEER_CLOSES, 0},
    };

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const struct kind *kind = kind_named(ends[i].kind);
        struct made made = kind->make();
        char data[16];

        test_row = kind->name;
        play(kind, &made, PEER_SENDS);
        settle(kind, made.bits, R, R);
        play(kind, &made, ends[i].act);
        settle(kind, made.bits, R | MIO_ST_READ_CLOSED, R | MIO_ST_READ_CLOSED);
        EQUAL(kind->read(made.bits, data, sizeof data), 5);
        EQUAL(memcmp(data, "hello", 5), 0);
        EQUAL(kind->read(made.bits, data, sizeof data), ends[i].then);
        unmake(kind, made);
    }
    test_row = "";
}

/* --- Edge, level, oneshot ------------------------------------------------------------------------ */

/* How many events come: in three polls with data waiting and nothing done; after a part of the data was read;
 * after more arrived; after all was read; after reregistering with data waiting. */
static const struct {
    uint32_t option, interests;
    int events[5];
} triggers[] = {
    {MIO_ST_EDGE, R, {1, 0, 1, 0, 1}},     {MIO_ST_EDGE, W, {1, 0, 0, 0, 1}},
    {MIO_ST_EDGE, R | W, {1, 0, 1, 0, 1}}, {MIO_ST_LEVEL, R, {3, 1, 1, 0, 1}},
    {MIO_ST_LEVEL, W, {3, 1, 1, 1, 1}},    {MIO_ST_LEVEL, R | W, {3, 1, 1, 1, 1}},
    {MIO_ST_ONESHOT, R, {1, 0, 0, 0, 1}},  {MIO_ST_ONESHOT, W, {1, 0, 0, 0, 1}},
    {MIO_ST_ONESHOT, R | W, {1, 0, 0, 0, 1}},
};

static int polls(mio_st_poller_t poller, int times)
{
    int count = 0;

    while (times-- > 0)
        count += ready(poller) != 0;
    return count;
}

static void drain(const struct kind *kind, uint64_t bits, int64_t expected)
{
    uint64_t end = monotonic() + SECONDS(5);
    char data[64];

    while (expected > 0 && monotonic() < end) {
        int64_t count = kind->read(bits, data, sizeof data);

        expected -= count > 0 ? count : 0;
    }
    EQUAL(expected, 0);
}

/* Behaviour 8 */
static void edge_level_and_oneshot_over_every_interest(const struct kind *kind)
{
    static char row[100];

    for (size_t i = 0; i < sizeof triggers / sizeof triggers[0]; i++) {
        uint32_t option = triggers[i].option, wanted = triggers[i].interests;
        struct made made = kind->make();
        mio_st_poller_t poller;
        char part[4];
        int count;
        uint64_t end;

        if ((wanted & ~kind->interests) != 0) {
            unmake(kind, made);
            continue;
        }
        snprintf(row, sizeof row, "%s, row %d", kind->name, (int)i);
        test_row = row;
        EQUAL(write(made.peer, "some data", 9), 9);
        settle(kind, made.bits, R, R);
        OK(mio_st_poller_new(&poller));
        OK(kind->enlist(poller, made.bits, 1, wanted, option));
        EQUAL(polls(poller, 3), triggers[i].events[0]);

        EQUAL(kind->read(made.bits, part, sizeof part), 4);
        EQUAL(polls(poller, 1), triggers[i].events[1]);

        EQUAL(write(made.peer, "more data", 9), 9);
        end = monotonic() + SECONDS(5);
        do
            count = polls(poller, 1); /* The data of TCP is on its way, if only for a moment. */
        while (count < triggers[i].events[2] && monotonic() < end);
        EQUAL(count, triggers[i].events[2]);

        drain(kind, made.bits, 14);
        EQUAL(polls(poller, 1), triggers[i].events[3]);

        EQUAL(write(made.peer, "the last", 8), 8);
        settle(kind, made.bits, R, R);
        OK(kind->reenlist(poller, made.bits, 1, wanted, option));
        EQUAL(polls(poller, 1), triggers[i].events[4]);
        OK(mio_st_poller_close(poller));
        unmake(kind, made);
    }
    test_row = "";
}

/* Behaviour 8 */
static void a_writer_that_was_full_gets_an_edge_when_there_is_room_again(const char *name)
{
    const struct kind *kind = kind_named(name);
    struct made made = kind->make();
    char block[4096];
    mio_st_event_t event;
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    fill(kind, made.bits);
    OK(kind->enlist(poller, made.bits, 1, W, MIO_ST_EDGE));
    EQUAL(ready(poller), 0);
    while (read(made.peer, block, sizeof block) > 0)
        continue;
    EQUAL(mio_st_poller_poll(poller, &event, 1, LONG), 1);
    EQUAL(event.readiness, W);
    EQUAL(kind->write(made.bits, block, 1), 1);
    OK(mio_st_poller_close(poller));
    unmake(kind, made);
}

/* Behaviour 8 */
static void one_event_of_a_oneshot_handle_disarms_both_directions(void)
{
    const struct kind *kind = kind_named("unix_stream");
    struct made made = kind->make();
    char block[4096];
    mio_st_poller_t poller;

    OK(mio_st_poller_new(&poller));
    fill(kind, made.bits);
    OK(kind->enlist(poller, made.bits, 1, R | W, MIO_ST_ONESHOT));
    EQUAL(ready(poller), 0);
    EQUAL(write(made.peer, "x", 1), 1);
    EQUAL(ready(poller), R);
    /* There is room to write now, and more to read; not even the end is told. */
    while (read(made.peer, block, sizeof block) > 0)
        continue;
    EQUAL(write(made.peer, "y", 1), 1);
    EQUAL(ready(poller), 0);
    close_peer(&made);
    EQUAL(ready(poller), 0);
    OK(kind->reenlist(poller, made.bits, 1, W, MIO_ST_ONESHOT));
    EQUAL(ready(poller) & (W | MIO_ST_HUP), W | MIO_ST_HUP);
    OK(mio_st_poller_close(poller));
    unmake(kind, made);
}

/* Behaviour 9 */
static void without_interests_a_handle_is_paused(const struct kind *kind, uint32_t option)
{
    mio_st_poller_t poller;
    struct made made = kind->make();

    OK(mio_st_poller_new(&poller));
    OK(kind->enlist(poller, made.bits, 1, 0, option));
    EQUAL(kind->enlist(poller, made.bits, 1, kind->interests, option), -EEXIST);
    EQUAL(ready(poller), 0);
    OK(kind->reenlist(poller, made.bits, 1, kind->interests, option));
    OK(kind->reenlist(poller, made.bits, 1, 0, option));
    if (kind->rouse)
        kind->rouse(made);
    EQUAL(ready(poller), 0);
    OK(kind->reenlist(poller, made.bits, 1, kind->interests, option));
    test_wait(poller, 1, kind->readiness);
    OK(mio_st_poller_close(poller));
    unmake(kind, made);
}

/* Behaviour 9 */
static void a_hang_up_is_told_without_interests(uint32_t option)
{
    const struct kind *kind = kind_named("unix_stream");
    mio_st_poller_t poller;
    struct made made = kind->make();

    OK(mio_st_poller_new(&poller));
    OK(kind->enlist(poller, made.bits, 1, 0, option));
    close_peer(&made);
    for (int turn = 0; turn < 3; turn++) {
        uint32_t told = R | MIO_ST_READ_CLOSED | MIO_ST_WRITE_CLOSED | MIO_ST_HUP;
        int repeats = option == MIO_ST_LEVEL;

        if (mio_st_features() & MIO_ST_FEATURE_KQUEUE || (turn > 0 && !repeats))
            told = 0;
        EQUAL(ready(poller), told);
    }
    OK(mio_st_poller_close(poller));
    unmake(kind, made);
}

/* Behaviour 10: who has read the end of a half-closed peer, and writes on, waits for that alone. */
static void a_level_handle_that_has_read_the_end_waits_for_room_alone(const char *name)
{
    const struct kind *kind = kind_named(name);
    struct made made = kind->make();
    mio_st_poller_t poller;
    char byte;

    OK(mio_st_poller_new(&poller));
    OK(kind->enlist(poller, made.bits, 1, R | W, MIO_ST_LEVEL));
    OK(shutdown(made.peer, SHUT_WR));
    for (int turn = 0; turn < 3; turn++) {
        test_wait(poller, 1, R | W | MIO_ST_READ_CLOSED);
        EQUAL(kind->read(made.bits, &byte, 1), 0);
    }
    OK(kind->reenlist(poller, made.bits, 1, W, MIO_ST_LEVEL));
    EQUAL(ready(poller), W);
    fill(kind, made.bits);
    EQUAL(ready(poller), 0);
    OK(mio_st_poller_close(poller));
    unmake(kind, made);
}

int main(void)
{
    what_the_peer_did_gives_exactly_these_flags();
    unread_data_is_delivered_after_whatever_the_peer_did();
    edge_level_and_oneshot_over_every_interest(kind_named("tcp_stream"));
    edge_level_and_oneshot_over_every_interest(kind_named("unix_stream"));
    edge_level_and_oneshot_over_every_interest(kind_named("receiver"));
    a_writer_that_was_full_gets_an_edge_when_there_is_room_again("tcp_stream");
    a_writer_that_was_full_gets_an_edge_when_there_is_room_again("unix_stream");
    a_writer_that_was_full_gets_an_edge_when_there_is_room_again("sender");
    one_event_of_a_oneshot_handle_disarms_both_directions();
    a_level_handle_that_has_read_the_end_waits_for_room_alone("tcp_stream");
    a_level_handle_that_has_read_the_end_waits_for_room_alone("unix_stream");
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        FOR_EACH_KIND(kind)
            if (kind->enlist)
                without_interests_a_handle_is_paused(kind, options[i]);
        a_hang_up_is_told_without_interests(options[i]);
    }
    EQUAL(mio_st_live_handles(), 0);
    return 0;
}
