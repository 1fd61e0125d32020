//! `proofhouse relay`: one clearinghouse hands a case to another, once, at the other's pace, whatever happens to the program.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use domain::party::Role;
use serde_json::{Value, json};
use testkit::clearinghouse::{Clearinghouse, Participant};
use testkit::sqlite_store;

struct Sides {
    ours: Clearinghouse,
    theirs: Clearinghouse,
    case: String,
    /// Us, at the other's.
    desk: Participant,
}

impl Sides {
    /// The other takes so many reports of one token in an hour.
    async fn open(reports_per_hour: u32) -> Self {
        let ours = Clearinghouse::start(sqlite_store()).await;
        let theirs =
            Clearinghouse::start_with(sqlite_store(), |config| config.limits.token_reports_per_hour = reports_per_hour)
                .await;
        let finder = ours.participant("Finder", &[Role::Finder], &[]).await;
        let case = ours.measured_case(&finder, "pkg:npm/lodash").await.to_string();
        let desk = theirs.participant("Desk", &[Role::Finder], &[]).await;
        Self { ours, theirs, case, desk }
    }

    fn command(&self, home: &Path, token: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
        command
            .args(["relay", &self.case, "--as", "Our Desk", "--json", "--home"])
            .arg(home)
            .args([
                "--url",
                &format!("http://{}", self.ours.address),
                "--to",
                &format!("http://{}", self.theirs.address),
            ])
            .env("PROOFHOUSE_TOKEN", &self.ours.admin)
            .env("PROOFHOUSE_RELAY_TOKEN", token);
        command
    }

    async fn run(&self, home: &Path, token: &str) -> Output {
        let mut command = self.command(home, token);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn received(&self) -> Vec<Value> {
        let listed = self.theirs.get("/v1/reports", &self.desk.token).expect(200).await.json();
        listed["items"].as_array().unwrap().clone()
    }
}

fn told(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_handed_on_once() {
    let sides = Sides::open(100).await;
    let home = tempfile::tempdir().unwrap();
    // Killed at any moment, it has been sent at most once.
    for after_ms in [0, 10, 30, 60, 100, 200] {
        let mut child =
            sides.command(home.path(), &sides.desk.token).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let first = told(&sides.run(home.path(), &sides.desk.token).await);
    assert!(first["receipt"].as_str().unwrap().starts_with("SUB-") && first["body"].is_null(), "{first}");
    assert_eq!(first["status"], "queued");
    // As if it had been killed after the other had stored it and before the receipt was kept.
    let kept = std::fs::read_dir(home.path().join("relay")).unwrap().map(|e| e.unwrap().path());
    let kept = kept.filter(|path| path.extension().is_some_and(|e| e == "json")).collect::<Vec<_>>();
    let mut state: Value = serde_json::from_slice(&std::fs::read(&kept[0]).unwrap()).unwrap();
    state["receipt"] = json!("");
    std::fs::write(&kept[0], state.to_string()).unwrap();
    sides.theirs.work().await;
    let again = told(&sides.run(home.path(), &sides.desk.token).await);
    assert_eq!((&again["receipt"], &again["status"]), (&first["receipt"], &json!("done")));
    let received = sides.received().await;
    assert_eq!(received.len(), 1);
    let (report, provenance) = (&received[0], &received[0]["provenance"]);
    assert_eq!(report["purl"], "pkg:npm/lodash");
    assert_eq!(provenance["chain"], json!([{"party": "Our Desk", "handling_id": sides.case}]));
    assert_eq!(provenance["credits"], json!([{"name": "Finder", "role": "finder"}]));
    assert!(provenance["embargo"]["ends"].is_string(), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_others_pace_is_kept() {
    let sides = Sides::open(2).await;
    let home = tempfile::tempdir().unwrap();
    for number in 0..2 {
        let report = json!({"purl": "pkg:npm/other", "code_path": format!("{number}")});
        sides.theirs.post("/v1/reports", &sides.desk.token, &report).expect(202).await;
    }
    // The hour's reports are used up: it is asked to come back later than it waits for, and says so.
    let output = sides.run(home.path(), &sides.desk.token).await;
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("error [429]") && said.contains("asks to come back in"), "{said}");
    assert_eq!(sides.received().await.len(), 2);
    // Run again when it may send, it sends what it had kept.
    let other = sides.theirs.participant("Desk two", &[Role::Finder], &[]).await;
    told(&sides.run(home.path(), &other.token).await);
    let listed = sides.theirs.get("/v1/reports", &other.token).expect(200).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    // A refusal is told, and nothing is kept as sent.
    let odd = tempfile::tempdir().unwrap();
    assert_eq!(sides.run(odd.path(), "pht_wrong").await.status.code(), Some(2));
}
