//! What becomes of descriptors in other processes.

mod unix_support;

use std::collections::HashSet;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;

use mio_st::Poller;
use mio_st::event::EventedId;
use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::Awakener;
use mio_st::unix::{UnixDatagram, UnixListener, UnixStream, new_pipe};

use unix_support::{Folder, is_nonblocking, passes_alone};

// Behaviour 35
#[test]
fn no_descriptor_is_left_in_an_executed_child() {
    passes_alone("alone_no_descriptor_is_left_in_an_executed_child", &[]);
}

/// The open files of this process.
fn files() -> HashSet<String> {
    let links = fs::read_dir("/proc/self/fd").unwrap();
    // One of them is that of the folder, which is closed again.
    links
        .flat_map(|link| fs::read_link(link.unwrap().path()))
        .map(|file| file.display().to_string())
        .collect()
}

#[test]
#[ignore = "in a process of its own, for the list of descriptors"]
fn alone_no_descriptor_is_left_in_an_executed_child() {
    let folder = Folder::new();
    let before = files();
    let mut poller = Poller::new().unwrap();
    let _awakener = Awakener::new(&mut poller, EventedId(0)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let clone = listener.try_clone().unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let accepted = loop {
        if let Ok((accepted, _)) = listener.accept() {
            break accepted;
        }
    };
    let (sender, receiver) = new_pipe().unwrap();
    let unix = UnixListener::bind(folder.join("listener")).unwrap();
    let unix_client = UnixStream::connect(folder.join("listener")).unwrap();
    let unix_accepted = unix.accept().unwrap().0;
    let pair = UnixStream::pair().unwrap();
    let datagrams = UnixDatagram::pair().unwrap();

    let ours: HashSet<String> = files().difference(&before).cloned().collect();
    // A listener's clone and the two ends of a pipe are one file each.
    assert!(ours.len() >= 13, "{ours:?}");
    let child = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    assert!(child.status.success());
    let child = String::from_utf8(child.stdout).unwrap();
    // The listing is true: the child's standard output is in it.
    assert!(child.contains("pipe:["), "{child}");
    for file in &ours {
        // All pollers and all eventfds have one name each.
        assert!(!child.contains(file.as_str()), "{file} is open in the child:\n{child}");
    }

    let nonblocking: [&dyn AsFd; 13] = [
        &listener,
        &clone,
        &client,
        &accepted,
        &sender,
        &receiver,
        &unix,
        &unix_client,
        &unix_accepted,
        &pair.0,
        &pair.1,
        &datagrams.0,
        &datagrams.1,
    ];
    for fd in nonblocking {
        assert!(is_nonblocking(fd));
    }
    // Handed on, it stays close-on-exec.
    unix_support::assert_not_inherited(&[&OwnedFd::from(client), &poller]);
}
