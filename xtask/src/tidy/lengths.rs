//! How long a function and a file may be. Tests are left out: their length is data. What is over the limit and on the list of
//! exceptions may stay exactly as long as the list says.

use super::Finding;
use super::exceptions::{self, Exceptions};
use super::rust::{Role, Source};
use super::tree::Tree;
use syn::spanned::Spanned as _;
use syn::visit::Visit;
use syn::{Block, Ident, ImplItemFn, ItemFn, Signature, TraitItemFn};

/// From the line of `fn` to the closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Test modules not counted.
const FILE_LINES_MAX: usize = 500;

pub fn check(sources: &[Source<'_>], tree: &Tree) -> Vec<Finding> {
    let mut exceptions = Exceptions::read(tree);
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.role != Role::Test) {
        check_file(source, &mut exceptions, &mut findings);
        check_functions(source, &mut exceptions, &mut findings);
    }
    findings.extend(exceptions.finish());
    findings
}

fn check_file(source: &Source<'_>, exceptions: &mut Exceptions, findings: &mut Vec<Finding>) {
    let count = source.text.lines().count();
    let lines = (1..=count).filter(|line| !source.is_test_line(*line)).count();
    let subject = exceptions::file_subject(source.path);
    let Some(allowed) = exceptions.allowed(&subject, lines, FILE_LINES_MAX) else { return };
    let message = format!("{lines} lines without tests, {allowed} allowed: split the file along its nouns");
    findings.push(Finding::new(source.path, 1, message));
}

fn check_functions(source: &Source<'_>, exceptions: &mut Exceptions, findings: &mut Vec<Finding>) {
    let mut functions = Functions::default();
    functions.visit_file(&source.syntax);
    for function in functions.found.iter().filter(|function| !source.is_test_line(function.line)) {
        let subject = exceptions::function_subject(source.path, &function.name);
        let Some(allowed) = exceptions.allowed(&subject, function.lines, FUNCTION_LINES_MAX) else { continue };
        let message =
            format!("{} has {} lines, {allowed} allowed: keep leaves straight", function.name, function.lines);
        findings.push(Finding::new(source.path, function.line, message));
    }
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

#[derive(Default)]
struct Functions {
    found: Vec<Function>,
}

impl Functions {
    fn add(&mut self, signature: &Signature, body: &Block) {
        let (start, end) = (signature.span().start().line, body.span().end().line);
        let name: &Ident = &signature.ident;
        self.found.push(Function { name: name.to_string(), line: start, lines: end - start + 1 });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.add(&item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.add(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(body) = &item.default {
            self.add(&item.sig, body);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::super::rust::parse_all;
    use super::*;

    fn function_of(lines: usize) -> String {
        format!("//! Doc.\nfn long() {{\n{}}}\n", "    a();\n".repeat(lines - 2))
    }

    fn found(path: &str, text: &str) -> Vec<String> {
        let tree = Tree::of(&[(path, text), (exceptions::PATH, "")]);
        let (sources, _) = parse_all(&tree);
        check(&sources, &tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_function_of_one_line_too_many_is_found() {
        assert!(found("crates/store/src/a.rs", &function_of(FUNCTION_LINES_MAX)).is_empty());
        let message = "crates/store/src/a.rs:2: long has 71 lines, 70 allowed: keep leaves straight";
        assert_eq!(found("crates/store/src/a.rs", &function_of(FUNCTION_LINES_MAX + 1)), [message]);
    }

    #[test]
    fn methods_count_and_tests_do_not() {
        let body = "        a();\n".repeat(FUNCTION_LINES_MAX);
        let method = format!("//! Doc.\nimpl X {{\n    fn long(&self) {{\n{body}    }}\n}}\n");
        assert_eq!(found("crates/store/src/a.rs", &method).len(), 1);
        let test = format!("//! Doc.\n#[cfg(test)]\nmod tests {{\n    fn long() {{\n{body}    }}\n}}\n");
        assert!(found("crates/store/src/a.rs", &test).is_empty());
        assert!(found("crates/store/tests/it/a.rs", &function_of(200)).is_empty());
    }

    #[test]
    fn a_file_of_one_line_too_many_is_found() {
        let lines = |count: usize| format!("//! Doc.\n{}", "const A: u8 = 0;\n".repeat(count - 1));
        assert!(found("crates/store/src/a.rs", &lines(FILE_LINES_MAX)).is_empty());
        assert_eq!(found("crates/store/src/a.rs", &lines(FILE_LINES_MAX + 1)).len(), 1);
        let with_tests = format!("{}#[cfg(test)]\nmod tests {{\n\n\n}}\n", lines(FILE_LINES_MAX));
        assert!(found("crates/store/src/a.rs", &with_tests).is_empty());
    }
}
