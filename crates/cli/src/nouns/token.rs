//! `proofhouse token`: make and end tokens. A secret is printed once, on standard output.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use service::Service;

use crate::answer::{fields, show};
use crate::api::{Api, Server};
use crate::output;
use crate::serve::{runtime, service_config, service_failed};

/// Makes and ends tokens.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse token issue member_… --label 'ci scanner' --scope read --scope write --days 30\n  proofhouse token revoke token_…\n  proofhouse token admin      # on the server's machine, when the first admin token is lost"
)]
pub struct Token {
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
    /// Make a token for a member
    Issue {
        /// The member
        member: String,
        /// What it is for
        #[arg(long)]
        label: String,
        /// read, write, admin or worker; may be given several times
        #[arg(long = "scope", required = true, value_name = "SCOPE")]
        scopes: Vec<String>,
        /// How long it lives, in days
        #[arg(long, default_value_t = 90)]
        days: i64,
    },
    /// End a token now
    Revoke {
        /// The token's id
        id: String,
    },
    /// A fresh admin token, from the data folder itself
    Admin {
        /// PostgreSQL URL [default: the SQLite file in the data folder]
        #[arg(long, env = "PROOFHOUSE_STORE", hide_env_values = true, value_name = "URL")]
        store: Option<String>,
    },
}

impl Token {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        let api = Api::new(&self.server);
        match self.what {
            What::Issue { member, label, scopes, days } => {
                let body = json!({"label": label, "scopes": scopes, "life_days": days});
                show(api.post(&format!("/v1/members/{member}/tokens"), &body), self.json, lines)
            }
            What::Revoke { id } => show(api.post(&format!("/v1/tokens/{id}/revoke"), &json!({})), self.json, lines),
            What::Admin { store } => admin(home, store.as_deref(), self.json).unwrap_or_else(|code| code),
        }
    }
}

fn lines(token: &Value) -> Vec<String> {
    fields(token, &["id", "label", "scopes", "expires_at", "revoked_at", "secret"])
}

fn admin(home: Option<PathBuf>, store: Option<&str>, json: bool) -> Result<ExitCode, ExitCode> {
    let home = output::home_required(home)?;
    let secret = runtime()?.block_on(async {
        let config = service_config(home, store, "http://127.0.0.1:8080".to_owned(), "Proofhouse".to_owned());
        let service = Service::open(config).await.map_err(|e| service_failed(&e))?;
        let issued = service.admin_token_reissue().await.map_err(|e| service_failed(&e))?;
        Ok::<_, ExitCode>(issued.secret.unwrap_or_default())
    })?;
    if json {
        output::json_print(&json!({"secret": secret}))?;
    } else {
        output::lines_print(&[secret])?;
    }
    Ok(ExitCode::SUCCESS)
}
