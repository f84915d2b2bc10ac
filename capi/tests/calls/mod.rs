//! Sequences of calls of the C interface, made of any bytes, and what must hold after each of them. The
//! fuzzer and a test share it.
//!
//! A step is 24 bytes. Most are a call: a function of the header, with arguments that are mostly good and
//! sometimes everything else: handles that are closed, forged, of another kind or thread; descriptors
//! that are closed or closed behind a handle's back; NULL, short and huge lengths, malformed addresses.
//! Other steps are what a program does beside the library: it opens, closes and replaces descriptors,
//! raises signals, ends a thread.
//!
//! What must hold: a handle that is open works, and is that of the same descriptor for ever; no other
//! does, and it gets the right error; nothing is written without success, or beyond a buffer; nothing
//! panics; no handle is given twice; and in the end nothing is left open. Nothing here waits, and no
//! traffic leaves the machine.
//!
//! With `TRACE_CALLS` set in the environment each step is printed, to see what led to a failure.

mod arguments;
mod kinds;
mod memory;
pub mod table;
mod world;

pub use world::run;

pub const STEP: usize = 24;
