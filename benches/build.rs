//! Compiles the contenders in C.

fn main() {
    println!("cargo::rerun-if-changed=c");
    println!("cargo::rerun-if-changed=../include/mio_st.h");
    let mut build = cc::Build::new();
    build.include("../include").std("gnu11").opt_level(3).warnings(true).extra_warnings(true);
    // The callbacks of libev mix pointer types, by design.
    build.flag("-fno-strict-aliasing").flag_if_supported("-Wno-strict-aliasing");
    for contender in ["raw", "libuv", "libev", "libevent", "mio_st"] {
        build.file(format!("c/{contender}.c"));
    }
    build.compile("contenders");
    // libevent first: libev exports functions of the same names, for programs written for libevent.
    for library in ["event_core", "event_pthreads", "ev", "uv"] {
        println!("cargo::rustc-link-lib={library}");
    }
}
