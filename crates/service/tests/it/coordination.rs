//! What coordinators and maintainers do to cases: merge, split, verdict, embargo, read-ins.

use domain::case::{CaseState, EventKind, MaintainerVerdict};
use domain::embargo::EmbargoSource;
use domain::fix::{FixKind, FixState};
use domain::id::{CaseId, FindingId};
use domain::party::Role;
use domain::read_in::Tier;
use domain::time::Timestamp;
use service::advisory::PublishInput;
use service::case::EmbargoInput;
use service::fix::FixInput;
use service::identity::now;
use service::range::MeasuredRange;
use service::read_in::ReadInInput;
use service::verdict::VerdictInput;
use service::{Service, ServiceError};
use store::Page;
use store::case::CaseFilter;

use crate::bundle::Bundle;
use crate::house::{House, Player, both_houses};

fn conflict<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> &'static str {
    match result {
        Err(ServiceError::Conflict { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

async fn upgrade(s: &Service, who: &Player, case: CaseId, version: &str) -> Result<domain::id::FixId, ServiceError> {
    let (version, note) = (Some(version.to_owned()), String::new());
    Ok(s.fix_propose(&who.ctx(), FixInput { case, kind: FixKind::Upgrade, version, note, patch: None }).await?.id)
}

/// Two defects of one package, by two finders.
struct Two {
    alder: Player,
    birch: Player,
    keeper: Player,
    one: CaseId,
    two: CaseId,
    second: FindingId,
}

async fn two(house: &House) -> Two {
    let (alder, birch) = (house.finder("Alder").await, house.finder("Birch").await);
    let keeper = house.maintainer("pkg:npm/fast-loops").await;
    let (_, one) = house.case(&alder, &Bundle::quick()).await;
    let (second, two) = house.case(&birch, &Bundle::quick_other()).await;
    assert_ne!(one, two);
    Two { alder, birch, keeper, one, two, second }
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_and_split_again_every_credit_range_and_read_in_is_right() {
    both_houses(async |house| {
        let s = &house.service;
        let t = two(house).await;
        let expert = house.player("Expert", &[Role::Maintainer], &[]).await;
        house.read_in(t.two, &expert, Tier::Fixing).await;
        let fix = upgrade(s, &t.keeper, t.one, "1.1.4").await.unwrap();
        house.work().await;
        assert_eq!(house.show(&t.keeper, t.one).await.case.state, CaseState::FixVerified);
        let before = house.show(&house.desk, t.one).await;

        let merged = s.case_merge(&house.desk.ctx(), t.two, t.one, "one root cause").await.unwrap();
        assert_eq!(merged.credits, ["Alder", "Birch"]);
        assert_eq!(merged.case.state, CaseState::Open, "the fix was not run with the second proof");
        house.work().await;
        let merged = house.show(&house.desk, t.one).await;
        assert_eq!(s.fix_show(&t.keeper.ctx(), fix).await.unwrap().state, FixState::Refuted);
        assert_eq!(merged.case.state, CaseState::Open);
        let range = MeasuredRange::parse(merged.case.range.as_deref().unwrap()).unwrap();
        assert!(range.fired.contains(&"1.1.4".to_owned()), "{range:?}");
        let reason = merged.findings[1].state_reason.as_deref().unwrap();
        assert!(reason.contains("joined by a coordinator: one root cause"), "{reason}");
        // Everybody who was read in to either sees the one that carries on; the other says which it is.
        for player in [&t.alder, &t.birch, &t.keeper, &expert] {
            assert_eq!(house.show(player, t.one).await.credits.len(), 2);
        }
        assert_eq!(house.show(&expert, t.one).await.tier, Some(Tier::Fixing));
        let gone = house.show(&t.birch, t.two).await;
        assert_eq!((gone.case.state, gone.case.merged_into), (CaseState::Merged, Some(t.one)));
        assert_eq!(conflict(s.case_merge(&house.desk.ctx(), t.two, t.one, "again").await), "case_not_live");
        let until = now().plus_days(1);
        let input = ReadInInput { member: expert.member, tier: Tier::Full, reason: "x".to_owned(), until };
        assert_eq!(conflict(s.read_in_place(&house.desk.ctx(), t.two, input).await), "case_merged");

        let split = s.case_split(&house.desk.ctx(), t.one, t.second, "two fixes after all").await.unwrap();
        house.work().await;
        let kept = house.show(&house.desk, t.one).await;
        assert_eq!((kept.credits, split.credits.clone()), (vec!["Alder".to_owned()], vec!["Birch".to_owned()]));
        assert_eq!(kept.case.range, before.case.range);
        assert_ne!(split.case.id, t.two);
        // The finder of what left sees its own case and no longer the other; the maintainer sees both.
        assert!(matches!(s.case_show(&t.birch.ctx(), t.one).await, Err(ServiceError::NotFound("case"))));
        let own = house.show(&t.birch, split.case.id).await;
        let tells = |text: &str| text.contains(&t.one.to_string()) || text.contains(&t.two.to_string());
        assert!(own.events.iter().all(|e| !tells(&e.text)), "{:#?}", own.events);
        assert!(own.findings.iter().all(|f| !tells(f.state_reason.as_deref().unwrap_or_default())));
        house.show(&t.keeper, split.case.id).await;
        assert_eq!(conflict(s.case_split(&house.desk.ctx(), split.case.id, t.second, "alone").await), "not_splittable");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_merged_or_split_is_said() {
    both_houses(async |house| {
        let s = &house.service;
        let t = two(house).await;
        let desk = house.desk.ctx();
        let (_, other) = house.case(&t.alder, &Bundle::example("netmask-octal")).await;
        assert_eq!(conflict(s.case_merge(&desk, t.one, t.one, "x").await), "not_mergeable");
        assert_eq!(conflict(s.case_merge(&desk, t.one, other, "x").await), "not_mergeable");
        let foreign = s.case_split(&desk, t.one, t.second, "x").await;
        assert!(matches!(foreign, Err(ServiceError::NotFound("finding"))));
        for reason in ["", " ", "a\u{0}b", &"x".repeat(2_001)] {
            for refused in [
                s.case_merge(&desk, t.one, t.two, reason).await,
                s.case_split(&desk, t.one, t.second, reason).await,
                s.case_close(&desk, t.one, reason).await,
                s.case_judge(&t.keeper.ctx(), t.one, VerdictInput::new(MaintainerVerdict::Vulnerability, reason)).await,
            ] {
                assert!(matches!(refused, Err(ServiceError::Invalid(_))), "{reason}: {refused:?}");
            }
        }
        for who in [&t.alder, &t.keeper] {
            let refused = s.case_merge(&who.ctx(), t.one, t.two, "x").await;
            assert!(matches!(refused, Err(ServiceError::Forbidden(_) | ServiceError::NotFound("case"))));
        }
        assert_eq!(house.show(&house.desk, t.one).await.case.revision, 1, "nothing of it left a trace");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verdict_is_the_maintainers_alone_and_final() {
    both_houses(async |house| {
        let s = &house.service;
        let t = two(house).await;
        let verdict = MaintainerVerdict::NotAnIssue;
        // Not the desk, not a finder, not the maintainer of another package, not a colleague below tier 0.
        let stranger = house.maintainer("pkg:npm/lodash").await;
        for who in [&house.desk, &t.alder] {
            let refused = s.case_judge(&who.ctx(), t.one, VerdictInput::new(verdict, "x")).await;
            assert!(matches!(refused, Err(ServiceError::Forbidden(_))));
        }
        let refused = s.case_judge(&stranger.ctx(), t.one, VerdictInput::new(verdict, "x")).await;
        assert!(matches!(refused, Err(ServiceError::NotFound("case"))));
        house.read_in(t.one, &stranger, Tier::Full).await;
        let refused = s.case_judge(&stranger.ctx(), t.one, VerdictInput::new(verdict, "x")).await;
        assert!(matches!(refused, Err(ServiceError::Forbidden(_))));

        assert_eq!(conflict(s.case_close(&house.desk.ctx(), t.one, "done").await), "verdict_missing");
        s.case_judge(&t.keeper.ctx(), t.one, VerdictInput::new(verdict, "works as meant")).await.unwrap();
        let same = VerdictInput::new(verdict, "works as meant");
        assert_eq!(conflict(s.case_judge(&t.keeper.ctx(), t.one, same).await), "verdict_given");
        let publish = s.advisory_publish(&house.desk.ctx(), t.one, PublishInput::default()).await;
        assert_eq!(conflict(publish), "verdict_forbids");
        // Nor is it got around by merging the case away.
        assert_eq!(conflict(s.case_merge(&house.desk.ctx(), t.one, t.two, "x").await), "verdict_given");
        s.case_merge(&house.desk.ctx(), t.two, t.one, "the judged one stays").await.unwrap();
        s.case_close(&house.desk.ctx(), t.one, "on the verdict").await.unwrap();
        assert_eq!(conflict(s.case_close(&house.desk.ctx(), t.one, "again").await), "illegal_change");
        let relayed = house.show(&t.alder, t.one).await;
        assert_eq!((relayed.case.state, relayed.case.verdict), (CaseState::Closed, Some(verdict)));
        assert!(relayed.events.iter().any(|e| e.kind == EventKind::Judged && e.text.contains("works as meant")));
    })
    .await;
}

async fn rule(
    house: &House,
    who: &Player,
    case: CaseId,
    source: EmbargoSource,
    ends: Timestamp,
) -> Result<(Option<Timestamp>, Option<EmbargoSource>), ServiceError> {
    let url = Some("https://example.org/policy".to_owned());
    let view = house.service.embargo_set(&who.ctx(), case, EmbargoInput { source, ends, url }).await?;
    Ok((view.case.embargo_ends, view.case.embargo_source))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shortest_embargo_wins_until_the_maintainer_speaks() {
    use EmbargoSource::{Default, ListRule, Maintainer, Negotiated, UpstreamPolicy};
    both_houses(async |house| {
        let s = &house.service;
        let t = two(house).await;
        let opened = house.show(&t.alder, t.one).await.case;
        assert_eq!(opened.embargo_ends, Some(opened.opened_at.plus_days(21)));
        let day = |d: i64| opened.opened_at.plus_days(d);
        let desk = &house.desk;
        let set = async |source, days| rule(house, desk, t.one, source, day(days)).await.unwrap();
        assert_eq!(set(Negotiated, 40).await, (Some(day(40)), Some(Negotiated)));
        assert_eq!(set(UpstreamPolicy, 30).await, (Some(day(30)), Some(UpstreamPolicy)));
        assert_eq!(set(Negotiated, 60).await, (Some(day(30)), Some(UpstreamPolicy)), "a longer rule changes nothing");
        assert_eq!(set(ListRule, 14).await, (Some(day(14)), Some(ListRule)));
        assert_eq!(set(ListRule, 400).await, (Some(day(90)), Some(ListRule)), "corrected, up to the outer bound");
        assert!(matches!(rule(house, desk, t.one, Default, day(5)).await, Err(ServiceError::Invalid(_))));
        assert_eq!(conflict(rule(house, desk, t.one, Maintainer, day(5)).await), "maintainer_spoke");
        let bare = EmbargoInput { source: ListRule, ends: day(5), url: None };
        assert!(matches!(s.embargo_set(&desk.ctx(), t.one, bare).await, Err(ServiceError::Invalid(_))));
        let refused = rule(house, &t.alder, t.one, Negotiated, day(1)).await;
        assert!(matches!(refused, Err(ServiceError::Forbidden(_))));

        assert_eq!(
            rule(house, &t.keeper, t.one, Negotiated, day(50)).await.unwrap(),
            (Some(day(50)), Some(Maintainer))
        );
        assert_eq!(conflict(rule(house, desk, t.one, ListRule, day(1)).await), "maintainer_spoke");
        // The embargo binds the desk, also after the verdict; the maintainer itself may end it.
        s.case_judge(&t.keeper.ctx(), t.one, VerdictInput::new(MaintainerVerdict::Vulnerability, "it is one"))
            .await
            .unwrap();
        let early = s.advisory_publish(&desk.ctx(), t.one, PublishInput::default()).await;
        assert_eq!(conflict(early), "embargo_runs");
        rule(house, &t.keeper, t.one, Negotiated, now()).await.unwrap();
        house.work().await;
        let told =
            |v: &service::case::CaseView| v.events.iter().filter(|e| e.text.contains("embargo has ended")).count();
        assert_eq!(told(&house.show(&t.alder, t.one).await), 1);
        s.advisory_publish(&desk.ctx(), t.one, PublishInput::default()).await.unwrap();
        assert_eq!(conflict(rule(house, &t.keeper, t.one, Negotiated, day(2)).await), "case_not_live");
        // Without any verdict, at the end of the embargo.
        let early = s.advisory_publish(&desk.ctx(), t.two, PublishInput::default()).await;
        assert_eq!(conflict(early), "embargo_runs");
        let later = desk.at(now().plus_days(22));
        s.advisory_publish(&later, t.two, PublishInput::default()).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_see_what_is_theirs_until_their_time_is_over() {
    both_houses(async |house| {
        let s = &house.service;
        let t = two(house).await;
        let tier = async |name: &str, tier| {
            let player = house.player(name, &[Role::Operator], &[]).await;
            house.read_in(t.one, &player, tier).await;
            player
        };
        let expert = tier("Expert", Tier::Fixing).await;
        let distributor = tier("Distributor", Tier::Distribution).await;
        let registry = tier("Registry", Tier::Delivery).await;
        upgrade(s, &expert, t.one, "1.1.4").await.unwrap();
        assert!(matches!(upgrade(s, &distributor, t.one, "1.1.4").await, Err(ServiceError::Forbidden(_))));
        house.work().await;
        let (full, some) = (house.show(&t.alder, t.one).await, house.show(&expert, t.one).await);
        assert!(full.research && some.research && !full.proofs.is_empty() && !some.proofs.is_empty());
        assert!(!full.read_ins.is_empty() && some.read_ins.is_empty());
        assert!(full.events.iter().any(|e| e.kind == EventKind::ReadIn));
        assert!(some.events.iter().all(|e| e.kind != EventKind::ReadIn));
        let two = house.show(&distributor, t.one).await;
        assert!(!two.research && two.proofs.is_empty() && two.findings.is_empty() && two.credits.is_empty());
        assert!(two.case.range.is_some() && !two.fixes.is_empty());
        assert!(two.events.iter().all(|e| !e.text.contains("objectMergeDeep") && !e.text.contains("Alder")));
        let three = house.show(&registry, t.one).await;
        assert_eq!(three.case.title, "Embargoed fix for fast-loops");
        assert!(three.case.range.is_none() && three.fixes.is_empty() && three.events.is_empty());
        assert_eq!(three.case.aliases, "[]");
        let proof = full.proofs[0].id;
        assert!(s.proof_show(&expert.ctx(), proof).await.is_ok());
        assert!(matches!(s.proof_show(&distributor.ctx(), proof).await, Err(ServiceError::NotFound("proof"))));
        // One tier per person: the later placement counts.
        house.read_in(t.one, &registry, Tier::Distribution).await;
        assert_eq!(house.show(&registry, t.one).await.tier, Some(Tier::Distribution));
        let live = house.show(&house.desk, t.one).await.read_ins;
        assert_eq!(live.iter().filter(|r| r.member_id == registry.member && r.ended_at.is_none()).count(), 1);
        // Ended by hand, and by time.
        let placed = live.iter().find(|r| r.member_id == expert.member).unwrap();
        s.read_in_end(&house.desk.ctx(), t.one, placed.id).await.unwrap();
        assert!(matches!(s.case_show(&expert.ctx(), t.one).await, Err(ServiceError::NotFound("case"))));
        let later = distributor.at(now().plus_days(8));
        assert!(matches!(s.case_show(&later, t.one).await, Err(ServiceError::NotFound("case"))));
        let listed = s.case_list(&later, &CaseFilter::default(), &Page::default()).await.unwrap();
        assert!(listed.items.is_empty());
        for (reason, until) in [("", 1), ("x", -1), ("x", 91)] {
            let (member, until) = (expert.member, now().plus_days(until));
            let input = ReadInInput { member, tier: Tier::Fixing, reason: reason.to_owned(), until };
            let refused = s.read_in_place(&house.desk.ctx(), t.one, input).await;
            assert!(matches!(refused, Err(ServiceError::Invalid(_))));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reporter_that_is_not_read_in_any_more_sees_its_own_report_alone() {
    both_houses(async |house| {
        let s = &house.service;
        let t = two(house).await;
        let colleague = house.colleague(&t.birch, "Robin").await;
        let page = Page::default();
        let report = s.report_list(&t.birch.ctx(), &page).await.unwrap().items[0].id;
        assert_eq!(s.report_show(&t.birch.ctx(), report).await.unwrap().findings[0].case_id, Some(t.two));
        let hidden = s.report_show(&colleague.ctx(), report).await.unwrap().findings.remove(0);
        assert_eq!((hidden.case_id, hidden.state_reason.clone()), (None, None));
        // What happens in the case afterwards is not to be seen in the finding either.
        s.case_merge(&house.desk.ctx(), t.two, t.one, "one root cause").await.unwrap();
        house.work().await;
        assert_eq!(s.report_show(&colleague.ctx(), report).await.unwrap().findings[0], hidden);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_coordinator_took_out_does_not_get_back_in_by_one_more_report() {
    both_houses(async |house| {
        let s = &house.service;
        let finder = house.finder("Alder").await;
        let (_, case) = house.case(&finder, &Bundle::quick()).await;
        let placed = house.show(&house.desk, case).await.read_ins[0].id;
        s.read_in_end(&house.desk.ctx(), case, placed).await.unwrap();
        let again = house.reported(&finder, &Bundle::quick().retold("once more").report()).await;
        assert_eq!(again.findings[0].case_id, None);
        assert!(matches!(s.case_show(&finder.ctx(), case).await, Err(ServiceError::NotFound("case"))));
        assert_eq!(house.show(&house.desk, case).await.findings.len(), 2);
        house.read_in(case, &finder, Tier::Full).await;
        assert!(s.case_show(&finder.ctx(), case).await.is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maintainer_that_comes_later_sees_the_cases_of_its_package() {
    both_houses(async |house| {
        let finder = house.finder("Alder").await;
        let (_, case) = house.case(&finder, &Bundle::quick()).await;
        let keeper = house.maintainer("pkg:npm/fast-loops").await;
        assert_eq!(house.show(&keeper, case).await.tier, Some(Tier::Full));
        let colleague = house.colleague(&keeper, "Robin").await;
        let verdict = MaintainerVerdict::Vulnerability;
        house.service.case_judge(&colleague.ctx(), case, VerdictInput::new(verdict, "it is one")).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fix_is_an_exact_version_or_words() {
    both_houses(async |house| {
        let s = &house.service;
        let finder = house.finder("Alder").await;
        let (_, case) = house.case(&finder, &Bundle::quick()).await;
        let propose = async |kind, version: Option<&str>, note: &str| {
            let input =
                FixInput { case, kind, version: version.map(ToOwned::to_owned), note: note.to_owned(), patch: None };
            s.fix_propose(&finder.ctx(), input).await
        };
        for (kind, version, note) in [
            (FixKind::Upgrade, None, ""),
            (FixKind::Upgrade, Some("latest"), ""),
            (FixKind::Upgrade, Some("^1.1.4"), ""),
            (FixKind::Upgrade, Some(""), ""),
            (FixKind::Patch, Some("1.1.4"), "x"),
            (FixKind::Patch, None, " "),
            (FixKind::Mitigation, None, "a\u{0}b"),
        ] {
            let refused = propose(kind, version, note).await;
            assert!(matches!(refused, Err(ServiceError::Invalid(_))), "{kind} {version:?}: {refused:?}");
        }
        // A version that still fires, one that silences it, and one that nobody can get.
        let mut states = Vec::new();
        for version in ["1.1.2", "1.1.4", "99.0.0"] {
            let fix = propose(FixKind::Upgrade, Some(version), "").await.unwrap();
            house.work().await;
            states.push(s.fix_show(&finder.ctx(), fix.id).await.unwrap().state);
        }
        assert_eq!(states, [FixState::Refuted, FixState::Verified, FixState::Unverified]);
        assert_eq!(house.show(&finder, case).await.case.state, CaseState::FixVerified);
    })
    .await;
}
