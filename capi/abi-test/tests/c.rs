//! The C programs of `c/`, natively and under valgrind.

mod common;

fn passes(name: &str) {
    common::run(&common::compile(&common::source(&format!("{name}.c")), name));
}

/// Behaviour 6.
#[test]
fn a_stale_event_reaches_nobody() {
    passes("stale_event");
}

#[test]
fn the_life_of_handles() {
    passes("handles");
}

#[test]
fn the_life_of_sockets_and_pipes() {
    passes("sockets");
}

#[test]
fn signals_and_exits_are_events() {
    passes("processes");
}

/// Behaviours 24 and 25.
#[test]
fn awakeners_wake_and_stale_ones_do_not() {
    passes("awakeners");
}

/// Behaviour 17.
#[test]
fn an_allocation_that_fails_is_an_error_and_steady_state_makes_none() {
    let wraps =
        ["malloc", "calloc", "realloc", "posix_memalign"].map(|name| format!("-Wl,--wrap={name}"));
    let wraps = wraps.each_ref().map(String::as_str);
    let program = common::compile_with(&common::source("memory.c"), "memory", &wraps);
    println!("{}", common::run(&program));
}
