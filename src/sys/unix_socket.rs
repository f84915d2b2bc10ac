//! Unix sockets: `unix(7)`.

use std::ffi::OsStr;
use std::io;
use std::mem::{self, ManuallyDrop};
use std::os::fd::FromRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

#[cfg(target_os = "android")]
use std::os::android::net::SocketAddrExt;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;

use libc::{c_int, sa_family_t, sockaddr_un, socklen_t};

use crate::sys::Fd;
use crate::sys::socket::{self, Addr};

/// Where the path begins in an address.
const PATH: usize = mem::offset_of!(sockaddr_un, sun_path);
/// How many bytes of path an address has room for.
const MAX_PATH: usize = size_of::<sockaddr_un>() - PATH;

/// An address whose path is these bytes, no more than there is room for.
fn address(path: &[u8]) -> Addr {
    // SAFETY: all-zero is a valid sockaddr_un: it is made of integers.
    let mut un: sockaddr_un = unsafe { mem::zeroed() };
    un.sun_family = libc::AF_UNIX as sa_family_t;
    #[cfg(bsd)]
    {
        un.sun_len = (PATH + path.len()) as u8;
    }
    for (to, from) in un.sun_path.iter_mut().zip(path) {
        *to = *from as libc::c_char;
    }
    let mut addr = Addr::of(un);
    addr.len = (PATH + path.len().min(MAX_PATH)) as socklen_t;
    addr
}

impl TryFrom<&Path> for Addr {
    type Error = io::Error;

    fn try_from(path: &Path) -> io::Result<Addr> {
        let path = path.as_os_str().as_bytes();
        if path.is_empty() {
            // The kernel would take it for "any abstract name" when binding.
            return Err(invalid("the path of a Unix socket is empty"));
        }
        if path.contains(&0) {
            return Err(invalid("the path of a Unix socket contains a NUL byte"));
        }
        path_address(path).map_err(io::Error::from_raw_os_error)
    }
}

/// The address of a path; otherwise the errno.
pub(crate) fn path_address(path: &[u8]) -> Result<Addr, c_int> {
    if path.is_empty() || path.contains(&0) {
        return Err(libc::EINVAL);
    }
    if path.len() >= MAX_PATH {
        // Without a NUL at its end the path could not be used by other programs.
        return Err(libc::ENAMETOOLONG);
    }
    Ok(address(path))
}

/// The address that is in the bytes of a `sockaddr_un`; otherwise the errno. A path ends at its NUL, or
/// with the bytes; an abstract name, which begins with a NUL, has all of them.
pub(crate) fn parse(bytes: &[u8]) -> Result<Addr, c_int> {
    let addr = Addr::from_bytes(bytes).ok_or(libc::EINVAL)?;
    if addr.family() != libc::AF_UNIX {
        return Err(libc::EAFNOSUPPORT);
    }
    let path = bytes.get(PATH..).unwrap_or_default();
    let nul = path.iter().position(|byte| *byte == 0);
    // The system tells of a path that fills the address with a NUL behind it: that is taken back.
    let most = if nul == Some(MAX_PATH) { MAX_PATH + 1 } else { MAX_PATH };
    if path.len() > most {
        return Err(libc::EINVAL);
    }
    match nul {
        // No system but Linux has abstract names.
        Some(0) if cfg!(bsd) => Err(libc::EINVAL),
        Some(0) => Ok(address(path)),
        Some(end) => Ok(address(&path[..end])),
        None if path.is_empty() => Ok(address(path)),
        None => path_address(path),
    }
}

/// The address, where the system says nothing at all of a socket without a name: receiving on Linux,
/// accepting on BSD from a peer that is gone.
pub(crate) fn with_family(addr: Addr) -> Addr {
    if (addr.len as usize) < PATH { address(&[]) } else { addr }
}

impl From<&SocketAddr> for Addr {
    fn from(addr: &SocketAddr) -> Addr {
        #[cfg(not(bsd))]
        if let Some(name) = addr.as_abstract_name() {
            let mut path = [0; MAX_PATH];
            let len = name.len().min(MAX_PATH - 1);
            path[1..=len].copy_from_slice(&name[..len]);
            return address(&path[..=len]);
        }
        // An unnamed address has no path.
        address(addr.as_pathname().map_or(OsStr::new(""), Path::as_os_str).as_bytes())
    }
}

/// The address as std has it; `None` if std cannot make one of it, see [`by_std`].
pub(crate) fn std_address(addr: &Addr) -> Option<SocketAddr> {
    let path = addr.bytes().get(PATH..).unwrap_or_default();
    #[cfg(not(bsd))]
    if let Some((0, name)) = path.split_first() {
        return SocketAddr::from_abstract_name(name).ok();
    }
    // On BSD an address without a name may have a path of NULs.
    let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
    SocketAddr::from_pathname(OsStr::from_bytes(path)).ok()
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// Lets std look at a socket of ours: it alone can make a `SocketAddr` of every address that the system
/// may return (a path may fill the address to the last byte, for which there is no constructor).
pub(crate) fn by_std<T>(
    fd: &Fd,
    look: impl FnOnce(&UnixDatagram) -> io::Result<T>,
) -> io::Result<T> {
    // SAFETY: the descriptor is open while `fd` is borrowed, and is not closed by std. What kind of
    // socket it is makes no difference to the calls for addresses.
    let socket = ManuallyDrop::new(unsafe { UnixDatagram::from_raw_fd(fd.raw()) });
    look(&socket)
}

/// Makes two sockets that are connected to each other, of a kind (`SOCK_STREAM`).
pub(crate) fn pair(kind: c_int) -> io::Result<(Fd, Fd)> {
    #[cfg(not(target_vendor = "apple"))]
    let kind = kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    let mut fds = [-1; 2];
    // SAFETY: there is room for two descriptors, which are new and ours.
    let (a, b) = unsafe {
        syscall!(socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()))?;
        (Fd::new(fds[0]), Fd::new(fds[1]))
    };
    socket::prepare(&a)?;
    socket::prepare(&b)?;
    Ok((a, b))
}

/// As `socket::accept`, with the address as std has it.
pub(crate) fn accept(fd: &Fd) -> io::Result<(Fd, SocketAddr)> {
    let (connection, peer) = accept_raw(fd)?;
    let unnamed = SocketAddr::from_pathname("")?;
    if peer.len as usize <= PATH {
        // Nearly every client: it has no name, and no system call is needed to know that.
        return Ok((connection, unnamed));
    }
    // A connection is not lost because the name of its peer is: BSD forgets it when the peer closes.
    let peer = by_std(&connection, UnixDatagram::peer_addr).unwrap_or(unnamed);
    Ok((connection, peer))
}

/// As [`accept`], with the address as the system has it.
pub(crate) fn accept_raw(fd: &Fd) -> io::Result<(Fd, Addr)> {
    let mut peer = Addr::unset();
    Ok((socket::accept(fd.raw(), &mut peer)?, peer))
}

/// Who connected a socket: user, group and, where the system tells it, process.
#[cfg(not(bsd))]
pub(crate) fn peer_cred(fd: &Fd) -> io::Result<(u32, u32, Option<i32>)> {
    let mut cred = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut len = size_of::<libc::ucred>() as socklen_t;
    let pointer = (&raw mut cred).cast();
    crate::sys::sanitizers::written(&len, 1);
    // SAFETY: the pointer and the length are those of a `ucred`.
    unsafe {
        syscall!(getsockopt(fd.raw(), libc::SOL_SOCKET, libc::SO_PEERCRED, pointer, &mut len))
    }?;
    if cred.pid == 0 && cred.uid == u32::MAX {
        // What the system says of a socket that has no peer.
        return Err(io::Error::from_raw_os_error(libc::ENOTCONN));
    }
    // Zero: the process is of a namespace that is not visible from here.
    Ok((cred.uid, cred.gid, Some(cred.pid).filter(|pid| *pid != 0)))
}

/// As above, see `getpeereid(3)`.
#[cfg(bsd)]
pub(crate) fn peer_cred(fd: &Fd) -> io::Result<(u32, u32, Option<i32>)> {
    let (mut uid, mut gid) = (0, 0);
    // SAFETY: both pointers are valid.
    unsafe { syscall!(getpeereid(fd.raw(), &mut uid, &mut gid)) }?;
    Ok((uid, gid, None))
}

/// The effective user and group of this process, and its number.
pub(crate) fn own_cred() -> (u32, u32, i32) {
    // SAFETY: they take nothing and cannot fail.
    unsafe { (libc::geteuid(), libc::getegid(), libc::getpid()) }
}
