//! The state of a program that calls the library, and what must hold after each call.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::mem::zeroed;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Once, OnceLock};
use std::thread::JoinHandle;

use libc::{c_int, sockaddr_un, socklen_t};
use mio_st_capi::abi::*;
use mio_st_capi::awakener::{mio_st_awakener_new, mio_st_awakener_wake};
use mio_st_capi::live::mio_st_live_handles;
use mio_st_capi::pipe::mio_st_new_pipe;
use mio_st_capi::poller::mio_st_poller_new;
use mio_st_capi::process::mio_st_process_from_pid;
use mio_st_capi::registrar::mio_st_registrar_new;
use mio_st_capi::signals::mio_st_signals_new;
use mio_st_capi::tcp::{
    mio_st_tcp_listener_accept, mio_st_tcp_listener_bind_str, mio_st_tcp_stream_connect,
};
use mio_st_capi::udp::{mio_st_connected_udp_socket_connect, mio_st_udp_socket_bind_str};
use mio_st_capi::unix_datagram::mio_st_unix_datagram_pair;
use mio_st_capi::unix_listener::mio_st_unix_listener_bind_addr;
use mio_st_capi::unix_stream::mio_st_unix_stream_pair;

use super::STEP;
use super::kinds::*;
use super::memory::Memory;
use super::table::{FUNCTIONS, Function};

/// No more steps than that, and no objects made on demand beyond so many: descriptors are few.
const STEPS: usize = 128;
const MANY: usize = 48;
const THREADS: usize = 3;

/// Signals that a step may raise and receive: they are ignored.
pub const IGNORED: [c_int; 4] = [libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH, libc::SIGURG];

/// A descriptor that is never open.
pub const CLOSED_FD: c_int = 1000;

const READINESS: u32 = MIO_ST_READABLE
    | MIO_ST_PRIORITY
    | MIO_ST_WRITABLE
    | MIO_ST_ERROR
    | MIO_ST_HUP
    | MIO_ST_WRITE_CLOSED
    | MIO_ST_TIMER
    | MIO_ST_READ_CLOSED;

const BAD: i64 = -(libc::EBADF as i64);
const WRONG_THREAD: i64 = MIO_ST_EWRONGTHREAD as i64;

/// A handle that the library gave.
#[derive(Copy, Clone)]
pub struct Known {
    pub kind: usize,
    pub bits: u64,
    /// Which thread made it.
    pub thread: usize,
    pub open: bool,
    /// -1 of what belongs to no thread.
    pub fd: c_int,
}

/// What the arguments of a call were, and what it must answer for their sake.
#[derive(Default)]
pub struct Call {
    pub name: &'static str,
    pub memories: Vec<Memory>,
    /// Handles that name an open object of this thread.
    pub good: Vec<Known>,
    /// What may be answered for those that do not.
    pub refusals: Vec<i64>,
    /// Its handle names nothing any more if it succeeds.
    pub consumed: Option<u64>,
    /// An argument may be refused.
    pub loose: bool,
    /// A descriptor may be refused.
    pub loose_fd: bool,
    pub given_fd: Option<c_int>,
    /// Where it writes: the memory, and the kind of the handle.
    pub opened: Vec<(usize, usize)>,
    pub key: Option<usize>,
    pub events: Option<usize>,
    pub datagrams: Option<usize>,
    /// Where descriptors that are received are written, and what is said of them.
    pub passed: Option<usize>,
    pub message: Option<usize>,
}

pub struct World {
    step: [u8; STEP],
    used: usize,
    pub call: Call,
    /// The length that goes with the argument before.
    pub length: usize,
    pub handles: Vec<Known>,
    given: HashSet<u64>,
    /// Descriptors that the program owns.
    pub fds: Vec<c_int>,
    /// Numbers that were closed behind the back of a handle, or have two owners: what happens to whoever
    /// has them is the program's fault.
    pub tainted: HashSet<c_int>,
    /// Which handle is registered with which poller, by functions that take the handle.
    registered: Vec<(u64, u64)>,
    /// What is detached, and what it was.
    pub detached: Vec<(u64, Known)>,
    /// A poller was attached: what is registered may have been forgotten meanwhile.
    handed_over: bool,
    pub keys: Vec<mio_st_deadline_key_t>,
    pub ids: Vec<u64>,
    /// Paths that may have been bound.
    pub paths: bool,
    /// Which thread runs: 0 is the first, and each other has a number of its own.
    pub thread: usize,
    /// The number of the other.
    other: usize,
    before: usize,
    /// A wake was made while this thread went on.
    woken: bool,
}

/// A second thread, which runs steps, mostly while the first waits.
struct Other {
    jobs: SyncSender<Job>,
    thread: JoinHandle<()>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Other {
    fn new() -> Other {
        let (jobs, queue) = sync_channel::<Job>(256);
        let thread = std::thread::spawn(move || queue.into_iter().for_each(|job| job()));
        Other { jobs, thread }
    }

    fn end(self) {
        drop(self.jobs);
        self.thread.join().expect("the other thread panicked");
    }
}

thread_local! {
    /// Kept from one run to the next, since making it takes long.
    static OTHER: RefCell<Option<Other>> = const { RefCell::new(None) };
}

fn other<T>(body: impl FnOnce(&Other) -> T) -> T {
    OTHER.with_borrow_mut(|other| body(other.get_or_insert_with(Other::new)))
}

/// Lends something to the other thread while this one waits for it.
struct Lent<T>(T);

// SAFETY: whoever lends it does not use it until the other thread has said that it is done.
unsafe impl<T> Send for Lent<T> {}

impl<T> Lent<T> {
    fn take(self) -> T {
        self.0
    }
}

/// Runs a sequence of steps.
pub fn run(steps: &[[u8; STEP]]) {
    prepare();
    let descriptors = descriptors();
    let blocked = blocked();
    let mut world = World {
        step: [0; STEP],
        used: 0,
        call: Call::default(),
        length: 0,
        handles: Vec::new(),
        given: HashSet::new(),
        fds: Vec::new(),
        tainted: HashSet::new(),
        registered: Vec::new(),
        detached: Vec::new(),
        handed_over: false,
        keys: Vec::new(),
        ids: Vec::new(),
        paths: false,
        thread: 0,
        other: 1,
        before: mio_st_live_handles(),
        woken: false,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        for step in steps.iter().take(STEPS) {
            world.step = *step;
            world.used = 0;
            world.step();
        }
        world.end();
    }));
    if let Err(panic) = outcome {
        world.give_up();
        self::descriptors().difference(&descriptors).for_each(|fd| close(*fd));
        resume_unwind(panic);
    }
    assert!(self::blocked() == blocked, "a signal was left blocked");
    for fd in self::descriptors().difference(&descriptors) {
        assert!(!world.tainted.is_empty(), "descriptor {fd} was left open");
        close(*fd);
    }
}

/// Once in a process.
fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in IGNORED.into_iter().chain([libc::SIGPIPE]) {
            // SAFETY: ignoring a signal needs nothing.
            unsafe { libc::signal(signal, libc::SIG_IGN) };
        }
    });
}

/// Which of the signals are blocked in this thread.
fn blocked() -> [bool; IGNORED.len()] {
    // SAFETY: there is room for the set, which is only read.
    unsafe {
        let mut set: libc::sigset_t = zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut set);
        IGNORED.map(|signal| libc::sigismember(&set, signal) == 1)
    }
}

/// Whether to say what is done, to see what led to a failure.
fn trace() -> bool {
    static TRACE: OnceLock<bool> = OnceLock::new();
    *TRACE.get_or_init(|| std::env::var_os("TRACE_CALLS").is_some())
}

static POLLS: OnceLock<Vec<Function>> = OnceLock::new();
static REGISTRATIONS: OnceLock<Vec<Function>> = OnceLock::new();
static RECEPTIONS: OnceLock<Vec<Function>> = OnceLock::new();
static TRANSFERS: OnceLock<Vec<Function>> = OnceLock::new();

/// The functions whose names have one of these words.
fn some(chosen: &'static OnceLock<Vec<Function>>, words: &[&str]) -> &'static [Function] {
    let has_word = |function: &&Function| words.iter().any(|word| function.name.contains(word));
    chosen.get_or_init(|| FUNCTIONS.iter().filter(has_word).copied().collect())
}

/// A child that has exited, and that nobody reaps; made once.
pub fn child() -> c_int {
    static CHILD: OnceLock<c_int> = std::sync::OnceLock::new();
    // SAFETY: the child does nothing but exit.
    *CHILD.get_or_init(|| unsafe {
        match libc::fork() {
            0 => libc::_exit(0),
            child => child,
        }
    })
}

/// The descriptors that are open.
fn descriptors() -> BTreeSet<c_int> {
    let names = std::fs::read_dir("/proc/self/fd").expect("/proc").map_while(Result::ok);
    let mut open: BTreeSet<c_int> =
        names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // That of the folder itself was among them.
    // SAFETY: asks only.
    open.retain(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0);
    open
}

fn close(fd: c_int) {
    assert!(fd > 2);
    // SAFETY: the descriptor is the program's, or a handle's whose back it is done behind, and every
    // number above 2 that was open before is in the hands of neither.
    unsafe { libc::close(fd) };
}

/// The folder for sockets with a path, and the beginning of abstract names.
pub fn scratch() -> String {
    format!("{}/mio-st-calls-{}", std::env::temp_dir().display(), std::process::id())
}

/// The address of a socket, or nothing.
pub fn socket_name(fd: c_int) -> Option<Vec<u8>> {
    let mut name = [0u8; size_of::<libc::sockaddr_storage>()];
    let mut length = name.len() as socklen_t;
    // SAFETY: there is room for so many bytes.
    let answer = unsafe { libc::getsockname(fd, name.as_mut_ptr().cast(), &mut length) };
    (answer == 0).then(|| name[..length as usize].to_vec())
}

/// The loopback address, with any port.
pub fn loopback() -> Vec<u8> {
    let family = (libc::AF_INET as libc::sa_family_t).to_ne_bytes();
    let mut name = [&family, &[0, 0, 127, 0, 0, 1][..]].concat();
    name.resize(size_of::<libc::sockaddr_in>(), 0);
    name
}

/// An abstract name of this process.
pub fn abstract_name(number: u8) -> Vec<u8> {
    let family = (libc::AF_UNIX as libc::sa_family_t).to_ne_bytes();
    let name = format!("mio-st-calls-{}-{number}", std::process::id());
    assert!(name.len() < size_of::<sockaddr_un>() - 3);
    [&family, &[0u8][..], name.as_bytes()].concat()
}

impl World {
    pub fn byte(&mut self) -> u8 {
        let byte = self.step.get(self.used).copied().unwrap_or(0);
        self.used += 1;
        byte
    }

    pub fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    pub fn long(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let index = usize::from(self.byte()).checked_rem(all.len())?;
        Some(all[index])
    }

    pub fn choose<T: Copy>(&mut self, all: &[T]) -> T {
        self.pick(all).expect("something to choose from")
    }

    pub fn is_tainted(&self, known: &Known) -> bool {
        // What the descriptors of pollers, and of what belongs to no thread, are made of is not known.
        self.tainted.contains(&known.fd)
            || !self.tainted.is_empty() && (known.kind == POLLER || is_anybodys(known.kind))
    }

    fn step(&mut self) {
        let before = self.open();
        let operation = self.byte();
        if self.byte() & 7 == 7 {
            self.on_other(|world| world.act(operation));
        } else {
            self.act(operation);
        }
        // Counting takes the library as long as several calls.
        if self.open() != before {
            assert_eq!(mio_st_live_handles(), self.before + self.open(), "{}", self.call.name);
        }
    }

    /// How many handles are open.
    fn open(&self) -> usize {
        self.handles.iter().filter(|known| known.open).count()
    }

    /// Runs something on the other thread, and waits for it.
    fn on_other(&mut self, body: impl FnOnce(&mut World)) {
        self.thread = self.other;
        let (done, wait) = sync_channel(1);
        let lent = Lent((&raw mut *self, body));
        let job: Box<dyn FnOnce() + Send + '_> = Box::new(move || {
            let (world, body) = lent.take();
            // SAFETY: the first thread waits, and does not use it meanwhile.
            let result = catch_unwind(AssertUnwindSafe(|| body(unsafe { &mut *world })));
            let _ = done.send(result);
        });
        // SAFETY: the job is over when `wait` returns, before what it borrows ends.
        let job: Job = unsafe { std::mem::transmute(job) };
        other(|other| other.jobs.send(job)).expect("the other thread is gone");
        let result = wait.recv().expect("the other thread is gone");
        self.thread = 0;
        if let Err(panic) = result {
            resume_unwind(panic);
        }
    }

    fn act(&mut self, operation: u8) {
        if trace() {
            eprintln!("step {operation}, descriptors {:?}", self.fds);
        }
        match operation {
            0..=127 => self.call(FUNCTIONS),
            // What hands out events, makes them and moves data would be rare among so many others.
            128..=151 => self.call(some(&POLLS, &["_poller_poll", "_notify", "_add_"])),
            152..=175 => self.call(some(&REGISTRATIONS, &["_register_"])),
            176..=207 => self
                .call(some(&TRANSFERS, &["_read", "_write", "_send", "_recv", "_accept", "_wake"])),
            208..=215 => self.open_pipe(),
            216..=219 => self.open_socket(),
            220..=221 => self.open_file(),
            222..=225 => self.duplicate(),
            226..=228 => self.close_behind(),
            229..=231 => self.replace_behind(),
            232..=235 => self.close_own(),
            236..=237 => self.raise(),
            238..=239 => self.reuse_slots(),
            240..=242 => self.end_other(),
            243..=244 => self.wake_meanwhile(),
            245..=247 => {
                self.send_to_itself();
                self.call(some(&RECEPTIONS, &["socket_recv", "datagram_recv", "_peek"]));
            }
            248..=255 => self.call_with_few_descriptors(),
        }
    }

    fn call(&mut self, functions: &[Function]) {
        let function = &functions[usize::from(self.word()) % functions.len()];
        self.call = Call { name: function.name, ..Call::default() };
        let answer = (function.call)(self);
        if trace() {
            eprintln!("{} in {}: {answer}", function.name, self.thread);
        }
        self.judge(answer);
    }

    /// What the call must have answered and written.
    fn judge(&mut self, answer: i64) {
        let call = std::mem::take(&mut self.call);
        let Call { name, ref good, .. } = call;
        let succeeded = answer >= 0;
        let excused = good.iter().any(|known| self.is_tainted(known));
        for memory in &call.memories {
            // A socket of another family may answer with an address that nobody understands.
            memory.check(succeeded || excused);
        }
        assert!(answer != MIO_ST_EPANIC.into(), "{name}: a panic");
        assert!(answer != MIO_ST_EFORKED.into(), "{name}: nobody forked");
        assert!(
            answer != -i64::from(libc::EBUSY) || name.ends_with("_into_fd"),
            "{name}: nothing is interrupted"
        );
        if !call.refusals.is_empty() {
            let argument = [libc::EINVAL, libc::ENAMETOOLONG, libc::ENOSPC, libc::ENOMEM];
            let refused = call.refusals.contains(&answer)
                || call.loose && argument.contains(&(-answer as c_int))
                || call.loose_fd && answer == BAD
                || excused && answer < 0;
            assert!(refused, "{name}: {answer} for a bad handle");
        } else if !excused {
            assert!(answer != WRONG_THREAD, "{name}: it is the right one");
            assert!(answer != BAD || call.loose_fd, "{name}: its handles are good");
            if name.ends_with("_close") {
                assert_eq!(answer, 0, "{name}");
            }
            if let (true, &[known]) = (name.ends_with("_into_fd"), &good[..]) {
                let registered = self.is_registered(known.bits);
                let busy = registered && answer == (-libc::EBUSY).into();
                let taken = (!registered || self.handed_over) && answer == known.fd.into();
                assert!(busy || taken || !self.tainted.is_empty(), "{name}: {answer}");
            }
        }
        if name == "mio_st_live_handles" {
            assert_eq!(answer as usize, self.before + self.open());
        }
        if succeeded {
            self.accept(&call, answer);
        }
        self.call.name = name;
    }

    /// After a success.
    fn accept(&mut self, call: &Call, answer: i64) {
        let Call { name, .. } = *call;
        let asks_fd =
            name.ends_with("_fd") && !["register", "watch"].iter().any(|it| name.contains(it));
        if let (true, &[known]) = (asks_fd, &call.good[..]) {
            assert_eq!(answer, known.fd.into(), "{name}: another's descriptor");
        }
        if let &[poller, known] = &call.good[..] {
            if name.contains("_poller_register_") {
                self.registered.push((known.bits, poller.bits));
            } else if name.contains("_poller_deregister_") {
                self.registered.retain(|both| *both != (known.bits, poller.bits));
            }
        }
        let mut consumed = None;
        if let Some(bits) = call.consumed {
            let known = self.handles.iter_mut().find(|known| known.bits == bits && known.open);
            let known = known.expect("a handle that was good");
            known.open = false;
            consumed = Some(*known);
            if name.ends_with("_into_fd") {
                self.fds.push(answer as c_int);
            }
        }
        if let Some(fd) = call.given_fd {
            self.fds.retain(|own| *own != fd);
            if self.handles.iter().any(|known| known.open && known.fd == fd) {
                self.tainted.insert(fd);
            }
        }
        for (memory, kind) in &call.opened {
            let bits = call.memories[*memory].content();
            let new = self.admit(*kind, u64::from_ne_bytes(bits.try_into().expect("8 bytes")));
            match consumed {
                Some(known) if new.kind == DETACHED => self.detached.push((new.bits, known)),
                Some(known) if known.kind == DETACHED => self.is_what_it_was(&known, &new),
                _ => {}
            }
            // What is made of a descriptor of which nothing is known is not known either.
            if new.fd > 2 && call.good.iter().any(|known| self.is_tainted(known)) {
                self.tainted.insert(new.fd);
            }
            // One that is made of another has its registrations.
            for (registered, poller) in &mut self.registered {
                for bits in [registered, poller] {
                    if call.consumed == Some(*bits) {
                        *bits = new.bits;
                    }
                }
            }
        }
        if let Some(memory) = call.key {
            let (slot, serial) = call.memories[memory].content().split_at(8);
            let number = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("8 bytes"));
            self.keys.push(mio_st_deadline_key_t { slot: number(slot), serial: number(serial) });
        }
        if let Some(memory) = call.datagrams {
            call.memories[memory].check_from(answer as usize * size_of::<mio_st_datagram_t>());
        }
        if let (Some(fds), Some(message)) = (call.passed, call.message) {
            let count = call.memories[message].content().first_chunk().expect("a message");
            let fds = call.memories[fds].content().chunks_exact(4);
            for fd in fds.take(usize::from_ne_bytes(*count)) {
                let fd = c_int::from_ne_bytes(fd.try_into().expect("4 bytes"));
                // SAFETY: it was received, and is nobody's but this program's.
                assert_eq!(unsafe { libc::close(fd) }, 0, "{name}: {fd} is not open");
            }
        }
        if let Some(memory) = call.events {
            let events = call.memories[memory].content().chunks_exact(16);
            assert!(answer as usize <= events.len(), "{name}: more events than there is room for");
            for event in events.take(answer as usize) {
                let (id, flags) = event.split_at(8);
                let id = u64::from_ne_bytes(id.try_into().expect("8 bytes"));
                let flags = u64::from_ne_bytes(flags.try_into().expect("8 bytes"));
                assert!(self.ids.contains(&id), "{name}: nobody asked for {id:x}");
                assert!(flags != 0 && flags & !u64::from(READINESS) == 0, "{name}: {flags:x}");
            }
        }
    }

    /// After what was detached is attached.
    fn is_what_it_was(&mut self, detached: &Known, new: &Known) {
        let was = self.detached.iter().find(|(bits, _)| *bits == detached.bits);
        let (_, was) = was.expect("what was detached");
        assert!((was.kind, was.fd) == (new.kind, new.fd) || !self.tainted.is_empty());
        self.handed_over |= new.kind == POLLER;
    }

    /// What is detached of a kind, which is made of a handle of this thread if there is none.
    pub fn one_detached(&mut self, kind: usize) -> Option<Known> {
        let open = |bits| self.handles.iter().rev().find(|known| known.bits == bits && known.open);
        let found = self.detached.iter().rev().filter(|(_, was)| was.kind == kind);
        if let Some(known) = found.filter_map(|(bits, _)| open(*bits)).next() {
            return Some(*known);
        }
        let known = self.one(kind)?;
        let detach = KINDS[kind].detach.first()?;
        let mut detached = mio_st_detached_t { bits: 0 };
        if detach(known.bits, &mut detached) < 0 {
            return None;
        }
        let one = self.handles.iter_mut().find(|one| one.bits == known.bits && one.open);
        one.expect("an open handle").open = false;
        for (registered, poller) in &mut self.registered {
            for bits in [registered, poller] {
                if *bits == known.bits {
                    *bits = detached.bits;
                }
            }
        }
        self.detached.push((detached.bits, known));
        Some(self.admit(DETACHED, detached.bits))
    }

    /// Whether a handle is registered with a poller that is open in this thread.
    fn is_registered(&self, bits: u64) -> bool {
        let open = |poller| {
            self.handles
                .iter()
                .any(|known| known.bits == poller && known.open && known.thread == self.thread)
        };
        self.registered.iter().any(|(handle, poller)| *handle == bits && open(*poller))
    }

    /// Takes note of a new handle.
    fn admit(&mut self, kind: usize, bits: u64) -> Known {
        assert!(bits != 0 && self.given.insert(bits), "{bits:x} was given twice");
        let fd = KINDS[kind].fd.first().map_or(-1, |fd| fd(bits));
        let known = Known { kind, bits, thread: self.thread, open: true, fd };
        if !is_anybodys(kind) {
            assert!(fd > 2, "a new handle answers {fd}");
            let owned = self.handles.iter().any(|known| known.open && known.fd == fd)
                || self.fds.contains(&fd);
            assert!(!owned || self.tainted.contains(&fd), "{fd} has two owners");
        }
        if kind == TCP_STREAM && self.byte() < 224 {
            abort_on_close(fd);
        }
        self.handles.push(known);
        known
    }

    /// Makes an object of a kind, unless there are many.
    pub fn make(&mut self, kind: usize) -> Option<Known> {
        if self.open() >= MANY {
            return None;
        }
        let mut bits = [0u64; 2];
        let [first, second] = bits.each_mut().map(|bits| &raw mut *bits);
        let local = if self.byte() < 160 { c"127.0.0.1:0" } else { c"[::1]:0" }.as_ptr();
        // SAFETY: a handle is 64 bits, and each pointer is good for what the header says.
        let answer = unsafe {
            match kind {
                POLLER => mio_st_poller_new(first.cast()),
                TCP_LISTENER => mio_st_tcp_listener_bind_str(first.cast(), local),
                TCP_STREAM => {
                    let listener = self.one(TCP_LISTENER)?;
                    let name = socket_name(listener.fd)?;
                    let length = name.len() as socklen_t;
                    let answer =
                        mio_st_tcp_stream_connect(first.cast(), name.as_ptr().cast(), length);
                    // It fails if the listener's descriptor is another socket's by now, whose connections
                    // must be left to that one.
                    if answer >= 0 {
                        let listener = mio_st_tcp_listener_t { bits: listener.bits };
                        // An error is fine: then there is no second.
                        let _ = mio_st_tcp_listener_accept(
                            listener,
                            second.cast(),
                            std::ptr::null_mut(),
                        );
                    }
                    answer.min(0)
                }
                UDP_SOCKET => mio_st_udp_socket_bind_str(first.cast(), local),
                CONNECTED_UDP_SOCKET => {
                    let peer = socket_name(self.one(UDP_SOCKET)?.fd)?;
                    let mut name = peer.clone();
                    // The same address with any port.
                    name.get_mut(2..4)?.fill(0);
                    mio_st_connected_udp_socket_connect(
                        first.cast(),
                        name.as_ptr().cast(),
                        name.len() as socklen_t,
                        peer.as_ptr().cast(),
                        peer.len() as socklen_t,
                    )
                }
                UNIX_STREAM => mio_st_unix_stream_pair(first.cast(), second.cast()),
                UNIX_LISTENER => {
                    let name = abstract_name(self.byte());
                    let length = name.len() as socklen_t;
                    mio_st_unix_listener_bind_addr(first.cast(), name.as_ptr().cast(), length)
                }
                UNIX_DATAGRAM => mio_st_unix_datagram_pair(first.cast(), second.cast()),
                SENDER => mio_st_new_pipe(first.cast(), second.cast()),
                RECEIVER => mio_st_new_pipe(second.cast(), first.cast()),
                SIGNALS => mio_st_signals_new(first.cast(), ONE_SIGNAL.as_ptr(), 1),
                PROCESS => mio_st_process_from_pid(first.cast(), child()),
                REGISTRAR => {
                    let poller = mio_st_poller_t { bits: self.one(POLLER)?.bits };
                    mio_st_registrar_new(first.cast(), poller)
                }
                DETACHED => return self.one_detached(UNIX_STREAM),
                AWAKENER => {
                    let poller = mio_st_poller_t { bits: self.one(POLLER)?.bits };
                    self.ids.push(AWAKENER_ID);
                    mio_st_awakener_new(first.cast(), poller, AWAKENER_ID)
                }
                _ => unreachable!("a kind without a way to make it"),
            }
        };
        if answer < 0 {
            return None;
        }
        if bits[1] != 0 {
            let other = match kind {
                SENDER => RECEIVER,
                RECEIVER => SENDER,
                kind => kind,
            };
            self.admit(other, bits[1]);
        }
        Some(self.admit(kind, bits[0]))
    }

    /// An open handle of this thread, found or made.
    fn one(&mut self, kind: usize) -> Option<Known> {
        let found = self.handles.iter().rev().find(|known| {
            known.kind == kind && known.open && (known.thread == self.thread || is_anybodys(kind))
        });
        match found {
            Some(known) => Some(*known),
            None => self.make(kind),
        }
    }

    /// What a handle must be answered, if it is not good.
    pub fn refusals(&self, kind: usize, bits: u64) -> Result<Known, &'static [i64]> {
        let Some(known) = self.handles.iter().rev().find(|known| known.bits == bits) else {
            return Err(if bits == 0 { &[BAD] } else { &[BAD, WRONG_THREAD] });
        };
        if known.kind != kind {
            return Err(&[BAD]);
        }
        if is_anybodys(kind) || known.thread == self.thread {
            return if known.open { Ok(*known) } else { Err(&[BAD]) };
        }
        // The table of a thread that has ended is the next one's, once that makes a handle.
        let passed_on = self.thread != 0 && known.thread != 0;
        let made = self.handles.iter().any(|known| known.thread == self.thread);
        Err(match (passed_on, made) {
            (false, _) => &[WRONG_THREAD],
            (true, true) => &[BAD],
            (true, false) => &[BAD, WRONG_THREAD],
        })
    }

    fn open_handle(&mut self) -> Option<Known> {
        let open: Vec<Known> =
            self.handles.iter().filter(|known| known.open && known.fd > 2).copied().collect();
        self.pick(&open)
    }

    fn own(&mut self, fd: c_int) {
        if fd < 0 {
            return;
        }
        if self.fds.len() >= MANY {
            return close(fd);
        }
        self.fds.push(fd);
    }

    fn open_pipe(&mut self) {
        let mut fds = [-1; 2];
        // SAFETY: there is room for two.
        if unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_NONBLOCK | libc::O_CLOEXEC) } == 0 {
            fds.into_iter().for_each(|fd| self.own(fd));
        }
    }

    fn open_socket(&mut self) {
        let (family, kind) = self.choose(&[
            (libc::AF_INET, libc::SOCK_STREAM),
            (libc::AF_INET, libc::SOCK_DGRAM),
            (libc::AF_INET6, libc::SOCK_STREAM),
            (libc::AF_INET6, libc::SOCK_DGRAM),
            (libc::AF_UNIX, libc::SOCK_STREAM),
            (libc::AF_UNIX, libc::SOCK_DGRAM),
            (libc::AF_UNIX, libc::SOCK_SEQPACKET),
        ]);
        let kind = kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: a descriptor, or an error.
        let fd = unsafe { libc::socket(family, kind, 0) };
        if fd >= 0 && self.byte() & 1 == 1 {
            let name = loopback();
            // SAFETY: an address, of this family or another.
            unsafe {
                libc::bind(fd, name.as_ptr().cast(), name.len() as socklen_t);
                libc::listen(fd, 4);
            }
        }
        self.own(fd);
    }

    fn open_file(&mut self) {
        let path = self.choose(&[c"/proc/self/exe", c"/dev/null", c"/"]);
        // SAFETY: the path is a string.
        let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
        self.own(fd);
    }

    fn duplicate(&mut self) {
        if let Some(known) = self.open_handle() {
            // SAFETY: a descriptor, or an error.
            let fd = unsafe { libc::fcntl(known.fd, libc::F_DUPFD_CLOEXEC, 3) };
            self.own(fd);
        }
    }

    fn close_behind(&mut self) {
        if let Some(known) = self.open_handle() {
            self.tainted.insert(known.fd);
            close(known.fd);
        }
    }

    fn replace_behind(&mut self) {
        let fds = self.fds.clone();
        if let (Some(known), Some(fd)) = (self.open_handle(), self.pick(&fds)) {
            self.tainted.insert(known.fd);
            // SAFETY: the descriptor is a handle's.
            unsafe { libc::dup3(fd, known.fd, libc::O_CLOEXEC) };
        }
    }

    fn close_own(&mut self) {
        let fds = self.fds.clone();
        if let Some(fd) = self.pick(&fds) {
            self.fds.retain(|own| *own != fd);
            close(fd);
        }
    }

    fn raise(&mut self) {
        let signal = self.choose(&IGNORED);
        // SAFETY: to this thread, which ignores it unless it is blocked.
        unsafe { libc::pthread_kill(libc::pthread_self(), signal) };
    }

    /// Ends the other thread; its handles are closed by that.
    fn end_other(&mut self) {
        if self.thread != 0 || self.other >= THREADS {
            return;
        }
        if let Some(other) = OTHER.with_borrow_mut(Option::take) {
            other.end();
        }
        for known in &mut self.handles {
            if known.thread == self.other && !is_anybodys(known.kind) {
                known.open = false;
            }
        }
        self.other += 1;
    }

    /// Wakes from the other thread while this one goes on, which may close the awakener.
    fn wake_meanwhile(&mut self) {
        if self.thread != 0 {
            return;
        }
        let Some(known) = self.one(AWAKENER) else { return };
        let awakener = mio_st_awakener_t { bits: known.bits };
        let excused = self.is_tainted(&known);
        self.woken = true;
        let (started, start) = sync_channel(0);
        let job = move || {
            let _ = started.send(());
            for _ in 0..32 {
                let answer = mio_st_awakener_wake(awakener);
                // It may be closed meanwhile, and so may its poller.
                let fine = [0, -libc::EBADF, -libc::EPIPE].contains(&answer);
                assert!(fine || excused, "{answer} for a wake");
            }
        };
        other(|other| other.jobs.send(Box::new(job))).expect("the other thread is gone");
        start.recv().expect("the other thread is gone");
        if self.byte() & 1 == 1 {
            self.close_handle(known);
        }
    }

    /// Opens and closes so many that a slot which was used before is used again.
    fn reuse_slots(&mut self) {
        let kind = self.choose(&[AWAKENER, UNIX_LISTENER, PROCESS]);
        for _ in 0..if kind == AWAKENER { 64 } else { 16 } {
            let Some(known) = self.make(kind) else { return };
            self.close_handle(known);
        }
    }

    fn close_handle(&mut self, known: Known) {
        assert_eq!((KINDS[known.kind].close)(known.bits), 0, "closing kind {}", known.kind);
        for one in self.handles.iter_mut().filter(|one| one.bits == known.bits) {
            one.open = false;
        }
    }

    /// Something to receive.
    fn send_to_itself(&mut self) {
        let kinds = [UDP_SOCKET, CONNECTED_UDP_SOCKET, UNIX_DATAGRAM];
        let open = self.handles.iter().filter(|known| known.open && kinds.contains(&known.kind));
        let open: Vec<c_int> = open.rev().take(4).map(|known| known.fd).collect();
        let Some(fd) = self.pick(&open).or_else(|| Some(self.make(UDP_SOCKET)?.fd)) else { return };
        let Some(name) = socket_name(fd) else { return };
        for length in [8, usize::from(self.byte())] {
            // SAFETY: there are so many bytes, and an address; an error is fine.
            unsafe {
                libc::sendto(
                    fd,
                    [0x5a_u8; 256].as_ptr().cast(),
                    length,
                    libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
                    name.as_ptr().cast(),
                    name.len() as socklen_t,
                )
            };
        }
    }

    /// A call while no more than a few descriptors can be opened.
    fn call_with_few_descriptors(&mut self) {
        // SAFETY: what is read and set are the limits of this process; a descriptor, or an error.
        unsafe {
            let mut limit: libc::rlimit = zeroed();
            libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
            let lowest = libc::fcntl(2, libc::F_DUPFD_CLOEXEC, 3);
            close(lowest);
            let few = libc::rlim_t::from(self.byte() & 1) + lowest as libc::rlim_t;
            libc::setrlimit(libc::RLIMIT_NOFILE, &libc::rlimit { rlim_cur: few, ..limit });
            self.call(FUNCTIONS);
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }

    /// Closes everything.
    fn end(&mut self) {
        if self.woken || self.handles.iter().any(|known| known.thread != 0 && known.open) {
            self.on_other(World::check_all);
            self.on_other(World::close_all);
        }
        self.check_all();
        self.close_all();
        if self.woken {
            // An awakener that is closed during a wake keeps its descriptor until another is.
            self.make(AWAKENER);
            self.close_all();
        }
        assert_eq!(mio_st_live_handles(), self.before);
        for fd in std::mem::take(&mut self.fds) {
            close(fd);
        }
        if self.paths {
            let _ = std::fs::remove_dir_all(scratch());
        }
    }

    /// After a failure: closes what can be, so that a shorter sequence can be tried.
    fn give_up(&mut self) {
        if let Some(other) = OTHER.with_borrow_mut(Option::take) {
            other.end();
        }
        self.thread = 0;
        for known in &self.handles {
            (KINDS[known.kind].close)(known.bits);
        }
    }

    /// Each handle there ever was is that of its own descriptor still, or is refused.
    fn check_all(&mut self) {
        for Known { kind, bits, fd, .. } in &self.handles {
            let Some(ask) = KINDS[*kind].fd.first() else { continue };
            let answer = ask(*bits);
            match self.refusals(*kind, *bits) {
                Ok(_) => assert_eq!(answer, *fd, "kind {kind}: another's descriptor"),
                Err(refusals) => {
                    assert!(refusals.contains(&answer.into()), "kind {kind}: {answer}")
                }
            }
        }
    }

    /// Closes the handles of this thread.
    fn close_all(&mut self) {
        for n in 0..self.handles.len() {
            let Known { kind, bits, thread, open, fd } = self.handles[n];
            if !open || (thread != self.thread && !is_anybodys(kind)) {
                continue;
            }
            if kind == TCP_STREAM {
                abort_on_close(fd);
            }
            self.close_handle(self.handles[n]);
            assert_eq!((KINDS[kind].close)(bits), -libc::EBADF, "closing kind {kind} again");
        }
    }
}

const AWAKENER_ID: u64 = 0xa3a;
const ONE_SIGNAL: [c_int; 1] = [libc::SIGUSR1];

/// Otherwise each connection would keep a port busy for a minute.
fn abort_on_close(fd: c_int) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let length = size_of_val(&linger) as socklen_t;
    // SAFETY: the option is of this type and length.
    unsafe {
        let value = (&raw const linger).cast();
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, value, length);
    }
}
