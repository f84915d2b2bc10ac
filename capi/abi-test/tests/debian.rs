//! The Debian packages: built of the archive of sources without a network, clean for lintian, installed, used and
//! removed in a root of their own.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::installed::{empty, files};

#[test]
fn the_packages_are_built_without_a_network_are_clean_and_can_be_removed() {
    for tool in ["dpkg-buildpackage", "dh", "lintian", "unshare", "git", "pkg-config"] {
        if !common::has(tool, "the packages of Debian") {
            return;
        }
    }
    let unshare = Command::new("unshare").args(["--net", "true"]).output();
    if !unshare.is_ok_and(|output| output.status.success()) {
        common::has("a network of one's own", "the packages of Debian");
        return;
    }
    let folder = empty("debian");
    let version = env!("CARGO_PKG_VERSION");
    let mut source = Command::new(common::header::root().join("packaging/debian-source"));
    common::succeeds(without_make(source.arg(&folder)));
    let sources = folder.join(format!("mio-st-{version}"));
    let mut build = Command::new("unshare");
    build.args(["--net", "dpkg-buildpackage", "--unsigned-source", "--unsigned-changes"]);
    common::succeeds(without_make(build.current_dir(&sources)).env_remove("CARGO_TARGET_DIR"));
    fs::remove_dir_all(&sources).unwrap();

    let named = |end: &str| {
        let mut names = files(&folder).into_iter().filter(|name| name.ends_with(end));
        names.next().map(|name| folder.join(name)).unwrap_or_else(|| panic!("no {end}"))
    };
    let mut lintian = Command::new("lintian");
    lintian.args(["--allow-root", "--fail-on", "error,warning"]);
    common::succeeds(lintian.arg(named(".changes")));

    // Without scripts of their own they need no system in the root.
    let root = empty("debian-root");
    let database = root.join("var/lib/dpkg");
    fs::create_dir_all(database.join("info")).unwrap();
    fs::create_dir_all(database.join("updates")).unwrap();
    fs::write(database.join("status"), "").unwrap();
    let dpkg = || {
        let mut dpkg = Command::new("dpkg");
        // The libc that they need is outside.
        dpkg.arg(format!("--root={}", root.display())).args(["--force-depends", "--log=/dev/null"]);
        dpkg
    };
    let [runtime, development] = ["libmio-st0.4_", "libmio-st-dev_"].map(|name| {
        let names =
            files(&folder).into_iter().find(|it| it.starts_with(name) && it.ends_with(".deb"));
        folder.join(names.unwrap_or_else(|| panic!("no {name}")))
    });
    common::succeeds(dpkg().arg("--install").arg(runtime).arg(development));
    uses(&root);
    common::succeeds(dpkg().args(["--purge", "libmio-st-dev", "libmio-st0.4"]));
    assert!(!files(&root).iter().any(|file| file.contains("mio")), "{:?}", files(&root));
}

/// Builds the examples that are installed, and a program that can be run.
fn uses(root: &Path) {
    let triplet = common::succeeds(Command::new("gcc").arg("-print-multiarch")).stdout;
    let library = root.join("usr/lib").join(String::from_utf8(triplet).unwrap().trim());
    let examples = root.join("usr/share/doc/libmio-st-dev/examples");
    assert!(examples.join("echo_server.c").is_file());
    let program = common::scratch("debian-program");
    let example = common::scratch("debian-example");
    for (source, output) in
        [(examples.join("echo_server.c"), &example), (common::source("stale_event.c"), &program)]
    {
        let mut sh = Command::new("sh");
        sh.args(["-euc", "cc -o \"$1\" \"$0\" $(pkg-config --cflags --libs mio_st)"]);
        sh.arg(source).arg(output).env("PKG_CONFIG_SYSROOT_DIR", root);
        common::succeeds(sh.env("PKG_CONFIG_LIBDIR", library.join("pkgconfig")));
    }
    common::succeeds(Command::new(program).env("LD_LIBRARY_PATH", library));
}

/// A command that is not part of the make that runs this test.
fn without_make(command: &mut Command) -> &mut Command {
    command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MFLAGS")
}
