//! Each oracle on a real vulnerability that was fixed long ago: it fires before the fix, in the package's hands, and is
//! silent after it.

use super::{bundle, made, prove, told};

fn check(name: &str, wanted: &str, frame: &str) {
    let report = prove(&bundle(name));
    assert_eq!(told(&report), wanted);
    assert!(report.controls.self_test_passed && report.controls.vacuous_quiet);
    if !frame.is_empty() {
        let trace: Vec<String> = report.runs[0].trace.iter().map(ToString::to_string).collect();
        assert!(trace.iter().any(|found| found == frame), "{frame} is not in {trace:?}");
    }
}

#[test]
fn prototype_pollution() {
    check("minimist-prototype", "confirmed; 1.2.5 fired; 1.2.6 silent", "minimist/index.js:setKey");
}

#[test]
fn command_execution() {
    check("macaddress-command", "confirmed; 0.2.8 fired; 0.2.9 silent", "macaddress/lib/linux.js:module.exports");
}

#[test]
fn code_execution_through_text_that_names_itself() {
    check("lodash-template-code", "confirmed; 4.17.20 fired; 4.17.21 silent", "lodash/lodash.js:template");
}

#[test]
fn code_execution_through_plain_text() {
    check("ejs-code", "confirmed; 3.1.6 fired; 3.1.7 silent", "");
}

#[test]
fn cpu_blow_up_quadratic() {
    check("ms-cpu", "confirmed; 0.7.0 fired; 0.7.1 silent", "ms/index.js:parse");
}

#[test]
fn cpu_blow_up_exponential() {
    check("brace-expansion-cpu", "confirmed; 1.1.6 fired; 1.1.7 silent", "");
}

#[test]
fn file_write() {
    check("adm-zip-write", "confirmed; 0.4.7 fired; 0.4.11 silent", "adm-zip/util/utils.js:writeFileTo");
}

#[test]
fn file_read() {
    check("send-read", "confirmed; 0.8.3 fired; 0.8.4 silent", "");
}

#[test]
fn assertion() {
    check("ip-assertion", "confirmed; 1.1.8 fired; 1.1.9 silent", "");
}

#[test]
fn an_old_runtime_that_a_bundle_pins() {
    let poc = "require('minimist')(['--constructor.prototype.shown', 'yes']);
               if (process.version !== 'v14.21.3') process.exit(3);";
    let control = "require('assert').strictEqual(require('minimist')(['--a', 'yes']).a, 'yes');";
    let report = prove(&made("minimist@1.2.0", "prototype-pollution", poc, control, |manifest| {
        manifest.replace("kind = \"node\"", "kind = \"node\"\nversion = \"14.21.3\"")
    }));
    assert_eq!(told(&report), "confirmed; 1.2.0 fired");
    assert_eq!(report.runtime, "node 14.21.3");
}

/// The oracles that see from outside have no package in the registry here yet that shows them: their own tests, run through
/// the same code as any proof, stand for them, each against a package that does and one that does not.
#[test]
fn oracles_seen_from_outside_pass_their_own_tests() {
    use domain::proof::OracleKind;
    for kind in [
        OracleKind::UncontrolledAllocation,
        OracleKind::InfiniteLoop,
        OracleKind::ServerSideRequest,
        OracleKind::XmlExternalEntity,
        OracleKind::Deserialisation,
        OracleKind::ResponseSplitting,
    ] {
        let report = super::prove(&super::made(
            "is-odd@3.0.1",
            kind.as_str(),
            "require('is-odd')(3)",
            "require('is-odd')(1)",
            |m| m,
        ));
        assert!(report.controls.self_test_passed, "{kind}");
        assert_eq!(report.runs[0].verdict, "silent", "{kind}");
    }
}

#[test]
fn what_the_program_does_itself_is_not_confirmed_without_silence_at_a_fix() {
    let ask = "require('http').get(process.env.PROOF_CANARY_URL, (r) => r.resume())";
    let report = super::prove(&super::made("is-odd@3.0.1", "server-side-request", ask, "require('is-odd')(1)", |m| m));
    assert_eq!(report.runs[0].verdict, "fired");
    assert_eq!(report.grade, "unconfirmed");
    let write = "const fs = require('fs'); require('is-odd')(3); fs.writeFileSync(process.env.PROOF_OUT, 'a: ' + process.env.PROOF_CANARY_HEADER + ': ' + process.env.PROOF_CANARY_VALUE)";
    let report = super::prove(&super::made("is-odd@3.0.1", "response-splitting", write, "require('is-odd')(1)", |m| m));
    assert_eq!(report.runs[0].verdict, "silent", "the canary inside another line is no line of its own");
}
