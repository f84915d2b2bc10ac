use std::alloc::{Layout, alloc};
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::{mem, ptr};

use crate::sys::sanitizers;

/// An `Arc` whose allocation can fail, which std's cannot: it aborts.
pub(crate) struct Shared<T> {
    inner: NonNull<Inner<T>>,
    _owns: PhantomData<Inner<T>>,
}

struct Inner<T> {
    count: AtomicUsize,
    /// It is in a [`Stack`] or a [`Queue`], of which it has a share, or is about to be.
    listed: AtomicBool,
    /// The next in that list.
    next: AtomicPtr<Inner<T>>,
    value: T,
}

// SAFETY: as for an `Arc`: any thread may read the value, and the last one to let go drops it.
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> io::Result<Shared<T>> {
        // SAFETY: the size is not zero, since there is a count.
        let memory = unsafe { alloc(Layout::new::<Inner<T>>()) };
        let Some(inner) = NonNull::new(memory.cast::<Inner<T>>()) else {
            return Err(io::ErrorKind::OutOfMemory.into());
        };
        // SAFETY: the memory is new and has the layout.
        unsafe {
            inner.write(Inner {
                count: AtomicUsize::new(1),
                listed: AtomicBool::new(false),
                next: AtomicPtr::new(ptr::null_mut()),
                value,
            });
        }
        Ok(Shared { inner, _owns: PhantomData })
    }

    /// Another share; an error only when half of all numbers are used up, which takes leaks.
    pub(crate) fn try_clone(&self) -> io::Result<Shared<T>> {
        let count = &self.inner().count;
        // A new share is made from one that this thread has: nothing needs an order.
        if count.fetch_add(1, Ordering::Relaxed) > usize::MAX / 2 {
            count.fetch_sub(1, Ordering::Relaxed);
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        Ok(Shared { inner: self.inner, _owns: PhantomData })
    }

    /// Whether nobody else has a share. It stays so, since a share is cloned only from a share.
    pub(crate) fn is_last(&self) -> bool {
        self.inner().count.load(Ordering::Acquire) == 1
    }

    fn inner(&self) -> &Inner<T> {
        // SAFETY: it is freed only when the last share is dropped.
        unsafe { self.inner.as_ref() }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner().value
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        sanitizers::release(self.inner.as_ptr());
        if self.inner().count.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // What other threads did with the value comes before it is dropped. (A load, since ThreadSanitizer knows no
        // fences.)
        self.inner().count.load(Ordering::Acquire);
        sanitizers::acquire(self.inner.as_ptr());
        // SAFETY: this was the last share, and the memory has the layout of a `Box`.
        drop(unsafe { Box::from_raw(self.inner.as_ptr()) });
    }
}

/// What became of an attempt to push.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Pushed {
    Now,
    /// It is in a list, or another thread is about to push it.
    Before,
    /// Nothing can be pushed any more.
    Never,
}

/// Shares that any thread, and any signal handler, pushes, and one thread takes, all at once: without a lock
/// and without memory. What is in it is in it once.
///
/// Who has it closes it in the end. It does not drop what is in it by itself: a share may have one of what the
/// stack is a part of, and a drop that leads back to itself the compiler takes for one that may panic.
pub(crate) struct Stack<T> {
    /// Null if there is none; [`closed`](Stack::closed) when nothing can be pushed any more.
    first: AtomicPtr<Inner<T>>,
}

// SAFETY: shares go through it from one thread to another.
unsafe impl<T: Send + Sync> Send for Stack<T> {}
// SAFETY: as above; what is pushed and taken by several threads is said by atomics.
unsafe impl<T: Send + Sync> Sync for Stack<T> {}

impl<T> Stack<T> {
    pub(crate) const fn new() -> Stack<T> {
        Stack { first: AtomicPtr::new(ptr::null_mut()) }
    }

    /// No share: they are allocated, and not at the lowest address there is.
    fn closed() -> *mut Inner<T> {
        ptr::dangling_mut()
    }

    /// Pushes another share, unless it is listed.
    ///
    /// What this thread has done is visible to the one that takes it, also when it was pushed before: the
    /// exchange of the flag is a release either way, and comes before that of [`Queue::pop`].
    #[inline(always)] // It is most of a wake, of which there are two.
    pub(crate) fn push(&self, share: &Shared<T>) -> io::Result<Pushed> {
        let mut first = self.first.load(Ordering::Acquire);
        if first == Stack::closed() {
            return Ok(Pushed::Never);
        }
        let listed = &share.inner().listed;
        sanitizers::release(share.inner.as_ptr());
        if listed.swap(true, Ordering::AcqRel) {
            return Ok(Pushed::Before);
        }
        let pushed = share.try_clone().inspect_err(|_| listed.store(false, Ordering::Release))?;
        let node = pushed.inner.as_ptr();
        loop {
            pushed.inner().next.store(first, Ordering::Relaxed);
            // Sequentially consistent, as `is_empty` is: see who asks for that.
            let result =
                self.first.compare_exchange(first, node, Ordering::SeqCst, Ordering::Acquire);
            match result {
                Ok(_) => {
                    mem::forget(pushed);
                    return Ok(Pushed::Now);
                }
                Err(closed) if closed == Stack::closed() => {
                    listed.store(false, Ordering::Release);
                    return Ok(Pushed::Never);
                }
                Err(other) => first = other,
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.load(Ordering::SeqCst).is_null()
    }

    /// Takes all.
    #[inline]
    pub(crate) fn take(&self) -> Queue<T> {
        if self.first.load(Ordering::Relaxed).is_null() {
            return Queue::new();
        }
        self.replace(ptr::null_mut())
    }

    /// Drops all, and lets nothing be pushed any more.
    pub(crate) fn close(&self) {
        drop(self.replace(Stack::closed()));
    }

    fn replace(&self, first: *mut Inner<T>) -> Queue<T> {
        let mut queue = Queue::new();
        let mut node = self.first.swap(first, Ordering::AcqRel);
        while node != Stack::closed() && !node.is_null() {
            // SAFETY: it was in the stack, which had a share of it, and is now ours alone.
            let next = unsafe { &(*node).next };
            let following = next.swap(queue.first, Ordering::Relaxed);
            if queue.first.is_null() {
                queue.last = node;
            }
            queue.first = node;
            queue.len += 1;
            node = following;
        }
        queue
    }
}

/// What was taken from a [`Stack`], first in, first out.
pub(crate) struct Queue<T> {
    first: *mut Inner<T>,
    /// Nothing, if there is no first.
    last: *mut Inner<T>,
    len: usize,
}

impl<T> Queue<T> {
    pub(crate) const fn new() -> Queue<T> {
        Queue { first: ptr::null_mut(), last: ptr::null_mut(), len: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes the first, which can be pushed again from here on.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Shared<T>> {
        let inner = NonNull::new(self.first)?;
        let share = Shared { inner, _owns: PhantomData };
        self.first = share.inner().next.load(Ordering::Relaxed);
        self.len -= 1;
        // An acquire: see `push`.
        share.inner().listed.swap(false, Ordering::AcqRel);
        sanitizers::acquire(inner.as_ptr());
        Some(share)
    }

    /// Puts others behind those that are there.
    #[inline]
    pub(crate) fn append(&mut self, mut others: Queue<T>) {
        if others.is_empty() {
            return;
        }
        if self.first.is_null() {
            mem::swap(self, &mut others);
            return;
        }
        // SAFETY: it is in this queue, which has a share of it.
        unsafe { &(*self.last).next }.store(others.first, Ordering::Relaxed);
        self.last = others.last;
        self.len += others.len;
        mem::forget(others);
    }
}

impl<T> Queue<T> {
    #[cold]
    #[inline]
    fn drop_all(&mut self) {
        while self.pop().is_some() {}
    }
}

impl<T> Drop for Queue<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // Mostly it is.
        if !self.is_empty() {
            self.drop_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::thread;

    use super::*;

    struct CountsDrops<'a>(&'a AtomicU32);

    impl Drop for CountsDrops<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_last_share_drops_the_value_once() {
        let drops = AtomicU32::new(0);
        let first = Shared::new(CountsDrops(&drops)).unwrap();
        assert!(first.is_last());
        thread::scope(|scope| {
            for _ in 0..4 {
                let share = first.try_clone().unwrap();
                scope.spawn(move || {
                    for _ in 0..1000 {
                        assert!(!share.try_clone().unwrap().is_last());
                    }
                });
            }
        });
        assert!(first.is_last());
        assert_eq!(drops.load(Ordering::Relaxed), 0);
        drop(first);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_is_pushed_is_taken_once_and_in_order() {
        let stack = Stack::new();
        let shares = [0, 1, 2, 3].map(|n| Shared::new(n).unwrap());
        let mut queue = stack.take();
        assert!(queue.is_empty() && stack.is_empty());
        for share in &shares[..2] {
            assert_eq!(stack.push(share).unwrap(), Pushed::Now);
            assert_eq!(stack.push(share).unwrap(), Pushed::Before);
        }
        queue.append(stack.take());
        assert_eq!(stack.push(&shares[1]).unwrap(), Pushed::Before);
        for share in &shares[2..] {
            assert_eq!(stack.push(share).unwrap(), Pushed::Now);
        }
        queue.append(stack.take());
        queue.append(stack.take());
        assert_eq!(queue.len(), 4);
        for n in 0..4 {
            assert_eq!(*queue.pop().unwrap(), n);
        }
        assert!(queue.pop().is_none());
        assert_eq!(stack.push(&shares[1]).unwrap(), Pushed::Now);
        stack.close();
        assert_eq!(stack.push(&shares[1]).unwrap(), Pushed::Never);
        assert!(shares.iter().all(Shared::is_last));
    }

    #[test]
    fn threads_push_while_one_takes_and_nothing_is_lost_or_dropped_early() {
        let drops = AtomicU32::new(0);
        let (stack, done) = (Stack::new(), AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let share = Shared::new(CountsDrops(&drops)).unwrap();
                        assert_eq!(stack.push(&share).unwrap(), Pushed::Now);
                    }
                    done.fetch_add(1, Ordering::Release);
                });
            }
            let mut taken = 0;
            while done.load(Ordering::Acquire) < 3 || !stack.is_empty() {
                let mut queue = stack.take();
                while queue.pop().is_some() {
                    taken += 1;
                }
            }
            assert_eq!(taken, 6000);
        });
        assert_eq!(drops.load(Ordering::Relaxed), 6000);
    }
}
