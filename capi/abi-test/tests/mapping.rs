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
