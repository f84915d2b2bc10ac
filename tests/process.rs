//! The exit of processes.

mod differences;
mod unix_support;

use std::io::{BufRead, BufReader, ErrorKind};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
#[cfg(epoll)]
use std::{sync::mpsc, thread};

use mio_st::event::Ready;
use mio_st::poll::Interests;
use mio_st::unix::Process;
use mio_st::{EventedId, Events, PollOption, Poller};

use differences::differs;
use unix_support::*;

/// A child that exits when its input ends.
fn cat() -> Child {
    start(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()))
}

#[test]
fn an_exit_is_an_event_and_the_parent_reaps() {
    let mut child = cat();
    let mut process = Process::new(&child).unwrap();
    assert_eq!(readiness(&mut process, Process::INTERESTS, Duration::ZERO), None);
    assert!(child.try_wait().unwrap().is_none());

    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    poller.register(&mut process, EventedId(5), Process::INTERESTS, PollOption::Edge).unwrap();
    drop(child.stdin.take());
    poller.poll(&mut events, Some(LONG)).unwrap();
    let event = (&mut events).next().unwrap();
    assert_eq!((event.id(), event.readiness()), (EventedId(5), Ready::READABLE));
    // Nobody has reaped it.
    if differs("told before it can be reaped") {
        // A kernel may be as late as that; the simulator always is.
        assert!(cfg!(not(kqueue_simulated)) || child.try_wait().unwrap().is_none());
    } else {
        assert!(child.try_wait().unwrap().expect("it has exited").success());
    }
    assert!(child.wait().unwrap().success());
}

#[test]
fn it_is_readable_from_then_on_and_a_late_handle_at_once() {
    let mut child = cat();
    let mut process = Process::new(&child).unwrap();
    child.kill().unwrap();
    for _ in 0..3 {
        assert_eq!(readiness(&mut process, Process::INTERESTS, LONG), Some(Ready::READABLE));
    }
    let mut late = Process::new(&child).unwrap();
    assert_eq!(readiness(&mut late, Process::INTERESTS, LONG), Some(Ready::READABLE));
    drop(late);

    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    // Reaped: since Linux 6.9 a hang-up too.
    let ready = readiness(&mut process, Process::INTERESTS, LONG).unwrap();
    assert!(ready.is_readable(), "{ready:?}");
}

#[test]
fn many_children_are_told_apart() {
    let mut poller = Poller::new().unwrap();
    let mut events = Events::new();
    let mut children: Vec<_> = (0..4).map(|_| cat()).collect();
    let mut processes: Vec<_> = children.iter().map(|c| Process::new(c).unwrap()).collect();
    for (i, process) in processes.iter_mut().enumerate() {
        poller.register(process, EventedId(i), Process::INTERESTS, PollOption::Edge).unwrap();
    }
    for i in [2, 0, 3, 1] {
        drop(children[i].stdin.take());
        poller.poll(&mut events, Some(LONG)).unwrap();
        assert_eq!((&mut events).map(|event| event.id().0).collect::<Vec<_>>(), [i]);
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn a_process_that_is_no_child_can_be_waited_for() {
    let script = "exec 3<&0; cat <&3 & echo $!; exec 3<&- 0<&-; wait";
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut shell = start(&mut command);
    let mut pid = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut pid).unwrap();
    let mut grandchild = Process::from_pid(pid.trim().parse().unwrap()).unwrap();
    assert_eq!(readiness(&mut grandchild, Process::INTERESTS, Duration::ZERO), None);
    drop(shell.stdin.take());
    let ready = readiness(&mut grandchild, Process::INTERESTS, LONG).unwrap();
    assert!(ready.is_readable());
    shell.wait().unwrap();

    let mut own = Process::from_pid(std::process::id()).unwrap();
    assert_eq!(readiness(&mut own, Process::INTERESTS, Duration::ZERO), None);
}

#[test]
fn a_dead_process_of_another_user_is_told_too() {
    // SAFETY: no pointer is passed.
    if unsafe { libc::geteuid() } == 0 {
        passes_alone("alone_as_another_user", &[]);
    }
}

#[test]
#[ignore = "run by a_dead_process_of_another_user_is_told_too"]
fn alone_as_another_user() {
    let mut child = start(&mut Command::new("true"));
    let pid = child.id();
    let how = libc::WEXITED | libc::WNOWAIT;
    // SAFETY: all-zero is a valid siginfo.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is that of a siginfo.
    assert_eq!(unsafe { libc::waitid(libc::P_PID, pid, &mut info, how) }, 0);
    passes_forked(|| {
        const NOBODY: libc::uid_t = 65534;
        // SAFETY: no pointer is passed.
        assert_eq!(unsafe { libc::setuid(NOBODY) }, 0);
        let mut process = Process::from_pid(pid).unwrap();
        assert!(readiness(&mut process, Process::INTERESTS, LONG).unwrap().is_readable());
    });
    assert!(child.wait().unwrap().success());
}

#[test]
fn dropping_does_nothing_to_the_process() {
    let mut child = cat();
    drop(Process::new(&child).unwrap());
    assert!(child.try_wait().unwrap().is_none());
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn no_such_process_is_an_error() {
    // The kernel gives no number beyond 2^22.
    assert_eq!(errno(Process::from_pid((1 << 22) + 1)), Some(libc::ESRCH));
    assert_eq!(errno(Process::from_pid(i32::MAX as u32)), Some(libc::ESRCH));
    for pid in [0, 1 << 31, u32::MAX] {
        assert_eq!(kind(Process::from_pid(pid)), ErrorKind::InvalidInput, "{pid}");
    }
}

/// A thread has a number, too, which is that of no process: Linux says EINVAL, or ENOENT.
#[test]
#[cfg(epoll)]
fn a_thread_is_no_process() {
    let (tell, told) = mpsc::channel();
    let (done, wait) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            // SAFETY: there are no arguments.
            tell.send(unsafe { libc::syscall(libc::SYS_gettid) } as u32).unwrap();
            let _ = wait.recv();
        });
        let thread = told.recv().unwrap();
        let process = Process::from_pid(thread);
        drop(done);
        assert_eq!(errno(process), Some(libc::ESRCH));
    });
}

#[test]
fn a_process_is_only_read() {
    let mut process = Process::from_pid(std::process::id()).unwrap();
    assert_refused(
        &mut process,
        Process::INTERESTS,
        &[Interests::WRITABLE, Interests::READABLE | Interests::WRITABLE],
        "Process only needs readable interests",
    );
}

/// Behaviour 35.
#[test]
fn the_descriptor_is_not_inherited() {
    let process = Process::from_pid(std::process::id()).unwrap();
    assert_not_inherited(&[&process]);
}

#[test]
fn a_kernel_without_pidfd_open_is_unsupported() {
    passes_alone("alone_without_pidfd_open", &[]);
}

#[test]
#[ignore = "run by a_kernel_without_pidfd_open_is_unsupported"]
fn alone_without_pidfd_open() {
    let statement = |code, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let errno = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    let mut filter = [
        // The number of the system call is the first field of seccomp_data.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ, 0, 1, libc::SYS_pidfd_open as u32),
        statement(libc::BPF_RET, 0, 0, errno),
        statement(libc::BPF_RET, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the pointer is that of a program, which lives through the call.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program, 0, 0), 0);
    }
    let result = Process::from_pid(std::process::id());
    assert_eq!(kind(result), ErrorKind::Unsupported);
}
