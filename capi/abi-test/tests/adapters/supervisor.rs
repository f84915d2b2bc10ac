//! Programs that are started again: `c-examples/supervisor.c`, whose signals and deadlines are sources.

use std::process::Command;

use crate::{Running, common, program, ways};

fn tell_to_end(supervisor: &Running) {
    common::succeeds(Command::new("kill").arg(supervisor.child.0.id().to_string()));
}

/// Its lines until one begins so.
fn lines_until(supervisor: &mut Running, end: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.starts_with(end)) {
        lines.push(supervisor.line());
    }
    lines
}

#[test]
fn a_program_that_fails_is_started_again_later_each_time_until_it_succeeds() {
    let program = program("supervisor");
    for (number, mut command) in ways(&program).into_iter().enumerate() {
        let file = common::scratch(&format!("supervisor-{number}"));
        let _ = std::fs::remove_file(&file);
        // The third time there are two lines.
        let script =
            format!("echo >> '{0}'; [ $(wc -l < '{0}') = 3 ] || kill -9 $$", file.display());
        let mut supervisor = Running::start(command.args([&script, "exit 0"]));
        let lines = lines_until(&mut supervisor, "0 ended with status 0");
        let begins = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(begins("0 is process"), 3, "{lines:?}");
        assert_eq!(begins("0 ended by signal 9"), 2, "{lines:?}");
        let pauses: Vec<_> = lines.iter().filter(|line| line.contains("again in")).collect();
        assert_eq!(pauses, ["0 starts again in 100 ms", "0 starts again in 200 ms"]);
        // The other one has ended before, or this is what is still waited for.
        supervisor.ends();
    }
}

#[test]
fn all_end_with_the_supervisor_also_those_who_do_not_want_to() {
    let program = program("supervisor");
    for mut command in ways(&program) {
        let stubborn = "trap '' TERM; echo ready; while :; do sleep 1; done";
        let children = [stubborn, "exec sleep 1000", "false"];
        let mut supervisor = Running::start(command.args(children).env("GRACE", "300"));
        let mut lines = Vec::new();
        // One that waits to be started again, too.
        while !["ready", "2 starts again in 400 ms"].iter().all(|it| lines.contains(&(*it).into()))
        {
            lines.push(supervisor.line());
        }
        let process =
            |line: &String| line.split_once(" is process ").map(|(_, pid)| pid.to_owned());
        let groups: Vec<_> = lines.iter().filter_map(process).collect();
        tell_to_end(&supervisor);
        let lines = lines_until(&mut supervisor, "0 ended");
        assert_eq!(lines.last().unwrap(), "0 ended by signal 9");
        assert!(lines.contains(&"1 ended by signal 15".into()), "{lines:?}");
        supervisor.ends();
        for group in groups {
            let kill = ["-0", "--", &format!("-{group}")];
            crate::eventually("nobody is left", || {
                common::outcome(Command::new("kill").args(kill)).is_err().then_some(())
            });
        }
    }
}
