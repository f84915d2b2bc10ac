//! Async tasks in one thread, over one poller: an executor in two pages.
//!
//! A waker posts a user-space event, [`Poller::notify`], by whose id the task is found. A sleeping task has a deadline in
//! the poller, and a stream is registered once, by edge, and knows who waits for it. So there is one place in which the
//! thread sleeps, the poll, and nothing is allocated but by a new task, stream or sleep that finds no free place.
//!
//! It is an example: what is not here is waking from other threads, for which there is [`mio_st::poll::Awakener`].

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::mem;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use mio_st::event::Evented;
use mio_st::net::{TcpListener, TcpStream};
use mio_st::poll::{Checks, DeadlineKey, Interests, PollOption, Poller};
use mio_st::{EventedId, Events, Ready};

mod hyper;

/// Before the system is asked again what is ready, tasks that wake each other run so often at most.
const TURN: usize = 16;

thread_local! {
    /// The executor that runs in this thread.
    static CURRENT: RefCell<Option<Inner>> = const { RefCell::new(None) };
}

struct Inner {
    poller: Poller,
    tasks: Places<Task>,
    waiters: Places<Waiters>,
}

struct Task {
    /// None while it runs.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    waker: Arc<TaskWaker>,
}

struct TaskWaker {
    place: usize,
    /// An event was posted, and has not come.
    is_woken: AtomicBool,
}

/// Who waits for a stream, or for a time (as a reader).
#[derive(Default)]
struct Waiters {
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Values that are found by a number, which is used again.
struct Places<T> {
    all: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Places<T> {
    const EMPTY: Places<T> = Places { all: Vec::new(), free: Vec::new() };

    fn add(&mut self, make: impl FnOnce(usize) -> T) -> usize {
        let place = self.free.pop().unwrap_or_else(|| {
            self.all.push(None);
            self.all.len() - 1
        });
        self.all[place] = Some(make(place));
        place
    }

    fn get(&mut self, place: usize) -> Option<&mut T> {
        self.all.get_mut(place)?.as_mut()
    }

    fn remove(&mut self, place: usize) -> Option<T> {
        let value = self.all.get_mut(place)?.take()?;
        self.free.push(place);
        Some(value)
    }
}

/// The id of an event: of a task that was woken, or of whom somebody waits for.
const fn task_id(place: usize) -> EventedId {
    EventedId(place * 2)
}

const fn waiters_id(place: usize) -> EventedId {
    EventedId(place * 2 + 1)
}

fn with<T>(f: impl FnOnce(&mut Inner) -> T) -> T {
    CURRENT.with_borrow_mut(|current| f(current.as_mut().expect("within `run`, in its thread")))
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    /// # Panics
    ///
    /// In another thread than that of [`run`].
    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::Relaxed) {
            with(|inner| inner.poller.notify(task_id(self.place), Ready::READABLE));
        }
    }
}

/// Runs a future to its end, and whatever it spawns until then.
///
/// # Errors
///
/// Those of a poll.
///
/// # Panics
///
/// If it is called within itself.
pub fn run<T: 'static>(future: impl Future<Output = T> + 'static) -> io::Result<T> {
    let mut poller = Poller::new()?;
    if std::env::var_os("MIO_ST_CHECKS").is_some_and(|value| value == "1") {
        // A task may leave in a stream what it does not want yet: that an edge was not drained is no mistake here.
        poller.set_checks(Checks::SPINNING | Checks::FORGOTTEN | Checks::STALLED)?;
    }
    let inner = Inner { poller, tasks: Places::EMPTY, waiters: Places::EMPTY };
    let before = CURRENT.with_borrow_mut(|current| current.replace(inner));
    assert!(before.is_none(), "an executor runs in this thread");
    let result = std::rc::Rc::new(RefCell::new(None));
    let end = result.clone();
    spawn(async move {
        let value = future.await;
        *end.borrow_mut() = Some(value);
    });
    let mut events = Events::new();
    let outcome = loop {
        if let Err(error) = turn(&mut events) {
            break Err(error);
        }
        if let Some(value) = result.borrow_mut().take() {
            break Ok(value);
        }
    };
    // What the tasks drop looks for the executor, so they go first.
    let tasks = with(|inner| mem::replace(&mut inner.tasks, Places::EMPTY));
    drop(tasks);
    CURRENT.take();
    outcome
}

/// One poll, and what it wakes.
fn turn(events: &mut Events) -> io::Result<()> {
    with(|inner| {
        inner.poller.poll(events, None)?;
        while let Some(complaint) = inner.poller.next_complaint() {
            eprintln!("complaint: {complaint}");
        }
        io::Result::Ok(())
    })?;
    for round in 1.. {
        for event in &mut *events {
            let EventedId(id) = event.id();
            if id % 2 == 0 { step(id / 2) } else { wake_waiters(id / 2, event.readiness()) }
        }
        if round == TURN {
            break;
        }
        // Without a system call.
        with(|inner| inner.poller.poll_userspace(events));
        if Events::is_empty(events) {
            break;
        }
    }
    Ok(())
}

/// Polls a task that was woken.
fn step(place: usize) {
    let taken = with(|inner| {
        let task = inner.tasks.get(place)?;
        task.waker.is_woken.store(false, Ordering::Relaxed);
        Some((task.future.take()?, task.waker.clone()))
    });
    // It may have ended, and been woken before.
    let Some((mut future, waker)) = taken else { return };
    let waker = Waker::from(waker);
    let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
    if polled.is_ready() {
        drop(future);
        drop(with(|inner| inner.tasks.remove(place)));
    } else {
        with(|inner| {
            if let Some(task) = inner.tasks.get(place) {
                task.future = Some(future);
            }
        });
    }
}

fn wake_waiters(place: usize, ready: Ready) {
    let failed = ready.is_error() || ready.is_hup();
    let [reader, writer] = with(|inner| {
        let Some(waiters) = inner.waiters.get(place) else { return [None, None] };
        [
            if ready.is_readable() || ready.is_timer() || failed {
                waiters.reader.take()
            } else {
                None
            },
            if ready.is_writable() || failed { waiters.writer.take() } else { None },
        ]
    });
    for waker in [reader, writer].into_iter().flatten() {
        waker.wake();
    }
}

/// Starts a task. It is dropped when it ends, and with the executor.
pub fn spawn(future: impl Future<Output = ()> + 'static) {
    let future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(future);
    with(|inner| {
        let place = inner.tasks.add(|place| Task {
            future: Some(future),
            waker: Arc::new(TaskWaker { place, is_woken: AtomicBool::new(true) }),
        });
        inner.poller.notify(task_id(place), Ready::READABLE);
    });
}

/// A place among those whom tasks wait for.
struct Waiting(usize);

impl Waiting {
    fn new() -> Waiting {
        Waiting(with(|inner| inner.waiters.add(|_| Waiters::default())))
    }

    fn set(&self, context: &Context<'_>, which: fn(&mut Waiters) -> &mut Option<Waker>) {
        with(|inner| {
            if let Some(waiters) = inner.waiters.get(self.0) {
                let waker = which(waiters);
                if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                    *waker = Some(context.waker().clone());
                }
            }
        });
    }

    /// Pending if it would block, and then woken.
    fn poll<T>(
        &self,
        context: &Context<'_>,
        which: fn(&mut Waiters) -> &mut Option<Waker>,
        result: io::Result<T>,
    ) -> Poll<io::Result<T>> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.set(context, which);
                Poll::Pending
            }
            result => Poll::Ready(result),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Who outlives the executor has nothing to give back.
        CURRENT.with_borrow_mut(|current| {
            current.as_mut().and_then(|inner| inner.waiters.remove(self.0))
        });
    }
}

fn reader(waiters: &mut Waiters) -> &mut Option<Waker> {
    &mut waiters.reader
}

fn writer(waiters: &mut Waiters) -> &mut Option<Waker> {
    &mut waiters.writer
}

fn register(handle: &mut impl Evented, waiting: &Waiting, interests: Interests) -> io::Result<()> {
    with(|inner| inner.poller.register(handle, waiters_id(waiting.0), interests, PollOption::Edge))
}

/// A TCP listener.
pub struct Listener {
    listener: TcpListener,
    waiting: Waiting,
}

impl Listener {
    /// Binds it, and listens.
    ///
    /// # Errors
    ///
    /// Those of [`TcpListener::bind`] and of registering.
    pub fn bind(address: SocketAddr) -> io::Result<Listener> {
        let mut listener = TcpListener::bind(address)?;
        let waiting = Waiting::new();
        register(&mut listener, &waiting, TcpListener::INTERESTS)?;
        Ok(Listener { listener, waiting })
    }

    /// Its address.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    ///
    /// Those of accepting, such as too many descriptors.
    pub async fn accept(&self) -> io::Result<Stream> {
        poll_fn(|context| {
            let result = self.listener.accept();
            self.waiting.poll(context, reader, result)
        })
        .await
        .and_then(|(stream, _)| Stream::new(stream))
    }
}

/// A TCP stream.
pub struct Stream {
    stream: TcpStream,
    waiting: Waiting,
}

impl Stream {
    fn new(mut stream: TcpStream) -> io::Result<Stream> {
        let waiting = Waiting::new();
        register(&mut stream, &waiting, TcpStream::INTERESTS)?;
        Ok(Stream { stream, waiting })
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// Those of [`TcpStream::connect`] and [`TcpStream::connected`].
    pub async fn connect(address: SocketAddr) -> io::Result<Stream> {
        let stream = Stream::new(TcpStream::connect(address)?)?;
        poll_fn(|context| {
            let blocks = || io::ErrorKind::WouldBlock.into();
            let stands = stream.stream.connected();
            let stands = stands.and_then(|stands| if stands { Ok(()) } else { Err(blocks()) });
            stream.waiting.poll(context, writer, stands)
        })
        .await?;
        Ok(stream)
    }

    fn poll_read(&mut self, context: &Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let result = self.stream.read(buffer);
        self.waiting.poll(context, reader, result)
    }

    fn poll_write(&mut self, context: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = self.stream.write(bytes);
        self.waiting.poll(context, writer, result)
    }

    /// Reads some bytes: 0 at the end.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|context| self.poll_read(context, buffer)).await
    }

    /// Writes all of it.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = poll_fn(|context| self.poll_write(context, bytes)).await?;
            bytes = &bytes[count..];
        }
        Ok(())
    }
}

/// A future that is ready after a time.
pub struct Sleep {
    until: Instant,
    waiting: Waiting,
    key: DeadlineKey,
}

/// Waits for a time.
pub fn sleep(time: Duration) -> Sleep {
    let waiting = Waiting::new();
    let until = Instant::now() + time;
    let key = with(|inner| inner.poller.add_deadline(waiters_id(waiting.0), until));
    Sleep { until, waiting, key }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if with(|inner| inner.poller.now()) >= self.until {
            return Poll::Ready(());
        }
        self.waiting.set(context, reader);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| {
            current.as_mut().map(|inner| inner.poller.cancel_deadline(self.key))
        });
    }
}

/// What the future says, or nothing if it says nothing in time; then it is dropped.
pub async fn timeout<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut sleep = pin!(sleep(time));
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        sleep.as_mut().poll(context).map(|()| None)
    })
    .await
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.listener.fmt(f)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stream.fmt(f)
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("until", &self.until).finish_non_exhaustive()
    }
}
