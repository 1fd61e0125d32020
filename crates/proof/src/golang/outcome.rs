//! What a build box of Go says, read for what it means: files that are missing, and whose fault a failure is. Must not build
//! or fetch anything.

use std::fs;
use std::path::Path;

use domain::proof::Reason;

use super::registry::ModuleFile;
use super::{escaped, unescaped};
use crate::engine::EngineError;
use crate::failure::Unbuilt;
use crate::source::SourceError;

/// Bytes read of what `go` said.
const LOG_BYTES_MAX: u64 = 256 << 10;

pub(super) fn log_read(path: &Path) -> String {
    use std::io::Read as _;
    let mut raw = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        let _ = file.take(LOG_BYTES_MAX).read_to_end(&mut raw);
    }
    String::from_utf8_lossy(&raw).into_owned()
}

/// What `go` looked for below the proxy and did not find.
pub(super) fn missing_files(log: &str) -> Vec<ModuleFile> {
    let mut found = Vec::new();
    for (at, start) in log.match_indices("/proxy/") {
        let rest = &log[at + start.len()..];
        let end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
        let path = rest[..end].trim_end_matches([':', ',', ';', ')']);
        let Some((module, file)) = path.split_once("/@v/") else { continue };
        for kind in ["mod", "zip"] {
            if let Some(version) = file.strip_suffix(kind).and_then(|rest| rest.strip_suffix('.')) {
                let wanted = ModuleFile::of(&unescaped(module), &unescaped(version), kind);
                if escaped(&wanted.module) == module && !found.contains(&wanted) {
                    found.push(wanted);
                }
            }
        }
    }
    found
}

/// Why one of the two programs could not be built, by what `go` said.
pub(super) fn unbuilt(log: &str, name: &str) -> Unbuilt {
    if let Some(said) = log.lines().find(|said| said.contains("requires go >= ")) {
        return Unbuilt::new(Reason::RuntimeUnfit, format!("this toolchain is too old: {}", line(said)));
    }
    let own = format!("{name}/main.go:");
    let in_program = log.lines().map(str::trim).find(|said| said.contains(&own) && !said.starts_with('#'));
    let missing = ["no required module provides package", "does not contain package", "cannot find module providing"];
    if let Some(said) = log.lines().find(|said| missing.iter().any(|words| said.contains(words))) {
        // The first line names who imports it: the program, or something that the program needs.
        return match in_program.is_some() && !said.contains("imports") {
            true => {
                Unbuilt::new(Reason::ApiAbsent, format!("the package does not exist in this version: {}", line(said)))
            }
            false => Unbuilt::new(
                Reason::BuildFailed,
                format!("a dependency needs a module that nothing names; [dependencies] can add it: {}", line(said)),
            ),
        };
    }
    let Some(said) = in_program else {
        let said = log.lines().find(|said| !said.starts_with(['#', '\t']) && !said.starts_with("go: downloading"));
        let what = "the package or a dependency does not compile";
        return Unbuilt::new(Reason::BuildFailed, format!("{what}: {}", line(said.unwrap_or_default())));
    };
    let absent = ["undefined: ", "has no field or method", "unknown field", "not exported by package"];
    match absent.iter().any(|words| said.contains(words)) {
        true => {
            Unbuilt::new(Reason::ApiAbsent, format!("the entry point does not exist in this version: {}", line(said)))
        }
        false => {
            Unbuilt::new(Reason::BuildFailed, format!("the program does not compile with this version: {}", line(said)))
        }
    }
}

pub(super) fn unresolvable(name: &str, what: &str, why: &str) -> EngineError {
    EngineError::Source(SourceError::Unresolvable {
        name: name.to_owned(),
        dependency: what.to_owned(),
        range: "exact".into(),
        why: why.to_owned(),
    })
}

pub(super) fn line(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().chars().take(200).collect()
}
