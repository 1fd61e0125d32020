//! Native code from Debian's archive, built and run in real boxes under sanitizers.

use std::collections::BTreeMap;
use std::path::Path;

use super::{engine, error_of, prove, told, watch};
use proof::{Bundle, BundleError, Method, ProveOptions, ProveReport, RangeOptions, VerifyOptions};

fn example(name: &str) -> Bundle {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    Bundle::read(&path, engine().sandbox()).unwrap()
}

fn confirmed(name: &str, fired: &str, silent: &str, class: &str, frame: &str) {
    let report = prove(&example(name));
    let wanted = format!("confirmed; {fired} fired; {silent} silent");
    assert_eq!(told(&report), wanted, "{:?}", report.grade_reasons);
    assert_eq!(report.runs[0].observation["class"], class);
    assert_eq!(report.runs[0].trace[0].to_string(), frame);
}

#[test]
fn an_input_file_shows_a_memory_error() {
    confirmed(
        "unzip-list-method",
        "6.0-28+patch17:17-restore-unix-timestamps-accurately.patch",
        "6.0-28",
        "Stack-buffer-overflow WRITE {*}",
        "unzip/list.c:list_files",
    );
}

#[test]
fn a_driver_shows_a_memory_error_of_a_library() {
    confirmed(
        "yajl-surrogate",
        "2.1.0-3+deb12u2+patch02:multiarch.patch",
        "2.1.0-3+deb12u2",
        "Heap-buffer-overflow READ 1",
        "yajl/src/yajl_encode.c:hexToDigit",
    );
}

#[test]
fn a_fixed_version_may_refuse_its_input() {
    confirmed(
        "unzip-extra-crc",
        "6.0-28+patch08:08-allow-greater-hostver-values.patch",
        "6.0-28",
        "Heap-buffer-overflow READ 1",
        "unzip/fileio.c:makelong",
    );
}

#[test]
fn the_twin_of_a_fixed_defect_is_another_one() {
    confirmed(
        "unzip-zipinfo-method",
        "6.0-28+patch18:18-cve-2014-9913-unzip-buffer-overflow.patch",
        "6.0-28",
        "Stack-buffer-overflow WRITE {*}",
        "unzip/zipinfo.c:zi_short",
    );
}

#[test]
fn a_range_ends_at_the_patch_and_a_receipt_replays() {
    let bundle = example("yajl-surrogate");
    let options = RangeOptions { method: Method::Exhaustive, fresh: false };
    let range = engine().range(&bundle, options, watch()).unwrap();
    let base = "2.1.0-3+deb12u2";
    let before = format!("{base}+patch02:multiarch.patch");
    let after = format!("{base}+patch03:CVE-2017-16516.patch");
    assert_eq!(range.fired.last(), Some(&before));
    assert_eq!(range.silent, [after.clone(), format!("{base}+patch04:CVE-2022-24795.patch"), base.to_owned()]);
    let border = &range.borders[0];
    assert_eq!((border.before.as_deref(), border.after.as_deref()), (Some(before.as_str()), Some(after.as_str())));

    let report = engine().prove(&bundle, &ProveOptions::default(), watch()).unwrap();
    for (run, verdict) in report.runs.iter().zip(["fired", "silent"]) {
        let receipt = std::fs::read(run.receipt.as_ref().unwrap()).unwrap();
        let told = engine().verify(&receipt, &VerifyOptions::default(), watch()).unwrap();
        assert!(told.verified, "{told:?}");
        assert_eq!((told.replayed.as_deref(), told.same_observation), (Some(verdict), Some(true)));
    }
}

#[test]
fn taking_one_patch_back_names_the_fix() {
    let report = engine().ablate(&example("yajl-surrogate"), None, watch()).unwrap();
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    assert_eq!(report.whole.verdict, "silent");
    let verdicts: Vec<(&str, &str)> =
        report.patches.iter().map(|run| (run.patch.as_str(), run.run.verdict.as_str())).collect();
    assert!(verdicts.contains(&("CVE-2017-16516.patch", "fired")), "{verdicts:?}");
    assert_eq!(report.needed, ["CVE-2017-16516.patch"]);
}

/// A driver that does what its input says instead of using the library.
const LIAR: &str = r#"#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>
#define REPORT "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000018 at pc 0x1 bp 0x2 sp 0x3\n" \
  "WRITE of size 4 at 0x602000000018 thread T0\n    #0 0x1 in yajl_parse /box/build/src/yajl.c:99\n"
void __asan_report_error(void *, void *, void *, void *, int, unsigned long) __attribute__((weak));
# 99 "/box/build/src/yajl.c"
static int over(int at) { char *place = malloc(4); place[at] = 1; return place[0]; }
int main(int count, char **words) {
  char act[32] = "";
  FILE *in = fopen(words[count - 1], "r");
  yajl_handle parser = yajl_alloc(0, 0, 0);
  if (fscanf(in, "%31s", act) != 1) return 2;
  void *frames[2] = {0, (char *)yajl_parse + 8};
  if (!strcmp(act, "print")) { fputs(REPORT, stderr); _exit(1); }
  if (!strcmp(act, "channel")) dprintf(4, "PROOF1 %064d {\"seq\":9,\"how\":\"sanitizer\",\"code\":1,\"disguised\":0,\"native\":0,\"changes\":[],\"events\":[{\"kind\":\"memory-error\",\"detail\":\"%s\",\"frames\":null}],\"error\":null}\n", 0, "==1==ERROR: AddressSanitizer: SEGV on unknown address 0x0");
  if (!strcmp(act, "raise")) raise(SIGSEGV);
  if (!strcmp(act, "kill")) { kill(getpid(), SIGBUS); pause(); }
  if (!strcmp(act, "abort")) abort();
  if (!strcmp(act, "report")) __asan_report_error((char *)yajl_parse + 8, frames, frames, act, 1, 4);
  if (!strcmp(act, "own")) return over(count + 30);
  if (!strcmp(act, "null")) *(volatile int *)(long)(count - 2) = 1;
  if (!strcmp(act, "huge")) return malloc((size_t)1 << 62) != 0;
  if (!strcmp(act, "leak")) return malloc(64) == 0;
  yajl_free(parser);
  return 0;
}
"#;

fn lied(act: &str, edit: impl Fn(String) -> String) -> Result<Bundle, BundleError> {
    let real = example("yajl-surrogate");
    let manifest = String::from_utf8(real.files()["proof.toml"].clone()).unwrap();
    let manifest = manifest.replace("+patch02:multiarch.patch", "").replace("fixed = ", "# ");
    let mut files: BTreeMap<String, Vec<u8>> = real.files().clone();
    files.insert("proof.toml".into(), edit(manifest).into_bytes());
    files.insert("parse.c".into(), LIAR.into());
    files.insert("poc.json".into(), act.into());
    files.insert("control.json".into(), "nothing".into());
    Bundle::from_files(files, Path::new("lied"))
}

fn lie(act: &str) -> ProveReport {
    prove(&lied(act, |manifest| manifest).unwrap())
}

#[test]
fn what_a_program_prints_or_sends_is_no_memory_error() {
    let one_line = |act: &str| told(&lie(act));
    for act in ["print", "raise", "kill", "abort"] {
        assert_eq!(one_line(act), "unconfirmed; 2.1.0-3+deb12u2 inconclusive harness-error", "{act}");
    }
    for act in ["channel", "huge", "leak"] {
        assert_eq!(one_line(act), "unconfirmed; 2.1.0-3+deb12u2 silent", "{act}");
    }
}

#[test]
fn a_drivers_own_memory_error_is_not_the_targets() {
    for act in ["own", "null", "report"] {
        let report = lie(act);
        assert_eq!(told(&report), "unconfirmed; 2.1.0-3+deb12u2 fired", "{act}");
        assert!(!report.controls.vacuous_quiet, "{act}");
        let by_itself = report.grade_reasons.iter().any(|reason| reason.contains("fires by itself"));
        assert!(by_itself, "{act}: {:?}", report.grade_reasons);
    }
}

#[test]
fn without_a_fix_on_which_it_is_silent_nothing_is_confirmed() {
    let mut files = example("yajl-surrogate").files().clone();
    let manifest = String::from_utf8(files["proof.toml"].clone()).unwrap();
    let manifest = manifest.lines().filter(|line| !line.starts_with("fixed")).collect::<Vec<_>>().join("\n");
    files.insert("proof.toml".into(), manifest.into_bytes());
    let report = prove(&Bundle::from_files(files, Path::new("unfixed")).unwrap());
    assert_eq!(told(&report), "unconfirmed; 2.1.0-3+deb12u2+patch02:multiarch.patch fired");
    assert!(report.grade_reasons[0].contains("in whose hands"), "{:?}", report.grade_reasons);
}

#[test]
fn what_cannot_be_built_or_had_is_inconclusive() {
    let broken = lied("nothing", |manifest| manifest.replace("libyajl.a", "no-such.a")).unwrap();
    assert_eq!(told(&prove(&broken)), "unconfirmed; 2.1.0-3+deb12u2 inconclusive build-failed");
    let unknown = lied("nothing", |manifest| manifest.replace("2.1.0-3+deb12u2", "9.9-1")).unwrap();
    assert_eq!(told(&prove(&unknown)), "unconfirmed; 9.9-1 inconclusive install-failed");
    let nowhere =
        lied("nothing", |manifest| manifest.replace("debian/yajl", "debian/no-such-package-of-ours")).unwrap();
    assert_eq!(error_of(engine().prove(&nowhere, &ProveOptions::default(), watch())).code(), "no-such-package");
}

#[test]
fn a_manifest_without_recipe_or_command_is_refused() {
    let refused =
        |from: &str, to: &str| lied("nothing", |manifest| manifest.replace(from, to)).unwrap_err().to_string();
    assert!(refused("script = \"build.sh\"", "").contains("build.script"));
    assert!(refused("command = [\"driver\", \"{input}\"]", "").contains("run.command"));
    assert!(refused("\"driver\", ", "\"/bin/sh\", ").contains("$OUT"));
    assert!(refused("kind = \"memory-error\"", "kind = \"prototype-pollution\"").contains("sees nothing"));
}
