//! A QUIC endpoint over one poller: quinn-proto has the protocol and no I/O, and mio-st has the I/O.
//!
//! What is received may be runs of datagrams (`set_gro`), and tells its congestion notification and the address that
//! it was sent to; what is sent is runs, too, with the same. Each connection has one deadline, which is moved to
//! whenever the protocol has something to do next.

use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::slice;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use mio_st::net::{Datagram, Ecn, MtuDiscovery, Transmit, UdpSocket};
use mio_st::poll::{Checks, DeadlineKey, Interests, Problem};
use mio_st::{EventedId, Events, PollOption, Poller, Ready};
use quinn_proto as proto;
use quinn_proto::{
    ClientConfig, Connection, ConnectionHandle, DatagramEvent, Dir, EcnCodepoint, Endpoint,
    EndpointConfig, ServerConfig, StreamEvent, StreamId,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

mod streams;

pub use streams::{Asked, Echo, Streams};

const SOCKET: EventedId = EventedId(0);

/// A run has up to 64 KB, and memory for it begins at a page: some processors copy several times more slowly to an
/// address that is a few bytes behind one.
const LARGEST: usize = 1 << 16;
const PAGE: usize = 4_096;
/// So many runs are received by one call.
const RUNS: usize = 16;
/// So many datagrams are sent as a run.
const SEGMENTS: usize = 32;

/// An endpoint, a server or a client, with its connections.
pub struct Node<S> {
    poller: Poller,
    events: Events,
    socket: UdpSocket,
    endpoint: Endpoint,
    connections: HashMap<ConnectionHandle, Link<S>>,
    /// Those that something has happened to.
    touched: Vec<ConnectionHandle>,
    /// What the socket had no room for: nothing else is sent before.
    unsent: VecDeque<Outgoing>,
    /// Whether the poller is to tell that there is room.
    waits_for_room: bool,
    memory: Vec<u8>,
    loss: Loss,
    accept: Option<fn() -> S>,
    pub counts: Counts,
}

/// What has happened so far.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Messages that were received, and datagrams in them.
    pub received: usize,
    pub datagrams: usize,
    /// Of the messages, those that told that the sender takes part in congestion notification.
    pub with_ecn: usize,
    /// Runs that were sent by one call.
    pub runs: usize,
    /// Datagrams that were lost on purpose.
    pub lost: usize,
    /// What the poller has found wrong with this program, with MIO_ST_CHECKS=1 in the environment.
    pub complaints: usize,
}

struct Link<S> {
    connection: Connection,
    streams: S,
    deadline: Option<DeadlineKey>,
}

/// A datagram or a run that is on its way out.
struct Outgoing {
    data: Vec<u8>,
    transmit: proto::Transmit,
    /// How many bytes of it were sent.
    sent: usize,
}

/// Loses one of so many datagrams, in both directions, by chance that is the same in every run; 0: none.
pub struct Loss {
    one_of: u64,
    state: u64,
}

impl Loss {
    pub fn none() -> Loss {
        Loss::one_of(0)
    }

    pub fn one_of(one_of: u64) -> Loss {
        Loss { one_of, state: 1 }
    }

    fn happens(&mut self, counts: &mut Counts) -> bool {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let happens = self.one_of > 0 && (self.state >> 33).is_multiple_of(self.one_of);
        counts.lost += usize::from(happens);
        happens
    }
}

impl<S: Streams> Node<S> {
    /// An endpoint that is bound to an address. With a configuration it is a server, too, and makes the streams of
    /// each connection.
    pub fn bind(
        address: SocketAddr,
        server: Option<(ServerConfig, fn() -> S)>,
        loss: Loss,
    ) -> io::Result<Node<S>> {
        let mut socket = UdpSocket::bind(address)?;
        // A server may be asked at any of its addresses, and answers from that.
        socket.set_recv_local(true)?;
        // Neither is everywhere.
        let _ = socket.set_recv_traffic_class(true);
        let _ = socket.set_gro(true);
        let finds_mtu = socket.set_mtu_discovery(MtuDiscovery::Probe).is_ok();

        let mut poller = Poller::new()?;
        if std::env::var_os("MIO_ST_CHECKS").is_some_and(|value| value == "1") {
            poller.set_checks(Checks::ALL)?;
        }
        poller.register(&mut socket, SOCKET, Interests::READABLE, PollOption::Level)?;
        let (config, accept) = server.map(|(config, accept)| (Arc::new(config), accept)).unzip();
        Ok(Node {
            poller,
            events: Events::new(),
            socket,
            endpoint: Endpoint::new(Arc::new(EndpointConfig::default()), config, finds_mtu, None),
            connections: HashMap::new(),
            touched: Vec::new(),
            unsent: VecDeque::new(),
            waits_for_room: false,
            memory: vec![0; RUNS * LARGEST + PAGE],
            loss,
            accept,
            counts: Counts::default(),
        })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Begins a connection.
    pub fn connect(
        &mut self,
        config: ClientConfig,
        server: SocketAddr,
        name: &str,
        streams: S,
    ) -> io::Result<()> {
        let (handle, connection) = self
            .endpoint
            .connect(Instant::now(), config, server, name)
            .map_err(io::Error::other)?;
        self.add(handle, connection, streams);
        self.drive()
    }

    /// Whether there is no connection.
    pub fn is_idle(&self) -> bool {
        self.connections.is_empty()
    }

    /// Waits for something to happen, and does what is to be done then.
    pub fn turn(&mut self) -> io::Result<()> {
        self.poller.poll(&mut self.events, None)?;
        while let Some(complaint) = self.poller.next_complaint() {
            eprintln!("complaint: {complaint}");
            // That it was not there may be a busy machine's fault.
            self.counts.complaints += usize::from(complaint.problem() != Problem::Stalled);
        }
        let (mut readable, mut writable) = (false, false);
        for event in &mut self.events {
            match event.id() {
                SOCKET => {
                    readable |= event.readiness().contains(Ready::READABLE);
                    writable |= event.readiness().contains(Ready::WRITABLE);
                }
                EventedId(id) => {
                    let handle = ConnectionHandle(id - 1);
                    if let Some(link) = self.connections.get_mut(&handle) {
                        link.connection.handle_timeout(Instant::now());
                        self.touched.push(handle);
                    }
                }
            }
        }
        if writable {
            self.send_unsent()?;
            self.touched.extend(self.connections.keys());
        }
        if readable {
            self.receive()?;
        }
        self.drive()?;
        if self.waits_for_room == self.unsent.is_empty() {
            self.waits_for_room = !self.waits_for_room;
            let interests = if self.waits_for_room { Interests::BOTH } else { Interests::READABLE };
            self.poller.reregister(&mut self.socket, SOCKET, interests, PollOption::Level)?;
        }
        Ok(())
    }

    /// Receives a batch: the deadlines have their turn before the next.
    fn receive(&mut self) -> io::Result<()> {
        let page = self.memory.as_ptr().align_offset(PAGE);
        let memory = self.memory[page..].chunks_exact_mut(LARGEST);
        let mut datagrams: Vec<_> = memory.map(Datagram::new).collect();
        let count = match self.socket.recv_batch(&mut datagrams) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            // Somebody is gone: what the protocol does about it takes its time.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(()),
            Err(error) => return Err(error),
        };
        let now = Instant::now();
        for datagram in &datagrams[..count] {
            let Some(sender) = datagram.sender() else { continue };
            self.counts.received += 1;
            self.counts.datagrams += datagram.segments().len();
            self.counts.with_ecn +=
                usize::from(datagram.ecn().is_some_and(|ecn| ecn != Ecn::NotEct));
            let ecn = datagram.ecn().and_then(|ecn| EcnCodepoint::from_bits(ecn as u8));
            for segment in datagram.segments() {
                if self.loss.happens(&mut self.counts) {
                    continue;
                }
                let mut answer = Vec::new();
                let (local, data) = (datagram.local(), BytesMut::from(segment));
                match self.endpoint.handle(now, sender, local, ecn, data, &mut answer) {
                    Some(DatagramEvent::ConnectionEvent(handle, event)) => {
                        if let Some(link) = self.connections.get_mut(&handle) {
                            link.connection.handle_event(event);
                            self.touched.push(handle);
                        }
                    }
                    Some(DatagramEvent::NewConnection(incoming)) => {
                        let Some(accept) = self.accept else { continue };
                        match self.endpoint.accept(incoming, now, &mut answer, None) {
                            Ok((handle, connection)) => {
                                let streams = accept();
                                self.connections
                                    .insert(handle, Link { connection, streams, deadline: None });
                                self.touched.push(handle);
                            }
                            Err(error) => {
                                if let Some(transmit) = error.response {
                                    self.unsent.push_back(Outgoing::new(answer, transmit));
                                }
                            }
                        }
                    }
                    Some(DatagramEvent::Response(transmit)) => {
                        self.unsent.push_back(Outgoing::new(answer, transmit));
                    }
                    None => {}
                }
            }
        }
        self.send_unsent()
    }

    fn add(&mut self, handle: ConnectionHandle, connection: Connection, streams: S) {
        self.connections.insert(handle, Link { connection, streams, deadline: None });
        self.touched.push(handle);
    }

    /// Lets the connections that something has happened to go on.
    fn drive(&mut self) -> io::Result<()> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        for handle in touched.drain(..) {
            self.drive_one(handle)?;
        }
        self.touched = touched;
        Ok(())
    }

    fn drive_one(&mut self, handle: ConnectionHandle) -> io::Result<()> {
        let Some(mut link) = self.connections.remove(&handle) else { return Ok(()) };
        let now = Instant::now();
        loop {
            while let Some(event) = link.connection.poll_endpoint_events() {
                if let Some(event) = self.endpoint.handle_event(handle, event) {
                    link.connection.handle_event(event);
                }
            }
            let Some(event) = link.connection.poll() else { break };
            link.streams.happened(&mut link.connection, event);
        }
        while self.unsent.is_empty() {
            let mut data = Vec::new();
            let most = self.socket.max_segments().min(SEGMENTS);
            let Some(transmit) = link.connection.poll_transmit(now, most, &mut data) else { break };
            let mut outgoing = Outgoing::new(data, transmit);
            if self.loss.happens(&mut self.counts) {
                // One of a run, or all there is.
                outgoing.sent = outgoing.transmit.segment_size.unwrap_or(usize::MAX);
            }
            self.unsent.push_back(outgoing);
            self.send_unsent()?;
        }
        if link.connection.is_drained() {
            if let Some(key) = link.deadline {
                self.poller.cancel_deadline(key);
            }
            return Ok(());
        }
        let id = EventedId(handle.0 + 1);
        link.deadline = match (link.connection.poll_timeout(), link.deadline) {
            (Some(at), Some(key)) => Some(self.poller.move_or_add_deadline(key, id, at)),
            (Some(at), None) => Some(self.poller.add_deadline(id, at)),
            (None, Some(key)) => {
                self.poller.cancel_deadline(key);
                None
            }
            (None, None) => None,
        };
        self.connections.insert(handle, link);
        Ok(())
    }

    /// Sends what waits, as far as there is room.
    fn send_unsent(&mut self) -> io::Result<()> {
        while let Some(first) = self.unsent.front_mut() {
            let rest = first.data.get(first.sent..).unwrap_or_default();
            if rest.is_empty() {
                self.unsent.pop_front();
                continue;
            }
            let mut transmit = Transmit::new(rest).target(first.transmit.destination);
            if let Some(size) = first.transmit.segment_size {
                transmit = transmit.segment_size(size);
            }
            if let Some(source) = first.transmit.src_ip {
                transmit = transmit.source(source);
            }
            transmit = match first.transmit.ecn {
                Some(EcnCodepoint::Ect0) => transmit.ecn(Ecn::Ect0),
                Some(EcnCodepoint::Ect1) => transmit.ecn(Ecn::Ect1),
                Some(EcnCodepoint::Ce) => transmit.ecn(Ecn::Ce),
                None => transmit,
            };
            self.counts.runs += usize::from(first.transmit.segment_size.is_some());
            let result = self.socket.send_transmits(slice::from_mut(&mut transmit));
            first.sent = first.data.len() - transmit.remaining().len();
            match result {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // As if it were lost on its way: too long for the path, nobody there, no route.
                Err(_) => first.sent = first.data.len(),
            }
        }
        Ok(())
    }
}

impl Outgoing {
    fn new(mut data: Vec<u8>, transmit: proto::Transmit) -> Outgoing {
        data.truncate(transmit.size);
        Outgoing { data, transmit, sent: 0 }
    }
}

/// A server's configuration with a certificate for `localhost` of its own, and that certificate.
pub fn self_signed() -> Result<(ServerConfig, CertificateDer<'static>), Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".into()])?;
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    Ok((ServerConfig::with_single_cert(vec![certificate.clone()], key)?, certificate))
}

/// What waits to be written to a stream, and whether that is all.
#[derive(Default)]
struct Backlog {
    chunks: VecDeque<Bytes>,
    is_all: bool,
}

impl Backlog {
    /// Writes as much as the peer takes; whether that was all. An error: the stream is gone.
    fn write(&mut self, connection: &mut Connection, id: StreamId) -> Result<bool, ()> {
        while !self.chunks.is_empty() {
            let chunks = self.chunks.make_contiguous();
            match connection.send_stream(id).write_chunks(chunks) {
                Ok(written) => drop(self.chunks.drain(..written.chunks)),
                Err(proto::WriteError::Blocked) => return Ok(false),
                Err(_) => return Err(()),
            }
        }
        Ok(true)
    }
}
