//! Datagrams of 1,200 bytes from one socket to another, so many at a time: sent, then received. An operation is a
//! datagram. What is counted is the processor's time of both ends, which this one thread is; or of the sending
//! alone.
//!
//! `udp CONTENDER HOW AT-A-TIME loopback|veth|veth-sending ROUNDS`, where HOW is `plain`, one call a datagram;
//! `batch`; `gso`, cut by the system when sent, received as a batch; `gro`, and put together when received; `all`,
//! with the congestion notification and the address of this side too; `malloc`, as `gro`, but into memory that begins
//! where `malloc` has it, 16 bytes behind a page.

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::SocketAddr;
use std::slice;

use mio_st::net::{Datagram, Ecn, Transmit, UdpSocket};
use mio_st_benches::namespaces::{self, End};
use mio_st_benches::{Args, Outcome};

const SIZE: usize = 1_200;
/// The most that one call of the system's takes.
const RUN: usize = 65_507 / SIZE;
/// The memory for what is put together: pages.
const LARGE: usize = 1 << 16;
const PAGE: usize = 4_096;

#[derive(Copy, Clone, Debug, Eq, PartialEq)]
enum How {
    Plain,
    Batch,
    Gso,
    Gro,
    All,
    Malloc,
}

impl How {
    fn is_put_together(self) -> bool {
        matches!(self, How::Gro | How::All | How::Malloc)
    }
}

/// Two sockets, of which one sends to the other.
trait Pair {
    /// Sends so many, from `data`, which are that many datagrams.
    fn send(&mut self, data: &[u8]);
    /// Receives what there is, by one call; returns how many datagrams.
    fn receive(&mut self) -> usize;
}

fn main() {
    let (contender, mut args) = Args::new();
    let how = match args.word("how").as_str() {
        "plain" => How::Plain,
        "batch" => How::Batch,
        "gso" => How::Gso,
        "gro" => How::Gro,
        "all" => How::All,
        "malloc" => How::Malloc,
        other => panic!("no such way: {other}"),
    };
    let count = args.number("at a time");
    let place = args.word("place");
    let rounds = args.number("rounds");
    Outcome::print(match (contender.as_str(), how) {
        ("mio-st", _) => {
            run(&place, count, rounds, UdpSocket::bind, |ends| MioSt::new(ends, how, count))
        }
        ("quinn-udp", How::Gro | How::All) => {
            run(&place, count, rounds, bind_std, |ends| Quinn::new(ends, how, count))
        }
        ("mio", How::Plain) => run(&place, count, rounds, mio::net::UdpSocket::bind, Mio::new),
        ("raw-rust" | "mio" | "polling" | "mio-st-0.2.2" | "quinn-udp", _) => None,
        (name, _) => panic!("no such contender in Rust: {name}"),
    })
}

fn bind_std(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn run<S, P: Pair>(
    place: &str,
    count: usize,
    rounds: usize,
    bind: impl Fn(SocketAddr) -> io::Result<S>,
    new: impl FnOnce([S; 2]) -> P,
) -> Option<Outcome> {
    // Each end in its own place.
    let bind = |end: End| {
        let address = if place == "loopback" { "127.0.0.1:0" } else { namespaces::enter(end)? };
        Some(bind(address.parse().unwrap()).unwrap())
    };
    let mut pair = new([bind(End::Sender)?, bind(End::Receiver)?]);
    let data = vec![7; SIZE * count];
    let receive_all = |pair: &mut P| {
        let mut received = 0;
        while received < count {
            received += pair.receive();
        }
        assert_eq!(received, count);
    };
    // The first finds the way.
    pair.send(&data);
    receive_all(&mut pair);
    if place != "veth-sending" {
        return Some(Outcome::of(|| {
            for _ in 0..rounds {
                pair.send(&data);
                receive_all(&mut pair);
            }
            (rounds * count) as u64
        }));
    }
    let mut sum = Outcome::default();
    for _ in 0..rounds {
        let Outcome { operations, wall, cpu } = Outcome::of(|| {
            pair.send(&data);
            count as u64
        });
        sum.operations += operations;
        sum.wall += wall;
        sum.cpu += cpu;
        receive_all(&mut pair);
    }
    Some(sum)
}

/// So many bytes, so far behind the beginning of a page.
fn memory(len: usize, behind: usize) -> &'static mut [u8] {
    let memory = vec![0; len + 2 * PAGE].leak();
    let page = memory.as_ptr().align_offset(PAGE);
    &mut memory[page + behind..][..len]
}

/// What was received; nothing if there is nothing yet.
fn received<T: Default>(result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| match error.kind() {
        ErrorKind::WouldBlock => T::default(),
        _ => panic!("{error}"),
    })
}

struct MioSt {
    sender: UdpSocket,
    receiver: UdpSocket,
    target: SocketAddr,
    source: SocketAddr,
    how: How,
    buffer: [u8; SIZE],
    datagrams: Vec<Datagram<'static>>,
}

impl MioSt {
    fn new([sender, receiver]: [UdpSocket; 2], how: How, count: usize) -> MioSt {
        let (source, target) = (sender.local_addr().unwrap(), receiver.local_addr().unwrap());
        let size = if how.is_put_together() { LARGE } else { SIZE };
        if how.is_put_together() {
            receiver.set_gro(true).unwrap();
        }
        if how == How::All {
            receiver.set_recv_local(true).unwrap();
            receiver.set_recv_traffic_class(true).unwrap();
        }
        let memory = memory(size * count, if how == How::Malloc { 16 } else { 0 });
        let datagrams = memory.chunks_mut(size).map(Datagram::new).collect();
        MioSt { sender, receiver, target, source, how, buffer: [0; SIZE], datagrams }
    }
}

impl Pair for MioSt {
    fn send(&mut self, data: &[u8]) {
        let target = self.target;
        match self.how {
            How::Plain => {
                for data in data.chunks_exact(SIZE) {
                    assert_eq!(self.sender.send_to(data, target).unwrap(), SIZE);
                }
            }
            How::Batch => {
                let batch = data.chunks_exact(SIZE).map(|data| (data, target));
                assert_eq!(self.sender.send_batch(batch).unwrap(), data.len() / SIZE);
            }
            How::Gso | How::Gro | How::All | How::Malloc => {
                let mut run = Transmit::new(data).target(target).segment_size(SIZE);
                if self.how == How::All {
                    run = run.ecn(Ecn::Ect0).source(self.source.ip());
                }
                assert_eq!(self.sender.send_transmits(slice::from_mut(&mut run)).unwrap(), 1);
            }
        }
    }

    fn receive(&mut self) -> usize {
        if self.how == How::Plain {
            return received(self.receiver.recv_from(&mut self.buffer).map(|_| 1));
        }
        let count = received(self.receiver.recv_batch(&mut self.datagrams));
        let datagrams = &self.datagrams[..count];
        if self.how == How::All {
            assert!(datagrams.iter().all(|one| one.ecn().is_some() && one.local().is_some()));
        }
        datagrams.iter().map(|datagram| datagram.segments().len()).sum()
    }
}

struct Mio {
    sender: mio::net::UdpSocket,
    receiver: mio::net::UdpSocket,
    target: SocketAddr,
    buffer: [u8; SIZE],
}

impl Mio {
    fn new([sender, receiver]: [mio::net::UdpSocket; 2]) -> Mio {
        let target = receiver.local_addr().unwrap();
        Mio { sender, receiver, target, buffer: [0; SIZE] }
    }
}

impl Pair for Mio {
    fn send(&mut self, data: &[u8]) {
        for data in data.chunks_exact(SIZE) {
            assert_eq!(self.sender.send_to(data, self.target).unwrap(), SIZE);
        }
    }

    fn receive(&mut self) -> usize {
        received(self.receiver.recv_from(&mut self.buffer).map(|_| 1))
    }
}

/// It always asks for the congestion notification and the address.
struct Quinn {
    ends: [std::net::UdpSocket; 2],
    states: [quinn_udp::UdpSocketState; 2],
    target: SocketAddr,
    source: SocketAddr,
    how: How,
    buffers: Vec<IoSliceMut<'static>>,
    meta: Vec<quinn_udp::RecvMeta>,
}

impl Quinn {
    fn new(ends: [std::net::UdpSocket; 2], how: How, count: usize) -> Quinn {
        let states = [0, 1].map(|end| quinn_udp::UdpSocketState::new((&ends[end]).into()).unwrap());
        let count = count.min(quinn_udp::BATCH_SIZE);
        let memory = memory(LARGE * count, 0);
        Quinn {
            states,
            source: ends[0].local_addr().unwrap(),
            target: ends[1].local_addr().unwrap(),
            ends,
            how,
            buffers: memory.chunks_mut(LARGE).map(IoSliceMut::new).collect(),
            meta: vec![quinn_udp::RecvMeta::default(); count],
        }
    }
}

impl Pair for Quinn {
    fn send(&mut self, data: &[u8]) {
        let all = self.how == How::All;
        for contents in data.chunks(SIZE * RUN) {
            let transmit = quinn_udp::Transmit {
                destination: self.target,
                ecn: all.then_some(quinn_udp::EcnCodepoint::Ect0),
                contents,
                segment_size: (contents.len() > SIZE).then_some(SIZE),
                src_ip: all.then_some(self.source.ip()),
            };
            self.states[0].send((&self.ends[0]).into(), &transmit).unwrap();
        }
    }

    fn receive(&mut self) -> usize {
        let socket = (&self.ends[1]).into();
        let count = received(self.states[1].recv(socket, &mut self.buffers, &mut self.meta));
        self.meta[..count].iter().map(|meta| meta.len.div_ceil(meta.stride)).sum()
    }
}
