//! CSAF 2.0 and 2.1, advisories and VEX: one report for each vulnerability of each package that is affected or looked into. Products
//! are resolved by `formats::vex`.

use std::collections::BTreeMap;

use formats::json::Node;
use formats::openvex::{Statement, Status};
use formats::provenance::{Credit, Hop};
use formats::purl::Purl;
use formats::tap::ContentType;
use formats::vex;

use crate::draft::{Draft, LIST_COUNT_MAX, Original};
use crate::given::Given;
use crate::kind::Kind;
use crate::text::line;
use crate::{Document, Left, Refused};

pub fn read(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let (mut document, node) = Document::of_json(Kind::Csaf, "a CSAF document", bytes)?;
    if node.get("document").and_then(|about| about.get("csaf_version")).is_none() {
        return Err(Refused::Unknown { what: "JSON with a `document`, but without `csaf_version`".to_owned() });
    }
    let (statements, warnings) = vex::read(bytes).map_err(Refused::unreadable(Kind::Csaf))?;
    document.warnings.extend(warnings);
    let mut of: BTreeMap<&str, Vec<&Statement>> = BTreeMap::new();
    for statement in &statements.statements {
        of.entry(statement.vulnerability.as_str()).or_default().push(statement);
    }
    let named = statements.statements.iter().map(|statement| statement.products.len()).sum();
    let original = Original::of("csaf.json", ContentType::Json, bytes, named);
    for (index, vulnerability) in node.items("vulnerabilities").iter().enumerate() {
        let at = format!("#/vulnerabilities/{index}");
        let ids: Vec<&str> = vulnerability.items("ids").iter().filter_map(|id| id.text("text")).collect();
        let name = vulnerability.text("cve").or_else(|| ids.first().copied()).unwrap_or_default();
        // Taken out, so that an id that stands twice does not make each report twice.
        let said = of.remove(name).unwrap_or_default();
        let packages = packages(&said);
        if packages.is_empty() {
            document.leave_out(at, "no product is said to be affected or under investigation");
            continue;
        }
        let base = drafted(&node, vulnerability, &ids).bounded();
        for (package, (versions, status)) in packages {
            let mut draft = base.clone();
            draft.at.clone_from(&at);
            if package.starts_with("pkg:") {
                draft.purl = Some(package);
            } else {
                draft.software = Some(package);
            }
            draft.versions = versions;
            draft.vex_status = Some(status.as_str());
            draft.original.clone_from(&original);
            if !left.draw(&mut document, draft, given) {
                return Ok(document);
            }
        }
    }
    Ok(document)
}

/// Versions by package, in order; a package that is affected in one version is affected.
fn packages(said: &[&Statement]) -> BTreeMap<String, (Vec<String>, Status)> {
    let mut packages: BTreeMap<String, (Vec<String>, Status)> = BTreeMap::new();
    for statement in said {
        if !matches!(statement.status, Status::Affected | Status::UnderInvestigation) {
            continue;
        }
        for product in &statement.products {
            let purl = product.parse::<Purl>().ok();
            let version = purl.as_ref().and_then(|purl| purl.version.clone());
            let package = purl.map_or_else(|| product.clone(), |purl| purl.canonical);
            let (versions, status) = packages.entry(package).or_insert_with(|| (Vec::new(), statement.status));
            versions.extend(version);
            if statement.status == Status::Affected {
                *status = Status::Affected;
            }
        }
    }
    packages
}

fn drafted(node: &Node, vulnerability: &Node, ids: &[&str]) -> Draft {
    let about = node.get("document").unwrap_or(&Node::Null);
    let title = vulnerability.text("title").or_else(|| about.text("title")).unwrap_or_default().to_owned();
    let mut draft = Draft { title, ..Draft::default() };
    draft.ids.extend(vulnerability.text("cve").map(str::to_owned));
    draft.ids.extend(ids.iter().map(|id| (*id).to_owned()));
    draft.cwes.extend(vulnerability.get("cwe").and_then(|cwe| cwe.text("id")).map(str::to_owned));
    draft.cwes.extend(vulnerability.items("cwes").iter().filter_map(|cwe| cwe.text("id")).map(str::to_owned));
    let notes: Vec<&str> = vulnerability.items("notes").iter().filter_map(|note| note.text("text")).collect();
    draft.text = notes.join("\n\n");
    draft.severity = about.get("aggregate_severity").and_then(|word| word.text("text")).map(str::to_owned);
    for score in vulnerability.items("scores").iter().chain(vulnerability.items("metrics")) {
        let score = score.get("content").unwrap_or(score);
        for version in ["cvss_v4", "cvss_v3"] {
            draft.cvss.extend(score.get(version).and_then(|cvss| cvss.text("vectorString")).map(str::to_owned));
            let word = score.get(version).and_then(|cvss| cvss.text("baseSeverity")).map(str::to_lowercase);
            draft.severity = draft.severity.take().or(word);
        }
    }
    let both = vulnerability.items("references").iter().chain(about.items("references"));
    draft.references.extend(both.take(LIST_COUNT_MAX).filter_map(|reference| reference.text("url")).map(str::to_owned));
    for fix in vulnerability.items("remediations") {
        let told = format!("{}: {}", fix.text("category").unwrap_or_default(), fix.text("details").unwrap_or_default());
        draft.note("remediation", &told);
    }
    let thanked = vulnerability.items("acknowledgments").iter().chain(about.items("acknowledgments"));
    for thanks in thanked.take(LIST_COUNT_MAX) {
        let organization = thanks.text("organization");
        let names = thanks.items("names").iter().filter_map(|name| match name {
            Node::String(name) => Some(name.as_str()),
            _ => None,
        });
        let names: Vec<&str> = names.collect();
        let all = if names.is_empty() { organization.into_iter().collect() } else { names };
        draft.credits.extend(all.into_iter().map(|name| Credit { name: name.to_owned(), role: String::new() }));
    }
    if let Some(publisher) = about.get("publisher").and_then(|publisher| publisher.text("name")) {
        let handling_id = about.get("tracking").and_then(|tracking| tracking.text("id")).map(|id| line(id, 256));
        draft.chain.push(Hop { party: line(publisher, 256), handling_id });
    }
    if let Some(label) = about.get("distribution").and_then(|d| d.get("tlp")).and_then(|tlp| tlp.text("label")) {
        draft.note("TLP", label);
    }
    draft
}
