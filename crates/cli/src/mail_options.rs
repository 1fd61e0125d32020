//! How `proofhouse serve` sends letters: the options, and the files that they name. Must not send anything.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use service::mail::{MailConfig, MailServer};

/// Largest file of a password or of certificates, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// How letters are sent.
#[derive(Args)]
pub struct MailOptions {
    /// The mail server that takes letters: smtp://HOST:PORT, or smtps://HOST:PORT for TLS from the first byte. Without it
    /// nobody is told by e-mail. TLS is needed unless the server is on this machine
    #[arg(long, env = "PROOFHOUSE_MAIL_SERVER", value_name = "URL", requires = "mail_from")]
    mail_server: Option<MailServer>,
    /// The address that letters come from
    #[arg(long, env = "PROOFHOUSE_MAIL_FROM", value_name = "ADDRESS")]
    mail_from: Option<String>,
    /// The user to log in as at the mail server
    #[arg(long, env = "PROOFHOUSE_MAIL_USER", value_name = "NAME", requires = "mail_password_file")]
    mail_user: Option<String>,
    /// A file with that user's password, which nobody else may read
    #[arg(long, env = "PROOFHOUSE_MAIL_PASSWORD_FILE", value_name = "FILE", requires = "mail_user")]
    mail_password_file: Option<PathBuf>,
    /// Certificates (PEM) that vouch for the mail server, in place of the system's; with them TLS is needed on this machine too
    #[arg(long, env = "PROOFHOUSE_MAIL_CA", value_name = "FILE", requires = "mail_server")]
    mail_ca: Option<PathBuf>,
}

impl MailOptions {
    /// What the options say; none where no mail server was named.
    ///
    /// # Errors
    /// In a line: a file cannot be read, or others may read the password.
    pub fn config(&self) -> Result<Option<MailConfig>, String> {
        let (Some(server), Some(from)) = (&self.mail_server, &self.mail_from) else { return Ok(None) };
        let login = match (&self.mail_user, &self.mail_password_file) {
            (Some(user), Some(path)) => Some((user.clone(), password(path)?.into())),
            _ => None,
        };
        let authorities = self.mail_ca.as_deref().map(read).transpose()?;
        Ok(Some(MailConfig { server: server.clone(), from: from.clone(), login, authorities }))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let broken = |e: std::io::Error| format!("read {}: {e}", path.display());
    let bytes = std::fs::metadata(path).map_err(broken)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(format!("read {}: larger than {FILE_BYTES_MAX} bytes", path.display()));
    }
    std::fs::read(path).map_err(broken)
}

fn password(path: &Path) -> Result<String, String> {
    let mode = std::fs::metadata(path).map_err(|e| format!("read {}: {e}", path.display()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!("{}: others can read or write it; run chmod 600 on it", path.display()));
    }
    let text = String::from_utf8(read(path)?).map_err(|_| format!("read {}: not UTF-8", path.display()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(format!("read {}: no password in it", path.display())) } else { Ok(text.to_owned()) }
}
