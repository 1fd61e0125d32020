//! The runs of a proof as somebody makes them by hand: the same files laid out in a folder, and Node started there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proof::harness::stub;
use proof::{Bundle, ProveReport};

/// Where a proof's runs are made by hand.
pub struct ByHand {
    room: tempfile::TempDir,
    node: PathBuf,
    /// Folder and file of each run, in the engine's order.
    runs: Vec<(&'static str, String)>,
}

impl ByHand {
    /// Copies out of the engine's store what the engine ran.
    pub fn lay_out(home: &Path, bundle: &Bundle, report: &ProveReport) -> Self {
        let room = tempfile::tempdir().unwrap();
        let (manifest, run) = (bundle.manifest(), &report.runs[0]);
        let name = manifest.target.package.name();
        for side in ["real", "stub"] {
            for (file, bytes) in bundle.files() {
                let at = room.path().join(side).join("proof").join(file);
                fs::create_dir_all(at.parent().unwrap()).unwrap();
                fs::write(at, bytes).unwrap();
            }
        }
        let package = home.join("store/npm").join(run.target_sha256.as_ref().unwrap().as_str());
        copy(&package, &room.path().join("real/node_modules").join(name));
        stub::stub_write(&room.path().join("stub/node_modules").join(name), name, &run.version).unwrap();
        let (program, control) = (&manifest.run.program, &manifest.run.control);
        let repeats = run.repeats.as_array().unwrap().len();
        let mut runs = vec![("real", control.clone())];
        runs.extend((0..repeats).map(|_| ("real", program.clone())));
        // In whose hands it was takes one run more.
        let traced = manifest.oracle.kind == domain::proof::OracleKind::PrototypePollution;
        runs.extend(traced.then(|| ("real", program.clone())));
        runs.extend([("stub", control.clone()), ("stub", program.clone())]);
        let runtimes = fs::read_dir(home.join("store/runtimes")).unwrap().flatten();
        let node = runtimes.map(|entry| entry.path().join("node")).find(|path| path.is_file()).unwrap();
        Self { room, node, runs }
    }

    /// How many runs of Node one proof is.
    pub fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Makes them, one after the other.
    pub fn run_all(&self) {
        for (side, file) in &self.runs {
            let mut command = Command::new(&self.node);
            command.arg(format!("proof/{file}")).current_dir(self.room.path().join(side));
            command.env_clear().env("PATH", "/usr/bin:/bin").env("PROOF_CANARY_CODE", "globalThis.parseInt(1)");
            let output = command.stdin(Stdio::null()).output().unwrap();
            // The benign control may fail on a stub, as it does in the engine.
            assert!(*side == "stub" || output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (source, dest) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &dest);
        } else {
            fs::copy(&source, &dest).unwrap();
        }
    }
}
