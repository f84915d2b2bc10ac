use std::sync::atomic::{AtomicUsize, Ordering};

use crate::sys;

/// Lets other threads at what its owner will close: not before the last of them is out, and nobody after that.
#[derive(Debug)]
pub(super) struct Gate(AtomicUsize);

/// The gate is closed; below it is the number of those that are inside.
const CLOSED: usize = 1 << (usize::BITS - 1);

impl Gate {
    pub(super) fn new() -> Gate {
        Gate(AtomicUsize::new(0))
    }

    /// Goes inside, for one short call; none if the gate is closed.
    pub(super) fn enter(&self) -> Option<Inside<'_>> {
        // Counted first: whoever closes it sees either that this one is inside, or is seen by it.
        let inside = Inside(self);
        (self.0.fetch_add(1, Ordering::Acquire) & CLOSED == 0).then_some(inside)
    }

    /// Closes it, and waits for those that are inside, each of which makes one system call that does not wait.
    #[inline]
    pub(super) fn close(&self) {
        self.0.fetch_or(CLOSED, Ordering::AcqRel);
        while self.0.load(Ordering::Acquire) != CLOSED {
            sys::yield_now();
        }
    }
}

/// Somebody is inside.
#[derive(Debug)]
pub(super) struct Inside<'a>(&'a Gate);

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Release);
    }
}

/// The gate, in all orders that there are of the steps of two that enter it again and again and one that closes it.
#[cfg(test)]
mod model {
    use std::collections::HashSet;

    #[derive(Copy, Clone, Debug, Default, Eq, Hash, PartialEq)]
    struct State {
        count: u8,
        closed: bool,
        /// The descriptor behind it is closed.
        gone: bool,
        /// Where each is: 0 outside, 1 counted or has looked, 2 inside, 3 on the way out.
        others: [u8; 2],
        owner: u8,
    }

    #[derive(Copy, Clone, Eq, PartialEq)]
    enum Protocol {
        Whole,
        LookingBeforeCounting,
        WithoutWaiting,
    }

    impl State {
        fn other(mut self, n: usize, protocol: Protocol) -> Option<State> {
            let looks_first = protocol == Protocol::LookingBeforeCounting;
            self.others[n] = match self.others[n] {
                0 if looks_first && self.closed => return None,
                0 if looks_first => 1,
                0 => {
                    self.count += 1;
                    // The addition tells what was before.
                    if self.closed { 3 } else { 2 }
                }
                1 => {
                    self.count += 1;
                    2
                }
                2 => 3,
                _ => {
                    self.count -= 1;
                    0
                }
            };
            Some(self)
        }

        fn owner(mut self, protocol: Protocol) -> Option<State> {
            match self.owner {
                0 => self.closed = true,
                1 if self.count > 0 && protocol != Protocol::WithoutWaiting => return None,
                1 => self.gone = true,
                _ => return None,
            }
            self.owner += 1;
            Some(self)
        }
    }

    /// Goes to every state; whether one is inside of what is gone.
    fn explore(protocol: Protocol) -> (usize, bool) {
        let mut known = HashSet::from([State::default()]);
        let mut new = vec![State::default()];
        let mut wrong = false;
        while let Some(state) = new.pop() {
            wrong |= state.gone && state.others.contains(&2);
            let others = (0..2).map(|n| state.other(n, protocol));
            for next in others.chain([state.owner(protocol)]).flatten() {
                if known.insert(next) {
                    new.push(next);
                }
            }
        }
        (known.len(), wrong)
    }

    // Behaviour 41
    #[test]
    fn nobody_is_inside_of_what_is_closed() {
        let (states, wrong) = explore(Protocol::Whole);
        assert!(states > 20 && !wrong, "{states}");
        for protocol in [Protocol::LookingBeforeCounting, Protocol::WithoutWaiting] {
            assert!(explore(protocol).1);
        }
    }
}
