//! The list of functions and files that are longer than allowed: `xtask/tidy-exceptions.txt`. It only shrinks: an entry must
//! state the exact length, goes when it is no longer needed, and the number of entries is fixed here.

use super::Finding;
use super::tree::Tree;
use std::collections::BTreeMap;

pub const PATH: &str = "xtask/tidy-exceptions.txt";
/// How many entries the list has. May be lowered, never raised.
const ENTRIES_COUNT_MAX: usize = 0;

/// The list, and what of it was needed.
pub struct Exceptions {
    entries: BTreeMap<String, Entry>,
    findings: Vec<Finding>,
}

struct Entry {
    line: usize,
    lines_allowed: usize,
    needed: bool,
}

/// How a file is named in the list.
pub fn file_subject(path: &str) -> String {
    format!("file {path}")
}

/// How a function is named in the list.
pub fn function_subject(path: &str, name: &str) -> String {
    format!("function {path} {name}")
}

impl Exceptions {
    pub fn read(tree: &Tree) -> Self {
        let mut exceptions = Self { entries: BTreeMap::new(), findings: Vec::new() };
        let text = tree.text(PATH).unwrap_or_default();
        let numbered = text.lines().enumerate().map(|(index, text)| (index + 1, text.trim()));
        for (line, text) in numbered.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
            let parsed = text.rsplit_once(' ').and_then(|(subject, lines)| Some((subject, lines.parse().ok()?)));
            match parsed {
                Some((subject, lines_allowed)) => {
                    exceptions.entries.insert(subject.to_owned(), Entry { line, lines_allowed, needed: false });
                }
                None => exceptions.find(line, "write: file PATH LINES, or: function PATH NAME LINES"),
            }
        }
        exceptions.check_count(ENTRIES_COUNT_MAX);
        exceptions
    }

    fn check_count(&mut self, count_max: usize) {
        let count = self.entries.len();
        if count > count_max {
            self.find(1, format!("{count} entries, {count_max} allowed: the list only shrinks"));
        } else if count < count_max {
            self.find(
                1,
                format!("{count} entries only: lower ENTRIES_COUNT_MAX in xtask/src/tidy/exceptions.rs to {count}"),
            );
        }
    }

    fn find(&mut self, line: usize, message: impl Into<String>) {
        self.findings.push(Finding::new(PATH, line, message));
    }

    /// The number of lines allowed, when `lines` is over it.
    pub fn allowed(&mut self, subject: &str, lines: usize, usual_max: usize) -> Option<usize> {
        if lines <= usual_max {
            return None;
        }
        let Some(entry) = self.entries.get_mut(subject) else { return Some(usual_max) };
        entry.needed = true;
        let (line, allowed) = (entry.line, entry.lines_allowed);
        if lines < allowed {
            self.find(line, format!("{subject} has shrunk: write {lines} instead of {allowed}"));
        }
        (lines > allowed).then_some(allowed)
    }

    /// What is wrong with the list itself.
    pub fn finish(mut self) -> Vec<Finding> {
        for (subject, entry) in self.entries.iter().filter(|(_, entry)| !entry.needed) {
            self.findings.push(Finding::new(
                PATH,
                entry.line,
                format!("{subject} is no longer needed: delete the line"),
            ));
        }
        self.findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(list: &str, uses: &[(&str, usize)]) -> Vec<String> {
        let mut exceptions = Exceptions::read(&Tree::of(&[(PATH, list)]));
        exceptions.findings.retain(|finding| !finding.message.contains("entries"));
        for (subject, lines) in uses {
            assert_eq!(exceptions.allowed(subject, *lines, 70), None);
        }
        exceptions.finish().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_entry_that_fits_exactly_is_silent() {
        assert!(after("# why\nfunction a.rs f 80\n", &[("function a.rs f", 80)]).is_empty());
    }

    #[test]
    fn an_entry_that_is_not_needed_or_too_generous_is_found() {
        let unneeded = "xtask/tidy-exceptions.txt:1: function a.rs f is no longer needed: delete the line";
        assert_eq!(after("function a.rs f 80\n", &[("function a.rs f", 60)]), [unneeded]);
        let shrunk = "xtask/tidy-exceptions.txt:1: function a.rs f has shrunk: write 75 instead of 80";
        assert_eq!(after("function a.rs f 80\n", &[("function a.rs f", 75)]), [shrunk]);
        assert_eq!(after("f\n", &[]).len(), 1);
    }

    #[test]
    fn an_entry_does_not_excuse_growth() {
        let mut exceptions = Exceptions::read(&Tree::of(&[(PATH, "function a.rs f 80\n")]));
        assert_eq!(exceptions.allowed("function a.rs f", 81, 70), Some(80));
    }

    #[test]
    fn the_number_of_entries_is_fixed_in_both_directions() {
        for count_max in [0, 2] {
            let mut exceptions = Exceptions { entries: BTreeMap::new(), findings: Vec::new() };
            exceptions.entries.insert("file a.rs".to_owned(), Entry { line: 1, lines_allowed: 600, needed: true });
            exceptions.check_count(count_max);
            assert_eq!(exceptions.findings.len(), 1);
        }
    }
}
