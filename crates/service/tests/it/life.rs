//! The life of a finding, and what becomes of reports that are one, another, or wrong.

use domain::advisory::AdvisoryFormat;
use domain::case::{CaseState, EventKind, MaintainerVerdict};
use domain::claim::{Method, Scope, Shown};
use domain::fix::{FixKind, FixState};
use domain::notice::NoticeState;
use domain::party::Role;
use domain::read_in::Tier;
use domain::report::{FindingState, ReportState};
use service::advisory::PublishInput;
use service::claim::ClaimInput;
use service::fix::FixInput;
use service::notice::AnswerInput;
use service::verdict::VerdictInput;
use store::Page;
use store::case::CaseFilter;

use crate::bundle::{Bundle, ids, symbol};
use crate::house::both_houses;

#[tokio::test(flavor = "multi_thread")]
async fn from_claim_to_notice() {
    both_houses(async |house| {
        let s = &house.service;
        let finder = house.finder("Alder").await;
        let keeper = house.maintainer("pkg:npm/fast-loops").await;
        let hospital = house.operator("Hospital").await;

        let scope = Scope::package("pkg:npm/fast-loops".parse().unwrap(), None, None).unwrap();
        let input = ClaimInput { scope, method: Method::Manual, shown: Shown::Party, lease_s: 3_600 };
        let claim = s.claim_take(&finder.ctx(), input.clone()).await.unwrap().claim;
        let other = house.finder("Birch").await;
        let overlaps = s.claim_take(&other.ctx(), input).await.unwrap().overlaps;
        assert_eq!(overlaps[0].party.as_deref(), Some("Alder"));

        let body = Bundle::quick().report_with(ids(&["CVE-2024-39008"]));
        let sent = s.report_submit(&finder.ctx(), &body).await.unwrap();
        assert_eq!(s.submission_status(&sent.receipt).await.unwrap().state, ReportState::Queued);
        house.work().await;
        assert_eq!(s.submission_status(&sent.receipt).await.unwrap().state, ReportState::Done);
        let report = house.report_of(&finder, &sent.receipt).await;
        let finding = &report.findings[0];
        assert_eq!(finding.state, FindingState::InCase, "{finding:?}");
        let proof = s.proof_show(&finder.ctx(), finding.proof_id.unwrap()).await.unwrap();
        assert!(proof.receipts.iter().any(|r| r.version == "1.1.3" && r.verdict.as_str() == "fired"));
        let case = finding.case_id.unwrap();
        s.claim_release(&finder.ctx(), claim.id, claim.fence, "objectMergeDeep, read and run").await.unwrap();

        let input = FixInput {
            case,
            kind: FixKind::Upgrade,
            version: Some("1.1.4".to_owned()),
            note: String::new(),
            patch: None,
        };
        let fix = s.fix_propose(&keeper.ctx(), input).await.unwrap();
        house.work().await;
        assert_eq!(s.fix_show(&keeper.ctx(), fix.id).await.unwrap().state, FixState::Verified);
        assert_eq!(house.show(&keeper, case).await.case.state, CaseState::FixVerified);
        s.case_judge(&keeper.ctx(), case, VerdictInput::new(MaintainerVerdict::Vulnerability, "it is one"))
            .await
            .unwrap();
        house.runs(&hospital, "ward", &[("fast-loops", "1.1.3")]).await;
        assert!(s.notice_list(&hospital.ctx(), &Page::default()).await.unwrap().items.is_empty());

        let advisory = s.advisory_publish(&keeper.ctx(), case, PublishInput::default()).await.unwrap();
        let osv = s.advisory_document(&advisory.name, AdvisoryFormat::Osv, None).await.unwrap();
        assert!(osv.body.contains("CVE-2024-39008"));
        house.work().await;
        let notices = s.notice_list(&hospital.ctx(), &Page::default()).await.unwrap().items;
        assert_eq!(notices.len(), 1);
        assert!(notices[0].action.contains("to 1.1.4"), "{}", notices[0].action);
        assert!(!notices[0].pre_publication && !notices[0].analogy);
        let answer = AnswerInput { answer: NoticeState::Scheduled, justification: None, note: None };
        s.notice_answer(&hospital.ctx(), notices[0].id, answer).await.unwrap();
        house.runs(&hospital, "ward", &[("fast-loops", "1.1.4")]).await;
        let closed = s.notice_show(&hospital.ctx(), notices[0].id).await.unwrap();
        assert_eq!(closed.state, NoticeState::Closed);
        let public = s.case_show_public(case).await.unwrap();
        assert_eq!((public.case.state, public.credits.len(), public.findings.len()), (CaseState::Published, 1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_reports_of_one_defect_are_one_case_and_another_defect_is_not() {
    both_houses(async |house| {
        let finders = [house.finder("Alder").await, house.finder("Birch").await, house.finder("Cedar").await];
        let bundles = ["lodash-zipobjectdeep", "lodash-set-proto", "lodash-updatewith-pollution"];
        let functions = ["zipObjectDeep", "set", "updateWith"];
        let mut receipts = Vec::new();
        for ((finder, bundle), function) in finders.iter().zip(bundles).zip(functions) {
            let body = Bundle::example(bundle).report_with(symbol(function));
            receipts.push(house.service.report_submit(&finder.ctx(), &body).await.unwrap().receipt);
        }
        let body = Bundle::example("lodash-template-injection").report();
        let template = house.service.report_submit(&finders[0].ctx(), &body).await.unwrap().receipt;
        house.work().await;
        let mut cases = Vec::new();
        for (finder, receipt) in finders.iter().zip(&receipts) {
            let finding = house.report_of(finder, receipt).await.findings.remove(0);
            assert_eq!(finding.state, FindingState::InCase, "{finding:?}");
            assert!(finding.state_reason.is_some());
            cases.push(finding.case_id.unwrap());
        }
        let other = house.report_of(&finders[0], &template).await.findings[0].case_id.unwrap();
        assert!(cases.iter().all(|c| *c == cases[0]) && other != cases[0]);
        let view = house.show(&finders[1], cases[0]).await;
        assert_eq!(view.credits, ["Alder", "Birch", "Cedar"]);
        let joins: Vec<_> = view.findings.iter().skip(1).map(|f| f.state_reason.clone().unwrap()).collect();
        assert!(joins.iter().all(|r| r.contains("both fire on 4.17.16 and both are silent from 4.17.17")), "{joins:?}");
        assert!(joins.iter().all(|r| r.contains("both fire in lodash.js:baseAssignValue")), "{joins:?}");
        // The range of the case is what all three show together.
        let range = service::range::MeasuredRange::parse(view.case.range.as_deref().unwrap()).unwrap();
        assert_eq!(range.affected.len(), 1);
        assert_eq!((range.affected[0].introduced.as_str(), range.fixed_in()), ("3.7.0", Some("4.17.17")));
        // Whoever is not read in to both sees nothing of the other.
        assert!(house.service.case_show(&finders[1].ctx(), other).await.is_err());
        let filter = CaseFilter::default();
        let listed = house.service.case_list(&finders[1].ctx(), &filter, &Page::default()).await.unwrap();
        assert_eq!(listed.items.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_does_not_fire_makes_no_case() {
    both_houses(async |house| {
        let finder = house.finder("Alder").await;
        let view = house.reported(&finder, &Bundle::example("wrong/lodash-merge-claim").report()).await;
        let finding = &view.findings[0];
        assert_eq!((finding.state, finding.case_id), (FindingState::NotProved, None));
        let reason = finding.state_reason.as_deref().unwrap();
        assert!(reason.contains("does not fire at 4.17.15"), "{reason}");
        let all = house.service.case_list(&house.desk.ctx(), &CaseFilter::default(), &Page::default()).await.unwrap();
        assert!(all.items.is_empty());
        // A better proof of the same finding may follow.
        let id = finding.id;
        let better = Bundle::example("lodash-set-proto").packed();
        house.service.proof_submit(&finder.ctx(), id, &better).await.unwrap();
        house.work().await;
        let view = house.report_of(&finder, &view.report.receipt).await;
        assert_eq!(view.findings[0].state, FindingState::InCase);
        let again = house.service.proof_submit(&finder.ctx(), id, &better).await;
        assert!(matches!(again, Err(service::ServiceError::Conflict { code: "proof_there", .. })));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_fires_at_its_declared_fix_is_told_so_and_joins_its_case() {
    both_houses(async |house| {
        let (a, b) = (house.finder("Alder").await, house.finder("Birch").await);
        let (_, case) = house.case(&a, &Bundle::example("minimist-constructor")).await;
        let view = house.reported(&b, &Bundle::example("wrong/minimist-incomplete-fix").report()).await;
        let finding = &view.findings[0];
        let reason = finding.state_reason.as_deref().unwrap();
        assert!(reason.contains("fires also on 1.2.3, which the report declares fixed"), "{reason}");
        assert_eq!((finding.state, finding.case_id), (FindingState::InCase, Some(case)), "{finding:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_defect_does_not_reach_the_maintainer_twice() {
    both_houses(async |house| {
        let s = &house.service;
        let (a, b) = (house.finder("Alder").await, house.finder("Birch").await);
        let keeper = house.maintainer("pkg:npm/fast-loops").await;
        let (_, case) = house.case(&a, &Bundle::quick()).await;
        s.case_judge(&keeper.ctx(), case, VerdictInput::new(MaintainerVerdict::NotAnIssue, "works as meant"))
            .await
            .unwrap();
        s.case_close(&house.desk.ctx(), case, "on the verdict").await.unwrap();
        let view = house.reported(&b, &Bundle::quick().retold("again").report()).await;
        let finding = &view.findings[0];
        assert_eq!(finding.case_id, Some(case));
        let reason = finding.state_reason.as_deref().unwrap();
        assert!(reason.contains("the maintainer's verdict is not-an-issue"), "{reason}");
        let view = house.show(&keeper, case).await;
        assert_eq!((view.case.state, view.credits.len()), (CaseState::Closed, 2));
        assert_eq!(house.show(&b, case).await.case.verdict, Some(MaintainerVerdict::NotAnIssue));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_the_same_is_told_to_coordinators_alone() {
    both_houses(async |house| {
        let (a, b) = (house.finder("Alder").await, house.finder("Birch").await);
        let (_, secret) = house.case(&a, &Bundle::quick()).await;
        // The same border, and no trace to compare: only a coordinator may say that it is one.
        let poc = "'use strict';\nconst { objectMergeDeep } = require('fast-loops');\n\
                   objectMergeDeep({}, JSON.parse('{\"__proto__\": {\"x\": 1}}'));\n\
                   process.exitCode = ({}).x === 1 ? 10 : 0;\n";
        let told = Bundle::quick().with("poc.js", poc).toml("kind = \"prototype-pollution\"", "kind = \"assertion\"");
        let (_, case) = house.case(&b, &told).await;
        assert_ne!(case, secret);
        let seen_by = |view: &service::case::CaseView| {
            view.events
                .iter()
                .filter(|e| e.kind == EventKind::JoinProposed || e.text.contains(&secret.to_string()))
                .count()
        };
        assert_eq!(seen_by(&house.show(&house.desk, case).await), 1);
        assert_eq!(seen_by(&house.show(&b, case).await), 0);
        let expert = house.player("Expert", &[Role::Maintainer], &[]).await;
        house.read_in(case, &expert, Tier::Fixing).await;
        assert_eq!(seen_by(&house.show(&expert, case).await), 0);
    })
    .await;
}
