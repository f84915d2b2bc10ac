//! `docs/behaviours.md` is true: each line has a test that names it, or is in a short list of those that wait.

mod differences;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use differences::DIFFERENCES;

/// The lines that wait for a test, which must shrink.
const WAITING: &[u32] = &[];

/// The lines marked **C** that wait for a test from C, which must shrink.
const WAITING_FOR_C: &[u32] = &[];

const LINES: u32 = 45;

#[derive(Default)]
struct Line {
    text: String,
    links: Vec<Link>,
}

struct Link {
    function: String,
    file: PathBuf,
}

impl Link {
    /// "- [`function`](../file)"
    fn parse(line: &str) -> Option<Link> {
        let (function, file) = line.trim().strip_prefix("- [`")?.split_once("`](../")?;
        Some(Link { function: function.to_owned(), file: file.strip_suffix(')')?.into() })
    }

    fn source(&self) -> String {
        fs::read_to_string(root().join(&self.file)).unwrap_or_default()
    }

    /// Whether it stands in a list of tests that are run for the programs in both languages.
    fn is_for_both_languages(&self) -> bool {
        self.source().lines().any(|line| line.trim() == self.function)
    }

    fn is_from_c(&self) -> bool {
        self.file.starts_with("capi") || self.is_for_both_languages()
    }

    fn is_from_rust(&self) -> bool {
        !self.file.starts_with("capi")
    }

    /// The lines of the list that the comment of the function names; `None` if there is no such test.
    fn named(&self) -> Option<BTreeSet<u32>> {
        let source = self.source();
        let mut named = BTreeSet::new();
        let for_both = self.is_for_both_languages();
        let mut is_test = for_both;
        for line in source.lines().map(str::trim) {
            if line.starts_with("//") {
                named.extend(numbers(line));
            } else if line.starts_with("#[") {
                is_test |= line == "#[test]";
            } else if line.starts_with(&format!("fn {}(", self.function)) {
                return is_test.then_some(named);
            } else {
                named.clear();
                is_test = for_both;
            }
        }
        None
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The numbers in "Behaviour 1", "Behaviours 2 and 3".
fn numbers(comment: &str) -> BTreeSet<u32> {
    let after = comment.split("Behaviour").skip(1).map(|after| after.trim_start_matches('s'));
    after
        .flat_map(|after| {
            let words = after.split_whitespace().map(|word| word.trim_end_matches(['.', ',', ':']));
            let words = words.take_while(|word| *word == "and" || word.parse::<u32>().is_ok());
            words.filter_map(|word| word.parse().ok())
        })
        .collect()
}

fn lines() -> BTreeMap<u32, Line> {
    let document = fs::read_to_string(root().join("docs/behaviours.md")).unwrap();
    let mut lines = BTreeMap::<u32, Line>::new();
    let mut number = 0;
    for text in document.lines() {
        if let Some((first, _)) = text.split_once(". ") {
            // A line of the list begins in the first column.
            number = first.parse().unwrap_or(number);
        }
        let line = lines.entry(number).or_default();
        match Link::parse(text) {
            Some(link) => line.links.push(link),
            None => line.text.extend([text, "\n"]),
        }
    }
    lines.remove(&0);
    lines
}

#[test]
fn every_link_leads_to_a_test_that_names_its_line() {
    let mut wrong = Vec::new();
    for (number, line) in lines() {
        for link in line.links {
            if !link.named().is_some_and(|named| named.contains(&number)) {
                wrong.push(format!("{number}: {} in {}", link.function, link.file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_line_has_a_test_or_waits_for_one() {
    let lines = lines();
    assert!(lines.keys().copied().eq(1..=LINES), "{:?}", lines.keys());
    for (number, line) in lines {
        let waits = !line.links.iter().any(Link::is_from_rust);
        assert_eq!(waits, WAITING.contains(&number), "line {number}");
        let marked = line.text.contains("*Waiting for a test.*");
        assert_eq!(marked, waits, "line {number}");

        let waits = line.text.contains("**C**") && !line.links.iter().any(Link::is_from_c);
        assert_eq!(waits, WAITING_FOR_C.contains(&number), "line {number}, from C");
        let marked = line.text.contains("*Waiting for a test from C.*");
        assert_eq!(marked, waits, "line {number}, from C");
    }
}

#[test]
fn the_table_of_differences_is_the_tests_and_each_row_is_asserted() {
    let document = fs::read_to_string(root().join("docs/behaviours.md")).unwrap();
    let (_, table) =
        document.split_once("| line | what is otherwise | on |\n|---|---|---|\n").unwrap();
    let table: Vec<&str> = table.lines().take_while(|row| row.starts_with('|')).collect();
    let rows = DIFFERENCES.iter();
    let rows: Vec<String> =
        rows.map(|row| format!("| {} | {} | {} |", row.line, row.what, row.systems)).collect();
    assert_eq!(table, rows, "it should be\n{}", rows.join("\n"));

    let tests = fs::read_dir(root().join("tests")).unwrap().map(|entry| entry.unwrap().path());
    let tests: String = tests.filter_map(|path| fs::read_to_string(path).ok()).collect();
    for row in DIFFERENCES {
        assert!(tests.contains(&format!("\"{}\"", row.name)), "no test asks for {:?}", row.name);
    }
}

/// A reader of the package finds what the README names.
#[test]
fn every_link_of_the_readme_is_in_the_package() {
    let cargo = std::env::var("CARGO").unwrap_or("cargo".into());
    let mut list = std::process::Command::new(cargo);
    list.args(["package", "--list", "--allow-dirty", "--offline", "--package", "mio-st"]);
    let output = list.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let files = String::from_utf8(output.stdout).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let links = links.map(|link| link.split('#').next().unwrap_or_default());
    let links = links.filter(|link| !link.is_empty() && !link.contains("://"));
    let mut count = 0;
    for link in links {
        let is_there = |file: &str| file == link || file.starts_with(&format!("{link}/"));
        assert!(files.lines().any(is_there), "{link} is not in the package");
        count += 1;
    }
    assert!(count > 10);
}
