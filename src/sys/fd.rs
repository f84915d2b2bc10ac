use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

/// How many buffers one vectored call takes (`UIO_MAXIOV`); what is beyond them waits for the next.
const MAX_BUFFERS: usize = 1024;

/// A descriptor that is owned, and closed when dropped.
///
/// It is not std's `OwnedFd`, whose drop aborts in debug builds when the descriptor was closed behind
/// its back, which a C program can do: here that is an error of some later call. It is neither `Send`
/// nor `Sync`, and so is every handle made of it.
pub(crate) struct Fd {
    raw: RawFd,
    _thread: PhantomData<*const ()>,
}

impl Fd {
    /// Takes a descriptor that a system call has just returned, or that its owner gives away.
    ///
    /// # Safety
    ///
    /// The descriptor is open, and nobody else owns it.
    pub(crate) unsafe fn new(raw: RawFd) -> Fd {
        Fd { raw, _thread: PhantomData }
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.raw
    }

    pub(crate) fn into_raw(self) -> RawFd {
        let raw = self.raw;
        std::mem::forget(self);
        raw
    }

    pub(crate) fn borrow(&self) -> BorrowedFd<'_> {
        // SAFETY: `self` owns the descriptor and is borrowed for as long as the result lives.
        unsafe { BorrowedFd::borrow_raw(self.raw) }
    }

    pub(crate) fn into_owned(self) -> OwnedFd {
        // SAFETY: `self` owned the descriptor, and `into_raw` gave it up.
        unsafe { OwnedFd::from_raw_fd(self.into_raw()) }
    }

    pub(crate) fn from_owned(fd: OwnedFd) -> Fd {
        // SAFETY: the `OwnedFd` owned the descriptor, and `into_raw_fd` gave it up.
        unsafe { Fd::new(fd.into_raw_fd()) }
    }

    /// Non-blocking and close-on-exec. It cannot fail, as the conversions of std cannot: the descriptor is open.
    pub(crate) fn converted(self) -> Fd {
        crate::sys::socket::set_nonblocking_cloexec(self.raw).unwrap_or_else(crate::sys::ignore);
        self
    }

    /// A duplicate, close-on-exec: another descriptor for the same open file.
    pub(crate) fn duplicate(&self) -> io::Result<Fd> {
        // SAFETY: no pointer is passed, and the new descriptor is ours.
        unsafe { syscall!(fcntl(self.raw, libc::F_DUPFD_CLOEXEC, 0)).map(|raw| Fd::new(raw)) }
    }

    #[inline]
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the pointer and the length are those of a slice that is ours to write.
        unsafe { syscall!(read(self.raw, buffer.as_mut_ptr().cast(), buffer.len())) }
            .map(|n| n as usize)
    }

    pub(crate) fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let count = buffers.len().min(MAX_BUFFERS) as libc::c_int;
        // SAFETY: an `IoSliceMut` has the layout of an iovec and borrows memory that is ours to write.
        unsafe { syscall!(readv(self.raw, buffers.as_mut_ptr().cast(), count)) }.map(|n| n as usize)
    }

    /// Raises SIGPIPE where the other end is gone; for sockets there is `socket::send`.
    #[inline]
    pub(crate) fn write(&self, buffer: &[u8]) -> io::Result<usize> {
        // SAFETY: the pointer and the length are those of a slice.
        unsafe { syscall!(write(self.raw, buffer.as_ptr().cast(), buffer.len())) }
            .map(|n| n as usize)
    }

    /// As [`write`](Fd::write).
    pub(crate) fn write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let buffers: *const [IoSlice<'_>] = buffers;
        // SAFETY: an `IoSlice` has the layout of an iovec, and borrows memory that can be read.
        unsafe { write_iovecs(self.raw, &*(buffers as *const [libc::iovec])) }
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        set_nonblocking(self.borrow(), nonblocking)
    }
}

/// Sets or clears `O_NONBLOCK`, for every duplicate too.
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>, nonblocking: bool) -> io::Result<()> {
    let fd = fd.as_raw_fd();
    // SAFETY: no pointer is passed.
    unsafe {
        let flags = syscall!(fcntl(fd, libc::F_GETFL))? & !libc::O_NONBLOCK;
        let nonblocking = if nonblocking { libc::O_NONBLOCK } else { 0 };
        syscall!(fcntl(fd, libc::F_SETFL, flags | nonblocking)).map(drop)
    }
}

impl fmt::Debug for Fd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl AsFd for Fd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.borrow()
    }
}

impl AsRawFd for Fd {
    fn as_raw_fd(&self) -> RawFd {
        self.raw
    }
}

impl Drop for Fd {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours. Its error is of no use here: on every supported system the
        // descriptor is gone also when close fails, and a second close could hit somebody else's.
        unsafe { libc::close(self.raw) };
    }
}

/// As `writev(2)`.
///
/// # Safety
///
/// Each buffer can be read.
pub(crate) unsafe fn write_iovecs(fd: RawFd, buffers: &[libc::iovec]) -> io::Result<usize> {
    let buffers = clamp(buffers);
    // SAFETY: the caller's promise.
    unsafe { syscall!(writev(fd, buffers.as_ptr(), buffers.len() as libc::c_int)) }
        .map(|n| n as usize)
}

/// How many buffers of `buffers` one call takes.
pub(crate) fn clamp<T>(buffers: &[T]) -> &[T] {
    &buffers[..buffers.len().min(MAX_BUFFERS)]
}

/// What every handle has whose descriptor is in a field `fd`: it can be registered and borrowed.
/// `$check` is a function that refuses interests that make no sense for the handle.
macro_rules! evented_traits {
    ($type:ty, $check:expr) => {
        $crate::event::evented_by!(self => &mut &*self; impl $crate::event::Evented for $type);

        /// So that it can be registered while it is shared, as in an [`Rc`](std::rc::Rc).
        impl $crate::event::Evented for &$type {
            #[inline]
            fn register(
                &mut self,
                poller: &mut $crate::poll::Poller,
                id: $crate::event::EventedId,
                interests: $crate::poll::Interests,
                opt: $crate::poll::PollOption,
            ) -> std::io::Result<()> {
                let check: fn($crate::poll::Interests) -> std::io::Result<()> = $check;
                check(interests)?;
                let fd = std::os::fd::AsRawFd::as_raw_fd(*self);
                poller.register_raw(fd, id.0 as u64, interests, opt)
            }

            #[inline]
            fn reregister(
                &mut self,
                poller: &mut $crate::poll::Poller,
                id: $crate::event::EventedId,
                interests: $crate::poll::Interests,
                opt: $crate::poll::PollOption,
            ) -> std::io::Result<()> {
                let check: fn($crate::poll::Interests) -> std::io::Result<()> = $check;
                check(interests)?;
                let fd = std::os::fd::AsRawFd::as_raw_fd(*self);
                poller.reregister_raw(fd, id.0 as u64, interests, opt)
            }

            #[inline]
            fn deregister(&mut self, poller: &mut $crate::poll::Poller) -> std::io::Result<()> {
                poller.deregister_raw(std::os::fd::AsRawFd::as_raw_fd(*self))
            }
        }

        impl std::os::fd::AsFd for $type {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.fd.as_fd()
            }
        }

        impl std::os::fd::AsRawFd for $type {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                std::os::fd::AsRawFd::as_raw_fd(&self.fd)
            }
        }
    };
}
pub(crate) use evented_traits;

/// [`evented_traits`], and the conversions of a handle that owns its descriptor. `$new` makes the handle
/// of an [`Fd`], where it is more than that.
macro_rules! fd_traits {
    ($type:ident) => {
        $crate::sys::fd_traits!($type, |_| Ok(()));
    };
    ($type:ident, $check:expr) => {
        $crate::sys::fd_traits!($type, $check, |fd| $type { fd });
    };
    ($type:ident, $check:expr, $new:expr) => {
        $crate::sys::evented_traits!($type, $check);

        impl std::os::fd::IntoRawFd for $type {
            fn into_raw_fd(self) -> std::os::fd::RawFd {
                self.fd.into_raw()
            }
        }

        impl std::os::fd::FromRawFd for $type {
            /// Takes a descriptor as it is: it must be of the right kind and non-blocking.
            #[allow(unsafe_code)] // The signature is std's; the work is done in `sys`.
            unsafe fn from_raw_fd(fd: std::os::fd::RawFd) -> $type {
                let new: fn($crate::sys::Fd) -> $type = $new;
                // SAFETY: the caller promises that the descriptor is open and not owned elsewhere.
                new(unsafe { $crate::sys::Fd::new(fd) })
            }
        }

        impl From<$type> for std::os::fd::OwnedFd {
            fn from(handle: $type) -> std::os::fd::OwnedFd {
                handle.fd.into_owned()
            }
        }

        impl From<std::os::fd::OwnedFd> for $type {
            /// Takes a descriptor, which must be of the right kind, and makes it non-blocking and
            /// close-on-exec. The former belongs to the open file, and so to every duplicate too.
            fn from(fd: std::os::fd::OwnedFd) -> $type {
                let new: fn($crate::sys::Fd) -> $type = $new;
                new($crate::sys::Fd::from_owned(fd).converted())
            }
        }
    };
}
pub(crate) use fd_traits;

/// `Read` for a handle with a field `fd: Fd`, and for a reference to it.
macro_rules! read_traits {
    ($type:ident) => {
        impl std::io::Read for &$type {
            #[inline]
            fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
                self.fd.read(buf)
            }

            fn read_vectored(
                &mut self,
                bufs: &mut [std::io::IoSliceMut<'_>],
            ) -> std::io::Result<usize> {
                self.fd.read_vectored(bufs)
            }
        }

        impl std::io::Read for $type {
            #[inline]
            fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
                (&*self).read(buf)
            }

            fn read_vectored(
                &mut self,
                bufs: &mut [std::io::IoSliceMut<'_>],
            ) -> std::io::Result<usize> {
                (&*self).read_vectored(bufs)
            }
        }
    };
}
pub(crate) use read_traits;

/// `Write` for a handle and for a reference to it, by two functions that take `&$type`.
macro_rules! write_traits {
    ($type:ident, $write:expr, $write_vectored:expr) => {
        impl std::io::Write for &$type {
            #[inline]
            fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
                let write: fn(&$type, &[u8]) -> std::io::Result<usize> = $write;
                write(self, buf)
            }

            fn write_vectored(&mut self, bufs: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
                let write: fn(&$type, &[std::io::IoSlice<'_>]) -> std::io::Result<usize> =
                    $write_vectored;
                write(self, bufs)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        impl std::io::Write for $type {
            #[inline]
            fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
                (&*self).write(buf)
            }

            fn write_vectored(&mut self, bufs: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
                (&*self).write_vectored(bufs)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
    };
}
pub(crate) use write_traits;

/// The conversions between a handle and std's type of the same kind.
macro_rules! std_traits {
    ($type:ident, $std:ty) => {
        impl From<$std> for $type {
            /// Takes std's socket, which becomes non-blocking, and so do its clones.
            fn from(socket: $std) -> $type {
                std::os::fd::OwnedFd::from(socket).into()
            }
        }

        impl From<$type> for $std {
            /// Gives std's socket, which stays non-blocking.
            fn from(socket: $type) -> $std {
                std::os::fd::OwnedFd::from(socket).into()
            }
        }
    };
}
pub(crate) use std_traits;
