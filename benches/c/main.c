/* The program around a contender in C, as a user would build it: the contender's file, this one, and the
 * library. It does what the programs in src/bin do for those in Rust, with the same arguments:
 *
 *   WORK CONTENDER ARGUMENT...      with the path of the load generator in LOAD
 */
#include "check.h"
#include "work.h"
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char **words; /* of the arguments, those not yet read */
static char *of_the_load[4];
static pid_t load;

static char *word(const char *what) {
    if (*words == NULL) {
        fprintf(stderr, "an argument is missing: %s\n", what);
        exit(2);
    }
    return *words++;
}

static uint64_t number(const char *what) {
    char *word_ = word(what), *end;
    uint64_t value = strtoull(word_, &end, 10);
    if (*word_ == 0 || *end != 0) {
        fprintf(stderr, "%s: not a number: %s\n", what, word_);
        exit(2);
    }
    return value;
}

/* Whether the next word is the first of the two; it must be one of them. */
static bool choice(const char *yes, const char *no) {
    char *word_ = word(yes);
    if (strcmp(word_, yes) == 0)
        return true;
    if (strcmp(word_, no) == 0)
        return false;
    fprintf(stderr, "neither %s nor %s: %s\n", yes, no, word_);
    exit(2);
}

static void spawn_load(char *arguments[], int input) {
    posix_spawn_file_actions_t actions;
    arguments[0] = getenv("LOAD");
    if (arguments[0] == NULL) {
        fprintf(stderr, "LOAD must say where the load generator is\n");
        exit(2);
    }
    check(-posix_spawn_file_actions_init(&actions));
    if (input >= 0)
        check(-posix_spawn_file_actions_adddup2(&actions, input, 0));
    check(-posix_spawn(&load, arguments[0], &actions, NULL, arguments, environ));
}

void start_load(uint16_t port) {
    char text[8];
    snprintf(text, sizeof text, "%u", port);
    char *arguments[] = {NULL, text, of_the_load[0], of_the_load[1], of_the_load[2], of_the_load[3], NULL};
    spawn_load(arguments, -1);
}

int start_load_on_pair(uint64_t requests) {
    char text[24];
    int pair[2];
    snprintf(text, sizeof text, "%llu", (unsigned long long)requests);
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    check(fcntl(pair[0], F_SETFL, O_NONBLOCK));
    char *arguments[] = {NULL, "stdin", "1", "1", text, of_the_load[0], NULL};
    spawn_load(arguments, pair[1]);
    check(close(pair[1]));
    return pair[0];
}

static bool serve(struct outcome *outcome) {
    bool short_reads = choice("short", "drain");
    uint64_t spin = number("spin");
    char **rest = words;
    for (int i = 0; i < 4; i++)
        of_the_load[i] = word("one of the load generator's");
    words = rest;
    uint64_t concurrent = number("concurrent"), lives = number("lives"), requests = number("requests");
    if (!work_serve(outcome, concurrent, concurrent * lives, short_reads, spin))
        return false;
    assert(outcome->operations == concurrent * lives * requests);
    return true;
}

static bool unix_(struct outcome *outcome) {
    bool both = choice("both", "readable");
    uint64_t requests = number("requests");
    of_the_load[0] = word("pause");
    if (!work_unix || !work_unix(outcome, requests, both))
        return false;
    assert(outcome->operations == requests);
    return true;
}

static bool wake(struct outcome *outcome) {
    char *what = word("what");
    if (strcmp(what, "trips") == 0) {
        uint64_t spin = number("spin");
        return work_wake(outcome, number("rounds"), spin);
    }
    if (strcmp(what, "awake") == 0)
        return work_awake(outcome, number("wakes"));
    assert(strcmp(what, "storm") == 0);
    uint64_t threads = number("threads");
    return work_storm(outcome, threads, number("wakes"));
}

/* Which of them the next word is. */
static int one_of(const char *const words_[], const char *what) {
    char *word_ = word(what);
    for (int i = 0; words_[i] != NULL; i++)
        if (strcmp(word_, words_[i]) == 0)
            return i;
    fprintf(stderr, "%s: no such thing: %s\n", what, word_);
    exit(2);
}

static bool udp(struct outcome *outcome) {
    static const char *const hows[] = {"plain", "batch", "gso", "gro", "all", NULL};
    static const char *const places[] = {"loopback", "veth", "veth-sending", NULL};
    enum how how = (enum how)one_of(hows, "how");
    uint64_t count = number("at a time");
    enum place place = (enum place)one_of(places, "place");
    uint64_t rounds = number("rounds");
    assert(count <= MOST_DATAGRAMS);
    return work_udp && work_udp(outcome, how, count, place, rounds);
}

static bool run(const char *work, struct outcome *outcome) {
    if (strcmp(work, "chain") == 0) {
        bool edge = choice("edge", "level");
        uint64_t pairs = number("pairs"), active = number("active");
        return work_chain(outcome, pairs, active, number("writes"), edge);
    }
    if (strcmp(work, "serve") == 0)
        return serve(outcome);
    if (strcmp(work, "unix") == 0)
        return unix_(outcome);
    if (strcmp(work, "wake") == 0)
        return wake(outcome);
    if (strcmp(work, "ctl") == 0) {
        bool modify = choice("modify", "add-del");
        return work_ctl(outcome, number("count"), modify);
    }
    if (strcmp(work, "idle") == 0) {
        uint64_t sources = number("sources");
        return work_idle(outcome, sources, number("polls"));
    }
    if (strcmp(work, "notify") == 0) {
        bool system = choice("system", "user");
        uint64_t at_once = number("at once"), rounds = number("rounds");
        return work_notify && work_notify(outcome, at_once, rounds, system);
    }
    if (strcmp(work, "udp") == 0)
        return udp(outcome);
    if (strcmp(work, "timers") == 0) {
        static const char *const whats[] = {"rearm", "add-cancel", "expire", NULL};
        enum timers what = (enum timers)one_of(whats, "what");
        return work_timers && work_timers(outcome, what, number("count"));
    }
    fprintf(stderr, "no such work: %s\n", work);
    exit(2);
}

int main(int argc, char **argv) {
    struct outcome outcome;
    struct rlimit limit;
    if (argc < 2) {
        fprintf(stderr, "usage: %s WORK CONTENDER ARGUMENT...\n", argv[0]);
        return 2;
    }
    check(getrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = limit.rlim_max;
    check(setrlimit(RLIMIT_NOFILE, &limit));
    if (strcmp(argv[1], "calls") == 0 && work_calls) {
        work_calls();
        return 0;
    }
    words = argv + 2;
    word("contender");
    bool able = run(argv[1], &outcome);
    if (load != 0) {
        int status;
        check(waitpid(load, &status, 0));
        if (status != 0) {
            fprintf(stderr, "the load generator failed\n");
            return 1;
        }
    }
    if (!able)
        return 3;
    assert(outcome.operations > 0);
    printf("operations %llu wall %llu cpu %llu\n", (unsigned long long)outcome.operations,
           (unsigned long long)outcome.wall, (unsigned long long)outcome.cpu);
}
