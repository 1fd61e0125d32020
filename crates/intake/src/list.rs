//! A JSON array of records, as GitHub's and other APIs give pages: each item is read for itself. Must not be read below one level.

use formats::json::{self, Node};

use crate::given::Given;
use crate::kind::Kind;
use crate::{DOCUMENT_BYTES_MAX, Document, Left, Refused, read_within};

pub fn read(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let node =
        json::document("a list of records", bytes, DOCUMENT_BYTES_MAX).map_err(Refused::unreadable(Kind::List))?;
    let mut document = Document::new(Kind::List);
    let Node::Array(items) = node else { return Ok(document) };
    for (index, item) in items.iter().enumerate() {
        let at = format!("#/{index}");
        if left.reports == 0 || left.report_bytes == 0 {
            document.leave_out(at, "this and what follows: there are more reports than are drawn from one file");
            break;
        }
        let Some(value) = item.value() else {
            document.leave_out(at, "it is deeper than is read");
            continue;
        };
        match read_within(value.to_string().as_bytes(), given, left) {
            // A list in a list cannot be: the table sees no array of arrays.
            Ok(mut inner) => {
                inner
                    .reports
                    .iter_mut()
                    .for_each(|report| report.at = format!("{at}{}", report.at.trim_start_matches('#')));
                document.reports.append(&mut inner.reports);
                document.warnings.append(&mut inner.warnings);
                for one in inner.left_out {
                    document.leave_out(format!("{at}{}", one.at.trim_start_matches('#')), one.reason);
                }
            }
            Err(refused) => document.leave_out(at, refused.to_string()),
        }
    }
    Ok(document)
}
