//! `Awakener`.
//!
//! Its handles belong to no thread and are used from signal handlers, so that they are kept apart from
//! the others: in slots that are never freed, found without a lock.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::{ptr, slice};

use mio_st::poll::Awakener;
use mio_st::raw;

use crate::abi::*;
use crate::error::{Error, Result};
use crate::handles::{AWAKENER, tag};
use crate::memory::Out;
use crate::slots;
use crate::thread::{call, exclusive, plain};

const BAD: Error = Error::of(libc::EBADF);

/// How many slots the first block has; each further one has twice as many as the last.
const FIRST: usize = 64;

/// How many blocks there may be: as many as the slots of a handle can number.
const BLOCKS: usize = (slots::SLOT_BITS - FIRST.ilog2()) as usize;

/// The first block takes no memory at run time.
static FIRST_BLOCK: [Slot; FIRST] = [const { Slot::new() }; FIRST];

/// The further blocks, in the order in which they were made.
static MORE_BLOCKS: [AtomicPtr<Slot>; BLOCKS - 1] =
    [const { AtomicPtr::new(ptr::null_mut()) }; BLOCKS - 1];

/// How many slots were ever used.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Those that are free again.
static FREED: Slots = Slots::new();

/// Those that were closed while a wake was under way, and wait for its end.
static CLOSING: Slots = Slots::new();

/// How many awakeners are open.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// A place for an awakener. All-zero is a free one.
struct Slot {
    /// A [`State`].
    state: AtomicU64,
    /// The next in the list that it is in.
    next: AtomicU32,
    /// There while the phase is `OPEN` or `CLOSING`.
    awakener: UnsafeCell<MaybeUninit<Awakener>>,
}

// SAFETY: an awakener may be used by any thread, and who may touch it when is said by the state: whoever
// has counted himself in while it was OPEN may use it, whoever has brought it to CHANGING, and nobody
// else, may write to the slot.
unsafe impl Sync for Slot {}

/// From the lowest bit: how many wakes are under way (32), the phase (2), the generation.
#[derive(Copy, Clone, Eq, PartialEq)]
struct State(u64);

const FREE: u64 = 0;
/// Somebody makes an awakener here, or drops one. Also what a slot whose generations are used up stays in.
const CHANGING: u64 = 1;
const OPEN: u64 = 2;
/// Closed, but a wake may still be under way.
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

    fn wakes(self) -> u32 {
        self.0 as u32
    }

    fn with_phase(self, phase: u64) -> State {
        State(self.0 & !(3 << 32) | phase << 32)
    }
}

impl Slot {
    const fn new() -> Slot {
        Slot {
            state: AtomicU64::new(0),
            next: AtomicU32::new(0),
            awakener: UnsafeCell::new(MaybeUninit::uninit()),
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

    /// Frees the slot, which was closed, if no wake is under way any more; false if one is.
    fn reap(&self, index: usize) -> bool {
        let state = self.state();
        if state.wakes() > 0 || !self.change(state, state.with_phase(CHANGING)) {
            return false;
        }
        raw::acquire(self);
        // SAFETY: the awakener was there, and the phase is ours.
        unsafe { (*self.awakener.get()).assume_init_drop() };
        // One whose generations are used up is never used again.
        if state.generation() < slots::LAST_GENERATION {
            self.vacate(index, state.generation() + 1);
        }
        true
    }

    /// Makes the slot free. Who calls it has brought it to CHANGING.
    fn vacate(&self, index: usize, generation: u32) {
        self.state.store(State::new(generation, FREE).0, Ordering::Release);
        FREED.push(index, self);
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

    fn push(&self, index: usize, slot: &Slot) {
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

    fn pop(&self) -> Option<(usize, &'static Slot)> {
        let mut head = self.0.load(Ordering::Acquire);
        loop {
            let index = (head as u32).checked_sub(1)? as usize;
            let slot = slot(index)?;
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
struct Claimed {
    slot: &'static Slot,
    index: usize,
    generation: u32,
}

impl Claimed {
    /// Puts an awakener in; the result are the bits of its handle.
    fn open(self, awakener: Awakener) -> u64 {
        let Claimed { slot, index, generation } = self;
        std::mem::forget(self);
        // SAFETY: the phase is CHANGING, and it was brought there by `claim`.
        unsafe { (*slot.awakener.get()).write(awakener) };
        slot.state.store(State::new(generation, OPEN).0, Ordering::Release);
        LIVE.fetch_add(1, Ordering::Relaxed);
        slots::pack(tag(AWAKENER, 0), generation, index as u32)
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.slot.vacate(self.index, self.generation);
    }
}

/// The slots of a block; empty if it was not made yet.
fn block(number: usize) -> &'static [Slot] {
    if number == 0 {
        return &FIRST_BLOCK;
    }
    let Some(block) = MORE_BLOCKS.get(number - 1) else { return &[] };
    let slots = block.load(Ordering::Acquire);
    if slots.is_null() {
        return &[];
    }
    // SAFETY: `grow` put it there, with so many slots, and it is never freed.
    unsafe { slice::from_raw_parts(slots, FIRST << number) }
}

/// The slot with a number.
fn slot(index: usize) -> Option<&'static Slot> {
    // Before block n there are FIRST * (2^n - 1) slots.
    let number = (index / FIRST + 1).ilog2() as usize;
    block(number).get(index - FIRST * ((1 << number) - 1))
}

/// Makes another block.
#[cold]
fn grow() -> Result<()> {
    let out_of_memory = Error::of(libc::ENOMEM);
    let number = (1..BLOCKS).find(|number| block(*number).is_empty()).ok_or(out_of_memory)?;
    let layout = Layout::array::<Slot>(FIRST << number).map_err(|_| out_of_memory)?;
    // SAFETY: the size is not zero.
    let slots = unsafe { alloc_zeroed(layout) }.cast::<Slot>();
    if slots.is_null() {
        return Err(out_of_memory);
    }
    let place = MORE_BLOCKS.get(number - 1).ok_or(out_of_memory)?;
    if place.compare_exchange(ptr::null_mut(), slots, Ordering::AcqRel, Ordering::Acquire).is_err()
    {
        // SAFETY: another thread was faster; nobody has seen this block.
        unsafe { dealloc(slots.cast(), layout) };
    }
    Ok(())
}

/// Takes a free slot.
fn claim() -> Result<Claimed> {
    reap();
    let (index, slot) = match FREED.pop() {
        Some(freed) => freed,
        None => unused()?,
    };
    let generation = slot.state().generation();
    slot.state.store(State::new(generation, CHANGING).0, Ordering::Release);
    Ok(Claimed { slot, index, generation })
}

/// Takes a slot that was never used.
fn unused() -> Result<(usize, &'static Slot)> {
    loop {
        let index = USED.load(Ordering::Relaxed);
        let Some(slot) = slot(index) else {
            grow()?;
            continue;
        };
        if USED.compare_exchange(index, index + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            return Ok((index, slot));
        }
    }
}

/// Frees what was closed while a wake was under way, if that has ended.
fn reap() {
    let mut rest = CLOSING.take();
    while let Some(slot) = (rest as usize).checked_sub(1).and_then(slot) {
        let index = rest as usize - 1;
        rest = slot.next.load(Ordering::Relaxed);
        if !slot.reap(index) {
            CLOSING.push(index, slot);
        }
    }
}

/// The slot that a handle names, or named.
fn find(bits: u64) -> Result<&'static Slot> {
    if slots::tag(bits) != tag(AWAKENER, 0) {
        return Err(BAD);
    }
    slot(slots::slot(bits)).ok_or(BAD)
}

/// It takes no lock and frees nothing, as it may run in a signal handler.
fn wake(bits: u64) -> Result<()> {
    let slot = find(bits)?;
    // While it is counted in, nobody drops the awakener or closes its descriptor.
    slot.leave_open(slots::generation(bits), |state| State(state.0 + 1))?;
    // SAFETY: it was OPEN, and stays until it is counted out.
    let awakener = unsafe { (*slot.awakener.get()).assume_init_ref() };
    let result = if raw::is_forked(awakener) { Err(Error::FORKED) } else { Ok(awakener.wake()) };
    raw::release(slot);
    slot.state.fetch_sub(1, Ordering::Release);
    Ok(result??)
}

fn close(bits: u64) -> Result<()> {
    let slot = find(bits)?;
    slot.leave_open(slots::generation(bits), |state| state.with_phase(CLOSED))?;
    LIVE.fetch_sub(1, Ordering::Relaxed);
    reap();
    let index = slots::slot(bits);
    if !slot.reap(index) {
        CLOSING.push(index, slot);
    }
    Ok(())
}

/// How many awakeners are open.
pub(crate) fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Creates an awakener: waking gives the poller an event with `id` and `MIO_ST_READABLE`.
///
/// `awakener` receives it; close it with mio_st_awakener_close(). A poller may have any number of them.
///
/// Returns 0; `-EMFILE` or `-ENFILE` if there are too many descriptors; `-ENOSPC` if there are too many
/// registrations (`/proc/sys/fs/epoll/max_user_watches`); `-ENOMEM`; `-EINVAL` if `awakener` is NULL; the errors
/// of a handle.
///
/// Thread: that of the poller. The awakener itself belongs to no thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn mio_st_awakener_new(
    awakener: *mut mio_st_awakener_t,
    poller: mio_st_poller_t,
    id: u64,
) -> c_int {
    call(poller, |table| {
        let poller = table.poller(poller)?;
        // SAFETY: C promises that `awakener` can be written.
        let out = unsafe { Out::new(awakener) }?;
        let claimed = claim()?;
        out.put(mio_st_awakener_t { bits: claimed.open(poller.raw_add_awakener(id)?) });
        Ok(0)
    })
}

/// Wakes the poller. Wakes are coalesced: after the last one there is at least one event, and there may be
/// one too many. There is nothing to drain. It costs no system call while the poller is awake (unless
/// mio_st_poller_fd() was called, since somebody may wait for its descriptor), nor while an earlier wake is
/// still to be seen.
///
/// Returns 0; `-EPIPE` if the poller is closed; `MIO_ST_EFORKED` in a process that was forked since; `-EBADF`
/// if the awakener is closed. It preserves `errno`.
///
/// Any thread, and any signal handler: it takes no lock and allocates nothing. What was written before the
/// call is visible to the thread of the poller when it sees the event.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_awakener_wake(awakener: mio_st_awakener_t) -> c_int {
    raw::keeping_errno(|| plain(|| wake(awakener.bits).map(|()| 0)))
}

/// Closes an awakener. A wake that was sent before still arrives. It preserves `errno`.
///
/// Returns 0, also for `{0}`; `-EBADF` if it is closed; `-EBUSY` in a signal handler that has interrupted a
/// call of this library.
///
/// Any thread, also one that is ending (in a destructor of thread-specific data), but not a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_awakener_close(awakener: mio_st_awakener_t) -> c_int {
    if awakener.bits == 0 {
        return 0;
    }
    raw::keeping_errno(|| exclusive(|| close(awakener.bits).map(|()| 0)))
}

#[cfg(test)]
mod tests {
    use mio_st::Poller;

    use super::*;

    /// Behaviour 25: a wake between its check and its write keeps the descriptor open.
    #[test]
    fn an_awakener_closed_during_a_wake_is_dropped_when_the_wake_has_ended() {
        let mut poller = Poller::new().unwrap();
        let claimed = claim().unwrap();
        let slot = claimed.slot;
        let generation = claimed.generation;
        let bits = claimed.open(poller.raw_add_awakener(1).unwrap());
        // As `wake` does, on another thread.
        slot.leave_open(generation, |state| State(state.0 + 1)).unwrap();
        close(bits).unwrap();
        reap();
        assert!(slot.state() == State(State::new(generation, CLOSED).0 + 1));
        assert_eq!(wake(bits), Err(BAD));
        assert_eq!(close(bits), Err(BAD));
        slot.state.fetch_sub(1, Ordering::Release);
        reap();
        assert!(slot.state() == State::new(generation + 1, FREE));
        assert_eq!(CLOSING.take(), 0);
    }

    #[test]
    fn every_number_has_one_slot() {
        while block(2).is_empty() {
            grow().unwrap();
        }
        let mut index = 0;
        for slots in (0..BLOCKS).map(block) {
            for slot in slots {
                assert!(ptr::eq(slot, super::slot(index).unwrap()));
                index += 1;
            }
        }
        assert!(slot(index).is_none());
        assert!(slot(usize::MAX >> 32).is_none());
    }
}
