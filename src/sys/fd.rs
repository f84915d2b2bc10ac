use std::io::{self, IoSliceMut};
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

/// How many buffers one vectored call takes (`UIO_MAXIOV`); what is beyond them waits for the next.
const MAX_BUFFERS: usize = 1024;

/// A descriptor that is owned, and closed when dropped.
///
/// It is not std's `OwnedFd`, whose drop aborts in debug builds when the descriptor was closed behind
/// its back, which a C program can do: here that is an error of some later call. It is neither `Send`
/// nor `Sync`, and so is every handle made of it.
#[derive(Debug)]
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

    /// A duplicate, close-on-exec: another descriptor for the same open file.
    pub(crate) fn duplicate(&self) -> io::Result<Fd> {
        // SAFETY: no pointer is passed, and the new descriptor is ours.
        unsafe { syscall!(fcntl(self.raw, libc::F_DUPFD_CLOEXEC, 0)).map(|raw| Fd::new(raw)) }
    }

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
}

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours. Its error is of no use here: on every supported system the
        // descriptor is gone also when close fails, and a second close could hit somebody else's.
        unsafe { libc::close(self.raw) };
    }
}

/// How many buffers of `buffers` one call takes.
pub(crate) fn clamp(buffers: &[libc::iovec]) -> &[libc::iovec] {
    &buffers[..buffers.len().min(MAX_BUFFERS)]
}

/// The conversions that a handle with one field, `fd: Fd`, shares with the types of std, and its
/// registration. `$check` is a function that refuses interests that make no sense for the handle.
macro_rules! fd_traits {
    ($type:ident) => {
        $crate::sys::fd_traits!($type, |_| Ok(()));
    };
    ($type:ident, $check:expr) => {
        impl $crate::event::Evented for $type {
            fn register(
                &mut self,
                poller: &mut $crate::poll::Poller,
                id: $crate::event::EventedId,
                interests: $crate::poll::Interests,
                opt: $crate::poll::PollOption,
            ) -> std::io::Result<()> {
                let check: fn($crate::poll::Interests) -> std::io::Result<()> = $check;
                check(interests)?;
                poller.register_fd(self.fd.raw(), id.0 as u64, interests, opt)
            }

            fn reregister(
                &mut self,
                poller: &mut $crate::poll::Poller,
                id: $crate::event::EventedId,
                interests: $crate::poll::Interests,
                opt: $crate::poll::PollOption,
            ) -> std::io::Result<()> {
                let check: fn($crate::poll::Interests) -> std::io::Result<()> = $check;
                check(interests)?;
                poller.reregister_fd(self.fd.raw(), id.0 as u64, interests, opt)
            }

            fn deregister(&mut self, poller: &mut $crate::poll::Poller) -> std::io::Result<()> {
                poller.deregister_fd(self.fd.raw())
            }
        }

        impl std::os::fd::AsFd for $type {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.fd.borrow()
            }
        }

        impl std::os::fd::AsRawFd for $type {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                self.fd.raw()
            }
        }

        impl std::os::fd::IntoRawFd for $type {
            fn into_raw_fd(self) -> std::os::fd::RawFd {
                self.fd.into_raw()
            }
        }

        impl std::os::fd::FromRawFd for $type {
            /// Takes a descriptor, which must be of the right kind and non-blocking.
            #[allow(unsafe_code)] // The signature is std's; the work is done in `sys`.
            unsafe fn from_raw_fd(fd: std::os::fd::RawFd) -> $type {
                // SAFETY: the caller promises that the descriptor is open and not owned elsewhere.
                $type { fd: unsafe { $crate::sys::Fd::new(fd) } }
            }
        }

        impl From<$type> for std::os::fd::OwnedFd {
            fn from(handle: $type) -> std::os::fd::OwnedFd {
                handle.fd.into_owned()
            }
        }

        impl From<std::os::fd::OwnedFd> for $type {
            /// Takes a descriptor, which must be of the right kind and non-blocking.
            fn from(fd: std::os::fd::OwnedFd) -> $type {
                $type { fd: $crate::sys::Fd::from_owned(fd) }
            }
        }
    };
}
pub(crate) use fd_traits;

impl AsRawFd for Fd {
    fn as_raw_fd(&self) -> RawFd {
        self.raw
    }
}
