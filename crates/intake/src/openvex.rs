//! OpenVEX: a statement that something is affected, or under investigation, is a report of each product; that something is not, or is
//! fixed, is none.

use formats::openvex::{self, Status};
use formats::provenance::Hop;
use formats::tap::ContentType;

use crate::draft::Draft;
use crate::given::Given;
use crate::kind::Kind;
use crate::text::line;
use crate::{Document, Left, REPORTS_COUNT_MAX, Refused};

pub fn read(bytes: &[u8], given: &Given, _: &mut Left) -> Result<Document, Refused> {
    let (vex, warnings) = openvex::read(bytes).map_err(Refused::unreadable(Kind::OpenVex))?;
    let mut document = Document::new(Kind::OpenVex);
    document.warnings = warnings;
    for (index, statement) in vex.statements.iter().enumerate() {
        let at = format!("#/statements/{index}");
        if !matches!(statement.status, Status::Affected | Status::UnderInvestigation) {
            document.leave_out(at, format!("it says {}: nothing to report", statement.status.as_str()));
            continue;
        }
        let none = [String::new()];
        let products = if statement.products.is_empty() { &none[..] } else { &statement.products };
        for (number, product) in products.iter().enumerate() {
            if document.reports.len() > REPORTS_COUNT_MAX {
                return Ok(document);
            }
            let mut draft = Draft {
                at: if products.len() > 1 { format!("{at}/products/{number}") } else { at.clone() },
                title: format!("{} in {}", statement.vulnerability, line(product, 120)),
                ids: std::iter::once(&statement.vulnerability).chain(&statement.aliases).cloned().collect(),
                vex_status: Some(statement.status.as_str()),
                text: statement.action_statement.clone().unwrap_or_default(),
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
            if bytes.len() <= 64 * 1024 {
                draft.original = Some(("openvex.json", ContentType::Json, bytes.to_vec()));
            }
            document.reports.push(draft.understood(Kind::OpenVex, given));
        }
    }
    Ok(document)
}
