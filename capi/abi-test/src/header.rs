//! The header: cbindgen translates the declarations, and they are put in the order in which a C
//! programmer reads them, each type together with its functions.

use std::path::{Path, PathBuf};

/// What the header begins with.
const TOP: &str = include_str!("top.h");

/// What the header ends with.
const BOTTOM: &str = "
#ifdef __cplusplus
}
#endif

#endif /* MIO_ST_H */
";

/// The sections: a heading, and the items that belong there: by name, by the end of it (`*…`), or by the
/// beginning (`…*`). The name is the best match, the longest beginning the next.
const SECTIONS: &[(&str, &[&str])] = &[
    ("Versions", &["MIO_ST_VERSION_*", "mio_st_version*", "MIO_ST_FEATURE_*", "mio_st_features"]),
    ("Errors", &["MIO_ST_E*", "mio_st_strerror", "mio_st_err_name"]),
    (
        "Interests, readiness, triggers and events",
        &[
            "MIO_ST_READABLE",
            "MIO_ST_PRIORITY",
            "MIO_ST_WRITABLE",
            "MIO_ST_ERROR",
            "MIO_ST_HUP",
            "MIO_ST_WRITE_CLOSED",
            "MIO_ST_TIMER",
            "MIO_ST_READ_CLOSED",
            "MIO_ST_EDGE",
            "MIO_ST_LEVEL",
            "MIO_ST_ONESHOT",
            "MIO_ST_EXCLUSIVE",
            "mio_st_event_t",
        ],
    ),
    ("Handles", &["mio_st_live_handles"]),
    ("What is detached", &["mio_st_detached_*"]),
    (
        "The poller",
        &[
            "mio_st_poller_*",
            "mio_st_deadline_key_t",
            "MIO_ST_CLOCK_*",
            "mio_st_stats_t",
            "MIO_ST_STATS_*",
            "mio_st_complaint_*",
            "MIO_ST_CHECK_*",
            "MIO_ST_PROBLEM_*",
        ],
    ),
    ("The awakener", &["mio_st_awakener_*"]),
    ("The registrar", &["mio_st_registrar_*"]),
    ("Addresses", &["MIO_ST_ADDR_*", "mio_st_addr_*"]),
    ("Options of sockets", &["MIO_ST_SOCKET_*", "mio_st_keepalive_t", "mio_st_socket_options_t"]),
    ("Error queues", &["MIO_ST_ORIGIN_*", "mio_st_queued_error_t"]),
    // A listener makes streams: these come first.
    ("TCP streams", &["mio_st_tcp_stream_*", "*register_tcp_stream"]),
    ("TCP listeners", &["mio_st_tcp_listener_*", "*register_tcp_listener"]),
    (
        "UDP sockets",
        &[
            "MIO_ST_DATAGRAM_*",
            "MIO_ST_ECN_*",
            "MIO_ST_MTU_DISCOVERY_*",
            "mio_st_datagram_t",
            "mio_st_transmit_t",
            "mio_st_udp_socket_*",
            "*register_udp_socket",
            "mio_st_connected_udp_socket_*",
            "*register_connected_udp_socket",
        ],
    ),
    (
        "Unix streams",
        &[
            "MIO_ST_MESSAGE_*",
            "mio_st_ucred_t",
            "mio_st_unix_message_t",
            "mio_st_unix_stream_*",
            "*register_unix_stream",
        ],
    ),
    ("Unix listeners", &["mio_st_unix_listener_*", "*register_unix_listener"]),
    ("Unix datagram sockets", &["mio_st_unix_datagram_*", "*register_unix_datagram"]),
    (
        "Pipes",
        &[
            "mio_st_new_pipe",
            "mio_st_sender_*",
            "*register_sender",
            "mio_st_receiver_*",
            "*register_receiver",
        ],
    ),
    (
        "Signals",
        &["MIO_ST_SIGNAL_*", "mio_st_signal_info_t", "mio_st_signals_*", "*register_signals"],
    ),
    ("Processes", &["mio_st_process_*", "*register_process"]),
];

/// The folder of the workspace.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Where the header is committed.
pub fn path() -> PathBuf {
    root().join("include/mio_st.h")
}

/// The header as the sources say it should be.
pub fn generate() -> String {
    let capi = root().join("capi");
    let config = cbindgen::Config::from_file(capi.join("cbindgen.toml")).expect("cbindgen.toml");
    let mut written = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(capi.join("src/lib.rs"))
        .generate()
        .expect("cbindgen")
        .write(&mut written);
    arrange(&String::from_utf8(written).expect("UTF-8"))
}

/// Puts what cbindgen wrote into sections.
fn arrange(written: &str) -> String {
    let mut sections = vec![Vec::new(); SECTIONS.len()];
    for item in written.split("\n\n").map(str::trim).filter(|item| item.starts_with("/**")) {
        let name = name(item);
        sections[section(name)].push(parenthesise(item, name));
    }
    let mut header = TOP.to_string();
    for ((heading, _), items) in SECTIONS.iter().zip(sections) {
        let rule = "-".repeat(96 - heading.len());
        header.push_str(&format!("\n/* {heading} {rule} */\n"));
        for item in items {
            header.push_str(&format!("\n{item}\n"));
        }
    }
    header + BOTTOM
}

/// The name that an item declares.
fn name(item: &str) -> &str {
    let (_, declaration) = item.split_once("*/\n").expect("an item has a comment");
    let before = if let Some(define) = declaration.strip_prefix("#define ") {
        define.split(' ').next()
    } else if declaration.starts_with("typedef") {
        declaration.rsplit([' ', ';']).nth(1)
    } else {
        declaration.split('(').next().and_then(|head| head.rsplit([' ', '*']).next())
    };
    before.expect("an item has a name")
}

/// The section of an item.
fn section(name: &str) -> usize {
    let matches = |pattern: &str| {
        if let Some(end) = pattern.strip_prefix('*') {
            return name.ends_with(end).then_some(usize::MAX - 1);
        }
        match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning).then_some(beginning.len()),
            None => (name == pattern).then_some(usize::MAX),
        }
    };
    let longest = |patterns: &[&str]| patterns.iter().filter_map(|pattern| matches(pattern)).max();
    let best =
        (0..SECTIONS.len()).max_by_key(|index| (longest(SECTIONS[*index].1), usize::MAX - index));
    match best {
        Some(index) if longest(SECTIONS[index].1).is_some() => index,
        _ => panic!("{name} has no section: see SECTIONS in {}", file!()),
    }
}

/// Puts parentheses around a negative constant, which cbindgen does not.
fn parenthesise(item: &str, name: &str) -> String {
    match item.split_once(&format!("#define {name} -")) {
        Some((before, number)) => format!("{before}#define {name} (-{number})"),
        None => item.to_string(),
    }
}
