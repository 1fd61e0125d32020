//! A file of our own writing for each language. Each line that is asked for says behind an at sign what must come of it, so that the
//! file is the table.

use std::path::{Path, PathBuf};

use triage::place::{Language, Place, Question};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// The lines that are asked for, and their symbols.
fn table(text: &str) -> Vec<(u32, String)> {
    let mark =
        |line: &str| line.rsplit_once("// @").or_else(|| line.rsplit_once("# @")).map(|(_, s)| s.trim().to_owned());
    text.lines().enumerate().filter_map(|(at, line)| Some((at as u32 + 1, mark(line)?))).collect()
}

fn found(language: Language, source: &str, asked: &[(u32, String)]) -> Vec<(u32, String)> {
    let places = asked.iter().map(|(line, _)| Place { line: *line, ..Place::default() }).collect();
    let question = Question { language, source: source.as_bytes().to_vec(), places };
    let answers = symbols::answer(&question).unwrap();
    asked.iter().zip(answers).map(|((line, _), answer)| (*line, answer.unwrap().symbol)).collect()
}

#[track_caller]
fn check(file: &str, lines: usize) {
    let text = std::fs::read_to_string(folder().join(file)).unwrap();
    let language = Language::of_path(file).unwrap();
    let expected = table(&text);
    assert_eq!(expected.len(), lines, "lines of {file} that are asked for");
    assert_eq!(found(language, &text, &expected), expected, "{file}");
    // Lines added above move every place, and nothing else; so do Windows' line ends.
    let moved: Vec<(u32, String)> = expected.iter().map(|(line, symbol)| (line + 5, symbol.clone())).collect();
    if file.ends_with(".php") {
        return;
    }
    let above = "\n".repeat(5);
    assert_eq!(found(language, &format!("{above}{text}").replace('\n', "\r\n"), &moved), moved, "{file}, moved");
}

#[test]
fn javascript() {
    check("sample.js", 19);
}

#[test]
fn python() {
    check("sample.py", 9);
}

#[test]
fn rust() {
    check("sample.rs", 10);
}

#[test]
fn c() {
    check("sample.c", 7);
}

#[test]
fn cpp() {
    check("sample.cpp", 9);
}

#[test]
fn go() {
    check("sample.go", 8);
}

#[test]
fn java() {
    check("Sample.java", 8);
}

#[test]
fn typescript() {
    check("sample.ts", 8);
    check("sample.tsx", 2);
}

#[test]
fn ruby() {
    check("sample.rb", 8);
}

#[test]
fn php() {
    check("sample.php", 8);
}

#[test]
fn c_sharp() {
    check("sample.cs", 8);
}

#[test]
fn every_sample_is_asked_for_and_every_language_has_one() {
    let files: Vec<String> =
        std::fs::read_dir(folder()).unwrap().map(|f| f.unwrap().file_name().to_string_lossy().into_owned()).collect();
    for language in Language::ALL {
        assert!(files.iter().any(|file| Language::of_path(file) == Some(language)), "{language:?}");
    }
    assert_eq!(files.len(), Language::ALL.len());
}
