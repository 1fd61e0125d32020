//! No file may hold what an unfinished merge leaves in it: no tool complains of such lines in a document.

use super::Finding;
use super::tree::Tree;

/// What stands at the beginning of a line on either side of a conflict; in parts so that this file does not find itself.
const MARKS: [&str; 2] = [concat!("<<<<", "<<< "), concat!(">>>>", ">>> ")];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let lines = tree.texts().flat_map(|(path, text)| text.lines().enumerate().map(move |(at, line)| (path, at, line)));
    let left = lines.filter(|(_, _, line)| MARKS.iter().any(|mark| line.starts_with(mark)));
    left.map(|(path, at, _)| Finding::new(path, at + 1, "an unfinished merge: settle it".to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_at_the_beginning_of_a_line() {
        let text = format!("a\n{}HEAD\nb\n{}other\n  {}quoted\n", MARKS[0], MARKS[1], MARKS[0]);
        let tree = Tree::of(&[("README.md", &text)]);
        let lines: Vec<usize> = check(&tree).iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [2, 4]);
    }
}
