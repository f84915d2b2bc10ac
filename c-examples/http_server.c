/*
 * An HTTP/1.1 server on mio_st.h alone.
 *
 *     usage: http_server [port [idle timeout in seconds]]
 *
 * The port is 8080 unless an argument or the variable PORT says otherwise; 0 lets the system choose.
 * GET and HEAD of / are greeted, POST to / is told how many bytes it sent. What is to be seen here is
 * not what is served, but how a server lives through what clients do: pipelining, keeping connections
 * open, sending slowly, not reading, sending garbage, going away, coming in numbers. testing.h says what variables of
 * the environment its tests set.
 *
 * From top to bottom: what a request says (pure functions on text), the connection (a state machine
 * over two buffers), the server (accepting, deadlines, the event loop). A proxy or a file server would
 * replace `answer`. What is left out: TLS, the Date field, logging.
 */

#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mio_st.h>

#include "testing.h"

enum {
    INPUT_SIZE = 8192,        /* the longest head of a request */
    OUTPUT_SIZE = 4096,       /* answers to pipelined requests are sent together */
    MAX_ANSWER = 512,         /* no answer is longer */
    MAX_FIELDS = 100,         /* in a head */
    MAX_CHUNK_LINE = 256,     /* the size of a chunk, or a field after the last */
    MAX_BODY = 64 << 20,      /* framing of chunks included */
    MAX_CONNECTIONS = 16384,  /* pages of the table that were never used cost nothing */
    MAX_EVENTS = 256,         /* taken by one poll */
    DAY = 24 * 60 * 60,       /* the longest idle timeout, in seconds */
    TURN = 16                 /* steps of a connection before the others' turn */
};

/* In nanoseconds. */
#define SECOND UINT64_C(1000000000)
#define LINGER_TIME (2 * SECOND)
#define ACCEPT_PAUSE (SECOND / 10)

/* The readiness of an event that the server posts to itself: no handle is registered for it. */
#define MY_TURN MIO_ST_PRIORITY

/* ------------------------------------------------------------------------------------------------
 * The request
 */

struct text {
    const char *bytes;
    size_t length;
};

struct request {
    int status;     /* of the answer */
    int minor;      /* of the version, HTTP/1.minor */
    bool head;      /* HEAD: the answer is without its body */
    bool post;
    bool close;     /* from "Connection" */
    bool keep_alive;
    bool has_host;
    bool has_length;
    bool chunked;
    bool expects_continue;
    uint64_t length;
};

static bool is(struct text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.bytes, word, text.length) == 0;
}

static bool is_nocase(struct text text, const char *word)
{
    return text.length == strlen(word) && strncasecmp(text.bytes, word, text.length) == 0;
}

/* Cuts the text at the first such byte and returns what was before it: all of it, if there is none. */
static struct text cut(struct text *text, char at)
{
    struct text before = *text;
    const char *found = (const char *)memchr(text->bytes, at, text->length);
    if (found != NULL)
        before.length = (size_t)(found - text->bytes);
    size_t taken = before.length + (found != NULL);
    text->bytes += taken;
    text->length -= taken;
    return before;
}

/* A line may end in LF alone (RFC 9112, 2.2). */
static struct text cut_line(struct text *text)
{
    struct text line = cut(text, '\n');
    if (line.length > 0 && line.bytes[line.length - 1] == '\r')
        line.length--;
    return line;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct text trim(struct text text)
{
    while (text.length > 0 && is_blank(text.bytes[0])) {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.bytes[text.length - 1]))
        text.length--;
    return text;
}

/* The name of a method or a field (RFC 9110, 5.6.2). */
static bool is_token(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alphanumeric && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return text.length > 0;
}

/* No control characters: a NUL or a CR in the middle is how requests are smuggled past others. */
static bool is_printable(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

/* False if it is not a number, or one of more than 63 bits. */
static bool parse_number(struct text digits, unsigned base, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < digits.length; i++) {
        unsigned next = digit(digits.bytes[i]);
        if (next >= base || *number > (INT64_MAX - 15) / base)
            return false;
        *number = *number * base + next;
    }
    return digits.length > 0;
}

/* The part of a target that names a resource: "/a" of "/a?b" and of "http://host/a?b". */
static struct text path_of(struct text target)
{
    static const char scheme[] = "http://";
    size_t length = sizeof scheme - 1;
    if (target.length >= length && strncasecmp(target.bytes, scheme, length) == 0) {
        static const struct text root = { "/", 1 };
        const char *end = target.bytes + target.length;
        const char *slash = (const char *)memchr(target.bytes + length, '/', target.length - length);
        if (slash == NULL)
            return root;
        target.bytes = slash;
        target.length = (size_t)(end - slash);
    }
    return cut(&target, '?');
}

/* What is served, and to whom. */
static int route(struct text method, struct text target)
{
    if (!is(path_of(target), "/"))
        return 404;
    return is(method, "GET") || is(method, "HEAD") || is(method, "POST") ? 200 : 405;
}

/* This and the next three return the status to refuse the request with, or 0. */
static int parse_request_line(struct text line, struct request *request)
{
    struct text method = cut(&line, ' ');
    struct text target = cut(&line, ' ');
    if (!is_token(method) || target.length == 0 || !is_printable(target))
        return 400;
    if (!is(line, "HTTP/1.1") && !is(line, "HTTP/1.0"))
        return line.length == 8 && memcmp(line.bytes, "HTTP/", 5) == 0 ? 505 : 400;
    request->minor = line.bytes[7] - '0';
    request->head = is(method, "HEAD");
    request->post = is(method, "POST");
    request->status = route(method, target);
    return 0;
}

static int parse_length(struct text value, struct request *request)
{
    /* Of two lengths somebody else may have believed the other. */
    if (request->has_length || !parse_number(value, 10, &request->length))
        return 400;
    request->has_length = true;
    return 0;
}

static int parse_field(struct text line, struct request *request)
{
    struct text value = line;
    struct text name = cut(&value, ':');
    if (name.length == line.length || !is_token(name) || !is_printable(value))
        return 400;
    value = trim(value);
    if (is_nocase(name, "Host")) {
        if (request->has_host)
            return 400;
        request->has_host = true;
    } else if (is_nocase(name, "Content-Length")) {
        return parse_length(value, request);
    } else if (is_nocase(name, "Transfer-Encoding")) {
        if (request->chunked || !is_nocase(value, "chunked"))
            return 501;
        request->chunked = true;
    } else if (is_nocase(name, "Expect")) {
        if (!is_nocase(value, "100-continue"))
            return 417;
        request->expects_continue = true;
    } else if (is_nocase(name, "Connection")) {
        while (value.length > 0) {
            struct text option = trim(cut(&value, ','));
            request->close |= is_nocase(option, "close");
            request->keep_alive |= is_nocase(option, "keep-alive");
        }
    }
    return 0;
}

static int parse_head(struct text head, struct request *request)
{
    memset(request, 0, sizeof *request);
    int status = parse_request_line(cut_line(&head), request);
    struct text line = cut_line(&head);
    for (int fields = 0; status == 0 && line.length > 0; fields++) {
        status = fields < MAX_FIELDS ? parse_field(line, request) : 431;
        line = cut_line(&head);
    }
    if (status != 0)
        return status;
    if (request->minor == 1 && !request->has_host)
        return 400;
    /* Where a body ends must be beyond doubt. */
    if (request->chunked && (request->has_length || request->minor == 0))
        return 400;
    return request->length > MAX_BODY ? 413 : 0;
}

static bool stays_open(const struct request *request)
{
    return !request->close && (request->minor == 1 || request->keep_alive);
}

/* ------------------------------------------------------------------------------------------------
 * The connection
 */

enum phase {
    HEAD,       /* waits for the whole head of a request */
    BODY,       /* skips a body of known length */
    CHUNK_SIZE, /* skips one of chunks: a line with the size of the next, */
    CHUNK_DATA, /* as many bytes, */
    CHUNK_END,  /* the end of its line, */
    TRAILER,    /* and after the last, lines up to an empty one */
    LAST,       /* has answered for the last time, and sends what is left of it */
    LINGER      /* has sent it, and waits for the client to close: see `half_close` */
};

struct connection {
    mio_st_tcp_stream_t stream;
    mio_st_deadline_key_t deadline;
    uint64_t expires;           /* when the deadline is, in nanoseconds */
    uint64_t id;                /* the index in the table, and above it how often that was used */
    struct connection *next;    /* in the list of free ones */
    enum phase phase;
    bool open;
    bool readable;              /* the socket may have something to read */
    bool read_closed;           /* the client sends no more, as far as the socket knows */
    bool refused;               /* something of the client's was not understood or not wanted */
    bool progress;              /* since the deadline was moved the last time */
    bool waits_for_turn;        /* it has notified itself to go on */
    struct request request;     /* the one whose body comes */
    uint64_t body;              /* how much of it came */
    uint64_t framing;           /* and how much between its chunks */
    uint64_t left;              /* of the body or of the chunk */
    size_t scanned;             /* up to here the input has no end of a head */
    size_t in_start, in_end;    /* what was read and is not taken yet */
    size_t out_start, out_end;  /* what was answered and is not sent yet */
    char input[INPUT_SIZE];
    char output[OUTPUT_SIZE];
};

/*
 * One thread, one server. The ids of what is registered: the first three are not indices of connections.
 * Those have a generation above the index, so that an event that comes late, after its connection was
 * closed (a deadline that has fired in the same poll, say), does not meet the next in that place.
 */

enum { LISTENER, STOP, CLOCK, FIRST_CONNECTION };

#define GENERATION (UINT64_C(1) << 32)

static mio_st_poller_t poller;
static mio_st_tcp_listener_t listener;
static mio_st_awakener_t awakener;
static int spare; /* a descriptor in reserve, see `turn_one_away` */
static uint64_t idle_timeout;
static struct connection connections[MAX_CONNECTIONS];
static size_t used_connections = FIRST_CONNECTION; /* those after it were never used */
static struct connection *free_connections;

/* Ends the program if a call failed that cannot fail while there is memory, or that it needs to start. */
static int check_call(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "http_server: %s: %s (%s)\n", what, mio_st_strerror(result), mio_st_err_name(result));
        exit(1);
    }
    return result;
}

#define check(call) check_call(call, #call)

static uint64_t now(void)
{
    uint64_t nanoseconds = 0;
    check(mio_st_poller_now(poller, &nanoseconds));
    return nanoseconds;
}

static void set_deadline(struct connection *c, uint64_t timeout)
{
    c->expires = now() + timeout;
    check(mio_st_poller_move_or_add_deadline(poller, c->id, c->expires, &c->deadline));
}

static const char *reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    default: return "HTTP Version Not Supported";
    }
}

/* Puts an answer into the output, where there is room for it: see `take_input`. */
static void answer(struct connection *c, int status, bool keep_alive)
{
    const struct request *request = &c->request;
    char body[64];
    int length;
    if (status == 200 && request->post)
        length = snprintf(body, sizeof body, "%llu bytes received\n", (unsigned long long)c->body);
    else if (status == 200)
        length = snprintf(body, sizeof body, "Hello, world!\n");
    else
        length = snprintf(body, sizeof body, "%d %s\n", status, reason(status));

    const char *allow = status == 405 ? "Allow: GET, HEAD, POST\r\n" : "";
    const char *connection = !keep_alive          ? "Connection: close\r\n"
                             : request->minor == 0 ? "Connection: keep-alive\r\n"
                                                   : "";
    int written = snprintf(c->output + c->out_end, MAX_ANSWER,
                           "HTTP/1.1 %d %s\r\n"
                           "Content-Type: text/plain\r\n"
                           "Content-Length: %d\r\n"
                           "%s%s\r\n%s",
                           status, reason(status), length, allow, connection,
                           request->head ? "" : body);
    c->out_end += (size_t)written;
    c->progress = true;
}

/* Answers and closes: after this nobody knows where the next request would begin. */
static bool refuse(struct connection *c, int status)
{
    answer(c, status, false);
    c->refused = true;
    c->phase = LAST;
    return false;
}

static struct text unread(const struct connection *c)
{
    struct text text = { c->input + c->in_start, c->in_end - c->in_start };
    return text;
}

/*
 * The steps of the state machine. Each takes something of the input and returns true, or returns false
 * when it needs more, or when this was the last.
 */

static bool end_request(struct connection *c)
{
    bool keep_alive = stays_open(&c->request);
    answer(c, c->request.status, keep_alive);
    c->phase = keep_alive ? HEAD : LAST;
    return keep_alive;
}

static bool begin_body(struct connection *c)
{
    const struct request *request = &c->request;
    if (!request->chunked && request->length == 0)
        return end_request(c);
    c->phase = request->chunked ? CHUNK_SIZE : BODY;
    c->left = request->length;
    if (request->expects_continue && request->minor == 1 && c->in_start == c->in_end) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        memcpy(c->output + c->out_end, go_on, sizeof go_on - 1);
        c->out_end += sizeof go_on - 1;
    }
    return true;
}

/* How long the head is, which ends in an empty line; 0 while that has not come. Goes on where it
 * stopped the last time, so that a head that comes byte by byte is not searched again and again. */
static size_t head_length(struct connection *c)
{
    struct text rest = { c->input + c->scanned, c->in_end - c->scanned };
    for (;;) {
        const char *end = (const char *)memchr(rest.bytes, '\n', rest.length);
        if (end == NULL)
            return 0;
        if (cut_line(&rest).length == 0)
            return (size_t)(rest.bytes - c->input) - c->in_start;
        c->scanned = (size_t)(rest.bytes - c->input);
    }
}

/* Some clients end a body with an empty line too many (RFC 9112, 2.2). */
static void skip_empty_lines(struct connection *c)
{
    while (c->in_start < c->in_end && (c->input[c->in_start] == '\r' || c->input[c->in_start] == '\n'))
        c->in_start++;
    if (c->scanned < c->in_start)
        c->scanned = c->in_start;
}

static bool take_head(struct connection *c)
{
    skip_empty_lines(c);
    struct text head = unread(c);
    size_t length = head_length(c);
    if (length == 0) {
        if (head.length < INPUT_SIZE)
            return false;
        memset(&c->request, 0, sizeof c->request);
        return refuse(c, memchr(head.bytes, '\n', head.length) == NULL ? 414 : 431);
    }
    head.length = length;
    c->in_start += length;
    c->scanned = c->in_start;
    c->body = c->framing = 0;
    int status = parse_head(head, &c->request);
    return status == 0 ? begin_body(c) : refuse(c, status);
}

static bool take_body(struct connection *c)
{
    size_t there = c->in_end - c->in_start;
    size_t taken = there < c->left ? there : (size_t)c->left;
    c->in_start += taken;
    c->left -= taken;
    c->body += taken;
    c->progress |= taken > 0;
    if (c->left > 0)
        return false;
    if (c->phase == BODY)
        return end_request(c);
    c->phase = CHUNK_END;
    return true;
}

/* A line between chunks. Here only CR LF ends one, and a body is over before a line is too long. */
static bool take_chunk_line(struct connection *c, struct text *line)
{
    struct text rest = unread(c);
    *line = cut(&rest, '\n');
    bool whole = c->in_start + line->length < c->in_end;
    if (!whole && line->length <= MAX_CHUNK_LINE)
        return false;
    if (!whole || line->length == 0 || line->bytes[line->length - 1] != '\r')
        return refuse(c, 400);
    c->in_start += line->length + 1;
    c->framing += line->length + 1;
    if (c->body + c->framing > MAX_BODY)
        return refuse(c, 413);
    line->length--;
    return is_printable(*line) ? true : refuse(c, 400);
}

static bool take_chunk_size(struct connection *c)
{
    struct text line;
    if (!take_chunk_line(c, &line))
        return false;
    if (!parse_number(cut(&line, ';'), 16, &c->left))
        return refuse(c, 400);
    if (c->left > MAX_BODY - c->body)
        return refuse(c, 413);
    c->phase = c->left > 0 ? CHUNK_DATA : TRAILER;
    return true;
}

static bool take_chunk_end(struct connection *c)
{
    struct text line;
    if (!take_chunk_line(c, &line))
        return false;
    c->phase = CHUNK_SIZE;
    return line.length == 0 ? true : refuse(c, 400);
}

static bool take_trailer(struct connection *c)
{
    struct text line;
    if (!take_chunk_line(c, &line))
        return false;
    return line.length == 0 ? end_request(c) : true;
}

static bool take_nothing(struct connection *c)
{
    c->in_start = c->in_end;
    return false;
}

static bool take_one(struct connection *c)
{
    switch (c->phase) {
    case HEAD: return take_head(c);
    case BODY: return take_body(c);
    case CHUNK_SIZE: return take_chunk_size(c);
    case CHUNK_DATA: return take_body(c);
    case CHUNK_END: return take_chunk_end(c);
    case TRAILER: return take_trailer(c);
    case LAST: return false;
    case LINGER: return take_nothing(c);
    }
    return false;
}

/* Takes what there is. Returns true if it stopped before for want of room for another answer. */
static bool take_input(struct connection *c)
{
    while (OUTPUT_SIZE - c->out_end >= MAX_ANSWER) {
        if (!take_one(c))
            return false;
    }
    return true;
}

/*
 * What comes between the buffers and the socket.
 */

enum next {
    GO_ON, /* there may be more to do */
    WAIT,  /* for an event */
    CLOSE
};

static enum next send_output(struct connection *c)
{
    while (c->out_start < c->out_end) {
        int64_t n = mio_st_tcp_stream_write(c->stream, c->output + c->out_start,
                                            c->out_end - c->out_start);
        if (n == -EAGAIN)
            return WAIT;
        if (n < 0)
            return CLOSE;
        c->out_start += (size_t)n;
        c->progress = true;
    }
    c->out_start = c->out_end = 0;
    return GO_ON;
}

static void move_input_to_front(struct connection *c)
{
    if (c->in_start == 0)
        return;
    memmove(c->input, c->input + c->in_start, c->in_end - c->in_start);
    c->in_end -= c->in_start;
    c->scanned -= c->scanned < c->in_start ? c->scanned : c->in_start;
    c->in_start = 0;
}

/* Reads what fits. There is always room: a head that fills the input was refused. */
static enum next receive_input(struct connection *c)
{
    if (!c->readable)
        return WAIT;
    move_input_to_front(c);
    size_t room = INPUT_SIZE - c->in_end;
    int64_t n = mio_st_tcp_stream_read(c->stream, c->input + c->in_end, room);
    if (n == -EAGAIN) {
        c->readable = false;
        return WAIT;
    }
    if (n <= 0)
        return CLOSE;
    c->in_end += (size_t)n;
    /*
     * Less than there was room for: the socket is empty, and what comes now makes a new edge. There is
     * no need to read until -EAGAIN (epoll(7), question 9), which saves a system call per request. Only
     * an end of the stream that was reported already makes no edge: that must be read.
     */
    if ((size_t)n < room && !c->read_closed)
        c->readable = false;
    return GO_ON;
}

/*
 * The last answer is sent. To close a socket while the client is still sending makes the kernel reset
 * the connection, and a client that is reset may lose the answer before it has read it. So only this
 * direction is closed, and what still comes is thrown away until the client closes, or has had its time.
 */
static enum next half_close(struct connection *c)
{
    bool all_read = !c->readable && c->in_start == c->in_end;
    if (all_read && !c->refused)
        return CLOSE;
    c->phase = LINGER;
    c->progress = false;
    set_deadline(c, LINGER_TIME);
    return mio_st_tcp_stream_shutdown(c->stream, SHUT_WR) < 0 ? CLOSE : GO_ON;
}

static enum next step(struct connection *c)
{
    bool more_to_take = take_input(c);
    enum next next = send_output(c);
    if (next != GO_ON || more_to_take)
        return next;
    return c->phase == LAST ? half_close(c) : receive_input(c);
}

/* Goes on with a connection as far as it can, but not so far that the others wait long. */
static enum next serve(struct connection *c)
{
    enum next next = GO_ON;
    for (int steps = 0; next == GO_ON && steps < TURN; steps++)
        next = step(c);
    /*
     * Only now, once for all that was done. And only for what brings an end nearer: bytes of a head do
     * not, so that a client that sends one now and then does not hold its place for ever.
     */
    if (c->progress && next != CLOSE)
        set_deadline(c, idle_timeout);
    c->progress = false;
    return next;
}

static enum next time_out(struct connection *c)
{
    /* It was moved after it had fired, by an event that came in the same poll. */
    if (now() < c->expires)
        return WAIT;
    bool within_request = c->phase < LAST && (c->phase != HEAD || c->in_start < c->in_end);
    bool blocked = c->out_end > 0;
    if (!within_request || blocked)
        return CLOSE;
    if (c->phase == HEAD)
        memset(&c->request, 0, sizeof c->request);
    refuse(c, 408);
    return serve(c);
}

/* ------------------------------------------------------------------------------------------------
 * The server
 */

static struct connection *find_connection(uint64_t id)
{
    struct connection *c = &connections[(uint32_t)id];
    return c->open && c->id == id ? c : NULL;
}

/* NULL when all are in use. */
static struct connection *take_connection(void)
{
    struct connection *c = free_connections;
    if (c != NULL)
        free_connections = c->next;
    else if (used_connections < MAX_CONNECTIONS)
        c = &connections[used_connections++];
    else
        return NULL;
    /* The buffers need not be cleared. */
    uint64_t id = c->id == 0 ? (uint64_t)(c - connections) : c->id;
    memset(c, 0, offsetof(struct connection, input));
    c->id = id + GENERATION;
    c->open = true;
    return c;
}

static void close_connection(struct connection *c)
{
    mio_st_poller_cancel_deadline(poller, c->deadline);
    mio_st_tcp_stream_close(c->stream);
    c->open = false;
    c->next = free_connections;
    free_connections = c;
}

static void on_connection(struct connection *c, uint32_t readiness)
{
    c->readable |= (readiness & MIO_ST_READABLE) != 0;
    c->read_closed |= (readiness & MIO_ST_READ_CLOSED) != 0;
    if (readiness & MY_TURN)
        c->waits_for_turn = false;
    /* A deadline does not wait: it comes once. */
    bool timed_out = (readiness & MIO_ST_TIMER) != 0;
    if (c->waits_for_turn && !timed_out)
        return;
    switch (timed_out ? time_out(c) : serve(c)) {
    case WAIT:
        break;
    case GO_ON:
        /* There may be no further edge for what is left to be read. */
        if (!c->waits_for_turn)
            check(mio_st_poller_notify(poller, c->id, MY_TURN));
        c->waits_for_turn = true;
        break;
    case CLOSE:
        close_connection(c);
        break;
    }
}

/*
 * A request is mostly there when its client is accepted. So it is read at once, and the connection is registered
 * when there is something to wait for: what is ready by then is reported.
 */
static void add_connection(mio_st_tcp_stream_t stream)
{
    struct connection *c = take_connection();
    if (c == NULL) {
        mio_st_tcp_stream_close(stream);
        return;
    }
    c->stream = stream;
    set_deadline(c, idle_timeout);
    on_connection(c, MIO_ST_READABLE);
    if (!c->open)
        return;
    /* Who cannot be registered, for want of memory, is turned away. */
    if (mio_st_poller_register_tcp_stream(poller, stream, c->id, MIO_ST_READABLE | MIO_ST_WRITABLE,
                                          MIO_ST_EDGE) < 0)
        close_connection(c);
}

/*
 * There are no descriptors left, and a client waits, of whom each poll tells at once: the server would spin. (An
 * edge-triggered listener would never tell of it again.) So one descriptor is kept in reserve: it makes place to
 * accept the client and to close the connection at once, which tells it.
 */
static int turn_one_away(void)
{
    mio_st_tcp_stream_t stream;
    close(spare);
    int error = mio_st_tcp_listener_accept(listener, &stream, NULL);
    if (error == 0)
        mio_st_tcp_stream_close(stream);
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return error;
}

static int accept_one(void)
{
    mio_st_tcp_stream_t stream;
    int error = mio_st_tcp_listener_accept(listener, &stream, NULL);
    if (error == -EMFILE || error == -ENFILE)
        return turn_one_away();
    if (error == 0)
        add_connection(stream);
    return error;
}

static void register_listener(void)
{
    check(mio_st_poller_register_tcp_listener(poller, listener, LISTENER, MIO_ST_READABLE, MIO_ST_LEVEL));
}

/*
 * Accepts one client. The listener is level-triggered, so that whoever else waits is reported again: there is no
 * accept that only says -EAGAIN, which costs more than one that succeeds.
 */
static void on_listener(uint32_t readiness)
{
    if (readiness & MIO_ST_TIMER) {
        register_listener();
        return;
    }
    int error = accept_one();
    if (error < 0 && error != -EAGAIN) {
        /* Out of memory, or of what the spare descriptor is made of. It may pass, and until then each poll would
         * return at once. */
        check(mio_st_poller_deregister_tcp_listener(poller, listener));
        check(mio_st_poller_add_timeout(poller, LISTENER, ACCEPT_PAUSE, NULL));
    }
}

static void on_signal(int signal)
{
    (void)signal;
    (void)mio_st_awakener_wake(awakener);
}

static void stop_on(int signal)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

static void start(const char *port)
{
    char address[MIO_ST_ADDR_TEXT_SIZE];
    char what[MIO_ST_ADDR_TEXT_SIZE + 32];
    snprintf(address, sizeof address, "127.0.0.1:%s", port);
    snprintf(what, sizeof what, "cannot listen on %s", address);
    check(mio_st_poller_with_capacity(&poller, MAX_CONNECTIONS, MAX_CONNECTIONS));
    check(look_for_mistakes(poller));
    check(drive_clock(poller, CLOCK));
    check_call(mio_st_tcp_listener_bind_str(&listener, address), what);
    register_listener();
    check(mio_st_awakener_new(&awakener, poller, STOP));
    stop_on(SIGTERM);
    stop_on(SIGINT);
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);

    struct sockaddr_storage bound;
    int length = check(mio_st_tcp_listener_local_addr(listener, &bound));
    check(mio_st_addr_format((struct sockaddr *)&bound, (socklen_t)length, address, sizeof address));
    printf("listening on %s\ntry: curl -i http://%s/\n", address, address);
    fflush(stdout);
}

/* Until a signal comes. */
static void run(void)
{
    for (;;) {
        mio_st_event_t events[MAX_EVENTS];
        int count = check(mio_st_poller_poll(poller, events, MAX_EVENTS, -1));
        print_complaints(poller);
        for (int i = 0; i < count; i++) {
            struct connection *c;
            if (events[i].id == STOP)
                return;
            if (events[i].id == CLOCK)
                check(move_time(poller));
            else if (events[i].id == LISTENER)
                on_listener(events[i].readiness);
            else if ((c = find_connection(events[i].id)) != NULL)
                on_connection(c, events[i].readiness);
        }
    }
}

/* Answers that were sent still arrive: the kernel sees to that. */
static void stop(void)
{
    for (size_t i = FIRST_CONNECTION; i < used_connections; i++) {
        if (connections[i].open)
            close_connection(&connections[i]);
    }
    mio_st_tcp_listener_close(listener);
    mio_st_poller_close(poller);
    mio_st_awakener_close(awakener);
    close(spare);
}

int main(int argc, char **argv)
{
    const char *port = argc > 1 ? argv[1] : getenv("PORT");
    const char *timeout = argc > 2 ? argv[2] : "30";
    struct text digits = { timeout, strlen(timeout) };
    uint64_t seconds;
    if (argc > 3 || !parse_number(digits, 10, &seconds) || seconds == 0 || seconds > DAY) {
        fprintf(stderr, "usage: %s [port [idle timeout in seconds]]\n", argv[0]);
        return 2;
    }
    idle_timeout = seconds * SECOND;
    start(port != NULL ? port : "8080");
    run();
    stop();
    return mio_st_live_handles() == 0 ? 0 : 1; /* 1 would be a mistake in this program */
}
