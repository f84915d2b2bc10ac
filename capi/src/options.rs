//! The builders, whose part in C a struct has; keepalive and linger.

use std::ffi::c_int;
use std::net::SocketAddr;
use std::time::Duration;

use mio_st::net::{Keepalive, TcpListenerBuilder, TcpStreamBuilder, UdpSocketBuilder};
use mio_st::unix::UnixListenerBuilder;

use crate::abi::*;
use crate::addr;
use crate::error::{Error, Result};
use crate::memory;

const INVALID: Error = Error::of(libc::EINVAL);

/// A struct of a later version has zeros behind what is known here, and no more of them than this.
const MOST: usize = 4096;

/// Flags that all sockets have.
const ANY: u32 = MIO_ST_SOCKET_REUSE_ADDRESS
    | MIO_ST_SOCKET_NO_REUSE_ADDRESS
    | MIO_ST_SOCKET_REUSE_PORT
    | MIO_ST_SOCKET_ONLY_V6
    | MIO_ST_SOCKET_DUAL_STACK;
/// Flags that TCP sockets have.
const TCP: u32 = MIO_ST_SOCKET_NODELAY | MIO_ST_SOCKET_KEEPALIVE;

/// Options that were looked at, for a kind of socket.
pub(crate) struct Options {
    reuse_address: Option<bool>,
    reuse_port: bool,
    only_v6: Option<bool>,
    nodelay: bool,
    keepalive: Option<Keepalive>,
    backlog: u32,
    send_buffer_size: usize,
    recv_buffer_size: usize,
    local: Option<SocketAddr>,
}

/// Tells a builder the options of every kind of socket. (The builders have no trait in common.)
macro_rules! set_any {
    ($options:ident, $builder:expr) => {{
        let mut builder = $builder.reuse_port($options.reuse_port);
        if let Some(reuse) = $options.reuse_address {
            builder = builder.reuse_address(reuse);
        }
        if let Some(only) = $options.only_v6 {
            builder = builder.only_v6(only);
        }
        if $options.send_buffer_size > 0 {
            builder = builder.send_buffer_size($options.send_buffer_size);
        }
        if $options.recv_buffer_size > 0 {
            builder = builder.recv_buffer_size($options.recv_buffer_size);
        }
        builder
    }};
}

/// Tells a builder the options of TCP sockets.
macro_rules! set_tcp {
    ($options:ident, $builder:expr) => {{
        let builder = $builder.nodelay($options.nodelay);
        match $options.keepalive {
            Some(keepalive) => builder.keepalive(keepalive),
            None => builder,
        }
    }};
}

/// Reads the struct, which may be of another version.
///
/// # Safety
///
/// `options` is NULL, or begins with its size, and so many bytes can be read.
unsafe fn copy(options: *const mio_st_socket_options_t) -> Result<mio_st_socket_options_t> {
    const SIZE: usize = size_of::<mio_st_socket_options_t>();
    if options.is_null() || !options.is_aligned() {
        return Err(INVALID);
    }
    // SAFETY: the caller's promise.
    let size = unsafe { (&raw const (*options).size).read() };
    // There is no version before this one.
    if !(SIZE..=MOST).contains(&size) {
        return Err(INVALID);
    }
    // SAFETY: the caller's promise.
    let later = unsafe { memory::bytes_in(options.cast::<u8>().add(SIZE).cast(), size - SIZE) }?;
    if later.iter().any(|byte| *byte != 0) {
        return Err(INVALID);
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { options.read() })
}

/// One of two flags, or none.
fn choice(flags: u32, yes: u32, no: u32) -> Result<Option<bool>> {
    match (flags & yes != 0, flags & no != 0) {
        (true, true) => Err(INVALID),
        (false, false) => Ok(None),
        (yes, _) => Ok(Some(yes)),
    }
}

fn in_range(size: usize) -> Result<usize> {
    if size > c_int::MAX as usize { Err(INVALID) } else { Ok(size) }
}

impl Options {
    /// # Safety
    ///
    /// As [`copy`], and `local` is NULL or an address of `local_length` bytes.
    unsafe fn read(
        options: *const mio_st_socket_options_t,
        flags: u32,
        backlog: bool,
        local: bool,
    ) -> Result<Options> {
        // SAFETY: the caller's promise.
        let options = unsafe { copy(options) }?;
        let set = options.flags;
        let no_local = options.local.is_null();
        if set & !flags != 0
            || (options.backlog != 0 && !backlog)
            || (!no_local && !local)
            || (no_local && options.local_length != 0)
        {
            return Err(INVALID);
        }
        let keepalive = if set & MIO_ST_SOCKET_KEEPALIVE != 0 {
            Some(keepalive(options.keepalive)?)
        } else {
            None
        };
        let local = if no_local {
            None
        } else {
            // SAFETY: the caller's promise.
            Some(unsafe { addr::read(options.local, options.local_length) }?)
        };
        let (yes, no) = (MIO_ST_SOCKET_REUSE_ADDRESS, MIO_ST_SOCKET_NO_REUSE_ADDRESS);
        Ok(Options {
            reuse_address: choice(set, yes, no)?,
            reuse_port: set & MIO_ST_SOCKET_REUSE_PORT != 0,
            only_v6: choice(set, MIO_ST_SOCKET_ONLY_V6, MIO_ST_SOCKET_DUAL_STACK)?,
            nodelay: set & MIO_ST_SOCKET_NODELAY != 0,
            keepalive,
            backlog: options.backlog,
            send_buffer_size: in_range(options.send_buffer_size)?,
            recv_buffer_size: in_range(options.recv_buffer_size)?,
            local,
        })
    }

    /// # Safety
    ///
    /// As [`read`](Options::read).
    pub(crate) unsafe fn listener(
        options: *const mio_st_socket_options_t,
    ) -> Result<TcpListenerBuilder> {
        // SAFETY: the caller's promise.
        let options = unsafe { Options::read(options, ANY | TCP, true, false) }?;
        let mut builder = set_tcp!(options, set_any!(options, TcpListenerBuilder::new()));
        if options.backlog > 0 {
            builder = builder.backlog(options.backlog);
        }
        Ok(builder)
    }

    /// # Safety
    ///
    /// As [`read`](Options::read).
    pub(crate) unsafe fn unix_listener(
        options: *const mio_st_socket_options_t,
    ) -> Result<UnixListenerBuilder> {
        // SAFETY: the caller's promise.
        let options = unsafe { Options::read(options, 0, true, false) }?;
        let mut builder = UnixListenerBuilder::new();
        if options.backlog > 0 {
            builder = builder.backlog(options.backlog);
        }
        if options.send_buffer_size > 0 {
            builder = builder.send_buffer_size(options.send_buffer_size);
        }
        if options.recv_buffer_size > 0 {
            builder = builder.recv_buffer_size(options.recv_buffer_size);
        }
        Ok(builder)
    }

    /// # Safety
    ///
    /// As [`read`](Options::read).
    pub(crate) unsafe fn stream(
        options: *const mio_st_socket_options_t,
    ) -> Result<TcpStreamBuilder> {
        // SAFETY: the caller's promise.
        let options = unsafe { Options::read(options, ANY | TCP, false, true) }?;
        let mut builder = set_tcp!(options, set_any!(options, TcpStreamBuilder::new()));
        if let Some(local) = options.local {
            builder = builder.bind(local);
        }
        Ok(builder)
    }

    /// # Safety
    ///
    /// As [`read`](Options::read).
    pub(crate) unsafe fn udp(options: *const mio_st_socket_options_t) -> Result<UdpSocketBuilder> {
        // SAFETY: the caller's promise.
        let options = unsafe { Options::read(options, ANY, false, false) }?;
        Ok(set_any!(options, UdpSocketBuilder::new()))
    }
}

/// Keepalive as Rust has it. What does not fit an `int` is refused here, since the error of the core takes
/// memory.
pub(crate) fn keepalive(keepalive: mio_st_keepalive_t) -> Result<Keepalive> {
    let mio_st_keepalive_t { idle_seconds, interval_seconds, count } = keepalive;
    for value in [idle_seconds, interval_seconds, count] {
        in_range(value as usize)?;
    }
    let seconds = |seconds: u32| (seconds > 0).then(|| Duration::from_secs(seconds.into()));
    Ok(Keepalive {
        idle: seconds(idle_seconds),
        interval: seconds(interval_seconds),
        count: (count > 0).then_some(count),
    })
}
