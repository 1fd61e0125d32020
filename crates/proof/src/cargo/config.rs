//! Which registry, by cargo's own configuration: `config.toml` here and above, the one in cargo's home, the environment.
//!
//! Reads configuration only; must not print or keep what it holds besides the few keys it knows.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// The domain of the public registry: the one place where it is written.
pub const CRATES_PUBLIC_DOMAIN: &str = "crates.io";
/// Largest configuration file read, in bytes.
pub const CONFIG_BYTES_MAX: u64 = 256 << 10;
/// How often one source may be replaced by the next.
pub const REPLACED_COUNT_MAX: usize = 8;

/// What of cargo's configuration is heeded.
#[derive(Clone, Default)]
pub struct CargoConfig {
    /// Nearest first.
    tables: Vec<Table>,
    proxy: Option<String>,
    cainfo: Option<String>,
    /// Only what was read from files and the environment, never shown.
    token: Option<String>,
}

impl std::fmt::Debug for CargoConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be tokens.
        f.debug_struct("CargoConfig").field("files", &self.tables.len()).finish_non_exhaustive()
    }
}

impl CargoConfig {
    /// Reads the configuration as cargo would.
    #[must_use]
    pub fn load() -> Self {
        let mut tables = Vec::new();
        let here = env::current_dir().unwrap_or_default();
        for folder in here.ancestors() {
            tables.extend(table_read(&folder.join(".cargo")));
        }
        let home = cargo_home();
        tables.extend(home.as_deref().and_then(table_read));
        let mut config = Self { tables, ..Self::default() };
        let name = config.replacement().0;
        let key = format!("CARGO_REGISTRIES_{}_TOKEN", name.to_uppercase().replace('-', "_"));
        config.token = env::var(key).ok().or_else(|| {
            let file = home.map(|home| home.join("credentials.toml")).filter(|path| is_small(path))?;
            let table: Table = fs::read_to_string(file).ok()?.parse().ok()?;
            text_at(&table, &["registries", &name, "token"])
        });
        config.proxy = env_text("CARGO_HTTP_PROXY").or_else(|| config.text(&["http", "proxy"]));
        config.cainfo = env_text("CARGO_HTTP_CAINFO").or_else(|| config.text(&["http", "cainfo"]));
        config
    }

    /// Of the text of one `config.toml` alone; what is no TOML says nothing.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let mut config = Self { tables: text.parse().ok().into_iter().collect(), ..Self::default() };
        config.proxy = config.text(&["http", "proxy"]);
        config.cainfo = config.text(&["http", "cainfo"]);
        config
    }

    /// The address of the sparse index that stands for the public registry, with a slash at its end.
    ///
    /// # Errors
    /// In words for a person: where the configuration names what is no sparse index.
    pub fn index(&self) -> Result<String, String> {
        let (name, source) = self.replacement();
        // Replaced by something that leads back to it: a circle, and no registry.
        let circle = name == "crates-io" && self.text(&["source", "crates-io", "replace-with"]).is_some();
        if name == "crates-io" && !circle {
            return Ok(Self::public_index());
        }
        let named = source.as_ref().and_then(|table| text_at(table, &["registry"]));
        let address = named.or_else(|| self.text(&["registries", &name, "index"]));
        let Some(address) = address else {
            return Err(format!(
                "cargo's configuration replaces the registry by `{name}`, which is no sparse registry"
            ));
        };
        let plain = address.strip_prefix("sparse+").ok_or_else(|| {
            format!("cargo's configuration replaces the registry by `{name}`, a git index: a sparse one is needed")
        })?;
        Ok(if plain.ends_with('/') { plain.to_owned() } else { format!("{plain}/") })
    }

    /// The token for the registry, if one is configured.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref().map(|token| token.strip_prefix("Bearer ").unwrap_or(token))
    }

    /// The proxy, where cargo's configuration names one.
    #[must_use]
    pub fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref()
    }

    /// The file of certificates to trust instead of the system's.
    #[must_use]
    pub fn cafile(&self) -> Option<&str> {
        self.cainfo.as_deref()
    }

    fn public_index() -> String {
        format!("https://index.{CRATES_PUBLIC_DOMAIN}/")
    }

    /// The name of the source that stands for the public registry in the end, and its table.
    fn replacement(&self) -> (String, Option<Table>) {
        let mut name = "crates-io".to_owned();
        let mut found = None;
        for _ in 0..REPLACED_COUNT_MAX {
            let Some(next) = self.text(&["source", &name, "replace-with"]) else { break };
            name = next;
            found = self.tables.iter().find_map(|table| table_at(table, &["source", &name]));
        }
        (name, found)
    }

    fn text(&self, path: &[&str]) -> Option<String> {
        self.tables.iter().find_map(|table| text_at(table, path))
    }
}

/// Cargo's home: `CARGO_HOME`, else `.cargo` in the user's home.
#[must_use]
pub fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}

fn env_text(key: &str) -> Option<String> {
    env::var(key).ok().filter(|value| !value.is_empty())
}

fn is_small(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= CONFIG_BYTES_MAX)
}

fn table_read(folder: &Path) -> Option<Table> {
    // The name without an ending is the older one and counts where both are.
    let file = ["config", "config.toml"].map(|name| folder.join(name)).into_iter().find(|path| is_small(path))?;
    fs::read_to_string(file).ok()?.parse().ok()
}

fn table_at(table: &Table, path: &[&str]) -> Option<Table> {
    let mut at = table;
    for key in path {
        at = at.get(*key)?.as_table()?;
    }
    Some(at.clone())
}

fn text_at(table: &Table, path: &[&str]) -> Option<String> {
    let (last, folders) = path.split_last()?;
    let mut at = table;
    for key in folders {
        at = at.get(*key)?.as_table()?;
    }
    at.get(*last).and_then(Value::as_str).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: Result<&str, &str>) {
        match (CargoConfig::of_text(text).index(), wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{text}"),
            (Err(found), Err(wanted)) => assert!(found.contains(wanted), "{found}"),
            (found, wanted) => panic!("{text}: {found:?}, not {wanted:?}"),
        }
    }

    #[test]
    fn the_public_registry_unless_it_is_replaced() {
        assert!(CargoConfig::default().index().unwrap().contains(CRATES_PUBLIC_DOMAIN));
        let mirror = "[source.crates-io]\nreplace-with = \"m\"\n";
        check(&format!("{mirror}[source.m]\nregistry = \"sparse+https://m.example/i\""), Ok("https://m.example/i/"));
        check(&format!("{mirror}[registries.m]\nindex = \"sparse+https://m.example/i/\""), Ok("https://m.example/i/"));
        let twice = "[source.m]\nreplace-with = \"n\"\n[source.n]\nregistry = \"sparse+https://n.example/\"";
        check(&format!("{mirror}{twice}"), Ok("https://n.example/"));
        check(&format!("{mirror}[source.m]\nregistry = \"https://m.example/i.git\""), Err("a sparse one is needed"));
        check(&format!("{mirror}[source.m]\ndirectory = \"vendor\""), Err("no sparse registry"));
        check(&format!("{mirror}[source.m]\nreplace-with = \"crates-io\""), Err("no sparse registry"));
    }

    #[test]
    fn no_value_is_shown() {
        let config = CargoConfig { token: Some("secret".into()), ..CargoConfig::default() };
        assert!(!format!("{config:?}").contains("secret"));
    }
}
