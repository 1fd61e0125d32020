//! A letter: plain text for people, wrapped to 72 columns, and the same as an e-mail.
//!
//! Must not send anything, and must not carry a stranger's text into a header: what a header holds is checked or encoded here.
//!
//! Sources: RFC 5322 (messages), RFC 2047 (words that are not ASCII in a header), RFC 6532 is not used.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::shown::{is_invisible, is_turning};
use domain::time::{MICROS_PER_DAY, Timestamp};

/// Width of a line, in characters. A word that is longer, such as an address, stands on a line of its own.
pub const LETTER_COLUMNS_MAX: usize = 72;
/// Longest line of an e-mail, in bytes without its end (RFC 5322, 2.1.1).
const MAIL_LINE_BYTES_MAX: usize = 998;
/// Longest word that is left whole, in characters: at four bytes each it fits a line of an e-mail.
const WORD_CHARACTERS_MAX: usize = 240;
/// Bytes of a subject in one encoded word: in base64 with its frame they stay under the 75 characters that RFC 2047 allows.
const ENCODED_WORD_BYTES_MAX: usize = 42;
/// Longest line of a body in base64, in bytes (RFC 2045, 6.8).
const ENCODED_LINE_BYTES_MAX: usize = 76;
/// Longest subject, in bytes.
const SUBJECT_BYTES_MAX: usize = 240;

/// A letter in the making.
#[derive(Debug, Default)]
pub(crate) struct Letter {
    lines: Vec<String>,
}

impl Letter {
    /// A line that is empty.
    pub(crate) fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }

    /// A heading, underlined.
    pub(crate) fn heading(&mut self, text: &str) {
        self.gap();
        let text = plain(text);
        let width = text.chars().count().min(LETTER_COLUMNS_MAX);
        self.filled("", "", &text);
        self.lines.push("-".repeat(width));
    }

    /// Paragraphs: each line of the text is one.
    pub(crate) fn prose(&mut self, text: &str) {
        for paragraph in text.lines() {
            self.filled("", "", &plain(paragraph));
        }
    }

    /// One point of a list.
    pub(crate) fn point(&mut self, text: &str) {
        self.filled("* ", "  ", &plain(text));
    }

    /// A name and what stands under it.
    pub(crate) fn fact(&mut self, name: &str, text: &str) {
        self.filled(&format!("{name:<12}"), &" ".repeat(12), &plain(text));
    }

    /// A command as it is typed: not wrapped.
    pub(crate) fn command(&mut self, text: &str) {
        self.lines.push(format!("    {}", plain(text)));
    }

    fn filled(&mut self, first: &str, rest: &str, text: &str) {
        let mut line = first.to_owned();
        let mut is_begun = false;
        for word in text.split_whitespace().flat_map(pieces) {
            if is_begun && line.chars().count() + 1 + word.chars().count() > LETTER_COLUMNS_MAX {
                self.lines.push(std::mem::replace(&mut line, rest.to_owned()));
                is_begun = false;
            }
            if is_begun {
                line.push(' ');
            }
            line.push_str(&word);
            is_begun = true;
        }
        self.lines.push(line.trim_end().to_owned());
    }

    /// The text, each line ended by a line feed.
    pub(crate) fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }
}

/// A word in pieces that a line can hold.
fn pieces(word: &str) -> Vec<String> {
    let characters: Vec<char> = word.chars().collect();
    characters.chunks(WORD_CHARACTERS_MAX).map(|piece| piece.iter().collect()).collect()
}

/// What strangers wrote, without what would act on a terminal or turn the direction of writing.
fn plain(text: &str) -> String {
    text.chars().filter(|c| (!c.is_control() || c.is_whitespace()) && !is_turning(*c)).collect()
}

/// Who writes to whom about what.
#[derive(Debug, Clone)]
pub struct Mail<'a> {
    /// The sender's address, bare.
    pub from: &'a str,
    /// The receiver's address, bare.
    pub to: &'a str,
    /// In a line.
    pub subject: &'a str,
    /// What makes it the same message: visible ASCII such as `case_….2`.
    pub name: &'a str,
    /// The host of whoever writes.
    pub host: &'a str,
    /// When.
    pub at: Timestamp,
    /// The text.
    pub text: &'a str,
}

impl Mail<'_> {
    /// The message: RFC 5322, plain text in UTF-8. None when an address is not one that a header can carry.
    #[must_use]
    pub fn write(&self) -> Option<Vec<u8>> {
        let mut out = self.head(if self.text.is_ascii() { "7bit" } else { "8bit" })?;
        for line in self.text.lines() {
            out.push_str(&line[..line.floor_char_boundary(MAIL_LINE_BYTES_MAX)]);
            out.push_str("\r\n");
        }
        Some(out.into_bytes())
    }

    /// The same in ASCII alone, which every mail server takes: a text that is not is written in base64.
    #[must_use]
    pub fn write_ascii(&self) -> Option<Vec<u8>> {
        if self.text.is_ascii() {
            return self.write();
        }
        let mut out = self.head("base64")?;
        let lines: Vec<&str> = self.text.lines().collect();
        let encoded = STANDARD.encode(format!("{}\r\n", lines.join("\r\n")));
        for line in encoded.as_bytes().chunks(ENCODED_LINE_BYTES_MAX) {
            out.extend(line.iter().map(|b| char::from(*b)));
            out.push_str("\r\n");
        }
        Some(out.into_bytes())
    }

    fn head(&self, encoding: &str) -> Option<String> {
        if ![self.from, self.to].into_iter().all(crate::pace::is_address) {
            return None;
        }
        let id: String = format!("{}@{}", self.name, self.host);
        let id: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || "@._-".contains(*c)).collect();
        let mut out = format!("Date: {}\r\nFrom: {}\r\nTo: {}\r\n", date(self.at), self.from, self.to);
        out.push_str(&format!("Message-ID: <{id}>\r\nSubject: {}\r\n", subject(self.subject)));
        out.push_str("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n");
        out.push_str(&format!("Content-Transfer-Encoding: {encoding}\r\nAuto-Submitted: auto-generated\r\n\r\n"));
        Some(out)
    }
}

/// `Fri, 27 Nov 2026 17:40:00 +0000`.
fn date(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let number = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<usize>().ok()).unwrap_or(1);
    let weekday = usize::try_from(at.micros().div_euclid(MICROS_PER_DAY).rem_euclid(7)).unwrap_or(0);
    let (day, month, year) = (number(8, 10), number(5, 7), text.get(..4).unwrap_or("1970"));
    let clock = text.get(11..19).unwrap_or("00:00:00");
    let name = |names: &[&'static str], at: usize| names.get(at).copied().unwrap_or("Jan");
    format!("{}, {day:02} {} {year} {clock} +0000", name(&DAYS, weekday), name(&MONTHS, month.saturating_sub(1)))
}

/// A subject as a header holds it: folded, and encoded where it is not plain ASCII.
fn subject(text: &str) -> String {
    let kept: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_invisible(*c)).collect();
    let kept = &kept[..kept.floor_char_boundary(SUBJECT_BYTES_MAX)];
    let words: Vec<&str> = kept.split_whitespace().collect();
    // What looks like an encoded word is encoded, so that nobody decodes it into something else.
    if kept.is_ascii() && !kept.contains("=?") && words.iter().all(|w| w.len() <= LETTER_COLUMNS_MAX) {
        let mut out = String::new();
        let mut column = "Subject:".len();
        for word in words {
            if column + 1 + word.len() > LETTER_COLUMNS_MAX + 6 {
                out.push_str("\r\n");
                column = 0;
            }
            if column != "Subject:".len() || !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
            column += 1 + word.len();
        }
        return out;
    }
    let (mut parts, mut rest) = (Vec::new(), kept);
    while !rest.is_empty() {
        let (part, more) = rest.split_at(rest.floor_char_boundary(ENCODED_WORD_BYTES_MAX));
        parts.push(format!("=?UTF-8?B?{}?=", STANDARD.encode(part)));
        rest = more;
    }
    parts.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mail<'a>(subject: &'a str, text: &'a str) -> Mail<'a> {
        let at = "2026-11-27T17:40:05Z".parse().unwrap();
        let (from, to) = ("desk@clearing.example", "security@example.org");
        Mail { from, to, subject, name: "case_01.2", host: "clearing.example", at, text }
    }

    #[test]
    fn a_message_is_what_mail_programs_read() {
        let written = String::from_utf8(mail("A case", "Hello.\n\nBye.\n").write().unwrap()).unwrap();
        let wanted = "Date: Fri, 27 Nov 2026 17:40:05 +0000\r\nFrom: desk@clearing.example\r\nTo: security@example.org\r\n\
            Message-ID: <case_01.2@clearing.example>\r\nSubject: A case\r\nMIME-Version: 1.0\r\n\
            Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\
            Auto-Submitted: auto-generated\r\n\r\nHello.\r\n\r\nBye.\r\n";
        assert_eq!(written, wanted);
        assert!(Mail { to: "a@b\r\nBcc: c@d", ..mail("x", "y") }.write().is_none());
        for (at, wanted) in [
            ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"),
            ("2024-02-29T23:59:59.5Z", "Thu, 29 Feb 2024 23:59:59 +0000"),
        ] {
            assert_eq!(date(at.parse().unwrap()), wanted);
        }
    }

    #[test]
    fn a_subject_stays_in_its_header() {
        assert_eq!(subject("a\r\nBcc: x@y\u{202e}"), "a Bcc: x@y");
        assert_eq!(subject("=?UTF-8?B?QQ==?="), "=?UTF-8?B?PT9VVEYtOD9CP1FRPT0/PQ==?=");
        assert_eq!(subject("Überlauf"), "=?UTF-8?B?w5xiZXJsYXVm?=");
        let long = "word ".repeat(60);
        assert!(
            subject(&long).lines().all(|l| l.len() <= 78) && subject(&long).lines().skip(1).all(|l| l.starts_with(' '))
        );
    }

    proptest! {
        #[test]
        fn whatever_is_told_lines_stay_short(text in any::<String>(), name in "[a-z]{1,8}", long in "[a-z/:]{60,2000}") {
            let mut letter = Letter::default();
            letter.heading(&text);
            letter.fact(&name, &format!("{text} {long}"));
            letter.prose(&format!("{text}\n{long} {text}"));
            letter.point(&text);
            let written = letter.text();
            for line in written.lines() {
                let words = line.split_whitespace().count();
                let is_lone = words <= 1 || (line.starts_with(&name) || line.starts_with('*')) && words == 2;
                prop_assert!(line.chars().count() <= LETTER_COLUMNS_MAX || is_lone, "{line}");
                prop_assert!(!line.chars().any(|c| c.is_control() || is_turning(c)));
            }
            let message = mail(&text, &written).write().unwrap();
            let (head, body) = std::str::from_utf8(&message).unwrap().split_once("\r\n\r\n").unwrap();
            prop_assert!(head.is_ascii());
            for line in head.split("\r\n").chain(body.split("\r\n")) {
                prop_assert!(line.len() <= MAIL_LINE_BYTES_MAX && !line.contains(['\r', '\n']));
            }
            let names: Vec<&str> = head.split("\r\n").filter(|l| !l.starts_with(' ')).filter_map(|l| l.split(':').next()).collect();
            prop_assert_eq!(names.len(), 9);
        }
    }
}
