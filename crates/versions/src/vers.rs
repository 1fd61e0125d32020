//! Version ranges as the VERS specification writes them (`vers:npm/>=1.2.3|<2`), and to and from OSV's. Says what a range
//! cannot be turned into; must not turn it into something near.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::osv::{Event, Range, RangeKind};
use crate::{Scheme, Unreadable, Version};

/// The longest VERS text that is read, in bytes.
pub const VERS_BYTES_MAX: usize = 64 * 1_024;

/// How a version stands to a constraint's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparator {
    /// That version.
    Equal,
    /// Not that version.
    NotEqual,
    /// Below it.
    Less,
    /// Below it or equal to it.
    LessOrEqual,
    /// Above it.
    Greater,
    /// Above it or equal to it.
    GreaterOrEqual,
}

/// Longer spellings stand before those that they begin with.
const COMPARATORS: [(&str, Comparator); 6] = [
    ("!=", Comparator::NotEqual),
    ("<=", Comparator::LessOrEqual),
    (">=", Comparator::GreaterOrEqual),
    ("<", Comparator::Less),
    (">", Comparator::Greater),
    ("=", Comparator::Equal),
];

/// A range: its constraints, lowest version first, no version twice. None at all is every version (`*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vers {
    purl_type: String,
    constraints: Vec<(Comparator, Version)>,
}

/// Why a text is no range, or why a range cannot be turned into another kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersError {
    /// Longer than [`VERS_BYTES_MAX`].
    #[error("a VERS range has at most {VERS_BYTES_MAX} bytes")]
    TooLong,
    /// Not of the form `vers:type/constraints`.
    #[error("not a VERS range such as vers:npm/>=1.2.3|<2.0.0")]
    Malformed,
    /// No order is known for that type.
    #[error("no version order is known for VERS type {0:?}")]
    UnknownType(String),
    /// One version in two constraints.
    #[error("version {0:?} stands in two constraints")]
    Twice(String),
    /// A version in it cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The other kind of range has no way to say it.
    #[error("{0} cannot be said in the other kind of range")]
    Inexpressible(&'static str),
}

impl FromStr for Vers {
    type Err = VersError;

    fn from_str(text: &str) -> Result<Self, VersError> {
        if text.len() > VERS_BYTES_MAX {
            return Err(VersError::TooLong);
        }
        let (purl_type, list) =
            text.strip_prefix("vers:").and_then(|rest| rest.split_once('/')).ok_or(VersError::Malformed)?;
        let scheme = Scheme::of_purl_type(purl_type).ok_or_else(|| VersError::UnknownType(purl_type.to_owned()))?;
        let list = list.trim_matches('|');
        let mut constraints = Vec::new();
        for part in list.split('|').filter(|_| list != "*") {
            let part = part.trim();
            let found = COMPARATORS.iter().find_map(|(sign, comparator)| Some((*comparator, part.strip_prefix(sign)?)));
            let (comparator, version) = found.unwrap_or((Comparator::Equal, part));
            let version = decoded(version.trim()).ok_or(VersError::Malformed)?;
            constraints.push((comparator, Version::read_bound(scheme, &version)?));
        }
        Vers::new(purl_type, constraints)
    }
}

impl Vers {
    fn new(purl_type: &str, mut constraints: Vec<(Comparator, Version)>) -> Result<Self, VersError> {
        constraints.sort_by(|(_, a), (_, b)| a.cmp(b));
        let twice = constraints.windows(2).find_map(|pair| match pair {
            [(_, a), (_, b)] if a == b => Some(a.text().to_owned()),
            _ => None,
        });
        match twice {
            Some(version) => Err(VersError::Twice(version)),
            None => Ok(Vers { purl_type: purl_type.to_owned(), constraints }),
        }
    }

    /// Whether the version is in the range.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        if self.constraints.is_empty() {
            return true;
        }
        for (comparator, at) in &self.constraints {
            match (comparator, version.cmp(at)) {
                (Comparator::Equal | Comparator::LessOrEqual | Comparator::GreaterOrEqual, Ordering::Equal) => {
                    return true;
                }
                (_, Ordering::Equal) => return false,
                _ => {}
            }
        }
        // Between two bounds, the one below must open upwards or the one above downwards; equalities bound nothing.
        let bounds = || self.constraints.iter().filter(|(c, _)| !matches!(c, Comparator::Equal | Comparator::NotEqual));
        let below = bounds().rfind(|(_, at)| at < version).map(|(c, _)| is_upwards(*c));
        let above = bounds().find(|(_, at)| at > version).map(|(c, _)| !is_upwards(*c));
        match (below, above) {
            (Some(below), Some(above)) => below && above,
            (Some(one), None) | (None, Some(one)) => one,
            // Only equalities: a list of exclusions alone leaves everything else in.
            (None, None) => self.constraints.iter().all(|(c, _)| *c == Comparator::NotEqual),
        }
    }

    /// The same as OSV ranges and enumerated versions.
    ///
    /// # Errors
    /// [`VersError::Inexpressible`] for `>` and `!=`, which OSV has no events for.
    pub fn to_osv(&self) -> Result<(Vec<Range>, Vec<String>), VersError> {
        let (mut events, mut versions, mut open) = (Vec::new(), Vec::new(), false);
        if self.constraints.is_empty() {
            events.push(Event::Introduced("0".to_owned()));
        }
        for (comparator, at) in &self.constraints {
            let text = at.text().to_owned();
            match comparator {
                Comparator::Greater => return Err(VersError::Inexpressible("a range that begins above a version (>)")),
                Comparator::NotEqual => return Err(VersError::Inexpressible("a version left out (!=)")),
                Comparator::Equal if !open => versions.push(text),
                Comparator::Equal => {}
                Comparator::GreaterOrEqual if open => {}
                Comparator::GreaterOrEqual => {
                    events.push(Event::Introduced(text));
                    open = true;
                }
                Comparator::Less | Comparator::LessOrEqual => {
                    if !open && events.is_empty() {
                        events.push(Event::Introduced("0".to_owned()));
                    } else if !open {
                        return Err(VersError::Inexpressible("two upper bounds in a row"));
                    }
                    let less = *comparator == Comparator::Less;
                    events.push(if less { Event::Fixed(text) } else { Event::LastAffected(text) });
                    open = false;
                }
            }
        }
        let ranges = if events.is_empty() { vec![] } else { vec![Range { kind: RangeKind::Ecosystem, events }] };
        Ok((ranges, versions))
    }

    /// One OSV range, whose events must be in pairs that do not overlap, and enumerated versions outside of it.
    ///
    /// # Errors
    /// [`VersError`] for limits, commits, what cannot be read, and pairs within each other.
    pub fn from_osv(purl_type: &str, range: Option<&Range>, versions: &[String]) -> Result<Self, VersError> {
        let scheme = Scheme::of_purl_type(purl_type).ok_or_else(|| VersError::UnknownType(purl_type.to_owned()))?;
        let mut constraints = Vec::new();
        let mut everything = false;
        for event in range.into_iter().flat_map(|range| &range.events) {
            let comparator = match event {
                Event::Introduced(version) if version == "0" => {
                    everything = true;
                    continue;
                }
                Event::Introduced(_) => Comparator::GreaterOrEqual,
                Event::Fixed(_) => Comparator::Less,
                Event::LastAffected(_) => Comparator::LessOrEqual,
                Event::Limit(_) => return Err(VersError::Inexpressible("a limit")),
            };
            constraints.push((comparator, Version::read_bound(scheme, event.version())?));
        }
        if range.is_some_and(|range| matches!(range.kind, RangeKind::Git | RangeKind::Unreadable)) {
            return Err(VersError::Inexpressible("a range of commits, or one that could not be read"));
        }
        constraints.sort_by(|(_, a), (_, b)| a.cmp(b));
        let mut open = everything;
        for (comparator, _) in &constraints {
            if is_upwards(*comparator) == open {
                return Err(VersError::Inexpressible("events that are not in pairs"));
            }
            open = !open;
        }
        let bounds = Vers::new(purl_type, constraints)?;
        if everything && bounds.constraints.is_empty() {
            return Ok(bounds);
        }
        let mut all = bounds.constraints.clone();
        for version in versions {
            let version = Version::read_bound(scheme, version)?;
            let inside = !bounds.constraints.is_empty() && bounds.contains(&version);
            if !inside && !all.iter().any(|(_, at)| *at == version) {
                all.push((Comparator::Equal, version));
            }
        }
        if all.is_empty() {
            return Err(VersError::Inexpressible("a range without any version"));
        }
        Vers::new(purl_type, all)
    }
}

fn is_upwards(comparator: Comparator) -> bool {
    matches!(comparator, Comparator::Greater | Comparator::GreaterOrEqual)
}

impl fmt::Display for Vers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vers:{}/", self.purl_type)?;
        if self.constraints.is_empty() {
            return f.write_char('*');
        }
        for (place, (comparator, version)) in self.constraints.iter().enumerate() {
            if place > 0 {
                f.write_char('|')?;
            }
            if *comparator != Comparator::Equal {
                let sign = COMPARATORS.iter().find(|(_, known)| known == comparator).map_or("", |(sign, _)| sign);
                f.write_str(sign)?;
            }
            for byte in version.text().trim().bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                        f.write_char(char::from(byte))?
                    }
                    other => write!(f, "%{other:02X}")?,
                }
            }
        }
        Ok(())
    }
}

/// Percent-encoded bytes read; `None` when they are malformed.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        if *byte == b'%' {
            let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
            if !digits.bytes().all(|d| d.is_ascii_hexdigit()) {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = behind.get(2..)?;
        } else {
            bytes.push(*byte);
            rest = behind;
        }
    }
    String::from_utf8(bytes).ok()
}
