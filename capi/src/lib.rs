//! The C interface of mio-st: `mio_st.h` is made from these files, and their comments are its comments.
//!
//! [`abi`] has every type and constant, [`handles`] the table that checks every handle, and each type
//! of the Rust side has a file with its functions. A function is written out and not made by a macro,
//! since cbindgen would not see it.
//!
//! A type is added by: its handle in [`abi`], its line under `objects!` in [`handles`], a file with its
//! functions (and those to register it in [`poller`], with its line of `Registered`), a section in
//! `abi-test/src/header.rs`, and what the abuse test then asks for.

#![deny(missing_docs)]
// What a caller has to see to is written for C: the pointers are valid for what the comment says.
#![allow(clippy::missing_safety_doc)]

pub mod abi;
pub mod addr;
pub mod awakener;
pub mod datagrams;
pub mod detached;
pub mod error;
pub mod handles;
mod lists;
pub mod live;
mod memory;
mod options;
pub mod pipe;
pub mod poller;
mod pool;
pub mod process;
pub mod registrar;
pub mod signals;
mod slots;
pub mod tcp;
mod thread;
pub mod udp;
pub mod unix_datagram;
pub mod unix_listener;
pub mod unix_message;
pub mod unix_stream;
pub mod version;
