//! SARIF 2.1.0: each result of each run is a report, with its code flow, its tool's fingerprints and the rule. What the tool's users
//! have suppressed, what passed, and what is gone since the last run make none, and are told. Files that a run refers to are not
//! fetched.

use std::collections::HashMap;

use formats::json::Node;
use formats::tap::{ContentType, Symbol};
use serde_json::{Map, Value, json};

use crate::draft::{Draft, Original};
use crate::given::Given;
use crate::kind::Kind;
use crate::text::{cut, line, severity_of_score};
use crate::{Document, Left, Refused};

/// Steps of one code flow that are told.
const STEPS_TOLD_MAX: usize = 64;
/// A code flow longer than this is left out of the part that goes along, in bytes of the result.
const RESULT_BYTES_MAX: usize = 128 * 1024;
/// The file that a result is in goes along up to this size, in bytes.
const ARTIFACT_BYTES_MAX: usize = 64 * 1024;
/// What results share goes along with each of them up to this size, in bytes: a rule, what a run was made of.
const SHARED_BYTES_MAX: usize = 16 * 1024;
/// A message, in bytes: many results can take theirs from one rule.
const MESSAGE_BYTES_MAX: usize = 8 * 1024;
/// A word of a rule or a tool, in bytes.
const WORD_BYTES_MAX: usize = 1_024;
/// Arguments of a message.
const ARGUMENTS_MAX: usize = 32;
/// One of them, in bytes.
const ARGUMENT_BYTES_MAX: usize = 256;
/// Tags and taxa of one result that are looked at for weaknesses.
const TAGS_COUNT_MAX: usize = 64;

pub fn read(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let (mut document, node) = Document::of_json(Kind::Sarif, "a SARIF log", bytes)?;
    let version = node.text("version").unwrap_or_default();
    if version != "2.1.0" {
        let reason = format!("its version is {:?}; 2.1.0 is read", line(version, 32));
        return Err(Refused::Unreadable { kind: Kind::Sarif, reason });
    }
    for (run_at, node) in node.items("runs").iter().enumerate() {
        let run = Run::of(node);
        for (at, result) in node.items("results").iter().enumerate() {
            let place = format!("#/runs/{run_at}/results/{at}");
            if let Some(reason) = nothing_to_report(result, given) {
                document.leave_out(place, reason);
                continue;
            }
            let draft = run.drafted(result, place, given);
            if !left.draw(&mut document, draft, given) {
                return Ok(document);
            }
        }
    }
    Ok(document)
}

fn nothing_to_report(result: &Node, given: &Given) -> Option<String> {
    let kind = result.text("kind").unwrap_or("fail");
    if matches!(kind, "pass" | "notApplicable" | "informational") {
        return Some(format!("its kind is {kind}"));
    }
    if result.text("baselineState") == Some("absent") {
        return Some("it is gone since the last run".to_owned());
    }
    // A suppression counts unless it is still asked for or was refused (section 3.35.3).
    let counts = |s: &&Node| !matches!(s.text("status"), Some("underReview" | "rejected"));
    let suppression = result.items("suppressions").iter().find(counts)?;
    let why = line(suppression.text("justification").unwrap_or("no reason is given"), 200);
    (!given.suppressed).then(|| format!("the tool's users suppressed it: {why}"))
}

/// What all results of one run share.
struct Run<'a> {
    node: &'a Node,
    driver: &'a Node,
    rules: HashMap<&'a str, &'a Node>,
    /// What goes along of each rule, by where that lies.
    shared: HashMap<*const Node, Value>,
    provenance: Option<Value>,
}

/// A value that goes along with many results: nothing where it is large.
fn shared(node: &Node) -> Option<Value> {
    node.value().filter(|value| value.to_string().len() <= SHARED_BYTES_MAX)
}

/// A rule, or where it is large only what it is called.
fn rule_shared(rule: &Node) -> Option<Value> {
    let named = || {
        let words = ["id", "name", "helpUri"].into_iter();
        let words = words.filter_map(|field| Some((field.to_owned(), json!(cut(rule.text(field)?, WORD_BYTES_MAX)))));
        Value::Object(words.collect())
    };
    Some(shared(rule).unwrap_or_else(named))
}

impl<'a> Run<'a> {
    fn of(node: &'a Node) -> Self {
        let driver = node.get("tool").and_then(|tool| tool.get("driver")).unwrap_or(&Node::Null);
        let extensions = node.get("tool").map_or(&[][..], |tool| tool.items("extensions"));
        let all = extensions.iter().chain(std::iter::once(driver)).flat_map(|part| part.items("rules"));
        let shared = all.clone().filter_map(|rule| Some((std::ptr::from_ref(rule), rule_shared(rule)?))).collect();
        let rules = all.filter_map(|rule| Some((rule.text("id")?, rule))).collect();
        Run { node, driver, rules, shared, provenance: node.get("versionControlProvenance").and_then(self::shared) }
    }

    fn rule(&self, result: &'a Node) -> Option<&'a Node> {
        let reference = result.get("rule");
        let index = number(reference.and_then(|r| r.get("index")).or_else(|| result.get("ruleIndex")));
        let component = reference.and_then(|r| r.get("toolComponent")).and_then(|c| number(c.get("index")));
        let owner = match component {
            Some(at) => self.node.get("tool").and_then(|tool| tool.items("extensions").get(at)),
            None => Some(self.driver),
        };
        let by_index = index.and_then(|at| owner?.items("rules").get(at));
        let id = result.text("ruleId").or_else(|| reference.and_then(|r| r.text("id")));
        // `CA1000/1` is a part of the rule CA1000.
        let by_id = || id.and_then(|id| self.rules.get(id).or_else(|| self.rules.get(id.rsplit_once('/')?.0))).copied();
        by_index.or_else(by_id)
    }

    fn drafted(&self, result: &'a Node, at: String, given: &Given) -> Draft {
        let rule = self.rule(result);
        let rule_id = result.text("ruleId").or_else(|| rule.and_then(|rule| rule.text("id"))).unwrap_or_default();
        let message = self.message(result, rule);
        let mut draft = Draft { at, text: message.clone(), method: Some("static analysis"), ..Draft::default() };
        let name = cut(self.driver.text("name").unwrap_or_default(), WORD_BYTES_MAX);
        let version = self.driver.text("semanticVersion").or_else(|| self.driver.text("version")).unwrap_or_default();
        draft.tool = Some(format!("{name} {}", cut(version, WORD_BYTES_MAX)));
        let short = rule.and_then(|rule| rule.get("shortDescription")).and_then(|text| text.text("text"));
        let short = short.unwrap_or(message.lines().next().unwrap_or_default());
        draft.title = format!("{}: {}", cut(rule_id, WORD_BYTES_MAX), cut(short, WORD_BYTES_MAX));
        draft.note("rule", rule_id);
        self.weakness_put(&mut draft, result, rule);
        let level = result.text("level").or_else(|| rule?.get("defaultConfiguration")?.text("level"));
        draft.severity = draft.severity.take().or_else(|| Some(level.unwrap_or("warning").to_owned()));
        self.place_put(&mut draft, result);
        if let (None, Some(found)) = (&draft.symbol.function, given.symbols.get(&draft.at)) {
            draft.symbol.function = Some(found.name.clone());
            draft.note("enclosing function", &format!("{}, found in the {}", found.name, found.origin.as_str()));
        }
        for (key, value) in result.members("partialFingerprints").iter().chain(result.members("fingerprints")).take(16)
        {
            if let Node::String(value) = value {
                draft.note(&format!("fingerprint {}", line(key, 64)), value);
            }
        }
        for flow in result.items("codeFlows").iter().take(1) {
            self.flow_put(&mut draft, flow);
        }
        let provenance = self.node.items("versionControlProvenance").first();
        draft.repo = provenance.and_then(|p| p.text("repositoryUri")).map(str::to_owned);
        draft.note("revision", provenance.and_then(|p| p.text("revisionId")).unwrap_or_default());
        let told =
            [result.get("properties"), rule.and_then(|rule| rule.get("properties")), self.node.get("properties")];
        let package = told.into_iter().flatten().find_map(|p| p.text("purl").or_else(|| p.text("package")));
        match package {
            Some(purl) if purl.starts_with("pkg:") => draft.purl = Some(cut(purl, WORD_BYTES_MAX).to_owned()),
            Some(name) => draft.software = Some(cut(name, WORD_BYTES_MAX).to_owned()),
            None => {}
        }
        let help = rule.and_then(|rule| rule.text("helpUri")).filter(|url| url.len() <= WORD_BYTES_MAX);
        draft.references.extend(help.map(str::to_owned));
        for suppression in result.items("suppressions") {
            let told = suppression.text("justification").unwrap_or("no reason is given");
            draft.note(&format!("suppression ({})", line(suppression.text("status").unwrap_or("accepted"), 32)), told);
        }
        let part = self.part(&mut draft, result, rule);
        draft.original = Original::of("result.sarif.json", ContentType::Json, &part, 1);
        draft
    }

    fn message(&self, result: &Node, rule: Option<&Node>) -> String {
        let Some(message) = result.get("message") else { return String::new() };
        let id = message.text("id");
        let strings = rule.and_then(|rule| rule.get("messageStrings"));
        let known = id.and_then(|id| strings?.get(id)).and_then(|text| text.text("text"));
        let text = message.text("text").or(known).or_else(|| message.text("markdown")).unwrap_or_default();
        let mut text = cut(text, MESSAGE_BYTES_MAX).to_owned();
        for (at, argument) in message.items("arguments").iter().take(ARGUMENTS_MAX).enumerate() {
            if let Node::String(argument) = argument {
                text = text.replace(&format!("{{{at}}}"), cut(argument, ARGUMENT_BYTES_MAX));
            }
            text.truncate(cut(&text, MESSAGE_BYTES_MAX).len());
        }
        text
    }

    fn weakness_put(&self, draft: &mut Draft, result: &Node, rule: Option<&Node>) {
        for properties in [result.get("properties"), rule.and_then(|rule| rule.get("properties"))].into_iter().flatten()
        {
            let tags = properties.items("tags").iter().take(TAGS_COUNT_MAX);
            let own = properties.items("cwe").iter().take(TAGS_COUNT_MAX);
            let words = tags.chain(own).filter_map(text_of).chain(properties.text("cwe"));
            draft.cwes.extend(words.map(|word| cut(word, WORD_BYTES_MAX).to_owned()));
            let score = match properties.get("security-severity") {
                Some(Node::String(score)) => score.parse::<f64>().ok(),
                Some(Node::Number(score)) => score.as_f64(),
                _ => None,
            };
            let word = score.and_then(severity_of_score).map(str::to_owned);
            draft.severity = draft.severity.take().or(word);
        }
        let is_cwe = |taxon: &&Node| {
            taxon.get("toolComponent").and_then(|c| c.text("name")).is_some_and(|name| name.eq_ignore_ascii_case("cwe"))
        };
        let targets = rule.map_or(&[][..], |rule| rule.items("relationships")).iter().filter_map(|r| r.get("target"));
        let taxa = result.items("taxa").iter().chain(targets).take(TAGS_COUNT_MAX).filter(is_cwe);
        let ids = taxa.filter_map(|taxon| taxon.text("id")).map(|id| cut(id, WORD_BYTES_MAX));
        let is_number = |id: &str| id.starts_with(|c: char| c.is_ascii_digit());
        draft.cwes.extend(ids.map(|id| if is_number(id) { format!("CWE-{id}") } else { id.to_owned() }));
    }

    fn place_put(&self, draft: &mut Draft, result: &'a Node) {
        let Some(location) = result.items("locations").first() else { return };
        let logical = location.items("logicalLocations").first().map(|logical| {
            let index = number(logical.get("index"));
            index.and_then(|at| self.node.items("logicalLocations").get(at)).unwrap_or(logical)
        });
        let name = logical.and_then(|l| l.text("fullyQualifiedName").or_else(|| l.text("name")));
        let physical = location.get("physicalLocation").unwrap_or(&Node::Null);
        let file = self.file(physical);
        let region = physical.get("region");
        draft.symbol = Symbol {
            file: file.clone(),
            function: name.map(triage::place::normal).filter(|name| !name.is_empty()),
            line: region.and_then(|region| number(region.get("startLine"))).map(|at| at as u64),
        };
        draft.code_path = place(&file, region);
        let both = [region, physical.get("contextRegion")].into_iter().flatten();
        let snippet = both.filter_map(|region| region.get("snippet")?.text("text")).next();
        if let Some(snippet) = snippet {
            draft.text.push_str(&format!("\n\n```\n{}\n```\n", cut(snippet, 8_000).replace("```", "` ` `")));
        }
    }

    fn file(&self, physical: &Node) -> Option<String> {
        let artifact = physical.get("artifactLocation")?;
        let indexed =
            number(artifact.get("index")).and_then(|at| self.node.items("artifacts").get(at)?.get("location"));
        let uri = artifact.text("uri").or_else(|| indexed?.text("uri"))?;
        Some(uri.trim_start_matches("file://").trim_start_matches("./").to_owned())
    }

    fn flow_put(&self, draft: &mut Draft, flow: &Node) {
        let steps = flow.items("threadFlows").first().map_or(&[][..], |thread| thread.items("locations"));
        for (at, step) in steps.iter().take(STEPS_TOLD_MAX).enumerate() {
            let Some(location) = step.get("location") else { continue };
            let physical = location.get("physicalLocation").unwrap_or(&Node::Null);
            let told = location.get("message").and_then(|message| message.text("text")).unwrap_or_default();
            let place = place(&self.file(physical), physical.get("region")).unwrap_or_default();
            draft.note(&format!("flow {}", at + 1), &format!("{place} {told}"));
        }
        if steps.len() > STEPS_TOLD_MAX {
            draft.note("flow", &format!("{} more steps", steps.len() - STEPS_TOLD_MAX));
        }
    }

    /// The text of the file that a result is in, so that its function can be found where it is read. An index would point into
    /// artifacts that are not in the part.
    fn artifact(&self, result: &Map<String, Value>) -> Option<Value> {
        let location = result.get("locations")?.get(0)?.get("physicalLocation")?.get("artifactLocation")?;
        let index = location.get("index").and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
        let one = artifact_of(self.node, location.get("uri").and_then(Value::as_str), index)?;
        let text = one.get("contents")?.text("text").filter(|text| text.len() <= ARTIFACT_BYTES_MAX)?;
        let location = one.get("location")?.value()?;
        Some(json!({"location": location, "contents": {"text": text}}))
    }

    /// A SARIF log of this result alone, with its rule: what goes along.
    fn part(&self, draft: &mut Draft, result: &Node, rule: Option<&Node>) -> Vec<u8> {
        let Some(Value::Object(mut result)) = result.value() else { return Vec::new() };
        // These point into parts of the run that are not in here.
        for field in ["ruleIndex", "rule", "taxa", "graphs", "attachments", "provenance"] {
            result.remove(field);
        }
        if Value::Object(result.clone()).to_string().len() > RESULT_BYTES_MAX {
            result.remove("codeFlows");
            draft.warn("cut", "codeFlows", "too large to go along");
        }
        let mut driver = Map::new();
        for field in ["name", "semanticVersion", "version", "informationUri"] {
            if let Some(text) = self.driver.text(field) {
                driver.insert(field.to_owned(), json!(cut(text, WORD_BYTES_MAX)));
            }
        }
        if let Some(rule) = rule.and_then(|rule| self.shared.get(&std::ptr::from_ref(rule))) {
            driver.insert("rules".to_owned(), json!([rule]));
        }
        let mut run = Map::from_iter([("tool".to_owned(), json!({"driver": driver}))]);
        if let Some(artifact) = self.artifact(&result) {
            run.insert("artifacts".to_owned(), json!([artifact]));
        }
        if let Some(provenance) = &self.provenance {
            run.insert("versionControlProvenance".to_owned(), provenance.clone());
        }
        run.insert("results".to_owned(), json!([result]));
        json!({"version": "2.1.0", "runs": [run]}).to_string().into_bytes()
    }
}

/// The file of a result's first place, where the log has its text.
fn artifact_of<'n>(run: &'n Node, uri: Option<&str>, index: Option<usize>) -> Option<&'n Node> {
    let artifacts = run.items("artifacts");
    let is_it = |one: &&Node| uri.is_some() && one.get("location").and_then(|l| l.text("uri")) == uri;
    let one = index.and_then(|at| artifacts.get(at)).or_else(|| artifacts.iter().find(is_it))?;
    one.get("contents").and_then(|contents| contents.text("text")).map(|_| one)
}

fn place(file: &Option<String>, region: Option<&Node>) -> Option<String> {
    let at = region.and_then(|region| number(region.get("startLine"))).map(|at| format!(":{at}"));
    file.as_ref().map(|file| format!("{file}{}", at.unwrap_or_default()))
}

fn number(node: Option<&Node>) -> Option<usize> {
    match node? {
        Node::Number(number) => number.as_u64().and_then(|n| usize::try_from(n).ok()),
        _ => None,
    }
}

fn text_of(node: &Node) -> Option<&str> {
    match node {
        Node::String(text) => Some(text.as_str()),
        _ => None,
    }
}
