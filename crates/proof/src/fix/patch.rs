//! Reads unified diffs as `diff -u` and git write them, strictly: what does not add up is refused with its line.
//!
//! Pure: bytes in, values out. Must not guess at what a broken patch meant; applying one is `apply`'s work.

use thiserror::Error;

/// Largest patch read, in bytes.
pub const PATCH_BYTES_MAX: usize = 4 << 20;
/// Most files of one patch.
pub const PATCH_FILES_COUNT_MAX: usize = 512;
/// Most hunks of one patch.
pub const PATCH_HUNKS_COUNT_MAX: usize = 8_192;
/// Longest file name in a patch, in bytes.
pub const PATCH_NAME_BYTES_MAX: usize = 1_024;
/// Highest line number taken: beyond any file that is patched here.
const LINE_NUMBER_MAX: usize = 100_000_000;
/// The name of a file that is not there.
const NOTHING: &str = "/dev/null";

/// A patch: the files it changes, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// At least one.
    pub files: Vec<FilePatch>,
}

/// What a patch does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePatch {
    /// Its name before, as written; `None` where the patch makes it.
    pub old: Option<String>,
    /// Its name after, as written; `None` where the patch takes it away.
    pub new: Option<String>,
    /// What changes in it; none for a mere renaming.
    pub hunks: Vec<Hunk>,
}

/// One place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Line of the file before at which it begins, from 1; 0 for a file that is made.
    pub old_start: usize,
    /// Its lines, each with its end of line.
    pub lines: Vec<HunkLine>,
}

/// One line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HunkLine {
    /// What becomes of it.
    pub mark: Mark,
    /// Its bytes with the end of line, which only a last line may lack.
    pub text: Vec<u8>,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It stays.
    Kept,
    /// It goes.
    Removed,
    /// It is new.
    Added,
}

/// Why a text is no patch that is taken here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatchError {
    /// Too many bytes.
    #[error("the patch has {bytes} bytes; at most {PATCH_BYTES_MAX} are read")]
    TooLarge {
        /// As given.
        bytes: usize,
    },
    /// Too many files or hunks.
    #[error("line {line}: more than {PATCH_FILES_COUNT_MAX} files or {PATCH_HUNKS_COUNT_MAX} hunks")]
    TooMany {
        /// Where it became too many.
        line: usize,
    },
    /// Nothing of a unified diff is in it.
    #[error("no unified diff: there is no pair of lines `--- a/FILE` and `+++ b/FILE` with hunks after it")]
    NoDiff,
    /// A change of bytes that no text shows.
    #[error("line {line}: a binary change, which is not taken; give a patch of text files")]
    Binary {
        /// Where.
        line: usize,
    },
    /// Something does not add up.
    #[error("line {line}: {why}")]
    Malformed {
        /// Where, from 1.
        line: usize,
        /// What.
        why: &'static str,
    },
}

/// Reads a patch.
///
/// # Errors
/// [`PatchError`].
pub fn patch_read(bytes: &[u8]) -> Result<Patch, PatchError> {
    if bytes.len() > PATCH_BYTES_MAX {
        return Err(PatchError::TooLarge { bytes: bytes.len() });
    }
    let mut reader = Reader { lines: bytes.split_inclusive(|b| *b == b'\n').collect(), at: 0, hunks: 0 };
    let mut files: Vec<FilePatch> = Vec::new();
    let mut git = GitHeader::default();
    while let Some(line) = reader.peek() {
        let text = trimmed(line);
        if text.starts_with(b"diff --git ") {
            files.extend(git.take());
        } else if text == b"GIT binary patch" || (text.starts_with(b"Binary files ") && text.ends_with(b" differ")) {
            return Err(PatchError::Binary { line: reader.number() });
        } else if let Some(rest) = text.strip_prefix(b"rename from ") {
            git.from = Some(reader.name(rest)?);
        } else if let Some(rest) = text.strip_prefix(b"rename to ") {
            git.to = Some(reader.name(rest)?);
        } else if reader.at_file()? {
            files.push(reader.file()?);
            // Its two lines say the same names once more.
            git = GitHeader::default();
            reader.count(&files)?;
            continue;
        } else if text.starts_with(b"@@ -") {
            return Err(reader.wrong("a hunk without the two lines that name its file"));
        }
        reader.count(&files)?;
        reader.at += 1;
    }
    files.extend(git.take());
    if files.is_empty() { Err(PatchError::NoDiff) } else { Ok(Patch { files }) }
}

/// A renaming that git tells of outside the two lines of names.
#[derive(Default)]
struct GitHeader {
    from: Option<String>,
    to: Option<String>,
}

impl GitHeader {
    fn take(&mut self) -> Option<FilePatch> {
        match (self.from.take(), self.to.take()) {
            // These names have no prefix; one is given to them so that all names of a patch are of one form.
            (Some(from), Some(to)) => {
                Some(FilePatch { old: Some(format!("a/{from}")), new: Some(format!("b/{to}")), hunks: Vec::new() })
            }
            _ => None,
        }
    }
}

struct Reader<'a> {
    lines: Vec<&'a [u8]>,
    at: usize,
    hunks: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a [u8]> {
        self.lines.get(self.at).copied()
    }

    fn number(&self) -> usize {
        self.at + 1
    }

    fn wrong(&self, why: &'static str) -> PatchError {
        PatchError::Malformed { line: self.number(), why }
    }

    fn count(&self, files: &[FilePatch]) -> Result<(), PatchError> {
        if files.len() > PATCH_FILES_COUNT_MAX || self.hunks > PATCH_HUNKS_COUNT_MAX {
            return Err(PatchError::TooMany { line: self.number() });
        }
        Ok(())
    }

    /// Whether the two lines that name a file are next. A letter around the patch may have lines that begin like the first.
    fn at_file(&self) -> Result<bool, PatchError> {
        let begins = |n: usize, with: &[u8]| self.lines.get(self.at + n).is_some_and(|line| line.starts_with(with));
        if begins(0, b"--- ") && begins(1, b"+++ ") {
            return match begins(2, b"@@ -") {
                true => Ok(true),
                false => {
                    Err(PatchError::Malformed { line: self.number() + 2, why: "a hunk was due: `@@ -1,3 +1,4 @@`" })
                }
            };
        }
        Ok(false)
    }

    fn file(&mut self) -> Result<FilePatch, PatchError> {
        let mut names = [None, None];
        for (name, start) in names.iter_mut().zip(["--- ", "+++ "]) {
            let line = trimmed(self.peek().unwrap_or_default());
            let read = self.name(&line[start.len().min(line.len())..])?;
            *name = (read != NOTHING).then_some(read);
            self.at += 1;
        }
        let [old, new] = names;
        if old.is_none() && new.is_none() {
            return Err(self.wrong("a file that is neither before nor after"));
        }
        let mut hunks: Vec<Hunk> = Vec::new();
        while self.peek().is_some_and(|line| line.starts_with(b"@@ -")) {
            let hunk = self.hunk()?;
            if hunks.last().is_some_and(|last| last.old_start > hunk.old_start) {
                return Err(self.wrong("the hunks of a file are not in order"));
            }
            hunks.push(hunk);
            self.hunks += 1;
            if self.hunks > PATCH_HUNKS_COUNT_MAX {
                return Err(PatchError::TooMany { line: self.number() });
            }
        }
        Ok(FilePatch { old, new, hunks })
    }

    fn hunk(&mut self) -> Result<Hunk, PatchError> {
        let header = trimmed(self.peek().unwrap_or_default());
        let Some((old_start, mut old_left, mut new_left)) = header_read(header) else {
            return Err(self.wrong("the head of a hunk is not of the form `@@ -1,3 +1,4 @@`"));
        };
        self.at += 1;
        let mut lines: Vec<HunkLine> = Vec::new();
        while old_left > 0 || new_left > 0 || self.peek().is_some_and(|line| line.starts_with(b"\\")) {
            let Some(line) = self.peek() else { return Err(self.wrong("the patch ends within a hunk")) };
            let (mark, text) = match line.first() {
                Some(b' ') => (Mark::Kept, &line[1..]),
                Some(b'-') => (Mark::Removed, &line[1..]),
                Some(b'+') => (Mark::Added, &line[1..]),
                // Some tools take the one blank of an empty line away.
                Some(b'\n' | b'\r') => (Mark::Kept, line),
                Some(b'\\') => {
                    let Some(last) = lines.last_mut() else {
                        return Err(self.wrong("`\\ No newline` without a line before it"));
                    };
                    let kept = trimmed(&last.text).len();
                    last.text.truncate(kept);
                    self.at += 1;
                    continue;
                }
                _ => return Err(self.wrong("a line of a hunk begins with a blank, `-`, `+` or `\\`")),
            };
            let (old, new) = (usize::from(mark != Mark::Added), usize::from(mark != Mark::Removed));
            if old > old_left || new > new_left {
                return Err(self.wrong("a hunk has other lines than its head counts"));
            }
            (old_left, new_left) = (old_left - old, new_left - new);
            let mut text = text.to_vec();
            if !text.ends_with(b"\n") {
                text.push(b'\n');
            }
            lines.push(HunkLine { mark, text });
            self.at += 1;
        }
        if lines.iter().all(|line| line.mark == Mark::Kept) {
            return Err(self.wrong("a hunk that changes nothing"));
        }
        Ok(Hunk { old_start, lines })
    }

    /// A file's name: up to a tab, or in quotes as git and C write it.
    fn name(&self, text: &[u8]) -> Result<String, PatchError> {
        let raw = match text.strip_prefix(b"\"") {
            Some(quoted) => unquoted(quoted).ok_or_else(|| self.wrong("a quoted name that cannot be read"))?,
            None => text.split(|b| *b == b'\t').next().unwrap_or_default().to_vec(),
        };
        let name = String::from_utf8(raw).map_err(|_| self.wrong("a file name that is not UTF-8"))?;
        let name = name.trim_end().to_owned();
        if name.is_empty() || name.len() > PATCH_NAME_BYTES_MAX || name.chars().any(char::is_control) {
            return Err(self.wrong("a file name that is empty, too long or has control characters"));
        }
        Ok(name)
    }
}

/// Without its end of line.
pub(super) fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// `@@ -12,3 +12,4 @@ …`: where it begins, and how many lines it has on both sides.
fn header_read(line: &[u8]) -> Option<(usize, usize, usize)> {
    let text = std::str::from_utf8(line.strip_prefix(b"@@ -")?).ok().or_else(|| {
        // What follows the second `@@` is a copy of some line, of any encoding.
        let end = line.windows(3).skip(4).position(|w| w == b" @@")? + 4;
        std::str::from_utf8(line.get(4..end + 3)?).ok()
    })?;
    let (numbers, _) = text.split_once(" @@")?;
    let (old, new) = numbers.split_once(" +")?;
    let pair = |side: &str| -> Option<(usize, usize)> {
        let (start, count) = side.split_once(',').unwrap_or((side, "1"));
        let number = |text: &str| -> Option<usize> {
            let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|n| plain && *n <= LINE_NUMBER_MAX)
        };
        Some((number(start)?, number(count)?))
    };
    let ((old_start, old), (_, new)) = (pair(old)?, pair(new)?);
    (old + new > 0 && (old == 0 || old_start > 0)).then_some((old_start, old, new))
}

fn unquoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.iter().copied();
    loop {
        match bytes.next()? {
            b'"' => return Some(out),
            b'\\' => out.push(match bytes.next()? {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                same @ (b'"' | b'\\') => same,
                first @ b'0'..=b'3' => {
                    let mut value = first - b'0';
                    for _ in 0..2 {
                        let digit = bytes.next().filter(|b| (b'0'..=b'7').contains(b))?;
                        value = value.wrapping_mul(8).wrapping_add(digit - b'0');
                    }
                    value
                }
                _ => return None,
            }),
            plain => out.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was read in one line: names, and each hunk as start and marks.
    fn told(text: &str) -> String {
        let patch = match patch_read(text.as_bytes()) {
            Ok(patch) => patch,
            Err(e) => return format!("refused: {e}"),
        };
        let mark = |line: &HunkLine| match (line.mark, line.text.ends_with(b"\n")) {
            (Mark::Kept, true) => ' ',
            (Mark::Removed, true) => '-',
            (Mark::Added, true) => '+',
            (Mark::Kept, false) => '.',
            (Mark::Removed, false) => 'm',
            (Mark::Added, false) => 'p',
        };
        let hunk = |hunk: &Hunk| format!("{}[{}]", hunk.old_start, hunk.lines.iter().map(mark).collect::<String>());
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "nothing".into());
        let file = |file: &FilePatch| {
            let hunks: Vec<String> = file.hunks.iter().map(hunk).collect();
            format!("{} -> {}: {}", name(&file.old), name(&file.new), hunks.join(" "))
        };
        patch.files.iter().map(file).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn diffs_are_read_as_tools_write_them() {
        let plain = "--- a/x.js\t2020-01-01\n+++ b/x.js\n@@ -1,2 +1,3 @@ f()\n a\n+b\n c\n";
        assert_eq!(told(plain), "a/x.js -> b/x.js: 1[ + ]");
        let letter =
            format!("From: me\n\n---\n x.js | 1 +\n\ndiff --git a/x.js b/x.js\nindex 1..2 100644\n{plain}-- \n2.1\n");
        assert_eq!(told(&letter), "a/x.js -> b/x.js: 1[ + ]");
        assert_eq!(told("--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+b\n"), "nothing -> b/n: 0[+]");
        assert_eq!(told("--- a/n\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n"), "a/n -> nothing: 1[-]");
        assert_eq!(
            told("--- a/n\n+++ b/n\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"),
            "a/n -> b/n: 1[mp]"
        );
        // A line that looks like the head of another file is a line of this one.
        assert_eq!(told("--- a/n\n+++ b/n\n@@ -1,2 +1,1 @@\n--- x\n c\n"), "a/n -> b/n: 1[- ]");
        assert_eq!(told("--- a/n\n+++ b/n\n@@ -1,2 +1,3 @@\n\n+b\n c"), "a/n -> b/n: 1[ + ]");
        assert_eq!(told("diff --git a/o b/p\nsimilarity index 100%\nrename from o\nrename to p\n"), "a/o -> b/p: ");
        assert_eq!(told("--- \"a/\\303\\251\"\n+++ \"b/\\303\\251\"\n@@ -1 +1 @@\n-a\n+b\n"), "a/é -> b/é: 1[-+]");
    }

    #[test]
    fn what_does_not_add_up_is_refused_with_its_line() {
        let check = |text: &str, wanted: &str| {
            let found = told(text);
            assert!(found.starts_with("refused: ") && found.contains(wanted), "{text:?}: {found}");
        };
        check("", "no unified diff");
        check("just words\n--- \n", "no unified diff");
        check("--- a/x\n+++ b/x\n", "line 3: a hunk was due");
        check("@@ -1 +1 @@\n-a\n+b\n", "line 1: a hunk without");
        check("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n", "line 5: the patch ends within");
        check("--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-a\n-b\n", "line 5: a hunk has other lines");
        check("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\nxyz\n", "line 5: a line of a hunk begins");
        check("--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n a\n", "changes nothing");
        check("--- a/x\n+++ b/x\n@@ -9 +9 @@\n-a\n+b\n@@ -1 +1 @@\n-a\n+b\n", "not in order");
        check("--- a/x\n+++ b/x\n@@ -99999999999999999999 +9 @@\n-a\n+b\n", "line 3: the head of a hunk");
        check("--- a/x\n+++ b/x\n@@ -0 +9 @@\n-a\n+b\n", "line 3: the head of a hunk");
        check("--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n", "neither before nor after");
        check("diff --git a/x b/x\nGIT binary patch\nliteral 1\n", "line 2: a binary change");
        check("--- \"a/\\9\"\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "line 1: a quoted name");
        check("--- a/x\n+++ b/x\n@@ -1 +1 @@\n\\ No newline at end of file\n", "without a line before");
        let huge = "x".repeat(PATCH_BYTES_MAX + 1);
        check(&huge, "at most");
    }
}
