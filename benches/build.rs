//! Compiles the contenders in C.

fn main() {
    println!("cargo::rerun-if-changed=c");
    let mut build = cc::Build::new();
    build.std("gnu11").opt_level(3).warnings(true).extra_warnings(true);
    // The callbacks of libev mix pointer types, by design.
    build.flag("-fno-strict-aliasing").flag_if_supported("-Wno-strict-aliasing");
    for contender in ["raw", "libuv", "libev", "libevent"] {
        build.file(format!("c/{contender}.c"));
    }
    build.compile("contenders");
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
