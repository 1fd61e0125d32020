//! Bundles made of what other tools keep: a fuzzer's reproducer, or a test that a framework runs. Texts in, files out;
//! must not run, fetch or read anything.
//!
//! A test shows a defect where it fails by its own assertion and its neighbour, the control, passes in the same process
//! just before. Any other ending shows nothing: an entry point that is missing is no defect.

mod cargo_test;
mod jest;
mod oss_fuzz;
mod pytest;

use std::collections::BTreeMap;
use std::path::Path;

use domain::words;
use thiserror::Error;

use crate::bundle::{Bundle, BundleError, MANIFEST_NAME};

words! {
    /// Where a bundle is imported from.
    pub enum Origin {
        /// A fuzz target with its recipe, and an input that crashes it.
        OssFuzz = "oss-fuzz",
        /// A file of tests in Python.
        Pytest = "pytest",
        /// A file of tests in JavaScript.
        Jest = "jest",
        /// A file of integration tests in Rust.
        CargoTest = "cargo-test",
    }
}

words! {
    /// When the test is expected to fail.
    pub enum Expectation {
        /// It states what must hold, and does not hold where the defect is.
        FailsWhenVulnerable = "fails-when-vulnerable",
        /// It uses the defect, and cannot where it is fixed.
        FailsWhenFixed = "fails-when-fixed",
    }
}

/// What is imported.
#[derive(Debug, Clone)]
pub struct Import {
    /// From where.
    pub origin: Origin,
    /// One line for people.
    pub title: String,
    /// The package, without a version.
    pub purl: String,
    /// Where it is known to show the defect.
    pub vulnerable: String,
    /// Where it is said to be fixed.
    pub fixed: Option<String>,
    /// A test's name; of a fuzz target the program's name in `$OUT`.
    pub test: String,
    /// The name of a test of the same file that passes everywhere; of a fuzz target the name of a file that it reads well.
    pub control: String,
    /// When the test fails. A fuzz target has none.
    pub expect: Expectation,
    /// Names of exceptions that are a failure like the framework's own; of a Rust test `panic`: one outside the test.
    pub raises: Vec<String>,
    /// The file of tests, or the input that crashes a fuzz target.
    pub main: String,
    /// All files, by the names they get in the bundle, `main` among them; of a fuzz target `build.sh` too.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Exact versions of further packages.
    pub dependencies: BTreeMap<String, String>,
}

/// Why nothing was made.
#[derive(Debug, Error)]
pub enum ImportError {
    /// What was given does not fit together.
    #[error("{0}")]
    Unusable(String),
    /// What came out is no bundle.
    #[error(transparent)]
    Invalid(#[from] BundleError),
}

impl Import {
    /// The files of the bundle, which were read back as one.
    ///
    /// # Errors
    /// [`ImportError`] in words that say what to change.
    pub fn bundle(&self) -> Result<BTreeMap<String, Vec<u8>>, ImportError> {
        if !self.files.contains_key(&self.main) {
            return Err(unusable(format!("there is no file {}", self.main)));
        }
        let mut files = match self.origin {
            Origin::OssFuzz => oss_fuzz::files(self)?,
            Origin::Pytest => pytest::files(self)?,
            Origin::Jest => jest::files(self)?,
            Origin::CargoTest => cargo_test::files(self)?,
        };
        // What was given never replaces what makes it a bundle.
        for (name, bytes) in &self.files {
            let wrapped = self.origin == Origin::OssFuzz && name == oss_fuzz::RECIPE;
            if files.contains_key(name) && !wrapped {
                return Err(unusable(format!("a file of the name {name} is made by the import; rename yours")));
            }
            files.entry(name.clone()).or_insert_with(|| bytes.clone());
        }
        if self.origin == Origin::CargoTest {
            files.remove(&self.main);
        }
        Bundle::from_files(files.clone(), Path::new("imported bundle"))?;
        Ok(files)
    }

    /// `proof.toml`: what all have in common, and what the kind adds.
    fn manifest(
        &self,
        kind: &str,
        program: &str,
        control: &str,
        oracle: &str,
        more: &str,
        pinned: &[(&str, &str)],
    ) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut out = format!(
            "proof = 1\ntitle = {}\n\n[target]\npurl = {}\nvulnerable = {}\n",
            quoted(&self.title),
            quoted(&self.purl),
            quoted(&self.vulnerable)
        );
        if let Some(fixed) = &self.fixed {
            out.push_str(&format!("fixed = {}\n", quoted(fixed)));
        }
        out.push_str(&format!(
            "\n[runtime]\nkind = \"{kind}\"\n\n[run]\nprogram = {}\ncontrol = {}\n{more}\n[oracle]\nkind = \"{oracle}\"\n",
            quoted(program),
            quoted(control)
        ));
        let mut all: BTreeMap<&str, &str> = pinned.iter().copied().collect();
        all.extend(self.dependencies.iter().map(|(name, version)| (name.as_str(), version.as_str())));
        if !all.is_empty() {
            out.push_str("\n[dependencies]\n");
        }
        for (name, version) in all {
            out.push_str(&format!("{} = {}\n", quoted(name), quoted(version)));
        }
        out
    }

    /// The values a runner is given, as one JSON text, which Python and JavaScript read alike.
    fn values(&self) -> String {
        serde_json::json!({
            "file": self.main,
            "test": self.test,
            "control": self.control,
            "fails_when_fixed": self.expect == Expectation::FailsWhenFixed,
            "raises": self.raises,
        })
        .to_string()
    }
}

fn unusable(why: impl Into<String>) -> ImportError {
    ImportError::Unusable(why.into())
}

fn text(bytes: &[u8], name: &str) -> Result<String, ImportError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| unusable(format!("{name} is not UTF-8")))
}

/// Files by name and text.
fn made(files: Vec<(&str, String)>) -> BTreeMap<String, Vec<u8>> {
    files.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect()
}

#[cfg(test)]
mod tests;
