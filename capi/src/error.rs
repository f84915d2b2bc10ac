//! Errors: what a function answers, and what it is called.

use std::collections::TryReserveError;
use std::ffi::{CStr, c_char, c_int};
use std::io;

use crate::abi::*;

/// What a function answers instead of a result: a negated errno, or one of `MIO_ST_E…`.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Error(c_int);

/// The result of a function, before it becomes a number.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) const NOT_FOUND: Error = Error::of(libc::ENOENT);
    pub(crate) const NOT_CONNECTED: Error = Error::of(libc::ENOTCONN);
    pub(crate) const WRONG_THREAD: Error = Error(MIO_ST_EWRONGTHREAD);
    pub(crate) const FORKED: Error = Error(MIO_ST_EFORKED);
    pub(crate) const PANIC: Error = Error(MIO_ST_EPANIC);

    /// The error with this errno.
    pub(crate) const fn of(errno: c_int) -> Error {
        Error(-errno)
    }

    /// The number that C gets.
    pub fn code(self) -> c_int {
        self.0
    }
}

/// The errno of an error, or the one that says most nearly the same as its kind. The table is in the
/// introduction of the header too.
impl From<io::Error> for Error {
    #[inline]
    fn from(error: io::Error) -> Error {
        let code = error.raw_os_error().map_or_else(|| nearest(error.kind()), Error::of);
        // Nothing that C reaches makes an error with a box in it, which takes memory: there is nothing to
        // drop. The compiler does not know, and would prepare for a drop that panics.
        std::mem::forget(error);
        code
    }
}

#[cold]
fn nearest(kind: io::ErrorKind) -> Error {
    Error::of(match kind {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => libc::EINVAL,
        io::ErrorKind::WouldBlock => libc::EAGAIN,
        io::ErrorKind::OutOfMemory => libc::ENOMEM,
        io::ErrorKind::BrokenPipe => libc::EPIPE,
        io::ErrorKind::NotFound => libc::ENOENT,
        io::ErrorKind::AlreadyExists => libc::EEXIST,
        io::ErrorKind::PermissionDenied => libc::EACCES,
        io::ErrorKind::Unsupported => libc::EOPNOTSUPP,
        io::ErrorKind::Interrupted => libc::EINTR,
        io::ErrorKind::TimedOut => libc::ETIMEDOUT,
        _ => libc::EIO,
    })
}

impl From<TryReserveError> for Error {
    fn from(_: TryReserveError) -> Error {
        Error::of(libc::ENOMEM)
    }
}

/// The name of an error, such as `"EAGAIN"`.
///
/// `error` is what a function of this library returned; an `int64_t` below 0 fits an `int`. Whatever is not
/// negative is `"OK"`, and an unknown error is `"UNKNOWN"`: the result is never NULL. The string is static.
///
/// Never fails. Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_err_name(error: c_int) -> *const c_char {
    describe(error).0.as_ptr()
}

/// What an error means, in English, such as `"broken pipe"`.
///
/// `error` is what a function of this library returned; an `int64_t` below 0 fits an `int`. Whatever is not
/// negative is `"success"`, and an unknown error is `"unknown error"`: the result is never NULL. The string is
/// static.
///
/// Never fails. Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_strerror(error: c_int) -> *const c_char {
    describe(error).1.as_ptr()
}

fn describe(error: c_int) -> (&'static CStr, &'static CStr) {
    match error {
        0.. => return (c"OK", c"success"),
        MIO_ST_EWRONGTHREAD => return (c"EWRONGTHREAD", c"the handle belongs to another thread"),
        MIO_ST_EFORKED => return (c"EFORKED", c"the poller was created before a fork"),
        MIO_ST_EPANIC => return (c"EPANIC", c"a defect of the library"),
        _ => {}
    }
    // Adding does not overflow as negating would.
    match ERRORS.iter().find(|(errno, ..)| errno + error == 0) {
        Some((_, name, text)) => (name, text),
        None => (c"UNKNOWN", c"unknown error"),
    }
}

/// The errors that POSIX has, and what else a socket or a descriptor answers. `strerror(3)` does not
/// serve: its strings are neither static nor the same in every language.
const ERRORS: &[(c_int, &CStr, &CStr)] = &[
    (libc::EPERM, c"EPERM", c"operation not permitted"),
    (libc::ENOENT, c"ENOENT", c"no such file or directory"),
    (libc::ESRCH, c"ESRCH", c"no such process"),
    (libc::EINTR, c"EINTR", c"interrupted system call"),
    (libc::EIO, c"EIO", c"input/output error"),
    (libc::ENXIO, c"ENXIO", c"no such device or address"),
    (libc::E2BIG, c"E2BIG", c"argument list too long"),
    (libc::ENOEXEC, c"ENOEXEC", c"exec format error"),
    (libc::EBADF, c"EBADF", c"bad file descriptor"),
    (libc::ECHILD, c"ECHILD", c"no child processes"),
    (libc::EAGAIN, c"EAGAIN", c"resource temporarily unavailable"),
    (libc::ENOMEM, c"ENOMEM", c"cannot allocate memory"),
    (libc::EACCES, c"EACCES", c"permission denied"),
    (libc::EFAULT, c"EFAULT", c"bad address"),
    (libc::ENOTBLK, c"ENOTBLK", c"block device required"),
    (libc::EBUSY, c"EBUSY", c"device or resource busy"),
    (libc::EEXIST, c"EEXIST", c"file exists"),
    (libc::EXDEV, c"EXDEV", c"invalid cross-device link"),
    (libc::ENODEV, c"ENODEV", c"no such device"),
    (libc::ENOTDIR, c"ENOTDIR", c"not a directory"),
    (libc::EISDIR, c"EISDIR", c"is a directory"),
    (libc::EINVAL, c"EINVAL", c"invalid argument"),
    (libc::ENFILE, c"ENFILE", c"too many open files in system"),
    (libc::EMFILE, c"EMFILE", c"too many open files"),
    (libc::ENOTTY, c"ENOTTY", c"inappropriate ioctl for device"),
    (libc::ETXTBSY, c"ETXTBSY", c"text file busy"),
    (libc::EFBIG, c"EFBIG", c"file too large"),
    (libc::ENOSPC, c"ENOSPC", c"no space left on device"),
    (libc::ESPIPE, c"ESPIPE", c"illegal seek"),
    (libc::EROFS, c"EROFS", c"read-only file system"),
    (libc::EMLINK, c"EMLINK", c"too many links"),
    (libc::EPIPE, c"EPIPE", c"broken pipe"),
    (libc::EDOM, c"EDOM", c"numerical argument out of domain"),
    (libc::ERANGE, c"ERANGE", c"numerical result out of range"),
    (libc::EDEADLK, c"EDEADLK", c"resource deadlock avoided"),
    (libc::ENAMETOOLONG, c"ENAMETOOLONG", c"file name too long"),
    (libc::ENOLCK, c"ENOLCK", c"no locks available"),
    (libc::ENOSYS, c"ENOSYS", c"function not implemented"),
    (libc::ENOTEMPTY, c"ENOTEMPTY", c"directory not empty"),
    (libc::ELOOP, c"ELOOP", c"too many levels of symbolic links"),
    (libc::ENOMSG, c"ENOMSG", c"no message of desired type"),
    (libc::EIDRM, c"EIDRM", c"identifier removed"),
    (libc::EPROTO, c"EPROTO", c"protocol error"),
    (libc::EBADMSG, c"EBADMSG", c"bad message"),
    (libc::EOVERFLOW, c"EOVERFLOW", c"value too large for defined data type"),
    (libc::EILSEQ, c"EILSEQ", c"invalid or incomplete multibyte or wide character"),
    (libc::EUSERS, c"EUSERS", c"too many users"),
    (libc::ENOTSOCK, c"ENOTSOCK", c"socket operation on non-socket"),
    (libc::EDESTADDRREQ, c"EDESTADDRREQ", c"destination address required"),
    (libc::EMSGSIZE, c"EMSGSIZE", c"message too long"),
    (libc::EPROTOTYPE, c"EPROTOTYPE", c"protocol wrong type for socket"),
    (libc::ENOPROTOOPT, c"ENOPROTOOPT", c"protocol not available"),
    (libc::EPROTONOSUPPORT, c"EPROTONOSUPPORT", c"protocol not supported"),
    (libc::ESOCKTNOSUPPORT, c"ESOCKTNOSUPPORT", c"socket type not supported"),
    (libc::EOPNOTSUPP, c"EOPNOTSUPP", c"operation not supported"),
    (libc::ENOTSUP, c"ENOTSUP", c"operation not supported"),
    (libc::EPFNOSUPPORT, c"EPFNOSUPPORT", c"protocol family not supported"),
    (libc::EAFNOSUPPORT, c"EAFNOSUPPORT", c"address family not supported by protocol"),
    (libc::EADDRINUSE, c"EADDRINUSE", c"address already in use"),
    (libc::EADDRNOTAVAIL, c"EADDRNOTAVAIL", c"cannot assign requested address"),
    (libc::ENETDOWN, c"ENETDOWN", c"network is down"),
    (libc::ENETUNREACH, c"ENETUNREACH", c"network is unreachable"),
    (libc::ENETRESET, c"ENETRESET", c"network dropped connection on reset"),
    (libc::ECONNABORTED, c"ECONNABORTED", c"software caused connection abort"),
    (libc::ECONNRESET, c"ECONNRESET", c"connection reset by peer"),
    (libc::ENOBUFS, c"ENOBUFS", c"no buffer space available"),
    (libc::EISCONN, c"EISCONN", c"transport endpoint is already connected"),
    (libc::ENOTCONN, c"ENOTCONN", c"transport endpoint is not connected"),
    (libc::ESHUTDOWN, c"ESHUTDOWN", c"cannot send after transport endpoint shutdown"),
    (libc::ETOOMANYREFS, c"ETOOMANYREFS", c"too many references: cannot splice"),
    (libc::ETIMEDOUT, c"ETIMEDOUT", c"connection timed out"),
    (libc::ECONNREFUSED, c"ECONNREFUSED", c"connection refused"),
    (libc::EHOSTDOWN, c"EHOSTDOWN", c"host is down"),
    (libc::EHOSTUNREACH, c"EHOSTUNREACH", c"no route to host"),
    (libc::EALREADY, c"EALREADY", c"operation already in progress"),
    (libc::EINPROGRESS, c"EINPROGRESS", c"operation now in progress"),
    (libc::ESTALE, c"ESTALE", c"stale file handle"),
    (libc::EREMOTE, c"EREMOTE", c"object is remote"),
    (libc::EDQUOT, c"EDQUOT", c"disk quota exceeded"),
    (libc::ECANCELED, c"ECANCELED", c"operation canceled"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::ENODATA, c"ENODATA", c"no data available"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::ETIME, c"ETIME", c"timer expired"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::ENOSR, c"ENOSR", c"out of streams resources"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::ENOSTR, c"ENOSTR", c"device not a stream"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::ENONET, c"ENONET", c"machine is not on the network"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::ENOLINK, c"ENOLINK", c"link has been severed"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::ECOMM, c"ECOMM", c"communication error on send"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::EMULTIHOP, c"EMULTIHOP", c"multihop attempted"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::ENOTUNIQ, c"ENOTUNIQ", c"name not unique on network"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::EBADFD, c"EBADFD", c"file descriptor in bad state"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::EREMCHG, c"EREMCHG", c"remote address changed"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::EREMOTEIO, c"EREMOTEIO", c"remote I/O error"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::ENOMEDIUM, c"ENOMEDIUM", c"no medium found"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::ENOKEY, c"ENOKEY", c"required key not available"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::EKEYEXPIRED, c"EKEYEXPIRED", c"key has expired"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::EKEYREVOKED, c"EKEYREVOKED", c"key has been revoked"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::EKEYREJECTED, c"EKEYREJECTED", c"key was rejected by service"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::EOWNERDEAD, c"EOWNERDEAD", c"owner died"),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    (libc::ENOTRECOVERABLE, c"ENOTRECOVERABLE", c"state not recoverable"),
    #[cfg(target_os = "linux")] // The libc crate does not have it for Android.
    (libc::ERFKILL, c"ERFKILL", c"operation not possible due to RF-kill"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_name_and_a_text() {
        for error in (-5000..5000).chain([c_int::MIN, c_int::MIN + 1, c_int::MAX]) {
            let (name, text) = describe(error);
            assert!(!name.is_empty() && !text.is_empty(), "{error}");
        }
        assert_eq!(describe(-libc::EAGAIN).0, c"EAGAIN");
        assert_eq!(describe(-libc::EPIPE).1, c"broken pipe");
        assert_eq!(describe(MIO_ST_EFORKED).0, c"EFORKED");
        assert_eq!(describe(0), (c"OK", c"success"));
        assert_eq!(describe(-4095), (c"UNKNOWN", c"unknown error"));
    }

    #[test]
    fn an_error_keeps_its_errno_and_a_kind_without_one_gets_the_nearest() {
        assert_eq!(Error::from(io::Error::from_raw_os_error(libc::EPERM)).code(), -libc::EPERM);
        assert_eq!(Error::from(io::Error::from(io::ErrorKind::WouldBlock)).code(), -libc::EAGAIN);
        assert_eq!(Error::from(io::Error::from(io::ErrorKind::OutOfMemory)).code(), -libc::ENOMEM);
        assert_eq!(Error::from(io::Error::other("?")).code(), -libc::EIO);
    }
}
