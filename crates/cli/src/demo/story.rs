//! The demo's story, step by step, through the API alone.
//!
//! Every step checks its answer: what does not come out as it must ends the demo with a reason.

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use intake::Given;
use serde_json::{Value, json};
use signing::{DetachedSignature, PublicKey};

use super::Halt;
use super::cast::{Cast, Player, assemble};
use super::script::REPORTS;
use crate::api::{Api, ApiError, items, text};
use crate::nouns::submit::{bundle_pack, bundle_purl, report_of};

/// Pause between two looks at the clearinghouse, in milliseconds.
const LOOK_MS: u64 = 250;
/// Longest wait for every proof, in seconds.
const PROOFS_WAIT_S_MAX: u64 = 540;
/// Longest wait for one step of the machine's own work, in seconds.
const STEP_WAIT_S_MAX: u64 = 120;

/// What the summary shows.
pub struct Outcome {
    /// Each report with what became of it.
    pub reports: Vec<Value>,
    /// Each case as the desk sees it at the end.
    pub cases: Vec<Value>,
    /// Each operator's name and its notices at the end.
    pub operators: Vec<(String, Vec<Value>)>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

struct Stage {
    started: Instant,
    number: usize,
}

impl Stage {
    fn heading(&mut self, title: &str) {
        self.number += 1;
        eprintln!("\n{}. {title}  ({:.0} s)", self.number, self.started.elapsed().as_secs_f64());
    }
}

fn say(line: &str) {
    eprintln!("   {line}");
}

/// Plays everything.
pub fn play(desk: &Api, examples: &Path, tokens: &Path, key: &PublicKey) -> Result<Outcome, Halt> {
    let mut stage = Stage { started: Instant::now(), number: 0 };
    stage.heading("Who takes part");
    let cast = assemble(desk, tokens)?;
    for player in cast.finders.iter().chain(std::iter::once(&cast.maintainers)).chain(&cast.operators) {
        say(player.name);
    }
    stage.heading("Claims: who looks at what, before they look");
    claims(&cast)?;
    stage.heading("Inventories: three operators say what they run, CISA's facts are taken in");
    inventories(&cast, examples)?;
    stage.heading("Reports: eight, from three finders; each is stored before its receipt is given");
    let receipts = reports(&cast, examples)?;
    stage.heading("Proofs: each is run in the sandbox on real published versions, then over all of them");
    let reports = proofs(&cast, &receipts)?;
    stage.heading("Cases: one for each defect, however many reported it");
    let cases = cases(&cast)?;
    stage.heading("Embargo: the hospital is read in, nobody else learns anything");
    embargo(&cast, &cases)?;
    stage.heading("Fixes: every proof of a case runs again on the proposed version");
    fixes(&cast, &cases)?;
    stage.heading("Advisories: the maintainers' verdict, then OSV and CSAF, signed");
    advisories(&cast, &cases, key)?;
    stage.heading("Notices: those who run it, what to do and by when");
    notices(&cast)?;
    stage.heading("The hospital upgrades lodash: its next inventory closes the notice");
    upgrade(&cast, examples)?;
    let mut outcome =
        Outcome { reports, cases: Vec::new(), operators: Vec::new(), seconds: stage.started.elapsed().as_secs_f64() };
    for case in &cases {
        outcome.cases.push(cast.desk.get(&format!("/v1/cases/{case}"))?);
    }
    for operator in &cast.operators {
        let page = operator.api.get("/v1/notices?limit=100")?;
        outcome.operators.push((operator.name.to_owned(), items(&page, "items").to_vec()));
    }
    Ok(outcome)
}

fn claims(cast: &Cast) -> Result<(), Halt> {
    let scope = json!({"kind": "package", "purl": "pkg:npm/lodash"});
    let first = json!({"scope": scope, "method": "manual", "shown": "party", "lease_s": 604_800});
    cast.finders[0].api.post("/v1/claims", &first)?;
    say("Alder Research claims pkg:npm/lodash for a week");
    let second = json!({"scope": scope, "method": "agent", "shown": "method", "lease_s": 86_400});
    let taken = cast.finders[1].api.post("/v1/claims", &second)?;
    let overlap = items(&taken, "overlaps").first().cloned().unwrap_or_default();
    expect(text(&overlap, "party") == "Alder Research", "the overlap names the party that chose to be named")?;
    say("Birch's agent claims it too, and is told at once: Alder Research looks at it, by hand");
    Ok(())
}

fn inventory_send(operator: &Player, asset: &str, tags: &Value, document: &[u8]) -> Result<(), Halt> {
    let body = json!({"asset": asset, "tags": tags, "document_base64": STANDARD.encode(document)});
    let taken = operator.api.post("/v1/inventories", &body)?;
    say(&format!("{}: {asset}, {} components, {}", operator.name, taken["components"], text(tags, "exposure")));
    Ok(())
}

fn inventories(cast: &Cast, examples: &Path) -> Result<(), Halt> {
    cast.desk.put("/v1/feeds/kev", "application/json", &read(&examples.join("feeds/kev.json"))?)?;
    cast.desk.put("/v1/feeds/ssvc", "text/csv", &read(&examples.join("feeds/points.csv"))?)?;
    let tags = |org: &str, exposure: &str, kind: &str, sector: &str| json!({"organisation": org, "environment": "production", "exposure": exposure, "asset_type": kind, "sector": sector});
    let folder = examples.join("inventories");
    let hospital = tags("St. Anne", "exposed", "web server", "hospital");
    inventory_send(&cast.operators[0], "ward dashboard", &hospital, &read(&folder.join("hospital.cdx.json"))?)?;
    let bank = tags("Harbor", "not-exposed", "batch server", "bank");
    inventory_send(&cast.operators[1], "statement printer", &bank, &read(&folder.join("bank-package-lock.json"))?)?;
    let utility = tags("Valley", "exposed", "gateway", "utility");
    inventory_send(&cast.operators[2], "pump gateway", &utility, &read(&folder.join("utility.cdx.json"))?)
}

/// Sends every report; gives finder and receipt of each.
fn reports(cast: &Cast, examples: &Path) -> Result<Vec<(usize, String)>, Halt> {
    let mut receipts = Vec::new();
    for line in &REPORTS {
        let bundle = examples.join(line.bundle);
        let given = Given {
            purl: Some(bundle_purl(&bundle).map_err(Halt::Unexpected)?),
            symbol: line.symbol.map(ToOwned::to_owned),
            cwe: Some(line.cwe.to_owned()),
            severity: Some("high".to_owned()),
            aliases: line.aliases.iter().map(|a| (*a).to_owned()).collect(),
            text: Some(line.text.to_owned()),
            tooling: Some(line.tooling.to_owned()),
            ..Given::default()
        };
        let packed = bundle_pack(&bundle).map_err(Halt::Unexpected)?;
        let finder = &cast.finders[line.finder];
        let taken = finder.api.post_bytes("/v1/reports", "application/json", &report_of(&packed, &given))?;
        let receipt = text(&taken, "receipt").to_owned();
        say(&format!("{receipt}  {}: {}", finder.name, line.bundle));
        receipts.push((line.finder, receipt));
    }
    Ok(receipts)
}

/// Waits until every report is done; gives each as its finder sees it.
fn proofs(cast: &Cast, receipts: &[(usize, String)]) -> Result<Vec<Value>, Halt> {
    let deadline = Instant::now() + Duration::from_secs(PROOFS_WAIT_S_MAX);
    let mut seen: Vec<Option<Value>> = vec![None; receipts.len()];
    while seen.iter().any(Option::is_none) {
        if Instant::now() > deadline {
            return Err(Halt::Unexpected(format!("the proof engine was not done after {PROOFS_WAIT_S_MAX} s")));
        }
        for (slot, (finder, receipt)) in seen.iter_mut().zip(receipts) {
            let api = &cast.finders[*finder].api;
            if slot.is_some() || text(&api.get(&format!("/v1/submissions/{receipt}"))?, "status") != "done" {
                continue;
            }
            let report = report_of_receipt(api, receipt)?;
            let finding = items(&report, "findings").first().cloned().unwrap_or_default();
            say(&format!(
                "{:<11} {}: {}",
                text(&finding, "state"),
                text(&report, "title"),
                text(&finding, "state_reason")
            ));
            *slot = Some(report);
        }
        std::thread::sleep(Duration::from_millis(LOOK_MS));
    }
    Ok(seen.into_iter().flatten().collect())
}

fn report_of_receipt(api: &Api, receipt: &str) -> Result<Value, Halt> {
    let page = api.get("/v1/reports?limit=100")?;
    let found = items(&page, "items").iter().find(|r| text(r, "receipt") == receipt);
    let id = found.map(|r| text(r, "id").to_owned());
    let id = id.ok_or_else(|| Halt::Unexpected(format!("report {receipt} is not in its finder's list")))?;
    Ok(api.get(&format!("/v1/reports/{id}"))?)
}

fn cases(cast: &Cast) -> Result<Vec<String>, Halt> {
    let page = cast.desk.get("/v1/cases?limit=100")?;
    let mut ids: Vec<String> = items(&page, "items").iter().map(|c| text(c, "id").to_owned()).collect();
    ids.reverse();
    let mut lodash_reports = 0;
    for id in &ids {
        let case = cast.desk.get(&format!("/v1/cases/{id}"))?;
        let findings = items(&case, "findings");
        say(&format!("{}  {} report(s)  {}", text(&case, "purl"), findings.len(), text(&case, "title")));
        for finding in findings.iter().skip(1) {
            say(&format!("   joined: {}", text(finding, "state_reason")));
        }
        say(&format!("   measured: {}", affected(&case)));
        if text(&case, "purl") == "pkg:npm/lodash" {
            lodash_reports = findings.len();
        }
    }
    expect(lodash_reports == 3, "the three lodash reports are one case")?;
    expect(ids.len() == 5, "eight reports gave five cases")?;
    Ok(ids)
}

/// The affected intervals of a case in one line.
pub fn affected(case: &Value) -> String {
    let intervals = case.pointer("/range/affected").and_then(Value::as_array).cloned().unwrap_or_default();
    let one = |i: &Value| match (i.get("fixed").and_then(Value::as_str), i.get("last_affected").and_then(Value::as_str))
    {
        (Some(fixed), _) => format!("{} up to before {fixed}", text(i, "introduced")),
        (None, Some(last)) => format!("{} up to {last}", text(i, "introduced")),
        (None, None) => format!("{} and later", text(i, "introduced")),
    };
    intervals.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn case_of<'a>(cast: &Cast, cases: &'a [String], purl: &str) -> Result<&'a String, Halt> {
    for id in cases {
        if text(&cast.desk.get(&format!("/v1/cases/{id}"))?, "purl") == purl {
            return Ok(id);
        }
    }
    Err(Halt::Unexpected(format!("there is no case of {purl}")))
}

fn embargo(cast: &Cast, cases: &[String]) -> Result<(), Halt> {
    let lodash = case_of(cast, cases, "pkg:npm/lodash")?;
    let case = cast.desk.get(&format!("/v1/cases/{lodash}"))?;
    let until = case.pointer("/embargo/ends").and_then(Value::as_str).unwrap_or_default().to_owned();
    let body = json!({"member": cast.operators[0].member, "tier": "2", "reason": "runs it on an exposed ward system", "until": until});
    cast.desk.post(&format!("/v1/cases/{lodash}/read-ins"), &body)?;
    let early = wait_for("the hospital's early notice", || {
        let page = cast.operators[0].api.get("/v1/notices")?;
        Ok(items(&page, "items").first().cloned())
    })?;
    say(&format!("hospital, read in at tier 2, sees the fix and the timing: {}", text(&early, "action")));
    let real = outsider(&cast.operators[1].api, &format!("/v1/cases/{lodash}"))?;
    let never = outsider(&cast.operators[1].api, "/v1/cases/case_00000000000000000000000000")?;
    expect(real == never, "an outsider gets the same answer for the case as for one that never existed")?;
    let page = cast.operators[1].api.get("/v1/notices")?;
    expect(items(&page, "items").is_empty(), "the bank has no notice yet")?;
    say("bank, not read in: the case answers exactly as one that never existed; no notice");
    Ok(())
}

fn outsider(api: &Api, path: &str) -> Result<String, Halt> {
    match api.get(path) {
        Err(ApiError::Refused { status, lines }) => Ok(format!("{status} {lines:?}")),
        Err(error) => Err(error.into()),
        Ok(_) => Err(Halt::Unexpected(format!("an outsider was shown {path}"))),
    }
}

fn fixes(cast: &Cast, cases: &[String]) -> Result<(), Halt> {
    let mut proposed = Vec::new();
    for id in cases {
        let case = cast.desk.get(&format!("/v1/cases/{id}"))?;
        let intervals = case.pointer("/range/affected").and_then(Value::as_array).cloned().unwrap_or_default();
        let fixed = intervals.iter().rev().find_map(|i| i.get("fixed").and_then(Value::as_str));
        let Some(version) = fixed else { continue };
        let body = json!({"case": id, "kind": "upgrade", "version": version});
        let fix = cast.maintainers.api.post("/v1/fixes", &body)?;
        proposed.push((text(&case, "purl").to_owned(), version.to_owned(), text(&fix, "id").to_owned()));
    }
    for (purl, version, id) in proposed {
        let fix = wait_for("the fix to be run", || {
            let fix = cast.maintainers.api.get(&format!("/v1/fixes/{id}"))?;
            Ok((text(&fix, "state") != "proposed").then_some(fix))
        })?;
        let runs = items(&fix, "matrix").len();
        say(&format!("{purl} {version}: {} by {runs} proof(s)", text(&fix, "state")));
        expect(text(&fix, "state") == "verified", "the measured fix silences every proof")?;
    }
    Ok(())
}

fn advisories(cast: &Cast, cases: &[String], key: &PublicKey) -> Result<(), Halt> {
    for id in cases {
        let verdict = json!({"verdict": "vulnerability", "reason": "confirmed; the fix is out"});
        cast.maintainers.api.post(&format!("/v1/cases/{id}/verdict"), &verdict)?;
        let case = cast.desk.get(&format!("/v1/cases/{id}"))?;
        let summary = format!("{}. Affected versions were measured: {}.", text(&case, "title"), affected(&case));
        let published =
            cast.maintainers.api.post("/v1/advisories", &json!({"case": id, "text": {"summary": summary}}))?;
        let name = text(&published, "name");
        let checked = ["osv", "csaf"].iter().try_fold((), |(), format| document_check(&cast.desk, name, format, key));
        checked?;
        say(&format!("{name}  {}  {}  OSV and CSAF, signatures hold", text(&case, "purl"), case["aliases"]));
    }
    Ok(())
}

fn document_check(api: &Api, name: &str, format: &str, key: &PublicKey) -> Result<(), Halt> {
    let body = api.get_text(&format!("/v1/advisories/{name}/{format}"))?;
    let signature = api.get_text(&format!("/v1/advisories/{name}/{format}.sig"))?;
    let damaged = |e: &dyn std::fmt::Display| Halt::Unexpected(format!("{name} {format}: {e}"));
    let signature: DetachedSignature = serde_json::from_str(&signature).map_err(|e| damaged(&e))?;
    signature.verify(body.as_bytes(), key).map_err(|e| damaged(&e))
}

fn notices(cast: &Cast) -> Result<(), Halt> {
    let counted = |operator: &Player| -> Result<usize, ApiError> {
        Ok(items(&operator.api.get("/v1/notices?limit=100")?, "items").len())
    };
    // Everything published is matched by jobs; they are done when the queue has settled on what the inventories hold.
    wait_for("the notices", || {
        Ok((counted(&cast.operators[0])? >= 4 && counted(&cast.operators[1])? >= 2).then_some(()))
    })?;
    for operator in &cast.operators {
        let page = operator.api.get("/v1/notices?limit=100")?;
        let notices = items(&page, "items");
        if notices.is_empty() {
            say(&format!("{}: nothing of theirs is affected, nothing was sent", operator.name));
        }
        for notice in notices {
            let due =
                notice.get("due").and_then(Value::as_str).map_or("on system upgrade", |d| d.get(..10).unwrap_or(d));
            let word = if notice["analogy"] == Value::Bool(true) { " (analogy)" } else { "" };
            say(&format!("{}: {} due {due}{word}", operator.name, text(notice, "action")));
        }
    }
    expect(counted(&cast.operators[2])? == 0, "the utility got no notice")
}

fn upgrade(cast: &Cast, examples: &Path) -> Result<(), Halt> {
    let document =
        String::from_utf8_lossy(&read(&examples.join("inventories/hospital.cdx.json"))?).replace("4.17.15", "4.17.21");
    let tags = json!({"organisation": "St. Anne", "environment": "production", "exposure": "exposed", "asset_type": "web server", "sector": "hospital"});
    let hospital = &cast.operators[0];
    inventory_send(hospital, "ward dashboard", &tags, document.as_bytes())?;
    let closed = wait_for("the notice to close", || {
        let page = hospital.api.get("/v1/notices?limit=100")?;
        Ok(items(&page, "items")
            .iter()
            .find(|n| text(n, "purl") == "pkg:npm/lodash" && text(n, "state") == "closed")
            .cloned())
    })?;
    say(&format!("closed by itself: {}", text(&closed, "closed_reason")));
    Ok(())
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>, ApiError>) -> Result<T, Halt> {
    let deadline = Instant::now() + Duration::from_secs(STEP_WAIT_S_MAX);
    while Instant::now() < deadline {
        if let Some(found) = look()? {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(LOOK_MS));
    }
    Err(Halt::Unexpected(format!("{what} did not come within {STEP_WAIT_S_MAX} s")))
}

fn expect(holds: bool, what: &str) -> Result<(), Halt> {
    if holds { Ok(()) } else { Err(Halt::Unexpected(format!("this must hold and does not: {what}"))) }
}

fn read(path: &Path) -> Result<Vec<u8>, Halt> {
    std::fs::read(path).map_err(|e| Halt::Unexpected(format!("read {}: {e}", path.display())))
}
