//! Documents stay true: every path, link, test and command they name exists, and every path that a comment names; README and
//! ARCHITECTURE.md stay short; the map names every package; every oracle has its page; every decision record has its parts and can
//! be found from the map.

use super::Finding;
use super::tree::Tree;
use std::collections::BTreeSet;

/// Read in a minute, standing.
const README_LINES_MAX: usize = 80;
/// Read in a newcomer's first ten minutes.
const ARCHITECTURE_LINES_MAX: usize = 300;
const ARCHITECTURE: &str = "ARCHITECTURE.md";
const ORACLES: &str = "crates/proof/src/oracle/";
/// Files beside the oracles that are none.
const NOT_ORACLES: [&str; 2] = ["mod", "self_test"];
const DECISIONS: &str = "docs/adr/";
const DECISION_PARTS: [&str; 4] = ["## Status", "## Context", "## Decision", "## Rejected"];
/// A code span that begins so is a path of this repository.
const OWN_FOLDERS: [&str; 7] = ["crates/", "xtask/", "docs/", "examples/", "peers/", ".ci/", ".cargo/"];
/// What `cargo xtask` knows.
const XTASK_COMMANDS: [&str; 5] = ["tidy", "tools", "bench", "slow", "ranges"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let targets = make_targets(tree.text("Makefile").unwrap_or_default());
    let mut findings = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.ends_with(".md")) {
        for (line, text) in prose_lines(text) {
            findings.extend(
                links(text).filter_map(|link| broken_link(tree, path, link)).map(|m| Finding::new(path, line, m)),
            );
            let spans = code_spans(text);
            findings.extend(
                spans.filter_map(|span| broken_span(tree, &targets, span)).map(|m| Finding::new(path, line, m)),
            );
        }
    }
    for (path, text) in tree.texts().filter(|(path, _)| path.ends_with(".rs")) {
        for (line, text) in comment_lines(text) {
            let spans = code_spans(text);
            findings.extend(
                spans.filter_map(|span| broken_span(tree, &targets, span)).map(|m| Finding::new(path, line, m)),
            );
        }
    }
    findings.extend(check_oracles(tree));
    findings.extend(too_long(tree, "README.md", README_LINES_MAX));
    findings.extend(too_long(tree, ARCHITECTURE, ARCHITECTURE_LINES_MAX));
    findings.extend(check_map(tree));
    findings.extend(check_decisions(tree));
    findings
}

/// Lines outside fenced code, counted from 1.
fn prose_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return None;
        }
        (!fenced).then_some((index + 1, line))
    })
}

/// Whole-line comments of a Rust file, counted from 1.
fn comment_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_start()));
    numbered.filter(|(_, line)| line.starts_with("//"))
}

/// Targets of `[text](target)` and `![text](target)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}

/// What stands between single backticks.
fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn broken_link(tree: &Tree, document: &str, link: &str) -> Option<String> {
    let elsewhere = link.contains("://") || link.starts_with("mailto:") || link.starts_with('#');
    if elsewhere {
        return None;
    }
    let target = link.split('#').next().unwrap_or(link);
    let mut folders: Vec<&str> = document.split('/').collect();
    folders.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                folders.pop();
            }
            _ => folders.push(part),
        }
    }
    let path = folders.join("/");
    (!tree.has(&path)).then(|| format!("the link {link} leads nowhere"))
}

fn broken_span(tree: &Tree, targets: &BTreeSet<&str>, span: &str) -> Option<String> {
    if let Some(target) = span.strip_prefix("make ") {
        let target = target.split_whitespace().next().unwrap_or(target);
        let is_name = target.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        return (is_name && !targets.contains(target)).then(|| format!("the Makefile has no target {target}"));
    }
    if let Some(words) = span.strip_prefix("cargo xtask ") {
        let command = words.split_whitespace().next().unwrap_or(words);
        return (!XTASK_COMMANDS.contains(&command)).then(|| format!("cargo xtask has no command {command}"));
    }
    let is_path = OWN_FOLDERS.iter().any(|folder| span.starts_with(folder)) || is_document_name(span);
    if !is_path || span.contains(['<', '*', '{', '…', ' ']) {
        return None;
    }
    let (path, item) = span.split_once("::").map_or((span, None), |(path, item)| (path, Some(item)));
    if !tree.has(path) {
        return Some(format!("{path} does not exist"));
    }
    let name = item?.rsplit("::").next()?;
    let defined = tree.text(path).is_some_and(|text| {
        ["fn ", "struct ", "enum ", "const ", "mod ", "macro_rules! "]
            .iter()
            .any(|kind| text.contains(&format!("{kind}{name}")))
    });
    (!defined).then(|| format!("{path} defines no {name}"))
}

/// `SECURITY.md`, but not `notes.md`.
fn is_document_name(span: &str) -> bool {
    span.strip_suffix(".md")
        .is_some_and(|stem| !stem.is_empty() && stem.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

fn make_targets(makefile: &str) -> BTreeSet<&str> {
    let rules = makefile.lines().filter(|line| !line.starts_with(['\t', '#', '.', ' ']));
    rules.filter_map(|line| line.split_once(':')).flat_map(|(names, _)| names.split_whitespace()).collect()
}

fn too_long(tree: &Tree, path: &str, lines_max: usize) -> Option<Finding> {
    let Some(text) = tree.text(path) else { return Some(Finding::new(path, 1, "is missing")) };
    let lines = text.lines().count();
    (lines > lines_max).then(|| Finding::new(path, lines_max + 1, format!("{lines} lines, {lines_max} allowed")))
}

fn check_map(tree: &Tree) -> Vec<Finding> {
    let map = tree.text(ARCHITECTURE).unwrap_or_default();
    let missing = tree.packages().filter(|package| !map.contains(&format!("crates/{package}`")));
    missing
        .map(|package| Finding::new(ARCHITECTURE, 1, format!("the code map does not name `crates/{package}`")))
        .collect()
}

fn check_oracles(tree: &Tree) -> Vec<Finding> {
    let stems = tree.files().keys().filter_map(|path| path.strip_prefix(ORACLES)?.strip_suffix(".rs"));
    let pages = stems
        .filter(|stem| !NOT_ORACLES.contains(stem))
        .map(|stem| (stem, format!("docs/oracles/{}.md", stem.replace('_', "-"))));
    let without = pages.filter(|(_, page)| !tree.has(page));
    without
        .map(|(stem, page)| Finding::new(&format!("{ORACLES}{stem}.rs"), 1, format!("the oracle has no page {page}")))
        .collect()
}

fn check_decisions(tree: &Tree) -> Vec<Finding> {
    let map = tree.text(ARCHITECTURE).unwrap_or_default();
    let mut findings = Vec::new();
    let mut numbers = BTreeSet::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.starts_with(DECISIONS)) {
        let name = path.trim_start_matches(DECISIONS);
        let number = name.split('-').next().filter(|n| n.len() == 4 && n.chars().all(|c| c.is_ascii_digit()));
        match number {
            None => findings.push(Finding::new(path, 1, "name a decision NNNN-what-it-decides.md")),
            Some(number) if !numbers.insert(number) => {
                findings.push(Finding::new(path, 1, format!("a second decision {number}")));
            }
            Some(_) => {}
        }
        for part in DECISION_PARTS.iter().filter(|part| !text.lines().any(|line| line.trim_end() == **part)) {
            findings.push(Finding::new(path, 1, format!("a decision has the part {part:?}")));
        }
        if !map.contains(path) {
            findings.push(Finding::new(path, 1, format!("{ARCHITECTURE} does not lead to it")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAKEFILE: &str = "test: preflight\n\tcargo test\nVERSION := 1\n";

    fn found(document: &str) -> Vec<String> {
        let code = "fn rows_are_kept() {}\npub struct Store;\n";
        let files = [
            ("README.md", ""),
            (ARCHITECTURE, "`crates/store`"),
            ("Makefile", MAKEFILE),
            ("crates/store/Cargo.toml", ""),
            ("crates/store/src/lib.rs", code),
            ("docs/a.md", document),
        ];
        check(&Tree::of(&files)).iter().map(|finding| finding.message.clone()).collect()
    }

    #[test]
    fn broken_links_are_found() {
        assert_eq!(found("[x](b.md)"), ["the link b.md leads nowhere"]);
        assert_eq!(found("![x](../pictures/a.svg)"), ["the link ../pictures/a.svg leads nowhere"]);
        assert!(found("[x](../README.md#top) [y](https://example.org) [z](#here) [w](../crates/store)").is_empty());
    }

    #[test]
    fn broken_paths_in_code_spans_are_found() {
        assert_eq!(found("see `crates/store/src/gone.rs`"), ["crates/store/src/gone.rs does not exist"]);
        assert_eq!(found("see `SECURITY.md`"), ["SECURITY.md does not exist"]);
        assert!(found("see `crates/store/src/lib.rs`, `crates/<package>/src`, `crates/*/src`, `a/b.rs`").is_empty());
        assert!(found("```\n`crates/gone`\n```\n").is_empty());
    }

    #[test]
    fn a_test_that_does_not_exist_is_found() {
        assert!(found("`crates/store/src/lib.rs::rows_are_kept` and `crates/store/src/lib.rs::Store`").is_empty());
        assert_eq!(
            found("`crates/store/src/lib.rs::rows_are_lost`"),
            ["crates/store/src/lib.rs defines no rows_are_lost"]
        );
    }

    #[test]
    fn a_broken_path_in_a_comment_is_found() {
        let tree =
            Tree::of(&[("crates/store/src/lib.rs", "//! See `docs/gone.md`.\nconst A: &str = \"`docs/gone.md`\";\n")]);
        let found = check(&tree);
        let broken: Vec<&Finding> = found.iter().filter(|finding| finding.message.contains("gone")).collect();
        assert_eq!(broken.len(), 1, "{found:?}");
    }

    #[test]
    fn an_oracle_without_a_page_is_found() {
        let oracle = ("crates/proof/src/oracle/file_read.rs", "");
        assert_eq!(check_oracles(&Tree::of(&[oracle, ("crates/proof/src/oracle/mod.rs", "")])).len(), 1);
        assert!(check_oracles(&Tree::of(&[oracle, ("docs/oracles/file-read.md", "")])).is_empty());
    }

    #[test]
    fn commands_that_do_not_exist_are_found() {
        assert!(found("`make test`, `make TARGET`, `cargo xtask tidy`, `cargo xtask bench NAME`").is_empty());
        assert_eq!(found("`make tests`"), ["the Makefile has no target tests"]);
        assert_eq!(found("`cargo xtask clean`"), ["cargo xtask has no command clean"]);
    }

    #[test]
    fn documents_that_grow_too_long_are_found() {
        let files = [
            ("README.md", "x\n".repeat(README_LINES_MAX + 1)),
            (ARCHITECTURE, "x\n".repeat(ARCHITECTURE_LINES_MAX + 1)),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        assert_eq!(check(&Tree::of(&files)).len(), 2);
        assert_eq!(check(&Tree::of(&[])).len(), 2, "missing ones too");
    }

    #[test]
    fn a_package_that_is_not_on_the_map_is_found() {
        let tree = Tree::of(&[(ARCHITECTURE, "`crates/storehouse`"), ("crates/store/Cargo.toml", "")]);
        assert_eq!(check_map(&tree).len(), 1);
    }

    #[test]
    fn a_decision_without_its_parts_is_found() {
        let whole = DECISION_PARTS.join("\n\n");
        let check = |files: &[(&str, &str)]| check_decisions(&Tree::of(files)).len();
        let map = (ARCHITECTURE, "(docs/adr/0001-storage.md) (docs/adr/0001-other.md)");
        assert_eq!(check(&[map, ("docs/adr/0001-storage.md", &whole)]), 0);
        assert_eq!(check(&[map, ("docs/adr/0001-storage.md", "## Status\n")]), 3);
        assert_eq!(check(&[map, ("docs/adr/0001-storage.md", &whole), ("docs/adr/0001-other.md", &whole)]), 1);
        assert_eq!(check(&[map, ("docs/adr/storage.md", &whole)]), 2, "name and not on the map");
    }
}
