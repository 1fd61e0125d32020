//! Advisories as GitHub's API gives them, of its own list and of a repository: one report for each package. Withdrawn ones make none.

use std::collections::HashMap;

use formats::json::Node;
use formats::provenance::Credit;
use formats::tap::ContentType;

use crate::draft::{Draft, Original};
use crate::given::Given;
use crate::kind::Kind;
use crate::text::line;
use crate::{Document, Left, Refused};

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

pub fn read(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let (mut document, node) = Document::of_json(Kind::Ghsa, "a GitHub advisory", bytes)?;
    if let Some(when) = node.text("withdrawn_at") {
        document.leave_out("", format!("the advisory was withdrawn on {}", line(when, 40)));
        return Ok(document);
    }
    // The entries of each package, by where the first of them stands.
    let (mut packages, mut known) = (Vec::<(usize, Vec<&Node>)>::new(), HashMap::new());
    for (index, item) in node.items("vulnerabilities").iter().enumerate() {
        let package = item.get("package").unwrap_or(&Node::Null);
        let at = *known.entry((package.text("ecosystem"), package.text("name"))).or_insert(packages.len());
        match packages.get_mut(at) {
            Some((_, items)) => items.push(item),
            None => packages.push((index, vec![item])),
        }
    }
    let mut base = drafted(&node).bounded();
    base.original = Original::of("ghsa.json", ContentType::Json, bytes, packages.len());
    for (index, items) in &packages {
        let mut draft = Draft { at: format!("#/vulnerabilities/{index}"), ..base.clone() };
        items.iter().for_each(|item| package_put(&mut draft, item));
        if !left.draw(&mut document, draft, given) {
            return Ok(document);
        }
    }
    if packages.is_empty() {
        left.draw(&mut document, base, given);
    }
    Ok(document)
}

fn package_put(draft: &mut Draft, item: &Node) {
    let package = item.get("package").unwrap_or(&Node::Null);
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

fn drafted(node: &Node) -> Draft {
    let mut draft = Draft {
        title: node.text("summary").unwrap_or_default().to_owned(),
        text: node.text("description").unwrap_or_default().to_owned(),
        severity: node.text("severity").map(str::to_owned),
        repo: node.text("source_code_location").or_else(|| node.text("repository_url")).map(str::to_owned),
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
