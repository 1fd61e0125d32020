//! A case of a clearinghouse such as this, as its API shows it, made into a TAP report for another. Must not send anything that the
//! view does not hold: what its reader may not see is not in there.

use formats::json::Node;
use formats::provenance::{AiUse, AiWord, Credit, EmbargoTerms, Hop};

use crate::draft::{Draft, Understood};
use crate::given::Given;
use crate::kind::Kind;
use crate::text::line;

/// The report of a case. `reports` are those it came from, oldest first, as far as they can be seen; `given` says by whom it is
/// relayed: that hop comes last.
#[must_use]
pub fn of_case(case: &str, reports: &[String], given: &Given) -> Option<Understood> {
    let case = Node::read(case, 100).ok()?;
    let mut draft = Draft {
        title: case.text("title").unwrap_or_default().to_owned(),
        text: case.text("summary").unwrap_or_default().to_owned(),
        purl: Some(case.text("purl")?.to_owned()),
        cwes: case.text("weakness").map(str::to_owned).into_iter().collect(),
        ids: texts(&case, "aliases"),
        ..Draft::default()
    };
    let range = case.get("range").unwrap_or(&Node::Null);
    // The newest ones, where there are more than fit.
    draft.versions = texts(range, "fired").into_iter().rev().collect();
    for interval in range.items("affected") {
        let end = match (interval.text("fixed"), interval.text("last_affected")) {
            (Some(fixed), _) => format!("fixed in {fixed}"),
            (None, Some(last)) => format!("last affected {last}"),
            (None, None) => "no fix".to_owned(),
        };
        draft.note("affected, measured", &format!("from {}, {end}", interval.text("introduced").unwrap_or("0")));
    }
    draft.note("verdict of the maintainer", case.text("verdict").unwrap_or_default());
    for fix in case.items("fixes") {
        let word = |field: &str| fix.text(field).unwrap_or_default();
        draft.note(
            &format!("fix ({}, {})", word("kind"), word("state")),
            &format!("{} {}", word("version"), word("note")),
        );
    }
    draft.credits =
        texts(&case, "credits").into_iter().map(|name| Credit { name, role: "finder".to_owned() }).collect();
    if let Some(embargo) = case.get("embargo").filter(|_| !matches!(case.get("public"), Some(Node::Bool(true)))) {
        let terms = |field: &str| embargo.text(field).map(|text| line(text, 256));
        draft.embargo = Some(EmbargoTerms { ends: terms("ends"), terms: terms("reason"), url: terms("url") });
    }
    for report in reports.iter().filter_map(|report| Node::read(report, 100).ok()) {
        report_put(&mut draft, report.get("provenance").unwrap_or(&Node::Null));
    }
    let mut chain = given.chain.clone();
    for hop in &mut chain {
        hop.handling_id = hop.handling_id.take().or_else(|| case.text("id").map(str::to_owned));
    }
    draft.chain.append(&mut chain);
    Some(draft.understood(Kind::Tap, &Given { chain: Vec::new(), ..given.clone() }))
}

/// What a report says of where it comes from: chains join, the first word on a machine's part counts.
fn report_put(draft: &mut Draft, told: &Node) {
    draft.references.extend(texts(told, "references"));
    for hop in told.items("chain") {
        let hop = Hop {
            party: hop.text("party").unwrap_or_default().to_owned(),
            handling_id: hop.text("handling_id").map(str::to_owned),
        };
        if !hop.party.is_empty() && !draft.chain.contains(&hop) {
            draft.chain.push(hop);
        }
    }
    let ai = told.get("ai").and_then(|ai| ai.get("finder"));
    if let (None, Some(ai)) = (&draft.ai_finder, ai)
        && let Some(word) = ai.text("use").and_then(AiWord::of_word)
    {
        draft.ai_finder = Some(AiUse { word, tooling: ai.text("tooling").map(str::to_owned) });
    }
}

fn texts(node: &Node, field: &str) -> Vec<String> {
    let text = |item: &Node| match item {
        Node::String(text) => Some(text.clone()),
        _ => None,
    };
    node.items(field).iter().filter_map(text).collect()
}
