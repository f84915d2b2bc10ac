//! The programs of docs/other-languages.md, as they stand there, with an installed copy.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::installed::{LIBDIR, empty, installed};

#[test]
fn python_echoes_and_ctrl_c_ends_its_poll() {
    if !common::has("python3", "the program in Python") {
        return;
    }
    let program = program("python", "echo.py");
    // A test that was started in the background may have SIGINT ignored, which a child inherits, and then Python
    // lets it be.
    let mut python = Command::new("env");
    python.args(["--default-signal=INT", "python3"]);
    let mut python = with_library(python);
    let mut child = python.arg(&program).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().as_deref(), Some("echoed: hello"));
    assert_eq!(lines.next().as_deref(), Some("Ctrl-C ends this"));
    common::succeeds(Command::new("kill").args(["-INT", &child.id().to_string()]));
    assert_eq!(lines.next().as_deref(), Some("interrupted"));
    assert!(child.wait().unwrap().success());
}

#[test]
fn luajit_echoes_with_the_header_itself() {
    if !common::has("luajit", "the program for LuaJIT") {
        return;
    }
    let program = program("lua", "echo.lua");
    let mut luajit = with_library(Command::new("luajit"));
    echoes(luajit.arg(program).arg(installed().join("usr/include/mio_st.h")));
}

#[test]
fn go_echoes_on_one_thread() {
    if !common::has("go", "the program in Go") || !common::has("pkg-config", "the same") {
        return;
    }
    let program = program("go", "echo.go");
    let mut go = with_library(Command::new("go"));
    go.env("GOCACHE", common::scratch("go-cache")).env("GOPATH", common::scratch("go-path"));
    go.env("GOPROXY", "off").env("GO111MODULE", "off").env("CGO_ENABLED", "1");
    echoes(go.args(["run", "-v"]).arg(program));
}

#[test]
fn zig_echoes_with_the_header_itself() {
    if !common::has("python-zig", "the program in Zig") {
        return;
    }
    let program = program("zig", "echo.zig");
    let mut zig = with_library(Command::new("python-zig"));
    zig.env("ZIG_GLOBAL_CACHE_DIR", common::scratch("zig-cache"));
    zig.env("ZIG_LOCAL_CACHE_DIR", common::scratch("zig-cache"));
    zig.arg("run")
        .arg(program)
        .arg("-lc")
        .args(common::installed::pkg_config(&["--cflags", "--libs"]));
    echoes(&mut zig);
}

#[test]
fn perl_echoes() {
    let has_module = Command::new("perl").args(["-e", "use FFI::Platypus 2.00"]).output();
    if !has_module.is_ok_and(|output| output.status.success()) {
        common::has("perl with FFI::Platypus", "the program in Perl");
        return;
    }
    let program = program("perl", "echo.pl");
    echoes(with_library(Command::new("perl")).arg(program));
}

fn echoes(command: &mut Command) {
    let output = common::succeeds(command);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "echoed: hello\n");
}

/// The program of the page in a language.
fn program(language: &str, name: &str) -> PathBuf {
    let page = common::header::root().join("docs/other-languages.md");
    let page = fs::read_to_string(page).unwrap();
    let start = format!("\n```{language}\n");
    let text = page.split_once(&start).unwrap_or_else(|| panic!("no {language}")).1;
    let text = text.split_once("\n```\n").unwrap().0;
    let path = empty(&format!("language-{language}")).join(name);
    fs::write(&path, format!("{text}\n")).unwrap();
    path
}

/// A command that finds the library, when it builds and when it runs.
fn with_library(mut command: Command) -> Command {
    let root = installed();
    let library: &Path = &root.join(LIBDIR);
    command.env("LD_LIBRARY_PATH", library).env("PKG_CONFIG_PATH", library.join("pkgconfig"));
    command.env("PKG_CONFIG_SYSROOT_DIR", root);
    command
}
