//! Who is told, of what, by when; and when it is over.

use domain::advisory::AdvisoryState;
use domain::case::MaintainerVerdict;
use domain::deadline::Outcome;
use domain::fix::FixKind;
use domain::id::CaseId;
use domain::inventory::{AssetTags, Exposure};
use domain::notice::{NoticeState, VexJustification};
use domain::read_in::Tier;
use service::advisory::PublishInput;
use service::feed::FeedKind;
use service::fix::FixInput;
use service::inventory::InventoryInput;
use service::notice::AnswerInput;
use service::verdict::VerdictInput;
use service::{Service, ServiceError};
use store::Page;
use store::notice::Notice;

use crate::bundle::{Bundle, example, ids};
use crate::house::{House, Player, both_houses, inventory};

/// What a party sees of its notices.
async fn seen(house: &House, who: &Player) -> Vec<Notice> {
    let page = Page { cursor: None, limit: 100 };
    house.service.notice_list(&who.ctx(), &page).await.unwrap().items
}

/// A case of fast-loops whose maintainer has called it a vulnerability.
async fn judged(house: &House, body: &[u8]) -> (Player, CaseId) {
    let finder = house.finder("Alder").await;
    let keeper = house.maintainer("pkg:npm/fast-loops").await;
    let case = house.reported(&finder, body).await.findings[0].case_id.unwrap();
    let verdict = MaintainerVerdict::Vulnerability;
    house.service.case_judge(&keeper.ctx(), case, VerdictInput::new(verdict, "it is one")).await.unwrap();
    house.work().await;
    (keeper, case)
}

async fn published(house: &House, keeper: &Player, case: CaseId) -> String {
    let advisory = house.service.advisory_publish(&keeper.ctx(), case, PublishInput::default()).await.unwrap();
    house.work().await;
    advisory.name
}

async fn answered(s: &Service, who: &Player, notice: &Notice, answer: NoticeState) -> Result<Notice, ServiceError> {
    let justification = (answer == NoticeState::NotAffected).then_some(VexJustification::NotInExecutePath);
    let input = AnswerInput { answer, justification, note: Some("as planned".to_owned()) };
    s.notice_answer(&who.ctx(), notice.id, input).await
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_those_who_run_it_are_told() {
    both_houses(async |house| {
        let s = &house.service;
        let operators =
            [house.operator("Hospital").await, house.operator("Bank").await, house.operator("Utility").await];
        let documents = ["hospital.cdx.json", "bank-package-lock.json", "utility.cdx.json"];
        for (operator, document) in operators.iter().zip(documents) {
            let document = std::fs::read(example("inventories").join(document)).unwrap();
            let input = InventoryInput { document, ..inventory("asset", &[]) };
            s.inventory_submit(&operator.ctx(), input).await.unwrap();
        }
        let keeper = house.maintainer("pkg:npm/lodash").await;
        let finder = house.finder("Alder").await;
        let (_, case) = house.case(&finder, &Bundle::example("lodash-zipobjectdeep")).await;
        // Under embargo nobody is told but who is read in, and in its party nobody but the member read in.
        let [hospital, bank, utility] = &operators;
        let colleague = house.colleague(hospital, "Night shift").await;
        house.read_in(case, hospital, Tier::Distribution).await;
        house.work().await;
        let early = seen(house, hospital).await;
        assert_eq!(early.iter().map(|n| n.version.as_str()).collect::<Vec<_>>(), ["4.17.15"]);
        assert!(early[0].pre_publication && early[0].action.contains("4.17.17"), "{:?}", early[0]);
        for other in [&colleague, bank, utility] {
            assert!(seen(house, other).await.is_empty());
            let refused = s.notice_show(&other.ctx(), early[0].id).await;
            assert!(matches!(refused, Err(ServiceError::NotFound("notice"))));
        }
        s.case_judge(&keeper.ctx(), case, VerdictInput::new(MaintainerVerdict::Vulnerability, "it is one"))
            .await
            .unwrap();
        published(house, &keeper, case).await;
        let told = seen(house, hospital).await;
        assert_eq!((told.len(), told[0].id, told[0].advisory_id.is_some()), (1, early[0].id, true));
        assert_eq!(seen(house, &colleague).await.len(), 1);
        let nested = seen(house, bank).await;
        assert_eq!(nested.iter().map(|n| n.version.as_str()).collect::<Vec<_>>(), ["4.17.11"]);
        assert_eq!(nested[0].path, "node_modules/portfinder/node_modules/lodash");
        assert!(seen(house, utility).await.is_empty());
        let desk = house.show(&house.desk, case).await;
        assert_eq!(desk.notices.len(), 2);
        assert_eq!(house.show(bank, case).await.notices.len(), 1);
        assert_eq!(s.case_show_public(case).await.unwrap().notices.len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_follow_the_feeds_and_the_asset() {
    both_houses(async |house| {
        let s = &house.service;
        let (keeper, case) = judged(house, &Bundle::quick().report_with(ids(&["CVE-2024-39008"]))).await;
        let operator = house.operator("Hospital").await;
        house.runs(&operator, "web", &[("fast-loops", "1.1.3")]).await;
        let inside = inventory("inside", &[("fast-loops", "1.1.3")]);
        let tags = AssetTags { exposure: Exposure::NotExposed, ..inside.tags.clone() };
        s.inventory_submit(&operator.ctx(), InventoryInput { tags, ..inside }).await.unwrap();
        published(house, &keeper, case).await;
        let of = async |asset: &str| seen(house, &operator).await.into_iter().find(|n| n.asset == asset).unwrap();
        let (web, inside) = (of("web").await, of("inside").await);
        // No points from CISA: the safer of the two readings.
        assert_eq!((web.outcome, inside.outcome), (Outcome::Days14, Outcome::Days60));
        assert!(!web.analogy && web.because.contains("no SSVC points from CISA"), "{}", web.because);
        assert_eq!(web.due, Some(web.clock_start.plus_days(14)));

        let points = std::fs::read(example("feeds/points.csv")).unwrap();
        let refused = s.feed_load(&house.desk.scoped(&[]).ctx(), FeedKind::Ssvc, &points).await;
        assert!(matches!(refused, Err(ServiceError::Forbidden(_))));
        s.feed_load(&house.desk.ctx(), FeedKind::Ssvc, &points).await.unwrap();
        house.work().await;
        let (web, inside) = (of("web").await, of("inside").await);
        assert_eq!((web.outcome, inside.outcome), (Outcome::Days3, Outcome::Days60));

        let kev = r#"{"catalogVersion":"1","count":2,"vulnerabilities":[
            {"cveID":"CVE-2024-39008","dateAdded":"2024-09-09"},{"cveID":"CVE-2024-1","dateAdded":"2024-99-09"}]}"#;
        let loaded = s.feed_load(&house.desk.ctx(), FeedKind::Kev, kev.as_bytes()).await.unwrap();
        assert_eq!((loaded.rows, loaded.warnings.len()), (1, 1), "{:?}", loaded.warnings);
        house.work().await;
        let web = of("web").await;
        assert_eq!(web.outcome, Outcome::Days3Forensic);
        assert_eq!(web.due.unwrap().date(), "2024-09-12");
        assert!(web.because.contains("in KEV since 2024-09-09"), "{}", web.because);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cve_the_deadline_is_called_an_analogy() {
    both_houses(async |house| {
        let (keeper, case) = judged(house, &Bundle::quick().report()).await;
        let operator = house.operator("Hospital").await;
        house.runs(&operator, "web", &[("fast-loops", "1.1.3")]).await;
        published(house, &keeper, case).await;
        let notice = seen(house, &operator).await.remove(0);
        assert!(notice.analogy && notice.because.contains("not a legal deadline"), "{}", notice.because);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inventories_close_and_reopen_and_do_not_move_the_clock() {
    both_houses(async |house| {
        let s = &house.service;
        let (keeper, case) = judged(house, &Bundle::quick().report()).await;
        published(house, &keeper, case).await;
        let operator = house.operator("Hospital").await;
        let affected = [("fast-loops", "1.1.3")];
        house.runs(&operator, "web", &affected).await;
        let first = seen(house, &operator).await.remove(0);
        // The next scan says the same: the same notice, due at the same time.
        house.runs(&operator, "web", &affected).await;
        let second = seen(house, &operator).await;
        assert_eq!((second.len(), second[0].id, second[0].due), (1, first.id, first.due));
        assert_ne!(second[0].inventory_id, first.inventory_id);
        // Answers; one that an inventory contradicts is open again.
        for wrong in [NoticeState::Open, NoticeState::Closed] {
            assert!(matches!(answered(s, &operator, &first, wrong).await, Err(ServiceError::Invalid(_))));
        }
        let stranger = house.operator("Bank").await;
        let refused = answered(s, &stranger, &first, NoticeState::Seen).await;
        assert!(matches!(refused, Err(ServiceError::NotFound("notice"))));
        for right in [NoticeState::Seen, NoticeState::NotAffected, NoticeState::Fixed] {
            assert_eq!(answered(s, &operator, &first, right).await.unwrap().state, right);
        }
        house.runs(&operator, "web", &affected).await;
        assert_eq!(seen(house, &operator).await[0].state, NoticeState::Open);
        assert_eq!(answered(s, &operator, &first, NoticeState::Scheduled).await.unwrap().note.unwrap(), "as planned");
        house.runs(&operator, "web", &affected).await;
        assert_eq!(seen(house, &operator).await[0].state, NoticeState::Scheduled);
        // Gone, then back.
        house.runs(&operator, "web", &[("fast-loops", "1.1.4")]).await;
        let closed = seen(house, &operator).await.remove(0);
        assert_eq!(closed.closed_reason.as_deref(), Some("the newest inventory no longer has this version"));
        let refused = answered(s, &operator, &first, NoticeState::Seen).await;
        assert!(matches!(refused, Err(ServiceError::Conflict { code: "notice_closed", .. })));
        house.runs(&operator, "web", &affected).await;
        let back = seen(house, &operator).await.remove(0);
        assert_eq!((back.id, back.state), (first.id, NoticeState::Open));
        assert!(back.clock_start > first.clock_start, "found anew");
        // The whole asset without the package, and another asset: each stands for itself.
        house.runs(&operator, "other", &affected).await;
        house.runs(&operator, "web", &[]).await;
        let states: Vec<_> = seen(house, &operator).await.into_iter().map(|n| (n.asset, n.state)).collect();
        assert!(states.contains(&("web".to_owned(), NoticeState::Closed)), "{states:?}");
        assert!(states.contains(&("other".to_owned(), NoticeState::Open)), "{states:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_version_in_many_places_is_one_notice_that_does_not_flicker() {
    both_houses(async |house| {
        let s = &house.service;
        let (keeper, case) = judged(house, &Bundle::quick().report()).await;
        published(house, &keeper, case).await;
        let operator = house.operator("Bank").await;
        let lock = r#"{"name":"a","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"a","version":"1.0.0"},
            "node_modules/b/node_modules/fast-loops":{"version":"1.1.3"},"node_modules/fast-loops":{"version":"1.1.3"},
            "node_modules/c/node_modules/fast-loops":{"version":"1.1.2"}}}"#;
        let input = InventoryInput { document: lock.as_bytes().to_vec(), ..inventory("portal", &[]) };
        let taken = s.inventory_submit(&operator.ctx(), input).await.unwrap();
        house.work().await;
        let before = seen(house, &operator).await;
        assert_eq!(before.len(), 2);
        let both = before.iter().find(|n| n.version == "1.1.3").unwrap();
        assert_eq!(both.path, "node_modules/b/node_modules/fast-loops, node_modules/fast-loops");
        house.again("inventory-match", &taken.inventory.id.to_string()).await;
        house.again("case-notify", &case.to_string()).await;
        assert_eq!(seen(house, &operator).await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_closed() {
    both_houses(async |house| {
        let s = &house.service;
        let operator = house.operator("Hospital").await;
        house.runs(&operator, "web", &[("fast-loops", "1.1.3")]).await;
        let finder = house.finder("Alder").await;
        let keeper = house.maintainer("pkg:npm/fast-loops").await;
        let (_, one) = house.case(&finder, &Bundle::quick()).await;
        let (_, two) = house.case(&finder, &Bundle::quick_other()).await;
        house.read_in(one, &operator, Tier::Distribution).await;
        house.read_in(two, &operator, Tier::Distribution).await;
        house.work().await;
        let of = async |case| seen(house, &operator).await.into_iter().find(|n| n.case_id == case).unwrap();
        assert_eq!((of(one).await.state, of(two).await.state), (NoticeState::Open, NoticeState::Open));
        assert!(of(two).await.action.starts_with("No version without the defect"), "{}", of(two).await.action);
        let input = FixInput {
            case: two,
            kind: FixKind::Mitigation,
            version: None,
            note: "Pass a copy as the first argument.".to_owned(),
            patch: None,
        };
        s.fix_propose(&keeper.ctx(), input).await.unwrap();
        // The maintainer's verdict ends the telling of the one; merging ends that of a case that goes.
        s.case_judge(&keeper.ctx(), two, VerdictInput::new(MaintainerVerdict::Hardening, "documented")).await.unwrap();
        house.work().await;
        let closed = of(two).await;
        assert_eq!(closed.state, NoticeState::Closed);
        assert_eq!(closed.closed_reason.as_deref(), Some("the maintainer's verdict is hardening"));
        s.case_judge(&keeper.ctx(), one, VerdictInput::new(MaintainerVerdict::Vulnerability, "it is one"))
            .await
            .unwrap();
        let name = published(house, &keeper, one).await;
        let withdrawn =
            s.advisory_withdraw(&house.desk.ctx(), &name, "the proof was of another package").await.unwrap();
        assert_eq!(withdrawn.state, AdvisoryState::Withdrawn);
        house.work().await;
        let closed = of(one).await;
        assert_eq!(closed.state, NoticeState::Closed);
        assert!(closed.closed_reason.unwrap().contains("was withdrawn: the proof was of another package"));
        // And it stays so when the same is uploaded again.
        house.runs(&operator, "web", &[("fast-loops", "1.1.3")]).await;
        assert_eq!((of(one).await.state, of(two).await.state), (NoticeState::Closed, NoticeState::Closed));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_inventory_stores_nothing() {
    both_houses(async |house| {
        let s = &house.service;
        let operator = house.operator("Hospital").await;
        for document in ["", "{", "[]", "{}", "{\"bomFormat\":1}", "\u{0}"] {
            let input = InventoryInput { document: document.as_bytes().to_vec(), ..inventory("web", &[]) };
            let refused = s.inventory_submit(&operator.ctx(), input).await;
            assert!(matches!(refused, Err(ServiceError::Invalid(_))), "{document}: {refused:?}");
        }
        let long = InventoryInput { asset: " ".to_owned(), ..inventory("x", &[]) };
        let tags = AssetTags { sector: "s".repeat(201), ..long.tags.clone() };
        match s.inventory_submit(&operator.ctx(), InventoryInput { tags, ..long }).await {
            Err(ServiceError::Invalid(violations)) => {
                let fields: Vec<_> = violations.iter().map(|v| v.field.as_str()).collect();
                assert_eq!(fields, ["tags.sector", "asset"]);
            }
            other => panic!("{other:?}"),
        }
        let nul = inventory("web", &[("a\\u0000b", "1.0.0")]);
        assert!(matches!(s.inventory_submit(&operator.ctx(), nul).await, Err(ServiceError::Invalid(_)) | Ok(_)));
        let listed = s.inventory_list(&operator.ctx(), &Page::default()).await.unwrap();
        assert!(listed.items.len() <= 1);
        assert!(s.inventory_list(&house.desk.ctx(), &Page::default()).await.unwrap().items.is_empty());
    })
    .await;
}
