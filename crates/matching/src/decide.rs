//! The one place where a version that is held meets the packages that advisories name. Both directions come through
//! [`group_decide`]: the forward one with one version and an index, the reverse one with what is held and an advisory.

use versions::Scheme;
use versions::osv::Status;

use crate::build::{GroupView, PackageView};
use crate::order::{Role, key_push};
use crate::package::{Same, ecosystem_split, same};
use crate::sheet::{Asked, Told};

/// What is held, by its names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'a> {
    pub(crate) ecosystem: &'a str,
    pub(crate) name: &'a str,
    /// The ecosystem's number among the advisories', if they name it so.
    pub(crate) number: Option<u16>,
}

/// One vulnerability of what was asked. In the order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit(Told);

impl Hit {
    pub(crate) fn new(vulnerability: u32, status: Status) -> Self {
        Hit(Told::new(vulnerability, status))
    }

    /// The number of the vulnerability in the index.
    #[must_use]
    pub fn vulnerability(self) -> u32 {
        self.0.number()
    }

    /// `Affected` or `Unknown`.
    #[must_use]
    pub fn status(self) -> Status {
        self.0.status()
    }
}

/// Advisories by package, wherever they lie.
pub(crate) trait Sheets {
    /// Every ecosystem that is named, sorted, with its release.
    fn ecosystems(&self) -> &[String];
    /// The vulnerability of an entry.
    fn vulnerability(&self, entry: u32) -> u32;
}

/// Whether this package is the one that is held.
#[inline]
pub(crate) fn package_same(package: &PackageView<'_>, ecosystems: &[String], held: Held<'_>) -> Same {
    if held.number == Some(package.ecosystem) && package.name == held.name.as_bytes() {
        return Same::Yes;
    }
    let stated = ecosystems.get(usize::from(package.ecosystem)).map_or("", String::as_str);
    same((stated, std::str::from_utf8(package.name).unwrap_or_default()), (held.ecosystem, held.name))
}

/// Tells of every entry of a group that affects what is asked, or may do so.
#[inline]
pub(crate) fn group_decide(
    group: GroupView<'_>,
    sheets: &impl Sheets,
    held: Held<'_>,
    asked: Asked<'_>,
    hits: &mut Vec<Hit>,
) {
    let before = hits.len();
    // Where one package's written answers are all there is, each vulnerability is there once already.
    let mut settled = true;
    for package in group.packages() {
        let earlier = hits.len() > before;
        let mut tell = |entry: u32, status| {
            hits.push(Hit::new(sheets.vulnerability(package.first.wrapping_add(entry)), status));
        };
        match package_same(&package, sheets.ecosystems(), held) {
            Same::Yes => match package.sheet.answer(asked) {
                Some(answer) => {
                    settled &= !earlier;
                    hits.extend(answer.map(Hit));
                }
                None => {
                    settled = false;
                    package.sheet.decide(asked, package.entries, tell);
                }
            },
            Same::CaseDiffers | Same::ReleaseUnnamed => {
                settled = false;
                (0..package.entries).for_each(|entry| tell(entry, Status::Unknown));
            }
            Same::No => {}
        }
    }
    if !settled && hits.len() > before + 1 {
        once(hits, before);
    }
}

/// Each vulnerability once, by its strongest word.
fn once(hits: &mut Vec<Hit>, from: usize) {
    if let Some(new) = hits.get_mut(from..) {
        new.sort_unstable();
    }
    let mut last = None;
    let mut index = 0;
    hits.retain(|hit| {
        let old = index < from;
        index += 1;
        let first = last != Some(hit.vulnerability());
        last = if old { None } else { Some(hit.vulnerability()) };
        old || first
    });
}

/// The key of a version that is held, in `key`; or its text, where its scheme cannot read it or there is none.
pub(crate) fn asked<'a>(scheme: Option<Scheme>, version: &'a str, key: &'a mut Vec<u8>) -> Asked<'a> {
    key.clear();
    match scheme.map(|scheme| key_push(scheme, Role::Version, version, key)) {
        Some(Ok(())) => Asked::Key(key),
        Some(Err(_)) | None => Asked::Text(version),
    }
}

/// The number of an ecosystem among sorted ones.
pub(crate) fn ecosystem_number(ecosystems: &[String], ecosystem: &str) -> Option<u16> {
    let index = ecosystems.binary_search_by(|known| known.as_str().cmp(ecosystem)).ok()?;
    u16::try_from(index).ok()
}

/// `Debian` of `Debian:12`.
pub(crate) fn base(ecosystem: &str) -> &str {
    ecosystem_split(ecosystem).0
}
