//! Socket addresses, as the system has them and as text.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use libc::{in_addr, in6_addr, sockaddr, sockaddr_storage, socklen_t};
use mio_st::raw::{self, UnixAddr};

use crate::abi::*;
use crate::error::{Error, Result};
use crate::memory::{self, Out};
use crate::thread::plain;

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
        let text = Text::of(address);
        // With one zero more, which ends the text.
        let with_nul = text.bytes.get(..=text.len).unwrap_or_default();
        let target = buffer.get_mut(..with_nul.len()).ok_or(Error::of(libc::ENOSPC))?;
        target.iter_mut().zip(with_nul).for_each(|(to, from)| *to = *from);
        raw::written(target.as_ptr(), target.len());
        Ok(text.len as c_int)
    })
}

// Not what std has for it, since that has panics in it. They are never reached, but with one of them the whole
// machinery of panics comes into the library.
unsafe extern "C" {
    fn inet_pton(family: c_int, text: *const c_char, address: *mut c_void) -> c_int;
    fn inet_ntop(
        family: c_int,
        address: *const c_void,
        text: *mut c_char,
        size: socklen_t,
    ) -> *const c_char;
}

const SIZE: usize = MIO_ST_ADDR_TEXT_SIZE as usize;

/// A text of bounded length; the bytes after it are zero.
struct Text {
    bytes: [u8; SIZE],
    len: usize,
}

impl Text {
    fn of(address: SocketAddr) -> Text {
        let mut text = Text { bytes: [0; SIZE], len: 0 };
        match address {
            SocketAddr::V4(v4) => text.push_ip(libc::AF_INET, &v4.ip().octets()),
            SocketAddr::V6(v6) => {
                text.push(b'[');
                text.push_ip(libc::AF_INET6, &v6.ip().octets());
                if v6.scope_id() != 0 {
                    text.push(b'%');
                    text.push_number(v6.scope_id());
                }
                text.push(b']');
            }
        }
        text.push(b':');
        text.push_number(address.port().into());
        text
    }

    /// There is room for the longest text, and one byte more.
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    fn push_number(&mut self, number: u32) {
        if number > 9 {
            self.push_number(number / 10);
        }
        self.push(b'0' + (number % 10) as u8);
    }

    /// `octets` are 4 of `AF_INET`, or 16 of `AF_INET6`.
    fn push_ip(&mut self, family: c_int, octets: &[u8]) {
        let room = self.bytes.get_mut(self.len..).unwrap_or_default();
        let (text, size) = (room.as_mut_ptr().cast(), room.len() as socklen_t);
        raw::written(octets.as_ptr(), octets.len());
        // SAFETY: the octets are those of the family, and the text has so much room.
        unsafe { inet_ntop(family, octets.as_ptr().cast(), text, size) };
        self.len += room.iter().take_while(|byte| **byte != 0).count();
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
    parse_bytes(text.to_bytes()).ok_or(Error::of(libc::EINVAL))
}

/// `1.2.3.4:80`, `[::1]:80`, `[fe80::1%2]:80`.
fn parse_bytes(text: &[u8]) -> Option<SocketAddr> {
    let Some(text) = text.strip_prefix(b"[") else {
        let (ip, port) = split(text, b':')?;
        return Some((parse_ip::<4>(libc::AF_INET, ip)?, port_of(port)?).into());
    };
    let (ip, port) = split(text, b']')?;
    let port = port_of(port.strip_prefix(b":")?)?;
    let (ip, scope) = match split(ip, b'%') {
        Some((ip, scope)) => (ip, parse_number(scope)?),
        None => (ip, 0),
    };
    let ip = Ipv6Addr::from(parse_ip::<16>(libc::AF_INET6, ip)?);
    Some(SocketAddrV6::new(ip, port, 0, scope).into())
}

/// What is before and after the first such byte.
fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let mut parts = text.splitn(2, |byte| *byte == at);
    Some((parts.next()?, parts.next()?))
}

fn port_of(text: &[u8]) -> Option<u16> {
    parse_number(text)?.try_into().ok()
}

fn parse_number(text: &[u8]) -> Option<u32> {
    let number = text.iter().try_fold(0_u32, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    });
    number.filter(|_| !text.is_empty())
}

/// The octets of an address of a family, which has `N`.
fn parse_ip<const N: usize>(family: c_int, text: &[u8]) -> Option<[u8; N]> {
    // As long as the longest of them, and a NUL.
    let mut with_nul = [0; 46];
    if text.len() >= with_nul.len() {
        return None;
    }
    with_nul.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    let mut octets = [0; N];
    raw::written(&with_nul, 1);
    // SAFETY: the text ends with a NUL, and the octets are as many as the family has.
    let read = unsafe { inet_pton(family, with_nul.as_ptr().cast(), octets.as_mut_ptr().cast()) };
    (read == 1).then_some(octets)
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
    raw::written(target.pointer().cast::<u8>(), length);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_std(text: &str) -> Option<SocketAddr> {
        text.parse().ok()
    }

    fn formatted(address: SocketAddr) -> String {
        let text = Text::of(address);
        String::from_utf8(text.bytes[..text.len].to_vec()).unwrap()
    }

    fn addresses() -> impl Strategy<Value = SocketAddr> {
        let v4 = any::<([u8; 4], u16)>().prop_map(|(ip, port)| (ip, port).into());
        // Groups are often zero, as there are rules for that.
        let group = prop_oneof![Just(0), Just(0xffff), any::<u16>()];
        let v6 =
            (proptest::array::uniform8(group), any::<u16>(), prop_oneof![Just(0), any::<u32>()])
                .prop_map(|(ip, port, scope)| {
                    SocketAddrV6::new(Ipv6Addr::from(ip), port, 0, scope).into()
                });
        prop_oneof![v4, v6]
    }

    proptest! {
        #[test]
        fn what_is_formatted_is_read_again_here_and_by_std(address in addresses()) {
            let text = formatted(address);
            prop_assert_eq!(parse_bytes(text.as_bytes()), Some(address), "{}", text);
            prop_assert_eq!(by_std(&text), Some(address), "{}", text);
        }

        #[test]
        fn text_is_read_as_by_std(text in r"\[?[0-9a-f:.%\]]{0,24}") {
            prop_assert_eq!(parse_bytes(text.as_bytes()), by_std(&text), "{}", text);
        }

        #[test]
        fn a_changed_address_is_read_as_by_std(
            address in addresses(), at in any::<prop::sample::Index>(), with in r"[\]\[0-9a-gA-F:.%+ -]{0,2}"
        ) {
            let mut text = address.to_string();
            let at = at.index(text.len());
            text.replace_range(at..=at, &with);
            prop_assert_eq!(parse_bytes(text.as_bytes()), by_std(&text), "{}", text);
        }
    }

    #[test]
    fn the_limits_of_text() {
        let longest = "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295]:65535";
        assert_eq!(parse_bytes(longest.as_bytes()), by_std(longest));
        assert!(parse_bytes(longest.as_bytes()).is_some() && longest.len() < SIZE);
        for text in [
            "",
            ":",
            ":80",
            "1.2.3.4",
            "1.2.3.4:",
            "1.2.3.4:65536",
            "1.2.3.4:99999999999",
            "1.2.3.4:+1",
            "::1",
            "::1:80",
            "[::1]",
            "[::1]80",
            "[::1]:",
            "[::1]:99999",
            "[]:80",
            "[::1%]:80",
            "[::1%4294967296]:80",
            "[::1%eth0]:80",
            "[1.2.3.4]:80",
            "01.2.3.4:80",
            "localhost:80",
            " 1.2.3.4:80",
        ] {
            assert_eq!(by_std(text), None, "{text}");
            assert_eq!(parse_bytes(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_bytes(b"1.2.3.4:00080"), by_std("1.2.3.4:00080"));
    }
}
