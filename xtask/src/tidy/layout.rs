//! Where things may stand: SQL in `store`, unsafe code in the sandbox, no file, clock or process in the pure packages, one
//! integration binary per package, the workspace's lints in every package, twin migrations for both engines.

use super::Finding;
use super::rust::{Role, Source};
use super::tree::Tree;
use std::collections::BTreeSet;

/// The only package with SQL in it, and the one that makes its test databases.
const SQL_PACKAGES: [&str; 2] = ["store", "testkit"];
/// Where SQL stands as data: the tables in a database file that proofs of injection are run against, and the program in a box
/// that shows such an injection.
const SQL_AS_DATA: [&str; 2] = ["crates/proof/src/harness/database.rs", "crates/proof/src/pypi/self_test.rs"];
/// The only folder in which unsafe code may be allowed.
const UNSAFE_FOLDER: &str = "crates/proof/src/sandbox/";
/// Written in two parts so that this file does not find itself.
const UNSAFE_ALLOWED: &str = concat!("allow(unsafe", "_code)");
/// How a statement begins, lower case, after the quote.
const SQL_OPENINGS: [&str; 6] =
    ["select ", "insert into ", "delete from ", "create table ", "alter table ", "drop table "];
/// Values in, values out.
const PURE_PACKAGES: [&str; 5] = ["domain", "versions", "formats", "triage", "intake"];
/// Ways out of a pure package through the standard library.
const OUTSIDE: [&str; 8] =
    ["std::fs", "TcpStream", "UdpSocket", "std::process", "std::env", "std::thread", "SystemTime", "Instant::now"];
/// The file that lists every migration.
const MIGRATION_LIST: &str = "crates/store/src/migration.rs";
const MIGRATIONS: [&str; 2] = ["crates/store/migrations/sqlite/", "crates/store/migrations/postgres/"];

pub fn check(sources: &[Source<'_>], tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        findings.extend(check_sql(source));
        findings.extend(check_unsafe(source));
        findings.extend(check_pure(source));
    }
    findings.extend(check_test_binaries(tree));
    findings.extend(check_lints(tree));
    findings.extend(check_migrations(tree));
    findings
}

fn check_sql(source: &Source<'_>) -> Vec<Finding> {
    if SQL_AS_DATA.contains(&source.path)
        || SQL_PACKAGES.contains(&source.package())
        || source.role == Role::Test
        || source.package() == "xtask"
    {
        return Vec::new();
    }
    let is_sql = |text: &str| {
        let lower = text.to_ascii_lowercase();
        SQL_OPENINGS.iter().any(|opening| lower.contains(&format!("\"{opening}")))
    };
    let lines = source.code_lines().filter(|(_, text)| is_sql(text));
    lines.map(|(line, _)| Finding::new(source.path, line, "SQL stands in crates/store and nowhere else")).collect()
}

fn check_unsafe(source: &Source<'_>) -> Vec<Finding> {
    if source.path.starts_with(UNSAFE_FOLDER) {
        return Vec::new();
    }
    let numbered = source.text.lines().enumerate().filter(|(_, text)| text.contains(UNSAFE_ALLOWED));
    let message = format!("unsafe code stands in {UNSAFE_FOLDER} and nowhere else");
    numbered.map(|(index, _)| Finding::new(source.path, index + 1, message.clone())).collect()
}

fn check_pure(source: &Source<'_>) -> Vec<Finding> {
    if !PURE_PACKAGES.contains(&source.package()) || source.role != Role::Library {
        return Vec::new();
    }
    let lines =
        source.code_lines().filter_map(|(line, text)| Some((line, OUTSIDE.iter().find(|out| text.contains(**out))?)));
    let message = |out: &str| format!("{} is pure: no {out}; take the value as an argument", source.package());
    lines.map(|(line, out)| Finding::new(source.path, line, message(out))).collect()
}

fn check_test_binaries(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in tree.files().keys().filter(|path| path.starts_with("crates/") && path.ends_with(".rs")) {
        let parts: Vec<&str> = path.split('/').collect();
        let another_binary = match parts.as_slice() {
            [_, _, "tests", _file] => true,
            [_, _, "tests", folder, "main.rs"] => *folder != "it",
            _ => false,
        };
        if another_binary {
            findings.push(Finding::new(
                path,
                1,
                "one integration binary per package: make it a module of tests/it/main.rs",
            ));
        }
    }
    findings
}

fn check_lints(tree: &Tree) -> Vec<Finding> {
    let manifests = tree.texts().filter(|(path, _)| {
        *path == "xtask/Cargo.toml" || (path.starts_with("crates/") && path.ends_with("/Cargo.toml"))
    });
    let without = manifests.filter(|(_, text)| !text.replace(' ', "").contains("[lints]\nworkspace=true"));
    let message = "inherit the workspace's lints: [lints] workspace = true";
    without.map(|(path, _)| Finding::new(path, 1, message)).collect()
}

fn check_migrations(tree: &Tree) -> Vec<Finding> {
    let names = |folder: &str| -> BTreeSet<String> {
        tree.files().keys().filter_map(|path| path.strip_prefix(folder)).map(str::to_owned).collect()
    };
    let mut findings = Vec::new();
    let [first, second] = MIGRATIONS;
    for (here, there) in [(first, second), (second, first)] {
        for name in names(here).difference(&names(there)) {
            findings.push(Finding::new(&format!("{here}{name}"), 1, format!("has no twin in {there}")));
        }
        let list = tree.text(MIGRATION_LIST).unwrap_or_default();
        let folder = here.trim_start_matches("crates/store/");
        for name in names(here).iter().filter(|name| !list.contains(&format!("{folder}{name}"))) {
            findings.push(Finding::new(&format!("{here}{name}"), 1, format!("is not listed in {MIGRATION_LIST}")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::rust::parse_all;
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let tree = Tree::of(files);
        let (sources, _) = parse_all(&tree);
        check(&sources, &tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn sql_outside_the_store_is_found() {
        let text = "fn a() -> &'static str {\n    \"SELECT id FROM cases\"\n}\n";
        assert_eq!(found(&[("crates/service/src/a.rs", text)]).len(), 1);
        assert!(found(&[("crates/store/src/a.rs", text), ("crates/service/tests/it/a.rs", text)]).is_empty());
    }

    #[test]
    fn unsafe_code_outside_the_sandbox_is_found() {
        let text = format!("#![{UNSAFE_ALLOWED}]\n");
        assert_eq!(found(&[("crates/store/src/a.rs", &text)]).len(), 1);
        assert!(found(&[("crates/proof/src/sandbox/sys.rs", &text)]).is_empty());
    }

    #[test]
    fn a_clock_in_a_pure_package_is_found() {
        let text = "fn now() -> u64 {\n    let t = std::time::SystemTime::now();\n}\n";
        assert_eq!(found(&[("crates/domain/src/a.rs", text)]).len(), 1);
        assert!(found(&[("crates/store/src/a.rs", text), ("crates/domain/tests/it/a.rs", text)]).is_empty());
    }

    #[test]
    fn a_second_integration_binary_is_found() {
        assert_eq!(found(&[("crates/store/tests/claims.rs", "")]).len(), 1);
        assert_eq!(found(&[("crates/store/tests/other/main.rs", "")]).len(), 1);
        assert!(found(&[("crates/store/tests/it/main.rs", ""), ("crates/store/tests/it/claims.rs", "")]).is_empty());
    }

    #[test]
    fn a_package_without_the_lints_is_found() {
        assert_eq!(found(&[("crates/store/Cargo.toml", "[package]\n")]).len(), 1);
        assert!(found(&[("crates/store/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n")]).is_empty());
    }

    #[test]
    fn a_migration_for_one_engine_only_or_not_listed_is_found() {
        let (sqlite, postgres) =
            ("crates/store/migrations/sqlite/0002_x.sql", "crates/store/migrations/postgres/0002_x.sql");
        let list = "//! \"../migrations/sqlite/0002_x.sql\" \"../migrations/postgres/0002_x.sql\"";
        assert!(found(&[(MIGRATION_LIST, list), (sqlite, ""), (postgres, "")]).is_empty());
        let lonely = found(&[(MIGRATION_LIST, list), (sqlite, "")]);
        assert_eq!(lonely, [format!("{sqlite}:1: has no twin in crates/store/migrations/postgres/")]);
        assert_eq!(found(&[(MIGRATION_LIST, "//!"), (sqlite, ""), (postgres, "")]).len(), 2);
    }
}
