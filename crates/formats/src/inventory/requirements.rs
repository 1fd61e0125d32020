//! pip's requirements files. A line that pins (`==`, `===`) is a component; one that does not is listed as not pinned; files
//! named with `-r` and `-c` are told of and not read. A marker does not leave a line out: where it runs is not known here.

use super::draft::{Answer, Draft, locked, shown};
use super::python::{ECOSYSTEM, is_name, pinned, url_reason};
use super::{Component, Unmatchable};
use crate::Unreadable;

const WHAT: &str = "a requirements file";

/// The first of many lines that are looked at to tell.
const SEEN_LINES_MAX: usize = 200;
/// The longest line that is read, joined ones included, in bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// A line pins or hashes something, or is one of pip's own options.
pub(super) fn seen(text: &str) -> bool {
    let lines = pip_lines(text).filter(|(_, line)| line.len() <= LINE_BYTES_MAX);
    let lines = lines.map(|(_, line)| uncommented(line).trim()).filter(|line| !line.is_empty());
    let mut lines = lines.take(SEEN_LINES_MAX).peekable();
    lines.peek().is_some_and(|first| matches!(entry(first), Line::Option(_) | Line::Requirement(_)))
        && lines.any(|line| match entry(line) {
            Line::Requirement(requirement) => {
                requirement.version.is_some() || requirement.from == Some(Unmatchable::FromRepository)
            }
            Line::Option(option) => {
                matches!(option, "-r" | "-c" | "--requirement" | "--constraint" | "--index-url" | "-i")
            }
            Line::Malformed => false,
        })
}

/// What one line says.
enum Line<'a> {
    /// One of pip's options, by name.
    Option(&'a str),
    Requirement(Requirement<'a>),
    Malformed,
}

struct Requirement<'a> {
    name: &'a str,
    version: Option<&'a str>,
    from: Option<Unmatchable>,
}

pub(super) fn read(text: &str) -> Answer {
    let mut draft = Draft::new(WHAT, "requirements.txt");
    let mut lines = pip_lines(text);
    while let Some((number, first)) = lines.next() {
        let joined;
        if first.len() > LINE_BYTES_MAX {
            draft.push_malformed(first, format!("line {number}"))?;
            continue;
        }
        let mut line = uncommented(first);
        if line.ends_with('\\') {
            joined = joined_line(line, &mut lines);
            line = &joined;
            if line.len() > LINE_BYTES_MAX {
                draft.push_malformed(line, format!("line {number}"))?;
                continue;
            }
        }
        let line = line.trim();
        if !line.is_empty() {
            line_take(&mut draft, line, number)?;
        }
    }
    Ok(draft.done())
}

/// Lines as pip parts them, which is wherever Python does, with the number that an editor shows.
fn pip_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let parts = |c: char| matches!(c, '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let numbered = text.split('\n').enumerate();
    numbered.flat_map(move |(index, line)| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split(parts).map(move |part| (index + 1, part))
    })
}

fn line_take(draft: &mut Draft, line: &str, number: usize) -> Result<(), Unreadable> {
    let path = format!("line {number}");
    match entry(line) {
        Line::Requirement(found) => draft.push(component(&found, path)),
        Line::Malformed => draft.push_malformed(line, path),
        Line::Option(option) => {
            let value = line.get(option.len()..).unwrap_or_default().trim_start_matches([' ', '=']);
            match option {
                "-r" | "--requirement" | "-c" | "--constraint" => {
                    let text = format!("{} is not read from here: give that file too", shown(value));
                    draft.warn("included_file", path, text);
                }
                _ => draft.warn("pip_option", path, format!("{option} is not followed")),
            }
            Ok(())
        }
    }
}

fn component(found: &Requirement<'_>, path: String) -> Component {
    let unpinned = found.version.is_none().then_some(Unmatchable::NotPinned);
    locked(ECOSYSTEM, found.name, found.version, found.from.or(unpinned), path)
}

/// A line that goes on behind a backslash. pip joins them before it looks for comments in what follows.
fn joined_line<'a>(first: &str, lines: &mut impl Iterator<Item = (usize, &'a str)>) -> String {
    let mut whole = first.trim_end_matches('\\').to_owned();
    for (_, next) in lines {
        // It ends here, as malformed; what follows is read as lines of its own.
        if whole.len() + next.len() > LINE_BYTES_MAX {
            whole.push_str(&" ".repeat(LINE_BYTES_MAX + 1 - whole.len().min(LINE_BYTES_MAX)));
            break;
        }
        let next = uncommented(next);
        let more = next.ends_with('\\');
        whole.push(' ');
        whole.push_str(next.trim_end_matches('\\').trim());
        if !more {
            break;
        }
    }
    whole
}

/// A comment begins at the line's beginning or behind white space.
fn uncommented(line: &str) -> &str {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c == '#' && before.is_whitespace() {
            return line.get(..at).unwrap_or_default().trim_end();
        }
        before = c;
    }
    line.trim_end()
}

fn entry(line: &str) -> Line<'_> {
    if line.starts_with('-') {
        let option = option_name(line);
        if !matches!(option, "-e" | "--editable") {
            return Line::Option(option);
        }
        let target = line.get(option.len()..).unwrap_or_default().trim_start_matches([' ', '=']);
        return Line::Requirement(link(target));
    }
    // Options of one requirement stand behind it.
    let line = line.split(" --").next().unwrap_or_default();
    let line = line.split(';').next().unwrap_or_default().trim();
    let name_end = line.find(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    let mut rest = rest.trim_start();
    if let Some((_, behind)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        rest = behind.trim_start();
    }
    let rest = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(rest).trim();
    if let Some(url) = rest.strip_prefix('@').filter(|_| is_name(name)) {
        return Line::Requirement(Requirement { name, version: None, from: Some(url_reason(url.trim())) });
    }
    let specifies = rest.is_empty() || rest.starts_with(['=', '<', '>', '~', '!']);
    if is_name(name) && specifies && !is_archive(line) {
        return Line::Requirement(Requirement { name, version: pinned(rest), from: None });
    }
    if line.contains('/') || line.starts_with('.') || is_archive(line) {
        return Line::Requirement(link(line));
    }
    Line::Malformed
}

fn option_name(line: &str) -> &str {
    let long = line.starts_with("--");
    let end = line.find([' ', '=']).unwrap_or(line.len());
    // `-rother.txt` is allowed.
    if long { line.get(..end).unwrap_or(line) } else { line.get(..end.min(2)).unwrap_or(line) }
}

fn is_archive(line: &str) -> bool {
    [".whl", ".zip", ".tar.gz", ".tar.bz2", ".tgz"].iter().any(|ending| line.ends_with(ending))
}

/// A URL or a path; its name is the `egg` that it says, or what is left of its last part.
fn link(target: &str) -> Requirement<'_> {
    let target = target.split(';').next().unwrap_or_default().trim();
    let (place, fragment) = target.split_once('#').unwrap_or((target, ""));
    let egg = fragment.split('&').find_map(|part| part.strip_prefix("egg="));
    let egg = egg.map(|egg| egg.split(['[', '=']).next().unwrap_or_default()).filter(|egg| !egg.is_empty());
    let last = place.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    Requirement {
        name: egg.unwrap_or(if last.is_empty() { place } else { last }),
        version: None,
        from: Some(url_reason(target)),
    }
}
