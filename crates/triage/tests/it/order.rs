//! Whatever the evidence and the order of arrival: the same clusters, the same reasons, and nobody lost.

use proptest::prelude::*;
use triage::{Evidence, Verdict, cluster, same_defect};

use crate::decisions::evidence;

fn evidence_any() -> impl Strategy<Value = Evidence> {
    let line = prop_oneof![
        Just("4: 4.1.0 | 4.2.0"),
        Just("4: 4.1.0 | 4.2.0"),
        Just("4: 4.2.0 | 4.3.0"),
        Just("4: 4.0.0 ? 4.2.0"),
        Just("4: 4.9.0 >"),
        Just("4: -"),
    ];
    let other = prop_oneof![Just("3: 3.1.0 | 3.2.0"), Just("3: 3.2.0 | 3.3.0"), Just("3: -"), Just("3: 3.9.0 >")];
    let frame = prop_oneof![Just("a.js:f"), Just("a.js:g"), Just("b.js:f"), Just("a.js:<anonymous>")];
    let symbol = prop_oneof![Just("f"), Just("g"), Just("x.f")];
    (
        proptest::collection::vec(line, 0..2),
        proptest::collection::vec(other, 0..2),
        proptest::collection::vec(frame, 0..3),
        proptest::collection::vec(symbol, 0..2),
        proptest::collection::vec("fix_[12]", 0..2),
        proptest::collection::vec("fix_[12]", 0..2),
        proptest::option::of("4\\.[23]\\.0"),
        "[ab]",
    )
        .prop_map(|(line, other, frames, symbols, silenced_by, fires_despite, declared_fix, package)| {
            let lines = [line, other].concat();
            let mut one = evidence("", &lines, &frames, &symbols);
            (one.silenced_by, one.fires_despite, one.declared_fix) = (silenced_by, fires_despite, declared_fix);
            one.package = format!("pkg:npm/{package}");
            one
        })
}

fn reports() -> impl Strategy<Value = (Vec<Evidence>, Vec<Evidence>)> {
    proptest::collection::vec(evidence_any(), 0..9).prop_flat_map(|mut all| {
        for (index, one) in all.iter_mut().enumerate() {
            one.report = format!("report_{index}");
        }
        (Just(all.clone()), Just(all).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn arrival_does_not_matter((in_order, shuffled) in reports()) {
        let found = cluster(&in_order);
        prop_assert_eq!(&found, &cluster(&shuffled));
        let mut members: Vec<&String> = found.clusters.iter().flat_map(|c| &c.members).collect();
        members.sort();
        prop_assert_eq!(members, in_order.iter().map(|e| &e.report).collect::<Vec<_>>());
        let of = |id: &String| in_order.iter().find(|e| e.report == *id).unwrap();
        for cluster in &found.clusters {
            prop_assert!(cluster.members.len() == 1 || !cluster.joins.is_empty());
            for a in &cluster.members {
                for b in cluster.members.iter().filter(|b| *b != a) {
                    prop_assert_ne!(same_defect(of(a), of(b)).verdict, Verdict::Separate);
                }
            }
        }
        let told = found.proposals.iter().chain(found.clusters.iter().flat_map(|c| &c.joins));
        prop_assert!(told.into_iter().all(|link| !link.reasons.is_empty() && link.a < link.b));
    }

    #[test]
    fn either_may_be_asked_first(a in evidence_any(), b in evidence_any()) {
        let (one, other) = (same_defect(&a, &b), same_defect(&b, &a));
        prop_assert_eq!(one.verdict, other.verdict);
        let facts = |d: &triage::Decision| { let mut f: Vec<_> = d.reasons.iter().map(|r| r.fact).collect(); f.sort(); f };
        prop_assert_eq!(facts(&one), facts(&other));
    }
}
