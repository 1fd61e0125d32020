//! What a package asks for: PEP 508 requirements and their markers, for one interpreter. Pure; bounded by the length of
//! the text. What cannot be read is an error, never an empty requirement.

use std::collections::BTreeSet;

use pep440_rs::{Version, VersionSpecifiers};

use super::interpreter::Tags;
use super::{name_is_valid, name_normal};

/// Longest requirement read, in bytes.
const REQUIREMENT_BYTES_MAX: usize = 4_096;
/// Parentheses within each other.
const DEPTH_MAX: usize = 32;

/// A requirement that holds for some interpreter.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// Whom, as the index compares names.
    pub name: String,
    /// With which of its extras.
    pub extras: BTreeSet<String>,
    /// Which versions.
    pub versions: VersionSpecifiers,
    marker: String,
}

impl Requirement {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.len() > REQUIREMENT_BYTES_MAX {
            return Err("a requirement is too long".into());
        }
        let (front, marker) = text.split_once(';').unwrap_or((text, ""));
        let front = front.trim();
        let name_end = front.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(front.len());
        let (name, rest) = front.split_at(name_end);
        if !name_is_valid(name) {
            return Err(format!("`{front}` begins with no name"));
        }
        let rest = rest.trim();
        let (extras, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((extras, rest)) => (extras, rest.trim()),
            None => ("", rest),
        };
        if rest.starts_with('@') {
            return Err(format!("`{front}` names an address, not a version"));
        }
        let bare = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest);
        let bare = bare.trim().trim_end_matches(',');
        let versions = bare.parse::<VersionSpecifiers>().map_err(|_| format!("`{bare}` is no list of versions"))?;
        let extras = extras.split(',').map(|extra| name_normal(extra.trim())).filter(|extra| !extra.is_empty());
        Ok(Self { name: name_normal(name), extras: extras.collect(), versions, marker: marker.trim().to_owned() })
    }

    /// Whether it holds for this interpreter, where these extras are wanted of the package that asks.
    ///
    /// # Errors
    /// A marker that cannot be read.
    pub fn holds(&self, tags: &Tags, extras: &BTreeSet<String>) -> Result<bool, String> {
        if self.marker.is_empty() {
            return Ok(true);
        }
        let wanted = |extra: &str| Marker::read(&self.marker, tags, extra);
        let mut holds = wanted("")?;
        for extra in extras {
            holds |= wanted(extra)?;
        }
        Ok(holds)
    }
}

/// One marker being read and evaluated at once.
struct Marker<'a> {
    rest: &'a str,
    tags: &'a Tags,
    extra: &'a str,
    depth: usize,
}

impl<'a> Marker<'a> {
    fn read(text: &'a str, tags: &'a Tags, extra: &'a str) -> Result<bool, String> {
        let mut marker = Self { rest: text, tags, extra, depth: 0 };
        let holds = marker.either()?;
        if marker.rest.trim().is_empty() { Ok(holds) } else { Err(format!("`{text}` is no marker")) }
    }

    fn either(&mut self) -> Result<bool, String> {
        let mut holds = self.both()?;
        while self.word("or") {
            holds |= self.both()?;
        }
        Ok(holds)
    }

    fn both(&mut self) -> Result<bool, String> {
        let mut holds = self.one()?;
        while self.word("and") {
            holds &= self.one()?;
        }
        Ok(holds)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.sign("(") {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err("a marker is nested too deeply".into());
            }
            let holds = self.either()?;
            self.depth -= 1;
            return if self.sign(")") { Ok(holds) } else { Err("a marker lacks a parenthesis".into()) };
        }
        let (left, left_name) = self.value()?;
        let not_in = self.word("not");
        if not_in || self.rest.trim_start().starts_with("in") {
            if !self.word("in") {
                return Err("a marker has `not` without `in`".into());
            }
            let (right, _) = self.value()?;
            return Ok(right.contains(&left) != not_in);
        }
        let signs = ["===", "~=", "==", "!=", "<=", ">=", "<", ">"];
        let sign = signs.into_iter().find(|sign| self.sign(sign)).ok_or("a marker compares by no known sign")?;
        let (right, right_name) = self.value()?;
        let versions = [left_name, right_name].into_iter().flatten().any(|name| name.contains("version"));
        Ok(compare(&left, sign, &right, versions))
    }

    /// A value, and the name of the variable where it is one.
    fn value(&mut self) -> Result<(String, Option<&'a str>), String> {
        self.rest = self.rest.trim_start();
        for quote in ['"', '\''] {
            if let Some((text, rest)) = self.rest.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
                self.rest = rest;
                return Ok((text.to_owned(), None));
            }
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_.".contains(c))).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        let release = self.tags.version.release();
        let part = |at: usize| release.get(at).copied().unwrap_or_default();
        let value = match name {
            "python_version" => format!("{}.{}", part(0), part(1)),
            "python_full_version" | "implementation_version" => self.tags.version.to_string(),
            "os_name" | "os.name" => "posix".into(),
            "sys_platform" | "sys.platform" => "linux".into(),
            "platform_system" => "Linux".into(),
            "platform_machine" | "platform.machine" => self.tags.machine.clone(),
            "implementation_name" => "cpython".into(),
            "platform_python_implementation" | "python_implementation" => "CPython".into(),
            "extra" => self.extra.to_owned(),
            "platform_release" | "platform_version" | "platform.version" => String::new(),
            other => return Err(format!("`{other}` is no variable of markers")),
        };
        Ok((value, Some(name)))
    }

    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let after = rest.strip_prefix(word).filter(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()));
        after.map(|after| self.rest = after).is_some()
    }

    fn sign(&mut self, sign: &str) -> bool {
        self.rest.trim_start().strip_prefix(sign).map(|after| self.rest = after).is_some()
    }
}

fn compare(left: &str, sign: &str, right: &str, versions: bool) -> bool {
    let specifiers = || format!("{sign}{right}").parse::<VersionSpecifiers>().ok();
    if versions && let (Ok(version), Some(wanted)) = (left.parse::<Version>(), specifiers()) {
        return wanted.contains(&version);
    }
    match sign {
        "==" | "===" => name_normal(left) == name_normal(right),
        "!=" => name_normal(left) != name_normal(right),
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        ">=" => left >= right,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<bool, ()>) {
        let tags = Tags { version: "3.11.2".parse().unwrap(), machine: "x86_64".into() };
        let extras = BTreeSet::from(["socks".to_owned()]);
        let found = Requirement::read(text).and_then(|requirement| requirement.holds(&tags, &extras));
        assert_eq!(found.map_err(|_| ()), expected, "{text}");
    }

    #[test]
    fn requirements_are_read_and_markers_decided() {
        check("MarkupSafe>=0.23", Ok(true));
        check("a", Ok(true));
        check("a (>=1.0,<2)", Ok(true));
        check("a[x,y]~=1.4.2; python_version < '3.8'", Ok(false));
        check("a; python_version >= \"3.10\" and sys_platform == 'linux'", Ok(true));
        check("a; (os_name == 'nt' or platform_system=='Linux') and not_a_variable == 'x'", Err(()));
        check("a; extra == 'SOCKS'", Ok(true));
        check("a; extra == 'other'", Ok(false));
        check("a; sys_platform in 'linux darwin'", Ok(true));
        check("a; sys_platform not in 'linux darwin'", Ok(false));
        check("a @ https://x.example/a.whl", Err(()));
        check("a >= one", Err(()));
        check(&format!("a; {}python_version > '1'", "(".repeat(40)), Err(()));
        check("", Err(()));
    }
}
