use std::collections::TryReserveError;
use std::fmt;

use crate::event::Event;
use crate::sys::{Buffer, KernelEvent, untranslated};

/// The notifications that wait: first in, first out.
///
/// They are kept in the form in which they lie in a batch, so that they get there by one copy.
#[derive(Default)]
pub(super) struct Notifications {
    events: Vec<KernelEvent>,
    /// How many of the first were handed out.
    taken: usize,
}

impl Notifications {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.events.len() - self.taken
    }

    #[inline]
    fn waiting(&self) -> &[KernelEvent] {
        self.events.get(self.taken..).unwrap_or_default()
    }

    /// Whether pushing one more may allocate.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.events.capacity() / 2
    }

    #[inline]
    pub(super) fn push(&mut self, event: Event) {
        if self.events.len() == self.events.capacity() {
            self.compact();
        }
        self.events.push(untranslated(event));
    }

    /// As [`push`](Notifications::push), with an error where that would abort for want of memory.
    #[inline]
    pub(super) fn try_push(&mut self, event: Event) -> Result<(), TryReserveError> {
        if self.events.len() == self.events.capacity() {
            return self.try_push_growing(event);
        }
        self.events.push(untranslated(event));
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn try_push_growing(&mut self, event: Event) -> Result<(), TryReserveError> {
        self.compact();
        self.events.try_reserve(1)?;
        self.events.push(untranslated(event));
        Ok(())
    }

    /// Makes room for so many more, so that pushing them does not allocate. Twice the memory is taken, so
    /// that what was handed out is moved away only when it is half of it: see
    /// [`compact`](Notifications::compact).
    pub(super) fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        let wanted = self.len().saturating_add(additional).saturating_mul(2);
        self.events.try_reserve(wanted.saturating_sub(self.events.len()))
    }

    /// Forgets what was handed out, if that is at least half: so each is moved once on average.
    #[cold]
    #[inline(never)]
    fn compact(&mut self) {
        if self.taken >= self.len() {
            self.events.drain(..self.taken.min(self.events.len()));
            self.taken = 0;
        }
    }

    /// Moves all to the buffer, which has room for them.
    #[inline]
    pub(super) fn move_all_to(&mut self, buffer: &mut Buffer<'_>) {
        let moved = buffer.extend(self.waiting());
        debug_assert_eq!(moved, self.len());
        self.events.clear();
        self.taken = 0;
    }

    /// Moves at most `most` to the buffer, as long as there is room.
    #[inline]
    pub(super) fn move_to(&mut self, buffer: &mut Buffer<'_>, most: usize) {
        let waiting = self.waiting();
        self.taken += buffer.extend(&waiting[..most.min(waiting.len())]);
        if self.taken == self.events.len() {
            self.events.clear();
            self.taken = 0;
        }
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifications").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventedId, Ready};
    use crate::sys::Batch;

    fn event(id: usize) -> Event {
        Event::new(EventedId(id), Ready::READABLE)
    }

    #[test]
    fn first_in_first_out_whatever_the_room() {
        let mut notifications = Notifications::default();
        let (mut pushed, mut taken) = (0, 0);
        for step in 0..1000 {
            for _ in 0..step % 7 {
                notifications.push(event(pushed));
                pushed += 1;
            }
            let mut batch = Batch::with_capacity(step % 5);
            batch.fill(|buffer| notifications.move_to(buffer, step % 4));
            for n in 0..batch.len() {
                assert_eq!(batch.get(n), Some(event(taken)));
                taken += 1;
            }
            assert_eq!(notifications.len(), pushed - taken);
        }
        assert!(taken > 500, "{taken}");
    }

    #[test]
    fn as_many_as_there_is_room_for_are_pushed_without_allocating() {
        let mut notifications = Notifications::default();
        notifications.try_reserve(3).unwrap();
        let capacity = notifications.events.capacity();
        let mut batch = Batch::with_capacity(1);
        for id in 0..1000 {
            while !notifications.is_full() {
                notifications.push(event(id));
            }
            assert!(notifications.len() >= 3);
            batch.fill(|buffer| notifications.move_to(buffer, 1));
        }
        assert_eq!(notifications.events.capacity(), capacity);
    }
}
