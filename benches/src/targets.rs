//! What was aimed at: each target, what was measured, and whether it is met.

use std::io::Write;
use std::process::exit;

use crate::Table;
use mio_st_benches::measure::{self, Run, median};
use mio_st_benches::plan::{PLAN, Work};

/// So often a ratio is measured, each time both sides; it is the median.
const ROUNDS: usize = 9;

enum Measure {
    /// How much one contender takes to another: time on the wall, of the processor, of half of the requests.
    Wall(&'static str, &'static str),
    Processor(&'static str, &'static str),
    P50(&'static str, &'static str),
    /// Instructions of the one beyond the other's.
    Instructions(&'static str, &'static str),
    /// Without so many.
    SystemCalls(&'static str, f64),
}
use Measure::*;

struct Target {
    what: &'static str,
    /// In which work of the plan.
    work: &'static str,
    measure: Measure,
    most: f64,
}

const fn target(what: &'static str, work: &'static str, measure: Measure, most: f64) -> Target {
    Target { what, work, measure, most }
}

/// Those of the deadlines are in the program `deadlines`.
const TARGETS: &[Target] = &[
    target("wake round trip, spinning to sleeping", "wake", Wall("mio-st+spin", "mio-st"), 0.02),
    target("the same", "wake", Wall("mio-st-a+spin", "mio-st-a"), 0.02),
    target("system calls of it", "wake", SystemCalls("mio-st+spin", 0.0), 0.0),
    target("the same", "wake", SystemCalls("mio-st-a+spin", 0.0), 0.0),
    target("system calls of a wake of who is awake", "awake", SystemCalls("mio-st", 1.0), 0.0),
    target("the same", "awake", SystemCalls("mio-st-a", 1.0), 0.0),
    target("echo, p50, spinning to sleeping", "echo-1", P50("mio-st+spin", "mio-st"), 0.45),
    target("the same", "echo-1", P50("mio-st-a+spin", "mio-st-a"), 0.45),
    target("echo, CPU, spinning to sleeping", "echo-1", Processor("mio-st+spin", "mio-st"), 1.05),
    target("the same", "echo-1", Processor("mio-st-a+spin", "mio-st-a"), 1.05),
    target("echo, instructions beyond raw", "echo-1", Instructions("mio-st-a", "raw-c"), 130.0),
    target("the same", "echo-1", Instructions("mio-st-so", "raw-c"), 150.0),
    target("churn, instructions beyond raw", "churn-1", Instructions("mio-st-a", "raw-c"), 250.0),
    target("the same", "churn-1", Instructions("mio-st-so", "raw-c"), 250.0),
    target("short connections, CPU", "http-short", Processor("mio-st-a", "mio-st-a+0.3"), 0.85),
    target("Unix stream, CPU to both interests", "unix", Processor("mio-st", "mio-st+both"), 0.75),
    target("the same", "unix", Processor("mio-st-a", "mio-st-a+both"), 0.75),
    target("UDP, one at a time", "udp-1", Processor("mio-st+batch", "raw-c+batch"), 0.90),
    target("the same", "udp-1", Processor("mio-st-a+batch", "raw-c+batch"), 0.90),
    target("UDP, runs, to a batch", "udp-32", Processor("mio-st+gro", "mio-st+batch"), 0.08),
    target("the same", "udp-32", Processor("mio-st-a+gro", "mio-st-a+batch"), 0.08),
    target("the same", "udp-64", Processor("mio-st+gro", "mio-st+batch"), 0.08),
    target("the same", "udp-64", Processor("mio-st-a+gro", "mio-st-a+batch"), 0.08),
    target("with all", "udp-32", Processor("mio-st+all", "mio-st+batch"), 0.09),
    target("the same", "udp-32", Processor("mio-st-a+all", "mio-st-a+batch"), 0.09),
    target("the same", "udp-64", Processor("mio-st+all", "mio-st+batch"), 0.09),
    target("the same", "udp-64", Processor("mio-st-a+all", "mio-st-a+batch"), 0.09),
    target("UDP, runs, to quinn-udp", "udp-32", Processor("mio-st+gro", "quinn-udp+gro"), 1.0),
    target("the same", "udp-32", Processor("mio-st-a+gro", "quinn-udp+gro"), 1.0),
    target("the same", "udp-64", Processor("mio-st+gro", "quinn-udp+gro"), 1.0),
    target("the same", "udp-64", Processor("mio-st-a+gro", "quinn-udp+gro"), 1.0),
    target("cut in software", "udp-veth", Processor("mio-st+gro", "mio-st+batch"), 0.45),
    target("the same", "udp-veth", Processor("mio-st-a+gro", "mio-st-a+batch"), 0.45),
    target("sending", "udp-veth-sending", Processor("mio-st+gso", "mio-st+batch"), 0.32),
    target("the same", "udp-veth-sending", Processor("mio-st-a+gso", "mio-st-a+batch"), 0.32),
];

const HEAD: &str = "| target | | measured | at most | |\n|---|---|---:|---:|---|";

/// Measures those whose work has this in its name, prints a table, and ends the program: with status 1 if one
/// was missed.
pub fn run(only: &str) -> ! {
    println!("{HEAD}");
    let mut missed = 0;
    for target in TARGETS.iter().filter(|target| target.work.contains(only)) {
        let work = PLAN.iter().find(|plan| plan.name == target.work).expect("a work of the plan");
        let (line, met) = line(target, measured(work, &target.measure));
        missed += usize::from(!met);
        println!("{line}");
        std::io::stdout().flush().unwrap();
    }
    println!("\n{missed} missed");
    exit(i32::from(missed > 0))
}

/// The same, of what was measured already.
pub fn section(tables: &[Table]) -> String {
    let mut text = format!(
        "## Targets\n\nWhat was aimed at, by the tables below; those of the deadlines are in \
         [deadlines.md](deadlines.md).\n\n{HEAD}\n"
    );
    for target in TARGETS {
        if let Some(table) = tables.iter().find(|table| table.work.name == target.work) {
            text += &line(target, looked_up(table, &target.measure)).0;
            text += "\n";
        }
    }
    text
}

/// A line of the table, and whether the target is met.
fn line(target: &Target, value: Option<f64>) -> (String, bool) {
    let Target { what, measure, most, .. } = target;
    let who = match measure {
        Wall(a, b) | Processor(a, b) | P50(a, b) => format!("{a} to {b}"),
        Instructions(a, b) => format!("{a} beyond {b}"),
        SystemCalls(a, _) => a.to_string(),
    };
    // A thread may start a system call or two later or earlier, in thousands.
    let chance = if matches!(measure, SystemCalls(..)) { 0.005 } else { 0.0 };
    let met = value.is_some_and(|value| value <= most + chance);
    let value = value.map_or("not measured".into(), |value| format!("{value:.3}"));
    let verdict = if met { "met" } else { "**missed**" };
    (format!("| {what} | {who} | {value} | {most} | {verdict} |"), met)
}

/// In a table of the page: a ratio to another contender is that of their ratios to the floor.
fn looked_up(table: &Table, measure: &Measure) -> Option<f64> {
    let row = |who: &str| table.rows.iter().find(|row| row.contender == who);
    match *measure {
        Wall(a, b) | Processor(a, b) => Some(row(a)?.ratio / row(b)?.ratio),
        P50(a, b) => Some(row(a)?.p50? / row(b)?.p50?),
        Instructions(a, b) => Some(row(a)?.counts?.instructions - row(b)?.counts?.instructions),
        // Not all of them have counts.
        SystemCalls(..) => measured(table.work, measure),
    }
}

/// Nothing if it cannot be measured here.
fn measured(work: &'static Work, measure: &Measure) -> Option<f64> {
    match *measure {
        Wall(a, b) => ratio(work, a, b, |run| run.wall),
        Processor(a, b) => ratio(work, a, b, |run| run.cpu),
        P50(a, b) => ratio(work, a, b, |run| run.p50.unwrap()),
        Instructions(a, b) => {
            let count = |who| measure::count(work, who).map(|counts| counts.instructions);
            Some(count(a)? - count(b)?)
        }
        SystemCalls(a, without) => Some((measure::system_calls(work, a)? - without).max(0.0)),
    }
}

fn ratio(work: &Work, a: &str, b: &str, what: impl Fn(Run) -> f64) -> Option<f64> {
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let run = |who| measure::run(work, who, work.timed / 4).map(&what);
        // Each begins as often as the other.
        let (a, b) = if round % 2 == 0 {
            (run(a), run(b))
        } else {
            let b = run(b);
            (run(a), b)
        };
        ratios.push(a? / b?);
    }
    Some(median(ratios))
}
