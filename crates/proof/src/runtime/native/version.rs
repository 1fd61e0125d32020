//! Versions of a source package and of the trees between them: with its first patches only, or with one taken back.
//! Texts and numbers only; must not read files.

use std::fmt;

/// Longest text of a version, in bytes.
pub const VERSION_BYTES_MAX: usize = 256;

/// Which patches of a series are in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// All: the package as it is published.
    Whole,
    /// The first so many.
    First(usize),
    /// All but this one, counted from 1, which is taken back from the whole tree.
    Without(usize),
}

/// A tree of a source package: `6.0-28`, `6.0-28+patch09:name-of-the-ninth` or `6.0-28+without09:name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeVersion {
    /// The published version.
    pub base: String,
    /// What of its series is in it.
    pub cut: Cut,
    /// The patch that was put in last, or is not in it.
    pub patch: Option<String>,
}

impl TreeVersion {
    /// The whole package.
    #[must_use]
    pub fn whole(base: &str) -> Self {
        Self { base: base.to_owned(), cut: Cut::Whole, patch: None }
    }

    /// The first `count` patches of this series, or the whole package where those are all.
    #[must_use]
    pub fn first(base: &str, series: &[String], count: usize) -> Self {
        if count >= series.len() {
            return Self::whole(base);
        }
        let patch = count.checked_sub(1).and_then(|last| series.get(last)).map(|name| plain(name));
        Self { base: base.to_owned(), cut: Cut::First(count), patch }
    }

    /// All but the patch at `index`, from 0.
    #[must_use]
    pub fn without(base: &str, series: &[String], index: usize) -> Self {
        let patch = series.get(index).map(|name| plain(name));
        Self { base: base.to_owned(), cut: Cut::Without(index + 1), patch }
    }

    /// Reads one; `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || ".+~:_-".contains(c);
        let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if text.len() > VERSION_BYTES_MAX || !starts || !text.chars().all(plain) {
            return None;
        }
        for (mark, make) in [("+patch", Cut::First as fn(usize) -> Cut), ("+without", Cut::Without)] {
            if let Some(found) = Self::cut_at(text, mark, make) {
                return Some(found);
            }
        }
        Some(Self::whole(text))
    }

    fn cut_at(text: &str, mark: &str, make: fn(usize) -> Cut) -> Option<Self> {
        let (base, rest) = text.split_once(mark)?;
        let (number, patch) = match rest.split_once(':') {
            Some((number, patch)) => (number, Some(patch.to_owned())),
            None => (rest, None),
        };
        let two_digits = (2..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        let found = Self { base: base.to_owned(), cut: make(number.parse().ok().filter(|_| two_digits)?), patch };
        (found.to_string() == text).then_some(found)
    }
}

impl fmt::Display for TreeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)?;
        match self.cut {
            Cut::Whole => return Ok(()),
            Cut::First(count) => write!(f, "+patch{count:02}")?,
            Cut::Without(number) => write!(f, "+without{number:02}")?,
        }
        self.patch.iter().try_for_each(|patch| write!(f, ":{patch}"))
    }
}

/// The name of a patch as it may stand in a version.
fn plain(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    let fine = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    last.chars().take(120).map(fine).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_as_they_are_written() {
        let series = ["01-a.patch".to_owned(), "02 b~.patch".to_owned(), "x/03.patch".to_owned()];
        let first = |count| TreeVersion::first("1:6.0-28+deb12u1", &series, count).to_string();
        assert_eq!(first(0), "1:6.0-28+deb12u1+patch00");
        assert_eq!(first(2), "1:6.0-28+deb12u1+patch02:02_b_.patch");
        assert_eq!(first(3), "1:6.0-28+deb12u1");
        let without = TreeVersion::without("6.0-28", &series, 2).to_string();
        assert_eq!(without, "6.0-28+without03:03.patch");
        for text in [first(0), first(2), first(3), without] {
            assert_eq!(TreeVersion::parse(&text).unwrap().to_string(), text);
        }
        assert_eq!(TreeVersion::parse("1+patch").unwrap().cut, Cut::Whole);
        for wrong in ["", "-1", "a b", "1/2", "1\n"] {
            assert_eq!(TreeVersion::parse(wrong), None, "{wrong:?}");
        }
    }
}
