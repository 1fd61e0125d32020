//! Registration through real HTTP: without a token, bounded, and without a word of who is here already.

use serde_json::{Value, json};
use testkit::clearinghouse::{both_clearinghouses, both_clearinghouses_with};
use testkit::http::Reply;

fn rope() -> Value {
    json!({"name": "Rope", "accountable": "J. Doe", "contact": "security@rope.example",
           "packages": ["pkg:npm/rope-bridge"], "domain": "rope.example"})
}

/// The names of an answer's fields, and those that say nothing of whoever asked.
fn shape(reply: &Reply) -> (u16, Vec<String>, Value, usize) {
    let json = reply.json();
    let names = json.as_object().unwrap().keys().cloned().collect();
    let plain = json!([json["state"], json["verified"], json["party"], json["reason"], json["decided_at"]]);
    (reply.status, names, plain, json["secret"].as_str().unwrap().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_the_same_whoever_is_here_already() {
    both_clearinghouses(async |house| {
        let first = house.ask("POST", "/v1/registrations").json(&rope()).expect(201).await;
        house.participant("Rope", &[domain::party::Role::Maintainer], &["pkg:npm/rope-bridge"]).await;
        let second = house.ask("POST", "/v1/registrations").json(&rope()).expect(201).await;
        assert_eq!(shape(&first), shape(&second));
        assert_eq!(first.header("cache-control"), Some("no-store"));
        let (mine, other) = (first.json(), second.json());
        let secret = mine["secret"].as_str().unwrap();
        let path = format!("/v1/registrations/{}", mine["id"].as_str().unwrap());
        let shown = house.get(&path, secret).expect(200).await.json();
        assert_eq!((&shown["secret"], &shown["record"]), (&Value::Null, &json!("_proofhouse-challenge.rope.example")));

        // A wrong secret, another's, none, and a coordinator's token are all the same as no registration.
        let nowhere = format!("/v1/registrations/{}", "registration_01h00000000000000000000000");
        let lost = house.get(&nowhere, secret).expect(404).await.comparable();
        for token in ["phr_0", other["secret"].as_str().unwrap(), house.admin.as_str()] {
            assert_eq!(house.get(&path, token).expect(404).await.comparable(), lost);
        }
        assert_eq!(house.ask("GET", &path).expect(404).await.comparable(), lost);
        // The secret of a registration is no token of anything else.
        house.get("/v1/cases", secret).expect(401).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_listed_and_what_is_too_much_is_refused() {
    both_clearinghouses_with(
        |server| server.limits.address_registrations_per_hour = 2,
        async |house| {
            let wrong = json!({"name": "", "accountable": "J", "contact": "nobody", "packages": ["lodash"], "role": "coordinator"});
            let refused = house.ask("POST", "/v1/registrations").json(&wrong).expect(400).await;
            let found = refused.violations();
            for field in ["name missing_field", "packages[0] invalid_purl", "role field_not_allowed"] {
                assert!(found.iter().any(|f| f == field), "{field} in {found:?}");
            }
            let large = json!({"name": "x".repeat(2_000_000)});
            house.ask("POST", "/v1/registrations").json(&large).expect(413).await;
            let made = house.ask("POST", "/v1/registrations").json(&rope()).expect(201).await.json();
            let (path, secret) = (format!("/v1/registrations/{}", made["id"].as_str().unwrap()), made["secret"].as_str().unwrap());
            let token = json!({"by": "file", "token": "x"});
            let refused = house.post(&format!("{path}/check"), secret, &token).expect(400).await;
            assert_eq!(refused.violations(), ["token field_not_allowed"]);
            let refused = house.post(&format!("{path}/check"), secret, &json!({"by": "file"})).expect(409).await;
            assert_eq!(refused.code(), "no_file_url");
            let refused = house.post(&format!("{path}/accept"), &house.admin, &json!({})).expect(409).await;
            assert_eq!(refused.code(), "not_verified");
            house.post(&format!("{path}/decline"), &house.admin, &json!({"reason": "unknown here"})).expect(200).await;
            let shown = house.get(&path, secret).expect(200).await.json();
            assert_eq!((&shown["state"], &shown["reason"]), (&json!("declined"), &json!("unknown here")));
            house.ask("POST", "/v1/registrations").json(&rope()).expect(201).await;
            let limited = house.ask("POST", "/v1/registrations").json(&rope()).expect(429).await;
            assert!(limited.header("retry-after").is_some());
        },
    )
    .await;
}
