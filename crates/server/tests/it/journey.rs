//! One case through the API: report, read-in, verdict, fix, publication, notices, answers, withdrawal.

use domain::party::Role;
use serde_json::json;
use testkit::clearinghouse::both_clearinghouses;

#[tokio::test]
async fn a_case_is_published_and_those_who_run_it_are_told() {
    both_clearinghouses(async |house| {
        let finder = house.participant("Finder", &[Role::Finder], &[]).await;
        let maintainer = house.participant("Keeper", &[Role::Maintainer], &["pkg:npm/lodash"]).await;
        let mut operators = Vec::new();
        for (name, version, exposure) in [("Hospital", "4.17.15", "exposed"), ("Bank", "4.0.0", "not-exposed"), ("Utility", "4.17.21", "exposed")] {
            let operator = house.participant(name, &[Role::Operator], &[]).await;
            let lock = json!({"lockfileVersion": 3, "packages": {"node_modules/lodash": {"version": version}}});
            let body = json!({"asset": "web", "tags": {"exposure": exposure, "organisation": name}, "document": lock});
            let inventory = house.post("/v1/inventories", &operator.token, &body).expect(201).await.json();
            assert_eq!((inventory["components"].as_i64(), inventory["tags"]["exposure"].as_str()), (Some(1), Some(exposure)));
            operators.push(operator);
        }
        let case = house.measured_case(&finder, "pkg:npm/lodash").await;
        let target = format!("/v1/cases/{case}");
        let early = house.post("/v1/advisories", &house.admin, &json!({"case": case.to_string()})).expect(409).await;
        assert_eq!(early.code(), "embargo_runs");
        let until = service::identity::now().plus_days(30).to_string();
        let read_in = json!({"member": maintainer.member, "tier": "0", "reason": "maintains it", "until": until});
        let shown = house.post(&format!("{target}/read-ins"), &house.admin, &read_in).expect(200).await;
        let verdict = json!({"verdict": "vulnerability", "reason": "yes, and 4.17.20 ends it"});
        // Somebody acts on what they no longer see.
        house.post(&format!("{target}/verdict"), &maintainer.token, &verdict).header("if-match", "\"old\"").expect(412).await;
        let now = house.get(&target, &maintainer.token).expect(200).await;
        let judged = house.post(&format!("{target}/verdict"), &maintainer.token, &verdict).header("if-match", now.header("etag").unwrap());
        assert_eq!(judged.expect(200).await.json()["verdict"], "vulnerability");
        drop(shown);
        let fix = json!({"case": case.to_string(), "kind": "mitigation", "note": "Do not pass paths from strangers."});
        let fix = house.post("/v1/fixes", &maintainer.token, &fix).expect(201).await.json();
        assert_eq!(house.get(&format!("/v1/fixes?case={case}"), &finder.token).expect(200).await.json()["items"][0]["id"], fix["id"]);
        let text = json!({"summary": "A path from a stranger changes every object.", "aliases": ["CVE-2020-8203"]});
        let advisory = house.post("/v1/advisories", &maintainer.token, &json!({"case": case.to_string(), "text": text})).expect(201).await.json();
        house.work().await;
        let name = advisory["name"].as_str().unwrap();

        let osv = house.ask("GET", &format!("/v1/advisories/{name}/osv")).expect(200).await;
        assert!(osv.header("content-disposition").unwrap().starts_with("attachment; filename="));
        assert!(osv.text().contains(name));
        let signature = house.ask("GET", &format!("/v1/advisories/{name}/osv.sig")).expect(200).await.json();
        assert!(signature.is_object(), "{signature}");
        let csaf = house.ask("GET", &format!("/v1/advisories/{name}/csaf?revision=1")).expect(200).await.json();
        assert_eq!(csaf["document"]["csaf_version"], "2.0");
        house.ask("GET", &format!("/v1/advisories/{name}/csaf?revision=2")).expect(404).await;
        let listed = house.ask("GET", "/v1/advisories").expect(200).await.json();
        assert_eq!(listed["items"][0]["name"], name);

        let mut told = Vec::new();
        for operator in &operators {
            let page = house.get("/v1/notices", &operator.token).expect(200).await.json();
            told.push(page["items"].as_array().unwrap().clone());
        }
        assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 0], "two are told and the third is not");
        assert_ne!(told[0][0]["outcome"], told[1][0]["outcome"], "exposure decides");
        assert!(!told[0][0]["because"].as_array().unwrap().is_empty());

        let notice = format!("/v1/notices/{}", told[0][0]["id"].as_str().unwrap());
        let bare = house.post(&format!("{notice}/answer"), &operators[0].token, &json!({"answer": "not-affected"})).expect(400).await;
        assert_eq!(bare.violations().len(), 1);
        let answer = json!({"answer": "not-affected", "justification": "vulnerable_code_not_in_execute_path", "note": "only used to build"});
        assert_eq!(house.post(&format!("{notice}/answer"), &operators[0].token, &answer).expect(200).await.json()["state"], "not-affected");
        house.get(&notice, &operators[1].token).expect(404).await;
        let lock = json!({"lockfileVersion": 3, "packages": {"node_modules/lodash": {"version": "4.17.21"}}});
        let body = json!({"asset": "web", "tags": {"exposure": "not-exposed"}, "document_base64": base64(&lock.to_string())});
        house.post("/v1/inventories", &operators[1].token, &body).expect(201).await;
        house.work().await;
        let closed = house.get("/v1/notices", &operators[1].token).expect(200).await.json();
        assert_eq!(closed["items"][0]["state"], "closed");

        let revised = house.post(&format!("/v1/advisories/{name}/revise"), &house.admin, &json!({"change": "credit"})).expect(200).await.json();
        assert_eq!(revised["revision"], 2);
        let gone = house.post(&format!("/v1/advisories/{name}/withdraw"), &house.admin, &json!({"reason": "mistake"})).expect(200).await.json();
        assert_eq!((gone["state"].as_str(), gone["withdrawn_reason"].as_str()), (Some("withdrawn"), Some("mistake")));
        house.ask("GET", &format!("/v1/advisories/{name}/osv?revision=1")).expect(200).await;
        assert_eq!(house.service.fsck().await.unwrap(), Vec::<String>::new());
    })
    .await;
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
