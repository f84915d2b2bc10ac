//! What `<sys/event.h>` declares, for Linux: src/sys/kqueue.rs is compiled against it, and the tests of
//! behaviours run over the kqueue backend.
//!
//! ```sh
//! RUSTFLAGS='--cfg kqueue_simulated' cargo test                         # over `simulator`, as in the manual
//! RUSTFLAGS='--cfg kqueue_simulated' KQUEUE_LIKE=freebsd cargo test     # as FreeBSD's kernel does it
//! ```
//!
//! The others are `netbsd`, `openbsd`, `dragonfly` and `darwin`.
//!
//! # Another implementation
//!
//! With the value `"linked"` there is no simulator, and `kqueue` and `kevent` are those of a library, such as
//! libkqueue (or, with `KQUEUE_LIKE` to say which it is, those of a kernel in a library):
//!
//! ```sh
//! RUSTFLAGS='--cfg kqueue_simulated="linked" -L native=FOLDER -l dylib=kqueue' LD_LIBRARY_PATH=FOLDER \
//!     cargo test
//! ```
//!
//! It must have these signatures and this struct, which is that of FreeBSD 11, of macOS and of libkqueue
//! (since FreeBSD 12 it ends in four more words, `ext`: then add them here, the backend zeroes what it does
//! not know); FreeBSD's numbers; and EVFILT_READ, EVFILT_WRITE, EVFILT_USER and EVFILT_PROC
//! with EV_RECEIPT and EV_DISPATCH. `kqueue` must return a descriptor that `close` closes.
//!
//! `EVFILT_EXCEPT` and `NOTE_OOB`, which FreeBSD has not, are macOS's.

#![allow(non_camel_case_types)]

use std::ffi::{c_int, c_void};

#[cfg(not(kqueue_simulated = "linked"))]
mod calls;
#[cfg(not(kqueue_simulated = "linked"))]
mod simulator;

#[derive(Copy, Clone, Debug)]
#[repr(C)]
pub(crate) struct kevent {
    pub(crate) ident: usize,
    pub(crate) filter: i16,
    pub(crate) flags: u16,
    pub(crate) fflags: u32,
    pub(crate) data: isize,
    pub(crate) udata: *mut c_void,
}

pub(crate) const EVFILT_READ: i16 = -1;
pub(crate) const EVFILT_WRITE: i16 = -2;
pub(crate) const EVFILT_PROC: i16 = -5;
pub(crate) const EVFILT_TIMER: i16 = -7;
pub(crate) const EVFILT_USER: i16 = -11;
pub(crate) const EVFILT_EXCEPT: i16 = -15;

pub(crate) const EV_ADD: u16 = 0x0001;
pub(crate) const EV_DELETE: u16 = 0x0002;
#[cfg(not(kqueue_simulated = "linked"))]
const EV_ENABLE: u16 = 0x0004;
pub(crate) const EV_DISABLE: u16 = 0x0008;
pub(crate) const EV_ONESHOT: u16 = 0x0010;
pub(crate) const EV_CLEAR: u16 = 0x0020;
pub(crate) const EV_RECEIPT: u16 = 0x0040;
pub(crate) const EV_DISPATCH: u16 = 0x0080;
pub(crate) const EV_ERROR: u16 = 0x4000;
pub(crate) const EV_EOF: u16 = 0x8000;

pub(crate) const NOTE_LOWAT: u32 = 0x0000_0001;
pub(crate) const NOTE_OOB: u32 = 0x0000_0002;
pub(crate) const NOTE_TRIGGER: u32 = 0x0100_0000;
pub(crate) const NOTE_EXIT: u32 = 0x8000_0000;

unsafe extern "C" {
    pub(crate) fn kqueue() -> c_int;
    pub(crate) fn kevent(
        kq: c_int,
        changelist: *const kevent,
        nchanges: c_int,
        eventlist: *mut kevent,
        nevents: c_int,
        timeout: *const libc::timespec,
    ) -> c_int;
}
