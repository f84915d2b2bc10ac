use std::io;
use std::os::fd::OwnedFd;

use crate::sys::Fd;
use crate::sys::control::Passed;
use crate::unix::UCred;

/// What came with a message, see [`UnixStream::recv_message`](crate::unix::UnixStream::recv_message).
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnixMessage {
    /// How many bytes were received. Of a stream, 0 is its end.
    pub len: usize,
    /// How many descriptors were received: so many of those that were given are replaced, from the first on.
    pub fds: usize,
    /// The datagram was longer than the buffer, and its end is lost.
    pub truncated: bool,
    /// More came along than there was room for, or than the process may have open. The descriptors that are
    /// missing are closed.
    pub control_truncated: bool,
    /// Who sent it, if the socket was told to ask
    /// ([`set_recv_cred`](crate::unix::UnixStream::set_recv_cred)).
    pub cred: Option<UCred>,
}

impl UnixMessage {
    /// Puts descriptors that are received where the caller wants them.
    pub(crate) fn into_places(fds: &mut [Option<OwnedFd>]) -> impl FnMut(usize, Fd) {
        |n, fd| {
            if let Some(place) = fds.get_mut(n) {
                *place = Some(fd.into_owned());
            }
        }
    }

    pub(crate) fn received(passed: io::Result<Passed>) -> io::Result<UnixMessage> {
        let Passed { len, fds, truncated, control_truncated, cred } = passed?;
        let cred = cred.map(|(uid, gid, pid)| UCred { uid, gid, pid });
        Ok(UnixMessage { len, fds, truncated, control_truncated, cred })
    }
}

/// What Unix sockets have to pass descriptors and credentials, of a type with a field `fd: Fd`. `$stream` says
/// whether bytes make a stream.
macro_rules! messages {
    ($type:ident, $stream:literal) => {
        impl $type {
            /// Sends bytes, and passes descriptors and the credentials of this process along
            /// (`SCM_RIGHTS` and `SCM_CREDENTIALS`, see `unix(7)`).
            ///
            /// The descriptors are duplicated for the receiver, and stay the caller's; close what is not
            /// needed here any more. On a stream they go with the first of the bytes: who sent fewer than
            /// wanted sends the rest without them.
            ///
            /// Without `cred` a receiver that asks for credentials is told those of this process all the same.
            /// Only a privileged process may send others than its own.
            ///
            /// # Platform differences
            ///
            /// `cred` is `Unsupported` on BSD and macOS.
            ///
            /// # Errors
            ///
            /// Those of sending; `InvalidInput` for more than 253 descriptors, and on a stream for some, or for
            /// `cred`, without a byte to go with; `EBADF` for a descriptor that is not open; `PermissionDenied` for
            /// the credentials of others. musl sends no more than 252 descriptors, and fewer with `cred`: `ENOMEM`.
            pub fn send_message(
                &self,
                buf: &[u8],
                fds: &[std::os::fd::BorrowedFd<'_>],
                cred: Option<$crate::unix::UCred>,
            ) -> std::io::Result<usize> {
                if $stream && buf.is_empty() && (!fds.is_empty() || cred.is_some()) {
                    // The system would say that it is done, and send nothing.
                    return Err(std::io::Error::from_raw_os_error(libc::EINVAL));
                }
                let cred = cred.map(|cred| (cred.uid, cred.gid, cred.pid));
                let fds = fds.iter().map(std::os::fd::AsRawFd::as_raw_fd);
                $crate::sys::control::send_passing(self.fd.raw(), None, buf, fds, cred)
            }

            /// Receives bytes, with the descriptors and credentials that were passed along.
            ///
            /// The descriptors are new ones of this process, close-on-exec, and as blocking as the sender's are:
            /// [`EventedIo`](crate::unix::EventedIo) and all sockets made of an `OwnedFd` become non-blocking.
            /// None is lost silently: where there is no room for one it is closed, and
            /// [`control_truncated`](crate::unix::UnixMessage::control_truncated) says so.
            ///
            /// On a stream a call ends with the bytes that descriptors came with, so that it receives those of one
            /// message; bytes that were sent before, without any, may be in front of them. A plain read of bytes that
            /// came with descriptors closes these.
            ///
            /// # Platform differences
            ///
            /// On macOS the descriptors become close-on-exec a moment after they are received.
            ///
            /// # Errors
            ///
            /// Those of receiving: `WouldBlock` when there is nothing.
            pub fn recv_message(
                &self,
                buf: &mut [u8],
                fds: &mut [Option<std::os::fd::OwnedFd>],
            ) -> std::io::Result<$crate::unix::UnixMessage> {
                let (room, take) = (fds.len(), $crate::unix::UnixMessage::into_places(fds));
                $crate::unix::UnixMessage::received($crate::sys::control::recv_passed(
                    self.fd.raw(),
                    None,
                    buf,
                    room,
                    take,
                ))
            }

            /// Sets whether messages come with the credentials of their senders (`SO_PASSCRED`), which is off by
            /// default. [`recv_message`](Self::recv_message) tells them.
            ///
            /// Set it before the first message: of those that were sent before, the process is not known, and user
            /// and group are those of nobody. While it is on, a socket without a name gets an abstract one as it
            /// sends a datagram.
            ///
            /// # Errors
            ///
            /// `Unsupported` on BSD and macOS.
            pub fn set_recv_cred(&self, on: bool) -> std::io::Result<()> {
                $crate::sys::control::set_recv_cred(&self.fd, on)
            }
        }
    };
}
