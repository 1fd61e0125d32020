//! Go modules: real ones from the proxy, built and run in real boxes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{engine, prove, told, watch};
use proof::{Bundle, Method, ProveReport, RangeOptions, VerifyOptions};

const MODULE: &str = "github.com/buger/jsonparser";
const CONTROL: &str = "if n, err := jsonparser.GetInt([]byte(`[1, 2]`), \"[1]\"); err != nil || n != 2 { os.Exit(3) }";
const PANICS: &str = "defer func() { if recover() != nil { os.Exit(10) } }(); jsonparser.Get([]byte(`[1]`), \"[\")";
/// The version with the defect: fixed in v1.1.1.
const VULNERABLE: &str = "v0.0.0-20181115193947-bf1c66bbce23";

fn source(body: &str) -> Vec<u8> {
    let imports = "import (\n\"os\"\n\"net\"\n\"github.com/buger/jsonparser\"\n)\nvar _ = os.Exit\nvar _ net.Addr\nvar _ = jsonparser.GetInt\n";
    format!("package main\n{imports}func main() {{\n{body}\n}}\n").into_bytes()
}

fn bundle(oracle: &str, vulnerable: &str, poc: &str, control: &str) -> Bundle {
    let manifest = format!(
        "proof = 1\ntitle = \"a test\"\n[target]\npurl = \"pkg:golang/{MODULE}\"\nvulnerable = \"{vulnerable}\"\nfixed = \"v1.1.1\"\n\
         [runtime]\nkind = \"go\"\n[run]\nprogram = \"poc.go\"\ncontrol = \"control.go\"\nrepeat = 1\nwall = \"10s\"\n\
         [oracle]\nkind = \"{oracle}\"\n"
    );
    let files = BTreeMap::from([
        ("proof.toml".to_owned(), manifest.into_bytes()),
        ("poc.go".to_owned(), source(poc)),
        ("control.go".to_owned(), source(control)),
    ]);
    Bundle::from_files(files, Path::new("made")).unwrap()
}

fn run(oracle: &str, poc: &str) -> ProveReport {
    prove(&bundle(oracle, VULNERABLE, poc, CONTROL))
}

#[test]
fn a_real_defect_is_confirmed_replayed_and_ranged() {
    let bundle = bundle("assertion", VULNERABLE, PANICS, CONTROL);
    let report = prove(&bundle);
    assert_eq!(told(&report), format!("confirmed; {VULNERABLE} fired; v1.1.1 silent"));
    assert!(
        report.controls.vacuous_quiet && report.controls.self_test_passed && !report.controls.control_passes_on_stub
    );
    let receipt = fs::read(report.runs[0].receipt.as_ref().unwrap()).unwrap();
    let replayed = engine().verify(&receipt, &VerifyOptions::default(), watch()).unwrap();
    assert!(replayed.verified && replayed.warnings.is_empty(), "{:?}", replayed.warnings);

    let range = engine().range(&bundle, RangeOptions { method: Method::Bisect, fresh: false }, watch()).unwrap();
    assert!(range.fired.iter().any(|version| version == VULNERABLE), "{:?}", range.fired);
    assert!(range.silent.iter().any(|version| version == "v1.1.1"), "{:?}", range.unknown);
    assert!(range.disagreement.is_empty(), "{:?}", range.disagreement);
}

#[test]
fn what_fires_by_itself_is_not_confirmed() {
    let write = "os.WriteFile(os.Getenv(\"PROOF_CANARY_WRITE\"), nil, 0o644)";
    for (oracle, poc) in [("assertion", "os.Exit(10)"), ("file-write", write)] {
        let report = run(oracle, poc);
        assert_eq!(told(&report), format!("unconfirmed; {VULNERABLE} fired; v1.1.1 fired"));
        assert!(!report.controls.vacuous_quiet, "it fires without its module");
        assert!(report.grade_reasons.iter().any(|reason| reason.contains("nobody sees in whose hands")));
    }
}

#[test]
fn effects_written_by_hand_or_only_tried_are_not_seen() {
    let write = "os.WriteFile(os.Getenv(\"PROOF_OUT\"), []byte(\"fired\"), 0o644); os.NewFile(4, \"r\").WriteString(\"fired\\n\")";
    assert!(told(&run("file-read", write)).ends_with(&format!("{VULNERABLE} silent; v1.1.1 silent")));
    let write =
        "os.WriteFile(\"/box/executed\", []byte(\"fired\"), 0o644); os.ReadFile(os.Getenv(\"PROOF_CANARY_EXEC\"))";
    assert!(told(&run("command-execution", write)).ends_with(&format!("{VULNERABLE} silent; v1.1.1 silent")));
}

#[test]
fn the_host_is_out_of_reach() {
    let poc = "for _, f := range []string{\"/etc/shadow\", \"/proc/1/environ\"} { if _, err := os.ReadFile(f); err == nil { os.Exit(10) } }
        for _, f := range []string{\"/app/bin/x\", \"/app/proof/x\", \"/x\"} { if os.WriteFile(f, nil, 0o644) == nil { os.Exit(10) } }
        if _, err := net.Dial(\"tcp\", \"127.0.0.1:22\"); err == nil { os.Exit(10) }";
    assert_eq!(told(&run("assertion", poc)), format!("unconfirmed; {VULNERABLE} silent; v1.1.1 silent"));
}

#[test]
fn what_shows_nothing_says_why() {
    let reason = |poc: &str, control: &str, version: &str| {
        let report = prove(&bundle("assertion", version, poc, control));
        let run = &report.runs[0];
        assert_eq!((report.grade.as_str(), run.verdict.as_str()), ("unconfirmed", "inconclusive"));
        format!("{}: {}", run.reason.clone().unwrap_or_default(), run.detail.clone().unwrap_or_default())
    };
    let found = reason("jsonparser.NoSuch()", CONTROL, VULNERABLE);
    assert!(found.starts_with("api-absent: ") && found.contains("undefined: jsonparser.NoSuch"), "{found}");
    let found = reason("var x int = \"\"", CONTROL, VULNERABLE);
    assert!(found.starts_with("build-failed: the program does not compile"), "{found}");
    let found = reason("panic(\"lost\")", CONTROL, VULNERABLE);
    assert!(found.starts_with("harness-error: ") && found.contains("panic: lost"), "{found}");
    let found = reason(PANICS, "os.Exit(1)", "v1.1.1");
    assert!(found.starts_with("control-failed: "), "{found}");
    let found = reason(PANICS, CONTROL, "v9.9.9");
    assert!(found.starts_with("install-failed: "), "{found}");
}
