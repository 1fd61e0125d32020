//! Rust sources, parsed once for all rules, with the lines that are test code marked. Knows syntax only, no rule.

use super::Finding;
use super::tree::Tree;
use std::ops::RangeInclusive;
use syn::spanned::Spanned as _;
use syn::visit::Visit;
use syn::{Attribute, ItemFn, ItemMod, Meta};

/// What a file is compiled into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A library of the product: speaks through values, never to a terminal.
    Library,
    /// The command line, this workshop, a build script, a small binary, or what runs beside tests only.
    Program,
    /// Integration tests and benchmarks.
    Test,
}

/// One parsed file.
pub struct Source<'t> {
    pub path: &'t str,
    pub text: &'t str,
    pub syntax: syn::File,
    pub role: Role,
    /// Lines of test modules and test functions inside the file, counted from 1.
    test_lines: Vec<RangeInclusive<usize>>,
}

impl Source<'_> {
    pub fn is_test_line(&self, line: usize) -> bool {
        self.role == Role::Test || self.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// The package's folder name; `xtask` for this one.
    pub fn package(&self) -> &str {
        let inner = self.path.strip_prefix("crates/").unwrap_or(self.path);
        inner.split('/').next().unwrap_or(inner)
    }

    /// Lines that are neither tests nor whole-line comments, counted from 1.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        numbered.filter(|(line, text)| !text.trim_start().starts_with("//") && !self.is_test_line(*line))
    }
}

/// Parses every Rust file; one that does not parse is a finding.
pub fn parse_all(tree: &Tree) -> (Vec<Source<'_>>, Vec<Finding>) {
    let mut sources = Vec::new();
    let mut findings = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.ends_with(".rs")) {
        match syn::parse_file(text) {
            Ok(syntax) => sources.push(source(path, text, syntax)),
            Err(error) => {
                let line = error.span().start().line;
                findings.push(Finding::new(path, line, format!("does not parse: {error}")));
            }
        }
    }
    (sources, findings)
}

fn source<'t>(path: &'t str, text: &'t str, syntax: syn::File) -> Source<'t> {
    let mut tests = TestCode::default();
    tests.visit_file(&syntax);
    Source { path, text, syntax, role: role_of(path), test_lines: tests.lines }
}

fn role_of(path: &str) -> Role {
    let parts: Vec<&str> = path.split('/').collect();
    let inside = parts.get(2).copied().unwrap_or_default();
    let program = path.starts_with("xtask/")
        || path.starts_with("crates/cli/")
        || path.starts_with("crates/testkit/")
        || path.ends_with("/build.rs")
        || path.ends_with("/src/main.rs")
        || path.contains("/src/bin/");
    // An example of a package is run by people and by slow suites, as its benches are.
    if ["tests", "benches", "examples"].contains(&inside) {
        Role::Test
    } else if program {
        Role::Program
    } else {
        Role::Library
    }
}

#[derive(Default)]
struct TestCode {
    lines: Vec<RangeInclusive<usize>>,
}

impl TestCode {
    fn mark(&mut self, attributes: &[Attribute], end: usize) {
        let start = attributes.first().map_or(end, |attribute| attribute.span().start().line);
        self.lines.push(start..=end);
    }
}

impl<'ast> Visit<'ast> for TestCode {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.attrs.iter().any(is_cfg_test) {
            self.mark(&item.attrs, item.span().end().line);
        } else {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let is_test =
            item.attrs.iter().any(|a| is_cfg_test(a) || a.path().segments.last().is_some_and(|s| s.ident == "test"));
        if is_test {
            self.mark(&item.attrs, item.span().end().line);
        } else {
            syn::visit::visit_item_fn(self, item);
        }
    }
}

/// `#[cfg(test)]` and `#[cfg(all(test, …))]`.
fn is_cfg_test(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    let words = list.tokens.to_string();
    list.path.is_ident("cfg") && (words == "test" || words.starts_with("all (test") || words.starts_with("all(test"))
}

#[cfg(test)]
pub fn check_text(path: &str, text: &str, check: impl Fn(&[Source<'_>]) -> Vec<Finding>) -> Vec<String> {
    let tree = Tree::of(&[(path, text)]);
    let (sources, findings) = parse_all(&tree);
    assert_eq!(findings, []);
    check(&sources).iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_code_is_told_from_the_rest() {
        let text = "//! x\nfn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\n#[tokio::test]\nfn c() {}\n";
        let tree = Tree::of(&[("crates/store/src/a.rs", text)]);
        let (sources, _) = parse_all(&tree);
        let marked: Vec<usize> = (1..=8).filter(|line| sources[0].is_test_line(*line)).collect();
        assert_eq!(marked, [3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_file_that_does_not_parse_is_a_finding() {
        let tree = Tree::of(&[("crates/store/src/a.rs", "fn {")]);
        let (_, findings) = parse_all(&tree);
        assert_eq!(findings.len(), 1);
    }

    #[test]
    fn roles_follow_the_path() {
        let check = |path: &str, role: Role| assert_eq!(role_of(path), role, "{path}");
        check("crates/store/src/lib.rs", Role::Library);
        check("crates/store/tests/it/main.rs", Role::Test);
        check("crates/store/benches/rows.rs", Role::Test);
        check("crates/proof/src/bin/proofhouse-box.rs", Role::Program);
        check("crates/cli/src/prove.rs", Role::Program);
        check("xtask/src/tidy.rs", Role::Program);
    }
}
