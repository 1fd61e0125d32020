//! `range` over every published version of a real package.

use super::{bundle, engine, watch};
use proof::range::compare::compare;
use proof::{Method, RangeOptions, RangeReport};

fn range(method: Method, fresh: bool) -> RangeReport {
    let options = RangeOptions { method, fresh };
    let report = engine().range(&bundle("minimist-prototype"), options, watch()).unwrap();
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    report
}

fn advisories() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/advisories")
}

#[test]
fn exhaustive_bisected_and_remembered_answers_agree() {
    let all = range(Method::Exhaustive, true);
    assert_eq!(all.versions_run, all.versions_total);
    assert_eq!((all.versions_inferred, all.versions_from_receipts), (0, 0));
    assert_eq!(all.fired.len() + all.silent.len() + all.inconclusive.len(), all.versions_total);
    assert!(all.fired.contains(&"1.2.5".to_owned()) && all.silent.contains(&"1.2.6".to_owned()));
    let main = all.affected.iter().find(|interval| interval.fixed.as_deref() == Some("1.2.6"));
    assert!(main.is_some(), "{:?}", all.affected);
    let border = all.borders.iter().find(|border| border.after.as_deref() == Some("1.2.6")).unwrap();
    assert!(border.certain && border.kind == "fixed" && border.before.as_deref() == Some("1.2.5"));
    assert!(all.disagreement.is_empty(), "{:?}", all.disagreement);
    assert!(all.trace.iter().any(|frame| frame.package == "minimist"));

    let advisory = std::fs::read(advisories().join("CVE-2021-44906.osv.json")).unwrap();
    let (advisory, warnings) = formats::osv::read(&advisory).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let package = bundle("minimist-prototype").manifest().target.package.clone();
    let compared = compare(&all, &package, &advisory).unwrap();
    assert_eq!((compared.result.as_str(), compared.under_claimed.len()), ("over-claim", 0));
    assert_eq!(compared.over_claimed, ["0.2.3"], "the old line was repaired one release before the advisory says");
    assert_eq!(compared.agreed + 1 + compared.unknown.len(), all.versions_total);

    let bisected = range(Method::Bisect, true);
    assert_eq!((&bisected.affected, &bisected.fired, &bisected.silent), (&all.affected, &all.fired, &all.silent));
    assert_eq!(bisected.versions_run + bisected.versions_inferred, all.versions_total);

    let remembered = range(Method::Exhaustive, false);
    assert_eq!(remembered.versions_from_receipts, remembered.versions_total - not_installed(&remembered));
    assert_eq!(remembered.affected, all.affected);
}

fn not_installed(report: &RangeReport) -> usize {
    report.unknown.iter().filter(|unknown| unknown.reason == "install-failed").count()
}
