//! The slow differential suite: each peer is a line of arguments, `ECOSYSTEM PROGRAM ARGUMENT…`, the lines come from standard
//! input. `cargo xtask slow versions` makes the peers and starts this; it prints seed, pairs and differences, and exits 1
//! when an order differs that `docs/versions.md` does not list.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/it/differential.rs"]
mod differential;

use std::process::{Command, ExitCode};
use std::time::Instant;

use versions::Scheme;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (seed, pairs) = match arguments.as_slice() {
        [seed, pairs] => (seed.parse().unwrap(), pairs.parse().unwrap()),
        _ => panic!("use: peers SEED PAIRS < lines of ecosystem, tab, name, tab, program, tab, arguments"),
    };
    let mut failed = false;
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let mut fields = line.split('\t');
        let scheme = Scheme::of_ecosystem(fields.next().unwrap()).unwrap();
        let name = fields.next().unwrap();
        let mut command = Command::new(fields.next().unwrap());
        command.args(fields);
        let started = Instant::now();
        let outcome = differential::differ(scheme, command, seed, pairs);
        println!(
            "{scheme} against {name}: seed {seed}, {pairs} pairs, {} compared, {} order differences; {} read by the peer alone, {} by us alone; {:.0} s",
            outcome.compared,
            outcome.order.count,
            outcome.peer_only.count,
            outcome.ours_only.count,
            started.elapsed().as_secs_f64(),
        );
        for (kind, differences) in
            [("order", &outcome.order), ("peer alone", &outcome.peer_only), ("ours alone", &outcome.ours_only)]
        {
            differences.examples.iter().for_each(|example| println!("    {kind}: {example}"));
        }
        failed |= outcome.order.count > 0;
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
