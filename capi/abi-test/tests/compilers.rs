//! The header, the examples and the programs of the documentation are C and C++ to every compiler, without a
//! warning; what they make runs with the library; and tools that look for mistakes find none.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use common::header;

/// A compiler, the language as it calls it, and the standards.
const COMPILERS: &[(&str, &str, &[&str])] =
    &[("gcc", "c", C), ("clang", "c", C), ("g++", "c++", CPP), ("clang++", "c++", CPP)];
const C: &[&str] = &["c99", "c11", "c17", "c2x", "gnu2x"];
const CPP: &[&str] = &["c++11", "c++14", "c++17", "c++20"];

const WARNINGS: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];

/// A command with the header in its path.
fn compiler(name: &str) -> Command {
    let mut command = Command::new(name);
    command.arg("-I").arg(header::root().join("include")).args(common::headers_of_others());
    command
}

/// The C files of a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == "c")).collect();
    assert!(!files.is_empty(), "{}", folder.display());
    files
}

/// The programs in a text of Markdown, as files.
fn programs(text: &str, name: &str) -> Vec<PathBuf> {
    let blocks = text.split("\n```c\n").skip(1).map(|rest| rest.split_once("\n```").unwrap().0);
    let programs = blocks.filter(|block| block.contains("int main("));
    let files = programs.enumerate().map(|(number, program)| {
        let path = scratch(&format!("{name}-{number}.c"));
        fs::write(&path, format!("{program}\n")).unwrap();
        path
    });
    files.collect()
}

fn scratch(name: &str) -> PathBuf {
    let folder = common::scratch("compilers");
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// What a user would compile: the examples, and the programs of the documentation.
fn examples() -> &'static [PathBuf] {
    static EXAMPLES: OnceLock<Vec<PathBuf>> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let mut examples = files(&header::root().join("c-examples"));
        for name in ["docs/c-guide.md", "README.md"] {
            let text = fs::read_to_string(header::root().join(name)).unwrap();
            examples
                .extend(programs(&text, Path::new(name).file_stem().unwrap().to_str().unwrap()));
        }
        assert!(examples.iter().any(|path| path.ends_with("c-guide-0.c")), "{examples:?}");
        examples
    })
}

#[test]
fn the_header_and_the_examples_compile_without_a_warning_as_c_and_cpp() {
    let mut sources = examples().to_vec();
    sources.push(common::source("header_alone.c"));
    let mut commands = Vec::new();
    for (name, language, standards) in COMPILERS {
        if !common::has(name, "the header and the examples under it") {
            continue;
        }
        for (standard, source) in product(standards, &sources) {
            let mut command = compiler(name);
            // With the optimizer, to which gcc leaves some of its warnings.
            command.args(["-x", language, &format!("-std={standard}"), "-O1"]).args(WARNINGS);
            command.args(["-S", "-o", "/dev/null"]).arg(source);
            commands.push(command);
        }
    }
    println!("{} compilations", commands.len());
    common::all_succeed(commands);
}

fn product<'a, A, B>(left: &'a [A], right: &'a [B]) -> impl Iterator<Item = (&'a A, &'a B)> {
    left.iter().flat_map(move |one| right.iter().map(move |other| (one, other)))
}

/// The programs of this folder that need nothing but the header, the library and C99.
#[test]
fn a_small_compiler_links_the_shared_library_and_what_it_makes_runs() {
    if !common::has("tcc", "the examples and the tests under it") {
        return;
    }
    let library = common::shared_library();
    let tcc = |source: &Path| {
        let program = scratch(source.file_stem().unwrap().to_str().unwrap()).with_extension("tcc");
        let mut command = compiler("tcc");
        command.args(["-Wall", "-Werror"]).arg(source).arg("-o").arg(&program);
        command.arg("-L").arg(library.as_path()).arg("-lmio_st");
        common::succeeds(command.args(common::libraries(source)));
        program
    };
    examples().iter().for_each(|source| drop(tcc(source)));
    for test in ["handles.c", "sockets.c", "stale_event.c"] {
        let program = tcc(&common::source(test));
        common::succeeds(Command::new(program).env("LD_LIBRARY_PATH", &library));
    }
}

/// Two files of one program include the header, one of them in C++.
#[test]
fn two_translation_units_make_one_program() {
    let [c, cpp] = ["two_units.c", "two_units.cpp"].map(common::source);
    for (cc, cxx) in [("gcc", "g++"), ("clang", "clang++")] {
        if !common::has(cc, "a program in C and C++") || !common::has(cxx, "the same") {
            continue;
        }
        let object = scratch(&format!("two_units-{cc}.o"));
        let program = scratch(&format!("two_units-{cc}"));
        common::succeeds(compiler(cc).args(WARNINGS).arg("-c").arg(&c).arg("-o").arg(&object));
        let mut link = compiler(cxx);
        link.args(WARNINGS).arg(&cpp).arg(&object).arg(common::library().join("libmio_st.a"));
        common::succeeds(link.arg("-o").arg(&program));
        common::succeeds(&mut Command::new(program));
    }
}

#[test]
fn static_analysis_finds_nothing() {
    let mut sources = examples().to_vec();
    let tests = files(&common::source(""));
    // abuse.c is a part of a program: it is analysed where it is completed.
    sources.extend(tests.into_iter().filter(|path| !path.ends_with("abuse.c")));
    let include = common::source("");
    let analyses = sources.iter().flat_map(|source| common::analyses(source, &[&include]));
    common::all_succeed(analyses.collect());
}
