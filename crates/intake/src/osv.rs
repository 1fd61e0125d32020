//! OSV records: one report for each affected package. A withdrawn record makes none.

use std::collections::HashMap;

use formats::osv::{self, Affected, Event, Range, RangeKind, Record};
use formats::provenance::Credit;
use formats::tap::ContentType;

use crate::draft::{Draft, Original};
use crate::given::Given;
use crate::kind::Kind;
use crate::{Document, Left, Refused};

pub fn read(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let (record, warnings) = osv::read(bytes).map_err(Refused::unreadable(Kind::Osv))?;
    let mut document = Document::new(Kind::Osv);
    document.warnings = warnings;
    if let Some(when) = &record.withdrawn {
        document.leave_out("", format!("the record was withdrawn on {when}"));
        return Ok(document);
    }
    // Old records list ranges of one package one by one: what is said of each, by where the first of it stands.
    let (mut packages, mut known) = (Vec::<(usize, Vec<&Affected>)>::new(), HashMap::new());
    for (index, affected) in record.affected.iter().enumerate() {
        let key = affected.package.as_ref().map(|p| (p.ecosystem.as_str(), p.name.as_str()));
        let at = *known.entry(key).or_insert(packages.len());
        match packages.get_mut(at) {
            Some((_, all)) => all.push(affected),
            None => packages.push((index, vec![affected])),
        }
    }
    let mut base = drafted(&record).bounded();
    base.original = Original::of("osv.json", ContentType::Json, bytes, packages.len());
    for (index, all) in &packages {
        let mut draft = Draft { at: format!("#/affected/{index}"), ..base.clone() };
        all.iter().for_each(|affected| affected_put(&mut draft, affected));
        if !left.draw(&mut document, draft, given) {
            return Ok(document);
        }
    }
    if packages.is_empty() {
        left.draw(&mut document, base, given);
    }
    Ok(document)
}

fn drafted(record: &Record) -> Draft {
    let mut draft = Draft {
        title: record.summary.clone().unwrap_or_else(|| record.id.clone()),
        text: record.details.clone().unwrap_or_default(),
        ids: std::iter::once(&record.id).chain(&record.aliases).chain(&record.upstream).cloned().collect(),
        references: record.references.iter().map(|r| r.url.clone()).collect(),
        cvss: record.severity.iter().map(|s| s.score.clone()).collect(),
        ..Draft::default()
    };
    let own = record.database_specific.as_ref();
    draft.cwes = own.and_then(|own| own.get("cwe_ids")).map(|ids| ids.to_string()).into_iter().collect();
    draft.severity = own.and_then(|own| own.get("severity")).and_then(|word| word.as_str()).map(str::to_lowercase);
    for credit in &record.credits {
        let role = credit.kind.as_deref().unwrap_or_default().to_ascii_lowercase();
        draft.credits.push(Credit { name: credit.name.clone(), role });
    }
    draft.note("published", record.published.as_deref().unwrap_or_default());
    draft
}

fn affected_put(draft: &mut Draft, affected: &Affected) {
    if let Some(package) = &affected.package {
        draft.purl = draft.purl.take().or_else(|| package.purl.clone());
        draft.ecosystem = Some(package.ecosystem.clone());
        draft.software = Some(package.name.clone());
    }
    draft.versions.extend(affected.versions.iter().cloned());
    draft.cvss.extend(affected.severity.iter().map(|s| s.score.clone()));
    for range in &affected.ranges {
        range_put(draft, range);
    }
    let symbols = affected
        .ecosystem_specific
        .as_ref()
        .and_then(|own| own.get("imports").or_else(|| own.get("affected_functions")).or_else(|| own.get("affects")));
    if let Some(symbols) = symbols {
        draft.note("affected symbols", &symbols.to_string());
        let named = symbols.pointer("/0/symbols/0").or_else(|| symbols.get(0)).and_then(|name| name.as_str());
        draft.symbol.function = draft.symbol.function.take().or_else(|| named.map(str::to_owned));
    }
}

fn range_put(draft: &mut Draft, range: &Range) {
    let events: Vec<String> =
        range.events.iter().map(|event| format!("{} {}", event.parts().0, event.parts().1)).collect();
    draft.note(&format!("range ({})", range.kind.as_str()), &events.join(", "));
    if range.kind != RangeKind::Git {
        return;
    }
    draft.repo = draft.repo.take().or_else(|| range.repo.clone());
    for event in &range.events {
        match event {
            Event::Introduced(commit) if commit != "0" => draft.introduced_commit = Some(commit.clone()),
            Event::Fixed(commit) => draft.fixed_commit = Some(commit.clone()),
            _ => {}
        }
    }
}
