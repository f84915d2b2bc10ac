//! Lists of pollers, in one piece of memory: with which further ones a handle is registered.
//!
//! Pure, as the slots are. What is done to a list takes as long as the list is.

use std::collections::TryReserveError;

/// The end of a list.
const NONE: u32 = u32::MAX;

/// A list. It is emptied before it is forgotten.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct List(u32);

impl List {
    pub(crate) const EMPTY: List = List(NONE);
}

#[derive(Debug)]
pub(crate) struct Lists {
    nodes: Vec<Node>,
    /// Those that are in no list of a handle's.
    free: u32,
}

#[derive(Debug)]
struct Node {
    poller: u64,
    next: u32,
}

impl Lists {
    pub(crate) const fn new() -> Lists {
        Lists { nodes: Vec::new(), free: NONE }
    }

    /// Makes sure that the next [`push`](Lists::push) finds memory.
    pub(crate) fn reserve(&mut self) -> Result<(), TryReserveError> {
        if self.free == NONE {
            self.nodes.try_reserve(1)?;
            self.free = self.nodes.len() as u32;
            self.nodes.push(Node { poller: 0, next: NONE });
        }
        Ok(())
    }

    /// Adds a poller, for which [`reserve`](Lists::reserve) was called.
    pub(crate) fn push(&mut self, list: &mut List, poller: u64) {
        let Some(node) = self.nodes.get_mut(self.free as usize) else { return };
        let next = node.next;
        *node = Node { poller, next: list.0 };
        list.0 = self.free;
        self.free = next;
    }

    /// Keeps those pollers of a list that `keep` says.
    pub(crate) fn retain(&mut self, list: &mut List, mut keep: impl FnMut(u64) -> bool) {
        let mut rest = std::mem::replace(&mut list.0, NONE);
        while let Some(node) = self.nodes.get_mut(rest as usize) {
            let to = if keep(node.poller) { &mut list.0 } else { &mut self.free };
            let next = std::mem::replace(&mut node.next, *to);
            *to = rest;
            rest = next;
        }
    }

    pub(crate) fn iter(&self, list: List) -> impl Iterator<Item = u64> + '_ {
        let first = self.nodes.get(list.0 as usize);
        std::iter::successors(first, |node| self.nodes.get(node.next as usize))
            .map(|node| node.poller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(lists: &Lists, list: List) -> Vec<u64> {
        let mut pollers: Vec<_> = lists.iter(list).collect();
        pollers.sort_unstable();
        pollers
    }

    #[test]
    fn lists_keep_what_is_theirs_and_share_the_memory() {
        let mut lists = Lists::new();
        let (mut a, mut b) = (List::EMPTY, List::EMPTY);
        for poller in 1..=6 {
            lists.reserve().unwrap();
            lists.push(if poller % 2 == 0 { &mut a } else { &mut b }, poller);
        }
        assert_eq!((sorted(&lists, a), sorted(&lists, b)), (vec![2, 4, 6], vec![1, 3, 5]));
        lists.retain(&mut a, |poller| poller != 4);
        lists.retain(&mut b, |_| false);
        assert_eq!((sorted(&lists, a), b), (vec![2, 6], List::EMPTY));
        for poller in 7..=10 {
            lists.reserve().unwrap();
            lists.push(&mut b, poller);
        }
        assert_eq!((sorted(&lists, a), sorted(&lists, b)), (vec![2, 6], vec![7, 8, 9, 10]));
        assert_eq!(lists.nodes.len(), 6);
    }
}
