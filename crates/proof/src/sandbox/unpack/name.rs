//! Which names may leave a box. Pure; used inside, where it refuses, and outside, where it refuses again.

/// The most bytes of one component of a name: what Linux file systems take.
pub const COMPONENT_BYTES_MAX: usize = 255;

/// Whether a relative name can be made below a folder without ever leaving it: components joined by `/`, none empty,
/// `.`, `..` or over-long, and no NUL.
pub fn is_safe(name: &str) -> bool {
    !name.is_empty() && name.split('/').all(is_component)
}

fn is_component(part: &str) -> bool {
    !part.is_empty() && part != "." && part != ".." && part.len() <= COMPONENT_BYTES_MAX && !part.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_names_are_safe() {
        for name in ["a", "a/b", "..a", "a..", "a/...", "Icon\r", " ", "a\\..\\b"] {
            assert!(is_safe(name), "{name:?}");
        }
        let long = "x".repeat(COMPONENT_BYTES_MAX + 1);
        for name in ["", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\0b", long.as_str()] {
            assert!(!is_safe(name), "{name:?}");
        }
    }
}
