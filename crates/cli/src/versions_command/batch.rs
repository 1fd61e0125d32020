//! Many comparisons from one stream into another, a line for a line. Must not stop at a bad line, and must not hold more than one.

use std::io::{self, BufRead, BufWriter, Write};
use std::str;

use versions::{Comparer, Scheme};

use super::sign;

/// The longest line that is answered, in bytes: an ecosystem and two versions of the longest kind fit.
const LINE_BYTES_MAX: usize = 1_024;
/// Answers are written in pieces of this many bytes.
const ANSWERS_BYTES: usize = 64 * 1_024;

/// Answers each line; gives how many could not be compared.
pub(super) fn run(input: &mut impl BufRead, output: impl Write) -> io::Result<u64> {
    let mut output = BufWriter::with_capacity(ANSWERS_BYTES, output);
    let mut batch = Batch { comparer: Comparer::new(), name: String::new(), scheme: None };
    let mut line = Vec::with_capacity(LINE_BYTES_MAX);
    let mut refused = 0;
    while let Some(whole) = line_read(input, &mut line)? {
        let answer = if whole { batch.answer(&line) } else { Err(("", "line longer than 1024 bytes")) };
        match answer {
            Ok(order) => output.write_all(order.as_bytes())?,
            Err((which, reason)) => {
                refused += 1;
                write!(output, "! {which}{reason}")?;
            }
        }
        output.write_all(b"\n")?;
    }
    output.flush()?;
    Ok(refused)
}

/// Reads up to the next line end into `line`, without it. `false` when the line was too long and has been skipped.
fn line_read(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let (mut any, mut whole) = (false, true);
    loop {
        let piece = match input.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if piece.is_empty() {
            return Ok(any.then_some(whole));
        }
        any = true;
        let end = piece.iter().position(|b| *b == b'\n');
        let part = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
        if line.len() + part.len() > LINE_BYTES_MAX {
            whole = false;
        } else if whole {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(Some(whole));
        }
    }
}

struct Batch {
    comparer: Comparer,
    /// The ecosystem of the line before, which is most often this line's too.
    name: String,
    scheme: Option<Scheme>,
}

/// Which version, and why.
type Refusal = (&'static str, &'static str);

impl Batch {
    fn answer(&mut self, line: &[u8]) -> Result<&'static str, Refusal> {
        let line = str::from_utf8(line).map_err(|_| ("", "not UTF-8"))?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut fields = line.split('\t');
        let (Some(ecosystem), Some(a), Some(b), None) = (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(("", "not an ecosystem and two versions with tabs between them"));
        };
        let scheme = self.scheme(ecosystem).ok_or(("", "no such ecosystem"))?;
        match self.comparer.compare(scheme, a, b) {
            Ok(order) => Ok(sign(order)),
            Err((second, reason)) => Err((if second { "second version: " } else { "first version: " }, reason)),
        }
    }

    fn scheme(&mut self, ecosystem: &str) -> Option<Scheme> {
        if self.name != ecosystem {
            self.name.clear();
            self.name.push_str(ecosystem);
            self.scheme = Scheme::of_ecosystem(ecosystem);
        }
        self.scheme
    }
}
