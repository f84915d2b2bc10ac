//! What an operation takes, in instructions, system calls and allocations, is at most what budgets.txt
//! allows. Run it with `--release`: `make budgets`.

use mio_st_benches::measure::{self, Counts};
use mio_st_benches::plan::PLAN;

#[test]
fn no_operation_takes_more_than_its_budget() {
    if cfg!(debug_assertions) {
        println!("skipped: only an optimised build has budgets, see `make budgets`");
        return;
    }
    let text = include_str!("../budgets.txt");
    let lines: Vec<[&str; 5]> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(' ').collect::<Vec<_>>().try_into().expect("five words a line"))
        .collect();
    assert!(!lines.is_empty());

    let mut measured: Vec<(&str, &str, Counts)> = Vec::new();
    let mut over = Vec::new();
    for [work, contender, measure, _, budget] in lines {
        let known = measured.iter().find(|(w, c, _)| (*w, *c) == (work, contender));
        let counts = match known {
            Some((_, _, counts)) => *counts,
            None => {
                let plan = PLAN.iter().find(|plan| plan.name == work).expect("a work of the plan");
                let counts = measure::count(plan, contender).expect("a contender that does it");
                measured.push((work, contender, counts));
                counts
            }
        };
        let value = match measure {
            "instructions" => counts.instructions,
            "system-calls" => counts.system_calls,
            "allocations" => counts.allocations,
            other => panic!("no such measure: {other}"),
        };
        let budget: f64 = budget.parse().unwrap();
        println!("{work} {contender} {measure}: {value:.3}, at most {budget:.3}");
        // A run may grow a table once: that is not one more each time.
        if value > budget + 0.005 {
            over.push(format!("{work} {contender} {measure}: {value:.3}, budget {budget:.3}"));
        }
    }
    assert!(over.is_empty(), "over budget:\n{}", over.join("\n"));
}
