//! Signals. The masks are those of threads, and each test has a thread of its own; those that send signals
//! have a process of their own.

mod differences;
mod unix_support;

use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use mio_st::event::Ready;
use mio_st::poll::Interests;
use mio_st::unix::{Signal, Signals};
use mio_st::{EventedId, Events, PollOption, Poller};

use differences::differs;
use unix_support::*;

const USR1: Signal = Signal::SIGUSR1;
const USR2: Signal = Signal::SIGUSR2;
const TERM: Signal = Signal::SIGTERM;

/// Sends a signal to this thread alone.
fn raise(signal: Signal) {
    // SAFETY: no pointer is passed.
    assert_eq!(unsafe { libc::raise(signal.as_raw()) }, 0);
}

/// Sends a signal to this process.
fn kill_self(signal: Signal) {
    // SAFETY: no pointer is passed.
    assert_eq!(unsafe { libc::kill(libc::getpid(), signal.as_raw()) }, 0);
}

/// The signals that are blocked in this thread.
fn blocked() -> Vec<Signal> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the call initialises the set.
    let set = unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), set.as_mut_ptr());
        set.assume_init()
    };
    // SAFETY: the set is valid.
    (1..=64).filter(|n| unsafe { libc::sigismember(&set, *n) == 1 }).map(Signal::from_raw).collect()
}

/// Blocks a signal in this thread, as the program itself would.
fn block(signal: Signal) {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the first call initialises the set, and the pointers are valid.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal.as_raw());
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
    }
}

fn is_pending(signal: Signal) -> bool {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the first call initialises the set, and the second is passed a valid one.
    unsafe {
        libc::sigpending(set.as_mut_ptr());
        libc::sigismember(set.as_ptr(), signal.as_raw()) == 1
    }
}

/// Tests that send signals to the process: each has one of its own, with this thread alone.
macro_rules! in_processes_of_their_own {
    ($($(#[$attribute:meta])* fn $test:ident() $body:block)*) => {
        $(
            $(#[$attribute])*
            #[test]
            fn $test() {
                passes_alone(concat!("alone::", stringify!($test)), &[]);
            }
        )*

        mod alone {
            use super::*;
            $(
                $(#[$attribute])*
                #[test]
                #[ignore = "in a process of its own"]
                fn $test() {
                    passes_forked(|| $body);
                }
            )*
        }
    };
}

in_processes_of_their_own! {
fn a_signal_is_an_event_and_received_once() {
    let mut signals = Signals::new([USR1, USR2]).unwrap();
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(&mut signals, EventedId(3), Signals::INTERESTS, PollOption::Edge).unwrap();
    assert_eq!(signals.receive().unwrap(), None);
    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    assert!(events.is_empty());

    for signal in [USR1, USR2, USR1] {
        kill_self(signal);
        poller.poll(&mut events, Some(LONG)).unwrap();
        let event = (&mut events).next().unwrap();
        assert_eq!((event.id(), event.readiness()), (EventedId(3), Ready::READABLE));
        assert_eq!(signals.receive().unwrap(), Some(signal));
        assert_eq!(signals.receive().unwrap(), None);
    }
    poller.poll(&mut events, Some(Duration::ZERO)).unwrap();
    assert!(events.is_empty());
}

fn signals_that_are_ignored_by_default_are_received_too() {
    let mut signals = Signals::new([Signal::SIGCHLD, Signal::SIGWINCH, Signal::SIGPIPE]).unwrap();
    for signal in [Signal::SIGWINCH, Signal::SIGCHLD, Signal::SIGPIPE] {
        kill_self(signal);
        assert_eq!(readiness(&mut signals, Signals::INTERESTS, LONG), Some(Ready::READABLE));
        assert_eq!(signals.receive().unwrap(), Some(signal));
    }
}

#[cfg(epoll)] // The others have no real-time signals.
fn standard_signals_are_not_counted_and_real_time_signals_are() {
    let real_time = Signal::from_raw(libc::SIGRTMIN() + 1);
    let signals = Signals::new([USR1, real_time]).unwrap();
    for _ in 0..3 {
        kill_self(USR1);
        kill_self(real_time);
    }
    let mut received = Vec::new();
    while let Some(signal) = signals.receive().unwrap() {
        received.push(signal);
    }
    assert_eq!(received, [USR1, real_time, real_time, real_time]);
}

#[cfg(epoll)]
fn no_real_time_signal_is_lost_however_many_wait() {
    let real_time = Signal::from_raw(libc::SIGRTMIN() + 1);
    let signals = Signals::new([real_time]).unwrap();
    // More than a pipe has room for, in the form in which handlers would write them.
    for _ in 0..1000 {
        kill_self(real_time);
    }
    for _ in 0..1000 {
        assert_eq!(signals.receive().unwrap(), Some(real_time));
    }
    assert_eq!(signals.receive().unwrap(), None);
}

#[cfg(epoll)] // Where another thread's system calls can be looked at.
fn no_call_of_another_thread_is_interrupted() {
    let signals = Signals::new([USR1]).unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        // SAFETY: no pointer is passed.
        send.send(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap();
        // SAFETY: no descriptor is looked at.
        unsafe { libc::poll(std::ptr::null_mut(), 0, 50) }
    });
    let status = format!("/proc/self/task/{}/stat", receive.recv().unwrap());
    while std::fs::read_to_string(&status).is_ok_and(|stat| !stat.contains(") S ")) {
        std::thread::yield_now();
    }
    kill_self(USR1);
    // It is -1 where a handler has run meanwhile.
    assert_eq!(thread.join().unwrap(), 0);
    assert_eq!(signals.receive().unwrap(), Some(USR1));
}

fn a_signal_says_who_sent_it_and_what_with_it() {
    let chld = Signal::SIGCHLD;
    let signals = Signals::new([USR1, chld]).unwrap();
    // SAFETY: they take nothing.
    let (pid, uid) = unsafe { (libc::getpid(), libc::getuid()) };
    assert_eq!(signals.receive_info().unwrap(), None);
    kill_self(USR1);
    let info = signals.receive_info().unwrap().unwrap();
    assert_eq!(info.signal, USR1);
    if cfg!(kqueue) {
        assert_eq!((info.pid, info.uid, info.status, info.value), (None, None, None, None));
        return;
    }
    assert_eq!((info.code, info.pid, info.uid), (libc::SI_USER, Some(pid), Some(uid)));
    assert_eq!((info.status, info.value), (None, None));

    let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(7) };
    // SAFETY: no pointer is followed.
    assert_eq!(unsafe { libc::sigqueue(pid, USR1.as_raw(), value) }, 0);
    let info = signals.receive_info().unwrap().unwrap();
    assert_eq!((info.code, info.pid, info.uid), (libc::SI_QUEUE, Some(pid), Some(uid)));
    assert_eq!((info.status, info.value), (None, Some(if cfg!(target_endian = "little") { 7 } else { 0 })));

    raise(USR1);
    let info = signals.receive_info().unwrap().unwrap();
    assert_eq!((info.code, info.pid, info.value), (libc::SI_TKILL, Some(pid), None));

    // SAFETY: the child does nothing but end, and is this process's.
    let child = unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::_exit(3);
        }
        assert_eq!(libc::waitpid(child, std::ptr::null_mut(), 0), child);
        child
    };
    let info = signals.receive_info().unwrap().unwrap();
    assert_eq!((info.signal, info.code), (chld, libc::CLD_EXITED));
    assert_eq!((info.pid, info.uid, info.status, info.value), (Some(child), Some(uid), Some(3), None));
}

fn signals_are_added_and_removed() {
    let mut signals = Signals::new([USR1]).unwrap();
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(&mut signals, EventedId(3), Signals::INTERESTS, PollOption::Edge).unwrap();
    assert_eq!(kind(signals.add(Signal::from_raw(libc::SIGKILL))), ErrorKind::InvalidInput);
    assert_eq!(kind(signals.add(Signal::from_raw(1000))), ErrorKind::InvalidInput);
    assert_eq!(blocked(), [USR1]);
    assert!(signals.add(USR2).unwrap());
    assert!(!signals.add(USR2).unwrap());
    assert_eq!(blocked(), [USR1, USR2]);
    for signal in [USR2, USR1] {
        kill_self(signal);
        poller.poll(&mut events, Some(LONG)).unwrap();
        assert_eq!((&mut events).next().unwrap().id(), EventedId(3));
        assert_eq!(signals.receive().unwrap(), Some(signal));
        assert_eq!(signals.receive().unwrap(), None);
    }
    // Another still wants one of them.
    let other = Signals::new([USR2]).unwrap();
    assert!(signals.remove(USR2).unwrap());
    assert!(!signals.remove(USR2).unwrap());
    assert!(!signals.remove(Signal::from_raw(1000)).unwrap());
    assert_eq!(blocked(), [USR1, USR2]);
    kill_self(USR2);
    assert_eq!(signals.receive().unwrap(), None);
    assert_eq!(other.receive().unwrap(), Some(USR2));
    drop(other);
    assert_eq!(blocked(), [USR1]);
    // The last, and another again.
    assert!(signals.remove(USR1).unwrap());
    assert_eq!(blocked(), []);
    assert!(signals.add(TERM).unwrap());
    kill_self(TERM);
    poller.poll(&mut events, Some(LONG)).unwrap();
    assert_eq!(signals.receive().unwrap(), Some(TERM));
    drop(signals);
    assert_eq!(blocked(), []);
}

fn dropping_leaves_what_another_still_wants() {
    for first_goes_first in [true, false] {
        let first = Signals::new([USR1, USR2]).unwrap();
        let second = Signals::new([USR2, TERM]).unwrap();
        assert_eq!(blocked(), [USR1, USR2, TERM]);
        if first_goes_first {
            drop(first);
            assert_eq!(blocked(), [USR2, TERM]);
            kill_self(USR2);
            assert_eq!(second.receive().unwrap(), Some(USR2));
        } else {
            drop(second);
            assert_eq!(blocked(), [USR1, USR2]);
            kill_self(USR2);
            assert_eq!(first.receive().unwrap(), Some(USR2));
        }
    }
    assert_eq!(blocked(), []);
}

fn a_signal_of_two_is_received_by_the_first_that_asks() {
    let mut a = Signals::new([USR1]).unwrap();
    let mut b = Signals::new([USR1, USR2]).unwrap();
    kill_self(USR1);
    for signals in [&mut a, &mut b] {
        assert_eq!(readiness(signals, Signals::INTERESTS, LONG), Some(Ready::READABLE));
    }
    assert_eq!(b.receive().unwrap(), Some(USR1));
    let too = differs("a signal of two").then_some(USR1);
    assert_eq!(a.receive().unwrap(), too);
}

fn a_signal_to_a_thread_is_received() {
    // Where it is not received it waits in the thread, and would end the process.
    block(USR1);
    let mut signals = Signals::new([USR1]).unwrap();
    raise(USR1);
    if differs("signals to a thread") {
        assert_eq!(readiness(&mut signals, Signals::INTERESTS, Duration::from_millis(10)), None);
        assert_eq!(signals.receive().unwrap(), None);
    } else {
        assert_eq!(readiness(&mut signals, Signals::INTERESTS, LONG), Some(Ready::READABLE));
        assert_eq!(signals.receive().unwrap(), Some(USR1));
    }
}
}

#[test]
fn a_signal_that_was_received_does_not_act_when_it_is_unblocked() {
    for variables in [&[][..], &[("KQUEUE_SIGNALS_ARE_LATE", Path::new("yes"))]] {
        passes_alone("alone_receive_and_unblock", variables);
    }
}

#[test]
#[ignore = "run by a_signal_that_was_received_does_not_act_when_it_is_unblocked"]
fn alone_receive_and_unblock() {
    passes_forked(|| {
        // Once the last is dropped in this thread, or in another.
        for in_this_thread in [true, false] {
            let receive = || {
                let mut signals = Signals::new([TERM, USR1]).unwrap();
                kill_self(TERM);
                let ready = readiness(&mut signals, Signals::INTERESTS, LONG);
                assert_eq!(ready, Some(Ready::READABLE));
                assert_eq!(signals.receive().unwrap(), Some(TERM));
            };
            if in_this_thread {
                receive();
            } else {
                let here = Signals::new([TERM, USR1]).unwrap();
                std::thread::scope(|scope| scope.spawn(receive).join().unwrap());
                // By kqueue this one has been told, too.
                let too = here.receive().unwrap();
                assert_eq!(too, differs("a signal of two").then_some(TERM));
            }
            assert_eq!(blocked(), []);
        }
        // Nor does it wait anywhere for a thread that lets it act later.
        block(TERM);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut signals = Signals::new([TERM]).unwrap();
                kill_self(TERM);
                let ready = readiness(&mut signals, Signals::INTERESTS, LONG);
                assert_eq!(ready, Some(Ready::READABLE));
                assert_eq!(signals.receive().unwrap(), Some(TERM));
            });
        });
        assert!(!is_pending(TERM));
    });
}

#[test]
fn a_signal_that_is_sent_again_and_not_received_acts() {
    passes_alone("alone_receive_once_of_two", &[]);
}

#[test]
#[ignore = "run by a_signal_that_is_sent_again_and_not_received_acts"]
fn alone_receive_once_of_two() {
    let status = forked(|| {
        let mut signals = Signals::new([TERM]).unwrap();
        kill_self(TERM);
        assert_eq!(readiness(&mut signals, Signals::INTERESTS, LONG), Some(Ready::READABLE));
        assert_eq!(signals.receive().unwrap(), Some(TERM));
        kill_self(TERM);
    });
    assert_eq!(status.signal(), Some(libc::SIGTERM));
}

#[test]
fn dropping_unblocks_what_was_not_blocked_before() {
    block(USR2);
    assert_eq!(blocked(), [USR2]);
    let signals = Signals::new([USR1, USR2, TERM, USR1]).unwrap();
    assert_eq!(blocked(), [USR1, USR2, TERM]);
    drop(signals);
    assert_eq!(blocked(), [USR2]);
    // Once more: nothing was left behind.
    drop(Signals::new([USR1, USR2]).unwrap());
    assert_eq!(blocked(), [USR2]);
}

#[test]
fn what_cannot_be_received_is_refused_and_blocks_nothing() {
    for (signal, message) in [
        (libc::SIGKILL, "SIGKILL and SIGSTOP cannot be received"),
        (libc::SIGSTOP, "SIGKILL and SIGSTOP cannot be received"),
        (libc::SIGSEGV, "SIGSEGV, SIGBUS, SIGFPE and SIGILL cannot be received"),
        (libc::SIGBUS, "SIGSEGV, SIGBUS, SIGFPE and SIGILL cannot be received"),
        (libc::SIGFPE, "SIGSEGV, SIGBUS, SIGFPE and SIGILL cannot be received"),
        (libc::SIGILL, "SIGSEGV, SIGBUS, SIGFPE and SIGILL cannot be received"),
    ] {
        let error = Signals::new([USR1, Signal::from_raw(signal)]).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidInput, message));
    }
    // 32 is the C library's own.
    for no_signal in [0, -1, 32, 65, 1000, i32::MIN, i32::MAX] {
        let result = Signals::new([USR1, Signal::from_raw(no_signal)]);
        assert_eq!(kind(result), ErrorKind::InvalidInput, "{no_signal}");
    }
    let error = Signals::new([]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "no signals to receive");
    assert_eq!(blocked(), []);
}

#[test]
fn signals_are_only_read() {
    let mut signals = Signals::new([USR1]).unwrap();
    assert_refused(
        &mut signals,
        Signals::INTERESTS,
        &[Interests::WRITABLE, Interests::READABLE | Interests::WRITABLE],
        "Signals only needs readable interests",
    );
}

#[test]
fn signals_print_as_their_names() {
    assert_eq!(format!("{:?}", [USR1, Signal::SIGINT]), "[SIGUSR1, SIGINT]");
    assert_eq!(format!("{:?}", Signal::from_raw(64)), "Signal(64)");
    let signals = format!("{:?}", Signals::new([TERM, Signal::SIGINT]).unwrap());
    assert!(signals.contains("{2, 15}"), "{signals}");
}

/// Behaviour 35.
#[test]
fn the_descriptor_is_not_inherited() {
    let signals = Signals::new([USR1]).unwrap();
    assert_not_inherited(&[&signals]);
}

/// The signals that a child finds blocked.
fn blocked_in_child(prepare: impl FnOnce(&mut Command)) -> Vec<Signal> {
    let mut command = Command::new("grep");
    command.args(["SigBlk", "/proc/self/status"]).stdout(Stdio::piped());
    prepare(&mut command);
    let output = start(&mut command).wait_with_output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    let mask = u64::from_str_radix(line.trim_start_matches("SigBlk:").trim(), 16).unwrap();
    (1..=64).filter(|n| mask >> (n - 1) & 1 == 1).map(Signal::from_raw).collect()
}

#[test]
fn children_inherit_the_mask_unless_they_are_unblocked() {
    block(USR2);
    let signals = Signals::new([USR1, USR2]).unwrap();
    let other = Signals::new([TERM]).unwrap();
    assert_eq!(blocked_in_child(|_| ()), [USR1, USR2, TERM]);
    assert_eq!(blocked_in_child(|command| signals.unblock_in_child(command)), [USR2, TERM]);
    let both = blocked_in_child(|command| {
        signals.unblock_in_child(command);
        other.unblock_in_child(command);
    });
    // It was blocked before.
    assert_eq!(both, [USR2]);
    // The parent's own mask is as it was.
    assert_eq!(blocked(), [USR1, USR2, TERM]);
}

#[test]
fn a_signal_to_the_process_is_received_also_with_threads_started_later() {
    passes_alone("alone_receive_with_threads", &[]);
}

#[test]
#[ignore = "run by a_signal_to_the_process_is_received_also_with_threads_started_later"]
fn alone_receive_with_threads() {
    passes_forked(|| {
        let mut signals = Signals::new([TERM, Signal::SIGCHLD]).unwrap();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || stopped.recv().is_err());
        kill_self(TERM);
        assert_eq!(readiness(&mut signals, Signals::INTERESTS, LONG), Some(Ready::READABLE));
        assert_eq!(signals.receive().unwrap(), Some(TERM));

        assert!(Command::new("true").status().unwrap().success());
        assert_eq!(readiness(&mut signals, Signals::INTERESTS, LONG), Some(Ready::READABLE));
        assert_eq!(signals.receive().unwrap(), Some(Signal::SIGCHLD));
        drop(stop);
        assert!(thread.join().unwrap());
    });
}

/// What the documentation warns of.
#[test]
fn a_thread_started_before_lets_the_signal_kill_the_process() {
    let output = run_alone("alone_have_a_thread_that_blocks_nothing", &[]);
    assert_eq!(output.status.signal(), Some(libc::SIGTERM), "{output:?}");
}

#[test]
#[ignore = "run by a_thread_started_before_lets_the_signal_kill_the_process"]
fn alone_have_a_thread_that_blocks_nothing() {
    let (started, start) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        started.send(()).unwrap();
        std::thread::park();
    });
    start.recv().unwrap();
    let mut signals = Signals::new([TERM]).unwrap();
    kill_self(TERM);
    readiness(&mut signals, Signals::INTERESTS, LONG);
}

/// What the documentation warns of.
#[test]
fn a_signal_that_was_not_received_acts_when_the_last_is_dropped() {
    let output = run_alone("alone_drop_with_a_signal_waiting", &[]);
    assert_eq!(output.status.signal(), Some(libc::SIGTERM), "{output:?}");
    // Not before.
    assert!(String::from_utf8_lossy(&output.stdout).contains("still there"), "{output:?}");
}

#[test]
#[ignore = "run by a_signal_that_was_not_received_acts_when_the_last_is_dropped"]
fn alone_drop_with_a_signal_waiting() {
    let first = Signals::new([TERM]).unwrap();
    let second = Signals::new([TERM]).unwrap();
    raise(TERM);
    drop(first);
    println!("still there");
    drop(second);
    unreachable!();
}
