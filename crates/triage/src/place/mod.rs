//! Where in source code a static result lies: the language of a file, how a symbol is spelt, and what is asked of the parser in the
//! box and read of its answers. Pure; the parsers themselves are C and never linked in here.

mod language;
mod name;
mod wire;

use thiserror::Error;

pub use language::Language;
pub use name::{normal, same};
pub use wire::{
    Answer, FileRead, Place, PlaceRead, Question, Refusal, WireError, answer_write, answers_read, question_write,
    questions_read,
};

/// The largest file that is parsed, in bytes: its tree takes some thirty times that in memory.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Places that are looked up in one file.
pub const PLACES_COUNT_MAX: usize = 100_000;

/// Where a symbol is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The document says it.
    Document,
    /// The file is in the document, and was parsed.
    Artifact,
    /// The file is in the tree that the tool looked at, and was parsed.
    Source,
}

impl Origin {
    /// `document`, `artifact`, `source`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::Document => "document",
            Origin::Artifact => "artifact",
            Origin::Source => "source",
        }
    }
}

/// Why the symbol at a place is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum NoSymbol {
    /// Neither tree nor artifact.
    #[error("there is no source to look in")]
    NoSource,
    /// The result names no line.
    #[error("the result names no line")]
    NoPlace,
    /// The file's name has none of the endings of the languages that are parsed.
    #[error("its language is none that is parsed")]
    Language,
    /// The tree has no such file.
    #[error("the source has no such file")]
    NotThere,
    /// The path leads out of the tree.
    #[error("its path leads out of the source")]
    Outside,
    /// It is there and cannot be read.
    #[error("the file cannot be read")]
    Unreadable,
    /// More than [`FILE_BYTES_MAX`].
    #[error("the file has more than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// More than [`PLACES_COUNT_MAX`].
    #[error("more than {PLACES_COUNT_MAX} places of the file are asked for")]
    TooMany,
    /// The parser says why.
    #[error("{0}")]
    Parser(#[from] Refusal),
    /// The parser did not survive the file.
    #[error("the file ended the parser: it crashed, or took more time or memory than it may")]
    Ended,
    /// Too many files of one call did so.
    #[error("too many files before it ended the parser")]
    EndedOften,
    /// What came out of the box is no answer.
    #[error("the parser gave no answer that can be read")]
    NoAnswer,
    /// Nothing can be parsed here.
    #[error("there is no box here to parse it in")]
    NoBox,
}

/// What tokens say, as a number: the same for the same tokens, whatever stands between them.
#[must_use]
pub fn tokens_hash<'t>(tokens: impl Iterator<Item = &'t [u8]>) -> u64 {
    let mut bytes = Vec::new();
    for token in tokens {
        bytes.extend_from_slice(token);
        bytes.push(0);
    }
    crate::sort::hash_of(&bytes)
}
