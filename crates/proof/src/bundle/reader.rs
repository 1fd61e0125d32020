//! Reads `proof.toml` strictly and collects everything that is wrong with it, each with key and line.
//! Must not look at other files of the bundle, except by their names.

use std::collections::BTreeMap;
use std::ops::Range;

use domain::package::Package;
use domain::proof::OracleKind;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::build::{self, Started};
use super::manifest::{self, Manifest, Oracle, Run, Runtime, RuntimeKind, Target};
use super::own_tests;
use super::quantity;
use super::repo;
use super::violation::{Violation, Violations};
use crate::cargo::feature_is_valid;
use crate::runtime::{Row, row};

/// Reads the text of `proof.toml`. `files` are the names of the bundle's other files.
///
/// # Errors
/// Every violation.
pub fn manifest_read(text: &str, files: &[&str]) -> Result<Manifest, Violations> {
    let mut found = Findings { text, list: Vec::new() };
    let root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(e) => {
            let line = e.span().map(|span| found.line(span));
            found.list.push(Violation {
                code: "malformed-toml",
                at: "proof.toml".into(),
                line,
                message: format!("not readable as TOML: {}", e.message()),
            });
            return Err(Violations(found.list));
        }
    };
    let mut root = Section::of(root.get_ref(), "", &mut found);
    let format = root.integer("proof");
    if let Some((format, span)) = format
        && format != manifest::FORMAT
    {
        let message = format!("format {format} is not known here; this engine reads proof = {}", manifest::FORMAT);
        root.wrong("unsupported-format", "proof", Some(span), message);
    }
    let title = title(&mut root);
    // What a version, a program and a dependency are follows from the runtime.
    let runtime = root.section("runtime", true).and_then(|table| runtime(table, root.found));
    let by = runtime.as_ref().map(|runtime| row(runtime.kind));
    let target = root.section("target", true).and_then(|table| target(table, by, root.found));
    let run = root.section("run", true).and_then(|table| run(table, by, files, root.found));
    let oracle = root.section("oracle", true).and_then(|table| oracle(table, by, root.found));
    let builds = by.is_some_and(|row| row.kind == RuntimeKind::Native);
    let build =
        if builds { root.section("build", true).and_then(|t| build::build(t, files, root.found)) } else { None };
    let dependencies = root.section("dependencies", false).map(|table| dependencies(table, by, root.found));
    let tests = root.section("tests", false).and_then(|t| own_tests::programs(t, by, files, root.found));
    root.refuse_rest();
    match (title, target, runtime, run, oracle) {
        (Some(title), Some(target), Some(runtime), Some(run), Some(oracle)) if found.list.is_empty() => {
            let dependencies = dependencies.unwrap_or_default();
            let tests = tests.unwrap_or_default();
            Ok(Manifest { title, target, runtime, run, oracle, build, tests, dependencies })
        }
        _ => Err(Violations(found.list)),
    }
}

fn title(root: &mut Section<'_, '_, '_>) -> Option<String> {
    let (title, span) = root.text("title", true)?;
    if title.trim().is_empty() || title.len() > manifest::TITLE_BYTES_MAX || title.chars().any(char::is_control) {
        let message = format!("one line of 1 to {} bytes is wanted", manifest::TITLE_BYTES_MAX);
        root.wrong("malformed-title", "title", Some(span), message);
        return None;
    }
    Some(title.to_owned())
}

fn target(table: &DeTable<'_>, by: Option<&Row>, found: &mut Findings<'_>) -> Option<Target> {
    let mut section = Section::of(table, "target", found);
    let package = section.text("purl", true).and_then(|(purl, span)| package(&mut section, by, purl, span));
    let vulnerable = section.version("vulnerable", by, true);
    let fixed = section.version("fixed", by, false);
    let repo = repo::repo(&mut section, by, [("vulnerable", vulnerable.as_deref()), ("fixed", fixed.as_deref())]);
    section.refuse_rest();
    Some(Target { package: package?, vulnerable: vulnerable?, fixed, repo })
}

fn package(section: &mut Section<'_, '_, '_>, by: Option<&Row>, purl: &str, span: Range<usize>) -> Option<Package> {
    let (code, message) = match Package::split(purl) {
        Ok((_, Some(version))) => (
            "version-in-purl",
            format!("the purl must not name a version; remove `@{version}` and give it as vulnerable = \"{version}\""),
        ),
        Ok((package, None)) => match by {
            Some(row) if !row.runs(package.ecosystem()) => (
                "wrong-ecosystem",
                format!(
                    "runtime {} runs pkg:{} packages; this purl is of {}",
                    row.kind,
                    row.ecosystem.purl_type(),
                    package.ecosystem().as_str()
                ),
            ),
            _ => return Some(package),
        },
        Err(e) => ("malformed-purl", e.to_string()),
    };
    section.wrong(code, "purl", Some(span), message);
    None
}

fn runtime(table: &DeTable<'_>, found: &mut Findings<'_>) -> Option<Runtime> {
    let mut section = Section::of(table, "runtime", found);
    let kind = section.text("kind", true).and_then(|(word, span)| match word.parse::<RuntimeKind>() {
        Ok(kind) => Some(kind),
        Err(e) => {
            section.wrong("unknown-runtime", "kind", Some(span), e.to_string());
            None
        }
    });
    let version = section.version("version", kind.map(row), false);
    let mut runtime = Runtime { kind: kind?, version, features: Vec::new(), default_features: true, sanitizer: false };
    if kind == Some(RuntimeKind::Rust) {
        rust_keys(&mut section, &mut runtime);
    }
    section.refuse_rest();
    Some(runtime)
}

/// What only programs that are built with the target can ask for.
fn rust_keys(section: &mut Section<'_, '_, '_>, runtime: &mut Runtime) {
    runtime.features = section.features();
    runtime.default_features = section.boolean("default-features").unwrap_or(true);
    if let Some((word, span)) = section.text("sanitizer", false) {
        runtime.sanitizer = word == "address";
        if !runtime.sanitizer {
            section.wrong("unknown-sanitizer", "sanitizer", Some(span), "only `address` is known here".into());
        }
    }
}

fn run(table: &DeTable<'_>, by: Option<&Row>, files: &[&str], found: &mut Findings<'_>) -> Option<Run> {
    let mut section = Section::of(table, "run", found);
    let program = section.file("program", by, files, "the program that fires the defect");
    let control = section.file(
        "control",
        by,
        files,
        "a control: a benign use of the same entry point, without which a silent run means nothing",
    );
    if let (Some(p), Some(c)) = (&program, &control)
        && p == c
    {
        section.wrong(
            "control-is-program",
            "control",
            None,
            "the control must be another file than the program".into(),
        );
    }
    let repeat = section.whole("repeat", 1..=u64::from(manifest::REPEAT_COUNT_MAX), "times");
    let wall_ms = section.quantity("wall", quantity::duration_ms, manifest::WALL_MS_MIN..=manifest::WALL_MS_MAX, "ms");
    let memory_bytes = section.quantity(
        "memory",
        quantity::size_bytes,
        manifest::MEMORY_BYTES_MIN..=manifest::MEMORY_BYTES_MAX,
        "bytes",
    );
    let loopback = section.boolean("loopback");
    let Started { command, stdin, statuses } = match by {
        Some(row) if row.kind == RuntimeKind::Native => build::started(&mut section),
        _ => Started::default(),
    };
    section.refuse_rest();
    Some(Run {
        program: program?,
        control: control?,
        repeat: repeat.and_then(|n| u32::try_from(n).ok()).unwrap_or(manifest::REPEAT_DEFAULT),
        wall_ms: wall_ms.unwrap_or(manifest::WALL_MS_DEFAULT),
        memory_bytes: memory_bytes.unwrap_or(manifest::MEMORY_BYTES_DEFAULT),
        loopback: loopback.unwrap_or(false),
        command,
        stdin,
        statuses,
    })
}

fn oracle(table: &DeTable<'_>, by: Option<&Row>, found: &mut Findings<'_>) -> Option<Oracle> {
    let mut section = Section::of(table, "oracle", found);
    let kind = section.text("kind", true).and_then(|(word, span)| match word.parse::<OracleKind>() {
        Ok(kind) if by.is_some_and(|row| !row.oracles.contains(&kind)) => {
            let known: Vec<&str> = by.iter().flat_map(|row| row.oracles).map(|known| known.as_str()).collect();
            let message = format!("oracle {kind} sees nothing in this runtime; there are: {}", known.join(", "));
            section.wrong("oracle-not-in-runtime", "kind", Some(span), message);
            None
        }
        Ok(kind) => Some(kind),
        Err(e) => {
            section.wrong("unknown-oracle", "kind", Some(span), e.to_string());
            None
        }
    });
    let sizes = section.sizes(kind);
    section.refuse_rest();
    Some(Oracle { kind: kind?, sizes })
}

fn dependencies(table: &DeTable<'_>, by: Option<&Row>, found: &mut Findings<'_>) -> BTreeMap<String, String> {
    let mut section = Section::of(table, "dependencies", found);
    let names: Vec<String> = table.keys().map(|key| key.get_ref().to_string()).collect();
    if names.len() > manifest::OVERRIDES_MAX {
        let message = format!("at most {} names may be overridden; these are {}", manifest::OVERRIDES_MAX, names.len());
        section.wrong("too-many-items", "", None, message);
    }
    let mut out = BTreeMap::new();
    for name in names {
        if by.is_some_and(|row| !(row.name_is_valid)(&name)) {
            let ecosystem = by.map(|row| row.ecosystem.as_str()).unwrap_or_default();
            section.wrong("malformed-name", &name, None, format!("not the name of a package of {ecosystem}"));
        }
        if let Some(version) = section.version(&name, by, false) {
            out.insert(name, version);
        }
    }
    out
}

/// What was found so far, over which text.
pub(super) struct Findings<'t> {
    text: &'t str,
    list: Vec<Violation>,
}

impl Findings<'_> {
    fn line(&self, span: Range<usize>) -> usize {
        self.text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1
    }
}

/// One table being read: remembers which keys were asked for, so that the rest can be refused.
pub(super) struct Section<'a, 'f, 't> {
    table: &'a DeTable<'a>,
    path: &'static str,
    known: Vec<String>,
    found: &'f mut Findings<'t>,
}

impl<'a, 'f, 't> Section<'a, 'f, 't> {
    pub(super) fn of(table: &'a DeTable<'a>, path: &'static str, found: &'f mut Findings<'t>) -> Self {
        Self { table, path, known: Vec::new(), found }
    }

    fn at(&self, key: &str) -> String {
        match (self.path, key) {
            ("", key) => key.to_owned(),
            (path, "") => path.to_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }

    pub(super) fn wrong(&mut self, code: &'static str, key: &str, span: Option<Range<usize>>, message: String) {
        let line = span.map(|span| self.found.line(span));
        let at = self.at(key);
        self.found.list.push(Violation { code, at, line, message });
    }

    pub(super) fn value(&mut self, key: &str, wanted: bool) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(key.to_owned());
        let value = self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value);
        if value.is_none() && wanted {
            self.wrong("missing-key", key, None, format!("`{}` is missing from proof.toml", self.at(key)));
        }
        value
    }

    pub(super) fn wrong_type(&mut self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let message = format!("{wanted} is wanted; this is a {}", value.get_ref().type_str());
        self.wrong("wrong-type", key, Some(value.span()), message);
    }

    pub(super) fn text(&mut self, key: &str, wanted: bool) -> Option<(&'a str, Range<usize>)> {
        let value = self.value(key, wanted)?;
        match value.get_ref().as_str() {
            Some(text) => Some((text, value.span())),
            None => {
                self.wrong_type(key, value, "a text in quotes");
                None
            }
        }
    }

    fn integer(&mut self, key: &str) -> Option<(i64, Range<usize>)> {
        let value = self.value(key, true)?;
        let number = integer_of(value.get_ref());
        if number.is_none() {
            self.wrong_type(key, value, "a whole number");
        }
        Some((number?, value.span()))
    }

    fn whole(&mut self, key: &str, allowed: std::ops::RangeInclusive<u64>, unit: &str) -> Option<u64> {
        let value = self.value(key, false)?;
        let Some(number) = integer_of(value.get_ref()) else {
            self.wrong_type(key, value, "a whole number");
            return None;
        };
        let number = u64::try_from(number).ok().filter(|n| allowed.contains(n));
        if number.is_none() {
            let message = format!("{} to {} {unit} are allowed", allowed.start(), allowed.end());
            self.wrong("out-of-range", key, Some(value.span()), message);
        }
        number
    }

    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        let value = self.value(key, false)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        flag
    }

    fn section(&mut self, key: &str, wanted: bool) -> Option<&'a DeTable<'a>> {
        let value = self.value(key, wanted)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(key, value, "a table");
        }
        table
    }

    fn version(&mut self, key: &str, by: Option<&Row>, wanted: bool) -> Option<String> {
        let (text, span) = self.text(key, wanted)?;
        if let Some(row) = by
            && !(row.version_is_exact)(text)
        {
            let shown: String = text.chars().take(64).collect();
            let message = format!("`{shown}` is no exact version such as \"{}\"", row.version_example);
            self.wrong("malformed-version", key, Some(span), message);
            return None;
        }
        Some(text.to_owned())
    }

    pub(super) fn file(&mut self, key: &str, by: Option<&Row>, files: &[&str], what: &str) -> Option<String> {
        let Some(value) = self.value(key, false) else {
            let message = format!("the bundle names no {what}; add `{key} = \"…\"` under [{}]", self.path);
            self.wrong("missing-key", key, None, message);
            return None;
        };
        let Some(name) = value.get_ref().as_str() else {
            self.wrong_type(key, value, "the name of a file of the bundle");
            return None;
        };
        let span = value.span();
        if !files.contains(&name) {
            let shown: String = name.chars().take(128).collect();
            let message = format!("the bundle has no file `{shown}`; it is to be {what}");
            self.wrong("file-missing", key, Some(span), message);
            return None;
        }
        if let Some(row) = by
            && !row.endings.iter().any(|ending| name.ends_with(ending))
        {
            let message = format!("runtime {} runs files that end in {}", row.kind, row.endings.join(", "));
            self.wrong("wrong-file-type", key, Some(span), message);
            return None;
        }
        Some(name.to_owned())
    }

    fn quantity(
        &mut self,
        key: &str,
        read: fn(&str) -> Result<u64, String>,
        allowed: std::ops::RangeInclusive<u64>,
        unit: &str,
    ) -> Option<u64> {
        let (text, span) = self.text(key, false)?;
        match read(text) {
            Ok(n) if allowed.contains(&n) => Some(n),
            Ok(n) => {
                let (least, most) = (allowed.start(), allowed.end());
                let message = format!("{n} {unit} asked for; {least} to {most} {unit} are allowed");
                self.wrong("out-of-range", key, Some(span), message);
                None
            }
            Err(message) => {
                self.wrong("malformed-quantity", key, Some(span), message);
                None
            }
        }
    }

    fn features(&mut self) -> Vec<String> {
        let Some(value) = self.value("features", false) else { return Vec::new() };
        let list = value.get_ref().as_array();
        let texts = list.into_iter().flat_map(|list| list.iter()).filter_map(|item| item.get_ref().as_str());
        let named: Vec<String> = texts.filter(|name| feature_is_valid(name)).map(ToOwned::to_owned).collect();
        if list.map(|list| list.len()) != Some(named.len()) || named.len() > manifest::FEATURES_COUNT_MAX {
            let message = format!("a list of at most {} names of features is wanted", manifest::FEATURES_COUNT_MAX);
            self.wrong("malformed-features", "features", Some(value.span()), message);
        }
        named
    }

    fn sizes(&mut self, kind: Option<OracleKind>) -> Option<Vec<u64>> {
        let value = self.value("sizes", false)?;
        if kind.is_some() && kind != Some(OracleKind::CpuBlowUp) {
            let message = "only the oracle cpu-blow-up takes sizes; remove the key".to_owned();
            self.wrong("unknown-key", "sizes", Some(value.span()), message);
            return None;
        }
        let Some(list) = value.get_ref().as_array() else {
            self.wrong_type("sizes", value, "a list of whole numbers");
            return None;
        };
        let sizes: Vec<u64> = list
            .iter()
            .filter_map(|item| integer_of(item.get_ref()))
            .filter_map(|n| u64::try_from(n).ok())
            .filter(|n| (1..=manifest::INPUT_SIZE_COUNT_MAX).contains(n))
            .collect();
        let growing = sizes.windows(2).all(|pair| pair[0] < pair[1]);
        if sizes.len() != list.len() || !growing || !(4..=manifest::SIZES_MAX).contains(&sizes.len()) {
            let message = format!(
                "4 to {} growing whole numbers of 1 to {} are wanted",
                manifest::SIZES_MAX,
                manifest::INPUT_SIZE_COUNT_MAX
            );
            self.wrong("malformed-sizes", "sizes", Some(value.span()), message);
            return None;
        }
        Some(sizes)
    }

    pub(super) fn refuse_rest(&mut self) {
        let unknown: Vec<(String, Range<usize>)> = self
            .table
            .keys()
            .filter(|key| !self.known.iter().any(|known| known == key.get_ref()))
            .map(|key| (key.get_ref().chars().take(64).collect(), key.span()))
            .collect();
        let known = self.known.join(", ");
        for (key, span) in unknown {
            let message = format!("unknown key `{key}`; known here: {known}");
            self.wrong("unknown-key", &key, Some(span), message);
        }
    }
}

pub(super) fn integer_of(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
}
