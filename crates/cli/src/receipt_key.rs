//! `proofhouse receipt-key`: the public key of this data folder's receipts, for whoever verifies them elsewhere.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::output;

/// Prints the public key that this data folder's receipts are signed with, in PEM form.
///
/// Whoever has the key, a receipt and its bundle can verify it on another machine of the same architecture.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse receipt-key > our-key.pem\n  proofhouse verify receipt.json --public-key our-key.pem --bundle bundle.tar.zst"
)]
pub struct ReceiptKey {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl ReceiptKey {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.answer(home).unwrap_or_else(|code| code)
    }

    fn answer(self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let key = output::engine_open(home)?.receipt_key();
        let pem = key.to_pem().map_err(|e| output::failed(&e.into()))?;
        match self.json {
            true => output::json_print(&json!({ "key": key.id().to_string(), "public_key_pem": pem }))?,
            false => output::lines_print(&[pem.trim_end().to_owned()])?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
