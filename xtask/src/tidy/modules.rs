//! What every module owes its reader: a doc at its top, a name that says what is in it, nothing left to do, no test switched
//! off, and, in a library, nothing printed.

use super::Finding;
use super::rust::{Role, Source};
use syn::Meta;

/// Names under which anything could be put.
const DRAWERS: [&str; 9] = ["util", "utils", "utility", "helper", "helpers", "common", "misc", "manager", "managers"];
/// Shorter than this, a module doc says nothing.
const MODULE_DOC_CHARS_MIN: usize = 20;
/// Written in two parts so that this file does not find itself.
const LEFT_TO_DO: [&str; 4] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("HA", "CK:")];
/// Macros that write to the terminal, as they stand in code.
const PRINTS: [&str; 4] = ["println!(", "print!(", "eprintln!(", "eprint!("];

pub fn check(sources: &[Source<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        findings.extend(check_doc(source));
        findings.extend(check_name(source));
        findings.extend(check_lines(source));
    }
    findings
}

fn check_doc(source: &Source<'_>) -> Option<Finding> {
    let mut lines =
        source.text.lines().enumerate().skip_while(|(_, line)| line.trim().is_empty() || line.starts_with("#!["));
    let first = lines.next().map_or(0, |(index, _)| index);
    let doc: String = source.text.lines().skip(first).map_while(|line| line.strip_prefix("//!")).collect();
    let said = doc.trim().chars().count();
    let missing = said < MODULE_DOC_CHARS_MIN;
    missing.then(|| {
        Finding::new(source.path, first + 1, "open the module with //! what it is for and what it must not do")
    })
}

fn check_name(source: &Source<'_>) -> Option<Finding> {
    let words = source.path.trim_end_matches(".rs").split(['/', '_', '-']);
    let drawer = words.into_iter().find(|word| DRAWERS.contains(word))?;
    Some(Finding::new(source.path, 1, format!("{drawer:?} names no thing: name the file after what is in it")))
}

fn check_lines(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, text) in source.text.lines().enumerate() {
        let line = index + 1;
        if let Some(word) = LEFT_TO_DO.iter().find(|word| text.contains(**word)) {
            findings.push(Finding::new(
                source.path,
                line,
                format!("{word}: do it, or file an issue and leave no mark"),
            ));
        }
        if text.trim_start().starts_with("//") && text.contains("```ignore") {
            findings.push(Finding::new(
                source.path,
                line,
                "an ignored example proves nothing: make it compile or write text",
            ));
        }
    }
    if source.role == Role::Library {
        for (line, text) in source.code_lines().filter(|(_, text)| PRINTS.iter().any(|print| text.contains(print))) {
            let shown = text.trim();
            findings.push(Finding::new(
                source.path,
                line,
                format!("a library prints nothing, it returns or traces: {shown}"),
            ));
        }
    }
    findings.extend(ignored_tests(source));
    findings
}

fn ignored_tests(source: &Source<'_>) -> Vec<Finding> {
    use syn::spanned::Spanned as _;
    use syn::visit::Visit;

    #[derive(Default)]
    struct Ignored(Vec<usize>);
    impl<'ast> Visit<'ast> for Ignored {
        fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
            let conditional = attribute.path().is_ident("cfg_attr")
                && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string().contains("ignore"));
            if attribute.path().is_ident("ignore") || conditional {
                self.0.push(attribute.span().start().line);
            }
        }
    }
    let mut ignored = Ignored::default();
    ignored.visit_file(&source.syntax);
    let finding = |line| Finding::new(source.path, line, "no test is ignored: make it run or delete it");
    ignored.0.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::rust::check_text;
    use super::*;

    const DOC: &str = "//! Ranks open cases. Pure: ties break by id.\n";

    #[track_caller]
    fn check_at(path: &str, text: &str, expected: &[&str]) {
        let found = check_text(path, text, check);
        let lines: Vec<&str> = found.iter().filter_map(|finding| finding.split(": ").next()).collect();
        assert_eq!(lines, expected, "{found:?}");
    }

    #[test]
    fn a_module_without_a_doc_is_found() {
        check_at("crates/store/src/a.rs", "fn a() {}\n", &["crates/store/src/a.rs:1"]);
        check_at("crates/store/src/a.rs", "#![allow(dead_code)]\n\n//! short\n", &["crates/store/src/a.rs:3"]);
        check_at("crates/store/src/a.rs", &format!("#![allow(dead_code)]\n{DOC}"), &[]);
    }

    #[test]
    fn drawers_are_found_also_inside_names() {
        for path in ["crates/store/src/utils.rs", "crates/store/src/common/x.rs", "crates/store/src/job_manager.rs"] {
            check_at(path, DOC, &[&format!("{path}:1")]);
        }
        check_at("crates/store/src/commons_clause.rs", DOC, &[]);
    }

    #[test]
    fn what_is_left_to_do_is_found() {
        for word in LEFT_TO_DO {
            check_at("crates/store/src/a.rs", &format!("{DOC}// {word} later\n"), &["crates/store/src/a.rs:2"]);
        }
    }

    #[test]
    fn ignored_tests_are_found() {
        let text = format!("{DOC}#[test]\n#[ignore = \"slow\"]\nfn a() {{}}\n");
        check_at("crates/store/tests/it/a.rs", &text, &["crates/store/tests/it/a.rs:3"]);
        let text = format!("{DOC}#[test]\n#[cfg_attr(not(x), ignore)]\nfn a() {{}}\n");
        check_at("crates/store/tests/it/a.rs", &text, &["crates/store/tests/it/a.rs:3"]);
        check_at("crates/store/src/a.rs", &format!("{DOC}/// ```ignore\nfn a() {{}}\n"), &["crates/store/src/a.rs:2"]);
    }

    #[test]
    fn printing_is_found_in_libraries_only() {
        let text = format!("{DOC}fn a() {{\n    println!(\"x\");\n}}\n");
        check_at("crates/store/src/a.rs", &text, &["crates/store/src/a.rs:3"]);
        check_at("crates/cli/src/a.rs", &text, &[]);
        check_at(
            "crates/store/src/a.rs",
            &format!("{DOC}#[cfg(test)]\nmod tests {{\n fn a() {{ println!(); }}\n}}\n"),
            &[],
        );
    }
}
