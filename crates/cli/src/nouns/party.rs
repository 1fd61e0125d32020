//! `proofhouse party`: who takes part. For coordinators.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::answer::{fields, page, show};
use crate::api::{Api, Server, items, text};
use crate::nouns::register;
use crate::nouns::report::{paged, plain};
use crate::output::EXIT_INPUT;

/// Makes and shows parties and their members.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse party create 'St. Anne Hospital' --accountable 'R. Ortiz' --role operator\n  proofhouse party create lodash --accountable 'J. D.' --role maintainer --package pkg:npm/lodash"
)]
pub struct Party {
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
    /// Make a party
    Create {
        /// Its name
        name: String,
        /// The named human who answers for it
        #[arg(long)]
        accountable: String,
        /// finder, maintainer, operator, coordinator or worker; may be given several times
        #[arg(long = "role", required = true, value_name = "ROLE")]
        roles: Vec<String>,
        /// How to reach it
        #[arg(long)]
        contact: Option<String>,
        /// A package it maintains; may be given several times
        #[arg(long = "package", value_name = "PURL")]
        packages: Vec<String>,
    },
    /// All parties
    List {
        /// Where to go on
        #[arg(long)]
        cursor: Option<String>,
    },
    /// One party and its members
    Show {
        /// The party
        id: String,
    },
    /// Maintainers that ask to take part, and what was verified of each
    Registrations {
        /// Those in this state: open, accepted, declined or expired
        #[arg(long)]
        state: Option<String>,
        /// Where to go on
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Make a party of a registration of which something was verified
    Accept {
        /// The registration
        id: String,
        /// Only this package of those asked for; may be given several times
        #[arg(long = "package", value_name = "PURL")]
        packages: Vec<String>,
        /// How many live cases the party is handed; needed where its packages have maintainers or cases already
        #[arg(long, value_name = "CASES")]
        hand_over: Option<u32>,
    },
    /// Decline a registration
    Decline {
        /// The registration
        id: String,
        /// Why; who registered reads it
        #[arg(long)]
        reason: String,
    },
    /// Register the key with which a worker signs receipts
    WorkerKey {
        /// The member: of a party with the role worker
        member: String,
        /// A file with what `proofhouse worker --show-key` printed
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// End a worker's key: nothing it signs from now on counts
    WorkerKeyEnd {
        /// The key's name
        id: String,
    },
    /// Add a person or agent
    MemberAdd {
        /// The party
        id: String,
        /// The person's name
        name: String,
    },
}

impl Party {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        let api = Api::new(&self.server);
        match self.what {
            What::Create { name, accountable, roles, contact, packages } => {
                let mut body = json!({"name": name, "accountable": accountable, "roles": roles, "packages": packages});
                if let Some(contact) = contact {
                    body["contact"] = json!(contact);
                }
                show(api.post("/v1/parties", &body), self.json, lines)
            }
            What::List { cursor } => show(api.get(&paged("/v1/parties", cursor.as_deref())), self.json, |v| {
                page(v, |p| format!("{}  {}  {}", text(p, "id"), text(p, "name"), fields(p, &["roles"]).join("")))
            }),
            What::Show { id } => show(api.get(&format!("/v1/parties/{id}")), self.json, lines),
            What::Registrations { state, cursor } => {
                let path = state.map_or_else(
                    || "/v1/registrations".to_owned(),
                    |state| format!("/v1/registrations?state={}", plain(&state)),
                );
                show(api.get(&paged(&path, cursor.as_deref())), self.json, |v| page(v, register::line))
            }
            What::Accept { id, packages, hand_over } => {
                let mut body = if packages.is_empty() { json!({}) } else { json!({"packages": packages}) };
                if let Some(cases) = hand_over {
                    body["hand_over"] = json!(cases);
                }
                show(api.post(&format!("/v1/registrations/{}/accept", plain(&id)), &body), self.json, register::lines)
            }
            What::Decline { id, reason } => {
                let path = format!("/v1/registrations/{}/decline", plain(&id));
                show(api.post(&path, &json!({"reason": reason})), self.json, register::lines)
            }
            What::WorkerKey { member, key } => match std::fs::read_to_string(&key) {
                Ok(pem) => {
                    show(api.post("/v1/worker-keys", &json!({"member": member, "key": pem})), self.json, key_lines)
                }
                Err(e) => {
                    eprintln!("error: read {}: {e}", key.display());
                    ExitCode::from(EXIT_INPUT)
                }
            },
            What::WorkerKeyEnd { id } => {
                show(api.post(&format!("/v1/worker-keys/{id}/end"), &json!({})), self.json, key_lines)
            }
            What::MemberAdd { id, name } => {
                show(api.post(&format!("/v1/parties/{id}/members"), &json!({"name": name})), self.json, |v| {
                    fields(v, &["id", "name"])
                })
            }
        }
    }
}

fn key_lines(key: &Value) -> Vec<String> {
    fields(key, &["id", "member", "registered_at", "ended_at"])
}

fn lines(party: &Value) -> Vec<String> {
    let mut lines =
        fields(party, &["id", "name", "accountable", "roles", "contact", "packages", "vouched_by", "registration"]);
    lines
        .extend(items(party, "members").iter().map(|m| format!("member       {}  {}", text(m, "id"), text(m, "name"))));
    lines
}
