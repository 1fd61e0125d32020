//! The maintainer's verdict: given and changed by the maintainer alone, and told to whoever found the defect.

use domain::case::{CaseState, EventKind, MaintainerVerdict};
use domain::read_in::Tier;
use service::ServiceError;
use service::verdict::VerdictInput;

use crate::bundle::Bundle;
use crate::house::both_houses;

fn conflict<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> &'static str {
    match result {
        Err(ServiceError::Conflict { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

fn violation<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> String {
    match result {
        Err(ServiceError::Invalid(violations)) => format!("{} {}", violations[0].field, violations[0].code),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn finders_read_each_verdict_in_their_status_as_long_as_they_may() {
    both_houses(async |house| {
        let s = &house.service;
        let (alder, birch) = (house.finder("Alder").await, house.finder("Birch").await);
        let keeper = house.maintainer("pkg:npm/fast-loops").await;
        let view = house.reported(&alder, &Bundle::quick().report()).await;
        let (finding, case) = (view.findings[0].id, view.findings[0].case_id.unwrap());
        let status = async || s.submission_status(&view.report.receipt).await.unwrap();
        assert!(view.verdicts.is_empty() && status().await.verdicts.is_empty());

        let said = VerdictInput::new(MaintainerVerdict::NotAnIssue, "works as meant");
        s.case_judge(&keeper.ctx(), case, said).await.unwrap();
        house.work().await;
        let told = status().await.verdicts;
        assert_eq!(
            (told[0].finding, told[0].verdict, told[0].reason.as_str()),
            (finding, MaintainerVerdict::NotAnIssue, "works as meant")
        );
        assert_eq!(house.report_of(&alder, &view.report.receipt).await.verdicts, told);
        s.case_close(&house.desk.ctx(), case, "on the verdict").await.unwrap();

        // Only the maintainer changes it; that opens the case again, and each change stands in the history.
        for other in [&house.desk, &alder] {
            let refused = s.case_judge(&other.ctx(), case, VerdictInput::new(MaintainerVerdict::Hardening, "x")).await;
            assert!(matches!(refused, Err(ServiceError::Forbidden(_))));
        }
        s.case_judge(&keeper.ctx(), case, VerdictInput::new(MaintainerVerdict::Hardening, "on second thought"))
            .await
            .unwrap();
        assert_eq!(house.show(&keeper, case).await.case.state, CaseState::Closed);
        s.case_judge(&keeper.ctx(), case, VerdictInput::new(MaintainerVerdict::Vulnerability, "it is one"))
            .await
            .unwrap();
        house.work().await;
        let shown = house.show(&alder, case).await;
        assert_eq!(shown.case.state, CaseState::Open);
        let history: Vec<&str> =
            shown.events.iter().filter(|e| e.kind == EventKind::Judged).map(|e| e.text.as_str()).collect();
        assert_eq!(
            history,
            [
                "the maintainer's verdict: not-an-issue. works as meant",
                "the maintainer changed its verdict from not-an-issue to hardening. on second thought",
                "the maintainer changed its verdict from hardening to vulnerability. it is one",
            ]
        );
        assert_eq!(status().await.verdicts[0].verdict, MaintainerVerdict::Vulnerability);
        let again = VerdictInput::new(MaintainerVerdict::Vulnerability, "it is one");
        assert_eq!(conflict(s.case_judge(&keeper.ctx(), case, again).await), "verdict_given");

        // Another's receipt tells of another's report; and whom a coordinator took out is told no more.
        let other = house.reported(&birch, &Bundle::quick_other().report()).await;
        assert!(s.submission_status(&other.report.receipt).await.unwrap().verdicts.is_empty());
        let read_in = shown.read_ins.iter().find(|r| r.member_id == alder.member).unwrap().id;
        s.read_in_end(&house.desk.ctx(), case, read_in).await.unwrap();
        assert!(status().await.verdicts.is_empty());
        assert!(house.report_of(&alder, &view.report.receipt).await.verdicts.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_names_of_what_and_only_to_those_who_may_know() {
    both_houses(async |house| {
        let s = &house.service;
        let (alder, birch) = (house.finder("Alder").await, house.finder("Birch").await);
        let keeper = house.maintainer("pkg:npm/fast-loops").await;
        let (_, one) = house.case(&alder, &Bundle::quick()).await;
        let (_, two) = house.case(&birch, &Bundle::quick_other()).await;
        let (_, hidden) = house.case(&alder, &Bundle::example("netmask-octal")).await;
        let of = |named: &str| VerdictInput {
            duplicate_of: Some(named.to_owned()),
            ..VerdictInput::new(MaintainerVerdict::DuplicateOfOurs, "known")
        };
        let judge = async |input| s.case_judge(&keeper.ctx(), two, input).await;
        let bare = VerdictInput { duplicate_of: None, ..of("") };
        assert_eq!(violation(judge(bare).await), "duplicate_of missing_field");
        let other = VerdictInput { verdict: MaintainerVerdict::Hardening, ..of("OUR-7") };
        assert_eq!(violation(judge(other).await), "duplicate_of field_not_allowed");
        for bad in [" ", "a\nb", "a\u{202e}b", &"x".repeat(513)] {
            assert_eq!(violation(judge(of(bad)).await), "duplicate_of malformed_text", "{bad}");
        }
        let never = "case_00000000000000000000000000".to_owned();
        for unknown in [hidden.to_string(), never, two.to_string(), "case_nonsense".to_owned()] {
            assert_eq!(violation(judge(of(&unknown)).await), "duplicate_of unknown_case", "{unknown}");
        }

        judge(of(&one.to_string())).await.unwrap();
        assert_eq!(house.show(&keeper, two).await.case.duplicate_of, Some(one.to_string()));
        let seen = house.show(&birch, two).await;
        assert_eq!((seen.case.verdict, &seen.case.duplicate_of), (Some(MaintainerVerdict::DuplicateOfOurs), &None));
        assert!(seen.events.iter().all(|e| !e.text.contains(&one.to_string())));
        let filter = store::case::CaseFilter::default();
        let listed = s.case_list(&birch.ctx(), &filter, &store::Page::default()).await.unwrap();
        assert!(listed.items.iter().all(|c| c.duplicate_of.is_none()));
        house.read_in(one, &birch, Tier::Distribution).await;
        assert_eq!(house.show(&birch, two).await.case.duplicate_of, Some(one.to_string()));
        judge(of("OUR-7")).await.unwrap();
        assert_eq!(house.show(&birch, two).await.case.duplicate_of.as_deref(), Some("OUR-7"));
    })
    .await;
}
