//! Reading: pages, entity tags, request ids; and sending again under an idempotency key.

use serde_json::json;
use testkit::clearinghouse::{Clearinghouse, both_clearinghouses};

async fn claim(house: &Clearinghouse, name: &str) -> String {
    let body = json!({"scope": {"kind": "package", "purl": format!("pkg:npm/{name}")}, "method": "static"});
    let claim = house.post("/v1/claims", &house.admin, &body).expect(201).await;
    let id = claim.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(claim.header("location"), Some(format!("/v1/claims/{id}").as_str()));
    id
}

#[tokio::test]
async fn a_list_is_walked_to_its_end_without_gap_or_repetition() {
    both_clearinghouses(async |house| {
        let mut made = Vec::new();
        for n in 0..5 {
            made.push(claim(house, &format!("p{n}")).await);
        }
        made.reverse();
        let (mut seen, mut target) = (Vec::new(), Some("/v1/claims?limit=2".to_owned()));
        while let Some(next) = target {
            let reply = house.get(&next, &house.admin).expect(200).await;
            let page = reply.json();
            seen.extend(page["items"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap().to_owned()));
            let link = reply.header("link").map(|l| l.strip_suffix(">; rel=\"next\"").unwrap()[1..].to_owned());
            assert_eq!(link.is_some(), page["next"].is_string());
            target = link;
        }
        assert_eq!(seen, made);
        for (query, violation) in [
            ("limit=0", "limit out_of_range"),
            ("limit=101", "limit out_of_range"),
            ("limit=x", "limit out_of_range"),
            ("cursor=zz", "cursor invalid_cursor"),
            ("page=2", "page field_not_allowed"),
        ] {
            let reply = house.get(&format!("/v1/claims?{query}"), &house.admin).expect(400).await;
            assert_eq!(reply.violations(), [violation]);
        }
        // A cursor of another list.
        let page = house.get("/v1/claims?limit=1", &house.admin).expect(200).await.json();
        let foreign = format!("/v1/parties?cursor={}", page["next"].as_str().unwrap());
        assert_eq!(house.get(&foreign, &house.admin).expect(400).await.violations(), ["cursor invalid_cursor"]);
    })
    .await;
}

#[tokio::test]
async fn a_known_body_is_not_sent_again() {
    both_clearinghouses(async |house| {
        let id = claim(house, "x").await;
        let target = format!("/v1/claims/{id}");
        let first = house.get(&target, &house.admin).expect(200).await;
        let tag = first.header("etag").unwrap().to_owned();
        assert_eq!(first.header("vary"), Some("authorization, cookie"));
        let again = house.get(&target, &house.admin).header("if-none-match", &tag).expect(304).await;
        assert!(again.body.is_empty());
        assert_eq!(again.header("etag"), Some(tag.as_str()));
        let release = json!({"fence": first.json()["fence"], "coverage": "all of src, an hour"});
        house.post(&format!("{target}/release"), &house.admin, &release).expect(200).await;
        let changed = house.get(&target, &house.admin).header("if-none-match", &tag).expect(200).await;
        assert_ne!(changed.header("etag"), Some(tag.as_str()));
    })
    .await;
}

#[tokio::test]
async fn every_answer_carries_a_request_id_and_plain_headers() {
    both_clearinghouses(async |house| {
        for (ask, id) in [
            (house.ask("GET", "/healthz").header("x-request-id", "trace-7"), Some("trace-7")),
            (house.ask("GET", "/nowhere"), None),
            (house.ask("GET", "/v1/claims").header("x-request-id", "no spaces"), None),
        ] {
            let reply = ask.send().await;
            let given = reply.header("x-request-id").unwrap();
            assert!(id.map_or(given.len() == 32, |id| given == id), "{given}");
            assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
            assert!(reply.header("server").is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn the_same_request_under_one_key_is_done_once() {
    both_clearinghouses(async |house| {
        let body = json!({"scope": {"kind": "package", "purl": "pkg:npm/x"}, "method": "static"});
        let first = house.post("/v1/claims", &house.admin, &body).key("k1").expect(201).await.json();
        let again = house.post("/v1/claims", &house.admin, &body).key("k1").expect(201).await.json();
        assert_eq!(first["id"], again["id"]);
        let other = json!({"scope": {"kind": "package", "purl": "pkg:npm/y"}, "method": "static"});
        let reply = house.post("/v1/claims", &house.admin, &other).key("k1").expect(409).await;
        assert_eq!(reply.code(), "idempotency_key_reused");
        let page = house.get("/v1/claims", &house.admin).expect(200).await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
        for key in ["", "a b", &"k".repeat(129)] {
            let reply = house.post("/v1/claims", &house.admin, &body).key(key).expect(400).await;
            assert_eq!(reply.violations(), ["Idempotency-Key invalid_header"], "{key:?}");
        }
        // A secret is in the first answer alone.
        let party = house.get("/v1/parties", &house.admin).expect(200).await.json();
        let party = house
            .get(&format!("/v1/parties/{}", party["items"][0]["id"].as_str().unwrap()), &house.admin)
            .expect(200)
            .await
            .json();
        let target = format!("/v1/members/{}/tokens", party["members"][0]["id"].as_str().unwrap());
        let token = json!({"label": "ci", "scopes": ["read"]});
        let first = house.post(&target, &house.admin, &token).key("k2").expect(201).await;
        assert!(first.json()["secret"].as_str().unwrap().starts_with("pht_"));
        assert_eq!(first.header("cache-control"), Some("no-store"));
        let again = house.post(&target, &house.admin, &token).key("k2").expect(201).await.json();
        assert_eq!((again["secret"].is_null(), &again["id"]), (true, &first.json()["id"]));
    })
    .await;
}

#[tokio::test]
async fn requests_at_the_same_time_under_one_key_make_one_thing() {
    both_clearinghouses(async |house| {
        let body = json!({"scope": {"kind": "package", "purl": "pkg:npm/x"}, "method": "static"});
        let ask = || house.post("/v1/claims", &house.admin, &body).key("race").send();
        let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
        let mut ids: Vec<String> = [a, b, c, d]
            .iter()
            .map(|r| {
                assert_eq!(r.status, 201, "{}", r.text());
                r.json()["id"].as_str().unwrap().to_owned()
            })
            .collect();
        ids.dedup();
        assert_eq!(ids.len(), 1);
    })
    .await;
}
