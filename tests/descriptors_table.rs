//! What any descriptor reports, by raw epoll and through the library: `docs/descriptors.md`.
#![cfg(all(target_os = "linux", epoll))]

#[path = "descriptors_table/mod.rs"]
mod table;

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use mio_st::poll::Interests;
use mio_st::unix::EventedFd;
use mio_st::{EventedId, Events, PollOption, Poller, Ready};

use table::{P, R, Trigger, W, Watch};

struct Library {
    poller: Poller,
    events: Events,
}

fn library() -> Box<dyn Watch> {
    Box::new(Library { poller: Poller::new().unwrap(), events: Events::new() })
}

impl Watch for Library {
    fn register(&mut self, fd: RawFd, interests: u32, trigger: Trigger) -> Result<(), i32> {
        let known = [(R, Interests::READABLE), (W, Interests::WRITABLE), (P, Interests::PRIORITY)];
        let chosen = known.into_iter().filter(|(bit, _)| interests & bit != 0).map(|(_, it)| it);
        let interests = chosen.reduce(|some, more| some | more).expect("an interest");
        let option = match trigger {
            Trigger::Edge => PollOption::Edge,
            Trigger::Level => PollOption::Level,
        };
        // SAFETY: the scene keeps it open.
        let mut fd = EventedFd::from(unsafe { BorrowedFd::borrow_raw(fd) });
        let result = self.poller.register(&mut fd, EventedId(1), interests, option);
        result.map_err(|error| error.raw_os_error().expect("an error of the system"))
    }

    fn poll(&mut self, milliseconds: u32) -> u32 {
        let timeout = Duration::from_millis(milliseconds.into());
        self.poller.poll(&mut self.events, Some(timeout)).unwrap();
        let flags = [
            Ready::READABLE,
            Ready::WRITABLE,
            Ready::PRIORITY,
            Ready::ERROR,
            Ready::HUP,
            Ready::READ_CLOSED,
            Ready::WRITE_CLOSED,
        ];
        let mut seen = 0;
        for event in &mut self.events {
            for (flag, (_, bit)) in flags.iter().zip(table::LETTERS) {
                seen |= if event.readiness().contains(*flag) { bit } else { 0 };
            }
        }
        seen
    }
}

/// The system's own answer, translated as behaviour 10 says.
struct Epoll(OwnedFd);

fn epoll() -> Box<dyn Watch> {
    // SAFETY: no pointer is passed, and the new descriptor is ours.
    Box::new(Epoll(unsafe { OwnedFd::from_raw_fd(libc::epoll_create1(libc::EPOLL_CLOEXEC)) }))
}

impl Watch for Epoll {
    fn register(&mut self, fd: RawFd, interests: u32, trigger: Trigger) -> Result<(), i32> {
        let rdhup = if interests & R != 0 { libc::EPOLLRDHUP as u32 } else { 0 };
        let edge = if trigger == Trigger::Edge { libc::EPOLLET as u32 } else { 0 };
        let mut event = libc::epoll_event { events: interests | rdhup | edge, u64: 1 };
        // SAFETY: the event lives through the call.
        let result =
            unsafe { libc::epoll_ctl(self.0.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &mut event) };
        if result == 0 {
            return Ok(());
        }
        Err(std::io::Error::last_os_error().raw_os_error().expect("an errno"))
    }

    fn poll(&mut self, milliseconds: u32) -> u32 {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: there is room for one event, and no other descriptor is registered.
        let count =
            unsafe { libc::epoll_wait(self.0.as_raw_fd(), &mut event, 1, milliseconds as i32) };
        if count != 1 {
            return 0;
        }
        let hup = event.events & libc::EPOLLHUP as u32 != 0;
        event.events | if hup { R | libc::EPOLLRDHUP as u32 | 1 << 5 } else { 0 }
    }
}

#[test]
fn the_page_is_what_the_system_says() {
    table::compare("raw epoll", epoll);
}

// Behaviour 10
#[test]
fn the_page_is_what_the_library_says() {
    table::compare("the library", library);
}
