//! What cargo said of a build, in the words of a verdict: whose code does not compile, the program's, the target's or
//! that of something the target needs. Pure.
//!
//! The messages came out of a box and may be forged by what was built there: they give the wording of a reason, and never
//! make anything fire or silent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Longest reason, in characters.
const WHY_CHARS_MAX: usize = 240;

/// A program that could not be built.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unbuilt {
    /// `program` or `control`.
    pub program: String,
    /// One line for a person.
    pub why: String,
}

/// The target.
pub struct About {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What cargo said.
#[derive(Debug, Default)]
pub struct Messages {
    /// First error of each of the two programs.
    of_programs: BTreeMap<String, String>,
    /// First error of a crate, as a whole line.
    of_crate: Option<String>,
    /// What cargo itself gave as a reason.
    of_cargo: Option<String>,
}

impl Messages {
    /// Why this program is not there.
    #[must_use]
    pub fn why(&self, program: &str) -> String {
        let found = self.of_crate.as_ref().or_else(|| self.of_programs.get(program)).or(self.of_cargo.as_ref());
        found.cloned().unwrap_or_else(|| "cargo did not build it and gave no reason".into())
    }
}

#[derive(Deserialize)]
struct Line {
    reason: String,
    #[serde(default)]
    manifest_path: String,
    target: Option<LineTarget>,
    message: Option<LineMessage>,
}

#[derive(Deserialize)]
struct LineTarget {
    name: String,
}

#[derive(Deserialize)]
struct LineMessage {
    level: String,
    message: String,
    code: Option<LineCode>,
}

#[derive(Deserialize)]
struct LineCode {
    code: String,
}

/// Reads cargo's messages (one JSON object a line) and what it wrote beside them.
#[must_use]
pub fn read(stdout: &[u8], stderr: &str, about: &About) -> Messages {
    let mut messages = Messages::default();
    for line in stdout.split(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
        let (Some(target), Some(message)) = (&line.target, &line.message) else { continue };
        // "aborting due to …" says nothing beyond the errors before it.
        if line.reason != "compiler-message" || message.level != "error" || message.message.starts_with("aborting due")
        {
            continue;
        }
        let code = message.code.as_ref().map(|code| format!("[{}]", code.code)).unwrap_or_default();
        let error = format!("error{code}: {}", one_line(&message.message));
        if line.manifest_path.starts_with("/box/") {
            let why = format!("the {} does not compile against {}@{}: {error}", target.name, about.name, about.version);
            messages.of_programs.entry(target.name.clone()).or_insert_with(|| cut(&why));
        } else {
            messages.of_crate.get_or_insert_with(|| {
                cut(&format!("{} does not compile: {error}", whose(&line.manifest_path, about)))
            });
        }
    }
    messages.of_cargo = cargo_reason(stderr, about);
    messages
}

/// The crate of a manifest, by where it lies in the box.
fn whose(manifest_path: &str, about: &About) -> String {
    let folder = manifest_path.rsplit('/').nth(1).unwrap_or_default();
    if manifest_path.starts_with(super::build::CRATE_FOLDER) {
        return format!("{}@{} itself", about.name, about.version);
    }
    format!("{folder}, which {}@{} needs,", about.name, about.version)
}

/// What cargo itself says: a manifest it cannot read, a choice of versions it cannot make, a build script that failed.
fn cargo_reason(stderr: &str, about: &About) -> Option<String> {
    let mut lines = stderr.lines().skip_while(|line| !line.starts_with("error: "));
    let first = lines.next()?;
    let told: Vec<&str> =
        lines.map(str::trim).filter(|line| !line.is_empty() && *line != "Caused by:").take(2).collect();
    let text = format!("{} ({})", first.trim_start_matches("error: "), told.join("; "));
    Some(cut(&format!("cargo cannot build {}@{}: {}", about.name, about.version, one_line(&text))))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(WHY_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(path: &str, target: &str, text: &str) -> String {
        format!(
            r#"{{"reason":"compiler-message","manifest_path":"{path}","target":{{"name":"{target}"}},"message":{{"level":"error","message":"{text}","code":{{"code":"E0432"}}}}}}"#
        )
    }

    fn check(lines: &[String], stderr: &str, wanted: &str) {
        let about = About { name: "abc".into(), version: "1.2.3".into() };
        assert_eq!(read(lines.join("\n").as_bytes(), stderr, &about).why("program"), wanted);
    }

    #[test]
    fn whose_fault_it_is() {
        let mine = message("/box/build/Cargo.toml", "program", "unresolved import");
        let controls = message("/box/build/Cargo.toml", "control", "unresolved import");
        let targets = message("/app/crate/abc-1.2.3/Cargo.toml", "abc", "no such thing");
        let others = message("/app/vendor/xyz-0.1.0/Cargo.toml", "xyz", "no such thing");
        let of_program = "the program does not compile against abc@1.2.3: error[E0432]: unresolved import";
        check(&[controls.clone(), mine.clone()], "", of_program);
        check(&[mine.clone(), targets], "", "abc@1.2.3 itself does not compile: error[E0432]: no such thing");
        check(&[others, mine], "", "xyz-0.1.0, which abc@1.2.3 needs, does not compile: error[E0432]: no such thing");
        let script = "   Compiling x\nerror: failed to run custom build command for `x v1`\n\nCaused by:\n  process did not exit";
        check(
            &[],
            script,
            "cargo cannot build abc@1.2.3: failed to run custom build command for `x v1` (process did not exit)",
        );
        check(&[controls, "junk".into()], "", "cargo did not build it and gave no reason");
    }
}
