//! Every function of the header with every kind of bad argument, from C. The calls are made from the
//! header, so that a function added later cannot be forgotten: an argument that is not known here, or an
//! object that `abuse.c` cannot make, fails the test.

mod common;

use std::fmt::Write;
use std::fs;

use common::{Function, Parameter};

/// A good argument, and bad ones with what they are answered.
struct Values {
    good: &'static str,
    bad: &'static [(&'static str, &'static str)],
}

const fn values(good: &'static str, bad: &'static [(&'static str, &'static str)]) -> Values {
    Values { good, bad }
}

/// Bad triggers; interests by mistake are among them.
const BAD_OPTIONS: &[(&str, &str)] = &[
    ("0", "-EINVAL"),
    ("MIO_ST_READABLE", "-EINVAL"),
    ("MIO_ST_EDGE | MIO_ST_LEVEL", "-EINVAL"),
    ("MIO_ST_EDGE | MIO_ST_ONESHOT", "-EINVAL"),
    ("MIO_ST_EXCLUSIVE", "-EINVAL"),
    ("MIO_ST_EXCLUSIVE | MIO_ST_EDGE | MIO_ST_LEVEL", "-EINVAL"),
    ("1u << 31", "-EINVAL"),
    ("UINT32_MAX", "-EINVAL"),
];

const BAD_INTERESTS: &[(&str, &str)] = &[
    ("MIO_ST_EDGE", "-EINVAL"),
    ("MIO_ST_READABLE | MIO_ST_ERROR", "-EINVAL"),
    ("MIO_ST_READABLE | MIO_ST_HUP", "-EINVAL"),
    ("MIO_ST_READABLE | MIO_ST_TIMER", "-EINVAL"),
    ("MIO_ST_READABLE | MIO_ST_READ_CLOSED", "-EINVAL"),
    ("MIO_ST_READABLE | 1u << 31", "-EINVAL"),
    ("UINT32_MAX", "-EINVAL"),
];

const BAD_READINESS: &[(&str, &str)] = &[
    ("0", "-EINVAL"),
    ("MIO_ST_EDGE", "-EINVAL"),
    ("MIO_ST_READABLE | 1u << 7", "-EINVAL"),
    ("MIO_ST_READABLE | 1u << 31", "-EINVAL"),
    ("UINT32_MAX", "-EINVAL"),
];

const BAD_TEXT: &[(&str, &str)] = &[
    ("NULL", "-EINVAL"),
    ("\"\"", "-EINVAL"),
    ("\"::1\"", "-EINVAL"),
    ("\"1.2.3.4\"", "-EINVAL"),
    ("\"[::1]:99999\"", "-EINVAL"),
    ("\"[::1]\"", "-EINVAL"),
    ("\"localhost:80\"", "-EINVAL"),
    ("\"127.0.0.1:0 \"", "-EINVAL"),
    ("\"\\xff\\xfe:80\"", "-EINVAL"),
    ("long_text", "-EINVAL"),
];

const BAD_SOCKET_OPTIONS: &[(&str, &str)] = &[
    ("NULL", "-EINVAL"),
    ("&bad_options[0]", "-EINVAL"),
    ("&bad_options[1]", "-EINVAL"),
    ("&bad_options[2]", "-EINVAL"),
    ("&bad_options[3]", "-EINVAL"),
    ("&bad_options[4]", "-EINVAL"),
    ("&bad_options[5]", "-EINVAL"),
    ("&bad_options[6]", "-EINVAL"),
    ("&later_options.known", "-EINVAL"),
];

const BAD_PATH: &[(&str, &str)] =
    &[("NULL", "-EINVAL"), ("\"\"", "-EINVAL"), ("long_text", "-ENAMETOOLONG")];

/// What can only be read, or only be written, by the end of the names of the functions.
const ONLY_READABLE: &[&str] =
    &["_tcp_listener", "_unix_listener", "_receiver", "_signals", "_process"];

/// The arguments of a function that are no handles.
fn known(function: &str, parameter: &Parameter) -> Values {
    let unix = function.starts_with("mio_st_unix_");
    let only_readable = ONLY_READABLE.iter().any(|end| function.ends_with(end));
    match (parameter.kind.as_str(), parameter.name.as_str()) {
        (kind, "key") if kind.ends_with('*') && function.contains("_move_or_add_") => {
            values("(void *)out", &[("NULL", "-EINVAL")])
        }
        (kind, "peer" | "key" | "sender_length") if kind.ends_with('*') => {
            values("(void *)out", &[])
        }
        ("struct sockaddr_storage *", "sender") => values("(void *)out", &[]),
        ("const struct sockaddr *", _) if unix => {
            values("(const struct sockaddr *)&unix_address", &[("NULL", "-EINVAL")])
        }
        ("socklen_t", _) if unix => values(
            "sizeof unix_address",
            &[
                ("0", "-EINVAL"),
                ("1", "-EINVAL"),
                ("sizeof unix_address + 1", "-EINVAL"),
                ("sizeof(struct sockaddr_storage) + 1", "-EINVAL"),
                ("UINT32_MAX", "-EINVAL"),
            ],
        ),
        ("const char *", "path") => values("\"/nowhere/at/all\"", BAD_PATH),
        ("const struct sockaddr *", _) => {
            values("(const struct sockaddr *)&address", &[("NULL", "-EINVAL")])
        }
        ("socklen_t", _) => values(
            "sizeof address",
            &[
                ("0", "-EINVAL"),
                ("1", "-EINVAL"),
                ("sizeof address - 1", "-EINVAL"),
                ("sizeof(struct sockaddr_storage) + 1", "-EINVAL"),
                ("UINT32_MAX", "-EINVAL"),
            ],
        ),
        ("const char *", "text" | "address") => values("\"127.0.0.1:0\"", BAD_TEXT),
        ("size_t", "size") if function.starts_with("mio_st_poller_") => {
            values("sizeof out", &[("0", "-EINVAL"), ("SIZE_MAX", "-EINVAL")])
        }
        ("uint32_t", "checks") => {
            values("MIO_ST_CHECK_ALL", &[("16", "-EINVAL"), ("UINT32_MAX", "-EINVAL")])
        }
        ("uint32_t", "problem") => values("MIO_ST_PROBLEM_UNDRAINED", &[]),
        ("size_t", "size") => {
            values("sizeof out", &[("0", "-ENOSPC"), ("9", "-ENOSPC"), ("SIZE_MAX", "-EINVAL")])
        }
        ("const void *", "buffer") => values("in", &[("NULL", "-EINVAL")]),
        ("size_t", "length") => values("sizeof in", &[("SIZE_MAX", "-EINVAL")]),
        ("const struct iovec *", "buffers") => {
            values("buffers", &[("NULL", "-EINVAL"), ("buffers_with_null", "-EINVAL")])
        }
        ("const int *", "numbers") => {
            values("numbers", &[("NULL", "-EINVAL"), ("bad_numbers", "-EINVAL")])
        }
        ("mio_st_datagram_t *" | "const mio_st_datagram_t *", "datagrams") => {
            values("datagrams", &[("NULL", "-EINVAL"), ("bad_datagrams", "-EINVAL")])
        }
        ("mio_st_transmit_t *", _) => {
            values("transmits", &[("NULL", "-EINVAL"), ("bad_transmits", "-EINVAL")])
        }
        ("uint32_t", "mode") => values("0", &[("4", "-EINVAL"), ("UINT32_MAX", "-EINVAL")]),
        ("const mio_st_socket_options_t *", _) if unix => {
            values("&unix_options", &[("NULL", "-EINVAL"), ("&udp_options", "-EINVAL")])
        }
        ("const mio_st_socket_options_t *", _) if function.contains("_udp_") => {
            values("&udp_options", &[("NULL", "-EINVAL"), ("&options", "-EINVAL")])
        }
        ("const mio_st_socket_options_t *", _) => values("&options", BAD_SOCKET_OPTIONS),
        ("const mio_st_keepalive_t *", _) => {
            values("&options.keepalive", &[("&bad_options[4].keepalive", "-EINVAL")])
        }
        ("const struct in_addr *", _) => values("&address.sin_addr", &[("NULL", "-EINVAL")]),
        ("const struct in6_addr *", _) => values("&group", &[("NULL", "-EINVAL")]),
        ("uint32_t", "hops") => values("1", &[("256", "-EINVAL"), ("UINT32_MAX", "-EINVAL")]),
        ("uint32_t", "interface") if function.contains("_set_") => {
            values("0", &[("1u << 31", "-EINVAL"), ("UINT32_MAX", "-EINVAL")])
        }
        ("uint32_t", "interface") => values("0", &[]),
        ("int", "number") if function.ends_with("_add") => values(
            "SIGUSR2",
            &[("0", "-EINVAL"), ("-1", "-EINVAL"), ("SIGKILL", "-EINVAL"), ("INT_MAX", "-EINVAL")],
        ),
        ("int", "number") => {
            values("SIGURG", &[("0", "0"), ("-1", "0"), ("SIGKILL", "0"), ("INT_MAX", "0")])
        }
        ("int", "pid") => {
            values("1", &[("0", "-EINVAL"), ("-1", "-EINVAL"), ("INT_MIN", "-EINVAL")])
        }
        ("const int *", "fds") => values("&pipe_fd", &[("NULL", "-EINVAL"), ("bad_fds", "-EBADF")]),
        ("int *", "fds") => values("passed_fds", &[("NULL", "-EINVAL")]),
        ("size_t", "count") if function.contains("_send_message") => {
            values("1", &[("SIZE_MAX", "-EINVAL"), ("254", "-EINVAL")])
        }
        ("const mio_st_ucred_t *", "cred") => values("NULL", &[]),
        ("size_t", "count") => values("2", &[("SIZE_MAX", "-EINVAL")]),
        ("size_t", "capacity") => values("4", &[("0", "-EINVAL")]),
        ("size_t", "deadlines" | "notifications") => {
            // The second is a size that the allocator itself must refuse, whatever the width.
            values("1", &[("SIZE_MAX", "-ENOMEM"), ("SIZE_MAX / (8 * sizeof(void *))", "-ENOMEM")])
        }
        ("int64_t", "timeout_ns") => values("0", &[]),
        ("uint64_t", "period_ns") => values("1000000", &[("0", "-EINVAL")]),
        ("uint64_t", _) => values("1000000", &[]),
        ("uint32_t", "interests") if function.ends_with("_sender") => values(
            "MIO_ST_WRITABLE",
            &[
                ("MIO_ST_READABLE", "-EINVAL"),
                ("MIO_ST_READABLE | MIO_ST_WRITABLE", "-EINVAL"),
                ("UINT32_MAX", "-EINVAL"),
            ],
        ),
        ("uint32_t", "interests") if only_readable => values(
            "MIO_ST_READABLE",
            &[
                ("MIO_ST_WRITABLE", "-EINVAL"),
                ("MIO_ST_READABLE | MIO_ST_WRITABLE", "-EINVAL"),
                ("UINT32_MAX", "-EINVAL"),
            ],
        ),
        ("uint32_t", "interests") => values("MIO_ST_READABLE", BAD_INTERESTS),
        ("uint32_t", "option") => values("MIO_ST_EDGE", BAD_OPTIONS),
        ("uint32_t", "clock") => {
            values("MIO_ST_CLOCK_PAUSED", &[("3", "-EINVAL"), ("UINT32_MAX", "-EINVAL")])
        }
        ("uint32_t", "readiness") => values("MIO_ST_READABLE", BAD_READINESS),
        ("uint32_t", "ttl") => {
            values("64", &[("0", "-EINVAL"), ("256", "-EINVAL"), ("UINT32_MAX", "-EINVAL")])
        }
        ("int", "how") => {
            values("SHUT_RD", &[("-1", "-EINVAL"), ("3", "-EINVAL"), ("INT_MAX", "-EINVAL")])
        }
        ("int", "nodelay" | "broadcast" | "on" | "seconds") => values("1", &[]),
        ("int", "fd") => {
            values("pipe_fd", &[("-1", "-EBADF"), ("INT_MAX", "-EBADF"), ("closed_fd", "-EBADF")])
        }
        ("int", "error") => values("-EAGAIN", &[]),
        ("mio_st_deadline_key_t", "key") => values("key", &[]),
        (kind, _) if kind.ends_with('*') && !kind.starts_with("const ") => {
            values("(void *)out", &[("NULL", "-EINVAL")])
        }
        (kind, name) => panic!("{function}: {kind} {name}: what is good and bad there?"),
    }
}

/// The kind of handle that a parameter is, such as `tcp_stream`.
fn handle(parameter: &Parameter) -> Option<&str> {
    let name = parameter.kind.strip_prefix("mio_st_")?.strip_suffix("_t")?;
    (!["deadline_key", "event"].contains(&name)).then_some(name)
}

/// Whether a function works without a handle's thread, at any time.
fn any_time(function: &Function) -> bool {
    let makes_handle = function.parameters.first().is_some_and(|first| {
        first.kind.strip_suffix(" *").is_some_and(|kind| {
            handle(&Parameter { kind: kind.to_string(), name: String::new() }).is_some()
        })
    });
    function.name == "mio_st_awakener_wake"
        || !makes_handle && function.parameters.iter().all(|parameter| handle(parameter).is_none())
}

/// The call with good arguments, except the given one.
fn call(function: &Function, except: usize, value: &str) -> String {
    let mut arguments = Vec::new();
    for (n, parameter) in function.parameters.iter().enumerate() {
        arguments.push(match handle(parameter) {
            _ if n == except => value.to_string(),
            Some(kind) => format!("use.{kind}"),
            None => known(&function.name, parameter).good.to_string(),
        });
    }
    format!("{}({})", function.name, arguments.join(", "))
}

fn generate(functions: &[Function]) -> String {
    let mut kinds: Vec<&str> =
        functions.iter().flat_map(|function| &function.parameters).filter_map(handle).collect();
    kinds.sort();
    kinds.dedup();
    let mut code = String::new();
    let c = &mut code;
    writeln!(
        c,
        "enum kind {{ {}, KINDS }};",
        kinds.iter().map(|kind| format!("KIND_{kind}")).collect::<Vec<_>>().join(", ")
    )
    .unwrap();
    writeln!(
        c,
        "struct objects {{ {} }};",
        kinds.iter().map(|kind| format!("mio_st_{kind}_t {kind};")).collect::<String>()
    )
    .unwrap();
    for kind in &kinds {
        writeln!(c, "static mio_st_{kind}_t make_{kind}(const struct objects *);").unwrap();
    }
    // The poller first: others are made of it. Closed in the other order.
    let mut order = kinds.clone();
    order.sort_by_key(|kind| *kind != "poller");
    writeln!(c, "static void open_all(struct objects *o) {{").unwrap();
    for kind in &order {
        writeln!(c, "    o->{kind} = make_{kind}(o);").unwrap();
    }
    writeln!(c, "}}\nstatic void close_all(const struct objects *o) {{").unwrap();
    for kind in order.iter().rev() {
        writeln!(c, "    expect(\"mio_st_{kind}_close\", \"a good handle\", mio_st_{kind}_close(o->{kind}), 0);").unwrap();
    }
    writeln!(c, "}}\nstatic void to_bits(const struct objects *o, uint64_t *bits) {{").unwrap();
    for kind in &kinds {
        writeln!(c, "    bits[KIND_{kind}] = o->{kind}.bits;").unwrap();
    }
    // Each handle with bits that are not good.
    writeln!(c, "}}\nstatic void bad_handles(struct objects use, const struct bad *bad) {{")
        .unwrap();
    for function in functions {
        for (n, parameter) in function.parameters.iter().enumerate() {
            let Some(kind) = handle(parameter) else { continue };
            let call = call(function, n, "handle");
            let closes = function.name == format!("mio_st_{kind}_close");
            writeln!(c, "    {{ mio_st_{kind}_t handle = {{ bad->bits[KIND_{kind}] }};").unwrap();
            writeln!(
                c,
                "      fill(); expect_bad(\"{}\", bad, KIND_{kind}, {}, {call}); }}",
                function.name,
                u8::from(closes)
            )
            .unwrap();
        }
    }
    // Each other argument.
    writeln!(c, "}}\nstatic void bad_arguments(struct objects use) {{").unwrap();
    for function in functions {
        for (n, parameter) in function.parameters.iter().enumerate() {
            if handle(parameter).is_some() {
                continue;
            }
            for (bad, answer) in known(&function.name, parameter).bad {
                let call = call(function, n, bad);
                let what = bad.replace(['"', '\\'], "'");
                writeln!(
                    c,
                    "    fill(); expect(\"{}\", \"{}: {what}\", {call}, {answer});",
                    function.name, parameter.name
                )
                .unwrap();
            }
        }
    }
    // All of them where none may work.
    writeln!(
        c,
        "}}\nstatic void no_call_works(struct objects use, const char *where, int64_t answer) {{"
    )
    .unwrap();
    for function in functions.iter().filter(|function| !any_time(function)) {
        let call = call(function, usize::MAX, "");
        writeln!(c, "    fill(); expect(\"{}\", where, {call}, answer);", function.name).unwrap();
    }
    writeln!(c, "}}\nstatic void any_time(void) {{\n    struct objects use = {{ 0 }}; (void)use;")
        .unwrap();
    for function in functions.iter().filter(|function| any_time(function)) {
        if function.name != "mio_st_awakener_wake" {
            writeln!(c, "    (void)!{}; calls++;", call(function, usize::MAX, "")).unwrap();
        }
    }
    // In a forked child.
    writeln!(c, "}}\nstatic void forked(struct objects use) {{").unwrap();
    for function in functions {
        let takes =
            |kind| function.parameters.iter().any(|parameter| handle(parameter) == Some(kind));
        if takes("poller") && function.name != "mio_st_poller_close"
            || function.name == "mio_st_awakener_wake"
            || takes("registrar") && function.name != "mio_st_registrar_close"
            || function.name == "mio_st_poller_attach"
        {
            let call = call(function, usize::MAX, "");
            writeln!(
                c,
                "    fill(); expect(\"{}\", \"forked\", {call}, MIO_ST_EFORKED);",
                function.name
            )
            .unwrap();
        }
    }
    writeln!(c, "}}").unwrap();
    code
}

#[test]
fn every_function_answers_every_bad_argument_with_its_error() {
    let functions = common::functions(&common::committed());
    assert!(functions.len() > 50, "{functions:?}");
    let folder = common::scratch("abuse");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("abuse_calls.h"), generate(&functions)).unwrap();
    let program = folder.join("abuse.c");
    fs::copy(common::source("abuse.c"), &program).unwrap();
    common::all_succeed(common::analyses(&program, &[]));
    println!(
        "{} functions: {}",
        functions.len(),
        common::run(&common::compile_with(&program, "abuse-run", &["-Wl,--wrap=syscall"]))
    );
}
