//! Cases are handed over at their maintainers' paces: never faster, in order, and without a word before.

use domain::case::EventKind;
use domain::embargo::EmbargoSource;
use domain::id::{CaseId, PartyId};
use domain::pace::{Cause, Hold, Release, Told};
use domain::party::Role;
use domain::read_in::Tier;
use domain::time::{MICROS_PER_DAY, Timestamp};
use service::feed::FeedKind;
use service::identity::now;
use service::pace::PaceInput;
use service::read_in::ReadInInput;
use service::{Service, ServiceError};
use store::Page;
use store::case::CaseFilter;
use testkit::seed;

use crate::bundle::Bundle;
use crate::house::{House, Player, both_houses};

fn open_pace() -> PaceInput {
    PaceInput {
        rate_per_week: None,
        seasons: Vec::new(),
        refuse: false,
        exceptions: true,
        told: Told::Api,
        told_to: None,
        embargo_url: None,
        embargo_days: None,
        guests: Vec::new(),
    }
}

fn weekly(rate: i64) -> PaceInput {
    PaceInput { rate_per_week: Some(rate), ..open_pace() }
}

async fn set(house: &House, keeper: &Player, input: PaceInput) {
    house.service.pace_set(&keeper.ctx(), keeper.party, input).await.unwrap();
    house.work().await;
}

/// A proved case of a package as triage leaves it, without running a proof; it waits since so many hours for each of these.
async fn laid(house: &House, purl: &str, parties: &[PartyId], alias: &str, hours: i64) -> CaseId {
    let mut tx = house.store.write().await.unwrap();
    let (party, member) = seed::party(&mut tx, "Finder", &[Role::Finder]).await.unwrap();
    let report = seed::report(&mut tx, party, member, purl).await.unwrap();
    let finding = seed::finding(&mut tx, &report).await.unwrap();
    let mut case = seed::case_of(purl);
    case.aliases = serde_json::json!([alias]).to_string();
    store::case::insert(&mut tx, &case).await.unwrap();
    store::finding::join_case(&mut tx, finding.id, case.id, "laid down", seed::NOW).await.unwrap();
    for party in parties {
        let since = now().plus_seconds(-hours * 3_600);
        assert!(store::pace::wait_open(&mut tx, case.id, *party, since).await.unwrap());
    }
    tx.commit().await.unwrap();
    case.id
}

/// Looks at a party's queue, as when its job comes.
async fn look(house: &House, party: PartyId) {
    house.again("pace-release", &format!("{party}")).await;
}

async fn seen(house: &House, who: &Player) -> Vec<CaseId> {
    let page = Page { cursor: None, limit: 100 };
    let listed = house.service.case_list(&who.ctx(), &CaseFilter::default(), &page).await.unwrap();
    let mut ids: Vec<CaseId> = listed.items.iter().map(|c| c.id).collect();
    ids.sort();
    ids
}

fn told(view: &service::case::CaseView) -> Vec<&str> {
    view.events.iter().filter(|e| e.kind == EventKind::HandedOver).map(|e| e.text.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_case_of_the_week_waits_unseen_until_it_is_exploited() {
    both_houses(async |house| {
        let s = &house.service;
        let (alder, birch) = (house.finder("Alder").await, house.finder("Birch").await);
        let keeper = house.maintainer("pkg:npm/fast-loops").await;
        let expert = house.player("Expert", &[Role::Maintainer], &[]).await;
        let policy = PaceInput {
            embargo_url: Some("https://keepers.example/policy".to_owned()),
            embargo_days: Some(5),
            guests: vec![(expert.member, Tier::Fixing)],
            ..weekly(1)
        };
        set(house, &keeper, policy).await;
        let (_, first) = house.case(&alder, &Bundle::quick()).await;
        let (_, second) = house.case(&birch, &Bundle::quick_other()).await;
        assert_ne!(first, second);

        // The first was handed over, with the guest and under the maintainer's policy.
        let view = house.show(&keeper, first).await;
        assert_eq!(view.case.embargo_source, Some(EmbargoSource::UpstreamPolicy));
        assert_eq!(view.case.embargo_ends.map(|e| e.micros() - view.case.opened_at.micros()), Some(5 * MICROS_PER_DAY));
        assert_eq!(told(&view), ["handed over to Keepers of pkg:npm/fast-loops at the pace it asked for"]);
        assert_eq!(house.show(&expert, first).await.tier, Some(Tier::Fixing));
        assert_eq!(house.show(&alder, first).await.handed_over, Some(true));

        // The second waits: nobody of the maintainer's knows, whoever comes to it meanwhile.
        let colleague = house.colleague(&keeper, "New one").await;
        for who in [&keeper, &colleague, &expert] {
            assert_eq!(seen(house, who).await, [first]);
            assert!(matches!(s.case_show(&who.ctx(), second).await, Err(ServiceError::NotFound("case"))));
        }
        let finder = house.show(&birch, second).await;
        assert_eq!((finder.handed_over, finder.waits.len(), told(&finder).len()), (Some(false), 0, 0));
        let until = now().plus_days(1);
        let input = ReadInInput { member: colleague.member, tier: Tier::Fixing, reason: "x".to_owned(), until };
        let refused = s.read_in_place(&house.desk.ctx(), second, input).await;
        assert!(matches!(refused, Err(ServiceError::Conflict { code: "case_waits", .. })), "{refused:?}");

        // Coordinators see what waits, why and until when, and a job waits for that moment.
        let queue = s.pace_queue(&house.desk.ctx(), None).await.unwrap().queued;
        assert_eq!(queue.len(), 1);
        let Release::NotBefore(at, Hold::Rate) = queue[0].release else { panic!("{queue:?}") };
        let released = house.show(&house.desk, first).await.waits[0].released_at.unwrap();
        assert_eq!((queue[0].waiting.wait.case_id, at), (second, released.plus_days(7)));
        let mut tx = house.store.read().await.unwrap();
        let job = store::job::by_key(&mut tx, &format!("pace-release {} {}", keeper.party, at.micros())).await.unwrap();
        assert_eq!(job.unwrap().run_after, at);
        drop(tx);
        for who in [&keeper, &alder, &birch] {
            assert!(matches!(s.pace_queue(&who.ctx(), None).await, Err(ServiceError::Forbidden(_))));
            assert!(s.case_except(&who.ctx(), second, "x").await.is_err());
        }

        s.case_except(&house.desk.ctx(), second, "used against hospitals, bulletin 12").await.unwrap();
        house.work().await;
        let view = house.show(&keeper, second).await;
        assert_eq!(view.tier, Some(Tier::Full));
        let text = told(&view).join("\n");
        assert!(text.contains("an exception from the pace was asked for"), "{text}");
        assert!(
            text.contains("outside its pace, because it is exploited in the wild: used against hospitals"),
            "{text}"
        );
        assert_eq!(house.show(&house.desk, second).await.waits[0].cause, Some(Cause::Exception));
        let again = s.case_except(&house.desk.ctx(), second, "again").await;
        assert!(matches!(again, Err(ServiceError::Conflict { code: "case_waits_for_nobody", .. })));
        // What it reported itself it has at once, and its members with it; that does not use up the rate.
        let own = house.player("Both", &[Role::Finder, Role::Maintainer], &["pkg:npm/minimist"]).await;
        set(house, &own, weekly(1)).await;
        let (_, third) = house.case(&own, &Bundle::example("minimist-constructor")).await;
        let other = house.colleague(&own, "Second head").await;
        assert_eq!(house.show(&other, third).await.tier, Some(Tier::Full));
        assert!(s.pace_show(&own.ctx(), own.party).await.unwrap().released.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exploited_then_urgent_then_old_and_the_slot_is_counted() {
    both_houses(async |house| {
        let s = &house.service;
        let purl = "pkg:npm/ordered";
        let keeper = house.maintainer(purl).await;
        set(house, &keeper, PaceInput { refuse: true, ..weekly(2) }).await;
        let one = &[keeper.party];
        let old = laid(house, purl, one, "PH-1", 90).await;
        let urgent = laid(house, purl, one, "CVE-2024-1001", 50).await;
        let listed = laid(house, purl, one, "CVE-2024-1002", 20).await;
        let newest = laid(house, purl, one, "PH-2", 10).await;
        let kev = br#"{"title":"KEV","catalogVersion":"1","dateReleased":"2026-11-23T00:00:00Z","count":1,
            "vulnerabilities":[{"cveID":"CVE-2024-1002","dateAdded":"2024-09-09"}]}"#;
        s.feed_load(&house.desk.ctx(), FeedKind::Kev, kev).await.unwrap();
        let points = b"cve,exploitation,automatable,technical_impact\nCVE-2024-1001,none,yes,total\n";
        s.feed_load(&house.desk.ctx(), FeedKind::Ssvc, points).await.unwrap();
        look(house, keeper.party).await;
        assert!(seen(house, &keeper).await.is_empty(), "it takes none");
        let queue = s.pace_queue(&house.desk.ctx(), Some(keeper.party)).await.unwrap().queued;
        assert!(queue.iter().all(|q| q.release == Release::Never));
        let order: Vec<CaseId> = queue.iter().map(|q| q.waiting.wait.case_id).collect();
        assert_eq!(order, [listed, urgent, old, newest]);

        set(house, &keeper, weekly(2)).await;
        let mut wanted = [listed, urgent];
        wanted.sort();
        assert_eq!(seen(house, &keeper).await, wanted);
        // Looking again and again hands over nothing more.
        for _ in 0..3 {
            look(house, keeper.party).await;
        }
        assert_eq!(seen(house, &keeper).await, wanted);
        let view = s.pace_show(&keeper.ctx(), keeper.party).await.unwrap();
        assert_eq!((view.released.len(), view.next.hold()), (2, Some(Hold::Rate)));
        // A higher rate lets one more through, in its turn; no limit lets all.
        set(house, &keeper, weekly(3)).await;
        assert!(seen(house, &keeper).await.contains(&old) && !seen(house, &keeper).await.contains(&newest));
        let today: Timestamp = now().date().parse().unwrap();
        let closed = PaceInput { seasons: vec![(today, today.plus_days(3))], ..open_pace() };
        set(house, &keeper, closed).await;
        assert!(!seen(house, &keeper).await.contains(&newest), "a closed season");
        set(house, &keeper, open_pace()).await;
        assert_eq!(seen(house, &keeper).await.len(), 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_at_once_hand_over_no_more_than_the_rate() {
    both_houses(async |house| {
        let purl = "pkg:npm/busy";
        let keeper = house.maintainer(purl).await;
        set(house, &keeper, weekly(3)).await;
        for n in 0..12 {
            laid(house, purl, &[keeper.party], "PH-1", n + 1).await;
        }
        let second = Service::open(house.config.clone()).await.unwrap();
        let mut tx = house.store.write().await.unwrap();
        for n in 0..8 {
            let job = store::job::NewJob {
                id: service::identity::new_id(now()).unwrap(),
                kind: "pace-release".to_owned(),
                key: format!("pace-release at once {n}"),
                payload: keeper.party.to_string(),
                run_after: now(),
                turn_at: now(),
                created_at: now(),
            };
            assert!(store::job::enqueue(&mut tx, &job).await.unwrap());
        }
        tx.commit().await.unwrap();
        let mut running = tokio::task::JoinSet::new();
        for n in 0..8 {
            let service = if n % 2 == 0 { house.service.clone() } else { second.clone() };
            running.spawn(async move { while service.worker_step(&format!("server {n}")).await.unwrap() {} });
        }
        while let Some(ended) = running.join_next().await {
            ended.unwrap();
        }
        house.work().await;
        assert_eq!(seen(house, &keeper).await.len(), 3);
        let view = house.service.pace_show(&keeper.ctx(), keeper.party).await.unwrap();
        assert_eq!(view.released.len(), 3);
        let queue = house.service.pace_queue(&house.desk.ctx(), None).await.unwrap().queued;
        assert_eq!(queue.len(), 9);
        assert!(queue.iter().all(|q| matches!(q.release, Release::NotBefore(_, Hold::Rate))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_one_of_two_merged_cases_has_the_other() {
    both_houses(async |house| {
        let s = &house.service;
        let purl = "pkg:npm/merged";
        let (keeper, other) = (house.maintainer(purl).await, house.maintainer(purl).await);
        set(house, &keeper, weekly(1)).await;
        set(house, &other, weekly(1)).await;
        let both = &[keeper.party, other.party];
        let one = laid(house, purl, both, "PH-1", 9).await;
        look(house, keeper.party).await;
        assert_eq!((seen(house, &keeper).await, seen(house, &other).await.len()), (vec![one], 0));
        let two = laid(house, purl, both, "PH-2", 8).await;
        s.case_except(&house.desk.ctx(), one, "seen in attacks").await.unwrap();
        set(house, &other, PaceInput { exceptions: false, refuse: true, ..weekly(1) }).await;
        assert!(seen(house, &other).await.is_empty(), "a refusal stands above an exception");
        s.case_merge(&house.desk.ctx(), one, two, "one root cause").await.unwrap();
        house.work().await;
        let view = house.show(&house.desk, two).await;
        let causes: Vec<_> = view.waits.iter().map(|w| (w.party_id == keeper.party, w.cause)).collect();
        assert!(causes.contains(&(true, Some(Cause::Carried))) && causes.contains(&(false, None)), "{causes:?}");
        assert!(view.waits.iter().any(|w| w.released_at.is_none() && w.exception_reason.is_some()));
        assert!(seen(house, &keeper).await.contains(&two) && seen(house, &other).await.is_empty());
        assert_eq!(s.pace_show(&keeper.ctx(), keeper.party).await.unwrap().released.len(), 1, "it is one defect");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_set_is_said_and_nothing_of_it_is_kept() {
    both_houses(async |house| {
        let s = &house.service;
        let keeper = house.maintainer("pkg:npm/strict").await;
        let day = seed::NOW.date().parse::<Timestamp>().unwrap();
        let email = |to: Option<&str>| PaceInput { told: Told::Email, told_to: to.map(str::to_owned), ..open_pace() };
        let url = |url: &str| PaceInput { embargo_url: Some(url.to_owned()), ..open_pace() };
        let guests = |guests: &[_]| PaceInput { guests: guests.to_vec(), ..open_pace() };
        let seasons = |seasons: &[_]| PaceInput { seasons: seasons.to_vec(), ..open_pace() };
        let cases = [
            (weekly(0), "rate_per_week out_of_range"),
            (weekly(1_001), "rate_per_week out_of_range"),
            (seasons(&[(day, day.plus_days(-1))]), "seasons[0] malformed_season"),
            (seasons(&[(day, day), (day, day)]), "seasons[1] repeated_item"),
            (seasons(&[(day, day); 53]), "seasons too_many_items"),
            (email(None), "told_to malformed_address"),
            (email(Some("a@b\r\nBcc: c@d")), "told_to malformed_address"),
            (PaceInput { told: Told::Api, ..email(Some("a@b")) }, "told_to field_not_allowed"),
            (PaceInput { told: Told::AdvisoryChannel, ..open_pace() }, "told_to missing_field"),
            (url("javascript:alert(1)"), "embargo_url invalid_reference"),
            (PaceInput { embargo_days: Some(9), ..open_pace() }, "embargo_url missing_field"),
            (PaceInput { embargo_days: Some(91), ..url("https://x.example") }, "embargo_days out_of_range"),
            (guests(&[(seed::id(), Tier::Full)]), "guests[0].tier tier_not_allowed"),
            (guests(&[(keeper.member, Tier::Fixing), (keeper.member, Tier::Delivery)]), "guests[1] repeated_item"),
            (guests(&[(seed::id(), Tier::Fixing)]), "guests[0].member unknown_member"),
        ];
        for (input, wanted) in cases {
            let refused = s.pace_set(&keeper.ctx(), keeper.party, input).await;
            let Err(ServiceError::Invalid(violations)) = refused else { panic!("{wanted}: {refused:?}") };
            let said: Vec<String> = violations.iter().map(|v| format!("{} {}", v.field, v.code)).collect();
            assert!(said.contains(&wanted.to_owned()), "{wanted}: {said:?}");
        }
        assert_eq!(s.pace_show(&keeper.ctx(), keeper.party).await.unwrap().set, None);
        // Nobody sets another's, and no coordinator sets any.
        let other = house.maintainer("pkg:npm/other").await;
        let refused = s.pace_set(&other.ctx(), keeper.party, weekly(1)).await;
        assert!(matches!(refused, Err(ServiceError::NotFound("party"))));
        for party in [keeper.party, house.desk.party] {
            let refused = s.pace_set(&house.desk.ctx(), party, weekly(1)).await;
            assert!(matches!(refused, Err(ServiceError::Forbidden(_))));
        }
    })
    .await;
}
