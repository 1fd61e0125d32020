//! What a build leaves: a whole folder that comes out to the host, and a box whose written files may run.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proof::sandbox::{BoxOutcome, BoxSpec, CopyOut, FolderOut, FolderOutcome, Limits, Mount, Sandbox, SandboxError};

use super::{each, limits, perl, run, shell};

/// A folder on the host that does not exist yet, in one that does.
struct Place {
    parent: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { parent: tempfile::tempdir().unwrap() }
    }

    fn dest(&self) -> PathBuf {
        self.parent.path().join("out")
    }

    fn out(&self, path: &str) -> CopyOut {
        CopyOut::Folder(FolderOut { path: path.into(), dest: self.dest(), bytes_max: 64 << 20, files_max: 2_000 })
    }

    /// Nothing was left beside the folder or in its place.
    fn is_empty(&self) -> bool {
        std::fs::read_dir(self.parent.path()).unwrap().count() == 0
    }
}

fn not_written(outcome: &BoxOutcome) -> &str {
    match &outcome.folder {
        Some(FolderOutcome::NotWritten(why)) => why,
        other => panic!("{other:?}"),
    }
}

/// Kind, mode or target, and path of everything below, in order.
fn listing(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(folder.join(&at)).unwrap() {
            let entry = entry.unwrap();
            let path = at.join(entry.file_name());
            let meta = entry.metadata().unwrap();
            let mode = meta.permissions().mode() & 0o7777;
            let shown = path.display();
            lines.push(match std::fs::read_link(entry.path()) {
                Ok(target) => format!("{shown} -> {}", target.display()),
                Err(_) if meta.is_dir() => format!("{shown}/ {mode:o}"),
                Err(_) => format!("{shown} {mode:o} {}", meta.len()),
            });
            if meta.is_dir() {
                folders.push(path);
            }
        }
    }
    lines.sort();
    lines
}

#[test]
fn a_built_tree_comes_out_with_its_modes_and_the_links_that_stay_inside() {
    let script = "mkdir -p build/bin build/lib/deep build/empty; cd build; printf 12345 > bin/tool; chmod 4755 bin/tool; \
        printf x > lib/liba.so.1; chmod 600 lib/liba.so.1; ln -s liba.so.1 lib/liba.so; ln -s ../../bin/tool lib/deep/up; \
        ln bin/tool hard; ln -s /etc/passwd absolute; ln -s ../../x above; ln -s lib/../../x devious; \
        ln -s ../../../x lib/deep/far; mkfifo pipe; printf y > \"$(printf 'bad\\377name')\"; chmod 0 lib/deep; echo no > /box/not";
    each(|sandbox| {
        let place = Place::new();
        let outcome = run(sandbox, &BoxSpec { copy_out: place.out("build"), ..shell(script) });
        let Some(FolderOutcome::Written(report)) = &outcome.folder else { panic!("{:?}", outcome.folder) };
        assert_eq!((report.files, report.folders, report.links, report.bytes), (3, 4, 2, 11));
        assert_eq!((report.specials_left_out, outcome.files_left_out), (6, 6));
        let expected = [
            "bin/ 755",
            "bin/tool 755 5",
            "empty/ 755",
            "hard 755 5",
            "lib/ 755",
            "lib/deep/ 755",
            "lib/deep/up -> ../../bin/tool",
            "lib/liba.so -> liba.so.1",
            "lib/liba.so.1 644 1",
        ];
        assert_eq!(listing(&place.dest()), expected);
    });
}

#[test]
fn a_large_tree_of_many_files_comes_out_whole() {
    let script = "for my $d (1..40) { mkdir \"/box/$d\"; for my $f (1..100) { open my $o, '>', \"/box/$d/$f\"; print $o \"$d/$f\" } }
        open my $o, '>', '/box/big'; print $o pack('N', $_) x 262144 for 1..300; close $o or die; print -s '/box/big'";
    let limits = Limits { disk_bytes: 512 << 20, files: 10_000, memory_bytes: 1 << 30, ..limits() };
    each(|sandbox| {
        let place = Place::new();
        let folder = FolderOut { path: String::new(), dest: place.dest(), bytes_max: 400 << 20, files_max: 5_000 };
        let outcome = run(sandbox, &BoxSpec { copy_out: CopyOut::Folder(folder), limits, ..perl(script) });
        let Some(FolderOutcome::Written(report)) = &outcome.folder else { panic!("{:?}", outcome.folder) };
        assert_eq!((report.files, report.folders), (4_001, 40));
        assert_eq!(std::fs::read_to_string(place.dest().join("40/100")).unwrap(), "40/100");
        let big = std::fs::read(place.dest().join("big")).unwrap();
        assert_eq!(big.len(), 300 << 20);
        assert_eq!((&big[..4], &big[big.len() - 4..]), (&[0, 0, 0, 1][..], &[0, 0, 1, 44][..]));
    });
}

#[test]
fn a_tree_over_a_bound_or_of_a_failed_run_does_not_come_out_at_all() {
    let deep = "d=.; for i in $(seq 80); do d=$d/d; done; mkdir -p $d";
    let long = "cd /box; for i in $(seq 40); do n=$(printf 'x%.0s' $(seq 60)); mkdir $n; cd $n; done; echo > end";
    let cases = [
        ("head -c 70000000 /dev/zero > a", "more than 67108864 bytes in all files"),
        // One file and its names: each would be a file of its own outside.
        ("head -c 7000000 /dev/zero > a; for i in 0 1 2 3 4 5 6 7 8 9; do ln a $i; done", "more than 67108864 bytes"),
        ("for i in $(seq 2001); do : > $i; done", "more than 2000 files, folders and links"),
        ("for i in $(seq 2001); do ln -s x $i; done", "more than 2000 files, folders and links"),
        (deep, "more than 64 folders below each other"),
        (long, "over the bound of 2048 bytes of name"),
        ("echo x > a; exit 3", "the run did not end well"),
        ("echo x > a; kill -9 $$", "the run did not end well"),
    ];
    let limits = Limits { disk_bytes: 256 << 20, memory_bytes: 512 << 20, ..limits() };
    each(|sandbox| {
        for (script, expected) in cases {
            let place = Place::new();
            let outcome = run(sandbox, &BoxSpec { copy_out: place.out(""), limits, ..shell(script) });
            assert!(not_written(&outcome).contains(expected), "{}", not_written(&outcome));
            assert!(place.is_empty());
        }
        for (path, script) in [("none", "true"), ("file", "echo x > file"), ("link", "mkdir a; ln -s a link")] {
            let place = Place::new();
            let outcome = run(sandbox, &BoxSpec { copy_out: place.out(path), ..shell(script) });
            assert!(not_written(&outcome).starts_with("the box has no folder"), "{}", not_written(&outcome));
            assert!(place.is_empty());
        }
    });
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_before_anything_runs() {
    each(|sandbox| {
        let place = Place::new();
        std::fs::write(place.dest(), "mine").unwrap();
        let error = sandbox.run(&BoxSpec { copy_out: place.out(""), ..shell("true") }).unwrap_err();
        assert!(matches!(error, SandboxError::FolderOut { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(place.dest()).unwrap(), "mine");
        for path in ["..", "/etc", "a/../b", "a//b"] {
            let error = sandbox.run(&BoxSpec { copy_out: Place::new().out(path), ..shell("true") }).unwrap_err();
            assert!(matches!(error, SandboxError::BadSpec(_)), "{error}");
        }
    });
}

#[test]
fn what_was_written_runs_only_where_that_was_asked_for() {
    let script = "cp /bin/echo /box/own; cp /bin/echo /tmp/own; /box/own one; /tmp/own two; printf '#!/bin/sh\\necho three\\n' > s; \
        chmod +x s; ./s; true";
    each(|sandbox| {
        let outcome = run(sandbox, &shell(script));
        assert_eq!(outcome.stdout.text(), "");
        assert!(outcome.stderr.text().contains("Permission denied"));
        assert_eq!(outcome.walls, *sandbox.walls());
        let outcome = run(sandbox, &BoxSpec { exec: true, ..shell(script) });
        assert_eq!(outcome.stdout.text(), "one\ntwo\nthree\n");
        assert!(outcome.walls.weaker.iter().any(|line| line.contains("executable")), "{:?}", outcome.walls);
    });
}

#[test]
fn what_one_box_built_runs_in_the_next_without_a_right_to_change_it() {
    each(|sandbox| {
        let place = Place::new();
        built(sandbox, &place);
        let mounts = vec![Mount { host: place.dest(), at: "/built".into() }];
        let script = "/built/hello; echo changed > /built/hello; chmod 0 /built/hello; rm /built/hello; /built/hello";
        let outcome = run(sandbox, &BoxSpec { mounts, ..shell(script) });
        assert_eq!(outcome.stdout.text(), "hello from C\nhello from C\n");
    });
}

/// Compiles with the machine's `cc`, runs the result where it was made, and brings it out.
fn built(sandbox: &Sandbox, place: &Place) {
    let script = "printf '#include <stdio.h>\\nint main(void) { puts(\"hello from C\"); return 0; }\\n' > hello.c; \
        mkdir out; cc -O1 -o out/hello hello.c && out/hello";
    let outcome = run(sandbox, &BoxSpec { exec: true, copy_out: place.out("out"), ..shell(script) });
    assert_eq!(outcome.stdout.text(), "hello from C\n");
    assert!(matches!(outcome.folder, Some(FolderOutcome::Written(_))), "{:?}", outcome.folder);
}
