//! OSV records: a round trip, odd ones, any bytes, and every record of the shared real data.

use std::path::PathBuf;

use formats::osv::{
    Affected, Credit, Event, Package, Range, RangeKind, Record, Reference, Severity, read, read_lines, write,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A record as we publish one. (`upstream` is newer than the schema in PyPI's `osv`.)
pub fn record() -> Record {
    let text = |t: &str| t.to_owned();
    Record {
        schema_version: Some(text("1.7.0")),
        id: text("CVE-2020-8203"),
        modified: text("2026-11-21T08:00:00Z"),
        published: Some(text("2026-11-20T08:00:00.5Z")),
        withdrawn: None,
        aliases: vec![text("GHSA-p6mc-m468-83gw")],
        upstream: vec![],
        related: vec![text("CVE-2019-10744")],
        summary: Some(text("Prototype pollution in lodash")),
        details: Some(text("zipObjectDeep writes to Object.prototype.")),
        severity: vec![Severity { kind: text("CVSS_V3"), score: text("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:H/A:H") }],
        affected: vec![Affected {
            package: Some(Package { ecosystem: text("npm"), name: text("lodash"), purl: Some(text("pkg:npm/lodash")) }),
            ranges: vec![Range {
                kind: RangeKind::Semver,
                events: vec![Event::Introduced(text("3.7.0")), Event::Fixed(text("4.17.20"))],
                ..Range::default()
            }],
            versions: vec![text("4.17.15")],
            ecosystem_specific: None,
            database_specific: json!({"measured": {"fired": 60, "silent": 50, "unknown": 0}}).as_object().cloned(),
            severity: vec![],
        }],
        references: vec![Reference { kind: text("FIX"), url: text("https://example.org/commit") }],
        credits: vec![Credit {
            name: text("A. Finder"),
            contact: vec![text("https://example.org/a")],
            kind: Some(text("FINDER")),
        }],
        database_specific: json!({"url": "https://proofhouse.example"}).as_object().cloned(),
    }
}

#[test]
fn what_is_written_reads_back_the_same() {
    let (again, warnings) = read(&write(&record())).unwrap();
    assert_eq!((again, warnings), (record(), vec![]));
}

/// The ranges and the codes of the warnings of a record with this `affected[0]`.
fn odd(affected: Value) -> (Vec<(RangeKind, usize)>, Vec<String>) {
    let document = json!({"id": "X-1", "modified": "2026-11-21T08:00:00Z", "affected": [affected]});
    let (record, warnings) = read(document.to_string().as_bytes()).unwrap();
    let ranges = record.affected.iter().flat_map(|a| &a.ranges).map(|r| (r.kind, r.events.len())).collect();
    (ranges, warnings.iter().map(|w| format!("{} {}", w.code, w.at)).collect())
}

#[test]
fn nothing_unreadable_becomes_clean() {
    let range = |events: Value| json!({"ranges": [{"type": "SEMVER", "events": events}]});
    let unreadable = |affected| odd(affected).0.iter().all(|(kind, _)| *kind == RangeKind::Unreadable);
    assert_eq!(odd(range(json!([{"introduced": "0"}, {"limit": "*"}]))), (vec![(RangeKind::Semver, 2)], vec![]));
    let (ranges, warned) = odd(range(json!([{"introduced": "0", "fixed": "1.0.0"}])));
    assert_eq!(ranges, [(RangeKind::Semver, 2)]);
    assert_eq!(warned, ["joined_events affected[0].ranges[0].events[0]"]);
    for events in
        [json!([{"introduced": "0"}, {"patched": "1"}]), json!([{"introduced": 0}]), json!([7]), json!({}), json!(null)]
    {
        assert!(unreadable(range(events.clone())), "{events}");
    }
    assert!(unreadable(json!({"ranges": [{"type": "NEWS", "events": [{"introduced": "0"}]}]})));
    assert!(unreadable(json!({"ranges": "all"})));
    assert!(unreadable(json!({"versions": ["1.0.0", 2]})));
    assert_eq!(odd(json!({"ranges": null, "versions": null})), (vec![], vec![]));
}

#[test]
fn refusals() {
    let refusal = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert_eq!(refusal(b"[]"), "read an OSV record: the document should be an object");
    assert_eq!(refusal(br#"{"id":""}"#), "read an OSV record: id should be a string that is not empty");
    assert_eq!(refusal(br#"{"id":"a"}"#), "read an OSV record: modified should be a string that is not empty");
    assert!(refusal("[".repeat(1000).as_bytes()).contains("recursion limit"));
}

#[test]
fn real_records_are_read_without_a_warning_and_written_the_same() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/advisories.osv.jsonl.zst");
    if !path.exists() {
        println!("skipped: no ../shared/data beside the workspace");
        return;
    }
    let text = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let mut count = 0;
    for (line, record) in read_lines(&text, text.len()).unwrap() {
        let (record, warnings) = record.unwrap_or_else(|e| panic!("line {line}: {e}"));
        assert_eq!(warnings, [], "line {line}");
        let (again, _) = read(&write(&record)).unwrap();
        let stated = record.schema_version.is_some();
        assert_eq!(again, Record { schema_version: again.schema_version.clone(), ..record }, "line {line}");
        assert!(stated || again.schema_version.is_some());
        count += 1;
    }
    println!("{count} records read and written");
    assert_eq!(count, 16_981);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }

    #[test]
    fn a_good_record_with_bytes_changed(at in any::<prop::sample::Index>(), new in any::<u8>(), cut in 0usize..6) {
        let mut bytes = write(&record());
        let at = at.index(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, [new]);
        if let Ok((record, _)) = read(&bytes) {
            let whole = record.affected.iter().flat_map(|a| &a.ranges).all(|r| r.kind != RangeKind::Unreadable);
            let (again, _) = read(&write(&record)).unwrap();
            prop_assert!(!whole || again.affected == record.affected);
        }
    }
}
