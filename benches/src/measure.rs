//! Runs a workload: bare, under callgrind, under strace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Outcome;
use crate::plan::Work;

/// How long the load generator waits before each request when counting, in microseconds: the server is
/// asleep by then, under valgrind too.
const PAUSE: usize = 300;

/// What an operation takes, as far as it does not wobble.
#[derive(Copy, Clone, Debug)]
pub struct Counts {
    /// In user space.
    pub instructions: f64,
    pub system_calls: f64,
    /// Calls of `malloc` and its relatives.
    pub allocations: f64,
}

/// What it was measured on.
pub fn machine() -> String {
    let first = |file: &str, key: &str| {
        fs::read_to_string(file)
            .unwrap_or_default()
            .lines()
            .find_map(|line| {
                line.strip_prefix(key).map(|rest| rest.trim_matches([':', ' ', '\t']).to_string())
            })
            .unwrap_or_else(|| "unknown".into())
    };
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "Measured on {processors} processors ({}), {}.",
        first("/proc/cpuinfo", "model name"),
        first("/proc/version", "").split(" (").next().unwrap_or_default(),
    )
}

/// Where the programs are: beside this one, or, in a test, one folder up.
pub fn programs() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let folder = program.parent().unwrap();
    if folder.ends_with("deps") { folder.parent().unwrap().into() } else { folder.into() }
}

/// Runs once; `None` if the contender does not have what the work asks for.
pub fn run(work: &Work, contender: &str, size: usize) -> Option<Outcome> {
    let arguments = work.arguments(contender, size, 0);
    outcome(Command::new(programs().join(work.program)).args(arguments))
}

/// Counts, as the difference between two sizes, so that what is done once cancels out.
pub fn count(work: &Work, contender: &str) -> Option<Counts> {
    let (small, large) = work.counted?;
    let (few, many) = (count_at(work, contender, small)?, count_at(work, contender, large)?);
    let operations = (many.operations - few.operations) as f64;
    Some(Counts {
        instructions: (many.instructions - few.instructions) / operations,
        // What is done once can differ by a system call or two between threads.
        system_calls: ((many.system_calls - few.system_calls) / operations).max(0.0),
        allocations: ((many.allocations - few.allocations) / operations).max(0.0),
    })
}

struct Totals {
    operations: u64,
    instructions: f64,
    system_calls: f64,
    allocations: f64,
}

fn count_at(work: &Work, contender: &str, size: usize) -> Option<Totals> {
    let arguments = work.arguments(contender, size, PAUSE);
    let program = programs().join(work.program);

    let profile = temporary_file();
    let traced = outcome(
        Command::new("valgrind")
            .args(["--tool=callgrind", "--quiet"])
            .arg(format!("--callgrind-out-file={}", profile.display()))
            .arg(&program)
            .args(&arguments),
    )?;
    let (instructions, allocations) = read_profile(&profile);

    let summary = temporary_file();
    // `-f` follows threads; the load generator is another program, which it would follow too.
    let follow: &[&str] = if work.program == "wake" { &["-f"] } else { &[] };
    outcome(
        Command::new("strace")
            .args(follow)
            .args(["-qq", "-c", "-U", "name,calls", "-o"])
            .arg(&summary)
            .arg(&program)
            .args(&arguments),
    )?;
    let system_calls = read_summary(&summary);
    Some(Totals { operations: traced.operations, instructions, system_calls, allocations })
}

fn outcome(command: &mut Command) -> Option<Outcome> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    if output.status.code() == Some(3) {
        return None;
    }
    let said = said(&output);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    Some(Outcome {
        operations: field(&said, "operations"),
        wall: field(&said, "wall"),
        cpu: field(&said, "cpu"),
    })
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

fn field(said: &str, name: &str) -> u64 {
    let mut words = said.split_whitespace();
    words
        .find(|word| *word == name)
        .and_then(|_| words.next())
        .and_then(|word| word.parse().ok())
        .unwrap_or_else(|| panic!("the program does not say `{name}`: {said}"))
}

/// The bytes of the heap that one registered source takes, by difference of two numbers of sources.
pub fn heap_per_source(contender: &str, few: usize, many: usize) -> f64 {
    let heap = |sources: usize| {
        let output = Command::new(programs().join("idle"))
            .args([contender, &sources.to_string(), "1"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
        field(&said(&output), "heap") as f64
    };
    (heap(many) - heap(few)) / (many - few) as f64
}

/// What a call from C costs beyond the same in Rust: a table.
pub fn calls() -> String {
    let output = Command::new(programs().join("calls")).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

fn temporary_file() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("mio-st-benches-{}-{next}", std::process::id()))
}

/// The instructions and the calls of `malloc` and its relatives, from callgrind's file. Names are
/// compressed: `cfn=(12) malloc` the first time, `cfn=(12)` from then on.
fn read_profile(file: &Path) -> (f64, f64) {
    const ALLOCATORS: [&str; 6] =
        ["malloc", "calloc", "realloc", "memalign", "posix_memalign", "aligned_alloc"];
    let text = fs::read_to_string(file).unwrap();
    fs::remove_file(file).unwrap();
    let mut allocators = std::collections::HashSet::new();
    let (mut instructions, mut allocations, mut called) = (0.0, 0.0, "");
    for line in text.lines() {
        if let Some(function) = line.strip_prefix("cfn=").or_else(|| line.strip_prefix("fn=")) {
            let (number, name) = function.split_once(' ').unwrap_or((function, ""));
            if ALLOCATORS.contains(&name) {
                allocators.insert(number);
            }
            if line.starts_with('c') {
                called = number;
            }
        } else if let Some(calls) = line.strip_prefix("calls=") {
            if allocators.contains(called) {
                allocations += calls.split(' ').next().unwrap().parse::<f64>().unwrap();
            }
        } else if let Some(sum) = line.strip_prefix("summary: ") {
            instructions = sum.trim().parse().unwrap();
        }
    }
    (instructions, allocations)
}

/// The number of calls, from strace's summary: `name calls` in each line.
fn read_summary(file: &Path) -> f64 {
    let text = fs::read_to_string(file).unwrap();
    fs::remove_file(file).unwrap();
    text.lines()
        .filter(|line| !line.contains("total"))
        .filter_map(|line| line.split_whitespace().last()?.parse::<f64>().ok())
        .sum()
}
