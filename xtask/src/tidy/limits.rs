//! Limits: a constant that ends in `_MAX` or `_MIN` says its unit in its name, and what it bounds in its doc. Inside a function,
//! where the bounded thing is in sight, and in an implementation, where the trait says it, the doc may be left out.

use super::Finding;
use super::rust::Source;
use syn::visit::Visit;
use syn::{Attribute, Ident, ImplItemConst, ItemConst, ItemFn, ItemStatic};

/// Words that are a unit. Beside them, a plural names the things counted: `FILES_MAX`.
const UNITS: [&str; 19] = [
    "BYTES", "KIB", "MIB", "NS", "US", "MS", "S", "MINUTES", "HOURS", "DAYS", "COUNT", "CHARS", "DEPTH", "PERCENT",
    "PPM", "EXPONENT", "NUMBER", "LOG", "VERSION",
];

pub fn check(sources: &[Source<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let mut limits = Limits::default();
        limits.visit_file(&source.syntax);
        for limit in limits.found.iter().filter(|limit| !source.is_test_line(limit.line)) {
            let message = match limit.fault() {
                Some(message) => format!("{}: {message}", limit.name),
                None => continue,
            };
            findings.push(Finding::new(source.path, limit.line, message));
        }
    }
    findings
}

struct Limit {
    name: String,
    line: usize,
    /// Or in a place where no doc is asked for.
    documented: bool,
}

impl Limit {
    fn fault(&self) -> Option<&'static str> {
        if self.name.starts_with("MAX_") || self.name.starts_with("MIN_") {
            return Some("write the noun first and the bound last, as in REPORT_BODY_BYTES_MAX");
        }
        let measured = self.name.strip_suffix("_MAX").or_else(|| self.name.strip_suffix("_MIN"))?;
        if !measured.split('_').any(is_unit) {
            return Some("a limit names its unit, as in _BYTES_MAX, _MS_MAX, _COUNT_MAX");
        }
        (!self.documented).then_some("a limit has a doc comment that says what it bounds")
    }
}

fn is_unit(word: &str) -> bool {
    let plural = word.len() >= 4 && word.ends_with('S') && !word.ends_with("SS");
    plural || UNITS.contains(&word)
}

#[derive(Default)]
struct Limits {
    found: Vec<Limit>,
    inside_function: bool,
}

impl Limits {
    fn add(&mut self, name: &Ident, attributes: &[Attribute], doc_asked: bool) {
        let documented = !doc_asked || attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
        self.found.push(Limit { name: name.to_string(), line: name.span().start().line, documented });
    }
}

impl<'ast> Visit<'ast> for Limits {
    fn visit_item_const(&mut self, item: &'ast ItemConst) {
        self.add(&item.ident, &item.attrs, !self.inside_function);
    }

    fn visit_impl_item_const(&mut self, item: &'ast ImplItemConst) {
        self.add(&item.ident, &item.attrs, false);
    }

    fn visit_item_static(&mut self, item: &'ast ItemStatic) {
        self.add(&item.ident, &item.attrs, !self.inside_function);
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let outside = std::mem::replace(&mut self.inside_function, true);
        syn::visit::visit_item_fn(self, item);
        self.inside_function = outside;
    }
}

#[cfg(test)]
mod tests {
    use super::super::rust::check_text;
    use super::*;

    fn found(text: &str) -> usize {
        check_text("crates/store/src/a.rs", text, check).len()
    }

    #[test]
    fn a_limit_without_a_unit_is_found() {
        assert_eq!(found("/// Doc.\nconst BODY_MAX: u64 = 1;"), 1);
        assert_eq!(found("/// Doc.\nconst PROCESS_MAX: u64 = 1;"), 1);
        assert_eq!(found("struct A;\nimpl A {\n/// Doc.\nconst SIZE_MIN: u64 = 1;\n}"), 1);
        assert_eq!(found("/// Doc.\nconst BODY_BYTES_MAX: u64 = 1;\n/// Doc.\npub const FILES_MAX: u8 = 1;"), 0);
    }

    #[test]
    fn a_limit_with_its_bound_first_or_without_a_doc_is_found() {
        assert_eq!(found("/// Doc.\nconst MAX_BYTES: u64 = 1;"), 1);
        assert_eq!(found("const WAIT_MS_MAX: u64 = 1;"), 1);
        assert_eq!(found("fn f() {\n    const WAIT_MAX: u64 = 1;\n}"), 1);
        assert_eq!(found("fn f() {\n    const WAIT_MS_MAX: u64 = 1;\n}"), 0);
    }

    #[test]
    fn other_constants_and_tests_are_left_alone() {
        assert_eq!(found("const MAXIMUM: u64 = 1;\nconst NAME: &str = \"\";"), 0);
        assert_eq!(found("#[cfg(test)]\nmod tests {\n    const SIZE_MAX: u8 = 1;\n}"), 0);
    }
}
