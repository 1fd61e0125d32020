//! An outsider cannot tell what is under embargo from what never existed: same bytes, same headers,
//! same lists, on the API and on the pages.

use domain::party::Role;
use serde_json::json;
use testkit::clearinghouse::{Clearinghouse, Participant, both_clearinghouses};
use testkit::http::Ask;

use crate::authorisation::World;

const NOTHING: &str = "00000000000000000000000000";

fn asks(house: &Clearinghouse, outsider: &Participant, kind: &str, id: &str) -> Vec<(String, Ask)> {
    let get = |path: String| (path.clone(), house.get(&path, &outsider.token));
    let post = |path: String, body: serde_json::Value| {
        (path.clone(), house.post(&path, &outsider.token, &body).header("if-match", "\"x\""))
    };
    let until = service::identity::now().plus_days(7).to_string();
    match kind {
        "case" => vec![
            get(format!("/v1/cases/{id}")),
            get(format!("/v1/fixes?case={id}")),
            get(format!("/v1/cases/{id}/package")),
            get(format!("/v1/cases/{id}/message")),
            (format!("/cases/{id}"), house.ask("GET", &format!("/cases/{id}"))),
            (
                format!("/cases/{id} with a cookie"),
                house.ask("GET", &format!("/cases/{id}")).header("cookie", &format!("proofhouse={}", outsider.token)),
            ),
            post(format!("/v1/cases/{id}/merge"), json!({"into": id, "reason": "x"})),
            post(format!("/v1/cases/{id}/split"), json!({"finding": format!("finding_{NOTHING}"), "reason": "x"})),
            post(format!("/v1/cases/{id}/verdict"), json!({"verdict": "hardening", "reason": "x"})),
            post(format!("/v1/cases/{id}/close"), json!({"reason": "x"})),
            post(format!("/v1/cases/{id}/exception"), json!({"reason": "x"})),
            post(format!("/v1/cases/{id}/embargo"), json!({"source": "negotiated", "ends": until})),
            post(
                format!("/v1/cases/{id}/read-ins"),
                json!({"member": outsider.member, "tier": "0", "reason": "x", "until": until}),
            ),
            post(format!("/v1/cases/{id}/read-ins/readin_{NOTHING}/end"), json!({})),
            post("/v1/fixes".to_owned(), json!({"case": id, "kind": "mitigation", "note": "x"})),
            post("/v1/advisories".to_owned(), json!({"case": id})),
        ],
        "report" => vec![get(format!("/v1/reports/{id}"))],
        "finding" => vec![(
            "proof".to_owned(),
            house
                .ask("POST", &format!("/v1/proofs?finding={id}"))
                .token(&outsider.token)
                .body("application/zstd", b"x"),
        )],
        "claim" => vec![
            get(format!("/v1/claims/{id}")),
            post(format!("/v1/claims/{id}/renew"), json!({"fence": 1, "lease_s": 600})),
        ],
        "party" => ["", "/pace", "/standing"].map(|of| get(format!("/v1/parties/{id}{of}"))).to_vec(),
        "inventory" => vec![get(format!("/v1/inventories/{id}"))],
        "notice" => {
            vec![get(format!("/v1/notices/{id}")), post(format!("/v1/notices/{id}/answer"), json!({"answer": "seen"}))]
        }
        "proof" => vec![get(format!("/v1/proofs/{id}"))],
        "fix" => vec![get(format!("/v1/fixes/{id}"))],
        _ => vec![],
    }
}

#[tokio::test]
async fn what_is_hidden_answers_as_what_never_existed() {
    both_clearinghouses(async |house| {
        let owner = house.participant("Owner", &[Role::Finder], &[]).await;
        let keeper = house.participant("Keeper", &[Role::Maintainer], &["pkg:npm/minimist"]).await;
        let runner = house.participant("Runner", &[Role::Operator], &[]).await;
        let world = World::lay(house, &owner, &keeper, &runner).await;
        for role in [Role::Finder, Role::Maintainer, Role::Operator] {
            let outsider = house.participant(role.as_str(), &[role], &["pkg:npm/other"]).await;
            for kind in ["case", "report", "finding", "claim", "party", "inventory", "notice", "proof", "fix"] {
                let real = asks(house, &outsider, kind, world.name(kind));
                let none = asks(house, &outsider, kind, &format!("{kind}_{NOTHING}"));
                for ((what, real), (_, none)) in real.into_iter().zip(none) {
                    let (real, none) = (real.send().await, none.send().await);
                    assert!(matches!(real.status, 403 | 404), "{role} {what}: {} {}", real.status, real.text());
                    assert_eq!(real.comparable(), none.comparable(), "{role} {what}");
                    assert!(real.header("etag").is_none());
                }
                // A text that is no id at all.
                for (what, malformed) in
                    asks(house, &outsider, kind, "nonsense").into_iter().take(1).filter(|_| kind != "finding")
                {
                    assert!(matches!(malformed.send().await.status, 404), "{role} {what}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn lists_and_pages_do_not_change_when_a_case_is_opened_under_embargo() {
    both_clearinghouses(async |house| {
        let owner = house.participant("Owner", &[Role::Finder], &[]).await;
        let keeper = house.participant("Keeper", &[Role::Maintainer], &["pkg:npm/minimist"]).await;
        let runner = house.participant("Runner", &[Role::Operator], &[]).await;
        let outsider =
            house.participant("Outsider", &[Role::Finder, Role::Maintainer, Role::Operator], &["pkg:npm/other"]).await;
        crate::authorisation::published(house, &owner, &keeper, &runner).await;
        let lock = json!({"lockfileVersion": 3, "packages": {"node_modules/lodash": {"version": "4.17.15"}}});
        house.post("/v1/inventories", &outsider.token, &json!({"asset": "a", "document": lock})).expect(201).await;
        house.work().await;
        let observe = async || {
            let mut seen = Vec::new();
            for target in [
                "/v1/cases",
                "/v1/cases?purl=pkg%3Anpm%2Flodash",
                "/v1/cases?state=open",
                "/v1/notices",
                "/v1/reports",
                "/v1/claims",
                "/v1/advisories",
            ] {
                seen.push(house.get(target, &outsider.token).expect(200).await.comparable());
            }
            for target in ["/", "/notices"] {
                seen.push(house.ask("GET", target).expect(if target == "/" { 200 } else { 303 }).await.comparable());
                let cookie = format!("proofhouse={}", outsider.token);
                seen.push(house.ask("GET", target).header("cookie", &cookie).expect(200).await.comparable());
            }
            seen
        };
        let before = observe().await;
        house.measured_case(&owner, "pkg:npm/lodash").await;
        house.work().await;
        assert_eq!(observe().await, before);
    })
    .await;
}

#[tokio::test]
async fn each_tier_sees_what_it_should() {
    both_clearinghouses(async |house| {
        let owner = house.participant("Owner", &[Role::Finder], &[]).await;
        let case = house.measured_case(&owner, "pkg:npm/lodash").await;
        let until = service::identity::now().plus_days(7).to_string();
        for (tier, findings, fixes_shown, title) in
            [("0", 1, true, true), ("1", 1, true, true), ("2", 0, true, true), ("3", 0, false, false)]
        {
            let guest = house.participant(&format!("Guest {tier}"), &[Role::Operator], &[]).await;
            let target = format!("/v1/cases/{case}");
            house.get(&target, &guest.token).expect(404).await;
            let read_in = json!({"member": guest.member, "tier": tier, "reason": "needs it", "until": until});
            house.post(&format!("{target}/read-ins"), &house.admin, &read_in).expect(200).await;
            let shown = house.get(&target, &guest.token).expect(200).await.json();
            assert_eq!(shown["findings"].as_array().unwrap().len(), findings, "tier {tier}");
            assert_eq!(shown["proofs"].as_array().unwrap().len(), findings, "tier {tier}");
            assert_eq!(!shown["events"].as_array().unwrap().is_empty(), fixes_shown, "tier {tier}");
            assert_eq!(shown["title"] == "Prototype pollution through zipObjectDeep", title, "tier {tier}");
            assert_eq!(shown["tier"], tier);
            let fix = json!({"case": case.to_string(), "kind": "mitigation", "note": "x"});
            let status = if findings == 1 { 201 } else { 403 };
            house.post("/v1/fixes", &guest.token, &fix).expect(status).await;
        }
    })
    .await;
}
