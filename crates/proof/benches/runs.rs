//! What the engine adds to a proof, against the same programs run by hand: the same Node over the same installed files,
//! without a box, a harness, a receipt. First one proof after the other, then two workers at once. The two kinds are
//! taken in turn, so that a busy machine is busy for both. Prints; judges nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "runs/by_hand.rs"]
mod by_hand;
#[path = "runs/clock.rs"]
mod clock;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;

use by_hand::ByHand;
use clock::{Spent, spread};
use proof::progress::Silent;
use proof::sandbox::SandboxConfig;
use proof::{Bundle, Engine, EngineConfig, ProveOptions, Watch};

/// Bundles whose proofs are run: one loads half a megabyte of JavaScript, one hardly any.
const BUNDLES: [&str; 2] = ["lodash-template-injection", "minimist-constructor"];
/// Proofs of each bundle one after the other.
const ROUNDS: usize = 30;
/// Turns of two workers, and proofs of each worker in one turn.
const TURNS: usize = 8;
const PROOFS_OF_A_TURN: usize = 5;
const WORKERS: usize = 2;
/// What a proof may take of the same runs by hand at the median.
const RATIO_MAX: f64 = 1.25;
/// What two workers must reach of cores by CPU seconds of a bare run.
const SHARE_MIN: f64 = 0.8;

fn main() {
    // Under `cargo test` a bench is only built: the rest needs a registry.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    clock::orphans_adopt();
    let home = tempfile::tempdir().unwrap();
    let init_exe = Some(env!("CARGO_BIN_EXE_proofhouse-box").into());
    let config = EngineConfig {
        home: home.path().to_owned(),
        sandbox: SandboxConfig { init_exe, ..SandboxConfig::default() },
        ..EngineConfig::default()
    };
    let engine = Engine::open(config).unwrap();
    for name in BUNDLES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
        let bundle = Bundle::read(&folder, engine.sandbox()).unwrap();
        // Fetches what is needed and has the oracle test itself, which happens once.
        let report = proved(&engine, &bundle);
        assert_eq!(report.runs[0].verdict, "fired");
        let by_hand = ByHand::lay_out(home.path(), &bundle, &report);
        println!("-- {name}: a proof is {} runs of Node {}", by_hand.runs(), report.runtime);
        let bare_cpu_s = one_by_one(&engine, &bundle, &by_hand);
        two_at_once(&engine, &bundle, &by_hand, bare_cpu_s);
    }
}

fn proved(engine: &Engine, bundle: &Bundle) -> proof::ProveReport {
    let options =
        ProveOptions { versions: vec![bundle.manifest().target.vulnerable.clone()], ..ProveOptions::default() };
    engine.prove(bundle, &options, Watch { progress: &Silent, cancel: &AtomicBool::new(false) }).unwrap()
}

/// Whole proofs in turn with the same runs by hand. Gives the CPU seconds of one bare run.
fn one_by_one(engine: &Engine, bundle: &Bundle, by_hand: &ByHand) -> f64 {
    let (mut boxed, mut bare) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let of_engine = Spent::by(|| drop(proved(engine, bundle)));
        let of_hand = Spent::by(|| by_hand.run_all());
        // The first warms the caches.
        if round > 0 {
            boxed.push(of_engine);
            bare.push(of_hand);
        }
    }
    let wall = |all: &[Spent]| spread(all.iter().map(|spent| spent.wall_s * 1e3));
    let cpu = |all: &[Spent]| spread(all.iter().map(|spent| spent.cpu_s * 1e3));
    let ((of_engine, of_hand), (cpu_engine, cpu_hand)) = ((wall(&boxed), wall(&bare)), (cpu(&boxed), cpu(&bare)));
    println!("whole proof, engine:   {of_engine} ms;  CPU {cpu_engine} ms");
    println!("same runs by hand:     {of_hand} ms;  CPU {cpu_hand} ms");
    println!(
        "ratio of wall time: {:.2} at the median, {:.2} of the least; of CPU time {:.2} (the bar: at most {RATIO_MAX})",
        of_engine.median / of_hand.median,
        of_engine.min / of_hand.min,
        cpu_engine.median / cpu_hand.median
    );
    cpu_hand.median / 1e3 / by_hand.runs() as f64
}

/// Two workers on a warm store, in turn with two that run the same by hand.
fn two_at_once(engine: &Engine, bundle: &Bundle, by_hand: &ByHand, bare_cpu_s: f64) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let workers = |once: &(dyn Fn() + Sync)| {
        Spent::by(|| {
            thread::scope(|scope| {
                for _ in 0..WORKERS {
                    scope.spawn(|| (0..PROOFS_OF_A_TURN).for_each(|_| once()));
                }
            });
        })
    };
    let (mut boxed, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        boxed.push(workers(&|| drop(proved(engine, bundle))));
        bare.push(workers(&|| by_hand.run_all()));
    }
    let runs = (WORKERS * PROOFS_OF_A_TURN * by_hand.runs()) as f64;
    let rate = |all: &[Spent]| spread(all.iter().map(|spent| runs / spent.wall_s));
    let (of_engine, of_hand) = (rate(&boxed), rate(&bare));
    let others = spread(boxed.iter().map(|spent| spent.others_s / spent.wall_s));
    let bound = cores as f64 / bare_cpu_s;
    println!(
        "{WORKERS} workers, engine:     {of_engine} runs a second; others had {:.2} of {cores} cores",
        others.median
    );
    println!("{WORKERS} workers by hand:     {of_hand} runs a second");
    println!(
        "of {cores} cores / {:.1} ms of CPU = {bound:.1} runs a second: {:.2} at the median, {:.2} at best; of what two reach \
         by hand: {:.2} (the bar: at least {SHARE_MIN})",
        bare_cpu_s * 1e3,
        of_engine.median / bound,
        of_engine.max / bound,
        of_engine.median / of_hand.median
    );
}
