//! Two network namespaces, joined by a pair of virtual interfaces: each packet is cut and received as over a network
//! whose card does nothing for one. Making them needs root, and `ip` of Debian's `iproute2`.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::OnceLock;

use crate::check;

/// What a program finds them by: where the namespace of the sender is, and of the receiver.
pub const VARIABLES: [&str; 2] = ["SENDER_NAMESPACE", "RECEIVER_NAMESPACE"];

/// Where a socket is bound.
const ADDRESSES: [&str; 2] = ["10.70.0.1:0", "10.70.0.2:0"];

#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum End {
    Sender,
    Receiver,
}

/// Moves this thread to one end, and says where to bind a socket there; `None` if there are no namespaces.
pub fn enter(end: End) -> Option<&'static str> {
    let namespace = File::open(std::env::var_os(VARIABLES[end as usize])?).unwrap();
    check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) } as isize);
    Some(ADDRESSES[end as usize])
}

/// Makes them, once; the value for each of the variables, or `None` without the right to.
pub fn made() -> Option<&'static [String; 2]> {
    static MADE: OnceLock<Option<[String; 2]>> = OnceLock::new();
    // The thread that makes them is moved there.
    MADE.get_or_init(|| std::thread::spawn(make).join().unwrap()).as_ref()
}

fn make() -> Option<[String; 2]> {
    let new = || {
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } < 0 {
            return None;
        }
        let namespace = File::open("/proc/thread-self/ns/net").unwrap();
        // Open for as long as the program runs.
        let fd = namespace.as_raw_fd();
        std::mem::forget(namespace);
        Some(format!("/proc/{}/fd/{fd}", std::process::id()))
    };
    let ip = |words: &str| {
        let status = Command::new("ip").args(words.split(' ')).status().expect("iproute2");
        assert!(status.success(), "ip {words}");
    };
    let receiver = new()?;
    let sender = new()?;
    // The interface takes no run: the system cuts it.
    ip(&format!(
        "link add name sender gso_max_segs 1 type veth peer name receiver netns {receiver}"
    ));
    ip("addr add 10.70.0.1/24 dev sender");
    ip("link set sender up");
    let namespace = File::open(&receiver).unwrap();
    check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) } as isize);
    ip("addr add 10.70.0.2/24 dev receiver");
    ip("link set receiver up");
    Some([sender, receiver])
}
