use std::collections::VecDeque;
use std::num::NonZeroU64;

use proptest::prelude::*;

use super::model::{Pair, Step};
use super::{DeadlineKey, Deadlines, LOOK, PORTION, SERIALS, STEP, SWEPT};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

fn expire_all(deadlines: &mut Deadlines, now: u64) -> Vec<u64> {
    std::iter::from_fn(|| deadlines.expire(now)).collect()
}

fn period(period: u64) -> NonZeroU64 {
    NonZeroU64::new(period).unwrap()
}

#[test]
fn nothing() {
    let mut deadlines = Deadlines::new();
    assert!(deadlines.is_empty());
    assert_eq!(deadlines.next_wakeup(), None);
    assert_eq!(deadlines.expire(u64::MAX), None);
    assert!(!deadlines.remove(0));
    assert!(!deadlines.cancel(DeadlineKey::from_parts(0, 0)));
    assert!(!deadlines.cancel(DeadlineKey::from_parts(u32::MAX, u64::MAX)));
}

#[test]
fn woken_up_for_by_the_slack_of_the_distance() {
    // now, deadline, cap on the slack, when to wake up
    let table = [
        (0, 127, u64::MAX, 127),
        (0, 255, u64::MAX, 255),
        (0, 257, u64::MAX, 258),
        (1_000, 500, u64::MAX, 500),
        (0, 200_001, 1 << 20, 200_704),
        (0, 30 * SECOND, 1 << 20, (30 * SECOND).next_multiple_of(1 << 20)),
        (0, 30 * SECOND, (1 << 20) - 1, (30 * SECOND).next_multiple_of(1 << 19)),
        (0, 30 * SECOND, 1, 30 * SECOND),
        (0, 30 * SECOND, 0, 30 * SECOND),
        (0, u64::MAX, 1 << 20, u64::MAX),
        (0, u64::MAX - 5, 1 << 20, u64::MAX),
        (u64::MAX, u64::MAX, u64::MAX, u64::MAX),
    ];
    for (now, deadline, slack, wakeup) in table {
        let mut deadlines = Deadlines::new();
        deadlines.set_slack(slack);
        deadlines.add(now, deadline, 0);
        assert_eq!(deadlines.next_wakeup(), Some(wakeup), "{deadline} at {now}, slack {slack}");
        // Who asks anyway is told at its own time.
        assert!(!deadlines.is_due(deadline - 1));
        assert_eq!(deadlines.expire(deadline - 1), None);
        assert!(deadlines.is_due(deadline));
        assert_eq!(deadlines.expire(deadline), Some(0));
    }
}

#[test]
fn equal_times_come_in_the_order_of_adding_and_moving() {
    let mut deadlines = Deadlines::new();
    let keys: Vec<_> = (0..100).map(|id| deadlines.add(0, 10, id)).collect();
    assert!(deadlines.move_to(0, keys[3], 10));
    assert!(deadlines.move_to(0, keys[0], 9));
    assert!(deadlines.move_to(0, keys[0], 10));
    assert!(deadlines.cancel(keys[50]));
    let expected: Vec<_> = (0..100).filter(|id| ![0, 3, 50].contains(id)).chain([3, 0]).collect();
    assert_eq!(expire_all(&mut deadlines, 10), expected);
}

#[test]
fn a_moved_or_cancelled_deadline_never_wakes_at_its_old_time() {
    let mut deadlines = Deadlines::new();
    deadlines.set_slack(0);
    let moved = deadlines.add(0, 10, 1);
    let cancelled = deadlines.add(0, 11, 2);
    deadlines.add(0, 12, 3);
    assert!(deadlines.move_to(0, moved, 20));
    assert_eq!(deadlines.next_wakeup(), Some(11));
    assert!(deadlines.cancel(cancelled));
    assert_eq!(deadlines.next_wakeup(), Some(12));
    assert_eq!(expire_all(&mut deadlines, 19), [3]);
    assert_eq!(deadlines.next_wakeup(), Some(20));
    assert_eq!(expire_all(&mut deadlines, 20), [1]);
}

/// The earliest might come after many that are later, of which it is known only about when they begin. When it is
/// cancelled that time is nothing to wake up at.
#[test]
fn a_cancelled_deadline_does_not_make_many_others_wake_early() {
    for step in 0..8 {
        let mut deadlines = Deadlines::new();
        deadlines.set_slack(1 << 26);
        let earliest = deadlines.add(0, 10 * SECOND, 0);
        deadlines.set_slack(0);
        let begin = 10 * SECOND + 30 * MS + 131_000 * step;
        for i in 0..LOOK as u64 + 1 {
            deadlines.add(0, begin + i % 1000, 1);
        }
        assert!(deadlines.next_wakeup().unwrap() <= begin);
        assert!(deadlines.cancel(earliest));
        assert_eq!(deadlines.next_wakeup(), Some(begin));
    }
}

#[test]
fn a_key_is_for_one_deadline_only() {
    let mut deadlines = Deadlines::new();
    let fired = deadlines.add(0, 10, 1);
    assert_eq!(expire_all(&mut deadlines, 10), [1]);
    let mut successor = deadlines.add(10, 20, 2);
    while successor.to_parts().0 != fired.to_parts().0 {
        assert!(deadlines.nodes.len < 1_000, "the slot is used again");
        successor = deadlines.add(10, 20, 2);
    }
    assert!(!deadlines.cancel(fired));
    assert!(!deadlines.move_to(10, fired, 30));
    assert!(!Deadlines::new().cancel(successor));
    let mut other = Deadlines::new();
    other.add(0, 10, 1);
    assert!(!other.cancel(successor));
    assert!(deadlines.cancel(successor));
    assert!(!deadlines.cancel(successor));
}

/// Serials are taken by the block: none is in two of them, nor given twice where one follows the other.
#[test]
fn a_serial_is_given_once() {
    let mut deadlines = Deadlines::new();
    let mut serial = || {
        let key = deadlines.add(0, 10, 1);
        assert!(deadlines.cancel(key));
        key.to_parts().1
    };
    for _ in 0..2 {
        let first = serial();
        let mut last = first;
        for _ in 1..SERIALS / STEP {
            let next = serial();
            assert!(next > last);
            last = next;
        }
        assert_eq!(first / SERIALS, last / SERIALS);
    }
}

#[test]
fn the_parts_of_a_key_make_the_key() {
    let mut deadlines = Deadlines::new();
    let key = deadlines.add(0, 10, 1);
    let (slot, serial) = key.to_parts();
    assert_eq!(DeadlineKey::from_parts(slot, serial), key);
    assert!(!deadlines.cancel(DeadlineKey::from_parts(slot, 0)));
    assert!(!deadlines.cancel(DeadlineKey::from_parts(slot + 1, serial)));
    assert!(!deadlines.cancel(DeadlineKey::from_parts(slot, serial + 1)));
    assert!(deadlines.cancel(DeadlineKey::from_parts(slot, serial)));
}

#[test]
fn the_second_slot_of_an_interval_has_no_key() {
    let mut deadlines = Deadlines::new();
    let key = deadlines.add_interval(0, 10, period(10), 1);
    for slot in (0..2_000).filter(|&slot| slot != key.to_parts().0) {
        for serial in [0, 1 << 63, key.to_parts().1, u64::MAX] {
            assert!(!deadlines.cancel(DeadlineKey::from_parts(slot, serial)));
        }
    }
    assert!(deadlines.cancel(key));
    assert!(deadlines.is_empty());
}

#[test]
fn an_interval_keeps_its_phase() {
    let mut deadlines = Deadlines::new();
    let key = deadlines.add_interval(0, 100 * MS + 1, period(100 * MS), 7);
    let mut now = 0;
    for k in 1..1_000 {
        now = deadlines.next_wakeup().unwrap();
        let late = now - (k * 100 * MS + 1);
        assert!(late < 1 << 20, "the {k}th is {late} ns late");
        assert_eq!(expire_all(&mut deadlines, now), [7]);
    }
    now += 1_000 * SECOND;
    assert_eq!(expire_all(&mut deadlines, now), [7], "one after a stall");
    let wait = deadlines.next_wakeup().unwrap() - now;
    assert!(wait <= 101 * MS + MS);

    assert!(deadlines.move_to(now, key, now + 50 * MS));
    assert_eq!(expire_all(&mut deadlines, now + 52 * MS), [7]);
    let next = deadlines.next_wakeup().unwrap();
    assert!((now + 150 * MS..now + 152 * MS).contains(&next), "its phase moved with it");
    assert!(deadlines.cancel(key));
    assert_eq!(deadlines.next_wakeup(), None);
}

#[test]
fn an_interval_ends_with_time() {
    let mut deadlines = Deadlines::new();
    let key = deadlines.add_interval(0, u64::MAX - 10, period(7), 1);
    deadlines.set_slack(0);
    assert!(deadlines.move_to(0, key, u64::MAX - 10));
    assert_eq!(expire_all(&mut deadlines, u64::MAX - 10), [1]);
    assert_eq!(expire_all(&mut deadlines, u64::MAX), [1]);
    assert!(deadlines.is_empty());
    assert!(!deadlines.cancel(key));
}

#[test]
fn remove_takes_the_earliest_of_the_id() {
    let mut deadlines = Deadlines::new();
    let last = deadlines.add(0, 30, 1);
    deadlines.add(0, 10, 2);
    let first = deadlines.add_interval(0, 20, period(5), 1);
    assert!(deadlines.remove(1));
    assert!(!deadlines.cancel(first));
    assert!(deadlines.remove(1));
    assert!(!deadlines.cancel(last));
    assert!(!deadlines.remove(1));
    assert_eq!(expire_all(&mut deadlines, 30), [2]);
}

#[test]
fn time_may_stand_still_jump_and_step_back() {
    let mut deadlines = Deadlines::new();
    deadlines.set_slack(0);
    let century = 100 * 365 * 86_400 * SECOND;
    deadlines.add(century, century + 10, 1);
    assert_eq!(deadlines.expire(century), None);
    deadlines.add(century - SECOND, century - SECOND + 5, 2);
    deadlines.add(century - SECOND, 0, 3);
    assert_eq!(expire_all(&mut deadlines, century - SECOND), [3]);
    assert_eq!(deadlines.next_wakeup(), Some(century - SECOND + 5));
    assert_eq!(expire_all(&mut deadlines, 2 * century), [2, 1]);
}

/// Expiring may stop half-way, and what comes in between takes its place.
#[test]
fn what_did_not_fit_waits() {
    let mut deadlines = Deadlines::new();
    for id in 0..1_000 {
        deadlines.add(0, 1 + id / 10, id);
    }
    for id in 0..500 {
        assert_eq!(deadlines.expire(100), Some(id));
    }
    deadlines.add(100, 1, 5_000);
    deadlines.add(100, 100, 5_001);
    assert_eq!(deadlines.expire(100), Some(5_000));
    assert_eq!(expire_all(&mut deadlines, 99), (500..990).collect::<Vec<_>>());
    assert_eq!(expire_all(&mut deadlines, 100), (990..1_000).chain([5_001]).collect::<Vec<_>>());
}

/// The earliest of a million is moved again and again: each time the next one must be at hand.
#[test]
fn the_earliest_is_moved_each_time() {
    const N: u64 = 20_000;
    let mut deadlines = Deadlines::new();
    let keys: Vec<_> = (0..N).map(|id| deadlines.add(id, 30 * SECOND + id * MS, id)).collect();
    for round in 1..10 {
        for id in 0..N {
            let now = round * 20 * SECOND + id * MS;
            let due = 30 * SECOND + (round - 1) * 20 * SECOND + id * MS;
            let next = deadlines.next_wakeup().unwrap();
            assert!((due..due + (1 << 20)).contains(&next), "round {round}, {id}");
            assert!(deadlines.move_to(now, keys[id as usize], now + 30 * SECOND));
        }
    }
}

/// A wait may be longer than asked for until the latest time.
#[test]
fn rounding_and_what_comes_on_top_are_within_the_slack() {
    let mut deadlines = Deadlines::new();
    deadlines.set_slack(1 << 20);
    let far = deadlines.add(0, 30 * SECOND, 1);
    assert_eq!(deadlines.next_wakeup(), Some((30 * SECOND).next_multiple_of(1 << 20)));
    assert_eq!(deadlines.latest_wakeup(), 30 * SECOND + (1 << 20));
    // Behind the wake-up of the first, and exact.
    deadlines.set_slack(0);
    let exact = (30 * SECOND).next_multiple_of(1 << 20) + 100;
    deadlines.add(0, exact, 2);
    assert_eq!(deadlines.next_wakeup(), Some((30 * SECOND).next_multiple_of(1 << 20)));
    assert!(deadlines.latest_wakeup() <= exact + 1);
    assert!(deadlines.move_to(0, far, 31 * SECOND));
    assert_eq!(deadlines.next_wakeup(), Some(exact));
    assert_eq!(deadlines.latest_wakeup(), exact + 1);
}

/// What was never filed is filed in portions, and nothing comes before it is its turn.
#[test]
fn a_poll_files_no_more_than_a_portion() {
    const N: u64 = 10 * PORTION as u64;
    let mut deadlines = Deadlines::new();
    for id in 0..N {
        deadlines.add(0, (N - id) * MS, id);
    }
    let mut polls = 1;
    deadlines.begin(PORTION);
    while !deadlines.is_due(N * MS) {
        assert_eq!(deadlines.expire(N * MS), None);
        assert_eq!(deadlines.next_wakeup(), Some(MS));
        assert!(deadlines.has_backlog());
        deadlines.begin(PORTION);
        polls += 1;
    }
    // The tenth has filed the last one, and the first bucket is left to sort.
    assert_eq!(polls, 11);
    deadlines.begin(u32::MAX);
    assert!(expire_all(&mut deadlines, N * MS).into_iter().eq((0..N).rev()));
}

/// How many polls it takes until it is known whether anything is due.
fn polls_until_known(deadlines: &mut Deadlines, now: u64) -> usize {
    let mut polls = 0;
    loop {
        deadlines.begin(PORTION);
        polls += 1;
        deadlines.is_due(now);
        deadlines.next_wakeup();
        if !deadlines.has_backlog() {
            return polls;
        }
    }
}

/// What was moved later stays where it is until then, and is not all filed again by the poll that comes then.
#[test]
fn what_was_moved_later_is_filed_again_in_portions() {
    const N: u64 = 10 * PORTION as u64;
    let mut deadlines = Deadlines::new();
    let keys: Vec<_> = (0..N).map(|id| deadlines.add(0, 30 * SECOND + id, id)).collect();
    polls_until_known(&mut deadlines, 0);
    for (id, key) in (0..).zip(&keys) {
        assert!(deadlines.move_to(0, *key, 60 * SECOND + id * MS));
    }
    let polls = polls_until_known(&mut deadlines, 31 * SECOND);
    assert!((10..15).contains(&polls), "{polls} polls");
    assert_eq!(expire_all(&mut deadlines, 31 * SECOND), []);
    deadlines.begin(u32::MAX);
    assert!(expire_all(&mut deadlines, 120 * SECOND).into_iter().eq(0..N));
}

#[test]
fn a_long_bucket_is_spread_in_portions() {
    const N: u64 = 10 * PORTION as u64;
    let mut deadlines = Deadlines::new();
    let mut random = 1_u64;
    deadlines.add(0, MS, N);
    for id in 0..N {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        deadlines.add(0, 100 * SECOND + (random >> 40), id);
    }
    polls_until_known(&mut deadlines, 0);
    assert_eq!(expire_all(&mut deadlines, MS), [N]);
    let polls = polls_until_known(&mut deadlines, 100 * SECOND);
    assert!((10..25).contains(&polls), "{polls} polls");
    deadlines.begin(u32::MAX);
    assert_eq!(expire_all(&mut deadlines, 101 * SECOND).len() as u64, N);
}

/// However many there are, and wherever they lie: an addition gives back the places of some, and that suffices.
#[test]
fn no_addition_looks_at_all_that_were_cancelled() {
    const N: usize = 20_000;
    for (is_filed, first_in_first_out) in
        [(false, false), (false, true), (true, false), (true, true)]
    {
        let mut deadlines = Deadlines::with_capacity(N);
        let mut live: VecDeque<_> = (0..N as u64).map(|n| deadlines.add(0, SECOND, n)).collect();
        if is_filed {
            polls_until_known(&mut deadlines, 0);
        }
        let pieces = deadlines.nodes.pieces.len() + deadlines.nodes.spare.len();
        let mut most = 0;
        for step in 0..10 * N {
            let pick = if first_in_first_out { 0 } else { step * 7919 % N };
            let key = live.swap_remove_front(pick).unwrap();
            assert!(deadlines.cancel(key));
            let before = deadlines.cancelled;
            live.push_back(deadlines.add(0, SECOND, step as u64));
            most = most.max(before - deadlines.cancelled);
        }
        assert!(most <= 2 * SWEPT, "{most} places in one addition");
        assert!(deadlines.nodes.len < 2 * N, "{} nodes", deadlines.nodes.len);
        // There was room for all: none was allocated.
        assert_eq!(deadlines.nodes.pieces.len() + deadlines.nodes.spare.len(), pieces);
    }
}

/// An interval may be cancelled before anything was filed, and its two slots are used again.
#[test]
fn an_interval_that_was_never_filed_gives_back_its_slots() {
    let mut deadlines = Deadlines::new();
    deadlines.add(0, SECOND, 1);
    for _ in 0..10_000 {
        let key = deadlines.add_interval(0, SECOND, period(SECOND), 2);
        assert!(deadlines.cancel(key));
    }
    assert!(deadlines.nodes.len <= 64, "{} nodes", deadlines.nodes.len);
    assert_eq!(expire_all(&mut deadlines, 2 * SECOND), [1]);
}

/// Which of many wants to wake up first is found without looking at all of them.
#[test]
fn many_of_different_slack_within_one_slack() {
    let mut deadlines = Deadlines::new();
    let start = 1_000 * SECOND;
    for id in 0..10 * LOOK as u64 {
        deadlines.add(0, start + id, id);
    }
    let wakeup = deadlines.next_wakeup().unwrap();
    assert_eq!(expire_all(&mut deadlines, wakeup - (1 << 20)), []);
    assert!(expire_all(&mut deadlines, wakeup).len() >= LOOK);
}

/// Nobody has asked for the next wake-up since it was added, which would have filed it.
#[test]
fn what_goes_back_to_the_inbox_expires_in_time() {
    let mut deadlines = Deadlines::new();
    deadlines.set_slack(0);
    deadlines.add(0, 100 * SECOND, 1);
    assert_eq!(deadlines.next_wakeup(), Some(100 * SECOND));
    deadlines.add(0, 10 * SECOND, 2);
    // Enough of them for several sweeps.
    for _ in 0..1_000 {
        let key = deadlines.add(0, 1_000 * SECOND, 3);
        assert!(deadlines.cancel(key));
    }
    assert_eq!(expire_all(&mut deadlines, 20 * SECOND), [2]);
    assert_eq!(expire_all(&mut deadlines, 1_000 * SECOND), [1]);
}

#[test]
fn memory() {
    use super::{Link, Node};
    assert!(size_of::<Node>() + size_of::<Link>() <= 40);
    assert_eq!(64 % align_of::<Node>().max(size_of::<Node>()), 0, "one line of the cache each");
    // A `u64` is aligned to 4 bytes on some systems of 32 bits.
    assert_eq!(size_of::<Option<DeadlineKey>>(), 8 + align_of::<u64>());
    let mut deadlines = Deadlines::new();
    assert_eq!(deadlines.nodes.pieces.len() + deadlines.links.pieces.len(), 0);
    for round in 0..100 {
        let keys: Vec<_> = (0..1_000).map(|n| deadlines.add(round, n * MS, n)).collect();
        keys.into_iter().for_each(|key| assert!(deadlines.cancel(key)));
    }
    let nodes = deadlines.nodes.len;
    assert!((1_000..1_032).contains(&nodes), "slots are used again: {nodes}");
    assert!(deadlines.try_reserve(usize::MAX).is_err());
    assert!(deadlines.try_reserve(u32::MAX as usize).is_err());
    // Room is memory that was written to, for the live ones.
    deadlines.try_reserve(10_000).unwrap();
    assert_eq!(deadlines.nodes.len, 10_000);
    deadlines.try_reserve(9_000).unwrap();
    assert_eq!(deadlines.nodes.len, 10_000);
    deadlines.add(0, 1, 1);
    assert_eq!(deadlines.nodes.len, 10_000);
    assert_eq!(Deadlines::with_capacity(100).nodes.len, 100);
}

/// However the cancelled lie: in the inbox, in the wheel, some moved, some to be met at the front.
#[test]
fn there_are_at_most_twice_as_many_nodes_as_live_deadlines_need() {
    const LIVE: usize = 500;
    for look in [0, 1, 7, 300] {
        let mut deadlines = Deadlines::new();
        let mut random = 1_u64;
        let mut below = |n: usize| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((random >> 33) % n as u64) as usize
        };
        let add = |deadlines: &mut Deadlines, after: usize| match after % 3 {
            0 => deadlines.add_interval(0, after as u64 * MS, period(SECOND), 0),
            _ => deadlines.add(0, after as u64 * MS, 0),
        };
        let mut keys: Vec<_> = (0..LIVE).map(|_| add(&mut deadlines, below(90_000))).collect();
        for step in 1..100 * LIVE {
            let i = below(LIVE);
            if below(4) == 0 {
                assert!(deadlines.move_to(0, keys[i], below(90_000) as u64 * MS));
            } else {
                assert!(deadlines.cancel(keys[i]));
                keys[i] = add(&mut deadlines, below(90_000));
            }
            if look > 0 && step % look == 0 {
                assert!(deadlines.next_wakeup().is_some());
            }
        }
        // One in three is an interval, which needs two while it lives and one when it is cancelled.
        let nodes = deadlines.nodes.len;
        assert!(nodes < 2 * LIVE + LIVE / 2, "{nodes} nodes");
    }
}

fn step() -> impl Strategy<Value = Step> {
    let amount = prop_oneof![30 => any::<u64>(), 1 => Just(0), 1 => Just(u64::MAX)];
    (any::<u8>(), any::<u16>(), any::<u8>(), amount).prop_map(|(what, pick, shape, amount)| Step {
        what,
        pick,
        shape,
        amount,
    })
}

/// How many steps against the model; `DEADLINES_STEPS=10000000` for a long run.
fn cases() -> u32 {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u32>().ok());
    let scale = number("MIO_ST_TEST_SCALE").unwrap_or(1);
    number("DEADLINES_STEPS").unwrap_or(400_000).div_ceil(400 * scale)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    // Behaviour 22
    #[test]
    fn the_model_agrees(
        peek in any::<bool>(),
        capacity in 0..100_usize,
        now in prop_oneof![Just(0), any::<u64>(), 0..1_u64 << 50],
        steps in prop::collection::vec(step(), 1..800),
    ) {
        let mut pair = Pair::new(peek, capacity, now);
        for step in steps {
            pair.step(step);
        }
        pair.finish();
    }
}
