//! Starts a program, starts it again when it fails, and ends it in order on Ctrl-C: signals and the exit of
//! a child are events like any other.
//!
//! ```text
//! $ cargo run --example supervisor -- sh -c 'echo at work; sleep 3; exit 1'
//! ```

use std::env;
use std::io;
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use mio_st::poll::{PollOption, Poller};
use mio_st::unix::{Process, Signal, Signals};
use mio_st::{EventedId, Events};

mod testing;

const SIGNALS: EventedId = EventedId(0);
const CHILD: EventedId = EventedId(1);
const START_AGAIN: EventedId = EventedId(2);
const CLOCK: EventedId = EventedId(3);

/// Before a program that failed is started again.
const PAUSE: Duration = Duration::from_millis(100);

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.is_empty() {
        eprintln!("usage: supervisor PROGRAM [ARGUMENT ...]");
        return Ok(ExitCode::from(2));
    }

    let mut poller = Poller::new()?;
    testing::look_for_mistakes(&mut poller)?;
    testing::drive_clock(&mut poller, CLOCK)?;
    let mut events = Events::new();
    let mut signals = Signals::new([Signal::SIGINT, Signal::SIGTERM])?;
    poller.register(&mut signals, SIGNALS, Signals::INTERESTS, PollOption::Edge)?;

    let mut child = start(&arguments, &mut poller)?;
    let mut stopping = false;
    loop {
        poller.poll(&mut events, None)?;
        testing::print_complaints(&mut poller);
        for event in &mut events {
            match event.id() {
                SIGNALS => {
                    while let Some(signal) = signals.receive()? {
                        println!("{signal:?}: stopping");
                        // It may have exited, and wait for its next start.
                        if child.0.try_wait()?.is_some() {
                            return Ok(ExitCode::SUCCESS);
                        }
                        stopping = true;
                        child.0.kill()?;
                    }
                }
                CHILD => {
                    // It has exited, so that this does not wait; and it must be done, or a zombie stays.
                    let status = child.0.wait()?;
                    println!("{status}");
                    if stopping || status.success() {
                        return Ok(ExitCode::SUCCESS);
                    }
                    poller.add_timeout(START_AGAIN, PAUSE);
                }
                CLOCK => testing::move_time(&mut poller)?,
                _ => child = start(&arguments, &mut poller)?,
            }
        }
    }
}

/// Starts the program, and watches it.
fn start(arguments: &[String], poller: &mut Poller) -> io::Result<(Child, Process)> {
    let child = Command::new(&arguments[0]).args(&arguments[1..]).spawn()?;
    let mut process = Process::new(&child)?;
    // It exits once; that it was waited for too would be another event.
    poller.register(&mut process, CHILD, Process::INTERESTS, PollOption::Oneshot)?;
    println!("started process {}", child.id());
    Ok((child, process))
}
