//! What no file of the repository may hold: the host of a package registry (people have mirrors, and configuration decides) and
//! a path of somebody's machine.

use super::Finding;
use super::tree::Tree;

/// Registry hosts, in parts so that this file does not find itself.
const REGISTRY_HOSTS: [&[&str]; 11] = [
    &["registry", "npmjs", "org"],
    &["registry", "yarnpkg", "com"],
    &["pypi", "org"],
    &["files", "pythonhosted", "org"],
    &["index", "crates", "io"],
    &["static", "crates", "io"],
    &["proxy", "golang", "org"],
    &["sum", "golang", "org"],
    &["repo1", "maven", "org"],
    &["repo", "maven", "apache", "org"],
    &["deb", "debian", "org"],
];
/// npm's public domain, from which its default registry is built, and the two files that build it: the product's and this one's.
const NPM_DOMAIN: [&str; 2] = ["npmjs", "org"];
const NPM_DOMAIN_FILES: [&str; 2] = ["crates/proof/src/npm/config.rs", "xtask/src/tools/registry.rs"];
/// Top folders under which people work.
const MACHINE_FOLDERS: [&str; 3] = [concat!("/wo", "rk"), concat!("/ro", "ot"), concat!("/ho", "me/")];

/// Where hostile programs reach for such paths, and must not get them.
const REACHING_FOLDER: &str = "crates/proof/tests/it/sandbox/";

pub fn check(tree: &Tree) -> Vec<Finding> {
    let hosts: Vec<String> = REGISTRY_HOSTS.iter().map(|parts| parts.join(".")).collect();
    let npm_domain = NPM_DOMAIN.join(".");
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        for (index, line) in text.lines().enumerate() {
            let mut find = |message: String| findings.push(Finding::new(path, index + 1, message));
            if let Some(host) = hosts.iter().find(|host| line.contains(host.as_str())) {
                find(format!("{host} is a registry's host: take it from configuration"));
            } else if line.contains(&npm_domain) && !NPM_DOMAIN_FILES.contains(&path) {
                find(format!("{npm_domain} is named in {} only", NPM_DOMAIN_FILES.join(" and ")));
            }
            if let Some(folder) = machine_path(line).filter(|_| !path.starts_with(REACHING_FOLDER)) {
                find(format!("{folder} is a path of somebody's machine"));
            }
        }
    }
    findings
}

/// The folder of which `line` holds an absolute path, if any.
fn machine_path(line: &str) -> Option<&'static str> {
    MACHINE_FOLDERS.into_iter().find(|folder| {
        line.match_indices(folder).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + folder.len()..].chars().next();
            let begins = before.is_none_or(|c| !(c.is_alphanumeric() || "./~-_}$)]*".contains(c)));
            let ends = if folder.ends_with('/') {
                after.is_some_and(|c| c.is_alphanumeric())
            } else {
                after.is_none_or(|c| !(c.is_alphanumeric() || "-_.".contains(c)))
            };
            begins && ends
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn every_registry_host_is_found() {
        for parts in REGISTRY_HOSTS {
            assert_eq!(found("docs/a.md", &format!("see https://{}/x", parts.join("."))), 1, "{parts:?}");
        }
    }

    #[test]
    fn the_npm_domain_is_found_outside_its_two_files() {
        let text = format!("const D: &str = \"{}\";", NPM_DOMAIN.join("."));
        assert_eq!(found("crates/store/src/a.rs", &text), 1);
        assert_eq!(found(NPM_DOMAIN_FILES[0], &text), 0);
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        let [work, root, home] = MACHINE_FOLDERS;
        for line in [format!("cd {work}/x"), format!("\"{root}\""), format!("{home}alice/x"), format!("`{root}/.ssh`")]
        {
            assert_eq!(found("docs/a.md", &line), 1, "{line}");
        }
        for line in [format!("packages{work}/x"), format!("{work}space"), format!("~{root}"), format!("\"{home}\"")] {
            assert_eq!(found("docs/a.md", &line), 0, "{line}");
        }
    }
}
