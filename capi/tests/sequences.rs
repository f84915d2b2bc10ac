//! Any sequence of calls with any arguments: see `calls/mod.rs`, which the fuzzer shares.

// Which descriptors are open is asked as Linux has it.
#![cfg(target_os = "linux")]

mod calls;

use std::collections::BTreeSet;

use calls::STEP;
use calls::table::FUNCTIONS;
use proptest::prelude::*;

/// Nothing else in this program uses the library: it counts what is open in all threads.
#[test]
fn no_sequence_of_calls_breaks_what_handles_promise() {
    let steps = proptest::collection::vec(any::<[u8; STEP]>(), 1..128);
    proptest!(|(steps in steps)| calls::run(&steps));
}

/// A function that is added to the header must be added to the grammar.
#[test]
fn the_grammar_has_every_function_of_the_header() {
    let header = include_str!("../../include/mio_st.h");
    let in_header: BTreeSet<&str> = header
        .lines()
        .filter(|line| !line.trim_start().starts_with('*'))
        .flat_map(|line| line.match_indices("mio_st_").map(move |(at, _)| &line[at..]))
        .filter_map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
            rest[end..].starts_with('(').then_some(&rest[..end])
        })
        .collect();
    let in_grammar: BTreeSet<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    assert!(in_header.len() > 200);
    assert_eq!(in_header, in_grammar);
}
