/*
 * A TLS stream over a mio_st_tcp_stream_t: OpenSSL 1.1.1 and later.
 *
 * Register the stream once, for reading and writing, with MIO_ST_EDGE. After every event of it, whichever it is, go on
 * with everything that said -EAGAIN: a read may have to wait until it can write, and a write until it can read (the
 * handshake, and a KeyUpdate later), and with both directions armed there is nothing to ask for.
 *
 * Read until -EAGAIN, always. TLS arrives in records, and OpenSSL holds what it has decrypted and nobody has read yet: no
 * event tells of that, and a read of less than there was room for does *not* say that the stream is drained.
 *
 * mio_st_tls_init() takes the SSL object and the stream, and mio_st_tls_close() frees and closes both; if it fails they
 * stay the caller's. OpenSSL writes by write(2), so a program ignores SIGPIPE.
 *
 * Results are counts and negated errnos: -EAGAIN; -ECONNRESET if the peer is gone without having said so; -EPROTO for
 * what is no TLS or no certificate, with the reason in ERR_peek_error(); any other of the socket's.
 * After an error but -EAGAIN there is nothing to do but to close.
 */
#ifndef MIO_ST_OPENSSL_H
#define MIO_ST_OPENSSL_H

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <mio_st.h>

typedef struct mio_st_tls {
    SSL *ssl;
    mio_st_tcp_stream_t stream;
} mio_st_tls_t;

/* What a call of OpenSSL means. */
static inline int mio_st_tls_result(mio_st_tls_t *tls, int result)
{
    int error;
    if (result > 0)
        return result;
    error = errno;
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

/* `ssl` is of SSL_new(). `server` is 1 for the side that accepts. 0, or an error. */
static inline int mio_st_tls_init(mio_st_tls_t *tls, SSL *ssl, mio_st_tcp_stream_t stream, int server)
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
    tls->ssl = ssl;
    tls->stream = stream;
    return 0;
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

/* Says that no more will be written; reading goes on. 0, -EAGAIN: call it again, or an error. */
static inline int mio_st_tls_shutdown(mio_st_tls_t *tls)
{
    int result;
    mio_st_tls_begin();
    result = SSL_shutdown(tls->ssl);
    return result >= 0 ? 0 : mio_st_tls_result(tls, result);
}

/* Closes the stream, too. What was not read is lost; without mio_st_tls_shutdown() the peer sees that it was cut off. */
static inline void mio_st_tls_close(mio_st_tls_t *tls)
{
    SSL_free(tls->ssl);
    tls->ssl = NULL;
    mio_st_tcp_stream_close(tls->stream);
    tls->stream.bits = 0;
}

#endif
