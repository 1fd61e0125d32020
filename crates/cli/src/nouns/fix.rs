//! `proofhouse fix`: propose a fix for a case; the case's own proofs verify an upgrade or a patch.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use crate::answer::{fields, show};
use crate::api::{Api, Server, items, text};
use crate::output::EXIT_INPUT;

/// Proposes and lists fixes.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse fix propose case_… --upgrade 4.17.20\n  proofhouse fix propose case_… --patch fix.diff\n  proofhouse fix propose case_… --mitigation 'Do not pass user input as a path.'\n  proofhouse fix list case_…"
)]
pub struct Fix {
    #[command(flatten)]
    server: Server,
    /// Print one JSON document
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Propose a fix
    Propose(Propose),
    /// The fixes of a case
    List {
        /// The case
        case: String,
    },
    /// One fix with what was run
    Show {
        /// The fix
        id: String,
    },
}

#[derive(Args)]
#[command(group(ArgGroup::new("kind").required(true).args(["upgrade", "patch", "mitigation"])))]
struct Propose {
    /// The case
    case: String,
    /// The published version to upgrade to
    #[arg(long, value_name = "VERSION")]
    upgrade: Option<String>,
    /// A patch: a unified diff, which the case's proofs are run with on every affected release line
    #[arg(long, value_name = "FILE")]
    patch: Option<PathBuf>,
    /// What a patch changes or is for, in words
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["upgrade", "mitigation"])]
    note: Option<String>,
    /// What to do without changing the version
    #[arg(long, value_name = "TEXT")]
    mitigation: Option<String>,
}

impl Fix {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        let api = Api::new(&self.server);
        match self.what {
            What::Propose(p) => {
                let body = match (&p.upgrade, &p.patch, &p.mitigation) {
                    (Some(version), _, _) => json!({"case": p.case, "kind": "upgrade", "version": version}),
                    (_, Some(path), _) => match patch_read(path) {
                        Ok(patch) => {
                            let note = p.note.as_deref().unwrap_or("a patch, given itself");
                            json!({"case": p.case, "kind": "patch", "patch": patch, "note": note})
                        }
                        Err(code) => return code,
                    },
                    (_, _, note) => json!({"case": p.case, "kind": "mitigation", "note": note}),
                };
                show(api.post("/v1/fixes", &body), self.json, lines)
            }
            What::List { case } => {
                let case: String = case.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                show(api.get(&format!("/v1/fixes?case={case}")), self.json, |v| {
                    items(v, "items")
                        .iter()
                        .map(|f| {
                            format!(
                                "{}  {} {}  {}",
                                text(f, "id"),
                                text(f, "kind"),
                                text(f, "version"),
                                text(f, "state")
                            )
                        })
                        .collect()
                })
            }
            What::Show { id } => show(api.get(&format!("/v1/fixes/{id}")), self.json, lines),
        }
    }
}

fn patch_read(path: &Path) -> Result<String, ExitCode> {
    std::fs::read_to_string(path).map_err(|e| {
        eprintln!("error [input]: read {}: {e}", path.display());
        ExitCode::from(EXIT_INPUT)
    })
}

fn lines(fix: &Value) -> Vec<String> {
    fields(fix, &["id", "kind", "version", "state", "note", "matrix"])
}
