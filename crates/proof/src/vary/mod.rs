//! Other inputs of the same kind: rewrites the literals of a program, or the bytes of an input file, at random by a seed.
//!
//! Pure. Must not say whether a rewritten program still shows anything: whoever runs it measures that.

mod bytes;
mod literal;
mod text;

pub use literal::{Literal, LiteralKind, Syntax, literals};

/// Longest description of a change, in characters.
const CHANGE_CHARS_MAX: usize = 120;
/// Changes of one variant.
const CHANGES_COUNT_MAX: u64 = 3;

/// A rewritten file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// Its new content.
    pub bytes: Vec<u8>,
    /// What was changed, for a person.
    pub change: String,
}

/// Numbers that look random and follow from a seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`; 0 where that is 0.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }

    /// A word of small letters.
    fn word(&mut self) -> String {
        let length = 3 + self.below(8);
        (0..length).map(|_| char::from(b'a' + u8::try_from(self.below(26)).unwrap_or_default())).collect()
    }
}

/// The file with one to three things in it rewritten; `None` where there is nothing to rewrite. `name` decides its syntax; a
/// name with an ending that is no program's is an input file.
#[must_use]
pub fn rewrite(name: &str, content: &[u8], dice: &mut Dice) -> Option<Rewritten> {
    let Some(syntax) = Syntax::of(name) else { return bytes::rewrite(content, dice) };
    let mut text = String::from_utf8(content.to_vec()).ok()?;
    let mut changes: Vec<String> = Vec::new();
    // Most often one change: what still fires then differs from the proof in one thing that can be named.
    let wanted = if dice.below(3) == 0 { 1 + dice.next() % CHANGES_COUNT_MAX } else { 1 };
    for _ in 0..wanted {
        if let Some((next, change)) = text::rewrite(&text, syntax, dice) {
            text = next;
            changes.push(change);
        }
    }
    let bytes = text.into_bytes();
    (bytes != content && !changes.is_empty()).then(|| Rewritten { bytes, change: changes.join("; ") })
}

/// A text as a description shows it.
fn shown(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(CHANGE_CHARS_MAX).collect();
    if text.chars().count() > CHANGE_CHARS_MAX { format!("{plain}…") } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_and_another_makes_another() {
        let poc = b"set({}, '__proto__.polluted', 'yes'); pad(7);\n";
        let made = |seed| {
            let mut dice = Dice::new(seed);
            (0..20).filter_map(|_| rewrite("poc.js", poc, &mut dice)).map(|made| made.change).collect::<Vec<_>>()
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
        assert!(made(1).len() > 15);
    }

    #[test]
    fn every_kind_of_file_is_rewritten_and_stays_one_of_its_kind() {
        for (name, text) in [
            ("poc.py", "x = f('a.b/c', \"d\", 12)\n"),
            ("poc.go", "x := f(\"a.b/c\", `d`, 12)\n"),
            ("poc.rs", "let x: &'static str = f(\"a.b/c\", r#\"d\"#, 12);\n"),
            ("poc.js", "x = f('a.b/c', `d`, 12)\n"),
        ] {
            let syntax = Syntax::of(name).unwrap();
            let count = literals(text, syntax).len();
            assert_eq!(count, 3, "{name}");
            let mut dice = Dice::new(7);
            for _ in 0..200 {
                let Some(made) = rewrite(name, text.as_bytes(), &mut dice) else { continue };
                let made = String::from_utf8(made.bytes).unwrap();
                // A text may become a list of several, never something that is cut off elsewhere.
                assert!(literals(&made, syntax).len() >= count, "{name}: {made}");
                assert!(made.starts_with(text.split('(').next().unwrap()), "{made}");
            }
        }
        let mut dice = Dice::new(7);
        let made: Vec<Rewritten> =
            (0..50).filter_map(|_| rewrite("input.json", b"{\"a\": [1, 2]}", &mut dice)).collect();
        assert!(made.len() > 40 && made.iter().all(|made| made.bytes != b"{\"a\": [1, 2]}"));
        assert_eq!(rewrite("poc.js", b"f(x);", &mut dice), None);
        assert_eq!(rewrite("input.bin", b"", &mut dice), None);
    }
}
