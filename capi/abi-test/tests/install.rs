//! `make lib`, `make install`, `make uninstall`: what is put where, what of it can be built with, and what is
//! said when that is not possible.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::installed::{LIBDIR, empty, files, installed, make, needed, pkg_config};

#[test]
fn it_installs_all_that_one_builds_with_and_the_manual() {
    let root = installed();
    let version = env!("CARGO_PKG_VERSION");
    let [major, minor] = [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR")];
    let (pages, rest): (BTreeSet<_>, _) =
        files(&root).into_iter().partition(|file| file.starts_with("usr/share/man/"));
    let mut expected = BTreeSet::from([
        "usr/include/mio_st.h".to_string(),
        format!("{LIBDIR}/libmio_st.a"),
        format!("{LIBDIR}/libmio_st.so"),
        format!("{LIBDIR}/libmio_st.so.{major}.{minor}"),
        format!("{LIBDIR}/libmio_st.so.{version}"),
        format!("{LIBDIR}/pkgconfig/mio_st.pc"),
        format!("{LIBDIR}/cmake/mio_st/mio_st-config.cmake"),
        format!("{LIBDIR}/cmake/mio_st/mio_st-config-version.cmake"),
    ]);
    let documents = [
        "c-guide.md",
        "descriptors.md",
        "behaviours.md",
        "platforms.md",
        "other-languages.md",
        "CHANGELOG.md",
    ];
    for file in documents {
        expected.insert(format!("usr/share/doc/mio_st/{file}"));
        // What it leads to is installed, too, but for the sources.
        let text = fs::read_to_string(root.join("usr/share/doc/mio_st").join(file)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let elsewhere = link.is_empty() || link.starts_with("http") || link.starts_with("../");
            assert!(elsewhere || documents.contains(&link), "{file} leads to {link}");
        }
    }
    let source = common::header::root();
    for (from, to) in [("include", "include"), ("c-examples", "share/doc/mio_st/examples")] {
        let names = files(&source.join(from)).into_iter();
        let names = names.filter(|name| {
            name.ends_with(".h") || name.ends_with(".c") || name.ends_with("Makefile")
        });
        expected.extend(names.map(|name| format!("usr/{to}/{name}")));
    }
    assert_eq!(rest, expected);
    assert!(pages.contains("usr/share/man/man7/mio_st.7"), "{pages:?}");
    for function in common::functions(&common::committed()) {
        let page = format!("usr/share/man/man3/{}.3", function.name);
        assert!(pages.contains(&page), "{page}");
    }
    let library = root.join(LIBDIR);
    let link = |name: &str| fs::read_link(library.join(name)).unwrap();
    let soname = format!("libmio_st.so.{major}.{minor}");
    assert_eq!(link("libmio_st.so"), Path::new(&soname));
    assert_eq!(link(&soname), Path::new(&format!("libmio_st.so.{version}")));
    let pc = fs::read_to_string(library.join("pkgconfig/mio_st.pc")).unwrap();
    assert!(pc.contains(&format!("\nVersion: {version}\n")) && !pc.contains('@'), "{pc}");
    assert!(pc.contains("\nlibdir=${prefix}/lib/some-linux\n"), "of the prefix: {pc}");
}

#[test]
fn every_place_has_the_version_of_cargo_toml() {
    let version = env!("CARGO_PKG_VERSION");
    let root = common::header::root();
    for (file, start) in [("meson.build", "version: '"), ("CHANGELOG.md", "## ")] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        let behind = text.split_once(start).unwrap_or_else(|| panic!("{start} in {file}")).1;
        assert!(behind.starts_with(version), "{file}: {behind:.20}");
    }
}

#[test]
fn uninstall_leaves_no_file_of_ours_and_every_other() {
    let root = empty("uninstalled");
    let here = |what: &str| {
        common::succeeds(make().args([what, "prefix=/usr"]).env("DESTDIR", &root));
    };
    here("install");
    let others = ["usr/include/other.h", "usr/share/man/man3/other.3", "usr/lib/libother.so"];
    for other in others {
        fs::write(root.join(other), "").unwrap();
    }
    assert!(files(&root).len() > 100);
    here("uninstall");
    assert_eq!(files(&root), BTreeSet::from(others.map(str::to_string)));
    for folder in ["usr/include/mio_st", "usr/lib/cmake/mio_st", "usr/share/doc/mio_st"] {
        assert!(!root.join(folder).exists(), "{folder}");
    }
    // Once more is no error.
    here("uninstall");
}

/// By the commands of the README and of the guide, which a user may take for granted.
#[test]
fn a_program_is_shared_or_static_by_name() {
    if !common::has("pkg-config", "building with an installed copy")
        || !common::has("readelf", "what a program needs at run time")
    {
        return;
    }
    let readme = fs::read_to_string(common::header::root().join("README.md")).unwrap();
    let guide = fs::read_to_string(common::header::root().join("docs/c-guide.md")).unwrap();
    let source = common::source("stale_event.c");
    let root = installed();
    for (text, program) in [(&readme, "server.c"), (&guide, "question.c")] {
        let mut seen = BTreeSet::new();
        for line in text.lines().filter(|line| line.starts_with(&format!("cc {program} "))) {
            let (command, kind) = line.split_once('#').expect("shared or static");
            let kind = kind.trim();
            seen.insert(kind);
            let built = common::scratch("by-name");
            let _ = fs::remove_file(&built);
            let command = command.replace(program, "$SOURCE") + " -o $PROGRAM";
            let mut sh = Command::new("sh");
            sh.arg("-euc").arg(&command).env("SOURCE", &source).env("PROGRAM", &built);
            sh.env("PKG_CONFIG_PATH", root.join(LIBDIR).join("pkgconfig"));
            common::succeeds(sh.env("PKG_CONFIG_SYSROOT_DIR", &root));
            let needed = needed(&built);
            let ours = needed.iter().any(|name| name.starts_with("libmio_st"));
            assert_eq!(ours, kind == "shared", "{line}: {needed:?}");
            let all_static = kind == "static, with libc";
            assert_eq!(needed.is_empty(), all_static, "{line}: {needed:?}");
            common::succeeds(Command::new(&built).env("LD_LIBRARY_PATH", root.join(LIBDIR)));
        }
        let kinds = BTreeSet::from(["shared", "static", "static, with libc"]);
        assert_eq!(seen, kinds, "{program}");
    }
}

#[test]
fn it_links_in_every_static_way_by_every_linker() {
    if !common::has("pkg-config", "building with an installed copy") {
        return;
    }
    let source = common::source("stale_event.c");
    let flags = pkg_config(&["--cflags"]);
    let archive = installed().join(LIBDIR).join("libmio_st.a");
    let mut links = Vec::new();
    for linker in ["bfd", "gold", "lld", "mold"] {
        if common::has(&format!("ld.{linker}"), "linking with it") {
            for way in ["-pie", "-no-pie", "-static", "-static-pie"] {
                // Which gold cannot.
                if linker == "gold" && way == "-static-pie" {
                    continue;
                }
                links.push(vec!["cc".to_string(), format!("-fuse-ld={linker}"), way.to_string()]);
            }
        }
    }
    if common::has("clang", "linking with it") {
        links.push(vec!["clang".to_string(), "-static".to_string()]);
        links.push(vec!["clang".to_string(), "-rtlib=libgcc".to_string()]);
    }
    if common::has("python-zig", "linking with zig") {
        links.push(vec!["python-zig".to_string(), "cc".to_string()]);
    }
    for link in links {
        let program = common::scratch(&format!("linked{}", link.join("")));
        let mut cc = Command::new(&link[0]);
        cc.args(&link[1..]).args(&flags).arg(&source).arg(&archive).arg("-o").arg(&program);
        common::succeeds(&mut cc);
        assert!(!needed(&program).iter().any(|name| name.starts_with("libmio_st")), "{link:?}");
        common::succeeds(&mut Command::new(&program));
    }
}

/// An archive that is linked without GNU's linker, as on BSD, is as good.
#[test]
fn the_archive_can_be_made_with_the_tools_of_llvm() {
    if !common::has("clang", "building with LLVM's tools")
        || !common::has("ld.lld", "the same")
        || !common::has("llvm-objcopy", "the same")
        || !common::has("llvm-ar", "the same")
    {
        return;
    }
    let folder = empty("llvm");
    let mut build = Command::new(common::header::root().join("packaging/build-lib"));
    build.arg(&folder).arg(env!("CARGO_PKG_VERSION"));
    // There is no other linker.
    let cc = folder.join("cc");
    let script = "#!/bin/sh\n[ \"$2\" != -nostdlib ] || [ \"$3\" != -fuse-ld=bfd ] || exit 1\n\
                  exec clang -fuse-ld=lld \"$@\"\n";
    fs::write(&cc, script).unwrap();
    fs::set_permissions(&cc, fs::Permissions::from_mode(0o755)).unwrap();
    build.env("CC", &cc).env("OBJCOPY", "llvm-objcopy").env("AR", "llvm-ar");
    build.env("CARGO_TARGET_DIR", common::target()).env("CARGO_FLAGS", "--locked --quiet");
    common::succeeds(&mut build);
    let source = common::source("stale_event.c");
    let program = folder.join("stale_event");
    let mut cc = common::compiler("cc", &source);
    common::succeeds(cc.arg(folder.join("libmio_st.a")).arg("-o").arg(&program));
    common::succeeds(&mut Command::new(&program));
}

#[test]
fn what_cannot_be_built_is_said_in_a_sentence_and_what_was_built_is_no_longer_installed() {
    let target = empty("unbuilt");
    let lib = |settings: &[&str]| refused(make().arg("lib").args(settings), &target);
    let none = "CARGO=no-such-cargo";
    assert!(lib(&[none]).contains("there is no no-such-cargo: install Rust"));
    assert!(lib(&["CC=no-such-cc"]).contains("there is no no-such-cc: install a C compiler"));
    assert!(lib(&["OBJCOPY=no-such"]).contains("there is no no-such: install binutils"));
    assert!(lib(&["AR=no-such"]).contains("there is no no-such: install binutils"));
    let said = lib(&["CARGO_BUILD_TARGET=vax-unknown-vms"]);
    assert!(said.contains("knows no target vax-unknown-vms"), "{said}");
    let said = lib(&["CARGO_BUILD_TARGET=riscv32i-unknown-none-elf"]);
    assert!(said.contains("rustup target add riscv32i-unknown-none-elf"), "{said}");
    let said = lib(&["CARGO_FLAGS=--locked --target=aarch64-unknown-linux-gnu"]);
    assert!(said.contains("name the target by CARGO_BUILD_TARGET"), "{said}");

    let root = empty("unbuilt-root");
    let install = |settings: &[&str]| {
        let mut make = make();
        make.arg("install").args(settings).env("DESTDIR", &root).env("CARGO", "/no/cargo");
        let said = refused(&mut make, &target);
        assert_eq!(files(&root), BTreeSet::new());
        said
    };
    assert!(install(&[]).contains("nothing is built in"));
    // Of another version, of another target.
    fs::create_dir_all(target.join("lib")).unwrap();
    fs::write(target.join("lib/version"), "0.1.0 8\n").unwrap();
    let said = install(&[]);
    assert!(said.contains("is version 0.1.0") && said.contains("run make lib first"), "{said}");
    fs::write(target.join("lib/version"), concat!(env!("CARGO_PKG_VERSION"), " 8\n")).unwrap();
    let said = install(&["CARGO_BUILD_TARGET=aarch64-unknown-linux-gnu"]);
    assert!(said.contains("nothing is built in"), "{said}");
    // A build that fails leaves nothing to install.
    lib(&["CARGO=false"]);
    assert!(install(&[]).contains("nothing is built in"));
}

#[test]
fn what_cannot_be_installed_is_said_in_a_sentence_and_nothing_is() {
    let root = empty("unwritable");
    let target = common::library().parent().unwrap().to_owned();
    let install = |settings: &[&str]| {
        refused(make().arg("install").args(settings).env("DESTDIR", &root), &target)
    };
    // A file stands in the way of a folder, of the last that is made: also for root.
    fs::create_dir_all(root.join("usr/share/doc")).unwrap();
    fs::write(root.join("usr/share/doc/mio_st"), "").unwrap();
    let said = install(&["prefix=/usr"]);
    assert!(said.contains("cannot be written; nothing was installed"), "{said}");
    assert_eq!(files(&root), BTreeSet::from(["usr/share/doc/mio_st".to_string()]));
    let said = install(&["prefix=relative"]);
    assert!(said.contains("not an absolute path: relative"), "{said}");
    for bad in ["/a\"b", "/a;b", "/a|b", "/a#b"] {
        let bad = format!("prefix={bad}");
        let said = install(&[&bad.replace('#', "\\#")]);
        assert!(said.contains("cannot say"), "{bad}: {said}");
    }
    assert_eq!(files(&root).len(), 1);
}

/// Two targets one after the other: each folder has its own. The other target is this machine by its name, for
/// which every Rust has the library; .ci/check-targets builds others.
#[test]
fn a_named_target_has_a_folder_of_its_own() {
    let host = common::succeeds(Command::new("rustc").arg("-vV"));
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let target = empty("named");
    let named = target.join(host).join("lib");
    fs::create_dir_all(named.join("man3")).unwrap();
    fs::write(named.join("man3/mio_st.3"), "").unwrap();
    fs::write(named.join("libmio_st.a"), "named").unwrap();
    fs::write(named.join("version"), concat!(env!("CARGO_PKG_VERSION"), " 8\n")).unwrap();
    symlink(common::library(), target.join("lib")).unwrap();
    for (name, is_named) in [(host, true), ("", false)] {
        let root = empty("named-root");
        let mut make = make();
        make.arg("install").env("CARGO_TARGET_DIR", &target).env("DESTDIR", &root);
        common::succeeds(make.env("CARGO_BUILD_TARGET", name));
        let archive = fs::read(root.join("usr/local/lib/libmio_st.a")).unwrap();
        assert_eq!(archive == b"named", is_named);
        // Such as one without a shared library.
        assert_eq!(root.join("usr/local/lib/libmio_st.so").exists(), !is_named);
    }
}

#[test]
fn every_example_is_built_from_the_installed_copy_by_its_makefile() {
    if !common::has("pkg-config", "building with an installed copy") {
        return;
    }
    for library in ["libcurl", "hiredis", "libcares", "libpq", "openssl"] {
        let found = Command::new("pkg-config").arg("--exists").arg(library).status();
        if !found.is_ok_and(|status| status.success()) {
            common::has(library, "the examples that need it");
            return;
        }
    }
    // Where those libraries are outside, a root of our own would stand for theirs, too.
    let prefix = empty("examples-prefix");
    common::succeeds(make().arg("install").arg(format!("prefix={}", prefix.display())));
    let examples = prefix.join("share/doc/mio_st/examples");
    let folder = empty("examples");
    for name in files(&examples) {
        fs::copy(examples.join(&name), folder.join(&name)).unwrap();
    }
    let mut make = Command::new("make");
    make.arg("--silent").current_dir(&folder).env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    common::succeeds(make.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")));
    let echo = folder.join("echo_server");
    let needed = needed(&echo);
    assert!(needed.iter().any(|name| name.starts_with("libmio_st.so.0")), "{needed:?}");
}

/// What make says to a command that must fail: one sentence of ours.
fn refused(make: &mut Command, target: &Path) -> String {
    let output = make.env("CARGO_TARGET_DIR", target).output().unwrap();
    assert!(!output.status.success(), "{make:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    let ours = said
        .lines()
        .filter(|line| line.starts_with("make lib: ") || line.starts_with("make install: "));
    assert_eq!(ours.count(), 1, "{said}");
    said
}

/// A prefix with what a shell, sed, a .pc file and CMake each take for something else; and the copy moved.
#[test]
fn pkg_config_finds_it_under_any_prefix_and_where_it_was_moved_to() {
    if !common::has("pkg-config", "building with an installed copy") {
        return;
    }
    let place = empty("odd");
    for (name, libdir) in
        [("plain", "lib"), ("a b & c,d+~ @x@", "lib"), ("m & a", "lib/some-linux")]
    {
        let prefix = place.join(name);
        let [prefix_is, libdir_is] = [("prefix", prefix.clone()), ("libdir", prefix.join(libdir))]
            .map(|(name, path)| format!("{name}={}", path.display()));
        let output = common::succeeds(make().args(["install", &prefix_is, &libdir_is]));
        // Here, where it is not a package that is made.
        assert!(String::from_utf8_lossy(&output.stdout).contains("run ldconfig"), "{output:?}");
        builds(&prefix.join(libdir), "");
        // pkg-config takes the prefix to be two folders above.
        if libdir == "lib" {
            let moved = place.join(format!("{name} moved"));
            fs::rename(&prefix, &moved).unwrap();
            builds(&moved.join(libdir), "--define-prefix");
        }
    }
}

fn builds(libdir: &Path, argument: &str) {
    let program = common::scratch("odd-program");
    let _ = fs::remove_file(&program);
    let mut sh = Command::new("sh");
    sh.arg("-euc").arg(
        "eval 'cc -o \"$PROGRAM\" \"$SOURCE\"' \"$(pkg-config $ARGUMENT --cflags --libs mio_st)\"",
    );
    sh.env("PKG_CONFIG_PATH", libdir.join("pkgconfig")).env("ARGUMENT", argument);
    sh.env("SOURCE", common::source("stale_event.c")).env("PROGRAM", &program);
    common::succeeds(&mut sh);
    common::succeeds(Command::new(&program).env("LD_LIBRARY_PATH", libdir));
}

/// What a packager does: of the archive of sources, with what was fetched before, and without a network.
#[test]
fn it_is_built_and_installed_of_the_archive_of_sources_without_a_network() {
    let Some(copy) = unpacked() else { return };
    let mut vendor = Command::new("cargo");
    vendor.args(["vendor", "--locked"]).current_dir(&copy);
    let config = common::succeeds(&mut vendor).stdout;
    fs::create_dir_all(copy.join(".cargo")).unwrap();
    fs::write(copy.join(".cargo/config.toml"), config).unwrap();
    // A network of its own, in which there is none; whoever may not have that trusts cargo's word.
    let unshare = Command::new("unshare").args(["--net", "true"]).output();
    let mut make = if unshare.is_ok_and(|output| output.status.success()) {
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "make"]);
        unshare
    } else {
        Command::new("make")
    };
    make.args(["--silent", "lib", "CARGO_FLAGS=--locked --frozen --quiet", "prefix=/usr"]);
    make.current_dir(&copy).env("CARGO_NET_OFFLINE", "true").env_remove("MAKEFLAGS");
    make.env("CARGO_HOME", copy.join("no-home")).env("CARGO_TARGET_DIR", copy.join("target"));
    common::succeeds(&mut make);
    // And installed where there is no cargo.
    let mut make = Command::new("make");
    make.args(["--silent", "install", "prefix=/usr", "CARGO=/no/cargo"]).current_dir(&copy);
    make.env_remove("MAKEFLAGS").env("CARGO_TARGET_DIR", copy.join("target"));
    common::succeeds(make.env("DESTDIR", copy.join("root")));
    assert!(copy.join("root/usr/lib/libmio_st.so").is_file());
}

/// Makes the archive of sources, twice, which must be the same, and unpacks it.
fn unpacked() -> Option<PathBuf> {
    if !common::has("git", "the archive of sources") {
        return None;
    }
    let folder = empty("dist");
    let name = concat!("mio-st-", env!("CARGO_PKG_VERSION"));
    let archive = folder.join(format!("{name}.tar.gz"));
    let mut made = Vec::new();
    for umask in ["022", "077"] {
        let mut sh = Command::new("sh");
        sh.args(["-euc", "umask $UMASK; make --silent dist DISTDIR=\"$FOLDER\""]);
        sh.env("UMASK", umask).env("FOLDER", &folder).env("TZ", "Asia/Kathmandu");
        sh.current_dir(common::header::root()).env_remove("MAKEFLAGS");
        common::succeeds(&mut sh);
        made.push(fs::read(&archive).unwrap());
    }
    assert!(made[0] == made[1], "two archives of one commit differ");
    common::succeeds(Command::new("tar").arg("-xzf").arg(&archive).current_dir(&folder));
    Some(folder.join(name))
}
