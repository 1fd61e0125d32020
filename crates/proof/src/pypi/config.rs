//! Which index, by pip's own configuration: environment, then the user's file, then the machine's. Reads configuration
//! only; must not print or keep what it holds besides the few keys it knows.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;

/// The public index's host, in parts: the one place where it is written.
const PYPI_PUBLIC_HOST: [&str; 2] = ["pypi", "org"];
/// Largest configuration file read, in bytes.
const PIP_CONF_BYTES_MAX: u64 = 256 << 10;

/// What of pip's configuration is heeded.
#[derive(Clone, Default)]
pub struct PipConfig {
    keys: BTreeMap<String, String>,
}

impl std::fmt::Debug for PipConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An index's address may hold a password: the keys alone are shown.
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

impl PipConfig {
    /// Reads the configuration as pip would.
    #[must_use]
    pub fn load() -> Self {
        let home = env::home_dir();
        let below = |rest: &str| home.as_ref().map(|home| home.join(rest));
        let config = env::var_os("XDG_CONFIG_HOME").map(|dir| PathBuf::from(dir).join("pip/pip.conf"));
        let files = [
            Some(PathBuf::from("/etc/pip.conf")),
            below(".pip/pip.conf"),
            config.or_else(|| below(".config/pip/pip.conf")),
            env::var_os("PIP_CONFIG_FILE").map(PathBuf::from),
        ];
        let mut keys = BTreeMap::new();
        for file in files.into_iter().flatten() {
            let small = fs::metadata(&file).is_ok_and(|about| about.is_file() && about.len() <= PIP_CONF_BYTES_MAX);
            if small && let Ok(text) = fs::read_to_string(&file) {
                read_into(&text, &mut keys);
            }
        }
        for key in ["index-url", "cert", "proxy"] {
            let name = format!("PIP_{}", key.replace('-', "_").to_uppercase());
            if let Ok(value) = env::var(name)
                && !value.is_empty()
            {
                keys.insert(key.to_owned(), value);
            }
        }
        Self { keys }
    }

    /// Of the text of a configuration file alone.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let mut keys = BTreeMap::new();
        read_into(text, &mut keys);
        Self { keys }
    }

    /// The index's address, with a slash at its end and without a name or password, and the authorisation for it.
    #[must_use]
    pub fn index(&self) -> (String, Option<String>) {
        let public = || format!("https://{}/simple/", PYPI_PUBLIC_HOST.join("."));
        let mut url = self.keys.get("index-url").cloned().unwrap_or_else(public);
        if !url.ends_with('/') {
            url.push('/');
        }
        let Some((scheme, rest)) = url.split_once("://") else { return (url, None) };
        let host_end = rest.find('/').unwrap_or(rest.len());
        match rest[..host_end].rsplit_once('@') {
            Some((user, _)) => {
                let bare = format!("{scheme}://{}", &rest[user.len() + 1..]);
                (bare, Some(user.to_owned()))
            }
            None => (url, None),
        }
    }

    /// The file of certificates to trust instead of the system's.
    #[must_use]
    pub fn cafile(&self) -> Option<&str> {
        self.keys.get("cert").map(String::as_str).filter(|path| !path.is_empty())
    }

    /// The proxy for https addresses, where pip's configuration names one.
    #[must_use]
    pub fn proxy(&self) -> Option<&str> {
        self.keys.get("proxy").map(String::as_str).filter(|url| !url.is_empty())
    }
}

/// Keys of `[global]` and `[install]`, whichever comes last.
fn read_into(text: &str, keys: &mut BTreeMap<String, String>) {
    let mut heeded = false;
    for line in text.lines() {
        let bare = line.trim();
        if bare.starts_with('[') {
            heeded = ["[global]", "[install]"].contains(&bare);
        } else if heeded
            && !bare.starts_with(['#', ';'])
            && let Some((key, value)) = bare.split_once(['=', ':'])
        {
            keys.insert(key.trim().replace('_', "-"), value.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_with_its_password_apart() {
        let config = PipConfig::of_text(
            "[list]\nindex-url = https://no.example\n[global]\n# x\nindex_url = https://u:p@mirror.example/simple\ncert=/c.pem\n",
        );
        assert_eq!(config.index(), ("https://mirror.example/simple/".to_owned(), Some("u:p".to_owned())));
        assert_eq!(config.cafile(), Some("/c.pem"));
        assert!(!format!("{config:?}").contains("u:p"));
        assert!(PipConfig::default().index().0.ends_with("/simple/"));
    }
}
