//! Where the file of a SARIF result is: its address, resolved against the run's base addresses, as a path from the top of the source;
//! and its text, where the log brings it along. Opens nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;

/// Bases that stand on each other.
const BASES_COUNT_MAX: usize = 8;
/// Longest path that bases are put before, in bytes: as long as Linux takes one.
const PATH_BYTES_MAX: usize = 4_096;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Artifact<'a> {
    #[serde(borrow, default)]
    uri: Cow<'a, str>,
    #[serde(borrow, default)]
    uri_base_id: Option<Cow<'a, str>>,
    #[serde(default)]
    index: Option<i64>,
}

#[derive(Deserialize)]
pub struct ArtifactOf<'a> {
    #[serde(borrow, default)]
    location: Option<Artifact<'a>>,
    #[serde(borrow, default)]
    contents: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

/// The base addresses of a run (section 3.14.14).
pub struct Bases<'a> {
    named: &'a BTreeMap<Cow<'a, str>, Artifact<'a>>,
    /// Absolute ones, the longest first.
    absolute: Vec<String>,
}

impl<'a> Bases<'a> {
    pub fn of(named: &'a BTreeMap<Cow<'a, str>, Artifact<'a>>) -> Self {
        let mut absolute: Vec<String> = named.values().map(|base| plain(&base.uri)).collect();
        absolute.retain(|base| base.starts_with('/') && base.len() > 1);
        absolute.iter_mut().filter(|base| !base.ends_with('/')).for_each(|base| base.push('/'));
        absolute.sort_by(|x, y| (y.len(), x).cmp(&(x.len(), y)));
        Bases { named, absolute }
    }

    /// The path of an address, from the top of the source where a base says where that is.
    pub fn path(&self, artifact: &Artifact<'_>, artifacts: &[ArtifactOf<'_>]) -> String {
        let indexed = || artifacts.get(usize::try_from(artifact.index?).ok()?)?.location.as_ref();
        let artifact = if artifact.uri.is_empty() { indexed().unwrap_or(artifact) } else { artifact };
        self.relative(&self.joined(artifact))
    }

    fn relative(&self, path: &str) -> String {
        let within = self.absolute.iter().find_map(|base| path.strip_prefix(base.as_str()));
        within.unwrap_or(path).trim_start_matches("./").to_owned()
    }

    /// The address with its bases before it, as a path. Where a base is absolute, it is the top.
    fn joined(&self, artifact: &Artifact<'_>) -> String {
        let mut path = plain(&artifact.uri);
        let mut base = artifact.uri_base_id.as_deref();
        for _ in 0..BASES_COUNT_MAX {
            let Some(known) = base.and_then(|id| self.named.get(id)) else { break };
            if path.starts_with('/') {
                break;
            }
            let above = plain(&known.uri);
            // A base that stands on itself would make a path of any length.
            if above.starts_with('/') || above.len() + path.len() > PATH_BYTES_MAX {
                break;
            }
            let joint = if above.is_empty() || above.ends_with('/') { "" } else { "/" };
            path = format!("{above}{joint}{}", path.trim_start_matches("./"));
            base = known.uri_base_id.as_deref();
        }
        path
    }
}

/// The texts of a run's files.
pub struct Contents<'a> {
    artifacts: &'a [ArtifactOf<'a>],
    texts: Vec<Option<Arc<str>>>,
    /// Addresses as they are written, before any base.
    by_uri: HashMap<String, usize>,
}

impl<'a> Contents<'a> {
    pub fn of(artifacts: &'a [ArtifactOf<'a>]) -> Self {
        let text = |one: &ArtifactOf<'_>| Some(Arc::from(one.contents.as_ref()?.text.as_deref()?));
        let texts: Vec<Option<Arc<str>>> = artifacts.iter().map(text).collect();
        let uri = |at: usize| Some(plain(&artifacts.get(at)?.location.as_ref()?.uri));
        let with_text = (0..artifacts.len()).filter(|at| texts.get(*at).is_some_and(Option::is_some));
        let by_uri = with_text.filter_map(|at| Some((uri(at)?, at))).collect();
        Contents { artifacts, texts, by_uri }
    }

    /// Of the file that an address leads to: by its index, or where both are the same path.
    pub fn text(&self, artifact: &Artifact<'_>, path: &str, bases: &Bases<'_>) -> Option<Arc<str>> {
        if self.by_uri.is_empty() {
            return None;
        }
        let indexed = artifact.index.and_then(|at| usize::try_from(at).ok()).filter(|at| *at < self.texts.len());
        let at = indexed.or_else(|| self.by_uri.get(&plain(&artifact.uri)).copied())?;
        let known = self.artifacts.get(at)?.location.as_ref()?;
        // An index that points at another file is a mistake of the tool's.
        (bases.path(known, self.artifacts) == path).then(|| self.texts.get(at).cloned().flatten())?
    }
}

/// An address as a path: without scheme and host, decoded.
fn plain(uri: &str) -> String {
    let path = uri.strip_prefix("file://").map(|rest| rest.strip_prefix("localhost").unwrap_or(rest));
    let path = path.or_else(|| uri.strip_prefix("file:")).unwrap_or(uri);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).filter(|_| *first == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(if *first == b'\\' { b'/' } else { *first });
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_owned())
}
