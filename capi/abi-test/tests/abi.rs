//! The binary interface is the committed one, `mio_st.abi`: a change of it is a decision (`make abi`).
//!
//! It is described from the header, which other tests prove true, and not from the library: what the
//! debug information of Rust says of it is five times as much, and names the insides of std.

// A description is of one architecture.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[test]
fn the_binary_interface_is_the_committed_one() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("mio_st.abi");
    if !common::has("abidw", "the comparison of the binary interface") {
        return;
    }
    let described = describe("abi", &common::committed());
    if std::env::var_os("MIO_ST_WRITE_ABI").is_some() {
        fs::copy(&described, &committed).unwrap();
    }
    let difference = compare(&committed, &described);
    assert!(
        difference.status.success(),
        "if that is meant, run `make abi`, and think of the version: {}",
        String::from_utf8_lossy(&difference.stdout)
    );
}

#[test]
fn a_change_of_the_binary_interface_is_seen() {
    if !common::has("abidw", "that changes of the binary interface are seen") {
        return;
    }
    let header = common::committed();
    let described = describe("unchanged", &header);
    let last = header.rfind("MIO_ST_MUST_USE").expect("a function");
    let changes = [
        ("argument", header.replacen("int64_t timeout_ns", "int32_t timeout_ns", 1)),
        ("result", header.replacen("int mio_st_poller_notify(", "long mio_st_poller_notify(", 1)),
        ("member", header.replacen("uint32_t readiness;", "uint64_t readiness;", 1)),
        ("order", header.replacen("uint64_t slot;", "uint64_t late; uint64_t slot;", 1)),
        ("more", format!("{} int mio_st_more(void);\n{}", &header[..last], &header[last..])),
        ("fewer", header.replacen("int mio_st_process_fd(", "int other_process_fd(", 1)),
    ];
    for (name, changed) in changes {
        assert_ne!(changed, header, "{name}");
        let difference = compare(&described, &describe(name, &changed));
        let text = String::from_utf8_lossy(&difference.stdout);
        assert!(!difference.status.success() && text.contains("mio_st_"), "{name}: {text}");
    }
}

/// Describes the binary interface that a header declares.
fn describe(name: &str, header: &str) -> PathBuf {
    let folder = common::scratch(&format!("abi-{name}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("mio_st.h"), header).unwrap();
    // A library with all of the functions, which do nothing.
    let mut stub = "#include \"mio_st.h\"\n".to_string();
    for function in common::functions(header) {
        let parameters: Vec<_> = function
            .parameters
            .iter()
            .map(|parameter| format!("{} {}", parameter.kind, parameter.name))
            .collect();
        let parameters =
            if parameters.is_empty() { "void".to_string() } else { parameters.join(", ") };
        writeln!(stub, "{} {}({parameters}) {{ for (;;); }}", function.result, function.name)
            .unwrap();
    }
    fs::write(folder.join("mio_st.c"), stub).unwrap();
    let [major, minor] = [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR")];
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-g", "-fPIC", "-shared", "-nostdlib", "-w"]);
    cc.arg(format!("-Wl,-soname,libmio_st.so.{major}.{minor}"));
    common::succeeds(cc.args(["-o", "libmio_st.so", "mio_st.c"]).current_dir(&folder));
    // Without what differs from one machine to the next: paths, lines, and the types of libc.
    let mut abidw = Command::new("abidw");
    abidw.args(["--no-comp-dir-path", "--no-corpus-path", "--no-show-locs", "--no-elf-needed"]);
    abidw.args(["--type-id-style", "hash", "--drop-private-types", "--headers-dir", "."]);
    abidw.args(["--out-file", "mio_st.abi", "libmio_st.so"]);
    common::succeeds(abidw.current_dir(&folder));
    folder.join("mio_st.abi")
}

fn compare(before: &Path, after: &Path) -> Output {
    Command::new("abidiff").arg(before).arg(after).output().expect("abidiff, as there is abidw")
}
