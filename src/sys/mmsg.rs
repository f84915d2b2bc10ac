//! Several datagrams in one system call: `sendmmsg(2)`, `recvmmsg(2)`. Where there is none, one by one.

use std::io;

use crate::net::Datagram;
use crate::sys::Fd;
use crate::sys::socket::Addr;

pub(crate) use self::imp::{recv, send};

/// The most datagrams that one call takes: their headers are on the stack, 14 KB of them. Beyond this
/// the cost of entering the kernel is shared well enough.
pub(crate) const MAX: usize = 64;

#[cfg(not(bsd))]
mod imp {
    use std::io::{IoSlice, IoSliceMut};
    use std::mem::{self, MaybeUninit};
    use std::ptr;

    use libc::mmsghdr;

    use super::*;
    use crate::sys::socket::NO_SIGNAL;

    /// Headers of messages, and what they point to. `B` has the layout of an iovec.
    struct Messages<B> {
        headers: [MaybeUninit<mmsghdr>; MAX],
        buffers: [MaybeUninit<B>; MAX],
        addresses: [MaybeUninit<Addr>; MAX],
        len: usize,
    }

    impl<B> Messages<B> {
        fn new() -> Messages<B> {
            Messages {
                headers: [const { MaybeUninit::uninit() }; MAX],
                buffers: [const { MaybeUninit::uninit() }; MAX],
                addresses: [const { MaybeUninit::uninit() }; MAX],
                len: 0,
            }
        }

        /// Adds a message; at most `MAX` are added.
        fn push(&mut self, buffer: B, address: Option<Addr>) {
            // Not looked up again: the compiler knows that it is in bounds.
            let n = self.len;
            if n >= MAX {
                return;
            }
            // SAFETY: all-zero is a valid mmsghdr: it is made of integers and pointers.
            let mut header: mmsghdr = unsafe { mem::zeroed() };
            header.msg_hdr.msg_iovlen = 1;
            if let Some(address) = address {
                header.msg_hdr.msg_namelen = address.len;
                self.addresses[n].write(address);
            }
            self.buffers[n].write(buffer);
            self.headers[n].write(header);
            self.len = n + 1;
        }

        /// Lets the headers point to the buffers and addresses. The result is good for one call, while
        /// nothing is moved or pushed.
        fn link(&mut self) -> *mut mmsghdr {
            let buffers = self.buffers.as_mut_ptr();
            let addresses = self.addresses.as_mut_ptr();
            for (i, header) in self.headers.iter_mut().take(self.len).enumerate() {
                // SAFETY: the first `len` headers have been written.
                let header = unsafe { &mut header.assume_init_mut().msg_hdr };
                header.msg_iov = buffers.wrapping_add(i).cast();
                if header.msg_namelen > 0 {
                    header.msg_name = addresses.wrapping_add(i).cast();
                }
            }
            self.headers.as_mut_ptr().cast()
        }
    }

    /// Receives into as many of `datagrams` as the call takes; returns how many it filled.
    pub(crate) fn recv(fd: &Fd, datagrams: &mut [Datagram<'_>]) -> io::Result<usize> {
        let mut messages = Messages::new();
        for datagram in datagrams.iter_mut().take(MAX) {
            messages.push(IoSliceMut::new(datagram.buffer_mut()), Some(Addr::unset()));
        }
        let (headers, len) = (messages.link(), messages.len);
        // SAFETY: the headers are `len`, and point to buffers and addresses that are ours to write; an
        // `IoSliceMut` has the layout of an iovec, and an `Addr` begins with a sockaddr_storage.
        let count = unsafe { syscall!(recvmmsg(fd.raw(), headers, len as _, 0, ptr::null_mut())) }?
            as usize;
        let Messages { ref headers, ref addresses, .. } = messages;
        for ((datagram, header), address) in
            datagrams.iter_mut().zip(headers).zip(addresses).take(count)
        {
            // SAFETY: as many as the call filled had been written before.
            let (header, mut address) =
                unsafe { (header.assume_init_ref(), address.assume_init()) };
            address.len = header.msg_hdr.msg_namelen;
            datagram.received(header.msg_len as usize, &address, header.msg_hdr.msg_flags);
        }
        Ok(count)
    }

    /// Sends as many of `messages` as the call takes and the system has room for; returns how many.
    pub(crate) fn send<'a>(
        fd: &Fd,
        messages: impl Iterator<Item = (&'a [u8], Option<Addr>)>,
    ) -> io::Result<usize> {
        let mut batch = Messages::new();
        for (buffer, address) in messages.take(MAX) {
            batch.push(IoSlice::new(buffer), address);
        }
        let (headers, len) = (batch.link(), batch.len);
        // SAFETY: the headers are `len`, and point to buffers and addresses; an `IoSlice` has the layout
        // of an iovec, and an `Addr` begins with a sockaddr_storage.
        unsafe { syscall!(sendmmsg(fd.raw(), headers, len as _, NO_SIGNAL as _)) }
            .map(|n| n as usize)
    }
}

#[cfg(bsd)]
mod imp {
    use std::io::IoSliceMut;

    use super::*;
    use crate::sys::socket;

    /// Receives into as many of `datagrams` as there is something for; returns how many.
    pub(crate) fn recv(fd: &Fd, datagrams: &mut [Datagram<'_>]) -> io::Result<usize> {
        each(datagrams.iter_mut(), |datagram| {
            let mut buffer = [IoSliceMut::new(datagram.buffer_mut())];
            let (len, address, flags) = socket::recv_message(fd, &mut buffer)?;
            datagram.received(len, &address, flags);
            Ok(())
        })
    }

    /// Sends as many of `messages` as the system has room for; returns how many.
    pub(crate) fn send<'a>(
        fd: &Fd,
        messages: impl Iterator<Item = (&'a [u8], Option<Addr>)>,
    ) -> io::Result<usize> {
        each(messages, |(buffer, address)| match address {
            Some(address) => socket::send_to(fd, buffer, &address).map(drop),
            None => socket::send(fd, buffer).map(drop),
        })
    }

    /// How many went well before the first that did not; its error, if it was the first of all.
    fn each<T>(
        items: impl Iterator<Item = T>,
        mut transfer: impl FnMut(T) -> io::Result<()>,
    ) -> io::Result<usize> {
        let mut count = 0;
        for item in items.take(MAX) {
            match transfer(item) {
                Ok(()) => count += 1,
                Err(error) if count == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(count)
    }
}
