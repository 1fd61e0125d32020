//! `proofhouse-symbols`: the parsers as a program of its own, started in a box by the proof engine. Reads questions from descriptor 3
//! and writes answers to the file `answers` of its folder. Opens nothing else.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::process::ExitCode;

/// Where a box gives the questions.
const QUESTIONS: &str = "/dev/fd/3";
/// Where the answers are looked for, in the box's one writable folder.
const ANSWERS: &str = "answers";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proofhouse-symbols: {error}; the proof engine starts it, people do not");
            ExitCode::from(2)
        }
    }
}

fn run() -> io::Result<()> {
    let mut questions = Vec::new();
    BufReader::new(File::open(QUESTIONS)?).read_to_end(&mut questions)?;
    symbols::answer_all(&questions, &mut File::create(ANSWERS)?)
}
