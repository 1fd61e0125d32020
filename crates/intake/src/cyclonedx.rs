//! CycloneDX with vulnerabilities (a VDR, or VEX): one report for each vulnerability of each component that is not said to be fixed
//! or not affected.

use std::collections::{BTreeMap, HashMap};

use formats::json::Node;
use formats::provenance::Credit;
use formats::purl::Purl;
use formats::tap::ContentType;

use crate::draft::{Draft, Original};
use crate::given::Given;
use crate::kind::Kind;
use crate::{Document, Left, REPORTS_COUNT_MAX, Refused};

/// States that leave nothing to report.
const DONE: [&str; 4] = ["resolved", "resolved_with_pedigree", "false_positive", "not_affected"];

/// What a component is called: its purl, or its name and version.
struct Component<'a> {
    purl: Option<&'a str>,
    name: &'a str,
    version: Option<&'a str>,
}

pub fn read(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let (mut document, node) = Document::of_json(Kind::CycloneDx, "a CycloneDX document", bytes)?;
    let Some(Node::Array(listed)) = node.get("vulnerabilities") else {
        let reason = "it lists no vulnerabilities: an inventory goes to `proofhouse inventory`".to_owned();
        return Err(Refused::Unreadable { kind: Kind::CycloneDx, reason });
    };
    let components = components(&node);
    let named = listed.iter().map(|vulnerability| vulnerability.items("affects").len().max(1)).sum();
    let original = Original::of("cyclonedx.json", ContentType::Json, bytes, named);
    for (index, vulnerability) in listed.iter().enumerate() {
        let at = format!("#/vulnerabilities/{index}");
        let state = vulnerability.get("analysis").and_then(|analysis| analysis.text("state"));
        if let Some(state) = state.filter(|state| DONE.contains(state)) {
            document.leave_out(at, format!("it says {state}: nothing to report"));
            continue;
        }
        let base = drafted(vulnerability, state).bounded();
        for (package, versions) in affected(vulnerability, &components) {
            let mut draft = base.clone();
            draft.at.clone_from(&at);
            if package.starts_with("pkg:") {
                draft.purl = Some(package);
            } else {
                draft.software = Some(package).filter(|name| !name.is_empty());
            }
            draft.versions = versions;
            draft.original.clone_from(&original);
            if !left.draw(&mut document, draft, given) {
                return Ok(document);
            }
        }
    }
    Ok(document)
}

fn components(node: &Node) -> HashMap<&str, Component<'_>> {
    let mut found = HashMap::new();
    let subject = node.get("metadata").and_then(|metadata| metadata.get("component"));
    let mut open: Vec<&Node> = subject.into_iter().chain(node.items("components")).collect();
    while let Some(component) = open.pop() {
        open.extend(component.items("components"));
        if let Some(reference) = component.text("bom-ref") {
            let name = component.text("name").unwrap_or(reference);
            found.insert(
                reference,
                Component { purl: component.text("purl"), name, version: component.text("version") },
            );
        }
    }
    found
}

/// Versions by package. A vulnerability without one that is named is one of an unknown package.
fn affected(vulnerability: &Node, components: &HashMap<&str, Component<'_>>) -> BTreeMap<String, Vec<String>> {
    let mut packages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for target in vulnerability.items("affects").iter().take(REPORTS_COUNT_MAX) {
        let Some(reference) = target.text("ref") else { continue };
        // `urn:cdx:<serial>/<version>#<ref>` names a component of this document or of another.
        let inner = reference.rsplit_once('#').filter(|_| reference.starts_with("urn:cdx:")).map(|(_, inner)| inner);
        let component = components.get(reference).or_else(|| components.get(inner?));
        let purl =
            component.and_then(|c| c.purl).or(Some(inner.unwrap_or(reference)).filter(|r| r.starts_with("pkg:")));
        let parsed = purl.and_then(|purl| purl.parse::<Purl>().ok());
        let mut versions: Vec<String> = Vec::new();
        for entry in target.items("versions").iter().take(256) {
            if entry.text("status").is_none_or(|status| status == "affected") {
                versions.extend(entry.text("version").map(str::to_owned));
            }
        }
        if versions.is_empty() {
            let own = parsed.as_ref().and_then(|purl| purl.version.clone());
            versions.extend(own.or_else(|| component.and_then(|c| c.version).map(str::to_owned)));
        }
        let name = component.map_or(inner.unwrap_or(reference), |c| c.name);
        let package = parsed.map_or_else(|| name.to_owned(), |purl| purl.canonical);
        packages.entry(package).or_default().extend(versions);
    }
    if packages.is_empty() {
        packages.insert(String::new(), Vec::new());
    }
    packages
}

fn drafted(vulnerability: &Node, state: Option<&str>) -> Draft {
    let id = vulnerability.text("id").unwrap_or_default();
    let description = vulnerability.text("description").unwrap_or_default();
    let mut draft = Draft { title: description.lines().next().unwrap_or(id).to_owned(), ..Draft::default() };
    if draft.title.trim().is_empty() {
        draft.title = id.to_owned();
    }
    let parts = [Some(description), vulnerability.text("detail"), vulnerability.text("recommendation")];
    draft.text = parts.into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n");
    draft.ids.push(id.to_owned());
    draft.ids.extend(vulnerability.items("references").iter().filter_map(|r| r.text("id")).map(str::to_owned));
    for cwe in vulnerability.items("cwes") {
        if let Node::Number(number) = cwe {
            draft.cwes.push(format!("CWE-{number}"));
        }
    }
    for rating in vulnerability.items("ratings") {
        draft.cvss.extend(rating.text("vector").map(str::to_owned));
        draft.severity = draft.severity.take().or_else(|| rating.text("severity").map(str::to_owned));
    }
    draft.references.extend(vulnerability.items("advisories").iter().filter_map(|a| a.text("url")).map(str::to_owned));
    draft.references.extend(vulnerability.get("source").and_then(|source| source.text("url")).map(str::to_owned));
    draft.vex_status = match state {
        Some("exploitable") => Some("affected"),
        Some("in_triage") => Some("under_investigation"),
        _ => None,
    };
    draft.note("workaround", vulnerability.text("workaround").unwrap_or_default());
    let proof = vulnerability.get("proofOfConcept");
    draft.note("to reproduce", proof.and_then(|p| p.text("reproductionSteps")).unwrap_or_default());
    if let Some(credits) = vulnerability.get("credits") {
        for (list, role) in [("individuals", ""), ("organizations", "organisation")] {
            for one in credits.items(list).iter().filter_map(|one| one.text("name")) {
                draft.credits.push(Credit { name: one.to_owned(), role: role.to_owned() });
            }
        }
    }
    let tools = vulnerability.get("tools");
    let tool = tools.and_then(|t| t.items("components").first()).and_then(|tool| tool.text("name"));
    draft.tool = tool.or_else(|| vulnerability.items("tools").first().and_then(|t| t.text("name"))).map(str::to_owned);
    draft
}
