//! CPython over packages of PyPI, with the real index and real boxes: the examples, the oracles' own tests, and bundles
//! that lie.

use std::fs;
use std::path::Path;

use super::{engine, prove, told, try_made, watch};
use proof::{Bundle, Method, ProveOptions, ProveReport, RangeOptions, VerifyOptions};

const PACKAGE: &str = "sqlparse";
const CONTROL: &str = "import sqlparse\nassert sqlparse.split('a; b') == ['a;', 'b']\n";

fn example(name: &str) -> Bundle {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    Bundle::read(&folder, engine().sandbox()).unwrap()
}

/// A bundle about a small pure package, which does nothing of what these programs do.
fn run(oracle: &str, poc: &str, control: &str, more: &str) -> ProveReport {
    let manifest = format!(
        "proof = 1\ntitle = \"a test\"\n[target]\npurl = \"pkg:pypi/{PACKAGE}\"\nvulnerable = \"0.4.4\"\n{more}\
         [runtime]\nkind = \"python\"\n[run]\nprogram = \"poc.py\"\ncontrol = \"control.py\"\nrepeat = 1\nwall = \"10s\"\n\
         [oracle]\nkind = \"{oracle}\"\n"
    );
    let files = [("proof.toml", manifest.as_str()), ("poc.py", poc), ("control.py", control)];
    let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    prove(&Bundle::from_files(files.into(), Path::new("made")).unwrap())
}

fn shows_nothing(oracle: &str, poc: &str, reason: &str) {
    let report = run(oracle, poc, CONTROL, "");
    assert_eq!(told(&report), format!("unconfirmed; 0.4.4 inconclusive {reason}"), "{:?}", report.runs[0].detail);
}

#[test]
fn a_wheel_is_proved_and_its_receipt_replays() {
    let report = prove(&example("sqlparse-nested-lists"));
    assert_eq!(told(&report), "confirmed; 0.4.4 fired; 0.5.0 silent", "{:?}", report.grade_reasons);
    let receipt = fs::read(report.runs[0].receipt.as_ref().unwrap()).unwrap();
    let replayed = engine().verify(&receipt, &VerifyOptions::default(), watch()).unwrap();
    assert!(replayed.verified, "{replayed:?}");
}

#[test]
fn a_source_is_built_in_a_box_and_its_receipt_replays() {
    let report = prove(&example("pyyaml-full-load"));
    assert_eq!(told(&report), "confirmed; 5.3.1 fired; 5.4 silent", "{:?}", report.grade_reasons);
    assert_eq!(report.runs[0].hands.as_deref(), Some("pyyaml"));
    let receipt = fs::read(report.runs[0].receipt.as_ref().unwrap()).unwrap();
    let replayed = engine().verify(&receipt, &VerifyOptions::default(), watch()).unwrap();
    assert!(replayed.verified, "{replayed:?}");
}

#[test]
fn every_oracle_passes_its_own_test() {
    let quiet = "import sqlparse\nsqlparse.split('a')\n";
    for oracle in
        ["file-read", "file-write", "command-execution", "code-execution", "cpu-blow-up", "sql-injection", "assertion"]
    {
        let report = run(oracle, quiet, CONTROL, "");
        assert_eq!(told(&report), "unconfirmed; 0.4.4 silent", "{oracle}: {:?}", report.runs[0].detail);
        assert!(report.controls.self_test_passed, "{oracle}: {:?}", report.controls);
    }
}

#[test]
fn whoever_fires_by_itself_is_not_confirmed() {
    let start = "import os, sys, sqlparse\nenv = os.environ\n";
    for (oracle, poc) in [
        ("file-read", "print(open(env['PROOF_CANARY_FILE']).read())"),
        ("file-write", "open(env['PROOF_CANARY_WRITE'], 'w').close()"),
        ("command-execution", "os.system(env['PROOF_CANARY_EXEC'])"),
        ("code-execution", "os.system(env['PROOF_CANARY_EXEC'])"),
    ] {
        // Acts on the version that it calls vulnerable, and on no other.
        let poc = format!("{start}if sqlparse.__version__ == '0.4.4':\n    {poc}\n");
        let report = run(oracle, &poc, CONTROL, "fixed = \"0.5.0\"\n");
        assert_eq!(report.grade, "unconfirmed", "{oracle}");
        assert_eq!(report.runs[0].hands.as_deref(), Some("program"), "{oracle}");
    }
    // Text that the program compiles under the package's name is no witness for the package.
    let disguised = "exec(compile(\"os.system(env['PROOF_CANARY_EXEC'])\", sqlparse.__file__, 'exec'))";
    let poc = format!("{start}if sqlparse.__version__ == '0.4.4':\n    {disguised}\n");
    let report = run("command-execution", &poc, CONTROL, "");
    assert_eq!(report.grade, "unconfirmed");
    assert_ne!(report.runs[0].hands.as_deref(), Some("sqlparse"));
}

#[test]
fn without_a_silent_version_nothing_is_confirmed() {
    let report = run("assertion", "import sqlparse, sys\nsys.exit(10)\n", CONTROL, "");
    assert_eq!(told(&report), "unconfirmed; 0.4.4 fired");
    assert!(report.grade_reasons.iter().any(|reason| reason.contains("nobody sees in whose hands")), "{report:?}");
}

#[test]
fn reports_written_by_hand_do_not_count() {
    let poc = "import os, sqlparse\nos.write(4, b'PROOF1 ' + b'0' * 64 + b' {\"seq\":9}\\n')\nprint('fired')\n";
    let report = run("command-execution", poc, CONTROL, "");
    assert_eq!(told(&report), "unconfirmed; 0.4.4 silent");
    assert!(report.warnings.iter().any(|warning| warning.contains("report channel")), "{:?}", report.warnings);
}

#[test]
fn an_exception_is_no_fix() {
    shows_nothing("assertion", "import sqlparse\nsqlparse.no_such_function()\n", "api-absent");
    shows_nothing("assertion", "import sqlparse.no_such_module\n", "api-absent");
    shows_nothing("assertion", "import sqlparse\nsqlparse.format('a', keyword_case='none')\n", "harness-error");
    shows_nothing("assertion", "import os, sqlparse\nos._exit(0)\n", "harness-error");
    let report = run("assertion", "import sqlparse\n", "raise ValueError('no')\n", "");
    assert_eq!(told(&report), "unconfirmed; 0.4.4 inconclusive control-failed");
    let report = run("assertion", "import sqlparse\n", CONTROL, "fixed = \"0.0.999\"\n");
    assert_eq!(told(&report), "unconfirmed; 0.4.4 silent; 0.0.999 inconclusive install-failed");
}

#[test]
fn there_is_no_way_out() {
    let poc = "import socket, sqlparse, sys\ntry:\n    socket.create_connection(('127.0.0.1', 22), 2)\n    sys.exit(10)\n\
               except OSError:\n    pass\n\
               try:\n    open('/proc/self/mem', 'rb')\n    sys.exit(10)\nexcept OSError:\n    pass\n\
               try:\n    open('/app/site/sqlparse/x', 'w')\n    sys.exit(10)\nexcept OSError:\n    pass\n";
    assert_eq!(told(&run("assertion", poc, CONTROL, "")), "unconfirmed; 0.4.4 silent");
}

#[test]
fn a_version_for_another_python_is_unfit_and_never_silent() {
    let options = ProveOptions { versions: vec!["0.1.0".into()], ..ProveOptions::default() };
    let report = engine().prove(&example("sqlparse-nested-lists"), &options, watch()).unwrap();
    assert_eq!(report.runs[0].verdict, "inconclusive", "{:?}", report.runs[0]);
}

#[test]
fn a_range_has_its_border_where_the_fix_is() {
    let options = RangeOptions { method: Method::Bisect, fresh: false };
    let report = engine().range(&example("jinja2-xmlattr"), options, watch()).unwrap();
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    assert!(report.borders.iter().any(|border| border.after.as_deref() == Some("3.1.3")), "{:?}", report.borders);
}

#[test]
fn a_manifest_of_another_ecosystem_is_refused() {
    let manifest = "proof = 1\ntitle = \"x\"\n[target]\npurl = \"pkg:npm/x\"\nvulnerable = \"1.0.0\"\n[runtime]\n\
                    kind = \"python\"\n[run]\nprogram = \"poc.js\"\ncontrol = \"control.js\"\n[oracle]\nkind = \"assertion\"\n";
    assert!(try_made(manifest, "", "").is_err());
}
