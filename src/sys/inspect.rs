//! What a descriptor is asked that the library does not own.

use std::fmt;
use std::io;
use std::os::fd::RawFd;

use libc::c_int;

use crate::sys;

#[cfg(any(target_os = "linux", target_os = "android"))]
const FIONREAD: libc::Ioctl = libc::FIONREAD;
/// `_IOR('f', 127, int)`, on all of them (`<sys/filio.h>`).
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const FIONREAD: libc::c_ulong = 0x4004_667f;

/// A descriptor to [`look`] at.
#[derive(Copy, Clone)]
#[repr(transparent)]
pub(crate) struct Look(libc::pollfd);

impl Look {
    /// At whether it can be read, and whether it can be written, if that is of interest.
    pub(crate) fn new(fd: RawFd, writes: bool) -> Look {
        let events = libc::POLLIN | if writes { libc::POLLOUT } else { 0 };
        Look(libc::pollfd { fd, events, revents: 0 })
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.0.fd
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.revents & libc::POLLNVAL != 0
    }

    /// Whether nothing is to be said of it.
    pub(crate) fn is_quiet(&self) -> bool {
        self.0.revents == 0
    }

    pub(crate) fn is_readable(&self) -> bool {
        self.0.revents & libc::POLLIN != 0
    }

    /// Whether writing would block, if that is of interest.
    pub(crate) fn is_full(&self) -> bool {
        let over = libc::POLLOUT | libc::POLLHUP | libc::POLLERR;
        self.0.events & libc::POLLOUT != 0 && self.0.revents & over == 0
    }
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Look").field(&self.0.fd).finish()
    }
}

/// Says of each descriptor what it is ready for, without waiting.
pub(crate) fn look(descriptors: &mut [Look]) -> io::Result<()> {
    let count = descriptors.len() as libc::nfds_t;
    sys::sanitizers::written(descriptors.as_ptr(), descriptors.len());
    // SAFETY: the pointer and the length are those of a slice, of what is a `pollfd` each.
    unsafe { syscall!(poll(descriptors.as_mut_ptr().cast(), count, 0)) }.map(drop)
}

/// How many bytes there are to read.
pub(crate) fn unread(fd: RawFd) -> io::Result<c_int> {
    let mut count = 0;
    // SAFETY: there is room for an `int`.
    unsafe { syscall!(ioctl(fd, FIONREAD, &raw mut count)) }.map(|_| count)
}

/// A number that is another one when something was read from a descriptor or written to it, or has arrived; of what
/// tells nothing of that, always the same.
pub(crate) fn traffic(fd: RawFd) -> u32 {
    let unread = unread(fd).unwrap_or_else(|error| {
        sys::ignore(error);
        0
    });
    traffic_of_socket(fd).wrapping_add(unread as u32)
}

/// What was sent and what is queued; of TCP also how much was acknowledged and received, so that nothing cancels out.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn traffic_of_socket(fd: RawFd) -> u32 {
    /// `SO_MEMINFO` of <asm-generic/socket.h>; the memory of what was received and of what is to be sent.
    const SO_MEMINFO: c_int = 55;
    const RECEIVED: usize = 0;
    const SENT: usize = 2;
    /// Where `struct tcp_info` of <linux/tcp.h> has `tcpi_unacked`, `tcpi_bytes_acked` and `tcpi_bytes_received`.
    const UNACKED: usize = 6;
    const ACKED: usize = 30;
    const ARRIVED: usize = 32;

    let mut numbers = [0u32; 40];
    let mut sum = 0u32;
    let places = [
        (libc::SOL_SOCKET, SO_MEMINFO, [RECEIVED, SENT, SENT]),
        (libc::IPPROTO_TCP, libc::TCP_INFO, [UNACKED, ACKED, ARRIVED]),
    ];
    for (level, option, places) in places {
        let mut length = size_of_val(&numbers) as libc::socklen_t;
        let room = numbers.as_mut_ptr().cast();
        // SAFETY: there is room for `length` bytes.
        let result = unsafe { syscall!(getsockopt(fd, level, option, room, &mut length)) };
        if let Err(error) = result {
            sys::ignore(error);
            continue;
        }
        for (n, place) in places.into_iter().enumerate() {
            let number = numbers.get(place).copied().unwrap_or(0);
            sum = sum.wrapping_add(number.wrapping_mul(3 + 4 * n as u32));
        }
    }
    let mut unsent: c_int = 0;
    // SAFETY: there is room for an `int`.
    if let Err(error) = unsafe { syscall!(ioctl(fd, libc::TIOCOUTQ, &raw mut unsent)) } {
        sys::ignore(error);
    }
    sum.wrapping_add((unsent as u32).wrapping_mul(17))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn traffic_of_socket(_: RawFd) -> u32 {
    0
}

pub(crate) fn is_open(fd: RawFd) -> bool {
    // SAFETY: no pointer is passed.
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}

/// Whether what was written to a descriptor can be told from its [`traffic`].
pub(crate) const TELLS_WRITES: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Whether a descriptor that does not tell how much there is to read stays readable, so that there is nothing to
/// drain: that of a process which has ended. With kqueue it is not known of any but a listener.
pub(crate) fn stays_readable(fd: RawFd) -> bool {
    #[cfg(epoll)]
    {
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::uninit();
        // SAFETY: there is room for a `siginfo_t`; nobody is reaped.
        let result =
            unsafe { syscall!(waitid(libc::P_PIDFD, fd as libc::id_t, info.as_mut_ptr(), flags)) };
        match result {
            Ok(_) => true,
            Err(error) => {
                // It is no child, or was reaped.
                let is_process = error.raw_os_error() == Some(libc::ECHILD);
                sys::ignore(error);
                is_process
            }
        }
    }
    #[cfg(kqueue)]
    {
        let mut listens: c_int = 0;
        let mut length = size_of::<c_int>() as libc::socklen_t;
        let room = (&raw mut listens).cast();
        // SAFETY: there is room for an `int`.
        let result = unsafe {
            syscall!(getsockopt(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN, room, &mut length))
        };
        result.is_err() || listens == 0
    }
}
