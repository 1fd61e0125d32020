//! `go.mod` files, as far as they are needed here: the Go version, what is required, what was taken back. Any text is
//! read; what is not understood is left out, because `go` itself reads them again in the box.

use semver::Version;

use super::version_read;

/// Most requirements read of one file.
pub const REQUIREMENTS_COUNT_MAX: usize = 2_000;

/// What one says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoMod {
    /// The Go version it asks for, as written: `1.17`, `1.23.0`.
    pub go: Option<String>,
    /// Modules and versions it requires.
    pub requires: Vec<(String, String)>,
    /// Closed intervals of versions that its maintainers took back.
    pub retracted: Vec<(Version, Version)>,
}

impl GoMod {
    /// Reads one.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut found = Self::default();
        let mut block = "";
        for line in text.lines() {
            let line = line.split("//").next().unwrap_or_default().trim();
            if line == ")" {
                block = "";
                continue;
            }
            let (word, rest) = match block {
                "" => line.split_once([' ', '\t', '(']).unwrap_or((line, "")),
                inside => (inside, line),
            };
            if block.is_empty() && line.ends_with('(') {
                block = word;
                continue;
            }
            found.take(word, rest.trim());
        }
        found
    }

    fn take(&mut self, word: &str, rest: &str) {
        match word {
            "go" => self.go = Some(rest.to_owned()),
            "require" => {
                if let Some((module, version)) = rest.split_once([' ', '\t'])
                    && self.requires.len() < REQUIREMENTS_COUNT_MAX
                {
                    self.requires.push((module.trim_matches('"').to_owned(), version.trim().to_owned()));
                }
            }
            "retract" => {
                let bounds = rest.trim_matches(['[', ']']);
                let (low, high) = bounds.split_once(',').unwrap_or((bounds, bounds));
                if let (Some(low), Some(high)) = (version_read(low.trim()), version_read(high.trim())) {
                    self.retracted.push((low, high));
                }
            }
            _ => {}
        }
    }

    /// Whether this version was taken back.
    #[must_use]
    pub fn is_retracted(&self, version: &Version) -> bool {
        self.retracted.iter().any(|(low, high)| low <= version && version <= high)
    }

    /// Major and minor of the Go version it asks for.
    #[must_use]
    pub fn go_minor(&self) -> Option<(u32, u32)> {
        let mut parts = self.go.as_deref()?.split('.');
        let number = |part: Option<&str>| part?.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok();
        Some((number(parts.next())?, number(parts.next()).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lines_and_comments() {
        let read = GoMod::read(
            "module a.b/c // x\ngo 1.17\nrequire x.y/z v1.0.0 // indirect\nrequire (\n\tp.q/r v0.1.0\n)\nretract [v1.0.0, v1.2.0]\nretract (\n v2.0.0 // bad\n)\n",
        );
        assert_eq!(read.go_minor(), Some((1, 17)));
        assert_eq!(read.requires, [("x.y/z".into(), "v1.0.0".into()), ("p.q/r".into(), "v0.1.0".into())]);
        for (version, yes) in [("v1.1.0", true), ("v1.2.1", false), ("v2.0.0", true)] {
            assert_eq!(read.is_retracted(&version_read(version).unwrap()), yes, "{version}");
        }
        assert_eq!(GoMod::read("\0(((\nrequire"), GoMod::default());
    }
}
