//! The public API of the crate is the committed one, `mio_st.txt`: a change of it is a decision (`make api`).
//!
//! It is that on Linux. What is not there on other systems is the list `ELSEWHERE_MISSING`.

// What is described is described once; rustdoc for 32 bits or for an emulated processor is another's.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mio_st.txt")
}

/// "rustc 1.95.0 (...)" is "1.95".
fn compiler() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let version = text.split(' ').nth(1).expect("a version");
    version.rsplit_once('.').expect("a patch version").0.to_string()
}

fn heading() -> String {
    format!("# Written by `make api` with Rust {}. Do not edit.", compiler())
}

/// The public items of the package in a folder, a line each.
fn describe(package: &Path, target: &str) -> String {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(target);
    let mut cargo = Command::new(std::env::var("CARGO").unwrap_or("cargo".into()));
    cargo.args(["rustdoc", "--quiet", "--offline", "--package", "mio-st", "--lib", "--"]);
    // JSON is no promise of the compiler's yet.
    cargo.args(["-Z", "unstable-options", "--output-format", "json"]).env("RUSTC_BOOTSTRAP", "1");
    cargo
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("CARGO_BUILD_TARGET")
        .env_remove("RUSTDOCFLAGS");
    let output = cargo.current_dir(package).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json = target.join("doc/mio_st.json");
    let api = public_api::Builder::from_rustdoc_json(json).omit_blanket_impls(true).build();
    let api = api.expect("what this compiler writes").to_string();
    // Traits that have no name yet outside of std.
    let unstable = ["core::marker::Freeze", "core::marker::UnsafeUnpin"];
    let lines = api.lines().filter(|line| !unstable.iter().any(|name| line.contains(name)));
    lines.map(|line| format!("{line}\n")).collect()
}

/// What is in one text and not in the other, as in a diff.
fn difference(before: &str, after: &str) -> String {
    let [before, after] = [before, after].map(|text| text.lines().collect::<BTreeSet<_>>());
    let gone = before.difference(&after).map(|line| format!("-{line}\n"));
    let new = after.difference(&before).map(|line| format!("+{line}\n"));
    gone.chain(new).collect()
}

/// Whether the text is of this compiler; another writes the names of std otherwise.
fn is_of_this_compiler(text: &str) -> bool {
    let same = text.lines().next() == Some(&heading());
    let required = std::env::var("REQUIRE_TOOLS").is_ok_and(|value| value == "1");
    assert!(same || !required, "the public API was written by another compiler: `make api`");
    if !same {
        eprintln!(
            "skipped, since it was written by another compiler: the comparison of the public API"
        );
    }
    same
}

#[test]
fn the_public_api_is_the_committed_one() {
    if std::env::var_os("MIO_ST_WRITE_API").is_some() {
        let text = format!("{}\n{}", heading(), describe(root(), "public-api"));
        fs::write(committed(), text).unwrap();
    }
    let text = fs::read_to_string(committed()).unwrap();
    if !is_of_this_compiler(&text) {
        return;
    }
    let described = format!("{}\n{}", heading(), describe(root(), "public-api"));
    let difference = difference(&text, &described);
    assert!(
        difference.is_empty() && text == described,
        "if that is meant, run `make api`, and think of the version:\n{difference}"
    );
}

#[test]
fn a_change_of_the_public_api_is_seen() {
    let text = fs::read_to_string(committed()).unwrap();
    if !is_of_this_compiler(&text) {
        return;
    }
    // The library alone.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("changed-api");
    let _ = fs::remove_dir_all(&folder);
    let script = root().join("packaging/library-only");
    let copied = Command::new(script).arg(root()).arg(&folder).status().expect("sh");
    assert!(copied.success());
    let changes = [
        ("src/unix/stream.rs", "pub pid: Option<i32>", "pub pid: Option<u64>", "pid"),
        (
            "src/poll/option.rs",
            "    Oneshot,",
            "    Oneshot,\n    /// Another.\n    Never,",
            "Never",
        ),
        (
            "src/event/events.rs",
            "with_capacity(capacity: usize)",
            "with_capacity(capacity: u32)",
            "(u32)",
        ),
        ("src/unix/evented_fd.rs", "PhantomData<*const ()>", "PhantomData<()>", "Send for"),
        ("src/event/mod.rs", "#[derive(Copy, Clone, Debug,", "#[derive(Clone, Debug,", "Copy for"),
    ];
    for (file, before, after, _) in changes {
        let path = folder.join(file);
        let source = fs::read_to_string(&path).unwrap();
        assert!(source.contains(before), "{file}: {before}");
        fs::write(path, source.replacen(before, after, 1)).unwrap();
    }
    let difference = difference(&text, &describe(&folder, "changed-api/target"));
    for (_, _, _, told) in changes {
        assert!(difference.contains(told), "{told}: {difference}");
    }
}

/// The public functions that are of some systems only.
const ELSEWHERE_MISSING: &[&str] = &["set_user_timeout", "user_timeout"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn no_other_public_item_is_of_some_systems_only() {
    let mut found = Vec::new();
    for path in sources(&root().join("src")).iter().filter(|path| !path.ends_with("src/lib.rs")) {
        let text = fs::read_to_string(path).unwrap();
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            if !line.starts_with("#[cfg(") || line.contains("test") {
                continue;
            }
            let item = lines.by_ref().find(|line| !line.starts_with('#')).unwrap_or_default();
            if let Some(name) = item.strip_prefix("pub fn ") {
                found.push(name.split('(').next().unwrap().to_string());
            } else if item.starts_with("pub ") {
                found.push(item.to_string());
            }
        }
    }
    found.sort();
    assert_eq!(found, ELSEWHERE_MISSING);
}
