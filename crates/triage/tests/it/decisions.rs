//! One pair a case: the verdict and the reasons, word for word.

use triage::{Border, Evidence, Frame, Line, Measured, Symbol, cluster, same_defect};

/// `4: 4.17.19 | 4.17.20` falls there, `4: 4.17.21 >` still fires, `3: -` is silent, `4: 1 ? 3` has unknown versions between.
pub fn line(text: &str) -> Line {
    let (name, rest) = text.split_once(": ").unwrap();
    let words: Vec<&str> = rest.split(' ').collect();
    let border = match words.as_slice() {
        ["-"] => Border::Silent,
        [last, ">"] => Border::Fires { last_fired: (*last).into() },
        [last, sign @ ("|" | "?"), first] => {
            Border::Falls { last_fired: (*last).into(), first_silent: (*first).into(), unknown_between: *sign == "?" }
        }
        other => panic!("{other:?}"),
    };
    Line { name: name.into(), border }
}

pub fn evidence(report: &str, lines: &[&str], frames: &[&str], symbols: &[&str]) -> Evidence {
    Evidence {
        report: report.into(),
        package: "pkg:npm/lodash".into(),
        oracle: "prototype-pollution".into(),
        lines: lines.iter().map(|l| line(l)).collect(),
        frames: frames.iter().map(|f| Frame::of_text(f).unwrap()).collect(),
        symbols: symbols.iter().map(|s| Symbol { file: None, function: (*s).into() }).collect(),
        ..Evidence::default()
    }
}

#[track_caller]
fn check(a: &Evidence, b: &Evidence, verdict: &str, reasons: &[&str]) {
    let decision = same_defect(a, b);
    let said: Vec<&str> = decision.reasons.iter().map(|r| r.text.as_str()).collect();
    assert_eq!((decision.verdict.as_str(), said.as_slice()), (verdict, reasons));
    let other_way = same_defect(b, a);
    assert_eq!(other_way.verdict, decision.verdict, "the other way round");
}

const FALLS: &[&str] = &["4: 4.17.19 | 4.17.20"];
const BASE_SET: &[&str] = &["lodash.js:baseSet", "lodash.js:zipObjectDeep"];

#[test]
fn same_border_and_same_frame_join() {
    check(
        &evidence("a", &["4: 4.17.19 | 4.17.20", "3: -"], BASE_SET, &[]),
        &evidence("b", &["4: 4.17.19 | 4.17.20", "3: -", "2: 2.4.2 >"], &["./lodash.js:Object.baseSet [as set]"], &[]),
        "join",
        &["in line 4 both fire on 4.17.19 and both are silent from 4.17.20 on", "both fire in lodash.js:baseSet"],
    );
}

#[test]
fn a_named_function_serves_where_a_trace_is_missing() {
    check(
        &evidence("a", FALLS, &[], &["zipObjectDeep"]),
        &evidence("b", FALLS, &[], &["_.zipObjectDeep()"]),
        "join",
        &[
            "in line 4 both fire on 4.17.19 and both are silent from 4.17.20 on",
            "both reports name the function zipObjectDeep",
        ],
    );
    check(
        &evidence("a", FALLS, &[], &["baseSet"]),
        &evidence("b", FALLS, BASE_SET, &[]),
        "join",
        &[
            "in line 4 both fire on 4.17.19 and both are silent from 4.17.20 on",
            "one report names the function baseSet, and the other fires in it",
        ],
    );
    check(
        &evidence("a", FALLS, &[], &["zipObjectDeep"]),
        &evidence("b", FALLS, BASE_SET, &[]),
        "propose",
        &[
            "in line 4 both fire on 4.17.19 and both are silent from 4.17.20 on",
            "one report names the function zipObjectDeep, and the other passes through it",
        ],
    );
}

#[test]
fn one_release_may_fix_two_defects() {
    check(
        &evidence("a", FALLS, &["lodash.js:baseSet"], &[]),
        &evidence("b", FALLS, &["lodash.js:template"], &[]),
        "separate",
        &[
            "in line 4 both fire on 4.17.19 and both are silent from 4.17.20 on",
            "their traces have no function in common: lodash.js:baseSet and lodash.js:template",
        ],
    );
    check(
        &evidence("a", FALLS, &["lodash.js:baseSet", "lodash.js:run"], &[]),
        &evidence("b", FALLS, &["lodash.js:template", "lodash.js:run"], &[]),
        "propose",
        &[
            "in line 4 both fire on 4.17.19 and both are silent from 4.17.20 on",
            "both pass through run, but fire in different functions",
        ],
    );
    check(
        &evidence("a", FALLS, &["lodash.js:<anonymous>"], &[]),
        &evidence("b", FALLS, &["lodash.js:<anonymous>"], &[]),
        "propose",
        &[
            "in line 4 both fire on 4.17.19 and both are silent from 4.17.20 on",
            "there are no traces or named functions to compare",
        ],
    );
}

#[test]
fn other_borders_separate_even_in_the_same_function() {
    check(
        &evidence("a", &["4: 4.17.15 | 4.17.16"], BASE_SET, &[]),
        &evidence("b", FALLS, BASE_SET, &[]),
        "separate",
        &["in line 4 one is silent from 4.17.16 on, the other from 4.17.20 on", "both fire in lodash.js:baseSet"],
    );
    check(
        &evidence("a", &["4: 4.17.21 >"], BASE_SET, &[]),
        &evidence("b", FALLS, BASE_SET, &[]),
        "separate",
        &[
            "in line 4 one is silent from 4.17.20 on, the other still fires on 4.17.21",
            "both fire in lodash.js:baseSet",
        ],
    );
}

#[test]
fn weak_evidence_proposes() {
    check(
        &evidence("a", &["4: 4.17.18 ? 4.17.20"], BASE_SET, &[]),
        &evidence("b", FALLS, BASE_SET, &[]),
        "propose",
        &[
            "in line 4 one falls between 4.17.18 and 4.17.20, the other between 4.17.19 and 4.17.20; versions between them \
             gave no verdict",
            "both fire in lodash.js:baseSet",
        ],
    );
    check(
        &evidence("a", &["4: 4.17.19 | 4.17.20", "3: 3.10.1 >"], BASE_SET, &[]),
        &evidence("b", &["4: 4.17.19 | 4.17.20", "3: -"], BASE_SET, &[]),
        "propose",
        &[
            "in line 3 one fires on 3.10.1, the other never",
            "in line 4 both fire on 4.17.19 and both are silent from 4.17.20 on",
            "both fire in lodash.js:baseSet",
        ],
    );
    let no_border = "there is no release line in which both fall silent, and no verified fix that was tried on both";
    let unfixed = evidence("a", &["4: 4.17.21 >"], BASE_SET, &[]);
    check(&unfixed, &unfixed.clone(), "propose", &[no_border, "both fire in lodash.js:baseSet"]);
}

#[test]
fn nothing_in_common_is_two_unless_both_declare_the_same_fix() {
    let no_border = "there is no release line in which both fall silent, and no verified fix that was tried on both";
    let no_code = "there are no traces or named functions to compare";
    let (mut a, mut b) = (evidence("a", &[], &[], &[]), evidence("b", &[], &[], &[]));
    check(&a, &b, "separate", &[no_border, no_code]);
    a.declared_fix = Some("4.17.20".into());
    b.declared_fix = a.declared_fix.clone();
    check(&a, &b, "propose", &[no_border, no_code, "both finders say that 4.17.20 fixes it"]);
    b.package = "pkg:npm/underscore".into();
    check(&a, &b, "separate", &["they are about different packages: pkg:npm/lodash and pkg:npm/underscore"]);
}

#[test]
fn a_verified_fix_is_one_change() {
    let mut a = evidence("a", &["4: 4.17.21 >"], BASE_SET, &[]);
    let mut b = evidence("b", &["4: 4.17.21 >"], BASE_SET, &[]);
    a.silenced_by = vec!["fix_1".into()];
    b.silenced_by = vec!["fix_2".into(), "fix_1".into()];
    check(&a, &b, "join", &["the verified fix fix_1 silences both", "both fire in lodash.js:baseSet"]);
    b.frames = vec![Frame::of_text("lodash.js:template").unwrap()];
    let differ = "their traces have no function in common: lodash.js:baseSet and lodash.js:template";
    check(&a, &b, "propose", &["the verified fix fix_1 silences both", differ]);
    b.silenced_by = vec![];
    b.fires_despite = vec!["fix_1".into()];
    check(&a, &b, "separate", &["the verified fix fix_1 silences one, and the other still fires under it", differ]);
}

#[test]
fn the_oracle_is_told_and_decides_nothing() {
    let mut other = evidence("b", FALLS, BASE_SET, &[]);
    other.oracle = "code-execution".into();
    check(
        &evidence("a", FALLS, BASE_SET, &[]),
        &other,
        "join",
        &[
            "in line 4 both fire on 4.17.19 and both are silent from 4.17.20 on",
            "both fire in lodash.js:baseSet",
            "different oracles fired: code-execution and prototype-pollution",
        ],
    );
}

#[test]
fn borders_from_verdicts() {
    use Measured::{Fired as F, Silent as S, Unknown as U};
    let border = |verdicts: &[Measured]| {
        let all: Vec<_> = verdicts.iter().enumerate().map(|(i, m)| (format!("1.0.{i}"), *m)).collect();
        Border::of_verdicts(&all)
    };
    let of = |text: &str| Some(line(&format!("1: {text}")).border);
    assert_eq!(border(&[]), None);
    assert_eq!(border(&[U, U]), None);
    assert_eq!(border(&[S, U]), of("-"));
    assert_eq!(border(&[S, F, F, S, S]), of("1.0.2 | 1.0.3"));
    assert_eq!(border(&[F, S, F, U, S]), of("1.0.2 ? 1.0.4"));
    assert_eq!(border(&[S, F, U]), of("1.0.1 >"));
}

#[test]
fn a_contested_group_is_left_to_people() {
    // a and c fall apart in line 4; b was measured in line 3 only, and there it goes with both.
    let a = evidence("a", &["3: 3.1.0 | 3.2.0", "4: 4.0.0 | 4.1.0"], BASE_SET, &[]);
    let b = evidence("b", &["3: 3.1.0 | 3.2.0"], BASE_SET, &[]);
    let c = evidence("c", &["3: 3.1.0 | 3.2.0", "4: 4.1.0 | 4.2.0"], BASE_SET, &[]);
    let found = cluster(&[a.clone(), b.clone(), c]);
    let members: Vec<_> = found.clusters.iter().map(|c| c.members.join("+")).collect();
    assert_eq!(members, ["a", "b", "c"]);
    let proposed: Vec<_> = found.proposals.iter().map(|l| format!("{}+{}", l.a, l.b)).collect();
    assert_eq!(proposed, ["a+b", "b+c"]);
    let found = cluster(&[a, b]);
    assert_eq!((found.clusters.len(), found.clusters[0].joins.len(), found.proposals.len()), (1, 1, 0));
}
