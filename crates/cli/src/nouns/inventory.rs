//! `proofhouse inventory`: say what an asset runs.

use std::path::PathBuf;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::answer::{fields, page, show};
use crate::api::{Api, Server, text};
use crate::output::EXIT_INPUT;

/// Sends and lists inventories: bills of materials (CycloneDX, SPDX), lock files, a distribution's list of packages, one for each
/// asset.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse inventory send bom.cdx.json --asset portal --exposure exposed --sector hospital\n  proofhouse inventory list"
)]
pub struct Inventory {
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
    /// Send one asset's inventory; it replaces the asset's previous one
    Send(Send),
    /// Your current inventories
    List {
        /// Where to go on
        #[arg(long)]
        cursor: Option<String>,
    },
}

#[derive(Args)]
struct Send {
    /// The document
    file: PathBuf,
    /// Your name of the asset
    #[arg(long)]
    asset: String,
    /// The organisation that runs it
    #[arg(long, default_value = "")]
    organisation: String,
    /// production, test, …
    #[arg(long, default_value = "production")]
    environment: String,
    /// exposed, not-exposed or unknown; unknown counts as exposed
    #[arg(long, default_value = "unknown")]
    exposure: String,
    /// web server, infusion pump gateway, …
    #[arg(long, default_value = "")]
    asset_type: String,
    /// hospital, bank, utility, …
    #[arg(long, default_value = "")]
    sector: String,
}

impl Inventory {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        let api = Api::new(&self.server);
        match self.what {
            What::Send(send) => {
                let document = match std::fs::read(&send.file) {
                    Ok(bytes) => STANDARD.encode(bytes),
                    Err(e) => {
                        eprintln!("error: read {}: {e}", send.file.display());
                        return ExitCode::from(EXIT_INPUT);
                    }
                };
                let mut tags = json!({"environment": send.environment, "exposure": send.exposure});
                // A tag that was not given stays unsaid.
                let said =
                    [("organisation", send.organisation), ("asset_type", send.asset_type), ("sector", send.sector)];
                for (tag, text) in said.into_iter().filter(|(_, text)| !text.is_empty()) {
                    tags[tag] = json!(text);
                }
                let body = json!({"asset": send.asset, "tags": tags, "document_base64": document});
                show(api.post("/v1/inventories", &body), self.json, lines)
            }
            What::List { cursor } => {
                show(api.get(&super::report::paged("/v1/inventories", cursor.as_deref())), self.json, |v| {
                    page(v, |i| {
                        format!(
                            "{}  {}  {} components  {}",
                            text(i, "id"),
                            text(i, "asset"),
                            i["components"],
                            text(i, "uploaded_at")
                        )
                    })
                })
            }
        }
    }
}

fn lines(inventory: &Value) -> Vec<String> {
    fields(inventory, &["id", "asset", "format", "components", "skipped", "uploaded_at", "warnings"])
}
