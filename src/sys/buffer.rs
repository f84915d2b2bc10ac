use std::mem::MaybeUninit;

use crate::event::Event;

/// Memory of the caller's that a poll fills with events: an `Events`, or an array of a C program.
pub(crate) struct Buffer<'a> {
    events: &'a mut [MaybeUninit<Event>],
    len: usize,
}

impl<'a> Buffer<'a> {
    #[inline]
    pub(crate) fn new(events: &'a mut [Event]) -> Buffer<'a> {
        let events: *mut [Event] = events;
        // SAFETY: the memory is borrowed for 'a, `MaybeUninit<Event>` has the layout of `Event`, and
        // what is written through it, here and by the kernel, is initialised.
        Buffer { events: unsafe { &mut *(events as *mut [MaybeUninit<Event>]) }, len: 0 }
    }

    /// How many events were put in.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many more events fit.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.events.len() - self.len
    }

    /// The events that were put in.
    #[inline]
    pub(crate) fn filled(&self) -> &[Event] {
        let filled: *const [MaybeUninit<Event>] = &self.events[..self.len];
        // SAFETY: the first `len` events have been written, by `push` or as `advance` was promised.
        unsafe { &*(filled as *const [Event]) }
    }

    /// Puts an event in; the caller has looked that there is room.
    #[inline]
    pub(crate) fn push(&mut self, event: Event) {
        self.events[self.len].write(event);
        self.len += 1;
    }

    /// The memory that is still free, for the kernel to write to.
    #[inline]
    pub(crate) fn spare(&mut self) -> &mut [MaybeUninit<Event>] {
        &mut self.events[self.len..]
    }

    /// Takes in the first `count` events of [`spare`](Buffer::spare).
    ///
    /// # Safety
    ///
    /// They have been written.
    #[inline]
    pub(crate) unsafe fn advance(&mut self, count: usize) {
        debug_assert!(count <= self.room());
        self.len += count;
    }
}

impl<'a> From<&'a mut [MaybeUninit<Event>]> for Buffer<'a> {
    fn from(events: &'a mut [MaybeUninit<Event>]) -> Buffer<'a> {
        Buffer { events, len: 0 }
    }
}
