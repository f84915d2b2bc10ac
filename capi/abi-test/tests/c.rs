//! The C programs of `c/`, natively and under valgrind.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn passes(name: &str) {
    common::run(&common::compile(&common::source(&format!("{name}.c")), name));
}

/// Behaviours 1 and 2 and 5 and 40.
#[test]
fn every_kind_of_handle_is_registered_once_and_bad_descriptors_never() {
    passes("registration");
}

/// Behaviour 6.
#[test]
fn a_stale_event_reaches_nobody() {
    passes("stale_event");
}

/// Behaviour 6.
#[test]
fn an_event_is_its_sources_and_of_one_that_is_gone_nobodys() {
    passes("loop");
}

/// Behaviours 8 and 9 and 10.
#[test]
fn triggers_and_what_the_peer_did() {
    passes("triggers");
}

/// Behaviours 13 and 14 and 15 and 16.
#[test]
fn polls_wait_as_long_as_asked_for_and_serve_everybody() {
    passes("poll");
}

/// Behaviours 18 and 19 and 20 and 21 and 23.
#[test]
fn deadlines_are_never_early_and_their_keys_are_good_once() {
    passes("deadlines");
}

/// Behaviours 37 and 38.
#[test]
fn time_is_the_programs_where_it_drives_the_clock() {
    passes("clock");
}

/// Behaviours 43 and 44.
#[test]
fn a_program_is_told_what_is_wrong_with_it() {
    passes("checks");
}

/// Behaviours 24 and 25.
#[test]
fn awakeners_wake_and_stale_ones_do_not() {
    passes("awakeners");
}

/// Behaviour 24.
#[test]
fn a_wake_hands_over_what_was_written_before() {
    passes("handover");
}

/// Behaviours 33 and 41 and 42.
#[test]
fn threads_register_with_one_poller_and_take_turns_with_it() {
    passes("turns");
}

/// Behaviours 11 and 26 and 27 and 30.
#[test]
fn tcp_connections_begin_and_end() {
    passes("tcp");
}

/// Behaviours 28 and 29.
#[test]
fn everything_arrives_and_no_socket_raises_sigpipe() {
    passes("transfer");
}

/// Behaviour 33.
#[test]
fn a_forked_child_cannot_disturb_its_parent() {
    passes("fork");
}

/// Behaviour 33.
#[test]
fn a_chain_of_forks_goes_on_and_each_fork_is_noticed() {
    let wraps = ["-Wl,--wrap=pthread_atfork"];
    common::run(&common::compile_with(&common::source("forks.c"), "forks", &wraps));
}

/// Behaviour 34.
#[test]
fn a_handle_is_its_threads_and_a_descriptor_anybodys() {
    passes("threads");
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))] // What is said of cancelling within a poll was tried there.
fn a_thread_may_be_cancelled() {
    passes("cancel");
}

#[test]
fn the_life_of_handles() {
    passes("handles");
}

/// Behaviour 32.
#[test]
fn the_life_of_sockets_and_pipes() {
    passes("sockets");
}

/// Behaviour 32.
#[test]
fn runs_of_datagrams_and_what_goes_along() {
    passes("datagrams");
}

/// Behaviour 39.
#[test]
fn descriptors_and_credentials_are_passed() {
    passes("messages");
}

/// Behaviour 32.
#[test]
#[cfg(target_os = "linux")]
fn runs_that_are_refused_are_sent_as_a_batch() {
    let wraps = ["sendmsg", "recvmsg", "sendmmsg", "recvmmsg"].map(|c| format!("-Wl,--wrap={c}"));
    let wraps: Vec<_> = wraps.iter().map(String::as_str).collect();
    let source = common::source("datagram_calls.c");
    common::run(&common::compile_with(&source, "datagram_calls", &wraps));
}

#[test]
fn options_are_what_the_system_sees() {
    passes("options");
}

/// Behaviour 45.
#[test]
fn signals_and_exits_are_events() {
    passes("processes");
}

#[test]
fn the_library_is_of_the_version_of_its_header() {
    passes("version");
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

/// Behaviour 17.
#[test]
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))] // See the guide.
fn the_first_call_of_a_thread_without_memory_is_an_error() {
    let program = common::compile(&common::source("no_memory.c"), "no_memory");
    common::succeeds(Command::new(program).arg(common::library().join("libmio_st.so")));
}

#[test]
#[cfg(target_env = "gnu")] // musl unloads nothing.
fn a_plugin_that_has_the_archive_in_it_may_be_closed() {
    let source = common::source("plugin.c");
    let plugin = common::scratch("plugin.so");
    let mut compiler = common::compiler(&std::env::var("CC").unwrap_or("cc".into()), &source);
    compiler.args(["-shared", "-fPIC"]).arg(common::library().join("libmio_st.a"));
    common::succeeds(compiler.arg("-o").arg(&plugin));
    let host = common::compile(&common::source("plugin_host.c"), "plugin_host");
    common::succeeds(Command::new(host).arg(plugin));
}

/// Behaviour 36: each call of the system's that an operation makes, with each errno.
#[test]
fn a_call_that_is_refused_is_the_error_and_leaves_all_as_it_was() {
    let source = common::source("refusals.c");
    let text = std::fs::read_to_string(&source).expect("the program");
    let wrapped = text.lines().filter_map(|line| line.split_once("__wrap_")?.1.split_once('('));
    let by_hand = ["fcntl", "syscall"];
    let wrapped =
        wrapped.filter(|(name, _)| by_hand.contains(name)).map(|(name, _)| name.to_owned());
    let rows = text.lines().filter_map(|line| line.strip_prefix("WRAP(")?.split(", ").nth(1));
    let calls: BTreeSet<_> = wrapped.chain(rows.map(str::to_owned)).collect();
    let wraps: Vec<_> = calls.iter().map(|call| format!("-Wl,--wrap={call}")).collect();
    let wraps: Vec<_> = wraps.iter().map(String::as_str).collect();
    println!("{}", common::run(&common::compile_with(&source, "refusals", &wraps)));
}

/// The programs that use the library as a user would: all but the one that abuses it.
fn programs() -> Vec<PathBuf> {
    let folders = [common::source(""), common::header::root().join("c-examples")];
    let files = folders.iter().flat_map(|folder| folder.read_dir().expect("a folder"));
    let files = files.map(|file| file.expect("a file").path());
    let programs = files.filter(|file| file.extension().is_some_and(|extension| extension == "c"));
    programs.filter(|file| !file.ends_with("abuse.c")).collect()
}

fn stem(program: &Path) -> &str {
    program.file_stem().and_then(|stem| stem.to_str()).expect("a name")
}

#[test]
fn every_program_is_run() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folders = [tests.clone(), tests.join("adapters")];
    let files = folders.iter().flat_map(|folder| folder.read_dir().expect("a folder"));
    let files = files.map(|file| file.expect("a file").path()).filter(|path| path.is_file());
    let tests: String = files.map(|file| std::fs::read_to_string(file).expect("a test")).collect();
    for program in programs().iter().filter(|program| program.starts_with(common::source(""))) {
        let name = stem(program);
        let run = [format!("passes(\"{name}\")"), format!("\"{name}.c\"")];
        assert!(run.iter().any(|run| tests.contains(run)), "{name}.c is not run");
    }
}

/// The objects say whom they call, by macros too.
#[test]
fn every_function_is_called_by_a_program_that_means_it() {
    let mut called = BTreeSet::new();
    for program in programs() {
        let object = common::scratch(&format!("{}.o", stem(&program)));
        common::succeeds(common::compiler("cc", &program).args(["-c", "-o"]).arg(&object));
        let symbols = common::succeeds(Command::new("nm").arg("-u").arg(&object)).stdout;
        let symbols = String::from_utf8(symbols).expect("UTF-8");
        called.extend(symbols.split_whitespace().map(str::to_owned));
    }
    let functions = common::functions(&common::committed());
    assert!(functions.len() > 200);
    let missing: Vec<_> = functions
        .iter()
        .map(|function| &function.name)
        .filter(|name| !called.contains(*name))
        .collect();
    assert!(missing.is_empty(), "no C program calls {missing:#?}");
}

#[test]
fn clang_has_no_warning_either() {
    if !common::has("clang", "its warnings") {
        return;
    }
    for program in programs() {
        common::succeeds(common::compiler("clang", &program).arg("-fsyntax-only"));
    }
}
