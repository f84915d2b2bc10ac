//! The artefact: `libmio_st.a` and `libmio_st.so`.

pub use mio_st_capi::*;

/// Keeps a panic quiet; it becomes `MIO_ST_EPANIC`. It is not there in a release on Linux, in which there is
/// nothing that could panic (a test sees to it): the hook would be the only thing that can.
///
/// The artefact carries its own copy of std, and what runs there is this library alone: the hook is in
/// nobody's way. It is set when the library is loaded, as constructors of C are run.
#[cfg(any(debug_assertions, not(any(target_os = "linux", target_os = "android"))))]
#[used]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
static QUIET: extern "C" fn() = {
    extern "C" fn quiet() {
        std::panic::set_hook(Box::new(|_| {}));
    }
    quiet
};
