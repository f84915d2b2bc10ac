//! Reads any bytes as the control messages of a datagram; see `src/sys/control.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mio_st::raw::Control;

fuzz_target!(|data: &[u8]| {
    // In memory of just that length, so that a byte read beyond it is seen.
    let control = Control::read(&data.to_vec().into_boxed_slice());
    assert!(!control.local.is_some_and(|local| local.is_multicast() || local.is_unspecified()));
});
