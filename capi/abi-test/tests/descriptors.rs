//! The table of docs/descriptors.md from C: the scenes of `tests/descriptors_table/`, watched by `c/descriptors.c`.
#![cfg(target_os = "linux")]

mod common;
#[path = "../../../tests/descriptors_table/mod.rs"]
mod table;

use std::ffi::{CString, c_int, c_void};
use std::os::fd::RawFd;
use std::sync::OnceLock;

use table::{Trigger, Watch};

struct Functions {
    new: unsafe extern "C" fn() -> u64,
    register: unsafe extern "C" fn(u64, c_int, u32, c_int) -> c_int,
    poll: unsafe extern "C" fn(u64, u32) -> u32,
    close: unsafe extern "C" fn(u64),
}

/// The watch, compiled and linked as a plugin of a program is.
fn functions() -> &'static Functions {
    static FUNCTIONS: OnceLock<Functions> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let plugin = common::scratch("descriptors.so");
        let mut compiler = common::compiler("cc", &common::source("descriptors.c"));
        compiler.args(["-shared", "-fPIC"]).arg(common::library().join("libmio_st.a"));
        common::succeeds(compiler.arg("-o").arg(&plugin));
        let path = CString::new(plugin.to_str().expect("UTF-8")).expect("a path");
        // SAFETY: the plugin is the one that was just built, and is never closed.
        let plugin = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        assert!(!plugin.is_null(), "the plugin does not load");
        let symbol = |name: &str| -> *mut c_void {
            let name = CString::new(name).expect("a name");
            // SAFETY: the plugin is open.
            let symbol = unsafe { libc::dlsym(plugin, name.as_ptr()) };
            assert!(!symbol.is_null(), "{name:?}");
            symbol
        };
        // SAFETY: they are declared so in `c/descriptors.c`.
        unsafe {
            Functions {
                new: std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> u64>(symbol(
                    "watch_new",
                )),
                register: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(u64, c_int, u32, c_int) -> c_int,
                >(symbol("watch_register")),
                poll: std::mem::transmute::<*mut c_void, unsafe extern "C" fn(u64, u32) -> u32>(
                    symbol("watch_poll"),
                ),
                close: std::mem::transmute::<*mut c_void, unsafe extern "C" fn(u64)>(symbol(
                    "watch_close",
                )),
            }
        }
    })
}

struct FromC(u64);

fn from_c() -> Box<dyn Watch> {
    // SAFETY: it takes nothing.
    Box::new(FromC(unsafe { (functions().new)() }))
}

impl Watch for FromC {
    fn register(&mut self, fd: RawFd, interests: u32, trigger: Trigger) -> Result<(), i32> {
        let level = (trigger == Trigger::Level).into();
        // SAFETY: it takes any numbers.
        let result = unsafe { (functions().register)(self.0, fd, interests, level) };
        if result < 0 { Err(-result) } else { Ok(()) }
    }

    fn poll(&mut self, milliseconds: u32) -> u32 {
        // SAFETY: it takes any numbers.
        unsafe { (functions().poll)(self.0, milliseconds) }
    }
}

impl Drop for FromC {
    fn drop(&mut self) {
        // SAFETY: it takes any number.
        unsafe { (functions().close)(self.0) }
    }
}

/// Behaviour 10.
#[test]
fn the_page_is_what_a_c_program_is_told() {
    table::compare("from C", from_c);
}
