//! What is refused before it is read, and what is refused for what it says.

use domain::party::Role;
use serde_json::json;
use testkit::clearinghouse::{Clearinghouse, both_clearinghouses, both_clearinghouses_with};
use testkit::http::{connect, read};
use tokio::io::AsyncWriteExt;

const CLAIM: &str = r#"{"scope":{"kind":"package","purl":"pkg:npm/lodash"},"method":"fuzzing"}"#;

/// Sends a head that declares this many bytes and none of them.
async fn declared(house: &Clearinghouse, target: &str, token: &str, bytes: u64) -> testkit::http::Reply {
    let ask = house.ask("POST", target).token(token).header("content-type", "application/json");
    let head = ask.header("content-length", &bytes.to_string()).head();
    let mut stream = connect(house.address).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    read(stream).await
}

#[tokio::test]
async fn a_large_body_is_refused_before_it_is_sent() {
    both_clearinghouses(async |house| {
        let finder = house.participant("Finder", &[Role::Finder], &[]).await;
        for target in ["/v1/reports", "/v1/claims", "/v1/inventories"] {
            let reply = declared(house, target, &finder.token, 100 * 1024 * 1024).await;
            assert_eq!((reply.status, reply.code().as_str()), (413, "body_too_large"), "{target}");
            assert_eq!(reply.header("connection"), Some("close"));
        }
        // Without a valid token nobody learns how much would be taken.
        assert_eq!(declared(house, "/v1/reports", "pht_wrong", 100 * 1024 * 1024).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn a_large_body_of_unknown_length_is_cut_off() {
    both_clearinghouses(async |house| {
        let ask = house.ask("POST", "/v1/claims").token(&house.admin).header("content-type", "application/json");
        let head = ask.header("transfer-encoding", "chunked").head();
        let mut stream = connect(house.address).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
        for _ in 0..20 {
            if stream.write_all(&chunk).await.is_err() {
                break;
            }
        }
        // The answer may be lost when the connection is cut under what is still being sent; that it
        // is cut is what counts.
        let mut bytes = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut bytes).await;
        assert!(bytes.is_empty() || String::from_utf8_lossy(&bytes).starts_with("HTTP/1.1 413"));
        house.get("/v1/claims", &house.admin).expect(200).await;
    })
    .await;
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    both_clearinghouses_with(
        |config| config.limits.body_arrival_ms = 200,
        async |house| {
            let reply = declared(house, "/v1/claims", &house.admin, 100).await;
            assert_eq!((reply.status, reply.code().as_str()), (408, "body_late"));
            let page = house.get("/v1/claims", &house.admin).expect(200).await.json();
            assert_eq!(page["items"], json!([]));
        },
    )
    .await;
}

#[tokio::test]
async fn deep_nesting_is_refused_without_parsing() {
    both_clearinghouses(async |house| {
        let deep = format!("{{\"scope\":{}", "[".repeat(100_000));
        let reply = house.ask("POST", "/v1/claims").token(&house.admin).body("application/json", deep.as_bytes());
        let reply = reply.expect(413).await;
        assert_eq!(reply.code(), "structure_too_deep");
        let deep = format!("{{\"purl\":\"pkg:npm/x\",\"enrichment\":{}1{}}}", "{\"a\":".repeat(200), "}".repeat(200));
        let reply =
            house.ask("POST", "/v1/reports").token(&house.admin).body("application/json", deep.as_bytes()).send().await;
        assert!(matches!(reply.status, 400 | 413), "{}", reply.text());
        let deep = format!("{{\"purl\":\"pkg:npm/x\",\"enrichment\":{}1{}}}", "{\"a\":".repeat(12), "}".repeat(12));
        let reply = house
            .ask("POST", "/v1/reports")
            .token(&house.admin)
            .body("application/json", deep.as_bytes())
            .expect(413)
            .await;
        assert_eq!(reply.violations(), ["enrichment structure_too_deep"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_json_of_the_right_shape_is_refused_with_every_violation() {
    both_clearinghouses(async |house| {
        let send = async |body: &[u8]| house.ask("POST", "/v1/claims").token(&house.admin).body("application/json", body).send().await;
        for malformed in [b"".as_slice(), b"{", b"[]", b"{\"a\":\"\xff\"}", b"{} {}", b"\xef\xbb\xbf{}"] {
            let reply = send(malformed).await;
            assert_eq!((reply.status, reply.code().as_str()), (400, "malformed_json"), "{malformed:?}");
        }
        let reply = send(br#"{"scope":{"kind":"package","purl":"lodash","url":"x"},"method":"guess","method":"static","x":1,"lease_s":1}"#).await;
        assert_eq!(reply.status, 400);
        let mut found = reply.violations();
        found.sort();
        assert_eq!(
            found,
            ["lease_s out_of_range", "method repeated_field", "method unknown_word", "scope.purl invalid_purl", "scope.url field_not_allowed", "x field_not_allowed"]
        );
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        assert_eq!(house.get("/v1/claims", &house.admin).expect(200).await.json()["items"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn another_media_type_is_refused() {
    both_clearinghouses(async |house| {
        for media_type in
            ["text/plain", "multipart/form-data", "application/json; charset=latin1", "application/problem+json"]
        {
            let reply = house
                .ask("POST", "/v1/claims")
                .token(&house.admin)
                .body(media_type, CLAIM.as_bytes())
                .expect(415)
                .await;
            assert_eq!(reply.code(), "media_type");
        }
        house
            .ask("POST", "/v1/claims")
            .token(&house.admin)
            .body("application/json; charset=UTF-8", CLAIM.as_bytes())
            .expect(201)
            .await;
        let packed = house.ask("POST", "/v1/claims").token(&house.admin).header("content-encoding", "gzip");
        packed.body("application/json", CLAIM.as_bytes()).expect(415).await;
    })
    .await;
}

#[tokio::test]
async fn a_name_that_climbs_out_of_its_folder_is_refused() {
    both_clearinghouses(async |house| {
        for name in ["../../etc/passwd", "a/b", "..", "a\\b", "a\u{202e}b"] {
            let report = json!({"purl": "pkg:npm/x", "attachments": [{"filename": name, "data": "x"}]});
            let reply = house.post("/v1/reports", &house.admin, &report).expect(400).await;
            assert_eq!(reply.violations(), ["attachments[0].filename invalid_filename"], "{name}");
        }
        let listed = house.get("/v1/reports", &house.admin).expect(200).await.json();
        assert_eq!(listed["items"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn an_unknown_path_and_another_method_are_problems_too() {
    both_clearinghouses(async |house| {
        assert_eq!(house.ask("GET", "/v2/claims").expect(404).await.code(), "not_found");
        let reply = house.ask("DELETE", "/v1/claims").token(&house.admin).expect(405).await;
        assert_eq!(reply.code(), "method_not_allowed");
        let mut allowed: Vec<&str> = reply.header("allow").unwrap().split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    })
    .await;
}

#[tokio::test]
async fn a_head_that_does_not_arrive_is_given_up() {
    both_clearinghouses_with(
        |config| config.limits.head_arrival_ms = 200,
        async |house| {
            let mut stream = connect(house.address).await;
            stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n").await.unwrap();
            let mut bytes = Vec::new();
            // The server ends the connection; were it to wait, this test would never end.
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut bytes).await;
            assert!(!String::from_utf8_lossy(&bytes).contains("200 OK"));
            house.ask("GET", "/healthz").expect(200).await;
        },
    )
    .await;
}
