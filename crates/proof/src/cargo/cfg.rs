//! Whether a dependency declared for some platform is one of this machine's: cargo's `cfg(…)` expressions and triples.
//! Pure.

/// Parentheses inside each other that are read.
const DEPTH_MAX: usize = 32;

/// A platform, as `rustc --print cfg` tells it.
#[derive(Debug, Clone, Default)]
pub struct Platform {
    triple: String,
    /// Names and, where there is one, the value.
    set: Vec<(String, Option<String>)>,
}

impl Platform {
    /// Of what rustc prints.
    #[must_use]
    pub fn new(triple: &str, printed: &str) -> Self {
        let entry = |line: &str| match line.trim().split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.trim_matches('"').to_owned())),
            None => (line.trim().to_owned(), None),
        };
        // cargo evaluates dependencies before a profile is known.
        let of_profile = |line: &&str| *line != "debug_assertions";
        Self { triple: triple.to_owned(), set: printed.lines().filter(of_profile).map(entry).collect() }
    }

    /// Whether this is the platform. What cannot be read counts as it: the crate is then fetched and not needed.
    #[must_use]
    pub fn is(&self, target: &str) -> bool {
        match target.strip_prefix("cfg(").and_then(|rest| rest.strip_suffix(')')) {
            Some(expression) => {
                let mut reader = Reader { rest: expression, depth: 0 };
                let value = reader.expression(self);
                if reader.rest.trim().is_empty() { value.unwrap_or(true) } else { true }
            }
            None => target == self.triple,
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl Reader<'_> {
    fn eat(&mut self, token: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    fn text(&mut self) -> Option<String> {
        if !self.eat('"') {
            return None;
        }
        let (text, rest) = self.rest.split_once('"')?;
        self.rest = rest;
        Some(text.to_owned())
    }

    fn expression(&mut self, platform: &Platform) -> Option<bool> {
        let word = self.word()?;
        if !self.eat('(') {
            let value = if self.eat('=') { Some(self.text()?) } else { None };
            if word == "true" || word == "false" {
                return Some(word == "true");
            }
            return Some(platform.set.contains(&(word, value)));
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut values = Vec::new();
        while !self.eat(')') {
            values.push(self.expression(platform)?);
            if !self.eat(',') && !self.rest.trim_start().starts_with(')') {
                return None;
            }
        }
        self.depth -= 1;
        match word.as_str() {
            "all" => Some(values.iter().all(|value| *value)),
            "any" => Some(values.iter().any(|value| *value)),
            "not" => values.first().filter(|_| values.len() == 1).map(|value| !value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_and_triples() {
        let printed = "debug_assertions\npanic=\"unwind\"\ntarget_arch=\"x86_64\"\ntarget_os=\"linux\"\nunix\n";
        let here = Platform::new("x86_64-unknown-linux-gnu", printed);
        let yes = [
            "cfg(unix)",
            "cfg(not(windows))",
            "cfg(all(unix, target_os = \"linux\"))",
            "cfg(any(windows,target_arch=\"x86_64\",))",
            "cfg(not(debug_assertions))",
            "x86_64-unknown-linux-gnu",
            "cfg(true)",
            "cfg(all())",
        ];
        for target in yes {
            assert!(here.is(target), "{target}");
        }
        let no = ["cfg(windows)", "cfg(any())", "cfg(target_os = \"macos\")", "wasm32-unknown-unknown", "cfg(false)"];
        for target in no {
            assert!(!here.is(target), "{target}");
        }
        // Whatever cannot be read is taken as this machine's.
        for target in ["cfg(", "cfg(any(windows)", "cfg(some(windows))", "cfg(not())", "cfg(a b)"] {
            assert_eq!(here.is(target), target != "cfg(", "{target}");
        }
        let deep = format!("cfg({}windows{})", "all(".repeat(40), ")".repeat(40));
        assert!(here.is(&deep));
    }
}
