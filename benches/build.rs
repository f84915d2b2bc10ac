//! Compiles the contenders in C.

fn main() {
    for changed in ["c", "../include/mio_st.h", "../c-examples"] {
        println!("cargo::rerun-if-changed={changed}");
    }
    compiler()
        .include("../include")
        .files(["raw", "libuv", "libev", "libevent", "mio_st", "http_mio_st", "calls"].map(file))
        .compile("contenders");
    // Its <mio_st.h> is another.
    compiler().include("c/http").file(file("http_raw")).compile("http_raw");
    // libevent first: libev exports functions of the same names, for programs written for libevent.
    for library in ["event_core", "event_pthreads", "ev", "uv"] {
        println!("cargo::rustc-link-lib={library}");
    }
    deadlines();
}

/// The peers of the deadlines, for that program alone: they bring a clock which can be set, and the
/// libraries are to see it.
fn deadlines() {
    let peers = ["clock", "libev", "libevent", "libuv"].map(|peer| format!("c/deadlines_{peer}.c"));
    cc::Build::new()
        .std("gnu11")
        .opt_level(3)
        .flag("-fno-strict-aliasing")
        .files(peers)
        .cargo_metadata(false)
        .compile("deadlines_peers");
    let archive = std::env::var("OUT_DIR").unwrap() + "/libdeadlines_peers.a";
    // In the same order as above.
    for argument in ["-rdynamic", &archive, "-levent_core", "-lev", "-luv"] {
        println!("cargo::rustc-link-arg-bin=deadlines={argument}");
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
