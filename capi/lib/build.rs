//! What the linker is told about the shared library.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let env = |name| std::env::var(name).unwrap_or_default();
    if matches!(env("CARGO_CFG_TARGET_OS").as_str(), "macos" | "ios") {
        return;
    }
    // Before 1.0 a minor version may break the ABI, see docs.
    let (major, minor) = (env("CARGO_PKG_VERSION_MAJOR"), env("CARGO_PKG_VERSION_MINOR"));
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libmio_st.so.{major}.{minor}");
    // Threads that end, and fork, call into the library: it cannot be unloaded by dlclose.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
