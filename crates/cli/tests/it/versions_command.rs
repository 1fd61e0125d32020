//! `proofhouse versions`: the order, the reasons for none, and a batch that no line stops.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
    command.arg("versions").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap())
}

#[test]
fn two_versions_are_compared_or_refused() {
    let compare = |ecosystem, a, b| said(&run(&["compare", ecosystem, a, b], b""));
    assert_eq!(compare("npm", "1.2.3", "1.10.0"), (Some(0), "<\n".into()));
    assert_eq!(compare("PyPI", "1.0", "1.0.0"), (Some(0), "=\n".into()));
    assert_eq!(compare("Rocky Linux:9", "1.0-2.el9", "1.0-1.el9"), (Some(0), ">\n".into()));
    assert_eq!(compare("npm", "1.2.3", "latest"), (Some(2), String::new()));
    assert_eq!(compare("nmp", "1.2.3", "1.2.3"), (Some(2), String::new()));
    assert_eq!(run(&["compare", "npm", "1.2.3"], b"").status.code(), Some(2));
    let (code, text) = said(&run(&["compare", "Debian:12", "1:2.0~rc1-1", "1:2.0-1", "--json"], b""));
    assert_eq!(code, Some(0));
    let expected = json!({
        "ecosystem": "Debian:12", "ordered_as": "Debian", "order": "<",
        "a": {"version": "1:2.0~rc1-1", "prerelease": true, "line": "2.0"},
        "b": {"version": "1:2.0-1", "prerelease": false, "line": "2.0"},
    });
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
}

#[test]
fn a_batch_answers_every_line() {
    let mut input = b"npm\t1.0.0-rc.1\t1.0.0\nnpm\t1.0.0\tlatest\r\n\nGo\tv1.2.0\tv1.2\nnpm\t\xff\t1.0.0\n".to_vec();
    input.extend_from_slice(b"npm\t");
    input.extend(std::iter::repeat_n(b'1', 200_000));
    input.extend_from_slice(b"\t1.0.0\nNone\t1\t2\nnpm\t1\t2\t3\nAlpine:v3.19\t1.2.3-r1\t1.2.3-r0");
    let (code, text) = said(&run(&["compare", "--batch"], &input));
    assert_eq!(code, Some(1));
    let lines: Vec<&str> = text.lines().collect();
    let no_fields = "! not an ecosystem and two versions with tabs between them";
    assert_eq!(
        lines,
        [
            "<",
            "! second version: a number is missing",
            no_fields,
            "=",
            "! not UTF-8",
            "! line longer than 1024 bytes",
            "! no such ecosystem",
            no_fields,
            ">",
        ]
    );
    assert_eq!(said(&run(&["compare", "--batch"], b"")), (Some(0), String::new()));
}

#[test]
fn versions_are_sorted() {
    let (code, text) = said(&run(&["sort", "npm"], b"1.10.0\n1.2.0\nlatest\n1.2.0-rc.1\n"));
    assert_eq!((code, text.as_str()), (Some(1), "1.2.0-rc.1\n1.2.0\n1.10.0\n"));
    let (code, text) = said(&run(&["ecosystems"], b""));
    assert_eq!(code, Some(0));
    assert!(text.lines().any(|line| line.starts_with("Rocky Linux ") && line.ends_with("Red Hat")));
}
