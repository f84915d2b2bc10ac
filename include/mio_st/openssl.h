/*
 * A TLS stream over a mio_st_tcp_stream_t, in a loop of <mio_st/loop.h>: OpenSSL 1.1.1 and later.
 *
 * mio_st_tls_open() registers the stream, once and for both directions, by edge. `on_ready` is called after every event of
 * it and goes on with everything that said -EAGAIN, whichever event it was: a read may have to wait for room, and a write
 * for something to read (in the handshake, and when the peer changes keys), so that there is never anything to ask for.
 *
 * It goes on until -EAGAIN. OpenSSL holds what it has decrypted and nobody has read yet: no event tells of that, and a
 * read of less than there was room for does *not* say that the stream is drained. Who stops before, so that others have
 * their turn, calls mio_st_tls_again(): `on_ready` is called in the next turn, too.
 *
 * mio_st_tls_open() takes the SSL object and the stream; if it fails they stay the caller's. mio_st_tls_close() frees and
 * closes both, in `on_ready` too, and does nothing to a struct that is closed already or all zero; the struct is the
 * program's, and stays where it is until then.
 *
 * OpenSSL writes by write(2), so a program ignores SIGPIPE.
 *
 * Results are counts and negated errnos: -EAGAIN; -ECONNRESET if the peer is gone without having said so; -EPROTO for
 * what is no TLS and for a certificate that is not accepted, with the reason in ERR_peek_error(); any other of the
 * socket's. After an error but -EAGAIN there is nothing to do but to close.
 */
#ifndef MIO_ST_OPENSSL_H
#define MIO_ST_OPENSSL_H

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "loop.h"

typedef struct mio_st_tls {
    SSL *ssl; /* NULL when it is closed */
    mio_st_tcp_stream_t stream;
    mio_st_loop_t *loop;
    mio_st_source_t source;
    mio_st_timer_t soon; /* to be called in the next turn */
    void (*on_ready)(struct mio_st_tls *tls);
} mio_st_tls_t;

/* What a call of OpenSSL means. */
static inline int mio_st_tls_result(mio_st_tls_t *tls, int result)
{
    int error = errno;
    if (result > 0)
        return result;
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        return error != 0 ? -error : -ECONNRESET;
    default:
#ifdef SSL_R_UNEXPECTED_EOF_WHILE_READING /* 3.0; before, it was SSL_ERROR_SYSCALL */
        if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
            return -ECONNRESET;
#endif
        return -EPROTO;
    }
}

/* What another connection left in the thread's queue of errors would be taken for this one's. */
static inline void mio_st_tls_begin(void)
{
    ERR_clear_error();
    errno = 0;
}

static inline void mio_st_tls_on_event(mio_st_source_t *source, uint32_t readiness)
{
    mio_st_tls_t *tls = MIO_ST_CONTAINER(source, mio_st_tls_t, source);
    (void)readiness;
    tls->on_ready(tls);
}

static inline void mio_st_tls_on_soon(mio_st_source_t *source, uint32_t readiness)
{
    mio_st_tls_t *tls = MIO_ST_CONTAINER(source, mio_st_tls_t, soon.source);
    (void)readiness;
    tls->on_ready(tls);
}

/* `ssl` is of SSL_new(). `server` is 1 for the side that accepts. 0, or an error. */
static inline int mio_st_tls_open(mio_st_tls_t *tls, mio_st_loop_t *loop, SSL *ssl, mio_st_tcp_stream_t stream,
                                  int server, void (*on_ready)(mio_st_tls_t *tls))
{
    int fd = mio_st_tcp_stream_fd(stream);
    if (fd < 0)
        return fd;
    if (SSL_set_fd(ssl, fd) != 1)
        return -ENOMEM;
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    if (server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    memset(tls, 0, sizeof *tls);
    tls->ssl = ssl;
    tls->stream = stream;
    tls->loop = loop;
    tls->source.on_event = mio_st_tls_on_event;
    tls->soon.source.on_event = mio_st_tls_on_soon;
    tls->on_ready = on_ready;
    return mio_st_poller_register_tcp_stream(loop->poller, stream, mio_st_source_id(&tls->source),
                                             MIO_ST_READABLE | MIO_ST_WRITABLE, MIO_ST_EDGE);
}

/* 1 when it is done, -EAGAIN, or an error. Reading and writing do it as well. */
static inline int mio_st_tls_handshake(mio_st_tls_t *tls)
{
    int result;
    mio_st_tls_begin();
    result = mio_st_tls_result(tls, SSL_do_handshake(tls->ssl));
    return result == 0 ? -ECONNRESET : result;
}

/* The count of bytes; 0 when the peer has ended the stream, and said so; -EAGAIN, or an error. */
static inline int64_t mio_st_tls_read(mio_st_tls_t *tls, void *buffer, size_t length)
{
    mio_st_tls_begin();
    return mio_st_tls_result(tls, SSL_read(tls->ssl, buffer, length < INT_MAX ? (int)length : INT_MAX));
}

/* The count of bytes, which may be fewer; -EAGAIN: go on with the same bytes, wherever they are then; or an error. */
static inline int64_t mio_st_tls_write(mio_st_tls_t *tls, const void *buffer, size_t length)
{
    int result;
    if (length == 0) /* which OpenSSL has no answer for */
        return 0;
    mio_st_tls_begin();
    result = mio_st_tls_result(tls, SSL_write(tls->ssl, buffer, length < INT_MAX ? (int)length : INT_MAX));
    return result == 0 ? -EPIPE : result;
}

/* Says that no more will be written; reading goes on. 0; -EAGAIN: call it again; or an error. */
static inline int mio_st_tls_shutdown(mio_st_tls_t *tls)
{
    int result;
    mio_st_tls_begin();
    result = SSL_shutdown(tls->ssl);
    return result >= 0 ? 0 : mio_st_tls_result(tls, result);
}

/* `on_ready` is called in the next turn. 0, or an error. */
static inline int mio_st_tls_again(mio_st_tls_t *tls)
{
    return mio_st_timer_start(tls->loop, &tls->soon, 0);
}

/* Closes the stream, too. What was not read is lost; without mio_st_tls_shutdown() the peer sees that it was cut off. */
static inline void mio_st_tls_close(mio_st_tls_t *tls)
{
    if (tls->ssl == NULL)
        return;
    SSL_free(tls->ssl);
    tls->ssl = NULL;
    mio_st_tcp_stream_close(tls->stream);
    mio_st_source_remove(tls->loop, &tls->source);
    mio_st_timer_stop(tls->loop, &tls->soon);
}

#endif
