//! Names the backend once: `cfg(epoll)` or `cfg(kqueue)`. And what else systems differ in: `cfg(kernel)`,
//! which is "darwin" on everything of Apple's; `cfg(bsd)` for the BSDs and Darwin; `cfg(evfilt_user)` and
//! `cfg(evfilt_except)` for kqueues that have those filters.

use std::env;

const KERNELS: [&str; 7] =
    ["linux", "darwin", "freebsd", "netbsd", "openbsd", "dragonfly", "manual"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=KQUEUE_LIKE");
    println!("cargo::rustc-check-cfg=cfg(epoll, kqueue, bsd, evfilt_user, evfilt_except)");
    println!("cargo::rustc-check-cfg=cfg(kqueue_simulated, values(none(), \"linked\"))");
    println!("cargo::rustc-check-cfg=cfg(kernel, values(\"{}\"))", KERNELS.join("\", \""));
    // Tests of the kqueue backend on Linux, see tests/kqueue_simulator/mod.rs.
    let simulated = env::var("CARGO_CFG_KQUEUE_SIMULATED").is_ok();
    let kernel = if simulated { simulated_kernel() } else { target_kernel() };
    // No backend: lib.rs says so in one sentence.
    let Some(kernel) = kernel else { return };
    println!("cargo::rustc-cfg=kernel=\"{kernel}\"");
    for cfg in cfgs(&kernel) {
        println!("cargo::rustc-cfg={cfg}");
    }
    if simulated {
        println!("cargo::rustc-cfg=kqueue_simulated");
    } else if kernel != "linux" {
        println!("cargo::rustc-cfg=bsd");
    }
}

fn target_kernel() -> Option<String> {
    let variable = |name| env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_VENDOR") == "apple" {
        return Some("darwin".to_owned());
    }
    match &*variable("CARGO_CFG_TARGET_OS") {
        "linux" | "android" => Some("linux".to_owned()),
        os @ ("freebsd" | "netbsd" | "openbsd" | "dragonfly") => Some(os.to_owned()),
        _ => None,
    }
}

/// The kernel that the simulator is like; without a name, a kqueue as in the manual.
fn simulated_kernel() -> Option<String> {
    let kernel = env::var("KQUEUE_LIKE").unwrap_or_else(|_| "manual".to_owned());
    assert!(KERNELS[1..].contains(&&*kernel), "KQUEUE_LIKE is none of {:?}", &KERNELS[1..]);
    Some(kernel)
}

fn cfgs(kernel: &str) -> &'static [&'static str] {
    // What is linked has no EVFILT_EXCEPT.
    let linked = env::var("CARGO_CFG_KQUEUE_SIMULATED").is_ok_and(|value| value == "linked");
    match kernel {
        "linux" => &["epoll"],
        "freebsd" => &["kqueue", "evfilt_user"],
        "manual" if linked => &["kqueue", "evfilt_user"],
        // EVFILT_USER came with OpenBSD 7.8 and NetBSD 10: older ones are in use.
        "openbsd" => &["kqueue", "evfilt_except"],
        "netbsd" => &["kqueue"],
        _ => &["kqueue", "evfilt_user", "evfilt_except"],
    }
}
