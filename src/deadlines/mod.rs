//! Deadlines: any number of them, each add, move, cancel and expiry in constant time, amortised (but for
//! the sorting of what lies within some microseconds). They expire at their own times, in that order; but
//! to wake up for one is worth while a little later, as much as its slack allows, since others may come by
//! then.
//!
//! This is a queue over absolute times in nanoseconds. It asks no system and reads no clock, so
//! it behaves the same whatever the clock does: stand still, jump a century, step back.
//!
//! # The structure
//!
//! A wheel of 7 levels with 256 buckets each, 8 bits of the 64-bit time a level; the lowest 12 bits
//! are left to sorting. Which bucket a time belongs to is decided by the highest digit in which it
//! differs from the `origin`:
//!
//! ```text
//! origin    … 03 17 42 00 09        a time at level 2, bucket 50: everything that
//! time      … 03 17 50 31 07        differs from it only in its last two digits is there too
//!                   ^^
//! ```
//!
//! A bucket of level 1 is 2^20 ns wide, as the slack is where nothing else is asked for: what expires
//! together lies together there. And 256 of them are 0.27 s, 256 of those 69 s: few buckets have to be
//! spread before a timeout comes up, each of which is a walk through memory that is no longer cached.
//!
//! Read in the right order (the buckets before the origin, from the top level down; then those
//! after it, from the bottom level up) the buckets never overlap, so the earliest deadline is in
//! the first occupied one. That holds for *any* origin, in the past or in the future; the origin
//! decides how fast things are, never whether they are right.
//!
//! Four kinds of work are put off until a time in question is the first one, because most deadlines
//! are cancelled or moved before that:
//!
//! - A new deadline is only written into a slot: it is in the *inbox*, which knows no more than a
//!   time that none in it is earlier than. It is filed in the wheel when that time comes before all
//!   others.
//! - A deadline moved *later* stays where it is with its new time written into it. This is what a
//!   server does at every read, and it touches one line of memory.
//! - A bucket is a list in the order of arrival. Usually that is the right order; if it is not, it
//!   is sorted.
//! - If it is too long for that, the origin moves to an early time in it, and what is in it is filed again, which
//!   spreads it over the levels below.
//!
//! A poll files no more than a [`PORTION`], whatever for. What is left keeps back all that may be later: the next
//! polls go on. (Only what lies within the 4,096 ns of one bucket is sorted in one go.)
//!
//! The time to wake up at is the earliest of the times of all, each rounded up by its own slack. It is
//! looked for from the front on, as far as such a time may be earlier than the best one found, and then
//! remembered with the deadline whose it is.
//!
//! A cancelled deadline is only marked. Its slot is vacant when it is met at the front, or where its
//! bucket or the inbox is gone through. Besides, when there are more than half as many marked ones as live ones,
//! each [`HANDFUL`] of additions looks at some slots more, first in the inbox and then in the memory of the
//! wheel: at four for each addition. So a quarter of the slots, at most, is taken while all are looked at once, and
//! there are never twice as many as live deadlines need. Where the last live one is cancelled before any was
//! filed, the inbox is vacant at once.
//!
//! The vacant slots are a chain, from which an addition takes the first, and goes on to point at the
//! one that was second. So the slots taken last are a chain without another word being written: the
//! inbox is the part of it from where it was last empty. A slot that becomes vacant goes to another
//! chain, of which a handful is appended when the first one ends.
//!
//! Links (8 bytes) and nodes (32 bytes) live in two arrays: moving a deadline later and cancelling
//! it touch its node alone, and a node never straddles two lines of the cache.

use std::collections::TryReserveError;
use std::fmt;
use std::hint::black_box;
use std::iter;
use std::mem;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(any(test, fuzzing))]
pub mod model;
#[cfg(test)]
mod tests;

/// Names a deadline, from when it was added until it has expired or was cancelled.
///
/// A key stays valid while its deadline is moved, and an interval's until it is cancelled. After
/// that, and on any other poller, it is answered `false`, for ever.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub struct DeadlineKey {
    /// The index of its node; [`INTERVAL`] is part of it.
    slot: u32,
    /// Unique in the process; [`REPEATS`] is part of it.
    serial: NonZeroU64,
}

impl DeadlineKey {
    /// For the C interface, which hands keys out as numbers.
    #[doc(hidden)]
    pub fn to_parts(self) -> (u32, u64) {
        (self.slot, self.serial.get())
    }

    /// As [`from_parts`](Self::from_parts), which is quicker since it is `None` for all that is no plain deadline.
    #[doc(hidden)]
    #[inline(always)]
    pub fn plain_from_parts(slot: u64, serial: u64) -> Option<DeadlineKey> {
        if serial & REPEATS != 0 || slot >= INTERVAL.into() {
            return None;
        }
        NonZeroU64::new(serial).map(|serial| DeadlineKey { slot: slot as u32, serial })
    }

    /// Any two numbers are fine: what was never a key is a key that names nothing.
    #[doc(hidden)]
    pub fn from_parts(slot: u32, serial: u64) -> DeadlineKey {
        match NonZeroU64::new(serial) {
            // Nothing else keeps an interval from being taken for a plain deadline.
            Some(serial) if (slot & INTERVAL != 0) == (serial.get() & REPEATS != 0) => {
                DeadlineKey { slot, serial }
            }
            // No node has this serial.
            _ => DeadlineKey { slot: NIL, serial: NonZeroU64::MAX },
        }
    }
}

/// How late a deadline may be unless [`Deadlines::set_slack`] says otherwise, in nanoseconds.
pub const DEFAULT_SLACK: u64 = 1 << 20;

/// The bits of a time that no level looks at: a bucket of the lowest is 4,096 ns wide.
const IGNORED: u32 = 12;
/// The bits of a time that a level looks at.
const DIGIT: u32 = 8;
const LEVELS: u32 = (u64::BITS - IGNORED).div_ceil(DIGIT);
/// The buckets of a level.
const WIDTH: u32 = 1 << DIGIT;
const BUCKETS: usize = (LEVELS * WIDTH) as usize;
/// A bucket where no time belongs: in it is, in no order, what a bucket had that was too long.
const REST: u32 = BUCKETS as u32 - 1;
/// How many sets of 64 bits have one for each bucket, rounded up, so that a mask keeps an index inside.
const SETS: usize = (BUCKETS / 64).next_power_of_two();

/// A bucket with up to this many deadlines is sorted where it is, a longer one is spread out.
const FEW: usize = 32;

/// How many deadlines one poll files, at most.
pub const PORTION: u32 = 4096;

/// How many places become vacant for additions at a time, …
const HANDFUL: usize = 32;
/// … and how many are looked at for that, if many are taken by cancelled deadlines: in the inbox, and in the wheel.
const SWEPT: usize = 128;

/// How many nodes, or links, lie together in memory.
const PIECE: usize = 1024;

/// At how many deadlines one looks, at most, for the one that wants to wake up first.
const LOOK: usize = 1024;

const NO_MEMORY: &str = "memory for a deadline";

/// In place of a slot: none.
const NIL: u32 = u32::MAX;

/// In place of the link to the one before: this is the second slot of an interval.
const HOME: u32 = NIL - 1;

/// The same, while that slot is still in the chain of the inbox.
const HOME_IN_INBOX: u32 = NIL - 2;

/// In the slot of a key: an interval. There are no more slots than that, so that the key of an
/// interval needs no test of its own where the index is tested anyway.
const INTERVAL: u32 = 1 << 31;

/// How many places there may be: what is above them in a `u32` has other meanings.
const MOST: usize = INTERVAL as usize - BUCKETS - 32;

/// From one order to the next. What is below it is [`STALE`] and the [`grain`](Node::grain).
const STEP: u64 = 1 << 7;

/// The length of a block of serials, of which every [`STEP`]th is given; see [`Deadlines::take_serials`].
const SERIALS: u64 = STEP << 20;

/// In a serial: an interval.
const REPEATS: u64 = 1 << 63;

/// In an order: since the node was filed its time was moved later.
const STALE: u64 = 1;

/// Aligned not to straddle two lines of the cache.
#[derive(Copy, Clone, Debug)]
#[repr(align(32))]
struct Node {
    /// Zero if this is no deadline, or no longer.
    serial: u64,
    when: u64,
    /// The number of the last addition or move, in steps of [`STEP`]; decides between equal times. Below
    /// that are [`STALE`] and the grain.
    order: u64,
    /// The caller's; but an interval has the place of its [`Interval`] here.
    id: u64,
}

/// What an interval needs beyond its node is kept in a second one, which is in no bucket.
struct Interval {
    period: u64,
    id: u64,
}

impl Node {
    const NONE: Node = Node { serial: 0, when: 0, order: 0, id: 0 };

    fn repeats(&self) -> bool {
        self.serial & REPEATS != 0
    }

    /// What the time is rounded up to, for waiting: two to the power of this, which is at most the slack.
    fn grain(&self) -> u32 {
        (self.order / 2 % (STEP / 2)) as u32
    }

    /// The time to wake up at.
    fn wakeup(&self) -> u64 {
        let mask = (1 << self.grain()) - 1;
        self.when.checked_add(mask).map_or(u64::MAX, |sum| sum & !mask)
    }

    /// The time from which on it is late.
    fn latest(&self) -> u64 {
        self.when.saturating_add(1 << self.grain())
    }
}

impl From<Interval> for Node {
    fn from(interval: Interval) -> Node {
        Node { serial: 0, when: 0, order: interval.period, id: interval.id }
    }
}

impl From<&Node> for Interval {
    fn from(node: &Node) -> Interval {
        Interval { period: node.order, id: node.id }
    }
}

#[derive(Copy, Clone, Debug)]
struct Link {
    prev: u32,
    next: u32,
}

impl Link {
    const NONE: Link = Link { prev: NIL, next: NIL };
}

/// An array that never moves: what it has outgrown goes on elsewhere. To move a great one takes the system
/// milliseconds, even if it does so page by page.
struct Pieces<T> {
    /// Of a length that the compiler knows: an index into one needs no check.
    pieces: Vec<Box<[T; PIECE]>>,
    /// Memory that is not written to yet: it becomes another piece.
    spare: Vec<Vec<T>>,
    len: usize,
}

impl<T: Copy> Pieces<T> {
    const EMPTY: Pieces<T> = Pieces { pieces: Vec::new(), spare: Vec::new(), len: 0 };

    #[inline]
    fn get(&self, n: usize) -> Option<&T> {
        Some(&self.pieces.get(n / PIECE)?[n % PIECE])
    }

    #[inline]
    fn get_mut(&mut self, n: usize) -> Option<&mut T> {
        Some(&mut self.pieces.get_mut(n / PIECE)?[n % PIECE])
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flat_map(|piece| piece.iter())
    }

    fn room(&self) -> usize {
        (self.pieces.len() + self.spare.len()) * PIECE - self.len
    }

    fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        while self.room() < additional {
            self.pieces.try_reserve(self.spare.len() + 1)?;
            self.spare.try_reserve(1)?;
            let mut memory = Vec::new();
            memory.try_reserve_exact(PIECE)?;
            push_reserved(&mut self.spare, memory);
        }
        Ok(())
    }

    /// Where there is room, which was made.
    fn push(&mut self, value: T) {
        if self.len == self.pieces.len() * PIECE {
            self.make_piece(value);
        }
        if let Some(next) = self.get_mut(self.len) {
            *next = value;
            self.len += 1;
        }
    }

    /// Makes a piece of spare memory, and fills it.
    #[cold]
    fn make_piece(&mut self, value: T) {
        let Some(mut memory) = self.spare.pop() else { return };
        for _ in 0..PIECE {
            push_reserved(&mut memory, value);
        }
        // With more room than it needs it would be allocated once more, which could fail.
        if memory.capacity() != PIECE {
            return;
        }
        if let Ok(piece) = memory.try_into() {
            push_reserved(&mut self.pieces, piece);
        }
    }
}

/// An error if the system does not have memory for so many, which to ask for it bit by bit would not say.
fn can_have<T>(count: usize) -> Result<(), TryReserveError> {
    Vec::<T>::new().try_reserve_exact(count)
}

/// The deadlines of one poller. See the [module's documentation](self).
///
/// All times are nanoseconds on one clock of the caller's choice.
pub struct Deadlines {
    /// The node at place `n` has the index [`node_index`]`(n)`.
    nodes: Pieces<Node>,
    /// One circle for each bucket, closed by the bucket's own link: the first [`BUCKETS`] of them
    /// are the buckets, the others those of the nodes. No links at all before the first addition.
    ///
    /// What is in no bucket has [`NIL`] or [`HOME`] as `prev`.
    links: Pieces<Link>,
    /// The first of the vacant places, which are chained by `next`, …
    vacant: u32,
    /// … and the last one, or the last of the inbox if there is none. Undefined without either.
    last: u32,
    /// The first that was taken from that chain and is not filed yet; `vacant` if there is none.
    inbox: u32,
    /// No deadline in the inbox, or in [`REST`], is earlier than this.
    unfiled_from: u64,
    /// How many more may be filed in this poll.
    budget: u32,
    /// What has become vacant since: another chain.
    freed: u32,
    /// Where the next sweep of the wheel begins, as an index of a node.
    swept: usize,
    len: usize,
    /// The places that are taken by cancelled deadlines.
    cancelled: usize,
    /// The places that are taken by [`Interval`]s.
    intervals: usize,

    origin: u64,
    /// A bit for each bucket with a deadline in it.
    occupied: [u64; SETS],
    /// A bit for each bucket whose nodes are in order, but for the stale ones. Set if empty.
    sorted: [u64; SETS],
    /// No bucket before this one is occupied, …
    front: u32,
    /// … and none will be as long as nothing is filed that is earlier than this.
    front_from: u64,
    /// Where [`read_ahead`](Self::read_ahead) is while the front expires: any number is right.
    ahead: u32,

    /// The earliest of the times at which one of those in the wheel wants to wake up …
    wakeup: u64,
    /// … and the earliest of those from which on one is late. Zero if the two are not known. Nothing is
    /// filed, or moved in its place, that has its time before this one.
    latest: u64,
    /// Whose the wake-up is, and its order when it was found.
    waker: u32,
    waker_order: u64,

    slack: u64,
    /// From this distance on a deadline has the full slack.
    slack_from: u64,
    /// The number of the last addition or move, with [`STALE`] and the grain of the full slack in it.
    last_order: u64,
    /// What makes a serial of the number of an addition, up to `serials_end`.
    serials: u64,
    serials_end: u64,
}

impl Deadlines {
    /// Allocates nothing.
    pub fn new() -> Deadlines {
        Deadlines {
            nodes: Pieces::EMPTY,
            links: Pieces::EMPTY,
            vacant: NIL,
            last: NIL,
            inbox: NIL,
            unfiled_from: u64::MAX,
            budget: u32::MAX,
            freed: NIL,
            swept: 0,
            len: 0,
            cancelled: 0,
            intervals: 0,
            origin: 0,
            occupied: [0; SETS],
            sorted: [u64::MAX; SETS],
            front: 0,
            front_from: 0,
            ahead: NIL,
            wakeup: 0,
            latest: 0,
            waker: NIL,
            waker_order: 0,
            slack: DEFAULT_SLACK,
            slack_from: DEFAULT_SLACK * 128,
            last_order: STALE | grain_bits(DEFAULT_SLACK),
            serials: 0,
            serials_end: 0,
        }
    }

    /// Room for `n` deadlines. An interval counts for two.
    pub fn with_capacity(n: usize) -> Deadlines {
        let mut deadlines = Deadlines::new();
        if n > 0 {
            deadlines.try_reserve(n).expect(NO_MEMORY);
        }
        deadlines
    }

    /// Makes room for `additional` more deadlines, so that adding them allocates nothing. Nothing
    /// but adding ever does. An interval counts for two.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        // Twice, for as many cancelled ones may be among them.
        let live = (self.len + self.intervals).saturating_add(additional);
        let total = live.saturating_mul(2);
        if total > MOST {
            return can_have::<Node>(usize::MAX);
        }
        let nodes = total.saturating_sub(self.nodes.len);
        let links = (total + BUCKETS).saturating_sub(self.links.len);
        can_have::<(Node, Link)>(nodes)?;
        self.nodes.try_reserve(nodes)?;
        self.links.try_reserve(links)?;
        // Written to, since the system allocates memory page by page, when it is first written to.
        self.add_places(live.saturating_sub(self.nodes.len));
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether there never was a deadline, nor room for any.
    #[inline]
    pub fn is_new(&self) -> bool {
        self.links.room() == 0 && self.links.len == 0
    }

    /// Begins a poll, in which so many deadlines may be filed.
    ///
    /// What there is to file beyond that is a [backlog](Self::has_backlog). Until it was filed, poll by poll,
    /// the next wake-up may be told too early, and what has come may be kept back.
    #[inline]
    pub fn begin(&mut self, portion: u32) {
        self.budget = portion;
    }

    /// Whether this poll has filed as many as it may: there may be more.
    pub fn has_backlog(&self) -> bool {
        self.budget == 0
    }

    /// How late a deadline added or moved from now on may be, at most. Zero is exact.
    pub fn set_slack(&mut self, slack: u64) {
        self.slack = slack;
        self.slack_from = slack.saturating_mul(128);
        self.last_order = (self.last_order / STEP * STEP) | STALE | grain_bits(slack);
    }

    /// Adds a deadline; once it has passed [`expire`](Self::expire) answers `id`.
    ///
    /// # Panics
    ///
    /// When there is no memory; [`try_add`](Self::try_add) has an error instead.
    #[inline]
    pub fn add(&mut self, now: u64, deadline: u64, id: u64) -> DeadlineKey {
        match self.add_quickly(now, deadline, id) {
            Some(key) => key,
            None => self.add_slowly(now, deadline, id),
        }
    }

    #[inline(never)]
    fn add_slowly(&mut self, now: u64, deadline: u64, id: u64) -> DeadlineKey {
        self.try_add(now, deadline, id).expect(NO_MEMORY)
    }

    /// As [`add`](Self::add) where that is nothing but writing it down: it is far enough away for the full slack, and
    /// there is a vacant place. Otherwise nothing is done. Calls nothing, so that who calls it need not save
    /// registers.
    #[inline(always)]
    pub fn add_quickly(&mut self, now: u64, deadline: u64, id: u64) -> Option<DeadlineKey> {
        let next = self.next_order_of_far(now, deadline)?;
        let order = next & !STALE;
        let place = self.vacant;
        let vacant = self.links.get(place as usize)?.next;
        let node = self.nodes.get_mut(node_index(place))?;
        if order >= self.serials_end {
            return None;
        }
        let serial = NonZeroU64::MIN | self.serials.wrapping_add(order);
        *node = Node { serial: serial.get(), when: deadline, order, id };
        self.last_order = next;
        self.vacant = vacant;
        self.len += 1;
        if deadline < self.unfiled_from {
            self.unfiled_from = deadline;
        }
        Some(DeadlineKey { slot: place - BUCKETS as u32, serial })
    }

    /// As [`add`](Self::add); what cannot be had is an error.
    pub fn try_add(
        &mut self,
        now: u64,
        deadline: u64,
        id: u64,
    ) -> Result<DeadlineKey, TryReserveError> {
        let order = self.next_order(now, deadline);
        let place = self.take_place()?;
        let serial = self.put(place, deadline, order, id, 0);
        Ok(DeadlineKey { slot: place - BUCKETS as u32, serial })
    }

    /// Adds a deadline that, each time it has expired, moves to the next of the times `first +
    /// k * period` that is yet to come.
    ///
    /// # Panics
    ///
    /// When there is no memory; [`try_add_interval`](Self::try_add_interval) has an error instead.
    pub fn add_interval(
        &mut self,
        now: u64,
        first: u64,
        period: NonZeroU64,
        id: u64,
    ) -> DeadlineKey {
        self.try_add_interval(now, first, period, id).expect(NO_MEMORY)
    }

    /// As [`add_interval`](Self::add_interval); what cannot be had is an error.
    pub fn try_add_interval(
        &mut self,
        now: u64,
        first: u64,
        period: NonZeroU64,
        id: u64,
    ) -> Result<DeadlineKey, TryReserveError> {
        let order = self.next_order(now, first);
        let home = self.take_place()?;
        // From here on it is known for what it is: looking for the other one may sweep.
        self.set_prev(home, HOME_IN_INBOX);
        self.update(home, |node| *node = Interval { period: period.get(), id }.into());
        self.intervals += 1;
        let place = self.take_place();
        let key = place.map(|place| {
            let serial = self.put(place, first, order, home.into(), REPEATS);
            DeadlineKey { slot: (place - BUCKETS as u32) | INTERVAL, serial }
        });
        if key.is_err() {
            self.vacate_interval(home);
        }
        key
    }

    /// Whether there was such a deadline.
    #[inline]
    pub fn cancel(&mut self, key: DeadlineKey) -> bool {
        self.cancel_quickly(key) || self.cancel_slowly(key)
    }

    /// As [`cancel`](Self::cancel) where that is nothing but a mark, as [`add_quickly`](Self::add_quickly) is.
    #[inline(always)]
    pub fn cancel_quickly(&mut self, key: DeadlineKey) -> bool {
        let Some(node) = self.nodes.get_mut(key.slot as usize) else { return false };
        if node.serial != key.serial.get() || self.len == 1 {
            return false;
        }
        node.serial = 0;
        self.len -= 1;
        self.cancelled += 1;
        true
    }

    #[inline(never)]
    fn cancel_slowly(&mut self, key: DeadlineKey) -> bool {
        let Some(node) = self.nodes.get_mut(key.slot as usize) else {
            return self.cancel_interval(key);
        };
        if node.serial != key.serial.get() {
            return false;
        }
        node.serial = 0;
        self.count_cancelled();
        true
    }

    /// Whether there was such a deadline. The next expiry of an interval moves, and the later ones
    /// count from there.
    #[inline]
    pub fn move_to(&mut self, now: u64, key: DeadlineKey, deadline: u64) -> bool {
        self.move_quickly(now, key, deadline) || self.move_slowly(now, key, deadline)
    }

    /// As [`move_to`](Self::move_to) where that is nothing but writing down a later time, as
    /// [`add_quickly`](Self::add_quickly) is.
    #[inline(always)]
    pub fn move_quickly(&mut self, now: u64, key: DeadlineKey, deadline: u64) -> bool {
        let Some(order) = self.next_order_of_far(now, deadline) else { return false };
        let Some(node) = self.nodes.get_mut(key.slot as usize) else { return false };
        if node.serial != key.serial.get() || deadline < node.when || deadline < self.latest {
            return false;
        }
        self.last_order = order;
        node.when = deadline;
        node.order = order;
        true
    }

    #[inline(never)]
    fn move_slowly(&mut self, now: u64, key: DeadlineKey, deadline: u64) -> bool {
        let order = self.next_order(now, deadline);
        let Some(node) = self.nodes.get_mut(key.slot as usize) else {
            return self.move_interval(key, deadline, order);
        };
        if node.serial != key.serial.get() {
            return false;
        }
        if deadline < node.when || deadline < self.latest {
            self.relocate(key.slot + BUCKETS as u32, deadline, order);
            return true;
        }
        node.when = deadline;
        node.order = order | STALE;
        true
    }

    /// Cancels the earliest deadline of this id, if there is one. Looks at them all.
    pub fn remove(&mut self, id: u64) -> bool {
        let key = (0..)
            .zip(self.nodes.iter())
            .filter_map(|(slot, node)| Some((slot, node, NonZeroU64::new(node.serial)?)))
            .filter(|(_, node, _)| self.id(node) == id)
            .min_by_key(|(_, node, _)| (node.when, node.order))
            .map(|(slot, node, serial)| {
                let kind = if node.repeats() { INTERVAL } else { 0 };
                DeadlineKey { slot: slot | kind, serial }
            });
        key.is_some_and(|key| self.cancel(key))
    }

    /// When to wake up for the deadlines: the earliest of their times, each rounded up to a multiple of the
    /// greatest power of two that is not above its slack.
    #[inline]
    pub fn next_wakeup(&mut self) -> Option<u64> {
        // Every poll asks, and most pollers that have no deadlines never have any.
        if self.is_empty() { None } else { self.find_wakeup() }
    }

    /// From when on a wake-up is too late for one of the deadlines, as far as it is known: not before
    /// [`next_wakeup`](Self::next_wakeup), which is to be asked just before.
    pub fn latest_wakeup(&self) -> u64 {
        let backlog = self.has_backlog() && self.has_unfiled();
        let unfiled_from = if backlog { self.unfiled_from } else { u64::MAX };
        self.latest.max(self.wakeup).min(unfiled_from)
    }

    /// Whether the time of a deadline has come, as far as it is known.
    #[inline]
    pub fn is_due(&mut self, now: u64) -> bool {
        if self.is_empty() || (now < self.front_from && now < self.unfiled_from) {
            return false;
        }
        self.earliest().is_some_and(|place| self.node(place).when <= now)
    }

    /// The time of the earliest deadline, as far as it is known.
    pub fn first_time(&mut self) -> Option<u64> {
        self.earliest().map(|place| self.node(place).when)
    }

    /// Takes the earliest deadline, if its time has come, whatever its slack, and answers its id.
    ///
    /// To be called until it answers `None`, or until there is no room for more; then they wait.
    pub fn expire(&mut self, now: u64) -> Option<u64> {
        if now < self.front_from && now < self.unfiled_from {
            return None;
        }
        let slot = self.earliest()?;
        let node = self.node(slot);
        if node.when > now {
            return None;
        }
        let (id, repeats) = (node.id, node.repeats());
        // Ended, or at a bucket: from the last one again.
        if (self.ahead as usize) < BUCKETS || self.ahead == NIL {
            self.ahead = self.link(self.front).prev;
        }
        self.ahead = self.read_ahead(self.ahead);
        self.unlink(slot);
        if repeats {
            return Some(self.repeat(slot, node.when, id as u32, now));
        }
        self.len -= 1;
        self.vacate(slot);
        Some(id)
    }
}

/// Slots and nodes.
impl Deadlines {
    // No place is beyond the arrays. The checks of these lead to nothing, instead of a panic, since the C
    // library has nothing in it that could panic.

    fn node(&self, place: u32) -> Node {
        self.nodes.get(node_index(place)).copied().unwrap_or(Node::NONE)
    }

    #[inline]
    fn update(&mut self, place: u32, update: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(node_index(place)) {
            update(node);
        }
    }

    fn link(&self, n: u32) -> Link {
        self.links.get(n as usize).copied().unwrap_or(Link::NONE)
    }

    fn set_link(&mut self, n: u32, to: Link) {
        if let Some(link) = self.links.get_mut(n as usize) {
            *link = to;
        }
    }

    fn set_next(&mut self, n: u32, next: u32) {
        if let Some(link) = self.links.get_mut(n as usize) {
            link.next = next;
        }
    }

    fn set_prev(&mut self, n: u32, prev: u32) {
        if let Some(link) = self.links.get_mut(n as usize) {
            link.prev = prev;
        }
    }

    fn id(&self, node: &Node) -> u64 {
        if node.repeats() { self.node(node.id as u32).id } else { node.id }
    }

    /// The place of an interval.
    fn interval(&self, key: DeadlineKey) -> Option<u32> {
        if key.slot & INTERVAL == 0 {
            return None;
        }
        let slot = key.slot ^ INTERVAL;
        let node = self.nodes.get(slot as usize)?;
        (node.serial == key.serial.get()).then_some(slot + BUCKETS as u32)
    }

    #[cold]
    #[inline(never)]
    fn cancel_interval(&mut self, key: DeadlineKey) -> bool {
        let Some(place) = self.interval(key) else {
            return false;
        };
        let home = self.node(place).id as u32;
        self.update(place, |node| node.serial = 0);
        // First: when the last is cancelled, what is counted of the cancelled ends too.
        self.vacate_interval(home);
        self.count_cancelled();
        true
    }

    #[cold]
    #[inline(never)]
    fn move_interval(&mut self, key: DeadlineKey, deadline: u64, order: u64) -> bool {
        let Some(place) = self.interval(key) else {
            return false;
        };
        self.relocate(place, deadline, order);
        true
    }

    /// Moves a deadline to another bucket.
    #[cold]
    #[inline(never)]
    fn relocate(&mut self, place: u32, when: u64, order: u64) {
        self.update(place, |node| (node.when, node.order) = (when, order & !STALE));
        if self.link(place).prev == NIL {
            self.unfiled_from = self.unfiled_from.min(when);
        } else {
            self.unlink(place);
            self.file(place, when);
        }
    }

    /// Puts an unlinked interval, whose time has come, back for its next expiry, unless that is past the
    /// end of time. Answers its id.
    fn repeat(&mut self, slot: u32, due: u64, home: u32, now: u64) -> u64 {
        let Interval { period, id } = Interval::from(&self.node(home));
        // No period is zero.
        let last = now - (now - due).checked_rem(period).unwrap_or(0);
        let Some(due) = last.checked_add(period) else {
            self.vacate_interval(home);
            self.len -= 1;
            self.vacate(slot);
            return id;
        };
        let order = self.next_order(now, due) & !STALE;
        self.update(slot, |node| (node.when, node.order) = (due, order));
        self.file(slot, due);
        id
    }

    /// Puts a deadline into a place that was just taken, which is in the inbox.
    #[inline]
    fn put(&mut self, place: u32, when: u64, order: u64, id: u64, kind: u64) -> NonZeroU64 {
        let order = order & !STALE;
        if order >= self.serials_end {
            self.take_serials(order);
        }
        // [`STALE`] is not in it. Making it odd tells the compiler that it is not zero.
        let serial = NonZeroU64::MIN | self.serials.wrapping_add(order) | kind;
        self.update(place, |node| *node = Node { serial: serial.get(), when, order, id });
        self.len += 1;
        if when < self.unfiled_from {
            self.unfiled_from = when;
        }
        serial
    }

    /// The next order, of a deadline with the full slack; stale.
    #[inline(always)]
    fn next_order_of_far(&self, now: u64, deadline: u64) -> Option<u64> {
        let (distance, passed) = deadline.overflowing_sub(now);
        if passed || distance < self.slack_from { None } else { Some(self.last_order + STEP) }
    }

    /// The next order, with the grain of this deadline; stale.
    #[inline]
    fn next_order(&mut self, now: u64, deadline: u64) -> u64 {
        self.last_order += STEP;
        let (distance, passed) = deadline.overflowing_sub(now);
        if passed || distance < self.slack_from {
            return self.order_of_near(now, deadline);
        }
        self.last_order
    }

    #[inline(never)]
    fn order_of_near(&self, now: u64, deadline: u64) -> u64 {
        let slack = self.slack.min(deadline.saturating_sub(now) / 128);
        (self.last_order / STEP * STEP) | STALE | grain_bits(slack)
    }

    /// Takes a vacant place, or makes one.
    #[inline]
    fn take_place(&mut self) -> Result<u32, TryReserveError> {
        let place = self.vacant;
        let Some(link) = self.links.get(place as usize) else {
            return self.make_vacant();
        };
        self.vacant = link.next;
        Ok(place)
    }

    #[cold]
    #[inline(never)]
    fn make_vacant(&mut self) -> Result<u32, TryReserveError> {
        if self.cancelled > self.len / 2 {
            self.sweep();
        }
        if self.freed == NIL {
            self.grow()?;
        }
        let first = self.freed;
        let mut last = first;
        for _ in 1..HANDFUL {
            let next = self.link(last).next;
            if next == NIL {
                break;
            }
            last = next;
        }
        self.freed = self.link(last).next;
        self.set_next(last, NIL);
        // Appends it to the chain that has ended.
        if self.inbox == NIL {
            self.inbox = first;
        } else {
            self.set_next(self.last, first);
        }
        self.last = last;
        self.vacant = self.link(first).next;
        Ok(first)
    }

    #[inline]
    fn count_cancelled(&mut self) {
        self.len -= 1;
        self.cancelled += 1;
        if self.len == 0 {
            self.reset_inbox();
        }
    }

    /// Makes all of the inbox vacant at once, after the last deadline was cancelled.
    #[cold]
    #[inline(never)]
    fn reset_inbox(&mut self) {
        // Those in the wheel have been counted, too.
        if self.wheel_is_empty() {
            self.vacant = self.inbox;
            self.unfiled_from = u64::MAX;
            self.cancelled = 0;
        }
    }

    fn grow(&mut self) -> Result<(), TryReserveError> {
        if self.nodes.len >= MOST {
            return can_have::<Node>(usize::MAX);
        }
        self.nodes.try_reserve(1)?;
        self.links.try_reserve(1 + BUCKETS.saturating_sub(self.links.len))?;
        // Some at once, where that allocates nothing.
        self.add_places(32);
        Ok(())
    }

    /// Adds vacant places, as far as there is room.
    fn add_places(&mut self, count: usize) {
        let (links, nodes) = (&mut self.links, &mut self.nodes);
        for n in links.len..BUCKETS {
            links.push(Link { prev: n as u32, next: n as u32 });
        }
        let room = links.room().min(nodes.room());
        let count = room.min(count) as u32;
        if count == 0 {
            return;
        }
        let first = links.len as u32;
        let last = first + count - 1;
        for place in first..=last {
            let next = if place == last { self.freed } else { place + 1 };
            links.push(Link { prev: NIL, next });
            nodes.push(Node::NONE);
        }
        self.freed = first;
    }

    fn vacate(&mut self, place: u32) {
        self.update(place, |node| node.serial = 0);
        self.set_link(place, Link { prev: NIL, next: self.freed });
        self.freed = place;
    }

    fn vacate_interval(&mut self, home: u32) {
        self.intervals -= 1;
        if self.link(home).prev == HOME_IN_INBOX {
            // Where it is met, as one that was cancelled.
            self.set_prev(home, NIL);
            self.cancelled += 1;
        } else {
            self.vacate(home);
        }
    }

    /// Serials are taken from the process by the block, not to share memory each time.
    #[cold]
    #[inline(never)]
    fn take_serials(&mut self, order: u64) {
        /// How many blocks are taken. Not an `AtomicU64`, which some systems lack.
        static BLOCKS: AtomicUsize = AtomicUsize::new(0);
        // Not the first block: made-up numbers are small ones, and shall name nothing.
        let first = (BLOCKS.fetch_add(1, Ordering::Relaxed) as u64 + 1) * SERIALS;
        self.serials = first.wrapping_sub(order);
        self.serials_end = order + SERIALS;
    }
}

/// The wheel.
impl Deadlines {
    /// The bucket where a time belongs.
    fn bucket(&self, when: u64) -> u32 {
        let level = ((when ^ self.origin) >> IGNORED | 1).ilog2() / DIGIT;
        level * WIDTH + digit(when, level)
    }

    /// Appends a node to its bucket.
    #[inline]
    fn file(&mut self, slot: u32, when: u64) {
        let bucket = self.bucket(when);
        let (set, bit) = set_and_bit(bucket);
        let Some(circle) = self.links.get_mut(bucket as usize) else { return };
        let last = mem::replace(&mut circle.prev, slot);
        self.set_link(slot, Link { prev: last, next: bucket });
        self.set_next(last, slot);
        if last == bucket {
            self.occupied[set] |= bit;
        } else if self.sorted[set] & bit != 0 && self.rank(last) > self.rank(slot) {
            self.sorted[set] &= !bit;
        }
        if when < self.front_from {
            self.front = bucket;
            self.front_from = when;
        }
        if when < self.latest {
            self.latest = 0;
        }
    }

    /// Reads what will be needed of a place, and answers the one before it.
    ///
    /// A list says what comes next only once that was read, so that each of its places is waited for by
    /// itself, if it is no longer cached. Going through it from both ends waits for two at a time.
    #[inline]
    fn read_ahead(&self, place: u32) -> u32 {
        black_box(self.node(place).serial);
        self.link(place).prev
    }

    fn unlink(&mut self, slot: u32) {
        let Link { prev, next } = self.link(slot);
        self.set_next(prev, next);
        self.set_prev(next, prev);
        // Only a bucket is on both sides.
        if prev == next {
            self.note_empty(prev);
        }
    }

    fn rank(&self, slot: u32) -> (u64, u64) {
        let node = self.node(slot);
        (node.when, node.order)
    }

    fn find_wakeup(&mut self) -> Option<u64> {
        loop {
            if !self.wakeup_is_known() {
                let Some(place) = self.earliest() else {
                    return self.has_backlog().then(|| self.backlog_from());
                };
                self.look_for_wakeup(place);
            }
            if self.unfiled_from >= self.latest || !self.has_unfiled() {
                return Some(self.wakeup);
            }
            if self.budget == 0 {
                return Some(self.wakeup.min(self.unfiled_from));
            }
            self.latest = 0;
            self.file_unfiled();
        }
    }

    /// Whether the one that was found is neither cancelled nor moved.
    fn wakeup_is_known(&self) -> bool {
        let node = self.node(self.waker);
        self.latest != 0 && node.serial != 0 && node.order == self.waker_order
    }

    /// Looks for the earliest wake-up among those in the wheel, from the earliest of them on.
    fn look_for_wakeup(&mut self, earliest: u32) {
        (self.wakeup, self.latest) = (u64::MAX, u64::MAX);
        let mut bucket = self.front;
        let mut place = earliest;
        let mut from = 0;
        for _ in 0..LOOK {
            if place == bucket {
                let Some(next) = self.next_bucket(bucket) else { return };
                bucket = next;
                place = self.link(bucket).next;
                from = self.start(bucket);
                // What is in a bucket beyond may be long and in no order. If nothing in it can come before
                // the wake-up it is enough to assume the worst of how late that may be.
                if from >= self.wakeup {
                    self.latest = self.latest.min(from);
                }
                if from >= self.latest {
                    return;
                }
                continue;
            }
            let node = self.node(place);
            if node.serial != 0 {
                if node.order & STALE == 0 && self.is_sorted(bucket) {
                    if node.when >= self.latest {
                        return;
                    }
                    from = node.when;
                }
                if node.wakeup() < self.wakeup {
                    (self.waker, self.waker_order) = (place, node.order);
                    self.wakeup = node.wakeup();
                }
                self.latest = self.latest.min(node.latest());
            }
            place = self.link(place).next;
        }
        // There are many, which will be due then; if not, since the earliest was cancelled or moved, it is not known
        // any more.
        (self.waker, self.waker_order) = (earliest, self.node(earliest).order);
        self.wakeup = self.wakeup.min(from);
        self.latest = self.latest.min(self.wakeup);
    }

    /// The place of the earliest deadline, after doing what was put off up to it. None if that is not known,
    /// for the [backlog](Self::has_backlog).
    fn earliest(&mut self) -> Option<u32> {
        loop {
            let filed = self.earliest_filed();
            let from = filed.map_or(u64::MAX, |place| self.node(place).when);
            if self.unfiled_from > from || !self.has_unfiled() {
                return filed;
            }
            if self.budget == 0 {
                return None;
            }
            self.file_unfiled();
        }
    }

    /// The place of the earliest one that is in the wheel; none also if the poll may file no more.
    fn earliest_filed(&mut self) -> Option<u32> {
        loop {
            let bucket = self.first_bucket()?;
            let is_sorted = self.is_sorted(bucket);
            if is_sorted {
                let place = self.link(bucket).next;
                let Node { serial, when, order, .. } = self.node(place);
                if serial != 0 && order & STALE == 0 {
                    self.front_from = when;
                    return Some(place);
                }
                if self.budget != 0 {
                    self.refile(place);
                }
            }
            if self.budget == 0 {
                return None;
            }
            if self.is_occupied(REST) && self.unfiled_from <= self.start(bucket) {
                // Or else what was spread last would be gathered again.
                self.file_rest();
            } else if !is_sorted {
                self.arrange(bucket);
            }
        }
    }

    /// Whether there is anything that is not in the wheel.
    fn has_unfiled(&self) -> bool {
        self.inbox != self.vacant || self.is_occupied(REST)
    }

    /// No deadline is earlier than this, when the poll may file no more.
    fn backlog_from(&mut self) -> u64 {
        let filed = self.first_bucket().map_or(u64::MAX, |bucket| self.start(bucket));
        if self.has_unfiled() { filed.min(self.unfiled_from) } else { filed }
    }

    fn wheel_is_empty(&self) -> bool {
        self.occupied.iter().all(|&occupied| occupied == 0)
    }

    /// Files what is in the inbox and in [`REST`], as far as this poll may.
    fn file_unfiled(&mut self) {
        if self.wheel_is_empty() {
            // Any origin will do; the best one is close.
            self.origin = self.unfiled_from;
            self.front_from = u64::MAX;
        }
        self.file_rest();
        while self.inbox != self.vacant {
            if self.budget == 0 {
                return;
            }
            self.budget -= 1;
            let place = self.inbox;
            let link = self.link(place);
            self.inbox = link.next;
            if link.prev == HOME_IN_INBOX {
                self.set_prev(place, HOME);
            } else if let Some(when) = self.clear_marks(place) {
                self.file(place, when);
            }
        }
        self.note_filed();
    }

    fn note_filed(&mut self) {
        if !self.has_unfiled() {
            self.unfiled_from = u64::MAX;
        }
    }

    fn file_rest(&mut self) {
        let mut ahead = self.link(REST).prev;
        while self.is_occupied(REST) && self.budget != 0 {
            ahead = self.read_ahead(ahead);
            self.refile(self.link(REST).next);
        }
        self.note_filed();
    }

    /// Takes a deadline out of its bucket, and files it where it belongs by now.
    fn refile(&mut self, place: u32) {
        self.budget = self.budget.saturating_sub(1);
        self.unlink(place);
        if let Some(when) = self.clear_marks(place) {
            self.file(place, when);
        }
    }

    fn first_bucket(&mut self) -> Option<u32> {
        if !self.is_occupied(self.front) {
            self.front = self.find_first_bucket()?;
            self.front_from = self.start(self.front);
        }
        Some(self.front)
    }

    fn find_first_bucket(&self) -> Option<u32> {
        let before = (0..LEVELS).rev().map(|level| {
            let first = level * WIDTH;
            first..first + digit(self.origin, level)
        });
        let all = iter::once(0..REST);
        before.chain(all).find_map(|buckets| self.first_occupied(buckets))
    }

    /// The next bucket with a deadline in it, in the order of time.
    fn next_bucket(&self, bucket: u32) -> Option<u32> {
        let own = bucket / WIDTH;
        let home = |level| level * WIDTH + digit(self.origin, level);
        let is_before = bucket < home(own);
        // Down to the origin, and up from there.
        let down = (0..=own).rev().filter(|_| is_before).map(|level| {
            let from = if level == own { bucket + 1 } else { level * WIDTH };
            from..home(level)
        });
        let up = (0..LEVELS).filter(|&level| is_before || level >= own).map(|level| {
            let from = if level == own && !is_before { bucket + 1 } else { home(level) };
            from..REST.min((level + 1) * WIDTH)
        });
        down.chain(up).find_map(|buckets| self.first_occupied(buckets))
    }

    /// The first time that belongs to a bucket.
    fn start(&self, bucket: u32) -> u64 {
        let level = bucket / WIDTH;
        let shift = IGNORED + level * DIGIT;
        let above = self.origin.checked_shr(shift + DIGIT).unwrap_or(0);
        ((above << DIGIT) | u64::from(bucket % WIDTH)) << shift
    }

    /// The first bucket with a deadline in it, of some.
    fn first_occupied(&self, buckets: Range<u32>) -> Option<u32> {
        let mut set = buckets.start / 64;
        let mut bits = self.occupied[set as usize % SETS] & (u64::MAX << (buckets.start % 64));
        while bits == 0 {
            set += 1;
            if set * 64 >= buckets.end {
                return None;
            }
            bits = self.occupied[set as usize % SETS];
        }
        let bucket = set * 64 + bits.trailing_zeros();
        (bucket < buckets.end).then_some(bucket)
    }

    /// Puts the first bucket in order, as far as this poll may: sends home what was moved elsewhere, and sorts what
    /// remains, or has it spread if that is long.
    fn arrange(&mut self, bucket: u32) {
        let Link { prev: mut ahead, next: mut place } = self.link(bucket);
        let mut count = 0;
        let mut earliest = u64::MAX;
        // There is nothing below the lowest level.
        while place != bucket && (count <= FEW || bucket < WIDTH) {
            ahead = self.read_ahead(ahead);
            let Node { serial, when, .. } = self.node(place);
            let next = self.link(place).next;
            if serial != 0 && self.bucket(when) == bucket {
                count += 1;
                earliest = earliest.min(when);
            } else if self.budget == 0 {
                return;
            } else {
                self.refile(place);
            }
            place = next;
        }
        if place != bucket {
            self.unfiled_from = self.unfiled_from.min(self.start(bucket));
            self.append(bucket, REST);
            self.move_origin(earliest, bucket / WIDTH);
            return;
        }
        let chain = self.detach(bucket);
        let mut kept = self.sort(chain);
        while kept != NIL {
            let place = kept;
            kept = self.link(place).next;
            if let Some(when) = self.clear_marks(place) {
                self.file(place, when);
            }
        }
        self.budget = self.budget.saturating_sub(count as u32);
    }

    /// Forgets what was put off for a deadline that is in no bucket now, and answers the time to file it
    /// at. A cancelled one has none: its place becomes vacant.
    #[inline]
    fn clear_marks(&mut self, place: u32) -> Option<u64> {
        let Node { serial, when, .. } = self.node(place);
        if serial == 0 {
            self.cancelled -= 1;
            self.vacate(place);
            return None;
        }
        self.update(place, |node| node.order &= !STALE);
        Some(when)
    }

    /// Makes some places of cancelled deadlines vacant, when no other place is.
    fn sweep(&mut self) {
        let before = self.cancelled;
        self.sweep_inbox();
        if before - self.cancelled < HANDFUL {
            self.sweep_wheel();
        }
    }

    /// Those that are first in the inbox. The live ones go to its end.
    fn sweep_inbox(&mut self) {
        let end = self.last;
        for _ in 0..SWEPT {
            let place = self.inbox;
            if place == NIL {
                break;
            }
            let link = self.link(place);
            self.inbox = link.next;
            if link.prev == HOME_IN_INBOX {
                self.set_prev(place, HOME);
            } else if self.node(place).serial == 0 {
                self.cancelled -= 1;
                self.vacate(place);
            } else {
                self.set_next(place, NIL);
                if self.inbox == NIL {
                    self.inbox = place;
                } else {
                    self.set_next(self.last, place);
                }
                self.last = place;
            }
            if place == end {
                break;
            }
        }
        self.note_filed();
    }

    /// Those that come next in memory.
    fn sweep_wheel(&mut self) {
        let end = (self.swept + SWEPT).min(self.nodes.len);
        for n in self.swept..end {
            let place = (BUCKETS + n) as u32;
            if self.node(place).serial == 0 && self.link(place).prev < HOME_IN_INBOX {
                self.unlink(place);
                self.cancelled -= 1;
                self.vacate(place);
            }
        }
        self.swept = if end == self.nodes.len { 0 } else { end };
    }

    /// Moves the origin to a time in the first bucket, which is of this level and was emptied.
    fn move_origin(&mut self, origin: u64, level: u32) {
        // What differs from the old origin only below that level differs from the new one there.
        let first = level * WIDTH;
        let home = first + digit(self.origin, level);
        while let Some(lower) = self.first_occupied(0..first) {
            self.append(lower, home);
        }
        self.origin = origin;
        self.front = self.bucket(origin);
        self.front_from = origin;
    }

    /// Appends all that is in one bucket to another.
    fn append(&mut self, bucket: u32, to: u32) {
        let Link { prev: last, next: first } = self.link(bucket);
        let before = self.link(to).prev;
        self.set_next(before, first);
        self.set_prev(first, before);
        self.set_next(last, to);
        self.set_prev(to, last);
        let (set, bit) = set_and_bit(to);
        self.occupied[set] |= bit;
        if before != to || !self.is_sorted(bucket) {
            self.sorted[set] &= !bit;
        }
        self.clear(bucket);
    }

    /// Empties a bucket and answers what was in it, chained by `next` up to `NIL`.
    fn detach(&mut self, bucket: u32) -> u32 {
        let Link { prev: last, next: first } = self.link(bucket);
        if last == bucket {
            return NIL;
        }
        self.set_next(last, NIL);
        self.clear(bucket);
        first
    }

    fn clear(&mut self, bucket: u32) {
        self.set_link(bucket, Link { prev: bucket, next: bucket });
        self.note_empty(bucket);
    }

    fn note_empty(&mut self, bucket: u32) {
        let (set, bit) = set_and_bit(bucket);
        self.occupied[set] &= !bit;
        self.sorted[set] |= bit;
    }

    fn is_occupied(&self, bucket: u32) -> bool {
        let (set, bit) = set_and_bit(bucket);
        self.occupied[set] & bit != 0
    }

    fn is_sorted(&self, bucket: u32) -> bool {
        let (set, bit) = set_and_bit(bucket);
        self.sorted[set] & bit != 0
    }

    /// Sorts a chain, by merging: that needs no memory.
    fn sort(&mut self, mut chain: u32) -> u32 {
        // In place `n`: nothing, or a sorted chain of 2^n nodes that came before the later places.
        let mut runs = [NIL; 32];
        while chain != NIL {
            let mut run = chain;
            chain = self.link(run).next;
            self.set_next(run, NIL);
            for place in &mut runs {
                if *place == NIL {
                    *place = run;
                    break;
                }
                run = self.merge(mem::replace(place, NIL), run);
            }
        }
        runs.into_iter().fold(NIL, |later, earlier| self.merge(earlier, later))
    }

    fn merge(&mut self, mut a: u32, mut b: u32) -> u32 {
        let (mut first, mut last) = (NIL, NIL);
        while a != NIL && b != NIL {
            let from = if self.rank(b) < self.rank(a) { &mut b } else { &mut a };
            let slot = *from;
            *from = self.link(slot).next;
            if last == NIL {
                first = slot;
            } else {
                self.set_next(last, slot);
            }
            last = slot;
        }
        let rest = if a == NIL { b } else { a };
        if last == NIL {
            return rest;
        }
        self.set_next(last, rest);
        first
    }
}

/// The grain of this slack, as it is in an order.
const fn grain_bits(slack: u64) -> u64 {
    ((slack | 1).ilog2() as u64) << 1
}

/// Pushes where there is room, which was made; so this does not grow, which could panic.
fn push_reserved<T>(vec: &mut Vec<T>, value: T) {
    if vec.len() < vec.capacity() {
        vec.push(value);
    }
}

/// The place of a node in its array.
fn node_index(place: u32) -> usize {
    (place as usize).wrapping_sub(BUCKETS)
}

/// The bits of a time that count at a level.
fn digit(time: u64, level: u32) -> u32 {
    (time >> (IGNORED + level * DIGIT)) as u32 % WIDTH
}

fn set_and_bit(bucket: u32) -> (usize, u64) {
    ((bucket / 64) as usize % SETS, 1 << (bucket % 64))
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines::new()
    }
}

impl fmt::Debug for Deadlines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadlines")
            .field("len", &self.len)
            .field("slack", &self.slack)
            .finish_non_exhaustive()
    }
}
