//! Standings, on both stores: each count is right after each change, two at once do not pass a bound, and turns decide the order.

use std::collections::BTreeMap;

use domain::id::{JobId, PartyId};
use domain::party::Role;
use domain::report::ReportState;
use domain::standing::Record;
use domain::time::Timestamp;
use store::job::{self, Lease, NewJob};
use store::standing::{self, Counted, Counts};
use store::{Store, Tx, finding, fsck, report};
use testkit::both_stores;
use testkit::seed::{self, NOW};

fn counts(proved: u32, unproved: u32, waiting: u32) -> Counts {
    Counts { record: Record { proved, unproved }, waiting }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_waits_until_it_is_done_and_again_when_a_proof_comes() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let (party, member) = seed::party(&mut tx, "Finder", &[Role::Finder]).await.unwrap();
        let (other, _) = seed::party(&mut tx, "Other", &[Role::Finder]).await.unwrap();
        assert_eq!(standing::of(&mut tx, party).await.unwrap(), Counts::default());
        assert_eq!(wait(&mut tx, party).await, counts(0, 0, 1));
        let first = seed::report(&mut tx, party, member, "pkg:npm/a").await.unwrap();
        assert_eq!(wait(&mut tx, party).await, counts(0, 0, 2));
        seed::report(&mut tx, party, member, "pkg:npm/a").await.unwrap();
        for (state, waiting) in [
            (ReportState::Processing, 2),
            (ReportState::Done, 1),
            (ReportState::Done, 1),
            (ReportState::Processing, 2),
            (ReportState::Queued, 2),
            (ReportState::Done, 1),
        ] {
            assert!(report::set_state(&mut tx, first.id, state, NOW).await.unwrap());
            assert_eq!(standing::of(&mut tx, party).await.unwrap(), counts(0, 0, waiting), "{state}");
        }
        assert!(!report::set_state(&mut tx, seed::id(), ReportState::Done, NOW).await.unwrap());
        assert_eq!(standing::of(&mut tx, other).await.unwrap(), Counts::default());
        tx.commit().await.unwrap();
        assert_eq!(fsck(&store).await.unwrap(), Vec::<String>::new());
        let mut tx = store.write().await.unwrap();
        let several = standing::wait_begin(&mut tx, &BTreeMap::from([(other, 3), (party, 1)])).await.unwrap();
        assert_eq!(several, BTreeMap::from([(other, counts(0, 0, 3)), (party, counts(0, 0, 2))]));
        standing::waiting_change(&mut tx, other, -3).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(fsck(&store).await.unwrap(), [format!("standing does not count the reports that wait: {party}")]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_counts_once_and_a_defect_once() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let (party, member) = seed::party(&mut tx, "Finder", &[Role::Finder]).await.unwrap();
        let (other, colleague) = seed::party(&mut tx, "Other", &[Role::Finder]).await.unwrap();
        let case = seed::case(&mut tx, "pkg:npm/a").await.unwrap().id;
        let mut findings = Vec::new();
        for (party, member) in [(party, member), (party, member), (other, colleague)] {
            let report = seed::report(&mut tx, party, member, "pkg:npm/a").await.unwrap();
            findings.push(seed::finding(&mut tx, &report).await.unwrap().id);
        }
        for (at, counted, joins, proved, unproved) in [
            (0, Counted::Unproved, false, 0, 1),
            (0, Counted::Unproved, false, 0, 1),
            // A better proof of the same takes the place of the one that did not hold.
            (0, Counted::Proved, true, 1, 0),
            (0, Counted::Proved, true, 1, 0),
            (1, Counted::Unproved, false, 1, 1),
            // The same defect again is neither for nor against.
            (1, Counted::Proved, true, 1, 0),
        ] {
            if joins {
                finding::join_case(&mut tx, findings[at], case, "the same", NOW).await.unwrap();
            }
            standing::count(&mut tx, findings[at], counted).await.unwrap();
            assert_eq!(standing::of(&mut tx, party).await.unwrap(), counts(proved, unproved, 0));
        }
        // Somebody else's duplicate of it is proved too.
        finding::join_case(&mut tx, findings[2], case, "the same", NOW).await.unwrap();
        standing::count(&mut tx, findings[2], Counted::Proved).await.unwrap();
        assert_eq!(standing::of(&mut tx, other).await.unwrap(), counts(1, 0, 0));
        assert_eq!(standing::of(&mut tx, party).await.unwrap(), counts(1, 0, 0));
    })
    .await;
}

/// One more that waits.
async fn wait(tx: &mut Tx, party: PartyId) -> Counts {
    standing::wait_begin(tx, &BTreeMap::from([(party, 1)])).await.unwrap().remove(&party).unwrap()
}

async fn place(store: &Store, party: PartyId, places: u32) -> bool {
    let mut tx = store.write().await.unwrap();
    let taken = wait(&mut tx, party).await.waiting <= places;
    if taken {
        tx.commit().await.unwrap();
    }
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_take_as_many_places_as_there_are() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let (party, _) = seed::party(&mut tx, "Finder", &[Role::Finder]).await.unwrap();
        tx.commit().await.unwrap();
        let asked: Vec<_> = (0..24)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { place(&store, party, 5).await })
            })
            .collect();
        let mut taken = 0;
        for asked in asked {
            taken += u32::from(asked.await.unwrap());
        }
        let mut tx = store.read().await.unwrap();
        assert_eq!((taken, standing::of(&mut tx, party).await.unwrap().waiting), (5, 5));
    })
    .await;
}

async fn enqueue(tx: &mut Tx, run_after: Timestamp, turn_at: Timestamp) -> JobId {
    let id: JobId = seed::id();
    let (kind, payload) = ("look".to_owned(), "{}".to_owned());
    let job = NewJob { id, kind, key: id.to_string(), payload, run_after, turn_at, created_at: NOW };
    job::enqueue_put(tx, std::slice::from_ref(&job)).await.unwrap();
    job::enqueue_put(tx, std::slice::from_ref(&job)).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_decide_among_jobs_whose_time_has_come() {
    both_stores(async |store| {
        let at = |s| NOW.plus_seconds(s);
        let mut tx = store.write().await.unwrap();
        let put_off = enqueue(&mut tx, NOW, at(100)).await;
        let later = enqueue(&mut tx, at(10), at(10)).await;
        let not_yet = enqueue(&mut tx, at(50), at(0)).await;
        let overtaken_by_nobody = enqueue(&mut tx, at(30), at(101)).await;
        tx.commit().await.unwrap();
        let mut order = Vec::new();
        for now in [at(40), at(40), at(40), at(40), at(50)] {
            let mut tx = store.write().await.unwrap();
            let lease = Lease { worker: "w".to_owned(), now, until: at(1_000), kinds: Vec::new(), limit: 1 };
            order.extend(job::claim(&mut tx, &lease).await.unwrap().iter().map(|job| job.id));
            tx.commit().await.unwrap();
        }
        assert_eq!(order, [later, put_off, overtaken_by_nobody, not_yet]);
    })
    .await;
}
