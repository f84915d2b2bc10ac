//! The manual: what is said in the header's comments, the pages made of them, and mio_st(7).

mod common;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{committed, functions, has, header, succeeds};

/// The comments of the header, each as one line.
fn comments() -> Vec<String> {
    let header = committed();
    let comments = header.split("/**").skip(1).map(|rest| {
        let comment = rest.split("*/").next().expect("a comment ends");
        comment.lines().map(|line| line.trim().trim_start_matches('*').trim()).collect::<Vec<_>>()
    });
    comments.map(|lines| lines.join(" ")).collect()
}

/// Names such as `mio_st_poller_new`, and what stands behind each.
fn names(text: &str) -> Vec<(&str, &str)> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = [rest.find("mio_st_"), rest.find("MIO_ST_")].into_iter().flatten().min() {
        let name = &rest[at..];
        let end = name.find(|character| !is_part(character)).unwrap_or(name.len());
        rest = &name[end..];
        names.push((&name[..end], rest));
    }
    names
}

/// What the header declares: functions, types and constants.
fn declared() -> HashSet<String> {
    let header = committed();
    let mut declared: HashSet<_> = functions(&header).into_iter().map(|f| f.name).collect();
    for line in header.lines() {
        if let Some(define) = line.strip_prefix("#define ") {
            declared.extend(define.split_whitespace().next().map(str::to_string));
        }
        if let Some(name) = line.strip_prefix("} ") {
            declared.insert(name.trim_end_matches(';').to_string());
        }
    }
    declared
}

#[test]
fn no_comment_of_the_header_needs_a_reader_who_knows_rust() {
    let of_rust = [
        "# Safety",
        "# Errors",
        "# Panics",
        "Option",
        "Some(",
        "None",
        "Ok(",
        "Err(",
        "Result",
        "&mut",
        "io::",
        "::",
        "[`",
        "`]",
        "Vec",
        "slice",
        "trait",
        "panic",
        "unsafe",
        "usize",
        "u8",
        "OwnedFd",
        "SocketAddr",
        "Duration",
        "Instant",
        "ErrorKind",
        "crate",
        "unwrap",
        "borrow",
        "drop",
    ];
    for comment in comments() {
        // An IPv6 address is not a path, and datagrams are dropped in C, too.
        let text = comment.replace("[::", "[").replace("[fe80::", "[").replace("`dropped`", "");
        for word in of_rust {
            assert!(!text.contains(word), "{word:?} in the header: {comment}");
        }
    }
}

#[test]
fn each_comment_of_a_function_has_its_result_and_its_thread() {
    let header = committed();
    for item in header.split("\n/**").skip(1) {
        let (comment, declaration) = item.split_once("*/").expect("a comment ends");
        let Some(function) = functions(declaration).into_iter().next() else { continue };
        let comment = comment.replace("\n * ", " ");
        let result =
            ["Returns ", "Never fails", "never NULL"].iter().any(|word| comment.contains(word));
        let thread =
            ["Thread: ", "Any thread", "belongs to the calling thread", "belong to the calling"];
        assert!(result, "{} does not say what it returns", function.name);
        assert!(
            thread.iter().any(|word| comment.contains(word)),
            "{}: which thread?",
            function.name
        );
    }
}

#[test]
fn what_the_documents_name_exists() {
    let mut declared = declared();
    // What is only in headers has no page of its own: every name that one of them defines or uses.
    let folder = header::root().join("include/mio_st");
    for file in folder.read_dir().expect("include/mio_st") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a header");
        declared.extend(names(&text).into_iter().map(|(name, _)| name.to_string()));
    }
    // The variables that the examples read.
    declared.extend(["MIO_ST_CHECKS", "MIO_ST_CLOCK"].map(str::to_string));
    for path in ["include/mio_st.h", "docs/c-guide.md", "docs/mio_st.7", "README.md"] {
        let text = std::fs::read_to_string(header::root().join(path)).expect(path);
        for (name, behind) in names(&text) {
            // Others are files, pages, and what stands for several.
            let function = name.starts_with("mio_st_") && behind.starts_with('(');
            let constant = name.starts_with("MIO_ST_") && !behind.starts_with("...");
            let exact = function || constant || name.ends_with("_t");
            assert!(!exact || declared.contains(name), "{path} names {name}, which does not exist");
        }
    }
}

/// The pages of section 3.
fn pages() -> PathBuf {
    common::library().join("man3")
}

/// The file of a page, also by the name of a function in it.
fn page(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(format!("{name}.3"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("no page of {name}"));
    match text.trim().strip_prefix(".so man3/") {
        Some(link) => folder.join(link),
        None => path,
    }
}

#[test]
fn each_function_and_type_has_a_page_and_each_page_is_well_made() {
    let folder = pages();
    let overview = header::root().join("docs/mio_st.7");
    let mut all = vec![overview, page(&folder, "mio_st")];
    for name in declared().iter().filter(|name| name.starts_with("mio_st_")) {
        let path = page(&folder, name);
        let text = std::fs::read_to_string(&path).expect("a page");
        assert!(text.contains(&format!(".Ss {name}\n")), "{} has no {name}", path.display());
        all.push(path);
    }
    let text = std::fs::read_to_string(&all[0]).expect("mio_st(7)");
    for name in text.lines().filter_map(|line| line.strip_prefix(".Fn ")) {
        page(&folder, name.trim_end_matches([' ', '.', ',', ';']));
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 22, "{all:#?}");
    if has("mandoc", "whether mandoc has anything to remark of the manual") {
        succeeds(Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).args(&all));
    }
    if has("man", "whether man has anything to remark of the manual") {
        for page in &all {
            let output = succeeds(
                Command::new("man").args(["--warnings", "-l"]).arg(page).env("MANWIDTH", "80"),
            );
            let remarks = String::from_utf8_lossy(&output.stderr);
            assert!(remarks.is_empty(), "{}: {remarks}", page.display());
        }
    }
}
