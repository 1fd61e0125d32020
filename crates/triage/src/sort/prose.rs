//! Text for people: plain, Markdown or an e-mail. Draws out identifiers, packages, versions, functions, files, quoted crashes and
//! what the words say of the weakness. Understands no sentence.

use super::item::{Item, Kind, SYMBOL_BYTES_MAX, SYMBOLS_MAX, file_name};
use super::sketch::{Sketch, hash};
use super::weakness;
use crate::crash;

/// What identifiers begin with.
const IDENTIFIERS: [&str; 5] = ["CVE-", "GHSA-", "RUSTSEC-", "PYSEC-", "GO-"];
/// What files of source code end with.
const SOURCES: [&str; 27] = [
    ".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".rs", ".go", ".java", ".kt", ".js", ".mjs", ".cjs", ".ts", ".tsx",
    ".py", ".rb", ".php", ".cs", ".swift", ".scala", ".m", ".mm", ".lua", ".pl", ".ex", ".zig",
];
/// Words before which a package is named, at the beginning of a line.
const PACKAGE_WORDS: [&str; 7] = ["package", "component", "product", "library", "software", "project", "module"];
/// Functions of C's library that reports name without meaning that the defect is theirs.
const LIBRARY: [&str; 22] = [
    "malloc", "calloc", "realloc", "free", "memcpy", "memmove", "memset", "memcmp", "strlen", "strcpy", "strncpy",
    "strcat", "sprintf", "snprintf", "printf", "abort", "assert", "exit", "require", "eval", "main", "sizeof",
];

/// Reads a text. Everything is a text; what holds no facts is compared by its words alone.
pub fn read(id: &str, text: &str) -> Item {
    let mut item = Item { id: id.to_owned(), kind: Kind::Prose, content: hash(text.as_bytes()), ..Item::default() };
    facts_put(&mut item, text);
    if let Ok(found) = crash::read(text.as_bytes())
        && !found.frames.is_empty()
    {
        item.crash_put(&found);
    }
    item.tidied()
}

/// Adds what a text says to an item.
pub(super) fn facts_put(item: &mut Item, text: &str) {
    let lower = text.to_lowercase();
    item.weaknesses.extend(weakness::of_text(&lower));
    item.sketch = Sketch::of(&lower);
    if item.package.is_none() {
        item.package = package(text);
    }
    let mut seen = std::collections::HashSet::new();
    for (word, quoted) in words(text) {
        identifier_put(item, word);
        if let Some(version) = version(word) {
            item.versions.push(version.to_owned());
            continue;
        }
        if let Some(file) = file(word) {
            item.files.push(file.to_owned());
            continue;
        }
        if item.symbols.len() < SYMBOLS_MAX
            && let Some(symbol) = symbol(word, quoted)
            && seen.insert(symbol)
        {
            item.symbols.push(symbol.to_owned());
        }
    }
}

/// Words with whether they stand in a code span.
fn words(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("```"));
    lines.flat_map(|line| {
        let spans = line.split('`').enumerate();
        spans.flat_map(|(at, span)| span.split([' ', '\t', ',', ';', '"', '\'']).map(move |word| (word, at % 2 == 1)))
    })
}

fn identifier_put(item: &mut Item, word: &str) {
    let upper = word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_uppercase();
    let rest = IDENTIFIERS.iter().find_map(|begin| upper.strip_prefix(begin));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if rest.is_some_and(|rest| rest.len() >= 8 && rest.contains('-') && rest.chars().all(plain)) {
        item.identifiers.push(upper);
    }
}

/// `1.2.3`, `v2.0`, `4.17.21-rc.1`.
fn version(word: &str) -> Option<&str> {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).trim_start_matches('v');
    let begins = word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    let numbers = word.split(['-', '+']).next().unwrap_or(word);
    let all = numbers.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    (begins && all && word.len() <= 40).then_some(word)
}

/// `src/a.c:12` gives `a.c`.
fn file(word: &str) -> Option<&str> {
    let word = word.trim_matches(|c: char| "()[]<>*.".contains(c));
    let word = word.split(':').next().unwrap_or(word).split('#').next().unwrap_or(word);
    let name = file_name(word);
    let known = SOURCES.iter().any(|end| name.len() > end.len() && name.ends_with(end));
    known.then_some(name)
}

/// A word that can only be a name in code: in a code span, with brackets behind it, or written as no word is.
fn symbol(word: &str, quoted: bool) -> Option<&str> {
    let called = word.find('(').filter(|at| word.get(*at + 1..).is_some_and(|rest| rest.contains(')')));
    let name = called.and_then(|at| word.get(..at)).unwrap_or(word);
    let name = name.trim_matches(|c: char| !(c.is_ascii_alphanumeric() || "_$".contains(c)));
    let plain = |c: char| c.is_ascii_alphanumeric() || "_$:.#".contains(c);
    if name.len() < 3 || name.len() > SYMBOL_BYTES_MAX || !name.chars().all(plain) || LIBRARY.contains(&name) {
        return None;
    }
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || name.contains("..") || name.contains("cwe-")
    {
        return None;
    }
    let inner = name.get(1..).unwrap_or_default();
    let snake = inner.trim_end_matches('_').contains('_') && !name.contains('.');
    let qualified = name.contains("::");
    let camel = name.starts_with(|c: char| c.is_ascii_lowercase()) && inner.contains(|c: char| c.is_ascii_uppercase());
    let spelled = snake || qualified || camel && !name.contains('.');
    (called.is_some() || quoted || spelled).then_some(name)
}

/// From a purl anywhere, or from a line such as `Package: lodash`.
fn package(text: &str) -> Option<String> {
    if let Some((_, rest)) = text.split_once("pkg:") {
        let end = rest.find(|c: char| c.is_whitespace() || "`'\")>,;".contains(c)).unwrap_or(rest.len());
        let purl = rest.get(..end)?.split(['@', '?', '#']).next()?;
        if purl.contains('/') {
            return Some(package_name(purl));
        }
    }
    text.lines().find_map(|line| {
        let (word, rest) = line.trim_start_matches(['*', '#', '-', ' ', '>']).split_once(':')?;
        let word = word.trim_matches(['*', ' ']).to_ascii_lowercase();
        if !PACKAGE_WORDS.iter().any(|known| word == *known || word == format!("affected {known}")) {
            return None;
        }
        let name = rest.trim_matches(|c: char| c.is_whitespace() || "*`".contains(c)).split([' ', ',', '@']).next()?;
        (!name.is_empty()).then(|| package_name(name))
    })
}

/// The name without its registry: who writes a name and who writes a purl mean the same package.
pub(super) fn package_name(name: &str) -> String {
    let bare = name.trim_start_matches("pkg:").split(['@', '?', '#']).next().unwrap_or(name);
    let bare = bare.trim_end_matches('/').trim_end_matches(".git");
    let last = bare.rsplit('/').next().unwrap_or(bare);
    last.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_lowercase()
}
