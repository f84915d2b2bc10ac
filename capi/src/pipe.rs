//! `Sender` and `Receiver`: the ends of a pipe.

use std::ffi::{c_int, c_void};
use std::io::{Read, Write};
use std::os::fd::FromRawFd;

use libc::iovec;
use mio_st::raw;
use mio_st::unix::{Receiver, Sender, new_pipe};

use crate::abi::*;
use crate::error::{Error, Result};
use crate::memory::{self, Out};
use crate::thread::{call, close, create, using};

/// Makes a pipe: what is written to `sender` is read from `receiver`.
///
/// `sender` and `receiver` receive its ends; close them with mio_st_sender_close() and
/// mio_st_receiver_close().
///
/// Returns 0; `-EINVAL` if a pointer is NULL; `-EMFILE` or `-ENFILE` if there are too many descriptors;
/// `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// Both belong to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_new_pipe(
    sender: *mut mio_st_sender_t,
    receiver: *mut mio_st_receiver_t,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that both can be written.
        let (sending, receiving) = unsafe { (Out::new(sender)?, Out::new(receiver)?) };
        table.reserve_two()?;
        let (sender, receiver) = new_pipe()?;
        sending.put(table.open(sender)?);
        receiving.put(table.open(receiver)?);
        Ok(0)
    })
}

/// Makes sure that a descriptor is an end of a pipe as we make them.
fn check(fd: c_int, writable: bool) -> Result<()> {
    if !raw::is_pipe_end(fd, writable)? {
        return Err(Error::of(libc::EPROTOTYPE));
    }
    Ok(raw::set_nonblocking_cloexec(fd)?)
}

/// Makes a sending end of a descriptor, and makes that non-blocking and close-on-exec.
///
/// `sender` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
///
/// Returns 0; `-EBADF` if the descriptor is not open; `-EPROTOTYPE` if it is not a pipe or FIFO, or not open
/// for writing; `-EINVAL` if `sender` is NULL; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The sending end belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_sender_from_fd(sender: *mut mio_st_sender_t, fd: c_int) -> c_int {
    create(|table| {
        // SAFETY: C promises that `sender` can be written.
        let out = unsafe { Out::new(sender) }?;
        table.reserve()?;
        check(fd, true)?;
        // SAFETY: it is open, as was just checked, and C gives it away.
        out.put(table.open(unsafe { Sender::from_raw_fd(fd) })?);
        Ok(0)
    })
}

/// Closes a sending end. That ends its registrations, in every poller. Once
/// every sending end is closed, reading at the other comes to the end of file.
///
/// Returns 0, also for `{0}`; the errors of a handle.
///
/// Thread: that of the sending end.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_sender_close(sender: mio_st_sender_t) -> c_int {
    close(sender)
}

/// Writes at most `length` bytes from `buffer`. Raises `SIGPIPE` if the receiving end is closed, which ends
/// the process unless it ignores, blocks or handles that signal: call `signal(SIGPIPE, SIG_IGN)`.
///
/// Returns how many were written, which may be fewer; `-EAGAIN` if there is no room yet; `-EPIPE` if the
/// receiving end is closed; `-EINVAL` if `buffer` is NULL and `length` is not 0; the errors of a handle.
///
/// Thread: that of the sending end.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_sender_write(
    sender: mio_st_sender_t,
    buffer: *const c_void,
    length: usize,
) -> i64 {
    using(sender, move |sender| {
        // SAFETY: C promises that `buffer` is `length` bytes.
        let buffer = unsafe { memory::bytes_in(buffer, length) }?;
        Ok(sender.write(buffer)? as i64)
    })
}

/// Writes several buffers in turn, as `writev(2)`, and raises `SIGPIPE` as mio_st_sender_write(); those
/// beyond the 1024th are left for the next call.
///
/// `buffers` are `count` buffers.
///
/// Returns as mio_st_sender_write(); `-EINVAL` if `buffers`, or a buffer with a length, is NULL.
///
/// Thread: that of the sending end.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_sender_writev(
    sender: mio_st_sender_t,
    buffers: *const iovec,
    count: usize,
) -> i64 {
    using(sender, move |sender| {
        // SAFETY: C promises that `buffers` are `count` buffers.
        let buffers = unsafe { memory::vectors(buffers, count) }?;
        // SAFETY: C promises that each can be read.
        Ok(unsafe { raw::write_vectored_to_pipe(sender, buffers) }? as i64)
    })
}

/// The descriptor of the sending end, which stays the sending end's: for `fcntl(2)` and the like.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the sending end.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_sender_fd(sender: mio_st_sender_t) -> c_int {
    call(sender, |table| table.fd(sender))
}

/// Takes the descriptor out of the sending end, whose handle is closed by that. The caller closes the
/// descriptor, or hands it to another thread for mio_st_sender_from_fd().
///
/// Returns the descriptor; `-EBUSY` if the sending end is registered with a poller: deregister it first; the
/// errors of a handle.
///
/// Thread: that of the sending end.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_sender_into_fd(sender: mio_st_sender_t) -> c_int {
    call(sender, |table| table.release_fd(sender))
}

/// Makes a receiving end of a descriptor, and makes that non-blocking and close-on-exec.
///
/// `receiver` receives it, and owns the descriptor from now on; if the call fails it stays the caller's.
///
/// Returns 0; `-EBADF` if the descriptor is not open; `-EPROTOTYPE` if it is not a pipe or FIFO, or not open
/// for reading; `-EINVAL` if `receiver` is NULL; `-ENOMEM`; `-EAGAIN` as mio_st_poller_new().
///
/// The receiving end belongs to the calling thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_receiver_from_fd(
    receiver: *mut mio_st_receiver_t,
    fd: c_int,
) -> c_int {
    create(|table| {
        // SAFETY: C promises that `receiver` can be written.
        let out = unsafe { Out::new(receiver) }?;
        table.reserve()?;
        check(fd, false)?;
        // SAFETY: it is open, as was just checked, and C gives it away.
        out.put(table.open(unsafe { Receiver::from_raw_fd(fd) })?);
        Ok(0)
    })
}

/// Closes a receiving end. That ends its registrations, in every poller.
///
/// Returns 0, also for `{0}`; the errors of a handle.
///
/// Thread: that of the receiving end.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_receiver_close(receiver: mio_st_receiver_t) -> c_int {
    close(receiver)
}

/// Reads at most `length` bytes into `buffer`.
///
/// Returns how many were read, 0 at the end of file: every sending end is closed (and if `length` is 0);
/// `-EAGAIN` if there is nothing to read yet; `-EINVAL` if `buffer` is NULL and `length` is not 0; the errors
/// of a handle.
///
/// Thread: that of the receiving end.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_receiver_read(
    receiver: mio_st_receiver_t,
    buffer: *mut c_void,
    length: usize,
) -> i64 {
    using(receiver, move |receiver| {
        // SAFETY: C promises that `buffer` has room for `length` bytes.
        let buffer = unsafe { memory::bytes_out(buffer, length) }?;
        Ok(receiver.read(buffer)? as i64)
    })
}

/// Reads into several buffers in turn, as `readv(2)`; those beyond the 1024th are left for the next call.
///
/// `buffers` are `count` buffers.
///
/// Returns as mio_st_receiver_read(); `-EINVAL` if `buffers`, or a buffer with a length, is NULL.
///
/// Thread: that of the receiving end.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_receiver_readv(
    receiver: mio_st_receiver_t,
    buffers: *const iovec,
    count: usize,
) -> i64 {
    using(receiver, move |receiver| {
        // SAFETY: C promises that `buffers` are `count` buffers.
        let buffers = unsafe { memory::vectors(buffers, count) }?;
        // SAFETY: C promises that each can be written.
        Ok(unsafe { raw::read_vectored(receiver, buffers) }? as i64)
    })
}

/// The descriptor of the receiving end, which stays the receiving end's: for `fcntl(2)` and the like.
///
/// Returns it; the errors of a handle.
///
/// Thread: that of the receiving end.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_receiver_fd(receiver: mio_st_receiver_t) -> c_int {
    call(receiver, |table| table.fd(receiver))
}

/// Takes the descriptor out of the receiving end, whose handle is closed by that. The caller closes the
/// descriptor, or hands it to another thread for mio_st_receiver_from_fd().
///
/// Returns the descriptor; `-EBUSY` if the receiving end is registered with a poller: deregister it first;
/// the errors of a handle.
///
/// Thread: that of the receiving end.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn mio_st_receiver_into_fd(receiver: mio_st_receiver_t) -> c_int {
    call(receiver, |table| table.release_fd(receiver))
}
