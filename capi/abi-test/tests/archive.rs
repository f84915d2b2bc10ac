//! The archive: what it shows, and that it links beside another static library of Rust, by every linker.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

/// What the other library is made of.
const OTHER: &str = r#"
#[unsafe(no_mangle)]
pub extern "C" fn other_catches_a_panic() -> i32 {
    std::panic::catch_unwind(|| panic!("this one is caught")).map_or(42, |()| 0)
}
"#;

/// Debian's compiler, where the one of this build is rustup's.
const OTHER_COMPILER: &str = "/usr/bin/rustc";

#[test]
fn it_exports_the_functions_of_the_header_alone_and_needs_no_unwinder() {
    if !common::has("readelf", "the symbols of the archive") {
        return;
    }
    let archive = common::library().join("libmio_st.a");
    let output =
        common::succeeds(Command::new("readelf").args(["--symbols", "--wide"]).arg(archive));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut functions = 0;
    for line in text.lines() {
        let columns: Vec<_> = line.split_whitespace().collect();
        // Number, value, size, type, binding, visibility, section, name.
        if let &[_, _, _, _, "GLOBAL" | "WEAK", _, section, name] = &columns[..] {
            assert!(section == "UND" || name.starts_with("mio_st_"), "{line}");
            assert!(section != "UND" || !name.starts_with("_Unwind_"), "{line}");
            functions += usize::from(section != "UND");
        }
    }
    assert_eq!(functions, common::functions(&common::committed()).len());
}

#[test]
fn it_links_beside_another_static_library_of_rust() {
    if !common::has(OTHER_COMPILER, "linking beside a library of another Rust compiler") {
        return;
    }
    let source = common::scratch("other.rs");
    fs::write(&source, OTHER).unwrap();
    let ours = common::library().join("libmio_st.a");
    let same = std::env::var("RUSTC").unwrap_or("rustc".into());
    for (compiler, name) in [(OTHER_COMPILER, "other"), (same.as_str(), "same")] {
        let theirs = common::scratch(&format!("lib{name}.a"));
        let mut rustc = Command::new(compiler);
        rustc.args(["--edition=2024", "--crate-type=staticlib", "-O", "-o"]).arg(&theirs);
        common::succeeds(rustc.arg(&source));
        for linker in ["bfd", "gold", "lld", "mold"] {
            if !common::has(&format!("ld.{linker}"), "linking with it") {
                continue;
            }
            let with = format!("-fuse-ld={linker}");
            runs(&format!("{name}-first-{linker}"), &theirs, &ours, &[&with]);
            runs(&format!("{name}-second-{linker}"), &ours, &theirs, &[&with]);
            runs(&format!("{name}-static-{linker}"), &ours, &theirs, &[&with, "-static"]);
        }
    }
}

fn runs(name: &str, first: &Path, second: &Path, arguments: &[&str]) {
    let program = common::scratch(name);
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-Wall", "-Werror", "-I"]).arg(common::header::root().join("include"));
    cc.arg(common::source("beside.c")).arg(first).arg(second).args(arguments);
    common::succeeds(cc.arg("-o").arg(&program));
    let output = common::succeeds(&mut Command::new(&program));
    let said = String::from_utf8(output.stderr).unwrap();
    // The other library's panics are its own: ours keeps no hook that silences them.
    assert_eq!(said.matches("this one is caught").count(), 2, "{said}");
}
