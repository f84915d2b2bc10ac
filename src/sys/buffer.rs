//! The memory that a poll fills with events, of an `Events` or of a C program.
//!
//! The kernel writes its events to the beginning, packed in its own form; they are translated when they
//! are read, or all at once for C. Notifications and deadlines come after them, as they are. An event of
//! the kernel's is no larger than ours, so that the n-th event has the n-th place to itself either way.

use std::mem::MaybeUninit;

use crate::event::Event;
use crate::sys::selector::{KernelEvent, translate};

const _: () = {
    assert!(size_of::<KernelEvent>() <= size_of::<Event>());
    assert!(align_of::<KernelEvent>() <= align_of::<Event>());
};

/// Memory while it is being filled.
pub(crate) struct Buffer<'a> {
    memory: &'a mut [MaybeUninit<Event>],
    /// How many events are the kernel's.
    system: usize,
    len: usize,
}

impl<'a> Buffer<'a> {
    #[inline]
    pub(crate) fn new(memory: &'a mut [MaybeUninit<Event>]) -> Buffer<'a> {
        Buffer { memory, system: 0, len: 0 }
    }

    /// How many more events fit.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.memory.len() - self.len
    }

    /// Puts an event in; the caller has looked that there is room.
    #[inline]
    pub(crate) fn push(&mut self, event: Event) {
        self.memory[self.len].write(event);
        self.len += 1;
    }

    /// The events that were put in.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Event> {
        // SAFETY: so many of the kernel's events, and so many in all, have been written.
        (0..self.len).map(|n| unsafe { read(self.memory, self.system, n) })
    }

    /// Where the kernel writes its events, which come first: there is room for `room()` of them.
    #[inline]
    pub(crate) fn kernel_memory(&mut self) -> *mut KernelEvent {
        debug_assert_eq!(self.len, 0);
        self.memory.as_mut_ptr().cast()
    }

    /// Takes in the events that the kernel has written.
    ///
    /// # Safety
    ///
    /// The kernel has written `count` events to [`kernel_memory`](Buffer::kernel_memory), and the buffer
    /// was empty.
    #[inline]
    pub(crate) unsafe fn set_system(&mut self, count: usize) {
        self.system = count;
        self.len = count;
    }

    /// Translates the events of the kernel's where they are, and returns how many events there are of
    /// all kinds.
    ///
    /// Going from the last to the first, none is overwritten before it was read: ours begins where the
    /// kernel's begins, or after it.
    pub(crate) fn translate(self) -> usize {
        for n in (0..self.system).rev() {
            // SAFETY: the kernel has written so many, and those up to this one are unharmed.
            let event = unsafe { read(self.memory, self.system, n) };
            self.memory[n].write(event);
        }
        self.len
    }
}

/// Memory that has been filled: the events of a poll.
pub(crate) struct Batch {
    memory: Box<[MaybeUninit<Event>]>,
    /// How many events are the kernel's.
    system: usize,
    len: usize,
}

impl Batch {
    pub(crate) fn with_capacity(capacity: usize) -> Batch {
        Batch { memory: Box::new_uninit_slice(capacity), system: 0, len: 0 }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.memory.len()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The n-th event.
    #[inline]
    pub(crate) fn get(&self, n: usize) -> Option<Event> {
        // SAFETY: so many of the kernel's events, and so many in all, have been written.
        (n < self.len).then(|| unsafe { read(&self.memory, self.system, n) })
    }

    /// Fills anew: what there was is forgotten, also when filling fails.
    #[inline]
    pub(crate) fn fill<R>(&mut self, fill: impl FnOnce(&mut Buffer<'_>) -> R) -> R {
        // If `fill` unwinds, there are no events.
        self.len = 0;
        let mut buffer = Buffer::new(&mut self.memory);
        let result = fill(&mut buffer);
        (self.system, self.len) = (buffer.system, buffer.len);
        result
    }
}

/// The n-th event.
///
/// # Safety
///
/// The first `system` events were written by the kernel and not translated; the n-th was written, by the
/// kernel or as an `Event`.
#[inline]
unsafe fn read(memory: &[MaybeUninit<Event>], system: usize, n: usize) -> Event {
    debug_assert!(n < memory.len());
    if n < system {
        // SAFETY: the caller's promise; the n-th of the kernel's events lies before the end of the n-th
        // of ours, and so inside the memory.
        translate(unsafe { memory.as_ptr().cast::<KernelEvent>().add(n).read() })
    } else {
        // SAFETY: the caller's promise.
        unsafe { memory.as_ptr().cast::<Event>().add(n).read() }
    }
}
