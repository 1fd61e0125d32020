//! Which names may leave a box. Pure; used inside, where it refuses, and outside, where it refuses again.

/// The most bytes of one component of a name: what Linux file systems take.
pub const COMPONENT_BYTES_MAX: usize = 255;
/// The most bytes of a whole name: what Linux takes.
pub const NAME_BYTES_MAX: usize = 4_095;
/// The most bytes of a symbolic link's target: what Linux takes.
pub const LINK_BYTES_MAX: usize = 4_095;

/// Whether a relative name can be made below a folder without ever leaving it: components joined by `/`, none empty,
/// `.`, `..` or over-long, no NUL, and not over-long as a whole: the disk's refusal would be taken for this machine's fault.
pub fn is_safe(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.split('/').all(is_component)
}

/// Whether a symbolic link at a safe `path` may have this target: relative, and up only at its beginning and no further
/// than the root of the names. The folders of `path` are real ones, so where this holds for every link below the root
/// no chain of them leads out of it.
pub fn is_safe_link(path: &str, target: &str) -> bool {
    let folders = path.split('/').count() - 1;
    let mut parts = target.split('/').filter(|part| *part != ".").skip_while(|part| *part == "..");
    let up = target.split('/').filter(|part| *part != ".").take_while(|part| *part == "..").count();
    !target.is_empty()
        && !target.starts_with('/')
        && target.len() <= LINK_BYTES_MAX
        && up <= folders
        && parts.all(|part| part != ".." && part.len() <= COMPONENT_BYTES_MAX && !part.contains('\0'))
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
        let deep = "d/".repeat(NAME_BYTES_MAX / 2);
        assert!(is_safe(&format!("{deep}d")) && !is_safe(&format!("{deep}dd")));
        for name in ["", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\0b", long.as_str()] {
            assert!(!is_safe(name), "{name:?}");
        }
    }

    #[test]
    fn only_links_that_stay_below_the_root_are_safe() {
        for (path, target) in
            [("a", "b"), ("a", "b/c"), ("a", "."), ("d/a", ".."), ("d/e/a", "../../x"), ("d/a", ".././x"), ("a", "..b")]
        {
            assert!(is_safe_link(path, target), "{path} -> {target}");
        }
        let long = "x/".repeat(LINK_BYTES_MAX);
        for (path, target) in [
            ("a", ""),
            ("a", "/"),
            ("a", "/box/a"),
            ("a", ".."),
            ("a", "./../x"),
            ("d/a", "../.."),
            ("d/a", "x/../y"),
            ("d/e/f/a", "../x/../../../.."),
            ("a", "b\0c"),
            ("a", long.as_str()),
        ] {
            assert!(!is_safe_link(path, target), "{path} -> {target}");
        }
    }
}
