//! Signals. Handlers are those of the process: tests that send signals, or look at handlers, have one of their own.

mod unix_support;

use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use mio_st::event::Ready;
use mio_st::poll::Interests;
use mio_st::unix::{Signal, Signals};
use mio_st::{EventedId, Events, PollOption, Poller};

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

/// What is done about a signal.
fn action(signal: Signal) -> usize {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: the call initialises the action.
    unsafe {
        assert_eq!(libc::sigaction(signal.as_raw(), std::ptr::null(), action.as_mut_ptr()), 0);
        action.assume_init().sa_sigaction
    }
}

/// Has something done about a signal, as the program itself would.
fn set_action(signal: Signal, action: usize) {
    // SAFETY: the action is the default, or to ignore, or a function that does nothing.
    assert_ne!(unsafe { libc::signal(signal.as_raw(), action) }, libc::SIG_ERR);
}

extern "C" fn nothing(_: libc::c_int) {}

/// Which of three signals are handled.
fn handled() -> Vec<Signal> {
    let handled = |signal: &Signal| action(*signal) != libc::SIG_DFL;
    [USR1, USR2, TERM].into_iter().filter(handled).collect()
}

/// Sends a real-time signal with a number.
#[cfg(all(epoll, target_endian = "little"))]
fn queue(signal: Signal, number: i32) {
    let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(number as usize) };
    // SAFETY: no pointer is followed.
    assert_eq!(unsafe { libc::sigqueue(libc::getpid(), signal.as_raw(), value) }, 0);
}

/// The number that was sent along; the pointer has it at its end.
#[cfg(all(epoll, target_endian = "little"))]
fn number(info: mio_st::unix::SignalInfo) -> i32 {
    info.value.unwrap()
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
    ($(#[test] $(#[$attribute:meta])* fn $test:ident() $body:block)*) => {
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
#[test]
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

#[test]
fn signals_that_are_ignored_by_default_are_received_too() {
    let mut signals = Signals::new([Signal::SIGCHLD, Signal::SIGWINCH, Signal::SIGPIPE]).unwrap();
    for signal in [Signal::SIGWINCH, Signal::SIGCHLD, Signal::SIGPIPE] {
        kill_self(signal);
        assert_eq!(readiness(&mut signals, Signals::INTERESTS, LONG), Some(Ready::READABLE));
        assert_eq!(signals.receive().unwrap(), Some(signal));
    }
}

// Behaviour 45
#[test]
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

// Behaviour 45
#[test]
#[cfg(all(epoll, target_endian = "little"))]
fn no_real_time_signal_is_lost_however_many_wait() {
    let real_time = Signal::from_raw(libc::SIGRTMIN() + 1);
    // The second time with the smallest pipe that there is.
    for small in [false, true] {
        let mut signals = Signals::new([real_time, USR1]).unwrap();
        if small {
            // SAFETY: no pointer is passed.
            let size = unsafe { libc::fcntl(signals.as_raw_fd(), libc::F_SETPIPE_SZ, 4096) };
            assert_eq!(size, 4096);
        }
        // More than a pipe has room for, in the form in which handlers write them.
        for number in 0..5000 {
            queue(real_time, number);
        }
        assert_eq!(blocked(), [real_time]);
        kill_self(USR1);
        for expected in 0..5000 {
            // One event for each would do.
            if expected % 1000 == 7 {
                let ready = readiness(&mut signals, Signals::INTERESTS, LONG);
                assert_eq!(ready, Some(Ready::READABLE));
            }
            let mut info = signals.receive_info().unwrap().unwrap();
            if info.signal == USR1 {
                info = signals.receive_info().unwrap().unwrap();
            }
            assert_eq!((info.signal, number(info)), (real_time, expected));
        }
        assert_eq!(signals.receive().unwrap(), None);
        assert_eq!(blocked(), []);
    }
}

// Behaviour 45
#[test]
#[cfg(all(epoll, target_endian = "little"))]
fn no_real_time_signal_is_lost_with_threads_that_handle_them_too() {
    let real_time = Signal::from_raw(libc::SIGRTMIN() + 1);
    let signals = Signals::new([real_time]).unwrap();
    let mut received = std::collections::BTreeSet::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || (0..1000).for_each(|n| queue(real_time, 1000 * thread + n)));
        }
        while received.len() < 4000 {
            match signals.receive_info().unwrap() {
                Some(info) => assert!(received.insert(number(info))),
                None => std::thread::yield_now(),
            }
        }
    });
    assert_eq!(received.last(), Some(&3999));
    assert_eq!(signals.receive().unwrap(), None);
}

// Behaviour 45
#[test]
#[cfg(epoll)]
fn real_time_signals_beyond_what_one_has_room_for_wait_for_both_who_want_them() {
    let real_time = Signal::from_raw(libc::SIGRTMIN() + 1);
    let slow = Signals::new([real_time]).unwrap();
    let signals = Signals::new([real_time]).unwrap();
    for _ in 0..1000 {
        kill_self(real_time);
    }
    let received = |signals: &Signals| {
        std::iter::from_fn(|| signals.receive().unwrap()).count()
    };
    // What the other does not receive waits with the system.
    let (mut all, mut of_the_slow) = (received(&signals), 0);
    assert!((1..1000).contains(&all), "{all}");
    while of_the_slow < 1000 {
        let more = received(&slow);
        assert_ne!(more, 0);
        of_the_slow += more;
        all += received(&signals);
    }
    assert_eq!((of_the_slow, all), (1000, 1000));
    assert_eq!(blocked(), []);

    // And is let in where the other is dropped.
    for _ in 0..1000 {
        kill_self(real_time);
    }
    let first = received(&signals);
    drop(slow);
    assert_eq!(first + received(&signals), 1000);
}

// Behaviour 45
#[test]
#[cfg(epoll)] // Where another thread's system calls can be looked at.
fn the_main_thread_is_interrupted_and_no_other() {
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

#[test]
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

#[test]
fn signals_are_added_and_removed() {
    let mut signals = Signals::new([USR1]).unwrap();
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(&mut signals, EventedId(3), Signals::INTERESTS, PollOption::Edge).unwrap();
    assert_eq!(kind(signals.add(Signal::from_raw(libc::SIGKILL))), ErrorKind::InvalidInput);
    assert_eq!(kind(signals.add(Signal::from_raw(1000))), ErrorKind::InvalidInput);
    assert_eq!(handled(), [USR1]);
    assert!(signals.add(USR2).unwrap());
    assert!(!signals.add(USR2).unwrap());
    assert_eq!(handled(), [USR1, USR2]);
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
    assert_eq!(handled(), [USR1, USR2]);
    kill_self(USR2);
    assert_eq!(signals.receive().unwrap(), None);
    assert_eq!(other.receive().unwrap(), Some(USR2));
    drop(other);
    assert_eq!(handled(), [USR1]);
    // The last, and another again.
    assert!(signals.remove(USR1).unwrap());
    assert_eq!(handled(), []);
    assert!(signals.add(TERM).unwrap());
    kill_self(TERM);
    poller.poll(&mut events, Some(LONG)).unwrap();
    assert_eq!(signals.receive().unwrap(), Some(TERM));
    drop(signals);
    assert_eq!(handled(), []);
}

#[test]
fn dropping_leaves_what_another_still_wants() {
    for first_goes_first in [true, false] {
        let first = Signals::new([USR1, USR2]).unwrap();
        let second = Signals::new([USR2, TERM]).unwrap();
        assert_eq!(handled(), [USR1, USR2, TERM]);
        if first_goes_first {
            drop(first);
            assert_eq!(handled(), [USR2, TERM]);
            kill_self(USR2);
            assert_eq!(second.receive().unwrap(), Some(USR2));
        } else {
            drop(second);
            assert_eq!(handled(), [USR1, USR2]);
            kill_self(USR2);
            assert_eq!(first.receive().unwrap(), Some(USR2));
        }
    }
    assert_eq!(handled(), []);
}

// Behaviour 45
#[test]
fn a_signal_that_waits_acts_when_it_is_removed_and_the_others_stay() {
    set_action(USR2, nothing as *const () as usize);
    set_action(TERM, libc::SIG_IGN);
    let mut signals = Signals::new([USR1, USR2, TERM]).unwrap();
    for signal in [USR1, TERM, USR2] {
        kill_self(signal);
    }
    assert!(signals.remove(TERM).unwrap());
    assert!(signals.remove(USR2).unwrap());
    assert_eq!(signals.receive().unwrap(), Some(USR1));
    assert_eq!(signals.receive().unwrap(), None);
}

// Behaviour 45
#[test]
fn a_signal_of_two_is_received_by_each() {
    let mut a = Signals::new([USR1]).unwrap();
    let mut b = Signals::new([USR1, USR2]).unwrap();
    kill_self(USR1);
    for signals in [&mut a, &mut b] {
        assert_eq!(readiness(signals, Signals::INTERESTS, LONG), Some(Ready::READABLE));
    }
    for signals in [&a, &b] {
        assert_eq!(signals.receive().unwrap(), Some(USR1));
        assert_eq!(signals.receive().unwrap(), None);
    }
    // Also where another thread has it.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut there = Signals::new([USR1]).unwrap();
            kill_self(USR1);
            assert_eq!(readiness(&mut there, Signals::INTERESTS, LONG), Some(Ready::READABLE));
            assert_eq!(there.receive().unwrap(), Some(USR1));
        });
    });
    assert_eq!(a.receive().unwrap(), Some(USR1));
}

#[test]
fn a_signal_to_a_thread_is_received() {
    let mut signals = Signals::new([USR1]).unwrap();
    raise(USR1);
    assert_eq!(readiness(&mut signals, Signals::INTERESTS, LONG), Some(Ready::READABLE));
    assert_eq!(signals.receive().unwrap(), Some(USR1));
}

// Behaviour 45
#[test]
fn what_was_done_about_a_signal_is_done_again() {
    let nothing = nothing as *const () as usize;
    for before in [libc::SIG_DFL, libc::SIG_IGN, nothing] {
        set_action(USR1, before);
        let mut first = Signals::new([USR1]).unwrap();
        let second = Signals::new([USR1]).unwrap();
        // Also what was ignored is received.
        kill_self(USR1);
        assert_eq!(first.receive().unwrap(), Some(USR1));
        assert_eq!(second.receive().unwrap(), Some(USR1));
        assert!(first.remove(USR1).unwrap());
        assert!(first.add(USR1).unwrap());
        drop(second);
        assert_ne!(action(USR1), before);
        drop(first);
        assert_eq!(action(USR1), before);
    }
    // Unless the program has changed it meanwhile.
    let signals = Signals::new([USR1]).unwrap();
    set_action(USR1, libc::SIG_IGN);
    drop(signals);
    assert_eq!(action(USR1), libc::SIG_IGN);
    // A program that restores what it found here does not bring anything back.
    set_action(USR1, nothing);
    let signals = Signals::new([USR1]).unwrap();
    let found = action(USR1);
    set_action(USR1, libc::SIG_IGN);
    drop(signals);
    // SAFETY: all-zero is a valid action, and the handler is that of before.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = found;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(libc::sigaction(USR1.as_raw(), &action, std::ptr::null_mut()), 0);
    }
    kill_self(USR1);
    assert_eq!(action(USR1), nothing);
}

// Behaviour 45
#[test]
fn a_forked_child_has_its_own_signals_and_its_parent_none_of_them() {
    let mut signals = Signals::new([TERM, USR1]).unwrap();
    assert_eq!(ends_by_term(), Some(libc::SIGTERM));
    kill_self(USR1);
    let signals_ref = std::panic::AssertUnwindSafe(&mut signals);
    passes_forked(move || {
        let signals = signals_ref;
        assert_eq!(ends_by_term(), Some(libc::SIGTERM));
        let own = Signals::new([USR1]).unwrap();
        kill_self(USR1);
        assert_eq!(own.receive().unwrap(), Some(USR1));
        assert_eq!(own.receive().unwrap(), None);
        // What was not asked for here.
        assert_eq!(ends_by_term(), Some(libc::SIGTERM));
        drop(own);
        assert_eq!(handled(), [TERM]);
        // That of the parent becomes the child's when it is used: without what waits for the parent.
        assert_eq!(signals.0.receive().unwrap(), None);
        assert_eq!(handled(), [USR1, TERM]);
        kill_self(TERM);
        assert_eq!(readiness(signals.0, Signals::INTERESTS, LONG), Some(Ready::READABLE));
        assert_eq!(signals.0.receive().unwrap(), Some(TERM));
        assert_eq!(signals.0.receive().unwrap(), None);
        assert!(signals.0.remove(TERM).unwrap());
        assert_eq!(handled(), [USR1]);
    });
    assert_eq!(signals.receive().unwrap(), Some(USR1));
    assert_eq!(signals.receive().unwrap(), None);
    // A child of a child, and one that nobody is told of.
    passes_forked(|| assert_eq!(ends_by_term(), Some(libc::SIGTERM)));
    #[cfg(all(epoll, target_arch = "x86_64"))]
    for flags in [libc::SIGCHLD, libc::SIGCHLD | libc::CLONE_VFORK] {
        // SAFETY: it is as `fork`, and the child does nothing but send a signal.
        unsafe {
            let child = libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) as libc::pid_t;
            if child == 0 {
                libc::kill(libc::getpid(), libc::SIGTERM);
                libc::_exit(0);
            }
            let mut status = 0;
            assert_eq!(libc::waitpid(child, &mut status, 0), child);
            assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGTERM);
        }
    }
    kill_self(TERM);
    assert_eq!(signals.receive().unwrap(), Some(TERM));
    assert_eq!(signals.receive().unwrap(), None);
}

// Behaviour 45
#[test]
fn closing_amid_signals_lets_none_reach_another_descriptor() {
    // What comes between two of them.
    set_action(USR1, libc::SIG_IGN);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    kill_self(USR1);
                }
            });
        }
        let other = Signals::new([USR1]).unwrap();
        for round in 0..scaled(500) {
            let mut signals = Signals::new([USR1]).unwrap();
            assert_eq!(readiness(&mut signals, Signals::INTERESTS, LONG), Some(Ready::READABLE));
            let number = signals.as_raw_fd();
            if round % 2 == 0 {
                drop(signals);
            } else {
                assert!(signals.remove(USR1).unwrap());
                while signals.receive().unwrap().is_some() {}
                drop(signals);
            }
            let (sender, receiver) = mio_st::unix::new_pipe().unwrap();
            let numbers = [sender.as_raw_fd(), receiver.as_raw_fd()];
            assert!(numbers.contains(&number), "{number} was not closed");
            std::thread::yield_now();
            let error = std::io::Read::read(&mut &receiver, &mut [0; 64]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
        }
        drop(other);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

// Behaviour 45
#[test]
fn children_that_are_started_in_any_way_are_ended_by_signals() {
    let _signals = Signals::new([TERM, Signal::SIGINT, Signal::SIGHUP]).unwrap();
    for (name, signal) in [("TERM", libc::SIGTERM), ("INT", libc::SIGINT), ("HUP", libc::SIGHUP)] {
        let script = format!("kill -{name} $$; exit 3");
        // By posix_spawn; and by fork and exec.
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        assert_eq!(command.status().unwrap().signal(), Some(signal));
        // SAFETY: the closure does nothing.
        unsafe { command.pre_exec(|| Ok(())) };
        assert_eq!(command.status().unwrap().signal(), Some(signal));

        let script = std::ffi::CString::new(script).unwrap();
        // SAFETY: the strings are valid.
        unsafe {
            let pipe = libc::popen(script.as_ptr(), c"r".as_ptr());
            assert!(!pipe.is_null());
            for status in [libc::pclose(pipe), libc::system(script.as_ptr())] {
                assert_eq!((libc::WIFSIGNALED(status), libc::WTERMSIG(status)), (true, signal));
            }
        }
    }
}

// Behaviour 45
#[test]
#[cfg(epoll)]
fn children_find_nothing_blocked_handled_or_ignored() {
    // Before and after, since `exec` does not take either away.
    set_action(USR1, libc::SIG_IGN);
    block(USR2);
    let signals = Signals::new([TERM, USR1, USR2]).unwrap();
    let all = ["SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"];
    for line in all {
        assert_eq!(of_child(line, |_| ()), [], "{line}");
    }
    // What the program blocks itself.
    block(TERM);
    assert_eq!(of_child("SigBlk", |_| ()), [TERM]);
    assert_eq!(of_child("SigBlk", |command| signals.unblock_in_child(command)), []);
    assert_eq!(blocked(), [TERM]);
}

#[test]
#[cfg(target_os = "linux")]
fn reading_from_a_terminal_in_the_background_is_interrupted_once() {
    let mut terminal = -1;
    let null = std::ptr::null_mut;
    // SAFETY: there is room for a descriptor, and the child, which has one thread, only calls functions of the system.
    let child = unsafe { libc::forkpty(&mut terminal, null(), std::ptr::null(), std::ptr::null()) };
    if child == 0 {
        let status = forked(|| {
            // SAFETY: no pointer is passed.
            assert_eq!(unsafe { libc::setpgid(0, 0) }, 0);
            let signals = Signals::new([Signal::SIGTTIN]).unwrap();
            let error = std::io::Read::read(&mut std::io::stdin(), &mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Interrupted);
            assert_eq!(signals.receive().unwrap(), Some(Signal::SIGTTIN));
        });
        // SAFETY: nothing is left to be done in the child.
        unsafe { libc::_exit((!status.success()).into()) };
    }
    let mut status = 0;
    // SAFETY: the pointer is that of an integer.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
}
}

fn ends_by_term() -> Option<i32> {
    forked(|| kill_self(TERM)).signal()
}

#[test]
fn a_signal_that_was_received_does_not_act_when_it_is_unblocked() {
    passes_alone("alone_receive_and_unblock", &[]);
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
                // This one has been told, too.
                assert_eq!(here.receive().unwrap(), Some(TERM));
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

// Behaviour 45
#[test]
fn what_was_blocked_is_received_and_blocked_again() {
    passes_alone("alone_receive_what_was_blocked", &[]);
}

#[test]
#[ignore = "run by what_was_blocked_is_received_and_blocked_again"]
fn alone_receive_what_was_blocked() {
    passes_forked(|| {
        block(USR2);
        kill_self(USR2);
        let mut signals = Signals::new([USR1, USR2, TERM, USR1]).unwrap();
        assert_eq!(signals.receive().unwrap(), Some(USR2));
        assert_eq!(blocked(), []);
        assert!(signals.remove(USR2).unwrap());
        assert_eq!(blocked(), [USR2]);
        assert!(signals.add(USR2).unwrap());
        assert_eq!(blocked(), []);
        drop(signals);
        assert_eq!(blocked(), [USR2]);
        // The last of two.
        for first_goes_first in [true, false] {
            let first = Signals::new([USR2]).unwrap();
            let second = Signals::new([USR2]).unwrap();
            let last = if first_goes_first {
                drop(first);
                second
            } else {
                drop(second);
                first
            };
            assert_eq!(blocked(), []);
            drop(last);
            assert_eq!(blocked(), [USR2]);
        }
    });
}

#[test]
fn what_cannot_be_received_is_refused() {
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

/// Those of three signals in a line of its `/proc/self/status` that a child finds.
#[cfg(epoll)]
fn of_child(line: &str, prepare: impl FnOnce(&mut Command)) -> Vec<Signal> {
    let mut command = Command::new("grep");
    command.args([line, "/proc/self/status"]).stdout(std::process::Stdio::piped());
    prepare(&mut command);
    let output = start(&mut command).wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mask = text.strip_prefix(line).unwrap().trim_start_matches(':').trim();
    let mask = u64::from_str_radix(mask, 16).unwrap();
    [USR1, USR2, TERM].into_iter().filter(|n| mask >> (n.as_raw() - 1) & 1 == 1).collect()
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

// Behaviour 45
#[test]
fn a_thread_started_before_does_not_let_the_signal_kill_the_process() {
    passes_alone("alone_have_a_thread_that_blocks_nothing", &[]);
}

#[test]
#[ignore = "run by a_thread_started_before_does_not_let_the_signal_kill_the_process"]
fn alone_have_a_thread_that_blocks_nothing() {
    let (started, start) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        started.send(()).unwrap();
        std::thread::park();
    });
    start.recv().unwrap();
    let mut signals = Signals::new([TERM]).unwrap();
    kill_self(TERM);
    assert_eq!(readiness(&mut signals, Signals::INTERESTS, LONG), Some(Ready::READABLE));
    assert_eq!(signals.receive().unwrap(), Some(TERM));
}

// Behaviour 45
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
