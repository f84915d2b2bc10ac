//! What a poll hands out: events, and what one can be told by them.

use std::fmt;

mod evented;
mod events;
mod ready;

pub use self::evented::Evented;
pub(crate) use self::evented::evented_by;
pub use self::events::{Events, Iter};
pub use self::ready::Ready;

/// The id that the caller associates with a handle, a notification or a deadline.
///
/// The library never looks inside: it is a number to find the handle again, such as an index.
/// Uniqueness is the caller's affair; two handles with one id give events that look alike.
///
/// # Examples
///
/// ```
/// use mio_st::EventedId;
///
/// let id = EventedId::from(3);
/// assert_eq!(usize::from(id), 3);
/// ```
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[repr(transparent)]
pub struct EventedId(pub usize);

impl From<usize> for EventedId {
    fn from(value: usize) -> EventedId {
        EventedId(value)
    }
}

impl From<EventedId> for usize {
    fn from(id: EventedId) -> usize {
        id.0
    }
}

impl fmt::Display for EventedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A readiness event: whose, and what it is ready for.
///
/// # Examples
///
/// ```
/// use mio_st::event::{Event, EventedId, Ready};
///
/// let event = Event::new(EventedId(0), Ready::READABLE);
/// assert_eq!(event.id(), EventedId(0));
/// assert!(event.readiness().is_readable());
/// ```
//
// The layout is that of `mio_st_event_t` in C, 16 bytes on every target. The id has 64 bits on every target
// since a C program may store a handle in it.
#[derive(Copy, Clone, Eq, PartialEq, Hash)]
#[repr(C)]
pub struct Event {
    id: u64,
    readiness: Ready,
    reserved: u32,
}

impl Event {
    /// Creates an event.
    pub fn new(id: EventedId, readiness: Ready) -> Event {
        Event::from_raw(id.0 as u64, readiness)
    }

    #[inline]
    pub(crate) const fn from_raw(id: u64, readiness: Ready) -> Event {
        Event { id, readiness, reserved: 0 }
    }

    /// The id that the handle, notification or deadline was given.
    #[inline]
    pub fn id(&self) -> EventedId {
        // From Rust an id never had more bits than `usize`.
        EventedId(self.id as usize)
    }

    #[inline]
    pub(crate) fn raw_id(&self) -> u64 {
        self.id
    }

    /// What the handle is ready for.
    #[inline]
    pub fn readiness(&self) -> Ready {
        self.readiness
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("id", &self.id()).field("readiness", &self.readiness).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_what_it_was_made_of() {
        let event = Event::new(EventedId(usize::MAX), Ready::READABLE | Ready::TIMER);
        assert_eq!(event.id(), EventedId(usize::MAX));
        assert_eq!(event.readiness(), Ready::READABLE | Ready::TIMER);
        assert_eq!(
            format!("{event:?}"),
            format!("Event {{ id: EventedId({}), readiness: READABLE | TIMER }}", usize::MAX)
        );
    }

    #[test]
    fn an_event_takes_sixteen_bytes_as_in_c() {
        assert_eq!(size_of::<Event>(), 16);
    }
}
