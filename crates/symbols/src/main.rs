//! `proofhouse-symbols`: the parsers as a program of its own, started in a box by the proof engine. Reads the file
//! `questions` of its folder and writes the file `answers` there. Opens nothing else.

use std::fs::File;
use std::io;
use std::process::ExitCode;

/// Where a box gives the questions.
const QUESTIONS: &str = "questions";
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
    let questions = std::fs::read(QUESTIONS)?;
    symbols::answer_all(&questions, &mut File::create(ANSWERS)?)
}
