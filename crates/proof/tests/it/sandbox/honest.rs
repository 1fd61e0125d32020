//! What an honest program gets, and what a caller is told who asks for the impossible.

use proof::sandbox::{BoxSpec, CopyOut, Exit, Limits, Mount, PlacedFile, Sandbox, SandboxConfig, SandboxError};

use super::{config, each, limits, perl, run, shell};

#[test]
fn a_program_gets_its_input_and_gives_its_report() {
    let big: Vec<u8> = (0..2_000_000u32).flat_map(u32::to_le_bytes).collect();
    each(|sandbox| {
        let spec = perl(
            "open my $i, '<&=3'; open my $o, '>&=4'; my $n = 0; $n += length while sysread $i, $_, 65536; print $o $n",
        );
        let outcome = run(sandbox, &BoxSpec { channel_in: big.clone(), ..spec });
        assert_eq!(outcome.channel_out, big.len().to_string().as_bytes());
        // Nobody reads it: no reason to wait.
        assert!(run(sandbox, &BoxSpec { channel_in: big.clone(), ..shell("true") }).ok());
    });
}

#[test]
fn placed_files_are_there_with_their_modes() {
    let place = |at: &str, mode| PlacedFile { at: at.into(), bytes: at.as_bytes().to_vec(), mode };
    each(|sandbox| {
        let spec = BoxSpec {
            files: vec![place("/box/sub/own", 0o600), place("/data/secret", 0o444), place("/tmp/t", 0o644)],
            copy_out: CopyOut::Files(vec!["sub/own".into()]),
            ..shell(
                "cat /data/secret /tmp/t; echo more >> sub/own; chmod +x sub/own; ls -l /data/secret | cut -c1-10; touch sub/x",
            )
        };
        let outcome = run(sandbox, &spec);
        assert!(outcome.ok());
        assert_eq!(outcome.stdout.text(), "/data/secret/tmp/t-r--r--r--\n");
        let file = outcome.file("sub/own").unwrap();
        assert_eq!((file.bytes.as_slice(), file.executable), (b"/box/sub/ownmore\n".as_slice(), true));
    });
}

#[test]
fn programs_are_found_by_path_and_folders_are_entered() {
    each(|sandbox| {
        let outcome = run(sandbox, &BoxSpec { cwd: "/usr".into(), ..BoxSpec::new(["pwd"]) });
        assert_eq!(outcome.stdout.text(), "/usr\n");
        let spec = BoxSpec { box_dir: "/work/here".into(), ..shell("pwd; echo x > y; ls") };
        assert_eq!(run(sandbox, &spec).stdout.text(), "/work/here\ny\n");
    });
}

#[test]
fn many_boxes_run_at_once() {
    each(|sandbox| {
        std::thread::scope(|scope| {
            for number in 0..8 {
                scope.spawn(move || {
                    for _ in 0..5 {
                        let outcome = run(sandbox, &shell(&format!("echo {number} > n; cat n; ls | wc -l")));
                        assert_eq!(outcome.stdout.text(), format!("{number}\n1\n"));
                    }
                });
            }
        });
    });
}

#[test]
fn a_program_that_does_not_exist_is_an_error_and_not_an_outcome() {
    each(|sandbox| {
        let error = sandbox.run(&BoxSpec::new(["/no/such/program"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "execute /no/such/program in the sandbox: No such file or directory (os error 2)"
        );
        assert!(matches!(sandbox.run(&BoxSpec::new(["no-such-program"])).unwrap_err(), SandboxError::Exec { .. }));
        let error = sandbox.run(&BoxSpec { cwd: "/nowhere".into(), ..shell("true") }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "set up the sandbox: enter the working folder /nowhere: No such file or directory (os error 2)"
        );
    });
}

#[test]
fn a_wrong_spec_is_refused_before_anything_runs() {
    let sandbox = Sandbox::new(config()).unwrap();
    let mount = |at: &str| vec![Mount { host: "/usr".into(), at: at.into() }];
    let wrong = [
        BoxSpec::new(Vec::<String>::new()),
        BoxSpec::new([""]),
        BoxSpec::new(["/bin/echo", "a\0b"]),
        BoxSpec { env: vec![("A=B".into(), "c".into())], ..shell("true") },
        BoxSpec { mounts: mount("relative"), ..shell("true") },
        BoxSpec { mounts: mount("/a/../b"), ..shell("true") },
        BoxSpec { mounts: mount("/"), ..shell("true") },
        BoxSpec { box_dir: "/usr".into(), ..shell("true") },
    ];
    for spec in wrong {
        assert!(matches!(sandbox.run(&spec).unwrap_err(), SandboxError::BadSpec(_)), "{spec:?}");
    }
    let mounts = vec![Mount { host: "/no/such/folder".into(), at: "/x".into() }];
    let error = sandbox.run(&BoxSpec { mounts, ..shell("true") }).unwrap_err();
    assert_eq!(error.to_string(), "mount /no/such/folder into the sandbox: No such file or directory (os error 2)");
}

#[test]
fn an_init_that_is_none_is_told() {
    let missing = SandboxConfig { init_exe: Some("/no/such/init".into()), ..SandboxConfig::default() };
    assert!(matches!(Sandbox::new(missing).unwrap_err(), SandboxError::Spawn { .. }));
    let wrong = SandboxConfig { init_exe: Some("/bin/true".into()), ..SandboxConfig::default() };
    assert!(Sandbox::new(wrong).is_err());
}

#[test]
fn limits_beyond_the_maximum_are_cut_to_it() {
    each(|sandbox| {
        let limits = Limits { memory_bytes: u64::MAX, disk_bytes: u64::MAX, processes: u32::MAX, ..limits() };
        let outcome = run(sandbox, &BoxSpec { limits, ..shell("exit 3") });
        assert_eq!(outcome.exit, Exit::Code(3));
    });
}

#[test]
fn what_is_weaker_is_said() {
    let without_proc = std::env::var_os(super::WITHOUT_PROC_VARIABLE).is_some();
    let sandbox = Sandbox::new(SandboxConfig { without_cgroups: true, ..config() }).unwrap();
    let walls = sandbox.walls();
    assert!(walls.weaker.iter().any(|line| line.starts_with("no cgroups (they were not wanted)")), "{walls:?}");
    let (proc, accounting) = if without_proc { ("absent", "each process alone") } else { ("masked", "watch") };
    assert_eq!((walls.proc.as_str(), walls.accounting.as_str()), (proc, accounting));
    assert_eq!(walls.weaker.iter().any(|line| line.contains("/proc")), without_proc);
    assert_eq!(walls.weaker.iter().any(|line| line.contains("user id")), walls.caller == "user");
    assert_eq!(run(&sandbox, &shell("true")).walls, *walls);
    // Where not even the watch is there, a program that takes the limit on its data off is not run.
    let vast = sandbox.run(&BoxSpec { vast_address_space: true, ..shell("true") });
    assert_eq!(matches!(vast, Err(SandboxError::Unfit { .. })), without_proc, "{vast:?}");
}
