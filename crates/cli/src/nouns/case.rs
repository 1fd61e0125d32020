//! `proofhouse case`: list, show and move cases.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::answer::{case_lines, page, show};
use crate::api::{Api, Server, text};

/// Lists, shows and moves cases. What you see depends on your role and your read-in tier.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse case list\n  proofhouse case show case_…\n  proofhouse case read-in case_… --member member_… --tier 2 --reason 'ships it' --until 2026-12-14T00:00:00Z\n  proofhouse case judge case_… vulnerability --reason 'confirmed'"
)]
pub struct Case {
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
    /// The cases you may see
    List {
        /// Where to go on
        #[arg(long)]
        cursor: Option<String>,
    },
    /// One case
    Show {
        /// The case
        id: String,
    },
    /// Join a case into another: one root cause and one fix
    Merge {
        /// The case that goes
        id: String,
        /// The case that carries on
        #[arg(long)]
        into: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Take one finding out into a case of its own
    Split {
        /// The case
        id: String,
        /// The finding
        #[arg(long)]
        finding: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Give the maintainer's verdict; it is final
    Judge {
        /// The case
        id: String,
        /// vulnerability, hardening, not-an-issue, duplicate-of-ours or will-not-fix
        verdict: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// End a case without an advisory
    Close {
        /// The case
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Set when the embargo ends
    Embargo {
        /// The case
        id: String,
        /// upstream-policy, list-rule, negotiated or default
        #[arg(long)]
        source: String,
        /// When, RFC 3339
        #[arg(long)]
        ends: String,
        /// Where the rule can be read
        #[arg(long = "rule-url")]
        rule_url: Option<String>,
    },
    /// Read a person in
    ReadIn {
        /// The case
        id: String,
        /// The person
        #[arg(long)]
        member: String,
        /// 0 (everything) to 3 (the artefact and its go-live time)
        #[arg(long)]
        tier: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Until when, RFC 3339; at most 90 days
        #[arg(long)]
        until: String,
    },
    /// End a read-in now
    ReadInEnd {
        /// The case
        id: String,
        /// The read-in
        read_in: String,
    },
}

impl Case {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        let api = Api::new(&self.server);
        let at = |id: &str, what: &str| format!("/v1/cases/{id}/{what}");
        let answer = match self.what {
            What::List { cursor } => {
                let path = super::report::paged("/v1/cases", cursor.as_deref());
                return show(api.get(&path), self.json, |v| {
                    page(v, |c| {
                        format!("{}  {:<12} {}  {}", text(c, "id"), text(c, "state"), text(c, "purl"), text(c, "title"))
                    })
                });
            }
            What::Show { id } => api.get(&format!("/v1/cases/{id}")),
            What::Merge { id, into, reason } => api.post(&at(&id, "merge"), &json!({"into": into, "reason": reason})),
            What::Split { id, finding, reason } => {
                api.post(&at(&id, "split"), &json!({"finding": finding, "reason": reason}))
            }
            What::Judge { id, verdict, reason } => {
                api.post(&at(&id, "verdict"), &json!({"verdict": verdict, "reason": reason}))
            }
            What::Close { id, reason } => api.post(&at(&id, "close"), &json!({"reason": reason})),
            What::Embargo { id, source, ends, rule_url } => {
                api.post(&at(&id, "embargo"), &json!({"source": source, "ends": ends, "url": rule_url}))
            }
            What::ReadIn { id, member, tier, reason, until } => {
                let body = json!({"member": member, "tier": tier, "reason": reason, "until": until});
                api.post(&at(&id, "read-ins"), &body)
            }
            What::ReadInEnd { id, read_in } => api.post(&at(&id, &format!("read-ins/{read_in}/end")), &json!({})),
        };
        show(answer, self.json, case_lines)
    }
}
