//! Programs of this workspace that tests start: the sandbox re-executes a program whose `main` begins
//! with the sandbox's own beginning, and a test program is none.
//!
//! `proofhouse-box` is built by the `cargo` that runs the tests, beside the test program, so that it is
//! never an old one. Must not build it elsewhere: another target folder would compile everything again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The built `proofhouse-box`: what `init_exe` of the proof engine is set to in tests.
///
/// # Panics
/// With one line, when it is neither there nor can be built.
#[must_use]
pub fn proofhouse_box() -> PathBuf {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match BUILT.get_or_init(|| built("proof", "proofhouse-box")) {
        Ok(path) => path.clone(),
        Err(line) => panic!("{line}"),
    }
}

/// The built `proofhouse-symbols`, which the proof engine starts in boxes; it lies beside [`proofhouse_box`].
///
/// # Panics
/// With one line, when it is neither there nor can be built.
#[must_use]
pub fn proofhouse_symbols() -> PathBuf {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match BUILT.get_or_init(|| built("symbols", "proofhouse-symbols")) {
        Ok(path) => path.clone(),
        Err(line) => panic!("{line}"),
    }
}

/// The folder in which tests keep what is slow to get and the same for every test, such as the version
/// store of the proof engine: inside the target folder, so that it survives a run and goes with a clean.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn kept_folder(name: &str) -> PathBuf {
    let (target, _) = match target_folder() {
        Ok(found) => found,
        Err(line) => panic!("{line}"),
    };
    let folder = target.join(name);
    match std::fs::create_dir_all(&folder) {
        Ok(()) => folder,
        Err(e) => panic!("make {} for the tests: {e}", folder.display()),
    }
}

/// The target folder and the folder of the profile, from where this test program is.
fn target_folder() -> Result<(PathBuf, PathBuf), String> {
    let own = std::env::current_exe().map_err(|e| format!("find the test program: {e}"))?;
    let profile = own.ancestors().find(|p| p.file_name().is_some_and(|n| n == "deps")).and_then(Path::parent);
    let profile = profile.ok_or_else(|| format!("{} is not in a target folder", own.display()))?;
    let target = profile.parent().ok_or_else(|| format!("{} is not in a target folder", own.display()))?;
    Ok((target.to_owned(), profile.to_owned()))
}

fn built(package: &str, program: &str) -> Result<PathBuf, String> {
    let (target, profile) = target_folder()?;
    let path = profile.join(program);
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "--package", package, "--bin", program, "--target-dir"]).arg(&target);
        match profile.file_name().and_then(|n| n.to_str()) {
            Some("debug") | None => {}
            Some(name) => drop(command.args(["--profile", name])),
        }
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = command.output().map_err(|e| format!("build {program} for the tests: {e}"))?;
        if !output.status.success() {
            return Err(format!("build {program} for the tests: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("{} is not there: run `cargo build --package {package} --bin {program}`", path.display()))
    }
}
