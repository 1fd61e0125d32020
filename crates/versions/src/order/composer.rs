//! Packagist: what Composer's version parser makes of a version, in the order of PHP's `version_compare`.

use crate::key::{Key, Reason, digits_split, is_above};

const DEVELOPMENT: u8 = 1;
const ALPHA: u8 = 2;
const BETA: u8 = 3;
const CANDIDATE: u8 = 4;
const END: u8 = 5;
const NUMBER: u8 = 0x10;
const PATCH: u8 = 0x20;
/// Stands for no part at all.
const STABLE: u8 = 0;

/// Longer spellings stand before those that they begin with.
const STABILITIES: [(&str, u8); 9] = [
    ("stable", STABLE),
    ("beta", BETA),
    ("b", BETA),
    ("rc", CANDIDATE),
    ("alpha", ALPHA),
    ("a", ALPHA),
    ("patch", PATCH),
    ("pl", PATCH),
    ("p", PATCH),
];

/// PHP cuts numbers to what fits in 64 bits with a sign.
const NUMBER_MAX: &[u8] = b"9223372036854775807";
/// What Composer puts for an `x`.
const ANY: &[u8] = b"9999999";
/// A first number of more digits is a date.
const FIRST_DIGITS_MAX: usize = 5;
const NUMBERS_COUNT: usize = 4;
/// Two-digit groups behind the year.
const DATE_GROUPS_MAX: usize = 6;

pub(crate) fn write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    if text.len() >= 4 && text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"dev-")) {
        return Err("a branch, which has no place in the order");
    }
    let plus = text.iter().position(|b| *b == b'+').unwrap_or(text.len());
    let (bare, build) = text.split_at(plus);
    if build.len() == 1 || build.contains(&b',') {
        return Err("not a version by Composer's rules");
    }
    let bare = bare.strip_prefix(b"v").or_else(|| bare.strip_prefix(b"V")).unwrap_or(bare);
    if let Some(rest) = numbers_split(bare) {
        let (numbers, modifier) = bare.split_at(bare.len() - rest.len());
        if modifier_check(modifier) {
            let mut count = 0;
            for number in numbers.split(|b| *b == b'.') {
                number_write(number, key);
                count += 1;
            }
            (count..NUMBERS_COUNT).for_each(|_| number_write(b"0", key));
            modifier_write(modifier, key);
            return Ok(());
        }
    }
    if let Some(rest) = date_split(bare) {
        let (date, modifier) = bare.split_at(bare.len() - rest.len());
        if modifier_check(modifier) {
            date.split(|b| !b.is_ascii_digit()).for_each(|number| number_write(number, key));
            modifier_write(modifier, key);
            return Ok(());
        }
    }
    branch_write(bare, key)
}

fn number_write(digits: &[u8], key: &mut Key) {
    let zeros = digits.iter().take_while(|d| **d == b'0').count();
    let digits = digits.get(zeros..).unwrap_or_default();
    key.tag(NUMBER);
    key.release(if is_above(digits, NUMBER_MAX) { NUMBER_MAX } else { digits });
}

/// One to four numbers, the first of at most five digits; gives what follows.
fn numbers_split(text: &[u8]) -> Option<&[u8]> {
    let (first, mut rest) = digits_split(text);
    if first.is_empty() || first.len() > FIRST_DIGITS_MAX {
        return None;
    }
    for _ in 1..NUMBERS_COUNT {
        match rest {
            [b'.', b'0'..=b'9', ..] => rest = digits_split(rest.get(1..).unwrap_or_default()).1,
            _ => break,
        }
    }
    Some(rest)
}

/// A year, one to six groups of two digits, and up to three digits more, with or without separators.
fn date_split(text: &[u8]) -> Option<&[u8]> {
    let group = |text: &'_ [u8], digits: usize| -> Option<usize> {
        let separator = usize::from(matches!(text.first(), Some(b'.' | b':' | b'-')));
        let end = separator + digits;
        text.get(separator..end).filter(|group| group.iter().all(u8::is_ascii_digit)).map(|_| end)
    };
    let mut rest = text.get(..4).filter(|year| year.iter().all(u8::is_ascii_digit)).and(text.get(4..))?;
    let mut groups = 0;
    while let Some(end) = group(rest, 2).filter(|_| groups < DATE_GROUPS_MAX) {
        rest = rest.get(end..).unwrap_or_default();
        groups += 1;
    }
    if groups == 0 {
        return None;
    }
    let more = [3, 2, 1].into_iter().find_map(|digits| group(rest, digits));
    Some(more.and_then(|end| rest.get(end..)).unwrap_or(rest))
}

/// A stability with its digits, and `dev` behind it: their places and where they lie.
struct Modifier<'a> {
    stability: Option<(u8, &'a [u8])>,
    development: bool,
}

fn modifier_read(text: &[u8]) -> Option<Modifier<'_>> {
    let bare = match text.split_first() {
        Some((b'.' | b'_' | b'-', behind)) => behind,
        _ => text,
    };
    let found = STABILITIES.iter().find_map(|(word, place)| {
        let start = bare.get(..word.len())?;
        start.eq_ignore_ascii_case(word.as_bytes()).then(|| (*place, bare.get(word.len()..).unwrap_or_default()))
    });
    let (stability, mut rest) = match found {
        Some((place, behind)) => {
            let mut rest = behind;
            loop {
                rest = match rest {
                    [b'.' | b'-', b'0'..=b'9', ..] => digits_split(rest.get(1..).unwrap_or_default()).1,
                    [b'0'..=b'9', ..] => digits_split(rest).1,
                    _ => break,
                };
            }
            (Some((place, behind.get(..behind.len() - rest.len()).unwrap_or_default())), rest)
        }
        None => (None, bare),
    };
    if let Some((b'.' | b'-', behind)) = rest.split_first() {
        rest = behind;
        if rest.is_empty() {
            return None;
        }
    }
    let development = rest.eq_ignore_ascii_case(b"dev");
    (development || rest.is_empty()).then_some(Modifier { stability, development })
}

fn modifier_check(text: &[u8]) -> bool {
    modifier_read(text).is_some()
}

fn modifier_write(text: &[u8], key: &mut Key) {
    let modifier = modifier_read(text).unwrap_or(Modifier { stability: None, development: false });
    if let Some((place, digits)) = modifier.stability.filter(|(place, _)| *place != STABLE) {
        if place < END {
            key.prerelease_note();
        }
        key.tag(place);
        digits.split(|b| !b.is_ascii_digit()).filter(|n| !n.is_empty()).for_each(|n| number_write(n, key));
    }
    let stable = modifier.stability.is_some_and(|(place, _)| place == STABLE);
    if modifier.development && !stable {
        key.prerelease_note();
        key.tag(DEVELOPMENT);
    }
    key.tag(END);
}

/// `1.x-dev`: the newest of a branch that is named by numbers.
fn branch_write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    const NEITHER: Reason = "not a version by Composer's rules";
    let at = text.len().checked_sub(3).ok_or(NEITHER)?;
    let (branch, word) = text.split_at(at);
    if !word.eq_ignore_ascii_case(b"dev") {
        return Err(NEITHER);
    }
    let branch = branch.strip_suffix(b"-").or_else(|| branch.strip_suffix(b".")).unwrap_or(branch);
    let mut count = 0;
    for part in branch.split(|b| *b == b'.') {
        let any = count > 0 && matches!(part, b"x" | b"X" | b"*");
        if !any && (part.is_empty() || !part.iter().all(u8::is_ascii_digit)) {
            return Err(NEITHER);
        }
        number_write(if any { ANY } else { part }, key);
        count += 1;
    }
    if count > NUMBERS_COUNT {
        return Err(NEITHER);
    }
    (count..NUMBERS_COUNT).for_each(|_| number_write(ANY, key));
    key.prerelease_note();
    key.tag(DEVELOPMENT);
    key.tag(END);
    Ok(())
}
