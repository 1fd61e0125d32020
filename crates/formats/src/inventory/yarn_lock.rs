//! yarn.lock: the classic form (version 1), which is no YAML, and Berry's, which is. What is taken from git, a folder or an archive
//! is listed and not matched.

use super::draft::{Answer, Draft, locked, shown};
use super::npm_lock::{local, source};
use super::{Component, Unmatchable};
use crate::Unreadable;
use crate::json::Node;

const WHAT: &str = "a yarn.lock";
const ECOSYSTEM: &str = "npm";
const CLASSIC_MARK: &str = "# yarn lockfile v";
/// Lines above which a mark must stand.
const MARK_LINES_MAX: usize = 10;

pub(super) fn classic_seen(text: &str) -> bool {
    text.lines().take(MARK_LINES_MAX).any(|line| line.starts_with(CLASSIC_MARK))
}

/// An entry of the classic form while it is read.
#[derive(Default)]
struct Entry<'a> {
    line: usize,
    pattern: String,
    version: Option<&'a str>,
    resolved: Option<&'a str>,
}

pub(super) fn classic_read(text: &str) -> Answer {
    let mark = text.lines().take(MARK_LINES_MAX).find_map(|line| line.strip_prefix(CLASSIC_MARK));
    if let Some(version) = mark.filter(|version| version.trim() != "1") {
        let version = version.chars().take(32).collect();
        return Err(Unreadable::UnknownVersion { what: WHAT, version, readable: "1, and Berry's" });
    }
    let mut draft = Draft::new(WHAT, "yarn.lock v1");
    let mut open: Option<Entry<'_>> = None;
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim_end());
        let body = line.trim_start();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        let indent = line.len() - body.len();
        if indent == 0 {
            if let Some(entry) = open.take() {
                classic_take(&mut draft, &entry)?;
            }
            match line.strip_suffix(':').and_then(first_pattern) {
                Some(pattern) => open = Some(Entry { line: number, pattern, ..Entry::default() }),
                None => draft.push_malformed(line, format!("line {number}"))?,
            }
        } else if let Some(entry) = open.as_mut().filter(|_| indent == 2) {
            let (key, value) = body.split_once(' ').unwrap_or((body, ""));
            let value = value.trim().trim_matches('"');
            match key {
                "version" => entry.version = Some(value),
                "resolved" => entry.resolved = Some(value),
                _ => {}
            }
        }
    }
    if let Some(entry) = open {
        classic_take(&mut draft, &entry)?;
    }
    Ok(draft.done())
}

/// `"@a/b@^1.0.0", "@a/b@~1.0.1"`: the first is enough.
fn first_pattern(header: &str) -> Option<String> {
    let pattern = match header.strip_prefix('"') {
        Some(inner) => inner.split('"').next(),
        None => header.split(',').next(),
    }?;
    (!pattern.trim().is_empty()).then(|| pattern.trim().to_owned())
}

fn classic_take(draft: &mut Draft, entry: &Entry<'_>) -> Result<(), Unreadable> {
    let path = format!("line {}", entry.line);
    let Some((name, range)) = ident_split(&entry.pattern) else { return draft.push_malformed(&entry.pattern, path) };
    let real = range.strip_prefix("npm:").map(|real| ident_split(real).map_or(real, |(name, _)| name));
    let name =
        real.filter(|real| !real.starts_with(|c: char| c.is_ascii_digit() || "^~<>=*".contains(c))).unwrap_or(name);
    let from = local(range).or_else(|| entry.resolved.and_then(|resolved| source(resolved, name)));
    draft.push(locked(ECOSYSTEM, name, entry.version, from, path))
}

/// `name@range`, `@scope/name@range`.
fn ident_split(pattern: &str) -> Option<(&str, &str)> {
    let at = pattern.get(1..)?.find('@')? + 1;
    Some((pattern.get(..at)?, pattern.get(at + 1..)?))
}

pub(super) fn berry_seen(document: &Node) -> bool {
    document.get("__metadata").is_some()
}

pub(super) fn berry_read(documents: &[Node]) -> Answer {
    let version = documents.first().and_then(|d| d.get("__metadata")).and_then(|m| m.text("version")).unwrap_or("?");
    let mut draft = Draft::new(WHAT, format!("yarn.lock (Berry, {})", shown(version)));
    for document in documents {
        let Node::Object(entries) = document else { continue };
        for (key, entry) in entries.iter().filter(|(key, _)| key != "__metadata") {
            let path: String = key.chars().take(200).collect();
            match berry_component(entry, &path) {
                Some((component, patched)) => {
                    if patched {
                        let text = "patched here: it is matched as what was patched";
                        draft.warn("patched", path, text);
                    }
                    draft.push(component)?;
                }
                None => draft.push_malformed(key, path)?,
            }
        }
    }
    Ok(draft.done())
}

/// By its `resolution`: `name@npm:1.2.3`, `name@workspace:.`, `name@https://…#commit=…`. True beside it: patched.
fn berry_component(entry: &Node, path: &str) -> Option<(Component, bool)> {
    let (name, reference) = ident_split(entry.text("resolution")?)?;
    let (protocol, rest) = reference.split_once(':').unwrap_or(("", reference));
    let patched = protocol == "patch";
    let inner = rest.split('#').next().unwrap_or_default().replace("%3A", ":");
    let from = match protocol {
        "npm" => archive(rest, name),
        "patch" if inner.contains("@npm:") => None,
        "workspace" => Some(Unmatchable::OwnCode),
        "link" => Some(Unmatchable::Link),
        "file" | "portal" | "exec" | "patch" => Some(Unmatchable::FromFile),
        "http" | "https" if !reference.contains("#commit=") && !reference.contains(".git#") => {
            Some(Unmatchable::FromArchive)
        }
        _ => Some(Unmatchable::FromRepository),
    };
    Some((locked(ECOSYSTEM, name, entry.text("version"), from, path), patched))
}

/// `1.2.3::__archiveUrl=…`: a tarball that lies elsewhere than registries put it.
fn archive(reference: &str, name: &str) -> Option<Unmatchable> {
    let (_, url) = reference.split_once("__archiveUrl=")?;
    let url = url.split('&').next().unwrap_or_default().replace("%3A", ":").replace("%2F", "/").replace("%40", "@");
    source(&url, name)
}
