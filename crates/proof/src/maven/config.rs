//! Which repository, by Maven's own configuration: the user's settings, then the machine's. Reads configuration only;
//! must not print or keep what it holds besides the few keys it knows.

use std::env;
use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node};

/// The public repository's host, in parts: the one place where it is written.
const MAVEN_PUBLIC_HOST: [&str; 4] = ["repo", "maven", "apache", "org"];
/// The id that the public repository has in settings.
const CENTRAL: &str = "central";
/// Largest settings file read, in bytes.
const SETTINGS_BYTES_MAX: u64 = 256 << 10;

/// What of Maven's configuration is heeded.
#[derive(Clone, Default)]
pub struct MavenConfig {
    repository: Option<String>,
    authorisation: Option<String>,
    proxy: Option<String>,
}

impl std::fmt::Debug for MavenConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An address may hold a password.
        f.debug_struct("MavenConfig").field("mirrored", &self.repository.is_some()).finish_non_exhaustive()
    }
}

impl MavenConfig {
    /// Reads the configuration as Maven would.
    #[must_use]
    pub fn load() -> Self {
        let machine = env::var_os("MAVEN_HOME").map(|home| PathBuf::from(home).join("conf/settings.xml"));
        let user = env::home_dir().map(|home| home.join(".m2/settings.xml"));
        let mut found = Self::default();
        let system = ["/etc/maven/settings.xml", "/usr/share/maven/conf/settings.xml"].map(PathBuf::from);
        let system = system.into_iter().find(|path| path.is_file());
        for file in [machine.or(system), user].into_iter().flatten() {
            let small = fs::metadata(&file).is_ok_and(|about| about.is_file() && about.len() <= SETTINGS_BYTES_MAX);
            if small && let Ok(text) = fs::read_to_string(&file) {
                found = Self::of_text(&text).or(found);
            }
        }
        found
    }

    /// Of the text of settings alone; what cannot be read says nothing.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let Ok(document) = Document::parse(text) else { return Self::default() };
        let root = document.root_element();
        let mirror = items(root, "mirrors", "mirror").find(|mirror| {
            let blocked = word(*mirror, "blocked").is_some_and(|word| word == "true");
            !blocked && word(*mirror, "mirrorOf").is_some_and(|of| is_mirror_of_central(&of))
        });
        let id = mirror.and_then(|mirror| word(mirror, "id")).unwrap_or_else(|| CENTRAL.to_owned());
        let server = items(root, "servers", "server").find(|server| word(*server, "id").as_deref() == Some(&id));
        let authorisation = server.and_then(|server| {
            let (user, password) = (word(server, "username")?, word(server, "password")?);
            // A password in braces is encrypted by a key of Maven's own.
            (!password.starts_with('{')).then(|| format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
        });
        let active = |proxy: &Node<'_, '_>| word(*proxy, "active").is_none_or(|word| word == "true");
        let proxy = items(root, "proxies", "proxy").find(active).and_then(|proxy| {
            let port = word(proxy, "port").unwrap_or_else(|| "8080".into());
            Some(format!("http://{}:{port}", word(proxy, "host")?))
        });
        Self { repository: mirror.and_then(|mirror| word(mirror, "url")), authorisation, proxy }
    }

    fn or(self, other: Self) -> Self {
        let (repository, authorisation) = match self.repository.is_some() || self.authorisation.is_some() {
            true => (self.repository, self.authorisation),
            false => (other.repository, other.authorisation),
        };
        Self { repository, authorisation, proxy: self.proxy.or(other.proxy) }
    }

    /// The repository's address, without a slash at its end.
    #[must_use]
    pub fn repository(&self) -> String {
        let public = || format!("https://{}/maven2", MAVEN_PUBLIC_HOST.join("."));
        self.repository.as_deref().map_or_else(public, |url| url.trim_end_matches('/').to_owned())
    }

    /// What is sent along to that address and nowhere else.
    #[must_use]
    pub fn authorisation(&self) -> Option<&str> {
        self.authorisation.as_deref()
    }

    /// The proxy, where the configuration names one.
    #[must_use]
    pub fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref()
    }
}

fn items<'a, 'i>(root: Node<'a, 'i>, list: &'static str, item: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    let lists = root.children().filter(move |node| node.has_tag_name_any(list));
    lists.flat_map(move |node| node.children().filter(move |node| node.has_tag_name_any(item)))
}

/// The text of a child, with variables of the environment put in.
fn word(node: Node<'_, '_>, name: &str) -> Option<String> {
    let text = node.children().find(|child| child.has_tag_name_any(name))?.text()?.trim();
    let Some((before, rest)) = text.split_once("${env.") else { return Some(text.to_owned()) };
    let (variable, after) = rest.split_once('}')?;
    Some(format!("{before}{}{after}", env::var(variable).ok()?))
}

fn is_mirror_of_central(list: &str) -> bool {
    let mut words = list.split(',').map(str::trim);
    let excluded = words.clone().any(|word| word.strip_prefix('!') == Some(CENTRAL));
    !excluded && words.any(|word| [CENTRAL, "*", "external:*"].contains(&word))
}

/// Names of elements without regard to the name space, which settings may have or not.
pub(super) trait NamedAny {
    /// Whether this is an element of that name.
    fn has_tag_name_any(&self, name: &str) -> bool;
}

impl NamedAny for Node<'_, '_> {
    fn has_tag_name_any(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_of_central_is_taken_with_what_is_said_of_its_server() {
        let text = "<settings xmlns='http://maven.apache.org/SETTINGS/1.2.0'><mirrors>\
            <mirror><id>no</id><mirrorOf>external:http:*</mirrorOf><url>http://no.example</url></mirror>\
            <mirror><id>m</id><mirrorOf>*,!other</mirrorOf><url>https://mirror.example/m/</url></mirror></mirrors>\
            <servers><server><id>m</id><username>u</username><password>p</password></server></servers></settings>";
        let config = MavenConfig::of_text(text);
        assert_eq!(config.repository(), "https://mirror.example/m");
        assert_eq!(config.authorisation(), Some("Basic dTpw"));
        assert!(!format!("{config:?}").contains("dTpw"));
        assert!(MavenConfig::of_text("<x").repository().ends_with("/maven2"));
        assert!(MavenConfig::of_text("<!DOCTYPE x [<!ENTITY y 'z'>]><settings/>").repository().ends_with("/maven2"));
        assert!(!is_mirror_of_central("*,!central") && is_mirror_of_central("central"));
    }
}
