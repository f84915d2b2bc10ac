//! Notifications: so many events from the program to itself, then a poll that does not wait, with or
//! without the system. An operation is a notification.
//!
//! `notify CONTENDER system|user AT-ONCE ROUNDS`

use mio_st_benches::{Args, MioSt, MioSt022, Notify, Outcome, RawQueue};

fn main() {
    let (contender, mut args) = Args::new();
    let system = match args.word("what").as_str() {
        "system" => true,
        "user" => false,
        other => panic!("neither system nor user: {other}"),
    };
    let (at_once, rounds) = (args.number("at once"), args.number("rounds"));
    Outcome::print(match contender.as_str() {
        "raw-rust" => notify::<RawQueue>(at_once, rounds, system),
        "mio-st-0.2.2" => notify::<MioSt022>(at_once, rounds, system),
        "mio-st" => notify::<MioSt>(at_once, rounds, system),
        "mio" | "polling" => None,
        name => panic!("no such contender in Rust: {name}"),
    })
}

fn notify<N: Notify>(at_once: usize, rounds: usize, system: bool) -> Option<Outcome> {
    let (mut poller, mut events) = N::new();
    let (mut count, mut sum) = (0, 0);
    let outcome = Outcome::of(|| {
        for _ in 0..rounds {
            for id in 0..at_once {
                N::notify(&mut poller, id);
            }
            N::poll(&mut poller, &mut events, system, |id| {
                count += 1;
                sum += id;
            });
        }
        count as u64
    });
    assert_eq!((count, sum), (at_once * rounds, rounds * (at_once * (at_once - 1) / 2)));
    Some(outcome)
}
