//! Text that is shown to people: which characters must not be in it.
//!
//! Must not change a text: what does not fit is refused by whoever reads it.

/// Bidirectional controls and what shows nothing (Unicode's Default_Ignorable_Code_Point, line and paragraph
/// separators, the blank letters and Braille): with them a name can be made to read as another.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Characters that turn the direction of writing: refused even in prose of many lines, where joiners have their use.
#[must_use]
pub fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_seen_and_controls_of_direction_are_not() {
        assert!("Ångström, 東京, שלום".chars().all(|c| !is_invisible(c) && !is_turning(c)));
        assert!(['\u{202e}', '\u{2066}'].into_iter().all(|c| is_invisible(c) && is_turning(c)));
        assert!(is_invisible('\u{200b}') && !is_turning('\u{200d}'));
    }
}
