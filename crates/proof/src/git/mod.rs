//! Git repositories, by the machine's own `git`: fetched bare into the data folder, asked for their first-parent history and
//! for the tree of one commit.
//!
//! A repository is hostile: its hooks, submodules, configuration and attributes are never heard, nothing is checked out,
//! and what `git` may fetch with, how long and how much is bounded. Must not unpack a tree: that is done in a box.

pub mod history;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::digest::Sha256Hex;
use crate::file;
use crate::source::SourceError;

/// Wall time of one call of `git`, in seconds.
pub const GIT_WALL_S_MAX: u64 = 900;
/// Largest file that `git` may write, a pack or a tree, in bytes.
pub const GIT_FILE_BYTES_MAX: u64 = 2 << 30;
/// Age after which the head of a repository is asked for again, in seconds.
pub const HEAD_AGE_S_MAX: u64 = 600;
/// Most commits of a first-parent history that are listed; older ones are left out.
pub const COMMITS_COUNT_MAX: usize = 20_000;
/// A block of the shell's limit on files, in bytes.
const BLOCK_BYTES: u64 = 512;
/// Where the remote's own head is kept.
const HEAD_REF: &str = "refs/proofhouse/head";
/// Environment that leads to the network and is the operator's own.
const PASSED_ON: [&str; 9] = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
];
/// Every transport is shut but the ones opened beside these. Oddities of old commits that mean nothing are let through.
const SETTINGS: [&str; 12] = [
    "core.hooksPath=/dev/null",
    "protocol.allow=never",
    "transfer.fsckObjects=true",
    "fetch.fsck.zeroPaddedFilemode=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
    "fetch.fsck.badTimezone=ignore",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "credential.helper=",
    "log.showSignature=false",
];
/// Bounds the file size and the time, then becomes `git`.
const START: &str = r#"ulimit -f "$0" && limit=$1 && shift && exec timeout -k 5 "$limit" git "$@""#;
/// A tree is taken whole and as it is committed.
const ATTRIBUTES: &str = "* -export-ignore -export-subst\n";

/// All repositories below one folder.
#[derive(Debug)]
pub struct Git {
    root: PathBuf,
    /// A repository that the operator gave in place of any that a bundle names.
    local: Option<PathBuf>,
    /// One of us at a time fetches.
    fetching: Mutex<()>,
}

/// One repository.
#[derive(Debug)]
pub struct Repo<'a> {
    git: &'a Git,
    folder: PathBuf,
    /// What it is fetched from.
    origin: String,
}

/// A commit's tree as one tar, in a file of the data folder.
#[derive(Debug)]
pub struct TreeArchive {
    /// Holds `tree.tar`.
    pub folder: tempfile::TempDir,
    /// Of its bytes.
    pub sha256: Sha256Hex,
}

impl Git {
    /// Repositories below `root`; `local` stands for the one a bundle names.
    #[must_use]
    pub fn new(root: PathBuf, local: Option<PathBuf>) -> Self {
        Self { root, local, fetching: Mutex::default() }
    }

    /// The repository that a bundle names.
    ///
    /// # Errors
    /// Where its place in the data folder cannot be made.
    pub fn repo(&self, url: &str) -> Result<Repo<'_>, SourceError> {
        let origin = match &self.local {
            Some(path) => {
                let path = path.canonicalize().map_err(store("open repository", path))?;
                format!("file://{}", path.display())
            }
            None => url.to_owned(),
        };
        let folder = self.root.join(Sha256Hex::of(origin.as_bytes()).as_str());
        let repo = Repo { git: self, folder, origin };
        repo.make()?;
        Ok(repo)
    }
}

impl Repo<'_> {
    fn make(&self) -> Result<(), SourceError> {
        let held = self.git.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        if self.folder.join("info/attributes").is_file() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).map_err(store("make", &self.folder))?;
        self.asked(&["init", "--quiet", "--bare", "--template="])?;
        let attributes = self.folder.join("info/attributes");
        file::write_whole(&attributes, ATTRIBUTES.as_bytes()).map_err(store("write", &attributes))?;
        drop(held);
        Ok(())
    }

    /// Has these commits here, fetching once if one is missing.
    ///
    /// # Errors
    /// [`SourceError::NoSuchVersion`] where the repository does not have one.
    pub fn have(&self, commits: &[&str]) -> Result<(), SourceError> {
        let missing = || commits.iter().find(|commit| !self.has(commit));
        if missing().is_none() {
            return Ok(());
        }
        self.fetch()?;
        match missing() {
            None => Ok(()),
            Some(commit) => {
                Err(SourceError::NoSuchVersion { name: self.origin.clone(), version: (*commit).to_owned() })
            }
        }
    }

    /// The commit at the remote's head.
    ///
    /// # Errors
    /// Where it was never fetched and cannot be now.
    pub fn head(&self) -> Result<String, SourceError> {
        let known = || self.asked(&["rev-parse", "--verify", "--quiet", HEAD_REF]);
        let stamp = fs::metadata(self.folder.join("fetched")).and_then(|about| about.modified()).ok();
        let age = stamp.and_then(|at| SystemTime::now().duration_since(at).ok());
        if age.is_none_or(|age| age > Duration::from_secs(HEAD_AGE_S_MAX)) {
            let fetched = self.fetch();
            // What was fetched before is better than nothing where the network has gone.
            if fetched.is_err() && known().is_err() {
                fetched?;
            }
        }
        Ok(text(&known()?).trim().to_owned())
    }

    fn has(&self, commit: &str) -> bool {
        self.asked(&["cat-file", "-e", &format!("{commit}^{{commit}}")]).is_ok()
    }

    fn fetch(&self) -> Result<(), SourceError> {
        let held = self.git.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        let head = format!("+HEAD:{HEAD_REF}");
        let words = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"];
        let refs = [self.origin.as_str(), head.as_str(), "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        self.asked(&[words.as_slice(), refs.as_slice()].concat())?;
        let stamp = self.folder.join("fetched");
        file::write_whole(&stamp, b"").map_err(store("write", &stamp))?;
        drop(held);
        Ok(())
    }

    /// Whether the first is an ancestor of the second, or the same.
    #[must_use]
    pub fn is_ancestor(&self, ancestor: &str, commit: &str) -> bool {
        self.asked(&["merge-base", "--is-ancestor", ancestor, commit]).is_ok()
    }

    /// The first-parent history up to a commit: a line each, newest first, hash and committer's date.
    ///
    /// # Errors
    /// Where `git` cannot tell.
    pub fn first_parents(&self, tip: &str) -> Result<String, SourceError> {
        let count = format!("--max-count={COMMITS_COUNT_MAX}");
        Ok(text(&self.asked(&["log", "--first-parent", &count, "--format=%H %cI", tip, "--"])?))
    }

    /// The tree of a commit.
    ///
    /// # Errors
    /// Where it is not here or cannot be written.
    pub fn archive(&self, commit: &str) -> Result<TreeArchive, SourceError> {
        let folder = tempfile::tempdir().map_err(store("make a folder below", Path::new("/tmp")))?;
        let path = folder.path().join("tree.tar");
        self.asked(&["archive", "--format=tar", &format!("--output={}", path.display()), commit])?;
        let sha256 = Sha256Hex::of(&fs::read(&path).map_err(store("read", &path))?);
        Ok(TreeArchive { folder, sha256 })
    }

    /// The digest of a commit's tree, where its tree was kept before.
    #[must_use]
    pub fn tree_known(&self, commit: &str) -> Option<Sha256Hex> {
        fs::read_to_string(self.tree_file(commit)).ok()?.parse().ok()
    }

    /// Remembers under which digest a commit's tree is kept.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn tree_keep(&self, commit: &str, sha256: &Sha256Hex) -> Result<(), SourceError> {
        let path = self.tree_file(commit);
        file::write_whole(&path, sha256.as_str().as_bytes()).map_err(store("write", &path))
    }

    fn tree_file(&self, commit: &str) -> PathBuf {
        self.folder.join("trees").join(commit)
    }

    /// One call that must end well.
    fn asked(&self, words: &[&str]) -> Result<Output, SourceError> {
        let mut command = Command::new("/bin/sh");
        let blocks = (GIT_FILE_BYTES_MAX / BLOCK_BYTES).to_string();
        command.args(["-c", START, &blocks, &GIT_WALL_S_MAX.to_string()]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let transport = if self.git.local.is_some() { "file" } else { "https" };
        command.args(["-c", &format!("protocol.{transport}.allow=always")]);
        command.args(["--no-replace-objects", "--no-pager"]).arg("--git-dir").arg(&self.folder).args(words);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
        command.envs(PASSED_ON.iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
        command.env("HOME", &self.folder).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("GIT_ATTR_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "/bin/false");
        command.env("GIT_PROTOCOL_FROM_USER", "0").env("GIT_NO_LAZY_FETCH", "1");
        let output = command.current_dir(&self.git.root).stdin(Stdio::null()).output();
        let wrong = |why: String| SourceError::BadAnswer { url: self.origin.clone(), why };
        let output = output.map_err(|e| wrong(format!("git cannot be started: {e}")))?;
        match output.status.code() {
            Some(0) => Ok(output),
            Some(127) => Err(wrong("there is no git; install git".into())),
            Some(124 | 137) => Err(wrong(format!("git took longer than {GIT_WALL_S_MAX} s"))),
            _ => Err(wrong(format!("git {}: {}", words.first().unwrap_or(&""), last_line(&output.stderr)))),
        }
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn last_line(stderr: &[u8]) -> String {
    let said = String::from_utf8_lossy(stderr);
    let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    line.chars().filter(|c| !c.is_control()).take(240).collect()
}

fn store(step: &'static str, path: &Path) -> impl Fn(std::io::Error) -> SourceError {
    let path = path.to_owned();
    move |source| SourceError::Store { step, path: path.clone(), source }
}
