//! Who gets how much room when several kinds of sources have events for one poll.

/// The three kinds of sources, in the order in which a poll serves them.
const SYSTEM: usize = 0;
#[cfg(test)]
const NOTIFICATIONS: usize = 1;
const DEADLINES: usize = 2;

/// How much of the room for events each kind may fill before the others have had theirs.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Shares {
    pub(crate) system: usize,
    pub(crate) deadlines: usize,
}

/// Whose turn it is when there is not room for one event of each kind.
#[derive(Debug, Default)]
pub(crate) struct Turn(usize);

impl Turn {
    /// Divides `room` among the system (if `system`), `notifications` waiting notifications, and the
    /// deadlines (if some have `expired`), so that each that waits gets an event in any three calls.
    ///
    /// What is not for the system or the deadlines is for the notifications; what a kind leaves over
    /// goes to the next.
    #[inline]
    pub(crate) fn divide(
        &mut self,
        room: usize,
        system: bool,
        notifications: usize,
        expired: bool,
    ) -> Shares {
        if room >= 3 {
            let share = room / 3;
            let deadlines = if expired { share } else { 0 };
            let rest = room - deadlines;
            let system = if system { rest - notifications.min(share) } else { 0 };
            return Shares { system, deadlines };
        }
        self.divide_little(room, [system, notifications > 0, expired])
    }

    /// Room for one or two: those of the waiting kinds whose turn it is get one each.
    #[inline(never)]
    fn divide_little(&mut self, room: usize, waiting: [bool; 3]) -> Shares {
        let mut shares = [0; 3];
        let first = self.0;
        let in_turn = (0..3).map(|i| (first + i) % 3);
        let in_turn = in_turn.filter(|kind| waiting.get(*kind) == Some(&true));
        for kind in in_turn.cycle().take(room) {
            // Not by an index, of which the compiler does not always see that it cannot panic.
            if let Some(share) = shares.get_mut(kind) {
                *share += 1;
            }
            self.0 = (kind + 1) % 3;
        }
        Shares { system: shares[SYSTEM], deadlines: shares[DEADLINES] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_gets_what_the_others_do_not_need_and_at_least_a_third() {
        let mut turn = Turn::default();
        assert_eq!(turn.divide(9, true, 0, false), Shares { system: 9, deadlines: 0 });
        assert_eq!(turn.divide(9, true, 1, false), Shares { system: 8, deadlines: 0 });
        assert_eq!(turn.divide(9, true, 1, true), Shares { system: 5, deadlines: 3 });
        assert_eq!(turn.divide(9, true, 100, true), Shares { system: 3, deadlines: 3 });
        assert_eq!(turn.divide(9, false, 100, true), Shares { system: 0, deadlines: 3 });
    }

    /// Behaviour 15: none is starved, whatever the room.
    #[test]
    fn each_that_waits_is_served_in_any_three_polls() {
        for room in 1..10 {
            for waiting in 0..8 {
                let waits = [waiting & 1 != 0, waiting & 2 != 0, waiting & 4 != 0];
                for system_has_nothing in [false, true] {
                    let mut turn = Turn::default();
                    let served: Vec<[usize; 3]> = (0..12)
                        .map(|_| serve(&mut turn, room, waits, system_has_nothing))
                        .collect();
                    for polls in served.windows(3) {
                        for kind in [SYSTEM, NOTIFICATIONS, DEADLINES] {
                            if waits[kind] && !(kind == SYSTEM && system_has_nothing) {
                                let events: usize = polls.iter().map(|poll| poll[kind]).sum();
                                assert!(events > 0, "room {room}, {waits:?}, kind {kind}");
                            }
                        }
                    }
                }
            }
        }
    }

    /// What the poll does with the shares, with many notifications and expired deadlines.
    fn serve(
        turn: &mut Turn,
        room: usize,
        waits: [bool; 3],
        system_has_nothing: bool,
    ) -> [usize; 3] {
        let many = 100;
        let notifications = if waits[NOTIFICATIONS] { many } else { 0 };
        let shares = turn.divide(room, waits[SYSTEM], notifications, waits[DEADLINES]);
        let system = if system_has_nothing { 0 } else { shares.system };
        let notified = (room - system).saturating_sub(shares.deadlines).min(notifications);
        let deadlines = if waits[DEADLINES] { room - system - notified } else { 0 };
        assert!(system + notified + deadlines <= room);
        [system, notified, deadlines]
    }
}
