//! Programs that take more than they were given, or that will not die.

use proof::sandbox::{BoxSpec, Exit, Limit, Limits, limits::CHANNEL_OUT_BYTES_MAX};

use super::{each, is_alive, limits, marker, perl, run, shell};

/// The whole tree is ended for this limit.
fn ended_for(spec: &BoxSpec, limit: Limit) {
    each(|sandbox| {
        let outcome = run(sandbox, spec);
        assert_eq!(outcome.limit_hit, Some(limit));
        assert!(!outcome.ok());
    });
}

#[test]
fn a_fork_bomb_is_ended() {
    ended_for(&perl("fork while 1"), Limit::Processes);
}

#[test]
fn the_cgroup_refuses_a_process_too_many_before_the_resource_limit_does() {
    each(|sandbox| {
        let limits = Limits { processes: 32, ..limits() };
        let outcome = run(sandbox, &BoxSpec { limits, ..shell("cat /proc/self/limits") });
        let text = outcome.stdout.text();
        let line = text.lines().find(|line| line.starts_with("Max processes")).unwrap();
        let most: u32 = line.split_whitespace().nth(2).unwrap().parse().unwrap();
        // All of them, and for each one that is on the way. What this limit refuses nobody is told.
        let counted = outcome.walls.accounting != "watch";
        assert!(if counted { most > 64 } else { most < 64 }, "{line} by {}", outcome.walls.accounting);
    });
}

#[test]
fn a_fork_bomb_that_gives_up_between_two_looks_is_held_all_the_same() {
    each(|sandbox| {
        let limits = Limits { wall_ms: 1_500, ..limits() };
        let outcome = run(sandbox, &BoxSpec { limits, ..shell("f() { f | f & }; f; sleep 1000") });
        // A cgroup counts the failed forks; the watch sees only who is there.
        assert!(matches!(outcome.limit_hit, Some(Limit::Processes | Limit::Wall)));
    });
}

#[test]
fn a_program_may_have_exactly_the_processes_it_was_given() {
    each(|sandbox| {
        let spec = perl("for (1..3) { if (!fork) { sleep 1; exit } } wait for 1..3; print 'done'");
        let outcome = run(sandbox, &BoxSpec { limits: Limits { processes: 4, ..limits() }, ..spec });
        assert!(outcome.ok());
        assert_eq!(outcome.stdout.text(), "done");
    });
}

#[test]
fn a_memory_hog_is_ended() {
    let limits = Limits { memory_bytes: 64 << 20, ..limits() };
    ended_for(&BoxSpec { limits, ..perl("$x .= 'x' x 1048576 while 1") }, Limit::Memory);
}

#[test]
fn one_process_is_bounded_in_any_case() {
    each(|sandbox| {
        let limits = Limits { memory_bytes: 64 << 20, cpu_ms: 500, ..limits() };
        let hog = run(sandbox, &BoxSpec { limits, ..perl("$x .= 'x' x 1048576 while 1") });
        assert!(!hog.ok() && hog.memory_peak_bytes < 1 << 30);
        let burner = run(sandbox, &BoxSpec { limits, ..perl("1 while 1") });
        assert_eq!(burner.limit_hit, Some(Limit::Cpu));
    });
}

#[test]
fn memory_is_counted_over_the_whole_tree() {
    let limits = Limits { memory_bytes: 96 << 20, ..limits() };
    let script = "for (1..4) { if (!fork) { my $x = 'x' x (40 << 20); sleep 1000 } } sleep 1000";
    ended_for(&BoxSpec { limits, ..perl(script) }, Limit::Memory);
}

#[test]
fn what_is_written_to_the_box_counts_as_memory() {
    let limits = Limits { memory_bytes: 32 << 20, disk_bytes: 256 << 20, ..limits() };
    let script = "open F, '>/box/a'; for (1..200) { syswrite F, 'x' x 1048576 } sleep 1000";
    ended_for(&BoxSpec { limits, ..perl(script) }, Limit::Memory);
}

#[test]
fn the_peak_of_memory_is_told() {
    each(|sandbox| {
        let spec = perl("my $x = 'x' x (64 << 20); select undef, undef, undef, 0.2; print length $x");
        let outcome = run(sandbox, &spec);
        assert!(outcome.ok());
        assert!((64 << 20..200 << 20).contains(&outcome.memory_peak_bytes), "{}", outcome.memory_peak_bytes);
        let small = run(sandbox, &shell("true"));
        assert!(small.memory_peak_bytes < 32 << 20, "{}", small.memory_peak_bytes);
    });
}

#[test]
fn a_disk_filler_gets_no_more_than_its_disk() {
    let limits = Limits { disk_bytes: 4 << 20, files: 64, ..limits() };
    for folder in ["/box", "/tmp"] {
        let bytes = format!("for i in 1 2 3 4 5 6 7 8; do head -c 1000000 /dev/zero > {folder}/$i || exit 1; done");
        ended_for(&BoxSpec { limits, ..shell(&bytes) }, Limit::Disk);
        let files = format!("i=0; while [ $i -lt 1000 ]; do : > {folder}/$i || exit 1; i=$((i+1)); done");
        ended_for(&BoxSpec { limits, ..shell(&files) }, Limit::Disk);
        let one = format!("head -c 100000000 /dev/zero > {folder}/a");
        ended_for(&BoxSpec { limits, ..shell(&one) }, Limit::Disk);
    }
}

#[test]
fn a_descriptor_hog_gets_no_more_than_its_descriptors() {
    each(|sandbox| {
        let script = "my @f; while (open my $f, '<', '/dev/null') { push @f, $f } print scalar @f";
        let outcome = run(sandbox, &BoxSpec { limits: Limits { open_files: 40, ..limits() }, ..perl(script) });
        assert!(outcome.ok());
        assert_eq!(outcome.stdout.text(), "35");
    });
}

#[test]
fn an_output_flood_is_counted_cut_and_ended() {
    let limits = Limits { output_bytes: 1_000, drain_bytes: 5 << 20, ..limits() };
    for script in ["yes", "yes >&2", "head -c 1073741824 /dev/zero"] {
        each(|sandbox| {
            let outcome = run(sandbox, &BoxSpec { limits, ..shell(script) });
            assert_eq!(outcome.limit_hit, Some(Limit::Output));
            let total = outcome.stdout.total_bytes + outcome.stderr.total_bytes;
            assert!(total > 5 << 20 && total < 50 << 20, "{total}");
            assert_eq!(outcome.stdout.head.len() + outcome.stderr.head.len(), 1_000);
        });
    }
}

#[test]
fn output_within_the_drain_is_counted_and_cut() {
    each(|sandbox| {
        let limits = Limits { output_bytes: 10, ..limits() };
        let outcome = run(sandbox, &BoxSpec { limits, ..shell("head -c 300000 /dev/zero; echo 12345678901 >&2") });
        assert!(outcome.ok() && outcome.stdout.cut());
        assert_eq!((outcome.stdout.total_bytes, outcome.stdout.head.len()), (300_000, 10));
        assert_eq!(outcome.stderr.head, b"1234567890");
    });
}

#[test]
fn a_flood_of_the_report_channel_is_ended() {
    each(|sandbox| {
        let outcome = run(sandbox, &shell("yes >&4"));
        assert_eq!(outcome.limit_hit, Some(Limit::Channel));
        assert_eq!(outcome.channel_out.len() as u64, CHANNEL_OUT_BYTES_MAX);
    });
}

#[test]
fn cpu_time_is_counted_over_the_whole_tree() {
    let limits = Limits { cpu_ms: 400, ..limits() };
    ended_for(&BoxSpec { limits, ..shell("while :; do :; done") }, Limit::Cpu);
    ended_for(&BoxSpec { limits, ..perl("fork; fork; 1 while 1") }, Limit::Cpu);
}

#[test]
fn cpu_time_of_grandchildren_is_told() {
    each(|sandbox| {
        let script = "for (1..2) { next if fork; if (!fork) { do { $x++ for 1..10000; @t = times } while $t[0] + $t[1] < 0.2; exit }
            wait; exit } wait for 1..2";
        let outcome = run(sandbox, &perl(script));
        assert!(outcome.ok());
        assert!(outcome.cpu_us() >= 380_000, "{}", outcome.cpu_us());
    });
}

#[test]
fn a_sleeper_is_ended_at_its_wall_time() {
    let limits = Limits { wall_ms: 300, ..limits() };
    for script in ["sleep 1000", "trap '' TERM INT HUP QUIT; while :; do sleep 1; done", "kill -STOP $$"] {
        each(|sandbox| {
            let outcome = run(sandbox, &BoxSpec { limits, ..shell(script) });
            assert_eq!((outcome.exit, outcome.limit_hit), (Exit::Signal(9), Some(Limit::Wall)));
        });
    }
}

#[test]
fn a_program_cannot_stop_its_clock_by_stopping_everyone() {
    let limits = Limits { wall_ms: 300, ..limits() };
    ended_for(&BoxSpec { limits, ..perl("kill 'STOP', -1; kill 'STOP', 1; sleep 1000") }, Limit::Wall);
}

#[test]
fn nothing_outlives_the_program() {
    each(|sandbox| {
        let marker = marker("daemon");
        let daemon = format!("exec perl -e 'sleep 1000; print q({marker})'");
        let script = format!("(setsid sh -c \"{daemon}\" &) ; (sh -c 'sleep 1; echo late' &) ; echo early");
        let outcome = run(sandbox, &shell(&script));
        assert!(outcome.ok());
        assert_eq!(outcome.stdout.text(), "early\n");
        assert!(!is_alive(&marker));
    });
}

#[test]
fn killing_everyone_kills_neither_the_init_nor_the_report() {
    each(|sandbox| {
        let script =
            "system 'sleep 1000 &'; kill 'KILL', -1; kill 'KILL', 1; kill 'TERM', 1; kill 'CHLD', 1; print 'here'";
        let outcome = run(sandbox, &perl(script));
        assert!(outcome.ok());
        assert_eq!(outcome.stdout.text(), "here");
    });
}

#[test]
fn a_program_that_fails_by_itself_hits_no_limit() {
    each(|sandbox| {
        let outcome = run(sandbox, &shell("exit 7"));
        assert_eq!((outcome.exit, outcome.limit_hit), (Exit::Code(7), None));
        let outcome = run(sandbox, &shell("kill -SEGV $$"));
        assert_eq!((outcome.exit, outcome.limit_hit), (Exit::Signal(11), None));
    });
}
