//! The demo's parties: three finders, the maintainers, three operators, and the desk.
//!
//! All names of people and organisations are invented.

use std::path::Path;

use serde_json::{Value, json};

use super::Halt;
use crate::api::{Api, items, text};

/// One party of the demo, acting through its own token.
pub struct Player {
    /// Its name.
    pub name: &'static str,
    /// Its only member.
    pub member: String,
    /// The API as this party.
    pub api: Api,
}

/// Everybody.
pub struct Cast {
    /// The clearinghouse's own staff.
    pub desk: Api,
    /// Those who report.
    pub finders: Vec<Player>,
    /// Those who own the code.
    pub maintainers: Player,
    /// Those who run it; the third runs nothing affected.
    pub operators: Vec<Player>,
}

/// Packages that the demo's maintainers own.
pub const MAINTAINED: [&str; 5] =
    ["pkg:npm/lodash", "pkg:npm/underscore", "pkg:npm/netmask", "pkg:npm/fast-loops", "pkg:npm/minimist"];

fn enrol(
    desk: &Api,
    name: &'static str,
    accountable: &str,
    role: &str,
    packages: &[&str],
    tokens: &mut String,
) -> Result<Player, Halt> {
    let body = json!({"name": name, "accountable": accountable, "roles": [role], "packages": packages});
    let party = desk.post("/v1/parties", &body)?;
    let member = items(&party, "members").first().map(|m| text(m, "id").to_owned()).unwrap_or_default();
    let body = json!({"label": "demo", "scopes": ["read", "write"], "life_days": 7});
    let token = desk.post(&format!("/v1/members/{member}/tokens"), &body)?;
    let secret = token.get("secret").and_then(Value::as_str).unwrap_or_default();
    tokens.push_str(&format!("{secret}  {name} ({role})\n"));
    Ok(Player { name, member, api: desk.with_token(secret) })
}

/// Makes every party and its token; the tokens are kept in a file for looking at the pages later.
pub fn assemble(desk: &Api, tokens_file: &Path) -> Result<Cast, Halt> {
    let mut tokens = String::new();
    let finders = vec![
        enrol(desk, "Alder Research", "Mira Alder", "finder", &[], &mut tokens)?,
        enrol(desk, "Birch scanning agent", "Tom Birch", "finder", &[], &mut tokens)?,
        enrol(desk, "Cedar bug collective", "Ines Cedar", "finder", &[], &mut tokens)?,
    ];
    let maintainers = enrol(desk, "Package maintainers", "Jo Doyle", "maintainer", &MAINTAINED, &mut tokens)?;
    let operators = vec![
        enrol(desk, "St. Anne rural hospital", "Rosa Ortiz", "operator", &[], &mut tokens)?,
        enrol(desk, "Harbor community bank", "Lee Harbor", "operator", &[], &mut tokens)?,
        enrol(desk, "Valley water utility", "Sam Valley", "operator", &[], &mut tokens)?,
    ];
    let admin = desk_token(desk, &mut tokens)?;
    keep(tokens_file, &tokens)?;
    Ok(Cast { desk: desk.with_token(&admin), finders, maintainers, operators })
}

/// A token of the desk's own for the pages: the first admin token is shown nowhere.
fn desk_token(desk: &Api, tokens: &mut String) -> Result<String, Halt> {
    let parties = desk.get("/v1/parties?limit=100")?;
    let id = items(&parties, "items")
        .iter()
        .find(|p| items(p, "roles").iter().any(|r| r == "coordinator"))
        .map(|p| text(p, "id").to_owned())
        .ok_or_else(|| Halt::Unexpected("there is no coordinator".to_owned()))?;
    let party = desk.get(&format!("/v1/parties/{id}"))?;
    let member = items(&party, "members").first().map(|m| text(m, "id").to_owned()).unwrap_or_default();
    let body = json!({"label": "demo desk", "scopes": ["read", "write", "admin"], "life_days": 7});
    let token = desk.post(&format!("/v1/members/{member}/tokens"), &body)?;
    let secret = text(&token, "secret").to_owned();
    tokens.push_str(&format!("{secret}  Coordination desk (coordinator)\n"));
    Ok(secret)
}

fn keep(path: &Path, tokens: &str) -> Result<(), Halt> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(tokens.as_bytes()));
    written.map_err(|e| Halt::Unexpected(format!("keep the demo's tokens in {}: {e}", path.display())))
}
