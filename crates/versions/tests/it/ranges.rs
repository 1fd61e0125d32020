//! OSV ranges: one line a case, the reason with the answer, and any range against the plain reference.

use proptest::prelude::*;
use versions::Scheme;
use versions::osv::{Event, Range, RangeKind, Status, evaluate};

use crate::reference;

/// `>1.0.0` introduced, `<2.0.0` fixed, `=2.0.0` last affected, `|2.0.0` limit; `;` between ranges.
pub fn ranges(text: &str) -> Vec<Range> {
    let event = |word: &str| {
        let (sign, version) = word.split_at(1);
        let version = version.to_owned();
        match sign {
            ">" => Event::Introduced(version),
            "<" => Event::Fixed(version),
            "=" => Event::LastAffected(version),
            "|" => Event::Limit(version),
            other => panic!("no event {other}"),
        }
    };
    text.split(';')
        .map(|r| Range { kind: RangeKind::Semver, events: r.split_whitespace().map(event).collect() })
        .collect()
}

fn check(range: &str, version: &str, expected: &str) {
    let got = evaluate(Some(Scheme::Npm), &ranges(range), &[], version);
    assert_eq!(format!("{}: {}", got.status.as_str(), got.sentence()), expected);
}

#[test]
fn answers_say_why() {
    check(">0 <1.2.3", "1.2.2", "affected: inside ranges[0]: introduced 0, fixed 1.2.3");
    check(">0 <1.2.3", "1.2.3", "not-affected: outside ranges[0]: after (introduced 0, fixed 1.2.3)");
    check(">0 <1.2.3", "1.2.3-rc.1", "affected: inside ranges[0]: introduced 0, fixed 1.2.3");
    check(">0 <0.0.1", "0.0.0-0", "affected: inside ranges[0]: introduced 0, fixed 0.0.1");
    check(">1.0.0 =1.4.0", "1.4.0", "affected: inside ranges[0]: introduced 1.0.0, last affected 1.4.0");
    check(">1.0.0 =1.4.0", "1.4.1", "not-affected: outside ranges[0]: after (introduced 1.0.0, last affected 1.4.0)");
    check(">1.0.0", "99.0.0", "affected: inside ranges[0]: introduced 1.0.0, no fix stated");
    check(">1.0.0", "0.9.0", "not-affected: outside ranges[0]: before introduced 1.0.0");
    check(
        "<2.3.0 >2.0.0 <1.2.3 >1.0.0",
        "1.5.0",
        "not-affected: outside ranges[0]: after (introduced 1.0.0, fixed 1.2.3) and before introduced 2.0.0",
    );
    check("<2.3.0 >2.0.0 <1.2.3 >1.0.0", "2.2.9", "affected: inside ranges[0]: introduced 2.0.0, fixed 2.3.0");
    check(">1.0.0 <1.1.0;>2.0.0 <2.1.0", "2.0.5", "affected: inside ranges[1]: introduced 2.0.0, fixed 2.1.0");
    check(">0 |2.0.0", "2.0.0", "not-affected: ranges[0] says nothing at or above its limit");
    check(">0 |2.0.0 |*", "2.0.0", "affected: inside ranges[0]: introduced 0, no fix stated");
    check(">1.0 <1.2", "1.1.9", "affected: inside ranges[0]: introduced 1.0, fixed 1.2");
    check(">1.0.0 <2.0.0 >2.0.0 <3.0.0", "2.0.0", "affected: inside ranges[0]: introduced 2.0.0, fixed 3.0.0");
    check(">2.0.0 <2.0.0", "2.0.0", "not-affected: outside ranges[0]: after (introduced 2.0.0, fixed 2.0.0)");
}

#[test]
fn unreadable_is_unknown() {
    let status = |range: &str, version: &str| evaluate(Some(Scheme::Npm), &ranges(range), &[], version).status;
    assert_eq!(status(">0 <1.2.3", "latest"), Status::Unknown);
    assert_eq!(status(">0 <1.2.3", "1.2"), Status::Unknown);
    assert_eq!(status(">0 <next", "1.2.3"), Status::Unknown);
    assert_eq!(status(">0 <next;>1.0.0", "1.2.3"), Status::Affected);
    assert_eq!(status("<1.2.3", "1.0.0"), Status::Unknown, "a range without introduced");
    let nothing = evaluate(Some(Scheme::Npm), &[], &[], "1.0.0");
    assert_eq!(nothing.status, Status::Unknown);
    let unknown_order = evaluate(None, &ranges(">0 <1.2.3"), &[], "1.0.0");
    assert_eq!(unknown_order.sentence(), "no version order is known for this ecosystem");
}

#[test]
fn enumerated_versions_and_commits() {
    let git = vec![Range { kind: RangeKind::Git, events: vec![Event::Introduced("0".into())] }];
    let listed = vec!["1.0.0".to_owned(), "1.0.1".to_owned()];
    let ask = |scheme, ranges: &[Range], version: &str| evaluate(scheme, ranges, &listed, version);
    assert_eq!(ask(None, &[], "1.0.1").sentence(), "listed as affected: versions[1] is 1.0.1");
    assert_eq!(ask(Some(Scheme::Npm), &git, "v1.0.1").status, Status::Affected);
    assert_eq!(ask(Some(Scheme::Npm), &git, "1.0.2").sentence(), "not among the 2 versions listed");
    let alone = evaluate(Some(Scheme::Npm), &git, &[], "1.0.2");
    assert_eq!(
        (alone.status, alone.sentence()),
        (Status::Unknown, "ranges[0] cannot be decided: its versions are commits".into())
    );
}

fn version_text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[0-3]\\.[0-3]\\.[0-3](-(alpha|rc)\\.[0-2])?(\\+b)?",
        1 => "[0-3](\\.[0-3])?",
        1 => Just("0".to_owned()),
        1 => "[a-z]{1,3}",
    ]
}

fn range_any() -> impl Strategy<Value = Range> {
    let event = (0u8..4, version_text()).prop_map(|(kind, v)| match kind {
        0 => Event::Introduced(v),
        1 => Event::Fixed(v),
        2 => Event::LastAffected(v),
        _ => Event::Limit(v),
    });
    (proptest::collection::vec(event, 0..6), 0usize..6).prop_map(|(mut events, at)| {
        let at = at.min(events.len());
        events.insert(at, Event::Introduced("0.1.0".into()));
        Range { kind: RangeKind::Semver, events }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn any_range_agrees_with_the_reference(
        ranges in proptest::collection::vec(range_any(), 1..4),
        listed in proptest::collection::vec("[0-3]\\.[0-3]\\.[0-3]", 0..3),
        version in "[0-3]\\.[0-3]\\.[0-3](-(alpha|rc)\\.[0-2])?",
    ) {
        let got = evaluate(Some(Scheme::Npm), &ranges, &listed, &version);
        let expected = match reference::included(&version, &ranges, &listed) {
            Some(true) => Status::Affected,
            Some(false) => Status::NotAffected,
            None => Status::Unknown,
        };
        prop_assert_eq!(got.status, expected, "{} in {:?}: {}", version, ranges, got.sentence());
        prop_assert!(!got.because.is_empty());
    }
}
