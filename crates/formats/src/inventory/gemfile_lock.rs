//! Gemfile.lock (gems.locked). Gems of `GIT` and `PATH` sections are listed and not matched.

use super::Unmatchable;
use super::draft::{Answer, Draft, locked};

const WHAT: &str = "a Gemfile.lock";
const ECOSYSTEM: &str = "RubyGems";
/// Where a section's gems stand, and what they need below them.
const GEM_INDENT: usize = 4;
const SOURCES: [&str; 4] = ["GEM", "GIT", "PATH", "PLUGIN SOURCE"];

pub(super) fn seen(text: &str) -> bool {
    let first = text.lines().map(str::trim_end).find(|line| !line.is_empty());
    first.is_some_and(|first| SOURCES.contains(&first)) && text.lines().any(|line| line.trim_end() == "  specs:")
}

pub(super) fn read(text: &str) -> Answer {
    let mut draft = Draft::new(WHAT, "Gemfile.lock");
    let (mut section, mut in_specs) = ("", false);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end();
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if body.is_empty() {
            continue;
        }
        let path = || format!("line {}", index + 1);
        match indent {
            0 if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) => {
                draft.warn("merge_conflict", path(), "a conflict that was not settled: both sides are read");
            }
            0 => (section, in_specs) = (line, false),
            2 => in_specs = body == "specs:",
            GEM_INDENT if in_specs => {
                let from = match section {
                    "GEM" => None,
                    "GIT" => Some(Unmatchable::FromRepository),
                    "PATH" => Some(Unmatchable::FromFile),
                    _ => Some(Unmatchable::OtherRegistry),
                };
                match body.strip_suffix(')').and_then(|body| body.split_once(" (")) {
                    // `1.2.3-x86_64-linux`: built for a platform.
                    Some((name, version)) => {
                        draft.push(locked(ECOSYSTEM, name, version.split('-').next(), from, path()))?;
                    }
                    None => draft.push_malformed(body, path())?,
                }
            }
            _ => {}
        }
    }
    Ok(draft.done())
}
