//! Sending things twice, at once, and in pieces: nothing is lost and nothing is there twice.

use domain::claim::{ClaimState, Method, Scope, Shown};
use domain::notice::NoticeState;
use domain::party::TokenScope;
use domain::read_in::Tier;
use domain::report::FindingState;
use service::ServiceError;
use service::claim::ClaimInput;
use service::notice::AnswerInput;
use service::party::TokenInput;
use store::Page;
use store::case::CaseFilter;

use crate::bundle::Bundle;
use crate::house::{both_houses, inventory};

fn claim_input() -> ClaimInput {
    let scope = Scope::package("pkg:npm/fast-loops".parse().unwrap(), None, None).unwrap();
    ClaimInput { scope, method: Method::Fuzzing, shown: Shown::Existence, lease_s: 600 }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_gives_the_same_thing() {
    both_houses(async |house| {
        let s = &house.service;
        let finder = house.finder("Alder").await;
        let body = Bundle::quick().report();
        let first = s.report_submit(&finder.keyed("k1", "d1"), &body).await.unwrap().receipt;
        assert_eq!(s.report_submit(&finder.keyed("k1", "d1"), &body).await.unwrap().receipt, first);
        // Without a key, the bytes themselves are the key; for another party they are another report.
        assert_eq!(s.report_submit(&finder.ctx(), &body).await.unwrap().receipt, first);
        assert_eq!(s.report_submit(&finder.keyed("k2", "d1"), &body).await.unwrap().receipt, first);
        let other = house.finder("Birch").await;
        assert_ne!(s.report_submit(&other.keyed("k1", "d1"), &body).await.unwrap().receipt, first);
        assert_eq!(s.report_list(&finder.ctx(), &Page::default()).await.unwrap().items.len(), 1);
        for (key, digest) in [("k1", "d2"), ("k2", "d3")] {
            let reused = s.report_submit(&finder.keyed(key, digest), &body).await;
            assert!(matches!(reused, Err(ServiceError::IdempotencyReuse)));
        }
        let reused = s.claim_take(&finder.keyed("k1", "d1"), claim_input()).await;
        assert!(matches!(reused, Err(ServiceError::IdempotencyReuse)), "the same key for another use case");
        for key in ["", "a\nb", &"k".repeat(129)] {
            let refused = s.claim_take(&finder.keyed(key, "d"), claim_input()).await;
            assert!(matches!(refused, Err(ServiceError::Invalid(_))), "{key}");
        }
        let claim = s.claim_take(&finder.keyed("k3", "d"), claim_input()).await.unwrap().claim;
        assert_eq!(s.claim_take(&finder.keyed("k3", "d"), claim_input()).await.unwrap().claim, claim);
        // A refused request keeps no key: the next one with it is a first one.
        let bad = ClaimInput { lease_s: 1, ..claim_input() };
        assert!(s.claim_take(&finder.keyed("k4", "d"), bad).await.is_err());
        s.claim_take(&finder.keyed("k4", "d"), claim_input()).await.unwrap();
        // A token's secret is shown once.
        let input = || TokenInput { label: "ci".to_owned(), scopes: vec![TokenScope::Write], life_days: 1 };
        let issued = s.token_issue(&house.desk.keyed("t", "d"), finder.member, input()).await.unwrap();
        let again = s.token_issue(&house.desk.keyed("t", "d"), finder.member, input()).await.unwrap();
        assert!(issued.secret.is_some() && again.secret.is_none() && issued.token.id == again.token.id);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replays_show_only_what_may_still_be_seen() {
    both_houses(async |house| {
        let s = &house.service;
        let finder = house.finder("Alder").await;
        let operator = house.operator("Hospital").await;
        house.runs(&operator, "web", &[("fast-loops", "1.1.3")]).await;
        let (_, case) = house.case(&finder, &Bundle::quick()).await;
        house.read_in(case, &operator, Tier::Distribution).await;
        house.work().await;
        let notice = s.notice_list(&operator.ctx(), &Page::default()).await.unwrap().items[0].id;
        let answer = || AnswerInput { answer: NoticeState::Seen, justification: None, note: None };
        s.notice_answer(&operator.keyed("a", "d"), notice, answer()).await.unwrap();
        s.notice_answer(&operator.keyed("a", "d"), notice, answer()).await.unwrap();
        let placed = house.show(&house.desk, case).await.read_ins;
        let placed = placed.iter().find(|r| r.member_id == operator.member).unwrap().id;
        s.read_in_end(&house.desk.ctx(), case, placed).await.unwrap();
        let replayed = s.notice_answer(&operator.keyed("a", "d"), notice, answer()).await;
        assert!(matches!(replayed, Err(ServiceError::NotFound("notice"))), "{replayed:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_at_once_with_one_key_make_one_thing() {
    both_houses(async |house| {
        let s = &house.service;
        let finder = house.finder("Alder").await;
        let operator = house.operator("Hospital").await;
        let body = Bundle::quick().report();
        let at_once = (0..8).map(|_| {
            let (s, body, ctx) = (s.clone(), body.clone(), finder.keyed("one", "d"));
            tokio::spawn(async move { s.report_submit(&ctx, &body).await.unwrap().receipt })
        });
        let at_once: Vec<_> = at_once.collect();
        // And eight with the same bytes under no key.
        let bare: Vec<_> = (0..8)
            .map(|_| {
                let (s, body, ctx) = (s.clone(), body.clone(), finder.ctx());
                tokio::spawn(async move { s.report_submit(&ctx, &body).await.unwrap().receipt })
            })
            .collect();
        let mut receipts = Vec::new();
        for task in at_once.into_iter().chain(bare) {
            receipts.push(task.await.unwrap());
        }
        receipts.dedup();
        assert_eq!(receipts.len(), 1);
        assert_eq!(s.report_list(&finder.ctx(), &Page::default()).await.unwrap().items.len(), 1);
        let claims: Vec<_> = (0..8)
            .map(|_| {
                let (s, ctx) = (s.clone(), finder.keyed("claim", "d"));
                tokio::spawn(async move { s.claim_take(&ctx, claim_input()).await.unwrap().claim.id })
            })
            .collect();
        let mut ids = Vec::new();
        for task in claims {
            ids.push(task.await.unwrap());
        }
        ids.dedup();
        assert_eq!(ids.len(), 1);
        // One asset, several uploads at once: one of them is the current one.
        let uploads: Vec<_> = (0..8)
            .map(|_| {
                let (s, ctx) = (s.clone(), operator.ctx());
                let input = inventory("web", &[("fast-loops", "1.1.3")]);
                tokio::spawn(async move { s.inventory_submit(&ctx, input).await.unwrap() })
            })
            .collect();
        for task in uploads {
            task.await.unwrap();
        }
        assert_eq!(s.inventory_list(&operator.ctx(), &Page::default()).await.unwrap().items.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_of_one_defect_that_end_at_once_are_one_case() {
    both_houses(async |house| {
        let s = &house.service;
        let mut finders = Vec::new();
        for number in 0..4 {
            let finder = house.finder(&format!("Finder {number}")).await;
            s.report_submit(&finder.ctx(), &Bundle::quick().report()).await.unwrap();
            finders.push(finder);
        }
        let workers: Vec<_> = (0..4)
            .map(|number| {
                let s = s.clone();
                tokio::spawn(async move {
                    let mut steps = 0;
                    let name = format!("worker {number}");
                    while steps < 200 && s.worker_step(&name).await.unwrap() {
                        steps += 1;
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        house.settled().await;
        let cases = s.case_list(&house.desk.ctx(), &CaseFilter::default(), &Page::default()).await.unwrap().items;
        assert_eq!(cases.len(), 1, "{cases:#?}");
        assert_eq!(house.show(&house.desk, cases[0].id).await.credits.len(), 4);
        for finder in &finders {
            assert_eq!(house.show(finder, cases[0].id).await.findings.len(), 4);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_proofs_sent_at_once_for_one_finding_are_one_proof() {
    both_houses(async |house| {
        let s = &house.service;
        let finder = house.finder("Alder").await;
        let body = crate::bundle::report_of("pkg:npm/fast-loops", b"\x1f\x8b nothing", |_| {});
        let finding = house.reported(&finder, &body).await.findings.remove(0);
        assert_eq!(finding.state, FindingState::ProofWanted);
        let sent: Vec<_> = ["a", "b", "c"]
            .map(|word| {
                let (s, ctx, bytes) = (s.clone(), finder.ctx(), Bundle::quick().retold(word).packed());
                tokio::spawn(async move { s.proof_submit(&ctx, finding.id, &bytes).await })
            })
            .into();
        let mut taken = 0;
        for task in sent {
            match task.await.unwrap() {
                Ok(_) => taken += 1,
                Err(ServiceError::Conflict { code: "proof_there", .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(taken, 1);
        house.work().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_what_its_scopes_say() {
    both_houses(async |house| {
        let s = &house.service;
        let finder = house.finder("Alder").await;
        let (reader, writer) = (finder.scoped(&[TokenScope::Read]), finder.scoped(&[TokenScope::Write]));
        // Whoever may only write gets its answers, and can look at nothing.
        let taken = s.claim_take(&writer.ctx(), claim_input()).await.unwrap().claim;
        let renewed = s.claim_renew(&writer.keyed("r", "d"), taken.id, taken.fence, 900).await.unwrap().claim;
        assert_eq!(s.claim_renew(&writer.keyed("r", "d"), taken.id, taken.fence, 900).await.unwrap().claim, renewed);
        assert!(matches!(s.claim_show(&writer.ctx(), taken.id).await, Err(ServiceError::Forbidden(_))));
        assert_eq!(s.claim_show(&reader.ctx(), taken.id).await.unwrap().claim, renewed);
        let page = Page::default();
        assert!(matches!(s.claim_list(&writer.ctx(), &page).await, Err(ServiceError::Forbidden(_))));
        assert!(matches!(s.report_list(&writer.ctx(), &page).await, Err(ServiceError::Forbidden(_))));
        assert!(matches!(s.notice_list(&writer.ctx(), &page).await, Err(ServiceError::Forbidden(_))));
        assert!(matches!(s.inventory_list(&writer.ctx(), &page).await, Err(ServiceError::Forbidden(_))));
        assert!(matches!(s.party_show(&writer.ctx(), writer.party).await, Err(ServiceError::Forbidden(_))));
        let list = s.case_list(&writer.ctx(), &CaseFilter::default(), &page).await;
        assert!(matches!(list, Err(ServiceError::Forbidden(_))));
        assert!(matches!(s.claim_take(&reader.ctx(), claim_input()).await, Err(ServiceError::Forbidden(_))));
        let body = Bundle::quick().report();
        assert!(matches!(s.report_submit(&reader.ctx(), &body).await, Err(ServiceError::Forbidden(_))));
        // Fences and ends of leases.
        let stale = s.claim_renew(&writer.ctx(), taken.id, taken.fence + 1, 900).await;
        assert!(matches!(stale, Err(ServiceError::Conflict { code: "fence_stale", .. })));
        let late = writer.at(service::identity::now().plus_seconds(1_000));
        let ended = s.claim_renew(&late, taken.id, taken.fence, 900).await;
        assert!(matches!(ended, Err(ServiceError::Conflict { code: "claim_ended", .. })));
        let state = s.claim_show(&reader.at(late.actor.now), taken.id).await.unwrap().claim.state;
        assert_eq!(state, ClaimState::Expired);
        // What was looked at is worth knowing also after the lease.
        s.claim_release(&late, taken.id, taken.fence, "all of it").await.unwrap();
        let again = s.claim_release(&late, taken.id, taken.fence, "all of it").await;
        assert!(matches!(again, Err(ServiceError::Conflict { code: "claim_ended", .. })));
        let other = house.finder("Birch").await;
        let hidden = s.claim_release(&other.ctx(), taken.id, taken.fence, "x").await;
        assert!(matches!(hidden, Err(ServiceError::NotFound("claim"))));
        // Tokens end: revoked, expired, never issued. Always the same answer.
        let input = TokenInput { label: "ci".to_owned(), scopes: vec![TokenScope::Read], life_days: 1 };
        let issued = s.token_issue(&house.desk.ctx(), finder.member, input).await.unwrap();
        let secret = issued.secret.unwrap();
        s.authenticate(&secret).await.unwrap();
        s.token_revoke(&house.desk.ctx(), issued.token.id).await.unwrap();
        for bearer in [secret.as_str(), "", "pht_00", "Bearer x"] {
            assert!(matches!(s.authenticate(bearer).await, Err(ServiceError::Unauthenticated)));
        }
        let old = TokenInput { label: "old".to_owned(), scopes: vec![TokenScope::Read], life_days: 1 };
        let past = house.desk.at(service::identity::now().plus_days(-2));
        let expired = s.token_issue(&past, finder.member, old).await.unwrap().secret.unwrap();
        assert!(matches!(s.authenticate(&expired).await, Err(ServiceError::Unauthenticated)));
    })
    .await;
}
