//! Receipts: signed, replayable, and refused when anything in them or about them is not as it was.

use std::fs;
use std::path::Path;

use super::{bundle, config, engine, error_of, watch};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proof::npm::config::NpmConfig;
use proof::receipt::{PAYLOAD_TYPE, Statement};
use proof::{Engine, EngineConfig, ProveOptions, VerifyOptions};
use signing::{Envelope, Signer};

fn receipt() -> Vec<u8> {
    let report = engine().prove(&bundle("minimist-prototype"), &ProveOptions::default(), watch()).unwrap();
    fs::read(report.runs[0].receipt.as_ref().unwrap()).unwrap()
}

fn statement(receipt: &[u8]) -> Statement {
    let envelope = Envelope::from_json(receipt).unwrap();
    serde_json::from_slice(&STANDARD.decode(envelope.payload).unwrap()).unwrap()
}

#[test]
fn a_receipt_verifies_and_replays() {
    let report = engine().verify(&receipt(), &VerifyOptions::default(), watch()).unwrap();
    assert!(report.verified && report.signature_valid);
    assert_eq!((report.stated.as_deref(), report.replayed.as_deref()), (Some("fired"), Some("fired")));
    assert_eq!(report.same_observation, Some(true));
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}

#[test]
fn it_replays_with_no_registry_from_what_is_kept() {
    let receipt = receipt();
    let npm = Some(NpmConfig::of_text("registry=http://127.0.0.1:9/"));
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("proof-home");
    let offline = Engine::open(EngineConfig { npm, ..config(&home) }).unwrap();
    assert!(offline.verify(&receipt, &VerifyOptions::default(), watch()).unwrap().verified);
}

#[test]
fn a_changed_receipt_or_another_key_is_refused() {
    let receipt = receipt();
    let mut envelope = Envelope::from_json(&receipt).unwrap();
    let mut changed = statement(&receipt);
    changed.predicate.verdict = "silent".into();
    envelope.payload = STANDARD.encode(serde_json::to_vec(&changed).unwrap());
    let report = engine().verify(&envelope.to_json().unwrap(), &VerifyOptions::default(), watch()).unwrap();
    assert!(!report.verified && !report.signature_valid);
    assert_eq!((report.stated, report.replayed), (None, None));

    let other = Signer::from_seed(&[5; 32]).public();
    let options = VerifyOptions { public_key: Some(other), ..VerifyOptions::default() };
    assert!(!engine().verify(&receipt, &options, watch()).unwrap().signature_valid);

    for broken in [&b"{}"[..], b"", b"[]", b"{\"payloadType\":1}"] {
        assert_eq!(error_of(engine().verify(broken, &VerifyOptions::default(), watch())).code(), "malformed-receipt");
    }
}

#[test]
fn a_lie_signed_by_a_trusted_key_does_not_survive_the_replay() {
    let liar = Signer::from_seed(&[6; 32]);
    let mut lie = statement(&receipt());
    lie.predicate.verdict = "silent".into();
    let sealed = Envelope::seal(PAYLOAD_TYPE, &serde_json::to_vec(&lie).unwrap(), &liar).to_json().unwrap();
    let options = VerifyOptions { public_key: Some(liar.public()), ..VerifyOptions::default() };
    let report = engine().verify(&sealed, &options, watch()).unwrap();
    assert!(report.signature_valid && !report.verified);
    assert_eq!(report.replayed.as_deref(), Some("fired"));
    let unread = VerifyOptions { no_replay: true, ..options };
    assert!(engine().verify(&sealed, &unread, watch()).unwrap().verified);
}

#[test]
fn other_bytes_or_another_bundle_are_not_replayed() {
    let signer = Signer::from_seed(&[7; 32]);
    let options = VerifyOptions { public_key: Some(signer.public()), ..VerifyOptions::default() };
    let seal = |statement: &Statement| {
        Envelope::seal(PAYLOAD_TYPE, &serde_json::to_vec(statement).unwrap(), &signer).to_json().unwrap()
    };
    let mut other = statement(&receipt());
    other.predicate.target_sha256 = proof::digest::Sha256Hex::of(b"other bytes");
    assert_eq!(error_of(engine().verify(&seal(&other), &options, watch())).code(), "registry");

    let mut unknown = statement(&receipt());
    unknown.predicate.proof.digest = proof::digest::Sha256Hex::of(b"no such bundle");
    assert_eq!(error_of(engine().verify(&seal(&unknown), &options, watch())).code(), "bundle-unknown");

    let given = VerifyOptions { bundles: vec![bundle("ms-cpu")], ..VerifyOptions::default() };
    assert_eq!(error_of(engine().verify(&receipt(), &given, watch())).code(), "bundle-other");
}
