//! The parsers as the product runs them: in boxes. What ends a box costs its own file and no other.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proof::sandbox::{Sandbox, SandboxConfig};
use proof::symbols::SymbolFinder;
use triage::place::{Language, NoSymbol, Place, Question};

fn sandbox() -> Sandbox {
    Sandbox::new(SandboxConfig { init_exe: Some(testkit::proofhouse_box()), ..SandboxConfig::default() }).unwrap()
}

fn question(source: &str) -> Question {
    let places = vec![Place { line: 1, ..Place::default() }];
    Question { language: Language::C, source: source.as_bytes().to_vec(), places }
}

/// A program that is none of ours, in place of the parsers.
fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("program");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn many_files_are_answered_in_order() {
    let sandbox = sandbox();
    let finder = SymbolFinder::new(&sandbox, env!("CARGO_BIN_EXE_proofhouse-symbols").into());
    let source = |n: usize| format!("int f{n}(int a) {{ return a; }}");
    let found = finder.find((0..300).map(|n| question(&source(n)))).unwrap();
    assert_eq!(found.len(), 300);
    for (n, file) in found.iter().enumerate() {
        assert_eq!(file.as_ref().unwrap()[0].as_ref().unwrap().symbol, format!("f{n}"));
    }
    assert_eq!(finder.find([]).unwrap(), []);
}

#[test]
fn what_ends_the_parser_is_told_and_ends_nothing_else() {
    let (sandbox, room) = (sandbox(), tempfile::tempdir().unwrap());
    let asked = |program: &str, count: usize| {
        let finder = SymbolFinder::new(&sandbox, script(room.path(), program));
        finder.find((0..count).map(|_| question("int f;"))).unwrap()
    };
    assert_eq!(asked("kill -SEGV $$", 3), vec![Err(NoSymbol::Ended); 3]);
    assert_eq!(asked("exit 0", 1), [Err(NoSymbol::Ended)]);
    assert_eq!(asked("echo other words than were asked for > answers", 2), vec![Err(NoSymbol::NoAnswer); 2]);
    let many = asked("exit 1", 40);
    assert_eq!(many[0], Err(NoSymbol::Ended));
    assert_eq!(many[39], Err(NoSymbol::EndedOften));
    // One answer of the first file, then the end: the others are asked again, and the one that was begun is not blamed for it.
    let first = "head -c 4 questions | grep -q PSQ1 && printf 'PSA1\\001' > answers; kill -KILL $$";
    assert!(asked(first, 3).iter().all(|file| matches!(file, Err(NoSymbol::Parser(_)))));
}
