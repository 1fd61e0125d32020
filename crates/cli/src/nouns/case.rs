//! `proofhouse case`: list, show and move cases.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use service::package::Mail;

use crate::answer::{case_lines, fields, page, show};
use crate::api::{Api, ApiError, Server, items, text};
use crate::output::{EXIT_ENVIRONMENT, EXIT_INPUT};

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
    /// The case as it is handed to its maintainer: one zip archive
    Package {
        /// The case
        id: String,
        /// Where to write it; one that is there is not overwritten
        #[arg(long, value_name = "FILE.zip")]
        output: PathBuf,
    },
    /// The case in plain text, or as an e-mail with --from
    Message {
        /// The case
        id: String,
        /// Write an e-mail (RFC 5322) from this address, ready for a program that sends mail
        #[arg(long, value_name = "ADDRESS")]
        from: Option<String>,
        /// To this address [default: where the maintainer wants to be told]
        #[arg(long, value_name = "ADDRESS", requires = "from")]
        to: Option<String>,
    },
    /// Give or change the maintainer's verdict; nobody else can
    Judge {
        /// The case
        id: String,
        /// vulnerability, hardening, not-an-issue, duplicate-of-ours or will-not-fix
        verdict: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// The case here, or your own id, that it is a duplicate of
        #[arg(long, value_name = "CASE_OR_ID")]
        duplicate_of: Option<String>,
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
            What::Package { id, output } => return package(&api, &at(&id, "package"), &output, self.json),
            What::Message { id, from, to } => {
                let message = api.get(&at(&id, "message"));
                return match from {
                    None => show(message, self.json, |m| text(m, "text").lines().map(ToOwned::to_owned).collect()),
                    Some(from) => mail(message, &self.server.url, &from, to.as_deref()),
                };
            }
            What::Judge { id, verdict, reason, duplicate_of } => {
                let body = json!({"verdict": verdict, "reason": reason, "duplicate_of": duplicate_of});
                api.post(&at(&id, "verdict"), &body)
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

/// Writes a case's package into a new file.
fn package(api: &Api, path: &str, output: &Path, json: bool) -> ExitCode {
    let bytes = match api.get_bytes(path) {
        Ok(bytes) => bytes,
        Err(error) => return error.exit(),
    };
    let written = std::fs::File::create_new(output).and_then(|mut file| file.write_all(&bytes));
    if let Err(e) = written {
        eprintln!("error [input]: write {}: {e}", output.display());
        return ExitCode::from(EXIT_INPUT);
    }
    let told = json!({"output": output.display().to_string(), "bytes": bytes.len()});
    show(Ok(told), json, |v| fields(v, &["output", "bytes"]))
}

/// Prints a message as an e-mail.
fn mail(message: Result<Value, ApiError>, url: &str, from: &str, to: Option<&str>) -> ExitCode {
    let message = match message {
        Ok(message) => message,
        Err(error) => return error.exit(),
    };
    let known = items(&message, "to").first().and_then(Value::as_str);
    let Some(to) = to.or(known) else {
        eprintln!("error [input]: the maintainer named no address: give one with --to");
        return ExitCode::from(EXIT_INPUT);
    };
    let host = url.split("//").nth(1).unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    let mail = Mail {
        from,
        to,
        subject: text(&message, "subject"),
        name: text(&message, "name"),
        host: if host.is_empty() { "localhost" } else { host },
        at: service::identity::now(),
        text: text(&message, "text"),
    };
    let Some(bytes) = mail.write() else {
        eprintln!("error [input]: {from} and {to} must be bare addresses such as security@example.org");
        return ExitCode::from(EXIT_INPUT);
    };
    match std::io::stdout().write_all(&bytes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(EXIT_ENVIRONMENT),
    }
}
