use std::io;
use std::rc::Rc;

use crate::event::EventedId;
use crate::poll::{Interests, PollOption, Poller};

/// A handle that can be registered with a [`Poller`].
///
/// The methods are not called directly: call those of the same names on the [`Poller`].
///
/// # Implementing
///
/// An implementation delegates to a handle of this crate, such as a
/// [`TcpStream`](crate::net::TcpStream), or to an [`EventedFd`](crate::unix::EventedFd) around any
/// descriptor.
///
/// # Owners
///
/// A `Box`, a `&mut` and an [`Rc`] of a handle are handles too, the last where a reference to what it holds is one,
/// as of all handles of this crate. Of a type of your own, implement the trait for `&Connection` to have it so.
///
/// # Dropping
///
/// Closing the last descriptor of a socket or pipe deregisters it. While a duplicate is open, in this
/// process or in a forked child, epoll goes on reporting events (see *Will closing a file descriptor
/// cause it to be removed* in `epoll(7)`), so deregister first what was duplicated.
///
/// # Examples
///
/// ```
/// use std::io;
///
/// use mio_st::event::{Evented, EventedId};
/// use mio_st::net::TcpStream;
/// use mio_st::poll::{Interests, PollOption, Poller};
///
/// pub struct Connection {
///     socket: TcpStream,
/// }
///
/// impl Evented for Connection {
///     fn register(&mut self, poller: &mut Poller, id: EventedId, interests: Interests, opt: PollOption) -> io::Result<()> {
///         self.socket.register(poller, id, interests, opt)
///     }
///
///     fn reregister(&mut self, poller: &mut Poller, id: EventedId, interests: Interests, opt: PollOption) -> io::Result<()> {
///         self.socket.reregister(poller, id, interests, opt)
///     }
///
///     fn deregister(&mut self, poller: &mut Poller) -> io::Result<()> {
///         self.socket.deregister(poller)
///     }
/// }
/// ```
pub trait Evented {
    /// Registers the handle, see [`Poller::register`].
    fn register(
        &mut self,
        poller: &mut Poller,
        id: EventedId,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()>;

    /// Replaces the registration, see [`Poller::reregister`].
    fn reregister(
        &mut self,
        poller: &mut Poller,
        id: EventedId,
        interests: Interests,
        opt: PollOption,
    ) -> io::Result<()>;

    /// Ends the registration, see [`Poller::deregister`].
    fn deregister(&mut self, poller: &mut Poller) -> io::Result<()>;
}

/// Passes on to another handle.
macro_rules! evented_by {
    ($self:ident => $handle:expr; $($head:tt)*) => {
        $($head)* {
            #[inline]
            fn register(
                &mut $self,
                poller: &mut $crate::poll::Poller,
                id: $crate::event::EventedId,
                interests: $crate::poll::Interests,
                opt: $crate::poll::PollOption,
            ) -> std::io::Result<()> {
                $crate::event::Evented::register($handle, poller, id, interests, opt)
            }

            #[inline]
            fn reregister(
                &mut $self,
                poller: &mut $crate::poll::Poller,
                id: $crate::event::EventedId,
                interests: $crate::poll::Interests,
                opt: $crate::poll::PollOption,
            ) -> std::io::Result<()> {
                $crate::event::Evented::reregister($handle, poller, id, interests, opt)
            }

            #[inline]
            fn deregister(&mut $self, poller: &mut $crate::poll::Poller) -> std::io::Result<()> {
                $crate::event::Evented::deregister($handle, poller)
            }
        }
    };
}
pub(crate) use evented_by;

evented_by!(self => &mut **self; impl<T: Evented + ?Sized> Evented for Box<T>);
evented_by!(self => &mut **self; impl<T: Evented + ?Sized> Evented for &mut T);
evented_by!(self => &mut &**self; impl<T: ?Sized> Evented for Rc<T> where for<'a> &'a T: Evented);
