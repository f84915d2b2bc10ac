//! Requests over a Unix stream: a server that sends back what it reads, until the end of file. Its
//! connection is registered for reading, or for both interests, edge-triggered: then every answer that the
//! client takes is an edge too, since there is room again. An operation is a request.
//!
//! `unix CONTENDER readable|both REQUESTS PAUSE`, with PAUSE see src/bin/load.rs

use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;

use mio_st::event::{EventedId, Events};
use mio_st::poll::{Interests, PollOption, Poller};
use mio_st::unix::UnixStream;
use mio_st_benches::{Args, BUFFER, CAPACITY, Outcome, finish_load, start_load_on};

fn main() {
    let (contender, mut args) = Args::new();
    let interests = match args.word("interests").as_str() {
        "readable" => Interests::READABLE,
        "both" => Interests::READABLE | Interests::WRITABLE,
        other => panic!("neither readable nor both: {other}"),
    };
    let (requests, pause) = (args.word("requests"), args.word("pause"));
    assert_eq!(contender, "mio-st", "no such contender in Rust");

    let (mut poller, mut events) = (Poller::new().unwrap(), Events::with_capacity(CAPACITY));
    let (theirs, ours) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let mut stream = UnixStream::from(OwnedFd::from(ours));
    poller.register(&mut stream, EventedId(0), interests, PollOption::Edge).unwrap();
    let load = start_load_on(OwnedFd::from(theirs), &["1", "1", &requests, &pause]);
    let outcome = Outcome::of(|| {
        let (mut served, mut buffer) = (0, [0; BUFFER]);
        loop {
            poller.poll(&mut events, None).unwrap();
            for _ in &mut events {
                loop {
                    match stream.read(&mut buffer) {
                        Ok(0) => return served,
                        Ok(n) => assert_eq!(stream.write(&buffer[..n]).unwrap(), n),
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::WouldBlock);
                            break;
                        }
                    }
                    served += 1;
                }
            }
        }
    });
    drop(stream);
    finish_load(load);
    assert_eq!(outcome.operations.to_string(), requests);
    Outcome::print(Some(outcome))
}
