//! The long form of the test with changed bytes: every document in the folder that is named, changed for so many seconds each from a
//! seed, before the reader of reports. A panic, or a report that an intake would refuse without a word, ends it; the seed gives the
//! same bytes again. `cargo xtask slow fuzz` runs it.

use std::time::{Duration, Instant};

#[path = "../../formats/examples/fuzz/mutate.rs"]
mod mutate;

/// A document that takes longer is named, in milliseconds.
const SLOW_MS_MIN: u128 = 1_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers = arguments.first().zip(arguments.get(1)).map(|(a, b)| (a.parse::<u64>(), b.parse::<u64>()));
    let (Some((Ok(seed), Ok(seconds))), Some(folder)) = (numbers, arguments.get(2)) else {
        eprintln!("use: fuzz SEED SECONDS FOLDER");
        std::process::exit(2);
    };
    let mut paths: Vec<_> = match std::fs::read_dir(folder) {
        Ok(all) => all.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()).collect(),
        Err(error) => {
            eprintln!("read the folder {folder}: {error}");
            std::process::exit(2);
        }
    };
    paths.sort();
    let documents: Vec<Vec<u8>> = paths.iter().filter_map(|path| std::fs::read(path).ok()).collect();
    let given = intake::Given { purl: Some("pkg:npm/x".to_owned()), ..intake::Given::default() };
    println!("seed {seed}, {} documents, {seconds} s each", documents.len());
    for (number, path) in paths.iter().enumerate() {
        let mut numbers = mutate::Numbers::new(seed.wrapping_add(number as u64));
        let mut own = vec![documents.get(number).cloned().unwrap_or_default(); 8];
        own.extend(documents.iter().cloned());
        let (begun, mut count, mut reports) = (Instant::now(), 0_u64, 0_usize);
        while begun.elapsed() < Duration::from_secs(seconds) {
            let bytes = mutate::mutant(&own, &mut numbers);
            let started = Instant::now();
            let read = intake::read(&bytes, &given).map(|document| document.reports).unwrap_or_default();
            for one in read.iter().filter(|one| one.problem.is_none()) {
                assert!(formats::tap::read_report(&one.body).is_ok(), "number {count} of {}", path.display());
            }
            reports += read.len();
            let _ = intake::facts("x", &bytes);
            let took = started.elapsed().as_millis();
            if took >= SLOW_MS_MIN {
                println!("slow: {took} ms for {} bytes, number {count} of {}", bytes.len(), path.display());
            }
            count += 1;
        }
        println!("{}: {count} changed documents, {reports} reports in them", path.display());
    }
}
