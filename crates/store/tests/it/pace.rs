//! Paces and waits, on both stores: what is written is what is read, and what waits is what is live and not handed over.

use domain::case::CaseState;
use domain::pace::{Cause, Told};
use domain::party::Role;
use domain::read_in::Tier;
use store::pace::{PaceRow, Wait};
use store::{case, pace, party};
use testkit::both_stores;
use testkit::seed::{self, NOW};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_maintainer_sets_takes_the_place_of_what_it_set() {
    both_stores(async |store| {
        let tx = &mut store.write().await.unwrap();
        let (keeper, member) = seed::party(tx, "Keeper", &[Role::Maintainer]).await.unwrap();
        let (_, guest) = seed::party(tx, "Guest", &[]).await.unwrap();
        assert_eq!(pace::by_party(tx, keeper).await.unwrap(), None);
        let mut row = PaceRow {
            party_id: keeper,
            rate_per_week: Some(2),
            refuse: false,
            exceptions: true,
            told: Told::Email,
            told_to: Some("security@example.org".to_owned()),
            embargo_url: Some("https://example.org/policy".to_owned()),
            embargo_days: Some(14),
            set_by: member,
            set_at: NOW,
            revision: 1,
            seasons: vec![(NOW, NOW.plus_days(1)), (NOW, NOW.plus_days(3))],
            guests: vec![(guest, Tier::Distribution)],
        };
        assert_eq!(pace::put(tx, &row).await.unwrap(), 1);
        assert_eq!(pace::by_party(tx, keeper).await.unwrap().as_ref(), Some(&row));
        (row.rate_per_week, row.refuse, row.exceptions, row.revision) = (None, true, false, 2);
        (row.told, row.told_to, row.embargo_url, row.embargo_days) = (Told::Api, None, None, None);
        (row.seasons, row.guests) = (Vec::new(), Vec::new());
        assert_eq!(pace::put(tx, &row).await.unwrap(), 2);
        assert_eq!(pace::by_party(tx, keeper).await.unwrap(), Some(row));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_live_and_not_handed_over() {
    both_stores(async |store| {
        let tx = &mut store.write().await.unwrap();
        let (keeper, member) = seed::party(tx, "Keeper", &[Role::Maintainer]).await.unwrap();
        let (other, _) = seed::party(tx, "Other", &[Role::Maintainer]).await.unwrap();
        let purl = "pkg:npm/a";
        let (first, second) = (seed::case(tx, purl).await.unwrap(), seed::case(tx, purl).await.unwrap());
        let mut over = seed::case_of(purl);
        over.state = CaseState::Closed;
        case::insert(tx, &over).await.unwrap();
        let mut known = seed::case_of(purl);
        (known.state, known.public) = (CaseState::Open, true);
        case::insert(tx, &known).await.unwrap();
        for (days, row) in [&first, &second, &over, &known].into_iter().enumerate() {
            let since = NOW.plus_days(i64::try_from(days).unwrap());
            assert!(pace::wait_open(tx, row.id, keeper, since).await.unwrap());
            assert!(!pace::wait_open(tx, row.id, keeper, NOW.plus_days(9)).await.unwrap());
        }
        pace::wait_open(tx, second.id, other, NOW.plus_days(5)).await.unwrap();
        let ids =
            |rows: Vec<pace::Waiting>| rows.into_iter().map(|w| (w.wait.case_id, w.wait.party_id)).collect::<Vec<_>>();
        assert_eq!(ids(pace::waiting(tx, Some(keeper)).await.unwrap()), [(first.id, keeper), (second.id, keeper)]);
        assert_eq!(pace::waiting(tx, None).await.unwrap().len(), 3);

        assert!(pace::except(tx, second.id, "seen in attacks", member, NOW).await.unwrap());
        assert!(!pace::except(tx, seed::id(), "nothing there", member, NOW).await.unwrap());
        let waiting = pace::waiting(tx, Some(keeper)).await.unwrap();
        assert_eq!((waiting[0].party.as_str(), waiting[0].purl.as_str()), ("Keeper", purl));
        assert_eq!(ids(waiting), [(second.id, keeper), (first.id, keeper)], "exceptions first");

        pace::lock(tx, keeper).await.unwrap();
        assert!(pace::release(tx, second.id, keeper, NOW, Cause::Exception).await.unwrap());
        assert!(!pace::release(tx, second.id, keeper, NOW.plus_days(1), Cause::Pace).await.unwrap());
        assert!(!pace::release(tx, first.id, other, NOW, Cause::Pace).await.unwrap(), "it does not wait for that one");
        let wanted = Wait {
            case_id: second.id,
            party_id: keeper,
            since: NOW.plus_days(1),
            released_at: Some(NOW),
            cause: Some(Cause::Exception),
            exception_reason: Some("seen in attacks".to_owned()),
            exception_by: Some(member),
            exception_at: Some(NOW),
        };
        assert_eq!(pace::wait(tx, second.id, keeper).await.unwrap().as_ref(), Some(&wanted));
        assert_eq!(pace::waits_of_case(tx, second.id).await.unwrap().len(), 2);
        assert_eq!(pace::released_since(tx, keeper, NOW.plus_seconds(-1)).await.unwrap(), [wanted]);
        assert!(pace::released_since(tx, keeper, NOW).await.unwrap().is_empty());
        assert_eq!(ids(pace::waiting(tx, Some(keeper)).await.unwrap()), [(first.id, keeper)]);
        party::package_add(tx, other, purl).await.unwrap();
    })
    .await;
}
