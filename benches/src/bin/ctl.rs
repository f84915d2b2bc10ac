//! Registering: one descriptor registered and deregistered, or reregistered, so many times.
//!
//! `ctl CONTENDER add-del|modify COUNT`

use mio_st_benches::{
    Args, Contender, Mio, MioSt, MioSt022, Outcome, Polling, Raw, Trigger, check, socket_pair,
};

fn main() {
    let (contender, mut args) = Args::new();
    let modify = match args.word("what").as_str() {
        "modify" => true,
        "add-del" => false,
        other => panic!("neither add-del nor modify: {other}"),
    };
    let count = args.number("count");
    Outcome::print(match contender.as_str() {
        "raw-rust" => ctl::<Raw>(count, modify),
        "mio" => ctl::<Mio>(count, modify),
        "polling" => ctl::<Polling>(count, modify),
        "mio-st-0.2.2" => ctl::<MioSt022>(count, modify),
        "mio-st" => ctl::<MioSt>(count, modify),
        name => panic!("no such contender in Rust: {name}"),
    })
}

fn ctl<C: Contender>(count: usize, modify: bool) -> Option<Outcome> {
    let (mut poller, mut events) = C::new();
    let (reader, writer) = socket_pair();
    let outcome = if modify {
        C::add(&mut poller, reader, 7, Trigger::Edge);
        Outcome::of(|| {
            for i in 0..count {
                C::modify(&mut poller, reader, i, Trigger::Edge);
            }
            count as u64
        })
    } else {
        Outcome::of(|| {
            for i in 0..count {
                if i > 0 {
                    C::remove(&mut poller, reader);
                }
                C::add(&mut poller, reader, i, Trigger::Edge);
            }
            count as u64
        })
    };
    // It is registered, once, and with the last id.
    let mut ids = Vec::new();
    C::poll(&mut poller, &mut events, false, |_, id, _| ids.push(id));
    assert_eq!(ids, []);
    check(unsafe { libc::write(writer, b"e".as_ptr().cast(), 1) });
    C::poll(&mut poller, &mut events, true, |_, id, _| ids.push(id));
    assert_eq!(ids, [count - 1]);
    Some(outcome)
}
