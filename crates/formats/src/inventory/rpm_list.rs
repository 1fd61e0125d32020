//! What `rpm -qa` prints. With the query format of [`QUERY_FORMAT`] each line has all that it takes to compare; the plain list of
//! name, version, release and architecture has neither epoch nor distribution, so its packages are listed and not compared.

use super::distribution::{Distribution, Installed, component};
use super::draft::{Answer, Draft, locked};
use super::{Component, Unmatchable};

const WHAT: &str = "a list of rpm -qa";

/// The query format whose lines are compared: seven fields with a tab between them.
pub const QUERY_FORMAT: &str = r"%{NAME}\t%{EPOCHNUM}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\t%{VENDOR}\n";
/// The first of many lines that are looked at to tell.
const SEEN_LINES_MAX: usize = 50;
const ARCHITECTURES: [&str; 13] = [
    "noarch",
    "x86_64",
    "i386",
    "i586",
    "i686",
    "aarch64",
    "armv7hl",
    "ppc64le",
    "s390x",
    "riscv64",
    "loongarch64",
    "src",
    "(none)",
];

pub(super) fn seen(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(SEEN_LINES_MAX).peekable();
    lines.peek().is_some() && lines.all(|line| fields(line).is_some() || nvra(line).is_some())
}

fn fields(line: &str) -> Option<[&str; 7]> {
    let fields: Vec<&str> = line.trim_end_matches(['\r', '\n']).split('\t').collect();
    let fields: [&str; 7] = fields.try_into().ok()?;
    let [name, epoch, version, release, ..] = fields;
    let whole = ![name, version, release].contains(&"") && (epoch == "(none)" || epoch.parse::<u32>().is_ok());
    whole.then_some(fields)
}

/// `openssl-libs-1:3.0.7-24.el9.x86_64` or without the epoch: name, version and release.
fn nvra(line: &str) -> Option<(&str, &str)> {
    let (nvr, arch) = line.trim().rsplit_once('.')?;
    let (nv, release) =
        nvr.rsplit_once('-').filter(|_| ARCHITECTURES.contains(&arch) && !line.contains(['\t', '=']))?;
    let (name, version) = nv.rsplit_once('-')?;
    let both = nvr.get(name.len() + 1..)?;
    let plain = |text: &str| !text.is_empty() && !text.contains([' ', '/']);
    (plain(name) && plain(version) && plain(release)).then_some((name, both))
}

pub(super) fn read(text: &str) -> Answer {
    let mut draft = Draft::new(WHAT, "rpm -qa");
    let mut bare = 0_usize;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let path = format!("line {}", index + 1);
        if let Some(fields) = fields(line) {
            draft.push(whole(&fields, path))?;
        } else if let Some((name, version)) = nvra(line) {
            bare += 1;
            draft.push(locked("", name, Some(version), Some(Unmatchable::UnknownDistribution), path))?;
        } else {
            draft.push_malformed(line, path)?;
        }
    }
    if bare > 0 {
        let text = format!("{bare} lines have neither epoch nor vendor: print with --queryformat '{QUERY_FORMAT}'");
        draft.warn("not_enough", "the document", text);
    }
    Ok(draft.done())
}

fn whole(fields: &[&str; 7], path: String) -> Component {
    let [name, epoch, version, release, _, source, vendor] = *fields;
    let epoch = if matches!(epoch, "(none)" | "0") { String::new() } else { format!("{epoch}:") };
    let version = format!("{epoch}{version}-{release}");
    // `openssl-3.0.7-24.el9.src.rpm`
    let source = source.strip_suffix(".src.rpm").and_then(|nvr| nvr.rsplitn(3, '-').nth(2));
    let installed = Installed { name, version: Some(&version), source, source_version: None };
    let distribution = Distribution::of_vendor(vendor);
    component(distribution, distribution.and_then(|d| distro(d, release)).as_deref(), &installed, path)
}

/// `24.el9_2` and `1.mga9` name the release.
fn distro(distribution: &Distribution, release: &str) -> Option<String> {
    let marks = [".el", ".mga"];
    let behind = marks.iter().find_map(|mark| release.get(release.find(mark)? + mark.len()..))?;
    let number: String = behind.chars().take_while(char::is_ascii_digit).collect();
    (!number.is_empty()).then(|| format!("{}-{number}", distribution.namespace))
}
