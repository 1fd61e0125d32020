//! The file name that CSAF 2.0 (section 5.1) derives from a document's tracking id.

/// Lower case, every run of other characters than `+`, `-`, `a-z`, `0-9` one underscore, `.json` behind.
#[must_use]
pub fn filename(tracking_id: &str) -> String {
    let mut name = String::new();
    let mut last_odd = false;
    for c in tracking_id.to_lowercase().chars() {
        let plain = matches!(c, '+' | '-' | 'a'..='z' | '0'..='9');
        if plain {
            name.push(c);
        } else if !last_odd {
            name.push('_');
        }
        last_odd = !plain;
    }
    name + ".json"
}
