//! From a region's lines and columns to bytes. Lines end with a line feed; columns count UTF-16 units, as SARIF's do by default, and
//! a byte that is no UTF-8 counts as one.

use triage::place::{Place, Refusal};

/// The bytes of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first byte that is no blank.
    pub start: usize,
    /// Behind the last byte that is no blank.
    pub end: usize,
    /// Only the line is known.
    pub whole_line: bool,
}

/// Where each line begins.
pub struct Lines<'s> {
    source: &'s [u8],
    starts: Vec<usize>,
    ascii: bool,
}

impl<'s> Lines<'s> {
    /// Of a file.
    pub fn of(source: &'s [u8]) -> Self {
        let ends = source.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        Lines { source, starts: std::iter::once(0).chain(ends).collect(), ascii: source.is_ascii() }
    }

    /// The bytes of a place.
    ///
    /// # Errors
    /// Where there is no such line, or nothing on it.
    pub fn range(&self, place: &Place) -> Result<Range, Refusal> {
        let (first_start, first_end) = self.line(place.line)?;
        let (last_start, last_end) = match place.end_line {
            0 => (first_start, first_end),
            line => self.line(line.max(place.line)).unwrap_or((first_start, first_end)),
        };
        let start = if place.column > 1 { self.column(first_start, first_end, place.column) } else { first_start };
        let end = if place.end_column > 0 { self.column(last_start, last_end, place.end_column) } else { last_end };
        let blank = |at: &usize| self.source.get(*at).is_some_and(|byte| byte.is_ascii_whitespace());
        let start = (start..first_end).find(|at| !blank(at)).ok_or(Refusal::NoLine)?;
        let end = (start + 1..end.max(start + 1)).rev().find(|at| !blank(at)).map_or(start + 1, |at| at + 1);
        Ok(Range { start, end, whole_line: place.column == 0 })
    }

    fn line(&self, line: u32) -> Result<(usize, usize), Refusal> {
        let at = (line as usize).checked_sub(1).ok_or(Refusal::NoLine)?;
        let start = *self.starts.get(at).ok_or(Refusal::NoLine)?;
        Ok((start, self.starts.get(at + 1).map_or(self.source.len(), |next| next - 1)))
    }

    /// The byte at which a column begins; the line's end where it has fewer.
    fn column(&self, start: usize, end: usize, column: u32) -> usize {
        let units = (column as usize).saturating_sub(1);
        if self.ascii {
            return (start + units).min(end);
        }
        let (mut at, mut left) = (start, units);
        for chunk in self.source.get(start..end).unwrap_or_default().utf8_chunks() {
            for c in chunk.valid().chars() {
                if left == 0 {
                    return at;
                }
                left = left.saturating_sub(c.len_utf16());
                at += c.len_utf8();
            }
            let odd = chunk.invalid().len();
            if left < odd {
                return at + left;
            }
            left -= odd;
            at += odd;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &[u8], place: (u32, u32, u32, u32), expected: &[u8]) {
        let (line, column, end_line, end_column) = place;
        let found = Lines::of(source).range(&Place { line, column, end_line, end_column }).unwrap();
        assert_eq!(source.get(found.start..found.end).unwrap(), expected);
    }

    #[test]
    fn regions_become_bytes() {
        check(b"a\n  b c \r\nd", (2, 0, 0, 0), b"b c");
        check(b"a\n  b c \r\nd", (2, 5, 2, 6), b"c");
        check(b"a\n  b c \r\nd", (2, 3, 3, 2), b"b c \r\nd");
        check("x = \u{1f600}é; y".as_bytes(), (1, 8, 1, 9), b";");
        check(b"\xff\xfe z", (1, 4, 1, 5), b"z");
        check(b"only", (1, 1, 9, 9), b"only");
    }

    #[test]
    fn what_is_not_there_is_told() {
        let at = |line| Lines::of(b"a\n\n").range(&Place { line, ..Place::default() });
        for line in [0, 2, 3, 4, u32::MAX] {
            assert_eq!(at(line), Err(Refusal::NoLine), "{line}");
        }
    }
}
