use std::fmt;
use std::iter::FusedIterator;

use crate::event::Event;
use crate::sys::Batch;

/// The events of one poll.
///
/// It is created once, beside the [`Poller`](crate::Poller), and filled anew by each
/// [`Poller::poll`](crate::Poller::poll). Iterating over `&mut events` consumes the events,
/// [`iter`](Events::iter) only looks at them.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::time::Duration;
///
/// use mio_st::{Events, Poller};
///
/// let mut poller = Poller::new()?;
/// let mut events = Events::new();
///
/// poller.poll(&mut events, Some(Duration::from_millis(1)))?;
/// for event in &mut events {
///     println!("{}: {:?}", event.id(), event.readiness());
/// }
/// assert!(events.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct Events {
    batch: Batch,
    // How many were consumed.
    position: usize,
}

impl Events {
    /// Creates room for 256 events, which is enough for most programs: what does not fit comes with
    /// the next poll.
    pub fn new() -> Events {
        Events::with_capacity(256)
    }

    /// Creates room for `capacity` events.
    ///
    /// A poll into a capacity of 0 is an error. A capacity beyond what the kernel fills in one call (on
    /// Linux `INT_MAX / sizeof(struct epoll_event)`, 178 million) is taken as that.
    pub fn with_capacity(capacity: usize) -> Events {
        Events { batch: Batch::with_capacity(capacity), position: 0 }
    }

    /// How many events fit.
    pub fn capacity(&self) -> usize {
        self.batch.capacity()
    }

    /// How many events remain to be consumed.
    #[inline]
    pub fn len(&self) -> usize {
        self.batch.len() - self.position
    }

    /// Whether no event remains to be consumed.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks at the events that remain without consuming them. So does a loop over `&events`.
    pub fn iter(&self) -> Iter<'_> {
        Iter { events: self, position: self.position }
    }

    /// Forgets the events that remain. A poll does so by itself.
    pub fn clear(&mut self) {
        self.position = self.batch.len();
    }

    /// The memory to fill anew: whatever remained is forgotten.
    #[inline]
    pub(crate) fn refill(&mut self) -> &mut Batch {
        self.position = 0;
        &mut self.batch
    }
}

impl Default for Events {
    fn default() -> Events {
        Events::new()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The events that remain, see [`Events::iter`].
#[derive(Clone)]
pub struct Iter<'a> {
    events: &'a Events,
    position: usize,
}

impl Iterator for Iter<'_> {
    type Item = Event;

    #[inline]
    fn next(&mut self) -> Option<Event> {
        let event = self.events.batch.get(self.position)?;
        self.position += 1;
        Some(event)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let remaining = self.events.batch.len() - self.position;
        (remaining, Some(remaining))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl FusedIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl<'a> IntoIterator for &'a Events {
    type Item = Event;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl Iterator for &mut Events {
    type Item = Event;

    #[inline]
    fn next(&mut self) -> Option<Event> {
        let event = self.batch.get(self.position)?;
        self.position += 1;
        Some(event)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (Events::len(self), Some(Events::len(self)))
    }
}

// It has no ExactSizeIterator, whose `is_empty` would hide that of `Events` from who has a `&mut Events`.
impl FusedIterator for &mut Events {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventedId, Ready};

    fn three() -> Events {
        let mut events = Events::with_capacity(4);
        events.refill().fill(|buffer| {
            for id in 0..3 {
                buffer.push(Event::new(EventedId(id), Ready::READABLE));
            }
        });
        events
    }

    #[test]
    fn iterating_consumes_and_len_counts_what_remains() {
        let mut events = three();
        assert_eq!((events.capacity(), events.len(), events.is_empty()), (4, 3, false));
        assert_eq!((&mut events).next().unwrap().id(), EventedId(0));
        assert_eq!(Iterator::size_hint(&&mut events), (2, Some(2)));
        assert_eq!(events.iter().map(|event| event.id().0).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((&mut events).count(), 2);
        assert!(events.is_empty());
        for _ in 0..3 {
            assert_eq!((&mut events).next(), None);
        }
        assert_eq!(events.len(), 0);
    }

    #[test]
    fn looking_consumes_nothing_and_clearing_everything() {
        let mut events = three();
        let mut seen = 0;
        for event in &events {
            assert_eq!(event.id(), EventedId(seen));
            seen += 1;
        }
        assert_eq!((seen, events.len()), (3, 3));
        (&mut events).next();
        let mut iter = events.iter();
        assert_eq!((iter.len(), iter.clone().count()), (2, 2));
        iter.next();
        assert_eq!(format!("{iter:?}"), "[Event { id: EventedId(2), readiness: READABLE }]");
        assert_eq!(
            (iter.next().is_some(), iter.next(), iter.next(), iter.len()),
            (true, None, None, 0)
        );
        events.clear();
        assert_eq!((events.len(), (&mut events).next(), events.iter().next()), (0, None, None));
    }

    #[test]
    fn filling_forgets_what_remained() {
        let mut events = three();
        events.refill().fill(|buffer| buffer.push(Event::new(EventedId(9), Ready::ERROR)));
        assert_eq!(format!("{events:?}"), "[Event { id: EventedId(9), readiness: ERROR }]");
        events.refill().fill(|_| ());
        assert_eq!(events.iter().len(), 0);
    }

    #[test]
    fn there_is_room_for_256_events() {
        assert_eq!(Events::default().capacity(), 256);
    }
}
