use std::collections::TryReserveError;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::event::{Event, EventedId, Ready};
use crate::poll::Poller;
use crate::sys::{Generation, Shared, Waker};

/// Wakes a [`Poller`] from another thread, or from a signal handler.
///
/// [`wake`](Awakener::wake) makes the poller return an event that is [`READABLE`](Ready::READABLE)
/// with the id that the awakener was given. Wakes are coalesced: after the last one there is at least
/// one event, and there may be one too many. There is nothing to drain, and a poller may have any
/// number of awakeners.
///
/// A wake sent before the `Awakener` was dropped still arrives. Its descriptor is closed with the poller,
/// or when the next awakener of the poller is created.
///
/// # Implementation
///
/// | system | by |
/// |---|---|
/// | Linux, Android | a descriptor for each awakener, see `eventfd(2)` |
/// | macOS, iOS, FreeBSD, DragonFly BSD | `EVFILT_USER`, see `kqueue(2)` |
/// | NetBSD, OpenBSD | a pipe for each awakener |
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::thread;
///
/// use mio_st::event::{Event, EventedId, Events, Ready};
/// use mio_st::poll::{Awakener, Poller};
///
/// const WAKE: EventedId = EventedId(10);
///
/// let mut poller = Poller::new()?;
/// let mut events = Events::new();
///
/// let awakener = Awakener::new(&mut poller, WAKE)?;
/// let thread = thread::spawn(move || awakener.wake());
///
/// poller.poll(&mut events, None)?;
/// assert_eq!((&mut events).next(), Some(Event::new(WAKE, Ready::READABLE)));
/// thread.join().unwrap()
/// # }
/// ```
pub struct Awakener {
    shared: Shared<State>,
}

struct State {
    waker: Waker,
    id: u64,
    /// A wake was sent that the poller has not seen: another would change nothing.
    pending: AtomicBool,
    /// The poller is gone.
    closed: AtomicBool,
    generation: Generation,
}

impl Awakener {
    /// Creates an awakener whose wakes give events with `id`.
    ///
    /// # Errors
    ///
    /// Those of making and registering a descriptor, such as `EMFILE`; and in a forked child, where
    /// the poller cannot be used.
    pub fn new(poller: &mut Poller, id: EventedId) -> io::Result<Awakener> {
        poller.generation().check()?;
        poller.add_awakener(id.0 as u64)
    }

    /// Another handle of the same awakener.
    ///
    /// # Errors
    ///
    /// None on the systems supported today.
    pub fn try_clone(&self) -> io::Result<Awakener> {
        Ok(Awakener { shared: self.shared.try_clone()? })
    }

    /// Wakes the poller; costs no system call while an earlier wake is still to be seen.
    ///
    /// It may be called from a signal handler: it takes no lock, allocates nothing, and leaves `errno` as
    /// it was. What was written before the call is visible to the thread of the poller when it sees the
    /// event.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` when the poller is gone, and in a process that was forked since.
    pub fn wake(&self) -> io::Result<()> {
        let shared = &*self.shared;
        if shared.closed.load(Ordering::Acquire) || !shared.generation.is_current() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // The swap is a release whether the flag was set or not, so that what this thread has written
        // is visible to the poller, whose own swap (in `rearm`) comes after it.
        if shared.pending.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // Unless it was sent, the next one must try again.
        shared.waker.wake().inspect_err(|_| shared.pending.store(false, Ordering::Release))
    }

    /// Whether the process was forked since the poller was created.
    pub(crate) fn is_forked(&self) -> bool {
        !self.shared.generation.is_current()
    }

    /// Does nothing: an awakener drains itself.
    ///
    /// # Errors
    ///
    /// None.
    #[deprecated(since = "0.3.0", note = "an awakener drains itself")]
    pub fn drain(&self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Awakener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Awakener").field("id", &self.shared.id).finish_non_exhaustive()
    }
}

/// The awakeners of a poller: it keeps a share of each, for the sake of wakes sent just before the
/// last handle was dropped.
#[derive(Default)]
pub(super) struct Awakeners {
    all: Vec<Shared<State>>,
}

impl Awakeners {
    /// Adds an awakener.
    pub(super) fn add(
        &mut self,
        waker: Waker,
        id: u64,
        generation: Generation,
    ) -> io::Result<Awakener> {
        self.all.try_reserve(1)?;
        let shared = Shared::new(State {
            waker,
            id,
            pending: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            generation,
        })?;
        self.all.push(shared.try_clone()?);
        Ok(Awakener { shared })
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes back the flags of those whose event is among those of a poll, before these are handed out:
    /// from here on a wake is sent again. `event` gives the n-th of them.
    pub(super) fn rearm(&self, event: impl Fn(usize) -> Option<Event>) {
        for awakener in &self.all {
            // Looking first saves the locked instruction. A wake that this does not see yet was the
            // first since the flag was taken back: it is sent.
            if awakener.pending.load(Ordering::Relaxed)
                && (0..).map_while(&event).any(|event| event.raw_id() == awakener.id)
            {
                // An acquire: what the threads wrote before they found the flag set is now visible.
                awakener.pending.swap(false, Ordering::AcqRel);
            }
        }
    }

    /// Closes those that have no handle any more, after handing the event of each whose last wake was not
    /// seen to `keep`. If that fails, the awakener stays.
    pub(super) fn sweep(
        &mut self,
        mut keep: impl FnMut(Event) -> Result<(), TryReserveError>,
    ) -> Result<(), TryReserveError> {
        let mut result = Ok(());
        self.all.retain(|awakener| {
            // If this is the last share, then all that the threads did with theirs before they dropped
            // them is visible, the last wake too.
            if !awakener.is_last() {
                return true;
            }
            if awakener.pending.load(Ordering::Relaxed) {
                let kept = keep(Event::from_raw(awakener.id, Ready::READABLE));
                if kept.is_err() {
                    result = kept;
                    return true;
                }
            }
            false
        });
        result
    }
}

impl Drop for Awakeners {
    #[inline]
    fn drop(&mut self) {
        for awakener in &self.all {
            awakener.closed.store(true, Ordering::Release);
        }
    }
}

impl fmt::Debug for Awakeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|awakener| awakener.id)).finish()
    }
}
