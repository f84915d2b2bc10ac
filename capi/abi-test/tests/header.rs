//! The header is true: it is the one that the sources make, and its functions are those of the sources
//! and of the library. And it compiles wherever C and C++ do.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use common::header;

#[test]
fn the_committed_header_is_the_one_that_the_sources_make() {
    assert!(
        common::committed() == header::generate(),
        "include/mio_st.h is old: run `make header`"
    );
}

#[test]
fn sources_header_and_library_have_the_same_functions() {
    let header: BTreeSet<_> =
        common::functions(&common::committed()).into_iter().map(|function| function.name).collect();
    assert_eq!(in_sources(), header, "in the sources, and in the header");
    if common::has("readelf", "the functions that the library exports") {
        assert_eq!(exported(), header, "exported by the library, and in the header");
    }
}

/// The functions that the sources define for C.
fn in_sources() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in fs::read_dir(header::root().join("capi/src")).unwrap() {
        let path = file.unwrap().path();
        let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        for item in file.items {
            let syn::Item::Fn(function) = item else { continue };
            let name = function.sig.ident.to_string();
            let for_c = function.attrs.iter().any(is_no_mangle);
            assert_eq!(for_c, name.starts_with("mio_st_"), "{name} in {}", path.display());
            if for_c {
                assert!(function.sig.abi.is_some(), "{name} is not extern \"C\"");
                names.insert(name);
            }
        }
    }
    names
}

fn is_no_mangle(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    list.path.is_ident("unsafe") && list.tokens.to_string() == "no_mangle"
}

/// The symbols that the shared library defines for others.
fn exported() -> BTreeSet<String> {
    let library = common::library().join("libmio_st.so");
    let output =
        common::succeeds(Command::new("readelf").args(["--dyn-syms", "--wide"]).arg(library));
    let text = String::from_utf8(output.stdout).unwrap();
    let symbols = text.lines().filter_map(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        // Number, value, size, type, binding, visibility, section, name.
        let &[number, _, _, _, _, _, section, name] = &columns[..] else { return None };
        let defined = number.ends_with(':') && section != "UND" && section != "Ndx";
        defined.then(|| name.to_string())
    });
    symbols.collect()
}

#[test]
fn the_shared_library_has_a_soname_and_needs_libc_alone() {
    if !common::has("readelf", "the dynamic section of the library") {
        return;
    }
    let library = common::library().join("libmio_st.so");
    let output =
        common::succeeds(Command::new("readelf").args(["--dynamic", "--wide"]).arg(library));
    let text = String::from_utf8(output.stdout).unwrap();
    let [major, minor] = [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR")];
    assert!(text.contains(&format!("[libmio_st.so.{major}.{minor}]")), "{text}");
    for line in text.lines().filter(|line| line.contains("(NEEDED)")) {
        assert!(line.contains("[libc.") || line.contains("[ld-linux"), "{line}");
    }
}

/// Nothing in the library can panic: what is there for that was left out, as nobody refers to it. In the
/// sources a panic is still caught, and would be `MIO_ST_EPANIC`.
#[test]
fn there_is_no_panic_in_the_library() {
    if !common::has("ld.bfd", "that nothing can panic") || !common::has("readelf", "the same") {
        return;
    }
    let library = common::library().join("libmio_st.so");
    let output =
        common::succeeds(Command::new("readelf").args(["--symbols", "--wide"]).arg(library));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("mio_st_poller_poll"), "{text}");
    let panics: Vec<_> = text
        .lines()
        .filter(|line| ["panic", "_Unwind_", "backtrace"].iter().any(|word| line.contains(word)))
        .collect();
    assert!(panics.is_empty(), "{panics:#?}");
}

#[test]
fn the_versions_are_those_of_cargo_toml() {
    let parts = ["MAJOR", "MINOR", "PATCH"];
    let values = [
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
        env!("CARGO_PKG_VERSION_PATCH"),
    ];
    let header = common::committed();
    for (part, value) in parts.into_iter().zip(values) {
        let line = format!("\n#define MIO_ST_VERSION_{part} {value}\n");
        assert!(header.contains(&line), "{line}");
    }
    let [major, minor, patch] = values.map(|value| value.parse::<u32>().unwrap());
    let number = major * 1_000_000 + minor * 1_000 + patch;
    assert!(header.contains(&format!("\n#define MIO_ST_VERSION_NUMBER {number}\n")));
    let program = common::scratch("version.c");
    let check = format!(
        "#include <mio_st.h>\n#include <string.h>\nint main(void) {{\n return mio_st_version() != {number} \
         || strcmp(mio_st_version_string(), \"{}\") != 0;\n}}\n",
        env!("CARGO_PKG_VERSION")
    );
    fs::write(&program, check).unwrap();
    common::succeeds(&mut Command::new(common::compile(&program, "version")));
}

#[test]
fn the_header_compiles_without_a_warning_as_c_and_cpp() {
    let c = ["c99", "c11", "c17", "c2x", "gnu2x"];
    let cpp = ["c++11", "c++14", "c++17", "c++20"];
    let twice = common::scratch("twice.c");
    fs::write(&twice, "#include <mio_st.h>\n#include <mio_st.h>\nextern int nothing;\n").unwrap();
    let include = header::root().join("include");
    let object = common::scratch("twice.o");
    let mut count = 0;
    let compilers =
        [("gcc", "c", &c[..]), ("clang", "c", &c), ("g++", "c++", &cpp), ("clang++", "c++", &cpp)];
    for (compiler, language, standards) in compilers {
        if !common::has(compiler, "the header under it") {
            continue;
        }
        for standard in standards {
            let mut command = Command::new(compiler);
            command.args([
                "-x",
                language,
                &format!("-std={standard}"),
                "-Wall",
                "-Wextra",
                "-Wpedantic",
            ]);
            command.args(["-Wconversion", "-Werror", "-c", "-I"]).arg(&include).arg(&twice);
            common::succeeds(command.arg("-o").arg(&object));
            count += 1;
        }
    }
    if common::has("tcc", "the header under it") {
        let mut command = Command::new("tcc");
        command.args(["-Wall", "-Werror", "-c", "-I"]).arg(&include).arg(&twice);
        common::succeeds(command.arg("-o").arg(&object));
        count += 1;
    }
    println!("{count} compilations");
    assert!(count > 0);
}
