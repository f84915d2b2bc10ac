use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::event::{Event, EventedId, Ready};
use crate::poll::changes::{Change, Changes};
use crate::poll::gate::Gate;
use crate::poll::{Poller, Registrar};
use crate::sys::{
    self, Buffer, Generation, Pushed, Queue, Remote, Selector, Shared, SharedGeneration, Stack,
    Waker,
};

/// Wakes a [`Poller`] from another thread, or from a signal handler.
///
/// [`wake`](Awakener::wake) makes the poller return an event that is [`READABLE`](Ready::READABLE)
/// with the id that the awakener was given. Wakes are coalesced: after the last one there is at least
/// one event, and there may be one too many. There is nothing to drain, and a poller may have any
/// number of awakeners.
///
/// A wake sent before the `Awakener` was dropped still arrives.
///
/// # Implementation
///
/// A wake puts the awakener on a list, from which the poller takes it. Only if the poller sleeps, or may be
/// looked at from outside (see its [`AsFd`](Poller#impl-AsFd-for-Poller)), the system is asked to wake it:
///
/// | system | by |
/// |---|---|
/// | Linux, Android | a descriptor for all awakeners of a poller, see `eventfd(2)` |
/// | macOS, iOS, FreeBSD, DragonFly BSD | `EVFILT_USER`, see `kqueue(2)` |
/// | NetBSD, OpenBSD | a pipe for all awakeners of a poller |
///
/// What it takes of the system is made with the first awakener of a poller, and given back by the first poll
/// after the last was dropped.
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

/// An awakener, or an event that was posted by another thread.
pub(super) struct State {
    id: u64,
    ready: Ready,
    wakes: Shared<Wakes>,
}

/// What the awakeners of a poller share with it.
pub(super) struct Wakes {
    /// Those that were woken and that the poller has not taken.
    woken: Stack<State>,
    /// The poller sleeps, or is about to, or somebody else waits for its descriptor: a wake needs the system.
    asleep: AtomicBool,
    waker: Waker,
    generation: Generation,
    /// `generation`, unless wakes are counted: so a wake that looks whether the process was forked finds out both
    /// at once.
    plain: SharedGeneration,
    /// The wakes that were counted, and of them those that another one stood for already.
    sent: AtomicUsize,
    coalesced: AtomicUsize,
    /// What other threads register with, and what keeps them from it when the poller is gone.
    remote: Remote,
    gate: Gate,
    changes: Changes,
}

impl Wakes {
    #[inline] // As all that a drop calls: it is not taken for what may panic.
    pub(super) fn is_forked(&self) -> bool {
        !self.generation.is_current()
    }

    /// Puts something on the list of what was woken, and wakes the poller if it sleeps.
    fn push(&self, state: &Shared<State>) -> io::Result<()> {
        if !self.plain.get().is_current() {
            return self.push_and_count(state);
        }
        self.follow(self.woken.push(state)?)
    }

    /// As above, in a forked child too. It may be in a signal handler.
    #[cold]
    #[inline(never)]
    fn push_and_count(&self, state: &Shared<State>) -> io::Result<()> {
        if self.is_forked() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let pushed = self.woken.push(state)?;
        let is_coalesced = pushed == Pushed::Before;
        self.follow(pushed)?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.coalesced.fetch_add(is_coalesced.into(), Ordering::Relaxed);
        Ok(())
    }

    /// Wakes the poller, if it is to be woken for what was pushed.
    #[inline(always)] // Each of the two callers is a wake, and nothing else.
    fn follow(&self, pushed: Pushed) -> io::Result<()> {
        match pushed {
            Pushed::Now if self.asleep.load(Ordering::SeqCst) => self.waker.wake(),
            Pushed::Now | Pushed::Before => Ok(()),
            Pushed::Never => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Lets another thread change a registration; an error if the poller is gone, or the process was forked.
    pub(super) fn change(
        &self,
        change: Change,
        body: impl FnOnce(&Remote) -> io::Result<()>,
    ) -> io::Result<()> {
        // In this order: in a forked child the gate may be one that nobody leaves.
        if self.is_forked() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let Some(_inside) = self.gate.enter() else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        body(&self.remote)?;
        self.changes.note(change);
        Ok(())
    }
}

/// Posts an event to the poller, once.
pub(super) fn post(wakes: &Shared<Wakes>, id: u64, ready: Ready) -> io::Result<()> {
    wakes.push(&Shared::new(State { id, ready, wakes: wakes.try_clone()? })?)
}

/// The event of the waker, which the poller keeps for itself. Its id is an address of ours: no number that a
/// program makes of its own addresses, descriptors or counters is the same.
fn own_event() -> Event {
    static OWN: AtomicBool = AtomicBool::new(false);
    Event::from_raw((&raw const OWN).addr() as u64, Ready::READABLE)
}

impl Awakener {
    /// Creates an awakener whose wakes give events with `id`.
    ///
    /// # Errors
    ///
    /// Those of making and registering a descriptor, such as `EMFILE`, for the first awakener of a poller;
    /// `OutOfMemory`; and in a forked child, where the poller cannot be used.
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

    /// Wakes the poller; costs no system call while it is awake, nor while an earlier wake is still to be
    /// seen.
    ///
    /// It may be called from a signal handler: it takes no lock, allocates nothing, and leaves `errno` as
    /// it was. What was written before the call is visible to the thread of the poller when it sees the
    /// event.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` when the poller is gone, and in a process that was forked since.
    pub fn wake(&self) -> io::Result<()> {
        self.shared.wakes.push(&self.shared)
    }

    /// Whether the process was forked since the poller was created.
    pub(crate) fn is_forked(&self) -> bool {
        self.shared.wakes.is_forked()
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

/// What a poller has when it has awakeners; of how many there are nothing depends.
pub(super) struct Awakeners {
    wakes: Shared<Wakes>,
    /// Those that were taken and for whose events there was no room.
    taken: Queue<State>,
    /// With room for one event: it is the system's turn.
    systems_turn: bool,
}

impl Awakeners {
    pub(super) fn new(selector: &Selector, generation: Generation) -> io::Result<Awakeners> {
        let waker = Waker::new(selector, own_event().raw_id())?;
        let woken = Stack::new();
        let remote = selector.remote()?;
        let wakes = Wakes {
            woken,
            asleep: AtomicBool::new(false),
            waker,
            generation,
            plain: SharedGeneration::new(generation),
            sent: AtomicUsize::new(0),
            coalesced: AtomicUsize::new(0),
            remote,
            gate: Gate::new(),
            changes: Changes::new(),
        };
        Ok(Awakeners { wakes: Shared::new(wakes)?, taken: Queue::new(), systems_turn: false })
    }

    /// Another awakener.
    pub(super) fn add(&self, id: u64) -> io::Result<Awakener> {
        let state = State { id, ready: Ready::READABLE, wakes: self.wakes.try_clone()? };
        Ok(Awakener { shared: Shared::new(state)? })
    }

    /// Another registrar.
    pub(super) fn registrar(&self) -> io::Result<Registrar> {
        Ok(Registrar::of(self.wakes.try_clone()?))
    }

    /// What registrars change.
    pub(super) fn changes(&self) -> &Changes {
        &self.wakes.changes
    }

    /// From now on wakes are counted, or not. Other threads may notice it a moment later.
    pub(super) fn count(&self, on: bool) {
        self.wakes.plain.set(if on { Generation::NONE } else { self.wakes.generation });
        let _ = self.take_counts();
    }

    /// Takes what was counted: the wakes, and those of them that another one stood for already.
    pub(super) fn take_counts(&self) -> (usize, usize) {
        // In this order, so that there are not more coalesced ones than wakes.
        let coalesced = self.wakes.coalesced.swap(0, Ordering::Relaxed);
        (self.wakes.sent.swap(0, Ordering::Relaxed), coalesced)
    }

    /// Whether there is no awakener left, nor a wake.
    #[inline]
    pub(super) fn is_unused(&self) -> bool {
        self.wakes.is_last() && self.taken.is_empty()
    }

    /// Whether there is a wake to hand out.
    #[inline]
    pub(super) fn is_woken(&self) -> bool {
        !self.taken.is_empty() || !self.wakes.woken.is_empty()
    }

    /// From now on a wake makes the descriptor of the poller readable, also while no poll sleeps.
    pub(super) fn expose(&self) {
        self.wakes.asleep.store(true, Ordering::SeqCst);
        if self.is_woken() && self.wakes.generation.is_current() {
            self.ring();
        }
    }

    /// There is none left: the poller goes without.
    pub(super) fn retire(self, selector: &mut Selector) {
        self.wakes.waker.retire(selector);
    }

    /// Makes the descriptor of the poller readable.
    fn ring(&self) {
        if let Err(error) = self.wakes.waker.wake() {
            // The descriptor was closed behind our back: nobody waits for it.
            sys::ignore(error);
        }
    }

    /// Asks the system for events, once, and adds those of the awakeners; `None` if there is none and the
    /// time has not passed.
    pub(super) fn select(
        &mut self,
        buffer: &mut Buffer<'_>,
        selector: &Selector,
        room: usize,
        timeout: Option<u64>,
        exposed: bool,
    ) -> io::Result<Option<usize>> {
        self.taken.append(self.wakes.woken.take());
        let waiting = self.taken.len();
        let systems_room = match room {
            // Both get half of it, if they need it; of one they take turns.
            2.. => room - waiting.min(room / 2),
            _ if waiting == 0 => room,
            _ => {
                self.systems_turn = !self.systems_turn;
                if self.systems_turn { room } else { 0 }
            }
        };
        let mut early = false;
        if systems_room > 0 {
            let sleeps = waiting == 0 && timeout != Some(0) && self.fall_asleep();
            let timeout = if sleeps { timeout } else { Some(0) };
            let result = buffer.select(selector, systems_room, timeout);
            if !exposed {
                self.wakes.asleep.store(false, Ordering::Relaxed);
            }
            if let Err(error) = result {
                if error.raw_os_error() != Some(libc::EINTR) {
                    return Err(error);
                }
                sys::ignore(error);
                early = true;
            }
            if buffer.remove(own_event()) {
                early = true;
                if buffer.len() == 0 && systems_room == 1 {
                    // It took the only room: there may be more.
                    if let Err(error) = buffer.select(selector, systems_room, Some(0)) {
                        sys::ignore(error);
                    }
                    buffer.remove(own_event());
                }
            }
            self.taken.append(self.wakes.woken.take());
        }
        self.hand_out(buffer, room, exposed);
        Ok((!early || buffer.len() > 0).then(|| buffer.len()))
    }

    /// Says that a poll is about to sleep; false if there is a wake.
    ///
    /// A waker pushes and then looks whether the poller sleeps, the poller says that it sleeps and then looks
    /// whether something was pushed. All four are in one order, so that one of the two sees the other.
    fn fall_asleep(&self) -> bool {
        self.wakes.asleep.store(true, Ordering::SeqCst);
        self.wakes.woken.is_empty()
    }

    /// Hands out wakes until there are `room` events in the buffer.
    pub(super) fn hand_out(&mut self, buffer: &mut Buffer<'_>, room: usize, exposed: bool) {
        self.taken.append(self.wakes.woken.take());
        while buffer.len() < room {
            let Some(awakener) = self.taken.pop() else { return };
            buffer.push(Event::from_raw(awakener.id, awakener.ready));
        }
        if exposed && !self.taken.is_empty() {
            self.ring();
        }
    }
}

impl Drop for Awakeners {
    #[inline]
    fn drop(&mut self) {
        // Another thread that was inside is not in a forked child.
        if !self.wakes.is_forked() {
            self.wakes.gate.close();
        }
        self.wakes.woken.close();
        self.wakes.changes.close();
    }
}

impl fmt::Debug for Awakeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Awakeners").finish_non_exhaustive()
    }
}

/// The protocol of a wake and a sleep, in all orders that there are of the steps of a poller and two wakers.
#[cfg(test)]
mod model {
    use std::collections::HashSet;

    const WAKERS: usize = 2;
    const WAKES: u8 = 2;

    #[derive(Copy, Clone, Debug, Default, Eq, Hash, PartialEq)]
    struct State {
        /// Of each awakener: what was written before its wakes, and what the poller saw with its events.
        written: [u8; WAKERS],
        seen: [u8; WAKERS],
        listed: [bool; WAKERS],
        stack: [bool; WAKERS],
        taken: [bool; WAKERS],
        asleep: bool,
        /// The descriptor has an edge that no wait has seen.
        edge: bool,
        poller: u8,
        wakers: [(u8, u8); WAKERS],
    }

    /// What may be left out, so that the model is seen to notice it.
    #[derive(Copy, Clone, Eq, PartialEq)]
    enum Protocol {
        Whole,
        WithoutLookingAgain,
        LookingBeforePushing,
    }

    impl State {
        fn take(&mut self) {
            for n in 0..WAKERS {
                self.taken[n] |= std::mem::take(&mut self.stack[n]);
            }
        }

        /// The poller's next step; none if it sleeps.
        fn poller(mut self, protocol: Protocol) -> Option<State> {
            self.poller = match self.poller {
                0 => {
                    self.take();
                    if self.taken.contains(&true) { 4 } else { 1 }
                }
                1 => {
                    self.asleep = true;
                    if protocol == Protocol::WithoutLookingAgain { 3 } else { 2 }
                }
                // A wait with a timeout of zero takes an edge too, or leaves it for later.
                2 if self.stack.contains(&true) => 4,
                2 => 3,
                3 if !self.edge => return None,
                3 => {
                    self.edge = false;
                    4
                }
                4 => {
                    self.asleep = false;
                    5
                }
                5 => {
                    self.take();
                    6
                }
                _ => {
                    // One after the other.
                    match self.taken.iter().position(|taken| *taken) {
                        Some(n) => {
                            self.taken[n] = false;
                            self.listed[n] = false;
                            self.seen[n] = self.written[n];
                            6
                        }
                        None => 0,
                    }
                }
            };
            Some(self)
        }

        /// The next step of a waker; none if it has sent all its wakes. `of` is the awakener that it wakes.
        fn waker(mut self, n: usize, of: usize, protocol: Protocol) -> Option<State> {
            let (step, sent) = self.wakers[n];
            if sent == WAKES {
                return None;
            }
            let mut next = step + 1;
            match step {
                0 => self.written[of] += 1,
                1 if std::mem::replace(&mut self.listed[of], true) => next = 9,
                1 if protocol == Protocol::LookingBeforePushing => {
                    next = if self.asleep { 5 } else { 6 };
                }
                1 => {}
                2 => self.stack[of] = true,
                3 if !self.asleep => next = 9,
                3 => {}
                4 => {
                    self.edge = true;
                    next = 9;
                }
                // The wrong way round.
                5 => {
                    self.stack[of] = true;
                    next = 4;
                }
                _ => {
                    self.stack[of] = true;
                    next = 9;
                }
            }
            self.wakers[n] = if next == 9 { (0, sent + 1) } else { (next, sent) };
            Some(self)
        }

        /// All is sent, the poller sleeps, and something was not seen, though it was in time.
        fn has_lost_a_wake(&self, protocol: Protocol) -> bool {
            let sent = self.wakers.iter().all(|(_, sent)| *sent == WAKES);
            sent && self.poller(protocol).is_none() && self.seen != self.written
        }
    }

    /// Goes to every state; returns how many there are, and whether a wake is lost in one.
    fn explore(protocol: Protocol, awakener_of: [usize; WAKERS]) -> (usize, bool) {
        let mut known = HashSet::from([State::default()]);
        let mut new = vec![State::default()];
        let mut lost = false;
        while let Some(state) = new.pop() {
            lost |= state.has_lost_a_wake(protocol);
            let wakers = (0..WAKERS).map(|n| state.waker(n, awakener_of[n], protocol));
            for next in wakers.chain([state.poller(protocol)]).flatten() {
                if known.insert(next) {
                    new.push(next);
                }
            }
        }
        (known.len(), lost)
    }

    // Behaviour 24
    #[test]
    fn no_wake_is_lost_in_any_order_of_the_steps() {
        for awakener_of in [[0, 1], [0, 0]] {
            let (states, lost) = explore(Protocol::Whole, awakener_of);
            assert!(states > 1000, "{states}");
            assert!(!lost);
            for wrong in [Protocol::WithoutLookingAgain, Protocol::LookingBeforePushing] {
                assert!(explore(wrong, awakener_of).1, "the model does not notice what is wrong");
            }
        }
    }
}
