//! Where the package registries are: what npm's and pip's own configuration says, their public ones otherwise. Reads
//! configuration, builds URLs, and looks a file up in a PyPI index; it must not know what is fetched or why.

use super::download;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// npm's public registry is the host `registry` of this domain. The only place in xtask that names it.
const NPM_PUBLIC_DOMAIN: &str = "npmjs.org";
/// PyPI's public index is this name under `org`.
const PYPI_PUBLIC_NAME: &str = "pypi";
/// An index page of one project with a few dozen files.
const INDEX_PAGE_BYTES_MAX: usize = 16 << 20;

/// The registries this machine is set up for.
pub struct Registries {
    /// npm settings, lower-case keys as npm writes them (`registry`, `@scope:registry`).
    npm: HashMap<String, String>,
    /// Base URL of a PyPI "simple" index, without the final slash.
    pypi: String,
}

impl Registries {
    /// Reads the environment, then the files npm and pip would read in `root`, the home folder and `/etc`.
    pub fn from_environment(root: &Path) -> Result<Self> {
        let environment: HashMap<String, String> = std::env::vars().collect();
        let home = std::env::home_dir().unwrap_or_default();
        let npm_files = npm_config_paths(&environment, root, &home);
        let npm_texts: Vec<String> = npm_files.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
        let pip_files = pip_config_paths(&environment, &home);
        let pip_texts: Vec<String> = pip_files.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
        Ok(Self { npm: npm_settings(&environment, &npm_texts), pypi: pypi_index(&environment, &pip_texts) })
    }

    /// The tarball's URL by npm's convention: the same for every registry that speaks npm's protocol.
    pub fn npm_tarball_url(&self, name: &str, version: &str) -> String {
        let scope = name.split_once('/').map(|(scope, _)| scope);
        let scoped = scope.and_then(|scope| self.npm.get(&format!("{scope}:registry")));
        let base = scoped.or_else(|| self.npm.get("registry")).cloned().unwrap_or_else(npm_public_registry);
        let file = name.rsplit('/').next().unwrap_or(name);
        format!("{}/{name}/-/{file}-{version}.tgz", base.trim_end_matches('/'))
    }

    /// Asks the index where `file` of `project` is.
    pub fn pypi_file_url(&self, project: &str, file: &str) -> Result<String> {
        let page_url = format!("{}/{project}/", self.pypi);
        let page = download::fetch(&page_url, INDEX_PAGE_BYTES_MAX)?;
        let page = String::from_utf8(page).with_context(|| format!("read {page_url} as UTF-8"))?;
        let link = link_in_index(&page, file).with_context(|| format!("find {file} in {page_url}"))?;
        download::absolute(&page_url, &link)
    }
}

fn npm_public_registry() -> String {
    format!("https://registry.{NPM_PUBLIC_DOMAIN}/")
}

fn pypi_public_index() -> String {
    format!("https://{PYPI_PUBLIC_NAME}.org/simple")
}

/// Nearest first, as npm reads them: the project's, the user's, the machine's.
fn npm_config_paths(environment: &HashMap<String, String>, root: &Path, home: &Path) -> Vec<PathBuf> {
    let named = |key: &str| environment.get(key).map(PathBuf::from);
    vec![
        root.join(".npmrc"),
        named("npm_config_userconfig").unwrap_or_else(|| home.join(".npmrc")),
        named("npm_config_globalconfig").unwrap_or_else(|| PathBuf::from("/etc/npmrc")),
    ]
}

/// Strongest first, as pip weighs them: the named file, the user's, the machine's.
fn pip_config_paths(environment: &HashMap<String, String>, home: &Path) -> Vec<PathBuf> {
    let config_home = environment.get("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
    let named = environment.get("PIP_CONFIG_FILE").map(PathBuf::from);
    let usual = [config_home.join("pip/pip.conf"), home.join(".pip/pip.conf"), PathBuf::from("/etc/pip.conf")];
    named.into_iter().chain(usual).collect()
}

/// The settings that win: `npm_config_…` of the environment over the nearest file over the farther ones.
fn npm_settings(environment: &HashMap<String, String>, files_nearest_first: &[String]) -> HashMap<String, String> {
    let mut settings = HashMap::new();
    for text in files_nearest_first.iter().rev() {
        for (key, value) in ini_lines(text) {
            settings.insert(key, with_variables(&value, environment));
        }
    }
    for (key, value) in environment {
        if let Some(setting) = key.to_ascii_lowercase().strip_prefix("npm_config_")
            && !value.is_empty()
        {
            settings.insert(setting.to_owned(), value.clone());
        }
    }
    settings
}

fn pypi_index(environment: &HashMap<String, String>, files_strongest_first: &[String]) -> String {
    let from_environment = environment.get("PIP_INDEX_URL").filter(|value| !value.is_empty()).cloned();
    let from_files = || {
        let mut found = files_strongest_first.iter().flat_map(|text| ini_lines(text));
        found.find(|(key, _)| key == "index-url" || key == "index_url").map(|(_, value)| value)
    };
    let index = from_environment.or_else(from_files).unwrap_or_else(pypi_public_index);
    index.trim_end_matches('/').to_owned()
}

/// `key = value` lines of an ini file, quotes taken off, comments and section names passed over.
fn ini_lines(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    text.lines().filter(|line| !line.trim_start().starts_with(['#', ';', '['])).filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        Some((key.trim().to_owned(), value.to_owned()))
    })
}

/// npm's `${NAME}` in a value; a name that is not set stays as written, as npm leaves it.
fn with_variables(value: &str, environment: &HashMap<String, String>) -> String {
    let mut result = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else { break };
        result.push_str(before);
        match environment.get(name) {
            Some(found) => result.push_str(found),
            None => result.push_str(&format!("${{{name}}}")),
        }
        rest = behind;
    }
    result.push_str(rest);
    result
}

#[derive(Deserialize)]
struct IndexPage {
    files: Vec<IndexFile>,
}

#[derive(Deserialize)]
struct IndexFile {
    filename: String,
    url: String,
}

/// The link to `file` in an index page, JSON (PEP 691) or HTML (PEP 503).
fn link_in_index(page: &str, file: &str) -> Option<String> {
    if let Ok(page) = serde_json::from_str::<IndexPage>(page) {
        return page.files.into_iter().find(|entry| entry.filename == file).map(|entry| entry.url);
    }
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let plain = links.map(|link| link.split('#').next().unwrap_or(link));
    plain.filter(|link| link.rsplit('/').next() == Some(file)).map(str::to_owned).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn tarball(pairs: &[(&str, &str)], files: &[&str], name: &str) -> String {
        let files: Vec<String> = files.iter().map(|text| (*text).to_owned()).collect();
        let npm = npm_settings(&environment(pairs), &files);
        Registries { npm, pypi: String::new() }.npm_tarball_url(name, "1.0.0")
    }

    #[test]
    fn npm_configuration_wins_in_npms_order() {
        let near = "; near\nregistry = \"https://near.test/npm/\"\n@pg:registry=https://${PG_HOST}/\n";
        let far = "registry=https://far.test/\n";
        assert_eq!(tarball(&[], &[near, far], "ajv"), "https://near.test/npm/ajv/-/ajv-1.0.0.tgz");
        assert_eq!(tarball(&[], &[far], "@a/b"), "https://far.test/@a/b/-/b-1.0.0.tgz");
        assert_eq!(tarball(&[("PG_HOST", "pg.test")], &[near], "@pg/x"), "https://pg.test/@pg/x/-/x-1.0.0.tgz");
        assert_eq!(
            tarball(&[("NPM_CONFIG_REGISTRY", "https://env.test")], &[near], "ajv"),
            "https://env.test/ajv/-/ajv-1.0.0.tgz"
        );
        assert!(tarball(&[], &[], "ajv").ends_with(&format!("registry.{NPM_PUBLIC_DOMAIN}/ajv/-/ajv-1.0.0.tgz")));
    }

    #[test]
    fn pip_configuration_wins_over_the_public_index() {
        let file = "[global]\nindex-url = https://mirror.test/simple/\n".to_owned();
        assert_eq!(pypi_index(&environment(&[]), std::slice::from_ref(&file)), "https://mirror.test/simple");
        let set = environment(&[("PIP_INDEX_URL", "https://env.test/simple")]);
        assert_eq!(pypi_index(&set, &[file]), "https://env.test/simple");
        assert_eq!(pypi_index(&environment(&[]), &[]), pypi_public_index());
    }

    #[test]
    fn a_file_is_found_in_either_form_of_index() {
        let json = r#"{"files":[{"filename":"osv-2.whl","url":"https://f.test/osv-2.whl"}]}"#;
        assert_eq!(link_in_index(json, "osv-2.whl").as_deref(), Some("https://f.test/osv-2.whl"));
        let html =
            r#"<a href="../../p/osv-1.whl#sha256=1">osv-1.whl</a> <a href="../../p/osv-2.whl#sha256=2">osv-2.whl</a>"#;
        assert_eq!(link_in_index(html, "osv-2.whl").as_deref(), Some("../../p/osv-2.whl"));
        assert_eq!(link_in_index(html, "osv-3.whl"), None);
    }
}
