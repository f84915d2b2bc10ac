//! An installed copy, which the tests build with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use super::{header, library, scratch, succeeds};

/// Where the tests install, with folders as a distribution has them.
pub const LIBDIR: &str = "usr/lib/some-linux";

/// Installs, once in a test's process, and returns the folder that stands for the root.
pub fn installed() -> PathBuf {
    static INSTALLED: Once = Once::new();
    let name = std::env::current_exe().unwrap().file_name().unwrap().to_owned();
    let root = scratch("root").join(name);
    INSTALLED.call_once(|| {
        let _ = fs::remove_dir_all(&root);
        let libdir = format!("libdir=/{LIBDIR}");
        succeeds(make().args(["install", "prefix=/usr", &libdir]).env("DESTDIR", &root));
    });
    root
}

/// `make`, of the library that has been built.
pub fn make() -> Command {
    let mut make = Command::new("make");
    make.arg("--silent").current_dir(header::root());
    make.env("CARGO_TARGET_DIR", library().parent().expect("the target folder"));
    // Of a make that runs this test.
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    make
}

/// What pkg-config says of the copy in a root.
pub fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let root = installed();
    let mut command = Command::new("pkg-config");
    command.args(arguments).arg("mio_st");
    command.env("PKG_CONFIG_PATH", root.join(LIBDIR).join("pkgconfig"));
    command.env("PKG_CONFIG_SYSROOT_DIR", root);
    let output = String::from_utf8(succeeds(&mut command).stdout).unwrap();
    output.split_whitespace().map(str::to_string).collect()
}

/// The names of the shared libraries that a program or a library needs.
pub fn needed(program: &Path) -> Vec<String> {
    let output = succeeds(Command::new("readelf").args(["--dynamic", "--wide"]).arg(program));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| line.contains("(NEEDED)"));
    lines.map(|line| line.split(['[', ']']).nth(1).expect("a name").to_string()).collect()
}

/// The files in a folder, with those in its folders; none if there is no such folder.
pub fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            let inner = files(&entry.path());
            found.extend(inner.into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.insert(name);
        }
    }
    found
}

/// An empty folder.
pub fn empty(name: &str) -> PathBuf {
    let folder = scratch(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}
