//! The enclosing function of a static result that names none, found in the file that comes along, in a box.

use formats::tap::{Attachment, AttachmentType, ContentType, Report, Symbol};
use serde_json::json;

use crate::house::house_on_sqlite;

/// A report with a SARIF log that brings a file along.
fn report(path: &str, text: &str, line: u32, symbol: Option<&str>) -> Vec<u8> {
    let log = json!({"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "scan"}},
        "artifacts": [{"location": {"uri": path}, "contents": {"text": text}}],
        "results": [{"ruleId": "r", "message": {"text": "m"}, "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": path}, "region": {"startLine": line}}}]}],
    }]});
    let attachment = Attachment {
        filename: "result.sarif.json".to_owned(),
        content_type: ContentType::Json,
        kind: AttachmentType::Other,
        description: None,
        bytes: log.to_string().into_bytes(),
    };
    formats::tap::write_report(&Report {
        purl: Some("pkg:npm/merge-deep@3.0.2".to_owned()),
        affected_symbol: symbol.map(|name| Symbol { function: Some(name.to_owned()), ..Symbol::default() }),
        attachments: vec![attachment],
        ..Report::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_has_the_function_of_the_file_that_came_along() {
    assert!(testkit::proofhouse_symbols().is_file());
    let house = house_on_sqlite().await;
    let house = &house.house;
    let finder = house.finder("Alder").await;
    let code = "class Shelf {\n  take(at) {\n    return eval(at)\n  }\n}\n";
    for (body, expected) in [
        (report("src/a.js", code, 3, None), Some("Shelf.take")),
        (report("src/a.js", code, 3, Some("mergeInto")), Some("mergeInto")),
        (report("src/a.js", code, 99, None), None),
        (report("src/a.txt", code, 3, None), None),
        (report("src/a.c", "\u{0}{{{", 1, None), None),
    ] {
        let view = house.reported(&finder, &body).await;
        let symbols: Vec<Option<&str>> = view.findings.iter().map(|finding| finding.symbol.as_deref()).collect();
        assert_eq!(symbols, [expected]);
    }
}
