//! Programs under the sanitizers of a C compiler, which see nothing of what the library does but what it tells them.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles a program with a sanitizer, with the archive or the shared library.
fn compiled(sanitizer: &str, source: &Path, library: &str) -> Result<PathBuf, String> {
    let name = source.file_stem().expect("a name").to_string_lossy();
    let program = common::scratch(&format!("{name}-{sanitizer}-{library}"));
    let mut clang = common::compiler("clang", source);
    clang.arg(format!("-fsanitize={sanitizer}")).arg("-fno-sanitize-recover=all");
    clang.arg(common::library().join(library)).arg("-o").arg(&program);
    common::outcome(&mut clang).map(|_| program)
}

/// Whether there is the run-time library of a sanitizer, which Debian's clang has in another package.
fn there_is(sanitizer: &str) -> bool {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64"))
        || !common::has("clang", "programs under its sanitizers")
    {
        return false;
    }
    let there = compiled(sanitizer, &common::source("version.c"), "libmio_st.a").is_ok();
    let required = std::env::var("REQUIRE_TOOLS").is_ok_and(|value| value == "1");
    assert!(there || !required, "the run-time library of clang's sanitizers is required");
    there
}

fn is_quiet(sanitizer: &str, name: &str, library: &str) {
    let source = common::source(&format!("{name}.c"));
    let program =
        compiled(sanitizer, &source, library).unwrap_or_else(|failure| panic!("{failure}"));
    let mut command = Command::new(&program);
    command.env("LD_LIBRARY_PATH", common::shared_library());
    command.env("MIO_ST_TEST_SCALE", "10").env("TSAN_OPTIONS", "halt_on_error=1");
    common::succeeds(&mut command);
}

/// Behaviours 24 and 41 and 42: what was written before a wake, or a post, and what was detached.
#[test]
fn thread_sanitizer_sees_that_a_wake_hands_data_over() {
    if there_is("thread") {
        is_quiet("thread", "handover", "libmio_st.so");
        for name in ["handover", "awakeners", "threads", "turns", "processes"] {
            is_quiet("thread", name, "libmio_st.a");
        }
    }
}

/// Events, handles, addresses, datagrams: all that the library writes for a program.
#[test]
fn memory_sanitizer_sees_what_the_library_writes() {
    if there_is("memory") {
        is_quiet("memory", "datagrams", "libmio_st.so");
        for name in [
            "poll",
            "datagrams",
            "messages",
            "options",
            "processes",
            "registration",
            "sockets",
            "transfer",
        ] {
            is_quiet("memory", name, "libmio_st.a");
        }
    }
}
