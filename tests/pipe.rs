//! Pipes.

mod differences;
mod unix_support;

use std::fs::OpenOptions;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use mio_st::event::Ready;
use mio_st::poll::Interests;
use mio_st::unix::{Receiver, Sender, new_pipe};
use mio_st::{EventedId, Events, PollOption, Poller};

use differences::differs;
use unix_support::*;

const BOTH: [Interests; 2] = [Interests::READABLE, Interests::WRITABLE];

#[test]
fn what_is_sent_is_received_with_an_event_on_either_side() {
    let (mut sender, mut receiver) = new_pipe().unwrap();
    assert!(is_nonblocking(&sender) && is_nonblocking(&receiver));
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(&mut receiver, EventedId(0), Receiver::INTERESTS, PollOption::Edge).unwrap();
    poller.register(&mut sender, EventedId(1), Sender::INTERESTS, PollOption::Edge).unwrap();

    // There is room, and nothing to read.
    poller.poll(&mut events, Some(LONG)).unwrap();
    let event = (&mut events).next().unwrap();
    assert_eq!((event.id(), event.readiness()), (EventedId(1), Ready::WRITABLE));
    assert!(events.is_empty());
    let mut buf = [0; 16];
    assert_eq!(kind(receiver.read(&mut buf)), io::ErrorKind::WouldBlock);

    assert_eq!(sender.write(b"hello").unwrap(), 5);
    sender.flush().unwrap();
    poller.poll(&mut events, Some(LONG)).unwrap();
    let event = events.iter().find(|event| event.id() == EventedId(0)).unwrap();
    assert_eq!(event.readiness(), Ready::READABLE);
    assert_eq!(receiver.read(&mut buf).unwrap(), 5);
    assert_eq!(&buf[..5], b"hello");
}

#[test]
fn a_full_pipe_would_block_and_is_writable_once_it_was_read() {
    let (mut sender, mut receiver) = new_pipe().unwrap();
    assert!(is_nonblocking(&sender) && is_nonblocking(&receiver));
    let page = [7; 4096];
    let mut sent = 0;
    for _ in 0..10_000 {
        match sender.write(&page) {
            Ok(n) => sent += n,
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                break;
            }
        }
    }
    assert_eq!(readiness(&mut sender, Sender::INTERESTS, Duration::ZERO), None);

    let mut received = vec![0; sent];
    receiver.read_exact(&mut received).unwrap();
    assert!(received.iter().all(|byte| *byte == 7));
    assert_eq!(readiness(&mut sender, Sender::INTERESTS, LONG), Some(Ready::WRITABLE));
}

/// Behaviour 10, for pipes.
#[test]
fn the_end_of_the_sender_is_a_hang_up_after_what_it_sent() {
    let _alone = no_child_starts();
    let (mut sender, mut receiver) = new_pipe().unwrap();
    sender.write_all(b"last").unwrap();
    drop(sender);
    let hup = Ready::READABLE | Ready::READ_CLOSED | Ready::WRITE_CLOSED | Ready::HUP;
    assert_eq!(readiness(&mut receiver, Receiver::INTERESTS, LONG), Some(hup));
    let mut buf = [0; 16];
    assert_eq!(receiver.read(&mut buf).unwrap(), 4);
    assert_eq!(receiver.read(&mut buf).unwrap(), 0);
}

/// Behaviour 10, for pipes.
#[test]
fn the_end_of_the_receiver_is_an_error_event_and_a_broken_pipe() {
    let _alone = no_child_starts();
    let (mut sender, receiver) = new_pipe().unwrap();
    drop(receiver);
    let ready = readiness(&mut sender, Sender::INTERESTS, LONG).unwrap();
    assert!(ready.is_error() && !ready.is_hup(), "{ready:?}");
    assert_eq!(kind(sender.write(b"lost")), io::ErrorKind::BrokenPipe);
    assert_eq!(kind(sender.write_vectored(&[IoSlice::new(b"lost")])), io::ErrorKind::BrokenPipe);
}

/// Behaviour 10, for pipes.
#[test]
fn the_end_of_the_receiver_is_told_also_while_there_is_no_room_and_the_sender_stays_registered() {
    let _alone = no_child_starts();
    let mut events = Events::new();
    for option in [PollOption::Edge, PollOption::Level, PollOption::Oneshot] {
        for full in [false, true] {
            let (mut sender, receiver) = new_pipe().unwrap();
            while full && sender.write(&[0; 4096]).is_ok() {}
            let mut poller = Poller::new().unwrap();
            poller.register(&mut sender, EventedId(0), Sender::INTERESTS, option).unwrap();
            poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
            assert_eq!(events.len(), usize::from(!full));
            poller.reregister(&mut sender, EventedId(1), Sender::INTERESTS, option).unwrap();
            drop(receiver);
            poller.poll(&mut events, Some(LONG)).unwrap();
            let event = (&mut events).next().unwrap();
            assert!(event.readiness().is_error(), "{option:?}, full: {full}: {event:?}");
            for _ in 0..3 {
                poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
                let again = (&mut events).next().is_some_and(|event| event.readiness().is_error());
                assert_eq!(again, option == PollOption::Level, "{option:?}, full: {full}");
            }
            poller.reregister(&mut sender, EventedId(2), Sender::INTERESTS, option).unwrap();
            poller.poll(&mut events, Some(LONG)).unwrap();
            let event = (&mut events).next().unwrap();
            assert!(event.id() == EventedId(2) && event.readiness().is_error(), "{event:?}");
            poller.deregister(&mut sender).unwrap();
            assert_eq!(kind(poller.deregister(&mut sender)), io::ErrorKind::NotFound);
        }
    }
}

#[test]
fn interests_that_an_end_can_never_have_are_refused() {
    let (mut sender, mut receiver) = new_pipe().unwrap();
    let both = Interests::READABLE | Interests::WRITABLE;
    assert_refused(
        &mut sender,
        Sender::INTERESTS,
        &[Interests::READABLE, both],
        "sending end of a pipe can never be read",
    );
    assert_refused(
        &mut receiver,
        Receiver::INTERESTS,
        &[Interests::WRITABLE, both],
        "receiving end of a pipe can never be written",
    );
    assert_eq!([Receiver::INTERESTS, Sender::INTERESTS], BOTH);
}

#[test]
fn vectored_and_shared() {
    let (sender, receiver) = new_pipe().unwrap();
    let sent = (&sender).write_vectored(&[IoSlice::new(b"hel"), IoSlice::new(b"lo")]).unwrap();
    assert_eq!(sent, 5);
    let (mut a, mut b) = ([0; 2], [0; 8]);
    let mut bufs = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)];
    assert_eq!((&receiver).read_vectored(&mut bufs).unwrap(), 5);
    assert_eq!((&a, &b[..3]), (b"he", &b"llo"[..]));

    // More buffers than the system takes at once: some of them.
    let many = vec![IoSlice::new(b"x"); 3000];
    let sent = (&sender).write_vectored(&many).unwrap();
    assert!((1..=3000).contains(&sent));
    let mut bytes = vec![[0; 1]; 3000];
    let mut many: Vec<_> = bytes.iter_mut().map(|byte| IoSliceMut::new(byte)).collect();
    assert_eq!((&receiver).read_vectored(&mut many).unwrap(), sent);
    assert!(bytes[..sent].iter().all(|byte| byte == b"x"));

    // Nothing is fine too.
    assert_eq!((&sender).write(&[]).unwrap(), 0);
    assert_eq!((&sender).write_vectored(&[]).unwrap(), 0);
    assert_eq!((&receiver).read(&mut []).unwrap(), 0);
}

/// Behaviour 35.
#[test]
fn both_ends_are_non_blocking_and_not_inherited() {
    let (sender, receiver) = new_pipe().unwrap();
    assert!(is_nonblocking(&sender) && is_nonblocking(&receiver));
    assert_not_inherited(&[&sender, &receiver]);
}

#[test]
fn descriptors_go_in_and_out() {
    let (sender, receiver) = new_pipe().unwrap();
    let raw = sender.as_raw_fd();
    let sender = OwnedFd::from(sender);
    assert_eq!(sender.as_raw_fd(), raw);
    let mut sender = Sender::from(sender);
    let raw = receiver.into_raw_fd();
    // SAFETY: `into_raw_fd` has just given it away.
    let mut receiver = unsafe { Receiver::from_raw_fd(raw) };
    sender.write_all(b"!").unwrap();
    assert_eq!(receiver.read(&mut [0; 2]).unwrap(), 1);
}

#[test]
fn a_fifo_is_a_pipe() {
    let folder = Folder::new();
    let path = folder.join("fifo");
    assert!(start(Command::new("mkfifo").arg(&path)).wait().unwrap().success());
    // One would have a copy of the end that is closed, until it has begun its program.
    let _alone = no_child_starts();
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    let mut receiver = Receiver::from(OwnedFd::from(options.open(&path).unwrap()));
    options.read(false).write(true);
    let mut sender = Sender::from(OwnedFd::from(options.open(&path).unwrap()));
    sender.write_all(b"!").unwrap();
    assert_eq!(readiness(&mut receiver, Receiver::INTERESTS, LONG), Some(Ready::READABLE));
    assert_eq!(receiver.read(&mut [0; 2]).unwrap(), 1);

    let end = readiness(&mut receiver, Receiver::INTERESTS, Duration::ZERO);
    assert_eq!(end, None);
    drop(sender);
    let ended = Ready::READABLE | Ready::READ_CLOSED | Ready::WRITE_CLOSED | Ready::HUP;
    let expected = if differs("readers of FIFOs") { None } else { Some(ended) };
    assert_eq!(readiness(&mut receiver, Receiver::INTERESTS, Duration::ZERO), expected);

    let mut sender = Sender::from(OwnedFd::from(options.open(&path).unwrap()));
    drop(receiver);
    let failed = Ready::WRITABLE | Ready::ERROR;
    let expected = Some(if differs("writers of FIFOs") { Ready::WRITABLE } else { failed });
    assert_eq!(readiness(&mut sender, Sender::INTERESTS, Duration::ZERO), expected);
}

#[test]
fn the_ends_of_a_child_become_non_blocking() {
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = start(&mut command);
    let mut sender = Sender::from(child.stdin.take().unwrap());
    let mut receiver = Receiver::from(child.stdout.take().unwrap());
    let mut errors = Receiver::from(child.stderr.take().unwrap());
    assert!(
        [&sender as &dyn std::os::fd::AsFd, &receiver, &errors].into_iter().all(is_nonblocking)
    );

    sender.write_all(b"hello").unwrap();
    assert_eq!(readiness(&mut receiver, Receiver::INTERESTS, LONG), Some(Ready::READABLE));
    let mut buf = [0; 16];
    assert_eq!(receiver.read(&mut buf).unwrap(), 5);
    drop(sender);
    assert!(child.wait().unwrap().success());
    assert_eq!(errors.read(&mut buf).unwrap(), 0);
}

#[test]
fn the_ends_given_to_a_child_are_blocking() {
    let (sender, child_stdin) = new_pipe().unwrap();
    let (child_stdout, mut receiver) = new_pipe().unwrap();
    // The flags of both, in octal, and then what comes.
    let script = "grep flags /proc/self/fdinfo/0 /proc/self/fdinfo/1; exec cat";
    let mut command = Command::new("sh");
    let mut child = start(command.args(["-c", script]).stdin(child_stdin).stdout(child_stdout));
    // With the command go its copies of the child's ends.
    drop(command);
    (&sender).write_all(b"end").unwrap();
    drop(sender);
    assert!(child.wait().unwrap().success());
    let mut output = String::new();
    receiver.read_to_string(&mut output).unwrap();
    let flags: Vec<u32> = output
        .lines()
        .filter_map(|line| line.split("flags:").nth(1))
        .map(|flags| u32::from_str_radix(flags.trim(), 8).unwrap())
        .collect();
    assert_eq!(flags.len(), 2, "{output}");
    assert!(flags.iter().all(|flags| flags & libc::O_NONBLOCK as u32 == 0), "{output}");
    assert!(output.ends_with("end"));
}

/// Behaviour 28: what cannot be prevented, as the documentation of `Sender` says.
#[test]
fn a_pipe_without_a_reader_raises_sigpipe() {
    let output = run_alone("alone_write_to_a_pipe_without_a_reader", &[]);
    assert_eq!(output.status.signal(), Some(libc::SIGPIPE), "{output:?}");
}

#[test]
#[ignore = "run by a_pipe_without_a_reader_raises_sigpipe"]
fn alone_write_to_a_pipe_without_a_reader() {
    let (mut sender, receiver) = new_pipe().unwrap();
    drop(receiver);
    let_sigpipe_kill();
    let _ = sender.write(b"lost");
}
