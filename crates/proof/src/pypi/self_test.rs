//! The oracles' own canary test in CPython: proofs of our own over a small package of our own. Must not use the network.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use domain::proof::OracleKind;

use crate::bundle::{Bundle, BundleError};

/// The package the self-test is about; never fetched.
pub const PACKAGE: &str = "proofhouse-self-test";
/// Its version.
pub const VERSION: &str = "1.0.0";

/// Functions with each defect, and the same without.
const MODULE: &str = "import os
import sqlite3
import subprocess


def read(path):
    with open(path) as file:
        return file.read()


def write(path, text):
    with open(path, 'w') as file:
        file.write(text)


def run(name):
    os.system('true ' + name)


def safe_run(name):
    subprocess.run(['true', name], check=False)


def evaluate(text):
    return eval(text)


def slow(n):
    x = 1
    for i in range(n):
        for j in range(n):
            x = (x * 7 + j) & 0xffff
    return x


def fast(n):
    x = 1
    for i in range(n):
        x = (x * 7 + i) & 0xffff
    return x


def find(database, name):
    with sqlite3.connect(database) as db:
        return db.execute(\"SELECT name FROM items WHERE name = '\" + name + \"'\").fetchall()


def safe_find(database, name):
    with sqlite3.connect(database) as db:
        return db.execute('SELECT name FROM items WHERE name = ?', (name,)).fetchall()


def broken():
    return True
";

/// Sizes of the self-test of `cpu-blow-up`: quick, and enough for a fit.
const SIZES: &str = "sizes = [100, 800, 1600, 3200, 4800]";

/// The two programs for an oracle: one that fires and one that must not.
fn programs(kind: OracleKind) -> (&'static str, &'static str) {
    match kind {
        OracleKind::FileRead => ("print(t.read(env['PROOF_CANARY_FILE']))", "t.read(env['PROOF_CANARY_FILE'])"),
        OracleKind::FileWrite => ("t.write(env['PROOF_CANARY_WRITE'], 'x')", "t.write('x', 'x')"),
        OracleKind::CommandExecution => {
            ("t.run(';' + env['PROOF_CANARY_EXEC'])", "t.safe_run(';' + env['PROOF_CANARY_EXEC'])")
        }
        OracleKind::CodeExecution => {
            ("t.evaluate(env['PROOF_CANARY_CODE'])", "eval(env['PROOF_CANARY_CODE']); t.evaluate('1')")
        }
        OracleKind::SqlInjection => (
            "print(t.find(env['PROOF_CANARY_DB'], \"' UNION SELECT token FROM secrets --\"))",
            "print(t.safe_find(env['PROOF_CANARY_DB'], \"' UNION SELECT token FROM secrets --\"), t.find(env['PROOF_CANARY_DB'], 'lamp'))",
        ),
        OracleKind::CpuBlowUp => ("t.slow(int(env['PROOF_SIZE']))", "t.fast(int(env['PROOF_SIZE']))"),
        // Only these are in this runtime's row; any other would fail its self-test.
        _ => ("raise SystemExit(10 if t.broken() else 0)", "raise SystemExit(0 if t.broken() else 10)"),
    }
}

/// The proof that must fire and the one that must stay silent.
///
/// # Errors
/// None in practice: the bundles are our own.
pub fn bundles(kind: OracleKind) -> Result<(Bundle, Bundle), BundleError> {
    let (fires, quiet) = programs(kind);
    let bundle = |program: &str| {
        let sizes = if kind == OracleKind::CpuBlowUp { SIZES } else { "" };
        let manifest = format!(
            "proof = 1\ntitle = \"self-test of {kind}\"\n[target]\npurl = \"pkg:pypi/{PACKAGE}\"\nvulnerable = \"{VERSION}\"\n\
             [runtime]\nkind = \"python\"\n[run]\nprogram = \"program.py\"\ncontrol = \"control.py\"\nrepeat = 1\nwall = \"20s\"\n\
             [oracle]\nkind = \"{kind}\"\n{sizes}\n"
        );
        let script = |body: &str| {
            format!("import os\nimport proofhouse_self_test as t\nenv = os.environ\n{body}\n").into_bytes()
        };
        let files = BTreeMap::from([
            ("proof.toml".to_owned(), manifest.into_bytes()),
            ("program.py".to_owned(), script(program)),
            ("control.py".to_owned(), script(quiet)),
        ]);
        Bundle::from_files(files, Path::new("self-test"))
    };
    Ok((bundle(fires)?, bundle(quiet)?))
}

/// Writes the package into the new folder `dest`.
///
/// # Errors
/// Whatever the disk says.
pub fn package_write(dest: &Path) -> io::Result<()> {
    fs::create_dir_all(dest.join("proofhouse_self_test"))?;
    fs::write(dest.join("proofhouse_self_test/__init__.py"), MODULE)
}
