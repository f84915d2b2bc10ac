//! How many handles there are.

use crate::{awakener, detached, registrar, thread};

/// How many handles are open, in all threads and between them (mio_st_detached_t), so that a test finds leaks. A forked child counts those of the
/// parent's other threads too, which it does not have.
///
/// Never fails. Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn mio_st_live_handles() -> usize {
    thread::live() + awakener::live() + registrar::live() + detached::live()
}
