//! Identities: typed, sortable by the time they were made, and silent about how many others exist.
//!
//! Text form: a prefix, `_`, and 26 lower-case Crockford base32 characters of 128 bits (48 bits of
//! milliseconds, 80 random bits). Must not make time or randomness itself: both are passed in.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use thiserror::Error;

/// Length of the part behind the prefix, in characters.
pub const ID_BODY_CHARS: usize = 26;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The kind of thing an id names.
pub trait Kind {
    /// The prefix before the underscore, such as `case`.
    const PREFIX: &'static str;
}

/// A typed identity. Two ids of different kinds never compare.
pub struct Id<K> {
    bits: u128,
    kind: PhantomData<fn() -> K>,
}

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a {prefix} id (expected `{prefix}_` and 26 characters of 0-9 a-z without i l o u)")]
pub struct MalformedId {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

impl<K: Kind> Id<K> {
    /// Makes an id from milliseconds since 1970 (48 bits are kept) and 10 random bytes.
    #[must_use]
    pub fn new(unix_ms: i64, random: [u8; 10]) -> Self {
        let ms = u128::from(unix_ms.max(0).unsigned_abs()) & 0xffff_ffff_ffff;
        let low = random.iter().fold(0_u128, |acc, b| (acc << 8) | u128::from(*b));
        Self { bits: (ms << 80) | low, kind: PhantomData }
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(K::PREFIX)?;
        f.write_str("_")?;
        f.write_str(&base32(self.bits))
    }
}

/// 128 bits as 26 lower-case Crockford base32 characters, most significant first.
#[must_use]
pub fn base32(bits: u128) -> String {
    (0..ID_BODY_CHARS).rev().map(|i| char::from(ALPHABET[((bits >> (5 * i)) & 31) as usize])).collect()
}

impl<K: Kind> FromStr for Id<K> {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = MalformedId { prefix: K::PREFIX };
        let body = text
            .strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .filter(|body| body.len() == ID_BODY_CHARS)
            .ok_or_else(|| malformed.clone())?;
        let mut bits: u128 = 0;
        for (i, byte) in body.bytes().enumerate() {
            let digit = ALPHABET.iter().position(|a| *a == byte).ok_or_else(|| malformed.clone())?;
            // 26 × 5 = 130 bits: the first character holds three only.
            if i == 0 && digit > 7 {
                return Err(malformed);
            }
            bits = (bits << 5) | digit as u128;
        }
        Ok(Self { bits, kind: PhantomData })
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bits.cmp(&other.bits)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits.hash(state);
    }
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $marker:ident, $alias:ident, $prefix:literal;)+) => {$(
        $(#[$meta])*
        pub enum $marker {}
        impl Kind for $marker { const PREFIX: &'static str = $prefix; }
        /// The identity of one of these.
        pub type $alias = Id<$marker>;
    )+};
}

kinds! {
    /// A party: an organisation or person that takes part.
    PartyKind, PartyId, "party";
    /// A member: one person or agent of a party.
    MemberKind, MemberId, "member";
    /// A bearer token.
    TokenKind, TokenId, "token";
    /// A claim.
    ClaimKind, ClaimId, "claim";
    /// A report.
    ReportKind, ReportId, "report";
    /// A finding: what one report says of one package.
    FindingKind, FindingId, "finding";
    /// A proof bundle that was sent.
    ProofKind, ProofId, "proof";
    /// A receipt of one verdict.
    ReceiptKind, ReceiptId, "receipt";
    /// A case.
    CaseKind, CaseId, "case";
    /// A line of a case's history.
    EventKind, EventId, "event";
    /// A read-in of one party to one case.
    ReadInKind, ReadInId, "readin";
    /// A fix.
    FixKind, FixId, "fix";
    /// An advisory (all its revisions).
    AdvisoryKind, AdvisoryId, "advisory";
    /// An inventory of one asset.
    InventoryKind, InventoryId, "inventory";
    /// A notice to one operator about one asset.
    NoticeKind, NoticeId, "notice";
    /// A letter that goes out.
    LetterKind, LetterId, "letter";
    /// A maintainer that asks to take part.
    RegistrationKind, RegistrationId, "registration";
    /// A job.
    JobKind, JobId, "job";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_goes_there_and_back_and_keeps_the_order(a in 0_i64..1 << 47, b in 0_i64..1 << 47, r: [u8; 10]) {
            let (x, y) = (CaseId::new(a, r), CaseId::new(b, r));
            prop_assert_eq!(x.to_string().parse::<CaseId>().unwrap(), x);
            prop_assert_eq!(a.cmp(&b), x.to_string().cmp(&y.to_string()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            if let Ok(id) = text.parse::<CaseId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn another_kind_is_refused() {
        let case = CaseId::new(1, [7; 10]).to_string();
        assert!(case.parse::<FixId>().is_err());
        assert!("case_zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<CaseId>().is_err());
    }
}
