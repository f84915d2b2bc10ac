//! Compiles the contenders in C.

fn main() {
    println!("cargo::rerun-if-changed=c");
    let mut build = cc::Build::new();
    build.std("gnu11").opt_level(3).warnings(true).extra_warnings(true);
    for contender in ["raw"] {
        build.file(format!("c/{contender}.c"));
    }
    build.compile("contenders");
}
