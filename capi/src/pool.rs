//! Slots of what belongs to no thread, so that any may use it, also in a signal handler: awakeners, registrars, and
//! what is on its way from one thread to another.
//!
//! Slots are never freed, and are found without a lock. As the other slots do, each gets a new generation each time
//! that it is used, and is retired when there is none left.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::UnsafeCell;
use std::mem::{self, MaybeUninit};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::{ptr, slice};

use mio_st::raw;

use crate::error::{Error, Result};
use crate::slots;

const BAD: Error = Error::of(libc::EBADF);

/// How many slots the first block has; each further one has twice as many as the last.
const FIRST: usize = 64;

/// How many blocks there may be: as many as the slots of a handle can number.
const BLOCKS: usize = (slots::SLOT_BITS - FIRST.ilog2()) as usize;

/// The slots of a kind. Where a function takes a tag, it is that of the handles.
pub(crate) struct Pool<T: 'static> {
    /// The first block takes no memory at run time.
    first: [Slot<T>; FIRST],
    /// The further blocks, in the order in which they were made.
    more: [AtomicPtr<Slot<T>>; BLOCKS - 1],
    /// How many slots were ever used.
    used: AtomicUsize,
    /// Those that are free again.
    freed: Slots,
    /// Those that were closed while somebody used them, and wait for the end of that.
    closing: Slots,
    /// How many are open.
    live: AtomicUsize,
}

/// A place for a value. All-zero is a free one.
struct Slot<T> {
    /// A [`State`].
    state: AtomicU64,
    /// The next in the list that it is in.
    next: AtomicU32,
    /// There while the phase is `OPEN` or `CLOSED`.
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: values go from thread to thread, and who may touch one when is said by the state: whoever has counted
// himself in while it was OPEN may use it (`with` asks for `Sync`), whoever has brought it to CHANGING, and nobody
// else, may take it out or write to the slot.
unsafe impl<T: Send> Sync for Slot<T> {}

/// From the lowest bit: how many use it (32), the phase (2), the generation.
#[derive(Copy, Clone, Eq, PartialEq)]
struct State(u64);

const FREE: u64 = 0;
/// Somebody puts a value in here, or takes it out. Also what a slot whose generations are used up stays in.
const CHANGING: u64 = 1;
const OPEN: u64 = 2;
/// Closed, but it may still be used.
const CLOSED: u64 = 3;

impl State {
    const fn new(generation: u32, phase: u64) -> State {
        State((generation as u64) << 34 | phase << 32)
    }

    fn generation(self) -> u32 {
        (self.0 >> 34) as u32
    }

    fn phase(self) -> u64 {
        self.0 >> 32 & 3
    }

    fn users(self) -> u32 {
        self.0 as u32
    }

    fn with_phase(self, phase: u64) -> State {
        State(self.0 & !(3 << 32) | phase << 32)
    }
}

impl<T> Slot<T> {
    const fn new() -> Slot<T> {
        Slot {
            state: AtomicU64::new(0),
            next: AtomicU32::new(0),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    fn state(&self) -> State {
        State(self.state.load(Ordering::Acquire))
    }

    /// Goes from one state to another, unless somebody else was faster.
    fn change(&self, from: State, to: State) -> bool {
        self.state.compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Goes from OPEN in this generation to what `to` makes of it.
    fn leave_open(&self, generation: u32, to: impl Fn(State) -> State) -> Result<()> {
        loop {
            let state = self.state();
            if state.generation() != generation || state.phase() != OPEN {
                return Err(BAD);
            }
            if self.change(state, to(state)) {
                return Ok(());
            }
        }
    }

    /// Takes the value out. Who calls it has brought the slot to CHANGING, and there was a value.
    fn empty(&self) -> T {
        raw::acquire(self);
        // SAFETY: the value was there, the phase is ours, and nobody finds a value here before another is put in.
        unsafe { (*self.value.get()).assume_init_read() }
    }
}

/// A list of slots: from the lowest bit the number of the first, plus one (32), and how often the list was
/// changed, so that nobody takes it for unchanged when it is only the same again.
struct Slots(AtomicU64);

impl Slots {
    const fn new() -> Slots {
        Slots(AtomicU64::new(0))
    }

    fn changed(head: u64, first: u32) -> u64 {
        (head >> 32).wrapping_add(1) << 32 | u64::from(first)
    }

    fn push<T>(&self, index: usize, slot: &Slot<T>) {
        let mut head = self.0.load(Ordering::Relaxed);
        loop {
            slot.next.store(head as u32, Ordering::Relaxed);
            let new = Slots::changed(head, index as u32 + 1);
            match self.0.compare_exchange(head, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => head = other,
            }
        }
    }

    fn pop<T: Send>(&self, pool: &'static Pool<T>) -> Option<(usize, &'static Slot<T>)> {
        let mut head = self.0.load(Ordering::Acquire);
        loop {
            let index = (head as u32).checked_sub(1)? as usize;
            let slot = pool.slot(index)?;
            let new = Slots::changed(head, slot.next.load(Ordering::Relaxed));
            match self.0.compare_exchange(head, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some((index, slot)),
                Err(other) => head = other,
            }
        }
    }

    /// Takes all: the number of the first, plus one.
    fn take(&self) -> u32 {
        let mut head = self.0.load(Ordering::Acquire);
        while head as u32 != 0 {
            let new = Slots::changed(head, 0);
            match self.0.compare_exchange(head, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(other) => head = other,
            }
        }
        head as u32
    }
}

/// A slot that was free, until it is opened or dropped.
pub(crate) struct Claimed<T: Send + 'static> {
    pool: &'static Pool<T>,
    slot: &'static Slot<T>,
    index: usize,
    generation: u32,
}

impl<T: Send> Claimed<T> {
    /// Puts a value in; the result are the bits of its handle.
    pub(crate) fn open(self, tag: u32, value: T) -> u64 {
        let Claimed { pool, slot, index, generation } = self;
        mem::forget(self);
        // SAFETY: the phase is CHANGING, and it was brought there by `claim`.
        unsafe { (*slot.value.get()).write(value) };
        raw::release(slot);
        slot.state.store(State::new(generation, OPEN).0, Ordering::Release);
        pool.live.fetch_add(1, Ordering::Relaxed);
        slots::pack(tag, generation, index as u32)
    }
}

impl<T: Send> Drop for Claimed<T> {
    fn drop(&mut self) {
        self.pool.vacate(self.index, self.slot, self.generation);
    }
}

/// A value that nobody else can use or take, until it is kept or put back, which dropping this does.
pub(crate) struct Taken<T: Send + 'static> {
    pool: &'static Pool<T>,
    slot: &'static Slot<T>,
    index: usize,
    generation: u32,
}

impl<T: Send> Taken<T> {
    pub(crate) fn value(&mut self) -> &mut T {
        // SAFETY: it was OPEN, and `take` has brought the phase to CHANGING.
        unsafe { (*self.slot.value.get()).assume_init_mut() }
    }

    /// The handle names nothing any more.
    pub(crate) fn keep(self) -> T {
        let Taken { pool, slot, index, generation } = self;
        mem::forget(self);
        pool.live.fetch_sub(1, Ordering::Relaxed);
        let value = slot.empty();
        pool.reuse(index, slot, generation);
        value
    }
}

impl<T: Send> Drop for Taken<T> {
    fn drop(&mut self) {
        self.slot.state.store(State::new(self.generation, OPEN).0, Ordering::Release);
    }
}

impl<T: Send> Pool<T> {
    pub(crate) const fn new() -> Pool<T> {
        Pool {
            first: [const { Slot::new() }; FIRST],
            more: [const { AtomicPtr::new(ptr::null_mut()) }; BLOCKS - 1],
            used: AtomicUsize::new(0),
            freed: Slots::new(),
            closing: Slots::new(),
            live: AtomicUsize::new(0),
        }
    }

    /// How many are open.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// The slots of a block; empty if it was not made yet.
    #[inline]
    fn block(&'static self, number: usize) -> &'static [Slot<T>] {
        if number == 0 {
            return &self.first;
        }
        let Some(block) = self.more.get(number - 1) else { return &[] };
        let slots = block.load(Ordering::Acquire);
        if slots.is_null() {
            return &[];
        }
        // SAFETY: `grow` put it there, with so many slots, and it is never freed.
        unsafe { slice::from_raw_parts(slots, FIRST << number) }
    }

    /// The slot with a number.
    #[inline]
    fn slot(&'static self, index: usize) -> Option<&'static Slot<T>> {
        // Before block n there are FIRST * (2^n - 1) slots.
        let number = (index / FIRST + 1).ilog2() as usize;
        self.block(number).get(index - FIRST * ((1 << number) - 1))
    }

    /// Makes another block.
    #[cold]
    fn grow(&'static self) -> Result<()> {
        let out_of_memory = Error::of(libc::ENOMEM);
        let number =
            (1..BLOCKS).find(|number| self.block(*number).is_empty()).ok_or(out_of_memory)?;
        let layout = Layout::array::<Slot<T>>(FIRST << number).map_err(|_| out_of_memory)?;
        // SAFETY: the size is not zero.
        let slots = unsafe { alloc_zeroed(layout) }.cast::<Slot<T>>();
        if slots.is_null() {
            return Err(out_of_memory);
        }
        let place = self.more.get(number - 1).ok_or(out_of_memory)?;
        if place
            .compare_exchange(ptr::null_mut(), slots, Ordering::AcqRel, Ordering::Acquire)
            .is_err()
        {
            // SAFETY: another thread was faster; nobody has seen this block.
            unsafe { dealloc(slots.cast(), layout) };
        }
        Ok(())
    }

    /// Takes a free slot.
    pub(crate) fn claim(&'static self) -> Result<Claimed<T>> {
        self.reap_all();
        let (index, slot) = match self.freed.pop(self) {
            Some(freed) => freed,
            None => self.unused()?,
        };
        let generation = slot.state().generation();
        slot.state.store(State::new(generation, CHANGING).0, Ordering::Release);
        Ok(Claimed { pool: self, slot, index, generation })
    }

    /// Takes a slot that was never used.
    fn unused(&'static self) -> Result<(usize, &'static Slot<T>)> {
        loop {
            let index = self.used.load(Ordering::Relaxed);
            let Some(slot) = self.slot(index) else {
                self.grow()?;
                continue;
            };
            let (taken, relaxed) = (index + 1, Ordering::Relaxed);
            if self.used.compare_exchange(index, taken, relaxed, relaxed).is_ok() {
                return Ok((index, slot));
            }
        }
    }

    /// Frees what was closed while it was used, if that has ended.
    fn reap_all(&'static self) {
        let mut rest = self.closing.take();
        while let Some(index) = (rest as usize).checked_sub(1) {
            let Some(slot) = self.slot(index) else { return };
            rest = slot.next.load(Ordering::Relaxed);
            self.reap(index, slot);
        }
    }

    /// Frees a slot that was closed, as soon as nobody uses it any more.
    fn reap(&'static self, index: usize, slot: &Slot<T>) {
        let state = slot.state();
        if state.users() > 0 || !slot.change(state, state.with_phase(CHANGING)) {
            return self.closing.push(index, slot);
        }
        drop(slot.empty());
        self.reuse(index, slot, state.generation());
    }

    /// Makes an emptied slot free, unless its generations are used up. Who calls it has brought it to CHANGING.
    fn reuse(&self, index: usize, slot: &Slot<T>, generation: u32) {
        if generation < slots::LAST_GENERATION {
            self.vacate(index, slot, generation + 1);
        }
    }

    /// Makes a slot free. Who calls it has brought it to CHANGING.
    fn vacate(&self, index: usize, slot: &Slot<T>, generation: u32) {
        slot.state.store(State::new(generation, FREE).0, Ordering::Release);
        self.freed.push(index, slot);
    }

    /// The slot that a handle names, or named.
    #[inline]
    fn find(&'static self, tag: u32, bits: u64) -> Result<&'static Slot<T>> {
        if slots::tag(bits) != tag {
            return Err(BAD);
        }
        self.slot(slots::slot(bits)).ok_or(BAD)
    }

    /// Uses a value, which nobody drops meanwhile. It takes no lock and frees nothing, as it may run in a signal
    /// handler.
    #[inline]
    pub(crate) fn with<R>(
        &'static self,
        tag: u32,
        bits: u64,
        body: impl FnOnce(&T) -> R,
    ) -> Result<R>
    where
        T: Sync,
    {
        let slot = self.find(tag, bits)?;
        slot.leave_open(slots::generation(bits), |state| State(state.0 + 1))?;
        // SAFETY: it was OPEN, and stays until it is counted out.
        let result = body(unsafe { (*slot.value.get()).assume_init_ref() });
        raw::release(slot);
        slot.state.fetch_sub(1, Ordering::Release);
        Ok(result)
    }

    /// Closes a handle, and drops its value as soon as nobody uses it any more.
    pub(crate) fn close(&'static self, tag: u32, bits: u64) -> Result<()> {
        let slot = self.find(tag, bits)?;
        slot.leave_open(slots::generation(bits), |state| state.with_phase(CLOSED))?;
        self.live.fetch_sub(1, Ordering::Relaxed);
        self.reap_all();
        self.reap(slots::slot(bits), slot);
        Ok(())
    }

    /// Takes a value that nobody uses; of several that want it one gets it.
    pub(crate) fn take(&'static self, tag: u32, bits: u64) -> Result<Taken<T>> {
        let (slot, generation) = (self.find(tag, bits)?, slots::generation(bits));
        let open = State::new(generation, OPEN);
        if !slot.change(open, open.with_phase(CHANGING)) {
            return Err(BAD);
        }
        raw::acquire(slot);
        Ok(Taken { pool: self, slot, index: slots::slot(bits), generation })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const TAG: u32 = 7;

    /// Behaviour 25: a wake between its check and its write keeps the descriptor open.
    #[test]
    fn what_is_closed_while_it_is_used_is_dropped_when_that_has_ended() {
        static POOL: Pool<Arc<()>> = Pool::new();
        let value = Arc::new(());
        let claimed = POOL.claim().unwrap();
        let (slot, generation) = (claimed.slot, claimed.generation);
        let bits = claimed.open(TAG, value.clone());
        POOL.with(TAG, bits, |_| {
            POOL.close(TAG, bits).unwrap();
            POOL.reap_all();
            assert!(slot.state() == State(State::new(generation, CLOSED).0 + 1));
            assert_eq!(POOL.with(TAG, bits, |_| ()), Err(BAD));
            assert_eq!(POOL.close(TAG, bits), Err(BAD));
            assert!(POOL.take(TAG, bits).is_err());
            assert_eq!(Arc::strong_count(&value), 2);
        })
        .unwrap();
        POOL.reap_all();
        assert!(slot.state() == State::new(generation + 1, FREE));
        assert_eq!((Arc::strong_count(&value), POOL.closing.take(), POOL.live()), (1, 0, 0));
    }

    #[test]
    fn what_is_taken_is_nobody_elses_and_may_be_put_back() {
        static POOL: Pool<Arc<()>> = Pool::new();
        let value = Arc::new(());
        let bits = POOL.claim().unwrap().open(TAG, value.clone());
        assert!(POOL.take(TAG + 1, bits).is_err());
        for _ in 0..2 {
            let mut taken = POOL.take(TAG, bits).unwrap();
            assert!(Arc::ptr_eq(taken.value(), &value));
            assert!(POOL.take(TAG, bits).is_err() && POOL.close(TAG, bits).is_err());
            assert_eq!(POOL.live(), 1);
        }
        drop(POOL.take(TAG, bits).unwrap().keep());
        assert!(POOL.take(TAG, bits).is_err());
        assert_eq!((Arc::strong_count(&value), POOL.live()), (1, 0));
        let next = POOL.claim().unwrap().open(TAG, value);
        assert_eq!(slots::slot(next), slots::slot(bits));
        assert!(next != bits && POOL.take(TAG, bits).is_err() && POOL.take(TAG, next).is_ok());
    }

    #[test]
    fn every_number_has_one_slot() {
        static POOL: Pool<u64> = Pool::new();
        while POOL.block(2).is_empty() {
            POOL.grow().unwrap();
        }
        let mut index = 0;
        for slots in (0..BLOCKS).map(|number| POOL.block(number)) {
            for slot in slots {
                assert!(ptr::eq(slot, POOL.slot(index).unwrap()));
                index += 1;
            }
        }
        assert!(POOL.slot(index).is_none());
        assert!(POOL.slot(usize::MAX >> 32).is_none());
    }
}

/// A slot, in all orders that there are of the steps of some who use it, close it, take it and open it anew. Those who
/// have its first handle try again and again.
#[cfg(test)]
mod model {
    use std::collections::HashSet;

    use super::{CHANGING, CLOSED, FREE, OPEN};

    const GENERATIONS: u8 = 2;

    #[derive(Copy, Clone, Debug, Eq, Hash, PartialEq)]
    struct Word {
        phase: u64,
        generation: u8,
        users: u8,
    }

    #[derive(Copy, Clone, Debug, Eq, Hash, PartialEq)]
    struct State {
        word: Word,
        /// The generation of the value that is there.
        value: Option<u8>,
        /// It is among those that were closed while they were used.
        waits: bool,
        /// How often the first value was taken out.
        emptied: u8,
        /// Where each is, and what it has read.
        actors: [(u8, Word); 4],
        wrong: bool,
    }

    #[derive(Copy, Clone, Eq, PartialEq)]
    enum Actor {
        User,
        Closer,
        Taker,
        Opener,
    }

    const CASTS: [[Actor; 4]; 3] = [
        [Actor::User, Actor::User, Actor::Closer, Actor::Opener],
        [Actor::User, Actor::Closer, Actor::Taker, Actor::Opener],
        [Actor::Taker, Actor::Taker, Actor::Closer, Actor::Opener],
    ];

    #[derive(Copy, Clone, Eq, PartialEq)]
    enum Protocol {
        Whole,
        CountingWhatWasNotCompared,
        TakingWhatWasNotCompared,
        ReapingWhatIsUsed,
    }

    const BEGIN: State = {
        let word = Word { phase: OPEN, generation: 0, users: 0 };
        let actors = [(0, word); 4];
        State { word, value: Some(0), waits: false, emptied: 0, actors, wrong: false }
    };

    impl State {
        fn is_first(word: Word) -> bool {
            word.phase == OPEN && word.generation == 0
        }

        fn empty(&mut self) {
            self.wrong |= self.value.is_none();
            self.emptied += u8::from(self.value == Some(0));
            self.value = None;
            self.word = Word { phase: FREE, generation: self.word.generation + 1, users: 0 };
        }

        /// The steps that an actor may do next.
        fn next(self, cast: [Actor; 4], n: usize, protocol: Protocol) -> Vec<State> {
            let mut state = self;
            let (step, read) = self.actors[n];
            let same = self.word == read;
            let mut go = (0, BEGIN.word);
            match (cast[n], step) {
                // All but the opener begin by looking whether it is theirs.
                (Actor::User | Actor::Closer | Actor::Taker, 0) => {
                    if !State::is_first(self.word) {
                        return Vec::new();
                    }
                    go.0 = 1;
                }
                (Actor::User, 1) if same || protocol == Protocol::CountingWhatWasNotCompared => {
                    state.word.users += 1;
                    go.0 = 2;
                }
                (Actor::User, 2) => state.word.users = self.word.users.saturating_sub(1),
                (Actor::Closer, 1) if same => {
                    state.word.phase = CLOSED;
                    go.0 = 2;
                }
                (Actor::Taker, 1)
                    if same && read.users == 0
                        || protocol == Protocol::TakingWhatWasNotCompared =>
                {
                    state.word.phase = CHANGING;
                    go.0 = 2;
                }
                (Actor::Taker, 2) => {
                    let mut back = state;
                    back.word.phase = OPEN;
                    back.actors[n] = go;
                    state.empty();
                    state.actors[n] = go;
                    return vec![back, state];
                }
                // To reap: for the opener once it is among those that wait.
                (Actor::Closer, 2) | (Actor::Opener, 1) => go.0 = step + 1,
                (Actor::Closer, 3) | (Actor::Opener, 2) => {
                    if read.users > 0 && protocol != Protocol::ReapingWhatIsUsed || !same {
                        state.waits = true;
                    } else {
                        state.word.phase = CHANGING;
                        go.0 = 4;
                    }
                }
                (Actor::Closer | Actor::Opener, 4) => state.empty(),
                (Actor::Opener, 0) if self.waits => {
                    state.waits = false;
                    go.0 = 1;
                }
                (Actor::Opener, 0)
                    if self.word.phase == FREE && self.word.generation < GENERATIONS =>
                {
                    state.word.phase = CHANGING;
                    go.0 = 5;
                }
                (Actor::Opener, 5) => {
                    state.wrong |= self.value.is_some();
                    state.value = Some(self.word.generation);
                    state.word.phase = OPEN;
                }
                (Actor::Opener, 0) => return Vec::new(),
                // Somebody was faster: again.
                _ => {}
            }
            if [1, 3].contains(&go.0) || go.0 == 2 && cast[n] == Actor::Opener {
                // What it is to compare with.
                go.1 = self.word;
            }
            state.actors[n] = go;
            vec![state]
        }

        fn is_wrong(&self, cast: [Actor; 4]) -> bool {
            let used = cast.iter().zip(self.actors).any(|(actor, (step, _))| {
                *actor == Actor::User && step == 2 && self.value != Some(0)
            });
            used || self.wrong || self.emptied > 1
        }
    }

    /// Goes to every state: how many there are, whether one is wrong, and whether the slot was opened as often as it can
    /// be.
    fn explore(cast: [Actor; 4], protocol: Protocol) -> (usize, bool, bool) {
        let mut known = HashSet::from([BEGIN]);
        let mut new = vec![BEGIN];
        let (mut wrong, mut last) = (false, false);
        while let Some(state) = new.pop() {
            if state.is_wrong(cast) {
                wrong = true;
                continue;
            }
            last |= state.word.phase == OPEN && state.word.generation == GENERATIONS - 1;
            for next in (0..cast.len()).flat_map(|n| state.next(cast, n, protocol)) {
                if known.insert(next) {
                    new.push(next);
                }
            }
        }
        (known.len(), wrong, last)
    }

    // Behaviours 25 and 41 and 42
    #[test]
    fn nobody_uses_what_was_taken_or_dropped_in_any_order_of_the_steps() {
        let mut noticed = 0;
        for cast in CASTS {
            let (states, wrong, last) = explore(cast, Protocol::Whole);
            assert!(states > 40 && !wrong && last, "{states}");
            for protocol in [
                Protocol::CountingWhatWasNotCompared,
                Protocol::TakingWhatWasNotCompared,
                Protocol::ReapingWhatIsUsed,
            ] {
                noticed |= i32::from(explore(cast, protocol).1) << protocol as u32;
            }
        }
        // The model notices what is wrong.
        assert_eq!(noticed, 0b1110);
    }
}
