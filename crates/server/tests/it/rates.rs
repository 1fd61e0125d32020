//! Rate limits, shedding, and what the machine's owner alone may see.

use std::collections::BTreeMap;

use domain::party::Role;
use domain::standing::STANDING_WAITING_COUNT;
use serde_json::json;
use testkit::clearinghouse::{both_clearinghouses, both_clearinghouses_with};

#[tokio::test]
async fn a_token_has_a_number_of_requests_and_others_keep_theirs() {
    both_clearinghouses_with(
        |config| config.limits.token_requests_per_minute = 6,
        async |house| {
            let finder = house.participant("Finder", &[Role::Finder], &[]).await;
            for _ in 0..6 {
                house.get("/v1/claims", &finder.token).expect(200).await;
            }
            let reply = house.get("/v1/claims", &finder.token).expect(429).await;
            let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait));
            assert_eq!(reply.code(), "rate_limited");
            house.get("/v1/claims", &house.admin).expect(200).await;
        },
    )
    .await;
}

#[tokio::test]
async fn reports_have_an_hour_window_of_their_own() {
    both_clearinghouses_with(
        |config| config.limits.token_reports_per_hour = 2,
        async |house| {
            let report = |n: u32| json!({"purl": "pkg:npm/x", "code_path": format!("{n}")});
            for n in 0..2 {
                house.post("/v1/reports", &house.admin, &report(n)).expect(202).await;
            }
            let reply = house.post("/v1/reports", &house.admin, &report(2)).expect(429).await;
            assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() > 60);
            house.get("/v1/reports", &house.admin).expect(200).await;
        },
    )
    .await;
}

#[tokio::test]
async fn so_many_reports_of_a_finder_may_wait() {
    both_clearinghouses(async |house| {
        let finder = house.participant("Finder", &[Role::Finder], &[]).await;
        let other = house.participant("Other", &[Role::Finder], &[]).await;
        let report = |n: u32| json!({"purl": "pkg:npm/x", "code_path": format!("{n}")});
        let first = house.post("/v1/reports", &finder.token, &report(0)).expect(202).await.json();
        let mut tx = house.store.write().await.unwrap();
        let others = BTreeMap::from([(finder.party.parse().unwrap(), STANDING_WAITING_COUNT - 1)]);
        store::standing::wait_begin(&mut tx, &others).await.unwrap();
        tx.commit().await.unwrap();
        let reply = house.post("/v1/reports", &finder.token, &report(1)).expect(429).await;
        assert_eq!((reply.code().as_str(), reply.header("retry-after")), ("too_many_waiting", Some("60")));
        let problem = reply.json();
        assert_eq!((&problem["type"], &problem["status"]), (&json!("about:blank"), &json!(429)));
        assert!(problem["detail"].as_str().unwrap().starts_with("2000 reports of yours"), "{problem}");
        let listed = house.get("/v1/reports", &finder.token).expect(200).await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        let again = house.post("/v1/reports", &finder.token, &report(0)).expect(202).await.json();
        assert_eq!(again["receipt"], first["receipt"]);
        house.post("/v1/reports", &other.token, &report(1)).expect(202).await;

        let stands = json!({"party": finder.party, "proved": 0, "unproved": 0, "standing_thousandths": 500,
            "delay_s": 10_800, "waiting": 2_000, "waiting_max": 2_000});
        assert_eq!(house.get("/v1/standing", &finder.token).expect(200).await.json(), stands);
        let path = format!("/v1/parties/{}/standing", finder.party);
        assert_eq!(house.get(&path, &house.admin).expect(200).await.json(), stands);
        house.get(&path, &other.token).expect(404).await;
    })
    .await;
}

#[tokio::test]
async fn an_address_that_guesses_tokens_is_stopped() {
    both_clearinghouses_with(
        |config| config.limits.address_refusals_per_minute = 3,
        async |house| {
            for _ in 0..3 {
                house.get("/v1/claims", "pht_guess").expect(401).await;
            }
            assert_eq!(house.get("/v1/claims", "pht_guess").expect(429).await.code(), "rate_limited");
        },
    )
    .await;
}

#[tokio::test]
async fn requests_without_a_token_are_counted_by_address() {
    both_clearinghouses_with(
        |config| config.limits.address_requests_per_minute = 3,
        async |house| {
            for _ in 0..3 {
                house.ask("GET", "/v1/advisories").expect(200).await;
            }
            house.ask("GET", "/v1/advisories").expect(429).await;
            house.ask("GET", "/").expect(429).await;
            house.ask("GET", "/healthz").expect(200).await;
            house.get("/v1/claims", &house.admin).expect(200).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_server_without_room_says_come_again() {
    both_clearinghouses_with(
        |config| config.limits.requests_at_once = 0,
        async |house| {
            let reply = house.ask("GET", "/v1/advisories").expect(503).await;
            assert_eq!((reply.code().as_str(), reply.header("retry-after").is_some()), ("unavailable", true));
            house.ask("GET", "/healthz").expect(200).await;
        },
    )
    .await;
}

#[tokio::test]
async fn bodies_share_bounded_memory() {
    both_clearinghouses_with(
        |config| config.limits.bodies_bytes = 4_096,
        async |house| {
            let body = json!({"purl": "pkg:npm/x", "code_path": "x".repeat(6_000)});
            assert_eq!(house.post("/v1/reports", &house.admin, &body).expect(503).await.code(), "unavailable");
            house.post("/v1/reports", &house.admin, &json!({"purl": "pkg:npm/x"})).expect(202).await;
        },
    )
    .await;
}

#[tokio::test]
async fn only_a_coordinator_or_the_metrics_token_reads_metrics() {
    both_clearinghouses_with(
        |config| config.metrics_token = Some("scrape-1".to_owned()),
        async |house| {
            let finder = house.participant("Finder", &[Role::Finder], &[]).await;
            house.ask("GET", "/metrics").expect(401).await;
            house.get("/metrics", "scrape-2").expect(401).await;
            house.get("/metrics", &finder.token).expect(403).await;
            house.get("/metrics", &house.admin).expect(200).await;
            let text = house.get("/metrics", "scrape-1").expect(200).await.text();
            assert!(
                text.contains("proofhouse_http_requests_total{method=\"POST\",route=\"/v1/parties\",status=\"201\"} 1"),
                "{text}"
            );
            assert!(!text.contains("party_") && !text.contains("pkg:"), "{text}");
            // The metrics token opens nothing else.
            house.get("/v1/claims", "scrape-1").expect(401).await;
        },
    )
    .await;
}

#[tokio::test]
async fn it_says_that_it_lives_and_is_ready() {
    both_clearinghouses(async |house| {
        assert_eq!(house.ask("GET", "/healthz").expect(200).await.json(), json!({"status": "ok"}));
        assert_eq!(house.ask("GET", "/readyz").expect(200).await.json(), json!({"status": "ok"}));
    })
    .await;
}
