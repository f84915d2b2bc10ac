//! Echo and churn: a TCP server that sends back what it reads, until so many connections have come and
//! gone. The load generator is a process of its own, and it checks each answer. An operation is a
//! request: with one request on each connection, a connection.
//!
//! `serve CONTENDER READS SPIN CONCURRENT LIVES REQUESTS PAUSE`, where READS is `drain` (until WouldBlock) or
//! `short` (until a short read, unless the event says that the peer has closed), SPIN for how many
//! nanoseconds it looks again before it sleeps, LIVES is how many
//! connections follow each other in each place, and PAUSE see src/bin/load.rs.

use std::time::Duration;

use mio_st_benches::{
    Args, BUFFER, CHECKS, Contender, Mio, MioSt, MioSt022, Outcome, Polling, Raw, STATS,
    finish_load, start_load, would_block,
};

const LISTENER: usize = 0;

fn main() {
    let (contender, mut args) = Args::new();
    mio_st_benches::raise_descriptor_limit();
    let short = args.word("reads") == "short";
    let spin = Duration::from_nanos(args.number("spin") as u64);
    let words: Vec<String> =
        ["concurrent", "lives", "requests", "pause"].map(|what| args.word(what)).into();
    let [concurrent, lives, requests] = [0, 1, 2].map(|i| words[i].parse::<usize>().unwrap());
    let total = concurrent * lives;

    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut load = None;
    let mut start = |port| load = Some(start_load(port, &words));
    let outcome = match contender.as_str() {
        "raw-rust" => serve::<Raw>(concurrent, total, short, spin, &mut start),
        "mio" => serve::<Mio>(concurrent, total, short, spin, &mut start),
        "mio-st-0.2.2" => serve::<MioSt022>(concurrent, total, short, spin, &mut start),
        "mio-st" => serve::<MioSt>(concurrent, total, short, spin, &mut start),
        "mio-st+checks" => serve::<MioSt<CHECKS>>(concurrent, total, short, spin, &mut start),
        "mio-st+stats" => serve::<MioSt<STATS>>(concurrent, total, short, spin, &mut start),
        // It does not tell whether the peer has closed.
        "polling" if short => None,
        "polling" => serve::<Polling>(concurrent, total, short, spin, &mut start),
        name => panic!("no such contender in Rust: {name}"),
    };
    if let Some(load) = load {
        finish_load(load);
    }
    if let Some(outcome) = outcome {
        assert_eq!(outcome.operations, (total * requests) as u64);
    }
    Outcome::print(outcome)
}

fn serve<C: Contender>(
    concurrent: usize,
    total: usize,
    short: bool,
    spin: Duration,
    listening: &mut dyn FnMut(u16),
) -> Option<Outcome> {
    let (mut poller, mut events) = C::new();
    if !C::spin(&mut poller, spin) {
        return None;
    }
    let mut listener = C::listen("127.0.0.1:0".parse().unwrap());
    C::add_listener(&mut poller, &mut listener, LISTENER);
    // The connection with id n is at n - 1.
    let mut streams: Vec<Option<C::Stream>> = (0..concurrent).map(|_| None).collect();
    let mut unused: Vec<usize> = (1..=concurrent).rev().collect();
    let (mut closed, mut requests) = (0, 0);
    listening(C::address(&listener).port());
    Some(Outcome::of(|| {
        while closed < total {
            C::poll(&mut poller, &mut events, true, |poller, id, read_closed| {
                if id == LISTENER {
                    accept::<C>(poller, &mut listener, &mut streams, &mut unused);
                    return;
                }
                let slot = &mut streams[id - 1];
                let Some(stream) = slot.as_mut() else { panic!("an event of no connection") };
                let mut buffer = [const { std::mem::MaybeUninit::<u8>::uninit() }; BUFFER];
                let buffer = unsafe { &mut *(&raw mut buffer).cast::<[u8; BUFFER]>() };
                loop {
                    match C::read(stream, buffer) {
                        Ok(0) => break,
                        Ok(n) => {
                            assert_eq!(C::write(stream, &buffer[..n]).unwrap(), n);
                            requests += 1;
                            if short && !read_closed && n < BUFFER {
                                return;
                            }
                        }
                        Err(error) => {
                            assert!(would_block(&error));
                            return;
                        }
                    }
                }
                C::close(poller, slot.take().unwrap());
                unused.push(id);
                closed += 1;
            });
        }
        requests
    }))
}

#[inline]
fn accept<C: Contender>(
    poller: &mut C::Poller,
    listener: &mut C::Listener,
    streams: &mut [Option<C::Stream>],
    unused: &mut Vec<usize>,
) {
    loop {
        match C::accept(listener) {
            Ok(mut stream) => {
                let id = unused.pop().expect("no more connections than were announced");
                C::add_stream(poller, &mut stream, id);
                streams[id - 1] = Some(stream);
            }
            Err(error) => {
                assert!(would_block(&error));
                return;
            }
        }
    }
}
