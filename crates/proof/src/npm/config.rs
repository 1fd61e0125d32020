//! Which registry, by npm's own configuration: environment, `.npmrc` here, at home and for the machine.
//!
//! Reads configuration only; must not print or keep what it holds besides the few keys it knows.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;

/// The domain of the public npm registry: the one place where it is written.
pub const NPM_PUBLIC_DOMAIN: &str = "npmjs.org";
/// Largest `.npmrc` read, in bytes.
pub const NPMRC_BYTES_MAX: u64 = 256 << 10;

/// What of npm's configuration is heeded.
#[derive(Clone, Default)]
pub struct NpmConfig {
    keys: BTreeMap<String, String>,
}

impl std::fmt::Debug for NpmConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be tokens: the keys alone are shown.
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

impl NpmConfig {
    /// Reads the configuration as npm would: the environment counts most, then `.npmrc` in the working folder, then
    /// the user's, then the machine's.
    #[must_use]
    pub fn load() -> Self {
        let mut keys = BTreeMap::new();
        let user = env_key("userconfig").map(PathBuf::from).or_else(|| env::home_dir().map(|h| h.join(".npmrc")));
        let files = [Some(PathBuf::from("/etc/npmrc")), user, Some(PathBuf::from(".npmrc"))];
        for file in files.into_iter().flatten() {
            let small = fs::metadata(&file).is_ok_and(|about| about.is_file() && about.len() <= NPMRC_BYTES_MAX);
            if small && let Ok(text) = fs::read_to_string(&file) {
                read_into(&text, &mut keys);
            }
        }
        for key in ["registry", "cafile", "https-proxy", "proxy"] {
            if let Some(value) = env_key(&key.replace('-', "_")) {
                keys.insert(key.to_owned(), value);
            }
        }
        Self { keys }
    }

    /// Of the text of an `.npmrc` alone.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let mut keys = BTreeMap::new();
        read_into(text, &mut keys);
        Self { keys }
    }

    /// Takes over every key of another configuration.
    pub fn merge(&mut self, other: &Self) {
        self.keys.extend(other.keys.clone());
    }

    /// The public registry's address.
    #[must_use]
    pub fn public_registry() -> String {
        format!("https://registry.{NPM_PUBLIC_DOMAIN}/")
    }

    /// The registry that serves this package, with a slash at its end.
    #[must_use]
    pub fn registry_of(&self, name: &str) -> String {
        let scoped = name
            .strip_prefix('@')
            .and_then(|rest| rest.split_once('/'))
            .and_then(|(scope, _)| self.keys.get(&format!("@{scope}:registry")));
        let found = scoped.or_else(|| self.keys.get("registry")).cloned().unwrap_or_else(Self::public_registry);
        if found.ends_with('/') { found } else { format!("{found}/") }
    }

    /// The token for addresses below this registry, if one is configured.
    #[must_use]
    pub fn token_of(&self, registry: &str) -> Option<&str> {
        let bare = registry.split_once("://").map_or(registry, |(_, rest)| rest);
        self.keys.get(&format!("//{bare}:_authToken")).map(String::as_str)
    }

    /// The file of certificates to trust instead of the system's.
    #[must_use]
    pub fn cafile(&self) -> Option<&str> {
        self.keys.get("cafile").map(String::as_str).filter(|path| !path.is_empty())
    }

    /// The proxy for https addresses, where npm's configuration names one.
    #[must_use]
    pub fn proxy(&self) -> Option<&str> {
        let named = self.keys.get("https-proxy").or_else(|| self.keys.get("proxy"));
        named.map(String::as_str).filter(|url| !url.is_empty() && *url != "null")
    }
}

fn env_key(key: &str) -> Option<String> {
    let lower = format!("npm_config_{key}");
    env::var(&lower).or_else(|_| env::var(lower.to_uppercase())).ok().filter(|value| !value.is_empty())
}

fn read_into(text: &str, keys: &mut BTreeMap<String, String>) {
    for line in text.lines().map(str::trim) {
        if line.starts_with(['#', ';', '[']) {
            continue;
        }
        if let Some((key, value)) = line.split_once('=') {
            let value = value.trim().trim_matches('"');
            keys.insert(key.trim().to_owned(), env_expand(value));
        }
    }
}

/// `${NAME}` becomes the environment's value, as in npm; one that is not set stays as it is.
fn env_expand(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let name = &rest[start + 2..start + length];
        out.push_str(&rest[..start]);
        match env::var(name) {
            Ok(found) => out.push_str(&found),
            Err(_) => out.push_str(&rest[start..=start + length]),
        }
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_tokens_and_defaults() {
        let config = NpmConfig::of_text(
            "; comment\nregistry = https://mirror.example/npm\n@corp:registry=https://corp.example/\n//corp.example/:_authToken=abc\n",
        );
        assert_eq!(config.registry_of("lodash"), "https://mirror.example/npm/");
        assert_eq!(config.registry_of("@corp/x"), "https://corp.example/");
        assert_eq!(config.token_of("https://corp.example/"), Some("abc"));
        assert_eq!(config.token_of("https://mirror.example/npm/"), None);
        assert!(!format!("{config:?}").contains("abc"));
        assert!(NpmConfig::default().registry_of("x").contains(NPM_PUBLIC_DOMAIN));
    }
}
