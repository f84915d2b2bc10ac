//! The table of the calling thread: finding it, making it, and what becomes of it when the thread ends.
//!
//! Each thread that makes a handle takes a number, which is in its handles. The table of a thread that
//! has ended keeps its generations, and passes to the next new thread together with the number: a
//! handle of the old thread finds nothing there.
//!
//! A forked child has the numbers of all threads of its parent, and one of the threads. When no number is left, it
//! takes those of the others. Their tables it leaves alone, since a fork may come in the middle of a change.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering, compiler_fence,
};

use mio_st::poll::Poller;
use mio_st::raw;

use crate::abi::mio_st_poller_t;
use crate::error::{Error, Result};
use crate::handles::{self, Entry, Handle, THREAD_BITS, Table, try_box};
use crate::slots::{Place, Slot};

/// What a thread is doing, as far as `Local::ready` does not tell; zero is nothing.
///
/// It is inside of a call, whatever `ready` says.
const BUSY: u8 = 1;
/// It is ending: its table is gone.
const GONE: u8 = 2;

/// A call has to find out three things: that it does not interrupt another, that the thread is not ending,
/// and where its handles are.
//
// Atomic, or volatile, is what a signal handler looks at, which runs on the same thread.
struct Local {
    /// Where its handles are, since it was `ready` first.
    slots: Cell<*mut Slot<Entry>>,
    mask: Cell<usize>,
    /// Where errno is, since then.
    errno: Cell<*mut c_int>,
    /// The table, or null.
    table: AtomicPtr<Table>,
    /// That there is a table, and no call. A call from a signal handler finds that it is not.
    ready: Cell<u8>,
    /// Tells why not.
    state: AtomicU8,
}

impl Local {
    /// As a `volatile sig_atomic_t` of C: to load an atomic takes an instruction more.
    #[inline(always)]
    fn is_ready(&self) -> bool {
        // SAFETY: it is there.
        let ready = unsafe { self.ready.as_ptr().read_volatile() } != 0;
        // It holds the compiler to the order.
        compiler_fence(Ordering::SeqCst);
        ready
    }

    #[inline(always)]
    fn set_ready(&self, ready: bool) {
        compiler_fence(Ordering::SeqCst);
        // SAFETY: it is there.
        unsafe { self.ready.as_ptr().write_volatile(ready.into()) };
        compiler_fence(Ordering::SeqCst);
    }

    #[inline(always)]
    fn make_ready(&self) {
        self.set_ready(true);
    }
}

/// What this thread is doing.
///
/// In a shared library std's thread-locals are found by a call, `__tls_get_addr` on x86-64, at whose first glibc takes
/// memory, and ends the process if there is none. So few bytes have room in what each thread has from its
/// beginning, also if the library is loaded later: the dynamic linker writes down where, once (the model
/// `initial-exec` of "ELF Handling For Thread-Local Storage"). musl refuses that for a library that is loaded
/// later.
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64"),
))]
mod local {
    use std::arch::{asm, global_asm};
    use std::mem::offset_of;

    use super::Local;

    // All-zero is what a thread begins with: no table, and doing nothing. Weak, so that it may be there twice.
    global_asm!(
        ".pushsection .tbss.local_of_mio_st,\"awT\",%nobits",
        ".balign 8",
        ".weak local_of_mio_st",
        ".hidden local_of_mio_st",
        ".type local_of_mio_st, %object",
        ".size local_of_mio_st, {size}",
        "local_of_mio_st:",
        ".zero {size}",
        ".popsection",
        size = const size_of::<Local>(),
    );

    #[inline(always)]
    pub(super) fn with<T>(body: impl FnOnce(&Local) -> T) -> T {
        let local: *const Local;
        // SAFETY: it reads two words that are there as long as the thread: the distance of the variable from the
        // thread's pointer, which the dynamic linker wrote down, and that pointer, which is at its own address.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            asm!(
                "mov {local}, qword ptr [rip + local_of_mio_st@GOTTPOFF]",
                "add {local}, qword ptr fs:[0]",
                local = out(reg) local,
                options(pure, readonly, nostack),
            );
        }
        // SAFETY: as above, but that the thread's pointer is in a register.
        #[cfg(target_arch = "aarch64")]
        unsafe {
            asm!(
                "adrp {local}, :gottprel:local_of_mio_st",
                "ldr {local}, [{local}, :gottprel_lo12:local_of_mio_st]",
                "mrs {thread}, tpidr_el0",
                "add {local}, {local}, {thread}",
                local = out(reg) local,
                thread = out(reg) _,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        // SAFETY: it is there as long as the thread, and is made of atomics.
        body(unsafe { &*local })
    }

    /// A call has ended. It finds the place anew: what is kept until then, in a register that outlasts a call,
    /// takes more.
    #[inline(always)]
    pub(super) fn make_ready() {
        // SAFETY: the byte is there as long as the thread.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            asm!(
                "mov {local}, qword ptr [rip + local_of_mio_st@GOTTPOFF]",
                "mov byte ptr fs:[{local} + {ready}], 1",
                local = out(reg) _,
                ready = const offset_of!(Local, ready),
                options(nostack, preserves_flags),
            );
        }
        // SAFETY: as above; `local` becomes its address as in `with`.
        #[cfg(target_arch = "aarch64")]
        unsafe {
            asm!(
                "adrp {local}, :gottprel:local_of_mio_st",
                "ldr {local}, [{local}, :gottprel_lo12:local_of_mio_st]",
                "mrs {other}, tpidr_el0",
                "add {local}, {local}, {other}",
                "mov {other:w}, 1",
                "strb {other:w}, [{local}, {ready}]",
                local = out(reg) _,
                other = out(reg) _,
                ready = const offset_of!(Local, ready),
                options(nostack, preserves_flags),
            );
        }
    }

    /// Keeps something in memory, and out of registers that outlast a call, of which each takes two instructions.
    #[inline(always)]
    pub(super) fn in_memory<T>(value: &T) {
        // SAFETY: it does nothing.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            asm!("/* {0} */", in(reg) value, options(nostack, preserves_flags));
        }
        // Of such registers ARM has more, and saves two by an instruction.
        #[cfg(target_arch = "aarch64")]
        let _ = value;
    }
}

/// As above, as std has it.
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64"),
)))]
mod local {
    use super::*;

    thread_local! {
        // Without a destructor, so that it is there until the very end of the thread.
        static LOCAL: Local = const {
            Local {
                slots: Cell::new(ptr::null_mut()),
                mask: Cell::new(0),
                errno: Cell::new(ptr::null_mut()),
                table: AtomicPtr::new(ptr::null_mut()),
                ready: Cell::new(0),
                state: AtomicU8::new(0),
            }
        };
    }

    #[inline]
    pub(super) fn with<T>(body: impl FnOnce(&Local) -> T) -> T {
        LOCAL.with(body)
    }

    #[inline]
    pub(super) fn in_memory<T>(_: &T) {}

    #[inline]
    pub(super) fn make_ready() {
        LOCAL.with(Local::make_ready);
    }
}

/// A number for a thread, and the table that goes with it.
struct Number {
    /// Zero if it is free, otherwise [`process`] at the time when it was taken.
    taken: AtomicU32,
    /// How many tables were lost, with the threads of a parent.
    lost: AtomicU32,
    /// Of the thread that has taken the number; made once and never freed.
    table: AtomicPtr<Table>,
    /// How many handles are open.
    live: AtomicU32,
}

static NUMBERS: [Number; 1 << THREAD_BITS] = [const {
    Number {
        taken: AtomicU32::new(0),
        lost: AtomicU32::new(0),
        table: AtomicPtr::new(ptr::null_mut()),
        live: AtomicU32::new(0),
    }
}; 1 << THREAD_BITS];

/// Runs a call that uses one object and nothing else of the table.
#[inline(always)]
pub(crate) fn using<H: Handle, T: From<c_int>>(
    handle: H,
    body: impl FnOnce(&mut H::Object) -> Result<T>,
) -> T {
    let Some((object, _)) = take_object(handle) else { return using_slowly(handle, body) };
    // Not in one for both, which would be a register more that has to outlast the body.
    match guarded(|| body(object)) {
        Ok(value) => {
            local::make_ready();
            value
        }
        Err(error) => {
            local::make_ready();
            T::from(error.code())
        }
    }
}

/// As [`using`], of a handle that is not found at once.
#[cold]
#[inline(never)]
fn using_slowly<H: Handle, T: From<c_int>>(
    handle: H,
    body: impl FnOnce(&mut H::Object) -> Result<T>,
) -> T {
    call(handle, |table| body(table.get(handle)?))
}

/// Begins a call that uses one object, if it is found at once; and where errno is.
#[inline(always)]
fn take_object<'a, H: Handle>(handle: H) -> Option<(&'a mut H::Object, *mut c_int)> {
    local::with(|local| {
        // SAFETY: it is this thread's place, which nothing else uses until it is ready again.
        let object = unsafe { handles::find(take(local)?, handle) };
        if object.is_none() {
            local.make_ready();
        }
        Some((object?, local.errno.get()))
    })
}

/// As [`using`] for a poller, unless the process was forked since it was made.
#[inline(always)]
pub(crate) fn polling<T: From<c_int>>(
    handle: mio_st_poller_t,
    body: impl FnOnce(&mut Poller) -> Result<T>,
) -> T {
    using(handle, |poller| if poller.raw_is_forked() { Err(Error::FORKED) } else { body(poller) })
}

/// Tries a call that uses a poller by what calls nothing, and so needs no registers saved: `None` if it has done
/// nothing. Then [`polling`] makes it, or finds out why not.
#[inline(always)]
pub(crate) fn quickly<T>(
    handle: mio_st_poller_t,
    body: impl FnOnce(&mut Poller) -> Option<T>,
) -> Option<T> {
    local::with(|local| {
        // SAFETY: as in `using`, but that there is nothing that could panic.
        let poller = unsafe { handles::find(take(local)?, handle) };
        let result =
            poller.filter(|poller| !poller.raw_is_forked()).and_then(|poller| body(poller));
        local.make_ready();
        result
    })
}

/// A poll: of a plain poller it is `quick`, which may fail, and otherwise `slow`. What is asked for is kept in memory, and
/// not in registers; and errno is as before when `slow` does what `quick` could not.
#[inline(always)]
pub(crate) fn poll<A>(
    handle: mio_st_poller_t,
    asked: A,
    quick: impl FnOnce(&mut Poller, &A) -> Option<c_int>,
    slow: fn(&mut Poller, &A) -> Result<c_int>,
) -> c_int {
    let asked = (handle, asked);
    local::in_memory(&asked);
    let Some((poller, errno)) = take_object(handle) else { return poll_again(&asked, slow) };
    if !poller.raw_is_plain() {
        let result = answer(guarded(|| slow(poller, &asked.1)));
        local::make_ready();
        return result;
    }
    // SAFETY: it is of this thread, which has a table.
    let errno = unsafe { errno.read() };
    local::in_memory(&errno);
    let result = quick(poller, &asked.1);
    local::make_ready();
    result.unwrap_or_else(|| {
        // SAFETY: both are there; the one is read from memory.
        local::with(|local| unsafe { local.errno.get().write((&raw const errno).read_volatile()) });
        poll_again(&asked, slow)
    })
}

#[cold]
#[inline(never)]
fn poll_again<A>(
    (handle, asked): &(mio_st_poller_t, A),
    slow: fn(&mut Poller, &A) -> Result<c_int>,
) -> c_int {
    call(*handle, |table| slow(table.get(*handle)?, asked))
}

/// Runs a call that uses a handle, with the table of this thread.
#[inline]
pub(crate) fn call<H: Handle, T: From<c_int>>(
    handle: H,
    body: impl FnOnce(&mut Table) -> Result<T>,
) -> T {
    local::with(|local| {
        if !local.is_ready() {
            return T::from(no_table(handle.bits(), H::KIND).code());
        }
        answer(with(local, body))
    })
}

/// Runs a call that makes a handle: with the table of this thread, which is made if there is none.
#[inline]
pub(crate) fn create<T: From<c_int>>(body: impl FnOnce(&mut Table) -> Result<T>) -> T {
    local::with(|local| {
        let table = if local.is_ready() { Ok(()) } else { new_table(local) };
        answer(table.and_then(|()| with(local, body)))
    })
}

/// Runs a call that needs no table and may be made at any time.
#[inline]
pub(crate) fn plain<T: From<c_int>>(body: impl FnOnce() -> Result<T>) -> T {
    answer(guarded(body))
}

/// The function `…_close` of a type: closing `{0}` is no error. It leaves errno as it was, though ending what was not
/// registered fails.
pub(crate) fn close<H: Handle<Object: AsRawFd>>(handle: H) -> c_int {
    if handle.bits() == 0 {
        return 0;
    }
    local::with(|local| {
        if !local.is_ready() {
            return no_table(handle.bits(), H::KIND).code();
        }
        let errno = local.errno.get();
        // SAFETY: it is of this thread, which has a table; here and below.
        let before = unsafe { errno.read() };
        let result = answer(with(local, |table| table.close(handle).map(|()| 0)));
        // SAFETY: see above.
        unsafe { errno.write(before) };
        result
    })
}

/// Runs a call that needs no table, but must not interrupt another. A thread that is ending may make it.
pub(crate) fn exclusive<T: From<c_int>>(body: impl FnOnce() -> Result<T>) -> T {
    local::with(|local| {
        let gone = local.state.load(Ordering::Relaxed) == GONE;
        answer(if gone { Ok(()) } else { idle(local) }.and_then(|()| {
            busy(local, || {
                let ready = local.is_ready();
                local.set_ready(false);
                let result = guarded(body);
                local.set_ready(ready);
                result
            })
        }))
    })
}

/// The result as C gets it.
#[inline]
fn answer<T: From<c_int>>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| T::from(error.code()))
}

/// Begins a call, unless there is one, or no table: whoever gets the place makes it ready again.
#[inline(always)]
fn take(local: &Local) -> Option<Place<Entry>> {
    if !local.is_ready() {
        return None;
    }
    local.set_ready(false);
    Some(Place { slots: local.slots.get(), mask: local.mask.get() })
}

/// Runs the body of a call with the table, which is there, and which nothing else has meanwhile.
#[inline]
fn with<T>(local: &Local, body: impl FnOnce(&mut Table) -> Result<T>) -> Result<T> {
    local.set_ready(false);
    // SAFETY: the table is this thread's, and a signal handler finds that it is not ready.
    let table = unsafe { &mut *local.table.load(Ordering::Relaxed) };
    let result = guarded(|| body(table));
    give_back(local, table);
    result
}

/// Ends a call that has used the table: its handles may be elsewhere.
#[inline]
fn give_back(local: &Local, table: &mut Table) {
    let Place { slots, mask } = table.place();
    local.slots.set(slots);
    local.mask.set(mask);
    local.make_ready();
}

/// Runs what must not be interrupted by a call that would make a table.
fn busy<T>(local: &Local, body: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = local.state.load(Ordering::Relaxed);
    local.state.store(BUSY, Ordering::Relaxed);
    compiler_fence(Ordering::SeqCst);
    let result = body();
    compiler_fence(Ordering::SeqCst);
    local.state.store(before, Ordering::Relaxed);
    result
}

/// Why a call that uses a handle has found no table.
#[cold]
#[inline(never)]
fn no_table(bits: u64, kind: u32) -> Error {
    match local::with(idle) {
        // This thread has made no handle: it is another's, or none.
        Ok(()) => handles::refusal(bits, kind, 0),
        Err(error) => error,
    }
}

/// Makes the table of this thread, if there is none.
#[cold]
fn new_table(local: &Local) -> Result<()> {
    idle(local)?;
    busy(local, || {
        // A signal handler may have made it since.
        if local.table.load(Ordering::Relaxed).is_null() {
            local.table.store(attach()?, Ordering::Relaxed);
            local.errno.set(raw::errno_address());
        }
        Ok(())
    })
}

/// An error if this thread is inside of a call, or ending.
fn idle(local: &Local) -> Result<()> {
    let table = local.table.load(Ordering::Relaxed);
    let in_call = !table.is_null() && !local.is_ready();
    match local.state.load(Ordering::Relaxed) {
        GONE => Err(Error::of(libc::EBADF)),
        BUSY => Err(Error::of(libc::EBUSY)),
        _ if in_call => Err(Error::of(libc::EBUSY)),
        _ => Ok(()),
    }
}

/// Keeps a panic inside.
#[inline]
fn guarded<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Dropping it could panic again.
        std::mem::forget(payload);
        Err(Error::PANIC)
    })
}

/// How many handles are open in all threads.
pub(crate) fn live() -> usize {
    NUMBERS.iter().map(|number| number.live.load(Ordering::Relaxed) as usize).sum()
}

/// Takes the lowest number that is free, with its table.
#[cold]
fn attach() -> Result<*mut Table> {
    let key = key()?;
    let process = process()?;
    let take = |number: &Number, from| {
        let taken = &number.taken;
        taken.compare_exchange(from, process, Ordering::Acquire, Ordering::Relaxed).is_ok()
    };
    let mut numbers = NUMBERS.iter().enumerate().skip(1);
    let (thread, number) = match numbers.find(|(_, number)| take(number, 0)) {
        Some(free) => free,
        None => {
            let mut numbers = NUMBERS.iter().enumerate().skip(1);
            let left_behind = numbers.find(|(_, number)| {
                let taken = number.taken.load(Ordering::Relaxed);
                taken != process && take(number, taken)
            });
            let (thread, number) = left_behind.ok_or(Error::of(libc::EAGAIN))?;
            if !number.table.swap(ptr::null_mut(), Ordering::Relaxed).is_null() {
                number.lost.fetch_add(1, Ordering::Relaxed);
            }
            (thread, number)
        }
    };
    let give_back = |error| {
        number.taken.store(0, Ordering::Release);
        Err(error)
    };
    let mut table = number.table.load(Ordering::Relaxed);
    if table.is_null() {
        let lost = number.lost.load(Ordering::Relaxed);
        let mut new = Table::new(thread as u32, lost, &number.live);
        // So that its handles have a place.
        match new.reserve().and_then(|()| try_box(new)) {
            Ok(new) => table = Box::into_raw(new),
            Err(error) => return give_back(error),
        }
        number.table.store(table, Ordering::Relaxed);
    }
    // SAFETY: the key exists; the value is only passed back to `detach`.
    match unsafe { libc::pthread_setspecific(key, table.cast()) } {
        0 => Ok(table),
        errno => give_back(Error::of(errno)),
    }
}

/// A number of this process, which its parent and its children do not have; not zero.
fn process() -> Result<u32> {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if !REGISTERED.load(Ordering::Acquire) {
        // Two threads may both register it, which is as good. SAFETY: the handler does nothing that is not allowed
        // after fork.
        let errno = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        if errno != 0 {
            return Err(Error::of(errno));
        }
        REGISTERED.store(true, Ordering::Release);
    }
    Ok(PROCESS.load(Ordering::Relaxed))
}

static PROCESS: AtomicU32 = AtomicU32::new(1);

/// The thread that has forked is the only one that is left, and keeps its number.
extern "C" fn in_child() {
    let process = PROCESS.fetch_add(1, Ordering::Relaxed) + 1;
    let table = local::with(|local| local.table.load(Ordering::Relaxed));
    let mut numbers = NUMBERS.iter().take_while(|_| !table.is_null());
    let own = numbers.find(|number| number.table.load(Ordering::Relaxed) == table);
    if let Some(number) = own.filter(|number| number.taken.load(Ordering::Relaxed) != 0) {
        number.taken.store(process, Ordering::Relaxed);
    }
}

/// The key whose destructor runs when a thread with a table ends.
///
/// Not a destructor of Rust's: glibc aborts when there is no memory to register one, and a key's error
/// can be passed on.
fn key() -> Result<libc::pthread_key_t> {
    let known = KEY.load(Ordering::Acquire);
    if known != 0 {
        return Ok((known - 1) as libc::pthread_key_t);
    }
    let mut key = 0;
    // SAFETY: `key` can be written, and `detach` has the right signature.
    let errno = unsafe { libc::pthread_key_create(&mut key, Some(detach)) };
    if errno != 0 {
        return Err(Error::of(errno));
    }
    // SAFETY: the function may be called at any time.
    if unsafe { libc::atexit(delete_key) } != 0 {
        // SAFETY: nobody has seen this key.
        unsafe { libc::pthread_key_delete(key) };
        return Err(Error::of(libc::ENOMEM));
    }
    match KEY.compare_exchange(0, key as usize + 1, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(key),
        Err(known) => {
            // Another thread was faster. SAFETY: nobody has seen this key.
            unsafe { libc::pthread_key_delete(key) };
            Ok((known - 1) as libc::pthread_key_t)
        }
    }
}

/// One more than the key; zero as long as there is none.
static KEY: AtomicUsize = AtomicUsize::new(0);

/// At the end of the process, or of the plugin that this code is in, which its threads may survive: then there is
/// no `detach` any more.
extern "C" fn delete_key() {
    if let Some(key) = KEY.swap(0, Ordering::AcqRel).checked_sub(1) {
        // SAFETY: it was made by `key`.
        unsafe { libc::pthread_key_delete(key as libc::pthread_key_t) };
    }
}

/// Closes what a thread that ends has left open, and passes its table on.
unsafe extern "C" fn detach(table: *mut c_void) {
    // From here on every call of this thread is answered with EBADF.
    local::with(|local| {
        local.state.store(GONE, Ordering::Relaxed);
        local.set_ready(false);
    });
    // SAFETY: the table was this thread's, and nothing else has a pointer to it now.
    let table = unsafe { &mut *table.cast::<Table>() };
    let _ = guarded(|| {
        table.close_all();
        Ok(())
    });
    if let Some(number) = NUMBERS.get(table.thread() as usize) {
        number.taken.store(0, Ordering::Release);
    }
}
