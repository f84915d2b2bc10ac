//! All adapters in one poller: `c-examples/together.c`, with all the servers at once, and with none of them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use crate::tls::certificate;
use crate::{
    PATIENCE, Running, common, eventually, free_port, postgres, program, serve_dns, start_http,
    start_redis, ways,
};

/// Asks for the page, and reads it to its end.
fn visit(address: &str, config: Arc<rustls::ClientConfig>) -> String {
    let tls = rustls::ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = rustls::StreamOwned::new(tls, stream);
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    stream.conn.send_close_notify();
    stream.conn.complete_io(&mut stream.sock).unwrap();
    page
}

/// Starts it, and waits until it has said all that is expected, in whatever order, and nothing else where all serve.
fn start(command: &mut Command, expected: &[&str], nobody_serves: bool) -> (Running, String) {
    let mut running = Running::start(command);
    let line = running.line();
    let address = line.strip_prefix("listening on ").unwrap().to_owned();
    let mut expected = expected.to_vec();
    while !expected.is_empty() {
        let line = running.line();
        let before = expected.len();
        expected.retain(|start| !line.starts_with(start));
        assert!(expected.len() < before || nobody_serves, "{line}");
    }
    (running, address)
}

fn end(mut running: Running, last: &str) {
    common::succeeds(Command::new("kill").arg(running.child.0.id().to_string()));
    while !running.line().ends_with(last) {}
    running.ends();
}

#[test]
fn five_libraries_and_the_program_s_own_live_in_one_poller() {
    if !common::has("redis-server", "all in one poller") {
        return;
    }
    let Some((folder, _postgres)) = postgres("together") else { return };
    let here = format!("host={} user=postgres dbname=postgres", folder.display());
    let (files, config) = certificate("together");
    let http = format!("{}/5000", start_http());
    let free = free_port();
    let port = free.number;
    let _redis = start_redis(port);
    let program = program("together");
    // The first connections to it may come before it is ready.
    let mut psql = Command::new("psql");
    psql.arg(&here).args(["-c", "SELECT 1"]);
    eventually("postgres is ready", || common::outcome(&mut psql).ok());
    for mut command in ways(&program) {
        command.arg("127.0.0.1:0").args(&files).args([&http, &port.to_string()]);
        command.args([&serve_dns(), &here]);
        let all = ["curl: 200", "redis: 200", "cares: 200", "postgres: 1000"];
        let (running, address) = start(&mut command, &all, false);
        // One says nothing, and goes; one says nothing, and stays; one says nonsense.
        let _patient = TcpStream::connect(&address).unwrap();
        let silent = TcpStream::connect(&address).unwrap();
        let mut rude = TcpStream::connect(&address).unwrap();
        rude.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let _ = rude.read_to_end(&mut Vec::new()); // closed, with a reset or without
        thread::scope(|scope| {
            for _ in 0..10 {
                let page = scope.spawn(|| visit(&address, config.clone())).join().unwrap();
                let expected = "200 fetched, 200 counted, 200 found, 1000 rows, ";
                assert!(page.starts_with(expected), "{page}");
            }
        });
        drop(silent);
        end(running, "10 rounds, 10 visits");
    }
    let _ = fs::remove_dir_all(&folder);
}

#[test]
fn where_nobody_serves_each_library_says_so_and_the_others_go_on() {
    let (files, config) = certificate("together-alone");
    let free = free_port();
    let nobody = free.number;
    for mut command in ways(&program("together")) {
        command.arg("127.0.0.1:0").args(&files).arg(format!("http://127.0.0.1:{nobody}/"));
        command.arg(nobody.to_string()).arg(format!("127.0.0.1:{nobody}"));
        command.arg(format!("hostaddr=127.0.0.1 port={nobody} user=nobody"));
        let none = [
            "curl: Couldn't connect",
            "redis: Connection refused",
            "cares: Could not contact",
            "postgres: connection to server",
        ];
        let (running, address) = start(&mut command, &none, true);
        let page = visit(&address, config.clone());
        assert_eq!(page, "0 fetched, 0 counted, 0 found, 0 rows, 0 visits\n");
        end(running, "rounds, 1 visits");
    }
}

/// From none for the libraries to a few: whoever finds none says so.
#[test]
fn without_descriptors_each_library_says_so_and_it_still_ends_in_order() {
    let (files, _) = certificate("together-few");
    let free = free_port();
    let nobody = free.number;
    let program = program("together");
    for limit in [9, 11, 13] {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")]).arg(&program);
        command.arg("127.0.0.1:0").args(&files).arg(format!("http://127.0.0.1:{nobody}/"));
        command.arg(nobody.to_string()).arg(format!("127.0.0.1:{nobody}"));
        command.arg(format!("hostaddr=127.0.0.1 port={nobody} user=nobody"));
        // None of them, or one that finds one and is refused.
        let (running, _) =
            start(&mut command, &["curl: ", "redis: ", "cares: ", "postgres: "], true);
        end(running, "rounds, 0 visits");
    }
}

/// Not under Valgrind: see [`crate::tls`].
#[test]
fn a_visitor_who_finds_no_descriptor_waits_for_one() {
    let (files, config) = certificate("together-full");
    let free = free_port();
    let nobody = free.number;
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 30; exec \"$0\" \"$@\""]).arg(program("together"));
    command.arg("127.0.0.1:0").args(&files).arg(format!("http://127.0.0.1:{nobody}/"));
    command.arg(nobody.to_string()).arg(format!("127.0.0.1:{nobody}"));
    command.arg(format!("hostaddr=127.0.0.1 port={nobody} user=nobody"));
    let (running, address) =
        start(&mut command, &["curl: ", "redis: ", "cares: ", "postgres: "], true);
    let silent: Vec<_> = (0..40).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let folder = format!("/proc/{}/fd", running.child.0.id());
    // At least: some with larger numbers may be inherited.
    let is_full = || fs::read_dir(&folder).unwrap().count() >= 30;
    crate::eventually("there is none left", || is_full().then_some(()));
    drop(silent);
    assert_eq!(visit(&address, config), "0 fetched, 0 counted, 0 found, 0 rows, 0 visits\n");
    end(running, "rounds, 1 visits");
}
