//! Small things about text that every reader needs: cutting at a limit without breaking a letter, taking out what must not be in a
//! field, finding CWE numbers and URLs.

use domain::shown::{is_invisible, is_turning};

/// The longest beginning of at most so many bytes that ends with a whole letter.
pub fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default()
}

/// One line: no control characters, nothing invisible, no blanks twice; at most so many bytes.
pub fn line(text: &str, bytes_max: usize) -> String {
    let plain: String =
        text.chars().take(bytes_max * 2).map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect();
    let joined = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&joined, bytes_max).trim_end().to_owned()
}

/// Text of many lines: line ends are `\n`, no other control characters, none that turn the direction of writing.
pub fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.chars()
        .map(|c| match c {
            '\r' => '\n',
            '\n' | '\t' => c,
            c if c.is_control() || is_turning(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Weaknesses of one report.
pub const CWES_COUNT_MAX: usize = 16;
/// The longest purl that is looked at, in bytes.
const PURL_BYTES_MAX: usize = 512;

/// `CWE-79` for each that is named, in order, none twice, at most [`CWES_COUNT_MAX`]. `cwe-079` is `CWE-79`.
pub fn cwes(text: &str) -> Vec<String> {
    let upper = text.to_ascii_uppercase();
    let mut found = Vec::new();
    for (at, _) in upper.match_indices("CWE-") {
        if found.len() == CWES_COUNT_MAX {
            break;
        }
        let digits: String =
            upper.get(at + 4..).unwrap_or_default().chars().take_while(char::is_ascii_digit).take(7).collect();
        let number = digits.trim_start_matches('0');
        if number.is_empty() || number.len() > 6 {
            continue;
        }
        let cwe = format!("CWE-{number}");
        if !found.contains(&cwe) {
            found.push(cwe);
        }
    }
    found
}

/// The first purl that a text names, as it stands there.
pub fn purl(text: &str) -> Option<&str> {
    let words = text.split(|c: char| c.is_whitespace() || "`'\"<>),;|".contains(c));
    words
        .filter_map(|word| word.get(word.find("pkg:")?..))
        .map(|word| word.trim_end_matches(['.', ':']))
        .find(|word| word.len() <= PURL_BYTES_MAX && word.parse::<formats::purl::Purl>().is_ok())
}

/// The http(s) URLs that a text names, in order, none twice, at most so many.
pub fn urls(text: &str, count_max: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || "<>()[]\"'`".contains(c)) {
        let word = word.trim_end_matches(['.', ',', ';', ':', '!', '?']);
        if (word.starts_with("https://") || word.starts_with("http://")) && !found.iter().any(|u| u == word) {
            found.push(word.to_owned());
            if found.len() == count_max {
                break;
            }
        }
    }
    found
}

/// How severe a CVSS score is called.
pub fn severity_of_score(score: f64) -> Option<&'static str> {
    match score {
        s if (9.0..=10.0).contains(&s) => Some("critical"),
        s if (7.0..9.0).contains(&s) => Some("high"),
        s if (4.0..7.0).contains(&s) => Some("medium"),
        s if s > 0.0 && s < 4.0 => Some("low"),
        _ => None,
    }
}
