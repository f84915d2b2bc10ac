use std::alloc::{Layout, alloc};
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// An `Arc` whose allocation can fail, which std's cannot: it aborts.
pub(crate) struct Shared<T> {
    inner: NonNull<Inner<T>>,
    _owns: PhantomData<Inner<T>>,
}

struct Inner<T> {
    count: AtomicUsize,
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
        unsafe { inner.write(Inner { count: AtomicUsize::new(1), value }) };
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
        if self.inner().count.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // What other threads did with the value comes before it is dropped.
        fence(Ordering::Acquire);
        // SAFETY: this was the last share, and the memory has the layout of a `Box`.
        drop(unsafe { Box::from_raw(self.inner.as_ptr()) });
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
}
