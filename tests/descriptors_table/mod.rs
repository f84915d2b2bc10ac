//! What any descriptor reports: `docs/descriptors.md` is compared with what happens. A row of the page is played by a
//! scene of `rows.rs`, which makes the descriptor, does something to it and lets a [`Watch`] tell what comes. The page
//! has the only text: a scene says what it does, and the flags that come of it are written beside.
//!
//! The watches are raw epoll, the library, and the library from C: the tests are `tests/descriptors_table.rs` and
//! `capi/abi-test/tests/descriptors.rs`.

mod rows;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub const R: u32 = 1;
pub const P: u32 = 1 << 1;
pub const W: u32 = 1 << 2;
/// The flags with their bits, which are those of epoll and of `mio_st.h`.
pub const LETTERS: [(char, u32); 7] =
    [('R', R), ('W', W), ('P', P), ('E', 1 << 3), ('H', 1 << 4), ('r', 1 << 13), ('w', 1 << 5)];

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    Edge,
    Level,
}

/// A poller.
pub trait Watch {
    /// Registers a descriptor for these interests, or says which errno refuses it.
    fn register(&mut self, fd: RawFd, interests: u32, trigger: Trigger) -> Result<(), i32>;

    /// The flags of all events of one poll.
    fn poll(&mut self, milliseconds: u32) -> u32;
}

pub type Make = fn() -> Box<dyn Watch>;

/// A row of the page: what the descriptor is, what it needs to be there ("" if any Linux has it), its scene.
pub struct Row {
    pub kind: &'static str,
    pub needs: &'static str,
    pub play: fn(&mut Stage) -> Result<(), Missing>,
}

/// Why a row cannot be played here.
#[derive(Debug)]
pub struct Missing(pub String);

impl From<io::Error> for Missing {
    fn from(error: io::Error) -> Missing {
        Missing(error.to_string())
    }
}

/// Where a scene is played: it notes down what comes, in the words of the page.
pub struct Stage {
    make: Make,
    watch: Box<dyn Watch>,
    fresh: String,
    then: Vec<String>,
    again: String,
    drains: String,
    know: Vec<String>,
    /// What the page says, so that it can be waited for.
    page: Vec<String>,
}

/// Long enough for whatever should come.
const LONG: Duration = Duration::from_secs(5);
/// How long one waits to see that nothing comes, in milliseconds.
const QUIET: u32 = 10;

impl Stage {
    fn new(make: Make, page: Vec<String>) -> Stage {
        Stage {
            make,
            watch: make(),
            fresh: String::new(),
            then: Vec::new(),
            again: String::new(),
            drains: String::new(),
            know: Vec::new(),
            page,
        }
    }

    /// Registers the descriptor, edge-triggered with all three interests: what comes at once.
    pub fn fresh(&mut self, fd: &impl AsRawFd) {
        self.fresh_number(fd.as_raw_fd());
    }

    pub fn fresh_number(&mut self, fd: RawFd) {
        self.fresh = match self.watch.register(fd, R | W | P, Trigger::Edge) {
            Ok(()) => {
                let expected = self.page.get(2).cloned();
                self.come(expected)
            }
            Err(errno) => name(errno),
        };
    }

    /// What comes, of which the page says what it will be.
    fn come(&mut self, expected: Option<String>) -> String {
        let end = Instant::now() + LONG;
        let mut seen = 0;
        loop {
            let nothing = expected.as_deref().is_none_or(|expected| expected == "-");
            seen |= self.watch.poll(if nothing { QUIET } else { 1 });
            if nothing || expected.as_deref() == Some(&*letters(seen)) || Instant::now() >= end {
                return letters(seen);
            }
        }
    }

    /// What comes after something was done.
    pub fn then<T>(&mut self, what: &str, act: impl FnOnce() -> T) {
        let _ = act();
        let page = self.page.get(3).map_or("", String::as_str).to_owned();
        let mut rest =
            page.split("; ").filter_map(|item| item.strip_prefix(what)?.strip_prefix(": "));
        // Something may be done twice.
        let before = self.then.iter().filter(|item| item.starts_with(&format!("{what}: "))).count();
        let come = self.come(rest.nth(before).map(str::to_owned));
        self.then.push(format!("{what}: {come}"));
    }

    /// What comes now, which is of no interest.
    pub fn pass(&mut self) {
        while self.watch.poll(QUIET) != 0 {}
    }

    /// Whether something that is done a second time is a new edge of READABLE.
    pub fn again<T>(&mut self, act: impl FnOnce() -> T) {
        self.pass();
        let _ = act();
        let yes = self.page.get(4).is_some_and(|cell| cell == "yes");
        let come = self.watch.poll(if yes { LONG.as_millis() as u32 } else { QUIET });
        self.again = if come & R != 0 { "yes" } else { "no" }.into();
    }

    /// Whether a read that was shorter than the buffer has emptied it: `read` reads with a buffer larger than what is
    /// there, so that whatever a second call brings was left by the first.
    pub fn drains<T>(&mut self, mut read: impl FnMut() -> Result<T, i32>) {
        assert!(read().is_ok(), "there was something to read");
        self.drains =
            if read().is_err_and(|errno| errno == libc::EAGAIN) { "yes" } else { "no" }.into();
    }

    /// What else is true.
    pub fn know(&mut self, sentence: &str, holds: bool) {
        self.know.push(if holds { sentence.into() } else { format!("NOT {sentence}") });
    }

    /// What another poller says of the descriptor, at once; "-" for nothing.
    pub fn other(&self, fd: &impl AsRawFd, interests: u32, trigger: Trigger) -> String {
        let mut watch = (self.make)();
        watch.register(fd.as_raw_fd(), interests, trigger).expect("it can be registered");
        letters(watch.poll(0))
    }

    /// A poller that has the descriptor, for what the row's own cannot show.
    pub fn watch(&self, fd: &impl AsRawFd, interests: u32, trigger: Trigger) -> Box<dyn Watch> {
        let mut watch = (self.make)();
        watch.register(fd.as_raw_fd(), interests, trigger).expect("it can be registered");
        watch
    }

    fn row(&self, row: &Row) -> Vec<String> {
        let know = self.know.join("; ");
        vec![
            row.kind.into(),
            row.needs.into(),
            self.fresh.clone(),
            self.then.join("; "),
            self.again.clone(),
            self.drains.clone(),
            know,
        ]
    }
}

pub fn letters(flags: u32) -> String {
    let letters: String =
        LETTERS.iter().filter(|(_, flag)| flags & flag != 0).map(|(letter, _)| letter).collect();
    if letters.is_empty() { "-".into() } else { letters }
}

pub fn name(errno: i32) -> String {
    match errno {
        libc::EPERM => "`EPERM`".into(),
        libc::EBADF => "`EBADF`".into(),
        libc::EINVAL => "`EINVAL`".into(),
        _ => format!("errno {errno}"),
    }
}

/// The version of the kernel.
fn linux() -> (u32, u32) {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map(|number| number.trim().parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The version that a row needs.
fn since(needs: &str) -> Option<(u32, u32)> {
    let (_, version) = needs.split_once("Linux ")?;
    let version = version.split([',', ' ']).next()?;
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The rows of the page's first table, by their kinds.
fn page() -> BTreeMap<String, Vec<String>> {
    let text = include_str!("../../docs/descriptors.md");
    let table = text.lines().skip_while(|line| !line.starts_with("| kind | needs |")).skip(2);
    let rows = table.take_while(|line| line.starts_with('|')).map(|line| {
        let cells = line.strip_prefix('|').and_then(|line| line.strip_suffix('|'));
        let cells = cells.expect("a row of a table").split('|');
        cells.map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    });
    rows.map(|cells| (cells[0].clone(), cells)).collect()
}

fn line(cells: &[String]) -> String {
    cells.iter().fold(String::from("|"), |line, cell| {
        if cell.is_empty() { line + " |" } else { line + " " + cell + " |" }
    })
}

/// Plays each row, and compares it with the page. What cannot be played here is told by its name and the reason, past
/// the test's capture of what it prints.
pub fn compare(watch: &str, make: Make) {
    // One watch at a time: the children of a scene hold copies of another's descriptors until they run.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut page = page();
    let mut wrong = String::new();
    let mut played = 0;
    for row in rows::ROWS {
        let cells = page.remove(row.kind).unwrap_or_default();
        if let Some(since) = since(row.needs).filter(|since| linux() < *since) {
            not_here(watch, row, &format!("before Linux {}.{}", since.0, since.1));
            continue;
        }
        // A thread of its own: it may leave the namespaces of the process, and block signals.
        let expected = cells.clone();
        let result = std::thread::scope(|scope| {
            let scene = scope.spawn(move || {
                let mut stage = Stage::new(make, expected);
                let missing = catch_unwind(AssertUnwindSafe(|| (row.play)(&mut stage)));
                missing.map(|result| result.map(|()| stage.row(row)))
            });
            scene.join().expect("what panicked was caught")
        });
        match result {
            Ok(Ok(seen)) if seen == cells => played += 1,
            Ok(Ok(seen)) => writeln!(wrong, "is   {}\npage {}", line(&seen), line(&cells)).unwrap(),
            Ok(Err(Missing(reason))) if !row.needs.is_empty() => not_here(watch, row, &reason),
            Ok(Err(Missing(reason))) => writeln!(wrong, "{}: {reason}", row.kind).unwrap(),
            Err(_) => writeln!(wrong, "{}: panicked", row.kind).unwrap(),
        }
    }
    for kind in page.keys() {
        writeln!(wrong, "the page has a row that nobody plays: {kind}").unwrap();
    }
    assert!(wrong.is_empty(), "{watch}, Linux {}.{}:\n{wrong}", linux().0, linux().1);
    assert!(played > 0);
}

fn not_here(watch: &str, row: &Row, reason: &str) {
    let _ = writeln!(io::stderr(), "descriptors, {watch}: not here: {}: {reason}", row.kind);
}
