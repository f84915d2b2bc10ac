//! Runs a workload: bare, under callgrind, under strace.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::plan::{Work, spins};
use crate::{namespaces, shipped};

/// How long the load generator waits before each request when counting, in microseconds: the server is
/// asleep by then, under valgrind too.
const PAUSE: usize = 300;

/// What one run took.
#[derive(Copy, Clone, Debug)]
pub struct Run {
    pub operations: f64,
    /// Nanoseconds an operation, of the clock and of the processor.
    pub wall: f64,
    pub cpu: f64,
    /// Nanoseconds that half of the requests took at most, as the client saw it.
    pub p50: Option<f64>,
}

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
pub fn run(work: &Work, contender: &str, size: usize) -> Option<Run> {
    outcome(&mut command(&[], work, contender, size, 0))
}

/// The command of a run, behind other words if there are some.
fn command(before: &[&OsStr], work: &Work, contender: &str, size: usize, pause: usize) -> Command {
    let arguments = work.arguments(contender, size, pause);
    let mut command = program(before, work.program, &arguments[0]);
    command.args(&arguments);
    if arguments.iter().any(|word| word.starts_with("veth"))
        && let Some(made) = namespaces::made()
    {
        command.envs(namespaces::VARIABLES.into_iter().zip(made));
    }
    command
}

/// A program of this package, or the contender's own if that is in C.
fn program(before: &[&OsStr], program: &str, contender: &str) -> Command {
    let mut words: Vec<OsString> = before.iter().map(|word| word.into()).collect();
    if shipped::is_in_c(contender) && program != "http" {
        words.extend([shipped::folder().join(contender).into(), program.into()]);
    } else {
        words.push(programs().join(program).into());
    }
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command.env("LOAD", programs().join("load")).env("CONTENDERS", shipped::folder());
    command
}

/// Counts, as the difference between two sizes, so that what is done once cancels out.
pub fn count(work: &Work, contender: &str) -> Option<Counts> {
    if !work.is_counted(contender) {
        return None;
    }
    let (instructions, allocations) = instructions(work, contender)?;
    Some(Counts { instructions, system_calls: system_calls(work, contender)?, allocations })
}

/// Instructions and allocations.
fn instructions(work: &Work, contender: &str) -> Option<(f64, f64)> {
    let [instructions, allocations] = difference(work, |size| {
        let profile = temporary_file();
        let file = format!("--callgrind-out-file={}", profile.display());
        let valgrind = ["valgrind", "--tool=callgrind", "--quiet", &file].map(OsStr::new);
        let run = outcome(&mut command(&valgrind, work, contender, size, PAUSE))?;
        let (instructions, allocations) = read_profile(&profile);
        Some((run, [instructions, allocations]))
    })?;
    Some((instructions, allocations.max(0.0)))
}

pub fn system_calls(work: &Work, contender: &str) -> Option<f64> {
    if spins(contender) {
        return unhindered_calls(work, contender);
    }
    // `-f` follows threads; the load generator is another program, which it would follow too.
    let follow: &[&str] = if work.program == "wake" { &["-f"] } else { &[] };
    let [calls] = difference(work, |size| {
        let summary = temporary_file();
        let before: Vec<&OsStr> = ["strace", "-qq", "-c", "-U", "name,calls", "-o"]
            .iter()
            .map(OsStr::new)
            .chain([summary.as_os_str()])
            .chain(follow.iter().map(OsStr::new))
            .collect();
        let run = outcome(&mut command(&before, work, contender, size, PAUSE))?;
        Some((run, [read_summary(&summary)]))
    })?;
    // What is done once can differ by a system call or two between threads.
    Some(calls.max(0.0))
}

/// As [`system_calls`], of who would spin for longer if a tracer held up the other side: the C library's functions are
/// counted. Whom the system takes the processor from keeps the other side waiting: it is the median of some runs.
fn unhindered_calls(work: &Work, contender: &str) -> Option<f64> {
    let run = |size| {
        let mut command = command(&[], work, contender, size, 0);
        command.env("LD_PRELOAD", shipped::folder().join("count_calls.so"));
        let output = output(&mut command)?;
        let said = said(&output);
        Some((field(&said, "operations")?, field(&said, "calls")?))
    };
    let mut all = Vec::new();
    for _ in 0..9 {
        let ((few, less), (many, more)) = (run(work.timed)?, run(2 * work.timed)?);
        all.push((more - less) / (many - few));
    }
    Some(median(all).max(0.0))
}

/// What is counted in a run of each of the two sizes: the difference, for an operation.
fn difference<const N: usize>(
    work: &Work,
    count: impl Fn(usize) -> Option<(Run, [f64; N])>,
) -> Option<[f64; N]> {
    let (small, large) = work.counted?;
    let ((few, less), (many, more)) = (count(small)?, count(large)?);
    Some(std::array::from_fn(|i| (more[i] - less[i]) / (many.operations - few.operations)))
}

/// `None` if the contender does not have what the work asks for.
fn output(command: &mut Command) -> Option<Output> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    if output.status.code() == Some(3) {
        return None;
    }
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, said(&output));
    Some(output)
}

fn outcome(command: &mut Command) -> Option<Run> {
    let said = said(&output(command)?);
    let number = |name| field(&said, name).unwrap_or_else(|| panic!("no `{name}`: {said}"));
    let operations = number("operations");
    Some(Run {
        operations,
        wall: number("wall") / operations,
        cpu: number("cpu") / operations,
        p50: field(&said, "p50"),
    })
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// The number behind a name.
fn field(said: &str, name: &str) -> Option<f64> {
    let mut words = said.split_whitespace();
    words.find(|word| *word == name).and_then(|_| words.next()?.parse().ok())
}

/// The bytes of the heap that one registered source takes, by difference of two numbers of sources.
pub fn heap_per_source(contender: &str, few: usize, many: usize) -> f64 {
    let heap = |sources: usize| {
        let mut command = program(&[], "idle", contender);
        let output = command.args([contender, &sources.to_string(), "1"]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        field(&said(&output), "heap").unwrap()
    };
    (heap(many) - heap(few)) / (many - few) as f64
}

/// What a call of this name takes in Rust, in Rust in a function of its own if that was asked, and from C
/// with the archive and with the shared library: nanoseconds, medians of some runs by turns.
pub fn calls() -> Vec<(&'static str, [Option<f64>; 4])> {
    const ROUNDS: usize = 5;
    const CALLS: [(&str, &str); 5] = [
        ("read", "read, nothing there"),
        ("reregister", "reregister"),
        ("notify", "notify, with its share of a poll in user space"),
        ("move-deadline", "move a deadline"),
        ("event", "an event of a poll that has 256"),
    ];
    let said: Vec<[String; 3]> = (0..ROUNDS)
        .map(|_| {
            ["mio-st", "mio-st-a", "mio-st-so"].map(|contender| {
                let output = program(&[], "calls", contender).output().unwrap();
                assert!(output.status.success(), "{}", said(&output));
                said(&output)
            })
        })
        .collect();
    let of = |contender: usize, name: &str| {
        let times: Vec<f64> =
            said.iter().filter_map(|said| field(&said[contender], name)).collect();
        (!times.is_empty()).then(|| median(times))
    };
    CALLS
        .map(|(name, title)| {
            let in_a_function = of(0, &format!("{name}-in-a-function"));
            (title, [of(0, name), in_a_function, of(1, name), of(2, name)])
        })
        .into()
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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
