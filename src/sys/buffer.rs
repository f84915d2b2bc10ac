//! The memory that a poll fills with events, of an `Events` or of a C program.
//!
//! Events lie in it in the form in which the kernel writes them, so that nothing is copied; they are
//! translated when they are read, or all at once for C.

use std::cell::Cell;
use std::io;
use std::mem::{self, MaybeUninit};
use std::{ptr, slice};

use crate::event::Event;
use crate::sys;
use crate::sys::selector::{KernelEvent, MAX_EVENTS, Selector, translate, untranslated};

/// Memory while it is being filled.
pub(crate) struct Buffer<'a> {
    memory: &'a mut [MaybeUninit<KernelEvent>],
    len: usize,
}

impl<'a> Buffer<'a> {
    /// How many more events fit.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.memory.len() - self.len
    }

    /// Puts an event in; the caller has looked that there is room.
    #[inline]
    pub(crate) fn push(&mut self, event: Event) {
        if let Some(place) = self.memory.get_mut(self.len) {
            place.write(untranslated(event));
            self.len += 1;
        }
    }

    /// Puts in as many of the events as there is room for, and returns how many.
    #[inline]
    pub(crate) fn extend(&mut self, events: &[KernelEvent]) -> usize {
        let free = self.memory.get_mut(self.len..).unwrap_or_default();
        let count = events.len().min(free.len());
        let free = free.as_mut_ptr().cast::<KernelEvent>();
        // SAFETY: there are `count` events in both; one is borrowed mutably, so that they do not overlap.
        unsafe { ptr::copy_nonoverlapping(events.as_ptr(), free, count) };
        self.len += count;
        count
    }

    /// Asks the system for events, at most `room` of them, which replace those that were there.
    #[inline]
    pub(crate) fn select(
        &mut self,
        selector: &Selector,
        room: usize,
        timeout: Option<u64>,
    ) -> io::Result<usize> {
        if timeout != Some(0) {
            return self.sleep(selector, room, timeout);
        }
        let room = room.min(self.memory.len());
        self.len = selector.select(&mut self.memory[..room], timeout)?;
        Ok(self.len)
    }

    /// As [`select`](Buffer::select), of what may be interrupted by a signal, which is no error of a poll's: errno is as
    /// before then.
    #[inline(never)]
    fn sleep(
        &mut self,
        selector: &Selector,
        room: usize,
        timeout: Option<u64>,
    ) -> io::Result<usize> {
        let errno = sys::errno();
        let room = room.min(self.memory.len());
        let selected = selector.select(&mut self.memory[..room], timeout);
        self.len = selected.inspect_err(|_| sys::set_errno(errno))?;
        Ok(self.len)
    }

    /// The n-th event.
    #[inline]
    pub(crate) fn get(&self, n: usize) -> Option<Event> {
        // SAFETY: the first `len` events have been written, by `push` or by the kernel.
        (n < self.len).then(|| unsafe { read(self.memory, n) })
    }

    /// How many events there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Sorts the events by a key; those of the same key stay in their order. Where there is no memory for it
    /// they all do.
    pub(crate) fn sort(&mut self, sorting: &mut Sorting, key: impl Fn(Event) -> u32) {
        let Sorting(events) = sorting;
        events.clear();
        if self.len < 2 || events.try_reserve(self.len).is_err() {
            return;
        }
        for (n, event) in (0..self.len).filter_map(|n| Some((n, self.get(n)?))) {
            // There is room: this does not grow.
            if events.len() < events.capacity() {
                events.push((u64::from(key(event)) << 32 | n as u64, event));
            }
        }
        sort(Cell::from_mut(events.as_mut_slice()).as_slice_of_cells());
        for (place, (_, event)) in self.memory.iter_mut().zip(events) {
            place.write(untranslated(*event));
        }
    }

    /// Takes an event out that is among those of the system; false if it is not there.
    pub(crate) fn remove(&mut self, event: Event) -> bool {
        let Some(n) = (0..self.len).find(|n| self.get(*n) == Some(event)) else { return false };
        // It goes to the end, without an index that the compiler would check.
        let mut before: Option<&mut MaybeUninit<KernelEvent>> = None;
        for place in self.memory.iter_mut().take(self.len).skip(n) {
            if let Some(before) = before {
                mem::swap(before, place);
            }
            before = Some(place);
        }
        self.len -= 1;
        true
    }

    /// Lets an array of a C program be filled, and then translates the events where they are. Returns how
    /// many there are.
    pub(crate) fn translated(
        events: &'a mut [MaybeUninit<Event>],
        fill: impl FnOnce(&mut Buffer<'_>) -> io::Result<()>,
    ) -> io::Result<usize> {
        let mut buffer = Buffer { memory: as_kernel_events(events), len: 0 };
        fill(&mut buffer)?;
        let len = buffer.len;
        // SAFETY: the first `len` events have been written.
        unsafe { translate_all(events.as_mut_ptr().cast(), len) };
        Ok(len)
    }
}

/// The memory that sorting takes.
#[derive(Debug, Default)]
pub(crate) struct Sorting(Vec<(u64, Event)>);

/// Sorts by the key, of which no two are the same: Shell's way, with the gaps of Ciura, "Best Increments for the
/// Average Case of Shellsort". (That of std panics where an order is none.)
fn sort(events: &[Cell<(u64, Event)>]) {
    for gap in [1750, 701, 301, 132, 57, 23, 10, 4, 1] {
        for n in gap..events.len() {
            let Some(moving) = events.get(n).map(Cell::get) else { return };
            let mut place = n;
            while let Some(before) = place.checked_sub(gap).and_then(|before| events.get(before)) {
                let larger = before.get();
                if larger.0 <= moving.0 {
                    break;
                }
                if let Some(cell) = events.get(place) {
                    cell.set(larger);
                }
                place -= gap;
            }
            if let Some(cell) = events.get(place) {
                cell.set(moving);
            }
        }
    }
}

/// The memory of an array of a C program, as the kernel writes to it.
#[inline]
fn as_kernel_events(events: &mut [MaybeUninit<Event>]) -> &mut [MaybeUninit<KernelEvent>] {
    const {
        assert!(size_of::<KernelEvent>() <= size_of::<Event>());
        assert!(align_of::<KernelEvent>() <= align_of::<Event>());
    }
    let capacity = events.len().min(MAX_EVENTS);
    // SAFETY: the kernel's events are no larger than ours, so that as many fit, and need no more alignment.
    unsafe { slice::from_raw_parts_mut(events.as_mut_ptr().cast(), capacity) }
}

/// Translates the first `len` events of an array of a C program, which lie in it as the kernel has written them.
///
/// # Safety
///
/// They have been written, and the array has room for as many of ours, for which it is aligned.
#[inline(always)]
pub(crate) unsafe fn translate_all(events: *mut Event, len: usize) {
    // From the last to the first, so that none is overwritten before it was read: ours begins where the
    // kernel's begins, or after it.
    for n in (0..len).rev() {
        // SAFETY: the caller's promise; those up to this one are unharmed.
        unsafe {
            let event = translate(events.cast::<KernelEvent>().add(n).read());
            events.add(n).write(event);
        }
    }
}

/// Memory that has been filled: the events of a poll.
pub(crate) struct Batch {
    memory: Box<[MaybeUninit<KernelEvent>]>,
    len: usize,
}

impl Batch {
    pub(crate) fn with_capacity(capacity: usize) -> Batch {
        Batch { memory: Box::new_uninit_slice(capacity.min(MAX_EVENTS)), len: 0 }
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
        // SAFETY: the first `len` events have been written.
        (n < self.len).then(|| unsafe { read(&self.memory, n) })
    }

    /// The batch as a buffer, to fill it anew: what there was is forgotten, also when filling fails.
    pub(crate) fn fill<R>(&mut self, fill: impl FnOnce(&mut Buffer<'_>) -> R) -> R {
        // If `fill` unwinds, there are no events.
        self.len = 0;
        let mut buffer = Buffer { memory: &mut self.memory, len: 0 };
        let result = fill(&mut buffer);
        self.len = buffer.len;
        result
    }

    /// As [`Buffer::select`], without the detour by a buffer.
    #[inline]
    pub(crate) fn select(
        &mut self,
        selector: &Selector,
        timeout: Option<u64>,
    ) -> io::Result<usize> {
        self.len = selector.select(&mut self.memory, timeout)?;
        Ok(self.len)
    }
}

/// The n-th event.
///
/// # Safety
///
/// It has been written.
#[inline]
unsafe fn read(memory: &[MaybeUninit<KernelEvent>], n: usize) -> Event {
    // SAFETY: the caller's promise.
    translate(unsafe { memory.get_unchecked(n).assume_init_read() })
}
