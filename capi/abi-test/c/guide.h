/* What the fragments of docs/c-guide.md take for granted. */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mio_st.h>

extern mio_st_poller_t poller;
extern mio_st_tcp_listener_t listener;
extern mio_st_tcp_stream_t stream;
extern mio_st_udp_socket_t udp;
extern mio_st_event_t events[64];
extern struct sockaddr_storage address;
extern socklen_t length;
extern uint64_t id;
extern int n;
extern char buffer[4096];

int check(int result);
void consume(const char *bytes, size_t count);
void on_event(mio_st_event_t event);
_Noreturn void serve(void);
