//! Compiles the peers of the deadlines. The contenders in C are compiled when they are run: src/shipped.rs.

fn main() {
    println!("cargo::rerun-if-changed=c");
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
    // libevent first: libev exports functions of the same names, for programs written for libevent.
    for argument in ["-rdynamic", &archive, "-levent_core", "-lev", "-luv"] {
        println!("cargo::rustc-link-arg-bin=deadlines={argument}");
    }
}
