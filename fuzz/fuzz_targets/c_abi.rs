//! Calls of the C interface, any functions with any arguments; see `capi/tests/calls/mod.rs`.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

#[path = "../../capi/tests/calls/mod.rs"]
mod calls;

use calls::STEP;

/// What the second thread of the grammar keeps in its thread-local storage, where the leak checker does not
/// always look. The library keeps nothing there.
#[unsafe(no_mangle)]
extern "C" fn __lsan_default_suppressions() -> *const std::ffi::c_char {
    c"leak:std::sync::mpmc\nleak:__cxa_thread_atexit_impl\nleak:get_or_insert_with".as_ptr()
}

fuzz_target!(|data: &[u8]| calls::run(data.as_chunks().0));

// What happens to a byte is libFuzzer's; what happens to steps as a whole is done here, since moving the
// bytes of one step into the next would make others of all that follow.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut steps: Vec<[u8; STEP]> = data[..size].as_chunks().0.to_vec();
    let mut random = u64::from(seed) << 1 | 1;
    let mut below = |limit: usize| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33) as usize % limit.max(1)
    };
    let place = below(steps.len());
    match below(8) {
        0 | 1 => {
            for _ in 0..=below(8) {
                let step = std::array::from_fn(|_| below(256) as u8);
                steps.insert(below(steps.len() + 1), step);
            }
        }
        2 if !steps.is_empty() => {
            let some = steps[place..steps.len().min(place + 1 + below(8))].to_vec();
            let to = below(steps.len() + 1);
            steps.splice(to..to, some);
        }
        3 if !steps.is_empty() => drop(steps.remove(place)),
        4 if !steps.is_empty() => steps.swap(place, 0),
        _ if !steps.is_empty() => drop(fuzzer_mutate(&mut steps[place], STEP, STEP)),
        _ => steps.push([0; STEP]),
    }
    steps.truncate(max_size / STEP);
    let mutated = steps.as_flattened();
    data[..mutated.len()].copy_from_slice(mutated);
    mutated.len()
});
