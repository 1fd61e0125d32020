//! Which proxy and sum database, by Go's own configuration: the environment, then the file that `go env -w` writes.
//!
//! Reads configuration only; must not print what it holds, which may carry a password.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;

/// The public domain from which Go's own defaults are built: the one place where it is written.
pub const GO_PUBLIC_DOMAIN: &str = "golang.org";
/// Largest file of `go env -w` read, in bytes.
pub const GOENV_BYTES_MAX: u64 = 64 << 10;

/// What of Go's configuration is heeded.
#[derive(Clone, Default)]
pub struct GoConfig {
    keys: BTreeMap<String, String>,
}

impl std::fmt::Debug for GoConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An address may carry a password: the keys alone are shown.
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

impl GoConfig {
    /// Reads the configuration as `go` would.
    #[must_use]
    pub fn load() -> Self {
        let mut keys = BTreeMap::new();
        let own = || env::home_dir().map(|home| home.join(".config"));
        let folder = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(own);
        let file = match env::var("GOENV") {
            Ok(path) if path == "off" => None,
            Ok(path) if !path.is_empty() => Some(PathBuf::from(path)),
            _ => folder.map(|folder| folder.join("go/env")),
        };
        if let Some(file) = file
            && fs::metadata(&file).is_ok_and(|about| about.is_file() && about.len() <= GOENV_BYTES_MAX)
            && let Ok(text) = fs::read_to_string(&file)
        {
            keys = Self::of_text(&text).keys;
        }
        for key in ["GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "HTTPS_PROXY", "https_proxy"] {
            if let Ok(value) = env::var(key)
                && !value.is_empty()
            {
                keys.insert(key.to_owned(), value);
            }
        }
        Self { keys }
    }

    /// Of the text of a file of `go env -w` alone.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let pairs = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let pairs = pairs.filter_map(|line| line.split_once('='));
        Self { keys: pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect() }
    }

    /// The proxies to ask, in this order, without a slash at the end. `direct` and `off` end the list: modules are only
    /// taken from proxies here.
    #[must_use]
    pub fn proxies(&self) -> Vec<String> {
        let public = format!("https://proxy.{GO_PUBLIC_DOMAIN},direct");
        let named = self.keys.get("GOPROXY").filter(|value| !value.is_empty()).unwrap_or(&public);
        let listed = named.split([',', '|']).map(str::trim).take_while(|part| !matches!(*part, "direct" | "off"));
        listed.filter(|part| part.starts_with("http")).map(|part| part.trim_end_matches('/').to_owned()).collect()
    }

    /// The sum database that vouches for this module; `None` where the configuration asks none.
    #[must_use]
    pub fn sum_database(&self, module: &str) -> Option<String> {
        let public = format!("sum.{GO_PUBLIC_DOMAIN}");
        let named = self.keys.get("GOSUMDB").filter(|value| !value.is_empty()).unwrap_or(&public);
        let name = named.split([' ', '+']).next().unwrap_or_default();
        let exempt = self.keys.get("GONOSUMDB").or_else(|| self.keys.get("GOPRIVATE"));
        let exempt = exempt.is_some_and(|list| list.split(',').any(|pattern| matches(pattern.trim(), module)));
        (name != "off" && !name.is_empty() && !exempt).then(|| name.to_owned())
    }

    /// The proxy for https addresses.
    #[must_use]
    pub fn https_proxy(&self) -> Option<&str> {
        self.keys.get("https_proxy").or_else(|| self.keys.get("HTTPS_PROXY")).map(String::as_str)
    }
}

/// A pattern names whole parts of a path from its beginning; `*` stands for anything within one part.
fn matches(pattern: &str, module: &str) -> bool {
    let mut parts = module.split('/');
    !pattern.is_empty()
        && pattern.split('/').all(|wanted| {
            parts.next().is_some_and(|part| match wanted.split_once('*') {
                Some((head, tail)) => {
                    part.len() >= head.len() + tail.len() && part.starts_with(head) && part.ends_with(tail)
                }
                None => part == wanted,
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_sum_database_and_exemptions() {
        let config = GoConfig::of_text(
            "GOPROXY=https://a.example/go/,https://b.example|direct\nGOPRIVATE=*.corp.example,x.example/y",
        );
        assert_eq!(config.proxies(), ["https://a.example/go", "https://b.example"]);
        assert!(config.sum_database("github.com/a/b").is_some());
        assert_eq!(config.sum_database("git.corp.example/a"), None);
        assert_eq!(config.sum_database("x.example/y/z"), None);
        assert!(config.sum_database("x.example/yy").is_some());
        assert_eq!(GoConfig::of_text("GOSUMDB=off").sum_database("a.b/c"), None);
        assert!(GoConfig::of_text("GOPROXY=off").proxies().is_empty());
        assert!(GoConfig::default().proxies()[0].ends_with(GO_PUBLIC_DOMAIN));
    }
}
