//! Real published packages, proved in real boxes. Packages are fetched once into a data folder that stays between runs.

mod bundles;
mod fixes;
mod git;
mod go;
mod hostile;
mod imports;
mod jvm;
mod native;
mod oracles;
mod python;
mod ranges;
mod receipts;
mod registry;
mod rust;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use proof::progress::Silent;
use proof::sandbox::SandboxConfig;
use proof::{Bundle, Engine, EngineConfig, EngineError, ProveOptions, ProveReport, Watch};

static NEVER: AtomicBool = AtomicBool::new(false);

fn watch() -> Watch<'static> {
    Watch { progress: &Silent, cancel: &NEVER }
}

fn config(home: &Path) -> EngineConfig {
    let init_exe = Some(env!("CARGO_BIN_EXE_proofhouse-box").into());
    EngineConfig {
        home: home.to_owned(),
        sandbox: SandboxConfig { init_exe, ..SandboxConfig::default() },
        ..EngineConfig::default()
    }
}

/// The one engine of all tests, over a folder that keeps what was fetched.
fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::open(config(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("proof-home"))).unwrap())
}

fn bundle_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles").join(name)
}

fn bundle(name: &str) -> Bundle {
    Bundle::read(&bundle_path(name), engine().sandbox()).unwrap()
}

fn prove(bundle: &Bundle) -> ProveReport {
    let report = engine().prove(bundle, &ProveOptions::default(), watch()).unwrap();
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    report
}

/// A bundle about a package, made of the two programs and what is to be changed in its manifest.
fn made(package: &str, oracle: &str, poc: &str, control: &str, edit: impl Fn(String) -> String) -> Bundle {
    let (name, version) = package.rsplit_once('@').unwrap();
    let manifest = format!(
        "proof = 1\ntitle = \"a test\"\n[target]\npurl = \"pkg:npm/{name}\"\nvulnerable = \"{version}\"\n\
         [runtime]\nkind = \"node\"\n[run]\nprogram = \"poc.js\"\ncontrol = \"control.js\"\nrepeat = 1\nwall = \"10s\"\n\
         [oracle]\nkind = \"{oracle}\"\n"
    );
    try_made(&edit(manifest), poc, control).unwrap()
}

fn try_made(manifest: &str, poc: &str, control: &str) -> Result<Bundle, proof::BundleError> {
    let files = [("proof.toml", manifest), ("poc.js", poc), ("control.js", control)];
    let files: BTreeMap<String, Vec<u8>> =
        files.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect();
    Bundle::from_files(files, Path::new("made"))
}

/// What `prove` says in one line: grade and each run's verdict with its reason.
fn told(report: &ProveReport) -> String {
    let run = |run: &proof::report::RunReport| match &run.reason {
        Some(reason) => format!("{} {} {reason}", run.version, run.verdict),
        None => format!("{} {}", run.version, run.verdict),
    };
    let runs: Vec<String> = report.runs.iter().map(run).collect();
    format!("{}; {}", report.grade, runs.join("; "))
}

fn error_of<T>(result: Result<T, EngineError>) -> EngineError {
    match result {
        Ok(_) => panic!("an error was due"),
        Err(e) => e,
    }
}
