//! TAP reports (JSON), as far as they serve to tell defects apart. Accepts what the intake would refuse: whether a report may be
//! taken in is decided in `formats`.

use serde_json::Value;

use super::item::{Item, Kind, file_name};
use super::prose;
use super::sketch::hash;
use crate::{crash, place};

/// A TAP report; `None` when it is none.
pub fn read(id: &str, text: &str) -> Option<Item> {
    let value: Value = serde_json::from_str(text).ok()?;
    let fields = value.as_object()?;
    if !["purl", "software", "affected_symbol", "package_repo_url"].iter().any(|field| fields.contains_key(*field)) {
        return None;
    }
    let word = |field: &str| value.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut item = Item { id: id.to_owned(), kind: Kind::Tap, content: hash(text.as_bytes()), ..Item::default() };
    item.package =
        word("purl").or_else(|| word("software")).or_else(|| word("package_repo_url")).map(prose::package_name);
    let listed = |field: &str| -> Vec<String> {
        let all = value.get(field).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    item.versions = listed("versions");
    item.identifiers = listed("upstream_ids").iter().map(|one| one.to_ascii_uppercase()).collect();
    if let Some(symbol) = value.get("affected_symbol") {
        let part = |field: &str| symbol.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        item.symbols.extend(part("function").map(place::normal).filter(|name| !name.is_empty()));
        item.files.extend(part("file").map(file_name).map(str::to_owned));
    }
    let attachments = value.get("attachments").and_then(Value::as_array).into_iter().flatten();
    let texts: Vec<&str> = attachments.filter_map(|a| a.get("data").and_then(Value::as_str)).collect();
    let said = [word("raw"), word("code_path")].into_iter().flatten().chain(texts.iter().copied());
    let said: Vec<&str> = said.collect();
    let cwe = value.get("enrichment").and_then(|e| e.get("cwe")).map(Value::to_string).unwrap_or_default();
    let named = std::mem::take(&mut item.symbols);
    prose::facts_put(&mut item, &format!("{cwe}\n{}", said.join("\n")));
    let mut crashes = texts.iter().filter_map(|text| crash::read(text.as_bytes()).ok());
    if let Some(found) = crashes.find(|crash| !crash.frames.is_empty()) {
        item.crash_put(&found);
    }
    if !named.is_empty() {
        item.symbols.retain(|symbol| !named.contains(symbol));
        item.symbols.splice(0..0, named);
        item.placed = true;
    }
    Some(item.tidied())
}
