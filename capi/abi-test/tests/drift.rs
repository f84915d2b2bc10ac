//! The header says what the sources say: the same names, prototypes, structs and constants. cbindgen has no
//! part in this. The sources are read with syn; ctest translates each of their types to C by rules of its
//! own; and what it makes is compiled by a C compiler with the header, and by rustc, and run.
//!
//! Each comparison is also shown to fail: a drift is put into a copy of the header or of the sources.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use common::header;
use quote::{format_ident, quote};
use syn::{FnArg, Item, ItemFn, Visibility};

/// The types of the system that the functions and the structs use, in Rust and in C.
const SYSTEM: &[(&str, &str)] = &[
    ("in6_addr", "struct in6_addr"),
    ("in_addr", "struct in_addr"),
    ("iovec", "struct iovec"),
    ("sockaddr", "struct sockaddr"),
    ("sockaddr_storage", "struct sockaddr_storage"),
    ("socklen_t", "socklen_t"),
];

/// A struct with a pointer to each function. ctest compares addresses of functions, but types of members.
const PROTOTYPES: &str = "prototypes";

/// The files of the sources, by name.
fn sources() -> BTreeMap<String, String> {
    let files = fs::read_dir(header::root().join("capi/src")).unwrap().map(|file| {
        let path = file.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_string(), fs::read_to_string(path).unwrap())
    });
    files.collect()
}

/// What the sources give to C.
#[derive(Default)]
struct Interface {
    functions: Vec<ItemFn>,
    /// Structs and constants.
    others: Vec<(String, Item)>,
}

impl Interface {
    fn of(sources: &BTreeMap<String, String>) -> Interface {
        let mut interface = Interface::default();
        for (file, text) in sources {
            for item in
                syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}")).items
            {
                interface.add(file, item);
            }
        }
        interface
    }

    fn add(&mut self, file: &str, mut item: Item) {
        match &mut item {
            Item::Fn(function) => {
                let name = function.sig.ident.to_string();
                let for_c = function.attrs.iter().any(is_no_mangle);
                assert_eq!(for_c, name.starts_with("mio_st_"), "{name} in {file}");
                if for_c {
                    assert!(function.sig.abi.is_some(), "{name} is not extern \"C\"");
                    self.functions.push(function.clone());
                }
            }
            Item::Struct(definition) if definition.ident.to_string().starts_with("mio_st_") => {
                definition.attrs.retain(|attribute| attribute.path().is_ident("repr"));
                self.others.push((definition.ident.to_string(), item));
            }
            Item::Const(constant) if matches!(constant.vis, Visibility::Public(_)) => {
                constant.attrs.clear();
                self.others.push((constant.ident.to_string(), item));
            }
            _ => {}
        }
    }

    fn names(&self) -> BTreeSet<String> {
        let functions = self.functions.iter().map(|function| function.sig.ident.to_string());
        functions.chain(self.others.iter().map(|(name, _)| name.clone())).collect()
    }

    /// The declarations in Rust that ctest translates.
    fn declarations(&self) -> String {
        let others = self.others.iter().map(|(_, item)| item);
        let foreign = self.functions.iter().map(|function| {
            let (name, inputs, output) =
                (&function.sig.ident, &function.sig.inputs, &function.sig.output);
            quote! { pub fn #name(#inputs) #output; }
        });
        let members = self.functions.iter().map(|function| {
            let (name, output) = (&function.sig.ident, &function.sig.output);
            let types = function.sig.inputs.iter().map(|input| match input {
                FnArg::Typed(input) => &input.ty,
                FnArg::Receiver(_) => panic!("{name} is a method"),
            });
            quote! { pub #name: Option<unsafe extern "C" fn(#(#types),*) #output>, }
        });
        let prototypes = format_ident!("{PROTOTYPES}");
        let tokens = quote! {
            #(#others)*
            unsafe extern "C" { #(#foreign)* }
            #[repr(C)]
            pub struct #prototypes { #(#members)* }
        };
        tokens.to_string()
    }

    /// The same struct in C, of what the header declares.
    fn prototypes(&self) -> String {
        let members = self.functions.iter().map(|function| {
            let name = &function.sig.ident;
            format!("    __typeof__(&{name}) {name};\n")
        });
        let members: String = members.collect();
        format!(
            "#include <mio_st.h>\n#include <netinet/in.h>\ntypedef struct {{\n{members}}} {PROTOTYPES};\n"
        )
    }
}

fn is_no_mangle(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    list.path.is_ident("unsafe") && list.tokens.to_string() == "no_mangle"
}

/// The names that a header declares.
fn names(header: &str) -> BTreeSet<String> {
    let functions = common::functions(header).into_iter().map(|function| function.name);
    let types = header.lines().filter_map(|line| line.strip_prefix("} ")?.strip_suffix(';'));
    let constants = header.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix("#define ")?.split_once(' ')?;
        (!value.starts_with("__attribute__")).then_some(name)
    });
    functions.chain(types.chain(constants).map(str::to_string)).collect()
}

/// The symbols that a shared library defines for others.
fn exported(library: &Path) -> BTreeSet<String> {
    let output =
        common::succeeds(Command::new("readelf").args(["--dyn-syms", "--wide"]).arg(library));
    let text = String::from_utf8(output.stdout).unwrap();
    let symbols = text.lines().filter_map(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        // Number, value, size, type, binding, visibility, section, name.
        let &[number, _, _, _, _, _, section, name] = &columns[..] else { return None };
        let defined = number.ends_with(':') && section != "UND" && section != "Ndx";
        defined.then(|| name.to_string())
    });
    symbols.collect()
}

/// Compares two sets of names, each with the place that it was found in.
fn same(
    (here, ours): (&str, &BTreeSet<String>),
    (there, theirs): (&str, &BTreeSet<String>),
) -> Result<(), String> {
    let lost = ours.difference(theirs).map(|name| format!("{name} is in {here}, not in {there}\n"));
    let extra =
        theirs.difference(ours).map(|name| format!("{name} is in {there}, not in {here}\n"));
    let differences: String = lost.chain(extra).collect();
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

/// Compares the functions of a header with those that a shared library exports.
fn same_exports(header: &str, library: &Path) -> Result<(), String> {
    let functions = common::functions(header).into_iter().map(|function| function.name).collect();
    same(("the header", &functions), ("the library", &exported(library)))
}

/// Compares the sources with a header, item by item; the error says what differs.
fn compare(name: &str, sources: &BTreeMap<String, String>, header: &str) -> Result<String, String> {
    let folder = common::scratch(&format!("drift-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let interface = Interface::of(sources);
    same(("the sources", &interface.names()), ("the header", &names(header)))?;
    fs::write(folder.join("mio_st.h"), header).unwrap();
    fs::write(folder.join("prototypes.h"), interface.prototypes()).unwrap();
    translate(&interface, &folder);
    let c = compile_c(&folder, &[])?;
    if cfg!(target_arch = "x86_64") {
        compile_c_for_32_bits(&folder)?;
    }
    let program = compile_rust(&folder, &c)?;
    let library = common::shared_library();
    let output = common::outcome(Command::new(program).env("LD_LIBRARY_PATH", library))?;
    Ok(String::from_utf8(output.stdout).unwrap())
}

/// Has ctest write the program: one half in Rust, `generated.rs`, and one in C, `generated.c`.
fn translate(interface: &Interface, folder: &Path) {
    let declarations = interface.declarations();
    // ctest wants a file that is complete by itself; which type of the system it is does not matter yet.
    let stand_ins = SYSTEM.iter().map(|(name, _)| format!("use core::ffi::c_void as {name};\n"));
    let alone = folder.join("declarations.rs");
    let text = format!("use core::ffi::*;\n{}{declarations}", stand_ins.collect::<String>());
    fs::write(&alone, text).unwrap();
    let mut generator = ctest::TestGenerator::new();
    generator.target("").out_dir(folder).header("prototypes.h");
    generator.rename_struct_ty(|name| Some(name.to_string()));
    generator.rename_type(|name| {
        let system = SYSTEM.iter().find(|(rust, _)| *rust == name);
        system.map(|(_, c)| c.to_string())
    });
    generator.skip_roundtrip(|name| name == PROTOTYPES);
    generator.generate_files(&alone, "generated").unwrap_or_else(|error| panic!("ctest: {error}"));

    let system: Vec<_> = SYSTEM.iter().map(|(name, _)| *name).collect();
    let main = format!(
        "use core::ffi::*;\nuse libc::{{{}}};\n{declarations}\ninclude!(\"generated.rs\");\n",
        system.join(", ")
    );
    fs::write(folder.join("main.rs"), main).unwrap();
}

/// Compiles the half in C: it does not compile if a type differs.
fn compile_c(folder: &Path, arguments: &[&str]) -> Result<PathBuf, String> {
    let object = folder.join("generated.o");
    let mut command = Command::new("cc");
    command.env("LC_ALL", "C").args([
        "-std=gnu11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wno-unused-parameter",
    ]);
    command.args(arguments).arg("-I").arg(folder);
    command.arg("-c").arg(folder.join("generated.c")).arg("-o").arg(&object);
    common::outcome(&mut command)?;
    Ok(object)
}

/// Where `size_t` is no `uint64_t`. What else this system has of C for 32 bits is not needed.
fn compile_c_for_32_bits(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder.join("gnu")).unwrap();
    fs::write(folder.join("gnu/stubs-32.h"), "").unwrap();
    let output = common::outcome(Command::new("cc").arg("-print-multiarch"))?;
    let system = format!("/usr/include/{}", String::from_utf8(output.stdout).unwrap().trim());
    compile_c(folder, &["-m32", "-fsyntax-only", "-idirafter", &system]).map(drop)
}

/// Compiles the half in Rust, and makes a program of both: it does not link if the library has no such
/// function, and it fails if a number differs.
fn compile_rust(folder: &Path, c: &Path) -> Result<PathBuf, String> {
    let program = folder.join("program");
    let mut command = Command::new("rustc");
    command.args(["--edition=2021", "--cap-lints=allow"]).arg(folder.join("main.rs"));
    command.arg("--extern").arg(format!("libc={}", libc().display()));
    command.arg("-L").arg(common::shared_library()).args(["-l", "dylib=mio_st"]);
    command.arg("-C").arg(format!("link-arg={}", c.display())).arg("-o").arg(&program);
    common::outcome(&mut command)?;
    Ok(program)
}

/// The crate libc, as the library has it.
fn libc() -> &'static Path {
    static LIBC: OnceLock<PathBuf> = OnceLock::new();
    LIBC.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--package=libc", "--message-format=json"]);
        cargo.arg("--target-dir").arg(common::target());
        let output = common::succeeds(cargo.current_dir(header::root()));
        let messages = String::from_utf8(output.stdout).unwrap();
        let mut words = messages.split('"');
        words.find(|word| word.ends_with(".rlib")).expect("the crate libc").into()
    })
}

#[test]
fn names_prototypes_structs_and_constants_are_those_of_the_sources() {
    let passed = compare("none", &sources(), &common::committed());
    println!("{}", passed.unwrap_or_else(|difference| panic!("{difference}")));
}

#[test]
fn the_library_exports_the_functions_of_the_header() {
    if !common::has("readelf", "the functions that the library exports") {
        return;
    }
    let library = common::shared_library().join("libmio_st.so");
    same_exports(&common::committed(), &library)
        .unwrap_or_else(|difference| panic!("{difference}"));

    // A library that lacks one and has another: it must be seen.
    let names = common::functions(&common::committed()).into_iter().map(|function| function.name);
    let other = names.map(|name| match name.as_str() {
        "mio_st_live_handles" => "void leaked(void) {}\n".to_string(),
        name => format!("void {name}(void) {{}}\n"),
    });
    let [source, library] = ["exports.c", "exports.so"].map(common::scratch);
    fs::write(&source, other.collect::<String>()).unwrap();
    let mut cc = Command::new("cc");
    common::succeeds(cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source));
    let difference = same_exports(&common::committed(), &library).unwrap_err();
    assert!(difference.contains("mio_st_live_handles is in the header, not in the library"));
    assert!(difference.contains("leaked is in the library, not in the header"));
    assert_eq!(difference.lines().count(), 2, "{difference}");
}

/// What is replaced, by what, and what is then said.
type Drift = (&'static str, &'static str, &'static str);

/// Puts drifts into a text.
fn drift(text: &str, drifts: &[Drift]) -> String {
    drifts.iter().fold(text.to_string(), |text, (from, to, _)| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, to)
    })
}

/// Each drift has its own line in what is said.
fn seen(drifts: &[Drift], difference: Result<String, String>) {
    let difference = difference.expect_err("no drift is seen");
    for (from, to, says) in drifts {
        let line = difference.lines().any(|line| line.contains(says));
        assert!(line, "`{from}` as `{to}` should be: {says}\n{difference}");
    }
}

fn seen_in_the_header(name: &str, drifts: &[Drift]) {
    let header = drift(&common::committed(), drifts);
    seen(drifts, compare(name, &sources(), &header));
}

fn seen_in_the_sources(name: &str, file: &str, drifts: &[Drift]) {
    let mut sources = sources();
    let text = drift(&sources[file], drifts);
    sources.insert(file.to_string(), text);
    seen(drifts, compare(name, &sources, &common::committed()));
}

#[test]
fn a_name_that_is_lost_or_added_is_seen() {
    let drifts = [
        (
            "size_t mio_st_live_handles(void);",
            "",
            "mio_st_live_handles is in the sources, not in the header",
        ),
        ("} mio_st_event_t;", "} mio_st_events_t;", "mio_st_event_t is in the sources, not"),
        ("#define MIO_ST_HUP (", "#define MIO_ST_HANGUP (", "MIO_ST_HUP is in the sources, not"),
        (
            "uint32_t mio_st_features(void);",
            "uint32_t mio_st_features(void); void mio_st_panic(void);",
            "mio_st_panic is in the header, not in the sources",
        ),
    ];
    seen_in_the_header("names", &drifts);
    let drifts = [(
        "fn mio_st_version_string()",
        "fn mio_st_version_text()",
        "mio_st_version_string is in the header, not in the sources",
    )];
    seen_in_the_sources("names-of-sources", "version.rs", &drifts);
}

#[test]
fn a_prototype_that_differs_is_seen() {
    let drifts = [
        // The result.
        (
            "\nint64_t mio_st_tcp_stream_read(",
            "\nint mio_st_tcp_stream_read(",
            "prototypes__mio_st_tcp_stream_read'",
        ),
        (
            "\nint mio_st_tcp_stream_close(",
            "\nvoid mio_st_tcp_stream_close(",
            "prototypes__mio_st_tcp_stream_close'",
        ),
        ("\nuint32_t mio_st_features(", "\nint mio_st_features(", "prototypes__mio_st_features'"),
        // The type of an argument: its sign, its width, the kind of handle, const, the pointer.
        (
            "mio_st_tcp_stream_set_ttl(mio_st_tcp_stream_t stream,\n                              uint32_t",
            "mio_st_tcp_stream_set_ttl(mio_st_tcp_stream_t stream,\n                              int32_t",
            "prototypes__mio_st_tcp_stream_set_ttl'",
        ),
        (
            "mio_st_tcp_listener_set_ttl(mio_st_tcp_listener_t listener,\n                                uint32_t",
            "mio_st_tcp_listener_set_ttl(mio_st_tcp_listener_t listener,\n                                uint64_t",
            "prototypes__mio_st_tcp_listener_set_ttl'",
        ),
        (
            "mio_st_tcp_stream_fd(mio_st_tcp_stream_t",
            "mio_st_tcp_stream_fd(mio_st_tcp_listener_t",
            "prototypes__mio_st_tcp_stream_fd'",
        ),
        (
            "mio_st_tcp_stream_write(mio_st_tcp_stream_t stream,\n                                const void",
            "mio_st_tcp_stream_write(mio_st_tcp_stream_t stream,\n                                void",
            "prototypes__mio_st_tcp_stream_write'",
        ),
        (
            "mio_st_poller_new(mio_st_poller_t *",
            "mio_st_poller_new(mio_st_poller_t ",
            "prototypes__mio_st_poller_new'",
        ),
        // The number of arguments, and their order.
        (
            "mio_st_udp_socket_set_ttl(mio_st_udp_socket_t socket,\n                              uint32_t ttl)",
            "mio_st_udp_socket_set_ttl(mio_st_udp_socket_t socket)",
            "prototypes__mio_st_udp_socket_set_ttl'",
        ),
        (
            "mio_st_udp_socket_set_broadcast(mio_st_udp_socket_t socket, int broadcast)",
            "mio_st_udp_socket_set_broadcast(int broadcast, mio_st_udp_socket_t socket)",
            "prototypes__mio_st_udp_socket_set_broadcast'",
        ),
        // A member of a struct: its type, and its name.
        ("    uint32_t readiness;", "    int32_t readiness;", "mio_st_event_t__readiness'"),
        (
            "    uint32_t interval_seconds;",
            "    uint32_t interval;",
            "no member named 'interval_seconds'",
        ),
    ];
    seen_in_the_header("prototypes", &drifts);
    let drifts = [
        (
            "fn mio_st_features() -> u32",
            "fn mio_st_features(of: u32) -> u32",
            "prototypes__mio_st_features'",
        ),
        ("fn mio_st_version() -> u32", "fn mio_st_version() -> u64", "prototypes__mio_st_version'"),
    ];
    seen_in_the_sources("prototypes-of-sources", "version.rs", &drifts);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_prototype_that_differs_on_other_systems_only_is_seen() {
    let drifts = [(
        "size_t mio_st_live_handles(void);",
        "uint64_t mio_st_live_handles(void);",
        "prototypes__mio_st_live_handles'",
    )];
    seen_in_the_header("width", &drifts);
}

#[test]
fn a_number_that_differs_is_seen() {
    let drifts = [
        ("MIO_ST_HUP (1u << 4)", "MIO_ST_HUP (1u << 5)", "bad `MIO_ST_HUP` value"),
        ("MIO_ST_EFORKED (-4097)", "MIO_ST_EFORKED (-4096)", "bad `MIO_ST_EFORKED` value"),
        // The members change places.
        ("uint64_t slot;", "uint64_t first;", "bad field offset `slot` of `mio_st_deadline_key_t`"),
        (
            "uint64_t serial;",
            "uint64_t slot;",
            "bad field offset `serial` of `mio_st_deadline_key_t`",
        ),
        (
            "uint64_t first;",
            "uint64_t serial;",
            "bad field offset `slot` of `mio_st_deadline_key_t`",
        ),
        ("} mio_st_event_t;", "    uint64_t more;\n} mio_st_event_t;", "bad `mio_st_event_t` size"),
        (
            "     * The effective user.\n     */\n    uint32_t uid;",
            "     */\n    _Alignas(8) uint32_t uid;",
            "bad `mio_st_ucred_t` align",
        ),
    ];
    seen_in_the_header("numbers", &drifts);
    let drifts = [
        ("MIO_ST_HUP: u32 = 1u32 << 4", "MIO_ST_HUP: u32 = 1u32 << 5", "bad `MIO_ST_HUP` value"),
        ("    pub gid: u32,\n", "    pub gid: u32,\n    more: u64,\n", "bad `mio_st_ucred_t` size"),
    ];
    seen_in_the_sources("numbers-of-sources", "abi.rs", &drifts);
}
