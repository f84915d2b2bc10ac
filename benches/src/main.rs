//! The driver: `mio-st-benches full|udp|quick|counts|targets|budgets [PART-OF-A-NAME]`.
//!
//! `full` and `quick` run every contender of every workload in turn, print the tables, and `full` writes
//! docs/performance.md with its plots; `udp` does so for the works of that name, and writes docs/udp.md. `counts` counts, and times hardly. `targets` says which targets are met,
//! and fails if one is missed. `budgets` writes budgets.txt anew. With a part of a name, only the workloads
//! that have it there.

mod report;
mod targets;

use std::io::Write;

use mio_st_benches::measure::{self, Counts, median};
use mio_st_benches::plan::{CONTENDERS, Clock, FLOOR, PLAN, Work, budgeted, is_ours};

/// How the contenders did one workload.
pub struct Table {
    pub work: &'static Work,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub contender: &'static str,
    /// Nanoseconds an operation, the median of the rounds.
    pub time: f64,
    /// The median of the ratios to the floor in the same round.
    pub ratio: f64,
    /// What the client waits, if the work tells.
    pub p50: Option<f64>,
    pub counts: Option<Counts>,
}

fn main() {
    let mut words = std::env::args().skip(1);
    let what = words.next().unwrap_or_else(|| "full".into());
    let only = words.next().unwrap_or_default();
    let plan: Vec<&Work> = PLAN.iter().filter(|work| work.name.contains(&only)).collect();
    mio_st_benches::raise_descriptor_limit();
    match what.as_str() {
        "udp" => {
            let plan: Vec<&Work> = plan.into_iter().filter(|work| work.program == "udp").collect();
            let tables = tables(&plan, 15, 8, true);
            report::print(&tables, &[], &[]);
            if only.is_empty() {
                report::write_udp(&tables);
            }
        }
        "full" => {
            let plan: Vec<&Work> = plan.into_iter().filter(|work| work.program != "udp").collect();
            let tables = tables(&plan, 7, 4, true);
            let heap = heap();
            let calls = measure::calls();
            report::print(&tables, &heap, &calls);
            if only.is_empty() {
                report::write(&tables, &heap, &calls);
            }
        }
        "quick" => report::print(&tables(&plan, 5, 8, false), &[], &[]),
        "counts" => report::print(&tables(&plan, 1, 100, true), &[], &[]),
        "targets" => targets::run(&only),
        "budgets" => budgets(&only),
        other => panic!("none of full, udp, quick, counts, targets, budgets: {other}"),
    }
}

fn tables(plan: &[&'static Work], rounds: usize, divisor: usize, counts: bool) -> Vec<Table> {
    plan.iter()
        .map(|work| {
            eprint!("{} ", work.name);
            let mut table = time(work, rounds, (work.timed / divisor).max(1));
            if counts {
                for row in &mut table.rows {
                    row.counts = measure::count(work, row.contender);
                    dot();
                }
            }
            eprintln!();
            table
        })
        .collect()
}

/// Runs the contenders one after the other, so many rounds, each time beginning with another.
fn time(work: &'static Work, rounds: usize, size: usize) -> Table {
    let contenders: Vec<&str> = work.contenders().collect();
    let mut times = vec![Vec::new(); contenders.len()];
    let mut p50s = vec![Vec::new(); contenders.len()];
    for round in 0..rounds {
        for i in 0..contenders.len() {
            let which = (i + round) % contenders.len();
            if let Some(run) = measure::run(work, contenders[which], size) {
                times[which].push(if work.clock == Clock::Wall { run.wall } else { run.cpu });
                p50s[which].extend(run.p50.filter(|_| work.latency));
            }
        }
        dot();
    }
    let floor = contenders.iter().position(|contender| *contender == FLOOR).unwrap();
    let rows = contenders
        .iter()
        .zip(times.iter().zip(p50s))
        .filter(|(_, (times, _))| !times.is_empty())
        .map(|(contender, (own, p50s))| Row {
            contender,
            time: median(own.clone()),
            ratio: median(own.iter().zip(&times[floor]).map(|(a, b)| a / b).collect()),
            p50: (!p50s.is_empty()).then(|| median(p50s)),
            counts: None,
        })
        .collect();
    Table { work, rows }
}

/// The bytes on the heap for each registered source, by contender.
fn heap() -> Vec<(&'static str, f64)> {
    // Beside the standard streams and the epoll, some descriptors are inherited.
    let most = mio_st_benches::raise_descriptor_limit().min(1_000_000) - 100;
    CONTENDERS
        .into_iter()
        .map(|contender| (contender, measure::heap_per_source(contender, most / 10, most)))
        .collect()
}

/// Writes what our own counts are, and 2 % more as the most that they may be. The other works stay as they are.
fn budgets(only: &str) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/budgets.txt");
    let before = std::fs::read_to_string(file).unwrap();
    let mut text = String::from(
        "# What an operation of this library takes at most: what was measured, and 2 % more. Where a peer works\n\
         # at the same time it is the most of three counts and 5 % more, and system calls are whole ones: who\n\
         # finds that something came already sleeps less. `make budgets` fails above it;\n\
         # `cargo run --release -- budgets` writes this file anew. A commit that raises a number says why.\n\
         #\n\
         # work contender measure measured budget\n",
    );
    // How many wakes of a storm find that another is still to be seen depends on chance, and whether one of
    // a round trip finds the other side asleep.
    let by_chance = ["storm", "wake"];
    for work in budgeted().filter(|work| work.counted.is_some() && !by_chance.contains(&work.name))
    {
        if !work.name.contains(only) {
            let lines = before.lines().filter(|line| line.split(' ').next() == Some(work.name));
            text.extend(lines.flat_map(|line| [line, "\n"]));
            continue;
        }
        for contender in work.contenders().filter(|contender| has_budget(work, contender)) {
            let times = if work.has_peer() { 3 } else { 1 };
            let counts: Option<Vec<Counts>> =
                (0..times).map(|_| measure::count(work, contender)).collect();
            let Some(counts) = counts else { continue };
            let most = |of: fn(&Counts) -> f64| counts.iter().map(of).fold(0.0, f64::max);
            let (instructions, calls) = (most(|it| it.instructions), most(|it| it.system_calls));
            let allocations = most(|it| it.allocations);
            let budgets = if work.has_peer() {
                // A tenth above a whole number is chance, too.
                [instructions * 1.05, (calls - 0.1).ceil() * 1.02, allocations * 1.05]
            } else {
                [instructions, calls, allocations].map(|value| value * 1.02)
            };
            for (measure, value, budget) in [
                ("instructions", instructions, budgets[0]),
                ("system-calls", calls, budgets[1]),
                ("allocations", allocations, budgets[2]),
            ] {
                text += &format!("{} {contender} {measure} {value:.3} {budget:.3}\n", work.name);
            }
            dot();
        }
    }
    eprintln!();
    std::fs::write(file, &text).unwrap();
    print!("{text}");
}

/// The shared library has the same code as the archive, reached otherwise: some works tell. Whether who is
/// registered for both interests finds two events together depends on chance.
fn has_budget(work: &Work, contender: &str) -> bool {
    match contender {
        "mio-st-so" => matches!(work.name, "echo-1" | "churn-1" | "idle"),
        _ => {
            is_ours(contender)
                && !contender.starts_with("mio-st-so")
                && !contender.ends_with("+both")
        }
    }
}

fn dot() {
    eprint!(".");
    std::io::stderr().flush().unwrap();
}
