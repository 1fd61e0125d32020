//! OpenVEX: a statement that something is affected, or under investigation, is a report of each product; that something is not, or is
//! fixed, is none.

use formats::openvex::{self, Status};
use formats::provenance::Hop;
use formats::tap::ContentType;

use crate::draft::{Draft, LIST_COUNT_MAX, Original};
use crate::given::Given;
use crate::kind::Kind;
use crate::text::{cut, line};
use crate::{Document, Left, Refused};

/// The words of one statement, in bytes: each of its products gets them.
const STATEMENT_BYTES_MAX: usize = 64 * 1024;

pub fn read(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let (vex, warnings) = openvex::read(bytes).map_err(Refused::unreadable(Kind::OpenVex))?;
    let mut document = Document::new(Kind::OpenVex);
    document.warnings = warnings;
    let named = vex.statements.iter().map(|statement| statement.products.len().max(1)).sum();
    let original = Original::of("openvex.json", ContentType::Json, bytes, named);
    for (index, statement) in vex.statements.iter().enumerate() {
        let at = format!("#/statements/{index}");
        if !matches!(statement.status, Status::Affected | Status::UnderInvestigation) {
            document.leave_out(at, format!("it says {}: nothing to report", statement.status.as_str()));
            continue;
        }
        let none = [String::new()];
        let products = if statement.products.is_empty() { &none[..] } else { &statement.products };
        for (number, product) in products.iter().enumerate() {
            let mut draft = Draft {
                at: if products.len() > 1 { format!("{at}/products/{number}") } else { at.clone() },
                title: format!("{} in {}", statement.vulnerability, line(product, 120)),
                ids: std::iter::once(&statement.vulnerability)
                    .chain(&statement.aliases)
                    .take(LIST_COUNT_MAX)
                    .cloned()
                    .collect(),
                vex_status: Some(statement.status.as_str()),
                text: cut(statement.action_statement.as_deref().unwrap_or_default(), STATEMENT_BYTES_MAX).to_owned(),
                ..Draft::default()
            };
            if product.starts_with("pkg:") {
                draft.purl = Some(product.clone());
            } else {
                draft.software = Some(product.clone()).filter(|name| !name.is_empty());
            }
            draft.note("impact", statement.impact_statement.as_deref().unwrap_or_default());
            draft.note("said on", statement.timestamp.as_deref().unwrap_or(&vex.timestamp));
            let party = line(&vex.author, 256);
            let handling_id = Some(line(&vex.id, 256)).filter(|id| !id.is_empty());
            draft.chain.extend((!party.is_empty()).then_some(Hop { party, handling_id }));
            draft.original.clone_from(&original);
            if !left.draw(&mut document, draft, given) {
                return Ok(document);
            }
        }
    }
    Ok(document)
}
