//! TAP on bytes nobody meant to send: arbitrary ones, and a good report with pieces changed. It must answer, never fall
//! over; and whatever it accepts must be written and read back as the same value.

use formats::tap::{read_kept, read_multipart, read_report, write_report};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::tap::full;

fn holds(bytes: &[u8]) {
    if let Ok((report, _)) = read_report(bytes) {
        let (again, _) = read_report(&write_report(&report)).expect("what was accepted is accepted again");
        assert_eq!(again, report);
    }
}

/// Whatever is accepted in parts is kept as JSON, and read from that as the same value.
fn holds_in_parts(bytes: &[u8]) {
    if let Ok((report, _)) = read_multipart(bytes, "b") {
        assert_eq!(read_kept(&write_report(&report)).expect("what was accepted is read again"), report);
    }
}

fn value_any() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[\\x00-\\x20a.@/:=+-]{0,12}".prop_map(Value::from),
        Just(json!("pkg:npm/%40a/b@1.0.0?x=y#z")),
        Just(json!("https://a.b/c")),
    ];
    leaf.prop_recursive(12, 64, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-z_]{1,8}", inner), 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        holds(&bytes);
        holds_in_parts(&bytes);
    }

    #[test]
    fn good_parts_with_bytes_changed(at in any::<prop::sample::Index>(), new in any::<u8>(), cut in 0usize..4) {
        let mut bytes = crate::tap_multipart::good();
        let at = at.index(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, [new]);
        holds_in_parts(&bytes);
    }

    #[test]
    fn a_good_report_with_bytes_changed(at in any::<prop::sample::Index>(), new in any::<u8>(), cut in 0usize..4) {
        let mut bytes = full().to_string().into_bytes();
        let at = at.index(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, [new]);
        holds(&bytes);
    }

    #[test]
    fn a_good_report_with_fields_changed(which in any::<prop::sample::Index>(), value in value_any(), inside in any::<bool>()) {
        let mut report = full();
        let keys: Vec<String> = report.as_object().unwrap().keys().cloned().collect();
        let key = &keys[which.index(keys.len())];
        if inside && key == "attachments" {
            report[key][0]["filename"] = value;
        } else {
            report[key] = value;
        }
        holds(report.to_string().as_bytes());
    }
}
