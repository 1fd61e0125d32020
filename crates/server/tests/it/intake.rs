//! What a reporter is told: what is missing, what is known already, and where a report comes from.

use domain::party::Role;
use serde_json::{Value, json};
use testkit::clearinghouse::{Clearinghouse, Participant, both_clearinghouses};

use crate::authorisation::published;

async fn sent(house: &Clearinghouse, who: &Participant, report: &Value) -> String {
    let receipt = house.post("/v1/reports", &who.token, report).expect(202).await.json()["receipt"].clone();
    house.work().await;
    let listed = house.get("/v1/reports", &who.token).expect(200).await.json();
    let found = listed["items"].as_array().unwrap().iter().find(|item| item["receipt"] == receipt).unwrap();
    format!("/v1/reports/{}", found["id"].as_str().unwrap())
}

#[tokio::test]
async fn known_is_told_to_those_who_may_know_and_to_nobody_else() {
    both_clearinghouses(async |house| {
        let owner = house.participant("Owner", &[Role::Finder], &[]).await;
        let keeper = house.participant("Keeper", &[Role::Maintainer], &["pkg:npm/minimist"]).await;
        let runner = house.participant("Runner", &[Role::Operator], &[]).await;
        let outsider = house.participant("Outsider", &[Role::Finder], &[]).await;
        let of = |package: &str| {
            json!({"purl": format!("pkg:npm/{package}@4.17.15"), "affected_symbol": {"function": "_.zipObjectDeep"},
                "enrichment": {"cwe": ["CWE-1321"]}})
        };
        let mine = sent(house, &outsider, &of("lodash")).await;
        let other = sent(house, &outsider, &of("minimist")).await;
        let cookie = format!("proofhouse={}", outsider.token);
        let observe = async || {
            let mut seen = vec![house.get(&mine, &outsider.token).expect(200).await.comparable()];
            for target in ["/v1/reports", "/v1/reports?incomplete=true", "/v1/cases"] {
                seen.push(house.get(target, &outsider.token).expect(200).await.comparable());
            }
            seen.push(house.ask("GET", "/").header("cookie", &cookie).expect(200).await.comparable());
            seen
        };
        let before = observe().await;
        // The same defect is opened under embargo: nothing that the outsider can see changes by a byte.
        let case = house.measured_case(&owner, "pkg:npm/lodash").await.to_string();
        house.work().await;
        assert_eq!(observe().await, before);
        let shown = house.get(&mine, &outsider.token).expect(200).await.json();
        assert_eq!(shown["known"], json!([]));
        // Who coordinates sees it.
        let shown = house.get(&mine, &house.admin).expect(200).await.json();
        assert_eq!(shown["known"][0]["case"], case.as_str(), "{shown}");
        let because = ["both are in zipObjectDeep", "4.17.15 is affected by it"];
        assert_eq!(shown["known"][0]["because"], json!(because));
        // What is published is known to everybody.
        let advisory = published(house, &owner, &keeper, &runner).await;
        let shown = house.get(&other, &outsider.token).expect(200).await.json();
        assert_eq!(shown["known"][0]["advisory"], advisory.as_str(), "{shown}");
        // So is what they are read into.
        let until = service::identity::now().plus_days(7).to_string();
        let read_in = json!({"member": outsider.member, "tier": "1", "reason": "found it too", "until": until});
        house.post(&format!("/v1/cases/{case}/read-ins"), &house.admin, &read_in).expect(200).await;
        let shown = house.get(&mine, &outsider.token).expect(200).await.json();
        assert_eq!(shown["known"][0]["case"], case.as_str());
    })
    .await;
}

#[tokio::test]
async fn what_lacks_something_waits_in_a_queue_of_its_own() {
    both_clearinghouses(async |house| {
        let finder = house.participant("Finder", &[Role::Finder], &[]).await;
        let other = house.participant("Other", &[Role::Finder], &[]).await;
        let text = "The key is assigned without a check, so that it reaches the prototype.";
        let attachment = |name: &str, kind: &str, text: &str| json!({"filename": name, "type": kind, "data": text});
        let bare = json!({"purl": "pkg:npm/lodash", "attachments": [attachment("a.md", "other", text)]});
        let path = sent(house, &finder, &bare).await;
        let shown = house.get(&path, &finder.token).expect(200).await.json();
        let expected = json!({"description": true, "trigger": false, "severity": false, "proof-of-concept": false,
            "patch": false, "tests": false});
        assert_eq!(shown["findings"][0]["checklist"], expected);
        let queue = async |token: &str| {
            let page = house.get("/v1/reports?incomplete=true", token).expect(200).await.json();
            page["items"].as_array().unwrap().len()
        };
        assert_eq!((queue(&finder.token).await, queue(&other.token).await, queue(&house.admin).await), (1, 0, 1));
        let page = house.ask("GET", "/").header("cookie", &format!("proofhouse={}", finder.token)).expect(200).await;
        assert!(page.text().contains("Reports that wait for something"));
        assert!(page.text().contains("patch, proof-of-concept, severity, tests, trigger"), "{}", page.text());
        // In a case it waits no more; the case says what is missing, and that it is not ready.
        let case = house.measured_case(&finder, "pkg:npm/minimist").await;
        assert_eq!(queue(&finder.token).await, 1);
        let shown = house.get(&format!("/v1/cases/{case}"), &finder.token).expect(200).await.json();
        assert_eq!((&shown["ready"], &shown["checklist"]["patch"]), (&json!(false), &json!(false)));
        house.get("/v1/reports?incomplete=perhaps", &finder.token).expect(400).await;
    })
    .await;
}

#[tokio::test]
async fn where_a_report_comes_from_is_kept_to_the_letter() {
    both_clearinghouses(async |house| {
        let finder = house.participant("Relay Desk", &[Role::Finder], &[]).await;
        let provenance = json!({
            "format": "proofhouse-provenance/1",
            "credits": [{"name": "Zoë <b>Ångström</b>", "role": "finder"}, {"name": "Grinder", "role": "tool"}],
            "chain": [{"party": "First Desk", "handling_id": "FD-1"}],
            "embargo": {"ends": "2026-12-24", "url": "https://first.example/terms"},
            "ai": {"finder": {"use": "assisted", "tooling": "a model"}, "coordinator": {"use": "none"}},
        });
        let report = |data: String| {
            json!({"purl": "pkg:npm/lodash", "references": ["https://a.example/1"], "upstream_ids": ["CVE-2020-8203"],
                "attachments": [{"filename": "provenance.json", "content_type": "application/json", "data": data}]})
        };
        let path = sent(house, &finder, &report(provenance.to_string())).await;
        let shown = house.get(&path, &finder.token).expect(200).await.json();
        for field in ["credits", "chain", "embargo", "ai"] {
            assert_eq!(shown["provenance"][field], provenance[field], "{field}");
        }
        assert_eq!(shown["provenance"]["upstream_ids"], json!(["CVE-2020-8203"]));
        assert_eq!(shown["findings"][0]["credits"], json!(["Zoë <b>Ångström</b>"]));
        // A document that is none is kept, told, and not used.
        let odd = report("{\"format\": 1}".to_owned());
        let taken = house.post("/v1/reports", &finder.token, &odd).expect(202).await.json();
        assert_eq!(taken["warnings"][0]["code"], "provenance_not_used");
        let path = sent(house, &finder, &odd).await;
        let shown = house.get(&path, &finder.token).expect(200).await.json();
        assert_eq!(shown["findings"][0]["credits"], json!(["Relay Desk"]));
    })
    .await;
}
