//! Which library this is.

use std::ffi::c_char;

use crate::abi::*;

/// Compared with Cargo.toml by a test.
const VERSION: &std::ffi::CStr = c"0.4.0";

/// The version of the library that runs, as `MIO_ST_VERSION_NUMBER` is that of the header.
///
/// Never fails. Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_version() -> u32 {
    MIO_ST_VERSION_NUMBER
}

/// The version of the library that runs, such as `"0.4.0"`. The string is static.
///
/// Never fails. Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_version_string() -> *const c_char {
    VERSION.as_ptr()
}

/// What this build of the library has: flags such as `MIO_ST_FEATURE_EPOLL`.
///
/// Never fails. Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_features() -> u32 {
    if cfg!(any(target_os = "linux", target_os = "android")) {
        MIO_ST_FEATURE_EPOLL
    } else {
        MIO_ST_FEATURE_KQUEUE
    }
}
