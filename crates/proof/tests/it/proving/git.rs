//! Commits in place of versions: a repository of our own, in which a defect comes, stays through commits that do not build,
//! and goes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::{config, error_of, told, watch};
use proof::{Bundle, BundleError, Engine, EngineConfig, Method, ProveOptions, RangeOptions, VerifyOptions};

/// Adds up the numbers of a file, by way of a table.
const TALLY: &str = r#"#include <stdio.h>
#include <stdlib.h>
int main(int count, char **words) {
  int *table = malloc(8 * sizeof *table), filled = 0, number = 0;
  FILE *in = fopen(words[count - 1], "r");
  while (in && fscanf(in, "%d", &number) == 1) {
    CHECK
    table[filled++] = number;
  }
  int sum = 0;
  while (filled > 0) sum += table[--filled];
  printf("%d\n", sum);
  return 0;
}
"#;

struct Project {
    folder: tempfile::TempDir,
    commits: Vec<String>,
}

impl Project {
    fn git(&self, words: &[&str]) -> String {
        let mut command = Command::new("git");
        command.current_dir(self.folder.path()).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
        let output = command.args(words).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        assert!(output.status.success(), "{words:?} {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&mut self, source: &str) {
        std::fs::write(self.folder.path().join("tally.c"), source).unwrap();
        std::fs::write(self.folder.path().join("NOTES"), self.commits.len().to_string()).unwrap();
        // What is not to be exported is a repository's own wish; a build wants the tree as it was committed.
        std::fs::write(self.folder.path().join(".gitattributes"), "tally.c export-ignore\n").unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "-q", "-m", "next"]);
        let commit = self.git(&["rev-parse", "HEAD"]);
        self.commits.push(commit);
    }

    /// `s` is checked, `f` unchecked, `x` does not build.
    fn made(states: &str) -> Self {
        let mut project = Self { folder: tempfile::tempdir().unwrap(), commits: Vec::new() };
        project.git(&["init", "-q", "-b", "main"]);
        for state in states.chars() {
            let check = match state {
                's' => "if (filled == 8) break;",
                'f' => "",
                _ => "if (",
            };
            project.commit(&TALLY.replace("CHECK", check));
        }
        project
    }

    fn bundle(&self, vulnerable: usize, fixed: usize) -> Bundle {
        let manifest = format!(
            "proof = 1\ntitle = \"a table of eight takes a ninth\"\n[target]\npurl = \"pkg:deb/debian/tally\"\n\
             repo = \"https://example.org/tally.git\"\nvulnerable = \"{}\"\nfixed = \"{}\"\n[runtime]\nkind = \"native\"\n\
             [build]\nscript = \"build.sh\"\n[run]\ncommand = [\"tally\", \"{{input}}\"]\nprogram = \"nine.txt\"\n\
             control = \"two.txt\"\nrepeat = 1\n[oracle]\nkind = \"memory-error\"\n",
            self.commits[vulnerable], self.commits[fixed]
        );
        bundle(&manifest).unwrap()
    }

    fn engine(&self) -> Engine {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("proof-home");
        Engine::open(EngineConfig { repo: Some(self.folder.path().to_owned()), ..config(&home) }).unwrap()
    }

    /// Commits by their places, as letters of the alphabet.
    fn places(&self, commits: &[String]) -> String {
        let place = |commit: &String| self.commits.iter().position(|known| known == commit).unwrap();
        commits.iter().map(|commit| char::from(b'a' + u8::try_from(place(commit)).unwrap())).collect()
    }
}

fn bundle(manifest: &str) -> Result<Bundle, BundleError> {
    let files = [
        ("proof.toml", manifest),
        ("build.sh", "$CC $CFLAGS $LDFLAGS -o $OUT/tally tally.c\n"),
        ("nine.txt", "1 2 3 4 5 6 7 8 9\n"),
        ("two.txt", "1 2\n"),
    ];
    let files: BTreeMap<String, Vec<u8>> =
        files.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect();
    Bundle::from_files(files, Path::new("made"))
}

#[test]
fn a_range_over_commits_ends_at_the_commits_that_brought_and_took_the_defect() {
    let project = Project::made("sssffxffss");
    let (engine, bundle) = (project.engine(), project.bundle(4, 8));
    let report = engine.prove(&bundle, &ProveOptions::default(), watch()).unwrap();
    let wanted = format!("confirmed; {} fired; {} silent", project.commits[4], project.commits[8]);
    assert_eq!(told(&report), wanted, "{:?}", report.grade_reasons);
    assert_eq!(report.runs[0].observation["class"], "Object-size");

    // What lies after the declared fix is not asked for: nine commits, of which all are run.
    let all = engine.range(&bundle, RangeOptions::default(), watch()).unwrap();
    assert_eq!((all.method.as_str(), all.versions_total), ("exhaustive", 9));
    let lists = [&all.fired, &all.silent, &all.inconclusive].map(|list| project.places(list));
    assert_eq!(lists, ["degh", "abci", "f"]);
    assert_eq!((all.unknown[0].reason.as_str(), all.borders.len()), ("build-failed", 2));
    let border = |at: usize| (all.borders[at].kind.as_str(), all.borders[at].after.clone().unwrap());
    assert_eq!(border(0), ("introduced", project.commits[3].clone()));
    assert_eq!(border(1), ("fixed", project.commits[8].clone()));

    let bisect = RangeOptions { method: Method::Bisect, fresh: false };
    let bisected = engine.range(&bundle, bisect, watch()).unwrap();
    assert_eq!(bisected.affected, all.affected);

    let receipt = std::fs::read(report.runs[0].receipt.as_ref().unwrap()).unwrap();
    let replay = engine.verify(&receipt, &VerifyOptions::default(), watch()).unwrap();
    assert!(replay.verified, "{replay:?}");
}

#[test]
fn a_regression_is_found_above_the_last_good_commit_and_a_side_branch_is_no_version() {
    let mut project = Project::made("ss");
    project.git(&["checkout", "-q", "-b", "side"]);
    std::fs::write(project.folder.path().join("MORE"), "more").unwrap();
    project.git(&["add", "."]);
    project.git(&["commit", "-q", "-m", "beside"]);
    let beside = project.git(&["rev-parse", "HEAD"]);
    project.git(&["checkout", "-q", "main"]);
    project.git(&["merge", "-q", "--no-ff", "-m", "join", "side"]);
    let merged = project.git(&["rev-parse", "HEAD"]);
    project.commits.push(merged);
    project.commit(&TALLY.replace("CHECK", ""));
    project.commit(&TALLY.replace("CHECK", "/* later */"));
    let engine = project.engine();
    let range = engine.range(&project.bundle(4, 1), RangeOptions::default(), watch()).unwrap();
    assert_eq!([&range.fired, &range.silent].map(|list| project.places(list)), ["de", "abc"]);

    project.commits[1] = beside;
    let error = error_of(engine.range(&project.bundle(4, 1), RangeOptions::default(), watch()));
    assert!(error.to_string().contains("is not in the first-parent history of"), "{error}");
}

#[test]
fn a_bundle_names_no_local_repository_and_no_branch() {
    let manifest = |repo: &str, version: &str, kind: &str| {
        format!(
            "proof = 1\ntitle = \"a\"\n[target]\npurl = \"pkg:deb/debian/tally\"\nrepo = \"{repo}\"\nvulnerable = \"{version}\"\n\
             [runtime]\nkind = \"{kind}\"\n[build]\nscript = \"build.sh\"\n[run]\ncommand = [\"tally\", \"{{input}}\"]\n\
             program = \"nine.txt\"\ncontrol = \"two.txt\"\n[oracle]\nkind = \"memory-error\"\n"
        )
    };
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let good = "https://example.org/tally.git";
    assert!(bundle(&manifest(good, commit, "native")).is_ok());
    let cases = [
        (manifest("file:///tmp/tally", commit, "native"), "malformed-repo"),
        (manifest("/tmp/tally", commit, "native"), "malformed-repo"),
        (manifest("https://user@example.org/tally", commit, "native"), "malformed-repo"),
        (manifest("ext::sh -c true", commit, "native"), "malformed-repo"),
        (manifest("https://-oProxyCommand=x/y", commit, "native"), "malformed-repo"),
        (manifest(good, "main", "native"), "malformed-commit"),
        (manifest(good, &commit[1..], "native"), "malformed-commit"),
        (manifest(good, "1.0.0", "node"), "repo-not-in-runtime"),
    ];
    for (manifest, code) in cases {
        let said = bundle(&manifest).unwrap_err().to_string();
        assert!(said.contains(code), "{said}");
    }
}
