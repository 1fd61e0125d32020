//! Finds texts and numbers in a program, well enough to rewrite them: no parser, and a wrong guess costs one variant that does
//! not run. Pure.

/// How a language writes texts and remarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// JavaScript.
    JavaScript,
    /// Python.
    Python,
    /// Go.
    Go,
    /// Rust.
    Rust,
    /// Java.
    Java,
}

impl Syntax {
    /// By the ending of a file's name; `None` for what is no program.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "js" | "cjs" | "mjs" => Some(Self::JavaScript),
            "py" => Some(Self::Python),
            "go" => Some(Self::Go),
            "rs" => Some(Self::Rust),
            "java" => Some(Self::Java),
            _ => None,
        }
    }
}

/// What a literal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiteralKind {
    /// A text, of which `start..end` is what stands between its quotes.
    Text {
        /// The quote: `'`, `"` or `` ` ``.
        quote: char,
        /// Backslashes in it are letters.
        raw: bool,
        /// Bytes before `start` and after `end` that belong to it.
        around: (usize, usize),
    },
    /// A whole number in decimal digits.
    Number,
}

/// A literal of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// What it is.
    pub kind: LiteralKind,
    /// Line, from 1.
    pub line: usize,
}

/// The literals of a program in their order, those left out that name what is loaded.
#[must_use]
pub fn literals(text: &str, syntax: Syntax) -> Vec<Literal> {
    Scanner { text, bytes: text.as_bytes(), syntax, at: 0, before: 0, found: Vec::new() }.run()
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    syntax: Syntax,
    at: usize,
    /// The last byte that was neither blank nor remark; 0 at the start.
    before: u8,
    found: Vec<Literal>,
}

impl Scanner<'_> {
    fn run(mut self) -> Vec<Literal> {
        while let Some(byte) = self.bytes.get(self.at).copied() {
            let next = self.bytes.get(self.at + 1).copied().unwrap_or_default();
            match (byte, next, self.syntax) {
                (b'#', _, Syntax::Python) => self.skip_to(b"\n"),
                (b'/', b'/', Syntax::JavaScript | Syntax::Go | Syntax::Rust | Syntax::Java) => self.skip_to(b"\n"),
                (b'/', b'*', Syntax::JavaScript | Syntax::Go | Syntax::Rust | Syntax::Java) => self.skip_to(b"*/"),
                (b'/', _, Syntax::JavaScript) if self.pattern_may_begin() => self.pattern(),
                (b'\'', _, Syntax::Rust | Syntax::Go | Syntax::Java) => self.letter(),
                (b'r', b'"' | b'#', Syntax::Rust) if !self.in_word() => self.raw_rust(),
                (b'"' | b'\'', ..) | (b'`', _, Syntax::JavaScript | Syntax::Go) => self.quoted(byte),
                (b'0'..=b'9', ..) if !self.in_word() => self.number(),
                (b' ' | b'\t' | b'\r' | b'\n', ..) => self.at += 1,
                _ => self.pass(1),
            }
        }
        self.found
    }

    fn pass(&mut self, count: usize) {
        self.at += count;
        self.before = self.bytes.get(self.at - 1).copied().unwrap_or_default();
    }

    fn skip_to(&mut self, end: &[u8]) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let found = rest.windows(end.len()).position(|window| window == end);
        self.at += found.map_or(rest.len(), |at| at + end.len());
    }

    fn in_word(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.bytes.get(at)).copied().unwrap_or_default();
        before.is_ascii_alphanumeric() || matches!(before, b'_' | b'$' | b'.') || !before.is_ascii()
    }

    /// A slash after a value divides; after anything else it begins a regular expression.
    fn pattern_may_begin(&self) -> bool {
        matches!(
            self.before,
            0 | b'(' | b',' | b'=' | b':' | b'[' | b'!' | b'&' | b'|' | b'?' | b'{' | b'}' | b';' | b'+'
        )
    }

    fn pattern(&mut self) {
        let mut class = false;
        self.pass(1);
        while let Some(byte) = self.bytes.get(self.at).copied() {
            match byte {
                b'\\' => self.at += 1,
                b'[' => class = true,
                b']' => class = false,
                b'\n' => return,
                b'/' if !class => return self.pass(1),
                _ => {}
            }
            self.at += 1;
        }
    }

    /// A letter of Rust, Go or Java, or the name of a lifetime.
    fn letter(&mut self) {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let long = if rest.first() == Some(&b'\\') { 12 } else { 5 };
        let end = rest.iter().take(long).skip(1).position(|byte| *byte == b'\'').map(|at| at + 1);
        self.pass(end.map_or(1, |end| end + 2));
    }

    fn raw_rust(&mut self) {
        let hashes = self.bytes.get(self.at + 1..).unwrap_or_default().iter().take_while(|byte| **byte == b'#').count();
        if self.bytes.get(self.at + 1 + hashes) != Some(&b'"') {
            return self.pass(1);
        }
        let start = self.at + hashes + 2;
        let close = [&b"\""[..], &b"#".repeat(hashes)].concat();
        let rest = self.bytes.get(start..).unwrap_or_default();
        let Some(length) = rest.windows(close.len()).position(|window| window == close) else { return self.pass(1) };
        let kind = LiteralKind::Text { quote: '"', raw: true, around: (hashes + 2, close.len()) };
        self.keep(start, start + length, kind, close.len());
    }

    fn quoted(&mut self, quote: u8) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let triple = self.syntax == Syntax::Python && rest.starts_with(&[quote; 3]);
        let wide = if triple { 3 } else { 1 };
        let raw = (self.syntax == Syntax::Go && quote == b'`') || self.is_raw_python();
        let start = self.at + wide;
        let mut at = start;
        loop {
            match self.bytes.get(at) {
                None => return self.pass(1),
                Some(b'\n') if !triple && quote != b'`' && self.syntax != Syntax::Rust => return self.pass(1),
                Some(b'\\') if !(raw && self.syntax == Syntax::Go) => at += 2,
                Some(_) if self.bytes.get(at..).is_some_and(|rest| rest.starts_with(&[quote; 3][..wide])) => break,
                Some(_) => at += 1,
            }
        }
        // A template is a program of its own.
        let template = quote == b'`' && self.bytes[start..at].windows(2).any(|window| window == b"${");
        if template || !self.text.is_char_boundary(start) || !self.text.is_char_boundary(at) {
            return self.pass(at + wide - self.at);
        }
        let kind = LiteralKind::Text { quote: char::from(quote), raw, around: (wide, wide) };
        self.keep(start, at, kind, wide);
    }

    fn is_raw_python(&self) -> bool {
        let before = &self.bytes[self.at.saturating_sub(2)..self.at];
        self.syntax == Syntax::Python && before.iter().any(|byte| matches!(byte, b'r' | b'R'))
    }

    fn number(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let next = rest.get(length).copied().unwrap_or_default();
        let whole = !(next.is_ascii_alphanumeric() || matches!(next, b'_' | b'.')) && length <= 15;
        if whole {
            self.keep(self.at, self.at + length, LiteralKind::Number, 0);
        } else {
            self.pass(length);
        }
    }

    fn keep(&mut self, start: usize, end: usize, kind: LiteralKind, after: usize) {
        let line = 1 + self.bytes[..start].iter().filter(|byte| **byte == b'\n').count();
        if !self.names_what_is_loaded(start) {
            self.found.push(Literal { start, end, kind, line });
        }
        self.pass(end + after - self.at);
    }

    /// Another package would be another proof.
    fn names_what_is_loaded(&self, start: usize) -> bool {
        let line_start = self.bytes[..start].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = self.text.get(line_start..start).unwrap_or_default();
        let word = line
            .trim_end_matches(['"', '\'', '`', '(', ' '])
            .rsplit([' ', '=', '\t', '.', ';'])
            .next()
            .unwrap_or_default();
        let begins = line.trim_start();
        matches!(word, "require" | "import" | "from")
            || begins.starts_with("import ")
            || self.in_go_imports(start)
            || (begins.trim_start_matches('"').is_empty() && self.syntax == Syntax::Go && self.in_go_imports(start))
            || matches!(self.text.get(start..start + 10), Some("use strict"))
    }

    fn in_go_imports(&self, start: usize) -> bool {
        let before = self.text.get(..start).unwrap_or_default();
        let open = before.rfind("import (");
        self.syntax == Syntax::Go && open.is_some_and(|open| !before[open + 8..].contains(')'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, wanted: &[&str]) {
        let found = literals(text, Syntax::of(name).unwrap());
        let found: Vec<&str> = found.iter().map(|literal| &text[literal.start..literal.end]).collect();
        assert_eq!(found, wanted, "{text}");
    }

    #[test]
    fn literals_are_found_and_what_only_looks_like_one_is_not() {
        check(
            "a.js",
            "'use strict';\nconst x = require('x'); // 'no'\nx('a.b', \"c\\\"d\", 3, x1, 0x10, 1.5);",
            &["a.b", "c\\\"d", "3"],
        );
        check("a.js", "x(/'\\/[/']/, 'y', a / b, 'z'); `t`; `a${b}`", &["y", "z", "t"]);
        check("a.js", "import y from 'y';\nimport('z');\n/* 'n' */ f('k')", &["k"]);
        check("a.py", "import x  # 'n'\nf('a', \"\"\"b\n'c'\"\"\", r'\\d', 10)", &["a", "b\n'c'", "\\d", "10"]);
        check("a.go", "import (\n\t\"fmt\"\n)\nfunc f() { g(\"a\", `b\\`, 'c', 7) }", &["a", "b\\", "7"]);
        check(
            "a.rs",
            "fn f<'a>(x: &'a str) { g(\"a\\\"b\", r#\"c\"d\"#, 'e', '\\'', 8, 8u32) }",
            &["a\\\"b", "c\"d", "8"],
        );
        check("a.js", "f('open\n'closed')", &["closed"]);
        check("a.js", "f('", &[]);
        check("a.py", "f('é', 'b')", &["é", "b"]);
    }
}
