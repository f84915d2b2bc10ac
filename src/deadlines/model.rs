//! A plain model of [`Deadlines`], and steps that drive both and compare them. The tests and the
//! fuzzer share it.

use std::num::NonZeroU64;

use super::{DeadlineKey, Deadlines, PORTION};

/// One deadline of the model.
#[derive(Clone)]
struct Entry {
    key: DeadlineKey,
    id: u64,
    deadline: u64,
    /// When it wants to wake up.
    wakeup: u64,
    /// From when on it is late.
    latest: u64,
    order: u64,
    period: Option<u64>,
}

/// A step is any 12 bytes.
#[derive(Copy, Clone, Debug)]
pub struct Step {
    pub what: u8,
    pub pick: u16,
    pub shape: u8,
    pub amount: u64,
}

impl Step {
    pub const LEN: usize = 12;

    pub fn from_bytes(bytes: &[u8; Step::LEN]) -> Step {
        let [what, shape, p0, p1, amount @ ..] = *bytes;
        Step { what, pick: u16::from_le_bytes([p0, p1]), shape, amount: u64::from_le_bytes(amount) }
    }

    /// From one nanosecond to centuries, each magnitude as likely as the other.
    fn distance(self) -> u64 {
        self.amount >> (self.shape & 63)
    }
}

/// The structure, the model, and the time.
pub struct Pair {
    real: Deadlines,
    /// In the order of expiry.
    model: Vec<Entry>,
    /// Every key there ever was, and some that never were.
    keys: Vec<DeadlineKey>,
    /// Compare [`Deadlines::next_wakeup`] after every step, or only in the step that asks: it
    /// tidies up, and whatever goes wrong for want of tidiness must have a chance.
    peek: bool,
    /// How many are filed at a time.
    portion: u32,
    now: u64,
    slack: u64,
    order: u64,
    last_deadline: u64,
}

const KEYS: usize = 1 << 12;
const LIVE: usize = 1 << 10;

impl Pair {
    pub fn new(peek: bool, capacity: usize, now: u64) -> Pair {
        Pair {
            real: Deadlines::with_capacity(capacity),
            model: Vec::new(),
            keys: vec![DeadlineKey::from_parts(0, 0), DeadlineKey::from_parts(0, 1 << 63)],
            peek,
            portion: if capacity % 2 == 0 { PORTION } else { capacity as u32 },
            now,
            slack: 1 << 20,
            order: 0,
            last_deadline: now,
        }
    }

    pub fn step(&mut self, step: Step) {
        match step.what % 32 {
            0..=5 => self.add(step),
            6 => self.add_many(step),
            7..=8 => self.add_interval(step),
            9..=12 => self.cancel(step),
            13..=18 => self.move_to(step),
            19 => self.move_many(step),
            20 => self.remove(step),
            21..=24 => self.advance(step.distance()),
            25 => self.now = self.now.saturating_sub(step.distance() >> 32),
            26 => self.advance(step.amount % 8),
            27 => self.expire(usize::MAX),
            28 => self.expire(usize::from(step.pick % 8)),
            29 => self.run(step),
            30 => self.configure(step),
            _ => self.compare(),
        }
        assert_eq!(self.real.len(), self.model.len());
        assert_eq!(self.real.is_empty(), self.model.is_empty());
        if self.peek {
            self.compare();
        }
    }

    /// Cancels what is left and runs the time to its end.
    pub fn finish(&mut self) {
        self.compare();
        self.expire(usize::MAX);
        self.now = u64::MAX;
        self.expire(usize::MAX);
        while let Some(entry) = self.model.first().cloned() {
            self.cancel_key(entry.key);
        }
        assert!(self.real.is_empty());
        assert_eq!(self.real.next_wakeup(), None);
        assert_eq!(self.real.expire(u64::MAX), None);
    }

    fn compare(&mut self) {
        // None that is later than one of the two can make it earlier.
        let (mut wakeup, mut latest) = (None, u64::MAX);
        for entry in &self.model {
            if entry.deadline > latest {
                break;
            }
            wakeup = Some(wakeup.map_or(entry.wakeup, |wakeup: u64| wakeup.min(entry.wakeup)));
            latest = latest.min(entry.latest);
        }
        loop {
            self.real.begin(self.portion);
            let real = self.real.next_wakeup();
            if !self.real.has_backlog() {
                assert_eq!(real, wakeup);
                break;
            }
            assert!(real <= wakeup && real.is_some());
        }
        if let Some(wakeup) = wakeup {
            assert!((wakeup..=latest.max(wakeup)).contains(&self.real.latest_wakeup()));
        }
    }

    fn deadline(&mut self, step: Step) -> u64 {
        let deadline = match step.shape >> 6 {
            _ if step.amount == 0 => 0,
            _ if step.amount == u64::MAX => u64::MAX,
            0 => match step.amount & 7 {
                0 => self.now,
                1 => self.now.saturating_sub(step.distance() >> 24),
                2 => self.last_deadline,
                3 => self.last_deadline.saturating_add(step.distance() & 63),
                4 => self.last_deadline.saturating_sub(step.distance() & 63),
                // The next boundary of a digit, or one off.
                5 => (self.now | ((1 << (step.shape & 63)) - 1)).saturating_add(step.amount >> 62),
                6 => step.distance(),
                _ => u64::MAX - (step.distance() >> 32),
            },
            // What a server does: always the same distance.
            1 => self.now.saturating_add(30_000_000_000),
            _ => self.now.saturating_add(step.distance()),
        };
        self.last_deadline = deadline;
        deadline
    }

    fn entry(&self, key: DeadlineKey, id: u64, deadline: u64, period: Option<u64>) -> Entry {
        let slack = self.slack.min(deadline.saturating_sub(self.now) / 128);
        let wakeup = rounded(deadline, slack);
        let latest = deadline.saturating_add(slack.max(1));
        Entry { key, id, deadline, wakeup, latest, order: 0, period }
    }

    fn insert(&mut self, mut entry: Entry) {
        self.order += 1;
        entry.order = self.order;
        let rank = (entry.deadline, entry.order);
        let place = self.model.partition_point(|other| (other.deadline, other.order) < rank);
        self.model.insert(place, entry);
    }

    fn know(&mut self, key: DeadlineKey) {
        assert!(self.model.iter().all(|entry| entry.key != key));
        if self.keys.len() < KEYS {
            self.keys.push(key);
        } else {
            self.keys[key.to_parts().1 as usize % KEYS] = key;
        }
    }

    fn add_at(&mut self, deadline: u64, id: u64) {
        if self.model.len() == LIVE {
            return;
        }
        let key = self.real.add(self.now, deadline, id);
        self.know(key);
        self.insert(self.entry(key, id, deadline, None));
    }

    fn add(&mut self, step: Step) {
        let deadline = self.deadline(step);
        self.add_at(deadline, u64::from(step.pick % 64));
    }

    /// More than fit a bucket without being spread.
    fn add_many(&mut self, step: Step) {
        let spread = step.distance() | 1;
        let first = self.deadline(step);
        for n in 0..u64::from(step.pick % 128) {
            let deadline = match step.amount & 3 {
                0 => first,
                1 => first.saturating_add(n.wrapping_mul(step.amount) % spread),
                2 => first.saturating_add((spread / 128).saturating_mul(n)),
                _ => first.saturating_sub((spread / 128).saturating_mul(n)),
            };
            self.add_at(deadline, n % 64);
        }
    }

    fn add_interval(&mut self, step: Step) {
        if self.model.len() == LIVE {
            return;
        }
        let first = self.deadline(step);
        let period = NonZeroU64::new(step.amount >> (step.pick & 63)).unwrap_or(NonZeroU64::MIN);
        let id = u64::from(step.pick % 64);
        let key = self.real.add_interval(self.now, first, period, id);
        self.know(key);
        self.insert(self.entry(key, id, first, Some(period.get())));
    }

    /// Often a live one, or else any.
    fn key(&self, step: Step) -> DeadlineKey {
        let pick = usize::from(step.pick);
        match self.model.len() {
            0 => self.keys[pick % self.keys.len()],
            // The earliest is the most interesting.
            _ if step.pick & 0x3000 == 0 => self.model[0].key,
            live if step.pick & 0xc000 != 0 => self.model[pick % live].key,
            live if step.pick & 0xf000 == 0x3000 => {
                let (slot, serial) = self.model[pick % live].key.to_parts();
                let bit = 1 << (step.amount & 63);
                let never = if step.amount & 64 == 0 {
                    (slot ^ bit as u32, serial)
                } else {
                    (slot, serial ^ bit)
                };
                DeadlineKey::from_parts(never.0, never.1)
            }
            _ => self.keys[pick % self.keys.len()],
        }
    }

    fn find(&self, key: DeadlineKey) -> Option<usize> {
        self.model.iter().position(|entry| entry.key == key)
    }

    fn cancel_key(&mut self, key: DeadlineKey) {
        let found = self.find(key);
        assert_eq!(self.real.cancel(key), found.is_some());
        if let Some(place) = found {
            self.model.remove(place);
        }
    }

    fn cancel(&mut self, step: Step) {
        self.cancel_key(self.key(step));
    }

    fn move_key(&mut self, key: DeadlineKey, deadline: u64) {
        let found = self.find(key);
        assert_eq!(self.real.move_to(self.now, key, deadline), found.is_some());
        if let Some(place) = found {
            let Entry { key, id, period, .. } = self.model.remove(place);
            self.insert(self.entry(key, id, deadline, period));
        }
    }

    fn move_to(&mut self, step: Step) {
        let key = self.key(step);
        let deadline = self.deadline(step);
        self.move_key(key, deadline);
    }

    fn move_many(&mut self, step: Step) {
        let deadline = self.deadline(step);
        let live = self.model.len();
        let keys: Vec<_> = self.model.iter().map(|entry| entry.key).collect();
        for n in 0..live.min(usize::from(step.pick % 128)) {
            let key = keys[n.wrapping_mul(step.amount as usize | 1) % live];
            self.move_key(key, deadline.saturating_add(n as u64 * (step.amount & 3)));
        }
    }

    fn remove(&mut self, step: Step) {
        let id = u64::from(step.pick % 80);
        let found = self.model.iter().position(|entry| entry.id == id);
        assert_eq!(self.real.remove(id), found.is_some());
        if let Some(place) = found {
            self.model.remove(place);
        }
    }

    /// By a century at most.
    fn advance(&mut self, time: u64) {
        const CENTURY: u64 = 100 * 365 * 86_400 * 1_000_000_000;
        self.now = self.now.saturating_add(time % CENTURY);
    }

    fn expire(&mut self, limit: usize) {
        for _ in 0..limit {
            let due = self.model.first().is_some_and(|entry| entry.deadline <= self.now);
            loop {
                self.real.begin(self.portion);
                let is_due = self.real.is_due(self.now);
                if is_due || !self.real.has_backlog() {
                    assert_eq!(is_due, due);
                    break;
                }
            }
            let expired = self.real.expire(self.now);
            if !due {
                assert_eq!(expired, None);
                assert_eq!(self.real.expire(self.now), None);
                return;
            }
            let Entry { key, id, deadline, period, .. } = self.model.remove(0);
            assert_eq!(expired, Some(id));
            if let Some(period) = period {
                let missed = (self.now - deadline) / period;
                if let Some(next) = (deadline + missed * period).checked_add(period) {
                    self.insert(self.entry(key, id, next, Some(period)));
                }
            }
        }
    }

    /// What a loop does: to the next wake-up, and a little later.
    fn run(&mut self, step: Step) {
        for _ in 0..step.pick % 16 {
            self.compare();
            let Some(next) = self.real.next_wakeup() else { return };
            self.now = self.now.max(next).saturating_add(step.distance() & 0xffff);
            self.expire(usize::MAX);
        }
    }

    fn configure(&mut self, step: Step) {
        if step.pick & 1 == 0 {
            self.slack = if step.pick & 2 == 0 { 0 } else { step.distance() };
            self.real.set_slack(self.slack);
        } else if step.pick & 2 == 0 {
            self.real.try_reserve(usize::from(step.pick)).unwrap();
        } else {
            assert!(self.real.try_reserve(usize::MAX - usize::from(step.pick)).is_err());
        }
    }
}

/// The rule of waking up, as it is written in the design.
fn rounded(deadline: u64, slack: u64) -> u64 {
    if slack == 0 {
        return deadline;
    }
    let mut power = 1;
    while power <= slack / 2 {
        power *= 2;
    }
    match deadline % power {
        0 => deadline,
        rest => deadline.saturating_add(power - rest),
    }
}
