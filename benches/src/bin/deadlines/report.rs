//! The tables in docs/deadlines.md, between the comments that mark them, and docs/deadlines.svg.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::{Command, Stdio};
use std::{env, fs};

use mio_st_benches::measure::{machine, programs};
use mio_st_benches::shipped;

use crate::PEERS;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

const WORKS: [(&str, &str); 2] = [("rearm", "re-arm"), ("add-cancel", "add + cancel")];
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
const EXPIRY: [usize; 2] = [10_000, 100_000];

/// How ours is asked to expire, beside the default.
const OPTIONS: [(&str, &str); 2] = [
    (", slack zero", " --slack 0"),
    (", slack zero, timer slack 1 ns", " --slack 0 --timer-slack 1"),
];

// ------------------------------------------------------------------------------------------ cells

/// What each cell answered, turn by turn. Its name is what the program is called with.
#[derive(Default)]
struct Cells(BTreeMap<String, Vec<Vec<f64>>>);

impl Cells {
    /// Each cell is a process of its own, so that none inherits the heap of another. They take turns, and
    /// each turn begins with another one.
    fn measure(&mut self, names: &[String], turns: usize) {
        for turn in 0..turns {
            eprint!(".");
            for i in 0..names.len() {
                let name = &names[(turn + i) % names.len()];
                self.0.entry(name.clone()).or_default().push(run(name));
            }
        }
    }

    /// The median of one of the numbers.
    fn median(&self, name: &str, number: usize) -> Option<f64> {
        let turns = self.0.get(name)?;
        Some(median(turns.iter().map(|turn| turn[number]).collect()))
    }

    fn most(&self, name: &str, number: usize) -> Option<f64> {
        let turns = self.0.get(name)?;
        turns.iter().map(|turn| turn[number]).max_by(f64::total_cmp)
    }

    /// The median of the ratios within a turn.
    fn ratio(&self, name: &str, to: &str, number: usize) -> Option<f64> {
        let turns = self.0.get(name)?.iter().zip(self.0.get(to)?);
        Some(median(turns.map(|(a, b)| a[number] / b[number]).collect()))
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn run(name: &str) -> Vec<f64> {
    let output = program(name, &[]).output().unwrap();
    assert!(output.status.success(), "{name}: {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

/// The program in C that has this library in it, as `make install` puts it: `c` is the archive, `so` the shared one.
pub fn program_in_c(peer: &str) -> Command {
    let built = env::var_os(BUILT).is_some();
    let folder = if built { programs().join("contenders") } else { shipped::folder().into() };
    Command::new(folder.join(if peer == "so" {
        "deadlines-mio-st-so"
    } else {
        "deadlines-mio-st-a"
    }))
}

/// Set for the processes of a run: the programs in C are there.
const BUILT: &str = "DEADLINES_PROGRAMS_IN_C_ARE_BUILT";

/// This program, under another one if need be.
fn program(name: &str, under: &[&str]) -> Command {
    let this = env::current_exe().unwrap();
    let mut command = match under {
        [] => Command::new(this),
        [tool, options @ ..] => {
            let mut command = Command::new(tool);
            command.args(options).arg(this);
            command
        }
    };
    command.args(name.split(' ')).env(BUILT, "1");
    command
}

// ---------------------------------------------------------------------------------------- timings

/// Times everything. If `quick`, that is once, small, and nowhere written.
pub fn timings(quick: bool) {
    let sizes = if quick { &SIZES[..2] } else { &SIZES };
    let expiry = if quick { &EXPIRY[..1] } else { &EXPIRY };
    let mut cells = Cells::default();
    shipped::folder();
    let stalls = STALLING.map(|peer| format!("stall {peer} 1000000"));
    cells.measure(&stalls, if quick { 1 } else { 5 });
    for &n in sizes {
        let names: Vec<_> = WORKS
            .iter()
            .flat_map(|(work, _)| peers(work).map(move |peer| format!("{work} {peer} {n}")))
            .collect();
        let turns = [11, 11, 7, 5][n.ilog10() as usize - 3];
        cells.measure(&names, if quick { 1 } else { turns });
    }
    for &n in expiry {
        let names: Vec<_> = expiring(n).into_iter().map(|(_, name)| name).collect();
        cells.measure(&names, if quick { 1 } else { 15 });
    }
    eprintln!();
    let mut text = format!("{}\n\n", machine());
    for (work, title) in WORKS {
        text += &by_size(&cells, sizes, work, title);
    }
    text += &expiry_table(&cells, expiry);
    text += &stall_table(&cells);
    text += &targets(&cells).0;
    println!("{text}");
    if !quick {
        replace(
            "timings",
            &format!("![CPU time against the number of deadlines](deadlines.svg)\n\n{text}"),
        );
        fs::write(format!("{DOCS}/deadlines.svg"), plot(&cells)).unwrap();
    }
}

/// Who is asked for its worst addition and its worst poll.
const STALLING: [&str; 5] = ["ours", "c", "so", "libev", "nothing"];

/// Measures what the targets ask for, and nothing else; whether all are met.
pub fn only_targets() -> bool {
    let mut cells = Cells::default();
    shipped::folder();
    for (n, turns) in [(1_000, 11), (1_000_000, 5)] {
        for (work, _) in WORKS {
            let names = ["ours", "c", "so", "libev"].map(|peer| format!("{work} {peer} {n}"));
            cells.measure(&names, turns);
        }
    }
    cells.measure(&STALLING.map(|peer| format!("stall {peer} 1000000")), 5);
    eprintln!();
    let (text, met) = targets(&cells);
    println!("{text}");
    met
}

fn stall_table(cells: &Cells) -> String {
    let mut text = String::from(
        "The worst of 1e6 additions of a timeout, and of 1,000 polls after them, in µs of the thread's CPU time; \
         `nothing` is the worst of as many measurements of nothing, which is the machine's:\n\n\
         | | add | poll |\n|---|---:|---:|\n",
    );
    for peer in STALLING {
        let median = |number| cells.median(&format!("stall {peer} 1000000"), number).unwrap();
        writeln!(text, "| {peer} | {:.0} | {:.0} |", median(0), median(1)).unwrap();
    }
    text + "\n"
}

/// The precise mode of libevent is no other structure.
fn peers(work: &str) -> impl Iterator<Item = &'static str> + Clone {
    let floor = (work == "rearm").then_some("floor");
    PEERS.into_iter().filter(|&peer| peer != "libevent-precise").chain(floor)
}

/// Who expires, and what the cell is called.
fn expiring(n: usize) -> Vec<(String, String)> {
    let waiting = PEERS.iter().filter(|peer| !["c", "so", "structure"].contains(peer));
    let mut all: Vec<_> =
        waiting.map(|peer| (peer.to_string(), format!("expire {peer} {n}"))).collect();
    let ours =
        OPTIONS.map(|(name, options)| (format!("ours{name}"), format!("{}{options}", all[0].1)));
    all.splice(1..1, ours);
    all
}

fn by_size(cells: &Cells, sizes: &[usize], work: &str, title: &str) -> String {
    let mut text = format!("CPU ns per {title}, and the ratio to libev:\n\n| n |");
    peers(work).for_each(|peer| write!(text, " {peer} |").unwrap());
    text += "\n|---|";
    peers(work).for_each(|_| text += "---:|");
    text += "\n";
    for n in sizes {
        write!(text, "| {n:e} |").unwrap();
        for peer in peers(work) {
            let name = format!("{work} {peer} {n}");
            let ratio = cells.ratio(&name, &format!("{work} libev {n}"), 0).unwrap();
            write!(text, " {:.1} ({ratio:.2}) |", cells.median(&name, 0).unwrap()).unwrap();
        }
        text += "\n";
    }
    text + "\n"
}

fn expiry_table(cells: &Cells, sizes: &[usize]) -> String {
    let mut text = String::from(
        "Expiry of n over 200 ms, in real time; CPU ns per deadline, its ratio to libev, and how late in µs:\n\n\
         | n | | CPU ns | ratio | wake-ups | late p50 | p99 | max | early, most |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for &n in sizes {
        for (peer, name) in expiring(n) {
            let ratio = cells.ratio(&name, &format!("expire libev {n}"), 0).unwrap();
            let median = |number| cells.median(&name, number).unwrap();
            writeln!(
                text,
                "| {n:e} | {peer} | {:.0} | {ratio:.2} | {:.0} | {:.0} | {:.0} | {:.0} | {} |",
                median(0),
                median(1),
                median(2),
                median(3),
                median(4),
                cells.most(&name, 5).unwrap(),
            )
            .unwrap();
        }
    }
    text + "\n"
}

/// What was set as a target, and what came of it.
fn targets(cells: &Cells) -> (String, bool) {
    let zero = format!("expire ours 10000{}", OPTIONS[0].1);
    let timer = format!("expire ours 10000{}", OPTIONS[1].1);
    let precise = "expire libevent-precise 10000";
    let libev = |ours: &str, number| cells.ratio(ours, &ours.replace("ours", "libev"), number);
    let of_c = |work: &str, n: usize| {
        cells.ratio(&format!("{work} c {n}"), &format!("{work} libev {n}"), 0)
    };
    let rows = [
        ("re-arm, 1e3: CPU to libev's, Rust", libev("rearm ours 1000", 0), 0.4),
        ("re-arm, 1e3, C", of_c("rearm", 1_000), 0.4),
        ("re-arm, 1e6, Rust", libev("rearm ours 1000000", 0), 0.85),
        ("re-arm, 1e6, C", of_c("rearm", 1_000_000), 0.85),
        ("add + cancel, 1e3, Rust", libev("add-cancel ours 1000", 0), 0.75),
        ("add + cancel, 1e3, C", of_c("add-cancel", 1_000), 0.75),
        ("add + cancel, 1e6, Rust", libev("add-cancel ours 1000000", 0), 0.45),
        ("add + cancel, 1e6, C", of_c("add-cancel", 1_000_000), 0.45),
        ("worst add of 1e6, Rust, µs", cells.median("stall ours 1000000", 0), 300.0),
        ("worst add of 1e6, C, µs", cells.median("stall c 1000000", 0), 300.0),
        ("worst poll after them, Rust, µs", cells.median("stall ours 1000000", 1), 500.0),
        ("worst poll after them, C, µs", cells.median("stall c 1000000", 1), 500.0),
        ("expire 1e5", libev("expire ours 100000", 0), 0.85),
        ("expire 1e4", libev("expire ours 10000", 0), 1.0),
        ("expire 1e4: late p99 to libev's", libev("expire ours 10000", 3), 1.0),
        ("slack zero: CPU to that of libevent, precise", cells.ratio(&zero, precise, 0), 0.5),
        ("slack zero: late p99, µs", cells.median(&zero, 3), 120.0),
        ("slack zero, timer slack 1 ns: CPU to libevent's", cells.ratio(&timer, precise, 0), 1.0),
        ("slack zero, timer slack 1 ns: late p99, µs", cells.median(&timer, 3), 49.0),
        ("expire 1e4: early", cells.most("expire ours 10000", 5), 0.0),
        ("expire 1e5: early", cells.most("expire ours 100000", 5), 0.0),
    ];
    let mut text = String::from("| target | at most | measured | |\n|---|---:|---:|---|\n");
    let mut all_met = true;
    for (what, measured, most) in rows {
        let Some(measured) = measured else { continue };
        all_met &= measured <= most;
        let verdict = if measured <= most { "met" } else { "**missed**" };
        writeln!(text, "| {what} | {most} | {:.2} | {verdict} |", measured).unwrap();
    }
    (text, all_met)
}

// ----------------------------------------------------------------------------------------- counts

const COUNTED: [&str; 5] = ["ours", "structure", "libev", "heap", "floor"];

/// What is simulated, whatever the machine has: 32 KiB for the data, 32 MiB in the last level.
const CACHE: [&str; 3] = ["--I1=32768,8,64", "--D1=32768,8,64", "--LL=33554432,16,64"];

/// Counts instructions and misses of the cache, which takes minutes, and wobbles little.
pub fn counts() {
    let mut text = String::from(
        "| per operation | n | | instructions | misses, first level | misses, last level |\n\
         |---|---|---|---:|---:|---:|\n",
    );
    for (work, title) in WORKS {
        for n in [SIZES[0], SIZES[3]] {
            for peer in peers(work).filter(|peer| COUNTED.contains(peer)) {
                let [instructions, first, last] = count(work, peer, n);
                writeln!(
                    text,
                    "| {title} | {n:e} | {peer} | {instructions:.1} | {first:.2} | {last:.2} |"
                )
                .unwrap();
            }
        }
    }
    println!("{text}");
    replace("counts", &text);
}

/// By the difference of two runs, side by side, one of which does everything twice.
fn count(work: &str, peer: &str, n: usize) -> [f64; 3] {
    let file = |scale| {
        env::temp_dir()
            .join(format!("deadlines-{}-{scale}", std::process::id()))
            .display()
            .to_string()
    };
    let children = [1, 2].map(|scale| {
        let out = format!("--callgrind-out-file={}", file(scale));
        let mut under = vec!["valgrind", "--tool=callgrind", "--quiet", "--cache-sim=yes", &out];
        under.extend(CACHE);
        program(&format!("{work} {peer} {n} {scale}"), &under)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    });
    for mut child in children {
        assert!(child.wait().unwrap().success(), "{work} {peer} {n}");
    }
    let [once, twice] = [1, 2].map(|scale| {
        let text = fs::read_to_string(file(scale)).unwrap();
        fs::remove_file(file(scale)).unwrap();
        // Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
        let summary = text.lines().find_map(|line| line.strip_prefix("summary: ")).unwrap();
        let numbers = summary.split_whitespace().map(|word| word.parse().unwrap());
        let numbers: Vec<f64> = numbers.collect();
        [numbers[0], numbers[4] + numbers[5], numbers[7] + numbers[8]]
    });
    let operations = crate::operations(work, n, 1) as f64;
    [0, 1, 2].map(|i| (twice[i] - once[i]) / operations)
}

// ------------------------------------------------------------------------------------------- docs

/// Replaces what is between the two comments of this name.
fn replace(name: &str, with: &str) {
    let file = format!("{DOCS}/deadlines.md");
    let text = fs::read_to_string(&file).unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
    let (before, rest) = text.split_once(&begin).expect(&begin);
    let (_, after) = rest.split_once(&end).expect(&end);
    fs::write(file, format!("{before}{begin}\n{}\n\n{end}{after}", with.trim())).unwrap();
}

const PANEL: f64 = 380.0;
const LEFT: f64 = 42.0;
const TOP: f64 = 44.0;
/// Of a factor of ten.
const ACROSS: f64 = 82.0;
const DOWN: f64 = 80.0;

/// CPU time against n, both logarithmic: a panel for each work.
fn plot(cells: &Cells) -> String {
    let (width, height) = (2.0 * PANEL, TOP + 3.0 * DOWN + 36.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<style>\n\
         text {{ fill: #24292f }} .grid {{ stroke: #888; stroke-opacity: .4; fill: none }}\n\
         .peer {{ stroke: #7a8a96; fill: none; stroke-width: 1.5 }}\n\
         .floor {{ stroke-dasharray: 4 3 }}\n\
         .ours {{ stroke: #d0452a; fill: none; stroke-width: 2.5 }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #d0d7de }} }}\n\
         text.mark {{ fill: #d0452a; font-weight: bold }}\n</style>\n"
    );
    for ((work, title), left) in WORKS.into_iter().zip([0.0, PANEL]) {
        panel(&mut svg, cells, work, title, left + LEFT);
    }
    svg + "</svg>\n"
}

fn panel(svg: &mut String, cells: &Cells, work: &str, title: &str, left: f64) {
    let right = left + 3.0 * ACROSS;
    writeln!(svg, "<text x=\"{left}\" y=\"20\">{title}: CPU ns, by the number of deadlines</text>")
        .unwrap();
    for decade in 0..=3 {
        let (x, y) = (left + f64::from(decade) * ACROSS, TOP + f64::from(decade) * DOWN);
        let bottom = TOP + 3.0 * DOWN;
        writeln!(
            svg,
            "<path class=\"grid\" d=\"M{left} {y}H{right}M{x} {TOP}V{bottom}\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">1e{}</text>",
            left - 6.0,
            y + 4.0,
            10_u32.pow(3 - decade as u32),
            bottom + 18.0,
            decade + 3,
        )
        .unwrap();
    }
    let mut labels = Vec::new();
    for peer in peers(work) {
        let times = SIZES.map(|n| cells.median(&format!("{work} {peer} {n}"), 0).unwrap());
        let y = |time: f64| TOP + (3.0 - time.log10()).clamp(0.0, 3.0) * DOWN;
        let points = times
            .iter()
            .zip(0..)
            .map(|(&time, i)| format!("{:.1},{:.1}", left + ACROSS * f64::from(i), y(time)));
        let points = points.collect::<Vec<_>>().join(" ");
        let class = match peer {
            "ours" => "ours",
            "floor" => "peer floor",
            _ => "peer",
        };
        writeln!(svg, "<polyline class=\"{class}\" points=\"{points}\"/>").unwrap();
        labels.push((y(times[3]), peer));
    }
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = 0.0;
    for (y, peer) in labels {
        let y = f64::max(y, free);
        free = y + 13.0;
        let class = if peer == "ours" { " class=\"mark\"" } else { "" };
        writeln!(svg, "<text{class} x=\"{}\" y=\"{:.1}\">{peer}</text>", right + 6.0, y + 4.0)
            .unwrap();
    }
}
