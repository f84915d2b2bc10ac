//! Memory that a call gets: exactly so much, with guards around it that nothing may touch.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};

/// What memory for results is filled with.
pub const CANARY: u8 = 0xa5;

/// The bytes before, and at least so many after; their address decides the alignment too.
const GUARD: usize = 16;

#[cfg(fuzzing)]
unsafe extern "C" {
    fn __asan_poison_memory_region(start: *const u8, length: usize);
    fn __asan_unpoison_memory_region(start: *const u8, length: usize);
}

/// Poisoned for the sanitizer, which sees reads and writes of the library; the guards are looked at
/// afterwards too, for what the kernel writes.
pub struct Memory {
    base: *mut u8,
    layout: Layout,
    start: usize,
    /// What it held before the call.
    image: Box<[u8]>,
    /// Whether a successful call may change it.
    writable: bool,
}

impl Memory {
    /// With `skew` of 1 it is not aligned.
    pub fn new(content: Box<[u8]>, writable: bool, skew: usize) -> Memory {
        let start = GUARD + skew;
        let size = (start + content.len()).next_multiple_of(8) + GUARD;
        let layout = Layout::from_size_align(size, 16).expect("a small size");
        // SAFETY: the size is not zero.
        let base = unsafe { alloc(layout) };
        if base.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: the size was computed to hold the guards and the content.
        unsafe {
            base.write_bytes(CANARY, size);
            base.add(start).copy_from_nonoverlapping(content.as_ptr(), content.len());
        }
        let memory = Memory { base, layout, start, image: content, writable };
        #[cfg(fuzzing)]
        // SAFETY: both are parts of the allocation, which is unpoisoned before it is freed.
        unsafe {
            __asan_poison_memory_region(base, start);
            let end = memory.end();
            __asan_poison_memory_region(base.add(end), size - end);
        }
        memory
    }

    fn end(&self) -> usize {
        self.start + self.image.len()
    }

    pub fn pointer(&self) -> *mut u8 {
        // SAFETY: within the allocation.
        unsafe { self.base.add(self.start) }
    }

    /// What it holds now.
    pub fn content(&self) -> &[u8] {
        // SAFETY: it was filled when it was made, and no call that may write runs now.
        unsafe { std::slice::from_raw_parts(self.pointer(), self.image.len()) }
    }

    /// After a call.
    pub fn check(&self, succeeded: bool) {
        #[cfg(fuzzing)]
        // SAFETY: the allocation.
        unsafe {
            __asan_unpoison_memory_region(self.base, self.layout.size());
        }
        // SAFETY: as `content`, for the whole allocation.
        let all = unsafe { std::slice::from_raw_parts(self.base, self.layout.size()) };
        let guards = all[..self.start].iter().chain(&all[self.end()..]);
        assert!(guards.copied().all(|byte| byte == CANARY), "written beyond a buffer");
        if !succeeded || !self.writable {
            assert!(self.content() == &*self.image, "written without success, or to an input");
        }
    }

    /// After a call that may only have written the beginning.
    pub fn check_from(&self, start: usize) {
        assert!(self.content()[start..] == self.image[start..], "written beyond what was counted");
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout; `check` may not have unpoisoned it.
        unsafe {
            #[cfg(fuzzing)]
            __asan_unpoison_memory_region(self.base, self.layout.size());
            dealloc(self.base, self.layout);
        }
    }
}
