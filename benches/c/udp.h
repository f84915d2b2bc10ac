/* Datagrams from one socket to another: see src/bin/udp.rs. A contender includes this file after it has defined
 *
 *   struct pair                          of two sockets
 *   pair_init(pair, how, count)          false if it cannot do that
 *   pair_bind_receiver(pair, address)    before the sender
 *   pair_bind_sender(pair, address)
 *   pair_send(pair, data, count)
 *   pair_receive(pair)                   by one call; returns how many, which may be none
 */
#include <fcntl.h>
#include <sched.h>
#include <string.h>

static void enter(const char *variable) {
    int namespace = check(open(getenv(variable), O_RDONLY | O_CLOEXEC));
    check(setns(namespace, CLONE_NEWNET));
    check(close(namespace));
}

bool work_udp(struct outcome *outcome, enum how how, uint64_t count, enum place place, uint64_t rounds) {
    static struct pair pair;
    const char *receiver = "127.0.0.1:0", *sender = receiver;
    char *data = malloc(count * DATAGRAM);
    struct outcome one = {0};
    uint64_t received;
    if (place != LOOPBACK) {
        if (getenv("SENDER_NAMESPACE") == NULL)
            return false;
        receiver = "10.70.0.2:0";
        sender = "10.70.0.1:0";
        enter("RECEIVER_NAMESPACE");
    }
    if (!pair_init(&pair, how, count))
        return false;
    pair_bind_receiver(&pair, receiver);
    if (place != LOOPBACK)
        enter("SENDER_NAMESPACE");
    pair_bind_sender(&pair, sender);
    memset(data, 7, count * DATAGRAM);
    memset(outcome, 0, sizeof *outcome);
    /* The first finds the way. */
    for (uint64_t round = 0; round <= rounds; round++) {
        if (round == 1 && place != VETH_SENDING)
            begin(outcome);
        if (place == VETH_SENDING)
            begin(&one);
        pair_send(&pair, data, count);
        if (place == VETH_SENDING) {
            end(&one, count);
            if (round > 0) {
                outcome->operations += one.operations;
                outcome->wall += one.wall;
                outcome->cpu += one.cpu;
            }
        }
        for (received = 0; received < count;)
            received += pair_receive(&pair);
        assert(received == count);
    }
    return place == VETH_SENDING || end(outcome, rounds * count);
}
