//! `proofhouse claim`: say what you look at before you look, and what you looked at when you are done.

use std::process::ExitCode;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use crate::answer::{fields, page, show};
use crate::api::{Api, Server, items, text};

/// Takes, shows, renews and releases claims. Overlap with others is told at once.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse claim take --package pkg:npm/lodash --method fuzzing --days 7\n  proofhouse claim take --network 192.0.2.0/24 --method network --show party\n  proofhouse claim release claim_… --fence 1 --coverage 'every exported function, 40 CPU hours'"
)]
pub struct Claim {
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
    /// Take a claim
    Take(Take),
    /// List your claims
    List {
        /// Where to go on
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show one claim and what overlaps it
    Show {
        /// The claim
        id: String,
    },
    /// Lengthen a lease
    Renew {
        /// The claim
        id: String,
        /// The fencing token you got when you took it
        #[arg(long)]
        fence: i64,
        /// Days from now
        #[arg(long, default_value_t = 1)]
        days: i64,
    },
    /// Give a claim back
    Release {
        /// The claim
        id: String,
        /// The fencing token you got when you took it
        #[arg(long)]
        fence: i64,
        /// What you looked at, and how hard
        #[arg(long)]
        coverage: String,
    },
}

#[derive(Args)]
#[command(group(ArgGroup::new("scope").required(true).args(["package", "repository", "network"])))]
struct Take {
    /// A package, as a purl without a version
    #[arg(long, value_name = "PURL")]
    package: Option<String>,
    /// A repository
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
    /// A network range
    #[arg(long, value_name = "CIDR")]
    network: Option<String>,
    /// A path inside the package or repository
    #[arg(long, conflicts_with = "network")]
    path: Option<String>,
    /// A version range (VERS) of the package
    #[arg(long, conflicts_with_all = ["network", "repository"])]
    versions: Option<String>,
    /// A commit range of the repository, such as 1a2b3c4..5d6e7f8
    #[arg(long, conflicts_with_all = ["network", "package"])]
    commits: Option<String>,
    /// How you look: static, fuzzing, agent, manual or network
    #[arg(long)]
    method: String,
    /// What overlapping parties may see: existence, method or party
    #[arg(long = "show", default_value = "existence")]
    shown: String,
    /// Days from now
    #[arg(long, default_value_t = 1)]
    days: i64,
}

impl Take {
    fn body(&self) -> Value {
        let scope = match (&self.package, &self.repository, &self.network) {
            (Some(purl), _, _) => {
                json!({"kind": "package", "purl": purl, "versions": self.versions, "path": self.path})
            }
            (_, Some(url), _) => json!({"kind": "repository", "url": url, "commits": self.commits, "path": self.path}),
            (_, _, cidr) => json!({"kind": "network", "cidr": cidr}),
        };
        json!({"scope": scope, "method": self.method, "shown": self.shown, "lease_s": self.days.saturating_mul(86_400)})
    }
}

impl Claim {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        let api = Api::new(&self.server);
        match self.what {
            What::Take(take) => show(api.post("/v1/claims", &take.body()), self.json, lines),
            What::List { cursor } => {
                let path = super::report::paged("/v1/claims", cursor.as_deref());
                show(api.get(&path), self.json, |v| {
                    page(v, |c| {
                        format!(
                            "{}  {}  {}  until {}",
                            text(c, "id"),
                            text(c, "state"),
                            text(c, "method"),
                            text(c, "until")
                        )
                    })
                })
            }
            What::Show { id } => show(api.get(&format!("/v1/claims/{id}")), self.json, lines),
            What::Renew { id, fence, days } => {
                let body = json!({"fence": fence, "lease_s": days.saturating_mul(86_400)});
                show(api.post(&format!("/v1/claims/{id}/renew"), &body), self.json, lines)
            }
            What::Release { id, fence, coverage } => {
                let body = json!({"fence": fence, "coverage": coverage});
                show(api.post(&format!("/v1/claims/{id}/release"), &body), self.json, lines)
            }
        }
    }
}

fn lines(claim: &Value) -> Vec<String> {
    let mut lines = fields(claim, &["id", "state", "scope", "method", "until", "fence", "coverage"]);
    let overlaps = items(claim, "overlaps");
    if overlaps.is_empty() {
        lines.push("nobody else holds an overlapping claim".to_owned());
    }
    for overlap in overlaps {
        let party = overlap.get("party").and_then(Value::as_str).unwrap_or("another party");
        let method = overlap.get("method").and_then(Value::as_str).unwrap_or("not shown");
        lines.push(format!("overlaps with {party} (method {method}) until {}", text(overlap, "until")));
    }
    lines
}
