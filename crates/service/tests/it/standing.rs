//! Standing: what counts for a finder, what follows from it, and who sees it.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::ReportId;
use domain::report::FindingState;
use domain::standing::STANDING_DELAY_S_MAX;
use service::identity::now;
use service::standing::QUEUE_FULL_RETRY_S;
use service::{Service, ServiceConfig, ServiceError};
use store::idempotency::Request;
use store::{Page, idempotency};

use crate::bundle::{Bundle, report_of};
use crate::house::{House, Player, both_houses, config, forget, home};

/// Proved, not proved, waiting, places.
async fn stands(house: &House, who: &Player) -> (u32, u32, u32, u32) {
    let view = house.service.standing_show(&who.ctx(), who.party).await.unwrap();
    (view.record.proved, view.record.unproved, view.waiting, view.waiting_max)
}

/// By how much the turn of a report's job was put off, in seconds.
async fn put_off_s(house: &House, id: ReportId) -> i64 {
    let mut tx = house.store.read().await.unwrap();
    let job = store::job::by_key(&mut tx, &format!("report-process {id}")).await.unwrap().unwrap();
    (job.turn_at.micros() - job.run_after.micros()) / 1_000_000
}

/// A report without a proof.
fn prose(number: u32) -> Vec<u8> {
    format!(r#"{{"purl": "pkg:npm/fast-loops", "code_path": "place {number}"}}"#).into_bytes()
}

fn is_full(refused: &Result<service::report::ReportSubmitted, ServiceError>) -> bool {
    matches!(refused, Err(ServiceError::QueueFull { retry_after_s: QUEUE_FULL_RETRY_S, .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_decide_and_nothing_else() {
    both_houses(async |house| {
        let (finder, other) = (house.finder("Alder").await, house.finder("Birch").await);
        assert_eq!(stands(house, &finder).await, (0, 0, 0, 2_000));
        let first = house.reported(&finder, &Bundle::quick().report()).await;
        assert_eq!(first.findings[0].state, FindingState::InCase);
        assert_eq!(stands(house, &finder).await, (1, 0, 0, 2_400));
        assert_eq!(put_off_s(house, first.report.id).await, STANDING_DELAY_S_MAX / 2);
        // The same defect again, and a report without a proof: neither for nor against.
        house.reported(&finder, &Bundle::quick().retold("again").report()).await;
        let second = house.reported(&finder, &prose(1)).await;
        assert_eq!(stands(house, &finder).await, (1, 0, 0, 2_400));
        assert_eq!(put_off_s(house, second.report.id).await, STANDING_DELAY_S_MAX * 2 / 5);
        // Somebody else's proof of what is known is a proof.
        let duplicate = house.reported(&other, &Bundle::quick().retold("found by another").report()).await;
        assert_eq!(duplicate.findings[0].state, FindingState::InCase);
        assert_eq!(stands(house, &other).await, (1, 0, 0, 2_400));
        // A proof that does not hold counts against, and a better one of the same finding takes its place.
        let harmless = Bundle::quick().with("poc.js", "process.exit(0);\n");
        let failed = house.reported(&finder, &harmless.report()).await;
        assert_eq!(failed.findings[0].state, FindingState::NotProved);
        assert_eq!(stands(house, &finder).await, (1, 1, 0, 2_000));
        let better = Bundle::quick().retold("better").packed();
        house.service.proof_submit(&finder.ctx(), failed.findings[0].id, &better).await.unwrap();
        assert_eq!(stands(house, &finder).await, (1, 1, 1, 2_000));
        house.work().await;
        assert_eq!(stands(house, &finder).await, (1, 0, 0, 2_400));
        // A bundle that is none was never run.
        house.reported(&finder, &report_of("pkg:npm/fast-loops", b"not a bundle", |_| {})).await;
        assert_eq!(stands(house, &finder).await, (1, 0, 0, 2_400));
        assert!(house.service.fsck().await.unwrap().is_empty());

        let shown = async |who: &Player| house.service.standing_show(&who.ctx(), finder.party).await;
        assert_eq!(shown(&house.desk).await.unwrap().record.proved, 1);
        assert!(matches!(shown(&other).await, Err(ServiceError::NotFound("party"))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_wait_and_no_more_and_what_was_accepted_keeps_its_receipt() {
    both_houses(async |house| {
        let narrow = ServiceConfig { waiting_max: 3, ..house.config.clone() };
        let (one, two) = (Service::open(narrow.clone()).await.unwrap(), Service::open(narrow).await.unwrap());
        let (finder, other) = (house.finder("Alder").await, house.finder("Birch").await);
        let mut sending = tokio::task::JoinSet::new();
        for number in 0..12 {
            let (server, ctx) = (if number % 2 == 0 { one.clone() } else { two.clone() }, finder.ctx());
            sending.spawn(async move { (number, server.report_submit(&ctx, &prose(number)).await) });
        }
        let mut accepted = Vec::new();
        while let Some(sent) = sending.join_next().await {
            match sent.unwrap() {
                (number, Ok(taken)) => accepted.push((number, taken.receipt)),
                (_, refused) => assert!(is_full(&refused), "{refused:?}"),
            }
        }
        assert_eq!(accepted.len(), 3);
        let all = house.service.report_list(&finder.ctx(), &Page::default()).await.unwrap().items;
        let stored: BTreeSet<&str> = all.iter().map(|report| report.receipt.as_str()).collect();
        assert_eq!(stored, accepted.iter().map(|(_, receipt)| receipt.as_str()).collect());
        for (number, receipt) in &accepted {
            let again = two.report_submit(&finder.ctx(), &prose(*number)).await.unwrap();
            assert_eq!(&again.receipt, receipt);
        }
        // A key under which nothing was stored is free, and one that was used gives its receipt whatever waits.
        assert!(is_full(&one.report_submit(&finder.keyed("k", "d"), &prose(20)).await));
        one.report_submit(&other.ctx(), &prose(20)).await.unwrap();
        house.work().await;
        let kept = one.report_submit(&finder.keyed("k", "d"), &prose(20)).await.unwrap().receipt;
        for number in 21..23 {
            one.report_submit(&finder.ctx(), &prose(number)).await.unwrap();
        }
        assert!(is_full(&one.report_submit(&finder.ctx(), &prose(23)).await));
        assert_eq!(two.report_submit(&finder.keyed("k", "d"), &prose(20)).await.unwrap().receipt, kept);
        assert!(house.service.fsck().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_at_once_is_answered_each_for_itself() {
    both_houses(async |house| {
        let servers =
            [Service::open(house.config.clone()).await.unwrap(), Service::open(house.config.clone()).await.unwrap()];
        let finders = [house.finder("Alder").await, house.finder("Birch").await, house.finder("Cedar").await];
        let mut sending = tokio::task::JoinSet::new();
        // Each of forty reports of three finders: bare, twice under one key, and once under a key of all of its finder's.
        for (at, finder) in finders.iter().enumerate() {
            for number in 0..40 {
                let keys = [None, Some(format!("k{number}")), Some(format!("k{number}")), Some("one".to_owned())];
                for (turn, key) in keys.into_iter().enumerate() {
                    let ctx = match &key {
                        Some(key) => finder.keyed(key, &number.to_string()),
                        None => finder.ctx(),
                    };
                    let server = servers[(number + turn) % 2].clone();
                    let body = prose(u32::try_from(number).unwrap());
                    sending.spawn(async move { (at, number, turn, server.report_submit(&ctx, &body).await) });
                }
            }
        }
        let mut receipts: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
        let mut under_one_key = [0; 3];
        while let Some(sent) = sending.join_next().await {
            match sent.unwrap() {
                (at, number, turn, Ok(taken)) => {
                    under_one_key[at] += usize::from(turn == 3);
                    receipts.entry((at, number)).or_default().insert(taken.receipt);
                }
                (_, _, turn, Err(refused)) => {
                    assert!(turn == 3 && matches!(refused, ServiceError::IdempotencyReuse), "{refused:?}");
                }
            }
        }
        assert_eq!(under_one_key, [1; 3], "a key is for one report");
        assert!(receipts.values().all(|receipts| receipts.len() == 1), "the same bytes get the same receipt");
        let all: BTreeSet<&String> = receipts.values().flatten().collect();
        assert_eq!((receipts.len(), all.len()), (120, 120), "each of the others got one of its own");
        for finder in &finders {
            assert_eq!(stands(house, finder).await.2, 40, "each is counted once");
        }
        house.work().await;
        for finder in &finders {
            assert_eq!(stands(house, finder).await.2, 0);
        }
        assert!(house.service.fsck().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_party_holds_holds_up_nobody_else() {
    // SQLite has one writer, and nobody to wait for.
    let temp = testkit::postgres_store().await;
    let house = House::open(config(home(), &temp), &temp).await;
    let (finder, other) = (house.finder("Alder").await, house.finder("Birch").await);
    let mut upload = house.store.write().await.unwrap();
    let request = Request {
        party_id: finder.party,
        key: "k".to_owned(),
        use_case: "something long".to_owned(),
        digest: "d".to_owned(),
        created_at: now(),
    };
    idempotency::begin(&mut upload, &request).await.unwrap();
    let mut sending = tokio::task::JoinSet::new();
    let mut held = tokio::task::JoinSet::new();
    for number in 1..20 {
        // More of the same party come while its first one waits.
        if number % 3 == 1 {
            let (service, ctx) = (house.service.clone(), finder.keyed("k", "d"));
            held.spawn(async move { service.report_submit(&ctx, &prose(0)).await });
        }
        let (service, ctx) = (house.service.clone(), other.ctx());
        sending.spawn(async move { service.report_submit(&ctx, &prose(number)).await });
        tokio::task::yield_now().await;
    }
    while let Some(sent) = sending.join_next().await {
        sent.unwrap().unwrap();
    }
    let (service, ctx) = (house.service.clone(), other.ctx());
    service.report_submit(&ctx, &prose(20)).await.unwrap();
    drop(upload);
    let mut receipts = BTreeSet::new();
    while let Some(sent) = held.join_next().await {
        receipts.insert(sent.unwrap().unwrap().receipt);
    }
    assert_eq!(receipts.len(), 1);
    assert!(house.service.fsck().await.unwrap().is_empty());
    drop(house);
    forget(&temp).await;
}
