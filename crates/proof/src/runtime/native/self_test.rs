//! The oracle's own test with this compiler: a program of ours that does what its input says, built like any other target.
//! Must not use the network.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use domain::proof::OracleKind;

use super::build::{self, TARGET_FOLDER, Tree};
use super::version::Cut;
use crate::bundle::{Bundle, BundleError};
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::npm::layer::closure_digest;
use crate::runtime::{Ground, Ready, SelfTest, Toolchain};
use crate::sandbox::Mount;

const PACKAGE: &str = "proofhouse-self-test";
const VERSION: &str = "1.0.0-1";

/// Does what the first word of its input says.
const SOURCE: &str = r#"#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int sum(const char *from, int count) {
  char *kept = malloc(8);
  int all = 0;
  memcpy(kept, "1234567", 8);
  for (int i = 0; i < count; i++) all += kept[i] + from[0];
  free(kept);
  return all;
}
int main(int count, char **words) {
  char act[32], what[256];
  FILE *in = fopen(words[count - 1], "r");
  if (!in || fscanf(in, "%31s %255[^\n]", act, what) != 2) return 2;
  if (!strcmp(act, "sum")) return sum(what, atoi(what)) == 0;
  if (!strcmp(act, "write")) { FILE *out = fopen(what, "w"); return !out || fputs("x", out) < 0 || fclose(out); }
  if (!strcmp(act, "run")) return system(what) != 0;
  return atoi(what);
}
"#;
const RECIPE: &str = "$CC $CFLAGS -o \"$OUT/self\" self.c\n";

fn inputs(kind: OracleKind) -> (&'static str, &'static str) {
    match kind {
        OracleKind::FileWrite => ("write /box/canary/x\n", "write /box/work/x\n"),
        OracleKind::CommandExecution => ("run /canary/proof-canary\n", "run /bin/true\n"),
        OracleKind::Assertion => ("exit 10\n", "exit 0\n"),
        _ => ("sum 9\n", "sum 8\n"),
    }
}

fn bundle(kind: OracleKind, program: &str, control: &str) -> Result<Bundle, BundleError> {
    let manifest = format!(
        "proof = 1\ntitle = \"self-test of {kind}\"\n[target]\npurl = \"pkg:deb/debian/{PACKAGE}\"\nvulnerable = \"{VERSION}\"\n\
         [runtime]\nkind = \"native\"\n[build]\nscript = \"build.sh\"\n[run]\ncommand = [\"self\", \"{{input}}\"]\n\
         program = \"program\"\ncontrol = \"control\"\nrepeat = 1\nwall = \"20s\"\n[oracle]\nkind = \"{kind}\"\n"
    );
    let files = [("proof.toml", manifest.as_str()), ("build.sh", RECIPE), ("program", program), ("control", control)];
    let files: BTreeMap<String, Vec<u8>> =
        files.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect();
    Bundle::from_files(files, Path::new("self-test"))
}

/// The package, built, and the two proofs on it.
pub fn made(ground: &Ground, kind: OracleKind, toolchain: &Toolchain) -> Result<SelfTest, EngineError> {
    let step = |source| EngineError::Home { step: "write self-test", path: ground.home.clone(), source };
    let guard = tempfile::tempdir().map_err(step)?;
    fs::write(guard.path().join("self.c"), SOURCE).map_err(step)?;
    let (fires, quiet) = inputs(kind);
    let (fires, quiet) = (bundle(kind, fires, quiet)?, bundle(kind, quiet, quiet)?);
    let sha256 = Sha256Hex::of(SOURCE.as_bytes());
    let tree = Tree { source: guard.path(), sha256: &sha256, series: &[], cut: &Cut::Whole };
    let place = build::obtain(ground, toolchain, &fires, &tree)?;
    let ready = Ready {
        version: VERSION.into(),
        sha256,
        closure: Vec::new(),
        closure_digest: closure_digest(&[]),
        mounts: vec![Mount { host: place.join("out"), at: TARGET_FOLDER.into() }],
        unbuilt: Vec::new(),
    };
    Ok(SelfTest { ready_quiet: ready.clone(), ready, package: PACKAGE.to_owned(), fires, quiet, guard })
}
