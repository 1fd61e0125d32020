//! The parsers: which symbol encloses a place in source code, and what the statement there says. Tree-sitter and its grammars are C
//! and read hostile bytes, so the product runs this only as `proofhouse-symbols`, in a box. Must not open a file or know a report.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod grammar;
mod lines;
mod scope;
mod statement;
mod walk;

use std::io::{self, Write};
use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, ParseState, Parser};
use triage::place::{self, FileRead, Question, Refusal};

use lines::Lines;
use walk::{Budget, Walk};

/// Rounds of the parser, of a hundred steps each, that every file is given.
const ROUNDS_COUNT_MIN: usize = 2_000;
/// Bytes for which a file is given one round more. Of 16,000 real files none took a round in fewer than 37, half took one in 470.
const BYTES_PER_ROUND: usize = 16;

/// Answers every question, each as soon as it is answered, so that a file that ends the parser takes no other's answer with it.
///
/// # Errors
/// Where the bytes are no questions, or the answers cannot be written.
pub fn answer_all(questions: &[u8], out: &mut impl Write) -> io::Result<()> {
    let questions = place::questions_read(questions).map_err(io::Error::other)?;
    for (at, question) in questions.iter().enumerate() {
        out.write_all(&place::answer_write(at == 0, &answer(question)))?;
        out.flush()?;
    }
    Ok(())
}

/// Answers for one file. The same file has the same answer everywhere: what bounds it is counted, not timed.
pub fn answer(question: &Question) -> FileRead {
    let source = question.source.as_slice();
    let mut parser = Parser::new();
    parser.set_language(&grammar::of(question.language)).map_err(|_| Refusal::NoTree)?;
    let (mut rounds, most) = (0, ROUNDS_COUNT_MIN + source.len() / BYTES_PER_ROUND);
    let mut progress = |_: &ParseState| {
        rounds += 1;
        if rounds > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let mut rest = |at: usize, _| source.get(at..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut rest, None, Some(options)).ok_or(Refusal::Steps)?;
    let lines = Lines::of(source);
    let walk = Walk { language: question.language, source, tree: &tree };
    let mut budget = Budget::of(source.len(), question.places.len());
    Ok(question.places.iter().map(|place| walk.read(lines.range(place)?, &mut budget)).collect())
}
