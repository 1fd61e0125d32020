//! What the log holds of a request, and what it must never hold.

use std::io::Write;
use std::sync::{Arc, Mutex};

use domain::party::Role;
use serde_json::json;
use testkit::clearinghouse::both_clearinghouses;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_log_line_names_the_route_and_holds_no_secret() {
    let kept = Kept::default();
    let writer = kept.clone();
    // Everything that any crate says down to debug, of every test that runs meanwhile.
    let quiet = server::LOG_TARGETS_QUIET.iter().map(|target| (*target, LevelFilter::INFO));
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    let filter = Targets::new().with_default(LevelFilter::DEBUG).with_targets(quiet);
    tracing_subscriber::registry().with(layer).with(filter).init();
    both_clearinghouses(async |house| {
        let finder = house.participant("Finder", &[Role::Finder], &[]).await;
        let report = json!({"purl": "pkg:npm/zyzzogeton", "email": "whistle@blower.example", "exploit": "boom-4711", "notify": "off"});
        let receipt = house.post("/v1/reports", &finder.token, &report).header("x-request-id", "log-test-1").expect(202).await.json();
        let receipt = receipt["receipt"].as_str().unwrap();
        house.ask("GET", &format!("/v1/submissions/{receipt}?secret=in-the-query")).send().await;
        house.ask("GET", "/v1/claims").token("pht_wrong_but_secret").expect(401).await;
        let form = format!("token={}", finder.token);
        house.ask("POST", "/login").body("application/x-www-form-urlencoded", form.as_bytes()).expect(303).await;
        house.work().await;
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let line = text.lines().find(|l| l.contains("log-test-1")).expect("a line for the request");
        for part in ["method=POST", "route=\"/v1/reports\"", "status=202", "ms="] {
            assert!(line.contains(part), "{line}");
        }
        assert!(text.contains("/v1/submissions/{receipt}"));
        for secret in [&finder.token, &house.admin, receipt, "boom-4711", "whistle@blower.example", "zyzzogeton", "in-the-query", "pht_wrong_but_secret"] {
            assert!(!text.contains(secret), "the log holds {secret}");
        }
    })
    .await;
}
