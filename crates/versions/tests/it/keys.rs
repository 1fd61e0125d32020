//! Keys against comparisons, for every scheme: versions are made from real ones by cutting, joining and changing them.

use std::cmp::Ordering;

use proptest::prelude::*;
use versions::{Comparer, Scheme, VERSION_BYTES_MAX, Version, compare};

use crate::rising::RISING;

/// A beginning of one version and an end of another, with a few bytes between them.
fn mutated(scheme: Scheme) -> impl Strategy<Value = String> {
    let rows = RISING.iter().find(|(known, _)| *known == scheme).unwrap().1;
    let texts: Vec<&'static str> = rows.iter().flat_map(|row| row.iter().copied()).collect();
    let one = proptest::sample::select(texts);
    (one.clone(), one, any::<prop::sample::Index>(), any::<prop::sample::Index>(), "[0-3.a-c~^+_:-]{0,4}").prop_map(
        |(a, b, cut, from, middle)| {
            let (cut, from) = (cut.index(a.len() + 1), from.index(b.len() + 1));
            format!("{}{middle}{}", a.get(..cut).unwrap(), b.get(from..).unwrap())
        },
    )
}

fn key(scheme: Scheme, text: &str) -> Option<Vec<u8>> {
    let mut key = vec![7];
    let read = scheme.key(text, &mut key);
    assert_eq!(key.first(), Some(&7), "what was there stays");
    read.ok().map(|()| key.split_off(1))
}

fn scheme() -> impl Strategy<Value = Scheme> {
    proptest::sample::select(Scheme::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn keys_are_ordered_as_versions_are(
        (scheme, a, b, c) in scheme().prop_flat_map(|s| (Just(s), mutated(s), mutated(s), mutated(s)))
    ) {
        let (Some(ka), Some(kb), Some(kc)) = (key(scheme, &a), key(scheme, &b), key(scheme, &c)) else { return Ok(()) };
        let order = |a: &str, b: &str| compare(scheme, a, b).unwrap();
        prop_assert_eq!(order(&a, &b), ka.cmp(&kb), "{}: {} against {}", scheme, a, b);
        prop_assert_eq!(order(&b, &a), ka.cmp(&kb).reverse());
        prop_assert_eq!(order(&a, &a), Ordering::Equal);
        if order(&a, &b) != Ordering::Greater && order(&b, &c) != Ordering::Greater {
            prop_assert!(order(&a, &c) != Ordering::Greater, "{}: {} {} {}", scheme, a, b, c);
        }
        // What follows a key in an index must never decide before the key has.
        prop_assert!(ka == kb || !(ka.starts_with(&kb) || kb.starts_with(&ka)), "{}: {} begins {}", scheme, a, b);
        let (x, y) = (Version::read(scheme, &a).unwrap(), Version::read(scheme, &b).unwrap());
        prop_assert_eq!(x.cmp(&y), ka.cmp(&kb));
        prop_assert_eq!(x.key(), &ka[..]);
        let _ = kc;
    }

    #[test]
    fn a_bound_that_is_a_version_has_the_version_s_key((scheme, a) in scheme().prop_flat_map(|s| (Just(s), mutated(s)))) {
        let Some(whole) = key(scheme, &a) else { return Ok(()) };
        let mut bound = Vec::new();
        scheme.key_bound(&a, &mut bound).unwrap();
        prop_assert_eq!(whole, bound);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in scheme()) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = key(at, &text);
        let graphic: String = bytes.iter().map(|b| char::from(b % 94 + 33)).collect();
        let read = key(at, &graphic);
        prop_assert!(graphic.len() <= VERSION_BYTES_MAX || read.is_none());
    }

    /// Few kinds of bytes, up to the limit: what could make a reader slow or overfill its key.
    #[test]
    fn dense_texts_are_read_or_refused(text in "([0-9]|[0a.]|[-_.a1]|[~^+1]|[0.]){0,256}", at in scheme()) {
        let Some(key) = key(at, &text) else { return Ok(()) };
        prop_assert!(key.len() <= 1_280);
    }
}

#[test]
fn the_longest_versions_fit_in_a_key() {
    let mut unread = Vec::new();
    for scheme in Scheme::ALL {
        for unit in ["1.", "a1", "1a.", ".a", "0.", "1-", "-a", "~a", "1", "a.", "_p", "-1"] {
            for start in ["1", "1.0.0-", "1.0.0+", "1-", "1+", "1."] {
                let mut text = start.to_owned();
                text.push_str(&unit.repeat(VERSION_BYTES_MAX));
                text.truncate(VERSION_BYTES_MAX - 1);
                text.push('1');
                let read = Comparer::new().compare(scheme, &text, &text);
                if read.is_err_and(|(_, reason)| reason == "too many parts") {
                    unread.push((scheme, start, unit));
                }
            }
        }
    }
    // RubyGems and conda count zeros before a part, up to 125 of them.
    unread.retain(|(scheme, _, unit)| !(matches!(scheme, Scheme::RubyGems | Scheme::Conda) && *unit == "0."));
    assert_eq!(unread, []);
}
