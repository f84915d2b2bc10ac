//! How many handles there are.

use crate::{awakener, thread};

/// How many handles are open, in all threads, so that a test finds leaks. A forked child counts those of the
/// parent's other threads too, which it does not have.
///
/// Never fails. Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_live_handles() -> usize {
    thread::live() + awakener::live()
}
