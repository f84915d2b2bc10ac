//! What the tests share: the functions of the header, the built library, the tools.

#![allow(dead_code)] // Each test uses a part.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, Once};

pub mod installed;

#[path = "../../src/header.rs"]
pub mod header;

/// A function as the header declares it.
#[derive(Debug)]
pub struct Function {
    pub name: String,
    pub result: String,
    pub parameters: Vec<Parameter>,
}

#[derive(Clone, Debug)]
pub struct Parameter {
    /// Such as `const char *`.
    pub kind: String,
    pub name: String,
}

/// The committed header.
pub fn committed() -> String {
    std::fs::read_to_string(header::path()).expect("include/mio_st.h")
}

/// The functions of a header.
pub fn functions(header: &str) -> Vec<Function> {
    without_comments(header)
        .split([';', '{', '}'])
        .map(|declaration| declaration.replace("MIO_ST_MUST_USE", ""))
        .filter_map(|declaration| function(declaration.trim()))
        .collect()
}

fn function(declaration: &str) -> Option<Function> {
    let declaration = declaration.lines().filter(|line| !line.starts_with('#'));
    let declaration = declaration.collect::<Vec<_>>().join(" ");
    let (head, rest) = declaration.split_once('(')?;
    let (kind, name) = typed(head)?;
    let list = rest.strip_suffix(')')?;
    let parameters =
        list.split(',').filter(|parameter| parameter.trim() != "void").map(|parameter| {
            let (kind, name) = typed(parameter).expect("a parameter has a type and a name");
            Parameter { kind, name }
        });
    Some(Function { name, result: kind, parameters: parameters.collect() })
}

/// Splits `const char *text` into the type and the name.
fn typed(text: &str) -> Option<(String, String)> {
    let text = text.trim();
    let at = text.rfind([' ', '*'])? + 1;
    let kind = text[..at].split_whitespace().collect::<Vec<_>>().join(" ");
    Some((kind, text[at..].to_string()))
}

fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, comment)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = comment.split_once("*/").expect("a comment ends").1;
    }
    kept + rest
}

/// The folder that Cargo builds in.
pub fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder")
}

/// Builds the library and returns the folder that it is in, unless MIO_ST_LIB_DIR says where it is.
pub fn library() -> PathBuf {
    if let Some(folder) = std::env::var_os("MIO_ST_LIB_DIR") {
        return folder.into();
    }
    static BUILT: Once = Once::new();
    let target = target();
    BUILT.call_once(|| {
        let mut make = Command::new("make");
        make.args(["--silent", "lib", "CARGO_FLAGS=--quiet --locked"]);
        make.env("CARGO_TARGET_DIR", target).env("CARGO", env!("CARGO"));
        succeeds(make.current_dir(header::root()));
    });
    target.join("lib")
}

/// Makes the shared library, as it is found when a program starts too, and returns the folder it is in.
pub fn shared_library() -> PathBuf {
    static LINKED: Once = Once::new();
    let folder = scratch("shared");
    LINKED.call_once(|| {
        let library = library().join("libmio_st.so");
        let [major, minor] = [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR")];
        std::fs::create_dir_all(&folder).expect("a folder");
        for name in ["libmio_st.so".to_string(), format!("libmio_st.so.{major}.{minor}")] {
            // Another test may be doing the same.
            let new = folder.join(format!("{name}-{}", std::process::id()));
            symlink(&library, &new).expect("a link");
            std::fs::rename(&new, folder.join(name)).expect("a link");
        }
    });
    folder
}

/// A file that a test makes.
pub fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A C source of the tests.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("c").join(name)
}

/// Whether there is a tool; says what is skipped otherwise. With `REQUIRE_TOOLS=1` it must be there.
pub fn has(tool: &str, otherwise: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok()
        || Command::new(tool).arg("-v").output().is_ok();
    let required = std::env::var("REQUIRE_TOOLS").is_ok_and(|value| value == "1");
    assert!(found || !required, "{tool} is required");
    if !found {
        eprintln!("{tool} is missing, skipped: {otherwise}");
    }
    found
}

/// Compiles a C program with the static library, without a warning.
pub fn compile(source: &Path, name: &str) -> PathBuf {
    compile_with(source, name, &[])
}

/// As [`compile`], with further arguments.
pub fn compile_with(source: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let program = scratch(name);
    let mut command = compiler(&std::env::var("CC").unwrap_or("cc".into()), source);
    command.arg(library().join("libmio_st.a")).arg("-o").arg(&program).args(arguments);
    succeeds(&mut command);
    program
}

/// Where the headers of other libraries are that are not in a folder of the system's.
pub fn headers_of_others() -> &'static [&'static str] {
    &["-I/usr/include/postgresql"]
}

/// The other libraries that a program needs: those whose adapters it includes.
pub fn libraries(source: &Path) -> Vec<&'static str> {
    const LIBRARIES: &[(&str, &[&str])] = &[
        ("curl.h", &["-lcurl"]),
        ("hiredis.h", &["-lhiredis"]),
        ("cares.h", &["-lcares"]),
        ("libpq.h", &["-lpq", "-pthread"]),
        ("openssl.h", &["-lssl", "-lcrypto"]),
    ];
    let text = std::fs::read_to_string(source).expect("a source");
    let includes = |header: &str| text.contains(&format!("#include <mio_st/{header}>"));
    let used = LIBRARIES.iter().filter(|(header, _)| includes(header));
    used.flat_map(|(_, arguments)| *arguments).copied().collect()
}

/// The compilations of a C source that look for mistakes more closely.
pub fn analyses(source: &Path, include: &[&Path]) -> Vec<Command> {
    let mut commands = Vec::new();
    if has("gcc", "its static analysis") {
        let mut gcc = Command::new("gcc");
        gcc.args(["-fanalyzer", "-O1", "-Wall", "-Wextra", "-Werror", "-S", "-o", "/dev/null"]);
        commands.push(gcc);
    }
    if has("clang-tidy", "its static analysis") {
        let mut tidy = Command::new("clang-tidy");
        tidy.arg("--quiet");
        tidy.arg(format!("--config-file={}", header::root().join(".clang-tidy").display()));
        tidy.arg(source).arg("--");
        commands.push(tidy);
    }
    for command in &mut commands {
        command.args(["-std=gnu11", "-I"]).arg(header::root().join("include"));
        command.args(headers_of_others());
        for folder in include {
            command.arg("-I").arg(folder);
        }
        if command.get_program() == "gcc" {
            command.arg(source);
        }
    }
    commands
}

/// Runs commands, as many at once as there are processors. Each must succeed.
pub fn all_succeed(commands: Vec<Command>) {
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let commands = Mutex::new(commands.into_iter());
    let next = || commands.lock().expect("no worker panics").next();
    let failures = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(mut command) = next() {
                    if let Err(failure) = outcome(&mut command) {
                        *failures.lock().expect("no worker panics") += &failure;
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no worker panics");
    assert!(failures.is_empty(), "{failures}");
}

/// A compiler, which allows no warning, and a source.
pub fn compiler(compiler: &str, source: &Path) -> Command {
    let mut command = Command::new(compiler);
    command.args(["-std=gnu11", "-O1", "-g", "-pthread", "-Wall", "-Wextra", "-Wpedantic"]);
    command.args(["-Wconversion", "-Werror", "-I"]).arg(header::root().join("include"));
    command.arg("-I").arg(source.parent().expect("a folder")).arg("-I").arg(self::source(""));
    command.args(headers_of_others()).arg(source);
    command
}

/// By how much the costly tests are scaled down under valgrind.
const VALGRIND_SCALE: u32 = 100;

/// Runs a program, and again under valgrind.
pub fn run(program: &Path) -> String {
    let output = succeeds(&mut Command::new(program));
    // It knows the host's C library, and no other.
    if cfg!(target_pointer_width = "64") && has("valgrind", "the same under valgrind") {
        let mut valgrind = Command::new("valgrind");
        valgrind.args([
            "--quiet",
            "--error-exitcode=9",
            "--leak-check=full",
            "--child-silent-after-fork=yes",
        ]);
        let scale = std::env::var("MIO_ST_TEST_SCALE").map_or(1, |scale| scale.parse().unwrap());
        let scale = (VALGRIND_SCALE.max(scale)).to_string();
        valgrind.arg(program).env("UNDER_VALGRIND", "1").env("MIO_ST_TEST_SCALE", scale);
        succeeds(&mut valgrind);
    }
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs a command, which must succeed.
pub fn succeeds(command: &mut Command) -> Output {
    outcome(command).unwrap_or_else(|failure| panic!("{failure}"))
}

/// Runs a command; what it has printed if it fails.
pub fn outcome(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}\n"))?;
    if output.status.success() {
        return Ok(output);
    }
    let [printed, errors] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    Err(format!("{command:?}: {}\n{printed}{errors}", output.status))
}
