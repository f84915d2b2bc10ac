//! Idle: so many descriptors registered, and polls that find none of them ready. An operation is a poll.
//! It prints too how many bytes of the heap each registration took.
//!
//! `idle CONTENDER SOURCES POLLS`

use mio_st_benches::{
    Args, Contender, Mio, MioSt, MioSt022, Outcome, Polling, Raw, Trigger, check,
};

fn main() {
    let (contender, mut args) = Args::new();
    mio_st_benches::raise_descriptor_limit();
    let (sources, polls) = (args.number("sources"), args.number("polls"));
    let before = heap();
    let mut after = before;
    let mut ready = || after = heap();
    let outcome = match contender.as_str() {
        "raw-rust" => idle::<Raw>(sources, polls, &mut ready),
        "mio" => idle::<Mio>(sources, polls, &mut ready),
        "polling" => idle::<Polling>(sources, polls, &mut ready),
        "mio-st-0.2.2" => idle::<MioSt022>(sources, polls, &mut ready),
        "mio-st" => idle::<MioSt>(sources, polls, &mut ready),
        name => panic!("no such contender in Rust: {name}"),
    };
    print!("heap {} ", after - before);
    Outcome::print(outcome)
}

fn idle<C: Contender>(sources: usize, polls: usize, ready: &mut dyn FnMut()) -> Option<Outcome> {
    let (mut poller, mut events) = C::new();
    for id in 0..sources {
        let flags = libc::EFD_CLOEXEC | libc::EFD_NONBLOCK;
        let fd = check(unsafe { libc::eventfd(0, flags) } as isize) as i32;
        C::add(&mut poller, fd, id, Trigger::Edge);
    }
    let mut count = 0;
    C::poll(&mut poller, &mut events, false, |_, _, _| count += 1);
    ready();
    Some(Outcome::of(|| {
        for _ in 0..polls {
            C::poll(&mut poller, &mut events, false, |_, _, _| count += 1);
        }
        assert_eq!(count, 0);
        polls as u64
    }))
}

/// The bytes in use on the heap.
fn heap() -> usize {
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}
