//! KEV, the table of CVE points, and OpenVEX: good ones, odd ones, any bytes, and the shared real data.

use std::path::PathBuf;

use formats::points::{Exploitation, TechnicalImpact};
use formats::{kev, openvex, points};
use proptest::prelude::*;
use serde_json::{Value, json};

fn shared(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        println!("skipped: no ../shared/data beside the workspace");
        return None;
    }
    Some(zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap())
}

fn catalogue() -> Value {
    json!({"catalogVersion": "2026.01.01", "dateReleased": "2026-01-01T00:00:00Z", "count": 2, "vulnerabilities": [
        {"cveID": "cve-2025-48384 ", "vendorProject": "Git", "product": "Git", "vulnerabilityName": "n", "dateAdded": "2025-08-25",
         "dueDate": "2025-09-15", "requiredAction": "r", "knownRansomwareCampaignUse": "Known", "cwes": ["CWE-59", 1]},
        {"cveID": "CVE-2025-1", "dateAdded": "yesterday"},
    ]})
}

#[test]
fn kev_entries() {
    let (read, warnings) = kev::read(catalogue().to_string().as_bytes()).unwrap();
    let entry = &read.entries[0];
    assert_eq!((entry.cve.as_str(), entry.ransomware, entry.cwes.len()), ("CVE-2025-48384", true, 1));
    assert_eq!(warnings.iter().map(|w| w.at.as_str()).collect::<Vec<_>>(), ["vulnerabilities[1]"]);
    assert!(kev::read(b"{}").is_err());
}

#[test]
fn the_real_catalogue() {
    let Some(bytes) = shared("kev.json.zst") else { return };
    let (read, warnings) = kev::read(&bytes).unwrap();
    assert_eq!((read.version.as_str(), read.entries.len(), warnings.len()), ("2025.08.25", 1404, 0));
}

const TABLE: &str = "CVE,Exploitation,automatable,technical_impact,kev,cvss_score\n\
    cve-2020-1,PoC,Yes,Total,yes,9.8\nCVE-2020-2,,No,partial,,11\nCVE-2020-3,maybe,no\nhello,none,no,total,,\n";

#[test]
fn points_in_any_letter_case() {
    let (table, warnings) = points::read(TABLE.as_bytes()).unwrap();
    assert_eq!(table.len(), 3);
    let first = &table[0];
    assert_eq!(first.cve, "CVE-2020-1");
    assert_eq!(first.exploitation, Some(Exploitation::PublicPoc));
    assert_eq!((first.automatable, first.technical_impact), (Some(true), Some(TechnicalImpact::Total)));
    assert_eq!((first.kev, first.cvss_score), (true, Some(9.8)));
    assert_eq!((table[1].exploitation, table[1].automatable, table[1].cvss_score), (None, Some(false), None));
    assert_eq!((table[2].exploitation, table[2].technical_impact), (None, None));
    let warned: Vec<_> = warnings.iter().map(|w| w.at.as_str()).collect();
    assert_eq!(warned, ["line 4, exploitation", "line 5, cve"]);
    assert!(points::read(b"a,b\n1,2\n").is_err());
}

#[test]
fn the_real_points() {
    let Some(bytes) = shared("cve-points.csv.zst") else { return };
    let (table, warnings) = points::read(&bytes).unwrap();
    let count = |test: fn(&points::Points) -> bool| table.iter().filter(|p| test(p)).count();
    assert_eq!((table.len(), warnings.len()), (44_130, 0));
    assert_eq!(count(|p| p.exploitation == Some(Exploitation::Active)), 194 + 20);
    assert_eq!(count(|p| p.exploitation == Some(Exploitation::PublicPoc)), 7_629 + 14);
    assert_eq!(count(|p| p.automatable == Some(true)), 7_831 + 39);
    assert_eq!(count(|p| p.technical_impact == Some(TechnicalImpact::Total)), 13_763 + 121);
    assert_eq!(count(|p| p.technical_impact.is_none()), 104);
    assert_eq!(count(|p| p.kev), 224);
}

#[test]
fn the_examples_are_read() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/feeds");
    let (catalogue, warnings) = kev::read(&std::fs::read(folder.join("kev.json")).unwrap()).unwrap();
    assert!(!catalogue.entries.is_empty() && warnings.is_empty(), "{warnings:?}");
    let (table, warnings) = points::read(&std::fs::read(folder.join("points.csv")).unwrap()).unwrap();
    assert!(!table.is_empty() && warnings.is_empty(), "{warnings:?}");
}

fn vex() -> openvex::Document {
    let statement = |status| openvex::Statement {
        vulnerability: "CVE-2020-8203".into(),
        aliases: vec!["GHSA-p6mc-m468-83gw".into()],
        products: vec!["pkg:npm/lodash@4.17.15".into()],
        status,
        ..openvex::Statement::default()
    };
    let mut not = statement(openvex::Status::NotAffected);
    not.justification = Some(openvex::Justification::VulnerableCodeNotInExecutePath);
    not.impact_statement = Some("zipObjectDeep is never called".into());
    let mut affected = statement(openvex::Status::Affected);
    affected.action_statement = Some("upgrade to 4.17.20".into());
    openvex::Document {
        id: "https://operator.example/vex/1".into(),
        author: "Rural hospital".into(),
        timestamp: "2026-11-23T04:55:00Z".into(),
        version: 1,
        statements: vec![
            not,
            affected,
            statement(openvex::Status::Fixed),
            statement(openvex::Status::UnderInvestigation),
        ],
    }
}

#[test]
fn openvex_round_trip_and_rules() {
    let (again, warnings) = openvex::read(&openvex::write(&vex()).unwrap()).unwrap();
    assert_eq!((again, warnings), (vex(), vec![]));
    let mut silent = vex();
    silent.statements[0].justification = None;
    assert!(openvex::write(&silent).is_ok(), "an impact statement is a reason too");
    silent.statements[0].impact_statement = None;
    assert!(openvex::write(&silent).is_err());
    silent.statements.remove(0);
    silent.statements[0].action_statement = None;
    assert!(openvex::write(&silent).is_err());
}

#[test]
fn openvex_of_others() {
    let document = json!({"@context": "https://openvex.dev/ns", "version": "3", "statements": [
        {"vulnerability": "CVE-1", "products": ["pkg:npm/a@1"], "status": "not_affected", "justification": "because"},
        {"vulnerability": {"name": "CVE-2"}, "products": [{"@id": "pkg:npm/a@1"}], "status": "fine"},
    ]});
    let (read, warnings) = openvex::read(document.to_string().as_bytes()).unwrap();
    assert_eq!((read.version, read.statements.len(), read.statements[0].products[0].as_str()), (3, 1, "pkg:npm/a@1"));
    let warned: Vec<_> = warnings.iter().map(|w| w.code).collect();
    assert_eq!(warned, ["unknown_word", "no_reason", "wrong_shape"]);
    assert!(openvex::read(br#"{"@context": "https://example.org"}"#).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = kev::read(&bytes);
        let _ = points::read(&bytes);
        let _ = openvex::read(&bytes);
    }

    #[test]
    fn good_ones_with_bytes_changed(which in 0usize..3, at in any::<prop::sample::Index>(), new in any::<u8>(), cut in 0usize..6) {
        let mut bytes = match which {
            0 => catalogue().to_string().into_bytes(),
            1 => TABLE.as_bytes().to_vec(),
            _ => openvex::write(&vex()).unwrap(),
        };
        let at = at.index(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, [new]);
        let _ = (kev::read(&bytes), points::read(&bytes), openvex::read(&bytes));
    }
}
