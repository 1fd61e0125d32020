//! Who may do what, for every operation of the API, through real HTTP.
//!
//! Each operation stands in [`MATRIX`] or in [`UNTESTED`]; a new one that stands in neither fails the
//! test, and [`UNTESTED`] may only shrink.

use domain::party::Role;
use serde_json::{Value, json};
use store::party::Token;
use testkit::clearinghouse::{Clearinghouse, Participant, both_clearinghouses, both_clearinghouses_with};
use testkit::http::Reply;
use testkit::seed;

/// A public key of nobody's.
const KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAx6pC5OLF8VvcVhsp8lZLcbAVr5x+7IxP0gbb91+/KJg=\n-----END PUBLIC KEY-----\n";

/// Operations whose authorisation is not tested. May only shrink.
const UNTESTED: &[&str] = &[];

/// What each caller gets: nobody, another finder, an unrelated maintainer, an operator, a coordinator
/// who may only read, a coordinator with every scope.
type Expected = [u16; 6];

/// Everybody gets the same.
const fn all(status: u16) -> Expected {
    [status; 6]
}

/// The same for everybody with a token.
const fn known(status: u16) -> Expected {
    [401, status, status, status, status, status]
}

/// Only coordinators with every scope.
const fn staff(status: u16) -> Expected {
    [401, 403, 403, 403, 403, status]
}

/// Hidden from outsiders; a coordinator who only reads is told why not.
const fn hidden(reader: u16, coordinator: u16) -> Expected {
    [401, 404, 404, 404, reader, coordinator]
}

#[rustfmt::skip]
const MATRIX: &[(&str, &str, &str, Expected)] = &[
    ("GET", "/healthz", "", all(200)),
    ("GET", "/readyz", "", all(200)),
    ("GET", "/openapi.json", "", all(200)),
    ("GET", "/metrics", "", [401, 403, 403, 403, 200, 200]),
    ("POST", "/v1/claims", "claim", [401, 201, 201, 403, 403, 201]),
    ("GET", "/v1/claims", "", known(200)),
    ("GET", "/v1/claims/{claim}", "", [401, 404, 404, 404, 200, 200]),
    ("POST", "/v1/claims/{claim}/renew", "renew", [401, 404, 404, 403, 403, 200]),
    ("POST", "/v1/claims/{claim}/release", "release", [401, 404, 404, 403, 403, 200]),
    ("POST", "/v1/reports", "report", [401, 202, 202, 403, 403, 202]),
    ("GET", "/v1/reports", "", known(200)),
    ("GET", "/v1/reports/{report}", "", [401, 404, 404, 404, 200, 200]),
    ("GET", "/v1/submissions/{receipt}", "", all(200)),
    ("POST", "/v1/proofs?finding={finding}", "bundle", [401, 404, 404, 403, 403, 404]),
    ("GET", "/v1/proofs/{proof}", "", [401, 404, 404, 404, 200, 200]),
    ("GET", "/v1/cases", "", known(200)),
    ("GET", "/v1/cases/{case}", "", hidden(200, 200)),
    ("POST", "/v1/cases/{case}/merge", "merge", hidden(403, 404)),
    ("POST", "/v1/cases/{case}/split", "split", hidden(403, 404)),
    ("POST", "/v1/cases/{case}/verdict", "verdict", hidden(403, 403)),
    ("POST", "/v1/cases/{case}/close", "reason", hidden(403, 409)),
    ("POST", "/v1/cases/{case}/embargo", "embargo", hidden(403, 200)),
    ("POST", "/v1/cases/{case}/read-ins", "read-in", hidden(403, 200)),
    ("POST", "/v1/cases/{case}/read-ins/{readin}/end", "", hidden(403, 200)),
    ("POST", "/v1/fixes", "fix", hidden(403, 201)),
    ("GET", "/v1/fixes?case={case}", "", hidden(200, 200)),
    ("GET", "/v1/fixes/{fix}", "", hidden(200, 200)),
    ("POST", "/v1/advisories", "publish", hidden(403, 409)),
    ("GET", "/v1/advisories", "", all(200)),
    ("GET", "/v1/advisories/{advisory}", "", all(200)),
    ("POST", "/v1/advisories/{advisory}/revise", "revise", [401, 403, 403, 403, 403, 200]),
    ("POST", "/v1/advisories/{advisory}/withdraw", "reason", [401, 403, 403, 403, 403, 200]),
    ("GET", "/v1/advisories/{advisory}/osv", "", all(200)),
    ("GET", "/v1/advisories/{advisory}/osv.sig", "", all(200)),
    ("GET", "/v1/advisories/{advisory}/csaf", "", all(200)),
    ("GET", "/v1/advisories/{advisory}/csaf.sig", "", all(200)),
    ("POST", "/v1/inventories", "inventory", [401, 403, 403, 201, 403, 403]),
    ("GET", "/v1/inventories", "", known(200)),
    ("GET", "/v1/inventories/{inventory}", "", known(404)),
    ("GET", "/v1/notices", "", known(200)),
    ("GET", "/v1/notices/{notice}", "", known(404)),
    ("POST", "/v1/notices/{notice}/answer", "answer", [401, 403, 403, 404, 403, 403]),
    ("POST", "/v1/parties", "party", staff(201)),
    ("GET", "/v1/parties", "", staff(200)),
    ("GET", "/v1/parties/{party}", "", [401, 404, 404, 404, 200, 200]),
    ("POST", "/v1/parties/{party}/members", "member", staff(201)),
    ("GET", "/v1/parties/{party}/pace", "", [401, 404, 404, 404, 200, 200]),
    ("PUT", "/v1/parties/{party}/pace", "pace", [401, 403, 404, 403, 403, 403]),
    ("GET", "/v1/parties/{party}/standing", "", [401, 404, 404, 404, 200, 200]),
    ("GET", "/v1/standing", "", known(200)),
    ("GET", "/v1/pace/queue", "", [401, 403, 403, 403, 200, 200]),
    ("GET", "/v1/letters", "", [401, 403, 403, 403, 200, 200]),
    ("GET", "/v1/cases/{case}/package", "", hidden(200, 200)),
    ("GET", "/v1/cases/{case}/message", "", hidden(200, 200)),
    ("POST", "/v1/cases/{case}/exception", "reason", hidden(403, 409)),
    ("POST", "/v1/registrations", "registration", all(201)),
    ("GET", "/v1/registrations", "", staff(200)),
    ("GET", "/v1/registrations/{registration}", "", all(404)),
    ("POST", "/v1/registrations/{registration}/check", "check", all(404)),
    ("POST", "/v1/registrations/{registration}/token", "", all(404)),
    ("POST", "/v1/registrations/{registration}/accept", "", staff(409)),
    ("POST", "/v1/registrations/{registration}/decline", "reason", staff(200)),
    ("POST", "/v1/members/{member}/tokens", "token", staff(201)),
    ("POST", "/v1/tokens/{token}/revoke", "", staff(200)),
    ("POST", "/v1/jobs/lease", "lease", known(403)),
    ("GET", "/v1/jobs/{job}", "", [401, 403, 403, 403, 200, 200]),
    ("GET", "/v1/jobs/{job}/bundles/{digest}?lease=1-0a", "", known(403)),
    ("POST", "/v1/jobs/{job}/heartbeat", "heartbeat", known(403)),
    ("POST", "/v1/jobs/{job}/outcome?lease=1-0a", "outcome", known(403)),
    ("POST", "/v1/jobs/{job}/failure", "failure", known(403)),
    ("POST", "/v1/worker-keys", "worker-key", staff(409)),
    ("POST", "/v1/worker-keys/{key}/end", "", staff(404)),
    ("PUT", "/v1/feeds/kev", "kev", staff(200)),
    ("PUT", "/v1/feeds/ssvc", "ssvc", staff(200)),
];

/// Everything that the templates of [`MATRIX`] name, owned by somebody else than the callers.
pub struct World {
    names: Vec<(&'static str, String)>,
}

impl World {
    /// Lays down one of each.
    pub async fn lay(
        house: &Clearinghouse,
        owner: &Participant,
        maintainer: &Participant,
        runner: &Participant,
    ) -> Self {
        let id = |v: &Value| v["id"].as_str().unwrap().to_owned();
        let registration =
            house.ask("POST", "/v1/registrations").json(&body("registration", &[])).expect(201).await.json();
        let claim = house.post("/v1/claims", &owner.token, &body("claim", &[])).expect(201).await.json();
        let case = house.measured_case(owner, "pkg:npm/lodash").await.to_string();
        let shown = house.get(&format!("/v1/cases/{case}"), &owner.token).expect(200).await.json();
        let report = house.get("/v1/reports?limit=1", &owner.token).expect(200).await.json();
        let fix = json!({"case": case, "kind": "mitigation", "note": "do not pass paths from strangers"});
        let fix = house.post("/v1/fixes", &owner.token, &fix).expect(201).await.json();
        let advisory = published(house, owner, maintainer, runner).await;
        let notice = house.get("/v1/notices", &runner.token).expect(200).await.json();
        let inventory = house.get("/v1/inventories", &runner.token).expect(200).await.json();
        let token = json!({"label": "t", "scopes": ["read"]});
        let token =
            house.post(&format!("/v1/members/{}/tokens", owner.member), &house.admin, &token).expect(201).await.json();
        let names = vec![
            ("claim", id(&claim)),
            ("report", id(&report["items"][0])),
            ("receipt", report["items"][0]["receipt"].as_str().unwrap().to_owned()),
            ("finding", id(&shown["findings"][0])),
            ("proof", id(&shown["proofs"][0])),
            ("case", case),
            ("readin", id(&shown["read_ins"][0])),
            ("fix", id(&fix)),
            ("advisory", advisory),
            ("inventory", id(&inventory["items"][0])),
            ("notice", id(&notice["items"][0])),
            ("registration", id(&registration)),
            ("party", owner.party.clone()),
            ("member", owner.member.clone()),
            ("token", id(&token)),
            ("job", report_job(house, &id(&report["items"][0])).await),
            ("digest", "7f3a".repeat(16)),
            ("key", "7f3a".repeat(16)),
        ];
        Self { names }
    }

    /// The name of a thing.
    pub fn name(&self, what: &str) -> &str {
        self.names.iter().find(|(name, _)| *name == what).map(|(_, id)| id.as_str()).unwrap()
    }

    fn filled(&self, template: &str) -> String {
        self.names.iter().fold(template.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id))
    }
}

/// The job that a report left.
async fn report_job(house: &Clearinghouse, report: &str) -> String {
    let mut tx = house.store.read().await.unwrap();
    store::job::by_key(&mut tx, &format!("report-process {report}")).await.unwrap().unwrap().id.to_string()
}

/// Publishes another case of this owner, of a package that `runner` runs; gives the advisory's name.
pub async fn published(
    house: &Clearinghouse,
    owner: &Participant,
    maintainer: &Participant,
    runner: &Participant,
) -> String {
    let case = house.measured_case(owner, "pkg:npm/minimist").await;
    let lock = json!({"lockfileVersion": 3, "packages": {"node_modules/minimist": {"version": "4.17.15"}}});
    let inventory =
        json!({"asset": "pump gateway", "tags": {"exposure": "exposed", "sector": "hospital"}, "document": lock});
    house.post("/v1/inventories", &runner.token, &inventory).expect(201).await;
    let until = service::identity::now().plus_days(30).to_string();
    let read_in = json!({"member": maintainer.member, "tier": "0", "reason": "maintains it", "until": until});
    house.post(&format!("/v1/cases/{case}/read-ins"), &house.admin, &read_in).expect(200).await;
    let verdict = json!({"verdict": "vulnerability", "reason": "it is"});
    house.post(&format!("/v1/cases/{case}/verdict"), &maintainer.token, &verdict).expect(200).await;
    let advisory =
        house.post("/v1/advisories", &maintainer.token, &json!({"case": case.to_string()})).expect(201).await.json();
    house.work().await;
    advisory["name"].as_str().unwrap().to_owned()
}

/// A valid body of each kind; templates in it are filled like paths.
fn body(kind: &str, unique: &[&str]) -> Value {
    let until = service::identity::now().plus_days(7).to_string();
    match kind {
        "claim" => json!({"scope": {"kind": "package", "purl": "pkg:npm/lodash"}, "method": "static"}),
        "renew" => json!({"fence": 1, "lease_s": 600}),
        "release" => json!({"fence": 1, "coverage": "all of it"}),
        "report" => json!({"purl": "pkg:npm/lodash", "code_path": unique.join(" ")}),
        "merge" => json!({"into": "case_00000000000000000000000000", "reason": "same"}),
        "split" => json!({"finding": "finding_00000000000000000000000000", "reason": "other"}),
        "verdict" => json!({"verdict": "vulnerability", "reason": "it is"}),
        "reason" => json!({"reason": "because"}),
        "embargo" => json!({"source": "negotiated", "ends": until}),
        "read-in" => json!({"member": "{member}", "tier": "1", "reason": "builds the fix", "until": until}),
        "fix" => json!({"case": "{case}", "kind": "mitigation", "note": "turn it off"}),
        "publish" => json!({"case": "{case}"}),
        "revise" => json!({"change": "wording"}),
        "inventory" => json!({"asset": "a", "document": {"lockfileVersion": 3, "packages": {}}}),
        "answer" => json!({"answer": "seen"}),
        "party" => json!({"name": "New", "accountable": "N. Ew", "roles": ["finder"]}),
        "registration" => {
            json!({"name": "R", "accountable": "E. G.", "contact": "r@e.example", "packages": ["pkg:npm/r"]})
        }
        "check" => json!({"by": "dns"}),
        "member" => json!({"name": "Two"}),
        "pace" => json!({"rate_per_week": 2}),
        "lease" => json!({"name": "lab-1", "labels": ["runtime=node"], "key": "7f3a".repeat(16)}),
        "heartbeat" => json!({"lease": "1-0a", "stage": "proving", "done": 1, "total": 2}),
        "outcome" => json!({"verify": {"runs": []}}),
        "failure" => json!({"lease": "1-0a", "reason": "no disk", "fault": "machine"}),
        "worker-key" => json!({"member": "{member}", "key": KEY}),
        "token" => json!({"label": "x", "scopes": ["read"]}),
        "kev" => {
            json!({"title": "KEV", "catalogVersion": "2026.11.23", "dateReleased": "2026-11-23T00:00:00Z", "count": 0, "vulnerabilities": []})
        }
        _ => json!({}),
    }
}

async fn ask(house: &Clearinghouse, world: &World, row: &(&str, &str, &str, Expected), token: Option<&str>) -> Reply {
    let (method, template, kind, _) = row;
    let mut ask = house.ask(method, &world.filled(template));
    if let Some(token) = token {
        ask = ask.token(token);
    }
    let text = world.filled(&body(kind, &[template, token.unwrap_or_default()]).to_string());
    let ask = match *kind {
        "" => ask,
        "bundle" => ask.body("application/zstd", b"no bundle"),
        "ssvc" => ask.body("text/csv", b"cve,exploitation,automatable,technical_impact\n"),
        _ => ask.body("application/json", text.as_bytes()),
    };
    ask.send().await
}

#[tokio::test]
async fn every_operation_answers_each_caller_as_the_matrix_says() {
    // Each refusal of the table counts against the one address of this test.
    let change = |server: &mut server::ServerConfig| server.limits.address_refusals_per_minute = 1_000;
    both_clearinghouses_with(change, async |house| {
        let owner = house.participant("Owner", &[Role::Finder], &[]).await;
        let keeper = house.participant("Keeper", &[Role::Maintainer], &["pkg:npm/minimist"]).await;
        let runner = house.participant("Runner", &[Role::Operator], &[]).await;
        let finder = house.participant("Finder", &[Role::Finder], &[]).await;
        let maintainer = house.participant("Maintainer", &[Role::Maintainer], &["pkg:npm/other"]).await;
        let operator = house.participant("Operator", &[Role::Operator], &[]).await;
        let reader = house.participant("Staff", &[Role::Coordinator], &[]).await;
        let reader = house.token(&reader.member, &["read"]).await;
        let callers: [Option<&str>; 6] = [
            None,
            Some(&finder.token),
            Some(&maintainer.token),
            Some(&operator.token),
            Some(&reader),
            Some(&house.admin),
        ];
        let world = World::lay(house, &owner, &keeper, &runner).await;
        let described = house.ask("GET", "/openapi.json").expect(200).await.json();
        let mut wrong = Vec::new();
        for row in MATRIX {
            for (caller, expected) in callers.iter().zip(row.3) {
                let reply = ask(house, &world, row, *caller).await;
                if reply.status != expected {
                    wrong.push(format!("{} {} expected {expected}: {} {}", row.0, row.1, reply.status, reply.text()));
                }
                let operation = &described["paths"][template(row.1)][row.0.to_lowercase()];
                assert!(
                    operation["responses"][reply.status.to_string()].is_object(),
                    "{} {}: {} is not described",
                    row.0,
                    row.1,
                    reply.status
                );
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}

/// A template of the matrix as the description writes it.
fn template(path: &str) -> String {
    let path = path.split('?').next().unwrap();
    let mut out = path.to_owned();
    for (name, described) in [
        ("claim", "id"),
        ("report", "id"),
        ("proof", "id"),
        ("case", "id"),
        ("fix", "id"),
        ("inventory", "id"),
        ("notice", "id"),
        ("registration", "id"),
        ("party", "id"),
        ("member", "id"),
        ("token", "id"),
        ("job", "id"),
        ("key", "id"),
        ("advisory", "name"),
        ("readin", "read_in"),
    ] {
        out = out.replace(&format!("{{{name}}}"), &format!("{{{described}}}"));
    }
    out
}

#[tokio::test]
async fn a_workers_token_works_and_does_nothing_else() {
    both_clearinghouses(async |house| {
        let owner = house.participant("Owner", &[Role::Finder], &[]).await;
        let keeper = house.participant("Keeper", &[Role::Maintainer], &["pkg:npm/minimist"]).await;
        let runner = house.participant("Runner", &[Role::Operator], &[]).await;
        let lab = json!({"name": "Lab", "accountable": "L. Ab", "roles": ["worker"]});
        let lab = house.post("/v1/parties", &house.admin, &lab).expect(201).await.json();
        let member = lab["members"][0]["id"].as_str().unwrap();
        let worker = house.token(member, &["worker"]).await;
        let world = World::lay(house, &owner, &keeper, &runner).await;
        let mut wrong = Vec::new();
        for row in MATRIX {
            let reply = ask(house, &world, row, Some(&worker)).await;
            let of_workers = row.3 == known(403);
            let expected = match row.3[0] {
                // A key that nobody registered, and a lease that is not his.
                _ if of_workers => reply.status == 409,
                401 => matches!(reply.status, 403 | 404),
                public => reply.status == public,
            };
            if !expected {
                wrong.push(format!("{} {}: {} {}", row.0, row.1, reply.status, reply.text()));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        // Of a job that is there and of one that never was, the same.
        let there = world.filled("/v1/jobs/{job}/heartbeat");
        let never = "/v1/jobs/job_00000000000000000000000000/heartbeat";
        let beat = body("heartbeat", &[]);
        let there = house.post(&there, &worker, &beat).expect(409).await;
        assert_eq!(there.json()["code"], "lease_lost");
        assert_eq!(there.comparable(), house.post(never, &worker, &beat).expect(409).await.comparable());
        // Neither a role nor a scope beside it.
        for (path, body) in [
            ("/v1/parties".to_owned(), json!({"name": "X", "accountable": "Y", "roles": ["worker", "finder"]})),
            (format!("/v1/members/{member}/tokens"), json!({"label": "x", "scopes": ["worker", "read"]})),
        ] {
            house.post(&path, &house.admin, &body).expect(400).await;
        }
    })
    .await;
}

#[tokio::test]
async fn every_operation_is_in_the_matrix() {
    both_clearinghouses(async |house| {
        let described = house.ask("GET", "/openapi.json").expect(200).await.json();
        let mut missing = Vec::new();
        for (path, item) in described["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let is_tested = MATRIX.iter().any(|r| r.0.eq_ignore_ascii_case(method) && template(r.1) == *path);
                let name = format!("{} {path}", method.to_uppercase());
                if !is_tested && !UNTESTED.contains(&name.as_str()) {
                    missing.push(name);
                }
            }
        }
        assert!(missing.is_empty(), "without an authorisation test: {missing:?}");
    })
    .await;
}

#[tokio::test]
async fn every_bad_token_gets_the_same_answer() {
    both_clearinghouses(async |house| {
        let finder = house.participant("Finder", &[Role::Finder], &[]).await;
        let now = service::identity::now();
        let row = |secret: &str, expires_at, revoked_at| Token {
            id: seed::id(),
            member_id: finder.member.parse().unwrap(),
            hash: service::identity::secret_hash(secret),
            scopes: vec![domain::party::TokenScope::Write],
            label: "old".to_owned(),
            expires_at,
            revoked_at,
            created_at: now,
        };
        let mut tx = house.store.write().await.unwrap();
        store::party::token_insert(&mut tx, &row("pht_expired", now.plus_seconds(-1), None)).await.unwrap();
        store::party::token_insert(&mut tx, &row("pht_revoked", now.plus_days(1), Some(now))).await.unwrap();
        tx.commit().await.unwrap();
        let wanted = house.ask("GET", "/v1/claims").expect(401).await.comparable();
        for authorization in
            ["Bearer pht_expired", "Bearer pht_revoked", "Bearer pht_unknown", "Bearer ", "Basic eDp5", "pht_x"]
        {
            for (method, path) in [("GET", "/v1/claims"), ("POST", "/v1/reports"), ("POST", "/v1/cases/x/merge")] {
                let reply = house.ask(method, path).header("authorization", authorization).expect(401).await;
                assert_eq!(reply.comparable(), wanted, "{authorization} {method} {path}");
                assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
            }
        }
    })
    .await;
}
