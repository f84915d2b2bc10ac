#!/usr/bin/env bash
# Valgrind 3.19.0: an `accept` beyond the limit of descriptors takes the connection and throws it away.
#
# Expected: EMFILE, as without Valgrind, and the connection waits on in the queue until there is a descriptor
# again. Seen: EMFILE, and the next `accept` says EAGAIN: nobody waits. (Valgrind keeps some numbers above the
# limit for itself, so that the kernel has one more than the program may get; the one that it gives is closed.)
# Who tests under Valgrind what a server does without descriptors sees other clients lost than the program
# loses.
set -euo pipefail
version=1:3.19.0-1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq valgrind="$version" 2>/dev/null
dpkg -x ./*.deb root

cat >accept.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

static void try(int listener, const char *end) {
    int fd = accept(listener, NULL, NULL);
    printf("%s%s", fd < 0 ? strerrorname_np(errno) : "accepted", end);
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct rlimit limit, before;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 8) ||
        getsockname(listener, (struct sockaddr *)&address, &size) ||
        connect(client, (struct sockaddr *)&address, size) || getrlimit(RLIMIT_NOFILE, &before))
        return 1;
    limit = before;
    limit.rlim_cur = (rlim_t)open("/dev/null", O_RDONLY) + 1;
    setrlimit(RLIMIT_NOFILE, &limit);
    try(listener, ", with room again ");
    setrlimit(RLIMIT_NOFILE, &before);
    try(listener, "\n");
    return 0;
}
C
cc accept.c -o accept
echo "without: $(./accept)" | tee seen
export VALGRIND_LIB=$PWD/root/usr/libexec/valgrind
echo "$(root/usr/bin/valgrind.bin --version): $(root/usr/bin/valgrind.bin -q --tool=none ./accept)" | tee -a seen
diff seen - <<'END' || { echo "this has changed" >&2; exit 1; }
without: EMFILE, with room again accepted
valgrind-3.19.0: EMFILE, with room again EAGAIN
END
