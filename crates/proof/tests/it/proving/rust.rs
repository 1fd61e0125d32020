//! Crates of crates.io: real ones, built and run in real boxes.

use std::path::Path;

use super::{config, engine, prove, told, watch};
use proof::cargo::config::CargoConfig;
use proof::{Bundle, Engine, EngineConfig, RangeOptions, VerifyOptions};

fn example(name: &str) -> Bundle {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    Bundle::read(&folder, engine().sandbox()).unwrap()
}

/// A bundle about a crate, made of the two programs and a fixed version.
fn made(package: &str, oracle: &str, poc: &str, control: &str) -> Bundle {
    let (name, version) = package.rsplit_once('@').unwrap();
    let manifest = format!(
        "proof = 1\ntitle = \"a test\"\n[target]\npurl = \"pkg:cargo/{name}\"\nvulnerable = \"{version}\"\n\
         [runtime]\nkind = \"rust\"\n[run]\nprogram = \"poc.rs\"\ncontrol = \"control.rs\"\nrepeat = 1\nwall = \"10s\"\n\
         [oracle]\nkind = \"{oracle}\"\n"
    );
    let files = [("proof.toml", manifest.as_str()), ("poc.rs", poc), ("control.rs", control)];
    let files = files.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect();
    Bundle::from_files(files, Path::new("made")).unwrap()
}

fn check(name: &str, wanted: &str) {
    let report = prove(&example(name));
    assert_eq!(told(&report), wanted, "{:?}", report.grade_reasons);
    assert!(report.controls.self_test_passed && report.controls.vacuous_quiet);
    assert!(report.runs.iter().all(|run| run.hands.is_none()));
}

#[test]
fn file_write() {
    check("tar-link-escape", "confirmed; 0.4.15 fired; 0.4.16 silent");
}

#[test]
fn assertion() {
    check("smallvec-insert-many", "confirmed; 1.6.0 fired; 1.6.1 silent");
    check("untrusted-underflow", "confirmed; 0.6.1 fired; 0.6.2 silent");
    check("simple-slab-index", "confirmed; 0.3.2 fired; 0.3.3 silent");
    check("shlex-quote", "confirmed; 1.2.0 fired; 1.2.1 silent");
}

#[test]
fn memory_error_by_address_sanitizer() {
    let report = prove(&super::bundle("smallvec-grow-address"));
    assert_eq!(told(&report), "confirmed; 0.6.9 fired; 0.6.10 silent", "{:?}", report.grade_reasons);
    assert!(report.runtime.ends_with("with AddressSanitizer"), "{}", report.runtime);
    assert_eq!(report.runs[0].observation["tool"], "AddressSanitizer");
    assert_eq!(report.runs[0].observation["class"], "Heap-use-after-free READ 1");
}

/// Every oracle of the runtime fires on what must fire there and is quiet on what must not.
#[test]
fn each_oracle_is_tested_on_itself() {
    let row = proof::runtime::row(proof::bundle::manifest::RuntimeKind::Rust);
    for kind in row.oracles {
        let program = "fn main() { assert!(itoa::Buffer::new().format(17) == \"17\") }";
        let bundle = made("itoa@1.0.1", kind.as_str(), program, program);
        let report = prove(&bundle);
        assert!(report.controls.self_test_passed, "{kind}");
        assert_eq!(report.grade, "unconfirmed", "{kind}");
    }
}

const ALIVE: &str = "fn main() { assert!(itoa::Buffer::new().format(17) == \"17\") }";

/// What a bundle about `itoa` is told: grade, verdicts, and why.
fn hostile(oracle: &str, poc: &str, control: &str, wanted: &str, why: &str) {
    let report = prove(&made("itoa@1.0.1", oracle, poc, control));
    assert_eq!(told(&report), wanted);
    let reasons = report.grade_reasons.join("; ");
    assert!(reasons.contains(why), "{why} is not in {reasons}");
}

#[test]
fn a_program_that_does_it_itself_is_refused() {
    let poc = "fn main() { std::fs::write(std::env::var(\"PROOF_CANARY_WRITE\").unwrap(), \"x\").unwrap() }";
    hostile("file-write", poc, ALIVE, "unconfirmed; 1.0.1 fired", "fires by itself");
    // One that touches the crate cannot be built against nothing; without a fixed version it is refused all the same.
    let both = poc.replace("fn main() {", "fn main() { let _ = itoa::Buffer::new();");
    hostile("file-write", &both, ALIVE, "unconfirmed; 1.0.1 fired", "declare a fixed version");
}

#[test]
fn words_and_exits_are_no_effects() {
    let says = "fn main() { let _ = itoa::Buffer::new(); println!(\"fired {{\\\"verdict\\\":\\\"fired\\\"}}\"); }";
    hostile("file-write", says, ALIVE, "unconfirmed; 1.0.1 silent", "does not fire");
    let panics = "fn main() { let _ = itoa::Buffer::new(); panic!(\"no\") }";
    let why = "uncaught panic: thread 'main'";
    hostile("file-write", panics, ALIVE, "unconfirmed; 1.0.1 inconclusive harness-error", why);
    hostile("file-write", ALIVE, panics, "unconfirmed; 1.0.1 inconclusive control-failed", why);
    let greedy =
        "fn main() { let _ = itoa::Buffer::new(); let mut all = vec![]; loop { all.push(vec![1u8; 1 << 20]) } }";
    hostile("file-write", greedy, ALIVE, "unconfirmed; 1.0.1 inconclusive harness-error", "memory limit");
}

#[test]
fn neither_build_nor_run_sees_the_host() {
    let at_build = format!("const TEXT: &str = include_str!(\"{}\"); fn main() {{ print!(\"{{TEXT}}\") }}", file!());
    let failed = "unconfirmed; 1.0.1 inconclusive build-failed";
    hostile(
        "file-write",
        &at_build,
        ALIVE,
        failed,
        "the program does not compile against itoa@1.0.1: error: couldn't read",
    );
    let folder = env!("CARGO_MANIFEST_DIR");
    let at_run = format!(
        "fn main() {{ let _ = itoa::Buffer::new(); assert!(std::fs::read_dir(\"{folder}\").is_err()); \
         assert!(std::process::Command::new(\"rustc\").arg(\"-V\").output().is_err()); \
         assert!(std::net::TcpStream::connect(\"127.0.0.1:80\").is_err()); }}"
    );
    hostile("file-write", &at_run, ALIVE, "unconfirmed; 1.0.1 silent", "does not fire");
}

#[test]
fn whose_fault_it_is_that_nothing_was_built() {
    let absent = "fn main() { itoa::no_such_function() }";
    let failed = "unconfirmed; 1.0.1 inconclusive build-failed";
    hostile("assertion", absent, ALIVE, failed, "the program does not compile against itoa@1.0.1: error[E0425]");
    // Its extended attributes need a crate that no longer builds.
    let poc = "fn main() { let _ = tar::Builder::new(Vec::<u8>::new()); }";
    let report = prove(&made("tar@0.4.15", "assertion", poc, poc));
    let reasons = report.grade_reasons.join("; ");
    assert!(reasons.contains("xattr-0.2.3, which tar@0.4.15 needs, does not compile"), "{reasons}");
    let report = prove(&made("itoa@1.0.1000", "assertion", ALIVE, ALIVE));
    assert_eq!(told(&report), "unconfirmed; 1.0.1000 inconclusive install-failed");
}

#[test]
fn a_receipt_replays_with_no_registry() {
    let report = prove(&example("untrusted-underflow"));
    let receipt = std::fs::read(report.runs[0].receipt.as_ref().unwrap()).unwrap();
    let cargo = "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+http://127.0.0.1:9/\"";
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("proof-home");
    let offline = EngineConfig { cargo: Some(CargoConfig::of_text(cargo)), ..config(&home) };
    let verified = Engine::open(offline).unwrap().verify(&receipt, &VerifyOptions::default(), watch()).unwrap();
    assert!(verified.verified, "{verified:?}");
    assert_eq!((verified.replayed.as_deref(), verified.same_observation), (Some("fired"), Some(true)));
}

#[test]
fn a_range_finds_the_border() {
    let report = engine().range(&example("untrusted-underflow"), RangeOptions::default(), watch()).unwrap();
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    assert!(report.fired.contains(&"0.6.1".to_owned()) && report.silent.contains(&"0.6.2".to_owned()));
    assert!(report.borders.iter().any(|border| border.certain && border.after.as_deref() == Some("0.6.2")));
}
