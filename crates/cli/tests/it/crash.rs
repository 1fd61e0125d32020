//! kill -9 of a real server process in the middle of a submit loop: every receipt that was given is
//! there afterwards, and nothing is there twice. On both stores.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use store::StoreConfig;

/// Clients that send at the same time.
const CLIENTS: usize = 4;
/// Receipts after which the server is killed, round by round: early, later, late.
const KILL_AFTER: [usize; 3] = [1, 23, 61];

pub struct Running {
    child: Child,
    pub base: String,
}

impl Running {
    /// Starts the server; gives the admin token when this is the first start.
    pub fn start(home: &Path, store: Option<&str>, more: &[&str]) -> (Self, Option<String>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--workers", "0"]).args(more).arg("--home").arg(home);
        if let Some(url) = store {
            command.args(["--store", url]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let base = loop {
            let line = lines.next().unwrap_or_else(|| panic!("the server ended: {said}")).unwrap();
            said.push_str(&line);
            if let Some(at) = line.find("http://") {
                break line[at..].split(' ').next().unwrap().to_owned();
            }
        };
        // Whatever it says later must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        let token = said.contains("first start").then(|| {
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            line.trim().to_owned()
        });
        (Self { child, base }, token)
    }

    fn kill(&mut self) {
        // SIGKILL: no handler runs, nothing is flushed by the program.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

/// Sends JSON; nothing when the connection broke before an answer.
pub fn post(base: &str, path: &str, token: &str, key: &str, body: &Value) -> Option<(u16, Value)> {
    let request = agent()
        .post(format!("{base}{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("idempotency-key", key)
        .header("content-type", "application/json");
    let answer = request.send(body.to_string()).ok()?;
    let status = answer.status().as_u16();
    let mut text = String::new();
    answer.into_body().into_reader().read_to_string(&mut text).ok()?;
    Some((status, serde_json::from_str(&text).ok()?))
}

pub fn get(base: &str, path: &str, token: &str) -> (u16, Value) {
    let answer =
        agent().get(format!("{base}{path}")).header("authorization", format!("Bearer {token}")).call().unwrap();
    let status = answer.status().as_u16();
    let mut text = String::new();
    answer.into_body().into_reader().read_to_string(&mut text).unwrap();
    (status, serde_json::from_str(&text).unwrap())
}

pub fn finder(base: &str, admin: &str) -> String {
    let party = json!({"name": "Finder", "accountable": "A. Finder", "roles": ["finder"], "packages": []});
    let (status, party) = post(base, "/v1/parties", admin, "party", &party).unwrap();
    assert_eq!(status, 201, "{party}");
    let member = party["members"][0]["id"].as_str().unwrap();
    let token = json!({"label": "crash", "scopes": ["read", "write"], "life_days": 1});
    let (status, token) = post(base, &format!("/v1/members/{member}/tokens"), admin, "token", &token).unwrap();
    assert_eq!(status, 201, "{token}");
    token["secret"].as_str().unwrap().to_owned()
}

fn report(number: usize) -> Value {
    json!({"purl": "pkg:npm/lodash", "code_path": format!("report number {number}")})
}

fn submit(base: &str, token: &str, number: usize) -> Option<String> {
    let (status, answer) = post(base, "/v1/reports", token, &format!("number-{number}"), &report(number))?;
    assert_eq!(status, 202, "{answer}");
    Some(answer["receipt"].as_str().unwrap().to_owned())
}

/// Every report of the finder: title by receipt.
fn stored(base: &str, token: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut path = "/v1/reports?limit=100".to_owned();
    loop {
        let (status, page) = get(base, &path, token);
        assert_eq!(status, 200, "{page}");
        for item in page["items"].as_array().unwrap() {
            let title = item["title"].as_str().unwrap().to_owned();
            assert!(all.insert(item["receipt"].as_str().unwrap().to_owned(), title).is_none());
        }
        match page["next"].as_str() {
            Some(cursor) => path = format!("/v1/reports?limit=100&cursor={cursor}"),
            None => return all,
        }
    }
}

fn crash_loop(home: &Path, store: Option<&str>) {
    let (mut server, admin) = Running::start(home, store, &[]);
    let token = finder(&server.base, &admin.expect("an admin token at the first start"));
    let given: Mutex<BTreeMap<usize, String>> = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    for kill_after in KILL_AFTER {
        let before = given.lock().unwrap().len();
        let unanswered: Mutex<Vec<usize>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        match submit(&server.base, &token, number) {
                            Some(receipt) => drop(given.lock().unwrap().insert(number, receipt)),
                            None => return unanswered.lock().unwrap().push(number),
                        }
                    }
                });
            }
            while given.lock().unwrap().len() < before + kill_after {
                std::thread::yield_now();
            }
            kill_9(server.child.id());
        });
        server.kill();
        let (again, admin) = Running::start(home, store, &[]);
        assert!(admin.is_none(), "a second start makes no second admin");
        server = again;
        for (number, receipt) in given.lock().unwrap().iter() {
            let (status, answer) = get(&server.base, &format!("/v1/submissions/{receipt}"), &token);
            assert_eq!(status, 200, "report {number} was given {receipt}: {answer}");
        }
        // What broke off is sent again under the same key: stored before or not, it is there once.
        for number in unanswered.into_inner().unwrap() {
            let receipt = submit(&server.base, &token, number).expect("an answer after the restart");
            given.lock().unwrap().insert(number, receipt);
        }
        let given = given.lock().unwrap();
        let there = stored(&server.base, &token);
        let receipts: BTreeSet<&String> = given.values().collect();
        assert_eq!(there.keys().collect::<BTreeSet<_>>(), receipts, "exactly the receipts that were given");
        let titles: BTreeSet<&String> = there.values().collect();
        assert_eq!(titles.len(), there.len(), "no report is there twice");
    }
}

pub fn kill_9(pid: u32) {
    // The shell's own kill: a small Debian has no program of that name.
    let killed = Command::new("sh").args(["-c", "kill -9 \"$1\"", "sh", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
}

#[test]
fn no_receipt_is_lost_on_sqlite() {
    let home = tempfile::tempdir().unwrap();
    crash_loop(home.path(), None);
}

#[test]
fn no_receipt_is_lost_on_postgresql() {
    let home = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(testkit::postgres_store());
    let StoreConfig::Postgres { url, .. } = &store.config else { panic!("not PostgreSQL") };
    crash_loop(home.path(), Some(url));
}
