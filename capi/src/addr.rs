//! Socket addresses, as the system has them and as text.

use std::ffi::{CStr, c_char, c_int};
use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use libc::{in_addr, in6_addr, sockaddr, sockaddr_storage, socklen_t};
use mio_st::raw::{self, UnixAddr};

use crate::abi::*;
use crate::error::{Error, Result};
use crate::handles::plain;
use crate::memory::{self, Out};

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
        let (parsed, out) = unsafe { (parse(text)?, Out::new(address)?) };
        Ok(put(raw::sockaddr(parsed), out))
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

/// Reads an internet address of the system's.
///
/// # Safety
///
/// `address` is NULL, or `length` bytes can be read there.
pub(crate) unsafe fn read(address: *const sockaddr, length: socklen_t) -> Result<SocketAddr> {
    // SAFETY: the caller's promise.
    raw::socket_addr(unsafe { bytes(address, length) }?).map_err(Error::of)
}

/// Reads the address of a Unix socket.
///
/// # Safety
///
/// As [`read`].
pub(crate) unsafe fn read_unix(address: *const sockaddr, length: socklen_t) -> Result<UnixAddr> {
    // SAFETY: the caller's promise.
    UnixAddr::from_bytes(unsafe { bytes(address, length) }?).map_err(Error::of)
}

/// # Safety
///
/// As [`read`].
unsafe fn bytes<'a>(address: *const sockaddr, length: socklen_t) -> Result<&'a [u8]> {
    let length = length as usize;
    if address.is_null() || length > size_of::<sockaddr_storage>() {
        return Err(Error::of(libc::EINVAL));
    }
    // SAFETY: the caller's promise. Bytes need no alignment.
    unsafe { memory::bytes_in(address.cast(), length) }
}

/// Reads the path of a Unix socket.
///
/// # Safety
///
/// `path` is NULL, or ends with a NUL.
pub(crate) unsafe fn path(path: *const c_char) -> Result<UnixAddr> {
    if path.is_null() {
        return Err(Error::of(libc::EINVAL));
    }
    // SAFETY: the caller's promise.
    let path = unsafe { CStr::from_ptr(path) };
    UnixAddr::from_path(path.to_bytes()).map_err(Error::of)
}

/// Reads an IPv4 address, in network byte order.
///
/// # Safety
///
/// `address` is NULL, or can be read.
pub(crate) unsafe fn v4(address: *const in_addr) -> Result<Ipv4Addr> {
    // SAFETY: the caller's promise.
    let octets = unsafe { memory::bytes_in(address.cast(), 4) }?;
    <[u8; 4]>::try_from(octets).map(Ipv4Addr::from).map_err(|_| Error::of(libc::EINVAL))
}

/// Reads an IPv6 address.
///
/// # Safety
///
/// `address` is NULL, or can be read.
pub(crate) unsafe fn v6(address: *const in6_addr) -> Result<Ipv6Addr> {
    // SAFETY: the caller's promise.
    let octets = unsafe { memory::bytes_in(address.cast(), 16) }?;
    <[u8; 16]>::try_from(octets).map(Ipv6Addr::from).map_err(|_| Error::of(libc::EINVAL))
}

/// An address as the system has it, and its length.
type Parts = (sockaddr_storage, socklen_t);

/// Writes an address where C wants it, and returns its length. The bytes beyond that are left as they are.
pub(crate) fn put((storage, length): Parts, target: Out<sockaddr_storage>) -> c_int {
    // The system may have had more to say than there is room for.
    let length = (length as usize).min(size_of::<sockaddr_storage>());
    // SAFETY: there is room for a sockaddr_storage, of which these are the first bytes.
    unsafe {
        let source = (&raw const storage).cast::<u8>();
        source.copy_to_nonoverlapping(target.pointer().cast(), length);
    }
    length as c_int
}

/// As [`put`], with the length too, unless C does not want them.
///
/// # Safety
///
/// Each pointer is NULL, or can be written.
pub(crate) unsafe fn put_optional(
    address: Parts,
    target: *mut sockaddr_storage,
    target_length: *mut socklen_t,
) -> c_int {
    // SAFETY: the caller's promise.
    if let Ok(out) = unsafe { Out::new(target_length) } {
        out.put(address.1);
    }
    // SAFETY: the caller's promise.
    match unsafe { Out::new(target) } {
        Ok(out) => put(address, out),
        Err(_) => address.1 as c_int,
    }
}
