//! What is asked of the parser in the box, and what it answers, as bytes. The asking side believes no length, count or text of an
//! answer: what does not fit is an error, never a wrong symbol. Numbers are little-endian.

use thiserror::Error;

use super::{FILE_BYTES_MAX, Language, PLACES_COUNT_MAX};

/// How a question and an answer begin.
const QUESTIONS_MAGIC: &[u8; 4] = b"PSQ1";
const ANSWERS_MAGIC: &[u8; 4] = b"PSA1";
/// The longest symbol in an answer, in bytes.
const SYMBOL_BYTES_MAX: usize = 256;

/// A place in a file, as a SARIF region says it: counted from one, columns in UTF-16 units, the end behind the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line it begins on.
    pub line: u32,
    /// The column it begins at; zero where only the line is known.
    pub column: u32,
    /// The line it ends on; zero for the same.
    pub end_line: u32,
    /// The column it ends before; zero for the line's end.
    pub end_column: u32,
}

/// One file and what is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its language.
    pub language: Language,
    /// Its bytes, of any encoding.
    pub source: Vec<u8>,
    /// At most [`PLACES_COUNT_MAX`].
    pub places: Vec<Place>,
}

/// What was found at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaceRead {
    /// The enclosing symbol; empty at the top of a file.
    pub symbol: String,
    /// The statement's tokens, as a number.
    pub statement: u64,
}

/// Why the parser gives no symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum Refusal {
    /// Parsing would take more steps than a file of its size is given.
    #[error("the file takes more steps to parse than its size is given")]
    Steps,
    /// The code at the place lies in too many others.
    #[error("the code lies too deep")]
    Deep,
    /// The line is not there.
    #[error("the file has no such line")]
    NoLine,
    /// The parser gives no tree.
    #[error("the file cannot be parsed")]
    NoTree,
}

impl Refusal {
    const ALL: [Refusal; 4] = [Refusal::Steps, Refusal::Deep, Refusal::NoLine, Refusal::NoTree];

    fn byte(self) -> u8 {
        self as u8 + 1
    }

    fn of_byte(byte: u8) -> Option<Self> {
        Refusal::ALL.get(usize::from(byte.checked_sub(1)?)).copied()
    }
}

/// The answer for one place.
pub type Answer = Result<PlaceRead, Refusal>;
/// The answers for one file: one for each place, or why there is none for any.
pub type FileRead = Result<Vec<Answer>, Refusal>;

/// Bytes that are no question, or no answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the bytes are not what the parser in the box is to send: {0}")]
pub struct WireError(&'static str);

/// Adds a file to what is asked. The first one writes the beginning too.
pub fn question_write(out: &mut Vec<u8>, language: Language, source: &[u8], places: &[Place]) {
    if out.is_empty() {
        out.extend_from_slice(QUESTIONS_MAGIC);
    }
    out.push(language.byte());
    length_write(out, source.len());
    out.extend_from_slice(source);
    length_write(out, places.len());
    for place in places {
        for number in [place.line, place.column, place.end_line, place.end_column] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

fn length_write(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

/// Reads what is asked, in the box.
///
/// # Errors
/// Where the bytes are no question.
pub fn questions_read(bytes: &[u8]) -> Result<Vec<Question>, WireError> {
    let mut reader = Reader { rest: bytes };
    if reader.take(4)? != QUESTIONS_MAGIC {
        return Err(WireError("no beginning"));
    }
    let mut questions = Vec::new();
    while !reader.rest.is_empty() {
        let language = Language::of_byte(reader.byte()?).ok_or(WireError("no language"))?;
        let length = reader.count(FILE_BYTES_MAX)?;
        let source = reader.take(length)?.to_vec();
        let count = reader.count(PLACES_COUNT_MAX)?;
        let mut places = Vec::new();
        for _ in 0..count {
            let (line, column) = (reader.number()?, reader.number()?);
            places.push(Place { line, column, end_line: reader.number()?, end_column: reader.number()? });
        }
        questions.push(Question { language, source, places });
    }
    Ok(questions)
}

/// The answer for one file, in the box. Written whole, so that a file that ends the parser takes no other's answer with it.
#[must_use]
pub fn answer_write(first: bool, file: &FileRead) -> Vec<u8> {
    let mut out = if first { ANSWERS_MAGIC.to_vec() } else { Vec::new() };
    let answers = match file {
        Ok(answers) => answers,
        Err(refusal) => {
            out.push(refusal.byte());
            return out;
        }
    };
    out.push(0);
    length_write(&mut out, answers.len());
    for answer in answers {
        match answer {
            Ok(read) => {
                out.push(0);
                let symbol = read.symbol.get(..SYMBOL_BYTES_MAX).unwrap_or(&read.symbol).as_bytes();
                length_write(&mut out, symbol.len());
                out.extend_from_slice(symbol);
                out.extend_from_slice(&read.statement.to_le_bytes());
            }
            Err(refusal) => out.push(refusal.byte()),
        }
    }
    out
}

/// Reads the answers to questions with so many places each. Fewer come where the parser was ended: what is cut off in the middle
/// is not taken.
///
/// # Errors
/// Where the bytes answer something else.
pub fn answers_read(bytes: &[u8], places: &[usize]) -> Result<Vec<FileRead>, WireError> {
    let mut answers = Vec::new();
    if bytes.is_empty() {
        return Ok(answers);
    }
    let mut reader = Reader { rest: bytes };
    match reader.take(4) {
        Ok(magic) if magic == ANSWERS_MAGIC => {}
        Ok(_) => return Err(WireError("no beginning")),
        Err(_) => return Ok(answers),
    }
    for count in places {
        match file_read(&mut reader, *count) {
            Ok(file) => answers.push(file),
            Err(CUT) => return Ok(answers),
            Err(error) => return Err(error),
        }
    }
    if reader.rest.is_empty() { Ok(answers) } else { Err(WireError("more than was asked for")) }
}

fn file_read(reader: &mut Reader<'_>, places: usize) -> Result<FileRead, WireError> {
    let kind = reader.byte()?;
    if kind != 0 {
        return Refusal::of_byte(kind).map(Err).ok_or(WireError("no such refusal"));
    }
    if reader.number()? as usize != places {
        return Err(WireError("another number of places"));
    }
    let mut answers = Vec::with_capacity(places.min(reader.rest.len()));
    for _ in 0..places {
        let kind = reader.byte()?;
        if kind != 0 {
            answers.push(Err(Refusal::of_byte(kind).ok_or(WireError("no such refusal"))?));
            continue;
        }
        let length = reader.count(SYMBOL_BYTES_MAX)?;
        let symbol = std::str::from_utf8(reader.take(length)?).map_err(|_| WireError("a symbol is no text"))?;
        if symbol.chars().any(char::is_control) {
            return Err(WireError("a symbol has a control character"));
        }
        let statement = reader.take(8)?.try_into().map(u64::from_le_bytes).map_err(|_| CUT)?;
        answers.push(Ok(PlaceRead { symbol: symbol.to_owned(), statement }));
    }
    Ok(Ok(answers))
}

/// The bytes end too early.
const CUT: WireError = WireError("cut off");

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(CUT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, WireError> {
        self.take(1)?.first().copied().ok_or(CUT)
    }

    fn number(&mut self) -> Result<u32, WireError> {
        self.take(4)?.try_into().map(u32::from_le_bytes).map_err(|_| CUT)
    }

    fn count(&mut self, most: usize) -> Result<usize, WireError> {
        let count = self.number()? as usize;
        if count > most { Err(WireError("a length over its limit")) } else { Ok(count) }
    }
}
