//! Socket addresses, as the system has them and as text.

use std::ffi::{CStr, c_char, c_int};
use std::fmt::Write;
use std::net::SocketAddr;

use libc::{sockaddr, sockaddr_storage, socklen_t};
use mio_st::raw;

use crate::abi::*;
use crate::error::{Error, Result};
use crate::handles::plain;
use crate::memory;

/// Reads an address and a port from text: `"127.0.0.1:8080"`, `"[::1]:8080"`, `"[fe80::1%2]:8080"`.
///
/// `text` ends with a NUL. Names such as `localhost` are not looked up. `address` receives the address.
///
/// Returns the length of the address, for use as its `socklen_t`; `-EINVAL` if the text is not an address
/// and a port, or a pointer is NULL.
///
/// Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_addr_parse(
    text: *const c_char,
    address: *mut sockaddr_storage,
) -> c_int {
    plain(|| {
        // SAFETY: C promises that both pointers are what the comment says.
        unsafe { write(parse(text)?, address, false) }
    })
}

/// Writes an address and its port as text that mio_st_addr_parse() reads.
///
/// `address` and `length` are an address of the family `AF_INET` or `AF_INET6`. `text` is a buffer of
/// `size` bytes, of which `MIO_ST_ADDR_TEXT_SIZE` are always enough; the text ends with a NUL.
///
/// Returns the length of the text without the NUL; `-ENOSPC` if the buffer is too small;
/// `-EAFNOSUPPORT` for another family; `-EINVAL` if the length does not fit the family, or a pointer is
/// NULL.
///
/// Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_addr_format(
    address: *const sockaddr,
    length: socklen_t,
    text: *mut c_char,
    size: usize,
) -> c_int {
    plain(|| {
        // SAFETY: C promises that the pointer and the length are those of an address.
        let address = unsafe { read(address, length) }?;
        // SAFETY: C promises that `text` has room for `size` bytes.
        let buffer = unsafe { memory::bytes_out(text.cast(), size) }?;
        let mut formatted = Text { bytes: [0; MIO_ST_ADDR_TEXT_SIZE as usize], len: 0 };
        write!(formatted, "{address}").map_err(|_| Error::of(libc::ENOSPC))?;
        // With one zero more, which ends the text.
        let with_nul = &formatted.bytes[..formatted.len + 1];
        let target = buffer.get_mut(..with_nul.len()).ok_or(Error::of(libc::ENOSPC))?;
        target.copy_from_slice(with_nul);
        Ok(formatted.len as c_int)
    })
}

/// A text of bounded length; the last byte stays zero.
struct Text {
    bytes: [u8; MIO_ST_ADDR_TEXT_SIZE as usize],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        if end >= self.bytes.len() {
            return Err(std::fmt::Error);
        }
        self.bytes[self.len..end].copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Reads an address from text.
///
/// # Safety
///
/// `text` is NULL, or ends with a NUL.
pub(crate) unsafe fn parse(text: *const c_char) -> Result<SocketAddr> {
    if text.is_null() {
        return Err(Error::of(libc::EINVAL));
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    let text = text.to_str().map_err(|_| Error::of(libc::EINVAL))?;
    text.parse().map_err(|_| Error::of(libc::EINVAL))
}

/// Reads an address of the system's.
///
/// # Safety
///
/// `address` is NULL, or `length` bytes can be read there.
pub(crate) unsafe fn read(address: *const sockaddr, length: socklen_t) -> Result<SocketAddr> {
    let length = length as usize;
    if address.is_null() || length > size_of::<sockaddr_storage>() {
        return Err(Error::of(libc::EINVAL));
    }
    // SAFETY: the caller's promise. Bytes need no alignment.
    let bytes = unsafe { memory::bytes_in(address.cast(), length) }?;
    raw::socket_addr(bytes).map_err(Error::of)
}

/// Writes an address where C wants it, and returns its length. NULL is fine if it is `optional`.
///
/// # Safety
///
/// `target` is NULL, or an address can be written there.
pub(crate) unsafe fn write(
    address: SocketAddr,
    target: *mut sockaddr_storage,
    optional: bool,
) -> Result<c_int> {
    let (storage, length) = raw::sockaddr(address);
    if !target.is_null() {
        // SAFETY: the caller's promise. The bytes beyond the length are left as they are.
        unsafe {
            let source = (&raw const storage).cast::<u8>();
            source.copy_to_nonoverlapping(target.cast(), length as usize);
        }
    } else if !optional {
        return Err(Error::of(libc::EINVAL));
    }
    Ok(length as c_int)
}
