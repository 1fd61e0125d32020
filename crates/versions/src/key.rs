//! The sortable byte key of one version, written on the stack. Comparing two keys byte by byte is the order of the
//! versions: each scheme is written once, as an encoder, so order and key cannot disagree. Knows no scheme.

/// Room for the key of the longest version, in bytes: no encoder writes more than four bytes for one that it reads.
pub(crate) const KEY_BYTES_MAX: usize = 1_280;

/// Digits up to here are counted by one byte.
const DIGITS_SHORT_MAX: usize = 250;
/// What the count of digits begins at: 0 and 1 stay free for what lies below every number.
const DIGITS_BASE: u8 = 2;
/// Says that a second byte goes on counting the digits.
const DIGITS_LONG: u8 = 0xfd;

/// Why a text is no version, in words.
pub(crate) type Reason = &'static str;

/// A key that is being written, and what was seen on the way.
pub(crate) struct Key {
    bytes: [u8; KEY_BYTES_MAX],
    len: usize,
    full: bool,
    numbers: [u64; 3],
    numbers_seen: usize,
    prerelease: bool,
}

impl Key {
    pub(crate) const fn new() -> Self {
        Key { bytes: [0; KEY_BYTES_MAX], len: 0, full: false, numbers: [0; 3], numbers_seen: 0, prerelease: false }
    }

    /// Makes it empty again.
    pub(crate) fn clear(&mut self) {
        (self.len, self.full, self.numbers, self.numbers_seen, self.prerelease) = (0, false, [0; 3], 0, false);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// The first three numbers of the release, those above 2^64 - 1 cut to it.
    pub(crate) fn numbers(&self) -> [u64; 3] {
        self.numbers
    }

    pub(crate) fn is_prerelease(&self) -> bool {
        self.prerelease
    }

    /// The version is a pre-release.
    pub(crate) fn prerelease_note(&mut self) {
        self.prerelease = true;
    }

    /// One byte, by which kinds of parts are ordered.
    #[inline]
    pub(crate) fn tag(&mut self, byte: u8) {
        match self.bytes.get_mut(self.len) {
            Some(place) => {
                *place = byte;
                self.len += 1;
            }
            None => self.full = true,
        }
    }

    #[inline]
    fn slice(&mut self, bytes: &[u8]) {
        match self.bytes.get_mut(self.len..self.len + bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.full = true,
        }
    }

    /// A number of any size, by its decimal digits. Its first byte is 2 or more.
    #[inline]
    pub(crate) fn number(&mut self, digits: &[u8]) {
        let zeros = digits.iter().take_while(|d| **d == b'0').count();
        let digits = digits.get(zeros..).unwrap_or_default();
        let short = digits.len().min(DIGITS_SHORT_MAX);
        let rest = digits.len() - short;
        // Both fit: a version has at most 256 bytes.
        if rest == 0 {
            self.tag(u8::try_from(short).unwrap_or(DIGITS_LONG) + DIGITS_BASE);
        } else {
            self.tag(DIGITS_LONG);
            self.tag(u8::try_from(rest).unwrap_or(u8::MAX));
        }
        self.slice(digits);
    }

    /// A number of the release proper, which the version's line is made of.
    #[inline]
    pub(crate) fn release(&mut self, digits: &[u8]) {
        self.release_note(digits);
        self.number(digits);
    }

    /// The same where the key has the number in some other form.
    #[inline]
    pub(crate) fn release_note(&mut self, digits: &[u8]) {
        if let Some(place) = self.numbers.get_mut(self.numbers_seen) {
            *place = digits.iter().fold(0_u64, |n, d| n.saturating_mul(10).saturating_add(u64::from(d & 15)));
            self.numbers_seen += 1;
        }
    }

    /// Numbers from here on are no longer the release's.
    #[inline]
    pub(crate) fn release_end(&mut self) {
        self.numbers_seen = self.numbers.len();
    }

    /// The key cannot hold this version.
    pub(crate) fn overflow(&mut self) {
        self.full = true;
    }

    /// Text, ended so that the shorter of two comes first. The caller has seen that no byte of it is below 2.
    #[inline]
    pub(crate) fn text(&mut self, text: &[u8]) {
        self.slice(text);
        self.tag(0);
    }

    /// The same in lower case (ASCII).
    pub(crate) fn text_lower(&mut self, text: &[u8]) {
        for byte in text {
            self.tag(byte.to_ascii_lowercase());
        }
        self.tag(0);
    }

    /// Puts a byte before what was written since `at`.
    pub(crate) fn tag_insert(&mut self, at: usize, byte: u8) {
        let len = self.len;
        self.tag(0);
        if at <= len && len < self.len {
            self.bytes.copy_within(at..len, at + 1);
            if let Some(place) = self.bytes.get_mut(at) {
                *place = byte;
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn cut(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub(crate) fn byte_at(&self, at: usize) -> Option<u8> {
        self.bytes().get(at).copied()
    }
}

/// The digits that a text begins with, and the rest.
#[inline]
pub(crate) fn digits_split(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|b| b.is_ascii_digit()).count())
}

/// The ASCII letters that a text begins with, and the rest.
#[inline]
pub(crate) fn letters_split(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|b| b.is_ascii_alphabetic()).count())
}

/// Whether the digits, which have no leading zero, are a number above the given one.
pub(crate) fn is_above(digits: &[u8], max: &[u8]) -> bool {
    digits.len() > max.len() || (digits.len() == max.len() && digits > max)
}
