//! apk's list of what is installed, the file `installed`. Packages are compared under the name of what they were built from, as
//! Alpine's advisories have them; the distribution and its release are those of its own base packages.

use super::distribution::{Distribution, Installed, component};
use super::draft::{Answer, Draft};
use crate::Unreadable;

const WHAT: &str = "an apk installed file";
/// Packages of which each distribution has one, and whether its version is the release.
const BASES: [(&str, &str, bool); 6] = [
    ("alpine-release", "Alpine", true),
    ("alpine-baselayout", "Alpine", false),
    ("wolfi-baselayout", "Wolfi", false),
    ("chainguard-baselayout", "Chainguard", false),
    ("minimos-release", "MinimOS", false),
    ("alpaquita-release", "Alpaquita", false),
];

pub(super) fn seen(text: &str) -> bool {
    let mut lines =
        text.lines().skip_while(|line| line.trim().is_empty()).take_while(|line| !line.is_empty()).peekable();
    let form = |line: &str| matches!(line.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    let first = lines.peek().is_some_and(|line| line.starts_with("C:") || line.starts_with("P:"));
    let (mut named, mut versioned) = (false, false);
    first
        && lines.all(|line| {
            named |= line.starts_with("P:");
            versioned |= line.starts_with("V:");
            form(line)
        })
        && named
        && versioned
}

#[derive(Default)]
struct Stanza<'a> {
    line: usize,
    name: Option<&'a str>,
    version: Option<&'a str>,
    origin: Option<&'a str>,
}

pub(super) fn read(text: &str) -> Answer {
    let mut draft = Draft::new(WHAT, "apk installed");
    let stanzas = stanzas(text, &draft)?;
    let base = BASES.iter().find_map(|base| Some((base, stanzas.iter().find(|stanza| stanza.name == Some(base.0))?)));
    let distribution = base.and_then(|((_, ecosystem, _), _)| Distribution::named(ecosystem));
    let distro = base.filter(|((_, _, says), _)| *says).and_then(|((_, ecosystem, _), stanza)| {
        let release = stanza.version?.split('-').next()?;
        Some(format!("{}-{release}", ecosystem.to_ascii_lowercase()))
    });
    match distribution {
        None => draft.warn("unknown_distribution", "the document", "no package in it says which distribution this is"),
        Some(d) => draft.subject(Some(&d.ecosystem_of(distro.as_deref())), None),
    }
    for stanza in &stanzas {
        let path = format!("line {}", stanza.line);
        match stanza.name {
            Some(name) => {
                let installed =
                    Installed { name, version: stanza.version, source: stanza.origin, source_version: None };
                draft.push(component(distribution, distro.as_deref(), &installed, path))?;
            }
            None => draft.push_malformed("a stanza without a name", path)?,
        }
    }
    Ok(draft.done())
}

fn stanzas<'a>(text: &'a str, draft: &Draft) -> Result<Vec<Stanza<'a>>, Unreadable> {
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
        match line.split_once(':') {
            Some(("P", name)) => open.name = open.name.or(Some(name)),
            Some(("V", version)) => open.version = open.version.or(Some(version)),
            Some(("o", origin)) => open.origin = open.origin.or(Some(origin)),
            _ => {}
        }
    }
    Ok(out)
}
