//! PyPI: the index, what its files are called, and which versions a package needs. A folder beside `npm`, used by
//! `runtime::python`. Must not run anything outside a box.

pub mod build;
pub mod config;
pub mod failure;
pub mod index;
pub mod interpreter;
pub mod requirement;
pub mod resolve;
pub mod self_test;
pub mod stub;

/// Longest name of a package, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// The name as the index compares names: small letters, and one `-` for each run of `-`, `_` and `.` (PEP 503).
#[must_use]
pub fn name_normal(name: &str) -> String {
    let parts: Vec<_> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

/// Whether this can be the name of a package.
#[must_use]
pub fn name_is_valid(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    name.len() <= NAME_BYTES_MAX
        && name.bytes().all(plain)
        && ends(name.as_bytes().first())
        && ends(name.as_bytes().last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_the_index_does() {
        assert_eq!(name_normal("Zope.Interface__x"), "zope-interface-x");
        for (name, valid) in
            [("PyYAML", true), ("a.b-c_1", true), ("", false), ("-a", false), ("a/b", false), ("..", false)]
        {
            assert_eq!(name_is_valid(name), valid, "{name}");
        }
    }
}
