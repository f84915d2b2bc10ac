//! The executor: an echo, races against time, hyper by curl and wrk, and what it allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use mio_st_executor::{Listener, Stream, run, sleep, spawn, timeout};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: It passes everything on.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: As this function's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: As this function's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const PATIENCE: Duration = Duration::from_secs(60);

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn start_echo() -> io::Result<SocketAddr> {
    let listener = Listener::bind(any_port())?;
    let address = listener.local_addr()?;
    spawn(async move {
        while let Ok(mut stream) = listener.accept().await {
            spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    if stream.write_all(&buffer[..count]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok(address)
}

async fn echo(stream: &mut Stream, message: &[u8]) {
    stream.write_all(message).await.unwrap();
    let mut received = 0;
    let mut buffer = [0; 1000];
    while received < message.len() {
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0);
        assert_eq!(buffer[..count], message[received..received + count]);
        received += count;
    }
}

/// Polls the others until something is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_hundred_tasks_echo_at_once() {
    run(async {
        let address = start_echo().unwrap();
        let done = Rc::new(Cell::new(0));
        for number in 0..100 {
            let done = done.clone();
            spawn(async move {
                let mut stream = Stream::connect(address).await.unwrap();
                for round in 0..10 {
                    echo(&mut stream, format!("{round} of {number}").repeat(200).as_bytes()).await;
                }
                done.set(done.get() + 1);
            });
        }
        until(|| done.get() == 100).await;
    })
    .unwrap();
}

#[test]
fn an_echo_allocates_nothing() {
    run(async {
        let mut stream = Stream::connect(start_echo().unwrap()).await.unwrap();
        // The poller and the places reach their sizes.
        for _ in 0..100 {
            timeout(PATIENCE, echo(&mut stream, b"hello")).await.unwrap();
        }
        let before = ALLOCATIONS.get();
        for _ in 0..1000 {
            timeout(PATIENCE, echo(&mut stream, b"hello")).await.unwrap();
        }
        assert_eq!(ALLOCATIONS.get() - before, 0);
    })
    .unwrap();
}

#[test]
fn the_first_of_a_race_ends_it() {
    run(async {
        assert_eq!(timeout(PATIENCE, async { 5 }).await, Some(5));
        let begin = Instant::now();
        assert_eq!(timeout(Duration::from_millis(30), pending::<()>()).await, None);
        assert!(begin.elapsed() >= Duration::from_millis(30));
        // In the order of their times, however they were begun; unless the machine takes so long to begin them that the
        // order of their times is another.
        let order = Rc::new(RefCell::new(Vec::new()));
        let last = Rc::new(Cell::new(Instant::now()));
        loop {
            let begin = Instant::now();
            for number in [3, 1, 2, 0] {
                let (order, last) = (order.clone(), last.clone());
                spawn(async move {
                    let time = sleep(Duration::from_millis(40 * number));
                    last.set(Instant::now());
                    time.await;
                    order.borrow_mut().push(number);
                });
            }
            until(|| order.borrow().len() == 4).await;
            let order = order.take();
            if last.get() - begin < Duration::from_millis(20) {
                assert_eq!(order, [0, 1, 2, 3]);
                break;
            }
        }
        // One that was dropped disturbs nobody.
        for _ in 0..100 {
            drop(sleep(Duration::ZERO));
        }
        sleep(Duration::from_millis(5)).await;
    })
    .unwrap();
}

/// They get nothing done, and do not keep the others from it.
#[test]
fn tasks_that_always_wake_themselves_do_not_starve_the_sockets() {
    run(async {
        for _ in 0..3 {
            spawn(poll_fn(|context| {
                context.waker().wake_by_ref();
                Poll::<()>::Pending
            }));
        }
        let mut stream = Stream::connect(start_echo().unwrap()).await.unwrap();
        echo(&mut stream, &[1; 100_000]).await;
        sleep(Duration::from_millis(1)).await;
    })
    .unwrap();
}

/// Gives the others their turn.
async fn give_way() {
    let mut has_given = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn who_wakes_itself_while_it_runs_runs_again_and_no_sleep_ends_early_by_that() {
    run(async {
        for _ in 0..1000 {
            give_way().await;
        }
        let begin = Instant::now();
        let mut sleep = std::pin::pin!(sleep(Duration::from_millis(30)));
        poll_fn(|context| {
            context.waker().wake_by_ref();
            sleep.as_mut().poll(context)
        })
        .await;
        assert!(begin.elapsed() >= Duration::from_millis(30));
    })
    .unwrap();
}

#[test]
fn a_task_that_has_ended_leaves_its_place_to_the_next() {
    run(async {
        let mut before = 0;
        for number in 0..2000 {
            if number == 1000 {
                before = ALLOCATIONS.get();
            }
            spawn(async {});
            give_way().await;
        }
        // Each its future and its waker.
        assert_eq!(ALLOCATIONS.get() - before, 2 * 1000);
    })
    .unwrap();
}

#[test]
fn who_has_no_room_to_write_goes_on_when_there_is_some() {
    run(async {
        const LENGTH: usize = 16 << 20;

        let listener = Listener::bind(any_port()).unwrap();
        let mut client = Stream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut server = listener.accept().await.unwrap();
        spawn(async move { client.write_all(&vec![1; LENGTH]).await.unwrap() });
        let mut buffer = vec![0; 1 << 16];
        let mut received = 0;
        while let count @ 1.. = server.read(&mut buffer).await.unwrap() {
            received += count;
        }
        assert_eq!(received, LENGTH);
    })
    .unwrap();
}

/// The one that waited for it before is not the one that is woken.
#[test]
fn a_stream_may_go_to_another_task() {
    run(async {
        let listener = Listener::bind(any_port()).unwrap();
        let mut client = Stream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut server = listener.accept().await.unwrap();
        assert!(timeout(Duration::from_millis(1), server.read(&mut [0])).await.is_none());
        let done = Rc::new(Cell::new(false));
        let is_done = done.clone();
        spawn(async move {
            assert_eq!(server.read(&mut [0]).await.unwrap(), 1);
            done.set(true);
        });
        give_way().await;
        client.write_all(b"x").await.unwrap();
        until(|| is_done.get()).await;
    })
    .unwrap();
}

#[test]
fn tasks_that_end_with_the_executor_may_still_wake_others() {
    struct WakeOnDrop(Waker);

    impl Drop for WakeOnDrop {
        fn drop(&mut self) {
            self.0.wake_by_ref();
        }
    }

    run(async {
        let waker = poll_fn(|context| Poll::Ready(context.waker().clone())).await;
        spawn(async {
            let _wake = WakeOnDrop(waker);
            pending::<()>().await;
        });
        give_way().await;
    })
    .unwrap();
}

#[test]
fn one_that_is_refused_and_one_that_goes_are_errors_and_ends() {
    run(async {
        // The port of a client, at which nobody listens, and which nobody else takes.
        let listener = Listener::bind(any_port()).unwrap();
        let held = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        drop(listener.accept().await.unwrap());
        let refused = Stream::connect(held.local_addr().unwrap()).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let mut client = Stream::connect(listener.local_addr().unwrap()).await.unwrap();
        drop(listener.accept().await.unwrap());
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    })
    .unwrap();
}

struct Server(Child, SocketAddr);

impl Server {
    fn start() -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hyper_server"));
        command.arg("127.0.0.1:0").env("MIO_ST_CHECKS", "1");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on ").unwrap().trim().parse().unwrap();
        Server(child, address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let errors = io::read_to_string(self.0.stderr.take().unwrap()).unwrap();
        // A busy machine may keep it from its poll.
        let complains =
            |line: &str| line.starts_with("complaint: ") && !line.contains("did not poll");
        assert!(std::thread::panicking() || !errors.lines().any(complains), "{errors}");
    }
}

fn have(tool: &str) -> bool {
    let mut command = Command::new(tool);
    let found = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let required = std::env::var("REQUIRE_TOOLS").is_ok_and(|value| value == "1");
    assert!(found.is_ok() || !required, "{tool} is required");
    found.is_ok()
}

#[test]
fn hyper_answers_curl() {
    if !have("curl") {
        return eprintln!("curl is missing, skipped: hyper");
    }
    let server = Server::start();
    let url = |path: &str| format!("http://{}{path}", server.1);
    // On one connection, and one that takes a while.
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail"]).args(["/", "/later", "/"].map(url));
    let output = curl.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "hello from hyper\n".repeat(3));
}

#[test]
fn hyper_answers_wrk() {
    if !have("wrk") {
        return eprintln!("wrk is missing, skipped: hyper under load");
    }
    let server = Server::start();
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", "-c50", "-d1s", "--timeout", "60"]).arg(format!("http://{}/", server.1));
    let end = Instant::now() + PATIENCE;
    let mut requests = 0;
    while requests < 100 {
        assert!(Instant::now() < end, "{requests} requests");
        let output = wrk.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && !text.contains("errors"), "{text}");
        let count = text.lines().find_map(|line| line.trim().split_once(" requests in"));
        requests += count.expect(&text).0.parse::<u64>().expect(&text);
    }
}
