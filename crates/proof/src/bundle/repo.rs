//! Reads `target.repo`, the repository whose commits stand in place of versions. Must not ask it.

use super::manifest::RuntimeKind;
use super::reader::Section;
use crate::git::history::is_commit;
use crate::runtime::Row;

/// Longest address of a repository, in bytes.
pub const REPO_BYTES_MAX: usize = 512;

/// The repository, where one is named; `declared` are the versions beside it, which are then commits.
pub(super) fn repo(
    section: &mut Section<'_, '_, '_>,
    by: Option<&Row>,
    declared: [(&str, Option<&str>); 2],
) -> Option<String> {
    let (url, span) = section.text("repo", false)?;
    if by.is_some_and(|row| row.kind != RuntimeKind::Native) {
        let message = "commits are built by the runtime native only; remove the key".to_owned();
        section.wrong("repo-not-in-runtime", "repo", Some(span.clone()), message);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/+:".contains(c);
    let host = url.strip_prefix("https://").unwrap_or_default();
    let named = host.starts_with(|c: char| c.is_ascii_alphanumeric()) && host.contains('/');
    if url.len() > REPO_BYTES_MAX || !named || !host.chars().all(plain) {
        let message = "an address such as https://host/name.git is wanted; a local one is the operator's to give";
        section.wrong("malformed-repo", "repo", Some(span), message.into());
    }
    for (key, version) in declared {
        if version.is_some_and(|version| !is_commit(version)) {
            let message = "beside `repo` a version is a commit in full: 40 or 64 hexadecimal digits".to_owned();
            section.wrong("malformed-commit", key, None, message);
        }
    }
    Some(url.to_owned())
}
