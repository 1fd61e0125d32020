//! Noninterference: whoever is not read in cannot tell an embargoed case, or anything that belongs to
//! it, from what never existed. Every use case is in one of the tables below; a new one that is in
//! none fails [`every_use_case_is_in_a_table`].

use std::collections::BTreeSet;
use std::path::Path;

use domain::case::{CaseState, MaintainerVerdict};
use domain::embargo::EmbargoSource;
use domain::fix::FixKind;
use domain::id::{CaseId, FindingId, FixId, Id, InventoryId, JobId, Kind, NoticeId, ProofId, ReadInId, ReportId};
use domain::notice::NoticeState;
use domain::party::{Role, TokenScope};
use domain::read_in::Tier;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use service::advisory::PublishInput;
use service::case::EmbargoInput;
use service::fix::FixInput;
use service::identity::{new_id, now};
use service::notice::AnswerInput;
use service::read_in::ReadInInput;
use service::verdict::VerdictInput;
use service::work::Stage;
use service::worker::WorkFailure;
use service::{Ctx, Service, ServiceError};
use store::Page;
use store::case::CaseFilter;
use testkit::seed;

use crate::bundle::Bundle;
use crate::house::{House, Player, both_houses};

/// Everything that belongs to one case, or nothing at all.
#[derive(Clone)]
struct Secret {
    case: CaseId,
    finding: FindingId,
    report: ReportId,
    proof: ProofId,
    fix: FixId,
    notice: NoticeId,
    read_in: ReadInId,
    inventory: InventoryId,
    job: JobId,
}

fn nothing<K: Kind>() -> Id<K> {
    new_id(now()).unwrap()
}

impl Secret {
    fn none() -> Self {
        Self {
            case: nothing(),
            finding: nothing(),
            report: nothing(),
            proof: nothing(),
            fix: nothing(),
            notice: nothing(),
            read_in: nothing(),
            inventory: nothing(),
            job: nothing(),
        }
    }
}

/// What a use case answered, as far as anybody outside can see it.
fn answer<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> String {
    match result {
        Ok(shown) => format!("shown: {shown:?}"),
        Err(error) => format!("{error:?}"),
    }
}

/// Use cases that name something hidden. Both with good and with bad input: what is checked first must
/// not tell anything either.
async fn hidden_use_cases(s: &Service, ctx: &Ctx, own: CaseId, x: &Secret) -> Vec<(&'static str, String)> {
    let until = ctx.actor.now.plus_days(3);
    let mut answers = Vec::new();
    for good in [true, false] {
        let text = if good { "a reason" } else { "" };
        let version = Some(if good { "1.1.4" } else { "nonsense" }.to_owned());
        let read_in = || ReadInInput { member: ctx.actor.member, tier: Tier::Full, reason: text.to_owned(), until };
        let url = good.then(|| "https://example.org".to_owned());
        let embargo = || EmbargoInput { source: EmbargoSource::ListRule, ends: until, url: url.clone() };
        let fix = || FixInput {
            case: x.case,
            kind: FixKind::Upgrade,
            version: version.clone(),
            note: String::new(),
            patch: None,
        };
        let title = Some(if good { "A title" } else { "\n" }.to_owned());
        let publish = || PublishInput { title: title.clone(), ..PublishInput::default() };
        let state = if good { NoticeState::Seen } else { NoticeState::Closed };
        let reply = || AnswerInput { answer: state, justification: None, note: None };
        let bundle = if good { Bundle::quick().packed() } else { b"not an archive".to_vec() };
        let verdict = MaintainerVerdict::NotAnIssue;
        let duplicate = |of: CaseId| VerdictInput {
            duplicate_of: Some(of.to_string()),
            ..VerdictInput::new(MaintainerVerdict::DuplicateOfOurs, text)
        };
        let lease = if good { "1-0123456789abcdef" } else { "" };
        let failure = WorkFailure { reason: text.to_owned(), for_good: true };
        answers.extend([
            ("case_show", answer(s.case_show(ctx, x.case).await)),
            ("case_show_public", answer(s.case_show_public(x.case).await)),
            ("case_merge", answer(s.case_merge(ctx, x.case, x.case, text).await)),
            ("case_merge", answer(s.case_merge(ctx, CaseId::new(0, [0; 10]), x.case, text).await)),
            ("case_merge", answer(s.case_merge(ctx, own, x.case, text).await).replace(&x.case.to_string(), "it")),
            ("case_split", answer(s.case_split(ctx, x.case, x.finding, text).await)),
            ("case_split", answer(s.case_split(ctx, own, x.finding, text).await)),
            ("case_judge", answer(s.case_judge(ctx, x.case, VerdictInput::new(verdict, text)).await)),
            ("case_judge", answer(s.case_judge(ctx, own, duplicate(x.case)).await)),
            ("case_except", answer(s.case_except(ctx, x.case, text).await)),
            ("case_package", answer(s.case_package(ctx, x.case).await)),
            ("case_message", answer(s.case_message(ctx, x.case).await)),
            ("case_close", answer(s.case_close(ctx, x.case, text).await)),
            ("embargo_set", answer(s.embargo_set(ctx, x.case, embargo()).await)),
            ("read_in_place", answer(s.read_in_place(ctx, x.case, read_in()).await)),
            ("read_in_end", answer(s.read_in_end(ctx, x.case, x.read_in).await)),
            ("read_in_end", answer(s.read_in_end(ctx, own, x.read_in).await)),
            ("fix_propose", answer(s.fix_propose(ctx, fix()).await)),
            ("fix_show", answer(s.fix_show(ctx, x.fix).await)),
            ("fix_list", answer(s.fix_list(ctx, x.case).await)),
            ("advisory_publish", answer(s.advisory_publish(ctx, x.case, publish()).await)),
            ("proof_submit", answer(s.proof_submit(ctx, x.finding, &bundle).await)),
            ("proof_show", answer(s.proof_show(ctx, x.proof).await)),
            ("report_show", answer(s.report_show(ctx, x.report).await)),
            ("notice_show", answer(s.notice_show(ctx, x.notice).await)),
            ("notice_answer", answer(s.notice_answer(ctx, x.notice, reply()).await)),
            ("inventory_show", answer(s.inventory_show(ctx, x.inventory).await)),
            ("job_show", answer(s.job_show(ctx, x.job).await)),
            ("work_bundle", answer(s.work_bundle(ctx, x.job, lease, &"0".repeat(64)).await)),
            ("work_heartbeat", answer(s.work_heartbeat(ctx, x.job, lease, Stage::Proving, (1, 2)).await)),
            ("work_outcome", answer(s.work_outcome(ctx, x.job, lease, b"{}").await)),
            ("work_failure", answer(s.work_failure(ctx, x.job, lease, failure).await)),
        ]);
    }
    answers
}

/// Use cases that name nothing that can be hidden by an embargo: one's own party, what is public by
/// its name, what only coordinators may do anyway, lists, and what makes something new.
const OTHERS: [&str; 55] = [
    "admin_bootstrap",
    "admin_token_reissue",
    "advisory_document",
    "advisory_list",
    "advisory_revise",
    "advisory_show",
    "advisory_withdraw",
    "authenticate",
    "case_list",
    "claim_list",
    "claim_release",
    "claim_renew",
    "claim_show",
    "claim_take",
    "clerk_step",
    "deadlines_of",
    "feed_load",
    "fsck",
    "inventory_list",
    "inventory_submit",
    "job_counts",
    "job_next_at",
    "member_create",
    "notice_list",
    "open",
    "party_create",
    "party_list",
    "party_show",
    "ready",
    "report_list",
    "report_list_incomplete",
    "reports_waiting",
    "report_submit",
    "report_submit_multipart",
    "submission_status",
    "token_issue",
    "token_revoke",
    "work_lease",
    "worker_key_end",
    "worker_key_register",
    "worker_step",
    "worker_wake",
    "pace_set",
    "pace_show",
    "pace_queue",
    "letter_list",
    "mail_probe",
    "registration_accept",
    "registration_check",
    "registration_create",
    "registration_decline",
    "registration_list",
    "registration_show",
    "registration_token",
    "standing_show",
];

/// One embargoed case with all that belongs to it, and who is read in.
async fn secret(house: &House) -> (Secret, Player, Player) {
    let s = &house.service;
    let finder = house.finder("Insider").await;
    let operator = house.operator("Read-in operator").await;
    let (finding, case) = house.case(&finder, &Bundle::quick()).await;
    let input =
        FixInput { case, kind: FixKind::Upgrade, version: Some("1.1.4".to_owned()), note: String::new(), patch: None };
    let fix = s.fix_propose(&finder.ctx(), input).await.unwrap().id;
    house.read_in(case, &operator, Tier::Distribution).await;
    let inventory = house.runs(&operator, "web", &[("fast-loops", "1.1.3")]).await.inventory.id;
    let view = house.show(&house.desk, case).await;
    let mut tx = house.store.read().await.unwrap();
    let key = format!("proof-measure {}", view.proofs[0].id);
    let job = store::job::by_key(&mut tx, &key).await.unwrap().unwrap().id;
    drop(tx);
    let secret = Secret {
        case,
        finding,
        report: view.findings[0].report_id,
        proof: view.proofs[0].id,
        fix,
        notice: view.notices[0].id,
        read_in: view.read_ins[0].id,
        inventory,
        job,
    };
    (secret, finder, operator)
}

/// An outsider of each role; two of them share a party with somebody who is read in.
async fn outsiders(house: &House, finder: &Player, operator: &Player) -> Vec<Player> {
    let everything = [Role::Finder, Role::Maintainer, Role::Operator];
    vec![
        house.finder("Outside finder").await,
        house.operator("Outside operator").await,
        house.maintainer("pkg:npm/lodash").await,
        house.player("Outside everything", &everything, &[]).await,
        house.colleague(finder, "Not read in").await,
        house.colleague(operator, "Not read in either").await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embargoed_case_answers_as_one_that_never_existed() {
    both_houses(async |house| {
        let s = &house.service;
        let (secret, finder, operator) = secret(house).await;
        let (_, own) = house.case(&house.finder("Other").await, &Bundle::example("netmask-octal")).await;
        for (number, outsider) in outsiders(house, &finder, &operator).await.iter().enumerate() {
            // A case of its own shows that it is not merely shut out of everything.
            house.read_in(own, outsider, Tier::Full).await;
            assert!(s.case_show(&outsider.ctx(), own).await.is_ok());
            for key in [None, Some("a key"), Some("")] {
                let ctx = |word: &str| match key {
                    Some(key) => outsider.keyed(&format!("{key}{}", if key.is_empty() { "" } else { word }), word),
                    None => outsider.ctx(),
                };
                let real = hidden_use_cases(s, &ctx("real"), own, &secret).await;
                let never = hidden_use_cases(s, &ctx("never"), own, &Secret::none()).await;
                for (real, never) in real.iter().zip(&never) {
                    // Its own party's things are its own: a colleague's report, findings and inventory.
                    let colleague = number >= 4;
                    let of_party = ["report_show", "proof_show", "proof_submit", "inventory_show"].contains(&real.0);
                    if !(colleague && of_party) {
                        assert_eq!(real, never, "outsider {number}, key {key:?}");
                        assert!(!real.1.starts_with("shown"), "{real:?}");
                    }
                    assert!(!real.1.contains(&secret.case.to_string()), "{real:?}");
                }
            }
        }
        // A worker learns nothing of a job that it does not hold.
        let lab = house.player("Lab", &[Role::Worker], &[]).await.scoped(&[TokenScope::Worker]);
        let real = hidden_use_cases(s, &lab.ctx(), own, &secret).await;
        assert_eq!(real, hidden_use_cases(s, &lab.ctx(), own, &Secret::none()).await);
        assert!(real.iter().any(|(_, answer)| answer.contains("lease_lost")), "{real:?}");
        // And it is there all the same.
        assert_eq!(house.show(&finder, secret.case).await.case.state, CaseState::FixVerified);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_use_case_is_in_a_table() {
    let house = crate::house::house_on_sqlite().await;
    let ctx = house.house.desk.ctx();
    let tried = hidden_use_cases(&house.house.service, &ctx, nothing(), &Secret::none()).await;
    let mut known: BTreeSet<String> = tried.iter().map(|(name, _)| (*name).to_owned()).collect();
    known.extend(OTHERS.iter().map(|n| (*n).to_owned()));
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = std::fs::read_to_string(&entry).unwrap();
            let names = text.lines().filter_map(|l| l.trim().strip_prefix("pub async fn "));
            found.extend(names.map(|n| n.split(['(', '<']).next().unwrap().to_owned()));
        }
    }
    assert_eq!(found, known, "put a new use case into one of the tables of this file");
}

/// Everything that an outsider can list, page by page.
async fn lists(s: &Service, who: &Player, limit: u32) -> Vec<String> {
    let mut seen = Vec::new();
    macro_rules! all {
        ($list:expr) => {{
            let mut page = Page { cursor: None, limit };
            loop {
                let listed = $list(page.clone()).await.unwrap();
                seen.push(format!("{listed:?}"));
                match listed.next {
                    Some(cursor) => page.cursor = Some(cursor),
                    None => break,
                }
            }
        }};
    }
    // One moment for all: what changes by itself with time is not looked for here.
    let ctx = who.at(seed::NOW);
    for state in [None, Some(CaseState::Open), Some(CaseState::Published)] {
        for purl in [None, Some("pkg:npm/a".to_owned())] {
            let filter = CaseFilter { purl, state };
            all!(async |p: Page| s.case_list(&ctx, &filter, &p).await);
        }
    }
    all!(async |p: Page| s.notice_list(&ctx, &p).await);
    all!(async |p: Page| s.report_list(&ctx, &p).await);
    all!(async |p: Page| s.report_list_incomplete(&ctx, &p).await);
    seen.push(format!("{:?}", s.reports_waiting(&ctx, &Page { cursor: None, limit }).await.unwrap()));
    all!(async |p: Page| s.claim_list(&ctx, &p).await);
    all!(async |p: Page| s.inventory_list(&ctx, &p).await);
    all!(async |p: Page| s.advisory_list(&p).await);
    seen
}

/// A case that is made while somebody looks.
#[derive(Debug, Clone)]
struct MadeUp {
    public: bool,
    purl: &'static str,
    state: CaseState,
    read_in_other: bool,
}

fn made_up() -> impl Strategy<Value = MadeUp> {
    let state = prop::sample::select(vec![CaseState::Open, CaseState::FixVerified, CaseState::Closed]);
    (any::<bool>(), prop::sample::select(vec!["pkg:npm/a", "pkg:npm/b"]), state, any::<bool>())
        .prop_map(|(public, purl, state, read_in_other)| MadeUp { public, purl, state, read_in_other })
}

async fn make(house: &House, insider: &Player, cases: &[MadeUp], embargoed: bool) {
    let mut tx = house.store.write().await.unwrap();
    for made in cases.iter().filter(|c| c.public != embargoed) {
        let mut case = seed::case_of(made.purl);
        (case.public, case.state) = (made.public, made.state);
        store::case::insert(&mut tx, &case).await.unwrap();
        if made.read_in_other {
            let row = store::read_in::ReadIn {
                id: seed::id(),
                case_id: case.id,
                member_id: insider.member,
                tier: Tier::Full,
                reason: "x".to_owned(),
                approver_id: None,
                placed_at: seed::NOW,
                until: seed::NOW.plus_days(9),
                ended_at: None,
            };
            store::read_in::place(&mut tx, &row).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
}

#[test]
fn lists_are_the_same_with_and_without_embargoed_cases() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let config = Config { cases: 16, failure_persistence: None, ..Config::default() };
    let input = (prop::collection::vec(made_up(), 0..8), 1_u32..4);
    let checked = TestRunner::new(config).run(&input, |(cases, limit)| {
        runtime.block_on(async {
            let temps = [testkit::sqlite_store(), testkit::postgres_store().await];
            for temp in temps {
                let house = House::open(crate::house::config(crate::house::home(), &temp), &temp).await;
                let (outsider, insider) = (house.operator("Outside").await, house.operator("Inside").await);
                make(&house, &insider, &cases, false).await;
                let without = lists(&house.service, &outsider, limit).await;
                make(&house, &insider, &cases, true).await;
                let with = lists(&house.service, &outsider, limit).await;
                let seen = lists(&house.service, &insider, limit).await;
                crate::house::forget(&temp).await;
                prop_assert_eq!(&without, &with);
                let placed = cases.iter().any(|c| !c.public && c.read_in_other);
                prop_assert_eq!(placed, seen != with);
            }
            Ok(())
        })
    });
    if let Err(error) = checked {
        panic!("{error}");
    }
}
