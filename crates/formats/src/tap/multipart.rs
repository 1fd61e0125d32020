//! Takes a `multipart/mixed` body apart (RFC 2046), strictly: nothing before the first delimiter or after the last, no nesting, no
//! folded or repeated header fields. Must not know what the parts are for, nor repeat what they hold.

use super::Refusal;
use super::limits::{BOUNDARY_BYTES_MAX, PART_HEADER_BYTES_MAX, PART_HEADERS_COUNT_MAX, PARTS_COUNT_MAX};

/// One part: its header fields by their names in small letters, and its bytes.
pub(super) struct Part<'a> {
    headers: Vec<(String, &'a [u8])>,
    /// As sent.
    pub bytes: &'a [u8],
}

impl<'a> Part<'a> {
    /// The value of a header field.
    pub(super) fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// The names of its header fields.
    pub(super) fn header_names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }
}

/// The boundary that a `Content-Type` of `multipart/mixed` names; `None` where it is another type, names none, or says more.
#[must_use]
pub fn multipart_boundary(content_type: &str) -> Option<String> {
    let (essence, parameters) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let (name, value) = parameters.trim().split_once('=')?;
    let value = value.trim();
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let boundary = quoted.unwrap_or(value);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&b);
    let allowed = boundary.bytes().all(|b| plain(b) || (quoted.is_some() && b == b' '));
    let fits = (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len()) && !boundary.ends_with(' ');
    (name.trim().eq_ignore_ascii_case("boundary") && allowed && fits).then(|| boundary.to_owned())
}

fn malformed(reason: impl Into<String>) -> Refusal {
    Refusal::Malformed { reason: reason.into() }
}

/// The parts in the order sent.
///
/// # Errors
/// [`Refusal::Malformed`] with where it went wrong; the count of the part, never what is in it.
pub(super) fn parts<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, Refusal> {
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
    // A first delimiter needs no line before it.
    let first = delimiter.get(2..).unwrap_or_default();
    let mut rest = body.strip_prefix(b"\r\n").unwrap_or(body);
    rest = rest.strip_prefix(first).ok_or_else(|| malformed("the body does not begin with its boundary"))?;
    let mut parts = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(b"--") {
            let blank = after.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
            return if blank { Ok(parts) } else { Err(malformed("something stands behind the last boundary")) };
        }
        let number = parts.len() + 1;
        if number > PARTS_COUNT_MAX {
            return Err(malformed(format!("more than {PARTS_COUNT_MAX} parts")));
        }
        let padding = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        rest = rest.get(padding..).unwrap_or_default();
        rest = rest.strip_prefix(b"\r\n").ok_or_else(|| malformed(format!("part {number}: its boundary goes on")))?;
        let end = find(rest, &delimiter).ok_or_else(|| malformed(format!("part {number} never ends")))?;
        parts.push(part(rest.get(..end).unwrap_or_default(), number)?);
        rest = rest.get(end + delimiter.len()..).unwrap_or_default();
    }
}

fn part(bytes: &[u8], number: usize) -> Result<Part<'_>, Refusal> {
    let wrong = |what: &str| malformed(format!("part {number}: {what}"));
    // A part may have no header fields at all; then its first line is empty.
    let (head, body) = match bytes.strip_prefix(b"\r\n") {
        Some(body) => (&bytes[..0], body),
        None => {
            let looked = bytes.get(..bytes.len().min(PART_HEADER_BYTES_MAX)).unwrap_or_default();
            let end = find(looked, b"\r\n\r\n");
            let end = end.ok_or_else(|| wrong(&format!("no header of at most {PART_HEADER_BYTES_MAX} bytes")))?;
            (bytes.get(..end).unwrap_or_default(), bytes.get(end + 4..).unwrap_or_default())
        }
    };
    let mut headers: Vec<(String, &[u8])> = Vec::new();
    for line in lines(head) {
        let colon = line.iter().position(|b| *b == b':').ok_or_else(|| wrong("a header line without a colon"))?;
        let (name, value) = (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default());
        let token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
        if name.is_empty() || !name.iter().all(token) {
            return Err(wrong("a header field whose name is none (folded lines are not taken)"));
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        if headers.len() == PART_HEADERS_COUNT_MAX || headers.iter().any(|(known, _)| *known == name) {
            return Err(wrong("a header field twice, or too many"));
        }
        headers.push((name, value.trim_ascii()));
    }
    Ok(Part { headers, bytes: body })
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = (!head.is_empty()).then_some(head);
    std::iter::from_fn(move || {
        let all = rest?;
        match find(all, b"\r\n") {
            Some(at) => {
                rest = all.get(at + 2..);
                all.get(..at)
            }
            None => rest.take(),
        }
    })
}

/// Where a short text first stands.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(step) = bytes.get(from..)?.iter().position(|b| *b == first) {
        let at = from + step;
        if bytes.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_read_only_where_it_is_one() {
        for (header, wanted) in [
            ("multipart/mixed; boundary=abc", Some("abc")),
            ("Multipart/Mixed;boundary=\"a b:c\"", Some("a b:c")),
            ("multipart/mixed", None),
            ("multipart/mixed; boundary=", None),
            ("multipart/mixed; boundary=a b", None),
            ("multipart/mixed; boundary=a; charset=utf-8", None),
            ("multipart/mixed; boundary=\"ends \"", None),
            ("multipart/form-data; boundary=abc", None),
        ] {
            assert_eq!(multipart_boundary(header).as_deref(), wanted, "{header}");
        }
        assert_eq!(multipart_boundary(&format!("multipart/mixed; boundary={}", "a".repeat(71))), None);
    }

    #[test]
    fn a_body_is_taken_apart_to_the_byte() {
        let body = b"--x\r\nA: 1\r\nB:2\r\n\r\nfirst\r\n-x\r\n--x \r\n\r\n\r\n--x--\r\n";
        let found = parts(body, "x").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].header("a"), found[0].header("b")), (Some(&b"1"[..]), Some(&b"2"[..])));
        assert_eq!((found[0].bytes, found[1].bytes), (&b"first\r\n-x"[..], &b""[..]));
        for wrong in [
            &b"preamble\r\n--x\r\n\r\n\r\n--x--"[..],
            b"--x\r\n\r\nnever ends",
            b"--x\r\n\r\n\r\n--x--trailer",
            b"--x\r\n\r\n\r\n--xy\r\n\r\n\r\n--x--",
            b"--x\r\nA: 1\r\n b\r\n\r\n\r\n--x--",
            b"--x\r\nA: 1\r\na: 2\r\n\r\n\r\n--x--",
            b"--x\r\nno colon\r\n\r\n\r\n--x--",
            b"",
        ] {
            assert!(parts(wrong, "x").is_err(), "{}", String::from_utf8_lossy(wrong));
        }
    }
}
