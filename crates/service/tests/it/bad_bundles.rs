//! Bundles and reports that are wrong end as a finding that says everything that is wrong, and as no
//! case; sent by themselves they are refused with every violation.

use domain::report::{FindingState, ReportState};
use service::ServiceError;
use store::Page;
use store::case::CaseFilter;
use store::finding::Finding;

use crate::bundle::{Bundle, report_of};
use crate::house::{House, Player, both_houses};

async fn drawn(house: &House, who: &Player, body: &[u8]) -> (Finding, String) {
    let view = house.reported(who, body).await;
    assert_eq!(view.report.state, ReportState::Done);
    let finding = view.findings[0].clone();
    assert_eq!(finding.case_id, None);
    let reason = finding.state_reason.clone().unwrap_or_default();
    (finding, reason)
}

async fn no_case(house: &House) {
    let all = house.service.case_list(&house.desk.ctx(), &CaseFilter::default(), &Page::default()).await.unwrap();
    assert!(all.items.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_with_a_bundle_is_said() {
    both_houses(async |house| {
        let s = &house.service;
        let finder = house.finder("Alder").await;
        let good = Bundle::quick();
        let many = good
            .clone()
            .without("control.js")
            .toml("kind = \"node\"", "kind = \"deno\"")
            .toml("kind = \"prototype-pollution\"", "kind = \"magic\"")
            .toml("repeat = 3", "repeat = 0");
        let bad: Vec<(Vec<u8>, Vec<&str>)> = vec![
            (b"\x1f\x8bnot an archive at all".to_vec(), vec!["bundle"]),
            (good.packed()[..200].to_vec(), vec!["bundle"]),
            (good.clone().without("proof.toml").packed(), vec!["proof.toml"]),
            (good.clone().without("control.js").packed(), vec!["control"]),
            (good.clone().toml("control = \"control.js\"\n", "").packed(), vec!["control"]),
            (many.packed(), vec!["control", "runtime", "oracle", "repeat"]),
            (
                good.clone().toml("pkg:npm/fast-loops", "pkg:npm/lodash").packed(),
                vec!["the report is about pkg:npm/fast-loops"],
            ),
        ];
        for (packed, words) in bad {
            let (finding, reason) = drawn(house, &finder, &report_of("pkg:npm/fast-loops", &packed, |_| {})).await;
            assert_eq!(finding.state, FindingState::ProofWanted);
            assert!(words.iter().all(|w| reason.contains(w)), "{words:?}: {reason}");
            for place in [std::env::temp_dir(), house.config.home.clone()] {
                assert!(!reason.contains(&*place.to_string_lossy()), "a path of this machine: {reason}");
            }
            match s.proof_submit(&finder.ctx(), finding.id, &packed).await {
                Err(ServiceError::Invalid(violations)) => {
                    let said = format!("{violations:?}");
                    assert!(violations.len() >= words.len() && words.iter().all(|w| said.contains(w)), "{said}");
                }
                other => panic!("{other:?}"),
            }
        }
        let finding = drawn(house, &finder, &report_of("pkg:npm/fast-loops", b"\x1f\x8b", |_| {})).await.0;
        let large = vec![0; service::proof::BUNDLE_BYTES_MAX + 1];
        let refused = s.proof_submit(&finder.ctx(), finding.id, &large).await;
        assert!(matches!(refused, Err(ServiceError::Invalid(_))));
        no_case(house).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_or_version_that_does_not_exist_is_said() {
    both_houses(async |house| {
        let finder = house.finder("Alder").await;
        let unknown = Bundle::quick().toml("pkg:npm/fast-loops", "pkg:npm/proofhouse-no-such-package");
        let body = report_of("pkg:npm/proofhouse-no-such-package", &unknown.packed(), |_| {});
        let (finding, reason) = drawn(house, &finder, &body).await;
        assert_eq!(finding.state, FindingState::NotProved);
        assert!(reason.contains("proofhouse-no-such-package"), "{reason}");
        let never = Bundle::quick().toml("vulnerable = \"1.1.3\"", "vulnerable = \"99.0.0\"");
        let (finding, reason) = drawn(house, &finder, &never.report()).await;
        assert_eq!(finding.state, FindingState::NotProved);
        assert!(reason.contains("99.0.0"), "{reason}");
        no_case(house).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_a_proof_or_a_package_waits_and_says_for_what() {
    both_houses(async |house| {
        let finder = house.finder("Alder").await;
        let proof = Bundle::quick().packed();
        let bare = report_of("pkg:npm/fast-loops", &proof, |r| r.attachments.clear());
        let text = report_of("pkg:npm/fast-loops", b"run it and see", |r| {
            r.attachments[0].content_type = formats::tap::ContentType::Plain;
            r.attachments[0].filename = "poc.txt".to_owned();
        });
        let elsewhere = report_of("pkg:npm/fast-loops", &proof, |r| {
            r.purl = None;
            r.ecosystem = Some("Linux".to_owned());
            r.software = Some("Kernel".to_owned());
        });
        for (body, words) in [
            (bare, "no proof bundle is attached"),
            (text, "the proof of concept is not a proof bundle"),
            (elsewhere, "no package in an ecosystem known here is named"),
        ] {
            let (finding, reason) = drawn(house, &finder, &body).await;
            assert_eq!(finding.state, FindingState::ProofWanted);
            assert!(reason.contains(words), "{reason}");
        }
        no_case(house).await;
        for body in [&b"{"[..], b"[]", b"{\"purl\":1}", b"\xff"] {
            let refused = house.service.report_submit(&finder.ctx(), body).await;
            assert!(matches!(refused, Err(ServiceError::Tap(_))));
        }
        let operator = house.operator("Hospital").await;
        let refused = house.service.report_submit(&operator.ctx(), b"{").await;
        assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "who may not send is told so first");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_brings_the_effect_about_itself_proves_nothing() {
    both_houses(async |house| {
        let finder = house.finder("Alder").await;
        let poc = "'use strict';\nrequire('fast-loops');\nObject.prototype.polluted = true;\n";
        let (finding, reason) = drawn(house, &finder, &Bundle::quick().with("poc.js", poc).report()).await;
        assert_eq!(finding.state, FindingState::NotProved);
        assert!(reason.contains("fires by itself"), "{reason}");
        no_case(house).await;
    })
    .await;
}
