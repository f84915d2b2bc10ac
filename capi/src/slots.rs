//! Slots with generations: finds an object by 64 bits, which never find another.
//!
//! Pure: it knows neither threads nor descriptors. The bits are, from the lowest: a little of the generation of the
//! slot, the slot, the rest of the generation, and a tag of the caller's (the kind and the thread). So the slot is
//! where its distance from the first one has it, in bytes. A slot gets a new generation each time that it is used,
//! and is retired when there is none left. Free slots are used first in, first out, so that the generations last.

use std::collections::TryReserveError;
use std::mem;

/// How many bits number the slots of one thread: 4 million objects.
pub(crate) const SLOT_BITS: u32 = 22;

/// How many bits count the uses of one slot: 33 million.
pub(crate) const GENERATION_BITS: u32 = 25;

/// How many bits are left for the tag.
pub(crate) const TAG_BITS: u32 = 64 - SLOT_BITS - GENERATION_BITS;

/// How many bits of the generation are the lowest: as many as number the bytes of a slot.
const LOW_BITS: u32 = 6;

const LAST_SLOT: u32 = (1 << SLOT_BITS) - 1;
pub(crate) const LAST_GENERATION: u32 = (1 << GENERATION_BITS) - 1;

/// How many slots are added at once at most, so that it does not take long.
const AT_ONCE: usize = 1024;

/// No slot: the end of the list of free ones.
const NONE: u32 = u32::MAX;

/// The bits of a handle.
pub(crate) const fn pack(tag: u32, generation: u32, slot: u32) -> u64 {
    let (low, high) = (generation as u64 % (1 << LOW_BITS), generation as u64 >> LOW_BITS);
    let tag = (tag as u64) << (SLOT_BITS + GENERATION_BITS);
    tag | high << (LOW_BITS + SLOT_BITS) | (slot as u64) << LOW_BITS | low
}

/// The slot in the bits of a handle.
#[inline]
pub(crate) const fn slot(bits: u64) -> usize {
    (bits >> LOW_BITS & LAST_SLOT as u64) as usize
}

/// The generation in the bits of a handle.
pub(crate) const fn generation(bits: u64) -> u32 {
    let (low, high) = (bits % (1 << LOW_BITS), bits >> (LOW_BITS + SLOT_BITS));
    (high << LOW_BITS | low) as u32 & LAST_GENERATION
}

/// The tag in the bits of a handle.
#[inline]
pub(crate) const fn tag(bits: u64) -> u32 {
    (bits >> (SLOT_BITS + GENERATION_BITS)) as u32
}

/// The slots. `LIMIT` is the last generation, so that a test need not wait for it.
#[derive(Debug)]
pub(crate) struct Slots<T, const LIMIT: u32 = LAST_GENERATION> {
    slots: Vec<Slot<T>>,
    /// The most low bits of a slot's number of which any are those of a slot; where they are in the bits of a handle.
    mask: usize,
    /// The free slots are a list: its first and its last.
    free: u32,
    last_free: u32,
    live: u32,
    /// The first generation.
    first: u32,
}

// As large as `LOW_BITS` says, which it is by itself where addresses have 64 bits.
#[cfg_attr(target_pointer_width = "32", repr(align(64)))]
#[derive(Debug)]
pub(crate) struct Slot<T> {
    /// The bits of the handle while the slot is used, otherwise zero.
    bits: u64,
    state: State<T>,
}

#[derive(Debug)]
enum State<T> {
    Used(T),
    Free {
        /// The next in the list of free ones.
        next: u32,
        /// That of the next use.
        generation: u32,
    },
}

impl<T> Slot<T> {
    #[inline]
    fn get(&mut self, bits: u64) -> Option<&mut T> {
        if self.bits != bits {
            return None;
        }
        match &mut self.state {
            State::Used(value) => Some(value),
            State::Free { .. } => None,
        }
    }
}

/// Where the slots are, as long as none is added.
#[derive(Debug)]
pub(crate) struct Place<T> {
    pub(crate) slots: *mut Slot<T>,
    pub(crate) mask: usize,
}

impl<T> Place<T> {
    /// As [`Slots::get`] of those whose number the mask leaves as it is, which
    /// are at least half of all. Others it does not find.
    ///
    /// # Safety
    ///
    /// It is what [`Slots::place`] said when there was one, none was added since, and nothing else has a reference to
    /// one.
    #[inline(always)]
    pub(crate) unsafe fn get<'a>(self, bits: u64) -> Option<&'a mut T> {
        const { assert!(size_of::<Slot<T>>() == 1 << LOW_BITS) };
        // SAFETY: any number with the bits of the mask is the distance of a slot.
        unsafe { &mut *self.slots.byte_add(bits as usize & self.mask) }.get(bits)
    }
}

impl<T, const LIMIT: u32> Slots<T, LIMIT> {
    #[cfg(test)]
    const fn new() -> Slots<T, LIMIT> {
        Slots::since(1)
    }

    /// With generations from this one on, which is not zero.
    pub(crate) const fn since(first: u32) -> Slots<T, LIMIT> {
        Slots { slots: Vec::new(), mask: 0, free: NONE, last_free: NONE, live: 0, first }
    }

    /// Where they are.
    #[inline]
    pub(crate) fn place(&mut self) -> Place<T> {
        Place { slots: self.slots.as_mut_ptr(), mask: self.mask }
    }

    /// How many are used.
    pub(crate) fn live(&self) -> u32 {
        self.live
    }

    /// Makes sure that the next [`insert`](Slots::insert) has a slot.
    #[inline]
    pub(crate) fn reserve(&mut self) -> Result<(), TryReserveError> {
        if self.free != NONE {
            return Ok(());
        }
        self.grow()
    }

    /// As [`reserve`](Slots::reserve), for two.
    pub(crate) fn reserve_two(&mut self) -> Result<(), TryReserveError> {
        self.reserve()?;
        // With one slot free, the first is the last.
        if self.free == self.last_free { self.grow() } else { Ok(()) }
    }

    /// Adds free slots: as many as there are, up to a limit.
    #[cold]
    fn grow(&mut self) -> Result<(), TryReserveError> {
        let len = self.slots.len();
        if len > LAST_SLOT as usize {
            // All in use: the error is the same as that of memory, which it would take.
            return Vec::<u64>::new().try_reserve(usize::MAX);
        }
        let more = len.clamp(1, AT_ONCE);
        self.slots.try_reserve(more)?;
        for slot in len..len + more {
            let state = State::Free { next: NONE, generation: self.first };
            // There is room: this does not grow.
            if self.slots.len() < self.slots.capacity() {
                self.slots.push(Slot { bits: 0, state });
                self.put_free(slot as u32);
            }
        }
        if self.slots.len().is_power_of_two() {
            self.mask = (self.slots.len() - 1) << LOW_BITS;
        }
        Ok(())
    }

    /// Puts a value in a slot; `None` if there is none, see [`reserve`](Slots::reserve).
    #[inline]
    pub(crate) fn insert(&mut self, tag: u32, value: impl FnOnce() -> T) -> Option<u64> {
        let index = self.free;
        let slot = self.slots.get_mut(index as usize)?;
        let State::Free { next, generation } = slot.state else { return None };
        self.free = next;
        if next == NONE {
            self.last_free = NONE;
        }
        slot.bits = pack(tag, generation, index);
        slot.state = State::Used(value());
        self.live += 1;
        Some(slot.bits)
    }

    /// The value that `bits` were given for.
    #[inline]
    pub(crate) fn get(&mut self, bits: u64) -> Option<&mut T> {
        self.slots.get_mut(slot(bits))?.get(bits)
    }

    /// As [`get`](Slots::get), only to look at.
    #[inline]
    pub(crate) fn look(&self, bits: u64) -> Option<&T> {
        let slot = self.slots.get(slot(bits))?;
        if slot.bits != bits {
            return None;
        }
        match &slot.state {
            State::Used(value) => Some(value),
            State::Free { .. } => None,
        }
    }

    /// Takes the value out; `bits` find nothing any more.
    #[inline]
    pub(crate) fn remove(&mut self, bits: u64) -> Option<T> {
        let index = slot(bits);
        let slot = self.slots.get_mut(index)?;
        slot.get(bits)?;
        let next = generation(bits).wrapping_add(1);
        let free = State::Free { next: NONE, generation: next };
        let State::Used(value) = mem::replace(&mut slot.state, free) else {
            return None;
        };
        slot.bits = 0;
        self.live -= 1;
        // Otherwise it is used no more.
        if next <= LIMIT {
            self.put_free(index as u32);
        }
        Some(value)
    }

    /// Takes any value out; `None` if none is left.
    pub(crate) fn remove_any(&mut self, from: &mut usize) -> Option<T> {
        while let Some(slot) = self.slots.get(*from) {
            *from += 1;
            if slot.bits != 0 {
                return self.remove(slot.bits);
            }
        }
        None
    }

    #[inline]
    fn put_free(&mut self, index: u32) {
        match self.slots.get_mut(self.last_free as usize) {
            Some(Slot { state: State::Free { next, .. }, .. }) => *next = index,
            _ => self.free = index,
        }
        self.last_free = index;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    #[derive(Copy, Clone, Debug)]
    enum Step {
        Open,
        /// Closes the n-th of those that are open.
        Close(usize),
        /// Uses the n-th of all that there ever were.
        Use(usize),
        Forge(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => Just(Step::Open),
            4 => any::<usize>().prop_map(Step::Close),
            2 => any::<usize>().prop_map(Step::Use),
            1 => any::<u64>().prop_map(Step::Forge),
            1 => (0u64..8, 0u64..8).prop_map(|(slot, generation)| {
                Step::Forge(pack(7, generation as u32, slot as u32))
            }),
        ];
        proptest::collection::vec(step, 1..300)
    }

    /// As large as it must be.
    type Value = (u64, [u64; 5]);

    /// By both ways.
    fn find(slots: &mut Slots<Value, 3>, bits: u64) -> Option<u64> {
        let found = slots.get(bits).map(|value| value.0);
        if !slots.slots.is_empty() {
            let place = slots.place();
            let known = (place.mask >> LOW_BITS) + 1;
            assert!(known <= slots.slots.len() && 2 * known >= slots.slots.len());
            let is_among = slot(bits) < known;
            // SAFETY: it was just told.
            let quickly = unsafe { place.get(bits) }.map(|value| value.0);
            assert_eq!(quickly, found.filter(|_| is_among), "{bits:x}");
        }
        found
    }

    proptest! {
        /// Against a model: a map from every handle ever given to its value while it is open. With few
        /// generations, so that slots are retired.
        #[test]
        fn a_handle_finds_its_own_object_until_it_is_closed_and_then_nothing(steps in steps()) {
            const TAG: u32 = 7;
            let mut slots = Slots::<Value, 3>::new();
            let mut open = Vec::new();
            let mut model = HashMap::new();
            let mut ever = Vec::new();
            let mut seen = HashSet::new();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Open => {
                        slots.reserve().unwrap();
                        let bits = slots.insert(TAG, || (next, [0; 5])).unwrap();
                        prop_assert!(seen.insert(bits), "{bits:x} was given twice");
                        prop_assert!(bits != 0 && tag(bits) == TAG);
                        open.push(bits);
                        ever.push(bits);
                        model.insert(bits, next);
                        next += 1;
                    }
                    Step::Close(n) if !open.is_empty() => {
                        let bits = open.swap_remove(n % open.len());
                        prop_assert_eq!(slots.remove(bits).map(|value| value.0), model.remove(&bits));
                        prop_assert!(slots.remove(bits).is_none());
                    }
                    Step::Use(n) if !ever.is_empty() => {
                        let bits = ever[n % ever.len()];
                        prop_assert_eq!(find(&mut slots, bits), model.get(&bits).copied());
                    }
                    Step::Forge(bits) => {
                        prop_assert_eq!(find(&mut slots, bits), model.get(&bits).copied());
                    }
                    Step::Close(_) | Step::Use(_) => {}
                }
                prop_assert_eq!(slots.live() as usize, model.len());
            }
            let mut from = 0;
            let mut rest: Vec<_> = std::iter::from_fn(|| slots.remove_any(&mut from)).map(|value| value.0).collect();
            let mut expected: Vec<_> = model.into_values().collect();
            rest.sort();
            expected.sort();
            prop_assert_eq!(rest, expected);
            prop_assert_eq!(slots.live(), 0);
        }
    }

    #[test]
    fn two_slots_can_be_reserved_however_many_are_free() {
        for free in 0..4 {
            let mut slots = Slots::<()>::new();
            for _ in 0..free {
                slots.grow().unwrap();
            }
            slots.reserve_two().unwrap();
            assert!(slots.insert(1, || ()).is_some() && slots.insert(1, || ()).is_some());
            assert_eq!(slots.slots.len(), [2, 2, 2, 4][free]);
        }
    }

    #[test]
    fn free_slots_are_used_first_in_first_out() {
        let mut slots = Slots::<()>::new();
        let mut open = || {
            slots.reserve().unwrap();
            slots.insert(1, || ()).unwrap()
        };
        let handles = [open(), open(), open(), open()];
        let closed = [handles[1], handles[3], handles[0], handles[2]];
        let _ = closed.map(|closed| slots.remove(closed).unwrap());
        let reused = closed.map(|_| slot(slots.insert(1, || ()).unwrap()));
        assert_eq!(reused, closed.map(slot));
    }

    #[test]
    fn a_slot_whose_generations_are_used_up_is_retired() {
        let mut slots = Slots::<(), 2>::new();
        let mut used = Vec::new();
        for _ in 0..4 {
            slots.reserve().unwrap();
            let bits = slots.insert(1, || ()).unwrap();
            slots.remove(bits).unwrap();
            used.push((slot(bits), generation(bits)));
        }
        assert_eq!(used, [(0, 1), (0, 2), (1, 1), (1, 2)]);
    }
}
