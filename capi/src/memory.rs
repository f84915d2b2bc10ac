//! What C passes by pointer, and by number.

use std::ffi::{c_int, c_void};
use std::net::Shutdown;
use std::ptr::NonNull;
use std::slice;

use libc::iovec;
use mio_st::raw::{self, SocketKind};

use crate::error::{Error, Result};

const INVALID: Error = Error::of(libc::EINVAL);

/// Where a function writes a result.
pub(crate) struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// NULL is an error.
    ///
    /// # Safety
    ///
    /// A pointer other than NULL is valid for writing a `T` until the call ends.
    #[inline]
    pub(crate) unsafe fn new(pointer: *mut T) -> Result<Out<T>> {
        NonNull::new(pointer).map(Out).ok_or(INVALID)
    }

    pub(crate) fn pointer(&self) -> *mut T {
        self.0.as_ptr()
    }

    /// Writes the result.
    #[inline]
    pub(crate) fn put(self, value: T) {
        // SAFETY: `new` was promised that it is valid. C may have lost the alignment in a cast.
        unsafe { self.0.write_unaligned(value) }
        raw::written(self.0.as_ptr(), 1);
    }
}

/// Memory to read: NULL is fine with a length of 0 only.
///
/// # Safety
///
/// A pointer other than NULL is valid for reading `length` values for as long as 'a.
#[inline]
pub(crate) unsafe fn input<'a, T>(pointer: *const T, length: usize) -> Result<&'a [T]> {
    let pointer = check(pointer.cast_mut(), length)?;
    // SAFETY: the caller's promise; the pointer is aligned and the size is not beyond `isize`.
    Ok(unsafe { slice::from_raw_parts(pointer.as_ptr(), length) })
}

/// Memory to write: NULL is fine with a length of 0 only.
///
/// # Safety
///
/// A pointer other than NULL is valid for writing `length` values for as long as 'a, and nothing else
/// reads or writes there meanwhile.
#[inline]
pub(crate) unsafe fn output<'a, T>(pointer: *mut T, length: usize) -> Result<&'a mut [T]> {
    let pointer = check(pointer, length)?;
    // SAFETY: the caller's promise; the pointer is aligned and the size is not beyond `isize`.
    Ok(unsafe { slice::from_raw_parts_mut(pointer.as_ptr(), length) })
}

/// Bytes to write, see [`output`].
///
/// # Safety
///
/// As [`output`].
#[inline]
pub(crate) unsafe fn bytes_out<'a>(pointer: *mut c_void, length: usize) -> Result<&'a mut [u8]> {
    // SAFETY: the caller's promise.
    unsafe { output(pointer.cast(), length) }
}

/// Bytes to read, see [`input`].
///
/// # Safety
///
/// As [`input`].
#[inline]
pub(crate) unsafe fn bytes_in<'a>(pointer: *const c_void, length: usize) -> Result<&'a [u8]> {
    // SAFETY: the caller's promise.
    unsafe { input(pointer.cast(), length) }
}

/// An array of buffers, each of which is NULL with a length of 0 only.
///
/// # Safety
///
/// As [`input`].
pub(crate) unsafe fn vectors<'a>(pointer: *const iovec, count: usize) -> Result<&'a [iovec]> {
    // SAFETY: the caller's promise.
    let buffers = unsafe { input(pointer, count) }?;
    for buffer in buffers {
        if buffer.iov_base.is_null() && buffer.iov_len > 0 {
            return Err(INVALID);
        }
    }
    Ok(buffers)
}

/// The pointer, or what stands for NULL.
#[inline]
fn check<T>(pointer: *mut T, length: usize) -> Result<NonNull<T>> {
    // Most are bytes, of which one comparison tells that all is well; the upper half of the addresses is looked at
    // more closely.
    if size_of::<T>() == 1 && (pointer.addr().wrapping_sub(1) | length) as isize >= 0 {
        // SAFETY: the address is not 0, which less 1 would be negative.
        return Ok(unsafe { NonNull::new_unchecked(pointer) });
    }
    let longest = isize::MAX as usize / size_of::<T>().max(1);
    match NonNull::new(pointer) {
        Some(pointer) if length <= longest && pointer.is_aligned() => Ok(pointer),
        None if length == 0 => Ok(NonNull::dangling()),
        _ => Err(INVALID),
    }
}

/// What `shutdown(2)` is told.
pub(crate) fn shutdown(how: c_int) -> Result<Shutdown> {
    match how {
        libc::SHUT_RD => Ok(Shutdown::Read),
        libc::SHUT_WR => Ok(Shutdown::Write),
        libc::SHUT_RDWR => Ok(Shutdown::Both),
        _ => Err(INVALID),
    }
}

/// Makes sure that a descriptor is a socket of a kind, and as we make them.
pub(crate) fn check_socket(fd: c_int, kind: SocketKind) -> Result<()> {
    check_kind(fd, kind)?;
    Ok(raw::set_nonblocking_cloexec(fd)?)
}

/// Makes sure that a descriptor is a socket of a kind.
pub(crate) fn check_kind(fd: c_int, kind: SocketKind) -> Result<()> {
    if raw::is_socket(fd, kind)? { Ok(()) } else { Err(Error::of(libc::EPROTOTYPE)) }
}
