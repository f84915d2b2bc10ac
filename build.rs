//! Names the backend once: `cfg(epoll)` or `cfg(kqueue)`. And what else systems differ in:
//! `cfg(bsd)` for the BSDs and Darwin, `cfg(evfilt_user)` and `cfg(evfilt_except)` for kqueues that have
//! those filters.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(epoll, kqueue, bsd, evfilt_user, evfilt_except)");
    println!("cargo::rustc-check-cfg=cfg(kqueue_simulated, values(none(), \"plain\", \"linked\"))");
    let cfgs: &[&str] = match env::var("CARGO_CFG_KQUEUE_SIMULATED").as_deref() {
        // Tests of the kqueue backend on Linux, see tests/kqueue_simulator/mod.rs.
        Ok("plain") => &["kqueue", "kqueue_simulated"],
        Ok("linked") => &["kqueue", "kqueue_simulated", "evfilt_user"],
        Ok(_) => &["kqueue", "kqueue_simulated", "evfilt_user", "evfilt_except"],
        Err(_) => match env::var("CARGO_CFG_TARGET_OS").as_deref() {
            Ok("linux" | "android") => &["epoll"],
            Ok("macos" | "ios" | "dragonfly") => &["kqueue", "bsd", "evfilt_user", "evfilt_except"],
            Ok("freebsd") => &["kqueue", "bsd", "evfilt_user"],
            // EVFILT_USER came with OpenBSD 7.8 and NetBSD 10: older ones are in use.
            Ok("openbsd") => &["kqueue", "bsd", "evfilt_except"],
            Ok("netbsd") => &["kqueue", "bsd"],
            // No backend: lib.rs says so in one sentence.
            _ => &[],
        },
    };
    for cfg in cfgs {
        println!("cargo::rustc-cfg={cfg}");
    }
}
