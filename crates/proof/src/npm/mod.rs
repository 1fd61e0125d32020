//! The npm registry as a source of exact bytes: packuments, tarballs by digest, and dependency trees of them.
//!
//! Nothing here runs a package's code: no install scripts, and tarballs are unpacked in the sandbox.

pub mod config;
pub mod layer;
pub mod packument;
pub mod registry;
pub mod resolve;

/// Longest name of a package, in bytes; the registry's own rule.
pub const NAME_BYTES_MAX: usize = 214;

/// Whether this can be the name of a package: also what keeps names from being paths.
#[must_use]
pub fn name_is_valid(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '_', '-'])
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '!' | '*' | '\'' | '(' | ')'))
    };
    if name.len() > NAME_BYTES_MAX || name == "node_modules" {
        return false;
    }
    match name.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').is_some_and(|(scope, name)| part(scope) && part(name)),
        None => part(name),
    }
}

#[cfg(test)]
mod tests {
    use super::name_is_valid;

    #[test]
    fn names() {
        for good in ["lodash", "@babel/core", "JSONStream", "a.b", "is-odd"] {
            assert!(name_is_valid(good), "{good}");
        }
        for bad in
            ["", ".", "..", "../x", "@a", "@/b", "@a/", "@a/b/c", "a/b", "a\\b", "-x", "node_modules", "a b", "@../x"]
        {
            assert!(!name_is_valid(bad), "{bad}");
        }
    }
}
