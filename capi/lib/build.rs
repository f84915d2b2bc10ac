//! What the linker is told about the shared library.

use std::env::var;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |name: &str| var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if target("VENDOR") == "apple" {
        return;
    }
    // Before 1.0 a minor version may break the ABI.
    let [major, minor] = ["MAJOR", "MINOR"]
        .map(|part| var(format!("CARGO_PKG_VERSION_{part}")).expect("cargo sets it"));
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libmio_st.so.{major}.{minor}");
    // When a thread ends and when the process forks the system calls into the library: dlclose must not
    // unload it.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    if target("OS") == "linux" && target("ENV") == "gnu" {
        // The unwinder comes along, so that libc is all that is needed at run time.
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
        println!("cargo::rustc-link-search=native={}", gcc_folder());
        // Nothing in the library panics, so that GNU ld leaves out the machinery of panics: the unwinder, and
        // what prints a backtrace, more than half of the library. LLD, which rustc brings along, takes it in
        // wherever a frame could name it.
        if succeeds(&["-fuse-ld=bfd", "-Wl,--version"]) {
            println!("cargo::rustc-cdylib-link-arg=-fuse-ld=bfd");
        }
    }
}

fn compiler() -> Command {
    Command::new(var("CC").unwrap_or("cc".to_string()))
}

/// Whether the C compiler, which is the linker too, takes these arguments.
fn succeeds(arguments: &[&str]) -> bool {
    compiler().args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Where the C compiler keeps its libraries.
fn gcc_folder() -> String {
    let output = compiler().arg("-print-file-name=libgcc_eh.a").output();
    let path = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    let path = path.expect("a C compiler, which the linker is too");
    path.trim().strip_suffix("/libgcc_eh.a").unwrap_or(".").to_string()
}
