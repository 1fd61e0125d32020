//! go.mod and go.sum. go.mod since Go 1.17 names every module of a build; a module replaced by a folder is listed and not
//! matched. go.sum names what was fetched, which may be more than is built.

use std::collections::HashMap;

use super::Unmatchable;
use super::draft::{Answer, Draft, locked};
use crate::Unreadable;

const WHAT: &str = "a go.mod";
const SUM: &str = "a go.sum";
const ECOSYSTEM: &str = "Go";
/// Since when go.mod names the indirect modules too.
const WHOLE_SINCE: (u32, u32) = (1, 17);

/// The first line that says anything names the module.
pub(super) fn seen(text: &str) -> bool {
    text.lines().map(uncommented).find(|line| !line.is_empty()).is_some_and(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some("module") && words.next().is_some() && words.next().is_none()
    })
}

/// A replacement: by what, in which version.
struct Replacement {
    path: String,
    version: Option<String>,
}

pub(super) fn read(text: &str) -> Answer {
    let mut draft = Draft::new(WHAT, "go.mod");
    let statements = statements(text, &draft)?;
    let mut replaced: HashMap<(&str, Option<&str>), Replacement> = HashMap::new();
    let mut whole = false;
    for statement in &statements {
        let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
        match (statement.verb.as_str(), words.as_slice()) {
            ("module", [path]) => draft.subject(Some(path), None),
            ("go", [version]) => whole = is_whole(version),
            ("replace", [old, "=>", new @ ..]) => drop(replaced.insert((old, None), replacement(new))),
            ("replace", [old, version, "=>", new @ ..]) => {
                drop(replaced.insert((old, Some(version)), replacement(new)));
            }
            _ => {}
        }
    }
    for statement in &statements {
        take(&mut draft, statement, &replaced)?;
    }
    if !whole {
        let text = "before Go 1.17 a go.mod names direct modules only: give its go.sum too";
        draft.warn("direct_only", "go", text);
    }
    Ok(draft.done())
}

fn take(
    draft: &mut Draft,
    statement: &Statement,
    replaced: &HashMap<(&str, Option<&str>), Replacement>,
) -> Result<(), Unreadable> {
    let path = format!("line {}", statement.line);
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    match (statement.verb.as_str(), words.as_slice()) {
        ("require", [module, version]) => {
            let new = replaced.get(&(*module, Some(*version))).or_else(|| replaced.get(&(*module, None)));
            let component = match new {
                None => locked(ECOSYSTEM, module, Some(version), None, path),
                Some(Replacement { path: new, version: Some(version) }) => {
                    draft.warn("replaced", path.clone(), format!("{module} is replaced by {new} {version}"));
                    locked(ECOSYSTEM, new, Some(version), None, path)
                }
                Some(_) => locked(ECOSYSTEM, module, Some(version), Some(Unmatchable::FromFile), path),
            };
            draft.push(component)
        }
        ("require", _) => draft.push_malformed(&format!("require {}", words.join(" ")), path),
        // The least toolchain, not the one that builds: the standard library's version stands nowhere in the file.
        ("go" | "toolchain", [version]) => {
            let (name, least) = if statement.verb == "go" { ("stdlib", *version) } else { ("toolchain", *version) };
            draft.push(locked(ECOSYSTEM, name, Some(least), Some(Unmatchable::NotPinned), path))
        }
        ("module" | "replace" | "exclude" | "retract" | "tool" | "ignore" | "godebug" | "go" | "toolchain", _) => {
            Ok(())
        }
        (verb, _) => {
            draft.warn("unknown_directive", path, format!("{}: not read", super::draft::shown(verb)));
            Ok(())
        }
    }
}

fn replacement(new: &[&str]) -> Replacement {
    let text = |index: usize| new.get(index).map(|word| (*word).to_owned());
    Replacement { path: text(0).unwrap_or_default(), version: text(1) }
}

fn is_whole(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.chars().take_while(char::is_ascii_digit).collect::<String>());
    let mut next = || numbers.next().and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(0);
    (next(), next()) >= WHOLE_SINCE
}

struct Statement {
    line: usize,
    verb: String,
    words: Vec<String>,
}

/// One statement a line, in a block or not; one level of blocks is all there is.
fn statements(text: &str, draft: &Draft) -> Result<Vec<Statement>, Unreadable> {
    let (mut out, mut block) = (Vec::new(), None::<String>);
    for (index, line) in text.lines().enumerate() {
        let mut words = words_of(uncommented(line));
        if words.is_empty() {
            continue;
        }
        if words == [")"] {
            block = None;
            continue;
        }
        let verb = match &block {
            Some(verb) => verb.clone(),
            None => words.remove(0),
        };
        if block.is_none() && words == ["("] {
            block = Some(verb);
            continue;
        }
        draft.room_check(out.len())?;
        out.push(Statement { line: index + 1, verb, words });
    }
    Ok(out)
}

fn uncommented(line: &str) -> &str {
    line.find("//").filter(|at| *at == 0 || line[..*at].ends_with([' ', '\t'])).map_or(line, |at| &line[..at]).trim()
}

/// Words may stand in quotes.
fn words_of(line: &str) -> Vec<String> {
    let unquoted = |word: &str| word.trim_matches(['"', '`']).to_owned();
    line.replace('(', " ( ").replace(')', " ) ").split_whitespace().map(unquoted).collect()
}

/// A line of three words of which the last is a hash.
pub(super) fn sum_seen(text: &str) -> bool {
    text.lines().map(str::trim).find(|line| !line.is_empty()).is_some_and(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words.as_slice(), [_, version, hash] if version.starts_with('v') && hash.starts_with("h1:"))
    })
}

pub(super) fn sum_read(text: &str) -> Answer {
    let mut draft = Draft::new(SUM, "go.sum");
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let path = format!("line {}", index + 1);
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            // Only its go.mod was fetched: its code is not in the build.
            [_, version, _] if version.ends_with("/go.mod") => {}
            [module, version, _] => draft.push(locked(ECOSYSTEM, module, Some(version), None, path))?,
            _ => draft.push_malformed(line, path)?,
        }
    }
    draft.warn("fetched_not_built", "the document", "a go.sum names what was fetched, which may be more than is built");
    Ok(draft.done())
}
