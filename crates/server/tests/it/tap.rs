//! The TAP intake, checked where a client could tell the difference.

use domain::party::Role;
use serde_json::{Value, json};
use testkit::clearinghouse::{Clearinghouse, both_clearinghouses};
use testkit::http::{Reply, connect, read};
use tokio::io::AsyncWriteExt;

const MALFORMED: &str = "tag:akrites.dev,2026-07:problem/malformed-json";
const VALIDATION: &str = "tag:akrites.dev,2026-07:problem/validation";

async fn send(house: &Clearinghouse, body: &[u8]) -> Reply {
    house.ask("POST", "/v1/reports").token(&house.admin).body("application/json", body).send().await
}

#[tokio::test]
async fn a_report_is_answered_with_a_receipt_and_a_monitor() {
    both_clearinghouses(async |house| {
        let report = json!({"purl": "pkg:npm/lodash@4.17.15", "exploit": "boom", "notify": "off"});
        let reply = house.post("/v1/reports", &house.admin, &report).expect(202).await;
        let body = reply.json();
        let receipt = body["receipt"].as_str().unwrap();
        assert!(receipt.starts_with("SUB-") && body["message"].is_string());
        assert_eq!(body["warnings"][0]["code"], "deprecated_field");
        assert_eq!(reply.header("link"), Some(format!("</v1/submissions/{receipt}>; rel=\"monitor\"").as_str()));
        // Holding the receipt is enough.
        let target = format!("/v1/submissions/{receipt}");
        let status = house.ask("GET", &target).expect(200).await.json();
        assert_eq!((status["receipt"].as_str(), status["status"].as_str()), (Some(receipt), Some("queued")));
        assert!(status["at"].as_str().unwrap().parse::<domain::time::Timestamp>().is_ok());
        assert_eq!(status.as_object().unwrap().len(), 3);
        house.work().await;
        assert_eq!(house.ask("GET", &target).expect(200).await.json()["status"], "done");
        house.ask("GET", "/v1/submissions/SUB-00000000000000000000000000").expect(404).await;
        // Sent again, it is the same submission.
        assert_eq!(house.post("/v1/reports", &house.admin, &report).expect(202).await.json()["receipt"], receipt);
    })
    .await;
}

#[tokio::test]
async fn refusals_carry_the_problem_types_and_codes() {
    let table: &[(Value, u16, &[&str])] = &[
        (json!({}), 400, &["missing_field"]),
        (json!({"purl": "lodash"}), 400, &["invalid_purl"]),
        (json!({"purl": "pkg:npm/x", "unknown": 1}), 400, &["field_not_allowed"]),
        (json!({"purl": "pkg:npm/x", "code_path": "x".repeat(1025)}), 413, &["field_too_large"]),
        (json!({"purl": "pkg:npm/x", "references": vec!["https://a.example"; 17]}), 413, &["too_many_items"]),
        (
            json!({"purl": "pkg:npm/x", "references": ["ftp://a"], "introduced_commit": "xyz"}),
            400,
            &["invalid_reference", "invalid_commit"],
        ),
        (json!({"purl": "pkg:npm/x", "notify": "all"}), 400, &["missing_field"]),
        (json!({"purl": "pkg:npm/x", "email": "nobody"}), 400, &["invalid_email"]),
        (json!({"purl": "pkg:npm/x", "software": "a\u{1}"}), 400, &["control_characters"]),
    ];
    both_clearinghouses(async |house| {
        for (report, status, codes) in table {
            let reply = house.post("/v1/reports", &house.admin, report).expect(*status).await;
            let body = reply.json();
            assert_eq!(reply.header("content-type"), Some("application/problem+json"));
            assert_eq!((body["type"].as_str(), body["status"].as_u64()), (Some(VALIDATION), Some(u64::from(*status))));
            let found: Vec<&str> =
                body["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
            for code in *codes {
                assert!(found.contains(code), "{report}: {found:?}");
            }
            assert!(
                body["errors"].as_array().unwrap().iter().all(|e| e["field"].is_string() && e["reason"].is_string())
            );
        }
        for malformed in [
            b"".as_slice(),
            b"[1]",
            b"{\"purl\":\"pkg:npm/x\"}{}",
            b"{\"purl\":\"\xff\"}",
            b"nonsense",
            b"{\"purl\":1}",
        ] {
            let reply = send(house, malformed).await;
            assert_eq!((reply.status, reply.json()["type"].as_str()), (400, Some(MALFORMED)), "{}", reply.text());
        }
        let reply = send(house, br#"{"purl":"pkg:npm/x","purl":"pkg:npm/y"}"#).await;
        assert_eq!(reply.status, 400, "repeated keys are refused: {}", reply.text());
        let listed = house.get("/v1/reports", &house.admin).expect(200).await.json();
        assert_eq!(listed["items"], json!([]), "nothing was stored");
    })
    .await;
}

/// The same report in parts: stored, given back to the byte, and known again between other boundaries.
#[tokio::test]
async fn a_report_comes_in_parts() {
    both_clearinghouses(async |house| {
        let of = |boundary: &str, more: &str| {
            format!(
                "--{boundary}\r\nContent-Disposition: attachment; name=report\r\n\r\n{{\"purl\":\"pkg:npm/lodash@4.17.15\"}}\r\n\
                 --{boundary}\r\nContent-Disposition: attachment; name=attachment; filename=poc.js\r\n{more}\r\nboom\r\n--{boundary}--\r\n"
            )
        };
        let ask = |boundary: &str, more: &str| {
            let body = of(boundary, more);
            let media_type = format!("multipart/mixed; boundary={boundary}");
            house.ask("POST", "/v1/reports").token(&house.admin).body(&media_type, body.as_bytes())
        };
        let first = ask("one", "").expect(202).await.json()["receipt"].clone();
        assert_eq!(ask("two", "").expect(202).await.json()["receipt"], first);
        house.work().await;
        let listed = house.get("/v1/reports", &house.admin).expect(200).await.json();
        let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
        let shown = house.get(&format!("/v1/reports/{id}"), &house.admin).expect(200).await.json();
        assert_eq!(shown["attachments"][0]["filename"], "poc.js.txt");
        assert_eq!((shown["attachments"][0]["bytes"].as_u64(), shown["state"].as_str()), (Some(4), Some("done")));

        let refused = ask("x", "Content-Akrites-Type: virus\r\n").expect(400).await.json();
        assert_eq!((refused["type"].as_str(), refused["errors"][0]["code"].as_str()), (Some(VALIDATION), Some("invalid_attachment_type")));
        assert_eq!(ask("x", "Content-ID: 1\r\n").expect(400).await.json()["type"], MALFORMED);
        let other = house.ask("POST", "/v1/reports").token(&house.admin).body("multipart/mixed", of("x", "").as_bytes());
        other.expect(415).await;
        assert_eq!(house.get("/v1/reports", &house.admin).expect(200).await.json()["items"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn tokens_come_in_either_header() {
    both_clearinghouses(async |house| {
        let finder = house.participant("Finder", &[Role::Finder], &[]).await;
        let report = json!({"purl": "pkg:npm/x"});
        let ask = || house.ask("POST", "/v1/reports").json(&report);
        ask().header("tap-submission-token", &finder.token).expect(202).await;
        ask().header("tap-submission-token", &finder.token).token(&finder.token).expect(202).await;
        let reply = ask().header("tap-submission-token", &finder.token).token(&house.admin).expect(400).await;
        assert_eq!(reply.json()["type"], "about:blank");
        let unauthenticated = ask().expect(401).await.comparable();
        assert_eq!(ask().header("tap-submission-token", "pht_wrong").expect(401).await.comparable(), unauthenticated);
        assert_eq!(ask().token("pht_wrong").expect(401).await.comparable(), unauthenticated);
        // The older header opens nothing else.
        house.ask("GET", "/v1/reports").header("tap-submission-token", &finder.token).expect(401).await;
    })
    .await;
}

#[tokio::test]
async fn what_can_be_refused_without_the_body_is_refused_without_it() {
    both_clearinghouses(async |house| {
        let token = format!("Bearer {}", house.admin);
        let json = ("content-type", "application/json");
        let cases: [(&[(&str, &str)], u16); 6] = [
            (&[json], 401),
            (&[json, ("authorization", "Bearer pht_wrong")], 401),
            (&[json, ("authorization", &token), ("origin", "https://evil.example")], 403),
            (&[json, ("authorization", &token), ("sec-fetch-site", "cross-site")], 403),
            (&[("content-type", "multipart/form-data; boundary=x"), ("authorization", &token)], 415),
            (&[("content-type", "text/plain"), ("authorization", &token)], 415),
        ];
        for (headers, status) in cases {
            let ask = headers.iter().fold(house.ask("POST", "/v1/reports"), |ask, (n, v)| ask.header(n, v));
            let head = ask.header("content-length", "1000").header("expect", "100-continue").head();
            let mut stream = connect(house.address).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            // No byte of the body is ever sent, and no `100 Continue` asks for one.
            let reply = read(stream).await;
            assert_eq!(reply.status, status, "{headers:?}: {}", reply.text());
            assert_eq!(reply.json()["type"], "about:blank");
        }
        let reply = house.ask("PUT", "/v1/reports").token(&house.admin).expect(405).await;
        assert!(reply.header("allow").unwrap().contains("POST"));
    })
    .await;
}
