//! Names the backend once: `cfg(epoll)` or `cfg(kqueue)`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(epoll, kqueue)");
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux" | "android") => println!("cargo::rustc-cfg=epoll"),
        Ok("macos" | "ios" | "freebsd" | "netbsd" | "openbsd" | "dragonfly") => {
            println!("cargo::rustc-cfg=kqueue");
        }
        // No backend: lib.rs says so in one sentence.
        _ => {}
    }
}
