//! `proofhouse publish`: publish, revise or withdraw the advisory of a case, and fetch its documents.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::answer::{fields, page, show};
use crate::api::{Api, Server, text};
use crate::output::{self, EXIT_INPUT};

/// Publishes advisories as OSV and CSAF, signed; every revision is kept.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse publish case case_… --alias CVE-2020-8203 --weakness CWE-1321\n  proofhouse publish get PH-2026-… osv\n  proofhouse publish withdraw PH-2026-… --reason 'published by mistake'"
)]
pub struct Publish {
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
    /// Publish a case
    Case {
        /// The case
        case: String,
        #[command(flatten)]
        told: Told,
    },
    /// Publish a new revision of an advisory
    Revise {
        /// The advisory, such as PH-2026-0a1b2c3d
        name: String,
        /// What changed
        #[arg(long)]
        change: String,
        #[command(flatten)]
        told: Told,
    },
    /// Take an advisory back; it stays readable with the reason
    Withdraw {
        /// The advisory
        name: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Every advisory
    List {
        /// Where to go on
        #[arg(long)]
        cursor: Option<String>,
    },
    /// A document: osv or csaf; with --signature its detached signature
    Get {
        /// The advisory
        name: String,
        /// osv or csaf
        #[arg(value_parser = ["osv", "csaf"])]
        format: String,
        /// The signature instead of the document
        #[arg(long)]
        signature: bool,
    },
}

/// What whoever publishes adds to what was measured.
#[derive(Args)]
pub struct Told {
    /// One line
    #[arg(long)]
    title: Option<String>,
    /// A text file with what it is and what to do
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// A CVSS vector of version 3 or 4
    #[arg(long)]
    severity: Option<String>,
    /// The weakness, such as CWE-1321
    #[arg(long)]
    weakness: Option<String>,
    /// Another id of the same vulnerability; may be given several times
    #[arg(long = "alias", value_name = "ID")]
    aliases: Vec<String>,
    /// An absolute URL; may be given several times
    #[arg(long = "reference", value_name = "URL")]
    references: Vec<String>,
}

impl Told {
    fn body(&self) -> Result<Value, ExitCode> {
        let mut body = json!({"aliases": self.aliases, "references": self.references});
        let mut put = |field: &str, value: &Option<String>| {
            if let Some(value) = value {
                body[field] = json!(value);
            }
        };
        put("title", &self.title);
        put("severity", &self.severity);
        put("weakness", &self.weakness);
        if let Some(path) = &self.summary {
            let text = std::fs::read_to_string(path).map_err(|e| {
                eprintln!("error: read {}: {e}", path.display());
                ExitCode::from(EXIT_INPUT)
            })?;
            put("summary", &Some(text));
        }
        Ok(body)
    }
}

impl Publish {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        self.answer().unwrap_or_else(|code| code)
    }

    fn answer(self) -> Result<ExitCode, ExitCode> {
        let api = Api::new(&self.server);
        let answer = match self.what {
            What::Case { case, told } => api.post("/v1/advisories", &json!({"case": case, "text": told.body()?})),
            What::Revise { name, change, told } => {
                let mut body = told.body()?;
                body["change"] = json!(change);
                api.post(&format!("/v1/advisories/{name}/revise"), &body)
            }
            What::Withdraw { name, reason } => {
                api.post(&format!("/v1/advisories/{name}/withdraw"), &json!({"reason": reason}))
            }
            What::List { cursor } => {
                let path = super::report::paged("/v1/advisories", cursor.as_deref());
                return Ok(show(api.get(&path), self.json, |v| {
                    page(v, |a| {
                        format!(
                            "{}  {}  revision {}  {}",
                            text(a, "name"),
                            text(a, "state"),
                            a["revision"],
                            text(a, "published_at")
                        )
                    })
                }));
            }
            What::Get { name, format, signature } => {
                let suffix = if signature { ".sig" } else { "" };
                let body = api.get_text(&format!("/v1/advisories/{name}/{format}{suffix}")).map_err(|e| e.exit())?;
                output::lines_print(&[body.trim_end().to_owned()])?;
                return Ok(ExitCode::SUCCESS);
            }
        };
        Ok(show(answer, self.json, |v| {
            fields(v, &["name", "case", "state", "revision", "published_at", "withdrawn_reason"])
        }))
    }
}
