//! `proofhouse register`: a maintainer asks a clearinghouse to take part, without a token. Must not store a secret: it prints it once.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::answer::{fields, show};
use crate::api::{Api, Server, items, text};
use crate::nouns::report::plain;
use crate::output::EXIT_INPUT;

/// Asks a clearinghouse to take part as a maintainer, and shows that contact and place are yours.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  proofhouse register --server https://clearing.example --name Rope --accountable 'J. Doe' --contact security@rope.example --package pkg:npm/rope --domain rope.example\n  proofhouse register check registration_… --by email\n  proofhouse register check registration_… --by email --code phe_…\n  proofhouse register show registration_…\n  proofhouse register token registration_…"
)]
pub struct Register {
    #[command(flatten)]
    server: Server,
    /// Print one JSON document
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    new: New,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Args)]
struct New {
    /// The name of the project or organisation
    #[arg(long)]
    name: Option<String>,
    /// The named human who answers for it
    #[arg(long)]
    accountable: Option<String>,
    /// Its e-mail address
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,
    /// A package it maintains; may be given several times
    #[arg(long = "package", value_name = "PURL")]
    packages: Vec<String>,
    /// Where you would put a file: https://HOST/PATH/proofhouse-challenge.txt
    #[arg(long, value_name = "URL")]
    file_url: Option<String>,
    /// The domain in which you would put a TXT record: the contact's or the URL's, or one above
    #[arg(long)]
    domain: Option<String>,
}

#[derive(Args)]
struct Mine {
    /// The registration
    id: String,
    /// The secret that `register` printed; better given in the environment
    #[arg(long, env = "PROOFHOUSE_REGISTRATION_SECRET", hide_env_values = true, value_name = "SECRET")]
    secret: String,
    #[command(flatten)]
    server: Server,
}

#[derive(Subcommand)]
enum What {
    /// Have something verified now
    Check {
        #[command(flatten)]
        mine: Mine,
        /// How: email, file or dns
        #[arg(long, value_name = "HOW")]
        by: String,
        /// With email: the token that came; without it a letter with one is sent
        #[arg(long, value_name = "TOKEN")]
        code: Option<String>,
    },
    /// Where it stands
    Show {
        #[command(flatten)]
        mine: Mine,
    },
    /// Get your first token, once, after a coordinator accepted
    Token {
        #[command(flatten)]
        mine: Mine,
    },
}

impl Register {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        match self.what {
            None => create(&self.server, &self.new, self.json),
            Some(What::Check { mine, by, code }) => {
                let mut body = json!({"by": by});
                if let Some(token) = code {
                    body["token"] = json!(token);
                }
                show(mine.api().post(&mine.path("/check"), &body), self.json, lines)
            }
            Some(What::Show { mine }) => show(mine.api().get(&mine.path("")), self.json, lines),
            Some(What::Token { mine }) => show(mine.api().post(&mine.path("/token"), &json!({})), self.json, |v| {
                fields(v, &["secret", "scopes", "expires_at", "member"])
            }),
        }
    }
}

impl Mine {
    fn api(&self) -> Api {
        Api::new(&self.server).with_token(&self.secret)
    }

    fn path(&self, end: &str) -> String {
        format!("/v1/registrations/{}{end}", plain(&self.id))
    }
}

fn create(server: &Server, new: &New, json: bool) -> ExitCode {
    let (Some(name), Some(accountable), Some(contact)) = (&new.name, &new.accountable, &new.contact) else {
        eprintln!("error [input]: --name, --accountable and --contact are needed, and a --package");
        return ExitCode::from(EXIT_INPUT);
    };
    let mut body = json!({"name": name, "accountable": accountable, "contact": contact, "packages": new.packages});
    for (field, value) in [("file_url", &new.file_url), ("domain", &new.domain)] {
        if let Some(value) = value {
            body[field] = json!(value);
        }
    }
    show(Api::new(server).without_token().post("/v1/registrations", &body), json, |made| {
        let mut lines = lines(made);
        let id = text(made, "id");
        lines.push(String::new());
        lines.push(
            "Keep the secret: it is shown once. Then show one or more of these, and ask for the check:".to_owned(),
        );
        lines.push(format!("  export PROOFHOUSE_REGISTRATION_SECRET={}", text(made, "secret")));
        lines.push(format!(
            "  proofhouse register check {id} --by email          a letter comes to {}",
            text(made, "contact")
        ));
        if !text(made, "file_url").is_empty() {
            lines.push(format!(
                "  proofhouse register check {id} --by file           with the challenge alone in the file"
            ));
        }
        if !text(made, "record").is_empty() {
            lines.push(format!(
                "  proofhouse register check {id} --by dns            with the challenge in the TXT record"
            ));
        }
        lines.push(format!("A coordinator decides then. If it accepts: proofhouse register token {id}"));
        lines
    })
}

/// A registration in lines.
pub fn lines(registration: &Value) -> Vec<String> {
    let mut lines = fields(
        registration,
        &[
            "id",
            "state",
            "name",
            "accountable",
            "contact",
            "packages",
            "challenge",
            "file_url",
            "record",
            "reason",
            "party",
            "secret",
        ],
    );
    for verified in items(registration, "verified") {
        lines.push(format!(
            "{:<12} by {}: {} at {}",
            "verified",
            text(verified, "by"),
            text(verified, "subject"),
            text(verified, "at")
        ));
    }
    lines.extend(items(registration, "held").iter().map(|held| format!("{:<12} {}", "here already", held_line(held))));
    lines
}

/// What a package that is asked for has here already.
fn held_line(held: &Value) -> String {
    let names: Vec<&str> = items(held, "maintainers").iter().filter_map(Value::as_str).collect();
    let by = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    format!("{}: maintained by {by}, {} live cases", text(held, "package"), held["live_cases"])
}

/// A registration in one line.
pub fn line(registration: &Value) -> String {
    let verified: Vec<String> =
        items(registration, "verified").iter().map(|v| format!("{} {}", text(v, "by"), text(v, "subject"))).collect();
    let came = text(registration, "created_at");
    let held: Vec<String> = items(registration, "held").iter().map(held_line).collect();
    format!(
        "{}  {}  {}  {}  {}  since {}  verified: {}{}",
        text(registration, "id"),
        text(registration, "state"),
        text(registration, "name"),
        text(registration, "contact"),
        fields(registration, &["packages"]).join(""),
        came.get(..10).unwrap_or(came),
        if verified.is_empty() { "nothing".to_owned() } else { verified.join(", ") },
        if held.is_empty() { String::new() } else { format!("  here already: {}", held.join("; ")) }
    )
}
