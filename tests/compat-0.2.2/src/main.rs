//! The TCP server of mio-st 0.2.2's documentation, word for word, with its hidden lines. It is compiled
//! and not run, since its port is fixed; `examples/tcp_server.rs` is the same in today's edition.

// What today's compiler says of a program of 2018 is not what is tested here.
#![allow(bare_trait_objects, dropping_references, unused, clippy::all)]

// Included, so that rustfmt leaves it as it was.
include!("tcp_server.rs");
