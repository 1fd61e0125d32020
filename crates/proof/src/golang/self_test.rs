//! The oracles' own test in Go: a module of ours with each defect and without, built and run like any other. Must not use the
//! network.

use std::collections::BTreeMap;
use std::path::Path;

use domain::proof::OracleKind;

use crate::bundle::{Bundle, BundleError};

/// The module; never fetched.
pub const MODULE: &str = "proofhouse.invalid/selftest";
/// Its version.
pub const VERSION: &str = "v1.0.0";

/// Its files.
pub const FILES: [(&str, &str); 2] = [
    ("go.mod", "module proofhouse.invalid/selftest\n\ngo 1.21\n"),
    (
        "selftest.go",
        r#"// Package selftest has functions with each defect, and the same without.
package selftest

import (
	"os"
	"os/exec"
)

func Read(path string) string { text, _ := os.ReadFile(path); return string(text) }

func Write(path string) { _ = os.WriteFile(path, []byte("x"), 0o644) }

func Run(name string) { _ = exec.Command("/bin/sh", "-c", "true "+name).Run() }

func SafeRun(name string) { _ = exec.Command("/bin/true", name).Run() }

func Slow(n int) uint32 {
	x := uint32(1)
	for i := 0; i < n; i++ {
		x = Fast(n) + x*7
	}
	return x
}

//go:noinline
func Fast(n int) uint32 {
	x := uint32(1)
	for i := 0; i < n; i++ {
		x = x*7 + uint32(i)
	}
	return x
}

func Broken() bool { return true }
"#,
    ),
];

/// Sizes of the self-test of `cpu-blow-up`: quick, and enough for a fit.
const SIZES: &str = "sizes = [500, 4000, 8000, 16000, 32000, 48000]";

/// The two programs for an oracle: one that fires and one that must not.
fn programs(kind: OracleKind) -> (&'static str, &'static str) {
    match kind {
        OracleKind::FileRead => (
            r#"fmt.Println(selftest.Read(os.Getenv("PROOF_CANARY_FILE")))"#,
            r#"selftest.Read(os.Getenv("PROOF_CANARY_FILE"))"#,
        ),
        OracleKind::FileWrite => (r#"selftest.Write(os.Getenv("PROOF_CANARY_WRITE"))"#, r#"selftest.Write("x")"#),
        OracleKind::CommandExecution => (
            r#"selftest.Run(";" + os.Getenv("PROOF_CANARY_EXEC"))"#,
            r#"selftest.SafeRun(";" + os.Getenv("PROOF_CANARY_EXEC"))"#,
        ),
        OracleKind::CpuBlowUp => ("fmt.Println(selftest.Slow(size()))", "fmt.Println(selftest.Fast(size()))"),
        _ => ("if selftest.Broken() { os.Exit(10) }", "if !selftest.Broken() { os.Exit(10) }"),
    }
}

/// The proof that must fire and the one that must stay silent.
///
/// # Errors
/// None in practice: the bundles are our own.
pub fn bundles(kind: OracleKind) -> Result<(Bundle, Bundle), BundleError> {
    let (fires, quiet) = programs(kind);
    let source = |body: &str| {
        format!(
            "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"strconv\"\n\n\t\"{MODULE}\"\n)\n\nvar _ = fmt.Sprint()\n\n\
             func size() int {{\n\tn, _ := strconv.Atoi(os.Getenv(\"PROOF_SIZE\"))\n\treturn n\n}}\n\nfunc main() {{\n\t{body}\n}}\n"
        )
        .into_bytes()
    };
    let bundle = |program: &str| {
        let sizes = if kind == OracleKind::CpuBlowUp { SIZES } else { "" };
        let manifest = format!(
            "proof = 1\ntitle = \"self-test of {kind}\"\n[target]\npurl = \"pkg:golang/{MODULE}\"\nvulnerable = \"{VERSION}\"\n\
             [runtime]\nkind = \"go\"\n[run]\nprogram = \"program.go\"\ncontrol = \"control.go\"\nrepeat = 1\nwall = \"20s\"\n\
             [oracle]\nkind = \"{kind}\"\n{sizes}\n"
        );
        let files = BTreeMap::from([
            ("proof.toml".to_owned(), manifest.into_bytes()),
            ("program.go".to_owned(), source(program)),
            ("control.go".to_owned(), source(quiet)),
        ]);
        Bundle::from_files(files, Path::new("self-test"))
    };
    Ok((bundle(fires)?, bundle(quiet)?))
}
