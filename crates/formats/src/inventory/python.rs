//! What Python's lock files share: pins, and where something comes from that is no index's. Knows no file format.

use super::draft::Draft;
use super::{Component, Unmatchable};
use crate::Unreadable;
use crate::json::Node;

pub(super) const ECOSYSTEM: &str = "PyPI";

/// Takes every `[[package]]`; one without a name stays in the list as what it is.
pub(super) fn packages_take(
    draft: &mut Draft,
    document: &Node,
    package: impl Fn(&Node, &str, String) -> Component,
) -> Result<(), Unreadable> {
    for (index, item) in document.items("package").iter().enumerate() {
        let path = format!("package[{index}]");
        match item.text("name") {
            Some(name) => draft.push(package(item, name, path))?,
            None => draft.push_malformed("a package without a name", path)?,
        }
    }
    Ok(())
}

/// The one version that a specifier allows: `==1.2`, `===1.2`; none for ranges and `==1.*`.
pub(super) fn pinned(specifier: &str) -> Option<&str> {
    let version = specifier.trim().strip_prefix("==")?;
    let version = version.strip_prefix('=').unwrap_or(version).trim();
    let one = !version.is_empty() && !version.contains([',', '*', ' ', '<', '>', '=', '~', '!']);
    one.then_some(version)
}

/// Where a requirement's URL or path leads; nothing there is an index's.
pub(super) fn url_reason(url: &str) -> Unmatchable {
    let lower = url.to_ascii_lowercase();
    let repository = ["git+", "hg+", "svn+", "bzr+", "git:", "ssh:"].iter().any(|scheme| lower.starts_with(scheme));
    if repository {
        Unmatchable::FromRepository
    } else if lower.starts_with("http:") || lower.starts_with("https:") || lower.starts_with("ftp:") {
        Unmatchable::FromArchive
    } else {
        Unmatchable::FromFile
    }
}

/// Whether a text is a name as PyPI has them: letters, digits, and `.`, `-`, `_` within.
pub(super) fn is_name(text: &str) -> bool {
    let letter = |b: &u8| b.is_ascii_alphanumeric();
    let ends =
        text.bytes().next().as_ref().is_some_and(letter) && text.bytes().next_back().as_ref().is_some_and(letter);
    ends && text.bytes().all(|b| letter(&b) || matches!(b, b'.' | b'-' | b'_'))
}

/// The reason that a table with these keys gives: `git`, `path`, `url` and their like.
pub(super) fn keys_reason(table: &Node) -> Option<Unmatchable> {
    let has = |keys: &[&str]| keys.iter().any(|key| table.get(key).is_some());
    if has(&["git", "hg", "svn", "bzr"]) {
        Some(Unmatchable::FromRepository)
    } else if has(&["path", "directory", "editable", "virtual"]) {
        Some(Unmatchable::FromFile)
    } else {
        table.text("file").or_else(|| table.text("url")).map(url_reason)
    }
}
