//! Commits in place of versions: the history between the declared ones, and a commit's tree in the store, named by the
//! digest of the tar that git makes of it. Must not run anything of a tree.

use super::build::{self, Job};
use super::source::SourceTree;
use crate::bundle::Bundle;
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::git::{Git, Repo, history};
use crate::runtime::{Ground, Published};
use crate::sandbox::Mount;
use crate::source::SourceError;

/// The part of the store with trees of commits.
const STORE_PART: &str = "git";

const SCRIPT: &str = "mkdir -p /box/made/source && tar --no-same-owner -xf /in/tree.tar -C /box/made/source";

/// The first-parent history up to the later of the declared commits, or up to the head where no fix is declared.
///
/// # Errors
/// Where the declared commits are not on one first-parent line.
pub fn published(git: &Git, bundle: &Bundle, url: &str) -> Result<Published, EngineError> {
    let target = &bundle.manifest().target;
    let repo = git.repo(url)?;
    let vulnerable = target.vulnerable.as_str();
    let declared: Vec<&str> = std::iter::once(vulnerable).chain(target.fixed.as_deref()).collect();
    repo.have(&declared)?;
    let tip = match target.fixed.as_deref() {
        None => repo.head()?,
        // A fix that lies below is the last good state before a regression.
        Some(fixed) if repo.is_ancestor(fixed, vulnerable) => vulnerable.to_owned(),
        Some(fixed) => fixed.to_owned(),
    };
    let versions = history::versions(&repo.first_parents(&tip)?, &declared).map_err(|missing| {
        let why = format!("commit {missing} is not in the first-parent history of {tip}");
        SourceError::BadAnswer { url: url.to_owned(), why }
    })?;
    Ok(Published { versions })
}

/// The tree of a commit where it is in the store.
#[must_use]
pub fn find(ground: &Ground, sha256: &Sha256Hex) -> Option<SourceTree> {
    let folder = ground.store.folder(STORE_PART, sha256).join("source");
    // A packaging branch may have Debian's series in it; a commit is taken as it is.
    ground.store.is_here(&folder).then(|| SourceTree { folder, sha256: sha256.clone(), series: Vec::new() })
}

/// The tree of a commit where it was kept before.
#[must_use]
pub fn here(ground: &Ground, git: &Git, url: &str, commit: &str) -> Option<SourceTree> {
    known(ground, &git.repo(url).ok()?, commit)
}

fn known(ground: &Ground, repo: &Repo<'_>, commit: &str) -> Option<SourceTree> {
    find(ground, &repo.tree_known(commit)?)
}

/// Has the tree of a commit in the store.
///
/// # Errors
/// Where the repository does not have it, or it cannot be unpacked.
pub fn obtain(ground: &Ground, git: &Git, url: &str, commit: &str) -> Result<SourceTree, EngineError> {
    if !history::is_commit(commit) {
        return Err(EngineError::malformed_version(commit, "0123456789abcdef0123456789abcdef01234567"));
    }
    let repo = git.repo(url)?;
    if let Some(tree) = known(ground, &repo, commit) {
        return Ok(tree);
    }
    repo.have(&[commit])?;
    let archive = repo.archive(commit)?;
    if find(ground, &archive.sha256).is_none() {
        let draft = ground.store.draft()?;
        let mounts = vec![Mount { host: archive.folder.path().to_owned(), at: "/in".into() }];
        let job = Job { script: SCRIPT, files: Vec::new(), mounts, env: Vec::new(), made: "made" };
        let outcome = build::run(&ground.sandbox, &job, &draft)?;
        if !outcome.ok() {
            let why = format!("unpack {commit}: {}", build::told(&outcome));
            return Err(SourceError::BadAnswer { url: url.to_owned(), why }.into());
        }
        let place = ground.store.folder(STORE_PART, &archive.sha256);
        ground.store.place(&draft, &place).map_err(|source| EngineError::Home {
            step: "keep source",
            path: place,
            source,
        })?;
    }
    repo.tree_keep(commit, &archive.sha256)?;
    let absent = || SourceError::NoSuchVersion { name: url.to_owned(), version: commit.to_owned() };
    find(ground, &archive.sha256).ok_or_else(|| EngineError::Source(absent()))
}
