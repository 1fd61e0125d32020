//! SPDX 2.2 and 2.3 as tags and values, read for their packages.

use std::collections::BTreeSet;

use super::draft::{Answer, Draft};
use super::listed::Listed;
use super::spdx::{WHAT, is_purl_type, is_stated, version_check};
use crate::Unreadable;

/// Tags that begin something which is no package.
const OTHER_SECTIONS: [&str; 4] = ["FileName", "SnippetSPDXID", "LicenseID", "Relationship"];

pub(super) fn seen(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with("SPDXVersion:"))
}

/// One package while it is read.
#[derive(Default)]
struct Package<'a> {
    line: usize,
    name: &'a str,
    version: Option<&'a str>,
    id: Option<&'a str>,
    purl: Option<&'a str>,
    fetched_from: Option<&'a str>,
}

pub(super) fn read(text: &str) -> Answer {
    let pairs = Pairs { lines: text.lines().enumerate() };
    let mut draft = Draft::new(WHAT, "SPDX");
    let (mut packages, mut described, mut name) = (Vec::<Package<'_>>::new(), BTreeSet::new(), None);
    let mut in_package = false;
    for (line, tag, value) in pairs {
        match (tag, packages.last_mut().filter(|_| in_package)) {
            ("SPDXVersion", _) => {
                version_check(value)?;
                draft = Draft::new(WHAT, format!("{} (tags)", value.replace('-', " ")));
            }
            ("DocumentName", _) => name = Some(value),
            ("PackageName", _) => {
                in_package = true;
                draft.room_check(packages.len())?;
                packages.push(Package { line, name: value, ..Package::default() });
            }
            ("Relationship", _) => {
                in_package = false;
                let words: Vec<&str> = value.split_whitespace().collect();
                if let ["SPDXRef-DOCUMENT", "DESCRIBES", id, ..] = words.as_slice() {
                    described.insert(*id);
                }
            }
            (other, _) if OTHER_SECTIONS.contains(&other) => in_package = false,
            ("PackageVersion", Some(package)) => package.version = Some(value).filter(|v| is_stated(v)),
            ("SPDXID", Some(package)) => package.id = package.id.or(Some(value)),
            ("PackageDownloadLocation", Some(package)) => package.fetched_from = Some(value),
            ("ExternalRef", Some(package)) => {
                let words: Vec<&str> = value.split_whitespace().collect();
                if let [_, kind, locator] = words.as_slice()
                    && is_purl_type(kind)
                {
                    package.purl = package.purl.or(Some(*locator));
                }
            }
            ("", _) => draft.warn("malformed_line", format!("line {line}"), "no tag with a value: not read"),
            _ => {}
        }
    }
    let one = described.first().filter(|_| described.len() == 1);
    let subject = one.and_then(|id| packages.iter().position(|package| package.id == Some(*id)));
    match subject.and_then(|index| packages.get(index)) {
        Some(package) => draft.subject(Some(package.name), package.version),
        None => draft.subject(name, None),
    }
    take(&mut draft, &packages, subject.filter(|_| packages.len() > 1))?;
    Ok(draft.done())
}

fn take(draft: &mut Draft, packages: &[Package<'_>], subject: Option<usize>) -> Result<(), Unreadable> {
    for (index, package) in packages.iter().enumerate() {
        let listed = Listed {
            name: Some(package.name).filter(|name| !name.is_empty()),
            version: package.version,
            purl: package.purl,
            reference: package.id,
            fetched_from: package.fetched_from,
            malformed: false,
            is_subject: subject == Some(index),
        };
        let (component, warning) = listed.component(&format!("line {}", package.line));
        if let Some(warning) = warning {
            draft.warn(warning.code, warning.at, warning.text);
        }
        draft.push(component)?;
    }
    Ok(())
}

/// Tags with their values. A text in `<text>` may go over many lines: of it no more than the first line is given, since none of the
/// tags that count here has one.
struct Pairs<'a, L: Iterator<Item = (usize, &'a str)>> {
    lines: L,
}

impl<'a, L: Iterator<Item = (usize, &'a str)>> Iterator for Pairs<'a, L> {
    type Item = (usize, &'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (index, line) =
            self.lines.find(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))?;
        let (tag, value) = line.split_once(':').unwrap_or(("", line));
        let value = value.trim();
        let Some(inner) = value.strip_prefix("<text>") else { return Some((index + 1, tag.trim(), value)) };
        match inner.split_once("</text>") {
            Some((inner, _)) => Some((index + 1, tag.trim(), inner.trim())),
            None => {
                self.lines.find(|(_, line)| line.contains("</text>"));
                Some((index + 1, tag.trim(), inner.trim()))
            }
        }
    }
}
