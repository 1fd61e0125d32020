//! Records of the CVE list, format 5.x: one report for each affected product. Rejected records make none.

use formats::json::Node;
use formats::provenance::{Credit, Hop};
use formats::tap::ContentType;

use crate::draft::{Draft, Original};
use crate::given::Given;
use crate::kind::Kind;
use crate::text::line;
use crate::{Document, Left, Refused};

/// Part of the host of a `collectionURL`, and the ecosystem whose collection that is.
const COLLECTIONS: [(&str, &str); 9] = [
    ("npmjs", "npm"),
    ("pypi", "PyPI"),
    ("crates", "crates.io"),
    ("maven", "Maven"),
    ("rubygems", "RubyGems"),
    ("packagist", "Packagist"),
    ("nuget", "NuGet"),
    ("hex", "Hex"),
    ("go", "Go"),
];

pub fn read(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let (mut document, node) = Document::of_json(Kind::Cve, "a CVE record", bytes)?;
    let version = node.text("dataVersion").unwrap_or_default();
    if !version.starts_with("5.") {
        let reason = format!("its version is {}; 5.x is read", line(version, 32));
        return Err(Refused::Unreadable { kind: Kind::Cve, reason });
    }
    let about = node.get("cveMetadata").unwrap_or(&Node::Null);
    if about.text("state") == Some("REJECTED") {
        document.leave_out("", "the record was rejected");
        return Ok(document);
    }
    let containers = node.get("containers").unwrap_or(&Node::Null);
    let Some(cna) = containers.get("cna") else {
        return Err(Refused::Unreadable { kind: Kind::Cve, reason: "it has no containers.cna".to_owned() });
    };
    let products = cna.items("affected");
    let mut base = drafted(about, cna, containers.items("adp")).bounded();
    base.original = Original::of("cve.json", ContentType::Json, bytes, products.len());
    for (index, product) in products.iter().enumerate() {
        let mut draft = base.clone();
        draft.at = format!("#/containers/cna/affected/{index}");
        if product.text("defaultStatus") == Some("unaffected") && !has_affected(product) {
            document.leave_out(draft.at, "the product is said to be unaffected");
            continue;
        }
        product_put(&mut draft, product);
        if !left.draw(&mut document, draft, given) {
            return Ok(document);
        }
    }
    if products.is_empty() {
        left.draw(&mut document, base, given);
    }
    Ok(document)
}

fn has_affected(product: &Node) -> bool {
    product.items("versions").iter().any(|version| version.text("status") == Some("affected"))
}

fn product_put(draft: &mut Draft, product: &Node) {
    draft.purl = product.text("packageURL").map(str::to_owned);
    let name = product.text("packageName").or_else(|| product.text("product"));
    draft.software = name.filter(|name| *name != "n/a").map(str::to_owned);
    let host = product.text("collectionURL").and_then(|url| url.split('/').nth(2)).unwrap_or_default();
    let label = |word: &str| host.split(['.', ':']).any(|label| label == word);
    draft.ecosystem = COLLECTIONS.iter().find(|(word, _)| label(word)).map(|(_, name)| (*name).to_owned());
    draft.note("vendor", product.text("vendor").unwrap_or_default());
    draft.note("product", product.text("product").unwrap_or_default());
    draft.repo = product.text("repo").map(str::to_owned);
    draft.symbol.file = product.items("programFiles").iter().find_map(text_of).map(str::to_owned);
    draft.symbol.function =
        product.items("programRoutines").first().and_then(|routine| routine.text("name")).map(str::to_owned);
    for version in product.items("versions").iter().take(256) {
        let first = version.text("version").unwrap_or_default();
        let status = version.text("status").unwrap_or_default();
        let end = match (version.text("lessThan"), version.text("lessThanOrEqual")) {
            (Some(end), _) => format!("{first} up to before {end}"),
            (_, Some(end)) => format!("{first} up to {end}"),
            _ => first.to_owned(),
        };
        draft.note(status, &end);
        if version.text("versionType") == Some("git") && status == "affected" {
            draft.introduced_commit = Some(first.to_owned());
            draft.fixed_commit = version.text("lessThan").map(str::to_owned);
        } else if status == "affected" && end == first && !matches!(first, "n/a" | "unspecified" | "*" | "0") {
            draft.versions.push(first.to_owned());
        }
    }
}

fn text_of(node: &Node) -> Option<&str> {
    match node {
        Node::String(text) => Some(text.as_str()),
        _ => None,
    }
}

/// The English text of a list of `{lang, value}`, or the first there is.
fn told<'a>(list: &'a [Node], field: &str) -> &'a str {
    let english = list.iter().find(|text| text.text("lang").is_some_and(|lang| lang.starts_with("en")));
    english.or(list.first()).and_then(|text| text.text(field)).unwrap_or_default()
}

fn drafted(about: &Node, cna: &Node, adp: &[Node]) -> Draft {
    let id = about.text("cveId").unwrap_or_default();
    let title = cna.text("title").unwrap_or(id).to_owned();
    let mut draft = Draft { title, text: told(cna.items("descriptions"), "value").to_owned(), ..Draft::default() };
    draft.ids.push(id.to_owned());
    for list in ["workarounds", "solutions", "exploits"] {
        draft.note(list, told(cna.items(list), "value"));
    }
    for container in std::iter::once(cna).chain(adp) {
        for kind in container.items("problemTypes") {
            let ids =
                kind.items("descriptions").iter().filter_map(|d| d.text("cweId").or_else(|| d.text("description")));
            draft.cwes.extend(ids.map(str::to_owned));
        }
        for metric in container.items("metrics") {
            for version in ["cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0"] {
                let Some(cvss) = metric.get(version) else { continue };
                draft.cvss.extend(cvss.text("vectorString").map(str::to_owned));
                let word = cvss.text("baseSeverity").map(str::to_lowercase);
                draft.severity = draft.severity.take().or(word);
            }
        }
        let urls = container.items("references").iter().filter_map(|reference| reference.text("url"));
        draft.references.extend(urls.map(str::to_owned));
    }
    for credit in cna.items("credits") {
        if let Some(name) = credit.text("value") {
            let role = credit.text("type").unwrap_or_default().to_owned();
            draft.credits.push(Credit { name: name.to_owned(), role });
        }
    }
    if let Some(assigner) = about.text("assignerShortName") {
        draft.chain.push(Hop { party: line(assigner, 256), handling_id: Some(line(id, 256)) });
    }
    draft
}
