//! Chain, the classic of libevent: so many socket pairs, of which some have a byte to read; who reads
//! one writes one to the next pair, so many times in all. An operation is a byte read.
//!
//! `chain CONTENDER TRIGGER PAIRS ACTIVE WRITES`

use std::os::fd::RawFd;

use mio_st_benches::{
    Args, Contender, Mio, MioSt, MioSt022, Outcome, Polling, Raw, Trigger, check, socket_pair,
};

fn main() {
    let (contender, mut args) = Args::new();
    mio_st_benches::raise_descriptor_limit();
    let trigger = args.trigger();
    let (pairs, active, writes) =
        (args.number("pairs"), args.number("active"), args.number("writes"));
    Outcome::print(match contender.as_str() {
        "raw-rust" => chain::<Raw>(pairs, active, writes, trigger),
        "mio" => chain::<Mio>(pairs, active, writes, trigger),
        "polling" => chain::<Polling>(pairs, active, writes, trigger),
        "mio-st-0.2.2" => chain::<MioSt022>(pairs, active, writes, trigger),
        "mio-st" => chain::<MioSt>(pairs, active, writes, trigger),
        name => panic!("no such contender in Rust: {name}"),
    })
}

fn chain<C: Contender>(
    count: usize,
    active: usize,
    mut writes: usize,
    trigger: Trigger,
) -> Option<Outcome> {
    let total = active + writes;
    let (mut poller, mut events) = C::new();
    let pairs: Vec<(RawFd, RawFd)> = (0..count).map(|_| socket_pair()).collect();
    for (i, (reader, _)) in pairs.iter().enumerate() {
        if !C::add(&mut poller, *reader, i, trigger) {
            return None;
        }
    }
    Some(Outcome::of(|| {
        let mut read = 0;
        for i in 0..active {
            write_byte(pairs[i * (count / active)].1);
        }
        while read < total {
            C::poll(&mut poller, &mut events, true, |_, id, _| {
                while read_byte(pairs[id].0) {
                    read += 1;
                    if writes > 0 {
                        writes -= 1;
                        write_byte(pairs[if id + 1 == count { 0 } else { id + 1 }].1);
                    }
                    if trigger == Trigger::Level {
                        break;
                    }
                }
            });
        }
        assert_eq!(read, total);
        read as u64
    }))
}

/// Whether there was a byte.
#[inline]
fn read_byte(fd: RawFd) -> bool {
    let mut byte = 0u8;
    if unsafe { libc::read(fd, (&raw mut byte).cast(), 1) } == 1 {
        return true;
    }
    assert!(unsafe { *libc::__errno_location() } == libc::EAGAIN);
    false
}

#[inline]
fn write_byte(fd: RawFd) {
    check(unsafe { libc::write(fd, b"e".as_ptr().cast(), 1) });
}
