//! `proofhouse notices`: what your assets run that is affected, what to do and by when; and your answer.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::answer::{notice_line, page, show};
use crate::api::{Api, Server, items};

/// Lists your notices, or answers one.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse notices\n  proofhouse notices answer notice_… scheduled --note 'next Tuesday'\n  proofhouse notices answer notice_… not-affected --justification vulnerable_code_not_in_execute_path"
)]
pub struct Notices {
    #[command(flatten)]
    server: Server,
    /// Print one JSON document
    #[arg(long, global = true)]
    json: bool,
    /// Where to go on
    #[arg(long)]
    cursor: Option<String>,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// One notice with everything it came from
    Show {
        /// The notice
        id: String,
    },
    /// Answer a notice
    Answer {
        /// The notice
        id: String,
        /// seen, scheduled, fixed, mitigated or not-affected
        answer: String,
        /// Why not affected, in OpenVEX words
        #[arg(long)]
        justification: Option<String>,
        /// In your own words
        #[arg(long)]
        note: Option<String>,
    },
}

impl Notices {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        let api = Api::new(&self.server);
        match self.what {
            None => {
                let path = super::report::paged("/v1/notices", self.cursor.as_deref());
                show(api.get(&path), self.json, |v| page(v, notice_line))
            }
            Some(What::Show { id }) => show(api.get(&format!("/v1/notices/{id}")), self.json, lines),
            Some(What::Answer { id, answer, justification, note }) => {
                let mut body = json!({"answer": answer});
                if let Some(justification) = justification {
                    body["justification"] = json!(justification);
                }
                if let Some(note) = note {
                    body["note"] = json!(note);
                }
                show(api.post(&format!("/v1/notices/{id}/answer"), &body), self.json, lines)
            }
        }
    }
}

fn lines(notice: &Value) -> Vec<String> {
    let mut lines = vec![notice_line(notice)];
    lines.extend(items(notice, "because").iter().filter_map(Value::as_str).map(|b| format!("  because {b}")));
    lines
}
