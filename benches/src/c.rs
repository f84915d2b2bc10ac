//! The contenders in C: `c/NAME.c`, which build.rs compiles, with the functions of `c/workloads.h`.

use std::ffi::c_void;

use crate::{Outcome, Trigger};

type Listening = unsafe extern "C" fn(*mut c_void, u16);
type Ready = unsafe extern "C" fn(*mut c_void);
type Chain = unsafe extern "C" fn(&mut Outcome, u64, u64, u64, bool) -> bool;
type Serve = unsafe extern "C" fn(&mut Outcome, u64, u64, bool, Listening, *mut c_void) -> bool;
type Ctl = unsafe extern "C" fn(&mut Outcome, u64, bool) -> bool;
type Idle = unsafe extern "C" fn(&mut Outcome, u64, u64, Ready, *mut c_void) -> bool;
type Wake = unsafe extern "C" fn(&mut Outcome, u64) -> bool;
type Storm = unsafe extern "C" fn(&mut Outcome, u64, u64) -> bool;
type Notify = unsafe extern "C" fn(&mut Outcome, u64, u64, bool) -> bool;

// The functions of the C interface, which `c/mio_st.c` calls, are in this crate. A program in C links
// them as libmio_st.a, which would bring a second copy of Rust's standard library here.
use mio_st_capi as _;

/// A contender in C.
pub struct C {
    chain: Chain,
    serve: Serve,
    ctl: Ctl,
    idle: Idle,
    wake: Wake,
    storm: Storm,
    notify: Option<Notify>,
}

macro_rules! contender {
    ($module:ident, $chain:ident, $serve:ident, $ctl:ident, $idle:ident, $wake:ident, $storm:ident $(, $notify:ident)?) => {
        mod $module {
            use super::*;
            unsafe extern "C" {
                fn $chain(_: &mut Outcome, _: u64, _: u64, _: u64, _: bool) -> bool;
                fn $serve(_: &mut Outcome, _: u64, _: u64, _: bool, _: Listening, _: *mut c_void) -> bool;
                fn $ctl(_: &mut Outcome, _: u64, _: bool) -> bool;
                fn $idle(_: &mut Outcome, _: u64, _: u64, _: Ready, _: *mut c_void) -> bool;
                fn $wake(_: &mut Outcome, _: u64) -> bool;
                fn $storm(_: &mut Outcome, _: u64, _: u64) -> bool;
                $(fn $notify(_: &mut Outcome, _: u64, _: u64, _: bool) -> bool;)?
            }
            #[allow(unused_mut, unused_assignments)]
            pub static CONTENDER: C = {
                let mut notify: Option<Notify> = None;
                $(notify = Some($notify);)?
                C { chain: $chain, serve: $serve, ctl: $ctl, idle: $idle, wake: $wake, storm: $storm, notify }
            };
        }
    };
}

contender!(raw, raw_chain, raw_serve, raw_ctl, raw_idle, raw_wake, raw_storm, raw_notify);
contender!(libuv, libuv_chain, libuv_serve, libuv_ctl, libuv_idle, libuv_wake, libuv_storm);
contender!(
    libev,
    libev_chain,
    libev_serve,
    libev_ctl,
    libev_idle,
    libev_wake,
    libev_storm,
    libev_notify
);
contender!(
    libevent,
    libevent_chain,
    libevent_serve,
    libevent_ctl,
    libevent_idle,
    libevent_wake,
    libevent_storm,
    libevent_notify
);
contender!(mio_st, ours_chain, ours_serve, ours_ctl, ours_idle, ours_wake, ours_storm, ours_notify);

/// The contender of this name; it must exist, whichever language it is in.
pub fn contender(name: &str) -> &'static C {
    match name {
        "raw-c" => &raw::CONTENDER,
        "libuv" => &libuv::CONTENDER,
        "libev" => &libev::CONTENDER,
        "libevent" => &libevent::CONTENDER,
        "mio-st-c" => &mio_st::CONTENDER,
        _ => panic!("no such contender: {name}"),
    }
}

fn outcome(run: impl FnOnce(&mut Outcome) -> bool) -> Option<Outcome> {
    let mut outcome = Outcome::default();
    run(&mut outcome).then_some(outcome)
}

impl C {
    pub fn chain(
        &self,
        pairs: usize,
        active: usize,
        writes: usize,
        trigger: Trigger,
    ) -> Option<Outcome> {
        let edge = trigger == Trigger::Edge;
        outcome(|outcome| unsafe {
            (self.chain)(outcome, pairs as u64, active as u64, writes as u64, edge)
        })
    }

    pub fn serve(
        &self,
        concurrent: usize,
        total: usize,
        short_reads: bool,
        mut listening: &mut dyn FnMut(u16),
    ) -> Option<Outcome> {
        unsafe extern "C" fn call(listening: *mut c_void, port: u16) {
            unsafe { (*listening.cast::<&mut dyn FnMut(u16)>())(port) }
        }
        let argument = (&raw mut listening).cast();
        outcome(|outcome| unsafe {
            (self.serve)(outcome, concurrent as u64, total as u64, short_reads, call, argument)
        })
    }

    pub fn ctl(&self, count: usize, modify: bool) -> Option<Outcome> {
        outcome(|outcome| unsafe { (self.ctl)(outcome, count as u64, modify) })
    }

    pub fn idle(&self, count: usize, polls: usize, mut ready: &mut dyn FnMut()) -> Option<Outcome> {
        unsafe extern "C" fn call(ready: *mut c_void) {
            unsafe { (*ready.cast::<&mut dyn FnMut()>())() }
        }
        let argument = (&raw mut ready).cast();
        outcome(|outcome| unsafe {
            (self.idle)(outcome, count as u64, polls as u64, call, argument)
        })
    }

    pub fn notify(&self, at_once: usize, rounds: usize, system: bool) -> Option<Outcome> {
        let notify = self.notify?;
        outcome(|outcome| unsafe { notify(outcome, at_once as u64, rounds as u64, system) })
    }

    pub fn wake(&self, rounds: usize) -> Option<Outcome> {
        outcome(|outcome| unsafe { (self.wake)(outcome, rounds as u64) })
    }

    pub fn storm(&self, threads: usize, wakes: usize) -> Option<Outcome> {
        outcome(|outcome| unsafe { (self.storm)(outcome, threads as u64, wakes as u64) })
    }
}
