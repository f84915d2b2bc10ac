//! Drives the deadlines and their model with any steps; see `src/deadlines/model.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../src/deadlines/mod.rs"]
mod deadlines;

use deadlines::model::{Pair, Step};

fuzz_target!(|data: &[u8]| {
    let Some((&[flags, capacity, now @ ..], steps)) = data.split_first_chunk::<10>() else {
        return;
    };
    let mut pair = Pair::new(flags & 1 == 0, usize::from(capacity), u64::from_le_bytes(now));
    for step in steps.as_chunks::<{ Step::LEN }>().0 {
        pair.step(Step::from_bytes(step));
    }
    pair.finish();
});
