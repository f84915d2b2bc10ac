//! Compiles the contenders in C.

fn main() {
    for changed in ["c", "../include/mio_st.h", "../c-examples"] {
        println!("cargo::rerun-if-changed={changed}");
    }
    compiler()
        .include("../include")
        .files(["raw", "libuv", "libev", "libevent", "mio_st", "http_mio_st"].map(file))
        .compile("contenders");
    // Its <mio_st.h> is another.
    compiler().include("c/http").file(file("http_raw")).compile("http_raw");
    // libevent first: libev exports functions of the same names, for programs written for libevent.
    for library in ["event_core", "event_pthreads", "ev", "uv"] {
        println!("cargo::rustc-link-lib={library}");
    }
}

fn compiler() -> cc::Build {
    let mut build = cc::Build::new();
    build.std("gnu11").opt_level(3).warnings(true).extra_warnings(true);
    // The callbacks of libev mix pointer types, by design.
    build.flag("-fno-strict-aliasing").flag_if_supported("-Wno-strict-aliasing");
    build
}

fn file(name: &str) -> String {
    format!("c/{name}.c")
}
