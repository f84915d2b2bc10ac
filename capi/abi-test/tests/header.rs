//! The committed header is the one that the sources make, of their version. (That it is true as well is
//! shown in drift.rs, and where it compiles in compilers.rs.)

mod common;

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
