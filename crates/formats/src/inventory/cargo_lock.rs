//! Cargo.lock, versions 1 to 4. What has no source is of the project itself or a folder beside it; what is taken from git or
//! from another registry is listed and not matched.

use super::draft::{Answer, Draft, locked};
use super::{Inventory, Unmatchable};
use crate::json::Node;
use crate::{Unreadable, Warning};

const WHAT: &str = "a Cargo.lock";
const ECOSYSTEM: &str = "crates.io";
/// How Cargo writes that a package is crates.io's, whichever mirror it was fetched from: as its git index, and as its sparse
/// one, which is a host of three names.
const GIT_INDEX: &str = "https://github.com/rust-lang/crates.io-index";
const SPARSE_INDEX: [&str; 3] = ["index", "crates", "io"];

/// Packages, and none of the marks by which other tools' lock files of TOML are known.
pub(super) fn seen(document: &Node) -> bool {
    let of_cargo = |package: &Node| !matches!(package.get("source"), Some(Node::Object(_)));
    let packages = document.items("package");
    let marked = document.get("metadata").is_some_and(|m| {
        !m.members("files").is_empty() || m.get("content-hash").is_some() || m.get("lock_version").is_some()
    });
    let other = marked || document.get("requires-python").is_some() || document.get("lock-version").is_some();
    !packages.is_empty() && packages.iter().all(of_cargo) && !other
}

pub(super) fn read(document: &Node) -> Answer {
    let version = match document.get("version") {
        // Versions 1 and 2 do not say so; the first keeps its checksums in one table.
        None if document.members("metadata").iter().any(|(key, _)| key.starts_with("checksum ")) => 1,
        None => 2,
        Some(Node::Number(number)) => number.as_u64().unwrap_or(0),
        Some(_) => 0,
    };
    if !(1..=4).contains(&version) {
        return Err(Unreadable::UnknownVersion { what: WHAT, version: version.to_string(), readable: "1 to 4" });
    }
    let mut draft = Draft::new(WHAT, format!("Cargo.lock v{version}"));
    // Version 1 of long ago kept the project itself apart.
    if let Some(root) = document.get("root") {
        draft.subject(root.text("name"), root.text("version"));
        draft.push(package(root, "root".to_owned()))?;
    }
    for (index, item) in document.items("package").iter().enumerate() {
        let path = format!("package[{index}]");
        match item.text("name") {
            Some(_) => draft.push(package(item, path))?,
            None => draft.push_malformed("a package without a name", path)?,
        }
    }
    if draft.len() == 0 && !matches!(document.get("package"), None | Some(Node::Array(_))) {
        return Err(Unreadable::WrongShape { what: WHAT, field: "package".to_owned(), expected: "an array of tables" });
    }
    Ok(draft.done())
}

/// A package of a file of lines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) version: Option<&'a str>,
    pub(super) source: Option<&'a str>,
}

/// An inventory made of what a file of lines says, in a version that keeps everything with its package.
pub(super) struct Lines<'a> {
    draft: Draft,
    /// The source that was seen last and what it means: nearly all are the same.
    source: (&'a str, Option<Unmatchable>),
}

impl<'a> Lines<'a> {
    /// Begins, with room for so many packages.
    pub(super) fn new(version: u64, packages: usize) -> Self {
        let mut draft = Draft::new(WHAT, format!("Cargo.lock v{version}"));
        draft.reserve(packages);
        Lines { draft, source: ("", source_reason("")) }
    }

    /// Takes a package. Says nothing of one without a name.
    pub(super) fn take(&mut self, entry: &Entry<'a>) -> Option<Result<(), Unreadable>> {
        if entry.name.is_empty() {
            return None;
        }
        let from = match entry.source {
            None => Some(Unmatchable::FromFile),
            Some(source) => {
                if source != self.source.0 {
                    self.source = (source, source_reason(source));
                }
                self.source.1
            }
        };
        let path = format!("package[{}]", self.draft.len());
        Some(self.draft.push(locked(ECOSYSTEM, entry.name, entry.version, from, path)))
    }

    pub(super) fn done(self) -> (Inventory, Vec<Warning>) {
        self.draft.done()
    }
}

fn package(item: &Node, path: String) -> super::Component {
    let from = match item.get("source") {
        None => Some(Unmatchable::FromFile),
        Some(Node::String(source)) => source_reason(source),
        Some(_) => Some(Unmatchable::MalformedEntry),
    };
    locked(ECOSYSTEM, item.text("name").unwrap_or_default(), item.text("version"), from, path)
}

fn source_reason(source: &str) -> Option<Unmatchable> {
    let (kind, url) = source.split_once('+').unwrap_or((source, ""));
    match kind {
        "git" => Some(Unmatchable::FromRepository),
        "path" | "directory" | "local-registry" => Some(Unmatchable::FromFile),
        "registry" | "sparse" if is_crates_io(url) => None,
        _ => Some(Unmatchable::OtherRegistry),
    }
}

fn is_crates_io(url: &str) -> bool {
    let url = url.trim_end_matches('/');
    url == GIT_INDEX || url.strip_prefix("https://").is_some_and(|host| host.split('.').eq(SPARSE_INDEX))
}
