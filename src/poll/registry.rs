//! What is known of the registrations while a poller needs more than the system tells: in which order they were
//! made, and what became of their events. Nothing that a poll hands out depends on it but the order.

use std::collections::TryReserveError;
use std::os::fd::RawFd;

use crate::poll::{Interests, PollOption};

/// A registration; 28 bytes.
#[derive(Copy, Clone, Debug, Default)]
#[repr(Rust, packed(4))]
pub(super) struct Entry {
    pub(super) id: u64,
    /// The number of the registration. (They are told apart up to 2^32 of them.)
    order: u32,
    /// The place of the next one with the same hash; one more than that, and zero if there is none.
    next: u32,
    /// Of the last event, see `Watch`: its turn, or of a oneshot handle the time in milliseconds.
    pub(super) last: u32,
    /// What was read and written, when that was asked last.
    pub(super) sample: u32,
    /// The events in a row.
    pub(super) count: u16,
    /// None if there is no registration.
    pub(super) option: Option<PollOption>,
    pub(super) flags: u8,
}

impl Entry {
    /// There is an interest in writing.
    pub(super) const WRITES: u8 = 1 << 0;
    /// It is to be looked at whether the handle was drained.
    pub(super) const OUTSTANDING: u8 = 1 << 1;
    /// It was looked at, and was not.
    pub(super) const SUSPECT: u8 = 1 << 2;
    /// A oneshot handle had its event.
    pub(super) const FIRED: u8 = 1 << 3;
    /// There was a complaint.
    pub(super) const TOLD: u8 = 1 << 4;
    /// It stays among those to be looked at, see `Watch::retain`.
    pub(super) const STAYS: u8 = 1 << 5;

    pub(super) fn is_suspect(&self) -> bool {
        self.flags & Entry::SUSPECT != 0
    }
}

/// How much room to make where so much is used up: little, since it is there for each registration, and in proportion,
/// since all of it is moved.
pub(super) fn more_than(len: usize) -> usize {
    len / 32 + 16
}

/// Registrations, by descriptor and by id, which several may have.
#[derive(Debug, Default)]
pub(super) struct Registry {
    /// By descriptor.
    entries: Vec<Entry>,
    /// By the hash of the id, a power of two of them: one more than a descriptor, or zero.
    heads: Vec<u32>,
    orders: u32,
}

impl Registry {
    /// A descriptor was registered, anew or once more. Where there is no memory it is forgotten. Returns what there
    /// was of it before.
    pub(super) fn note(
        &mut self,
        fd: RawFd,
        id: u64,
        interests: Interests,
        option: PollOption,
        is_new: bool,
    ) -> Option<Entry> {
        if self.make_room(fd).is_err() {
            return None;
        }
        let before = self.entry(fd);
        let order = match before {
            Some(before) if !is_new => before.order,
            _ => {
                self.orders = self.orders.wrapping_add(1);
                self.orders
            }
        };
        self.remove(fd);
        let flags = if interests.is_writable() { Entry::WRITES } else { 0 };
        self.put(fd, Entry { id, order, option: Some(option), flags, ..Entry::default() });
        before
    }

    /// Makes room for a descriptor, which is open, so that its number is a small one.
    fn make_room(&mut self, fd: RawFd) -> Result<(), TryReserveError> {
        let Ok(fd) = usize::try_from(fd) else { return Ok(()) };
        let wanted = fd + 1;
        if wanted > self.entries.capacity() {
            let room = wanted + more_than(wanted);
            self.entries.try_reserve_exact(room - self.entries.len())?;
        }
        // At most two to four entries each.
        let heads = 1 << (self.entries.capacity() / 2).max(1).ilog2();
        if heads > self.heads.len() {
            self.heads.try_reserve_exact(heads - self.heads.len())?;
        }
        extend(&mut self.entries, wanted);
        if heads > self.heads.len() {
            extend(&mut self.heads, heads);
            self.link_all();
        }
        Ok(())
    }

    /// The registration of a descriptor was ended.
    pub(super) fn remove(&mut self, fd: RawFd) {
        let Some(gone) = self.entry(fd) else { return };
        let number = fd as u32 + 1;
        let hash = self.hash(gone.id);
        let Some(head) = self.heads.get_mut(hash) else { return };
        if *head == number {
            *head = gone.next;
        } else {
            let mut before = *head;
            while let Some(entry) = self.entries.get_mut((before as usize).wrapping_sub(1)) {
                if entry.next == number {
                    entry.next = gone.next;
                    break;
                }
                before = entry.next;
            }
        }
        if let Some(entry) = self.entries.get_mut(fd as usize) {
            *entry = Entry::default();
        }
    }

    /// The registration of a descriptor.
    pub(super) fn entry(&self, fd: RawFd) -> Option<Entry> {
        let entry = self.entries.get(usize::try_from(fd).ok()?)?;
        entry.option.is_some().then_some(*entry)
    }

    pub(super) fn entry_mut(&mut self, fd: RawFd) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(usize::try_from(fd).ok()?)?;
        entry.option.is_some().then_some(entry)
    }

    /// Whether an event may tell the program that it can write to a descriptor.
    pub(super) fn waits_for_room(&self, fd: RawFd) -> bool {
        let writes = |entry: Entry| entry.flags & (Entry::WRITES | Entry::FIRED) == Entry::WRITES;
        self.entry(fd).is_some_and(writes)
    }

    /// No descriptor is as large as this.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The number of the last registration with this id, since earlier ones may have been closed; what is not known
    /// comes last.
    pub(super) fn order(&self, id: u64) -> u32 {
        let fds = std::iter::successors(self.first(id), |fd| self.after(*fd, id));
        let orders = fds.filter_map(|fd| self.entry(fd)).map(|entry| entry.order);
        orders.max().unwrap_or(u32::MAX)
    }

    /// A descriptor that is registered with this id.
    pub(super) fn first(&self, id: u64) -> Option<RawFd> {
        self.search(self.heads.get(self.hash(id)).copied().unwrap_or(0), id)
    }

    /// The next descriptor that is registered with this id.
    pub(super) fn after(&self, fd: RawFd, id: u64) -> Option<RawFd> {
        self.search(self.entries.get(fd as usize)?.next, id)
    }

    fn search(&self, mut next: u32, id: u64) -> Option<RawFd> {
        loop {
            let fd = next.checked_sub(1)?;
            let entry = self.entries.get(fd as usize)?;
            if entry.id == id {
                return Some(fd as RawFd);
            }
            next = entry.next;
        }
    }

    fn put(&mut self, fd: RawFd, entry: Entry) {
        if let Some(place) = self.entries.get_mut(fd as usize) {
            *place = entry;
            self.link(fd as u32);
        }
    }

    fn link(&mut self, fd: u32) {
        let Some(entry) = self.entries.get_mut(fd as usize) else { return };
        let hash = hash(entry.id, self.heads.len());
        if let Some(head) = self.heads.get_mut(hash) {
            entry.next = std::mem::replace(head, fd + 1);
        }
    }

    fn link_all(&mut self) {
        self.heads.fill(0);
        for fd in 0..self.entries.len() as u32 {
            if self.entry(fd as RawFd).is_some() {
                self.link(fd);
            }
        }
    }

    fn hash(&self, id: u64) -> usize {
        hash(id, self.heads.len())
    }
}

/// The place among `heads`, a power of two.
fn hash(id: u64, heads: usize) -> usize {
    // Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, 6.4).
    (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & heads.wrapping_sub(1)
}

/// Lengthens a vector to where there is room, which was made; so this does not grow, which could panic.
fn extend<T: Copy + Default>(vec: &mut Vec<T>, len: usize) {
    while vec.len() < len && vec.len() < vec.capacity() {
        vec.push(T::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(registry: &mut Registry, fd: RawFd, id: u64, is_new: bool) {
        registry.note(fd, id, Interests::READABLE, PollOption::Level, is_new);
    }

    fn fds(registry: &Registry, id: u64) -> Vec<RawFd> {
        let fds = std::iter::successors(registry.first(id), |fd| registry.after(*fd, id));
        let mut fds: Vec<_> = fds.collect();
        fds.sort_unstable();
        fds
    }

    #[test]
    fn registrations_are_found_by_id_in_whatever_order_they_come_and_go() {
        let mut registry = Registry::default();
        let mut model = std::collections::BTreeMap::new();
        let mut random = 1u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (fd, id) = ((random >> 40) as RawFd % 100, (random >> 50) % 30);
            match random >> 61 {
                0..=2 => {
                    note(&mut registry, fd, id, true);
                    model.insert(fd, id);
                }
                3 if model.contains_key(&fd) => {
                    note(&mut registry, fd, id, false);
                    model.insert(fd, id);
                }
                _ => {
                    registry.remove(fd);
                    model.remove(&fd);
                }
            }
            let of_id = model.iter().filter(|(_, known)| **known == id).map(|(fd, _)| *fd);
            assert_eq!(fds(&registry, id), of_id.collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_order_is_that_of_the_registrations_and_the_unknown_is_last() {
        let mut registry = Registry::default();
        for (fd, id) in [(9, 3), (5, 1), (7, 2), (6, 1)] {
            note(&mut registry, fd, id, true);
        }
        note(&mut registry, 9, 4, false);
        let orders = [4, 2, 1, 3].map(|id| registry.order(id));
        assert!(orders.is_sorted(), "{orders:?}");
        assert_eq!(orders[3], u32::MAX);
    }

    #[test]
    fn a_registration_takes_28_bytes() {
        assert_eq!(size_of::<Entry>(), 28);
    }
}
