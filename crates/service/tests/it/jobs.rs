//! Jobs: done twice they change nothing, and whatever happens to a worker, nothing is lost.

use std::collections::BTreeSet;

use domain::case::MaintainerVerdict;
use domain::fix::{FixKind, FixState};
use domain::id::CaseId;
use domain::read_in::Tier;
use domain::report::{FindingState, ReportState};
use service::advisory::PublishInput;
use service::feed::FeedKind;
use service::fix::FixInput;
use service::identity::now;
use service::job::JobKind;
use service::pace::PaceInput;
use service::verdict::VerdictInput;
use service::{Service, ServiceConfig};
use store::Page;
use store::job::{JOB_ATTEMPTS_MAX, JobState, Lease};

use crate::bundle::{Bundle, example, ids};
use crate::house::{House, Player, both_fresh_houses, both_houses};

/// Everything that can be seen of what the jobs wrote.
async fn picture(house: &House, finder: &Player, operator: &Player, cases: &[CaseId]) -> String {
    let s = &house.service;
    let mut picture = String::new();
    let page = Page { cursor: None, limit: 100 };
    for case in cases {
        picture.push_str(&format!("{:#?}\n", house.show(&house.desk, *case).await));
    }
    for report in s.report_list(&finder.ctx(), &page).await.unwrap().items {
        let view = s.report_show(&finder.ctx(), report.id).await.unwrap();
        for finding in &view.findings {
            picture
                .push_str(&format!("{:#?}\n", s.proof_show(&finder.ctx(), finding.proof_id.unwrap()).await.unwrap()));
        }
        picture.push_str(&format!("{view:#?}\n"));
    }
    picture.push_str(&format!("{:#?}\n", s.standing_show(&finder.ctx(), finder.party).await.unwrap()));
    picture.push_str(&format!("{:#?}\n", s.notice_list(&operator.ctx(), &page).await.unwrap()));
    picture.push_str(&format!("{:#?}\n", s.advisory_list(&page).await.unwrap()));
    picture
}

#[tokio::test(flavor = "multi_thread")]
async fn every_job_done_twice_changes_nothing() {
    both_houses(async |house| {
        let s = &house.service;
        let (finder, operator) = (house.finder("Alder").await, house.operator("Hospital").await);
        let keeper = house.maintainer("pkg:npm/fast-loops").await;
        let paced = PaceInput {
            rate_per_week: Some(5),
            seasons: Vec::new(),
            refuse: false,
            exceptions: true,
            // Nobody sends letters here: each is over at once.
            told: domain::pace::Told::Email,
            told_to: Some("security@keepers.example".to_owned()),
            embargo_url: None,
            embargo_days: None,
            guests: Vec::new(),
        };
        s.pace_set(&keeper.ctx(), keeper.party, paced).await.unwrap();
        let inventory = house.runs(&operator, "web", &[("fast-loops", "1.1.3")]).await.inventory.id;
        let report = house.reported(&finder, &Bundle::quick().report_with(ids(&["CVE-2024-39008"]))).await;
        let finding = &report.findings[0];
        let case = finding.case_id.unwrap();
        let (_, second) = house.case(&finder, &Bundle::quick_other()).await;
        let input = FixInput {
            case,
            kind: FixKind::Upgrade,
            version: Some("1.1.4".to_owned()),
            note: String::new(),
            patch: None,
        };
        let fix = s.fix_propose(&keeper.ctx(), input).await.unwrap().id;
        let points = std::fs::read(example("feeds/points.csv")).unwrap();
        s.feed_load(&house.desk.ctx(), FeedKind::Ssvc, &points).await.unwrap();
        house.read_in(second, &operator, Tier::Distribution).await;
        house.work().await;
        s.case_judge(&keeper.ctx(), case, VerdictInput::new(MaintainerVerdict::Vulnerability, "it is one"))
            .await
            .unwrap();
        s.advisory_publish(&keeper.ctx(), case, PublishInput::default()).await.unwrap();
        let ends = now();
        let source = domain::embargo::EmbargoSource::Negotiated;
        let input = service::case::EmbargoInput { source, ends, url: None };
        s.embargo_set(&keeper.ctx(), second, input).await.unwrap();
        house.work().await;
        let letters = s.letter_list(&house.desk.ctx(), None, &store::Page::default()).await.unwrap().items;
        let before = picture(house, &finder, &operator, &[case, second]).await;
        let mut done = BTreeSet::new();
        for (kind, payload) in [
            (JobKind::ReportProcess, report.report.id.to_string()),
            (JobKind::ProofMeasure, finding.proof_id.unwrap().to_string()),
            (JobKind::FixVerify, fix.to_string()),
            (JobKind::CaseNotify, case.to_string()),
            (JobKind::CaseNotify, second.to_string()),
            (JobKind::InventoryMatch, inventory.to_string()),
            (JobKind::DeadlinesRecompute, "now".to_owned()),
            (JobKind::EmbargoEnd, format!("{second} {}", ends.micros())),
            (JobKind::PaceRelease, keeper.party.to_string()),
            (JobKind::LetterSend, letters[0].id.to_string()),
        ] {
            done.insert(kind.as_str());
            house.again(kind.as_str(), &payload).await;
            let after = picture(house, &finder, &operator, &[case, second]).await;
            assert!(after == before, "{kind} changed something:\n{}", difference(&before, &after));
        }
        let after = s.letter_list(&house.desk.ctx(), None, &store::Page::default()).await.unwrap().items;
        assert_eq!(after, letters);
        assert_eq!(done.len(), JobKind::ALL.len(), "a new kind of job belongs into this test");
    })
    .await;
}

fn difference(before: &str, after: &str) -> String {
    let lines = before.lines().zip(after.lines()).filter(|(a, b)| a != b);
    lines.map(|(a, b)| format!("- {a}\n+ {b}\n")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_in_the_middle_loses_nothing() {
    both_fresh_houses(async |house| {
        let s = &house.service;
        let finder = house.finder("Alder").await;
        // Words of this very store: no receipt answers for it.
        let bundle = Bundle::quick().retold(&format!("killed {}", now().micros()));
        let receipt = s.report_submit(&finder.ctx(), &bundle.report()).await.unwrap().receipt;
        for kind in ["report-process", "proof-measure"] {
            let (service, name) = (s.clone(), kind.to_owned());
            let worker = tokio::spawn(async move { service.worker_step(&name).await });
            let running = async || {
                let counts = s.job_counts().await.unwrap();
                counts.iter().any(|c| c.kind == kind && c.state == JobState::Running)
            };
            while !running().await {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            worker.abort();
            let _ = worker.await;
            // Nobody else can have it while its lease runs; then the next worker takes it over.
            assert!(!s.worker_step("next").await.unwrap());
            expire(house, kind).await;
            if kind == "report-process" {
                assert!(s.worker_step("next").await.unwrap());
            }
        }
        house.work().await;
        let view = house.report_of(&finder, &receipt).await;
        assert_eq!((view.report.state, view.findings[0].state), (ReportState::Done, FindingState::InCase));
        let case = house.show(&house.desk, view.findings[0].case_id.unwrap()).await;
        assert_eq!((case.findings.len(), case.proofs.len()), (1, 1));
    })
    .await;
}

/// Lets the lease of the only running job of a kind run out.
async fn expire(house: &House, kind: &str) {
    let mut tx = house.store.write().await.unwrap();
    let page = Page { cursor: None, limit: 1 };
    let report = store::report::list(&mut tx, None, &page).await.unwrap().items.remove(0);
    let subject = match kind {
        "report-process" => report.id.to_string(),
        _ => store::finding::by_report(&mut tx, report.id).await.unwrap()[0].proof_id.unwrap().to_string(),
    };
    let job = store::job::by_key(&mut tx, &format!("{kind} {subject}")).await.unwrap().unwrap();
    assert!(store::job::heartbeat(&mut tx, &job, now().plus_seconds(-1)).await.unwrap());
    tx.commit().await.unwrap();
}

/// Has workers die on the only waiting job of a kind until it is given up.
async fn die_on(house: &House, kind: &str) {
    for number in 0..JOB_ATTEMPTS_MAX {
        let at = now();
        let (until, kinds) = (at, vec![kind.to_owned()]);
        let lease = Lease { worker: format!("dying {number}"), now: at, until, kinds, limit: 1 };
        let mut tx = house.store.write().await.unwrap();
        assert_eq!(store::job::claim(&mut tx, &lease).await.unwrap().len(), 1, "{kind} {number}");
        tx.commit().await.unwrap();
    }
    house.work_quietly().await;
    let counts = house.service.job_counts().await.unwrap();
    assert!(counts.iter().any(|c| c.kind == kind && c.state == JobState::Failed), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_told_and_can_be_sent_again() {
    both_houses(async |house| {
        let s = &house.service;
        let finder = house.finder("Alder").await;
        let receipt = s.report_submit(&finder.ctx(), &Bundle::quick().report()).await.unwrap().receipt;
        die_on(house, "report-process").await;
        let view = house.report_of(&finder, &receipt).await;
        let finding = &view.findings[0];
        assert_eq!((view.report.state, finding.state), (ReportState::Done, FindingState::ProofWanted));
        assert!(finding.state_reason.as_deref().unwrap().ends_with("send it again"));
        s.proof_submit(&finder.ctx(), finding.id, &Bundle::quick().packed()).await.unwrap();
        die_on(house, "proof-measure").await;
        let view = house.report_of(&finder, &receipt).await;
        assert_eq!((view.report.state, view.findings[0].state), (ReportState::Done, FindingState::ProofWanted));
        s.proof_submit(&finder.ctx(), finding.id, &Bundle::quick().packed()).await.unwrap();
        house.work_quietly().await;
        let case = house.report_of(&finder, &receipt).await.findings[0].case_id.unwrap();
        let input = || FixInput {
            case,
            kind: FixKind::Upgrade,
            version: Some("1.1.4".to_owned()),
            note: String::new(),
            patch: None,
        };
        let fix = s.fix_propose(&finder.ctx(), input()).await.unwrap().id;
        die_on(house, "fix-verify").await;
        assert_eq!(s.fix_show(&finder.ctx(), fix).await.unwrap().state, FixState::Unverified);
        let fix = s.fix_propose(&finder.ctx(), input()).await.unwrap().id;
        house.work_quietly().await;
        assert_eq!(s.fix_show(&finder.ctx(), fix).await.unwrap().state, FixState::Verified);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_a_sandbox_takes_reports_in_and_keeps_them() {
    both_houses(async |house| {
        let finder = house.finder("Alder").await;
        let init_exe = Some("/nowhere/proofhouse-box".into());
        let without = Service::open(ServiceConfig { init_exe, ..house.config.clone() }).await.unwrap();
        let receipt = without.report_submit(&finder.ctx(), &Bundle::quick().report()).await.unwrap().receipt;
        assert!(without.worker_step("without").await.unwrap());
        assert_eq!(without.submission_status(&receipt).await.unwrap().state, ReportState::Queued);
        // It was put back, not lost: the next machine does it.
        house.settled().await;
        assert_eq!(house.report_of(&finder, &receipt).await.findings[0].state, FindingState::InCase);
    })
    .await;
}
