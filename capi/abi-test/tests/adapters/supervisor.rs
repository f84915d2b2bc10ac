//! Programs that are started again: `c-examples/supervisor.c`, whose signals and deadlines are sources.

use std::process::{Command, Stdio};

use crate::{Running, common, program, ways};

fn tell_to_end(supervisor: &Running) {
    supervisor.signal("TERM");
}

/// Its lines until one begins so.
fn lines_until(supervisor: &mut Running, end: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.starts_with(end)) {
        lines.push(supervisor.line());
    }
    lines
}

/// No time passes but as the test says.
fn start(command: &mut Command) -> Running {
    Running::start(command.env("MIO_ST_CLOCK", "paused").stdin(Stdio::piped()))
}

#[test]
fn a_program_that_fails_is_started_again_later_each_time_until_it_succeeds() {
    let program = program("supervisor");
    for (number, mut command) in ways(&program).into_iter().enumerate() {
        let file = common::scratch(&format!("supervisor-{number}"));
        let _ = std::fs::remove_file(&file);
        // The fourth time there are three lines; the third time it runs until there is another file.
        let script = format!(
            "echo >> '{0}'; case $(wc -l < '{0}') in 3) until [ -e '{0}-end' ]; do sleep 0.01; done;; \
             4) exit 0;; esac; kill -9 $$",
            file.display()
        );
        let end = file.with_file_name(format!("supervisor-{number}-end"));
        let _ = std::fs::remove_file(&end);
        let mut supervisor = start(command.args([&script, "exit 0"]));
        let mut lines = Vec::new();
        for pause in [100, 200] {
            let again = format!("0 starts again in {pause} ms");
            lines.extend(lines_until(&mut supervisor, &again));
            supervisor.advance(pause);
            lines.extend(lines_until(&mut supervisor, "0 is process"));
        }
        // The end of the other must be over: reaping it, the supervisor would reap this one, too, before it has heard of
        // the time.
        while !lines.iter().any(|line| line.starts_with("1 ended with status 0")) {
            lines.push(supervisor.line());
        }
        // One that has run for so long begins anew.
        supervisor.advance(10_000);
        std::fs::write(end, "").unwrap();
        lines.extend(lines_until(&mut supervisor, "0 starts again in 100 ms"));
        supervisor.advance(100);
        lines.extend(lines_until(&mut supervisor, "0 ended with status 0"));
        let begins = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(begins("0 is process"), 4, "{lines:?}");
        assert_eq!(begins("0 ended by signal 9"), 3, "{lines:?}");
        assert_eq!(begins("0 starts again"), 3, "{lines:?}");
        supervisor.ends();
    }
}

#[test]
fn all_end_with_the_supervisor_also_those_who_do_not_want_to() {
    let program = program("supervisor");
    for (mut command, grace) in ways(&program).into_iter().zip([None, Some(200)]) {
        let stubborn = "trap '' TERM; echo ready; while :; do sleep 1; done";
        let children = [stubborn, "exec sleep 1000", "false"];
        command.envs(grace.map(|millis: u64| ("GRACE", millis.to_string())));
        let mut supervisor = start(command.args(children));
        let mut lines = Vec::new();
        // One that waits to be started again, too.
        while !["ready", "2 starts again in 100 ms"].iter().all(|it| lines.contains(&(*it).into()))
        {
            lines.push(supervisor.line());
        }
        let process =
            |line: &String| line.split_once(" is process ").map(|(_, pid)| pid.to_owned());
        let groups: Vec<_> = lines.iter().filter_map(process).collect();
        tell_to_end(&supervisor);
        supervisor.says("stopping");
        supervisor.says("1 ended by signal 15");
        // Once is enough: it goes on as it has begun.
        tell_to_end(&supervisor);
        supervisor.advance(grace.unwrap_or(5_000));
        supervisor.says("0 ended by signal 9");
        supervisor.ends();
        for group in groups {
            crate::eventually("nobody is left", || (!lives(&group)).then_some(()));
        }
    }
}

/// Whether one of a group of processes is there that is not only waited for.
fn lives(group: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap();
    let stats =
        processes.filter_map(|it| std::fs::read_to_string(it.ok()?.path().join("stat")).ok());
    // After its name in brackets there are the state, the parent and the group.
    let fields = |stat: String| stat.rsplit(") ").next().unwrap().to_owned();
    stats.map(fields).any(|fields| {
        let fields: Vec<_> = fields.split(' ').take(3).collect();
        fields[2] == group && fields[0] != "Z"
    })
}

#[test]
fn one_that_fails_again_and_again_is_started_every_ten_seconds_at_last() {
    let mut command = Command::new(program("supervisor"));
    let mut supervisor = start(command.arg("false"));
    for pause in [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000] {
        lines_until(&mut supervisor, &format!("0 starts again in {pause} ms"));
        supervisor.advance(pause);
    }
    tell_to_end(&supervisor);
    lines_until(&mut supervisor, "stopping");
    supervisor.ends();
}

/// One signal may stand for several.
#[test]
fn children_that_end_at_once_are_all_noticed() {
    let mut supervisor = start(Command::new(program("supervisor")).args(["exec sleep 1000"; 3]));
    let groups = [(); 3].map(|()| {
        let line = supervisor.line();
        line.split_once(" is process ").unwrap().1.to_owned()
    });
    supervisor.stop();
    common::succeeds(Command::new("kill").arg("-KILL").args(&groups));
    crate::eventually("all have ended", || {
        (!groups.iter().any(|group| lives(group))).then_some(())
    });
    supervisor.signal("CONT");
    let mut ended = 0;
    while ended < groups.len() {
        ended += usize::from(supervisor.line().ends_with(" ended by signal 9"));
    }
    tell_to_end(&supervisor);
    lines_until(&mut supervisor, "stopping");
    supervisor.ends();
}
