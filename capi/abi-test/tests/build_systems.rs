//! CMake and Meson, with an installed copy and with the sources as a part of the program's own.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::installed::{empty, make, needed};

const FOUND: &str = "
cmake_minimum_required(VERSION 3.16)
project(program C)
if(PRETEND_OLD)
  set(CMAKE_VERSION 3.9.0)
endif()
find_package(mio_st ${WANTED} REQUIRED)
# Once more, as another part of a program does.
find_package(mio_st REQUIRED)
foreach(kind IN ITEMS mio_st shared static)
  if(TARGET mio_st::${kind})
    add_executable(${kind} program.c)
    target_link_libraries(${kind} PRIVATE mio_st::${kind})
  endif()
endforeach()
";

const FETCHED: &str = "
cmake_minimum_required(VERSION 3.16)
project(program C)
if(FETCH)
  include(FetchContent)
  FetchContent_Declare(mio_st SOURCE_DIR ${SOURCES})
  FetchContent_MakeAvailable(mio_st)
else()
  add_subdirectory(${SOURCES} sources)
endif()
foreach(kind IN ITEMS mio_st shared static)
  add_executable(${kind} program.c)
  target_link_libraries(${kind} PRIVATE mio_st::${kind})
endforeach()
";

const MESON: &str = "
project('program', 'c')
mio_st = dependency('mio_st', version: '>=0.4', fallback: ['mio_st', 'mio_st_dep'])
executable('mio_st', 'program.c', dependencies: mio_st)
";

#[test]
fn cmake_finds_an_installed_copy_wherever_it_was_moved_to() {
    if !common::has("cmake", "find_package") || !common::has("ninja", "find_package") {
        return;
    }
    let folder = empty("cmake-found");
    let prefix = folder.join("a b & c");
    let mut install = make();
    install.arg("install").arg(format!("prefix={}", prefix.display()));
    common::succeeds(install.arg(format!("libdir={}", prefix.join("lib/some/where").display())));
    let moved = folder.join("moved (to)");
    fs::rename(&prefix, &moved).unwrap();
    // A link to the folder, as where /lib is usr/lib.
    std::os::unix::fs::symlink(moved.join("lib/some/where"), folder.join("linked")).unwrap();
    let source = program(&folder.join("program"), "CMakeLists.txt", FOUND);
    let found = |build: &str, wanted: &str, more: &str| {
        let mut cmake = Command::new("cmake");
        cmake.args(["-G", "Ninja", "-S"]).arg(&source).arg("-B").arg(folder.join(build));
        cmake.arg(format!("-Dmio_st_DIR={}", folder.join("linked/cmake/mio_st").display()));
        cmake.arg(format!("-DWANTED={wanted}")).arg(format!("-D{more}"));
        cmake
    };
    common::succeeds(&mut found("build", "0.4", "X=1"));
    common::succeeds(Command::new("ninja").arg("-C").arg(folder.join("build")));
    for (kind, shared) in [("mio_st", true), ("shared", true), ("static", false)] {
        runs(&folder.join("build").join(kind), shared);
    }
    // The static one alone.
    common::succeeds(&mut found("static", "0.4.0;COMPONENTS;static", "X=1"));
    common::succeeds(Command::new("ninja").arg("-C").arg(folder.join("static")).arg("mio_st"));
    runs(&folder.join("static/mio_st"), false);
    let version = env!("CARGO_PKG_VERSION");
    let exact = format!("{version};EXACT");
    for (wanted, is_found) in [
        ("", true),
        (exact.as_str(), true),
        ("0.4...<0.5", true),
        ("0.3...0.5", true),
        ("0", true),
        ("0.3", false),
        ("0.4.99", false),
        ("0.5", false),
        ("1.0", false),
        ("0.1...<0.4", false),
        ("0.4;EXACT", version == "0.4.0"),
        ("0.4;COMPONENTS;shared;static", true),
        ("0.4;COMPONENTS;other", false),
        ("0.4;OPTIONAL_COMPONENTS;other", true),
    ] {
        let output = found("versions", wanted, "X=1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), is_found, "{wanted}: {said}");
        let component = said.contains("without the component other");
        assert_eq!(component, wanted == "0.4;COMPONENTS;other", "{said}");
    }
    let output = found("old", "0.4", "PRETEND_OLD=1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("mio_st needs CMake 3.16 or later"),
        "{said}"
    );
}

#[test]
fn cmake_builds_the_sources_as_a_part_of_a_program() {
    if !common::has("cmake", "FetchContent") || !common::has("ninja", "FetchContent") {
        return;
    }
    let folder = empty("cmake-fetched");
    let source = program(&folder.join("program"), "CMakeLists.txt", FETCHED);
    for (build, generator, shared) in
        [("fetch", "Ninja", "OFF"), ("subdirectory", "Unix Makefiles", "ON")]
    {
        let build = folder.join(build);
        let mut cmake = Command::new("cmake");
        cmake.args(["-G", generator, "-S"]).arg(&source).arg("-B").arg(&build);
        cmake.arg(format!("-DSOURCES={}", common::header::root().display()));
        cmake.arg(format!("-DMIO_ST_CARGO_TARGET_DIR={}", common::target().display()));
        cmake.arg(format!("-DFETCH={}", generator == "Ninja"));
        common::succeeds(cmake.arg(format!("-DBUILD_SHARED_LIBS={shared}")));
        let again = || {
            let mut cmake = Command::new("cmake");
            cmake.arg("--build").arg(&build).env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
            String::from_utf8(common::succeeds(&mut cmake).stdout).unwrap()
        };
        again();
        for (kind, shared) in [("mio_st", shared == "ON"), ("shared", true), ("static", false)] {
            runs(&build.join(kind), shared);
        }
        // What has not changed is not linked again.
        let said = again();
        assert!(!said.contains("Linking"), "{said}");
    }
    let mut cmake = Command::new("cmake");
    cmake.arg("-S").arg(&source).arg("-B").arg(folder.join("none"));
    cmake.arg(format!("-DSOURCES={}", common::header::root().display()));
    let output = cmake.arg("-DMIO_ST_CARGO=MIO_ST_CARGO-NOTFOUND").env("PATH", tools(&folder));
    let output = output.env("HOME", &folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("install Rust"), "{said}");
    let mut cmake = Command::new("cmake");
    cmake.arg("-S").arg(&source).arg("-B").arg(folder.join("cross"));
    cmake.arg(format!("-DSOURCES={}", common::header::root().display()));
    let output = cmake.args(["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_C_COMPILER=cc"]).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("MIO_ST_CARGO_TARGET"), "{said}");
}

#[test]
fn meson_finds_an_installed_copy_and_builds_a_subproject() {
    if !common::has("meson", "a program by Meson") || !common::has("ninja", "the same") {
        return;
    }
    let folder = empty("meson");
    let source = program(&folder.join("program"), "meson.build", MESON);
    fs::create_dir(source.join("subprojects")).unwrap();
    let link = source.join("subprojects/mio_st");
    std::os::unix::fs::symlink(common::header::root(), link).unwrap();
    let prefix = folder.join("a b");
    common::succeeds(make().arg("install").arg(format!("prefix={}", prefix.display())));
    for (build, installed, kind) in
        [("found", true, "shared"), ("shared", false, "shared"), ("static", false, "static")]
    {
        let build = folder.join(build);
        let mut meson = Command::new("meson");
        meson.arg("setup").arg(&build).arg(&source).arg(format!("-Ddefault_library={kind}"));
        let target = common::target().display();
        meson.arg(format!("-Dmio_st:cargo_target_dir={target}")).env_remove("PKG_CONFIG_PATH");
        if installed {
            meson.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
        }
        let said = String::from_utf8(common::succeeds(&mut meson).stdout).unwrap();
        assert_eq!(said.contains("Executing subproject mio_st"), !installed, "{said}");
        let ninja = || {
            let mut ninja = Command::new("ninja");
            String::from_utf8(common::succeeds(ninja.arg("-C").arg(&build)).stdout).unwrap()
        };
        ninja();
        runs(&build.join("mio_st"), kind == "shared");
        let said = ninja();
        assert!(!said.contains("Linking"), "{said}");
    }
}

/// A folder with a program and how it is built.
fn program(folder: &Path, name: &str, description: &str) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(name), description).unwrap();
    fs::copy(common::source("stale_event.c"), folder.join("program.c")).unwrap();
    fs::copy(common::source("test.h"), folder.join("test.h")).unwrap();
    folder.to_owned()
}

/// A program that needs our shared library, or does not, and finds it where it was built.
fn runs(program: &Path, shared: bool) {
    if common::has("readelf", "what a program needs at run time") {
        let needed = needed(program);
        let ours = needed.iter().any(|name| name.starts_with("libmio_st.so.0."));
        assert_eq!(ours, shared, "{}: {needed:?}", program.display());
    }
    common::succeeds(Command::new(program).env_remove("LD_LIBRARY_PATH"));
}

/// A folder with links to what CMake needs, and no cargo.
fn tools(folder: &Path) -> PathBuf {
    let tools = folder.join("tools");
    fs::create_dir_all(&tools).unwrap();
    for tool in ["cmake", "cc", "make", "ld", "as", "uname", "ar", "ranlib"] {
        let found = common::succeeds(Command::new("sh").args(["-c", "command -v \"$0\"", tool]));
        let found = String::from_utf8(found.stdout).unwrap();
        let _ = std::os::unix::fs::symlink(found.trim(), tools.join(tool));
    }
    tools
}
