//! The pace through HTTP and on the pages: what is set is shown, and what waits changes nothing that its maintainer can see.

use domain::party::Role;
use serde_json::{Value, json};
use testkit::clearinghouse::{Clearinghouse, Participant, both_clearinghouses};

const PURL: &str = "pkg:npm/lodash";

async fn put(house: &Clearinghouse, who: &Participant, body: &Value, status: u16) -> Value {
    let ask = house.ask("PUT", &format!("/v1/parties/{}/pace", who.party)).token(&who.token).json(body);
    ask.expect(status).await.json()
}

/// Has a case wait for a maintainer, as triage does.
async fn waits(house: &Clearinghouse, case: domain::id::CaseId, who: &Participant) {
    let mut tx = house.store.write().await.unwrap();
    let now = service::identity::now();
    assert!(store::pace::wait_open(&mut tx, case, who.party.parse().unwrap(), now).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_set_is_shown_and_what_is_wrong_is_listed() {
    both_clearinghouses(async |house| {
        let keeper = house.participant("Keeper", &[Role::Maintainer], &[PURL]).await;
        let guest = house.participant("Guest", &[Role::Operator], &[]).await;
        let shown = house.get(&format!("/v1/parties/{}/pace", keeper.party), &keeper.token).expect(200).await.json();
        assert_eq!(
            (&shown["is_set"], &shown["rate_per_week"], &shown["revision"]),
            (&json!(false), &json!(null), &json!(0))
        );
        let body = json!({"rate_per_week": 2, "seasons": [{"from": "2026-12-20", "to": "2027-01-03"}],
            "told": "email", "told_to": "security@example.org", "embargo_url": "https://example.org/policy",
            "embargo_days": 30, "guests": [{"member": guest.member, "tier": "2"}]});
        let set = put(house, &keeper, &body, 200).await;
        for (field, wanted) in body.as_object().unwrap() {
            assert_eq!(&set[field], wanted, "{field}");
        }
        assert_eq!((&set["exceptions"], &set["refuse"], &set["revision"]), (&json!(true), &json!(false), &json!(1)));
        let wrong = json!({"rate_per_week": 0, "seasons": [{"from": "2026-12-20T00:00:00Z", "to": "never"}, 5],
            "refuse": "yes", "told": "pigeon", "guests": [{"member": "x", "tier": "9"}], "rate": 1});
        let problem = put(house, &keeper, &wrong, 400).await;
        let codes: Vec<String> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| format!("{} {}", e["field"].as_str().unwrap(), e["code"].as_str().unwrap()))
            .collect();
        assert_eq!(
            codes,
            [
                "rate_per_week out_of_range",
                "seasons[0].from field_too_large",
                "seasons[0].to malformed_day",
                "seasons[1] wrong_type",
                "refuse wrong_type",
                "told unknown_word",
                "guests[0].member malformed_id",
                "guests[0].tier unknown_word",
                "rate field_not_allowed",
            ]
        );
        assert_eq!(put(house, &keeper, &json!({}), 200).await["revision"], 2);
    })
    .await;
}

#[tokio::test]
async fn a_case_that_waits_changes_nothing_that_its_maintainer_sees() {
    both_clearinghouses(async |house| {
        let finder = house.participant("Finder", &[Role::Finder], &[]).await;
        let keeper = house.participant("Keeper", &[Role::Maintainer], &[PURL]).await;
        put(house, &keeper, &json!({"refuse": true}), 200).await;
        house.work().await;
        let observe = async || {
            let mut seen = Vec::new();
            for target in
                ["/v1/cases".to_owned(), "/v1/notices".to_owned(), format!("/v1/parties/{}/pace", keeper.party)]
            {
                seen.push(house.get(&target, &keeper.token).expect(200).await.comparable());
            }
            let cookie = format!("proofhouse={}", keeper.token);
            seen.push(house.ask("GET", "/").header("cookie", &cookie).expect(200).await.comparable());
            seen
        };
        let before = observe().await;
        let case = house.measured_case(&finder, PURL).await;
        waits(house, case, &keeper).await;
        house.work().await;
        assert_eq!(observe().await, before);
        let never =
            house.get("/v1/cases/case_00000000000000000000000000", &keeper.token).expect(404).await.comparable();
        assert_eq!(house.get(&format!("/v1/cases/{case}"), &keeper.token).expect(404).await.comparable(), never);

        // The finder learns that it waits, and nothing of why; coordinators learn all of it.
        let own = house.get(&format!("/v1/cases/{case}"), &finder.token).expect(200).await.json();
        assert_eq!((&own["handed_over"], &own["waits"]), (&json!(false), &json!([])));
        let queue = house.get("/v1/pace/queue", &house.admin).expect(200).await.json();
        let first = &queue["items"][0];
        assert_eq!((first["case"].as_str(), &first["hold"]), (Some(case.to_string().as_str()), &json!("refused")));
        assert_eq!(
            (&first["not_before"], &first["party_name"], &queue["more"]),
            (&json!(null), &json!("Keeper"), &json!(false))
        );
        let cookie = format!("proofhouse={}", house.admin);
        let front = house.ask("GET", "/").header("cookie", &cookie).expect(200).await.text();
        assert!(front.contains("Cases that wait for their maintainers") && front.contains("takes no cases"));
        let page = house.ask("GET", &format!("/cases/{case}")).header("cookie", &cookie).expect(200).await.text();
        assert!(page.contains("Handed over") && page.contains("waits for"));
        let cookie = format!("proofhouse={}", finder.token);
        let page = house.ask("GET", &format!("/cases/{case}")).header("cookie", &cookie).expect(200).await.text();
        assert!(page.contains("not yet: the maintainer&#39;s pace decides when"), "{page}");

        put(house, &keeper, &json!({"rate_per_week": 1}), 200).await;
        house.work().await;
        let shown = house.get(&format!("/v1/cases/{case}"), &keeper.token).expect(200).await.json();
        assert_eq!((&shown["handed_over"], &shown["waits"]), (&json!(true), &json!([])));
        let pace = house.get(&format!("/v1/parties/{}/pace", keeper.party), &keeper.token).expect(200).await.json();
        assert_eq!(
            (pace["released"][0]["case"].as_str(), &pace["hold"]),
            (Some(case.to_string().as_str()), &json!("rate"))
        );
    })
    .await;
}
