//! The archive of `make dist-static`: beside another static library of Rust, of another compiler.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

/// What the other library is made of.
const OTHER: &str = r#"
#[unsafe(no_mangle)]
pub extern "C" fn other_catches_a_panic() -> i32 {
    std::panic::catch_unwind(|| panic!("this one is caught")).map_or(42, |()| 0)
}
"#;

/// Debian's compiler, where the one of this build is rustup's.
const COMPILER: &str = "/usr/bin/rustc";

#[test]
fn it_exports_the_functions_of_the_header_alone() {
    if !common::has("readelf", "the symbols of the localised archive") {
        return;
    }
    let output =
        common::succeeds(Command::new("readelf").args(["--symbols", "--wide"]).arg(archive()));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut functions = 0;
    for line in text.lines() {
        let columns: Vec<_> = line.split_whitespace().collect();
        // Number, value, size, type, binding, visibility, section, name.
        if let &[_, _, _, _, "GLOBAL" | "WEAK", _, section, name] = &columns[..] {
            assert!(section == "UND" || name.starts_with("mio_st_"), "{line}");
            functions += usize::from(section != "UND");
        }
    }
    assert_eq!(functions, common::functions(&common::committed()).len());
}

#[test]
fn it_links_beside_another_static_library_of_rust() {
    if !common::has(COMPILER, "linking beside a library of another Rust compiler") {
        return;
    }
    let (source, other) = (common::scratch("other.rs"), common::scratch("libother.a"));
    fs::write(&source, OTHER).unwrap();
    let mut rustc = Command::new(COMPILER);
    rustc.args(["--edition=2024", "--crate-type=staticlib", "-O", "-o"]).arg(&other).arg(&source);
    common::succeeds(&mut rustc);
    let ours = archive();
    for (name, first, second) in [("ours-first", &ours, &other), ("other-first", &other, &ours)] {
        for shared_libc in [true, false] {
            runs(name, first, second, if shared_libc { &[] } else { &["-static"] });
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

/// Makes the archive, once.
fn archive() -> PathBuf {
    static MADE: Once = Once::new();
    let library = common::library();
    MADE.call_once(|| {
        let mut make = Command::new("make");
        make.arg("--silent").arg("dist-static").current_dir(common::header::root());
        make.env("CARGO_TARGET_DIR", library.parent().expect("the target folder"));
        common::succeeds(&mut make);
    });
    library.join("dist/libmio_st.a")
}
