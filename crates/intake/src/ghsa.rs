//! Advisories as GitHub's API gives them, of its own list and of a repository: one report for each package. Withdrawn ones make none.

use formats::json::{self, Node};
use formats::provenance::Credit;
use formats::tap::ContentType;

use crate::draft::Draft;
use crate::given::Given;
use crate::kind::Kind;
use crate::text::line;
use crate::{DOCUMENT_BYTES_MAX, Document, Left, Refused};

/// GitHub's names of ecosystems, and OSV's.
const ECOSYSTEMS: [(&str, &str); 13] = [
    ("npm", "npm"),
    ("pip", "PyPI"),
    ("maven", "Maven"),
    ("go", "Go"),
    ("rubygems", "RubyGems"),
    ("composer", "Packagist"),
    ("nuget", "NuGet"),
    ("rust", "crates.io"),
    ("erlang", "Hex"),
    ("pub", "Pub"),
    ("swift", "SwiftURL"),
    ("actions", "GitHub Actions"),
    ("gomod", "Go"),
];

pub fn read(bytes: &[u8], given: &Given, _: &mut Left) -> Result<Document, Refused> {
    let node =
        json::document("a GitHub advisory", bytes, DOCUMENT_BYTES_MAX).map_err(Refused::unreadable(Kind::Ghsa))?;
    let mut document = Document::new(Kind::Ghsa);
    if let Some(key) = node.repeated_key_within() {
        let text = "a key stands twice; the last one counts";
        document.warnings.push(formats::Warning::new("repeated_key", line(key, 64), text));
    }
    if let Some(when) = node.text("withdrawn_at") {
        document.leave_out("", format!("the advisory was withdrawn on {}", line(when, 40)));
        return Ok(document);
    }
    let mut packages = Vec::<(String, Draft)>::new();
    for (index, item) in node.items("vulnerabilities").iter().enumerate() {
        let package = item.get("package").unwrap_or(&Node::Null);
        let name = package.text("name").unwrap_or_default();
        let key = format!("{} {name}", package.text("ecosystem").unwrap_or_default());
        let at = match packages.iter().position(|(other, _)| *other == key) {
            Some(at) => at,
            None => {
                let mut draft = drafted(&node, bytes);
                draft.at = format!("#/vulnerabilities/{index}");
                packages.push((key, draft));
                packages.len() - 1
            }
        };
        if let Some((_, draft)) = packages.get_mut(at) {
            package_put(draft, item, package);
        }
    }
    if packages.is_empty() {
        packages.push((String::new(), drafted(&node, bytes)));
    }
    document.reports.extend(packages.into_iter().map(|(_, draft)| draft.understood(Kind::Ghsa, given)));
    Ok(document)
}

fn package_put(draft: &mut Draft, item: &Node, package: &Node) {
    let told = package.text("ecosystem").unwrap_or_default();
    let known = ECOSYSTEMS.iter().find(|(word, _)| word.eq_ignore_ascii_case(told)).map(|(_, osv)| *osv);
    draft.ecosystem = Some(known.unwrap_or(told).to_owned()).filter(|word| !word.is_empty());
    draft.software = package.text("name").map(str::to_owned);
    draft.note("vulnerable versions", item.text("vulnerable_version_range").unwrap_or_default());
    let patched = item.get("first_patched_version").and_then(|first| match first {
        Node::String(text) => Some(text.as_str()),
        other => other.text("identifier"),
    });
    draft.note("patched versions", item.text("patched_versions").or(patched).unwrap_or_default());
    // `= 1.2.3` is one version; ranges stay words.
    let exact = item.text("vulnerable_version_range").and_then(|range| range.trim().strip_prefix("= "));
    draft.versions.extend(exact.filter(|version| !version.contains(',')).map(str::to_owned));
    let functions = item.items("vulnerable_functions").iter().filter_map(text_of);
    let functions: Vec<&str> = functions.collect();
    draft.note("vulnerable functions", &functions.join(", "));
    draft.symbol.function = draft.symbol.function.take().or_else(|| functions.first().map(|f| (*f).to_owned()));
}

fn text_of(node: &Node) -> Option<&str> {
    match node {
        Node::String(text) => Some(text.as_str()),
        _ => None,
    }
}

fn drafted(node: &Node, bytes: &[u8]) -> Draft {
    let mut draft = Draft {
        title: node.text("summary").unwrap_or_default().to_owned(),
        text: node.text("description").unwrap_or_default().to_owned(),
        severity: node.text("severity").map(str::to_owned),
        repo: node.text("source_code_location").or_else(|| node.text("repository_url")).map(str::to_owned),
        original: Some(("ghsa.json", ContentType::Json, bytes.to_vec())),
        ..Draft::default()
    };
    draft.ids.extend(["ghsa_id", "cve_id"].iter().filter_map(|field| node.text(field)).map(str::to_owned));
    draft.ids.extend(node.items("identifiers").iter().filter_map(|id| id.text("value")).map(str::to_owned));
    draft.cwes.extend(node.items("cwes").iter().filter_map(|cwe| cwe.text("cwe_id")).map(str::to_owned));
    draft.cwes.extend(node.items("cwe_ids").iter().filter_map(text_of).map(str::to_owned));
    let vectors = node.get("cvss_severities").map(|all| ["cvss_v4", "cvss_v3"].map(|v| all.get(v)));
    let vectors = vectors.into_iter().flatten().flatten().chain(node.get("cvss"));
    draft.cvss.extend(vectors.filter_map(|cvss| cvss.text("vector_string")).map(str::to_owned));
    draft.cvss.dedup();
    draft.references.extend(node.text("html_url").map(str::to_owned));
    let url = |item: &Node| text_of(item).or_else(|| item.text("url")).map(str::to_owned);
    draft.references.extend(node.items("references").iter().filter_map(url));
    let detailed = node.items("credits_detailed");
    for credit in if detailed.is_empty() { node.items("credits") } else { detailed } {
        let login = credit.text("login").or_else(|| credit.get("user").and_then(|user| user.text("login")));
        if let Some(name) = login {
            let role = credit.text("type").unwrap_or_default().to_owned();
            draft.credits.push(Credit { name: name.to_owned(), role });
        }
    }
    draft.note("published", node.text("published_at").unwrap_or_default());
    draft
}
