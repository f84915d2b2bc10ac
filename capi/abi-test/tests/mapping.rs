//! `docs/c-mapping.md` has every public operation of the Rust side, with its C function or the reason why it
//! has none, and every function of the header.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use common::header;
use syn::{ImplItem, Item, TraitItem, UseTree, Visibility};

/// The folders of the public modules, and that of a type which one of them exports.
const MODULES: &[&str] = &["event", "net", "poll", "unix", "deadlines"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn names(tree: &UseTree, into: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => names(&path.tree, into),
        UseTree::Name(name) => drop(into.insert(name.ident.to_string())),
        UseTree::Rename(rename) => drop(into.insert(rename.rename.to_string())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| names(tree, into)),
        UseTree::Glob(_) => panic!("a glob hides what is public"),
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The public type that an item defines.
fn defined(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) if is_public(&item.vis) => Some(item.ident.to_string()),
        Item::Enum(item) if is_public(&item.vis) => Some(item.ident.to_string()),
        Item::Trait(item) if is_public(&item.vis) => Some(item.ident.to_string()),
        _ => None,
    }
}

/// The functions that the body of a macro makes public, which syn does not look into.
fn in_macro(tokens: &str) -> BTreeSet<String> {
    let words: Vec<_> = tokens.split_whitespace().collect();
    let mut functions = BTreeSet::new();
    for window in words.windows(4) {
        match window {
            ["pub", "fn", name, ..] | ["pub", "const", "fn", name] => {
                functions.insert(name.split('(').next().unwrap().to_string());
            }
            _ => {}
        }
    }
    functions
}

/// Every public function of a public type or module, such as `TcpStream::connect`.
fn in_rust() -> BTreeSet<String> {
    let mut public = BTreeSet::new();
    let mut macros = BTreeMap::new();
    let mut items = Vec::new();
    for module in MODULES {
        for path in sources(&header::root().join("src").join(module)) {
            let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
            if path.ends_with("mod.rs") && *module != "deadlines" {
                public.extend(file.items.iter().filter_map(defined));
            }
            items.extend(file.items);
        }
    }
    for item in &items {
        match item {
            Item::Use(import) if is_public(&import.vis) => names(&import.tree, &mut public),
            Item::Macro(definition) => {
                if let Some(name) = &definition.ident {
                    macros.insert(name.to_string(), in_macro(&definition.mac.tokens.to_string()));
                }
            }
            _ => {}
        }
    }
    let mut operations = BTreeSet::new();
    let mut add = |of: &str, name: &str| {
        if public.contains(of) {
            operations.insert(format!("{of}::{name}"));
        }
    };
    for item in &items {
        match item {
            Item::Impl(block) if block.trait_.is_none() => {
                let syn::Type::Path(of) = &*block.self_ty else { continue };
                let of = of.path.segments.last().unwrap().ident.to_string();
                for item in &block.items {
                    let ImplItem::Fn(function) = item else { continue };
                    if is_public(&function.vis) {
                        add(&of, &function.sig.ident.to_string());
                    }
                }
            }
            Item::Trait(definition) => {
                for item in &definition.items {
                    let TraitItem::Fn(function) = item else { continue };
                    add(&definition.ident.to_string(), &function.sig.ident.to_string());
                }
            }
            Item::Macro(call) if call.ident.is_none() => {
                let name = call.mac.path.segments.last().unwrap().ident.to_string();
                let tokens = call.mac.tokens.to_string();
                let of = tokens.split([' ', ',']).next().unwrap_or_default();
                macros.get(&name).into_iter().flatten().for_each(|function| add(of, function));
            }
            _ => {}
        }
    }
    for item in &items {
        let Item::Fn(function) = item else { continue };
        let name = function.sig.ident.to_string();
        if is_public(&function.vis) && public.contains(&name) {
            operations.insert(name);
        }
    }
    operations
}

fn table() -> String {
    fs::read_to_string(header::root().join("docs/c-mapping.md")).expect("docs/c-mapping.md")
}

/// The rows of the tables: the Rust operation, and what is said of it.
fn rows(text: &str) -> Vec<(String, String)> {
    let rows = text.lines().filter_map(|line| {
        let (rust, c) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((rust.to_string(), c.strip_suffix(" |")?.trim().to_string()))
    });
    rows.collect()
}

#[test]
fn the_table_has_every_public_operation_of_rust_once() {
    let rows = rows(&table());
    let mut listed = BTreeSet::new();
    for (rust, c) in rows {
        assert!(c.len() > 3, "{rust} has neither a function nor a reason");
        assert!(listed.insert(rust.clone()), "{rust} is there twice");
    }
    let rust = in_rust();
    let missing: Vec<_> = rust.difference(&listed).collect();
    let surplus: Vec<_> = listed.difference(&rust).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:?}, surplus: {surplus:?}");
}

#[test]
fn the_table_has_every_function_of_the_header_and_no_other() {
    let text = table();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let listed: BTreeSet<_> = text
        .split(|c: char| !is_name(c))
        .filter(|word| word.starts_with("mio_st_") && !word.ends_with("_t"))
        .map(str::to_string)
        .collect();
    let header: BTreeSet<_> =
        common::functions(&common::committed()).into_iter().map(|function| function.name).collect();
    let missing: Vec<_> = header.difference(&listed).collect();
    let surplus: Vec<_> = listed.difference(&header).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:?}, surplus: {surplus:?}");
}

/// The pages that tell what to use instead.
fn page(name: &str) -> String {
    fs::read_to_string(header::root().join("docs").join(name)).expect(name)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

/// One that ends with an underscore stands for all that begin so.
fn is_there(word: &str, known: &BTreeSet<String>) -> bool {
    let begins = |known: &String| word.ends_with('_') && known.starts_with(word);
    known.contains(word) || known.iter().any(begins)
}

#[test]
fn the_guides_name_what_the_headers_have() {
    let include = header::root().join("include");
    let headers = ["mio_st.h", "mio_st"].map(|name| include.join(name));
    let files = headers.iter().flat_map(|path| match path.read_dir() {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => vec![path.clone()],
    });
    let text: String = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    let known: BTreeSet<_> = words(&text).map(str::to_string).collect();
    for name in ["c-guide.md", "coming-from-mio.md", "other-languages.md"] {
        let page = page(name);
        let ours = words(&page).filter(|word| word.to_lowercase().starts_with("mio_st_"));
        // Variables of the program's environment, and a target of Meson.
        let not_c = ["MIO_ST_CHECKS", "MIO_ST_CLOCK", "mio_st_dep"];
        let missing: Vec<_> =
            ours.filter(|word| !is_there(word, &known) && !not_c.contains(word)).collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");
    }
}

/// The cells of the rows of tables, but for the first, which is of another library.
fn our_cells(text: &str) -> impl Iterator<Item = &str> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    rows.flat_map(|line| line.split(" | ").skip(1))
}

#[test]
fn the_table_for_users_of_mio_names_operations_that_there_are() {
    let known = in_rust();
    let types: BTreeSet<_> =
        known.iter().filter_map(|name| name.split_once("::")).map(|(of, _)| of).collect();
    let mut named = 0;
    for cell in our_cells(&page("coming-from-mio.md")) {
        for code in cell.split('`').skip(1).step_by(2) {
            let path = code.split('(').next().unwrap();
            let mut names = path.rsplit("::");
            let (Some(name), Some(of)) = (names.next(), names.next()) else { continue };
            if types.contains(of) && name.starts_with(|c: char| c.is_lowercase()) {
                assert!(known.contains(&format!("{of}::{name}")), "{code}");
                named += 1;
            }
        }
    }
    assert!(named > 20, "{named}");
}

/// Names of other libraries, whose headers Debian has.
#[test]
fn the_tables_for_users_of_libev_libevent_and_libuv_name_what_these_have() {
    let folder = Path::new("/usr/include");
    let headers = ["ev.h", "uv.h", "uv", "event2"].map(|name| folder.join(name));
    if !headers.iter().all(|path| path.exists()) {
        let required = std::env::var("REQUIRE_TOOLS").is_ok_and(|value| value == "1");
        assert!(!required, "libev-dev, libuv1-dev and libevent-dev are required");
        eprintln!("the headers of libev, libuv and libevent are missing, skipped: their names");
        return;
    }
    let files = headers.iter().flat_map(|path| match path.read_dir() {
        Ok(entries) => {
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
        }
        Err(_) => vec![path.clone()],
    });
    let text: String = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    let known: BTreeSet<_> = words(&text).collect();
    let guide = page("c-guide.md");
    let (_, porting) = guide.split_once("From libevent:").expect("the tables");
    let (porting, _) = porting.split_once("## A whole server").expect("their end");
    let theirs = porting.split('`').skip(1).step_by(2).flat_map(words);
    let prefixes = ["ev", "EV", "uv_", "UV_", "bufferevent"];
    let theirs: Vec<_> =
        theirs.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix))).collect();
    let missing: Vec<_> = theirs.iter().filter(|word| !known.contains(**word)).collect();
    assert!(missing.is_empty() && theirs.len() > 50, "{missing:?} of {}", theirs.len());
}
