//! gradle.lockfile, and the older lock file of one configuration. Must not say which configuration is run: all are listed.

use super::draft::{Answer, Draft, locked};

const WHAT: &str = "a gradle.lockfile";
const ECOSYSTEM: &str = "Maven";

pub(super) fn seen(text: &str) -> bool {
    let mark = text.lines().next().is_some_and(|line| line.starts_with("# This is a Gradle generated file"));
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    mark || first.is_some_and(|line| coordinates(line).is_some() && line.contains('='))
}

/// `group:artifact:version=configurations`, or without the configurations.
fn coordinates(line: &str) -> Option<(&str, &str)> {
    let module = line.split('=').next()?;
    let (name, version) = module.rsplit_once(':')?;
    let (group, artifact) = name.split_once(':')?;
    let plain = |text: &str| !text.is_empty() && !text.contains([' ', '/', ':']);
    (plain(group) && plain(artifact) && plain(version)).then_some((name, version))
}

pub(super) fn read(text: &str) -> Answer {
    let mut draft = Draft::new(WHAT, "gradle.lockfile");
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        // `empty=…` names the configurations in which nothing is.
        if line.is_empty() || line.starts_with('#') || line.starts_with("empty=") {
            continue;
        }
        let path = format!("line {}", index + 1);
        match coordinates(line) {
            Some((name, version)) => draft.push(locked(ECOSYSTEM, name, Some(version), None, path))?,
            None => draft.push_malformed(line, path)?,
        }
    }
    Ok(draft.done())
}
