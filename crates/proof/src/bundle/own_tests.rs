//! Reads `[tests]`: programs that try the target as its maintainers do, run when a fix is verified.
//! Must not look at other files of the bundle, except by their names.

use toml::de::DeTable;

use super::manifest;
use super::reader::{Findings, Section};
use crate::runtime::Row;

/// The programs of `[tests]`.
pub(super) fn programs(
    table: &DeTable<'_>,
    by: Option<&Row>,
    files: &[&str],
    found: &mut Findings<'_>,
) -> Option<Vec<String>> {
    let mut section = Section::of(table, "tests", found);
    let value = section.value("programs", true);
    section.refuse_rest();
    let value = value?;
    let Some(list) = value.get_ref().as_array() else {
        section.wrong_type("programs", value, "a list of files of the bundle");
        return None;
    };
    let endings = by.map(|row| row.endings).unwrap_or_default();
    let runs = |name: &&str| files.contains(name) && endings.iter().any(|ending| name.ends_with(ending));
    let named: Vec<String> =
        list.iter().filter_map(|item| item.get_ref().as_str().filter(runs).map(ToOwned::to_owned)).collect();
    if named.len() != list.len() || !(1..=manifest::TESTS_COUNT_MAX).contains(&named.len()) {
        let message = format!(
            "1 to {} files of the bundle are wanted that end in {}",
            manifest::TESTS_COUNT_MAX,
            endings.join(", ")
        );
        section.wrong("malformed-tests", "programs", Some(value.span()), message);
        return None;
    }
    Some(named)
}
