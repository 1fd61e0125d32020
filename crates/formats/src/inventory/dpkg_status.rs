//! dpkg's list of what is installed, the file `status`. Packages are compared under their source's name and version, as the advisories
//! of Debian and Ubuntu have them; which of the two it is, and which release, the package base-files says.

use super::Unmatchable;
use super::distribution::{Distribution, Installed, component};
use super::draft::{Answer, Draft};
use crate::Unreadable;

const WHAT: &str = "a dpkg status file";

pub(super) fn seen(text: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| line.trim().is_empty());
    lines.next().is_some_and(|line| line.starts_with("Package: "))
        && lines
            .take_while(|line| !line.trim().is_empty())
            .any(|line| line.starts_with("Version: ") || line.starts_with("Status: "))
}

/// One stanza's fields; of one that stands twice the first.
#[derive(Default)]
struct Stanza<'a> {
    line: usize,
    package: Option<&'a str>,
    version: Option<&'a str>,
    status: Option<&'a str>,
    source: Option<&'a str>,
    maintainer: Option<&'a str>,
}

pub(super) fn read(text: &str) -> Answer {
    let mut draft = Draft::new(WHAT, "dpkg status");
    let stanzas = stanzas(text, &mut draft)?;
    let base = stanzas.iter().find(|stanza| stanza.package == Some("base-files"));
    let (distribution, distro) = base.map_or((None, None), release);
    match &distribution {
        None => draft.warn("unknown_distribution", "base-files", "it does not say whether this is Debian or Ubuntu"),
        Some(d) => draft.subject(Some(&d.ecosystem_of(distro.as_deref())), None),
    }
    for stanza in &stanzas {
        take(&mut draft, stanza, distribution, distro.as_deref())?;
    }
    Ok(draft.done())
}

fn stanzas<'a>(text: &'a str, draft: &mut Draft) -> Result<Vec<Stanza<'a>>, Unreadable> {
    let (mut out, mut open) = (Vec::new(), Stanza::default());
    for (index, line) in text.lines().chain([""]).enumerate() {
        if line.trim().is_empty() {
            if open.line > 0 {
                draft.room_check(out.len())?;
                out.push(std::mem::take(&mut open));
            }
            continue;
        }
        if open.line == 0 {
            open.line = index + 1;
        }
        // Lines that go on from the one above begin with a blank.
        let Some((field, value)) = line.split_once(':').filter(|_| !line.starts_with([' ', '\t'])) else { continue };
        let slot = match field {
            "Package" => &mut open.package,
            "Version" => &mut open.version,
            "Status" => &mut open.status,
            "Source" => &mut open.source,
            "Maintainer" => &mut open.maintainer,
            _ => continue,
        };
        if slot.is_some() {
            draft.warn(
                "repeated_field",
                format!("line {}", index + 1),
                format!("{field} stands twice: the first counts"),
            );
        } else {
            *slot = Some(value.trim());
        }
    }
    Ok(out)
}

/// base-files' version begins with Debian's release, `12.4+deb12u5`; Ubuntu's says `ubuntu` and no release.
fn release(base: &Stanza<'_>) -> (Option<&'static Distribution>, Option<String>) {
    let version = base.version.unwrap_or_default();
    if version.contains("ubuntu") || base.maintainer.is_some_and(|m| m.contains("ubuntu.com")) {
        return (Distribution::named("Ubuntu"), None);
    }
    if !base.maintainer.is_none_or(|maintainer| maintainer.contains("debian.org")) {
        return (None, None);
    }
    let number: String = version.chars().take_while(char::is_ascii_digit).collect();
    (Distribution::named("Debian"), (!number.is_empty()).then(|| format!("debian-{number}")))
}

fn take(
    draft: &mut Draft,
    stanza: &Stanza<'_>,
    distribution: Option<&Distribution>,
    distro: Option<&str>,
) -> Result<(), Unreadable> {
    let path = format!("line {}", stanza.line);
    let Some(name) = stanza.package else { return draft.push_malformed("a stanza without a Package", path) };
    let (source, source_version) = match stanza.source.and_then(|source| source.split_once(" (")) {
        Some((source, version)) => (Some(source), version.strip_suffix(')')),
        None => (stanza.source, None),
    };
    let installed = Installed { name, version: stanza.version, source, source_version };
    let mut found = component(distribution, distro, &installed, path);
    // `deinstall ok config-files`: only its settings are left.
    let there = stanza
        .status
        .is_none_or(|s| matches!(s.rsplit(' ').next(), Some("installed" | "unpacked" | "half-configured")));
    if !there {
        (found.matchable, found.purl) = (Err(Unmatchable::NotInstalled), None);
    }
    draft.push(found)
}
