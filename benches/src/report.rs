//! The tables and plots: in Markdown, to the terminal and to docs/performance.md, and as SVG.

use std::fmt::Write;
use std::fs;

use crate::Table;
use mio_st_benches::measure::machine;
use mio_st_benches::plan::{Clock, FLOOR, is_ours};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

/// What the calls of [`mio_st_benches::measure::calls`] take.
pub type Calls = [(&'static str, [Option<f64>; 4])];

pub fn print(tables: &[Table], heap: &[(&str, f64)], calls: &Calls) {
    for table in tables {
        println!("{}", section(table));
    }
    if !heap.is_empty() {
        println!("{}", heap_section(heap));
    }
    if !calls.is_empty() {
        println!("{}", calls_section(calls));
    }
}

/// Writes docs/performance.md and its plots.
pub fn write(tables: &[Table], heap: &[(&str, f64)], calls: &Calls) {
    let mut text = String::from(include_str!("performance.md"));
    writeln!(text, "\n{}\n", machine()).unwrap();
    writeln!(text, "{}", crate::targets::section(tables)).unwrap();
    fs::create_dir_all(format!("{DOCS}/performance")).unwrap();
    for table in tables {
        let file = format!("performance/{}.svg", table.work.name);
        fs::write(format!("{DOCS}/{file}"), plot(table)).unwrap();
        let with_plot = section(table) + &format!("\n![{}]({file})\n", table.work.title);
        writeln!(text, "{with_plot}").unwrap();
    }
    text += &heap_section(heap);
    text += "\n";
    text += &calls_section(calls);
    fs::write(format!("{DOCS}/performance.md"), text).unwrap();
}

/// Writes docs/udp.md.
pub fn write_udp(tables: &[Table]) {
    let mut text = String::from(include_str!("udp.md"));
    writeln!(text, "\n{}\n", machine()).unwrap();
    writeln!(text, "{}", crate::targets::section(tables)).unwrap();
    for table in tables {
        writeln!(text, "{}", section(table)).unwrap();
    }
    fs::write(format!("{DOCS}/udp.md"), text.trim_end().to_string() + "\n").unwrap();
}

fn calls_section(calls: &Calls) -> String {
    let mut text = String::from(
        "## What a call takes\n\nThe same call from Rust and from C, in programs that run by turns; medians, in \
         nanoseconds. A call in Rust may be inlined. After a system call the processor has forgotten where \
         functions return to, and predicts each return wrongly: one more function costs some 10 ns there, \
         whatever it does. \"In a function\" is the Rust call in a function of its own, as a program has it \
         that calls from more than one place.\n\n\
         | call | Rust | Rust, in a function | `libmio_st.a` | `libmio_st.so` |\n|---|---:|---:|---:|---:|\n",
    );
    for (call, times) in calls {
        write!(text, "| {call} |").unwrap();
        for time in times {
            text += &time.map_or(" |".into(), |time| format!(" {time:.1} |"));
        }
        text += "\n";
    }
    text
}

fn section(table: &Table) -> String {
    let work = table.work;
    let mut text = format!("## {}\n\n", work.title);
    if !work.note.is_empty() {
        writeln!(text, "{}\n", work.note).unwrap();
    }
    let counted = table.rows.iter().any(|row| row.counts.is_some());
    let clock = if work.clock == Clock::Wall { "time" } else { "CPU time" };
    write!(text, "| per {} | {clock}, ns | to {FLOOR} |", work.operation).unwrap();
    let mut line = String::from("|---|---:|---:|");
    if work.latency {
        text += " p50, ns |";
        line += "---:|";
    }
    if counted {
        text += " instructions | system calls | allocations |";
        line += "---:|---:|---:|";
    }
    writeln!(text, "\n{line}").unwrap();
    for row in &table.rows {
        let name = emphasised(row.contender);
        write!(text, "| {name} | {:.0} | {:.2} |", row.time, row.ratio).unwrap();
        if work.latency {
            text += &row.p50.map_or(" |".into(), |p50| format!(" {p50:.0} |"));
        }
        match row.counts {
            Some(counts) => write!(
                text,
                " {:.1} | {:.3} | {:.3} |",
                counts.instructions, counts.system_calls, counts.allocations
            )
            .unwrap(),
            None if counted => text += " | | |",
            None => (),
        }
        text += "\n";
    }
    text
}

fn heap_section(heap: &[(&str, f64)]) -> String {
    let mut text = String::from(
        "## Memory for a registered source\n\nBytes of the heap, with as many sources as the limit on \
         descriptors allows, beside the kernel's own.\n\n| | bytes |\n|---|---:|\n",
    );
    for (contender, bytes) in heap {
        writeln!(text, "| {} | {bytes:.1} |", emphasised(contender)).unwrap();
    }
    text
}

fn emphasised(contender: &str) -> String {
    if is_ours(contender) { format!("**{contender}**") } else { contender.into() }
}

/// A bar for each contender: the ratio of its time to the floor's.
fn plot(table: &Table) -> String {
    const WIDTH: f64 = 640.0;
    const LEFT: f64 = 110.0;
    const BAR: f64 = 22.0;
    let longest = table.rows.iter().map(|row| row.ratio).fold(1.0, f64::max);
    // One bar of ten times the floor would leave no room for the others.
    let scale = (WIDTH - LEFT - 60.0) / longest.min(4.0);
    let height = BAR * table.rows.len() as f64 + 34.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"8\" y=\"16\">{}: \
         time per {}, as a multiple of epoll by hand</text>\n",
        table.work.title, table.work.operation
    );
    for (i, row) in table.rows.iter().enumerate() {
        let y = 26.0 + BAR * i as f64;
        let length = row.ratio.min(4.0) * scale;
        let colour = if is_ours(row.contender) { "#b5432a" } else { "#8a9ba8" };
        let cut = if row.ratio > 4.0 { " (cut)" } else { "" };
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{}\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{}\">{:.2}{cut}</text>",
            LEFT - 6.0,
            y + 14.0,
            row.contender,
            BAR - 5.0,
            LEFT + length + 5.0,
            y + 14.0,
            row.ratio,
        )
        .unwrap();
    }
    let floor = LEFT + scale;
    writeln!(
        svg,
        "<line x1=\"{floor:.1}\" x2=\"{floor:.1}\" y1=\"24\" y2=\"{}\" stroke=\"black\" \
         stroke-dasharray=\"3 3\"/>\n</svg>",
        height - 4.0
    )
    .unwrap();
    svg
}
