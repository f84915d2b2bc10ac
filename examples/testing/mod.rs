//! What the examples do for whoever tests them, to be copied: with MIO_ST_CHECKS=1 in the environment the poller looks for
//! mistakes of the program, which are printed; with MIO_ST_CLOCK=paused its time stands still, and is moved by lines of
//! the standard input.

#![allow(dead_code)] // Each example uses a part.

use std::time::Duration;
use std::{env, io};

use mio_st::EventedId;
use mio_st::poll::{Checks, Clock, Interests, PollOption, Poller};

fn is_set(variable: &str, to: &str) -> bool {
    env::var_os(variable).is_some_and(|value| value == to)
}

/// Before anything is registered.
pub fn look_for_mistakes(poller: &mut Poller) -> io::Result<()> {
    if is_set("MIO_ST_CHECKS", "1") { poller.set_checks(Checks::ALL) } else { Ok(()) }
}

/// After each poll.
pub fn print_complaints(poller: &mut Poller) {
    while let Some(complaint) = poller.next_complaint() {
        eprintln!("complaint: {complaint}");
    }
}

/// Before anything else is registered: of what is ready at once a line is then the first, so that the tester knows that
/// whatever it does after writing one happens after it.
pub fn drive_clock(poller: &mut Poller, id: EventedId) -> io::Result<()> {
    if !is_set("MIO_ST_CLOCK", "paused") {
        return Ok(());
    }
    poller.set_clock(Clock::Paused)?;
    poller.register_fd(io::stdin(), id, Interests::READABLE, PollOption::Level)
}

/// At an event with that id: a line says by how many milliseconds. (One at a time: a second one would be read, too, and
/// wait in the buffer of the standard input.)
pub fn move_time(poller: &mut Poller) -> io::Result<()> {
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        return poller.deregister_fd(io::stdin());
    }
    let millis = line.trim().parse().map_err(io::Error::other)?;
    poller.advance(Duration::from_millis(millis))
}
