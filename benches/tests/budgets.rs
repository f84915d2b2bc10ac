//! What an operation takes, in instructions, system calls and allocations, is at most what budgets.txt
//! allows. Run it with `--release`: `make budgets`.

use mio_st_benches::measure::{self, Counts};
use mio_st_benches::plan;

/// What is late on a busy machine, such as a request that a poll did not find yet, only adds to a count:
/// if one is over the budget it is counted again, so many times in all.
const COUNTS: usize = 3;

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

    let mut over = Vec::new();
    for budgets in lines.chunk_by(|a, b| a[..2] == b[..2]) {
        let [work, contender, ..] = budgets[0];
        let plan = plan::budgeted().find(|plan| plan.name == work).expect("a work of the plan");
        let count = || excess(budgets, measure::count(plan, contender).expect("it does it"));
        let mut found = count();
        for _ in 1..COUNTS {
            if found.is_empty() {
                break;
            }
            found = count();
        }
        over.extend(found);
    }
    assert!(over.is_empty(), "over budget:\n{}", over.join("\n"));
}

/// What is over its budget.
fn excess(budgets: &[[&str; 5]], counts: Counts) -> Vec<String> {
    let mut excess = Vec::new();
    for [work, contender, measure, _, budget] in budgets {
        let value = match *measure {
            "instructions" => counts.instructions,
            "system-calls" => counts.system_calls,
            "allocations" => counts.allocations,
            other => panic!("no such measure: {other}"),
        };
        let budget: f64 = budget.parse().unwrap();
        println!("{work} {contender} {measure}: {value:.3}, at most {budget:.3}");
        // A run may grow a table once: that is not one more each time.
        if value > budget + 0.005 {
            excess.push(format!("{work} {contender} {measure}: {value:.3}, budget {budget:.3}"));
        }
    }
    excess
}
