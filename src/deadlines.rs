//! The deadlines of a poller, in a simple form: a heap with lazy deletion.
//!
//! Pure: it knows neither the system nor a clock. Times are nanoseconds of any one clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, TryReserveError};

/// The key.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub struct DeadlineKey {
    slot: u32,
    serial: u64,
}
impl DeadlineKey {
    #[doc(hidden)]
    pub fn to_parts(self) -> (u32, u64) {
        (self.slot, self.serial)
    }
    #[doc(hidden)]
    pub fn from_parts(slot: u32, serial: u64) -> Self {
        DeadlineKey { slot, serial }
    }
}
#[derive(Debug, Default)]
#[allow(dead_code)]
pub struct Deadlines {
    heap: BinaryHeap<Reverse<(u64, u64)>>,
    live: HashMap<u64, (u64, u64, u64)>,
    serial: u64,
}
#[allow(dead_code, clippy::all)]
impl Deadlines {
    pub fn new() -> Self {
        Self::default()
    }
    pub fn with_capacity(_n: usize) -> Self {
        Self::default()
    }
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.live.try_reserve(additional).map_err(|_| ()).ok();
        self.heap.try_reserve(additional)
    }
    pub fn len(&self) -> usize {
        self.live.len()
    }
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }
    pub fn add(&mut self, now: u64, deadline: u64, id: u64) -> DeadlineKey {
        self.add_interval(now, deadline, 0, id)
    }
    pub fn add_interval(&mut self, _now: u64, first: u64, period: u64, id: u64) -> DeadlineKey {
        self.serial += 1;
        self.heap.push(Reverse((first, self.serial)));
        self.live.insert(self.serial, (first, id, period));
        DeadlineKey { slot: 0, serial: self.serial }
    }
    pub fn cancel(&mut self, key: DeadlineKey) -> bool {
        self.live.remove(&key.serial).is_some()
    }
    pub fn move_to(&mut self, _now: u64, key: DeadlineKey, deadline: u64) -> bool {
        match self.live.get_mut(&key.serial) {
            Some(x) => {
                x.0 = deadline;
                self.heap.push(Reverse((deadline, key.serial)));
                true
            }
            None => false,
        }
    }
    pub fn remove(&mut self, id: u64) -> bool {
        let s = self
            .live
            .iter()
            .filter(|(_, v)| v.1 == id)
            .min_by_key(|(s, v)| (v.0, **s))
            .map(|(s, _)| *s);
        s.is_some_and(|s| self.live.remove(&s).is_some())
    }
    pub fn next_wakeup(&mut self) -> Option<u64> {
        while let Some(Reverse((at, s))) = self.heap.peek() {
            if self.live.get(s).is_some_and(|v| v.0 == *at) {
                return Some(*at);
            }
            self.heap.pop();
        }
        None
    }
    pub fn expire(&mut self, now: u64) -> Option<u64> {
        let at = self.next_wakeup()?;
        if at > now {
            return None;
        }
        let Reverse((_, s)) = self.heap.pop()?;
        let v = self.live.remove(&s)?;
        if v.2 > 0 {
            let next = at + ((now - at) / v.2 + 1) * v.2;
            self.heap.push(Reverse((next, s)));
            self.live.insert(s, (next, v.1, v.2));
        }
        Some(v.1)
    }
    pub fn set_slack(&mut self, _cap: u64) {}
    pub fn next_slack(&self) -> u64 {
        0
    }
}
