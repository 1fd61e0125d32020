//! `proofhouse report`: what became of the reports you sent.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::answer::{fields, page, show, verdict_lines};
use crate::api::{Api, Server, items, text};

/// Lists and shows reports, and polls a submission by its receipt.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse report list\n  proofhouse report status SUB-…\n  proofhouse report standing"
)]
pub struct Report {
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
    /// Your reports
    List {
        /// Where to go on
        #[arg(long)]
        cursor: Option<String>,
        /// Only those that lack something and wait for you
        #[arg(long)]
        incomplete: bool,
    },
    /// One report and its findings
    Show {
        /// The report
        id: String,
    },
    /// Where a submission stands
    Status {
        /// The receipt
        receipt: String,
    },
    /// How many of your proofs held, how many of your reports wait and how many may
    Standing {
        /// Of this party; for coordinators [default: your own]
        party: Option<String>,
    },
}

/// An id fit for a path, whatever was typed.
pub fn plain(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// A path with the cursor of a list.
pub fn paged(path: &str, cursor: Option<&str>) -> String {
    match cursor {
        // A cursor is hexadecimal; anything else is the server's to refuse.
        Some(cursor) => {
            let joint = if path.contains('?') { '&' } else { '?' };
            format!("{path}{joint}cursor={}", cursor.chars().filter(char::is_ascii_alphanumeric).collect::<String>())
        }
        None => path.to_owned(),
    }
}

fn listed(cursor: Option<&str>, incomplete: bool) -> String {
    let path = paged("/v1/reports", cursor);
    match (incomplete, cursor) {
        (false, _) => path,
        (true, Some(_)) => format!("{path}&incomplete=true"),
        (true, None) => format!("{path}?incomplete=true"),
    }
}

impl Report {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        let api = Api::new(&self.server);
        match self.what {
            What::List { cursor, incomplete } => {
                show(api.get(&listed(cursor.as_deref(), incomplete)), self.json, |v| {
                    page(v, |r| {
                        format!("{}  {}  {}  {}", text(r, "id"), text(r, "receipt"), text(r, "state"), text(r, "title"))
                    })
                })
            }
            What::Show { id } => show(api.get(&format!("/v1/reports/{id}")), self.json, lines),
            What::Status { receipt } => show(api.get(&format!("/v1/submissions/{receipt}")), self.json, |v| {
                let mut lines = fields(v, &["receipt", "status", "at"]);
                lines.extend(verdict_lines(v));
                lines
            }),
            What::Standing { party } => {
                let path =
                    party.map_or_else(|| "/v1/standing".to_owned(), |p| format!("/v1/parties/{}/standing", plain(&p)));
                let shown =
                    ["party", "proved", "unproved", "standing_thousandths", "delay_s", "waiting", "waiting_max"];
                show(api.get(&path), self.json, |v| fields(v, &shown))
            }
        }
    }
}

fn lines(report: &Value) -> Vec<String> {
    let mut lines = fields(report, &["id", "receipt", "title", "state", "purl", "received_at", "done_at"]);
    for finding in items(report, "findings") {
        lines.push(format!(
            "finding      {} {} {}",
            text(finding, "id"),
            text(finding, "state"),
            text(finding, "state_reason")
        ));
        if let Some(list) = finding.get("checklist").and_then(Value::as_object) {
            let missing: Vec<&str> =
                list.iter().filter(|(_, there)| *there == &Value::Bool(false)).map(|(item, _)| item.as_str()).collect();
            if !missing.is_empty() {
                lines.push(format!("             still missing: {}", missing.join(", ")));
            }
        }
    }
    for known in items(report, "known") {
        let what = known.get("advisory").and_then(Value::as_str).unwrap_or_else(|| text(known, "case"));
        let because: Vec<&str> = items(known, "because").iter().filter_map(Value::as_str).collect();
        lines.push(format!("known        {what}: {}", because.join("; ")));
    }
    lines.extend(verdict_lines(report));
    lines
}
