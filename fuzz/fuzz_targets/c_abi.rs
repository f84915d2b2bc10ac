//! Calls of the C interface, any functions with any arguments; see `capi/tests/calls/mod.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../capi/tests/calls/mod.rs"]
mod calls;

fuzz_target!(|data: &[u8]| calls::run(data.as_chunks().0));
