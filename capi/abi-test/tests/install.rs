//! `make install`: what it puts where, and that a user can build with it, also without a network.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

/// Where the tests install, with folders as a distribution has them.
const LIBDIR: &str = "usr/lib/some-linux";

#[test]
fn it_installs_the_header_the_libraries_their_links_and_the_manual() {
    let root = installed();
    let version = env!("CARGO_PKG_VERSION");
    let [major, minor] = [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR")];
    let (pages, rest): (BTreeSet<_>, _) =
        files(&root).into_iter().partition(|file| file.starts_with("usr/share/man/"));
    let expected = [
        "usr/include/mio_st.h".to_string(),
        format!("{LIBDIR}/libmio_st.a"),
        format!("{LIBDIR}/libmio_st.so"),
        format!("{LIBDIR}/libmio_st.so.{major}.{minor}"),
        format!("{LIBDIR}/libmio_st.so.{version}"),
        format!("{LIBDIR}/pkgconfig/mio_st.pc"),
        "usr/share/doc/mio_st/c-guide.md".to_string(),
        "usr/share/doc/mio_st/descriptors.md".to_string(),
    ];
    assert_eq!(rest, BTreeSet::from(expected));
    assert!(pages.contains("usr/share/man/man7/mio_st.7"), "{pages:?}");
    for function in common::functions(&common::committed()) {
        let page = format!("usr/share/man/man3/{}.3", function.name);
        assert!(pages.contains(&page), "{page}");
    }
    let library = root.join(LIBDIR);
    let link = |name: &str| fs::read_link(library.join(name)).unwrap();
    assert_eq!(link("libmio_st.so"), Path::new(&format!("libmio_st.so.{major}.{minor}")));
    let soname = format!("libmio_st.so.{major}.{minor}");
    assert_eq!(link(&soname), Path::new(&format!("libmio_st.so.{version}")));
    let pc = fs::read_to_string(library.join("pkgconfig/mio_st.pc")).unwrap();
    assert!(pc.contains(&format!("\nVersion: {version}\n")) && !pc.contains('@'), "{pc}");
    assert!(pc.contains(&format!("\nlibdir=/{LIBDIR}\n")), "without DESTDIR: {pc}");
}

#[test]
fn every_example_is_built_from_an_installed_copy() {
    if !common::has("pkg-config", "building with an installed copy") {
        return;
    }
    for way in [Way::Shared, Way::Archive, Way::Static] {
        let folder = common::scratch(&format!("installed-{way:?}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let examples = common::header::root().join("c-examples");
        let names = files(&examples).into_iter().filter(|name| name.ends_with(".c"));
        let mut sources: Vec<_> = names.map(|name| examples.join(name)).collect();
        assert!(sources.len() >= 2, "{sources:?}");
        // And one that can be run.
        sources.push(common::source("stale_event.c"));
        for source in sources {
            let program = folder.join(source.file_stem().unwrap());
            way.build(&source, &program);
            way.check(&program);
            if source.ends_with("stale_event.c") {
                let mut run = Command::new(&program);
                common::succeeds(run.env("LD_LIBRARY_PATH", installed().join(LIBDIR)));
            }
        }
    }
}

/// How a program is linked.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
enum Way {
    Shared,
    /// With our archive and the shared libc.
    Archive,
    /// With nothing shared.
    Static,
}

impl Way {
    fn build(self, source: &Path, program: &Path) {
        let library = installed().join(LIBDIR);
        let mut cc = Command::new("cc");
        cc.args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror"]);
        cc.args(pkg_config(&["--cflags"])).arg(source).arg("-o").arg(program);
        match self {
            Way::Shared => cc.args(pkg_config(&["--libs"])),
            Way::Archive => cc.arg(library.join("libmio_st.a")),
            Way::Static => cc.arg("-static").args(pkg_config(&["--static", "--libs"])),
        };
        common::succeeds(&mut cc);
    }

    fn check(self, program: &Path) {
        if !common::has("readelf", "what a program needs at run time") {
            return;
        }
        let output = common::succeeds(Command::new("readelf").arg("--dynamic").arg(program));
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.contains("[libmio_st.so.0"), self == Way::Shared, "{text}");
        assert_eq!(text.contains("(NEEDED)"), self != Way::Static, "{text}");
    }
}

/// What a packager does: with what was fetched before, and without a network.
#[test]
fn it_is_built_and_installed_offline() {
    let copy = common::scratch("copy");
    let _ = fs::remove_dir_all(&copy);
    fs::create_dir_all(&copy).unwrap();
    for entry in fs::read_dir(common::header::root()).unwrap() {
        let name = entry.unwrap().file_name();
        if name != "target" && name != ".git" && name != "benches" && name != "fuzz" {
            let mut cp = Command::new("cp");
            common::succeeds(cp.arg("-R").arg(common::header::root().join(name)).arg(&copy));
        }
    }
    common::succeeds(
        Command::new("cargo").args(["fetch", "--quiet", "--locked"]).current_dir(&copy),
    );
    // A network of its own, in which there is none; whoever may not have that trusts cargo's word.
    let unshare = Command::new("unshare").args(["--net", "true"]).output();
    let mut make = if unshare.is_ok_and(|output| output.status.success()) {
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "make"]);
        unshare
    } else {
        Command::new("make")
    };
    make.args([
        "--silent",
        "lib",
        "install",
        "CARGO_FLAGS=--locked --frozen --quiet",
        "prefix=/usr",
    ]);
    make.arg(format!("DESTDIR={}", copy.join("root").display()));
    make.current_dir(&copy).env("CARGO_NET_OFFLINE", "true");
    common::succeeds(make.env("CARGO_TARGET_DIR", copy.join("target")));
    assert!(copy.join("root/usr/lib/libmio_st.so").is_file());
}

/// What pkg-config says of the installed copy.
fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let root = installed();
    let mut command = Command::new("pkg-config");
    command.args(arguments).arg("mio_st");
    command.env("PKG_CONFIG_PATH", root.join(LIBDIR).join("pkgconfig"));
    command.env("PKG_CONFIG_SYSROOT_DIR", root);
    let output = String::from_utf8(common::succeeds(&mut command).stdout).unwrap();
    output.split_whitespace().map(str::to_string).collect()
}

/// Installs, once, and returns the folder that stands for the root.
fn installed() -> PathBuf {
    static INSTALLED: Once = Once::new();
    let root = common::scratch("root");
    INSTALLED.call_once(|| {
        let _ = fs::remove_dir_all(&root);
        let library = common::library();
        let mut make = Command::new("make");
        make.args(["--silent", "install", "prefix=/usr"]).arg(format!("libdir=/{LIBDIR}"));
        make.arg(format!("DESTDIR={}", root.display())).current_dir(common::header::root());
        make.env("CARGO_TARGET_DIR", library.parent().expect("the target folder"));
        common::succeeds(&mut make);
    });
    root
}

/// The files in a folder, with those in its folders; none if there is no such folder.
fn files(folder: &Path) -> BTreeSet<String> {
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
