//! Patches of our own against real published packages: one that mends, one that breaks the entry point, one that blocks only
//! the proof's own input, one that does not apply, one that lies elsewhere than it says. And proofs compared and made smaller.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{bundle, engine, error_of, made, watch};
use proof::fix::matrix::FixRow;
use proof::{Bundle, FixOptions, FixReport, Sameness};

fn patch(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/patches").join(name)).unwrap()
}

fn example(name: &str) -> Bundle {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    Bundle::read(&folder, engine().sandbox()).unwrap()
}

fn verify(bundle: &Bundle, patches: &[Vec<u8>], versions: &[&str], variants: usize) -> FixReport {
    let versions = versions.iter().map(|version| (*version).to_owned()).collect();
    let options = FixOptions { versions, repeat: Some(1), variants: Some(variants), seed: Some(7) };
    let report = engine().verify_fix(std::slice::from_ref(bundle), patches, &options, watch()).unwrap();
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    report
}

/// The cells of a row: `yes`, `no`, `-` for nothing to ask, `.` for not reached.
fn cells(row: &FixRow) -> String {
    let word = |is: &str| match is {
        "nothing" => "-".to_owned(),
        "not-reached" => ".".to_owned(),
        word => word.to_owned(),
    };
    row.cells().map(|(_, cell)| word(cell.is.as_str())).join(" ")
}

fn check(name: &str, variants: usize, grade: &str, wanted: &str, reason: &str) {
    let report = verify(&example("minimist-constructor"), &[patch(name)], &["1.2.5"], variants);
    assert_eq!((report.grade, cells(&report.rows[0]).as_str()), (grade, wanted), "{name}");
    let reasons = report.grade_reasons.join("\n");
    assert!(reasons.contains(reason), "{name}: {reasons}");
}

#[test]
fn a_patch_is_verified_only_where_everything_holds() {
    check("minimist/good.patch", 8, "verified", "yes yes yes yes - yes", "");
    check("minimist/breaks.patch", 0, "not-verified", "yes yes no no . .", "breaks the entry point");
    check("minimist/literal.patch", 8, "not-verified", "yes yes yes yes - no", "variants still fire");
    check("minimist/elsewhere.patch", 0, "not-verified", "no . . . . .", "index.js: hunk 1 (line 66) fits nowhere");
}

#[test]
fn offsets_are_told_and_the_store_stays_as_it_is() {
    let report = verify(&bundle("minimist-prototype"), &[patch("minimist/offset.patch")], &["1.2.5"], 0);
    let row = &report.rows[0];
    assert_eq!((report.grade, cells(row).as_str()), ("verified", "yes yes yes yes - -"));
    let hunks: Vec<(i64, usize)> =
        row.applied.iter().flat_map(|done| &done.files).flat_map(|f| &f.hunks).map(|h| (h.offset, h.fuzz)).collect();
    assert_eq!(hunks, [(7, 0), (7, 0)]);
    // The same proof on the published version still fires.
    let options = proof::ProveOptions { versions: vec!["1.2.5".into()], repeat: Some(1), receipts: false };
    let again = engine().prove(&bundle("minimist-prototype"), &options, watch()).unwrap();
    assert_eq!(again.runs[0].verdict, "fired");
    let receipt = fs::read(report.receipt.unwrap()).unwrap();
    let payload =
        signing::Envelope::from_json(&receipt).unwrap().open(proof::receipt::PAYLOAD_TYPE, &engine().receipt_key());
    let statement: serde_json::Value = serde_json::from_slice(&payload.unwrap()).unwrap();
    assert_eq!(statement["predicate"]["fix"]["seed"], 7);

    let replayed = engine().verify(&receipt, &proof::VerifyOptions::default(), watch()).unwrap();
    assert!(replayed.verified && replayed.same_observation == Some(true), "{replayed:?}");
    assert_eq!((replayed.stated.as_deref(), replayed.replayed.as_deref()), (Some("verified"), Some("verified")));
    // A statement that says more than is so, signed by the same key, does not hold.
    let mut lie = statement.clone();
    lie["predicate"]["fix"]["rows"][0]["tests"]["is"] = "yes".into();
    let signer = signing::Signer::from_seed(&[7; 32]);
    let seal = |statement: &serde_json::Value| {
        signing::Envelope::seal(proof::receipt::PAYLOAD_TYPE, &serde_json::to_vec(statement).unwrap(), &signer)
    };
    let options = proof::VerifyOptions { public_key: Some(signer.public()), ..proof::VerifyOptions::default() };
    let found = engine().verify(&seal(&lie).to_json().unwrap(), &options, watch()).unwrap();
    assert!(!found.verified && found.signature_valid, "{found:?}");
    assert_eq!(found.warnings.len(), 1, "{found:?}");
    lie["predicate"]["fix"]["patches_sha256"][0] = "0".repeat(64).into();
    let refused = engine().verify(&seal(&lie).to_json().unwrap(), &options, watch());
    assert_eq!(error_of(refused).code(), "patch-unknown");
}

#[test]
fn each_release_line_is_patched_and_each_may_have_a_patch_of_its_own() {
    let patches = [patch("minimist/elsewhere.patch"), patch("minimist/good.patch")];
    let report = verify(&bundle("minimist-prototype"), &patches, &[], 0);
    let rows: Vec<String> =
        report.rows.iter().map(|row| format!("{} {} {}", row.line, row.version, row.holds)).collect();
    assert_eq!(rows, ["0.0 0.0.10 false", "0.1 0.1.0 false", "0.2 0.2.2 false", "1 1.2.5 true"]);
    assert_eq!(report.grade, "not-verified");
    assert_eq!(report.grade_reasons.len(), 3);
    assert_eq!(report.rows[3].patch_sha256.as_ref(), report.patches_sha256.get(1));
    let fixed = verify(&bundle("minimist-prototype"), &patches, &["1.2.6"], 0);
    assert!(fixed.grade_reasons[0].contains("without the patch the proof is silent at 1.2.6"), "{fixed:?}");
}

/// A bundle whose control does not see what its tests see.
fn with_tests() -> Bundle {
    let poc = "require('minimist')(['--_.concat.constructor.prototype.shown', 'yes']);";
    let control = "require('assert').strictEqual(require('minimist')(['-v']).v, true);";
    let plain = made("minimist@1.2.5", "prototype-pollution", poc, control, |manifest| manifest);
    let mut files: BTreeMap<String, Vec<u8>> = plain.files().clone();
    let manifest = String::from_utf8(files["proof.toml"].clone()).unwrap();
    let manifest = format!("{manifest}[tests]\nprograms = [\"dots.js\", \"fails.js\"]\n");
    files.insert("proof.toml".into(), manifest.into_bytes());
    let dots = "require('assert').strictEqual(require('minimist')(['--a.b', 'yes']).a.b, 'yes');";
    files.insert("dots.js".into(), dots.as_bytes().to_vec());
    files.insert("fails.js".into(), b"throw new Error('as always');".to_vec());
    Bundle::from_files(files, Path::new("made")).unwrap()
}

#[test]
fn tests_must_not_get_worse() {
    let good = verify(&with_tests(), &[patch("minimist/good.patch")], &["1.2.5"], 0);
    assert_eq!(cells(&good.rows[0]), "yes yes yes yes yes -");
    assert_eq!(good.rows[0].tests.detail.as_deref(), Some("1 of 2 pass, 1 fail with and without the patch"));
    // It is silent, and so is half of what the package is for: the control does not use that half.
    let breaks = verify(&with_tests(), &[patch("minimist/drops.patch")], &["1.2.5"], 0);
    assert_eq!(cells(&breaks.rows[0]), "yes yes yes yes no -");
    assert!(breaks.grade_reasons[0].contains("the patch breaks dots.js"), "{:?}", breaks.grade_reasons);
}

#[test]
fn python_is_patched_where_the_package_is_deeper_in_its_repository() {
    let report = verify(&example("sqlparse-nested-lists"), &[patch("sqlparse/good.patch")], &["0.4.4"], 3);
    let row = &report.rows[0];
    assert_eq!((report.grade, cells(row).as_str()), ("verified", "yes yes yes yes - yes"));
    let applied = row.applied.as_ref().unwrap();
    assert_eq!((applied.strip, applied.left_out.as_slice()), (2, &["a/CHANGELOG".to_owned()][..]));
}

/// An artefact is patched by its published sources: what changed is compiled and goes before it on the class path.
#[test]
fn java_is_compiled_from_its_sources_and_only_what_changed() {
    let mends = patch("json-smart/depth.patch");
    let broken = String::from_utf8(mends.clone()).unwrap().replace("depth--;", "depth--");
    let bundle = example("json-smart-depth");
    for (patch, wanted, reason) in [
        (mends, "yes yes yes yes - -", ""),
        (broken.into_bytes(), "yes no . . . .", "the patched sources do not compile: JSONParserBase.java:"),
    ] {
        let report = verify(&bundle, &[patch], &["2.4.8"], 0);
        let row = &report.rows[0];
        assert_eq!(cells(row), wanted);
        let reasons = report.grade_reasons.join("\n");
        assert!(reasons.contains(reason), "{reasons}");
        let file = &row.applied.as_ref().unwrap().files[0];
        assert_eq!(file.file, "net/minidev/json/parser/JSONParserBase.java");
    }
}

/// What is built anew with each version: a crate, a module, a source tree of Debian's.
#[test]
fn rust_go_and_c_are_patched_and_built() {
    for (name, file, version) in [
        ("smallvec-grow", "smallvec/capacity.patch", "0.6.9"),
        ("jsonparser-get-panic", "jsonparser/short-path.patch", "v0.0.0-20181115193947-bf1c66bbce23"),
        ("yajl-surrogate", "yajl/surrogate.patch", "2.1.0-3+deb12u2+patch02:multiarch.patch"),
    ] {
        let report = verify(&example(name), &[patch(file)], &[version], 0);
        assert_eq!((report.grade, cells(&report.rows[0]).as_str()), ("verified", "yes yes yes yes - -"), "{name}");
    }
}

#[test]
fn what_is_no_patch_is_refused() {
    let refused =
        engine().verify_fix(&[bundle("minimist-prototype")], &[b"words".to_vec()], &FixOptions::default(), watch());
    let error = error_of(refused);
    assert_eq!((error.code(), error.class()), ("malformed-patch", proof::ErrorClass::BadInput));
}

#[test]
fn two_proofs_of_one_defect_are_one_and_of_two_packages_two() {
    let poc = "const argv = require('minimist')(['--x=1', '--y.toString.constructor.prototype.other', '7', '--y', 'z']);\n\
               if (!argv) throw new Error();";
    let control = "require('assert').strictEqual(require('minimist')(['--a.b', 'yes']).a.b, 'yes');";
    let other = made("minimist@1.2.5", "prototype-pollution", poc, control, |manifest| {
        manifest.replace("[runtime]", "fixed = \"1.2.6\"\n[runtime]")
    });
    let pair = [bundle("minimist-prototype"), other];
    let report = engine().same(&pair, &[patch("minimist/good.patch")], watch()).unwrap();
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    assert_eq!(report.same, Sameness::Yes);
    assert_eq!(report.patches, [["silences".to_owned(), "silences".to_owned()]]);
    assert!(report.evidence.iter().any(|one| one.fact == "same-frame"), "{:?}", report.evidence);
    let elsewhere = [bundle("minimist-prototype"), bundle("ms-cpu")];
    let report = engine().same(&elsewhere, &[], watch()).unwrap();
    assert_eq!((report.same, report.evidence[0].fact), (Sameness::No, "other-package"));
}

#[test]
fn a_smaller_program_shows_the_same_with_the_same_stack() {
    let before = bundle("minimist-prototype");
    let report = engine().minimise(&before, 60, watch()).unwrap();
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    assert!(report.bytes_after < report.bytes_before / 2, "{} of {}", report.bytes_after, report.bytes_before);
    assert_eq!(report.hands.as_deref(), Some("minimist"));
    let small = String::from_utf8(report.bundle.files()["poc.js"].clone()).unwrap();
    assert!(small.contains("constructor.prototype") && !small.contains("//"), "{small}");
    let proved = engine().prove(&report.bundle, &proof::ProveOptions::default(), watch()).unwrap();
    assert_eq!(proved.grade, "confirmed");
    // What does not fire cannot be made smaller.
    let dead = made("minimist@1.2.5", "prototype-pollution", "1", "1", |manifest| manifest);
    assert_eq!(error_of(engine().minimise(&dead, 5, watch())).code(), "version-unready");
}
