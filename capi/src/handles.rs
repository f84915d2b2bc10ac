//! The handles of a thread: which object the bits of a handle name, and whether they still do.

use std::alloc::{Layout, alloc};
use std::collections::TryReserveError;
use std::ffi::c_int;
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
use std::sync::atomic::{AtomicU32, Ordering};

use mio_st::net::{ConnectedUdpSocket, TcpListener, TcpStream, UdpSocket};
use mio_st::poll::Poller;
use mio_st::raw;
use mio_st::unix::{Process, Receiver, Sender, Signals, UnixDatagram, UnixListener, UnixStream};

use crate::abi::*;
use crate::error::{Error, Result};
use crate::lists::{List, Lists};
use crate::pool::Taken;
use crate::slots::{self, Place, Slots};

const BAD: Error = Error::of(libc::EBADF);

/// How many bits number the threads. The number 0 is nobody's.
pub(crate) const THREAD_BITS: u32 = 12;

/// The generations of a lost table and those of the next are two to the power of this apart: a million.
const APART: u32 = 20;

/// The kinds of handles: 1 to 31, since what has kind 0 is never a handle.
const KIND_BITS: u32 = slots::TAG_BITS - THREAD_BITS;

/// The kinds of what belongs to no thread, and is kept elsewhere.
pub(crate) const AWAKENER: u32 = 1;
pub(crate) const REGISTRAR: u32 = 14;
pub(crate) const DETACHED: u32 = 15;

/// The tag of a handle: its kind and its thread.
pub(crate) const fn tag(kind: u32, thread: u32) -> u32 {
    kind << THREAD_BITS | thread
}

/// A type of handle, as C sees it.
pub(crate) trait Handle: Copy {
    const KIND: u32;
    /// What it names.
    type Object;

    fn bits(self) -> u64;
    fn from_bits(bits: u64) -> Self;
    fn wrap(object: Self::Object) -> Object;
    fn find(object: &mut Object) -> Option<&mut Self::Object>;
    fn unwrap(object: Object) -> Option<Self::Object>;
}

/// Declares what a handle can name: the kind, the type in C, the type in Rust.
macro_rules! objects {
    ($($kind:literal $name:ident: $handle:ident => $object:ty,)+) => {
        /// What a handle names.
        #[derive(Debug)]
        pub(crate) enum Object {
            $($name($object),)+
        }

        impl Object {
            fn kind(&self) -> u32 {
                match self {
                    $(Object::$name(_) => $kind,)+
                }
            }
        }

        $(impl Handle for $handle {
            const KIND: u32 = $kind;
            type Object = $object;

            #[inline]
            fn bits(self) -> u64 {
                self.bits
            }

            fn from_bits(bits: u64) -> $handle {
                const { assert!($kind > AWAKENER && $kind < REGISTRAR && DETACHED < 1 << KIND_BITS) };
                $handle { bits }
            }

            fn wrap(object: $object) -> Object {
                Object::$name(object)
            }

            #[inline]
            fn find(object: &mut Object) -> Option<&mut $object> {
                match object {
                    Object::$name(object) => Some(object),
                    _ => None,
                }
            }

            fn unwrap(object: Object) -> Option<$object> {
                match object {
                    Object::$name(object) => Some(object),
                    _ => None,
                }
            }
        })+
    };
}

objects! {
    2 Poller: mio_st_poller_t => Box<Poller>,
    3 TcpListener: mio_st_tcp_listener_t => TcpListener,
    4 TcpStream: mio_st_tcp_stream_t => TcpStream,
    5 UdpSocket: mio_st_udp_socket_t => UdpSocket,
    6 ConnectedUdpSocket: mio_st_connected_udp_socket_t => ConnectedUdpSocket,
    7 UnixStream: mio_st_unix_stream_t => UnixStream,
    8 UnixListener: mio_st_unix_listener_t => UnixListener,
    9 UnixDatagram: mio_st_unix_datagram_t => UnixDatagram,
    10 Sender: mio_st_sender_t => Sender,
    11 Receiver: mio_st_receiver_t => Receiver,
    // In a box, since the largest object makes the size of a slot.
    12 Signals: mio_st_signals_t => Box<Signals>,
    13 Process: mio_st_process_t => Process,
}

/// A handle that may go to another thread: all but that of signals, which lets in what its thread had blocked.
pub(crate) trait Travels: Handle {}

impl Travels for mio_st_poller_t {}
impl Travels for mio_st_tcp_listener_t {}
impl Travels for mio_st_tcp_stream_t {}
impl Travels for mio_st_udp_socket_t {}
impl Travels for mio_st_connected_udp_socket_t {}
impl Travels for mio_st_unix_stream_t {}
impl Travels for mio_st_unix_listener_t {}
impl Travels for mio_st_unix_datagram_t {}
impl Travels for mio_st_sender_t {}
impl Travels for mio_st_receiver_t {}
impl Travels for mio_st_process_t {}

/// The handles of one thread.
#[derive(Debug)]
pub(crate) struct Table {
    /// The number of the thread; 0 is nobody's.
    thread: u32,
    entries: Slots<Entry>,
    /// Registrations with a second poller, and further ones. Nearly always empty.
    more: Lists,
    /// The pollers that have come from other threads. Nearly always empty.
    moved: Vec<Moved>,
    /// How many handles are open, for other threads.
    live: &'static AtomicU32,
}

#[derive(Debug)]
pub(crate) struct Entry {
    object: Object,
    /// The poller that the object is registered with, or zero. It may be closed since, or be another thread's. What it is
    /// called here are the bits of its first handle, which it keeps when it goes to another thread.
    registered: u64,
    /// Further ones.
    more: List,
}

/// A poller that has come from another thread.
#[derive(Debug)]
struct Moved {
    /// The bits of its first handle.
    name: u64,
    /// Those of the handle that it has now.
    bits: u64,
}

/// What is on its way to another thread. What it was registered with in the first place is there as in an [`Entry`]; of
/// a poller it is its own name.
#[derive(Debug)]
pub(crate) struct Detached {
    object: Object,
    registered: u64,
    more: Vec<u64>,
}

// SAFETY: it is made of what `Travels` (see `Table::detach`), which is what `mio_st::poll::Detached` carries, and is used
// by nobody until it is taken out whole.
unsafe impl Send for Detached {}

impl Detached {
    pub(crate) fn kind(&self) -> u32 {
        self.object.kind()
    }

    /// Whether it is a poller of before a fork.
    pub(crate) fn is_forked(&self) -> bool {
        match &self.object {
            Object::Poller(poller) => poller.raw_is_forked(),
            _ => false,
        }
    }
}

/// The handle of a poller, if it is in this thread.
#[inline]
fn bits_of(moved: &[Moved], name: u64) -> u64 {
    moved.iter().find(|moved| moved.name == name).map_or(name, |moved| moved.bits)
}

/// What registrations call a poller.
#[inline]
fn name(moved: &[Moved], bits: u64) -> u64 {
    moved.iter().find(|moved| moved.bits == bits).map_or(bits, |moved| moved.name)
}

impl Table {
    /// `before`: how many tables this number had that are lost.
    pub(crate) const fn new(thread: u32, before: u32, live: &'static AtomicU32) -> Table {
        // So far apart that no slot of theirs has come to where this one begins.
        let first = 1 + before % (1 << (slots::GENERATION_BITS - APART)) * (1 << APART);
        let entries = Slots::since(first);
        Table { thread, entries, more: Lists::new(), moved: Vec::new(), live }
    }

    pub(crate) fn thread(&self) -> u32 {
        self.thread
    }

    /// Where its handles are kept, until the next is made. Before the first [`reserve`](Table::reserve) it is no place.
    #[inline]
    pub(crate) fn place(&mut self) -> Place<Entry> {
        self.entries.place()
    }

    /// Makes sure that the next [`open`](Table::open) finds memory: call it before what cannot be undone.
    pub(crate) fn reserve(&mut self) -> Result<()> {
        Ok(self.entries.reserve()?)
    }

    /// As [`reserve`](Table::reserve), for two handles.
    pub(crate) fn reserve_two(&mut self) -> Result<()> {
        Ok(self.entries.reserve_two()?)
    }

    /// Makes a handle of an object, for which [`reserve`](Table::reserve) has been called.
    pub(crate) fn open<H: Handle>(&mut self, object: H::Object) -> Result<H> {
        let bits = self.entries.insert(tag(H::KIND, self.thread), || Entry {
            object: H::wrap(object),
            registered: 0,
            more: List::EMPTY,
        });
        self.live.store(self.entries.live(), Ordering::Relaxed);
        bits.map(H::from_bits).ok_or(Error::of(libc::ENOMEM))
    }

    /// The object that a handle names.
    #[inline]
    pub(crate) fn get<H: Handle>(&mut self, handle: H) -> Result<&mut H::Object> {
        let entry = self.entries.get(handle.bits());
        if entry.and_then(|entry| H::find(&mut entry.object)).is_none() {
            return Err(refusal(handle.bits(), H::KIND, self.thread));
        }
        // Found again for the borrow checker, which the compiler makes one search of.
        let entry = self.entries.get(handle.bits());
        entry.and_then(|entry| H::find(&mut entry.object)).ok_or(BAD)
    }

    /// The poller that a handle names, unless the process was forked since it was made.
    #[inline]
    pub(crate) fn poller(&mut self, handle: mio_st_poller_t) -> Result<&mut Poller> {
        let poller = self.get(handle)?;
        if poller.raw_is_forked() { Err(Error::FORKED) } else { Ok(poller) }
    }

    /// The descriptor of what a handle names.
    #[inline]
    pub(crate) fn fd<H>(&mut self, handle: H) -> Result<RawFd>
    where
        H: Handle,
        H::Object: AsRawFd,
    {
        Ok(self.get(handle)?.as_raw_fd())
    }

    /// Takes the object out: the handle is closed.
    pub(crate) fn take<H: Handle>(&mut self, handle: H) -> Result<H::Object> {
        let (object, _, mut more) = self.take_registered(handle)?;
        self.more.retain(&mut more, |_| false);
        Ok(object)
    }

    /// As [`take`](Table::take), with the pollers that it is registered with.
    #[inline]
    fn take_registered<H: Handle>(&mut self, handle: H) -> Result<(H::Object, u64, List)> {
        self.get(handle)?;
        let bits = handle.bits();
        let Entry { object, registered, more } = self.remove(bits)?;
        if H::KIND == mio_st_poller_t::KIND {
            self.moved.retain(|moved| moved.bits != bits);
        }
        Ok((H::unwrap(object).ok_or(BAD)?, registered, more))
    }

    #[inline]
    fn remove(&mut self, bits: u64) -> Result<Entry> {
        let entry = self.entries.remove(bits);
        self.live.store(self.entries.live(), Ordering::Relaxed);
        entry.ok_or(BAD)
    }

    /// Makes another object of the one that a handle names, whose registrations go on. The old handle names
    /// nothing any more. [`reserve`](Table::reserve) has been called, since the slot may be used up.
    pub(crate) fn convert<H: Handle, N: Handle>(
        &mut self,
        handle: H,
        new: impl FnOnce(H::Object) -> N::Object,
    ) -> Result<N> {
        self.get(handle)?;
        let old = handle.bits();
        let entry = self.entries.remove(old).ok_or(BAD)?;
        let object = new(H::unwrap(entry.object).ok_or(BAD)?);
        let converted: N = self.open(object)?;
        if let Some(renewed) = self.entries.get(converted.bits()) {
            renewed.registered = entry.registered;
            renewed.more = entry.more;
        }
        Ok(converted)
    }

    /// Makes sure that a handle, which is good, may be detached.
    pub(crate) fn check_travels(&self, bits: u64) -> Result<()> {
        match self.entries.look(bits) {
            Some(Entry { object: Object::Poller(poller), .. }) if poller.raw_is_forked() => {
                Err(Error::FORKED)
            }
            _ => Ok(()),
        }
    }

    /// Takes an object out with what is known of its registrations: its handle, which [`Travels`], is closed.
    pub(crate) fn detach(&mut self, bits: u64, kind: u32) -> Result<Detached> {
        let (mut registered, list) = self.registrations(bits);
        let mut more = Vec::new();
        more.try_reserve_exact(self.more.iter(list).count())?;
        // There is room, so that this does not grow, which could panic.
        for poller in self.more.iter(list) {
            if more.len() < more.capacity() {
                more.push(poller);
            }
        }
        if kind == mio_st_poller_t::KIND {
            registered = name(&self.moved, bits);
            self.moved.retain(|moved| moved.bits != bits);
        }
        let mut entry = self.remove(bits)?;
        self.more.retain(&mut entry.more, |_| false);
        Ok(Detached { object: entry.object, registered, more })
    }

    /// Makes a handle of what was detached, for which [`reserve`](Table::reserve) has been called: its bits.
    pub(crate) fn attach(&mut self, mut taken: Taken<Detached>) -> Result<u64> {
        let mut more = List::EMPTY;
        let detached = taken.value();
        let reserved = detached.more.iter().try_for_each(|poller| {
            self.more.reserve()?;
            self.more.push(&mut more, *poller);
            Ok(())
        });
        if let Err(error) = reserved.and_then(|()| self.reserve_moved(detached)) {
            self.more.retain(&mut more, |_| false);
            return Err(error.into());
        }
        let Detached { mut object, mut registered, .. } = taken.keep();
        let arrived = match &mut object {
            Object::Poller(poller) => {
                poller.raw_arrive();
                registered = 0;
                self.moved.last_mut()
            }
            _ => None,
        };
        let tag = tag(object.kind(), self.thread);
        let bits = self.entries.insert(tag, || Entry { object, registered, more });
        self.live.store(self.entries.live(), Ordering::Relaxed);
        if let (Some(moved), Some(bits)) = (arrived, bits) {
            moved.bits = bits;
        }
        bits.ok_or(Error::of(libc::ENOMEM))
    }

    /// Takes note of a poller that is about to be attached.
    fn reserve_moved(&mut self, detached: &Detached) -> std::result::Result<(), TryReserveError> {
        if let Object::Poller(_) = detached.object {
            self.moved.try_reserve(1)?;
            self.moved.push(Moved { name: detached.registered, bits: 0 });
        }
        Ok(())
    }

    /// Closes an object, and ends its registrations.
    #[inline]
    pub(crate) fn close<H>(&mut self, handle: H) -> Result<()>
    where
        H: Handle,
        H::Object: AsRawFd,
    {
        let (object, registered, more) = self.take_registered(handle)?;
        self.end_registrations(object.as_raw_fd(), registered, more);
        drop(object);
        Ok(())
    }

    /// Ends the registrations that are known. Closing the descriptor would do so, unless there is a copy of it: a
    /// child has one from its start, by whatever means and thread, until its `exec`, which nobody here can see.
    #[inline]
    fn end_registrations(&mut self, fd: RawFd, registered: u64, more: List) {
        if !raw::CLOSING_DEREGISTERS && registered != 0 {
            end_registration(&mut self.entries, bits_of(&self.moved, registered), fd);
        }
        if more != List::EMPTY {
            self.end_further(fd, more);
        }
    }

    #[cold]
    #[inline(never)]
    fn end_further(&mut self, fd: RawFd, mut more: List) {
        let (entries, moved) = (&mut self.entries, &self.moved);
        self.more.retain(&mut more, |poller| {
            if !raw::CLOSING_DEREGISTERS {
                end_registration(entries, bits_of(moved, poller), fd);
            }
            false
        });
    }

    /// The function `…_into_fd` of a type.
    pub(crate) fn release_fd<H>(&mut self, handle: H) -> Result<c_int>
    where
        H: Handle,
        H::Object: IntoRawFd,
    {
        self.get(handle)?;
        if self.is_registered(handle.bits()) {
            return Err(Error::of(libc::EBUSY));
        }
        Ok(self.take(handle)?.into_raw_fd())
    }

    /// Closes everything.
    pub(crate) fn close_all(&mut self) {
        let mut from = 0;
        while self.entries.remove_any(&mut from).is_some() {}
        self.more = Lists::new();
        self.moved = Vec::new();
        self.live.store(0, Ordering::Relaxed);
    }

    /// The descriptor of what a handle names, before it is registered: the next
    /// [`note_registered`](Table::note_registered) finds memory.
    #[inline]
    pub(crate) fn fd_to_register<H>(&mut self, handle: H) -> Result<RawFd>
    where
        H: Handle,
        H::Object: AsRawFd,
    {
        let fd = self.fd(handle)?;
        if self.registrations(handle.bits()).0 != 0 {
            self.more.reserve()?;
        }
        Ok(fd)
    }

    /// Remembers that a handle is registered.
    #[inline]
    pub(crate) fn note_registered<H: Handle>(&mut self, handle: H, poller: mio_st_poller_t) {
        let poller = name(&self.moved, poller.bits);
        match self.entries.get(handle.bits()) {
            Some(entry) if entry.registered == 0 => entry.registered = poller,
            _ => self.note_registered_again(handle.bits(), poller),
        }
    }

    #[cold]
    fn note_registered_again(&mut self, bits: u64, poller: u64) {
        // It may have been noted already, and ended through the descriptor or with the poller.
        let (first, mut more) = self.registrations(bits);
        let (entries, moved) = (&self.entries, &self.moved);
        self.more.retain(&mut more, |other| {
            other != poller && entries.look(bits_of(moved, other)).is_some()
        });
        let mut registered = first;
        if !self.is_open(first) {
            registered = poller;
        } else if first != poller {
            // There is room: see `fd_to_register`.
            self.more.push(&mut more, poller);
        }
        if let Some(entry) = self.entries.get(bits) {
            (entry.registered, entry.more) = (registered, more);
        }
    }

    /// Forgets that a handle is registered.
    #[inline]
    pub(crate) fn note_deregistered<H: Handle>(&mut self, handle: H, poller: mio_st_poller_t) {
        let poller = name(&self.moved, poller.bits);
        let Some(entry) = self.entries.get(handle.bits()) else { return };
        if entry.registered == poller {
            entry.registered = 0;
        }
        // It may be noted twice: once ended through the descriptor, and made anew.
        self.more.retain(&mut entry.more, |other| other != poller);
    }

    /// Whether a handle is registered with a poller of this process. What a forked child has inherited is
    /// registered with the parent's.
    fn is_registered(&self, bits: u64) -> bool {
        let (first, more) = self.registrations(bits);
        let mut pollers = self.more.iter(more).chain([first]);
        pollers.any(|poller| match self.entries.look(bits_of(&self.moved, poller)) {
            Some(Entry { object: Object::Poller(poller), .. }) => !poller.raw_is_forked(),
            _ => false,
        })
    }

    /// The pollers that a handle is registered with: the first, and the others.
    #[inline]
    fn registrations(&self, bits: u64) -> (u64, List) {
        self.entries.look(bits).map_or((0, List::EMPTY), |entry| (entry.registered, entry.more))
    }

    fn is_open(&self, poller: u64) -> bool {
        self.entries.look(bits_of(&self.moved, poller)).is_some()
    }
}

/// Ends a registration, if there is one: it may have been ended through the descriptor, or with the poller.
#[inline]
fn end_registration(entries: &mut Slots<Entry>, poller: u64, fd: RawFd) {
    let Some(entry) = entries.get(poller) else { return };
    let Object::Poller(poller) = &mut entry.object else { return };
    // What a forked child closes stays registered with the parent's poller.
    poller.raw_forget(fd);
}

/// The object that a handle names, if it is there.
///
/// # Safety
///
/// As [`Place::get`].
#[inline(always)]
pub(crate) unsafe fn find<'a, H: Handle>(
    place: Place<Entry>,
    handle: H,
) -> Option<&'a mut H::Object> {
    // SAFETY: the caller's promise.
    let entry = unsafe { place.get(handle.bits()) }?;
    H::find(&mut entry.object)
}

/// Why the bits of a handle of a kind name nothing in the table of a thread.
#[cold]
#[inline(never)]
pub(crate) fn refusal(bits: u64, kind: u32, thread: u32) -> Error {
    let tag = slots::tag(bits);
    let of_thread = tag & ((1 << THREAD_BITS) - 1);
    let elsewhere = of_thread != 0 && of_thread != thread;
    if tag >> THREAD_BITS == kind && elsewhere { Error::WRONG_THREAD } else { BAD }
}

/// A `Box`, unless there is no memory.
pub(crate) fn try_box<T>(value: T) -> Result<Box<T>> {
    let layout = Layout::new::<T>();
    const { assert!(size_of::<T>() > 0) };
    // SAFETY: the size is not zero.
    let memory = unsafe { alloc(layout) }.cast::<T>();
    if memory.is_null() {
        return Err(Error::of(libc::ENOMEM));
    }
    // SAFETY: the memory is new and has the layout that a `Box` is freed with.
    unsafe {
        memory.write(value);
        Ok(Box::from_raw(memory))
    }
}
