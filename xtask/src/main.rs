//! The workshop's own program: `cargo xtask tidy` checks the rules that a machine can check, `cargo xtask tools` fetches what
//! the tests need and Rust does not bring, `cargo xtask bench` measures. It is no part of the product: nothing under
//! `crates/` may depend on it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bench;
mod flakes;
mod ranges;
mod slow;
mod tidy;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USE: &str = "\
use: cargo xtask COMMAND

  tidy    check the rules of the house: prints file:line: message, exits 1 when one is broken
  tools   fetch into target/tools what the tests need beside Rust: Node, validators, PostgreSQL, the OSV schema
          (pinned by digest, from package registries only, no root needed, safe to run again)
  slow versions [SEED PAIRS]
          put a million pairs of versions to each ecosystem's own program; exits 1 when an order differs
  slow fuzz [SEED SECONDS]
          change the tests' inventories for 60 seconds each before every reader; exits 1 when one panics
  slow purl
          put the purl specification's own test suite to the reader of purls; exits 1 when a case differs
  ranges [BUNDLE …] | ranges --check
          measure bundles on all published versions, or go on where it stopped, into docs/ranges.json and docs/ranges.md;
          --check only compares the page and the data with each other and with the bundles
  flakes [--busy] [ROUNDS]
          prove every bundle that names a vulnerable and a fixed version again and again, with every core kept busy or not,
          and write what came out otherwise than declared into docs/flakes.json and docs/flakes.md
  bench proof | triage [symbols [PROGRAM]] | intake | match [index | forward | reverse | curve | process]
          print figures beside what they are compared with: what a box, a proof and fifty installs cost; how well and how
          fast triage sorts; how fast inventories are matched; how many reports a second a server takes in
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["tidy"] => match tidy::run(&root()) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => environment_failure("tidy", &error),
        },
        ["tools"] => match tools::install_all(&root()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => environment_failure("tools", &error),
        },
        ["ranges", "--check"] => match ranges::check(&root()) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => environment_failure("ranges", &error),
        },
        ["ranges", bundles @ ..] => match ranges::measure(&root(), bundles) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => environment_failure("ranges", &error),
        },
        ["flakes", rest @ ..] => match flakes::measure(&root(), rest) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => environment_failure("flakes", &error),
        },
        ["bench", "triage", "here"] => {
            bench::triage::run();
            ExitCode::SUCCESS
        }
        ["bench", "triage", "symbols", program @ ..] => {
            match bench::triage_symbols(&root(), program.first().copied()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => environment_failure("bench", &error),
            }
        }
        ["bench", "match", part] => match bench::matching::run(&root(), Some(part)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => environment_failure("bench", &error),
        },
        ["bench", name] => match bench::run(&root(), name) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => environment_failure("bench", &error),
        },
        ["slow", "versions", rest @ ..] => match slow::versions(&root(), rest) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => environment_failure("slow versions", &error),
        },
        ["slow", "fuzz", rest @ ..] => match slow::fuzz(&root(), rest) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => environment_failure("slow fuzz", &error),
        },
        ["slow", "purl"] => match slow::purl(&root()) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => environment_failure("slow purl", &error),
        },
        ["help" | "--help" | "-h"] => {
            print!("{USE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprint!("{USE}");
            ExitCode::from(2)
        }
    }
}

fn environment_failure(command: &str, error: &anyhow::Error) -> ExitCode {
    eprintln!("{command}: {error:#}");
    ExitCode::from(3)
}

/// The repository's top folder: this package's parent.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}
