//! The way of an archive's entries out of the box: a plain stream of heads and contents. Written by the worker, read
//! by the receiver, which takes no head for granted.

use std::io::{self, Write};

/// What an entry becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file of mode 0644.
    File,
    /// A file of mode 0755.
    Executable,
    /// A folder.
    Folder,
    /// A symbolic link, whose content is its target. Archives never give one.
    Link,
}

/// What goes before an entry's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub kind: Kind,
    pub path: String,
    pub size: u64,
}

/// What goes after the last entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub specials_left_out: u32,
}

/// One record of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    Head(Head),
    End(End),
}

/// Kind, length of the name, size of the content.
const FIXED_BYTES: usize = 11;
const END_MARK: u8 = b'E';

impl Head {
    /// Writes the head; its content follows.
    pub fn write(&self, mut output: impl Write) -> io::Result<()> {
        let mark = match self.kind {
            Kind::File => b'F',
            Kind::Executable => b'X',
            Kind::Folder => b'D',
            Kind::Link => b'L',
        };
        let length = u16::try_from(self.path.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        output.write_all(&[mark])?;
        output.write_all(&length.to_le_bytes())?;
        output.write_all(&self.size.to_le_bytes())?;
        output.write_all(self.path.as_bytes())
    }
}

impl End {
    /// Writes the end.
    pub fn write(&self, mut output: impl Write) -> io::Result<()> {
        output.write_all(&[END_MARK, 0, 0])?;
        output.write_all(&u64::from(self.specials_left_out).to_le_bytes())
    }
}

/// How many bytes a record needs, given its first ones; at least one more than there are while that is unknown.
pub fn bytes_needed(begun: &[u8]) -> usize {
    match begun {
        [_, low, high, ..] if begun.len() >= FIXED_BYTES => {
            FIXED_BYTES + usize::from(u16::from_le_bytes([*low, *high]))
        }
        _ => FIXED_BYTES,
    }
}

/// Reads a whole record, or says what is wrong with it.
pub fn record_read(bytes: &[u8]) -> Result<Record, &'static str> {
    let fixed = bytes.get(..FIXED_BYTES).ok_or("a record is cut")?;
    let size = fixed.get(3..).and_then(|size| size.try_into().ok()).map(u64::from_le_bytes).ok_or("a record is cut")?;
    let kind = match fixed.first() {
        Some(b'F') => Kind::File,
        Some(b'X') => Kind::Executable,
        Some(b'D') => Kind::Folder,
        Some(b'L') => Kind::Link,
        Some(&END_MARK) => {
            return Ok(Record::End(End { specials_left_out: u32::try_from(size).unwrap_or(u32::MAX) }));
        }
        _ => return Err("a record is of no known kind"),
    };
    if kind == Kind::Folder && size != 0 {
        return Err("a folder has content");
    }
    let path = bytes.get(FIXED_BYTES..).and_then(|path| std::str::from_utf8(path).ok()).ok_or("a name is not UTF-8")?;
    Ok(Record::Head(Head { kind, path: path.to_owned(), size }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let head = Head { kind: Kind::Executable, path: "bin/ä".into(), size: 7 };
        let mut bytes = Vec::new();
        head.write(&mut bytes).unwrap();
        assert_eq!(bytes_needed(&bytes[..5]), FIXED_BYTES);
        assert_eq!(bytes_needed(&bytes), bytes.len());
        assert_eq!(record_read(&bytes), Ok(Record::Head(head)));
        let mut end = Vec::new();
        End { specials_left_out: 3 }.write(&mut end).unwrap();
        assert_eq!(record_read(&end), Ok(Record::End(End { specials_left_out: 3 })));
        assert!(matches!(record_read(b"L\0\0\x01\0\0\0\0\0\0\0"), Ok(Record::Head(Head { kind: Kind::Link, .. }))));
        assert_eq!(record_read(b"Z\0\0\0\0\0\0\0\0\0\0"), Err("a record is of no known kind"));
        assert_eq!(record_read(b"D\0\0\x01\0\0\0\0\0\0\0"), Err("a folder has content"));
    }
}
