//! `proofhouse import`: a bundle made of a fuzzer's reproducer or of a test. Needs no server, and runs nothing.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use proof::bundle::{BUNDLE_BYTES_MAX, BUNDLE_FILES_MAX};
use proof::import::{Expectation, Origin};

use crate::output::{self, EXIT_INPUT};

/// Makes a proof bundle of what another tool keeps.
///
/// A test shows the defect where it fails by its own assertion while another test of the same file, the control, passes;
/// `proofhouse prove` then says whether it does. Exit codes: 0 made, 2 bad use or nothing that can be imported.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse import --from pytest test_x.py --test test_keys --control test_plain --purl pkg:pypi/jinja2 --vulnerable 3.1.2 --fixed 3.1.3 --out bundle\n  proofhouse import --from oss-fuzz projects/yajl --test parse_fuzzer --input crash-1 --control seeds/plain.json --purl pkg:deb/debian/yajl --vulnerable V --out bundle"
)]
pub struct Import {
    /// What is imported
    #[arg(long = "from", value_name = "ORIGIN", value_parser = words(Origin::ALL.iter().map(|word| word.as_str())))]
    origin: String,
    /// The file of tests; for oss-fuzz the project's folder, with its build.sh
    source: PathBuf,
    /// The test's name; for oss-fuzz the program that build.sh puts into $OUT
    #[arg(long, value_name = "NAME")]
    test: String,
    /// A test of the same file that passes everywhere; for oss-fuzz a file that the target reads well
    #[arg(long, value_name = "NAME|FILE")]
    control: String,
    /// oss-fuzz: the file that crashes the target
    #[arg(long, value_name = "FILE", required_if_eq("origin", "oss-fuzz"))]
    input: Option<PathBuf>,
    /// The package, without a version
    #[arg(long, value_name = "PURL")]
    purl: String,
    /// Where it is known to show the defect
    #[arg(long, value_name = "V")]
    vulnerable: String,
    /// Where it is said to be fixed
    #[arg(long, value_name = "V")]
    fixed: Option<String>,
    /// When the test fails
    #[arg(long, default_value = "fails-when-vulnerable", value_parser = words(Expectation::ALL.iter().map(|word| word.as_str())))]
    expect: String,
    /// An exception that counts as a failure of the test; for cargo-test `panic`, a panic outside the test
    #[arg(long, value_name = "NAME")]
    raises: Vec<String>,
    /// A further file that the tests read, put beside them
    #[arg(long = "with", value_name = "FILE")]
    with: Vec<PathBuf>,
    /// A further package in an exact version
    #[arg(long, value_name = "NAME=VERSION")]
    depends: Vec<String>,
    /// One line for people [default: the test's name and the package]
    #[arg(long)]
    title: Option<String>,
    /// The new folder of the bundle
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

fn words(words: impl Iterator<Item = &'static str>) -> PossibleValuesParser {
    PossibleValuesParser::new(words.collect::<Vec<_>>())
}

impl Import {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        match self.made() {
            Ok(line) => output::lines_print(&[line]).map_or_else(|code| code, |()| ExitCode::SUCCESS),
            Err(why) => {
                eprintln!("error [import]: {why}");
                ExitCode::from(EXIT_INPUT)
            }
        }
    }

    fn made(self) -> Result<String, String> {
        let origin: Origin = self.origin.parse().map_err(|e| format!("{e}"))?;
        let expect: Expectation = self.expect.parse().map_err(|e| format!("{e}"))?;
        if self.out.exists() {
            return Err(format!("{}: is there already; name a new folder", self.out.display()));
        }
        let mut files = BTreeMap::new();
        let (main, control) = match (origin, &self.input) {
            (Origin::OssFuzz, Some(input)) => {
                for path in beside(&self.source)? {
                    add(&mut files, &path)?;
                }
                (add(&mut files, input)?, add(&mut files, Path::new(&self.control))?)
            }
            _ => (add(&mut files, &self.source)?, self.control.clone()),
        };
        for path in &self.with {
            add(&mut files, path)?;
        }
        let pair = |word: &String| {
            let pair = word.split_once('=').map(|(name, version)| (name.to_owned(), version.to_owned()));
            pair.ok_or_else(|| format!("--depends {word}: NAME=VERSION is wanted"))
        };
        let import = proof::import::Import {
            title: self.title.unwrap_or_else(|| format!("{} on {}", self.test, self.purl)),
            dependencies: self.depends.iter().map(pair).collect::<Result<_, _>>()?,
            purl: self.purl,
            vulnerable: self.vulnerable,
            fixed: self.fixed,
            test: self.test,
            raises: self.raises,
            origin,
            expect,
            main,
            control,
            files,
        };
        let made = import.bundle().map_err(|e| e.to_string())?;
        write(&self.out, &made).map_err(|e| format!("write {}: {e}", self.out.display()))?;
        Ok(format!("{}: {} files; next: proofhouse prove {0}", self.out.display(), made.len()))
    }
}

/// The plain files of an OSS-Fuzz project's folder.
fn beside(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for item in fs::read_dir(folder)? {
            let item = item?;
            // The Dockerfile and the project's card say how others build it.
            let left_out = matches!(item.file_name().to_str(), Some("Dockerfile" | "project.yaml") | None);
            if item.file_type()?.is_file() && !left_out {
                found.push(item.path());
            }
        }
        found.sort();
        Ok(found)
    };
    read().map_err(|e| format!("read {}: {e}", folder.display()))
}

/// Adds a file under its own name.
fn add(files: &mut BTreeMap<String, Vec<u8>>, path: &Path) -> Result<String, String> {
    let told = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| told(&"has no plain name"))?;
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| told(&e))?;
    file.take(BUNDLE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| told(&e))?;
    if files.get(name).is_some_and(|known| *known != bytes) {
        return Err(told(&"another file has the same name; rename one"));
    }
    files.insert(name.to_owned(), bytes);
    let total: u64 = files.values().map(|bytes| bytes.len() as u64).sum();
    if files.len() > BUNDLE_FILES_MAX || total > BUNDLE_BYTES_MAX {
        return Err(format!("a bundle has at most {BUNDLE_FILES_MAX} files and {BUNDLE_BYTES_MAX} bytes together"));
    }
    Ok(name.to_owned())
}

fn write(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    files.iter().try_for_each(|(name, bytes)| fs::write(folder.join(name), bytes))
}
