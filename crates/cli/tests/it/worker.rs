//! Real worker processes at a real server: one is killed in the middle of a job, one goes on without its lease, and the
//! job ends once. On both stores.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use store::StoreConfig;

use crate::crash::{Running, finder, get, kill_9, post};
use crate::tls::Front;

/// A worker process, and what it says on standard output.
struct Worker {
    child: Child,
    says: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Worker {
    fn start(lab: &Lab, labels: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
        let server = lab.front.as_ref().map_or(&lab.base, |front| &front.base);
        command.args(["worker", "--json", "--server", server, "--token-file"]).arg(lab.home.path().join("token"));
        if let Some(front) = &lab.front {
            command.arg("--ca").arg(&front.ca);
        }
        for label in labels {
            command.args(["--label", label]);
        }
        let mut child = command.arg("--home").arg(lab.home.path()).stdout(Stdio::piped()).spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, says }
    }

    /// Reads on until it says this.
    fn until(&mut self, event: &str) -> Value {
        loop {
            let line = self.says.next().expect("the worker ended").unwrap();
            let said: Value = serde_json::from_str(&line).unwrap();
            if said["event"] == event {
                return said;
            }
            assert!(!["failed", "lost"].contains(&said["event"].as_str().unwrap()), "{said}");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A party of workers with one registered key: all its processes share one folder.
struct Lab {
    base: String,
    /// Where its workers find the server, where that is by HTTPS.
    front: Option<Front>,
    home: tempfile::TempDir,
    token: String,
    key: String,
}

impl Lab {
    fn open(base: &str, admin: &str, https: bool) -> Self {
        let home = tempfile::tempdir().unwrap();
        for shared in ["store", "cache"] {
            let kept = testkit::kept_folder("test-home").join(shared);
            std::fs::create_dir_all(&kept).unwrap();
            std::os::unix::fs::symlink(&kept, home.path().join(shared)).unwrap();
        }
        let lab = json!({"name": "Lab", "accountable": "L. Ab", "roles": ["worker"]});
        let (status, lab) = post(base, "/v1/parties", admin, "lab", &lab).unwrap();
        assert_eq!(status, 201, "{lab}");
        let member = lab["members"][0]["id"].as_str().unwrap();
        let token = json!({"label": "lab", "scopes": ["worker"], "life_days": 1});
        let (_, token) = post(base, &format!("/v1/members/{member}/tokens"), admin, "lab-token", &token).unwrap();
        let token = token["secret"].as_str().unwrap().to_owned();
        std::fs::write(home.path().join("token"), format!("{token}\n")).unwrap();
        let shown = Command::new(env!("CARGO_BIN_EXE_proofhouse"))
            .args(["worker", "--show-key", "--home"])
            .arg(home.path())
            .output()
            .unwrap();
        let pem = String::from_utf8(shown.stdout).unwrap();
        let key = json!({"member": member, "key": pem});
        let (status, key) = post(base, "/v1/worker-keys", admin, "lab-key", &key).unwrap();
        assert_eq!(status, 200, "{key}");
        let key = key["id"].as_str().unwrap().to_owned();
        let front = https.then(|| Front::open(base, home.path()));
        Self { base: base.to_owned(), front, home, token, key }
    }

    /// Asks for a job as a worker would.
    fn lease(&self, labels: &[&str]) -> Value {
        let asked = json!({"name": "by-hand", "labels": labels, "key": self.key});
        let (status, answer) = self.post("/v1/jobs/lease", &asked);
        assert_eq!(status, 200, "{answer}");
        answer["job"].clone()
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        post(&self.base, path, &self.token, &format!("k{}", rand()), body).unwrap()
    }

    fn bundle(&self, job: &Value, token: &str) -> (u16, Vec<u8>) {
        let (id, lease) = (job["id"].as_str().unwrap(), job["lease"].as_str().unwrap());
        let digest = job["bundles"][0].as_str().unwrap();
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let url = format!("{}/v1/jobs/{id}/bundles/{digest}?lease={lease}", self.base);
        let mut answer = agent.get(url).header("authorization", format!("Bearer {token}")).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_vec().unwrap())
    }
}

fn rand() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}

fn submit(base: &str, token: &str, bundle: &str) {
    let sent = Command::new(env!("CARGO_BIN_EXE_proofhouse"))
        .args(["submit", "--url", base])
        .arg(example(bundle))
        .env("PROOFHOUSE_TOKEN", token)
        .output()
        .unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
}

/// Asks until there is an answer that is wanted. Nothing here depends on how long that takes.
fn ask_until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn the_job_ends_once(home: &Path, store: Option<&str>, https: bool) {
    let (server, admin) = Running::start(home, store, &["--lease-seconds", "4", "--proof-needs", "zone=lab"]);
    let (base, admin) = (server.base.as_str(), admin.unwrap());
    let (lab, sender) = (Lab::open(base, &admin, https), finder(base, &admin));
    submit(base, &sender, "fast-loops-merge");

    // Whoever lacks a label is given nothing; whoever has all of them and more is given the job.
    let all = ["runtime=node", "runtime=go", "zone=lab"];
    let job = ask_until(|| Some(lab.lease(&all)).filter(|job| !job.is_null()));
    let id = job["id"].as_str().unwrap();
    assert_eq!(lab.bundle(&job, &lab.token).1[..4], [0x28, 0xb5, 0x2f, 0xfd], "a packed bundle");
    for (token, expected) in [(&sender, 403), (&admin, 403), (&"pht_wrong".to_owned(), 401)] {
        assert_eq!(lab.bundle(&job, token).0, expected);
        let asked = json!({"name": "x", "labels": all, "key": lab.key});
        assert_eq!(post(base, "/v1/jobs/lease", token, &format!("o{}", rand()), &asked).unwrap().0, expected);
    }
    let asked = json!({"name": "x", "labels": all, "key": "0".repeat(64)});
    assert_eq!(lab.post("/v1/jobs/lease", &asked).1["code"], "key_not_registered");
    let beat = json!({"lease": job["lease"], "stage": "proving", "done": 1, "total": 2});
    assert_eq!(lab.post(&format!("/v1/jobs/{id}/heartbeat"), &beat).0, 200);
    let (_, shown) = get(base, &format!("/v1/jobs/{id}"), &admin);
    assert_eq!((&shown["progress"]["stage"], &shown["attempts"]), (&json!("proving"), &json!(1)));
    assert_eq!(shown["needs"], json!(["runtime=node", "zone=lab"]));
    // A grade that no receipt shows is refused, and the job goes on.
    let path = format!("/v1/jobs/{id}/outcome?lease={}", job["lease"].as_str().unwrap());
    let said = json!({"grade": "confirmed", "grade_reasons": [], "fix_refuted": null, "outcome": "{}", "trace": [],
        "receipts": []});
    let lie = json!({"prove": {"measured": said, "range": null}});
    let (status, answer) = lab.post(&path, &lie);
    assert_eq!((status, &answer["errors"][0]["code"]), (400, &json!("outcome_refused")), "{answer}");

    // Its lease runs out; a real worker takes the job over, and is killed in the middle of it.
    let mut killed = Worker::start(&lab, &["runtime=node", "zone=lab"]);
    assert_eq!(killed.until("leased")["job"], id);
    kill_9(killed.child.id());
    killed.child.wait().unwrap();
    let (_, shown) = get(base, &format!("/v1/jobs/{id}"), &admin);
    assert_eq!((&shown["state"], &shown["attempts"]), (&json!("running"), &json!(2)));
    for body in [&beat, &json!({"lease": job["lease"], "reason": "x", "fault": "bundle"})] {
        let what = if body["stage"].is_null() { "failure" } else { "heartbeat" };
        assert_eq!(lab.post(&format!("/v1/jobs/{id}/{what}"), body).1["code"], "lease_lost");
    }

    // Two more, of which one cannot run it, and one does. The stale lease stays stale.
    let mut unfit = Worker::start(&lab, &["runtime=go", "zone=lab"]);
    let mut second = Worker::start(&lab, &["runtime=node", "zone=lab"]);
    assert_eq!(second.until("done")["job"], id);
    assert_eq!(lab.post(&path, &lie).1["code"], "lease_lost");
    assert_eq!(lab.bundle(&job, &lab.token).0, 409);
    let (_, shown) = get(base, &format!("/v1/jobs/{id}"), &admin);
    assert_eq!((&shown["state"], &shown["attempts"]), (&json!("done"), &json!(3)));
    case_is_there_once(base, &sender, &lab.key);

    if https {
        a_patch_is_verified_by_a_worker(base, &sender, &admin, &mut second);
    }

    // Told to stop, each ends by itself, and the unfit one never had a job.
    for worker in [&mut unfit, &mut second] {
        let pid = worker.child.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &pid]).status().unwrap().success());
        worker.until("stopped");
        assert!(worker.child.wait().unwrap().success());
    }
    assert_eq!(shown["worker"].as_str().unwrap().split(' ').count(), 2);
}

/// A candidate patch of a case is run by a worker with the case's proofs, and its matrix shown.
fn a_patch_is_verified_by_a_worker(base: &str, sender: &str, admin: &str, worker: &mut Worker) {
    let (_, cases) = get(base, "/v1/cases", sender);
    let case = cases["items"][0]["id"].as_str().unwrap();
    let patch = std::fs::read_to_string("tests/patches/fast-loops.patch").unwrap();
    let propose = |key: &str, patch: &str| {
        let body = json!({"case": case, "kind": "patch", "note": "Leaves shared keys out.", "patch": patch});
        post(base, "/v1/fixes", sender, key, &body).unwrap()
    };
    let (status, refused) = propose("no-patch", "a letter about a patch");
    assert_eq!((status, &refused["errors"][0]["code"]), (400, &json!("malformed_patch")), "{refused}");
    // One that changes a comment only mends nothing.
    let idle =
        patch.replace("+      if (key === '__proto__' || key === 'constructor' || key === 'prototype') continue;", "+");
    for (key, patch, state, silent) in [("idle", &idle, "refuted", "no"), ("good", &patch, "verified", "yes")] {
        let (status, fix) = propose(key, patch);
        assert_eq!((status, &fix["state"]), (201, &json!("proposed")), "{fix}");
        let job = worker.until("leased");
        assert_eq!((&job["kind"], &worker.until("done")["job"]), (&json!("patch"), &job["job"]));
        let (_, shown) = get(base, &format!("/v1/fixes/{}", fix["id"].as_str().unwrap()), sender);
        assert_eq!(shown["state"], state, "{shown}");
        let row = &shown["matrix"][0];
        assert_eq!((&row["version"], &row["applies"]["is"]), (&json!("1.1.3"), &json!("yes")), "{shown}");
        assert_eq!(row["silent"]["is"], silent, "{shown}");
        let (_, needs) = get(base, &format!("/v1/jobs/{}", job["job"].as_str().unwrap()), admin);
        assert_eq!(needs["needs"], json!(["runtime=node", "zone=lab"]));
    }
    let (_, case) = get(base, &format!("/v1/cases/{case}"), sender);
    assert_eq!(case["state"], "fix-verified", "{case}");
}

/// One case, one receipt for each version that was run, each signed by the worker's key.
fn case_is_there_once(base: &str, sender: &str, key: &str) {
    let (_, cases) = get(base, "/v1/cases", sender);
    let cases = cases["items"].as_array().unwrap();
    assert_eq!(cases.len(), 1, "{cases:?}");
    let (_, case) = get(base, &format!("/v1/cases/{}", cases[0]["id"].as_str().unwrap()), sender);
    let (_, proof) = get(base, &format!("/v1/proofs/{}", case["proofs"][0]["id"].as_str().unwrap()), sender);
    assert_eq!((&proof["grade"], &proof["state"]), (&json!("confirmed"), &json!("done")));
    assert_eq!(proof["range"]["affected"][0]["fixed"], "1.1.4", "{proof}");
    let receipts = proof["receipts"].as_array().unwrap();
    assert!(receipts.iter().any(|r| r["version"] == "1.1.3" && r["verdict"] == "fired"));
    assert!(receipts.iter().all(|r| r["envelope"]["signatures"][0]["keyid"] == key));
}

#[test]
fn a_job_ends_once_whoever_is_killed_on_sqlite() {
    let home = tempfile::tempdir().unwrap();
    the_job_ends_once(home.path(), None, true);
}

#[test]
fn a_job_ends_once_whoever_is_killed_on_postgresql() {
    let home = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(testkit::postgres_store());
    let StoreConfig::Postgres { url, .. } = &store.config else { panic!("not PostgreSQL") };
    the_job_ends_once(home.path(), Some(url), false);
}

/// Over HTTPS a client talks to whom its authorities vouch for, and to nobody else.
#[test]
fn a_stranger_behind_tls_gets_no_token() {
    let home = tempfile::tempdir().unwrap();
    let (server, admin) = Running::start(home.path(), None, &[]);
    let front = Front::open(&server.base, home.path());
    let ask = |trusted: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
        command.args(["party", "--url", &front.base]).args(trusted).arg("list");
        let ended = command.env("PROOFHOUSE_TOKEN", admin.as_ref().unwrap()).output().unwrap();
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    let ca = front.ca.to_str().unwrap();
    assert_eq!(ask(&["--ca", ca]), (Some(0), String::new()));
    let (code, said) = ask(&[]);
    assert!(code == Some(3) && said.contains("certificate"), "{code:?} {said}");
    let empty = home.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let (code, said) = ask(&["--ca", empty.to_str().unwrap()]);
    assert!(code == Some(2) && said.contains("no certificate in PEM"), "{code:?} {said}");
}
