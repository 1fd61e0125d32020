//! Applies a patch to a folder that is the caller's own copy: hunks may lie elsewhere than they say (offset) or have other
//! lines around them (fuzz), and both are told.
//!
//! Must not leave the folder, follow a link, or touch anything where the patch as a whole does not apply.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use super::patch::{FilePatch, Hunk, Mark, Patch, trimmed};

/// Lines at either end of a hunk that need not fit.
pub const FUZZ_LINES_MAX: usize = 2;
/// Leading folders of a name that are tried away: a package is often a folder deep in its repository.
pub const STRIP_COUNT_MAX: usize = 8;
/// Largest file patched, in bytes.
pub const PATCHED_FILE_BYTES_MAX: u64 = 32 << 20;
/// Comparisons of lines for one patch: lines that are all alike would otherwise take for ever.
pub const COMPARISONS_COUNT_MAX: u64 = 20_000_000;

/// How a patch was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Leading folders taken off the names in the patch.
    pub strip: usize,
    /// The files it changed, made or took away.
    pub files: Vec<AppliedFile>,
    /// Files of the patch that the published package does not have, such as tests: left out.
    pub left_out: Vec<String>,
}

/// One file that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppliedFile {
    /// Its name in the package.
    pub file: String,
    /// `changed`, `made`, `removed` or `renamed`.
    pub what: &'static str,
    /// Each hunk.
    pub hunks: Vec<AppliedHunk>,
    /// Its lines end otherwise than the patch's do; the file's way was kept.
    pub line_ends_differ: bool,
}

/// Where a hunk was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AppliedHunk {
    /// Line of the file, from 1.
    pub line: usize,
    /// Lines from where the patch says.
    pub offset: i64,
    /// Lines of context at each end that were not asked to fit.
    pub fuzz: usize,
}

/// Why a patch does not apply; nothing was changed.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// None of its files is there.
    #[error("none of the files it changes is in the package: {0}")]
    NoFile(String),
    /// A place that is not found.
    #[error("{file}: hunk {hunk} (line {line}) fits nowhere")]
    NoPlace {
        /// The file.
        file: String,
        /// Which hunk, from 1.
        hunk: usize,
        /// Where the patch looks for it.
        line: usize,
    },
    /// The change is there already.
    #[error("{file}: hunk {hunk} (line {line}) is there already")]
    Already {
        /// The file.
        file: String,
        /// Which hunk, from 1.
        hunk: usize,
        /// Where the patch looks for it.
        line: usize,
    },
    /// A file to be made is there.
    #[error("{0} is to be made and is there already")]
    Exists(String),
    /// A file to be removed has more in it than the patch takes away.
    #[error("{0} is to be removed and has more in it than the patch takes away")]
    NotEmpty(String),
    /// A name that leads elsewhere.
    #[error("{0:?} is no plain name of a file in the package")]
    UnsafeName(String),
    /// Too much work.
    #[error("it takes more than {COMPARISONS_COUNT_MAX} comparisons of lines")]
    TooCostly,
    /// The disk.
    #[error("{file}: {source}")]
    Io {
        /// On what.
        file: String,
        /// Why.
        source: io::Error,
    },
}

/// Applies a patch below `root`, all of it or nothing.
///
/// # Errors
/// [`ApplyError`].
pub fn apply(patch: &Patch, root: &Path) -> Result<Applied, ApplyError> {
    let names: Vec<&String> = patch.files.iter().filter_map(|file| file.old.as_ref().or(file.new.as_ref())).collect();
    for name in patch.files.iter().flat_map(|file| [&file.old, &file.new]).flatten() {
        name_check(name)?;
    }
    let strip = strip_find(patch, root).ok_or_else(|| {
        let names: Vec<&str> = names.iter().take(4).map(|name| name.as_str()).collect();
        ApplyError::NoFile(names.join(", "))
    })?;
    let mut work = Work { root, strip, pending: BTreeMap::new(), comparisons: 0 };
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    for file in &patch.files {
        match work.file(file)? {
            Some(applied) => files.push(applied),
            None => left_out.extend(file.old.clone().or_else(|| file.new.clone())),
        }
    }
    work.write()?;
    Ok(Applied { strip, files, left_out })
}

/// The number of leading folders without which most of the patch's files are there; the least of several.
fn strip_find(patch: &Patch, root: &Path) -> Option<usize> {
    let prefixed = |file: &FilePatch| {
        let begins = |name: &Option<String>, with: &str| name.as_ref().is_none_or(|name| name.starts_with(with));
        begins(&file.old, "a/") && begins(&file.new, "b/")
    };
    let least = usize::from(patch.files.iter().all(prefixed));
    let old: Vec<&String> = patch.files.iter().filter_map(|file| file.old.as_ref()).collect();
    if old.is_empty() {
        return Some(least);
    }
    let found = |strip: usize| {
        old.iter()
            .filter_map(|name| stripped(name, strip))
            .filter(|name| place(root, name).is_some_and(|p| p.is_file()))
            .count()
    };
    let counts = (0..=STRIP_COUNT_MAX).map(|n| (least + n) % (STRIP_COUNT_MAX + 1)).map(|strip| (strip, found(strip)));
    let best = counts.rev().max_by_key(|(_, count)| *count)?;
    (best.1 > 0).then_some(best.0)
}

fn stripped(name: &str, strip: usize) -> Option<String> {
    let mut parts = name.split('/').filter(|part| !part.is_empty() && *part != ".");
    for _ in 0..strip {
        parts.next()?;
    }
    let rest: Vec<&str> = parts.collect();
    (!rest.is_empty()).then(|| rest.join("/"))
}

fn name_check(name: &str) -> Result<(), ApplyError> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if plain && !name.contains('\\') { Ok(()) } else { Err(ApplyError::UnsafeName(name.to_owned())) }
}

/// The path of a plain name, where no part of it is a link.
fn place(root: &Path, name: &str) -> Option<PathBuf> {
    let mut path = root.to_owned();
    for part in name.split('/') {
        path.push(part);
        if fs::symlink_metadata(&path).is_ok_and(|about| about.is_symlink()) {
            return None;
        }
    }
    Some(path)
}

struct Work<'a> {
    root: &'a Path,
    strip: usize,
    /// What is to be written, or taken away, once all of it is known to fit.
    pending: BTreeMap<String, Option<Vec<u8>>>,
    comparisons: u64,
}

impl Work<'_> {
    /// `None` where the package does not have the file.
    fn file(&mut self, file: &FilePatch) -> Result<Option<AppliedFile>, ApplyError> {
        let name = |name: &Option<String>| name.as_ref().and_then(|name| stripped(name, self.strip));
        match (file.old.is_some(), name(&file.old), file.new.is_some(), name(&file.new)) {
            (true, Some(old), true, Some(new)) => self.changed(file, &old, &new),
            (true, Some(old), false, _) => self.removed(file, &old),
            (false, _, true, Some(new)) => self.made(file, &new),
            _ => Ok(None),
        }
    }

    fn changed(&mut self, file: &FilePatch, old: &str, new: &str) -> Result<Option<AppliedFile>, ApplyError> {
        let Some(before) = self.read(old)? else { return Ok(None) };
        let (after, hunks, line_ends_differ) = self.hunks(old, &before, &file.hunks)?;
        let mut what = "changed";
        if old != new {
            if self.read(new)?.is_some() {
                return Err(ApplyError::Exists(new.to_owned()));
            }
            self.pending.insert(old.to_owned(), None);
            what = "renamed";
        }
        self.pending.insert(new.to_owned(), Some(after));
        Ok(Some(AppliedFile { file: new.to_owned(), what, hunks, line_ends_differ }))
    }

    fn removed(&mut self, file: &FilePatch, old: &str) -> Result<Option<AppliedFile>, ApplyError> {
        let Some(before) = self.read(old)? else { return Ok(None) };
        let (after, hunks, line_ends_differ) = self.hunks(old, &before, &file.hunks)?;
        if !after.is_empty() {
            return Err(ApplyError::NotEmpty(old.to_owned()));
        }
        self.pending.insert(old.to_owned(), None);
        Ok(Some(AppliedFile { file: old.to_owned(), what: "removed", hunks, line_ends_differ }))
    }

    fn made(&mut self, file: &FilePatch, new: &str) -> Result<Option<AppliedFile>, ApplyError> {
        if self.read(new)?.is_some() {
            return Err(ApplyError::Exists(new.to_owned()));
        }
        let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines);
        let bytes = lines.filter(|line| line.mark == Mark::Added).flat_map(|line| line.text.iter().copied()).collect();
        self.pending.insert(new.to_owned(), Some(bytes));
        Ok(Some(AppliedFile { file: new.to_owned(), what: "made", hunks: Vec::new(), line_ends_differ: false }))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, ApplyError> {
        if let Some(pending) = self.pending.get(name) {
            return Ok(pending.clone());
        }
        let Some(path) = place(self.root, name).filter(|path| path.is_file()) else { return Ok(None) };
        let io = |source| ApplyError::Io { file: name.to_owned(), source };
        if fs::metadata(&path).map_err(io)?.len() > PATCHED_FILE_BYTES_MAX {
            return Err(io(io::Error::other(format!("larger than {PATCHED_FILE_BYTES_MAX} bytes"))));
        }
        fs::read(&path).map(Some).map_err(io)
    }

    fn hunks(
        &mut self,
        file: &str,
        before: &[u8],
        hunks: &[Hunk],
    ) -> Result<(Vec<u8>, Vec<AppliedHunk>, bool), ApplyError> {
        let lines: Vec<&[u8]> = before.split_inclusive(|b| *b == b'\n').collect();
        let crlf = |line: &[u8]| line.ends_with(b"\r\n");
        let file_crlf = lines.first().is_some_and(|line| crlf(line));
        let patch_crlf = hunks.iter().flat_map(|hunk| &hunk.lines).any(|line| crlf(&line.text));
        let (mut out, mut done, mut applied) = (Vec::with_capacity(before.len()), 0, Vec::new());
        let mut drift = 0i64;
        for (n, hunk) in hunks.iter().enumerate() {
            let found = self.hunk_place(&lines, hunk, done, drift)?;
            let Some(Found { at, fuzz }) = found else {
                let (file, hunk_number, line) = (file.to_owned(), n + 1, hunk.old_start);
                return Err(match self.is_there(&lines, hunk)? {
                    true => ApplyError::Already { file, hunk: hunk_number, line },
                    false => ApplyError::NoPlace { file, hunk: hunk_number, line },
                });
            };
            drift = signed(at) - signed(expected(hunk));
            lines[done..at].iter().for_each(|line| out.extend_from_slice(line));
            done = at;
            for line in &hunk.lines {
                match line.mark {
                    // A line that stays is the file's own, also where it differs from the patch's in its end.
                    Mark::Kept => {
                        out.extend_from_slice(lines.get(done).copied().unwrap_or_default());
                        done += 1;
                    }
                    Mark::Removed => done += 1,
                    Mark::Added => line_push(&mut out, &line.text, file_crlf),
                }
            }
            applied.push(AppliedHunk { line: at + 1, offset: drift, fuzz });
        }
        lines.get(done..).unwrap_or_default().iter().for_each(|line| {
            end_due(&mut out, file_crlf);
            out.extend_from_slice(line);
        });
        Ok((out, applied, file_crlf != patch_crlf && !lines.is_empty()))
    }

    /// Where a hunk fits, not before line `from`: first as it stands, then with ever less context; nearest first.
    fn hunk_place(
        &mut self,
        lines: &[&[u8]],
        hunk: &Hunk,
        from: usize,
        drift: i64,
    ) -> Result<Option<Found>, ApplyError> {
        let old: Vec<&[u8]> = side(hunk, Mark::Added);
        if old.is_empty() {
            // Lines to be added after a line, with nothing around them: only there.
            let at = hunk.old_start;
            return Ok((at >= from && at <= lines.len()).then_some(Found { at, fuzz: 0 }));
        }
        let kept = |line: &&super::patch::HunkLine| line.mark == Mark::Kept;
        let head = hunk.lines.iter().take_while(kept).count();
        let tail = hunk.lines.iter().rev().take_while(kept).count();
        let guess = usize::try_from((signed(expected(hunk)) + drift).max(0)).unwrap_or_default();
        for fuzz in 0..=FUZZ_LINES_MAX.min(head.max(tail)) {
            let (cut, end) = (fuzz.min(head), old.len() - fuzz.min(tail));
            let Some(wanted) = old.get(cut..end).filter(|wanted| !wanted.is_empty()) else { continue };
            let Some(last) = lines.len().checked_sub(old.len()) else { continue };
            for at in nearest(guess.min(last), from, last) {
                if self.fits(&lines[at + cut..at + end], wanted)? {
                    return Ok(Some(Found { at, fuzz }));
                }
            }
        }
        Ok(None)
    }

    fn is_there(&mut self, lines: &[&[u8]], hunk: &Hunk) -> Result<bool, ApplyError> {
        let new: Vec<&[u8]> = side(hunk, Mark::Removed);
        let Some(last) = lines.len().checked_sub(new.len()).filter(|_| !new.is_empty()) else { return Ok(false) };
        for at in nearest(expected(hunk).min(last), 0, last) {
            if self.fits(&lines[at..at + new.len()], &new)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fits(&mut self, lines: &[&[u8]], wanted: &[&[u8]]) -> Result<bool, ApplyError> {
        for (line, wanted) in lines.iter().zip(wanted) {
            self.comparisons += 1;
            if self.comparisons > COMPARISONS_COUNT_MAX {
                return Err(ApplyError::TooCostly);
            }
            if trimmed(line) != trimmed(wanted) {
                return Ok(false);
            }
        }
        Ok(lines.len() == wanted.len())
    }

    fn write(self) -> Result<(), ApplyError> {
        for (name, bytes) in &self.pending {
            let io = |source| ApplyError::Io { file: name.clone(), source };
            let path = place(self.root, name).ok_or_else(|| ApplyError::UnsafeName(name.clone()))?;
            match bytes {
                Some(bytes) => {
                    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(io)?;
                    fs::write(&path, bytes).map_err(io)?;
                }
                None => fs::remove_file(&path).map_err(io)?,
            }
        }
        Ok(())
    }
}

struct Found {
    at: usize,
    fuzz: usize,
}

/// The lines of one side: all but those with this mark.
fn side(hunk: &Hunk, without: Mark) -> Vec<&[u8]> {
    hunk.lines.iter().filter(|line| line.mark != without).map(|line| line.text.as_slice()).collect()
}

/// Where the patch says the hunk is, from 0.
fn expected(hunk: &Hunk) -> usize {
    hunk.old_start.saturating_sub(usize::from(hunk.lines.iter().any(|line| line.mark != Mark::Added)))
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Every number from `from` to `last`, those near `guess` first.
fn nearest(guess: usize, from: usize, last: usize) -> impl Iterator<Item = usize> {
    (0..=last).flat_map(move |distance| {
        let above = guess.checked_add(distance).filter(|at| (from..=last).contains(at));
        let below = guess.checked_sub(distance).filter(|at| distance > 0 && (from..=last).contains(at));
        above.into_iter().chain(below)
    })
}

fn line_push(out: &mut Vec<u8>, text: &[u8], crlf: bool) {
    end_due(out, crlf);
    out.extend_from_slice(trimmed(text));
    match (text.ends_with(b"\n"), crlf || text.ends_with(b"\r\n")) {
        (true, true) => out.extend_from_slice(b"\r\n"),
        (true, false) => out.push(b'\n'),
        (false, _) => {}
    }
}

/// A line that was the last and had no end gets one before another follows.
fn end_due(out: &mut Vec<u8>, crlf: bool) {
    if !out.is_empty() && !out.ends_with(b"\n") {
        out.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
    }
}

#[cfg(test)]
mod tests {
    use super::super::patch::patch_read;
    use super::*;

    const NAME: &str = "lib/x.js";

    /// Applies a patch to a package of one file; what became of the file and how, or the refusal.
    fn applied(file: &str, patch: &str) -> (String, String) {
        let room = tempfile::tempdir().unwrap();
        fs::create_dir(room.path().join("lib")).unwrap();
        fs::write(room.path().join(NAME), file).unwrap();
        let told = match apply(&patch_read(patch.as_bytes()).unwrap(), room.path()) {
            Ok(done) => {
                let hunk = |hunk: &AppliedHunk| format!("{}{:+}~{}", hunk.line, hunk.offset, hunk.fuzz);
                let file = |file: &AppliedFile| {
                    let hunks: Vec<String> = file.hunks.iter().map(hunk).collect();
                    format!("{} {} {}", file.what, file.file, hunks.join(" "))
                };
                let files: Vec<String> = done.files.iter().map(file).collect();
                format!("-p{} {} left out {:?}", done.strip, files.join("; "), done.left_out)
            }
            Err(e) => e.to_string(),
        };
        (fs::read_to_string(room.path().join(NAME)).unwrap_or_default(), told)
    }

    fn check(file: &str, patch: &str, wanted_file: &str, wanted: &str) {
        let (after, told) = applied(file, patch);
        assert_eq!(told, wanted, "{patch}");
        assert_eq!(after, wanted_file, "{patch}");
    }

    const HUNK: &str = "@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n";

    fn patch(hunks: &str) -> String {
        format!("--- a/lib/x.js\n+++ b/lib/x.js\n{hunks}")
    }

    #[test]
    fn hunks_are_applied_where_they_fit_and_how_is_told() {
        let said = |how: &str| format!("-p1 changed lib/x.js {how} left out []");
        check("a\nb\nc\nd\ne\n", &patch(HUNK), "a\nb\nC\nd\ne\n", &said("2+0~0"));
        check("n\nm\na\nb\nc\nd\ne\n", &patch(HUNK), "n\nm\na\nb\nC\nd\ne\n", &said("4+2~0"));
        check("b\nc\nd\ne\n", &patch(HUNK), "b\nC\nd\ne\n", &said("1-1~0"));
        // One line of context is another: kept as the file has it.
        check("a\nB\nc\nd\ne\n", &patch(HUNK), "a\nB\nC\nd\ne\n", &said("2+0~1"));
        let wide = "@@ -1,5 +1,5 @@\n a\n b\n-c\n+C\n d\n e\n";
        check("x\ny\nc\nz\nw\n", &patch(wide), "x\ny\nC\nz\nw\n", &said("1+0~2"));
        // The nearest of two places; the second hunk is looked for where the first was found.
        check("b\nc\nd\n1\n2\n3\nb\nc\nd\n", &patch(HUNK), "b\nC\nd\n1\n2\n3\nb\nc\nd\n", &said("1-1~0"));
        let two = format!("{HUNK}@@ -5,1 +5,2 @@\n e\n+f\n");
        check("0\na\nb\nc\nd\ne\n", &patch(&two), "0\na\nb\nC\nd\ne\nf\n", &said("3+1~0 6+1~0"));
        check(
            "a\nb\nc\nd",
            &patch("@@ -4 +4 @@\n-d\n\\ No newline at end of file\n+D\n"),
            "a\nb\nc\nD\n",
            &said("4+0~0"),
        );
        check("a\nb", &patch("@@ -2,0 +3 @@\n+c\n"), "a\nb\nc\n", &said("3+0~0"));
        check("a\r\nb\r\nc\r\nd\r\n", &patch(HUNK), "a\r\nb\r\nC\r\nd\r\n", &said("2+0~0"));
    }

    #[test]
    fn names_are_found_under_other_prefixes_and_what_is_not_there_is_left_out() {
        let file = "a\nb\nc\nd\n";
        let deep = format!(
            "--- a/packages/x/lib/x.js\n+++ b/packages/x/lib/x.js\n{HUNK}--- a/test/x.js\n+++ b/test/x.js\n{HUNK}"
        );
        check(file, &deep, "a\nb\nC\nd\n", "-p3 changed lib/x.js 2+0~0 left out [\"a/test/x.js\"]");
        let plain = format!("--- lib/x.js\n+++ lib/x.js\n{HUNK}");
        check(file, &plain, "a\nb\nC\nd\n", "-p0 changed lib/x.js 2+0~0 left out []");
        let made = format!("{}--- /dev/null\n+++ b/lib/y.js\n@@ -0,0 +1 @@\n+y\n", patch(HUNK));
        check(file, &made, "a\nb\nC\nd\n", "-p1 changed lib/x.js 2+0~0; made lib/y.js  left out []");
        let gone = patch("@@ -1,4 +0,0 @@\n-a\n-b\n-c\n-d\n").replace("+++ b/lib/x.js", "+++ /dev/null");
        check(file, &gone, "", "-p1 removed lib/x.js 1+0~0 left out []");
        let renamed = "diff --git a/lib/x.js b/lib/z.js\nrename from lib/x.js\nrename to lib/z.js\n";
        check(file, renamed, "", "-p1 renamed lib/z.js  left out []");
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let file = "a\nb\nc\nd\n";
        let check = |patch: &str, wanted: &str| {
            let (after, told) = applied(file, patch);
            assert!(told.contains(wanted), "{patch}: {told}");
            assert_eq!(after, file);
        };
        check(&patch("@@ -1,2 +1,2 @@\n a\n-x\n+y\n"), "lib/x.js: hunk 1 (line 1) fits nowhere");
        // The first of two hunks fits: it is not applied either.
        check(&patch(&format!("{HUNK}@@ -9 +9 @@\n-x\n+y\n")), "hunk 2 (line 9) fits nowhere");
        check(&patch("@@ -2,3 +2,3 @@\n b\n-C\n+c\n d\n"), "is there already");
        check("--- a/no.js\n+++ b/no.js\n@@ -1 +1 @@\n-a\n+b\n", "none of the files");
        check("--- /dev/null\n+++ b/lib/x.js\n@@ -0,0 +1 @@\n+y\n", "is there already");
        check("--- a/lib/x.js\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "more in it");
        for name in ["../x.js", "/etc/passwd", "a/../../x"] {
            check(&format!("--- {name}\n+++ {name}\n@@ -1 +1 @@\n-a\n+b\n"), "no plain name");
        }
    }

    #[test]
    fn links_are_not_followed_and_work_is_bounded() {
        let room = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("x.js"), "a\n").unwrap();
        std::os::unix::fs::symlink(outside.path(), room.path().join("lib")).unwrap();
        let read = |text: &str| patch_read(text.as_bytes()).unwrap();
        let through = read("--- a/lib/x.js\n+++ b/lib/x.js\n@@ -1 +1 @@\n-a\n+b\n");
        assert!(matches!(apply(&through, room.path()), Err(ApplyError::NoFile(_))));
        let new = read("--- /dev/null\n+++ b/lib/y.js\n@@ -0,0 +1 @@\n+b\n");
        assert!(matches!(apply(&new, room.path()), Err(ApplyError::UnsafeName(_))));
        assert!(!outside.path().join("y.js").exists());
        fs::write(room.path().join("same"), "x\n".repeat(200_000)).unwrap();
        let alike = format!("--- a/same\n+++ b/same\n@@ -1,1001 +1,1000 @@\n{}-y\n", " x\n".repeat(1_000));
        assert!(matches!(apply(&read(&alike), room.path()), Err(ApplyError::TooCostly)));
    }
}
