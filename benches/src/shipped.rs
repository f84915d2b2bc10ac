//! What is measured in C is what is shipped: `make install` puts the library into a folder beside the
//! programs, and each contender is a program that links what it finds there, as a user's would.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::measure::programs;

/// The contenders in C: the program's name, its source in `c/`, and its libraries.
const PROGRAMS: [(&str, &[&str], &[&str]); 6] = [
    ("raw-c", &["raw.c"], &[]),
    ("libuv", &["libuv.c"], &["-luv"]),
    ("libev", &["libev.c"], &["-lev"]),
    ("libevent", &["libevent.c"], &["-levent_core", "-levent_pthreads"]),
    ("mio-st-a", &["mio_st.c", "calls.c"], &["-l:libmio_st.a"]),
    ("mio-st-so", &["mio_st.c", "calls.c"], &["-lmio_st"]),
];

/// The programs that have the deadlines do the same from C, and their libraries.
const DEADLINES: [(&str, &str); 2] =
    [("deadlines-mio-st-a", "-l:libmio_st.a"), ("deadlines-mio-st-so", "-lmio_st")];

/// The last commit with the HTTP server of version 0.3.
const SERVER_0_3: &str = "1ab2e55:c-examples/http_server.c";

/// Whether it is a program of its own: see [`folder`].
pub fn is_in_c(contender: &str) -> bool {
    PROGRAMS.iter().any(|(name, ..)| *name == contender)
}

/// The folder with the programs of the contenders in C, and with the library in `installed/`. The first
/// call makes it anew.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = programs().join("contenders");
        build(&folder);
        folder
    })
}

/// Builds the library with the Makefile, installs it, and compiles the contenders, side by side.
fn build(folder: &Path) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
    std::fs::create_dir_all(folder).unwrap();
    let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = benches.parent().unwrap();
    run(Command::new("make")
        .args(["--silent", "lib", "install", "prefix=/installed"])
        .arg(format!("DESTDIR={}", folder.display()))
        .current_dir(root)
        .env_remove("MAKEFLAGS")
        .stdout(Stdio::null()));

    let library = folder.join("installed/lib");
    let compile =
        |name: &str, include: &Path, options: &[&str], sources: &[PathBuf], libraries: &[&str]| {
            Command::new(std::env::var_os("CC").as_deref().unwrap_or(OsStr::new("cc")))
                .args(["-std=gnu11", "-Wall", "-Wextra"])
                .args(options)
                .arg("-I")
                .arg(include)
                .arg("-o")
                .arg(folder.join(name))
                .args(sources)
                .arg("-L")
                .arg(&library)
                .arg(format!("-Wl,-rpath,{}", library.display()))
                .args(libraries)
                .spawn()
                .expect("there is a C compiler")
        };
    let header = folder.join("installed/include");
    let mut compilers = Vec::new();
    for (name, sources, libraries) in PROGRAMS {
        let sources: Vec<PathBuf> = sources
            .iter()
            .chain(&["main.c"])
            .map(|source| benches.join("c").join(source))
            .collect();
        // The callbacks of libev mix pointer types, by design.
        let options = ["-O3", "-pthread", "-fno-strict-aliasing", "-Wno-strict-aliasing"];
        compilers.push(compile(name, &header, &options, &sources, libraries));
    }

    for (name, library) in DEADLINES {
        let sources = ["clock", "mio_st"].map(|name| benches.join(format!("c/deadlines_{name}.c")));
        compilers.push(compile(name, &header, &["-O3"], &sources, &[library]));
    }

    let shared = ["-O2", "-shared", "-fPIC"];
    compilers.push(compile(
        "count_calls.so",
        &header,
        &shared,
        &[benches.join("c/count_calls.c")],
        &[],
    ));

    let server = root.join("c-examples/http_server.c");
    let by_hand = benches.join("c/http_by_hand");
    let mut serve = |name: &str, include: &Path, source: &Path, libraries: &[&str]| {
        compilers.push(compile(
            name,
            include,
            &["-O2", "-D_GNU_SOURCE"],
            &[source.into()],
            libraries,
        ));
    };
    serve("http-raw-c", &by_hand, &server, &[]);
    serve("http-mio-st-a", &header, &server, &["-l:libmio_st.a"]);
    serve("http-mio-st-so", &header, &server, &["-lmio_st"]);
    if let Some(old) = server_0_3(folder) {
        serve("http-mio-st-a+0.3", &header, &old, &["-l:libmio_st.a"]);
    }
    for mut compiler in compilers {
        assert!(compiler.wait().unwrap().success(), "a contender does not compile, see above");
    }
}

/// The server of version 0.3, if the history is there.
fn server_0_3(folder: &Path) -> Option<PathBuf> {
    let shown = Command::new("git")
        .args(["show", SERVER_0_3])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let source = shown.ok().filter(|shown| shown.status.success())?.stdout;
    let file = folder.join("http_server_0_3.c");
    std::fs::write(&file, source).unwrap();
    Some(file)
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
