//! What is done with the streams of a connection: a server sends all of them back, and a client asks.

use std::collections::HashMap;

use quinn_proto::{Event, ReadError, VarInt};

use super::*;

/// What somebody does with the streams of a connection.
pub trait Streams {
    /// Something has happened to the connection.
    fn happened(&mut self, connection: &mut Connection, event: Event);
}

/// Sends back what comes in by each stream. It reads no more from a stream than its peer takes.
#[derive(Default)]
pub struct Echo {
    streams: HashMap<StreamId, Backlog>,
}

impl Streams for Echo {
    fn happened(&mut self, connection: &mut Connection, event: Event) {
        match event {
            Event::Stream(StreamEvent::Opened { dir: Dir::Bi }) => {
                while let Some(id) = connection.streams().accept(Dir::Bi) {
                    self.streams.insert(id, Backlog::default());
                    self.echo(connection, id);
                }
            }
            Event::Stream(StreamEvent::Readable { id } | StreamEvent::Writable { id }) => {
                self.echo(connection, id);
            }
            Event::Stream(StreamEvent::Stopped { id, .. }) => {
                self.streams.remove(&id);
            }
            _ => {}
        }
    }
}

impl Echo {
    fn echo(&mut self, connection: &mut Connection, id: StreamId) {
        let Some(backlog) = self.streams.get_mut(&id) else { return };
        loop {
            match backlog.write(connection, id) {
                Ok(true) => {}
                Ok(false) => return,
                Err(()) => break,
            }
            if backlog.is_all {
                let _ = connection.send_stream(id).finish();
                break;
            }
            match read(connection, id, |chunk| backlog.chunks.push_back(chunk)) {
                Read::All => backlog.is_all = true,
                Read::Some => {}
                Read::Nothing => return,
                Read::Gone => {
                    let _ = connection.send_stream(id).reset(VarInt::from_u32(0));
                    break;
                }
            }
        }
        self.streams.remove(&id);
    }
}

enum Read {
    /// As far as it was there.
    Some,
    /// Nothing was there.
    Nothing,
    /// To the end.
    All,
    /// The peer has given it up.
    Gone,
}

/// Reads what is there, some of it at a time.
fn read(connection: &mut Connection, id: StreamId, mut take: impl FnMut(Bytes)) -> Read {
    let mut stream = connection.recv_stream(id);
    let Ok(mut chunks) = stream.read(true) else { return Read::Nothing };
    let mut result = Read::Nothing;
    for _ in 0..16 {
        match chunks.next(LARGEST) {
            Ok(Some(chunk)) => {
                take(chunk.bytes);
                result = Read::Some;
            }
            Ok(None) => {
                result = Read::All;
                break;
            }
            Err(ReadError::Blocked) => break,
            Err(ReadError::Reset(_)) => {
                result = Read::Gone;
                break;
            }
        }
    }
    // The peer is told that there is room when it is sent anything.
    let _ = chunks.finalize();
    result
}

/// Sends a text by so many streams, one after the other as the peer allows, and wants it back.
pub struct Asked {
    text: Bytes,
    to_open: usize,
    streams: HashMap<StreamId, (Backlog, usize)>,
    /// By how many streams the text came back whole.
    pub answered: usize,
    /// Told of each, and of the end.
    pub done: Box<dyn FnMut(usize)>,
}

impl Asked {
    pub fn new(text: Bytes, streams: usize, done: Box<dyn FnMut(usize)>) -> Asked {
        Asked { text, to_open: streams, streams: HashMap::new(), answered: 0, done }
    }

    fn open(&mut self, connection: &mut Connection) {
        while self.to_open > 0 {
            let Some(id) = connection.streams().open(Dir::Bi) else { return };
            self.to_open -= 1;
            let chunks = [self.text.clone()].into();
            self.streams.insert(id, (Backlog { chunks, is_all: true }, 0));
            self.ask(connection, id);
        }
    }

    fn ask(&mut self, connection: &mut Connection, id: StreamId) {
        let Some((backlog, _)) = self.streams.get_mut(&id) else { return };
        if backlog.is_all && backlog.write(connection, id) == Ok(true) {
            backlog.is_all = false;
            let _ = connection.send_stream(id).finish();
        }
    }

    fn answer(&mut self, connection: &mut Connection, id: StreamId) {
        let Some((_, at)) = self.streams.get_mut(&id) else { return };
        loop {
            let result = read(connection, id, |chunk| {
                assert_eq!(self.text.get(*at..*at + chunk.len()), Some(&chunk[..]));
                *at += chunk.len();
            });
            match result {
                Read::Some => {}
                Read::Nothing => return,
                Read::All => {
                    self.answered += usize::from(*at == self.text.len());
                    break;
                }
                Read::Gone => break,
            }
        }
        self.streams.remove(&id);
        if self.streams.is_empty() && self.to_open == 0 {
            (self.done)(self.answered);
            connection.close(Instant::now(), VarInt::from_u32(0), Bytes::new());
        }
    }
}

impl Streams for Asked {
    fn happened(&mut self, connection: &mut Connection, event: Event) {
        match event {
            Event::Connected | Event::Stream(StreamEvent::Available { dir: Dir::Bi }) => {
                self.open(connection);
            }
            Event::Stream(StreamEvent::Writable { id }) => self.ask(connection, id),
            Event::Stream(StreamEvent::Readable { id }) => self.answer(connection, id),
            Event::ConnectionLost { reason } => {
                eprintln!("the connection has ended: {reason}");
            }
            _ => {}
        }
    }
}
